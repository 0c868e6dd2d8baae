# SPDX-License-Identifier: Apache-2.0
"""Normalisation and activation: torch.nn.functional's names, arguments and answers, for inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .._core import NormOptions, NormStatistics
from .._runtime.call import Call, is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, flag, number
from ._shapes import FLOAT32

Activation: TypeAlias = str | tuple[str, float] | None

_NO_LINE = (None,) * 5  # weight, bias, mean, variance, moments


@documented
def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    activation: Activation = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Bring each channel of each image to mean 0 and variance 1, then scale, shift and activate it.

    Parameters
    ----------
    input : array
        ``float32``, (N, C, ...) with one spatial axis or more, any memory order. N may be 0.
    {running_statistics}
        Used with ``use_input_stats=False``; never written.
    {scale_and_shift}
    use_input_stats : bool
        Take mean and variance of the input itself, else the given ones.
    {momentum}
    {eps}
    {activation}
    {in_place_out}
    {threads}

    Returns
    -------
    array
        The kind of ``input``, float32, in its memory order. Statistics are summed in float64.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow, and where a channel has one sample.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.instance_norm(np.array([[[1, 3, 1, 3]]], np.float32), eps=0, activation="relu")
    array([[[0., 1., 0., 1.]]], dtype=float32)
    """
    use_input_stats = flag(use_input_stats, "use_input_stats")
    call = Call("instance_norm", "norm", threads=threads)
    x = _enter(call, input, 3)
    if use_input_stats and x.shape[0] > 0 and math.prod(x.shape[2:]) == 1:
        raise ArgumentError(f"input: got shape {x.shape}, allowed more than one sample per channel")
    statistics = NormStatistics.instance if use_input_stats else NormStatistics.given
    channels = (weight, bias, running_mean, running_var)
    return _normalised(call, x, channels, statistics, eps, activation, out)


@documented
def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    activation: Activation = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Bring each channel to mean 0 and variance 1 by known statistics, then scale, shift and activate it.

    Parameters
    ----------
    input : array
        ``float32``, (N, C, ...), any memory order. N may be 0.
    {running_statistics}
        Never written. None is possible with ``training``.
    {scale_and_shift}
    training : bool
        Take mean and variance over all images of the input, not the given ones.
    {momentum}
    {eps}
    {activation}
    {in_place_out}
    {threads}

    Returns
    -------
    array
        The kind of ``input``, float32, in its memory order. Statistics are summed in float64.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> mean, variance = np.array([1, 2], np.float32), np.array([1, 4], np.float32)
    >>> vk.nn.batch_norm(np.array([[1, 2], [3, 4]], np.float32), mean, variance, eps=0)
    array([[0., 0.],
           [2., 1.]], dtype=float32)
    """
    training = flag(training, "training")
    call = Call("batch_norm", "norm", threads=threads)
    x = _enter(call, input, 2)
    if training and x.shape[0] * math.prod(x.shape[2:]) == 1:
        raise ArgumentError(f"input: got shape {x.shape}, allowed more than one sample per channel")
    statistics = NormStatistics.batch if training else NormStatistics.given
    channels = (weight, bias, running_mean, running_var)
    return _normalised(call, x, channels, statistics, eps, activation, out)


@documented
def relu(input: Any, *, out: Any = None, threads: int | None = None) -> Any:
    """Make what is below zero zero; NaN stays.

    Parameters
    ----------
    {samples}
    {in_place_out}
    {threads}

    Returns
    -------
    array
        The kind of ``input``, float32, in its memory order.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.relu(np.array([-1, 0, 2], np.float32))
    array([0., 0., 2.], dtype=float32)
    """
    return _activated(Call("relu", "norm", threads=threads), input, 0.0, out)


@documented
def leaky_relu(
    input: Any, negative_slope: float = 0.01, *, out: Any = None, threads: int | None = None
) -> Any:
    """Multiply what is below zero by a number.

    Parameters
    ----------
    {samples}
    negative_slope : float
        The number.
    {in_place_out}
    {threads}

    Returns
    -------
    array
        The kind of ``input``, float32, in its memory order.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.nn.leaky_relu(np.array([-1, 0, 2], np.float32), 0.5)
    array([-0.5,  0. ,  2. ], dtype=float32)
    """
    slope = number(negative_slope, "negative_slope")
    return _activated(Call("leaky_relu", "norm", threads=threads), input, slope, out)


def norm_by_moments(
    x: Array, moments: Array, layer: Mapping[str, Any], out: Array, threads: int | None
) -> None:
    """Write the instance norm of a part of images whose moments (N, C, 3) a convolution has taken."""
    call = Call("instance_norm", "norm", threads=threads)
    x = _enter(call, x, 3)
    if moments.size and moments[0, 0, 0] == 1:
        raise ArgumentError("input: got one sample per channel, allowed more")
    channels = (layer["weight"], layer["bias"], None, None)
    _normalised(call, x, channels, NormStatistics.known, layer["eps"], layer["activation"], out, moments)


def _enter(call: Call, input: Any, least: int) -> Array:
    if is_volume(input):
        raise ArgumentTypeError("input: got a Volume, allowed arrays of (N, C, ...): its data")
    x = call.enter(input, "input", FLOAT32)
    if x.ndim < least:
        raise ArgumentError(f"input: got shape {x.shape}, allowed (N, C, ...) with {least} axes or more")
    return x


def _slope(activation: Activation) -> float:
    """Return what an activation multiplies values below zero by."""
    if activation is None:
        return 1.0
    if isinstance(activation, str) and activation == "relu":
        return 0.0
    if isinstance(activation, Sequence) and len(activation) == 2 and activation[0] == "leaky_relu":
        return number(activation[1], "activation")
    raise ArgumentError(f"activation: got {shown(activation)}, allowed None, 'relu' or ('leaky_relu', slope)")


def _normalised(
    call: Call,
    x: Array,
    channels: tuple[Any, Any, Any, Any],
    statistics: NormStatistics,
    eps: float,
    activation: Activation,
    out: Any,
    moments: Array | None = None,
) -> Any:
    names = ("weight", "bias", "running_mean", "running_var")
    given = statistics is NormStatistics.given
    entered = []
    for name, array in zip(names, channels, strict=True):
        if array is None and given and name.startswith("running"):
            raise ArgumentError(f"{name}: got None, allowed a number per channel")
        entered.append(None if array is None else call.enter(array, name, FLOAT32))
        if entered[-1] is not None and entered[-1].shape != (x.shape[1],):
            raise ArgumentError(f"{name}: got shape {entered[-1].shape}, allowed ({x.shape[1]},) as channels")
    term = number(eps, "eps")
    if not 0.0 <= term < math.inf:
        raise ArgumentError(f"eps: got {shown(eps)}, allowed a finite number, 0 or more")
    options = NormOptions(statistics=statistics, eps=term, slope=_slope(activation))
    result = call.output(out, x.shape, x, dtypes=FLOAT32, in_place=True)
    call.run("norm", x, result, *entered, moments, None, options)
    return call.leave(result)


def _activated(call: Call, input: Any, slope: float, out: Any) -> Any:
    """Run the same line with mean 0 and variance 1, on one channel of one image."""
    x = call.enter(input, "input", FLOAT32)
    result = call.output(out, x.shape, x, dtypes=FLOAT32, in_place=True)
    call.run("norm", x[None, None], result[None, None], *_NO_LINE, None, _activates(slope))
    return call.leave(result)


def added(a: Array, b: Array, activation: Activation, out: Array | None, threads: int | None) -> Array:
    """Return the activated sum of two arrays, written to ``out`` where it is given; it may be one of them."""
    call = Call("add", "norm", threads=threads)
    x, y = call.enter(a, "input", FLOAT32), call.enter(b, "with", FLOAT32)
    result = call.empty(x.shape, np.float32) if out is None else out
    options = _activates(_slope(activation))
    call.run("norm", x[None, None], result[None, None], *_NO_LINE, y[None, None], options)
    return result


def _activates(slope: float) -> NormOptions:
    return NormOptions(statistics=NormStatistics.given, eps=0.0, slope=slope)
