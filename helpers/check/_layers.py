"""Exercises about layers of weighted sums, their gradients, and gradients that are measured."""

import numpy as np

from helpers import dense
from helpers.check._core import Exercise, irregular, not_finite


def dense_grad(candidate):
    """Check a function ``candidate(x, w, dy)`` that returns the gradients of ``y = x @ w + b``.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, d_in), `w` (d_in, d_out) and `dy` (n, d_out), the gradient of the loss with
        respect to y. Returns `dx`, `dw` and `db`, of the shapes of x, w and b, as
        `helpers.dense.affine_grad` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    DENSE_GRAD.judge(candidate)


def softmax(candidate):
    """Check a function ``candidate(x)`` that turns the numbers of each row into shares that add up to 1.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, k), with numbers up to plus and minus 1000; returns the same shape, as
        `helpers.dense.softmax` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    SOFTMAX.judge(candidate)


def batch_norm(candidate):
    """Check a function ``candidate(x, gamma, beta, epsilon)`` that normalizes each channel by its batch.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, c), `gamma` and `beta` (c,), and the number `epsilon`; returns the shape of x:
        the first output of `helpers.dense.batch_norm`, as while training.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    BATCH_NORM.judge(candidate)


def gradient(candidate):
    """Check a function ``candidate(f, x, step)`` that measures a gradient by central differences.

    Parameters
    ----------
    candidate : callable
        Takes a function `f` from an array to a number, an array `x` of any shape with at least one axis,
        which may hold integers, and the number `step`. Returns an array of the shape of `x`: for each entry
        ``(f(x with the entry + step) - f(x with the entry - step)) / (2 * step)``.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    GRADIENT.judge(candidate)


# ---------------------------------------------------------------- dense_grad


def _dense_grad_mistakes(x, w, dy):
    dx, dw, db = dense.affine_grad(x, w, dy)
    n, ones = len(x), np.ones(dy.shape)
    mistakes = [
        ("It is divided by the number of samples: the mean belongs to the loss, and dy contains it.",
         (dx / n, dw / n, db / n)),
        ("dw and db are divided by the number of samples: the mean belongs to the loss, and dy contains it.",
         (dx, dw / n, db / n)),
        ("It is divided by the number of samples: add up, the mean belongs to the loss.", (dx, dw / n, db)),
        ("It is the mean over the samples: add dy up over them.", (dx, dw, db / n)),
        ("It is not added up: every sample adds to the one b, so take the sum over axis 0.", (dx, dw, dy)),
        ("It is added up over the outputs: add up over the samples, axis 0.", (dx, dw, dy.sum(axis=1))),
        ("It is added up over everything: each output has a bias of its own.", (dx, dw, dy.sum())),
        ("It is 1 for each output: b adds to every y, so dy goes through.", (dx, dw, np.ones(len(db)))),
        ("It has an axis too many: drop keepdims.", (dx, dw, db[None])),
        ("It is transposed: it must have the shape of w.", (dx, dw.T, db)),
        ("It is transposed: it must have the shape of x.", (dx.T, dw, db)),
        ("dx and dw are swapped.", (dw, dx, db)),
        ("dy is left out: multiply by what comes from the loss.",
         (ones @ w.T, x.T @ ones, ones.sum(axis=0))),
        ("Only the first sample counts: add up over all of them.",
         (dx, np.outer(x[0], dy[0]), dy[0])),
        ("Only the last sample counts: add up over all of them (is the sum set back to 0?).",
         (dx, np.outer(x[-1], dy[-1]), dy[-1])),
        ("The signs are turned: the minus belongs to the step of the optimizer.", (-dx, -dw, -db)),
    ]  # fmt: skip
    if dy.shape == x.shape == w.shape:  # elsewhere these products do not exist
        mistakes += [
            ("w is not transposed: output j sends dy[:, j] back along w[:, j], so dx = dy @ w.T.",
             (dy @ w, dw, db)),
            ("The product has the wrong order: dx = dy @ w.T.", (w @ dy, dw, db)),
            ("The product has the wrong order: dx = dy @ w.T.", (w.T @ dy, dw, db)),
            ("x is not transposed: dw = x.T @ dy.", (dx, x @ dy, db)),
            ("The product has the wrong order: dw = x.T @ dy.", (dx, dy @ x, db)),
        ]  # fmt: skip
    return mistakes


DENSE_GRAD = Exercise(
    names=("x", "w", "dy"),
    cases=[
        (what, (irregular(n, d_in), irregular(d_in, d_out, start=50.0), irregular(n, d_out, start=99.0)))
        for what, n, d_in, d_out in [
            ("three samples, inputs and outputs", 3, 3, 3),
            ("one sample", 1, 4, 2),
            ("more samples than inputs or outputs", 7, 4, 2),
            ("more outputs than samples", 3, 2, 5),
        ]
    ],
    right=dense.affine_grad,
    mistakes=_dense_grad_mistakes,
    praise="Right: dx, dw and db agree with helpers.dense.affine_grad, for every number of samples.",
    outputs=("dx", "dw", "db"),
    hints={"matmul": "Write down the shapes: dx has that of x, dw that of w."},
)


# ---------------------------------------------------------------- softmax


@np.errstate(all="ignore")
def _softmax_mistakes(x):
    stable = x - x.max(axis=1, keepdims=True)
    power, overall, base_2 = np.exp(stable), np.exp(x - x.max()), 2**stable
    mistakes = [
        ("The columns add up to 1: the rows must, so work along axis 1.", dense.softmax(x, axis=0)),
        ("The whole array adds up to 1: each row must.", dense.softmax(x, axis=(0, 1))),
        ("The rows do not add up to 1: divide by the sum of the row.", np.exp(x)),
        ("The rows do not add up to 1: divide by the sum of the row.", power),
        ("It is the logarithm of the softmax.", dense.log_softmax(x)),
        ("It is the sigmoid of each number: the numbers of a row compete.", dense.sigmoid(x)),
        ("The largest number gets 1 and the others 0: that is the argmax, without the soft.",
         (power == 1) * 1.0),
        ("The exponential is missing: shares of the numbers themselves can be negative.",
         x / x.sum(axis=1, keepdims=True)),
        ("The numbers have the wrong sign: the largest must get the largest share.", dense.softmax(-x)),
        ("It raises 2 to the power of the numbers, not e.", base_2 / base_2.sum(axis=1, keepdims=True)),
        ("It is the mean that is subtracted, not the largest number: exp can still overflow.",
         _naive(x - x.mean(axis=1, keepdims=True))),
        ("It subtracts the largest number of the whole array, beside which all of a row can vanish: take the "
         "largest of each row.", overall / overall.sum(axis=1, keepdims=True)),
        ("It cuts large numbers off, and numbers that differ become equal: subtract the largest of each row.",
         dense.softmax(np.clip(x, -500, 500))),
    ]  # fmt: skip
    if len(x) == x.shape[1]:  # elsewhere NumPy refuses
        lost = "An axis is lost: the {} of row i meets column i. Keep the axis with keepdims=True."
        shifted = np.exp(x - x.max(axis=1))
        mistakes += [
            (lost.format("sum"), power / power.sum(axis=1)),
            (lost.format("sum"), np.exp(x) / np.exp(x).sum(axis=1)),
            (lost.format("largest number"), shifted / shifted.sum(axis=1)),
        ]
    if np.abs(x).max() > 700:
        mistakes.append((_OVERFLOW, not_finite))
    return mistakes


def _naive(x):
    power = np.exp(x)
    return power / power.sum(axis=1, keepdims=True)


_OVERFLOW = (
    "exp of a large number overflows: subtract the largest number of each row first, which changes no share."
)

SOFTMAX = Exercise(
    names=("x",),
    cases=[
        ("one row", (irregular(1, 3) * 2,)),
        ("as many rows as columns", (irregular(4, 4) * 2,)),
        ("two rows, five columns", (irregular(2, 5) * 3,)),
        ("large numbers",
         (np.array([[1000.0, 999.0, 998.5, 990.0], [-1000.0, -1001.0, -999.0, -1000.0]]),)),
        ("numbers far apart", (np.array([[1000.0, 0.0, -1000.0], [998.0, 1000.0, 0.0]]),)),
    ],
    right=dense.softmax,
    mistakes=_softmax_mistakes,
    praise="Right: each row adds up to 1, as with helpers.dense.softmax, and nothing overflows.",
    hints={
        "OverflowError": _OVERFLOW,
        "float division by zero": _OVERFLOW,
        "broadcast": "Keep the axis that you work along, with keepdims=True.",
    },
)  # fmt: skip


# ---------------------------------------------------------------- batch_norm


def _by_batch(x, gamma, beta, epsilon, axis=0, center=True, ddof=0):
    """Batch normalization, right or with another axis, without the center, or with a divisor of n - ddof."""
    mean = x.mean(axis=axis, keepdims=True) if center else 0
    variance = np.sum((x - x.mean(axis=axis, keepdims=True)) ** 2, axis=axis, keepdims=True)
    variance = variance / (np.size(x, axis) - ddof)
    return gamma * ((x - mean) / np.sqrt(variance + epsilon)) + beta


@np.errstate(all="ignore")
def _batch_norm_mistakes(x, gamma, beta, epsilon):
    mean, variance = x.mean(axis=0), x.var(axis=0)
    deviation, normal = np.sqrt(variance + epsilon), _by_batch(x, 1, 0, epsilon)
    return [
        ("The variance is divided by n - 1: divide by n, as np.var does by itself.",
         _by_batch(x, gamma, beta, epsilon, ddof=1)),
        ("It normalizes the rows, which is layer norm: mean and variance belong to a channel, axis 0.",
         _by_batch(x, gamma, beta, epsilon, axis=1)),
        ("One mean and one variance serve all channels: each channel has its own, axis 0.",
         _by_batch(x, gamma, beta, epsilon, axis=None)),
        ("epsilon stands outside the root: add it to the variance.",
         gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta),
        ("epsilon is left out: a constant channel is divided by 0.",
         gamma * (x - mean) / np.sqrt(variance) + beta),
        ("The root is missing: divide by the standard deviation, not by the variance.",
         gamma * (x - mean) / (variance + epsilon) + beta),
        ("gamma is left out: multiply by it before adding beta.", normal + beta),
        ("beta is left out: add it at the end.", gamma * normal),
        ("gamma and beta are both left out.", normal),
        ("gamma and beta are swapped: gamma multiplies, beta is added.", beta * normal + gamma),
        ("beta is added before gamma multiplies.", gamma * (normal + beta)),
        ("The mean is not subtracted.", _by_batch(x, gamma, beta, epsilon, center=False)),
        ("Only the mean is subtracted: divide by the root of the variance too.", gamma * (x - mean) + beta),
        ("It multiplies by the standard deviation: divide by it.", gamma * (x - mean) * deviation + beta),
    ]  # fmt: skip


BATCH_NORM = Exercise(
    names=("x", "gamma", "beta", "epsilon"),
    cases=[
        (what, (x, irregular(x.shape[1], start=60.0) + 1.5, irregular(x.shape[1], start=90.0) * 3, epsilon))
        for what, x, epsilon in [
            ("two rows, one channel", np.array([[1.0], [4.0]]), 0.001),
            ("six rows, three channels", 2 * irregular(6, 3) + np.array([1.0, -3.0, 0.5]), 0.01),
            ("as many rows as channels", 3 * irregular(4, 4) + np.arange(4), 0.5),
            ("a constant channel", irregular(5, 2) * np.array([1.0, 0.0]) + 2, 0.001),
            ("one row", irregular(1, 3), 0.001),
        ]
    ],
    right=_by_batch,
    mistakes=_batch_norm_mistakes,
    praise="Right: every channel gets the mean beta, as with helpers.dense.batch_norm, also a constant one.",
    hints={"broadcast": "The mean of each channel has the shape (c,): take it along axis 0."},
)


# ---------------------------------------------------------------- gradient


def sum_of_squares(x):
    """Return a number whose central differences are exact."""
    return np.sum(np.asarray(x) ** 2)


def weighted_cubes(x):
    """Return a number to which each entry adds in a different way, so that its place counts."""
    x = np.asarray(x)
    return np.sum(irregular(*x.shape) * x**3) + np.prod(x)


def _central(f, x, step):
    """Move one entry after the other, and put it back."""
    return _differences(f, x, lambda moved, i: (moved(i, step) - moved(i, -step)) / (2 * step))


def _differences(f, x, measure):
    """Fill an array with ``measure(moved, i)``, where ``moved(i, by)`` is f with entry i moved."""

    def moved(i, by):
        point = x.astype(float)
        point[i] += by
        return f(point)

    return np.array([measure(moved, i) for i in np.ndindex(x.shape)]).reshape(x.shape)


def _gradient_mistakes(f, x, step):
    right = _central(f, x, step)
    together = (f(x + step) - f(x - step)) / (2 * step)
    return [
        ("It is the forward difference: step to both sides of x.",
         _differences(f, x, lambda moved, i: (moved(i, step) - f(x)) / step)),
        ("It is the backward difference: step to both sides of x.",
         _differences(f, x, lambda moved, i: (f(x) - moved(i, -step)) / step)),
        ("It is twice too large: the two points are 2 * step apart.", 2 * right),
        ("It is twice too small.", right / 2),
        ("It is not divided by the distance of the two points, 2 * step.", 2 * step * right),
        ("It is multiplied by step: `a / 2 * step` is `(a / 2) * step`, so write `a / (2 * step)`.",
         step**2 * right),
        ("The sign is turned: f(x + step) comes first.", -right),
        ("It is the difference divided by 2 * step with half of the step to each side.",
         _differences(f, x, lambda moved, i: (moved(i, step / 2) - moved(i, -step / 2)) / (2 * step))),
        ("It is the second derivative: subtract f(x - step) from f(x + step).",
         _differences(f, x, lambda moved, i: (moved(i, step) - 2 * f(x) + moved(i, -step)) / step**2)),
        ("All entries move together, which gives one slope: move one entry at a time.", together),
        ("All entries move together, which gives one slope: move one entry at a time.",
         np.full(x.shape, together)),
        ("Entries that have moved are not put back before the next one moves.", _staying(f, x, step, -step)),
        ("Entries that have moved are not put back before the next one moves.", _staying(f, x, step, step)),
        ("Entries that have moved are not put back before the next one moves.", _staying(f, x, step, 0)),
        ("x holds whole numbers, and so does its copy: `step` is cut off. Convert it to float.",
         _in_integers(f, x, step)),
        ("x holds whole numbers, and so does `np.zeros_like(x)`: the slopes are cut off. Use np.zeros.",
         right.astype(x.dtype)),
    ]  # fmt: skip


def _staying(f, x, step, left):
    """Central differences with entries left at ``x + left``; at ``x - step``, cut short, for 0."""
    point, slopes = x.astype(float), []
    for i in np.ndindex(x.shape):
        point[i] += step
        ahead = f(point)
        point[i] -= 2 * step if left else step
        slopes.append((ahead - f(point)) / (2 * step))
        point[i] = x[i] + left if left else point[i] - step
    return np.array(slopes).reshape(x.shape)


def _in_integers(f, x, step):
    """Central differences by a copy that has the type of `x`."""

    def moved(i, by):
        point = x.copy()
        point[i] += by
        return f(point)

    slopes = [(moved(i, step) - moved(i, -step)) / (2 * step) for i in np.ndindex(x.shape)]
    return np.array(slopes).reshape(x.shape)


GRADIENT = Exercise(
    names=("f", "x", "step"),
    cases=[
        ("three numbers", (sum_of_squares, np.array([1.0, -2.0, 0.5]), 0.1)),
        ("five numbers", (weighted_cubes, irregular(5) * 2, 0.2)),
        ("a matrix", (weighted_cubes, irregular(2, 3) * 2, 0.1)),
        ("whole numbers", (weighted_cubes, np.array([1, 2, -3]), 0.25)),
    ],
    right=_central,
    mistakes=_gradient_mistakes,
    praise="Right: every entry agrees with the central difference, for vectors, matrices and whole numbers.",
    hints={
        "Python scalar": "Move one entry of `x` at a time: `f` gives one number.",
        "Cannot cast": "`x` may hold whole numbers: convert its copy to float.",
    },
)
