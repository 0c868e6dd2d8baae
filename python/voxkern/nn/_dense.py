# SPDX-License-Identifier: Apache-2.0
"""Fully connected layers, softmax and argmax: torch's names, arguments and answers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, flag
from ._shapes import FLOAT32

_INDICES = frozenset(c for c in "lq" if np.dtype(c).itemsize == 8)


@documented
def linear(input: Any, weight: Any, bias: Any = None, *, out: Any = None, threads: int | None = None) -> Any:
    """Multiply by a matrix and shift: ``input @ weight.T + bias``.

    Parameters
    ----------
    input : (..., K) array
        ``float32``, one axis or more, any memory order.
    weight : (N, K) array
        ``float32``.
    bias : (N,) array, optional
        ``float32``.
    {images_out}
    {threads}

    Returns
    -------
    (..., N) array
        The kind of ``input``, float32. Extra memory: a copy of ``weight`` where ``input`` has over 96 rows.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> weight = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    >>> vk.nn.linear(np.array([1, 10], np.float32), weight)
    array([21., 43., 65.], dtype=float32)
    """
    call = Call("linear", "dense", threads=threads)
    x = _enter(call, input)
    if x.ndim == 0:
        raise ArgumentError("input: got shape (), allowed one axis or more")
    matrix = call.enter(weight, "weight", FLOAT32)
    if matrix.ndim != 2 or matrix.shape[1] != x.shape[-1]:
        raise ArgumentError(f"weight: got shape {matrix.shape}, allowed (N, {x.shape[-1]}) for {x.shape}")
    shift = None if bias is None else call.enter(bias, "bias", FLOAT32)
    if shift is not None and shift.shape != matrix.shape[:1]:
        raise ArgumentError(f"bias: got shape {shift.shape}, allowed {matrix.shape[:1]} as rows of weight")
    result = call.output(out, x.shape[:-1] + matrix.shape[:1], x, dtypes=FLOAT32)
    call.run("dense", x, matrix, shift, result)
    return call.leave(result)


@documented
def softmax(input: Any, dim: int, *, out: Any = None, threads: int | None = None) -> Any:
    """Divide ``exp(input)`` by its sum along an axis.

    Parameters
    ----------
    {samples}
    dim : int
        The axis; may count from the end.
    {images_out}
    {threads}

    Returns
    -------
    array
        The kind of ``input``, float32, in its memory order. Exponentials are right to two units of their last
        digit. A line with NaN or infinity, or of minus infinity alone, is NaN.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.softmax(np.array([[0, 0], [0, np.log(3)]], np.float32), 1).round(3)
    array([[0.5 , 0.5 ],
           [0.25, 0.75]], dtype=float32)
    """
    call = Call("softmax", "softmax", threads=threads)
    x = _enter(call, input)
    axis = _axis(dim, _lines(x))
    result = call.output(out, x.shape, x, dtypes=FLOAT32)
    call.run("softmax", _lines(x), _lines(result), axis)
    return call.leave(result)


@documented
def argmax(
    input: Any, dim: int, keepdim: bool = False, *, out: Any = None, threads: int | None = None
) -> Any:
    """Tell where the largest sample along an axis is, the first of equals; NaN counts as the largest.

    Parameters
    ----------
    {samples}
    dim : int
        The axis; may count from the end.
    keepdim : bool
        Keep the axis, with one sample.
    out : array, optional
        Where to write: int64 in the shape of the result, no memory shared with the input.
    {threads}

    Returns
    -------
    array
        The kind of ``input``, int64.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow, and where the axis is empty.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.argmax(np.array([[1, 5, 5], [3, 2, 1]], np.float32), 1)
    array([1, 0])
    """
    keepdim = flag(keepdim, "keepdim")
    call = Call("argmax", "argmax", threads=threads)
    x = _enter(call, input)
    lines = _lines(x)
    axis = _axis(dim, lines)
    if lines.shape[axis] == 0:
        raise ArgumentError(f"input: got shape {x.shape}, allowed at least one sample along axis {axis}")
    kept = (1,) if keepdim and x.ndim > 0 else ()
    shape = lines.shape[:axis] + kept + lines.shape[axis + 1 :]
    result = call.output(out, shape, x, dtype=np.int64, dtypes=_INDICES)
    call.run("argmax", lines, result if kept else result[(slice(None),) * axis + (None,)], axis)
    return call.leave(result)


def _enter(call: Call, input: Any) -> Array:
    if is_volume(input):
        raise ArgumentTypeError("input: got a Volume, allowed arrays: its data")
    return call.enter(input, "input", FLOAT32)


def _lines(x: Array) -> Array:
    """Return a view with one axis at least: a number is a line of one sample."""
    return x if x.ndim > 0 else x[None]


def _axis(dim: int, x: Array) -> int:
    try:
        axis = operator.index(dim)
    except TypeError:
        raise ArgumentTypeError(f"dim: got {shown(dim)}, allowed an int") from None
    if not -x.ndim <= axis < x.ndim:
        raise ArgumentError(f"dim: got {axis}, allowed {-x.ndim} to {x.ndim - 1}")
    return axis % x.ndim
