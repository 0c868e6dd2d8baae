# SPDX-License-Identifier: Apache-2.0
"""Pooling to a size: torch.nn.functional's names, arguments and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core import PoolKind, PoolOptions
from .._runtime.call import Call
from .._runtime.texts import documented_by
from ._pool import enter_images, example_of, leave_pool, pool_outputs, views
from ._shapes import expanded, per_axis

_ADAPTIVE_AVG_POOL = """\
Parameters
----------
{images}
{output_size}
{images_out}
{threads}

Returns
-------
array
    The kind of ``input``, float32, in its memory order.

Raises
------
ArgumentError, ArgumentTypeError
    For anything the descriptions above do not allow.

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.arange({count}, dtype=np.float32).reshape({shape})
>>> vk.nn.adaptive_avg_pool{rank}d(x, 1)
array({mean}, dtype=float32)
"""

_ADAPTIVE_MAX_POOL = """\
Parameters
----------
{images}
{output_size}
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
    For anything the descriptions above do not allow.

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.arange({count}, dtype=np.float32).reshape({shape})
>>> vk.nn.adaptive_max_pool{rank}d(x, 1)
array({largest}, dtype=float32)
"""


@documented_by(_ADAPTIVE_AVG_POOL, **example_of(1))
def adaptive_avg_pool1d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of as many windows over the last axis as the result has samples."""
    return _adapted("adaptive_avg_pool1d", PoolKind.average, input, 1, output_size, out, threads)


@documented_by(_ADAPTIVE_AVG_POOL, **example_of(2))
def adaptive_avg_pool2d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of as many windows over the last two axes as the result has samples."""
    return _adapted("adaptive_avg_pool2d", PoolKind.average, input, 2, output_size, out, threads)


@documented_by(_ADAPTIVE_AVG_POOL, **example_of(3))
def adaptive_avg_pool3d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the mean of as many windows over the last three axes as the result has samples."""
    return _adapted("adaptive_avg_pool3d", PoolKind.average, input, 3, output_size, out, threads)


@documented_by(_ADAPTIVE_MAX_POOL, **example_of(1))
def adaptive_max_pool1d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of as many windows over the last axis as the result has samples."""
    return _adapted("adaptive_max_pool1d", PoolKind.max, input, 1, output_size, out, threads, return_indices)


@documented_by(_ADAPTIVE_MAX_POOL, **example_of(2))
def adaptive_max_pool2d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of as many windows over the last two axes as the result has samples."""
    return _adapted("adaptive_max_pool2d", PoolKind.max, input, 2, output_size, out, threads, return_indices)


@documented_by(_ADAPTIVE_MAX_POOL, **example_of(3))
def adaptive_max_pool3d(
    input: Any,
    output_size: int | Sequence[int | None] | None,
    return_indices: bool = False,
    *,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Take the largest sample of as many windows over the last three axes as the result has samples."""
    return _adapted("adaptive_max_pool3d", PoolKind.max, input, 3, output_size, out, threads, return_indices)


def _adapted(
    function: str,
    kind: PoolKind,
    input: Any,
    rank: int,
    output_size: int | Sequence[int | None] | None,
    out: Any,
    threads: int | None,
    return_indices: bool = False,
) -> Any:
    call = Call(function, "pool3d", threads=threads)
    x = enter_images(call, input, rank)
    wanted: Any = list(output_size) if isinstance(output_size, Sequence) else [output_size] * rank
    if len(wanted) == rank:
        wanted = [n if size is None else size for n, size in zip(x.shape[-rank:], wanted, strict=True)]
    counts = per_axis(wanted, rank, "output_size", least=0, absent=1)[-rank:]
    result, places = pool_outputs(call, x, x.shape[:-rank] + counts, out, return_indices)
    options = PoolOptions(kind=kind, adaptive=True)
    call.run("pool3d", expanded(x, rank), expanded(result, rank), views(places, rank), options)
    return leave_pool(call, result, places)
