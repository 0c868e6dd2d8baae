# SPDX-License-Identifier: Apache-2.0
"""Tensors of torch go in and come back; the numbers are those of its own functions."""

import numpy as np
import pytest

import voxkern as vk

torch = pytest.importorskip("torch")


@pytest.fixture
def tensor():
    return torch.rand((12, 17, 15), generator=torch.Generator().manual_seed(3))


def test_tensor_in_tensor_out_without_a_copy_of_the_input(tensor):
    before = tensor.clone()
    got = vk.resample(tensor, shape=(9, 20, 15), order=3)
    assert isinstance(got, torch.Tensor) and got.dtype == torch.float32 and got.shape == (9, 20, 15)
    np.testing.assert_array_equal(got.numpy(), vk.resample(tensor.numpy(), shape=(9, 20, 15), order=3))
    assert torch.equal(tensor, before)


def test_out_is_written_in_place(tensor):
    out = torch.empty((24, 34, 30))
    assert vk.resample(tensor, shape=(24, 34, 30), order=1, out=out) is out
    want = torch.nn.functional.interpolate(tensor[None, None], size=(24, 34, 30), mode="trilinear")[0, 0]
    assert torch.allclose(out, want, atol=1e-5)


def test_strides_dtypes_and_volumes(tensor):
    view = tensor.permute(2, 0, 1)[:, ::2]
    got = vk.ndimage.gaussian_filter(view, 1.0)
    np.testing.assert_array_equal(got.numpy(), vk.ndimage.gaussian_filter(view.numpy(), 1.0))
    labels = (tensor * 5).to(torch.uint8)
    assert vk.resample_labels(labels, shape=(6, 8, 7)).dtype == torch.uint8
    volume = vk.resample(vk.Volume(tensor, np.eye(4)), spacing=2.0)
    assert isinstance(volume.data, torch.Tensor)


def test_a_tensor_with_gradient_is_refused(tensor):
    with pytest.raises(vk.ArgumentTypeError, match="gradient"):
        vk.zscore(tensor.requires_grad_())
