# SPDX-License-Identifier: Apache-2.0
"""Where kernels run in tests: each ISA level of the processor, and CUDA.

CUDA is CuPy on a GPU, or without either the executor with a stand-in for CuPy. In the environment,
``VOXKERN_TEST_LEVELS=best`` lets the best level stand for all: none depends on the Python that calls it.
"""

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import voxkern as vk
from voxkern import _core
from voxkern._runtime.backend import backend_of

STANDIN = Path(__file__).parent / "gpu" / "standin"


def executor():
    """Return the executor's settings and counters; None where _cuda is not compiled for it."""
    try:
        return importlib.import_module("voxkern._cuda").executor
    except (ImportError, AttributeError):
        return None


def _why_no_cuda() -> str:
    """Return why no GPU test can run, and make ``import cupy`` find the stand-in where it shall."""
    has_cupy = importlib.util.find_spec("cupy") is not None
    if executor() is None:
        usable = has_cupy and vk.cuda_available()
        return "" if usable else "needs CuPy and a GPU, or a build with VOXKERN_CUDA=EXECUTOR"
    if has_cupy:
        return "CuPy is installed: its arrays cannot live on the executor"
    sys.path.insert(0, str(STANDIN))
    return ""


NO_CUDA = _why_no_cuda()
LEVELS = _core.cpu_levels()[-1 if os.environ.get("VOXKERN_TEST_LEVELS") == "best" else 0 :]
NAMES = [*LEVELS, *([] if NO_CUDA else ["cuda"])]


@contextmanager
def cpu_level(name: str) -> Iterator[None]:
    """Run at an instruction-set level of the processor; the one before is set again, whatever happens."""
    before = _core.active_cpu_level()
    _core.set_cpu_level(name)
    try:
        yield
    finally:
        _core.set_cpu_level(before)


@dataclass(frozen=True)
class Backend:
    """A back end: its module, what takes NumPy arrays in and out, its arrays, its last argument."""

    name: str
    kernels: ModuleType
    give: Callable[[Any], Any]
    take: Callable[[Any], Any]
    empty: Callable[..., Any]
    last_argument: Callable[[], int]

    def __call__(self, function, x, *args, **kwargs):
        """Return what a public function makes of ``x`` here, as a NumPy array."""
        return self.take(function(self.give(x), *args, **kwargs))


def make(name: str) -> Backend:
    """Return the back end of this name; that of a level is what runs once the level is set."""
    if name != "cuda":
        return Backend(name, _core, lambda x: x, lambda x: x, np.empty, lambda: 0)
    cupy = importlib.import_module("cupy")
    cuda = backend_of(cupy.empty(0), "x")
    return Backend(
        name, cuda.kernels, cupy.asarray, cupy.asnumpy, cupy.empty, functools.partial(cuda.last_argument, 0)
    )
