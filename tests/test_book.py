"""The book keeps its own rules: `book_rules.py` says what they are."""

from pathlib import Path

import book_rules as rules
import pytest

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
FILES = rules.page_files(BOOK)


def name(path):
    return path.relative_to(BOOK).as_posix()


def keys():
    return rules.bibliography_keys((BOOK / "references.bib").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_page_keeps_the_rules(path):
    problems = rules.problems(rules.read(path, BOOK), keys())
    assert not problems, "\n".join(f"{rule}: {'; '.join(says)}" for rule, says in problems.items())


def test_the_toc_lists_every_page_once():
    names = [name(path.with_suffix("")) for path in FILES]
    assert not rules.toc_lists_every_page_once((BOOK / "_toc.yml").read_text(encoding="utf-8"), names)


def test_the_bibliography_has_no_duplicates():
    assert not rules.bibliography_has_no_duplicates((BOOK / "references.bib").read_text(encoding="utf-8"))


def test_the_readme_maps_the_chapters():
    notebooks = {name(path.with_suffix("")) for path in FILES if path.suffix == ".ipynb"}
    toc = rules.toc_entries((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [entry for entry in toc if entry in notebooks and not entry.startswith("appendix/")]
    assert not rules.readme_maps_the_chapters((ROOT / "README.md").read_text(encoding="utf-8"), chapters)
