"""What only a run of the notebooks can show: nbval, with the holes closed that let a broken one pass.

A pytest plugin: ``pytest --nbval-lax -p notebook_gates``. On top of nbval a cell fails when it

- has a stored output or an execution count,
- is skipped without a ``skip_reason`` in its metadata,
- is tagged ``raises-exception`` and does not raise what ``raises`` in its metadata names,
- catches the interrupt that ends it after ``--nbval-cell-timeout`` seconds,
- writes to stderr: warnings, log lines, progress bars,
- shows a picture and has no alt text in its metadata;

and a notebook fails when its kernel took more than ``--notebook-mib`` of memory. With pytest-socket's
``--disable-socket`` the kernels are cut off as well.
"""

import os
import re
import sys
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

# The kernels inherit these: no TensorFlow log lines, no progress bars.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "TQDM_DISABLE": "1"}
PICTURES = {"image/png", "image/jpeg", "image/svg+xml"}
NOT_SHOWN = {"remove-cell", "remove-output"}

# pytest-socket guards its own process only. The error is the one of a machine without a network, so that a
# notebook falls back as it would there.
NO_NETWORK = """
def _cut_off(socket):
    import errno
    connect = socket.connect

    def connect_locally(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(errno.ENETUNREACH, f"Network is unreachable: {address[0]} is outside")
        return connect(self, address)

    socket.connect = connect_locally

import socket as _socket
_cut_off(_socket.socket)
del _cut_off, _socket
"""
# What C code and threads write reaches the notebook a moment later.
WAIT_FOR_STDERR = "import sys, time; time.sleep(0.5); sys.stderr.flush()"


def pytest_addoption(parser):
    parser.addoption("--notebook-mib", type=float, default=1536, help="peak memory that a kernel may take")


def pytest_configure(config):
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    collectors = yield
    return [
        Notebook.from_parent(parent, path=file_path) if type(collector) is IPyNbFile else collector
        for collector in collectors
    ]


class Notebook(IPyNbFile):
    """A notebook whose kernel works as it does for a reader, and whose last item looks at the kernel."""

    stderr = ""

    def setup(self):
        # While this variable is set, ipykernel does not show what C code writes, such as TensorFlow's log.
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        super().setup()
        if self.config.getoption("disable_socket", False):
            self.run(NO_NETWORK)

    def collect(self):
        yield from super().collect()
        yield Kernel.from_parent(self, name="kernel")

    def get_kernel_message(self, timeout=None, stream="iopub"):
        message = super().get_kernel_message(timeout, stream)
        if message["msg_type"] == "stream" and message["content"]["name"] == "stderr":
            self.stderr += message["content"]["text"]
        return message

    def run(self, code):
        """Run code that is not in the notebook."""
        message = self.kernel.execute_cell_input(code)
        self.kernel.await_reply(message, timeout=30)
        while True:
            answer = self.get_kernel_message(timeout=5)
            if (
                answer["parent_header"].get("msg_id") == message
                and answer["content"].get("execution_state") == "idle"
            ):
                return

    def new_stderr(self):
        """Return what came on stderr since the last call, also late from an earlier cell."""
        text, self.stderr = self.stderr, ""
        return text


class Kernel(pytest.Item):
    """What the kernel wrote late to stderr, and the most memory that it has held."""

    def runtest(self):
        kernel = self.parent.kernel
        if not kernel.is_alive():
            pytest.skip("the kernel is gone: the cell that ended it has failed")
        self.parent.run(WAIT_FOR_STDERR)
        if stderr := self.parent.new_stderr():
            pytest.fail(f"A cell wrote to stderr: {stderr}", pytrace=False)
        if sys.platform != "linux":
            pytest.skip("memory is measured on Linux; elsewhere the build of the book measures it")
        status = Path(f"/proc/{kernel.km.provisioner.pid}/status").read_text()
        mib = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024
        limit = self.config.getoption("notebook_mib")
        if mib > limit:
            pytest.fail(f"Peak memory {mib:.0f} MiB is over the limit of {limit:.0f} MiB", pytrace=False)

    def reportinfo(self):
        return self.path, None, self.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    for problem in before_the_run(item.cell, item.options):
        item.raise_cell_error(problem)
    if item.options["skip"]:
        pytest.skip(item.cell.metadata.skip_reason)
    result = yield
    for problem in after_the_run(item):
        item.raise_cell_error(problem)
    return result


def before_the_run(cell, options):
    """Yield what is wrong with a cell before it runs."""
    if cell.outputs or cell.execution_count is not None:
        yield "The cell has a stored output or an execution count"
    skipped = options["skip"] or "skip-execution" in cell.metadata.get("tags", [])
    if skipped and not cell.metadata.get("skip_reason"):
        yield "The cell is skipped, and its metadata give no skip_reason"
    if options["check_exception"] and not cell.metadata.get("raises"):
        yield "The cell is tagged raises-exception, and its metadata do not name the exception under raises"


def after_the_run(item):
    """Yield what is wrong with what a cell did."""
    if item.parent.timed_out:
        yield "The cell ran into its time limit, and the interrupt did not fail it"
    expected = item.cell.metadata.get("raises")
    raised = next((out.ename for out in item.test_outputs if out.output_type == "error"), "nothing")
    if item.options["check_exception"] and raised != expected:
        yield f"The cell raised {raised}, expected {expected}"
    if stderr := item.parent.new_stderr():
        yield f"The cell (or the one before it) wrote to stderr: {stderr}"
    shown = not NOT_SHOWN & set(item.cell.metadata.get("tags", []))
    draws = any(PICTURES & out.get("data", {}).keys() for out in item.test_outputs)
    if shown and draws and not item.cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
        yield "The cell shows a picture without alt text: mystnb.image.alt in its metadata"
