# SPDX-License-Identifier: Apache-2.0
"""Every name and parameter of the stand-in exists in the real CuPy, which needs no GPU to be imported."""

import importlib.util
import inspect
import sys
import warnings
from pathlib import Path

import pytest

STANDIN = Path(__file__).parent / "standin"
CLASSES = ["ndarray", "cuda.Event", "cuda.Stream", "cuda.ExternalStream", "cuda.Device"]


@pytest.fixture(autouse=True)
def gpu():
    """These tests need no GPU."""


@pytest.fixture(scope="module")
def pair():
    """Yield the stand-in and the real CuPy."""
    if not hasattr(pytest.importorskip("voxkern._cuda", reason="needs _cuda"), "executor"):
        pytest.skip("needs a build with VOXKERN_CUDA=EXECUTOR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        real = pytest.importorskip("cupy", reason="needs CuPy")
    if str(STANDIN) in str(real.__file__):
        pytest.skip("needs the real CuPy")
    spec = importlib.util.spec_from_file_location("cupy_standin", STANDIN / "cupy" / "__init__.py")
    standin = importlib.util.module_from_spec(spec)
    sys.modules["cupy_standin"] = standin
    spec.loader.exec_module(standin)
    return standin, real


def parameters_of(real) -> str:
    """Return a signature as text; compiled functions tell it in the first line of their docstring."""
    try:
        return str(inspect.signature(real))
    except ValueError:
        return (real.__doc__ or "").partition("\n")[0]


def compare(standin, real, path):
    assert real is not None, path
    if not callable(standin):
        return
    wanted = inspect.signature(standin).parameters.values()
    text = parameters_of(real)
    for parameter in wanted:
        if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
            assert parameter.name in text, f"{path}: {parameter.name} is not in {text}"


def public(of):
    return [n for n in vars(of) if not n.startswith("_")]


def test_functions_and_classes(pair):
    standin, real = pair
    for name in standin.__all__:
        assert hasattr(real, name), name
    for name in ("empty", "asarray", "asnumpy", "copyto"):
        compare(getattr(standin, name), getattr(real, name), name)
    for name in ("Event", "Stream", "ExternalStream", "Device", "get_current_stream", "is_available"):
        compare(getattr(standin.cuda, name), getattr(real.cuda, name), f"cuda.{name}")
    assert callable(real.cuda.runtime.getDeviceCount)


@pytest.mark.parametrize("path", CLASSES)
def test_members(pair, path):
    standin, real = pair
    for part in path.split("."):
        standin, real = getattr(standin, part), getattr(real, part)
    names = [*public(standin), "__enter__"] if hasattr(standin, "__enter__") else public(standin)
    for name in names:
        assert hasattr(real, name), f"{path}.{name}"
        compare(vars(standin).get(name), getattr(real, name), f"{path}.{name}")
    if path == "ndarray":
        for name in ("__cuda_array_interface__", "__dlpack__", "__dlpack_device__", "__len__", "__getitem__"):
            assert hasattr(real, name)
        assert "stream" in parameters_of(real.__dlpack__)
