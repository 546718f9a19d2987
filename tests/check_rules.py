"""What holds for every checker of `helpers.check`: what it accepts, what it names, and that names differ."""

import sys

import pytest

from helpers import check
from helpers.check import _attention, _sequences


def _form(checker, name, exercise):
    """Name a checker of another form of an exercise."""
    checker.__name__, checker.exercise = name, exercise
    return checker


GRU_AFTER = _form(
    lambda candidate: check.gru_step(candidate, "after"), "gru_step_after", _sequences.GRU_STEP_AFTER
)
VALUES_ALONE = [
    _form(lambda candidate: check.attention(candidate), "attention_values", _attention.ATTENTION_VALUES),
    _form(
        lambda candidate: check.causal_attention(candidate),
        "causal_values",
        _attention.CAUSAL_ATTENTION_VALUES,
    ),
]


def pairs(table):
    """Parameters of a test: each checker of the table with each of its answers."""
    return [
        pytest.param(checker, entry, id=f"{checker.__name__}-{getattr(entry, '__name__', entry)}")
        for checker, entries in table.items()
        for entry in entries
    ]


def accepts(checker, answer, capsys):
    checker(answer)
    printed = capsys.readouterr().out
    assert printed.startswith("Right: ")
    assert printed.count("\n") == 1


def names(checker, answer, message, capsys):
    with pytest.raises(check.Wrong) as caught:
        checker(answer)
    assert message in str(caught.value)
    assert capsys.readouterr().out == ""


def tests(right, wrong):
    """Two tests: of the right answers to each checker, and of the wrong ones, by a text that names them."""

    @pytest.mark.parametrize(("checker", "answer"), pairs(right))
    def test_right(checker, answer, capsys):
        accepts(checker, answer, capsys)

    @pytest.mark.parametrize(("checker", "message"), pairs(wrong))
    def test_wrong(checker, message, capsys):
        names(checker, wrong[checker][message], message, capsys)

    return test_right, test_wrong


def exercise(checker):
    own = getattr(checker, "exercise", None)
    return own or getattr(sys.modules[checker.__module__], checker.__name__.upper())


def mistakes(checkers):
    """Parameters of a test: each checker with each mistake that it knows an answer of."""
    keys = {}
    for checker in checkers:
        for _, arguments in exercise(checker).cases:
            keys |= {(checker, *key): None for key in _answers(checker, arguments)}
    return [pytest.param(*key, id=f"{key[0].__name__}-{key[1][:50]}-{key[2]}") for key in keys]


def makes(checker, message, variant):
    """Return an answer to the exercise that makes this mistake, and is right where it does not show."""

    def candidate(*arguments):
        answers = _answers(checker, arguments)
        key = (message, variant)
        return answers[key] if key in answers else exercise(checker).right(*arguments)

    return candidate


def _answers(checker, arguments):
    """What each mistake gives; several variants of a mistake may have one message."""
    found = {}
    for message, answer in exercise(checker).mistakes(*arguments):
        if not callable(answer):
            found[message, sum(message == known for known, _ in found)] = answer
    return found
