"""Settings of every test run: the same examples each time, and a quiet TensorFlow."""

import os

import hypothesis
import notebook_gates

os.environ["MPLBACKEND"] = "Agg"  # no window opens
for name, value in notebook_gates.QUIET.items():
    os.environ.setdefault(name, value)

# The same examples in every run, so that what turns red is a change; no deadline, for busy machines.
hypothesis.settings.register_profile("book", derandomize=True, deadline=None)
hypothesis.settings.load_profile("book")
