# SPDX-License-Identifier: Apache-2.0
"""A job on the GPU, and the calls of other packages that do it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.cases.case import Call, WrongAnswer, relative_error

OnArrays = Callable[..., Any]  # takes the arrays of a case, of the host or of the device
Build = Callable[[], "Case"]


def to_host(result: Any) -> Any:
    """Return the array of any package as NumPy's."""
    if isinstance(result, np.ndarray):
        return result
    if hasattr(result, "get"):  # CuPy
        return result.get()
    return np.asarray(result.cpu() if hasattr(result, "cpu") else result)  # torch, JAX


@dataclass(frozen=True)
class Case:
    """One job. Its right answer is what ``answer``, or else ``ours``, makes of the arrays of the host.

    A peer's name starts with its package: ``peers[name](*device arrays)`` prepares it and returns the call.
    """

    size: str
    arrays: Callable[[], tuple[Any, ...]]  # of the host
    ours: OnArrays
    peers: dict[str, Callable[..., Call]] = field(default_factory=dict)
    moved: int = 0  # bytes read and written at least once
    goal: str = ""
    tolerance: float = 1e-5
    error: Callable[[Any, Any], float] = relative_error
    result: Callable[[Any], Any] = to_host
    answer: OnArrays | None = None
    on_host: bool = False  # the arrays stay on the host: transfers are part of the job

    def wanted(self, arrays: tuple[Any, ...]) -> Any:
        """Return the right answer."""
        return self.result((self.answer or self.ours)(*arrays))

    def error_of(self, result: Any, want: Any) -> float:
        """Return how far a result is from the right one; infinity for another shape."""
        got = self.result(result)
        return self.error(got, want) if got.shape == want.shape else float("inf")

    def checked(self, result: Any, want: Any) -> float:
        """Return the error of our result, which is within the tolerance."""
        error = self.error_of(result, want)
        if not error <= self.tolerance:
            raise WrongAnswer(f"{self.size}: error {error}, allowed {self.tolerance:g}")
        return error


def package(peer: str) -> str:
    """Return the package that a peer's name starts with."""
    return peer.split()[0]


def is_installed(peer: str) -> bool:
    """Tell whether the package of a peer is here; nothing is imported to know it."""
    return find_spec(package(peer)) is not None


def cupyx(name: str, *args: Any, **options: Any) -> Callable[..., Call]:
    """Prepare a function of ``cupyx.scipy.ndimage``."""

    def prepare(x: Any) -> Call:
        function = getattr(importlib.import_module("cupyx.scipy.ndimage"), name)
        return lambda: function(x, *args, **options)

    return prepare


def cucim(module: str, name: str, *args: Any, **options: Any) -> Callable[..., Call]:
    """Prepare a function of one of cuCIM's modules."""

    def prepare(x: Any) -> Call:
        function = getattr(importlib.import_module(f"cucim.{module}"), name)
        return lambda: function(x, *args, **options)

    return prepare


def torch() -> Any:
    """Return torch, which shall multiply in float32 as written."""
    library = importlib.import_module("torch")
    library.backends.cudnn.allow_tf32 = False
    library.backends.cuda.matmul.allow_tf32 = False
    return library
