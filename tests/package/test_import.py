# SPDX-License-Identifier: Apache-2.0
"""What ``import voxkern`` loads: names, errors, Volume; the functions when they are named."""

import subprocess
import sys

# What Volume (a dataclass), its annotations and the lock around late loading stand on.
NEEDED = "numpy, numpy.typing, dataclasses, threading, __future__"
SCRIPT = f"""
import sys
import {NEEDED}
before = set(sys.modules)
import voxkern
{{}}
print(*sorted(set(sys.modules) - before))
"""
AT_ONCE = {
    "voxkern": "_core _runtime _space",
    "voxkern._runtime": "backend call config errors images memory optional signals validate",
    "voxkern._space": "arithmetic foreign geometry indexing meta volume",
}


def loaded(then=""):
    """Return what importing voxkern loads, and what is done then."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(then)], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_import_loads_no_more_than_it_needs():
    """Each module of the standard library costs about a millisecond; all of it is some ten."""
    own = {f"{package}.{name}" for package, names in AT_ONCE.items() for name in names.split()}
    assert loaded() == {"voxkern", *own}


def test_functions_come_when_they_are_named():
    assert "voxkern._ops.warp" in loaded("voxkern.warp")
    assert not loaded("dir(voxkern), voxkern.Volume, voxkern.show_config") - loaded()
