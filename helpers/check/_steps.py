"""Exercises about images as the steps of a sequence."""

import numpy as np

from helpers import _expect
from helpers.check._core import Exercise, irregular


def time_distributed(candidate):
    """Check a function ``candidate(layer, stacks)`` that applies a layer for images to every slice.

    Parameters
    ----------
    candidate : callable
        Takes `layer`, a function from images (n, h, w, c) to features (n, d), and `stacks` of shape
        (n, t, h, w, c); returns the features of every slice, (n, t, d), as Keras' TimeDistributed does.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    TIME_DISTRIBUTED.judge(candidate)


def _corners(images):
    """Three features of each image, of which no two images of a case share all."""
    images = _expect.array("the images of the layer", np.asarray(images, dtype=float), "n h w c")
    total = np.square(images).sum(axis=(1, 2, 3))
    return np.stack([total, images[:, 0, 0, 0], images[:, -1, -1, -1]], axis=1)


def _one_number(images):
    """One feature of each image, (n, 1)."""
    return _corners(images)[:, :1] / 4


def _each(layer, stacks):
    return np.stack([layer(stack) for stack in stacks])


def _mistakes(layer, stacks):
    right = _each(layer, stacks)
    n, t, d = right.shape
    flat = right.reshape(n * t, d)
    turned = layer(np.swapaxes(stacks, 0, 1).reshape(n * t, *stacks.shape[2:]))
    averaged = layer(stacks.mean(axis=1))
    return [
        ("The features of all slices stand in one list: give them back the shape (n, t, d).", flat),
        ("The slices are the first axis: the shape must be (n, t, d), the patients first.",
         right.swapaxes(0, 1)),
        ("The features are the middle axis: the shape must be (n, t, d).", right.swapaxes(1, 2)),
        ("Slices of different patients are mixed: the list runs through all slices of one patient first, "
         "so reshape it to (n, t, d), and not to (t, n, d).", flat.reshape(t, n, d).swapaxes(0, 1)),
        ("Slices of different patients are mixed: swapping the axes n and t is no reshape back.",
         turned.reshape(n, t, d)),
        ("The features of the slices of a patient are averaged: return those of every slice.",
         right.mean(axis=1)),
        ("The features of the slices of a patient are added up: return those of every slice.",
         right.sum(axis=1)),
        ("The features of different patients are added up: return those of every patient.",
         right.sum(axis=0)),
        ("It takes the largest feature over the slices: return those of every slice.", right.max(axis=1)),
        ("It returns the last slice alone: return the features of every slice.", right[:, -1]),
        ("It returns the first slice alone: return the features of every slice.", right[:, 0]),
        ("It returns the first patient alone: the shape must be (n, t, d).", right[0]),
        ("Every slice gets the features of the first one.", np.repeat(right[:, :1], t, axis=1)),
        ("Every patient gets the features of the first one.", np.repeat(right[:1], n, axis=0)),
        ("The slices are averaged before the layer sees them: apply it to every slice.", averaged),
        ("The slices come back in reverse order.", right[:, ::-1]),
        ("All features of a patient stand in one row: the shape must be (n, t, d).", right.reshape(n, t * d)),
    ]  # fmt: skip


TIME_DISTRIBUTED = Exercise(
    names=("layer", "stacks"),
    cases=[
        ("one patient, three slices", (_corners, irregular(1, 3, 2, 3, 1, start=20.0))),
        ("three patients, two slices", (_corners, irregular(3, 2, 2, 2, 1, start=50.0))),
        ("two channels", (_corners, irregular(2, 4, 3, 2, 2, start=90.0))),
        ("one patient, one slice", (_one_number, irregular(1, 1, 2, 2, 1))),
    ],
    right=_each,
    mistakes=_mistakes,
    praise="Right: one layer for every slice, and each patient keeps her slices in their order.",
    hints={
        "the images of the layer": "The layer takes images, four axes: give it the slices of one patient, or "
        "those of all patients in one list.",
    },
)
