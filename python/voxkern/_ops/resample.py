# SPDX-License-Identifier: Apache-2.0
"""``resample``: interpolation onto another grid, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._runtime import backend, validate
from .._runtime.errors import ArgumentError
from .._runtime.validate import SAMPLED_DTYPES, Array
from .._space.grid import Grid, make_grid
from .._space.volume import Volume


class ResamplePlan:
    """A resampling that is set up once and run on many images of one shape.

    Parameters
    ----------
    x : Volume or array_like
        Its shape and affine are planned for; its voxels are not looked at.
    spacing, shape, like, matrix, order, mode, cval, antialias, clip, convention, shape_rule, transform, axes
        As in `resample`.

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
        like: Volume | None = None,
        matrix: Any = None,
        order: int | str = 3,
        mode: str | None = None,
        cval: complex = 0.0,
        antialias: bool = False,
        clip: bool = False,
        convention: str = "extent",
        shape_rule: str = "round",
        transform: Any = None,
        axes: int | Iterable[int] | None = None,
    ) -> None:
        self._affine = x.affine if isinstance(x, Volume) else None
        self._shape = tuple(np.shape(x.data if isinstance(x, Volume) else x))
        if any(n == 0 for n in self._shape):
            raise ArgumentError(f"x: got empty shape {self._shape}, allowed at least one voxel")
        self._grid, self._grid_affine = make_grid(
            self._shape,
            self._affine,
            spacing=spacing,
            shape=shape,
            like=like,
            matrix=matrix,
            axes=axes,
            convention=convention,
            shape_rule=shape_rule,
            transform=transform,
        )
        if mode is None:
            placed = like is not None or matrix is not None or transform is not None
            mode = "fov" if self._affine is not None and placed else "nearest"
        self._kernel = validate.interpolator(order)
        self._boundary = validate.boundary(mode)
        self._cval = complex(cval)
        self._clip = clip
        if isinstance(self._grid, Grid):
            kept = tuple(self._shape[a] for a in self._grid.source_axes)
            self._passes = _passes(kept, self._grid, antialias)
        elif antialias:
            raise ArgumentError("antialias: got True, allowed for grids whose axes run along the input's")

    def __call__(self, x: Any, *, out: Any = None, dtype: Any = None, threads: int | None = None) -> Any:
        """Return ``x`` on the planned grid; ``dtype`` is that of a new result, else that of ``x``."""
        volume = x if isinstance(x, Volume) else None
        if backend.is_gpu_array(volume.data if volume is not None else x):
            backend.require_cuda("x")
        array = validate.kernel_array(volume.data if volume is not None else x, "x", SAMPLED_DTYPES)
        planned = "an array" if self._affine is None else "a Volume"
        if array.shape != self._shape or (volume is None) != (self._affine is None):
            raise ArgumentError(f"x: got shape {array.shape}, allowed {planned} of {self._shape}, as planned")
        if (
            volume is not None
            and self._affine is not None
            and not np.allclose(volume.affine, self._affine, rtol=0, atol=1e-6)
        ):
            raise ArgumentError("x: got another affine than planned, allowed the same")
        source = array.transpose(self._grid.source_axes) if isinstance(self._grid, Grid) else array
        wanted = np.empty(0, dtype or array.dtype)
        if out is None:
            out = np.empty_like(source, dtype=wanted.dtype, shape=self._grid.shape)
        else:
            out = validate.output_array(out, self._grid.shape, array, SAMPLED_DTYPES)
        # A spline through zeros and ones leaves their range, and a bool array holds nothing else.
        limit = self._clip or out.dtype == np.bool_
        outside = (self._cval.real, self._cval.imag)
        for (voxels, result), cval in zip(validate.real_parts(source, out), outside, strict=False):
            self._run(voxels, result, cval, limit, validate.thread_count(threads))
        return out if volume is None else volume.with_data(out, self._grid_affine)

    def _run(self, voxels: Array, result: Array, cval: float, limit: bool, threads: int) -> None:
        grid = self._grid
        if isinstance(grid, Grid):
            once = len(self._passes) == 1
            source = voxels
            for k, (samplings, shape) in enumerate(self._passes):
                last = k + 1 == len(self._passes)
                to = result if last else np.empty(shape, np.result_type(voxels.dtype, np.float32))
                _core.resample(
                    source, to, samplings, self._kernel, self._boundary, cval, True, limit and once, threads
                )
                source = to
            if limit and not once:
                _limit(voxels, result)
            return
        to_source = _core.CoordinateMap(
            axes=len(grid.offset),
            offset=grid.offset,
            matrix=grid.matrix,
            field=grid.field,
            field_matrix=grid.field_matrix,
        )
        options = _core.WarpOptions(kernel=self._kernel, mode=self._boundary, cval=cval, clip=limit)
        _core.warp(voxels, result, to_source, options, threads)


def _limit(voxels: Array, result: Array) -> None:
    """Limit a result to the range of the voxels it came from."""
    # For a moment the bytes of a bool array may hold more than it means.
    values = result.view(np.uint8) if result.dtype == np.bool_ else result
    np.clip(values, np.fmin.reduce(voxels, axis=None), np.fmax.reduce(voxels, axis=None), out=values)


def _passes(shape: tuple[int, ...], grid: Grid, antialias: bool) -> list[tuple[list[Any], tuple[int, ...]]]:
    """Return samplings and result shape of each run of the kernel, which changes three axes at most."""
    changed = [a for a, c in enumerate(grid.coordinates) if not np.array_equal(c, np.arange(shape[a]))]
    passes = []
    sizes = list(shape)
    for k in range(0, max(len(changed), 1), 3):
        chosen = changed[k : k + 3]
        samplings = []
        for axis, coordinates in enumerate(grid.coordinates):
            if axis not in chosen:
                samplings.append(_core.AxisSampling(np.arange(sizes[axis], dtype=np.float64)))
                continue
            sigma = max(0.0, (abs(grid.scale[axis]) - 1.0) / 2.0) if antialias else 0.0
            samplings.append(_core.AxisSampling(coordinates, sigma))
            sizes[axis] = len(coordinates)
        passes.append((samplings, tuple(sizes)))
    return passes


def resample(
    x: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    like: Volume | None = None,
    matrix: Any = None,
    order: int | str = 3,
    mode: str | None = None,
    cval: complex = 0.0,
    antialias: bool = False,
    clip: bool = False,
    convention: str = "extent",
    shape_rule: str = "round",
    transform: Any = None,
    axes: int | Iterable[int] | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Interpolate an image onto another grid, with B-splines of order 0 to 5 or a windowed sinc.

    Parameters
    ----------
    x : Volume or array_like
        Bool, integer, float16, float32, float64 or complex voxels in any memory order; read without
        a copy. An array may have further axes (channels, time).
    spacing : float or sequence, optional
        Millimetres wanted along the spatial axes of a Volume.
    shape : int or sequence, optional
        Voxels wanted along ``axes``.
    like : Volume, optional
        Take the grid of this volume, wherever it lies.
    matrix : (n, n) or (n+1, n+1) array_like, optional
        Output index -> input index, as in ``scipy.ndimage.affine_transform``. ``shape`` then gives
        the output shape (default: the input's).
    order : int or str
        0 nearest, 1 linear, 2 to 5 B-spline through the samples; or a windowed sinc: ``lanczos``,
        ``hamming``, ``cosine``, ``welch``, ``blackman``, with a radius of 1 to 5 behind the name
        (``lanczos3``; 5 where there is none) and weights that are not scaled to one, as in ITK.
    mode : str, optional
        How the image continues: scipy's ``reflect``, ``mirror``, ``nearest``, ``constant``,
        ``wrap``, ``grid-constant``, ``grid-wrap``, ``grid-mirror``, or ``fov``, ITK's rule: ``cval``
        from half a voxel outside the image on, and within that rim the edge voxel (orders 0 and 1),
        the mirrored spline, or the sinc over repeated edge voxels. Default ``nearest``; ``fov`` for
        ``like=``, ``matrix=`` and ``transform=`` on a Volume.
    cval : float
        Value outside for ``constant``, ``grid-constant`` and ``fov``.
    antialias : bool
        Smooth axes that lose samples with a Gaussian of sigma ``(factor - 1) / 2`` voxels first,
        as ``skimage.transform.resize`` does. Not for rotated grids.
    clip : bool
        Keep results within the range of the input: splines overshoot at edges.
    convention : {"extent", "centre", "corner"}
        With n voxels of spacing s going to m voxels. ``extent``: the field of view is kept and the
        spacing becomes n*s/m (scipy's ``grid_mode``, nnU-Net). ``centre``: the spacing is exactly
        as asked and the volume centres coincide. ``corner``: the corner voxel centres coincide,
        spacing (n-1)s/(m-1) (scipy's default zoom).
    shape_rule : {"round", "ceil", "floor", "monai", "torchio"}
        Voxels for ``spacing``: n*s/t rounded half to even, up, or down (``torchio`` is down,
        ``monai`` rounds (n-1)*s/t + 1).
    transform : optional
        Moves each point of the output grid to the place where ``x`` is looked up, in RAS+ millimetres:
        a 4x4 matrix, a Volume of displacements (x, y, z, 3), a SimpleITK transform, or a list of
        these, of which the first is applied first. They are composed; ``x`` is interpolated once. The
        output grid is that of ``like``, or of ``x`` (with ``spacing`` or ``shape`` if given).
    axes : int or sequence, optional
        Axes ``shape`` or ``spacing`` speak of. Default: all axes of an array, the spatial ones of a
        Volume.
    out : array, optional
        Where to write; exact shape, any dtype the kernel writes, no memory shared with ``x``.
    threads : int, optional
        Default: see `set_num_threads`. The result has the same bits for any number.

    Returns
    -------
    Volume or array
        The kind of ``x``, its dtype unless ``out`` has another, and its memory order. The affine
        of a returned Volume is the one really sampled.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    float16, float32 and 8- and 16-bit integers are computed in float32 (error at most 1e-5 of the
    range against scipy in float64), all others in float64. Integer results round half away from zero
    and saturate. Extra memory: none for orders 0 and 1, else about one volume of the compute type, two
    on a rotated grid with ``nearest`` or ``grid-constant``; a ``transform`` that bends takes three
    numbers per output voxel.
    The method is described in M. Unser, "Splines: a perfect fit for signal and image processing",
    IEEE Signal Processing Magazine 16 (1999).

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scan = vk.Volume(np.ones((20, 64, 64), np.int16), np.diag([5.0, 0.8, 0.8, 1.0]))
    >>> vk.resample(scan, spacing=1.0)
    Volume(shape=(100, 51, 51), dtype=int16, spacing=1 x 1.004 x 1.004 mm, orientation='RAS')
    """
    plan = ResamplePlan(
        x if hasattr(x, "shape") else np.asarray(x),
        spacing=spacing,
        shape=shape,
        like=like,
        matrix=matrix,
        order=order,
        mode=mode,
        cval=cval,
        antialias=antialias,
        clip=clip,
        convention=convention,
        shape_rule=shape_rule,
        transform=transform,
        axes=axes,
    )
    return plan(x, out=out, threads=threads)
