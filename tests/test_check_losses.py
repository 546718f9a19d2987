"""The checkers about losses accept every right answer, and name what is wrong with a wrong one."""

import math

import check_rules
import numpy as np
from scipy import special

from helpers import check, losses

# ----- binary cross-entropy of logits -----


def with_floats(y, z):
    def term(y, z):
        return max(z, 0) - z * y + math.log1p(math.exp(-abs(z)))

    terms = [term(*pair) for pair in zip(y.ravel().tolist(), z.ravel().tolist(), strict=True)]
    return sum(terms) / len(terms)


def with_arrays(y, z):
    return (np.maximum(z, 0) - z * y + np.log(1 + np.exp(-abs(z)))).mean()


def with_logaddexp(y, z):
    return np.mean(np.logaddexp(0, np.where(y == 1, -z, z)).astype(np.float32))


def with_log_expit(y, z):
    return -np.mean(y * special.log_expit(z) + (1 - y) * special.log_expit(-z))


def with_keras(y, z):
    import keras

    return keras.losses.BinaryCrossentropy(from_logits=True)(y.ravel(), z.ravel())


def cross_entropy(p=special.expit, small=0.0, log=np.log, mean=np.mean):
    return lambda y, z: -mean(y * log(p(z) + small) + (1 - y) * log(1 - p(z) + small))


def clipped_at(limit):
    return cross_entropy(lambda z: np.clip(special.expit(z), limit, 1 - limit))


def scalar_loop(y, z):
    total = 0
    for a, b in zip(y.ravel().tolist(), z.ravel().tolist(), strict=True):
        p = 1 / (1 + math.exp(-b))
        total -= a * math.log(p) + (1 - a) * math.log(1 - p)
    return total / y.size


def branches(y, z):
    return np.mean(np.logaddexp(0, -z if y == 1 else z))


# ----- its gradient -----


def gradient_of_floats(y, z):
    def share(z):
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))

    flat = zip(y.ravel().tolist(), z.ravel().tolist(), strict=True)
    return np.reshape([(share(b) - a) / y.size for a, b in flat], y.shape).tolist()


def gradient_with_numpy(y, z):
    return (1 / (1 + np.exp(-z)) - y) / z.size


def gradient_with_tanh(y, z):
    return ((0.5 + 0.5 * np.tanh(z / 2) - y) / z.size).astype(np.float32)


def gradient_with_tensorflow(y, z):
    import tensorflow as tf

    z = tf.Variable(z)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, z))
    return tape.gradient(loss, z)


def error(y, z):
    return special.expit(z) - y


def slope(z):
    return special.expit(z) * special.expit(-z)


# ----- dice -----


def overlap_of_floats(y, p):
    y, p = y.ravel().tolist(), p.ravel().tolist()
    shared = sum(a * b for a, b in zip(y, p, strict=True))
    return 1 - 2 * shared / (sum(y) + sum(p) + 1e-7)


def overlap_of_vectors(y, p):
    y, p = np.ravel(y).astype(np.float32), np.ravel(p).astype(np.float32)
    return 1 - (2 * y @ p + 1e-6) / (y.sum() + p.sum() + 1e-6)


def overlap_with_keras(y, p):
    import keras

    return keras.losses.Dice()(y, p)


def overlap_of_means(y, p):
    return 1 - np.mean(y * p) / np.mean((y + p) / 2)


def overlap(top=lambda y, p: 2 * np.sum(y * p), bottom=lambda y, p: y.sum() + p.sum()):
    return lambda y, p: 1 - top(y, p) / bottom(y, p)


RIGHT = {
    check.binary_crossentropy: [
        losses.binary_crossentropy_from_logits, with_floats, with_arrays, with_logaddexp, with_log_expit,
        with_keras,
    ],
    check.binary_crossentropy_grad: [
        losses.binary_crossentropy_from_logits_grad, gradient_of_floats, gradient_with_numpy,
        gradient_with_tanh, gradient_with_tensorflow,
    ],
    check.dice: [
        losses.soft_dice, overlap_of_floats, overlap_of_vectors, overlap_with_keras, overlap_of_means,
        overlap(),
    ],
}  # fmt: skip

WRONG = {
    check.binary_crossentropy: {
        "It is the sum": lambda y, z: with_floats(y, z) * y.size,
        "one number for each sample": lambda y, z: np.logaddexp(0, z) - y * z,
        "mean over axis 0": lambda y, z: (np.logaddexp(0, z) - y * z).mean(axis=None if z.ndim < 2 else 0),
        "number of ones": lambda y, z: (np.logaddexp(0, z) - y * z).sum() / y.sum(),
        "The sign is turned": lambda y, z: -with_log_expit(y, z),
        "base 2": cross_entropy(log=np.log2),
        "base 10": cross_entropy(log=np.log10),
        "labels are swapped": lambda y, z: with_arrays(y, -z),
        "Samples with y = 0 are left out": lambda y, z: -np.mean(y * special.log_expit(z)),
        "Samples with y = 1 are left out": lambda y, z: np.mean((1 - y) * np.logaddexp(0, z)),
        "sigmoid is applied twice": lambda y, z: with_arrays(y, special.expit(z)),
        "mean squared error": lambda y, z: np.mean(error(y, z) ** 2),
        "mean absolute error": lambda y, z: np.abs(error(y, z)).mean(),
        "is missing": lambda y, z: np.mean(np.maximum(z, 0) - z * y),
        "exponential has the wrong sign": lambda y, z: (
            np.mean(np.maximum(z, 0) - z * y + np.log(1 + np.exp(np.abs(z))))
        ),
        "z * y is added": lambda y, z: np.mean(np.maximum(z, 0) + z * y + np.log1p(np.exp(-np.abs(z)))),
        "cut off at 500": lambda y, z: with_arrays(y, np.clip(z, -500, 500)),
        "stay 1e-07 away": clipped_at(1e-7),
        "stay 1e-12 away": cross_entropy(small=1e-12),
        "z is taken for a probability": cross_entropy(p=lambda z: z),
        "it is a logit": lambda y, z: losses.binary_crossentropy(y, z),
        "rounded to 0 or 1": cross_entropy(),
        "its exponential overflows": lambda y, z: np.mean(np.log(1 + np.exp(z)) - y * z),
        "raised ValueError": scalar_loop,
        "raised OverflowError: math range error": lambda y, z: np.mean(
            [math.log(1 + math.exp(b)) - a * b for a, b in zip(y.ravel(), z.ravel(), strict=True)]
        ),
        "use np.where, or a loop": branches,
    },
    check.binary_crossentropy_grad: {
        "not divided by the number of samples": error,
        "divided by the number of rows": lambda y, z: error(y, z) / len(z),
        "The sign is turned": lambda y, z: -error(y, z) / z.size,
        "The sigmoid is missing": lambda y, z: (z - y) / z.size,
        "gradient with respect to p": lambda y, z: error(y, z) / slope(z) / z.size,
        "there once too often": lambda y, z: error(y, z) * slope(z) / z.size,
        "mean squared error": lambda y, z: 2 * error(y, z) * slope(z) / z.size,
        "The truth is left out": lambda y, z: special.expit(z) / z.size,
        "labels are swapped": lambda y, z: error(1 - y, z) / z.size,
        "It is one number": lambda y, z: error(y, z).mean(),
        "rounded to 0 and 1": lambda y, z: ((z > 0) - y) / z.size,
        "It vanishes where": lambda y, z: (
            losses.binary_crossentropy_grad(y, special.expit(z)) * slope(z)
        ),
        "exp of a large number overflows": lambda y, z: (np.exp(z) / (1 + np.exp(z)) - y) / z.size,
        "It raised OverflowError: math range error": lambda y, z: (
            np.reshape([1 / (1 + math.exp(-b)) for b in z.ravel()], z.shape) - y
        ) / z.size,
    },
    check.dice: {
        "It is the overlap: the loss": lambda y, p: 1 - overlap()(y, p),
        "minus the overlap": lambda y, p: overlap()(y, p) - 1,
        "factor 2 is missing": overlap(top=lambda y, p: np.sum(y * p)),
        "intersection over the union": lambda y, p: 1 - np.sum(y * p) / np.sum(y + p - y * p),
        "rounded to 0 and 1": lambda y, p: overlap()(y, p > 0.5),
        "adds up squares": overlap(bottom=lambda y, p: np.sum(y * y) + np.sum(p * p)),
        "mean of one loss for each image": lambda y, p: np.mean([*map(overlap(), y, p)]),
        "one loss for each image: take": lambda y, p: [*map(overlap(), y, p)],
        "1 is added": lambda y, p: 1 - (2 * (y * p).sum() + 1) / (y.sum() + p.sum() + 1),
        "overlap of the backgrounds": lambda y, p: overlap()(1 - y, 1 - p),
        "which is the recall": lambda y, p: 1 - np.sum(y * p) / np.sum(y),
        "which is the precision": lambda y, p: 1 - np.sum(y * p) / np.sum(p),
        "mean absolute difference": lambda y, p: np.abs(y - p).mean(),
        "logarithm of the overlap": lambda y, p: -np.log(1 - overlap()(y, p)),
        "number of pixels": overlap(bottom=lambda y, p: y.size),
        "must return one number, and returned the shape (1, 4)": lambda y, p: y - p,
        "It returned 0.5, and": lambda y, p: 0.5,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
