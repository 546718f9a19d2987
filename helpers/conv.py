"""Convolution: slide a small kernel over an image, multiply and add; and the gradients of doing so.

Deep learning calls the sliding sum of products a convolution, although it does not flip the kernel.
Images are (n, h, w, c): n images of h rows, w columns and c channels. Sequences are (n, t, d).
Numbers keep their precision: float32 in, float32 out. A NaN spreads to every output whose window sees it.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import _expect, _window


def conv2d(x, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Slide every kernel over every image; multiply, add over window and channels, add the bias.

    ``y[n, i, j, o] = bias[o] + sum over u, v, c of x[n, i*stride + u*dilation, j*stride + v*dilation, c]
    * kernel[u, v, c, o]``, where `x` has been padded with zeros. Keras' Conv2D computes the same. Strictly it
    is a cross-correlation: see `true_convolve2d`.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    kernel : array, shape (kh, kw, c_in, c_out)
    bias : array, shape (c_out,), optional
        One number for each output channel.
    stride : int or pair of int
        Step of the window along rows and columns.
    padding : "valid", "same" or ((top, bottom), (left, right))
        No zeros; as many as Keras adds to make the output ceil(h / stride) by ceil(w / stride); or so many.
    dilation : int or pair of int
        Distance between neighboring cells of the kernel in the image.

    Returns
    -------
    array, shape (n, oh, ow, c_out)
        Sizes as `output_size` says.

    Raises
    ------
    ValueError
        Wrong axes, channels that do not match, integers instead of floating-point numbers, an empty batch,
        a window that is larger than the padded image, or an unusable stride, padding or dilation.

    Examples
    --------
    >>> image = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    >>> kernel = np.array([[1.0, 0.0], [0.0, -1.0]])
    >>> conv2d(image[None, :, :, None], kernel[:, :, None, None])[0, :, :, 0]
    array([[-4., -4.],
           [-4., -4.]])
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c_in c_out", c_in=x.shape[-1])
    window = _window.moving(x.shape[1:3], kernel.shape[:2], stride, padding, dilation)
    c_out = kernel.shape[-1]
    y = np.empty((len(x), *window.steps, c_out), np.result_type(x, kernel))
    # One image at a time: its patches stay in the processor's cache, and memory does not grow with the batch.
    for image, output in zip(window.pad(x), y, strict=True):
        np.matmul(_patches(image, window), kernel.reshape(-1, c_out), out=output.reshape(-1, c_out))
    return _add_bias(y, bias)


def conv2d_grad(x, kernel, dy, stride=1, padding="valid", dilation=1):
    """Gradients of a loss with respect to the arguments of `conv2d`, given that of its output.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    kernel : array, shape (kh, kw, c_in, c_out)
    dy : array, shape (n, oh, ow, c_out)
        Gradient of the loss with respect to the output of `conv2d`.
    stride, padding, dilation
        As given to `conv2d`.

    Returns
    -------
    dx : array, shape (n, h, w, c_in)
    dkernel : array, shape (kh, kw, c_in, c_out)
    dbias : array, shape (c_out,)

    Raises
    ------
    ValueError
        As `conv2d`, and a `dy` that has not the shape of its output.
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c_in c_out", c_in=x.shape[-1])
    window = _window.moving(x.shape[1:3], kernel.shape[:2], stride, padding, dilation)
    dy = _expect.same_shape("dy", dy, (len(x), *window.steps, kernel.shape[-1]))
    return _spread(dy, kernel, window), _kernel_gradient(x, dy, window), dy.sum(axis=(0, 1, 2))


def true_convolve2d(x, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Convolve as mathematics defines it: turn each kernel by 180 degrees, then slide it as `conv2d` does.

    The flip makes the operation commutative and associative, which signal processing needs; a network that
    learns its kernels does not. Arguments, result and errors are those of `conv2d`. On one channel it equals
    ``scipy.signal.convolve2d(..., mode="valid")``.
    """
    kernel = _expect.array("kernel", kernel, "kh kw c_in c_out")
    return conv2d(x, kernel[::-1, ::-1], bias, stride, padding, dilation)


def output_size(size, window, stride=1, padding="valid", dilation=1):
    """Length of a convolution's output along one axis.

    Parameters
    ----------
    size : int
        Length of the input along this axis.
    window : int
        Length of the kernel along this axis.
    stride, dilation : int
    padding : "valid", "same" or (before, after)

    Returns
    -------
    int
        ``(size + before + after - dilation * (window - 1) - 1) // stride + 1``; with "same" this is
        ``ceil(size / stride)``.

    Raises
    ------
    ValueError
        The window is larger than the padded input, or an argument is not usable.

    Examples
    --------
    >>> output_size(150, 3), output_size(150, 3, padding="same"), output_size(150, 3, stride=2)
    (148, 150, 74)
    """
    return _window.steps(size, window, stride, padding, dilation)


def conv1d(x, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Slide every kernel along every sequence: `conv2d` with one axis less.

    Parameters
    ----------
    x : array, shape (n, t, d_in)
    kernel : array, shape (k, d_in, d_out)
    bias : array, shape (d_out,), optional
    stride, dilation : int
    padding : "valid", "same" or (before, after)
        A causal convolution, which never sees the future, is ``(dilation * (k - 1), 0)``.

    Returns
    -------
    array, shape (n, steps, d_out)

    Raises
    ------
    ValueError
        As `conv2d`.
    """
    x = _expect.array("x", x, "n t d")
    kernel = _expect.array("kernel", kernel, "k d_in d_out", d_in=x.shape[-1])
    y = conv2d(x[:, None], kernel[None], bias, **_as_rows(stride, padding, dilation))
    return y[:, 0]


def conv1d_grad(x, kernel, dy, stride=1, padding="valid", dilation=1):
    """Gradients of a loss with respect to the arguments of `conv1d`, given that of its output.

    Parameters
    ----------
    x : array, shape (n, t, d_in)
    kernel : array, shape (k, d_in, d_out)
    dy : array, shape (n, steps, d_out)
    stride, padding, dilation
        As given to `conv1d`.

    Returns
    -------
    dx : array, shape (n, t, d_in)
    dkernel : array, shape (k, d_in, d_out)
    dbias : array, shape (d_out,)

    Raises
    ------
    ValueError
        As `conv2d_grad`.
    """
    x = _expect.array("x", x, "n t d")
    kernel = _expect.array("kernel", kernel, "k d_in d_out", d_in=x.shape[-1])
    dy = _expect.array("dy", dy, "n steps d_out")
    rows = _as_rows(stride, padding, dilation)
    dx, dkernel, dbias = conv2d_grad(x[:, None], kernel[None], dy[:, None], **rows)
    return dx[:, 0], dkernel[0], dbias


def depthwise_conv2d(x, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Slide `m` kernels of its own over each channel, without adding channels up: Keras' DepthwiseConv2D.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
    kernel : array, shape (kh, kw, c, m)
    bias : array, shape (c * m,), optional
    stride, padding, dilation
        As for `conv2d`.

    Returns
    -------
    array, shape (n, oh, ow, c * m)
        The `m` outputs of the first channel come first.

    Raises
    ------
    ValueError
        As `conv2d`.
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c m", c=x.shape[-1])
    window = _window.moving(x.shape[1:3], kernel.shape[:2], stride, padding, dilation)
    padded = window.pad(x)
    y = np.zeros((len(x), *window.steps, *kernel.shape[2:]), np.result_type(x, kernel))
    for u, v, rows, columns in window.cells():
        y += padded[:, rows, columns, :, None] * kernel[u, v]
    return _add_bias(y.reshape(*y.shape[:3], -1), bias)


def depthwise_conv2d_grad(x, kernel, dy, stride=1, padding="valid", dilation=1):
    """Gradients of a loss with respect to the arguments of `depthwise_conv2d`, given that of its output.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
    kernel : array, shape (kh, kw, c, m)
    dy : array, shape (n, oh, ow, c * m)
    stride, padding, dilation
        As given to `depthwise_conv2d`.

    Returns
    -------
    dx : array, shape (n, h, w, c)
    dkernel : array, shape (kh, kw, c, m)
    dbias : array, shape (c * m,)

    Raises
    ------
    ValueError
        As `conv2d_grad`.
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c m", c=x.shape[-1])
    window = _window.moving(x.shape[1:3], kernel.shape[:2], stride, padding, dilation)
    dy = _expect.same_shape("dy", dy, (len(x), *window.steps, kernel.shape[2] * kernel.shape[3]))
    by_channel = dy.reshape(*dy.shape[:3], *kernel.shape[2:])  # (n, oh, ow, c, m)
    padded = window.pad(x)
    dx = np.zeros(padded.shape, np.result_type(kernel, dy))
    dkernel = np.empty(kernel.shape, np.result_type(x, dy))
    for u, v, rows, columns in window.cells():
        dx[:, rows, columns] += (by_channel * kernel[u, v]).sum(axis=-1)
        dkernel[u, v] = np.einsum("nhwc,nhwcm->cm", padded[:, rows, columns], by_channel)
    return window.crop(dx), dkernel, dy.sum(axis=(0, 1, 2))


def conv2d_transpose(x, kernel, bias=None, stride=1, padding="valid"):
    """Enlarge images: each pixel lays down a copy of the kernel, scaled by its value, `stride` apart.

    It is the `dx` of the `conv2d` that would lead from the output's shape to that of `x`; no inverse. Equals
    Keras' Conv2DTranspose.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    kernel : array, shape (kh, kw, c_out, c_in)
        The channels stand the other way round than in `conv2d`, as in Keras.
    bias : array, shape (c_out,), optional
    stride : int or pair of int
    padding : "valid" or "same"

    Returns
    -------
    array, shape (n, oh, ow, c_out)
        ``oh = h * stride`` with "same", ``h * stride + max(kh - stride, 0)`` with "valid".

    Raises
    ------
    ValueError
        As `conv2d`.
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c_out c_in", c_in=x.shape[-1])
    window = _transposed_window(x.shape[1:3], kernel.shape[:2], stride, padding)
    return _add_bias(_spread(x, kernel, window), bias)


def conv2d_transpose_grad(x, kernel, dy, stride=1, padding="valid"):
    """Gradients of a loss with respect to the arguments of `conv2d_transpose`, given that of its output.

    Parameters
    ----------
    x : array, shape (n, h, w, c_in)
    kernel : array, shape (kh, kw, c_out, c_in)
    dy : array, shape (n, oh, ow, c_out)
    stride, padding
        As given to `conv2d_transpose`.

    Returns
    -------
    dx : array, shape (n, h, w, c_in)
    dkernel : array, shape (kh, kw, c_out, c_in)
    dbias : array, shape (c_out,)

    Raises
    ------
    ValueError
        As `conv2d_grad`.
    """
    x = _expect.array("x", x, "n h w c")
    kernel = _expect.array("kernel", kernel, "kh kw c_out c_in", c_in=x.shape[-1])
    window = _transposed_window(x.shape[1:3], kernel.shape[:2], stride, padding)
    dy = _expect.same_shape("dy", dy, (len(x), *window.image, kernel.shape[2]))
    # The transpose swaps the roles of input and output, so the gradient is a plain convolution of dy.
    dx = conv2d(dy, kernel, stride=stride, padding=padding)
    return dx, _kernel_gradient(dy, x, window), dy.sum(axis=(0, 1, 2))


def _transposed_window(steps, size, stride, padding):
    """Window of the convolution that takes the larger image to one of size `steps`."""
    stride = _window.pair("stride", stride)
    _expect.one_of("padding", padding, ("valid", "same"))
    overhang = [max(k - s, 0) if padding == "valid" else 0 for k, s in zip(size, stride, strict=True)]
    image = [n * s + extra for n, s, extra in zip(steps, stride, overhang, strict=True)]
    return _window.moving(image, size, stride, padding)


def _as_rows(stride, padding, dilation):
    """Options of `conv2d` for sequences that lie in images of one row."""
    return {"stride": (1, stride), "dilation": (1, dilation), "padding": ((0, 0), padding)}


def _patches(image, window):
    """Copy what the window sees at each position into one row, shape (oh * ow, kh * kw * c)."""
    (stride_h, stride_w), (dilation_h, dilation_w) = window.stride, window.dilation
    reach = [d * (k - 1) + 1 for k, d in zip(window.size, window.dilation, strict=True)]
    views = sliding_window_view(image, reach, axis=(0, 1))  # (rows, columns, c, reach, reach), no copy yet
    views = views[::stride_h, ::stride_w, :, ::dilation_h, ::dilation_w]
    return views.transpose(0, 1, 3, 4, 2).reshape(np.prod(window.steps), -1)


def _spread(dy, kernel, window):
    """Send each output's gradient back to the pixels its window saw: the transpose of `conv2d`.

    Shapes: `dy` (n, oh, ow, c_out), `kernel` (kh, kw, c_in, c_out), result (n, h, w, c_in).
    """
    dx = np.zeros((len(dy), *window.padded, kernel.shape[2]), np.result_type(dy, kernel))
    cells = kernel.reshape(-1, *kernel.shape[2:]).swapaxes(1, 2)  # (kh * kw, c_out, c_in)
    cells = np.ascontiguousarray(cells)  # a stack of transposed matrices would be multiplied more slowly
    for image, output in zip(dx, dy, strict=True):
        parts = output.reshape(-1, output.shape[-1]) @ cells  # (kh * kw, oh * ow, c_in)
        for part, (_, _, rows, columns) in zip(parts, window.cells(), strict=True):
            image[rows, columns] += part.reshape(*window.steps, -1)
    return window.crop(dx)


def _kernel_gradient(x, dy, window):
    """Sum over images and positions of patch times output gradient, shape (kh, kw, c_in, c_out)."""
    dkernel = 0
    for image, output in zip(window.pad(x), dy, strict=True):
        dkernel = dkernel + _patches(image, window).T @ output.reshape(-1, dy.shape[-1])
    return dkernel.reshape(*window.size, x.shape[-1], dy.shape[-1])


def _add_bias(y, bias):
    if bias is not None:
        y += _expect.array("bias", bias, "c_out", c_out=y.shape[-1])
    return y
