"""Exercises about the rules that turn gradients into better parameters."""

import numpy as np

from helpers import optimizers
from helpers.check._core import Exercise, irregular, not_finite


def momentum(candidate):
    """Check a function ``candidate(w, grad, velocity, learning_rate, momentum)`` that takes one step.

    Parameters
    ----------
    candidate : callable
        Takes the arrays `w`, `grad` and `velocity` of one shape and two numbers; returns new arrays, the next
        `w` and `velocity`, as `helpers.optimizers.momentum` computes them: the velocity points where w goes.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    MOMENTUM.judge(candidate)


def adam(candidate):
    """Check a function ``candidate(w, grad, m, v, t, learning_rate)`` that takes one step of Adam.

    Parameters
    ----------
    candidate : callable
        Takes the arrays `w`, `grad`, `m` and `v` of one shape, the number `t` of the step, 1 for the first,
        and the learning rate; returns new arrays, the next `w`, `m` and `v`, as `helpers.optimizers.adam`
        computes them with betas of 0.9 and 0.999. Epsilon is 1e-7 or 1e-8, added to the root of v before or
        after the correction of its bias.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    ADAM.judge(candidate)


# ---------------------------------------------------------------- momentum


def _momentum_right(w, grad, velocity, learning_rate, momentum):
    params, state = {"w": w.copy()}, {"step": 1, "velocity": {"w": velocity.copy()}}
    optimizers.momentum(params, {"w": grad}, state, learning_rate, momentum)
    return params["w"], state["velocity"]["w"]


def _momentum_mistakes(w, grad, velocity, learning_rate, momentum):
    push, kept = learning_rate * grad, momentum * velocity
    right, unscaled, mean = kept - push, kept + grad, kept - (1 - momentum) * push
    return [
        ("The velocity is not kept: this is gradient descent.", (w - push, -push)),
        ("The whole velocity is kept: multiply it by momentum.",
         (w + velocity - push, velocity - push)),
        ("The step goes uphill: subtract the gradient from the velocity.", (w + kept + push, kept + push)),
        ("The velocity is subtracted from w: it points where w goes, so add it.", (w - right, right)),
        ("The velocity has the opposite sign: w = w + velocity here, so subtract the gradient from the "
         "velocity.", (w - kept - push, kept + push)),
        ("The learning rate stands outside of the velocity: velocity = momentum * velocity - learning_rate * "
         "grad.", (w - learning_rate * unscaled, unscaled)),
        ("The learning rate is missing.", (w + kept - grad, kept - grad)),
        ("The learning rate multiplies the old velocity too: it belongs to the gradient alone.",
         (w + learning_rate * (kept - grad), learning_rate * (kept - grad))),
        ("The gradient is multiplied by 1 - momentum, as in a running mean: leave it whole.",
         (w + mean, mean)),
        ("w moves along the old velocity: update the velocity first.", (w + velocity, right)),
        ("w moves along the old velocity: update the velocity first.", (w + kept, right)),
        ("The gradient counts twice: it is in the velocity already.", (w + right - push, right)),
        ("w moves as in Nesterov's form, which looks ahead: add the velocity.",
         (w + momentum * right - push, right)),
        ("The velocity has not changed: return the new one.", (w + right, velocity)),
        ("The velocity has not changed: return the new one.", (w - push, velocity)),
        ("w has not moved.", (w, right)),
        ("It is the step: add it to w.", (right, right)),
        ("w and velocity are swapped.", (right, w + right)),
    ]  # fmt: skip


MOMENTUM = Exercise(
    names=("w", "grad", "velocity", "learning_rate", "momentum"),
    cases=[
        ("first step", (irregular(3), irregular(3, start=9.0) * 5, np.zeros(3), 0.1, 0.9)),
        ("later step", (irregular(3), irregular(3, start=9.0) * 5, irregular(3, start=20.0) * 2, 0.1, 0.9)),
        ("a matrix", (irregular(2, 3), irregular(2, 3, start=9.0), irregular(2, 3, start=30.0), 0.3, 0.5)),
    ],
    right=_momentum_right,
    mistakes=_momentum_mistakes,
    praise="Right: w and velocity agree with helpers.optimizers.momentum, at the first step and later.",
    outputs=("w", "velocity"),
)


# ---------------------------------------------------------------- adam

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


def _adam_right(w, grad, m, v, t, learning_rate):
    params, state = {"w": w.copy()}, {"step": t - 1, "m": {"w": m.copy()}, "v": {"w": v.copy()}}
    optimizers.adam(params, {"w": grad}, state, learning_rate)
    return params["w"], state["m"]["w"], state["v"]["w"]


@np.errstate(all="ignore")
def _adam_mistakes(w, grad, m, v, t, learning_rate):
    def step(new_m, new_v, t_m=t, t_v=t, root=np.sqrt, shift=0.0):
        """Return the next w; a time of infinity leaves the correction out."""
        m_hat, v_hat = new_m / (1 - BETA_1**t_m), new_v / (1 - BETA_2**t_v)
        return w - learning_rate * m_hat / (root(v_hat + shift) + EPSILON)

    def means(m_old, m_new, v_old, v_new, square=np.square):
        new = m_old * m + m_new * grad, v_old * v + v_new * square(grad)
        return step(*new), *new

    new_m, new_v = BETA_1 * m + (1 - BETA_1) * grad, BETA_2 * v + (1 - BETA_2) * grad**2
    new, right = (new_m, new_v), step(new_m, new_v)
    m_hat, v_hat = new_m / (1 - BETA_1**t), new_v / (1 - BETA_2**t)
    never = np.inf
    return [
        ("A v of 0 gives 0 / 0: add epsilon to the root.", not_finite),
        ("m and v have not changed: return the new ones.", (right, m, v)),
        ("m and v have not changed: return the new ones.", (step(m, v), m, v)),
        ("The correction of the bias is missing: divide m by 1 - 0.9**t and v by 1 - 0.999**t.",
         (step(*new, never, never), *new)),
        ("The bias of v is not corrected: divide it by 1 - 0.999**t.", (step(*new, t, never), *new)),
        ("The bias of m is not corrected: divide it by 1 - 0.9**t.", (step(*new, never, t), *new)),
        ("The correction uses t - 1: t counts this step too, so the first step has t = 1.",
         (step(*new, t - 1, t - 1), *new)),
        ("The correction uses t + 1: the first step has t = 1 already.",
         (step(*new, t + 1, t + 1), *new)),
        ("The correction uses the same beta for m and v.",
         (w - learning_rate * m_hat / np.sqrt(new_v / (1 - BETA_1**t)), *new)),
        ("The correction does not depend on t: the betas are raised to the power t.",
         (step(*new, 1, 1), *new)),
        ("The correction multiplies: divide by 1 - beta**t.",
         (w - learning_rate * new_m * (1 - BETA_1**t) / np.sqrt(new_v * (1 - BETA_2**t)), *new)),
        ("The root of v is missing.", (step(*new, root=np.positive), *new)),
        ("Epsilon stands inside of the root: add it to the root.", (step(*new, shift=1e-7), *new)),
        ("Epsilon stands inside of the root: add it to the root.", (step(*new, shift=1e-8), *new)),
        ("The step goes uphill: subtract it from w.", (2 * w - right, *new)),
        ("w moves along the gradient: it moves along m, the running mean.",
         (w - learning_rate * grad / (np.sqrt(v_hat) + EPSILON), *new)),
        ("w moves along the old m: update m and v first.", (step(m, new_v), *new)),
        ("w moves along the old m and v: update them first.", (step(m, v), *new)),
        ("The learning rate is not used.", (w - (w - right) / learning_rate, *new)),
        ("The learning rate is 0.001, whatever the argument says.",
         (w - (w - right) / learning_rate * 0.001, *new)),
        ("It is the step: subtract it from w.", (w - right, *new)),
        ("The corrected means are returned: the next step would correct them again.",
         (right, m_hat, v_hat)),
        ("m and v are swapped.", (right, new_v, new_m)),
        ("The order is w, m, v.", (*new, right)),
        ("The betas are swapped: m keeps 0.9 of itself, v 0.999.",
         means(BETA_2, 1 - BETA_2, BETA_1, 1 - BETA_1)),
        ("Old and new are swapped: 0.9 of the old m and 0.1 of the gradient.",
         means(1 - BETA_1, BETA_1, 1 - BETA_2, BETA_2)),
        ("The gradient is not multiplied by 1 - beta.", means(BETA_1, 1, BETA_2, 1)),
        ("v is the mean of the gradients: of their squares.",
         means(BETA_1, 1 - BETA_1, BETA_2, 1 - BETA_2, np.positive)),
        ("v is the mean of the absolute gradients: of their squares.",
         means(BETA_1, 1 - BETA_1, BETA_2, 1 - BETA_2, np.abs)),
        ("v is the mean of the squares of m: of those of the gradients.",
         (step(new_m, BETA_2 * v + (1 - BETA_2) * new_m**2), new_m, BETA_2 * v + (1 - BETA_2) * new_m**2)),
    ]  # fmt: skip


ADAM = Exercise(
    names=("w", "grad", "m", "v", "t", "learning_rate"),
    cases=[
        ("first step", (irregular(3), irregular(3, start=9.0) * 8, np.zeros(3), np.zeros(3), 1, 0.1)),
        ("second step",
         (irregular(3), irregular(3, start=9.0) * 8, irregular(3, start=20.0), irregular(3) ** 2, 2, 0.1)),
        ("a matrix at step 10",
         (irregular(2, 3), irregular(2, 3, start=9.0) * 8, irregular(2, 3, start=30.0),
          0.1 + irregular(2, 3) ** 2, 10, 0.5)),
        ("small gradients at step 2000",
         (irregular(2), np.array([1e-3, -2e-3]), np.array([8e-4, -1e-3]), np.array([1e-6, 2e-6]), 2000, 0.1)),
        ("a gradient of 0", (irregular(2), np.array([0.0, 5.0]), np.zeros(2), np.zeros(2), 1, 0.1)),
    ],
    right=_adam_right,
    mistakes=_adam_mistakes,
    praise="Right: w, m and v agree with helpers.optimizers.adam, at the first step and later.",
    outputs=("w", "m", "v"),
    hints={"ZeroDivisionError": "1 - beta**0 is 0: the first step has t = 1."},
)  # fmt: skip
