# SPDX-License-Identifier: Apache-2.0
"""Morphology of masks by balls of a radius in millimetres."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from .._core import MorphologyStep
from .._runtime.call import Call, slowest_first
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, normalize_axes, number, per_axis
from .._space.kinds import Image

_MOST_ROWS = 2000  # of a ball as a structure; the time of a larger one grows faster than that of distances
_APART = 1e100  # a step along an axis that the ball does not extend along
_LARGEST_RADIUS = 1e100  # its square is a number
_ROUNDING = 1e-6  # of the radius: 3 steps of 0.1 mm are within 0.3 mm


class _Settings(TypedDict, total=False):
    axes: int | Iterable[int] | None
    spacing: Any
    threads: int | None


@overload
def dilate(mask: Image, radius_mm: float, **settings: Unpack[_Settings]) -> Image: ...
@overload
def dilate(mask: Any, radius_mm: float, **settings: Unpack[_Settings]) -> Any: ...
@documented
def dilate(
    mask: Any,
    radius_mm: float,
    *,
    axes: int | Iterable[int] | None = None,
    spacing: Any = None,
    threads: int | None = None,
) -> Any:
    """Grow a mask by a radius: to all voxels that are no further away from it.

    Parameters
    ----------
    {mask}
    {radius_mm}
    {ball_axes}
    {ball_spacing}
    {threads}

    {ball_result}

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.dilate([0, 0, 0, 1, 0, 0, 0], 1.0, spacing=0.5).astype(int)
    array([0, 1, 1, 1, 1, 1, 0])
    """
    return _run("dilate", mask, radius_mm, axes, spacing, threads, (True,))


@overload
def erode(mask: Image, radius_mm: float, **settings: Unpack[_Settings]) -> Image: ...
@overload
def erode(mask: Any, radius_mm: float, **settings: Unpack[_Settings]) -> Any: ...
@documented
def erode(
    mask: Any,
    radius_mm: float,
    *,
    axes: int | Iterable[int] | None = None,
    spacing: Any = None,
    threads: int | None = None,
) -> Any:
    """Shrink a mask by a radius: to voxels that are further away from all that it leaves out.

    What lies beyond the faces of the image takes nothing away.

    Parameters
    ----------
    {mask}
    {radius_mm}
    {ball_axes}
    {ball_spacing}
    {threads}

    {ball_result}

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.erode([0, 1, 1, 1, 1, 1, 1], 1.0, spacing=0.5).astype(int)
    array([0, 0, 0, 1, 1, 1, 1])
    """
    return _run("erode", mask, radius_mm, axes, spacing, threads, (False,))


@overload
def opening(mask: Image, radius_mm: float, **settings: Unpack[_Settings]) -> Image: ...
@overload
def opening(mask: Any, radius_mm: float, **settings: Unpack[_Settings]) -> Any: ...
@documented
def opening(
    mask: Any,
    radius_mm: float,
    *,
    axes: int | Iterable[int] | None = None,
    spacing: Any = None,
    threads: int | None = None,
) -> Any:
    """Erode, then dilate: parts go that a ball does not fit into.

    Parameters
    ----------
    {mask}
    {radius_mm}
    {ball_axes}
    {ball_spacing}
    {threads}

    {ball_result}

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.opening([0, 1, 0, 1, 1, 1, 0], 1.0).astype(int)
    array([0, 0, 0, 1, 1, 1, 0])
    """
    return _run("opening", mask, radius_mm, axes, spacing, threads, (False, True))


@overload
def closing(mask: Image, radius_mm: float, **settings: Unpack[_Settings]) -> Image: ...
@overload
def closing(mask: Any, radius_mm: float, **settings: Unpack[_Settings]) -> Any: ...
@documented
def closing(
    mask: Any,
    radius_mm: float,
    *,
    axes: int | Iterable[int] | None = None,
    spacing: Any = None,
    threads: int | None = None,
) -> Any:
    """Dilate, then erode: gaps close that a ball does not fit into.

    Parameters
    ----------
    {mask}
    {radius_mm}
    {ball_axes}
    {ball_spacing}
    {threads}

    {ball_result}

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.closing([1, 0, 1, 0, 0, 0, 1], 1.0).astype(int)
    array([1, 1, 1, 0, 0, 0, 1])
    """
    return _run("closing", mask, radius_mm, axes, spacing, threads, (True, False))


def _run(
    function: str,
    mask: Any,
    radius_mm: Any,
    axes: Any,
    spacing: Any,
    threads: int | None,
    dilations: tuple[bool, ...],
) -> Any:
    call = Call(function, "morphology", "edt", threads=threads)
    x = call.enter(mask, "mask")
    if x.ndim == 0:
        raise ArgumentError("mask: got no axis, allowed one or more")
    radius = number(radius_mm, "radius_mm")
    if not 0 <= radius <= _LARGEST_RADIUS:
        raise ArgumentError(f"radius_mm: got {shown(radius_mm)}, allowed 0 to {_LARGEST_RADIUS:g}")
    ball = _Ball(radius * (1 + _ROUNDING), _steps(call, axes, spacing, x.ndim), x.shape)
    out = call.empty(x.shape, bool, x)
    if ball.rows > _MOST_ROWS and ball.perpendicular:
        _by_distance(call, x, out, ball, dilations)
    else:
        structure = ball.structure()
        centre = [n // 2 for n in structure.shape]
        steps = [MorphologyStep(structure=structure, centre=centre, any=d, border=not d) for d in dilations]
        call.run("morphology", x, None, out, steps)
    return call.leave(out)


def _by_distance(call: Call, x: Array, out: Array, ball: _Ball, dilations: tuple[bool, ...]) -> None:
    """Dilate and erode by distances; the kernel reads all before it writes."""
    sizes = [float(np.linalg.norm(ball.steps[a])) if a in ball.steps else _APART for a in range(x.ndim)]
    order = slowest_first(out)
    source, target = x.transpose(order), out.transpose(order)
    for grow in dilations:
        call.run("within_distance", source, target, [sizes[a] for a in order], ball.radius, not grow)
        source = target


def _steps(call: Call, axes: Any, spacing: Any, ndim: int) -> dict[int, Array]:
    """Return the vector of a step along each axis of the ball, in millimetres."""
    spatial = min(ndim, 3) if call.volume is not None else ndim
    chosen = normalize_axes(range(spatial) if axes is None else axes, ndim)
    if call.volume is None:
        sizes = per_axis(1.0 if spacing is None else spacing, len(chosen), "spacing")
        if not all(size > 0 for size in sizes):
            raise ArgumentError(f"spacing: got {shown(spacing)}, allowed numbers above 0")
        return {
            axis: size * np.eye(len(chosen))[k]
            for k, (axis, size) in enumerate(zip(chosen, sizes, strict=True))
        }
    if spacing is not None:
        raise ArgumentError(f"spacing: got {shown(spacing)}, allowed None for a Volume, which has its own")
    if any(axis > 2 for axis in chosen):
        raise ArgumentError(f"axes: got {chosen}, allowed the spatial axes of a Volume, 0 to 2")
    return {axis: call.affine[:3, axis] for axis in chosen}


class _Ball:
    """Voxels around one that are within a radius, as far as an image of this shape goes."""

    def __init__(self, radius: float, steps: dict[int, Array], shape: tuple[int, ...]) -> None:
        self.radius, self.steps, self.ndim = radius, steps, len(shape)
        self.vectors = np.array(list(steps.values())).reshape(len(steps), -1)  # an axis each
        reach = radius * np.linalg.norm(np.linalg.pinv(self.vectors), axis=0)
        self.extents = [min(int(r), max(shape[a] - 1, 0)) for a, r in zip(steps, reach, strict=True)]
        diameters = sorted(2 * n + 1 for n in self.extents)
        self.rows = math.prod(diameters[:-1])

    @property
    def perpendicular(self) -> bool:
        """Whether a distance is the root of a sum over axes."""
        products = self.vectors @ self.vectors.T
        sizes = np.sqrt(np.diag(products))
        return bool(np.allclose(products / np.outer(sizes, sizes), np.eye(len(sizes)), atol=1e-6))

    def structure(self) -> Array:
        """Return them as a structure with all axes of the image."""
        square: Any = np.zeros((1,) * len(self.extents))
        for component in self.vectors.T:
            along = [c * np.arange(-n, n + 1) for c, n in zip(component, self.extents, strict=True)]
            square = square + functools.reduce(np.add.outer, along) ** 2 if along else square
        ball = np.asarray(square <= self.radius**2)
        order = [*self.steps, *(axis for axis in range(self.ndim) if axis not in self.steps)]
        return ball.reshape(ball.shape + (1,) * (self.ndim - ball.ndim)).transpose(np.argsort(order))
