# SPDX-License-Identifier: Apache-2.0
"""Reference of the regions kernel: one selection of samples for each label."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def regions(labels: ArrayLike, image: ArrayLike | None, wanted: Sequence[int]) -> dict[str, Any]:
    """Return the columns of the kernel's table, a row for each of the labels that are wanted."""
    x = np.asarray(labels)
    rows = []
    for label in wanted:
        at = np.argwhere(x == label)
        row: dict[str, Any] = {"counts": len(at), "indices": at.sum(axis=0)}
        box = np.stack([at.min(axis=0), at.max(axis=0)], axis=1) if len(at) else np.zeros((x.ndim, 2), int)
        rows.append(row | {"boxes": box})
        if image is not None:
            rows[-1] |= _of_image(np.asarray(image)[tuple(at.T)], at, x.shape)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _of_image(samples: NDArray[Any], at: NDArray[np.int64], shape: tuple[int, ...]) -> dict[str, Any]:
    values = samples.astype(np.float64)
    numbers = ~np.isnan(values)
    where = np.asarray(np.ravel_multi_index(tuple(at.T), shape), np.int64)
    row: dict[str, Any] = {"minimum_at": -1, "maximum_at": -1, "squares": 0.0}
    row["not_number_at"] = where[np.argmin(numbers)] if not numbers.all() else -1
    if numbers.any():
        row |= {
            "minimum_at": where[numbers][np.argmin(samples[numbers])],
            "maximum_at": where[numbers][np.argmax(samples[numbers])],
        }
    if len(values):
        row["squares"] = ((values - values.mean()) ** 2).sum()
    whole = 0 if samples.dtype.kind == "f" else sum(map(int, samples.tolist()))
    centres = (values[:, None] * at).sum(axis=0)
    return row | {"sums": values.sum(), "whole_sums": (whole + 2**63) % 2**64 - 2**63, "centres": centres}


def crossings(labels: ArrayLike, wanted: Sequence[int]) -> NDArray[np.int64]:
    """Return, for each label and step to a neighbour, pairs of which one has the label; outside lies none."""
    steps = [step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
    counts = []
    for label in wanted:
        inside = np.pad(np.asarray(labels) == label, 1)
        counts.append([(inside != np.roll(inside, step, axis=(0, 1, 2))).sum() for step in steps])
    return np.array(counts, np.int64)


def diameters(labels: ArrayLike, wanted: Sequence[int], matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the largest distance between two samples of each label; -1 of none."""
    longest = []
    for label in wanted:
        at = np.argwhere(np.asarray(labels) == label) @ np.asarray(matrix, np.float64).T
        apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
        longest.append(apart.max(initial=-1.0))
    return np.array(longest)
