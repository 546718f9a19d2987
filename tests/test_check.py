"""The checkers accept every right answer, however it is computed, and name what is wrong with a wrong one."""

import math
import os
import subprocess
import sys

import check_rules
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

from helpers import check, conv

# ----- right answers to conv2d, in several forms -----


def loops_and_lists(x, kernel, bias, stride):
    n, h, w, c_in = np.shape(x)
    kh, kw, _, c_out = np.shape(kernel)
    x, kernel = x.tolist(), kernel.tolist()
    return [
        [
            [
                [
                    sum(
                        x[m][i + a][j + b][c] * kernel[a][b][c][o]
                        for a in range(kh)
                        for b in range(kw)
                        for c in range(c_in)
                    )
                    + bias[o]
                    for o in range(c_out)
                ]
                for j in range(0, w - kw + 1, stride)
            ]
            for i in range(0, h - kh + 1, stride)
        ]
        for m in range(n)
    ]


def windows_and_einsum(x, kernel, bias, stride):
    windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcab,abco->nhwo", windows, kernel) + bias


def shifted_images(x, kernel, bias, stride):
    kh, kw = kernel.shape[:2]
    h, w = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    shifts = [x[:, a : a + h, b : b + w] @ kernel[a, b] for a in range(kh) for b in range(kw)]
    return sum(shifts)[:, ::stride, ::stride] + bias


def scipy_correlate(x, kernel, bias, stride):
    out = [
        [
            sum(signal.correlate2d(image[:, :, c], kernel[:, :, c, o], "valid") for c in range(x.shape[3]))
            for o in range(kernel.shape[3])
        ]
        for image in x
    ]
    return np.moveaxis(np.array(out), 1, -1)[:, ::stride, ::stride] + bias


def fourier(x, kernel, bias, stride):
    flipped = kernel[::-1, ::-1, ::-1]
    maps = [
        signal.fftconvolve(x, flipped[None, ..., o], "valid", axes=(1, 2, 3)) for o in range(kernel.shape[-1])
    ]
    return np.concatenate(maps, axis=-1)[:, ::stride, ::stride] + bias


def single_precision(x, kernel, bias, stride):
    return conv.conv2d(*(a.astype(np.float32) for a in (x, kernel, bias)), stride)


def keras_layer(x, kernel, bias, stride):
    import keras

    return keras.ops.conv(x, kernel, strides=stride, padding="valid") + bias


@pytest.mark.parametrize(
    "right",
    [
        conv.conv2d,
        loops_and_lists,
        windows_and_einsum,
        shifted_images,
        scipy_correlate,
        fourier,
        single_precision,
        keras_layer,
    ],
)
def test_conv2d_accepts_right_answers_in_every_form(right, capsys):
    check.conv2d(right)
    assert capsys.readouterr().out.startswith("Right: ")


# ----- wrong answers, as readers write them -----


def by_loops(window=None, padding=0, bias_in="after", start=0, last=1):
    """A reader's solution by loops with one thing that may go wrong."""

    def candidate(x, kernel, bias, stride):
        x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        (n, h, w, _), (kh, kw, _, c_out) = x.shape, kernel.shape
        rows, columns = range(start, h - kh + last, stride), range(start, w - kw + last, stride)
        y = np.zeros((n, len(rows), len(columns), c_out))
        for m, i, j, o in np.ndindex(y.shape):
            products = x[m, rows[i] : rows[i] + kh, columns[j] : columns[j] + kw] * kernel[..., o]
            if window:
                products = window(products)
            y[m, i, j, o] = (products + bias[o]).sum() if bias_in == "sum" else products.sum() + bias[o]
        return y

    return candidate


def changes_its_input(x, kernel, bias, stride):
    y = conv.conv2d(x, kernel, bias, stride)
    x -= x.mean()
    return y


def forgets_the_return(x, kernel, bias, stride):
    conv.conv2d(x, kernel, bias, stride)


def stops_halfway(x, kernel, bias, stride):
    return conv.conv2d(x, kernel, bias, stride)[:, :, :, 5]


WRONG = {
    "turned by 180 degrees": lambda x, k, b, s: conv.conv2d(x, k[::-1, ::-1], b, s),
    "upside down": lambda x, k, b, s: conv.conv2d(x, k[::-1], b, s),
    "mirrored": lambda x, k, b, s: conv.conv2d(x, k[:, ::-1], b, s),
    "columns of the kernel are swapped": lambda x, k, b, s: conv.conv2d(x, k.transpose(1, 0, 2, 3), b, s),
    "columns of the output are swapped": lambda x, k, b, s: conv.conv2d(x, k, b, s).swapaxes(1, 2),
    "channels come before its rows": lambda x, k, b, s: np.moveaxis(conv.conv2d(x, k, b, s), -1, 1),
    "axis of the images is missing": lambda x, k, b, s: conv.conv2d(x[:1], k, b, s)[0],
    "axis of the output channels is missing": lambda x, k, b, s: conv.conv2d(x, k, b, s)[..., 0],
    "output of the first one": lambda x, k, b, s: 0 * conv.conv2d(x, k, b, s) + conv.conv2d(x[:1], k, b, s),
    "stride is ignored": lambda x, k, b, s: conv.conv2d(x, k, b),
    "on the rows only": lambda x, k, b, s: conv.conv2d(x, k, b, (s, 1)),
    "on the columns only": lambda x, k, b, s: conv.conv2d(x, k, b, (1, s)),
    "last row and the last column": by_loops(last=0),
    "first row and the first column": by_loops(start=1),
    'padded as "same"': lambda x, k, b, s: conv.conv2d(x, k, b, s, "same"),
    "bias is missing": lambda x, k, b, s: conv.conv2d(x, k, None, s),
    "bias is subtracted": lambda x, k, b, s: conv.conv2d(x, k, -b, s),
    "bias is added twice": lambda x, k, b, s: conv.conv2d(x, k, b, s) + b,
    "bias is added for each input channel": lambda x, k, b, s: conv.conv2d(x, k, 3 * b, s),
    "the last row is missing": lambda x, k, b, s: conv.conv2d(x[:, :-1], k, b, s),
    "the last column is missing": lambda x, k, b, s: conv.conv2d(x[:, :, :-1], k, b, s),
    "for each cell of the kernel": lambda x, k, b, s: conv.conv2d(x, k, b * k.shape[0] * k.shape[1], s),
    "kernel of the first input channel": lambda x, k, b, s: (
        conv.conv2d(x.sum(-1, keepdims=True), k[:, :, :1], b, s)
    ),
    "bias is added for each product": by_loops(bias_in="sum"),
    "Only the first input channel": by_loops(window=lambda products: products[..., 0]),
    "Only the last input channel": by_loops(window=lambda products: products[..., -1]),
    "input channels are averaged": by_loops(window=lambda products: products.mean(axis=-1)),
    "window is averaged": by_loops(window=np.mean),
    "first kernel": lambda x, k, b, s: conv.conv2d(x, np.repeat(k[..., :1], k.shape[-1], -1), b, s),
    "that is the activation": lambda x, k, b, s: np.maximum(conv.conv2d(x, k, b, s), 0),
    "changes its argument `x`": changes_its_input,
    "returned None": forgets_the_return,
    "raised IndexError: index 5 is out of bounds": stops_halfway,
    "raised TypeError": lambda x, k: x,
    r"shape must be \(1, 4, 5, 1\), and it is \(1, 7, 8, 1\)": by_loops(padding=2, last=0),
    "Every sign is turned": lambda x, k, b, s: -conv.conv2d(x, k, b, s),
    "first wrong number is at": lambda x, k, b, s: conv.conv2d(x, k, b, s) * 1.01,
    "must return numbers": lambda x, k, b, s: "four",
    "rows of equal length": lambda x, k, b, s: [[1.0], [1.0, 2.0]],
    "complex": lambda x, k, b, s: conv.conv2d(x, k, b, s) + 0j,
    "nan, and": lambda x, k, b, s: conv.conv2d(x, k, b, s) * np.nan,
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_conv2d_names_what_is_wrong(message, capsys):
    with pytest.raises(check.Wrong, match=message):
        check.conv2d(WRONG[message])
    assert "Right" not in capsys.readouterr().out


# ----- output_size -----


def by_trying(size, window, stride, padding):
    if padding == "same":
        return len(range(0, size, stride))
    return len([start for start in range(0, size, stride) if start + window <= size])


def by_rounding(size, window, stride, padding):
    return np.ceil(size / stride) if padding == "same" else np.floor((size - window) / stride + 1)


def by_math(size, window, stride, padding):
    return math.ceil((size if padding == "same" else size - window + 1) / stride)


@pytest.mark.parametrize("right", [conv.output_size, by_trying, by_rounding, by_math])
def test_output_size_accepts_right_answers_in_every_form(right, capsys):
    check.output_size(right)
    assert capsys.readouterr().out.startswith("Right: ")


def sizes(valid=lambda n, k, s: (n - k) // s + 1, same=lambda n, k, s: -(-n // s)):
    return lambda n, k, s, padding: (valid if padding == "valid" else same)(n, k, s)


WRONG_SIZES = {
    'One position is missing.*"valid"': sizes(valid=lambda n, k, s: (n - k) // s),
    'stride is ignored.*"valid"': sizes(valid=lambda n, k, s: n - k + 1),
    "rounds up": sizes(valid=lambda n, k, s: math.ceil((n - k) / s) + 1),
    "rounds after adding 1": sizes(valid=lambda n, k, s: (n - k + 1) // s),
    "length is not taken off": sizes(valid=lambda n, k, s: math.ceil(n / s)),
    "not rounded down": sizes(valid=lambda n, k, s: (n - k) / s + 1),
    'stride is ignored.*"same"': sizes(same=lambda n, k, s: n),
    "rounds down": sizes(same=lambda n, k, s: n // s),
    "size without padding": sizes(same=lambda n, k, s: (n - k) // s + 1),
    "not rounded up": sizes(same=lambda n, k, s: n / s),
    "One position too many": sizes(same=lambda n, k, s: n // s + 1),
    "returned 99, and 148 is right .with size 150, window 3, stride 1": sizes(valid=lambda n, k, s: 99),
    "returned None": sizes(valid=lambda n, k, s: None),
    r"must return one number, and returned the shape \(2,\)": sizes(valid=lambda n, k, s: (n, k)),
    "raised ZeroDivisionError": sizes(same=lambda n, k, s: n // 0),
}


@pytest.mark.parametrize("message", WRONG_SIZES)
def test_output_size_names_what_is_wrong(message):
    with pytest.raises(check.Wrong, match=message):
        check.output_size(WRONG_SIZES[message])


# ----- the message -----


def test_ipython_shows_the_message_alone(tmp_path):
    code = "from helpers import check; check.conv2d(lambda *a: None)"
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "IPYTHONDIR": str(tmp_path)}
    )
    assert result.stdout.strip() == "Not yet. It returned None: is the `return` missing?"


# ----- every checker -----

FORMS = [check_rules.GRU_AFTER, *check_rules.VALUES_ALONE]
CHECKERS = [*(getattr(check, name) for name in check.__all__ if name != "Wrong"), *FORMS]
OF_CHANCE = [check.split_by_patient]  # has no one right answer
TABLES = [checker for checker in CHECKERS if checker not in OF_CHANCE]


@pytest.mark.parametrize(("checker", "message", "variant"), check_rules.mistakes(TABLES))
def test_no_mistake_is_taken_for_another_one_or_for_the_right_answer(checker, message, variant, capsys):
    check_rules.names(checker, check_rules.makes(checker, message, variant), message, capsys)


@pytest.mark.parametrize("checker", TABLES, ids=lambda checker: checker.__name__)
def test_the_right_answer_of_the_first_case_is_not_enough(checker):
    task = check_rules.exercise(checker)
    answers = [task.right(*arguments) for _, arguments in task.cases]
    assert len(answers) >= 3
    with pytest.raises(check.Wrong):
        checker(lambda *arguments: answers[0])


GARBAGE = {
    "is the `return` missing": lambda *arguments: None,
    "returned text|returned one str": lambda *arguments: "four",
    "rows of equal length|must return . things": lambda *arguments: [[1.0], [1.0, 2.0], [1.0], [1.0]],
    "must return": lambda *arguments: {"answer": 1.0},
    "shape|must return": lambda *arguments: np.zeros((1, 2, 3, 4, 5)),
    "real part|complex|must return": lambda *arguments: 1j,
    "raised ZeroDivisionError": lambda *arguments: 1 / 0,
    "Its arguments are": lambda: 1.0,
    "Hand over the function itself": 3.0,
}


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
@pytest.mark.parametrize("message", GARBAGE)
def test_garbage_is_told_what_it_is(checker, message):
    with pytest.raises(check.Wrong, match=message):
        checker(GARBAGE[message])
