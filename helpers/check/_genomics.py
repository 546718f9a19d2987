"""Exercises about many genes."""

import numpy as np

from helpers.check._core import Exercise


def benjamini_hochberg(candidate):
    """Check a function ``candidate(p)`` that adjusts p-values for the false discovery rate.

    Parameters
    ----------
    candidate : callable
        Takes `p`, an array of shape (m,) with p-values in any order. Returns the adjusted p-values of
        Benjamini and Hochberg in the same order, as `scipy.stats.false_discovery_control` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    BENJAMINI_HOCHBERG.judge(candidate)


def _adjusted(p, factors=None, lower=np.minimum.accumulate, cap=1.0):
    """Adjusted p-values in rising order of `p`; ``factors`` belong to the sorted p-values."""
    m = len(p)
    factors = m / np.arange(1, m + 1) if factors is None else factors
    return np.minimum(lower((np.sort(p) * factors)[::-1])[::-1], cap)


def _in_the_order_of(p, rising):
    answer = np.empty(len(p))
    answer[np.argsort(p, kind="stable")] = rising
    return answer


def _right(p):
    return _in_the_order_of(p, _adjusted(p))


def _mistakes(p):
    m = len(p)
    ranks = np.arange(1, m + 1)
    back = np.argsort(p, kind="stable")

    def answer(**changes):
        return _in_the_order_of(p, _adjusted(p, **changes))

    def keep(values):
        return values

    right = _right(p)
    holm = np.minimum(np.maximum.accumulate(np.sort(p) * (m - ranks + 1)), 1)
    upward = np.minimum(np.minimum.accumulate(np.sort(p) * m / ranks), 1)
    highest = np.minimum(np.maximum.accumulate(np.sort(p) * m / ranks), 1)
    from_zero = np.r_[np.inf, m / ranks[:-1]]
    return [
        ("It is the p-values themselves: multiply by m / s.", p),
        ("It is Bonferroni's correction, m * p: divide by the rank s too.", np.minimum(m * p, 1)),
        ("It is Bonferroni's correction, m * p: divide by the rank s too.", m * p),
        ("It is Sidak's correction, 1 - (1 - p) ** m, which like Bonferroni's looks at no rank.",
         1 - (1 - p) ** m),
        ("It is Holm's correction, (m - s + 1) * p: the factor is m / s.", _in_the_order_of(p, holm)),
        ("It is the correction of Benjamini and Yekutieli, which also multiplies by 1 + 1/2 + ... + 1/m.",
         answer(factors=m / ranks * (1 / ranks).sum())),
        ("The minimum over the larger p-values is missing: an adjusted value must not exceed that of a "
         "larger p-value.", answer(lower=keep)),
        ("The minimum over the larger p-values is missing, and so is the limit 1.",
         answer(lower=keep, cap=np.inf)),
        ("The minimum runs over the smaller p-values: begin at the largest.", _in_the_order_of(p, upward)),
        ("It takes the maximum over the smaller p-values: take the minimum over the larger ones.",
         _in_the_order_of(p, highest)),
        ("Ranks begin at 1: the smallest p-value is multiplied by m / 1, the largest by m / m.",
         answer(factors=m / (ranks + 1))),
        ("Ranks begin at 1, not at 0: the smallest p-value is multiplied by m / 1.",
         answer(factors=from_zero)),
        ("Ranks begin at 1, not at 0: the smallest p-value is multiplied by m / 1.",
         answer(factors=from_zero, lower=keep)),
        ("The ranks are turned: the smallest p-value has the rank 1.", answer(factors=m / ranks[::-1])),
        ("It does not sort: the rank counts p-values from the smallest, not places in the array.",
         np.minimum(np.minimum.accumulate((p * m / ranks)[::-1])[::-1], 1)),
        ("It does not sort: the rank counts p-values from the smallest, not places in the array.",
         np.minimum(p * m / ranks, 1)),
        ("They stand in rising order: return them in the order of `p`.", np.sort(right)),
        ("They stand in falling order: return them in the order of `p`.", np.sort(right)[::-1]),
        ("They are brought back with argsort, and need its inverse: answer[np.argsort(p)] = sorted_answer.",
         np.sort(right)[back]),
        ("m is missing: the factor is m / s.", answer(factors=1 / ranks)),
        ("The factor is turned: it is m / s, not s / m.", answer(factors=ranks / m)),
        ("It says yes or no at the level 0.05: return the adjusted p-values.", right <= 0.05),
        ("It says yes or no at the level 0.1: return the adjusted p-values.", right <= 0.1),
        ("It is the threshold s / m * 0.05 of each p-value: return the adjusted p-values.",
         _in_the_order_of(p, 0.05 * ranks / m)),
    ]  # fmt: skip


BENJAMINI_HOCHBERG = Exercise(
    names=("p",),
    cases=[
        (what, (np.array(p),))
        for what, p in [
            ("rising, and m / s * p rises too", [0.01, 0.04, 0.09, 0.2]),
            ("rising, and m / s * p falls once", [0.005, 0.021, 0.024, 0.045, 0.6]),
            ("in no order", [0.3, 0.002, 0.048, 0.7, 0.013, 0.044]),
            ("large ones", [0.95, 0.7, 0.4, 0.99, 0.62]),
            ("two are equal", [0.03, 0.2, 0.03, 0.001, 0.5, 0.21, 0.9]),
        ]
    ],
    right=_right,
    mistakes=_mistakes,
    praise="Right: the adjusted p-values agree with scipy.stats.false_discovery_control, in any order.",
)
