# SPDX-License-Identifier: Apache-2.0
"""warp: rotations, displacement fields, and the adjoint."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import rotation


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.benchmark(group="warp: rotation")
def test_rotation(timed, volume, threads, order):
    part = np.ascontiguousarray(volume[:40, :40, :40])
    small, large = rotation(part.shape), rotation(volume.shape)
    want = scipy_ndimage.affine_transform(part.astype(np.float64), small, order=order)
    timed(
        lambda: vk.resample(volume, matrix=large, order=order, mode="constant", threads=threads),
        vk.resample(part, matrix=small, order=order, mode="constant", threads=threads),
        want,
        1e-5,
    )


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.benchmark(group="warp: field")
def test_field(timed, volume, threads, order):
    field = np.random.default_rng(0).normal(0, 1, (*volume.shape, 3)).astype(np.float32)
    part, bent = np.ascontiguousarray(volume[:40, :40, :40]), field[:40, :40, :40]
    points = np.indices(part.shape) + np.moveaxis(bent, -1, 0)
    want = scipy_ndimage.map_coordinates(part.astype(np.float64), points, order=order, mode="nearest")
    timed(
        lambda: vk.warp(volume, field, order=order, threads=threads),
        vk.warp(part, bent, order=order, threads=threads),
        want,
        1e-5,
    )


@pytest.mark.benchmark(group="warp: push")
def test_push(benchmark, threads):
    rng = np.random.default_rng(0)
    values = rng.random((96, 96, 96), dtype=np.float32)
    field = rng.normal(0, 1, (96, 96, 96, 3)).astype(np.float32)
    image = rng.random((96, 96, 96), dtype=np.float32)
    left, right = np.sum(vk.warp(image, field) * values), np.sum(image * vk.push(values, field))
    assert abs(left - right) < 1e-4 * left
    benchmark(lambda: vk.push(values, field, threads=threads))
