# SPDX-License-Identifier: Apache-2.0
"""Spline interpolation anywhere, drop-in for ``scipy.ndimage``: affine maps, rotations, given coordinates."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core import AxisSampling, Boundary, CoordinateMap, Interpolator, WarpOptions
from .._runtime.backend import host_array, is_array
from .._runtime.texts import documented
from .._runtime.validate import KERNEL_DTYPES, Array
from .._space import geometry
from ._common import DTYPES, Call, check_order, computes_in_float64, interpolation_mode, value_per_axis
from ._interpolation import GridAxis, enter_image, sample_on_axes
from ._low_level import compiled


@documented
def map_coordinates(
    input: ArrayLike,
    coordinates: ArrayLike,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    threads: int | None = None,
) -> Any:
    """Interpolate an array at given coordinates.

    Parameters
    ----------
    {sampled_input}
    coordinates : array_like
        (axes of ``input``, ...): where each element of the result is looked up.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    {threads}

    Returns
    -------
    array
        Shape of ``coordinates`` without its first axis.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.map_coordinates``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.map_coordinates([[0.0, 1.0], [4.0, 9.0]], [[0.5, 1.0], [0.5, 0.0]], order=1)
    array([3.5, 4. ])
    """
    check_order(order)
    call = Call("map_coordinates", "warp", threads=threads)
    x = enter_image(call, input)
    points = call.enter_real(coordinates, "coordinates")
    shape = points.shape[1:]
    if len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    if points.shape[0] != x.ndim:
        raise RuntimeError("invalid shape for coordinate array")
    if points.dtype.char not in KERNEL_DTYPES:
        points = points.astype(np.float64)
    out = call.scipy_output(output, shape, x)
    _warp(call, x, out, CoordinateMap(axes=x.ndim, field=points), order, mode, cval, prefilter)
    return call.leave(out, bare=True)


@documented
def geometric_transform(
    input: ArrayLike,
    mapping: Callable[..., Sequence[float]],
    output_shape: Sequence[int] | None = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    threads: int | None = None,
) -> Any:
    """Interpolate an array where a function says.

    Parameters
    ----------
    {sampled_input}
    mapping : callable, scipy.LowLevelCallable or capsule
        Takes the indices of an element of the result as a tuple; returns the coordinates to look it up at.
        A Python function is called once per element: where it can be written for arrays, `map_coordinates`
        is far faster. Compiled functions have scipy's signatures and are called on one thread.
    output_shape : tuple of int, optional
        Default: shape of ``input``.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    extra_arguments : sequence
        Passed on to ``mapping``.
    extra_keywords : mapping, optional
        Passed on to ``mapping``.
    {threads}

    Returns
    -------
    array
        Of ``output_shape``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.geometric_transform``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.geometric_transform([0.0, 1.0, 2.0, 3.0], lambda i: (3 - i[0],), order=1)
    array([3., 2., 1., 0.])
    """
    check_order(order)
    call = Call("geometric_transform", threads=threads)
    x = enter_image(call, input)
    shape = x.shape if output_shape is None else tuple(output_shape)
    if len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    points: Array
    if callable(mapping):
        keywords = dict(extra_keywords or {})
        indices = itertools.product(*(range(n) for n in shape))
        found = [mapping(index, *extra_arguments, **keywords) for index in indices]
        points = np.asarray(found, dtype=np.float64).reshape(*shape, x.ndim)
    else:
        points = call.empty((*shape, x.ndim), np.float64)
        call.run("mapped_points", compiled(mapping), points)
    out = call.scipy_output(output, shape, x)
    field = np.moveaxis(points, -1, 0)
    _warp(call, x, out, CoordinateMap(axes=x.ndim, field=field), order, mode, cval, prefilter)
    return call.leave(out, bare=True)


@documented
def affine_transform(
    input: ArrayLike,
    matrix: ArrayLike,
    offset: float | Sequence[float] = 0.0,
    output_shape: Sequence[int] | None = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    threads: int | None = None,
) -> Any:
    """Interpolate an array at ``matrix @ index + offset`` for every index of the result.

    Parameters
    ----------
    {sampled_input}
    matrix : (n,), (n, m), (n, n+1) or (n+1, n+1) array_like
        Output index -> input coordinate: factors of the axes, a matrix, or homogeneous.
    offset : float or sequence
        Added to the coordinates.
    output_shape : tuple of int, optional
        Default: shape of ``output`` if that is an array, else of ``input``.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    {threads}

    Returns
    -------
    array
        Of ``output_shape``; a `Volume` keeps its anatomy in place.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.affine_transform``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.affine_transform([[1, 2], [3, 4]], [[0, 1], [1, 0]], order=1)
    array([[1, 3],
           [2, 4]])
    """
    check_order(order)
    call = Call("affine_transform", "warp", "resample", threads=threads)
    x = enter_image(call, input)
    if output_shape is None:
        output_shape = output.shape if is_array(output) else x.shape
    shape = tuple(output_shape)
    if len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    linear, shift = _linear_and_shift(host_array(matrix, "matrix", np.float64), offset, x.shape, len(shape))
    if linear.ndim == 2:
        out = call.scipy_output(output, shape, x)
        points = CoordinateMap(axes=x.ndim, offset=shift, matrix=linear)
        _warp(call, x, out, points, order, mode, cval, prefilter)
        same_space = x.ndim == 3 and len(shape) == 3
        index_map = geometry.homogeneous(linear, shift) if same_space else None
        return call.leave(out, index_map=index_map, bare=len(shape) != x.ndim)
    warnings.warn(
        "The behavior of affine_transform with a 1-D array supplied for the matrix parameter has changed "
        "in SciPy 0.18.0.",
        stacklevel=2,
    )
    if len(shape) != x.ndim:
        raise RuntimeError("input and output rank must be equal")
    with np.errstate(divide="ignore", invalid="ignore"):
        before = shift / linear
    grid = (
        GridAxis(AxisSampling((np.arange(m) + b) * f), f, s)
        for m, b, f, s in zip(shape, before, linear, shift, strict=True)
    )
    return sample_on_axes(call, x, shape, grid, output, order, mode, cval, prefilter)


def _linear_and_shift(
    matrix: NDArray[np.float64], offset: Any, shape: tuple[int, ...], out_ndim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factors of the axes or a matrix, and an offset, from any form scipy takes."""
    n = len(shape)
    if matrix.ndim not in (1, 2) or matrix.shape[0] < 1:
        raise RuntimeError("no proper affine matrix provided")
    if matrix.ndim == 2 and matrix.shape[1] == n + 1 and matrix.shape[0] in (n, n + 1):
        if matrix.shape[0] == n + 1 and not np.array_equal(matrix[n], [0] * n + [1]):
            raise ValueError(
                f"Expected homogeneous transformation matrix with shape {matrix.shape} for image shape "
                f"{shape}, but bottom row was not equal to {[0] * n + [1]}"
            )
        offset = matrix[:n, n].tolist()
        matrix = matrix[:n, :n]
    if matrix.shape[0] != n:
        raise RuntimeError("affine matrix has wrong number of rows")
    if matrix.ndim == 2 and matrix.shape[1] != out_ndim:
        raise RuntimeError("affine matrix has wrong number of columns")
    shift = np.asarray(value_per_axis(offset, n), dtype=np.float64)
    if shift.ndim != 1:
        raise RuntimeError("no proper offset provided")
    return matrix, shift


@documented
def rotate(
    input: ArrayLike,
    angle: float,
    axes: tuple[int, int] = (1, 0),
    reshape: bool = True,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
    *,
    threads: int | None = None,
) -> Any:
    """Rotate an array in the plane of two axes.

    Parameters
    ----------
    {sampled_input}
    angle : float
        Degrees; multiples of 90 are exact.
    axes : (int, int)
        The plane.
    reshape : bool
        Let the result have room for all of the input.
    {sampled_output}
    {sampled_order}
    {sampled_mode}
    {sampled_cval}
    {prefilter}
    {threads}

    Returns
    -------
    array
        The rotated input; a `Volume` keeps its anatomy in place.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.rotate``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.rotate([[1, 2], [3, 4]], 90)
    array([[2, 4],
           [1, 3]])
    """
    call = Call("rotate", "warp", threads=threads)
    x = call.enter(input, "input", DTYPES)
    n = x.ndim
    plane = _plane(axes, n)
    check_order(order)
    cosine, sine = _cosine_and_sine(angle)
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    size = np.array([x.shape[a] for a in plane])
    new_size = size
    if reshape:
        corners = rotation @ [[0, 0, size[0], size[0]], [0, size[1], 0, size[1]]]
        new_size = (np.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (size - 1) / 2 - rotation @ ((new_size - 1) / 2)
    shape = list(x.shape)
    for a, m in zip(plane, new_size, strict=True):
        shape[a] = int(m)
    out = call.scipy_output(output, shape, x)
    front = plane + [a for a in range(n) if a not in plane]
    points = CoordinateMap(axes=2, offset=offset, matrix=rotation)
    _warp(call, x.transpose(front), out.transpose(front), points, order, mode, cval, prefilter)
    index_map = np.eye(max(n, 3) + 1)
    index_map[np.ix_(plane, plane)] = rotation
    index_map[plane, -1] = offset
    spatial = [0, 1, 2, -1]
    return call.leave(out, index_map=index_map[np.ix_(spatial, spatial)])


def _plane(axes: Sequence[Any], ndim: int) -> list[int]:
    """Return two axes in ascending order, or raise what scipy raises."""
    if ndim < 2:
        raise ValueError("input array should be at least 2D")
    plane = list(axes)
    if len(plane) != 2:
        raise ValueError("axes should contain exactly two values")
    if not all(float(a).is_integer() for a in plane):
        raise ValueError("axes should contain only integer values")
    plane = [int(a) + ndim if a < 0 else int(a) for a in plane]
    if not all(0 <= a < ndim for a in plane):
        raise ValueError("invalid rotation plane specified")
    return sorted(plane)


def _cosine_and_sine(angle: float) -> tuple[float, float]:
    """Return them for an angle in degrees, exact where they are 0 or 1."""
    quarters = math.floor(angle / 90.0 + 0.5)
    rest = math.radians(angle - 90.0 * quarters)
    cosine, sine = math.cos(rest), math.sin(rest)
    return ((cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine))[quarters % 4]


def _warp(
    call: Call,
    x: Array,
    out: Array,
    points: CoordinateMap,
    order: int,
    mode: str,
    cval: complex,
    prefilter: bool,
) -> None:
    boundary = interpolation_mode(mode)
    if out.size == 0:
        return
    if x.size == 0 and boundary not in (Boundary.constant, Boundary.grid_constant):
        raise ValueError("input must not be empty")
    for source, target, outside in call.parts(x, out, cval):
        if x.size == 0:
            with call.device():
                target[...] = outside
            continue
        options = WarpOptions(
            kernel=Interpolator(operator.index(order)),
            mode=boundary,
            cval=outside,
            prefilter=prefilter,
            float64=computes_in_float64(x, out),
        )
        call.run("warp", source, target, points, options)
