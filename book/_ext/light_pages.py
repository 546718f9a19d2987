"""Keep pages light and readable: a page loads only the scripts and styles that it uses.

The theme's icon script (1.45 MB) is left out by `_templates/static/webpack-macros.html`.
"""

import shutil
from pathlib import Path

from docutils import nodes

# A script or style whose name contains the key is loaded only by pages whose text contains the value.
NEEDED_BY = {
    "togglebutton": ("toggle", "dropdown"),
    "togglehint": ("toggle", "dropdown"),
    "toggleopenonprint": ("toggle", "dropdown"),
    "design-tabs": ("sd-tab",),
    "sphinx-design": ('class="sd-', " sd-"),
    "clipboard": ("highlight",),
    "copybutton": ("highlight",),
    "exercise.css": ("exercise", "solution"),
}
MENDED = {
    ' aria-label="Toggle hidden content"': "",  # the text of the summary says it, in other words
    'role="doc-biblioentry"': 'role="listitem"',  # it stands in a list
}
# Copied by the theme or by an extension, and used by no page.
UNUSED_FILES = (
    "scripts/fontawesome.js*",
    "vendor/fontawesome",
    "scripts/*.map",
    "styles/*.map",
    "styles/theme.css",
    "locales",
    "sphinx-thebe.*",
    "*-macros.html",
    "file.png",
    "minus.png",
    "plus.png",
    "*-solid.svg",
)


def disconnect_thebe(app, config):
    """Silence sphinx-thebe: Jupyter Book 1 always loads it, and its live cells need a server."""
    for listeners in app.events.listeners.values():
        listeners[:] = [entry for entry in listeners if entry.handler.__module__ != "sphinx_thebe"]


def drop_unused_assets(app, pagename, templatename, context, doctree):
    """Remove from this page what it does not use: MathJax where no equation stands, and see NEEDED_BY."""
    body = context.get("body", "")
    unused = {name for name, marks in NEEDED_BY.items() if not any(mark in body for mark in marks)} | {
        "thebe"
    }
    if doctree is None or not any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        unused.add("mathjax")
    for kind in ("script_files", "css_files"):
        context[kind] = [
            asset for asset in context[kind] if not any(name in described(asset) for name in unused)
        ]


def mend(app, pagename, templatename, context, doctree):
    """Replace what keeps a screen reader from reading the page as it is seen."""
    for old, new in MENDED.items():
        context["body"] = context.get("body", "").replace(old, new)


def described(asset):
    """Return the name and the inline text of a script or style, in lower case."""
    return f"{asset.filename} {asset.attributes.get('body', '')}".lower()


def remove_unused_files(app, exception):
    """Delete what no page of the built site refers to."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for path in {path for pattern in UNUSED_FILES for path in static.glob(pattern)}:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", disconnect_thebe, priority=900)
    app.connect("html-page-context", drop_unused_assets, priority=900)
    app.connect("html-page-context", mend)
    app.connect("build-finished", remove_unused_files)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
