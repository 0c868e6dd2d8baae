# SPDX-License-Identifier: Apache-2.0
"""Transforms of points in space, composed so that an image is interpolated once.

Everything is in RAS+ millimetres; what comes from ITK is turned around here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._runtime import validate
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.optional import import_or_explain
from . import geometry
from .volume import Volume

_FLIP = geometry.LPS_TO_RAS


def compose(
    transform: Any, grid_affine: NDArray[np.float64], grid_shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], validate.Array | None]:
    """Return where a transform takes the points of a grid: ``matrix @ point + field``.

    ``transform`` is None, a matrix, a field of displacements (a Volume with three components along its
    fourth axis), a SimpleITK transform, or a sequence of these, of which the first is applied first.
    """
    matrix = np.eye(4)
    field: validate.Array | None = None
    for step in _steps(transform, grid_affine, grid_shape):
        if isinstance(step, Volume):
            moved = _displacements(step, matrix @ grid_affine, grid_shape, field)
            field = moved if field is None else field + moved
        else:
            matrix = step @ matrix
            if field is not None:
                field = np.einsum("ij,j...->i...", step[:3, :3], field)
    return matrix, field


def _steps(
    transform: Any, grid_affine: NDArray[np.float64], grid_shape: tuple[int, ...]
) -> list[NDArray[np.float64] | Volume]:
    if transform is None:
        return []
    if isinstance(transform, Volume):
        if transform.data.ndim != 4 or transform.shape[3] != 3:
            raise ArgumentError(f"transform: got a field of shape {transform.shape}, allowed (x, y, z, 3)")
        return [transform]
    if hasattr(transform, "TransformPoint"):
        return _itk_steps(transform, grid_affine, grid_shape)
    if isinstance(transform, list | tuple) and not all(
        isinstance(row, list | tuple | np.ndarray) and np.ndim(row) == 1 for row in transform
    ):
        return [step for one in transform for step in _steps(one, grid_affine, grid_shape)]
    try:
        matrix = np.asarray(transform, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentTypeError(
            f"transform: got {type(transform).__name__}, allowed a 4x4 matrix, a Volume of displacements, a "
            "SimpleITK transform, or a list of these"
        ) from None
    if (
        matrix.shape != (4, 4)
        or not np.all(np.isfinite(matrix))
        or not np.array_equal(matrix[3], [0, 0, 0, 1])
    ):
        raise ArgumentError(
            "transform: got a matrix that is not affine, allowed finite 4x4 with last row 0 0 0 1"
        )
    return [matrix]


def _displacements(
    field: Volume, points: NDArray[np.float64], shape: tuple[int, ...], bent: validate.Array | None
) -> validate.Array:
    """Return a field at the points of a grid, (3, grid...); there is no displacement outside of it."""
    to_index = np.linalg.inv(field.affine)
    index_map = to_index @ points
    data = validate.kernel_array(field.data, "transform")
    out = np.empty((3, *shape), np.float32 if data.dtype.itemsize <= 4 else np.float64)
    to_field = _core.CoordinateMap(
        axes=3,
        offset=index_map[:3, 3],
        matrix=index_map[:3, :3],
        field=bent,
        field_matrix=None if bent is None else to_index[:3, :3],
    )
    options = _core.WarpOptions(kernel=_core.Interpolator(1), mode=_core.Boundary.fov)
    _core.warp(data, np.moveaxis(out, 0, -1), to_field, options, 0)
    return out


def _itk_steps(
    transform: Any, grid_affine: NDArray[np.float64], grid_shape: tuple[int, ...]
) -> list[NDArray[np.float64] | Volume]:
    if transform.GetDimension() != 3:
        raise ArgumentError(f"transform: got {transform.GetDimension()} dimensions, allowed 3")
    parts = _itk_parts(transform)
    if all(part.IsLinear() or part.GetName() == "DisplacementFieldTransform" for part in parts):
        return [
            _itk_matrix(part) if part.IsLinear() else _field_of_image(part.GetDisplacementField())
            for part in parts
        ]
    # Splines and the like: ITK says where the points of the grid go.
    sitk = import_or_explain("SimpleITK")
    grid = Volume(np.broadcast_to(np.uint8(0), grid_shape), _FLIP @ grid_affine)
    if geometry.is_sheared(grid_affine):
        raise ArgumentError("transform: got one that bends, onto a sheared grid, allowed right angles there")
    image = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        [int(n) for n in grid_shape],
        list(grid.origin),
        list(grid.spacing),
        grid.direction.ravel().tolist(),
    )
    return [_field_of_image(image)]


def _itk_parts(transform: Any) -> list[Any]:
    """Return what a transform is composed of, in the order it is applied."""
    part = transform.Downcast() if hasattr(transform, "Downcast") else transform
    if not hasattr(part, "GetNthTransform"):
        return [part]
    # The last one added comes first.
    count = part.GetNumberOfTransforms()
    return [p for i in reversed(range(count)) for p in _itk_parts(part.GetNthTransform(i))]


def _itk_matrix(transform: Any) -> NDArray[np.float64]:
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(transform.TransformPoint(tuple(np.eye(3)[axis]))) - origin
    result: NDArray[np.float64] = _FLIP @ matrix @ _FLIP
    return result


def _field_of_image(image: Any) -> Volume:
    field = Volume.from_sitk(image)
    return Volume(field.data * np.array([-1.0, -1.0, 1.0]), field.affine)
