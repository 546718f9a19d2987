"""Exercises about penalties that keep a network from learning its training set by heart."""

import numpy as np

from helpers.check._core import Exercise, irregular


def proximal_step(candidate):
    """Check a function ``candidate(w, grad, learning_rate, strength)``: a step of gradient descent with L1.

    Parameters
    ----------
    candidate : callable
        Takes the arrays `w` and `grad` of one shape, the gradient being that of the loss without penalty, and
        two numbers. Returns the next w: a step against the gradient, then every weight moved toward zero by
        ``learning_rate * strength``, and set to zero if it is nearer than that.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    PROXIMAL_STEP.judge(candidate)


def _soft(value, amount):
    return np.sign(value) * np.maximum(np.abs(value) - amount, 0)


def _right(w, grad, learning_rate, strength):
    return _soft(w - learning_rate * grad, learning_rate * strength)


def _mistakes(w, grad, learning_rate, strength):
    there, amount = w - learning_rate * grad, learning_rate * strength
    return [
        ("The penalty is missing: this is gradient descent.", there),
        ("It is the subgradient step, which jumps over zero: step first, then stop at zero.",
         there - amount * np.sign(w)),
        ("Weights jump over zero: one that is nearer than learning_rate * strength becomes zero.",
         there - amount * np.sign(there)),
        ("The gradient is not used: step against it first.", _soft(w, amount)),
        ("The step goes uphill: subtract the gradient.", _soft(w + learning_rate * grad, amount)),
        ("The threshold is the strength alone: multiply it by the learning rate.", _soft(there, strength)),
        ("The gradient is not multiplied by the learning rate.", _soft(w - grad, amount)),
        ("The threshold comes before the step: step first.", _soft(w, amount) - learning_rate * grad),
        ("Large weights keep their size: this is the hard threshold. Move them toward zero as well.",
         np.where(np.abs(there) > amount, there, 0.0)),
        ("Negative weights are lost: take the threshold of the absolute value, then give the sign back.",
         np.maximum(there - amount, 0)),
        ("The sign is lost: multiply by that of the weight after the step.", np.abs(_soft(there, amount))),
        ("The sign is that of the weight before the step: take the one after.",
         np.sign(w) * np.maximum(np.abs(there) - amount, 0)),
        ("Weights are cut to the threshold: subtract it instead.", np.clip(there, -amount, amount)),
        ("Every weight shrinks by a share, which is L2: L1 subtracts the same amount from all.",
         (1 - amount) * w - learning_rate * grad),
        ("Every weight shrinks by a share, which is L2: L1 subtracts the same amount from all.",
         (1 - amount) * there),
        ("The threshold is doubled.", _soft(there, 2 * amount)),
        ("Nothing moved: step against the gradient, then shrink.", w),
        ("The penalty acts twice, in the gradient and as the threshold: leave it out of the gradient.",
         _soft(there - amount * np.sign(w), amount)),
        ("The learning rate is missing.", _soft(w - grad, strength)),
        ("Negative weights move the wrong way: subtract the amount from the absolute value, keep the sign.",
         np.where(np.abs(there) > amount, there - amount, 0.0)),
        ("Every weight shrinks by a share, which is L2: L1 subtracts the same amount from all.",
         there / (1 + amount)),
        ("Weights move away from zero.", np.sign(there) * (np.abs(there) + amount)),
    ]  # fmt: skip


PROXIMAL_STEP = Exercise(
    names=("w", "grad", "learning_rate", "strength"),
    cases=[
        ("weights at rest", (np.array([0.5, -0.5, 0.1, -0.1]), np.zeros(4), 0.5, 0.5)),
        ("weights that move", (np.array([1.0, -1.0, 0.2, 0.0]), np.array([2.0, -1.0, 1.0, 0.2]), 0.3, 0.8)),
        ("a matrix", (irregular(3, 4), 2 * irregular(3, 4, start=9.0), 0.4, 0.7)),
    ],
    right=_right,
    mistakes=_mistakes,
    praise="Right: it steps against the gradient, shrinks, and stops at zero.",
)
