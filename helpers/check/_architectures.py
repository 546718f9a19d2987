"""Exercises about the sizes of networks."""

import math

from helpers.check._core import Exercise


def receptive_field(candidate):
    """Check a function ``candidate(layers)`` that returns how many pixels across the last layer sees.

    Parameters
    ----------
    candidate : callable
        Takes a list of pairs (kernel, stride), one for each layer from the first to the last, integers along
        one axis; returns the number of pixels of the image that one number behind the last layer depends on.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    RECEPTIVE_FIELD.judge(candidate)


def parameter_count(candidate):
    """Check a function ``candidate(kh, kw, c_in, c_out)`` that counts the parameters of a convolution.

    Parameters
    ----------
    candidate : callable
        Takes the size of the kernel and the numbers of channels; returns the number of weights and biases of
        a layer that does what `helpers.conv.conv2d` does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    PARAMETER_COUNT.judge(candidate)


def separable_cost(candidate):
    """Check ``candidate(kh, kw, c_in, c_out)``: the parameters of a depthwise separable convolution.

    Parameters
    ----------
    candidate : callable
        Takes what `parameter_count` gives. Counts one kernel for each input channel, the kernels of one pixel
        that mix the channels, and one bias for each output channel, as Keras' SeparableConv2D has them.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    SEPARABLE_COST.judge(candidate)


def _table(formulas):
    """Mistakes as pairs of a message and a formula that takes the arguments."""
    return lambda *arguments: [(message, formula(*arguments)) for message, formula in formulas]


# ---------------------------------------------------------------- receptive_field


def _field(
    layers, start=1, add=lambda kernel, jump: (kernel - 1) * jump, move=lambda jump, stride: jump * stride
):
    """Walk from the first layer to the last; `jump` is the distance of neighbors, in pixels of the image."""
    size, jump = start, 1
    for kernel, stride in layers:
        size += add(kernel, jump)
        jump = move(jump, stride)
    return size


def _fold(layers, grow):
    """Walk through the layers with one number alone."""
    size = 1
    for kernel, stride in layers:
        size = grow(size, kernel, stride)
    return size


RECEPTIVE_FIELD = Exercise(
    names=("layers",),
    cases=[
        (what, (layers,))
        for what, layers in [
            ("one layer", [(3, 1)]),
            ("two layers", [(3, 1), (5, 1)]),
            ("stride 2", [(3, 2), (3, 1)]),
            ("a stride in the last layer", [(3, 1), (4, 3)]),
            ("three strides", [(5, 2), (2, 3), (3, 4), (4, 1)]),
            ("a kernel of one pixel", [(7, 2), (3, 2), (1, 1), (3, 1), (2, 2)]),
        ]
    ],
    right=_field,
    mistakes=_table([
        ("It adds up the kernels: neighbors overlap, so a layer adds kernel - 1.",
         lambda layers: sum(kernel for kernel, _ in layers)),
        ("The strides are ignored: behind a stride, neighbors are farther apart in the image.",
         lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers)),
        ("A layer's own stride counts: only those of the layers before it spread its kernel.",
         lambda layers: 1 + sum((k - 1) * math.prod(s for _, s in layers[: i + 1])
                                for i, (k, _) in enumerate(layers))),
        ("The 1 is missing: without a layer, the field is one pixel.",
         lambda layers: _field(layers, start=0)),
        ("One pixel too many.", lambda layers: _field(layers, start=2)),
        ("Each layer adds its kernel: it adds kernel - 1, times the strides before it.",
         lambda layers: _field(layers, start=0, add=lambda kernel, jump: kernel * jump)),
        ("Each layer adds its kernel: it adds kernel - 1, times the strides before it.",
         lambda layers: _field(layers, add=lambda kernel, jump: kernel * jump)),
        ("It multiplies the kernels.", lambda layers: math.prod(kernel for kernel, _ in layers)),
        ("It multiplies kernels and strides.", lambda layers: math.prod(k * s for k, s in layers)),
        ("It is the last layer's kernel: all of the layers before it add to the field.",
         lambda layers: layers[-1][0]),
        ("It is the largest kernel: all of the layers add to the field.",
         lambda layers: max(kernel for kernel, _ in layers)),
        ("The strides are added up: multiply them.",
         lambda layers: _field(layers, move=lambda jump, stride: jump + stride)),
        ("The strides are added up: multiply them.",
         lambda layers: _field(layers, move=lambda jump, stride: jump + stride - 1)),
        ("Only the stride of the layer before counts: multiply all of those before.",
         lambda layers: _field(layers, move=lambda jump, stride: stride)),
        ("Strides shrink the field: behind a stride, neighbors are farther apart in the image.",
         lambda layers: _field(layers, move=lambda jump, stride: jump / stride)),
        ("It goes from the first layer to the last: `(size - 1) * stride + kernel` starts at the last one.",
         lambda layers: _fold(layers, lambda r, k, s: (r - 1) * s + k)),
        ("`size * stride + kernel` counts the overlap twice: (size - 1) * stride + kernel.",
         lambda layers: _fold(layers[::-1], lambda r, k, s: r * s + k)),
        ("It is the area: return the length of a side.", lambda layers: _field(layers) ** 2),
    ]),
    praise="Right: the receptive field agrees, with and without strides.",
)  # fmt: skip


# ---------------------------------------------------------------- parameter_count

_LAYERS = [
    ("gray image, one kernel", (3, 3, 1, 1)),
    ("gray image, eight kernels", (3, 3, 1, 8)),
    ("color image", (5, 5, 3, 16)),
    ("kernel that is not square", (3, 7, 4, 6)),
    ("more channels in than out", (1, 1, 64, 10)),
]

PARAMETER_COUNT = Exercise(
    names=("kh", "kw", "c_in", "c_out"),
    cases=_LAYERS,
    right=lambda kh, kw, c_in, c_out: kh * kw * c_in * c_out + c_out,
    mistakes=_table([
        ("The biases are missing: one for each output channel.", lambda a, b, i, o: a * b * i * o),
        ("There is a bias for each output channel, not one in all.", lambda a, b, i, o: a * b * i * o + 1),
        ("There is a bias for each output channel, not for each input channel.",
         lambda a, b, i, o: a * b * i * o + i),
        ("There is a bias for each output channel, not for each pair of channels.",
         lambda a, b, i, o: a * b * i * o + i * o),
        ("There are biases for the output channels only.", lambda a, b, i, o: a * b * i * o + i + o),
        ("It is one kernel: there are c_out of them.", lambda a, b, i, o: a * b * i + 1),
        ("It is one kernel: there are c_out of them.", lambda a, b, i, o: a * b * i + o),
        ("A kernel spans all input channels: multiply by c_in.", lambda a, b, i, o: a * b * o + o),
        ("Input and output channels are added: multiply them.", lambda a, b, i, o: a * b * (i + o) + o),
        ("Height and width of the kernel are added: multiply them.",
         lambda a, b, i, o: (a + b) * i * o + o),
        ("The kernel is taken for a square of its height.", lambda a, b, i, o: a * a * i * o + o),
        ("The kernel is taken for a square of its width.", lambda a, b, i, o: b * b * i * o + o),
    ]),
    praise="Right: weights and biases are counted, for every size of the kernel.",
)  # fmt: skip


# ---------------------------------------------------------------- separable_cost

SEPARABLE_COST = Exercise(
    names=("kh", "kw", "c_in", "c_out"),
    cases=_LAYERS,
    right=lambda kh, kw, c_in, c_out: kh * kw * c_in + c_in * c_out + c_out,
    mistakes=_table([
        ("It is the count of a full convolution: here no kernel spans both space and channels.",
         lambda a, b, i, o: a * b * i * o + o),
        ("The biases are missing: one for each output channel.", lambda a, b, i, o: a * b * i + i * o),
        ("The first part has no biases: one for each output channel is all.",
         lambda a, b, i, o: a * b * i + i + i * o + o),
        ("There is a bias for each output channel, not for each input channel.",
         lambda a, b, i, o: a * b * i + i * o + i),
        ("The kernels of one pixel are missing: they mix the channels, c_in * c_out weights.",
         lambda a, b, i, o: a * b * i + o),
        ("The kernels of one pixel are missing: they mix the channels, c_in * c_out weights.",
         lambda a, b, i, o: a * b * i + i),
        ("The kernels of the first part are missing: one of kh * kw for each input channel.",
         lambda a, b, i, o: i * o + o),
        ("There is a kernel of kh * kw for each input channel, not for each output channel.",
         lambda a, b, i, o: a * b * o + i * o + o),
        ("There is a kernel of kh * kw for each input channel, not one in all.",
         lambda a, b, i, o: a * b + i * o + o),
        ("The two parts are multiplied: add them up.", lambda a, b, i, o: a * b * i * i * o + o),
    ]),
    praise="Right: both parts and the biases are counted, for every size of the kernel.",
)  # fmt: skip
