"""Run the notebooks that changed, measure them, and tell the reader what they cost.

Before Sphinx reads the pages, each notebook without an entry in the cache is executed here and put into it,
so that MyST-NB finds its outputs there. The cache follows `helpers/` and `constraints.txt`: a changed helper
runs every notebook again. Seconds and peak memory are kept with the outputs, written to `_build/budget.json`,
and shown by the role ``{budget}`` and the directive ``{budget-table}``. A notebook over its budget is a
warning, which is an error under ``-W``.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

ROOT = Path(__file__).resolve().parents[2]
WATCHED = ("helpers/*.py", "helpers/*.mplstyle", "constraints.txt")
SECONDS_LIMIT = float(os.environ.get("BOOK_SECONDS", "60"))
MEMORY_LIMIT_MIB = float(os.environ.get("BOOK_MIB", "1536"))
RUN_TIMES_PAGE = "appendix/run-times"

# The kernels inherit these: no TensorFlow log lines and no progress bars on any page.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TQDM_DISABLE", "1")

MEASURE = """
import sys as _sys, time as _time
if _sys.platform == "linux":  # getrusage would count the memory of the parent before exec as well
    _kib = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
elif _sys.platform == "darwin":
    import resource as _resource
    _kib = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss / 1024
else:
    import psutil as _psutil
    _kib = _psutil.Process().memory_info().peak_wset / 1024
print(_kib / 1024, _time.process_time())
"""

logger = logging.getLogger(__name__)


def execution_key():
    """Return a short hash of everything besides the notebook that its outputs depend on."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in WATCHED for path in ROOT.glob(pattern)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def execute(path, timeout):
    """Execute the notebook at `path` in a fresh kernel; return it with its seconds and peak memory."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(MEASURE))
    client = NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,  # the times would stand in the cells, and the cache would not know them again
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    peak, cpu = map(float, notebook.cells.pop().outputs[0].text.split())
    return notebook, {"execution_seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak}


def use_cache_of_this_state(app, config):
    """Keep one cache for each state of the helpers, and only the present one."""
    base, key = Path(app.outdir).parent / ".jupyter_cache", execution_key()
    for old in base.glob("*"):
        if old.name != key:
            shutil.rmtree(old, ignore_errors=True)
    # MyST-NB declares this value with rebuild="env": when it changes, every page is read again.
    config.nb_execution_cache_path = str(base / key)


def run_stale_notebooks(app, env, docnames):
    """Fill the cache, then write the budget of every notebook for the pages to show."""
    cache = get_cache(app.config.nb_execution_cache_path)
    paths = {name: Path(env.doc2path(name)) for name in sorted(env.found_docs)}
    paths = {name: path for name, path in paths.items() if path.suffix == ".ipynb"}
    app.book_budget = {}
    for name, path in paths.items():
        cost = cached_cost(cache, path) or run_into(cache, name, path, app.config.nb_execution_timeout)
        if cost is None:
            continue
        app.book_budget[name] = cost
        warn_if_over(name, cost)
        if RUN_TIMES_PAGE in env.found_docs and RUN_TIMES_PAGE not in docnames:
            docnames.append(RUN_TIMES_PAGE)
    target = Path(app.outdir).parent / "budget.json"
    target.write_text(json.dumps(app.book_budget, indent=2) + "\n", encoding="utf-8")


def cached_cost(cache, path):
    """Return what the cached run of exactly this notebook cost, or None if none was measured."""
    try:
        cost = cache.match_cache_notebook(nbformat.read(path, as_version=4)).data
    except (KeyError, nbformat.reader.NotJSONError):
        return None
    return cost if {"cpu_seconds", "peak_mib"} <= cost.keys() else None


def run_into(cache, name, path, timeout):
    """Execute one notebook into the cache; leave one that fails to MyST-NB, which reports it."""
    try:
        notebook, cost = execute(path, timeout)
    except (CellExecutionError, CellTimeoutError, nbformat.reader.NotJSONError):
        return None
    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, str(path), data=cost), check_validity=False, overwrite=True
    )
    print(f"{name}: {cost['execution_seconds']:.0f} s, {cost['peak_mib']:.0f} MiB", file=sys.stderr)
    return cost


def warn_if_over(name, cost):
    """Warn about a notebook that takes longer or more memory than a reader was promised."""
    # On a busy machine the clock runs on while the notebook waits; its own computing time does not.
    seconds = min(cost["execution_seconds"], cost["cpu_seconds"])
    for value, limit, unit in [(seconds, SECONDS_LIMIT, "s"), (cost["peak_mib"], MEMORY_LIMIT_MIB, "MiB")]:
        if value > limit:
            message = f"{name}: {value:.0f} {unit} is over the budget of {limit:.0f} {unit}"
            logger.warning(message, type="budget", location=name)


class BudgetRole(SphinxRole):
    """``{budget}`cnn/convolution` ``: what this notebook took when the book was built."""

    def run(self):
        """Return one text node."""
        cost = self.env.app.book_budget.get(self.text)
        text = (
            f"{cost['execution_seconds']:.0f} s, {cost['peak_mib']:.0f} MiB"
            if cost
            else "not measured in this build"
        )
        return [nodes.Text(text)], []


class BudgetTable(SphinxDirective):
    """Seconds and peak memory of every notebook, with the limits."""

    def run(self):
        """Return one table written in MyST and parsed where it stands."""
        rows = [f"| {{doc}}`/{name}` | {cost['execution_seconds']:.0f} | {cost['peak_mib']:.0f} |"
                for name, cost in self.env.app.book_budget.items()]  # fmt: skip
        limit = f"| *limit* | {SECONDS_LIMIT:.0f} | {MEMORY_LIMIT_MIB:.0f} |"
        lines = ["| Chapter | Seconds | Peak memory (MiB) |", "|:--|--:|--:|", *rows, limit]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", use_cache_of_this_state, priority=100)
    app.connect("env-before-read-docs", run_stale_notebooks)
    app.add_role("budget", BudgetRole())
    app.add_directive("budget-table", BudgetTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
