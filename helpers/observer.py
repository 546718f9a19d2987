"""The best that anybody could do: how well an observer who knows everything but the answer finds a lesion.

An ideal observer knows the image without lesion, what the lesion looks like, where it may be, and the law of
the noise. She computes how much more probable her image is with a lesion than without, the likelihood ratio,
and no other score has a larger area under the ROC curve. A network must find out what she knows. Her area is
therefore an upper bound for it, and the distance says how much there is left to learn.
"""

import numpy as np

from helpers import _expect, metrics, mri


def known_auc(signal, noise):
    """Area under the ROC curve of the ideal observer of one known signal in white Gaussian noise.

    She multiplies the image with the signal, pixel by pixel, and adds up: a matched filter. With and without
    the signal this score is Gaussian, and the means are ``d`` standard deviations apart::

        d = sqrt(sum(signal**2)) / noise                 area = Phi(d / sqrt(2))

    where ``Phi`` is the distribution function of the standard normal.

    Parameters
    ----------
    signal : array_like, shape (...), float
        The image with the lesion minus the image without.
    noise : float, above 0
        Standard deviation of the noise of one pixel, in the signal's unit.

    Returns
    -------
    float
        Between 0.5 and 1.

    Raises
    ------
    ValueError
        An empty signal, or a noise that is not above 0.

    References
    ----------
    Green and Swets (1966), Signal Detection Theory and Psychophysics.

    Examples
    --------
    >>> round(known_auc([3.0, 4.0], noise=5.0), 4)
    0.7602
    """
    from scipy.special import ndtr

    signal = _expect.array("signal", signal, "...").astype(float)
    _expect.positive("noise", noise)
    return float(ndtr(np.sqrt(np.sum(signal**2)) / noise / np.sqrt(2)))


def gaussian_log_ratio(images, background, signals, noise):
    """Log-likelihood ratio of "one of the signals, all equally likely" against "none", in Gaussian noise.

    For one signal s at a known place it is the matched filter, shifted and scaled::

        ratio(s) = sum((image - background) * s) / noise**2 - sum(s**2) / (2 * noise**2)

    For m signals, such as one lesion at m places, it is ``log(mean(exp(ratio)))``. No score of the image has
    a larger area under the ROC curve.

    Parameters
    ----------
    images : array_like, shape (n, h, w), float
    background : array_like, shape (h, w), float
        The image without signal and without noise.
    signals : array_like, shape (m, h, w), float
    noise : float, above 0
        Standard deviation of the noise of one pixel.

    Returns
    -------
    numpy.ndarray, shape (n,), float64

    Raises
    ------
    ValueError
        Shapes that do not fit, or a noise that is not above 0.
    """
    images, background, signals = _checked(images, background, signals, noise)
    matched = np.einsum("nhw,mhw->nm", images - background, signals)
    return _log_mean((matched - np.sum(signals**2, axis=(1, 2)) / 2) / noise**2)


def rician_log_ratio(images, background, signals, noise):
    """Log-likelihood ratio of "one of the signals, all equally likely" against "none", in Rician noise.

    A magnitude image x of the amplitude a has the density ``x / s**2 * exp(-(x**2 + a**2) / (2 * s**2)) *
    I0(x * a / s**2)`` with s the noise and I0 a modified Bessel function. Where a is many times s, this is
    close to a Gaussian and the result close to that of `gaussian_log_ratio`.

    Parameters
    ----------
    images : array_like, shape (n, h, w), float, at least 0
    background : array_like, shape (h, w), float, at least 0
        The amplitude without signal.
    signals : array_like, shape (m, h, w), float
        Added to the amplitude, which stays at least 0.
    noise : float, above 0
        Standard deviation of each of the two Gaussian noises.

    Returns
    -------
    numpy.ndarray, shape (n,), float64

    Raises
    ------
    ValueError
        Shapes that do not fit, a noise that is not above 0, or negative images or amplitudes.

    References
    ----------
    Gudbjartsson and Patz (1995), Magnetic Resonance in Medicine 34(6), 910-914.
    """
    images, background, signals = _checked(images, background, signals, noise)
    if min(images.min(), background.min(), (background + signals).min()) < 0:
        raise ValueError("images, background and background + signals must be at least 0 in Rician noise")
    ratios = np.empty((len(images), len(signals)))
    for place, image in enumerate(images):
        without = _log_rician(image, background, noise).sum()
        ratios[place] = _log_rician(image, background + signals, noise).sum(axis=(1, 2)) - without
    return _log_mean(ratios)


def ideal_scores(data):
    """Score slices as the ideal observer of their first contrast, with the exact law of their Rician noise.

    For each slice she knows the image without lesion and noise, `data.healthy`; the diameter and the contrast
    that its lesion has if it has one; the site's blur; the noise; and that the center is a pixel of white
    matter, all of them equally likely. She does not know whether there is a lesion, nor where.

    Parameters
    ----------
    data : helpers.mri.Slices
        With noise. Time grows with the number of white pixels times those of a lesion: about 10 ms for each
        slice of 64 by 64 pixels, 16 times as long for 128 by 128.

    Returns
    -------
    numpy.ndarray, shape (n,), float64
        Log-likelihood ratio of a lesion; above 0 the image speaks for one. It compares images of one data
        set; the share of ill slices is not in it.

    Raises
    ------
    ValueError
        `data.noise` is 0: without noise every lesion is certain.
    """
    if not data.noise > 0:
        raise ValueError(f"the ideal observer needs slices with noise, received noise {data.noise!r}")
    return np.array([_score(data, row) for row in range(len(data))])


def ideal_auc(data, level=0.95):
    """Area under the ROC curve of `ideal_scores`, an upper bound for every network, with DeLong's interval.

    The bound holds for networks that see the same images; on one finite test set a network near the bound
    can exceed it by chance. The interval takes slices for independent, as `metrics.auc_interval` does: make
    `data` with ``slices_per_patient=1`` for it, and with many slices for a narrow one.

    Parameters
    ----------
    data : helpers.mri.Slices
        With noise, and with at least two ill and two healthy slices.
    level : float, between 0 and 1
        How often such intervals cover the true value.

    Returns
    -------
    helpers.metrics.Interval

    Raises
    ------
    ValueError
        No noise, or fewer than two slices of a kind.
    """
    return metrics.auc_interval(data.labels, ideal_scores(data), level)


def _score(data, row):
    """Return the log-likelihood ratio of one slice, from the pixels that a lesion would reach."""
    image = data.images[row, :, :, 0].astype(float)
    healthy = data.healthy[row, :, :, 0].astype(float)
    diameter, blur = data.diameters_mm[row], data.site.resolution_mm
    reach = int(mri.REACH * np.hypot(diameter, blur) / data.spacing_mm) + 1
    around = np.arange(-reach, reach + 1)
    squared = data.spacing_mm**2 * (around[:, None] ** 2 + around**2)
    share = mri.profile(squared, diameter, blur)
    down, across = np.nonzero(share)

    rows, columns = np.nonzero(data.tissue[row] == mri.WHITE_MATTER)
    place = rows[:, None] + down, columns[:, None] + across  # (m, p) + a border of `reach` background pixels
    image, healthy = np.pad(image, reach)[place], np.pad(healthy, reach)[place]
    ill = healthy * (1 + data.contrasts[row] * share[down, across])
    ratios = _log_rician(image, ill, data.noise) - _log_rician(image, healthy, data.noise)
    return _log_mean(ratios.sum(axis=1))


def _log_rician(image, amplitude, noise):
    """Return the logarithm of the Rician density without the factors that do not depend on the amplitude."""
    from scipy.special import i0e

    product = image * amplitude / noise**2
    return np.log(i0e(product)) + product - amplitude**2 / (2 * noise**2)


def _log_mean(ratios):
    """Return log(mean(exp(ratios))) over the last axis without overflow."""
    largest = ratios.max(axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.mean(np.exp(ratios - largest), axis=-1))


def _checked(images, background, signals, noise):
    """Return the three arrays in float64, or say what is wrong."""
    _expect.positive("noise", noise)
    background = _expect.array("background", background, "h w").astype(float)
    h, w = background.shape
    images = _expect.array("images", images, "n h w", h=h, w=w).astype(float)
    return images, background, _expect.array("signals", signals, "m h w", h=h, w=w).astype(float)
