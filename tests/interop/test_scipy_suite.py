# SPDX-License-Identifier: Apache-2.0
"""scipy's own tests of ndimage, as they lie in its wheel, with our functions in place of its."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import scipy
import scipy.ndimage as scipy_ndimage

# Loaded as a pytest plugin in front of scipy's tests: after they are collected, its functions are ours.
PLUGIN = """
from voxkern import ndimage

def pytest_collection_finish(session):
    import scipy.ndimage
    for name in ndimage.__all__:
        setattr(scipy.ndimage, name, getattr(ndimage, name))
"""
# What fails, by how much, of values up to what: float32 is computed in float32 here, in float64 there.
FLOAT32 = {
    "test_filters.py::TestNdimageFilters::test_gaussian_laplace01[numpy-float32]": (3.2e-5, 900),
    "test_filters.py::TestNdimageFilters::test_gaussian_laplace01[numpy-complex64]": (3.2e-5, 900),
    "test_filters.py::TestNdimageFilters::test_gaussian_laplace02[numpy-float32]": (3.2e-5, 900),
    "test_filters.py::TestNdimageFilters::test_gaussian_laplace02[numpy-complex64]": (3.2e-5, 900),
}


def run_suite(folder, *options, plugin=PLUGIN):
    """Return the tests that failed, and how many passed."""
    tests = Path(scipy_ndimage.__file__).parent / "tests"
    if not (tests / "test_interpolation.py").is_file():
        pytest.skip("this scipy came without its tests")
    if tuple(map(int, scipy.__version__.split(".")[:2])) != (1, 17):
        pytest.skip("the tests of scipy 1.17 are meant")
    (folder / "plugin_of_ours.py").write_text(plugin)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    ini = ["-c", os.devnull, "--rootdir", str(folder), "-p", "plugin_of_ours", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=line", "-rf", *ini, *options, str(tests)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-2000:]
    failed = set(re.findall(r"^FAILED \S*?(test_\w+\.py::\S+)", done.stdout, re.MULTILINE))
    passed = re.search(r"(\d+) passed", done.stdout)
    return failed, int(passed[1]) if passed else 0


@pytest.mark.slow
def test_scipys_own_tests_pass(tmp_path):
    failed, passed = run_suite(tmp_path)
    assert failed <= set(FLOAT32) and passed + len(failed) >= 5362
    assert all(error < 1e-6 * largest for error, largest in FLOAT32.values())


def test_those_tests_can_fail(tmp_path):
    """With a wrong zoom in place of ours, the same run fails: the plugin reaches the tests."""
    wrong = PLUGIN.replace("getattr(ndimage, name))", "lambda *a, **k: None)")
    failed, passed = run_suite(tmp_path, "-k", "TestZoom and test_zoom1", plugin=wrong)
    assert failed and not passed
    assert not run_suite(tmp_path, "-k", "TestZoom and test_zoom1")[0]
