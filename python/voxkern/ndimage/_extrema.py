# SPDX-License-Identifier: Apache-2.0
"""Minimum and maximum filters, drop-in for ``scipy.ndimage``: its bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike

from .._runtime.texts import documented
from .._runtime.validate import Array
from ._common import Call, normalized_axis
from ._window import MAXIMUM, MINIMUM, Window, box_of, extrema_job, write_extrema


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
    return call.leave(
        write_extrema(call, MINIMUM, cval, *_line(call, input, size, axis, output, mode, origin))
    )


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
    return call.leave(
        write_extrema(call, MAXIMUM, cval, *_line(call, input, size, axis, output, mode, origin))
    )


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
    return call.leave(write_extrema(call, MINIMUM, cval, *job))


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
    return call.leave(write_extrema(call, MAXIMUM, cval, *job))


def _line(
    call: Call, input: ArrayLike, size: int, axis: int, output: Any, mode: str, origin: int
) -> tuple[Array, Array, Window]:
    x = call.enter_real(input)
    axis = normalized_axis(axis, x.ndim)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    out = call.scipy_output(output, x.shape, x)
    return x, out, Window([box_of(size, axis, mode, origin)])
