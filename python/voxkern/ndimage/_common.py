# SPDX-License-Identifier: Apache-2.0
"""What scipy.ndimage's functions have in common: inputs, axes, modes, outputs, exceptions."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._runtime import backend, validate
from .._space.volume import Volume

Array = NDArray[Any]


def as_input(x: Any) -> Array:
    """Return an array the kernels read in place, or raise what scipy raises."""
    data = x.data if isinstance(x, Volume) else x
    if backend.is_gpu_array(data):
        backend.require_cuda("input")
    array = np.asarray(data)
    if array.dtype.kind == "c" and array.dtype.itemsize <= 16:
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.char not in validate.KERNEL_DTYPES:
        kind = RuntimeError if array.dtype.kind in "biufc" else TypeError
        raise kind(f"array type {array.dtype!r} not supported")
    return validate.kernel_array(array, "input")


def one_axis(axis: int, ndim: int) -> int:
    """Return a non-negative axis."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def several_axes(axes: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return distinct non-negative axes; None means all."""
    if axes is None:
        return tuple(range(ndim))
    if np.isscalar(axes):
        chosen: tuple[Any, ...] = (operator.index(axes),)  # type: ignore[arg-type]
    else:
        chosen = tuple(operator.index(a) for a in axes)  # type: ignore[union-attr]
    for axis in chosen:
        one_axis(axis, ndim)
    result = tuple(axis % ndim for axis in chosen)
    if len(set(result)) != len(result):
        raise ValueError("axes must be unique")
    return result


def filter_mode(mode: str) -> Any:
    """Return the boundary filters mean by ``mode``."""
    try:
        return validate.FILTER_MODES[mode]
    except (KeyError, TypeError):
        raise RuntimeError("boundary mode not supported") from None


def per_axis(value: Any, n: int) -> list[Any]:
    """Return one value per axis."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * n
    values = list(value)
    if len(values) != n:
        raise RuntimeError("sequence argument must have length equal to input rank")
    return values


def as_output(array: Array, output: Any, shape: Sequence[int] | None = None) -> Array:
    """Return the array to write to: the one given, or a new one of the dtype given."""
    shape = array.shape if shape is None else tuple(shape)
    if output is None:
        return np.empty(shape, array.dtype)
    if isinstance(output, np.ndarray):
        if output.shape != shape:
            raise RuntimeError("output shape not correct")
        if array.dtype.kind == "c" and output.dtype.kind != "c":
            raise RuntimeError("output must have complex dtype")
        return output
    dtype: DTypeLike = np.dtype(output)
    if array.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        dtype = np.promote_types(array.dtype, np.dtype(dtype))
    return np.empty(shape, dtype)
