"""What all checkers share: they call the reader's function, compare, and say in words what differs."""

import contextlib
import copy
import inspect
import warnings
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Single precision leaves about 1e-6 on these cases; mistakes leave 0.01 or more.
TOLERANCE, RELATIVE_TOLERANCE = 1e-4, 1e-5


_HINTS = {
    "truth value of an array": "`if` takes one number, not an array: use np.where, or a loop.",
    "Python scalar": "float() and the functions of `math` take one number: use NumPy's, or a loop.",
}


class Wrong(AssertionError):
    """An answer is not right. IPython shows the message alone, without the lines that led to it."""

    def _render_traceback_(self):
        return [f"Not yet. {self}"]


class Exercise(NamedTuple):
    """A function that the reader has to write, with the mistakes that readers make.

    Attributes
    ----------
    names : tuple of str
        Names of the arguments.
    cases : sequence of (str, tuple)
        What is new in the case, and the arguments; from simple to general.
    right : callable
        Returns the right answer; a tuple, if `outputs` is not empty.
    mistakes : callable
        Takes the arguments and returns pairs of a message and what this mistake gives: an answer, or a
        function that takes the reader's answer and says whether it shows the mistake.
    praise : str
        Printed when all is right.
    outputs : tuple of str
        Names of the parts of the answer, if it has several.
    hints : dict of str to str
        Advice that belongs to an error whose message contains a certain text.
    """

    names: tuple
    cases: list
    right: Callable
    mistakes: Callable
    praise: str
    outputs: tuple = ()
    hints: dict = {}

    def judge(self, candidate):
        """Raise `Wrong` at the first case that `candidate` gets wrong; print one line if there is none."""
        for what, arguments in self.cases:
            case = _describe(what, self.names, arguments)
            found = self.call(candidate, arguments, case)
            expected = _parts(self.right(*arguments), self.outputs)
            for part, pair in enumerate(zip(found, expected, strict=True)):
                if not same(*pair):
                    raise Wrong(self._diagnose(candidate, arguments, case, part, *pair))
        print(self.praise)

    def call(self, candidate, arguments, case):
        """Return the parts of the candidate's answer, as arrays of numbers, or say what happened instead."""
        output = _call(candidate, arguments, self.names, case, self.hints)
        if not self.outputs:
            return [_numbers(output, "It")]
        parts = [] if isinstance(output, dict | str) or not np.iterable(output) else list(output)
        if len(parts) != len(self.outputs):
            wanted = f"{len(self.outputs)} things, {', '.join(self.outputs)}, in this order"
            raise Wrong(f"It must return {wanted}, and returned {_kind(output)}.")
        return [_numbers(part, f"`{name}`") for name, part in zip(self.outputs, parts, strict=True)]

    def _diagnose(self, candidate, arguments, case, part, found, expected):
        """Name the mistake that explains most of what the candidate returns, or its first wrong number."""
        name = f"`{self.outputs[part]}`: " if self.outputs else ""
        shown = [message for message, answer in self.mistakes(*arguments)
                 if _shows(_parts(answer, self.outputs)[part], found)]  # fmt: skip
        if shown:
            scores = self._explained(candidate)
            return f"{name}{max(shown, key=lambda message: scores[message])} (With {case}.)"
        return f"{name}{_difference(found, expected)} (with {case})."

    def _explained(self, candidate):
        """Count for each mistake the parts of all cases that the candidate answers as the mistake does."""
        scores = Counter()
        for _, arguments in self.cases:
            try:
                found = self.call(candidate, arguments, "")
            except Wrong:
                continue
            best = {}  # of the variants that share a message
            for message, answer in self.mistakes(*arguments):
                pairs = zip(_parts(answer, self.outputs), found, strict=True)
                best[message] = max(best.get(message, 0), sum(_shows(*pair) for pair in pairs))
            scores.update(best)
        return scores


def irregular(*shape, start=1.0):
    """Irregular numbers between -1 and 1, the same on every machine up to rounding."""
    return np.cos(np.arange(start, np.prod(shape) + start) ** 1.5).reshape(shape)


def same(output, answer):
    """Whether the shapes are equal, and the numbers up to rounding."""
    return output.shape == answer.shape and np.allclose(
        output, answer, rtol=RELATIVE_TOLERANCE, atol=TOLERANCE, equal_nan=True
    )


@contextlib.contextmanager
def quietly():
    """Let a candidate work without warnings: overflow is not wrong where the result of it is not used."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        yield


def not_finite(output):
    """Whether there is a NaN or an infinity: a mistake's answer for `Exercise.mistakes`."""
    return not np.isfinite(output).all()


def _shows(answer, found):
    return answer(found) if callable(answer) else same(found, np.asarray(answer, dtype=float))


def _parts(answer, outputs):
    if not outputs:
        return [answer if callable(answer) else np.asarray(answer, dtype=float)]
    return [answer] * len(outputs) if callable(answer) else [np.asarray(part, dtype=float) for part in answer]


def _call(candidate, arguments, names, case, hints):
    """Call `candidate` on copies, which it must leave as they are."""
    copies = copy.deepcopy(arguments)
    try:
        with quietly():
            output = candidate(*copies)
    except Exception as error:
        described = f"{type(error).__name__}: {error}"
        advice = [hint for text, hint in (_HINTS | hints).items() if text in described]
        advice += [_calling(candidate, names)] if isinstance(error, TypeError) else []
        raise Wrong(" ".join([f"It raised {described} (with {case}).", *filter(None, advice)])) from error
    for name, given, now in zip(names, arguments, copies, strict=True):
        if isinstance(given, np.ndarray | list) and not _untouched(given, now):
            raise Wrong(f"It changes its argument `{name}`: work on a copy.")
    if output is None:
        raise Wrong("It returned None: is the `return` missing?")
    return output


def _untouched(given, now):
    """Whether an argument is as before; `x += step` and then `x -= step` may leave a rounding error."""
    given, now = np.asarray(given), np.asarray(now)
    if given.dtype.kind != "f" or given.shape != now.shape:
        return np.array_equal(given, now)
    return np.allclose(given, now, rtol=1e-12, atol=1e-12)


def _calling(candidate, names):
    """Advice for a candidate that cannot be called with these arguments."""
    if not callable(candidate):
        return "Hand over the function itself, without calling it."
    try:
        inspect.signature(candidate).bind(*names)
    except (TypeError, ValueError):
        return f"Its arguments are {', '.join(names)}."


def _numbers(output, name):
    """Return `output` as an array of real numbers, or say what it is."""
    if output is None:
        raise Wrong(f"{name} returned None: is the `return` missing?" if name == "It" else f"{name} is None.")
    try:
        output = np.asarray(output)
        if output.dtype.kind in "US":
            raise Wrong(f"{name} must return numbers, and returned text: use no str() and no f-string.")
        output = output.astype(float) if not np.iscomplexobj(output) else output
    except (TypeError, ValueError, RuntimeError) as error:
        raise Wrong(f"{name} must return numbers in rows of equal length: {error}.") from error
    if np.iscomplexobj(output):
        raise Wrong(f"{name} returned complex numbers: take their real part.")
    return output


def _describe(what, names, arguments):
    """Name the arguments: short ones by their values, large arrays by their shapes."""
    described = [f"{name} {_short(value)}" for name, value in zip(names, arguments, strict=True)]
    return f"{what}: {', '.join(filter(None, described))}" if what else ", ".join(described)


def _short(value):
    if callable(value):
        return getattr(value, "__name__", "a function")
    if isinstance(value, np.random.Generator):
        return "a random generator"
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim <= 1 and value.size <= 12 and _few_digits(value) else value.shape
    return f'"{value}"' if isinstance(value, str) else value


def _few_digits(values):
    return values.dtype.kind != "f" or np.array_equal(values, values.round(3))


def _kind(output):
    if isinstance(output, tuple | list):
        return f"{len(output)}"
    return f"an array of shape {output.shape}" if hasattr(output, "shape") else f"one {type(output).__name__}"


def _difference(output, expected):
    """Say what no known mistake explains."""
    if expected.shape == () != output.shape:
        return f"It must return one number, and returned the shape {output.shape}"
    if output.shape != expected.shape:
        turned = output.T.shape == expected.shape and same(output.T, expected)
        also = ": it is transposed" if turned else ""
        return f"The shape must be {expected.shape}, and it is {output.shape}{also}"
    if expected.shape == ():
        return f"It returned {output:.4g}, and {expected:.4g} is right"
    close = np.isclose(output, expected, rtol=RELATIVE_TOLERANCE, atol=TOLERANCE)
    place = tuple(int(i) for i in np.argwhere(~close)[0])
    return (
        f"The shape is right.{_factor(output, expected)} The first wrong number is at {place}: "
        f"{output[place]:.4g}, and {expected[place]:.4g} is right"
    )


def _factor(output, expected):
    """Say so if all numbers are the right ones times one factor."""
    largest = np.unravel_index(np.argmax(np.abs(expected)), expected.shape)
    factor = output[largest] / expected[largest] if expected[largest] else np.nan
    if expected.size < 3 or not same(output, factor * expected) or abs(factor) < 1e-3:
        return ""
    return (
        " Every sign is turned." if np.isclose(factor, -1) else f" All are {factor:.4g} times the right ones."
    )
