# SPDX-License-Identifier: Apache-2.0
"""How a line of samples continues beyond its ends, by scipy's names of modes."""

from __future__ import annotations

import math


def fold_index(i: int, n: int, mode: str) -> int | None:
    """Return the sample that stands at position ``i`` of a line of ``n``; None stands for cval."""
    if 0 <= i < n:
        return i
    if mode in ("constant", "grid-constant"):
        return None
    if mode == "nearest":
        return min(max(i, 0), n - 1)
    if mode in ("wrap", "grid-wrap"):
        return i % n
    if mode in ("reflect", "grid-mirror"):
        i %= 2 * n
        return i if i < n else 2 * n - 1 - i
    if mode == "mirror":
        if n == 1:
            return 0
        i %= 2 * n - 2
        return i if i < n else 2 * n - 2 - i
    raise ValueError(mode)


def fold_coordinate(c: float, n: int, mode: str, taps: int) -> float | None:
    """Return ``c`` brought into a line of ``n`` samples; None stands for cval."""
    last = n - 1
    if mode == "fov":
        if not -0.5 <= c < last + 0.5:
            return None
        return min(max(c, 0.0), float(last)) if taps <= 2 else c
    if 0 <= c <= last:
        return c
    if mode == "constant":
        return None
    if mode == "nearest":
        return 0.0 if c < 0 else float(last)
    if mode == "wrap":
        if n == 1:
            return 0.0
        return c + last * (math.floor(-c / last) + 1) if c < 0 else c % last
    if mode == "grid-wrap":
        return c % n
    if mode in ("reflect", "grid-mirror"):
        c %= 2 * n
        return c if c < n else 2 * n - c - 1
    if mode == "mirror":
        if n == 1:
            return 0.0
        if c < 0:
            c += 2 * last * math.floor(-c / (2 * last))
            return c + 2 * last if c <= -last else -c
        c %= 2 * last
        return c if c < n else 2 * last - c
    return c  # grid-constant


def extension(mode: str) -> str:
    """How taps beyond the line are read: constant and wrap take the mirrored line, as scipy does."""
    return "mirror" if mode in ("constant", "wrap", "fov") else mode
