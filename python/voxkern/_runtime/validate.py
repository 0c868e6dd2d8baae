# SPDX-License-Identifier: Apache-2.0
"""Checks of arguments that are no images, shared by all public functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import Boundary, Interpolator, SincWindow
from .backend import host_array
from .errors import ArgumentError, ArgumentTypeError, shown

Array = NDArray[Any]

KERNEL_DTYPES = frozenset("?bBhHiIlLqQfd")
REAL_DTYPES = KERNEL_DTYPES | {"e"}  # what intensities and masks may be
NUMBER_DTYPES = REAL_DTYPES - {"?"}  # what mapped intensities may be written as
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

SPLINES = {"nearest": 0, "linear": 1, "cubic": 3}
WINDOWS = ("lanczos", "hamming", "cosine", "welch", "blackman")
CLIPS = (False, True, "slice")


def thread_count(threads: Any, name: str = "threads") -> int:
    """Return ``threads`` as the kernels take it; 0 for None."""
    if threads is None:
        return 0
    try:
        count = operator.index(threads)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST_THREADS:
        raise ArgumentError(
            f"{name}: got {shown(threads)}, allowed None or a whole number, 1 to {_MOST_THREADS}"
        )
    return count


def normalize_axes(axes: int | Iterable[int] | None, ndim: int, name: str = "axes") -> tuple[int, ...]:
    """Return ``axes`` as distinct non-negative numbers; None means all."""
    if axes is None:
        return tuple(range(ndim))
    try:
        chosen = tuple(map(operator.index, axes if isinstance(axes, Iterable) else (axes,)))
    except TypeError:
        chosen = ()
    if not chosen:
        raise ArgumentTypeError(f"{name}: got {shown(axes)}, allowed whole numbers, one or more")
    result = []
    for axis in chosen:
        if not -ndim <= axis < ndim:
            raise ArgumentError(f"{name}: got {axis}, allowed {-ndim} to {ndim - 1}")
        result.append(axis % ndim)
    if len(set(result)) != len(result):
        raise ArgumentError(f"{name}: got {chosen}, allowed each axis once")
    return tuple(result)


def per_axis(value: Any, count: int, name: str, kind: type = float) -> tuple[Any, ...]:
    """Return a scalar or sequence as one finite value per axis."""
    if isinstance(value, int | float):  # most calls; NumPy would take as long as a small image
        values = [number(value, name)] * count
    else:
        array = host_array(value, name, np.float64)
        if array.ndim > 1 or (array.ndim == 1 and len(array) != count):
            raise ArgumentError(f"{name}: got {shown(value)}, allowed one number or {count} numbers")
        values = np.broadcast_to(array, (count,)).tolist()
    if not all(map(math.isfinite, values)):
        raise ArgumentError(f"{name}: got {shown(value)}, allowed finite numbers")
    if kind is int and not all(v.is_integer() for v in values):
        raise ArgumentError(f"{name}: got {shown(value)}, allowed whole numbers")
    return tuple(map(kind, values))


def number(value: Any, name: str) -> float:
    """Return a real number; text is none."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentTypeError(f"{name}: got {shown(value)}, allowed a number") from None


def whole_number(value: Any, name: str) -> int:
    """Return an integer, which a float may hold."""
    try:
        return operator.index(value)
    except TypeError:
        real = number(value, name)
    if not real.is_integer():
        raise ArgumentError(f"{name}: got {shown(value)}, allowed whole numbers")
    return int(real)


def outside_value(cval: Any) -> complex:
    """Return the value of what lies outside."""
    try:
        if isinstance(cval, str | bytes):
            raise TypeError
        return complex(cval)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentTypeError(f"cval: got {shown(cval)}, allowed a number") from None


def spline_order(order: Any) -> int | None:
    """Return the order of a spline, given as a number or by name; None where ``order`` is no spline's."""
    if isinstance(order, str):
        return SPLINES.get(order)
    whole = isinstance(order, int | np.integer) and not isinstance(order, bool)
    return int(order) if whole and 0 <= order <= 5 else None


def interpolator(order: Any) -> Any:
    """Return the interpolation that an ``order`` names: a spline's, or a windowed sinc such as "lanczos3"."""
    spline = spline_order(order)
    if spline is not None:
        return Interpolator(spline)
    if isinstance(order, str):
        name, radius = (order[:-1], int(order[-1])) if order.endswith(tuple("12345")) else (order, 5)
        if name in WINDOWS:
            return Interpolator(0, SincWindow[name], radius)
    raise ArgumentError(
        f"order: got {shown(order)}, allowed 0 to 5, {', '.join(SPLINES)}, area (resample alone), or "
        f"{', '.join(WINDOWS)} with a radius of 1 to 5 (lanczos3)"
    )


def word(value: Any, name: str, words: Iterable[str]) -> None:
    """Refuse what is none of the words."""
    if not isinstance(value, str) or value not in words:
        raise ArgumentError(f"{name}: got {shown(value)}, allowed {', '.join(words)}")


def flag(value: Any, name: str) -> bool:
    """Return a truth value; what merely counts as one, any text say, is none."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentTypeError(f"{name}: got {shown(value)}, allowed True or False")
    return bool(value)


def check_clip(clip: Any) -> None:
    """Refuse what does not say how results are limited."""
    if not isinstance(clip, bool | np.bool_ | str) or clip not in CLIPS:
        raise ArgumentError(f"clip: got {shown(clip)}, allowed {', '.join(map(repr, CLIPS))}")


def boundary(mode: Any) -> Boundary:
    """Return the mode that interpolation knows by this name."""
    word(mode, "mode", INTERPOLATION_MODES)
    return INTERPOLATION_MODES[mode]


def connected_neighbours(ndim: int, connectivity: int) -> Array:
    """Return which of the 3 x ... x 3 neighbours lie at most ``connectivity`` steps along axes away."""
    steps = np.abs(np.indices((3,) * ndim) - 1).sum(axis=0)
    connected: Array = steps <= connectivity
    return connected
