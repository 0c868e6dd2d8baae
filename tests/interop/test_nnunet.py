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


def test_labels(rng):
    labels = rng.integers(0, 4, (9, 11, 8)).repeat(3, 0).repeat(3, 1).repeat(3, 2).astype(np.uint8)
    np.testing.assert_array_equal(
        vk.resample_labels(labels, shape=(20, 40, 24)), resize_segmentation(labels, (20, 40, 24), 1)
    )
