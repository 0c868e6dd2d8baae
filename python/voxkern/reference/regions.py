# SPDX-License-Identifier: Apache-2.0
"""Reference of the regions kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def regions(labels: ArrayLike, image: ArrayLike | None, lowest: int, count: int) -> tuple[Any, ...]:
    """Return what the kernel does: one selection of samples for each label."""
    x = np.asarray(labels)
    rows = []
    for label in range(lowest, lowest + count):
        at = np.argwhere(x == label)
        places = np.zeros((x.ndim, 3), np.int64)
        if len(at):
            places = np.stack([at.min(axis=0), at.max(axis=0), at.sum(axis=0)], axis=1)
        if image is None or len(at) == 0:
            rows.append((len(at), places, 0.0, 0.0, -1, -1))
            continue
        samples = np.asarray(image)[tuple(at.T)].astype(np.float64)
        numbers = ~np.isnan(samples)
        where = np.asarray(np.ravel_multi_index(tuple(at.T), x.shape))[numbers]
        extremes: list[Any] = [-1, -1]
        if numbers.any():
            extremes = [where[np.argmin(samples[numbers])], where[np.argmax(samples[numbers])]]
        rows.append((len(at), places, samples.sum(), ((samples - samples.mean()) ** 2).sum(), *extremes))
    return tuple(np.array(column) for column in zip(*rows, strict=True))
