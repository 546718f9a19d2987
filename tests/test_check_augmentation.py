"""The checker about moved boxes accepts every right answer, and names what is wrong with a wrong one."""

import check_rules
import numpy as np

from helpers import check


def by_masks(boxes, width):
    """Paint each box into a picture, mirror it, and look where it is."""
    found = []
    for top, left, bottom, right in boxes:
        picture = np.zeros((64, width), bool)
        picture[top:bottom, left:right] = True
        places = np.argwhere(picture[:, ::-1])
        found.append([*places.min(axis=0), *(places.max(axis=0) + 1)] if len(places) else [0] * 4)
    return np.array(found)


def by_loops(boxes, width):
    return [
        [t, width - r, b, width - c] if t or c or b or r else [0, 0, 0, 0] for t, c, b, r in boxes.tolist()
    ]


def by_index(boxes, width):
    flipped = boxes.astype(float)
    ill = boxes[:, 2] > boxes[:, 0]
    flipped[np.ix_(ill, [1, 3])] = width - boxes[np.ix_(ill, [3, 1])]
    return flipped


def edges(left, right, zeros=True):
    """A reader's function with its own idea of the new edges."""

    def candidate(boxes, width):
        t, c, b, r = boxes.T
        moved = np.stack([t, left(c, r, width), b, right(c, r, width)], axis=1)
        return np.where(boxes.any(axis=1)[:, None], moved, 0) if zeros else moved

    return candidate


def in_place(boxes, width):
    boxes[:, [1, 3]] = width - boxes[:, [3, 1]]
    return boxes


RIGHT = {
    check.flip_boxes: [by_masks, by_loops, by_index, edges(lambda c, r, w: w - r, lambda c, r, w: w - c)]
}

WRONG = {
    check.flip_boxes: {
        "The boxes are where they were": lambda boxes, width: boxes.copy(),
        "Left and right edge are swapped: the first": edges(lambda c, r, w: w - c, lambda c, r, w: w - r),
        "one column too far to the left": edges(lambda c, r, w: w - 1 - r, lambda c, r, w: w - 1 - c),
        "and both are one column off": edges(lambda c, r, w: w - 1 - c, lambda c, r, w: w - 1 - r),
        "one column too narrow": edges(lambda c, r, w: w - r, lambda c, r, w: w - 1 - c),
        "one column too wide": edges(lambda c, r, w: w - 1 - r, lambda c, r, w: w - c),
        "four zeros, and must keep them": edges(lambda c, r, w: w - r, lambda c, r, w: w - c, zeros=False),
        "A box at the left edge is a box too": lambda b, w: np.where(b[:, 1:2] > 0, by_masks(b, w), 0),
        "This flips up and down": lambda b, w: np.stack([w - b[:, 2], b[:, 1], w - b[:, 0], b[:, 3]], axis=1),
        "This turns by 180°": lambda b, w: w - b[:, [2, 3, 0, 1]],
        "The order is first row": lambda b, w: by_masks(b, w)[:, [1, 0, 3, 2]],
        "The boxes are columns now": lambda b, w: by_masks(b, w).T,
        "It leaves out the pictures without lesion": lambda b, w: by_masks(b[b.any(axis=1)], w),
        "the box of the first one": lambda b, w: np.repeat(by_masks(b[:1], w), len(b), axis=0),
        "changes its argument `boxes`": in_place,
        "is the `return` missing": lambda b, w: None,
    },
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
