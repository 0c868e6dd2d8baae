# SPDX-License-Identifier: Apache-2.0
"""``resample``: spline interpolation onto another axis-aligned grid.

All conventions are settled here, in float64, as one list of coordinates per axis; the kernel knows
coordinates only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _backend, _core, _geometry, _validate
from ._errors import ArgumentError, ArgumentTypeError
from ._volume import Volume

CONVENTIONS = ("extent", "centre", "corner")
SHAPE_RULES = ("round", "ceil", "floor", "monai", "torchio")


@dataclass(frozen=True)
class Grid:
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


def _grid_of(
    shape_in: tuple[int, ...],
    axes: tuple[int, ...],
    shape_out: Sequence[int],
    ratios: Sequence[float],
    convention: str,
) -> Grid:
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
    return Grid(tuple(range(ndim)), tuple(shape), tuple(scale), tuple(offset), tuple(coordinates))


def _grid_from_map(
    shape_in: tuple[int, ...], index_map: NDArray[np.float64], shape_out: Sequence[int], name: str
) -> Grid:
    split = _geometry.split_axis_aligned(index_map)
    if split is None:
        raise ArgumentError(
            f"{name}: got a rotation or shear against the input, allowed grids whose axes run along "
            "the input's (permuted, reversed, scaled and shifted)"
        )
    source, scale, offset = split
    moved = len(source)
    ndim = len(shape_in)
    rest = tuple(range(moved, ndim))
    coordinates = [
        s * np.arange(m, dtype=np.float64) + o for s, o, m in zip(scale, offset, shape_out, strict=True)
    ]
    coordinates += [np.arange(shape_in[a], dtype=np.float64) for a in rest]
    return Grid(
        source + rest,
        tuple(shape_out) + tuple(shape_in[a] for a in rest),
        scale + (1.0,) * len(rest),
        offset + (0.0,) * len(rest),
        tuple(coordinates),
    )


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
) -> Grid:
    """Turn the ways to name a grid into a `Grid`. ``affine`` is None for a bare array."""
    if convention not in CONVENTIONS:
        raise ArgumentError(f"convention: got {convention!r}, allowed {', '.join(CONVENTIONS)}")
    if shape_rule not in SHAPE_RULES:
        raise ArgumentError(f"shape_rule: got {shape_rule!r}, allowed {', '.join(SHAPE_RULES)}")
    given = [name for name, value in (("like", like), ("matrix", matrix)) if value is not None]
    if spacing is None and shape is None and not given:
        raise ArgumentError("spacing, shape, like, matrix: got none of them, allowed one")
    if len(given) > 1 or (given and spacing is not None) or (like is not None and shape is not None):
        raise ArgumentError("spacing, shape, like, matrix: got several that contradict each other")
    if affine is None and (spacing is not None or like is not None):
        name = "spacing" if spacing is not None else "like"
        raise ArgumentError(f"{name}: got a bare array, allowed a Volume (an array has no millimetres)")

    ndim = len(shape_in)
    if like is not None:
        if not isinstance(like, Volume):
            raise ArgumentTypeError(f"like: got {type(like).__name__}, allowed a Volume")
        assert affine is not None
        index_map = np.asarray(np.linalg.solve(affine, like.affine), dtype=np.float64)
        return _grid_from_map(shape_in, index_map, like.shape[:3], "like")
    if matrix is not None:
        index_map = np.asarray(matrix, dtype=np.float64)
        if index_map.ndim != 2 or index_map.shape[0] != index_map.shape[1]:
            raise ArgumentError(f"matrix: got shape {index_map.shape}, allowed square or homogeneous")
        moved = 3 if affine is not None else ndim
        if index_map.shape[0] == moved:
            square = index_map
            index_map = np.eye(moved + 1)
            index_map[:moved, :moved] = square
        if index_map.shape[0] != moved + 1 or not np.all(np.isfinite(index_map)):
            raise ArgumentError(
                f"matrix: got shape {np.shape(matrix)}, allowed finite {moved}x{moved} or "
                f"{moved + 1}x{moved + 1}"
            )
        size = shape_in[:moved] if shape is None else _validate.per_axis(shape, moved, "shape", int)
        _check_shape(size)
        return _grid_from_map(shape_in, index_map, size, "matrix")

    if axes is None and affine is not None:
        chosen: tuple[int, ...] = (0, 1, 2)
    else:
        chosen = _validate.normalize_axes(axes, ndim)
    if affine is not None and any(a > 2 for a in chosen):
        raise ArgumentError(f"axes: got {axes}, allowed spatial axes (0, 1, 2) of a Volume")
    sizes = [shape_in[a] for a in chosen]
    if spacing is None:
        size = _validate.per_axis(shape, len(chosen), "shape", int)
        _check_shape(size)
        return _grid_of(shape_in, chosen, size, [n / m for n, m in zip(sizes, size, strict=True)], convention)
    assert affine is not None
    target = _validate.per_axis(spacing, len(chosen), "spacing")
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
        size = _validate.per_axis(shape, len(chosen), "shape", int)
    else:
        size = tuple(_size(n, s, t, shape_rule) for n, s, t in zip(sizes, own, target, strict=True))
    _check_shape(size)
    return _grid_of(shape_in, chosen, size, ratios, convention)


def _check_shape(size: Iterable[int]) -> None:
    if any(m < 1 for m in size):
        raise ArgumentError(f"shape: got {tuple(size)}, allowed at least 1 on every axis")


def resample_onto(
    array: _validate.Array,
    grid: Grid,
    out: _validate.Array | None,
    *,
    dtype: Any = None,
    order: int = 3,
    mode: str = "nearest",
    cval: float = 0.0,
    antialias: bool = False,
    clip: bool = False,
    threads: int | None = None,
) -> _validate.Array:
    """Run the kernel: ``array`` sampled at ``grid``, into ``out`` or a new array of ``dtype``."""
    if order not in range(6):
        raise ArgumentError(f"order: got {order!r}, allowed 0 to 5")
    if mode not in _validate.INTERPOLATION_MODES:
        raise ArgumentError(f"mode: got {mode!r}, allowed {', '.join(sorted(_validate.INTERPOLATION_MODES))}")
    if any(n == 0 for n in array.shape):
        raise ArgumentError(f"x: got empty shape {array.shape}, allowed at least one voxel")
    source = array.transpose(grid.source_axes)
    if out is None:
        out = np.empty_like(source, dtype=dtype or array.dtype, shape=grid.shape)
    else:
        if not isinstance(out, np.ndarray):
            raise ArgumentTypeError(f"out: got {type(out).__name__}, allowed a NumPy array")
        if out.shape != grid.shape:
            raise ArgumentError(f"out: got shape {out.shape}, allowed {grid.shape}")
        _validate.check_no_overlap(array, out)
    samplings = []
    changed = 0
    for axis, coordinates in enumerate(grid.coordinates):
        sigma = max(0.0, (abs(grid.scale[axis]) - 1.0) / 2.0) if antialias else 0.0
        samplings.append(_core.AxisSampling(coordinates, sigma))
        changed += not np.array_equal(coordinates, np.arange(source.shape[axis]))
    if changed > 3:
        raise ArgumentError(f"axes: got {changed} to interpolate, allowed at most 3 in one call")
    # A spline through zeros and ones leaves their range, and a bool array holds nothing else.
    limit = clip or out.dtype == np.bool_
    _core.resample(
        source,
        out,
        samplings,
        order,
        _validate.INTERPOLATION_MODES[mode],
        float(cval),
        True,
        limit,
        _validate.thread_count(threads),
    )
    return out


def resample(
    x: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    like: Volume | None = None,
    matrix: Any = None,
    order: int = 3,
    mode: str | None = None,
    cval: float = 0.0,
    antialias: bool = False,
    clip: bool = False,
    convention: str = "extent",
    shape_rule: str = "round",
    axes: int | Iterable[int] | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Interpolate an image onto another grid with B-splines of order 0 to 5.

    Parameters
    ----------
    x : Volume or array_like
        Bool, integer, float32 or float64 voxels in any memory order; read without a copy. An
        array may have further axes (channels, time): at most three are interpolated, the others
        are kept.
    spacing : float or sequence, optional
        Millimetres wanted along the spatial axes of a Volume.
    shape : int or sequence, optional
        Voxels wanted along ``axes``.
    like : Volume, optional
        Take the grid of this volume. Its axes must run along those of ``x``.
    matrix : (n, n) or (n+1, n+1) array_like, optional
        Output index -> input index, as in ``scipy.ndimage.affine_transform``; a scaled
        permutation of the axes. ``shape`` then gives the output shape (default: the input's).
    order : int
        0 nearest, 1 linear, 2 to 5 B-spline through the samples.
    mode : str, optional
        How the image continues: scipy's ``reflect``, ``mirror``, ``nearest``, ``constant``,
        ``wrap``, ``grid-constant``, ``grid-wrap``, ``grid-mirror``, or ``fov``: clamped within half
        a voxel of the image and ``cval`` beyond. Default ``nearest``; ``fov`` for ``like=`` and
        ``matrix=`` on a Volume.
    cval : float
        Value outside for ``constant``, ``grid-constant`` and ``fov``.
    antialias : bool
        Smooth axes that lose samples with a Gaussian of sigma ``(factor - 1) / 2`` voxels first,
        as ``skimage.transform.resize`` does.
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
    float32 and 8- and 16-bit integers are computed in float32 (error at most 1e-5 of the range
    against scipy in float64), all others in float64. Integer results round half away from zero and
    saturate. Extra memory: none for orders 0 and 1, else about one volume of the compute type.
    The method is described in M. Unser, "Splines: a perfect fit for signal and image processing",
    IEEE Signal Processing Magazine 16 (1999).

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scan = vk.Volume(np.ones((20, 64, 64), np.int16), np.diag([5.0, 0.8, 0.8, 1.0]))
    >>> vk.resample(scan, spacing=1.0)
    Volume(shape=(100, 51, 51), dtype=int16, spacing=1 x 1.004 x 1.004 mm, orientation='RAS')
    """
    if _backend.is_gpu_array(getattr(x, "data", x) if isinstance(x, Volume) else x):
        _backend.require_cuda("x")
    volume = x if isinstance(x, Volume) else None
    array = _validate.kernel_array(x.data if volume is not None else x, "x")
    if mode is None:
        mode = "fov" if volume is not None and (like is not None or matrix is not None) else "nearest"
    grid = make_grid(
        array.shape,
        volume.affine if volume is not None else None,
        spacing=spacing,
        shape=shape,
        like=like,
        matrix=matrix,
        axes=axes,
        convention=convention,
        shape_rule=shape_rule,
    )
    result = resample_onto(
        array,
        grid,
        out,
        order=order,
        mode=mode,
        cval=cval,
        antialias=antialias,
        clip=clip,
        threads=threads,
    )
    if volume is None:
        return result
    return volume.with_data(result, like.affine if like is not None else grid.affine(volume.affine))
