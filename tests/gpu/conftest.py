# SPDX-License-Identifier: Apache-2.0
"""GPU tests run with CuPy on a GPU, or without either on the executor with a stand-in for CuPy."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

import voxkern as vk

STANDIN = Path(__file__).parent / "standin"


def _executor():
    try:
        return importlib.import_module("voxkern._cuda").executor
    except (ImportError, AttributeError):
        return None


def _why_not() -> str:
    """Return why no GPU test can run, and make ``import cupy`` find the stand-in where it shall."""
    has_cupy = importlib.util.find_spec("cupy") is not None
    if _executor() is None:
        usable = has_cupy and vk.cuda_available()
        return "" if usable else "needs CuPy and a GPU, or a build with VOXKERN_CUDA=EXECUTOR"
    if has_cupy:
        return "CuPy is installed: its arrays cannot live on the executor"
    sys.path.insert(0, str(STANDIN))
    return ""


REASON = _why_not()


@pytest.fixture(autouse=True)
def gpu():
    """Skip where no GPU test can run."""
    if REASON:
        pytest.skip(REASON)


@pytest.fixture
def executor():
    """The executor, with streams eager and threads in order; settings are put back."""
    found = _executor()
    if found is None:
        pytest.skip("needs a build with VOXKERN_CUDA=EXECUTOR")
    before = found.order(), found.streams()
    found.set_order("forward")
    found.set_streams("eager")
    yield found
    found.set_order(before[0])
    found.set_streams(before[1])
    found.clear_error()
