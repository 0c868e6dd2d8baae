# SPDX-License-Identifier: Apache-2.0
"""Areas of surfaces from pairs of unlike neighbours: Crofton's formula with thirteen directions."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

_POINTS = 20000  # on the sphere; weights are exact to 1e-3


@functools.cache
def _sphere() -> NDArray[np.float64]:
    """Return points spread evenly over the unit sphere: a spiral of golden angles."""
    k = np.arange(_POINTS) + 0.5
    z = 1 - 2 * k / _POINTS
    turn = np.pi * (1 + np.sqrt(5)) * k
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)


def areas(crossings: NDArray[np.int64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of each row of crossings; ``matrix`` maps indices to lengths.

    A direction has one line for each voxel / step of area across it. A surface is crossed twice for the area
    that it throws along the lines; the mean of that over all directions is a quarter of the surface (Cauchy).
    Each direction stands for the part of the sphere that is nearest to it.
    """
    steps = np.array([step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)])
    vectors = steps @ matrix.T
    lengths = np.linalg.norm(vectors, axis=1)
    nearest = np.argmax(np.abs(_sphere() @ (vectors / lengths[:, None]).T), axis=1)
    shares = np.bincount(nearest, minlength=len(steps)) / _POINTS
    between = abs(float(np.linalg.det(matrix))) / lengths  # area of a line
    found: NDArray[np.float64] = crossings @ (4 * shares * between / 2)
    return found
