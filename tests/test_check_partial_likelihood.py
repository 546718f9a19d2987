"""The checker about Cox's likelihood accepts every right answer, and names what is wrong with a wrong one."""

import math

import check_rules
import numpy as np
from scipy.special import logsumexp

from helpers import check


def followed(time, log_risk, own):
    return logsumexp(log_risk[time >= own])


def by_events(time, event, log_risk):
    return sum(log_risk[i] - followed(time, log_risk, time[i]) for i in np.flatnonzero(event))


def by_table(time, event, log_risk):
    table = np.where(time >= time[:, None], log_risk, -np.inf)
    largest = table.max(axis=1)
    sums = np.log(np.exp(table - largest[:, None]).sum(axis=1)) + largest
    return np.float32((event * (log_risk - sums)).sum())


def by_sorting(time, event, log_risk):
    order = np.argsort(-time)
    sums = np.logaddexp.accumulate(log_risk[order])
    return event[order] @ (log_risk[order] - sums)


def by_loops(time, event, log_risk):
    total = 0.0
    for own, happened, risk in zip(time, event, log_risk, strict=True):
        if happened:
            total -= math.log(
                sum(math.exp(r - risk) for t, r in zip(time, log_risk, strict=True) if t >= own)
            )
    return total


def terms(keep=lambda time, own, event: time >= own, exp=np.exp, log=np.log):
    """Terms of all patients; `keep` says who is in a risk set."""

    def each(time, event, log_risk):
        sums = np.array([exp(log_risk[keep(time, own, event)]).sum() for own in time])
        return log_risk - log(sums)

    return each


def summed(each):
    return lambda time, event, log_risk: each(time, event, log_risk)[event == 1].sum()


def rows_below(time, event, log_risk):
    return log_risk - np.log(np.cumsum(np.exp(log_risk)[::-1])[::-1])


RIGHT = {check.partial_likelihood: [by_events, by_table, by_sorting, by_loops]}

WRONG = {
    check.partial_likelihood: {
        "an exponential overflows": summed(terms()),
        "The sign is turned": lambda *a: -by_events(*a),
        "It is the likelihood": lambda *a: np.exp(by_events(*a)),
        "one number for each patient": lambda t, e, r: e * terms()(t, e, r),
        "one number for each event": lambda t, e, r: terms()(t, e, r)[e == 1],
        "the mean over the events": lambda t, e, r: by_events(t, e, r) / e.sum(),
        "the mean over the patients": lambda t, e, r: by_events(t, e, r) / len(e),
        "minus the mean over the events": lambda t, e, r: -by_events(t, e, r) / e.sum(),
        "the events are not: sort both": lambda t, e, r: e @ terms()(t, e, r)[np.argsort(-t)],
        "as if they had an event": lambda t, e, r: by_events(t, np.ones(len(t)), r),
        "the sum over the censored": lambda t, e, r: by_events(t, 1 - e, r),
        "Everybody is in every risk set": summed(terms(lambda t, own, e: t > 0)),
        "The patient herself is missing": summed(terms(lambda t, own, e: t > own)),
        "The risk sets are turned around": summed(terms(lambda t, own, e: t <= own)),
        "Censored patients are missing": summed(terms(lambda t, own, e: (t >= own) & (e == 1))),
        "one of log-risks": summed(terms(exp=lambda r: r, log=lambda s: s)),
        "The numerator is the risk": lambda t, e, r: by_events(t, e, r) + e @ (np.exp(r) - r),
        "The logarithm of the sum is missing": summed(terms(log=lambda s: s)),
        "The log-risk of the event itself is missing": lambda t, e, r: by_events(t, e, r) - e @ r,
        "from the order of the rows": summed(rows_below),
        "The probabilities are added": lambda t, e, r: np.exp(terms()(t, e, r)[e == 1]).sum(),
        "It returned None": lambda t, e, r: None,
        "truth value of an array": lambda t, e, r: r.sum() if t > 0 else 0,
    }
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
