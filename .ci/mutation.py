"""Break the NumPy modules in all ways that mutmut knows, and count the breaks that the tests notice.

make mutation                                      everything
.venv/bin/python .ci/mutation.py conv pooling      some modules
.venv/bin/python .ci/mutation.py --share 0.2       a random fifth of the mutants of each, by --seed
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "_build" / "mutation"  # mutmut writes beside what it reads, so it gets a copy
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
MODULES = [Path(path).stem for path in CONFIG["only_mutate"]]
LIMIT = 0.9  # the share of a module's mutants that the tests have to notice
OUTCOMES = {0: "survived", 1: "killed", 3: "killed", 5: "no test", 33: "no test"}
OUTCOMES |= dict.fromkeys((-24, 24, 36, 152, 255), "timeout")
COLUMNS = "killed", "timeout", "survived", "no test"
ENVIRONMENT = os.environ | {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "OMP_NUM_THREADS": "1",  # each of the processes has a core
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}

# The unbroken tests pass in a forked process; so it is the break that makes them fail there.
CONTROL = """
import os, sys, pytest
arguments = ["-q", "-x", *sys.argv[1:]]
assert pytest.main(arguments) == 0
child = os.fork()
if not child:
    os._exit(int(pytest.main(arguments)))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def main():
    """Return 0 if the tests notice enough in each module."""
    options = parse()
    copy()
    tests = CONFIG["pytest_add_cli_args"] + CONFIG["pytest_add_cli_args_test_selection"]
    run([sys.executable, "-c", CONTROL, *tests])
    run([MUTMUT, "run", "helpers._window.x_pair__mutmut_1"])  # breaks all modules, tries one mutant
    tried = {module: draw(module, options) for module in options.modules}
    names = [name for module in tried.values() for name in module]
    run([MUTMUT, "run", "--max-children", str(options.processes), *names])
    print(f"{'module':<12}{'mutants':>9}{'tried':>9}{''.join(f'{column:>9}' for column in COLUMNS)}  killed")
    shares = [report(module, names) for module, names in tried.items()]
    print(f"What was not killed: {FOLDER}/survivors.txt")
    return int(min(shares) < LIMIT)


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES, help=", ".join(MODULES))
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def copy():
    """Put what the tests need into an empty folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("helpers", "tests"):
        shutil.copytree(ROOT / name, FOLDER / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", FOLDER)


def run(command):
    """Run a command in the copy, its output in a file; stop if it fails."""
    log = FOLDER / "log.txt"
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(command, cwd=FOLDER, env=ENVIRONMENT, stdout=file, stderr=file, check=False)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} {command[1]} failed: see {log}")


def codes(module):
    """Exit code of pytest for each mutant of a module, None for one that was not tried."""
    meta = FOLDER / "mutants" / "helpers" / f"{module}.py.meta"
    return json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]


def draw(module, options):
    """Names of the mutants to try; a larger share holds those of a smaller one."""
    names = sorted(codes(module))
    random.Random(options.seed).shuffle(names)
    return names[: max(1, round(options.share * len(names)))]


def report(module, names):
    """Print the line of a module, keep what was not killed, and return the share that was."""
    everything = codes(module)
    outcomes = {name: OUTCOMES.get(everything[name], "strange") for name in names}
    outcomes |= {name: alone(name, module) for name in names if outcomes[name] == "no test"}
    counts = Counter(outcomes.values())
    share = counts["killed"] / len(names)
    numbers = len(everything), len(names), *(counts[column] for column in COLUMNS)
    interval = "" if len(names) == len(everything) else wilson(share, len(names))
    print(f"{module:<12}{''.join(f'{number:>9}' for number in numbers)}  {share:.1%}{interval}", flush=True)
    for name in sorted(name for name in names if outcomes[name] != "killed"):
        keep(name, outcomes[name])
    return share


def alone(name, module):
    """Outcome of a mutant that only tests with TensorFlow reach, in a process of its own."""
    function = name.rpartition(".x_")[2].partition("__mutmut_")[0]
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-k", function]
    done = subprocess.run(
        [*command, f"tests/test_{module}.py"],
        cwd=FOLDER / "mutants",
        env=ENVIRONMENT | {"MUTANT_UNDER_TEST": name},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return OUTCOMES.get(done.returncode, "strange")


def wilson(share, tried):
    """The 95 % interval of a share in a sample (Wilson 1927)."""
    z = 1.96
    middle = share + z**2 / (2 * tried)
    half = z * (share * (1 - share) / tried + z**2 / (4 * tried**2)) ** 0.5
    low, high = ((middle + side) / (1 + z**2 / tried) for side in (-half, half))
    return f" ({low:.1%} to {high:.1%})"


def keep(name, outcome):
    """Append to a file what a mutant changes."""
    show = [MUTMUT, "show", name]
    shown = subprocess.run(show, cwd=FOLDER, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    changed = [line for line in shown.stdout.splitlines() if line[:2] in ("- ", "+ ")]
    with (FOLDER / "survivors.txt").open("a", encoding="utf-8") as file:
        print(f"# {name}: {outcome}", *changed, "", sep="\n", file=file)


if __name__ == "__main__":
    sys.exit(main())
