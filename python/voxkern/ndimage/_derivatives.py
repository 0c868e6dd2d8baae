# SPDX-License-Identifier: Apache-2.0
"""Filters that differentiate, drop-in for ``scipy.ndimage``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import AxisFilter, Combine, SeparableOptions
from .._runtime.backend import is_array
from .._runtime.texts import documented
from .._runtime.validate import Array
from ._common import DTYPES, Call, known_mode, normalized_axes, normalized_axis, value_per_axis
from ._filters import gaussian_passes, run_filters, weighted

_DIFFERENCE = np.array([-1.0, 0.0, 1.0]).tobytes()
_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0]).tobytes()
_PREWITT = np.array([1.0, 1.0, 1.0]).tobytes()
_SOBEL = np.array([1.0, 2.0, 1.0]).tobytes()


@documented
def prewitt(
    input: ArrayLike,
    axis: int = -1,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    *,
    threads: int | None = None,
) -> Any:
    """Differentiate along one axis, and add up three neighbours along each other: Prewitt's filter.

    Parameters
    ----------
    {input}
    axis : int
        Axis to differentiate along.
    {filter_output}
    {every_mode}
    {filter_cval}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``: the difference of the two neighbours, not divided by anything.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.prewitt``.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.prewitt(np.arange(9).reshape(3, 3), axis=0)
    array([[ 9,  9,  9],
           [18, 18, 18],
           [ 9,  9,  9]])
    """
    call = Call("prewitt", "correlate1d", threads=threads)
    x = _enter(call, input, output)
    return run_filters(call, x, _edge_filters(x, _PREWITT, axis, mode), output, cval)


@documented
def sobel(
    input: ArrayLike,
    axis: int = -1,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    *,
    threads: int | None = None,
) -> Any:
    """Differentiate along one axis, and smooth by (1, 2, 1) along each other: Sobel's filter.

    Parameters
    ----------
    {input}
    axis : int
        Axis to differentiate along.
    {filter_output}
    {every_mode}
    {filter_cval}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``: the difference of the two neighbours, not divided by anything.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.sobel``.

    Examples
    --------
    >>> import numpy as np
    >>> from voxkern import ndimage
    >>> ndimage.sobel(np.arange(9).reshape(3, 3), axis=0)
    array([[12, 12, 12],
           [24, 24, 24],
           [12, 12, 12]])
    """
    call = Call("sobel", "correlate1d", threads=threads)
    x = _enter(call, input, output)
    return run_filters(call, x, _edge_filters(x, _SOBEL, axis, mode), output, cval)


def _edge_filters(x: Array, across: bytes, axis: int, mode: Any) -> list[AxisFilter]:
    axis = normalized_axis(axis, x.ndim)
    modes = [known_mode(m) for m in value_per_axis(mode, x.ndim)]
    filters = [weighted(axis, _DIFFERENCE, modes[axis], 0)]
    return filters + [weighted(a, across, modes[a], 0) for a in range(x.ndim) if a != axis]


@documented
def laplace(
    input: ArrayLike,
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Add up the second differences along the axes.

    Parameters
    ----------
    {input}
    {separate_output}
    {filter_modes}
    {filter_cval}
    {axes}
    {threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.laplace``.

    Notes
    -----
    {derivative_memory}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.laplace([0, 1, 4, 9, 16])
    array([ 1,  2,  2,  2, -7])
    """
    call = Call("laplace", "separable", threads=threads)
    x = _enter(call, input, output)
    chosen = normalized_axes(axes, x.ndim)
    modes = [known_mode(m) for m in value_per_axis(mode, len(chosen))]
    terms = [[weighted(a, _SECOND_DIFFERENCE, m, 0)] for a, m in zip(chosen, modes, strict=True)]
    return _combined(call, x, terms, modes, Combine.sum, output, cval)


@documented
def gaussian_laplace(
    input: ArrayLike,
    sigma: float | Iterable[float],
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
    **kwargs: Any,
) -> Any:
    """Add up the second derivatives of a Gaussian along the axes.

    Parameters
    ----------
    {input}
    sigma : float or sequence
        Standard deviation in voxels; one value, or one per axis of ``axes``. Other axes are not smoothed.
    {separate_output}
    mode : str or sequence
        How lines continue beyond their ends, as for `gaussian_filter`; one mode, or one for each
        derivative, which then holds for all its axes.
    {filter_cval}
    {axes}
    {threads}
    **kwargs
        ``truncate`` and ``radius`` of `gaussian_filter`.

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.gaussian_laplace``.

    Notes
    -----
    {derivative_memory}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 1).round(3)
    array([ 0.197,  0.002, -0.399,  0.002,  0.197])
    """
    call = Call("gaussian_laplace", "separable", threads=threads)
    x = _enter(call, input, output)
    chosen = normalized_axes(axes, x.ndim)
    sigmas = [0.0] * x.ndim
    for axis, s in zip(chosen, value_per_axis(sigma, len(chosen)), strict=True):
        sigmas[axis] = s
    modes = value_per_axis(mode, len(chosen))
    terms = _gaussian_terms(x.ndim, chosen, sigmas, 2, modes, kwargs)
    return _combined(call, x, terms, modes, Combine.sum, output, cval)


@documented
def gaussian_gradient_magnitude(
    input: ArrayLike,
    sigma: float | Iterable[float],
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
    **kwargs: Any,
) -> Any:
    """Return the length of the gradient that derivatives of a Gaussian give.

    Parameters
    ----------
    {input}
    sigma : float or sequence
        Standard deviation in voxels; one value, or one per axis. Axes that are not among ``axes`` are
        smoothed as well.
    {separate_output}
    mode : str or sequence
        How lines continue beyond their ends, as for `gaussian_filter`; one mode, or one for each
        derivative, which then holds for all its axes.
    {filter_cval}
    axes : int or sequence, optional
        Axes whose derivatives are taken; all by default.
    {threads}
    **kwargs
        ``truncate`` and ``radius`` of `gaussian_filter`.

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.gaussian_gradient_magnitude``.

    Notes
    -----
    {derivative_memory}

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.gaussian_gradient_magnitude([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 1).round(3)
    array([0.013, 0.122, 0.364, 0.364, 0.122, 0.013])
    """
    call = Call("gaussian_gradient_magnitude", "separable", threads=threads)
    x = _enter(call, input, output)
    chosen = normalized_axes(axes, x.ndim)
    modes = value_per_axis(mode, len(chosen))
    terms = _gaussian_terms(x.ndim, chosen, sigma, 1, modes, kwargs)
    return _combined(call, x, terms, modes, Combine.magnitude, output, cval)


@documented
def generic_laplace(
    input: ArrayLike,
    derivative2: Callable[..., Any],
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Add up the second derivatives along the axes that a function computes.

    Parameters
    ----------
    input : array_like
        Any dtype that ``derivative2`` takes.
    derivative2 : callable
        ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)`` writes into
        ``output`` where that is an array; where it is a dtype it returns a new array.
    {separate_output}
    {filter_modes}
    {filter_cval}
    {extra_arguments}
    {extra_keywords}
    {axes}
    {callable_threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.generic_laplace``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> def second(input, axis, output, mode, cval):
    ...     return ndimage.correlate1d(input, [1, -2, 1], axis, output, mode, cval)
    >>> ndimage.generic_laplace([0, 1, 4, 9, 16], second)
    array([ 1,  2,  2,  2, -7])
    """
    call = Call("generic_laplace", threads=threads)
    return _generic(
        call, Combine.sum, input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes
    )


@documented
def generic_gradient_magnitude(
    input: ArrayLike,
    derivative: Callable[..., Any],
    output: Any = None,
    mode: str | Iterable[str] = "reflect",
    cval: float = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Iterable[int] | None = None,
    threads: int | None = None,
) -> Any:
    """Return the length of the gradient whose parts a function computes.

    Parameters
    ----------
    input : array_like
        Any dtype that ``derivative`` takes.
    derivative : callable
        ``derivative(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)`` writes into
        ``output`` where that is an array; where it is a dtype it returns a new array, which is then
        overwritten.
    {separate_output}
    {filter_modes}
    {filter_cval}
    {extra_arguments}
    {extra_keywords}
    {axes}
    {callable_threads}

    Returns
    -------
    array
        Same shape as ``input``.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As ``scipy.ndimage.generic_gradient_magnitude``.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.generic_gradient_magnitude([0.0, 1.0, 4.0, 9.0], ndimage.sobel)
    array([1., 4., 8., 5.])
    """
    call = Call("generic_gradient_magnitude", threads=threads)
    return _generic(
        call, Combine.magnitude, input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes
    )


def _enter(call: Call, input: ArrayLike, output: Any) -> Array:
    x = call.enter(input, "input", DTYPES)
    if x.dtype.kind == "c" and output is not None and not is_array(output) and np.dtype(output).kind != "c":
        raise RuntimeError("output must have complex dtype")  # scipy promotes it elsewhere, but not here
    return x


def _gaussian_terms(
    ndim: int, axes: Sequence[int], sigma: Any, order: int, modes: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[list[AxisFilter]]:
    """Return the derivative along each of the axes, which smooths along all."""
    return [
        gaussian_passes(range(ndim), sigma, [order if a == axis else 0 for a in range(ndim)], mode, **kwargs)
        for axis, mode in zip(axes, modes, strict=True)
    ]


def _combined(
    call: Call,
    x: Array,
    terms: list[list[AxisFilter]],
    modes: Sequence[Any],
    combine: Combine,
    output: Any,
    cval: float,
) -> Any:
    """Run the terms in one sweep where the kernel can, else one after the other."""
    out = call.scipy_output(output, x.shape, x)
    if call.on_device:
        _combine_on_gpu(call, x, out, terms, combine, cval)
    elif not terms:
        out[...] = x
    elif out.dtype.kind == "f" and x.ndim > 0 and x.ndim <= 3 and len(set(modes)) == 1:
        ((source, target, outside),) = call.parts(x, out, cval)
        options = SeparableOptions(combine=combine, cval=outside)
        call.run("separable", source, target[..., None], terms, options)
    else:

        def term(k: int, to: Array) -> Array:
            for source, target, outside in call.parts(x, to, cval, terms[k]):
                call.run("correlate1d", source, target, terms[k], outside)
            return to

        _accumulate(out, term, len(terms), combine, lambda: call.empty(x.shape, out.dtype))
    return call.leave(out)


def _combine_on_gpu(
    call: Call, x: Array, out: Array, terms: list[list[AxisFilter]], combine: Combine, cval: float
) -> None:
    if out.dtype.kind == "b" or (out.dtype.kind == "c" and combine == Combine.magnitude):
        raise call.no_gpu_version("input", of=f" with an output of {out.dtype}")
    for source, target, outside in call.parts(x, out, cval):
        options = SeparableOptions(combine=combine if terms else Combine.sum, cval=outside)
        call.run("separable", source, target[..., None], terms or [[]], options)


def _generic(
    call: Call,
    combine: Combine,
    input: ArrayLike,
    derivative: Callable[..., Any],
    output: Any,
    mode: Any,
    cval: float,
    extra_arguments: Sequence[Any],
    extra_keywords: Mapping[str, Any] | None,
    axes: int | Iterable[int] | None,
) -> Any:
    x = call.enter(input, "input", None)
    out = call.scipy_output(output, x.shape, x)
    chosen = normalized_axes(axes, x.ndim)
    modes = value_per_axis(mode, len(chosen))
    keywords = extra_keywords or {}

    def term(k: int, to: Any) -> Any:
        return derivative(x, chosen[k], to, modes[k], cval, *extra_arguments, **keywords)

    if chosen:
        _accumulate(out, term, len(chosen), combine, lambda: out.dtype)
    else:
        out[...] = x
    return call.leave(out)


def _accumulate(
    out: Array, term: Callable[[int, Any], Any], count: int, combine: Combine, fresh: Callable[[], Any]
) -> None:
    """Combine the terms as scipy does: in the dtype of ``out``, which wraps where it is one of integers."""
    squared = combine == Combine.magnitude
    term(0, out)
    if squared:
        np.multiply(out, out, out)
    for k in range(1, count):
        values = term(k, fresh())
        if squared:
            np.multiply(values, values, values)
        out += values
    if squared:
        np.sqrt(out, out, casting="unsafe")
