"""The checkers about survival accept every right answer, and name what is wrong with a wrong one."""

import check_rules
import numpy as np

from helpers import check, survival

# ----- concordance -----


def by_loops(time, event, risk):
    credit, pairs = 0.0, 0
    for i in range(len(time)):
        for j in range(len(time)):
            first = time[i] < time[j] or (time[i] == time[j] and not event[j])
            if event[i] and first:
                pairs += 1
                credit += (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j])
    return credit / pairs


def by_arrays(time, event, risk):
    usable = event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))
    return np.float32(((np.sign(risk[:, None] - risk) + 1) / 2)[usable].mean())


def by_scikit_survival(time, event, risk):
    from sksurv.metrics import concordance_index_censored

    return concordance_index_censored(event, time, risk)[0]


def counted(
    usable=lambda ti, ei, tj, ej: ei and (ti < tj or (ti == tj and not ej)),
    credit=lambda a, b: (a > b) + 0.5 * (a == b),
    result=lambda credit, pairs, n: credit / pairs,
):
    """A reader's count with one thing that may go wrong."""

    def candidate(time, event, risk):
        n = range(len(time))
        pairs = [(i, j) for i in n for j in n if usable(time[i], event[i], time[j], event[j])]
        return result(sum(credit(risk[i], risk[j]) for i, j in pairs), len(pairs), len(n))

    return candidate


def without_equal_risks(time, event, risk):
    usable = event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))
    usable &= risk[:, None] != risk
    return (risk[:, None] > risk)[usable].mean()


# ----- weights -----


def weights_by_loops(time, event, horizon):
    def free(t):
        share = 1.0
        for s in sorted(set(time[~event])):
            if s <= t:
                at_risk = ((time > s) | ((time == s) & ~event)).sum()
                share *= 1 - ((time == s) & ~event).sum() / at_risk
        return share

    return [
        0 if t <= horizon and not e else 1 / free(min(t, horizon)) for t, e in zip(time, event, strict=True)
    ]


def weights_by_scikit_survival(time, event, horizon):
    from sksurv.nonparametric import CensoringDistributionEstimator
    from sksurv.util import Surv

    free = CensoringDistributionEstimator().fit(Surv.from_arrays(event, time))
    known = event | (time > horizon)
    weights = np.zeros(len(time), "float32")
    weights[known] = 1 / free.predict_proba(np.minimum(time, horizon)[known])
    return weights


def just_before(time, event, horizon):
    """Share not censored just before an event: the same where no censoring falls on its day."""
    before = np.where(event & (time <= horizon), np.nextafter(time, 0), horizon)
    share = survival.censoring_survival(time, event, before)
    return np.where((time > horizon) | event, 1 / share, 0.0)


def weighted(
    known=lambda t, e, h: (e & (t <= h)) | (t > h), at=np.minimum, roles=lambda e: e,
    weight=lambda share: 1 / share,
):  # fmt: skip
    """A reader's weights with one thing that may go wrong."""

    def candidate(time, event, horizon):
        share = survival.censoring_survival(time, roles(event), at(time, horizon))
        return np.where(known(time, event, horizon), weight(share), 0.0)

    return candidate


RIGHT = {
    check.concordance: [by_loops, by_arrays, by_scikit_survival, counted()],
    check.ipcw_weights: [weights_by_loops, weights_by_scikit_survival, just_before, weighted()],
}

WRONG = {
    check.concordance: {
        "turned around": counted(credit=lambda a, b: (a < b) + 0.5 * (a == b)),
        "ignores `event`": counted(lambda ti, ei, tj, ej: ti < tj),
        "leaves out the censored": counted(lambda ti, ei, tj, ej: ei and ej and ti < tj),
        "*longer* time": counted(lambda ti, ei, tj, ej: ej and ti < tj),
        "tie of the risks counts 0": counted(credit=lambda a, b: a > b),
        "tie of the risks counts 1": counted(credit=lambda a, b: a >= b),
        "leaves out pairs with equal risks": without_equal_risks,
        "leaves out pairs with equal times": counted(lambda ti, ei, tj, ej: ei and ti < tj),
        "herself included": counted(lambda ti, ei, tj, ej: ei and ti <= tj),
        "divide by the number of usable pairs": counted(result=lambda credit, pairs, n: credit),
        "number of all pairs": counted(result=lambda credit, pairs, n: credit / (n * (n - 1) / 2)),
        "square of the number": counted(result=lambda credit, pairs, n: credit / n**2),
        "Somers' D": counted(result=lambda credit, pairs, n: 2 * credit / pairs - 1),
        "rounded to 2 digits": counted(result=lambda credit, pairs, n: round(credit / pairs, 2)),
        "is the `return` missing": lambda time, event, risk: None,
    },
    check.ipcw_weights: {
        "swap the roles": weighted(roles=lambda e: ~e),
        "nobody knows their state, so 0": weighted(known=lambda t, e, h: np.full(len(t), True)),
        "divide by it": weighted(weight=lambda share: share),
        "weights everybody known with 1": weighted(weight=np.ones_like),
        "at the horizon for all": weighted(at=lambda t, h: np.full(len(t), h)),
        "own time": weighted(at=lambda t, h: t),
        "beyond the horizon 0": weighted(known=lambda t, e, h: e & (t <= h)),
        "up to the horizon 0": weighted(known=lambda t, e, h: t > h),
        "compare with <=": weighted(known=lambda t, e, h: (e & (t < h)) | (t > h)),
        "censored at the horizon itself": weighted(known=lambda t, e, h: (e & (t <= h)) | (t >= h)),
        "divided by their sum": lambda *a: weighted()(*a) / weighted()(*a).sum(),
        "events after the horizon as events": weighted(at=lambda t, h: t, known=lambda t, e, h: e),
        "The shape must be": lambda *a: weighted()(*a).mean(keepdims=True),
    },
}


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
