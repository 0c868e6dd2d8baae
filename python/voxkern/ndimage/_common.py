# SPDX-License-Identifier: Apache-2.0
"""What scipy.ndimage's functions have in common: its axes, modes, outputs and exceptions."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core import Boundary
from .._runtime import call
from .._runtime.backend import is_array
from .._runtime.validate import FILTER_MODES, INTERPOLATION_MODES, KERNEL_DTYPES, Array

DTYPES = KERNEL_DTYPES | frozenset("FD")


class Call(call.Call):
    """A call that raises scipy's exceptions and takes its ``output``: an array or a dtype."""

    def _check_dtype(self, dtype: np.dtype[Any], name: str, dtypes: frozenset[str]) -> None:
        if dtype.char not in dtypes:
            raise unsupported(dtype)

    def enter_real(self, x: Any, name: str = "input", dtypes: frozenset[str] | None = None) -> Array:
        """Return an argument where complex numbers have no meaning."""
        array = self.enter(x, name, dtypes)
        if array.dtype.kind == "c":
            raise TypeError("Complex type not supported")
        return array

    def scipy_output(
        self,
        output: Any,
        shape: Sequence[int],
        like: Array,
        *,
        in_place: bool = False,
        is_complex: bool = False,
    ) -> Array:
        """Return where the kernel writes: ``output``, a new array in C order, or one that is copied back."""
        shape = tuple(shape)
        is_complex = is_complex or like.dtype.kind == "c"
        if output is None and not is_complex:
            return self.empty(shape, like.dtype)
        if output is None or not is_array(output):
            dtype = _output_dtype(output, like.dtype, is_complex)
            fresh = self.empty(shape, dtype)
            if dtype.isnative:
                return fresh
            output = fresh
        array = self._given(output, "output")
        if array.shape != shape:
            raise RuntimeError("output shape not correct")
        if is_complex and array.dtype.kind != "c":
            raise RuntimeError("output must have complex dtype")
        shared = any(self.overlap(x, array) and not (in_place and self._same(x, array)) for x in self._inputs)
        return self._writable(output, array, call.is_plain(array) and not shared)

    def parts(
        self, x: Array, out: Array, cval: complex = 0.0, filters: Iterable[Any] | None = None
    ) -> Iterator[tuple[Array, Array, float]]:
        """Return what kernels take, if they can write the dtype of the output.

        With ``filters`` complex numbers are one more axis of two, unless the filters need ``cval`` by parts.
        """
        self._check_dtype(out.dtype, "output", DTYPES)
        if x.dtype.kind != "c":
            cval = math.ldexp(cval, 0)  # type: ignore[arg-type]  # raises what scipy raises of a complex number
        if out.dtype.kind != "c":
            return iter(((x, out, cval),))  # type: ignore[arg-type]
        parts = super().parts(x, out, cval)
        if filters is None or x.dtype.kind != "c" or self.on_device:
            return parts
        if np.real(cval) != np.imag(cval) and any(f.mode == Boundary.constant for f in filters):
            return parts
        real, target, outside = next(parts)
        return iter(((x[..., None].view(real.dtype), out[..., None].view(target.dtype), outside),))

    def _same(self, x: Array, out: Array) -> bool:
        return x.dtype == out.dtype and x.strides == out.strides and self.address(x) == self.address(out)


def unsupported(dtype: np.dtype[Any], name: str | None = None) -> Exception:
    """Return what scipy raises of a dtype it has no code for; of words and records it has no name."""
    kind = TypeError if dtype.kind in "USV" else RuntimeError
    return kind(f"array type{f' {dtype!r}' if name is None else name} not supported")


def _output_dtype(output: Any, input: np.dtype[Any], is_complex: bool) -> np.dtype[Any]:
    """Return the dtype that ``output`` asks for, made complex where the result is."""
    if output is None:
        return np.promote_types(input, np.complex64) if is_complex else input
    dtype: np.dtype[Any] = np.dtype(output)
    if is_complex and dtype.kind != "c":
        if isinstance(output, str):
            raise RuntimeError("output must have complex dtype")
        warnings.warn("promoting specified output dtype to complex", stacklevel=5)
        return np.promote_types(dtype, np.complex64)
    return dtype


def normalized_axis(axis: int, ndim: int) -> int:
    """Return a non-negative axis."""
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def normalized_axes(axes: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Return distinct non-negative axes; None means all."""
    if axes is None:
        return tuple(range(ndim))
    if np.isscalar(axes):
        chosen: tuple[Any, ...] = (operator.index(axes),)  # type: ignore[arg-type]
    else:
        chosen = tuple(operator.index(a) for a in axes)  # type: ignore[union-attr]
        for axis in chosen:
            if not -ndim <= axis < ndim:
                raise ValueError(f"specified axis: {axis} is out of range")
    result = tuple(normalized_axis(axis, ndim) for axis in chosen)
    if len(set(result)) != len(result):
        raise ValueError("axes must be unique")
    return result


def known_mode(mode: str) -> str:
    """Return a mode of the filters, or refuse it. As a key text is faster than an enumerator."""
    try:
        if mode in FILTER_MODES:
            return mode
    except TypeError:  # it cannot be a key
        pass
    raise RuntimeError("boundary mode not supported")


def interpolation_mode(mode: str) -> Any:
    """Return the boundary interpolation means by ``mode``; "fov" is ours, not scipy's."""
    try:
        boundary = INTERPOLATION_MODES[mode]
    except (KeyError, TypeError):
        boundary = None
    if boundary is None or mode == "fov":
        raise RuntimeError("boundary mode not supported")
    return boundary


def check_order(order: int) -> None:
    """Refuse an order of splines that scipy does not have."""
    if order < 0 or order > 5:
        raise RuntimeError("spline order not supported")


def value_per_axis(value: Any, n: int) -> list[Any]:
    """Return one value per axis."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * n
    values = list(value)
    if len(values) != n:
        raise RuntimeError("sequence argument must have length equal to input rank")
    return values


def samples_ahead(size: int, origin: int) -> int:
    """Return how many samples of a window lie ahead of the voxel."""
    ahead = size // 2 + origin
    if not 0 <= ahead < size:
        raise ValueError("invalid origin")
    return ahead


def spread(values: Iterable[Any], axes: Iterable[int], ndim: int, other: Any) -> list[Any]:
    """Return one value per axis of the image: that of its axis in ``axes``, or ``other``."""
    given = dict(zip(axes, values, strict=True))
    return [given.get(axis, other) for axis in range(ndim)]


def run_complex(
    call: Call,
    kernel: str,
    x: Array,
    weights: Array,
    make: Callable[[Array], Any],
    output: Any,
    cval: complex,
) -> Any:
    """Run a kernel with the parts of complex weights, as scipy does: each with each part of the input.

    ``make`` gives the kernel's filter of real weights.
    """
    is_complex = x.dtype.kind == "c"
    if not is_complex and np.iscomplexobj(cval):
        raise ValueError("Cannot provide a complex-valued cval when the input is real.")
    if is_complex and call.on_device:
        raise call.no_gpu_version("input", of=" of complex arrays with complex weights")

    real, imag = make(weights.real), make(weights.imag)
    out = call.scipy_output(output, x.shape, x, is_complex=True)
    parts = call.parts(x, out, cval)
    re, re_out, re_cval = next(parts)
    call.run(kernel, re, re_out, real, re_cval)
    call.run(kernel, re, out.imag, imag, re_cval)
    if is_complex:
        im, im_out, im_cval = next(parts)
        product = call.empty(x.shape, im.dtype)
        call.run(kernel, im, product, imag, im_cval)
        re_out -= product
        call.run(kernel, im, product, real, im_cval)
        im_out += product
    return call.leave(out)


def computes_in_float64(x: Array, out: Array) -> bool:
    """Tell whether interpolation computes in float64, as scipy does; of integers float32 shows in ties."""
    return x.dtype.kind not in "fc" or out.dtype.kind not in "fc"
