# SPDX-License-Identifier: Apache-2.0
"""warp and push: reference, scipy, SimpleITK, the adjoint, slopes, edges."""

import weakref

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import LAYOUTS, MODES, SIZES, image, in_layout, known
from hypothesis import example, given, settings
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern._runtime import validate
from voxkern._runtime.validate import INTERPOLATION_MODES
from voxkern.reference.warp import push as reference_push
from voxkern.reference.warp import warp as reference_warp


def kernel(x, coordinates, order, mode, cval=0.0, dtype=None, threads=0, prefilter=True):
    out = np.empty(coordinates.shape[1:], dtype or x.dtype)
    options = _core.WarpOptions(kernel=order, mode=INTERPOLATION_MODES[mode], cval=cval, prefilter=prefilter)
    _core.warp(x, out, _core.CoordinateMap(axes=len(coordinates), field=coordinates), options, threads)
    return out


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_matches_reference(rng, cpu_level, order, mode):
    x = rng.random((21, 22))
    coordinates = rng.uniform(-4, 26, (2, 70))
    coordinates[:, :20] = np.round(2 * coordinates[:, :20]) / 2
    got = kernel(x, coordinates, order, mode, cval=0.3)
    want = known(reference_warp, x, coordinates, order, mode, 0.3)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


@given(
    shape=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3),
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int16", "int32", "uint64", "float32", "float64"]),
    order=st.integers(0, 5),
    mode=st.sampled_from(MODES),
    points=st.sampled_from([1, 5, 63, 64, 65, 200]),
    ties=st.booleans(),
    nan=st.booleans(),
    memory=st.sampled_from(sorted(LAYOUTS)),
    seed=st.integers(0, 999),
)
@example(  # a coordinate that is not a number, where another is far outside
    shape=[1, 1],
    dtype="uint8",
    order=1,
    mode="grid-constant",
    points=1,
    ties=False,
    nan=True,
    memory="C",
    seed=1,
)
@settings(max_examples=400, deadline=None)
def test_any_coordinates_match_scipy(shape, dtype, order, mode, points, ties, nan, memory, seed):
    rng = np.random.default_rng(seed)
    x = image(rng, shape, dtype)
    coordinates = (
        rng.uniform(-25, 45, (len(shape), points)) if seed % 3 else rng.uniform(-1, 32, (len(shape), points))
    )
    if ties:
        coordinates = np.round(2 * coordinates) / 2
    if nan:
        coordinates[0, points // 2] = np.nan
    view = in_layout(x, memory)
    wide = np.float32 if dtype == "float32" else np.float64
    with np.errstate(invalid="ignore"):
        want = scipy_ndimage.map_coordinates(x.astype(float), coordinates, order=order, mode=mode, cval=7.0)
        got = vk.ndimage.map_coordinates(view, coordinates, wide, order=order, mode=mode, cval=7.0)
    assert got.dtype == wide
    # The spline's coefficients may be larger than its samples where it is followed beyond them.
    scale = max(np.abs(x.astype(float)).max(), np.nanmax(np.abs(want), initial=0.0), 1.0)
    np.testing.assert_allclose(got, want, rtol=0, atol=scale * (1e-5 if wide is np.float32 else 1e-12))


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", ["constant", "nearest", "mirror", "grid-wrap"])
def test_affine_maps_match_scipy(rng, cpu_level, order, mode):
    for shape, size in [
        ((9, 20, 31), (12, 17, 65)),
        ((40, 33), (33, 130)),
        ((17,), (50,)),
        ((5, 1, 20), (6, 7, 64)),
    ]:
        n = len(shape)
        matrix = np.linalg.qr(rng.normal(size=(n, n)))[0] * rng.uniform(0.5, 1.5, (n, 1))
        offset = (np.array(shape) - 1) / 2 - matrix @ ((np.array(size) - 1) / 2)
        for dtype in ("float32", "float64", "int16"):
            x = image(rng, shape, dtype)
            arguments = (x.astype(float), matrix, offset, size, None, order, mode, 3.0)
            want = known(scipy_ndimage.affine_transform, *arguments)
            out = np.empty(size, dtype)
            pull = _core.CoordinateMap(axes=n, offset=offset, matrix=matrix)
            options = _core.WarpOptions(kernel=order, mode=INTERPOLATION_MODES[mode], cval=3.0)
            _core.warp(x, out, pull, options, 0)
            tolerance = {"float32": 2e-3, "float64": 1e-10, "int16": 0.501}[dtype]
            np.testing.assert_allclose(out, want, rtol=0, atol=tolerance, err_msg=f"{shape} {dtype}")


@pytest.mark.parametrize("mode", ["constant", "fov", "nearest", "mirror"])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_affine_maps_have_the_bits_of_their_coordinates(rng, cpu_level, order, mode):
    """Runs of an affine map are cut where they leave the image; given coordinates are not."""
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    exact = np.array([[1, 0, 0.25], [0.5, -1, 0], [0, 0.25, -0.5]])  # many points are on samples and at ends
    for matrix, offset in ((turned, [4, 9, 60]), (exact, [-0.5, 18, 40]), (np.eye(3), [-1, 2, -0.5])):
        for dtype, size in (("float32", (11, 17, 140)), ("int16", (9, 20, 64)), ("float64", (5, 6, 131))):
            x = image(rng, (12, 19, 64), dtype)
            out = np.empty(size, dtype)
            pull = _core.CoordinateMap(axes=3, offset=offset, matrix=matrix)
            options = _core.WarpOptions(kernel=order, mode=INTERPOLATION_MODES[mode], cval=3.0)
            _core.warp(x, out, pull, options, 2)
            z, y, i = np.indices(size, dtype=np.float64)
            at = np.stack(
                [((o + r[0] * z) + r[1] * y) + r[2] * i for o, r in zip(offset, matrix, strict=True)]
            )
            np.testing.assert_array_equal(out, kernel(x, at, order, mode, cval=3.0))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "uint32", "int64", "uint64", "float16", "bool"])
def test_dtypes_and_layouts(rng, cpu_level, dtype, layouts):
    x = (rng.random((9, 14, 19)) < 0.5) if dtype == "bool" else image(rng, (9, 14, 19), dtype)
    matrix = np.eye(3) + rng.normal(0, 0.05, (3, 3))
    for order in (0, 1, 3):
        want = known(scipy_ndimage.affine_transform, x.astype(np.float64), matrix, order=order, mode="mirror")
        if dtype == "bool":
            want = np.clip(want, 0, 1)
        for name, view in layouts(x):
            got = vk.resample(view, matrix=matrix, order=order, mode="mirror")
            assert got.dtype == x.dtype
            tolerance = 0.1 if dtype == "float16" else 0.501  # a half has 11 bits
            if x.dtype.kind in "ui":
                want = np.clip(want, np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
            np.testing.assert_allclose(got.astype(float), want, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("order", [2, 3, 4, 5, "lanczos", "welch"])
@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_few_points_are_as_many(rng, order, mode):
    x = 100 * rng.random((20, 31, 32))
    points = rng.uniform(-5, 36, (3, 7))
    points[:, 0] = np.nan
    points[:, 1] = 1e300
    options = {"order": validate.interpolator(order), "mode": mode, "cval": 3.0, "prefilter": False}
    ways = [("float32", "float32", 5e-4), ("int16", "f8", 1e-10), ("f8", "f8", 1e-10)]
    for image_dtype, dtype, bound in ways:
        few = kernel(x.astype(image_dtype), points, dtype=dtype, **options)
        many = kernel(x.astype(image_dtype), np.tile(points, 999), dtype=dtype, **options)
        np.testing.assert_allclose(np.tile(few, 999), many, rtol=0, atol=bound)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_four_axes_match_scipy(rng, order, mode):
    x = rng.random((5, 6, 7, 8))
    points = rng.uniform(-4, 11, (4, 200))
    for prefilter in (True, False):
        want = scipy_ndimage.map_coordinates(x, points, None, order, mode, 0.3, prefilter)
        got = vk.ndimage.map_coordinates(x, points, None, order, mode, 0.3, prefilter)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_axis_that_runs_go_along_changes_no_bit(rng, cpu_level, order):
    x = rng.random((9, 12, 15), dtype=np.float32)
    field = rng.normal(0, 2, (3, 70, 33, 2))
    matrix = 0.1 * rng.random((3, 3))
    pull = _core.CoordinateMap(axes=3, matrix=matrix, offset=[1.0, 2.0, 3.0], field=field)
    options = _core.WarpOptions(kernel=order, mode=_core.Boundary.mirror)
    results = []
    for axes in ((0, 1, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0)):
        shape = [field.shape[1 + a] for a in axes]
        out = np.empty(shape, np.float32).transpose(np.argsort(axes))  # axis axes[-1] is the fastest
        _core.warp(x, out, pull, options, 0)
        results.append(out.copy())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_channels_and_times_share_a_grid(rng):
    x = rng.random((7, 9, 11, 2, 3), dtype=np.float32)
    displacement = rng.normal(0, 0.7, (7, 9, 11, 3))
    for order in (1, 3):
        got = vk.warp(x, displacement, order=order)
        for i, j in np.ndindex(2, 3):
            alone = vk.warp(np.ascontiguousarray(x[..., i, j]), displacement, order=order)
            np.testing.assert_array_equal(got[..., i, j], alone)


def test_same_bits_for_any_number_of_threads(rng):
    x = rng.random((40, 41, 42), dtype=np.float32)
    displacement = rng.normal(0, 2.0, (30, 31, 65, 3))
    values = rng.random((30, 31, 65), dtype=np.float32)
    for order in (0, 1, 3):
        once = vk.warp(x, displacement, order=order, threads=1)
        back = vk.push(values, displacement, shape=x.shape, order=order, threads=1)
        for threads in (2, 3, 7):
            np.testing.assert_array_equal(vk.warp(x, displacement, order=order, threads=threads), once)
            again = vk.push(values, displacement, shape=x.shape, order=order, threads=threads)
            np.testing.assert_array_equal(again, back)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_push_is_the_adjoint(rng, order, mode):
    for shape, grid in [((14, 15, 16), (9, 10, 12)), ((30, 17), (20, 33)), ((40,), (70,))]:
        a = rng.normal(size=shape)
        b = rng.normal(size=grid)
        if len(shape) == len(grid):
            place = np.indices(grid).reshape(len(grid), -1).T.reshape(*grid, len(grid))
            displacement = rng.uniform(-3, max(shape) + 3, (*grid, len(shape))) - place
        left = np.sum(vk.warp(a, displacement, order=order, mode=mode) * b)
        right = np.sum(a * vk.push(b, displacement, shape=shape, order=order, mode=mode))
        assert abs(left - right) < 1e-9 * np.sqrt(a.size * b.size)
        single = vk.push(b.astype("f4"), displacement, shape=shape, order=order, mode=mode)
        assert single.dtype == np.float32
        assert abs(np.sum(a * single) - left) < 1e-5 * np.sqrt(a.size * b.size)


def test_push_matches_reference(rng):
    values = rng.random((6, 5))
    coordinates = rng.uniform(-2, 12, (2, 6, 5))
    displacement = np.moveaxis(coordinates - np.indices((6, 5)), 0, -1)
    for order, mode in [(1, "constant"), (3, "mirror"), (2, "nearest")]:
        got = vk.push(values, displacement, shape=(11, 9), order=order, mode=mode)
        want = reference_push(values, coordinates, (11, 9), order, mode)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)


def test_push_counts_what_falls_where():
    got = vk.push(np.ones(4), np.array([[0.0], [0.25], [0.0], [9.0]]), mode="constant")
    np.testing.assert_allclose(got, [1, 0.75, 1.25, 0])


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_gradient_is_the_difference_quotient(rng, order, mode):
    x = rng.random((15, 16, 17))
    points = rng.uniform(-2, 18, (300, 1, 1, 3))
    # Kinks have no derivative, and none of the modes' own is at an odd hundredth.
    points = np.floor(points) + rng.choice([0.13, 0.37, 0.63, 0.87], points.shape)
    displacement = points - np.moveaxis(np.indices(points.shape[:3]), 0, -1)
    image_there, gradient = vk.warp(x, displacement, order=order, mode=mode, return_gradient=True)
    h = 1e-6
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = h
        after = vk.warp(x, displacement + step, order=order, mode=mode)
        before = vk.warp(x, displacement - step, order=order, mode=mode)
        np.testing.assert_allclose(gradient[..., axis], (after - before) / (2 * h), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(image_there, vk.warp(x, displacement, order=order, mode=mode))


def test_gradient_of_a_volume_is_per_millimetre():
    affine = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, 1], [0, 0, 3.0, 2], [0, 0, 0, 1]])
    index = np.indices((8, 9, 10), dtype=float)
    world = np.einsum("ij,j...->i...", affine[:3, :3], index) + affine[:3, 3].reshape(3, 1, 1, 1)
    ramp = vk.Volume(2 * world[0] - 3 * world[1] + 0.5 * world[2], affine)
    shift = vk.Volume(np.full((8, 9, 10, 3), 0.3, np.float32), affine)
    moved, gradient = vk.warp(ramp, shift, order=1, return_gradient=True)
    inner = (slice(1, -1),) * 3
    slope = np.broadcast_to([2, -3, 0.5], gradient.data[inner].shape)
    np.testing.assert_allclose(gradient.data[inner], slope, atol=1e-9)
    np.testing.assert_allclose(moved.data[inner], (ramp.data + 0.3 * (2 - 3 + 0.5))[inner], atol=1e-5)


def test_a_nan_voxel_stays_where_it_is(rng):
    x = rng.random((20, 20, 20), dtype=np.float32)
    x[10, 10, 10] = np.nan
    got = vk.warp(x, np.full((20, 20, 20, 3), 0.25), order=1)
    assert np.isnan(got).sum() == 8


def test_views_of_more_than_two_to_the_31_voxels():
    x = np.zeros((1300, 1300, 1300), np.uint8)  # pages that are not touched take no memory
    x[-2:, -2:, -2:] = 200
    assert x.size > 2**31
    near_the_end = np.full((1, 3), 1298.75)
    assert vk.ndimage.map_coordinates(x, near_the_end.T, order=1)[0] == 200
    assert vk.resample(x, matrix=np.eye(3), shape=(2, 2, 2), order=1).max() == 0
    matrix = np.array([[1, 1e-3, 0, 1298], [0, 1, 0, 1298], [0, 0, 1, 1298], [0, 0, 0, 1]])
    assert vk.resample(x, matrix=matrix, shape=(1, 1, 1), order=1)[0, 0, 0] == 200
    labels = vk.resample_labels(x, matrix=matrix, shape=(1, 1, 1))
    assert labels[0, 0, 0] == 200


# --- space ------------------------------------------------------------------------------------------------

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


def test_clip_takes_the_range_of_the_whole_image_and_cval_with_it(rng, cpu_level):
    x = rng.normal(size=(12, 13, 70, 2)).astype(np.float32)
    x[3, 4, 5] = np.nan
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    pull = _core.CoordinateMap(axes=3, matrix=matrix)
    free, clipped = np.empty_like(x), np.empty_like(x)
    for clip, out in ((False, free), (True, clipped)):
        options = _core.WarpOptions(kernel=1, mode=_core.Boundary.constant, cval=99.0, clip=clip)
        _core.warp(x, out, pull, options, 0)
    assert np.nanmax(free) == 99.0
    np.testing.assert_array_equal(clipped, np.clip(free, np.nanmin(x), np.nanmax(x)))


def test_bool_arrays_hold_zeros_and_ones_alone(rng, cpu_level):
    x = rng.normal(0, 50, (9, 80))
    out = np.empty(x.shape, np.bool_)
    options = _core.WarpOptions(kernel=3, mode=_core.Boundary.constant, cval=7.0)
    _core.warp(x, out, _core.CoordinateMap(axes=2, matrix=0.9 * np.eye(2)), options, 0)
    assert set(np.unique(out.view(np.uint8))) == {0, 1}


def test_a_map_keeps_its_field_alive():
    field = np.zeros((1, 5))
    alive = weakref.ref(field)
    pull = _core.CoordinateMap(axes=1, field=field)
    del field
    assert alive() is not None
    del pull
    assert alive() is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("axes", {"axes": 9}),
        ("offset", {"axes": 2, "offset": [1.0]}),
        ("matrix", {"axes": 2, "matrix": np.eye(3)}),
        ("field", {"axes": 2, "field": np.zeros((2, 4))}),
        ("field", {"axes": 2, "field": [1.0]}),
        ("field_matrix", {"axes": 2, "field_matrix": np.eye(2)}),
        ("field_matrix", {"axes": 2, "field": np.zeros((3, 4, 5))}),
    ],
)
def test_maps_that_do_not_fit_are_refused(name, wrong):
    options = _core.WarpOptions(kernel=1, mode=_core.Boundary.nearest)
    with pytest.raises(vk.ArgumentError, match=f"^{name}: "):
        _core.warp(np.zeros((4, 5)), np.zeros((4, 5)), _core.CoordinateMap(**wrong), options, 1)
