"""Layers that work on vectors: weighted sums, activations, dropout and normalization, and their gradients.

A function of an array x comes with one that turns dy, the gradient of a loss with respect to its output, into
the gradients with respect to its arguments. Numbers keep their precision: float32 in, float32 out. NaN passes
through. The functions hold no state: what training remembers is passed in and returned.
"""

import numpy as np

from helpers import _expect


def affine(x, w, bias=None):
    """Weigh the inputs, add them up, add a bias: ``y[..., j] = bias[j] + sum over i of x[..., i] * w[i, j]``.

    Keras calls this a Dense layer without activation, and `w` its kernel.

    Parameters
    ----------
    x : array, shape (..., d_in)
    w : array, shape (d_in, d_out)
    bias : array, shape (d_out,), optional

    Returns
    -------
    array, shape (..., d_out)

    Raises
    ------
    ValueError
        Shapes that do not match, integers instead of floating-point numbers, or an empty axis.

    Examples
    --------
    >>> affine(np.array([1.0, 2.0]), np.array([[3.0, 5.0], [4.0, 6.0]]), np.array([0.5, 0.0]))
    array([11.5, 17. ])
    """
    x = _expect.array("x", x, "... d_in")
    w = _expect.array("w", w, "d_in d_out", d_in=x.shape[-1])
    return x @ w if bias is None else x @ w + _expect.same_shape("bias", bias, w.shape[1:])


def affine_grad(x, w, dy):
    """Gradients of a loss with respect to the arguments of `affine`, given that of its output.

    ``dx = dy w^T``, ``dw = x^T dy``, and ``dbias`` adds up `dy` over all rows.

    Parameters
    ----------
    x : array, shape (..., d_in)
    w : array, shape (d_in, d_out)
    dy : array, shape (..., d_out)

    Returns
    -------
    dx : array, shape (..., d_in)
    dw : array, shape (d_in, d_out)
    dbias : array, shape (d_out,)

    Raises
    ------
    ValueError
        As `affine`, and a `dy` that has not the shape of its output.
    """
    x = _expect.array("x", x, "... d_in")
    w = _expect.array("w", w, "d_in d_out", d_in=x.shape[-1])
    dy = _expect.same_shape("dy", dy, (*x.shape[:-1], w.shape[1]))
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ drows, drows.sum(axis=0)


# ---------------------------------------------------------------- activations


def relu(x):
    """Cut off below zero: ``max(x, 0)``.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        Integers instead of floating-point numbers, or an empty array.
    """
    return np.maximum(_expect.array("x", x, "..."), 0)


def relu_grad(x, dy):
    """Gradient of a loss with respect to the argument of `relu`: `dy` where ``x > 0``, else 0.

    At 0, where the slope jumps from 0 to 1, it is 0, as in TensorFlow. Where `x` is NaN it is 0 too.

    Parameters
    ----------
    x, dy : array, of one shape

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`, and a `dy` that has not the shape of `x`.
    """
    x, dy = _with_gradient(x, dy)
    return dy * (x > 0)


def leaky_relu(x, negative_slope=0.2):
    """Keep numbers above zero, shrink those below: ``x if x > 0 else negative_slope * x``.

    Parameters
    ----------
    x : array, any shape
    negative_slope : float
        Finite and at least 0. The default is that of ``keras.activations.leaky_relu``; the layer
        ``keras.layers.LeakyReLU`` has 0.3.

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`, or a slope below 0 or not finite.
    """
    x = _expect.array("x", x, "...")
    return x * _slope(x, negative_slope)


def leaky_relu_grad(x, dy, negative_slope=0.2):
    """Gradient of a loss with respect to the argument of `leaky_relu`.

    At 0, where the slope jumps, it is the negative slope, as in TensorFlow; also where `x` is NaN.

    Parameters
    ----------
    x, dy : array, of one shape
    negative_slope : float
        As given to `leaky_relu`.

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `leaky_relu`, and a `dy` that has not the shape of `x`.
    """
    x, dy = _with_gradient(x, dy)
    return dy * _slope(x, negative_slope)


def gelu(x):
    """Weigh each number with the share of a normal distribution that lies below it: ``x * Phi(x)``.

    `Phi` is the distribution function of the standard normal, ``(1 + erf(x / sqrt(2))) / 2``. This is the
    exact form, Keras' default. (Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.)

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`.
    """
    x = _expect.array("x", x, "...")
    return x * _normal_below(x)


def gelu_grad(x, dy):
    """Gradient of a loss with respect to the argument of `gelu`: ``dy * (Phi(x) + x * phi(x))``.

    `phi` is the density of the standard normal, ``exp(-x**2 / 2) / sqrt(2 * pi)``.

    Parameters
    ----------
    x, dy : array, of one shape

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu_grad`.
    """
    x, dy = _with_gradient(x, dy)
    density = np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
    return dy * (_normal_below(x) + x * density)


def sigmoid(x):
    """Squeeze any number into (0, 1): ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array, any shape
        Of any size: nothing overflows.

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    x = _expect.array("x", x, "...")
    # exp(x) / (1 + exp(x)) left of zero and 1 / (1 + exp(-x)) right of it: no exponent is above 0.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def sigmoid_grad(x, dy):
    """Gradient of a loss with respect to the argument of `sigmoid`: ``dy * y * (1 - y)``, `y` its output.

    Parameters
    ----------
    x, dy : array, of one shape

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu_grad`.
    """
    x, dy = _with_gradient(x, dy)
    return dy * sigmoid(x) * sigmoid(-x)  # sigmoid(-x) is 1 - y, and keeps its digits where y is almost 1


def tanh(x):
    """Squeeze any number into (-1, 1): the hyperbolic tangent, ``2 * sigmoid(2 * x) - 1``.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`.
    """
    return np.tanh(_expect.array("x", x, "..."))


def tanh_grad(x, dy):
    """Gradient of a loss with respect to the argument of `tanh`: ``dy * (1 - y**2)``, `y` its output.

    Parameters
    ----------
    x, dy : array, of one shape

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu_grad`.
    """
    x, dy = _with_gradient(x, dy)
    return dy * (1 - np.tanh(x) ** 2)


def softmax(x, axis=-1):
    """Turn numbers into shares that are positive and add up to 1: ``exp(x) / sum of exp(x)``.

    Parameters
    ----------
    x : array, any shape with at least one axis
        Of any size: nothing overflows. Minus infinity gets the share 0, unless all of the others have it too;
        then, and beside plus infinity, the shares are NaN.
    axis : int or tuple of int
        Along which the shares add up to 1.

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `relu`, or an axis that `x` does not have.

    Examples
    --------
    >>> softmax(np.log([1.0, 2.0, 5.0]))
    array([0.125, 0.25 , 0.625])
    """
    x = _expect.array("x", x, "... classes")
    powers = np.exp(x - x.max(axis=axis, keepdims=True))  # the shares stay the same, the exponents at most 0
    return powers / powers.sum(axis=axis, keepdims=True)


def softmax_grad(x, dy, axis=-1):
    """Gradient of a loss with respect to the argument of `softmax`: ``y * (dy - sum of dy * y)``.

    `y` is the output of `softmax`.

    Parameters
    ----------
    x, dy : array, of one shape
    axis : int or tuple of int
        As given to `softmax`.

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `softmax`, and a `dy` that has not the shape of `x`.
    """
    y = softmax(x, axis)
    dy = _expect.same_shape("dy", dy, y.shape)
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax(x, axis=-1):
    """Logarithm of `softmax`, ``x - log sum of exp(x)``: finite also where a share is too small for a number.

    Parameters
    ----------
    x : array, any shape with at least one axis
    axis : int or tuple of int

    Returns
    -------
    array, of the shape of `x`

    Raises
    ------
    ValueError
        As `softmax`.

    Examples
    --------
    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    x = _expect.array("x", x, "... classes")
    below = x - x.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def log_softmax_grad(x, dy, axis=-1):
    """Gradient of a loss with respect to the argument of `log_softmax`: ``dy - softmax(x) * sum of dy``.

    Parameters
    ----------
    x, dy : array, of one shape
    axis : int or tuple of int
        As given to `log_softmax`.

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `softmax_grad`.
    """
    y = softmax(x, axis)
    dy = _expect.same_shape("dy", dy, y.shape)
    return dy - y * dy.sum(axis=axis, keepdims=True)


# ---------------------------------------------------------------- dropout


def dropout(x, rate, rng):
    """Set a random part of the numbers to zero and enlarge the rest, so that the expected value stays.

    Only while training; to predict, leave it out. This is "inverted" dropout, as in Keras. (Srivastava et al.
    2014, "Dropout: a simple way to prevent neural networks from overfitting".)

    Parameters
    ----------
    x : array, any shape
    rate : float
        Probability with which a number is dropped, in [0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    y : array, of the shape of `x`
        ``x * mask``.
    mask : array, of the shape of `x`
        0 where a number was dropped, ``1 / (1 - rate)`` elsewhere. `dropout_grad` needs it.

    Raises
    ------
    ValueError
        As `relu`, or a rate outside [0, 1).
    """
    x = _expect.array("x", x, "...")
    _expect.fraction("rate", rate)
    mask = (rng.random(x.shape) >= rate).astype(x.dtype) / float(1 - rate)
    return x * mask, mask


def dropout_grad(mask, dy):
    """Gradient of a loss with respect to the first argument of `dropout`: ``dy * mask``.

    Parameters
    ----------
    mask : array, any shape
        As `dropout` returned it.
    dy : array, of the shape of `mask`

    Returns
    -------
    dx : array, of the shape of `mask`

    Raises
    ------
    ValueError
        Shapes that differ, or integers instead of floating-point numbers.
    """
    mask = _expect.array("mask", mask, "...")
    return _expect.same_shape("dy", dy, mask.shape) * mask


# ---------------------------------------------------------------- normalization


def batch_norm(x, gamma, beta, running_mean, running_variance, momentum=0.99, epsilon=1e-3):
    """Give every channel of a batch the mean `beta` and the standard deviation `gamma`: for training.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, where mean and variance (divided by the
    number of values, not by one less) are those of the channel over all other axes. (Ioffe and Szegedy 2015,
    arXiv:1502.03167, algorithm 1; defaults of Keras.)

    Parameters
    ----------
    x : array, shape (..., n, c)
    gamma, beta : array, shape (c,)
        New standard deviation and mean, which the network learns.
    running_mean, running_variance : array, shape (c,)
        Averages over the batches so far, left as they are. Start with zeros and ones.
    momentum : float
        How much of the averages stays, in [0, 1): ``running = momentum * running + (1 - momentum) * batch``.
        PyTorch calls one minus this number momentum.
    epsilon : float
        Finite and at least 0; keeps the division defined for a constant channel.

    Returns
    -------
    y : array, shape (..., n, c)
    running_mean, running_variance : array, shape (c,)
        New arrays, for the next batch and for `batch_norm_inference`.

    Raises
    ------
    ValueError
        Shapes that do not match, integers instead of floating-point numbers, an empty batch, or a momentum or
        an epsilon that cannot be.
    """
    x = _expect.array("x", x, "... n c")
    _expect.fraction("momentum", momentum)
    running_mean = _expect.same_shape("running_mean", running_mean, x.shape[-1:])
    running_variance = _expect.same_shape("running_variance", running_variance, x.shape[-1:])
    mean, variance = x.mean(axis=_leading(x)), x.var(axis=_leading(x))
    y = batch_norm_inference(x, gamma, beta, mean, variance, epsilon)
    running_mean = momentum * running_mean + (1 - momentum) * mean
    return y, running_mean, momentum * running_variance + (1 - momentum) * variance


def batch_norm_grad(x, gamma, dy, epsilon=1e-3):
    """Gradients of a loss with respect to the first three arguments of `batch_norm`.

    The mean and the variance of the batch depend on `x` too, so every row of a batch moves every other. No
    gradient flows through the running averages.

    Parameters
    ----------
    x : array, shape (..., n, c)
    gamma : array, shape (c,)
    dy : array, shape (..., n, c)
    epsilon : float
        As given to `batch_norm`.

    Returns
    -------
    dx : array, shape (..., n, c)
    dgamma, dbeta : array, shape (c,)

    Raises
    ------
    ValueError
        As `batch_norm`, and a `dy` that has not the shape of `x`.
    """
    x = _expect.array("x", x, "... n c")
    return _normalized_grad(x, gamma, dy, epsilon, axis=_leading(x))


def batch_norm_inference(x, gamma, beta, running_mean, running_variance, epsilon=1e-3):
    """Normalize with the averages of training in place of the batch's own: for predicting.

    ``y = gamma * (x - running_mean) / sqrt(running_variance + epsilon) + beta``: one row does not depend on
    the others.

    Parameters
    ----------
    x : array, shape (..., c)
    gamma, beta, running_mean, running_variance : array, shape (c,)
    epsilon : float
        As given to `batch_norm`.

    Returns
    -------
    y : array, shape (..., c)

    Raises
    ------
    ValueError
        As `batch_norm`.
    """
    x = _expect.array("x", x, "... c")
    beta = _expect.same_shape("beta", beta, x.shape[-1:])
    centered, deviation = _by_running(x, running_mean, running_variance, epsilon)
    return _expect.same_shape("gamma", gamma, x.shape[-1:]) * (centered / deviation) + beta


def batch_norm_inference_grad(x, gamma, running_mean, running_variance, dy, epsilon=1e-3):
    """Gradients of a loss with respect to the first three arguments of `batch_norm_inference`.

    The averages are constants here, so ``dx = dy * gamma / sqrt(running_variance + epsilon)``.

    Parameters
    ----------
    x : array, shape (..., c)
    gamma, running_mean, running_variance : array, shape (c,)
    dy : array, shape (..., c)
    epsilon : float
        As given to `batch_norm_inference`.

    Returns
    -------
    dx : array, shape (..., c)
    dgamma, dbeta : array, shape (c,)

    Raises
    ------
    ValueError
        As `batch_norm_grad`.
    """
    x = _expect.array("x", x, "... c")
    dy = _expect.same_shape("dy", dy, x.shape)
    gamma = _expect.same_shape("gamma", gamma, x.shape[-1:])
    centered, deviation = _by_running(x, running_mean, running_variance, epsilon)
    dgamma = (dy * (centered / deviation)).sum(axis=_leading(x))
    return dy * (gamma / deviation), dgamma, dy.sum(axis=_leading(x))


def layer_norm(x, gamma, beta, epsilon=1e-3):
    """Give every row the mean 0 and the standard deviation 1, then scale and shift each feature.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, where mean and variance are those of the
    row, over the last axis; so no row depends on another, and training and predicting do the same. (Ba, Kiros
    and Hinton 2016, arXiv:1607.06450, equation 4; defaults of Keras.)

    Parameters
    ----------
    x : array, shape (..., d)
    gamma, beta : array, shape (d,)
    epsilon : float
        Finite and at least 0.

    Returns
    -------
    array, shape (..., d)

    Raises
    ------
    ValueError
        Shapes that do not match, integers instead of floating-point numbers, an empty axis, or an epsilon
        that is negative or not finite.
    """
    x = _expect.array("x", x, "... d")
    normal, _ = _normalize(x, -1, epsilon)
    gamma = _expect.same_shape("gamma", gamma, x.shape[-1:])
    return gamma * normal + _expect.same_shape("beta", beta, x.shape[-1:])


def layer_norm_grad(x, gamma, dy, epsilon=1e-3):
    """Gradients of a loss with respect to the first three arguments of `layer_norm`.

    Parameters
    ----------
    x : array, shape (..., d)
    gamma : array, shape (d,)
    dy : array, shape (..., d)
    epsilon : float
        As given to `layer_norm`.

    Returns
    -------
    dx : array, shape (..., d)
    dgamma, dbeta : array, shape (d,)

    Raises
    ------
    ValueError
        As `layer_norm`, and a `dy` that has not the shape of `x`.
    """
    return _normalized_grad(_expect.array("x", x, "... d"), gamma, dy, epsilon, axis=-1)


def _with_gradient(x, dy):
    x = _expect.array("x", x, "...")
    return x, _expect.same_shape("dy", dy, x.shape)


def _slope(x, negative_slope):
    _expect.not_negative("negative_slope", negative_slope)
    return np.where(x > 0, 1, negative_slope).astype(x.dtype)


def _normal_below(x):
    """Distribution function of the standard normal.

    NumPy has no error function. SciPy's keeps all digits, also far to the left, where 1 + erf cancels; a
    formula of our own would need some thirty coefficients that explain nothing.
    """
    from scipy.special import ndtr

    return ndtr(x)


def _leading(x):
    """All axes but the last."""
    return tuple(range(x.ndim - 1))


def _by_running(x, mean, variance, epsilon):
    """Distance from the mean, and standard deviation."""
    _expect.not_negative("epsilon", epsilon)
    mean = _expect.same_shape("running_mean", mean, x.shape[-1:])
    variance = _expect.same_shape("running_variance", variance, x.shape[-1:])
    return x - mean, np.sqrt(variance + epsilon)


def _normalize(x, axis, epsilon):
    """Return `x` with mean 0 and standard deviation 1 along `axis`, and the deviation it was divided by."""
    _expect.not_negative("epsilon", epsilon)
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + epsilon)
    return (x - x.mean(axis=axis, keepdims=True)) / deviation, deviation


def _normalized_grad(x, gamma, dy, epsilon, axis):
    """Gradients of ``gamma * normalized + beta`` with respect to x, gamma and beta."""
    gamma = _expect.same_shape("gamma", gamma, x.shape[-1:])
    dy = _expect.same_shape("dy", dy, x.shape)
    normal, deviation = _normalize(x, axis, epsilon)
    dnormal = dy * gamma
    # Neither a shift nor a change of scale of x moves the output: take those two parts out of the gradient.
    shift = dnormal.mean(axis=axis, keepdims=True)
    scale = normal * (dnormal * normal).mean(axis=axis, keepdims=True)
    dx = (dnormal - shift - scale) / deviation
    return dx, (dy * normal).sum(axis=_leading(x)), dy.sum(axis=_leading(x))
