# SPDX-License-Identifier: Apache-2.0
"""resample: axis-aligned grids, up by 1.25 and down by 2."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

import voxkern as vk


@pytest.mark.parametrize("factor", [1.25, 0.5])
@pytest.mark.parametrize("order", [0, 1, 3, 5])
@pytest.mark.benchmark(group="resample")
def test_resample(timed, volume, threads, order, factor):
    part = np.ascontiguousarray(volume[:40, :40, :40])
    size = tuple(round(n * factor) for n in part.shape)
    want = scipy_ndimage.zoom(
        part.astype(np.float64), np.divide(size, part.shape), order=order, mode="nearest", grid_mode=True
    )
    target = tuple(round(n * factor) for n in volume.shape)
    timed(
        lambda: vk.resample(volume, shape=target, order=order, threads=threads),
        vk.resample(part, shape=size, order=order, threads=threads),
        want,
        1e-5,
    )


@pytest.mark.benchmark(group="resample: antialias")
def test_antialias(benchmark, threads):
    x = np.random.default_rng(0).random((256, 256, 256), dtype=np.float32)
    flat = vk.resample(np.full((40, 40, 40), 3.0, np.float32), shape=13, antialias=True)
    np.testing.assert_allclose(flat, 3.0, rtol=1e-5)
    benchmark(lambda: vk.resample(x, shape=100, order=1, antialias=True, threads=threads))
