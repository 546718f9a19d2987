"""Pooling equals its definition and Keras, ties and padding included; gradients equal central differences."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import keras_gradients

from helpers import pooling
from helpers.conv import output_size
from helpers.gradcheck import check_gradient

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}  # sums of at most 49 numbers near 1


def numbers(*shape, dtype=np.float64):
    return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype)


def few_values(*shape, dtype=np.float64):
    """Numbers of which many are equal, so that most windows hold a tie."""
    return np.random.default_rng(list(shape)).integers(-1, 2, size=shape).astype(dtype)


def all_different(*shape):
    """Numbers at least 1 apart, so that no small step changes which of them is the largest."""
    return np.random.default_rng(list(shape)).permutation(np.arange(float(np.prod(shape)))).reshape(shape)


def margin_before(size, window, stride):
    """Cells before the first pixel: half of the fewest that give ceil(size / stride), rounded down."""
    for total in itertools.count():
        if (size + total - window) // stride + 1 >= -(-size // stride):
            return total // 2


def windows(x, window, stride, padding):
    """Yield (n, i, j, c) and the pixels (row, column) of each window that lie in the image, row by row."""
    before, steps = [], []
    for size, cells, step in zip(x.shape[1:3], window, stride, strict=True):
        before.append(margin_before(size, cells, step) if padding == "same" else 0)
        steps.append(-(-size // step) if padding == "same" else (size - cells) // step + 1)
    for n, i, j, c in np.ndindex(len(x), *steps, x.shape[-1]):
        rows, columns = (
            [r for r in range(k * s - b, k * s - b + m) if 0 <= r < size]
            for k, s, b, m, size in zip((i, j), stride, before, window, x.shape[1:3], strict=True)
        )
        yield (n, i, j, c), [(n, a, b, c) for a in rows for b in columns]


def loops(x, dy, window, stride, padding):
    """The four results of 2-D pooling by their definitions: maximum, its dx, mean, its dx."""
    largest, mean = np.zeros(dy.shape), np.zeros(dy.shape)
    dx_largest, dx_mean = np.zeros(x.shape), np.zeros(x.shape)
    for place, pixels in windows(x, window, stride, padding):
        values = [float(x[pixel]) for pixel in pixels]
        largest[place], mean[place] = max(values), sum(values) / len(values)
        dx_largest[pixels[values.index(max(values))]] += dy[place]
        for pixel in pixels:
            dx_mean[pixel] += dy[place] / len(pixels)
    return largest, dx_largest, mean, dx_mean


@st.composite
def cases(draw):
    """Draw shape, window, stride and padding of a pooling whose window fits into the image."""
    size, window = (draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (7, 4))
    padding = draw(st.sampled_from(["valid", "same"]))
    if padding == "valid":
        window = tuple(min(pair) for pair in zip(size, window, strict=True))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    n, c = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    return (n, *size, c), {"window": window, "stride": stride, "padding": padding}


def steps(shape, options):
    axes = zip(shape[1:-1], options["window"], options["stride"], strict=True)
    return (shape[0], *(output_size(*axis, options["padding"]) for axis in axes), shape[-1])


def all_four(x, dy, **options):
    return (
        pooling.max_pool2d(x, **options),
        pooling.max_pool2d_grad(x, dy, **options),
        pooling.average_pool2d(x, **options),
        pooling.average_pool2d_grad(x, dy, **options),
    )


# ----- values -----


def test_two_by_two_by_hand():
    x = np.array([[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, -1.0, 1.0]])[None, :, :, None]
    dy = np.array([10.0, 20.0])[None, None, :, None]
    largest, dx_largest, mean, dx_mean = (result[0, :, :, 0] for result in all_four(x, dy))
    np.testing.assert_array_equal(largest, [[5, 2]])
    np.testing.assert_array_equal(dx_largest, [[0, 10, 20, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(mean, [[(1 + 5 + 3 + 4) / 4, (2 + 0 - 1 + 1) / 4]])
    np.testing.assert_array_equal(dx_mean, [[2.5, 2.5, 5, 5], [2.5, 2.5, 5, 5]])


def test_a_pixel_in_two_windows_adds_up_what_both_send():
    x = np.array([0.0, 9.0, 1.0])[None, :, None]
    dy = np.array([10.0, 100.0])[None, :, None]
    assert pooling.max_pool1d_grad(x, dy, 2, 1).ravel().tolist() == [0, 110, 0]
    assert pooling.average_pool1d_grad(x, dy, 2, 1).ravel().tolist() == [5, 55, 50]


def test_a_tie_goes_to_the_first_pixel_in_reading_order():
    dy = np.full((1, 1, 1, 1), 7.0)
    for image, expected in [
        ([[1, 1], [1, 1]], [[7, 0], [0, 0]]),
        ([[0, 1], [1, 1]], [[0, 7], [0, 0]]),
        ([[0, 0], [1, 1]], [[0, 0], [7, 0]]),
    ]:
        x = np.array(image, float)[None, :, :, None]
        np.testing.assert_array_equal(pooling.max_pool2d_grad(x, dy)[0, :, :, 0], expected)


def test_the_maximum_of_a_padded_window_can_be_negative():
    x = np.full((1, 3, 3, 1), -4.0)
    np.testing.assert_array_equal(pooling.max_pool2d(x, padding="same"), np.full((1, 2, 2, 1), -4.0))


def test_the_mean_of_a_padded_window_leaves_the_padding_out():
    x = np.full((1, 3, 3, 1), -4.0)
    np.testing.assert_array_equal(pooling.average_pool2d(x, padding="same"), np.full((1, 2, 2, 1), -4.0))


@given(cases(), st.sampled_from([np.float32, np.float64]), st.sampled_from([numbers, few_values]))
def test_pooling_and_its_gradients_equal_their_definitions(case, dtype, values):
    shape, options = case
    x, dy = values(*shape, dtype=dtype), numbers(*steps(*case), dtype=dtype)
    for mine, expected in zip(all_four(x, dy, **options), loops(x, dy, **options), strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, expected, atol=TOLERANCE[dtype])


@given(cases(), st.sampled_from([np.float32, np.float64]), st.sampled_from([numbers, few_values]))
def test_pooling_and_its_gradients_equal_keras(case, dtype, values):
    from keras import ops

    shape, options = case
    x, dy = values(*shape, dtype=dtype), numbers(*steps(*case), dtype=dtype)
    arguments = {"pool_size": options["window"], "strides": options["stride"], "padding": options["padding"]}
    theirs = [
        result
        for pool in (ops.max_pool, ops.average_pool)
        for result in keras_gradients(lambda x, pool=pool: pool(x, **arguments), x, dy=dy)
    ]
    for mine, expected in zip(all_four(x, dy, **options), theirs, strict=True):
        np.testing.assert_allclose(mine, expected, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "names"),
    [
        ("max_pool2d", "MaxPooling2D", {}, {}),
        ("max_pool2d", "MaxPooling2D", {"window": (3, 2)}, {"pool_size": (3, 2)}),
        ("average_pool2d", "AveragePooling2D", {}, {"pool_size": 2}),
        ("average_pool2d", "AveragePooling2D", {"window": (3, 2)}, {"pool_size": (3, 2)}),
        ("max_pool1d", "MaxPooling1D", {}, {}),
        ("max_pool1d", "MaxPooling1D", {"window": 3, "padding": "same"}, {"pool_size": 3, "padding": "same"}),
        ("average_pool1d", "AveragePooling1D", {}, {"pool_size": 2}),
        ("average_pool1d", "AveragePooling1D", {"window": 3, "stride": 2}, {"pool_size": 3, "strides": 2}),
    ],
)
def test_defaults_are_those_of_the_keras_layer(ours, theirs, options, names):
    import keras

    x = numbers(2, 8, 6, 3) if ours.endswith("2d") else numbers(2, 8, 3)
    layer = getattr(keras.layers, theirs)(**names, dtype="float64")
    dy = numbers(*layer(x).shape)
    y, dx = keras_gradients(layer, x, dy=dy)
    np.testing.assert_allclose(getattr(pooling, ours)(x, **options), y, atol=1e-12)
    np.testing.assert_allclose(getattr(pooling, f"{ours}_grad")(x, dy, **options), dx, atol=1e-12)


@given(cases())
def test_pooling_along_time_is_pooling_of_images_of_one_column(case):
    (n, t, _, d), options = case
    x = few_values(n, t, d)
    window, stride, padding = options["window"][0], options["stride"][0], options["padding"]
    column = (window, 1), (stride, 1), padding
    dy = numbers(n, output_size(t, window, stride, padding), d)
    for kind in ("max_pool", "average_pool"):
        one, two = (getattr(pooling, kind + axes) for axes in ("1d", "2d"))
        np.testing.assert_array_equal(one(x, window, stride, padding), two(x[:, :, None], *column)[:, :, 0])
        one, two = (getattr(pooling, f"{kind}{axes}_grad") for axes in ("1d", "2d"))
        expected = two(x[:, :, None], dy[:, :, None], *column)[:, :, 0]
        np.testing.assert_array_equal(one(x, dy, window, stride, padding), expected)


@given(
    st.lists(st.integers(1, 4), min_size=3, max_size=4).map(tuple),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([numbers, few_values]),
)
def test_global_pooling_and_its_gradients_equal_keras(shape, dtype, values):
    import keras

    x, dy = values(*shape, dtype=dtype), numbers(shape[0], shape[-1], dtype=dtype)
    for ours, theirs in [("max", "GlobalMaxPooling"), ("average", "GlobalAveragePooling")]:
        layer = getattr(keras.layers, f"{theirs}{x.ndim - 2}D")(dtype=x.dtype.name)
        y, dx = keras_gradients(layer, x, dy=dy)
        mine = getattr(pooling, f"global_{ours}_pool")(x)
        gradient = getattr(pooling, f"global_{ours}_pool_grad")(x, dy)
        assert mine.dtype == gradient.dtype == dtype
        np.testing.assert_allclose(mine, y, atol=TOLERANCE[dtype])
        np.testing.assert_allclose(gradient, dx, atol=TOLERANCE[dtype])


def test_global_pooling_by_hand():
    x = np.array([[[1.0, 6.0], [4.0, 2.0]], [[4.0, 0.0], [3.0, 4.0]]])[None]  # channels 1 4 4 3 and 6 2 0 4
    dy = np.array([[8.0, 4.0]])
    assert pooling.global_max_pool(x).tolist() == [[4, 6]]
    assert pooling.global_average_pool(x).tolist() == [[3, 3]]
    assert pooling.global_max_pool_grad(x, dy).tolist() == [[[[0, 4], [4, 0]], [[4, 0], [0, 0]]]]
    assert pooling.global_average_pool_grad(x, dy).tolist() == [[[[2, 1], [2, 1]], [[2, 1], [2, 1]]]]
    alone = pooling.global_average_pool_grad(x[..., :1], dy[:, :1])
    assert alone.tolist() == [[[[2], [2]], [[2], [2]]]]


# ----- gradients -----


@given(cases())
def test_gradients_equal_central_differences(case):
    shape, options = case
    x, dy = all_different(*shape), numbers(*steps(*case))
    for kind in ("max_pool2d", "average_pool2d"):
        gradient = getattr(pooling, f"{kind}_grad")(x, dy, **options)
        check_gradient(lambda x, kind=kind: getattr(pooling, kind)(x, **options), [x], [gradient], dy)


@pytest.mark.parametrize("shape", [(2, 3, 2, 2), (2, 4, 3)])
@pytest.mark.parametrize("kind", ["global_max_pool", "global_average_pool"])
def test_global_gradients_equal_central_differences(kind, shape):
    x, dy = all_different(*shape), numbers(2, shape[-1])
    gradient = getattr(pooling, f"{kind}_grad")(x, dy)
    check_gradient(getattr(pooling, kind), [x], [gradient], dy)


# ----- invariants -----


@given(cases())
def test_all_of_dy_arrives(case):
    shape, options = case
    x, dy = few_values(*shape), numbers(*steps(*case))
    for gradient in (pooling.max_pool2d_grad, pooling.average_pool2d_grad):
        arrived = gradient(x, dy, **options).sum(axis=(1, 2))
        np.testing.assert_allclose(arrived, dy.sum(axis=(1, 2)), atol=1e-12)


@given(cases())
def test_a_constant_image_stays_constant(case):
    shape, options = case
    for pool in (pooling.max_pool2d, pooling.average_pool2d):
        np.testing.assert_allclose(pool(np.full(shape, -2.5), **options), -2.5, rtol=1e-15)


def test_a_window_as_large_as_the_image_is_global_pooling():
    x = numbers(2, 5, 4, 3)
    np.testing.assert_array_equal(pooling.max_pool2d(x, (5, 4))[:, 0, 0], pooling.global_max_pool(x))
    np.testing.assert_allclose(pooling.average_pool2d(x, (5, 4))[:, 0, 0], pooling.global_average_pool(x))


FUNCTIONS = [
    (pooling.max_pool2d, pooling.max_pool2d_grad, (2, 5, 4, 3)),
    (pooling.average_pool2d, pooling.average_pool2d_grad, (2, 5, 4, 3)),
    (pooling.max_pool1d, pooling.max_pool1d_grad, (2, 5, 3)),
    (pooling.average_pool1d, pooling.average_pool1d_grad, (2, 5, 3)),
    (pooling.global_max_pool, pooling.global_max_pool_grad, (2, 5, 4, 3)),
    (pooling.global_average_pool, pooling.global_average_pool_grad, (2, 5, 4, 3)),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("pool", "gradient", "shape"), FUNCTIONS)
def test_precision_is_kept_and_arguments_are_left_alone(pool, gradient, shape, dtype):
    x = numbers(*shape, dtype=dtype)
    dy = pool(x)
    before = x.copy(), dy.copy()
    dx = gradient(x, dy)
    assert dy.dtype == dx.dtype == dtype
    assert dx.shape == x.shape
    assert dx.flags.writeable
    assert not np.shares_memory(dx, dy)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])


@pytest.mark.parametrize("pool", [pooling.max_pool2d, pooling.average_pool2d])
def test_nan_reaches_exactly_the_windows_that_see_it(pool):
    x = numbers(1, 6, 6, 1)
    x[0, 2, 3, 0] = np.nan
    expected = np.zeros((1, 6, 6, 1), bool)
    expected[:, 1:4, 2:5] = True
    np.testing.assert_array_equal(np.isnan(pool(x, 3, 1, "same")), expected)


@pytest.mark.parametrize("gradient", [pooling.max_pool2d_grad, pooling.average_pool2d_grad])
def test_nan_in_dy_reaches_its_window_and_no_other(gradient):
    x, dy = numbers(1, 4, 4, 1), np.ones((1, 2, 2, 1))
    dy[0, 1, 0, 0] = np.nan
    expected = np.zeros((1, 4, 4, 1), bool)
    expected[:, 2:, :2] = True
    np.testing.assert_array_equal(np.isnan(gradient(x, dy)), expected)


def test_a_window_whose_maximum_is_nan_passes_only_nan():
    x = np.array([1.0, np.nan, 3.0, 4.0])[None, :, None]
    dy = np.array([5.0, 6.0])[None, :, None]
    assert pooling.max_pool1d_grad(x, dy).ravel().tolist() == [0, 0, 0, 6]
    assert pooling.global_max_pool_grad(x, np.ones((1, 1))).ravel().tolist() == [0, 0, 0, 0]
    assert np.isnan(pooling.global_max_pool_grad(x, np.full((1, 1), np.nan))).all()
    assert np.isnan(pooling.global_max_pool(x)).all()


def test_lists_of_numbers_are_taken_as_arrays():
    assert pooling.max_pool1d([[[1.0], [2.0]]]).tolist() == [[[2.0]]]
    assert pooling.max_pool1d_grad([[[1.0], [2.0]]], [[[3.0]]]).tolist() == [[[0.0], [3.0]]]
    assert pooling.average_pool2d([[[[1.0], [2.0]], [[3.0], [6.0]]]]).tolist() == [[[[3.0]]]]
    assert pooling.global_max_pool_grad([[[1.0], [2.0]]], [[3.0]]).tolist() == [[[0.0], [3.0]]]


# ----- messages -----


X = np.ones((1, 4, 5, 3))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": X[0]}, "x must have 4 axes (n, h, w, c), received shape (4, 5, 3)"),
        (
            {"x": X.astype(int)},
            "x must hold floating-point numbers, received int64: convert it with x.astype",
        ),
        ({"x": X[:0]}, "x must not be empty, received shape (0, 4, 5, 3)"),
        ({"window": 5}, "the window must fit into the padded input, received a window that spans 5"),
        ({"window": 0}, "window must be an integer of at least 1, received 0"),
        ({"window": (2, -1)}, "window must be an integer of at least 1, received -1"),
        ({"window": (2, 2, 2)}, "window must be an integer or a pair, received (2, 2, 2)"),
        ({"stride": 0}, "stride must be an integer of at least 1, received 0"),
        ({"stride": 1.5}, "stride must be an integer or a pair, received 1.5"),
        ({"padding": "full"}, "padding must be one of 'valid', 'same', received 'full'"),
        ({"padding": ((0, 0), (1, 0))}, "padding must be one of 'valid', 'same', received ((0, 0), (1, 0))"),
    ],
)
@pytest.mark.parametrize(("pool", "gradient", "_"), FUNCTIONS[:2])
def test_a_wrong_argument_is_named_with_what_was_received(pool, gradient, _, changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        pool(**{"x": X, **changed})
    with pytest.raises(ValueError, match=re.escape(message)):
        gradient(**{"x": X, "dy": np.ones((1, 2, 2, 3)), **changed})


@pytest.mark.parametrize(("pool", "gradient", "_"), FUNCTIONS[2:4])
def test_a_wrong_sequence_is_named_with_what_was_received(pool, gradient, _):
    with pytest.raises(
        ValueError, match=re.escape("x must have 3 axes (n, t, d), received shape (1, 4, 5, 3)")
    ):
        pool(X)
    with pytest.raises(
        ValueError, match=re.escape("dy must have 3 axes (n, steps, d), received shape (1, 2)")
    ):
        gradient(X[0], np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"window must be an integer of at least 1, received \(2, 2\)"):
        pool(X[0], (2, 2))


@pytest.mark.parametrize(("pool", "gradient", "_"), FUNCTIONS[4:])
def test_global_pooling_needs_at_least_three_axes(pool, gradient, _):
    message = re.escape("x must have at least 3 axes (..., n, space, c), received shape (5, 3)")
    with pytest.raises(ValueError, match=message):
        pool(X[0, 0])
    with pytest.raises(ValueError, match=message):
        gradient(X[0, 0], np.ones((5, 3)))


@pytest.mark.parametrize(("pool", "gradient", "shape"), FUNCTIONS)
def test_a_gradient_of_another_shape_than_the_output_is_refused(pool, gradient, shape):
    x = np.ones(shape)
    with pytest.raises(ValueError, match="dy must have shape .*, received"):
        gradient(x, pool(x)[:-1])
