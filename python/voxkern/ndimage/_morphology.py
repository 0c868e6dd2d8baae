# SPDX-License-Identifier: Apache-2.0
"""Morphology of masks, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import MorphologyStep
from .._ops.components import write_holes_filled
from .._runtime.backend import host_array, is_array
from .._runtime.texts import documented
from .._runtime.validate import KERNEL_DTYPES, Array
from ._common import Call, normalized_axes, value_per_axis
from ._structure import placed, structure_or_default


def iterate_structure(structure: ArrayLike, iterations: int, origin: Any = None) -> Any:
    """Dilate a structure by itself.

    Parameters
    ----------
    structure : array_like
        What is not zero belongs to it.
    iterations : int
        The structure is dilated once less than this; below 2 it is returned as it is.
    origin : int or sequence, optional
        Where its centre lies.

    Returns
    -------
    structure : array
        ``bool``.
    origin : list
        ``iterations`` times the origin. Not returned where ``origin`` is None, or ``iterations`` below 2.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.iterate_structure([1, 1, 1], 2)
    array([ True,  True,  True,  True,  True])
    """
    once = host_array(structure, "structure")
    if iterations < 2:
        return once.copy()
    more = iterations - 1
    grown = np.zeros([n + more * (n - 1) for n in once.shape], bool)
    grown[tuple(slice(more * (n // 2), more * (n // 2) + n) for n in once.shape)] = once != 0
    result = binary_dilation(grown, once, more)
    if origin is None:
        return result
    return result, [iterations * o for o in value_per_axis(origin, once.ndim)]


@documented
def binary_erosion(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    iterations: int = 1,
    mask: ArrayLike | None = None,
    output: Any = None,
    border_value: int = 0,
    origin: Any = 0,
    brute_force: bool = False,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Keep the samples around which the structure fits into what is not zero.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_iterations}
    {binary_mask}
    {binary_output}
    {border_value}
    {binary_origin}
    {brute_force}
    {binary_axes}
    {threads}

    {binary_result}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_erosion([0, 1, 1, 1, 1, 0])
    array([False, False,  True,  True, False, False])
    """
    call = Call("binary_erosion", "morphology", threads=threads)
    return _run(call, input, structure, iterations, mask, output, border_value, origin, axes, (False,))


@documented
def binary_dilation(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    iterations: int = 1,
    mask: ArrayLike | None = None,
    output: Any = None,
    border_value: int = 0,
    origin: Any = 0,
    brute_force: bool = False,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Put the structure around each sample that is not zero.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_iterations}
    {binary_mask}
    {binary_output}
    {border_value}
    {binary_origin}
    {brute_force}
    {binary_axes}
    {threads}

    {binary_result}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_dilation([0, 0, 1, 0, 0])
    array([False,  True,  True,  True, False])
    """
    call = Call("binary_dilation", "morphology", threads=threads)
    return _run(call, input, structure, iterations, mask, output, border_value, origin, axes, (True,))


@documented
def binary_opening(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    iterations: int = 1,
    output: Any = None,
    origin: Any = 0,
    mask: ArrayLike | None = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Erode, then dilate: what the structure does not fit into goes.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_iterations}
    {binary_output}
    {binary_origin}
    {binary_mask}
    {border_value}
    {brute_force}
    {binary_axes}
    {threads}

    {binary_result}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_opening([0, 1, 0, 1, 1, 1, 0]).astype(int)
    array([0, 0, 0, 1, 1, 1, 0])
    """
    call = Call("binary_opening", "morphology", threads=threads)
    return _run(call, input, structure, iterations, mask, output, border_value, origin, axes, (False, True))


@documented
def binary_closing(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    iterations: int = 1,
    output: Any = None,
    origin: Any = 0,
    mask: ArrayLike | None = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Dilate, then erode: gaps that the structure does not fit into are closed.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_iterations}
    {binary_output}
    {binary_origin}
    {binary_mask}
    {border_value}
    {brute_force}
    {binary_axes}
    {threads}

    {binary_result}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_closing([0, 0, 1, 0, 1, 0, 0]).astype(int)
    array([0, 0, 1, 1, 1, 0, 0])
    """
    call = Call("binary_closing", "morphology", threads=threads)
    return _run(call, input, structure, iterations, mask, output, border_value, origin, axes, (True, False))


@documented
def binary_propagation(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    output: Any = None,
    border_value: int = 0,
    origin: Any = 0,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Dilate within a mask until nothing changes: what samples that are not zero reach.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_mask}
    {binary_output}
    {border_value}
    {binary_origin}
    {binary_axes}
    {threads}

    {binary_result}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_propagation([0, 1, 0, 0, 0], mask=[1, 1, 1, 0, 1]).astype(int)
    array([1, 1, 1, 0, 0])
    """
    call = Call("binary_propagation", "morphology", threads=threads)
    return _run(call, input, structure, -1, mask, output, border_value, origin, axes, (True,))


@documented
def binary_hit_or_miss(
    input: ArrayLike,
    structure1: ArrayLike | None = None,
    structure2: ArrayLike | None = None,
    output: Any = None,
    origin1: Any = 0,
    origin2: Any = None,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Find samples around which all of one structure is not zero, and all of another is.

    Parameters
    ----------
    {binary_input}
    structure1 : array_like, optional
        What must not be zero. Default: the sample and those that share a face with it.
    structure2 : array_like, optional
        What must be zero. Default: the rest of ``structure1``.
    {binary_output}
    origin1, origin2 : int or sequence
        Where the centres lie, as of `binary_erosion`. Default of the second: as the first.
    {binary_axes}
    {threads}

    Returns
    -------
    array
        ``bool``; None where ``output`` is an array.

    Raises
    ------
    RuntimeError, ValueError, TypeError, IndexError
        As ``scipy.ndimage.binary_hit_or_miss``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_hit_or_miss([0, 1, 1, 0, 1, 0], [1, 1, 0]).astype(int)
    array([0, 0, 1, 0, 0, 0])
    """
    call = Call("binary_hit_or_miss", "morphology", threads=threads)
    x = _entered(call, input)
    hit = host_array(structure_or_default(structure1, len(normalized_axes(axes, x.ndim))), "structure1")
    miss = np.logical_not(hit) if structure2 is None else structure2
    second = origin1 if origin2 is None else origin2
    structures = [
        placed(hit, origin1, axes, x.ndim, dilate=False),
        placed(miss, second, axes, x.ndim, dilate=True, mirrored=False),
    ]
    out = _output(call, output, x)
    fits, meets = call.empty(x.shape, bool), call.empty(x.shape, bool)
    for structure, found in zip(structures, (fits, meets), strict=True):
        call.run("morphology", _line(x), None, _line(found), [structure.step(1)])
    call.run("morphology", _line(fits), _line(meets), _line(out), [_nothing(x, dilate=True)])
    result = call.leave(out)
    return None if is_array(output) else result


@documented
def binary_fill_holes(
    input: ArrayLike,
    structure: ArrayLike | None = None,
    output: Any = None,
    origin: Any = 0,
    *,
    axes: Any = None,
    threads: int | None = None,
) -> Any:
    """Fill the holes of what is not zero: zeros that are connected to no end of the array.

    Parameters
    ----------
    {binary_input}
    {binary_structure}
    {binary_output}
    {binary_origin}
    {binary_axes}
    {threads}

    Returns
    -------
    array
        ``bool``; None where ``output`` is an array.

    Raises
    ------
    RuntimeError, ValueError, TypeError, IndexError
        As ``scipy.ndimage.binary_fill_holes``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.binary_fill_holes([0, 1, 0, 0, 1, 0]).astype(int)
    array([0, 1, 1, 1, 1, 0])
    """
    call = Call("binary_fill_holes", "label", "morphology", threads=threads)
    x = _entered(call, input)
    around = placed(structure, origin, axes, x.ndim, dilate=True)
    out = _output(call, output, x)
    target = _bool_for(call, out)
    neighbours = around.neighbours()
    if neighbours is not None:
        write_holes_filled(call, _line(x), neighbours, _line(target))
    elif call.on_device:
        raise call.no_gpu_version("input", of=" with any other structure than 3 x ... x 3")
    else:
        nothing = np.broadcast_to(np.False_, x.shape)
        steps = [around.step(-1, border=True)]
        call.run("morphology", _line(nothing), _line(np.logical_not(x)), _line(target), steps)
        np.logical_not(target, out=target)
    if target is not out:
        call.run("copy", target, out)
    result = call.leave(out)
    return None if is_array(output) else result


def _run(
    call: Call,
    input: Any,
    structure: Any,
    iterations: Any,
    mask: Any,
    output: Any,
    border_value: Any,
    origin: Any,
    axes: Any,
    dilations: tuple[bool, ...],
) -> Any:
    """Erode and dilate, one after the other."""
    try:
        times = operator.index(iterations)
    except TypeError as error:
        raise TypeError("iterations parameter should be an integer") from error
    x = _entered(call, input)
    structures = [placed(structure, origin, axes, x.ndim, dilate=dilate) for dilate in dilations]
    within = None if mask is None else call.enter(mask, "mask")
    if within is not None and within.shape != x.shape:
        raise RuntimeError("mask and input must have equal sizes")
    out = _output(call, output, x)
    border = bool(border_value)
    around = structures[0]
    neighbours = around.neighbours() if times < 1 and dilations == (True,) else None
    if neighbours is not None and neighbours[(1,) * neighbours.ndim]:
        target = _bool_for(call, out)
        within = _everywhere(call, x) if within is None else within
        components = call.run("label", _line(within), neighbours.ravel().tolist(), False)
        call.run("morphology", _line(x), _line(within), _line(target), [around.step(1, border)])
        call.run("fill_touched", _line(target), components)  # those that the first step reaches
        if target is not out:
            call.run("copy", target, out)
    else:
        steps = [s.step(times, border) for s in structures]
        call.run("morphology", _line(x), None if within is None else _line(within), _line(out), steps)
    return call.leave(out)


def _entered(call: Call, input: Any) -> Array:
    x = call.enter_real(input)
    if x.dtype.char not in KERNEL_DTYPES:
        raise RuntimeError(f"array type {x.dtype!r} not supported")
    return x


def _output(call: Call, output: Any, x: Array) -> Array:
    """Return where to write. The kernels read all before they write, so it may be the input itself."""
    out = call.scipy_output(output if is_array(output) else bool, x.shape, x, in_place=True)
    if out.dtype.kind == "c":
        raise TypeError("Complex output type not supported")
    if out.dtype.char not in KERNEL_DTYPES:
        raise RuntimeError(f"array type {out.dtype!r} not supported")
    return out


def _nothing(x: Array, *, dilate: bool) -> MorphologyStep:
    """Return a step by a structure without samples: zeros of a dilation, ones of an erosion."""
    ndim = max(x.ndim, 1)
    return MorphologyStep(structure=np.zeros((1,) * ndim, bool), centre=[0] * ndim, any=dilate)


def _everywhere(call: Call, x: Array) -> Array:
    """Return a mask of ones."""
    if not call.on_device:
        return np.broadcast_to(np.True_, x.shape)
    ones = call.empty(x.shape, bool)
    call.run("morphology", _line(x), None, _line(ones), [_nothing(x, dilate=False)])
    return ones


def _bool_for(call: Call, out: Array) -> Array:
    return out if out.dtype.kind == "b" else call.empty(out.shape, bool)


def _line(x: Array) -> Array:
    """Return what the kernels take: one axis at least."""
    return x.reshape(1) if x.ndim == 0 else x
