"""The rules for the built pages in a browser: every rule takes a visit and returns what is wrong.

The docstring of a rule is the rule; what it asks inside the page is in `browser_rules.js`.
`tests/fixtures/pages/` holds pages that break them, and `tests/test_browser.py` proves that each is found.
"""

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGE_LIMIT, PAGE_WITH_EQUATIONS_LIMIT, IMAGE_LIMIT = 1_200_000, 2_200_000, 150_000  # bytes
PIXEL_LIMIT = 2000
SCRIPT = Path(__file__).with_suffix(".js")
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"
# The glyphs inside an equation are the typesetter's; there are thousands.
RUN_AXE = """axe.run({exclude: ["mjx-container > *"]}, {resultTypes: ["violations"]})
    .then(results => results.violations)"""
REMOTE = {"http", "https", "ws", "wss"}
IMAGE_FILE = re.compile(r"(?i)\S*\.(?:png|jpe?g|gif|svg|webp)|[0-9a-f]{16,}|image|figure|untitled|plot")


@dataclass
class Visit:
    """A page in the browser, and what it did since it was opened."""

    page: object
    origin: str
    sizes: dict = field(default_factory=dict)  # address -> bytes
    requests: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def listen(self):
        """Note what the page asks for and complains about; before it is opened."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", self.weigh)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self.miss)
        self.page.on("console", self.hear)

    def miss(self, request):
        """Note what was not loaded, but for what the browser gave up because the page was left."""
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"not loaded: {request.url}")

    def hear(self, message):
        """Note an error in the console, with the file it is about."""
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def weigh(self, response):
        """Note the size of what came; from the disk it is that of the file."""
        address = urlsplit(response.url)
        if address.scheme == "file":
            self.sizes[response.url] = Path(unquote(address.path)).stat().st_size
        elif address.scheme in REMOTE:
            self.sizes[response.url] = int(response.headers.get("content-length", 0))

    def ask(self, question, *answers):
        """Call a function of browser_rules.js."""
        return self.page.evaluate(f"argument => rules.{question}(argument)", *answers)

    def pictures(self):
        """Return the sizes of the images of the page, by address."""
        shown = {image["name"] for image in self.ask("images")}
        return {address: size for address, size in self.sizes.items() if address in shown}


@contextmanager
def visit(browser, origin, path):
    """Open a page with an empty cache, wait for its equations, and let no request leave the machine."""
    context = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    try:
        context.route(lambda address: leaves(address, origin), lambda route: route.fulfill(body=""))
        context.add_init_script(path=SCRIPT)
        visited = Visit(context.new_page(), origin)
        visited.listen()
        visited.page.goto(f"{origin}/{path}")
        visited.page.add_style_tag(content=STILL)
        visited.page.evaluate(
            "(async () => { await window.MathJax?.startup?.promise; await document.fonts.ready })()"
        )
        yield visited
    finally:
        context.close()


def leaves(address, origin):
    """Return whether a request for `address` goes to another host than the site's."""
    return urlsplit(address).scheme in REMOTE and not address.startswith(origin + "/")


def no_other_host(visited):
    """A page asks no other host for anything."""
    return sorted({address for address in visited.requests if leaves(address, visited.origin)})


def no_console_error(visited):
    """A page logs no error, raises none, and finds every file that it asks for."""
    return list(visited.errors)


def every_equation_rendered(visited):
    """Every equation is typeset; no TeX is left in the text."""
    return visited.ask("equations")


def every_image_described(visited):
    """Every image has alt text that says something; an empty one only beside the text of its own link."""
    problems = []
    for image in visited.ask("images"):
        text = (image["text"] or "").strip()
        if not text and not (image["decorates"] and image["text"] is not None):
            problems.append(f"no alt text: {image['name']}")
        elif IMAGE_FILE.fullmatch(text):
            problems.append(f"alt text is a file name: {text}")
    return problems


def light_page(visited):
    """A page has at most 1.2 MB, with equations 2.2 MB; its pictures have their own limit."""
    size = sum(visited.sizes.values()) - sum(visited.pictures().values())
    equations = visited.page.query_selector(".math") is not None
    limit = PAGE_WITH_EQUATIONS_LIMIT if equations else PAGE_LIMIT
    heaviest = sorted(visited.sizes, key=visited.sizes.get)[-3:]
    return [f"{size:,} bytes, limit {limit:,}: {heaviest}"] if size > limit else []


def light_images(visited):
    """Every picture has at most 150 KB, and at most 2000 pixels in each direction."""
    heavy = [
        f"{size:,} bytes, limit {IMAGE_LIMIT:,}: {address}"
        for address, size in visited.pictures().items()
        if size > IMAGE_LIMIT
    ]
    return heavy + visited.ask("largeImages", PIXEL_LIMIT)


def code_can_be_copied(visited):
    """Every block of code has its copy button."""
    return visited.ask("uncopiedCode")


def accessible(visited, scheme):
    """Axe finds no serious or critical violation."""
    page = visited.page
    page.emulate_media(color_scheme=scheme)
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
        visited.ask("keepOneTokenOfEachLook")
    found = page.evaluate(RUN_AXE)
    return [
        f"{violation['id']}: {node['html'][:120]}: {' '.join(node['failureSummary'].split())}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def no_sideways_scrolling(visited):
    """On a phone only blocks scroll sideways, never the page."""
    visited.page.set_viewport_size(PHONE)
    problems = visited.ask("sidewaysScrolling")
    visited.page.set_viewport_size(DESKTOP)
    return problems


def keyboard_reaches_everything(visited):
    """Tab reaches everything that can be clicked or scrolled, and the focus is seen there."""
    # The theme sets its tab stops 0.3 s after the window changed, later on a busy machine.
    with suppress(TimeoutError):
        visited.page.wait_for_function("rules.scrollingHasTabStops()", timeout=5000)
    for _ in range(visited.ask("watchFocus") + 3):
        visited.page.keyboard.press("Tab")
    return visited.ask("missedFocus")


# In this order: the last ones change the page.
RULES = {
    "no other host": no_other_host,
    "no console error": no_console_error,
    "every equation rendered": every_equation_rendered,
    "every image described": every_image_described,
    "light page": light_page,
    "light images": light_images,
    "code can be copied": code_can_be_copied,
    "accessible in light mode": partial(accessible, scheme="light"),
    "accessible in dark mode": partial(accessible, scheme="dark"),
    "no sideways scrolling": no_sideways_scrolling,
    "keyboard reaches everything": keyboard_reaches_everything,
}
RULES_FROM_DISK = ("no other host", "no console error", "every equation rendered")


def problems_of(visited, names=tuple(RULES)):
    """Return what each broken rule found, by the name of the rule; hidden code and solutions are unfolded."""
    visited.ask("openEverything")
    found = {name: RULES[name](visited) for name in names}
    return {name: problems for name, problems in found.items() if problems}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a log, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Log nothing."""


@contextmanager
def served(folder):
    """Serve `folder` on the loopback interface, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
