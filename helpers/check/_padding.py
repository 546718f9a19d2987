"""Exercises about sequences that were padded to one length."""

import numpy as np

from helpers.check._core import Exercise, irregular, not_finite


def masked_mean(candidate):
    """Check a function ``candidate(y, mask)`` that takes the mean over the real steps of each sequence.

    Parameters
    ----------
    candidate : callable
        Takes `y` of shape (n, t, d), which may hold anything at padded steps, and `mask` of shape (n, t),
        True at real steps. Returns for each sequence the mean of its real steps, (n, d); zeros for a sequence
        without a real step.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    MASKED_MEAN.judge(candidate)


# ---------------------------------------------------------------- masked_mean


def _masked_mean(y, mask):
    real = np.where(mask[:, :, None], y, 0)
    return real.sum(axis=1) / np.maximum(mask.sum(axis=1), 1)[:, None]


def _over(total, count):
    """Divide; no real step gives zeros, whatever else is wrong."""
    return np.divide(total, count, out=np.zeros_like(total), where=count != 0)


def _lacks_a_real_step(output):
    return len(output) > 1 and not np.isfinite(output[-1]).all() and np.isfinite(output[:-1]).all()


def _masked_mean_mistakes(y, mask):
    real = np.where(mask[:, :, None], y, 0)
    total, count = real.sum(axis=1), mask.sum(axis=1)[:, None]
    right, (n, t, d) = _over(total, count + 0 * total), y.shape
    prefix = np.arange(t) < count
    begun, left = np.logical_or.accumulate(mask, axis=1), np.logical_or.accumulate(mask[:, ::-1], axis=1)
    span = begun & left[:, ::-1]
    nonzero = (real != 0).sum(axis=1)
    padded = np.where(mask[:, :, None], 0, y)
    mistakes = [
        ("The padding counts as well: sum only where the mask is True.", y.mean(axis=1)),
        ("It divides by the number of all steps: divide by that of the real ones.", total / t),
        ("It is the sum: divide by the number of real steps.", total),
        ("It is the mean over the padding: the mask is True at real steps.",
         _over(padded.sum(axis=1), t - count + 0 * total)),
        ("It divides by the real steps of all sequences: each sequence has a number of its own.",
         total / max(mask.sum(), 1)),
        ("It divides by the mean number of real steps: each sequence has a number of its own.",
         total / max(mask.sum(axis=1).mean(), 1)),
        ("It is one mean for all sequences: keep the first axis.",
         np.broadcast_to(_over(total.sum(axis=0), 0 * total[0] + count.sum()), (n, d))),
        ("It is one mean for all sequences: keep the first axis.",
         _over(total.sum(axis=0), 0 * total[0] + count.sum())),
        ("It takes real zeros for padding: count the steps by the mask.", _over(total, nonzero)),
        ("The padding is added too: only the division respects the mask.",
         _over(y.sum(axis=1), count + 0 * total)),
        ("It takes the first steps, as many as are real: padding may stand in front too.",
         _over(np.where(prefix[:, :, None], y, 0).sum(axis=1), count + 0 * total)),
        ("It takes every step from the first real one to the last: padding may stand between them too.",
         _over(np.where(span[:, :, None], y, 0).sum(axis=1), span.sum(axis=1)[:, None] + 0 * total)),
        ("It is the last real step, not the mean.",
         real[np.arange(n), t - 1 - np.argmax(mask[:, ::-1], axis=1)]),
        ("It is the mean over the numbers of a step: keep the axis d, and average over the steps.",
         np.nanmean(np.where(mask[:, :, None], y, 0), axis=2)),
        ("It is one number for each sequence: keep the axis d.", right.mean(axis=1)),
        ("The axis of the steps is still there: the shape must be (n, d).", right[:, None]),
        ("The two axes are swapped: the shape must be (n, d).", right.T),
    ]  # fmt: skip
    if not mask.any(axis=1).all():
        mistakes.append(
            ("A sequence without a real step gives 0 / 0: it must give zeros.", _lacks_a_real_step)
        )
    if np.isinf(y).any():
        mistakes.append(("Infinity times 0 is NaN: take the padding out with np.where.", not_finite))
    return mistakes


def _case(what, mask, d, padding=0.5):
    mask = np.array(mask, dtype=bool)
    y = irregular(*mask.shape, d)
    y[~mask] = padding
    y[0, 0] = 0.0 if mask[0, 0] else padding  # a real step may hold zeros
    return what, (y, mask)


MASKED_MEAN = Exercise(
    names=("y", "mask"),
    cases=[
        _case("no padding", [[1, 1, 1]], 2),
        _case("padding with zeros at the end", [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], 2, 0.0),
        _case("padding that is not zero", [[1, 1, 1, 0], [1, 1, 0, 0]], 3),
        _case("padding in front", [[1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 0]], 2),
        _case("padding in between", [[1, 0, 1, 1], [1, 1, 0, 1]], 3),
        _case("infinity in the padding", [[1, 1, 0, 0], [1, 1, 1, 0]], 2, np.inf),
        _case("a last sequence without a real step", [[1, 1, 1], [1, 0, 0], [0, 0, 0]], 2, 0.0),
    ],
    right=_masked_mean,
    mistakes=_masked_mean_mistakes,
    praise="Right: the mean of the real steps, wherever the padding stands and whatever it holds.",
)
