"""Slices of a brain in which the truth is known: real anatomy, simulated patients, lesions and scanners.

The anatomy is real: the MNI152 template, a mean of the heads of 152 healthy young adults made symmetric,
with maps of gray and white matter. Everything else is simulated. A virtual patient is the template bent,
turned and scaled. A lesion is one soft round spot whose center lies in white matter; it shifts no tissue and
has no edema and no texture. The scanner shades, blurs and adds noise. The template has no skull and no scalp,
and a mean of 152 heads is smoother than any one of them. What a network learns here says nothing about
patients. It shows what a method can do, because here every answer is known.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from helpers import _brain, _expect

REACH = 1.5  # a lesion ends this many widths from its center, where 0.2 % of it is left
WHITE_MATTER = 3


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """How virtual patients differ. A number holds for all of them; a pair is the range of a uniform draw.

    Attributes
    ----------
    height_mm : number or (low, high), from -40 to 60
        Where the slices lie, in mm above the plane through the anterior commissure: 0 cuts the basal
        ganglia, 20 the lateral ventricles, 50 lies above them.
    rotation_degrees : number or (low, high)
        In the plane of the slice, counterclockwise.
    scale : number or (low, high), 0.7 to 1.2
        Size of the brain; 1 is the template.
    warp_mm : float, 0 to 8
        Root mean square of the smooth displacement along each of the three axes; 0 bends nothing.
    """

    height_mm: float | tuple[float, float] = (0.0, 50.0)
    rotation_degrees: float | tuple[float, float] = (-10.0, 10.0)
    scale: float | tuple[float, float] = (0.92, 1.08)
    warp_mm: float = 2.5

    def __post_init__(self):
        """Refuse what lies outside the ranges."""
        _brain.limits("height_mm", self.height_mm, _brain.LOWEST_MM, _brain.HIGHEST_MM)
        _brain.limits("rotation_degrees", self.rotation_degrees, -360, 360)
        _brain.limits("scale", self.scale, 0.7, 1.2)
        _brain.limit("warp_mm", self.warp_mm, 0, 8)


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """A soft round spot: ``image * (1 + contrast * profile)``, with a Gaussian profile of height 1.

    Attributes
    ----------
    probability : float, 0 to 1
        Of being ill; 0 makes everybody healthy.
    per : {"patient", "slice"}
        What is ill. "patient": every slice of an ill patient shows a lesion, each at a place of its own, as
        in a disease with many foci. "slice": the slices of a patient are ill or healthy independently.
        `volumes` puts one lesion into an ill patient, whatever `per` says.
    diameter_mm : number or (low, high), above 0 to 60
        Across the lesion where it has half its contrast.
    contrast : number or (low, high), -1 to 4
        Change at the center, as a fraction of the tissue's intensity. Lesions of white matter are dark in
        T1: negative. 0 leaves no trace, but the labels stay.
    second_contrast : float, 0 to 1
        How far the center becomes as bright as fluid in the second contrast; 0 leaves no trace.
    """

    probability: float = 0.5
    per: str = "patient"
    diameter_mm: float | tuple[float, float] = (12.0, 20.0)
    contrast: float | tuple[float, float] = -0.6
    second_contrast: float = 0.9

    def __post_init__(self):
        """Refuse what lies outside the ranges."""
        _brain.limit("probability", self.probability, 0, 1)
        _expect.one_of("per", self.per, ("patient", "slice"))
        _brain.limits("diameter_mm", self.diameter_mm, 0.1, 60)
        _brain.limits("contrast", self.contrast, -1, 4)
        _brain.limit("second_contrast", self.second_contrast, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The scanner of one hospital.

    Attributes
    ----------
    gain : float, above 0 to 100
        Factor of every intensity; the noise does not grow with it.
    bias : float, 0 to 1
        Root mean square of the logarithm of the smooth shading that coils leave, one field for each patient;
        0 shades nothing, 0.1 is about 10 %.
    resolution_mm : float, 0 to 20
        Full width at half maximum of the scanner's blur, on top of the pixels; 0 blurs nothing.
    """

    gain: float = 1.0
    bias: float = 0.1
    resolution_mm: float = 0.0

    def __post_init__(self):
        """Refuse what lies outside the ranges."""
        _brain.limit("gain", self.gain, 1e-6, 100)
        _brain.limit("bias", self.bias, 0, 1)
        _brain.limit("resolution_mm", self.resolution_mm, 0, 20)


@dataclass(frozen=True)
class Slices:
    """Slices and everything that is known about them. Rows run from front to back.

    Columns run from the patient's right to her left, as radiologists look at slices. Intensities are
    fractions of the template's largest; before gain and shading, white matter has about 0.87, gray 0.65,
    fluid 0.25, the background 0.

    Attributes
    ----------
    images : numpy.ndarray, shape (n, h, w, 1), float32
        What the scanner shows, T1: white matter bright, fluid dark.
    second : numpy.ndarray, shape (n, h, w, 1), float32
        The same slices in a second contrast like T2: fluid bright, gray matter above white. It is built from
        the tissue maps, so that it has their detail and no more. Its noise is independent.
    clean : numpy.ndarray, shape (n, h, w, 1), float32
        `images` without noise.
    healthy : numpy.ndarray, shape (n, h, w, 1), float32
        `clean` as it would be without the lesion.
    labels : numpy.ndarray, shape (n,), int64
        1 = there is a lesion.
    boxes : numpy.ndarray, shape (n, 4), int64
        Smallest box around `lesion_mask`: first row, first column, row after the last, column after the last;
        four zeros without a lesion.
    lesion_mask : numpy.ndarray, shape (n, h, w), bool
        Where the lesion, before the scanner blurs it, has at least half its contrast.
    tissue : numpy.ndarray, shape (n, h, w), uint8
        0 background, 1 fluid, 2 gray matter, 3 white matter: whichever has most of the pixel. The brain is
        the healthy one: a lesion does not change its tissue.
    patients : numpy.ndarray, shape (n,), int64
        The virtual patient, from 0. Slices of one patient share her bending, rotation, scale and shading.
    heights_mm : numpy.ndarray, shape (n,), float64
        Height of the slice in the template, before the bending.
    diameters_mm, contrasts : numpy.ndarray, shape (n,), float64
        What was drawn for the slice's lesion; drawn for healthy slices too, which use neither.
    spacing_mm : float
        Side of a pixel.
    noise : float
        As asked for.
    site : Site
        As asked for.
    """

    images: np.ndarray
    second: np.ndarray
    clean: np.ndarray
    healthy: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    lesion_mask: np.ndarray
    tissue: np.ndarray
    patients: np.ndarray
    heights_mm: np.ndarray
    diameters_mm: np.ndarray
    contrasts: np.ndarray
    spacing_mm: float
    noise: float
    site: Site

    def __len__(self):
        """Return the number of slices."""
        return len(self.labels)

    def take(self, rows):
        """Return the slices of these rows: integers, a slice, or one bool for each slice."""
        values = (getattr(self, field.name) for field in fields(self))
        return Slices(*(value[rows] if isinstance(value, np.ndarray) else value for value in values))


class Volumes(NamedTuple):
    """Stacks of slices, one for each patient, from the lowest to the highest.

    Attributes
    ----------
    images, second, clean, healthy : numpy.ndarray, shape (n, t, h, w, 1), float32
        As in `Slices`.
    labels : numpy.ndarray, shape (n,), int64
        1 = the patient is ill.
    slice_labels : numpy.ndarray, shape (n, t), int64
        1 = this slice cuts the lesion's mask. The lesion is a ball: slices next to it can show a faint part.
    boxes : numpy.ndarray, shape (n, t, 4), int64
    lesion_mask : numpy.ndarray, shape (n, t, h, w), bool
    tissue : numpy.ndarray, shape (n, t, h, w), uint8
    heights_mm : numpy.ndarray, shape (t,), float64
        The same for all patients.
    spacing_mm : float
        Side of a pixel in its slice.
    """

    images: np.ndarray
    second: np.ndarray
    clean: np.ndarray
    healthy: np.ndarray
    labels: np.ndarray
    slice_labels: np.ndarray
    boxes: np.ndarray
    lesion_mask: np.ndarray
    tissue: np.ndarray
    heights_mm: np.ndarray
    spacing_mm: float


def slices(
    n,
    *,
    rng,
    size=64,
    slices_per_patient=4,
    gap_mm=4.0,
    field_mm=220.0,
    anatomy=Anatomy(),
    lesion=Lesion(),
    site=Site(),
    noise=0.04,
):
    """Draw virtual patients and return `n` slices of them.

    The same generator state gives the same bytes. Anatomy, lesions, shading and noise have generators of
    their own, drawn from `rng`: changing the noise, the site or the lesion leaves the anatomy as it is, so
    that the same seed shows the same patients in two hospitals.

    Parameters
    ----------
    n : int, at least 1
    rng : numpy.random.Generator
    size : int, at least 24
        Rows and columns.
    slices_per_patient : int, at least 1
        The last patient has fewer if they do not divide `n`.
    gap_mm : float, at least 0
        Between the slices of one patient.
    field_mm : float, 100 to 400
        Side of the image; a pixel has ``field_mm / size``. The brain is 180 mm long.
    anatomy : Anatomy
    lesion : Lesion
    site : Site
    noise : float, 0 to 10
        Standard deviation of the two Gaussian noises of which a magnitude image has Rician noise
        ``sqrt((clean + noise * e1)**2 + (noise * e2)**2)``, in units of the image.

    Returns
    -------
    Slices

    Raises
    ------
    ValueError
        A parameter outside its range, slices of one patient that need more than the range of heights, or
        pixels so coarse that a slice has no white matter.
    OSError
        A template inside nilearn is missing or damaged.

    References
    ----------
    Template: Fonov et al. (2011), NeuroImage 54(1), 313-327. Noise: Gudbjartsson and Patz (1995), Magnetic
    Resonance in Medicine 34(6), 910-914.
    """
    n = _expect.at_least("n", n, 1)
    k = _expect.at_least("slices_per_patient", slices_per_patient, 1)
    patients = np.arange(n) // k
    streams = _streams(rng)
    low, high = _brain.limits("height_mm", anatomy.height_mm, _brain.LOWEST_MM, _brain.HIGHEST_MM)
    span = (k - 1) * gap_mm
    if not 0 <= gap_mm or span > high - low:
        raise ValueError(
            f"{k} slices need gap_mm of at least 0 and at most {(high - low) / max(k - 1, 1):g} "
            f"to fit into height_mm {low:g} to {high:g}, received gap_mm {gap_mm!r}"
        )
    first = streams["height"].uniform(low, high - span, size=patients[-1] + 1)
    heights = first[patients] + gap_mm * (np.arange(n) % k)
    ill = streams["ill"].random(n if lesion.per == "slice" else patients[-1] + 1) < lesion.probability
    labels = ill if lesion.per == "slice" else ill[patients]
    place = _Place(patients, heights, labels, np.arange(n), np.zeros(n))
    return _scan(place, streams, size, field_mm, anatomy, lesion, site, noise)


def volumes(
    n,
    *,
    rng,
    depth=12,
    size=64,
    field_mm=220.0,
    anatomy=Anatomy(),
    lesion=Lesion(),
    site=Site(),
    noise=0.04,
):
    """Draw virtual patients and return a stack of slices of each, with at most one lesion, a ball.

    The other parameters, the errors and the sources are those of `slices`.

    Parameters
    ----------
    n : int, at least 1
    rng : numpy.random.Generator
    depth : int, at least 2
        Slices, evenly spaced over the range of ``anatomy.height_mm``.

    Returns
    -------
    Volumes
    """
    n = _expect.at_least("n", n, 1)
    t = _expect.at_least("depth", depth, 2)
    streams = _streams(rng)
    heights = np.linspace(
        *_brain.limits("height_mm", anatomy.height_mm, _brain.LOWEST_MM, _brain.HIGHEST_MM), t
    )
    ill = streams["ill"].random(n) < lesion.probability
    center = np.repeat(streams["height"].integers(t, size=n), t)
    patients = np.repeat(np.arange(n), t)
    above = np.tile(heights, n) - heights[center]
    place = _Place(patients, np.tile(heights, n), ill[patients], patients * t + center, above)
    flat = _scan(place, streams, size, field_mm, anatomy, lesion, site, noise)
    stacked = {
        name: getattr(flat, name).reshape(n, t, *getattr(flat, name).shape[1:])
        for name in ("images", "second", "clean", "healthy", "boxes", "lesion_mask", "tissue")
    }
    return Volumes(
        labels=ill.astype(np.int64),
        slice_labels=flat.labels.reshape(n, t),
        heights_mm=heights,
        spacing_mm=flat.spacing_mm,
        **stacked,
    )


class _Place(NamedTuple):
    """Where each slice lies, and where its lesion: in which slice its center, how many mm below this one."""

    patients: np.ndarray
    heights: np.ndarray
    ill: np.ndarray
    center: np.ndarray
    above: np.ndarray


class _Spots(NamedTuple):
    """The lesion of each slice, its arrays ready to meet images (n, h, w)."""

    ill: np.ndarray
    squared_mm: np.ndarray
    above_mm: np.ndarray
    diameters_mm: np.ndarray
    contrasts: np.ndarray

    def mask(self):
        """Return where the lesion has at least half its contrast."""
        return self.ill & (self.squared_mm + self.above_mm**2 <= (self.diameters_mm / 2) ** 2)

    def share(self, resolution_mm):
        """Return the share of its contrast at each pixel, float32."""
        share = np.zeros(self.squared_mm.shape, np.float32)
        k = self.ill[:, 0, 0]
        above, diameters = self.above_mm[k].astype(np.float32), self.diameters_mm[k].astype(np.float32)
        share[k] = profile(self.squared_mm[k], diameters, resolution_mm, above)
        return share


def _scan(place, streams, size, field_mm, anatomy, lesion, site, noise):
    """Return the slices that `place` describes."""
    size = _expect.at_least("size", size, 24)
    spacing = _brain.limit("field_mm", field_mm, 100, 400) / size
    noise = _brain.limit("noise", noise, 0, 10)
    t1, gray, white = _brain.bent(place, streams["anatomy"], size, field_mm, anatomy)
    fluid = np.clip(np.clip(t1 / 0.2, 0, 1) - gray - white, 0, None)
    tissue = _tissue(t1, fluid, gray, white)
    spots = _spots(place, tissue, streams, spacing, lesion)
    watery = lesion.second_contrast * spots.share(0.0)
    second = fluid + gray * (0.6 + 0.4 * watery) + white * (0.4 + 0.6 * watery)

    shading = site.gain * _brain.shading(place, streams["bias"], size, site.bias)
    healthy, second = (
        _brain.blurred(sharp, site.resolution_mm / spacing) * shading for sharp in (t1, second)
    )
    clean = healthy * (1 + spots.contrasts.astype(np.float32) * spots.share(site.resolution_mm))
    mask = spots.mask()
    return Slices(
        images=_brain.rician(clean, noise, streams["noise"])[..., None],
        second=_brain.rician(second, noise, streams["noise"])[..., None],
        clean=clean[..., None],
        healthy=healthy[..., None],
        labels=mask.any(axis=(1, 2)).astype(np.int64),
        boxes=_boxes(mask),
        lesion_mask=mask,
        tissue=tissue,
        patients=place.patients,
        heights_mm=place.heights,
        diameters_mm=spots.diameters_mm[:, 0, 0],
        contrasts=spots.contrasts[:, 0, 0],
        spacing_mm=spacing,
        noise=noise,
        site=site,
    )


def profile(squared_mm, diameter_mm, resolution_mm=0.0, above_mm=0.0):
    """Return a lesion's share of its contrast, after a blur in the plane of the slice.

    A Gaussian of the width d, blurred by one of the width r, is a Gaussian of the width
    ``sqrt(d**2 + r**2)`` and, in a plane, of the height ``d**2 / (d**2 + r**2)``. Beyond 1.5 widths it is
    cut to 0.

    Parameters
    ----------
    squared_mm : array_like, shape (...)
        Squared distance from the center in the plane, in mm squared.
    diameter_mm : array_like, shape (...)
        Full width at half maximum, d.
    resolution_mm : float
        Full width at half maximum of the blur, r.
    above_mm : array_like, shape (...)
        Distance of the plane from the center.

    Returns
    -------
    numpy.ndarray, shape (...), 0 to 1

    Examples
    --------
    >>> profile([0, 5**2, 20**2], 10).tolist()
    [1.0, 0.5, 0.0]
    """
    wide = diameter_mm**2 + resolution_mm**2
    away = np.asarray(squared_mm) / wide + above_mm**2 / diameter_mm**2  # in widths, squared
    return np.where(away <= REACH**2, diameter_mm**2 / wide * np.exp2(-4 * away), 0)


def _spots(place, tissue, streams, spacing, lesion):
    """Draw a lesion for every slice; those of a volume have the one of the slice with its center."""
    n, size, _ = tissue.shape
    rows, columns = _centers(tissue, streams["place"])
    diameters = _brain.draw(lesion.diameter_mm, streams["diameter"], n)
    contrasts = _brain.draw(lesion.contrast, streams["contrast"], n)
    return _Spots(
        place.ill[:, None, None],
        _squared_mm(size, spacing, rows[place.center], columns[place.center]),
        place.above[:, None, None],
        diameters[place.center, None, None],
        contrasts[place.center, None, None],
    )


def _streams(rng):
    """Return one generator for each thing that is drawn, so that none depends on how much another draws."""
    names = ["height", "ill", "anatomy", "place", "diameter", "contrast", "bias", "noise"]
    seeds = rng.integers(2**63, size=len(names))
    return {name: np.random.default_rng(int(seed)) for name, seed in zip(names, seeds, strict=True)}


def _tissue(t1, fluid, gray, white):
    """Return which of fluid, gray and white matter has most of each pixel, 1 to 3; 0 outside the brain."""
    fluid_or_gray = np.where(gray > fluid, np.uint8(2), np.uint8(1))
    kind = np.where(white > np.maximum(gray, fluid), np.uint8(WHITE_MATTER), fluid_or_gray)
    return np.where(t1 > 0.1, kind, np.uint8(0))


def _centers(tissue, rng):
    """Return one row and one column of white matter for each slice, all pixels equally likely."""
    white = (tissue == WHITE_MATTER).reshape(len(tissue), -1)
    if not white.any(axis=1).all():
        raise ValueError("a slice has no white matter for a lesion: use more pixels or a smaller field_mm")
    chosen = np.floor(rng.random(len(white)) * white.sum(axis=1)).astype(int)
    flat = np.argmax(np.cumsum(white, axis=1, dtype=np.int32) > chosen[:, None], axis=1)
    return np.unravel_index(flat, tissue.shape[1:])


def _squared_mm(size, spacing, rows, columns):
    """Return the squared distance of every pixel from the given one, (n, h, w), mm squared."""
    places = np.arange(size)
    down, across = places - rows[:, None], places - columns[:, None]
    return np.float32(spacing**2) * (down[:, :, None] ** 2 + across[:, None, :] ** 2).astype(np.float32)


def _boxes(mask):
    """Return the smallest box around each mask, (n, 4), zeros around none."""
    boxes = np.zeros((len(mask), 4), np.int64)
    for axis in (0, 1):
        used = mask.any(axis=2 - axis)  # (n, rows), then (n, columns)
        boxes[:, axis] = used.argmax(axis=1)
        boxes[:, axis + 2] = np.where(
            used.any(axis=1), mask.shape[axis + 1] - used[:, ::-1].argmax(axis=1), 0
        )
    return boxes
