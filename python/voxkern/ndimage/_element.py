# SPDX-License-Identifier: Apache-2.0
"""Structuring elements of grey morphology."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import ExtremumKind
from .._runtime.backend import host_array
from .._runtime.validate import Array
from ._common import Call, normalized_axes, value_per_axis
from ._window import DIFFERING, MAXIMUM, Residue, Window, warn_of_both, window_of


class Element(NamedTuple):
    """A structuring element, and how the image continues beside it, as the caller gave them."""

    size: Any
    footprint: Any
    structure: Any
    mode: Any
    origin: Any
    axes: Any

    def window(self, kind: ExtremumKind, ndim: int) -> Window:
        """Return what a sample is compared with. That of a dilation is mirrored."""
        structure, footprint, origin = self.structure, self.footprint, self.origin
        if kind == MAXIMUM:
            structure, footprint = (
                None if given is None else np.flip(host_array(given, name))
                for given, name in ((structure, "structure"), (footprint, "footprint"))
            )
            shaped = structure if footprint is None else footprint
            sizes: Any = self.size if shaped is None else shaped.shape
            origin = value_per_axis(origin, len(normalized_axes(self.axes, ndim)))
            is_one = np.isscalar(sizes)
            # The middle of an even number of samples lies on the other side.
            odd = [(sizes if is_one else sizes[k]) & 1 for k in range(len(origin))]
            origin = [-shift - (1 - rest) for shift, rest in zip(origin, odd, strict=True)]
        elif structure is not None:
            structure = -np.asarray(host_array(structure, "structure"), np.float64)
        return window_of(ndim, self.size, footprint, structure, self.mode, origin, self.axes)


def grey_job(
    call: Call, input: ArrayLike, element: Element, output: Any, *kinds: ExtremumKind
) -> tuple[Array, Array, list[Window]]:
    """Return input, output, and the window of each step."""
    if element.size is None and element.footprint is None and element.structure is None:
        raise ValueError("size, footprint, or structure must be specified")
    warn_of_both(element.size, element.footprint)
    x = call.enter_real(input)
    windows = [element.window(kind, x.ndim) for kind in kinds]
    return x, call.scipy_output(output, x.shape, x), windows


def in_order_of(call: Call, x: Array, out: Array) -> Array:
    """Return the input in the memory order of the result: a residue reads both at once."""
    if x.strides == out.strides or x.dtype != out.dtype:
        return x
    copy = call.empty(x.shape, x.dtype, out)
    call.run("copy", x, copy)
    return copy


def of_masks(residue: Residue, x: Array, out: Array) -> Residue:
    """Return what stands in for a difference of masks, as in scipy: where they differ."""
    return DIFFERING if x.dtype == bool and out.dtype == bool else residue
