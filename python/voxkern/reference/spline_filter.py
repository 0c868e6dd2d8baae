# SPDX-License-Identifier: Apache-2.0
"""Reference of the spline_filter kernel: a linear system per line."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import fold_index
from .bspline import bspline

Line = NDArray[np.float64]


def coefficients(line: Line, order: int, mode: str) -> Line:
    """Return spline coefficients c with ``sum_k c[fold(i + k)] * bspline(k) = line[i]``."""
    n = len(line)
    if order < 2 or n == 1:
        return line
    reach = order // 2
    matrix = np.zeros((n, n))
    for i in range(n):
        for k in range(-reach, reach + 1):
            at = fold_index(i + k, n, mode)
            if at is not None:
                matrix[i, at] += bspline(k, order)
    return np.asarray(np.linalg.solve(matrix, line), dtype=np.float64)


def spline_filter(
    x: ArrayLike, axes: Iterable[int], order: int = 3, mode: str = "mirror"
) -> NDArray[np.float64]:
    """Return the coefficients of the spline through ``x``, along one axis after the other."""
    out = np.asarray(x, dtype=np.float64)
    for axis in axes:
        out = np.apply_along_axis(coefficients, axis, out, order, mode)
    return out
