# SPDX-License-Identifier: Apache-2.0
"""MONAI: its tensors go in and come back, and its resampling gives the same numbers."""

import numpy as np
import pytest
import scipy.ndimage

import voxkern as vk

torch = pytest.importorskip("torch")
transforms = pytest.importorskip("monai.transforms")
utils = pytest.importorskip("monai.transforms.utils")
metrics = pytest.importorskip("monai.metrics")


def test_resize_is_resample():
    image = torch.rand((1, 14, 18, 11), generator=torch.Generator().manual_seed(1))
    theirs = transforms.Resize((20, 12, 22), mode="trilinear", align_corners=False)(image)
    ours = vk.resample(image[0], shape=(20, 12, 22), order=1)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs[0]), atol=1e-5)


def test_scale_of_intensities_is_window():
    image = torch.linspace(-500, 900, 60).reshape(1, 3, 4, 5)
    theirs = transforms.ScaleIntensityRange(-100, 400, 0.0, 1.0, clip=True)(image)
    np.testing.assert_allclose(np.asarray(vk.window(image[0], -100, 400)), np.asarray(theirs[0]), atol=1e-6)


@pytest.mark.parametrize("order", [4, 5])
def test_resample_of_a_ramp_by_our_map_coordinates(monkeypatch, order):
    """MONAI's own test: a grid that changes nothing keeps large float32 numbers."""
    calls = []

    def ours(*args, **kwargs):
        calls.append(order)
        return vk.ndimage.map_coordinates(*args, **kwargs)

    monkeypatch.setattr(scipy.ndimage, "map_coordinates", ours)
    ramp = torch.arange(11592, dtype=torch.float32).reshape(1, 21, 23, 24)
    grid = utils.create_grid(ramp.shape[1:], homogeneous=True)
    resample = transforms.Resample(mode=order, padding_mode="grid-wrap", dtype=torch.float32)
    np.testing.assert_allclose(np.asarray(resample(ramp, grid)), ramp.numpy(), rtol=0, atol=1e-3)
    assert calls


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
@pytest.mark.parametrize("spacing", [None, (2.0, 0.9, 0.7)])
def test_metrics_of_label_maps(spacing):
    rng = np.random.default_rng(2)
    a = (scipy.ndimage.gaussian_filter(rng.standard_normal((30, 36, 24)), 3) * 30).astype(int).clip(0, 3)
    b = np.roll(a, (1, 2, -1), (0, 1, 2))
    channels = [torch.nn.functional.one_hot(torch.as_tensor(x), 4).movedim(-1, 0)[None] for x in (a, b)]

    def same(ours, theirs):
        assert list(ours) == [1, 2, 3]
        np.testing.assert_allclose(list(ours.values()), np.asarray(theirs)[0], rtol=1e-5)

    same(vk.dice(a, b, "all"), metrics.compute_dice(*channels, include_background=False))
    for percentile in (None, 95):
        theirs = metrics.compute_hausdorff_distance(*channels, percentile=percentile, spacing=spacing)
        same(vk.hausdorff_distance(a, b, percentile, "all", spacing=spacing), theirs)
    theirs = metrics.compute_average_surface_distance(*channels, symmetric=True, spacing=spacing)
    same(vk.mean_surface_distance(a, b, "all", spacing=spacing), theirs)
