"""Keep pages light: only the scripts that a page uses."""

from docutils import nodes


def drop_unused_scripts(app, pagename, templatename, context, doctree):
    """Remove sphinx-thebe everywhere, and MathJax from pages without an equation."""
    unused = ["thebe"]  # Jupyter Book 1 always loads it, twice, and nothing here uses it
    if doctree is None or not any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        unused.append("mathjax")
    context["script_files"] = [
        script
        for script in context["script_files"]
        if not any(name in f"{script.filename}{script.attributes.get('body', '')}".lower() for name in unused)
    ]


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("html-page-context", drop_unused_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
