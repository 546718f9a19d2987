"""Every loader returns what its docstring says, without a network, or says in one sentence what to do."""

import math
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


def test_gbsg_is_not_sorted_like_the_file_of_r():
    assert not data.gbsg()["pgr"].is_monotonic_increasing


class RGenerator:
    """What R 3.6 and later draw after ``set.seed(seed)``: Mersenne Twister, and `sample` by rejection."""

    def __init__(self, seed):
        def scrambled():
            nonlocal seed
            seed = (69069 * seed + 1) % 2**32
            return seed

        for _ in range(51):  # 50 to warm up, and one for a place that Mersenne Twister does not use
            scrambled()
        key = np.array([scrambled() for _ in range(624)], dtype=np.uint32)
        self.twister = np.random.MT19937()
        self.twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624}}

    def runif(self):
        return self.twister.random_raw() / 2**32

    def index(self, n):
        """A number below n: as many bits as n needs, 16 from each draw, and again until they are below n."""
        bits = math.ceil(math.log2(n))
        while True:
            value = 0
            for _ in range(bits // 16 + 1):
                value = 65536 * value + math.floor(65536 * self.runif())
            if value % 2**bits < n:
                return value % 2**bits

    def sample(self, values, size):
        values, drawn = list(values), []
        for _ in range(size):
            place = self.index(len(values))
            drawn.append(values[place])
            values[place] = values[-1]
            values.pop()
        return drawn


class OldRGenerator(RGenerator):
    """The same before R 3.6, where `sample` rounds one number down."""

    def index(self, n):
        return math.floor(n * self.runif())


def test_the_generators_of_this_file_draw_what_r_draws():
    generator = RGenerator(123)
    np.testing.assert_allclose([generator.runif(), generator.runif()], [0.2875775, 0.7883051], atol=5e-8)
    assert RGenerator(123).sample(range(1, 11), 10) == [3, 10, 2, 8, 6, 9, 1, 7, 5, 4]
    assert RGenerator(42).sample(range(1, 11), 10) == [1, 5, 10, 8, 2, 4, 6, 9, 7, 3]
    assert OldRGenerator(123).sample(range(1, 11), 10) == [3, 8, 4, 7, 6, 1, 10, 9, 2, 5]


@pytest.mark.parametrize(("column", "kind"), [("set", RGenerator), ("set_before_r36", OldRGenerator)])
def test_the_documents_split_is_the_one_that_its_program_draws(column, kind):
    generator, rows = kind(123), range(1, 687)
    train = generator.sample(rows, int(0.7 * 686))
    validation = generator.sample([row for row in rows if row not in train], int(0.15 * 686))
    split = data.gbsg_document_split().set_index("r_row")[column]
    assert sorted(split.index[split == "train"]) == sorted(train)
    assert sorted(split.index[split == "validation"]) == sorted(validation)
    assert (split.drop([*train, *validation]) == "test").all()


def test_the_documents_split_has_a_line_for_each_woman():
    split = data.gbsg_document_split()
    assert sorted(split["r_row"]) == list(range(1, 687))
    for column, events in [("set", 43), ("set_before_r36", 53)]:
        assert split[column].value_counts().to_dict() == {"train": 480, "validation": 102, "test": 104}
        assert data.gbsg()["status"][split[column] == "test"].sum() == events


def test_rows_of_r_begin_as_document_003_prints_them_and_are_sorted_by_pgr():
    in_r = data.gbsg().iloc[np.argsort(data.gbsg_document_split()["r_row"])]
    printed = {
        "age": [49, 55, 56, 45, 65, 48, 48, 37, 67, 45],
        "meno": [0, 1, 1, 0, 1, 0, 0, 0, 1, 0],
        "size": [18, 20, 40, 25, 30, 52, 21, 20, 20, 30],
        "grade": [2, 3, 3, 3, 2, 2, 3, 2, 2, 2],
        "nodes": [2, 16, 3, 1, 5, 11, 8, 9, 1, 1],
        "pgr": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "er": [0, 0, 0, 4, 36, 0, 0, 0, 0, 0],
        "hormon": [0, 0, 0, 0, 1, 0, 0, 1, 1, 0],
        "rfstime": [1838, 403, 1603, 177, 1855, 842, 293, 42, 564, 1093],
        "status": [0, 1, 0, 0, 0, 1, 1, 0, 1, 1],  # str() numbers the two levels of a factor from 1
    }
    assert {name: column.astype(int).tolist() for name, column in in_r[:10].items()} == printed
    assert in_r["pgr"].is_monotonic_increasing


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
    for load in (data.gbsg, data.gbsg_document_split, data.ct_slice, data.mr_slice, data.retina):
        load()
