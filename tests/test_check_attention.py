"""The checkers about attention accept every right answer, and name what is wrong with a wrong one."""

import math

import check_rules
import numpy as np
from scipy import special

from helpers import attention, check


def query_by_query(query, key, value):
    output, weights = [], []
    for q in query.tolist():
        scores = [sum(a * b for a, b in zip(q, k, strict=True)) / math.sqrt(len(q)) for k in key.tolist()]
        powers = [math.exp(score - max(scores)) for score in scores]
        weights.append([power / sum(powers) for power in powers])
        columns = zip(*value.tolist(), strict=True)
        output.append([sum(w * v for w, v in zip(weights[-1], column, strict=True)) for column in columns])
    return [output, weights]


def attend(
    scale=lambda d, s, e: math.sqrt(d), softmax=lambda scores: special.softmax(scores, axis=-1),
    compare=lambda q, k: q @ k.T, mix=lambda w, q, k, v: w @ v, hide=lambda scores: scores, weights=True,
):  # fmt: skip
    """A reader's attention with one thing that may go wrong."""

    def candidate(query, key, value):
        shares = softmax(hide(compare(query, key) / scale(query.shape[1], *value.shape)))
        output = mix(shares, query, key, value)
        return (output, shares) if weights else output

    return candidate


def in_float32(query, key, value):
    query, key, value = (a.astype(np.float32) for a in (query, key, value))
    scores = np.einsum("td,sd->ts", query, key) / np.float32(query.shape[1] ** 0.5)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ts,se->te", weights, value)


def with_keras(query, key, value):
    import keras

    layer = keras.layers.Attention(use_scale=False)
    query = (query / query.shape[1] ** 0.5).astype("float32")
    return layer([a[None].astype("float32") for a in (query, value, key)])[0]


def naive(scores, axis=1):
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)


def later(scores, k=1):
    return np.triu(np.ones(scores.shape, bool), k=k)


def minus_infinity(scores):
    return np.where(later(scores), -np.inf, scores)


def by_slices(query, key, value):
    return [attend(weights=False)(query[i : i + 1], key[: i + 1], value[: i + 1])[0].tolist()
            for i in range(len(query))]  # fmt: skip


def keras_causal(query, key, value):
    import keras

    layer = keras.layers.Attention(use_scale=False)
    query = (query / query.shape[1] ** 0.5).astype("float32")
    return layer([a[None].astype("float32") for a in (query, value, key)], use_causal_mask=True)[0]


def row_of_floats(query, key, value):
    return [[math.exp(q @ k) for k in key] for q in query]


RIGHT = {
    check.attention: [
        attention.dot_product_attention, attend(), attend(weights=False), query_by_query, in_float32,
        with_keras,
    ],
    check.causal_attention: [
        lambda q, k, v: attention.dot_product_attention(q, k, v, attention.causal_mask(len(q))),
        attend(hide=minus_infinity),
        attend(hide=lambda scores: scores - 1e9 * later(scores), weights=False),
        by_slices,
        keras_causal,
    ],
}  # fmt: skip

SHARED = {
    "not scaled": attend(scale=lambda *sizes: 1),
    "divided by d:": attend(scale=lambda d, s, e: d),
    "multiplied by sqrt(d)": attend(scale=lambda d, s, e: 1 / math.sqrt(d)),
    "root of the number of keys": attend(scale=lambda d, s, e: math.sqrt(s)),
    "root of the length of a value": attend(scale=lambda d, s, e: math.sqrt(e)),
    "softmax over the keys": attend(softmax=lambda scores: special.softmax(scores, axis=0)),
    "All weights together": attend(softmax=special.softmax),
    "softmax is missing": attend(softmax=lambda scores: scores),
    "do not add up to 1: divide": attend(softmax=lambda scores: np.exp(scores - scores.max(axis=1)[:, None])),
    "exponential is missing": attend(softmax=lambda scores: scores / scores.sum(axis=1)[:, None]),
    "come from the sigmoid": attend(softmax=special.expit),
    "largest score gets all": attend(softmax=lambda scores: np.eye(scores.shape[1])[scores.argmax(axis=1)]),
    "sign of the scores": attend(scale=lambda d, s, e: -math.sqrt(d)),
    "the same weight": attend(softmax=lambda scores: np.ones(scores.shape) / scores.shape[1]),
    "after the softmax": attend(
        lambda *sizes: 1, lambda scores: special.softmax(scores, axis=1) / math.sqrt(3), weights=False
    ),
    "largest score of all": attend(softmax=lambda scores: naive(scores - scores.max())),
    "a large score overflows": attend(softmax=naive),
    "mix the keys": attend(mix=lambda w, q, k, v: w @ k),
    "sum over the queries": attend(mix=lambda w, q, k, v: (w @ v).sum(axis=0)),
    "Queries and keys are swapped": attend(compare=lambda q, k: k @ q.T),
    "weights are transposed": attend(mix=lambda w, q, k, v: w.T @ v),
    "queries with queries": attend(compare=lambda q, k: q @ q.T),
    "raised OverflowError": lambda *a: row_of_floats(*a) and attend()(*a),
    "changes its argument `query`": attend(compare=lambda q, k: np.divide(q, 1.5, out=q) @ k.T * 1.5),
}  # fmt: skip

WRONG = {
    check.attention: SHARED | {
        "It is the weights": lambda *a: attend()(*a)[1],
        "Output and weights are swapped": lambda *a: attend()(*a)[::-1],
        "`weights`: They are the scores": lambda q, k, v: (attend()(q, k, v)[0], q @ k.T / q.shape[1] ** 0.5),
        "`weights`: They are transposed": lambda *a: (attend()(*a)[0], attend()(*a)[1].T),
        "The keys are not transposed": attend(compare=lambda q, k: q @ k, weights=False),
        "the scores are (t, s)": attend(compare=lambda q, k: q @ (k.T if len(q) == 3 else k)),
    },
    check.causal_attention: {
        "Nothing is hidden": attend(),
        "looks at itself and the later ones": attend(hide=lambda s: np.where(later(s.T, 0), s, -np.inf)),
        "does not see itself": attend(hide=lambda s: np.where(later(s, 0), -1e9, s)),
        "one step too many": attend(hide=lambda s: np.where(later(s, 2), -np.inf, s)),
        "no longer add up to 1": attend(softmax=lambda s: special.softmax(s, axis=1) * ~later(s)),
        "exp(0) is 1": attend(hide=np.tril, weights=False),
        "added to the scores as it is": attend(hide=lambda s: s + ~later(s)),
        "not scaled": attend(lambda *sizes: 1, hide=minus_infinity),
        "those of a query must": attend(lambda d, *_: d**0.5, lambda s: special.softmax(s, axis=0),
                                        hide=minus_infinity),
        "infinity times 0": attend(hide=lambda s: s - np.inf * later(s), weights=False),
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
