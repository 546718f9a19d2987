"""Transforms keep what they promise to keep, and learn from nothing but the training set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from helpers import data, transforms

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(7, 10))
COLOR = RNG.normal(size=(7, 10, 3))
numbers = st.floats(-3000, 3000)
sizes = st.integers(1, 12)
images = arrays(float, st.tuples(sizes, sizes), elements=numbers)


# ----- window -----


def test_window_by_hand():
    found = transforms.window([-1000.0, -160.0, -60.0, 40.0, 240.0, 3000.0], center=40, width=400)
    np.testing.assert_allclose(found, [0, 0, 0.25, 0.5, 1, 1])


@given(images, numbers, st.floats(0.1, 5000))
def test_window_is_between_0_and_1_and_keeps_the_order(image, center, width):
    shown = transforms.window(image, center, width)
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert (np.diff(shown.ravel()[image.ravel().argsort()]) >= 0).all()


def test_window_equals_pydicoms_exact_window():
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_windowing

    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 40, 400, "LINEAR_EXACT"
    dataset.PhotometricInterpretation, dataset.BitsStored, dataset.PixelRepresentation = "MONOCHROME2", 12, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    stored = np.arange(4096.0)
    expected = apply_windowing(stored, dataset) / 4095
    np.testing.assert_allclose(transforms.window(stored, 40, 400), expected, atol=1e-12)


@pytest.mark.parametrize("width", [0, -400, np.inf, np.nan])
def test_a_width_that_is_no_width_raises_valueerror(width):
    with pytest.raises(ValueError, match="width must be a finite number above 0"):
        transforms.window(IMAGE, 40, width)


# ----- resize -----


@pytest.mark.parametrize("image", [IMAGE, COLOR], ids=["gray", "color"])
@pytest.mark.parametrize("shape", [(14, 20), (3, 4), (7, 10), (1, 1)])
def test_resize_gives_the_shape_and_invents_no_extremes(image, shape):
    small = transforms.resize(image, shape)
    assert small.shape == shape + image.shape[2:]
    assert image.min() - 1e-9 <= small.min() <= small.max() <= image.max() + 1e-9


def test_resize_to_the_same_shape_changes_nothing():
    np.testing.assert_allclose(transforms.resize(IMAGE, IMAGE.shape), IMAGE)


def test_resize_interpolates_between_the_centers_of_pixels():
    ramp = np.tile(np.arange(8.0), (4, 1))
    np.testing.assert_allclose(transforms.resize(ramp, (4, 16))[0, 1:-1], np.arange(0.25, 7, 0.5))


def test_resize_smooths_before_it_shrinks():
    line = np.zeros((16, 16))
    line[:, 4] = 1  # without smoothing, columns 1.5, 5.5, 9.5 and 13.5 would be looked up, and miss it
    small = transforms.resize(line, (16, 4))
    assert small[:, 1].min() > 0.1
    np.testing.assert_allclose(small.sum(axis=1), 1 / 4, rtol=0.1)


def test_resize_keeps_hounsfield_units():
    ct = data.ct_slice().pixels
    assert abs(transforms.resize(ct, (64, 64)).mean() - ct.mean()) < 2


@given(sizes, sizes, sizes, sizes)
def test_a_mask_gets_no_new_label(rows, columns, new_rows, new_columns):
    mask = np.random.default_rng(rows * columns).integers(0, 5, size=(rows, columns))
    small = transforms.resize_mask(mask, (new_rows, new_columns))
    assert small.shape == (new_rows, new_columns)
    assert small.dtype == mask.dtype
    assert set(small.ravel()) <= set(mask.ravel())


@pytest.mark.parametrize("shape", [(14, 20), (21, 30), (3, 4), (5, 17)])
def test_resize_mask_equals_the_nearest_neighbor_of_scikit_image(shape):
    from skimage.transform import resize

    mask = RNG.integers(0, 9, size=(7, 10))
    expected = resize(mask, shape, order=0, preserve_range=True, anti_aliasing=False)
    ties = np.any(
        [
            np.isclose(((np.arange(new) + 0.5) * old / new) % 1, 0).any()
            for new, old in zip(shape, mask.shape, strict=True)
        ]
    )
    if not ties:
        np.testing.assert_array_equal(transforms.resize_mask(mask, shape), expected)


def test_doubling_a_mask_repeats_its_pixels():
    mask = RNG.integers(0, 2, size=(3, 4)).astype(bool)
    np.testing.assert_array_equal(
        transforms.resize_mask(mask, (6, 8)), mask.repeat(2, axis=0).repeat(2, axis=1)
    )


@pytest.mark.parametrize("mask", [IMAGE, np.zeros(3, dtype=bool), np.zeros((0, 3), dtype=bool)])
def test_what_is_no_mask_raises_valueerror(mask):
    with pytest.raises(ValueError, match="mask must be an array of bool or int with 2 axes"):
        transforms.resize_mask(mask, (2, 2))


@given(sizes, sizes, sizes, sizes)
def test_the_field_of_view_stays(rows, columns, new_rows, new_columns):
    spacing = transforms.resized_spacing((0.5, 2.0), (rows, columns, 3), (new_rows, new_columns))
    np.testing.assert_allclose(
        np.multiply(spacing, (new_rows, new_columns)), np.multiply((0.5, 2.0), (rows, columns))
    )


@pytest.mark.parametrize("spacing", [(1,), (1, 1, 1), (0, 1), (1, -2)])
def test_spacing_that_is_no_pair_of_lengths_raises_valueerror(spacing):
    with pytest.raises(ValueError, match="spacing_mm must"):
        transforms.resized_spacing(spacing, (2, 2), (4, 4))


# ----- rotate, crop, pad -----


def test_rotate_by_90_degrees_is_exact_and_counterclockwise():
    square = IMAGE[:7, :7]
    np.testing.assert_allclose(transforms.rotate(square, 90, fill=0), np.rot90(square), atol=1e-9)


def test_rotate_by_0_degrees_changes_nothing():
    np.testing.assert_allclose(transforms.rotate(COLOR, 0, fill=0), COLOR, atol=1e-9)


def test_rotate_fills_the_corners_with_what_it_is_told():
    turned = transforms.rotate(np.zeros((9, 9)), 45, fill=-1000)
    assert turned[0, 0] == turned[-1, -1] == -1000
    assert turned[4, 4] == 0


def test_rotate_agrees_with_scipy_inside():
    image = ndimage.gaussian_filter(RNG.normal(size=(31, 31)), 2)
    expected = ndimage.rotate(image, 20, reshape=False, order=1)
    found = transforms.rotate(image, 20, fill=0)
    np.testing.assert_allclose(found[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-6)


@given(images, sizes, sizes)
def test_crop_undoes_pad(image, more_rows, more_columns):
    shape = image.shape[0] + more_rows, image.shape[1] + more_columns
    padded = transforms.pad(image, shape, fill=-1000)
    assert padded.shape == shape
    assert np.count_nonzero(padded == -1000) >= padded.size - image.size
    np.testing.assert_array_equal(transforms.crop(padded, image.shape), image)


def test_crop_keeps_the_middle_and_cuts_the_odd_row_at_the_end():
    np.testing.assert_array_equal(transforms.crop(IMAGE, (4, 4)), IMAGE[1:5, 3:7])


def test_pad_adds_the_odd_row_at_the_end():
    padded = transforms.pad(COLOR, (10, 10), fill=5)
    np.testing.assert_array_equal(padded[1:8], COLOR)
    assert (padded[8:] == 5).all()


def test_crop_returns_a_copy():
    image = IMAGE.copy()
    transforms.crop(image, (3, 3))[:] = 0
    np.testing.assert_array_equal(image, IMAGE)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: transforms.crop(IMAGE, (8, 4)), r"shape must fit into the image, \(7, 10\), received"),
        (lambda: transforms.pad(IMAGE, (6, 20), 0), r"must fit into shape, received \(6, 20\)"),
        (lambda: transforms.pad(IMAGE, (9, 20), np.nan), "fill must be finite"),
        (lambda: transforms.rotate(IMAGE, np.inf, 0), "degrees must be finite"),
        (lambda: transforms.rotate(IMAGE, 5, np.inf), "fill must be finite"),
        (lambda: transforms.resize(IMAGE, (0, 4)), "shape must be an integer of at least 1"),
        (lambda: transforms.resize(IMAGE, (2.5, 4)), "shape must be an integer"),
        (lambda: transforms.resize(IMAGE, (2, 4, 3)), r"shape must be \(rows, columns\)"),
    ],
)
def test_impossible_requests_raise_valueerror(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# ----- normalize -----


def test_normalize_image_by_hand():
    np.testing.assert_allclose(transforms.normalize_image([[0.0, 2.0]]), [[-1, 1]])


def test_normalize_image_forgets_the_unit():
    np.testing.assert_allclose(
        transforms.normalize_image(3 * IMAGE - 500), transforms.normalize_image(IMAGE), atol=1e-9
    )


def test_an_image_of_one_gray_becomes_zero():
    np.testing.assert_array_equal(transforms.normalize_image(np.full((3, 4), 0.1)), np.zeros((3, 4)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_with_a_gap_raises_valueerror(value):
    with pytest.raises(ValueError, match="must be finite"):
        transforms.normalize_image([[value, 1.0]])


def test_fit_normalization_by_hand():
    fitted = transforms.fit_normalization([[[[0.0, 5.0], [2.0, 25.0]]]])  # (1, 1, 2, 2)
    np.testing.assert_allclose(fitted.mean, [1, 15])
    np.testing.assert_allclose(fitted.deviation, [1, 10])
    np.testing.assert_allclose(fitted.apply([[[[3.0, 15.0]]]]), [[[[2, 0]]]])


def test_the_training_set_gets_mean_0_and_deviation_1_in_each_channel():
    train = RNG.normal(loc=(1, 20, 300), scale=(1, 5, 9), size=(6, 4, 5, 3))
    normalized = transforms.fit_normalization(train).apply(train)
    np.testing.assert_allclose(normalized.mean(axis=(0, 1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(normalized.std(axis=(0, 1, 2)), 1)


def test_a_number_means_the_same_in_every_set():
    fitted = transforms.fit_normalization(RNG.normal(size=(6, 4, 5, 1)))
    dark, bright = np.full((1, 4, 5, 1), -2.0), np.full((1, 4, 5, 1), 7.0)
    together = fitted.apply(np.concatenate([dark, bright]))
    np.testing.assert_array_equal(together, np.concatenate([fitted.apply(dark), fitted.apply(bright)]))
    assert together[0].mean() < together[1].mean()


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((2, 3, 3)), "4 axes"),
        (np.zeros((2, 3, 3, 1)), "every channel must vary"),
        (np.full((2, 3, 3, 1), np.nan), "must be finite"),
        (np.zeros((2, 3, 3, 1), dtype=np.uint8), "astype"),
    ],
)
def test_a_training_set_that_teaches_nothing_raises_valueerror(images, says):
    with pytest.raises(ValueError, match=says):
        transforms.fit_normalization(images)


def test_images_with_other_channels_raise_valueerror():
    fitted = transforms.fit_normalization(RNG.normal(size=(6, 4, 5, 3)))
    with pytest.raises(ValueError, match="must have c = 3"):
        fitted.apply(IMAGE)


@pytest.mark.parametrize(
    "call",
    [
        lambda image: transforms.resize(image, (2, 2)),
        lambda image: transforms.rotate(image, 5, 0),
        lambda image: transforms.crop(image, (2, 2)),
        lambda image: transforms.pad(image, (20, 20), 0),
        transforms.normalize_image,
    ],
    ids=["resize", "rotate", "crop", "pad", "normalize"],
)
@pytest.mark.parametrize(
    "image",
    [np.zeros(5), np.zeros((2, 3, 4, 5)), np.zeros((0, 3)), np.zeros((5, 5), dtype=np.uint8), "ct.png", None],
    ids=["row", "batch", "empty", "integers", "path", "nothing"],
)
def test_what_is_no_image_raises_valueerror(call, image):
    with pytest.raises(ValueError, match="image must"):
        call(image)


def test_no_transform_changes_its_argument():
    image = IMAGE.copy()
    transforms.window(image, 0, 1)
    transforms.resize(image, (3, 3))
    transforms.rotate(image, 20, 0)
    transforms.pad(image, (20, 20), 0)
    transforms.normalize_image(image)
    np.testing.assert_array_equal(image, IMAGE)
