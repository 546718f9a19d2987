"""Splits never share a patient, batches forget none; our loop and the compiled one train as Keras does."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import small_cnn

from helpers import losses
from helpers.layers import BatchNorm, Conv2D, Dense, Flatten, Sequential
from helpers.optimizers import adam, gradient_descent, momentum
from helpers.training import (
    EarlyStopping,
    compiled_trainer,
    fit,
    load_weights,
    mean_loss,
    predict,
    progress,
    random_split,
    save_weights,
    shuffled_batches,
    split_by_patient,
    train_step,
)

CROSS_ENTROPY = losses.categorical_crossentropy_from_logits, losses.categorical_crossentropy_from_logits_grad
SQUARES = losses.mean_squared_error, losses.mean_squared_error_grad


def test_document_003_split_deals_every_woman_once():
    sets = random_split(686, (480, 102, 104), np.random.default_rng(0))
    assert [len(rows) for rows in sets] == [480, 102, 104]
    np.testing.assert_array_equal(np.sort(np.concatenate(sets)), np.arange(686))


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), spare=st.integers(0, 5))
def test_sets_have_their_sizes_and_never_overlap(sizes, spare):
    n = sum(sizes) + spare
    sets = random_split(n, sizes, np.random.default_rng(1))
    together = np.concatenate(sets)
    assert [len(rows) for rows in sets] == sizes
    assert len(set(together)) == len(together)
    assert set(together) <= set(range(n))


def test_every_patient_is_equally_likely_in_the_test_set():
    rng = np.random.default_rng(2)
    counts = np.zeros(10)
    for _ in range(3000):
        counts[random_split(10, (7, 3), rng)[1]] += 1
    # 900 expected for each; the standard deviation of a count is 25.
    assert np.abs(counts - 900).max() < 5 * 25


def test_the_same_generator_state_gives_the_same_split_and_the_next_another():
    rng = np.random.default_rng(3)
    first, second = random_split(50, (50,), rng)[0], random_split(50, (50,), rng)[0]
    np.testing.assert_array_equal(first, random_split(50, (50,), np.random.default_rng(3))[0])
    assert (first != second).any()


def test_a_split_larger_than_the_data_says_so():
    with pytest.raises(ValueError, match=r"^sizes must add up to at most n = 10, received \[8, 3\], sum 11"):
        random_split(10, (8, 3), np.random.default_rng(0))
    with pytest.raises(ValueError, match="^each size must be an integer of at least 1, received 0"):
        random_split(10, (10, 0), np.random.default_rng(0))
    with pytest.raises(ValueError, match="^n must be an integer of at least 1, received 0"):
        random_split(0, (1,), np.random.default_rng(0))


def test_each_epoch_visits_every_row_once_when_batches_fit():
    rows = np.arange(100, 112)
    batches = shuffled_batches(rows, 4, 5, np.random.default_rng(0)).reshape(5, 12)
    assert (np.sort(batches, axis=1) == rows).all()
    assert len({tuple(epoch) for epoch in batches}) == 5


@given(n=st.integers(1, 40), batch_size=st.integers(1, 40), epochs=st.integers(1, 3))
def test_batches_are_full_and_hold_no_row_twice_in_an_epoch(n, batch_size, epochs):
    if n < batch_size:
        with pytest.raises(ValueError, match=f"^rows must fill one batch of {batch_size}, received {n}"):
            shuffled_batches(np.arange(n), batch_size, epochs, np.random.default_rng(0))
        return
    batches = shuffled_batches(np.arange(n), batch_size, epochs, np.random.default_rng(0))
    assert batches.shape == (epochs * (n // batch_size), batch_size)
    for epoch in batches.reshape(epochs, -1):
        assert len(set(epoch)) == len(epoch)


def test_batches_of_nothing_and_no_epochs_are_refused():
    with pytest.raises(ValueError, match="^batch_size must be an integer of at least 1, received 0"):
        shuffled_batches(np.arange(5), 0, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="^epochs must be an integer of at least 1, received 0"):
        shuffled_batches(np.arange(5), 2, 0, np.random.default_rng(0))


def test_rows_that_sat_out_come_back_in_a_later_epoch():
    batches = shuffled_batches(np.arange(5), 2, 30, np.random.default_rng(0))
    assert set(batches.ravel()) == set(range(5))


@pytest.fixture(scope="module")
def small_problem():
    """32 rows of 3 columns, two classes, and a Keras network with a penalty on its weights."""
    import keras

    keras.utils.set_random_seed(4)
    rng = np.random.default_rng(4)
    x = rng.normal(size=(32, 3)).astype("float32")
    y = (x[:, :1] + rng.normal(size=(32, 1)) > 0).astype("float32")
    hidden = keras.layers.Dense(5, activation="relu", kernel_regularizer=keras.regularizers.L2(0.1))
    network = keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, activation="sigmoid")])
    return keras, network, x, y


def test_compiled_trainer_takes_the_steps_of_keras_fit(small_problem):
    keras, network, x, y = small_problem
    start = network.get_weights()
    network.compile("adam", "binary_crossentropy")
    network.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0)
    expected = network.get_weights()

    batches = np.tile(np.arange(32).reshape(4, 8), (3, 1))
    compiled_trainer(network, "binary_crossentropy")(x, y, batches, start)
    for weights, reference, before in zip(network.get_weights(), expected, start, strict=True):
        # float32 sums in another order; each of the 12 steps moves a weight by about 1e-3
        np.testing.assert_allclose(weights, reference, atol=2e-6)
        assert np.abs(weights - before).max() > 1e-3


def test_compiled_trainer_starts_anew_each_time(small_problem):
    _, network, x, y = small_problem
    start = network.get_weights()
    train = compiled_trainer(network, "binary_crossentropy")
    batches = shuffled_batches(np.arange(32), 8, 2, np.random.default_rng(0))
    train(x, y, batches, start)
    first = network.get_weights()
    train(x, y, batches, start)
    for weights, again in zip(first, network.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, again)


def test_progress_yields_every_item_and_leaves_nothing_on_the_line(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert list(progress([1, 2, 3], "splits")) == [1, 2, 3]
    shown = capsys.readouterr()
    assert "splits" in shown.out
    assert shown.out.rsplit("\r", 2)[1].strip() == ""
    assert shown.err == ""


# ---------------------------------------------------------------- splits by patient


@given(groups=st.lists(st.integers(0, 12), min_size=1, max_size=40), seed=st.integers(0, 5))
def test_no_patient_is_on_both_sides_and_every_image_is_on_one(groups, seed):
    patients = len(set(groups))
    sizes = [patients] if patients < 3 else [patients - 2, 1, 1]
    sets = split_by_patient(groups, sizes, np.random.default_rng(seed))
    owners = [{groups[row] for row in rows} for rows in sets]
    assert [len(owner) for owner in owners] == sizes
    assert len(set().union(*owners)) == patients
    assert sorted(np.concatenate(sets)) == list(range(len(groups)))
    assert all((np.diff(rows) > 0).all() for rows in sets)


def test_patients_left_over_are_in_no_set():
    groups = np.repeat(["ann", "bob", "eve", "joy"], [1, 2, 3, 4])
    train, test = split_by_patient(groups, (2, 1), np.random.default_rng(1))
    assert len(set(groups[train])) == 2
    assert len(set(groups[test])) == 1
    assert not set(groups[train]) & set(groups[test])


def test_which_patients_are_dealt_depends_on_the_generator():
    groups = np.arange(30).repeat(2)
    first, again, other = (
        split_by_patient(groups, (15, 15), np.random.default_rng(seed))[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_groups_that_name_no_patient_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="^groups must name a patient in each row, received NaN"):
        split_by_patient([1.0, np.nan], (1,), rng)
    with pytest.raises(ValueError, match=r"^groups must have one axis, .* received shape \(2, 1\)"):
        split_by_patient([[1], [2]], (1,), rng)
    with pytest.raises(ValueError, match=r"^sizes must add up to at most n = 2, received \[3\], sum 3"):
        split_by_patient([5, 7, 7], (3,), rng)


# ---------------------------------------------------------------- training


@pytest.fixture
def digits():
    """64 images of 8×8 in three classes that differ, float32, and their classes one-hot."""
    rng = np.random.default_rng(5)
    classes = rng.integers(0, 3, size=64)
    x = rng.normal(size=(64, 8, 8, 1)) + rng.normal(size=(3, 8, 8, 1))[classes]
    return x.astype("float32"), np.eye(3, dtype="float32")[classes]


def in_keras():
    """The network of `small_cnn` in Keras."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="gelu"),
            layers.Dense(3),
        ]
    )


def test_a_cnn_trains_as_in_keras_from_the_same_weights(digits):
    import keras

    x, y = digits
    model, network = small_cnn(np.random.default_rng(0)), in_keras()
    w = model.weights
    order = [w["0.kernel"], w["0.bias"], w["1.gamma"], w["1.beta"], w["1.mean"], w["1.variance"]]
    network.set_weights([*order, *(w[name] for name in list(w)[4:10])])
    network.compile(
        keras.optimizers.SGD(0.02, momentum=0.9), keras.losses.CategoricalCrossentropy(from_logits=True)
    )

    batches, state = shuffled_batches(np.arange(64), 16, 5, np.random.default_rng(0)), {}
    rule = partial(momentum, learning_rate=0.02)
    ours = [train_step(model, x[rows], y[rows], CROSS_ENTROPY, rule, state) for rows in batches]
    # train_on_batch returns the mean over the batches since the last reset.
    theirs = []
    for rows in batches:
        network.reset_metrics()
        theirs.append(float(network.train_on_batch(x[rows], y[rows])))

    assert ours[-1] < 0.5 * ours[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    np.testing.assert_allclose(predict(model, x), network.predict(x, verbose=0), atol=1e-4)


def test_a_step_returns_the_loss_before_it_and_lowers_it(digits):
    x, y = digits
    model, state = small_cnn(np.random.default_rng(0)), {}
    before = CROSS_ENTROPY[0](y, model.forward(x, training=True))
    value = train_step(model, x, y, CROSS_ENTROPY, adam, state)
    assert value == pytest.approx(before)
    assert type(value) is float
    assert state["step"] == 1
    assert CROSS_ENTROPY[0](y, model.forward(x, training=True)) < value


def linear_problem():
    """64 rows that a weighted sum explains up to noise, in float64."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(64, 3))
    return x, x @ [[1.0], [-2.0], [0.5]] + 0.1 * rng.normal(size=(64, 1))


def test_fit_takes_the_steps_of_the_shuffled_batches_and_reports_their_mean():
    x, y = linear_problem()
    model, other = (Sequential(Dense(3, 1, np.random.default_rng(0), dtype="float64")) for _ in range(2))
    rule = partial(adam, learning_rate=0.05)
    history = fit(model, x, y, SQUARES, rule, np.random.default_rng(1), 3, batch_size=10)
    rng, state = np.random.default_rng(1), {}
    expected = []
    for _ in range(3):
        batches = shuffled_batches(np.arange(64), 10, 1, rng)
        expected.append(np.mean([train_step(other, x[b], y[b], SQUARES, rule, state) for b in batches]))
    assert history == {"loss": expected}
    assert state["step"] == 18
    np.testing.assert_array_equal(model.params["0.kernel"], other.params["0.kernel"])


def test_fit_finds_the_weights_and_measures_the_validation_loss():
    x, y = linear_problem()
    model = Sequential(Dense(3, 1, np.random.default_rng(0), dtype="float64"))
    rule = partial(momentum, learning_rate=0.02)
    history = fit(model, x[:48], y[:48], SQUARES, rule, np.random.default_rng(1), 40, 8, (x[48:], y[48:]))
    np.testing.assert_allclose(model.params["0.kernel"].ravel(), [1, -2, 0.5], atol=0.1)
    assert history["val_loss"][-1] == mean_loss(model, x[48:], y[48:], SQUARES) < 0.05
    assert len(history["loss"]) == len(history["val_loss"]) == 40
    assert {type(value) for values in history.values() for value in values} == {float}


def test_fitting_twice_with_one_state_equals_fitting_once():
    x, y = linear_problem()
    once, twice = (Sequential(Dense(3, 1, np.random.default_rng(0))) for _ in range(2))
    fit(once, x, y, SQUARES, adam, np.random.default_rng(1), 4)
    rng, state = np.random.default_rng(1), {}
    for _ in range(2):
        fit(twice, x, y, SQUARES, adam, rng, 2, state=state)
    assert state["step"] == 8
    np.testing.assert_array_equal(once.params["0.kernel"], twice.params["0.kernel"])


def test_fit_stops_when_validation_stalls_and_restores_the_best_weights():
    x, y = linear_problem()
    model = Sequential(Dense(3, 1, np.random.default_rng(0), dtype="float64"))
    validation = (x, y + 3)  # the bias would have to be 3: from some epoch on this loss rises
    rule = partial(gradient_descent, learning_rate=0.05)
    model.params["0.bias"][...] = 2
    history = fit(model, x, y, SQUARES, rule, np.random.default_rng(1), 50, 16, validation, patience=3)
    best = int(np.argmin(history["val_loss"]))
    assert len(history["val_loss"]) == best + 4 < 50
    assert mean_loss(model, *validation, SQUARES) == pytest.approx(history["val_loss"][best], rel=1e-12)


def test_early_stopping_restores_the_best_even_when_it_never_stopped():
    x, y = linear_problem()
    model = Sequential(Dense(3, 1, np.random.default_rng(0), dtype="float64"))
    model.params["0.bias"][...] = 2
    validation, rule = (x, y + 3), partial(gradient_descent, learning_rate=0.05)
    history = fit(model, x, y, SQUARES, rule, np.random.default_rng(1), 6, 16, validation, patience=6)
    assert len(history["val_loss"]) == 6
    assert mean_loss(model, *validation, SQUARES) == pytest.approx(min(history["val_loss"]), rel=1e-12)


@given(
    first=st.sampled_from([0.2, 0.3]),  # Keras takes a first NaN for the best that can be
    later=st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, np.nan]), max_size=12),
    patience=st.integers(1, 4),
)
def test_early_stopping_stops_and_restores_as_keras_does(first, later, patience):
    import keras

    values = [first, *later]

    class Model:
        stop_training, weight = False, None

        def get_weights(self):
            return [self.weight]

        def set_weights(self, weights):
            (self.weight,) = weights

    model, ours, weights = Model(), EarlyStopping(patience), {"w": np.array(-1.0)}
    keras_rule = keras.callbacks.EarlyStopping(
        "val", patience=patience, mode="min", restore_best_weights=True
    )
    keras_rule.set_model(model)
    keras_rule.on_train_begin()
    for epoch, value in enumerate(values):
        model.weight = float(epoch)
        weights["w"][...] = epoch
        keras_rule.on_epoch_end(epoch, {"val": value})
        stop = ours.should_stop(value, weights)
        assert stop == model.stop_training
        if stop:
            break
    keras_rule.on_train_end()
    ours.restore(weights)
    assert weights["w"] == model.weight


def test_early_stopping_by_hand():
    stopping, weights = EarlyStopping(2), {"w": np.zeros(1)}
    # An equal loss is no better one; after the second epoch without a better one it is enough.
    for epoch, (loss, stop) in enumerate(
        [(3, False), (2, False), (2, False), (1, False), (4, False), (1, True)]
    ):
        weights["w"][...] = epoch
        assert stopping.should_stop(loss, weights) == stop
    stopping.restore(weights)
    assert weights["w"] == 3


def test_a_first_loss_that_is_nan_is_no_best():
    stopping, weights = EarlyStopping(2), {"w": np.zeros(1)}
    assert not stopping.should_stop(np.nan, weights)
    weights["w"][...] = 1
    assert not stopping.should_stop(5.0, weights)
    weights["w"][...] = 2
    stopping.restore(weights)
    assert weights["w"] == 1


def test_early_stopping_keeps_the_averages_of_batch_norm():
    layer = BatchNorm(2, momentum=0, dtype="float64")
    model, stopping, rng = Sequential(layer), EarlyStopping(1), np.random.default_rng(0)
    model.forward(rng.normal(size=(9, 2)), training=True)
    stopping.should_stop(1.0, model.weights)
    best = layer.averages["mean"].copy()
    model.forward(rng.normal(size=(9, 2)), training=True)
    assert stopping.should_stop(2.0, model.weights)
    stopping.restore(model.weights)
    np.testing.assert_array_equal(layer.averages["mean"], best)


def test_predictions_do_not_depend_on_the_batches(digits):
    x, y = digits
    model = small_cnn(np.random.default_rng(0))
    whole = model.forward(x)
    np.testing.assert_allclose(predict(model, x), whole, atol=1e-6)
    np.testing.assert_allclose(predict(model, x, batch_size=10), whole, atol=1e-6)
    assert mean_loss(model, x, y, CROSS_ENTROPY, 10) == pytest.approx(CROSS_ENTROPY[0](y, whole))


def test_memory_is_limited_by_the_batch_size():
    class Model:
        weights, params, grads = {}, {}, {}

        def __init__(self):
            self.sizes = []

        def forward(self, x, training=False):
            self.sizes.append((len(x), training))
            return x

        def backward(self, dy):
            return dy

    def sizes(function, *arguments):
        model = Model()
        function(model, *arguments)
        return model.sizes

    x, rng = np.zeros((600, 1)), np.random.default_rng(0)
    halves = [(256, False), (256, False), (88, False)]
    assert sizes(predict, x) == sizes(mean_loss, x, x, SQUARES) == halves
    fitted = sizes(fit, x[:10], x[:10], SQUARES, lambda *_: None, rng, 1, 5, (x[:7], x[:7]))
    assert fitted == [(5, True), (5, True), (5, False), (2, False)]


def test_saved_weights_come_back_bit_for_bit_in_another_network(digits, tmp_path):
    x, _ = digits
    model, other = (small_cnn(np.random.default_rng(seed)) for seed in (0, 1))
    model.forward(x, training=True)
    save_weights(tmp_path / "cnn.npz", model)
    kernel = other.params["0.kernel"]
    load_weights(tmp_path / "cnn.npz", other)
    assert other.params["0.kernel"] is kernel
    assert [a.tobytes() for a in other.weights.values()] == [a.tobytes() for a in model.weights.values()]
    np.testing.assert_array_equal(other.forward(x), model.forward(x))


def test_weights_of_another_network_are_refused_and_nothing_changes(tmp_path):
    path, rng = tmp_path / "dense.npz", np.random.default_rng(0)
    save_weights(path, Sequential(Dense(3, 2, rng)))
    for wrong in Dense(2, 2, rng), Dense(3, 2, rng, dtype="float64"), Conv2D(3, 2, 1, rng), BatchNorm(2):
        model = Sequential(wrong)
        before = {name: array.copy() for name, array in model.weights.items()}
        with pytest.raises(
            ValueError, match=r"^the network needs .*, received .*'0.kernel': \(\(3, 2\), 'float32'\)"
        ):
            load_weights(path, model)
        for name, array in model.weights.items():
            np.testing.assert_array_equal(array, before[name])
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "none.npz", Sequential(Flatten()))


def test_fit_says_what_is_wrong_with_its_arguments():
    x, y = linear_problem()
    model, rng = Sequential(Dense(3, 1, np.random.default_rng(0))), np.random.default_rng(0)
    settings = model, x, y, SQUARES, adam, rng
    with pytest.raises(ValueError, match="^x and y must have the same length, received 64 and 63"):
        fit(model, x, y[1:], SQUARES, adam, rng, 1)
    with pytest.raises(ValueError, match="^patience needs validation data .* received validation=None"):
        fit(*settings, 1, patience=2)
    with pytest.raises(ValueError, match="^patience must be an integer of at least 1, received 0"):
        fit(*settings, 1, validation=(x, y), patience=0)
    with pytest.raises(ValueError, match="^epochs must be an integer of at least 1, received 0"):
        fit(*settings, 0)
    with pytest.raises(ValueError, match="^batch_size must be an integer of at least 1, received 0"):
        predict(model, x, 0)


def test_progress_is_silent_where_the_environment_says_so(capsys, monkeypatch):
    for value, silent in [("1", True), ("0", False)]:
        monkeypatch.setenv("TQDM_DISABLE", value)
        assert list(progress([1, 2], "splits")) == [1, 2]
        assert (capsys.readouterr().out == "") == silent


def test_fit_shows_one_line_with_the_losses_and_takes_it_away(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    x, y = linear_problem()
    model = Sequential(Dense(3, 1, np.random.default_rng(0)))
    fit(model, x, y, SQUARES, adam, np.random.default_rng(0), 1)
    assert capsys.readouterr().out.startswith("\rfit: ")
    fit(model, x, y, SQUARES, adam, np.random.default_rng(0), 3, validation=(x, y), label="bias")
    shown = capsys.readouterr()
    assert shown.out.startswith("\rbias: ")
    assert "val_loss=" in shown.out
    assert "\n" not in shown.out
    assert shown.out.rsplit("\r", 2)[1].strip() == ""
    assert shown.err == ""
