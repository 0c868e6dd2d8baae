# SPDX-License-Identifier: Apache-2.0
"""scipy's own tests of ndimage, as they lie in its wheel, with all our functions in place of its."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest
import scipy
import scipy.ndimage as scipy_ndimage

from voxkern import ndimage

# A pytest plugin in front of scipy's tests. It acts before they are imported, as some are given functions.
PLUGIN = """
import collections, functools, json, pathlib
import scipy.ndimage
from scipy._lib._array_api import xp_capabilities_table
import voxkern as vk

calls = collections.Counter()

def counted(name, function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        calls[name] += 1
        return function(*args, **kwargs)
    return call

def pytest_configure(config):
    theirs = vars(scipy.ndimage).copy()
    for name, function in in_place().items():
        function = counted(name, function)
        xp_capabilities_table[function] = xp_capabilities_table[theirs[name]]
        setattr(scipy.ndimage, name, function)

def pytest_unconfigure(config):
    pathlib.Path("calls.json").write_text(json.dumps(calls))
"""
OURS = """
def in_place():
    return {name: getattr(vk.ndimage, name) for name in vk.ndimage.__all__}
"""
PATCHED = """
def in_place():
    return {name: getattr(scipy.ndimage, name) for name in vk.patch_scipy().replaced}
"""
WRONG = """
def in_place():
    return {name: lambda *args, **kwargs: None for name in vk.ndimage.__all__}
"""

# What may fail, at most five: float32 is computed in float32 here, in float64 there. Level v2 has no FMA.
FLOAT32 = {"test_datatypes.py::test_map_coordinates_dts"}
ERROR = 2e-6  # allowed, of the largest value
UNTESTED = {"labeled_comprehension"}  # scipy's tests call it through histogram alone


@dataclass
class Run:
    """What became of scipy's tests."""

    files: set[str]  # that had tests
    passed: int
    failed: dict[str, float]  # by name, the relative error; infinite where none is told
    calls: dict[str, int]  # of our functions


def run_suite(folder, in_place, *options):
    tests = Path(scipy_ndimage.__file__).parent / "tests"
    if not (tests / "test_interpolation.py").is_file():
        pytest.skip("this scipy came without its tests")
    if tuple(map(int, scipy.__version__.split(".")[:2])) != (1, 17):
        pytest.skip("the tests of scipy 1.17 are meant")
    (folder / "plugin_of_ours.py").write_text(PLUGIN + in_place)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    ini = ["-c", os.devnull, "--rootdir", str(tests), "-p", "plugin_of_ours", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--junitxml=report.xml", *ini, *options, str(tests)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-2000:]
    run = Run(set(), 0, {}, json.loads((folder / "calls.json").read_text()))
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        file, *inner = case.get("classname").split(".")
        run.files.add(file)
        bad = [child for child in case if child.tag in ("failure", "error")]
        if bad:
            run.failed["::".join([f"{file}.py", *inner, case.get("name")])] = relative_error(bad[0])
        run.passed += len(case) == 0
    return run


def relative_error(failure):
    """Return the error of a failed comparison, relative to the largest of the values it names."""
    text = failure.text
    error = re.search(r"Max absolute difference among violations: (\S+)", text)
    values = [abs(complex(v)) for v in re.findall(r"\(ACTUAL\), (\S+) \(DESIRED\)", text)]
    return float(error[1]) / max(values) if error and any(values) else float("inf")


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [OURS, PATCHED], ids=["ours", "patched"])
def test_scipys_own_tests_pass(tmp_path, capsys, in_place):
    run = run_suite(tmp_path, in_place)
    with capsys.disabled():
        print(f"\nscipy's ndimage suite: {run.passed} passed, {len(run.failed)} beyond float32's tolerance")
        for name, error in run.failed.items():
            print(f"  {name}: {error:.1e} of the largest value")
    assert set(run.failed) <= FLOAT32 and len(FLOAT32) <= 5
    assert all(error <= ERROR for error in run.failed.values())
    assert run.passed + len(run.failed) >= 5362
    assert run.files == {path.stem for path in Path(scipy_ndimage.__file__).parent.glob("tests/test_*.py")}
    assert set(run.calls) | UNTESTED == set(ndimage.__all__), "functions that no test of scipy's calls"


def test_those_tests_can_fail(tmp_path):
    """With functions that do nothing in place of ours, the same run fails: the plugin reaches the tests."""
    selected = ("-k", "TestZoom and test_zoom1")
    wrong, right = run_suite(tmp_path, WRONG, *selected), run_suite(tmp_path, OURS, *selected)
    assert wrong.failed and not wrong.passed
    assert right.passed and not right.failed
