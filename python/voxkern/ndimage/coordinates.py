# SPDX-License-Identifier: Apache-2.0
"""Spline interpolation anywhere, drop-in for ``scipy.ndimage``: affine maps, rotations, given coordinates."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._runtime import validate
from .._space import geometry
from .._space.volume import Volume
from ._common import Array, as_input, as_output, per_axis
from .interpolation import boundary_of, check_order, placed_on_axes, real_parts, sample_on_axes, target_for


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
    input : array_like
        Bool, integer, float32, float64 or complex; any number of axes up to 8, any memory order.
    coordinates : array_like
        (axes of ``input``, ...): where each element of the result is looked up.
    output : array or dtype, optional
        Where to write, or the dtype of the result; integers are rounded half away from zero.
    order : int
        Spline order, 0 to 5.
    mode : {"constant", "nearest", "mirror", "reflect", "wrap", "grid-..."}
        What lies beyond the array.
    cval : float
        Value outside for ``constant``.
    prefilter : bool
        False: ``input`` holds spline coefficients already.
    threads : int, optional
        Default: see `voxkern.set_num_threads`.

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
    array = as_input(input)
    points = np.asarray(coordinates)
    if np.iscomplexobj(points):
        raise TypeError("Complex type not supported")
    shape = points.shape[1:]
    if array.ndim < 1 or len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    if points.shape[0] != array.ndim:
        raise RuntimeError("invalid shape for coordinate array")
    if points.dtype.char not in validate.KERNEL_DTYPES:
        points = points.astype(np.float64)
    points = validate.kernel_array(points, "coordinates")
    out = as_output(array, output, shape)
    _warp(array, out, None, None, points, order, mode, cval, prefilter, threads)
    return out


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
    input, output, order, mode, cval, prefilter, threads
        As in `map_coordinates`.
    mapping : callable
        Takes the indices of an element of the result as a tuple; returns the coordinates to look it up at.
        It is called once per element: where it can be written for arrays, `map_coordinates` is far faster.
    output_shape : tuple of int, optional
        Default: shape of ``input``.
    extra_arguments, extra_keywords
        Passed on to ``mapping``.

    Returns
    -------
    array
        Of ``output_shape``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.geometric_transform``; a ``LowLevelCallable`` is not taken.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.geometric_transform([0.0, 1.0, 2.0, 3.0], lambda i: (3 - i[0],), order=1)
    array([3., 2., 1., 0.])
    """
    check_order(order)
    array = as_input(input)
    shape = array.shape if output_shape is None else tuple(output_shape)
    if array.ndim < 1 or len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    if not callable(mapping):
        raise TypeError("mapping: allowed a Python function")
    keywords = dict(extra_keywords or {})
    indices = itertools.product(*(range(n) for n in shape))
    found = [mapping(index, *extra_arguments, **keywords) for index in indices]
    points = np.asarray(found, dtype=np.float64).reshape(-1, array.ndim).T.reshape(array.ndim, *shape)
    out = as_output(array, output, shape)
    _warp(array, out, None, None, points, order, mode, cval, prefilter, threads)
    return out


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
    input, output, order, mode, cval, prefilter, threads
        As in `map_coordinates`.
    matrix : (n,), (n, m), (n, n+1) or (n+1, n+1) array_like
        Output index -> input coordinate: factors of the axes, a matrix, or homogeneous.
    offset : float or sequence
        Added to the coordinates.
    output_shape : tuple of int, optional
        Default: shape of ``output`` if that is an array, else of ``input``.

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
    array = as_input(input)
    if output_shape is None:
        output_shape = output.shape if isinstance(output, np.ndarray) else array.shape
    shape = tuple(output_shape)
    if array.ndim < 1 or len(shape) < 1:
        raise RuntimeError("input and output rank must be > 0")
    linear = np.asarray(matrix, dtype=np.float64)
    n = array.ndim
    if linear.ndim not in (1, 2) or linear.shape[0] < 1:
        raise RuntimeError("no proper affine matrix provided")
    if linear.ndim == 2 and linear.shape[1] == n + 1 and linear.shape[0] in (n, n + 1):
        if linear.shape[0] == n + 1 and not np.array_equal(linear[n], [0] * n + [1]):
            raise ValueError(
                f"Expected homogeneous transformation matrix with shape {linear.shape} for image shape "
                f"{array.shape}, but bottom row was not equal to {[0] * n + [1]}"
            )
        offset = linear[:n, n].tolist()
        linear = linear[:n, :n]
    if linear.shape[0] != n:
        raise RuntimeError("affine matrix has wrong number of rows")
    if linear.ndim == 2 and linear.shape[1] != len(shape):
        raise RuntimeError("affine matrix has wrong number of columns")
    shift = np.asarray(per_axis(offset, n), dtype=np.float64)
    if shift.ndim != 1:
        raise RuntimeError("no proper offset provided")
    if linear.ndim == 1:
        warnings.warn(
            "The behavior of affine_transform with a 1-D array supplied for the matrix parameter has changed "
            "in SciPy 0.18.0.",
            stacklevel=2,
        )
        if len(shape) != n:
            raise RuntimeError("input and output rank must be equal")
        with np.errstate(divide="ignore", invalid="ignore"):
            before = shift / linear
        points = [(np.arange(m) + b) * f for m, b, f in zip(shape, before, linear, strict=True)]
        out = sample_on_axes(array, points, output, order, mode, cval, prefilter, threads)
        return placed_on_axes(input, out, linear.tolist(), shift.tolist())
    out = as_output(array, output, shape)
    _warp(array, out, shift, linear, None, order, mode, cval, prefilter, threads)
    if not isinstance(input, Volume) or linear.shape != (n, n):
        return out
    return (
        input.with_data(out, input.affine @ geometry.homogeneous(linear, shift))
        if n == 3
        else input.with_data(out)
    )


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
    input, output, order, mode, cval, prefilter, threads
        As in `map_coordinates`.
    angle : float
        Degrees; multiples of 90 are exact.
    axes : (int, int)
        The plane.
    reshape : bool
        Let the result have room for all of the input.

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
    array = as_input(input)
    n = array.ndim
    if n < 2:
        raise ValueError("input array should be at least 2D")
    plane = list(axes)
    if len(plane) != 2:
        raise ValueError("axes should contain exactly two values")
    if not all(float(a).is_integer() for a in plane):
        raise ValueError("axes should contain only integer values")
    plane = [int(a) + n if a < 0 else int(a) for a in plane]
    if not all(0 <= a < n for a in plane):
        raise ValueError("invalid rotation plane specified")
    check_order(order)
    plane.sort()
    cosine, sine = _cosine_and_sine(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    size = np.array([array.shape[a] for a in plane])
    turned = size
    if reshape:
        corners = turn @ [[0, 0, size[0], size[0]], [0, size[1], 0, size[1]]]
        turned = (np.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (size - 1) / 2 - turn @ ((turned - 1) / 2)
    shape = list(array.shape)
    for a, m in zip(plane, turned, strict=True):
        shape[a] = int(m)
    out = as_output(array, output, shape)
    order_of_axes = plane + [a for a in range(n) if a not in plane]
    _warp(array.transpose(order_of_axes), out.transpose(order_of_axes), offset, turn, None, order, mode, cval,
          prefilter, threads)  # fmt: skip
    if not isinstance(input, Volume):
        return out
    index_map = np.eye(max(n, 3) + 1)
    index_map[np.ix_(plane, plane)] = turn
    index_map[plane, -1] = offset
    keep = [0, 1, 2, -1]
    return input.with_data(out, input.affine @ index_map[np.ix_(keep, keep)])


def _cosine_and_sine(angle: float) -> tuple[float, float]:
    """Return them for an angle in degrees, exact where they are 0 or 1."""
    quarters = math.floor(angle / 90.0 + 0.5)
    rest = math.radians(angle - 90.0 * quarters)
    cosine, sine = math.cos(rest), math.sin(rest)
    return ((cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine))[quarters % 4]


def _warp(
    array: Array,
    out: Array,
    offset: NDArray[np.float64] | None,
    matrix: NDArray[np.float64] | None,
    points: Array | None,
    order: int,
    mode: str,
    cval: complex,
    prefilter: bool,
    threads: int | None,
) -> None:
    """Interpolate at an affine map (of the first axes of both) or at given points."""
    boundary = boundary_of(mode)
    axes = array.ndim if matrix is None else matrix.shape[0]
    if out.size == 0:
        return
    if array.size == 0:
        raise ValueError("input must not be empty")
    target = target_for(array, out)
    # Integers in float64, as scipy: their rounding would show the difference.
    wide = array.dtype.kind not in "fc" or out.dtype.kind not in "fc"
    count = validate.thread_count(threads)
    kernel = _core.Interpolator(order)
    to_input = _core.CoordinateMap(axes=axes, offset=offset, matrix=matrix, field=points)
    for part, real in real_parts(out):
        options = _core.WarpOptions(
            kernel=kernel, mode=boundary, cval=real(cval), prefilter=prefilter, float64=wide
        )
        _core.warp(part(array), part(target), to_input, options, count)
    if target is not out:
        out[...] = target
