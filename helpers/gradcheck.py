"""Compare a gradient that you derived with one that is measured by moving each number a little.

The measurement is a central difference, ``(f(x + step) - f(x - step)) / (2 * step)``, in float64. It needs no
derivation, so it cannot share your mistake; it is slow, so it serves to check and not to train.
"""

import inspect

import numpy as np

# Error of a central difference in float64: the curvature leaves about STEP**2, rounding about 1e-16 / STEP.
STEP = 1e-5
TOLERANCE = 1e-4  # five times below 0.05 %, and far above what a smooth function's central difference leaves


def check_gradient(function, arguments, gradients, dy=None):
    """Compare every entry of every gradient with a central difference.

    Parameters
    ----------
    function : callable
        Takes `arguments` and returns an array or a number. Without randomness, and smooth near `arguments`:
        stay away from kinks, such as 0 for a rectifier.
    arguments : sequence of array, float64
        Left as they are. An argument whose gradient is None may be anything.
    gradients : sequence of array or None
        What you derived, one for each argument and of its shape; None where there is nothing to check.
    dy : array of the shape of the output, optional
        Gradient of the loss with respect to the output: the gradients are those of ``sum(dy * output)``.
        Left out for a `function` that returns one number.

    Returns
    -------
    float
        Largest difference between a given and a measured entry, as a part of the largest entry. A function
        that is linear in each argument, such as a convolution, leaves only rounding, about 1e-11: so small a
        number is no merit there. Functions that bend leave about 1e-10.

    Raises
    ------
    AssertionError
        A gradient is wrong: by more than 0.01 % of the entry and what rounding may add, not a number, or of
        the wrong shape. The message names the function, the argument, the index and both values.
    ValueError
        The arguments are not float64, the numbers of arguments and gradients or the shapes of `dy` and output
        differ, or `function` gives two answers to one question.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> check_gradient(lambda x: np.sum(x**2), [x], [2 * x]) < 1e-8
    True
    >>> check_gradient(lambda x: np.sum(x**2), [x], [2.001 * x])
    Traceback (most recent call last):
    AssertionError: gradient of <lambda> with respect to x[0]: received 2.001, measured 2
    """
    arguments, gradients, dy, names = _prepare(function, arguments, gradients, dy)
    worst = 0.0
    for position, name in names.items():
        measured = np.empty(arguments[position].shape)
        for index in np.ndindex(measured.shape):
            direction = np.zeros(measured.shape)
            direction[index] = 1.0
            measured[index], noise = _slope(function, arguments, position, direction, dy)
            place = f"{name}[{', '.join(map(str, index))}]" if index else name
            _compare(function, place, gradients[position][index], measured[index], noise)
        worst = max(worst, _largest_difference(gradients[position], measured))
    return worst


def check_direction(function, arguments, gradients, rng, dy=None, directions=3):
    """Compare the slope along random directions: a few evaluations, however many entries there are.

    Parameters
    ----------
    function, arguments, gradients, dy
        As for `check_gradient`.
    rng : numpy.random.Generator
    directions : int
        How many directions to try for each argument.

    Returns
    -------
    float
        As `check_gradient`, for the slopes.

    Raises
    ------
    AssertionError, ValueError
        As `check_gradient`. There is no index in the message: a slope mixes all entries. A single wrong entry
        among thousands can hide.
    """
    arguments, gradients, dy, names = _prepare(function, arguments, gradients, dy)
    worst = 0.0
    for position, name in names.items():
        for _ in range(directions):
            direction = rng.normal(size=arguments[position].shape)
            measured, noise = _slope(function, arguments, position, direction, dy)
            analytic = np.sum(gradients[position] * direction)
            _compare(function, f"{name}, along a direction", analytic, measured, noise)
            worst = max(worst, _largest_difference(analytic, measured))
    return worst


def _prepare(function, arguments, gradients, dy):
    """Check the arguments; return them with the name of each one whose gradient was given."""
    arguments = list(arguments)
    if len(arguments) != len(gradients):
        raise ValueError(
            f"gradients must hold one entry for each of the {len(arguments)} arguments (None to leave one "
            f"out), received {len(gradients)}"
        )
    names = _names(function, len(arguments))
    names = {position: names[position] for position, g in enumerate(gradients) if g is not None}
    gradients = [g if g is None else np.asarray(g) for g in gradients]
    for position, name in names.items():
        arguments[position] = _float64(name, arguments[position])
        if gradients[position].shape != arguments[position].shape:
            raise AssertionError(
                f"gradient of {_title(function)} with respect to {name}: received shape "
                f"{gradients[position].shape}, expected the shape of {name}, {arguments[position].shape}"
            )
    return arguments, gradients, _output_gradient(function, arguments, dy), names


def _output_gradient(function, arguments, dy):
    output, again = (np.asarray(function(*arguments)) for _ in range(2))
    if not np.array_equal(output, again, equal_nan=True):
        raise ValueError(
            f"{_title(function)} must give the same output for the same arguments, received two different "
            "ones: fix its random numbers first"
        )
    dy = np.ones(()) if dy is None else _float64("dy", dy)
    if dy.shape != output.shape:
        raise ValueError(f"dy must have the shape of the output, {output.shape}, received {dy.shape}")
    return dy


def _float64(name, value):
    value = np.asarray(value)
    if value.dtype != np.float64:
        raise ValueError(
            f"{name} must be float64, received {value.dtype}: a difference of two nearby numbers needs digits"
        )
    return value


def _slope(function, arguments, position, direction, dy):
    """Central difference of ``sum(dy * function)`` along `direction`, and how far rounding may move it."""
    step = STEP * max(1.0, np.max(np.abs(arguments[position]), initial=0.0))
    ahead, behind = (
        np.asarray(function(*arguments[:position], moved, *arguments[position + 1 :]))
        for moved in (arguments[position] + step * direction, arguments[position] - step * direction)
    )
    # Outputs that did not move cancel exactly before they are summed, so they add no rounding.
    change = dy * (ahead - behind)
    touched = np.abs(dy) * np.where(change != 0, np.abs(ahead) + np.abs(behind), 0)
    noise = 20 * np.finfo(float).eps * np.sum(touched) / (2 * step)
    return np.sum(change) / (2 * step), noise


def _compare(function, place, analytic, measured, noise):
    allowed = TOLERANCE * max(abs(analytic), abs(measured)) + noise
    if not abs(analytic - measured) <= allowed:  # so that NaN fails too
        raise AssertionError(
            f"gradient of {_title(function)} with respect to {place}: "
            f"received {analytic:.6g}, measured {measured:.6g}"
        )


def _largest_difference(analytic, measured):
    largest = np.max(np.abs(measured), initial=0.0)
    return float(np.max(np.abs(analytic - measured), initial=0.0) / largest) if largest > 0 else 0.0


def _names(function, count):
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return names if len(names) >= count else [f"argument {position}" for position in range(count)]


def _title(function):
    return getattr(function, "__name__", repr(function))
