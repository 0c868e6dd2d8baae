# SPDX-License-Identifier: Apache-2.0
"""What the voxels of each label have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._runtime.backend import host_array
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._runtime.validate import KERNEL_DTYPES, LABEL_DTYPES, Array

_FEW = 1 << 12  # labels between the smallest and the largest that get a row of the table in any case


@dataclass(frozen=True)
class LabelStatistics:
    """What `label_statistics` found: one row per label.

    Attributes
    ----------
    label : (n,) ndarray
        The labels, int64.
    count : (n,) ndarray
        Voxels, int64.
    volume : (n,) ndarray
        Cubic millimetres for a Volume, voxels for an array.
    first, last : (n, ndim) ndarray
        The smallest and the largest index along each axis, int64; 0 and -1 of a label without voxels.
    centroid : (n, ndim) ndarray
        Mean index along each axis.
    centroid_mm : (n, 3) ndarray or None
        The same in RAS+ millimetres, for a Volume.
    mean, standard_deviation, minimum, maximum : (n,) ndarray or None
        Of the image, where one is given. NaN takes part in the first two and not in the last two.
    minimum_position, maximum_position : (n, ndim) ndarray or None
        Index of the first such voxel; -1 where there is none.
    """

    label: NDArray[np.int64]
    count: NDArray[np.int64]
    volume: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    centroid: NDArray[np.float64]
    centroid_mm: NDArray[np.float64] | None = None
    mean: NDArray[np.float64] | None = None
    standard_deviation: NDArray[np.float64] | None = None
    minimum: Array | None = None
    maximum: Array | None = None
    minimum_position: NDArray[np.int64] | None = None
    maximum_position: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def slices(self) -> list[tuple[slice, ...] | None]:
        """Return the bounding box of each label as slices; None of a label without voxels."""
        return [
            tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True)) if count else None
            for first, last, count in zip(self.first.tolist(), self.last.tolist(), self.count, strict=True)
        ]

    def columns(self) -> dict[str, Array]:
        """Return the table by columns of numbers: one name for each axis of what has several."""
        found: dict[str, Array] = {}
        for field in fields(self):
            values = getattr(self, field.name)
            if values is None:
                continue
            if values.ndim == 1:
                found[field.name] = values
            else:
                found |= {f"{field.name}_{axis}": values[:, axis] for axis in range(values.shape[1])}
        return found

    def to_pandas(self) -> Any:
        """Return the table as a ``pandas.DataFrame`` with the labels as its index."""
        return import_or_explain("pandas", None).DataFrame(self.columns()).set_index("label")


@documented
def label_statistics(
    labels: Any, image: Any = None, *, index: ArrayLike | None = None, threads: int | None = None
) -> LabelStatistics:
    """Count and measure the voxels of every label in one pass.

    Parameters
    ----------
    labels : array_like or Volume
        Bool or integer; any number of axes, any memory order.
    image : array_like or Volume, optional
        In the shape of ``labels``: bool, integer, float32 or float64, computed in float64.
    index : sequence of int, optional
        The labels to measure, in this order. Default: all that occur but 0, in increasing order.
    {threads}

    Returns
    -------
    LabelStatistics
        A record of arrays, one row per label.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Arrays of different shapes, labels that are no integers.

    Notes
    -----
    Extra memory: 144 bytes for each label from the smallest to the largest. Where these are more than a
    sixteenth of the voxels, labels are sorted first: that takes longer, and some 24 bytes per voxel.

    Examples
    --------
    >>> import voxkern as vk
    >>> found = vk.label_statistics([[0, 2, 2], [7, 0, 2]], [[1.0, 2.0, 4.0], [5.0, 1.0, 9.0]])
    >>> found.label, found.count, found.mean
    (array([2, 7]), array([3, 1]), array([5., 5.]))
    """
    call = Call("label_statistics", "regions", threads=threads)
    x = call.enter(labels, "labels", LABEL_DTYPES)
    if x.ndim == 0:
        raise ArgumentError("labels: got no axis, allowed one or more")
    samples = None if image is None else call.enter(image, "image", KERNEL_DTYPES)
    if samples is not None and samples.shape != x.shape:
        raise ArgumentError(f"image: got shape {samples.shape}, allowed {x.shape}, as the labels")
    names, rows, table = _table(call, x, samples)
    wanted = names[(names != 0) & (table[0][rows] > 0)] if index is None else whole_labels(index, "index")
    at = np.searchsorted(names, wanted)
    known = at < len(names)
    known[known] = names[at[known]] == wanted[known]
    return _statistics(wanted, [_rows(column, rows[at[known]], known) for column in table], call, samples)


def whole_labels(labels: ArrayLike, name: str) -> NDArray[np.int64]:
    """Return labels that a caller names."""
    wanted = np.atleast_1d(host_array(labels, name))
    if wanted.dtype.kind not in "biu" and wanted.size:
        raise ArgumentTypeError(f"{name}: got dtype {wanted.dtype}, allowed whole numbers")
    return wanted.astype(np.int64).ravel()


def _table(call: Call, x: Array, samples: Array | None) -> tuple[NDArray[np.int64], Any, Any]:
    """Return the names of labels in increasing order, their rows, and the columns of the kernel's table."""
    if x.size == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.intp), call.run("regions", x, samples, 0, 0)
    low, high = int(x.min()), int(x.max())
    if high >= 2**63:
        raise ArgumentError(f"labels: got {high}, allowed below 2^63")
    if high - low < max(_FEW, x.size // 16):  # a row takes 144 bytes: 9 for each voxel
        names = np.arange(low, high + 1)
        return names, np.arange(len(names)), call.run("regions", x, samples, low, len(names))
    names, which = np.unique(x, return_inverse=True)  # labels far apart: their ranks stand for them
    which = which.reshape(x.shape)
    return names.astype(np.int64), np.arange(len(names)), call.run("regions", which, samples, 0, len(names))


def _rows(column: Array, rows: Any, known: Any) -> Array:
    """Return rows of a column, and zeros for labels that do not occur."""
    chosen = np.zeros((len(known), *column.shape[1:]), column.dtype)
    chosen[known] = column[rows]
    return chosen


def _statistics(names: Any, table: Any, call: Call, samples: Array | None) -> LabelStatistics:
    count, places, sums, squares, lowest_at, highest_at = table
    absent = count == 0
    samples_of = np.where(absent, np.nan, count)  # so that a mean of nothing is NaN
    centroid = places[:, :, 2] / samples_of[:, None]
    first, last = places[:, :, 0], np.where(absent[:, None], -1, places[:, :, 1])
    affine = call.affine
    spatial: dict[str, Any] = {"volume": count.astype(np.float64)}
    if affine is not None:
        spatial["volume"] = count * float(abs(np.linalg.det(affine[:3, :3])))
        spatial["centroid_mm"] = centroid[:, :3] @ affine[:3, :3].T + affine[:3, 3]
    if samples is None:
        return LabelStatistics(names, count, first=first, last=last, centroid=centroid, **spatial)
    values: dict[str, Any] = {"mean": sums / samples_of, "standard_deviation": np.sqrt(squares / samples_of)}
    for name, at in (("minimum", lowest_at), ("maximum", highest_at)):
        nowhere = absent | (at < 0)
        position = np.stack(np.unravel_index(np.where(nowhere, 0, at), samples.shape), axis=1)
        values[f"{name}_position"] = np.where(nowhere[:, None], -1, position)
        found = samples[tuple(position.T)]
        values[name] = np.where(nowhere, np.nan, found) if nowhere.any() else found
    return LabelStatistics(names, count, first=first, last=last, centroid=centroid, **spatial, **values)
