"""Losses equal their definition, SciPy and Keras; their gradients equal central differences."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import keras_gradients
from scipy import special

from helpers import losses
from helpers.gradcheck import check_gradient

DTYPES = st.sampled_from([np.float32, np.float64])
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-6}, np.float64: {"rtol": 1e-9, "atol": 1e-12}}
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
CLASS_SHAPES = st.lists(st.integers(2, 4), min_size=2, max_size=3).map(tuple)


def numbers(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def labels(*shape, dtype=np.float64):
    return np.random.default_rng([9, *shape]).integers(0, 2, size=shape).astype(dtype)


def shares(*shape, dtype=np.float64, seed=0):
    """Numbers between 0.02 and 0.98."""
    return np.random.default_rng([seed, *shape]).uniform(0.02, 0.98, size=shape).astype(dtype)


def rows_of_classes(*shape, dtype=np.float64):
    return losses.one_hot(
        np.random.default_rng([9, *shape]).integers(0, shape[-1], shape[:-1]), shape[-1]
    ).astype(dtype)


def keras_loss(loss, y_true, prediction, sample_weight=None):
    """Value of a Keras loss, and its gradient with respect to the prediction."""
    return keras_gradients(lambda p: loss(y_true, p, sample_weight=sample_weight), prediction)


def make(name, dtype, **options):
    import keras

    return getattr(keras.losses, name)(dtype=np.dtype(dtype).name, **options)


def ours(name, *arguments, **options):
    return getattr(losses, name)(*arguments, **options), getattr(losses, f"{name}_grad")(
        *arguments, **options
    )


def assert_equal(mine, expected, dtype):
    for a, b in zip(mine, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, **TOLERANCE[dtype])


def check(name, y_true, prediction, **options):
    """Compare the gradient of a loss with central differences."""
    gradient = getattr(losses, f"{name}_grad")(y_true, prediction, **options)
    check_gradient(lambda p: getattr(losses, name)(y_true, p, **options), [prediction], [gradient])


# ---------------------------------------------------------------- numbers


def test_errors_by_hand():
    y_true, y_pred = (
        np.array([[1.0, 2.0], [0.0, 0.0]]),
        np.array([[2.0, 2.0], [-4.0, 0.5]]),
    )  # errors 1 0 -4 0.5
    assert losses.mean_squared_error(y_true, y_pred) == (1 + 0 + 16 + 0.25) / 4
    assert losses.mean_squared_error_grad(y_true, y_pred).tolist() == [[0.5, 0], [-2, 0.25]]
    assert losses.mean_absolute_error(y_true, y_pred) == (1 + 0 + 4 + 0.5) / 4
    assert losses.mean_absolute_error_grad(y_true, y_pred).tolist() == [[0.25, 0], [-0.25, 0.25]]
    assert losses.huber(y_true, y_pred) == (0.5 + 0 + 3.5 + 0.125) / 4
    assert losses.huber_grad(y_true, y_pred).tolist() == [[0.25, 0], [-0.25, 0.125]]
    assert losses.huber(y_true, y_pred, 2.0) == (0.5 + 0 + 2 * (4 - 1) + 0.125) / 4
    assert losses.huber_grad(y_true, y_pred, 2.0).tolist() == [[0.25, 0], [-0.5, 0.125]]


ERRORS = [
    ("mean_squared_error", "MeanSquaredError", {}),
    ("mean_absolute_error", "MeanAbsoluteError", {}),
    ("huber", "Huber", {}),
    ("huber", "Huber", {"delta": 0.3}),
]


@settings(max_examples=40)
@given(SHAPES, DTYPES)
@pytest.mark.parametrize(("name", "theirs", "options"), ERRORS)
def test_errors_and_their_gradients_equal_keras(name, theirs, options, shape, dtype):
    y_true, y_pred = (
        np.round(numbers(*shape), 1).astype(dtype),
        np.round(numbers(*shape, seed=1), 1).astype(dtype),
    )
    expected = keras_loss(make(theirs, dtype, **options), y_true, y_pred)
    assert_equal(ours(name, y_true, y_pred, **options), expected, dtype)


@given(SHAPES, st.floats(0.1, 3))
def test_errors_equal_their_definitions(shape, delta):
    y_true, y_pred = numbers(*shape), numbers(*shape, seed=1)
    errors = [float(e) for e in (y_pred - y_true).ravel()]
    np.testing.assert_allclose(
        losses.mean_squared_error(y_true, y_pred), sum(e**2 for e in errors) / len(errors)
    )
    np.testing.assert_allclose(
        losses.mean_absolute_error(y_true, y_pred), sum(map(abs, errors)) / len(errors)
    )
    np.testing.assert_allclose(losses.huber(y_true, y_pred, delta), special.huber(delta, errors).mean())


@given(SHAPES)
@pytest.mark.parametrize(("name", "_", "options"), ERRORS)
def test_gradients_of_errors_equal_central_differences(name, _, options, shape):
    y_true, error = numbers(*shape), numbers(*shape, seed=1)
    error += 0.01 * np.sign(error)  # away from the kink
    check(name, y_true, y_true + error, **options)


def test_the_gradient_of_the_absolute_error_is_zero_where_there_is_no_error():
    assert losses.mean_absolute_error_grad(np.ones(2), np.array([1.0, 3.0])).tolist() == [0, 0.5]


# ---------------------------------------------------------------- yes or no


def test_binary_crossentropy_by_hand():
    y_true, p = np.array([1.0, 0.0]), np.array([0.25, 0.2])
    np.testing.assert_allclose(losses.binary_crossentropy(y_true, p), (np.log(4) + np.log(1.25)) / 2)
    np.testing.assert_allclose(losses.binary_crossentropy_grad(y_true, p), [-4 / 2, 1.25 / 2])
    weighted = losses.binary_crossentropy(y_true, p, class_weight=(1, 3))
    np.testing.assert_allclose(weighted, (3 * np.log(4) + np.log(1.25)) / 2)
    smoothed = losses.binary_crossentropy(y_true[:1], p[:1], label_smoothing=0.5)
    np.testing.assert_allclose(smoothed, 0.75 * np.log(4) + 0.25 * np.log(4 / 3))
    logits = np.log(p / (1 - p))
    np.testing.assert_allclose(losses.binary_crossentropy_from_logits_grad(y_true, logits), [-0.375, 0.1])


BINARY = ["binary_crossentropy", "binary_crossentropy_from_logits"]


@settings(max_examples=40)
@given(SHAPES, DTYPES, st.sampled_from([0, 0.1, 0.5]), st.sampled_from([labels, shares]))
@pytest.mark.parametrize("name", BINARY)
def test_binary_crossentropy_and_its_gradient_equal_keras(name, shape, dtype, smoothing, truth):
    from_logits = name.endswith("logits")
    y_true = truth(*shape, dtype=dtype)
    prediction = 3 * numbers(*shape, dtype=dtype) if from_logits else shares(*shape, dtype=dtype, seed=1)
    loss = make("BinaryCrossentropy", dtype, from_logits=from_logits, label_smoothing=smoothing)
    expected = keras_loss(loss, y_true, prediction)
    assert_equal(ours(name, y_true, prediction, label_smoothing=smoothing), expected, dtype)


@settings(max_examples=40)
@given(st.integers(1, 6), DTYPES, st.sampled_from([0, 0.3]))
@pytest.mark.parametrize("name", BINARY)
def test_class_weights_are_the_sample_weights_of_keras(name, n, dtype, smoothing):
    from_logits = name.endswith("logits")
    y_true = labels(n, 1, dtype=dtype)
    prediction = numbers(n, 1, dtype=dtype) if from_logits else shares(n, 1, dtype=dtype, seed=1)
    loss = make("BinaryCrossentropy", dtype, from_logits=from_logits, label_smoothing=smoothing)
    expected = keras_loss(loss, y_true, prediction, np.where(y_true[:, 0] == 1, 4.5, 0.5))
    mine = ours(name, y_true, prediction, label_smoothing=smoothing, class_weight=(0.5, 4.5))
    assert_equal(mine, expected, dtype)


@given(SHAPES)
def test_binary_crossentropy_equals_scipy(shape):
    y_true, p = labels(*shape), shares(*shape)
    # scipy.special.xlogy(0, p) is 0 for any p
    expected = -np.mean(special.xlogy(y_true, p) + special.xlogy(1 - y_true, 1 - p))
    np.testing.assert_allclose(losses.binary_crossentropy(y_true, p), expected)
    np.testing.assert_allclose(losses.binary_crossentropy_from_logits(y_true, special.logit(p)), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_zero_and_one_are_clipped_and_get_no_gradient_as_in_keras(dtype):
    y_true = np.array([0.0, 1.0, 0.0, 1.0, 1.0], dtype)
    y_pred = np.array([0.0, 0.0, 1.0, 1.0, 1e-9], dtype)
    mine = ours("binary_crossentropy", y_true, y_pred)
    assert_equal(mine, keras_loss(make("BinaryCrossentropy", dtype), y_true, y_pred), dtype)
    assert mine[1].tolist() == [0] * 5


def test_the_binary_crossentropy_of_certainty_by_hand():
    np.testing.assert_allclose(losses.binary_crossentropy(np.ones(1), np.zeros(1)), -np.log(1e-7))
    np.testing.assert_allclose(losses.binary_crossentropy(np.zeros(1), np.ones(1)), -np.log(1e-7))
    np.testing.assert_allclose(losses.binary_crossentropy(np.ones(1), np.ones(1)), 1e-7, rtol=1e-6)
    np.testing.assert_allclose(losses.binary_crossentropy(np.zeros(1), np.zeros(1)), 1e-7, rtol=1e-6)
    y_pred = np.array([1e-7, 1 - 1e-7])  # on the border nothing is clipped
    np.testing.assert_allclose(losses.binary_crossentropy_grad(np.array([1.0, 0.0]), y_pred), [-5e6, 5e6])


@given(SHAPES, st.sampled_from([0, 0.2]), st.sampled_from([None, (0.5, 3)]))
@pytest.mark.parametrize("name", BINARY)
def test_binary_gradients_equal_central_differences(name, shape, smoothing, weights):
    prediction = numbers(*shape) if name.endswith("logits") else 0.1 + 0.8 * shares(*shape, seed=1)
    check(name, shares(*shape), prediction, label_smoothing=smoothing, class_weight=weights)


# ---------------------------------------------------------------- one of several classes


def test_one_hot_by_hand():
    rows = losses.one_hot([[0, 2], [1, 0]], 3)
    assert rows.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0]]]
    assert rows.dtype == np.float64
    assert losses.one_hot(1, 2).tolist() == [0, 1]
    assert losses.one_hot(np.zeros(2, np.uint8), 1).tolist() == [[1], [1]]


def test_categorical_crossentropy_by_hand():
    y_true, p = losses.one_hot([0, 2], 3), np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(losses.categorical_crossentropy(y_true, p), (np.log(2) + np.log(1.25)) / 2)
    weighted = losses.categorical_crossentropy(y_true, p, class_weight=[3, 0, 1])
    np.testing.assert_allclose(weighted, (3 * np.log(2) + np.log(1.25)) / 2)
    smoothed = losses.categorical_crossentropy(y_true[:1], p[:1], label_smoothing=0.3)
    np.testing.assert_allclose(smoothed, 0.8 * np.log(2) + 0.2 * np.log(4))
    gradient = losses.categorical_crossentropy_from_logits_grad(y_true, np.log(p))
    np.testing.assert_allclose(gradient, [[-0.25, 0.125, 0.125], [0.05, 0.05, -0.1]])


CATEGORICAL = ["categorical_crossentropy", "categorical_crossentropy_from_logits"]


@settings(max_examples=40)
@given(CLASS_SHAPES, DTYPES, st.sampled_from([0, 0.1, 0.5]))
@pytest.mark.parametrize("name", CATEGORICAL)
def test_categorical_crossentropy_and_its_gradient_equal_keras(name, shape, dtype, smoothing):
    from_logits = name.endswith("logits")
    y_true = rows_of_classes(*shape, dtype=dtype)
    prediction = 3 * numbers(*shape, dtype=dtype) if from_logits else shares(*shape, dtype=dtype, seed=1)
    loss = make("CategoricalCrossentropy", dtype, from_logits=from_logits, label_smoothing=smoothing)
    expected = keras_loss(loss, y_true, prediction)
    assert_equal(ours(name, y_true, prediction, label_smoothing=smoothing), expected, dtype)


@settings(max_examples=40)
@given(CLASS_SHAPES, DTYPES)
@pytest.mark.parametrize("name", CATEGORICAL)
def test_weighted_one_hot_labels_equal_sparse_labels_and_sample_weights_in_keras(name, shape, dtype):
    from_logits = name.endswith("logits")
    y_true = rows_of_classes(*shape, dtype=dtype)
    numbers_of_classes = y_true.argmax(axis=-1)
    weights = shares(shape[-1])
    prediction = numbers(*shape, dtype=dtype) if from_logits else shares(*shape, dtype=dtype, seed=1)
    if not from_logits:
        prediction /= prediction.sum(axis=-1, keepdims=True)
    loss = make("SparseCategoricalCrossentropy", dtype, from_logits=from_logits)
    value, _ = keras_loss(loss, numbers_of_classes, prediction, weights[numbers_of_classes].astype(dtype))
    np.testing.assert_allclose(
        getattr(losses, name)(y_true, prediction, 0, weights), value, **TOLERANCE[dtype]
    )
    loss = make("CategoricalCrossentropy", dtype, from_logits=from_logits)
    expected = keras_loss(loss, y_true, prediction, weights[numbers_of_classes].astype(dtype))
    assert_equal(ours(name, y_true, prediction, class_weight=weights), expected, dtype)


@given(CLASS_SHAPES)
def test_categorical_crossentropy_equals_a_loop(shape):
    y_true, p, weights = rows_of_classes(*shape), shares(*shape, seed=1), shares(shape[-1])
    p /= p.sum(axis=-1, keepdims=True)
    total = 0.0
    for sample in np.ndindex(shape[:-1]):
        label = int(np.flatnonzero(y_true[sample])[0])
        total -= weights[label] * np.log(p[sample][label])
    expected = total / np.prod(shape[:-1])
    np.testing.assert_allclose(losses.categorical_crossentropy(y_true, p, class_weight=weights), expected)
    mine = losses.categorical_crossentropy_from_logits(y_true, np.log(p) + 5, class_weight=weights)
    np.testing.assert_allclose(mine, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_divided_by_their_sum_and_clipped_as_in_keras(dtype):
    y_true = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype)
    y_pred = np.array([[0.0, 3.0], [0.0, 3.0], [1.0, 3.0]], dtype)
    mine = ours("categorical_crossentropy", y_true, y_pred)
    assert_equal(mine, keras_loss(make("CategoricalCrossentropy", dtype), y_true, y_pred), dtype)
    assert mine[1][:2].tolist() == [[0, 0], [0, 0]]


def test_the_categorical_crossentropy_of_certainty_by_hand():
    y_true, y_pred = (
        np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]),
        np.array([[0.0, 3.0], [0.0, 3.0], [1.0, 3.0]]),
    )
    values = [losses.categorical_crossentropy(y_true[i : i + 1], y_pred[i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(values, [-np.log(1e-7), 1e-7, np.log(4 / 3)], rtol=1e-6)
    gradient = losses.categorical_crossentropy_grad(y_true, y_pred)
    np.testing.assert_allclose(gradient, [[0, 0], [0, 0], [1 / 12, -1 / 36]], rtol=1e-12)


@given(CLASS_SHAPES, st.sampled_from([0, 0.2]), st.booleans())
@pytest.mark.parametrize("name", CATEGORICAL)
def test_categorical_gradients_equal_central_differences(name, shape, smoothing, weighted):
    prediction = numbers(*shape) if name.endswith("logits") else 0.1 + shares(*shape, seed=1)
    weights = shares(shape[-1]) if weighted else None
    check(name, shares(*shape), prediction, label_smoothing=smoothing, class_weight=weights)


def test_a_sample_may_stand_alone():
    y_true, logits = np.array([0.0, 1.0]), np.array([0.0, np.log(3.0)])
    np.testing.assert_allclose(losses.categorical_crossentropy_from_logits(y_true, logits), np.log(4 / 3))
    check("categorical_crossentropy_from_logits", y_true, logits)
    check("categorical_crossentropy", y_true, np.array([0.3, 0.5]))


# ---------------------------------------------------------------- logits of any size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "small"), [("binary_crossentropy_from_logits", 1), ("binary_focal_crossentropy_from_logits", 1)]
)
def test_binary_losses_of_logits_of_a_thousand_are_exact(name, small, dtype):
    y_true, logits = np.array([0.0, 1.0], dtype), np.array([1000.0, 1000.0], dtype)
    for sign, expected, gradient in [(1, (1000, 0), (1, 0)), (-1, (0, 1000), (0, -1))]:
        for i in (0, 1):
            value, slope = ours(name, y_true[i : i + 1], sign * logits[i : i + 1])
            assert value == expected[i]
            assert slope.tolist() == [gradient[i]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_categorical_losses_of_logits_of_a_thousand_are_exact(dtype):
    logits = np.array([[1000.0, -1000.0, 0.0]], dtype)
    for label, expected, gradient in [(0, 0, [0, 0, 0]), (1, 2000, [1, -1, 0]), (2, 1000, [1, 0, -1])]:
        value, slope = ours("categorical_crossentropy_from_logits", losses.one_hot([label], 3), logits)
        assert value == expected
        assert slope.tolist() == [gradient]


def test_a_tiny_surprise_keeps_its_digits():
    for name in BINARY[1:]:
        for y_true, logit in [(1.0, 40.0), (0.0, -40.0)]:
            value = getattr(losses, name)(np.array([y_true]), np.array([logit]))
            np.testing.assert_allclose(value, np.exp(-40), rtol=1e-12)


# ---------------------------------------------------------------- rare classes

FOCAL = ["binary_focal_crossentropy", "binary_focal_crossentropy_from_logits"]


def test_focal_crossentropy_by_hand():
    y_true, p = np.array([1.0, 0.0]), np.array([0.75, 0.5])
    expected = (0.25**2 * np.log(4 / 3) + 0.5**2 * np.log(2)) / 2
    np.testing.assert_allclose(losses.binary_focal_crossentropy(y_true, p), expected)
    np.testing.assert_allclose(
        losses.binary_focal_crossentropy_from_logits(y_true, special.logit(p)), expected
    )
    weighted = losses.binary_focal_crossentropy(y_true, p, 1.0, (10, 1))
    np.testing.assert_allclose(weighted, (0.25 * np.log(4 / 3) + 10 * 0.5 * np.log(2)) / 2)


@settings(max_examples=40)
@given(SHAPES, DTYPES, st.sampled_from([2.0, 0.5, 3.0]), st.sampled_from([None, 0.25]))
@pytest.mark.parametrize("name", FOCAL)
def test_focal_crossentropy_and_its_gradient_equal_keras(name, shape, dtype, gamma, alpha):
    from_logits = name.endswith("logits")
    y_true = labels(*shape, dtype=dtype)
    prediction = numbers(*shape, dtype=dtype) if from_logits else shares(*shape, dtype=dtype, seed=1)
    balance = {} if alpha is None else {"alpha": alpha, "apply_class_balancing": True}
    loss = make("BinaryFocalCrossentropy", dtype, from_logits=from_logits, gamma=gamma, **balance)
    weights = None if alpha is None else (1 - alpha, alpha)
    mine = ours(name, y_true, prediction, gamma=gamma, class_weight=weights)
    assert_equal(mine, keras_loss(loss, y_true, prediction), dtype)


@pytest.mark.parametrize("name", FOCAL)
def test_focal_defaults_are_those_of_keras(name):
    y_true, p = labels(5), shares(5, seed=1)
    prediction = special.logit(p) if name.endswith("logits") else p
    expected = keras_loss(make("BinaryFocalCrossentropy", np.float64), y_true, p)[0]
    np.testing.assert_allclose(getattr(losses, name)(y_true, prediction), expected, rtol=1e-9)
    np.testing.assert_array_equal(*(ours(name, y_true, prediction, **o)[1] for o in ({}, {"gamma": 2.0})))


@given(SHAPES, st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]), st.sampled_from([None, (0.5, 3)]))
@pytest.mark.parametrize("name", FOCAL)
def test_focal_gradients_equal_central_differences(name, shape, gamma, weights):
    prediction = numbers(*shape) if name.endswith("logits") else 0.1 + 0.8 * shares(*shape, seed=1)
    check(name, labels(*shape), prediction, gamma=gamma, class_weight=weights)


@given(SHAPES)
def test_without_focus_the_focal_loss_is_the_crossentropy(shape):
    y_true, p, logits = labels(*shape), shares(*shape, seed=1), 5 * numbers(*shape)
    for focal, plain, prediction in zip(FOCAL, BINARY, (p, logits), strict=True):
        for mine, expected in zip(
            ours(focal, y_true, prediction, gamma=0), ours(plain, y_true, prediction), strict=True
        ):
            np.testing.assert_allclose(mine, expected, atol=1e-15)


def test_the_focus_is_2_unless_told_otherwise():
    y_true, y_pred = np.array([1.0, 0.0]), np.array([0.3, 0.6])
    for name in ("binary_focal_crossentropy", "binary_focal_crossentropy_from_logits"):
        for mine, expected in zip(
            ours(name, y_true, y_pred), ours(name, y_true, y_pred, gamma=2), strict=True
        ):
            np.testing.assert_array_equal(mine, expected)


def test_clipped_probabilities_get_no_gradient_from_the_focal_loss():
    y_true, y_pred = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0])
    value, gradient = ours("binary_focal_crossentropy", y_true, y_pred)
    np.testing.assert_allclose(value, -np.log(1e-7) / 2, rtol=1e-6)
    assert gradient.tolist() == [0] * 4


# ---------------------------------------------------------------- overlap


def test_soft_dice_by_hand():
    y_true, y_pred = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.5, 1.0, 0.5, 0.0])
    value, gradient = ours("soft_dice", y_true, y_pred)
    np.testing.assert_allclose(value, 1 - 2 * 1.5 / (2 + 2))
    # 2 * (1.5 / 4 - y_true) / 4
    np.testing.assert_allclose(gradient, [-0.3125, -0.3125, 0.1875, 0.1875], rtol=1e-6)


def test_a_mask_without_a_pixel_costs_one_and_gives_no_gradient_as_in_keras():
    for y_pred in (np.zeros((2, 3)), shares(2, 3)):
        value, gradient = ours("soft_dice", np.zeros((2, 3)), y_pred)
        assert value == 1
        assert gradient.tolist() == np.zeros((2, 3)).tolist()
        assert keras_loss(make("Dice", np.float64), np.zeros((2, 3)), y_pred)[0] == 1


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 3), min_size=4, max_size=4).map(tuple),
    DTYPES,
    st.sampled_from([None, 1, (1, 2), (1, 2, 3)]),
)
def test_soft_dice_and_its_gradient_equal_keras(shape, dtype, axis):
    y_true, y_pred = labels(*shape, dtype=dtype), shares(*shape, dtype=dtype)
    expected = keras_loss(make("Dice", dtype, axis=axis), y_true, y_pred)
    assert_equal(ours("soft_dice", y_true, y_pred, axis=axis), expected, dtype)


@given(
    st.lists(st.integers(1, 3), min_size=4, max_size=4).map(tuple),
    st.sampled_from([None, -1, (1, 2), (0, 1, 2, 3)]),
)
def test_the_gradient_of_soft_dice_equals_central_differences(shape, axis):
    check("soft_dice", shares(*shape), shares(*shape, seed=1), axis=axis)


def test_soft_dice_of_a_perfect_mask_is_zero_and_is_averaged_over_the_other_axes():
    y_true = np.array([[1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(losses.soft_dice(y_true, y_true), 0, atol=1e-6)
    y_pred = np.array([[1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(losses.soft_dice(y_true, y_pred, axis=1), (0 + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(losses.soft_dice(y_true, y_pred), 1 - 2 / 4, atol=1e-6)


# ---------------------------------------------------------------- all losses

NAMES = ["mean_squared_error", "mean_absolute_error", "huber", *BINARY, *CATEGORICAL, *FOCAL, "soft_dice"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_the_prediction_decides_the_precision_and_arguments_are_left_alone(name, dtype):
    y_true, prediction = labels(4, 3), shares(4, 3, dtype=dtype)
    before = y_true.copy(), prediction.copy()
    options = {"class_weight": (1, 2, 3)[: 2 if "binary" in name else 3]} if "cross" in name else {}
    for keywords in ({}, options):
        value, gradient = ours(name, y_true, prediction, **keywords)
        assert value.dtype == gradient.dtype == dtype
        assert value.shape == ()
        assert gradient.shape == prediction.shape
    np.testing.assert_array_equal(y_true, before[0])
    np.testing.assert_array_equal(prediction, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_nan_in_a_prediction_passes_through(name):
    y_true, prediction = labels(4, 3), shares(4, 3)
    prediction[1, 2] = np.nan
    value, gradient = ours(name, y_true, prediction)
    assert np.isnan(value)
    assert np.isnan(gradient[1, 2])


@pytest.mark.parametrize("name", NAMES)
def test_a_step_against_the_gradient_lowers_the_loss(name):
    y_true, prediction = rows_of_classes(4, 3), shares(4, 3)
    value, gradient = ours(name, y_true, prediction)
    assert getattr(losses, name)(y_true, prediction - 0.01 * gradient) < value


# ---------------------------------------------------------------- messages


def refuses(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}_grad" for name in NAMES)])
def test_shapes_types_and_empty_arrays_are_named(name):
    loss, prediction = getattr(losses, name), "logits" if "logits" in name else "y_pred"
    x = np.ones((4, 3))
    with refuses("y_true must have shape (4, 3), received (4,)"):
        loss(np.ones(4), x)
    for integers in (0, 1):
        received = ("y_true", prediction)[integers]
        advice = f"convert it with {received}.astype(float)"
        with refuses(f"{received} must hold floating-point numbers, received int64: {advice}"):
            loss(*((x.astype(int), x) if integers == 0 else (x, x.astype(int))))
    with refuses(f"{prediction} must not be empty, received shape (0, 3)"):
        loss(x[:0], x[:0])
    if "categorical" in name:
        with refuses(f"{prediction} must have at least 1 axes (..., classes), received shape ()"):
            loss(x[0, 0], x[0, 0])


X = np.ones((4, 3))


@pytest.mark.parametrize("ending", ["", "_grad"])
@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["huber"], {"delta": 0}, "delta must be a finite number above 0, received 0"),
        (BINARY + CATEGORICAL, {"label_smoothing": 1}, "label_smoothing must lie in [0, 1), received 1"),
        (
            BINARY + CATEGORICAL,
            {"label_smoothing": -0.1},
            "label_smoothing must lie in [0, 1), received -0.1",
        ),
        (
            BINARY + FOCAL,
            {"class_weight": (1, 2, 3)},
            "class_weight must have classes = 2, received shape (3,) for the axes (classes)",
        ),
        (
            CATEGORICAL,
            {"class_weight": (1, 2)},
            "class_weight must have classes = 3, received shape (2,) for the axes (classes)",
        ),
        (FOCAL, {"class_weight": 2.0}, "class_weight must have 1 axes (classes), received shape ()"),
        (
            BINARY + FOCAL,
            {"class_weight": (1, -1)},
            "each class weight must be a finite number of at least 0, received -1.0",
        ),
        (FOCAL, {"gamma": -1}, "gamma must be a finite number of at least 0, received -1"),
    ],
)
def test_an_option_that_cannot_be_is_named(names, options, message, ending):
    for name in names:
        with refuses(message):
            getattr(losses, name + ending)(X, 0.5 * X, **options)


@pytest.mark.parametrize("name", [*FOCAL, *(f"{name}_grad" for name in FOCAL)])
def test_the_focal_loss_takes_only_yes_and_no(name):
    with refuses("y_true must hold 0 and 1 only, received 0.25"):
        getattr(losses, name)(np.array([1.0, 0.25, 0.0]), np.full(3, 0.5))


def test_labels_that_are_not_classes_are_named():
    for labels_, message in [
        ([0, 3], "labels must lie between 0 and 2, received 3"),
        ([0, -1], "labels must lie between 0 and 2, received -1"),
        ([0.0, 1.0], "labels must hold integers, received float64"),
    ]:
        with refuses(message):
            losses.one_hot(labels_, 3)
    with refuses("classes must be an integer of at least 1, received 0"):
        losses.one_hot([0], 0)


def test_an_axis_that_is_not_there_is_refused():
    for dice in (losses.soft_dice, losses.soft_dice_grad):
        with pytest.raises(ValueError, match="axis 2 is out of bounds for array of dimension 2"):
            dice(X, X, axis=2)


def test_lists_of_numbers_are_taken_as_arrays():
    assert losses.mean_squared_error([0.0, 0.0], [1.0, 3.0]) == 5
    assert losses.huber_grad([0.0, 0.0], [1.0, 4.0], 2).tolist() == [0.5, 1]
