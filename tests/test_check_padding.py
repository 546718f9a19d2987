"""The checker about padded sequences accepts every right answer, and names what is wrong with a wrong one."""

import check_rules
import numpy as np

from helpers import check

# ----- right answers in several forms -----


def one_by_one(y, mask):
    return [
        sequence[real].mean(axis=0) if real.any() else np.zeros(y.shape[2])
        for sequence, real in zip(y, mask, strict=True)
    ]


def in_lists(y, mask):
    answers = []
    for sequence, real in zip(y.tolist(), mask.tolist(), strict=True):
        kept = [step for step, is_real in zip(sequence, real, strict=True) if is_real]
        answers.append([sum(column) / len(kept) for column in zip(*kept, strict=True)] or [0.0] * y.shape[2])
    return answers


def by_product(y, mask):
    weights = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return np.einsum("nt,ntd->nd", weights, np.where(mask[:, :, None], y, 0)).astype(np.float32)


def masked_array(y, mask):
    hidden = np.broadcast_to(~mask[:, :, None], y.shape)
    return np.ma.masked_array(y, hidden).mean(axis=1).filled(0)


def with_keras(y, mask):
    import keras

    y, mask = np.where(mask[:, :, None], y, 0).astype("float32"), mask.copy()
    mask[~mask.any(axis=1)] = True  # of zeros
    return keras.layers.GlobalAveragePooling1D()(y, mask=mask)


# ----- and wrong ones -----


def total(y, mask):
    return np.where(mask[:, :, None], y, 0).sum(axis=1)


def count(mask):
    return np.maximum(mask.sum(axis=1, keepdims=True), 1)


def first_steps(y, mask):
    return np.array(
        [sequence[: max(real.sum(), 1)].mean(axis=0) for sequence, real in zip(y, mask, strict=True)]
    )


def from_first_to_last(y, mask):
    spans = [slice(np.flatnonzero(real)[0], np.flatnonzero(real)[-1] + 1) for real in mask]
    return np.array([sequence[span].mean(axis=0) for sequence, span in zip(y, spans, strict=True)])


def over_the_numbers(y, mask):
    return np.where(mask[:, :, None], y, 0).mean(axis=2)


def last_step(y, mask):
    return np.array([sequence[np.flatnonzero(real)[-1]] for sequence, real in zip(y, mask, strict=True)])


RIGHT = {check.masked_mean: [one_by_one, in_lists, by_product, masked_array, with_keras]}

WRONG = {
    check.masked_mean: {
        "The padding counts as well": lambda y, mask: y.mean(axis=1),
        "number of all steps": lambda y, mask: total(y, mask) / y.shape[1],
        "It is the sum": total,
        "the mean over the padding": lambda y, mask: total(y, ~mask) / count(~mask),
        "real steps of all sequences": lambda y, mask: total(y, mask) / mask.sum(),
        "mean number of real steps": lambda y, mask: total(y, mask) / mask.sum(axis=1).mean(),
        "one mean for all sequences": lambda y, mask: y[mask].mean(axis=0),
        "real zeros for padding": lambda y, mask: (
            total(y, mask) / np.maximum((np.where(mask[:, :, None], y, 0) != 0).sum(axis=1), 1)
        ),
        "only the division respects the mask": lambda y, mask: y.sum(axis=1) / count(mask),
        "padding may stand in front": first_steps,
        "padding may stand between them": from_first_to_last,
        "last real step": last_step,
        "keep the axis d, and average over the steps": over_the_numbers,
        "one number for each sequence": lambda y, mask: (total(y, mask) / count(mask)).mean(axis=1),
        "axis of the steps is still there": lambda y, mask: (total(y, mask) / count(mask))[:, None],
        "The two axes are swapped": lambda y, mask: (total(y, mask) / count(mask)).T,
        "gives 0 / 0": lambda y, mask: total(y, mask) / mask.sum(axis=1, keepdims=True),
        "Infinity times 0 is NaN": lambda y, mask: (y * mask[:, :, None]).sum(axis=1) / count(mask),
        "raised IndexError": lambda y, mask: total(y, mask) / count(mask)[:, :, 0],
        "Its arguments are y, mask": lambda y: y.mean(axis=1),
        "changes its argument `y`": lambda y, mask: (
            np.multiply(y, mask[:, :, None], out=y).sum(1) / count(mask)
        ),
    }
}


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
