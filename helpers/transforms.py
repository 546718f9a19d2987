"""Prepares images for a network: window, resize, rotate, crop, pad, normalize.

Every function takes one image of shape (h, w) or (h, w, c) and leaves it as it is. New pixels need a number:
it has no default, because 0 means black in a photograph and water in Hounsfield units. Transforms that learn
something from the data are fitted first: `fit_normalization`, on the training set only.
"""

from typing import NamedTuple

import numpy as np

from helpers import _expect


def window(pixels, center, width):
    """Map the values from ``center - width / 2`` to ``center + width / 2`` to 0 ... 1, and cut off the rest.

    This is DICOM's function LINEAR_EXACT. Its older LINEAR, the default in files, moves the ends by half
    a unit: it was made for whole numbers.

    Parameters
    ----------
    pixels : array, any shape
        For a CT in Hounsfield units (HU).
    center, width : float
        In the unit of `pixels`; the width is positive.

    Returns
    -------
    numpy.ndarray, the shape of `pixels`
        0 = black, 1 = white.

    Raises
    ------
    ValueError
        `pixels` are not floating-point numbers, or the width is not positive.

    References
    ----------
    DICOM PS3.3, section C.11.2.1.3.2.

    Examples
    --------
    >>> window([-1000.0, -160.0, 40.0, 240.0, 3000.0], center=40, width=400)
    array([0. , 0. , 0.5, 1. , 1. ])
    """
    pixels = _expect.array("pixels", pixels, "...")
    _expect.positive("width", width)
    return np.clip((pixels - center) / width + 0.5, 0, 1)


def resize(image, shape):
    """Return the image with `shape` rows and columns, over the same field of view.

    Between pixels it interpolates linearly; where it shrinks, it smooths first, so that nothing falls through
    between the pixels that remain.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, c)
    shape : pair of int
        Rows and columns.

    Returns
    -------
    numpy.ndarray
        In the unit of `image`. The spacing has changed: see `resized_spacing`.

    Raises
    ------
    ValueError
        `image` has not two or three axes or is not floating-point, or `shape` is not two positive integers.
    """
    from skimage import transform

    image, shape = _image(image), _shape(shape)
    return transform.resize(image, shape, order=1, mode="edge", preserve_range=True, anti_aliasing=True)


def resize_mask(mask, shape):
    """Return a mask with `shape` rows and columns: each new pixel takes the label of the nearest old one.

    Parameters
    ----------
    mask : array of bool or int, shape (h, w)
    shape : pair of int

    Returns
    -------
    numpy.ndarray
        Of the same type, with no label that was not there before; small structures may vanish.

    Raises
    ------
    ValueError
        `mask` is not a two-dimensional array of bool or int, or `shape` is not two positive integers.
    """
    mask, shape = np.asarray(mask), _shape(shape)
    if mask.ndim != 2 or mask.dtype.kind not in "bui" or mask.size == 0:
        raise ValueError(
            f"mask must be an array of bool or int with 2 axes, received {mask.dtype} of shape {mask.shape}"
        )
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]


def resized_spacing(spacing_mm, old_shape, new_shape):
    """Return the spacing in mm after `resize`: the field of view stays, the number of pixels changes.

    Parameters
    ----------
    spacing_mm : pair of float
        Between rows and between columns.
    old_shape, new_shape : tuple of int
        Rows and columns first; more axes do not count.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        An argument has not two entries, or one that is not positive.

    Examples
    --------
    >>> resized_spacing((0.5, 0.5), (512, 512), (224, 128))
    (1.1428571428571428, 2.0)
    """
    if len(spacing_mm) != 2:
        raise ValueError(f"spacing_mm must have 2 entries, received {spacing_mm!r}")
    for millimeters in spacing_mm:
        _expect.positive("spacing_mm", millimeters)
    pairs = zip(spacing_mm, _shape(old_shape[:2]), _shape(new_shape[:2]), strict=True)
    return tuple(float(mm) * old / new for mm, old, new in pairs)


def rotate(image, degrees, fill):
    """Return the image turned counterclockwise about its center, with as many rows and columns as before.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, c)
    degrees : float
    fill : float
        The number for the corners, which come from outside: for a CT air, -1000 HU.

    Returns
    -------
    numpy.ndarray
        Linearly interpolated, in the unit of `image`. What turns out of the frame is lost.

    Raises
    ------
    ValueError
        `image` has not two or three axes or is not floating-point, or `degrees` or `fill` is not finite.
    """
    from skimage import transform

    image = _image(image)
    _finite("degrees", degrees)
    _finite("fill", fill)
    return transform.rotate(image, degrees, order=1, mode="constant", cval=fill, preserve_range=True)


def crop(image, shape):
    """Return the middle of the image, `shape` rows and columns of it; an odd remainder is cut off at the end.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, c)
    shape : pair of int
        Not larger than the image.

    Returns
    -------
    numpy.ndarray
        A copy; the spacing stays.

    Raises
    ------
    ValueError
        `image` has not two or three axes or is not floating-point, or `shape` does not fit into it.
    """
    image, (rows, columns) = _image(image), _shape(shape)
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    if top < 0 or left < 0:
        raise ValueError(f"shape must fit into the image, {image.shape[:2]}, received {(rows, columns)}")
    return image[top : top + rows, left : left + columns].copy()


def pad(image, shape, fill):
    """Return the image in the middle of `shape` rows and columns; an odd remainder is added at the end.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, c)
    shape : pair of int
        Not smaller than the image.
    fill : float
        The number for the new pixels: for a CT air, -1000 HU.

    Returns
    -------
    numpy.ndarray
        The spacing stays.

    Raises
    ------
    ValueError
        `image` has not two or three axes or is not floating-point, it does not fit into `shape`, or `fill` is
        not finite.
    """
    image, shape = _image(image), _shape(shape)
    _finite("fill", fill)
    missing = [new - old for new, old in zip(shape, image.shape[:2], strict=True)]
    if min(missing) < 0:
        raise ValueError(f"the image, {image.shape[:2]}, must fit into shape, received {shape}")
    widths = [(n // 2, n - n // 2) for n in missing] + [(0, 0)] * (image.ndim - 2)
    return np.pad(image, widths, constant_values=fill)


def normalize_image(image):
    """Return the image minus its own mean, divided by its own standard deviation.

    Nothing is learned from other images, and nothing is left of the unit: two tissues with the same number in
    Hounsfield units get different numbers in different images.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, c)
        All channels share one mean and one standard deviation.

    Returns
    -------
    numpy.ndarray
        Without unit. An image of one gray becomes 0.

    Raises
    ------
    ValueError
        `image` has not two or three axes, is not floating-point, or holds a NaN or an infinity.
    """
    image = _image(image)
    _finite("image", image)
    constant = np.ptp(image) == 0  # the deviation may be a rounding error then
    return np.zeros_like(image) if constant else (image - image.mean()) / image.std()


class Normalization(NamedTuple):
    """What `fit_normalization` learned: numbers of the training set, for every set that follows.

    Attributes
    ----------
    mean, deviation : numpy.ndarray, shape (c,)
        For each channel, in the unit of the training images.
    """

    mean: np.ndarray
    deviation: np.ndarray

    def apply(self, images):
        """Return the images minus the mean, divided by the standard deviation, of the *training* set.

        Parameters
        ----------
        images : array, shape (..., c)
            In the unit of the training images.

        Returns
        -------
        numpy.ndarray
            Without unit. A number means the same in every image.

        Raises
        ------
        ValueError
            `images` are not floating-point, or have another number of channels.
        """
        images = _expect.array("images", images, "... c", c=len(self.mean))
        return (images - self.mean) / self.deviation


def fit_normalization(images):
    """Learn a mean and a standard deviation for each channel from the training set.

    Handing test images over here would be leakage: the test set has to be as unknown as tomorrow's patients.

    Parameters
    ----------
    images : array, shape (n, h, w, c)
        The images of the training set, all of them.

    Returns
    -------
    Normalization

    Raises
    ------
    ValueError
        `images` have not four axes, are not floating-point, hold a NaN or an infinity, or have a channel with
        one value only.
    """
    images = _expect.array("images", images, "n h w c")
    _finite("images", images)
    constant = np.flatnonzero(np.ptp(images, axis=(0, 1, 2)) == 0)
    if constant.size:
        raise ValueError(f"every channel must vary, received one value only in channel {constant[0]}")
    return Normalization(images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2)))


def _image(image):
    """Return one image as a floating-point array, or say what it is."""
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(f"image must have the axes (h, w) or (h, w, c), received shape {image.shape}")
    return _expect.array("image", image, "h w c"[: 2 * image.ndim - 1])


def _shape(shape):
    if len(shape) != 2:
        raise ValueError(f"shape must be (rows, columns), received {shape!r}")
    return tuple(_expect.at_least("shape", size, 1) for size in shape)


def _finite(name, numbers):
    finite = np.isfinite(numbers)
    if not np.all(finite):
        raise ValueError(f"{name} must be finite, received {np.extract(~finite, numbers)[0]}")
