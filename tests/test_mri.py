"""The slices are what their records say, and every parameter does what its docstring says."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy import ndimage, special
from threadpoolctl import threadpool_limits

from helpers import _brain, mri

STILL = mri.Anatomy(height_mm=20, rotation_degrees=0, scale=1, warp_mm=0)
PLAIN = {"anatomy": STILL, "site": mri.Site(bias=0), "noise": 0, "lesion": mri.Lesion(probability=0)}
LOW = mri.Anatomy(height_mm=-30, scale=0.7, warp_mm=8)
ILL = mri.Lesion(probability=1)
ARRAYS = [field.name for field in dataclasses.fields(mri.Slices) if field.type is np.ndarray]


def draw(n=4, seed=0, **settings):
    return mri.slices(n, rng=np.random.default_rng(seed), **{"slices_per_patient": 1, **settings})


def plain(**settings):
    """One slice of the template itself, 64 by 64."""
    return draw(1, **{**PLAIN, **settings})


@pytest.fixture(scope="module")
def data():
    return draw(200, slices_per_patient=4)


@pytest.fixture(scope="module")
def scans():
    return mri.volumes(24, rng=np.random.default_rng(0), lesion=mri.Lesion(contrast=-0.5), noise=0)


# ---------------------------------------------------------------- the record


def test_every_array_has_the_documented_shape_and_type(data):
    for name in ("images", "second", "clean", "healthy"):
        assert getattr(data, name).shape == (200, 64, 64, 1)
        assert getattr(data, name).dtype == np.float32
    assert data.lesion_mask.shape == data.tissue.shape == (200, 64, 64)
    assert (data.lesion_mask.dtype, data.tissue.dtype) == (bool, np.uint8)
    assert data.boxes.shape == (200, 4)
    assert data.labels.dtype == data.boxes.dtype == data.patients.dtype == np.int64
    assert data.spacing_mm == 220 / 64
    assert len(data) == 200


def test_intensities_are_finite_not_negative_and_about_one_at_most(data):
    for name in ("images", "second", "clean", "healthy"):
        values = getattr(data, name)
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert np.quantile(values, 0.99) < 1.5


def test_a_label_says_whether_the_mask_has_a_pixel(data):
    np.testing.assert_array_equal(data.labels, data.lesion_mask.any(axis=(1, 2)))
    assert 0.3 < data.labels.mean() < 0.7


def test_a_box_encloses_the_mask_and_nothing_more(data):
    for mask, box, label in zip(data.lesion_mask, data.boxes, data.labels, strict=True):
        if not label:
            np.testing.assert_array_equal(box, 0)
            continue
        rows, columns = ndimage.find_objects(mask.astype(int))[0]
        np.testing.assert_array_equal(box, [rows.start, columns.start, rows.stop, columns.stop])


def test_the_center_of_every_lesion_is_a_pixel_of_white_matter(data):
    for row in np.flatnonzero(data.labels):
        darkest = np.argmin(data.clean[row, ..., 0] - data.healthy[row, ..., 0])
        middle = np.mean(np.nonzero(data.lesion_mask[row]), axis=1)
        assert data.tissue[row][tuple(np.round(middle).astype(int))] == mri.WHITE_MATTER
        assert data.lesion_mask[row].flat[darkest]


def test_all_white_pixels_are_equally_likely_centers():
    tissue = np.zeros((30_000, 4, 5), np.uint8)
    tissue[:, [0, 2, 3], [0, 3, 4]] = mri.WHITE_MATTER
    rows, columns = mri._centers(tissue, np.random.default_rng(0))
    counts = np.bincount(rows * 5 + columns, minlength=20)[[0, 13, 19]]
    assert counts.sum() == 30_000
    np.testing.assert_allclose(counts, 10_000, atol=5 * np.sqrt(30_000 * 2 / 9))  # five standard deviations


def test_every_allowed_height_has_white_matter_for_a_lesion():
    for height in [(-40, 60), -40, 60]:
        anatomy = mri.Anatomy(height_mm=height, warp_mm=8)
        tissue = draw(100, anatomy=anatomy, size=24).tissue
        assert (tissue == mri.WHITE_MATTER).any(axis=(1, 2)).all()


def test_tissues_have_the_brightness_of_their_kind_in_both_contrasts():
    data = draw(40, site=mri.Site(bias=0), noise=0, lesion=mri.Lesion(probability=0))
    background, fluid, gray, white = (data.clean[data.tissue == kind].mean() for kind in range(4))
    assert background < 0.05 < fluid < gray - 0.1 < white - 0.2
    background, fluid, gray, white = (data.second[data.tissue == kind].mean() for kind in range(4))
    assert background < 0.2 < white < gray - 0.1 < fluid - 0.1


def test_rows_run_from_front_to_back_and_columns_from_right_to_left():
    full, origin = _brain._full_template()
    seen, half = plain(size=220).clean[0, ..., 0], 220 / 2
    rows, columns = np.meshgrid(np.arange(60, 160, 20), np.arange(60, 160, 20))
    y = -17 + half - (rows + 0.5)  # mm: the front has the largest y, the patient's right the largest x
    x = half - (columns + 0.5)
    voxels = np.stack([x, y, np.full(x.shape, 20.0)]) - np.reshape(origin, (3, 1, 1))
    np.testing.assert_allclose(
        seen[rows, columns], ndimage.map_coordinates(full[0], voxels, order=1), atol=1e-5
    )


def test_the_first_column_lies_on_the_patients_right(monkeypatch):
    """The template is symmetric, so a ramp that rises to the right stands in for it."""
    ramp = np.broadcast_to(np.linspace(0, 1, 197, dtype=np.float32)[:, None, None], (197, 233, 189))
    monkeypatch.setattr(
        _brain, "_template", lambda step: ((ramp, 0 * ramp, ramp), np.array([-98.0, -134.0, -72.0]), 1)
    )
    seen = plain(field_mm=150.0).clean[0, 32, :, 0]
    assert (np.diff(seen) < 0).all()


@pytest.mark.parametrize("size", [48, 64, 128])
def test_the_brain_stays_in_its_place_at_every_number_of_pixels(size):
    def middle_mm(size):
        data = plain(size=size)
        return data.spacing_mm * (np.array(ndimage.center_of_mass(data.clean[0, ..., 0])) + 0.5)

    np.testing.assert_allclose(middle_mm(size), middle_mm(220), atol=0.25)  # half a voxel is 0.5


def test_take_keeps_the_rows_together(data):
    rows = [5, 3, 199]
    some = data.take(rows)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(some, name), getattr(data, name)[rows])
    assert (some.noise, some.site, some.spacing_mm) == (data.noise, data.site, data.spacing_mm)
    assert len(data.take(data.labels == 1)) == data.labels.sum()


# ---------------------------------------------------------------- patients


def likeness(images):
    """Correlations of all pairs of images."""
    return np.corrcoef(images.reshape(len(images), -1))


def test_slices_of_one_patient_are_more_alike_than_slices_of_two():
    anatomy = mri.Anatomy(height_mm=(18, 22))
    data = draw(80, slices_per_patient=4, gap_mm=0.5, anatomy=anatomy, noise=0, site=mri.Site(bias=0))
    alike = likeness(data.healthy)
    same = data.patients[:, None] == data.patients
    assert alike[same & ~np.eye(80, dtype=bool)].min() > 0.97
    assert np.median(alike[~same]) < 0.93


def test_slices_of_one_patient_share_the_label_unless_every_slice_draws_its_own():
    shared, own = (
        draw(200, slices_per_patient=4, lesion=mri.Lesion(per=per)) for per in ("patient", "slice")
    )
    assert set(shared.labels.reshape(-1, 4).sum(axis=1)) == {0, 4}
    assert {1, 2, 3} <= set(own.labels.reshape(-1, 4).sum(axis=1))


def test_slices_of_one_patient_lie_the_gap_apart():
    data = draw(10, slices_per_patient=4, gap_mm=7.0)
    np.testing.assert_array_equal(data.patients, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    steps = np.diff(data.heights_mm)[np.diff(data.patients) == 0]
    np.testing.assert_allclose(steps, 7.0)
    assert data.heights_mm.min() >= 0
    assert data.heights_mm.max() <= 50


# ---------------------------------------------------------------- randomness


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads():
    with threadpool_limits(1):
        one = draw(12, seed=3)
    with threadpool_limits(2):
        two = draw(12, seed=3)
    for name in ARRAYS:
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


def test_another_seed_and_the_next_call_give_other_patients():
    rng = np.random.default_rng(0)
    first, second = (mri.slices(2, rng=rng) for _ in range(2))
    assert not np.array_equal(first.healthy, second.healthy)
    assert not np.array_equal(first.healthy, draw(2, seed=1, slices_per_patient=4).healthy)


@pytest.mark.parametrize(
    "change",
    [
        {"noise": 0.2},
        {"lesion": mri.Lesion(probability=0, diameter_mm=30, contrast=-1)},
        {"site": mri.Site(gain=0.5, bias=0.3, resolution_mm=8)},
    ],
)
def test_the_same_seed_shows_the_same_anatomy_whatever_else_changes(change):
    usual, other = draw(6), draw(6, **change)
    np.testing.assert_array_equal(usual.tissue, other.tissue)
    np.testing.assert_array_equal(usual.heights_mm, other.heights_mm)
    if "site" not in change:
        np.testing.assert_array_equal(usual.healthy, other.healthy)
    if "lesion" not in change:
        np.testing.assert_array_equal(usual.lesion_mask, other.lesion_mask)


# ---------------------------------------------------------------- anatomy


def test_turning_by_90_degrees_turns_the_image_counterclockwise():
    turned = plain(anatomy=dataclasses.replace(STILL, rotation_degrees=90))
    np.testing.assert_allclose(turned.clean[0], np.rot90(plain().clean[0]), atol=1e-5)


def test_scale_enlarges_the_brain():
    area = {
        scale: (plain(anatomy=dataclasses.replace(STILL, scale=scale)).tissue > 0).sum()
        for scale in (0.8, 1.2)
    }
    assert area[1.2] / area[0.8] == pytest.approx(1.5**2, rel=0.03)


def test_height_picks_the_slice():
    """At 50 mm there are no ventricles, at 20 mm there are."""
    fluid = {
        height: (
            plain(anatomy=dataclasses.replace(STILL, height_mm=height)).tissue[0, 20:44, 26:38] == 1
        ).sum()
        for height in (20, 50)
    }
    assert fluid[20] > 10 + fluid[50]


def test_a_warp_moves_points_by_its_root_mean_square():
    control = np.random.default_rng(0).standard_normal((400, 6, 7, 7))
    heights = np.random.default_rng(1).uniform(_brain.LOWEST_MM, _brain.HIGHEST_MM, 400)
    field = _brain.smooth(control, heights, 32)
    assert np.sqrt(np.mean(field**2)) == pytest.approx(1, abs=0.03)
    bends = np.abs(np.diff(field, n=2, axis=1))  # one spline piece is 8 pixels: h**2 = 1/64 of its curvature
    assert bends.max() < 0.5


def test_a_warp_of_0_leaves_the_template_and_a_larger_one_departs_further():
    still, slight, strong = (
        draw(8, **{**PLAIN, "anatomy": dataclasses.replace(STILL, warp_mm=warp)}).clean for warp in (0, 2, 6)
    )
    np.testing.assert_array_equal(still, np.broadcast_to(still[:1], still.shape))
    assert 0 < np.abs(slight - still).mean() < np.abs(strong - still).mean()


def test_splines_reproduce_a_constant_and_a_line():
    position = np.linspace(0, 4, 50)
    basis = _brain._spline(position, 4)
    np.testing.assert_allclose(basis.sum(axis=1), 1)
    np.testing.assert_allclose(basis @ np.arange(-1, 6), position, atol=1e-12)


@pytest.mark.parametrize("size", [24, 48, 64, 128])
def test_the_brain_has_its_size_in_mm_at_every_number_of_pixels(size):
    data = plain(size=size)
    assert data.images.shape == (1, size, size, 1)
    area = (data.tissue > 0).sum() * data.spacing_mm**2
    assert area == pytest.approx(
        (plain(size=110).tissue > 0).sum() * 4.0, rel=0.1
    )  # a border pixel is in or out


def test_the_field_of_view_zooms_without_changing_the_brain():
    data = plain(size=64, field_mm=330.0)
    assert data.spacing_mm == 330 / 64
    assert (data.tissue > 0).sum() < 0.5 * (plain().tissue > 0).sum()


# ---------------------------------------------------------------- lesion


def test_probability_0_leaves_everybody_healthy_and_1_nobody():
    healthy = draw(20, lesion=mri.Lesion(probability=0))
    assert not healthy.labels.any()
    assert not healthy.lesion_mask.any()
    np.testing.assert_array_equal(healthy.clean, healthy.healthy)
    assert draw(20, lesion=ILL).labels.all()


def test_a_lesion_changes_its_center_by_its_contrast_and_nothing_far_away():
    data = draw(6, noise=0, lesion=mri.Lesion(probability=1, contrast=-0.5, diameter_mm=20))
    for clean, healthy, mask in zip(data.clean[..., 0], data.healthy[..., 0], data.lesion_mask, strict=True):
        change = np.divide(clean, healthy, out=np.ones_like(clean), where=healthy > 0.05) - 1
        assert change.min() == pytest.approx(-0.5, abs=1e-5)
        assert (change[mask & (healthy > 0.05)] <= -0.25 + 1e-5).all()
        far = ndimage.distance_transform_edt(~mask) * data.spacing_mm > 25
        np.testing.assert_allclose(change[far], 0, atol=1e-6)


def test_the_mask_is_a_disk_of_the_diameter():
    data = draw(4, size=160, lesion=mri.Lesion(probability=1, diameter_mm=24))
    area = data.lesion_mask.sum(axis=(1, 2)) * data.spacing_mm**2
    np.testing.assert_allclose(area, np.pi * 12**2, rtol=0.03)


def test_lesions_are_dark_in_the_first_contrast_and_bright_in_the_second():
    data, healthy = (draw(20, noise=0, lesion=mri.Lesion(probability=share)) for share in (1, 0))
    first, second = data.clean - healthy.clean, data.second - healthy.second
    assert first[data.lesion_mask].mean() < -0.05
    assert second[data.lesion_mask].mean() > 0.1


def test_a_lesion_is_at_most_as_bright_as_fluid_in_the_second_contrast():
    settings = {"noise": 0, "site": mri.Site(bias=0)}
    sick = draw(60, **settings, lesion=mri.Lesion(probability=1, diameter_mm=40, second_contrast=1.0))
    assert 0.98 < sick.second[sick.lesion_mask].max() < 1.02


def test_diameter_and_contrast_are_drawn_from_their_range():
    data = draw(300, size=24, lesion=mri.Lesion(diameter_mm=(5, 30), contrast=(-0.8, -0.2)))
    for drawn, low, high in [(data.diameters_mm, 5, 30), (data.contrasts, -0.8, -0.2)]:
        assert low <= drawn.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < drawn.max() <= high


@pytest.mark.parametrize("above_mm", [0.0, 5.0])
def test_the_profile_after_a_blur_is_the_blurred_profile(above_mm):
    places = np.arange(-80, 81) * 0.5
    squared = places[:, None] ** 2 + places**2
    sharp = mri.profile(squared + above_mm**2, 12.0)
    blurred = _brain.blurred(sharp[None], 9.0 / 0.5)[0]
    np.testing.assert_allclose(
        mri.profile(squared, 12.0, 9.0, above_mm), blurred, atol=0.005
    )  # both are cut off


# ---------------------------------------------------------------- site and noise


def test_gain_multiplies_the_image_before_the_noise():
    strong, weak = (draw(4, site=mri.Site(gain=gain), noise=0) for gain in (2.0, 1.0))
    np.testing.assert_allclose(strong.clean, 2 * weak.clean, rtol=1e-6)
    np.testing.assert_allclose(strong.second, 2 * weak.second, rtol=1e-5)
    noisy = draw(4, site=mri.Site(gain=0.001), noise=0.05)
    assert noisy.images.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)


def test_bias_is_a_smooth_factor_shared_by_the_slices_of_a_patient():
    settings = {"slices_per_patient": 2, "gap_mm": 0.0, "noise": 0}
    shaded, even = (draw(8, site=mri.Site(bias=bias), **settings).healthy[..., 0] for bias in (0.2, 0))
    factor = np.where(even > 0.2, shaded / np.maximum(even, 0.2), np.nan)
    np.testing.assert_allclose(factor[0::2], factor[1::2], rtol=1e-5)
    steps = np.abs(np.diff(np.log(factor), axis=1))
    assert 0 < np.nanmax(steps) < 0.06
    assert np.nanstd(np.log(factor)) == pytest.approx(0.2, abs=0.08)


def test_a_coarser_site_blurs_by_its_width_and_keeps_the_sum():
    sharp, blurred = (draw(4, site=mri.Site(resolution_mm=mm, bias=0), noise=0).healthy for mm in (0, 10))
    expected = ndimage.gaussian_filter(
        sharp[..., 0], 10 / 2.354820 / (220 / 64), axes=(1, 2), mode="constant"
    )
    np.testing.assert_allclose(blurred[..., 0], expected, atol=1e-5)
    np.testing.assert_allclose(blurred.sum(axis=(1, 2, 3)), sharp.sum(axis=(1, 2, 3)), rtol=0.01)


def test_no_noise_shows_the_clean_image():
    data = draw(4, noise=0)
    np.testing.assert_array_equal(data.images, data.clean)


@pytest.mark.parametrize("amplitude", [0.0, 0.02, 0.05, 0.5])
def test_noise_has_the_moments_of_a_rician_distribution(amplitude):
    """Mean: a Laguerre polynomial; mean square: amplitude squared plus twice the noise squared."""
    noise, n = 0.05, 200_000
    seen = _brain.rician(np.full((2, n // 200, 100), amplitude), noise, np.random.default_rng(0)).astype(
        float
    )
    half = amplitude**2 / (4 * noise**2)
    laguerre = (1 + 2 * half) * special.i0e(half) + 2 * half * special.i1e(half)
    error = 5 * noise / np.sqrt(n)  # five standard errors; the standard deviation is at most the noise
    assert seen.mean() == pytest.approx(noise * np.sqrt(np.pi / 2) * laguerre, abs=error)
    spread = np.sqrt(4 * amplitude**2 * noise**2 + 4 * noise**4)  # standard deviation of the square
    assert np.mean(seen**2) == pytest.approx(amplitude**2 + 2 * noise**2, abs=5 * spread / np.sqrt(n))


def test_noise_is_drawn_anew_for_each_slice_and_each_contrast():
    anatomy = dataclasses.replace(STILL, height_mm=(20, 20))
    data = draw(2, **{**PLAIN, "anatomy": anatomy, "noise": 0.05}, slices_per_patient=2, gap_mm=0.0)
    np.testing.assert_array_equal(data.clean[0], data.clean[1])
    brain = data.tissue[0] > 0
    first, second = (data.images[k, ..., 0][brain] - data.clean[k, ..., 0][brain] for k in range(2))
    other = data.second[0, ..., 0][brain] - plain().second[0, ..., 0][brain]
    assert np.abs(np.corrcoef([first, second, other]) - np.eye(3)).max() < 0.12


# ---------------------------------------------------------------- volumes


def test_volumes_have_the_documented_shapes(scans):
    assert scans.images.shape == scans.second.shape == scans.clean.shape == scans.healthy.shape
    assert scans.images.shape == (24, 12, 64, 64, 1)
    assert scans.boxes.shape == (24, 12, 4)
    assert scans.lesion_mask.shape == scans.tissue.shape == (24, 12, 64, 64)
    np.testing.assert_allclose(scans.heights_mm, np.linspace(0, 50, 12))


def test_an_ill_patient_has_one_lesion_in_neighboring_slices(scans):
    np.testing.assert_array_equal(scans.labels, scans.slice_labels.any(axis=1))
    np.testing.assert_array_equal(scans.slice_labels, scans.lesion_mask.any(axis=(2, 3)))
    assert 0 < scans.labels.sum() < 24
    for mask in scans.lesion_mask[scans.labels == 1]:
        assert ndimage.label(mask)[1] == 1
    assert scans.slice_labels[scans.labels == 1].sum(axis=1).mean() > 1.5


def test_a_lesion_is_a_ball():
    """Its volume from the masks, one for each step of height, is that of a ball."""
    ball = mri.Lesion(probability=1, diameter_mm=30)
    data = mri.volumes(16, rng=np.random.default_rng(0), depth=26, lesion=ball)  # 2 mm between slices
    whole = (data.slice_labels[:, 0] == 0) & (data.slice_labels[:, -1] == 0)
    volume = data.lesion_mask[whole].sum(axis=(1, 2, 3)) * data.spacing_mm**2 * 2.0
    assert whole.sum() > 3
    np.testing.assert_allclose(volume, np.pi / 6 * 30**3, rtol=0.05)


def test_a_healthy_volume_has_no_trace_of_a_lesion(scans):
    healthy = scans.labels == 0
    np.testing.assert_array_equal(scans.clean[healthy], scans.healthy[healthy])
    assert np.abs(scans.clean - scans.healthy)[~healthy].max() > 0.2


def test_neighbors_in_a_volume_are_alike(scans):
    alike = likeness(scans.healthy[0])
    assert np.diagonal(alike, 1).min() > 0.9


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 23}, "size must be an integer of at least 24, received 23"),
        ({"n": 0}, "n must be an integer of at least 1, received 0"),
        ({"slices_per_patient": 0}, "slices_per_patient must be an integer of at least 1"),
        ({"noise": -0.1}, "noise must be a number from 0 to 10, received -0.1"),
        ({"noise": np.nan}, "noise must be"),
        ({"field_mm": 10}, "field_mm must be"),
        ({"size": 24, "field_mm": 400, "n": 300, "anatomy": LOW}, "a slice has no white matter"),
        ({"slices_per_patient": 4, "gap_mm": 20}, "4 slices need gap_mm of at least 0 and at most 16.6667"),
        ({"gap_mm": -1}, "received gap_mm -1"),
    ],
)
def test_slices_name_what_is_wrong(settings, message):
    with pytest.raises(ValueError, match=message):
        draw(**settings)


@pytest.mark.parametrize(
    ("group", "settings", "message"),
    [
        (mri.Lesion, {"probability": 1.1}, r"probability must be .* from 0 to 1, received 1.1"),
        (mri.Lesion, {"probability": "half"}, "probability must be .* received 'half'"),
        (mri.Lesion, {"probability": (0, 1)}, r"probability must be a number from 0 to 1, received \(0, 1\)"),
        (mri.Lesion, {"per": "organ"}, "per must be one of 'patient', 'slice', received 'organ'"),
        (mri.Lesion, {"diameter_mm": 0}, "diameter_mm must be"),
        (mri.Lesion, {"diameter_mm": (20, 10)}, r"diameter_mm must be .* received \(20, 10\)"),
        (mri.Lesion, {"contrast": -2}, "contrast must be"),
        (mri.Lesion, {"second_contrast": np.nan}, "second_contrast must be"),
        (mri.Anatomy, {"height_mm": (0, 80)}, r"height_mm must be .* from -40 to 60, received \(0, 80\)"),
        (mri.Anatomy, {"height_mm": (0, 10, 20)}, "height_mm must be"),
        (mri.Anatomy, {"rotation_degrees": np.inf}, "rotation_degrees must be"),
        (mri.Anatomy, {"scale": 0}, "scale must be"),
        (mri.Anatomy, {"warp_mm": 9}, "warp_mm must be"),
        (mri.Site, {"gain": 0}, "gain must be"),
        (mri.Site, {"bias": -0.1}, "bias must be"),
        (mri.Site, {"resolution_mm": 50}, "resolution_mm must be"),
    ],
)
def test_parameters_name_their_range(group, settings, message):
    with pytest.raises(ValueError, match=message):
        group(**settings)


def test_volumes_name_what_is_wrong():
    with pytest.raises(ValueError, match="depth must be an integer of at least 2, received 1"):
        mri.volumes(1, rng=np.random.default_rng(0), depth=1)


@pytest.fixture
def fresh_template():
    _brain._template.cache_clear()
    yield
    _brain._template.cache_clear()


@pytest.mark.usefixtures("fresh_template")
def test_a_damaged_template_says_what_to_do(monkeypatch, tmp_path):
    from nilearn.datasets import struct

    broken = tmp_path / "template.nii.gz"
    broken.write_bytes(b"no image")
    monkeypatch.setattr(struct, "GM_MNI152_FILE_PATH", str(broken))
    with pytest.raises(OSError, match="damaged in the installed nilearn: run `pip install --force-reinstall"):
        draw(1)


@pytest.mark.usefixtures("fresh_template")
def test_the_template_loads_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(1)
