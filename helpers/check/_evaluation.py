"""Exercises about splitting data and measuring results."""

import numpy as np

from helpers import metrics
from helpers.check._core import Exercise, Wrong


def auc(candidate):
    """Check a function ``candidate(labels, scores)`` that returns the area under the ROC curve.

    Parameters
    ----------
    candidate : callable
        Takes `labels`, an int array of shape (n,) with 1 = event, and `scores`, a float array of shape (n,).
        Returns the share of pairs (a patient with and one without the event) in the right order, ties half.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    AUC.judge(candidate)


def split_by_patient(candidate):
    """Check a function ``candidate(patients, n_test, rng)`` that deals patients into training and test set.

    Parameters
    ----------
    candidate : callable
        Takes `patients`, an array of shape (n,) that says whom each of n images comes from, by number or
        name; `n_test`, how many patients the test set gets; and `rng`, a numpy.random.Generator. Returns the
        row numbers of the training images and of the test images, in any order.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    for what, patients, n_test in _SPLIT_CASES:
        for seed in range(3):
            _split(candidate, what, patients, n_test, seed)
    _check_chance(candidate)
    print("Right: no patient is on both sides, no image is lost, and chance decides who is tested.")


def _auc_mistakes(labels, scores):
    """Pairs of a message and the answer that a typical mistake gives."""
    event, other = scores[labels == 1], scores[labels == 0]
    higher, tied = event[:, None] > other, event[:, None] == other
    right = (higher + 0.5 * tied).mean()
    everybody = (scores[:, None] > scores).sum() + (scores[:, None] == scores).sum() / 2
    zipped = [float(a > b) + 0.5 * (a == b) for a, b in zip(event, other, strict=False)]
    return [
        *[(f"It is rounded to {digits} digits: return all of them.", round(right, digits))
          for digits in (3, 2, 1)],
        ("It is turned around: a pair counts if the patient *with* the event has the higher score.",
         1 - right),
        ("A tie counts 0: it must count one half.", higher.mean()),
        ("A tie counts 1: it must count one half.", (higher | tied).mean()),
        ("It is the sum over the pairs: divide by their number.", right * higher.size),
        ("It divides by the number of all patients, not of the pairs.", right * higher.size / len(scores)),
        ("It divides by the number of all pairs: only pairs of one patient with and one without the event "
         "count.", right * higher.size / (len(scores) * (len(scores) - 1) / 2)),
        ("It divides by the square of the number of patients.", right * higher.size / len(scores) ** 2),
        ("It divides by the number of patients with the event only.", right * len(other)),
        ("It divides by the number of patients without the event only.", right * len(event)),
        ("It is 0.5, as every constant is, and as the comparison of every patient with every other one: only "
         "pairs of one patient with and one without the event count.", everybody / len(scores) ** 2),
        ("The first patient with the event is compared with the first one without, the second with the "
         "second, as `zip` does: compare everyone with everyone.", np.mean(zipped)),
        ("It is the accuracy at the threshold 0.5: the AUC has no threshold.",
         ((scores > 0.5) == labels).mean()),
        ("It is Gini's coefficient, 2 AUC - 1.", 2 * right - 1),
    ]  # fmt: skip


AUC = Exercise(
    names=("labels", "scores"),
    cases=[
        (what, (np.array(labels), np.array(scores)))
        for what, labels, scores in [
            ("", [1, 0, 1, 0, 0, 0, 1], [0.9, 0.7, 0.4, 0.3, 0.1, 0.2, 0.6]),
            ("a tie between the classes", [0, 1, 1, 0, 1, 0], [0.3, 0.6, 0.3, 0.2, 0.8, 0.7]),
            ("ties inside them", [1, 1, 0, 0, 1, 0, 1], [0.5, 0.5, 0.4, 0.4, 0.3, 0.6, 0.6]),
            ("other scores than 0 to 1", [1, 0, 1, 0, 0], [3.0, -1.0, -2.5, -4.0, -4.0]),
        ]
    ],
    right=lambda labels, scores: metrics.auc_interval(labels, scores).estimate,
    mistakes=_auc_mistakes,
    praise="Right: the pairs are counted as in helpers.metrics.auc_interval, ties included.",
    hints={
        "broadcast": "There are not as many patients with as without the event: compare everyone with "
        "everyone, `event[:, None] > other[None, :]`."
    },
)


# ---------------------------------------------------------------- split_by_patient

_FEW = np.array([0, 0, 1, 1, 1, 2, 3, 3])
_SPLIT_CASES = [
    ("patients side by side", _FEW, 1),
    ("patients in no order", np.array([3, 0, 2, 0, 4, 3, 1, 5, 4, 4, 0]), 2),
    ("names", np.array(["eve", "ann", "eve", "joy", "ann", "eve", "lea"]), 1),
    ("numbers with gaps", np.array([907, 12, 12, 455, 907, 33, 33, 33, 8]), 4),
]
SPLIT = Exercise(
    names=("patients", "n_test", "rng"),
    cases=[],
    right=None,
    mistakes=None,
    praise="",
    outputs=("train", "test"),
    hints={
        "takes a single argument": "Draw from np.unique(patients) with `rng`.",
        "module 'numpy.random'": "Draw with the argument `rng`.",
    },
)


def _split(candidate, what, patients, n_test, seed):
    """Return the row numbers of the test set; raise `Wrong` if they cannot be."""
    case = f"{what}: patients {patients.tolist()}, n_test {n_test}"
    rows = SPLIT.call(candidate, (patients, n_test, np.random.default_rng(seed)), case)
    for name, numbers in zip(SPLIT.outputs, rows, strict=True):
        for is_wrong, message in _mistakes_with_the_rows(numbers, patients):
            if is_wrong:
                raise Wrong(f"`{name}`: {message} (With {case}.)")
    train, test = (numbers.astype(int) for numbers in rows)
    for is_wrong, message in _mistakes_with_the_split(train, test, patients, n_test):
        if is_wrong:
            raise Wrong(f"{message} (With {case}.)")
    return test


def _mistakes_with_the_rows(numbers, patients):
    n, whole = len(patients), np.array_equal(numbers, numbers.round())
    outside = numbers[(numbers < 0) | (numbers >= n)]
    return [
        (numbers.shape == (n,) and np.isin(numbers, (0, 1)).all() and n > 2,
         "It says yes or no for each row: return the row numbers, np.flatnonzero(mask)."),
        (numbers.ndim != 1, f"The shape must be (number of rows,), and it is {numbers.shape}."),
        (not whole, "Row numbers must be whole numbers."),
        (outside.size, f"It holds {[*outside, 0][0]:g}, and rows go from 0 to {n - 1}: are "
                       "these patients? Return the numbers of their rows."),
        (len(np.unique(numbers)) < numbers.size,
         "It holds a number twice: are these patients? Return the numbers of their rows."),
    ]  # fmt: skip


def _mistakes_with_the_split(train, test, patients, n_test):
    shared = np.intersect1d(patients[train], patients[test]).tolist()
    missing = np.setdiff1d(np.arange(len(patients)), [*train, *test]).tolist()
    tested, trained = (len(np.unique(patients[rows])) for rows in (test, train))
    return [
        (np.intersect1d(train, test).size, f"Row {next(iter({*train} & {*test}), '')} is in both sets."),
        (shared, f"Images of patient {[*shared, ''][0]} are in both sets: deal patients, not rows."),
        (missing, f"Row {[*missing, ''][0]} is in neither set."),
        (tested != n_test and trained == n_test, "The sets are swapped: return the training set first."),
        (tested != n_test and len(test) == n_test,
         f"n_test counts patients, not images: {n_test} of them belong into the test set."),
        (tested != n_test, f"The test set must hold {n_test} patients, and holds {tested}."),
    ]  # fmt: skip


def _check_chance(candidate):
    """Draw many test sets: they must differ, follow `rng`, and give each patient the same chance."""
    patients, n_test, draws = np.repeat([5, 7, 9, 11], [12, 1, 1, 2]), 1, 300
    drawn = [patients[_split(candidate, "many images of one patient", patients, n_test, seed)][0]
             for seed in [*range(draws), *range(30)]]  # fmt: skip
    again = drawn[draws:]
    share = {patient: drawn[:draws].count(patient) / draws for patient in (5, 7, 9, 11)}
    for is_wrong, message in [
        (len(set(drawn)) == 1, "The same patients are tested whatever `rng` is: shuffle them with it."),
        (drawn[: len(again)] != again,
         "Two generators of the same seed give two splits: take all chance from `rng`."),
        (min(share.values()) == 0, "Some patients never reach the test set: shuffle all of them."),
        (share[5] > 0.4, "Patients with many images are tested more often: draw from np.unique(patients)."),
        (max(share.values()) > 0.4, "Some patients are tested more often than others."),
    ]:  # fmt: skip
        if is_wrong:
            raise Wrong(message)
