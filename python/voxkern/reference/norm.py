# SPDX-License-Identifier: Apache-2.0
"""Reference of the norm kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def norm(
    input: ArrayLike,
    statistics: str = "instance",
    weight: Any = None,
    bias: Any = None,
    mean: Any = None,
    variance: Any = None,
    eps: float = 1e-5,
    slope: float = 1.0,
    added: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Return ``(x - mean) / sqrt(variance + eps) * weight + bias + added``, below zero times ``slope``."""
    x = np.asarray(input, dtype=np.float64)

    def per_channel(values: Any, absent: float) -> Any:
        if values is None:
            return absent
        return np.asarray(values, np.float64).reshape(1, -1, *(1,) * (x.ndim - 2))

    if statistics == "given":
        centre, spread = per_channel(mean, 0.0), per_channel(variance, 1.0)
    else:
        axes = tuple(range(2, x.ndim)) if statistics == "instance" else (0, *range(2, x.ndim))
        centre, spread = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    y = (x - centre) / np.sqrt(spread + eps) * per_channel(weight, 1.0) + per_channel(bias, 0.0)
    y = y + np.asarray(added, dtype=np.float64)
    return np.where(y < 0, y * slope if slope else 0.0, y)
