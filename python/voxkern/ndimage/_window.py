# SPDX-License-Identifier: Apache-2.0
"""Windows of smallest and largest samples, as scipy's arguments name them, and the call of their kernel."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import ExtremumKind, ExtremumResidue, ExtremumWindow
from .._runtime.backend import host_array
from .._runtime.validate import FILTER_MODES, KERNEL_DTYPES, Array
from ._common import Call, known_mode, normalized_axes, samples_ahead, spread, unsupported, value_per_axis

MINIMUM, MAXIMUM = ExtremumKind.minimum, ExtremumKind.maximum


def warn_of_both(size: Any, footprint: Any) -> None:
    """Warn the caller of the public function, who called what calls this."""
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=4)


def box_of(size: int, axis: int, mode: str, origin: int) -> ExtremumWindow:
    """Return one pass of a box."""
    samples_ahead(size, origin)  # refuses an origin beyond the window
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


def extrema_job(
    call: Call, input: ArrayLike, size: Any, footprint: Any, output: Any, mode: Any, origin: Any, axes: Any
) -> Job:
    """Return what `write_extrema` takes for a box or a footprint."""
    warn_of_both(size, footprint)
    if size is None and footprint is None:
        raise RuntimeError("no footprint provided")
    x = call.enter_real(input)
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
    return Window([box_of(int(s), axis, m, o) for axis, s, o, m in places if s > 1])


def _footprint(ndim: int, footprint: Any, mode: Any, origin: Any, axes: tuple[int, ...]) -> Window:
    """Return the window with an axis for each of the array's."""
    origins = value_per_axis(origin, len(axes))
    if footprint.ndim != len(axes) or footprint.size == 0:
        raise RuntimeError(f"footprint.ndim ({footprint.ndim}) must match len(axes) ({len(axes)})")
    if len(axes) < ndim:  # as scipy has it: the footprint's axes are taken in order, the origins as given
        origins = spread(origins, axes, ndim, 0)
        footprint = np.expand_dims(footprint, tuple(axis for axis in range(ndim) if axis not in axes))
    for size, shift in zip(footprint.shape, origins, strict=True):
        samples_ahead(size, shift)
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError("A sequence of modes is not supported for non-separable footprints")
    boxes = [
        box_of(size, axis, mode, shift)
        for axis, (size, shift) in enumerate(zip(footprint.shape, origins, strict=True))
    ]
    return Window(boxes, np.asarray(footprint, order="C").view(np.uint8))


class Residue(NamedTuple):
    """What becomes of an extremum e and samples a and b: in the kernel, and in NumPy where dtypes differ."""

    kind: ExtremumResidue
    write: Callable[[Any, Any, Any], Any]


def _write_laplace(e: Array, a: Array, b: Array) -> None:
    np.add(a, e, out=e)
    np.subtract(e, b, out=e)
    np.subtract(e, b, out=e)


NONE = Residue(ExtremumResidue.none, lambda e, a, b: None)
ABOVE = Residue(ExtremumResidue.above, lambda e, a, b: np.subtract(a, e, out=e))
BELOW = Residue(ExtremumResidue.below, lambda e, a, b: np.subtract(e, a, out=e))
LAPLACE = Residue(ExtremumResidue.laplace, _write_laplace)
DIFFERING = Residue(ExtremumResidue.differing, lambda e, a, b: np.bitwise_xor(a, e, out=e))


def write_extrema(
    call: Call,
    kind: ExtremumKind,
    cval: float,
    x: Array,
    out: Array,
    window: Window,
    residue: Residue = NONE,
    a: Array | None = None,
    b: Array | None = None,
) -> Array:
    """Write the smallest or the largest sample of a window around each, or a residue. Return ``out``."""
    boxes, footprint, heights = window
    alike = all(o is None or (o.dtype == out.dtype and o.strides == out.strides) for o in (a, b))
    at_once = False
    if boxes or footprint is not None:
        cval = math.ldexp(cval, 0)  # raises what scipy raises of what is no real number
        for array in (x, out):
            if array.dtype.char not in KERNEL_DTYPES:
                raise unsupported(array.dtype, None if footprint is None else "")
        at_once = alike and (out.dtype != bool or residue is DIFFERING)
        if call.on_device:
            _check_on_gpu(call, out, heights, at_once or residue is NONE)
        made = (residue.kind, a, b) if at_once else (NONE.kind, None, None)
        call.run("extrema1d", x, out, kind, boxes, footprint, heights, cval, *made)
    elif not call.on_device:
        out[...] = x
    else:
        _check_on_gpu(call, out, heights, residue is NONE)
        call.run("extrema1d", x, out, kind, [], None, None, 0.0, NONE.kind, None, None)
    if not at_once:
        residue.write(out, a, b)
    return out


def _check_on_gpu(call: Call, out: Array, heights: Any, residue_is_made: bool) -> None:
    if heights is not None:
        raise call.no_gpu_version("input", of=" with a structure that is not flat")
    if not residue_is_made:
        raise call.no_gpu_version("input", of=f" of one dtype and layout into {out.dtype} of another")
