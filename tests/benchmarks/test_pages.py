"""How long a page of the built book takes from the disk until its equations stand; the aim is one second.

A benchmark, not a test of speed: it reports. What every page must keep is in `tests/test_browser.py`.
"""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("BOOK_SITE", ROOT / "_build" / "html"))
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))


@pytest.fixture(scope="module")
def browser():
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable or not PAGES:
        pytest.skip("needs Chromium and the built book: run 'make book' first")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("page", PAGES or ["index.html"])
def test_a_page_is_ready(benchmark, browser, page):
    def new_window():
        context = browser.new_context()
        return (context.new_page(),), {}

    def open_page(window):
        window.goto((SITE / page).resolve().as_uri())
        window.evaluate("(async () => { await window.MathJax?.startup?.promise })()")

    def close(window):
        window.context.close()

    benchmark.pedantic(open_page, setup=new_window, teardown=close, rounds=5)
