# SPDX-License-Identifier: Apache-2.0
"""Rank filters, drop-in for ``scipy.ndimage``: its values for every dtype."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import RankOptions
from .._runtime.backend import host_array
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, KERNEL_DTYPES, Array
from ._common import Call, known_mode, normalized_axes, samples_ahead, spread, unsupported, value_per_axis
from ._window import MAXIMUM, MINIMUM, extrema_job, warn_of_both, write_extrema


@documented
def rank_filter(
    input: ArrayLike,
    rank: int,
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
    """Replace each voxel by the sample of a given rank among its neighbours.

    Parameters
    ----------
    {real_input}
    rank : int
        0 for the smallest of the neighbours, -1 for the largest.
    {box_size}
    {footprint}
    {filter_output}
    {rank_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.rank_filter``.

    Notes
    -----
    The first and the last rank are `minimum_filter` and `maximum_filter`, as in scipy, and pass over a NaN.
    For the others it counts as larger than any number, and -0.0 as smaller than 0.0; scipy leaves both open.
    Extra memory: up to a megabyte per thread, more for windows of more than a thousand samples.

    Of a 1-D array scipy forgets the holes of a footprint, and compares uint64 as if it were int64. Both are
    right here.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.rank_filter([2, 8, 0, 4, 1, 9, 9, 0], rank=1, size=3)
    array([2, 2, 4, 1, 4, 9, 9, 0])
    """
    operator.index(rank)
    call = Call("rank_filter", "rank", threads=threads)
    return _run(call, input, lambda _: rank, size, footprint, output, mode, cval, origin, axes)


@documented
def median_filter(
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
    """Replace each voxel by the median of its neighbours; of an even number n, by that of rank n / 2.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {filter_output}
    {rank_modes}
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
    NaN, memory and the differences from scipy: see `rank_filter`.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.median_filter([2, 8, 0, 4, 1, 9, 9, 0], size=3)
    array([2, 2, 4, 1, 4, 9, 9, 0])
    """
    call = Call("median_filter", "rank", threads=threads)
    return _run(call, input, lambda n: n // 2, size, footprint, output, mode, cval, origin, axes)


@documented
def percentile_filter(
    input: ArrayLike,
    percentile: float,
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
    """Replace each voxel by a percentile of its neighbours: one of them, nothing is interpolated.

    Parameters
    ----------
    {real_input}
    percentile : float
        0 for the smallest of the neighbours, 100 for the largest; -20 means 80.
    {box_size}
    {footprint}
    {filter_output}
    {rank_modes}
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
    NaN, memory and the differences from scipy: see `rank_filter`.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.percentile_filter([2, 8, 0, 4, 1, 9, 9, 0], 20, size=5)
    array([2, 2, 1, 1, 1, 1, 0, 0])
    """
    call = Call("percentile_filter", "rank", threads=threads)

    def rank_of(n: int) -> int:
        share = percentile + 100.0 if percentile < 0.0 else percentile
        if not 0 <= share <= 100:
            raise RuntimeError("invalid percentile")
        return n - 1 if share == 100.0 else int(float(n) * share / 100.0)

    return _run(call, input, rank_of, size, footprint, output, mode, cval, origin, axes)


def _run(
    call: Call,
    input: ArrayLike,
    rank_of: Callable[[int], int],
    size: Any,
    footprint: Any,
    output: Any,
    mode: Any,
    cval: float,
    origin: Any,
    axes: Any,
) -> Any:
    warn_of_both(size, footprint)
    x = call.enter_real(input)
    chosen = normalized_axes(axes, x.ndim)
    window, flags = _window(size, footprint, len(chosen))
    sizes = window
    origins = value_per_axis(origin, len(chosen))
    per_axis = not isinstance(mode, str) and isinstance(mode, Iterable)
    modes = value_per_axis(mode, len(chosen))
    if len(chosen) < x.ndim:
        # As scipy has it: origins and modes follow `axes`, the axes of the window are taken in order.
        filtered = sorted(chosen)
        sizes = spread(sizes, filtered, x.ndim, 1)
        origins = spread(origins, chosen, x.ndim, 0)
        modes = spread(modes, chosen, x.ndim, "constant")
    before = [samples_ahead(n, operator.index(shift)) for n, shift in zip(sizes, origins, strict=True)]
    count = math.prod(sizes) if flags is None else int(flags.sum())
    rank = rank_of(count)
    rank += count if rank < 0 else 0
    if not 0 <= rank < count:
        raise RuntimeError("rank not within filter footprint size")
    if rank in (0, count - 1):
        counted = np.ones(window, bool) if flags is None else flags
        kind = MINIMUM if rank == 0 else MAXIMUM
        job = extrema_job(call, input, None, counted, output, mode, origin, axes)
        return call.leave(write_extrema(call, kind, cval, *job))
    if per_axis:
        raise RuntimeError("A sequence of modes is not supported by non-separable rank filters")

    out = call.scipy_output(output, x.shape, x)
    # Of a line scipy takes float16 as well, selects 64-bit integers as they are, and does not wrap cval.
    line = x.ndim == 1
    for array in (x, out):
        if array.dtype.char not in KERNEL_DTYPES and not (line and array.dtype.char == "e"):
            raise unsupported(array.dtype)
    options = RankOptions(
        size=sizes,
        before=before,
        mode=[FILTER_MODES[known_mode(m)] for m in modes],
        footprint=[] if flags is None else flags.ravel().tolist(),
        rank=rank,
        cval=math.ldexp(cval, 0),  # raises what scipy raises of what is no real number
        line=line,
    )
    call.run("rank", x, out, options)
    return call.leave(out)


def _window(size: Any, footprint: Any, n: int) -> tuple[list[int], Array | None]:
    """Return the size along each of ``n`` axes, and which samples count; None where all do."""
    flags = None
    if footprint is not None:
        flags = host_array(footprint, "footprint").astype(bool)
        sizes, rank = list(flags.shape), flags.ndim
    elif size is None:
        raise RuntimeError("no footprint or filter size provided")
    else:
        sizes, rank = [operator.index(s) for s in value_per_axis(size, n)], n
    if any(s < 0 for s in sizes):
        raise ValueError("negative dimensions are not allowed")
    if rank != n or 0 in sizes:
        raise RuntimeError(f"footprint.ndim ({rank}) must match len(axes) ({n})")
    return sizes, None if flags is None or flags.all() else flags
