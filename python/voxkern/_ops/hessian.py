# SPDX-License-Identifier: Apache-2.0
"""Second derivatives of an image: the eigenvalues of its Hessian, and Frangi's vesselness."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from .._core import AxisFilter, Combine, SeparableOptions
from .._runtime import validate
from .._runtime.call import Call, slowest_first
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, Array
from .._runtime.words import FilterMode
from .._space.kinds import Image
from .gaussian import checked_sigma, checked_truncate, derivative_weights, float_dtype, spacing_of


def _enter(call: Call, x: Any, spacing: Any) -> tuple[Array, tuple[float, ...]]:
    array = call.enter(x, "x")
    steps = spacing_of(call, array, spacing)
    if len(steps) not in (2, 3):
        raise ArgumentError(f"x: got {array.ndim} axes, allowed 2 or 3, or a Volume")
    return array, steps


def _hessian(
    sigmas: Sequence[float], steps: Sequence[float], mode: str, truncate: float, scale: float = 1.0
) -> list[list[AxisFilter]]:
    """Return the filters of the upper triangle, row by row, multiplied by ``scale``."""
    axes = range(len(steps))

    def along(axis: int, order: int) -> AxisFilter:
        weights = derivative_weights(sigmas[axis] / steps[axis], order, truncate) / steps[axis] ** order
        if axis == 0:
            weights = weights * scale
        return AxisFilter(axis=axis, weights=weights.tolist(), mode=FILTER_MODES[mode])

    pairs = itertools.combinations_with_replacement(axes, 2)
    return [[along(axis, pair.count(axis)) for axis in axes] for pair in pairs]


class _Settings(TypedDict, total=False):
    spacing: Any
    mode: FilterMode
    cval: float
    truncate: float
    out: Any
    threads: int | None


@overload
def hessian_eigenvalues(x: Image, sigma_mm: Any, **settings: Unpack[_Settings]) -> Image: ...
@overload
def hessian_eigenvalues(x: Any, sigma_mm: Any, **settings: Unpack[_Settings]) -> Any: ...
@documented
def hessian_eigenvalues(
    x: Any,
    sigma_mm: Any,
    *,
    spacing: Any = None,
    mode: FilterMode = "nearest",
    cval: float = 0.0,
    truncate: float = 4.0,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Return the eigenvalues of the matrix of second derivatives at each voxel.

    Parameters
    ----------
    {hessian_image}
    {sigma_mm}
    {image_spacing}
    {image_mode}
    {filter_cval}
    {truncate}
    out : array, optional
        Where to write: float32 or float64, exact shape, no memory shared with ``x``.
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``; float64 for float64, else float32. One axis more, the last: the eigenvalues in
        ascending order, per square millimetre. Each is a contiguous image.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    The order is that of ``numpy.linalg.eigvalsh``; ``skimage.feature.hessian_matrix_eigvals`` has them
    first and descending. The derivatives are those of `gaussian`. One sweep over the image, no Hessian is
    stored: up to a few megabytes per thread.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> i, j = np.mgrid[:21, :21] - 10.0
    >>> vk.hessian_eigenvalues(i**2 - 3 * j**2, 1.5)[10, 10].round(6)
    array([-6.,  2.])
    """
    call = Call("hessian_eigenvalues", "separable", threads=threads)
    array, steps = _enter(call, x, spacing)
    sigmas = checked_sigma(sigma_mm, steps)
    validate.word(mode, "mode", FILTER_MODES)
    terms = _hessian(sigmas, steps, mode, checked_truncate(truncate))
    options = SeparableOptions(combine=Combine.eigenvalues, cval=validate.number(cval, "cval"))
    dtype = float_dtype(array)
    if out is None:
        result = _planes(call, array, len(steps), dtype)
    else:
        result = call.output(out, (*array.shape, len(steps)), array, dtypes=frozenset("fd"))
    call.run("separable", array, result, terms, options)
    return call.leave(result)


def _planes(call: Call, like: Array, count: int, dtype: Any) -> Array:
    """Return ``count`` images in the memory order of ``like``, one behind the other, as the last axis."""
    order = slowest_first(like)
    planes = call.empty((count, *(like.shape[axis] for axis in order)), dtype)
    return planes.transpose([*(1 + order.index(axis) for axis in range(like.ndim)), 0])


class _VesselSettings(_Settings, total=False):
    alpha: float
    beta: float
    gamma: float | None
    bright: bool


@overload
def vesselness(x: Image, sigmas_mm: Any, **settings: Unpack[_VesselSettings]) -> Image: ...
@overload
def vesselness(x: Any, sigmas_mm: Any, **settings: Unpack[_VesselSettings]) -> Any: ...
@documented
def vesselness(
    x: Any,
    sigmas_mm: float | Iterable[float],
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float | None = None,
    bright: bool = True,
    spacing: Any = None,
    mode: FilterMode = "nearest",
    cval: float = 0.0,
    truncate: float = 4.0,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Tell how much each voxel looks like part of a tube: Frangi's filter, the largest of several scales.

    Parameters
    ----------
    {hessian_image}
    sigmas_mm : float or sequence
        Scales: standard deviations in millimetres, about the radii of the tubes. Each holds for all axes.
    alpha : float
        Sensitivity to plates (three axes only); larger ones let more of them pass.
    beta : float
        Sensitivity to blobs; larger ones let more of them pass.
    gamma : float, optional
        Sensitivity to noise: the norm of a Hessian, times its squared scale, that is taken seriously. By
        default half of the largest norm at each scale.
    bright : bool
        Tubes are brighter than what is around them, else darker.
    {image_spacing}
    {image_mode}
    {filter_cval}
    {truncate}
    out : array, optional
        Where to write: float32 or float64, exact shape, no memory shared with ``x``.
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``, between 0 and 1; float64 for float64, else float32.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow; without ``gamma``, for values that are not finite.
        Those of a GPU array are not looked at: all of the result is NaN.

    Notes
    -----
    A. F. Frangi et al., "Multiscale vessel enhancement filtering", MICCAI 1998. Each scale takes one sweep
    over the image, without ``gamma`` two, and up to a few megabytes per thread. With the default ``gamma`` it
    is the largest of ``skimage.filters.frangi`` at each scale, but for the derivatives: here those of
    `gaussian`, there two first derivatives in a row.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> i, j = np.mgrid[:31, :31] - 15.0
    >>> line = np.exp(-i**2 / 8)
    >>> found = vk.vesselness(line, (1, 2, 3))
    >>> bool(found[15, 15] > 0.5 and found[3, 15] < 0.01)
    True
    """
    call = Call("vesselness", "separable", threads=threads)
    array, steps = _enter(call, x, spacing)
    if array.size == 0:
        raise ArgumentError(f"x: got empty shape {array.shape}, allowed at least one voxel")
    scales = _checked_scales(sigmas_mm, min(steps))
    validate.word(mode, "mode", FILTER_MODES)
    cut, outside = checked_truncate(truncate), validate.number(cval, "cval")
    bright = validate.flag(bright, "bright")
    sensitivities = {"alpha": alpha, "beta": beta} | ({} if gamma is None else {"gamma": gamma})
    for name, value in sensitivities.items():
        if not 0 < validate.number(value, name) < math.inf:
            raise ArgumentError(f"{name}: got {shown(value)}, allowed positive numbers")
    result = call.output(out, array.shape, array, dtype=float_dtype(array), dtypes=frozenset("fd"))
    target = result[..., None]
    for k, sigma in enumerate(scales):
        terms = _hessian([sigma] * len(steps), steps, mode, cut, scale=sigma**2)
        if gamma is None and call.on_device:
            sensitivities["gamma"] = 0.0  # made on the device
        elif gamma is None:
            norm = SeparableOptions(combine=Combine.norm, cval=outside)
            sensitivities["gamma"] = _half(call.run("separable", array, target, terms, norm), array)
        options = SeparableOptions(
            combine=Combine.vesselness, cval=outside, bright=bright, keep_larger=k > 0, **sensitivities
        )
        call.run("separable", array, target, terms, options)
    return call.leave(result)


def _checked_scales(sigmas_mm: Any, step: float) -> tuple[float, ...]:
    """Return scales, at least one."""
    several = isinstance(sigmas_mm, Iterable) and not isinstance(sigmas_mm, str | bytes)
    several = several and getattr(sigmas_mm, "ndim", 1) > 0
    values = tuple(sigmas_mm) if several else (sigmas_mm,)
    if not values:
        raise ArgumentError("sigmas_mm: got none, allowed one or more")
    return checked_sigma(values, [step] * len(values), "sigmas_mm")


def _half(norm: float, x: Array) -> float:
    """Return half of the largest norm, or where that is of rounding alone, a number far above it."""
    if not math.isfinite(norm):
        raise ArgumentError(f"x: got second derivatives as large as {norm}, allowed finite voxels")
    largest = float(max(x.max(), -float(x.min())))
    rounding = 32 * float(np.finfo(float_dtype(x)).eps) * largest
    return norm / 2 if norm > rounding else max(largest, 1.0)
