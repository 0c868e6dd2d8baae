# SPDX-License-Identifier: Apache-2.0
"""Rows of tables by label, and order statistics of each label: what measurements of regions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import RegionColumns, RegionNames
from .._runtime.call import Call
from .._runtime.validate import Array

ONE = np.ones((), np.uint8)  # the label of an image without labels
FEW = 1 << 12  # labels from the smallest to the largest that get a row each in any case


def rows_of(wanted: NDArray[np.int64], *, no_others: bool = False) -> tuple[RegionNames, NDArray[np.int64]]:
    """Return names of rows that hold these labels, and the row of each.

    Labels near each other need no search; the rows are then those of all labels between too, unless
    ``no_others`` forbids it.
    """
    if wanted.size == 0:
        return RegionNames.range(0, 0), np.zeros(wanted.shape, np.int64)
    low, high = int(wanted.min()), int(wanted.max())
    near = wanted.size > high - low if no_others else high - low < max(FEW, 4 * wanted.size)
    if near:
        return RegionNames.range(low, high - low + 1), wanted - low
    distinct, rows = np.unique(wanted, return_inverse=True)
    return RegionNames.listed(distinct), rows.reshape(wanted.shape)


def grouped_samples(
    call: Call,
    labels: Array,
    image: Array | None,
    names: RegionNames,
    *,
    positions: bool = False,
    indices: bool = False,
    in_order: bool = True,
) -> tuple[NDArray[np.int64], Array | None, Array | None, Array | None]:
    """Return where each row begins, and the end; its samples of the image side by side, and their places.

    Positions count in C order; indices have a row for each axis.
    """
    groups = call.run("region_groups", labels, image, names, in_order)
    offsets = groups.offsets
    total = int(offsets[-1])
    samples = None if image is None else call.empty((total,), image.dtype)
    places = call.empty((total,), np.int64) if positions else None
    along = call.empty((labels.ndim, total), np.int64) if indices else None
    call.run("write_region_groups", labels, image, names, groups, samples, places, along)
    return offsets, samples, places, along


def order_statistics(
    call: Call, offsets: NDArray[np.int64], samples: Array, quantiles: Sequence[float]
) -> tuple[Array, Array, Array, Array]:
    """Return counts, NaN among them, neighbours (rows, quantiles, 2) and shares (rows, quantiles).

    The samples are grouped, and may be put in another order.

    A quantile is the first neighbour and the share of the step to the second. NaN come last. Rows without
    samples hold whatever was there.
    """
    neighbours, shares, not_numbers = call.run("region_quantiles", samples, offsets, list(quantiles))
    return np.diff(offsets), not_numbers, neighbours, shares


def samples_at(call: Call, image: Array, positions: NDArray[np.int64]) -> Array:
    """Return samples at positions counted in C order, in the memory of the host."""
    if call.on_device:
        found: Array = call.run("region_samples", image, np.ravel(positions))
        return found.reshape(np.shape(positions))[()]
    chosen: Array = image[np.unravel_index(positions, image.shape)]
    return chosen


def smallest(call: Call, x: Array) -> Any:
    """Return the smallest of an array of integers."""
    return _limits(call, x, "min")[0]


def largest(call: Call, x: Array) -> Any:
    """Return the largest of an array of integers."""
    return _limits(call, x, "max")[0]


def limits(call: Call, x: Array) -> tuple[Any, Any]:
    """Return the smallest and the largest of an array of integers."""
    low, high = _limits(call, x, "min", "max")
    return low, high


def _limits(call: Call, x: Array, *sides: str) -> list[Any]:
    """Return extremes by the names of NumPy's methods: a pass of the host for each, one of a GPU for both."""
    if not call.on_device:
        return [getattr(x, side)() for side in sides]
    none = np.zeros(0, x.dtype)
    if x.size == 0:
        return [getattr(none, side)() for side in sides]  # raises
    line, ones = call.broadcast(x.reshape(1) if x.ndim == 0 else x, call.bring(ONE))
    table = call.run("regions", ones, line, RegionNames.range(1, 1), RegionColumns(extremes=True))
    positions = np.array([getattr(table, f"{side}imum_at")[0] for side in sides])
    return list(samples_at(call, line, positions))
