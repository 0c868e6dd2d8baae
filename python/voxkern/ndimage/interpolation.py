# SPDX-License-Identifier: Apache-2.0
"""Spline interpolation along the axes, drop-in for ``scipy.ndimage``: `zoom`, `shift` and the prefilter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._runtime import validate
from .._space.volume import Volume
from ._common import Array, as_input, as_output, one_axis, per_axis

_AT_ONCE = 3  # axes the kernel interpolates in one call


def spline_filter1d(
    input: ArrayLike,
    order: int = 3,
    axis: int = -1,
    output: Any = np.float64,
    mode: str = "mirror",
    *,
    threads: int | None = None,
) -> Any:
    """Turn samples into spline coefficients along one axis.

    Parameters
    ----------
    input : array_like
        Bool, integer, float32, float64 or complex; any number of axes, any memory order.
    order : int
        Spline order, 0 to 5; 0 and 1 copy.
    axis : int
        Axis to filter along.
    output : array or dtype
        Where to write, or the dtype of the result.
    mode : {"mirror", "reflect", "nearest", "constant", "wrap", "grid-..."}
        How the line continues beyond its ends.
    threads : int, optional
        Default: see `voxkern.set_num_threads`.

    Returns
    -------
    array
        Same shape as ``input``; float64 unless ``output`` says otherwise.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.spline_filter1d``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.spline_filter1d([0.0, 0.0, 1.0, 0.0, 0.0]).round(3)
    array([ 0.25, -0.5 ,  1.75, -0.5 ,  0.25])
    """
    array = as_input(input)
    check_order(order)
    filtered = [one_axis(axis, array.ndim)] if array.ndim else []
    return _coefficients(input, array, order, filtered, output, mode, threads)


def spline_filter(
    input: ArrayLike,
    order: int = 3,
    output: Any = np.float64,
    mode: str = "mirror",
    *,
    threads: int | None = None,
) -> Any:
    """Turn samples into spline coefficients along every axis.

    Parameters
    ----------
    input, output, mode, threads
        As in `spline_filter1d`.
    order : int
        Spline order, 2 to 5.

    Returns
    -------
    array
        Same shape as ``input``; float64 unless ``output`` says otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.spline_filter(np.eye(3)).round(1)
    array([[ 4.1, -3. ,  1.9],
           [-3. ,  4.5, -3. ],
           [ 1.9, -3. ,  4.1]])
    """
    if order < 2 or order > 5:
        raise RuntimeError("spline order not supported")
    array = as_input(input)
    return _coefficients(input, array, order, list(range(array.ndim)), output, mode, threads)


def shift(
    input: ArrayLike,
    shift: float | Sequence[float],
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    threads: int | None = None,
) -> Any:
    """Shift an array by any number of samples along each axis.

    Parameters
    ----------
    input : array_like
        As in `spline_filter1d`.
    shift : float or sequence
        Samples towards higher indices; one value, or one per axis.
    output : array or dtype, optional
        Where to write, or the dtype of the result; integers are rounded half away from zero.
    order : int
        Spline order, 0 to 5.
    mode : {"constant", "nearest", "mirror", "reflect", "wrap", "grid-..."}
        What lies beyond the array.
    cval : float
        Value outside for ``constant``.
    prefilter : bool
        False: ``input`` holds spline coefficients already.
    threads : int, optional
        Default: see `voxkern.set_num_threads`.

    Returns
    -------
    array
        Same shape as ``input``. A `Volume` keeps its anatomy in place: its affine moves with the grid.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.shift([0.0, 1.0, 4.0, 9.0], 0.5, order=1)
    array([0. , 0.5, 2.5, 6.5])
    """
    array = _interpolated(input, order)
    moves = per_axis(shift, array.ndim)
    grid = [_Axis(n, 1.0, -float(s)) for n, s in zip(array.shape, moves, strict=True)]
    return _sample(input, array, grid, output, order, mode, cval, prefilter, threads)


def zoom(
    input: ArrayLike,
    zoom: float | Sequence[float],
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
    threads: int | None = None,
) -> Any:
    """Enlarge or shrink an array.

    Parameters
    ----------
    input, output, order, mode, cval, prefilter, threads
        As in `shift`.
    zoom : float or sequence
        Factor of each axis; n samples become ``round(n * zoom)``.
    grid_mode : bool
        Keep the extent of the samples' cells; without it, the outermost samples stay where they are.

    Returns
    -------
    array
        The zoomed input; a `Volume` with the affine of the grid that was sampled.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.zoom([0.0, 2.0, 4.0], 5 / 3, order=1)
    array([0., 1., 2., 3., 4.])
    """
    array = _interpolated(input, order)
    factors = per_axis(zoom, array.ndim)
    shape = tuple(round(n * z) for n, z in zip(array.shape, factors, strict=True))
    if all(z == 1 for z in factors) and prefilter:
        out = as_output(array, output, shape)
        out[...] = array
        return input.with_data(out) if isinstance(input, Volume) else out
    if grid_mode and mode in ("constant", "wrap"):
        warnings.warn(
            f"It is recommended to use mode = grid-{mode} instead of {mode} when grid_mode is True.",
            stacklevel=2,
        )
    grid = []
    for n, m in zip(array.shape, shape, strict=True):
        if grid_mode:
            grid.append(_Axis(m, n / m if m else 1.0, centred=True))
        else:
            grid.append(_Axis(m, (n - 1) / (m - 1) if m > 1 else 1.0))
    return _sample(input, array, grid, output, order, mode, cval, prefilter, threads)


# --- what they share ----------------------------------------------------------------------------------


class _Axis:
    """Where the output samples of an axis lie: ``step * i + origin``; centred: on the extent of the cells."""

    def __init__(self, size: int, step: float, origin: float = 0.0, centred: bool = False) -> None:
        self.size, self.step, self._centred = size, step, centred
        self.origin = 0.5 * step - 0.5 if centred else origin

    def coordinates(self) -> NDArray[np.float64]:
        """Return them in the order of operations scipy uses."""
        at = np.arange(self.size, dtype=np.float64)
        return (at + 0.5) * self.step - 0.5 if self._centred else at * self.step + self.origin


def check_order(order: int) -> None:
    """Raise what scipy raises for an order it does not have."""
    if order < 0 or order > 5:
        raise RuntimeError("spline order not supported")


def _interpolated(x: Any, order: int) -> Array:
    check_order(order)
    array = as_input(x)
    if array.ndim < 1:
        raise RuntimeError("input and output rank must be > 0")
    return array


def boundary_of(mode: str) -> Any:
    """Return the mode of this name, or raise what scipy raises."""
    try:
        return validate.INTERPOLATION_MODES["" if mode == "fov" else mode]  # fov is ours, not scipy's
    except (KeyError, TypeError):
        raise RuntimeError("boundary mode not supported") from None


def real_parts(out: Array) -> list[tuple[Callable[[Array], Array], Callable[[complex], float]]]:
    """Return how to get at real parts, and where the output is complex at imaginary ones."""
    if out.dtype.kind != "c":
        return [(lambda a: a, lambda c: float(np.real(c)))]
    return [(lambda a: a.real, lambda c: float(np.real(c))), (lambda a: a.imag, lambda c: float(np.imag(c)))]


def target_for(array: Array, out: Array) -> Array:
    """Return where the kernel writes: the output itself, unless it cannot or must not."""
    supported = out.dtype.kind == "c" or out.dtype.char in validate.KERNEL_DTYPES
    if not supported:
        raise RuntimeError(f"data type not supported: {out.dtype}")
    if out.dtype.isnative and out.flags.aligned and not np.may_share_memory(array, out):
        return out
    return np.empty(out.shape, out.dtype.newbyteorder("="))


def _coefficients(
    x: Any, array: Array, order: int, axes: list[int], output: Any, mode: str, threads: int | None
) -> Any:
    out = as_output(array, output)
    boundary = boundary_of(mode)
    if order < 2 or array.size == 0 or not axes:
        out[...] = array
        return x.with_data(out) if isinstance(x, Volume) else out
    target = target_for(array, out)
    for part, _ in real_parts(out):
        source = part(array)
        for k in range(0, len(axes), _AT_ONCE):
            chosen = axes[k : k + _AT_ONCE]
            last = k + _AT_ONCE >= len(axes)
            step = part(target) if last else np.empty(array.shape)
            samplings = [
                _core.AxisSampling(np.arange(n), 0.0, a in chosen) for a, n in enumerate(array.shape)
            ]
            _run(source, step, samplings, order, boundary, 0.0, True, threads)
            source = step
    if target is not out:
        out[...] = target
    return x.with_data(out) if isinstance(x, Volume) else out


def _sample(
    x: Any,
    array: Array,
    grid: list[_Axis],
    output: Any,
    order: int,
    mode: str,
    cval: complex,
    prefilter: bool,
    threads: int | None,
) -> Any:
    points = [axis.coordinates() for axis in grid]
    out = sample_on_axes(array, points, output, order, mode, cval, prefilter, threads)
    return placed_on_axes(x, out, [axis.step for axis in grid], [axis.origin for axis in grid])


def sample_on_axes(
    array: Array,
    coordinates: list[NDArray[np.float64]],
    output: Any,
    order: int,
    mode: str,
    cval: complex,
    prefilter: bool,
    threads: int | None,
) -> Array:
    """Interpolate at a grid of coordinates, at most three axes at a time."""
    shape = tuple(len(c) for c in coordinates)
    out = as_output(array, output, shape)
    boundary = boundary_of(mode)
    if out.size == 0:
        return out
    target = target_for(array, out)
    filtered = order > 1 and prefilter
    moved = [
        a
        for a, c in enumerate(coordinates)
        if not np.array_equal(c, np.arange(array.shape[a])) or (order > 1 and not filtered)
    ]
    for part, real in real_parts(out):
        source = part(array)
        for k in range(0, max(len(moved), 1), _AT_ONCE):
            chosen = moved[k : k + _AT_ONCE]
            last = k + _AT_ONCE >= len(moved)
            sizes = [shape[a] if a in chosen else n for a, n in enumerate(source.shape)]
            step = part(target) if last else np.empty(sizes)
            at = [coordinates[a] if a in chosen else np.arange(n) for a, n in enumerate(source.shape)]
            samplings = [_core.AxisSampling(np.asarray(c, np.float64)) for c in at]
            _run(source, step, samplings, order, boundary, real(cval), filtered or order < 2, threads)
            source = step
    if target is not out:
        out[...] = target
    return out


def placed_on_axes(x: Any, out: Array, steps: Sequence[float], origins: Sequence[float]) -> Any:
    """Return a `Volume` for a `Volume`, with the affine of the grid that was sampled."""
    if not isinstance(x, Volume):
        return out
    index_map = np.diag([*steps[:3], 1.0])
    index_map[:3, 3] = origins[:3]
    return x.with_data(out, x.affine @ index_map)


def _run(
    source: Array,
    target: Array,
    samplings: list[Any],
    order: int,
    boundary: Any,
    cval: float,
    prefilter: bool,
    threads: int | None,
) -> None:
    # Integers in float64, as scipy: their rounding would show the difference.
    wide = source.dtype.kind != "f" or target.dtype.kind != "f"
    count = validate.thread_count(threads)
    kernel = _core.Interpolator(order)
    _core.resample(source, target, samplings, kernel, boundary, cval, prefilter, False, count, wide)
