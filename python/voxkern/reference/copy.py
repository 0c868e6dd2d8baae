# SPDX-License-Identifier: Apache-2.0
"""Reference of the copy kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def copy(x: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Return ``x`` in another dtype; integers round half away from zero and saturate."""
    values = np.asarray(x)
    target = np.dtype(dtype)
    if values.dtype == target or target.kind == "f":
        return values.astype(target)
    wide = values.astype(np.float64)
    away = np.trunc(wide + np.copysign(0.5, wide))
    limits = np.iinfo(target)
    return np.clip(away, limits.min, limits.max).astype(target)
