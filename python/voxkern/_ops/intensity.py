# SPDX-License-Identifier: Apache-2.0
"""Intensity normalisation: z-score and window."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from .._runtime import validate
from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.validate import Array
from .._space.kinds import Image


def _enter(call: Call, x: Any) -> Array:
    array = call.enter(x, "x")
    if array.size == 0:
        raise ArgumentError(f"x: got empty shape {array.shape}, allowed at least one voxel")
    return array


def _mask_of(call: Call, mask: Any, array: Array) -> Array | None:
    if mask is None:
        return None
    inside: Array = call.enter(mask, "mask", None) != 0
    if inside.shape != array.shape:
        raise ArgumentError(f"mask: got shape {inside.shape}, allowed {array.shape}")
    if not inside.any():
        raise ArgumentError("mask: got no voxel inside, allowed at least one")
    return inside


def _slices(array: Array, like: Array | None = None) -> Array:
    """Return a view with the slowest axis (of ``like``) first: temporaries stay one slice large."""
    strides = (array if like is None else like).strides
    order = sorted(range(array.ndim), key=lambda a: -abs(strides[a]))
    return np.atleast_2d(array.transpose(order))


@overload
def zscore(x: Image, mask: Any = None) -> Image: ...
@overload
def zscore(x: Any, mask: Any = None) -> Any: ...
def zscore(x: Any, mask: Any = None) -> Any:
    """Shift and scale to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : Volume or array_like
        Any integer or float dtype.
    mask : array_like, optional
        Non-zero voxels make the statistics; voxels outside become 0.

    Returns
    -------
    Volume or array
        The kind of ``x``, float32. Statistics are float64, summed slice by slice in a fixed order.

    Raises
    ------
    ArgumentError
        Where the voxels are constant, not finite, or none lies inside the mask.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.zscore(np.array([1.0, 2.0, 3.0])).round(3)
    array([-1.225,  0.   ,  1.225], dtype=float32)
    """
    call = Call("zscore")
    array = _enter(call, x)
    inside = _mask_of(call, mask, array)
    slices = _slices(array)
    masks = _slices(inside, like=array) if inside is not None else None
    count = 0
    total = 0.0
    for i, part in enumerate(slices):
        values = part[masks[i]] if masks is not None else part
        count += values.size
        total += float(np.sum(values, dtype=np.float64))
    mean = total / count
    squares = 0.0
    for i, part in enumerate(slices):
        values = part[masks[i]] if masks is not None else part
        squares += float(np.sum(np.square(values - np.float64(mean))))
    deviation = float(np.sqrt(squares / count))
    if not np.isfinite(deviation) or deviation <= 0.0:
        raise ArgumentError(
            f"x: got mean {mean:g} and standard deviation {deviation:g}, allowed finite voxels that differ"
        )
    result = call.output(None, array.shape, array, dtype=np.float32)
    for i, (to, part) in enumerate(zip(_slices(result, like=array), slices, strict=True)):
        np.multiply(part - np.float64(mean), 1.0 / deviation, out=to, casting="same_kind")
        if masks is not None:
            to[~masks[i]] = 0.0
    return call.leave(result)


@overload
def window(x: Image, low: float, high: float) -> Image: ...
@overload
def window(x: Any, low: float, high: float) -> Any: ...
def window(x: Any, low: float, high: float) -> Any:
    """Map ``low`` to 0 and ``high`` to 1, limit what lies beyond.

    Parameters
    ----------
    x : Volume or array_like
        Any integer or float dtype; Hounsfield units, say.
    low, high : float
        The window; ``low`` below ``high``.

    Returns
    -------
    Volume or array
        The kind of ``x``, float32, between 0 and 1.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.window(np.array([-2000, -300, 400]), -1000, 400)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    low, high = validate.number(low, "low, high"), validate.number(high, "low, high")
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ArgumentError(f"low, high: got {low} and {high}, allowed finite with low below high")
    call = Call("window")
    array = _enter(call, x)
    result = call.output(None, array.shape, array, dtype=np.float32)
    for to, part in zip(_slices(result, like=array), _slices(array), strict=True):
        np.multiply(part - np.float64(low), 1.0 / (high - low), out=to, casting="same_kind")
        np.clip(to, 0.0, 1.0, out=to)
    return call.leave(result)


def otsu_threshold(x: Any, bins: int = 200) -> float:
    """Return the intensity that best separates background from object: Otsu's threshold.

    The numbers are those of ITK's ``OtsuThresholdImageFilter``: the upper edge of the bin that
    maximises the variance between the classes.

    Parameters
    ----------
    x : Volume or array_like
        Any integer or float dtype, finite, not constant.
    bins : int
        Bins of the histogram between minimum and maximum.

    Returns
    -------
    float
        Voxels above it are the object.

    Notes
    -----
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst. Man Cybern. 9
    (1979).

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern._ops.intensity import otsu_threshold
    >>> bool(10 < otsu_threshold(np.array([8, 10, 9, 50, 52, 51])) < 50)
    True
    """
    array = _enter(Call("otsu_threshold"), x)
    bins = validate.whole_number(bins, "bins")
    if bins < 2:
        raise ArgumentError(f"bins: got {bins}, allowed at least 2")
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ArgumentError(f"x: got values from {low:g} to {high:g}, allowed finite voxels that differ")
    scale = bins / ((high - low) * (1.0 + 0.01 / bins))  # ITK's margin above the maximum
    counts = np.zeros(bins, np.int64)
    for part in _slices(array):
        index = ((part - np.float64(low)) * scale).astype(np.intp)
        counts += np.bincount(index.ravel(), minlength=bins)
    centres = low + (np.arange(bins) + 0.5) / scale
    share = np.cumsum(counts) / array.size
    moment = np.cumsum(counts * centres) / array.size
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * share - moment) ** 2 / (share * (1.0 - share))
    best = int(np.nanargmax(between[:-1]))
    return low + (best + 1) / scale
