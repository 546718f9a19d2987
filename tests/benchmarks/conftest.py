"""One thread each, in turns, in one run; the ratios go to the terminal and to _build/bench.json."""

import json
import os
import sys
import time
from pathlib import Path
from statistics import geometric_mean, median

import pytest

# TensorFlow reads these when it is imported: its fastest kernels, whatever the other tests have set.
assert "tensorflow" not in sys.modules, "start the benchmarks in a process of their own"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

collect_ignore = ["gbsg_models.py"]  # a script, which loads TensorFlow
REPORT = Path(__file__).parents[2] / "_build" / "bench.json"
ROWS = pytest.StashKey[list]()
WARM_UP = 2  # rounds that do not count


def pytest_configure(config):
    config.stash[ROWS] = []


@pytest.fixture(scope="session")
def one_thread_each():
    """NumPy's matrix products and TensorFlow compute on one core."""
    import tensorflow as tf
    from threadpoolctl import threadpool_limits

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with threadpool_limits(1):
        yield


@pytest.fixture
def record(request):
    """Keep one row of the report."""
    return request.config.stash[ROWS].append


@pytest.fixture
def compare(benchmark, record, one_thread_each):
    """Measure `ours` and its rivals in turns, so that a busy moment of the machine meets all of them.

    `rivals` maps a name to a function; the first is the one that the limit speaks of. `loops` is a name,
    a function, and the share of the work that it does: plain loops are too slow to do all of it.
    """

    def measure(work, ours, rivals, limit=None, loops=None, rounds=15):
        seconds = {name: [] for name in rivals}

        def run_rivals():
            for name, rival in rivals.items():
                start = time.perf_counter()
                rival()
                seconds[name].append(time.perf_counter() - start)

        benchmark.pedantic(ours, setup=run_rivals, rounds=rounds, warmup_rounds=WARM_UP)
        own = benchmark.stats.stats.data
        row = {"work": work, "limit": limit, "milliseconds": 1e3 * median(own)}
        row["ratios"] = {
            name: median(a / b for a, b in zip(own, times[WARM_UP:], strict=True))
            for name, times in seconds.items()
        }
        if loops:
            name, function, share = loops
            row["ratios"][name] = median(own) / (once(function) / share)
        benchmark.extra_info.update(row)
        record(row)

    return measure


def once(function):
    """Seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[ROWS]
    if not rows:
        return
    rows = sorted(with_mean_of_convolutions(rows), key=lambda row: row.get("limit") is None)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(rows, indent=1) + "\n")
    terminalreporter.section("NumPy's time as a multiple of others' (one thread each, float32)")
    for line in table(rows):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"also in {REPORT}")


def with_mean_of_convolutions(rows):
    """Add the row that sums up the shapes of conv2d."""
    convolutions = [row["ratios"] for row in rows if "ratios" in row and row["work"].startswith("conv2d")]
    if not convolutions:
        return rows
    means = {name: geometric_mean(ratios[name] for ratios in convolutions) for name in convolutions[0]}
    return [{"work": f"conv2d, mean of {len(convolutions)} shapes", "limit": 2.0, "ratios": means}, *rows]


def table(rows):
    """Lines of text, one for each row: its time, its ratios, and the limit with what became of it."""
    yield f"{'work':<44}{'ms':>8}  {'limit':>6}  ratios"
    for row in rows:
        if "ratios" not in row:
            yield f"{row['work']:<44}{row['value']:>8.3g}  {row['limit']:>6}  {row['unit']}"
            continue
        ratios = ", ".join(multiple(value, name) for name, value in row["ratios"].items())
        duration = f"{row['milliseconds']:.1f}" if "milliseconds" in row else ""
        yield f"{row['work']:<44}{duration:>8}  {row['limit'] or '':>6}  {ratios}"


def multiple(ratio, name):
    return f"{ratio:.2f} × {name}" if ratio > 0.1 else f"1/{1 / ratio:,.0f} of {name}"
