"""Exercises about losses and their gradients."""

import numpy as np

from helpers import losses
from helpers.check._core import Exercise, irregular, not_finite
from helpers.dense import sigmoid


def binary_crossentropy(candidate):
    """Check a function ``candidate(y, z)`` that returns the mean binary cross-entropy of logits.

    Parameters
    ----------
    candidate : callable
        Takes `y`, the truth, 1.0 or 0.0, and `z`, the logits, up to plus and minus 1000, both of one shape;
        returns one number, as `helpers.losses.binary_crossentropy_from_logits` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    BINARY_CROSSENTROPY.judge(candidate)


def binary_crossentropy_grad(candidate):
    """Check a function ``candidate(y, z)`` that returns the gradient of the mean binary cross-entropy.

    Parameters
    ----------
    candidate : callable
        Takes what `binary_crossentropy` gives; returns the gradient with respect to `z`, of its shape, as
        `helpers.losses.binary_crossentropy_from_logits_grad` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    BINARY_CROSSENTROPY_GRAD.judge(candidate)


def dice(candidate):
    """Check a function ``candidate(y, p)`` that returns the soft Dice loss of masks.

    Parameters
    ----------
    candidate : callable
        Takes `y`, 1.0 inside the true masks and 0.0 outside, and `p`, probabilities, both of one shape;
        returns one number for the whole batch, as `helpers.losses.soft_dice` does. A small number added to
        avoid 0 / 0 may stand where you like: no case has both an empty mask and an empty prediction.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    DICE.judge(candidate)


# ---------------------------------------------------------------- binary_crossentropy

_STABLE = "Compute the loss from z itself: max(z, 0) - z * y + log(1 + exp(-|z|))."
_LOG_OF_ZERO = (
    f"The probability of a large logit is rounded to 0 or 1, or its exponential overflows. {_STABLE}"
)


@np.errstate(all="ignore")
def _binary_crossentropy_mistakes(y, z):
    right, p, rest = losses.binary_crossentropy_from_logits(y, z), sigmoid(z), np.log1p(np.exp(-np.abs(z)))
    terms = np.maximum(z, 0) - z * y + rest
    mistakes = [
        (_LOG_OF_ZERO if np.abs(z).max() > 30 else _LOGIT, not_finite),
        ("It is the sum: take the mean.", terms.sum()),
        ("It is one number for each sample: take their mean.", terms),
        ("It is the mean over axis 0 alone: take the mean of all numbers.", terms.mean(axis=0)),
        ("It is divided by the number of ones: divide by the number of all samples.", terms.sum() / y.sum()),
        ("The sign is turned: the logarithm of a probability is negative, so the loss needs a minus.",
         -right),
        ("The logarithm has base 2: use the natural one.", right / np.log(2)),
        ("The logarithm has base 10: use the natural one.", right / np.log(10)),
        ("The labels are swapped, or the sign of z: p = 1 / (1 + exp(-z)) belongs to y = 1.",
         losses.binary_crossentropy_from_logits(1 - y, z)),
        ("Samples with y = 0 are left out: their term is -(1 - y) * log(1 - p).", np.mean(y * terms)),
        ("Samples with y = 1 are left out: their term is -y * log(p).", np.mean((1 - y) * terms)),
        ("The sigmoid is applied twice.", losses.binary_crossentropy_from_logits(y, p)),
        ("It is the mean squared error of the probabilities.", np.mean((p - y) ** 2)),
        ("It is the mean absolute error of the probabilities.", np.mean(np.abs(p - y))),
        ("The term log(1 + exp(-|z|)) is missing.", np.mean(terms - rest)),
        ("The exponential has the wrong sign: log(1 + exp(-|z|)).",
         np.mean(terms - rest + np.log1p(np.exp(np.abs(z))))),
        ("z * y is added: subtract it.", np.mean(terms + 2 * z * y)),
        *[(f"Logits are cut off at {limit}, so worse ones cost no more. {_STABLE}",
           losses.binary_crossentropy_from_logits(y, np.clip(z, -limit, limit)))
          for limit in (10, 20, 30, 50, 100, 500, 700)],
    ]  # fmt: skip
    for digits in (1, 3, 5, 6, 7, 8, 9, 10, 12, 15, 16):
        small = 10.0**-digits
        mistakes += [
            (_CUT_OFF.format(small), _from_probabilities(y, np.clip(p, small, 1 - small), 0)),
            (_CUT_OFF.format(small), _from_probabilities(y, p, small)),
        ]  # fmt: skip
    return [
        *mistakes,
        (_LOGIT, _from_probabilities(y, z, 0)),
        (_LOGIT, losses.binary_crossentropy(y, z)),
    ]


_CUT_OFF = "Probabilities stay {} away from 0, so worse ones cost no more. " + _STABLE
_LOGIT = "z is taken for a probability: it is a logit, and p = 1 / (1 + exp(-z))."


def _from_probabilities(y, p, small):
    return -np.mean(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))


# Correct sides of small logits, then both sides of large ones.
_LOGIT_CASES = [
    ("one sample", (np.array([1.0]), np.array([0.5]))),
    ("five samples", (np.array([1.0, 0, 0, 1, 0]), irregular(5) * 3)),
    ("a table", (np.array([[1.0, 0, 1], [0, 0, 1]]), irregular(2, 3, start=7.0) * 3)),
    ("large logits on the right side", (np.array([1.0, 0, 1]), np.array([1000.0, -1000, 2]))),
    ("large logits on the wrong side", (np.array([1.0, 0, 1, 0]), np.array([-1000.0, 1000, -50, 40]))),
]

BINARY_CROSSENTROPY = Exercise(
    names=("y", "z"),
    cases=_LOGIT_CASES,
    right=losses.binary_crossentropy_from_logits,
    mistakes=_binary_crossentropy_mistakes,
    praise="Right: it agrees with helpers.losses.binary_crossentropy_from_logits, also for logits of 1000.",
    hints={
        "OverflowError": _LOG_OF_ZERO,
        "math domain error": _LOG_OF_ZERO,
        "expected a positive input": _LOG_OF_ZERO,
    },
)


# ---------------------------------------------------------------- binary_crossentropy_grad


@np.errstate(all="ignore")
def _binary_crossentropy_grad_mistakes(y, z):
    p, n = sigmoid(z), z.size
    error, slope = p - y, p * (1 - p)
    return [
        ("It is not divided by the number of samples: the loss is their mean.", error),
        ("It is divided by the number of rows: the loss is the mean of all numbers.", error / len(z)),
        ("The sign is turned: p - y, so that a step against it raises p where y is 1.", -error / n),
        ("The sigmoid is missing: the gradient is that of p = 1 / (1 + exp(-z)).", (z - y) / n),
        ("It is the gradient with respect to p: multiply by the slope of the sigmoid, p * (1 - p).",
         error / slope / n),
        ("The slope of the sigmoid is there once too often: it cancels.", error * slope / n),
        ("It is the gradient of the mean squared error of the probabilities.", 2 * error * slope / n),
        ("The truth is left out: subtract y.", p / n),
        ("The labels are swapped, or the sign of z.", (p - 1 + y) / n),
        ("It is one number: each logit has a gradient of its own.", error.mean()),
        ("Probabilities are rounded to 0 and 1: subtract y from the probability itself.",
         ((p > 0.5) - y) / n),
        ("It vanishes where the network is sure and wrong, because probabilities are cut off: use p - y.",
         losses.binary_crossentropy_grad(y, p) * slope),
        (_GRADIENT_OVERFLOW, not_finite),
    ]  # fmt: skip


_GRADIENT_OVERFLOW = (
    "exp of a large number overflows: use exp(-|z|), so 1 / (1 + exp(-|z|)) for z >= 0 and "
    "exp(-|z|) / (1 + exp(-|z|)) for z < 0."
)

BINARY_CROSSENTROPY_GRAD = Exercise(
    names=("y", "z"),
    cases=_LOGIT_CASES,
    right=losses.binary_crossentropy_from_logits_grad,
    mistakes=_binary_crossentropy_grad_mistakes,
    praise="Right: it agrees with helpers.losses.binary_crossentropy_from_logits_grad.",
    hints={"OverflowError": _GRADIENT_OVERFLOW, "ZeroDivisionError": _GRADIENT_OVERFLOW},
)


# ---------------------------------------------------------------- dice


@np.errstate(all="ignore")
def _dice_mistakes(y, p):
    right, shared, total = losses.soft_dice(y, p), (y * p).sum(), y.sum() + p.sum()
    each = tuple(range(1, y.ndim))
    return [
        ("It is the overlap: the loss is 1 minus it.", 1 - right),
        ("It is minus the overlap: the loss is 1 minus it.", right - 1),
        ("The factor 2 is missing: the shared part counts in both masks.", 1 - shared / total),
        ("It is the intersection over the union: Dice divides twice the intersection by the sum of both.",
         1 - shared / (total - shared)),
        ("p is rounded to 0 and 1, which has no gradient.", losses.soft_dice(y, (p > 0.5) * 1.0)),
        ("The denominator adds up squares, as Milletari's form does: add up y and p themselves.",
         1 - 2 * shared / ((y**2).sum() + (p**2).sum())),
        ("It is the mean of one loss for each image: take the batch as one large mask.",
         losses.soft_dice(y, p, axis=each)),
        ("It is one loss for each image: take the batch as one large mask.",
         1 - 2 * (y * p).sum(axis=each) / (y + p).sum(axis=each)),
        ("1 is added: add a small number, such as 1e-7.", 1 - (2 * shared + 1) / (total + 1)),
        ("1 is added: add a small number, such as 1e-7.", 1 - 2 * shared / (total + 1)),
        ("It is the overlap of the backgrounds.", losses.soft_dice(1 - y, 1 - p)),
        ("It divides by the true mask alone, which is the recall.", 1 - shared / y.sum()),
        ("It divides by the predicted mask alone, which is the precision.", 1 - shared / p.sum()),
        ("It is the mean absolute difference, in which the background counts most.", np.mean(np.abs(y - p))),
        ("It is the logarithm of the overlap.", -np.log(1 - right)),
        ("It divides by the number of pixels: divide by the sum of both masks.", 1 - 2 * shared / y.size),
    ]  # fmt: skip


def _masks(*shape, start=1.0):
    """Return a true mask that grows from image to image, and probabilities that follow it loosely."""
    place = np.arange(np.prod(shape)).reshape(shape) % np.prod(shape[1:])
    y = place < 3 + 4 * np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return y * 1.0, 0.5 + 0.25 * (2 * y - 1) + 0.24 * irregular(*shape, start=start)


DICE = Exercise(
    names=("y", "p"),
    cases=[
        ("four pixels", (np.array([[1.0, 1, 0, 0]]), np.array([[0.9, 0.45, 0.3, 0.1]]))),
        ("one image", _masks(1, 4, 5, 1)),
        ("two images, one with a small mask", _masks(2, 4, 5, 1, start=9.0)),
        ("an empty mask", (np.zeros((1, 3, 3, 1)), np.abs(irregular(1, 3, 3, 1)))),
        ("a prediction without error", (_masks(1, 3, 3, 1)[0],) * 2),
    ],
    right=losses.soft_dice,
    mistakes=_dice_mistakes,
    praise="Right: it agrees with helpers.losses.soft_dice, for one image and for a batch.",
)
