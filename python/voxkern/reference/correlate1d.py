# SPDX-License-Identifier: Apache-2.0
"""Reference of the correlate1d kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import fold_index


def correlate1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    divisor: float = 1.0,
) -> NDArray[np.float64]:
    """Return ``sum_t weights[t] * input[i - size // 2 - origin + t] / divisor`` in float64."""
    x = np.moveaxis(np.asarray(input, dtype=np.float64), axis, 0)
    w = np.asarray(weights, dtype=np.float64)
    n = x.shape[0]
    out = np.zeros_like(x)
    for i in range(n):
        for t, weight in enumerate(w):
            at = fold_index(i - len(w) // 2 - origin + t, n, mode)
            sample: Any = cval if at is None else x[at]
            out[i] += weight * sample
    return np.moveaxis(out / divisor, 0, axis)
