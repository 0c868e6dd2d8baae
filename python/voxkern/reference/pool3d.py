# SPDX-License-Identifier: Apache-2.0
"""Reference of the pool3d kernel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ONES = (1, 1, 1)


def _windows(
    shape: Sequence[int],
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    adaptive: bool,
) -> Iterator[tuple[tuple[int, ...], list[list[int]], list[int]]]:
    """Yield each window: its place, its samples inside along each axis, and its lengths with padding."""
    for place in itertools.product(*map(range, size)):
        samples, windows = [], []
        for o, m, n, k, s, p, d in zip(place, size, shape, kernel, stride, padding, dilation, strict=True):
            if adaptive:
                taps = range(o * n // m, -(-(o + 1) * n // m))
                windows.append(len(taps))
            else:
                start = o * s - p
                taps = range(start, start + k * d, d)
                windows.append(min(start + k, n + p) - start)
            samples.append([i for i in taps if 0 <= i < n])
        yield place, samples, windows


def pool3d(
    input: ArrayLike,
    size: Sequence[int],
    kind: str = "max",
    kernel: Sequence[int] = ONES,
    stride: Sequence[int] = ONES,
    padding: Sequence[int] = (0, 0, 0),
    dilation: Sequence[int] = ONES,
    adaptive: bool = False,
    count_include_pad: bool = True,
    divisor: float = 0.0,
) -> NDArray[np.float64]:
    """Return the largest or mean sample of ``size`` windows over (N, C, D, H, W), in float64."""
    x = np.asarray(input, dtype=np.float64)
    out = np.zeros(x.shape[:2] + tuple(size))
    for place, samples, windows in _windows(x.shape[2:], size, kernel, stride, padding, dilation, adaptive):
        inside = x[np.ix_(range(x.shape[0]), range(x.shape[1]), *samples)]
        at: Any = (slice(None), slice(None), *place)
        if kind == "max":
            out[at] = inside.max(axis=(2, 3, 4), initial=-np.inf)
        else:
            count = np.prod(windows) if count_include_pad else np.prod(inside.shape[2:])
            out[at] = inside.sum(axis=(2, 3, 4)) / (divisor or count)
    return out


def places(
    input: ArrayLike,
    size: Sequence[int],
    kernel: Sequence[int] = ONES,
    stride: Sequence[int] = ONES,
    padding: Sequence[int] = (0, 0, 0),
    dilation: Sequence[int] = ONES,
    adaptive: bool = False,
) -> NDArray[np.int64]:
    """Return where the largest sample of each window is, counted over D, H, W: the first, of NaN the last."""
    x = np.asarray(input, dtype=np.float64)
    out = np.zeros(x.shape[:2] + tuple(size), np.int64)
    numbers = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    for place, samples, _ in _windows(x.shape[2:], size, kernel, stride, padding, dilation, adaptive):
        inside = numbers[np.ix_(*samples)].ravel()
        for image in np.ndindex(x.shape[:2]):
            values = x[image].ravel()[inside]
            nan = np.flatnonzero(np.isnan(values))
            out[(*image, *place)] = inside[nan[-1] if nan.size else values.argmax()]
    return out
