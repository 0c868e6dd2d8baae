# SPDX-License-Identifier: Apache-2.0
"""Reference of the correlate kernel."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import fold_index


def correlate(
    input: ArrayLike,
    weights: ArrayLike,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Sequence[int] | None = None,
) -> NDArray[np.float64]:
    """Return ``sum_t weights[t] * input[i - size // 2 - origin + t]`` in float64, t and i along all axes."""
    x = np.asarray(input, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    shift = [0] * x.ndim if origin is None else origin
    out = np.zeros_like(x)
    for place in itertools.product(*map(range, x.shape)):
        for tap in itertools.product(*map(range, w.shape)):
            if abs(w[tap]) <= np.finfo(np.float64).eps:
                continue
            at = [
                fold_index(i - s // 2 - o + t, n, mode)
                for i, t, s, o, n in zip(place, tap, w.shape, shift, x.shape, strict=True)
            ]
            sample: Any = cval if None in at else x[tuple(at)]
            out[place] += w[tap] * sample
    return out
