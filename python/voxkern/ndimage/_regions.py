# SPDX-License-Identifier: Apache-2.0
"""What measurements of regions have in common: input and labels of one shape, rows that answer an index."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._core import RegionColumns, RegionNames
from .._ops.regions import ONE, limits, rows_of, samples_at
from .._runtime.validate import LABEL_DTYPES, REAL_DTYPES, Array
from ._common import Call

_LARGE = 2.0**62  # sums above this may not fit 64 bits


class Request(NamedTuple):
    """An image, labels beside it, and which rows of a table answer the call."""

    call: Call
    image: Array
    labels: Array
    shape: tuple[int, ...]  # of the input before it was broadcast
    names: RegionNames
    rows: Any  # the row of each index; -1: no sample can have this label; None: the call asks for one region

    def table(self, **columns: bool) -> Any:
        """Return the kernel's table with these columns."""
        return self.call.run("regions", self.labels, self.image, self.names, RegionColumns(**columns))

    def of_rows(self, column: Array) -> Array:
        """Return a column by index, with zeros for labels that no sample can have."""
        if column.shape[0] == 0:
            return np.zeros((*self.rows.shape, *column.shape[1:]), column.dtype)
        chosen = np.array(column[np.maximum(self.rows, 0)])
        chosen[self.rows < 0] = 0
        found: Array = chosen[()]
        return found

    def no_samples(self) -> Array:
        """Return an empty array of the image's dtype: NumPy answers for an empty region, and warns."""
        return np.zeros(0, self.image.dtype)

    def at(self, positions: Array) -> Array:
        """Return the samples at positions counted in C order, in the memory of the host."""
        return samples_at(self.call, self.image, positions)


def request(
    name: str, input: Any, labels: Any, index: Any, threads: int | None, *, positions: bool = False
) -> Request:
    """Return what a measurement reads; ``positions`` of samples need an input that is not broadcast."""
    call = Call(name, "regions", threads=threads)
    image = call.enter(input, "input", REAL_DTYPES)
    shape = image.shape
    if labels is None:
        image = image.reshape(1) if image.ndim == 0 else image
        image, ones = call.broadcast(image, call.bring(ONE))
        return Request(call, image, ones, shape, RegionNames.range(1, 1), None)
    given = call.enter(labels, "labels", None)
    image, given = call.broadcast(image, given)
    if positions and image.shape != shape:
        raise IndexError(f"labels: got shape {given.shape}, allowed what is broadcast to {shape}")
    if image.ndim == 0:
        image, given = image.reshape(1), given.reshape(1)
    return Request(call, image, *_answers(call, given, index, shape))


def _answers(
    call: Call, labels: Array, index: Any, shape: tuple[int, ...]
) -> tuple[Array, Any, RegionNames, Any]:
    """Return integer labels, and the names and rows of an index among them."""
    whole = whole_labels(call, labels)
    if index is None:
        return (labels if whole else labels > 0), shape, RegionNames.positive(), None
    if np.isscalar(index):
        if not whole:
            return labels == index, shape, RegionNames.range(1, 1), None
        wanted, known = exact(np.asarray(index), labels)
        return labels, shape, RegionNames.range(int(wanted), int(known)), None
    wanted = call.on_host(index, "index")
    if labels.size == 0:
        np.zeros(0).min()  # raises
    if not whole:
        values, ranks = np.unique(labels, return_inverse=True)
        at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
        return _with_rows(ranks.reshape(labels.shape), shape, at, values[at] == wanted)
    if wanted.dtype.kind == "f" and _counted(call, labels):
        wanted = wanted.astype(np.int64)
    return _with_rows(labels, shape, *exact(wanted, labels))


def whole_labels(call: Call, labels: Array) -> bool:
    """Tell whether labels are integers; others are put in order first, for which a GPU has no version."""
    whole = labels.dtype.char in LABEL_DTYPES
    if call.on_device and not whole:
        raise call.no_gpu_version("labels", of=" of labels that are no integers")
    return whole


def _counted(call: Call, labels: Array) -> bool:
    """Tell whether scipy counts labels without sorting them: it then drops the fractions of an index."""
    if labels.dtype.kind == "b" or labels.dtype == np.uint64:
        return False
    low, high = limits(call, labels)
    return bool(low >= 0 and high <= labels.size)


def exact(index: Array, labels: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return numbers as the kernel has labels (of uint64 the bits), and which of them the labels can be."""
    if index.dtype.kind not in "biuf":
        index = index.astype(np.float64 if index.size == 0 else np.int64)
    if index.dtype.kind == "b":
        index = index.astype(np.uint8)
    bounds = np.iinfo(np.uint8 if labels.dtype.kind == "b" else labels.dtype)
    high = 1 if labels.dtype.kind == "b" else int(bounds.max)
    # As floats limits of 64 bits are rounded up: the largest is no label then.
    known = (index >= int(bounds.min)) & (
        (index <= high) if index.dtype.kind != "f" else (index < high + 1.0)
    )
    if index.dtype.kind == "f":
        known &= np.floor(index) == index
    kept = np.where(known, index, 0)
    wanted = kept.astype(np.uint64).view(np.int64) if labels.dtype == np.uint64 else kept.astype(np.int64)
    return wanted, np.asarray(known)


def _with_rows(
    labels: Array, shape: tuple[int, ...], wanted: Array, known: Array
) -> tuple[Array, Any, RegionNames, Any]:
    names, found = rows_of(np.atleast_1d(wanted)[np.atleast_1d(known)].astype(np.int64))
    rows = np.full(wanted.shape, -1)
    rows[known] = found.reshape(rows[known].shape)
    return labels, shape, names, rows


# --- one region, or an array of them --------------------------------------------------------------------


def counts_and_sums(asked: Request, table: Any) -> tuple[Any, Any]:
    """Return samples and sums as scipy has them: of one region in the dtype of a sum, else float64."""
    if asked.rows is None:
        count = first(table.counts)
        dtype = asked.no_samples().sum().dtype
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                return count, np.asarray(first(table.sums)).astype(dtype)[()]
        return count, np.int64(first(table.whole_sums)).astype(dtype)
    return asked.of_rows(table.counts), asked.of_rows(_float_sums(asked.image, table))


def first(column: Array) -> Any:
    """Return the row of the only region; 0 where no sample can be in it."""
    return column[0] if len(column) else column.dtype.type(0)


def _float_sums(image: Array, table: Any) -> Array:
    if image.dtype.kind == "f":
        sums: Array = table.sums
        return sums
    whole = table.whole_sums.view(np.uint64) if image.dtype == np.uint64 else table.whole_sums
    exact_sums: Array = np.where(np.abs(table.sums) < _LARGE, whole.astype(np.float64), table.sums)
    return exact_sums


def squares(asked: Request, table: Any) -> tuple[Any, Any]:
    """Return samples, and sums of squares about the means."""
    if asked.rows is not None:
        return asked.of_rows(table.counts), asked.of_rows(table.squares)
    count = first(table.counts)
    if count == 0:
        none = asked.no_samples()
        return count, ((none - none.mean()) ** 2).sum()
    return count, first(table.squares)


def extreme(asked: Request, table: Any, side: str) -> tuple[Any, Any]:
    """Return the smallest or the largest samples and their positions, counted in C order.

    As in scipy a NaN is the answer for one region, and the largest sample of an array of them.
    """
    at = getattr(table, f"{side}_at")
    not_number_at = table.not_number_at
    if asked.rows is None:
        if first(table.counts) == 0:
            getattr(asked.no_samples(), side[:3])()  # raises
        position = at[0] if not_number_at[0] < 0 else not_number_at[0]
        return asked.at(position), position
    takes_nan = (at < 0) if side == "minimum" else np.ones(at.shape, bool)
    at = np.where(takes_nan & (not_number_at >= 0), not_number_at, at)
    positions = asked.of_rows(np.maximum(at, 0))
    values = asked.at(positions)
    absent = asked.of_rows(table.counts) == 0
    if absent.any():
        values = np.where(absent, values.dtype.type(0), values)
    return values, positions


def check_positions(asked: Request, table: Any) -> None:
    """Refuse positions in one region with a NaN: nothing equals its extreme."""
    if asked.rows is None and len(table.counts) and table.not_number_at[0] >= 0:
        raise IndexError("input: got NaN in the region, allowed numbers where a position is asked for")


def as_tuples(asked: Request, positions: Any) -> Any:
    """Return positions as scipy does: a tuple of indices, or a list of them."""
    indices = np.unravel_index(np.ravel(positions), asked.shape) if asked.shape else ()
    if np.ndim(positions) == 0:
        return tuple(along[0] for along in indices)
    return list(zip(*indices, strict=True)) if indices else [()] * np.size(positions)
