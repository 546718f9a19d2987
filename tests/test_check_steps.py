"""The checker about images as steps accepts every right answer, and names what is wrong with a wrong one."""

import check_rules
import numpy as np

from helpers import check


def by_reshaping(layer, stacks):
    n, t, *image = stacks.shape
    return layer(stacks.reshape(n * t, *image)).reshape(n, t, -1)


def by_patient_in_lists(layer, stacks):
    return [layer(stack).tolist() for stack in stacks]


def by_step_in_single_precision(layer, stacks):
    steps = [layer(stacks[:, t].astype(np.float32)) for t in range(stacks.shape[1])]
    return np.stack(steps, axis=1).astype(np.float32)


def slice_by_slice(layer, stacks):
    return np.array([[layer(image[None])[0] for image in stack] for stack in stacks])


def in_keras(layer, stacks):
    import keras

    return keras.ops.convert_to_tensor(by_reshaping(layer, stacks))


RIGHT = {
    check.time_distributed: [
        by_reshaping, by_patient_in_lists, by_step_in_single_precision, slice_by_slice, in_keras,
    ]
}  # fmt: skip

WRONG = {
    check.time_distributed: {
        "give them back the shape (n, t, d)": lambda layer, x: layer(x.reshape(-1, *x.shape[2:])),
        "The slices are the first axis": lambda layer, x: np.stack([layer(s) for s in x.swapaxes(0, 1)]),
        "The features are the middle axis": lambda layer, x: by_reshaping(layer, x).swapaxes(1, 2),
        "and not to (t, n, d)": lambda layer, x: (
            layer(x.reshape(-1, *x.shape[2:])).reshape(x.shape[1], x.shape[0], -1).swapaxes(0, 1)
        ),
        "swapping the axes n and t is no reshape back": lambda layer, x: layer(
            x.swapaxes(0, 1).reshape(-1, *x.shape[2:])
        ).reshape(*x.shape[:2], -1),
        "are averaged: return": lambda layer, x: by_reshaping(layer, x).mean(axis=1),
        "are added up": lambda layer, x: by_reshaping(layer, x).sum(axis=1),
        "of different patients are added up": lambda layer, x: by_reshaping(layer, x).sum(axis=0),
        "The shape must be (1, 3, 3)": lambda layer, x: layer(
            np.moveaxis(x, 1, 3).reshape(len(x), *x.shape[2:4], -1)
        ),
        "the largest feature": lambda layer, x: by_reshaping(layer, x).max(axis=1),
        "the last slice alone": lambda layer, x: layer(x[:, -1]),
        "the first slice alone": lambda layer, x: layer(x[:, 0]),
        "the first patient alone": lambda layer, x: layer(x[0]),
        "Every slice gets": lambda layer, x: np.repeat(layer(x[:, 0])[:, None], x.shape[1], axis=1),
        "Every patient gets": lambda layer, x: np.stack([layer(x[0])] * len(x)),
        "averaged before the layer": lambda layer, x: layer(x.mean(axis=1)),
        "in reverse order": lambda layer, x: by_reshaping(layer, x)[:, ::-1],
        "stand in one row": lambda layer, x: by_reshaping(layer, x).reshape(len(x), -1),
        "The layer takes images, four axes": lambda layer, x: layer(x),
        "It returned None": lambda layer, x: None,
    }
}

test_right_answers_in_every_form_are_accepted, test_a_wrong_answer_is_named = check_rules.tests(RIGHT, WRONG)
