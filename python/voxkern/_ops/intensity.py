# SPDX-License-Identifier: Apache-2.0
"""Intensity normalisation: z-score, windows, percentiles as limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from .._core import NormaliseOptions
from .._runtime import validate
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import NUMBER_DTYPES, Array
from .._space.kinds import Image
from .measure import check_percent, enter_image, enter_mask, no_voxel, percentiles_of


class Where(TypedDict, total=False):
    """Where a result goes, and on how many threads."""

    out: Array | None
    threads: int | None


class ScoreSettings(Where, total=False):
    """What becomes of voxels outside the mask, too."""

    outside: float | Literal["scaled"]


class WindowSettings(Where, total=False):
    """A window and what becomes of it."""

    center: float | None
    width: float | None
    output_range: Iterable[float]
    offset: float


class ByteWindowSettings(Where, total=False):
    """A window of bytes."""

    center: float | None
    width: float | None


@overload
def zscore(x: Image, mask: Any = None, **settings: Unpack[ScoreSettings]) -> Image: ...
@overload
def zscore(x: Any, mask: Any = None, **settings: Unpack[ScoreSettings]) -> Any: ...
@documented
def zscore(
    x: Any,
    mask: Any = None,
    *,
    outside: float | Literal["scaled"] = 0.0,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Shift and scale to mean 0 and standard deviation 1.

    Parameters
    ----------
    {intensities}
    mask : Volume or array_like, optional
        Non-zero voxels make the statistics.
    outside : float or "scaled"
        What voxels outside the mask become: a number, or what they are by the line of those inside.
    {intensities_out}
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``, float32 unless ``out`` says otherwise. Statistics are float64, joined block by
        block in a fixed order. The deviation is that of the whole population, as in ``numpy.std``.

    Raises
    ------
    ArgumentError
        Where the voxels are constant, not finite, or none lies inside the mask. On a GPU nobody waits to
        find out: the result is NaN.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.zscore(np.array([1.0, 2.0, 3.0])).round(3)
    array([-1.225,  0.   ,  1.225], dtype=float32)
    """
    filled = checked_outside(outside)
    call = Call("zscore", "measure", "normalise", threads=threads)
    array = enter_image(call, x)
    inside = enter_mask(call, mask, array)
    result = call.output(out, array.shape, array, dtype=np.float32, dtypes=NUMBER_DTYPES)
    kept = None if filled is None else inside
    if call.on_device:
        line = call.empty((2,), np.float64)
        call.run("measure_line", array, inside, line)
        call.run("normalise_by", array, kept, result, line, None)
        if kept is not None and filled:
            call.run("normalise", result, kept, result, NormaliseOptions(outside=filled))
        return call.leave(result)
    count, mean, squares = call.run("measure", array, inside)
    if count == 0:
        raise no_voxel("mask")
    deviation = float(np.sqrt(squares / count))
    if not np.isfinite(deviation) or deviation <= 0.0:
        raise ArgumentError(
            f"x: got mean {mean:g} and standard deviation {deviation:g}, allowed finite voxels that differ"
        )
    options = NormaliseOptions(centre=mean, scale=1.0 / deviation, outside=filled or 0.0)
    call.run("normalise", array, kept, result, options)
    return call.leave(result)


def checked_outside(outside: Any) -> float | None:
    """Return what voxels outside a mask become; None for what the line makes of them."""
    if isinstance(outside, str):
        validate.word(outside, "outside", ("scaled",))
        return None
    return validate.number(outside, "outside")


@overload
def window(
    x: Image, low: float | None = None, high: float | None = None, **settings: Unpack[WindowSettings]
) -> Image: ...
@overload
def window(
    x: Any, low: float | None = None, high: float | None = None, **settings: Unpack[WindowSettings]
) -> Any: ...
@documented
def window(
    x: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    center: float | None = None,
    width: float | None = None,
    output_range: Iterable[float] = (0.0, 1.0),
    offset: float = 0.0,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Map ``low`` to 0 and ``high`` to 1, or to other numbers; limit what lies beyond.

    Parameters
    ----------
    {intensities}
    {intensity_window}
    output_range : (float, float)
        What ``low`` and ``high`` become. A range that falls inverts the image.
    offset : float
        Added at the end: -0.25 centres windowed lungs on their mean, say.
    {intensities_out}
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``, float32 unless ``out`` says otherwise. NaN stays NaN; as an integer of up to 16
        bits it is 0.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scan = np.array([-2000, -300, 400])
    >>> vk.window(scan, -1000, 400)
    array([0. , 0.5, 1. ], dtype=float32)
    >>> vk.window(scan, center=-300, width=1400, output_range=(-1, 1))
    array([-1.,  0.,  1.], dtype=float32)
    """
    bounds = _window_of(low, high, center, width)
    try:
        first, last = (validate.number(value, "output_range") for value in output_range)
    except (TypeError, ValueError) as error:
        if isinstance(error, ArgumentTypeError):
            raise
        raise ArgumentError(f"output_range: got {shown(output_range)}, allowed two numbers") from None
    offset = validate.number(offset, "offset")
    if not np.isfinite((first, last, offset)).all():
        raise ArgumentError(f"output_range, offset: got {first}, {last} and {offset}, allowed finite numbers")
    call = Call("window", "normalise", threads=threads)
    return _mapped(call, x, out, np.float32, _ramp(*bounds, first, last, offset))


@overload
def window_to_uint8(
    x: Image, low: float | None = None, high: float | None = None, **settings: Unpack[ByteWindowSettings]
) -> Image: ...
@overload
def window_to_uint8(
    x: Any, low: float | None = None, high: float | None = None, **settings: Unpack[ByteWindowSettings]
) -> Any: ...
@documented
def window_to_uint8(
    x: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    center: float | None = None,
    width: float | None = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Map ``low`` to 0 and ``high`` to 255, for pictures.

    Parameters
    ----------
    {intensities}
    {intensity_window}
    {intensities_out}
    {threads}

    Returns
    -------
    Volume or array
        The kind of ``x``, uint8: ``255 * (x - low) / (high - low)`` rounded half up. NaN becomes 0.
        `window` with an ``output_range`` and ``out`` makes any other picture, an inverted one say.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.window_to_uint8(np.array([-2000, -993, -300, 400]), -1000, 400)
    array([  0,   1, 128, 255], dtype=uint8)
    """
    bounds = _window_of(low, high, center, width)
    call = Call("window_to_uint8", "normalise", threads=threads)
    return _mapped(call, x, out, np.uint8, _ramp(*bounds, 0.0, 255.0, 0.0))


def _window_of(low: Any, high: Any, center: Any, width: Any) -> tuple[float, float]:
    """Return the ends of a window that is given in either way."""
    if center is not None or width is not None:
        if center is None or width is None or low is not None or high is not None:
            raise ArgumentError(
                "center, width: got one alone or low, high besides, allowed low and high or both"
            )
        center, width = validate.number(center, "center, width"), validate.number(width, "center, width")
        if not (np.isfinite((center, width)).all() and width > 0):
            raise ArgumentError(
                f"center, width: got {center} and {width}, allowed finite with a positive width"
            )
        return center - width / 2, center + width / 2
    low, high = validate.number(low, "low, high"), validate.number(high, "low, high")
    if not (np.isfinite((low, high)).all() and low < high):
        raise ArgumentError(f"low, high: got {low} and {high}, allowed finite with low below high")
    return low, high


def _ramp(low: float, high: float, first: float, last: float, offset: float) -> NormaliseOptions:
    return NormaliseOptions(
        centre=low,
        scale=(last - first) / (high - low),
        shift=first + offset,
        low=min(first, last) + offset,
        high=max(first, last) + offset,
    )


def _mapped(call: Call, x: Any, out: Any, dtype: Any, options: NormaliseOptions) -> Any:
    """Return every voxel mapped by itself."""
    array = enter_image(call, x)
    result = call.output(out, array.shape, array, dtype=dtype, dtypes=NUMBER_DTYPES)
    call.run("normalise", array, None, result, options)
    return call.leave(result)


@overload
def clip_percentiles(
    x: Image,
    low: float = 0.5,
    high: float = 99.5,
    mask: Any = None,
    *,
    return_limits: Literal[False] = False,
    **settings: Unpack[Where],
) -> Image: ...
@overload
def clip_percentiles(
    x: Image,
    low: float = 0.5,
    high: float = 99.5,
    mask: Any = None,
    *,
    return_limits: Literal[True],
    **settings: Unpack[Where],
) -> tuple[Image, tuple[float, float]]: ...
@overload
def clip_percentiles(
    x: Any,
    low: float = 0.5,
    high: float = 99.5,
    mask: Any = None,
    *,
    return_limits: bool = False,
    **settings: Unpack[Where],
) -> Any: ...
@documented
def clip_percentiles(
    x: Any,
    low: float = 0.5,
    high: float = 99.5,
    mask: Any = None,
    *,
    return_limits: bool = False,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Limit the intensities of all voxels to exact percentiles, of those inside a mask.

    Parameters
    ----------
    {intensities}
    low, high : float
        Percentages, 0 to 100; ``low`` below ``high``.
    {statistics_mask}
    return_limits : bool
        Return the two limits besides.
    {intensities_out}
    {threads}

    Returns
    -------
    Volume or array
        The kind and dtype of ``x``. Limits of integers are rounded half away from zero.
    limits : (float, float)
        With ``return_limits``: those of `percentiles`, not rounded.

    Raises
    ------
    ArgumentError
        Where a voxel that counts is NaN, a limit lies next to an infinity, or no voxel counts. A NaN that
        does not count stays NaN. On a GPU nobody waits to find out: the result is NaN, of integers what NaN
        becomes. With ``return_limits`` the limits are waited for, and the errors are as on the CPU.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.arange(6, dtype=np.float32)
    >>> vk.clip_percentiles(x, 10, 80)
    array([0.5, 1. , 2. , 3. , 4. , 4. ], dtype=float32)
    """
    percents = [check_percent(low, "low"), check_percent(high, "high")]
    if low >= high:
        raise ArgumentError(f"low, high: got {low:g} and {high:g}, allowed low below high")
    return_limits = validate.flag(return_limits, "return_limits")
    call = Call("clip_percentiles", "measure", "normalise", threads=threads)
    array = enter_image(call, x)
    inside = enter_mask(call, mask, array)
    result = call.output(out, array.shape, array, dtypes=NUMBER_DTYPES)
    if call.on_device and not return_limits:
        limits = call.empty((2,), np.float64)
        call.run("measure_limits", array, inside, percents[0] / 100, percents[1] / 100, limits)
        call.run("normalise_by", array, None, result, None, limits)
        return call.leave(result)
    first, last = percentiles_of(call, array, inside, percents)
    if np.isnan((first, last)).any():
        raise ArgumentError(f"x: got limits {first:g} and {last:g}, allowed numbers with finite neighbours")
    call.run("normalise", array, None, result, NormaliseOptions(low=first, high=last))
    clipped = call.leave(result)
    return (clipped, (first, last)) if return_limits else clipped
