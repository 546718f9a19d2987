"""Checks an answer to an exercise: says that it is right, or names what is wrong with it.

Each checker calls the reader's function on a few small cases, from simple to general, and compares.
Any way to compute the answer is fine: loops or array functions, lists or arrays, single or double precision.
"""

import numpy as np

from helpers import conv, metrics

TOLERANCE = 1e-4  # single precision leaves about 1e-6 on these cases; mistakes leave 0.01 or more


class Wrong(AssertionError):
    """An answer is not right. IPython shows the message alone, without the lines that led to it."""

    def _render_traceback_(self):
        return [f"Not yet. {self}"]


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
    for what, x, kernel, bias, stride in [
        ("one image, one channel", (1, 5, 7, 1), (2, 3, 1, 1), [0.0], 1),
        ("two images, three channels, two kernels", (2, 5, 7, 3), (2, 3, 3, 2), [0.0, 0.0], 1),
        ("a bias", (2, 5, 7, 3), (2, 3, 3, 2), [2.5, -1.5], 1),
        ("stride 2", (2, 8, 11, 3), (2, 3, 3, 2), [2.5, -1.5], 2),
    ]:
        arguments = _numbers(x), _numbers(kernel), np.array(bias), stride
        case = f"{what}: x {x}, kernel {kernel}, stride {stride}"
        output = _call(candidate, arguments, ("x", "kernel", "bias"), case)
        _compare(output, conv.conv2d(*arguments), _conv2d_mistakes(*arguments), case)
    print("Right: one or more channels, bias and stride all agree with helpers.conv.conv2d.")


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
    for padding, mistakes in _SIZE_MISTAKES.items():
        cases = [(150, 3, 1), (7, 7, 1), (28, 5, 2), (29, 3, 2), (9, 3, 2), (11, 2, 4)]
        outputs = []
        for case in cases:
            described = f'size {case[0]}, window {case[1]}, stride {case[2]}, padding "{padding}"'
            output = _call(candidate, (*case, padding), (), described)
            if output.shape != ():
                raise Wrong(f"It must return one number, and returned the shape {output.shape}.")
            outputs.append(float(output))
        for message, formula in mistakes:
            if outputs == [formula(*case) for case in cases]:
                raise Wrong(f'{message} This shows with padding "{padding}".')
        for case, output in zip(cases, outputs, strict=True):
            expected = conv.output_size(*case, padding)
            if output != expected:
                raise Wrong(
                    f"For size {case[0]}, window {case[1]}, stride {case[2]} and padding "
                    f'"{padding}" it returned {output:g}, and {expected} is right.'
                )
    print('Right: the sizes agree with helpers.conv.output_size, for "valid" and "same", with every stride.')


def auc(candidate):
    """Check a function ``candidate(labels, scores)`` that returns the area under the ROC curve.

    Parameters
    ----------
    candidate : callable
        Takes `labels`, an int array of shape (n,) with 1 = event, and `scores`, a float array of shape (n,).
        Returns the share of pairs (a patient with and one without the event) in the right order, ties half.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    for labels, scores in _AUC_CASES:
        labels, scores = np.array(labels), np.array(scores)
        case = f"labels {labels.tolist()}, scores {scores.tolist()}"
        output = _call_auc(candidate, labels, scores, case)
        if output.shape != ():
            raise Wrong(f"It must return one number, and returned the shape {output.shape} (with {case}).")
        right = np.array(metrics.auc_interval(labels, scores).estimate)
        if _same(output, right):
            continue
        for message, answer in _auc_mistakes(labels, scores):
            if _same(output, np.array(answer)):
                raise Wrong(f"{message} (With {case}.)")
        raise Wrong(f"It returned {output:.4g}, and {right:.4g} is right (with {case}).")
    print("Right: the pairs are counted as in helpers.metrics.auc_interval, ties included.")


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


# Without ties; with a tie between the classes; with ties inside them; with other scores than 0 to 1.
_AUC_CASES = [
    ([1, 0, 1, 0, 0, 0, 1], [0.9, 0.7, 0.4, 0.3, 0.1, 0.2, 0.6]),
    ([0, 1, 1, 0, 1, 0], [0.3, 0.6, 0.3, 0.2, 0.8, 0.7]),
    ([1, 1, 0, 0, 1, 0, 1], [0.5, 0.5, 0.4, 0.4, 0.3, 0.6, 0.6]),
    ([1, 0, 1, 0, 0], [3.0, -1.0, -2.5, -4.0, -4.0]),
]


def _call_auc(candidate, labels, scores, case):
    """Call `candidate`; to an error of broadcasting add how a table of pairs is made."""
    try:
        return _call(candidate, (labels, scores), ("labels", "scores"), case)
    except Wrong as wrong:
        if "broadcast" not in str(wrong):
            raise
        raise Wrong(
            f"{wrong} There are not as many patients with as without the event: compare everyone with "
            "everyone, `event[:, None] > other[None, :]`."
        ) from wrong.__cause__


def _auc_mistakes(labels, scores):
    """Pairs of a message and the answer that a typical mistake gives."""
    event, other = scores[labels == 1], scores[labels == 0]
    higher, tied = event[:, None] > other, event[:, None] == other
    right = (higher + 0.5 * tied).mean()
    everybody = (scores[:, None] > scores).sum() + (scores[:, None] == scores).sum() / 2
    zipped = [float(a > b) + 0.5 * (a == b) for a, b in zip(event, other, strict=False)]
    return [
        *[(f"It is rounded to {digits} digits: return all of them.", round(right, digits))
          for digits in (3, 2, 1)],
        ("It is turned around: a pair counts if the patient *with* the event has the higher score.",
         1 - right),
        ("A tie counts 0: it must count one half.", higher.mean()),
        ("A tie counts 1: it must count one half.", (higher | tied).mean()),
        ("It is the sum over the pairs: divide by their number.", right * higher.size),
        ("It divides by the number of all patients, not of the pairs.", right * higher.size / len(scores)),
        ("It divides by the number of all pairs: only pairs of one patient with and one without the event "
         "count.", right * higher.size / (len(scores) * (len(scores) - 1) / 2)),
        ("It divides by the square of the number of patients.", right * higher.size / len(scores) ** 2),
        ("It divides by the number of patients with the event only.", right * len(other)),
        ("It divides by the number of patients without the event only.", right * len(event)),
        ("It is 0.5, as every constant is, and as the comparison of every patient with every other one: only "
         "pairs of one patient with and one without the event count.", everybody / len(scores) ** 2),
        ("The first patient with the event is compared with the first one without, the second with the "
         "second, as `zip` does: compare everyone with everyone.", np.mean(zipped)),
        ("It is the accuracy at the threshold 0.5: the AUC has no threshold.",
         ((scores > 0.5) == labels).mean()),
        ("It is Gini's coefficient, 2 AUC - 1.", 2 * right - 1),
    ]  # fmt: skip


def _numbers(shape):
    """Irregular numbers between -1 and 1, the same on every machine up to rounding."""
    return np.cos(np.arange(1.0, np.prod(shape) + 1) ** 1.5).reshape(shape)


def _call(candidate, arguments, names, case):
    """Call `candidate` on copies; return its output as an array of numbers, or say what happened instead."""
    copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        output = candidate(*copies)
    except Exception as error:
        raise Wrong(f"It raised {type(error).__name__}: {error} (with {case}).") from error
    for name, given, now in zip(names, arguments, copies, strict=False):
        if not np.array_equal(given, now):
            raise Wrong(f"It changes its argument `{name}`: work on a copy.")
    if output is None:
        raise Wrong("It returned None: is the `return` missing?")
    try:
        output = np.asarray(output)
        if output.dtype.kind in "US":
            raise Wrong("It must return numbers, and returned text: use no str() and no f-string.")
        output = output.astype(float) if not np.iscomplexobj(output) else output
    except (TypeError, ValueError) as error:
        raise Wrong(f"It must return numbers in rows of equal length: {error}.") from error
    if np.iscomplexobj(output):
        raise Wrong("It returned complex numbers: take their real part.")
    return output


def _compare(output, expected, mistakes, case):
    """Raise `Wrong` unless `output` is `expected`: name the mistake it shows, or its first wrong place."""
    if _same(output, expected):
        return
    for message, answer in mistakes:
        if _same(output, answer):
            raise Wrong(f"{message} (With {case}.)")
    if output.shape != expected.shape:
        raise Wrong(f"The shape must be {expected.shape}, and it is {output.shape} (with {case}).")
    place = tuple(int(i) for i in np.argwhere(~np.isclose(output, expected, rtol=0, atol=TOLERANCE))[0])
    raise Wrong(
        f"The shape is right. The first wrong number is at {place}: "
        f"{output[place]:.4g}, and {expected[place]:.4g} is right (with {case})."
    )


def _same(output, answer):
    return output.shape == answer.shape and np.allclose(output, answer, rtol=0, atol=TOLERANCE)
