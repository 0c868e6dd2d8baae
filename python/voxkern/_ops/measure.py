# SPDX-License-Identifier: Apache-2.0
"""What the voxels of a region have in common: percentiles, Otsu's threshold, the box around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from .._runtime import validate
from .._runtime.backend import host_array
from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.texts import documented
from .._runtime.validate import REAL_DTYPES, Array
from .._runtime.words import OtsuMethod
from .._space.kinds import Image

OTSU_METHODS: tuple[str, ...] = get_args(OtsuMethod)
_CACHE_LINE = 64  # bytes: neighbours that lie closer are fetched together
_MOST_LEVELS = 1 << 22  # whole numbers between the extremes that each have a bin


def enter_image(call: Call, x: Any) -> Array:
    """Return the voxels of an image that has some."""
    array = call.enter(x, "x", REAL_DTYPES)
    if array.size == 0:
        raise ArgumentError(f"x: got empty shape {array.shape}, allowed at least one voxel")
    return array


def enter_mask(call: Call, mask: Any, array: Array) -> Array | None:
    """Return a mask of the image's shape, copied where its memory runs across that of the image."""
    if mask is None:
        return None
    inside = call.enter_beside(mask, "mask", REAL_DTYPES)
    if inside.shape != array.shape:
        raise ArgumentError(f"mask: got shape {inside.shape}, allowed {array.shape}")
    steps = [abs(s) if n > 1 else np.inf for s, n in zip(array.strides, array.shape, strict=True)]
    if not steps or abs(inside.strides[int(np.argmin(steps))]) <= _CACHE_LINE:
        return inside
    aligned = call.empty(array.shape, inside.dtype, array)
    call.run("copy", inside, aligned)
    return aligned


def no_voxel(name: str, which: str = "inside") -> ArgumentError:
    """Return the error of a region without voxels."""
    return ArgumentError(f"{name}: got no voxel {which}, allowed at least one")


def check_numbers(not_numbers: int) -> None:
    """Refuse NaN among the voxels that count."""
    if not_numbers:
        raise ArgumentError(f"x: got {not_numbers} voxels that are not a number, allowed numbers")


def percentiles_of(
    call: Call, array: Array, inside: Array | None, percents: list[float], as_scalar: bool = False
) -> list[float]:
    """Return NumPy's percentiles; it reckons in the dtype of the voxels where it is asked for a scalar."""
    pairs = np.zeros((len(percents), 2), array.dtype)
    shares = [percent / 100 for percent in percents]
    count, not_numbers, fractions = call.run("measure_quantiles", array, inside, shares, pairs)
    if count == 0:
        raise no_voxel("mask")
    check_numbers(not_numbers)
    # Whole numbers of any width have an exact difference.
    pairs = pairs if array.dtype.kind == "f" else pairs.astype(object)
    with np.errstate(invalid="ignore", over="ignore"):
        parts = fractions if as_scalar else np.asarray(fractions, np.float64)
        return [_between(a, b, part) for (a, b), part in zip(pairs, parts, strict=True)]


def _between(a: Any, b: Any, part: float) -> float:
    """Return the value between two neighbours, reckoned from the nearer one as NumPy does."""
    step = b - a
    return float(a + step * part if part < 0.5 else b - step * (1 - part))


@overload
def percentiles(x: Any, q: float, mask: Any = None, *, threads: int | None = None) -> float: ...
@overload
def percentiles(
    x: Any, q: Iterable[float] | Array, mask: Any = None, *, threads: int | None = None
) -> NDArray[np.float64]: ...
@documented
def percentiles(x: Any, q: Any, mask: Any = None, *, threads: int | None = None) -> Any:
    """Return the exact percentiles of the voxels, without sorting them.

    Parameters
    ----------
    {intensities}
    q : float or sequence
        Percentages, 0 to 100.
    {statistics_mask}
    {threads}

    Returns
    -------
    float or (n,) array
        As ``numpy.percentile`` by its rule ``linear``; float64 for a sequence.

    Raises
    ------
    ArgumentError
        Where a voxel that counts is NaN, or none counts.

    Notes
    -----
    A radix selection: 16 bits of the voxels are counted in each pass over the image. float32 takes two
    passes, float64 four, integers of up to 16 bits one. Up to 4096 voxels are sorted. Infinities are ordered
    as numbers; next to an infinity NumPy's rule gives NaN or an infinity. Beyond the image it takes half a MB
    per thread, up to 4 MB for many percentiles.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.arange(101, dtype=np.int16)
    >>> vk.percentiles(x, 12.5)
    12.5
    >>> vk.percentiles(x, (5, 95), mask=x > 0)
    array([ 5.95, 95.05])
    """
    call = Call("percentiles", "measure", threads=threads)
    array = enter_image(call, x)
    inside = enter_mask(call, mask, array)
    wanted = host_array(q, "q", np.float64)
    if wanted.ndim > 1:
        raise ArgumentError(f"q: got {wanted.ndim} axes, allowed a number or a sequence")
    percents = [check_percent(value, "q") for value in wanted.ravel().tolist()]
    if wanted.ndim == 0:
        return percentiles_of(call, array, inside, percents, as_scalar=True)[0]
    return np.asarray(percentiles_of(call, array, inside, percents), np.float64)


def check_percent(value: Any, name: str) -> float:
    """Return a percentage."""
    percent = validate.number(value, name)
    if not 0 <= percent <= 100:
        raise ArgumentError(f"{name}: got {percent:g}, allowed 0 to 100")
    return percent


@documented
def otsu(
    x: Any, bins: int = 256, mask: Any = None, *, method: OtsuMethod = "skimage", threads: int | None = None
) -> float:
    """Return the intensity that best separates background from object: Otsu's threshold.

    Parameters
    ----------
    {intensities}
    bins : int
        Bins of the histogram between minimum and maximum.
    {statistics_mask}
    method : {"skimage", "itk"}
        "skimage": the number of ``skimage.filters.threshold_otsu``, the centre of a bin. Integers have a bin
        for each value, whatever ``bins``. "itk": that of ``OtsuThresholdImageFilter``, the upper edge of a
        bin, for integers too.
    {threads}

    Returns
    -------
    float
        Voxels above it are the object.

    Raises
    ------
    ArgumentError
        Where the voxels that count are constant or not finite, or none counts.

    Notes
    -----
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst. Man Cybern. 9
    (1979). Two passes over the image.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.array([8, 10, 9, 50, 52, 51])
    >>> vk.otsu(x)
    10.0
    >>> x > vk.otsu(x)
    array([False, False, False,  True,  True,  True])
    """
    bins = validate.whole_number(bins, "bins")
    if not 2 <= bins <= _MOST_LEVELS:
        raise ArgumentError(f"bins: got {bins}, allowed 2 to {_MOST_LEVELS}")
    validate.word(method, "method", OTSU_METHODS)
    call = Call("otsu", "measure", threads=threads)
    array = enter_image(call, x)
    return otsu_of(call, array, enter_mask(call, mask, array), bins, method)


def otsu_of(call: Call, array: Array, inside: Array | None, bins: int, method: str) -> float:
    """Return Otsu's threshold of the voxels inside."""
    count, not_numbers, low, high = call.run("measure_extremes", array, inside)
    if count == 0:
        raise no_voxel("mask")
    check_numbers(not_numbers)
    if not (np.isfinite((low, high)).all() and low < high):
        raise ArgumentError(f"x: got values from {low:g} to {high:g}, allowed finite voxels that differ")
    if method == "itk":
        step = (high - low) * (1.0 + 0.01 / bins) / bins  # ITK's margin above the maximum
        edges = low + step * np.arange(bins + 1)
        counts = call.run("measure_histogram", array, inside, edges)
        return float(edges[_best_split(counts, edges[:-1] + step / 2) + 1])
    edges = _skimage_edges(array, bins, low, high)
    centres = (edges[:-1] + edges[1:]) / 2 if array.dtype.kind == "f" else edges[:-1]
    counts = call.run("measure_histogram", array, inside, edges)
    return float(centres[_best_split(counts.astype(np.float32), centres)])  # scikit-image's are float32


def _skimage_edges(array: Array, bins: int, low: float, high: float) -> Array:
    """Return edges between the extremes, in the dtype NumPy has them in; a bin for each whole number."""
    if array.dtype.kind == "f":
        try:
            return np.histogram_bin_edges(np.array([low, high], array.dtype), bins)
        except ValueError:
            raise ArgumentError(f"bins: got {bins} between {low:g} and {high:g}, allowed fewer") from None
    if high - low >= _MOST_LEVELS or max(-low, high) > 2**53:
        raise ArgumentError(
            f"x: got integers from {low:g} to {high:g}, allowed {_MOST_LEVELS} levels or method='itk'"
        )
    return np.arange(low, high + 2)


def _best_split(counts: Array, centres: Array) -> int:
    """Return the last bin of the lower class where the two lie furthest apart."""
    moments = counts * centres
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[-2::-1]
    mean_below = np.cumsum(moments)[:-1] / below
    mean_above = np.cumsum(moments[::-1])[-2::-1] / above
    return int(np.argmax(below * above * (mean_below - mean_above) ** 2))


@documented
def bounding_box(
    x: Any,
    threshold: float | None = None,
    *,
    axes: int | Iterable[int] | None = None,
    margin: int | Iterable[int] = 0,
    threads: int | None = None,
) -> tuple[slice, ...]:
    """Return the smallest box around the voxels that are not zero, as slices.

    Parameters
    ----------
    {intensities}
    threshold : float, optional
        The box is around the voxels above it. NaN is not above, but it is not zero.
    {box_axes}
    {margin}
    {threads}

    Returns
    -------
    tuple of slice
        One for each axis: ``x[vk.bounding_box(x)]`` is the box.

    Raises
    ------
    ArgumentError
        Where all voxels are zero, or none is above the threshold.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.zeros((4, 5), np.uint8)
    >>> x[1:3, 2] = 1
    >>> vk.bounding_box(x)
    (slice(1, 3, None), slice(2, 3, None))
    >>> vk.bounding_box(x, margin=1)
    (slice(0, 4, None), slice(1, 4, None))
    """
    if threshold is not None:
        threshold = validate.number(threshold, "threshold")
        if np.isnan(threshold):
            raise ArgumentError("threshold: got nan, allowed a number")
    call = Call("bounding_box", "measure", threads=threads)
    array = enter_image(call, x)
    return _box(call, array, threshold, _axes_of(call, array, axes), margin, "x")


@overload
def crop_to_nonzero(
    x: Image,
    mask: Any = None,
    *,
    axes: int | Iterable[int] | None = None,
    margin: int | Iterable[int] = 0,
    return_box: Literal[False] = False,
    threads: int | None = None,
) -> Image: ...
@overload
def crop_to_nonzero(
    x: Image,
    mask: Any = None,
    *,
    axes: int | Iterable[int] | None = None,
    margin: int | Iterable[int] = 0,
    return_box: Literal[True],
    threads: int | None = None,
) -> tuple[Image, tuple[slice, ...]]: ...
@overload
def crop_to_nonzero(
    x: Any,
    mask: Any = None,
    *,
    axes: int | Iterable[int] | None = None,
    margin: int | Iterable[int] = 0,
    return_box: bool = False,
    threads: int | None = None,
) -> Any: ...
@documented
def crop_to_nonzero(
    x: Any,
    mask: Any = None,
    *,
    axes: int | Iterable[int] | None = None,
    margin: int | Iterable[int] = 0,
    return_box: bool = False,
    threads: int | None = None,
) -> Any:
    """Cut away what lies around the voxels that are not zero.

    Parameters
    ----------
    {intensities}
    mask : Volume or array_like, optional
        Its non-zero voxels make the box. Its shape is that of ``x``, or that of the cropped axes alone.
        Default: ``x`` itself.
    {box_axes}
    {margin}
    return_box : bool
        Return the slices as well.
    {threads}

    Returns
    -------
    Volume or array
        A view of the memory of ``x``, nothing is copied; the affine of a Volume follows.
    box : tuple of slice
        With ``return_box``: one for each axis of ``x``.

    Raises
    ------
    ArgumentError
        Where all voxels are zero.

    Notes
    -----
    The box of nnU-Net's ``crop_to_nonzero`` for channels first is that of ``axes=(1, 2, 3)``: a voxel counts
    where any channel is not zero. Holes that nnU-Net fills lie within the box.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.zeros((2, 3, 4, 5))
    >>> x[0, 1, 2, 3] = x[1, 1, 3, 3] = 7
    >>> part, box = vk.crop_to_nonzero(x, axes=(1, 2, 3), return_box=True)
    >>> part.shape, box[2]
    ((2, 1, 2, 1), slice(2, 4, None))
    """
    return_box = validate.flag(return_box, "return_box")
    call = Call("crop_to_nonzero", "measure", threads=threads)
    array = enter_image(call, x)
    chosen = _axes_of(call, array, axes)
    if mask is None:
        box = _box(call, array, None, chosen, margin, "x")
    else:
        inside = call.enter_beside(mask, "mask", REAL_DTYPES)
        over = tuple(array.shape[axis] for axis in chosen)
        if inside.shape not in (array.shape, over):
            allowed = array.shape if over == array.shape else f"{array.shape} or {over}"
            raise ArgumentError(f"mask: got shape {inside.shape}, allowed {allowed}")
        own = chosen if inside.ndim == array.ndim else tuple(range(inside.ndim))
        found = _box(call, inside, None, own, margin, "mask")
        cut = {axis: found[a] for axis, a in zip(chosen, own, strict=True)}
        box = tuple(cut.get(axis, slice(0, n)) for axis, n in enumerate(array.shape))
    shift = np.eye(4)
    shift[:3, 3] = [part.start for part in (*box, *[slice(0, 1)] * 3)[:3]]
    cropped = call.leave(array[box], index_map=shift)
    return (cropped, box) if return_box else cropped


def _axes_of(call: Call, array: Array, axes: int | Iterable[int] | None) -> tuple[int, ...]:
    """Return the axes of a box: all of an array, the spatial ones of a Volume."""
    if axes is None and call.volume is not None:
        return 0, 1, 2
    return tuple(sorted(validate.normalize_axes(axes, array.ndim)))


def _box(
    call: Call, array: Array, threshold: float | None, axes: tuple[int, ...], margin: Any, name: str
) -> tuple[slice, ...]:
    """Return the slices of a box, widened along its axes, and all of the other ones."""
    room = dict(zip(axes, validate.per_axis(margin, len(axes), "margin", int), strict=True))
    if any(m < 0 for m in room.values()):
        raise ArgumentError(f"margin: got {margin}, allowed 0 and more")
    ranges = call.run("measure_box", array, threshold)
    if any(first >= end for first, end in ranges):
        raise no_voxel(name, "that is not zero" if threshold is None else f"above {threshold:g}")
    return tuple(
        slice(max(first - room[axis], 0), min(end + room[axis], n)) if axis in room else slice(0, n)
        for axis, ((first, end), n) in enumerate(zip(ranges, array.shape, strict=True))
    )
