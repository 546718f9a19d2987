"""Attention equals its definition in loops and Keras, masks included; its gradients equal differences."""

import re
from math import cos, exp, log, prod, sin, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import keras_gradients

from helpers import attention
from helpers.attention import HeadParams
from helpers.gradcheck import check_gradient
from helpers.recurrent import padding_mask

# Added up over keys, some gradients cancel: their error is one of the terms, not of the sum.
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 2e-5}, np.float64: {"rtol": 1e-9, "atol": 1e-12}}
DTYPES = st.sampled_from([np.float32, np.float64])


def numbers(*shape, dtype=np.float64, seed=0):
    """Numbers that must not be changed: writing to them raises."""
    return frozen(np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype))


def frozen(array):
    array = np.array(array)
    array.setflags(write=False)
    return array


def inputs(*leading, t, s, d, e, dtype=np.float64, d_key=None):
    """Draw query, key, value and dy."""
    shapes = (t, d), (s, d_key or d), (s, e), (t, e)
    return [numbers(*leading, *shape, dtype=dtype, seed=seed) for seed, shape in enumerate(shapes)]


def head_params(d_query, d_key, d_value, heads, d, e, d_out, dtype=np.float64):
    kernels = (d_query, heads, d), (d_key, heads, d), (d_value, heads, e), (heads, e, d_out)
    biases = (heads, d), (heads, d), (heads, e), (d_out,)
    shapes = [shape for pair in zip(kernels, biases, strict=True) for shape in pair]
    return HeadParams(*(numbers(*shape, dtype=dtype, seed=10 + k) for k, shape in enumerate(shapes)))


@st.composite
def cases(draw):
    """Draw sizes, a mask that broadcasts to (n, t, s) or none, and a precision."""
    n, t, s, d, e = (draw(st.integers(1, 4)) for _ in range(5))
    shape = draw(st.sampled_from([(n, t, s), (n, 1, s), (1, t, s), (t, s), (t, 1), (s,)]))
    flags = draw(st.none() | st.lists(st.booleans(), min_size=prod(shape), max_size=prod(shape)))
    mask = None if flags is None else frozen(np.reshape(flags, shape))
    return {"n": n, "t": t, "s": s, "d": d, "e": e}, mask, draw(DTYPES)


def assert_equal(ours, theirs, dtype):
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, expected, **TOLERANCE[dtype])


# ---------------------------------------------------------------- masks


def test_causal_mask_by_hand():
    mask = attention.causal_mask(2)
    assert mask.dtype == bool
    assert mask.tolist() == [[True, False], [True, True]]
    assert attention.causal_mask(2, 3).tolist() == [[True, False, False], [True, True, False]]
    assert attention.causal_mask(3, 1).tolist() == [[True]] * 3


@pytest.mark.parametrize(("sizes", "name"), [((0,), "t"), ((2, 0), "s")])
def test_a_causal_mask_has_at_least_one_step(sizes, name):
    with raises(f"{name} must be an integer of at least 1, received 0"):
        attention.causal_mask(*sizes)


# ---------------------------------------------------------------- by hand


def test_dot_product_attention_by_hand():
    query = np.array([[log(3), 0, 0, 0], [0, 2 * log(4), 0, 0]])  # of 4 numbers: scores are divided by 2
    key = np.array([[2.0, 0, 0, 9], [0, 1, 0, 9]])
    value = np.array([[4.0], [8]])
    y, weights = attention.dot_product_attention(query, key, value)
    np.testing.assert_allclose(weights, [[0.75, 0.25], [0.2, 0.8]])
    np.testing.assert_allclose(y, [[5], [0.8 + 6.4]])
    dquery, dkey, dvalue = attention.dot_product_attention_grad(
        query, key, value, weights, np.array([[1.0], [0]])
    )
    np.testing.assert_allclose(dvalue, [[0.75], [0.25]])
    dscore = 0.75 * (4 - 5)  # and the other one is 0.25 * (8 - 5), the same with the other sign
    np.testing.assert_allclose(dquery, [[dscore * 2 / 2, -dscore / 2, 0, 0], [0, 0, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(dkey, [[dscore * log(3) / 2, 0, 0, 0], [-dscore * log(3) / 2, 0, 0, 0]])


def test_additive_attention_by_hand():
    query, key, value = np.array([[log(2)]]), np.array([[0.0], [-1.0]]), np.array([[4.0], [8]])
    kernels = np.array([[1.0]]), np.array([[log(2)]]), np.array([log(3) / 0.6])
    # tanh(log 2) = 0.6 and tanh(0) = 0, so the scores are log 3 and 0
    y, weights = attention.additive_attention(query, key, value, *kernels)
    np.testing.assert_allclose(weights, [[0.75, 0.25]])
    np.testing.assert_allclose(y, [[5]])
    ours = attention.additive_attention_grad(query, key, value, *kernels, weights, np.array([[1.0]]))
    dscore = 0.75 * (4 - 5)
    dz = np.array([dscore * (1 - 0.6**2), -dscore]) * log(3) / 0.6
    expected = [
        [[dz.sum()]],
        dz[:, None] * log(2),
        [[0.75], [0.25]],
        [[dz.sum() * log(2)]],
        [[-dz[1]]],
        [dscore * 0.6],
    ]
    for mine, theirs in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, theirs)


def test_multi_head_attention_by_hand():
    x = np.array([[[0.0], [1.0]]])
    # head 1 looks at the larger number, by log 3 for the query 1; head 2 sees no difference
    params = (
        np.array([[[1.0], [0.0]]]),
        np.zeros((2, 1)),
        np.array([[[log(3)], [5.0]]]),
        np.zeros((2, 1)),
        np.array([[[4.0], [8.0]]]),
        np.array([[0.0], [1.0]]),
        np.array([[[1.0]], [[10.0]]]),
        np.array([0.5]),
    )
    y, weights = attention.multi_head_attention(x, x, x, params)
    np.testing.assert_allclose(weights, [[[[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5], [0.5, 0.5]]]])
    np.testing.assert_allclose(y, [[[2 + 10 * 5 + 0.5], [3 + 10 * 5 + 0.5]]])
    *_, dparams = attention.multi_head_attention_grad(x, x, x, params, weights, np.array([[[0.0], [1.0]]]))
    assert isinstance(dparams, HeadParams)
    np.testing.assert_allclose(dparams.output_bias, [1])
    np.testing.assert_allclose(dparams.output_kernel, [[[3]], [[5]]])
    np.testing.assert_allclose(dparams.value_bias, [[1], [10]])
    np.testing.assert_allclose(dparams.value_kernel, [[[0.75], [5]]])


def test_positions_by_hand():
    positions = attention.sinusoidal_positions(3, 4)
    assert positions.dtype == np.float64
    expected = [[sin(p), cos(p), sin(p / 100), cos(p / 100)] for p in range(3)]
    np.testing.assert_allclose(positions, expected)


# ---------------------------------------------------------------- loops


def loop_softmax(scores, allowed):
    powers = [exp(score) if look else 0.0 for score, look in zip(scores, allowed, strict=True)]
    return [power / (sum(powers) or 1) for power in powers]


def loop_weights(score, mask, t, s):
    """Weights of one sequence, query by query; `score` gives the score of query i and key j."""
    allowed = np.ones((t, s), bool) if mask is None else mask
    return [loop_softmax([score(i, j) for j in range(s)], allowed[i]) for i in range(t)]


def loop_mix(weights, value):
    return [
        [sum(w * v[k] for w, v in zip(row, value, strict=True)) for k in range(len(value[0]))]
        for row in weights
    ]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def each(mask, n, t, s):
    """The mask of each sequence."""
    return [None] * n if mask is None else np.broadcast_to(mask, (n, t, s))


@settings(max_examples=40)
@given(cases())
def test_dot_product_attention_equals_loops(case):
    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    query, key, value, dy = inputs(n, t=t, s=s, d=d, e=e, dtype=dtype)
    y, weights = attention.dot_product_attention(query, key, value, mask)
    assert y.dtype == weights.dtype == dtype
    assert y.shape == dy.shape
    for k, allowed in enumerate(each(mask, n, t, s)):
        expected = loop_weights(lambda i, j, k=k: dot(query[k, i], key[k, j]) / sqrt(d), allowed, t, s)
        np.testing.assert_allclose(weights[k], expected, **TOLERANCE[dtype])
        np.testing.assert_allclose(y[k], loop_mix(expected, value[k]), **TOLERANCE[dtype])


@settings(max_examples=40)
@given(cases(), st.integers(1, 3), st.integers(1, 3))
def test_additive_attention_equals_loops(case, d_key, units):
    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    query, key, value, _ = inputs(n, t=t, s=s, d=d, e=e, d_key=d_key, dtype=dtype)
    kernels = [numbers(*shape, dtype=dtype) for shape in ((d, units), (d_key, units), (units,))]
    y, weights = attention.additive_attention(query, key, value, *kernels, mask)
    assert y.dtype == weights.dtype == dtype

    def score(i, j, k):
        hidden = (dot(query[k, i], kernels[0][:, u]) + dot(key[k, j], kernels[1][:, u]) for u in range(units))
        return dot(kernels[2], map(tanh, hidden))

    for k, allowed in enumerate(each(mask, n, t, s)):
        expected = loop_weights(lambda i, j, k=k: score(i, j, k), allowed, t, s)
        np.testing.assert_allclose(weights[k], expected, **TOLERANCE[dtype])
        np.testing.assert_allclose(y[k], loop_mix(expected, value[k]), **TOLERANCE[dtype])


@settings(max_examples=20)
@given(cases(), st.integers(1, 3))
def test_multi_head_attention_is_the_sum_of_its_heads(case, heads):
    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    query, key, value, _ = inputs(n, t=t, s=s, d=2, d_key=3, e=4, dtype=dtype)
    params = head_params(2, 3, 4, heads, d, e, 5, dtype)
    y, weights = attention.multi_head_attention(query, key, value, params, mask)
    assert y.dtype == weights.dtype == dtype
    total = params.output_bias
    for h in range(heads):
        q, k, v = (
            x @ kernel[:, h] + bias[h]
            for x, kernel, bias in zip((query, key, value), params[0:6:2], params[1:6:2], strict=True)
        )
        head, head_weights = attention.dot_product_attention(q, k, v, mask)
        np.testing.assert_allclose(weights[:, h], head_weights, **TOLERANCE[dtype])
        total = total + head @ params.output_kernel[h]
    np.testing.assert_allclose(y, total, **TOLERANCE[dtype])


@given(st.integers(1, 6), st.integers(1, 7))
def test_positions_equal_loops(steps, d):
    positions = attention.sinusoidal_positions(steps, d)
    assert positions.shape == (steps, d)
    for p in range(steps):
        for column in range(d):
            angle = p / 10000 ** (column // 2 * 2 / d)
            np.testing.assert_allclose(positions[p, column], cos(angle) if column % 2 else sin(angle))


# ---------------------------------------------------------------- Keras

one_key_is_fine = pytest.mark.filterwarnings("ignore:You are using a softmax over axis")


@one_key_is_fine
@settings(max_examples=25)
@given(cases())
def test_dot_product_attention_and_its_gradients_equal_keras(case):
    from keras import layers, ops

    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    query, key, value, dy = inputs(n, t=t, s=s, d=d, e=e, dtype=dtype)
    y, weights = attention.dot_product_attention(query, key, value, mask)
    ours = attention.dot_product_attention_grad(query, key, value, weights, dy)
    softmax = layers.Softmax(dtype=dtype.__name__)
    full = None if mask is None else np.broadcast_to(mask, (n, t, s))

    def theirs(query, key, value):
        scores = ops.matmul(query, ops.swapaxes(key, 1, 2)) / dtype(sqrt(d))
        shares = softmax(scores, mask=full)
        return ops.matmul(shares, value), shares

    assert_equal([y, weights, *ours], keras_gradients(theirs, query, key, value, dy=dy), dtype)


def test_dot_product_attention_equals_the_layer_of_keras():
    """Keras' layer divides by nothing, and knows masks of keys and the causal one."""
    import keras

    query, key, value, _ = inputs(2, t=3, s=3, d=4, e=5)
    real = padding_mask([3, 2], 3)
    layer = keras.layers.Attention(dtype="float64")
    theirs = layer(
        [2 * query, value, key / 4],
        mask=[None, real],
        use_causal_mask=True,
        return_attention_scores=True,
    )
    ours = attention.dot_product_attention(query, key, value, real[:, None, :] & attention.causal_mask(3))
    assert_equal(ours, theirs, np.float64)


@one_key_is_fine
@settings(max_examples=20)
@given(cases(), st.integers(1, 3), st.integers(1, 3))
def test_additive_attention_and_its_gradients_equal_keras(case, d_key, units):
    import keras
    from keras import ops

    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    if mask is not None:
        # Keras' layer knows masks of keys, and weighs all alike if all are masked.
        mask = np.array(np.broadcast_to(mask, (n, t, s))[:, :1])
        mask[:, :, 0] = True
    query, key, value, dy = inputs(n, t=t, s=s, d=d, e=e, d_key=d_key, dtype=dtype)
    kernels = [numbers(*shape, dtype=dtype) for shape in ((d, units), (d_key, units), (units,))]
    y, weights = attention.additive_attention(query, key, value, *kernels, mask)
    ours = attention.additive_attention_grad(query, key, value, *kernels, weights, dy)
    layer = keras.layers.AdditiveAttention(dtype=dtype.__name__)
    layer.build([(n, t, units), (n, s, e), (n, s, units)])
    layer.set_weights([kernels[2]])
    masks = None if mask is None else [None, mask[:, 0]]

    def theirs(query, key, value, query_kernel, key_kernel):
        projected = [ops.matmul(query, query_kernel), value, ops.matmul(key, key_kernel)]
        return layer(projected, mask=masks, return_attention_scores=True)

    found = keras_gradients(theirs, query, key, value, *kernels[:2], dy=dy, weights=layer.trainable_weights)
    assert_equal([y, weights, *ours], found, dtype)


@one_key_is_fine
@settings(max_examples=25)
@given(cases(), st.integers(1, 3))
def test_multi_head_attention_and_its_gradients_equal_keras(case, heads):
    import keras

    sizes, mask, dtype = case
    n, t, s, d, e = sizes.values()
    # Keras 3.15 rounds 1 / sqrt(d) to float32, which is exact for d = 4. It adds a bias of shape (heads, 1)
    # to the steps if there are as many steps as heads.
    d, e = 4 if dtype is np.float64 else d + 1, e + 1
    query, key, value, _ = inputs(n, t=t, s=s, d=2, d_key=3, e=4, dtype=dtype)
    dy = numbers(n, t, 5, dtype=dtype)
    layer = keras.layers.MultiHeadAttention(heads, d, e, output_shape=5, dtype=dtype.__name__)
    layer.build(query.shape, value.shape, key.shape)
    params = head_params(2, 3, 4, heads, d, e, 5, dtype)
    layer.set_weights(params)
    y, weights = attention.multi_head_attention(query, key, value, layer.get_weights(), mask)
    *dinputs, dparams = attention.multi_head_attention_grad(query, key, value, params, weights, dy)
    full = None if mask is None else np.broadcast_to(mask, (n, t, s))

    def theirs(query, key, value):
        return layer(query, value, key, attention_mask=full, return_attention_scores=True)

    found = keras_gradients(theirs, query, key, value, dy=dy, weights=layer.trainable_weights)
    assert_equal([y, weights, *dinputs, *dparams], found, dtype)


# ---------------------------------------------------------------- gradients


def first_output(function, *more):
    """A function of which only the first output counts, with further arguments that stay."""

    def outputs(*arguments):
        return function(*arguments, *more)[0]

    outputs.__name__ = function.__name__
    return outputs


MASKS = {
    "no mask": None,
    "causal": attention.causal_mask(3, 4),
    "one query may look nowhere": np.array([[True, False, True, True], [False] * 4, [True] * 4]),
}
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


@every_mask
@pytest.mark.parametrize("leading", [(), (2,), (2, 2)])
def test_gradients_of_dot_product_attention_equal_central_differences(mask, leading):
    *arguments, dy = inputs(*leading, t=3, s=4, d=2, e=3)
    _, weights = attention.dot_product_attention(*arguments, mask)
    ours = attention.dot_product_attention_grad(*arguments, weights, dy)
    check_gradient(first_output(attention.dot_product_attention, mask), arguments, ours, dy)


@every_mask
@pytest.mark.parametrize("leading", [(), (2,), (2, 2)])
def test_gradients_of_additive_attention_equal_central_differences(mask, leading):
    *arguments, dy = inputs(*leading, t=3, s=4, d=2, d_key=1, e=3)
    arguments += [numbers(2, 3), numbers(1, 3), numbers(3)]
    _, weights = attention.additive_attention(*arguments, mask)
    ours = attention.additive_attention_grad(*arguments, weights, dy)
    check_gradient(first_output(attention.additive_attention, mask), arguments, ours, dy)


@every_mask
def test_gradients_of_multi_head_attention_equal_central_differences(mask):
    *arguments, _ = inputs(2, t=3, s=4, d=2, d_key=1, e=3)
    params, dy = head_params(2, 1, 3, 2, 3, 2, 4), numbers(2, 3, 4)
    _, weights = attention.multi_head_attention(*arguments, params, mask)
    *ours, dparams = attention.multi_head_attention_grad(*arguments, params, weights, dy)

    def outputs(query, key, value, *params):
        return attention.multi_head_attention(query, key, value, params, mask)[0]

    assert np.abs(dparams.key_bias).max() < 1e-12  # it raises all scores of a query alike
    check_gradient(outputs, [*arguments, *params], [*ours, *dparams._replace(key_bias=None)], dy)


# ---------------------------------------------------------------- what attention is, and is not


def forms():
    """Each form as a function of query, key, value and mask, and as one of its weights and dy."""
    kernels = numbers(4, 3), numbers(4, 3), numbers(3)
    params = head_params(4, 4, 5, 2, 3, 2, 5)
    return {
        "dot product": (
            attention.dot_product_attention,
            attention.dot_product_attention_grad,
        ),
        "additive": (
            lambda q, k, v, mask=None: attention.additive_attention(q, k, v, *kernels, mask),
            lambda q, k, v, w, dy: attention.additive_attention_grad(q, k, v, *kernels, w, dy)[:3],
        ),
        "multi-head": (
            lambda q, k, v, mask=None: attention.multi_head_attention(q, k, v, params, mask),
            lambda q, k, v, w, dy: attention.multi_head_attention_grad(q, k, v, params, w, dy)[:3],
        ),
    }


every_form = pytest.mark.parametrize(("form", "form_grad"), forms().values(), ids=forms())


@every_form
def test_weights_are_shares(form, form_grad):
    query, key, value, _ = inputs(2, t=3, s=6, d=4, e=5)
    for mask in (None, attention.causal_mask(3, 6)):
        _, weights = form(query, key, value, mask)
        np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
        assert (weights >= 0).all()
    assert (weights[..., ~mask] == 0).all()


@every_form
def test_another_order_of_the_keys_changes_nothing(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=6, d=4, e=5)
    order = [3, 0, 5, 1, 4, 2]
    y, weights = form(query, key, value)
    moved, moved_weights = form(query, key[:, order], value[:, order])
    np.testing.assert_allclose(moved, y, rtol=1e-12)
    np.testing.assert_allclose(moved_weights, weights[..., order], rtol=1e-12)
    dquery, dkey, dvalue = form_grad(query, key, value, weights, dy)
    ours = form_grad(query, key[:, order], value[:, order], moved_weights, dy)
    assert_equal(ours, (dquery, dkey[:, order], dvalue[:, order]), np.float64)


@every_form
def test_another_order_of_the_queries_only_moves_the_outputs(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=6, d=4, e=5)
    order = [2, 0, 1]
    y, weights = form(query, key, value)
    moved, moved_weights = form(query[:, order], key, value)
    np.testing.assert_allclose(moved, y[:, order], rtol=1e-12)
    dquery, dkey, dvalue = form_grad(query, key, value, weights, dy)
    ours = form_grad(query[:, order], key, value, moved_weights, dy[:, order])
    assert_equal(ours, (dquery[:, order], dkey, dvalue), np.float64)


@every_form
def test_what_the_mask_hides_matters_to_nothing(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    mask = padding_mask([2, 3], 4)[:, None, :]
    hidden = ~mask[:, 0, :, None]
    y, weights = form(query, key, value, mask)
    changed = frozen(np.where(hidden, 7.0, key)), frozen(np.where(hidden, -9.0, value))
    other, other_weights = form(query, *changed, mask)
    np.testing.assert_array_equal(other, y)
    np.testing.assert_array_equal(other_weights, weights)
    ours, theirs = form_grad(query, *changed, weights, dy), form_grad(query, key, value, weights, dy)
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, expected)
    assert (theirs[1][hidden[..., 0]] == 0).all()
    assert (theirs[2][hidden[..., 0]] == 0).all()
    for k, length in enumerate([2, 3]):
        one = slice(k, k + 1)
        short, _ = form(query[one], key[one, :length], value[one, :length])
        np.testing.assert_allclose(y[one], short, rtol=1e-12)


@every_form
def test_a_query_that_may_look_nowhere_gets_nothing_and_sends_nothing(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    mask = frozen(np.arange(3)[:, None] != 1)
    y, weights = form(query, key, value, np.repeat(mask, 4, axis=1))
    assert (weights[..., 1, :] == 0).all()
    # with several heads, the output is then that of no head at all
    nothing, _ = form(query, key, np.zeros(value.shape), np.zeros((3, 4), bool))
    np.testing.assert_array_equal(y[:, 1], nothing[:, 1])
    dquery, *others = form_grad(query, key, value, weights, dy)
    assert (dquery[:, 1] == 0).all()
    kept = [0, 2]
    _, *theirs = form_grad(query[:, kept], key, value, weights[..., kept, :], dy[:, kept])
    assert_equal(others, theirs, np.float64)


def test_a_query_of_dot_product_attention_that_may_look_nowhere_gets_zero():
    query, key, value, _ = inputs(2, t=3, s=4, d=4, e=5)
    y, _ = attention.dot_product_attention(query, key, value, np.zeros((2, 3, 1), bool))
    assert (y == 0).all()


def test_a_causal_mask_lets_no_output_depend_on_later_steps():
    x, mask = numbers(1, 5, 4), attention.causal_mask(5)
    y, _ = attention.dot_product_attention(x, x, x, mask)
    later = np.array(x)
    later[:, 3:] = 100.0
    other, _ = attention.dot_product_attention(later, later, later, mask)
    np.testing.assert_array_equal(other[:, :3], y[:, :3])
    assert (other[:, 3:] != y[:, 3:]).all()


def test_self_attention_knows_no_order_until_positions_are_added():
    x, order = numbers(1, 5, 4), [4, 2, 0, 1, 3]

    def attend(x):
        return attention.dot_product_attention(x, x, x)[0]

    def attend_with_positions(x):
        return attend(x + attention.sinusoidal_positions(5, 4))

    np.testing.assert_allclose(attend(x[:, order]), attend(x)[:, order], rtol=1e-12)
    assert np.abs(attend_with_positions(x[:, order]) - attend_with_positions(x)[:, order]).max() > 0.01


def test_positions_at_the_same_distance_have_the_same_product():
    positions = attention.sinusoidal_positions(20, 8)
    products = positions @ positions.T
    for distance in range(20):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-12)


def test_positions_keep_the_precision_that_they_are_asked_for():
    x = numbers(1, 5, 4, dtype=np.float32)
    positions = attention.sinusoidal_positions(5, 4, x.dtype)
    assert (x + positions).dtype == np.float32
    np.testing.assert_array_equal(positions, attention.sinusoidal_positions(5, 4).astype(np.float32))


@every_form
def test_huge_scores_do_not_overflow(form, form_grad):
    query, key, value, _ = inputs(2, t=3, s=4, d=4, e=5)
    for mask in (None, attention.causal_mask(3, 4)):
        y, weights = form(1e6 * query, 1e6 * key, value, mask)
        assert np.isfinite(y).all()
        np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_a_mask_beats_the_largest_scores():
    query, key = np.array([[1e15]], np.float32), np.array([[-1e15], [1e15]], np.float32)  # scores of +-1e30
    _, weights = attention.dot_product_attention(query, key, key, np.array([[True, False]]))
    assert weights.tolist() == [[1, 0]]


@every_form
def test_nan_passes_through(form, form_grad):
    query, key, value, dy = (np.array(array) for array in inputs(2, t=3, s=4, d=4, e=5))
    value[0, 1, 2] = np.nan
    y, weights = form(query, key, value)
    assert np.isfinite(weights).all()
    assert np.isnan(y[0]).any()
    assert np.isfinite(y[1]).all()
    assert np.isnan(form_grad(query, key, value, weights, dy)[0][0]).all()
    query[0, 1, 2] = np.nan
    y, weights = form(query, key, value)
    assert np.isnan(weights[0, ..., 1, :]).all()
    assert np.isfinite(weights[1]).all()


@every_form
def test_arrays_may_be_lists(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    mask = attention.causal_mask(3, 4)
    y, weights = form(query, key, value, mask)
    listed, _ = form(query.tolist(), key.tolist(), value.tolist(), mask.tolist())
    np.testing.assert_array_equal(listed, y)
    ours = form_grad(query.tolist(), key.tolist(), value.tolist(), weights.tolist(), dy.tolist())
    assert_equal(ours, form_grad(query, key, value, weights, dy), np.float64)


@settings(max_examples=10)
@given(cases())
def test_float32_gradients_stay_float32(case):
    sizes, mask, _ = case
    n, t, s, d, e = sizes.values()
    query, key, value, dy = inputs(n, t=t, s=s, d=d, e=e, dtype=np.float32)
    kernels = [numbers(*shape, dtype=np.float32) for shape in ((d, 2), (d, 2), (2,))]
    _, weights = attention.additive_attention(query, key, value, *kernels, mask)
    for gradient in attention.additive_attention_grad(query, key, value, *kernels, weights, dy):
        assert gradient.dtype == np.float32


# ---------------------------------------------------------------- error messages


def raises(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@every_form
def test_wrong_arguments_are_named(form, form_grad):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    _, weights = form(query, key, value)

    def run(query=query, key=key, value=value):
        for call in (
            lambda: form(query, key, value),
            lambda: form_grad(query, key, value, weights, dy),
        ):
            with message:
                call()

    message = raises(
        "query must hold floating-point numbers, received int64: convert it with query.astype(float)"
    )
    run(query=query.astype(int))
    message = raises("key must not be empty, received shape (2, 0, 4)")
    run(key=key[:, :0])
    message = pytest.raises(
        ValueError, match=r"^value must have s = 4, received shape \(2, 3, 5\) for the axes"
    )
    run(value=value[:, 1:])
    message = raises(f"weights must have shape {weights.shape}, received {weights[..., 1:].shape}")
    with message:
        form_grad(query, key, value, weights[..., 1:], dy)
    with raises("dy must have shape (2, 3, 5), received (2, 2, 5)"):
        form_grad(query, key, value, weights, dy[:, 1:])


@every_form
@pytest.mark.parametrize(
    "mask", [np.ones((3, 4)), np.ones((2, 1, 3, 4), bool), np.ones((3, 3), bool), np.ones((2, 4), bool)]
)
def test_a_mask_is_boolean_and_broadcasts(form, form_grad, mask):
    query, key, value, _ = inputs(2, t=3, s=4, d=4, e=5)
    with raises(
        "mask must be boolean, True where a query may look, and broadcast to (2, 3, 4), "
        f"received {mask.dtype}, shape {mask.shape}"
    ):
        form(query, key, value, mask)


@pytest.mark.parametrize(
    ("function", "grad", "kernels"),
    [
        (attention.dot_product_attention, attention.dot_product_attention_grad, ()),
        (
            attention.additive_attention,
            attention.additive_attention_grad,
            (numbers(4, 3), numbers(4, 3), numbers(3)),
        ),
    ],
)
def test_leading_axes_agree(function, grad, kernels):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    _, weights = function(query, key, value, *kernels)
    wanted = "must have the same axes before the last two as query, (2,), received shape"
    for arguments, message in (
        ((query, key[0], value), f"key {wanted} (4, 4)"),
        ((query, key, value[:1]), f"value {wanted} (1, 4, 5)"),
    ):
        with raises(message):
            function(*arguments, *kernels)
        with raises(message):
            grad(*arguments, *kernels, weights, dy)
    for name, arguments in (("query", (query[0, 0], key, value)), ("key", (query, key[0, 0], value))):
        axes = {"query": "..., t, d", "key": "..., s, d"}[name]
        with raises(f"{name} must have at least 2 axes ({axes}), received shape (4,)"):
            function(*arguments, *kernels)
    with raises("value must have at least 2 axes (..., s, e), received shape (5,)"):
        function(query, key, value[0, 0], *kernels)


def test_queries_and_keys_of_a_dot_product_have_one_length():
    query, key, value, dy = inputs(2, t=3, s=4, d=4, d_key=3, e=5)
    message = "key must have d = 4, received shape (2, 4, 3) for the axes (..., s, d)"
    with raises(message):
        attention.dot_product_attention(query, key, value)
    with raises(message):
        attention.dot_product_attention_grad(query, key, value, numbers(2, 3, 4), dy)


@pytest.mark.parametrize(
    ("position", "shape", "message"),
    [
        (0, (3, 3), "query_kernel must have shape (4, 3), received (3, 3)"),
        (1, (4, 2), "key_kernel must have shape (4, 3), received (4, 2)"),
        (2, (3, 1), "score_kernel must have 1 axes (units), received shape (3, 1)"),
    ],
)
def test_wrong_kernels_of_additive_attention_are_named(position, shape, message):
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    kernels = [numbers(4, 3), numbers(4, 3), numbers(3)]
    kernels[position] = numbers(*shape)
    with raises(message):
        attention.additive_attention(query, key, value, *kernels)
    with raises(message):
        attention.additive_attention_grad(query, key, value, *kernels, numbers(2, 3, 4), dy)


def test_wrong_arguments_of_multi_head_attention_are_named():
    query, key, value, dy = inputs(2, t=3, s=4, d=4, e=5)
    params = head_params(4, 4, 5, 2, 3, 2, 5)
    _, weights = attention.multi_head_attention(query, key, value, params)

    def run(query=query, key=key, value=value, params=params):
        with message:
            attention.multi_head_attention(query, key, value, params)
        with message:
            attention.multi_head_attention_grad(query, key, value, params, weights, dy)

    message = raises("query must have 3 axes (n, t, d), received shape (3, 4)")
    run(query=query[0])
    message = raises("key must have n = 2, received shape (1, 4, 4) for the axes (n, s, d)")
    run(key=key[:1])
    message = raises("value must have n = 2, received shape (1, 4, 5) for the axes (n, s, d)")
    run(value=value[:1])
    message = raises("value must have s = 4, received shape (2, 3, 5) for the axes (n, s, d)")
    run(value=value[:, 1:])
    message = raises(
        "params must be 8 arrays (query_kernel, query_bias, key_kernel, key_bias, value_kernel, value_bias, "
        "output_kernel, output_bias), received 7"
    )
    run(params=params[:7])
    message = raises("query_kernel must have 3 axes (d_query, heads, d), received shape (2, 3)")
    run(params=params._replace(query_kernel=params.query_kernel[0]))
    message = raises("value_kernel must have 3 axes (d_value, heads, e), received shape (2, 2)")
    run(params=params._replace(value_kernel=params.value_kernel[0]))
    message = raises("output_kernel must have 3 axes (heads, e, d_out), received shape (2, 5)")
    run(params=params._replace(output_kernel=params.output_kernel[0]))
    for name, array in params._asdict().items():
        cut = array[:1]
        if name.startswith(("query", "key", "value")) and name.endswith("kernel"):
            cut = array[1:]
        message = raises(f"{name} must have shape {array.shape}, received {cut.shape}")
        run(params=params._replace(**{name: cut}))


@pytest.mark.parametrize(("sizes", "name"), [((0, 4), "steps"), ((4, 0), "d")])
def test_positions_need_sizes(sizes, name):
    with raises(f"{name} must be an integer of at least 1, received 0"):
        attention.sinusoidal_positions(*sizes)
