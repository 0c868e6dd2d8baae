# SPDX-License-Identifier: Apache-2.0
"""Distance transforms, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._runtime.texts import documented
from .._runtime.validate import Array
from ._common import Call, value_per_axis


@documented
def distance_transform_edt(
    input: ArrayLike,
    sampling: Any = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Any = None,
    indices: Any = None,
    *,
    threads: int | None = None,
) -> Any:
    """Return the Euclidean distance of each sample to the nearest zero.

    Parameters
    ----------
    input : array_like
        What is not zero gets a distance; any dtype, any number of axes, any memory order. Without any zero,
        distances are those to one before the first sample, along the first axis, as scipy's are.
    sampling : float or sequence, optional
        Size of a step along each axis, above 0; default 1.
    return_distances, return_indices : bool
        What to return; one of them at least.
    distances : array, optional
        Where to write distances, float64 in the shape of ``input``. They are not returned then.
    indices : array, optional
        Where to write indices, int32 of shape ``(input.ndim, *input.shape)``. They are not returned then.
    {threads}

    Returns
    -------
    distances : array
        float64, in the unit of ``sampling``.
    indices : array
        int32: the index of the nearest zero along each axis. Of zeros that are equally near it is the one
        that scipy names, unless steps differ and rounding decides.

    Raises
    ------
    RuntimeError, ValueError
        As ``scipy.ndimage.distance_transform_edt``; and ValueError for steps that are not above 0.

    References
    ----------
    A. Meijster, J. B. T. M. Roerdink, W. H. Hesselink, "A general algorithm for computing distance
    transforms in linear time", 2000.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.distance_transform_edt([0, 1, 1, 1, 0, 1], sampling=2)
    array([0., 2., 4., 2., 0., 2.])
    """
    _check_wanted(return_distances, return_indices, distances, indices)
    call = Call("distance_transform_edt", "edt", threads=threads)
    x = call.enter(input, "input", None)
    if x.ndim == 0:
        x = x.reshape(1)
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        x = np.where(x, True, False)
    steps = [1.0] * x.ndim if sampling is None else [float(s) for s in value_per_axis(sampling, x.ndim)]
    if not all(0 < step < np.inf for step in steps):
        raise ValueError(f"sampling: got {sampling!r}, allowed steps above 0")
    far = _target(call, x, distances, "distances", x.shape, "float64") if return_distances else None
    near = _target(call, x, indices, "indices", (x.ndim, *x.shape), "int32") if return_indices else None
    call.run("edt", x, far, near, steps, True)
    for given, written in ((distances, far), (indices, near)):
        if given is not None and written is not given:
            given[...] = written
    results: list[Any] = []
    if far is not None and distances is None:
        results.append(call.leave(far))
    if near is not None and indices is None:
        results.append(call.leave(near, bare=True))
    return tuple(results) if len(results) > 1 else results[0] if results else None


def _check_wanted(return_distances: bool, return_indices: bool, distances: Any, indices: Any) -> None:
    messages = []
    if not return_distances and not return_indices:
        messages.append("at least one of return_distances/return_indices must be True")
    if distances is not None and not return_distances:
        messages.append("return_distances must be True if distances is supplied")
    if indices is not None and not return_indices:
        messages.append("return_indices must be True if indices is supplied")
    if messages:
        raise RuntimeError(", ".join(messages))


def _target(call: Call, x: Array, given: Any, name: str, shape: tuple[int, ...], dtype: str) -> Array:
    """Return where the kernel writes: the caller's array, unless it reads from there or cannot write it."""
    if given is None:
        return call.empty(shape, dtype)
    if not isinstance(given, np.ndarray):
        raise TypeError(f"{name}: got {type(given).__name__}, allowed a NumPy array")
    if given.shape != shape:
        raise RuntimeError(f"{name} array has wrong shape")
    if given.dtype != dtype:
        raise RuntimeError(f"{name} array must be {dtype}")
    direct = given.flags.c_contiguous and given.flags.aligned and given.flags.writeable
    return given if direct and not call.overlap(x, given) else call.empty(shape, dtype)
