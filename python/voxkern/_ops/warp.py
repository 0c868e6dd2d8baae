# SPDX-License-Identifier: Apache-2.0
"""``warp`` samples an image at displaced points; ``push`` is its adjoint."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack, get_args, overload

import numpy as np
from numpy.typing import NDArray

from .._core import AxisSampling, Boundary, CoordinateMap, Interpolator, ResampleOptions, WarpOptions
from .._runtime import validate
from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.images import as_volume
from .._runtime.texts import documented
from .._runtime.validate import SAMPLED_DTYPES, Array
from .._runtime.words import SampleMode, Units
from .._space.grid import default_mode
from .._space.kinds import Image
from .._space.volume import Volume

UNITS: tuple[str, ...] = get_args(Units)


class _Settings(TypedDict, total=False):
    units: Units | None
    order: int | str
    mode: SampleMode | None
    cval: complex
    out: Any
    threads: int | None


@overload
def warp(
    x: Image,
    displacement: Any,
    *,
    return_gradient: Literal[False] = False,
    **settings: Unpack[_Settings],
) -> Image: ...
@overload
def warp(
    x: Image, displacement: Any, *, return_gradient: Literal[True], **settings: Unpack[_Settings]
) -> tuple[Image, Image]: ...
@overload
def warp(
    x: Any, displacement: Any, *, return_gradient: bool = False, **settings: Unpack[_Settings]
) -> Any: ...
@documented
def warp(
    x: Any,
    displacement: Any,
    *,
    units: Units | None = None,
    order: int | str = 1,
    mode: SampleMode | None = None,
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
        (grid..., n): n components along the last axis, float32 or float64. A Volume defines the output
        grid. An array shares the first n axes of ``x``; if its shape differs, the grid starts at index 0.
    units : {"mm", "voxels"}, optional
        Of the components: RAS+ millimetres, or samples along the axes of ``x``. Default: millimetres for a
        Volume of displacements, voxels for an array.
    {order}
    {field_mode}
    {cval}
    return_gradient : bool
        Also return the gradient of the interpolated image at the displaced points, for splines of order 1
        to 5 and real values.
    out : array, optional
        Where to write the image; exact shape, no memory shared with ``x``.
    {threads}

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
    return_gradient = validate.flag(return_gradient, "return_gradient")
    call = Call("warp", "warp", threads=threads)
    array = call.enter(x, "x", SAMPLED_DTYPES)
    field = _Field(call, call.affine, displacement, units)
    if array.ndim < field.axes or array.size == 0:
        raise ArgumentError(
            f"x: got shape {array.shape}, allowed {field.axes} axes or more, none of them empty"
        )
    if return_gradient and (array.dtype.kind == "c" or not validate.spline_order(order)):
        raise ArgumentError(
            f"return_gradient: got order {order!r} of {array.dtype}, allowed 1 to 5 of real values"
        )
    kernel: Interpolator = validate.interpolator(order)
    boundary = validate.boundary(default_mode(call.affine is not None) if mode is None else mode)
    cval = validate.outside_value(cval)
    shape = field.grid + array.shape[field.axes :]
    image = call.output(out, shape, array, dtypes=SAMPLED_DTYPES)
    for voxels, values, outside in call.parts(array, image, cval):
        call.run(
            "warp", voxels, values, field.points, WarpOptions(kernel=kernel, mode=boundary, cval=outside)
        )
    result = call.leave(image, field.grid_affine)
    if not return_gradient:
        return result
    slopes = call.empty((field.axes, *shape), _float_dtype(array))
    for axis in range(field.axes):
        options = WarpOptions(kernel=kernel, mode=boundary, cval=float(np.real(cval)), slope_axis=axis)
        call.run("warp", array, slopes[axis], field.points, options)
    return result, call.leave(np.moveaxis(field.gradient(call, slopes), 0, -1), field.grid_affine)


def _float_dtype(x: Array) -> type[np.floating[Any]]:
    """Return float64 where the values of ``x`` need it, else float32."""
    return np.float64 if x.dtype.itemsize > 4 or x.dtype.char in "iIlL" else np.float32


@overload
def push(
    x: Any,
    displacement: Any,
    *,
    like: Volume,
    units: Units | None = None,
    order: int | str = 1,
    mode: SampleMode | None = None,
    threads: int | None = None,
) -> Volume: ...
@overload
def push(
    x: Any,
    displacement: Any,
    *,
    shape: Any = None,
    like: Any = None,
    units: Units | None = None,
    order: int | str = 1,
    mode: SampleMode | None = None,
    threads: int | None = None,
) -> Any: ...
@documented
def push(
    x: Any,
    displacement: Any,
    *,
    shape: Any = None,
    like: Any = None,
    units: Units | None = None,
    order: int | str = 1,
    mode: SampleMode | None = None,
    threads: int | None = None,
) -> Any:
    """Add values to the points an image would be looked up at: the adjoint of `warp`.

    ``sum(warp(a, d) * b) == sum(a * push(b, d))`` for images a and values b, with ``cval`` 0. The sum of each
    voxel is taken in one order, whatever the number of threads.

    Parameters
    ----------
    x : Volume or array_like
        Real values on the grid of the displacements; further axes follow it.
    displacement : Volume or array_like
        (grid..., n): n components along the last axis, float32 or float64. A Volume needs ``like``.
    shape : sequence of int, optional
        Of the result's spatial axes. Default: that of the grid.
    like : Volume, optional
        Take the grid of this volume; needed where ``displacement`` is a Volume.
    units : {"mm", "voxels"}, optional
        Of the components: RAS+ millimetres, or samples along the axes of the result. Default: millimetres
        for a Volume of displacements, voxels for an array.
    order : int or str
        Spline order, 0 to 5, or "nearest", "linear", "cubic".
    {field_mode}
    {threads}

    Returns
    -------
    Volume or array
        ``float32``, or float64 where ``x`` needs it; a Volume for ``like``.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.push(np.array([2.0, 0.0, 0.0, 6.0]), np.full((4, 1), 0.5))
    array([1., 1., 0., 6.])
    """
    like = as_volume(like)
    if like is not None and not isinstance(like, Volume):
        raise ArgumentTypeError(f"like: got {type(like).__name__}, allowed a Volume")
    call = Call("push", "push", threads=threads)
    values = call.enter(x, "x", SAMPLED_DTYPES - set("FD"))
    field = _Field(call, None if like is None else like.affine, displacement, units)
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
    if validate.spline_order(order) is None:
        raise ArgumentError(f"order: got {shown(order)}, allowed 0 to 5, {', '.join(validate.SPLINES)}")
    kernel: Interpolator = validate.interpolator(order)
    boundary = validate.boundary(default_mode(like is not None) if mode is None else mode)
    image = call.empty(size + values.shape[len(field.grid) :], _float_dtype(values))
    call.run("push", values, image, field.points, WarpOptions(kernel=kernel, mode=boundary))
    result = call.leave(image, bare=True)
    return result if like is None else Volume(result, like.affine)


class _Field:
    """Where displaced points lie in an image, as the kernel takes it; ``affine`` is the image's, or None."""

    def __init__(self, call: Call, affine: Any, displacement: Any, units: Units | None) -> None:
        if as_volume(displacement) is not displacement:  # such images do not say which way x and y point
            raise ArgumentTypeError(
                f"displacement: got a {type(displacement).__name__}, allowed an array or a Volume (RAS+)"
            )
        volume = displacement if is_volume(displacement) else None
        components = call.enter(displacement, "displacement")
        if components.ndim < 2 or components.dtype.kind != "f" or not 1 <= components.shape[-1] <= 8:
            raise ArgumentError(
                f"displacement: got {components.dtype} of shape {components.shape}, allowed floating point, "
                "(grid..., components)"
            )
        if units is None:
            units = "mm" if volume is not None else "voxels"
        validate.word(units, "units", UNITS)
        self.grid: tuple[int, ...] = components.shape[:-1]
        self.axes: int = components.shape[-1]
        self._affine = affine
        self.grid_affine = volume.affine if volume is not None else self._affine
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
        self.points = CoordinateMap(
            axes=self.axes,
            offset=index_map[:-1, -1],
            matrix=index_map[:-1, :-1],
            field=components.transpose(-1, *range(components.ndim - 1)),
            field_matrix=field_matrix,
        )

    def gradient(self, call: Call, slopes: Array) -> Array:
        """Return derivatives per index as derivatives per millimetre, where there are millimetres."""
        if self._affine is None or self.axes != 3:
            return slopes
        to_index = np.linalg.inv(self._affine)[:3, :3]
        if not call.on_device:
            result: Array = np.einsum("ij,i...->j...", to_index.astype(slopes.dtype), slopes)
            return result
        result = call.empty(slopes.shape, slopes.dtype)
        sums = AxisSampling.of_weights([[0, 1, 2]] * 3, to_index.T)
        others = [AxisSampling(np.arange(n)) for n in slopes.shape[1:]]
        options = ResampleOptions(kernel=Interpolator(0), mode=Boundary.nearest)
        call.run("resample", slopes, result, [sums, *others], options)
        return result
