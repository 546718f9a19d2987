"""The template of `mri`, bent, shaded, blurred and made noisy."""

import functools
from contextlib import contextmanager

import numpy as np

LOWEST_MM, HIGHEST_MM = -40.0, 60.0  # between these heights every slice has white matter
MIDDLE_MM = (0.0, -17.0)  # x and y of the middle of the brain in the template
IN_PLANE, UPWARD = 4, 3  # pieces of the splines that bend and shade the brain


def bent(place, rng, size, field_mm, anatomy):
    """Return T1, gray and white matter of the slices, each (n, h, w) float32."""
    from scipy.ndimage import map_coordinates

    spacing = field_mm / size
    maps, origin, step = _template(max(1, int(0.75 * spacing)))
    patients = place.patients[-1] + 1
    angle = np.deg2rad(draw(anatomy.rotation_degrees, rng, patients))[place.patients, None, None]
    scale = draw(anatomy.scale, rng, patients)[place.patients, None, None]
    control = rng.standard_normal((patients, 3, UPWARD + 3, IN_PLANE + 3, IN_PLANE + 3))
    right = (np.arange(size) + 0.5) * spacing - field_mm / 2
    up = -right[:, None]
    out = np.empty((3, len(place.patients), size, size), np.float32)
    for start in range(0, len(place.patients), 64):
        now = slice(start, start + 64)
        turn, grow = angle[now], scale[now]
        shift = anatomy.warp_mm * np.stack(
            [smooth(control[place.patients[now], axis], place.heights[now], size) for axis in range(3)]
        )
        mm = np.stack(
            [
                MIDDLE_MM[0] - (np.cos(turn) * right + np.sin(turn) * up) / grow,
                MIDDLE_MM[1] + (np.cos(turn) * up - np.sin(turn) * right) / grow,
                np.broadcast_to(place.heights[now, None, None], shift.shape[1:]),
            ]
        )
        mm += shift
        mm[2] = np.clip(mm[2], LOWEST_MM, HIGHEST_MM)
        voxels = (mm - np.reshape(origin, (3, 1, 1, 1))) / step
        for values, volume in zip(out, maps, strict=True):
            map_coordinates(volume, voxels, output=values[now], order=1)
    return out


@functools.lru_cache(maxsize=2)
def _template(step):
    """Return T1, gray and white matter as means of `step`**3 voxels, and where their first voxel lies, mm."""
    maps, origin = _full_template()
    if step == 1:
        return maps, origin, 1
    shape = [length // step for length in maps[0].shape]
    a, b, c = (length * step for length in shape)
    split = (shape[0], step, shape[1], step, shape[2], step)
    smaller = tuple(volume[:a, :b, :c].reshape(split).mean(axis=(1, 3, 5)) for volume in maps)
    return smaller, origin + (step - 1) / 2, step


def _full_template():
    """Return T1, gray and white matter at 1 mm, axes x, y, z, and the place of the first voxel in mm."""
    with _reading("the MNI152 template"):
        from nilearn import datasets

        images = [
            datasets.load_mni152_template(resolution=1),
            datasets.load_mni152_gm_template(resolution=1),
            datasets.load_mni152_wm_template(resolution=1),
        ]
        maps = tuple(np.asarray(image.dataobj, dtype=np.float32) for image in images)
        if any(volume.shape != (197, 233, 189) for volume in maps):
            raise ValueError(f"expected (197, 233, 189), received {[volume.shape for volume in maps]}")
    return maps, images[0].affine[:3, 3]


def smooth(control, heights, size):
    """Return a smooth random field of mean square 1, (n, h, w): a cubic spline of these control points."""
    plane = _spline((np.arange(size) + 0.5) / size * IN_PLANE, IN_PLANE)
    upward = _spline((heights - LOWEST_MM) / (HIGHEST_MM - LOWEST_MM) * UPWARD, UPWARD)
    # einsum and not @: a matrix product can round differently with another number of threads
    level = np.einsum("nk,nkpq->npq", upward, control) / (151 / 315) ** 1.5  # mean square of a spline, cubed
    plane, level = plane.astype(np.float32), level.astype(np.float32)
    return np.einsum("nhq,wq->nhw", np.einsum("hp,npq->nhq", plane, level), plane)


def _spline(position, pieces):
    """Return the cubic B-splines of so many pieces at the positions, (positions, pieces + 3)."""
    away = np.abs(position[:, None] - np.arange(-1, pieces + 2))
    near = 2 / 3 - away**2 + away**3 / 2
    return np.where(away < 1, near, np.clip(2 - away, 0, None) ** 3 / 6)


def shading(place, rng, size, bias):
    """Return the factor that the coils leave, (n, h, w)."""
    control = rng.standard_normal((place.patients[-1] + 1, UPWARD + 3, IN_PLANE + 3, IN_PLANE + 3))
    return np.exp(bias * smooth(control[place.patients], place.heights, size))


def blurred(images, width):
    """Return the images (n, h, w) blurred by a Gaussian of this full width at half maximum, in pixels."""
    if width == 0:
        return images
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(images, width / np.sqrt(8 * np.log(2)), axes=(1, 2), mode="constant")


def rician(clean, noise, rng):
    """Return the magnitude of `clean` plus complex Gaussian noise, float32."""
    if noise == 0:
        return clean.astype(np.float32)
    seen = np.empty(clean.shape, np.float32)
    for image, out in zip(clean, seen, strict=True):
        real, imaginary = noise * rng.standard_normal((2, *image.shape), np.float32)
        np.hypot(image + real, imaginary, out=out, casting="same_kind")
    return seen


def draw(value, rng, n):
    """Return `n` uniform draws from a (low, high), or a number `n` times."""
    return rng.uniform(*np.broadcast_to(value, 2), size=n)


def limits(name, value, lowest, highest):
    """Return a number or (low, high) as a pair, or raise ValueError unless it lies within the limits."""
    try:
        low, high = np.broadcast_to(np.asarray(value, dtype=float), 2)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not lowest <= low <= high <= highest:
        raise ValueError(
            f"{name} must be a number or (low, high) from {lowest:g} to {highest:g}, received {value!r}"
        )
    return low, high


@contextmanager
def _reading(name):
    """Turn whatever goes wrong while a template is read into one sentence that says what to do."""
    try:
        yield
    except Exception as error:
        raise OSError(
            f"{name} is missing from or damaged in the installed nilearn: "
            f"run `pip install --force-reinstall --no-deps nilearn` and try again ({error})"
        ) from error


def limit(name, value, lowest, highest):
    """Return the number `value` if it lies within the limits, or raise ValueError."""
    if isinstance(value, bool | str) or np.ndim(value) or not lowest <= value <= highest:
        raise ValueError(f"{name} must be a number from {lowest:g} to {highest:g}, received {value!r}")
    return float(value)
