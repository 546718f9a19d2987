"""The checkers about optimizers accept every right answer, and name what is wrong with a wrong one."""

import math

import check_rules
import numpy as np

from helpers import check

# ----- momentum -----


def one_number_after_the_other(w, grad, velocity, learning_rate, momentum):
    new_w, new_velocity = np.zeros(w.shape), np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        new_velocity[i] = momentum * velocity[i] - learning_rate * grad[i]
        new_w[i] = w[i] + new_velocity[i]
    return new_w, new_velocity


def pushed(w, grad, velocity, learning_rate, momentum):
    step = learning_rate * grad - momentum * velocity
    return [(w - step).astype(np.float32), (-step).astype(np.float32)]


def velocity_lists(w, grad, velocity, learning_rate, momentum):
    numbers = zip(velocity.ravel().tolist(), grad.ravel().tolist(), strict=True)
    new = np.reshape([momentum * v - learning_rate * g for v, g in numbers], w.shape)
    return (w + new).tolist(), new.tolist()


def step_along(velocity, move=lambda w, old, new, g, r, mu: w + new):
    """A reader's step: `velocity` gets the old one, the gradient, the rate and the momentum."""

    def candidate(w, grad, old, rate, momentum):
        new = velocity(old, grad, rate, momentum)
        return move(w, old, new, grad, rate, momentum), new

    return candidate


def good(v, g, r, mu):
    return mu * v - r * g


# ----- Adam -----


def algorithm_1(w, grad, m, v, t, learning_rate):
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad**2
    return w - learning_rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def faster_order(w, grad, m, v, t, learning_rate):
    m = m + 0.1 * (grad - m)
    v = v + 0.001 * (grad * grad - v)
    rate = learning_rate * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return [(w - rate * m / (v**0.5 + 1e-7)).astype(np.float32), m.astype(np.float32), v.astype(np.float32)]


def number_by_number(w, grad, m, v, t, learning_rate):
    def step(w, g, m, v):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return w - learning_rate * m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.999**t)) + 1e-7), m, v

    rows = [step(*numbers) for numbers in zip(*(a.ravel().tolist() for a in (w, grad, m, v)), strict=True)]
    return [np.reshape(column, w.shape).tolist() for column in zip(*rows, strict=True)]


def with_keras(w, grad, m, v, t, learning_rate):
    import keras

    variable = keras.Variable(w, dtype="float64")
    rule = keras.optimizers.Adam(learning_rate)
    rule.build([variable])
    rule.iterations.assign(t - 1)
    for memory, value in zip(rule.variables[-2:], (m, v), strict=True):
        memory.assign(value)
    rule.apply([grad])
    return variable.numpy(), *(memory.numpy() for memory in rule.variables[-2:])


def reader(
    beta_m=0.9, beta_v=0.999, share_m=None, share_v=None, of=np.square, t_m=0, t_v=0, root=np.sqrt,
    small=1e-7, inside=0.0, way=-1, rate=None,
):  # fmt: skip
    """A reader's Adam with one thing that may go wrong; a `t_m` of infinity means no correction."""

    def candidate(w, grad, m, v, t, learning_rate):
        m = beta_m * m + (1 - beta_m if share_m is None else share_m) * grad
        v = beta_v * v + (1 - beta_v if share_v is None else share_v) * of(grad)
        m_hat, v_hat = m / (1 - beta_m ** (t + t_m)), v / (1 - beta_v ** (t + t_v))
        return w + way * (rate or learning_rate) * m_hat / (root(v_hat + inside) + small), m, v

    return candidate


def changed(parts):
    """Adam's right answer, from which `parts` makes a wrong one."""
    return lambda w, g, m, v, t, r: parts(*algorithm_1(w, g, m, v, t, r), w, g, m, v, t, r)


def in_place(w, grad, m, v, t, learning_rate):
    m *= 0.9
    m += 0.1 * grad
    return algorithm_1(w, grad, m, v, t, learning_rate)


RIGHT = {
    check.momentum: [one_number_after_the_other, pushed, velocity_lists, step_along(good)],
    check.adam: [algorithm_1, faster_order, number_by_number, with_keras, reader()],
}

WRONG = {
    check.momentum: {
        "velocity is not kept": step_along(lambda v, g, r, mu: -r * g),
        "whole velocity is kept": step_along(lambda v, g, r, mu: v - r * g),
        "The step goes uphill": step_along(lambda v, g, r, mu: mu * v + r * g),
        "velocity is subtracted from w": step_along(good, lambda w, old, new, g, r, mu: w - new),
        "velocity has the opposite sign": lambda w, g, v, r, mu: (w - (mu * v + r * g), mu * v + r * g),
        "rate stands outside": lambda w, g, v, r, mu: (w - r * (mu * v + g), mu * v + g),
        "learning rate is missing": step_along(lambda v, g, r, mu: mu * v - g),
        "multiplies the old velocity too": step_along(lambda v, g, r, mu: r * (mu * v - g)),
        "multiplied by 1 - momentum": step_along(lambda v, g, r, mu: mu * v - (1 - mu) * r * g),
        "along the old velocity": step_along(good, lambda w, old, new, g, r, mu: w + old),
        "gradient counts twice": step_along(good, lambda w, old, new, g, r, mu: w + new - r * g),
        "Nesterov": step_along(good, lambda w, old, new, g, r, mu: w + mu * new - r * g),
        "velocity has not changed": lambda w, g, v, r, mu: (w - r * g, v),
        "w has not moved": step_along(good, lambda w, old, new, g, r, mu: w),
        "It is the step": step_along(good, lambda w, old, new, g, r, mu: new),
        "w and velocity are swapped": lambda *a: pushed(*a)[::-1],
        "must return 2 things, w, velocity, in this order": lambda *a: pushed(*a)[0],
    },
    check.adam: {
        "correction of the bias is missing": reader(t_m=np.inf, t_v=np.inf),
        "bias of v is not corrected": reader(t_v=np.inf),
        "bias of m is not corrected": reader(t_m=np.inf),
        "uses t - 1": reader(t_m=-1, t_v=-1),
        "uses t + 1": reader(t_m=1, t_v=1),
        "does not depend on t": lambda w, g, m, v, t, r: reader()(w, g, m, v, 1, r),
        "same beta for m and v": changed(
            lambda w, m, v, old, g, m0, v0, t, r: (old - r * m / (v * (1 - 0.9**t)) ** 0.5, m, v)
        ),
        "The correction multiplies": changed(
            lambda w, m, v, old, g, m0, v0, t, r: (
                old - r * m * (1 - 0.9**t) / np.sqrt(v * (1 - 0.999**t)), m, v
            )
        ),
        "The root of v is missing": reader(root=lambda v: v),
        "inside of the root": reader(inside=1e-7, small=0),
        "`w`: Epsilon stands inside of the root": reader(inside=1e-8, small=0),
        "goes uphill": reader(way=1),
        "moves along the gradient": changed(
            lambda w, m, v, old, g, m0, v0, t, r: (old - r * g / np.sqrt(v / (1 - 0.999**t) + 1e-15), m, v)
        ),
        "along the old m:": changed(
            lambda w, m, v, old, g, m0, v0, t, r: (
                old - r * m0 / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7), m, v
            )
        ),
        "The learning rate is 0.001": reader(rate=0.001),
        "The learning rate is not used": reader(rate=1.0),
        "It is the step": changed(lambda w, m, v, old, *_: (old - w, m, v)),
        "corrected means are returned": changed(
            lambda w, m, v, old, g, m0, v0, t, r: (w, m / (1 - 0.9**t), v / (1 - 0.999**t))
        ),
        "m and v have not changed": changed(lambda w, m, v, old, g, m0, v0, t, r: (w, m0, v0)),
        "m and v are swapped": changed(lambda w, m, v, *_: (w, v, m)),
        "The order is w, m, v": changed(lambda w, m, v, *_: (m, v, w)),
        "The betas are swapped": reader(beta_m=0.999, beta_v=0.9),
        "Old and new are swapped": lambda w, g, m, v, t, r: (
            changed(lambda *a: a[0])(w, g, m, v, t, r), 0.1 * m + 0.9 * g, 0.001 * v + 0.999 * g**2
        ),
        "not multiplied by 1 - beta": reader(share_m=1, share_v=1),
        "mean of the gradients: of their squares": reader(of=lambda g: g),
        "mean of the absolute gradients": reader(of=np.abs),
        "A v of 0 gives 0 / 0": reader(small=0.0),
        "changes its argument `m`": in_place,
        "the first step has t = 1": lambda w, g, m, v, t, r: reader()(w, g, m, v, t, r / (t - 1)),
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
