"""The patients and images of the book, from the installed packages; `mnist` and `medmnist` on demand."""

import json
import os
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from helpers._download import Unavailable, find


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


class Labeled(NamedTuple):
    """Images and what they show.

    Attributes
    ----------
    images : numpy.ndarray, shape (n, h, w, c), uint8
    labels : numpy.ndarray, shape (n,), int64
        One class for each image; of a set in which an image can show several things at once, (n, k) zeros and
        ones.
    """

    images: np.ndarray
    labels: np.ndarray


class TrainTest(NamedTuple):
    """Images to train and to test on.

    Attributes
    ----------
    train, test : Labeled
    source : str
        Which images these are.
    """

    train: Labeled
    test: Labeled
    source: str


class ImageSet(NamedTuple):
    """A set of MedMNIST.

    Attributes
    ----------
    train, validation, test : Labeled
        Images (n, 28, 28, 1) in gray, or (n, 28, 28, 3) in red, green and blue; 0 to 255.
    label_names : tuple of str
        What class 0, 1, ... is, or what column 0, 1, ... of the labels says.
    task : str
        "binary-class", "multi-class", "ordinal-regression" (classes with an order), or "multi-label,
        binary-class" (labels with a column for each name).
    license : str
        As published by MedMNIST.
    shows : str
        What the images show.
    """

    train: Labeled
    validation: Labeled
    test: Labeled
    label_names: tuple[str, ...]
    task: str
    license: str
    shows: str


class Ecg(NamedTuple):
    """An electrocardiogram.

    Attributes
    ----------
    millivolts : numpy.ndarray, shape (t, leads), float64
    time_ms : numpy.ndarray, shape (t,), float64
        From 0.
    leads : tuple of str
        Names of the columns of `millivolts`.
    """

    millivolts: np.ndarray
    time_ms: np.ndarray
    leads: tuple[str, ...]


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


def gene_expression():
    """Return the tumors of 198 women: 76 genes, four clinical columns, and the time to distant metastases.

    The women had breast cancer that had not spread to lymph nodes, and got no drugs against it. The genes
    are those of a signature that was chosen on other patients and that this study tested (Gene Expression
    Omnibus, GSE7390).

    Returns
    -------
    pandas.DataFrame
        One row for each woman.

        ================ ======= ===========================================================================
        age              float   years
        size_cm          float   diameter of the tumor
        grade            float   1, 2 or 3; the higher, the less the cells look like normal ones; NaN for the
                                 two women whose grade is unknown
        er               bool    True = the tumor has estrogen receptors
        200726_at ...    float   76 columns, one for each probe set of the Affymetrix chip, named as there;
                                 its signal, on a logarithmic scale
        time_days        int     until distant metastases, or until the woman was last known to have none
        event            bool    True = metastases at `time_days`; False = censored: none seen until then
        ================ ======= ===========================================================================

    Raises
    ------
    OSError
        The file inside scikit-survival is missing or damaged.

    References
    ----------
    Desmedt et al. (2007), Clinical Cancer Research 13(11), 3207-3214.
    """
    with _reading("breast_cancer_GSE7390-metastasis.arff", "scikit-survival"):
        from sksurv.datasets import load_breast_cancer

        table, outcome = load_breast_cancer()
        _expect_shape(table, (198, 80))
        grades = {"well differentiated": 1.0, "intermediate": 2.0, "poorly differentiated": 3.0}
        clinical = {
            "age": table["age"],
            "size_cm": table["size"],
            "grade": table["grade"].astype(str).map(grades),  # "unkown" (so the file) becomes NaN
            "er": table["er"] == "positive",
        }
        genes = table.filter(regex="_at$").rename(columns=lambda name: name.removeprefix("X"))
        last = {"time_days": outcome["t.tdm"].astype("int64"), "event": outcome["e.tdm"]}
    return genes.assign(**clinical, **last)[[*clinical, *genes, *last]]


def digits():
    """Return 1,797 handwritten digits of 8 by 8 pixels.

    Each pixel counts the dark dots in a square of 4 by 4 of a scanned digit.

    Returns
    -------
    Labeled
        Images (1797, 8, 8, 1), from 0 (paper) to 16 (ink); labels from 0 to 9.

    Raises
    ------
    OSError
        The file inside scikit-learn is missing or damaged.
    """
    with _reading("digits.csv.gz", "scikit-learn"):
        from sklearn.datasets import load_digits

        bunch = load_digits()
        _expect_shape(bunch.images, (1797, 8, 8))
    return Labeled(bunch.images[..., None].astype(np.uint8), bunch.target.astype(np.int64))


def mnist():
    """Return MNIST, 70,000 handwritten digits of 28 by 28 pixels, or a stand-in and a line that says so.

    The file is the one of ``keras.datasets.mnist``, whose own loader waits without a limit where there is no
    network. It is looked for in the folder that the environment variable ``HELPERS_DATA`` names (as
    ``mnist.npz``), in the cache, in the cache of Keras, and then downloaded (11 MB).

    The stand-in is `digits`, enlarged to 20 by 20 pixels in the middle of 28 by 28, as in MNIST. These digits
    are fewer and smoother: a result on them is no result on MNIST.

    Returns
    -------
    TrainTest
        Images (60000, 28, 28, 1) and (10000, 28, 28, 1), from 0 (paper) to 255 (ink); labels from 0 to 9. Of
        the stand-in, the first 1,500 and the last 297 digits. `source` is "MNIST" or "enlarged digits".

    Raises
    ------
    OSError
        The file in the reader's own folder is damaged.
    """
    keras_home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
    try:
        path = find("mnist.npz", _MNIST_URL, _MNIST_CHECKSUM, also=[f"{keras_home}/datasets/mnist.npz"])
    except Unavailable as error:
        print(
            f"MNIST is not on this computer, and {error.reason}: "
            "scikit-learn's 1,797 digits, enlarged to 28 by 28 pixels, stand in for it."
        )
        return _enlarged_digits()
    names = [("x_train", "y_train"), ("x_test", "y_test")]
    with _opening(path) as archive:
        train, test = (_labeled(archive, images, labels, channels=1, classes=10) for images, labels in names)
    return TrainTest(train, test, "MNIST")


def medmnist(name):
    """Return one of the twelve sets of 2-D images of MedMNIST, at 28 by 28 pixels.

    It is looked for in the folder that the environment variable ``HELPERS_DATA`` names (as
    ``pneumoniamnist.npz``, for example), in the cache, and then downloaded. The versions of 64 pixels and
    more and the 3-D sets are not read.

    Parameters
    ----------
    name : str
        "pathmnist", "chestmnist", "dermamnist", "octmnist", "pneumoniamnist", "retinamnist", "breastmnist",
        "bloodmnist", "tissuemnist", "organamnist", "organcmnist" or "organsmnist".

    Returns
    -------
    ImageSet

    Warns
    -----
    UserWarning
        The file in the reader's own folder is not the published one.

    Raises
    ------
    ValueError
        There is no set of this name.
    helpers.data.Unavailable
        The set is not on this computer, and could not be downloaded. An OSError, which says what to do.
    OSError
        The file in the reader's own folder is damaged.

    References
    ----------
    Yang et al. (2023), Scientific Data 10, 41.
    """
    known = _medmnist_entry(name)
    path = find(f"{str(name).lower()}.npz", known["url"], f"md5:{known['md5']}")
    form = {"channels": known["channels"], "classes": len(known["labels"])}
    columns = len(known["labels"]) if known["task"].startswith("multi-label") else 1
    with _opening(path) as archive:
        parts = [
            _labeled(archive, f"{part}_images", f"{part}_labels", columns=columns, **form)
            for part in ("train", "val", "test")
        ]
    return ImageSet(*parts, tuple(known["labels"]), known["task"], known["license"], known["shows"])


def ct_slice():
    """Return a CT slice of 128 by 128 pixels in Hounsfield units (air -1000, water 0), as a `Slice`.

    It is a part of a larger slice, and shows a vertebra between the two lungs.

    Raises
    ------
    OSError
        The file inside pydicom is missing or damaged.
    """
    return _dicom_slice("CT_small.dcm", (128, 128), unit="HU")


def mr_slice():
    """Return an MR slice of 64 by 64 pixels, whose numbers have no physical unit, as a `Slice`.

    Raises
    ------
    OSError
        The file inside pydicom is missing or damaged.
    """
    return _dicom_slice("MR_small.dcm", (64, 64), unit="arbitrary units")


def ecg():
    """Return ten seconds of an electrocardiogram with twelve leads, as an `Ecg`.

    A thousand values a second, (10000, 12) in all. The device kept frequencies from 0.05 to 300 Hz.

    Raises
    ------
    OSError
        The file inside pydicom is missing or damaged.
    """
    with _reading("waveform_ecg.dcm", "pydicom"):
        dataset = _dicom("waveform_ecg.dcm")
        group = dataset.WaveformSequence[0]  # the second one holds the median beat
        channels = group.ChannelDefinitionSequence
        # pydicom applies each channel's sensitivity, but the unit of the sensitivity is ours to read.
        signal = dataset.waveform_array(0) * [_millivolts(channel) for channel in channels]
        _expect_shape(signal, (10000, 12))
    time_ms = np.arange(len(signal)) * 1000 / float(group.SamplingFrequency)
    names = [channel.ChannelSourceSequence[0].CodeMeaning for channel in channels]  # "Lead I (Einthoven)"
    return Ecg(signal, time_ms, tuple(name.removeprefix("Lead ").split()[0] for name in names))


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
    return _picture("retina.jpg", (1411, 1411, 3))


def microaneurysms():
    """Return a detail of another retina, in which diabetes has widened the smallest vessels to dark dots.

    Returns
    -------
    numpy.ndarray, shape (102, 102), uint8
        The green channel of a color photograph, 0 to 255.

    Raises
    ------
    OSError
        The file inside scikit-image is missing or damaged.
    """
    return _picture("microaneurysms.png", (102, 102))


def stained_tissue():
    """Return a microscope's picture of glands of the colon, where a stain shows a protein.

    Brown (diaminobenzidine) marks the protein FHL2; blue (hematoxylin) marks the nuclei.

    Returns
    -------
    numpy.ndarray, shape (512, 512, 3), uint8
        Red, green and blue, 0 to 255.

    Raises
    ------
    OSError
        The file inside scikit-image is missing or damaged.
    """
    return _picture("ihc.png", (512, 512, 3))


# Of keras.datasets.mnist
_MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_MNIST_CHECKSUM = "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def _enlarged_digits():
    """Return `digits` in the form of MNIST."""
    from scipy.ndimage import zoom

    small, labels = digits()
    middle = zoom(small[..., 0] * (255 / 16), (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True)
    images = np.pad(np.rint(middle).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))[..., None]
    return TrainTest(
        Labeled(images[:1500], labels[:1500]), Labeled(images[1500:], labels[1500:]), "enlarged digits"
    )


def _medmnist_sets():
    return json.loads((files("helpers") / "medmnist.json").read_text(encoding="utf-8"))["sets"]


def _medmnist_entry(name):
    """Return what is known about a set, or say which names come nearest."""
    sets = _medmnist_sets()
    if str(name).lower() in sets:
        return sets[str(name).lower()]
    nearest = get_close_matches(str(name).lower(), sets, n=3, cutoff=0.5) or sets
    raise ValueError(f"name must be a 2-D set of MedMNIST such as {', '.join(nearest)}; received {name!r}")


def _labeled(archive, images_name, labels_name, channels, classes, columns=1):
    """Return images and labels from an open .npz file, with a channel axis, after a look at their form."""
    images, labels = archive[images_name], archive[labels_name]
    shape = (max(len(images), 1), 28, 28) + ((3,) if channels == 3 else ())
    if images.dtype != np.uint8 or images.shape != shape:
        raise ValueError(f"expected {images_name} of {shape} uint8, received {images.shape} {images.dtype}")
    if labels.size != len(images) * columns or len(labels) != len(images) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"expected {labels_name} of {(len(images), columns)} integers, "
            f"received {labels.shape} {labels.dtype}"
        )
    largest = classes - 1 if columns == 1 else 1
    if labels.min() < 0 or labels.max() > largest:
        raise ValueError(
            f"expected {labels_name} from 0 to {largest}, received {labels.min()} to {labels.max()}"
        )
    labels = labels.reshape((-1,) if columns == 1 else (-1, columns)).astype(np.int64)
    return Labeled(images.reshape(-1, 28, 28, channels), labels)


@contextmanager
def _opening(path):
    """Open an .npz file, and turn whatever is wrong with it into one sentence."""
    try:
        # NumPy leaves a damaged file open that it opened itself.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            yield archive
    except Exception as error:
        raise OSError(f"{path} is damaged or no such data set: replace or delete it ({error})") from error


def _picture(name, shape):
    """Return one of scikit-image's own pictures as an array of uint8."""
    with _reading(name, "scikit-image"):
        from PIL import Image

        # Not through skimage.data: when a file is damaged, that one goes to the network.
        with (files("skimage") / "data" / name).open("rb") as file:
            pixels = np.array(Image.open(file))
        _expect_shape(pixels, shape)
    return pixels


def _dicom_slice(name, shape, unit):
    """Return one of pydicom's own test files as a `Slice`, with the rescale slope and intercept applied."""
    with _reading(name, "pydicom"):
        from pydicom.pixels import apply_rescale

        dataset = _dicom(name)
        pixels = apply_rescale(dataset.pixel_array.astype(float), dataset)
        _expect_shape(pixels, shape)
        row_mm, column_mm = map(float, dataset.PixelSpacing)
    return Slice(pixels, (row_mm, column_mm), unit)


def _dicom(name):
    """Return one of pydicom's own test files as pydicom reads it."""
    import pydicom

    with (files("pydicom") / "data" / "test_files" / name).open("rb") as file:
        return pydicom.dcmread(file)


def _millivolts(channel):
    """Return how many millivolts the unit of an ECG channel is."""
    unit = channel.ChannelSensitivityUnitsSequence[0].CodeValue
    if unit not in ("uV", "mV"):
        raise ValueError(f"expected a channel in uV or mV, received {unit}")
    return 0.001 if unit == "uV" else 1.0


def _expect_shape(array, shape):
    if array.shape != shape:
        raise ValueError(f"expected shape {shape}, received {array.shape}")


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
