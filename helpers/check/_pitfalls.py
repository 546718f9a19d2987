"""Exercises about results from splits that share patients."""

import numpy as np

from helpers import metrics
from helpers.check._core import Exercise


def corrected_interval(candidate):
    """Check a function ``candidate(differences, n_train, n_test)``: the interval of Nadeau and Bengio.

    Parameters
    ----------
    candidate : callable
        Takes `differences`, a float array of shape (splits,), one difference of two models for each random
        split, and how many patients a split trains on and tests on. Returns the two ends, low and high, of
        the 95 % interval of the mean: Student's t with splits - 1 degrees of freedom, times the root of
        ``variance * (1 / splits + n_test / n_train)``.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    CORRECTED_INTERVAL.judge(candidate)


def _right(differences, n_train, n_test):
    interval = metrics.resampled_interval(differences, n_train, n_test)
    return interval.low, interval.high


def _mistakes(differences, n_train, n_test):
    from scipy import stats

    splits, mean, variance = len(differences), differences.mean(), differences.var(ddof=1)
    share = 1 / splits + n_test / n_train
    t = stats.t.ppf(0.975, splits - 1)

    def ends(factor, quantile=t, middle=mean, spread=variance):
        half = quantile * np.sqrt(spread * factor)
        return middle - half, middle + half

    low, high = ends(share)
    return [
        ("The term for the overlap is missing: this is the usual interval.", ends(1 / splits)),
        ("1 / splits is missing: add it to n_test / n_train.", ends(n_test / n_train)),
        ("n_train and n_test are swapped in the ratio.", ends(1 / splits + n_train / n_test)),
        ("It adds the tested share of all patients: divide n_test by n_train.",
         ends(1 / splits + n_test / (n_train + n_test))),
        ("It adds n_test / n_train after dividing by the splits: add the two before the root.",
         (mean - t * (np.sqrt(variance / splits) + n_test / n_train),
          mean + t * (np.sqrt(variance / splits) + n_test / n_train))),
        ("The quantile is that of the normal distribution: take Student's t with splits - 1 degrees of "
         "freedom.", ends(share, stats.norm.ppf(0.975))),
        ("The quantile is that of the normal distribution: take Student's t with splits - 1 degrees of "
         "freedom.", ends(share, 1.96)),
        ("The quantile leaves 5 % on each side: a 95 % interval leaves 2.5 %, so take t.ppf(0.975, ...).",
         ends(share, stats.t.ppf(0.95, splits - 1))),
        ("The degrees of freedom are splits - 1.", ends(share, stats.t.ppf(0.975, splits))),
        ("The quantile is missing: these are mean and standard error.", ends(share, 1.0)),
        ("The variance divides by the number of splits: take ddof=1.",
         ends(share, spread=differences.var())),
        ("It takes the variance where the standard deviation belongs: is the root missing?",
         (mean - t * variance * share, mean + t * variance * share)),
        ("The root covers the bracket only, and the variance is not its root.",
         (mean - t * variance * np.sqrt(share), mean + t * variance * np.sqrt(share))),
        ("The bracket has no root.",
         (mean - t * np.sqrt(variance) * share, mean + t * np.sqrt(variance) * share)),
        ("It lies around zero: put the mean in the middle.", ends(share, middle=0.0)),
        ("It lies around the median: put the mean in the middle.",
         ends(share, middle=np.median(differences))),
        ("The ends are swapped: return low first.", (high, low)),
        ("It returns mean and half-width: return the two ends.", (mean, high - mean)),
        ("It is the range of the middle 95 % of the splits, not an interval of their mean.",
         np.quantile(differences, [0.025, 0.975])),
    ]  # fmt: skip


CORRECTED_INTERVAL = Exercise(
    names=("differences", "n_train", "n_test"),
    cases=[
        ("", (np.array([1.0, 2.0, 4.0, 2.0]), 90, 10)),
        ("a large test set", (np.array([0.5, -1.5, 0.25, 2.0, 1.0, -0.5]), 40, 60)),
        ("many splits", (3 * np.cos(np.arange(1.0, 31.0) ** 1.5), 480, 104)),
    ],
    right=_right,
    mistakes=_mistakes,
    praise="Right: the interval of helpers.metrics.resampled_interval; more splits are not more patients.",
    outputs=("low", "high"),
)
