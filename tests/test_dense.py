"""Layers on vectors equal their definition, SciPy and Keras; their gradients equal central differences."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import keras_gradients
from scipy import special, stats

from helpers import dense
from helpers.gradcheck import check_gradient

DTYPES = st.sampled_from([np.float32, np.float64])
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-9, "atol": 1e-12}}
# TensorFlow rounds the slope of leaky_relu and the root of 2 in gelu to float32, whatever the type of x.
ROUNDED = {np.float32: TOLERANCE[np.float32], np.float64: {"rtol": 1e-6, "atol": 1e-7}}
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def numbers(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def assert_equal(ours, theirs, dtype, tolerance=TOLERANCE):
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, expected, **tolerance[dtype])


# ---------------------------------------------------------------- affine


def test_affine_by_hand():
    x, w, bias = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[3.0], [4.0]]), np.array([0.5])
    dy = np.array([[10.0], [1.0]])
    assert dense.affine(x, w).tolist() == [[1 * 3 + 2 * 4], [4]]
    assert dense.affine(x, w, bias).tolist() == [[11.5], [4.5]]
    dx, dw, dbias = dense.affine_grad(x, w, dy)
    assert dx.tolist() == [[30, 40], [3, 4]]
    assert dw.tolist() == [[10], [2 * 10 + 1]]
    assert dbias.tolist() == [11]


@settings(max_examples=40)
@given(SHAPES, st.integers(1, 3), DTYPES)
def test_affine_and_its_gradients_equal_keras_and_loops(shape, d_out, dtype):
    from keras import ops

    x, w, bias = (
        numbers(*shape, dtype=dtype),
        numbers(shape[-1], d_out, dtype=dtype),
        numbers(d_out, dtype=dtype),
    )
    dy = numbers(*shape[:-1], d_out, dtype=dtype)
    ours = dense.affine(x, w, bias), *dense.affine_grad(x, w, dy)
    theirs = keras_gradients(lambda x, w, bias: ops.matmul(x[None], w)[0] + bias, x, w, bias, dy=dy)
    assert_equal(ours, theirs, dtype)
    for place in np.ndindex(dy.shape):
        expected = sum(x[place[:-1]][i] * w[i, place[-1]] for i in range(shape[-1])) + bias[place[-1]]
        np.testing.assert_allclose(ours[0][place], expected, **TOLERANCE[dtype])


def test_affine_gradients_equal_central_differences():
    arguments = numbers(2, 3, 4), numbers(4, 2), numbers(2)
    dy = numbers(2, 3, 2)
    check_gradient(dense.affine, arguments, dense.affine_grad(*arguments[:2], dy), dy)


# ---------------------------------------------------------------- activations

ACTIVATIONS = [
    (dense.relu, dense.relu_grad),
    (dense.leaky_relu, dense.leaky_relu_grad),
    (dense.gelu, dense.gelu_grad),
    (dense.sigmoid, dense.sigmoid_grad),
    (dense.tanh, dense.tanh_grad),
    (dense.softmax, dense.softmax_grad),
    (dense.log_softmax, dense.log_softmax_grad),
]
SHARES = ACTIVATIONS[-2:]


def test_leaky_relu_by_hand():
    x = np.array([-2.0, 0.0, 0.5, 3.0])
    np.testing.assert_allclose(dense.leaky_relu(x, 0.25), [-0.5, 0, 0.5, 3])
    np.testing.assert_allclose(dense.leaky_relu_grad(x, np.full(4, 8.0), 0.25), [2, 2, 8, 8])


def test_activations_by_hand():
    x = np.array([-2.0, 0.0, 3.0])
    assert dense.relu(x).tolist() == [0, 0, 3]
    assert dense.leaky_relu(x, 0.5).tolist() == [-1, 0, 3]
    np.testing.assert_allclose(dense.leaky_relu(x), [-0.4, 0, 3])
    np.testing.assert_allclose(dense.sigmoid(np.log([0.25, 1.0, 3.0])), [0.2, 0.5, 0.75])
    np.testing.assert_allclose(dense.tanh(np.log([0.5, 1.0, 3.0])), [-0.6, 0, 0.8])
    # Of a normal distribution, 15.9 % lie below -1, half below 0, 97.7 % below 2.
    np.testing.assert_allclose(dense.gelu([-1.0, 0.0, 2.0]), [-0.158655, 0, 2 * 0.977250], rtol=1e-5)
    np.testing.assert_allclose(dense.softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625])
    np.testing.assert_allclose(dense.log_softmax(np.log([1.0, 3.0])), np.log([0.25, 0.75]))


def test_slopes_at_the_kink_are_those_of_the_left_side():
    zero, dy = np.zeros(1), np.array([10.0])
    assert dense.relu_grad(zero, dy).tolist() == [0]
    assert dense.leaky_relu_grad(zero, dy).tolist() == [2]
    assert dense.leaky_relu_grad(zero, dy, 0.5).tolist() == [5]
    assert dense.relu_grad(np.array([-1.0, 1e-300]), np.array([10.0, 10.0])).tolist() == [0, 10]


@settings(max_examples=40)
@given(SHAPES, DTYPES, st.integers(0, 3))
@pytest.mark.parametrize(("function", "gradient"), ACTIVATIONS)
def test_activations_and_their_gradients_equal_keras(function, gradient, shape, dtype, scale):
    import keras

    shape = (*shape, 2)  # Keras warns of a softmax over one number
    x, dy = np.round(scale * numbers(*shape), 1).astype(dtype), numbers(*shape, dtype=dtype, seed=1)
    activation = keras.activations.get(function.__name__)
    tolerance = ROUNDED if function in (dense.leaky_relu, dense.gelu) else TOLERANCE
    assert_equal([function(x), gradient(x, dy)], keras_gradients(activation, x, dy=dy), dtype, tolerance)


@settings(max_examples=40)
@given(SHAPES)
def test_leaky_relu_equals_keras_in_float64_with_a_slope_that_float32_holds(shape):
    from keras import ops

    x, dy = numbers(*shape), numbers(*shape, seed=1)
    expected = keras_gradients(lambda x: ops.leaky_relu(x, 0.375), x, dy=dy)
    assert_equal([dense.leaky_relu(x, 0.375), dense.leaky_relu_grad(x, dy, 0.375)], expected, np.float64)


@settings(max_examples=40)
@given(st.lists(st.integers(2, 4), min_size=2, max_size=4).map(tuple), DTYPES, st.data())
@pytest.mark.parametrize(("function", "gradient"), SHARES)
def test_softmax_along_any_axis_equals_keras_and_scipy(function, gradient, shape, dtype, data):
    import keras

    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x, dy = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
    theirs = getattr(keras.ops, function.__name__)
    expected = keras_gradients(lambda x: theirs(x, axis=axis), x, dy=dy)
    assert_equal([function(x, axis), gradient(x, dy, axis)], expected, dtype)
    oracle = getattr(special, function.__name__)(x, axis=axis)
    np.testing.assert_allclose(function(x, axis=axis), oracle, **TOLERANCE[dtype])


def test_softmax_over_two_axes_is_softmax_of_their_pixels():
    x, dy = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    flat, dflat = x.reshape(2, 12), dy.reshape(2, 12)
    for function, gradient in SHARES:
        np.testing.assert_allclose(function(x, (1, 2)), function(flat).reshape(2, 3, 4), rtol=1e-13)
        expected = gradient(flat, dflat).reshape(2, 3, 4)
        np.testing.assert_allclose(gradient(x, dy, (1, 2)), expected, rtol=1e-12, atol=1e-15)


@given(SHAPES, DTYPES)
def test_smooth_functions_equal_scipy(shape, dtype):
    x = 4 * numbers(*shape, dtype=dtype)
    np.testing.assert_allclose(dense.sigmoid(x), special.expit(x), **TOLERANCE[dtype])
    np.testing.assert_allclose(dense.gelu(x), x * stats.norm.cdf(x.astype(float)), **TOLERANCE[dtype])


def test_small_shares_keep_their_digits():
    # 1 - y or 1 + erf would round to zero here.
    np.testing.assert_allclose(dense.sigmoid([-50.0, -700.0]), np.exp([-50.0, -700.0]), rtol=1e-12)
    np.testing.assert_allclose(
        dense.sigmoid_grad(np.array([-50.0, 50.0]), np.ones(2)), np.exp(-50.0), rtol=1e-12
    )
    np.testing.assert_allclose(dense.gelu([-20.0]), -20 * stats.norm.cdf(-20), rtol=1e-12)


@given(SHAPES, st.floats(0.2, 2))
@pytest.mark.parametrize(("function", "gradient"), ACTIVATIONS)
def test_activation_gradients_equal_central_differences(function, gradient, shape, scale):
    x, dy = scale * numbers(*shape), numbers(*shape, seed=1)
    x += np.sign(x) * 0.001  # away from the kinks
    check_gradient(function, [x], [gradient(x, dy)], dy)


def test_gradients_along_an_axis_and_of_another_slope_equal_central_differences():
    x, dy = numbers(3, 2, 4), numbers(3, 2, 4, seed=1)
    check_gradient(lambda x: dense.softmax(x, 1), [x], [dense.softmax_grad(x, dy, 1)], dy)
    check_gradient(lambda x: dense.log_softmax(x, 0), [x], [dense.log_softmax_grad(x, dy, 0)], dy)
    check_gradient(lambda x: dense.leaky_relu(x, 1.5), [x], [dense.leaky_relu_grad(x, dy, 1.5)], dy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "gradient"), ACTIVATIONS[2:])
def test_numbers_of_a_thousand_stay_finite(function, gradient, dtype):
    x = np.array([-1000.0, 0.0, 1000.0], dtype)
    for result in (function(x), gradient(x, np.ones(3, dtype))):
        assert np.isfinite(result).all()
    assert dense.softmax(x).tolist() == [0, 0, 1]
    assert dense.log_softmax(x).tolist() == [-2000, -1000, 0]
    assert dense.sigmoid(x).tolist() == [0, 0.5, 1]


def test_softmax_gives_nothing_to_minus_infinity():
    x = np.array([-np.inf, 0.0, 0.0])
    assert dense.softmax(x).tolist() == [0, 0.5, 0.5]
    assert dense.log_softmax(x)[0] == -np.inf
    assert dense.softmax_grad(x, np.array([5.0, 1.0, 3.0])).tolist() == [0, -0.5, 0.5]


@given(SHAPES)
def test_shares_add_up_to_one_and_a_shift_changes_nothing(shape):
    x = numbers(*shape)
    np.testing.assert_allclose(dense.softmax(x).sum(axis=-1), 1)
    np.testing.assert_allclose(dense.softmax(x + 7), dense.softmax(x))
    np.testing.assert_allclose(np.exp(dense.log_softmax(x)), dense.softmax(x))
    np.testing.assert_allclose(dense.sigmoid(x) + dense.sigmoid(-x), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "gradient"), ACTIVATIONS)
def test_activations_keep_precision_and_arguments_and_pass_nan(function, gradient, dtype):
    x, dy = numbers(3, 4, dtype=dtype), numbers(3, 4, dtype=dtype, seed=1)
    x[1, 2] = np.nan
    before = x.copy(), dy.copy()
    results = function(x), gradient(x, dy)
    assert [result.dtype for result in results] == [dtype] * 2
    assert np.isnan(results[0][1, 2])
    assert np.isfinite(results[0][[0, 2]]).all()
    np.testing.assert_array_equal([x, dy], before)
    x, dy = dy, x
    assert np.isnan(gradient(x, dy)[1, 2])


def test_the_slope_of_a_rectifier_at_nan_is_that_of_its_left_side():
    x, dy = np.array([np.nan]), np.array([10.0])
    assert dense.relu_grad(x, dy).tolist() == [0]
    assert dense.leaky_relu_grad(x, dy).tolist() == [2]


# ---------------------------------------------------------------- dropout


@given(SHAPES, st.floats(0, 0.95), DTYPES)
def test_dropout_multiplies_with_a_mask_of_zeros_and_enlarged_ones(shape, rate, dtype):
    x, dy = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
    y, mask = dense.dropout(x, rate, np.random.default_rng(0))
    assert y.dtype == mask.dtype == dtype
    kept = np.random.default_rng(0).random(shape) >= rate
    np.testing.assert_allclose(mask, kept / (1 - rate), rtol=1e-6)
    np.testing.assert_array_equal(y, x * mask)
    np.testing.assert_array_equal(dense.dropout_grad(mask, dy), dy * mask)
    check_gradient(
        lambda x: x * mask, [x.astype(float)], [dense.dropout_grad(mask, dy).astype(float)], dy.astype(float)
    )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_mean_and_drops_as_many_as_keras(rate):
    import keras

    y, mask = dense.dropout(np.ones((300, 300)), rate, np.random.default_rng(0))
    theirs = keras.layers.Dropout(rate, seed=0, dtype="float64")(np.ones((300, 300)), training=True).numpy()
    deviation = np.sqrt(rate * (1 - rate) / y.size)  # of the share of dropped numbers
    for dropped in (np.mean(mask == 0), np.mean(theirs == 0)):
        assert abs(dropped - rate) < 4 * deviation
    np.testing.assert_allclose(np.unique(y), np.unique(theirs))
    assert abs(y.mean() - 1) < 4 * deviation / (1 - rate)


def test_dropout_of_nothing_changes_nothing_and_leaves_its_argument_alone():
    x = numbers(4, 3)
    before = x.copy()
    np.testing.assert_array_equal(dense.dropout(x, 0, np.random.default_rng(0))[0], x)
    y, _ = dense.dropout(x, 0.9, np.random.default_rng(0))
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(x, y)


def test_dropout_passes_nan_whether_dropped_or_not():
    assert np.isnan(dense.dropout(np.full(9, np.nan), 0.5, np.random.default_rng(0))[0]).all()


# ---------------------------------------------------------------- normalization

NORM_SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)


def norm_case(shape, dtype):
    c = shape[-1]
    x, dy = 3 * numbers(*shape, dtype=dtype) + 1, numbers(*shape, dtype=dtype, seed=1)
    gamma, beta, mean = (numbers(c, dtype=dtype, seed=seed) for seed in (2, 3, 4))
    return x.astype(dtype), dy, gamma, beta, mean, np.abs(numbers(c, dtype=dtype, seed=5)) + dtype(0.5)


def test_batch_norm_by_hand():
    x = np.array([[1.0], [3.0]])  # mean 2, variance 1
    gamma, beta = np.array([10.0]), np.array([5.0])
    y, mean, variance = dense.batch_norm(
        x, gamma, beta, np.zeros(1), np.full(1, 9.0), momentum=0.75, epsilon=3
    )
    assert y.tolist() == [[5 - 10 / 2], [5 + 10 / 2]]
    assert mean.tolist() == [0.25 * 2]
    assert variance.tolist() == [0.75 * 9 + 0.25 * 1]
    y = dense.batch_norm_inference(x, gamma, beta, np.array([3.0]), np.array([13.0]), epsilon=3)
    assert y.tolist() == [[5 - 10 * 2 / 4], [5]]


def test_layer_norm_by_hand():
    x = np.array([[1.0, 3.0], [-1.0, 5.0]])  # means 2 and 2, variances 1 and 9
    y = dense.layer_norm(x, np.array([10.0, 1.0]), np.array([0.0, 7.0]), epsilon=0)
    assert y.tolist() == [[-10, 8], [-10, 8]]


@settings(max_examples=40)
@given(NORM_SHAPES, DTYPES)
def test_norms_and_their_gradients_equal_keras(shape, dtype):
    import keras

    x, dy, gamma, beta, mean, variance = norm_case(shape, dtype)
    axes = tuple(range(x.ndim - 1))

    def batch(x, gamma, beta):
        averages = keras.ops.moments(x, axes)
        return keras.ops.batch_normalization(x, *averages, -1, beta, gamma, epsilon=1e-3)

    def inference(x, gamma, beta):
        return keras.ops.batch_normalization(x, mean, variance, -1, beta, gamma, epsilon=1e-3)

    def layer(x, gamma, beta):
        return keras.ops.layer_normalization(x, gamma, beta, axis=-1, epsilon=1e-3)

    y, *averages = dense.batch_norm(x, gamma, beta, mean, variance)
    assert [average.dtype for average in averages] == [dtype] * 2
    ours = y, *dense.batch_norm_grad(x, gamma, dy)
    assert_equal(ours, keras_gradients(batch, x, gamma, beta, dy=dy), dtype)
    ours = (
        dense.batch_norm_inference(x, gamma, beta, mean, variance),
        *dense.batch_norm_inference_grad(x, gamma, mean, variance, dy),
    )
    assert_equal(ours, keras_gradients(inference, x, gamma, beta, dy=dy), dtype)
    ours = dense.layer_norm(x, gamma, beta), *dense.layer_norm_grad(x, gamma, dy)
    assert_equal(ours, keras_gradients(layer, x, gamma, beta, dy=dy), dtype)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.8, "epsilon": 0.1}])
@pytest.mark.parametrize("shape", [(6, 3), (2, 4, 5, 3)])
def test_batch_norm_follows_the_keras_layer_through_training_and_prediction(shape, options):
    import keras

    _, _, gamma, beta, mean, variance = norm_case(shape, np.float64)
    layer = keras.layers.BatchNormalization(dtype="float64", **options)
    layer.build(shape)
    layer.set_weights([gamma, beta, mean, variance])
    for step in range(3):
        x = 2 * numbers(*shape, seed=10 + step) + step
        y, mean, variance = dense.batch_norm(x, gamma, beta, mean, variance, **options)
        np.testing.assert_allclose(y, layer(x, training=True).numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose([mean, variance], layer.get_weights()[2:], rtol=1e-9)
    epsilon = {name: value for name, value in options.items() if name == "epsilon"}
    y = dense.batch_norm_inference(x, gamma, beta, mean, variance, **epsilon)
    np.testing.assert_allclose(y, layer(x, training=False).numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.1}])
def test_layer_norm_equals_the_keras_layer(options):
    import keras

    x, dy, gamma, beta, *_ = norm_case((2, 3, 4), np.float64)
    layer = keras.layers.LayerNormalization(dtype="float64", **options)
    layer.build(x.shape)
    layer.set_weights([gamma, beta])
    y, dx = keras_gradients(layer, x, dy=dy)
    np.testing.assert_allclose(dense.layer_norm(x, gamma, beta, **options), y, rtol=1e-9, atol=1e-12)
    ours = dense.layer_norm_grad(x, gamma, dy, **options)[0]
    np.testing.assert_allclose(ours, dx, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.1}])
@pytest.mark.parametrize("shape", [(5, 3), (2, 2, 3, 2)])
def test_norm_gradients_equal_central_differences(shape, options):
    x, dy, gamma, beta, mean, variance = norm_case(shape, np.float64)
    for function, gradients in [
        (
            lambda x, gamma, beta: dense.batch_norm(x, gamma, beta, mean, variance, **options)[0],
            dense.batch_norm_grad(x, gamma, dy, **options),
        ),
        (
            lambda x, gamma, beta: dense.batch_norm_inference(x, gamma, beta, mean, variance, **options),
            dense.batch_norm_inference_grad(x, gamma, mean, variance, dy, **options),
        ),
        (
            lambda x, gamma, beta: dense.layer_norm(x, gamma, beta, **options),
            dense.layer_norm_grad(x, gamma, dy, **options),
        ),
    ]:
        check_gradient(function, (x, gamma, beta), gradients, dy)


def test_layer_norm_takes_a_single_row():
    x, dy, gamma, beta = numbers(4), numbers(4, seed=1), numbers(4, seed=2), numbers(4, seed=3)
    np.testing.assert_array_equal(dense.layer_norm(x, gamma, beta), dense.layer_norm(x[None], gamma, beta)[0])
    check_gradient(dense.layer_norm, (x, gamma, beta), dense.layer_norm_grad(x, gamma, dy), dy)


@given(NORM_SHAPES)
def test_normalized_numbers_have_mean_beta_and_deviation_gamma(shape):
    shape = (shape[0] + 1, *shape[1:-1], shape[-1] + 1)
    x, _, gamma, beta, *running = norm_case(shape, np.float64)
    y, *_ = dense.batch_norm(x, gamma, beta, *running, epsilon=0)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(y.mean(axis=axes), beta, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=axes), np.abs(gamma), atol=1e-12)
    row = dense.layer_norm(x, np.ones(shape[-1]), np.zeros(shape[-1]), epsilon=0)
    np.testing.assert_allclose(row.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(row.std(axis=-1), 1, atol=1e-12)


def test_a_constant_channel_becomes_beta():
    y, *_ = dense.batch_norm(np.full((3, 1), 4.0), np.full(1, 2.0), np.full(1, 7.0), np.zeros(1), np.ones(1))
    assert y.tolist() == [[7], [7], [7]]


def test_norms_leave_their_arguments_alone():
    arrays = norm_case((4, 3), np.float64)
    before = [array.copy() for array in arrays]
    x, dy, gamma, beta, mean, variance = arrays
    for results in [
        dense.batch_norm(x, gamma, beta, mean, variance),
        dense.batch_norm_grad(x, gamma, dy),
        [dense.batch_norm_inference(x, gamma, beta, mean, variance)],
        dense.batch_norm_inference_grad(x, gamma, mean, variance, dy),
        [dense.layer_norm(x, gamma, beta)],
        dense.layer_norm_grad(x, gamma, dy),
    ]:
        assert not any(np.shares_memory(result, array) for result in results for array in arrays)
    for array, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, then)


def test_nan_spreads_over_its_channel_in_a_batch_and_over_its_row_in_a_layer():
    x, _, gamma, beta, mean, variance = norm_case((3, 2), np.float64)
    x[1, 0] = np.nan
    y, *_ = dense.batch_norm(x, gamma, beta, mean, variance)
    assert np.isnan(y).tolist() == [[True, False]] * 3
    assert np.isnan(dense.layer_norm(x, gamma, beta)).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    y = dense.batch_norm_inference(x, gamma, beta, mean, variance)
    assert np.isnan(y).tolist() == [[False] * 2, [True, False], [False] * 2]


# ---------------------------------------------------------------- messages

X, W, C = np.ones((4, 3)), np.ones((3, 2)), np.ones(3)
RNG = np.random.default_rng(0)


def refuses(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: dense.affine(np.float64(1), W),
            "x must have at least 1 axes (..., d_in), received shape ()",
        ),
        (
            lambda: dense.affine_grad(np.float64(1), W, W),
            "x must have at least 1 axes (..., d_in), received shape ()",
        ),
        (
            lambda: dense.affine(X, W.T),
            "w must have d_in = 3, received shape (2, 3) for the axes (d_in, d_out)",
        ),
        (lambda: dense.affine(X, C), "w must have 2 axes (d_in, d_out), received shape (3,)"),
        (lambda: dense.affine(X, W, C), "bias must have shape (2,), received (3,)"),
        (
            lambda: dense.affine_grad(X, W.T, X),
            "w must have d_in = 3, received shape (2, 3) for the axes (d_in, d_out)",
        ),
        (lambda: dense.affine_grad(X, W, X), "dy must have shape (4, 2), received (4, 3)"),
        (
            lambda: dense.leaky_relu(X, -0.1),
            "negative_slope must be a finite number of at least 0, received -0.1",
        ),
        (
            lambda: dense.leaky_relu_grad(X, X, np.inf),
            "negative_slope must be a finite number of at least 0, received inf",
        ),
        (lambda: dense.dropout(X, 1, RNG), "rate must lie in [0, 1), received 1"),
        (lambda: dense.dropout(X, -0.1, RNG), "rate must lie in [0, 1), received -0.1"),
        (lambda: dense.dropout_grad(X, W), "dy must have shape (4, 3), received (3, 2)"),
        (
            lambda: dense.softmax(np.float64(1)),
            "x must have at least 1 axes (..., classes), received shape ()",
        ),
        (
            lambda: dense.log_softmax(np.float64(1)),
            "x must have at least 1 axes (..., classes), received shape ()",
        ),
        (
            lambda: dense.batch_norm(C, C, C, C, C),
            "x must have at least 2 axes (..., n, c), received shape (3,)",
        ),
        (
            lambda: dense.batch_norm_grad(C, C, C),
            "x must have at least 2 axes (..., n, c), received shape (3,)",
        ),
        (lambda: dense.batch_norm(X, W, C, C, C), "gamma must have shape (3,), received (3, 2)"),
        (lambda: dense.batch_norm(X, C, C[:2], C, C), "beta must have shape (3,), received (2,)"),
        (lambda: dense.batch_norm(X, C, C, C[:1], C), "running_mean must have shape (3,), received (1,)"),
        (lambda: dense.batch_norm(X, C, C, C, C[:1]), "running_variance must have shape (3,), received (1,)"),
        (lambda: dense.batch_norm(X, C, C, C, C, 1), "momentum must lie in [0, 1), received 1"),
        (
            lambda: dense.batch_norm(X, C, C, C, C, 0, -1),
            "epsilon must be a finite number of at least 0, received -1",
        ),
        (lambda: dense.batch_norm_grad(X, C[:2], X), "gamma must have shape (3,), received (2,)"),
        (lambda: dense.batch_norm_grad(X, C, X[:1]), "dy must have shape (4, 3), received (1, 3)"),
        (
            lambda: dense.batch_norm_grad(X, C, X, -1),
            "epsilon must be a finite number of at least 0, received -1",
        ),
        (
            lambda: dense.batch_norm_inference(X, C, C, C[:1], C),
            "running_mean must have shape (3,), received (1,)",
        ),
        (
            lambda: dense.batch_norm_inference(X, C, C, C, W),
            "running_variance must have shape (3,), received (3, 2)",
        ),
        (lambda: dense.batch_norm_inference(X, C[:2], C, C, C), "gamma must have shape (3,), received (2,)"),
        (
            lambda: dense.batch_norm_inference(X[0, 0], C, C, C, C),
            "x must have at least 1 axes (..., c), received shape ()",
        ),
        (
            lambda: dense.batch_norm_inference_grad(X, C, C, C[:1], X),
            "running_variance must have shape (3,), received (1,)",
        ),
        (
            lambda: dense.batch_norm_inference_grad(X, C, C[:1], C, X),
            "running_mean must have shape (3,), received (1,)",
        ),
        (
            lambda: dense.batch_norm_inference_grad(X, C[:2], C, C, X),
            "gamma must have shape (3,), received (2,)",
        ),
        (
            lambda: dense.batch_norm_inference_grad(X, C, C, C, X[:1]),
            "dy must have shape (4, 3), received (1, 3)",
        ),
        (
            lambda: dense.batch_norm_inference_grad(X[0, 0], C, C, C, X),
            "x must have at least 1 axes (..., c), received shape ()",
        ),
        (lambda: dense.layer_norm(X, C[:2], C), "gamma must have shape (3,), received (2,)"),
        (lambda: dense.layer_norm(X, C, C[:2]), "beta must have shape (3,), received (2,)"),
        (lambda: dense.layer_norm(X, C, C, -1), "epsilon must be a finite number of at least 0, received -1"),
        (lambda: dense.layer_norm(X[0, 0], C, C), "x must have at least 1 axes (..., d), received shape ()"),
        (
            lambda: dense.layer_norm_grad(X[0, 0], C, X),
            "x must have at least 1 axes (..., d), received shape ()",
        ),
        (lambda: dense.layer_norm_grad(X, C, X[:1]), "dy must have shape (4, 3), received (1, 3)"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_received(call, message):
    with refuses(message):
        call()


@pytest.mark.parametrize(("function", "gradient"), ACTIVATIONS)
def test_activations_refuse_integers_nothing_and_a_dy_of_another_shape(function, gradient):
    with refuses("x must hold floating-point numbers, received int64: convert it with x.astype(float)"):
        function([1, 2])
    with refuses("x must hold floating-point numbers, received int64: convert it with x.astype(float)"):
        gradient([1, 2], [1.0, 2.0])
    with refuses("x must not be empty, received shape (0, 3)"):
        function(X[:0])
    with refuses("dy must have shape (4, 3), received (3,)"):
        gradient(X, C)


def test_an_axis_that_is_not_there_is_refused():
    for function in (dense.softmax, dense.log_softmax):
        with pytest.raises(ValueError, match="axis 2 is out of bounds for array of dimension 2"):
            function(X, 2)


def test_integers_are_refused_wherever_an_array_is_expected():
    with refuses("mask must hold floating-point numbers, received int64: convert it with mask.astype(float)"):
        dense.dropout_grad(np.ones(3, int), C)
    with refuses("x must hold floating-point numbers, received int64: convert it with x.astype(float)"):
        dense.dropout(np.ones(3, int), 0.5, RNG)


def test_lists_of_numbers_are_taken_as_arrays():
    assert dense.affine([[1.0, 2.0]], [[3.0], [4.0]], [0.5]).tolist() == [[11.5]]
    assert dense.dropout_grad([2.0, 0.0], [3.0, 4.0]).tolist() == [6, 0]
    assert dense.batch_norm_inference([[4.0]], [2.0], [1.0], [1.0], [9.0], 0).tolist() == [[3]]


def test_importing_the_module_loads_neither_scipy_nor_tensorflow():
    import subprocess
    import sys

    code = "import sys, helpers.dense; sys.exit(bool({'scipy', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
