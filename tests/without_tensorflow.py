"""No test, but the pytest plugin of `make mutation`: skip what needs TensorFlow, shrink nothing that fails.

mutmut forks a process for each mutant, and TensorFlow hangs in the fork of a process that has used it: a
test that hangs would count as one that has found a mistake. Besides, most tests compare with something
simpler than Keras, and those have to find a mistake on their own.
"""

import sys

import hypothesis
import pytest

ABSENT = "tensorflow", "keras"


def pytest_configure():
    sys.modules |= dict.fromkeys(ABSENT)  # an import raises ModuleNotFoundError
    # One failing example is enough; the search for the smallest would take most of the time.
    phases = hypothesis.Phase.explicit, hypothesis.Phase.generate
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, deadline=None, phases=phases, max_examples=50
    )
    hypothesis.settings.load_profile("mutation")


def pytest_collection_modifyitems(items):
    """Run tests of one example before those of many, as the first failure ends a run."""
    items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup():
    return (yield from skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    return (yield from skipping())


def skipping():
    """Skip the test that imports what is absent."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ABSENT:
            pytest.skip(f"needs {error.name}")
        raise
