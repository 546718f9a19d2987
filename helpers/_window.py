"""A window that moves over images: where it stops and which pixels it meets, for `conv` and `pooling`."""

from typing import NamedTuple

import numpy as np

from helpers import _expect


class Window(NamedTuple):
    """How a window moves over an image; each field is (for rows, for columns)."""

    image: tuple  # size of the image before padding
    size: tuple  # cells of the window
    stride: tuple
    dilation: tuple
    margins: tuple  # cells added around the image: ((top, bottom), (left, right))
    steps: tuple  # positions of the window, the size of the output

    @property
    def padded(self):
        """Size of the image with its margins."""
        return tuple(size + sum(margins) for size, margins in zip(self.image, self.margins, strict=True))

    def cells(self):
        """Yield each cell (u, v) with the rows and columns of the padded image that it meets."""
        for u, v in np.ndindex(self.size):
            yield u, v, self._met_by(u, axis=0), self._met_by(v, axis=1)

    def _met_by(self, cell, axis):
        start, stride = cell * self.dilation[axis], self.stride[axis]
        return slice(start, start + (self.steps[axis] - 1) * stride + 1, stride)

    def pad(self, x, value=0):
        """Put the margins around images, shape (n, h, w, c)."""
        if not np.any(self.margins):
            return x
        return np.pad(x, ((0, 0), *self.margins, (0, 0)), constant_values=value)

    def crop(self, padded):
        """Take the margins away again."""
        starts = zip(self.margins, self.image, strict=True)
        rows, columns = (slice(before, before + size) for (before, _), size in starts)
        return padded[:, rows, columns]


def moving(image, size, stride, padding, dilation=1):
    """Window of `size` that moves over an `image` of so many rows and columns; see `helpers.conv.conv2d`."""
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    paddings = (padding, padding) if isinstance(padding, str) else _two("padding", padding)
    axes = list(zip(image, size, stride, paddings, dilation, strict=True))
    margins = tuple(_margins(*axis) for axis in axes)
    return Window(tuple(image), size, stride, dilation, margins, tuple(steps(*axis) for axis in axes))


def steps(size, window, stride, padding, dilation):
    """Positions of a window along one axis; see `helpers.conv.output_size`."""
    before, after = _margins(size, window, stride, padding, dilation)
    reach = dilation * (window - 1) + 1
    if reach > size + before + after:
        raise ValueError(
            f"the window must fit into the padded input, received a window that spans {reach} "
            f"for an input of {size} + {before + after}"
        )
    return (size + before + after - reach) // stride + 1


def pair(name, value):
    """Return `value` for rows and columns, of which it may be given once or twice."""
    return (value, value) if isinstance(value, int | np.integer) else _two(name, value)


def _two(name, value):
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        expected = '"valid", "same" or a pair for each axis' if name == "padding" else "an integer or a pair"
        raise ValueError(f"{name} must be {expected}, received {value!r}")
    return tuple(value)


def _margins(size, window, stride, padding, dilation):
    """Cells before and after one axis. With "same" the odd one goes after, as TensorFlow has it."""
    for name, value in {"size": size, "window": window, "stride": stride, "dilation": dilation}.items():
        _expect.at_least(name, value, 1)
    if not isinstance(padding, str):
        return tuple(_expect.at_least("padding", margin, 0) for margin in _two("padding", padding))
    if _expect.one_of("padding", padding, ("valid", "same")) == "valid":
        return 0, 0
    cells = max((-(-size // stride) - 1) * stride + dilation * (window - 1) + 1 - size, 0)
    return cells // 2, cells - cells // 2
