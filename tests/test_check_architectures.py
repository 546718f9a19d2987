"""The checkers about sizes of networks accept every right answer, and name what is wrong with a wrong one."""

import check_rules
import numpy as np

from helpers import check


def forward(layers):
    size = jump = 1
    for kernel, stride in layers:
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size


def backward(layers):
    size = 1
    for kernel, stride in reversed(layers):
        size = (size - 1) * stride + kernel
    return np.float32(size)


def with_arrays(layers):
    kernels, strides = np.array(layers).T
    return 1 + (kernels - 1) @ np.cumprod(np.append(1, strides[:-1]))


def first_and_last_pixel(layers):
    first = last = 0
    for kernel, stride in layers[::-1]:
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def walk(start=1, add=lambda k, jump: (k - 1) * jump, move=lambda jump, s: jump * s, own=False):
    def candidate(layers):
        size, jump = start, 1
        for kernel, stride in layers:
            jump = move(jump, stride) if own else jump
            size += add(kernel, jump)
            jump = jump if own else move(jump, stride)
        return size

    return candidate


def keras_count(kh, kw, c_in, c_out):
    import keras

    layer = keras.layers.Conv2D(c_out, (kh, kw))
    layer.build((None, 9, 9, c_in))
    return layer.count_params()


def keras_separable(kh, kw, c_in, c_out):
    import keras

    layer = keras.layers.SeparableConv2D(c_out, (kh, kw))
    layer.build((None, 9, 9, c_in))
    return layer.count_params()


def pops(layers):
    return forward([layers.pop(0) for _ in range(len(layers))])


RIGHT = {
    check.receptive_field: [forward, backward, with_arrays, first_and_last_pixel, walk()],
    check.parameter_count: [
        keras_count,
        lambda kh, kw, i, o: o * (kh * kw * i + 1),
        lambda *sizes: np.prod(sizes) + sizes[-1],
        lambda kh, kw, i, o: sum(kh * kw * i + 1.0 for _ in range(o)),
    ],
    check.separable_cost: [
        keras_separable,
        lambda kh, kw, i, o: i * (kh * kw + o) + o,
        lambda kh, kw, i, o: np.ones((kh, kw, i)).sum() + np.ones((i, o)).sum() + np.ones(o).sum(),
    ],
}

WRONG = {
    check.receptive_field: {
        "adds up the kernels": lambda layers: sum(k for k, _ in layers),
        "strides are ignored": lambda layers: 1 + sum(k - 1 for k, _ in layers),
        "A layer's own stride counts": walk(own=True),
        "The 1 is missing": walk(start=0),
        "One pixel too many": walk(start=2),
        "Each layer adds its kernel": walk(add=lambda k, jump: k * jump),
        "multiplies the kernels": lambda layers: np.prod([k for k, _ in layers]),
        "multiplies kernels and strides": lambda layers: np.prod(layers),
        "last layer's kernel": lambda layers: layers[-1][0],
        "largest kernel": lambda layers: max(k for k, _ in layers),
        "strides are added up": walk(move=lambda jump, s: jump + s),
        "Only the stride of the layer before": walk(move=lambda jump, s: s),
        "Strides shrink the field": walk(move=lambda jump, s: jump / s),
        "starts at the last one": lambda layers: int(backward(layers[::-1])),
        "the overlap twice": lambda layers: (lambda r: [r := r * s + k for k, s in layers[::-1]][-1])(1),
        "It is the area": lambda layers: forward(layers) ** 2,
        "changes its argument `layers`": pops,
        "must return one number, and returned the shape (2,)": lambda layers: (forward(layers),) * 2,
        "It returned 7, and 3 is right (with one layer: layers [(3, 1)])": lambda layers: 7,
    },
    check.parameter_count: {
        "biases are missing": lambda kh, kw, i, o: kh * kw * i * o,
        "not one in all": lambda kh, kw, i, o: kh * kw * i * o + 1,
        "not for each input channel": lambda kh, kw, i, o: kh * kw * i * o + i,
        "for each pair of channels": lambda kh, kw, i, o: (kh * kw + 1) * i * o,
        "output channels only": lambda kh, kw, i, o: kh * kw * i * o + i + o,
        "It is one kernel": lambda kh, kw, i, o: kh * kw * i + 1,
        "spans all input channels": lambda kh, kw, i, o: (kh * kw + 1) * o,
        "channels are added": lambda kh, kw, i, o: kh * kw * (i + o) + o,
        "Height and width": lambda kh, kw, i, o: (kh + kw) * i * o + o,
        "a square of its height": lambda kh, kw, i, o: kh**2 * i * o + o,
    },
    check.separable_cost: {
        "count of a full convolution": lambda kh, kw, i, o: (kh * kw * i + 1) * o,
        "biases are missing": lambda kh, kw, i, o: kh * kw * i + i * o,
        "first part has no biases": lambda kh, kw, i, o: (kh * kw + 1) * i + (i + 1) * o,
        "kernels of one pixel are missing": lambda kh, kw, i, o: kh * kw * i + o,
        "kernels of the first part are missing": lambda kh, kw, i, o: i * o + o,
        "not for each output channel": lambda kh, kw, i, o: kh * kw * o + i * o + o,
        "not one in all": lambda kh, kw, i, o: kh * kw + i * o + o,
        "two parts are multiplied": lambda kh, kw, i, o: kh * kw * i * i * o + o,
    },
}  # fmt: skip


test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
