"""Show source, edit and launch links where the repository's address is known, and nowhere else.

The address is `BOOK_REPOSITORY_URL`, or git's `origin` when that is a public forge.
"""

import os
import re
import subprocess
from pathlib import Path

FORGE = re.compile(
    r"(?:https://(?:[^@/]*@)?|git@|ssh://git@)(github\.com|gitlab\.com)[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$"
)


def public_address(address):
    """Return the https address of a repository on a public forge, without credentials, or an empty string."""
    match = FORGE.match(address.strip())
    return f"https://{match[1]}/{match[2]}" if match else ""


def origin():
    """Return what git calls `origin` here, or an empty string."""
    command = ["git", "-C", str(Path(__file__).parent), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def show_links(app, config):
    """Fill in the theme's options for the links."""
    address = os.environ.get("BOOK_REPOSITORY_URL", "").rstrip("/") or public_address(origin())
    if not address:
        return
    config.html_theme_options |= {
        "repository_url": address,
        "repository_branch": os.environ.get("BOOK_REPOSITORY_BRANCH", "main"),
        "path_to_docs": "book",
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
    }


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", show_links, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
