# SPDX-License-Identifier: Apache-2.0
"""``resample``: interpolation onto another grid, once."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from .._core import AxisSampling, CoordinateMap, Interpolator, ResampleOptions, WarpOptions
from .._runtime import validate
from .._runtime.backend import host_array
from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, shown
from .._runtime.images import as_volume
from .._runtime.texts import documented
from .._runtime.validate import SAMPLED_DTYPES
from .._runtime.words import Convention, SampleMode, ShapeRule
from .._space.grid import AlignedGrid, make_grid
from .._space.kinds import GridSettings, Image

_LONGEST_KEPT = 4096  # samples along each axis of a plan that is kept


@documented
class ResamplePlan:
    """A resampling that is set up once and run on many images of one shape.

    It can be pickled, and called from several threads at once.

    Parameters
    ----------
    x : Volume or array_like
        Its shape and affine are planned for; its voxels are not looked at.
    {spacing}
    {shape}
    {affine}
    {like}
    {matrix}
    {resample_order}
    {mode}
    {cval}
    {antialias}
    {clip}
    {convention}
    {shape_rule}
    {transform}
    {spatial_axes}

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> plan = vk.ResamplePlan(np.empty((10, 64, 64)), shape=(20, 32, 32), order=1)
    >>> plan(np.ones((10, 64, 64), np.uint8)).shape
    (20, 32, 32)
    """

    def __init__(
        self,
        x: Any,
        *,
        spacing: Any = None,
        shape: Any = None,
        affine: Any = None,
        like: Any = None,
        matrix: Any = None,
        order: int | str = 3,
        mode: SampleMode | None = None,
        cval: complex = 0.0,
        antialias: bool = False,
        clip: bool | str = False,
        convention: Convention | None = None,
        shape_rule: ShapeRule = "round",
        transform: Any = None,
        axes: int | Iterable[int] | None = None,
    ) -> None:
        x = as_volume(x)
        self._affine = x.affine if is_volume(x) else None
        self._shape = tuple((x if hasattr(x, "shape") else host_array(x, "x")).shape)
        if not self._shape or 0 in self._shape:
            raise ArgumentError(f"x: got shape {self._shape}, allowed at least one axis and one voxel")
        self._grid, self._grid_affine, usual_mode = make_grid(
            self._shape,
            self._affine,
            spacing=spacing,
            shape=shape,
            affine=affine,
            like=like,
            matrix=matrix,
            axes=axes,
            convention=convention,
            shape_rule=shape_rule,
            transform=transform,
        )
        self._mode = usual_mode if mode is None else mode
        self._order, self._clip = order, clip
        self._antialias = validate.flag(antialias, "antialias")
        self._cval = validate.outside_value(cval)
        self._prepare()

    def _prepare(self) -> None:
        """Make what the kernels take of the arguments; it cannot be pickled."""
        area = isinstance(self._order, str) and self._order == "area"
        validate.check_clip(self._clip)
        self._kernel: Interpolator = validate.interpolator("nearest" if area else self._order)
        self._boundary = validate.boundary(self._mode)
        self._samplings: list[AxisSampling] = []
        if area and self._antialias:
            raise ArgumentError("antialias: got True, allowed with an order other than area, which is a mean")
        if isinstance(self._grid, AlignedGrid):
            self._samplings = _samplings(self._grid, self._antialias, area)
            return
        along = "allowed for grids whose axes run along the input's"
        if self._antialias:
            raise ArgumentError(f"antialias: got True, {along}")
        if area:
            raise ArgumentError(f"order: got 'area', {along}")
        if self._clip == "slice":
            raise ArgumentError(f"clip: got 'slice', {along}")

    def __getstate__(self) -> dict[str, Any]:
        made = ("_kernel", "_boundary", "_samplings")
        return {name: value for name, value in vars(self).items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    @overload
    def __call__(
        self, x: Image, *, out: NDArray[Any] | None = None, dtype: Any = None, threads: int | None = None
    ) -> Image: ...
    @overload
    def __call__(self, x: Any, *, out: Any = None, dtype: Any = None, threads: int | None = None) -> Any: ...
    def __call__(self, x: Any, *, out: Any = None, dtype: Any = None, threads: int | None = None) -> Any:
        """Return ``x`` on the planned grid; ``dtype`` is that of a new result, else that of ``x``."""
        if out is not None and dtype is not None:
            raise ArgumentError(f"dtype: got {shown(dtype)}, allowed None beside out")
        call = Call("resample", "resample", "warp", threads=threads)
        source = call.enter(x, "x", SAMPLED_DTYPES)
        self._check_as_planned(call.affine, source.shape)
        if isinstance(self._grid, AlignedGrid):
            source = source.transpose(self._grid.source_axes)
        out = call.output(out, self._grid.shape, source, dtype=dtype, dtypes=SAMPLED_DTYPES)
        kernel, where, options = self._kernel_arguments(call)
        for voxels, values, cval in call.parts(source, out, self._cval):
            chosen = options(kernel=self._kernel, mode=self._boundary, cval=cval, clip=bool(self._clip))
            call.run(kernel, voxels, values, where, chosen)
        return call.leave(out, self._grid_affine)

    def _check_as_planned(self, affine: Any, shape: tuple[int, ...]) -> None:
        place: Any = self._affine
        if shape != self._shape or (affine is None) != (place is None):
            planned = "an array" if place is None else "a Volume"
            raise ArgumentError(f"x: got shape {shape}, allowed {planned} of {self._shape}, as planned")
        if affine is not place and not np.allclose(affine, place, rtol=0, atol=1e-6):
            raise ArgumentError("x: got another affine than planned, allowed the same")

    def _kernel_arguments(self, call: Call) -> tuple[str, Any, Any]:
        """Return the kernel, where it samples, and the class of its options."""
        grid = self._grid
        if isinstance(grid, AlignedGrid):
            clip_axes = list(grid.kept) if self._clip == "slice" else []
            return "resample", self._samplings, functools.partial(ResampleOptions, clip_axes=clip_axes)
        points = CoordinateMap(
            axes=len(grid.offset),
            offset=grid.offset,
            matrix=grid.matrix,
            field=None if grid.field is None else call.enter(call.bring(grid.field), "transform"),
            field_matrix=grid.field_matrix,
        )
        return "warp", points, WarpOptions


def _samplings(grid: AlignedGrid, antialias: bool, area: bool) -> list[AxisSampling]:
    """Return where each axis is sampled: smoothed beforehand where it loses samples, or over cells."""
    sigmas = [max(0.0, (abs(scale) - 1.0) / 2.0) if antialias else 0.0 for scale in grid.scale]
    cells = [abs(scale) if area else 0.0 for scale in grid.scale]
    return [AxisSampling(*axis) for axis in zip(grid.coordinates, sigmas, cells, strict=True)]


def _is_short(shape: Any) -> bool:
    """Tell whether the plan for a shape is worth keeping: it lists where the samples of each axis lie."""
    sizes = shape if type(shape) is tuple else (shape,)
    return all(type(n) is int and n <= _LONGEST_KEPT for n in sizes)


@functools.lru_cache(maxsize=32, typed=True)
def _array_plan(shape_in: tuple[int, ...], cval_text: str, **options: Any) -> ResamplePlan:
    """Return a plan for arrays, kept for the next call: making it takes as long as a small image.

    The text tells -0.0 from 0.0, which are one key.
    """
    return ResamplePlan(np.broadcast_to(0, shape_in), **options)


class _Settings(GridSettings, total=False):
    order: int | str
    cval: complex
    antialias: bool
    clip: bool | str
    dtype: Any


@overload
def resample(x: Image, **settings: Unpack[_Settings]) -> Image: ...
@overload
def resample(x: Any, **settings: Unpack[_Settings]) -> Any: ...
@documented
def resample(
    x: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    affine: Any = None,
    like: Any = None,
    matrix: Any = None,
    order: int | str = 3,
    mode: SampleMode | None = None,
    cval: complex = 0.0,
    antialias: bool = False,
    clip: bool | str = False,
    convention: Convention | None = None,
    shape_rule: ShapeRule = "round",
    transform: Any = None,
    axes: int | Iterable[int] | None = None,
    out: NDArray[Any] | None = None,
    dtype: Any = None,
    threads: int | None = None,
) -> Any:
    """Interpolate an image onto another grid, with B-splines of order 0 to 5 or a windowed sinc.

    Parameters
    ----------
    x : Volume or array_like
        Bool, integer, float16, float32, float64 or complex voxels in any memory order; read without
        a copy. An array may have further axes (channels, time).
    {spacing}
    {shape}
    {affine}
    {like}
    {matrix}
    {resample_order}
    {mode}
    {cval}
    {antialias}
    {clip}
    {convention}
    {shape_rule}
    {transform}
    {spatial_axes}
    out : array, optional
        Where to write; exact shape, any dtype the kernel writes, no memory shared with ``x``.
    dtype : dtype, optional
        That of a new result; not beside `out`. Default: that of ``x``.
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``, its dtype unless ``out`` has or ``dtype`` names another, and its memory
        order. The affine of a returned Volume is the one really sampled.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    float16, float32 and 8- and 16-bit integers are computed in float32 (error at most 1e-5 of the
    range against scipy in float64); splines of order 4 and 5 and everything else in float64. Integer
    results round half away from zero and saturate. Extra memory: none for orders 0, 1 and "area"
    without antialiasing, else about one volume of the compute type, two on a rotated grid with
    ``nearest`` or ``grid-constant``; with channels last one more; a ``transform`` that bends takes
    three numbers per output voxel.
    The method is described in M. Unser, "Splines: a perfect fit for signal and image processing",
    IEEE Signal Processing Magazine 16 (1999).

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scan = vk.Volume(np.ones((20, 64, 64), np.int16), np.diag([5.0, 0.8, 0.8, 1.0]))
    >>> vk.resample(scan, spacing=1.0)
    Volume(shape=(100, 51, 51), dtype=int16, spacing=1 x 1 x 1 mm, orientation='RAS')
    """
    x = as_volume(x)
    options: dict[str, Any] = {
        "shape": shape,
        "order": order,
        "mode": mode,
        "cval": cval,
        "antialias": antialias,
        "clip": clip,
        "convention": convention,
        "shape_rule": shape_rule,
        "axes": axes,
    }
    places = (spacing, affine, like, matrix, transform)
    plan = None
    if type(x) is np.ndarray and all(p is None for p in places) and _is_short(x.shape) and _is_short(shape):
        with contextlib.suppress(TypeError):  # what cannot be a key is refused below
            plan = _array_plan(x.shape, repr(cval), **options)
    if plan is None:
        plan = ResamplePlan(
            x,
            spacing=spacing,
            affine=affine,
            like=like,
            matrix=matrix,
            transform=transform,
            **options,
        )
    return plan(x, out=out, dtype=dtype, threads=threads)
