# SPDX-License-Identifier: Apache-2.0
"""Names of scipy.ndimage that are not computed here: scipy's own functions, where scipy is installed."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from voxkern import ndimage
from voxkern.ndimage._scipy import FUNCTIONS


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_every_function_of_scipy_is_known():
    public = {name for name in dir(scipy_ndimage) if not name.startswith("_")}
    assert {name for name in public if inspect.isfunction(getattr(scipy_ndimage, name))} == FUNCTIONS
    assert set(ndimage.__all__) <= FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_of_scipy_is_here(name):
    function = getattr(ndimage, name)
    if name in ndimage.__all__:
        assert function.__module__.startswith("voxkern.ndimage")
    else:
        assert function is getattr(scipy_ndimage, name)


def test_they_compute(rng):
    x = rng.random((9, 8, 7))
    np.testing.assert_array_equal(ndimage.fourier_shift(x, 2), scipy_ndimage.fourier_shift(x, 2))


def test_of_a_volume_they_take_the_voxels(rng):
    volume = vk.Volume(rng.random((5, 6, 7)), np.eye(4))
    result = ndimage.vectorized_filter(volume, np.min, size=3)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, scipy_ndimage.vectorized_filter(volume.data, np.min, size=3))


def test_they_take_no_threads():
    with pytest.raises(TypeError, match="threads"):
        ndimage.fourier_shift(np.ones((3, 3)), 3, threads=1)


def test_names_and_imports():
    assert dir(ndimage) == sorted({*ndimage.__all__, *FUNCTIONS})
    namespace = {}
    exec("from voxkern.ndimage import *", namespace)
    assert set(ndimage.__all__) == set(namespace) - {"__builtins__"}
    exec("from voxkern.ndimage import fourier_shift, zoom", namespace)
    assert namespace["fourier_shift"] is scipy_ndimage.fourier_shift


@pytest.mark.parametrize("name", ["gaussian_filtre", "test", "filters", "_ni_support", "__wrapped__"])
def test_what_scipy_has_no_function_for_is_no_attribute(name):
    with pytest.raises(
        AttributeError, match=f"^module 'voxkern.ndimage' has no attribute '{name}'$"
    ) as caught:
        getattr(ndimage, name)
    assert caught.value.name == name and caught.value.obj is ndimage


def test_a_function_the_installed_scipy_lacks(monkeypatch):
    monkeypatch.setattr(scipy_ndimage, "__all__", ["zoom"])
    with pytest.raises(AttributeError, match=r"nor has the installed scipy\.ndimage.*scipy>=1\.17"):
        _ = ndimage.vectorized_filter


def test_scipy_is_imported_when_a_name_of_its_is_asked_for():
    code = """
import sys
from voxkern import ndimage
ndimage.zoom, dir(ndimage), hasattr(ndimage, "__wrapped__"), hasattr(ndimage, "_filters")
print("scipy" in sys.modules)
ndimage.fourier_shift
print("scipy" in sys.modules)
"""
    assert run(code) == ["False", "True"]


def test_without_scipy():
    code = """
import sys
sys.modules["scipy"] = sys.modules["scipy.ndimage"] = None
from voxkern import ndimage
print(dir(ndimage) == sorted(ndimage.__all__), hasattr(ndimage, "fourier_shift"))
try:
    from voxkern.ndimage import fourier_shift
except ImportError:
    print("import")
for name in ("fourier_shift", "made_up"):
    try:
        getattr(ndimage, name)
    except AttributeError as error:
        print("pip install scipy" in str(error))
"""
    assert run(code) == ["True", "False", "import", "True", "False"]
