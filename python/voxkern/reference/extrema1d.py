# SPDX-License-Identifier: Apache-2.0
"""Reference of the extrema1d kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import fold_index


def extrema1d(
    input: ArrayLike,
    footprint: ArrayLike,
    maximum: bool,
    modes: Sequence[str],
    cval: float,
    origins: Sequence[int],
) -> NDArray[Any]:
    """Return ``max`` or ``min`` over set t of ``input[i - size // 2 - origin + t]``; a NaN is passed over."""
    x = np.asarray(input)
    out = np.empty_like(x)
    window = np.asarray(footprint, dtype=bool)
    places = [
        tuple(int(t) - size // 2 - origin for t, size, origin in zip(at, window.shape, origins, strict=True))
        for at in np.argwhere(window)
    ]
    for index in np.ndindex(x.shape):
        values = []
        for place in places:
            at = [
                fold_index(i + p, n, mode) for i, p, n, mode in zip(index, place, x.shape, modes, strict=True)
            ]
            values.append(x.dtype.type(cval) if None in at else x[tuple(at)])
        real = [v for v in values if v == v] or values
        out[index] = max(real) if maximum else min(real)
    return out
