# SPDX-License-Identifier: Apache-2.0
"""correlate1d: Gaussian and box filters over three axes."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

from voxkern import ndimage

PART = (slice(0, 40),) * 3  # what is checked before timing


@pytest.mark.parametrize("sigma", [1, 4])
@pytest.mark.benchmark(group="correlate1d: gaussian_filter")
def test_gaussian_filter(timed, volume, threads, sigma):
    part = np.ascontiguousarray(volume[PART])
    timed(
        lambda: ndimage.gaussian_filter(volume, sigma, threads=threads),
        ndimage.gaussian_filter(part, sigma, threads=threads),
        scipy_ndimage.gaussian_filter(part, sigma),
        1e-6 if volume.dtype == np.float32 else 0.0,
    )


@pytest.mark.parametrize("size", [3, 15])
@pytest.mark.benchmark(group="correlate1d: uniform_filter")
def test_uniform_filter(timed, volume, threads, size):
    part = np.ascontiguousarray(volume[PART])
    timed(
        lambda: ndimage.uniform_filter(volume, size, threads=threads),
        ndimage.uniform_filter(part, size, threads=threads),
        scipy_ndimage.uniform_filter(part, size),
        1e-6 if volume.dtype == np.float32 else 0.0,
    )
