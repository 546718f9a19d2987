"""Exercises about transformers."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.check._core import Exercise, irregular


def patches(candidate):
    """Check a function ``candidate(images, side)`` that cuts images into square patches, one row for each.

    Parameters
    ----------
    candidate : callable
        Takes `images` of shape (n, h, w, c) and `side`, which divides h and w; returns the patches of each
        image, (n, (h / side) * (w / side), side * side * c): patches row by row from the upper left, and the
        numbers of a patch likewise, row by row, with the channels of a pixel side by side. That is the order
        in which a convolution with a kernel and a stride of `side` weighs them.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    PATCHES.judge(candidate)


def _grid(images, side):
    """Patches with their axes apart: (n, rows, columns, side, side, c)."""
    n, h, w, c = images.shape
    return images.reshape(n, h // side, side, w // side, side, c).swapaxes(2, 3)


def _rows(grid):
    n, rows, columns = grid.shape[:3]
    return grid.reshape(n, rows * columns, -1)


def _right(images, side):
    return _rows(_grid(images, side))


def _mistakes(images, side):
    n, h, w, c = images.shape
    grid, right = _grid(images, side), _right(images, side)
    windows = sliding_window_view(images, (side, side), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    return [
        ("The images are only reshaped: a row holds pixels that lie side by side in memory, not in a patch. "
         "Bring the two axes of a patch together before the last reshape.", images.reshape(right.shape)),
        ("The patches stand column by column: begin at the upper left and go along the row.",
         _rows(grid.swapaxes(1, 2))),
        ("The pixels of a patch stand column by column: go along its rows.", _rows(grid.swapaxes(3, 4))),
        ("Patches and their pixels stand column by column: go along the rows.",
         _rows(grid.swapaxes(1, 2).swapaxes(3, 4))),
        ("The channels of a pixel are apart: the channel must be the last and fastest axis of a patch.",
         _rows(np.moveaxis(grid, 5, 3))),
        ("The patches are not flattened: each must be one row of side * side * c numbers.",
         grid.reshape(n, -1, side, side, c)),
        ("The patches are not flattened: each must be one row of side * side * c numbers.", grid),
        ("Rows and columns of patches are two axes: count the patches on one axis.",
         grid.reshape(*grid.shape[:3], -1)),
        ("The patches overlap: move by `side` pixels, not by one.", _rows(windows)),
        ("It is the mean of each patch: keep all of its pixels.", grid.mean(axis=(3, 4)).reshape(n, -1, c)),
        ("Patches and pixels are swapped: a patch is a row, (n, patches, side * side * c).",
         right.swapaxes(1, 2)),
        ("Images and patches are swapped: the axis of the images comes first.", right.swapaxes(0, 1)),
        ("All patches of an image stand in one row: each patch is a row of its own.", right.reshape(n, -1)),
        ("All images stand in one row: keep the axis of the images.", right.reshape(-1, right.shape[2])),
        ("It is the first image alone: keep the axis of the images.", right[0]),
        ("It is the first patch alone: return all patches.", right[:, 0]),
        ("One pixel of each patch is kept: a patch has side * side of them.",
         images[:, ::side, ::side].reshape(n, -1, c)),
        ("The patches stand in reverse order: begin at the upper left.", right[:, ::-1]),
        ("Only the first channel is cut: a patch holds all channels.", _right(images[..., :1], side)),
    ]  # fmt: skip


PATCHES = Exercise(
    names=("images", "side"),
    cases=[
        ("one image, four patches", (irregular(1, 4, 4, 1), 2)),
        ("one image, wider than high", (irregular(1, 4, 6, 1, start=20.0), 2)),
        ("patches of 3 by 3", (irregular(1, 9, 6, 1, start=50.0), 3)),
        ("two images, three channels", (irregular(2, 4, 8, 3, start=90.0), 2)),
        ("patches of one pixel", (irregular(2, 3, 4, 2, start=130.0), 1)),
    ],
    right=_right,
    mistakes=_mistakes,
    praise="Right: every patch is one row, in the order in which a convolution with that stride weighs it.",
)
