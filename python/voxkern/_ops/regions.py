# SPDX-License-Identifier: Apache-2.0
"""Rows of tables by label, and order statistics of each label: what measurements of regions share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._core import RegionNames
from .._runtime.call import Call
from .._runtime.validate import Array

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


def order_statistics(
    call: Call, labels: Array, image: Array, names: RegionNames, quantiles: Sequence[float]
) -> tuple[Array, Array, Array, Array]:
    """Return counts, NaN among them, neighbours (rows, quantiles, 2) and shares (rows, quantiles).

    A quantile is the first neighbour and the share of the step to the second. NaN come last. Rows without
    samples hold whatever was there.
    """
    offsets, samples, _, _ = call.run("region_groups", labels, image, names, False, False, False)
    neighbours, shares, not_numbers = call.run("region_quantiles", samples, offsets, list(quantiles))
    return np.diff(offsets), not_numbers, neighbours, shares
