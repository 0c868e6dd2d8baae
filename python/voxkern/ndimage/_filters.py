# SPDX-License-Identifier: Apache-2.0
"""Separable filters, drop-in for ``scipy.ndimage``: float64 and integers give its bits."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import AxisFilter
from .._ops.gaussian import gaussian_pass
from .._runtime.backend import host_array
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, Array
from ._common import (
    DTYPES,
    Call,
    known_mode,
    normalized_axes,
    normalized_axis,
    run_complex,
    samples_ahead,
    value_per_axis,
)


@documented
def correlate1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    *,
    threads: int | None = None,
) -> Any:
    """Correlate along one axis with the given weights.

    Parameters
    ----------
    {input}
    weights : (n,) array_like
        The filter; complex weights are conjugated. Computed in float64, or float32 if input and output
        are float32.
    {axis}
    {filter_output}
    {filter_mode}
    {filter_cval}
    {origin}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``; complex if it or the weights are. Integer results truncate and wrap, as
        scipy's do.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.correlate1d``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3])
    array([ 8, 26,  8, 12,  7, 28, 36,  9])
    """
    call = Call("correlate1d", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    taps = host_array(weights, "weights")

    def make(real: Array) -> list[AxisFilter]:
        return [_correlation(x, real, axis, mode, origin)]

    if taps.dtype.kind == "c":
        return run_complex(call, "correlate1d", x, taps.conj(), make, output, cval)
    return run_filters(call, x, make(taps), output, cval)


@documented
def convolve1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    *,
    threads: int | None = None,
) -> Any:
    """Convolve along one axis: `correlate1d` with the weights reversed.

    Parameters
    ----------
    {input}
    weights : (n,) array_like
        The filter. Computed in float64, or float32 if input and output are float32.
    {axis}
    {filter_output}
    {filter_mode}
    {filter_cval}
    {origin}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.convolve1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3])
    array([14, 24,  4, 13, 12, 36, 27,  0])
    """
    call = Call("convolve1d", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    taps = host_array(weights, "weights")[::-1]
    origin = -origin - (1 if len(taps) % 2 == 0 else 0)

    def make(real: Array) -> list[AxisFilter]:
        return [_correlation(x, real, axis, mode, origin)]

    if taps.dtype.kind == "c":
        return run_complex(call, "correlate1d", x, taps, make, output, cval)
    return run_filters(call, x, make(taps), output, cval)


def _correlation(x: Array, weights: Array, axis: int, mode: str, origin: int) -> AxisFilter:
    taps = np.asarray(weights, np.float64)
    if taps.ndim != 1 or taps.size < 1:
        raise RuntimeError("no filter weights given")
    axis = normalized_axis(axis, x.ndim)
    if not 0 <= len(taps) // 2 + origin < len(taps):
        raise ValueError(
            "Invalid origin; origin must satisfy -(len(weights) // 2) <= origin <= (len(weights)-1) // 2"
        )
    make = weighted if taps.size <= 64 else weighted.__wrapped__
    return make(axis, taps.tobytes(), known_mode(mode), operator.index(origin))


@functools.lru_cache(maxsize=32)
def weighted(axis: int, weights: bytes, mode: str, origin: int) -> AxisFilter:
    """Return a filter; short ones are kept. Bytes tell -0.0 from 0.0."""
    taps = np.frombuffer(weights).tolist()
    return AxisFilter(axis=axis, weights=taps, mode=FILTER_MODES[mode], origin=origin)


def _gaussian(
    sigma: float, axis: int, order: int, mode: str, truncate: float, radius: int | None
) -> AxisFilter:
    sigma = float(sigma)
    reach = int(truncate * sigma + 0.5) if radius is None else radius
    if not isinstance(reach, int | np.integer) or reach < 0:
        raise ValueError("Radius must be a nonnegative integer.")
    if order < 0:
        raise ValueError("order must be non-negative")
    return gaussian_pass(axis, sigma, int(order), known_mode(mode), int(reach))


def gaussian_passes(
    axes: Sequence[int],
    sigma: Any,
    order: Any,
    mode: Any,
    *,
    truncate: float = 4.0,
    radius: Any = None,
) -> list[AxisFilter]:
    """Return the filters of a Gaussian along ``axes``; each argument is one value, or one per axis."""
    per_axis = (value_per_axis(value, len(axes)) for value in (sigma, order, mode, radius))
    return [
        _gaussian(s, axis, o, m, truncate, r)
        for axis, s, o, m, r in zip(axes, *per_axis, strict=True)
        if s > 1e-15
    ]


@documented
def gaussian_filter1d(
    input: ArrayLike,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
    threads: int | None = None,
) -> Any:
    """Smooth along one axis with a Gaussian, or one of its derivatives.

    Parameters
    ----------
    {input}
    sigma : float
        Standard deviation in voxels.
    {axis}
    order : int
        0 for the Gaussian, n for its n-th derivative.
    {filter_output}
    {filter_mode}
    {filter_cval}
    {truncate}
    radius : int, optional
        Cut it at this many voxels instead.
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3)
    array([1.427, 2.068, 3.   , 3.932, 4.573])
    """
    call = Call("gaussian_filter1d", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    only = _gaussian(sigma, normalized_axis(axis, x.ndim), order, mode, truncate, radius)
    return run_filters(call, x, [only], output, cval)


@documented
def gaussian_filter(
    input: ArrayLike,
    sigma: float | Iterable[float],
    order: int | Iterable[int] = 0,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | Iterable[int] | None = None,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Smooth with a Gaussian along each axis, one after the other.

    Parameters
    ----------
    {input}
    sigma : float or sequence
        Standard deviation in voxels; one value, or one per axis of ``axes``.
    order : int or sequence
        0 for the Gaussian, n for its n-th derivative; one value, or one per axis of ``axes``.
    {filter_output}
    {filter_modes}
    {filter_cval}
    {truncate}
    radius : int or sequence, optional
        Cut it at this many voxels instead; one value, or one per axis of ``axes``.
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``. Between two axes the data have the dtype of the output, so integer
        images lose up to one unit per axis, as with scipy.

    Notes
    -----
    Extra memory: one tile of a few hundred kilobytes per thread.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.gaussian_filter(np.eye(3), 1).round(2)
    array([[0.5 , 0.33, 0.17],
           [0.33, 0.34, 0.33],
           [0.17, 0.33, 0.5 ]])
    """
    call = Call("gaussian_filter", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    chosen = normalized_axes(axes, x.ndim)
    filters = gaussian_passes(chosen, sigma, order, mode, truncate=truncate, radius=radius)
    return run_filters(call, x, filters, output, cval)


@functools.lru_cache(maxsize=32)
def _mean(axis: int, size: int, mode: str, origin: int) -> AxisFilter:
    return AxisFilter(axis=axis, weights=(), mode=FILTER_MODES[mode], origin=origin, box=size)


def _uniform(size: int, axis: int, mode: str, origin: int) -> AxisFilter:
    size = operator.index(size)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    samples_ahead(size, origin)  # refuses an origin beyond the window
    return _mean(axis, size, known_mode(mode), operator.index(origin))


@documented
def uniform_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    *,
    threads: int | None = None,
) -> Any:
    """Replace each sample by the mean of ``size`` neighbours along one axis.

    Parameters
    ----------
    {input}
    size : int
        Samples in the mean.
    {axis}
    {filter_output}
    {filter_mode}
    {filter_cval}
    {origin}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([4, 3, 4, 1, 4, 6, 6, 3])
    """
    call = Call("uniform_filter1d", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    only = _uniform(size, normalized_axis(axis, x.ndim), mode, origin)
    return run_filters(call, x, [only], output, cval)


@documented
def uniform_filter(
    input: ArrayLike,
    size: int | Iterable[int] = 3,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Replace each voxel by the mean of a box around it.

    Parameters
    ----------
    {input}
    size : int or sequence
        Samples in the mean; one value, or one per axis of ``axes``.
    {filter_output}
    {filter_modes}
    {filter_cval}
    origin : int or sequence
        Shift of the box, between ``-(size // 2)`` and ``(size - 1) // 2``; one value, or one per axis of
        ``axes``.
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Notes
    -----
    The cost does not grow with ``size``. Nothing is ever subtracted from a sum: a NaN or a huge value touches
    its own box only, where scipy's running sum carries it to the end of the line.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.uniform_filter(np.arange(9.0).reshape(3, 3), 3).round(3)
    array([[1.333, 2.   , 2.667],
           [3.333, 4.   , 4.667],
           [5.333, 6.   , 6.667]])
    """
    call = Call("uniform_filter", "correlate1d", threads=threads)
    x = call.enter(input, "input", DTYPES)
    chosen = normalized_axes(axes, x.ndim)
    n = len(chosen)
    filters = [
        _uniform(s, a, m, o)
        for a, s, m, o in zip(
            chosen,
            value_per_axis(size, n),
            value_per_axis(mode, n),
            value_per_axis(origin, n),
            strict=True,
        )
        if s > 1
    ]
    return run_filters(call, x, filters, output, cval)


def run_filters(call: Call, x: Array, filters: list[AxisFilter], output: Any, cval: complex) -> Any:
    out = call.scipy_output(output, x.shape, x, in_place=True)
    for source, target, outside in call.parts(x, out, cval, filters):
        call.run("correlate1d", source, target, filters, outside)
    return call.leave(out)
