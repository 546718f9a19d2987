"""Exercises about what the numbers of a picture mean."""

import numpy as np

from helpers import transforms
from helpers.check._core import Exercise, irregular


def window(candidate):
    """Check a function ``candidate(pixels, center, width)`` that does what `helpers.transforms.window` does.

    Parameters
    ----------
    candidate : callable
        Takes `pixels`, a float array of any shape in Hounsfield units, and the numbers `center` and `width`;
        returns numbers of the same shape from 0 to 1.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    WINDOW.judge(candidate)


def _window_mistakes(pixels, center, width):
    """Pairs of a message and the answer that a typical mistake gives."""
    right = transforms.window(pixels, center, width)
    low, high = center - width / 2, center + width / 2
    unclipped = (pixels - low) / width
    return [
        ("Values outside the window go below 0 or above 1: cut them off.", unclipped),
        ("Values below the window go below 0: cut them off too.", np.minimum(unclipped, 1)),
        ("Values above the window go above 1: cut them off too.", np.maximum(unclipped, 0)),
        ("`width` is the whole width: the window reaches half of it to each side of the center.",
         np.clip((pixels - center) / (2 * width) + 0.5, 0, 1)),
        ("The window begins at the center: it begins half a width below.",
         np.clip((pixels - center) / width, 0, 1)),
        ("The window ends at the center: it ends half a width above.",
         np.clip((pixels - center) / width + 1, 0, 1)),
        ("`center` and `width` are taken for the lower and the upper end.",
         np.clip((pixels - center) / (width - center), 0, 1)),
        ("Center and width are swapped.", np.clip((pixels - width) / center + 0.5, 0, 1)),
        ("It is cut off, and not scaled to 0 ... 1.", np.clip(pixels, low, high)),
        ("It reaches from 0 to 255: the largest number must be 1.", 255 * right),
        ("It reaches from 0 to 255, in whole numbers: the largest must be 1, and no gray may be lost.",
         np.floor(255 * right)),
        ("It reaches from 0 to 255, in whole numbers: the largest must be 1, and no gray may be lost.",
         np.round(255 * right)),
        ("Black and white are swapped: the lower end must become 0.", 1 - right),
        ("It is scaled by the smallest and the largest pixel: the window must not depend on the image.",
         _by_range(pixels)),
        ("After cutting off it is scaled by the smallest and the largest pixel: the ends of the window must "
         "become 0 and 1, even if no pixel reaches them.", _by_range(np.clip(pixels, low, high))),
        ("Values outside the window become 0: those above it must become 1.",
         np.where(pixels > high, 0, right)),
        ("Every value becomes 0 or 1: between the ends of the window it must rise evenly.",
         (pixels >= center).astype(float)),
        ("Every value becomes 0 or 1: between the ends of the window it must rise evenly.",
         (pixels > center).astype(float)),
        ("This is DICOM's older LINEAR, which moves the ends by half a unit: use center - width / 2 and "
         "center + width / 2.", np.clip((pixels - (center - 0.5)) / (width - 1) + 0.5, 0, 1)),
    ]  # fmt: skip


def _by_range(values):
    extent = np.ptp(values)
    return (values - values.min()) / extent if extent else np.zeros_like(values)


WINDOW = Exercise(
    names=("pixels", "center", "width"),
    cases=[
        ("inside the window", (np.array([-60.0, 40.0, 90.0, 140.0]), 40, 400)),
        ("outside too", (np.array([-1000.0, -160.0, -100.0, 40.0, 240.0, 300.0, 3000.0]), 40, 400)),
        ("a picture in the lung window", (900 * irregular(4, 5), -600, 1500)),
        ("three channels in a narrow window", (150 * irregular(3, 4, 3), 35.5, 80)),
        ("no pixel at the ends", (np.full((2, 2), 50.0), 40, 400)),
    ],
    right=transforms.window,
    mistakes=_window_mistakes,
    praise="Right: inside, outside and at the ends it agrees with helpers.transforms.window.",
)
