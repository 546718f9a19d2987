"""The checkers about transformers accept every right answer, and name what is wrong with a wrong one."""

import check_rules
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import check


def by_loops(images, side):
    n, h, w, c = images.shape
    return [
        [
            [images[m, i + u, j + v, k] for u in range(side) for v in range(side) for k in range(c)]
            for i in range(0, h, side)
            for j in range(0, w, side)
        ]
        for m in range(n)
    ]


def by_slices(images, side):
    _, h, w, _ = images.shape
    cut = [
        images[:, i : i + side, j : j + side].reshape(len(images), -1)
        for i in range(0, h, side)
        for j in range(0, w, side)
    ]
    return np.stack(cut, axis=1)


def by_axes(images, side, order=(0, 1, 3, 2, 4, 5)):
    n, h, w, c = images.shape
    grid = images.reshape(n, h // side, side, w // side, side, c).transpose(order)
    return grid.reshape(n, -1, side * side * c)


def by_windows(images, side, step=None):
    windows = sliding_window_view(images, (side, side), axis=(1, 2))
    windows = windows[:, :: step or side, :: step or side].transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(len(images), -1, side * side * images.shape[3])


def in_float32(images, side):
    return by_axes(images.astype("float32"), side)


def with_keras(images, side):
    import keras

    found = keras.ops.image.extract_patches(images.astype("float32"), side)
    return keras.ops.reshape(found, (len(images), -1, found.shape[-1]))


RIGHT = {check.patches: [by_loops, by_slices, by_axes, by_windows, in_float32, with_keras]}

WRONG = {
    check.patches: {
        "only reshaped": lambda x, side: x.reshape(by_slices(x, side).shape),
        "The patches stand column by column": lambda x, side: by_axes(x, side, (0, 3, 1, 2, 4, 5)),
        "The pixels of a patch stand column by column": lambda x, side: by_axes(x, side, (0, 1, 3, 4, 2, 5)),
        "Patches and their pixels": lambda x, side: by_axes(x, side, (0, 3, 1, 4, 2, 5)),
        "channels of a pixel are apart": lambda x, side: by_axes(x, side, (0, 1, 3, 5, 2, 4)),
        "not flattened": lambda x, side: by_slices(x, side).reshape(len(x), -1, side, side, x.shape[3]),
        "Rows and columns of patches are two axes": lambda x, side: by_slices(x, side).reshape(
            len(x), x.shape[1] // side, x.shape[2] // side, -1
        ),
        "The patches overlap": lambda x, side: by_windows(x, side, 1),
        "mean of each patch": lambda x, side: by_slices(x, side)
        .reshape(len(x), -1, side * side, x.shape[3])
        .mean(axis=2),
        "Patches and pixels are swapped": lambda x, side: by_slices(x, side).swapaxes(1, 2),
        "Images and patches are swapped": lambda x, side: by_slices(x, side).swapaxes(0, 1),
        "All patches of an image stand in one row": lambda x, side: by_slices(x, side).reshape(len(x), -1),
        "keep the axis of the images": lambda x, side: np.concatenate(by_slices(x, side)),
        "It is the first image alone": lambda x, side: by_slices(x, side)[0],
        "first patch alone": lambda x, side: by_slices(x, side)[:, 0],
        "One pixel of each patch": lambda x, side: x[:, ::side, ::side].reshape(len(x), -1, x.shape[3]),
        "reverse order": lambda x, side: by_slices(x, side)[:, ::-1],
        "Only the first channel": lambda x, side: by_slices(x[..., :1], side),
        "changes its argument `images`": lambda x, side: by_slices(np.add(x, 1, out=x) - 1, side),
        "returned None": lambda x, side: None,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
