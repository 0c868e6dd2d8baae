# SPDX-License-Identifier: Apache-2.0
"""What the functions of this room share: axes (N, C, D, H, W) and one number per spatial axis.

Kernels know five axes. Images with one or two spatial axes get axes of one sample behind the channels, so
that the last axis stays the long one; a missing batch axis is put in front. All of these are views.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.validate import Array

FLOAT32 = frozenset("f")
SPATIAL = 3
_MOST = 2**31 - 1
PerAxis: TypeAlias = int | Sequence[int]


def enter(call: Call, x: Any, name: str, rank: int) -> Array:
    """Return an array (C, ...) or (N, C, ...) with ``rank`` spatial axes."""
    if is_volume(x):
        raise ArgumentTypeError(f"{name}: got a Volume, allowed arrays of (N, C, ...) or (C, ...): its data")
    array = call.enter(x, name, FLOAT32)
    if array.ndim not in (rank + 1, rank + 2):
        raise ArgumentError(f"{name}: got shape {array.shape}, allowed {rank + 1} or {rank + 2} axes")
    return array


def expanded(array: Array, rank: int) -> Array:
    """Return a view (N, C, D, H, W) of an array (C, ...) or (N, C, ...) with ``rank`` spatial axes."""
    batched = array if array.ndim == rank + 2 else array[None]
    return batched[(slice(None),) * 2 + (None,) * (SPATIAL - rank)]


def per_axis(value: PerAxis, rank: int, name: str, *, least: int, absent: int) -> tuple[int, int, int]:
    """Return one number for each of D, H, W from an int or ``rank`` ints; axes that lack get ``absent``."""
    try:
        given = [operator.index(v) for v in (value if isinstance(value, Sequence) else (value,))]
    except TypeError:
        raise ArgumentTypeError(f"{name}: got {shown(value)}, allowed an int or {rank} ints") from None
    if len(given) == 1:
        given *= rank
    if len(given) != rank or min(given) < least or max(given) > _MOST:
        raise ArgumentError(
            f"{name}: got {shown(value)}, allowed an int or {rank} ints of {least} to {_MOST}"
        )
    d, h, w = [absent] * (SPATIAL - rank) + given
    return d, h, w
