# SPDX-License-Identifier: Apache-2.0
"""Volume: geometry, views, conversions."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

import voxkern as vk

nib = pytest.importorskip("nibabel")

OBLIQUE = np.array([[0.0, -0.2, 1.9, -90.0], [1.1, 0.3, 0.1, -126.0], [-0.1, 2.4, 0.3, -72.0], [0, 0, 0, 1]])


def volume(rng, shape=(4, 5, 6), affine=OBLIQUE):
    return vk.Volume(rng.integers(0, 99, shape).astype(np.int16), affine)


def all_orientations():
    for order in itertools.permutations(["RL", "AP", "SI"]):
        for signs in itertools.product([0, 1], repeat=3):
            yield "".join(pair[s] for pair, s in zip(order, signs, strict=True))


def test_properties(rng):
    v = volume(rng)
    np.testing.assert_allclose(v.spacing, np.linalg.norm(OBLIQUE[:3, :3], axis=0))
    assert v.origin == (-90.0, -126.0, -72.0)
    np.testing.assert_allclose(v.direction * v.spacing, OBLIQUE[:3, :3])
    assert v.shape == (4, 5, 6) and v.dtype == np.int16 and v.ndim == 3
    assert v.orientation == "".join(nib.aff2axcodes(OBLIQUE))


def test_frozen(rng):
    v = volume(rng)
    with pytest.raises(dataclasses.FrozenInstanceError):
        v.data = None
    with pytest.raises(ValueError, match="read-only"):
        v.affine[0, 0] = 5
    with pytest.raises(TypeError):
        v.meta["x"] = 1


def test_affine_is_its_own_copy(rng):
    affine = np.eye(4)
    v = vk.Volume(np.zeros((2, 2, 2)), affine)
    affine[0, 0] = 9
    assert v.affine[0, 0] == 1


def test_array_protocols(rng):
    v = volume(rng)
    assert np.asarray(v) is v.data
    assert np.shares_memory(np.from_dlpack(v), v.data)
    assert np.array(v, dtype=float).dtype == float
    assert not np.shares_memory(np.array(v), v.data)


def test_pickle(rng):
    v = vk.Volume(rng.random((2, 3, 4)), OBLIQUE, {"modality": "MR"})
    w = pickle.loads(pickle.dumps(v))
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_array_equal(w.affine, v.affine)
    assert dict(w.meta) == {"modality": "MR"}


@pytest.mark.parametrize("target", sorted(all_orientations()))
def test_reorient_agrees_with_nibabel(rng, target):
    v = volume(rng)
    got = vk.reorient(v, target)
    assert got.orientation == target
    image = nib.Nifti1Image(v.data, v.affine)
    transform = nib.orientations.ornt_transform(
        nib.io_orientation(v.affine), nib.orientations.axcodes2ornt(target)
    )
    want = image.as_reoriented(transform)
    np.testing.assert_array_equal(got.data, np.asanyarray(want.dataobj))
    np.testing.assert_allclose(got.affine, want.affine, atol=1e-12)
    assert np.shares_memory(got.data, v.data)  # a view
    back = vk.reorient(got, v.orientation)
    np.testing.assert_array_equal(back.data, v.data)
    np.testing.assert_allclose(back.affine, v.affine, atol=1e-12)


def test_reorient_keeps_further_axes(rng):
    v = vk.Volume(rng.random((4, 5, 6, 2)), np.eye(4))
    assert vk.reorient(v, "SAL").shape == (6, 5, 4, 2)


def test_nibabel_round_trip(rng):
    v = volume(rng, affine=np.diag([2.0, 3.0, 4.0, 1.0]))
    image = v.to_nibabel()
    assert image.get_data_dtype() == np.int16 and image.header.get_xyzt_units()[0] == "mm"
    w = vk.Volume.from_nibabel(image)
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine)


def test_sitk_round_trip(rng):
    pytest.importorskip("SimpleITK")
    angle = 0.3
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([2.0, 0.7, 1.1])
    affine[:3, 3] = [5, 6, 7]
    v = volume(rng, affine=affine)
    image = v.to_sitk()
    point = image.TransformIndexToPhysicalPoint((5, 4, 3))  # ITK counts from the fastest axis
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ affine @ [3, 4, 5, 1], [*point, 1], atol=1e-9)
    w = vk.Volume.from_sitk(image)
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-9)
    sheared = v.with_data(v.data, affine + np.outer([0, 0.5, 0, 0], [1, 0, 0, 0]))
    with pytest.raises(vk.ArgumentError, match="shear"):
        sheared.to_sitk()


def test_zscore_and_window(rng):
    x = (rng.random((20, 30, 40)) * 900).astype(np.int16)
    got = vk.zscore(x)
    np.testing.assert_allclose(got, (x - x.mean()) / x.std(), atol=1e-5)
    mask = x > 300
    got = vk.zscore(vk.Volume(np.asfortranarray(x), np.eye(4)), mask)
    np.testing.assert_allclose(got.data[mask], (x[mask] - x[mask].mean()) / x[mask].std(), atol=1e-5)
    assert np.all(got.data[~mask] == 0)
    np.testing.assert_allclose(vk.window(x, 100, 500), np.clip((x - 100) / 400, 0, 1), atol=1e-6)
