"""Recurrent layers: read a sequence step by step, carry a state along, and send gradients back through time.

Sequences are (n, t, d). Weights have the shapes and the order of gates that Keras gives them, so that the
``get_weights()`` of a Keras layer fits. A layer returns its outputs and its `Steps`: what it held at each
step. Its partner with ``_grad`` takes the same arguments, the `Steps`, and dy. Numbers keep the precision of
x and the weights. A NaN at a real step reaches all later outputs of its sequence; what a padded step holds
reaches nothing.
"""

from typing import NamedTuple

import numpy as np

from helpers import _expect
from helpers.dense import affine, affine_grad, sigmoid


class Steps(NamedTuple):
    """What a layer held at each step. The last state is ``h[:, -1]``, for an LSTM also ``c[:, -1]``.

    Attributes
    ----------
    h : array, shape (n, t + 1, units)
        State before the first step, and after each.
    c : array, shape (n, t + 1, units), or None
        Likewise the cell of an LSTM.
    gates : array, shape (n, t, 4 * units) for an LSTM or (n, t, 3 * units) for a GRU, or None
        Gates in (0, 1) and candidates in (-1, 1), in the order of the columns of the kernel.
    """

    h: np.ndarray
    c: np.ndarray | None = None
    gates: np.ndarray | None = None


def padding_mask(lengths, steps):
    """Mark the real steps of sequences that were padded at their end to one length.

    Parameters
    ----------
    lengths : array of int, shape (n,)
        Number of real steps of each sequence, 0 to `steps`.
    steps : int

    Returns
    -------
    array of bool, shape (n, steps)

    Raises
    ------
    ValueError
        Lengths that are not integers from 0 to `steps`, or `steps` below 1.

    Examples
    --------
    >>> padding_mask([3, 1], 3)
    array([[ True,  True,  True],
           [ True, False, False]])
    """
    lengths, steps = np.asarray(lengths), _expect.at_least("steps", steps, 1)
    if lengths.ndim != 1 or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(
            f"lengths must be one integer for each sequence, received {lengths.dtype}, shape {lengths.shape}"
        )
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= steps:
        raise ValueError(f"lengths must be from 0 to steps = {steps}, received {lengths.tolist()}")
    return np.arange(steps) < lengths[:, None]


# ---------------------------------------------------------------- simple recurrent network


def simple_rnn(x, kernel, recurrent_kernel, bias, state=None, mask=None):
    """Mix each step with the state that the steps before it left, as Keras' SimpleRNN.

    ``h[t] = tanh(x[t] kernel + h[t-1] recurrent_kernel + bias)``. (Elman 1990, "Finding structure in time".)

    Parameters
    ----------
    x : array, shape (n, t, d)
    kernel : array, shape (d, units)
    recurrent_kernel : array, shape (units, units)
    bias : array, shape (units,)
    state : array, shape (n, units), optional
        State before the first step; left out, zeros.
    mask : array of bool, shape (n, t), optional
        True at real steps. At the others (padding) state and output stay as they were; the output before the
        first real step is zero.

    Returns
    -------
    y : array, shape (n, t, units)
        The states after each step, in (-1, 1).
    steps : Steps
        With `h`. `simple_rnn_grad` needs it.

    Raises
    ------
    ValueError
        Shapes that do not match, an empty axis, integers instead of floating-point numbers, or a mask that is
        not boolean.
    """
    x, (kernel, recurrent_kernel, bias), mask = _prepare(x, kernel, recurrent_kernel, bias, mask)
    inputs = affine(x, kernel, bias)  # (t, n, units), all steps in one product
    h = _first("state", state, inputs, len(recurrent_kernel))
    for step, z in enumerate(inputs):
        new = np.tanh(z + h[step] @ recurrent_kernel)
        h[step + 1] = _where_real(mask, step, new, h[step])
    return _outputs(h, mask), Steps(_swap(h))


def simple_rnn_grad(x, kernel, recurrent_kernel, bias, steps, dy, dlast=None, mask=None, truncate_every=None):
    """Gradients of a loss with respect to the arguments of `simple_rnn`: backpropagation through time.

    From the last step to the first, ``dh`` adds up what the output of a step and the step after it send back;
    ``dz = dh * (1 - h[t]**2)`` goes to the weights and to x[t], ``dz recurrent_kernel^T`` to the step before.
    (Werbos 1990, "Backpropagation through time: what it does and how to do it".)

    Parameters
    ----------
    x, kernel, recurrent_kernel, bias, mask
        As given to `simple_rnn`.
    steps : Steps
        As `simple_rnn` returned it.
    dy : array, shape (n, t, units)
        Gradient of the loss with respect to the outputs.
    dlast : array, shape (n, units), optional
        Gradient with respect to the last state, if the loss uses it besides the outputs.
    truncate_every : int, optional
        Cut the sequence into pieces of so many steps, and let no gradient flow from one piece to the piece
        before. That is the sum of the gradients of the pieces alone, each started from the state that the
        piece before left. (Williams and Peng 1990, "An efficient gradient-based algorithm for on-line
        training of recurrent network trajectories".) Left out, or at least t, the gradient is complete.

    Returns
    -------
    dx : array, shape (n, t, d)
        Zero at padded steps.
    dkernel, drecurrent_kernel, dbias : array
        Of the shapes of the weights.
    dstate : array, shape (n, units)
        Gradient with respect to the state before the first step.

    Raises
    ------
    ValueError
        As `simple_rnn`; `steps`, `dy` or `dlast` of another shape; or a `truncate_every` that is not an
        integer of at least 1.
    """
    x, (kernel, recurrent_kernel, bias), mask = _prepare(x, kernel, recurrent_kernel, bias, mask)
    h, dy = _prepare_grad(x, len(recurrent_kernel), steps, dy, mask)
    dh = _last("dlast", dlast, h)
    cuts, back = _cuts(len(x), truncate_every), np.ascontiguousarray(recurrent_kernel.T)
    dz = np.empty_like(dy)
    for step in reversed(range(len(x))):
        dh = dh + dy[step]
        dz[step] = _where_real(mask, step, dh * (1 - h[step + 1] ** 2), 0)
        dh = _where_real(mask, step, dz[step] @ back, dh)
        if step in cuts:
            dh = np.zeros_like(dh)
    dx, dkernel, dbias = affine_grad(x, kernel, dz)
    return _swap(dx), dkernel, _product(h[:-1], dz), dbias, dh


# ---------------------------------------------------------------- long short-term memory


def lstm(x, kernel, recurrent_kernel, bias, state=None, mask=None):
    """Carry a cell along that gates write to, erase and read: long short-term memory, as Keras' LSTM.

    With ``z = x[t] kernel + h[t-1] recurrent_kernel + bias``, cut into four blocks of `units` columns::

        i = sigmoid(z_i)    input gate: how much is written
        f = sigmoid(z_f)    forget gate: how much is kept
        g = tanh(z_g)       candidate: what is written
        o = sigmoid(z_o)    output gate: how much is shown
        c[t] = f * c[t-1] + i * g
        h[t] = o * tanh(c[t])

    (Hochreiter and Schmidhuber 1997, "Long short-term memory"; forget gate: Gers, Schmidhuber and Cummins
    2000, "Learning to forget".) The blocks stand in the order i, f, g, o; Keras calls the third one c. A
    network that has to remember from the start needs a large forget bias: Keras begins with ones in that
    block.

    Parameters
    ----------
    x : array, shape (n, t, d)
    kernel : array, shape (d, 4 * units)
    recurrent_kernel : array, shape (units, 4 * units)
    bias : array, shape (4 * units,)
    state : pair of array, each of shape (n, units), optional
        h and c before the first step; left out, zeros.
    mask : array of bool, shape (n, t), optional
        As for `simple_rnn`.

    Returns
    -------
    y : array, shape (n, t, units)
        The h after each step, in (-1, 1).
    steps : Steps
        With `h`, `c` and `gates`. `lstm_grad` needs it.

    Raises
    ------
    ValueError
        As `simple_rnn`, or a `state` that is not a pair.
    """
    x, (kernel, recurrent_kernel, bias), mask = _prepare(x, kernel, recurrent_kernel, bias, mask, blocks=4)
    gates = affine(x, kernel, bias)  # (t, n, 4 * units), here still without what comes from h
    units = len(recurrent_kernel)
    h0, c0 = _members("state", state, "h c")
    h, c = _first("state h", h0, gates, units), _first("state c", c0, gates, units)
    for step, z in enumerate(gates):
        z += h[step] @ recurrent_kernel
        i, f, g, o = _blocks(z, 4)  # views: what is written there stands in gates
        z[:, : 2 * units] = sigmoid(z[:, : 2 * units])  # i and f
        g[...], o[...] = np.tanh(g), sigmoid(o)
        c[step + 1] = _where_real(mask, step, f * c[step] + i * g, c[step])
        h[step + 1] = _where_real(mask, step, o * np.tanh(c[step + 1]), h[step])
    return _outputs(h, mask), Steps(_swap(h), _swap(c), _swap(gates))


def lstm_grad(x, kernel, recurrent_kernel, bias, steps, dy, dlast=None, mask=None, truncate_every=None):
    """Gradients of a loss with respect to the arguments of `lstm`: backpropagation through time.

    From the last step to the first, with dh and dc as the output of a step and the step after it send them::

        dc    = dc + dh * o * (1 - tanh(c[t])**2)
        dz_i  = dc * g * i * (1 - i)
        dz_f  = dc * c[t-1] * f * (1 - f)
        dz_g  = dc * i * (1 - g**2)
        dz_o  = dh * tanh(c[t]) * o * (1 - o)

    and ``dh = dz recurrent_kernel^T``, ``dc = dc * f`` go to the step before. Along the cell, a gradient is
    only multiplied by forget gates: where they are near 1, it reaches far back.

    Parameters
    ----------
    x, kernel, recurrent_kernel, bias, mask
        As given to `lstm`.
    steps : Steps
        As `lstm` returned it.
    dy : array, shape (n, t, units)
        Gradient of the loss with respect to the outputs.
    dlast : pair of array, each of shape (n, units), optional
        Gradients with respect to the last h and c, if the loss uses them besides the outputs. One of the two
        may be None.
    truncate_every : int, optional
        As for `simple_rnn_grad`.

    Returns
    -------
    dx : array, shape (n, t, d)
        Zero at padded steps.
    dkernel, drecurrent_kernel, dbias : array
        Of the shapes of the weights.
    dstate : pair of array, each of shape (n, units)
        Gradients with respect to h and c before the first step.

    Raises
    ------
    ValueError
        As `lstm` and `simple_rnn_grad`.
    """
    x, (kernel, recurrent_kernel, bias), mask = _prepare(x, kernel, recurrent_kernel, bias, mask, blocks=4)
    h, dy = _prepare_grad(x, len(recurrent_kernel), steps, dy, mask)
    c = _time_first("steps.c", steps.c, h.shape)
    gates = _time_first("steps.gates", steps.gates, (*x.shape[:2], len(bias)))
    dh, dc = _members("dlast", dlast, "h c")
    dh, dc = _last("dlast h", dh, h), _last("dlast c", dc, c)
    cuts, back = _cuts(len(x), truncate_every), np.ascontiguousarray(recurrent_kernel.T)
    dz = np.empty_like(gates)
    for step in reversed(range(len(x))):
        dh = dh + dy[step]
        dz_step, dc_before = _lstm_step_grad(gates[step], c[step], c[step + 1], dh, dc)
        dz[step] = _where_real(mask, step, dz_step, 0)
        dh = _where_real(mask, step, dz[step] @ back, dh)
        dc = _where_real(mask, step, dc_before, dc)
        if step in cuts:
            dh, dc = np.zeros_like(dh), np.zeros_like(dc)
    dx, dkernel, dbias = affine_grad(x, kernel, dz)
    return _swap(dx), dkernel, _product(h[:-1], dz), dbias, (dh, dc)


def _lstm_step_grad(gates, c_before, c, dh, dc):
    """Gradients with respect to z and to the cell before the step."""
    i, f, g, o = _blocks(gates, 4)
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_before * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    return np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1), dc * f


# ---------------------------------------------------------------- gated recurrent unit


def gru(x, kernel, recurrent_kernel, bias, state=None, mask=None, reset="after"):
    """Blend the old state with a candidate, each number in its own proportion: gated recurrent unit.

    The columns of kernel, recurrent kernel (U) and bias (b, B) are three blocks of `units`, in the order
    z, r, g::

        z = sigmoid(x[t] kernel_z + h[t-1] U_z + b_z)            update gate: how much of the old state stays
        r = sigmoid(x[t] kernel_r + h[t-1] U_r + b_r)            reset gate: how much of it the candidate sees
        g = tanh(x[t] kernel_g + r * (h[t-1] U_g + B_g) + b_g)   candidate, if reset is "after"
        g = tanh(x[t] kernel_g + (r * h[t-1]) U_g + b_g)         candidate, if reset is "before"
        h[t] = z * h[t-1] + (1 - z) * g

    Reset "before" the product with U_g is the definition (Cho et al. 2014, arXiv:1406.1078v3, section 2.3,
    which leaves the biases out). Reset "after" it is what Keras' GRU computes unless told
    ``reset_after=False``; there b is the first row of `bias` and B the second, whose blocks z and r are added
    to those of b.

    Parameters
    ----------
    x : array, shape (n, t, d)
    kernel : array, shape (d, 3 * units)
    recurrent_kernel : array, shape (units, 3 * units)
    bias : array, shape (2, 3 * units) for reset "after", (3 * units,) for reset "before"
    state : array, shape (n, units), optional
        State before the first step; left out, zeros.
    mask : array of bool, shape (n, t), optional
        As for `simple_rnn`. At padded steps `steps` shows an update gate of 1: all of the old state stays.
    reset : "after" or "before"

    Returns
    -------
    y : array, shape (n, t, units)
        The states after each step; in (-1, 1) if the first state is.
    steps : Steps
        With `h` and `gates`. `gru_grad` needs it.

    Raises
    ------
    ValueError
        As `simple_rnn`, or another `reset`.
    """
    x, weights, mask = _prepare_gru(x, kernel, recurrent_kernel, bias, mask, reset)
    kernel, kernel_zr, kernel_g, bias, bias_g = _gru_parts(*weights, reset)
    gates = affine(x, kernel, bias)  # (t, n, 3 * units), here still without what comes from h
    h = _first("state", state, gates, len(kernel_g))
    for step, columns in enumerate(gates):
        old = h[step]
        zr, g = np.split(columns, [2 * len(kernel_g)], axis=1)  # views: what is written there stands in gates
        zr[...] = sigmoid(zr + old @ kernel_zr)
        z, r = _blocks(zr, 2)
        z[...] = _where_real(mask, step, z, 1)
        seen = r * (old @ kernel_g + bias_g) if reset == "after" else (r * old) @ kernel_g
        g[...] = np.tanh(g + seen)
        h[step + 1] = z * old + (1 - z) * g
    return _outputs(h, mask), Steps(_swap(h), gates=_swap(gates))


def gru_grad(
    x, kernel, recurrent_kernel, bias, steps, dy, dlast=None, mask=None, truncate_every=None, reset="after"
):
    """Gradients of a loss with respect to the arguments of `gru`: backpropagation through time.

    From the last step to the first, with dh as the output of a step and the step after it send it::

        dz = dh * (h[t-1] - g) * z * (1 - z)
        dg = dh * (1 - z) * (1 - g**2)
        dr = dg * (h[t-1] U_g + B_g) * r * (1 - r)      if reset is "after"
        dr = (dg U_g^T) * h[t-1] * r * (1 - r)          if reset is "before"

    are the gradients of what stands inside of sigmoid and tanh. To the step before goes ``dh * z``, which may
    reach far back, and what returns through the recurrent kernel.

    Parameters
    ----------
    x, kernel, recurrent_kernel, bias, mask, reset
        As given to `gru`.
    steps : Steps
        As `gru` returned it.
    dy : array, shape (n, t, units)
        Gradient of the loss with respect to the outputs.
    dlast : array, shape (n, units), optional
        Gradient with respect to the last state, if the loss uses it besides the outputs.
    truncate_every : int, optional
        As for `simple_rnn_grad`.

    Returns
    -------
    dx : array, shape (n, t, d)
        Zero at padded steps.
    dkernel, drecurrent_kernel, dbias : array
        Of the shapes of the weights.
    dstate : array, shape (n, units)
        Gradient with respect to the state before the first step.

    Raises
    ------
    ValueError
        As `gru` and `simple_rnn_grad`.
    """
    x, weights, mask = _prepare_gru(x, kernel, recurrent_kernel, bias, mask, reset)
    kernel, kernel_zr, kernel_g, _, bias_g = _gru_parts(*weights, reset)
    h, dy = _prepare_grad(x, len(kernel_g), steps, dy, mask)
    gates = _time_first("steps.gates", steps.gates, (*x.shape[:2], kernel.shape[1]))
    dh, cuts, dgates = _last("dlast", dlast, h), _cuts(len(x), truncate_every), np.empty_like(gates)
    for step in reversed(range(len(x))):
        dh = dh + dy[step]
        dgates[step], dh = _gru_step_grad(gates[step], h[step], dh, kernel_zr, kernel_g, bias_g, reset)
        if step in cuts:
            dh = np.zeros_like(dh)
    dx, dkernel, dbias = affine_grad(x, kernel, dgates)
    drecurrent_kernel, dbias = _gru_recurrent_grads(h[:-1], gates, dgates, dbias, reset)
    return _swap(dx), dkernel, drecurrent_kernel, dbias, dh


def _prepare_gru(x, kernel, recurrent_kernel, bias, mask, reset):
    _expect.one_of("reset", reset, ("after", "before"))
    biases = 2 if reset == "after" else 1
    return _prepare(x, kernel, recurrent_kernel, bias, mask, blocks=3, biases=biases)


def _gru_parts(kernel, recurrent_kernel, bias, reset):
    """Return kernel, the two parts of the recurrent kernel, what is added to all columns, and B_g."""
    gates = 2 * len(recurrent_kernel)
    kernel_zr, kernel_g = np.split(recurrent_kernel, [gates], axis=1)
    if reset == "before":
        return kernel, kernel_zr, kernel_g, bias, None
    both, inner = bias.copy()
    both[:gates] += inner[:gates]  # two biases of a gate are as good as their sum
    return kernel, kernel_zr, kernel_g, both, inner[gates:]


def _gru_step_grad(gates, old, dh, kernel_zr, kernel_g, bias_g, reset):
    """Gradients with respect to what stands inside of sigmoid and tanh, and to the state before the step."""
    z, r, g = _blocks(gates, 3)
    dz = dh * (old - g) * z * (1 - z)
    dg = dh * (1 - z) * (1 - g**2)
    if reset == "after":
        dr, dold = dg * (old @ kernel_g + bias_g), (dg * r) @ kernel_g.T
    else:
        dseen = dg @ kernel_g.T
        dr, dold = dseen * old, dseen * r
    dzr = np.concatenate([dz, dr * r * (1 - r)], axis=1)
    return np.concatenate([dzr, dg], axis=1), dh * z + dold + dzr @ kernel_zr.T


def _gru_recurrent_grads(old, gates, dgates, dbias, reset):
    """Gradients with respect to recurrent kernel and bias; `dbias` is the sum of `dgates`."""
    _, r, _ = np.split(gates, 3, axis=2)
    dzr, dg = np.split(dgates, [2 * r.shape[2]], axis=2)
    if reset == "before":
        return np.concatenate([_product(old, dzr), _product(r * old, dg)], axis=1), dbias
    dinner = np.concatenate([dzr, dg * r], axis=2)  # with respect to h[t-1] U + B
    return _product(old, dinner), np.stack([dbias, dinner.sum(axis=(0, 1))])


# ---------------------------------------------------------------- both directions


def bidirectional(layer, x, forward, backward, states=None, mask=None, **options):
    """Read a sequence from both ends with two sets of weights, and join the outputs of each step.

    The output of a step then knows what came before it and what comes after. As Keras' Bidirectional, with
    merge_mode "concat". (Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".)

    Parameters
    ----------
    layer : callable
        `simple_rnn`, `lstm` or `gru`.
    x : array, shape (n, t, d)
    forward, backward : tuple (kernel, recurrent_kernel, bias)
        Weights of the two directions, as the layer takes them.
    states : pair, optional
        State of the forward direction before the first step, and of the backward direction after the last, as
        the layer takes them.
    mask : array of bool, shape (n, t), optional
        True at real steps. At the others both directions keep their states, and the output is zero.
    **options
        For the layer: `reset` of a GRU.

    Returns
    -------
    y : array, shape (n, t, units of forward + units of backward)
    steps : pair of Steps
        The second in the order in which that direction reads: last step first.

    Raises
    ------
    ValueError
        As the layer, or `forward`, `backward` or `states` of another length.
    """
    x, mask = _expect.array("x", x, "n t d"), _mask(mask, np.shape(x)[:2])
    forward, backward, states = _directions(forward, backward, states)
    y, steps = layer(x, *forward, state=states[0], mask=mask, **options)
    y_back, steps_back = layer(_reverse(x), *backward, state=states[1], mask=_reverse(mask), **options)
    y = np.concatenate([y, _reverse(y_back)], axis=2)
    return _zero_padding(y, mask), (steps, steps_back)


def bidirectional_grad(layer_grad, x, forward, backward, steps, dy, dlast=None, mask=None, **options):
    """Gradients of a loss with respect to the arguments of `bidirectional`.

    Parameters
    ----------
    layer_grad : callable
        `simple_rnn_grad`, `lstm_grad` or `gru_grad`.
    x, forward, backward, mask
        As given to `bidirectional`.
    steps : pair of Steps
        As `bidirectional` returned them.
    dy : array, of the shape of the output
        Gradient of the loss with respect to the outputs.
    dlast : pair, optional
        Gradients with respect to the last state of each direction, as `layer_grad` takes them. The last state
        of the backward direction is the one after the first step.
    **options
        For `layer_grad`: `truncate_every`, `reset` of a GRU.

    Returns
    -------
    dx : array, shape (n, t, d)
    dforward, dbackward : tuple (dkernel, drecurrent_kernel, dbias, dstate)

    Raises
    ------
    ValueError
        As `layer_grad` and `bidirectional`.
    """
    x, mask = _expect.array("x", x, "n t d"), _mask(mask, np.shape(x)[:2])
    forward, backward, dlast = _directions(forward, backward, dlast, "dlast")
    units = [len(weights[1]) for weights in (forward, backward)]
    dy = _expect.same_shape("dy", dy, (*x.shape[:2], sum(units)))
    dy, dy_back = np.split(_zero_padding(dy, mask), units[:1], axis=2)
    dx, *dforward = layer_grad(x, *forward, steps[0], dy, dlast[0], mask, **options)
    dx_back, *dbackward = layer_grad(
        _reverse(x), *backward, steps[1], _reverse(dy_back), dlast[1], _reverse(mask), **options
    )
    return dx + _reverse(dx_back), tuple(dforward), tuple(dbackward)


def _directions(forward, backward, pair, name="states"):
    weights = "kernel recurrent_kernel bias"
    forward, backward = _members("forward", forward, weights), _members("backward", backward, weights)
    return forward, backward, _members(name, pair, "forward backward")


def _reverse(sequences):
    return None if sequences is None else sequences[:, ::-1]


def _zero_padding(sequences, mask):
    return sequences if mask is None else np.where(mask[:, :, None], sequences, 0)


# ---------------------------------------------------------------- common to all layers
#
# Inside, arrays are time first: what belongs to one step lies together in memory.


def _prepare(x, kernel, recurrent_kernel, bias, mask, blocks=1, biases=1):
    """Check the arguments; return x time first, the weights in its precision, and the mask as (t, n, 1)."""
    x = _expect.array("x", x, "n t d")
    units = len(_expect.array("recurrent_kernel", recurrent_kernel, "units columns"))
    columns = blocks * units
    weights = [
        _expect.same_shape("kernel", kernel, (x.shape[2], columns)),
        _expect.same_shape("recurrent_kernel", recurrent_kernel, (units, columns)),
        _expect.same_shape("bias", bias, (columns,) if biases == 1 else (biases, columns)),
    ]
    mask = _mask(mask, x.shape[:2])
    if mask is not None:
        x, mask = _zero_padding(x, mask), _swap(mask)[:, :, None]  # no NaN of the padding reaches a product
    dtype = np.result_type(x, *weights)
    return np.ascontiguousarray(_swap(x), dtype), [w.astype(dtype, copy=False) for w in weights], mask


def _prepare_grad(x, units, steps, dy, mask):
    """Return the states and dy, time first; dy without the outputs that are zero whatever the state."""
    t, n, _ = x.shape
    h = _time_first("steps.h", steps.h, (t + 1, n, units))
    dy = _time_first("dy", dy, (t, n, units)).astype(x.dtype, copy=False)
    return h, dy if mask is None else np.where(_started(mask), dy, 0)


def _time_first(name, value, shape):
    """Check an array that the caller holds as (n, t, ...) against the `shape` (t, n, ...)."""
    t, n, *others = shape
    return _swap(_expect.same_shape(name, value, (n, t, *others)))


def _swap(sequences):
    """Exchange the axes of sequences and steps."""
    return sequences.swapaxes(0, 1)


def _blocks(columns, count):
    """Cut the columns of one step, (n, count * units), into `count` blocks (n, units)."""
    return columns.reshape(len(columns), count, -1).swapaxes(0, 1)


def _mask(mask, shape):
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"mask must be boolean, True at real steps, of shape {shape}, "
            f"received {mask.dtype}, shape {mask.shape}"
        )
    return mask


def _members(name, value, members):
    """Return the members of a tuple, all None if there is no tuple."""
    members = members.split()
    if value is None:
        return [None] * len(members)
    if not isinstance(value, tuple | list) or len(value) != len(members):
        received = f"{len(value)} of them" if isinstance(value, tuple | list) else type(value).__name__
        raise ValueError(f"{name} must be a tuple ({', '.join(members)}), received {received}")
    return value


def _first(name, state, inputs, units):
    """Room for the states, (t + 1, n, units), with the first one filled in."""
    t, n, _ = inputs.shape
    states = np.zeros((t + 1, n, units), inputs.dtype)
    if state is not None:
        states[0] = _expect.same_shape(name, state, (n, units))
    return states


def _last(name, dlast, states):
    """Gradient with respect to the last state, zeros if there is none."""
    if dlast is None:
        return np.zeros_like(states[-1])
    return _expect.same_shape(name, dlast, states[-1].shape).astype(states.dtype, copy=False)


def _where_real(mask, step, new, old):
    """Take the new numbers at real steps, the old ones at padded steps."""
    return new if mask is None else np.where(mask[step], new, old)


def _started(mask):
    """Mark the steps from the first real one on."""
    return np.logical_or.accumulate(mask, axis=0)


def _outputs(h, mask):
    """Return the states after each step, sequences first; before the first real step zero, as in Keras."""
    y = h[1:] if mask is None else np.where(_started(mask), h[1:], 0)
    return _swap(y).copy()  # so that changing the output does not change the steps


def _cuts(steps, truncate_every):
    """Steps that send no gradient to the step before."""
    if truncate_every is None:
        return range(0)
    return range(_expect.at_least("truncate_every", truncate_every, 1), steps, truncate_every)


def _product(states, dz):
    """Sum over all steps and sequences of ``state^T dz``, in one product."""
    return states.reshape(-1, states.shape[-1]).T @ dz.reshape(-1, dz.shape[-1])
