"""The checker of corrected intervals accepts every right answer, and names what is wrong with a wrong one."""

import math
import statistics

import check_rules
import numpy as np
import pytest
from scipy import stats

from helpers import check, metrics


def in_lists(differences, n_train, n_test):
    values = differences.tolist()
    error = statistics.stdev(values) * math.sqrt(1 / len(values) + n_test / n_train)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return [statistics.fmean(values) - half, statistics.fmean(values) + half]


def by_scipy(differences, n_train, n_test):
    error = np.sqrt(np.var(differences, ddof=1) * (1 / len(differences) + n_test / n_train))
    return stats.t.interval(0.95, len(differences) - 1, loc=np.mean(differences), scale=error)


def by_the_helper(differences, n_train, n_test):
    return metrics.resampled_interval(differences, n_train, n_test)[1:]


def interval(
    share=lambda j, train, test: 1 / j + test / train, quantile=lambda j: stats.t.ppf(0.975, j - 1),
    ddof=1, root=np.sqrt, middle=np.mean, result=lambda middle, half: (middle - half, middle + half),
):  # fmt: skip
    """A reader's interval with one thing that may go wrong."""

    def candidate(differences, n_train, n_test):
        j = len(differences)
        half = quantile(j) * root(np.var(differences, ddof=ddof) * share(j, n_train, n_test))
        return result(middle(differences), half)

    return candidate


RIGHT = {
    check.corrected_interval: [
        in_lists,
        by_scipy,
        by_the_helper,
        interval(),
        interval(result=lambda middle, half: np.float32([middle - half, middle + half])),
    ]
}
WRONG = {
    check.corrected_interval: {
        "overlap is missing": interval(share=lambda j, train, test: 1 / j),
        "1 / splits is missing": interval(share=lambda j, train, test: test / train),
        "swapped in the ratio": interval(share=lambda j, train, test: 1 / j + train / test),
        "tested share of all patients": interval(share=lambda j, train, test: 1 / j + test / (test + train)),
        "normal distribution": interval(quantile=lambda j: 1.96),
        "5 % on each side": interval(quantile=lambda j: stats.t.ppf(0.95, j - 1)),
        "degrees of freedom": interval(quantile=lambda j: stats.t.ppf(0.975, j)),
        "quantile is missing": interval(quantile=lambda j: 1),
        "ddof=1": interval(ddof=0),
        "root missing": interval(root=lambda variance: variance),
        "around zero": interval(middle=lambda differences: 0),
        "around the median": interval(middle=np.median),
        "low first": interval(result=lambda middle, half: (middle + half, middle - half)),
        "mean and half-width": interval(result=lambda middle, half: (middle, half)),
        "middle 95 %": lambda d, train, test: np.quantile(d, [0.025, 0.975]),
        "must return 2 things": lambda d, train, test: metrics.resampled_interval(d, train, test),
        "is the `return` missing": lambda d, train, test: None,
    }
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)


@pytest.mark.parametrize(("checker", "message", "variant"), check_rules.mistakes(RIGHT))
def test_every_mistake_it_knows_is_named(checker, message, variant, capsys):
    check_rules.names(checker, check_rules.makes(checker, message, variant), message, capsys)
