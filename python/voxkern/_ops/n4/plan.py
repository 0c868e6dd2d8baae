# SPDX-License-Identifier: Apache-2.0
"""Which samples the fit sees, and where they and the voxels of the full image lie in the spline's domain.

The kernel knows positions in that domain only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._runtime import validate
from ..._runtime.errors import ArgumentError, shown

_MOST_SPANS = 4096  # along an axis at the first level
_LARGEST_DISTANCE = 1e6


@dataclass(frozen=True)
class Knots:
    """Of each axis, what the caller says: every n-th sample, and spans or the millimetres between knots."""

    order: int
    shrink: tuple[int, ...]
    spans: tuple[int, ...]
    distance: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Axis:
    """One axis: the samples the fit sees, and the domain (first, step, total) of them and of all voxels."""

    samples: slice
    sample_domain: tuple[float, float, int]
    voxel_domain: tuple[float, float, int]
    control_points: int


def _plan_axis(n: int, shrink: int, spans: int, order: int, pad: tuple[int, int], alignment: str) -> Axis:
    """Lay out one axis of n voxels that ANTs would pad by ``pad`` and then shrink.

    The padding itself never takes part in the fit; it only moves the samples within the domain.
    """
    before, after = pad
    padded = n + before + after
    total = max(padded // shrink, 1)
    # ITK's ShrinkImageFilter: subsampling with the centres aligned, halves up. Where the padding makes
    # the region start at a negative index, it clamps the offset at 0.
    centred = -before + math.floor(((padded - 1) - (total - 1) * shrink) / 2 + 0.5)
    region = math.ceil(-before / shrink) * shrink
    first = region + max(0, centred - region)  # voxel of sample 0
    low = max(0, math.ceil(-first / shrink))
    high = min(total - 1, (n - 1 - first) // shrink)
    samples = slice(first + low * shrink, first + high * shrink + 1, shrink)
    if alignment == "stretched":  # ITK, SimpleITK and ANTs put the lattice end to end over all voxels
        voxel_domain = (float(before), 1.0, padded)
    else:
        voxel_domain = (-first / shrink, 1.0 / shrink, total)
    return Axis(samples, (float(low), 1.0, total), voxel_domain, spans + order)


def _padding(n: int, spacing: float, distance: float) -> tuple[int, tuple[int, int]]:
    """Return spans and padding as ANTs chooses them for knots ``distance`` mm apart."""
    extent = (n - 1) * spacing
    spans = max(math.ceil(extent / distance), 1)
    extra = int((spans * distance - extent) / spacing + 0.5)
    return spans, (extra // 2, extra - extra // 2)


def read_knots(
    ndim: int,
    order: int,
    shrink_factor: Any,
    number_of_control_points: Any,
    mesh: Any,
    spline_distance: Any,
) -> Knots:
    """Check what the caller says of ``ndim`` spatial axes; what depends on their grid is left."""
    if mesh is not None and spline_distance is not None:
        raise ArgumentError("mesh, spline_distance: got both, allowed one of them")
    shrink = validate.per_axis(shrink_factor, ndim, "shrink_factor", int)
    if min(shrink) < 1:
        raise ArgumentError(f"shrink_factor: got {shown(shrink_factor)}, allowed at least 1")
    if spline_distance is not None:
        distance = validate.per_axis(spline_distance, ndim, "spline_distance")
        if not 0 < min(distance) <= max(distance) <= _LARGEST_DISTANCE:
            raise ArgumentError(
                f"spline_distance: got {shown(spline_distance)}, allowed above 0 to {_LARGEST_DISTANCE:g} mm"
            )
        return Knots(order, shrink, (), distance)
    if mesh is not None:
        spans = validate.per_axis(mesh, ndim, "mesh", int)
        if not 1 <= min(spans) <= max(spans) <= _MOST_SPANS:
            raise ArgumentError(f"mesh: got {shown(mesh)}, allowed 1 to {_MOST_SPANS}")
        return Knots(order, shrink, spans)
    points = validate.per_axis(number_of_control_points, ndim, "number_of_control_points", int)
    if not order < min(points) <= max(points) <= _MOST_SPANS:
        raise ArgumentError(
            f"number_of_control_points: got {shown(number_of_control_points)}, allowed {order + 1} "
            f"to {_MOST_SPANS} for spline order {order}"
        )
    return Knots(order, shrink, tuple(p - order for p in points))


def plan_axes(
    knots: Knots, shape: tuple[int, ...], spacing: Sequence[float] | None, alignment: str
) -> list[Axis]:
    """Lay out the spatial axes; ``spacing`` is None for a bare array."""
    spans, pads = knots.spans, ((0, 0),) * len(shape)
    if knots.distance is not None:
        if spacing is None:
            raise ArgumentError(
                "spline_distance: got a bare array, allowed a Volume (an array has no millimetres)"
            )
        grid = list(zip(shape, spacing, knots.distance, strict=True))
        if any(n * s > _MOST_SPANS * d for n, s, d in grid):
            least = " x ".join(f"{n * s / _MOST_SPANS:.3g}" for n, s, _ in grid)
            raise ArgumentError(
                f"spline_distance: got {' x '.join(f'{d:g}' for d in knots.distance)} mm, allowed at least "
                f"{least} mm for this image: {_MOST_SPANS} spans along an axis"
            )
        spans, pads = zip(*(_padding(*axis) for axis in grid), strict=True)
    return [
        _plan_axis(n, s, k, knots.order, pad, alignment)
        for n, s, k, pad in zip(shape, knots.shrink, spans, pads, strict=True)
    ]
