# SPDX-License-Identifier: Apache-2.0
"""Spline interpolation along the axes, drop-in for ``scipy.ndimage``: `zoom`, `shift` and the prefilter."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import AxisSampling, Interpolator, ResampleOptions, SplineFilterOptions
from .._runtime.texts import documented
from .._runtime.validate import Array
from ._common import (
    DTYPES,
    Call,
    check_order,
    computes_in_float64,
    interpolation_mode,
    normalized_axis,
    value_per_axis,
)

_INTERPOLATORS = [Interpolator(order) for order in range(6)]


@documented
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
    {input}
    order : int
        Spline order, 0 to 5; 0 and 1 copy.
    {axis}
    {coefficient_output}
    {coefficient_mode}
    {threads}

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
    call = Call("spline_filter1d", "spline_filter", threads=threads)
    x = call.enter(input, "input", DTYPES)
    check_order(order)
    axes = [normalized_axis(axis, x.ndim)] if x.ndim else []
    return _coefficients(call, x, order, axes, output, mode)


@documented
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
    {input}
    order : int
        Spline order, 2 to 5.
    {coefficient_output}
    {coefficient_mode}
    {threads}

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
    call = Call("spline_filter", "spline_filter", threads=threads)
    x = call.enter(input, "input", DTYPES)
    return _coefficients(call, x, order, list(range(x.ndim)), output, mode)


@documented
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
    {input}
    shift : float or sequence
        Samples towards higher indices; one value, or one per axis.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    {threads}

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
    check_order(order)
    call = Call("shift", "resample", threads=threads)
    x = enter_image(call, input)
    moves = value_per_axis(shift, x.ndim)
    grid = (_axis_for(_shifted_axis, n, float(s)) for n, s in zip(x.shape, moves, strict=True))
    return sample_on_axes(call, x, x.shape, grid, output, order, mode, cval, prefilter)


@documented
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
    {input}
    zoom : float or sequence
        Factor of each axis; n samples become ``round(n * zoom)``.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    grid_mode : bool
        Keep the extent of the samples' cells; without it, the outermost samples stay where they are.
    {threads}

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
    check_order(order)
    call = Call("zoom", "resample", threads=threads)
    x = enter_image(call, input)
    factors = value_per_axis(zoom, x.ndim)
    shape = tuple(round(n * z) for n, z in zip(x.shape, factors, strict=True))
    if all(z == 1 for z in factors) and prefilter:
        out = call.scipy_output(output, shape, x)
        out[...] = x
        return call.leave(out)
    if grid_mode and mode in ("constant", "wrap"):
        warnings.warn(
            f"It is recommended to use mode = grid-{mode} instead of {mode} when grid_mode is True.",
            stacklevel=2,
        )
    grid = (_axis_for(_zoomed_axis, m, n, grid_mode) for n, m in zip(x.shape, shape, strict=True))
    return sample_on_axes(call, x, shape, grid, output, order, mode, cval, prefilter)


# --- what they share ----------------------------------------------------------------------------------


class GridAxis(NamedTuple):
    """Where the output samples of an axis lie: ``step * i + origin``, in scipy's order of operations."""

    sampling: AxisSampling
    step: float
    origin: float


def _axis_for(make: Any, size: int, *arguments: Any) -> GridAxis:
    """Return an axis of so many samples; short ones are kept for the next call."""
    axis: GridAxis = (make if size <= 1024 else make.__wrapped__)(size, *arguments)
    return axis


@functools.lru_cache(maxsize=64)
def _shifted_axis(m: int, by: float) -> GridAxis:
    return GridAxis(AxisSampling(np.arange(m) - by), 1.0, -by)


@functools.lru_cache(maxsize=64)
def _zoomed_axis(m: int, n: int, grid_mode: bool) -> GridAxis:
    index = np.arange(m, dtype=np.float64)
    if grid_mode:
        step = n / m if m else 1.0
        return GridAxis(AxisSampling((index + 0.5) * step - 0.5), step, 0.5 * step - 0.5)
    step = (n - 1) / (m - 1) if m > 1 else 1.0
    return GridAxis(AxisSampling(index * step), step, 0.0)


def enter_image(call: Call, input: Any) -> Array:
    """Return the image to interpolate; it needs an axis."""
    x = call.enter(input, "input", DTYPES)
    if x.ndim < 1:
        raise RuntimeError("input and output rank must be > 0")
    return x


def _coefficients(call: Call, x: Array, order: int, axes: list[int], output: Any, mode: str) -> Any:
    out = call.scipy_output(output, x.shape, x)
    boundary = interpolation_mode(mode)
    if order in (0, 1) or x.size == 0 or not axes:
        out[...] = x
        return call.leave(out)
    order = operator.index(order)
    for source, target, _ in call.parts(x, out):
        if target.dtype.kind == "f":
            wide = computes_in_float64(x, out)
            options = SplineFilterOptions(axes=axes, order=order, mode=boundary, float64=wide)
            call.run("spline_filter", source, target, options)
            continue
        # scipy keeps the coefficients in the output, cut to whole numbers, from one axis to the next.
        exact = call.empty(x.shape, np.float64)
        for axis in axes:
            options = SplineFilterOptions(axes=[axis], order=order, mode=boundary, float64=True)
            call.run("spline_filter", source, exact, options)
            call.run("correlate1d", exact, target, [], 0.0)
            source = target
    return call.leave(out)


def sample_on_axes(
    call: Call,
    x: Array,
    shape: Sequence[int],
    grid: Iterable[GridAxis],
    output: Any,
    order: int,
    mode: str,
    cval: complex,
    prefilter: bool,
) -> Any:
    """Interpolate on a grid along the axes, and leave with its affine."""
    out = call.scipy_output(output, shape, x)
    boundary = interpolation_mode(mode)
    axes = list(grid)  # once there is room for the result: coordinates may take as much
    samplings = [axis.sampling for axis in axes]
    for source, target, outside in call.parts(x, out, cval) if out.size else ():
        options = ResampleOptions(
            kernel=_INTERPOLATORS[operator.index(order)],
            mode=boundary,
            cval=outside,
            prefilter=prefilter or order < 2,
            float64=computes_in_float64(x, out),
        )
        call.run("resample", source, target, samplings, options)
    if call.affine is None:
        return call.leave(out)
    index_map = np.eye(4)
    for a, axis in enumerate(axes[:3]):
        index_map[a, [a, 3]] = axis.step, axis.origin
    return call.leave(out, index_map=index_map)
