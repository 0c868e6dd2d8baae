# SPDX-License-Identifier: Apache-2.0
"""Reference of the separable kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .correlate1d import correlate1d


def separable(
    input: ArrayLike,
    terms: Sequence[Mapping[int, ArrayLike]],
    combine: str = "sum",
    mode: str = "reflect",
    cval: float = 0.0,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 1.0,
    bright: bool = True,
) -> NDArray[np.float64]:
    """Return what ``combine`` makes of the terms, each a mapping of axes to weights, in float64.

    The results of a voxel are the last axis.
    """
    x = np.asarray(input, np.float64)
    values = []
    for term in terms:
        value = x
        for axis in sorted(term):
            value = correlate1d(value, term[axis], axis, mode, cval)
        values.append(value)
    t = np.stack(values, -1)
    if combine == "sum":
        return np.asarray(np.sum(t, -1, keepdims=True))
    if combine == "magnitude":
        return np.asarray(np.sqrt(np.sum(t**2, -1, keepdims=True)))
    matrix = symmetric(t)
    if combine == "norm":
        return np.asarray(np.sqrt(np.sum(matrix**2, axis=(-2, -1)).max()))
    eigenvalues: NDArray[np.float64] = np.linalg.eigvalsh(matrix)
    if combine == "eigenvalues":
        return eigenvalues
    return vesselness(eigenvalues, alpha, beta, gamma, bright)[..., None]


def symmetric(triangle: NDArray[Any]) -> NDArray[Any]:
    """Return the matrices whose upper triangles, row by row, are the last axis."""
    n = {3: 2, 6: 3}[triangle.shape[-1]]
    rows, columns = np.triu_indices(n)
    matrix = np.empty((*triangle.shape[:-1], n, n), triangle.dtype)
    matrix[..., rows, columns] = matrix[..., columns, rows] = triangle
    return matrix


def vesselness(
    eigenvalues: NDArray[np.float64], alpha: float, beta: float, gamma: float, bright: bool
) -> NDArray[np.float64]:
    """Return Frangi's measure: equations 13 and 15 of his paper of 1998."""
    e = np.take_along_axis(eigenvalues, np.argsort(np.abs(eigenvalues), -1), -1)
    across = -e[..., 1:] if bright else e[..., 1:]
    tube = np.all(across > 0, -1)
    across = np.where(tube[..., None], across, 1.0)
    blob = e[..., 0] ** 2 / (across[..., 0] * across[..., -1])
    value = np.exp(-blob / (2 * beta**2)) * (1 - np.exp(-np.sum(e**2, -1) / (2 * gamma**2)))
    if e.shape[-1] == 3:
        plate = across[..., 0] / across[..., 1]
        value = value * (1 - np.exp(-(plate**2) / (2 * alpha**2)))
    return np.where(tube, value, 0.0)
