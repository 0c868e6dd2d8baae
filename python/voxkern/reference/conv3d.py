# SPDX-License-Identifier: Apache-2.0
"""Reference of the conv3d kernel: sums in float64, one tap of the kernel after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def activated(x: Floats, activation: str | tuple[str, float] | None) -> Floats:
    """Return ``x`` behind no activation, "relu" or ("leaky_relu", slope)."""
    if activation is None:
        return x
    slope = 0.0 if activation == "relu" else float(activation[1])
    return np.where(x < 0, slope * x, x)


def conv3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sequence[int] = (1, 1, 1),
    padding: Sequence[tuple[int, int]] = ((0, 0), (0, 0), (0, 0)),
    dilation: Sequence[int] = (1, 1, 1),
    groups: int = 1,
    activation: str | tuple[str, float] | None = None,
    residual: ArrayLike | None = None,
) -> Floats:
    """Return the convolution of ``x`` (N, C, D, H, W) with ``weight`` (O, C / groups, kD, kH, kW).

    ``out[n, o, z] = bias[o] + sum over c, k of weight[o, c, k] * x[n, c, stride z - before + dilation k]``,
    likewise along y and x; ``padding`` has the zeros (before, after) each axis.
    """
    x, weight = np.asarray(x, np.float64), np.asarray(weight, np.float64)
    padded = np.pad(x, [(0, 0), (0, 0), *padding])
    size = weight.shape[2:]
    shape = [
        (n - d * (k - 1) - 1) // s + 1
        for n, d, k, s in zip(padded.shape[2:], dilation, size, stride, strict=True)
    ]
    outs, ins = weight.shape[0] // groups, weight.shape[1]
    out = np.zeros((len(x), weight.shape[0], *shape))
    for g in range(groups):
        channels = slice(g * outs, (g + 1) * outs)
        for k in np.ndindex(*size):
            window = tuple(
                slice(d * i, d * i + s * (m - 1) + 1, s)
                for d, i, s, m in zip(dilation, k, stride, shape, strict=True)
            )
            samples = padded[(slice(None), slice(g * ins, (g + 1) * ins), *window)]
            out[:, channels] += np.einsum("oc,nczyx->nozyx", weight[(channels, slice(None), *k)], samples)
    if bias is not None:
        out += np.asarray(bias, np.float64)[:, None, None, None]
    if residual is not None:
        out += np.asarray(residual, np.float64)
    return activated(out, activation)


def conv_transpose3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sequence[int] = (1, 1, 1),
    padding: Sequence[int] = (0, 0, 0),
    output_padding: Sequence[int] = (0, 0, 0),
    groups: int = 1,
    dilation: Sequence[int] = (1, 1, 1),
) -> Floats:
    """Return the transposed convolution of ``x`` with ``weight`` (C, O / groups, kD, kH, kW).

    Sample z of the input adds ``weight[c, o, k] * x[n, c, z]`` to result ``stride z - padding + dilation k``.
    """
    samples, weight = np.asarray(x, np.float64), np.asarray(weight, np.float64)
    size = weight.shape[2:]
    whole = [
        (n - 1) * s + d * (k - 1) + 1 + p
        for n, s, d, k, p in zip(samples.shape[2:], stride, dilation, size, output_padding, strict=True)
    ]
    ins, outs = weight.shape[0] // groups, weight.shape[1]
    out = np.zeros((len(samples), outs * groups, *whole))
    for g in range(groups):
        channels = slice(g * ins, (g + 1) * ins)
        for k in np.ndindex(*size):
            places = tuple(
                slice(d * i, d * i + s * (n - 1) + 1, s)
                for d, i, s, n in zip(dilation, k, stride, samples.shape[2:], strict=True)
            )
            out[(slice(None), slice(g * outs, (g + 1) * outs), *places)] += np.einsum(
                "co,nczyx->nozyx", weight[(channels, slice(None), *k)], samples[:, channels]
            )
    if bias is not None:
        out += np.asarray(bias, np.float64)[:, None, None, None]
    kept = [slice(p, n - p) for p, n in zip(padding, whole, strict=True)]
    return out[:, :, kept[0], kept[1], kept[2]]
