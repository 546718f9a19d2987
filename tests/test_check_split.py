"""The checker of the split by patient accepts every way to deal, and names what leaks or is lost."""

import check_rules
import numpy as np

from helpers import check, training


def chosen(patients, n_test, rng):
    return rng.choice(np.unique(patients), n_test, replace=False)


def with_a_mask(patients, n_test, rng):
    tested = np.isin(patients, chosen(patients, n_test, rng))
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def with_lists(patients, n_test, rng):
    names = sorted(set(patients.tolist()))
    rng.shuffle(names)
    rows = range(len(patients))
    tested = names[:n_test]
    return [r for r in rows if patients[r] not in tested], [r for r in rows if patients[r] in tested]


def with_the_helper(patients, n_test, rng):
    return training.split_by_patient(patients, (len(np.unique(patients)) - n_test, n_test), rng)


def with_scikit_learn(patients, n_test, rng):
    from sklearn.model_selection import GroupShuffleSplit

    split = GroupShuffleSplit(1, test_size=n_test, random_state=int(rng.integers(2**31)))
    return next(split.split(patients, groups=patients))


def in_floats_and_any_order(patients, n_test, rng):
    train, test = with_a_mask(patients, n_test, rng)
    return rng.permutation(train).astype(float), rng.permutation(test).astype(float)


def by_rows(patients, n_test, rng):
    rows = rng.permutation(len(patients))
    return rows[n_test:], rows[:n_test]


def deals_to(pick):
    """An answer that tests the patients whom `pick` picks from the sorted ones."""

    def candidate(patients, n_test, rng):
        tested = np.isin(patients, pick(np.unique(patients), n_test, rng))
        return np.flatnonzero(~tested), np.flatnonzero(tested)

    return candidate


def by_images(patients, n_test, rng):
    order = list(dict.fromkeys(rng.permutation(patients).tolist()))
    return deals_to(lambda *rest: order[:n_test])(patients, n_test, rng)


def shuffles_its_argument(patients, n_test, rng):
    rng.shuffle(patients)
    return with_a_mask(patients, n_test, rng)


def one_too_many(names, n_test, rng):
    return rng.permutation(names)[: n_test + (n_test > 1)]


def own_chance(names, n_test, rng):
    return np.random.default_rng().permutation(names)[:n_test]


def changed(parts):
    return lambda *arguments: parts(*with_a_mask(*arguments), arguments[0])


RIGHT = {
    check.split_by_patient: [
        with_a_mask, with_lists, with_the_helper, with_scikit_learn, in_floats_and_any_order,
    ],
}  # fmt: skip

WRONG = {
    check.split_by_patient: {
        "are in both sets: deal patients, not rows": by_rows,
        "is in both sets": changed(lambda train, test, patients: (np.arange(len(patients)), test)),
        "is in neither set": changed(lambda train, test, patients: (train[1:], test)),
        "The sets are swapped": changed(lambda train, test, patients: (test, train)),
        "n_test counts patients, not images": deals_to(lambda names, n, rng: names[[3]]),
        "must hold 2 patients, and holds 3": deals_to(one_too_many),
        "yes or no for each row": lambda patients, n, rng: [
            np.isin(patients, chosen(patients, n, rng), invert=side) for side in (True, False)
        ],
        "are these patients": lambda patients, n, rng: (np.unique(patients)[n:] * 9, np.unique(patients)[:n]),
        "It holds a number twice": changed(lambda train, test, patients: (np.append(train, train[0]), test)),
        "must be whole numbers": changed(lambda train, test, patients: (train + 0.5, test)),
        "The shape must be (number of rows,)": changed(lambda train, test, patients: (train[:, None], test)),
        "returned text": lambda patients, n, rng: (patients.astype(str), patients.astype(str)),
        "whatever `rng` is": deals_to(lambda names, n, rng: names[:n]),
        "take all chance from `rng`": deals_to(own_chance),
        "never reach the test set": deals_to(lambda names, n, rng: rng.permutation(names[:-1])[:n]),
        "Patients with many images": by_images,
        "must return 2 things, train, test, in this order": lambda *a: with_a_mask(*a)[0],
        "changes its argument `patients`": shuffles_its_argument,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
