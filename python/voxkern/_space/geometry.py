# SPDX-License-Identifier: Apache-2.0
"""Affine arithmetic: orientation codes, shear, axis-aligned index maps."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.backend import host_array
from .._runtime.errors import ArgumentError, shown

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM and ITK count to the left and back

_CODES = ("LR", "PA", "IS")  # negative and positive end of the RAS+ axes


def checked_affine(affine: Any) -> NDArray[np.float64]:
    """Return a read-only copy of an affine that places voxels in space."""
    matrix = np.array(host_array(affine, "affine", np.float64))
    if matrix.shape != (4, 4):
        raise ArgumentError(f"affine: got shape {matrix.shape}, allowed (4, 4)")
    x, y, z, last = matrix.tolist()  # every result has an affine: plain numbers take a fifth of NumPy's time
    if last != [0, 0, 0, 1] or not all(map(math.isfinite, (*x, *y, *z))):
        raise ArgumentError("affine: got NaN, infinity or a wrong last row, allowed finite and 0 0 0 1")
    (a, b, c, _), (d, e, f, _), (g, h, i, _) = x, y, z
    box = math.hypot(a, d, g) * math.hypot(b, e, h) * math.hypot(c, f, i)
    cell = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(cell) <= 1e-6 * box:
        raise ArgumentError("affine: got zero spacing or parallel axes, allowed a basis of space")
    matrix.flags.writeable = False
    return matrix


def moved(affine: NDArray[np.float64], points: Any, name: str) -> NDArray[np.float64]:
    """Return (..., 3) points where an affine takes them."""
    given = host_array(points, name, np.float64)
    if given.ndim == 0 or given.shape[-1] != 3:
        raise ArgumentError(f"{name}: got shape {given.shape}, allowed (..., 3)")
    result: NDArray[np.float64] = given @ affine[:3, :3].T + affine[:3, 3]
    return result


def axis_codes(affine: NDArray[np.float64]) -> str:
    """Return the nearest anatomical direction of each axis, every direction used once."""
    direction = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    best = max(
        itertools.permutations(range(3)),
        key=lambda world: sum(abs(direction[world[axis], axis]) for axis in range(3)),
    )
    return "".join(_CODES[best[axis]][int(direction[best[axis], axis] > 0)] for axis in range(3))


def axes_to(have: str, want: str, name: str = "orientation") -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return the axis order and flips that turn orientation ``have`` into ``want``."""
    letters = want.upper() if isinstance(want, str) else ""
    pairs = [next((p for p in _CODES if letter in p), None) for letter in letters]
    if len(letters) != 3 or None in pairs or len(set(pairs)) != 3:
        raise ArgumentError(f"{name}: got {shown(want)}, allowed three letters, one each of R/L, A/P and S/I")
    order = tuple(next(i for i, h in enumerate(have) if pair and h in pair) for pair in pairs)
    return order, tuple(have[axis] != letter for axis, letter in zip(order, letters, strict=True))


def is_sheared(affine: NDArray[np.float64], tolerance: float = 1e-3) -> bool:
    """Tell whether two axes are further from a right angle than ``tolerance`` (radians)."""
    direction = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.max(np.abs(direction.T @ direction - np.eye(3))) > tolerance)


def homogeneous(matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return matrix and offset as one matrix."""
    n = len(offset)
    result = np.eye(n + 1)
    result[:n, :n] = matrix
    result[:n, n] = offset
    return result


def split_axis_aligned(
    index_map: NDArray[np.float64], tolerance: float = 1e-6
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]] | None:
    """Split a homogeneous index map into source axis, scale and offset per output axis.

    Returns None where an output axis moves along more than one source axis.
    """
    n = index_map.shape[0] - 1
    linear = index_map[:n, :n]
    source = np.argmax(np.abs(linear), axis=0)
    rest = np.array(linear)
    rest[source, np.arange(n)] = 0.0
    scale = linear[source, np.arange(n)]
    small = np.abs(rest) <= tolerance * np.max(np.abs(scale), initial=0.0)
    if len(set(source.tolist())) != n or not np.all(small) or np.any(scale == 0):
        return None
    return (
        tuple(int(s) for s in source),
        tuple(float(s) for s in scale),
        tuple(float(index_map[s, n]) for s in source),
    )
