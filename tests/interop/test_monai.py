# SPDX-License-Identifier: Apache-2.0
"""MONAI: its tensors go in and come back, and its resampling gives the same numbers."""

import numpy as np
import pytest

import voxkern as vk

torch = pytest.importorskip("torch")
transforms = pytest.importorskip("monai.transforms")


def test_resize_is_resample():
    image = torch.rand((1, 14, 18, 11), generator=torch.Generator().manual_seed(1))
    theirs = transforms.Resize((20, 12, 22), mode="trilinear", align_corners=False)(image)
    ours = vk.resample(image[0], shape=(20, 12, 22), order=1)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs[0]), atol=1e-5)


def test_scale_of_intensities_is_window():
    image = torch.linspace(-500, 900, 60).reshape(1, 3, 4, 5)
    theirs = transforms.ScaleIntensityRange(-100, 400, 0.0, 1.0, clip=True)(image)
    np.testing.assert_allclose(np.asarray(vk.window(image[0], -100, 400)), np.asarray(theirs[0]), atol=1e-6)
