# SPDX-License-Identifier: Apache-2.0
"""Reference of the resample_labels kernel: an indicator per label, interpolated; the highest wins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .warp import taps_of

Rows = NDArray[np.float64]


def axis_matrix(coordinates: ArrayLike, n: int, rule: str, mode: str, sigma: float, alpha: float) -> Rows:
    """Return the weights of n samples, and of cval in a last column, for every coordinate."""
    at = np.asarray(coordinates, dtype=np.float64)
    matrix = np.zeros((len(at), n + 1))
    for row, c in enumerate(at):
        if rule == "gaussian":
            scale = 1 / (math.sqrt(2) * sigma)
            for i in range(
                max(math.floor(c + 0.5 - sigma * alpha), 0), min(math.ceil(c + 0.5 + sigma * alpha), n)
            ):
                matrix[row, i] = math.erf((i + 0.5 - c) * scale) - math.erf((i - 0.5 - c) * scale)
            continue
        taps = taps_of(float(c), n, 0 if rule == "nearest" else 1, mode)
        for index, weight in [(None, 1.0)] if taps is None else taps:
            matrix[row, n if index is None else index] += weight
    return matrix


def resample_labels(
    x: ArrayLike,
    coordinates: Sequence[ArrayLike],
    rule: str = "argmax",
    mode: str = "nearest",
    cval: int = 0,
    sigma: float = 1.0,
    alpha: float = 1.0,
) -> NDArray[np.int64]:
    """Return the label map ``x`` on the grid spanned by one list of coordinates per axis."""
    seg = np.pad(np.asarray(x), [(0, 1)] * np.ndim(x), constant_values=cval)
    known = np.unique(seg)
    scores = []
    for label in known:
        score = (seg == label).astype(np.float64)
        for axis, at in enumerate(coordinates):
            weights = axis_matrix(at, seg.shape[axis] - 1, rule, mode, sigma, alpha)
            score = np.moveaxis(np.tensordot(weights, score, (1, axis)), 0, axis)
        scores.append(score)
    stack = np.stack(scores)
    if rule == "half":
        half: NDArray[np.int64] = np.where(stack >= 0.5 - 1e-12, known.reshape(-1, *[1] * seg.ndim), 0).max(
            axis=0
        )
        return half
    winner: NDArray[np.int64] = known[stack.argmax(axis=0)]
    if rule == "argmax":
        nearest = resample_labels(x, coordinates, "nearest", mode, cval)
        top = stack.max(axis=0)
        mine = np.take_along_axis(stack, np.searchsorted(known, nearest)[None], 0)[0]
        winner = np.where(mine >= top - 1e-12, nearest, winner)
    return winner
