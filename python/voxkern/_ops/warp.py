# SPDX-License-Identifier: Apache-2.0
"""``warp`` and ``push``: dense displacement fields, and the adjoint of looking an image up through one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._runtime import backend, validate
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.validate import SAMPLED_DTYPES, Array
from .._space.volume import Volume

UNITS = ("mm", "voxels")


def warp(
    x: Any,
    displacement: Any,
    *,
    units: str | None = None,
    order: int | str = 1,
    mode: str | None = None,
    cval: complex = 0.0,
    return_gradient: bool = False,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Look an image up at displaced points: ``out[o] = x[o + displacement[o]]``.

    Parameters
    ----------
    x : Volume or array_like
        Bool, integer, float16, float32, float64 or complex; further axes (channels, time) follow the
        spatial ones.
    displacement : Volume or array_like
        (grid..., n): n components along the last axis, float32 or float64. A Volume has a grid of its own,
        onto which ``x`` is brought; an array lies on the first n axes of ``x``, of which a grid of another
        shape is read as starting at index 0.
    units : {"mm", "voxels"}, optional
        Of the components: RAS+ millimetres, or samples along the axes of ``x``. Default: millimetres for a
        Volume of displacements, voxels for an array.
    order : int or str
        As in `resample`.
    mode : str, optional
        As in `resample`; default ``fov`` for a Volume, ``nearest`` for an array.
    cval : float
        Value outside for ``constant``, ``grid-constant`` and ``fov``.
    return_gradient : bool
        Also return the gradient of the interpolated image at the displaced points, for splines of order 1
        to 5 and real values.
    out : array, optional
        Where to write the image; exact shape, no memory shared with ``x``.
    threads : int, optional
        Default: see `set_num_threads`. The result has the same bits for any number.

    Returns
    -------
    image : Volume or array
        The kind and dtype of ``x``; shape: the grid, then the further axes of ``x``.
    gradient : Volume or array
        With ``return_gradient``: float32 or float64, shape of the image and n components: per voxel of
        ``x`` for an array, per RAS+ millimetre for a Volume.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.warp(np.array([0.0, 1.0, 4.0, 9.0]), np.full((4, 1), 0.5))
    array([0.5, 2.5, 6.5, 9. ])
    """
    field = _Field(x, displacement, units)
    array = validate.kernel_array(x.data if isinstance(x, Volume) else x, "x", SAMPLED_DTYPES)
    if array.ndim < field.axes or any(n == 0 for n in array.shape):
        raise ArgumentError(
            f"x: got shape {array.shape}, allowed {field.axes} axes or more, none of them empty"
        )
    kernel = validate.interpolator(order)
    boundary = validate.boundary(mode or ("fov" if isinstance(x, Volume) else "nearest"))
    count = validate.thread_count(threads)
    shape = field.grid + array.shape[field.axes :]
    out = validate.output_array(out, shape, array, SAMPLED_DTYPES)
    parts = zip(validate.real_parts(array, out), (np.real(cval), np.imag(cval)), strict=False)
    for (voxels, result), outside in parts:
        options = _core.WarpOptions(kernel=kernel, mode=boundary, cval=float(outside))
        _core.warp(voxels, result, field.map, options, count)
    image = field.placed(x, out)
    if not return_gradient:
        return image
    if array.dtype.kind == "c" or not isinstance(order, int | np.integer) or order == 0:
        raise ArgumentError(
            f"return_gradient: got order {order!r} of {array.dtype}, allowed 1 to 5 of real values"
        )
    dtype = np.float64 if array.dtype.itemsize > 4 or array.dtype.char in "iIlL" else np.float32
    slopes = np.empty((field.axes, *shape), dtype)
    for axis in range(field.axes):
        options = _core.WarpOptions(
            kernel=kernel, mode=boundary, cval=float(np.real(cval)), slope_axis=axis
        )
        _core.warp(array, slopes[axis], field.map, options, count)
    return image, field.placed(x, np.moveaxis(field.gradient(slopes), 0, -1))


def push(
    x: Any,
    displacement: Any,
    *,
    shape: Any = None,
    like: Volume | None = None,
    units: str | None = None,
    order: int = 1,
    mode: str | None = None,
    threads: int | None = None,
) -> Any:
    """Add values to the points an image would be looked up at: the adjoint of `warp`.

    ``sum(warp(a, d) * b) == sum(a * push(b, d))`` for images a and values b, with ``cval`` 0. The sum of each
    voxel is taken in one order, whatever the number of threads.

    Parameters
    ----------
    x : Volume or array_like
        Real values on the grid of the displacements; further axes follow it.
    displacement, units
        As in `warp`; in voxels of the result.
    shape : sequence of int, optional
        Of the result's spatial axes. Default: that of the grid.
    like : Volume, optional
        Take the grid of this volume; needed where ``displacement`` is a Volume.
    order : int
        Spline order, 0 to 5.
    mode : str, optional
        As in `warp`.
    threads : int, optional
        Default: see `set_num_threads`.

    Returns
    -------
    Volume or array
        float32, or float64 where ``x`` needs it; a Volume for ``like``.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.push(np.array([2.0, 0.0, 0.0, 6.0]), np.full((4, 1), 0.5))
    array([1., 1., 0., 6.])
    """
    if like is not None and not isinstance(like, Volume):
        raise ArgumentTypeError(f"like: got {type(like).__name__}, allowed a Volume")
    field = _Field(like, displacement, units)
    values = validate.kernel_array(x.data if isinstance(x, Volume) else x, "x", SAMPLED_DTYPES - set("FD"))
    if values.shape[: len(field.grid)] != field.grid:
        raise ArgumentError(f"x: got shape {values.shape}, allowed {field.grid} and further axes")
    if like is not None:
        size = like.shape[:3]
    elif shape is not None:
        size = validate.per_axis(shape, field.axes, "shape", int)
    elif len(field.grid) == field.axes:
        size = field.grid
    else:
        raise ArgumentError("shape: got None, allowed one number per component here")
    if any(n < 1 for n in size):
        raise ArgumentError(f"shape: got {size}, allowed at least 1 on every axis")
    if isinstance(order, str):
        raise ArgumentError(f"order: got {order!r}, allowed 0 to 5")
    wide = values.dtype.itemsize > 4 or values.dtype.char in "iIlL"
    image = np.empty(size + values.shape[len(field.grid) :], np.float64 if wide else np.float32)
    options = _core.WarpOptions(
        kernel=validate.interpolator(order),
        mode=validate.boundary(mode or ("fov" if like is not None else "nearest")),
    )
    _core.push(values, image, field.map, options, validate.thread_count(threads))
    return image if like is None else Volume(image, like.affine)


class _Field:
    """Where displaced points lie in an image, as the kernel takes it."""

    def __init__(self, x: Any, displacement: Any, units: str | None) -> None:
        volume = displacement if isinstance(displacement, Volume) else None
        data = volume.data if volume is not None else displacement
        for name, array in (("x", x.data if isinstance(x, Volume) else x), ("displacement", data)):
            if backend.is_gpu_array(array):
                backend.require_cuda(name)
        components = validate.kernel_array(data, "displacement")
        if components.ndim < 2 or components.dtype.kind != "f" or not 1 <= components.shape[-1] <= 8:
            raise ArgumentError(
                f"displacement: got {components.dtype} of shape {components.shape}, allowed floating point, "
                "(grid..., components)"
            )
        units = units or ("mm" if volume is not None else "voxels")
        if units not in UNITS:
            raise ArgumentError(f"units: got {units!r}, allowed {', '.join(UNITS)}")
        self.grid: tuple[int, ...] = components.shape[:-1]
        self.axes: int = components.shape[-1]
        self._affine = x.affine if isinstance(x, Volume) else None
        self._grid_affine = volume.affine if volume is not None else self._affine
        if (units == "mm" or volume is not None) and (
            self._affine is None or self.axes != 3 or len(self.grid) != 3
        ):
            raise ArgumentError(
                "displacement: got millimetres or a Volume, allowed for a Volume (push: like) of three axes"
            )
        if units == "voxels" and volume is None and len(self.grid) != self.axes:
            raise ArgumentError(
                f"displacement: got {self.axes} components on {len(self.grid)} axes, allowed as many"
            )
        index_map = np.eye(self.axes + 1)
        field_matrix = None
        if self._affine is not None and self.axes == 3:
            to_index = np.linalg.inv(self._affine)
            if volume is not None:
                index_map = to_index @ volume.affine
            if units == "mm":
                field_matrix = np.ascontiguousarray(to_index[:3, :3])
        self.map = _core.CoordinateMap(
            axes=self.axes,
            offset=index_map[:-1, -1],
            matrix=index_map[:-1, :-1],
            field=np.moveaxis(components, -1, 0),
            field_matrix=field_matrix,
        )

    def placed(self, x: Any, data: Array) -> Any:
        """Return a Volume for a Volume, on the grid of the displacements."""
        return x.with_data(data, self._grid_affine) if isinstance(x, Volume) else data

    def gradient(self, slopes: Array) -> Array:
        """Return derivatives per index as derivatives per millimetre, where there are millimetres."""
        if self._affine is None or self.axes != 3:
            return slopes
        to_index = np.linalg.inv(self._affine)[:3, :3].astype(slopes.dtype)
        result: Array = np.einsum("ij,i...->j...", to_index, slopes)
        return result
