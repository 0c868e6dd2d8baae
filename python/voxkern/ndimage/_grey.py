# SPDX-License-Identifier: Apache-2.0
"""Grey morphology, drop-in for ``scipy.ndimage``: its bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike

from .._runtime.backend import is_array
from .._runtime.texts import documented
from ._common import Call
from ._element import Element, grey_job, in_order_of, of_masks
from ._window import ABOVE, BELOW, LAPLACE, MAXIMUM, MINIMUM, write_extrema


@documented
def grey_erosion(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take the smallest of the samples under a structuring element, less its heights.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    A NaN is passed over. The cost of a box does not grow with its size. Extra memory: a few hundred kilobytes
    per thread, more for windows larger than that.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.grey_erosion([0, 2, 5, 1, 1, 4, 0], size=3)
    array([0, 0, 1, 1, 1, 0, 0])
    """
    call = Call("grey_erosion", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, (window,) = grey_job(call, input, element, output, MINIMUM)
    return call.leave(write_extrema(call, MINIMUM, cval, x, out, window))


@documented
def grey_dilation(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take the largest of the samples under a structuring element, plus its heights.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    A NaN is passed over. The cost of a box does not grow with its size. Extra memory: a few hundred kilobytes
    per thread, more for windows larger than that.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.grey_dilation([0, 2, 5, 1, 1, 4, 0], size=3)
    array([2, 5, 5, 5, 4, 4, 4])
    """
    call = Call("grey_dilation", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, (window,) = grey_job(call, input, element, output, MAXIMUM)
    return call.leave(write_extrema(call, MAXIMUM, cval, x, out, window))


@documented
def grey_opening(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Erode, then dilate: bright spots that the structuring element does not fit into go.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.grey_opening([0, 2, 5, 1, 1, 4, 0], size=3)
    array([0, 1, 1, 1, 1, 1, 0])
    """
    call = Call("grey_opening", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output, MINIMUM, MAXIMUM)
    made = write_extrema(call, MINIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    return call.leave(write_extrema(call, MAXIMUM, cval, made, out, windows[1]))


@documented
def grey_closing(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Dilate, then erode: dark spots that the structuring element does not fit into go.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.grey_closing([0, 2, 5, 1, 1, 4, 0], size=3)
    array([2, 2, 5, 4, 4, 4, 4])
    """
    call = Call("grey_closing", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output, MAXIMUM, MINIMUM)
    made = write_extrema(call, MAXIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    return call.leave(write_extrema(call, MINIMUM, cval, made, out, windows[1]))


@documented
def morphological_gradient(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take the difference of dilation and erosion.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {element_array}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.morphological_gradient([0, 2, 5, 1, 1, 4, 0], size=3)
    array([2, 5, 4, 4, 3, 4, 4])
    """
    call = Call("morphological_gradient", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output if is_array(output) else None, MAXIMUM, MINIMUM)
    dilated = write_extrema(call, MAXIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    result = write_extrema(call, MINIMUM, cval, x, out, windows[1], ABOVE, dilated)
    return call.leave(result)


@documented
def morphological_laplace(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take the sum of dilation and erosion, less twice the image.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {element_array}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``, and one more where ``input`` is not in the memory order
    of the result.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.morphological_laplace([0, 2, 5, 1, 1, 4, 0], size=3)
    array([ 2,  1, -4,  4,  3, -4,  4])
    """
    call = Call("morphological_laplace", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output if is_array(output) else None, MAXIMUM, MINIMUM)
    x = in_order_of(call, x, out)
    dilated = write_extrema(call, MAXIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    result = write_extrema(call, MINIMUM, cval, x, out, windows[1], LAPLACE, dilated, x)
    return call.leave(result)


@documented
def white_tophat(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take what an opening takes away: the image less its opening.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``, and one more where ``input`` is not in the memory order
    of the result.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.white_tophat([0, 2, 5, 1, 1, 4, 0], size=3)
    array([0, 1, 4, 0, 0, 3, 0])
    """
    call = Call("white_tophat", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output, MINIMUM, MAXIMUM)
    x = in_order_of(call, x, out)
    eroded = write_extrema(call, MINIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    result = write_extrema(call, MAXIMUM, cval, eroded, out, windows[1], of_masks(ABOVE, x, out), x)
    return call.leave(result)


@documented
def black_tophat(
    input: ArrayLike,
    size: int | Iterable[int] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Take what a closing adds: the closing of the image less the image.

    Parameters
    ----------
    {real_input}
    {box_size}
    {footprint}
    {element_structure}
    {filter_output}
    {window_modes}
    {filter_cval}
    {window_origin}
    {axes}
    {threads}

    {element_result}

    Notes
    -----
    Extra memory: an image of the dtype of ``input``, and one more where ``input`` is not in the memory order
    of the result.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.black_tophat([0, 2, 5, 1, 1, 4, 0], size=3)
    array([2, 0, 0, 3, 3, 0, 4])
    """
    call = Call("black_tophat", "extrema1d", threads=threads)
    element = Element(size, footprint, structure, mode, origin, axes)
    x, out, windows = grey_job(call, input, element, output, MAXIMUM, MINIMUM)
    x = in_order_of(call, x, out)
    dilated = write_extrema(call, MAXIMUM, cval, x, call.empty(x.shape, x.dtype, out), windows[0])
    result = write_extrema(call, MINIMUM, cval, dilated, out, windows[1], of_masks(BELOW, x, out), x)
    return call.leave(result)
