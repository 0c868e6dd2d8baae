# SPDX-License-Identifier: Apache-2.0
"""Regions as slices, indices and groups of samples, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

import gc
import itertools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._core import RegionColumns, RegionNames
from .._ops.regions import FEW, grouped_samples, largest, rows_of
from .._runtime.texts import documented
from .._runtime.validate import REAL_DTYPES, SAMPLED_DTYPES, Array
from ._common import Call
from ._regions import exact, request, whole_labels


@documented
def find_objects(input: Any, max_label: int = 0, *, threads: int | None = None) -> list[Any]:
    """Find the bounding box of each label.

    Parameters
    ----------
    input : array_like of int
        Bool or integer; any number of axes, any memory order. What is below 1 is passed over.
    max_label : int, optional
        The last label to look for. Default: the largest that occurs.
    {threads}

    Returns
    -------
    list
        A tuple of slices for each label from 1 on; None for a label that does not occur.

    Raises
    ------
    TypeError, RuntimeError, ValueError
        Labels that are no integers, or none at all without ``max_label``.

    Notes
    -----
    Extra memory beside the list: 8 bytes and 16 for each axis per label, or per label that occurs where they
    lie far apart. Of a GPU array the call waits for the boxes.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.find_objects([[0, 1, 1], [3, 0, 1]])
    [(slice(0, 2, None), slice(1, 3, None)), None, (slice(1, 2, None), slice(0, 1, None))]
    """
    call = Call("find_objects", "regions", threads=threads)
    x = call.enter_real(input, "input", SAMPLED_DTYPES)
    if x.dtype.kind == "f":
        if call.on_device:
            raise call.no_gpu_version("input", of=" of labels that are no integers")
        operator.index(max_label if max_label >= 1 else x.max())  # raises of a float
        x = x.astype(np.int64)
    if max_label < 1:
        max_label = largest(call, x)
    count = max(operator.index(max_label), 0)
    line = x.reshape(1) if x.ndim == 0 else x
    near = count <= max(FEW, x.size)
    names = RegionNames.range(1, count) if near else RegionNames.every(True)
    table = call.run("regions", line, None, names, RegionColumns(boxes=True))
    rows = np.flatnonzero(table.counts)
    labels = rows + 1 if near else table.labels[rows]
    wanted = (labels >= 1) & (labels <= count)
    boxes = table.boxes[rows[wanted], : x.ndim]
    boxes[..., 1] += 1
    found: list[Any] = [None] * count
    with _no_collection():
        along = [map(slice, *sides) for sides in boxes.transpose(1, 2, 0).tolist()]
        objects = zip(*along, strict=True) if along else [()] * len(boxes)
        for label, box in zip(labels[wanted].tolist(), objects, strict=True):
            found[label - 1] = box
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let nobody look for garbage among millions of new objects: it makes them take five times as long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@documented
def value_indices(
    arr: Any, *, ignore_value: int | None = None, threads: int | None = None
) -> dict[Any, tuple[Array, ...]]:
    """Find the indices of each value of an array of integers.

    Parameters
    ----------
    arr : array_like of int
        Any number of axes, any memory order.
    ignore_value : int, optional
        A value that is passed over.
    {threads}

    Returns
    -------
    dict
        By value, in increasing order: an array of indices for each axis, as ``numpy.nonzero`` gives them.

    Raises
    ------
    ValueError
        Values that are no integers.

    Notes
    -----
    The arrays are views of one block: 8 bytes for each axis and sample. Of a GPU array they are CuPy's; the
    call waits for the values and their counts.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.value_indices([[5, 0], [0, 5]], ignore_value=0)
    {np.int64(5): (array([0, 1]), array([0, 1]))}
    """
    call = Call("value_indices", "regions", threads=threads)
    x = call.enter(arr, "arr", None)
    if x.dtype.kind not in "iu":
        raise ValueError("Parameter 'arr' must be an integer array")
    ignored = None if ignore_value is None else x.dtype.type(ignore_value)
    line = x.reshape(1) if x.ndim == 0 else x
    table = call.run("regions", line, None, RegionNames.every(True), RegionColumns())
    values = np.sort(table.labels.view(np.uint64) if x.dtype == np.uint64 else table.labels)
    if ignored is not None:
        values = values[values != ignored]
    names, rows = rows_of(values.view(np.int64), no_others=True)
    offsets, _, _, indices = grouped_samples(call, line, None, names, indices=True)
    assert indices is not None
    along = [indices[axis] for axis in range(x.ndim)]
    found = {}
    for value, row in zip(values.astype(x.dtype), rows.tolist(), strict=True):
        found[value] = tuple(axis[offsets[row] : offsets[row + 1]] for axis in along)
    return found


@documented
def labeled_comprehension(
    input: Any,
    labels: Any,
    index: Any,
    func: Callable[..., Any],
    out_dtype: Any,
    default: Any,
    pass_positions: bool = False,
    *,
    threads: int | None = None,
) -> Any:
    """Call a function with the samples of each region.

    Parameters
    ----------
    input : array_like
        Any dtype, any number of axes, any memory order.
    {measured_labels}
    {measured_index}
    func : callable
        Takes a 1-D array of samples in C order, with ``pass_positions`` also one of their places in C order.
    out_dtype : dtype
        Of the result for a sequence of regions.
    default : number, optional
        The answer for a region without samples.
    pass_positions : bool, optional
        Whether ``func`` takes positions.
    {threads}

    Returns
    -------
    array or whatever ``func`` returns
        An array for a sequence of regions.

    Raises
    ------
    ValueError
        Shapes that are not broadcast; an index without labels, or one that the labels' dtype does not hold.

    Notes
    -----
    The samples that have one of the labels are copied, label by label, by all threads; ``func`` is called on
    one thread. Of GPU arrays it is given CuPy arrays, and the array of answers is one if they are numbers.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.labeled_comprehension([4, 1, 7, 9], [1, 2, 2, 1], [1, 2, 3], len, int, -1)
    array([ 2,  2, -1])
    """
    call = Call("labeled_comprehension", "regions", threads=threads)
    x = call.enter(input, "input", None)
    if labels is None:
        if index is not None:
            raise ValueError("index without defined labels")
        flat = x.reshape(-1)
        return func(flat, call.bring(np.arange(x.size))) if pass_positions else func(flat)
    size = x.size
    given = call.enter(labels, "labels", None)
    try:
        x, given = call.broadcast(x, given)
    except ValueError as error:
        raise ValueError(
            "input and labels must have the same shape (excepting dimensions with width 1)"
        ) from error
    if pass_positions and x.size != size:
        raise IndexError(f"labels: got shape {given.shape}, allowed what is broadcast to the input")
    whole = whole_labels(call, given)
    if index is None:
        given, names = (given if whole else given > 0), RegionNames.positive()
    else:
        wanted = checked_index(call, index, given)
        flat = wanted.ravel()
        if whole:
            names, rows = rows_of(exact(flat, given)[0], no_others=True)
        else:
            values, ranks = np.unique(given, return_inverse=True)
            given = ranks.reshape(given.shape)
            at = np.minimum(np.searchsorted(values, flat), len(values) - 1)
            names, rows = rows_of(np.where(values[at] == flat, at, -1), no_others=True)
    if x.ndim == 0:
        x, given = x.reshape(1), given.reshape(1)
    plain = x.dtype.char in REAL_DTYPES
    if call.on_device and not plain:
        raise call.no_gpu_version("input", of=f" of {x.dtype}")
    offsets, samples, places, _ = grouped_samples(
        call, given, x if plain else None, names, positions=pass_positions or not plain
    )
    if places is not None and not plain:
        samples = x[np.unravel_index(places, x.shape)]
    columns: tuple[Any, ...] = (samples, places) if pass_positions else (samples,)
    groups = [
        tuple(column[begin:end] for column in columns) for begin, end in itertools.pairwise(offsets.tolist())
    ]
    if index is None:
        return func(*groups[0])
    result = np.full(flat.shape, default, out_dtype)
    for i in np.argsort(flat, kind="stable").tolist():  # the order in which scipy calls
        if len(groups[rows[i]][0]):
            result[i] = call.fetched(func(*groups[rows[i]]), "func")
    return result[0] if np.isscalar(index) else call.brought(result.reshape(wanted.shape))


@documented
def histogram(
    input: Any,
    min: float,
    max: float,
    bins: int,
    labels: Any = None,
    index: Any = None,
    *,
    threads: int | None = None,
) -> Any:
    """Count the samples of each region in bins of equal width.

    Parameters
    ----------
    {measured_image}
    min, max : float
        Where the bins begin and end. Samples beyond them are not counted, nor is NaN.
    bins : int
        How many there are. The last one has both its edges.
    {measured_labels}
    {measured_index}
    {threads}

    Returns
    -------
    array
        ``int64`` counts of one region; for a sequence an array of such arrays, with None for a region without
        samples.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As ``scipy.ndimage.histogram``.

    Notes
    -----
    One pass over the image, which is not copied. The edges are compared in float64. Of a GPU array the counts
    are CuPy arrays; the call waits for them.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.histogram([1, 4, 2, 9], 0, 10, 5, [1, 1, 2, 1], 1)
    array([1, 0, 1, 0, 1])
    """
    edges = np.linspace(min, max, bins + 1)
    if len(edges) < 2 or not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        # NumPy has its own answers, and errors, for these.
        call = Call("histogram", "regions")
        call.enter(input, "input", None)
        if call.on_device:
            raise call.no_gpu_version("input", of=" with bins that do not rise")
        return labeled_comprehension(
            input, labels, index, lambda v: np.histogram(v, edges)[0], object, None, threads=threads
        )
    asked = request("histogram", input, labels, None if labels is None else index, threads)
    if labels is None and index is not None:
        raise ValueError("index without defined labels")
    if index is not None:
        checked_index(asked.call, index, asked.call.enter(labels, "labels", None))
    run = asked.call.run
    table = run("region_histograms", asked.labels, asked.image, asked.names, edges)
    if index is None:
        return asked.call.brought(table[0])
    present = table.any(axis=1)
    if not present.all():  # or all samples lie beyond the bins
        present = run("regions", asked.labels, None, asked.names, RegionColumns()).counts > 0
    if asked.rows is None:
        return asked.call.brought(table[0]) if len(present) and present[0] else None
    rows = np.atleast_1d(asked.rows)
    result = np.full(rows.shape, None, object)
    counts = asked.call.brought(table)
    for at, row in np.ndenumerate(rows):
        if row >= 0 and present[row]:
            result[at] = counts[row].copy()
    return result


def checked_index(call: Call, index: Any, labels: Array) -> Array:
    """Return an index in the dtype of the labels, as scipy refuses what they cannot hold."""
    wanted = np.atleast_1d(call.on_host(index, "index"))
    with np.errstate(invalid="ignore"):
        held = wanted.astype(labels.dtype)
    if np.any(held.astype(wanted.dtype) != wanted):
        raise ValueError(
            f"Cannot convert index values from <{wanted.dtype}> to <{labels.dtype}> (labels' type) without "
            "loss of precision"
        )
    held.min()  # raises where there is none
    return held
