# SPDX-License-Identifier: Apache-2.0
"""Correlation and convolution with weights of any shape, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import CorrelateFilter
from .._runtime.backend import host_array
from .._runtime.texts import documented
from .._runtime.validate import FILTER_MODES, Array
from ._common import DTYPES, Call, known_mode, normalized_axes, run_complex, value_per_axis


@documented
def correlate(
    input: ArrayLike,
    weights: ArrayLike,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Correlate along several axes at once with weights of any shape.

    Parameters
    ----------
    {input}
    {conjugated_weights}
    {dense_output}
    {dense_mode}
    {filter_cval}
    {dense_origin}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``; complex if it or the weights are. Integer results truncate and wrap, as
        scipy's do.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.correlate``.

    Notes
    -----
    {dense_notes}

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.correlate(np.arange(9).reshape(3, 3), [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    array([[ 4,  8, 12],
           [16, 20, 24],
           [28, 32, 36]])
    """
    call = Call("correlate", "correlate", threads=threads)
    x = call.enter(input, "input", DTYPES)
    taps = host_array(weights, "weights")

    def make(real: Array) -> CorrelateFilter:
        return _filter(x, real, mode, origin, axes)

    if taps.dtype.kind == "c":
        return run_complex(call, "correlate", x, taps.conj(), make, output, cval)
    return _run(call, x, make(taps), output, cval)


@documented
def convolve(
    input: ArrayLike,
    weights: ArrayLike,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int | Iterable[int] = 0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Convolve along several axes at once: `correlate` with the weights reversed.

    Parameters
    ----------
    {input}
    {dense_weights}
    {dense_output}
    {dense_mode}
    {filter_cval}
    {dense_origin}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``; complex if it or the weights are.

    Notes
    -----
    {dense_notes}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.convolve([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]])
    """
    call = Call("convolve", "correlate", threads=threads)
    x = call.enter(input, "input", DTYPES)
    taps = host_array(weights, "weights")

    def make(real: Array) -> CorrelateFilter:
        return _filter(x, real, mode, origin, axes, convolution=True)

    if taps.dtype.kind == "c":
        return run_complex(call, "correlate", x, taps, make, output, cval)
    return _run(call, x, make(taps), output, cval)


def _run(call: Call, x: Array, only: CorrelateFilter, output: Any, cval: complex) -> Any:
    out = call.scipy_output(output, x.shape, x)
    for source, target, outside in call.parts(x, out, cval, [only]):
        call.run("correlate", source, target, only, outside)
    return call.leave(out)


def _filter(
    x: Array,
    weights: Array,
    mode: str,
    origin: int | Iterable[int],
    axes: int | Iterable[int] | None,
    convolution: bool = False,
) -> CorrelateFilter:
    """Return the weights with an axis for each of the image's."""
    taps = np.asarray(weights, np.float64)
    chosen = normalized_axes(axes, x.ndim)
    origins = [operator.index(o) for o in value_per_axis(origin, len(chosen))]
    if taps.ndim != len(chosen) or taps.size == 0:
        raise RuntimeError(f"weights.ndim ({taps.ndim}) must match len(axes) ({len(chosen)}), none empty")
    if len(chosen) < x.ndim:
        # As in scipy the weights' axes are those of the image in rising order, and each origin is its axis's.
        taps = np.expand_dims(taps, tuple(a for a in range(x.ndim) if a not in chosen))
        placed = dict(zip(chosen, origins, strict=True))
        origins = [placed.get(a, 0) for a in range(x.ndim)]
    if convolution:
        taps = np.flip(taps)
        origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(origins, taps.shape, strict=True)]
    for o, n in zip(origins, taps.shape, strict=True):
        if not 0 <= n // 2 + o < n:
            raise ValueError(
                "Invalid origin; origin must satisfy "
                "-(weights.shape[k] // 2) <= origin[k] <= (weights.shape[k]-1) // 2"
            )
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError("A sequence of modes is not supported")
    return CorrelateFilter(weights=taps, origins=origins, mode=FILTER_MODES[known_mode(mode)])
