# SPDX-License-Identifier: Apache-2.0
"""Reference of the normalise kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def normalise(
    x: ArrayLike,
    mask: ArrayLike | None = None,
    dtype: DTypeLike = np.float32,
    centre: float = 0.0,
    scale: float = 1.0,
    shift: float = 0.0,
    low: float = -np.inf,
    high: float = np.inf,
    outside: float = 0.0,
) -> NDArray[Any]:
    """Return ``(x - centre) * scale + shift`` within limits; ``outside`` where the mask is zero."""
    values = (np.asarray(x).astype(np.float64) - centre) * scale + shift
    values = np.clip(values, low, high)
    if mask is not None:
        values = np.where(np.asarray(mask) != 0, values, outside)
    target = np.dtype(dtype)
    if target.kind == "f":
        return values.astype(target)
    if target.kind == "b":
        return values.astype(target)
    away = np.trunc(values + np.copysign(0.5, values))  # half away from zero
    limits = np.iinfo(target)
    return np.clip(away, limits.min, limits.max).astype(target)
