# SPDX-License-Identifier: Apache-2.0
"""A case: one job, the calls that do it, and the answer they are held to."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import voxkern as vk

Call = Callable[[], Any]
OnThreads = Callable[[int], Any]  # a call that takes the number of threads
Build = Callable[[], "Case"]

# The order of the page; other lists follow.
FAMILIES = (
    "resample",
    "labels",
    "ndimage",
    "correlate",
    "derivatives",
    "extrema",
    "n4",
    "intensity",
    "components",
    "measurements",
    "morphology",
    "distance",
    "agreement",
    "conv3d",
    "pool3d",
    "norm",
    "dense",
    "networks",
    "load",
    "pipelines",
)
ONE_THREAD = ("scipy", "skimage", "batchgenerators", "pydicom", "nibabel", "numpy")  # peers without threads


class Slope(NamedTuple):
    """Two calls that differ by ``steps`` iterations: their difference is what a step takes."""

    few: Call
    many: Call
    steps: int


def as_array(result: Any) -> Any:
    """Return any tool's image as an array."""
    if type(result).__module__.startswith("SimpleITK"):
        import SimpleITK as sitk

        return sitk.GetArrayFromImage(result)
    return np.asarray(result)


def relative_error(got: Any, want: Any) -> float:
    """Return the largest difference, relative to the range of ``want``."""
    want = np.asarray(want, np.float64)
    return float(np.max(np.abs(np.asarray(got, np.float64) - want)) / (want.max() - want.min()))


class WrongAnswer(AssertionError):
    """Our answer is further from the right one than its case allows; it is not timed."""


@dataclass(frozen=True)
class Case:
    """One job. It gives one row per peer, and none without peers; a peer's name starts with its package.

    A peer is prepared before it is timed: ``peers[name](threads)`` makes its inputs and returns the call.
    """

    size: str
    ours: OnThreads
    want: Call  # the answer in float64
    peers: dict[str, Callable[[int], Call]] = field(default_factory=dict)
    moved: int = 0  # bytes read and written at least once
    products: int = 0  # multiplications and additions of the plain formula
    tolerance: float = 1e-5
    error: Callable[[Any, Any], float] = relative_error
    result: Callable[[Any], Any] = as_array  # from what a call returns to what ``want`` returns
    # By name, for so many threads: what a step takes is timed, not the whole call.
    slopes: dict[str, Callable[[int], Slope]] = field(default_factory=dict)
    one_thread: tuple[str, ...] = ONE_THREAD

    def checked(self, got: Any, want: Any) -> float:
        """Return the error of our answer, which is within the tolerance."""
        array = self.result(got)
        error = self.error(array, want) if array.shape == np.shape(want) else None
        if error is None or not error <= self.tolerance:
            raise WrongAnswer(f"{self.size}: error {error}, allowed {self.tolerance:g}")
        return error


def beside(peer: str, build: Build) -> Case:
    """Return a case with one of its peers: enough to tell what other data cost us."""
    case = build()
    return replace(case, peers={peer: case.peers[peer]})


def by_default(call: Call) -> OnThreads:
    """Return a call that takes the number of threads, of one that obeys the default only."""

    def on_threads(threads: int) -> Any:
        vk.set_num_threads(threads)
        return call()

    return on_threads


def timed(call: Call) -> float:
    """Return the seconds one call takes; what it returns is freed after the clock stops."""
    start = time.perf_counter()
    _kept = call()
    return time.perf_counter() - start


def size_of(*shapes: tuple[int, ...], dtype: Any) -> str:
    """Return such as ``256^3 -> 320^3 float32``."""
    texts = [f"{s[0]}^{len(s)}" if len(s) > 1 and len(set(s)) == 1 else "x".join(map(str, s)) for s in shapes]
    return f"{' -> '.join(texts)} {np.dtype(dtype)}"


def simpleitk(threads: int) -> Any:
    """Return SimpleITK, limited to so many threads."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return sitk


def torch(threads: int) -> Any:
    """Return torch, limited to so many threads."""
    module = importlib.import_module("torch")
    module.set_num_threads(threads)
    return module


def volresample(threads: int) -> Any:
    """Return volresample, limited to so many threads."""
    module = importlib.import_module("volresample")
    module.set_num_threads(threads)
    return module


def families(older: bool = False) -> dict[str, Any]:
    """Return name -> module of each list of cases; an ``older`` build may lack what some of them use."""
    found = {path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__", "case"}
    modules = {}
    for name in [*FAMILIES, *sorted(found - set(FAMILIES))]:
        try:
            modules[name] = importlib.import_module(f"benchmarks.cases.{name}")
        except ModuleNotFoundError:
            if not older:
                raise
    return modules


def builders(quick: bool, slow: bool, only: str = "", older: bool = False) -> dict[str, tuple[str, Build]]:
    """Return name -> (family, builder) of each case whose name or family contains ``only``."""
    return {
        name: (family, build)
        for family, module in families(older).items()
        for name, build in module.cases(quick, slow).items()
        if only in f"{family}: {name}"
    }
