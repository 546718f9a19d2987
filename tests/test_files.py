"""A file reads as its standard says, or one sentence says why not: tried on all files of two libraries."""

import gzip
import shutil
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from helpers import data, files

DICOM = Path(pydicom.__file__).parent / "data"
SERIES = DICOM / "test_files" / "dicomdirtests"
NIFTI = Path(nibabel.__file__).parent
JPEG_LS = pydicom.pixels.get_decoder("1.2.840.10008.1.2.4.80")  # whose package would read more files
# Of the test files that pydicom 3.0.2 and nibabel 5.4.2 bring along
READ_DICOM = {"read": 99, "no picture": 82, "another kind, or damaged": 136}
READ_NIFTI = {"read": 7, "another kind, or damaged": 310}


def sample(name):
    return DICOM / "test_files" / name


def library_files():
    """The test files of pydicom and nibabel, without Python's own."""
    of_pydicom = [path for path in DICOM.rglob("*") if path.is_file()]
    of_nibabel = [path for path in NIFTI.rglob("tests/data/*") if path.is_file()]
    return [path for path in of_pydicom + of_nibabel if path.suffix not in (".py", ".pyc")]


def outcome(read, path):
    """Whether the file was read, has no picture, or cannot be read; any other error is a crash."""
    try:
        scan = read(path)
    except OSError as error:
        says = str(error)
    else:
        assert scan.pixels.size > 0
        assert scan.spacing_mm is None or min(scan.spacing_mm) > 0
        return "read"
    assert str(path) in says
    assert len(says) > len(str(path)) + 20
    return "no picture" if "holds no picture" in says else "another kind, or damaged"


@pytest.mark.parametrize(
    ("read", "library", "version", "expected"),
    [
        (files.read_dicom, pydicom, "3.0.2", READ_DICOM),
        (files.read_nifti, nibabel, "5.4.2", READ_NIFTI),
    ],
    ids=["dicom", "nifti"],
)
def test_every_file_of_pydicom_and_nibabel_reads_or_says_why_not(read, library, version, expected):
    counts = Counter(outcome(read, path) for path in library_files())
    assert counts["read"] >= expected["read"]
    if library.__version__ == version and not JPEG_LS.is_available:
        assert counts == expected


# ----- one DICOM file -----


def ct(stored=((0, 1024), (2048, 4095)), **attributes):
    """A small CT slice that lies as patients do, with rows toward the back and columns toward the left."""
    stored = np.array(stored, dtype=np.uint16)
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Modality, dataset.SeriesInstanceUID = "CT", "1.2.3"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelSpacing, dataset.ImageOrientationPatient = [0.5, 0.75], [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [0, 0, 0]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = stored.tobytes()
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def read(tmp_path):
    """Write the dataset to a file and read it."""

    def write_and_read(dataset):
        dataset.save_as(tmp_path / "picture.dcm", enforce_file_format=True)
        return files.read_dicom(tmp_path / "picture.dcm")

    return write_and_read


@pytest.mark.parametrize(("name", "load"), [("CT_small.dcm", data.ct_slice), ("MR_small.dcm", data.mr_slice)])
def test_a_file_gives_the_slice_that_the_chapters_use(name, load):
    scan, expected = files.read_dicom(sample(name)), load()
    np.testing.assert_array_equal(scan.pixels, expected.pixels)
    assert scan[1:3] == expected[1:3]
    assert scan.axes == "PL"


def test_slope_and_intercept_make_hounsfield_units(read):
    scan = read(ct(RescaleSlope=2, RescaleIntercept=-1000))
    np.testing.assert_array_equal(scan.pixels, [[-1000, 1048], [3096, 7190]])
    assert (scan.unit, scan.spacing_mm, scan.notes) == ("HU", (0.5, 0.75), ())


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({}, "HU"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "arbitrary units"),
        ({"RescaleIntercept": None, "RescaleSlope": None}, "arbitrary units"),
        ({"Modality": "MR"}, "arbitrary units"),
        ({"Modality": "CR", "RescaleType": "OD"}, "OD"),
        ({"Modality": "CR", "RescaleType": "US"}, "arbitrary units"),
        ({"Modality": "PT", "Units": "BQML"}, "BQML"),
    ],
    ids=["CT", "scout", "no intercept", "MR", "density", "unspecified", "PET"],
)
def test_only_a_ct_slice_is_in_hounsfield_units_without_saying_so(read, attributes, unit):
    assert read(ct(**attributes)).unit == unit


def test_monochrome1_is_turned_so_that_larger_is_brighter(read):
    scan = read(
        ct(PhotometricInterpretation="MONOCHROME1", Modality="CR", WindowCenter=1000, WindowWidth=500)
    )
    np.testing.assert_array_equal(scan.pixels, [[3071, 2047], [1023, -1024]])  # -1024 ... 3071, turned
    assert scan.unit == "inverted arbitrary units"
    assert scan.window == (1047, 500)  # what was 1000 below the mirror is 1000 above it


def test_a_table_replaces_slope_and_intercept(read):
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [3, 0, 16], "US"
    table.add_new("LUTData", "US", [7, 5, 9])
    none = {"RescaleSlope": None, "RescaleIntercept": None}
    scan = read(ct([[0, 1], [2, 4]], ModalityLUTSequence=Sequence([table]), Modality="CR", **none))
    np.testing.assert_array_equal(scan.pixels, [[7, 5], [9, 9]])


def test_the_first_of_several_windows_is_returned(read):
    assert read(ct(WindowCenter=[40, -600], WindowWidth=[400, 1500])).window == (40, 400)
    assert read(ct(WindowCenter="", WindowWidth="")).window is None


@pytest.mark.parametrize(
    ("cosines", "axes"),
    [
        ([1, 0, 0, 0, 1, 0], "PL"),
        ([-1, 0, 0, 0, 1, 0], "PR"),
        ([0, 1, 0, 0, 0, -1], "IP"),  # sagittal
        ([1, 0, 0, 0, 0, -1], "IL"),  # coronal
        ([0.8, 0.6, 0, -0.6, 0.8, 0], "PL"),  # oblique
        ([0, 0, 0, 0, 0, 0], ""),
        ([1, 0, 0, 1, 0, 0], ""),  # no right angle
        (None, ""),
    ],
)
def test_axes_name_the_side_of_the_patient(read, cosines, axes):
    assert read(ct(ImageOrientationPatient=cosines)).axes == axes


@pytest.mark.parametrize("spacing", [None, [0, 0.5], ""])
def test_spacing_that_is_missing_or_impossible_is_none(read, spacing):
    assert read(ct(PixelSpacing=spacing)).spacing_mm is None


def test_spacing_at_the_detector_is_not_spacing_in_the_patient(read):
    assert read(ct(PixelSpacing=None, ImagerPixelSpacing=[0.1, 0.1])).spacing_mm is None


@pytest.mark.parametrize("name", ["RLE", "jp2klossless", "bigendian", "implicit", "expb"])
def test_lossless_compression_and_byte_order_change_no_number(name):
    scan = files.read_dicom(sample(f"MR_small_{name}.dcm"))
    np.testing.assert_array_equal(scan.pixels, data.mr_slice().pixels)


def test_color_keeps_its_integers():
    scan = files.read_dicom(sample("SC_rgb_small_odd.dcm"))
    assert (scan.pixels.shape, scan.pixels.dtype, scan.unit) == ((3, 3, 3), np.uint8, "red, green, blue")


def test_a_palette_becomes_colors():
    scan = files.read_dicom(sample("examples_palette.dcm"))
    assert scan.pixels.shape == (350, 800, 3)


def test_three_gray_columns_are_no_colors(read):
    assert read(ct(np.zeros((2, 3)))).pixels.dtype == float


def test_color_frames_stay_in_order():
    scan = files.read_dicom(sample("examples_ybr_color.dcm"))
    assert scan.pixels.shape == (30, 240, 320, 3)


def test_what_pydicom_warns_of_is_in_the_notes():
    assert "excess padding" in files.read_dicom(sample("MR_small_padded.dcm")).notes[0]


# ----- what cannot be read -----


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("README.txt", "is not a DICOM file"),
        ("zipMR.gz", "gzip"),
        ("rtplan.dcm", "holds no picture, but RT Plan Storage"),
        ("dicomdirtests/DICOMDIR", "holds no picture, but Media Storage Directory"),
        ("MR_small_jpeg_ls_lossless.dcm", "compressed as JPEG-LS .*pip install pylibjpeg"),
        ("MR_truncated.dcm", "less than expected"),
        ("JPEG-lossy.dcm", "12-bit"),
        ("meta_missing_tsyntax.dcm", "Transfer Syntax"),
        ("not-there.dcm", "does not exist"),
    ],
)
def test_the_error_says_what_is_wrong(name, says):
    if "JPEG" in name.upper() and JPEG_LS.is_available:
        pytest.skip("another decoder is installed")
    with pytest.raises(OSError, match=says):
        files.read_dicom(sample(name))


@pytest.mark.parametrize("name", ["CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm"])
@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.9])
def test_a_truncated_file_raises_oserror(tmp_path, name, share):
    whole = sample(name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(OSError, match=name):
        files.read_dicom(tmp_path / name)


@pytest.mark.parametrize("name", ["CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "rtdose.dcm"])
def test_damaged_bytes_raise_oserror_or_are_read(tmp_path, name):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(sample(name).read_bytes(), np.uint8)
    counts = Counter()
    for _ in range(30):
        damaged = whole.copy()
        places = rng.integers(132, min(len(whole), 6000), size=20)  # most of them in the header
        damaged[places] = rng.integers(0, 256, size=20)
        (tmp_path / name).write_bytes(damaged.tobytes())
        counts[outcome(files.read_dicom, tmp_path / name)] += 1
    assert counts.total() == 30
    assert len(counts) > 1


def test_rows_that_the_pixels_do_not_fill_raise_oserror(tmp_path):
    ct(Rows=300).save_as(tmp_path / "short.dcm", enforce_file_format=True)
    with pytest.raises(OSError, match="less than expected"):
        files.read_dicom(tmp_path / "short.dcm")


# ----- volumes -----


def write_series(folder, heights_mm, **attributes):
    """Slices whose pixels are their height in mm, in files whose names say nothing about the order."""
    for number, height in enumerate(heights_mm):
        own = {key: value[number] for key, value in attributes.items()}
        place = {"ImagePositionPatient": [0, 0, height], "RescaleIntercept": 0, **own}
        dataset = ct(np.full((2, 3), height), **place)
        dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def test_slices_are_sorted_toward_the_head(tmp_path):
    scan = files.read_dicom(write_series(tmp_path, [6, 0, 9, 3]))
    np.testing.assert_array_equal(scan.pixels[:, 0, 0], [0, 3, 6, 9])
    assert (scan.axes, scan.spacing_mm) == ("SPL", (3, 0.5, 0.75))


def test_a_real_series_becomes_a_volume():
    scan = files.read_dicom(SERIES / "98892001" / "CT5N")
    assert (scan.pixels.shape, scan.axes, scan.unit) == ((5, 16, 16), "SPL", "HU")
    np.testing.assert_allclose(scan.spacing_mm, (2.5, 0.488281, 0.488281))


def test_sagittal_slices_are_sorted_along_their_own_normal(tmp_path):
    positions = [[x, 0, 0] for x in (4, 0, 2)]
    sagittal = [[0, 1, 0, 0, 0, -1]] * 3
    folder = write_series(
        tmp_path, [4, 0, 2], ImagePositionPatient=positions, ImageOrientationPatient=sagittal
    )
    scan = files.read_dicom(folder)
    assert scan.axes == "RIP"
    np.testing.assert_array_equal(scan.pixels[:, 0, 0], [4, 2, 0])  # toward the right: x shrinks


def test_files_without_a_picture_are_skipped(tmp_path):
    write_series(tmp_path, [0, 3])
    (tmp_path / "notes.txt").write_text("no picture")
    shutil.copy(sample("rtplan.dcm"), tmp_path)
    assert files.read_dicom(tmp_path).pixels.shape == (2, 2, 3)


def test_a_folder_with_one_picture_gives_that_picture(tmp_path):
    assert files.read_dicom(write_series(tmp_path, [7])).pixels.shape == (2, 3)


def test_a_truncated_slice_is_not_skipped(tmp_path):
    write_series(tmp_path, [0, 3, 6])
    (tmp_path / "1.dcm").write_bytes((tmp_path / "1.dcm").read_bytes()[:-6])
    with pytest.raises(OSError, match=r"1\.dcm cannot be read"):
        files.read_dicom(tmp_path)


@pytest.mark.parametrize(
    ("heights", "attributes", "says"),
    [
        ([0, 3, 9], {}, "3.00 to 6.00 mm .* missing"),
        ([0, 3, 3], {}, "same place"),
        ([0, 3], {"SeriesInstanceUID": ["1.2", "1.3"]}, "2 series"),
        ([0, 3], {"PixelSpacing": [[1, 1], [2, 2]]}, "spacing differs"),
        ([0, 3], {"Modality": ["CT", "MR"]}, "unit differs"),
        (
            [0, 3],
            {"ImageOrientationPatient": [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]]},
            "direction differs",
        ),
        ([0, 3], {"ImagePositionPatient": [None, [0, 0, 3]]}, "position or a direction is missing"),
    ],
    ids=["gap", "twice", "two series", "spacing", "unit", "direction", "no position"],
)
def test_pictures_that_are_not_one_volume_raise_oserror(tmp_path, heights, attributes, says):
    with pytest.raises(OSError, match=says):
        files.read_dicom(write_series(tmp_path, heights, **attributes))


def test_slices_of_different_shapes_are_not_one_volume(tmp_path):
    write_series(tmp_path, [0])
    ct(np.zeros((4, 4)), ImagePositionPatient=[0, 0, 3]).save_as(tmp_path / "b.dcm", enforce_file_format=True)
    with pytest.raises(OSError, match="shape differs"):
        files.read_dicom(tmp_path)


def test_a_tilted_gantry_is_noted(tmp_path):
    positions = [[0, 2 * i, 3 * i] for i in range(3)]
    scan = files.read_dicom(write_series(tmp_path, [0, 3, 6], ImagePositionPatient=positions))
    assert "sheared" in scan.notes[0]
    assert scan.spacing_mm[0] == 3


def test_an_empty_folder_raises_oserror(tmp_path):
    with pytest.raises(OSError, match="holds no DICOM picture"):
        files.read_dicom(tmp_path)


def enhanced(heights_mm):
    """A multi-frame file: spacing and direction shared by all frames, position and slope of their own."""

    def group(**macros):
        item = Dataset()
        for name, attributes in macros.items():
            inner = Dataset()
            for keyword, value in attributes.items():
                setattr(inner, keyword, value)
            setattr(item, name, Sequence([inner]))
        return item

    shared = group(
        PixelMeasuresSequence={"PixelSpacing": [2, 1]},
        PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        FrameVOILUTSequence={"WindowCenter": 40, "WindowWidth": 400},
    )
    frames = [
        group(
            PlanePositionSequence={"ImagePositionPatient": [0, 0, height]},
            PixelValueTransformationSequence={
                "RescaleSlope": 1 + i,
                "RescaleIntercept": 0,
                "RescaleType": "HU",
            },
        )
        for i, height in enumerate(heights_mm)
    ]
    absent = ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope")
    return ct(
        np.ones((len(heights_mm), 2, 3)),
        NumberOfFrames=len(heights_mm),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        RescaleIntercept=None,
        **dict.fromkeys(absent),
    )


def test_frames_with_positions_of_their_own_become_a_volume(read):
    scan = read(enhanced([5, 0, 10]))
    np.testing.assert_array_equal(scan.pixels[:, 0, 0], [2, 1, 3])  # slopes of the frames at 0, 5 and 10 mm
    assert (scan.spacing_mm, scan.axes, scan.unit, scan.window) == ((5, 2, 1), "SPL", "HU", (40, 400))


def test_frames_at_one_place_stay_in_the_files_order(read):
    scan = read(enhanced([0, 0, 0]))
    np.testing.assert_array_equal(scan.pixels[:, 0, 0], [1, 2, 3])
    assert (scan.spacing_mm, scan.axes) == ((2, 1), "PL")


# ----- NIfTI -----


@pytest.fixture
def nifti(tmp_path):
    """Write voxels and an affine to a file, with the two codes that say whether the affine counts."""

    def write(voxels, affine, code=1, unit="mm", name="brain.nii", **header):
        image = nibabel.Nifti1Image(voxels, affine)
        image.set_sform(affine, code)
        image.set_qform(affine, code)
        image.header.set_xyzt_units(unit)
        for key, value in header.items():
            image.header[key] = value
        nibabel.save(image, tmp_path / name)
        return tmp_path / name

    return write


VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def test_voxels_are_turned_to_right_front_head(nifti):
    scan = files.read_nifti(nifti(VOXELS, np.diag([-2.0, 3, -4, 1])))
    np.testing.assert_array_equal(scan.pixels, VOXELS[::-1, :, ::-1])
    assert (scan.spacing_mm, scan.axes, scan.notes) == ((2, 3, 4), "RAS", ())


def test_axes_are_swapped_with_their_spacing(nifti):
    affine = np.array([[0, 0, 4.0, 0], [2, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1]])  # stored as A, S, R
    scan = files.read_nifti(nifti(VOXELS, affine))
    np.testing.assert_array_equal(scan.pixels, VOXELS.transpose(2, 0, 1))
    assert scan.spacing_mm == (4, 2, 3)


def test_without_an_orientation_left_and_right_are_unknown(nifti):
    scan = files.read_nifti(nifti(VOXELS, np.diag([-2.0, 3, 4, 1]), code=0))
    np.testing.assert_array_equal(scan.pixels, VOXELS)
    assert (scan.axes, scan.spacing_mm) == ("", (2, 3, 4))


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001)])
def test_spacing_is_converted_to_millimeters(nifti, unit, factor):
    scan = files.read_nifti(nifti(VOXELS, np.eye(4), unit=unit))
    np.testing.assert_allclose(scan.spacing_mm, [factor] * 3)


def test_a_missing_unit_is_noted():
    assert "mm assumed" in files.read_nifti(NIFTI / "tests/data/standard.nii.gz").notes[0]


def test_scale_factors_are_applied(nifti):
    scan = files.read_nifti(nifti(VOXELS.astype(float) / 7, np.eye(4)))
    np.testing.assert_allclose(scan.pixels, VOXELS / 7)
    assert scan.pixels.dtype == float


def test_time_stays_the_last_axis():
    assert files.read_nifti(NIFTI / "tests/data/functional.nii").pixels.shape == (17, 21, 3, 20)


@pytest.mark.parametrize(
    ("voxels", "says"),
    [
        (VOXELS * 1j, "complex numbers"),
        (np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]), "colors"),
        (np.zeros((2, 2), dtype=np.int16), "three axes"),
    ],
    ids=["complex", "color", "flat"],
)
def test_other_pictures_in_nifti_are_refused(nifti, voxels, says):
    with pytest.raises(OSError, match=says):
        files.read_nifti(nifti(voxels, np.eye(4)))


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
def test_a_truncated_nifti_raises_oserror(tmp_path, nifti, share):
    whole = nifti(VOXELS, np.eye(4)).read_bytes()
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes(gzip.compress(whole)[: int(share * len(gzip.compress(whole)))])
    with pytest.raises(OSError, match="cut.nii.gz"):
        files.read_nifti(cut)
    (tmp_path / "cut.nii").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(OSError, match="cut.nii"):
        files.read_nifti(tmp_path / "cut.nii")


def test_a_missing_nifti_raises_filenotfounderror(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        files.read_nifti(tmp_path / "brain.nii.gz")
