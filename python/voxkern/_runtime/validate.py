# SPDX-License-Identifier: Apache-2.0
"""Checks of arguments that are no images, shared by all public functions."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import Boundary, Interpolator, SincWindow
from .backend import host_array
from .errors import ArgumentError

Array = NDArray[Any]

KERNEL_DTYPES = frozenset("?bBhHiIlLqQfd")
SAMPLED_DTYPES = KERNEL_DTYPES | frozenset("eFD")  # what interpolation takes besides
LABEL_DTYPES = KERNEL_DTYPES - frozenset("fd")

_MOST_THREADS = 2**31 - 1  # what the kernels' argument holds

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


def thread_count(threads: Any, name: str = "threads") -> int:
    """Return ``threads`` as the kernels take it; 0 for None."""
    if threads is None:
        return 0
    try:
        count = operator.index(threads)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST_THREADS:
        raise ArgumentError(f"{name}: got {threads!r}, allowed None or a whole number, 1 to {_MOST_THREADS}")
    return count


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
    values = host_array(value, name, np.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != count):
        raise ArgumentError(f"{name}: got {value!r}, allowed one number or {count} numbers")
    if not np.all(np.isfinite(values)):
        raise ArgumentError(f"{name}: got {value!r}, allowed finite numbers")
    if kind is int and np.any(values != np.rint(values)):
        raise ArgumentError(f"{name}: got {value!r}, allowed whole numbers")
    return tuple(kind(v) for v in np.broadcast_to(values, (count,)))


def interpolator(order: Any) -> Any:
    """Return the interpolation that an ``order`` names: a spline's, or a windowed sinc such as "lanczos3"."""
    if isinstance(order, str):
        name, radius = (order[:-1], int(order[-1])) if order[-1:].isdigit() else (order, 5)
        if name in ("hamming", "cosine", "welch", "lanczos", "blackman") and 1 <= radius <= 5:
            return Interpolator(0, SincWindow[name], radius)
    elif isinstance(order, int | np.integer) and not isinstance(order, bool) and 0 <= order <= 5:
        return Interpolator(int(order))
    raise ArgumentError(
        f"order: got {order!r}, allowed 0 to 5, or lanczos, hamming, cosine, welch, blackman with a radius "
        "of 1 to 5 (lanczos3)"
    )


def boundary(mode: str) -> Boundary:
    """Return the mode that interpolation knows by this name."""
    if mode not in INTERPOLATION_MODES:
        raise ArgumentError(f"mode: got {mode!r}, allowed {', '.join(sorted(INTERPOLATION_MODES))}")
    return INTERPOLATION_MODES[mode]
