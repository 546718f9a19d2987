"""The extensions of the build: notebooks run when they must and only then, and no link is invented."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_ext"))
import execution
import repository

COST = {"execution_seconds": 1.0, "cpu_seconds": 0.5, "peak_mib": 50.0}


def notebook(path, source):
    """Write a notebook with one code cell."""
    cell = nbformat.v4.new_code_cell(source, id="only")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build of two notebooks that counts executions instead of starting kernels."""
    runs = []

    def fake(path, timeout):
        runs.append(path.stem)
        return nbformat.read(path, 4), dict(COST)

    monkeypatch.setattr(execution, "execute", fake)
    for name in ("a", "b"):
        notebook(tmp_path / f"{name}.ipynb", f"name = '{name}'")
    config = SimpleNamespace(nb_execution_cache_path=str(tmp_path / "cache"), nb_execution_timeout=10)
    app = SimpleNamespace(outdir=str(tmp_path / "html"), config=config)
    env = SimpleNamespace(found_docs={"a", "b"}, doc2path=lambda name: str(tmp_path / f"{name}.ipynb"))

    def run():
        runs.clear()
        execution.run_stale_notebooks(app, env, [])
        return list(runs)

    return SimpleNamespace(run=run, folder=tmp_path, app=app)


def test_an_unchanged_notebook_does_not_run_again(build):
    assert build.run() == ["a", "b"]
    assert build.run() == []


def test_only_the_notebook_whose_code_changed_runs_again(build):
    build.run()
    notebook(build.folder / "b.ipynb", "1 + 2")
    assert build.run() == ["b"]


def test_the_budget_is_written_for_every_notebook_also_when_cached(build):
    build.run()
    build.run()
    assert json.loads((build.folder / "budget.json").read_text()) == {"a": COST, "b": COST}


def test_a_failing_notebook_leaves_nothing_in_the_cache(build, monkeypatch):
    def fail(path, timeout):
        raise execution.CellExecutionError("traceback", "ValueError", "no")

    monkeypatch.setattr(execution, "execute", fail)
    build.run()
    assert build.app.book_budget == {}


def test_the_key_follows_helpers_and_constraints(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "ROOT", tmp_path)
    (tmp_path / "helpers").mkdir()
    keys = {execution.execution_key()}
    for name in ("helpers/conv.py", "helpers/book.mplstyle", "constraints.txt"):
        (tmp_path / name).write_text("changed")
        keys.add(execution.execution_key())
    assert len(keys) == 4


def test_a_new_key_makes_a_new_cache_and_drops_the_old_one(tmp_path):
    old = tmp_path / ".jupyter_cache" / "old"
    old.mkdir(parents=True)
    config = SimpleNamespace()
    execution.use_cache_of_this_state(SimpleNamespace(outdir=str(tmp_path / "html")), config)
    assert not old.exists()
    assert config.nb_execution_cache_path == str(tmp_path / ".jupyter_cache" / execution.execution_key())


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ({"execution_seconds": 62.0, "cpu_seconds": 61.0}, "a: 61 s is over the budget of 60 s"),
        ({"peak_mib": 1600.0}, "a: 1600 MiB is over the budget of 1536 MiB"),
    ],
)
def test_a_notebook_over_its_budget_is_a_warning(cost, message, monkeypatch):
    warnings = []
    monkeypatch.setattr(execution.logger, "warning", lambda text, **_: warnings.append(text))
    execution.warn_if_over("a", COST | cost)
    assert warnings == [message]


@pytest.mark.parametrize(
    "cost",
    [
        {"execution_seconds": 60.0, "cpu_seconds": 110.0, "peak_mib": 1536.0},  # two cores at work
        {"execution_seconds": 90.0, "cpu_seconds": 50.0},  # it waited for other programs
    ],
)
def test_a_notebook_within_its_budget_is_none(cost, monkeypatch):
    monkeypatch.setattr(execution.logger, "warning", lambda *_, **__: pytest.fail("a warning"))
    execution.warn_if_over("a", COST | cost)


def test_peak_memory_counts_what_was_freed_again(tmp_path):
    notebook(tmp_path / "a.ipynb", "b = bytearray(400 * 2**20)\ndel b")
    ran, cost = execution.execute(tmp_path / "a.ipynb", timeout=60)
    assert 400 < cost["peak_mib"] < 600
    assert 0 < cost["cpu_seconds"]
    assert len(ran.cells) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://github.com/owner/book.git", "https://github.com/owner/book"),
        ("https://user:secret@github.com/owner/book", "https://github.com/owner/book"),
        ("git@github.com:owner/book.git\n", "https://github.com/owner/book"),
        ("ssh://git@gitlab.com/owner/book.git", "https://gitlab.com/owner/book"),
        ("/home/reader/book", ""),
        ("../book", ""),
        ("https://localhost/owner/book", ""),
        ("https://github.com.example.org/owner/book", ""),
        ("", ""),
    ],
)
def test_only_a_public_forge_is_an_address(address, public):
    assert repository.public_address(address) == public


def test_without_an_address_no_link_is_shown(monkeypatch):
    monkeypatch.delenv("BOOK_REPOSITORY_URL", raising=False)
    monkeypatch.setattr(repository, "origin", lambda: "/some/folder")
    config = SimpleNamespace(html_theme_options={"search_bar_text": "Search"})
    repository.show_links(None, config)
    assert config.html_theme_options == {"search_bar_text": "Search"}


def test_the_address_from_the_environment_is_shown(monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "https://git.example.org/owner/book/")
    config = SimpleNamespace(html_theme_options={})
    repository.show_links(None, config)
    assert config.html_theme_options["repository_url"] == "https://git.example.org/owner/book"
    assert config.html_theme_options["use_edit_page_button"]
