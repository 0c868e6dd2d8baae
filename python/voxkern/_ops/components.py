# SPDX-License-Identifier: Apache-2.0
"""Connected components of masks: the largest ones, and holes."""

from __future__ import annotations

import operator
from typing import Any, overload

import numpy as np

from .._runtime.call import Call
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, connected_neighbours, normalize_axes, number, whole_number
from .._space.kinds import Image


@overload
def largest_component(
    mask: Image,
    k: int | None = 1,
    *,
    min_volume: float = 0.0,
    connectivity: int = 1,
    threads: int | None = None,
) -> Image: ...
@overload
def largest_component(
    mask: Any,
    k: int | None = 1,
    *,
    min_volume: float = 0.0,
    connectivity: int = 1,
    threads: int | None = None,
) -> Any: ...
@documented
def largest_component(
    mask: Any,
    k: int | None = 1,
    *,
    min_volume: float = 0.0,
    connectivity: int = 1,
    threads: int | None = None,
) -> Any:
    """Keep the largest connected components of a mask.

    Parameters
    ----------
    {mask}
    k : int, optional
        How many to keep at most; None: all that ``min_volume`` leaves. Of equally large ones the one whose
        first voxel comes first in C order is taken first.
    min_volume : float
        Drop components below this: cubic millimetres for a Volume, voxels for an array.
    {connectivity}
    {threads}

    Returns
    -------
    array
        ``bool``, of the kind of ``mask``.

    Raises
    ------
    ArgumentError
        A value that is not allowed.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.largest_component([[1, 0, 1, 1]])
    array([[False, False,  True,  True]])
    """
    if k is not None:
        most = whole_number(k, "k")
        if most < 1:
            raise ArgumentError(f"k: got {k}, allowed None or a whole number, 1 or more")
        k = most
    least = number(min_volume, "min_volume")
    if not 0 <= least < np.inf:
        raise ArgumentError(f"min_volume: got {shown(min_volume)}, allowed a number, 0 or more")
    call = Call("largest_component", "label", threads=threads)
    x = _entered(call, mask)
    components = call.run("label", x, _neighbours(connectivity, x.ndim).ravel().tolist(), False)
    sizes = call.run("component_sizes", x, components)
    volume = 1.0 if call.affine is None else float(abs(np.linalg.det(call.affine[:3, :3])))
    kept = np.zeros(len(sizes), np.uint8)
    chosen = np.argsort(-sizes[1:], kind="stable")[:k] + 1
    kept[chosen] = sizes[chosen] * volume >= least
    return _written(call, x, components, kept)


@overload
def fill_holes(
    mask: Image, *, axis: int | None = None, connectivity: int = 1, threads: int | None = None
) -> Image: ...
@overload
def fill_holes(
    mask: Any, *, axis: int | None = None, connectivity: int = 1, threads: int | None = None
) -> Any: ...
@documented
def fill_holes(
    mask: Any, *, axis: int | None = None, connectivity: int = 1, threads: int | None = None
) -> Any:
    """Fill the holes of a mask: what is connected to no face of the image.

    Parameters
    ----------
    {mask}
    axis : int, optional
        Fill each slice across this axis on its own. Default: holes of the whole image.
    {connectivity}
    {threads}

    Returns
    -------
    array
        ``bool``, of the kind of ``mask``. With the default connectivity it equals
        ``scipy.ndimage.binary_fill_holes``.

    Raises
    ------
    ArgumentError
        A value that is not allowed.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.fill_holes([1, 0, 0, 1, 0])
    array([ True,  True,  True,  True, False])
    """
    call = Call("fill_holes", "label", threads=threads)
    x = _entered(call, mask)
    across = () if axis is None else normalize_axes(axis, x.ndim, "axis")
    neighbours = _neighbours(connectivity, x.ndim)
    for a in across:  # the slices beside are not connected
        beside: list[Any] = [slice(None)] * x.ndim
        beside[a] = [0, 2]
        neighbours[tuple(beside)] = False
    out = call.empty(x.shape, bool, x)
    write_holes_filled(call, x, neighbours, out)
    return call.leave(out)


def write_holes_filled(call: Call, x: Array, neighbours: Array, out: Array) -> None:
    """Write what is not zero, and components of the rest from which no neighbour lies outside."""
    background = call.run("label", x, neighbours.ravel().tolist(), True)
    left = [bool(np.take(neighbours, 0, axis).any()) for axis in range(x.ndim)]
    call.run("write_enclosed", out, background, left)


def _entered(call: Call, mask: Any) -> Array:
    x = call.enter(mask, "mask")
    if x.ndim == 0:
        raise ArgumentError("mask: got no axis, allowed one or more")
    return x


def _neighbours(connectivity: Any, ndim: int) -> Array:
    try:
        most = operator.index(connectivity)
    except TypeError:
        most = 0
    if not 1 <= most <= ndim:
        raise ArgumentError(f"connectivity: got {shown(connectivity)}, allowed 1 to {ndim}, its axes")
    return connected_neighbours(ndim, most)


def _written(call: Call, x: Array, components: Any, values: Array) -> Any:
    out = call.empty(x.shape, bool, x)
    call.run("write_values", out, components, values)
    return call.leave(out)
