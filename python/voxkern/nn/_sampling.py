# SPDX-License-Identifier: Apache-2.0
"""Images of networks on other grids: ``interpolate`` along the axes, ``grid_sample`` anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import (
    AxisSampling,
    Boundary,
    CoordinateMap,
    Interpolator,
    ResampleOptions,
    SincWindow,
    WarpOptions,
)
from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, flag, number, word
from ._adaptive_pool import adaptive_avg_pool3d
from ._shapes import FLOAT32, SPATIAL, expanded, per_axis

EVERY = (1, 2, 3)
INTERPOLATIONS = {  # spatial axes each mode has in torch
    "nearest": EVERY,
    "nearest-exact": EVERY,
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "area": EVERY,
}
LINEAR = ("linear", "bilinear", "trilinear")
SMOOTH = (*LINEAR, "bicubic")  # modes that know corners
ANTIALIASED = {"bilinear": 1.0, "bicubic": 2.0}  # and how far their kernels reach
GRID_MODES = {"bilinear": (2, 3), "nearest": (2, 3), "bicubic": (2,)}
PADDINGS = ("zeros", "border", "reflection")
GRID_DTYPES = frozenset("fd")


@documented
def interpolate(
    input: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Bring images onto a finer or coarser grid, as ``torch.nn.functional.interpolate``.

    Parameters
    ----------
    input : (N, C, W), (N, C, H, W) or (N, C, D, H, W) array
        ``float32``.
    size : int or sequence of int, optional
        Samples wanted along the spatial axes.
    scale_factor : float or sequence of float, optional
        In place of ``size``: ``floor(n * scale_factor)`` samples.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"}
        The linear modes are for one, two and three spatial axes, ``bicubic`` for two. ``nearest`` takes
        sample ``floor(i * n / m)`` as torch does, ``nearest-exact`` the one whose centre is nearest. ``area``
        is the mean over whole samples, `adaptive_avg_pool3d`'s.
    align_corners : bool, optional
        Linear modes and ``bicubic``: the centres of the corner samples stay (True), or the corners themselves
        (False, None).
    recompute_scale_factor : bool, optional
        True: coordinates follow from the two sizes. Else they follow from ``scale_factor`` where it is given.
    antialias : bool
        ``bilinear`` and ``bicubic``: stretch the kernel over the samples that one of the result stands for,
        so that none of them is left out. ``bicubic`` then has the slope -1/2, as in torch.
    out : array, optional
        Where to write; exact shape, float32, no memory shared with ``input``.
    {threads}

    Returns
    -------
    (N, C, ...) array
        ``float32``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    ``bicubic`` is the cubic convolution of R. G. Keys, IEEE Trans. ASSP 29 (1981), with torch's slope of
    -3/4. It overshoots at edges, and it is smoother than ``bilinear`` but less so than `voxkern.resample`'s
    cubic spline.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.interpolate(np.array([[[1, 3]]], np.float32), scale_factor=2, mode="linear")
    array([[[1. , 1.5, 2.5, 3. ]]], dtype=float32)
    """
    call = Call("interpolate", "resample", threads=threads)
    x, rank = _images(call, input, EVERY)
    check_mode(mode, rank, align_corners)
    antialias = flag(antialias, "antialias")
    if antialias and mode not in ANTIALIASED:
        raise ArgumentError(f"antialias: got True with mode {mode!r}, allowed with {', '.join(ANTIALIASED)}")
    shape = x.shape[2:]
    sizes, scales = _sizes(shape, size, scale_factor, recompute_scale_factor)
    target = call.output(out, x.shape[:2] + sizes, x, dtypes=FLOAT32)
    if target.size == 0:
        return call.leave(target)
    if mode == "area":
        cells = (1,) * (SPATIAL - rank) + sizes
        adaptive_avg_pool3d(expanded(x, rank), cells, out=expanded(target, rank), threads=threads)
        return call.leave(target)
    axes = [AxisSampling(np.arange(n, dtype=np.float64)) for n in x.shape[:2]]
    for n, m, scale in zip(shape, sizes, scales, strict=True):
        corners = bool(align_corners)
        if not antialias:
            axes.append(AxisSampling(_coordinates(mode, n, m, scale, corners)))
        elif n == m:  # torch leaves such an axis alone, whatever its factor
            axes.append(AxisSampling(np.arange(n, dtype=np.float64)))
        else:
            axes.append(AxisSampling.of_weights(*_stretched(mode, n, m, scale, corners)))
    kernel = _kernel("nearest" if antialias else mode)
    options = ResampleOptions(kernel=kernel, mode=Boundary.nearest)
    call.run("resample", x, target, axes, options)
    return call.leave(target)


def _kernel(mode: str) -> Interpolator:
    return Interpolator(0, SincWindow.cubic, 2) if mode == "bicubic" else Interpolator(int(mode in LINEAR))


def _images(call: Call, input: Any, ranks: Sequence[int]) -> tuple[Array, int]:
    """Return images (N, C, ...) and how many spatial axes they have."""
    if is_volume(input):
        raise ArgumentTypeError("input: got a Volume, allowed arrays of (N, C, ...): its data")
    x = call.enter(input, "input", FLOAT32)
    if x.ndim - 2 not in ranks or 0 in x.shape[2:]:
        kinds = " or ".join(str(rank + 2) for rank in ranks)
        raise ArgumentError(f"input: got shape {x.shape}, allowed {kinds} axes, the spatial ones not empty")
    return x, x.ndim - 2


def check_mode(mode: Any, rank: int, align_corners: bool | None) -> None:
    """Refuse a mode that these spatial axes do not have, and corners where there are none to align."""
    allowed = [name for name, ranks in INTERPOLATIONS.items() if rank in ranks]
    if not isinstance(mode, str) or mode not in allowed:
        raise ArgumentError(f"mode: got {shown(mode)} for {rank} spatial axes, allowed {', '.join(allowed)}")
    if align_corners is None:
        return
    flag(align_corners, "align_corners")
    if mode not in SMOOTH:
        raise ArgumentError(f"align_corners: got {shown(align_corners)}, allowed None with {mode!r}")


def _sizes(
    shape: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the samples along each axis, and the factors that set the coordinates (None: the sizes do)."""
    rank = len(shape)
    if recompute is not None:
        recompute = flag(recompute, "recompute_scale_factor")
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"size, scale_factor: got {shown(size)} and {shown(scale_factor)}, allowed exactly one of them"
        )
    if size is not None:
        if recompute:
            raise ArgumentError("recompute_scale_factor: got True, allowed with scale_factor")
        return per_axis(size, rank, "size", least=1, absent=1)[SPATIAL - rank :], (None,) * rank
    given = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor,)
    factors = tuple(number(f, "scale_factor") for f in given)
    factors *= rank if len(factors) == 1 else 1
    if len(factors) != rank or not all(0.0 < f < math.inf for f in factors):
        raise ArgumentError(
            f"scale_factor: got {shown(scale_factor)}, allowed a positive number or {rank} of them"
        )
    sizes = tuple(math.floor(n * f) for n, f in zip(shape, factors, strict=True))
    if 0 in sizes:
        raise ArgumentError(
            f"scale_factor: got {shown(scale_factor)} for {shape}, allowed what leaves a sample on each axis"
        )
    return sizes, (None,) * rank if recompute else factors


def _coordinates(mode: str, n: int, m: int, scale: float | None, corners: bool) -> NDArray[np.float64]:
    """Return where the m samples of the result lie among the n of the input."""
    if mode in SMOOTH:
        index = np.arange(m, dtype=np.float64)
        if corners:
            return index * ((n - 1) / (m - 1) if m > 1 else 0.0)
        at = (index + 0.5) * (n / m if scale is None else 1.0 / scale) - 0.5
        return at if mode == "bicubic" else np.maximum(at, 0.0)
    # torch counts in float32 here and fuses multiply-adds; one ulp decides where a sample begins.
    ratio = np.float32(n) / np.float32(m) if scale is None else np.float32(1.0 / scale)
    if mode == "nearest":
        place = np.arange(m, dtype=np.float32) * ratio
    else:
        centre = (np.arange(m) + 0.5) * float(ratio) - 0.5
        place = np.maximum(centre, 0.0).astype(np.float32) + np.float32(0.5)
    nearest: NDArray[np.float64] = np.minimum(np.floor(place), n - 1).astype(np.float64)
    return nearest


def _stretched(
    mode: str, n: int, m: int, scale: float | None, corners: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which samples each of the m of the result takes, and their weights."""
    step = n / m if scale is None else 1.0 / scale
    if corners:
        step = (n - 1) / (m - 1) if m > 1 else 0.0
    stretch = max(step, 1.0)
    reach = ANTIALIASED[mode] * stretch
    centre = (np.arange(m) + 0.5)[:, None] * step
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + reach + 0.5).astype(np.int64), n)
    samples = first + np.arange(max(int((last - first).max()), 1))
    away = np.abs((samples - centre + 0.5) / stretch)
    weights = np.maximum(1.0 - away, 0.0) if mode == "bilinear" else _cubic(away)
    weights[samples >= last] = 0.0
    order = np.argsort(weights == 0.0, axis=1, kind="stable")  # the kernel stops at the first weight of 0
    samples = np.take_along_axis(np.minimum(samples, n - 1), order, axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    return samples, weights / weights.sum(axis=1, keepdims=True)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' kernel of slope -1/2 at distances from its middle."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    result: NDArray[np.float64] = np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
    return result


@documented
def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Look images up at the points of a grid, as ``torch.nn.functional.grid_sample``.

    Parameters
    ----------
    input : (N, C, H, W) or (N, C, D, H, W) array
        ``float32``.
    grid : (N, h, w, 2) or (N, d, h, w, 3) array
        ``float32`` or float64: points (x, y) or (x, y, z), last axis first, from -1 to 1 over the image.
    mode : {"bilinear", "nearest", "bicubic"}
        Linear along all axes; the nearest sample, where halves go to the even one, as in torch; or, with two
        spatial axes, a cubic convolution.
    padding_mode : {"zeros", "border", "reflection"}
        What lies outside: 0, with a slope of one sample between; the edge sample; the mirrored image.
    align_corners : bool, optional
        -1 and 1 are the centres of the corner samples (True) or the edges of the image (False, None).
    out : array, optional
        Where to write; exact shape, float32, no memory shared with ``input`` and ``grid``.
    {threads}

    Returns
    -------
    (N, C, h, w) or (N, C, d, h, w) array
        ``float32``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    Coordinates are float64, torch's are of the dtype of ``grid``. ``nearest`` rounds in that dtype, too, and
    takes the memory of one image's grid. A NaN in ``grid`` gives NaN but in mode ``nearest``.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> image = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    >>> vk.nn.grid_sample(image, np.array([[[[0, 0], [-0.5, 0.5]]]]))
    array([[[[1.5, 2. ]]]], dtype=float32)
    """
    call = Call("grid_sample", "warp", threads=threads)
    x, rank = _images(call, input, (2, 3))
    points = call.enter(grid, "grid", GRID_DTYPES)
    allowed = [name for name, ranks in GRID_MODES.items() if rank in ranks]
    if not isinstance(mode, str) or mode not in allowed:
        raise ArgumentError(f"mode: got {shown(mode)} for {rank} spatial axes, allowed {', '.join(allowed)}")
    word(padding_mode, "padding_mode", PADDINGS)
    if points.ndim != rank + 2 or points.shape[0] != x.shape[0] or points.shape[-1] != rank:
        raise ArgumentError(
            f"grid: got shape {points.shape}, allowed (N, ..., {rank}) of {rank + 2} axes for input {x.shape}"
        )
    corners = align_corners is not None and flag(align_corners, "align_corners")
    shape = x.shape[2:]
    target = call.output(out, x.shape[:2] + points.shape[1:-1], x, dtypes=FLOAT32)
    if target.size == 0:
        return call.leave(target)
    options = WarpOptions(kernel=_kernel(mode), mode=_boundary(mode, padding_mode, corners))
    spatial = range(rank)
    for image, values, where in zip(x, target, points, strict=True):  # each image has points of its own
        components = where.transpose(rank, *spatial)
        if mode == "nearest":
            nearest = _nearest(call, components, shape, padding_mode, corners)
            places = CoordinateMap(axes=rank, field=nearest[::-1])
        else:
            places = _linear_map(components, shape, corners)
        channels_last = [axis + 1 for axis in spatial] + [0]
        call.run("warp", image.transpose(channels_last), values.transpose(channels_last), places, options)
    return call.leave(target)


def _boundary(mode: str, padding_mode: str, corners: bool) -> Boundary:
    """Return how the image continues; points of mode nearest are inside already, or outside for good."""
    if mode == "nearest":
        return Boundary.constant if padding_mode == "zeros" else Boundary.nearest
    reflection = Boundary.mirror if corners else Boundary.reflect
    return {"zeros": Boundary.grid_constant, "border": Boundary.nearest, "reflection": reflection}[
        padding_mode
    ]


def _linear_map(points: Array, shape: tuple[int, ...], corners: bool) -> CoordinateMap:
    """Return indices (z, y, x) of points (x, y, z): the kernel computes them as it goes."""
    n = np.array(shape, dtype=np.float64)
    scale = (n - 1) / 2 if corners else n / 2
    return CoordinateMap(
        axes=len(shape), offset=(n - 1) / 2, field=points, field_matrix=np.diag(scale)[:, ::-1].copy()
    )


def _nearest(call: Call, points: Array, shape: tuple[int, ...], padding_mode: str, corners: bool) -> Array:
    """Return the whole indices (x, y, z) of the samples that points take, computed in their dtype."""
    at = call.empty(points.shape, points.dtype)  # long rows: the points' own order has rows of three
    with call.device():
        np.add(points, 1, out=at)
        for index, n in zip(at, shape[::-1], strict=True):
            if corners:
                index *= (n - 1) / 2
            else:
                index *= n
                index -= 1
                index /= 2
            if padding_mode == "reflection":
                _reflect(index, n, corners)
            if padding_mode != "zeros":
                np.maximum(index, 0, out=index)
                np.minimum(index, n - 1, out=index)
            np.rint(index, out=index)  # halves to even
    return at


def _reflect(index: Array, n: int, corners: bool) -> None:
    """Fold indices into the image, about the centres of its corner samples or its edges."""
    low, period = (0.0, 2 * max(n - 1, 1)) if corners else (-0.5, 2 * n)
    index -= low
    np.abs(index, out=index)
    np.fmod(index, period, out=index)
    np.minimum(index, period - index, out=index)
    index += low
