"""The project's own files agree: one list of dependencies, one set of versions, one range of Pythons."""

import ast
import copy
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
obstacle = runpy.run_path(str(ROOT / ".ci" / "preflight.py"))["obstacle"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text("pyproject.toml"))["project"]
PYTHONS = SpecifierSet(PROJECT["requires-python"])
PINS = [Requirement(line) for line in text("constraints.txt").splitlines() if line and line.strip()[0] != "#"]


def direct_dependencies():
    extras = PROJECT["optional-dependencies"]
    return [Requirement(line) for line in sum(extras.values(), PROJECT["dependencies"])]


def pinned(name):
    """Return the versions of a package in constraints.txt."""
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(name)]
    return [str(pin.specifier).removeprefix("==") for pin in pins]


# ---- Dependencies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dependency", direct_dependencies(), ids=lambda dependency: dependency.name)
def test_a_direct_dependency_is_pinned_within_its_range(dependency):
    versions = pinned(dependency.name)
    assert versions
    assert all(dependency.specifier.contains(version) for version in versions)


def test_every_constraint_pins_one_version():
    assert all(re.fullmatch(r"==[\w.+!]+", str(pin.specifier)) for pin in PINS)
    assert not any(pin.extras or pin.url for pin in PINS)


def test_environment_installs_the_project_with_its_extras_and_constraints():
    environment = yaml.safe_load(text("environment.yml"))
    *packages, pip = environment["dependencies"]
    python = next(package.partition("=")[2] for package in packages if package.startswith("python="))
    assert PYTHONS.contains(f"{python}.0")
    assert {package.partition("=")[0] for package in packages} == {"python", "make", "pip"}
    extras = ",".join(PROJECT["optional-dependencies"])
    assert pip == {"pip": ["-c constraints.txt", f"-e .[{extras}]"]}
    assert f'-c constraints.txt -e ".[{extras}]"' in text("Makefile")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml"])
def test_no_address_of_an_index_is_written_down(name):
    assert not re.search(r"://|index[-_]url|find[-_]links|trusted[-_]host", text(name))


def test_pre_commit_uses_the_pinned_versions():
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    revisions = {hook["repo"].rsplit("/", 1)[-1].removesuffix("-pre-commit"): hook["rev"] for hook in hooks}
    assert revisions.keys() == {"ruff", "nbstripout"}
    assert {name: [revision.removeprefix("v")] for name, revision in revisions.items()} == {
        name: pinned(name) for name in revisions
    }


def test_the_hook_strips_outputs_and_keeps_the_names_of_cells(tmp_path):
    hooks = [
        hook for repo in yaml.safe_load(text(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]
    ]
    (arguments,) = (hook["args"] for hook in hooks if hook["id"] == "nbstripout")
    before = json.loads(text("tests/fixtures/green.ipynb"))
    notebook = copy.deepcopy(before)
    output = {"output_type": "stream", "name": "stdout", "text": "1"}
    notebook["cells"][2] |= {"execution_count": 1, "outputs": [output]}
    (tmp_path / "ran.ipynb").write_text(json.dumps(notebook))
    subprocess.run(
        [Path(sys.executable).parent / "nbstripout", *arguments, tmp_path / "ran.ipynb"], check=True
    )
    assert json.loads((tmp_path / "ran.ipynb").read_text()) == before


# ---- Machines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (((3, 11, 0), "Linux", "x86_64", 64), ""),
        (((3, 13, 9), "Linux", "aarch64", 64), ""),
        (((3, 12, 1), "Darwin", "arm64", 64), ""),
        (((3, 12, 1), "Windows", "AMD64", 64), ""),
        (((2, 7, 18), "Linux", "x86_64", 64), "this is Python 2.7"),
        (((3, 10, 14), "Linux", "x86_64", 64), "this is Python 3.10"),
        (((3, 14, 0), "Linux", "x86_64", 64), "this is Python 3.14"),
        (((3, 12, 1), "Darwin", "x86_64", 64), "no wheel for this machine (Darwin, x86_64, 64-bit)"),
        (((3, 12, 1), "Linux", "riscv64", 64), "no wheel for this machine (Linux, riscv64, 64-bit)"),
        (((3, 12, 1), "Windows", "AMD64", 32), "no wheel for this machine (Windows, amd64, 32-bit)"),
        (((3, 12, 1), "FreeBSD", "amd64", 64), "no wheel for this machine (FreeBSD, amd64, 64-bit)"),
    ],
)
def test_a_machine_that_cannot_run_the_book_is_told_why(machine, reason):
    said = obstacle(*machine)
    assert reason in said
    assert bool(said) == bool(reason)
    assert "\n" not in said


@pytest.mark.parametrize("minor", range(9, 16))
def test_preflight_and_makefile_accept_the_pythons_of_pyproject(minor):
    wanted = PYTHONS.contains(f"3.{minor}.0")
    assert (obstacle((3, minor, 0), "Linux", "x86_64", 64) == "") == wanted
    low, high = re.search(
        r"\((3, \d+)\) <= sys.version_info\[:2\] <= \((3, \d+)\)", text("Makefile")
    ).groups()
    assert (ast.literal_eval(low) <= (3, minor) <= ast.literal_eval(high)) == wanted


def test_preflight_names_the_tensorflow_that_is_pinned():
    said = obstacle((3, 12, 0), "Linux", "riscv64", 64)
    assert {version.rpartition(".")[0] for version in pinned("tensorflow")} == {
        re.search(r"TensorFlow ([\d.]+)", said)[1]
    }


def test_preflight_can_be_read_by_an_old_python():
    tree = ast.parse(text(".ci/preflight.py"), feature_version=(3, 4))
    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.arg)
    found = [node for node in ast.walk(tree) if isinstance(node, new)]
    assert all(isinstance(node, ast.arg) and node.annotation is None for node in found)


@pytest.mark.skipif(shutil.which("make") is None or sys.platform == "win32", reason="needs make and a shell")
@pytest.mark.parametrize("target", ["book", "test"])
def test_make_stops_with_one_sentence_on_an_old_python(target, tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt", ".ci/preflight.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    old = tmp_path / "python3.9"
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 0); runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$@"\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "--silent", f"PYTHON={old}", target],
        cwd=tmp_path,
        # Not as a child of the make that runs these tests: it would say make[1].
        env={
            name: value
            for name, value in os.environ.items()
            if name not in {"MAKELEVEL", "MAKEFLAGS", "MFLAGS"}
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    sentence, make_says = done.stderr.splitlines()
    assert sentence.startswith("The book needs Python 3.11, 3.12 or 3.13, and this is Python 3.9:")
    assert make_says.startswith("make: ***")
    assert not (tmp_path / ".venv").exists()
