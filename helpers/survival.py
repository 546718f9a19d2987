"""Time until an event that not everybody has had yet: Cox's model, censoring, and scores that respect it.

All functions take the same two arrays. `time` is the day of the event, or the day a patient was last seen;
any unit will do. `event` is True where the event was observed, and False where the patient is censored:
nothing had happened until `time`. A higher `log_risk` means an earlier event; only differences between
patients count, because ``exp(log_risk)`` multiplies a hazard that all of them share.
"""

from typing import NamedTuple

import numpy as np

from helpers import _expect
from helpers.dense import sigmoid

TIES = "breslow", "efron"


# ---------------------------------------------------------------- Cox's partial likelihood


def cox_log_likelihood(time, event, log_risk, ties="efron"):
    """Cox's partial log-likelihood: how well the risks tell who has the next event.

    At each event the patients who are still followed could have had it. Patient i is the one with probability
    ``exp(log_risk[i]) / sum over those at risk of exp(log_risk)``. The sum of the logarithms is returned, as
    R prints it. A censored patient counts among those at risk until the day she was last seen, that day
    included.

    Of several events at one time each is divided by the same sum (Breslow), or the later ones by a sum from
    which the mean share of the earlier ones has gone: of d events the one with number l, from 0, loses l / d
    of the sum over the d (Efron, the closer of the two, and R's choice). Without ties the two are equal.

    It builds a table of events times patients: made for hundreds or thousands of patients.

    Parameters
    ----------
    time : array_like, shape (n,), float
        At least 0.
    event : array_like, shape (n,), bool or 0 and 1
        At least one event.
    log_risk : array, shape (n,), float
        Of any size: nothing overflows.
    ties : "efron" or "breslow"

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Wrong shapes, integers instead of floating-point numbers, times that are negative or not finite,
        events other than 0 and 1, no event at all, or an unknown way to treat ties.

    References
    ----------
    Cox (1972), J. R. Stat. Soc. B 34(2), 187-220. Breslow (1974), Biometrics 30(1), 89-99. Efron (1977),
    J. Am. Stat. Assoc. 72(359), 557-565.

    Examples
    --------
    >>> risk = np.array([1.0, 2.0, 1.0])
    >>> likelihood = np.exp(cox_log_likelihood([3.0, 5.0, 8.0], [1, 1, 0], np.log(risk)))
    >>> round(float(likelihood), 12) == round(1 / 4 * 2 / 3, 12)
    True
    """
    deaths, at_risk = risk_sets(time, event, ties)
    log_risk = _expect.same_shape("log_risk", log_risk, at_risk.shape[1:])
    return np.sum(log_risk[deaths] - _log_sums(at_risk, log_risk))


def cox_log_likelihood_grad(time, event, log_risk, ties="efron"):
    """Gradient of `cox_log_likelihood` with respect to `log_risk`.

    Events minus expected events: 1 where the event was seen, minus the sum, over all events up to this
    patient's time, of the probability that it would be hers. The entries add up to 0.

    Parameters
    ----------
    time, event, log_risk, ties
        As given to `cox_log_likelihood`.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ValueError
        As `cox_log_likelihood`.
    """
    deaths, at_risk = risk_sets(time, event, ties)
    log_risk = _expect.same_shape("log_risk", log_risk, at_risk.shape[1:])
    expected = _shares(at_risk, log_risk).sum(axis=0)
    observed = np.zeros_like(expected)
    observed[deaths] = 1
    return observed - expected


def risk_sets(time, event, ties="efron"):
    """Say who is compared with whom: the table behind `cox_log_likelihood`.

    Parameters
    ----------
    time, event, ties
        As given to `cox_log_likelihood`.

    Returns
    -------
    deaths : array, shape (events,), int
        Rows of the patients with an event, in rising order.
    at_risk : array, shape (events, n), float
        1 where the patient of the column was followed up to the time of the event, that time included, and 0
        where she was not. With Efron's ties, less than 1 where both have their event at the same time.

    Raises
    ------
    ValueError
        As `cox_log_likelihood`.
    """
    _expect.one_of("ties", ties, TIES)
    time, event = _outcome(time, event, events=1)
    deaths = np.flatnonzero(event)
    at_risk = (time >= time[deaths, None]).astype(float)
    if ties == "efron":
        tied = event & (time == time[deaths, None])  # (events, n)
        earlier = np.tril(tied[:, deaths], -1).sum(axis=1)  # how many of the tied stand in earlier rows
        at_risk -= (earlier / tied.sum(axis=1))[:, None] * tied
    return deaths, at_risk


def _log_sums(at_risk, log_risk):
    """Log of the sum that each event is divided by, shape (events,); the largest term is taken out first."""
    followed = np.where(at_risk > 0, log_risk, -np.inf)
    largest = followed.max(axis=1, keepdims=True)
    return np.log((at_risk * np.exp(followed - largest)).sum(axis=1)) + largest[:, 0]


def _shares(at_risk, log_risk):
    """Probability that an event is this patient's, shape (events, n); each line adds up to 1."""
    followed = np.where(at_risk > 0, log_risk, -np.inf)
    return at_risk * np.exp(followed - _log_sums(at_risk, log_risk)[:, None])


# ---------------------------------------------------------------- Cox's model


class CoxFit(NamedTuple):
    """Cox's model: log hazard ratios for one unit of each column, their standard errors, the likelihood."""

    coefficients: np.ndarray
    standard_errors: np.ndarray
    log_likelihood: float


def cox_fit(x, time, event, ties="efron", tolerance=1e-9, steps=20):
    """Fit Cox's model by Newton's method, from coefficients of 0, as R's ``coxph``.

    Parameters
    ----------
    x : array_like, shape (n, d), float
        One line for each patient. No column of ones: a hazard that all share cancels.
    time, event, ties
        As given to `cox_log_likelihood`.
    tolerance : float
        Stop when no step moves the risks by more than this, for one standard deviation of a column.
    steps : int
        How many steps to take at most.

    Returns
    -------
    CoxFit

    Raises
    ------
    ValueError
        As `cox_log_likelihood`; columns that are constant or follow from the others; or coefficients that
        do not settle, as when a column tells the order of the events perfectly.

    References
    ----------
    Cox (1972), J. R. Stat. Soc. B 34(2), 187-220.
    """
    deaths, at_risk = risk_sets(time, event, ties)
    x = _expect.array("x", x, "n d", n=at_risk.shape[1])
    x, spread = x - x.mean(axis=0), x.std(axis=0)  # centered: sums of squares keep their digits
    coefficients = np.zeros(x.shape[1])
    for _ in range(_expect.at_least("steps", steps, 1)):
        residuals, variances = _residuals(x, deaths, at_risk, coefficients)
        covariance = _inverse(variances.sum(axis=0))
        step = covariance @ residuals.sum(axis=0)
        coefficients = coefficients + step
        if np.all(np.abs(step) * spread <= tolerance):
            likelihood = cox_log_likelihood(time, event, x @ coefficients, ties)
            return CoxFit(coefficients, np.sqrt(np.diag(covariance)), float(likelihood))
    raise ValueError(
        f"x must leave the order of the events open: after {steps} steps a coefficient still moves by "
        f"{np.abs(step).max():.2g}"
    )


class ScoreTest(NamedTuple):
    """A statistic, its degrees of freedom, and the probability of one as large if the model holds."""

    chi2: float
    degrees: int
    p: float


def proportional_hazards_test(x, time, event, columns=None, ties="efron"):
    """Test whether hazard ratios stay the same over time: R's ``cox.zph`` since version 3, its exact form.

    The model gets one more coefficient for each tested column: that of the column times g(t), where
    ``g(t) = 1 - Kaplan-Meier estimate just before t``. The score test asks how steep the likelihood is along
    the new coefficients at 0. It takes the information matrix of all coefficients, old and new, as it is.
    Older versions of R, and lifelines, take the variance of the covariates as constant over time; where it is
    not, they can miss what is there.

    Parameters
    ----------
    x : array_like, shape (n, d), float
    time, event, ties
        As given to `cox_log_likelihood`.
    columns : sequence of int, optional
        Which columns to test together, such as the columns of one factor. Left out: all, R's GLOBAL.

    Returns
    -------
    ScoreTest
        One degree of freedom for each tested column.

    Raises
    ------
    ValueError
        As `cox_fit`, or columns that `x` does not have.

    References
    ----------
    Grambsch and Therneau (1994), Biometrika 81(3), 515-526.
    """
    from scipy import stats

    fit = cox_fit(x, time, event, ties)
    x, tested = np.asarray(x), _columns(columns, len(fit.coefficients))
    deaths, at_risk = risk_sets(time, event, ties)
    residuals, variances = _residuals(x - x.mean(axis=0), deaths, at_risk, fit.coefficients)
    g = _late(time, event, deaths)
    score = (g @ residuals)[tested]
    mixed = np.tensordot(g, variances, 1)[:, tested]  # (d, tested)
    new = np.tensordot(g**2, variances, 1)[np.ix_(tested, tested)]
    information = new - mixed.T @ _inverse(variances.sum(axis=0)) @ mixed
    chi2 = float(score @ _inverse(information) @ score)
    return ScoreTest(chi2, len(tested), float(stats.chi2.sf(chi2, len(tested))))


def _residuals(x, deaths, at_risk, coefficients):
    """Schoenfeld's residuals, (events, d), and the variances of the covariates among those at risk."""
    shares = _shares(at_risk, x @ coefficients)
    means = shares @ x
    squares = np.tensordot(shares, x[:, :, None] * x[:, None, :], 1)  # (events, d, d)
    return x[deaths] - means, squares - means[:, :, None] * means[:, None, :]


def _late(time, event, deaths):
    """1 - Kaplan-Meier estimate just before each event, shape (events,)."""
    time, event = _outcome(time, event)
    times, surviving = _product_limit(time, event)
    return 1 - np.append(1.0, surviving)[np.searchsorted(times, time[deaths], side="left")]


def _columns(columns, d):
    tested = np.arange(d) if columns is None else np.asarray(columns)
    if tested.ndim != 1 or not tested.size or not np.isin(tested, np.arange(d)).all():
        raise ValueError(f"columns must be numbers from 0 to {d - 1}, received {columns}")
    return tested


def _inverse(matrix):
    """Inverse of a symmetric matrix, computed in the units of its diagonal."""
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    if np.linalg.cond(matrix / np.outer(scale, scale)) > 1e12:
        raise ValueError(
            "x must hold columns that vary and do not follow from each other, received some that do"
        )
    return np.linalg.inv(matrix / np.outer(scale, scale)) / np.outer(scale, scale)


# ---------------------------------------------------------------- from risks to curves


class Baseline(NamedTuple):
    """Cumulative hazard of a patient with `log_risk` 0, as steps.

    `time` and `cumulative_hazard` have the shape (steps,); `end` is when the last patient was seen.
    """

    time: np.ndarray
    cumulative_hazard: np.ndarray
    end: float


def breslow_baseline(time, event, log_risk):
    """Breslow's cumulative baseline hazard: at each event, 1 / sum over those at risk of exp(log_risk).

    With equal risks it is the estimate of Nelson and Aalen.

    Parameters
    ----------
    time, event, log_risk
        As given to `cox_log_likelihood`: the patients that the model was fitted to, with its risks.

    Returns
    -------
    Baseline
        With one step for each different time of an event.

    Raises
    ------
    ValueError
        As `cox_log_likelihood`.

    References
    ----------
    Breslow (1974), Biometrics 30(1), 89-99.
    """
    deaths, at_risk = risk_sets(time, event, "breslow")
    log_risk = _expect.same_shape("log_risk", log_risk, at_risk.shape[1:])
    time, _ = _outcome(time, event)
    steps, which = np.unique(time[deaths], return_inverse=True)
    hazard = np.bincount(which, weights=np.exp(-_log_sums(at_risk, log_risk)))
    return Baseline(steps, np.cumsum(hazard), float(time.max()))


def survival_curves(baseline, log_risk, times):
    """Probability of no event until each time: ``exp(-cumulative hazard * exp(log_risk))``.

    Parameters
    ----------
    baseline : Baseline
    log_risk : array, shape (n,), float
        Of the patients that curves are wanted for, on the scale that the baseline was estimated with.
    times : array_like, shape (t,), float
        In the unit of the baseline.

    Returns
    -------
    array, shape (n, t)
        Between 0 and 1, falling along each line.

    Raises
    ------
    ValueError
        Wrong shapes, or times below 0 or after the last patient was seen: nothing is known there.

    Examples
    --------
    >>> baseline = breslow_baseline([1.0, 2.0], [1, 1], np.zeros(2))
    >>> survival_curves(baseline, np.zeros(1), [0.5, 1.0]).round(3)
    array([[1.   , 0.607]])
    """
    log_risk = _expect.array("log_risk", log_risk, "n")
    times = _expect.array("times", times, "t")
    if not np.all((times >= 0) & (times <= baseline.end)):
        raise ValueError(
            f"times must lie between 0 and {baseline.end:g}, when the last patient was seen, "
            f"received {times.min():g} to {times.max():g}"
        )
    hazard = np.append(0.0, baseline.cumulative_hazard)[np.searchsorted(baseline.time, times, side="right")]
    return np.exp(-hazard * np.exp(log_risk)[:, None])


# ---------------------------------------------------------------- censoring


def censoring_survival(time, event, times):
    """Share of patients that are not censored until each time, inclusive: Kaplan-Meier with roles swapped.

    Here the censoring is what happens, and an event hides it. Where both fall on one day, the event comes
    first.

    Parameters
    ----------
    time, event
        As given to `cox_log_likelihood`: the patients to learn the censoring from. No event is needed.
    times : array_like, shape (t,), float

    Returns
    -------
    array, shape (t,)
        Between 0 and 1. NaN after the last patient was seen, unless the share has come down to 0 by then.

    Raises
    ------
    ValueError
        Wrong shapes, integers instead of floating-point numbers, or times or events that cannot be.
    """
    time, event = _outcome(time, event)
    times = _expect.array("times", times, "t")
    steps, free = _product_limit(time, ~event, first=event)
    share = np.append(1.0, free)[np.searchsorted(steps, times, side="right")]
    return np.where((times > time.max()) & (share > 0), np.nan, share)


def ipcw_weights(train, test, horizon):
    """Weights that let patients with a known state at `horizon` speak for those lost before.

    IPCW: inverse probability of censoring weights. A patient whose event came first gets 1 / share not
    censored until her event; one who is followed beyond the horizon gets 1 / share not censored until the
    horizon; one who is lost before gets 0. The share is `censoring_survival` of `train`. It is right where
    censoring does not depend on the risk.

    Parameters
    ----------
    train, test : pair of array_like, each of shape (n,)
        Time and event: the patients to learn the censoring from, and those to weight.
    horizon : float
        The time at which the state is asked for, such as five years.

    Returns
    -------
    array, shape (n of test,), float
        Mean close to 1. The mean of ``weights * (time <= horizon)`` estimates the risk at the horizon.

    Raises
    ------
    ValueError
        As `censoring_survival`, or a horizon up to which nobody of `train` is followed.

    References
    ----------
    Graf, Schmoor, Sauerbrei and Schumacher (1999), Statistics in Medicine 18(17-18), 2529-2545.

    Examples
    --------
    >>> patients = [1.0, 2.0, 3.0, 4.0], [0, 1, 1, 1]
    >>> ipcw_weights(patients, patients, 3.5).round(3)
    array([0.   , 1.333, 1.333, 1.333])
    """
    time, event = _outcome(*test)
    _expect.positive("horizon", horizon)
    known = (event & (time <= horizon)) | (time > horizon)
    share = censoring_survival(*train, np.minimum(time, horizon))
    if not np.all(share[known] > 0):
        raise ValueError(f"horizon must lie within the follow-up of train, received {horizon:g}")
    return np.divide(1.0, share, out=np.zeros(len(time)), where=known)


def _product_limit(time, happens, first=None):
    """Kaplan-Meier estimate: steps, and what is left after each; those in `first` leave before a step."""
    steps, counts = np.unique(time[happens], return_counts=True)
    followed = (time >= steps[:, None]).sum(axis=1)
    if first is not None:
        followed -= ((time == steps[:, None]) & first).sum(axis=1)
    return steps, np.cumprod(1 - counts / followed)


def _outcome(time, event, events=0):
    """Return time as float and event as bool, both of shape (n,), or raise ValueError."""
    time = _expect.array("time", time, "n")
    if not np.all((time >= 0) & (time < np.inf)):
        raise ValueError(
            f"time must hold finite numbers of at least 0, received {time.min()} to {time.max()}"
        )
    event = _expect.same_shape("event", np.asarray(event, dtype=float), time.shape)
    if not np.isin(event, (0, 1)).all():
        raise ValueError(f"event must be 0 or 1, received {np.unique(event)[:5]}")
    if event.sum() < events:
        raise ValueError(f"event must hold at least {events} event, received none")
    return time, event.astype(bool)


# ---------------------------------------------------------------- how good are predictions


class Scores(NamedTuple):
    """What `evaluate` measures; `auc` and `brier` have the shape (t,), the others are numbers.

    `harrell` and `uno` are the shares of pairs in the right order, `auc` the same for events until t against
    patients without one, `brier` the squared error of the predicted survival. What needs curves is None
    without them.
    """

    harrell: float
    uno: float
    auc: np.ndarray
    mean_auc: float
    brier: np.ndarray | None
    integrated_brier: float | None


def evaluate(train, test, times, log_risk, survival=None):
    """Score predictions of survival for new patients, at times for which the data can tell.

    scikit-survival computes the scores. All but Harrell's C weight each event by 1 / share not censored
    (learned from `train`), so they need times at which somebody is still followed. This is checked here, once
    for all, and follow-up is cut just after the last of the times. So a test patient who was followed longer
    than anybody in `train` does no harm: nothing that comes later enters a score, except Harrell's C, which
    takes all follow-up.

    Parameters
    ----------
    train, test : pair of array_like, each of shape (n,)
        Time and event: the patients that the model was fitted to, and new ones.
    times : array_like, shape (t,), float
        Rising, at least two. The first is at or after the first event of `test`, the last before the last
        patient of `test` and of `train` was seen. Uno's C looks at events before the last.
    log_risk : array, shape (n of test,), float
        The higher, the earlier the event is expected. Only its order counts.
    survival : array, shape (n of test, t), optional
        Predicted probability of no event until each time.

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        Times that do not rise or lie outside the range; predictions that are NaN, or no probabilities; or
        wrong shapes.

    References
    ----------
    Harrell, Lee and Mark (1996), Statistics in Medicine 15(4), 361-387. Uno et al. (2011), Statistics in
    Medicine 30(10), 1105-1117. Graf et al. (1999), Statistics in Medicine 18(17-18), 2529-2545.
    """
    from sksurv import metrics

    train, test = _outcome(*train), _outcome(*test)
    times = _times_within(times, train, test)
    log_risk = _prediction("log_risk", log_risk, test[0].shape, -np.inf, np.inf)
    harrell = metrics.concordance_index_censored(test[1], test[0], log_risk)[0]
    cut = _structured(np.minimum(test[0], np.nextafter(times[-1], np.inf)), test[1])
    past = _structured(*train)
    uno = metrics.concordance_index_ipcw(past, cut, log_risk, tau=times[-1])[0]
    auc, mean_auc = metrics.cumulative_dynamic_auc(past, cut, log_risk, times)
    brier = integrated = None
    if survival is not None:
        survival = _prediction("survival", survival, (len(log_risk), len(times)), 0, 1)
        brier = metrics.brier_score(past, cut, survival, times)[1]
        integrated = float(metrics.integrated_brier_score(past, cut, survival, times))
    return Scores(float(harrell), float(uno), auc, float(mean_auc), brier, integrated)


def _times_within(times, train, test):
    times = _expect.array("times", times, "t")
    if len(times) < 2 or not np.all(np.diff(times) > 0):
        raise ValueError(f"times must hold at least two rising numbers, received {times}")
    if not test[1].any():
        raise ValueError("test must hold an event, received none")
    first = test[0][test[1]].min()
    last = min(train[0].max(), test[0].max())
    if not (first <= times[0] and times[-1] < last) or not censoring_survival(*train, times[-1:])[0] > 0:
        raise ValueError(
            f"times must lie in [{first:g}, {last:g}), between the first event of test and the end of the "
            f"shorter follow-up, and somebody must be uncensored then: received {times[0]:g} to {times[-1]:g}"
        )
    return times


def _prediction(name, value, shape, lowest, highest):
    value = _expect.same_shape(name, value, shape)
    if not np.all((value >= lowest) & (value <= highest)):  # so that NaN fails too
        raise ValueError(f"{name} must lie between {lowest} and {highest} and hold no NaN")
    return value


def _structured(time, event):
    """Return what scikit-survival takes as an outcome."""
    from sksurv.util import Surv

    return Surv.from_arrays(event=event, time=time)


def repeated_folds(event, folds, repeats, rng):
    """Deal patients into `folds` test sets with equal shares of events, `repeats` times over.

    Differences of two models on the same folds go to `helpers.metrics.resampled_interval`, which knows that
    the training sets overlap.

    Parameters
    ----------
    event : array_like, shape (n,), bool or 0 and 1
    folds, repeats : int
        At least 2, and at least 1.
    rng : numpy.random.Generator

    Returns
    -------
    list of pairs of array of int
        The rows to train on and to test on, `folds` times `repeats` pairs.

    Raises
    ------
    ValueError
        A number that is too small, or fewer events than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    folds, repeats = _expect.at_least("folds", folds, 2), _expect.at_least("repeats", repeats, 1)
    event = np.asarray(event).astype(bool)
    if min(event.sum(), (~event).sum()) < folds:
        raise ValueError(
            f"event must hold an event and a censored patient for each of {folds} folds, "
            f"received {event.sum()} events among {len(event)} patients"
        )
    seeds = rng.integers(2**32, size=repeats)
    return [
        pair
        for seed in seeds
        for pair in StratifiedKFold(folds, shuffle=True, random_state=int(seed)).split(event, event)
    ]


# ---------------------------------------------------------------- losses of Keras networks


def outcome_table(time, event):
    """Time and event as one array: what `keras_cox_loss` takes as the truth.

    Parameters
    ----------
    time, event
        As given to `cox_log_likelihood`. No event is needed.

    Returns
    -------
    array, shape (n, 2), float32
    """
    return np.column_stack(_outcome(time, event)).astype("float32")


def keras_cox_loss(y_true, log_risk, ties="breslow"):
    """Negative `cox_log_likelihood` of a batch, divided by its number of events: a loss for Keras.

    A network with one output and this loss is DeepSurv; without a hidden layer it is Cox's model.

    A batch changes what is learned. The risk sets reach no further than the batch, so one pass over the data
    is Cox's model with the batches as strata: patients of two batches are never compared. The loss is smaller
    in smaller batches, by about log(n / batch size), so losses of two sizes cannot be compared. A batch
    without an event has the loss 0 and teaches nothing.

    Parameters
    ----------
    y_true : tensor, shape (batch, 2)
        `outcome_table`.
    log_risk : tensor, shape (batch, 1)
        What the network puts out, without an activation or a bias: only differences matter.
    ties : "breslow" or "efron"
        For Efron's, give Keras ``functools.partial(keras_cox_loss, ties="efron")``.

    Returns
    -------
    tensor, shape ()

    Raises
    ------
    ValueError
        An unknown way to treat ties.

    References
    ----------
    Katzman et al. (2018), BMC Medical Research Methodology 18, 24.
    """
    from keras import ops

    _expect.one_of("ties", ties, TIES)
    time, event, log_risk = y_true[:, 0], y_true[:, 1], log_risk[:, 0]
    at_risk = ops.cast(
        time[None, :] >= time[:, None], log_risk.dtype
    )  # as in risk_sets, a line for everybody
    if ties == "efron":
        tied = ops.cast(time[None, :] == time[:, None], log_risk.dtype) * event[None, :]
        earlier = ops.sum(ops.tril(tied, -1), axis=1)
        at_risk -= (earlier / ops.maximum(ops.sum(tied, axis=1), 1.0) * event)[:, None] * tied
    log_sums = ops.logsumexp(ops.log(at_risk) + log_risk[None, :], axis=1)
    return ops.sum(event * (log_sums - log_risk)) / ops.maximum(ops.sum(event), 1.0)


def discrete_targets(time, event, edges):
    """Cut follow-up into intervals: which did a patient survive, and in which did the event come?

    A patient with an event survived all intervals before it. A censored one survived those of which she was
    followed beyond the middle. Events after the last edge did not happen yet.

    Parameters
    ----------
    time, event
        As given to `cox_log_likelihood`. No event is needed.
    edges : array_like, shape (k + 1,), float
        Rising from 0, in the unit of time. Interval j ends with edge j + 1, that time excluded.

    Returns
    -------
    array, shape (n, 2 * k), float
        First 1 for each interval survived, then 1 for the interval of the event; else 0.

    Raises
    ------
    ValueError
        Wrong shapes, or edges that do not rise from 0.

    References
    ----------
    Gensheimer and Narasimhan (2019), PeerJ 7, e6257.

    Examples
    --------
    >>> discrete_targets([1.5, 1.6], [1, 0], [0.0, 1.0, 2.0])
    array([[1., 0., 0., 1.],
           [1., 1., 0., 0.]])
    """
    time, event = (column[:, None] for column in _outcome(time, event))
    edges = _expect.array("edges", edges, "edges")
    if len(edges) < 2 or edges[0] != 0 or not np.all(np.diff(edges) > 0):
        raise ValueError(f"edges must rise from 0, received {edges}")
    start, end = edges[:-1], edges[1:]
    survived = np.where(event, time >= end, time >= (start + end) / 2)
    died = event & (start <= time) & (time < end)
    return np.concatenate([survived, died], axis=1).astype(float)


def discrete_hazard_loss(y_true, logits):
    """Surprise at what happened in each interval that a patient entered: summed, then the patients' mean.

    ``sigmoid(logits)`` is the hazard h: the probability of an event in an interval for those who reach it.
    An interval survived costs ``-log(1 - h)``, the interval of the event ``-log(h)``. No patient is compared
    with another, so batches of any size have the same loss on average, and hazards need not be proportional.

    Parameters
    ----------
    y_true : array, shape (n, 2 * k), float
        `discrete_targets`.
    logits : array, shape (n, k), float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Wrong shapes, or integers instead of floating-point numbers.

    References
    ----------
    Gensheimer and Narasimhan (2019), PeerJ 7, e6257.
    """
    survived, died, logits = _intervals(y_true, logits)
    surprise = survived * np.logaddexp(0, logits) + died * np.logaddexp(0, -logits)
    return np.mean(surprise.sum(axis=1))


def discrete_hazard_loss_grad(y_true, logits):
    """Gradient of `discrete_hazard_loss`: ``(hazard - died)`` in the intervals entered, divided by n.

    Parameters
    ----------
    y_true, logits
        As given to `discrete_hazard_loss`.

    Returns
    -------
    array, shape (n, k)

    Raises
    ------
    ValueError
        As `discrete_hazard_loss`.
    """
    survived, died, logits = _intervals(y_true, logits)
    return ((survived + died) * sigmoid(logits) - died) / len(logits)


def keras_discrete_hazard_loss(y_true, logits):
    """`discrete_hazard_loss` of a batch, for Keras.

    Parameters
    ----------
    y_true : tensor, shape (batch, 2 * k)
        `discrete_targets`.
    logits : tensor, shape (batch, k)

    Returns
    -------
    tensor, shape ()
    """
    from keras import ops

    survived, died = ops.split(y_true, 2, axis=1)
    surprise = survived * ops.softplus(logits) + died * ops.softplus(-logits)
    return ops.mean(ops.sum(surprise, axis=1))


def discrete_survival(logits):
    """Probability of no event until the end of each interval: the product of ``1 - sigmoid(logits)``.

    Parameters
    ----------
    logits : array, shape (n, k), float

    Returns
    -------
    array, shape (n, k)

    Examples
    --------
    >>> discrete_survival(np.zeros((1, 3)))
    array([[0.5  , 0.25 , 0.125]])
    """
    return np.cumprod(sigmoid(-_expect.array("logits", logits, "n k")), axis=1)


def _intervals(y_true, logits):
    logits = _expect.array("logits", logits, "n k")
    y_true = _expect.same_shape("y_true", y_true, (len(logits), 2 * logits.shape[1]))
    return *np.split(y_true.astype(logits.dtype, copy=False), 2, axis=1), logits
