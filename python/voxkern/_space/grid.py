# SPDX-License-Identifier: Apache-2.0
"""Where the samples of another grid lie: all conventions are settled here, in float64.

A grid whose axes run along the input's is one list of coordinates per axis (`AlignedGrid`). Any other is an
index map, and a field where the transform bends (`ObliqueGrid`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime import validate
from .._runtime.backend import host_array
from .._runtime.errors import ArgumentError, ArgumentTypeError
from . import geometry, transforms
from .volume import Volume

CONVENTIONS = ("extent", "centre", "corner")
SHAPE_RULES = ("round", "ceil", "floor", "monai", "torchio")


@dataclass(frozen=True)
class ObliqueGrid:
    """Where output samples lie in the input: matrix @ index + offset + field_matrix @ field."""

    shape: tuple[int, ...]  # of all axes; the first len(offset) are interpolated
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    field: validate.Array | None = None  # (components, grid...)
    field_matrix: NDArray[np.float64] | None = None

    def affine(self, affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the affine of the sampled grid, as far as it has one; ``affine`` is the input's."""
        result: NDArray[np.float64] = affine @ geometry.homogeneous(self.matrix, self.offset)
        return result


@dataclass(frozen=True)
class AlignedGrid:
    """Where output samples lie in the input: per axis, coordinate = scale * index + offset."""

    source_axes: tuple[int, ...]  # input axis each output axis runs along
    shape: tuple[int, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    coordinates: tuple[NDArray[np.float64], ...]

    def affine(self, affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the affine of the sampled grid; ``affine`` is the input's."""
        index_map = np.zeros((4, 4))
        index_map[3, 3] = 1.0
        for axis, source in enumerate(self.source_axes[:3]):
            index_map[source, axis] = self.scale[axis]
            index_map[source, 3] = self.offset[axis]
        result: NDArray[np.float64] = affine @ index_map
        return result


def _axis_coordinates(n: int, m: int, convention: str, ratio: float) -> NDArray[np.float64]:
    # The order of operations is scipy's: on exact ties one ulp decides which voxel is nearest.
    index = np.arange(m, dtype=np.float64)
    if convention == "extent":
        return (index + 0.5) * (n / m) - 0.5
    if convention == "corner":
        return index * ((n - 1) / (m - 1) if m > 1 else 1.0)
    return (n - 1) / 2 + (index - (m - 1) / 2) * ratio


def _size(n: int, spacing: float, target: float, rule: str) -> int:
    exact = n * spacing / target
    nearest = round(exact)
    if rule == "round":
        size = nearest
    elif rule == "monai":  # extent between the outer voxel centres
        size = round((n - 1) * spacing / target + 1)
    elif abs(exact - nearest) < 1e-6:  # 150.00000000000003 is 150 to ceil, too
        size = nearest
    else:
        size = math.ceil(exact) if rule == "ceil" else math.floor(exact)
    return max(size, 1)


def _scaled_grid(
    shape_in: tuple[int, ...],
    axes: tuple[int, ...],
    shape_out: Sequence[int],
    ratios: Sequence[float],
    convention: str,
) -> AlignedGrid:
    ndim = len(shape_in)
    shape = list(shape_in)
    scale = [1.0] * ndim
    offset = [0.0] * ndim
    coordinates = [np.arange(n, dtype=np.float64) for n in shape_in]
    for axis, m, ratio in zip(axes, shape_out, ratios, strict=True):
        n = shape_in[axis]
        shape[axis] = m
        coordinates[axis] = _axis_coordinates(n, m, convention, ratio)
        if convention == "corner":
            scale[axis] = (n - 1) / (m - 1) if m > 1 and n > 1 else 1.0
        else:
            scale[axis] = n / m if convention == "extent" else ratio
            offset[axis] = (
                0.5 * scale[axis] - 0.5 if convention == "extent" else (n - 1) / 2 - (m - 1) / 2 * scale[axis]
            )
    return AlignedGrid(tuple(range(ndim)), tuple(shape), tuple(scale), tuple(offset), tuple(coordinates))


def from_index_map(
    shape_in: tuple[int, ...], index_map: NDArray[np.float64], shape_out: Sequence[int]
) -> AlignedGrid | ObliqueGrid:
    """Return the grid that a homogeneous map of indices makes of the first axes; the rest stay."""
    moved = index_map.shape[0] - 1
    rest = tuple(range(moved, len(shape_in)))
    shape = tuple(shape_out) + tuple(shape_in[a] for a in rest)
    split = geometry.split_axis_aligned(index_map)
    if split is None:
        return ObliqueGrid(shape, index_map[:moved, :moved], index_map[:moved, moved])
    source, scale, offset = split
    coordinates = [
        s * np.arange(m, dtype=np.float64) + o for s, o, m in zip(scale, offset, shape_out, strict=True)
    ]
    coordinates += [np.arange(shape_in[a], dtype=np.float64) for a in rest]
    return AlignedGrid(
        source + rest, shape, scale + (1.0,) * len(rest), offset + (0.0,) * len(rest), tuple(coordinates)
    )


def _located_grid(
    shape_in: tuple[int, ...],
    affine: NDArray[np.float64],
    grid_affine: NDArray[np.float64],
    grid_shape: tuple[int, ...],
    transform: Any,
) -> AlignedGrid | ObliqueGrid:
    """Return where the points of a grid in space lie in the input, once ``transform`` has moved them."""
    world, field = transforms.compose(transform, grid_affine, grid_shape)
    to_index = np.linalg.inv(affine)
    index_map = np.asarray(to_index @ world @ grid_affine, dtype=np.float64)
    if field is None:
        return from_index_map(shape_in, index_map, grid_shape)
    return ObliqueGrid(
        grid_shape + shape_in[3:],
        index_map[:3, :3],
        index_map[:3, 3],
        field,
        np.ascontiguousarray(to_index[:3, :3]),
    )


def _grid_of_size(
    shape_in: tuple[int, ...],
    affine: NDArray[np.float64] | None,
    spacing: Any,
    shape: Any,
    axes: Any,
    convention: str,
    shape_rule: str,
) -> AlignedGrid:
    ndim = len(shape_in)
    if axes is None and affine is not None:
        chosen: tuple[int, ...] = (0, 1, 2)
    else:
        chosen = validate.normalize_axes(axes, ndim)
    if affine is not None and any(a > 2 for a in chosen):
        raise ArgumentError(f"axes: got {axes}, allowed spatial axes (0, 1, 2) of a Volume")
    sizes = [shape_in[a] for a in chosen]
    if spacing is None:
        size = validate.per_axis(shape, len(chosen), "shape", int)
        _check_shape(size)
        return _scaled_grid(
            shape_in, chosen, size, [n / m for n, m in zip(sizes, size, strict=True)], convention
        )
    assert affine is not None
    target = validate.per_axis(spacing, len(chosen), "spacing")
    if any(t <= 0 for t in target):
        raise ArgumentError(f"spacing: got {spacing!r}, allowed millimetres above zero")
    own = [float(np.linalg.norm(affine[:3, a])) for a in chosen]
    ratios = [t / s for t, s in zip(target, own, strict=True)]
    if shape is not None:
        if convention != "centre":
            raise ArgumentError(
                "spacing, shape: got both, allowed both only with convention='centre' (else one "
                "follows from the other)"
            )
        size = validate.per_axis(shape, len(chosen), "shape", int)
    else:
        size = tuple(_size(n, s, t, shape_rule) for n, s, t in zip(sizes, own, target, strict=True))
    _check_shape(size)
    return _scaled_grid(shape_in, chosen, size, ratios, convention)


def make_grid(
    shape_in: tuple[int, ...],
    affine: NDArray[np.float64] | None,
    *,
    spacing: Any = None,
    shape: Any = None,
    like: Any = None,
    matrix: Any = None,
    axes: Any = None,
    convention: str = "extent",
    shape_rule: str = "round",
    transform: Any = None,
) -> tuple[AlignedGrid | ObliqueGrid, NDArray[np.float64] | None]:
    """Turn the ways to name a grid into where its samples lie, and its affine; None for a bare array."""
    if convention not in CONVENTIONS:
        raise ArgumentError(f"convention: got {convention!r}, allowed {', '.join(CONVENTIONS)}")
    if shape_rule not in SHAPE_RULES:
        raise ArgumentError(f"shape_rule: got {shape_rule!r}, allowed {', '.join(SHAPE_RULES)}")
    given = [name for name, value in (("like", like), ("matrix", matrix)) if value is not None]
    if transform is not None:
        if affine is None:
            raise ArgumentError("transform: got a bare array, allowed a Volume (an array has no millimetres)")
        if matrix is not None:
            raise ArgumentError("transform, matrix: got both, allowed one (transforms can be put in a list)")
        if like is None:
            size, place = shape_in[:3], affine
            if spacing is not None or shape is not None:
                own = _grid_of_size(shape_in, affine, spacing, shape, axes, convention, shape_rule)
                size, place = own.shape[:3], own.affine(affine)
            return _located_grid(shape_in, affine, place, size, transform), place
    if spacing is None and shape is None and not given:
        raise ArgumentError("spacing, shape, like, matrix: got none of them, allowed one")
    if len(given) > 1 or (given and spacing is not None) or (like is not None and shape is not None):
        raise ArgumentError("spacing, shape, like, matrix: got several that contradict each other")
    if affine is None and (spacing is not None or like is not None):
        name = "spacing" if spacing is not None else "like"
        raise ArgumentError(f"{name}: got a bare array, allowed a Volume (an array has no millimetres)")

    if like is not None:
        if not isinstance(like, Volume):
            raise ArgumentTypeError(f"like: got {type(like).__name__}, allowed a Volume")
        assert affine is not None
        return _located_grid(shape_in, affine, like.affine, like.shape[:3], transform), like.affine
    if matrix is not None:
        index_map = host_array(matrix, "matrix", np.float64)
        if index_map.ndim != 2 or index_map.shape[0] != index_map.shape[1]:
            raise ArgumentError(f"matrix: got shape {index_map.shape}, allowed square or homogeneous")
        moved = 3 if affine is not None else len(shape_in)
        if index_map.shape[0] == moved:
            square = index_map
            index_map = np.eye(moved + 1)
            index_map[:moved, :moved] = square
        if index_map.shape[0] != moved + 1 or not np.all(np.isfinite(index_map)):
            raise ArgumentError(
                f"matrix: got shape {np.shape(matrix)}, allowed finite {moved}x{moved} or "
                f"{moved + 1}x{moved + 1}"
            )
        size = shape_in[:moved] if shape is None else validate.per_axis(shape, moved, "shape", int)
        _check_shape(size)
        grid = from_index_map(shape_in, index_map, size)
        return grid, None if affine is None else grid.affine(affine)

    grid = _grid_of_size(shape_in, affine, spacing, shape, axes, convention, shape_rule)
    return grid, None if affine is None else grid.affine(affine)


def default_mode(anywhere_in_space: bool) -> str:
    """Return how an image continues where no mode is named; the new grid may lie anywhere or within it."""
    return "fov" if anywhere_in_space else "nearest"


def _check_shape(size: Iterable[int]) -> None:
    if any(m < 1 for m in size):
        raise ArgumentError(f"shape: got {tuple(size)}, allowed at least 1 on every axis")
