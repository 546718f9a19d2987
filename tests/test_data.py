"""Every loader returns what its docstring says, without a network, or says in one sentence what to do."""

import hashlib
import json
import math
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

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


def test_ecg_is_in_millivolts_and_milliseconds():
    ecg = data.ecg()
    assert ecg.millivolts.shape == (10000, 12)
    assert ecg.leads == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    np.testing.assert_array_equal(ecg.time_ms, np.arange(10000.0))
    # The file stores 16-bit integers, 1.25 microvolts each.
    dataset = data._dicom("waveform_ecg.dcm")
    stored = np.frombuffer(dataset.WaveformSequence[0].WaveformData, "<i2").reshape(10000, 12)
    np.testing.assert_allclose(ecg.millivolts, stored * 0.00125)


def test_ecg_leads_depend_on_each_other_as_einthoven_and_goldberger_say():
    one, two, three, avr, avl, avf = data.ecg().millivolts.T[:6]
    rounding = 0.005
    np.testing.assert_allclose(two, one + three, atol=rounding)
    np.testing.assert_allclose(avr, -(one + two) / 2, atol=rounding)
    np.testing.assert_allclose(avl, (one - three) / 2, atol=rounding)
    np.testing.assert_allclose(avf, (two + three) / 2, atol=rounding)


@pytest.mark.parametrize(("unit", "millivolts"), [("uV", 0.001), ("mV", 1.0)])
def test_an_ecg_channel_counts_in_its_own_unit(unit, millivolts):
    assert data._millivolts(_channel(unit)) == millivolts


def test_an_ecg_channel_in_another_unit_is_refused():
    with pytest.raises(ValueError, match="expected a channel in uV or mV, received mm"):
        data._millivolts(_channel("mm[Hg]"))


def _channel(unit):
    return SimpleNamespace(ChannelSensitivityUnitsSequence=[SimpleNamespace(CodeValue=unit)])


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (data.retina, "retina"),
        (data.microaneurysms, "microaneurysms"),
        (data.stained_tissue, "immunohistochemistry"),
    ],
)
def test_pictures_are_those_of_scikit_image(load, name):
    import skimage.data

    picture = load()
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, getattr(skimage.data, name)())


def test_digits_are_those_of_scikit_learn_with_a_channel():
    from sklearn.datasets import load_digits

    images, labels = data.digits()
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images.reshape(1797, 64), load_digits().data)
    np.testing.assert_array_equal(labels, load_digits().target)


def test_gene_expression_has_the_counts_of_the_published_study():
    women = data.gene_expression()
    assert women.shape == (198, 4 + 76 + 2)
    assert women["event"].sum() == 51
    assert women["er"].sum() == 134
    assert women["grade"].value_counts().to_dict() == {2: 83, 3: 83, 1: 30}
    assert women["grade"].isna().sum() == 2
    assert women["age"].between(24, 60).all()
    assert women["size_cm"].between(0.6, 5).all()


def test_gene_expression_keeps_each_womans_values_together():
    from sksurv.datasets import load_breast_cancer

    table, outcome = load_breast_cancer()
    women = data.gene_expression()
    genes = women.filter(regex="_at$")
    assert genes.shape == (198, 76)
    np.testing.assert_array_equal(genes["219340_s_at"], table["X219340_s_at"])
    np.testing.assert_array_equal(women["time_days"], outcome["t.tdm"])
    graded = {1: "well differentiated", 2: "intermediate", 3: "poorly differentiated"}
    assert women["grade"].map(graded).fillna("unkown").tolist() == table["grade"].tolist()
    assert women["event"].dtype == women["er"].dtype == bool
    assert women["time_days"].dtype == np.int64
    assert not women.drop(columns="grade").isna().any(axis=None)


LOADERS = [
    (data.ct_slice, "pydicom/data/test_files/CT_small.dcm", "pydicom"),
    (data.mr_slice, "pydicom/data/test_files/MR_small.dcm", "pydicom"),
    (data.ecg, "pydicom/data/test_files/waveform_ecg.dcm", "pydicom"),
    (data.retina, "skimage/data/retina.jpg", "scikit-image"),
    (data.microaneurysms, "skimage/data/microaneurysms.png", "scikit-image"),
    (data.stained_tissue, "skimage/data/ihc.png", "scikit-image"),
]


@pytest.fixture
def package_folder(tmp_path, monkeypatch):
    """A copy of the two packages' files that a test may damage."""
    installed = data.files
    for _, path, _ in LOADERS:
        package, _, inside = path.partition("/")
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(installed(package) / inside, tmp_path / path)
    monkeypatch.setattr(data, "files", lambda package: tmp_path / package)
    return tmp_path


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


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "no image": lambda content: b"<html>Please sign in</html>" * 100,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("load", "path", "package"), LOADERS)
@pytest.mark.filterwarnings("ignore:.*")  # a damaged file may also warn; the error is what counts here
def test_a_damaged_file_is_refused(load, path, package, package_folder, damage):
    file = package_folder / path
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(OSError, match=f"damaged in the installed {package}: run"):
        load()


SWAPS = [
    (data.ct_slice, "pydicom/data/test_files/CT_small.dcm", "pydicom/data/test_files/MR_small.dcm"),
    (data.retina, "skimage/data/retina.jpg", "skimage/data/microaneurysms.png"),
]


@pytest.mark.parametrize(("load", "path", "other"), SWAPS)
def test_an_image_of_another_shape_is_refused(load, path, other, package_folder):
    shutil.copy(package_folder / other, package_folder / path)
    with pytest.raises(OSError, match=r"damaged in .* \(expected shape .*, received .*\)"):
        load()


def test_an_ecg_of_another_length_is_refused(monkeypatch):
    dataset = data._dicom("waveform_ecg.dcm")
    group = dataset.WaveformSequence[0]
    group.NumberOfWaveformSamples = 5000
    group.WaveformData = group.WaveformData[:120_000]
    monkeypatch.setattr(data, "_dicom", lambda _: dataset)
    with pytest.raises(OSError, match=r"waveform_ecg.dcm .*received \(5000, 12\)"):
        data.ecg()


def test_tables_of_another_shape_are_refused(monkeypatch):
    import sklearn.datasets
    import sksurv.datasets

    table, outcome = sksurv.datasets.load_breast_cancer()
    monkeypatch.setattr(sksurv.datasets, "load_breast_cancer", lambda: (table[:100], outcome[:100]))
    with pytest.raises(OSError, match=r"GSE7390.* \(expected shape \(198, 80\), received \(100, 80\)\)"):
        data.gene_expression()
    bunch = sklearn.datasets.load_digits()
    bunch.images = bunch.images[:100]
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: bunch)
    with pytest.raises(OSError, match=r"digits.csv.gz is damaged .*received \(100, 8, 8\)"):
        data.digits()


def test_gbsg_with_rows_missing_is_refused(monkeypatch):
    import sksurv.datasets

    covariates, outcome = sksurv.datasets.load_gbsg2()
    monkeypatch.setattr(sksurv.datasets, "load_gbsg2", lambda: (covariates[:600], outcome[:600]))
    with pytest.raises(OSError, match=r"GBSG2.arff is damaged .*expected 686 rows"):
        data.gbsg()


SETS = json.loads((Path(data.__file__).parent / "medmnist.json").read_text(encoding="utf-8"))["sets"]


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HELPERS_DATA", str(tmp_path))
    return tmp_path


def tiny_set(name, sizes=(5, 3, 4)):
    """The arrays of a MedMNIST file of random images, as many as `sizes` says."""
    rng, known, arrays = np.random.default_rng(0), SETS[name], {}
    color = (3,) if known["channels"] == 3 else ()
    several = known["task"].startswith("multi-label")
    for part, size in zip(("train", "val", "test"), sizes, strict=True):
        arrays[f"{part}_images"] = rng.integers(0, 256, (size, 28, 28, *color), dtype=np.uint8)
        shape, end = ((size, len(known["labels"])), 2) if several else ((size, 1), len(known["labels"]))
        arrays[f"{part}_labels"] = rng.integers(0, end, shape, dtype=np.uint8)
    return arrays


def test_the_table_of_medmnist_has_all_2d_sets():
    assert len(SETS) == 12
    # "approximately 708K", says MedMNIST of this version; the article of 2023 counts 107 images more.
    assert sum(sum(known["samples"].values()) for known in SETS.values()) == 708_069 - 107
    assert {known["license"] for known in SETS.values()} == {"CC BY 4.0", "CC BY-NC 4.0"}
    for name, known in SETS.items():
        assert known["url"].endswith(f"/{name}.npz?download=1")
        assert re.fullmatch("[0-9a-f]{32}", known["md5"])
        assert set(known["samples"]) == {"train", "val", "test"}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_every_2d_set_of_medmnist_is_read(name, own_folder):
    known, arrays = SETS[name], tiny_set(name)
    np.savez(own_folder / f"{name}.npz", **arrays)
    images = data.medmnist(name)
    for part, key, size in zip(images[:3], ("train", "val", "test"), (5, 3, 4), strict=True):
        assert part.images.shape == (size, 28, 28, known["channels"])
        assert part.images.dtype == np.uint8
        np.testing.assert_array_equal(part.images, arrays[f"{key}_images"].reshape(part.images.shape))
        np.testing.assert_array_equal(part.labels, arrays[f"{key}_labels"].squeeze())
        assert part.labels.dtype == np.int64
    assert images.label_names == tuple(known["labels"])
    assert images[-3:] == (known["task"], known["license"], known["shows"])


def test_a_set_of_the_readers_folder_that_is_not_the_published_one_is_used_with_a_warning(own_folder):
    np.savez(own_folder / "breastmnist.npz", **tiny_set("breastmnist"))
    with pytest.warns(UserWarning, match="breastmnist.npz is used, but is not the published file") as warned:
        data.medmnist("BreastMNIST")
    assert warned[0].filename == __file__


def test_a_set_is_downloaded_from_its_address_with_its_checksum(monkeypatch, tmp_path):
    asked = []
    np.savez(tmp_path / "pathmnist.npz", **tiny_set("pathmnist"))
    monkeypatch.setattr(data, "find", lambda *args: asked.append(args) or tmp_path / "pathmnist.npz")
    data.medmnist("pathmnist")
    url = "https://zenodo.org/records/10519652/files/pathmnist.npz?download=1"
    assert asked == [("pathmnist.npz", url, "md5:a8b06965200029087d5bd730944a56c1")]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("pneumonia", "such as pneumoniamnist; received 'pneumonia'"),
        ("ChestXray", "such as chestmnist; received 'ChestXray'"),
        ("organmnist3d", "must be a 2-D set of MedMNIST such as organ.mnist"),
        ("xyz", "such as pathmnist, .*, organsmnist; received 'xyz'"),
        (None, "received None"),
    ],
)
def test_an_unknown_set_is_refused_with_the_nearest_names(name, nearest):
    with pytest.raises(ValueError, match=nearest):
        data.medmnist(name)


def changed(**changes):
    return lambda arrays: {**arrays, **changes}


BAD_SETS = {
    "no validation images": (
        lambda arrays: {k: a for k, a in arrays.items() if k != "val_images"},
        "val_images",
    ),
    "64 pixels": (
        changed(train_images=np.zeros((5, 64, 64), np.uint8)),
        r"expected train_images of \(5, 28, 28\) uint8, received \(5, 64, 64\) uint8",
    ),
    "in color": (changed(test_images=np.zeros((4, 28, 28, 3), np.uint8)), r"received \(4, 28, 28, 3\) uint8"),
    "not bytes": (changed(test_images=np.zeros((4, 28, 28))), r"received \(4, 28, 28\) float64"),
    "no images": (changed(test_images=np.zeros((0, 28, 28), np.uint8)), r"received \(0, 28, 28\) uint8"),
    "one number": (changed(test_images=np.uint8(1)), "unsized object"),
    "too few labels": (
        changed(train_labels=np.zeros((4, 1), np.uint8)),
        r"expected train_labels of \(5, 1\) integers, received \(4, 1\) uint8",
    ),
    "too many columns": (changed(train_labels=np.zeros((5, 2), np.uint8)), r"received \(5, 2\) uint8"),
    "lying labels": (changed(train_labels=np.zeros((1, 5), np.uint8)), r"received \(1, 5\) uint8"),
    "fractions": (changed(train_labels=np.zeros((5, 1))), r"received \(5, 1\) float64"),
    "a third class": (
        changed(train_labels=np.full((5, 1), 2)),
        "expected train_labels from 0 to 1, received 2 to 2",
    ),
    "a class -1": (changed(train_labels=np.full((5, 1), -1)), "from 0 to 1, received -1 to -1"),
    "pickled labels": (changed(train_labels=np.array([None] * 5)), "Object arrays cannot be loaded"),
}


@pytest.mark.parametrize("damage", BAD_SETS)
@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_a_set_of_another_form_is_refused(damage, own_folder):
    change, message = BAD_SETS[damage]
    file = own_folder / "pneumoniamnist.npz"
    np.savez(file, **change(tiny_set("pneumoniamnist")))
    with pytest.raises(OSError, match=f"{file} is damaged or no such data set: replace or .*{message}"):
        data.medmnist("pneumoniamnist")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_a_damaged_set_is_refused(damage, own_folder):
    file = own_folder / "pneumoniamnist.npz"
    np.savez_compressed(file, **tiny_set("pneumoniamnist"))
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(OSError, match=f"{file} is damaged or no such data set: replace or delete it"):
        data.medmnist("pneumoniamnist")


@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_a_single_array_is_no_set(own_folder):
    with (own_folder / "pneumoniamnist.npz").open("wb") as file:
        np.save(file, np.zeros((5, 28, 28), np.uint8))
    with pytest.raises(OSError, match="is damaged or no such data set"):
        data.medmnist("pneumoniamnist")


@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_several_labels_must_be_zeros_and_ones(own_folder):
    arrays = changed(test_labels=np.full((4, 14), 2, np.uint8))(tiny_set("chestmnist"))
    np.savez(own_folder / "chestmnist.npz", **arrays)
    with pytest.raises(OSError, match="expected test_labels from 0 to 1, received 2 to 2"):
        data.medmnist("chestmnist")


REAL = Path(__file__).parents[2] / "shared" / "datasets"


@pytest.mark.skipif(not (REAL / "pneumoniamnist.npz").exists(), reason="the published images are not here")
@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_pneumoniamnist_has_the_published_counts(monkeypatch):
    monkeypatch.setenv("HELPERS_DATA", str(REAL))
    images = data.medmnist("pneumoniamnist")
    assert [len(part.images) for part in images[:3]] == list(SETS["pneumoniamnist"]["samples"].values())
    assert [np.bincount(part.labels).tolist() for part in images[:3]] == [
        [1214, 3494],
        [135, 389],
        [234, 390],
    ]
    assert images.label_names == ("normal", "pneumonia")


def test_mnist_is_looked_for_as_keras_does():
    keras = Path(find_spec("keras").origin).parent / "src" / "datasets" / "mnist.py"
    source = keras.read_text(encoding="utf-8")
    folder, _, file = data._MNIST_URL.rpartition("/")
    assert f"{folder}/" in source
    assert file == "mnist.npz"
    assert data._MNIST_CHECKSUM.removeprefix("sha256:") in source


def tiny_mnist():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "y_train": np.array([0, 1, 9, 3, 4, 5], np.uint8),
        "x_test": rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "y_test": np.array([7, 8], np.uint8),
    }


def test_mnist_is_read_from_the_cache_of_keras(tmp_path, monkeypatch, capsys):
    file = tmp_path / "datasets" / "mnist.npz"
    file.parent.mkdir()
    np.savez(file, **tiny_mnist())
    monkeypatch.delenv("HELPERS_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("helpers._download._cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(data, "_MNIST_CHECKSUM", f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")
    train, test, source = data.mnist()
    assert source == "MNIST"
    assert train.images.shape == (6, 28, 28, 1)
    np.testing.assert_array_equal(test.images[..., 0], tiny_mnist()["x_test"])
    np.testing.assert_array_equal(train.labels, tiny_mnist()["y_train"])
    assert train.labels.dtype == np.int64
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_a_damaged_mnist_of_the_reader_is_refused(own_folder):
    np.savez(own_folder / "mnist.npz", **{**tiny_mnist(), "y_test": np.array([7, 10])})
    with pytest.raises(OSError, match="expected y_test from 0 to 9, received 7 to 10"):
        data.mnist()


@pytest.fixture
def no_mnist(monkeypatch):
    def fail(*_, **__):
        raise data.Unavailable("a long message", "the connection to example.org failed")

    monkeypatch.setattr(data, "find", fail)


def test_without_mnist_one_line_says_what_stands_in_for_it(no_mnist, capfd):
    assert data.mnist().source == "enlarged digits"
    assert capfd.readouterr() == (
        "MNIST is not on this computer, and the connection to example.org failed: "
        "scikit-learn's 1,797 digits, enlarged to 28 by 28 pixels, stand in for it.\n",
        "",
    )


def test_the_stand_in_has_the_form_of_mnist(no_mnist):
    train, test, _ = data.mnist()
    small, labels = data.digits()
    images = np.concatenate([train.images, test.images])
    assert train.images.shape == (1500, 28, 28, 1)
    assert test.images.shape == (297, 28, 28, 1)
    assert images.dtype == np.uint8
    assert images.max() == 255
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), labels)
    assert not images[:, :4].any()
    assert not images[:, :, -4:].any()
    # Enlarging keeps how much ink there is, and where: five rows of the large image are two of the small.
    ink = images[:, 4:24, 4:24, 0] / 255
    assert len(np.unique(ink)) > 17  # values between the 17 of the small images
    assert ink.mean() == pytest.approx(small.mean() / 16, rel=0.01)
    rows = ink.reshape(-1, 4, 5, 20).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(rows, small.reshape(-1, 4, 2, 8).mean(axis=(0, 2, 3)) / 16, atol=0.02)


def test_loaders_work_without_a_network(monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a loader opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    tables = [data.gbsg, data.gbsg_document_split, data.gene_expression, data.digits]
    for load in [*tables, *(load for load, _, _ in LOADERS)]:
        load()


PAGE = (Path(__file__).parents[1] / "book" / "appendix" / "data-cards.md").read_text(encoding="utf-8")


def card(title):
    """The card of a data set: the page from its heading to the next one."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def assert_says(title, *phrases):
    for phrase in phrases:
        assert phrase in card(title), f"the card on {title} does not say {phrase!r}"


def test_every_card_answers_the_same_questions():
    for title in re.findall("^## (.*)", PAGE, re.MULTILINE):
        for question in ("Loader", "What", "Consent", "License", "Not for", "Cite"):
            assert f"- **{question}:**" in card(title), f"the card on {title} lacks {question}"
        assert "nown flaws" in card(title)


def test_every_loader_has_a_card():
    loaders = {name for name in re.findall("^def ([a-z]\\w*)", Path(data.__file__).read_text("utf-8"), re.M)}
    assert loaders == set(re.findall(r"`helpers\.data\.(\w+)\(", PAGE))


def test_cards_of_the_women_agree_with_the_loaders():
    women, events = data.gbsg(), data.gbsg()["status"].sum()
    assert_says(
        "German Breast Cancer Study Group, trial 2",
        f"{len(women)} women",
        f"{events} women with an event, {len(women) - events} censored",
    )
    women = data.gene_expression()
    genes, events = women.filter(regex="_at$").shape[1], women["event"].sum()
    assert_says(
        "Gene expression, GSE7390",
        f"{len(women)} women",
        f"{genes} genes",
        f"{events} women with metastases, {len(women) - events} censored",
        f"the grade of {women['grade'].isna().sum()} women is unknown",
        f"With {events} events, {women.shape[1] - 2} covariates",
    )


def test_card_of_the_masses_agrees_with_scikit_learn():
    from sklearn.datasets import load_breast_cancer

    masses = load_breast_cancer()
    malignant, benign = np.bincount(masses.target)
    assert_says(
        "Breast masses, Wisconsin",
        f"{len(masses.data)} fine needle aspirates",
        f"{masses.data.shape[1]} features",
        f"{malignant} malignant, {benign} benign",
        f"codes {masses.target_names[0]} as 0 and {masses.target_names[1]} as 1",
    )


def test_cards_of_single_images_agree_with_the_loaders():
    slices = [data.ct_slice().pixels, data.mr_slice().pixels]
    assert_says("CT slice and MR slice", *("{} by {} pixels".format(*pixels.shape) for pixels in slices))
    assert_says("Retina", "{} by {} pixels".format(*data.retina().shape))
    assert_says("Microaneurysms", "{} by {} pixels".format(*data.microaneurysms().shape))
    assert_says("Stained tissue", "{} by {} pixels".format(*data.stained_tissue().shape))
    ecg = data.ecg()
    seconds = len(ecg.time_ms) * (ecg.time_ms[1] - ecg.time_ms[0]) / 1000
    assert_says("Electrocardiogram", f"{len(ecg.leads)} leads, {seconds:.0f} seconds")


def test_the_ct_is_cut_out_of_a_larger_slice():
    header = data._dicom("CT_small.dcm")
    full = round(float(header.ReconstructionDiameter) / float(header.PixelSpacing[0]))
    assert_says("CT slice and MR slice", f"cut out of a slice of {full} by {full} pixels")


def test_headers_still_say_what_the_cards_warn_of():
    for name in ("CT_small.dcm", "MR_small.dcm"):
        header = data._dicom(name)
        assert str(header.PatientName).startswith("CompressedSamples")
        assert header.InstitutionName
        assert header.StudyDate
    header = data._dicom("waveform_ecg.dcm")
    assert header.PatientName == "Anonymous"
    assert header.PatientBirthDate
    assert header.PatientID
    assert header.InstitutionName


def test_cards_of_the_digits_agree_with_the_loaders(no_mnist):
    images, labels = data.digits()
    counts = np.bincount(labels)
    assert_says(
        "Digits",
        f"{len(images):,} handwritten digits of 8 by 8 pixels",
        f"from {images.min()} to {images.max()}",
        f"each {counts.min()} to {counts.max()} times",
    )
    train, test, _ = data.mnist()
    assert_says("MNIST", f"{len(train.images):,} digits to train and {len(test.images)} to test")


def test_the_table_of_medmnist_on_the_page_is_the_one_of_the_loader():
    for name, known in SETS.items():
        sizes = " | ".join(f"{size:,}" for size in known["samples"].values())
        row = f"| `{name}` | {known['shows']} | {known['task']} | {len(known['labels'])} | {sizes} |"
        assert_says("MedMNIST", row)
    assert card("MedMNIST").count("\n| `") == len(SETS)
    assert [name for name, known in SETS.items() if known["license"] != "CC BY 4.0"] == ["dermamnist"]


def test_the_card_of_pneumoniamnist_agrees_with_its_table():
    train, validation, test = SETS["pneumoniamnist"]["samples"].values()
    assert_says(
        "PneumoniaMNIST",
        f"{train + validation + test:,} images; 0 is normal, 1 is pneumonia",
        f"{train:,} to train, {validation:,} to validate, {test:,} to test",
    )
    assert SETS["pneumoniamnist"]["labels"] == ["normal", "pneumonia"]


@pytest.mark.skipif(not (REAL / "pneumoniamnist.npz").exists(), reason="the published images are not here")
@pytest.mark.filterwarnings("ignore:.*is not the published file")
def test_the_card_of_pneumoniamnist_agrees_with_its_images(monkeypatch):
    monkeypatch.setenv("HELPERS_DATA", str(REAL))
    train, validation, test = (
        f"{part.labels.mean():.1%}"[:-1] for part in data.medmnist("pneumoniamnist")[:3]
    )
    assert_says(
        "PneumoniaMNIST",
        f"{train} % of the training set, {validation} % of the validation set and {test} % of the test set",
    )
