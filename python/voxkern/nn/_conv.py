# SPDX-License-Identifier: Apache-2.0
"""Convolutions and transposed convolutions in one to three dimensions, with the signatures of torch.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285 (2016).
"""

from __future__ import annotations

from typing import Any

from .._runtime.texts import documented
from ._conv_layer import Activation, Padding, prepared
from ._shapes import PerAxis


@documented
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
    """Convolve (N, C, W) with a kernel, as ``torch.nn.functional.conv1d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, W) or (C, W); any memory order.
    weight : array_like
        float32, (out channels, in channels / groups, W).
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
    >>> x = np.ones((1, 4, 9), np.float32)
    >>> vk.nn.conv1d(x, np.ones((8, 4, 3), np.float32), padding="same").shape
    (1, 8, 9)
    """
    call, x, layer = prepared(
        1, "conv1d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented
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
    """Convolve (N, C, H, W) with a kernel, as ``torch.nn.functional.conv2d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, H, W) or (C, H, W); any memory order.
    weight : array_like
        float32, (out channels, in channels / groups, H, W).
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
    >>> x = np.ones((1, 4, 9, 9), np.float32)
    >>> vk.nn.conv2d(x, np.ones((8, 4, 3, 3), np.float32), padding="same").shape
    (1, 8, 9, 9)
    """
    call, x, layer = prepared(
        2, "conv2d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented
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
    """Convolve (N, C, D, H, W) with a kernel, as ``torch.nn.functional.conv3d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, D, H, W) or (C, D, H, W); any memory order.
    weight : array_like
        float32, (out channels, in channels / groups, D, H, W).
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
    >>> x = np.ones((1, 4, 9, 9, 9), np.float32)
    >>> vk.nn.conv3d(x, np.ones((8, 4, 3, 3, 3), np.float32), padding="same").shape
    (1, 8, 9, 9, 9)
    """
    call, x, layer = prepared(
        3, "conv3d", input, weight, bias, stride, padding, dilation, groups, algorithm, activation, threads,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented
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
    """Spread (N, C, W) over a larger grid, as ``torch.nn.functional.conv_transpose1d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, W) or (C, W); any memory order.
    weight : array_like
        float32, (in channels, out channels / groups, W).
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
    >>> x = np.ones((1, 4, 9), np.float32)
    >>> vk.nn.conv_transpose1d(x, np.ones((4, 2, 2), np.float32), stride=2).shape
    (1, 2, 18)
    """
    call, x, layer = prepared(
        1, "conv_transpose1d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented
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
    """Spread (N, C, H, W) over a larger grid, as ``torch.nn.functional.conv_transpose2d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, H, W) or (C, H, W); any memory order.
    weight : array_like
        float32, (in channels, out channels / groups, H, W).
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
    >>> x = np.ones((1, 4, 9, 9), np.float32)
    >>> vk.nn.conv_transpose2d(x, np.ones((4, 2, 2, 2), np.float32), stride=2).shape
    (1, 2, 18, 18)
    """
    call, x, layer = prepared(
        2, "conv_transpose2d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)


@documented
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
    """Spread (N, C, D, H, W) over a larger grid, as ``torch.nn.functional.conv_transpose3d``.

    Parameters
    ----------
    input : array_like
        float32, (N, C, D, H, W) or (C, D, H, W); any memory order.
    weight : array_like
        float32, (in channels, out channels / groups, D, H, W).
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
    >>> x = np.ones((1, 4, 9, 9, 9), np.float32)
    >>> vk.nn.conv_transpose3d(x, np.ones((4, 2, 2, 2, 2), np.float32), stride=2).shape
    (1, 2, 18, 18, 18)
    """
    call, x, layer = prepared(
        3, "conv_transpose3d", input, weight, bias, stride, padding, dilation, groups, algorithm,
        activation, threads, True, output_padding,
    )  # fmt: skip
    return layer._run(call, x, residual, out)
