"""Exercises about recurrent layers."""

from itertools import permutations

import numpy as np

from helpers import _expect, recurrent
from helpers.check._core import Exercise, irregular
from helpers.dense import sigmoid


def rnn(candidate):
    """Check a function ``candidate(x, kernel, recurrent_kernel, bias)`` that runs a simple recurrent network.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, t, d), `kernel` (d, units), `recurrent_kernel` (units, units) and `bias`
        (units,); starts from a state of zeros and returns the states after each step, (n, t, units), as
        `helpers.recurrent.simple_rnn` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    RNN.judge(candidate)


def lstm_step(candidate):
    """Check a function ``candidate(x, h, c, kernel, recurrent_kernel, bias)`` that takes one step of an LSTM.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, d), `h` and `c` (n, units), `kernel` (d, 4 * units), `recurrent_kernel`
        (units, 4 * units) and `bias` (4 * units,), whose blocks of columns stand in the order i, f, g, o.
        Returns the next `h` and `c`, as `helpers.recurrent.lstm` computes them.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    LSTM_STEP.judge(candidate)


def gru_step(candidate, reset="before"):
    """Check a function ``candidate(x, h, kernel, recurrent_kernel, bias)`` that takes one step of a GRU.

    Parameters
    ----------
    candidate : callable
        Takes `x` of shape (n, d), `h` (n, units), `kernel` (d, 3 * units) and `recurrent_kernel`
        (units, 3 * units), whose blocks of columns stand in the order z, r, g, and `bias`. Returns the next
        `h`, ``z * h + (1 - z) * g``, as `helpers.recurrent.gru` computes it.
    reset : "before" or "after"
        Whether the reset gate acts before the product with the recurrent kernel, which is the definition,
        with a bias of shape (3 * units,); or after it, as in Keras, with a bias of shape (2, 3 * units).

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    ValueError
        Another `reset`.
    """
    _expect.one_of("reset", reset, ("before", "after"))
    (GRU_STEP if reset == "before" else GRU_STEP_AFTER).judge(candidate)


# ---------------------------------------------------------------- rnn


def _states(x, kernel, recurrent_kernel, bias, act=np.tanh, step=None):
    """States before the first step and after each, (n, t + 1, units)."""
    step = step or (lambda x, h: act(x @ kernel + h @ recurrent_kernel + bias))
    states = [np.zeros((len(x), len(bias)))]
    for x_t in x.swapaxes(0, 1):
        states.append(step(x_t, states[-1]))
    return np.stack(states, axis=1)


def _rnn_mistakes(x, kernel, recurrent_kernel, bias):
    weights = kernel, recurrent_kernel, bias
    all_states, backward = _states(x, *weights), _states(x[:, ::-1], *weights)[:, 1:]
    right = all_states[:, 1:]
    chained = _states(x.reshape(1, -1, x.shape[2]), *weights)[0, 1:].reshape(right.shape)

    def each(step):
        return _states(x, *weights, step=step)[:, 1:]

    square = kernel.shape == recurrent_kernel.shape  # elsewhere these two mistakes raise an error
    return [
        ("The kernel is transposed: x @ kernel.",
         _states(x, kernel.T if square else kernel, recurrent_kernel, bias)[:, 1:]),
        ("The two kernels are swapped: x @ kernel, h @ recurrent_kernel.",
         _states(x, *(weights[1::-1] if square else weights[:2]), bias)[:, 1:]),
        ("It is the last state alone: return the states after all steps, (n, t, units).", right[:, -1]),
        ("The state before the first step is there too: return the t states after the steps.", all_states),
        ("Each state comes a step late: return the state after the step.", all_states[:, :-1]),
        ("Time is the first axis: the shape must be (n, t, units).", right.swapaxes(0, 1)),
        ("The axis of the sequences is missing: the shape must be (n, t, units).", right[0]),
        ("The state is not carried along: each step needs the h of the step before.",
         each(lambda x, h: np.tanh(x @ kernel + bias))),
        ("The input is left out.", each(lambda x, h: np.tanh(h @ recurrent_kernel + bias))),
        ("tanh is missing.", _states(x, *weights, act=np.positive)[:, 1:]),
        ("The activation is the sigmoid, and must be tanh.", _states(x, *weights, act=sigmoid)[:, 1:]),
        ("The activation is relu, and must be tanh.",
         _states(x, *weights, act=lambda z: np.maximum(z, 0))[:, 1:]),
        ("The bias is missing.", _states(x, kernel, recurrent_kernel, 0 * bias)[:, 1:]),
        ("The bias is added twice.", _states(x, kernel, recurrent_kernel, 2 * bias)[:, 1:]),
        ("The bias is added outside of tanh.",
         each(lambda x, h: np.tanh(x @ kernel + h @ recurrent_kernel) + bias)),
        ("tanh acts on the input alone: it acts on the sum.",
         each(lambda x, h: np.tanh(x @ kernel + bias) + h @ recurrent_kernel)),
        ("The new state is added to the old one: it takes its place.",
         each(lambda x, h: h + np.tanh(x @ kernel + h @ recurrent_kernel + bias))),
        ("The recurrent kernel is transposed: h @ recurrent_kernel.",
         _states(x, kernel, recurrent_kernel.T, bias)[:, 1:]),
        ("The sequence is read from its end.", backward),
        ("The sequence is read from its end.", backward[:, ::-1]),
        ("The states stand in reverse order.", right[:, ::-1]),
        ("A sequence starts from the last state of the one before: start each from zeros.", chained),
        ("Every sequence gets the states of the first one.", np.repeat(right[:1], len(x), axis=0)),
    ]  # fmt: skip


def _weights(d, units, blocks):
    return irregular(d, blocks * units, start=40.0), irregular(units, blocks * units, start=90.0)


RNN = Exercise(
    names=("x", "kernel", "recurrent_kernel", "bias"),
    cases=[
        (what, (irregular(n, t, d), *_weights(d, units, 1), bias * irregular(units, start=70.0) + 0))
        for what, n, t, d, units, bias in [
            ("one sequence, no bias", 1, 3, 2, 2, 0.0),
            ("a bias", 1, 4, 2, 3, 1.0),
            ("three sequences", 3, 4, 1, 2, 1.0),
        ]
    ],
    right=lambda *arguments: recurrent.simple_rnn(*arguments)[0],
    mistakes=_rnn_mistakes,
    praise="Right: the states after all steps agree with helpers.recurrent.simple_rnn.",
)


# ---------------------------------------------------------------- gates


def _mistakes_with_the_weights(step, names, kernel, recurrent_kernel, bias):
    """Mistakes that all gates share; ``step(kernel, recurrent_kernel, bias)`` does the rest right."""
    weights = kernel, recurrent_kernel, bias
    right = ", ".join(names)
    return [
        ("The bias is missing.", step(kernel, recurrent_kernel, 0 * bias)),
        ("The bias is added twice.", step(kernel, recurrent_kernel, 2 * bias)),
        ("The old state is left out: add h @ recurrent_kernel.", step(kernel, 0 * recurrent_kernel, bias)),
        ("The input is left out: add x @ kernel.", step(0 * kernel, recurrent_kernel, bias)),
        (f"The columns of a gate stand side by side, in the blocks {right}: it takes every "
         f"{len(names)}th column.", step(*(_every_nth_column(w, len(names)) for w in weights))),
        *[(f"The blocks of columns stand in the order {right}: it takes them as {', '.join(other)}.",
           step(*(_reorder(w, [other.index(name) for name in names]) for w in weights)))
          for other in permutations(names) if other != tuple(names)],
    ]  # fmt: skip


def _reorder(weights, order):
    blocks = np.split(weights, len(order), axis=-1)
    return np.concatenate([blocks[place] for place in order], axis=-1)


def _every_nth_column(weights, count):
    return weights.reshape(*weights.shape[:-1], -1, count).swapaxes(-1, -2).reshape(weights.shape)


# ---------------------------------------------------------------- lstm_step


def _lstm_right(x, h, c, *weights):
    steps = recurrent.lstm(x[:, None], *weights, state=(h, c))[1]
    return steps.h[:, -1], steps.c[:, -1]


def _write(i, f, g, c):
    return f * c + i * g


def _show(o, new, old):
    return o * np.tanh(new)


def _lstm(z, c, acts=(sigmoid, sigmoid, np.tanh, sigmoid), write=_write, show=_show):
    """Return the next h and c, for columns `z` in the order i, f, g, o."""
    i, f, g, o = (act(block) for act, block in zip(acts, np.split(z, 4, axis=1), strict=True))
    new = write(i, f, g, c)
    return show(o, new, c), new


def _lstm_mistakes(x, h, c, kernel, recurrent_kernel, bias):
    def step(*weights):
        return _lstm_right(x, h, c, *weights)

    z, linear = x @ kernel + h @ recurrent_kernel + bias, np.positive
    new_h, new_c = _lstm(z, c)
    from_c = x @ kernel + c @ recurrent_kernel + bias
    forget = np.repeat([0.0, 1.0, 0.0, 0.0], h.shape[1])
    return [
        ("h and c are swapped: return h first.", (new_c, new_h)),
        ("The arguments h and c are swapped: h goes through the recurrent kernel, c is the cell.",
         _lstm(from_c, h)),
        ("c goes through the recurrent kernel: h does.", _lstm(from_c, c)),
        ("The output gate is missing: h = o * tanh(c).", _lstm(z, c, show=lambda o, new, old: np.tanh(new))),
        ("tanh is missing in the output: h = o * tanh(c).", _lstm(z, c, show=lambda o, new, old: o * new)),
        ("The output is o * sigmoid(c): it must be o * tanh(c).",
         _lstm(z, c, show=lambda o, new, old: o * sigmoid(new))),
        ("The output shows the old cell: update c first.",
         _lstm(z, c, show=lambda o, new, old: o * np.tanh(old))),
        ("It returns tanh(c) as the cell: tanh belongs to the output alone.", (new_h, np.tanh(new_c))),
        ("The forget gate is missing: c = f * c + i * g.", _lstm(z, c, write=lambda i, f, g, c: c + i * g)),
        ("The old cell is left out: c = f * c + i * g.", _lstm(z, c, write=lambda i, f, g, c: i * g)),
        ("The input gate is missing: c = f * c + i * g.", _lstm(z, c, write=lambda i, f, g, c: f * c + g)),
        ("The forget gate is turned: f says how much is kept.",
         _lstm(z, c, write=lambda i, f, g, c: (1 - f) * c + i * g)),
        ("The input gate is 1 - f, as in a GRU: an LSTM has a gate of its own for it.",
         _lstm(z, c, write=lambda i, f, g, c: f * c + (1 - f) * g)),
        ("The forget gate is 1 - i, as in a GRU: an LSTM has a gate of its own for it.",
         _lstm(z, c, write=lambda i, f, g, c: (1 - i) * c + i * g)),
        ("The candidate g goes through the sigmoid: it needs tanh.", _lstm(z, c, [sigmoid] * 4)),
        ("tanh is missing in the candidate g.", _lstm(z, c, (sigmoid, sigmoid, linear, sigmoid))),
        ("The gates go through tanh: i, f and o need the sigmoid.", _lstm(z, c, [np.tanh] * 4)),
        ("The gates are not squashed: i, f and o need the sigmoid.",
         _lstm(z, c, (linear, linear, np.tanh, linear))),
        *[(f"The gate {name} goes through tanh: it needs the sigmoid.",
           _lstm(z, c, [np.tanh if name == other else act for other, act in
                        zip("ifgo", (sigmoid, sigmoid, np.tanh, sigmoid), strict=True)])) for name in "ifo"],
        ("1 is added to the bias of the forget gate: the bias contains it, if it is wanted.",
         _lstm(z + forget, c)),
        *_mistakes_with_the_weights(step, "ifgo", kernel, recurrent_kernel, bias),
    ]  # fmt: skip


LSTM_STEP = Exercise(
    names=("x", "h", "c", "kernel", "recurrent_kernel", "bias"),
    cases=[
        (what, (irregular(n, d), irregular(n, units, start=20.0), 1.5 * irregular(n, units, start=30.0),
                *_weights(d, units, 4), bias * irregular(4 * units, start=70.0) + 0))
        for what, n, d, units, bias in [
            ("one sample, one unit, no bias", 1, 1, 1, 0.0),
            ("three units, no bias", 1, 2, 3, 0.0),
            ("a bias", 1, 2, 3, 1.0),
            ("three samples", 3, 2, 4, 1.0),
        ]
    ],
    right=_lstm_right,
    mistakes=_lstm_mistakes,
    praise="Right: h and c agree with helpers.recurrent.lstm, for one and more samples and units.",
    outputs=("h", "c"),
)  # fmt: skip


# ---------------------------------------------------------------- gru_step


def _gru_right(reset):
    return lambda x, h, *weights: recurrent.gru(x[:, None], *weights, state=h, reset=reset)[0][:, 0]


def _blend(z, h, g):
    return z * h + (1 - z) * g


def _before(r, h, kernel_g, bias_g):
    return (r * h) @ kernel_g


def _after(r, h, kernel_g, bias_g):
    return r * (h @ kernel_g + bias_g)


def _gru(x, h, kernel, recurrent_kernel, bias, seen, acts=(sigmoid, sigmoid, np.tanh), blend=_blend):
    """Return the next h; ``seen(r, h, kernel_g, bias_g)`` is what the candidate sees of the old one."""
    bias, inner = bias if bias.ndim == 2 else (bias, 0 * bias)
    from_h = np.split(h @ recurrent_kernel + inner, 3, axis=1)
    from_x = np.split(x @ kernel + bias, 3, axis=1)
    z, r = (acts[gate](from_x[gate] + from_h[gate]) for gate in (0, 1))
    g = acts[2](from_x[2] + seen(r, h, np.split(recurrent_kernel, 3, axis=1)[2], np.split(inner, 3)[2]))
    return blend(z, h, g)


def _gru_mistakes(seen, other):
    """Mistakes of the form that `seen` describes, of which `other` is the other form."""

    def mistakes(x, h, *weights):
        def step(*weights, seen=seen, **changes):
            return _gru(x, h, *weights, seen, **changes)

        linear, names = np.positive, ("before", "after") if seen is _before else ("after", "before")
        common = [
            ("z and 1 - z are swapped: z says how much of the old state stays.",
             step(*weights, blend=lambda z, h, g: (1 - z) * h + z * g)),
            ("The old state is left out of the blend: h = z * h + (1 - z) * g.",
             step(*weights, blend=lambda z, h, g: (1 - z) * g)),
            ("The update gate is missing: h = z * h + (1 - z) * g.", step(*weights, blend=lambda z, h, g: g)),
            ("1 - z is missing: h = z * h + (1 - z) * g.", step(*weights, blend=lambda z, h, g: z * h + g)),
            ("The old state is not multiplied by z: h = z * h + (1 - z) * g.",
             step(*weights, blend=lambda z, h, g: h + (1 - z) * g)),
            (f"The reset gate acts {names[1]} the product with the recurrent kernel: it must act {names[0]}.",
             step(*weights, seen=other)),
            ("The reset gate is missing: it multiplies what the candidate sees of the old state.",
             step(*weights, seen=lambda r, *rest: seen(1, *rest))),
            ("The reset gate is turned: r says how much the candidate sees.",
             step(*weights, seen=lambda r, *rest: seen(1 - r, *rest))),
            ("The candidate does not see the old state.", step(*weights, seen=lambda *all_of_it: 0)),
            ("The reset gate acts twice.", step(*weights, seen=lambda r, *rest: seen(r * r, *rest))),
            ("The candidate g goes through the sigmoid: it needs tanh.", step(*weights, acts=[sigmoid] * 3)),
            ("tanh is missing in the candidate g.", step(*weights, acts=(sigmoid, sigmoid, linear))),
            ("The gates go through tanh: z and r need the sigmoid.", step(*weights, acts=[np.tanh] * 3)),
            ("The gates are not squashed: z and r need the sigmoid.",
             step(*weights, acts=(linear, linear, np.tanh))),
            *_mistakes_with_the_weights(step, "zrg", *weights),
        ]  # fmt: skip
        return common + (_mistakes_with_two_biases(step, *weights) if weights[2].ndim == 2 else [])

    return mistakes


def _mistakes_with_two_biases(step, kernel, recurrent_kernel, bias):
    weights, (first, second) = (kernel, recurrent_kernel, bias), bias
    return [
        ("The second row of the bias is missing.", step(*weights[:2], np.stack([first, 0 * second]))),
        ("The first row of the bias is missing.", step(*weights[:2], np.stack([0 * first, second]))),
        ("The rows of the bias are swapped: the second one belongs to the recurrent kernel.",
         step(*weights[:2], bias[::-1])),
        ("The reset gate leaves out the second bias: g = tanh(x kernel_g + r * (h U_g + B_g) + b_g).",
         step(*weights, seen=lambda r, h, kernel_g, bias_g: r * (h @ kernel_g) + bias_g)),
    ]  # fmt: skip


def _gru_exercise(reset, seen, other):
    rows = () if reset == "before" else (2,)
    return Exercise(
        names=("x", "h", "kernel", "recurrent_kernel", "bias"),
        cases=[
            (what, (irregular(n, d), 1.5 * irregular(n, units, start=20.0), *_weights(d, units, 3),
                    bias * irregular(*rows, 3 * units, start=70.0) + 0))
            for what, n, d, units, bias in [
                ("one sample, two units, no bias", 1, 1, 2, 0.0),
                ("a bias", 1, 2, 3, 1.0),
                ("three samples", 3, 2, 4, 1.0),
            ]
        ],
        right=_gru_right(reset),
        mistakes=_gru_mistakes(seen, other),
        praise=f'Right: the next state agrees with helpers.recurrent.gru, reset "{reset}".',
    )  # fmt: skip


GRU_STEP = _gru_exercise("before", _before, _after)
GRU_STEP_AFTER = _gru_exercise("after", _after, _before)
