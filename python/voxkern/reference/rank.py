# SPDX-License-Identifier: Apache-2.0
"""Reference of the rank kernel."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import fold_index


def rank(
    input: ArrayLike,
    footprint: ArrayLike,
    rank: int,
    mode: str | Sequence[str] = "reflect",
    cval: float = 0.0,
    origin: int | Sequence[int] = 0,
) -> NDArray[Any]:
    """Return the sample of that rank among those the footprint has around each voxel; NaN are the largest."""
    x = np.asarray(input)
    marks = np.asarray(footprint, bool)
    modes = [mode] * x.ndim if isinstance(mode, str) else list(mode)
    origins = [origin] * x.ndim if isinstance(origin, int) else list(origin)
    outside = np.float64(cval).astype(x.dtype)
    out = np.empty_like(x)
    taps = np.argwhere(marks) - [n // 2 + shift for n, shift in zip(marks.shape, origins, strict=True)]
    for place in itertools.product(*map(range, x.shape)):
        samples = []
        for tap in taps:
            at = [fold_index(int(i + d), n, m) for i, d, n, m in zip(place, tap, x.shape, modes, strict=True)]
            samples.append(outside if None in at else x[tuple(at)])
        out[place] = np.sort(np.array(samples, x.dtype))[rank]
    return out
