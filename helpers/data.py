"""The patients and images of the book, read from files that come with the installed packages."""

from contextlib import contextmanager
from importlib.resources import files
from typing import NamedTuple

import numpy as np


class Slice(NamedTuple):
    """One slice of a scan.

    Attributes
    ----------
    pixels : numpy.ndarray, shape (h, w), float64
        In `unit`.
    spacing_mm : tuple of float
        Distance between the centers of neighboring rows, then of neighboring columns, in mm.
    unit : str
        What a pixel's number counts, short enough for a color bar.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, float]
    unit: str


def gbsg():
    """Return the 686 women of the German Breast Cancer Study Group's trial 2.

    All had breast cancer that had spread to lymph nodes. The trial followed 720 women after surgery; these
    are the ones without missing values. Of the 720, 473 were randomized (to tamoxifen or none, and to three
    or six cycles of chemotherapy); the others chose their treatment.

    Returns
    -------
    pandas.DataFrame
        One row for each woman, columns as in R's ``survival::gbsg``, whose rows are sorted by `pgr`; here
        they are not.

        ========= ====== ==============================================================================
        age       int    years
        meno      int    1 = after menopause, 0 = before
        size      int    diameter of the tumor, mm
        grade     int    1, 2 or 3; the higher, the less the cells look like normal ones
        nodes     int    number of lymph nodes with tumor
        pgr       int    progesterone receptor, fmol/l (so R's page; assays of the time counted fmol per mg
                         of protein)
        er        int    estrogen receptor, the same unit
        hormon    int    1 = received hormonal therapy (tamoxifen)
        rfstime   int    days until recurrence or death, or until the woman was last known to be free of both
        status    bool   True = recurrence or death at `rfstime`; False = censored: none seen until then
        ========= ====== ==============================================================================

    Raises
    ------
    OSError
        The file inside scikit-survival is missing or damaged.

    References
    ----------
    Schumacher et al. (1994), Journal of Clinical Oncology 12(10), 2086-2093. On the women who chose: Schmoor,
    Olschewski and Schumacher (1996), Statistics in Medicine 15(3), 263-271.
    """
    with _reading("GBSG2.arff", "scikit-survival"):
        from sksurv.datasets import load_gbsg2

        covariates, outcome = load_gbsg2()
        if covariates.shape != (686, 8):
            raise ValueError(f"expected 686 rows of 8 covariates, received {covariates.shape}")
        women = covariates.assign(
            meno=covariates["menostat"] == "Post",
            grade=covariates["tgrade"].map({"I": 1, "II": 2, "III": 3}),
            hormon=covariates["horTh"] == "yes",
            rfstime=outcome["time"],
        ).rename(columns={"tsize": "size", "pnodes": "nodes", "progrec": "pgr", "estrec": "er"})
    columns = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon", "rfstime"]
    return women[columns].astype("int64").assign(status=outcome["cens"].astype(bool))


def gbsg_document_split():
    """Return which of the 686 women document 003 trained, validated and tested on.

    The document draws its sets in R, after ``set.seed(123)``, so that they can be drawn again with R's
    generator (Mersenne Twister) and the rows in the order of today's ``survival::gbsg``. Two assumptions are
    not proved. The author's file had the same order: its first ten rows, which the document prints, have it,
    though it had no column `pid`. And the author's R was not older than 3.6, which changed how `sample`
    draws; the AUC that the document reports fits both ways.

    Returns
    -------
    pandas.DataFrame
        One row for each woman, in the order of `gbsg`.

        ============== ==== =====================================================================
        r_row          int  her row in R's file, from 1
        set            str  "train" (480 women), "validation" (102) or "test" (104), in R 3.6 and
                            later
        set_before_r36 str  the same in older R
        ============== ==== =====================================================================
    """
    import pandas as pd

    with (files("helpers") / "gbsg_document_split.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def ct_slice():
    """Return a CT slice of 128 by 128 pixels in Hounsfield units (air -1000, water 0), as a `Slice`.

    Raises
    ------
    OSError
        The file inside pydicom is missing or damaged.
    """
    return _dicom_slice("CT_small.dcm", unit="HU")


def mr_slice():
    """Return an MR slice of 64 by 64 pixels, whose numbers have no physical unit, as a `Slice`.

    Raises
    ------
    OSError
        The file inside pydicom is missing or damaged.
    """
    return _dicom_slice("MR_small.dcm", unit="arbitrary units")


def retina():
    """Return a color photograph of a retina.

    Returns
    -------
    numpy.ndarray, shape (1411, 1411, 3), uint8
        Red, green and blue, 0 to 255.

    Raises
    ------
    OSError
        The file inside scikit-image is missing or damaged.
    """
    with _reading("retina.jpg", "scikit-image"):
        from PIL import Image

        # Not skimage.data.retina(): when its file is damaged, that one goes to the network.
        with (files("skimage") / "data" / "retina.jpg").open("rb") as file:
            return np.array(Image.open(file))


def _dicom_slice(name, unit):
    """Return one of pydicom's own test files as a `Slice`, with the rescale slope and intercept applied."""
    with _reading(name, "pydicom"):
        import pydicom

        with (files("pydicom") / "data" / "test_files" / name).open("rb") as file:
            dataset = pydicom.dcmread(file)
        stored = dataset.pixel_array.astype(float)
        row_mm, column_mm = map(float, dataset.PixelSpacing)
    pixels = stored * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
    return Slice(pixels, (row_mm, column_mm), unit)


@contextmanager
def _reading(name, package):
    """Turn whatever goes wrong while `name` is read into one sentence that says what to do."""
    try:
        yield
    except Exception as error:
        state = "missing from" if isinstance(error, FileNotFoundError) else "damaged in"
        raise OSError(
            f"{name} is {state} the installed {package}: "
            f"run `pip install --force-reinstall --no-deps {package}` and try again ({error})"
        ) from error
