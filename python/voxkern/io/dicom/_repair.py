# SPDX-License-Identifier: Apache-2.0
"""Repairs on request: missing slices, unequal distances, gantry tilt. All linear, along one axis at a time.

Voxels that touch padding become padding: mixed with tissue it would be a value that was never there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def equal_distances(
    data: NDArray[Any],
    along: NDArray[np.float64],
    usual: float,
    fill: float,
    padding: NDArray[np.bool_] | None,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, float]:
    """Interpolate (volume, slice, row, column) to slices at equal distances close to ``usual``.

    The first and the last slice stay where they are; padding becomes ``fill``. Returns data, padding and
    the new distance.
    """
    extent = float(along[-1] - along[0])
    count = max(round(extent / usual), 1) + 1
    step = extent / (count - 1)
    wanted = along[0] + step * np.arange(count)
    lower = np.clip(np.searchsorted(along, wanted, side="right") - 1, 0, len(along) - 2)
    gap = along[lower + 1] - along[lower]
    weight = (wanted - along[lower]) / gap
    # A slice as near to its place as those of a regular stack have to be is taken as it is.
    near = np.abs(weight - np.rint(weight)) * gap <= max(0.01 * usual, 1e-2)
    weight = np.where(near, np.rint(weight), weight)
    kept = bool(np.all((weight == 0) | (weight == 1) | (gap > 1.5 * usual)))
    # Only slices that were missing are new: integers stay integers. Otherwise nearly all are new.
    dtype = data.dtype if kept or data.dtype.kind == "f" else np.dtype(np.float32)
    out = np.empty((data.shape[0], count, *data.shape[2:]), dtype)
    mask = None if padding is None else np.empty(out.shape, np.bool_)
    for k, (low, w) in enumerate(zip(lower, weight, strict=True)):
        out[:, k] = _between(data[:, low], data[:, low + 1], w, dtype)
        if mask is not None and padding is not None:
            mask[:, k] = _either(padding[:, low], padding[:, low + 1], w)
    if mask is not None:
        out[mask] = fill
    return out, mask, step


def untilt(
    data: NDArray[Any],
    shift: NDArray[np.float64],
    axis: int,
    fill: float,
    padding: NDArray[np.bool_] | None,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, float]:
    """Move slice k of (volume, slice, row, column) by ``shift[k]`` samples along axis 2 or 3.

    The axis grows so that nothing is lost; what no slice covers is ``fill`` and padding. Returns data,
    padding and by how many samples the origin moved.
    """
    low = float(np.floor(min(shift.min(), 0.0)))
    grown = data.shape[axis] + int(np.ceil(shift.max() - low - 1e-6))
    dtype = data.dtype if data.dtype.kind == "f" else np.dtype(np.float32)
    shape = list(data.shape)
    shape[axis] = grown
    out = np.full(shape, fill, dtype)
    mask = np.ones(shape, np.bool_)
    n = data.shape[axis]
    for k, s in enumerate(shift - low):
        whole = int(np.floor(s + 1e-6))
        w = max(float(s - whole), 0.0)
        w = 0.0 if w < 1e-6 else w
        source = np.moveaxis(data[:, k], axis - 1, 0)
        target = np.moveaxis(out[:, k], axis - 1, 0)
        covered = np.moveaxis(mask[:, k], axis - 1, 0)
        old = None if padding is None else np.moveaxis(padding[:, k], axis - 1, 0)
        if w == 0.0:
            target[whole : whole + n] = source
            covered[whole : whole + n] = False if old is None else old
        else:
            target[whole + 1 : whole + n] = _between(source[1:], source[:-1], w, dtype)
            covered[whole + 1 : whole + n] = False if old is None else old[1:] | old[:-1]
    if padding is not None:
        out[mask] = fill
    return out, mask, low


def _between(a: NDArray[Any], b: NDArray[Any], w: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    if w == 0.0:
        return a
    if w == 1.0:
        return b
    mixed = a * (1.0 - w) + b * np.float64(w)
    return np.rint(mixed).astype(dtype) if dtype.kind in "iu" else mixed.astype(dtype)


def _either(a: NDArray[np.bool_], b: NDArray[np.bool_], w: float) -> NDArray[np.bool_]:
    if w == 0.0:
        return a
    return b if w == 1.0 else a | b
