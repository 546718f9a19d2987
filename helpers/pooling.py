"""Pooling: keep one number of every window, its maximum or its mean, and pass gradients back.

Images are (n, h, w, c), sequences (n, t, d). Each channel is pooled alone, and there is nothing to learn.
Numbers keep their precision: float32 in, float32 out. A window that sees a NaN gives NaN.
"""

import numpy as np

from helpers import _expect, _window


def max_pool2d(x, window=2, stride=None, padding="valid"):
    """Keep the largest number of every window, as Keras' MaxPooling2D.

    ``y[n, i, j, c] = max over u, v of x[n, i*stride + u, j*stride + v, c]``. The cells that "same" adds
    around the image are never the largest.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
    window : int or pair of int
        Size of the window, along rows and columns.
    stride : int or pair of int, optional
        Step of the window; left out, it is the size of the window.
    padding : "valid" or "same"
        Windows inside the image only; or as many as it takes for an output of ceil(h / stride) by
        ceil(w / stride).

    Returns
    -------
    array, shape (n, oh, ow, c)
        Sizes as `helpers.conv.output_size` says.

    Raises
    ------
    ValueError
        Wrong axes, integers instead of floating-point numbers, an empty batch, a window that is larger than
        the image, or an unusable window, stride or padding.

    Examples
    --------
    >>> image = np.array([[1.0, 2.0, 0.0, 1.0], [4.0, 3.0, 1.0, 5.0]])
    >>> max_pool2d(image[None, :, :, None])[0, :, :, 0]
    array([[4., 5.]])
    """
    x = _expect.array("x", x, "n h w c")
    moves = _moves(x, window, stride, padding)
    first, *others = _places(moves)
    y = np.empty((len(x), *moves.steps, x.shape[-1]), x.dtype)
    # One image at a time, so that what is compared stays in the processor's cache.
    for image, output in zip(moves.pad(x, -np.inf), y, strict=True):
        output[...] = image[first]
        for place in others:
            np.maximum(output, image[place], out=output)
    return y


def max_pool2d_grad(x, dy, window=2, stride=None, padding="valid"):
    """Gradient of a loss with respect to the argument of `max_pool2d`: each `dy` goes to one pixel.

    If several pixels of a window share the maximum, the first in reading order (row by row) receives all of
    `dy`. TensorFlow does the same. It is one choice among many: at a tie the maximum has no derivative.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
    dy : array, shape (n, oh, ow, c)
        Gradient of the loss with respect to the output of `max_pool2d`.
    window, stride, padding
        As given to `max_pool2d`.

    Returns
    -------
    dx : array, shape (n, h, w, c)
        Where windows overlap, a pixel adds up what they send. A NaN in `dy` reaches its whole window; a
        window whose maximum is NaN passes nothing else.

    Raises
    ------
    ValueError
        As `max_pool2d`, and a `dy` that has not the shape of its output.
    """
    x = _expect.array("x", x, "n h w c")
    moves = _moves(x, window, stride, padding)
    dy = _expect.same_shape("dy", dy, (len(x), *moves.steps, x.shape[-1]))
    places = _places(moves)
    padded = moves.pad(x, -np.inf)
    dx = np.zeros(padded.shape, dy.dtype)
    for image, gradient, output in zip(padded, dx, dy, strict=True):
        cells = np.stack([image[place] for place in places])  # (kh * kw, oh, ow, c)
        winners = cells == cells.max(axis=0)
        taken = np.zeros(output.shape, bool)
        for place, winner in zip(places, winners, strict=True):
            gradient[place] += output * (winner & ~taken)
            taken |= winner
    return moves.crop(dx)


def average_pool2d(x, window=2, stride=None, padding="valid"):
    """Take the mean of every window, as Keras' AveragePooling2D.

    ``y[n, i, j, c] = mean over u, v of x[n, i*stride + u, j*stride + v, c]``. The mean is over pixels of the
    image: the cells that "same" adds around it count neither in the sum nor in the number.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
    window, stride, padding
        As for `max_pool2d`.

    Returns
    -------
    array, shape (n, oh, ow, c)

    Raises
    ------
    ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> image = np.array([[1.0, 2.0, 0.0, 1.0], [4.0, 3.0, 1.0, 5.0]])
    >>> average_pool2d(image[None, :, :, None])[0, :, :, 0]
    array([[2.5 , 1.75]])
    """
    x = _expect.array("x", x, "n h w c")
    moves = _moves(x, window, stride, padding)
    y = np.zeros((len(x), *moves.steps, x.shape[-1]), x.dtype)
    for image, output in zip(moves.pad(x), y, strict=True):
        for place in _places(moves):
            output += image[place]
    return y / _pixels_seen(moves, x.dtype)


def average_pool2d_grad(x, dy, window=2, stride=None, padding="valid"):
    """Gradient of a loss with respect to the argument of `average_pool2d`: all pixels share `dy` equally.

    Parameters
    ----------
    x : array, shape (n, h, w, c)
        Only its shape counts.
    dy : array, shape (n, oh, ow, c)
    window, stride, padding
        As given to `average_pool2d`.

    Returns
    -------
    dx : array, shape (n, h, w, c)

    Raises
    ------
    ValueError
        As `max_pool2d_grad`.
    """
    x = _expect.array("x", x, "n h w c")
    moves = _moves(x, window, stride, padding)
    dy = _expect.same_shape("dy", dy, (len(x), *moves.steps, x.shape[-1]))
    dx = np.zeros((len(x), *moves.padded, x.shape[-1]), dy.dtype)
    for gradient, share in zip(dx, dy / _pixels_seen(moves, dy.dtype), strict=True):
        for place in _places(moves):
            gradient[place] += share
    return moves.crop(dx)


def max_pool1d(x, window=2, stride=None, padding="valid"):
    """Keep the largest number of every window along time: `max_pool2d` with one axis less.

    Parameters
    ----------
    x : array, shape (n, t, d)
    window : int
    stride : int, optional
        Left out, it is the size of the window.
    padding : "valid" or "same"

    Returns
    -------
    array, shape (n, steps, d)

    Raises
    ------
    ValueError
        As `max_pool2d`.
    """
    return _along_time(max_pool2d, x, window=window, stride=stride, padding=padding)


def max_pool1d_grad(x, dy, window=2, stride=None, padding="valid"):
    """Gradient of a loss with respect to the argument of `max_pool1d`; at a tie the earliest step gets it.

    Parameters
    ----------
    x : array, shape (n, t, d)
    dy : array, shape (n, steps, d)
    window, stride, padding
        As given to `max_pool1d`.

    Returns
    -------
    dx : array, shape (n, t, d)

    Raises
    ------
    ValueError
        As `max_pool2d_grad`.
    """
    return _along_time(max_pool2d_grad, x, dy, window=window, stride=stride, padding=padding)


def average_pool1d(x, window=2, stride=None, padding="valid"):
    """Take the mean of every window along time: `average_pool2d` with one axis less.

    Parameters
    ----------
    x : array, shape (n, t, d)
    window, stride, padding
        As for `max_pool1d`.

    Returns
    -------
    array, shape (n, steps, d)

    Raises
    ------
    ValueError
        As `max_pool2d`.
    """
    return _along_time(average_pool2d, x, window=window, stride=stride, padding=padding)


def average_pool1d_grad(x, dy, window=2, stride=None, padding="valid"):
    """Gradient of a loss with respect to the argument of `average_pool1d`.

    Parameters
    ----------
    x : array, shape (n, t, d)
        Only its shape counts.
    dy : array, shape (n, steps, d)
    window, stride, padding
        As given to `average_pool1d`.

    Returns
    -------
    dx : array, shape (n, t, d)

    Raises
    ------
    ValueError
        As `max_pool2d_grad`.
    """
    return _along_time(average_pool2d_grad, x, dy, window=window, stride=stride, padding=padding)


def global_max_pool(x):
    """Keep the largest number of every channel, as Keras' GlobalMaxPooling1D and GlobalMaxPooling2D.

    Parameters
    ----------
    x : array, shape (n, h, w, c) or (n, t, c)

    Returns
    -------
    array, shape (n, c)

    Raises
    ------
    ValueError
        Fewer than 3 axes, integers instead of floating-point numbers, or an empty axis.
    """
    x = _expect.array("x", x, "... n space c")
    return x.max(axis=_space(x))


def global_max_pool_grad(x, dy):
    """Gradient of a loss with respect to the argument of `global_max_pool`.

    If several pixels share the maximum, they share `dy` equally. That is not the choice of `max_pool2d_grad`;
    Keras, too, chooses differently in the two.

    Parameters
    ----------
    x : array, shape (n, h, w, c) or (n, t, c)
    dy : array, shape (n, c)

    Returns
    -------
    dx : array, of the shape of `x`
        A NaN in `dy` reaches the whole channel; a channel whose maximum is NaN passes nothing else.

    Raises
    ------
    ValueError
        As `global_max_pool`, and a `dy` that has not the shape of its output.
    """
    x = _expect.array("x", x, "... n space c")
    dy = _expect.same_shape("dy", dy, (len(x), x.shape[-1]))
    winners = x == x.max(axis=_space(x), keepdims=True)
    share = dy / np.maximum(winners.sum(axis=_space(x)), 1).astype(dy.dtype)  # no winner beside a NaN
    return np.expand_dims(share, _space(x)) * winners


def global_average_pool(x):
    """Take the mean of every channel, as Keras' GlobalAveragePooling1D and GlobalAveragePooling2D.

    Parameters
    ----------
    x : array, shape (n, h, w, c) or (n, t, c)

    Returns
    -------
    array, shape (n, c)

    Raises
    ------
    ValueError
        As `global_max_pool`.
    """
    x = _expect.array("x", x, "... n space c")
    return x.mean(axis=_space(x))


def global_average_pool_grad(x, dy):
    """Gradient of a loss with respect to the argument of `global_average_pool`: all pixels share `dy`.

    Parameters
    ----------
    x : array, shape (n, h, w, c) or (n, t, c)
        Only its shape counts.
    dy : array, shape (n, c)

    Returns
    -------
    dx : array, of the shape of `x`

    Raises
    ------
    ValueError
        As `global_max_pool_grad`.
    """
    x = _expect.array("x", x, "... n space c")
    dy = _expect.same_shape("dy", dy, (len(x), x.shape[-1]))
    pixels = x[0, ..., 0].size
    return np.full(x.shape, np.expand_dims(dy / pixels, _space(x)))


def _moves(x, window, stride, padding):
    """How the window moves over the images."""
    _expect.one_of("padding", padding, ("valid", "same"))
    size = _window.pair("window", window)
    return _window.moving(x.shape[1:3], size, size if stride is None else stride, padding)


def _places(moves):
    """For each cell of the window, row by row, the rows and columns of the padded image that it meets."""
    return [(rows, columns) for _, _, rows, columns in moves.cells()]


def _pixels_seen(moves, dtype):
    """Number of pixels of the image in each window, shape (oh, ow, 1)."""
    inside = moves.pad(np.ones((1, *moves.image, 1), dtype))
    return sum(inside[0][place] for place in _places(moves))


def _along_time(pool, x, *dy, window, stride, padding):
    """Apply a pooling of images to sequences, which lie in images of one row."""
    x = _expect.array("x", x, "n t d")
    dy = [_expect.array("dy", gradient, "n steps d")[:, None] for gradient in dy]
    stride = window if stride is None else stride
    return pool(x[:, None], *dy, (1, window), (1, stride), padding)[:, 0]


def _space(x):
    """Axes between the images and the channels."""
    return tuple(range(1, x.ndim - 1))
