"""Losses: one number that says how far predictions lie from the truth, and its gradient.

Each function returns a mean, as Keras does by default: over all numbers, or, where the last axis holds
classes, over all samples after a sum over the classes. The function of the same name with `_grad` returns the
gradient with respect to the predictions. The truth comes first, as in Keras, and takes the precision of the
predictions: float32 predictions give a float32 loss. NaN passes through.
"""

import numpy as np

from helpers import _expect
from helpers.dense import log_softmax, sigmoid, softmax

# Probabilities are kept this far from 0 and 1, where the logarithm or its gradient is infinite, as in Keras.
EPSILON = 1e-7


# ---------------------------------------------------------------- numbers


def mean_squared_error(y_true, y_pred):
    """Mean of ``(y_pred - y_true)**2`` over all numbers.

    Parameters
    ----------
    y_true, y_pred : array, of one shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes that differ, integers instead of floating-point numbers, or empty arrays.

    Examples
    --------
    >>> float(mean_squared_error(np.array([0.0, 1.0]), np.array([3.0, 0.0])))
    5.0
    """
    y_true, y_pred = _matched(y_true, y_pred)
    return np.mean((y_pred - y_true) ** 2)


def mean_squared_error_grad(y_true, y_pred):
    """Gradient of `mean_squared_error`: ``2 * (y_pred - y_true) / number of numbers``.

    Parameters
    ----------
    y_true, y_pred : array, of one shape

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `mean_squared_error`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    return 2 * (y_pred - y_true) / y_pred.size


def mean_absolute_error(y_true, y_pred):
    """Mean of ``|y_pred - y_true|`` over all numbers: one large error weighs less than in a squared one.

    Parameters
    ----------
    y_true, y_pred : array, of one shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `mean_squared_error`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    return np.mean(np.abs(y_pred - y_true))


def mean_absolute_error_grad(y_true, y_pred):
    """Gradient of `mean_absolute_error`: the sign of the error, divided by the number of numbers.

    Where the error is 0 the slope jumps from -1 to 1; the gradient is 0 there, as in TensorFlow.

    Parameters
    ----------
    y_true, y_pred : array, of one shape

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `mean_squared_error`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    return np.sign(y_pred - y_true) / y_pred.size


def huber(y_true, y_pred, delta=1.0):
    """Squared error where it is small, absolute error where it is large: the mean over all numbers.

    ``error**2 / 2`` if ``|error| <= delta``, else ``delta * (|error| - delta / 2)``. (Huber 1964, "Robust
    estimation of a location parameter".)

    Parameters
    ----------
    y_true, y_pred : array, of one shape
    delta : float
        Above 0; where the square ends.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `mean_squared_error`, or a delta of 0 or below.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    _expect.positive("delta", delta)
    error = np.abs(y_pred - y_true)
    square = np.minimum(error, delta)  # the part of the error that is squared
    return np.mean(square * (error - square / 2))


def huber_grad(y_true, y_pred, delta=1.0):
    """Gradient of `huber`: the error, cut off at plus and minus `delta`, divided by the number of numbers.

    Parameters
    ----------
    y_true, y_pred : array, of one shape
    delta : float
        As given to `huber`.

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `huber`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    _expect.positive("delta", delta)
    return np.clip(y_pred - y_true, -delta, delta) / y_pred.size


# ---------------------------------------------------------------- yes or no


def binary_crossentropy(y_true, y_pred, label_smoothing=0.0, class_weight=None):
    """Surprise at the truth, ``-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)``: mean of all numbers.

    Probabilities are first clipped to 1e-7 and 1 - 1e-7, as in Keras. Where a network ends in logits, use
    `binary_crossentropy_from_logits`: it needs no clipping.

    Parameters
    ----------
    y_true : array
        1 for yes, 0 for no, or a probability between.
    y_pred : array, of the shape of `y_true`
        Probability of yes.
    label_smoothing : float
        In [0, 1): how far the truth is moved toward 1/2, ``y_true * (1 - s) + s / 2``. (Szegedy et al. 2016,
        arXiv:1512.00567, section 7.)
    class_weight : pair of float, optional
        Weight of a number whose truth is no, and yes. As in Keras, the weighted losses are divided by how
        many there are, not by the sum of the weights.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes that differ, integers instead of floating-point numbers, empty arrays, or a label smoothing or
        class weights that cannot be.

    Examples
    --------
    >>> float(binary_crossentropy(np.array([1.0]), np.array([0.5])) / np.log(2))
    1.0
    """
    y_true, y_pred = _matched(y_true, y_pred)
    weight, target = _yes_or_no(y_true, label_smoothing, class_weight)
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return -np.mean(weight * (target * np.log(p) + (1 - target) * np.log(1 - p)))


def binary_crossentropy_grad(y_true, y_pred, label_smoothing=0.0, class_weight=None):
    """Gradient of `binary_crossentropy`.

    ``(1 - y_true) / (1 - y_pred) - y_true / y_pred``, divided by the number of numbers. It is 0 where a
    probability was clipped, as in Keras: a network that is sure and wrong learns nothing.

    Parameters
    ----------
    y_true, y_pred, label_smoothing, class_weight
        As given to `binary_crossentropy`.

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `binary_crossentropy`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    weight, target = _yes_or_no(y_true, label_smoothing, class_weight)
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return weight * (p == y_pred) * ((1 - target) / (1 - p) - target / p) / y_pred.size


def binary_crossentropy_from_logits(y_true, logits, label_smoothing=0.0, class_weight=None):
    """`binary_crossentropy` of ``sigmoid(logits)``, exact for logits of any size.

    ``max(logits, 0) - logits * y_true + log(1 + exp(-|logits|))`` equals it, and nothing overflows.

    Parameters
    ----------
    y_true : array
        As for `binary_crossentropy`.
    logits : array, of the shape of `y_true`
        Logarithm of the odds of yes.
    label_smoothing, class_weight
        As for `binary_crossentropy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `binary_crossentropy`.

    Examples
    --------
    >>> float(binary_crossentropy_from_logits(np.array([0.0]), np.array([1000.0])))
    1000.0
    """
    y_true, logits = _matched(y_true, logits, "logits")
    weight, target = _yes_or_no(y_true, label_smoothing, class_weight)
    return np.mean(weight * (np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))))


def binary_crossentropy_from_logits_grad(y_true, logits, label_smoothing=0.0, class_weight=None):
    """Gradient of `binary_crossentropy_from_logits`: ``(sigmoid(logits) - y_true) / number of numbers``.

    Parameters
    ----------
    y_true, logits, label_smoothing, class_weight
        As given to `binary_crossentropy_from_logits`.

    Returns
    -------
    array, of the shape of `logits`

    Raises
    ------
    ValueError
        As `binary_crossentropy`.
    """
    y_true, logits = _matched(y_true, logits, "logits")
    weight, target = _yes_or_no(y_true, label_smoothing, class_weight)
    return weight * (sigmoid(logits) - target) / logits.size


# ---------------------------------------------------------------- one of several classes


def one_hot(labels, classes):
    """Turn class numbers into rows with a 1 at the class and 0 elsewhere.

    The losses of classes take such rows; Keras' sparse losses take the numbers.

    Parameters
    ----------
    labels : array of int, shape (...)
        From 0 to `classes` - 1.
    classes : int
        How many classes there are.

    Returns
    -------
    array, shape (..., classes), float64

    Raises
    ------
    ValueError
        Labels that are not integers or not among the classes.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels, classes = np.asarray(labels), _expect.at_least("classes", classes, 1)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must hold integers, received {labels.dtype}")
    outside = labels[(labels < 0) | (labels >= classes)]
    if outside.size:
        raise ValueError(f"labels must lie between 0 and {classes - 1}, received {outside[0]}")
    return np.eye(classes)[labels]


def categorical_crossentropy(y_true, y_pred, label_smoothing=0.0, class_weight=None):
    """Surprise at the true class, ``-sum over classes of y_true * log(y_pred)``: mean over all samples.

    As in Keras, each row of `y_pred` is first divided by its sum, then clipped to 1e-7 and 1 - 1e-7. Where a
    network ends in logits, use `categorical_crossentropy_from_logits`: it needs neither.

    Parameters
    ----------
    y_true : array, shape (..., classes)
        Probability of each class; see `one_hot`.
    y_pred : array, shape (..., classes)
        Predicted probability of each class.
    label_smoothing : float
        In [0, 1): how far the truth is moved toward equal shares, ``y_true * (1 - s) + s / classes``.
        (Szegedy et al. 2016, arXiv:1512.00567, section 7.)
    class_weight : sequence of float, one for each class, optional
        Weight of a sample of this class. As in Keras, the weighted losses are divided by how many there are,
        not by the sum of the weights.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `binary_crossentropy`.
    """
    y_true, y_pred = _matched(y_true, y_pred, axes="... classes")
    weight, target = _one_of_several(y_true, label_smoothing, class_weight)
    p = np.clip(y_pred / y_pred.sum(axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
    return -np.mean((weight * target * np.log(p)).sum(axis=-1))


def categorical_crossentropy_grad(y_true, y_pred, label_smoothing=0.0, class_weight=None):
    """Gradient of `categorical_crossentropy`, through the division by the sum as well.

    With ``p = y_pred / sum`` and ``g = -y_true / p``, which is 0 where `p` was clipped, it is
    ``(g - sum over classes of g * p) / sum``, divided by the number of samples.

    Parameters
    ----------
    y_true, y_pred, label_smoothing, class_weight
        As given to `categorical_crossentropy`.

    Returns
    -------
    array, shape (..., classes)

    Raises
    ------
    ValueError
        As `binary_crossentropy`.
    """
    y_true, y_pred = _matched(y_true, y_pred, axes="... classes")
    weight, target = _one_of_several(y_true, label_smoothing, class_weight)
    total = y_pred.sum(axis=-1, keepdims=True)
    p = y_pred / total
    clipped = np.clip(p, EPSILON, 1 - EPSILON)
    g = -weight * target / clipped * (clipped == p) / total.size
    return (g - (g * p).sum(axis=-1, keepdims=True)) / total


def categorical_crossentropy_from_logits(y_true, logits, label_smoothing=0.0, class_weight=None):
    """`categorical_crossentropy` of ``softmax(logits)``, exact for logits of any size.

    Parameters
    ----------
    y_true : array, shape (..., classes)
        Probability of each class; see `one_hot`.
    logits : array, shape (..., classes)
        Finite; what softmax turns into probabilities.
    label_smoothing, class_weight
        As for `categorical_crossentropy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `binary_crossentropy`.

    Examples
    --------
    >>> float(categorical_crossentropy_from_logits(one_hot([1], 2), np.array([[1000.0, 0.0]])))
    1000.0
    """
    y_true, logits = _matched(y_true, logits, "logits", axes="... classes")
    weight, target = _one_of_several(y_true, label_smoothing, class_weight)
    return -np.mean((weight * target * log_softmax(logits)).sum(axis=-1))


def categorical_crossentropy_from_logits_grad(y_true, logits, label_smoothing=0.0, class_weight=None):
    """Gradient of `categorical_crossentropy_from_logits`: ``(softmax(logits) - y_true) / number of samples``.

    This holds where each row of `y_true` adds up to 1; otherwise softmax is multiplied with the sum.

    Parameters
    ----------
    y_true, logits, label_smoothing, class_weight
        As given to `categorical_crossentropy_from_logits`.

    Returns
    -------
    array, shape (..., classes)

    Raises
    ------
    ValueError
        As `binary_crossentropy`.
    """
    y_true, logits = _matched(y_true, logits, "logits", axes="... classes")
    weight, target = _one_of_several(y_true, label_smoothing, class_weight)
    samples = logits.size // logits.shape[-1]
    return weight * (softmax(logits) * target.sum(axis=-1, keepdims=True) - target) / samples


# ---------------------------------------------------------------- rare classes


def binary_focal_crossentropy(y_true, y_pred, gamma=2.0, class_weight=None):
    """Cross-entropy that counts easy cases less: mean of ``-(1 - p)**gamma * log(p)`` over all numbers.

    `p` is the probability that was given to the truth, clipped as in `binary_crossentropy`, which this is for
    `gamma` 0. (Lin et al. 2017, arXiv:1708.02002, equations 4 and 5; their alpha is the second class weight:
    ``(1 - alpha, alpha)``.)

    Parameters
    ----------
    y_true : array
        1 for yes, 0 for no; nothing between.
    y_pred : array, of the shape of `y_true`
        Probability of yes.
    gamma : float
        Finite and at least 0.
    class_weight : pair of float, optional
        As for `binary_crossentropy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes that differ, integers instead of floating-point numbers, empty arrays, a truth other than 0 and
        1, or a gamma or class weights that cannot be.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    weight, _ = _focus(y_true, gamma, class_weight)
    p, _ = _given_to_the_truth(y_true, y_pred)
    return -np.mean(weight * (1 - p) ** gamma * np.log(p))


def binary_focal_crossentropy_grad(y_true, y_pred, gamma=2.0, class_weight=None):
    """Gradient of `binary_focal_crossentropy`; 0 where a probability was clipped.

    With respect to `p` it is ``gamma * (1 - p)**(gamma - 1) * log(p) - (1 - p)**gamma / p``, divided by the
    number of numbers; with respect to `y_pred`, the negative of this where the truth is no.

    Parameters
    ----------
    y_true, y_pred, gamma, class_weight
        As given to `binary_focal_crossentropy`.

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `binary_focal_crossentropy`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    weight, sign = _focus(y_true, gamma, class_weight)
    p, inside = _given_to_the_truth(y_true, y_pred)
    slope = gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p
    return weight * sign * inside * slope / y_pred.size


def binary_focal_crossentropy_from_logits(y_true, logits, gamma=2.0, class_weight=None):
    """`binary_focal_crossentropy` of ``sigmoid(logits)``, exact for logits of any size.

    Keras clips the probabilities here too, so that beyond logits of about 16 the two differ.

    Parameters
    ----------
    y_true : array
        1 for yes, 0 for no; nothing between.
    logits : array, of the shape of `y_true`
        Logarithm of the odds of yes.
    gamma, class_weight
        As for `binary_focal_crossentropy`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `binary_focal_crossentropy`.

    Examples
    --------
    >>> float(binary_focal_crossentropy_from_logits(np.array([0.0]), np.array([1000.0])))
    1000.0
    """
    y_true, logits = _matched(y_true, logits, "logits")
    weight, sign = _focus(y_true, gamma, class_weight)
    z = sign * logits
    return np.mean(weight * sigmoid(-z) ** gamma * _surprise(z))


def binary_focal_crossentropy_from_logits_grad(y_true, logits, gamma=2.0, class_weight=None):
    """Gradient of `binary_focal_crossentropy_from_logits`.

    With ``p = sigmoid(z)``, where `z` is the logit, or its negative where the truth is no, the derivative
    with respect to `z` is ``(1 - p)**gamma * (gamma * p * log(p) - (1 - p))``, divided by the number of
    numbers.

    Parameters
    ----------
    y_true, logits, gamma, class_weight
        As given to `binary_focal_crossentropy_from_logits`.

    Returns
    -------
    array, of the shape of `logits`

    Raises
    ------
    ValueError
        As `binary_focal_crossentropy`.
    """
    y_true, logits = _matched(y_true, logits, "logits")
    weight, sign = _focus(y_true, gamma, class_weight)
    z = sign * logits
    slope = -(sigmoid(-z) ** gamma) * (gamma * sigmoid(z) * _surprise(z) + sigmoid(-z))
    return weight * sign * slope / logits.size


# ---------------------------------------------------------------- overlap


def soft_dice(y_true, y_pred, axis=None):
    """One minus the overlap of two masks.

    ``1 - 2 * sum of y_true * y_pred / (sum of y_true + sum of y_pred + 1e-7)``. The sums run over `axis`, the
    mean of the losses over the other axes. A mask without a pixel gives the loss 1 whatever the prediction,
    and no gradient, because 1e-7 stands in the denominator only, as in Keras. (After Milletari, Navab and
    Ahmadi 2016, arXiv:1606.04797, who square the terms of the denominator.)

    Parameters
    ----------
    y_true : array
        1 inside the mask, 0 outside.
    y_pred : array, of the shape of `y_true`
        Probability of lying inside.
    axis : int or tuple of int, optional
        ``(1, 2)`` for one overlap of each image and class of masks (n, h, w, c). Left out, it is all axes:
        the batch is one large mask, as in Keras, and small lesions count little beside large ones.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `mean_squared_error`, or an axis that the masks do not have.

    Examples
    --------
    >>> mask = np.array([1.0, 1.0, 0.0, 0.0])
    >>> round(float(soft_dice(mask, np.array([1.0, 0.0, 1.0, 0.0]))), 6)
    0.5
    """
    y_true, y_pred = _matched(y_true, y_pred)
    shared = (y_true * y_pred).sum(axis=axis)
    return np.mean(1 - 2 * shared / (y_true.sum(axis=axis) + y_pred.sum(axis=axis) + EPSILON))


def soft_dice_grad(y_true, y_pred, axis=None):
    """Gradient of `soft_dice`.

    ``2 * (sum of y_true * y_pred / total - y_true) / total``, where `total` is the denominator of the
    overlap, divided by the number of overlaps.

    Parameters
    ----------
    y_true, y_pred, axis
        As given to `soft_dice`.

    Returns
    -------
    array, of the shape of `y_pred`

    Raises
    ------
    ValueError
        As `soft_dice`.
    """
    y_true, y_pred = _matched(y_true, y_pred)
    shared = (y_true * y_pred).sum(axis=axis, keepdims=True)
    total = (y_true + y_pred).sum(axis=axis, keepdims=True) + EPSILON
    return 2 * (shared / total - y_true) / total / total.size


def _matched(y_true, prediction, name="y_pred", axes="..."):
    """Check both; give the truth the precision of the prediction."""
    prediction = _expect.array(name, prediction, axes)
    y_true = _expect.same_shape("y_true", y_true, prediction.shape)
    return y_true.astype(prediction.dtype, copy=False), prediction


def _yes_or_no(y_true, label_smoothing, class_weight):
    """Weight of each number, and its smoothed truth."""
    no, yes = _class_weights((1, 1) if class_weight is None else class_weight, 2, y_true.dtype)
    return no * (1 - y_true) + yes * y_true, _smooth(y_true, label_smoothing, 2)


def _one_of_several(y_true, label_smoothing, class_weight):
    """Weight of each sample, shape (..., 1) or a number, and its smoothed truth, shape (..., classes)."""
    classes, weight = y_true.shape[-1], 1
    if class_weight is not None:
        weights = _class_weights(class_weight, classes, y_true.dtype)
        weight = (y_true * weights).sum(axis=-1, keepdims=True)
    return weight, _smooth(y_true, label_smoothing, classes)


def _smooth(y_true, label_smoothing, classes):
    _expect.fraction("label_smoothing", label_smoothing)
    return y_true * (1 - label_smoothing) + label_smoothing / classes


def _class_weights(class_weight, classes, dtype):
    weights = _expect.array("class_weight", np.asarray(class_weight, dtype), "classes", classes=classes)
    for weight in weights:
        _expect.not_negative("each class weight", float(weight))
    return weights


def _focus(y_true, gamma, class_weight):
    """Weight of each number, and 1 where the truth is yes, -1 where it is no."""
    _expect.not_negative("gamma", gamma)
    others = y_true[(y_true != 0) & (y_true != 1)]
    if others.size:
        raise ValueError(f"y_true must hold 0 and 1 only, received {others[0]}")
    return _yes_or_no(y_true, 0, class_weight)[0], 2 * y_true - 1


def _given_to_the_truth(y_true, y_pred):
    """Clipped probability of what is true, and where nothing was clipped."""
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return np.where(y_true == 1, p, 1 - p), p == y_pred


def _surprise(z):
    """``-log(sigmoid(z))``, without overflow."""
    return np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
