"""The checkers about pictures accept every right answer, and name what is wrong with a wrong one."""

import numpy as np
import pytest
from check_rules import accepts, names

from helpers.check._core import Wrong
from helpers.check._scans import WINDOW, window


def by_ends(pixels, center, width):
    low, high = center - width / 2, center + width / 2
    return np.clip((pixels - low) / (high - low), 0, 1)


def by_clipping_first(pixels, center, width):
    low = center - width / 2
    return (np.clip(pixels, low, low + width) - low) / width


def by_interpolation(pixels, center, width):
    return np.interp(pixels, [center - width / 2, center + width / 2], [0, 1])


def by_where(pixels, center, width):
    shown = (pixels - center) / width + 0.5
    return np.where(shown < 0, 0, np.where(shown > 1, 1, shown))


def by_loops(pixels, center, width):
    shown = [min(max((pixel - center) / width + 0.5, 0), 1) for pixel in pixels.ravel()]
    return np.reshape(shown, pixels.shape).tolist()


def in_single_precision(pixels, center, width):
    return by_ends(pixels.astype("float32"), center, width)


def by_keras(pixels, center, width):
    import keras

    return keras.ops.clip((pixels - center) / width + 0.5, 0, 1)


@pytest.mark.parametrize(
    "answer",
    [by_ends, by_clipping_first, by_interpolation, by_where, by_loops, in_single_precision, by_keras],
)
def test_every_right_answer_is_accepted(answer, capsys):
    accepts(window, answer, capsys)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, c, w: (p - c) / w + 0.5, "below 0 or above 1"),
        (lambda p, c, w: np.minimum((p - c) / w + 0.5, 1), "below 0: cut them off too"),
        (lambda p, c, w: np.maximum((p - c) / w + 0.5, 0), "above 1: cut them off too"),
        (lambda p, c, w: np.clip((p - c + w) / (2 * w), 0, 1), "whole width"),
        (lambda p, c, w: np.clip((p - c) / w, 0, 1), "begins at the center"),
        (lambda p, c, w: np.clip((p - c + w) / w, 0, 1), "ends at the center"),
        (lambda p, c, w: np.interp(p, [min(c, w), max(c, w)], [0, 1]), "lower and the upper end"),
        (lambda p, c, w: by_ends(p, w, c), "swapped"),
        (lambda p, c, w: np.clip(p, c - w / 2, c + w / 2), "not scaled"),
        (lambda p, c, w: 255 * by_ends(p, c, w), "from 0 to 255"),
        (lambda p, c, w: (255 * by_ends(p, c, w)).astype(np.uint8), "whole numbers"),
        (lambda p, c, w: np.round(255 * by_ends(p, c, w)), "whole numbers"),
        (lambda p, c, w: 1 - by_ends(p, c, w), "Black and white"),
        (lambda p, c, w: (p - p.min()) / max(np.ptp(p), 1e-9), "smallest and the largest pixel"),
        (lambda p, c, w: np.where(p > c + w / 2, 0, by_ends(p, c, w)), "above it must become 1"),
        (lambda p, c, w: p > c, "becomes 0 or 1"),
        (lambda p, c, w: np.clip((p - c + 0.5) / (w - 1) + 0.5, 0, 1), "DICOM's older LINEAR"),
        (lambda p, c, w: by_ends(p, c, w).ravel(), "The shape must be (4, 5)"),
        (lambda p, c, w: None, "is the `return` missing?"),
        (lambda p: p, "Its arguments are pixels, center, width"),
    ],
)
def test_a_wrong_answer_is_named(answer, message, capsys):
    names(window, answer, message, capsys)


def test_scaling_by_the_range_after_clipping_is_named(capsys):
    def answer(pixels, center, width):
        clipped = np.clip(pixels, center - width / 2, center + width / 2)
        return (clipped - clipped.min()) / max(np.ptp(clipped), 1e-9)

    names(window, answer, "even if no pixel reaches them", capsys)


def test_changing_the_pixels_is_named(capsys):
    def answer(pixels, center, width):
        pixels -= center
        return np.clip(pixels / width + 0.5, 0, 1)

    names(window, answer, "changes its argument `pixels`", capsys)


def test_no_two_mistakes_with_different_names_look_alike_in_all_cases():
    for i, (message, _) in enumerate(WINDOW.mistakes(*WINDOW.cases[1][1])):
        for j, (other, _) in enumerate(WINDOW.mistakes(*WINDOW.cases[1][1])):
            alike = all(
                np.allclose(*(np.asarray(WINDOW.mistakes(*case)[k][1]) for k in (i, j)))
                for _, case in WINDOW.cases
            )
            assert not alike or message == other


def test_no_mistake_is_the_right_answer():
    for number, (message, _) in enumerate(WINDOW.mistakes(*WINDOW.cases[0][1])):
        with pytest.raises(Wrong):
            window(lambda *arguments, number=number: WINDOW.mistakes(*arguments)[number][1])
        assert message.endswith((".", "?"))
