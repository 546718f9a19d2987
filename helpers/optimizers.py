"""Rules that turn gradients into better parameters, schedules of the learning rate, and clipping.

Every rule has the same first three arguments, so one can stand in for another:

    state = {}                                    # empty before the first step
    adam(params, grads, state, learning_rate=0.01)

`params` and `grads` are dictionaries from a parameter's name to its array. A rule changes `params` and
`state` in place and returns nothing. `state` holds all that the rule remembers: the number of steps taken
under ``"step"``, and one array for each parameter under the name of each running average. Nothing is hidden
elsewhere, so saving `params` and `state` is enough to go on later as if nothing had happened.

The conventions (where epsilon stands, which form of momentum) are those of Keras.
"""

import os
from pathlib import Path

import numpy as np

from helpers import _expect

# ---------------------------------------------------------------- rules


def gradient_descent(params, grads, state, learning_rate=0.01):
    """Step against the gradient: ``param = param - learning_rate * grad``.

    Called "stochastic" when the gradient comes from a random batch instead of all the data
    (Robbins and Monro 1951, "A stochastic approximation method").

    Parameters
    ----------
    params : dict of str to numpy.ndarray
        Floating-point arrays of any shape. Changed in place.
    grads : dict of str to array_like
        Gradient of the loss for each of `params`, under the same name and of the same shape. Not changed.
        NaN passes through into `params`.
    state : dict
        What the rule remembers; empty before the first step. Changed in place: ``state["step"]`` counts.
    learning_rate : float or callable
        At least 0. A callable receives the number of steps taken before this one (0 at first), so that a
        schedule can be passed: ``lambda step: cosine_decay(step, 0.1, 1000)``.

    Raises
    ------
    ValueError
        The names or shapes of `params`, `grads` and `state` differ, an array does not hold floating-point
        numbers, or a setting is out of range. Nothing is changed then.

    Examples
    --------
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> gradient_descent(params, {"w": np.array([10.0, -10.0])}, {}, learning_rate=0.1)
    >>> params["w"]
    array([0., 3.])
    """
    grads, rate = _begin(params, grads, state, learning_rate)
    for name, param in params.items():
        param -= rate * grads[name]


def momentum(params, grads, state, learning_rate=0.01, momentum=0.9):
    """Step along a velocity that every gradient pushes and that friction slows down.

    ::

        velocity = momentum * velocity - learning_rate * grad
        param    = param + velocity

    (Polyak 1964, "Some methods of speeding up the convergence of iteration methods"; in this form Sutskever
    et al. 2013, "On the importance of initialization and momentum in deep learning", equations 1 and 2.)

    Parameters
    ----------
    params, grads, state, learning_rate
        As in `gradient_descent`. The state gains ``"velocity"``. The learning rate sits inside the velocity:
        when a schedule lowers it, the velocity still carries the steps of the larger rate.
    momentum : float
        Share of the velocity that is kept, in [0, 1). With 0 this is `gradient_descent`.

    Raises
    ------
    ValueError
        As in `gradient_descent`.
    """
    _expect.fraction("momentum", momentum)
    grads, rate, velocities = _begin(params, grads, state, learning_rate, "velocity")
    for name, param in params.items():
        velocity = velocities[name]
        velocity *= momentum
        velocity -= rate * grads[name]
        param += velocity


def nesterov(params, grads, state, learning_rate=0.01, momentum=0.9):
    """Step along the velocity, with the gradient taken where the velocity is about to lead.

    ::

        velocity = momentum * velocity - learning_rate * grad
        param    = param + momentum * velocity - learning_rate * grad

    Here `params` are already the point ahead, at which the gradient is wanted; this form needs no gradient at
    a second point (Bengio et al. 2013, "Advances in optimizing recurrent networks", arXiv:1212.0901; Nesterov
    1983, "A method for solving the convex programming problem with convergence rate O(1/k^2)").

    Parameters
    ----------
    params, grads, state, learning_rate, momentum
        As in `momentum`.

    Raises
    ------
    ValueError
        As in `gradient_descent`.
    """
    _expect.fraction("momentum", momentum)
    grads, rate, velocities = _begin(params, grads, state, learning_rate, "velocity")
    for name, param in params.items():
        push = rate * grads[name]
        velocity = velocities[name]
        velocity *= momentum
        velocity -= push
        param += momentum * velocity
        param -= push


def rmsprop(params, grads, state, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Divide each gradient by the root of the running mean of its squares.

    ::

        v     = rho * v + (1 - rho) * grad**2
        param = param - learning_rate * grad / sqrt(v + epsilon)

    (Hinton 2012, "Neural networks for machine learning", lecture 6e.)

    Parameters
    ----------
    params, grads, state, learning_rate
        As in `gradient_descent`. The state gains ``"v"``.
    rho : float
        Share of the old mean that is kept, in [0, 1).
    epsilon : float
        Above 0, keeps the division finite. It stands inside the root, as in Keras.

    Raises
    ------
    ValueError
        As in `gradient_descent`.
    """
    _expect.fraction("rho", rho)
    _expect.positive("epsilon", epsilon)
    grads, rate, means = _begin(params, grads, state, learning_rate, "v")
    for name, param in params.items():
        grad, v = grads[name], means[name]
        _move_toward(v, grad * grad, 1 - rho)
        param -= rate * grad / np.sqrt(v + epsilon)


def adam(
    params, grads, state, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, correct_bias=True
):
    """Divide a running mean of the gradients by the root of the running mean of their squares.

    ::

        m     = beta_1 * m + (1 - beta_1) * grad
        v     = beta_2 * v + (1 - beta_2) * grad**2
        param = param - step_size * m / (sqrt(v) + epsilon)

        step_size = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)        at step t = 1, 2, ...

    Both means start at 0 and are too small at first; the two factors in `step_size` correct that. The first
    step is therefore ``learning_rate * sign(grad)`` (Kingma and Ba 2015, "Adam: a method for stochastic
    optimization", arXiv:1412.6980, algorithm 1, in the faster order that section 2 ends with: epsilon is
    added to the uncorrected root, as in Keras).

    Parameters
    ----------
    params, grads, state, learning_rate
        As in `gradient_descent`. The state gains ``"m"`` and ``"v"``.
    beta_1, beta_2 : float
        Share of each old mean that is kept, in [0, 1).
    epsilon : float
        Above 0, keeps the division finite where all gradients were 0.
    correct_bias : bool
        False leaves the correction out (``step_size = learning_rate``), as document 001 writes the rule. With
        the usual betas the first step is then about three times as long.

    Raises
    ------
    ValueError
        As in `gradient_descent`.
    """
    _adam(params, grads, state, learning_rate, 0.0, beta_1, beta_2, epsilon, correct_bias)


def adamw(
    params, grads, state, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7
):
    """Shrink every parameter by a fixed share, then take Adam's step.

    ::

        param = param - learning_rate * weight_decay * param
        param = param - the step of `adam`

    The decay does not pass through Adam's means: a parameter with large gradients shrinks as fast as any
    other, which a penalty in the loss does not do (Loshchilov and Hutter 2019, "Decoupled weight decay
    regularization", arXiv:1711.05101, algorithm 2).

    Parameters
    ----------
    params, grads, state, learning_rate, beta_1, beta_2, epsilon
        As in `adam`.
    weight_decay : float
        At least 0. With 0 this is `adam`.

    Raises
    ------
    ValueError
        As in `gradient_descent`.
    """
    _adam(params, grads, state, learning_rate, weight_decay, beta_1, beta_2, epsilon, True)


def _adam(params, grads, state, learning_rate, weight_decay, beta_1, beta_2, epsilon, correct_bias):
    _expect.fraction("beta_1", beta_1)
    _expect.fraction("beta_2", beta_2)
    _expect.positive("epsilon", epsilon)
    _expect.not_negative("weight_decay", weight_decay)
    grads, rate, m, v = _begin(params, grads, state, learning_rate, "m", "v")
    step_size = rate
    if correct_bias:
        step_size *= (1 - beta_2 ** state["step"]) ** 0.5 / (1 - beta_1 ** state["step"])
    for name, param in params.items():
        if weight_decay:
            param *= 1 - rate * weight_decay
        _adam_step(param, grads[name], m[name], v[name], step_size, beta_1, beta_2, epsilon)


def _adam_step(param, grad, m, v, step_size, beta_1, beta_2, epsilon):
    """Take one step for one array; `work` is the only new memory, because fetching memory takes the time."""
    work = np.empty_like(param)
    _move_toward(m, grad, 1 - beta_1, work)
    np.multiply(grad, grad, out=work)
    _move_toward(v, work, 1 - beta_2, work)
    np.sqrt(v, out=work)
    work += epsilon
    np.divide(m, work, out=work)
    work *= step_size
    param -= work


def _move_toward(mean, value, share, work=None):
    """Move a running mean `share` of the way to `value`, in place; `work` may be the array `value` itself."""
    work = np.subtract(value, mean, out=work)
    work *= share
    mean += work


# ---------------------------------------------------------------- schedules


def step_decay(step, learning_rate, factor, every):
    """Multiply the learning rate by `factor` after every `every` steps: a staircase.

    Parameters
    ----------
    step : int or array of int
        Number of steps taken so far, 0 at first. Below 0 counts as 0.
    learning_rate : float
        The rate at step 0.
    factor : float
        Above 0, usually below 1.
    every : int
        Number of steps on one stair, at least 1.

    Returns
    -------
    float or array of float, shape of `step`
        ``learning_rate * factor ** (step // every)``

    Raises
    ------
    ValueError
        `learning_rate` is negative, `factor` is not positive, or `every` is below 1.

    Examples
    --------
    >>> step_decay(np.arange(4), 0.1, factor=0.5, every=2)
    array([0.1 , 0.1 , 0.05, 0.05])
    """
    return _decay(learning_rate, factor, np.maximum(step, 0) // _expect.at_least("every", every, 1))


def exponential_decay(step, learning_rate, factor, every):
    """Multiply the learning rate by `factor` over the course of `every` steps, a little at each step.

    Parameters
    ----------
    step, learning_rate, factor, every
        As in `step_decay`.

    Returns
    -------
    float or array of float, shape of `step`
        ``learning_rate * factor ** (step / every)``

    Raises
    ------
    ValueError
        As in `step_decay`.

    Examples
    --------
    >>> exponential_decay(np.array([0, 1, 2]), 0.1, factor=0.25, every=2)
    array([0.1  , 0.05 , 0.025])
    """
    return _decay(learning_rate, factor, np.maximum(step, 0) / _expect.at_least("every", every, 1))


def _decay(learning_rate, factor, times):
    _expect.not_negative("learning_rate", learning_rate)
    _expect.positive("factor", factor)
    return learning_rate * factor**times


def cosine_decay(step, learning_rate, steps, last=0.0):
    """Lower the learning rate along half a cosine wave: slowly, then fast, then slowly.

    (Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983,
    equation 5.)

    Parameters
    ----------
    step : int or array of int
        Number of steps taken so far. Below 0 counts as 0, above `steps` as `steps`.
    learning_rate : float
        The rate at step 0.
    steps : int
        Number of steps that the fall takes, at least 1.
    last : float
        Share of `learning_rate` that is left at the end, in [0, 1].

    Returns
    -------
    float or array of float, shape of `step`
        ``learning_rate * (last + (1 - last) * (1 + cos(pi * step / steps)) / 2)``

    Raises
    ------
    ValueError
        `learning_rate` is negative, `steps` is below 1, or `last` is not a share.

    Examples
    --------
    >>> cosine_decay(np.array([0, 50, 100]), 0.1, steps=100)
    array([0.1 , 0.05, 0.  ])
    """
    _expect.not_negative("learning_rate", learning_rate)
    if not 0 <= last <= 1:
        raise ValueError(f"last must lie in [0, 1], received {last!r}")
    done = np.clip(step, 0, steps) / _expect.at_least("steps", steps, 1)
    return learning_rate * (last + (1 - last) * (1 + np.cos(np.pi * done)) / 2)


def warm_up(step, learning_rate, steps):
    """Raise the learning rate in equal parts from 0 to its full value.

    (Goyal et al. 2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677.)

    Parameters
    ----------
    step : int or array of int
        Number of steps taken so far; the very first step is of length 0.
    learning_rate : float or array of float
        The full value, reached after `steps` steps. Another schedule can follow:
        ``warm_up(step, cosine_decay(step - 100, 0.1, 900), steps=100)``.
    steps : int
        Number of steps that the rise takes, at least 1.

    Returns
    -------
    float or array of float
        ``learning_rate * min(step / steps, 1)``

    Raises
    ------
    ValueError
        `steps` is below 1.

    Examples
    --------
    >>> warm_up(np.array([0, 1, 2, 3]), 0.1, steps=2)
    array([0.  , 0.05, 0.1 , 0.1 ])
    """
    return learning_rate * np.clip(step / _expect.at_least("steps", steps, 1), 0, 1)


# ---------------------------------------------------------------- clipping


def clip_by_value(grads, limit):
    """Cut every entry of every gradient to [-limit, limit]. This changes the gradient's direction.

    Parameters
    ----------
    grads : dict of str to array_like
        Floating-point arrays of any shape. NaN stays NaN.
    limit : float
        Above 0.

    Returns
    -------
    dict of str to numpy.ndarray
        New arrays of the same shapes.

    Raises
    ------
    ValueError
        An array does not hold floating-point numbers, or `limit` is not positive.

    Examples
    --------
    >>> clip_by_value({"w": np.array([3.0, -4.0])}, 3.5)
    {'w': array([ 3. , -3.5])}
    """
    _expect.positive("limit", limit)
    return {name: np.clip(grad, -limit, limit) for name, grad in _floats("grads", grads).items()}


def clip_by_norm(grads, limit):
    """Shorten each array whose Euclidean length exceeds `limit` to that length.

    Each array keeps its direction; the direction of all of them together changes, because only the long ones
    are shortened.

    Parameters
    ----------
    grads, limit
        As in `clip_by_value`. A NaN turns its whole array into NaN.

    Returns
    -------
    dict of str to numpy.ndarray
        New arrays of the same shapes, each ``grad * limit / max(norm(grad), limit)``.

    Raises
    ------
    ValueError
        As in `clip_by_value`.

    Examples
    --------
    >>> clip_by_norm({"w": np.array([3.0, -4.0])}, 2.5)
    {'w': array([ 1.5, -2. ])}
    """
    return {
        name: clip_by_global_norm({name: grad}, limit)[name] for name, grad in _floats("grads", grads).items()
    }


def clip_by_global_norm(grads, limit):
    """Shorten all gradients together by one factor if their common length exceeds `limit`.

    The direction stays (Pascanu et al. 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1). Gradients that are too small stay as they are: clipping helps against exploding gradients,
    not against vanishing ones.

    Parameters
    ----------
    grads, limit
        As in `clip_by_value`. A NaN anywhere turns everything into NaN.

    Returns
    -------
    dict of str to numpy.ndarray
        New arrays of the same shapes, each ``grad * limit / max(global_norm(grads), limit)``.

    Raises
    ------
    ValueError
        As in `clip_by_value`.

    Examples
    --------
    >>> clip_by_global_norm({"w": np.array([3.0]), "b": np.array([-4.0])}, 2.5)
    {'w': array([1.5]), 'b': array([-2.])}
    """
    _expect.positive("limit", limit)
    grads = _floats("grads", grads)
    scale = limit / float(np.maximum(global_norm(grads), limit))
    return {name: grad * scale for name, grad in grads.items()}


def global_norm(grads):
    """Euclidean length of all gradients laid end to end, summed in float64 so that squares do not overflow.

    Parameters
    ----------
    grads : dict of str to array_like

    Returns
    -------
    float

    Raises
    ------
    ValueError
        An array does not hold floating-point numbers, or there is none.

    Examples
    --------
    >>> global_norm({"w": np.array([3.0, 0.0]), "b": np.array([[4.0]])})
    5.0
    """
    squares = [np.sum(np.square(grad, dtype=np.float64)) for grad in _floats("grads", grads).values()]
    return float(np.sqrt(sum(squares)))


# ---------------------------------------------------------------- saving


def save_state(path, state):
    """Write nested dictionaries of arrays and whole numbers to one file, without ever leaving half a file.

    The file is written under another name and then renamed, which happens at once or not at all: whoever
    reads `path` finds the old state or the new one.

    Parameters
    ----------
    path : str or pathlib.Path
        An existing file is replaced.
    state : dict
        Its values are arrays, whole numbers, or dictionaries of the same kind: a rule's `state`, or
        ``{"params": params, "adam": state}``. Names are text without ``/``.

    Raises
    ------
    ValueError
        A name is not text, is empty or holds ``/``, or a value is something else.
    """
    path = Path(path)
    flat = dict(_flatten("state", state))
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            np.savez(file, **flat)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_state(path):
    """Read what `save_state` wrote, bit for bit: training goes on as if it had never stopped.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict
        Nested as it was saved. An empty dictionary inside another is not kept.

    Raises
    ------
    FileNotFoundError
        There is no such file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "adam.npz"
    >>> save_state(path, {"step": 2, "m": {"w": np.array([0.1, 0.2])}})
    >>> load_state(path)
    {'step': 2, 'm': {'w': array([0.1, 0.2])}}
    """
    state = {}
    with np.load(path) as file:
        for key in file.files:
            *parents, name = key.split("/")[1:]
            inner = state
            for parent in parents:
                inner = inner.setdefault(parent, {})
            value = file[key]
            inner[name] = value if value.dtype.kind == "f" else int(value)
    return state


def _flatten(path, value):
    """Yield (path, array) for every array in nested dictionaries."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str) or not name or "/" in name:
                raise ValueError(f"names in {path} must be text without '/', received {name!r}")
            yield from _flatten(f"{path}/{name}", inner)
    elif isinstance(value, int) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        yield path, np.asarray(value)
    else:
        raise ValueError(
            f"{path} must be a dictionary, a whole number or an array of floating-point numbers, "
            f"received {type(value).__name__}"
        )


# ---------------------------------------------------------------- checks


def _begin(params, grads, state, learning_rate, *memories):
    """Check the arrays, count the step, and return gradients, learning rate and the named memories."""
    for name, param in _floats("params", params).items():
        if param is not params[name]:
            raise ValueError(
                f"params[{name!r}] must be a numpy.ndarray, because it is changed in place, "
                f"received {type(params[name]).__name__}"
            )
    grads = _like("grads", grads, params)
    step = state.get("step", 0)
    rate = float(learning_rate(step) if callable(learning_rate) else learning_rate)
    _expect.not_negative("learning_rate", rate)
    for memory in memories:
        if memory not in state and step > 0:
            raise ValueError(f"state must hold {memory!r} after {step} steps, received {sorted(state)}")
        _like(f"state[{memory!r}]", state.get(memory, params), params)
    for memory in memories:
        state.setdefault(memory, {name: np.zeros_like(param) for name, param in params.items()})
    state["step"] = step + 1
    return grads, rate, *(state[memory] for memory in memories)


def _floats(label, arrays):
    """Return a dictionary of floating-point arrays, or raise ValueError."""
    if not isinstance(arrays, dict) or not arrays:
        raise ValueError(
            f"{label} must be a dictionary with at least one array, received {type(arrays).__name__}"
            f"{' without entries' if isinstance(arrays, dict) else ''}"
        )
    return {name: _expect.array(f"{label}[{name!r}]", value, "...") for name, value in arrays.items()}


def _like(label, arrays, params):
    """Return `arrays` with the types of `params` if names and shapes agree, or raise ValueError."""
    arrays = _floats(label, arrays)
    if arrays.keys() != params.keys():
        raise ValueError(f"{label} must hold the names {sorted(params)} of params, received {sorted(arrays)}")
    for name, param in params.items():
        arrays[name] = _expect.same_shape(f"{label}[{name!r}]", arrays[name], param.shape)
    return {name: arrays[name].astype(param.dtype, copy=False) for name, param in params.items()}
