"""The checker of the AUC exercise accepts every right way to count, and names each wrong one."""

import numpy as np
import pytest
from scipy import stats

from helpers import check


def table_of_pairs(labels, scores):
    order = np.sign(scores[labels == 1][:, None] - scores[labels == 0])
    return ((order + 1) / 2).mean()


def two_loops(labels, scores):
    wins = pairs = 0
    for label, score in zip(labels, scores, strict=True):
        for other_label, other in zip(labels, scores, strict=True):
            if label == 1 and other_label == 0:
                pairs += 1
                wins += 1 if score > other else 0.5 if score == other else 0
    return wins / pairs


def rank_sum(labels, scores):
    n_event = labels.sum()
    rank_sum = stats.rankdata(scores)[labels == 1].sum()
    return (rank_sum - n_event * (n_event + 1) / 2) / (n_event * (len(labels) - n_event))


def mann_whitney(labels, scores):
    n_event = labels.sum()
    u = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    return u / (n_event * (len(labels) - n_event))


def trapezoids(labels, scores):
    from sklearn.metrics import auc, roc_curve

    return auc(*roc_curve(labels, scores)[:2])


def single_precision(labels, scores):
    return np.float32(two_loops(labels, scores))


@pytest.mark.parametrize(
    "answer", [table_of_pairs, two_loops, rank_sum, mann_whitney, trapezoids, single_precision]
)
def test_every_right_way_to_count_is_accepted(answer, capsys):
    check.auc(answer)
    assert capsys.readouterr().out.startswith("Right:")


def parts(labels, scores):
    event, other = scores[labels == 1], scores[labels == 0]
    return event[:, None] > other, event[:, None] == other


def half_ties(labels, scores):
    higher, tied = parts(labels, scores)
    return higher + tied / 2


WRONG = {
    "turned around": lambda y, s: table_of_pairs(1 - y, s),
    "A tie counts 0": lambda y, s: parts(y, s)[0].mean(),
    "A tie counts 1": lambda y, s: (parts(y, s)[0] | parts(y, s)[1]).mean(),
    "the sum over the pairs": lambda y, s: half_ties(y, s).sum(),
    "number of all patients, not of the pairs": lambda y, s: half_ties(y, s).sum() / len(y),
    "It divides by the number of all pairs": lambda y, s: half_ties(y, s).sum() / (len(y) * (len(y) - 1) / 2),
    "square of the number of patients": lambda y, s: half_ties(y, s).sum() / len(y) ** 2,
    "patients with the event only": lambda y, s: half_ties(y, s).sum() / y.sum(),
    "patients without the event only": lambda y, s: half_ties(y, s).sum() / (1 - y).sum(),
    "comparison of every patient with every other": lambda y, s: (np.sign(s[:, None] - s) / 2 + 0.5).mean(),
    "It is 0.5, as every constant": lambda y, s: 0.5,
    "as `zip` does": lambda y, s: np.mean(
        [(np.sign(a - b) + 1) / 2 for a, b in zip(s[y == 1], s[y == 0], strict=False)]
    ),
    "compare everyone with everyone, `event[:, None]": lambda y, s: (s[y == 1] > s[y == 0]).mean(),
    "rounded to 3 digits": lambda y, s: np.round(two_loops(y, s), 3),
    "rounded to 2 digits": lambda y, s: round(two_loops(y, s), 2),
    "rounded to 1 digits": lambda y, s: round(two_loops(y, s), 1),
    "must return numbers, and returned text": lambda y, s: f"{two_loops(y, s):.3f}",
    "accuracy at the threshold 0.5": lambda y, s: np.mean((s > 0.5) == (y == 1)),
    "Gini": lambda y, s: 2 * table_of_pairs(y, s) - 1,
    "returned 0.3, and": lambda y, s: 0.3,
    "must return one number, and returned the shape": half_ties,
    "is the `return` missing": lambda y, s: None,
    "It raised ZeroDivisionError": lambda y, s: 1 / 0,
}


@pytest.mark.parametrize(("message", "answer"), WRONG.items(), ids=WRONG)
def test_a_wrong_answer_is_named(message, answer, capsys):
    with pytest.raises(check.Wrong) as caught:
        check.auc(answer)
    assert message in str(caught.value)
    assert capsys.readouterr().out == ""


def test_an_answer_that_sorts_its_argument_in_place_is_told_so():
    def sorts(labels, scores):
        right = table_of_pairs(labels, scores)
        scores.sort()
        return right

    with pytest.raises(check.Wrong, match="changes its argument `scores`"):
        check.auc(sorts)
