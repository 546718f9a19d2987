"""Splits never share a patient, batches forget none, and the compiled loop is Keras' own training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.training import compiled_trainer, progress, random_split, shuffled_batches


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
    with pytest.raises(ValueError, match=r"at most n = 10, received \[8, 3\], sum 11"):
        random_split(10, (8, 3), np.random.default_rng(0))
    with pytest.raises(ValueError, match="each size must be an integer of at least 1, received 0"):
        random_split(10, (10, 0), np.random.default_rng(0))


def test_each_epoch_visits_every_row_once_when_batches_fit():
    rows = np.arange(100, 112)
    batches = shuffled_batches(rows, 4, 5, np.random.default_rng(0)).reshape(5, 12)
    assert (np.sort(batches, axis=1) == rows).all()
    assert len({tuple(epoch) for epoch in batches}) == 5


@given(n=st.integers(1, 40), batch_size=st.integers(1, 40), epochs=st.integers(1, 3))
def test_batches_are_full_and_hold_no_row_twice_in_an_epoch(n, batch_size, epochs):
    if n < batch_size:
        with pytest.raises(ValueError, match=f"must fill one batch of {batch_size}, received {n}"):
            shuffled_batches(np.arange(n), batch_size, epochs, np.random.default_rng(0))
        return
    batches = shuffled_batches(np.arange(n), batch_size, epochs, np.random.default_rng(0))
    assert batches.shape == (epochs * (n // batch_size), batch_size)
    for epoch in batches.reshape(epochs, -1):
        assert len(set(epoch)) == len(epoch)


def test_rows_that_sat_out_come_back_in_a_later_epoch():
    batches = shuffled_batches(np.arange(5), 2, 30, np.random.default_rng(0))
    assert set(batches.ravel()) == set(range(5))


@pytest.fixture(scope="module")
def small_problem():
    """32 rows of 3 columns, two classes, and a Keras network with a penalty on its weights."""
    import keras

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
        assert np.abs(weights - before).max() > 5e-3


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
