"""Exercises about pictures that move, and what has to move with them."""

import numpy as np

from helpers.check._core import Exercise


def flip_boxes(candidate):
    """Check a function ``candidate(boxes, width)`` that moves boxes with a left-right flip of the picture.

    Parameters
    ----------
    candidate : callable
        Takes `boxes`, an int array of shape (n, 4) with the first row, the first column, the row after the
        last and the column after the last of each box, or four zeros where there is none, and the `width` of
        the picture in pixels; returns the boxes in the mirrored picture, in the same form.

    Raises
    ------
    Wrong
        The answer is not right; the message says in what way.
    """
    FLIP_BOXES.judge(candidate)


def _flipped(boxes, width):
    top, left, bottom, right = boxes.T
    flipped = np.stack([top, width - right, bottom, width - left], axis=1)
    return np.where(boxes.any(axis=1, keepdims=True), flipped, 0)


def _flip_boxes_mistakes(boxes, width):
    """Pairs of a message and the answer that a typical mistake gives."""
    top, left, bottom, right = boxes.T
    right_answer = _flipped(boxes, width)

    def stacked(*columns):
        """Return the columns as boxes, with zeros where there is none."""
        return np.where(boxes.any(axis=1, keepdims=True), np.stack(columns, axis=1), 0)

    early = stacked(top, width - 1 - right, bottom, width - 1 - left)
    return [
        ("The boxes are where they were: the columns must change.", boxes),
        ("Left and right edge are swapped: the first column must be the smaller one, `width - right`.",
         stacked(top, width - left, bottom, width - right)),
        ("The boxes lie one column too far to the left: these are edges, which go from e to width - e; "
         "`width - 1 - j` is for pixels.", early),
        ("Left and right edge are swapped, and both are one column off: the edge e goes to width - e.",
         stacked(top, width - 1 - left, bottom, width - 1 - right)),
        ("The boxes are one column too narrow: both edges go from e to width - e.",
         stacked(top, width - right, bottom, width - 1 - left)),
        ("The boxes are one column too wide: both edges go from e to width - e.",
         stacked(top, width - 1 - right, bottom, width - left)),
        ("A picture without lesion has four zeros, and must keep them: the box lies at the right edge now.",
         np.stack([top, width - right, bottom, width - left], axis=1)),
        ("A box at the left edge is a box too: only four zeros mean that there is none.",
         np.where(left[:, None] > 0, right_answer, 0)),
        ("This flips up and down: rows stay, columns change.",
         stacked(width - bottom, left, width - top, right)),
        ("This turns by 180°: the rows must stay.",
         stacked(width - bottom, width - right, width - top, width - left)),
        ("The order is first row, first column, row after the last, column after the last: this is another.",
         right_answer[:, [1, 0, 3, 2]]),
        ("The boxes are columns now: the shape must be (n, 4).", right_answer.T),
        ("It leaves out the pictures without lesion: each picture keeps its row.",
         right_answer[boxes.any(axis=1)]),
        ("Every picture gets the box of the first one.", np.broadcast_to(right_answer[:1], boxes.shape)),
    ]  # fmt: skip


FLIP_BOXES = Exercise(
    names=("boxes", "width"),
    cases=[
        ("one box", (np.array([[2, 1, 5, 4]]), 10)),
        ("a box at the edge", (np.array([[0, 0, 3, 2]]), 8)),
        ("several boxes", (np.array([[3, 7, 9, 12], [1, 2, 4, 8], [10, 0, 24, 24]]), 24)),
        ("a picture without lesion", (np.array([[0, 0, 0, 0], [5, 6, 9, 11], [0, 0, 0, 0]]), 24)),
    ],
    right=_flipped,
    mistakes=_flip_boxes_mistakes,
    praise="Right: the boxes move with the picture, at its edges too, and no lesion remains no lesion.",
)
