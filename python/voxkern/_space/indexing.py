# SPDX-License-Identifier: Apache-2.0
"""Parts of a Volume: which voxels an index names, where they lie, what is known of them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.errors import ArgumentError, ArgumentTypeError, shown

_ALLOWED = "allowed slices, whole numbers for axes after the third, or a mask; .data takes any index"
Parts = tuple[slice | int, ...]


def parts_of(index: Any, shape: tuple[int, ...]) -> Parts:
    """Return an index as a slice for each of the first three axes, a slice or a number for each other."""
    given = index if isinstance(index, tuple) else (index,)
    dots = [at for at, part in enumerate(given) if part is Ellipsis]
    at = dots[0] if dots else len(given)
    missing = len(shape) - len(given) + len(dots)
    if len(dots) > 1 or missing < 0:
        raise ArgumentError(f"index: got {len(given)} parts for {len(shape)} axes, allowed one for each")
    every = (*given[:at], *[slice(None)] * missing, *given[at + len(dots) :])
    return tuple(_part(part, axis, n) for axis, (part, n) in enumerate(zip(every, shape, strict=True)))


def _part(part: Any, axis: int, n: int) -> slice | int:
    if isinstance(part, slice):
        try:
            part.indices(n)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"index: got {part} ({error}), {_ALLOWED}") from None
        return part
    try:
        number = operator.index(part)
    except TypeError:
        raise ArgumentTypeError(f"index: got {shown(part)} for axis {axis}, {_ALLOWED}") from None
    if axis < 3:
        raise ArgumentError(
            f"index: got {number} for axis {axis}, allowed a slice there; .data takes any index"
        )
    if not -n <= number < n:
        raise ArgumentError(f"index: got {number} for axis {axis}, allowed {-n} to {n - 1}")
    return number


def moved_affine(affine: NDArray[np.float64], parts: Parts, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the affine of the voxels that are left."""
    moved = np.array(affine)
    for axis in range(3):
        start, _, step = parts[axis].indices(shape[axis])  # type: ignore[union-attr]
        moved[:3, 3] += affine[:3, axis] * start
        moved[:3, axis] *= step
    return moved
