# SPDX-License-Identifier: Apache-2.0
"""How well two masks, or two label maps, agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from .._core import MorphologyStep
from .._runtime.call import Call, is_volume, slowest_first
from .._runtime.errors import ArgumentError, shown
from .._runtime.images import as_volume
from .._runtime.texts import documented
from .._runtime.validate import LABEL_DTYPES, REAL_DTYPES, Array, connected_neighbours, flag, number, word
from .distance import steps_of
from .label_statistics import LabelStatistics, label_statistics, whole_labels

Box = tuple[slice, ...]
Measure = Callable[[Array, Array], float]  # of the distances from each surface to the other


@overload
def dice(a: Any, b: Any, labels: None = None, *, threads: int | None = None) -> float: ...
@overload
def dice(a: Any, b: Any, labels: Any, *, threads: int | None = None) -> dict[int, float]: ...
@documented
def dice(a: Any, b: Any, labels: Any = None, *, threads: int | None = None) -> Any:
    """Return the Dice coefficient: twice the voxels of both over the voxels of each, 0 to 1.

    Parameters
    ----------
    {compared}
    {compared_labels}
    {threads}

    Returns
    -------
    float or dict
        Of the masks, or by label. NaN where both are empty, as in nnU-Net and MONAI.

    Raises
    ------
    {compared_errors}

    Notes
    -----
    Extra memory: a byte per voxel, and as `label_statistics` where labels are told apart.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.dice([0, 1, 1, 1], [0, 0, 1, 1])
    0.8
    >>> vk.dice([0, 1, 1, 2], [0, 0, 1, 2], labels="all")
    {1: 0.6666666666666666, 2: 1.0}
    """
    call = Call("dice", "regions", threads=threads)
    x, y = _enter(call, a, b, labels)
    with call.device():
        if labels is None:
            both, *each = (int(np.count_nonzero(mask)) for mask in (x & y, x, y))
            return 2 * both / sum(each) if any(each) else np.nan
        equal = x == y
    index = _index(labels)
    in_x = label_statistics(x, equal, index=index, threads=threads)
    in_y = label_statistics(y, index=index, threads=threads)
    assert in_x.mean is not None
    hits = np.where(in_x.count > 0, np.rint(in_x.mean * in_x.count), 0.0)
    hits_of = dict(zip(in_x.label.tolist(), hits.tolist(), strict=True))
    sizes_x, sizes_y = (dict(zip(s.label.tolist(), s.count.tolist(), strict=True)) for s in (in_x, in_y))
    result = {}
    for label in _names(in_x, in_y, index):
        sizes = sizes_x.get(label, 0) + sizes_y.get(label, 0)
        result[label] = 2 * hits_of.get(label, 0.0) / sizes if sizes else np.nan
    return result


@overload
def hausdorff_distance(
    a: Any,
    b: Any,
    percentile: float | None = None,
    labels: None = None,
    *,
    spacing: Any = None,
    pooled: bool = False,
    threads: int | None = None,
) -> float: ...
@overload
def hausdorff_distance(
    a: Any,
    b: Any,
    percentile: float | None,
    labels: Any,
    *,
    spacing: Any = None,
    pooled: bool = False,
    threads: int | None = None,
) -> dict[int, float]: ...
@overload
def hausdorff_distance(
    a: Any,
    b: Any,
    percentile: float | None = None,
    *,
    labels: Any,
    spacing: Any = None,
    pooled: bool = False,
    threads: int | None = None,
) -> dict[int, float]: ...
@documented
def hausdorff_distance(
    a: Any,
    b: Any,
    percentile: float | None = None,
    labels: Any = None,
    *,
    spacing: Any = None,
    pooled: bool = False,
    threads: int | None = None,
) -> Any:
    """Return how far the surfaces of two masks are apart at most, or at a percentile.

    Parameters
    ----------
    {compared}
    percentile : float, optional
        0 to 100; 95 gives what is called HD95. Default: the largest distance.
    {compared_labels}
    {compared_spacing}
    pooled : bool
        Take the percentile of the distances of both surfaces together, as medpy and nnU-Net's first version
        do. Default: of each surface by itself, and the larger of the two, as MONAI does.
    {threads}

    Returns
    -------
    float or dict
        {surface_result}

    Raises
    ------
    {compared_errors}

    Notes
    -----
    {surface_notes}
    SimpleITK's ``HausdorffDistanceImageFilter`` measures from all voxels of a mask, not from its surface:
    it finds nothing inside the other mask.

    Examples
    --------
    >>> import voxkern as vk
    >>> a, b = [0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0]
    >>> vk.hausdorff_distance(a, b, spacing=0.5)
    1.0
    """
    if percentile is not None:
        percentile = number(percentile, "percentile")
        if not 0 <= percentile <= 100:
            raise ArgumentError(f"percentile: got {shown(percentile)}, allowed 0 to 100")
    pooled = flag(pooled, "pooled")

    def measure(from_a: Array, from_b: Array) -> float:
        sets = [np.concatenate((from_a, from_b))] if pooled else [from_a, from_b]
        if percentile is None:
            return max(float(one.max()) for one in sets)
        return max(float(np.percentile(one, percentile)) for one in sets)

    return _measured("hausdorff_distance", a, b, labels, spacing, threads, measure)


@overload
def mean_surface_distance(
    a: Any,
    b: Any,
    labels: None = None,
    *,
    spacing: Any = None,
    pooled: bool = True,
    threads: int | None = None,
) -> float: ...
@overload
def mean_surface_distance(
    a: Any, b: Any, labels: Any, *, spacing: Any = None, pooled: bool = True, threads: int | None = None
) -> dict[int, float]: ...
@documented
def mean_surface_distance(
    a: Any,
    b: Any,
    labels: Any = None,
    *,
    spacing: Any = None,
    pooled: bool = True,
    threads: int | None = None,
) -> Any:
    """Return the average symmetric distance between the surfaces of two masks.

    Parameters
    ----------
    {compared}
    {compared_labels}
    {compared_spacing}
    pooled : bool
        The mean over the voxels of both surfaces, as MONAI's with ``symmetric=True``. False: the mean of the
        two means, as medpy's ``assd``.
    {threads}

    Returns
    -------
    float or dict
        {surface_result}

    Raises
    ------
    {compared_errors}

    Notes
    -----
    {surface_notes}

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.mean_surface_distance([0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0], spacing=2)
    2.5
    """
    pooled = flag(pooled, "pooled")

    def measure(from_a: Array, from_b: Array) -> float:
        if pooled:
            return float((from_a.sum() + from_b.sum()) / (from_a.size + from_b.size))
        return float((from_a.mean() + from_b.mean()) / 2)

    return _measured("mean_surface_distance", a, b, labels, spacing, threads, measure)


def _enter(call: Call, a: Any, b: Any, labels: Any) -> tuple[Array, Array]:
    """Return two label maps of one shape; masks become bool."""
    dtypes = REAL_DTYPES if labels is None else LABEL_DTYPES
    x = call.enter(a, "a", dtypes)
    y = call.enter_beside(b, "b", dtypes)
    if x.ndim == 0:
        raise ArgumentError("a: got no axis, allowed one or more")
    if y.shape != x.shape:
        raise ArgumentError(f"b: got shape {y.shape}, allowed {x.shape}, as a")
    if labels is None:
        with call.device():
            x, y = (array if array.dtype == bool else array != 0 for array in (x, y))
    return x, y


def _index(labels: Any) -> Any:
    """Return the labels that are asked for, that of a mask for None; None for all."""
    if labels is None:
        return [1]
    if isinstance(labels, str):
        word(labels, "labels", ("all",))
        return None
    return whole_labels(labels, "labels")


def _names(in_a: LabelStatistics, in_b: LabelStatistics, index: Any) -> list[int]:
    """Return labels as the caller gave them, or all of both maps in increasing order."""
    names: list[int] = (np.union1d(in_a.label, in_b.label) if index is None else in_a.label).tolist()
    return names


def _measured(
    function: str, a: Any, b: Any, labels: Any, spacing: Any, threads: int | None, measure: Measure
) -> Any:
    """Return what is measured between the surfaces of two masks, or of each label."""
    call = Call(function, "morphology", "edt", "regions", threads=threads)
    a, b = as_volume(a), as_volume(b)
    x, y = _enter(call, a, b, labels)
    steps = steps_of(next(filter(is_volume, (a, b)), None), x.ndim, spacing)
    index = _index(labels)
    order = slowest_first(x)
    x, y, steps = x.transpose(order), y.transpose(order), [steps[axis] for axis in order]
    found = [label_statistics(array, index=index, threads=threads) for array in (x, y)]
    boxes = [dict(zip(s.label.tolist(), s.slices(), strict=True)) for s in found]
    result = {}
    for label in _names(found[0], found[1], index):
        in_x, in_y = (of.get(label) for of in boxes)
        if in_x is None or in_y is None:
            result[label] = np.nan if in_x is in_y else np.inf
            continue
        box = tuple(
            slice(min(i.start, j.start), max(i.stop, j.stop)) for i, j in zip(in_x, in_y, strict=True)
        )
        with call.device():
            result[label] = measure(*_surface_distances(call, x[box] == label, y[box] == label, steps))
    return result[1] if labels is None else result


def _surface_distances(call: Call, p: Array, q: Array, steps: list[float]) -> tuple[Array, Array]:
    """Return the distance from each voxel of a surface to the nearest one of the other, both ways."""
    faces = connected_neighbours(p.ndim, 1)
    inner = MorphologyStep(structure=faces, centre=[1] * p.ndim, any=False, border=False, iterations=1)
    surfaces = []
    for mask in (p, q):
        surface = call.empty(mask.shape, bool, mask)
        call.run("morphology", mask, None, surface, [inner])
        surface ^= mask
        surfaces.append(surface)
    away = call.empty(p.shape, np.float64, p)
    distances = []
    for surface, other in (surfaces, surfaces[::-1]):
        call.run("edt", other, away, None, steps, False)
        distances.append(call.on_host(away[surface], "a"))  # few, and their measure is a number
    return distances[0], distances[1]
