"""Exercises about convolution and pooling."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import conv, pooling
from helpers.check._core import Exercise, irregular


def conv2d(candidate):
    """Check a function ``candidate(x, kernel, bias, stride)`` that does what `helpers.conv.conv2d` does.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, h, w, c_in), `kernel` (kh, kw, c_in, c_out), `bias` (c_out,) and the integer
        `stride`; returns shape (n, oh, ow, c_out), without padding.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    CONV2D.judge(candidate)


def output_size(candidate):
    """Check a function ``candidate(size, window, stride, padding)`` for `padding` "valid" or "same".

    Parameters
    ----------
    candidate : callable
        Returns the length of a convolution's output along one axis, as `helpers.conv.output_size` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    OUTPUT_SIZE.judge(candidate)


def max_pool2d(candidate):
    """Check a function ``candidate(x, window, stride)`` that does what `helpers.pooling.max_pool2d` does.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, h, w, c), and `window` and `stride`, integers for rows and columns alike;
        returns shape (n, oh, ow, c). Windows that do not fit into the image are left out.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    MAX_POOL2D.judge(candidate)


# ---------------------------------------------------------------- conv2d


def _conv2d_mistakes(x, kernel, bias, stride):
    """Pairs of a message and the answer that this typical mistake gives."""
    right = conv.conv2d(x, kernel, bias, stride)
    return [
        *_mistakes_with_the_window(x, kernel, bias, stride),
        *_mistakes_with_the_axes(right),
        *_mistakes_with_the_sum(x, kernel, bias, stride),
        ("Every image gets the output of the first one.", np.repeat(right[:1], len(x), axis=0)),
        ("Negative sums are set to 0: that is the activation, which comes after the convolution.",
         np.maximum(right, 0)),
    ]  # fmt: skip


def _mistakes_with_the_window(x, kernel, bias, stride):
    return [
        ("The kernel is turned by 180 degrees, which is a true convolution: do not flip it here.",
         conv.true_convolve2d(x, kernel, bias, stride)),
        ("The kernel is upside down: its first row belongs to the first row of the window.",
         conv.conv2d(x, kernel[::-1], bias, stride)),
        ("The kernel is mirrored: its first column belongs to the first column of the window.",
         conv.conv2d(x, kernel[:, ::-1], bias, stride)),
        ("Rows and columns of the kernel are swapped.",
         conv.conv2d(x, kernel.swapaxes(0, 1), bias, stride)),
        ("The stride is ignored: the window must move by `stride` pixels.", conv.conv2d(x, kernel, bias)),
        ("The stride acts on the rows only.", conv.conv2d(x, kernel, bias, (stride, 1))),
        ("The stride acts on the columns only.", conv.conv2d(x, kernel, bias, (1, stride))),
        ('The image is padded as "same" does: the window must stay inside the image.',
         conv.conv2d(x, kernel, bias, stride, "same")),
    ]  # fmt: skip


def _mistakes_with_the_axes(right):
    return [
        ("Rows and columns of the output are swapped: axis 1 counts rows, axis 2 columns.",
         right.swapaxes(1, 2)),
        ("The output's channels come before its rows: the shape must be (n, oh, ow, c_out).",
         right.transpose(0, 3, 1, 2)),
        ("The axis of the images is missing: the shape must be (n, oh, ow, c_out).", right[0]),
        ("The axis of the output channels is missing: the shape must be (n, oh, ow, c_out).", right[..., 0]),
        ("It is off by one: the last row and the last column are missing.", right[:, :-1, :-1]),
        ("It is off by one: the last row is missing.", right[:, :-1]),
        ("It is off by one: the last column is missing.", right[:, :, :-1]),
        ("It is off by one: the first row and the first column are missing.", right[:, 1:, 1:]),
    ]  # fmt: skip


def _mistakes_with_the_sum(x, kernel, bias, stride):
    plain, (kh, kw, c_in, c_out) = conv.conv2d(x, kernel, None, stride), kernel.shape
    same_for_all_inputs, same_for_all_outputs = (
        np.repeat(kernel[:, :, :1], c_in, axis=2),
        np.repeat(kernel[..., :1], c_out, axis=3),
    )
    return [
        ("The bias is missing.", plain),
        ("The bias is subtracted.", plain - bias),
        ("The bias is added twice.", plain + 2 * bias),
        ("The bias is added for each cell of the kernel: add it once, after the sum.",
         plain + kh * kw * bias),
        ("The bias is added for each input channel: add it once, after the sum.", plain + c_in * bias),
        ("The bias is added for each product: add it once, after the sum.", plain + kh * kw * c_in * bias),
        ("Only the first input channel counts: add up over all of them.",
         conv.conv2d(x[..., :1], kernel[:, :, :1], bias, stride)),
        ("Only the last input channel counts: add up over all of them (is the sum set back to 0?).",
         conv.conv2d(x[..., -1:], kernel[:, :, -1:], bias, stride)),
        ("The input channels are averaged: add them up.", plain / c_in + bias),
        ("The kernel of the first input channel is used for all of them.",
         conv.conv2d(x, same_for_all_inputs, bias, stride)),
        ("Every output channel uses the first kernel.", conv.conv2d(x, same_for_all_outputs, bias, stride)),
        ("The window is averaged: add its products up.", plain / (kh * kw) + bias),
    ]  # fmt: skip


CONV2D = Exercise(
    names=("x", "kernel", "bias", "stride"),
    cases=[
        (what, (irregular(*x), irregular(*kernel), np.array(bias), stride))
        for what, x, kernel, bias, stride in [
            ("one image, one channel", (1, 5, 7, 1), (2, 3, 1, 1), [0.0], 1),
            ("two images, three channels, two kernels", (2, 5, 7, 3), (2, 3, 3, 2), [0.0, 0.0], 1),
            ("a bias", (2, 5, 7, 3), (2, 3, 3, 2), [2.5, -1.5], 1),
            ("stride 2", (2, 8, 11, 3), (2, 3, 3, 2), [2.5, -1.5], 2),
        ]
    ],
    right=conv.conv2d,
    mistakes=_conv2d_mistakes,
    praise="Right: one or more channels, bias and stride all agree with helpers.conv.conv2d.",
)


# ---------------------------------------------------------------- output_size


_SIZE_MISTAKES = {
    "valid": [
        ("One position is missing: between the first and the last position there are their distance plus 1.",
         lambda n, k, s: (n - k) // s),
        ("The stride is ignored.", lambda n, k, s: n - k + 1),
        ("It rounds up: a window that does not fit is left out, so round down.",
         lambda n, k, s: -(-(n - k) // s) + 1),
        ("It rounds after adding 1, not before.", lambda n, k, s: (n - k + 1) // s),
        ("The window's length is not taken off.", lambda n, k, s: -(-n // s)),
        ("It is not rounded down to a whole number.", lambda n, k, s: (n - k) / s + 1),
    ],
    "same": [
        ("The stride is ignored.", lambda n, k, s: n),
        ("It rounds down: a last window that starts inside the image counts, so round up.",
         lambda n, k, s: n // s),
        ("It is the size without padding.", lambda n, k, s: (n - k) // s + 1),
        ("It is not rounded up to a whole number.", lambda n, k, s: n / s),
        ("One position too many.", lambda n, k, s: n // s + 1),
    ],
}  # fmt: skip


OUTPUT_SIZE = Exercise(
    names=("size", "window", "stride", "padding"),
    cases=[
        ("", (*case, padding))
        for padding in _SIZE_MISTAKES
        for case in [(150, 3, 1), (7, 7, 1), (28, 5, 2), (29, 3, 2), (9, 3, 2), (11, 2, 4)]
    ],
    right=conv.output_size,
    mistakes=lambda *case: [(message, formula(*case[:3])) for message, formula in _SIZE_MISTAKES[case[3]]],
    praise='Right: the sizes agree with helpers.conv.output_size, for "valid" and "same", with every stride.',
)


# ---------------------------------------------------------------- max_pool2d


def _max_pool2d_mistakes(x, window, stride):
    right = pooling.max_pool2d(x, window, stride)
    windows = sliding_window_view(x, (window, window), axis=(1, 2))[:, ::stride, ::stride]
    corners = right[:, : x.shape[1] // window, : x.shape[2] // window]
    return [
        ("It takes the mean of the window: keep its largest number.", windows.mean(axis=(4, 5))),
        ("It adds the window up: keep its largest number.", windows.sum(axis=(4, 5))),
        ("It keeps the smallest number of the window, not the largest.", windows.min(axis=(4, 5))),
        ("It keeps the window's first number: keep its largest.", windows[..., 0, 0]),
        ("It keeps the number that is farthest from 0, without its sign: the largest number can be negative.",
         np.abs(windows).max(axis=(4, 5))),
        ("The search starts at 0, so negative numbers are lost: start at minus infinity, or at the window's "
         "first number.", np.maximum(right, 0)),
        ("It pools across the channels: each channel keeps its own maximum, and their axis stays.",
         right.max(axis=3)),
        ("It pools across the channels: each channel keeps its own maximum.",
         np.broadcast_to(right.max(axis=3, keepdims=True), right.shape)),
        ("The axis of the channels is missing: the shape must be (n, oh, ow, c).", right[..., 0]),
        ("Every channel gets the output of the first one.",
         np.broadcast_to(right[..., :1], right.shape)),
        ("It pools across the images: each image keeps its own maximum.",
         np.broadcast_to(right.max(axis=0), right.shape)),
        ("Every image gets the output of the first one.", np.broadcast_to(right[:1], right.shape)),
        ("The axis of the images is missing: the shape must be (n, oh, ow, c).", right[0]),
        ("The stride is ignored: the window must move by `stride` pixels, and it moves by 1.",
         pooling.max_pool2d(x, window, 1)),
        ("The stride is ignored: the window must move by `stride` pixels, and it moves by its own size.",
         pooling.max_pool2d(x, window)),
        ("The window has the size of the stride: its size is `window`.",
         pooling.max_pool2d(x, stride, stride)),
        ("Window and stride are swapped.", pooling.max_pool2d(x, stride, window)),
        ("The window has one row only.", pooling.max_pool2d(x, (1, window), stride)),
        ("The window has one column only.", pooling.max_pool2d(x, (window, 1), stride)),
        ("Windows that stick out of the image count: leave out those that do not fit.",
         _sticking_out(x, window, stride, lambda size: -(-(size - window) // stride) + 1)),
        ("Every window that starts in the image counts: leave out those that do not fit.",
         _sticking_out(x, window, stride, lambda size: -(-size // stride))),
        ('The image is padded as "same" does: the window must stay inside the image.',
         pooling.max_pool2d(x, window, stride, "same")),
        ("Rows and columns of the output are swapped: axis 1 counts rows, axis 2 columns.",
         right.swapaxes(1, 2)),
        ("It has size // window rows and columns, whatever the stride is: see check.output_size.",
         corners),
        ("It is off by one: the last row and the last column are missing.", right[:, :-1, :-1]),
    ]  # fmt: skip


def _sticking_out(x, window, stride, positions):
    """Pool as many windows as `positions` says of a size; cells outside the image are never the largest."""
    rows, columns = (positions(size) for size in x.shape[1:3])
    missing = [max(0, (n - 1) * stride + window - size)
               for n, size in zip((rows, columns), x.shape[1:3], strict=True)]  # fmt: skip
    padded = np.pad(x, ((0, 0), *((0, m) for m in missing), (0, 0)), constant_values=-np.inf)
    return pooling.max_pool2d(padded, window, stride)[:, :rows, :columns]


MAX_POOL2D = Exercise(
    names=("x", "window", "stride"),
    cases=[
        ("one image, one channel, no number below 0", (np.abs(irregular(1, 4, 6, 1)), 2, 2)),
        ("negative numbers", (irregular(1, 4, 6, 1) - 1.5, 2, 2)),
        ("two images, three channels", (irregular(2, 4, 6, 3), 2, 2)),
        ("an image that the windows do not fill", (irregular(2, 5, 8, 3), 3, 3)),
        ("windows that overlap", (irregular(2, 8, 11, 3), 3, 2)),
        ("windows with gaps", (irregular(2, 8, 12, 3), 2, 3)),
    ],
    right=pooling.max_pool2d,
    mistakes=_max_pool2d_mistakes,
    praise="Right: signs, channels, window, stride and borders all agree with helpers.pooling.max_pool2d.",
)
