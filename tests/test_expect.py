"""The checks of arguments say what was received and what was expected."""

import numpy as np
import pytest

from helpers import _expect as expect


def test_a_good_array_comes_back_unchanged():
    x = np.array([[1.0, np.nan]], dtype=np.float32)
    assert expect.array("x", x, "n d", n=1, d=2) is x


def test_a_list_becomes_an_array():
    assert expect.array("x", [1.0, 2.0], "d").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "axes", "sizes", "message"),
    [
        (np.zeros(3), "n d", {}, r"x must have 2 axes \(n, d\), received shape \(3,\)"),
        (np.zeros((1, 2, 3)), "n d", {}, r"x must have 2 axes \(n, d\), received shape \(1, 2, 3\)"),
        (np.zeros(3), "... n d", {}, r"x must have at least 2 axes \(\.\.\., n, d\), received shape \(3,\)"),
        (
            np.zeros((2, 3)),
            "n d",
            {"d": 4},
            r"x must have d = 4, received shape \(2, 3\) for the axes \(n, d\)",
        ),
        (np.zeros((5, 2, 3)), "... n d", {"n": 3}, r"x must have n = 3, received shape \(5, 2, 3\)"),
        (np.zeros((0, 3)), "n d", {}, r"x must not be empty, received shape \(0, 3\)"),
        (
            np.zeros(3, int),
            "d",
            {},
            r"x must hold floating-point numbers, received int64: .*x\.astype\(float\)",
        ),
        (["a"], "d", {}, r"x must hold floating-point numbers, received <U1"),
    ],
)
def test_a_bad_array_is_named(value, axes, sizes, message):
    with pytest.raises(ValueError, match=message):
        expect.array("x", value, axes, **sizes)


def test_leading_axes_are_free():
    assert expect.array("x", np.zeros((5, 2, 3)), "... n d", n=2, d=3).shape == (5, 2, 3)


def test_same_shape():
    assert expect.same_shape("dy", np.ones((2, 3)), (2, 3)).shape == (2, 3)
    with pytest.raises(ValueError, match=r"dy must have shape \(2, 3\), received \(3, 2\)"):
        expect.same_shape("dy", np.ones((3, 2)), (2, 3))
    with pytest.raises(ValueError, match="dy must hold floating-point numbers"):
        expect.same_shape("dy", np.ones((2, 3), int), (2, 3))


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None])
def test_at_least_refuses(value):
    with pytest.raises(ValueError, match=f"stride must be an integer of at least 1, received {value!r}"):
        expect.at_least("stride", value, 1)


def test_at_least_accepts_numpy_integers():
    assert expect.at_least("stride", np.int32(1), 1) == 1


def test_one_of():
    assert expect.one_of("padding", "same", ("valid", "same")) == "same"
    with pytest.raises(ValueError, match="padding must be one of 'valid', 'same', received 'full'"):
        expect.one_of("padding", "full", ("valid", "same"))


@pytest.mark.parametrize(
    ("check", "good", "bad", "message"),
    [
        (expect.fraction, (0, 0.999), (-0.001, 1, np.nan), r"rate must lie in \[0, 1\), received "),
        (
            expect.not_negative,
            (0, 3),
            (-1e-9, np.inf, np.nan),
            "rate must be a finite number of at least 0, ",
        ),
        (expect.positive, (1e-9, 3), (0, np.inf, np.nan), "rate must be a finite number above 0, received "),
    ],
)
def test_numbers_in_a_range(check, good, bad, message):
    for value in good:
        check("rate", value)
    for value in bad:
        with pytest.raises(ValueError, match=message):
            check("rate", value)
