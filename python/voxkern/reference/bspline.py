# SPDX-License-Identifier: Apache-2.0
"""Cardinal B-splines."""

from __future__ import annotations

import math


def bspline(x: float, order: int) -> float:
    """Return the centred cardinal B-spline of ``order`` at ``x``, from its truncated powers."""
    if order == 0:  # the nearest sample, halves up
        return 1.0 if -0.5 <= x < 0.5 else 0.0
    half = (order + 1) / 2
    total = 0.0
    for k in range(order + 2):
        base = x + half - k
        if base > 0:
            total += (-1) ** k * math.comb(order + 1, k) * base**order
    return total / math.factorial(order)
