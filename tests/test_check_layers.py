"""The checkers about layers accept every right answer, and name what is wrong with a wrong one."""

import math

import check_rules
import numpy as np
from scipy import optimize, special

from helpers import check, dense

# ----- dense_grad -----


def one_sample_after_the_other(x, w, dy):
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for sample in range(len(x)):
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                dx[sample, i] += dy[sample, j] * w[i, j]
                dw[i, j] += dy[sample, j] * x[sample, i]
        db += dy[sample]
    return dx, dw, db


def gradients_in_lists(x, w, dy):
    x, w, dy = x.tolist(), w.tolist(), dy.tolist()
    rows, inputs, outputs = range(len(x)), range(len(w)), range(len(w[0]))
    dx = [[sum(dy[m][j] * w[i][j] for j in outputs) for i in inputs] for m in rows]
    dw = [[sum(dy[m][j] * x[m][i] for m in rows) for j in outputs] for i in inputs]
    return [dx, dw, [sum(dy[m][j] for m in rows) for j in outputs]]


def by_einsum(x, w, dy):
    x, w, dy = (a.astype(np.float32) for a in (x, w, dy))
    return np.einsum("no,io->ni", dy, w), np.einsum("ni,no->io", x, dy), np.einsum("no->o", dy)


def by_tensorflow(x, w, dy):
    import tensorflow as tf

    x, w, b = tf.Variable(x), tf.Variable(w), tf.Variable(np.zeros(w.shape[1]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((x @ w + b) * dy)
    return tape.gradient(loss, [x, w, b])


def gradients(dx=lambda x, w, dy: dy @ w.T, dw=lambda x, w, dy: x.T @ dy, db=lambda x, w, dy: dy.sum(axis=0)):
    return lambda x, w, dy: (dx(x, w, dy), dw(x, w, dy), db(x, w, dy))


# ----- softmax -----


def rows_of_floats(x):
    shares = []
    for row in x.tolist():
        powers = [math.exp(number - max(row)) for number in row]
        shares.append([power / sum(powers) for power in powers])
    return shares


def by_array(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def by_columns(x):
    powers = np.exp((x.T - x.T.max(axis=0)).astype(np.float32))
    return (powers / powers.sum(axis=0)).T


def by_logsumexp(x):
    return np.exp(x - special.logsumexp(x, axis=1)[:, None])


def shares(axis=1, keepdims=True, largest=lambda x: 0, power=np.exp):
    def candidate(x):
        powers = power(x - largest(x))
        return powers / powers.sum(axis=axis, keepdims=keepdims)

    return candidate


def row_max(x):
    return x.max(axis=1, keepdims=True)


def naive_floats(x):
    return [[math.exp(a) / sum(math.exp(b) for b in row) for a in row] for row in x.tolist()]


# ----- batch_norm -----


def by_helper(x, gamma, beta, epsilon):
    y, *_ = dense.batch_norm(x, gamma, beta, np.zeros(len(gamma)), np.ones(len(gamma)), epsilon=epsilon)
    return y


def column_by_column(x, gamma, beta, epsilon):
    columns = []
    for column, scale, shift in zip(x.T.tolist(), gamma.tolist(), beta.tolist(), strict=True):
        mean = sum(column) / len(column)
        variance = sum((number - mean) ** 2 for number in column) / len(column)
        columns.append([scale * (number - mean) / math.sqrt(variance + epsilon) + shift for number in column])
    return [list(row) for row in zip(*columns, strict=True)]


def as_scale_and_shift(x, gamma, beta, epsilon):
    x = x.astype(np.float32)
    scale = gamma / np.sqrt(np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2 + epsilon)
    return x * scale + (beta - x.mean(axis=0) * scale)


def by_keras(x, gamma, beta, epsilon):
    import keras

    layer = keras.layers.BatchNormalization(epsilon=epsilon)
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer(x, training=True)


def normalize(axis=0, deviation=lambda variance, epsilon: np.sqrt(variance + epsilon), ddof=0, finish=None):
    finish = finish or (lambda normal, gamma, beta: gamma * normal + beta)

    def candidate(x, gamma, beta, epsilon):
        variance = x.var(axis=axis, keepdims=True, ddof=ddof)
        normal = (x - x.mean(axis=axis, keepdims=True)) / deviation(variance, epsilon)
        return finish(normal, gamma, beta)

    return candidate


# ----- gradient -----


def restoring(f, x, step):
    x = np.array(x, dtype=float)
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + step
        ahead = f(x)
        x[index] = old - step
        slopes[index] = (ahead - f(x)) / (2 * step)
        x[index] = old
    return slopes


def directions(f, x, step):
    unit = np.eye(x.size).reshape(x.size, *x.shape) * step
    return np.reshape([(f(x + d) - f(x - d)) / (2 * step) for d in unit], x.shape).astype(np.float32)


def flat_lists(f, x, step):
    flat, slopes = x.ravel().tolist(), []
    for i in range(len(flat)):
        ahead, behind = list(flat), list(flat)
        ahead[i] += step
        behind[i] -= step
        ahead, behind = np.reshape(ahead, x.shape), np.reshape(behind, x.shape)
        slopes.append((f(ahead) - f(behind)) / (2 * step))
    return np.reshape(slopes, x.shape).tolist()


def puts_back_by_adding(f, x, step):
    if x.dtype.kind == "i":
        x = x.astype(float)
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += step
        ahead = f(x)
        x[index] -= 2 * step
        slopes[index] = (ahead - f(x)) / (2 * step)
        x[index] += step
    return slopes


def slopes(formula, copy=lambda x: x.astype(float), result=np.zeros):
    def candidate(f, x, step):
        slope = result(x.shape)
        for index in np.ndindex(x.shape):
            ahead, behind = copy(x), copy(x)
            ahead[index] += step
            behind[index] -= step
            slope[index] = formula(f(ahead), f(x), f(behind), step)
        return slope

    return candidate


def central(ahead, here, behind, step):
    return (ahead - behind) / (2 * step)


def moves_the_argument(f, x, step):
    slope = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += step
        ahead = f(x)
        x[index] -= 2 * step
        slope[index] = (ahead - f(x)) / (2 * step)
    return slope


def never_puts_back(f, x, step):
    return moves_the_argument(f, x.astype(float), step)


RIGHT = {
    check.dense_grad: [
        dense.affine_grad, one_sample_after_the_other, gradients_in_lists, by_einsum, by_tensorflow,
        gradients(),
    ],
    check.softmax: [
        dense.softmax, rows_of_floats, by_array, by_columns, by_logsumexp, shares(largest=row_max)
    ],
    check.batch_norm: [by_helper, column_by_column, as_scale_and_shift, by_keras, normalize()],
    check.gradient: [restoring, directions, flat_lists, puts_back_by_adding, slopes(central)],
}  # fmt: skip

WRONG = {
    check.dense_grad: {
        "`dx`: It is divided by the number of samples": lambda x, w, dy: gradients()(x, w, dy / len(x)),
        "dw and db are divided": gradients(
            dw=lambda x, w, dy: x.T @ dy / len(x), db=lambda x, w, dy: dy.mean(axis=0)
        ),
        "`dw`: It is divided by the number of samples": gradients(dw=lambda x, w, dy: x.T @ dy / len(x)),
        "`db`: It is the mean over the samples": gradients(db=lambda x, w, dy: dy.mean(axis=0)),
        "`db`: It is not added up": gradients(db=lambda x, w, dy: dy),
        "`db`: It is added up over the outputs": gradients(db=lambda x, w, dy: dy.sum(axis=1)),
        "`db`: It is added up over everything": gradients(db=lambda x, w, dy: np.sum(dy)),
        "It is 1 for each output": gradients(db=lambda x, w, dy: np.ones(w.shape[1])),
        "`db`: It has an axis too many": gradients(db=lambda x, w, dy: dy.sum(axis=0, keepdims=True)),
        "`dw`: It is transposed": gradients(dw=lambda x, w, dy: dy.T @ x),
        "`dx`: It is transposed": gradients(dx=lambda x, w, dy: w @ dy.T),
        "dx and dw are swapped": lambda x, w, dy: (x.T @ dy, dy @ w.T, dy.sum(axis=0)),
        "dy is left out": lambda x, w, dy: gradients()(x, w, 0 * dy + 1),
        "Only the first sample": gradients(
            dw=lambda x, w, dy: np.outer(x[0], dy[0]), db=lambda x, w, dy: dy[0]
        ),
        "Only the last sample": gradients(
            dw=lambda x, w, dy: np.outer(x[-1], dy[-1]), db=lambda x, w, dy: dy[-1]
        ),
        "The signs are turned": lambda x, w, dy: gradients()(x, w, -dy),
        "w is not transposed": gradients(dx=lambda x, w, dy: dy @ w),
        "wrong order: dx": gradients(dx=lambda x, w, dy: w @ dy),
        "x is not transposed": gradients(dw=lambda x, w, dy: x @ dy),
        "wrong order: dw": gradients(dw=lambda x, w, dy: dy @ x),
        "must return 3 things, dx, dw, db, in this order, and returned 2": lambda x, w, dy: (x, dy),
        "All are 0.5 times": gradients(dx=lambda x, w, dy: dy @ w.T / 2),
        "dx has that of x, dw that of w": lambda x, w, dy: gradients()(x[:, :2], w, dy)[:1] + (w @ x[:2], 0),
        "`db` is None": gradients(db=lambda x, w, dy: None),
        "changes its argument `dy`": lambda x, w, dy: (dy @ w.T, x.T @ dy, np.cumsum(dy, axis=0, out=dy)[-1]),
    },
    check.softmax: {
        "The columns add up to 1": shares(axis=0, largest=row_max),
        "The whole array adds up to 1": shares(axis=None, largest=np.max),
        "The rows do not add up to 1": lambda x: np.exp(x - row_max(x)),
        "It is the logarithm": lambda x: x - special.logsumexp(x, axis=1)[:, None],
        "It is the sigmoid": special.expit,
        "argmax": lambda x: (x == row_max(x)) + 0.0,
        "The exponential is missing": lambda x: x / x.sum(axis=1, keepdims=True),
        "The numbers have the wrong sign": lambda x: by_array(-x),
        "raises 2 to the power": shares(largest=row_max, power=np.exp2),
        "largest number of the whole array": shares(largest=np.max),
        "It is the mean that is subtracted": shares(largest=lambda x: x.mean(axis=1, keepdims=True)),
        "cuts large numbers off": lambda x: by_array(np.clip(x, -300, 300)),
        "exp of a large number overflows": shares(),
        "It raised OverflowError: math range error": naive_floats,
        "the sum of row i meets column i": lambda x: (
            np.exp(x - row_max(x)) / np.exp(x - row_max(x)).sum(axis=1)
            if len(x) == x.shape[1]
            else by_array(x)
        ),
        "An axis is lost": shares(keepdims=False),
        "with keepdims=True": lambda x: (
            by_array(x) if len(x) in (1, x.shape[1]) else by_array(x - x.max(axis=1))
        ),
        "take one number: use NumPy's": lambda x: [math.exp(row) for row in x],
        "The shape must be (1, 3), and it is (3,)": lambda x: by_array(x)[0],
        "The shape must be (1, 3), and it is (3, 1): it is transposed": lambda x: by_array(x).T,
        "All are 100 times the right ones": lambda x: 100 * by_array(x),
    },
    check.batch_norm: {
        "divided by n - 1": normalize(ddof=1),
        "which is layer norm": normalize(axis=1),
        "One mean and one variance serve all": normalize(axis=None),
        "epsilon stands outside the root": normalize(deviation=lambda variance, e: np.sqrt(variance) + e),
        "epsilon is left out": normalize(deviation=lambda variance, e: np.sqrt(variance)),
        "The root is missing": normalize(deviation=lambda variance, e: variance + e),
        "gamma is left out": normalize(finish=lambda normal, gamma, beta: normal + beta),
        "beta is left out": normalize(finish=lambda normal, gamma, beta: gamma * normal),
        "gamma and beta are both left out": normalize(finish=lambda normal, gamma, beta: normal),
        "gamma and beta are swapped": normalize(finish=lambda normal, gamma, beta: beta * normal + gamma),
        "beta is added before": normalize(finish=lambda normal, gamma, beta: gamma * (normal + beta)),
        "The mean is not subtracted": lambda x, gamma, beta, e: gamma * x / np.sqrt(x.var(axis=0) + e) + beta,
        "Only the mean is subtracted": normalize(deviation=lambda variance, e: 1),
        "multiplies by the standard deviation": normalize(
            deviation=lambda variance, e: 1 / np.sqrt(variance + e)
        ),
        "take it along axis 0": lambda x, gamma, beta, e: (
            normalize()(x, gamma, beta, e) if x.shape[1] == 1 else x - x.mean(axis=1)
        ),
        "The shape must be (2, 1), and it is (1, 2)": lambda x, gamma, beta, e: normalize()(
            x, gamma, beta, e
        ).T,
        "changes its argument `x`": lambda x, gamma, beta, e: normalize()(x.__isub__(1), gamma, beta, e),
        "It returned None": lambda x, gamma, beta, e: None,
    },
    check.gradient: {
        "forward difference": slopes(lambda ahead, here, behind, step: (ahead - here) / step),
        "backward difference": slopes(lambda ahead, here, behind, step: (here - behind) / step),
        "twice too large": slopes(lambda ahead, here, behind, step: (ahead - behind) / step),
        "twice too small": slopes(lambda ahead, here, behind, step: (ahead - behind) / (4 * step)),
        "not divided by the distance": slopes(lambda ahead, here, behind, step: ahead - behind),
        "multiplied by step": slopes(lambda ahead, here, behind, step: (ahead - behind) / 2 * step),
        "The sign is turned": slopes(lambda ahead, here, behind, step: (behind - ahead) / (2 * step)),
        "half of the step": lambda f, x, step: restoring(f, x, step / 2) / 2,
        "second derivative": slopes(lambda ahead, here, behind, step: (ahead - 2 * here + behind) / step**2),
        "All entries move together": lambda f, x, step: (f(x + step) - f(x - step)) / (2 * step),
        "are not put back": never_puts_back,
        "`step` is cut off": slopes(central, copy=np.copy),
        "`np.zeros_like(x)`": lambda f, x, step: slopes(central)(f, x, step).astype(x.dtype),
        "changes its argument `x`": moves_the_argument,
        "The shape must be (2, 3), and it is (6,)": lambda f, x, step: restoring(f, x, step).ravel(),
        "convert its copy to float": lambda f, x, step: directions(f, x.__iadd__(0 * step), step),
        "Move one entry of `x` at a time": lambda f, x, step: [math.exp(x + step) for _ in x],
        "it is transposed": lambda f, x, step: restoring(f, x, step).T,
        "The first wrong number is at (0,)": lambda f, x, step: optimize.approx_fprime(x, f, 1e-8) + 1,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
