"""The rules equal two steps on paper and 200 of Keras; clipping, schedules and saving keep their promises."""

import inspect
import os
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import optimizers as opt

RULES = {
    "gradient_descent": opt.gradient_descent,
    "momentum": opt.momentum,
    "nesterov": opt.nesterov,
    "rmsprop": opt.rmsprop,
    "adam": opt.adam,
    "adamw": opt.adamw,
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def walk(rule, start, gradients, state=None, **settings):
    """Positions of one parameter after each of `gradients`."""
    params, state = {"w": np.array([start])}, {} if state is None else state
    positions = []
    for gradient in gradients:
        rule(params, {"w": np.array([gradient])}, state, **settings)
        positions.append(params["w"][0])
    return positions


# ---------------------------------------------------------------- on paper


def test_gradient_descent_on_paper():
    # 1 - 0.1 * 2, then 0.8 + 0.1 * 1
    assert walk(opt.gradient_descent, 1.0, [2.0, -1.0], learning_rate=0.1) == pytest.approx([0.8, 0.9])


def test_momentum_on_paper():
    # velocity -0.2, then 0.9 * -0.2 + 0.1 = -0.08
    assert walk(opt.momentum, 1.0, [2.0, -1.0], learning_rate=0.1) == pytest.approx([0.8, 0.72])


def test_nesterov_on_paper():
    # velocity -0.2, step -0.18 - 0.2; velocity -0.08, step -0.072 + 0.1
    assert walk(opt.nesterov, 1.0, [2.0, -1.0], learning_rate=0.1) == pytest.approx([0.62, 0.648])


def test_rmsprop_on_paper_with_epsilon_inside_the_root():
    # v = 0.5 * 4 = 2, step 0.1 * 2 / sqrt(2 + 2); v = 0.5 * 2 + 0.5 * 1 = 1.5, step -0.1 / sqrt(1.5 + 2)
    positions = walk(opt.rmsprop, 1.0, [2.0, -1.0], learning_rate=0.1, rho=0.5, epsilon=2.0)
    assert positions == pytest.approx([0.9, 0.9 + 0.1 / 3.5**0.5])


def test_adam_on_paper_with_epsilon_outside_the_root():
    # m = 0.25 * 2 = 0.5 and v = 0.25 * 4 = 1; the factor is sqrt(0.25) / 0.25 = 2: step 0.2 * 0.5 / (1 + 1)
    # m = 0.375 + 0.25 = 0.625 and v = 0.75 + 0.25 = 1; the factor is sqrt(1 - 0.5625) / (1 - 0.5625)
    positions = walk(opt.adam, 1.0, [2.0, 1.0], learning_rate=0.1, beta_1=0.75, beta_2=0.75, epsilon=1.0)
    assert positions == pytest.approx([0.95, 0.95 - 0.1 / 0.4375**0.5 * 0.625 / 2])


def test_adam_of_document_001_on_paper():
    settings = {"learning_rate": 0.1, "beta_1": 0.75, "beta_2": 0.75, "epsilon": 1.0, "correct_bias": False}
    # the same m and v: steps 0.1 * 0.5 / 2 and 0.1 * 0.625 / 2
    assert walk(opt.adam, 1.0, [2.0, 1.0], **settings) == pytest.approx([0.975, 0.94375])


def test_adamw_on_paper_shrinks_before_it_steps():
    settings = {"learning_rate": 0.1, "beta_1": 0.75, "beta_2": 0.75, "epsilon": 1.0, "weight_decay": 0.5}
    # 1 * (1 - 0.05) - 0.05, then 0.9 * 0.95 - the second step of Adam
    second = 0.1 / 0.4375**0.5 * 0.625 / 2
    assert walk(opt.adamw, 1.0, [2.0, 1.0], **settings) == pytest.approx([0.9, 0.855 - second])


# ---------------------------------------------------------------- Keras

STEPS = 200
# Gradients of size 1e-6 make epsilon count in Adam, 1e-4 in RMSprop.
SCALES = {"w": 1.0, "small": 1e-4, "tiny": 1e-6, "number": 1.0}


@pytest.fixture(scope="module")
def journey():
    """Starting points, and 200 gradients for each of them."""
    rng = np.random.default_rng(0)
    shapes = {"w": (3, 4), "small": (5,), "tiny": (5,), "number": ()}
    start = {
        name: rng.normal(size=shape) if SCALES[name] == 1 else np.zeros(shape)
        for name, shape in shapes.items()
    }
    grads = {name: SCALES[name] * (rng.normal(size=(STEPS, *shape)) + 0.3) for name, shape in shapes.items()}
    return {name: np.asarray(value) for name, value in start.items()}, grads


def with_keras(optimizer, start, grads, dtype):
    """Where Keras' optimizer takes `start` in 200 steps."""
    import keras
    import tensorflow as tf

    variables = [keras.Variable(value, dtype=dtype) for value in start.values()]
    optimizer.build(variables)

    @tf.function
    def take_steps(gradients):
        for step in tf.range(STEPS):
            optimizer.apply([g[step] for g in gradients], variables)

    take_steps([tf.constant(g, dtype) for g in grads.values()])
    return {name: np.asarray(variable) for name, variable in zip(start, variables, strict=True)}


def with_numpy(rule, start, grads, dtype):
    """Where our rule takes `start` in 200 steps."""
    params = {name: value.astype(dtype) for name, value in start.items()}
    state = {}
    for step in range(STEPS):
        rule(params, {name: np.asarray(g[step], dtype) for name, g in grads.items()}, state)
    return params


def assert_same_place(params, expected, start, rtol):
    for name, param in params.items():
        assert param.dtype == expected[name].dtype
        assert np.abs(expected[name] - start[name]).max() > 0
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(param, expected[name], rtol=0, atol=rtol * scale, err_msg=name)


PAIRS = [
    (opt.gradient_descent, "SGD", {}),
    (opt.momentum, "SGD", {"momentum": 0.9}),
    (opt.nesterov, "SGD", {"momentum": 0.9, "nesterov": True}),
    (opt.rmsprop, "RMSprop", {}),
    (opt.adam, "Adam", {}),
    (opt.adamw, "AdamW", {}),
]
# Keras rounds these three to float32 whatever the type of the weights: these survive the rounding.
EXACT = {"momentum": 0.875, "beta_1": 0.875, "beta_2": 1 - 2**-10}


@pytest.mark.parametrize(("rule", "name", "settings"), PAIRS, ids=RULES)
def test_the_defaults_follow_keras_for_200_steps_in_float32(rule, name, settings, journey):
    import keras

    start, grads = journey
    expected = with_keras(getattr(keras.optimizers, name)(**settings), start, grads, "float32")
    # 200 roundings of 6e-8 each, with room to spare
    assert_same_place(with_numpy(rule, start, grads, "float32"), expected, start, rtol=1e-4)


@pytest.mark.parametrize(("rule", "name", "settings"), PAIRS, ids=RULES)
def test_follows_keras_for_200_steps_in_float64(rule, name, settings, journey):
    import keras

    start, grads = journey
    exact = {key: value for key, value in EXACT.items() if key in inspect.signature(rule).parameters}
    floatx = keras.config.floatx()
    keras.config.set_floatx("float64")  # Keras keeps its learning rate in this type
    try:
        optimizer = getattr(keras.optimizers, name)(**settings | exact)
        expected = with_keras(optimizer, start, grads, "float64")
    finally:
        keras.config.set_floatx(floatx)
    assert_same_place(with_numpy(partial(rule, **exact), start, grads, "float64"), expected, start, rtol=1e-9)


def test_follows_a_schedule_of_keras_for_200_steps(journey):
    import keras

    start, grads = journey
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=50, decay_rate=0.3)
    expected = with_keras(keras.optimizers.Adam(schedule), start, grads, "float32")
    rule = partial(opt.adam, learning_rate=lambda step: opt.exponential_decay(step, 0.01, 0.3, 50))
    assert_same_place(with_numpy(rule, start, grads, "float32"), expected, start, 1e-4)


def test_cosine_decay_by_hand():
    rates = [opt.cosine_decay(step, 0.1, 10, last=0.2) for step in (0, 5, 10, 99)]
    np.testing.assert_allclose(rates, [0.1, 0.06, 0.02, 0.02])


def test_schedules_equal_those_of_keras():
    from keras.optimizers import schedules

    steps = np.arange(150)
    ours = {
        "staircase": opt.step_decay(steps, 0.1, 0.5, 30),
        "exponential": opt.exponential_decay(steps, 0.1, 0.5, 30),
        "cosine": opt.cosine_decay(steps, 0.1, 90, last=0.2),
        "to zero": opt.cosine_decay(steps, 0.1, 90),
        "warmed": opt.warm_up(steps, opt.cosine_decay(steps - 20, 0.1, 90), 20),
    }
    keras = {
        "staircase": schedules.ExponentialDecay(0.1, 30, 0.5, staircase=True),
        "exponential": schedules.ExponentialDecay(0.1, 30, 0.5),
        "cosine": schedules.CosineDecay(0.1, 90, alpha=0.2),
        "to zero": schedules.CosineDecay(0.1, 90),
        "warmed": schedules.CosineDecay(0.0, 90, warmup_target=0.1, warmup_steps=20),
    }
    for name, rates in ours.items():
        expected = [float(keras[name](step)) for step in steps]  # float32
        np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("limit", [0.5, 2.0, 100.0])
@pytest.mark.parametrize(
    ("clip", "setting"),
    [
        (opt.clip_by_value, "clipvalue"),
        (opt.clip_by_norm, "clipnorm"),
        (opt.clip_by_global_norm, "global_clipnorm"),
    ],
)
def test_clips_as_keras_does(clip, setting, limit):
    import keras

    rng = np.random.default_rng(1)
    grads = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4) / 10, "zero": np.zeros(2)}
    grads = {name: grad.astype("float32") for name, grad in grads.items()}
    variables = [keras.Variable(np.zeros(grad.shape), dtype="float32") for grad in grads.values()]
    # One step of length 1 from 0 ends at minus the clipped gradient.
    keras.optimizers.SGD(1.0, **{setting: limit}).apply(list(grads.values()), variables)
    for grad, variable in zip(clip(grads, limit).values(), variables, strict=True):
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, -np.asarray(variable), rtol=1e-6)


# ---------------------------------------------------------------- invariants

gradients = arrays(np.float64, (2, 3), elements=st.floats(1, 1e3).flatmap(lambda x: st.sampled_from([x, -x])))


@given(grad=gradients)
def test_the_first_step_of_adam_is_the_learning_rate_times_the_sign(grad):
    params = {"w": np.zeros((2, 3))}
    opt.adam(params, {"w": grad}, {}, learning_rate=0.25)
    np.testing.assert_allclose(params["w"], -0.25 * np.sign(grad), rtol=1e-5)  # epsilon / sqrt(0.001) is 3e-6


@given(grad=gradients)
def test_without_the_correction_the_first_step_is_three_times_as_long(grad):
    params = {"w": np.zeros((2, 3))}
    opt.adam(params, {"w": grad}, {}, learning_rate=0.25, correct_bias=False)
    np.testing.assert_allclose(params["w"], -0.25 * np.sign(grad) * 0.1 / 0.001**0.5, rtol=1e-5)


@pytest.mark.parametrize("rule", [opt.rmsprop, opt.adam])
def test_the_size_of_the_gradients_does_not_change_an_adaptive_path(rule):
    grads = np.random.default_rng(2).normal(size=30) + 2
    assert walk(rule, 1.0, 1000 * grads) == pytest.approx(walk(rule, 1.0, grads), abs=1e-7)


def test_a_constant_slope_ends_in_a_constant_velocity():
    positions = walk(opt.momentum, 0.0, [1.0] * 400, learning_rate=0.1)
    assert np.diff(positions)[-1] == pytest.approx(-0.1 / (1 - 0.9))


@pytest.mark.parametrize("rule", [opt.momentum, opt.nesterov])
def test_no_momentum_is_gradient_descent(rule):
    grads = np.random.default_rng(3).normal(size=10)
    assert walk(rule, 1.0, grads, momentum=0) == walk(opt.gradient_descent, 1.0, grads)


def test_no_decay_is_adam():
    grads = np.random.default_rng(4).normal(size=10)
    assert walk(opt.adamw, 1.0, grads, weight_decay=0) == walk(opt.adam, 1.0, grads)


def test_decay_alone_shrinks_every_parameter_by_the_same_share():
    positions = walk(opt.adamw, 8.0, [0.0] * 3, learning_rate=0.5, weight_decay=0.5)
    assert positions == pytest.approx([6.0, 4.5, 3.375])


@every_rule
def test_finds_the_lowest_point_of_a_bowl(rule):
    params, state = {"w": np.array([3.0, -2.0])}, {}
    for _ in range(500):
        rate = opt.cosine_decay(state.get("step", 0), 0.1, 500)
        rule(params, {"w": 2 * params["w"] - 2}, state, learning_rate=rate)
    np.testing.assert_allclose(params["w"], 1, atol=2e-3)


@every_rule
def test_changes_params_in_place_and_leaves_the_gradients_alone(rule):
    params, grads, state = {"w": np.ones(3)}, {"w": np.full(3, 2.0)}, {}
    array = params["w"]
    rule(params, grads, state)
    rule(params, grads, state)
    assert params["w"] is array
    assert (array < 1).all()
    np.testing.assert_array_equal(grads["w"], 2)
    assert state["step"] == 2


@every_rule
def test_params_of_any_memory_layout_change_alike(rule):
    whole = np.ones((4, 6))
    views, plain = {"w": whole[::2, ::3]}, {"w": np.ones((2, 2))}
    grads = {"w": np.asfortranarray([[1.0, -2.0], [3.0, -4.0]])}
    for params in views, plain:
        rule(params, grads, {})
    np.testing.assert_array_equal(views["w"], plain["w"])
    assert (whole != 1).sum() == 4


@every_rule
def test_keeps_float32_and_accepts_gradients_of_another_type_or_a_list(rule):
    params, state = {"w": np.ones(2, np.float32)}, {}
    rule(params, {"w": [1.0, 2.0]}, state, learning_rate=np.float64(0.01))
    assert params["w"].dtype == np.float32
    assert all(memory["w"].dtype == np.float32 for name, memory in state.items() if name != "step")


@every_rule
def test_a_gradient_is_rounded_to_the_type_of_its_weights(rule):
    gradient = np.random.default_rng(0).normal(size=500)
    fine, rounded = ({"w": np.ones(500, np.float32)} for _ in range(2))
    rule(fine, {"w": gradient}, {})
    rule(rounded, {"w": gradient.astype(np.float32)}, {})
    np.testing.assert_array_equal(fine["w"], rounded["w"])


@every_rule
def test_nan_passes_through_to_its_own_entry_only(rule):
    params = {"w": np.ones(2)}
    rule(params, {"w": np.array([np.nan, 1.0])}, {})
    assert np.isnan(params["w"]).tolist() == [True, False]


@every_rule
def test_a_schedule_receives_the_number_of_steps_taken(rule):
    seen = []
    walk(rule, 1.0, [1.0] * 3, learning_rate=lambda step: seen.append(step) or 0.1)
    assert seen == [0, 1, 2]


@every_rule
def test_a_learning_rate_of_zero_moves_nothing_but_counts(rule):
    state = {}
    assert walk(rule, 1.0, [1.0, 2.0], state, learning_rate=0) == [1.0, 1.0]
    assert state["step"] == 2


def test_state_holds_nothing_but_the_count_and_the_averages():
    names = {}
    for name, rule in RULES.items():
        names[name] = {}
        walk(rule, 1.0, [1.0], names[name])
    assert [sorted(state) for state in names.values()] == [
        ["step"],
        ["step", "velocity"],
        ["step", "velocity"],
        ["step", "v"],
        ["m", "step", "v"],
        ["m", "step", "v"],
    ]


# ---------------------------------------------------------------- schedules


def test_schedules_of_one_step_are_numbers():
    assert opt.step_decay(5, 0.1, 0.5, 2) == pytest.approx(0.025)
    assert opt.step_decay(np.arange(3), 0.1, 0.5, every=1) == pytest.approx([0.1, 0.05, 0.025])
    assert opt.exponential_decay(4, 0.1, 0.5, 2) == pytest.approx(0.025)
    assert opt.cosine_decay(25, 0.1, 100) == pytest.approx(0.05 * (1 + 0.5**0.5))
    assert opt.warm_up(1, 0.1, 4) == pytest.approx(0.025)


def test_schedules_hold_still_outside_their_range():
    assert opt.step_decay(-3, 0.1, 0.5, 2) == opt.exponential_decay(-3, 0.1, 0.5, 2) == 0.1
    assert opt.cosine_decay(-3, 0.1, 10) == 0.1
    assert opt.cosine_decay(11, 0.1, 10, last=0.5) == 0.05
    assert opt.warm_up(-3, 0.1, 10) == 0
    assert opt.warm_up(11, 0.1, 10) == 0.1


def test_bad_schedules_say_what_was_expected():
    for schedule in opt.step_decay, opt.exponential_decay:
        with pytest.raises(ValueError, match="^every must be an integer of at least 1, received 0"):
            schedule(3, 0.1, 0.5, 0)
        with pytest.raises(ValueError, match="^factor must be a finite number above 0, received 0"):
            schedule(3, 0.1, 0, 2)
        with pytest.raises(
            ValueError, match="^learning_rate must be a finite number of at least 0, received -1"
        ):
            schedule(3, -1, 0.5, 2)
    with pytest.raises(ValueError, match="^learning_rate must be a finite number of at least 0, received -1"):
        opt.cosine_decay(3, -1, 5)
    with pytest.raises(ValueError, match="^steps must be an integer of at least 1, received 0.5"):
        opt.cosine_decay(3, 0.1, 0.5)
    with pytest.raises(ValueError, match="^steps must be an integer of at least 1, received 0"):
        opt.warm_up(3, 0.1, 0)
    for last in -0.1, 1.1, np.nan:
        with pytest.raises(ValueError, match=rf"^last must lie in \[0, 1\], received {last}"):
            opt.cosine_decay(3, 0.1, 5, last)
    assert opt.cosine_decay(5, 0.1, 5, last=1) == 0.1


# ---------------------------------------------------------------- clipping


@given(grad=gradients, limit=st.floats(0.01, 1e4))
def test_clipping_by_global_norm_keeps_the_direction_and_the_limit(grad, limit):
    clipped = opt.clip_by_global_norm({"a": grad[:1], "b": grad[1:]}, limit)
    together = np.concatenate([clipped["a"], clipped["b"]])
    length = np.linalg.norm(grad)
    assert np.linalg.norm(together) == pytest.approx(min(length, limit))
    np.testing.assert_allclose(together / np.linalg.norm(together), grad / length, rtol=1e-12)


@given(grad=gradients, limit=st.floats(0.01, 1e4))
def test_clipping_by_norm_treats_each_array_by_itself(grad, limit):
    clipped = opt.clip_by_norm({"a": grad[0], "b": grad[1]}, limit)
    for name, before in zip("ab", grad, strict=True):
        length = np.linalg.norm(before)
        np.testing.assert_allclose(clipped[name], before * min(1, limit / length), rtol=1e-12)


def test_clipping_by_value_turns_the_gradient():
    np.testing.assert_array_equal(opt.clip_by_value({"w": [3.0, -0.5, -3.0]}, 1)["w"], [1, -0.5, -1])


@pytest.mark.parametrize("clip", [opt.clip_by_value, opt.clip_by_norm, opt.clip_by_global_norm])
def test_a_short_gradient_stays_bit_for_bit_and_a_long_one_is_copied(clip):
    grads = {"w": np.array([0.1, -0.3])}
    np.testing.assert_array_equal(clip(grads, 1.0)["w"], grads["w"])
    clip(grads, 0.01)
    np.testing.assert_array_equal(grads["w"], [0.1, -0.3])


def test_an_exploded_float32_gradient_is_clipped_and_not_lost():
    grads = {"w": np.array([3e30, 4e30], np.float32)}
    np.testing.assert_allclose(opt.clip_by_global_norm(grads, 1.0)["w"], [0.6, 0.8], rtol=1e-6)
    assert opt.global_norm(grads) == pytest.approx(5e30)
    assert type(opt.global_norm(grads)) is float


def test_nan_spreads_as_far_as_the_norm_reaches():
    grads = {"a": np.array([np.nan, 1.0]), "b": np.array([2.0])}
    assert np.isnan(opt.clip_by_value(grads, 1)["a"]).tolist() == [True, False]
    assert np.isnan(opt.clip_by_norm(grads, 1)["a"]).all()
    assert opt.clip_by_norm(grads, 1)["b"] == 1
    assert np.isnan(opt.clip_by_global_norm(grads, 1)["b"]).all()


@pytest.mark.parametrize("clip", [opt.clip_by_value, opt.clip_by_norm, opt.clip_by_global_norm])
def test_bad_clipping_says_what_was_expected(clip):
    for limit in 0, -1, np.nan, np.inf:
        with pytest.raises(ValueError, match=f"^limit must be a finite number above 0, received {limit}"):
            clip({"w": np.ones(2)}, limit)
    with pytest.raises(ValueError, match=r"^grads\['w'\] must hold floating-point numbers, received int64"):
        clip({"w": np.array([1, 2])}, 1.0)
    with pytest.raises(
        ValueError, match="^grads must be a dictionary with at least one array, received dict"
    ):
        clip({}, 1.0)


def test_the_norm_of_nothing_says_what_was_expected():
    with pytest.raises(ValueError, match="^grads must be a dictionary .* received dict without entries"):
        opt.global_norm({})


# ---------------------------------------------------------------- saving


def bits(tree):
    """Type, shape and bytes of everything in nested dictionaries."""
    if isinstance(tree, dict):
        return {name: bits(value) for name, value in tree.items()}
    return tree if isinstance(tree, int) else (tree.dtype, tree.shape, tree.tobytes())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_rule
def test_saving_and_going_on_equals_never_having_stopped(rule, dtype, journey, tmp_path):
    start, grads = journey
    whole = {name: value.astype(dtype) for name, value in start.items()}
    halves = {name: value.astype(dtype) for name, value in start.items()}
    state, before, path = {}, {}, tmp_path / "half.npz"
    schedule = partial(opt.exponential_decay, learning_rate=0.01, factor=0.5, every=7)
    for step in range(20):
        rule(whole, {name: g[step] for name, g in grads.items()}, state, learning_rate=schedule)
    for step in range(10):
        rule(halves, {name: g[step] for name, g in grads.items()}, before, learning_rate=schedule)
    opt.save_state(path, {"params": halves, "rule": before})
    loaded = opt.load_state(path)
    assert bits(loaded) == bits({"params": halves, "rule": before})
    for step in range(10, 20):
        rule(
            loaded["params"],
            {name: g[step] for name, g in grads.items()},
            loaded["rule"],
            learning_rate=schedule,
        )
    assert bits(loaded) == bits({"params": whole, "rule": state})


@given(
    values=arrays(np.float32, st.sampled_from([(), (1,), (2, 3)]), elements=st.floats(width=32)),
    count=st.integers(-(2**40), 2**40),
)
def test_every_bit_survives_even_of_nan_and_minus_zero(values, count, tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "state.npz"
    state = {"file": count, "a": {"b": {"allow_pickle": values}}, "0.kernel": np.float64([-0.0])[0:1]}
    opt.save_state(path, state)
    loaded = opt.load_state(str(path))
    assert bits(loaded) == bits(state)
    assert type(loaded["file"]) is int


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    opt.save_state(path, {"step": 1})

    def half(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", half)
        with pytest.raises(OSError, match="disk full"):
            opt.save_state(path, {"step": 2})
    assert opt.load_state(path) == {"step": 1}
    assert os.listdir(tmp_path) == ["state.npz"]
    opt.save_state(path, {"step": 3})
    assert opt.load_state(path) == {"step": 3}
    assert os.listdir(tmp_path) == ["state.npz"]


def test_the_new_file_appears_only_when_it_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    seen = []
    whole, save = os.replace, np.savez
    monkeypatch.setattr(
        np, "savez", lambda file, **arrays: [save(file, **arrays), seen.append(path.exists())]
    )
    monkeypatch.setattr(os, "replace", lambda old, new: [seen.append(np.load(old).files), whole(old, new)])
    opt.save_state(path, {"step": 1})
    assert seen == [False, ["state/step"]]


def test_what_cannot_be_saved_says_so_and_writes_nothing(tmp_path):
    path = tmp_path / "state.npz"
    for name in "a/b", "", 3:
        with pytest.raises(
            ValueError, match=rf"names in state/m must be text without '/', received {name!r}"
        ):
            opt.save_state(path, {"m": {name: np.ones(1)}})
    for value, kind in [("x", "str"), ([1.0], "list"), (0.5, "float"), (np.array(["x"]), "ndarray")]:
        with pytest.raises(ValueError, match=rf"^state/m/w must be a dictionary, .* received {kind}$"):
            opt.save_state(path, {"m": {"w": value}})
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        opt.load_state(path)


# ---------------------------------------------------------------- messages

BAD_ARRAYS = [
    ({}, {}, r"params must be a dictionary with at least one array, received dict without entries$"),
    ([np.ones(2)], {}, r"params must be a dictionary with at least one array, received list$"),
    ({"w": [1.0]}, {"w": [1.0]}, r"params\['w'\] must be a numpy.ndarray, .* in place, received list$"),
    ({"w": np.ones(2, int)}, {"w": np.ones(2)}, r"params\['w'\] must hold floating-point .* received int64"),
    ({"w": np.ones((0, 2))}, {"w": np.ones((0, 2))}, r"params\['w'\] must not be empty"),
    ({"w": np.ones(2)}, {"w": np.ones(3)}, r"grads\['w'\] must have shape \(2,\), received \(3,\)"),
    ({"w": np.ones(2)}, {"w": np.ones(2, int)}, r"grads\['w'\] must hold floating-point .* received int64"),
    (
        {"w": np.ones(2), "b": np.ones(1)},
        {"w": np.ones(2), "c": np.ones(1)},
        r"grads must hold the names \['b', 'w'\] of params, received \['c', 'w'\]",
    ),
    ({"w": np.ones(2)}, None, "grads must be a dictionary with at least one array, received NoneType$"),
]


@pytest.mark.parametrize(("params", "grads", "message"), BAD_ARRAYS)
@every_rule
def test_bad_arrays_say_what_was_received(rule, params, grads, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        rule(params, grads, {})


BAD_SETTINGS = [
    ("learning_rate", opt.gradient_descent, -0.1, "a finite number of at least 0"),
    ("learning_rate", opt.gradient_descent, np.nan, "a finite number of at least 0"),
    ("learning_rate", opt.adam, np.inf, "a finite number of at least 0"),
    ("weight_decay", opt.adamw, -0.1, "a finite number of at least 0"),
    ("epsilon", opt.rmsprop, 0, "a finite number above 0"),
    ("epsilon", opt.adam, 0, "a finite number above 0"),
    ("epsilon", opt.adamw, np.inf, "a finite number above 0"),
]
BAD_SETTINGS += [
    (name, rule, value, "in [0, 1)")
    for name, rule in [
        ("momentum", opt.momentum),
        ("momentum", opt.nesterov),
        ("rho", opt.rmsprop),
        ("beta_1", opt.adam),
        ("beta_2", opt.adam),
    ]
    for value in (-0.1, 1, np.nan)
]


@pytest.mark.parametrize(("name", "rule", "value", "expected"), BAD_SETTINGS)
def test_bad_settings_say_what_was_expected_and_change_nothing(name, rule, value, expected):
    params, state = {"w": np.ones(2)}, {}
    with pytest.raises(ValueError, match=f"^{name} must") as error:
        rule(params, {"w": np.ones(2)}, state, **{name: value})
    assert expected in str(error.value)
    assert str(error.value).endswith(f"received {value}")
    np.testing.assert_array_equal(params["w"], 1)
    assert state == {}


def test_the_state_of_other_parameters_or_of_another_rule_is_refused():
    state = {}
    opt.adam({"w": np.ones(2)}, {"w": np.ones(2)}, state)
    kept = bits(state)
    with pytest.raises(ValueError, match=r"^state\['m'\]\['w'\] must have shape \(3,\), received \(2,\)"):
        opt.adam({"w": np.ones(3)}, {"w": np.ones(3)}, state)
    with pytest.raises(
        ValueError, match=r"^state\['m'\] must hold the names \['b'\] of params, received \['w'\]"
    ):
        opt.adam({"b": np.ones(2)}, {"b": np.ones(2)}, state)
    with pytest.raises(
        ValueError, match=r"^state must hold 'velocity' after 1 steps, received \['m', 'step', 'v'\]"
    ):
        opt.momentum({"w": np.ones(2)}, {"w": np.ones(2)}, state)
    assert bits(state) == kept
