"""How fast the NumPy layers are, next to TensorFlow, to their own matrix products, and to plain loops.

A benchmark, not a test of speed: it reports, and fails only when the results disagree.
"""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from helpers import attention, conv, mri, optimizers, pooling, recurrent

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def assert_same(ours, theirs, rtol=1e-4):
    """Equal up to float32 sums in another order, relative to the largest entry."""
    for a, b in zip(ours, theirs, strict=True):
        b = np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


# ---------------------------------------------------------------- convolution

SHAPES = [((32, 64, 64, 1), 32), ((32, 31, 31, 32), 64), ((32, 28, 28, 16), 32), ((8, 150, 150, 3), 32)]


def ours_conv2d(x, kernel, bias, dy):
    return conv.conv2d(x, kernel, bias), *conv.conv2d_grad(x, kernel, dy)


def tensorflow_conv2d():
    import tensorflow as tf

    @tf.function
    def step(x, kernel, bias, dy):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, bias])
            y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)
        return y, *tape.gradient(y, [x, kernel, bias], output_gradients=dy)

    return step


def products_of_conv2d(x, kernel, dy):
    """The three matrix products of each image, without making patches or adding them up again."""
    c_out = dy.shape[-1]
    rows = dy[0].reshape(-1, c_out)
    patches, flat = draw(len(rows), kernel.size // c_out), kernel.reshape(-1, c_out)

    def multiply():
        for _ in x:
            patches @ flat, patches.T @ rows, rows @ flat.T

    return multiply


def loops_conv2d(x, kernel, bias, dy):
    y = np.zeros(dy.shape, np.float32) + bias
    dx, dkernel, dbias = np.zeros_like(x), np.zeros_like(kernel), dy.sum(axis=(0, 1, 2))
    for n, i, j, o in np.ndindex(y.shape):
        for a, b, c in np.ndindex(kernel.shape[:3]):
            y[n, i, j, o] += x[n, i + a, j + b, c] * kernel[a, b, c, o]
            dx[n, i + a, j + b, c] += kernel[a, b, c, o] * dy[n, i, j, o]
            dkernel[a, b, c, o] += x[n, i + a, j + b, c] * dy[n, i, j, o]
    return y, dx, dkernel, dbias


@pytest.mark.parametrize(("shape", "c_out"), SHAPES)
def test_conv2d_and_its_gradients(shape, c_out, compare):
    import tensorflow as tf

    n, h, w, c_in = shape
    arguments = draw(*shape), draw(3, 3, c_in, c_out), draw(c_out), draw(n, h - 2, w - 2, c_out)
    x, kernel, bias, dy = arguments
    tensors, step = [tf.constant(a) for a in arguments], tensorflow_conv2d()
    part = x[:1, :5, :5], kernel, bias, dy[:1, :3, :3]
    assert_same(ours_conv2d(*arguments), step(*tensors))
    assert_same(ours_conv2d(*part), loops_conv2d(*part))
    compare(
        f"conv2d ({n}, {h}, {w}, {c_in}→{c_out})",
        lambda: ours_conv2d(*arguments),
        {"TensorFlow": lambda: step(*tensors), "its matrix products": products_of_conv2d(x, kernel, dy)},
        loops=("loops", lambda: loops_conv2d(*part), part[-1].size / dy.size),
    )


@pytest.mark.parametrize("name", ["conv2d", "conv2d_grad"])
def test_memory_of_conv2d(name, benchmark, record):
    x, kernel, bias, dy = draw(8, 150, 150, 3), draw(3, 3, 3, 32), draw(32), draw(8, 148, 148, 32)
    third = {"conv2d": bias, "conv2d_grad": dy}[name]
    tracemalloc.start()
    benchmark.pedantic(getattr(conv, name), (x, kernel, third))
    peak = tracemalloc.get_traced_memory()[1]  # NumPy reports its arrays; x, kernel, bias and dy came before
    tracemalloc.stop()
    record(
        {
            "work": f"{name} (8, 150, 150, 3→32), memory",
            "value": peak / 2**20,
            "limit": 64,
            "unit": "MiB at most",
        }
    )


# ---------------------------------------------------------------- pooling


def loops_max_pool2d(x, dy):
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    for n, i, j, c in np.ndindex(y.shape):
        window = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        y[n, i, j, c] = window.max()
        a, b = divmod(window.argmax(), 2)
        dx[n, 2 * i + a, 2 * j + b, c] += dy[n, i, j, c]
    return y, dx


def test_max_pooling_and_its_gradient(compare):
    import tensorflow as tf

    x, dy = draw(32, 64, 64, 32), draw(32, 32, 32, 32)

    @tf.function
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.max_pool2d(x, 2, 2, "VALID")
        return y, tape.gradient(y, x, output_gradients=dy)

    def ours(x, dy):
        return pooling.max_pool2d(x), pooling.max_pool2d_grad(x, dy)

    tensors, part = (tf.constant(x), tf.constant(dy)), (x[:1, :16, :16], dy[:1, :8, :8])
    assert_same(ours(x, dy), step(*tensors))
    assert_same(ours(*part), loops_max_pool2d(*part))
    compare(
        "max pooling 2×2 (32, 64, 64, 32)",
        lambda: ours(x, dy),
        {"TensorFlow": lambda: step(*tensors)},
        limit=2.0,
        loops=("loops", lambda: loops_max_pool2d(*part), part[1].size / dy.size),
    )


# ---------------------------------------------------------------- sequences


def loops_product(a, b):
    product = np.zeros((len(a), b.shape[1]), np.float32)
    for i, j in np.ndindex(product.shape):
        for k in range(len(b)):
            product[i, j] += a[i, k] * b[k, j]
    return product


def products_in_loops(multiplications):
    """A small product by loops, and its share of so many multiplications."""
    a, b = draw(16, 16), draw(16, 16)
    assert_same([a @ b], [loops_product(a, b)])
    return "its products in loops", lambda: loops_product(a, b), a.size * b.shape[1] / multiplications


def compiled(layer, variables, x, dy, **settings):
    """Forward and gradients of a Keras layer, compiled; `variables` orders the gradients as ours."""
    import tensorflow as tf

    @tf.function(**settings)
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, *tape.gradient(y, [x, *variables], output_gradients=dy)

    arguments = tf.constant(x), tf.constant(dy)
    return lambda: step(*arguments)


def products_of_recurrence(x, kernel, recurrent_kernel):
    """The matrix products of forward and backward: two for each step, and four for all steps together."""
    n, t, d = x.shape
    rows, z = x.reshape(-1, d), draw(n * t, kernel.shape[1])
    h, states = draw(n, len(recurrent_kernel)), draw(n * t, len(recurrent_kernel))

    def multiply():
        rows @ kernel, z @ kernel.T, rows.T @ z, states.T @ z
        for _ in range(t):
            h @ recurrent_kernel, z[:n] @ recurrent_kernel.T

    return multiply


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_layers_and_their_gradients(name, compare):
    import keras

    forward, backward = {
        "LSTM": (recurrent.lstm, recurrent.lstm_grad),
        "GRU": (recurrent.gru, recurrent.gru_grad),
    }[name]
    x, dy = draw(32, 28, 28), draw(32, 28, 128)
    layer = getattr(keras.layers, name)(128, return_sequences=True)
    layer.build(x.shape)
    weights = layer.get_weights()

    def ours():
        y, steps = forward(x, *weights)
        return y, *backward(x, *weights, steps, dy)[:4]

    keras_layer = compiled(layer, layer.trainable_variables, x, dy)
    assert_same(ours(), keras_layer())
    compare(
        f"{name} (32, 28, 28) → 128",
        ours,
        {
            "compiled Keras": keras_layer,
            "Keras with XLA": compiled(layer, layer.trainable_variables, x, dy, jit_compile=True),
            "its matrix products": products_of_recurrence(x, *weights[:2]),
        },
        limit=1.0,
        loops=products_in_loops(3 * 32 * 28 * (weights[0].size + weights[1].size)),
    )


def products_of_attention(n, t, heads, d):
    """The matrix products of forward, and the two of backward that each of them needs."""
    rows, kernel = draw(n * t, heads * d), draw(heads * d, heads * d)
    q, weights = draw(n * heads, t, d), draw(n * heads, t, t)

    def multiply():
        for _ in "query", "key", "value", "output":
            rows @ kernel, rows @ kernel.T, rows.T @ rows
        q @ q.mT, weights @ q, weights.mT @ q
        weights @ q, q @ q.mT, weights.mT @ q

    return multiply


def test_multi_head_attention_and_its_gradients(compare):
    import keras

    n, t, heads, d = 8, 196, 4, 16
    x, dy = draw(n, t, heads * d), draw(n, t, heads * d)
    layer = keras.layers.MultiHeadAttention(heads, d)
    layer.build(x.shape, x.shape)
    params = layer.get_weights()

    def ours():
        y, weights = attention.multi_head_attention(x, x, x, params)
        *dx, dparams = attention.multi_head_attention_grad(x, x, x, params, weights, dy)
        return y, sum(dx), *dparams

    def self_attention(x):
        return layer(x, x)

    keras_layer = compiled(self_attention, layer.trainable_variables, x, dy)
    results, expected = ours(), list(keras_layer())
    # A shift of all keys changes no weight: the gradient of their bias, the fourth, is 0 up to roundings.
    results[2 + 3][...], expected[2 + 3] = 0, np.zeros((heads, d))
    assert_same(results, expected)
    compare(
        "multi-head attention (8, 196, 64), 4 heads",
        ours,
        {
            "compiled Keras": keras_layer,
            "Keras with XLA": compiled(self_attention, layer.trainable_variables, x, dy, jit_compile=True),
            "its matrix products": products_of_attention(n, t, heads, d),
        },
        limit=1.5,
        loops=products_in_loops(3 * n * t * heads * d * (4 * heads * d + 2 * t)),
    )


# ---------------------------------------------------------------- Adam


def loops_adam(param, grad, m, v):
    for i in range(len(param)):
        m[i] = 0.9 * m[i] + 0.1 * grad[i]
        v[i] = 0.999 * v[i] + 0.001 * grad[i] ** 2
        param[i] -= 0.001 * 0.001**0.5 / 0.1 * m[i] / (v[i] ** 0.5 + 1e-7)


def keras_adam(start, gradient, **settings):
    import keras
    import tensorflow as tf

    variable, optimizer, grad = keras.Variable(start), keras.optimizers.Adam(), tf.constant(gradient)
    optimizer.build([variable])
    step = tf.function(lambda: optimizer.apply([grad], [variable]), **settings)
    return step, variable


def test_adam_step(compare):
    start, grad, part = draw(1_000_000), draw(1_000_000), slice(20_000)
    params, state = {"w": start.copy()}, {}
    compiled, variable = keras_adam(start, grad)
    xla, _ = keras_adam(start, grad, jit_compile=True)
    for _ in range(3):
        optimizers.adam(params, {"w": grad}, state)
        compiled()
    assert_same([params["w"]], [variable], rtol=1e-6)  # three steps of 0.001; the largest weight is about 5
    looped = start[part].copy()
    memory = np.zeros_like(looped), np.zeros_like(looped)
    first = {"w": start[part].copy()}
    optimizers.adam(first, {"w": grad[part]}, {})
    loops_adam(looped, grad[part], *memory)
    assert_same([first["w"]], [looped])
    compare(
        "Adam step, 1 M parameters",
        lambda: optimizers.adam(params, {"w": grad}, state),
        {"compiled Keras": compiled, "Keras with XLA": xla},
        limit=1.0,
        loops=("loops", lambda: loops_adam(looped, grad[part], *memory), len(looped) / len(start)),
        rounds=100,
    )


# ---------------------------------------------------------------- brain slices


def test_two_thousand_brain_slices(benchmark, record):
    mri.slices(1, rng=np.random.default_rng(0))  # reads the template
    benchmark.pedantic(lambda: mri.slices(2000, rng=np.random.default_rng(0)), rounds=3)
    seconds = benchmark.stats.stats.min
    record(
        {"work": "mri.slices: 2,000 of 64 by 64 pixels", "value": seconds, "limit": 6, "unit": "s at most"}
    )


# ---------------------------------------------------------------- import

IMPORT = """
import sys, time
start = time.perf_counter()
import helpers.conv
print(time.perf_counter() - start, "tensorflow" in sys.modules)
"""


def test_import_of_conv_does_not_load_tensorflow(benchmark, record):
    seen = []

    def run():
        seen.append(subprocess.check_output([sys.executable, "-c", IMPORT], text=True).split())

    benchmark.pedantic(run, rounds=5)
    assert {loaded for _, loaded in seen} == {"False"}
    seconds = min(float(seconds) for seconds, _ in seen)
    record(
        {"work": "import helpers.conv", "value": seconds, "limit": 0.2, "unit": "s, TensorFlow not loaded"}
    )
