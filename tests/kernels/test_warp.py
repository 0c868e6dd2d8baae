# SPDX-License-Identifier: Apache-2.0
"""warp and push: reference, scipy, the adjoint, slopes, edges."""

import weakref

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import LAYOUTS, MODES, SIZES, examples, image, in_layout, known
from hypothesis import example, given
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
@examples(130)
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
