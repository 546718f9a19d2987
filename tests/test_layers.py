"""A network's gradients are right, its arrays have names, and each layer keeps the contract."""

import numpy as np
import pytest
from oracles import small_cnn

from helpers.gradcheck import check_gradient
from helpers.layers import BatchNorm, Conv2D, Dense, Dropout, Function, Sequential, glorot_uniform, he_normal
from helpers.pooling import max_pool2d, max_pool2d_grad


@pytest.mark.parametrize("training", [True, False])
def test_the_gradients_of_a_whole_network_equal_central_differences(training):
    rng = np.random.default_rng(0)
    model = small_cnn(rng, "float64")
    x, dy = rng.normal(size=(2, 8, 8, 1)), rng.normal(size=(2, 3))
    model.forward(rng.normal(size=(5, 8, 8, 1)), training=True)  # averages other than 0 and 1

    def network(x, *params):
        for array, values in zip(model.params.values(), params, strict=True):
            array[...] = values
        return model.forward(x, training)

    arguments = [x, *(array.copy() for array in model.params.values())]
    network(*arguments)
    dx = model.backward(dy)
    gradients = [dx, *(grad.copy() for grad in model.grads.values())]
    assert list(model.grads) == list(model.params)
    check_gradient(network, arguments, gradients, dy)


def test_params_are_named_by_the_place_of_their_layer():
    model = small_cnn(np.random.default_rng(0))
    names = ["0.kernel", "0.bias", "1.gamma", "1.beta", "4.kernel", "4.bias", "7.kernel", "7.bias"]
    assert list(model.params) == [*names, "9.kernel", "9.bias"]
    assert list(model.averages) == ["1.mean", "1.variance"]
    assert list(model.weights) == [*model.params, *model.averages]
    assert model.params["0.kernel"] is model.layers[0].params["kernel"]
    assert {array.dtype for array in model.weights.values()} == {np.dtype("float32")}
    assert all((model.params[name] == 0).all() for name in model.params if name.endswith(("bias", "beta")))


def test_a_network_inside_a_network_keeps_its_names():
    rng = np.random.default_rng(0)
    inner = Sequential(Dense(3, 3, rng), BatchNorm(3))
    model = Sequential(inner, Dense(3, 1, rng))
    x = rng.normal(size=(4, 3)).astype("float32")
    y = model.forward(x, training=True)
    assert model.backward(np.ones_like(y)).shape == x.shape
    assert list(model.weights) == [
        *("0.0.kernel", "0.0.bias", "0.1.gamma", "0.1.beta", "1.kernel", "1.bias"),
        *("0.1.mean", "0.1.variance"),
    ]
    assert (model.averages["0.1.mean"] != 0).all()


def test_batch_norm_tracks_averages_only_while_training():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(50, 4))
    layer = BatchNorm(4, momentum=0.75, epsilon=1e-5, dtype="float64")
    kept = layer.averages["mean"]
    layer.forward(x)
    assert (kept == 0).all()
    y = layer.forward(x, training=True)
    np.testing.assert_allclose(kept, 0.25 * x.mean(axis=0))
    np.testing.assert_allclose(layer.averages["variance"], 0.75 + 0.25 * x.var(axis=0))
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-4)
    variance = layer.averages["variance"]
    np.testing.assert_allclose(layer.forward(x), (x - kept) / np.sqrt(variance + 1e-5))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_uses_its_epsilon_on_both_ways(training):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    layer = BatchNorm(3, epsilon=0.5, dtype="float64")
    layer.forward(x, training)
    check_gradient(lambda x: layer.forward(x, training), [x], [layer.backward(dy)], dy)


def test_a_function_gets_its_settings_on_both_ways():
    rng = np.random.default_rng(0)
    x, settings = rng.normal(size=(2, 4, 6, 1)), {"window": (1, 3), "padding": "same"}
    layer = Function(max_pool2d, max_pool2d_grad, **settings)
    y = layer.forward(x)
    np.testing.assert_array_equal(y, max_pool2d(x, **settings))
    np.testing.assert_array_equal(layer.backward(y), max_pool2d_grad(x, y, **settings))


def test_dropout_drops_only_while_training():
    layer, x, dy = Dropout(0.75, np.random.default_rng(0)), np.full((50, 40), 3.0), np.full((50, 40), 2.0)
    assert layer.forward(x) is x
    np.testing.assert_array_equal(layer.backward(dy), dy)
    y = layer.forward(x, training=True)
    assert set(y.ravel()) == {0.0, 12.0}
    assert abs(y.mean() - 3) < 5 * 12 * (0.75 * 0.25 / y.size) ** 0.5
    np.testing.assert_array_equal(layer.backward(dy), np.where(y == 0, 0, 8))
    assert (layer.forward(x, training=True) != y).any()


def test_first_values_have_the_spread_of_their_rule():
    rng = np.random.default_rng(0)
    shape = (3, 5, 20, 40)  # fans of 300 and 600
    glorot, he = glorot_uniform(shape, rng), he_normal(shape, rng)
    assert glorot.shape == he.shape == shape
    assert 0.999 < np.abs(glorot).max() / (6 / 900) ** 0.5 <= 1
    assert abs(glorot.mean()) < 5 * (2 / 900 / glorot.size) ** 0.5
    assert he.std() == pytest.approx(
        (2 / 300) ** 0.5, rel=0.03
    )  # the error of a deviation is 0.7 / sqrt(12,000)
    assert glorot_uniform((4, 2), rng).max() <= 1
    np.testing.assert_array_equal(
        he_normal((4, 2), np.random.default_rng(1)), he_normal((4, 2), np.random.default_rng(1))
    )


def test_layers_draw_from_their_initializer():
    layers = [
        Dense(4, 2, np.random.default_rng(0), he_normal),
        Conv2D(2, 3, 3, np.random.default_rng(0), he_normal),
    ]
    for layer, shape in zip(layers, [(4, 2), (3, 3, 2, 3)], strict=True):
        expected = he_normal(shape, np.random.default_rng(0)).astype("float32")
        np.testing.assert_array_equal(layer.params["kernel"], expected)
    default = Dense(4, 2, np.random.default_rng(0)).params["kernel"]
    np.testing.assert_array_equal(default, glorot_uniform((4, 2), np.random.default_rng(0)).astype("float32"))
