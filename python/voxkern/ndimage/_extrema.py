# SPDX-License-Identifier: Apache-2.0
"""Minimum and maximum filters, drop-in for ``scipy.ndimage``: its bits."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import ExtremumKind, ExtremumResidue, ExtremumWindow
from .._runtime.backend import host_array
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, KERNEL_DTYPES, Array
from ._common import Call, known_mode, normalized_axes, normalized_axis, value_per_axis

MINIMUM, MAXIMUM = ExtremumKind.minimum, ExtremumKind.maximum


@documented
def minimum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    *,
    threads: int | None = None,
) -> Any:
    """Replace each sample by the smallest of ``size`` neighbours along one axis.

    Parameters
    ----------
    {real_input}
    {window_size}
    {axis}
    {filter_output}
    {filter_mode}
    {filter_cval}
    {origin}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.minimum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([2, 0, 0, 0, 1, 1, 0, 0])
    """
    call = Call("minimum_filter1d", "extrema1d", threads=threads)
    return run_extrema(call, MINIMUM, cval, *_line(call, input, size, axis, output, mode, origin))


@documented
def maximum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
    *,
    threads: int | None = None,
) -> Any:
    """Replace each sample by the largest of ``size`` neighbours along one axis.

    Parameters
    ----------
    {real_input}
    {window_size}
    {axis}
    {filter_output}
    {filter_mode}
    {filter_cval}
    {origin}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.maximum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([8, 8, 8, 4, 9, 9, 9, 9])
    """
    call = Call("maximum_filter1d", "extrema1d", threads=threads)
    return run_extrema(call, MAXIMUM, cval, *_line(call, input, size, axis, output, mode, origin))


@documented
def minimum_filter(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Replace each voxel by the smallest of its neighbours: those of a box, or of a footprint.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Notes
    -----
    A NaN is passed over; scipy leaves open what becomes of it. The cost of a box does not grow with its
    size. Extra memory: a few hundred kilobytes per thread, more for windows larger than that.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.minimum_filter(np.arange(9).reshape(3, 3), size=2)
    array([[0, 0, 1],
           [0, 0, 1],
           [3, 3, 4]])
    """
    call = Call("minimum_filter", "extrema1d", threads=threads)
    job = extrema_job(call, input, size, footprint, output, mode, origin, axes)
    return run_extrema(call, MINIMUM, cval, *job)


@documented
def maximum_filter(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Replace each voxel by the largest of its neighbours: those of a box, or of a footprint.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Notes
    -----
    A NaN is passed over; scipy leaves open what becomes of it. The cost of a box does not grow with its
    size. Extra memory: a few hundred kilobytes per thread, more for windows larger than that.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.maximum_filter([2, 8, 0, 4, 1, 9, 9, 0], footprint=[1, 0, 1])
    array([8, 2, 8, 1, 9, 9, 9, 9])
    """
    call = Call("maximum_filter", "extrema1d", threads=threads)
    job = extrema_job(call, input, size, footprint, output, mode, origin, axes)
    return run_extrema(call, MAXIMUM, cval, *job)


def entered(call: Call, input: ArrayLike) -> Array:
    """Return the input; complex numbers have no order."""
    x = call.enter(input, "input", None)
    if x.dtype.kind == "c":
        raise TypeError("Complex type not supported")
    return x


def _check_origin(size: int, origin: int) -> None:
    if not 0 <= size // 2 + origin < size:
        raise ValueError("invalid origin")


def _box(size: int, axis: int, mode: str, origin: int) -> ExtremumWindow:
    _check_origin(size, origin)
    return ExtremumWindow(
        axis=axis,
        size=operator.index(size),
        origin=operator.index(origin),
        mode=FILTER_MODES[known_mode(mode)],
    )


class Window(NamedTuple):
    """The neighbours of a sample that count: boxes, one after the other, or a footprint, flat or raised."""

    boxes: list[ExtremumWindow]
    footprint: Any = None
    heights: Any = None


Job = tuple[Array, Array, Window]  # input, output


def _line(call: Call, input: ArrayLike, size: int, axis: int, output: Any, mode: str, origin: int) -> Job:
    x = entered(call, input)
    axis = normalized_axis(axis, x.ndim)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    out = call.scipy_output(output, x.shape, x)
    return x, out, Window([_box(size, axis, mode, origin)])


def extrema_job(
    call: Call, input: ArrayLike, size: Any, footprint: Any, output: Any, mode: Any, origin: Any, axes: Any
) -> Job:
    """Return what `run_extrema` takes for a box or a footprint."""
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=3)
    if size is None and footprint is None:
        raise RuntimeError("no footprint provided")
    x = entered(call, input)
    window = window_of(x.ndim, size, footprint, None, mode, origin, axes)
    return x, call.scipy_output(output, x.shape, x), window


def window_of(
    ndim: int, size: Any, footprint: Any, structure: Any, mode: Any, origin: Any, axes: Any
) -> Window:
    """Return the window that scipy's arguments name. A structure of zeros is a footprint."""
    chosen = normalized_axes(axes, ndim)
    if footprint is not None:
        footprint = host_array(footprint, "footprint").astype(bool)
        if not footprint.any():
            raise ValueError("All-zero footprint is not supported.")
    if structure is not None:
        heights = np.array(host_array(structure, "structure"), np.float64, order="C")
        footprint = np.ones(heights.shape, bool) if footprint is None else footprint
        window = _footprint(ndim, footprint, mode, origin, chosen)
        if heights.shape != footprint.shape:
            raise RuntimeError("structure array has incorrect shape")
        return window._replace(heights=heights if heights.any() else None)
    if footprint is not None and not footprint.all():
        return _footprint(ndim, footprint, mode, origin, chosen)
    given = size if footprint is None else footprint.shape
    origins, sizes, modes = (value_per_axis(value, len(chosen)) for value in (origin, given, mode))
    places = zip(chosen, sizes, origins, modes, strict=True)
    return Window([_box(int(s), axis, m, o) for axis, s, o, m in places if s > 1])


def _footprint(ndim: int, footprint: Any, mode: Any, origin: Any, axes: tuple[int, ...]) -> Window:
    """Return the window with an axis for each of the array's."""
    origins = value_per_axis(origin, len(axes))
    if footprint.ndim != len(axes) or footprint.size == 0:
        raise RuntimeError(f"footprint.ndim ({footprint.ndim}) must match len(axes) ({len(axes)})")
    if len(axes) < ndim:  # as scipy has it: the footprint's axes are taken in order, the origins as given
        given = dict(zip(axes, origins, strict=True))
        origins = [given.get(axis, 0) for axis in range(ndim)]
        footprint = np.expand_dims(footprint, tuple(axis for axis in range(ndim) if axis not in axes))
    for size, shift in zip(footprint.shape, origins, strict=True):
        _check_origin(size, shift)
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError("A sequence of modes is not supported for non-separable footprints")
    boxes = [
        _box(size, axis, mode, shift)
        for axis, (size, shift) in enumerate(zip(footprint.shape, origins, strict=True))
    ]
    return Window(boxes, np.asarray(footprint, order="C").view(np.uint8))


def run_extrema(call: Call, kind: ExtremumKind, cval: float, x: Array, out: Array, window: Window) -> Any:
    """Return the smallest or the largest sample of a window around each."""
    write_extrema(call, kind, cval, x, out, window)
    return call.leave(out)


def write_extrema(
    call: Call,
    kind: ExtremumKind,
    cval: float,
    x: Array,
    out: Array,
    window: Window,
    residue: ExtremumResidue = ExtremumResidue.none,
    a: Array | None = None,
    b: Array | None = None,
) -> None:
    """Write the smallest or the largest sample of a window around each, or a residue of it."""
    boxes, footprint, heights = window
    if not boxes and footprint is None:
        out[...] = x
        return
    cval = math.ldexp(cval, 0)  # raises what scipy raises of what is no real number
    for array in (x, out):
        if array.dtype.char not in KERNEL_DTYPES:
            of = f" {array.dtype!r}" if footprint is None else ""
            raise RuntimeError(f"array type{of} not supported")
    call.run("extrema1d", x, out, kind, boxes, footprint, heights, cval, residue, a, b)
