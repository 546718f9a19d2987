"""Exercises about attention."""

import numpy as np

from helpers.attention import causal_mask, dot_product_attention
from helpers.check._core import Exercise, irregular, not_finite, quietly
from helpers.dense import sigmoid, softmax


def attention(candidate):
    """Check a function ``candidate(query, key, value)`` that does scaled dot-product attention.

    Parameters
    ----------
    candidate : callable
        Takes `query` of shape (t, d), `key` (s, d) and `value` (s, e); returns the mixed values, (t, e), or
        these and the weights, (t, s), as `helpers.attention.dot_product_attention` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    _judge(ATTENTION, ATTENTION_VALUES, candidate)


def causal_attention(candidate):
    """Check attention ``candidate(query, key, value)`` in which no step looks at a later one.

    Parameters
    ----------
    candidate : callable
        Takes and returns what `attention` does, with as many keys as queries; a step may look at itself and
        at those before it, as `helpers.attention.causal_mask` says.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    _judge(CAUSAL_ATTENTION, CAUSAL_ATTENTION_VALUES, candidate)


def _judge(with_weights, values_alone, candidate):
    """Judge values and weights, or values alone if this is all that `candidate` returns."""
    try:
        with quietly():
            output = candidate(*map(np.copy, with_weights.cases[0][1]))
    except Exception:
        output = None  # what it raises is reported below
    # The first case has three queries, so two things cannot be their rows.
    pair = isinstance(output, tuple | list) and len(output) == 2
    (with_weights if pair else values_alone).judge(candidate)


def _values_alone(exercise, mistakes):
    """Return the exercise for a candidate that keeps its weights to itself."""
    return exercise._replace(
        right=lambda *arguments: exercise.right(*arguments)[0],
        mistakes=lambda *arguments: [(message, answer if callable(answer) else answer[0])
                                     for message, answer in mistakes(*arguments)],
        outputs=(),
    )  # fmt: skip


_OVERFLOW = "exp of a large score overflows: subtract the largest score of each query first."
_HINTS = {
    "OverflowError": _OVERFLOW,
    "float division by zero": _OVERFLOW,
    "matmul": "Write down the shapes: the scores are (t, s), for each query and each key.",
}


@np.errstate(all="ignore")
def _mistakes(query, key, value):
    products = query @ key.T
    d, (s, e) = query.shape[1], value.shape
    scores = products / d**0.5
    right, overall = softmax(scores), np.exp(scores - scores.max())
    weights = [
        ("The scores are not scaled: divide them by sqrt(d).", softmax(products)),
        ("The scores are divided by d: divide them by sqrt(d).", softmax(products / d)),
        ("The scores are multiplied by sqrt(d): divide them by it.", softmax(products * d**0.5)),
        ("The scores are divided by the root of the number of keys: d is the length of a key.",
         softmax(products / s**0.5)),
        ("The scores are divided by the root of the length of a value: d is the length of a key.",
         softmax(products / e**0.5)),
        ("The weights of a key add up to 1: those of a query must, so take the softmax over the keys.",
         softmax(scores, axis=0)),
        ("All weights together add up to 1: those of each query must.", softmax(scores, axis=(0, 1))),
        ("The softmax is missing: the scores are no weights yet.", scores),
        ("The weights of a query do not add up to 1: divide by their sum.", np.exp(scores)),
        ("The weights of a query do not add up to 1: divide by their sum.",
         np.exp(scores - scores.max(axis=1, keepdims=True))),
        ("The exponential is missing: shares of the scores themselves can be negative.",
         scores / scores.sum(axis=1, keepdims=True)),
        ("The weights come from the sigmoid: the keys compete, so take the softmax.", sigmoid(scores)),
        ("The key with the largest score gets all: take the softmax.",
         (scores == scores.max(axis=1, keepdims=True)) * 1.0),
        ("The sign of the scores is turned.", softmax(-scores)),
        ("All keys get the same weight.", np.full(scores.shape, 1 / s)),
        ("The scale comes after the softmax: divide the scores by sqrt(d), not the weights.",
         softmax(products) / d**0.5),
        ("It subtracts the largest score of all, beside which all scores of a query can vanish: take the "
         "largest of each query.", overall / overall.sum(axis=1, keepdims=True)),
    ]  # fmt: skip
    mistakes = [(message, (w @ value, w)) for message, w in weights]
    mistakes += [
        ("It is the weights: multiply them by the values.", (right, right)),
        ("The weights mix the keys: they must mix the values.", (right @ key, right)),
        (
            "It is the sum over the queries: each query gets a mix of its own.",
            ((right @ value).sum(axis=0), right),
        ),
    ]
    if np.abs(products).max() > 700:
        mistakes.append((_OVERFLOW, not_finite))
    return mistakes + (_mistakes_with_the_roles(query, key, value) if len(query) == s else [])


def _mistakes_with_the_roles(query, key, value):
    """Mistakes that raise an error elsewhere: there are as many queries as keys."""
    root = query.shape[1] ** 0.5
    right, swapped = softmax(query @ key.T / root), softmax(key @ query.T / root)
    themselves = softmax(query @ query.T / root), softmax(key @ key.T / root)
    unturned = softmax(query @ (key if key.shape[0] == key.shape[1] else key.T) / root)
    return [
        ("Queries and keys are swapped: row i of the scores belongs to query i.", (swapped @ value, swapped)),
        ("The keys are not transposed: query @ key.T.", (unturned @ value, unturned)),
        ("The weights are transposed: weights @ value.", (right.T @ value, right)),
        *[("The scores compare queries with queries, or keys with keys: compare queries with keys.",
           (w @ value, w)) for w in themselves],
    ]  # fmt: skip


def _mistakes_with_the_weights(query, key, value):
    """Mistakes of those who return the weights too."""
    right, weights = dot_product_attention(query, key, value)
    return [
        *_mistakes(query, key, value),
        ("Output and weights are swapped: return the output first.", (weights, right)),
        ("They are the scores, not the weights that come from them.",
         (right, query @ key.T / query.shape[1] ** 0.5)),
        ("They are transposed: row i belongs to query i.", (right, weights.T)),
    ]  # fmt: skip


def _case(t, s, d, e):
    return 2 * irregular(t, d), 2 * irregular(s, d, start=30.0), irregular(s, e, start=60.0)


ATTENTION = Exercise(
    names=("query", "key", "value"),
    cases=[
        ("three queries and keys", _case(3, 3, 3, 3)),
        ("one query, four keys", _case(1, 4, 2, 3)),
        ("more keys than queries", _case(2, 5, 4, 3)),
        ("more queries than keys", _case(5, 2, 3, 1)),
        ("large scores", (np.array([[2000.0, 0], [0, -2000], [1, 1]]), np.array([[1.0, 0], [0.9, 0.1]]),
                          np.array([[1.0, 2, 3], [4, 5, 6]]))),
    ],
    right=dot_product_attention,
    mistakes=_mistakes_with_the_weights,
    praise="Right: it agrees with helpers.attention.dot_product_attention, and nothing overflows.",
    outputs=("output", "weights"),
    hints=_HINTS,
)  # fmt: skip

ATTENTION_VALUES = _values_alone(ATTENTION, _mistakes)


# ---------------------------------------------------------------- causal_attention


def _causal_right(query, key, value):
    return dot_product_attention(query, key, value, causal_mask(len(query)))


@np.errstate(all="ignore")
def _causal_mistakes(query, key, value):
    t, d = query.shape
    scores, seen = query @ key.T / d**0.5, causal_mask(len(query))
    power, hidden = softmax(scores), np.where(seen, scores, -np.inf)
    weights = [
        ("Nothing is hidden: each step looks at the later ones too.", power),
        ("Each step looks at itself and the later ones: hide those.",
         softmax(np.where(seen.T, scores, -np.inf))),
        ("A step does not see itself: hide only the later ones.",
         softmax(np.where(np.tri(t, k=-1), scores, -np.inf))),
        ("A step does not see itself: hide only the later ones.",
         softmax(np.where(np.tri(t, k=-1), scores, -1e9))),
        ("A step sees one step too many: hide all later ones.",
         softmax(np.where(np.tri(t, k=1), scores, -np.inf))),
        ("Weights are set to 0 after the softmax, so they no longer add up to 1: hide the scores before it.",
         power * seen),
        ("Hidden scores are 0, and exp(0) is 1: set them to minus infinity.", softmax(scores * seen)),
        ("The mask is added to the scores as it is: add minus infinity where a step may not look.",
         softmax(scores + seen)),
        ("The mask is added to the scores as it is: add minus infinity where a step may not look.",
         softmax(scores + ~seen)),
        ("The scores are not scaled: divide them by sqrt(d).", softmax(hidden * d**0.5)),
        ("The weights of a key add up to 1: those of a query must, so take the softmax over the keys.",
         softmax(hidden, axis=0)),
        ("A row of hidden scores, or infinity times 0, gives no number.", np.full(scores.shape, np.nan)),
    ]  # fmt: skip
    return [(message, (w @ value, w)) for message, w in weights]


CAUSAL_ATTENTION = Exercise(
    names=("query", "key", "value"),
    cases=[
        ("three steps", _case(3, 3, 3, 3)),
        ("one step", _case(1, 1, 2, 2)),
        ("five steps", _case(5, 5, 2, 4)),
    ],
    right=_causal_right,
    mistakes=_causal_mistakes,
    praise="Right: it agrees with helpers.attention.dot_product_attention and its causal_mask.",
    outputs=("output", "weights"),
    hints=_HINTS,
)
CAUSAL_ATTENTION_VALUES = _values_alone(CAUSAL_ATTENTION, _causal_mistakes)
