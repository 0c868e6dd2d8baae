# SPDX-License-Identifier: Apache-2.0
"""Reference of the warp kernel: one sum of B-splines per point, and its matrix turned around."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import extension, fold_coordinate, fold_index
from .bspline import bspline
from .spline_filter import coefficients

Taps = list[tuple[int | None, float]]


def taps_of(c: float, n: int, order: int, mode: str) -> Taps | None:
    """Return (index, weight) along one axis of n samples, padded ones included; None stands for cval."""
    pad = padding(order, mode)
    at = c if pad or (mode == "nearest" and order > 1) else fold_coordinate(c, n, mode, order + 1)
    if at is None:
        return None
    at += pad
    start = math.floor(at + 0.5) - order // 2 if order % 2 == 0 else math.floor(at) - order // 2
    return [
        (fold_index(k, n + 2 * pad, extension(mode)), bspline(at - k, order))
        for k in range(start, start + order + 1)
    ]


def padding(order: int, mode: str) -> int:
    """Return how many samples scipy adds to a line before it is filtered."""
    return 12 if order > 1 and mode in ("nearest", "grid-constant") else 0


def warp(
    x: ArrayLike, coordinates: ArrayLike, order: int = 1, mode: str = "nearest", cval: float = 0.0
) -> NDArray[np.float64]:
    """Return ``x`` interpolated at ``coordinates`` (axes of ``x``, points)."""
    c = np.asarray(x, dtype=np.float64)
    shape = c.shape
    pad = padding(order, mode)
    if pad:
        c = np.pad(c, pad, mode="edge") if mode == "nearest" else np.pad(c, pad, constant_values=cval)
    line_mode = {"nearest": "reflect", "grid-constant": "mirror"}.get(mode, extension(mode)) if pad else mode
    for axis in range(c.ndim):
        c = np.apply_along_axis(coefficients, axis, c, order, line_mode if pad else extension(mode))
    points = np.asarray(coordinates, dtype=np.float64)
    out = np.empty(points.shape[1:])
    for point in np.ndindex(*out.shape):
        axes = [taps_of(float(points[(a, *point)]), n, order, mode) for a, n in enumerate(shape)]
        if any(taps is None for taps in axes):
            out[point] = cval
            continue
        total = 0.0
        for combination in itertools.product(*[taps for taps in axes if taps is not None]):
            index = [i for i, _ in combination]
            weight = math.prod(w for _, w in combination)
            total += weight * (cval if None in index else c[tuple(i for i in index if i is not None)])
        out[point] = total
    return out


def push(
    values: ArrayLike, coordinates: ArrayLike, shape: tuple[int, ...], order: int = 1, mode: str = "nearest"
) -> NDArray[np.float64]:
    """Return the transposed matrix of `warp` (with cval 0) times ``values``, built column by column."""
    v = np.asarray(values, dtype=np.float64)
    out = np.empty(shape)
    for index in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[index] = 1.0
        out[index] = float(np.sum(warp(unit, coordinates, order, mode) * v))
    return out
