"""Every page of the built book keeps the rules of `browser_rules.py`; every rule finds a page that breaks it.

The site is `_build/html`, or the folder that BOOK_SITE names. Where Chromium or an up-to-date site is missing
the tests are skipped; with CI=true or BROWSER_TESTS=require that is a failure.
"""

import os
import shutil
from pathlib import Path

import pytest
from browser_rules import (
    CHROMIUM_OPTIONS,
    IMAGE_LIMIT,
    PAGE_LIMIT,
    RULES,
    RULES_FROM_DISK,
    problems_of,
    served,
    visit,
)

ROOT = Path(__file__).resolve().parents[1]
BROKEN_PAGES = ROOT / "tests" / "fixtures" / "pages"
SITE = Path(os.environ.get("BOOK_SITE", ROOT / "_build" / "html"))
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
REQUIRED = os.environ.get("BROWSER_TESTS") == "require" or os.environ.get("CI") == "true"

# page of tests/fixtures/pages -> the one rule that it breaks, and a word of what the rule says
BREAKS = {
    "other-host": ("no other host", "192.0.2.1"),
    "other-host-style": ("no other host", "192.0.2.1"),
    "console-error": ("no console error", "broken on purpose"),
    "script-error": ("no console error", "is not defined"),
    "missing-file": ("no console error", "missing.css"),
    "raw-tex": ("every equation rendered", "raw TeX"),
    "no-mathjax": ("every equation rendered", "not rendered"),
    "wrong-tex": ("every equation rendered", "Undefined control sequence"),
    "no-alt": ("every image described", "no alt text"),
    "file-name-alt": ("every image described", "file name"),
    "untitled-drawing": ("every image described", "no alt text"),
    "heavy-page": ("light page", "limit 1,200,000"),
    "heavy-image": ("light images", "limit 150,000"),
    "large-image": ("light images", "pixels"),
    "no-copy-button": ("code can be copied", "import numpy"),
    "low-contrast": ("accessible in light mode", "color-contrast"),
    "low-contrast-dark": ("accessible in dark mode", "color-contrast"),
    "low-contrast-code": ("accessible in light mode", "color-contrast"),
    "low-contrast-folded": ("accessible in light mode", "color-contrast"),
    "wide-table": ("no sideways scrolling", "pixels wide"),
    "unreachable-button": ("keyboard reaches everything", "not reached"),
    "keyboard-trap": ("keyboard reaches everything", "not reached"),
    "unseen-focus": ("keyboard reaches everything", "focus not seen"),
}
# what axe finds as well
SEEN_BY_AXE = {"every image described": {"accessible in light mode", "accessible in dark mode"}}


def unavailable(reason):
    """Skip, or fail where the browser tests are required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def newest_source():
    """Return the time of the last change to a page, a style or the configuration of the book."""
    sources = [ROOT / "_config.yml", *(ROOT / "book").rglob("*")]
    ignored = {"conf.py", "__pycache__", ".ipynb_checkpoints"}
    return max(path.stat().st_mtime for path in sources if path.is_file() and not ignored & set(path.parts))


@pytest.fixture(scope="session")
def browser():
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        unavailable("Chromium is not installed: install it, or name it with CHROMIUM=/path/to/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    """The folder of the built book, and the address where it is served."""
    index = SITE / "index.html"
    if not index.exists():
        unavailable("there is no built book to look at: run 'make book' first")
    if "BOOK_SITE" not in os.environ and index.stat().st_mtime < newest_source():
        unavailable("the built book is older than its sources: run 'make book' first")
    with served(SITE) as origin:
        yield origin


@pytest.fixture(scope="session")
def broken_pages(tmp_path_factory):
    """The address of the pages of tests/fixtures, with their heavy files, which are made here."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(BROKEN_PAGES, folder, dirs_exist_ok=True)
    (folder / "heavy.js").write_text("//" + PAGE_LIMIT * " ")
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="9"><!--{1}--></svg>'
    (folder / "heavy.svg").write_text(picture.format(9, IMAGE_LIMIT * " "))
    (folder / "large.svg").write_text(picture.format(2001, ""))
    with served(folder) as origin:
        yield origin


@pytest.mark.parametrize("page", PAGES or ["index.html"])
def test_every_page_keeps_every_rule(browser, site, page):
    with visit(browser, site, page) as visited:
        assert problems_of(visited) == {}


@pytest.mark.parametrize("page", PAGES or ["index.html"])
def test_every_page_works_from_the_disk(browser, site, page):
    with visit(browser, SITE.resolve().as_uri(), page) as visited:
        assert problems_of(visited, RULES_FROM_DISK) == {}


@pytest.mark.parametrize("from_disk", [False, True], ids=["http", "file"])
def test_the_search_finds_a_word(browser, site, from_disk):
    origin = SITE.resolve().as_uri() if from_disk else site
    with visit(browser, origin, "setup.html") as visited:
        page = visited.page
        page.keyboard.press("Control+k")
        page.keyboard.type("notation")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        assert "notation.html" in page.inner_html("#search-results")
        assert visited.errors == []


def test_the_keyboard_changes_the_color_mode_and_opens_the_download_menu(browser, site):
    with visit(browser, site, "setup.html") as visited:
        page = visited.page
        page.focus(".theme-switch-button")
        page.keyboard.press("Enter")
        assert page.get_attribute("html", "data-theme") == "dark"
        page.focus(".dropdown-download-buttons > button")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent.trim()") == ".md"


def test_every_icon_of_the_pages_is_in_the_font(browser, site):
    with visit(browser, site, "setup.html") as visited:
        assert visited.ask("missingIcons") == []


@pytest.mark.parametrize("page", BREAKS)
def test_every_rule_finds_the_page_that_breaks_it(browser, broken_pages, page):
    rule, words = BREAKS[page]
    with visit(browser, broken_pages, f"{page}.html") as visited:
        found = problems_of(visited)
    assert set(found) - SEEN_BY_AXE.get(rule, set()) == {rule}
    assert words in " ".join(found[rule])


def test_every_rule_has_a_page_that_breaks_it():
    assert {rule for rule, _ in BREAKS.values()} == set(RULES)
    assert {path.stem for path in BROKEN_PAGES.glob("*.html")} == {*BREAKS, "good"}


def test_a_page_that_breaks_no_rule_passes_them_all(browser, broken_pages):
    with visit(browser, broken_pages, "good.html") as visited:
        assert problems_of(visited) == {}
