# SPDX-License-Identifier: Apache-2.0
"""Distance transforms, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._runtime.backend import host_array
from .._runtime.call import is_contiguous
from .._runtime.texts import documented
from .._runtime.validate import Array, connected_neighbours
from ._common import Call, value_per_axis

_TAXICAB = ("taxicab", "cityblock", "manhattan")


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
    {distance_input}
        Without any zero, distances are those to one before the first sample, along the first axis, as
        scipy's are.
    {sampling}
    {return_distances}
    distances : array, optional
        Where to write distances, float64 in the shape of ``input``. They are not returned then.
    {distance_indices}
    {threads}

    Returns
    -------
    distances : array
        ``float64``, in the unit of ``sampling``.
    indices : array
        ``int32``: the index of the nearest zero along each axis. Of zeros that are equally near it is the one
        that scipy names, unless steps differ and rounding decides.

    Raises
    ------
    RuntimeError, ValueError
        As ``scipy.ndimage.distance_transform_edt``; and ValueError for steps that are not above 0.
    TypeError
        ``distances`` or ``indices`` that are no arrays of the input's kind.

    Notes
    -----
    Extra memory: 4 bytes per sample, or 8 where steps are no whole numbers of one unit. CuPy arrays give CuPy
    arrays, and nobody waits; there indices take 8 bytes per sample more.

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
    x = _entered(call, input)
    if x.ndim == 0:
        x = x.reshape(1)
    steps = _steps(sampling, x.ndim)
    far = _target(call, x, distances, "distances", x.shape, "float64") if return_distances else None
    near = _target(call, x, indices, "indices", (x.ndim, *x.shape), "int32") if return_indices else None
    call.run("edt", x, far, near, steps, True)
    return _left(call, (far, distances), (near, indices))


@documented
def distance_transform_cdt(
    input: ArrayLike,
    metric: Any = "chessboard",
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Any = None,
    indices: Any = None,
    *,
    threads: int | None = None,
) -> Any:
    """Return the number of steps from each sample to the nearest zero.

    Parameters
    ----------
    {distance_input}
    metric : {"chessboard", "taxicab"} or array_like
        Steps to all of the 3 x ... x 3 neighbours, or along an axis at a time ("cityblock" and "manhattan"
        are the same). Or a structure of bool, 3 samples along each axis: what is set before its centre, in C
        order, are the steps of a sweep forwards, and turned about the centre those of a sweep backwards.
        What lies behind the centre does not count.
    {return_distances}
    distances : array, optional
        Where to write distances, int32 in the shape of ``input``. They are not returned then.
    {distance_indices}
    {threads}

    Returns
    -------
    distances : array
        ``int32``; -1 where no path leads to a zero.
    indices : array
        ``int32``: the index of the nearest zero along each axis; of equally near zeros the one scipy names. A
        sample without a path gets its own index.

    Raises
    ------
    RuntimeError, ValueError
        As ``scipy.ndimage.distance_transform_cdt``; and ValueError for a structure of another rank.
    TypeError
        ``distances`` or ``indices`` that are no arrays of the input's kind.

    Notes
    -----
    A structure that is not of bool means something else: scipy takes its first bytes for bools, and its own
    tests ask for that. Distances are computed where only indices are asked for, too; there is no other extra
    memory below 2^31 samples. CuPy arrays give CuPy arrays, and nobody waits.

    References
    ----------
    A. Rosenfeld, J. L. Pfaltz, "Distance functions on digital pictures", 1968.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.distance_transform_cdt([0, 1, 1, 1, 0, 1])
    array([0, 1, 2, 1, 0, 1], dtype=int32)
    """
    _check_wanted(return_distances, return_indices, distances, indices)
    call = Call("distance_transform_cdt", "chamfer", threads=threads)
    x = _entered(call, input)
    steps = _structure(metric, x.ndim)
    far = _target(call, x, distances, "distances", x.shape, "int32", ValueError)
    near = None
    if return_indices:
        near = _target(call, x, indices, "indices", (x.ndim, *x.shape), "int32", ValueError)
    _run_chamfer(call, x, far, near, steps, False)
    return _left(call, (far if return_distances else None, distances), (near, indices))


@documented
def distance_transform_bf(
    input: ArrayLike,
    metric: str = "euclidean",
    sampling: Any = None,
    return_distances: bool = True,
    return_indices: bool = False,
    distances: Any = None,
    indices: Any = None,
    *,
    threads: int | None = None,
) -> Any:
    """Return the distance of each sample to the nearest zero, as scipy's search of all zeros gives it.

    Nothing is searched by brute force here: the time is that of `distance_transform_edt` or
    `distance_transform_cdt`. The answers are those of scipy's search.

    Parameters
    ----------
    {distance_input}
    metric : {"euclidean", "taxicab", "chessboard"}
        "cityblock" and "manhattan" are "taxicab".
    {sampling}
        Of use with "euclidean" alone.
    {return_distances}
    distances : array, optional
        Where to write distances, in the shape of ``input``: float64 if "euclidean", else uint32. They are not
        returned then.
    {distance_indices}
    {threads}

    Returns
    -------
    distances : array
        ``float64`` in the unit of ``sampling``, or steps as uint32. Without any zero they are what scipy's
        search starts with: 1.34e154, or 4294967295.
    indices : array
        ``int32``: the index of the nearest zero along each axis; of equally near zeros the last one in C
        order, as in scipy, unless steps differ and rounding decides. Without any zero it is 0.

    Raises
    ------
    RuntimeError, ValueError
        As ``scipy.ndimage.distance_transform_bf``; and ValueError for steps that are not above 0.

    Notes
    -----
    Extra memory: as `distance_transform_edt` or `distance_transform_cdt`, and for indices with "euclidean" as
    much as they take. It runs on the CPU alone.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.distance_transform_bf([0, 1, 1, 1, 0, 1], "taxicab")
    array([0, 1, 2, 1, 0, 1], dtype=uint32)
    """
    _check_wanted(return_distances, return_indices, distances, indices)
    name = metric.lower()
    if name not in ("euclidean", "chessboard", *_TAXICAB):
        raise RuntimeError("distance metric not supported")
    call = Call("distance_transform_bf", "edt", "chamfer", threads=threads)
    x = _entered(call, input)
    if call.on_device:
        raise call.no_gpu_version("input")
    steps = _steps(sampling, x.ndim)
    dtype = "float64" if name == "euclidean" else "uint32"
    far = near = None
    if return_distances or name != "euclidean":
        far = _target(call, x, distances, "distances", x.shape, dtype)
    if return_indices:
        near = _target(call, x, indices, "indices", (x.ndim, *x.shape), "int32")
    if name == "euclidean":
        _run_edt(call, x, far, near, steps)
    else:
        assert far is not None
        _run_chamfer(call, x, far.view(np.int32), near, _structure(name, x.ndim), True)
    if np.all(x):  # scipy's search finds nothing: its largest number, and the first sample
        if far is not None and name == "euclidean":
            far[...] = np.sqrt(np.finfo(np.float64).max)
        if near is not None:
            near[...] = 0
    return _left(call, (far if return_distances else None, distances), (near, indices))


def _entered(call: Call, input: ArrayLike) -> Array:
    x = call.enter(input, "input", None)
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        if call.on_device:
            raise call.no_gpu_version("input", of=" of complex arrays")
        x = np.where(x, True, False)
    return x


def _steps(sampling: Any, ndim: int) -> list[float]:
    steps = [1.0] * ndim if sampling is None else [float(s) for s in value_per_axis(sampling, ndim)]
    if not all(0 < step < np.inf for step in steps):
        raise ValueError(f"sampling: got {sampling!r}, allowed steps above 0")
    return steps


def _structure(metric: Any, ndim: int) -> Array:
    """Return which neighbours are a step away."""
    if isinstance(metric, str):
        if metric not in ("chessboard", *_TAXICAB):
            raise ValueError("invalid metric provided")
        return connected_neighbours(ndim, ndim if metric == "chessboard" else 1)
    structure = np.ascontiguousarray(host_array(metric, "metric"))
    if any(n != 3 for n in structure.shape):
        raise ValueError("metric sizes must be equal to 3")
    if structure.ndim != ndim:
        raise ValueError(f"metric: got {structure.ndim} axes, allowed {ndim}, as many as the input has")
    as_scipy: Array = structure.reshape(-1).view(np.uint8)[: structure.size].reshape(structure.shape) != 0
    return as_scipy


def _run_chamfer(call: Call, x: Array, far: Array, near: Array | None, steps: Array, last_zero: bool) -> None:
    if x.ndim == 0:
        x, far, near, steps = x.reshape(1), far.reshape(1), None, np.ones(3, bool)
    call.run("chamfer", x, far, near, steps.ravel().tolist(), last_zero)


def _run_edt(call: Call, x: Array, far: Array | None, near: Array | None, steps: list[float]) -> None:
    """Write Euclidean distances as scipy's search does: with the last of equally near zeros."""
    if x.ndim == 0:
        x, far, steps = x.reshape(1), None if far is None else far.reshape(1), [1.0]
    if near is None or near.size == 0:
        call.run("edt", x, far, None, steps, True)
    else:  # the first of them, with the axes in reverse order, is the last one of the array turned about
        turned = None if far is None else np.flip(far).T
        places = call.empty((x.ndim, *x.shape[::-1]), "int32")
        call.run("edt", np.flip(x).T, turned, places, steps[::-1], True)
        for axis, extent in enumerate(x.shape):
            np.subtract(extent - 1, np.flip(places[x.ndim - 1 - axis]).T, out=near[axis])


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


def _target(
    call: Call,
    x: Array,
    given: Any,
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    error: type[Exception] = RuntimeError,
) -> Array:
    """Return where the kernel writes: the caller's array, unless it reads from there or cannot write it."""
    if given is None:
        return call.empty(shape, dtype)
    kind = type(x) if call.on_device else np.ndarray
    if not isinstance(given, kind):
        allowed = "a CuPy array" if call.on_device else "a NumPy array"
        raise TypeError(f"{name}: got {type(given).__name__}, allowed {allowed}")
    if given.shape != shape:
        raise error(f"{name} array has wrong shape")
    if given.dtype != dtype:
        raise error(f"{name} array must be {dtype}")
    direct = call.on_device or (given.flags.aligned and given.flags.writeable)
    direct = direct and is_contiguous(given, list(range(given.ndim)))
    return given if direct and not call.overlap(x, given) else call.empty(shape, dtype)


def _left(call: Call, *outputs: tuple[Array | None, Any]) -> Any:
    """Return what the caller gave no array for; fill the arrays given. Distances come first."""
    results = []
    for place, (written, given) in enumerate(outputs):
        if written is None:
            continue
        if given is None:
            results.append(call.leave(written, bare=place > 0))
        elif written is not given and call.on_device:
            call.run("copy", written, given)
        elif written is not given:
            given[...] = written
    return tuple(results) if len(results) > 1 else results[0] if results else None
