# SPDX-License-Identifier: Apache-2.0
"""Files to the memory of a GPU, and Volumes there."""

import numpy as np
import pytest

import voxkern as vk

cupy = pytest.importorskip("cupy", reason="needs CuPy, or a build with VOXKERN_CUDA=EXECUTOR")


@pytest.fixture
def scan(tmp_path, rng):
    return vk.save(
        vk.Volume(rng.random((4, 5, 6), dtype=np.float32), np.diag([2.0, 3, 4, 1])), tmp_path / "x.npz"
    )


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_load_to_a_gpu(scan, device):
    here, there = vk.load(scan), vk.load(scan, device=device)
    assert isinstance(there.data, cupy.ndarray) and there.data.device.id == 0
    np.testing.assert_array_equal(np.asarray(there), here.data)
    np.testing.assert_array_equal(there.affine, here.affine)
    assert there.meta == here.meta
    fine = vk.resample(there, spacing=2.0, order=1)
    assert isinstance(fine.data, cupy.ndarray)
    np.testing.assert_allclose(np.asarray(fine), vk.resample(here, spacing=2.0, order=1).data, atol=1e-5)
    assert isinstance(vk.load(scan, device="cpu").data, np.ndarray)


def test_padding_goes_along(make_series):
    pytest.importorskip("pydicom")
    folder, _ = make_series()
    volume, padding = vk.load(folder, return_padding=True, device="cuda")
    assert isinstance(volume.data, cupy.ndarray) and isinstance(padding.data, cupy.ndarray)


def test_voxels_of_any_byte_order(tmp_path):
    raw = tmp_path / "x.raw"
    raw.write_bytes(np.arange(24, dtype=">i2").tobytes())
    there = vk.load(raw, shape=(2, 3, 4), dtype=">i2", spacing=1, device="cuda")
    np.testing.assert_array_equal(np.asarray(there), np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize("device", ["cuda:1000", "cuda:-1", "gpu", "", 0, "cuda:٣", "cuda:"])
def test_wrong_devices(tmp_path, device):
    with pytest.raises(vk.ArgumentError, match=r"device: got .* allowed"):
        vk.load(tmp_path / "nothing here", device=device)


def test_an_index_is_a_view_there(scan):
    there = vk.load(scan, device="cuda")[1:, ::-1]
    assert isinstance(there.data, cupy.ndarray) and there.shape == (3, 5, 6)
    np.testing.assert_array_equal(np.asarray(there), vk.load(scan).data[1:, ::-1])
