"""Exercises about Cox's partial likelihood."""

import numpy as np

from helpers import survival
from helpers.check._core import Exercise, not_finite


def partial_likelihood(candidate):
    """Check a function ``candidate(time, event, log_risk)`` that returns Cox's partial log-likelihood.

    Parameters
    ----------
    candidate : callable
        Takes three float arrays of shape (n,): `time`, no two of them equal; `event`, 1 where it was seen and
        0 for a censored patient; and `log_risk`. Returns the sum, over the events, of the logarithm of the
        probability that it was this patient, among those still followed.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    PARTIAL_LIKELIHOOD.judge(candidate)


def _sums(time, event, log_risk, followed):
    """Log of the sum over each patient's risk set, which ``followed(other, own)`` compares by time."""
    at_risk = followed(time[None, :], time[:, None])
    with np.errstate(all="ignore"):
        largest = log_risk.max()
        return np.log((at_risk * np.exp(log_risk - largest)).sum(axis=1)) + largest


def _mistakes(time, event, log_risk):
    seen = event == 1
    sums = _sums(time, event, log_risk, np.greater_equal)
    each = log_risk - sums
    latest_first = np.argsort(-time)
    right = each[seen].sum()

    def by(followed, rows=seen):
        return (log_risk - _sums(time, event, log_risk, followed))[rows].sum()

    with np.errstate(all="ignore"):
        rows_below = log_risk - np.logaddexp.accumulate(log_risk[::-1])[::-1]
        rows_above = log_risk - np.logaddexp.accumulate(log_risk)
        plain = np.array([log_risk[time >= own].sum() for own in time])
        with_events = [np.logaddexp.reduce(log_risk[seen & (time >= own)]) for own in time]
        return [
            ("It is not finite: an exponential overflows. Take the largest log-risk out of the sum first.",
             not_finite),
            ("The sign is turned: this is the loss, minus the log-likelihood.", -right),
            ("It is the likelihood: return its logarithm, a sum over the events.", np.exp(right)),
            ("It is one number for each patient: return the sum over the events.", each * seen),
            ("It is one number for each event: return their sum.", each[seen]),
            ("It is the mean over the events: return the sum.", right / seen.sum()),
            ("It is the mean over the patients: return the sum.", right / len(time)),
            ("It is minus the mean over the events, a loss: return the sum, with its own sign.",
             -right / seen.sum()),
            ("The log-risks are sorted by time and the events are not: sort both.",
             event @ each[latest_first]),
            ("The log-risks are sorted by time and the events are not: sort both.",
             event @ each[latest_first[::-1]]),
            ("Censored patients count as if they had an event: only events enter the sum.", each.sum()),
            ("It is the sum over the censored patients: sum over the events.", each[~seen].sum()),
            ("Everybody is in every risk set: only those followed until the event are.",
             by(lambda other, own: (other == other) & (own == own))),
            ("The patient herself is missing in her risk set: she was still followed, so time >= hers.",
             by(np.greater)),
            ("The risk sets are turned around: they hold those with time >= that of the event.",
             by(np.less_equal)),
            ("Censored patients are missing in the risk sets: they belong there until they were last seen.",
             (log_risk - with_events)[seen].sum()),
            ("The sum in the denominator is one of log-risks: take their exponentials first.",
             (log_risk - np.log(np.abs(plain)))[seen].sum()),
            ("The sum in the denominator is one of log-risks: take their exponentials first.",
             (log_risk - plain)[seen].sum()),
            ("The numerator is the risk: its logarithm is the log-risk itself.",
             (np.exp(log_risk) - sums)[seen].sum()),
            ("The logarithm of the sum is missing.", (log_risk - np.exp(sums))[seen].sum()),
            ("The log-risk of the event itself is missing: subtract the sum from it.", -sums[seen].sum()),
            ("The risk set is taken from the order of the rows: compare the times.", rows_below[seen].sum()),
            ("The risk set is taken from the order of the rows: compare the times.", rows_above[seen].sum()),
            ("The probabilities are added: take the logarithm of each first.",
             np.exp(each[seen]).sum()),
            ("The probabilities are added: take the logarithm of each first.",
             np.log(np.exp(each[seen]).sum())),
        ]  # fmt: skip


PARTIAL_LIKELIHOOD = Exercise(
    names=("time", "event", "log_risk"),
    cases=[
        (what, (np.array(time), np.array(event, dtype=float), np.array(log_risk)))
        for what, time, event, log_risk in [
            ("all events seen", [1.0, 2.0, 4.0], [1, 1, 1], [0.7, 0.0, -0.4]),
            ("two censored", [1.0, 2.0, 3.0, 5.0, 8.0], [1, 0, 1, 1, 0], [0.9, 0.2, -0.5, 0.4, -1.1]),
            ("rows in no order", [5.0, 1.5, 8.0, 3.0, 2.0, 6.0], [1, 1, 0, 1, 0, 1],
             [-0.3, 1.2, 0.5, 0.0, -0.8, 0.3]),
            ("large log-risks", [3.0, 1.0, 2.0, 4.0], [1, 1, 0, 1], [801.0, 800.0, 802.5, 800.5]),
        ]
    ],
    right=lambda time, event, log_risk: survival.cox_log_likelihood(time, event, log_risk),
    mistakes=_mistakes,
    praise="Right: censored women, rows in any order and large risks agree with "
    "helpers.survival.cox_log_likelihood.",
)  # fmt: skip
