"""The checkers about recurrent layers accept every right answer, and name what is wrong with a wrong one."""

import math

import check_rules
import numpy as np
import pytest
from check_rules import GRU_AFTER
from scipy.special import expit

from helpers import check

# ----- simple recurrent network -----


def states_in_lists(x, kernel, recurrent_kernel, bias):
    def step(x, h):
        return [
            math.tanh(
                sum(a * kernel[i][u] for i, a in enumerate(x))
                + sum(a * recurrent_kernel[v][u] for v, a in enumerate(h))
                + bias[u]
            )
            for u in range(len(bias))
        ]

    kernel, recurrent_kernel, bias = kernel.tolist(), recurrent_kernel.tolist(), bias.tolist()
    sequences = []
    for sequence in x.tolist():
        h, states = [0.0] * len(bias), []
        for x_t in sequence:
            h = step(x_t, h)
            states.append(h)
        sequences.append(states)
    return sequences


def states_in_float32(x, kernel, recurrent_kernel, bias):
    x, kernel, recurrent_kernel, bias = (a.astype("float32") for a in (x, kernel, recurrent_kernel, bias))
    h = np.zeros((len(x), len(bias)), "float32")
    y = np.empty((*x.shape[:2], len(bias)), "float32")
    for t in range(x.shape[1]):
        y[:, t] = h = np.tanh(x[:, t] @ kernel + h @ recurrent_kernel + bias)
    return y


def keras_states(x, kernel, recurrent_kernel, bias):
    import keras

    layer = keras.layers.SimpleRNN(len(bias), return_sequences=True)
    layer.build(x.shape)
    layer.set_weights([kernel, recurrent_kernel, bias])
    return layer(x)


def network(
    step=lambda x, h, k, u, b: np.tanh(x @ k + h @ u + b), steps=lambda x: x, result=lambda hs: hs[:, 1:]
):
    """A reader's network with one thing that may go wrong."""

    def candidate(x, kernel, recurrent_kernel, bias):
        states = [np.zeros((len(x), len(bias)))]
        for x_t in steps(x).swapaxes(0, 1):
            states.append(step(x_t, states[-1], kernel, recurrent_kernel, bias))
        return result(np.stack(states, axis=1))

    return candidate


def keeps_the_state(x, kernel, recurrent_kernel, bias):
    h, y = np.zeros(len(bias)), np.zeros((*x.shape[:2], len(bias)))
    for m, t in np.ndindex(y.shape[:2]):
        y[m, t] = h = np.tanh(x[m, t] @ kernel + h @ recurrent_kernel + bias)
    return y


# ----- LSTM -----


def with_four_products(x, h, c, kernel, recurrent_kernel, bias):
    units, z = h.shape[1], []
    for gate in range(4):
        columns = slice(gate * units, (gate + 1) * units)
        z.append(x @ kernel[:, columns] + h @ recurrent_kernel[:, columns] + bias[columns])
    c = 1 / (1 + np.exp(-z[1])) * c + 1 / (1 + np.exp(-z[0])) * np.tanh(z[2])
    return 1 / (1 + np.exp(-z[3])) * np.tanh(c), c


def sample_by_sample(x, h, c, kernel, recurrent_kernel, bias):
    new_h, new_c = [], []
    for row, old, cell in zip(x, h, c, strict=True):
        i, f, g, o = np.split(row @ kernel + old @ recurrent_kernel + bias, 4)
        new_c.append(
            [expit(b) * d + expit(a) * math.tanh(e) for a, b, d, e in zip(i, f, cell, g, strict=True)]
        )
        new_h.append([expit(a) * math.tanh(b) for a, b in zip(o, new_c[-1], strict=True)])
    return [new_h, new_c]


def keras_cell(x, h, c, kernel, recurrent_kernel, bias):
    import keras

    cell = keras.layers.LSTMCell(h.shape[1])
    cell.build(x.shape)
    cell.set_weights([kernel, recurrent_kernel, bias])
    return cell(x.astype("float32"), [h.astype("float32"), c.astype("float32")])[1]


def stacked_lstm(*arguments):
    return np.stack(with_four_products(*arguments)).astype(np.float32)


def lstm(
    order="ifgo", gate=expit, squash=np.tanh, write=lambda i, f, g, c: f * c + i * g,
    show=lambda o, new, old: o * np.tanh(new), z=lambda x, h, c, k, u, b: x @ k + h @ u + b,
):  # fmt: skip
    """A reader's step with one thing that may go wrong."""

    def candidate(x, h, c, kernel, recurrent_kernel, bias):
        blocks = np.split(z(x, h, c, kernel, recurrent_kernel, bias), 4, axis=1)
        found = dict(zip(order, blocks, strict=True))
        i, f, o = (gate(found[name]) for name in "ifo")
        new = write(i, f, squash(found["g"]), c)
        return show(o, new, c), new

    return candidate


# ----- GRU -----


def plain_gru(x, h, kernel, recurrent_kernel, bias):
    units = h.shape[1]
    gates, candidate = slice(0, 2 * units), slice(2 * units, None)
    both = expit(x @ kernel[:, gates] + h @ recurrent_kernel[:, gates] + bias[gates])
    z, r = both[:, :units], both[:, units:]
    g = np.tanh(x @ kernel[:, candidate] + (r * h) @ recurrent_kernel[:, candidate] + bias[candidate])
    return (h + (1 - z) * (g - h)).astype(np.float32)


def gru_in_lists(x, h, kernel, recurrent_kernel, bias):
    return [np.ravel(plain_gru(a[None], b[None], kernel, recurrent_kernel, bias)).tolist()
            for a, b in zip(x, h, strict=True)]  # fmt: skip


def keras_gru(reset_after):
    def candidate(x, h, kernel, recurrent_kernel, bias):
        import keras

        cell = keras.layers.GRUCell(h.shape[1], reset_after=reset_after)
        cell.build(x.shape)
        cell.set_weights([kernel, recurrent_kernel, bias])
        return cell(x.astype("float32"), h.astype("float32"))[0]

    return candidate


def gru(order="zrg", gate=expit, squash=np.tanh, blend=lambda z, h, g: z * h + (1 - z) * g, reset="before"):
    """A reader's step with one thing that may go wrong; a bias of two rows is added up where it can be."""

    def candidate(x, h, kernel, recurrent_kernel, bias):
        outer, inner = bias if bias.ndim == 2 else (bias, 0 * bias)
        k, u, b, d = (
            dict(zip(order, np.split(a, 3, axis=-1), strict=True))
            for a in (kernel, recurrent_kernel, outer, inner)
        )
        z, r = (gate(x @ k[name] + h @ u[name] + b[name] + d[name]) for name in "zr")
        seen = {
            "before": lambda: (r * h) @ u["g"],
            "after": lambda: r * (h @ u["g"] + d["g"]),
            "no bias": lambda: r * (h @ u["g"]) + d["g"],
            "never": lambda: h @ u["g"] + d["g"],
            "turned": lambda: ((1 - r) * h) @ u["g"],
            "z": lambda: (z * h) @ u["g"],
            "blind": lambda: 0,
        }[reset]()
        return blend(z, h, squash(x @ k["g"] + b["g"] + seen))

    return candidate


RIGHT = {
    check.rnn: [network(), states_in_lists, states_in_float32, keras_states],
    check.lstm_step: [lstm(), with_four_products, sample_by_sample, keras_cell, stacked_lstm],
    check.gru_step: [gru(), plain_gru, gru_in_lists, keras_gru(reset_after=False)],
    GRU_AFTER: [gru(reset="after"), keras_gru(reset_after=True),
                lambda *a: gru(reset="after")(*a).astype(np.float32).tolist()],
}  # fmt: skip

WRONG = {
    check.rnn: {
        "last state alone": network(result=lambda hs: hs[:, -1]),
        "state before the first step is there": network(result=lambda hs: hs),
        "Each state comes a step late": network(result=lambda hs: hs[:, :-1]),
        "Time is the first axis": network(result=lambda hs: hs[:, 1:].swapaxes(0, 1)),
        "not carried along": network(lambda x, h, k, u, b: np.tanh(x @ k + b)),
        "The input is left out": network(lambda x, h, k, u, b: np.tanh(h @ u + b)),
        "tanh is missing": network(lambda x, h, k, u, b: x @ k + h @ u + b),
        "is the sigmoid": network(lambda x, h, k, u, b: expit(x @ k + h @ u + b)),
        "is relu": network(lambda x, h, k, u, b: (x @ k + h @ u + b).clip(0)),
        "bias is missing": network(lambda x, h, k, u, b: np.tanh(x @ k + h @ u)),
        "bias is added twice": network(lambda x, h, k, u, b: np.tanh(x @ k + b + h @ u + b)),
        "outside of tanh": network(lambda x, h, k, u, b: np.tanh(x @ k + h @ u) + b),
        "on the input alone": network(lambda x, h, k, u, b: np.tanh(x @ k + b) + h @ u),
        "added to the old one": network(lambda x, h, k, u, b: h + np.tanh(x @ k + h @ u + b)),
        "kernel is transposed": network(lambda x, h, k, u, b: np.tanh(x @ k + h @ u.T + b)),
        "read from its end": network(steps=lambda x: x[:, ::-1]),
        "in reverse order": network(result=lambda hs: hs[:, :0:-1]),
        "from the last state of the one before": keeps_the_state,
        "states of the first one": network(steps=lambda x: np.repeat(x[:1], len(x), axis=0)),
        "The kernel is transposed": network(lambda x, h, k, u, b: np.tanh(x @ k.T + h @ u + b)),
        "The two kernels are swapped": network(lambda x, h, k, u, b: np.tanh(x @ u + h @ k + b)),
    },
    check.lstm_step: {
        "in the order i, f, g, o: it takes them as i, f, o, g": lstm("ifog"),
        "in the order i, f, g, o: it takes them as f, i, g, o": lstm("figo"),
        "it takes every 4th column": lstm(
            z=lambda x, h, c, k, u, b: np.hstack([(x @ k + h @ u + b)[:, j::4] for j in range(4)])
        ),
        "h and c are swapped: return h first": lambda *a: lstm()(*a)[::-1],
        "arguments h and c are swapped": lambda x, h, c, *weights: lstm()(x, c, h, *weights),
        "c goes through the recurrent kernel": lstm(z=lambda x, h, c, k, u, b: x @ k + c @ u + b),
        "output gate is missing": lstm(show=lambda o, new, old: np.tanh(new)),
        "tanh is missing in the output": lstm(show=lambda o, new, old: o * new),
        "o * sigmoid(c)": lstm(show=lambda o, new, old: o * expit(new)),
        "shows the old cell": lstm(show=lambda o, new, old: o * np.tanh(old)),
        "`c`: It returns tanh(c)": lambda *a: [lstm()(*a)[0], np.tanh(lstm()(*a)[1])],
        "forget gate is missing": lstm(write=lambda i, f, g, c: c + i * g),
        "old cell is left out": lstm(write=lambda i, f, g, c: i * g),
        "input gate is missing": lstm(write=lambda i, f, g, c: f * c + g),
        "forget gate is turned": lstm(write=lambda i, f, g, c: (1 - f) * c + i * g),
        "input gate is 1 - f": lstm(write=lambda i, f, g, c: f * c + (1 - f) * g),
        "candidate g goes through the sigmoid": lstm(squash=expit),
        "tanh is missing in the candidate": lstm(squash=lambda z: z),
        "The gates go through tanh": lstm(gate=np.tanh),
        "The gates are not squashed": lstm(gate=lambda z: z),
        "bias is missing": lstm(z=lambda x, h, c, k, u, b: x @ k + h @ u),
        "The old state is left out": lstm(z=lambda x, h, c, k, u, b: x @ k + b),
        "1 is added to the bias": lstm(
            z=lambda x, h, c, k, u, b: x @ k + h @ u + b + np.repeat([0, 1, 0, 0], h.shape[1])
        ),
        "must return 2 things, h, c": lambda *a: lstm()(*a)[0],
        "changes its argument `c`": lstm(write=lambda i, f, g, c: np.multiply(f, c, out=c) + i * g),
    },
    check.gru_step: {
        "in the order z, r, g: it takes them as r, z, g": gru("rzg"),
        "z and 1 - z are swapped": gru(blend=lambda z, h, g: (1 - z) * h + z * g),
        "left out of the blend": gru(blend=lambda z, h, g: (1 - z) * g),
        "update gate is missing": gru(blend=lambda z, h, g: g),
        "1 - z is missing": gru(blend=lambda z, h, g: z * h + g),
        "not multiplied by z": gru(blend=lambda z, h, g: h + (1 - z) * g),
        "it must act before": gru(reset="after"),
        "reset gate is missing": gru(reset="never"),
        "reset gate is turned": gru(reset="turned"),
        "does not see the old state": gru(reset="blind"),
        "candidate g goes through the sigmoid": gru(squash=expit),
        "tanh is missing in the candidate": gru(squash=lambda z: z),
        "The gates go through tanh": gru(gate=np.tanh),
        "The bias is missing": lambda x, h, k, u, b: gru()(x, h, k, u, 0 * b),
        "The input is left out": lambda x, h, k, u, b: gru()(0 * x, h, k, u, b),
        "The first wrong number": gru(reset="z"),
        "raised ValueError": lambda x, h, k, u, b: gru("zrgo")(x, h, k, u, b),
    },
    GRU_AFTER: {
        "it must act after": gru(reset="before"),
        "leaves out the second bias": gru(reset="no bias"),
        "second row of the bias is missing": lambda x, h, k, u, b: gru(reset="after")(x, h, k, u, b[0]),
        "first row of the bias is missing": lambda x, h, k, u, b: (
            gru(reset="after")(x, h, k, u, b * [[0], [1]])
        ),
        "rows of the bias are swapped": lambda x, h, k, u, b: gru(reset="after")(x, h, k, u, b[::-1]),
        "in the order z, r, g: it takes them as g, r, z": gru("grz", reset="after"),
        "z and 1 - z are swapped": gru(reset="after", blend=lambda z, h, g: (1 - z) * h + z * g),
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)


def test_a_reset_that_is_neither_is_an_error():
    with pytest.raises(ValueError, match="reset must be"):
        check.gru_step(gru(), reset="during")
