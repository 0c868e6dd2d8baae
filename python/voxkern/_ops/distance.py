# SPDX-License-Identifier: Apache-2.0
"""Distances to the surface of a mask."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from .._runtime.call import Call, slowest_first
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented
from .._runtime.validate import per_axis
from .._space.kinds import Image


@overload
def signed_distance(mask: Image, *, spacing: Any = None, threads: int | None = None) -> Image: ...
@overload
def signed_distance(mask: Any, *, spacing: Any = None, threads: int | None = None) -> Any: ...
@documented
def signed_distance(mask: Any, *, spacing: Any = None, threads: int | None = None) -> Any:
    """Return the Euclidean distance to a mask outside it, and minus that to its background inside.

    Parameters
    ----------
    {mask}
    spacing : float or sequence, optional
        Size of a step along each axis. Default: the spacing of a Volume, and 1 along other axes.
    {threads}

    Returns
    -------
    array
        ``float64``, of the kind of ``mask``, in the unit of ``spacing``. The surface lies between two voxels:
        on one side of it values are at least a step, on the other at most minus a step.

    Raises
    ------
    ArgumentError
        A mask that is empty or has no background, or steps that are not above 0. On a GPU such a mask gives
        NaN: nobody waits to find out.

    Notes
    -----
    Extra memory: 4 bytes per voxel, or 8 where steps are no whole numbers of one unit; on the CPU also one
    float64 image.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.signed_distance([0, 0, 1, 1, 0], spacing=2)
    array([ 4.,  2., -2., -2.,  2.])
    """
    call = Call("signed_distance", "edt", threads=threads)
    x = call.enter(mask, "mask")
    steps = steps_of(call.volume, x.ndim, spacing)
    if call.on_device:
        line = x.reshape(1) if x.ndim == 0 else x
        result = call.empty(x.shape, np.float64, x)
        order = slowest_first(line)
        target = result.reshape(line.shape).transpose(order)
        call.run("signed_edt", line.transpose(order), target, [(steps or [1.0])[axis] for axis in order])
        return call.leave(result)
    if np.count_nonzero(x) in (0, x.size):
        raise ArgumentError("mask: got one value only, allowed voxels inside and outside")
    distance, inside = call.empty(x.shape, np.float64, x), call.empty(x.shape, np.float64, x)
    call.run("edt", x, distance, None, steps, False)
    call.run("edt", x, inside, None, steps, True)
    distance -= inside
    return call.leave(distance)


def steps_of(volume: Any, ndim: int, spacing: Any) -> list[float]:
    """Return the size of a step along each axis of an image; ``volume`` is None for a bare array."""
    if spacing is None:
        own = () if volume is None else volume.spacing
        return [*own, *(1.0,) * (ndim - len(own))]
    steps = per_axis(spacing, ndim, "spacing")
    if not all(0 < step < np.inf for step in steps):
        raise ArgumentError(f"spacing: got {shown(spacing)}, allowed steps above 0")
    return list(steps)
