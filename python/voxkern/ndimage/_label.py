# SPDX-License-Identifier: Apache-2.0
"""Labelling of connected components, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._runtime.backend import host_array, is_array
from .._runtime.texts import documented
from .._runtime.validate import KERNEL_DTYPES, connected_neighbours
from ._common import Call


@documented
def label(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    output: Any = None,
    *,
    threads: int | None = None,
) -> Any:
    """Find the connected components of what is not zero, and number them.

    Parameters
    ----------
    input : array_like
        Bool, integer, float32 or float64; any number of axes, any memory order. NaN is not zero.
    structure : array_like, optional
        Which neighbours are connected: 3 samples along each axis, symmetric about the centre. Default: those
        that share a face.
    output : array or dtype, optional
        Where to write, or the dtype of the result; default int32.
    {threads}

    Returns
    -------
    labels : array
        0 outside, else the number of the component. They are numbered from 1 by their first samples in C
        order. Not returned where ``output`` is an array.
    count : int
        How many there are.

    Raises
    ------
    RuntimeError, ValueError, TypeError, AssertionError
        As ``scipy.ndimage.label``; RuntimeError where the numbers do not fit the dtype of the output.

    Notes
    -----
    Of a GPU array the host waits for one number, ``count``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.label([0, 1, 1, 0, 1])
    (array([0, 1, 1, 0, 2], dtype=int32), 2)
    """
    call = Call("label", "label", threads=threads)
    x = call.enter_real(input)
    if x.dtype.char not in KERNEL_DTYPES:
        raise TypeError(f"array type {x.dtype!r} not supported")
    connected = _structure(structure, x.ndim)
    line = x.reshape(1) if x.ndim == 0 else x
    components = call.run("label", line, connected.ravel().tolist(), False)
    if is_array(output) and output.shape != x.shape:
        raise ValueError("output shape not correct")
    out = call.scipy_output(np.int32 if output is None else output, x.shape, x)
    if out.dtype.char not in KERNEL_DTYPES:
        raise TypeError(f"output type {out.dtype!r} not supported")
    count = call.run("component_count", line, components)  # on a GPU this alone waits
    if out.dtype.kind in "iu" and count > np.iinfo(out.dtype).max:
        raise RuntimeError("insufficient bit-depth in requested output type")
    call.run("write_labels", out.reshape(1) if out.ndim == 0 else out, components)
    result = call.leave(out)
    return count if is_array(output) else (result, count)


def _structure(structure: ArrayLike | None, ndim: int) -> Any:
    if structure is None:
        return connected_neighbours(max(ndim, 1), 1)
    connected = host_array(structure, "structure").astype(bool)
    if connected.ndim != ndim:
        raise RuntimeError("structure and input must have equal rank")
    if any(n != 3 for n in connected.shape):
        raise ValueError("structure dimensions must be equal to 3")
    if not np.array_equal(connected, np.flip(connected)):
        raise AssertionError("Structuring element is not symmetric")
    return connected.reshape((3,) * max(ndim, 1)) if ndim else connected_neighbours(1, 1)
