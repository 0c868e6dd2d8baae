# SPDX-License-Identifier: Apache-2.0
"""Measurements of labelled regions, drop-in for ``scipy.ndimage``: sums, moments, extremes, centres."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import RegionNames
from .._ops.regions import grouped_samples, order_statistics, smallest
from .._runtime.texts import documented_by
from ._regions import (
    Request,
    as_tuples,
    check_positions,
    counts_and_sums,
    extreme,
    first,
    request,
    squares,
)

_MEASURED = """\
Parameters
----------
{measured_image}
{measured_labels}
{measured_index}
{threads}

Returns
-------
{returns}

Raises
------
RuntimeError, TypeError
    Complex numbers and other dtypes that are none of those above.
ValueError, IndexError
    Shapes that are not broadcast, and {errors}.

Notes
-----
{notes}
Of a GPU array arrays are CuPy's, and numbers and tuples Python's; the call waits for a row per label.

Examples
--------
>>> import numpy as np
>>> from voxkern import ndimage
>>> x, labels = np.array([[1.0, 2.0, 4.0], [3.0, 9.0, 0.0]]), np.array([[1, 1, 7], [7, 7, 0]])
>>> {example}
{result}"""

_ONE_PASS = "One pass over the image, which is not copied.\n"

_SUMS = {
    "returns": "number or array\n    ``float64`` for a sequence; for one region the dtype NumPy adds up in.",
    "errors": "whatever NumPy raises of an empty array",
    "notes": _ONE_PASS
    + "Sums of integers are exact modulo 2^64, those of floats are float64 to a few roundings.",
}
_MOMENTS = {
    "returns": "number or array\n    ``float64``. NaN, with NumPy's warning, of a region without samples.",
    "errors": "whatever NumPy raises of an empty array",
    "notes": _ONE_PASS
    + """Moments are float64 to a few roundings, whatever the mean,
and to 1e-9 where the first sample of a region is far from all others.""",
}
_EXTREMES = {
    "returns": "number or array\n    Of the dtype of ``input``. In a sequence 0 for no samples.",
    "errors": "one region without samples",
    "notes": _ONE_PASS
    + "As in scipy a NaN is the extreme of one region, and the largest sample in a sequence of them.",
}
_POSITIONS = {
    "returns": "tuple of int, or list of tuples\n    In a sequence the first sample of all for no samples.",
    "errors": "one region with a NaN or without samples",
    "notes": _ONE_PASS
    + "Of equal samples the first in C order counts; in a sequence scipy leaves that open.",
}


@documented_by(
    _MEASURED, example="ndimage.sum_labels(x, labels, [1, 7])", result="array([ 3., 16.])", **_SUMS
)
def sum_labels(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Add up the samples of each region."""
    asked = request("sum_labels", input, labels, index, threads)
    return asked.call.brought(counts_and_sums(asked, asked.table(sums=True))[1])


@documented_by(_MEASURED, example="ndimage.sum(x, labels, [1, 7])", result="array([ 3., 16.])", **_SUMS)
def sum(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Add up the samples of each region; the older name of `sum_labels`."""
    asked = request("sum", input, labels, index, threads)
    return asked.call.brought(counts_and_sums(asked, asked.table(sums=True))[1])


@documented_by(
    _MEASURED, example="ndimage.mean(x, labels, [1, 7]).round(3)", result="array([1.5  , 5.333])", **_MOMENTS
)
def mean(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the mean of each region."""
    asked = request("mean", input, labels, index, threads)
    count, total = counts_and_sums(asked, asked.table(sums=True))
    return asked.call.brought(total / np.asanyarray(count).astype(np.float64))


@documented_by(
    _MEASURED,
    example="ndimage.variance(x, labels, [1, 7]).round(3)",
    result="array([0.25 , 6.889])",
    **_MOMENTS,
)
def variance(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the variance of each region about its mean."""
    asked = request("variance", input, labels, index, threads)
    count, total = squares(asked, asked.table(moments=True))
    return asked.call.brought(total / np.asanyarray(count).astype(np.float64))


@documented_by(
    _MEASURED,
    example="ndimage.standard_deviation(x, labels, [1, 7]).round(3)",
    result="array([0.5  , 2.625])",
    **_MOMENTS,
)
def standard_deviation(
    input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None
) -> Any:
    """Return the standard deviation of each region."""
    asked = request("standard_deviation", input, labels, index, threads)
    count, total = squares(asked, asked.table(moments=True))
    return asked.call.brought(np.sqrt(total / np.asanyarray(count).astype(np.float64)))


@documented_by(_MEASURED, example="ndimage.minimum(x, labels, [1, 7])", result="array([1., 3.])", **_EXTREMES)
def minimum(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the smallest sample of each region."""
    asked = request("minimum", input, labels, index, threads)
    return asked.call.brought(extreme(asked, asked.table(extremes=True), "minimum")[0])


@documented_by(_MEASURED, example="ndimage.maximum(x, labels, [1, 7])", result="array([2., 9.])", **_EXTREMES)
def maximum(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the largest sample of each region."""
    asked = request("maximum", input, labels, index, threads)
    return asked.call.brought(extreme(asked, asked.table(extremes=True), "maximum")[0])


@documented_by(
    _MEASURED,
    example="[tuple(map(int, at)) for at in ndimage.minimum_position(x, labels, [1, 7])]",
    result="[(0, 0), (1, 0)]",
    **_POSITIONS,
)
def minimum_position(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the index of the smallest sample of each region."""
    asked = request("minimum_position", input, labels, index, threads, positions=True)
    return _positions(asked, asked.table(extremes=True), "minimum")


@documented_by(
    _MEASURED,
    example="[tuple(map(int, at)) for at in ndimage.maximum_position(x, labels, [1, 7])]",
    result="[(0, 1), (1, 1)]",
    **_POSITIONS,
)
def maximum_position(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the index of the largest sample of each region."""
    asked = request("maximum_position", input, labels, index, threads, positions=True)
    return _positions(asked, asked.table(extremes=True), "maximum")


def _positions(asked: Request, table: Any, side: str) -> Any:
    _, positions = extreme(asked, table, side)
    check_positions(asked, table)
    return as_tuples(asked, positions)


@documented_by(
    _MEASURED,
    example="ndimage.extrema(x, labels, [1, 7])[:2]",
    result="(array([1., 3.]), array([2., 9.]))",
    **_POSITIONS
    | {"returns": "tuple\n    What `minimum`, `maximum`, `minimum_position` and `maximum_position` return."},
)
def extrema(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the smallest and the largest sample of each region, and their indices."""
    asked = request("extrema", input, labels, index, threads, positions=True)
    table = asked.table(extremes=True)
    (low, low_at), (high, high_at) = (extreme(asked, table, side) for side in ("minimum", "maximum"))
    check_positions(asked, table)
    low, high = (asked.call.brought(values) for values in (low, high))
    return low, high, as_tuples(asked, low_at), as_tuples(asked, high_at)


@documented_by(
    _MEASURED,
    example="ndimage.median(x, labels, [1, 7])",
    result="array([1.5, 4. ])",
    returns="number or array\n    ``float32`` of float32, float16 of float16, else float64.",
    errors="whatever NumPy raises of an empty array",
    notes="""The samples that have one of the labels are copied, label by label; nothing is sorted.
As in scipy a NaN is the median of one region; in a sequence of them it is larger than all else. A region
without samples then has the smallest sample of the smallest label.""",
)
def median(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the median of each region."""
    asked = request("median", input, labels, index, threads)
    offsets, samples, _, _ = grouped_samples(
        asked.call, asked.labels, asked.image, asked.names, in_order=False
    )
    assert samples is not None
    counts, not_numbers, neighbours, shares = order_statistics(asked.call, offsets, samples, [0.5])
    if asked.rows is None:
        pair = neighbours[0, 0] if first(counts) else asked.no_samples()
        if len(pair) and not_numbers[0]:
            pair = np.full(2, np.nan, pair.dtype)
        return np.median(pair if not len(pair) or shares[0, 0] else pair[:1])
    low = neighbours[:, 0, 0]
    high = np.where(shares[:, 0] > 0, neighbours[:, 0, 1], low)
    low, high = (np.array(asked.of_rows(side)) for side in (low, high))
    absent = asked.of_rows(counts) == 0
    if absent.any():
        low[absent] = high[absent] = _smallest_of_smallest(asked)
    if asked.image.dtype.kind in "iub":
        low, high = low.astype(np.float64), high.astype(np.float64)
    return asked.call.brought(((low + high) / 2.0)[()])


def _smallest_of_smallest(asked: Request) -> Any:
    """Return the first of all samples sorted by label, then by value: scipy's answer where there is none."""
    lowest = int(np.asarray(smallest(asked.call, asked.labels)).astype(np.int64))  # of uint64 the bits
    table = asked._replace(names=RegionNames.range(lowest, 1)).table(extremes=True)
    return asked.at(np.where(table.minimum_at < 0, table.not_number_at, table.minimum_at)[0])


@documented_by(
    _MEASURED,
    example="np.round(ndimage.center_of_mass(x, labels, [1, 7]), 3)",
    result="array([[0.   , 0.667],\n       [0.75 , 1.062]])",
    returns="tuple of float, or list of tuples\n    NaN, with NumPy's warning, where samples add up to 0.",
    errors="whatever NumPy raises of an empty array",
    notes=_ONE_PASS + "Sums are float64 to a few roundings.",
)
def center_of_mass(input: Any, labels: Any = None, index: Any = None, *, threads: int | None = None) -> Any:
    """Return the centre of each region, its indices weighted by the samples."""
    asked = request("center_of_mass", input, labels, index, threads)
    table = asked.table(sums=True, centres=True)
    total = counts_and_sums(asked, table)[1]
    # Along an axis the input was broadcast along it has the index 0 alone.
    added = asked.image.ndim - len(asked.shape)
    used = [axis for axis in range(added, asked.image.ndim) if asked.shape]
    alone = [asked.shape[axis - added] == 1 for axis in used]
    columns = [table.centres[:, axis] * (not one) for axis, one in zip(used, alone, strict=True)]
    if asked.rows is None:
        centres = [first(column) / total for column in columns]
        return tuple(centres)
    centres = [asked.of_rows(column) / total for column in columns]
    return [tuple(v) for v in np.array(centres).T] if np.ndim(centres[0]) else tuple(centres)
