# SPDX-License-Identifier: Apache-2.0
"""Checks and conversions of arguments, shared by all public functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import Boundary, Interpolator, SincWindow
from .errors import ArgumentError, ArgumentTypeError

Array = NDArray[Any]

KERNEL_DTYPES = frozenset("?bBhHiIlLqQfd")
SAMPLED_DTYPES = KERNEL_DTYPES | frozenset("eFD")  # what interpolation takes besides
LABEL_DTYPES = KERNEL_DTYPES - frozenset("fd")

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


def kernel_array(x: Any, name: str, dtypes: frozenset[str] = KERNEL_DTYPES) -> Array:
    """Return ``x`` as an array the kernels read in place.

    Strided, reversed, Fortran-ordered, read-only and memory-mapped arrays pass as they are. Only
    foreign byte order and misaligned data are copied.
    """
    array = np.asarray(x)
    if array.dtype.char not in dtypes:
        more = {SAMPLED_DTYPES: ", float16, float32, float64 and complex", LABEL_DTYPES: ""}
        floats = more.get(dtypes, ", float32 and float64")
        raise ArgumentTypeError(f"{name}: got dtype {array.dtype}, allowed bool, integers{floats}")
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


def output_array(out: Any, shape: tuple[int, ...], like: Array, dtypes: frozenset[str]) -> Array:
    """Return ``out`` if it can be written to, or a new array of the dtype and memory order of ``like``."""
    if out is None:
        return np.empty_like(like, shape=shape)
    if not isinstance(out, np.ndarray):
        raise ArgumentTypeError(f"out: got {type(out).__name__}, allowed a NumPy array")
    if out.shape != shape:
        raise ArgumentError(f"out: got shape {out.shape}, allowed {shape}")
    if out.dtype.char not in dtypes:
        raise ArgumentTypeError(f"out: got dtype {out.dtype}, allowed what the function takes")
    if (out.dtype.kind == "c") != (like.dtype.kind == "c"):
        raise ArgumentTypeError(f"out: got dtype {out.dtype}, allowed complex where the input is, else real")
    check_no_overlap(like, out)
    return out


def real_parts(x: Array, out: Array) -> list[tuple[Array, Array]]:
    """Return what the kernels see of input and output: both, or the parts of complex numbers one by one."""
    if out.dtype.kind != "c":
        return [(x, out)]
    return [(x.real, out.real), (x.imag, out.imag)]


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


def check_no_overlap(x: Array, out: Array) -> None:
    """Refuse an output that shares memory with the input."""
    if np.may_share_memory(x, out):
        raise ArgumentError("out: got memory shared with the input, allowed separate arrays")
