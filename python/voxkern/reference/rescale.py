# SPDX-License-Identifier: Apache-2.0
"""Reference of the rescale kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def rescale(
    stored: ArrayLike,
    dtype: DTypeLike,
    slope: float = 1.0,
    intercept: float = 0.0,
    swap_bytes: bool = False,
    unused_high: int = 0,
    unused_low: int = 0,
) -> NDArray[Any]:
    """Return ``slope * stored + intercept`` in float64; integer dtypes round and saturate."""
    x = np.asarray(stored)
    if swap_bytes:
        x = x.byteswap()
    if unused_high or unused_low:
        x = x << np.array(unused_high, x.dtype) >> np.array(unused_high + unused_low, x.dtype)
    target = np.dtype(dtype)
    if x.dtype == target and slope == 1.0 and intercept == 0.0:
        return x
    value = x.astype(np.float64) * slope + intercept
    if target.kind == "f":
        return value.astype(target)
    away = np.trunc(value + np.copysign(0.5, value))  # half away from zero
    limits = np.iinfo(target)
    return np.clip(away, limits.min, limits.max).astype(target)
