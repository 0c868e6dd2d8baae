# SPDX-License-Identifier: Apache-2.0
"""Reference of the recursive_gaussian kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .correlate1d import correlate1d

# exp(-x^2 / 2) for x >= 0 is the real part of the sum of weight exp(rate x).
WEIGHTS = np.array([1.6618375664551575 - 3.469034070434552j, -0.6620453773647632 + 0.1902187287138425j])
RATES = np.array([-1.7490599386160077 + 0.6288509544931757j, -1.682782321326226 + 1.9907388630730807j])


def kernel(sigma: float) -> NDArray[np.float64]:
    """Return the filter's answer to an impulse, until it is below 1e-17."""
    radius = int(np.ceil(40 * sigma / 1.68)) + 1
    n = np.abs(np.arange(-radius, radius + 1))
    answer = np.sum(WEIGHTS * np.exp(RATES * n[:, None] / sigma), -1).real
    scaled: NDArray[np.float64] = answer / answer.sum()
    return scaled


def recursive_gaussian(
    input: ArrayLike, axes: Sequence[int], sigma: Sequence[float], mode: str = "nearest", cval: float = 0.0
) -> NDArray[np.float64]:
    """Return the image correlated with `kernel` along each axis, in float64."""
    x = np.asarray(input, np.float64)
    for axis, s in zip(axes, sigma, strict=True):
        x = correlate1d(x, kernel(s), axis, mode, cval)
    return x
