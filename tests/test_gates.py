"""Every gate is red when it must be: a broken example in `fixtures/` fails, for its reason and no other."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import book_rules as rules
import nbformat
import pytest
import test_book
import yaml

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "fixtures"
GREEN = FIXTURES / "green.ipynb"
KEYS = rules.bibliography_keys((FIXTURES / "references.bib").read_text())
BROKEN_PAGES = yaml.safe_load((FIXTURES / "rules.yml").read_text(encoding="utf-8"))


def make_command(words):
    """Return the command in the Makefile that contains `words`, as a list of arguments."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = (line for line in makefile.splitlines() if words in line and line.startswith("\t"))
    command = re.split(r" [0-9&]?>", line.strip().lstrip("@"))[0]
    return shlex.split(command.replace("$(BIN)", Path(sys.executable).parent.as_posix()))


def environment(**values):
    """Return the environment for a command as a user types it, without what this test run has set."""
    ours = {"MPLBACKEND", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "BOOK_REPOSITORY_URL"}
    return {name: value for name, value in os.environ.items() if name not in ours} | values


# ---- The rules for pages --------------------------------------------------------------------------------


def broken_page(case):
    """Build the page that a case of rules.yml describes."""
    if "page" in case:
        return rules.markdown_page("page", case["page"])
    page = rules.read(GREEN, FIXTURES)
    page.name = case.get("name", page.name)
    page.notebook.nbformat_minor = case.get("nbformat_minor", 5)
    page.notebook.metadata = nbformat.from_dict(case.get("metadata", page.notebook.metadata))
    changes = case.get("cells", {})
    assert changes.keys() <= {cell.id for cell in page.notebook.cells}
    page.notebook.cells = [cell for cell in page.notebook.cells if changes.get(cell.id, cell) is not None]
    for cell in page.notebook.cells:
        change = changes.get(cell.id, {})
        cell.update(nbformat.from_dict({"source": change} if isinstance(change, str) else change))
    return page


def case_name(case):
    return f"{case['rule']}: {case['says'][:40]}"


def test_the_green_chapter_keeps_all_rules():
    assert rules.problems(rules.read(GREEN, FIXTURES), KEYS) == {}


@pytest.mark.parametrize("case", BROKEN_PAGES, ids=case_name)
def test_a_broken_page_breaks_its_rule_and_no_other(case):
    assert rules.problems(broken_page(case), KEYS) == {case["rule"]: [case["says"]]}


def test_every_rule_has_a_broken_page():
    named = {rule.__name__ for rule in rules.PAGE_RULES + rules.NOTEBOOK_RULES + rules.CHAPTER_RULES}
    assert {case["rule"] for case in BROKEN_PAGES} == named | {"citations_are_known"}


def test_a_page_of_the_appendix_need_not_be_a_chapter():
    page = rules.read(GREEN, FIXTURES)
    page.name = "appendix/green"
    page.notebook.cells = [cell for cell in page.notebook.cells if cell.id not in ("question", "exercise")]
    assert rules.problems(page, KEYS) == {}


def test_the_test_of_the_book_fails_on_a_broken_page(tmp_path, monkeypatch):
    monkeypatch.setattr(test_book, "BOOK", tmp_path)
    shutil.copy(FIXTURES / "references.bib", tmp_path)
    notebook = nbformat.read(GREEN, as_version=4)
    nbformat.write(notebook, tmp_path / "green.ipynb")
    test_book.test_a_page_keeps_the_rules(tmp_path / "green.ipynb")
    notebook.cells[0].source = "# A title"
    nbformat.write(notebook, tmp_path / "green.ipynb")
    with pytest.raises(AssertionError, match="^it_opens_with_a_question: no question box"):
        test_book.test_a_page_keeps_the_rules(tmp_path / "green.ipynb")


def test_the_test_of_the_book_finds_every_page(tmp_path):
    for page in ("index.md", "cnn/convolution.ipynb", "cnn/deep/er.md"):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).touch()
    for other in ("_build/page.md", ".ipynb_checkpoints/a.ipynb", "cnn/.ipynb_checkpoints/a.ipynb", "a.py"):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in rules.page_files(tmp_path)]
    assert found == ["cnn/convolution.ipynb", "cnn/deep/er.md", "index.md"]
    assert rules.page_files(test_book.BOOK) == test_book.FILES != []


TOC = """
root: index
parts:
- chapters:
  - file: setup
  - file: cnn/convolution
    sections:
    - file: cnn/a
"""


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["index", "setup", "cnn/convolution", "cnn/a"], []),
        (["index", "setup", "cnn/convolution", "cnn/a", "cnn/b"], ["cnn/b is not in the toc"]),
        (["index", "setup", "cnn/convolution"], ["cnn/a is in the toc and not in the book"]),
    ],
)
def test_the_toc_and_the_folder_must_agree(names, says):
    assert rules.toc_lists_every_page_once(TOC, names) == says


def test_the_toc_lists_no_page_twice():
    names = rules.toc_entries(TOC)
    twice = TOC + "- chapters:\n  - file: setup\n"
    assert rules.toc_lists_every_page_once(twice, names) == ["setup is in the toc 2 times"]


@pytest.mark.parametrize(
    ("bib", "says"),
    [
        ("@book{a, doi = {10.1/x}}\n@article{b,\n  doi={10.1/y}}", []),
        ("@book{a, year = 1984}\n@article{A, year = 1985}", ["a is in references.bib 2 times"]),
        ("@book{a, doi = {10.1/x}}\n@book{b, DOI = {10.1/X}}", ["10.1/x is in references.bib 2 times"]),
    ],
)
def test_a_reference_stands_in_the_bibliography_once(bib, says):
    assert rules.bibliography_has_no_duplicates(bib) == says


@pytest.mark.parametrize("chapters", [[], ["cnn/a"], ["gbsg/b", "cnn/a"], ["cnn/a", "gbsg/b", "cnn/c"]])
def test_the_readme_must_list_the_chapters_in_their_order(chapters):
    readme = (
        "`x/y`\n## The chapters\n| part | chapter |\n|--|--|\n| CNN | `cnn/a` | ? |\n| | `gbsg/b` | ? |\n"
    )
    assert rules.readme_maps_the_chapters(readme, ["cnn/a", "gbsg/b"]) == []
    assert len(rules.readme_maps_the_chapters(readme, chapters)) == 1


# ---- The run of the notebooks ---------------------------------------------------------------------------

RED_CELLS = {
    "raises": "ZeroDivisionError: division by zero",
    "raises-nothing": "The cell raised nothing, expected ValueError",
    "raises-another-exception": "The cell raised KeyError, expected ValueError",
    "raises-an-unnamed-exception": "its metadata do not name the exception under raises",
    "is-skipped-without-a-reason": "is skipped, and its metadata give no skip_reason",
    "is-skipped-by-a-comment": "is skipped, and its metadata give no skip_reason",
    "is-skipped-in-the-book": "is skipped, and its metadata give no skip_reason",
    "has-a-stored-output": "The cell has a stored output or an execution count",
    "warns": "wrote to stderr: .*UserWarning: deprecated",
    "logs-from-c": "wrote to stderr: I0000 a log line",
    "draws-without-alt-text": "The cell shows a picture without alt text",
    "connects-to-another-machine": "Network is unreachable: 192.0.2.1 is outside",
}


def run_notebooks(names, folder, *options):
    """Copy notebooks to `folder` and run them as `make test` does.

    Returns {notebook: {"Cell 0", "Cell 1", ... or "kernel": message}} with an entry for every failure.
    """
    for name in names:
        shutil.copy(FIXTURES / f"{name}.ipynb", folder)
    command = make_command("--nbval-lax")
    assert command.pop() == "book"
    command += [
        "-c",
        ROOT / "pyproject.toml",
        "--rootdir",
        folder,
        "--color=no",
        "--junitxml=report.xml",
        "-n",
        "0",
    ]
    subprocess.run([*command, *options, "."], cwd=folder, env=environment(), capture_output=True, check=False)
    failures = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        messages = [(bad.text or "") for bad in case if bad.tag in ("failure", "error")]
        notebook = failures.setdefault(case.get("classname").removesuffix(".ipynb"), {})
        notebook |= {case.get("name"): re.sub(r"#x1B\[\d*m", "", text) for text in messages}
    return failures


def test_a_broken_cell_fails_for_its_reason_and_a_good_notebook_passes(tmp_path):
    failures = run_notebooks(
        ["green", "run/cells", "run/takes-too-much-memory"], tmp_path,
        "--notebook-mib=300", "--disable-socket", "--allow-hosts=127.0.0.1",
    )  # fmt: skip
    cells = nbformat.read(FIXTURES / "run" / "cells.ipynb", as_version=4).cells
    reasons = {f"Cell {i}": RED_CELLS[cell.id] for i, cell in enumerate(cells) if cell.id in RED_CELLS}
    assert len(reasons) == len(RED_CELLS)
    assert failures.pop("green") == {}
    assert_failed_for(failures.pop("cells"), reasons | {"kernel": "wrote to stderr: I0000 a late log line"})
    too_much = {"kernel": "Peak memory .* MiB is over the limit of 300 MiB"}
    assert_failed_for(failures.pop("takes-too-much-memory"), too_much)
    assert failures == {}


def test_a_cell_that_hangs_fails_also_when_it_catches_the_interrupt(tmp_path):
    names = ["run/hangs", "run/hangs-and-catches-the-interrupt"]
    failures = run_notebooks(names, tmp_path, "--nbval-cell-timeout=2")
    assert_failed_for(failures["hangs"], {"Cell 0": "Timeout of 2 seconds exceeded executing cell"})
    caught = {"Cell 0": "The cell ran into its time limit, and the interrupt did not fail it"}
    assert_failed_for(failures["hangs-and-catches-the-interrupt"], caught)


def assert_failed_for(failures, reasons):
    """Check that exactly the items in `reasons` failed, each with its reason in the message."""
    assert failures.keys() == reasons.keys()
    for item, reason in reasons.items():
        assert re.search(reason, failures[item]), f"{item}: expected {reason!r} in\n{failures[item]}"


def test_make_test_limits_the_time_of_a_cell():
    (limit,) = (word for word in make_command("--nbval-lax") if word.startswith("--nbval-cell-timeout="))
    assert float(limit.partition("=")[2]) <= 120


# ---- Without a network ----------------------------------------------------------------------------------

CONNECT = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=2)"  # an address nobody has


def offline(*command, **values):
    command = [ROOT / ".ci" / "offline", *command]
    return subprocess.run(command, env=environment(**values), capture_output=True, text=True, check=False)


@pytest.fixture
def namespace():
    if "No network namespace" in offline("true").stderr:
        pytest.skip("this machine allows no network namespace; there pytest-socket blocks the tests")


@pytest.mark.usefixtures("namespace")
def test_offline_leaves_loopback_and_nothing_else():
    interfaces = offline(sys.executable, "-c", "import socket; print(socket.if_nameindex())")
    assert interfaces.stdout == "[(1, 'lo')]\n"
    outside = offline(sys.executable, "-c", CONNECT)
    assert outside.returncode != 0
    assert "Network is unreachable" in outside.stderr


def test_offline_passes_the_exit_code_on():
    assert offline("true").returncode == 0
    assert offline("sh", "-c", "exit 3").returncode == 3


def test_offline_without_a_namespace_blocks_tests_and_kernels_instead(tmp_path):
    refuse = tmp_path / "unshare"
    refuse.write_text("#!/bin/sh\nexit 1\n")
    refuse.chmod(0o755)
    shutil.copy(refuse, tmp_path / "sudo")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    shown = offline("sh", "-c", "echo $PYTEST_ADDOPTS", PATH=path)
    # The run of the broken notebooks above takes the same option; there the kernel's connection fails.
    assert "--disable-socket" in shown.stdout
    assert "--allow-hosts=127.0.0.1" in shown.stdout
    assert "No network namespace here" in shown.stderr


def test_ci_always_tests_offline():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^.*\bmake (?:test|book)\b.*$", script, re.M) == [
        ".ci/offline make book",
        ".ci/offline make test",
    ]


# ---- The build of the book ------------------------------------------------------------------------------


RED_PAGES = {
    "raises.ipynb": "Executing notebook failed: CellExecutionError",
    "unknown-reference.md": "undefined label: 'fig-nowhere'",
    "unknown-target.md": "'envvar' reference target not found: NOWHERE",  # only with -n
    "unknown-citation.md": 'could not find bibtex key "nobody1900"',
    "green.ipynb": "green: .* MiB is over the budget of 1 MiB",
}


@pytest.fixture
def small_book(tmp_path):
    """A book of the good chapter and the broken pages, with the real configuration and extensions."""
    for name in ("_config.yml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    book = tmp_path / "book"
    shutil.copytree(FIXTURES / "red-book", book)
    for name in ("green.ipynb", "references.bib"):
        shutil.copy(FIXTURES / name, book)
    for folder in (ROOT / "book").glob("_*/"):
        shutil.copytree(folder, book / folder.name)
    chapters = [{"file": Path(page).stem} for page in RED_PAGES]
    (book / "_toc.yml").write_text(
        yaml.safe_dump({"format": "jb-book", "root": "index", "chapters": chapters})
    )
    (tmp_path / "_build").mkdir()  # for the log of `make book`
    return tmp_path


def test_broken_pages_fail_the_build_each_time_and_nothing_else_does(small_book):
    command = make_command("jupyter-book build")
    for _ in range(2):  # without --all the second build reads no page, and passes
        done = subprocess.run(
            command,
            cwd=small_book,
            env=environment(BOOK_MIB="1"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        warnings = re.findall(r"^.*(?:WARNING|ERROR|CRITICAL): .*$", done.stderr, re.M)
        found = [re.search(r"/([\w-]+\.(?:md|ipynb))(?::\d+)?: WARNING: (.*)", line) for line in warnings]
        assert all(found), done.stderr
        assert {match[1] for match in found} == RED_PAGES.keys()
        for page, reason in RED_PAGES.items():
            assert any(match[1] == page and re.match(reason, match[2]) for match in found), done.stderr
