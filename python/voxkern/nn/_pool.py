# SPDX-License-Identifier: Apache-2.0
"""Pooling over windows of one size: torch.nn.functional's names, arguments and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import PoolKind, PoolOptions
from .._runtime import validate
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented_by
from .._runtime.validate import Array
from ._shapes import FLOAT32, PerAxis, enter, expanded, per_axis

_MAX_POOL = """\
Parameters
----------
{images}
{kernel_size}
{window_stride}
{window_padding}
{window_dilation}
{ceil_mode}
{return_indices}
{images_out}
{threads}

Returns
-------
array
    The kind of ``input``, float32, in its memory order.

Raises
------
ArgumentError, ArgumentTypeError
    For anything the descriptions above do not allow, and where no window fits.

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.arange({count}, dtype=np.float32).reshape({shape})
>>> vk.nn.max_pool{rank}d(x, 2)
array({largest}, dtype=float32)
"""

_AVG_POOL = """\
Parameters
----------
{images}
{kernel_size}
{window_stride}
{window_padding}
{ceil_mode}
{count_include_pad}
{divisor_override}
{images_out}
{threads}

Returns
-------
array
    The kind of ``input``, float32, in its memory order.

Raises
------
ArgumentError, ArgumentTypeError
    For anything the descriptions above do not allow, and where no window fits.

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.arange({count}, dtype=np.float32).reshape({shape})
>>> vk.nn.avg_pool{rank}d(x, 2)
array({mean}, dtype=float32)
"""


def example_of(rank: int) -> dict[str, str]:
    """Return the words of a docstring's example with so many spatial axes."""
    count = 2**rank
    return {
        "rank": str(rank),
        "count": str(count),
        "shape": ", ".join(["1"] + ["2"] * rank),
        "largest": "[" * (rank + 1) + f"{count - 1}." + "]" * (rank + 1),
        "mean": "[" * (rank + 1) + f"{(count - 1) / 2}" + "]" * (rank + 1),
    }


@documented_by(_MAX_POOL, **example_of(1))
def max_pool1d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of each window over the last axis; NaN counts as the largest."""
    settings = _windows(1, kernel_size, stride, padding, dilation)
    return _pooled("max_pool1d", PoolKind.max, input, 1, settings, ceil_mode, out, threads, return_indices)


@documented_by(_MAX_POOL, **example_of(2))
def max_pool2d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of each window over the last two axes; NaN counts as the largest."""
    settings = _windows(2, kernel_size, stride, padding, dilation)
    return _pooled("max_pool2d", PoolKind.max, input, 2, settings, ceil_mode, out, threads, return_indices)


@documented_by(_MAX_POOL, **example_of(3))
def max_pool3d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of each window over the last three axes; NaN counts as the largest."""
    settings = _windows(3, kernel_size, stride, padding, dilation)
    return _pooled("max_pool3d", PoolKind.max, input, 3, settings, ceil_mode, out, threads, return_indices)


@documented_by(_AVG_POOL.replace("{divisor_override}\n", ""), **example_of(1))
def avg_pool1d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of each window over the last axis."""
    settings = _windows(1, kernel_size, stride, padding) | _average(count_include_pad, None)
    return _pooled("avg_pool1d", PoolKind.average, input, 1, settings, ceil_mode, out, threads)


@documented_by(_AVG_POOL, **example_of(2))
def avg_pool2d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of each window over the last two axes."""
    settings = _windows(2, kernel_size, stride, padding) | _average(count_include_pad, divisor_override)
    return _pooled("avg_pool2d", PoolKind.average, input, 2, settings, ceil_mode, out, threads)


@documented_by(_AVG_POOL, **example_of(3))
def avg_pool3d(
    input: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of each window over the last three axes."""
    settings = _windows(3, kernel_size, stride, padding) | _average(count_include_pad, divisor_override)
    return _pooled("avg_pool3d", PoolKind.average, input, 3, settings, ceil_mode, out, threads)


def _windows(
    rank: int, kernel_size: PerAxis, stride: PerAxis | None, padding: PerAxis, dilation: PerAxis = 1
) -> dict[str, Any]:
    """Return the checked windows as the kernel's settings."""
    kernel = per_axis(kernel_size, rank, "kernel_size", least=1, absent=1)
    if stride is None or (isinstance(stride, Sequence) and not stride):  # torch takes an empty list, too
        given = kernel
    else:
        given = per_axis(stride, rank, "stride", least=1, absent=1)
    padded = per_axis(padding, rank, "padding", least=0, absent=0)
    dilated = per_axis(dilation, rank, "dilation", least=1, absent=1)
    for p, k, d in zip(padded, kernel, dilated, strict=True):
        if p > ((k - 1) * d + 1) // 2:
            raise ArgumentError(
                f"padding: got {shown(padding)}, allowed at most half of a window of {shown(kernel_size)}"
            )
    return {"kernel": kernel, "stride": given, "padding": padded, "dilation": dilated}


def _average(count_include_pad: bool, divisor_override: int | None) -> dict[str, Any]:
    """Return what averages divide by, as the kernel's settings; a divisor of 0 is none."""
    divisor = 0 if divisor_override is None else validate.whole_number(divisor_override, "divisor_override")
    if divisor_override is not None and divisor == 0:
        raise ArgumentError("divisor_override: got 0, allowed None or another number")
    return {"count_include_pad": validate.flag(count_include_pad, "count_include_pad"), "divisor": divisor}


def _count(n: int, window: tuple[int, ...], ceil_mode: bool) -> int:
    """Return how many windows there are along an axis of n samples: torch's rule."""
    kernel, stride, padding, dilation = window
    last = n + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil_mode else 0)
    count = last // stride + 1
    if ceil_mode and (count - 1) * stride >= n + padding:
        count -= 1
    return count


def _pooled(
    function: str,
    kind: PoolKind,
    input: Any,
    rank: int,
    settings: dict[str, Any],
    ceil_mode: bool,
    out: Any,
    threads: int | None,
    return_indices: bool = False,
) -> Any:
    ceil_mode = validate.flag(ceil_mode, "ceil_mode")
    call = Call(function, "pool3d", threads=threads)
    x = enter_images(call, input, rank)
    axes = zip(*(settings[name][-rank:] for name in ("kernel", "stride", "padding", "dilation")), strict=True)
    counts = tuple(_count(n, axis, ceil_mode) for n, axis in zip(x.shape[-rank:], axes, strict=True))
    if min(counts) < 1:
        raise ArgumentError(f"kernel_size: got no window on {x.shape[-rank:]} samples, allowed one or more")
    result, places = pool_outputs(call, x, x.shape[:-rank] + counts, out, return_indices)
    options = PoolOptions(kind=kind, **settings)
    call.run("pool3d", expanded(x, rank), expanded(result, rank), views(places, rank), options)
    return leave_pool(call, result, places)


def pool_outputs(
    call: Call, x: Array, shape: tuple[int, ...], out: Any, return_indices: bool
) -> tuple[Array, Array | None]:
    """Return where results go, and their places where these are wanted."""
    return_indices = validate.flag(return_indices, "return_indices")
    result = call.output(out, shape, x, dtypes=FLOAT32)
    return result, call.empty(shape, np.int64, x) if return_indices else None


def views(places: Array | None, rank: int) -> Array | None:
    """Return places on the axes of the kernel."""
    return None if places is None else expanded(places, rank)


def leave_pool(call: Call, result: Array, places: Array | None) -> Any:
    """Return the results, or a pair of them and their places."""
    left = call.leave(result)
    return left if places is None else (left, call.leave(places))


def enter_images(call: Call, input: Any, rank: int) -> Array:
    """Return an array (C, ...) or (N, C, ...) with samples along its ``rank`` spatial axes."""
    x = enter(call, input, "input", rank)
    if 0 in x.shape[-rank:]:
        raise ArgumentError(f"input: got shape {x.shape}, allowed at least one sample along spatial axes")
    return x
