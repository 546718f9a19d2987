"""The checker about the L1 penalty accepts every right answer, and names what is wrong with a wrong one."""

import math

import check_rules
import numpy as np

from helpers import check


def soft(value, amount):
    return np.sign(value) * np.maximum(abs(value) - amount, 0)


def by_sign(w, grad, learning_rate, strength):
    return soft(w - learning_rate * grad, learning_rate * strength)


def by_two_relus(w, grad, learning_rate, strength):
    there, amount = w - learning_rate * grad, learning_rate * strength
    return np.maximum(there - amount, 0) - np.maximum(-there - amount, 0)


def by_clipping(w, grad, learning_rate, strength):
    there, amount = w - learning_rate * grad, learning_rate * strength
    return (there - np.clip(there, -amount, amount)).astype(np.float32)


def by_cases(w, grad, learning_rate, strength):
    new = []
    for value, slope in zip(w.ravel().tolist(), grad.ravel().tolist(), strict=True):
        there = value - learning_rate * slope
        new.append(math.copysign(max(abs(there) - learning_rate * strength, 0.0), there))
    return np.reshape(new, w.shape).tolist()


RIGHT = {check.proximal_step: [by_sign, by_two_relus, by_clipping, by_cases]}

WRONG = {
    check.proximal_step: {
        "The penalty is missing": lambda w, g, r, s: w - r * g,
        "subgradient step": lambda w, g, r, s: w - r * (g + s * np.sign(w)),
        "Weights jump over zero": lambda w, g, r, s: w - r * g - r * s * np.sign(w - r * g),
        "The gradient is not used": lambda w, g, r, s: soft(w, r * s),
        "goes uphill": lambda w, g, r, s: soft(w + r * g, r * s),
        "The threshold is the strength alone": lambda w, g, r, s: soft(w - r * g, s),
        "not multiplied by the learning rate": lambda w, g, r, s: soft(w - g, r * s),
        "comes before the step": lambda w, g, r, s: soft(w, r * s) - r * g,
        "hard threshold": lambda w, g, r, s: (w - r * g) * (abs(w - r * g) > r * s),
        "Negative weights are lost": lambda w, g, r, s: np.maximum(w - r * g - r * s, 0),
        "The sign is lost": lambda w, g, r, s: np.maximum(abs(w - r * g) - r * s, 0),
        "the weight before the step": lambda w, g, r, s: np.sign(w) * np.maximum(abs(w - r * g) - r * s, 0),
        "cut to the threshold": lambda w, g, r, s: np.clip(w - r * g, -r * s, r * s),
        "which is L2": lambda w, g, r, s: w - r * (g + s * w),
        "Nothing moved": lambda w, g, r, s: w,
        "acts twice": lambda w, g, r, s: soft(w - r * (g + s * np.sign(w)), r * s),
        "The learning rate is missing": lambda w, g, r, s: soft(w - g, s),
        "move the wrong way": lambda w, g, r, s: (w - r * g - r * s) * (abs(w - r * g) > r * s),
        "The threshold is doubled": lambda w, g, r, s: soft(w - r * g, 2 * r * s),
        "away from zero": lambda w, g, r, s: soft(w - r * g, -r * s),
        "It changes its argument `w`": lambda w, g, r, s: soft(np.subtract(w, r * g, out=w), r * s),
        "It returned None": lambda w, g, r, s: None,
        "truth value of an array": lambda w, g, r, s: w if w > r * s else 0 * w,
    }
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
