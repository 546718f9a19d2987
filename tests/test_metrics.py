"""Intervals: equal to their definitions, and they cover the truth as often as they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.metrics import auc_interval, resampled_interval

# Seven patients, three with the event; the event at 0.6 ties with one without.
LABELS = np.array([1, 1, 1, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.6, 0.3, 0.7, 0.6, 0.2, 0.1])


def test_auc_by_hand():
    # The event at 0.9 beats all four, the one at 0.6 two and a half, the one at 0.3 two.
    assert auc_interval(LABELS, SCORES).estimate == pytest.approx((4 + 2.5 + 2) / 12)


def test_delong_error_by_hand():
    rows = [4 / 4, 2.5 / 4, 2 / 4]
    columns = [1 / 3, 1.5 / 3, 3 / 3, 3 / 3]
    error = math.sqrt(np.var(rows, ddof=1) / 3 + np.var(columns, ddof=1) / 4)
    interval = auc_interval(LABELS, SCORES, level=0.5)
    assert interval.high - interval.estimate == pytest.approx(stats.norm.ppf(0.75) * error)


def delong_by_counting(labels, scores):
    """AUC and its variance from two loops over all pairs."""
    event = [s for s, label in zip(scores, labels, strict=True) if label]
    without = [s for s, label in zip(scores, labels, strict=True) if not label]

    def win(a, b):
        return 1.0 if a > b else 0.5 if a == b else 0.0

    v10 = [sum(win(a, b) for b in without) / len(without) for a in event]
    v01 = [sum(win(a, b) for a in event) / len(event) for b in without]
    auc = sum(v10) / len(event)
    s10 = sum((v - auc) ** 2 for v in v10) / (len(event) - 1)
    s01 = sum((v - auc) ** 2 for v in v01) / (len(without) - 1)
    return auc, s10 / len(event) + s01 / len(without)


@given(
    labels=st.lists(st.integers(0, 1), min_size=4, max_size=20).filter(lambda x: 2 <= sum(x) <= len(x) - 2),
    seed=st.integers(0, 99),
    levels=st.integers(2, 30),
)
def test_auc_interval_equals_counting_pairs_with_ties(labels, seed, levels):
    scores = np.random.default_rng(seed).integers(0, levels, len(labels)) / levels
    auc, variance = delong_by_counting(labels, scores)
    interval = auc_interval(labels, scores)
    half = 1.959963984540054 * math.sqrt(variance)
    expected = (auc, max(0, auc - half), min(1, auc + half))
    np.testing.assert_allclose(interval, expected, atol=1e-12)


def test_auc_is_the_one_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 20, 200) / 20
    assert auc_interval(labels, scores).estimate == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auc_interval_does_not_change_when_scores_are_stretched():
    stretched = auc_interval(LABELS, np.exp(5 * SCORES))
    assert stretched == auc_interval(LABELS, SCORES)


def test_swapping_the_classes_mirrors_the_interval():
    interval, swapped = auc_interval(LABELS, SCORES), auc_interval(1 - LABELS, SCORES)
    np.testing.assert_allclose(swapped, [1 - interval.estimate, 1 - interval.high, 1 - interval.low])


def test_a_perfect_auc_gets_the_interval_without_width_that_the_docstring_warns_of():
    assert auc_interval([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]) == (1.0, 1.0, 1.0)


def test_delong_interval_covers_the_true_auc_as_often_as_it_says():
    rng = np.random.default_rng(1)
    shift = 0.8
    true = stats.norm.cdf(shift / math.sqrt(2))  # of two normal distributions
    labels = np.arange(104) < 45
    covered = 0
    for _ in range(2000):
        _, low, high = auc_interval(labels, rng.normal(size=104) + shift * labels)
        covered += low <= true <= high
    # 0.95 is the limit for large n; the simulation's own standard error is 0.005.
    assert covered / 2000 == pytest.approx(0.945, abs=0.015)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1, 2, 1], [0.1, 0.2, 0.3, 0.4], r"labels must be 0 or 1, received \[0. 1. 2.\]"),
        (
            [0, 1, 1, 1],
            [0.1, 0.2, 0.3, 0.4],
            "at least two patients with and two without the event, received 3 and 1",
        ),
        ([0, 0, 1, 1], [0.1, np.nan, 0.3, 0.4], "received NaN in 1 of 4"),
        ([0, 0, 1], [0.1, 0.2, 0.3, 0.4], r"labels must have shape \(4,\), received \(3,\)"),
        ([0, 0, 1, 1], [[0.1, 0.2, 0.3, 0.4]], r"scores must have 1 axes \(n\)"),
    ],
)
def test_auc_interval_names_what_is_wrong(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        auc_interval(labels, scores)


def test_level_must_be_a_share():
    with pytest.raises(ValueError, match="between 0 and 1, received 95"):
        auc_interval(LABELS, SCORES, level=95)


def test_resampled_interval_by_hand():
    # var = 1, so the error is sqrt(1/3 + 1/4); Student's t with 2 degrees of freedom.
    interval = resampled_interval([1.0, 2.0, 3.0], n_train=80, n_test=20)
    half = stats.t.ppf(0.975, 2) * math.sqrt(1 / 3 + 1 / 4)
    np.testing.assert_allclose(interval, (2, 2 - half, 2 + half))


def test_resampled_interval_without_overlap_is_students_interval():
    differences = np.random.default_rng(2).normal(size=30)
    interval = resampled_interval(differences, n_train=10**12, n_test=1)
    expected = stats.t.interval(0.95, 29, differences.mean(), stats.sem(differences))
    np.testing.assert_allclose(interval[1:], expected)


def test_more_splits_of_the_same_patients_do_not_make_the_error_vanish():
    differences = np.tile([0.0, 2.0], 5000)
    interval = resampled_interval(differences, n_train=480, n_test=104)
    assert interval.high - interval.estimate > 1.96 * math.sqrt(104 / 480)


def test_correction_covers_where_the_usual_interval_does_not():
    """Each data set has 150 patients; a split's result is the mean of 30 of them, the truth is 0."""
    rng = np.random.default_rng(3)
    corrected = usual = 0
    for _ in range(400):
        patients = rng.normal(size=150)
        tests = rng.permuted(np.tile(np.arange(150), (50, 1)), axis=1)[:, :30]
        results = patients[tests].mean(1)
        _, low, high = resampled_interval(results, n_train=120, n_test=30)
        corrected += low <= 0 <= high
        low, high = stats.t.interval(0.95, 49, results.mean(), stats.sem(results))
        usual += low <= 0 <= high
    # The simulation's own standard error is 0.011 at 0.95 and 0.025 at 0.5.
    assert corrected / 400 >= 0.93
    assert usual / 400 < 0.6


def test_resampled_interval_names_what_is_wrong():
    with pytest.raises(ValueError, match="number of splits must be an integer of at least 2, received 1"):
        resampled_interval([1.0], n_train=4, n_test=1)
    with pytest.raises(ValueError, match="n_test must be an integer of at least 1, received 0"):
        resampled_interval([1.0, 2.0], n_train=4, n_test=0)
