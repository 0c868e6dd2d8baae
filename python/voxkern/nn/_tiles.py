# SPDX-License-Identifier: Apache-2.0
"""Whole volumes piece by piece: tiles that change no value, and windows whose results are averaged."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime import validate
from .._runtime.backend import dlpack_library
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array
from ._layers import Reach
from ._sequential import INDICES, Sequential
from ._shapes import FLOAT32, SPATIAL, PerAxis, enter, per_axis

SCORES = frozenset("efd")
WEIGHTS = ("gaussian", "constant")
CONVENTIONS = ("nnunet", "monai")
_LEAST_SCALE = 1e-6


@documented
def run_in_tiles(
    network: Sequential, x: Any, tile: PerAxis = 96, *, out: Any = None, threads: int | None = None
) -> Any:
    """Run a network on a large image tile by tile, with the result of the whole.

    Each tile is computed with the samples around it that its outputs read. The result is that of
    ``network(x)`` within the rounding of float32. Memory beside input and output is what the network needs
    for one tile.

    Parameters
    ----------
    network : Sequential
        Of layers that read a neighbourhood. Norms of the image's own statistics, adaptive pools, ``flatten``
        and ``linear`` read all of it; `sliding_window` runs networks with such layers.
    x : (N, C, ...) or (C, ...) array
        ``float32``. It may be a memory map.
    tile : int or sequence of int
        Samples of the input a tile advances by along the spatial axes, rounded up to what the network's
        strides divide. Larger tiles compute less twice.
    out : array, optional
        Where to write; exact shape, no memory shared with ``x``. It may be a memory map.
    {threads}

    Returns
    -------
    array
        As ``network(x)``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow, with the layer that reads its whole input.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> network = vk.nn.Sequential([{"type": "conv3d", "weight": np.ones((1, 1, 3, 3, 3)), "padding": 1}])
    >>> x = np.ones((1, 20, 20, 20), np.float32)
    >>> bool(np.all(vk.nn.run_in_tiles(network, x, tile=8) == network(x)))
    True
    """
    call = Call("run_in_tiles", "copy", threads=threads)
    if not isinstance(network, Sequential):
        raise ArgumentError(f"network: got {type(network).__name__}, allowed a Sequential")
    rank = network.rank
    array = enter(call, x, "x", rank)
    steps = per_axis(tile, rank, "tile", least=1, absent=1)[SPATIAL - rank :]
    shape = network.output_shape(array.shape)
    dtypes, dtype = (INDICES, np.int64) if network.gives_indices else (FLOAT32, np.float32)
    target = call.output(out, shape, array, dtype=dtype, dtypes=dtypes)
    sizes = zip(array.shape[-rank:], shape[-rank:], steps, network.reach(), network.alignment(), strict=True)
    for cuts in itertools.product(*(list(_cuts(*axis)) for axis in sizes)):
        source, crop, place = zip(*cuts, strict=True)
        made = network(_at(array, source), threads=threads)
        if made.size:
            call.run("copy", _at(made, crop), _at(target, place))
    return call.leave(target)


def _at(array: Array, place: tuple[slice, ...]) -> Array:
    """Return a part of the last axes."""
    index: tuple[Any, ...] = (..., *place)
    part: Array = array[index]
    return part


def _cuts(n: int, m: int, tile: int, reach: Reach, alignment: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield along an axis: what a tile reads, which part of its result is kept, and where that goes."""
    advance = int(-(-tile // alignment) * alignment / reach.stride)
    for first in range(0, m, advance):
        last = min(first + advance, m)
        low = math.floor(first * reach.stride + reach.low)
        high = math.ceil((last - 1) * reach.stride + reach.high) + 1
        start = min(max(low, 0), n - 1) // alignment * alignment
        stop = min(-(-high // alignment) * alignment, n)
        shift = int(start / reach.stride)
        yield slice(start, stop), slice(first - shift, last - shift), slice(first, last)


@documented
def sliding_window(
    predict: Callable[[Any], Any],
    x: Any,
    window: Sequence[int],
    *,
    overlap: float = 0.5,
    weights: str = "gaussian",
    sigma_scale: float = 0.125,
    convention: str = "nnunet",
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Predict window by window, and average where windows overlap.

    Parameters
    ----------
    predict : callable
        Takes a window (N, C, window...) or (C, window...) of what ``x`` is, an array or a tensor; returns
        scores (N, K, window...) or (K, window...). A `Sequential`, or any other function.
    x : (N, C, ...) or (C, ...) array
        ``float32``. Where it is smaller than the window, zeros are put around it, and their scores cut off.
    window : sequence of int
        Samples along each of one to three spatial axes.
    overlap : float
        Part of a window that the next one covers, too, at least: from 0 to below 1.
    weights : {"gaussian", "constant"}
        Scores count less towards the edges of a window, or alike.
    sigma_scale : float
        Standard deviation of the Gaussian, in windows.
    convention : {"nnunet", "monai"}
        Where windows lie and how the Gaussian is made. ``nnunet``: windows at equal distances, the Gaussian
        around sample ``n // 2``, cut at four deviations, zeros replaced by its smallest value. ``monai``:
        steps of ``int(n * (1 - overlap))``, the last window at the end, the Gaussian around the middle, at
        least 0.001.
    out : array, optional
        Where to write; exact shape, float32, no memory shared with ``x``. It may be a memory map.
    {threads}
        It copies arrays; ``predict`` has threads of its own.

    Returns
    -------
    array
        Scores (N, K, ...) or (K, ...), float32.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    Scores are added to the result at once. Memory beside it: one number per sample of ``x``, and one window.
    Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image
    segmentation", Nature Methods 18 (2021); Cardoso et al., "MONAI", arXiv:2211.02701.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> x = np.arange(5, dtype=np.float32).reshape(1, 5)
    >>> vk.nn.sliding_window(lambda part: 2 * part, x, (4,), weights="constant")
    array([[0., 2., 4., 6., 8.]], dtype=float32)
    """
    if not callable(predict):
        raise ArgumentTypeError(f"predict: got {type(predict).__name__}, allowed a callable")
    call = Call("sliding_window", threads=threads)
    sides = _sides(window)
    array = enter(call, x, "x", len(sides))
    sizes = array.shape[-len(sides) :]
    if array.size == 0:
        raise ArgumentError(f"x: got shape {array.shape}, allowed at least one sample")
    starts = _starts(sizes, sides, overlap, convention)
    importance = _importance(sides, weights, sigma_scale, convention)
    library = dlpack_library(x)
    total = np.zeros(sizes, np.float32)
    target: Array | None = None
    for corner in itertools.product(*starts):
        place, crop = _inside(corner, sizes, sides)
        voxels = _window(array, place, crop, sides)
        given = predict(voxels if library is None else library.from_dlpack(voxels))
        scores = Call("sliding_window").enter(given, "predict", SCORES)
        if target is None:
            channels = scores.shape[-len(sides) - 1 : -len(sides)]
            shape = (*array.shape[: -len(sides) - 1], *channels, *sizes)
            target = call.output(out, shape, array, dtypes=FLOAT32)
            target[...] = 0
        wanted = (*target.shape[: -len(sides)], *sides)
        if scores.shape != wanted:
            raise ArgumentError(f"predict: got scores of shape {scores.shape}, allowed {wanted}")
        part = _at(target, place)
        part += _at(scores, crop) * importance[crop]
        total[place] += importance[crop]
    assert target is not None, "there is at least one window"
    target /= total
    return call.leave(target)


def _sides(window: Any) -> tuple[int, ...]:
    sides = tuple(window) if isinstance(window, Sequence) else ()
    if not 1 <= len(sides) <= SPATIAL:
        raise ArgumentError(f"window: got {shown(window)}, allowed one to {SPATIAL} whole numbers")
    return per_axis(sides, len(sides), "window", least=1, absent=1)[SPATIAL - len(sides) :]


def _starts(sizes: tuple[int, ...], sides: tuple[int, ...], overlap: Any, convention: str) -> list[list[int]]:
    """Return where windows begin along each axis; below 0 where the window is larger than the image."""
    validate.word(convention, "convention", CONVENTIONS)
    overlap = validate.number(overlap, "overlap")
    if not 0 <= overlap < 1:
        raise ArgumentError(f"overlap: got {overlap}, allowed 0 to below 1")
    starts = []
    for n, side in zip(sizes, sides, strict=True):
        if n <= side:
            starts.append([-((side - n) // 2)])
        elif convention == "nnunet":
            count = math.ceil((n - side) / (side * (1 - overlap))) + 1
            starts.append([round((n - side) / (count - 1) * k) for k in range(count)])
        else:
            step = max(int(side * (1 - overlap)), 1)
            starts.append([min(k * step, n - side) for k in range(-(-(n - side) // step) + 1)])
    return starts


def _importance(
    sides: tuple[int, ...], weights: str, sigma_scale: Any, convention: str
) -> NDArray[np.float32]:
    """Return what the scores of a window are multiplied with."""
    validate.word(weights, "weights", WEIGHTS)
    scale = validate.number(sigma_scale, "sigma_scale")
    if not _LEAST_SCALE <= scale < math.inf:
        raise ArgumentError(f"sigma_scale: got {shown(sigma_scale)}, allowed {_LEAST_SCALE:g} or more")
    if weights == "constant":
        return np.ones(sides, np.float32)
    lines = []
    for n in sides:
        sigma = n * scale
        middle = n // 2 if convention == "nnunet" else (n - 1) / 2
        line = np.exp(-0.5 * ((np.arange(n) - middle) / sigma) ** 2)
        if convention == "nnunet":
            line[np.abs(np.arange(n) - middle) > int(4 * sigma + 0.5)] = 0.0
        lines.append(line)
    product: NDArray[np.float64] = functools.reduce(np.multiply.outer, lines)
    if convention == "nnunet":
        product[product == 0] = product[product > 0].min()
    else:
        product = np.maximum(product, 1e-3)
    return product.astype(np.float32)


def _inside(
    corner: tuple[int, ...], sizes: tuple[int, ...], sides: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a window lies in the image, and which part of the window that is."""
    place, crop = [], []
    for start, n, side in zip(corner, sizes, sides, strict=True):
        first, last = max(start, 0), min(start + side, n)
        place.append(slice(first, last))
        crop.append(slice(first - start, last - start))
    return tuple(place), tuple(crop)


def _window(array: Array, place: tuple[slice, ...], crop: tuple[slice, ...], sides: tuple[int, ...]) -> Array:
    """Return a window, with zeros around what the image has of it."""
    part = _at(array, place)
    if part.shape[-len(sides) :] == sides:
        return part
    padding = [(c.start, side - c.stop) for c, side in zip(crop, sides, strict=True)]
    padded: Array = np.pad(part, [(0, 0)] * (array.ndim - len(sides)) + padding)
    return padded
