"""What several test modules compare with."""

from helpers import dense
from helpers.layers import BatchNorm, Conv2D, Dense, Flatten, Function, Sequential, he_normal
from helpers.pooling import max_pool2d, max_pool2d_grad

RELU = dense.relu, dense.relu_grad


def small_cnn(rng, dtype="float32"):
    """Convolution, batch normalization, pooling, a strided convolution, two dense layers: 8×8 pixels to 3."""
    return Sequential(
        Conv2D(1, 4, 3, rng, padding="same", dtype=dtype),
        BatchNorm(4, dtype=dtype),
        Function(*RELU),
        Function(max_pool2d, max_pool2d_grad, window=2),
        Conv2D(4, 6, 3, rng, initialize=he_normal, stride=2, padding="same", dtype=dtype),
        Function(*RELU),
        Flatten(),
        Dense(24, 5, rng, dtype=dtype),
        Function(dense.gelu, dense.gelu_grad),
        Dense(5, 3, rng, dtype=dtype),
    )


def keras_gradients(function, *arguments, dy=None, weights=()):
    """Outputs of a Keras function, and the gradients of the first one: of the arguments, then of `weights`.

    Without `dy` the first output is a loss.
    """
    import tensorflow as tf

    tensors = [tf.constant(argument) for argument in arguments]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(*tensors)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    dy = None if dy is None else tf.constant(dy)
    found = tape.gradient(outputs[0], [*tensors, *weights], dy, unconnected_gradients="zero")
    return [array.numpy() for array in (*outputs, *found)]
