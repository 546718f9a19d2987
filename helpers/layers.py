"""Layers of a network and the network of them: the functions of the other modules, with their arrays.

A network of ours is a `Sequential` of layers. Every layer, and the whole, keeps one contract:

    params                 dict of the arrays that it learns
    averages               dict of the arrays that it only keeps track of
    forward(x, training)   the output; remembers what `backward` needs
    backward(dy)           the gradient of `x`; puts the gradients of `params` into
    grads                  a dict of the same names
"""

import numpy as np

from helpers import conv, dense


def glorot_uniform(shape, rng):
    """Draw first values that keep the numbers' spread on the way forward and backward: Keras' default.

    Uniform in ±sqrt(6 / (fan_in + fan_out)), where the fans count the numbers that one output adds up and
    those that one input is sent to. (Glorot and Bengio 2010, "Understanding the difficulty of training deep
    feedforward neural networks", equation 16.)

    Parameters
    ----------
    shape : tuple of int
        Of a kernel: (..., c_in, c_out).
    rng : numpy.random.Generator

    Returns
    -------
    array of `shape`, float64
    """
    limit = (6 / sum(_fans(shape))) ** 0.5
    return rng.uniform(-limit, limit, shape)


def he_normal(shape, rng):
    """Draw first values for a layer that is followed by `relu`, which removes half of the numbers.

    Normal with mean 0 and standard deviation sqrt(2 / fan_in). (He et al. 2015, "Delving deep into
    rectifiers", arXiv:1502.01852, equation 10. Keras cuts the normal off at two standard deviations.)

    Parameters
    ----------
    shape, rng
        As in `glorot_uniform`.

    Returns
    -------
    array of `shape`, float64
    """
    return rng.normal(scale=(2 / _fans(shape)[0]) ** 0.5, size=shape)


def _fans(shape):
    *window, c_in, c_out = shape
    return int(np.prod(window)) * c_in, int(np.prod(window)) * c_out


class Layer:
    """What all layers share: no parameters, unless a layer adds some."""

    def __init__(self):
        """Start without arrays."""
        self.params, self.grads, self.averages = {}, {}, {}


class Function(Layer):
    """A function without parameters as a layer.

    Parameters
    ----------
    function, gradient : callable
        ``function(x, **settings)`` and ``gradient(x, dy, **settings)``, such as `relu` and `relu_grad` of
        `helpers.dense`, or `max_pool2d` and `max_pool2d_grad` of `helpers.pooling`.
    **settings
        Passed on to both.
    """

    def __init__(self, function, gradient, **settings):
        """Keep the functions and their settings."""
        super().__init__()
        self.function, self.gradient, self.settings = function, gradient, settings

    def forward(self, x, training=False):
        """Apply the function to `x`."""
        self._x = x
        return self.function(x, **self.settings)

    def backward(self, dy):
        """Return the gradient with respect to the last `x`."""
        return self.gradient(self._x, dy, **self.settings)


class Weighted(Function):
    """A function with a kernel and a bias as a layer.

    Parameters
    ----------
    function, gradient : callable
        ``function(x, kernel, bias, **settings)`` and ``gradient(x, kernel, dy, **settings)``, which returns
        the gradients of `x`, `kernel` and `bias`, such as `affine` of `helpers.dense` and all convolutions of
        `helpers.conv`.
    kernel, bias : numpy.ndarray
        First values. Training changes them in place.
    **settings
        Passed on to both.
    """

    def __init__(self, function, gradient, kernel, bias, **settings):
        """Keep the functions, their settings, and the arrays themselves."""
        super().__init__(function, gradient, **settings)
        self.params = {"kernel": kernel, "bias": bias}

    def forward(self, x, training=False):
        """Apply the function to `x`."""
        self._x = x
        return self.function(x, *self.params.values(), **self.settings)

    def backward(self, dy):
        """Return the gradient with respect to the last `x`, and keep those of kernel and bias."""
        dx, *gradients = self.gradient(self._x, self.params["kernel"], dy, **self.settings)
        self.grads = dict(zip(self.params, gradients, strict=True))
        return dx


class Dense(Weighted):
    """Weighted sums of all inputs, `helpers.dense.affine`: (n, d_in) to (n, d_out). The bias starts at 0."""

    def __init__(self, d_in, d_out, rng, initialize=glorot_uniform, dtype="float32"):
        """Draw the kernel by ``initialize(shape, rng)``."""
        kernel = initialize((d_in, d_out), rng).astype(dtype)
        super().__init__(dense.affine, dense.affine_grad, kernel, np.zeros(d_out, dtype))


class Conv2D(Weighted):
    """Square kernels that slide over images, `helpers.conv.conv2d`: (n, h, w, c_in) to (n, oh, ow, c_out)."""

    def __init__(self, c_in, c_out, size, rng, initialize=glorot_uniform, dtype="float32", **settings):
        """Draw the kernels as `Dense` does; `settings` are stride, padding and dilation."""
        kernel = initialize((size, size, c_in, c_out), rng).astype(dtype)
        super().__init__(conv.conv2d, conv.conv2d_grad, kernel, np.zeros(c_out, dtype), **settings)


class Flatten(Layer):
    """Put all numbers of one image into one row: (n, ...) to (n, d)."""

    def forward(self, x, training=False):
        """Return `x` with two axes."""
        self._shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy):
        """Return `dy` in the shape of the last `x`."""
        return dy.reshape(self._shape)


class Dropout(Layer):
    """Drop a random part of the numbers while training, `helpers.dense.dropout`; pass all on otherwise."""

    def __init__(self, rate, rng):
        """Keep the probability `rate` with which a number is dropped."""
        super().__init__()
        self.rate, self.rng = rate, rng

    def forward(self, x, training=False):
        """Return `x`, partly zero while training."""
        if not training:
            self._mask = np.ones_like(x)
            return x
        y, self._mask = dense.dropout(x, self.rate, self.rng)
        return y

    def backward(self, dy):
        """Return the gradient with respect to the last `x`."""
        return dense.dropout_grad(self._mask, dy)


class BatchNorm(Layer):
    """Normalize each of `c` channels, `helpers.dense.batch_norm`; when not training, by the averages."""

    def __init__(self, c, momentum=0.99, epsilon=1e-3, dtype="float32"):
        """Start with the scale and the variance 1, the shift and the mean 0."""
        super().__init__()
        self.params = {"gamma": np.ones(c, dtype), "beta": np.zeros(c, dtype)}
        self.averages = {"mean": np.zeros(c, dtype), "variance": np.ones(c, dtype)}
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, x, training=False):
        """Return `x` normalized; while training, update the averages."""
        self._x, self._training = x, training
        arguments = x, *self.params.values(), *self.averages.values()
        if not training:
            return dense.batch_norm_inference(*arguments, self.epsilon)
        y, *averages = dense.batch_norm(*arguments, self.momentum, self.epsilon)
        for kept, new in zip(self.averages.values(), averages, strict=True):
            kept[...] = new
        return y

    def backward(self, dy):
        """Return the gradient with respect to the last `x`, and keep those of gamma and beta."""
        gamma, averages = self.params["gamma"], self.averages.values()
        if self._training:
            dx, *gradients = dense.batch_norm_grad(self._x, gamma, dy, self.epsilon)
        else:
            dx, *gradients = dense.batch_norm_inference_grad(self._x, gamma, *averages, dy, self.epsilon)
        self.grads = dict(zip(self.params, gradients, strict=True))
        return dx


class Sequential:
    """A network whose layers follow one another; it keeps the contract of a layer.

    The parameter `kernel` of the first layer is called ``"0.kernel"`` in `params` and `grads`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Flatten(), Dense(12, 2, rng))
    >>> model.forward(np.ones((5, 3, 4))).shape
    (5, 2)
    >>> {name: array.shape for name, array in model.params.items()}
    {'1.kernel': (12, 2), '1.bias': (2,)}
    """

    def __init__(self, *layers):
        """Keep the layers in the order of the way forward."""
        self.layers = layers

    @property
    def params(self):
        """The arrays themselves, by name: what changes them in place changes the network."""
        return self._collect("params")

    @property
    def grads(self):
        """Gradients of `params` after `backward`."""
        return self._collect("grads")

    @property
    def averages(self):
        """Arrays that the layers keep track of and do not learn, such as the running means of `BatchNorm`."""
        return self._collect("averages")

    @property
    def weights(self):
        """All that makes the network what it is: `params` and `averages`."""
        return self.params | self.averages

    def forward(self, x, training=False):
        """Send `x` through all layers."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dy):
        """Send `dy` back through all layers; return the gradient with respect to the last `x`."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def _collect(self, kind):
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in getattr(layer, kind).items()
        }
