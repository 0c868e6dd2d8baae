# SPDX-License-Identifier: Apache-2.0
"""Reference of the label kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def label(input: ArrayLike, structure: ArrayLike) -> tuple[NDArray[np.int32], int]:
    """Return the number of each sample's component: a flood from the first sample that has none yet."""
    x = np.asarray(input) != 0
    steps = np.argwhere(np.asarray(structure)) - 1
    labels = np.zeros(x.shape, np.int32)
    count = 0
    for start in np.argwhere(x):
        if labels[tuple(start)]:
            continue
        count += 1
        labels[tuple(start)] = count
        front = [start]
        while front:
            for place in front.pop() + steps:
                inside = (place >= 0).all() and (place < x.shape).all()
                if inside and x[tuple(place)] and not labels[tuple(place)]:
                    labels[tuple(place)] = count
                    front.append(place)
    return labels, count
