# SPDX-License-Identifier: Apache-2.0
"""resample through the warp kernel: physical space, transforms and displacements, as SimpleITK has them."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import image, known

import voxkern as vk

sitk = pytest.importorskip("SimpleITK")


def volume_at(rng, shape, angle, spacing, origin, dtype=np.float32):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = origin
    return vk.Volume(image(rng, shape, dtype), affine)


def by_itk(x, like, interpolator, transform=None, cval=-5.0):
    done = sitk.Resample(
        x.to_sitk(), like.to_sitk(), transform or sitk.Transform(3, sitk.sitkIdentity), interpolator, cval
    )
    return vk.Volume.from_sitk(done).data


INTERPOLATORS = [
    (0, "sitkNearestNeighbor"), (1, "sitkLinear"), (2, "sitkBSpline2"), (3, "sitkBSpline"),
    (4, "sitkBSpline4"), (5, "sitkBSpline5"), ("lanczos", "sitkLanczosWindowedSinc"),
    ("hamming", "sitkHammingWindowedSinc"),
    ("welch", "sitkWelchWindowedSinc"), ("cosine", "sitkCosineWindowedSinc"),
    ("blackman", "sitkBlackmanWindowedSinc"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "name"), INTERPOLATORS)
@pytest.mark.parametrize("angle", [0.0, 0.31])
def test_physical_space_is_simpleitks(rng, cpu_level, order, name, angle):
    x = volume_at(rng, (19, 22, 25), 0.0, (2.0, 1.1, 0.9), (3, -20, 14))
    # Voxels a little smaller than the rim is wide, so that some of them fall into it.
    like = volume_at(rng, (26, 36, 40), angle, (0.83, 0.71, 0.66), (1.1, -22, 12.7))
    got = vk.resample(x, like=like, order=order, cval=-5.0)
    np.testing.assert_array_equal(got.affine, like.affine)
    want = known(by_itk, x, like, getattr(sitk, name))
    assert np.mean(want == -5.0) > 0.02
    differ = np.abs(got.data - want) > 1e-4 * 200
    # A coordinate within rounding of an edge or of a tie may fall on either side of it.
    assert np.mean(differ) < (2e-3 if order == 0 else 1e-4)


def test_transforms_are_composed_and_interpolated_once(rng):
    x = volume_at(rng, (30, 31, 32), 0.2, (1.2, 1.0, 1.1), (-20, -15, -18))
    like = volume_at(rng, (24, 26, 28), -0.1, (1.0, 1.1, 1.2), (-15, -14, -16))
    rigid = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.1, -0.2, 0.15, (1.0, -2.0, 0.5))
    affine = sitk.AffineTransform(3)
    affine.SetMatrix((1.1, 0.05, 0, -0.02, 0.95, 0.1, 0.03, 0, 1.05))
    field_at = volume_at(rng, (20, 21, 22), 0.05, (2.0, 2.0, 2.0), (-22, -21, -23))
    smooth = scipy_ndimage.gaussian_filter(rng.normal(0, 40, (20, 21, 22, 3)), (3, 3, 3, 0))
    vectors = vk.Volume(smooth, field_at.affine)
    lps = vk.Volume(smooth * [-1.0, -1.0, 1.0], field_at.affine)
    displacement = sitk.DisplacementFieldTransform(sitk.Cast(lps.to_sitk(), sitk.sitkVectorFloat64))
    spline = sitk.BSplineTransformInitializer(like.to_sitk(), (3, 3, 3))
    spline.SetParameters(rng.normal(0, 1.5, len(spline.GetParameters())).tolist())
    composite = sitk.CompositeTransform([rigid, displacement, affine])
    for transform in (
        rigid,
        affine,
        displacement,
        composite,
        spline,
        sitk.CompositeTransform([spline, rigid]),
    ):
        got = vk.resample(x, like=like, transform=transform, order=1, cval=-5.0)
        want = by_itk(x, like, sitk.sitkLinear, transform)
        differ = np.abs(got.data - want) > 1e-4 * 200
        assert np.mean(differ) < 1e-4, transform.GetName()
    one_by_one = vk.resample(x, like=like, transform=[affine, vectors, rigid], order=3)
    together = vk.resample(x, like=like, transform=composite, order=3)
    np.testing.assert_allclose(one_by_one.data, together.data, atol=1e-3)
    matrix = vk.resample(x, like=like, transform=np.eye(4), order=1)
    np.testing.assert_array_equal(matrix.data, vk.resample(x, like=like, order=1).data)


def test_displacement_fields_are_simpleitks(rng):
    x = volume_at(rng, (30, 31, 32), 0.2, (1.2, 1.0, 1.1), (-20, -15, -18))
    grid = volume_at(rng, (25, 27, 29), 0.0, (1.1, 1.1, 1.1), (-15, -14, -16))
    vectors = scipy_ndimage.gaussian_filter(rng.normal(0, 30, (25, 27, 29, 3)), (2, 2, 2, 0))
    got = vk.warp(x, vk.Volume(vectors, grid.affine), order=1)
    lps = vk.Volume(vectors * [-1.0, -1.0, 1.0], grid.affine).to_sitk()
    warper = sitk.WarpImageFilter()
    warper.SetOutputParameteresFromImage(grid.to_sitk())
    want = warper.Execute(x.to_sitk(), sitk.Cast(lps, sitk.sitkVectorFloat64))
    want = vk.Volume.from_sitk(want).data
    assert np.mean(np.abs(got.data - want) > 1e-4 * 200) < 1e-4
    np.testing.assert_array_equal(got.affine, grid.affine)


def test_displacements_in_voxels_and_in_millimetres_agree(rng):
    x = volume_at(rng, (12, 13, 14), 0.0, (2.0, 1.0, 0.5), (0, 0, 0))
    mm = rng.normal(0, 1.0, (12, 13, 14, 3))
    as_volume = vk.warp(x, vk.Volume(mm, x.affine), mode="nearest")
    in_mm = vk.warp(x, mm, units="mm", mode="nearest")
    in_voxels = vk.warp(x, mm / [2.0, 1.0, 0.5], mode="nearest")
    np.testing.assert_allclose(in_mm.data, as_volume.data, atol=1e-4)
    np.testing.assert_allclose(in_voxels.data, as_volume.data, atol=1e-4)
    values = vk.Volume(rng.random((12, 13, 14)), x.affine)
    field = vk.Volume(mm, x.affine)
    back = vk.push(values, field, like=x)
    left = np.sum(vk.warp(vk.Volume(x.data.astype(float), x.affine), field).data * values.data)
    assert abs(left - np.sum(x.data.astype(float) * back.data)) < 1e-8 * abs(left) + 1e-6


def test_complex_and_half(rng):
    x = rng.random((9, 10, 11)) + 1j * rng.random((9, 10, 11))
    matrix = np.eye(3) + rng.normal(0, 0.05, (3, 3))
    for kind in (np.complex64, np.complex128):
        got = vk.resample(x.astype(kind), matrix=matrix, order=3, mode="mirror", cval=1 + 2j)
        assert got.dtype == kind
        want = vk.resample(x.real, matrix=matrix, mode="mirror") + 1j * vk.resample(
            x.imag, matrix=matrix, mode="mirror"
        )
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
        straight = vk.resample(x.astype(kind), shape=(12, 7, 20))
        np.testing.assert_allclose(straight.imag, vk.resample(x.imag, shape=(12, 7, 20)), rtol=0, atol=1e-5)
    half = rng.random((9, 10, 33)).astype(np.float16)
    for ways in ({"shape": (12, 7, 40)}, {"matrix": matrix, "mode": "mirror"}):
        got = vk.resample(half, **ways)
        assert got.dtype == np.float16
        np.testing.assert_array_equal(got, vk.resample(half.astype(np.float32), **ways).astype(np.float16))


def test_a_plan_gives_the_same_and_holds_to_what_was_planned(rng):
    x = volume_at(rng, (12, 13, 14), 0.3, (2.0, 1.0, 0.5), (0, 0, 0))
    like = volume_at(rng, (10, 11, 12), 0.0, (1.0, 1.0, 1.0), (0, 0, 0))
    for ways in ({"spacing": 1.0}, {"like": like, "order": 1}, {"like": like, "clip": True}):
        plan = vk.ResamplePlan(x, **ways)
        want = vk.resample(x, **ways)
        for _ in range(2):
            got = plan(x)
            np.testing.assert_array_equal(got.data, want.data)
            np.testing.assert_array_equal(got.affine, want.affine)
        out = np.empty(want.shape, np.float32)
        assert plan(x, out=out).data is out
    with pytest.raises(vk.ArgumentError, match="as planned"):
        plan(vk.Volume(x.data[1:], x.affine))
    with pytest.raises(vk.ArgumentError, match="affine"):
        plan(vk.Volume(x.data, 2 * x.affine - np.diag([0, 0, 0, 1])))


def test_clip_and_bool_hold_on_turned_grids(rng):
    x = (rng.random((12, 13, 14)) < 0.5).astype(np.float32)
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    free = vk.resample(x, matrix=matrix, order=3)
    assert free.min() < -0.01 and free.max() > 1.01
    np.testing.assert_array_equal(vk.resample(x, matrix=matrix, order=3, clip=True), np.clip(free, 0, 1))
    mask = vk.resample(x.astype(bool), matrix=matrix, order=3)
    assert mask.dtype == bool and set(np.unique(mask.view(np.uint8))) == {0, 1}


@pytest.mark.parametrize("reshape", [True, False])
@pytest.mark.parametrize("axes", [(1, 0), (0, 2), (-1, -2)])
def test_rotate_matches_scipy(rng, reshape, axes):
    x = rng.random((9, 12, 15))
    for angle in (0, 17.3, 90, 180, -270, 405, 45):
        for order in (0, 1, 3):
            got = vk.ndimage.rotate(x, angle, axes, reshape, order=order)
            want = scipy_ndimage.rotate(x, angle, axes, reshape, order=order)
            assert got.shape == want.shape
            assert np.mean(np.abs(got - want) > 1e-12) < (5e-3 if order == 0 else 1e-3)


def test_volumes_keep_their_anatomy(rng):
    affine = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, 1], [0, 0, 3.0, 2], [0, 0, 0, 1]])
    x = vk.Volume(rng.random((9, 12, 15)), affine)
    turned = vk.ndimage.rotate(x, 30, axes=(0, 2), order=1, mode="nearest")
    np.testing.assert_allclose(
        vk.resample(x, like=turned, order=1, mode="nearest").data, turned.data, atol=1e-12
    )
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    moved = vk.ndimage.affine_transform(x, matrix, offset=0.3, order=1, mode="nearest")
    np.testing.assert_allclose(
        vk.resample(x, like=moved, order=1, mode="nearest").data, moved.data, atol=1e-12
    )
