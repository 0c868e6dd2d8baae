# SPDX-License-Identifier: Apache-2.0
"""Reference of the chamfer kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def chamfer(
    input: ArrayLike, structure: ArrayLike, last_zero: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the steps to the nearest zero and its indices: a sweep forwards and one backwards."""
    x = np.asarray(input)
    around = (np.argwhere(np.asarray(structure)) - 1).tolist()
    ways = [way for way in around if way < [0] * x.ndim]  # before the centre, in C order
    steps = np.where(x != 0, -1, 0).astype(np.int32)
    numbers = np.arange(x.size).reshape(x.shape)
    for sign in (1, -1):
        for place in list(np.ndindex(x.shape))[::sign]:
            for way in ways:
                there = tuple(p + sign * w for p, w in zip(place, way, strict=True))
                if any(not 0 <= t < n for t, n in zip(there, x.shape, strict=True)) or steps[there] < 0:
                    continue
                new, old = steps[there] + 1, steps[place]
                tie = last_zero and new == old and numbers[there] > numbers[place]
                if old < 0 or new < old or tie:
                    steps[place], numbers[place] = new, numbers[there]
    return steps, np.stack(np.unravel_index(numbers, x.shape)).astype(np.int32)
