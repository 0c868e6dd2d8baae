# SPDX-License-Identifier: Apache-2.0
"""Convolutions and transposed convolutions in one to three dimensions, with the signatures of torch.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285 (2016).
"""

from __future__ import annotations

from typing import Any

from .._runtime.texts import documented_by
from ._conv_layer import Activation, Padding, prepared
from ._shapes import PerAxis

_CONV = """\
Parameters
----------
input : array_like
    ``float32``, (N, C, {axes}) or (C, {axes}); any memory order.
weight : array_like
    ``float32``, (out channels, in channels / groups, {axes}).
{conv_bias}
{conv_stride}
{conv_padding}
{conv_dilation}
{conv_groups}
{conv_algorithm}
{conv_activation}
{conv_residual}
{conv_out}
{threads}

{conv_result}

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.ones((1, 4, {nines}), np.float32)
>>> vk.nn.conv{rank}d(x, np.ones((8, 4, {threes}), np.float32), padding="same").shape
(1, 8, {nines})
"""

_CONV_TRANSPOSE = """\
Parameters
----------
input : array_like
    ``float32``, (N, C, {axes}) or (C, {axes}); any memory order.
weight : array_like
    ``float32``, (in channels, out channels / groups, {axes}).
{conv_bias}
stride : int or sequence
    Samples of the output from one sample of the input to the next.
padding : int or sequence
    Samples cut off on either side of the output.
output_padding : int or sequence
    Samples added behind the output, fewer than stride or dilation.
{conv_groups}
{conv_dilation}
{conv_algorithm}
{conv_activation}
{conv_residual}
{conv_out}
{threads}

{conv_result}

Examples
--------
>>> import numpy as np, voxkern as vk
>>> x = np.ones((1, 4, {nines}), np.float32)
>>> vk.nn.conv_transpose{rank}d(x, np.ones((4, 2, {twos}), np.float32), stride=2).shape
(1, 2, {eighteens})
"""


def _words(rank: int) -> dict[str, str]:
    """Return the words of a docstring for so many spatial axes."""
    numbers = {"nines": "9", "threes": "3", "twos": "2", "eighteens": "18"}
    axes = {"rank": str(rank), "axes": ", ".join("DHW"[-rank:])}
    return axes | {key: ", ".join([number] * rank) for key, number in numbers.items()}


@documented_by(_CONV, **_words(1))
def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Convolve (N, C, W) with a kernel, as ``torch.nn.functional.conv1d``."""
    call, x, layer = prepared(
        1, "conv1d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented_by(_CONV, **_words(2))
def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Convolve (N, C, H, W) with a kernel, as ``torch.nn.functional.conv2d``."""
    call, x, layer = prepared(
        2, "conv2d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented_by(_CONV, **_words(3))
def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Convolve (N, C, D, H, W) with a kernel, as ``torch.nn.functional.conv3d``."""
    call, x, layer = prepared(
        3, "conv3d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented_by(_CONV_TRANSPOSE, **_words(1))
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Spread (N, C, W) over a larger grid, as ``torch.nn.functional.conv_transpose1d``."""
    call, x, layer = prepared(
        1, "conv_transpose1d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented_by(_CONV_TRANSPOSE, **_words(2))
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Spread (N, C, H, W) over a larger grid, as ``torch.nn.functional.conv_transpose2d``."""
    call, x, layer = prepared(
        2, "conv_transpose2d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented_by(_CONV_TRANSPOSE, **_words(3))
def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
    *,
    algorithm: str = "auto",
    activation: Activation = None,
    residual: Any = None,
    out: Any = None,
    threads: int | None = None,
) -> Any:
    """Spread (N, C, D, H, W) over a larger grid, as ``torch.nn.functional.conv_transpose3d``."""
    call, x, layer = prepared(
        3, "conv_transpose3d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)
