# SPDX-License-Identifier: Apache-2.0
"""Gaussians: their weights, and ``gaussian`` in millimetres."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack, get_args, overload

import numpy as np

from .._core import AxisFilter, RecursiveGaussianOptions
from .._runtime import validate
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, shown
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, Array
from .._runtime.words import FilterMode, GaussianMethod
from .._space.kinds import Image

_LONGEST_KEPT = 64  # longer ones would hold memory
_LARGEST_SIGMA = 1e5  # in samples: kernels of a million weights
_LEAST_SIGMA = 1e-15  # its square divides
_SMALLEST_SIGMA = 0.1  # of a derivative, in samples: below it is a difference of neighbours


def gaussian_weights(sigma: float, order: int, radius: int) -> tuple[float, ...]:
    """Return scipy's filter, reversed: correlation with it is the convolution that is meant."""
    x = np.arange(-radius, radius + 1)
    phi = np.exp(-0.5 / (sigma * sigma) * x**2)
    phi = phi / phi.sum()
    if order == 0:
        return tuple(phi.tolist())
    # d/dx (q(x) phi(x)) = (q'(x) - q(x) x / sigma^2) phi(x): apply it `order` times to q = 1.
    exponents = np.arange(order + 1)
    q = np.zeros(order + 1)
    q[0] = 1.0
    step = np.diag(exponents[1:], 1) + np.diag(np.ones(order) / -(sigma * sigma), -1)
    for _ in range(order):
        q = step.dot(q)
    return tuple(((x[:, None] ** exponents).dot(q) * phi)[::-1].tolist())


def derivative_weights(sigma: float, order: int, truncate: float) -> Array:
    """Return a Gaussian, or a derivative of it that is exact for polynomials of its order.

    A sampled derivative that is cut off answers a constant: its second derivative of -1000 is 1. Here the
    weights of a first derivative are t phi(t), those of a second (t^2 - m) phi(t) with m the mean of t^2,
    scaled so that the derivatives of t and of t^2 / 2 are 1.
    """
    if order > 0:
        sigma = max(sigma, _SMALLEST_SIGMA)
    radius = max(int(truncate * sigma + 0.5), 1 if order > 0 else 0)
    phi = np.array(gaussian_weights(sigma, 0, radius)) if sigma > 0.0 else np.ones(1)
    if order == 0:
        return phi
    t = np.arange(-radius, radius + 1.0)
    squares = t**2 @ phi
    weights: Array = t * phi / squares
    if order == 2:
        weights = 2.0 * (t**2 - squares) * phi / (t**4 @ phi - squares**2)
    return weights


@functools.lru_cache(maxsize=32)
def _kept_gaussian(axis: int, sigma: float, order: int, mode: str, radius: int) -> AxisFilter:
    weights = gaussian_weights(sigma, order, radius)
    return AxisFilter(axis=axis, weights=weights, mode=FILTER_MODES[mode])


def gaussian_pass(axis: int, sigma: float, order: int, mode: str, radius: int) -> AxisFilter:
    """Return a pass of scipy's Gaussian filter along an axis."""
    make = _kept_gaussian if radius <= _LONGEST_KEPT else _kept_gaussian.__wrapped__
    return make(axis, sigma, order, mode, radius)


def spacing_of(call: Call, x: Array, spacing: Any) -> tuple[float, ...]:
    """Return millimetres per sample of the axes to filter: the spatial ones of a Volume, all of an array."""
    if call.volume is not None:
        if spacing is not None:
            raise ArgumentError(f"spacing: got {shown(spacing)}, allowed None: a Volume has its own")
        return tuple(call.volume.spacing)
    values = validate.per_axis(1.0 if spacing is None else spacing, x.ndim, "spacing")
    if not all(v > 0 for v in values):
        raise ArgumentError(f"spacing: got {shown(spacing)}, allowed positive numbers")
    return values


def checked_sigma(
    sigma_mm: Any, steps: Sequence[float], name: str = "sigma_mm", *, zero: bool = False
) -> tuple[float, ...]:
    """Return standard deviations per axis, whose samples lie ``steps`` apart."""
    values = validate.per_axis(sigma_mm, len(steps), name)
    if not all(v > 0 or (zero and v == 0) for v in values):
        raise ArgumentError(
            f"{name}: got {shown(sigma_mm)}, allowed {'0 or more' if zero else 'positive numbers'}"
        )
    samples = [v / step for v, step in zip(values, steps, strict=True) if v > 0]
    if not all(_LEAST_SIGMA <= sigma <= _LARGEST_SIGMA for sigma in samples):
        limits = f"{_LEAST_SIGMA:g} to {_LARGEST_SIGMA:g} samples"
        raise ArgumentError(f"{name}: got {shown(sigma_mm)}, allowed {limits}")
    return values


def checked_truncate(truncate: Any) -> float:
    """Return where a kernel is cut, in standard deviations."""
    value = validate.number(truncate, "truncate")
    if not 0.0 < value < 100.0:
        raise ArgumentError(f"truncate: got {shown(truncate)}, allowed above 0 and below 100")
    return value


def float_dtype(x: Array) -> Any:
    """Return the dtype of a filtered image: float64 stays, all else becomes float32."""
    return np.float64 if x.dtype == np.float64 else np.float32


class _Settings(TypedDict, total=False):
    order: int | Iterable[int]
    spacing: Any
    mode: FilterMode
    cval: float
    truncate: float
    method: GaussianMethod
    out: Any
    threads: int | None


@overload
def gaussian(x: Image, sigma_mm: Any, **settings: Unpack[_Settings]) -> Image: ...
@overload
def gaussian(x: Any, sigma_mm: Any, **settings: Unpack[_Settings]) -> Any: ...
@documented
def gaussian(
    x: Any,
    sigma_mm: Any,
    *,
    order: int | Iterable[int] = 0,
    spacing: Any = None,
    mode: FilterMode = "nearest",
    cval: float = 0.0,
    truncate: float = 4.0,
    method: GaussianMethod = "fir",
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Smooth with a Gaussian, or take its first or second derivatives, in millimetres.

    Parameters
    ----------
    {filtered_image}
    {sigma_mm}
    order : int or sequence
        0 for the Gaussian, 1 and 2 for its derivatives, per millimetre; one value, or one per filtered axis.
    {image_spacing}
    {image_mode}
    {filter_cval}
    {truncate}
    method : {"fir", "recursive"}
        "fir": sums over the kernel, which cost more the wider it is. "recursive": a recursive filter, whose
        cost does not grow with sigma and whose error does not either: at most 4e-4 of the range for each
        axis, mostly below 1e-4. It has order 0 alone and is not cut off by ``truncate``.
    out : array, optional
        Where to write: float32 or float64, exact shape, no memory shared with ``x``.
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``; float64 for float64, else float32.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    Order 0 gives the numbers of ``scipy.ndimage.gaussian_filter`` with sigma in voxels. Derivatives are exact
    for polynomials of their order: a constant has none, a ramp its slope. Extra memory: one tile of a few
    hundred kilobytes per thread. The recursive filter is of Deriche's kind, as SimpleITK's
    ``SmoothingRecursiveGaussian``, with a tenth of its error.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.gaussian(np.arange(21.0) ** 2, 1.0, order=1, spacing=0.5)[10].round(6)
    np.float64(40.0)
    """
    validate.word(method, "method", get_args(GaussianMethod))
    recursive = method == "recursive"
    call = Call("gaussian", "recursive_gaussian" if recursive else "correlate1d", threads=threads)
    array = call.enter(x, "x")
    steps = spacing_of(call, array, spacing)
    sigmas = checked_sigma(sigma_mm, steps, zero=True)
    orders = validate.per_axis(order, len(steps), "order", int)
    if not set(orders) <= {0, 1, 2}:
        raise ArgumentError(f"order: got {shown(order)}, allowed 0, 1 and 2")
    if recursive and any(orders):
        raise ArgumentError(f"order: got {shown(order)}, allowed 0 with method='recursive'")
    validate.word(mode, "mode", FILTER_MODES)
    outside = validate.number(cval, "cval")
    cut = checked_truncate(truncate)
    result = call.output(out, array.shape, array, dtype=float_dtype(array), dtypes=frozenset("fd"))
    if recursive and any(sigmas):
        axes = [axis for axis, sigma in enumerate(sigmas) if sigma > 0.0]
        widths = [sigmas[axis] / steps[axis] for axis in axes]
        options = RecursiveGaussianOptions(axes=axes, sigma=widths, mode=FILTER_MODES[mode], cval=outside)
        call.run("recursive_gaussian", array, result, options)
        return call.leave(result)
    filters = [
        AxisFilter(
            axis=axis,
            weights=(derivative_weights(sigma / step, n, cut) / step**n).tolist(),
            mode=FILTER_MODES[mode],
        )
        for axis, (sigma, step, n) in enumerate(zip(sigmas, steps, orders, strict=True))
        if sigma > 0.0 or n > 0
    ]
    call.run("correlate1d", array, result, filters, outside)
    return call.leave(result)
