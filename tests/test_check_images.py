"""The checkers about images accept every right answer, and name what is wrong with a wrong one."""

import check_rules
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import check, pooling

# ----- max_pool2d -----


def nested_lists(x, window, stride):
    n, h, w, c = x.shape
    rows, columns = range(0, h - window + 1, stride), range(0, w - window + 1, stride)
    x = x.tolist()
    return [
        [
            [
                [
                    max(x[m][i + a][j + b][k] for a in range(window) for b in range(window))
                    for k in range(c)
                ]
                for j in columns
            ]
            for i in rows
        ]
        for m in range(n)
    ]  # fmt: skip


def windows(x, window, stride):
    return sliding_window_view(x, (window, window), axis=(1, 2))[:, ::stride, ::stride].max(axis=(-1, -2))


def shifted(x, window, stride):
    h, w = x.shape[1] - window + 1, x.shape[2] - window + 1
    shifts = [x[:, a : a + h, b : b + w] for a in range(window) for b in range(window)]
    return np.max(shifts, axis=0)[:, ::stride, ::stride].astype(np.float32)


def keras_pool(x, window, stride):
    import keras

    return keras.ops.max_pool(x, window, stride, "valid")


def pooling_loop(of=np.max, start=None, rows=None, channels=True, images=True, step=None):
    """A reader's solution by loops with one thing that may go wrong."""

    def candidate(x, window, stride):
        n, h, w, c = x.shape
        move = step or stride
        count = rows or (lambda length: (length - window) // move + 1)
        y = np.zeros((n, count(h), count(w), c))
        for m, i, j, k in np.ndindex(y.shape):
            image = x[m if images else 0]
            seen = image[i * move :, j * move :][:window, :window, k if channels else slice(None)]
            y[m, i, j, k] = of(seen) if start is None else max(start, of(seen))
        return y

    return candidate


def only_divisible(x, window, stride):
    n, h, w, c = x.shape
    return x.reshape(n, h // window, window, w // window, window, c).max(axis=(2, 4))


def in_place(x, window, stride):
    y = pooling.max_pool2d(x, window, stride)
    x[:] = 0
    return y


RIGHT = {
    check.max_pool2d: [pooling.max_pool2d, nested_lists, windows, shifted, keras_pool, pooling_loop()],
}  # fmt: skip

WRONG = {
    check.max_pool2d: {
        "takes the mean of the window": pooling_loop(np.mean),
        "adds the window up": pooling_loop(np.sum),
        "keeps the smallest number": pooling_loop(np.min),
        "first number: keep its largest": pooling_loop(lambda seen: seen[0, 0]),
        "farthest from 0": pooling_loop(lambda seen: np.abs(seen).max()),
        "search starts at 0": pooling_loop(start=0.0),
        "pools across the channels: each channel keeps its own maximum.": pooling_loop(channels=False),
        "their axis stays": lambda x, k, s: pooling_loop()(x, k, s).max(axis=-1),
        "axis of the channels is missing": lambda x, k, s: pooling_loop()(x, k, s)[..., 0],
        "output of the first one": pooling_loop(images=False),
        "axis of the images is missing": lambda x, k, s: pooling_loop()(x[:1], k, s)[0],
        "it moves by 1": pooling_loop(step=1),
        "it moves by its own size": lambda x, k, s: windows(x, k, k),
        "the size of the stride": lambda x, k, s: windows(x, s, s),
        "Window and stride are swapped": lambda x, k, s: windows(x, s, k),
        "one row only": lambda x, k, s: pooling.max_pool2d(x, (1, k), s),
        "Windows that stick out": lambda x, k, s: pooling_loop(rows=lambda n: -(-(n - k) // s) + 1)(x, k, s),
        "starts in the image": lambda x, k, s: pooling_loop(rows=lambda n: len(range(0, n, s)))(x, k, s),
        'padded as "same"': lambda x, k, s: pooling.max_pool2d(x, k, s, "same"),
        "columns of the output are swapped": lambda x, k, s: windows(x, k, s).swapaxes(1, 2),
        "size // window": lambda x, k, s: windows(x, k, s)[:, : x.shape[1] // k, : x.shape[2] // k],
        "last row and the last column": lambda x, k, s: pooling_loop(rows=lambda n: (n - k) // s)(x, k, s),
        "raised ValueError: cannot reshape": only_divisible,
        "changes its argument `x`": in_place,
        "Its arguments are x, window, stride": lambda x, window: x,
        "The first wrong number is at (0, 0, 0, 0)": lambda x, k, s: windows(x, k, s) + 1,
        "All are 2 times the right ones": lambda x, k, s: windows(x, k, s) * 2,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
