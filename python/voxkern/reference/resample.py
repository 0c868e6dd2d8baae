# SPDX-License-Identifier: Apache-2.0
"""Reference of the resample kernel: solve for the spline coefficients, evaluate the spline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import extension, fold_coordinate, fold_index
from .bspline import bspline
from .spline_filter import coefficients

Line = NDArray[np.float64]


def resample_line(
    line: Line, coordinates: Line, order: int, mode: str, cval: float
) -> tuple[Line, NDArray[np.bool_]]:
    """Return the spline through ``line`` at ``coordinates``, and which of them lie outside."""
    n = len(line)
    pad = 12 if order > 1 and mode in ("nearest", "grid-constant") else 0
    if pad:
        ends = (line[0], line[-1]) if mode == "nearest" else (cval, cval)
        line = np.concatenate([np.full(pad, ends[0]), line, np.full(pad, ends[1])])
        c = coefficients(line, order, "reflect" if mode == "nearest" else "mirror")
    else:
        c = coefficients(line, order, extension(mode))
    result = np.zeros(len(coordinates))
    outside = np.zeros(len(coordinates), dtype=bool)
    for i, coordinate in enumerate(coordinates):
        at = float(coordinate) if pad else fold_coordinate(float(coordinate), n, mode, order + 1)
        if at is None:
            outside[i] = True
            continue
        at += pad
        start = math.floor(at + 0.5) - order // 2 if order % 2 == 0 else math.floor(at) - order // 2
        for k in range(start, start + order + 1):
            index = fold_index(k, len(c), extension(mode))
            result[i] += bspline(at - k, order) * (cval if index is None else c[index])
    return result, outside


def mean_line(
    line: Line, coordinates: Line, width: float, mode: str, cval: float
) -> tuple[Line, NDArray[np.bool_]]:
    """Return the mean of ``line`` over cells around ``coordinates``, and which of them lie outside."""
    n = len(line)
    beyond = "nearest" if mode == "fov" else extension(mode)
    result = np.zeros(len(coordinates))
    outside = np.zeros(len(coordinates), dtype=bool)
    for i, coordinate in enumerate(coordinates):
        folded = fold_coordinate(float(coordinate), n, mode, 3)
        if folded is None:
            outside[i] = True
            continue
        # Sample k fills [k, k + 1).
        at = 0.5 + (float(coordinate) if mode in ("nearest", "grid-constant") else folded)
        low, high = at - 0.5 * width, at + 0.5 * width
        for k in range(math.floor(low), math.ceil(high)):
            index = fold_index(k, n, beyond)
            share = (min(high, k + 1) - max(low, k)) / width
            result[i] += share * (cval if index is None else line[index])
    return result, outside


def resample(
    x: ArrayLike,
    coordinates: Sequence[ArrayLike],
    order: int = 3,
    mode: str = "nearest",
    cval: float = 0.0,
    antialias_sigma: Sequence[float] | None = None,
    cells: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Return ``x`` interpolated at the grid spanned by one list of coordinates per axis.

    With ``cells``, the width of an output sample along each axis, it is the mean over its cell.
    """
    out = np.asarray(x, dtype=np.float64)
    outside = np.zeros((1,) * out.ndim, dtype=bool)
    for axis, samples in enumerate(coordinates):
        at = np.asarray(samples, dtype=np.float64)
        sigma = 0.0 if antialias_sigma is None else antialias_sigma[axis]
        moved = np.moveaxis(out, axis, -1)
        result = np.empty((*moved.shape[:-1], len(at)))
        beyond = np.zeros(len(at), dtype=bool)
        for position in np.ndindex(*moved.shape[:-1]):
            line = _smooth(moved[position], sigma, mode, cval)
            if cells is None:
                result[position], beyond = resample_line(line, at, order, mode, cval)
            else:
                result[position], beyond = mean_line(line, at, cells[axis], mode, cval)
        out = np.moveaxis(result, -1, axis)
        shape = [1] * out.ndim
        shape[axis] = len(at)
        outside = outside | beyond.reshape(shape)
    out[np.broadcast_to(outside, out.shape)] = cval
    return out


def _smooth(line: Line, sigma: float, mode: str, cval: float) -> Line:
    if sigma == 0.0:
        return line
    from .correlate1d import correlate1d

    radius = int(4.0 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return correlate1d(line, kernel / kernel.sum(), 0, "nearest" if mode == "fov" else mode, cval)
