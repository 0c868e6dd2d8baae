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
    heights: ArrayLike | None = None,
) -> NDArray[Any]:
    """Return ``max`` or ``min`` over set t of ``input[i - size // 2 - origin + t]``; a NaN is passed over.

    ``heights[t]`` is added: to the first set t in float64, to the others in the input's type, which wraps.
    """
    x = np.asarray(input)
    out = np.empty_like(x)
    window = np.asarray(footprint, dtype=bool)
    raised = None if heights is None else np.asarray(heights, np.float64)[window]
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
        if raised is not None:
            sums = np.array(values) + _wrapped(raised, x.dtype)
            values = [float(values[0]) + raised[0], *map(float, sums[1:])]
        real = [v for v in values if v == v] or values
        best = max(real) if maximum else min(real)
        out[index] = best if raised is None else _wrapped(np.array(best), x.dtype)
    return out


def _wrapped(x: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return float64 cut to whole numbers of an integer type, modulo its range."""
    return (x if dtype.kind == "f" else x.astype(np.int64)).astype(dtype)
