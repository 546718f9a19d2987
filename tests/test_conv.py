"""Convolutions equal their definition, SciPy and Keras; their gradients equal central differences."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import keras_gradients
from scipy import signal

from helpers import conv
from helpers.gradcheck import check_gradient

RNG = np.random.default_rng(0)


def loops(x, kernel, bias, stride, padding, dilation):
    """Add up the definition of `conv2d` one product at a time; `padding` holds a pair for each axis."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    oh, ow = ((x.shape[i + 1] - reach[i]) // stride[i] + 1 for i in (0, 1))
    y = np.zeros((len(x), oh, ow, kernel.shape[3])) + bias
    for n, i, j, o in np.ndindex(y.shape):
        for a, b, c in np.ndindex(kernel.shape[:3]):
            pixel = x[n, i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1], c]
            y[n, i, j, o] += pixel * kernel[a, b, c, o]
    return y


def amounts(size, window, stride, padding, dilation):
    """Count the zeros of "same" by trying: the fewest that give ceil(size / stride), the odd one after."""
    if padding != "same":
        return (0, 0) if padding == "valid" else padding
    for total in itertools.count():
        if (size + total - dilation * (window - 1) - 1) // stride + 1 >= -(-size // stride):
            return total // 2, total - total // 2


@st.composite
def cases(draw):
    """Draw shapes and options of `conv2d` whose window fits into the image."""
    small, margin = st.integers(1, 3), st.integers(0, 2)
    size = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    window = draw(st.tuples(small, small))
    options = {
        "stride": draw(st.tuples(small, small)),
        "dilation": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "padding": draw(st.sampled_from(["valid", "same"]) | st.tuples(*[st.tuples(margin, margin)] * 2)),
    }
    margins = [
        amounts(s, k, t, p, d)
        for s, k, t, p, d in zip(
            size, window, options["stride"], both(options), options["dilation"], strict=True
        )
    ]
    for i in (0, 1):
        if size[i] + sum(margins[i]) < options["dilation"][i] * (window[i] - 1) + 1:
            size = tuple(s + 4 if i == j else s for j, s in enumerate(size))
            margins[i] = amounts(
                size[i], window[i], options["stride"][i], both(options)[i], options["dilation"][i]
            )
    n, c_in, c_out = draw(st.tuples(st.integers(1, 2), small, small))
    return (n, *size, c_in), (*window, c_in, c_out), options, margins


def both(options):
    padding = options["padding"]
    return (padding, padding) if isinstance(padding, str) else padding


def numbers(*shape, dtype=float):
    return RNG.normal(size=shape).astype(dtype)


# ----- values -----


def test_three_by_three_by_hand():
    x = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])[None, :, :, None]
    kernel = np.array([[1.0, 2.0], [0.0, -1.0]])[:, :, None, None]
    # 1*1 + 2*2 + 0*0 - 1*1 = 4, and so on
    expected = [[1 + 4 - 1, 2 + 0 - 3], [0 + 2 - 0, 1 + 6 - 1]]
    np.testing.assert_array_equal(conv.conv2d(x, kernel)[0, :, :, 0], expected)
    np.testing.assert_array_equal(conv.conv2d(x, kernel, np.array([10.0]))[0, :, :, 0], np.add(expected, 10))


@given(cases())
def test_conv2d_equals_its_definition(case):
    x_shape, kernel_shape, options, margins = case
    x, kernel, bias = numbers(*x_shape), numbers(*kernel_shape), numbers(kernel_shape[-1])
    expected = loops(x, kernel, bias, options["stride"], margins, options["dilation"])
    np.testing.assert_allclose(conv.conv2d(x, kernel, bias, **options), expected, atol=1e-12)


@given(cases())
def test_output_size_is_the_size_of_the_output(case):
    (_, h, w, _), (kh, kw, _, _), options, margins = case
    padded = zip((h, w), (kh, kw), options["stride"], margins, options["dilation"], strict=True)
    shape = conv.conv2d(numbers(*case[0]), numbers(*case[1]), **options).shape
    assert shape[1:3] == tuple(conv.output_size(*axis) for axis in padded)
    named = zip((h, w), (kh, kw), options["stride"], both(options), options["dilation"], strict=True)
    assert shape[1:3] == tuple(conv.output_size(*axis) for axis in named)


def test_conv2d_equals_scipy_correlate_and_true_convolve2d_equals_scipy_convolve():
    image, kernel = numbers(9, 7), numbers(3, 4)
    ours = [f(image[None, :, :, None], kernel[:, :, None, None]) for f in (conv.conv2d, conv.true_convolve2d)]
    theirs = [f(image, kernel, mode="valid") for f in (signal.correlate2d, signal.convolve2d)]
    for y, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(y[0, :, :, 0], expected, atol=1e-12)


def test_true_convolution_of_a_single_bright_pixel_is_the_kernel_itself():
    impulse = np.zeros((1, 5, 5, 1))
    impulse[0, 2, 2, 0] = 1
    kernel = np.arange(9.0).reshape(3, 3, 1, 1)
    np.testing.assert_array_equal(conv.true_convolve2d(impulse, kernel)[0], kernel[..., 0])
    np.testing.assert_array_equal(conv.conv2d(impulse, kernel)[0], kernel[::-1, ::-1, :, 0])


KERAS_OPTIONS = [
    {"stride": stride, "padding": padding, "dilation": dilation}
    for stride, padding, dilation in [
        ((1, 1), "valid", 1), ((1, 1), "same", 1), ((2, 3), "valid", 1), ((2, 3), "same", 1),
        ((1, 1), "valid", (2, 3)), ((1, 1), "same", (2, 3)), ((5, 4), "same", 1), ((5, 4), "valid", 1),
    ]
]  # fmt: skip


def assert_equals_keras(ours, ours_grad, theirs, x, kernel, bias, options):
    y = ours(x, kernel, bias, **options)
    dy = numbers(*y.shape)
    results = [y, *ours_grad(x, kernel, dy, **options)]
    for mine, expected in zip(results, keras_gradients(theirs, x, kernel, bias, dy=dy), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-11)  # float64 on both sides


@pytest.mark.parametrize("options", KERAS_OPTIONS)
def test_conv2d_and_its_gradients_equal_keras(options):
    from keras import ops

    def theirs(x, kernel, bias):
        names = {"strides": options["stride"], "dilation_rate": options["dilation"]}
        return ops.conv(x, kernel, padding=options["padding"], **names) + bias

    arguments = numbers(2, 9, 8, 3), numbers(3, 2, 3, 4), numbers(4)
    assert_equals_keras(conv.conv2d, conv.conv2d_grad, theirs, *arguments, options)


def test_explicit_padding_equals_zero_padding_in_keras():
    import keras

    x, kernel = numbers(1, 5, 4, 2), numbers(3, 3, 2, 1)
    padded = keras.layers.ZeroPadding2D(((1, 2), (0, 3)), dtype="float64")(x)
    expected = keras.ops.conv(padded, kernel, padding="valid").numpy()
    np.testing.assert_allclose(conv.conv2d(x, kernel, padding=((1, 2), (0, 3))), expected, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 1, "padding": "valid", "dilation": 1},
        {"stride": 2, "padding": "same", "dilation": 1},
        {"stride": 1, "padding": "same", "dilation": 3},
        {"stride": 4, "padding": "valid", "dilation": 1},
    ],
)
def test_conv1d_and_its_gradients_equal_keras(options):
    from keras import ops

    def theirs(x, kernel, bias):
        names = {"strides": options["stride"], "dilation_rate": options["dilation"]}
        return ops.conv(x, kernel, padding=options["padding"], **names) + bias

    arguments = numbers(2, 11, 3), numbers(3, 3, 4), numbers(4)
    assert_equals_keras(conv.conv1d, conv.conv1d_grad, theirs, *arguments, options)


@pytest.mark.parametrize("options", [{"stride": 1, "padding": "valid"}, {"stride": 2, "padding": "same"}])
def test_depthwise_conv2d_and_its_gradients_equal_keras(options):
    from keras import ops

    def theirs(x, kernel, bias):
        return ops.depthwise_conv(x, kernel, strides=options["stride"], padding=options["padding"]) + bias

    arguments = numbers(2, 7, 6, 3), numbers(3, 2, 3, 2), numbers(6)
    assert_equals_keras(conv.depthwise_conv2d, conv.depthwise_conv2d_grad, theirs, *arguments, options)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, (3, 2), (4, 5)])
def test_conv2d_transpose_and_its_gradients_equal_keras(stride, padding):
    from keras import ops

    def theirs(x, kernel, bias):
        return ops.conv_transpose(x, kernel, strides=stride, padding=padding) + bias

    arguments = numbers(2, 4, 5, 3), numbers(3, 2, 4, 3), numbers(4)
    options = {"stride": stride, "padding": padding}
    assert_equals_keras(conv.conv2d_transpose, conv.conv2d_transpose_grad, theirs, *arguments, options)


def test_the_first_layer_of_document_001_has_896_parameters():
    import keras

    layer = keras.layers.Conv2D(32, (3, 3))
    layer.build((None, 150, 150, 3))
    assert layer.count_params() == 3 * 3 * 3 * 32 + 32 == 896


# ----- gradients -----


@given(cases())
def test_conv2d_gradients_equal_central_differences(case):
    x_shape, kernel_shape, options, _ = case
    arguments = numbers(*x_shape), numbers(*kernel_shape), numbers(kernel_shape[-1])

    def with_options(x, kernel, bias):
        return conv.conv2d(x, kernel, bias, **options)

    dy = numbers(*with_options(*arguments).shape)
    check_gradient(with_options, arguments, conv.conv2d_grad(*arguments[:2], dy, **options), dy)


GRADIENTS = [
    (conv.conv1d, conv.conv1d_grad, (2, 6, 2), (3, 2, 3), 3, {"stride": 2, "padding": (2, 1), "dilation": 2}),
    (
        conv.depthwise_conv2d,
        conv.depthwise_conv2d_grad,
        (2, 5, 4, 2),
        (2, 3, 2, 2),
        4,
        {"stride": (2, 1), "padding": "same", "dilation": (2, 1)},
    ),
    (
        conv.conv2d_transpose,
        conv.conv2d_transpose_grad,
        (2, 3, 2, 2),
        (3, 2, 3, 2),
        3,
        {"stride": (2, 3), "padding": "valid"},
    ),
]


@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias", "options"), GRADIENTS)
def test_the_other_gradients_equal_central_differences(function, gradient, x, kernel, bias, options):
    arguments = numbers(*x), numbers(*kernel), numbers(bias)

    def with_options(x, kernel, bias):
        return function(x, kernel, bias, **options)

    dy = numbers(*with_options(*arguments).shape)
    check_gradient(with_options, arguments, gradient(*arguments[:2], dy, **options), dy)


# ----- invariants -----


@given(cases())
def test_conv2d_is_linear(case):
    x_shape, kernel_shape, options, _ = case
    x, other, kernel = numbers(*x_shape), numbers(*x_shape), numbers(*kernel_shape)
    together = conv.conv2d(2 * x - other, kernel, **options)
    apart = 2 * conv.conv2d(x, kernel, **options) - conv.conv2d(other, kernel, **options)
    np.testing.assert_allclose(together, apart, atol=1e-12)


def test_true_convolution_takes_the_options_of_conv2d():
    x, kernel, bias = numbers(2, 7, 6, 3), numbers(3, 2, 3, 4), numbers(4)
    options = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2)}
    expected = conv.conv2d(x, kernel[::-1, ::-1], bias, **options)
    np.testing.assert_array_equal(conv.true_convolve2d(x, kernel, bias, **options), expected)


def test_a_moved_image_gives_a_moved_output():
    x, kernel = numbers(1, 9, 9, 2), numbers(3, 3, 2, 2)
    moved = np.roll(x, (2, 1), axis=(1, 2))
    inner, inner_moved = conv.conv2d(x, kernel), conv.conv2d(moved, kernel)
    np.testing.assert_allclose(inner_moved[:, 2:, 1:], inner[:, :-2, :-1], atol=1e-12)


def test_transposed_convolution_is_the_transpose():
    x, dy, kernel = numbers(1, 8, 6, 2), numbers(1, 4, 3, 5), numbers(3, 3, 2, 5)
    options = {"stride": 2, "padding": "same"}
    there = np.sum(conv.conv2d(x, kernel, **options) * dy)
    back = np.sum(x * conv.conv2d_transpose(dy, kernel, **options))
    np.testing.assert_allclose(there, back)


EVERY = [
    (conv.conv2d, conv.conv2d_grad, (2, 5, 4, 3), (3, 2, 3, 2), 2),
    (conv.conv1d, conv.conv1d_grad, (2, 5, 3), (3, 3, 2), 2),
    (conv.depthwise_conv2d, conv.depthwise_conv2d_grad, (2, 5, 4, 3), (3, 2, 3, 2), 6),
    (conv.conv2d_transpose, conv.conv2d_transpose_grad, (2, 5, 4, 3), (3, 2, 2, 3), 2),
]


@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias"), EVERY)
def test_of_two_precisions_each_result_has_the_finer_one(function, gradient, x, kernel, bias):
    for types in ("f4", "f8"), ("f8", "f4"):
        arguments = [numbers(*shape, dtype=dtype) for shape, dtype in zip((x, kernel), types, strict=True)]
        y = function(*arguments)
        assert y.dtype == "f8"
        assert [r.dtype for r in gradient(*arguments, y.astype("f4"))] == [*types[::-1], "f4"]
    coarse = [array.astype("f4") for array in arguments]
    assert [r.dtype for r in gradient(*coarse, y)] == ["f8"] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias"), EVERY)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_precision_is_kept_and_arguments_are_left_alone(function, gradient, x, kernel, bias, padding, dtype):
    arguments = [numbers(*shape, dtype=dtype) for shape in (x, kernel, (bias,))]
    before = [a.copy() for a in arguments]
    y = function(*arguments, padding=padding)
    results = [y, *gradient(*arguments[:2], y, padding=padding)]
    assert [r.dtype for r in results] == [dtype] * 4
    assert [r.shape for r in results[1:]] == [x, kernel, (bias,)]
    for now, then in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_nan_reaches_exactly_the_outputs_whose_window_sees_it():
    x = numbers(1, 6, 6, 1)
    x[0, 2, 3, 0] = np.nan
    seen = np.isnan(conv.conv2d(x, numbers(3, 3, 1, 2), padding="same"))
    expected = np.zeros((1, 6, 6, 2), bool)
    expected[:, 1:4, 2:5] = True
    np.testing.assert_array_equal(seen, expected)


def test_lists_of_numbers_are_taken_as_arrays():
    assert conv.conv2d([[[[1.0], [2.0]]]], [[[[3.0]]]], [1.0]).tolist() == [[[[4.0], [7.0]]]]


# ----- messages -----


X, KERNEL = np.ones((1, 5, 4, 3)), np.ones((3, 3, 3, 2))
FIT = "the window must fit into the padded input, received a window that spans"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": X[0]}, r"x must have 4 axes \(n, h, w, c\), received shape \(5, 4, 3\)"),
        ({"x": X.astype(int)}, "x must hold floating-point numbers, received int64"),
        ({"x": X[:0]}, r"x must not be empty, received shape \(0, 5, 4, 3\)"),
        ({"kernel": KERNEL[:, :, :1]}, r"kernel must have c_in = 3, received shape \(3, 3, 1, 2\)"),
        ({"kernel": KERNEL[..., 0]}, r"kernel must have 4 axes .*received shape \(3, 3, 3\)"),
        ({"bias": np.ones(3)}, r"bias must have c_out = 2, received shape \(3,\)"),
        ({"kernel": np.ones((3, 5, 3, 2))}, rf"{FIT} 5 for an input of 4 \+ 0$"),
        ({"dilation": (1, 2)}, rf"{FIT} 5 for an input of 4 \+ 0$"),
        ({"dilation": 4, "padding": ((1, 2), (2, 2))}, rf"{FIT} 9 for an input of 5 \+ 3$"),
        ({"stride": 0}, "stride must be an integer of at least 1, received 0"),
        ({"stride": 1.5}, "stride must be an integer or a pair, received 1.5"),
        ({"stride": (1, 2, 3)}, r"stride must be an integer or a pair, received \(1, 2, 3\)"),
        ({"dilation": -1}, "dilation must be an integer of at least 1, received -1"),
        ({"dilation": (1, 2, 3)}, r"dilation must be an integer or a pair, received \(1, 2, 3\)"),
        ({"padding": "full"}, "padding must be one of 'valid', 'same', received 'full'"),
        ({"padding": 1}, 'padding must be "valid", "same" or a pair for each axis, received 1'),
        ({"padding": (0, 3)}, 'padding must be "valid", "same" or a pair for each axis, received 0'),
        ({"padding": ((0, 0), (-1, 0))}, "padding must be an integer of at least 0, received -1"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_received(changed, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        conv.conv2d(**{"x": X, "kernel": KERNEL, **changed})


def test_without_options_the_window_takes_single_steps_inside_the_image():
    assert conv.output_size(150, 3) == 148


def test_copies_of_a_kernel_smaller_than_the_stride_leave_gaps():
    enlarged = conv.conv2d_transpose(np.ones((1, 2, 1, 1)), np.ones((2, 1, 1, 1)), stride=(3, 2))
    assert enlarged[0, :, :, 0].tolist() == [[1, 0], [1, 0], [0, 0], [1, 0], [1, 0], [0, 0]]


def test_output_size_names_a_wrong_argument():
    with pytest.raises(ValueError, match="^size must be an integer of at least 1, received 0$"):
        conv.output_size(0, 1)
    with pytest.raises(ValueError, match="^window must be an integer of at least 1, received 0$"):
        conv.output_size(1, 0)


AXES = {
    conv.conv2d: ("n h w c", "kh kw c_in c_out"),
    conv.conv1d: ("n t d", "k d_in d_out"),
    conv.depthwise_conv2d: ("n h w c", "kh kw c m"),
    conv.conv2d_transpose: ("n h w c", "kh kw c_out c_in"),
}


@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias"), EVERY)
def test_a_missing_axis_is_named(function, gradient, x, kernel, bias):
    x, kernel = np.ones(x), np.ones(kernel)
    dy = function(x, kernel)
    axes, kernel_axes = (", ".join(words.split()) for words in AXES[function])
    with pytest.raises(ValueError, match=rf"^x must have {x.ndim} axes \({axes}\), received"):
        function(x[0], kernel)
    with pytest.raises(ValueError, match=rf"^x must have {x.ndim} axes \({axes}\), received"):
        gradient(x[0], kernel, dy)
    with pytest.raises(
        ValueError, match=rf"^kernel must have {kernel.ndim} axes \({kernel_axes}\), received"
    ):
        function(x, kernel[0])
    with pytest.raises(
        ValueError, match=rf"^kernel must have {kernel.ndim} axes \({kernel_axes}\), received"
    ):
        gradient(x, kernel[0], dy)


@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias"), EVERY)
def test_a_bias_or_a_gradient_of_another_shape_is_named(function, gradient, x, kernel, bias):
    x, kernel = np.ones(x), np.ones(kernel)
    dy = function(x, kernel)
    with pytest.raises(ValueError, match=f"^bias must have c_out = {bias}, received"):
        function(x, kernel, np.ones(bias + 1))
    with pytest.raises(ValueError, match="^dy must have shape"):
        gradient(x, kernel, dy[:, :-1])
    with pytest.raises(ValueError, match="^dy must have"):
        gradient(x, kernel, dy[0])


@pytest.mark.parametrize(("function", "gradient", "x", "kernel", "bias"), EVERY)
def test_channels_that_do_not_match_are_refused(function, gradient, x, kernel, bias):
    x, kernel = np.ones((*x[:-1], 7)), np.ones(kernel)
    (name,) = set(AXES[function][1].split()) & {"c_in", "d_in", "c"}
    axes = ", ".join(AXES[function][1].split())
    message = rf"^kernel must have {name} = 7, received shape .* for the axes \({axes}\)$"
    with pytest.raises(ValueError, match=message):
        function(x, kernel)
    with pytest.raises(ValueError, match=message):
        gradient(x, kernel, np.ones((1, 1, 1, 1)[: x.ndim]))


def test_the_axes_of_a_kernel_that_is_to_be_turned_are_named():
    with pytest.raises(ValueError, match=r"^kernel must have 4 axes \(kh, kw, c_in, c_out\), received"):
        conv.true_convolve2d(X, KERNEL[0])


def test_the_gradient_of_a_sequence_has_three_axes():
    x, kernel = np.ones((2, 5, 3)), np.ones((3, 3, 2))
    with pytest.raises(ValueError, match=r"^dy must have 3 axes \(n, steps, d_out\), received"):
        conv.conv1d_grad(x, kernel, np.ones((2, 3)))


def test_a_stride_of_a_transposed_convolution_that_is_no_pair_is_named():
    with pytest.raises(ValueError, match=r"^stride must be an integer or a pair, received \(1, 2, 3\)"):
        conv.conv2d_transpose(X, np.ones((3, 3, 2, 3)), stride=(1, 2, 3))


def test_transposed_convolution_takes_padding_by_name_only():
    with pytest.raises(ValueError, match="^padding must be one of 'valid', 'same', received"):
        conv.conv2d_transpose(X, np.ones((3, 3, 2, 3)), padding=((1, 1), (1, 1)))


# ----- memory -----


def test_memory_does_not_grow_with_the_batch():
    import tracemalloc

    def peak(n):
        x, kernel = numbers(n, 60, 60, 3, dtype=np.float32), numbers(3, 3, 3, 8, dtype=np.float32)
        dy = numbers(n, 58, 58, 8, dtype=np.float32)
        tracemalloc.start()
        results = conv.conv2d(x, kernel), *conv.conv2d_grad(x, kernel, dy)
        extra = tracemalloc.get_traced_memory()[1] - sum(r.nbytes for r in results)
        tracemalloc.stop()
        return extra

    # The patches of 8 images together would be 2 MB more than those of 2.
    assert peak(8) < peak(2) + 200_000
