# SPDX-License-Identifier: Apache-2.0
"""resample: reference, scipy, SimpleITK, conventions, properties, edges."""

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, LAYOUTS, MODES, RESAMPLINGS, SIZES, SPLINE_FLOAT32, assert_close, image, in_layout
from hypothesis import given, settings
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern._runtime.validate import INTERPOLATION_MODES
from voxkern.reference.resample import resample as reference_resample


def run(backend, x, coordinates, order, mode, cval=0.0, dtype=None, prefilter=True, cells=None, **more):
    """Return what the kernel itself makes of ``x`` at coordinates that no grid has."""
    cells = cells or [0.0] * len(coordinates)
    axes = [
        _core.AxisSampling(np.asarray(c, float), cell=cell)
        for c, cell in zip(coordinates, cells, strict=True)
    ]
    out = backend.empty(tuple(len(c) for c in coordinates), np.dtype(dtype or x.dtype))
    options = _core.ResampleOptions(
        kernel=order, mode=INTERPOLATION_MODES[mode], cval=cval, prefilter=prefilter, **more
    )
    backend.kernels.resample(backend.give(x), out, axes, options, backend.last_argument())
    return backend.take(out)


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
    want = reference_resample(x, coordinates, order, mode, cval=0.3)
    # At the ends of the reference's padding the linear system is exact, the recursion starts at pole^12.
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore:It is recommended to use mode:UserWarning")
def test_zoom_matches_scipy(rng, backend, order, mode):
    for shape, size in RESAMPLINGS:
        for dtype in ("uint8", "int16", "uint16", "int32", "float32", "float64"):
            x = image(rng, shape, dtype)
            for convention in ("extent", "corner"):
                want = scipy_ndimage.zoom(
                    x, np.divide(size, shape), np.float64, order, mode, 7.0, grid_mode=convention == "extent"
                )
                args = {"shape": want.shape, "order": order, "mode": mode, "cval": 7.0}
                got = backend(vk.resample, x, **args, convention=convention)
                assert_close(got, want, (shape, dtype, convention))


@pytest.mark.parametrize("mode", MODES)
def test_far_outside_matches_scipy(rng, backend, mode):
    x = rng.random((9, 26))
    coordinates = [np.linspace(-31.7, 40.3, 29), np.linspace(-60.2, 90.8, 47)]
    grid = np.meshgrid(*coordinates, indexing="ij")
    for order in range(6):
        want = scipy_ndimage.map_coordinates(x, grid, order=order, mode=mode, cval=0.5)
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
            want = scipy_ndimage.zoom(x, np.divide(size, shape), np.float64, order, "nearest", grid_mode=True)
            assert_close(backend(vk.resample, x, shape=size, order=order), want, (shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, backend, dtype):
    x = image(rng, (9, 14, 19), dtype)
    for order in (0, 1, 3):
        want = scipy_ndimage.zoom(
            x, np.divide((13, 10, 25), x.shape), np.float64, order, "nearest", grid_mode=True
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
        smooth = scipy_ndimage.gaussian_filter(x, sigma, mode=mode, cval=0.2)
        want = scipy_ndimage.zoom(smooth, np.divide(size, x.shape), order=order, mode=mode, cval=0.2)
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
    c = scipy_ndimage.spline_filter(x, 3, mode="mirror")
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


@settings(max_examples=150, deadline=None)
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


def test_levels_agree(rng):
    x = rng.random((20, 30, 40), dtype=np.float32)
    before = _core.active_cpu_level()
    for order in (1, 3, 5):
        results = []
        for level in _core.cpu_levels():
            _core.set_cpu_level(level)
            results.append(vk.resample(x, shape=(31, 23, 57), order=order))
        for result in results[1:]:
            assert np.max(np.abs(result - results[0])) <= SPLINE_FLOAT32
    _core.set_cpu_level(before)


def test_a_sample_has_the_same_bits_anywhere_in_a_row(rng, cpu_level):
    for dtype in ("float32", "float64"):
        x = image(rng, (5, 6, 35), dtype)
        got = vk.resample(x, shape=(8, 9, 35), order=1)
        turned = vk.resample(np.ascontiguousarray(x[..., ::-1]), shape=(8, 9, 35), order=1)
        np.testing.assert_array_equal(turned[..., ::-1], got)


def test_more_than_three_axes_at_once(rng, backend):
    x = image(rng, (5, 6, 7, 8), np.float32)
    for order in (0, 1, 3):
        want = scipy_ndimage.zoom(
            x, np.divide((7, 4, 9, 5), x.shape), np.float64, order, "nearest", grid_mode=True
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


# --- chunks: planes cut into rows, lines into segments -------------------------------------------


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("mode", ["nearest", "grid-wrap", "constant", "grid-constant"])
def test_few_planes_are_shared_out(rng, cpu_level, order, mode):
    """An image of two axes and slabs of a few planes: as one of many, by any number of threads."""
    for shape, size in [((150, 140), (190, 111)), ((3, 90, 150), (5, 70, 211)), ((70, 61, 4), (80, 44, 4))]:
        x = rng.random(shape, dtype=np.float32)
        args = {"order": order, "mode": mode, "cval": 0.4, "antialias": order == 3}
        want = vk.resample(x, shape=size, **args, threads=1)
        assert vk.resample(x, shape=size, **args, threads=5).tobytes() == want.tobytes()
        np.testing.assert_allclose(want, vk.resample(x.astype(float), shape=size, **args), rtol=0, atol=3e-6)
        if x.ndim == 2:
            many = vk.resample(np.repeat(x[np.newaxis], 40, axis=0), shape=(40, *size), **args)
            np.testing.assert_array_equal(many[7], want)


@pytest.mark.parametrize("order", [0, 1, 3, 4])
def test_long_lines_match_scipy(rng, backend, order):
    x = rng.random(40000)
    for mode in ("nearest", "mirror", "reflect", "grid-wrap", "grid-constant"):
        want = scipy_ndimage.zoom(x, 1.25, order=order, mode=mode, cval=0.3)
        got = backend(vk.resample, x, shape=50000, order=order, mode=mode, cval=0.3, convention="corner")
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11, err_msg=mode)
        for n, m in ((70, 40000), (40000, 70)):  # long on one side only
            want = scipy_ndimage.zoom(x[:n], m / n, order=order, mode=mode, cval=0.3)
            got = backend(vk.resample, x[:n], shape=m, order=order, mode=mode, cval=0.3, convention="corner")
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-11, err_msg=f"{mode} {n}")
    pair = np.stack([x, x[::-1]], axis=1)
    got = backend(vk.resample, pair, shape=50000, axes=0, order=order)
    np.testing.assert_array_equal(got[:, 0], backend(vk.resample, x, shape=50000, order=order))


@pytest.mark.parametrize("order", [4, 5])
def test_high_orders_of_float32_keep_its_precision(backend, order):
    """A ramp read backwards on its own samples: nothing but the prefilter's rounding is left."""
    x = np.arange(11592, dtype=np.float32).reshape(21, 23, 24)
    got = run(backend, x, [np.arange(n)[::-1] for n in x.shape], order, "grid-wrap")
    np.testing.assert_allclose(got, x[::-1, ::-1, ::-1], rtol=0, atol=1e-3)


# --- samples as they are, means over cells, ranges of slices, memory orders -----------------------


def test_nearest_takes_samples_as_they_are(rng, cpu_level):
    whole = rng.integers(-(2**63), 2**63 - 1, (9, 10, 11))
    size = (5, 17, 30)
    index = [((np.arange(m) + 0.5) * n / m).astype(int) for n, m in zip(whole.shape, size, strict=True)]
    half = whole.astype(np.int16).view(np.float16)
    for x in (whole, whole.astype(np.uint64), whole.view(np.float64), half):
        bits = f"u{x.itemsize}"
        for name in LAYOUTS:
            got = vk.resample(in_layout(x, name), shape=size, order=0)
            np.testing.assert_array_equal(got.view(bits), x[np.ix_(*index)].view(bits), err_msg=name)
    spoiled = np.array([np.nan, 1.0, 2.0], np.float32)
    got = run(backends.make("cpu"), spoiled, [[-2.0, 0.0, 1.0]], 0, "grid-constant", cval=7.0)
    np.testing.assert_array_equal(got, np.array([7.0, np.nan, 1.0], np.float32))


def centres(n, m):
    return (np.arange(m) + 0.5) * (n / m) - 0.5


def test_cells_are_block_means(rng, backend):
    x = rng.random((24, 30, 44)).astype(np.float32)
    for size in ((12, 10, 4), (2, 30, 44), (24, 3, 11), (24, 30, 1)):
        step = [n // m for n, m in zip(x.shape, size, strict=True)]
        blocks = x.reshape([k for pair in zip(size, step, strict=True) for k in pair])
        want = blocks.mean(axis=(1, 3, 5), dtype=np.float64)
        grid = [centres(n, m) for n, m in zip(x.shape, size, strict=True)]
        for dtype in (np.float32, np.float64):
            got = run(backend, x.astype(dtype), grid, 0, "nearest", cells=[float(s) for s in step])
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 if dtype == np.float32 else 1e-13)
    # a value that is not finite stays in its cell
    x[0, 0, 3] = np.inf
    got = run(
        backend, x, [centres(24, 12), centres(30, 10), centres(44, 11)], 0, "nearest", cells=[2.0, 3.0, 4.0]
    )
    assert np.isinf(got[0, 0, 0]) and np.isfinite(got).sum() == got.size - 1


@pytest.mark.parametrize("m", [1, 7, 40, 100, 101, 333])
def test_cells_of_any_width(rng, backend, m):
    """Means as differences of the running sum, read between its samples."""
    x = rng.random(101)
    edges = np.linspace(0, 101, m + 1)
    running = np.interp(edges, np.arange(102), np.concatenate([[0.0], np.cumsum(x)]))
    want = np.diff(running) / (101 / m)
    for shape in ((101,), (101, 1, 5), (3, 101, 2), (2, 1, 101)):
        axis = shape.index(101)
        turned = np.broadcast_to(x.reshape([101 if n == 101 else 1 for n in shape]), shape)
        grid = [centres(101, m) if n == 101 else np.arange(n) for n in shape]
        got = run(backend, turned, grid, 0, "nearest", cells=[101 / m if n == 101 else 1.0 for n in shape])
        np.testing.assert_allclose(
            np.moveaxis(got, axis, 0).reshape(m, -1).T, [want] * (got.size // m), atol=1e-12
        )


@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_cells_match_reference(rng, backend, mode):
    x = rng.random((9, 11))
    grid = [np.linspace(-4.2, 13.1, 8), np.linspace(-3.0, 12.0, 6)]
    for cells in ([2.5, 1.0], [0.3, 4.0]):
        want = reference_resample(x, grid, 0, mode, cval=0.3, cells=cells)
        got = run(backend, x, grid, 0, mode, cval=0.3, cells=cells)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


def test_clip_of_slices(rng, backend):
    """Each channel within its own range, wherever the channels lie."""
    x = rng.random((6, 12, 13, 3), dtype=np.float32) * np.array([1, 10, 100], np.float32)
    x += rng.random((6, 1, 1, 1), dtype=np.float32) * 50
    grid = [np.arange(6), np.linspace(0, 11, 31), np.linspace(0, 12, 29), np.arange(3)]
    free = run(backend, x, grid, 3, "mirror")
    got = run(backend, x, grid, 3, "mirror", clip=True, clip_axes=[0, 3])
    low, high = x.min(axis=(1, 2), keepdims=True), x.max(axis=(1, 2), keepdims=True)
    assert (free > high).any() and (free < low).any()
    np.testing.assert_allclose(got, np.clip(free, low, high), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="clip_axes: allowed axes that are not resampled"):
        run(backend, x, grid, 3, "mirror", clip=True, clip_axes=[1])


@pytest.mark.parametrize("order", [0, 1, 3])
def test_memory_orders_of_input_and_output(rng, backend, order):
    args = {"shape": (33, 17, 50), "order": order, "mode": "constant", "cval": 3.0, "convention": "corner"}
    for dtype in ("uint8", "int16", "float32", "float64"):
        x = image(rng, (19, 22, 41), dtype)
        want = backend(vk.resample, x.astype(np.float64), **args)
        for axes in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            stored = backend.give(np.ascontiguousarray(x.transpose(axes)))
            stored = stored.transpose(np.argsort(axes).tolist())
            out = backend.empty((33, 17, 50), np.dtype(dtype))
            vk.resample(stored, out=out, **args)
            assert_close(backend.take(out), want, (dtype, axes))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_channels_last(rng, backend, order):
    x = rng.random((9, 10, 11, 20), dtype=np.float32)
    got = backend(vk.resample, x, shape=(14, 8, 17), axes=(0, 1, 2), order=order)
    for c in (0, 7, 19):
        want = backend(vk.resample, np.ascontiguousarray(x[..., c]), shape=(14, 8, 17), order=order)
        np.testing.assert_allclose(got[..., c], want, rtol=0, atol=2e-6)


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
