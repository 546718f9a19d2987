"""The gradient checkers pass right gradients and catch wrong ones, down to 0.05 %."""

from functools import partial

import numpy as np
import pytest

from helpers.gradcheck import check_direction, check_gradient


def cubes(x, scale):
    return scale * x**3


def cubes_grad(x, scale, dy):
    return 3 * scale * x**2 * dy, np.sum(x**3 * dy)


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    x, scale, dy = rng.normal(size=(3, 4)), np.array(1.7), rng.normal(size=(3, 4))
    return (x, scale), cubes_grad(x, scale, dy), dy


def both(function, arguments, gradients, dy=None):
    check_gradient(function, arguments, gradients, dy)
    check_direction(function, arguments, gradients, np.random.default_rng(0), dy)


def test_a_right_gradient_passes_with_a_small_error_that_is_returned(case):
    arguments, gradients, dy = case
    assert 0 < check_gradient(cubes, arguments, gradients, dy) < 1e-6
    assert 0 < check_direction(cubes, arguments, gradients, np.random.default_rng(0), dy) < 1e-6


@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_the_returned_error_is_a_part_of_the_largest_entry(unit):
    def scaled(x):
        return x * unit * np.array([1.0, 10.0])

    error = check_gradient(scaled, [np.ones(2)], [unit * np.array([1.00005, 10.0])], dy=np.ones(2))
    np.testing.assert_allclose(error, 0.00005 / 10, rtol=1e-3)
    rng = np.random.default_rng(0)
    error = check_direction(scaled, [np.ones(2)], [unit * np.array([1.00005, 10.0005])], rng, dy=np.ones(2))
    np.testing.assert_allclose(error, 0.00005, rtol=1e-3)


@pytest.mark.parametrize("check", [check_gradient, check_direction])
@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("factor", [1.0005, 0.9995, 2.0, -1.0, 0.0, np.nan])
def test_a_gradient_off_by_a_factor_fails(case, check, position, factor):
    arguments, gradients, dy = case
    wrong = [g * factor if i == position else g for i, g in enumerate(gradients)]
    extra = {"rng": np.random.default_rng(0)} if check is check_direction else {}
    with pytest.raises(AssertionError, match=f"cubes with respect to {['x', 'scale'][position]}"):
        check(cubes, arguments, wrong, dy=dy, **extra)


def test_errors_that_cancel_in_a_sum_do_not_hide_along_a_direction():
    wrong = np.array([2.0, 4.0]) + [0.1, -0.1]
    with pytest.raises(AssertionError, match="with respect to x, along a direction: received"):
        check_direction(lambda x: x**2, [np.array([1.0, 2.0])], [wrong], np.random.default_rng(0), np.ones(2))


def test_three_directions_are_tried_unless_told_otherwise():
    calls = []

    def square(x):
        calls.append(x)
        return x**2

    for directions, expected in ({}, 3), ({"directions": 5}, 5):
        calls.clear()
        check_direction(
            square, [np.array(3.0)], [np.array(6.0)], np.random.default_rng(0), np.ones(()), **directions
        )
        assert len(calls) == 2 + 2 * expected  # two to see whether it is deterministic


def test_one_entry_off_by_a_twentieth_of_a_percent_fails_and_is_named(case):
    (x, scale), (dx, dscale), dy = case
    dx = dx.copy()
    dx[1, 2] *= 1.0005
    with pytest.raises(AssertionError, match=r"gradient of cubes with respect to x\[1, 2\]: received"):
        check_gradient(cubes, (x, scale), (dx, dscale), dy)


def test_the_message_holds_the_given_and_the_measured_value():
    with pytest.raises(AssertionError, match="with respect to scale: received 7, measured 8$"):
        check_gradient(cubes, (np.array(2.0), np.array(1.0)), (None, np.array(7.0)))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e8])
def test_the_verdict_does_not_depend_on_the_unit_of_the_argument(scale):
    x = scale * np.random.default_rng(1).normal(size=5)
    weights = np.arange(1.0, 6.0)

    def weighted(x):
        return x * weights

    both(weighted, [x], [weights], dy=np.ones(5))
    with pytest.raises(AssertionError):
        check_gradient(weighted, [x], [weights * 1.0005], dy=np.ones(5))


def test_large_outputs_that_do_not_move_hide_no_error():
    def beside(x):
        return np.append(x**2, 1e12)

    x = np.array([3.0])
    for dy in np.ones(2), np.array([1.0, 1e12]):
        both(beside, [x], [2 * x], dy)
        with pytest.raises(AssertionError):
            check_gradient(beside, [x], [2.001 * x], dy)


def test_an_output_that_is_not_a_number_fails():
    with pytest.raises(AssertionError, match="measured nan"):
        check_gradient(lambda x: x * np.nan, [np.array(1.0)], [np.array(1.0)])


def test_a_gradient_of_zero_passes_despite_rounding():
    def softmax(x):
        weights = np.exp(x - x.max())
        return weights / weights.sum()

    # The outputs add up to 1 whatever x is, so dy = 1 has gradient zero.
    both(softmax, [np.array([0.3, -1.0, 2.0])], [np.zeros(3)], dy=np.ones(3))


@pytest.mark.parametrize("x", [np.zeros(0), np.array([1.0, -2.0])], ids=["empty", "unused"])
def test_the_error_of_a_gradient_of_exactly_zero_is_zero(x):
    def unused(x):
        return 0 * x.sum()

    assert check_gradient(unused, [x], [np.zeros_like(x)]) == 0
    assert check_direction(unused, [x], [np.zeros_like(x)], np.random.default_rng(0)) == 0


def test_a_missing_gradient_leaves_the_argument_alone():
    labels = np.array([0, 2])

    def picked(x, labels):
        return x[np.arange(2), labels]

    dx = np.zeros((2, 3))
    dx[np.arange(2), labels] = 1.0
    both(picked, [np.ones((2, 3)), labels], [dx, None], dy=np.ones(2))


def test_the_arguments_are_left_as_they_are(case):
    arguments, gradients, dy = case
    before = [np.copy(a) for a in arguments]
    both(cubes, arguments, gradients, dy)
    for now, then in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_gradient_of_the_wrong_shape_fails(case):
    (x, scale), (dx, dscale), dy = case
    with pytest.raises(
        AssertionError, match=r"^gradient of cubes with .* x: received shape \(4, 3\), expected"
    ):
        check_gradient(cubes, (x, scale), (dx.T, dscale), dy)


def test_gradients_may_be_lists():
    assert check_gradient(lambda x: x**2, [np.array([1.0, 3.0])], [[2.0, 6.0]], np.ones(2)) < 1e-6


def test_a_callable_whose_signature_is_unreadable_gets_numbered_arguments():
    class Square:
        __signature__ = "none"

        def __call__(self, x):
            return x**2

    with pytest.raises(AssertionError, match="argument 0: received 5, measured 2"):
        check_gradient(Square(), [np.array(1.0)], [np.array(5.0)])


def test_a_function_without_readable_arguments_gets_numbered_ones():
    def product(*factors):
        return np.prod(factors)

    with pytest.raises(AssertionError, match="argument 1: received 5, measured 2"):
        check_gradient(product, [np.array(2.0), np.array(3.0)], [np.array(3.0), np.array(5.0)])


def test_a_function_without_a_name_is_shown():
    with pytest.raises(
        AssertionError, match=r"^gradient of functools.partial\(.*with respect to x: received 5"
    ):
        check_gradient(partial(cubes, scale=1.0), [np.array(1.0)], [np.array(5.0)])


def test_single_precision_is_refused(case):
    (x, scale), gradients, dy = case
    with pytest.raises(ValueError, match="x must be float64, received float32"):
        check_gradient(cubes, (x.astype(np.float32), scale), gradients, dy)
    with pytest.raises(ValueError, match="^dy must be float64, received float32"):
        check_gradient(cubes, (x, scale), gradients, dy.astype(np.float32))


def test_a_dy_that_does_not_fit_the_output_is_refused(case):
    arguments, gradients, _ = case
    with pytest.raises(ValueError, match=r"dy must have the shape of the output, \(3, 4\), received \(\)"):
        check_gradient(cubes, arguments, gradients)


def test_too_few_gradients_are_refused(case):
    arguments, gradients, dy = case
    with pytest.raises(ValueError, match="each of the 2 arguments.*received 1"):
        check_gradient(cubes, arguments, gradients[:1], dy)


def test_a_function_that_draws_random_numbers_is_refused():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x + rng.normal(size=x.shape)

    with pytest.raises(
        ValueError, match="^noisy must give the same output .* different ones: fix its random"
    ):
        check_gradient(noisy, [np.ones(3)], [np.ones(3)], dy=np.ones(3))
