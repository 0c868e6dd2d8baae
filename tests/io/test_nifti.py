# SPDX-License-Identifier: Apache-2.0
"""NIfTI: round trips, geometry codes, scaling, damage, atomic writing."""

import numpy as np
import pytest

import voxkern as vk

nib = pytest.importorskip("nibabel")

AFFINE = np.array([[0, 0, 2.5, -10], [0.9, 0, 0, 20], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_round_trip(rng, tmp_path, suffix, dtype):
    v = vk.Volume((rng.random((4, 5, 6)) * 200).astype(dtype), AFFINE)
    path = vk.save(v, tmp_path / f"x{suffix}")
    w = vk.load(path)
    assert w.dtype == dtype
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-6)
    image = nib.load(path)
    assert image.header["sform_code"] == 1 and image.header["qform_code"] == 1
    assert [p.name for p in tmp_path.iterdir()] == [f"x{suffix}"]  # no temporary file is left


def test_reads_the_same_in_simpleitk(rng, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    v = vk.Volume(rng.random((4, 5, 6), dtype=np.float32), AFFINE)
    w = vk.Volume.from_sitk(sitk.ReadImage(str(vk.save(v, tmp_path / "x.nii.gz"))))
    w = vk.reorient(w, v.orientation)
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-5)


def test_scaled_data_are_float32(rng, tmp_path):
    image = nib.Nifti1Image(rng.random((3, 4, 5)), np.eye(4))
    image.set_data_dtype(np.int16)
    nib.save(image, tmp_path / "x.nii")
    v = vk.load(tmp_path / "x.nii")
    assert v.dtype == np.float32
    np.testing.assert_allclose(v.data, image.get_fdata(), atol=1e-4)


def test_64_bit_integers_are_narrowed_or_refused(tmp_path):
    v = vk.Volume(np.arange(24).reshape(2, 3, 4), np.eye(4))
    assert vk.load(vk.save(v, tmp_path / "x.nii")).dtype == np.int32
    with pytest.raises(vk.ArgumentError, match="64-bit"):
        vk.save(v.with_data(v.data + 2**40), tmp_path / "y.nii")
    assert not (tmp_path / "y.nii").exists()


def test_bool_becomes_uint8(tmp_path):
    v = vk.Volume(np.eye(3, dtype=bool)[None], np.eye(4))
    w = vk.load(vk.save(v, tmp_path / "x.nii"))
    assert w.dtype == np.uint8
    np.testing.assert_array_equal(w.data, v.data)


def test_sheared_affine_has_an_sform_only(tmp_path):
    affine = np.eye(4)
    affine[1, 0] = 0.3
    image = nib.load(vk.save(vk.Volume(np.zeros((2, 2, 2), np.float32), affine), tmp_path / "x.nii"))
    assert image.header["qform_code"] == 0
    np.testing.assert_allclose(image.affine, affine)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_truncated_file(tmp_path, suffix):
    path = vk.save(vk.Volume(np.random.default_rng(0).random((9, 9, 9)), np.eye(4)), tmp_path / f"x{suffix}")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(vk.FileFormatError, match="not a readable NIfTI"):
        np.asarray(vk.load(path)).sum()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.float64, np.complex64, np.bool_])
@pytest.mark.parametrize("shape", [(20, 7, 130), (1, 9, 70), (3, 5, 2), (17, 6, 66, 2, 3)])
def test_any_memory_order_is_saved_as_its_values(tmp_path, rng, shape, dtype, suffix):
    values = (rng.random(shape) * 1000 * (rng.random(shape) < 0.5)).astype(dtype)
    last_first = np.moveaxis(np.ascontiguousarray(np.moveaxis(values, -1, 0)), 0, -1)
    for data in (values, np.asfortranarray(values), values[::-1, :, ::-1][::-1, :, ::-1], last_first):
        image = nib.load(vk.save(vk.Volume(data, np.eye(4)), tmp_path / f"x{suffix}"))
        np.testing.assert_array_equal(np.asanyarray(image.dataobj), values)


def test_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def fail(path, parts, size):
        path.write_bytes(next(parts))
        raise OSError("disk full")

    monkeypatch.setattr("voxkern.io._gzip.write", fail)
    with pytest.raises(OSError, match="disk full"):
        vk.save(vk.Volume(np.zeros((2, 2, 2)), np.eye(4)), tmp_path / "x.nii.gz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.data
def test_twelve_axis_orders_of_one_head(data_pack):
    heads = [vk.reorient(vk.load(p), "RAS") for p in sorted((data_pack / "nifti" / "space").glob("*.nii*"))]
    assert len(heads) >= 10
    for head in heads[1:]:
        np.testing.assert_array_equal(head.data, heads[0].data)
        np.testing.assert_allclose(head.affine, heads[0].affine, atol=1e-3)
