"""How sure is a measured number? Intervals that no library of the book has."""

from typing import NamedTuple

import numpy as np

from helpers import _expect


class Interval(NamedTuple):
    """An estimate and the two ends of its confidence interval."""

    estimate: float
    low: float
    high: float


def auc_interval(labels, scores, level=0.95):
    """Area under the ROC curve (AUC) of one test set, with DeLong's confidence interval.

    Every patient with the event is compared with every patient without it. A patient's placement is the share
    of her comparisons that come out in the right order. The AUC is the mean placement, and the variances of
    the placements give its error::

        variance = var(placements with event) / n_event + var(placements without) / n_without

    The interval is the estimate plus and minus error times normal quantile, cut at 0 and 1, as in R's pROC.
    It speaks of other patients from the same source, scored by this same model. It does not know that another
    training run gives another model. An AUC of 1 gets an interval without width, which is too narrow.

    Parameters
    ----------
    labels : array_like, shape (n,), bool or 0 and 1
        True = the event was observed. At least two patients of either kind.
    scores : array_like, shape (n,), float
        The higher, the more the model expects the event. Ties count one half.
    level : float, between 0 and 1
        How often such intervals cover the true value.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        Wrong shapes, labels other than 0 and 1, fewer than two patients of a kind, or NaN in the scores.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3), 837-845.

    Examples
    --------
    >>> auc_interval([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.2, 0.6, 0.9]).estimate
    0.7777777777777778
    """
    labels, scores = _labels_and_scores(labels, scores)
    quantile = _quantile("normal", level)
    event, without = scores[labels], scores[~labels]
    wins = (event[:, None] > without) + 0.5 * (event[:, None] == without)  # (n_event, n_without)
    error = np.sqrt(wins.mean(1).var(ddof=1) / len(event) + wins.mean(0).var(ddof=1) / len(without))
    return _interval(wins.mean(), quantile * error, 0.0, 1.0)


def resampled_interval(differences, n_train, n_test, level=0.95):
    """Mean of a quantity over random splits, with the interval of Nadeau and Bengio.

    The splits share patients, so their results are no independent measurements. The usual variance of a mean,
    var / n_splits, goes to zero with more splits of the same patients. This one does not::

        variance of the mean = var * (1 / n_splits + n_test / n_train)

    It assumes that the results of two splits have the correlation n_test / (n_train + n_test), and that every
    patient is in one of the two sets. From one data set, no estimate of this variance is unbiased.

    Parameters
    ----------
    differences : array_like, shape (n_splits,), float
        For each random split the difference between two models (or one model's result) on its test set.
    n_train, n_test : int
        Number of patients that a split trains on and tests on.
    level : float, between 0 and 1
        How often such intervals are meant to cover the true value. The correction is an approximation.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        Fewer than two splits, or a size below 1.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52(3), 239-281.

    Examples
    --------
    >>> resampled_interval([0.01, 0.03, 0.02], n_train=90, n_test=10).estimate
    0.02
    """
    differences = _expect.array("differences", differences, "splits")
    splits = _expect.at_least("the number of splits", len(differences), 2)
    test_share = _expect.at_least("n_test", n_test, 1) / _expect.at_least("n_train", n_train, 1)
    error = np.sqrt(differences.var(ddof=1) * (1 / splits + test_share))
    return _interval(differences.mean(), _quantile("t", level, splits - 1) * error)


def _labels_and_scores(labels, scores):
    """Return labels as bool and scores as float, both of shape (n,), or raise ValueError."""
    scores = _expect.array("scores", scores, "n")
    labels = _expect.same_shape("labels", np.asarray(labels, dtype=float), scores.shape)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels must be 0 or 1, received {np.unique(labels)[:5]}")
    if np.isnan(scores).any():
        raise ValueError(f"scores must be numbers, received NaN in {np.isnan(scores).sum()} of {len(scores)}")
    n_event = int(labels.sum())
    if min(n_event, len(labels) - n_event) < 2:
        raise ValueError(
            f"labels must hold at least two patients with and two without the event, "
            f"received {n_event} and {len(labels) - n_event}"
        )
    return labels.astype(bool), scores


def _quantile(distribution, level, *degrees):
    """Return the positive end of the central `level` of the normal or of Student's t distribution."""
    from scipy import stats

    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, received {level}")
    return {"normal": stats.norm, "t": stats.t}[distribution].ppf((1 + level) / 2, *degrees)


def _interval(estimate, half_width, lowest=-np.inf, highest=np.inf):
    low, high = np.clip([estimate - half_width, estimate + half_width], lowest, highest)
    return Interval(float(estimate), float(low), float(high))
