# SPDX-License-Identifier: Apache-2.0
"""Reference of the edt kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def edt(input: ArrayLike, sampling: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the distance to the nearest zero and its indices: every zero is tried for every sample."""
    x = np.asarray(input)
    zeros = np.argwhere(x == 0)
    if len(zeros) == 0:
        zeros = np.array([[-1] + [0] * (x.ndim - 1)])
    zeros = zeros[np.lexsort(zeros.T)]  # the last axis first: of equally near zeros the first one counts
    steps = np.asarray(sampling, np.float64)
    distances = np.empty(x.shape)
    indices = np.empty((x.ndim, *x.shape), np.int32)
    for place in np.ndindex(x.shape):
        squares = (((zeros - place) * steps) ** 2).sum(axis=1)
        nearest = int(np.argmin(squares))
        distances[place] = np.sqrt(squares[nearest])
        indices[(slice(None), *place)] = zeros[nearest]
    return distances, indices
