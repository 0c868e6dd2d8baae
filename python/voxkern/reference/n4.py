# SPDX-License-Identifier: Apache-2.0
"""What the n4 kernel computes, in float64 and whole arrays: the meaning, not the way.

N. J. Tustison et al., "N4ITK: improved N3 bias correction", IEEE Trans. Med. Imaging 29 (2010); the
sharpening is that of J. G. Sled et al., IEEE Trans. Med. Imaging 17 (1998); the fit that of S. Lee,
G. Wolberg, S. Y. Shin, IEEE Trans. Vis. Comput. Graph. 3 (1997).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bspline import bspline

Floats = NDArray[np.float64]
_bspline = np.vectorize(bspline, otypes=[np.float64])


def basis(n: int, controls: int, order: int) -> Floats:
    """Return (n, controls): every basis function at every sample of an axis."""
    if n == 1:
        return np.ones((1, 1))
    spans = controls - order
    p = spans * np.arange(n) / (n - 1)
    p[-1] = spans - spans / (n - 1) * 1e-3  # the last sample, a thousandth of a voxel inside
    values: Floats = _bspline(p[:, None] - np.arange(controls)[None, :] + (order - 1) / 2, order)
    return values


def along_axes(array: NDArray[Any], matrices: Sequence[NDArray[Any]]) -> Floats:
    """Multiply every axis of the array by its matrix."""
    result = np.asarray(array, np.float64)
    for axis, matrix in enumerate(matrices):
        result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return result


def refinement(controls: int, order: int) -> Floats:
    """Return the matrix to the lattice with half the knot distance: the field stays the same."""
    finer = 2 * controls - order
    matrix = np.zeros((finer, controls))
    for i in range(finer):
        for j in range(controls):
            m = i + order - 2 * j
            if 0 <= m <= order + 1:
                matrix[i, j] = math.comb(order + 1, m) / 2**order
    return matrix


def histogram(u: Floats, low: float, slope: float, bins: int, itk: bool) -> Floats:
    """Count each sample for the two bins it lies between, by nearness."""
    c = (u - low) / slope
    if not itk:
        c = np.minimum(c, bins - 1)
    k = np.floor(c).astype(int)
    f = c - k
    counted = (k >= 0) & ((k < bins - 1) | ((k == bins - 1) & (f == 0)))
    k, f = k[counted], f[counted]
    counts = np.zeros(bins + 1)
    np.add.at(counts, k, 1 - f)
    np.add.at(counts, k + 1, f)
    return counts[:bins]


def expectation(counts: Floats, low: float, slope: float, fwhm: float, noise: float) -> Floats:
    """Deconvolve the histogram; return the expected true value in each bin."""
    bins = len(counts)
    # ITK rounds log(bins) to float32 first: exact powers of two are padded once more.
    size = 2 ** (math.ceil(float(np.log(np.float32(bins))) / math.log(2)) + 1)
    offset = (size - bins) // 2
    padded = np.zeros(size)
    padded[offset : offset + bins] = counts
    distance = np.minimum(np.arange(size), size - np.arange(size))
    width = fwhm / slope
    gauss = 2 * math.sqrt(math.log(2) / math.pi) / width * np.exp(-4 * math.log(2) * (distance / width) ** 2)
    g = np.fft.fft(gauss)
    sharp = np.maximum(np.fft.ifft(np.fft.fft(padded) * (np.conj(g) / (np.abs(g) ** 2 + noise)).real).real, 0)
    x = low + (np.arange(size) - offset) * slope
    numerator = np.fft.ifft(np.fft.fft(x * sharp) * g).real
    denominator = np.fft.ifft(np.fft.fft(sharp) * g).real
    expected = np.divide(numerator, denominator, out=np.zeros(size), where=denominator != 0)
    return expected[offset : offset + bins]


def itk_convergence(ratios: NDArray[np.float32]) -> float:
    """Return ITK's coefficient of variation: a running mean and variance with float32 state."""
    one = np.float32(1)
    count, mean, spread = np.float32(0), np.float32(0), np.float32(0)
    for x in ratios:
        count = count + one
        n = float(count)
        if count > 1:
            d = x - mean
            spread = np.float32(float(spread) + float(d * d) * (n - 1) / n)
        mean = np.float32(float(mean) * (1 - 1 / n) + float(x / count))
    return math.sqrt(float(spread) / (float(count) - 1)) / float(mean)


def n4(
    image: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    weights: NDArray[Any] | None = None,
    iterations: Sequence[int] = (50, 50, 50, 50),
    convergence_threshold: float = 1e-3,
    control_points: Sequence[int] = (4, 4, 4),
    spline_order: int = 3,
    bins: int = 200,
    fwhm: float = 0.15,
    noise: float = 0.01,
    itk: bool = True,
) -> tuple[Floats, Floats, list[tuple[int, int, float]]]:
    """Return the log field, its lattice, and (level, iteration, convergence) of each iteration."""
    weight = np.ones(image.shape) if weights is None else np.asarray(weights, np.float64)
    inside = weight > 0
    if mask is not None:
        inside &= np.asarray(mask) != 0
    value = np.asarray(image, np.float64)
    positive = value > 0
    if not itk:
        inside &= positive
    log_image = np.where(positive, np.log(np.where(positive, value, 1)), value)
    weight = np.where(inside, weight, 0)

    controls = [1 if n == 1 else c for n, c in zip(image.shape, control_points, strict=True)]
    lattice = np.zeros(controls)
    field = np.zeros(image.shape)
    trace: list[tuple[int, int, float]] = []
    for level, most in enumerate(iterations):
        if level > 0:
            lattice = along_axes(
                lattice, [np.ones((1, 1)) if c == 1 else refinement(c, spline_order) for c in lattice.shape]
            )
        b = [basis(n, c, spline_order) for n, c in zip(image.shape, lattice.shape, strict=True)]
        squares = [m**2 for m in b]
        cubes = [m**3 / np.sum(m**2, axis=1, keepdims=True) for m in b]
        omega = along_axes(weight, [m.T for m in squares])
        for iteration in range(1, most + 1):
            u = (log_image - field)[inside]
            high = float(u.max())
            low = float(u[1:].min()) if itk else float(u.min())  # ITK never asks the first voxel
            slope = (high - low) / (bins - 1)
            expected = expectation(histogram(u, low, slope, bins, itk), low, slope, fwhm, noise)
            c = (u - low) / slope
            mapped = np.interp(np.minimum(c, bins - 1), np.arange(bins), expected)
            residual = np.zeros(image.shape)
            residual[inside] = u - np.where(c < 0, expected[-1], mapped)
            delta = along_axes(weight * residual, [m.T for m in cubes])
            enough = omega > 0.1 * np.finfo(np.float32).eps
            lattice = lattice + np.where(enough, delta / np.where(enough, omega, 1), 0)
            after = along_axes(lattice, b)
            ratio = np.exp(field - after)[inside]
            cv = itk_convergence(ratio.astype(np.float32)) if itk else ratio.std(ddof=1) / ratio.mean()
            field = after
            trace.append((level, iteration, float(cv)))
            if cv <= convergence_threshold:
                break
    return field, lattice, trace
