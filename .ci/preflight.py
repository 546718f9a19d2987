"""Say in one sentence why this machine cannot run the book, before anything is installed.

Runs on any Python, however old: no syntax newer than Python 2.
"""

import platform
import struct
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def obstacle(version, system, machine, bits):
    """Return the reason why the book cannot be installed here, or an empty string."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        return (
            "The book needs Python 3.11, 3.12 or 3.13, and this is Python %d.%d: install one of these, or "
            "name it with 'make PYTHON=/path/to/python', or take the conda road in README.md."
        ) % (version[0], version[1])
    machine = machine.lower()
    supported = {
        "Linux": ("x86_64", "aarch64"),
        "Darwin": ("arm64",),
        "Windows": ("amd64",),
    }
    if bits != 64 or machine not in supported.get(system, ()):
        return (
            "TensorFlow 2.21 has no wheel for this machine (%s, %s, %d-bit): "
            "use 64-bit Linux, a Mac with Apple silicon, 64-bit Windows, or the online book."
        ) % (system, machine, bits)
    return ""


if __name__ == "__main__":
    reason = obstacle(sys.version_info, platform.system(), platform.machine(), 8 * struct.calcsize("P"))
    sys.exit(reason or 0)
