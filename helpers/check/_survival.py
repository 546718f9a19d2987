"""Exercises about time until an event: the order of a model's risks, and weights for those who were lost."""

import numpy as np

from helpers import survival
from helpers.check._core import Exercise, not_finite


def concordance(candidate):
    """Check a function ``candidate(time, event, risk)`` that returns Harrell's concordance.

    Parameters
    ----------
    candidate : callable
        Takes `time`, a float array of shape (n,); `event`, a bool array of shape (n,), True = observed; and
        `risk`, a float array of shape (n,), the higher the earlier. Returns the share of usable pairs in the
        right order, ties of the risk half. A pair is usable if the patient with the shorter time has an
        event; at equal times, if one has an event and the other is censored.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    CONCORDANCE.judge(candidate)


def ipcw_weights(candidate):
    """Check a function ``candidate(time, event, horizon)`` that weights patients for those lost before.

    Parameters
    ----------
    candidate : callable
        Takes `time`, a float array of shape (n,); `event`, a bool array of shape (n,), True = observed; and
        `horizon`, a number. Returns an array of shape (n,): 0 for patients censored up to the horizon, else
        1 / share not censored, at the event if it came up to the horizon, or else at the horizon.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    IPCW_WEIGHTS.judge(candidate)


def _pairs(time, event):
    """Which pairs are usable: the patient of the line has her event before the one of the column."""
    return event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))


def _concordance(time, event, risk):
    usable = _pairs(time, event)
    return _credit(risk)[usable].mean()


def _credit(risk, tie=0.5):
    return (risk[:, None] > risk) + tie * (risk[:, None] == risk)


def _concordance_mistakes(time, event, risk):
    """Pairs of a message and the answer that a typical mistake gives."""
    n, usable, right = len(time), _pairs(time, event), _concordance(time, event, risk)
    earlier, tied = time[:, None] < time, time[:, None] == time
    both = event[:, None] & event
    untied = usable & (risk[:, None] != risk)
    score = (_credit(risk) * usable).sum()
    return [
        *[(f"It is rounded to {digits} digits: return all of them.", round(right, digits))
          for digits in (3, 2)],
        ("It is turned around: a pair counts if the patient with the *earlier* event has the higher risk.",
         1 - right),
        ("It ignores `event`: if the patient with the shorter time is censored, nobody knows who was first.",
         _credit(risk)[earlier].mean()),
        ("It leaves out the censored patients: one who is censored *after* an event is known to be later.",
         _mean(_credit(risk)[earlier & both])),
        ("It asks for an event of the patient with the *longer* time: the *shorter* one needs it.",
         _mean(_credit(risk)[earlier & event])),
        ("A tie of the risks counts 0: it must count one half.", _credit(risk, 0)[usable].mean()),
        ("A tie of the risks counts 1: it must count one half.", _credit(risk, 1)[usable].mean()),
        ("It leaves out pairs with equal risks: they count one half.", _mean(_credit(risk)[untied])),
        ("It leaves out pairs with equal times: if one has an event and the other is censored, the event "
         "came first.", _credit(risk)[usable & earlier].mean()),
        ("It counts pairs of two events at the same time: nobody was first.",
         _credit(risk)[usable | (tied & both & ~np.eye(n, dtype=bool))].mean()),
        ("It compares with patients of equal times, herself included: at equal times, only one with an event "
         "and one without are a pair.", _credit(risk)[event[:, None] & (time[:, None] <= time)].mean()),
        ("It is the number of pairs in the right order: divide by the number of usable pairs.", score),
        ("It divides by the number of all pairs: only usable ones count.", score / (n * (n - 1) / 2)),
        ("It divides by the square of the number of patients, not by the number of usable pairs.",
         score / n**2),
        ("It divides by the number of patients, not by the number of usable pairs.", score / n),
        ("It is Somers' D, 2 C - 1.", 2 * right - 1),
        ("It is NaN: is the number of pairs 0?", not_finite),
    ]  # fmt: skip


def _mean(values):
    return values.mean() if values.size else np.nan


CONCORDANCE = Exercise(
    names=("time", "event", "risk"),
    cases=[
        (what, (np.array(time), np.array(event, dtype=bool), np.array(risk)))
        for what, time, event, risk in [
            ("", [1.0, 2.0, 3.0, 4.0, 5.0], [1, 0, 1, 1, 0], [0.6, 0.9, 0.7, 0.2, 0.3]),
            ("women in no order", [7.0, 2.0, 9.0, 4.0, 6.0, 1.0], [1, 1, 0, 0, 1, 1],
             [1.0, 2.5, -2.0, 0.3, 1.5, 0.5]),
            ("equal risks", [3.0, 1.0, 6.0, 5.0, 2.0], [1, 1, 0, 0, 0], [2.0, 2.0, 1.0, 2.0, 3.0]),
            ("an event and a censoring on one day", [2.0, 2.0, 5.0, 1.0, 7.0], [0, 1, 1, 1, 0],
             [0.4, 0.1, 0.3, 0.9, 0.2]),
            ("two events on one day", [4.0, 4.0, 2.0, 8.0, 9.0], [1, 1, 1, 0, 1], [0.8, 0.5, 0.6, 0.7, 0.1]),
        ]
    ],
    right=_concordance,
    mistakes=_concordance_mistakes,
    praise="Right: usable pairs alone, ties one half, as scikit-survival counts them.",
    hints={"division by zero": "Count the usable pairs before you divide."},
)  # fmt: skip


# ---------------------------------------------------------------- weights


def _weights(time, event, horizon):
    return survival.ipcw_weights((time, event), (time, event), horizon)


def _weight_mistakes(time, event, horizon):
    """Pairs of a message and the answer that a typical mistake gives."""
    right, known = _weights(time, event, horizon), (event & (time <= horizon)) | (time > horizon)
    free = survival.censoring_survival(time, event, time)
    at_horizon = survival.censoring_survival(time, event, np.full(len(time), horizon))
    surviving = survival.censoring_survival(time, ~event, np.minimum(time, horizon))
    capped = np.where(time <= horizon, free, at_horizon)
    strict = (event & (time < horizon)) | (time > horizon)
    reaching = (event & (time <= horizon)) | (time >= horizon)

    def over(share, who):
        return np.divide(1.0, share, out=np.zeros(len(time)), where=who & (share > 0))

    return [
        ("It weights by the share with no *event* yet: here the censoring is what happens; swap the roles.",
         over(surviving, known)),
        ("It gives weights to the patients who were lost up to the horizon: nobody knows their state, so 0.",
         over(capped, np.ones(len(time), dtype=bool))),
        ("It multiplies by the share not censored: divide by it.", np.where(known, capped, 0.0)),
        ("It weights everybody known with 1: those who stayed must speak for those who were lost.",
         known.astype(float)),
        ("It takes the share at the horizon for all: for an event before, take the share at the event.",
         over(at_horizon, known)),
        *[("It takes the share at each patient's own time: after the horizon, take the share at the horizon.",
           over(free, known) + last) for last in (0.0, np.where(known & (free == 0), np.inf, 0.0))],
        ("It gives the patients followed beyond the horizon 0: their state is known.",
         over(capped, event & (time <= horizon))),
        ("It gives those with an event up to the horizon 0: their state is known.",
         over(at_horizon, time > horizon)),
        ("It gives those with an event the weight 1: they, too, speak for the lost.",
         np.where(event & (time <= horizon), 1.0, right)),
        ("An event at the horizon itself counts as known: compare with <=.", over(capped, strict)),
        ("A patient censored at the horizon itself was lost: nobody knows whether she is well after it.",
         over(capped, reaching)),
        ("The weights are divided by their sum: their mean must be about 1.", right / right.sum()),
        ("It also weights events after the horizon as events: their state at the horizon is *no event yet*.",
         over(free, event)),
        ("It says who is lost, not who is known: the weights belong to the others.",
         np.where(known, 0.0, over(capped, ~known))),
        ("It holds NaN or infinity: give 0 where nobody knows the state.", not_finite),
    ]  # fmt: skip


IPCW_WEIGHTS = Exercise(
    names=("time", "event", "horizon"),
    cases=[
        (what, (np.array(time), np.array(event, dtype=bool), horizon))
        for what, time, event, horizon in [
            ("", [1.0, 2.0, 3.0, 4.0, 5.0], [1, 0, 1, 1, 0], 3.5),
            ("women in no order", [6.0, 1.5, 4.0, 3.0, 8.0, 2.0, 5.0], [0, 0, 1, 1, 1, 0, 0], 5.5),
            ("an event at the horizon", [2.0, 1.0, 4.0, 3.0, 6.0, 5.0], [0, 1, 1, 0, 0, 1], 4.0),
            ("a censoring at the horizon", [2.0, 1.0, 4.0, 3.0, 6.0, 5.0], [0, 1, 0, 1, 1, 0], 4.0),
            ("nobody lost before", [2.0, 1.0, 4.0, 3.0, 6.0], [1, 1, 1, 0, 0], 2.5),
        ]
    ],
    right=_weights,
    mistakes=_weight_mistakes,
    praise="Right: each one who stayed speaks for those who were lost, as in helpers.survival.ipcw_weights.",
    hints={"division by zero": "Divide only where the state is known."},
)  # fmt: skip
