# SPDX-License-Identifier: Apache-2.0
"""Stored words to values: the one call of the `rescale` kernel."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .. import _core
from .._runtime.config import get_num_threads


def rescale(
    stored: NDArray[Any],
    values: NDArray[Any],
    slope: float = 1.0,
    intercept: float = 0.0,
    *,
    swap_bytes: bool = False,
    unused_high: int = 0,
    unused_low: int = 0,
    threads: int = 0,
) -> None:
    """Write ``slope * stored + intercept`` into ``values``; ``threads=0`` means the usual number.

    ``swap_bytes`` tells that ``stored`` has the other byte order. ``unused_high`` and ``unused_low`` count
    the bits of a word above and below the stored ones.
    """
    options = _core.RescaleOptions(
        slope=slope,
        intercept=intercept,
        swap_bytes=swap_bytes,
        unused_high=unused_high,
        unused_low=unused_low,
    )
    _core.rescale(stored, values, options, threads or get_num_threads())
