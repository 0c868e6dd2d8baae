# SPDX-License-Identifier: Apache-2.0
"""Where the samples of another grid lie: all conventions are settled here, in float64.

A grid whose axes run along the input's is one list of coordinates per axis (`AlignedGrid`). Any other is an
index map, and a field where the transform bends (`ObliqueGrid`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .._runtime import validate
from .._runtime.backend import host_array
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.images import as_volume
from .._runtime.words import Convention, ShapeRule
from . import geometry, transforms
from .volume import Volume

CONVENTIONS: tuple[str, ...] = get_args(Convention)
SHAPE_RULES: tuple[str, ...] = get_args(ShapeRule)
_LONGEST = 2**27  # samples along an axis: their coordinates and weights are listed, some hundred bytes each
_MOST = 2**47  # voxels of one byte that fill an address space


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
    kept: tuple[int, ...]  # output axes that nobody asked to resample

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
    if convention == "origin":
        return index * ratio
    return (n - 1) / 2 + (index - (m - 1) / 2) * ratio


def _scale_and_offset(n: int, m: int, convention: str, ratio: float) -> tuple[float, float]:
    if convention == "extent":
        return n / m, 0.5 * (n / m) - 0.5
    if convention == "corner":
        return (n - 1) / (m - 1) if m > 1 and n > 1 else 1.0, 0.0
    return ratio, 0.0 if convention == "origin" else (n - 1) / 2 - (m - 1) / 2 * ratio


def _size(n: int, spacing: float, target: float, rule: str) -> int:
    exact = n * spacing / target
    if exact > _LONGEST:
        raise ArgumentError(f"spacing: got {target}, allowed what gives at most {_LONGEST} voxels per axis")
    nearest = round(exact)
    if rule == "round":
        size = nearest
    elif rule == "monai":  # extent between the outer voxel centres
        size = round((n - 1) * spacing / target + 1)
    elif abs(exact - nearest) < 1e-7 * max(n, exact):  # 150.00000000000003 is 150 to ceil, too
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
    shape, scale, offset = list(shape_in), [1.0] * len(shape_in), [0.0] * len(shape_in)
    for axis, m, ratio in zip(axes, shape_out, ratios, strict=True):
        shape[axis] = m
        scale[axis], offset[axis] = _scale_and_offset(shape_in[axis], m, convention, ratio)
    moved = dict(zip(axes, ratios, strict=True))
    coordinates = tuple(
        _axis_coordinates(n, m, convention, moved[axis]) if axis in moved else np.arange(n, dtype=np.float64)
        for axis, (n, m) in enumerate(zip(shape_in, shape, strict=True))
    )
    every = tuple(range(len(shape)))
    kept = tuple(axis for axis in every if axis not in moved)
    return AlignedGrid(every, tuple(shape), tuple(scale), tuple(offset), coordinates, kept)


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
        source_axes=source + rest,
        shape=shape,
        scale=scale + (1.0,) * len(rest),
        offset=offset + (0.0,) * len(rest),
        coordinates=tuple(coordinates),
        kept=rest,
    )


def _located_grid(
    shape_in: tuple[int, ...],
    place: NDArray[np.float64],
    grid_affine: NDArray[np.float64],
    grid_shape: tuple[int, ...],
    transform: Any,
) -> AlignedGrid | ObliqueGrid:
    """Return where the points of a grid in space lie in the input, once ``transform`` has moved them."""
    world, field = transforms.compose(transform, grid_affine, grid_shape)
    to_index = np.linalg.inv(place)
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
    place: NDArray[np.float64] | None,
    spacing: Any,
    shape: Any,
    axes: Any,
    convention: str | None,
    shape_rule: str,
) -> AlignedGrid:
    ndim = len(shape_in)
    if axes is None and place is not None:
        chosen: tuple[int, ...] = (0, 1, 2)
    else:
        chosen = validate.normalize_axes(axes, ndim)
    if place is not None and any(a > 2 for a in chosen):
        raise ArgumentError(f"axes: got {axes}, allowed spatial axes (0, 1, 2) of a Volume")
    sizes = [shape_in[a] for a in chosen]
    if spacing is None:
        size = _checked_size(shape, len(chosen))
        ratios = [n / m for n, m in zip(sizes, size, strict=True)]
        return _scaled_grid(shape_in, chosen, size, ratios, convention or "extent")
    assert place is not None
    target = validate.per_axis(spacing, len(chosen), "spacing")
    if any(t <= 0 for t in target):
        raise ArgumentError(f"spacing: got {shown(spacing)}, allowed millimetres above zero")
    own = [float(np.linalg.norm(place[:3, a])) for a in chosen]
    if shape is not None:
        if convention not in (None, "centre", "origin"):
            raise ArgumentError(
                f"spacing, shape: got both, allowed both only with convention 'centre' or 'origin' (with "
                f"{convention!r} one follows from the other)"
            )
        size = _checked_size(shape, len(chosen))
    else:
        size = tuple(_size(n, s, t, shape_rule) for n, s, t in zip(sizes, own, target, strict=True))
        _check_count(size, "spacing", spacing)
    # Files round an affine to float32, but samples that fall on voxels, or between two, shall do so exactly.
    ratios = [
        n / m if abs(t / s * m - n) < 1e-7 * n else t / s
        for n, m, s, t in zip(sizes, size, own, target, strict=True)
    ]
    return _scaled_grid(shape_in, chosen, size, ratios, convention or "centre")


def _grid_of_matrix(
    shape_in: tuple[int, ...], volume: bool, matrix: Any, shape: Any
) -> AlignedGrid | ObliqueGrid:
    moved = 3 if volume else len(shape_in)
    index_map = host_array(matrix, "matrix", np.float64)
    if index_map.shape == (moved, moved):
        index_map = geometry.homogeneous(index_map, np.zeros(moved))
    if index_map.shape != (moved + 1, moved + 1) or not np.all(np.isfinite(index_map)):
        raise ArgumentError(
            f"matrix: got shape {np.shape(matrix)}, allowed finite {moved}x{moved} or {moved + 1}x{moved + 1}"
        )
    if not np.array_equal(index_map[-1], np.eye(moved + 1)[-1]):
        raise ArgumentError(f"matrix: got last row {index_map[-1]}, allowed zeros and a one")
    size = shape_in[:moved] if shape is None else _checked_size(shape, moved)
    return from_index_map(shape_in, index_map, size)


def make_grid(
    shape_in: tuple[int, ...],
    place: NDArray[np.float64] | None,
    *,
    spacing: Any = None,
    shape: Any = None,
    affine: Any = None,
    like: Any = None,
    matrix: Any = None,
    axes: Any = None,
    convention: str | None = None,
    shape_rule: str = "round",
    transform: Any = None,
) -> tuple[AlignedGrid | ObliqueGrid, NDArray[np.float64] | None, str]:
    """Turn the ways to name a grid into where its samples lie, its affine, and the mode where none is named.

    ``place`` is the affine of the input; None for a bare array, whose grids have none either.
    """
    if convention is not None:
        validate.word(convention, "convention", CONVENTIONS)
    validate.word(shape_rule, "shape_rule", SHAPE_RULES)
    geometric = {"transform": transform, "spacing": spacing, "like": like, "affine": affine}
    for name, value in geometric.items():
        if value is not None and place is None:
            raise ArgumentError(f"{name}: got a bare array, allowed a Volume (an array has no millimetres)")
    if transform is not None and matrix is not None:
        raise ArgumentError("transform, matrix: got both, allowed one (transforms can be put in a list)")
    named = [value for value in (affine, like, matrix) if value is not None]
    if len(named) > 1 or (named and spacing is not None) or (like is not None and shape is not None):
        raise ArgumentError("spacing, shape, affine, like, matrix: got several that differ, allowed one")
    sized = not named and (spacing is not None or shape is not None)
    for name, value in (("axes", axes), ("convention", convention)):
        if value is not None and not sized:
            raise ArgumentError(f"{name}: got {shown(value)}, allowed with spacing and shape alone")
    if shape_rule != "round" and not (sized and shape is None):
        raise ArgumentError(f"shape_rule: got {shown(shape_rule)}, allowed with spacing alone")

    mode = default_mode(place is not None and (bool(named) or transform is not None))
    if matrix is not None:
        grid = _grid_of_matrix(shape_in, place is not None, matrix, shape)
        return grid, None if place is None else grid.affine(place), mode
    if like is not None:
        like = as_volume(like)
        if not isinstance(like, Volume):
            raise ArgumentTypeError(f"like: got {type(like).__name__}, allowed a Volume")
        target, size = like.affine, like.shape[:3]
    elif affine is not None:
        if shape is None:
            raise ArgumentError("affine: got no shape beside it, allowed with shape=")
        target, size = geometry.checked_affine(affine), _checked_size(shape, 3)
    elif sized:
        own = _grid_of_size(shape_in, place, spacing, shape, axes, convention, shape_rule)
        if place is None or transform is None:
            return own, None if place is None else own.affine(place), mode
        target, size = own.affine(place), own.shape[:3]
    elif transform is not None and place is not None:
        target, size = place, shape_in[:3]
    else:
        raise ArgumentError("spacing, shape, affine, like, matrix: got none of them, allowed one")
    assert place is not None
    return _located_grid(shape_in, place, target, size, transform), target, mode


def check_grid(spacing: Any = None, **named: Any) -> None:
    """Refuse what `make_grid` would refuse of any scan."""
    place = np.eye(4)
    if spacing is not None:
        place[:3, :3] *= 1e-6  # a nanometre, since coarser voxels would become more of them
    make_grid((2, 2, 2), place, spacing=spacing, **named)


def default_mode(anywhere_in_space: bool) -> str:
    """Return how an image continues where no mode is named; the new grid may lie anywhere or within it."""
    return "fov" if anywhere_in_space else "nearest"


def _checked_size(shape: Any, count: int) -> tuple[int, ...]:
    size = validate.per_axis(shape, count, "shape", int)
    _check_count(size, "shape", shape)
    return size


def _check_count(size: Sequence[int], name: str, given: Any) -> None:
    if any(not 1 <= m <= _LONGEST for m in size) or math.prod(size) > _MOST:
        raise ArgumentError(
            f"{name}: got {shown(given)}, allowed 1 to {_LONGEST} voxels along every axis, {_MOST} in all"
        )
