# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels by the signatures they are about to have: options in one struct, any number of axes.

This file goes when the compiled functions have these signatures themselves; nothing but `call` and the
options' names would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from .validate import Array

_AT_ONCE = 3  # axes the kernel interpolates in one call


@dataclass(frozen=True)
class AxisSampling:
    """Where the output samples of one axis lie, in input indices."""

    coordinates: Array
    antialias_sigma: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ResampleOptions:
    """How `resample` interpolates."""

    kernel: Any
    mode: Any
    cval: float = 0.0
    prefilter: bool = True
    clip: bool = False
    float64: bool = False


@dataclass(frozen=True, kw_only=True)
class CoordinateMap:
    """Where output points lie in the input: offset + matrix o + field_matrix field(o)."""

    axes: int
    offset: Any = None
    matrix: Any = None
    field: Any = None
    field_matrix: Any = None


@dataclass(frozen=True, kw_only=True)
class WarpOptions(ResampleOptions):
    """How `warp` and `push` interpolate."""

    slope_axis: int = -1


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """How labels are chosen."""

    rule: Any
    mode: Any
    cval: int = 0
    sigma: Any = None
    alpha: float = 1.0


def correlate1d(core: Any, x: Array, out: Array, filters: Sequence[Any], last: int) -> None:
    """Correlate along one axis after the other."""
    core.correlate1d(x, out, filters, last)


def resample(
    core: Any, x: Array, out: Array, samplings: Sequence[AxisSampling], options: ResampleOptions, last: int
) -> None:
    """Interpolate at the grid of the samplings."""
    moved = [a for a, (s, n) in enumerate(zip(samplings, x.shape, strict=True)) if _moves(s, n, options)]
    groups = [moved[k : k + _AT_ONCE] for k in range(0, len(moved), _AT_ONCE)] or [[]]
    source, shape = x, list(x.shape)
    for group in groups:
        for axis in group:
            shape[axis] = len(samplings[axis].coordinates)
        dtype = np.float64 if options.float64 else np.result_type(x.dtype, np.float32)
        step = out if group is groups[-1] else np.empty(shape, dtype)
        axes = [
            _core.AxisSampling(s.coordinates, s.antialias_sigma)
            if a in group
            else _core.AxisSampling(np.arange(n, dtype=np.float64))
            for a, (s, n) in enumerate(zip(samplings, source.shape, strict=True))
        ]
        core.resample(
            source, step, axes, options.kernel, options.mode, options.cval, options.prefilter,
            options.clip and len(groups) == 1, last, options.float64,
        )  # fmt: skip
        source = step
    if options.clip and len(groups) > 1:
        _limit(x, out)


def _moves(sampling: AxisSampling, n: int, options: ResampleOptions) -> bool:
    return not (options.prefilter and np.array_equal(sampling.coordinates, np.arange(n)))


def spline_filter(
    core: Any, x: Array, out: Array, axes: Sequence[int], order: int, mode: Any, last: int
) -> None:
    """Turn samples into spline coefficients along the axes."""
    source = x
    for k in range(0, len(axes), _AT_ONCE):
        step = out if k + _AT_ONCE >= len(axes) else np.empty(x.shape)
        chosen = axes[k : k + _AT_ONCE]
        samplings = [_core.AxisSampling(np.arange(n), 0.0, a in chosen) for a, n in enumerate(x.shape)]
        wide = source.dtype.kind != "f" or step.dtype.kind != "f"
        core.resample(source, step, samplings, _core.Interpolator(order), mode, 0.0, True, False, last, wide)
        source = step


def warp(core: Any, x: Array, out: Array, points: CoordinateMap, options: WarpOptions, last: int) -> None:
    """Interpolate at any points."""
    core.warp(
        x, out, points.axes, points.offset, points.matrix, points.field, points.field_matrix, options.kernel,
        options.mode, options.cval, options.prefilter, last, options.float64, options.slope_axis,
    )  # fmt: skip
    if options.clip:
        _limit(x, out)


def push(core: Any, x: Array, out: Array, points: CoordinateMap, options: WarpOptions, last: int) -> None:
    """Add values at any points: the adjoint of `warp`."""
    core.push(
        x, out, points.axes, points.offset, points.matrix, points.field, points.field_matrix, options.kernel,
        options.mode, options.prefilter, last,
    )  # fmt: skip


def resample_labels(
    core: Any, x: Array, out: Array, axes: Sequence[Array], options: LabelOptions, last: int
) -> None:
    """Bring a label map onto the grid of the axes' coordinates."""
    core.labels(x, out, axes, options.rule, options.mode, options.cval, options.sigma, options.alpha, last)


def warp_labels(
    core: Any, x: Array, out: Array, points: CoordinateMap, options: LabelOptions, last: int
) -> None:
    """Bring a label map onto a grid in any direction."""
    core.warp_labels(
        x, out, points.offset, points.matrix, options.rule, options.mode, options.cval, options.sigma,
        options.alpha, last,
    )  # fmt: skip


def resample_argmax(core: Any, x: Array, out: Array, axes: Sequence[Array], mode: Any, last: int) -> None:
    """Interpolate class scores linearly and keep the number of the highest."""
    core.labels_argmax(x, out, axes, mode, last)


def n4(core: Any, *arguments: Any) -> Any:
    """Fit the log field."""
    return core.n4(*arguments)


def n4_divide(core: Any, *arguments: Any) -> None:
    """Divide the field out."""
    core.n4_divide(*arguments)


def _limit(x: Array, out: Array) -> None:
    """Limit a result to the range of the voxels it came from."""
    # The kernel may write bytes other than 0 and 1 into a bool array; this repairs them.
    values = out.view(np.uint8) if out.dtype == np.bool_ else out
    np.clip(values, np.fmin.reduce(x, axis=None), np.fmax.reduce(x, axis=None), out=values)
