"""Checks of what a caller passes in: every error says what was received and what was expected."""

import numpy as np


def array(name, value, axes, **sizes):
    """Return `value` as a floating-point array with the named axes, or say what is wrong with it.

    Parameters
    ----------
    name : str
        What the caller calls the argument, for the message.
    value : array_like
        NaN and infinity pass through.
    axes : str
        One word for each axis, such as ``"n h w c"``. A leading ``...`` allows any axes before the others.
    **sizes : int
        The length that the axis of this name must have.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        Wrong number of axes, an empty axis, a wrong length, or numbers that are not floating-point.

    Examples
    --------
    >>> array("kernel", [[1.0, 2.0]], "rows columns", rows=2)
    Traceback (most recent call last):
    ValueError: kernel must have rows = 2, received shape (1, 2) for the axes (rows, columns)
    """
    value = np.asarray(value)
    words = axes.split()
    leading = words[0] == "..."
    names = words[1:] if leading else words
    if value.ndim < len(names) or (value.ndim > len(names) and not leading):
        raise ValueError(
            f"{name} must have {'at least ' if leading else ''}{len(names)} axes ({', '.join(words)}), "
            f"received shape {value.shape}"
        )
    if not np.issubdtype(value.dtype, np.floating):
        raise ValueError(
            f"{name} must hold floating-point numbers, received {value.dtype}: "
            f"convert it with {name}.astype(float)"
        )
    if value.size == 0:
        raise ValueError(f"{name} must not be empty, received shape {value.shape}")
    for axis, length in zip(names, value.shape[value.ndim - len(names) :], strict=True):
        if sizes.get(axis, length) != length:
            raise ValueError(
                f"{name} must have {axis} = {sizes[axis]}, received shape {value.shape} "
                f"for the axes ({', '.join(words)})"
            )
    return value


def same_shape(name, value, shape):
    """Return `value` as a floating-point array of exactly `shape`, or raise ValueError."""
    value = np.asarray(value)
    if value.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, received {value.shape}")
    return array(name, value, "...")


def at_least(name, value, smallest):
    """Return the integer `value` if it is at least `smallest`, or raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < smallest:
        raise ValueError(f"{name} must be an integer of at least {smallest}, received {value!r}")
    return int(value)


def one_of(name, value, choices):
    """Return `value` if it is one of `choices`, or raise ValueError."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, received {value!r}")
    return value


def fraction(name, value):
    """Raise ValueError unless `value` lies in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1), received {value!r}")


def not_negative(name, value):
    """Raise ValueError unless `value` is a finite number of at least 0."""
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, received {value!r}")


def positive(name, value):
    """Raise ValueError unless `value` is a finite number above 0."""
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, received {value!r}")
