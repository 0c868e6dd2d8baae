# SPDX-License-Identifier: Apache-2.0
"""The guide's table of what runs on the device: every function is asked.

After a kernel's CUDA version: ``VOXKERN_WRITE_DOCS=1 nox -s gpu_tests -- -k documented`` writes it again.
"""

import inspect
import os
from pathlib import Path

import backends
import numpy as np
import pytest
from calls import CALLS, NDIMAGE

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "gpu.md"
BEGIN, END = "<!-- tests/gpu/test_documented.py -->\n", "<!-- end -->"


def brought(value):
    """Return an argument with its array on the device."""
    if isinstance(value, vk.Volume):
        return value.with_data(cupy.asarray(value.data))
    return cupy.asarray(value) if isinstance(value, np.ndarray) else value


def arrays_of(options):
    return [name for name, value in options.items() if isinstance(value, np.ndarray | vk.Volume)]


def takes_gpu_arrays(function, options):
    """Tell whether a call works with its arrays on the device; tables and weights may belong to the host."""
    names = arrays_of(options)
    for moved in (names, names[:1]):
        try:
            function(**{name: brought(v) if name in moved else v for name, v in options.items()})
        except (vk.CudaUnavailableError, vk.ArgumentTypeError):
            continue
        return True
    return False


def found():
    """Return package -> function -> whether all its calls take GPU arrays."""
    packages = {"vk": {}, "vk.ndimage": {}, "vk.nn": {}}
    for function, options in filter(lambda call: inspect.isfunction(call[0]), CALLS):
        package = "vk.nn" if ".nn" in function.__module__ else "vk"
        owner = vk.nn if package == "vk.nn" else vk
        name = function.__name__
        if arrays_of(options) and "path" not in options and name in owner.__all__:
            packages[package].setdefault(name, []).append(takes_gpu_arrays(function, options))
    for name, options in NDIMAGE.items():
        works = takes_gpu_arrays(getattr(vk.ndimage, name), options)
        packages["vk.ndimage"][name] = [works]
    return {package: {name: all(w) for name, w in sorted(of.items())} for package, of in packages.items()}


def table():
    lines = ["| of | on the device | on the processor alone |", "| --- | --- | --- |"]
    for package, functions in found().items():
        listed = [", ".join(f"`{n}`" for n, works in functions.items() if works is w) for w in (True, False)]
        lines.append(f"| `{package}` | {' | '.join(names or '-' for names in listed)} |")
    return "\n".join(lines)


def test_every_function_of_ndimage_is_asked():
    assert set(NDIMAGE) == set(vk.ndimage.__all__) - {"generate_binary_structure", "iterate_structure"}


@pytest.mark.skipif(not PAGE.exists(), reason="needs the source tree")
def test_table_of_the_guide():
    head, rest = PAGE.read_text("utf-8").split(BEGIN)
    old, tail = rest.split(END, 1)
    made = f"\n{table()}\n\n"
    if os.environ.get("VOXKERN_WRITE_DOCS"):
        PAGE.write_text(head + BEGIN + made + END + tail, "utf-8")
    else:
        assert old == made, "docs/guide/gpu.md: write it again as the head of this file says"
