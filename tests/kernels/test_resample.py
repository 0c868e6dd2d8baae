# SPDX-License-Identifier: Apache-2.0
"""resample: reference, scipy, SimpleITK, conventions, properties, edges."""

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import (
    DTYPES,
    LAYOUTS,
    MODES,
    RESAMPLINGS,
    SIZES,
    SPLINE_FLOAT32,
    assert_close,
    examples,
    image,
    in_layout,
    known,
)
from hypothesis import given
from hypothesis import strategies as st
from resample_kernel import run

import voxkern as vk
from voxkern import _core
from voxkern.reference.resample import resample as reference_resample


def test_hand_computed():
    x = np.array([0.0, 10.0, 20.0])
    np.testing.assert_allclose(vk.resample(x, shape=5, order=1, convention="corner"), [0, 5, 10, 15, 20])
    np.testing.assert_allclose(vk.resample(x, shape=6, order=1), [0, 2.5, 7.5, 12.5, 17.5, 20])
    np.testing.assert_array_equal(vk.resample(x, shape=6, order=0), [0, 0, 10, 10, 20, 20])


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_matches_reference(rng, backend, order, mode):
    # Lines of 21 samples and more: on very short ones scipy's reflect, which we follow, is not exact.
    x = rng.random((21, 22))
    coordinates = [np.linspace(-3.3, 24.1, 19), np.linspace(0.2, 20.9, 33)]
    got = run(backend, x, coordinates, order, mode, cval=0.3)
    want = known(reference_resample, x, coordinates, order, mode, cval=0.3)
    # At the ends of the reference's padding the linear system is exact, the recursion starts at pole^12.
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore:It is recommended to use mode:UserWarning")
def test_zoom_matches_scipy(rng, backend, order, mode):
    """Each dtype with both conventions, in one of the shapes at least."""
    for i, (shape, size) in enumerate(RESAMPLINGS):
        for k, dtype in enumerate(("uint8", "int16", "uint16", "int32", "float32", "float64")):
            x = image(rng, shape, dtype)
            convention = ("extent", "corner")[(i + k) % 2]
            factors, grid_mode = np.divide(size, shape), convention == "extent"
            want = known(scipy_ndimage.zoom, x, factors, np.float64, order, mode, 7.0, grid_mode=grid_mode)
            args = {"shape": want.shape, "order": order, "mode": mode, "cval": 7.0}
            got = backend(vk.resample, x, **args, convention=convention)
            assert_close(got, want, (shape, dtype, convention))


@pytest.mark.parametrize("mode", MODES)
def test_far_outside_matches_scipy(rng, backend, mode):
    x = rng.random((9, 26))
    coordinates = [np.linspace(-31.7, 40.3, 29), np.linspace(-60.2, 90.8, 47)]
    grid = np.meshgrid(*coordinates, indexing="ij")
    for order in range(6):
        want = known(scipy_ndimage.map_coordinates, x, grid, order=order, mode=mode, cval=0.5)
        got = run(backend, x, coordinates, order, mode, cval=0.5)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=f"order {order}")


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_sizes_around_vectors(rng, backend, n, order):
    for dtype in ("int16", "float32", "float64"):
        for shape, size in [
            ((n, 3, 4), (7, 3, 5)),
            ((3, n, 5), (4, 2 * n + 1, 5)),
            ((2, 3, n), (3, 4, n + 5)),
        ]:
            x = image(rng, shape, dtype)
            want = known(
                scipy_ndimage.zoom, x, np.divide(size, shape), np.float64, order, "nearest", grid_mode=True
            )
            assert_close(backend(vk.resample, x, shape=size, order=order), want, (shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, backend, dtype):
    x = image(rng, (9, 14, 19), dtype)
    for order in (0, 1, 3):
        want = known(
            scipy_ndimage.zoom,
            x,
            np.divide((13, 10, 25), x.shape),
            np.float64,
            order,
            "nearest",
            grid_mode=True,
        )
        for name in LAYOUTS:
            view = in_layout(x, name, backend.give)
            got = backend.take(vk.resample(view, shape=(13, 10, 25), order=order))
            assert_close(got, want, (name, order))


def test_integers_round_half_away_and_saturate(backend):
    x = np.array([-101, -100, 0, 1], np.int8)
    np.testing.assert_array_equal(
        run(backend, x, [[0.5, 2.5]], 1, "nearest"), np.array([-101, 1], np.int8)
    )  # -100.5 and 0.5
    peak = np.array([0, 0, 255, 255, 0, 0], np.uint8)
    overshoot = run(backend, peak, [[2.5]], 3, "mirror", dtype=np.float64)
    assert overshoot[0] > 255.5
    assert run(backend, peak, [[2.5]], 3, "mirror")[0] == 255


def test_clip_and_bool(rng):
    x = (rng.random((20, 20, 20)) > 0.5).astype(np.float32)
    assert vk.resample(x, shape=(31, 31, 31)).max() > 1.05
    clipped = vk.resample(x, shape=(31, 31, 31), clip=True)
    assert clipped.min() >= 0.0 and clipped.max() <= 1.0
    mask = vk.resample(x.astype(bool), shape=(31, 31, 31))
    assert mask.dtype == np.bool_ and set(np.unique(mask.view(np.uint8))) == {0, 1}


def test_antialias_is_gaussian_then_spline(rng, backend):
    x = rng.random((40, 33, 50))
    for mode, order in (("nearest", 1), ("mirror", 3), ("grid-constant", 3), ("constant", 1)):
        size = (10, 40, 20)
        args = {"shape": size, "order": order, "mode": mode, "cval": 0.2, "convention": "corner"}
        got = backend(vk.resample, x, **args, antialias=True)
        # corner samples at a slightly smaller scale: its sigma follows the sampling that is made
        scale = [(n - 1) / (m - 1) for n, m in zip(x.shape, size, strict=True)]
        sigma = [max(0.0, (s - 1) / 2) for s in scale]
        smooth = known(scipy_ndimage.gaussian_filter, x, sigma, mode=mode, cval=0.2)
        want = known(scipy_ndimage.zoom, smooth, np.divide(size, x.shape), order=order, mode=mode, cval=0.2)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12, err_msg=f"{mode} {order}")


def test_further_axes_are_kept(rng):
    x = rng.random((2, 12, 13, 14, 3), dtype=np.float32)
    got = vk.resample(x, shape=(9, 17, 20), axes=(1, 2, 3))
    assert got.shape == (2, 9, 17, 20, 3)
    for i in range(2):
        for c in range(3):
            want = vk.resample(np.ascontiguousarray(x[i, ..., c]), shape=(9, 17, 20))
            np.testing.assert_allclose(got[i, ..., c], want, rtol=0, atol=1e-6)
    one = vk.resample(x[0, ..., 0], shape=30, axes=1)
    want = scipy_ndimage.zoom(
        x[0, ..., 0].astype(float), (1, 30 / 13, 1), order=3, mode="nearest", grid_mode=True
    )
    assert_close(one, want)


def test_prefilter_false_takes_coefficients(rng, backend):
    x = rng.random((20, 30))
    c = known(scipy_ndimage.spline_filter, x, 3, mode="mirror")
    coordinates = [np.linspace(0, 19, 33), np.linspace(0, 29, 17)]
    got = run(backend, c, coordinates, 3, "mirror", prefilter=False)
    np.testing.assert_allclose(got, run(backend, x, coordinates, 3, "mirror"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", range(6))
def test_constant_and_ramp(backend, order):
    assert np.all(
        backend(vk.resample, np.full((9, 20, 17), 7, np.int16), shape=(20, 9, 40), order=order) == 7
    )
    if order >= 1:  # splines of order 1 and more reproduce straight lines away from the ends
        ramp = np.broadcast_to(np.arange(60.0), (3, 4, 60))
        x = np.linspace(25.0, 35.0, 41)
        got = run(backend, ramp, [np.arange(3), np.arange(4), x], order, "mirror")
        np.testing.assert_allclose(got, np.broadcast_to(x, got.shape), rtol=0, atol=1e-6)


@examples(50)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.tuples(*[st.sampled_from([1, 2, 3, 8, 16, 17, 33])] * 3))
    size = data.draw(st.tuples(*[st.integers(1, 40)] * 3))
    order = data.draw(st.integers(0, 5))
    mode = data.draw(st.sampled_from(["nearest", "reflect", "mirror", "grid-wrap", "grid-constant"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.random(shape)
    kwargs = {"shape": size, "order": order, "mode": mode}
    got = vk.resample(x, **kwargs)
    # the memory order of the input changes nothing but rounding
    np.testing.assert_allclose(vk.resample(np.asfortranarray(x), **kwargs), got, rtol=0, atol=1e-11)
    # transposing commutes
    turned = vk.resample(x.transpose(2, 0, 1), shape=(size[2], size[0], size[1]), order=order, mode=mode)
    np.testing.assert_allclose(turned, got.transpose(2, 0, 1), rtol=0, atol=1e-11)
    exact = mode != "reflect" or min(shape) > 16  # scipy's reflect, which we follow, is not on short lines
    if order > 0 and exact:  # flipping commutes (order 0 breaks ties upwards)
        flipped = vk.resample(x[::-1, :, ::-1], **kwargs)
        np.testing.assert_allclose(flipped, got[::-1, :, ::-1], rtol=0, atol=1e-9)
    # its own grid gives the image back
    np.testing.assert_array_equal(vk.resample(x, shape=shape, order=order, mode=mode), x)


def test_nan_stays_on_its_lines(rng):
    x = rng.random((10, 11, 12))
    x[4, 5, 6] = np.nan
    got = vk.resample(x, shape=(20, 22, 24), order=1)
    assert 0 < np.isnan(got).sum() <= 4**3
    assert not np.isnan(vk.resample(x, shape=(20, 22, 24), order=1, clip=True)[:4]).any()


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bytes_for_any_thread_count(rng, cpu_level, dtype, order):
    x = image(rng, (33, 50, 41), dtype)
    want = vk.resample(x, shape=(60, 41, 77), order=order, threads=1).tobytes()
    for threads in (2, 3, 8):
        assert vk.resample(x, shape=(60, 41, 77), order=order, threads=threads).tobytes() == want


@pytest.mark.parametrize("dtype", ["uint8", np.float32, np.float64])
def test_dtype_of_a_new_result(rng, dtype):
    x = image(rng, (9, 10, 11), "int16")
    want = np.empty((12, 13, 14), dtype)
    vk.resample(x, shape=want.shape, out=want)
    got = vk.resample(x, shape=want.shape, dtype=dtype)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    volume = vk.resample(vk.Volume(x, np.eye(4)), shape=want.shape, dtype=dtype)
    assert volume.dtype == want.dtype
    np.testing.assert_array_equal(volume.data, want)
    with pytest.raises(vk.ArgumentError, match="dtype: got 'int8', allowed None beside out"):
        vk.resample(x, shape=want.shape, out=want, dtype="int8")


def test_levels_agree(rng):
    x = rng.random((20, 30, 40), dtype=np.float32)
    for order in (1, 3, 5):
        results = []
        for level in _core.cpu_levels():
            with backends.cpu_level(level):
                results.append(vk.resample(x, shape=(31, 23, 57), order=order))
        for result in results[1:]:
            assert np.max(np.abs(result - results[0])) <= SPLINE_FLOAT32


def test_a_sample_has_the_same_bits_anywhere_in_a_row(rng, cpu_level):
    for dtype in ("float32", "float64"):
        x = image(rng, (5, 6, 35), dtype)
        got = vk.resample(x, shape=(8, 9, 35), order=1)
        turned = vk.resample(np.ascontiguousarray(x[..., ::-1]), shape=(8, 9, 35), order=1)
        np.testing.assert_array_equal(turned[..., ::-1], got)


def test_more_than_three_axes_at_once(rng, backend):
    x = image(rng, (5, 6, 7, 8), np.float32)
    for order in (0, 1, 3):
        want = known(
            scipy_ndimage.zoom,
            x,
            np.divide((7, 4, 9, 5), x.shape),
            np.float64,
            order,
            "nearest",
            grid_mode=True,
        )
        assert_close(backend(vk.resample, x, shape=(7, 4, 9, 5), order=order), want)
        clipped = backend(vk.resample, x, shape=(7, 4, 9, 5), order=order, clip=True)
        assert_close(clipped, np.clip(want, x.min(), x.max()))
    whole = image(rng, (5, 6, 7, 8), np.int16)
    want = scipy_ndimage.zoom(
        whole, np.divide((7, 4, 9, 5), x.shape), np.float64, 1, "nearest", grid_mode=True
    )
    assert_close(backend(vk.resample, whole, shape=(7, 4, 9, 5), order=1), want)


def test_large_results_bypass_caches(rng):
    """Results over 16 MiB are streamed to memory: other stores, same values."""
    for dtype in (np.float32, np.int16, np.float64):
        x = image(rng, (60, 70, 80), dtype)
        got = vk.resample(x, shape=(203, 211, 217), order=1)
        assert got.nbytes > 16 << 20
        want = scipy_ndimage.zoom(x, np.divide(got.shape, x.shape), np.float64, 1, "nearest", grid_mode=True)
        assert_close(got, want, dtype)


def test_large_volumes_between_passes_bypass_caches(rng):
    """Coefficients over 16 MiB are streamed to memory: other stores, same bits."""
    x = rng.random((165, 161, 163), dtype=np.float32)
    got = vk.resample(x, shape=(170, 161, 163), order=3)
    for rows in (slice(0, 7), slice(80, 120), slice(157, 161)):
        few = np.ascontiguousarray(x[:, rows])
        np.testing.assert_array_equal(
            got[:, rows], vk.resample(few, shape=(170, *few.shape[1:]), order=3), err_msg=rows
        )


# --- geometry ------------------------------------------------------------------------------------


def head_like(rng, dtype=np.float32):
    angle = np.deg2rad(17)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([2.0, 0.9, 1.1])
    affine[:3, 3] = [-31, 12, 7]
    return vk.Volume(image(rng, (20, 31, 27), dtype), affine)


def corner(volume, *index):
    return volume.affine @ np.array([*index, 1.0])


def test_extent_keeps_the_field_of_view(rng):
    x = head_like(rng)
    y = vk.resample(x, spacing=1.0, order=1, convention="extent")
    assert y.shape == (40, 28, 30)
    for i in (0, 1):
        edge_in = corner(x, *(-0.5 if i == 0 else n - 0.5 for n in x.shape))
        edge_out = corner(y, *(-0.5 if i == 0 else n - 0.5 for n in y.shape))
        np.testing.assert_allclose(edge_out, edge_in, atol=1e-9)
    np.testing.assert_allclose(y.spacing, [1.0, 31 * 0.9 / 28, 27 * 1.1 / 30])


def test_centre_keeps_the_spacing(rng):
    x = head_like(rng)
    y = vk.resample(x, spacing=1.0, order=1, shape_rule="torchio")
    np.testing.assert_allclose(y.spacing, [1, 1, 1])
    assert y.shape == (40, 27, 29)
    middle = [corner(v, *((n - 1) / 2 for n in v.shape)) for v in (x, y)]
    np.testing.assert_allclose(middle[0], middle[1], atol=1e-9)
    assert vk.resample(x, spacing=1.0, shape=(11, 12, 13)).shape == (11, 12, 13)


def test_corner_keeps_corner_voxels(rng):
    x = head_like(rng)
    y = vk.resample(x, shape=(7, 40, 30), order=1, convention="corner")
    np.testing.assert_allclose(corner(y, 0, 0, 0), corner(x, 0, 0, 0), atol=1e-9)
    np.testing.assert_allclose(corner(y, 6, 39, 29), corner(x, 19, 30, 26), atol=1e-9)
    np.testing.assert_allclose(y.data[-1, -1, -1], x.data[-1, -1, -1], rtol=1e-6)


@pytest.mark.parametrize(
    ("rule", "size"), [("round", 2), ("ceil", 3), ("floor", 2), ("torchio", 2), ("monai", 3)]
)
def test_shape_rules(rule, size):
    x = vk.Volume(np.zeros((5, 5, 5)), np.eye(4))
    assert vk.resample(x, spacing=2.0, shape_rule=rule, order=0).shape == (size,) * 3


def test_sampled_affine_is_true(rng):
    """A linear ramp in millimetres, resampled, still reads its own position everywhere inside."""
    x = head_like(rng, np.float64)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in x.shape), indexing="ij"), -1)
    ramp = x.with_data((index @ x.affine[:3, :3].T + x.affine[:3, 3]) @ [1.0, 2.0, 3.0])
    for kwargs in (
        {"spacing": 1.3},
        {"spacing": 1.3, "convention": "extent"},
        {"spacing": 1.3, "convention": "origin"},
        {"affine": x.affine @ np.diag([0.9, -0.8, 1.2, 1.0]), "shape": (9, 8, 7)},
        {"shape": (25, 50, 13), "convention": "corner"},
        {"matrix": np.diag([0.5, 1.5, -0.7, 1.0]) + np.outer([3, 4, 22, 0], [0, 0, 0, 1.0])},
    ):
        y = vk.resample(ramp, order=1, **kwargs)
        at = np.stack(np.meshgrid(*(np.arange(n) for n in y.shape), indexing="ij"), -1)
        mm = at @ y.affine[:3, :3].T + y.affine[:3, 3]
        source = np.linalg.solve(x.affine, np.c_[mm.reshape(-1, 3), np.ones(mm[..., 0].size)].T).T[:, :3]
        inside = np.all((source >= 0) & (source <= np.array(x.shape) - 1), axis=1).reshape(y.shape)
        assert inside.any()
        np.testing.assert_allclose(y.data[inside], (mm @ [1.0, 2.0, 3.0])[inside], atol=1e-9)


def test_like_permuted_and_flipped(rng):
    x = head_like(rng)
    target = vk.reorient(vk.resample(x, spacing=1.7, order=0), "IAL")
    got = vk.resample(x, like=target, order=1)
    assert got.shape == target.shape and got.orientation == "IAL"
    np.testing.assert_array_equal(got.affine, target.affine)
    want = vk.reorient(vk.resample(x, spacing=1.7, order=1, mode="fov"), "IAL")
    np.testing.assert_allclose(got.data, want.data, atol=1e-4)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_matches_simpleitk(rng, order):
    sitk = pytest.importorskip("SimpleITK")
    x = head_like(rng, np.float64)
    target = vk.Volume(np.zeros((25, 40, 33)), x.affine @ np.diag([0.9, 0.83, 0.87, 1.0]))
    target = target.with_data(target.data, target.affine + np.outer([0.31, -0.4, 0.2, 0], [0, 0, 0, 1.0]))
    interpolator = {0: sitk.sitkNearestNeighbor, 1: sitk.sitkLinear, 3: sitk.sitkBSpline}[order]
    want = vk.Volume.from_sitk(
        sitk.Resample(x.to_sitk(), target.to_sitk(), sitk.Transform(), interpolator, -50.0)
    )
    got = vk.resample(x, like=target, order=order, mode="fov", cval=-50.0)
    np.testing.assert_allclose(want.affine, got.affine, atol=1e-9)
    inside = np.ones(got.shape, bool)
    if order == 3:  # in the half-voxel rim ITK's cubic mirrors, fov clamps
        inside = vk.resample(x.with_data(np.ones(x.shape)), like=target, order=1, mode="constant").data > 0.5
    assert (got.data == -50.0).any() and (got.data[inside] != -50.0).any()
    np.testing.assert_allclose(got.data[inside], want.data[inside], rtol=0, atol=1e-4)


def test_matrix_is_scipys_pull(rng):
    x = rng.random((12, 14, 16))
    matrix = np.diag([0.5, 1.25, 0.8])
    want = scipy_ndimage.affine_transform(x, matrix, output_shape=(20, 11, 18), order=3, mode="mirror")
    got = vk.resample(x, matrix=matrix, shape=(20, 11, 18), order=3, mode="mirror")
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
    permute = np.array([[0, 1.1, 0, 0.2], [0, 0, 0.9, 0.1], [0.7, 0, 0, 0.3], [0, 0, 0, 1]])
    want = scipy_ndimage.affine_transform(x, permute, order=1, mode="mirror")
    np.testing.assert_allclose(vk.resample(x, matrix=permute, order=1, mode="mirror"), want, atol=1e-12)


def test_memory_order_is_kept(rng):
    x = np.asfortranarray(rng.random((10, 11, 12), dtype=np.float32))
    assert vk.resample(x, shape=(20, 21, 22)).flags.f_contiguous
    assert vk.resample(np.ascontiguousarray(x), shape=(20, 21, 22)).flags.c_contiguous


def test_out(rng):
    x = rng.random((10, 11, 12))
    out = np.empty((5, 6, 7), np.float32)
    assert vk.resample(x, shape=(5, 6, 7), out=out) is out
    np.testing.assert_allclose(out, vk.resample(x, shape=(5, 6, 7)), rtol=1e-6)


def test_beyond_two_to_the_31_elements():
    """Broadcast strides make a view of more than 2^31 voxels that needs no memory."""
    line = np.arange(1 << 16).astype(np.uint8)
    huge = np.broadcast_to(line, (1 << 8, 1 << 8, 1 << 16))
    assert huge.size > 1 << 31
    got = run(backends.make("cpu"), huge, [[200.0], [100.5], [65530.0, 17.5]], 1, "nearest")
    np.testing.assert_array_equal(got.ravel(), [65530 % 256, 18])
