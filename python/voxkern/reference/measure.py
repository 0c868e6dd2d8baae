# SPDX-License-Identifier: Apache-2.0
"""Reference of the measure kernel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def voxels_of(x: ArrayLike, mask: ArrayLike | None = None) -> NDArray[Any]:
    """Return the voxels that count, in a row."""
    image = np.asarray(x)
    return image.ravel() if mask is None else image[np.asarray(mask) != 0]


def measure(x: ArrayLike, mask: ArrayLike | None = None) -> tuple[int, float, float]:
    """Return count, mean and sum of squared differences from it."""
    values = voxels_of(x, mask).astype(np.float64)
    mean = float(values.mean())
    return values.size, mean, float(np.sum((values - mean) ** 2))


def measure_extremes(x: ArrayLike, mask: ArrayLike | None = None) -> tuple[int, int, float, float]:
    """Return count, how many are NaN, minimum and maximum of the others."""
    values = voxels_of(x, mask).astype(np.float64)
    nan = np.isnan(values)
    return values.size, int(nan.sum()), float(values[~nan].min()), float(values[~nan].max())


def measure_histogram(
    x: ArrayLike, mask: ArrayLike | None, edges: Sequence[float] | NDArray[Any]
) -> NDArray[np.int64]:
    """Return how many voxels lie in ``edges[i] <= x < edges[i + 1]``; the last bin has both edges."""
    values = voxels_of(x, mask).astype(np.float64)
    counts = [np.count_nonzero((a <= values) & (values < b)) for a, b in pairwise(edges)]
    counts[-1] += np.count_nonzero(values == edges[-1])
    return np.asarray(counts, np.int64)


def measure_quantiles(
    x: ArrayLike, mask: ArrayLike | None, quantiles: Sequence[float]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the values on either side of each quantile, and the fraction from the first to the second."""
    values = np.sort(voxels_of(x, mask))
    place = (values.size - 1) * np.asarray(quantiles, np.float64)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, values.size - 1)
    return np.stack([values[below], values[above]], axis=1), place - below


def measure_box(x: ArrayLike, threshold: float | None = None) -> list[tuple[int, int]]:
    """Return (first, last + 1) along each axis of what is not zero, or is above the threshold."""
    image = np.asarray(x)
    found = np.argwhere(image != 0 if threshold is None else image.astype(np.float64) > threshold)
    return [(int(first), int(last) + 1) for first, last in zip(found.min(0), found.max(0), strict=True)]


def otsu(x: ArrayLike, bins: int = 256) -> float:
    """Return the centre of the last bin of the lower class, where the variance between classes is largest."""
    counts, edges = np.histogram(np.asarray(x), bins)
    centres = (edges[:-1] + edges[1:]) / 2
    between = [
        counts[:k].sum()
        * counts[k:].sum()
        * (np.average(centres[:k], weights=counts[:k]) - np.average(centres[k:], weights=counts[k:])) ** 2
        for k in range(1, bins)
    ]
    return float(centres[np.argmax(between)])
