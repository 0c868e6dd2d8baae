# SPDX-License-Identifier: Apache-2.0
"""Checks and conversions of arguments, shared by all public functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import Boundary
from ._errors import ArgumentError, ArgumentTypeError

Array = NDArray[Any]

KERNEL_DTYPES = frozenset("?bBhHiIlLqQfd")

FILTER_MODES = {
    "reflect": Boundary.reflect,
    "grid-mirror": Boundary.reflect,
    "constant": Boundary.constant,
    "grid-constant": Boundary.constant,
    "nearest": Boundary.nearest,
    "mirror": Boundary.mirror,
    "wrap": Boundary.grid_wrap,
    "grid-wrap": Boundary.grid_wrap,
}

INTERPOLATION_MODES = {
    "reflect": Boundary.reflect,
    "grid-mirror": Boundary.reflect,
    "constant": Boundary.constant,
    "grid-constant": Boundary.grid_constant,
    "nearest": Boundary.nearest,
    "mirror": Boundary.mirror,
    "wrap": Boundary.wrap,
    "grid-wrap": Boundary.grid_wrap,
    "fov": Boundary.fov,
}


def kernel_array(x: Any, name: str) -> Array:
    """Return ``x`` as an array the kernels read in place.

    Strided, reversed, Fortran-ordered, read-only and memory-mapped arrays pass as they are. Only
    foreign byte order and misaligned data are copied.
    """
    array = np.asarray(x)
    if array.dtype.char not in KERNEL_DTYPES:
        raise ArgumentTypeError(
            f"{name}: got dtype {array.dtype}, allowed bool, integers, float32 and float64"
        )
    if not array.dtype.isnative or not array.flags.aligned:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


def thread_count(threads: int | None) -> int:
    """Return ``threads`` as the kernels take it: 0 for the default number."""
    if threads is None:
        return 0
    if threads < 1:
        raise ArgumentError(f"threads: got {threads}, allowed at least 1 or None")
    return int(threads)


def normalize_axes(axes: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return ``axes`` as distinct non-negative numbers; None means all."""
    if axes is None:
        return tuple(range(ndim))
    chosen = (axes,) if isinstance(axes, int | np.integer) else tuple(axes)
    result = []
    for axis in chosen:
        if not -ndim <= axis < ndim:
            raise ArgumentError(f"axes: got {axis}, allowed {-ndim} to {ndim - 1}")
        result.append(int(axis) % ndim)
    if len(set(result)) != len(result):
        raise ArgumentError(f"axes: got {chosen}, allowed each axis once")
    return tuple(result)


def per_axis(value: Any, count: int, name: str, kind: type = float) -> tuple[Any, ...]:
    """Return a scalar or sequence as one finite value per axis."""
    values = np.asarray(value, dtype=np.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != count):
        raise ArgumentError(f"{name}: got {value!r}, allowed one number or {count} numbers")
    if not np.all(np.isfinite(values)):
        raise ArgumentError(f"{name}: got {value!r}, allowed finite numbers")
    if kind is int and np.any(values != np.rint(values)):
        raise ArgumentError(f"{name}: got {value!r}, allowed whole numbers")
    return tuple(kind(v) for v in np.broadcast_to(values, (count,)))


def check_no_overlap(x: Array, out: Array) -> None:
    """Refuse an output that shares memory with the input."""
    if np.may_share_memory(x, out):
        raise ArgumentError("out: got memory shared with the input, allowed separate arrays")
