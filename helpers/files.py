"""Reads the files that hospitals and researchers have: DICOM and NIfTI.

A picture read with this module is for learning, not for diagnosis.
"""

import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

UNEVEN_MM = 0.02  # positions are written with few digits; a missing slice is off by much more


class Scan(NamedTuple):
    """A picture or a volume, and what its file says about it. It begins as a `data.Slice` does.

    Attributes
    ----------
    pixels : numpy.ndarray
        Shape (h, w) for one picture, (n, h, w) for slices or frames, each with a last axis of 3 for color;
        from `read_nifti` (x, y, z) or (x, y, z, ...). Gray is float64, in `unit`; color keeps its integers.
    spacing_mm : tuple of float, or None
        Distance between the centers of neighbors in mm along each axis of space; frames that are no volume
        have it for rows and columns only. None if the file does not say.
    unit : str
        What a pixel's number counts: "HU", "arbitrary units", "red, green, blue" ...
    axes : str
        The side of the patient toward which the index of each axis of space grows: L left, R right,
        A anterior (front), P posterior (back), S superior (head), I inferior (feet). An oblique axis gets
        the nearest side. "PL" is the usual transverse slice. Empty if the file does not say.
    window : tuple of float (center, width), or None
        The first display window that the file proposes, in `unit`.
    notes : tuple of str
        What was odd about the file.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, ...] | None
    unit: str
    axes: str
    window: tuple[float, float] | None
    notes: tuple[str, ...]


def read_dicom(path):
    """Read one DICOM file, or a folder with the slices of one series, as a `Scan`.

    Stored numbers are rescaled (slope and intercept, or the table that the file holds). MONOCHROME1, where
    small numbers are white, is inverted, so that larger is brighter, and its unit says so. Colors come as
    red, green and blue. Padding outside the scanned circle is left as it is, and so are dose grids.

    Parameters
    ----------
    path : str or Path
        Of a folder, all pictures in it are used, and other files skipped; subfolders are not searched.

    Returns
    -------
    Scan
        A folder gives a volume of shape (n, h, w), its slices sorted by their position in the patient: along
        the cross product of the directions of a row and of a column, for transverse slices toward the head.
        Several frames in one file are sorted likewise if each has a position of its own, and stay in the
        file's order if not. `spacing_mm` is None for projections whose spacing is known at the detector only.

    Raises
    ------
    OSError
        The file or folder is missing, is not DICOM, is truncated, holds no picture, or is compressed in a way
        that no installed package can undo; the message says which. Or the folder's pictures do not make one
        volume: two series, two slices at one place, a missing slice, different shapes.

    References
    ----------
    DICOM PS3.3, sections C.7.6.2 (image plane), C.11.1 (modality LUT) and C.11.2 (VOI LUT).
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    with _remarks() as notes:
        frames = _read_file(path)
    return _join(frames, path)._replace(notes=tuple(notes))


def read_nifti(path):
    """Read a NIfTI file (.nii, .nii.gz, or .hdr with .img) as a `Scan` in RAS orientation.

    Axes are swapped and turned so that the first index grows toward the patient's right, the second toward
    the front, the third toward the head; nothing is interpolated, so an oblique scan stays oblique.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Scan
        `axes` is "RAS"; but if the file does not say how the patient lies (both its codes are 0), the axes
        stay as stored, and `axes` is empty: left and right are unknown. Numbers are scaled as the file says.
        A file that names no unit of length is taken to mean mm, and `notes` says so.

    Raises
    ------
    OSError
        The file is missing, is not NIfTI, is truncated, or holds no picture of real numbers.

    References
    ----------
    Cox et al. (2004), A (sort of) new image data format standard: NIfTI-1. The header's fields are described
    in nifti1.h.
    """
    path = Path(path)
    with _remarks() as notes, _explained(path, "NIfTI"):
        image = _load_nifti(path)
        known = bool(image.header["sform_code"] or image.header["qform_code"])
        pixels, spacing, remark = _oriented(image, known)
    notes += [remark] if remark else []
    return Scan(pixels, spacing, "arbitrary units", "RAS" if known else "", None, tuple(notes))


# ---- Errors ---------------------------------------------------------------------------------------------


class _NoPicture(OSError):
    """The file is fine, but there is no picture in it: in a folder it is skipped."""


@contextmanager
def _remarks():
    """Collect the warnings of the libraries in the list that is handed out, each of them once."""
    notes = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    notes += dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)


@contextmanager
def _explained(path, kind):
    """Turn whatever goes wrong while a file is read into one OSError that names the file."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        yield
    except _NoPicture:
        raise
    except Exception as error:
        raise OSError(f"{path} cannot be read as {kind}: {_one_line(error)}") from error


def _one_line(error):
    """Return the beginning of the message in one line, or what kind of error it is."""
    line = " ".join(str(error).split())
    return (line if len(line) <= 300 else f"{line[:300]} ...") or type(error).__name__


# ---- DICOM: one file ------------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """One picture, where it lies, and what its numbers mean."""

    pixels: np.ndarray
    unit: str
    spacing_mm: tuple | None
    directions: np.ndarray | None  # (2, 3), unit vectors toward left, back, head: along a row, down a column
    position_mm: np.ndarray | None  # (3,), of the center of the first pixel
    window: tuple | None
    series: str


def _read_file(path):
    """Return the frames of the file."""
    from pydicom.pixels import pixel_array

    dataset = _load_dicom(path)
    with _explained(path, "a DICOM picture"):
        _require_decoder(dataset, path)
        stored = pixel_array(dataset)
        return _frames(dataset, stored)


def _load_dicom(path):
    import pydicom

    with _explained(path, "DICOM"):
        with path.open("rb") as file:
            start = file.read(132)
        if start[128:] != b"DICM":
            packed = start[:2] == b"\x1f\x8b"
            why = "unpack it, it is a gzip file" if packed else "DICM is missing after its first 128 bytes"
            raise _NoPicture(f"{path} is not a DICOM file: {why}")
        dataset = pydicom.dcmread(path)
        if not any(word in dataset for word in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            held = dataset.file_meta.get("MediaStorageSOPClassUID", dataset.get("SOPClassUID"))
            raise _NoPicture(f"{path} holds no picture, but {held.name if held else 'something unnamed'}")
    return dataset


def _require_decoder(dataset, path):
    """Raise an error that says what to install if nothing here can decompress the pixels."""
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_encapsulated:
        return
    if not get_decoder(syntax).is_available:
        raise ValueError(
            f"its pixels are compressed as {syntax.name}, and no installed package decompresses that; "
            "try `pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg`"
        )


def _frames(dataset, stored):
    """Split the stored numbers into frames, in the file's unit."""
    from pydicom.pixels import apply_color_lut

    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    color = stored.shape[-1] == 3 and stored.ndim == 3 + (int(dataset.get("NumberOfFrames") or 1) > 1)
    several = stored.ndim == 3 + color
    return [_frame(dataset, one, i, color) for i, one in enumerate(stored if several else stored[None])]


def _frame(dataset, stored, i, color):
    pixels, unit, window = (stored, "red, green, blue", None) if color else _rescaled(dataset, stored, i)
    spacing = _floats(dataset, "PixelSpacing", i, 2)
    position = _floats(dataset, "ImagePositionPatient", i, 3)
    return _Frame(
        pixels,
        unit,
        tuple(spacing.tolist()) if spacing is not None and (spacing > 0).all() else None,
        _directions(_floats(dataset, "ImageOrientationPatient", i, 6)),
        np.array(position) if position is not None else None,
        window,
        str(dataset.get("SeriesInstanceUID", "")),
    )


def _find(dataset, keyword, frame):
    """Return the value at the top, else of this frame, else of all frames, or None if it is empty."""
    places = [dataset]
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = dataset.get(groups) or []
        item = items[min(frame, len(items) - 1)] if items else ()
        places += [element.value[0] for element in item if element.VR == "SQ" and element.value]
    values = (place.get(keyword) for place in places)
    return next((value for value in values if value not in (None, "")), None)


def _floats(dataset, keyword, frame, length):
    """Return an attribute as an array of `length` finite numbers, or None if it is not that."""
    value = _find(dataset, keyword, frame)
    if value is None:
        return None
    values = np.atleast_1d(np.asarray(value, dtype=float))[: length if length == 1 else None]
    return values if len(values) == length and np.isfinite(values).all() else None


def _rescaled(dataset, stored, frame):
    """Return gray pixels that grow with brightness, their unit and their window."""
    bits = int(dataset.get("BitsStored") or 8 * stored.itemsize)
    low = -(2 ** (bits - 1)) if dataset.get("PixelRepresentation") else 0
    ends = np.array([low, low + 2**bits - 1])
    pixels, unit = _in_unit(dataset, stored, frame), _unit(dataset, frame)
    center, width = (_floats(dataset, f"Window{word}", frame, 1) for word in ("Center", "Width"))
    window = None if center is None or width is None else (float(center[0]), float(width[0]))
    if dataset.get("PhotometricInterpretation") != "MONOCHROME1":
        return pixels, unit, window
    mirror = _in_unit(dataset, ends.astype(stored.dtype), frame).sum()  # the ends of the scale change place
    return mirror - pixels, f"inverted {unit}", window and (float(mirror) - window[0], window[1])


def _in_unit(dataset, stored, frame):
    from pydicom.pixels import apply_modality_lut

    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset).astype(float)
    slope, intercept = (_floats(dataset, f"Rescale{word}", frame, 1) for word in ("Slope", "Intercept"))
    slope, intercept = 1.0 if slope is None else slope[0], 0.0 if intercept is None else intercept[0]
    return stored.astype(float) * slope + intercept


def _unit(dataset, frame):
    """Name the unit: a CT without one is in HU by definition, unless it is a scout view."""
    named = _find(dataset, "RescaleType", frame) or dataset.get("Units")
    scout = "LOCALIZER" in (dataset.get("ImageType") or ())
    if dataset.get("Modality") == "CT" and not named and not scout:
        return "HU" if _find(dataset, "RescaleIntercept", frame) is not None else "arbitrary units"
    return str(named) if named and named != "US" else "arbitrary units"  # US: unspecified


def _directions(cosines):
    """Return the directions as two unit vectors at a right angle, or None if they are something else."""
    if cosines is None:
        return None
    directions = cosines.reshape(2, 3)
    return directions if np.allclose(directions @ directions.T, np.eye(2), atol=0.01) else None


# ---- DICOM: several frames ------------------------------------------------------------------------------


def _read_folder(folder):
    frames = []
    with _remarks() as notes:
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            try:
                frames += _read_file(path)
            except _NoPicture:
                continue
    if not frames:
        raise OSError(f"{folder} holds no DICOM picture (subfolders are not searched)")
    _require_one_volume(frames, folder)
    return _join(frames, folder, notes, volume=len(frames) > 1)._replace(notes=tuple(notes))


def _require_one_volume(frames, folder):
    """Raise OSError unless all frames have the same series, shape, unit, spacing and direction."""
    series = {frame.series for frame in frames}
    if len(series) > 1:
        raise OSError(f"{folder} holds {len(series)} series: put each into a folder of its own")
    for name, values in {
        "shape": {frame.pixels.shape for frame in frames},
        "unit": {frame.unit for frame in frames},
        "spacing": {frame.spacing_mm and tuple(np.round(frame.spacing_mm, 4)) for frame in frames},
        "direction": {str(frame.directions) for frame in frames},
    }.items():
        if len(values) > 1:
            raise OSError(f"the pictures in {folder} are not one volume: their {name} differs")


def _join(frames, path, notes=None, volume=False):
    """Return one `Scan` of the frames: a volume if it must be one or can be one, else in their order."""
    first = frames[0]
    pixels = np.stack([frame.pixels for frame in frames]) if len(frames) > 1 else first.pixels
    axes = "" if first.directions is None else _sides(first.directions[::-1])
    scan = Scan(pixels, first.spacing_mm, first.unit, axes, first.window, ())
    if len(frames) == 1:
        return scan
    try:
        order, distance_mm = _sorted_by_position(frames)
    except ValueError as error:
        if volume:
            raise OSError(f"the pictures in {path} are not one volume: {error}") from error
        return scan
    _note_shear(frames, notes)
    normal = np.cross(*first.directions)
    spacing = first.spacing_mm and (distance_mm, *first.spacing_mm)
    return scan._replace(pixels=pixels[order], spacing_mm=spacing, axes=_sides([normal]) + axes)


def _sorted_by_position(frames):
    """Return the order of the frames along their normal, and the distance in mm between neighbors."""
    if any(frame.position_mm is None or frame.directions is None for frame in frames):
        raise ValueError("a position or a direction is missing")
    normal = np.cross(*frames[0].directions)
    places = np.array([frame.position_mm @ normal for frame in frames])
    distances = np.diff(np.sort(places))
    if distances.min() < UNEVEN_MM:
        raise ValueError("two of them lie at the same place (several echoes, times or series?)")
    if np.ptp(distances) > UNEVEN_MM + 0.01 * distances.mean():
        raise ValueError(
            f"the distance between neighbors is {distances.min():.2f} to {distances.max():.2f} mm "
            "(is a slice missing?)"
        )
    return np.argsort(places), float(distances.mean())


def _note_shear(frames, notes):
    """Note when the slices are not stacked straight, as with a tilted gantry."""
    in_plane = np.array([frame.directions @ frame.position_mm for frame in frames])
    if notes is not None and np.ptp(in_plane, axis=0).max() > 1:
        notes.append("the slices are shifted against each other: the volume is sheared")


def _sides(directions):
    """Return the letter of the side of the patient that each direction points to, most of all."""
    axis = [np.abs(direction).argmax() for direction in directions]
    return "".join(
        ("LPS" if direction[i] > 0 else "RAI")[i] for i, direction in zip(axis, directions, strict=True)
    )


# ---- NIfTI ----------------------------------------------------------------------------------------------


def _load_nifti(path):
    import nibabel

    kinds = nibabel.Nifti1Image, nibabel.Nifti1Pair, nibabel.Nifti2Image, nibabel.Nifti2Pair
    image_type = next((kind for kind in kinds if kind.path_maybe_image(path)[0]), None)
    if image_type is None:
        raise ValueError("it has not the name or the header of a NIfTI file")
    image = image_type.from_filename(path)
    if 3000 <= image.header["intent_code"] < 3100:
        raise ValueError("it is a CIFTI file: surfaces and networks, not a picture")
    kind = image.get_data_dtype().kind
    if kind not in "iuf":
        held = {"c": "complex numbers", "V": "colors"}.get(kind, str(image.get_data_dtype()))
        raise ValueError(f"it holds {held}, and this function reads gray pictures of real numbers")
    if len(image.shape) < 3 or 0 in image.shape:
        raise ValueError(f"its shape is {image.shape}, and a volume has three axes or more")
    return image


def _oriented(image, known):
    """Return the pixels, turned to RAS if the patient's position is known, the spacing in mm, a remark."""
    import nibabel

    image = nibabel.as_closest_canonical(image) if known else image
    unit = image.header.get_xyzt_units()[0]
    in_mm = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}.get(unit, 1.0)
    spacing = tuple(float(size) * in_mm for size in nibabel.affines.voxel_sizes(image.affine))
    if not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise ValueError(f"its spacing is {spacing} mm")
    remark = "the file names no unit of length: mm assumed" if unit == "unknown" else None
    return np.array(image.get_fdata()), spacing, remark
