"""Every loader returns what its docstring says, without a network, or says in one sentence what to do."""

import shutil

import numpy as np
import pytest

from helpers import data


def test_gbsg_has_the_counts_of_the_published_study():
    women = data.gbsg()
    assert len(women) == 686
    assert women["status"].sum() == 299
    assert women["grade"].value_counts().to_dict() == {1: 81, 2: 444, 3: 161}
    assert women["hormon"].sum() == 246


def test_gbsg_has_whole_numbers_a_boolean_event_and_no_gaps():
    women = data.gbsg()
    assert women["status"].dtype == bool
    assert (women.drop(columns="status").dtypes == np.int64).all()
    assert not women.isna().any(axis=None)


def test_gbsg_holds_the_first_women_that_document_003_prints():
    printed = [[49, 0, 18, 2, 2, 0, 0, 0, 1838, 0], [45, 0, 25, 3, 1, 0, 4, 0, 177, 0]]
    rows = data.gbsg().to_numpy(dtype=int).tolist()
    assert all(row in rows for row in printed)


def test_gbsg_is_not_sorted_like_the_file_of_r():
    assert not data.gbsg()["pgr"].is_monotonic_increasing


def test_ct_is_in_hounsfield_units():
    ct = data.ct_slice()
    assert ct.pixels.shape == (128, 128)
    assert ct.pixels.dtype == np.float64
    assert ct.unit == "HU"
    # The file stores numbers from 128 to 2191 and a rescale intercept of -1024.
    assert (ct.pixels.min(), ct.pixels.max()) == (-896, 1167)
    assert ct.spacing_mm == (0.661468, 0.661468)


def test_mr_has_no_physical_unit():
    mr = data.mr_slice()
    assert mr.pixels.shape == (64, 64)
    assert mr.unit == "arbitrary units"
    assert mr.spacing_mm == (0.3125, 0.3125)


def test_retina_is_the_picture_of_scikit_image():
    from skimage.data import retina

    np.testing.assert_array_equal(data.retina(), retina())


@pytest.fixture
def package_folder(tmp_path, monkeypatch):
    """A copy of the two packages' image files that a test may damage."""
    for package, folder in [("pydicom", "data/test_files"), ("skimage", "data")]:
        (tmp_path / package / folder).mkdir(parents=True)
    shutil.copy(data.files("pydicom") / "data/test_files/CT_small.dcm", tmp_path / "pydicom/data/test_files")
    shutil.copy(data.files("skimage") / "data/retina.jpg", tmp_path / "skimage/data")
    monkeypatch.setattr(data, "files", lambda package: tmp_path / package)
    return tmp_path


LOADERS = [
    (data.ct_slice, "pydicom/data/test_files/CT_small.dcm", "pydicom"),
    (data.retina, "skimage/data/retina.jpg", "scikit-image"),
]


@pytest.mark.parametrize(("load", "path", "package"), LOADERS)
def test_an_undamaged_copy_is_read(load, path, package, package_folder):
    load()


@pytest.mark.parametrize(("load", "path", "package"), LOADERS)
def test_a_missing_file_names_the_package_to_install_again(load, path, package, package_folder):
    (package_folder / path).unlink()
    with pytest.raises(
        OSError, match=f"missing from the installed {package}: run `pip install .* {package}`"
    ):
        load()


@pytest.mark.parametrize(("load", "path", "package"), LOADERS)
@pytest.mark.filterwarnings("ignore:.*")  # a damaged file may also warn; the error is what counts here
def test_a_truncated_file_is_refused(load, path, package, package_folder):
    file = package_folder / path
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(OSError, match=f"damaged in the installed {package}: run"):
        load()


def test_gbsg_with_rows_missing_is_refused(monkeypatch):
    import sksurv.datasets

    covariates, outcome = sksurv.datasets.load_gbsg2()
    monkeypatch.setattr(sksurv.datasets, "load_gbsg2", lambda: (covariates[:600], outcome[:600]))
    with pytest.raises(OSError, match=r"GBSG2.arff is damaged .*expected 686 rows"):
        data.gbsg()


def test_loaders_work_without_a_network(monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a loader opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for load in (data.gbsg, data.ct_slice, data.mr_slice, data.retina):
        load()
