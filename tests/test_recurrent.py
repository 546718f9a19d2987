"""Recurrent layers equal their definition in loops and Keras, masks included; gradients equal differences."""

import re
from dataclasses import dataclass, field
from math import exp, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import recurrent
from helpers.gradcheck import check_gradient
from helpers.recurrent import Steps

TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-9, "atol": 1e-12}}


@dataclass(frozen=True)
class Kind:
    """A layer, its gradient, its class in Keras, and how many blocks of columns its weights have."""

    layer: object
    grad: object
    keras: str
    blocks: int
    biases: tuple = ()
    options: dict = field(default_factory=dict)
    keras_options: dict = field(default_factory=dict)

    @property
    def states(self):
        return 2 if self.layer is recurrent.lstm else 1

    def run(self, x, weights, state, mask=None):
        """Outputs and steps; `state` is a list of arrays."""
        return self.layer(x, *weights, state=self.pack(state), mask=mask, **self.options)

    def run_grad(self, x, weights, steps, dy, dlast, mask=None, **options):
        """Gradients as one list: of x, kernel, recurrent kernel, bias, and each state."""
        *others, dstate = self.grad(
            x, *weights, steps, dy, dlast=self.pack(dlast), mask=mask, **self.options, **options
        )
        return [*others, *(dstate if self.states == 2 else [dstate])]

    def pack(self, arrays):
        """One state as the layer takes it."""
        if arrays is None:
            return None
        return tuple(arrays) if self.states == 2 else arrays[0]

    def last(self, steps):
        return [steps.h[:, -1], steps.c[:, -1]] if self.states == 2 else [steps.h[:, -1]]


KINDS = {
    "simple_rnn": Kind(recurrent.simple_rnn, recurrent.simple_rnn_grad, "SimpleRNN", 1),
    "lstm": Kind(recurrent.lstm, recurrent.lstm_grad, "LSTM", 4),
    "gru": Kind(recurrent.gru, recurrent.gru_grad, "GRU", 3, biases=(2,)),
    "gru, reset before": Kind(
        recurrent.gru, recurrent.gru_grad, "GRU", 3, (), {"reset": "before"}, {"reset_after": False}
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def numbers(*shape, dtype=np.float64, seed=0):
    """Numbers that must not be changed: writing to them raises."""
    array = np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)
    array.setflags(write=False)
    return array


def arguments(kind, n, t, d, units, dtype=np.float64):
    """Draw x, weights, state, dy and dlast."""
    columns = kind.blocks * units
    shapes = (d, columns), (units, columns), (*kind.biases, columns)
    x, dy = numbers(n, t, d, dtype=dtype), numbers(n, t, units, dtype=dtype, seed=1)
    weights = [numbers(*shape, dtype=dtype, seed=2) for shape in shapes]
    state, dlast = (
        [numbers(n, units, dtype=dtype, seed=seed + k) for k in range(kind.states)] for seed in (3, 5)
    )
    return x, weights, state, dy, dlast


def frozen(array):
    array = np.array(array)
    array.setflags(write=False)
    return array


@st.composite
def cases(draw):
    """Draw sizes, a mask or none, and a precision."""
    n, t, d, units = (draw(st.integers(1, most)) for most in (3, 5, 3, 3))
    masks = st.lists(st.lists(st.booleans(), min_size=t, max_size=t), min_size=n, max_size=n)
    mask = draw(st.none() | masks.map(frozen))
    return (n, t, d, units), mask, draw(st.sampled_from([np.float32, np.float64]))


def assert_equal(ours, theirs, dtype):
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, expected, **TOLERANCE[dtype])


# ---------------------------------------------------------------- by hand
#
# sigmoid(log 3) = 3 / 4, sigmoid(log 4) = 4 / 5, tanh(log 2) = 3 / 5, tanh(log 3) = 4 / 5


def test_simple_rnn_by_hand():
    x = np.log([[[2.0], [3.0]]])
    weights = np.array([[1.0]]), np.array([[10.0]]), np.array([-6.0])
    y, steps = recurrent.simple_rnn(x, *weights, state=np.array([[0.6]]))
    # 0.6 * 10 - 6 = 0 is added to log 2, and 0 to log 3
    np.testing.assert_allclose(y, [[[0.6], [0.8]]])
    np.testing.assert_allclose(steps.h, [[[0.6], [0.6], [0.8]]])
    assert steps.c is None
    assert steps.gates is None
    dx, dkernel, drecurrent_kernel, dbias, dstate = recurrent.simple_rnn_grad(
        x, *weights, steps, np.array([[[0.0], [1.0]]])
    )
    dz2 = 1 - 0.8**2
    dz1 = 10 * dz2 * (1 - 0.6**2)
    np.testing.assert_allclose(dx, [[[dz1], [dz2]]])
    np.testing.assert_allclose(dkernel, [[dz1 * np.log(2) + dz2 * np.log(3)]])
    np.testing.assert_allclose(drecurrent_kernel, [[dz1 * 0.6 + dz2 * 0.6]])
    np.testing.assert_allclose(dbias, [dz1 + dz2])
    np.testing.assert_allclose(dstate, [[10 * dz1]])


def test_lstm_by_hand():
    kernel, recurrent_kernel = np.zeros((1, 4)), np.zeros((1, 4))
    bias = np.array([np.log(3), 0.0, np.log(2), np.log(4)])  # gates 3/4, 1/2, 4/5; candidate 3/5
    x, dy = np.ones((1, 2, 1)), np.array([[[0.0], [1.0]]])
    y, steps = recurrent.lstm(x, kernel, recurrent_kernel, bias)
    c1, c2 = 0.75 * 0.6, 0.5 * (0.75 * 0.6) + 0.75 * 0.6
    np.testing.assert_allclose(steps.gates, [[[0.75, 0.5, 0.6, 0.8]] * 2])
    np.testing.assert_allclose(steps.c, [[[0], [c1], [c2]]])
    np.testing.assert_allclose(y, [[[0.8 * tanh(c1)], [0.8 * tanh(c2)]]])
    *_, dbias, (dh, dc) = recurrent.lstm_grad(x, kernel, recurrent_kernel, bias, steps, dy)
    dc2 = 0.8 * (1 - tanh(c2) ** 2)
    dc1 = 0.5 * dc2
    expected = [
        (dc1 + dc2) * 0.6 * 0.75 * 0.25,
        dc2 * c1 * 0.5 * 0.5,  # the cell before the first step is 0
        (dc1 + dc2) * 0.75 * (1 - 0.6**2),
        tanh(c2) * 0.8 * 0.2,
    ]
    np.testing.assert_allclose(dbias, expected)
    np.testing.assert_allclose(dh, [[0]])
    np.testing.assert_allclose(dc, [[0.5 * dc1]])


@pytest.mark.parametrize(
    ("reset", "bias"),
    [
        # update gate 1/4, reset gate 4/5, candidate tanh(log 2) = 3/5
        ("after", [[-np.log(3) - 1, np.log(4) - 2, np.log(2) - 4.0], [1, 2, 5.0]]),
        ("before", [-np.log(3), np.log(4), np.log(2)]),
    ],
)
def test_gru_by_hand(reset, bias):
    x, kernel, recurrent_kernel = np.ones((1, 2, 1)), np.zeros((1, 3)), np.zeros((1, 3))
    y, steps = recurrent.gru(x, kernel, recurrent_kernel, np.array(bias), reset=reset)
    np.testing.assert_allclose(steps.gates, [[[0.25, 0.8, 0.6]] * 2])
    np.testing.assert_allclose(y, [[[0.75 * 0.6], [0.25 * 0.45 + 0.75 * 0.6]]])
    np.testing.assert_allclose(steps.h[:, 1:], y)
    assert steps.c is None


def test_gru_resets_after_the_product_unless_told_otherwise():
    kind = KINDS["gru"]
    x, weights, state, dy, _ = arguments(kind, 2, 3, 2, 2)
    named = recurrent.gru(x, *weights, state[0], reset="after")
    y, steps = recurrent.gru(x, *weights, state[0])
    np.testing.assert_array_equal(y, named[0])
    ours, theirs = (recurrent.gru_grad(x, *weights, steps, dy, **o) for o in ({}, {"reset": "after"}))
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_the_two_reset_conventions_differ():
    x, (kernel, recurrent_kernel, _), state, _, _ = arguments(KINDS["gru"], 2, 3, 2, 2)
    after, _ = recurrent.gru(x, kernel, recurrent_kernel, np.zeros((2, 6)), state[0])
    before, _ = recurrent.gru(x, kernel, recurrent_kernel, np.zeros(6), state[0], reset="before")
    assert np.abs(after - before).max() > 0.01


def test_padding_mask_by_hand():
    mask = recurrent.padding_mask([2, 0, 3], 3)
    assert mask.dtype == bool
    assert mask.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert recurrent.padding_mask(np.array([1]), 1).tolist() == [[True]]


# ---------------------------------------------------------------- loops


def sigmoid(z):
    return 1 / (1 + exp(-z))


def gate(kind, weights, block, x, h, unit, row=None):
    """Sums of inputs and states that one unit of one block receives, and its biases: three numbers."""
    kernel, recurrent_kernel, bias = weights
    column = block * recurrent_kernel.shape[0] + unit
    from_x = sum(x[i] * kernel[i, column] for i in range(len(x)))
    from_h = sum(h[j] * recurrent_kernel[j, column] for j in range(len(h)))
    biases = bias[:, column] if bias.ndim == 2 else [bias[column], 0.0]
    return from_x + biases[0], from_h + biases[1]


def loop_step(name, weights, x, h, c):
    """State after one step of one sequence, unit by unit."""
    units = range(len(h))

    def z(block, unit, h=h):
        return sum(gate(KINDS[name], weights, block, x, h, unit))

    if name == "simple_rnn":
        return [tanh(z(0, u)) for u in units], c
    if name == "lstm":
        new = [sigmoid(z(1, u)) * c[u] + sigmoid(z(0, u)) * tanh(z(2, u)) for u in units]
        return [sigmoid(z(3, u)) * tanh(new[u]) for u in units], new
    reset = [sigmoid(z(1, u)) for u in units]
    if name == "gru":
        parts = [gate(KINDS[name], weights, 2, x, h, u) for u in units]
        candidate = [
            tanh(from_x + reset[u] * from_h) for u, (from_x, from_h) in zip(units, parts, strict=True)
        ]
    else:
        candidate = [tanh(z(2, u, [r * s for r, s in zip(reset, h, strict=True)])) for u in units]
    update = [sigmoid(z(0, u)) for u in units]
    return [update[u] * h[u] + (1 - update[u]) * candidate[u] for u in units], c


@settings(max_examples=40)
@given(st.sampled_from(sorted(KINDS)), cases())
def test_layers_equal_loops(name, case):
    sizes, mask, dtype = case
    kind = KINDS[name]
    x, weights, state, dy, _ = arguments(kind, *sizes, dtype)
    y, steps = kind.run(x, weights, state, mask)
    assert y.dtype == steps.h.dtype == dtype
    assert y.shape == dy.shape
    assert y.flags.c_contiguous
    for n in range(len(x)):
        h, c, output = state[0][n], state[-1][n], np.zeros(y.shape[2])
        np.testing.assert_array_equal(steps.h[n, 0], h)
        for t in range(x.shape[1]):
            if mask is None or mask[n, t]:
                h, c = loop_step(name, weights, x[n, t], h, c)
                output = h
            np.testing.assert_allclose(y[n, t], output, **TOLERANCE[dtype])
            np.testing.assert_allclose(steps.h[n, t + 1], h, **TOLERANCE[dtype])
            if name == "lstm":
                np.testing.assert_allclose(steps.c[n, t + 1], c, **TOLERANCE[dtype])


# ---------------------------------------------------------------- Keras


def keras_layer(kind, weights, dtype, d, **options):
    import keras

    units = weights[1].shape[0]
    layer = getattr(keras.layers, kind.keras)(
        units, return_sequences=True, return_state=True, dtype=dtype.__name__, **kind.keras_options, **options
    )
    layer.build((None, None, d))
    layer.set_weights(weights)
    return layer


def keras_gradients(layer, x, state, mask, dy, dlast):
    """Outputs, last state, and the gradients of x, state and weights, by automatic differentiation."""
    import tensorflow as tf

    x, *state = tensors = [tf.constant(array) for array in (x, *state)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y, *last = layer(x, initial_state=state, mask=None if mask is None else tf.constant(mask))
        loss = sum(tf.reduce_sum(a * b) for a, b in zip([y, *last], [dy, *dlast], strict=True))
    dtensors, dweights = tape.gradient(
        loss, [tensors, list(layer.trainable_weights)], unconnected_gradients="zero"
    )
    return [array.numpy() for array in (y, *last, dtensors[0], *dweights, *dtensors[1:])]


@every_kind
@settings(max_examples=8)
@given(case=cases())
def test_layers_and_all_gradients_equal_keras(kind, case):
    sizes, mask, dtype = case
    x, weights, state, dy, dlast = arguments(kind, *sizes, dtype)
    y, steps = kind.run(x, weights, state, mask)
    gradients = kind.run_grad(x, weights, steps, dy, dlast, mask)
    theirs = keras_gradients(keras_layer(kind, weights, dtype, sizes[2]), x, state, mask, dy, dlast)
    assert_equal([y, *kind.last(steps), *gradients], theirs, dtype)


@every_kind
@settings(max_examples=4)
@given(case=cases())
def test_both_directions_and_their_gradients_equal_keras(kind, case):
    import keras

    (n, t, d, units), mask, dtype = case
    x, forward, first, _, dlast = arguments(kind, n, t, d, units, dtype)
    backward = [frozen(w[..., ::-1]) for w in forward]
    second, dlast_back = [frozen(-s) for s in first], [frozen(2 * s) for s in dlast]
    dy = numbers(n, t, 2 * units, dtype=dtype)
    states = kind.pack(first), kind.pack(second)
    y, steps = recurrent.bidirectional(kind.layer, x, forward, backward, states, mask, **kind.options)
    dx, *directions = recurrent.bidirectional_grad(
        kind.grad,
        x,
        forward,
        backward,
        steps,
        dy,
        (kind.pack(dlast), kind.pack(dlast_back)),
        mask,
        **kind.options,
    )
    layer = keras.layers.Bidirectional(
        keras_layer(kind, forward, dtype, d),
        backward_layer=keras_layer(kind, backward, dtype, d, go_backwards=True),
        dtype=dtype.__name__,
    )
    layer.build((None, None, d))
    layer.set_weights([*forward, *backward])
    theirs = keras_gradients(layer, x, [*first, *second], mask, dy, [*dlast, *dlast_back])
    dweights = [array for direction in directions for array in direction[:3]]
    dstates = [direction[3] for direction in directions]
    dstates = [array for d in dstates for array in d] if kind.states == 2 else dstates
    last = [*kind.last(steps[0]), *kind.last(steps[1])]
    assert_equal([y, *last, dx, *dweights, *dstates], theirs, dtype)


# ---------------------------------------------------------------- gradients


@every_kind
@pytest.mark.parametrize("padded", [False, True], ids=["", "padded"])
def test_gradients_equal_central_differences(kind, padded):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 2, 3)
    mask = np.array([[False, True, False, True], [True, True, True, False]]) if padded else None

    def outputs(x, kernel, recurrent_kernel, bias, *state):
        y, steps = kind.run(x, (kernel, recurrent_kernel, bias), state, mask)
        return np.concatenate([y.ravel(), *(last.ravel() for last in kind.last(steps))])

    _, steps = kind.run(x, weights, state, mask)
    gradients = kind.run_grad(x, weights, steps, dy, dlast, mask)
    downstream = np.concatenate([dy.ravel(), *(array.ravel() for array in dlast)])
    assert check_gradient(outputs, [x, *weights, *state], gradients, downstream) < 1e-6


def pieces(kind, x, weights, state, dy, dlast, every):
    """Gradients of pieces of `every` steps, each alone and from the state that the piece before left."""
    dx, dweights, first = [], [np.zeros(w.shape) for w in weights], None
    for start in range(0, x.shape[1], every):
        part = slice(start, start + every)
        _, steps = kind.run(x[:, part], weights, state)
        end = dlast if start + every >= x.shape[1] else None
        dpart, *gradients = kind.run_grad(x[:, part], weights, steps, dy[:, part], end)
        state = kind.last(steps)
        dx.append(dpart)
        dweights = [total + g for total, g in zip(dweights, gradients[:3], strict=True)]
        first = gradients[3:] if first is None else first
    return [np.concatenate(dx, axis=1), *dweights, *first]


@every_kind
@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_truncation_is_the_gradient_of_the_pieces(kind, every):
    x, weights, state, dy, dlast = arguments(kind, 2, 5, 2, 3)
    _, steps = kind.run(x, weights, state)
    ours = kind.run_grad(x, weights, steps, dy, dlast, truncate_every=every)
    assert_equal(ours, pieces(kind, x, weights, state, dy, dlast, every), np.float64)


@every_kind
def test_truncation_no_shorter_than_the_sequence_gives_the_complete_gradient(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 2, 3)
    _, steps = kind.run(x, weights, state)
    complete = kind.run_grad(x, weights, steps, dy, dlast)
    for every in (4, np.int64(5), None):
        ours = kind.run_grad(x, weights, steps, dy, dlast, truncate_every=every)
        for mine, expected in zip(ours, complete, strict=True):
            np.testing.assert_array_equal(mine, expected)
    shorter = kind.run_grad(x, weights, steps, dy, dlast, truncate_every=3)
    assert np.abs(shorter[2] - complete[2]).max() > 0.01


@every_kind
def test_truncation_keeps_the_precision_also_across_padding(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 2, 3)
    mask = np.array([[False, False, True, True], [True, True, False, True]])
    _, steps = kind.run(x, weights, state, mask)
    ours = kind.run_grad(x, weights, steps, dy, dlast, mask, truncate_every=1)
    assert [array.dtype for array in ours] == [np.float64] * len(ours)
    for gradient in ours[4:]:  # of the first state: it passes the padding of the first sequence and is cut
        assert (gradient[0] == 0).all()
        assert (gradient[1] != 0).all()


@every_kind
def test_left_out_state_and_dlast_are_zero(kind):
    x, weights, _, dy, _ = arguments(kind, 2, 3, 2, 3)
    zeros = [np.zeros((2, 3))] * kind.states
    y, steps = kind.layer(x, *weights, **kind.options)
    theirs, other = kind.run(x, weights, zeros)
    np.testing.assert_array_equal(y, theirs)
    ours = kind.run_grad(x, weights, steps, dy, None)
    for mine, expected in zip(ours, kind.run_grad(x, weights, other, dy, zeros), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_one_half_of_an_lstm_state_may_be_left_out():
    kind = KINDS["lstm"]
    x, weights, (h, c), dy, (dh, dc) = arguments(kind, 2, 3, 2, 3)
    zeros = np.zeros((2, 3))
    for part, complete in (((h, None), (h, zeros)), ([None, c], (zeros, c))):
        ours, theirs = (recurrent.lstm(x, *weights, state=state)[0] for state in (part, complete))
        np.testing.assert_array_equal(ours, theirs)
    _, steps = recurrent.lstm(x, *weights, state=(h, c))
    for part, complete in (((dh, None), (dh, zeros)), ([None, dc], (zeros, dc))):
        ours, theirs = (recurrent.lstm_grad(x, *weights, steps, dy, dlast=d)[0] for d in (part, complete))
        np.testing.assert_array_equal(ours, theirs)


# ---------------------------------------------------------------- what the layers are for


def test_an_lstm_with_open_forget_gates_carries_cell_and_gradient_unchanged():
    kernel, recurrent_kernel = np.zeros((1, 8)), np.zeros((2, 8))
    bias = np.repeat([-1000.0, 1000.0, 0.0, 0.0], 2)  # nothing is written, nothing forgotten
    c = np.array([[0.3, -2.0]])
    x, dy, dc = np.ones((1, 50, 1)), np.zeros((1, 50, 2)), np.array([[5.0, 7.0]])
    _, steps = recurrent.lstm(x, kernel, recurrent_kernel, bias, state=(np.zeros((1, 2)), c))
    assert (steps.c == c).all()
    *_, (_, dfirst) = recurrent.lstm_grad(
        x, kernel, recurrent_kernel, bias, steps, dy, dlast=(np.zeros((1, 2)), dc)
    )
    assert dfirst.tolist() == dc.tolist()


def test_a_gru_with_update_gate_1_keeps_its_state():
    bias = np.repeat([1000.0, 0.0, 0.0], 2)
    h = np.array([[0.3, -2.0]])
    y, _ = recurrent.gru(np.ones((1, 50, 1)), np.zeros((1, 6)), np.ones((2, 6)), bias, h, reset="before")
    assert (y == h).all()


@every_kind
def test_the_backward_direction_is_the_layer_on_reversed_time(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 2, 3)
    weights_back = [frozen(-w) for w in weights]
    reverse = frozen(x[:, ::-1])
    y, (_, steps) = recurrent.bidirectional(
        kind.layer, x, weights, weights_back, (None, kind.pack(state)), **kind.options
    )
    alone, steps_alone = kind.run(reverse, weights_back, state)
    np.testing.assert_array_equal(y[..., 3:], alone[:, ::-1])
    np.testing.assert_array_equal(steps.h, steps_alone.h)
    np.testing.assert_array_equal(y[..., :3], kind.layer(x, *weights, **kind.options)[0])


@every_kind
def test_the_two_directions_may_differ_in_size_and_take_options(kind):
    x, forward, state, dy, dlast = arguments(kind, 2, 4, 2, 3)
    _, backward, state_back, dy_back, dlast_back = arguments(kind, 2, 4, 2, 1)
    states, dlasts = (kind.pack(state), kind.pack(state_back)), (kind.pack(dlast), kind.pack(dlast_back))
    both = np.concatenate([dy, dy_back], axis=2)
    y, steps = recurrent.bidirectional(kind.layer, x, forward, backward, states, **kind.options)
    options = {"truncate_every": 2, **kind.options}
    dx, dforward, dbackward = recurrent.bidirectional_grad(
        kind.grad, x, forward, backward, steps, both, dlasts, **options
    )
    np.testing.assert_array_equal(y[..., :3], kind.run(x, forward, state)[0])
    np.testing.assert_array_equal(y[..., 3:], kind.run(x[:, ::-1], backward, state_back)[0][:, ::-1])
    first = kind.grad(x, *forward, steps[0], dy, dlasts[0], **options)
    second = kind.grad(x[:, ::-1], *backward, steps[1], dy_back[:, ::-1], dlasts[1], **options)
    np.testing.assert_array_equal(dx, first[0] + second[0][:, ::-1])
    for ours, alone in ((dforward, first), (dbackward, second)):
        assert isinstance(ours, tuple)
        for mine, expected in zip(ours, alone[1:], strict=True):
            np.testing.assert_array_equal(mine, expected)


@every_kind
def test_both_directions_give_zero_at_padded_steps_and_ignore_their_gradient(kind):
    x, weights, _, dy, _ = arguments(kind, 2, 4, 2, 3)
    mask = np.array([[False, True, False, True], [True, True, False, False]])
    both = np.concatenate([dy, dy], axis=2)
    results = []
    for padding in (0.0, np.nan):
        padded, dpadded = (np.where(mask[:, :, None], array, padding) for array in (x, both))
        y, steps = recurrent.bidirectional(kind.layer, padded, weights, weights, mask=mask, **kind.options)
        dx, *directions = recurrent.bidirectional_grad(
            kind.grad, padded, weights, weights, steps, dpadded, mask=mask, **kind.options
        )
        assert (y[~mask] == 0).all()
        assert (y[mask] != 0).all()
        assert (dx[~mask] == 0).all()
        results.append([y, dx, *(array for direction in directions for array in direction[:3])])
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(mine, expected)


@every_kind
def test_what_padded_steps_hold_matters_to_nothing(kind):
    x, weights, state, dy, dlast = arguments(kind, 3, 4, 2, 3)
    mask = np.array([[True, False, True, True], [False, True, True, False], [False] * 4])
    results = []
    for padding in (0.0, 5.0, np.nan, np.inf):
        padded = frozen(np.where(mask[:, :, None], x, padding))
        y, steps = kind.run(padded, weights, state, mask)
        gradients = kind.run_grad(padded, weights, steps, dy, dlast, mask)
        results.append([y, steps.h, *gradients])
    for other in results[1:]:
        for mine, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(mine, expected)
    assert (results[0][2][~mask] == 0).all()  # dx


@every_kind
def test_a_padded_sequence_equals_the_short_one(kind):
    x, weights, state, dy, dlast = arguments(kind, 1, 5, 2, 3)
    y, steps = kind.run(x, weights, state, recurrent.padding_mask([3], 5))
    short, short_steps = kind.run(x[:, :3], weights, state)
    np.testing.assert_array_equal(y[:, :3], short)
    np.testing.assert_array_equal(y[:, 3:], y[:, [2, 2]])
    np.testing.assert_array_equal(steps.h[:, :4], short_steps.h)
    dy = frozen(np.where(np.arange(5)[:, None] < 3, dy, 0))
    ours = kind.run_grad(x, weights, steps, dy, dlast, recurrent.padding_mask([3], 5))
    theirs = kind.run_grad(x[:, :3], weights, short_steps, dy[:, :3], dlast)
    assert_equal([ours[0][:, :3], *ours[1:]], theirs, np.float64)


@every_kind
def test_before_the_first_real_step_the_output_is_zero_and_the_state_waits(kind):
    x, weights, state, dy, _ = arguments(kind, 1, 3, 2, 3)
    mask = np.array([[False, False, True]])
    y, steps = kind.run(x, weights, state, mask)
    assert (y[:, :2] == 0).all()
    np.testing.assert_array_equal(steps.h[:, :3], np.repeat(state[0][:, None], 3, axis=1))
    only_before = frozen(np.where(mask[:, :, None], 0, dy))
    for gradient in kind.run_grad(x, weights, steps, only_before, None, mask):
        assert (gradient == 0).all()


def test_gates_of_a_gru_show_padding_as_an_update_gate_of_1():
    x, weights, _, _, _ = arguments(KINDS["gru"], 1, 2, 2, 3)
    _, steps = recurrent.gru(x, *weights, mask=np.array([[True, False]]))
    assert (steps.gates[0, 1, :3] == 1).all()
    assert (steps.gates[0, 0, :3] < 1).all()


@every_kind
def test_a_nan_reaches_all_later_outputs_of_its_sequence_and_nothing_else(kind):
    x, weights, state, dy, _ = arguments(kind, 2, 4, 2, 3)
    x = np.array(x)
    x[0, 1, 0] = np.nan
    y, steps = kind.run(x, weights, state)
    assert np.isnan(y[0, 1:]).all()
    assert np.isfinite(y[0, 0]).all()
    assert np.isfinite(y[1]).all()
    dx, dkernel, *_ = kind.run_grad(x, weights, steps, dy, None)
    assert np.isnan(dkernel).any()
    assert np.isfinite(dx[1]).all()


@every_kind
def test_the_output_can_be_changed_without_changing_the_steps(kind):
    x, weights, state, _, _ = arguments(kind, 2, 3, 2, 3)
    y, steps = kind.run(x, weights, state)
    before = steps.h.copy()
    y += 1
    np.testing.assert_array_equal(steps.h, before)


@every_kind
def test_a_coarse_x_is_taken_at_the_precision_of_the_weights(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 3, 2, 3)  # float64
    results = []
    for same in (x.astype(np.float32), x.astype(np.float32).astype(np.float64)):
        y, steps = kind.run(same, weights, state)
        results.append([y, *kind.run_grad(same, weights, steps, dy, dlast)])
    for coarse, fine in zip(*results, strict=True):
        assert coarse.dtype == np.float64
        np.testing.assert_array_equal(coarse, fine)


@every_kind
def test_precision_is_that_of_x_and_the_weights(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 3, 2, 3)  # float64
    low, low_weights = x.astype(np.float32), [w.astype(np.float32) for w in weights]
    y, steps = kind.run(low, low_weights, state)
    for array in [y, *(a for a in steps if a is not None)]:
        assert array.dtype == np.float32
    for mask in (None, np.ones((2, 3), bool)):
        for gradient in kind.run_grad(low, low_weights, steps, dy, dlast, mask):
            assert gradient.dtype == np.float32
    for position in range(3):
        mixed = [w if k == position else low_weights[k] for k, w in enumerate(weights)]
        assert kind.run(low, mixed, state)[0].dtype == np.float64
    assert kind.run(x, low_weights, state)[0].dtype == np.float64


@every_kind
def test_arrays_may_be_lists(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 3, 2, 3)
    y, steps = kind.run(x, weights, state)
    listed, _ = kind.layer(
        x.tolist(),
        *(w.tolist() for w in weights),
        state=kind.pack([s.tolist() for s in state]),
        **kind.options,
    )
    np.testing.assert_array_equal(listed, y)
    gradients = kind.run_grad(x.tolist(), weights, steps, dy.tolist(), [d.tolist() for d in dlast])
    for mine, expected in zip(gradients, kind.run_grad(x, weights, steps, dy, dlast), strict=True):
        np.testing.assert_array_equal(mine, expected)


# ---------------------------------------------------------------- error messages


def raises(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@every_kind
def test_wrong_arguments_are_named(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 5, 3)
    kernel, recurrent_kernel, bias = weights
    columns = 3 * kind.blocks
    _, steps = kind.run(x, weights, state)

    def run(x=x, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias, mask=None):
        for call in (
            lambda w: kind.run(x, w, state, mask),
            lambda w: kind.run_grad(x, w, steps, dy, dlast, mask),
        ):
            with message:
                call((kernel, recurrent_kernel, bias))

    message = raises("x must have 3 axes (n, t, d), received shape (2, 4)")
    run(x=x[..., 0])
    message = raises("x must not be empty, received shape (0, 4, 5)")
    run(x=x[:0])
    message = raises("x must hold floating-point numbers, received int64: convert it with x.astype(float)")
    run(x=x.astype(int))
    message = raises(f"kernel must have shape (5, {columns}), received (4, {columns})")
    run(kernel=kernel[:4])
    message = raises(f"recurrent_kernel must have 2 axes (units, columns), received shape ({columns},)")
    run(recurrent_kernel=recurrent_kernel[0])
    message = raises(f"recurrent_kernel must have shape (3, {columns}), received (3, {columns - 1})")
    run(recurrent_kernel=recurrent_kernel[:, 1:])
    shape, wrong = (*kind.biases, columns), (*kind.biases, columns - 1)
    message = raises(f"bias must have shape {shape}, received {wrong}")
    run(bias=bias[..., 1:])
    wanted = "mask must be boolean, True at real steps, of shape (2, 4), received"
    message = raises(f"{wanted} bool, shape (2, 3)")
    run(mask=np.ones((2, 3), bool))
    message = raises(f"{wanted} float64, shape (2, 4)")
    run(mask=np.ones((2, 4)))


@every_kind
def test_wrong_states_and_gradients_are_named(kind):
    x, weights, state, dy, dlast = arguments(kind, 2, 4, 5, 3)
    _, steps = kind.run(x, weights, state)
    names = ["h", "c"][: kind.states]
    for position, name in enumerate(names):
        name = f" {name}" if kind.states == 2 else ""
        cut = [array[:1] if k == position else array for k, array in enumerate(state)]
        with raises(f"state{name} must have shape (2, 3), received (1, 3)"):
            kind.run(x, weights, cut)
        with raises(f"dlast{name} must have shape (2, 3), received (1, 3)"):
            kind.run_grad(x, weights, steps, dy, cut)
    with raises("dy must have shape (2, 4, 3), received (2, 3, 3)"):
        kind.run_grad(x, weights, steps, dy[:, 1:], dlast)
    with raises("steps.h must have shape (2, 5, 3), received (2, 4, 3)"):
        kind.run_grad(x, weights, steps._replace(h=steps.h[:, 1:]), dy, dlast)
    for part, value in zip(steps._fields[1:], steps[1:], strict=True):
        if value is not None:
            with raises(f"steps.{part} must have shape {value.shape}, received ()"):
                kind.run_grad(x, weights, steps._replace(**{part: None}), dy, dlast)
    for wrong in (0, -1, 2.0, True):
        with raises(f"truncate_every must be an integer of at least 1, received {wrong!r}"):
            kind.run_grad(x, weights, steps, dy, dlast, truncate_every=wrong)


def test_a_state_of_an_lstm_is_a_pair():
    x, weights, (h, c), dy, _ = arguments(KINDS["lstm"], 2, 4, 5, 3)
    _, steps = recurrent.lstm(x, *weights)
    for wrong, received in ((h, "ndarray"), ((h,), "1 of them"), ([h, c, c], "3 of them")):
        with raises(f"state must be a tuple (h, c), received {received}"):
            recurrent.lstm(x, *weights, state=wrong)
        with raises(f"dlast must be a tuple (h, c), received {received}"):
            recurrent.lstm_grad(x, *weights, steps, dy, dlast=wrong)


def test_reset_has_two_names():
    x, weights, _, dy, _ = arguments(KINDS["gru"], 2, 4, 5, 3)
    message = "reset must be one of 'after', 'before', received 'both'"
    with raises(message):
        recurrent.gru(x, *weights, reset="both")
    with raises(message):
        recurrent.gru_grad(x, *weights, Steps(dy), dy, reset="both")
    with raises("bias must have shape (9,), received (2, 9)"):
        recurrent.gru(x, *weights, reset="before")


def test_wrong_arguments_of_both_directions_are_named():
    kind = KINDS["gru"]
    x, weights, _, dy, _ = arguments(kind, 2, 4, 5, 3)
    both = np.concatenate([dy, dy], axis=2)
    _, steps = recurrent.bidirectional(recurrent.gru, x, weights, weights)
    expected = "must be a tuple (kernel, recurrent_kernel, bias), received"

    def run(x=x, forward=weights, backward=weights, pair=None, mask=None, name="states"):
        with message:
            recurrent.bidirectional(recurrent.gru, x, forward, backward, pair, mask)

    def run_grad(x=x, forward=weights, backward=weights, pair=None, mask=None, dy=both):
        with message:
            recurrent.bidirectional_grad(recurrent.gru_grad, x, forward, backward, steps, dy, pair, mask)

    for call in (run, run_grad):
        message = raises(f"forward {expected} 2 of them")
        call(forward=weights[:2])
        message = raises(f"backward {expected} ndarray")
        call(backward=weights[0])
        message = raises("x must have 3 axes (n, t, d), received shape (2, 4)")
        call(x=x[..., 0])
        message = raises(
            "mask must be boolean, True at real steps, of shape (2, 4), received bool, shape (2, 3)"
        )
        call(mask=np.ones((2, 3), bool))
    message = raises("states must be a tuple (forward, backward), received ndarray")
    run(pair=dy[:, 0])
    message = raises("dlast must be a tuple (forward, backward), received ndarray")
    run_grad(pair=dy[:, 0])
    message = raises("dy must have shape (2, 4, 6), received (2, 4, 3)")
    run_grad(dy=dy)


@pytest.mark.parametrize(
    ("lengths", "steps", "message"),
    [
        ([1.0], 2, "lengths must be one integer for each sequence, received float64, shape (1,)"),
        ([[1]], 2, "lengths must be one integer for each sequence, received int64, shape (1, 1)"),
        ([1, 3], 2, "lengths must be from 0 to steps = 2, received [1, 3]"),
        ([-1, 1], 2, "lengths must be from 0 to steps = 2, received [-1, 1]"),
        ([0], 0, "steps must be an integer of at least 1, received 0"),
    ],
)
def test_lengths_of_a_mask_are_integers_up_to_steps(lengths, steps, message):
    with raises(message):
        recurrent.padding_mask(lengths, steps)
