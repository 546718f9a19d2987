"""Attention: mix values in proportions that say how well the key of each value answers a query.

Sequences are (n, t, d): t queries look at s keys, each with its value. Every form returns the mixed values
and the proportions, called weights; its partner with ``_grad`` takes the weights back and needs no mask. A
mask is boolean, True where a query may look. A query that may look nowhere gets weights of 0 and the value 0.
Numbers keep their precision. A NaN passes through, also from a value whose weight is 0.
"""

from typing import NamedTuple

import numpy as np

from helpers import _expect
from helpers.dense import affine, affine_grad, softmax


def causal_mask(t, s=None):
    """Let each step look at itself and at the steps before it, not at later ones.

    Join it with others by ``&``; `helpers.recurrent.padding_mask`, (n, s), needs an axis for the queries
    first, ``[:, None, :]``.

    Parameters
    ----------
    t : int
        Number of queries.
    s : int, optional
        Number of keys; left out, as many.

    Returns
    -------
    array of bool, shape (t, s)

    Raises
    ------
    ValueError
        A number below 1.

    Examples
    --------
    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    t = _expect.at_least("t", t, 1)
    return np.tri(t, t if s is None else _expect.at_least("s", s, 1), dtype=bool)


# ---------------------------------------------------------------- scaled dot product


def dot_product_attention(query, key, value, mask=None):
    """Weigh the values by how far their keys point in the direction of a query.

    ``weights = softmax(query key^T / sqrt(d))`` over the keys, ``y = weights value``. (Vaswani et al. 2017,
    arXiv:1706.03762, equation 1.)

    The weights of a query that the mask lets look nowhere are 0. In Keras' MultiHeadAttention they are 0 too
    if it is asked for the weights (return_attention_scores); if not, such a query receives the plain mean of
    all values, padding included.

    Parameters
    ----------
    query : array, shape (..., t, d)
    key : array, shape (..., s, d)
    value : array, shape (..., s, e)
    mask : array of bool, optional
        True where a query may look at a key. Of shape (..., t, s), or broadcast to it, such as (t, s).

    Returns
    -------
    y : array, shape (..., t, e)
    weights : array, shape (..., t, s)
        In [0, 1]; the weights of a query add up to 1. `dot_product_attention_grad` needs them.

    Raises
    ------
    ValueError
        Shapes that do not match, an empty axis, integers instead of floating-point numbers, or a mask that is
        not boolean.

    Examples
    --------
    >>> y, weights = dot_product_attention(np.array([[np.log(3)]]), np.array([[1.0], [0.0]]), np.eye(2))
    >>> weights
    array([[0.75, 0.25]])
    """
    query, key, value = _check(query, key, value)
    key = _expect.array("key", key, "... s d", d=query.shape[-1])
    weights = _weigh(query / query.shape[-1] ** 0.5 @ _turn(key), mask)
    return weights @ value, weights


def dot_product_attention_grad(query, key, value, weights, dy):
    """Gradients of a loss with respect to the first three arguments of `dot_product_attention`.

    Through ``y = weights value`` flow ``dvalue = weights^T dy`` and ``dweights = dy value^T``, through the
    softmax ``dscores = weights * (dweights - sum over the keys of weights * dweights)``, and through the
    product ``dquery = dscores key / sqrt(d)`` and ``dkey = dscores^T query / sqrt(d)``. Where a weight is 0,
    as under a mask, nothing flows.

    Parameters
    ----------
    query : array, shape (..., t, d)
    key : array, shape (..., s, d)
    value : array, shape (..., s, e)
    weights : array, shape (..., t, s)
        As `dot_product_attention` returned them.
    dy : array, shape (..., t, e)

    Returns
    -------
    dquery, dkey, dvalue : array
        Of the shapes of query, key and value.

    Raises
    ------
    ValueError
        As `dot_product_attention`, or `weights` or `dy` of another shape.
    """
    query, key, value = _check(query, key, value)
    key = _expect.array("key", key, "... s d", d=query.shape[-1])
    dscores, dvalue = _weigh_grad(value, weights, dy, query.shape[:-1])
    root = query.shape[-1] ** 0.5
    return dscores @ key / root, _turn(dscores) @ query / root, dvalue


# ---------------------------------------------------------------- additive


def additive_attention(query, key, value, query_kernel, key_kernel, score_kernel, mask=None):
    """Weigh the values by a small network with one hidden layer that sees a query and a key.

    ``hidden[i, j] = tanh(query[i] query_kernel + key[j] key_kernel)``, ``weights = softmax(hidden
    score_kernel)`` over the keys j, ``y = weights value``. (Bahdanau, Cho and Bengio 2015, arXiv:1409.0473,
    appendix A.1.2.) Keras' AdditiveAttention is the part after the first two products; its scale is
    `score_kernel`.

    Parameters
    ----------
    query : array, shape (..., t, d_query)
    key : array, shape (..., s, d_key)
    value : array, shape (..., s, e)
    query_kernel : array, shape (d_query, units)
    key_kernel : array, shape (d_key, units)
    score_kernel : array, shape (units,)
    mask : array of bool, optional
        As for `dot_product_attention`.

    Returns
    -------
    y : array, shape (..., t, e)
    weights : array, shape (..., t, s)
        In [0, 1]; the weights of a query add up to 1. `additive_attention_grad` needs them.

    Raises
    ------
    ValueError
        As `dot_product_attention`.
    """
    query, key, value = _check(query, key, value)
    hidden, score_kernel = _hidden(query, key, query_kernel, key_kernel, score_kernel)
    weights = _weigh(hidden @ score_kernel, mask)
    return weights @ value, weights


def additive_attention_grad(query, key, value, query_kernel, key_kernel, score_kernel, weights, dy):
    """Gradients of a loss with respect to the first six arguments of `additive_attention`.

    From values to scores as in `dot_product_attention_grad`. Then ``dz = dscores score_kernel * (1 -
    hidden**2)``, which a query adds up over the keys and a key over the queries.

    Parameters
    ----------
    query, key, value, query_kernel, key_kernel, score_kernel
        As given to `additive_attention`.
    weights : array, shape (..., t, s)
        As `additive_attention` returned them.
    dy : array, shape (..., t, e)

    Returns
    -------
    dquery, dkey, dvalue, dquery_kernel, dkey_kernel, dscore_kernel : array
        Of the shapes of the arguments.

    Raises
    ------
    ValueError
        As `additive_attention`, or `weights` or `dy` of another shape.
    """
    query, key, value = _check(query, key, value)
    hidden, score_kernel = _hidden(query, key, query_kernel, key_kernel, score_kernel)
    dscores, dvalue = _weigh_grad(value, weights, dy, query.shape[:-1])
    dscore_kernel = dscores.ravel() @ hidden.reshape(-1, len(score_kernel))
    dz = dscores[..., None] * score_kernel * (1 - hidden**2)  # (..., t, s, units)
    dquery, dquery_kernel, _ = affine_grad(query, query_kernel, dz.sum(axis=-2))
    dkey, dkey_kernel, _ = affine_grad(key, key_kernel, dz.sum(axis=-3))
    return dquery, dkey, dvalue, dquery_kernel, dkey_kernel, dscore_kernel


def _hidden(query, key, query_kernel, key_kernel, score_kernel):
    """Return the hidden layer for each pair of a query and a key, (..., t, s, units), and the last kernel."""
    score_kernel = _expect.array("score_kernel", score_kernel, "units")
    units = len(score_kernel)
    query_kernel = _expect.same_shape("query_kernel", query_kernel, (query.shape[-1], units))
    key_kernel = _expect.same_shape("key_kernel", key_kernel, (key.shape[-1], units))
    from_query, from_key = affine(query, query_kernel), affine(key, key_kernel)
    return np.tanh(from_query[..., :, None, :] + from_key[..., None, :, :]), score_kernel


# ---------------------------------------------------------------- several heads


class HeadParams(NamedTuple):
    """Weights of `multi_head_attention`, in the order of ``get_weights()`` of Keras' MultiHeadAttention.

    Attributes
    ----------
    query_kernel : array, shape (d_query, heads, d)
    query_bias : array, shape (heads, d)
    key_kernel : array, shape (d_key, heads, d)
    key_bias : array, shape (heads, d)
    value_kernel : array, shape (d_value, heads, e)
    value_bias : array, shape (heads, e)
    output_kernel : array, shape (heads, e, d_out)
    output_bias : array, shape (d_out,)
    """

    query_kernel: np.ndarray
    query_bias: np.ndarray
    key_kernel: np.ndarray
    key_bias: np.ndarray
    value_kernel: np.ndarray
    value_bias: np.ndarray
    output_kernel: np.ndarray
    output_bias: np.ndarray


def multi_head_attention(query, key, value, params, mask=None):
    """Attend several times side by side, each head to its own projection, and join what the heads found.

    With the part of the parameters that belongs to one head::

        q, k, v = query query_kernel + query_bias, key key_kernel + key_bias, value value_kernel + value_bias
        head = dot_product_attention(q, k, v)

    and ``y = output_bias + sum over the heads of head output_kernel``. (Vaswani et al. 2017,
    arXiv:1706.03762, section 3.2.2; biases as in Keras.) With one array as query, key and value it is
    self-attention, and the gradient of that array is the sum of the three.

    Parameters
    ----------
    query : array, shape (n, t, d_query)
    key : array, shape (n, s, d_key)
    value : array, shape (n, s, d_value)
        Keras' layer takes the value before the key.
    params : HeadParams, or a sequence of the same eight arrays
        Such as ``layer.get_weights()`` of Keras.
    mask : array of bool, optional
        True where a query may look at a key, the same for all heads. Of shape (n, t, s), or one that
        broadcasts to it.

    Returns
    -------
    y : array, shape (n, t, d_out)
    weights : array, shape (n, heads, t, s)
        In [0, 1]; the weights of a query add up to 1. `multi_head_attention_grad` needs them.

    Raises
    ------
    ValueError
        As `dot_product_attention`, or `params` that are not eight arrays of the shapes of `HeadParams`.
    """
    query, key, value, params = _check_heads(query, key, value, params)
    q, k, v = _projections(query, key, value, params)
    if mask is not None:
        shape = (*query.shape[:2], key.shape[1])
        mask = np.broadcast_to(_check_mask(mask, shape), shape)[:, None]  # (n, 1, t, s)
    mixed, weights = dot_product_attention(q, k, v, mask)
    flat = params.output_kernel.reshape(-1, len(params.output_bias))  # (heads * e, d_out)
    return affine(_join(mixed), flat, params.output_bias), weights


def multi_head_attention_grad(query, key, value, params, weights, dy):
    """Gradients of a loss with respect to the first four arguments of `multi_head_attention`.

    Parameters
    ----------
    query, key, value, params
        As given to `multi_head_attention`.
    weights : array, shape (n, heads, t, s)
        As `multi_head_attention` returned them.
    dy : array, shape (n, t, d_out)

    Returns
    -------
    dquery, dkey, dvalue : array
        Of the shapes of query, key and value.
    dparams : HeadParams

    Raises
    ------
    ValueError
        As `multi_head_attention`, or `weights` or `dy` of another shape.
    """
    query, key, value, params = _check_heads(query, key, value, params)
    q, k, v = _projections(query, key, value, params)
    weights = _expect.same_shape("weights", weights, (*q.shape[:3], key.shape[1]))
    dy = _expect.same_shape("dy", dy, (*query.shape[:2], len(params.output_bias)))
    flat = params.output_kernel.reshape(-1, len(params.output_bias))  # (heads * e, d_out)
    djoined, dflat, doutput_bias = affine_grad(_join(weights @ v), flat, dy)
    dq, dk, dv = dot_product_attention_grad(q, k, v, weights, _divide(djoined, heads=q.shape[1]))
    dquery, dquery_params = _project_grad(query, params.query_kernel, dq)
    dkey, dkey_params = _project_grad(key, params.key_kernel, dk)
    dvalue, dvalue_params = _project_grad(value, params.value_kernel, dv)
    doutput_params = dflat.reshape(params.output_kernel.shape), doutput_bias
    return dquery, dkey, dvalue, HeadParams(*dquery_params, *dkey_params, *dvalue_params, *doutput_params)


def _check_heads(query, key, value, params):
    query = _expect.array("query", query, "n t d")
    key = _expect.array("key", key, "n s d", n=len(query))
    value = _expect.array("value", value, "n s d", n=len(query), s=key.shape[1])
    if len(params) != len(HeadParams._fields):
        raise ValueError(
            f"params must be {len(HeadParams._fields)} arrays ({', '.join(HeadParams._fields)}), "
            f"received {len(params)}"
        )
    query_kernel, _, _, _, value_kernel, _, output_kernel, _ = params
    heads, d = _expect.array("query_kernel", query_kernel, "d_query heads d").shape[1:]
    e = _expect.array("value_kernel", value_kernel, "d_value heads e").shape[2]
    d_out = _expect.array("output_kernel", output_kernel, "heads e d_out").shape[2]
    kernels = (
        (query.shape[2], heads, d),
        (key.shape[2], heads, d),
        (value.shape[2], heads, e),
        (heads, e, d_out),
    )
    biases = (heads, d), (heads, d), (heads, e), (d_out,)
    shapes = [shape for pair in zip(kernels, biases, strict=True) for shape in pair]
    checked = map(_expect.same_shape, HeadParams._fields, params, shapes)
    return query, key, value, HeadParams(*checked)


def _projections(query, key, value, params):
    """Return what the heads see of query, key and value, each (n, heads, steps, d)."""
    triples = (query, *params[:2]), (key, *params[2:4]), (value, *params[4:6])
    return [
        _divide(affine(x, kernel.reshape(len(kernel), -1), bias.ravel()), len(bias))
        for x, kernel, bias in triples
    ]


def _project_grad(x, kernel, dprojected):
    """Gradients with respect to an input, and to the kernel and the bias of its projection."""
    dx, dkernel, dbias = affine_grad(x, kernel.reshape(len(kernel), -1), _join(dprojected))
    return dx, (dkernel.reshape(kernel.shape), dbias.reshape(kernel.shape[1:]))


def _divide(joined, heads):
    """Give each head its columns: (n, t, heads * d) to (n, heads, t, d)."""
    n, t, _ = joined.shape
    return joined.reshape(n, t, heads, -1).swapaxes(1, 2)


def _join(divided):
    """Put the columns of the heads side by side: (n, heads, t, d) to (n, t, heads * d)."""
    n, _, t, _ = divided.shape
    return divided.swapaxes(1, 2).reshape(n, t, -1)


# ---------------------------------------------------------------- positions


def sinusoidal_positions(steps, d, dtype=float):
    """Describe each position by sines and cosines of it, from fast to slow: attention alone knows no order.

    ``[p, 2 * i] = sin(p / 10000**(2 * i / d))``, ``[p, 2 * i + 1] = cos(p / 10000**(2 * i / d))``. Add them
    to the inputs; as they are constants, the gradient passes through unchanged. (Vaswani et al. 2017,
    arXiv:1706.03762, section 3.5.)

    Parameters
    ----------
    steps : int
    d : int
        If odd, the last cosine is left out.
    dtype : type
        Take that of the inputs, so that the sum keeps it.

    Returns
    -------
    array, shape (steps, d)
        In [-1, 1].

    Raises
    ------
    ValueError
        A number below 1.

    Examples
    --------
    >>> sinusoidal_positions(2, 4).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.84, 0.54, 0.01, 1.  ]])
    """
    steps, d = _expect.at_least("steps", steps, 1), _expect.at_least("d", d, 1)
    angles = np.arange(steps)[:, None] / 10000 ** (np.arange(0, d, 2) / d)  # (steps, pairs)
    pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return pairs.reshape(steps, -1)[:, :d].astype(dtype)


# ---------------------------------------------------------------- common to all forms


def _check(query, key, value):
    query = _expect.array("query", query, "... t d")
    key = _expect.array("key", key, "... s d")
    value = _expect.array("value", value, "... s e", s=key.shape[-2])
    for name, other in (("key", key), ("value", value)):
        if other.shape[:-2] != query.shape[:-2]:
            raise ValueError(
                f"{name} must have the same axes before the last two as query, {query.shape[:-2]}, "
                f"received shape {other.shape}"
            )
    return query, key, value


def _check_mask(mask, shape):
    mask = np.asarray(mask)
    fits = mask.ndim <= len(shape) and all(
        size in (1, full) for size, full in zip(mask.shape[::-1], shape[::-1], strict=False)
    )
    if mask.dtype != bool or not fits:
        raise ValueError(
            f"mask must be boolean, True where a query may look, and broadcast to {shape}, "
            f"received {mask.dtype}, shape {mask.shape}"
        )
    return mask


def _weigh(scores, mask):
    """Softmax over the keys that the mask allows; 0 for the others, and for all if it allows none."""
    if mask is None:
        return softmax(scores)
    mask = _check_mask(mask, scores.shape)
    lowest = np.finfo(scores.dtype).min / 2  # finite: a row of minus infinity would turn into NaN
    return np.where(mask, softmax(np.where(mask, scores, lowest)), 0)


def _weigh_grad(value, weights, dy, queries):
    """Gradients with respect to the scores and the value; `queries` is the shape (..., t)."""
    weights = _expect.same_shape("weights", weights, (*queries, value.shape[-2]))
    dy = _expect.same_shape("dy", dy, (*queries, value.shape[-1]))
    dweights = dy @ _turn(value)
    dweights -= np.einsum("...ts,...ts->...t", weights, dweights)[
        ..., None
    ]  # shifting all scores changes nothing
    return dweights * weights, _turn(weights) @ dy


def _turn(matrices):
    return matrices.swapaxes(-1, -2)
