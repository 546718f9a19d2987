"""Deal patients into sets and rows into batches; train networks, those of `helpers.layers` and of Keras."""

import os
import sys

import numpy as np

from helpers import _expect
from helpers.optimizers import load_state, save_state


def random_split(n, sizes, rng):
    """Deal the numbers 0 to `n` - 1 at random into sets that do not overlap.

    Parameters
    ----------
    n : int
        Number of rows, one for each patient.
    sizes : sequence of int
        Number of rows in each set; together at most `n`.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        The row numbers of each set, in random order.

    Raises
    ------
    ValueError
        The sizes ask for more rows than there are, or one of them is below 1.

    Examples
    --------
    >>> train, test = random_split(5, (3, 2), np.random.default_rng(0))
    >>> sorted([*train, *test]) == [0, 1, 2, 3, 4]
    True
    """
    n = _expect.at_least("n", n, 1)
    sizes = [_expect.at_least("each size", size, 1) for size in sizes]
    if sum(sizes) > n:
        raise ValueError(f"sizes must add up to at most n = {n}, received {sizes}, sum {sum(sizes)}")
    return np.split(rng.permutation(n)[: sum(sizes)], np.cumsum(sizes)[:-1])


def split_by_patient(groups, sizes, rng):
    """Deal patients at random into sets, so that all images of one patient are in the same set.

    With the images of one patient on both sides a network can recognize the patient in place of the disease,
    and its test result says nothing about new patients.

    Parameters
    ----------
    groups : array, shape (n,)
        Whom each of the n images comes from: numbers or text.
    sizes : sequence of int
        Number of patients, not of images, in each set.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        The row numbers of each set, in rising order.

    Raises
    ------
    ValueError
        As `random_split`, or an entry of `groups` is NaN: two such images may be of one patient or of two.

    Examples
    --------
    >>> split_by_patient(["eve", "ann", "eve", "joy"], (2, 1), np.random.default_rng(0))
    [array([1, 3]), array([0, 2])]
    """
    groups = np.asarray(groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must have one axis, one entry for each row, received shape {groups.shape}")
    if (groups != groups).any():
        raise ValueError("groups must name a patient in each row, received NaN")
    patients, patient_of_row = np.unique(groups, return_inverse=True)
    return [
        np.flatnonzero(np.isin(patient_of_row, chosen)) for chosen in random_split(len(patients), sizes, rng)
    ]


def shuffled_batches(rows, batch_size, epochs, rng):
    """Put `rows` in a new random order for each epoch and cut every order into batches.

    The rows that do not fill a batch at the end of an epoch sit out until the next one.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n,), int
        The row numbers of a training set.
    batch_size, epochs : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray, shape (epochs * (n // batch_size), batch_size), int
        One batch a line, in the order of training.

    Raises
    ------
    ValueError
        There are fewer rows than one batch needs, or `batch_size` or `epochs` is below 1.

    Examples
    --------
    >>> shuffled_batches(np.arange(7), 2, 3, np.random.default_rng(0)).shape
    (9, 2)
    """
    batch_size = _expect.at_least("batch_size", batch_size, 1)
    epochs = _expect.at_least("epochs", epochs, 1)
    rows = np.asarray(rows)
    if len(rows) < batch_size:
        raise ValueError(f"rows must fill one batch of {batch_size}, received {len(rows)} of them")
    full = len(rows) - len(rows) % batch_size
    return np.concatenate([rng.permutation(rows)[:full].reshape(-1, batch_size) for _ in range(epochs)])


def compiled_trainer(network, loss):
    """Compile the training of a Keras network once, to run it many times from different weights.

    ``network.fit`` spends most of the time of a small network on preparing each call. What is returned here
    takes the same steps (Adam with Keras' settings), without the preparation.

    Parameters
    ----------
    network : keras.Model
        With built weights. Training changes them in place.
    loss : str or callable
        What ``network.compile`` would take: a Keras loss of (targets, outputs). Penalties of the layers are
        added, as `fit` does.

    Returns
    -------
    callable
        ``train(x, y, batches, weights)`` sets `weights` (a list as `network.get_weights()` gives it), forgets
        what the optimizer remembers, and takes one step for each line of `batches`, an int array of shape
        (steps, batch size) with row numbers of the arrays `x` and `y`. Returns None.
    """
    import keras
    import tensorflow as tf

    loss = keras.losses.get(loss)
    optimizer = keras.optimizers.Adam()
    optimizer.build(network.trainable_variables)
    untouched = [variable.numpy() for variable in optimizer.variables]

    @tf.function(reduce_retracing=True)
    def take_steps(x, y, batches):
        for rows in batches:
            with tf.GradientTape() as tape:
                outputs = network(tf.gather(x, rows), training=True)
                value = tf.reduce_mean(loss(tf.gather(y, rows), outputs)) + sum(network.losses)
            gradients = tape.gradient(value, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)

    def train(x, y, batches, weights):
        network.set_weights(weights)
        for variable, start in zip(optimizer.variables, untouched, strict=True):
            variable.assign(start)
        take_steps(tf.cast(x, "float32"), tf.cast(y, "float32"), tf.constant(batches))

    return train


def progress(iterable, label):
    """Yield the items of `iterable` and show on one line how far it is; the line vanishes at the end.

    The environment variable ``TQDM_DISABLE=1`` keeps it silent.
    """
    from tqdm import tqdm

    # tqdm itself looks at the variable once, when it is imported.
    silent = os.environ.get("TQDM_DISABLE") == "1"
    return tqdm(iterable, desc=label, leave=False, file=sys.stdout, disable=silent)


# ---------------------------------------------------------------- weights in files


def save_weights(path, model):
    """Write the weights of a network of ours to a file, at once or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
    model : helpers.layers.Sequential
    """
    save_state(path, model.weights)


def load_weights(path, model):
    """Give a network the weights that `save_weights` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
    model : helpers.layers.Sequential
        With layers like those of the one that was saved. Changed in place.

    Raises
    ------
    ValueError
        The file holds other names, shapes or types. Nothing is changed then.
    FileNotFoundError
        There is no such file.
    """
    weights, saved = model.weights, load_state(path)
    if _kinds(weights) != _kinds(saved):
        raise ValueError(f"the network needs {_kinds(weights)}, received {_kinds(saved)} from {path}")
    _restore(weights, saved)


def _kinds(arrays):
    return {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}


def _restore(arrays, values):
    for name, array in arrays.items():
        array[...] = values[name]


# ---------------------------------------------------------------- training


def train_step(model, x, y, loss, rule, state):
    """Forward, loss, backward, one step of the rule: what training repeats.

    Parameters
    ----------
    model : helpers.layers.Sequential
        Changed in place.
    x : array, shape (n, ...)
        One batch.
    y : array, shape (n, ...)
        What the loss takes as the truth.
    loss : pair of callable
        The value ``loss(y, outputs)`` and its gradient ``loss_grad(y, outputs)`` with respect to the outputs,
        such as those of `helpers.losses`.
    rule : callable
        ``rule(params, grads, state)`` of `helpers.optimizers`. Settings come with ``functools.partial``.
    state : dict
        What the rule remembers. Changed in place.

    Returns
    -------
    float
        The loss before the step.
    """
    value, gradient = loss
    outputs = model.forward(x, training=True)
    model.backward(gradient(y, outputs))
    rule(model.params, model.grads, state)
    return float(value(y, outputs))


def fit(
    model,
    x,
    y,
    loss,
    rule,
    rng,
    epochs,
    batch_size=32,
    validation=None,
    patience=None,
    state=None,
    label="fit",
):
    """Train a network of ours on shuffled batches, with one line of progress.

    Parameters
    ----------
    model, loss, rule
        As in `train_step`. The loss is a mean over the batch.
    x : array, shape (n, ...)
    y : array, shape (n, ...)
    rng : numpy.random.Generator
        Orders the rows, anew in each epoch. Rows that do not fill a batch sit out one epoch.
    epochs, batch_size : int
    validation : pair of array, optional
        The x and y of other patients, on which the loss is measured after each epoch.
    patience : int, optional
        Stop after so many epochs without a smaller loss on `validation`, and go back to the best weights, as
        `EarlyStopping`.
    state : dict, optional
        What the rule remembers from an earlier call, to go on from there.
    label : str
        Stands before the line of progress.

    Returns
    -------
    dict of str to list of float
        For each epoch ``"loss"``, the mean over its batches while the weights changed, and with `validation`
        ``"val_loss"``: Keras' names.

    Raises
    ------
    ValueError
        `x` and `y` have not the same length, or there is `patience` without `validation`.
    """
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, received {len(x)} and {len(y)}")
    if patience is not None and validation is None:
        raise ValueError("patience needs validation data to wait for, received validation=None")
    stopping = None if patience is None else EarlyStopping(patience)
    state = {} if state is None else state
    history = {"loss": []} if validation is None else {"loss": [], "val_loss": []}
    epoch_line = progress(range(_expect.at_least("epochs", epochs, 1)), label)
    for _ in epoch_line:
        batches = shuffled_batches(np.arange(len(x)), batch_size, 1, rng)
        losses = [train_step(model, x[rows], y[rows], loss, rule, state) for rows in batches]
        history["loss"].append(float(np.mean(losses)))
        if validation is not None:
            history["val_loss"].append(mean_loss(model, *validation, loss, batch_size))
        epoch_line.set_postfix({name: values[-1] for name, values in history.items()})
        if stopping and stopping.should_stop(history["val_loss"][-1], model.weights):
            break
    epoch_line.close()
    if stopping:
        stopping.restore(model.weights)
    return history


def predict(model, x, batch_size=256):
    """Outputs of a network of ours, computed in batches so that memory does not grow with `x`.

    Parameters
    ----------
    model : helpers.layers.Sequential
    x : array, shape (n, ...)
    batch_size : int

    Returns
    -------
    array, shape (n, ...)
    """
    batch_size = _expect.at_least("batch_size", batch_size, 1)
    return np.concatenate([model.forward(x[i : i + batch_size]) for i in range(0, len(x), batch_size)])


def mean_loss(model, x, y, loss, batch_size=256):
    """Mean loss over all rows, without training.

    Parameters
    ----------
    model, loss
        As in `train_step`.
    x : array, shape (n, ...)
    y : array, shape (n, ...)
    batch_size : int

    Returns
    -------
    float
    """
    return float(loss[0](y, predict(model, x, batch_size)))


class EarlyStopping:
    """Remember the best weights, and say when to stop: Keras' rule with ``restore_best_weights=True``.

    Parameters
    ----------
    patience : int
        Number of epochs in a row without a smaller value after which training stops, at least 1. NaN is not
        smaller than anything.
    """

    def __init__(self, patience):
        """Start without an epoch seen."""
        self.patience = _expect.at_least("patience", patience, 1)
        self.best, self.waited, self._weights = np.inf, 0, None

    def should_stop(self, value, weights):
        """Take notice of an epoch: its loss and the weights (dict of arrays), which are copied if the best.

        Returns
        -------
        bool
        """
        improved = value < self.best
        if improved or self._weights is None:
            self._weights = {name: array.copy() for name, array in weights.items()}
        self.best = value if improved else self.best
        self.waited = 0 if improved else self.waited + 1
        return self.waited >= self.patience

    def restore(self, weights):
        """Put the best weights back into the arrays of `weights`, in place."""
        _restore(weights, self._weights)
