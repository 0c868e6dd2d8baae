# SPDX-License-Identifier: Apache-2.0
"""A case: one job, the calls that do it, and the answer they are held to."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Call = Callable[[], Any]
Build = Callable[[int], "Case"]  # takes the number of threads

FAMILIES = ("resample", "labels", "ndimage", "n4", "load")
ONE_THREAD = ("scipy", "skimage", "batchgenerators", "pydicom", "nibabel")  # peers without threads


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


@dataclass(frozen=True)
class Case:
    """One job. It gives one row per peer; a peer's name starts with the package to import.

    A peer is prepared before it is timed: ``peers[name]()`` makes its inputs and returns the timed call.
    """

    size: str
    ours: Call
    want: Call  # the answer in float64
    peers: dict[str, Callable[[], Call]]
    moved: int = 0  # bytes read and written at least once
    tolerance: float = 1e-5
    rounds: int = 5
    error: Callable[[Any, Any], float] = relative_error
    result: Callable[[Any], Any] = as_array  # from what a call returns to what ``want`` returns
    seconds: dict[str, Callable[[], float]] = field(default_factory=dict)  # by name: not the whole call
    one_thread: tuple[str, ...] = ONE_THREAD


def timed(call: Call) -> float:
    """Return the seconds one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


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


def builders(quick: bool, slow: bool, only: str = "") -> dict[str, tuple[str, Build]]:
    """Return name -> (family, builder) of each case whose name or family contains ``only``."""
    found: dict[str, tuple[str, Build]] = {}
    for family in FAMILIES:
        cases = importlib.import_module(f"benchmarks.peers.{family}").cases(quick, slow)
        found |= {name: (family, build) for name, build in cases.items() if only in f"{family}: {name}"}
    return found
