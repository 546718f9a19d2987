"""The checker about many genes accepts every right answer, and names what is wrong with a wrong one."""

import check_rules
import numpy as np
from scipy import stats

from helpers import check


def from_the_largest(p):
    adjusted, least = [0.0] * len(p), 1.0
    order = sorted(range(len(p)), key=lambda i: -p[i])
    for s, which in zip(range(len(p), 0, -1), order, strict=True):
        least = min(least, p[which] * len(p) / s)
        adjusted[which] = least
    return adjusted


def with_arrays(p):
    order = np.argsort(p)
    rising = p[order] * len(p) / np.arange(1, len(p) + 1)
    rising = np.minimum.accumulate(rising[::-1])[::-1]
    return np.minimum(rising, 1)[np.argsort(order)]


def by_definition(p):
    m, s = len(p), (p[:, None] >= p).sum(axis=1)
    return [min(1.0, min(m / s[j] * p[j] for j in range(m) if p[j] >= value)) for value in p]


def in_float32(p):
    return with_arrays(p.astype(np.float32))


def multiplies_in_place(p):
    p *= len(p)
    return p


def rising(p):
    return np.sort(p) * len(p) / np.arange(1, len(p) + 1)


def ranks_from_zero(p):
    with np.errstate(divide="ignore"):
        return np.minimum(p * len(p) / (ranks(p) - 1), 1)


def ranks(p):
    return stats.rankdata(p, method="ordinal")


RIGHT = {
    check.benjamini_hochberg: [
        from_the_largest,
        with_arrays,
        by_definition,
        in_float32,
        stats.false_discovery_control,
    ]
}
WRONG = {
    check.benjamini_hochberg: {
        "the p-values themselves": lambda p: p,
        "Bonferroni's": lambda p: np.minimum(p * len(p), 1),
        "Holm's": lambda p: [
            min(1, max((len(p) - s) * x for s, x in enumerate(np.sort(p)) if x <= value)) for value in p
        ],
        "Benjamini and Yekutieli": lambda p: stats.false_discovery_control(p, method="by"),
        "The minimum over the larger p-values is missing:": lambda p: np.minimum(p * len(p) / ranks(p), 1),
        "and so is the limit 1": lambda p: p * len(p) / ranks(p),
        "begin at the largest": lambda p: np.minimum.accumulate(rising(p))[np.argsort(np.argsort(p))],
        "Ranks begin at 1": lambda p: np.minimum(
            np.minimum.accumulate((np.sort(p) * len(p) / np.arange(2, len(p) + 2))[::-1])[::-1], 1
        )[np.argsort(np.argsort(p))],
        "Ranks begin at 1, not at 0": ranks_from_zero,
        "Sidak's": lambda p: 1 - (1 - p) ** len(p),
        "The ranks are turned": lambda p: np.minimum(
            np.minimum.accumulate((np.sort(p) * len(p) / np.arange(len(p), 0, -1))[::-1])[::-1], 1
        )[np.argsort(np.argsort(p))],
        "It does not sort": lambda p: np.minimum(p * len(p) / np.arange(1, len(p) + 1), 1),
        "rising order": lambda p: np.sort(with_arrays(p)),
        "need its inverse": lambda p: np.sort(with_arrays(p))[np.argsort(p)],
        "m is missing": lambda p: with_arrays(p / len(p)),
        "yes or no at the level 0.05": lambda p: with_arrays(p) <= 0.05,
        "It changes its argument": multiplies_in_place,
        "is the `return` missing": lambda p: None,
        "The shape must be": lambda p: with_arrays(p)[:-1],
    }
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
