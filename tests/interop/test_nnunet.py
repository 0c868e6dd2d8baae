# SPDX-License-Identifier: Apache-2.0
"""nnU-Net resamples images with skimage and labels with batchgenerators: the same numbers."""

import numpy as np
import pytest

import voxkern as vk

resize = pytest.importorskip("skimage.transform").resize
resize_segmentation = pytest.importorskip("batchgenerators.augmentations.utils").resize_segmentation


def test_images(rng):
    image = rng.normal(size=(20, 30, 25)).astype(np.float32)
    theirs = resize(image.astype(float), (26, 22, 25), 3, mode="edge", clip=True, anti_aliasing=False)
    ours = vk.resample(image, shape=(26, 22, 25), order=3, mode="nearest", clip=True)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.ptp(image))


@pytest.mark.parametrize(("shape", "target"), [((13, 40, 36), (31, 50, 45)), ((31, 50, 45), (13, 40, 36))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_images_of_thick_slices(rng, shape, target, dtype):
    """The recipe of docs/guide/grids.md: each slice by a spline, then the nearest one."""
    map_coordinates = pytest.importorskip("scipy.ndimage").map_coordinates
    image = rng.normal(size=shape).astype(dtype)
    settings = {"mode": "edge", "clip": True, "anti_aliasing": False}
    slices = np.stack([resize(plane.astype(float), target[1:], 3, **settings) for plane in image])
    along = shape[0] / target[0] * (np.arange(target[0]) + 0.5) - 0.5
    where = np.meshgrid(along, np.arange(target[1]), np.arange(target[2]), indexing="ij")
    theirs = map_coordinates(slices, where, order=0, mode="nearest")
    flat = vk.resample(image, shape=target[1:], axes=(1, 2), order=3, clip="slice")
    ours = vk.resample(flat, shape=target[0], axes=0, order=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.ptp(image))


def test_labels(rng):
    labels = rng.integers(0, 4, (9, 11, 8)).repeat(3, 0).repeat(3, 1).repeat(3, 2).astype(np.uint8)
    np.testing.assert_array_equal(
        vk.resample_labels(labels, shape=(20, 40, 24)), resize_segmentation(labels, (20, 40, 24), 1)
    )
