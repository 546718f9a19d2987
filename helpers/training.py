"""Deal patients into sets and rows into batches, and train one network many times over."""

import sys

import numpy as np

from helpers import _expect


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

    return tqdm(iterable, desc=label, leave=False, file=sys.stdout)
