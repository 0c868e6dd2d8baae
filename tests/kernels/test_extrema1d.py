# SPDX-License-Identifier: Apache-2.0
"""extrema1d: reference, scipy's bits, properties, edges."""

import itertools
import signal

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, LAYOUTS, MODES, SIZES, examples, image, in_layout, known
from hypothesis import given
from hypothesis import strategies as st

from voxkern import _core, ndimage
from voxkern.reference.extrema1d import extrema1d as reference_extrema1d

FILTERS = ["minimum_filter", "maximum_filter"]
CVAL = {"bool": 1, "uint8": 250, "int8": -100}


def same(got, want, what=None):
    assert got.dtype == want.dtype and got.shape == want.shape, what
    assert np.array_equal(got, want), what


def origins(size):
    return sorted({-(size // 2), 0, (size - 1) // 2})


def values(rng, shape, dtype):
    """Few different values, so that windows hold equal ones, and the extremes of the type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.integers(-9, 9, shape).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) > 0.8
    limits = np.iinfo(dtype)
    return rng.choice(np.array([limits.min, limits.max, 0, 1, 3, 100], dtype), shape)


def ball(radius):
    at = np.indices((2 * radius + 1,) * 3) - radius
    return (at**2).sum(0) <= radius**2


def test_hand_computed():
    x = np.array([2, 8, 0, 4, 1, 9, 9, 0])
    assert ndimage.minimum_filter1d(x, 3).tolist() == [2, 0, 0, 0, 1, 1, 0, 0]
    assert ndimage.maximum_filter(x, 2).tolist() == [2, 8, 8, 4, 4, 9, 9, 9]
    assert ndimage.maximum_filter(x, footprint=[1, 0, 1]).tolist() == [8, 2, 8, 1, 9, 9, 9, 9]
    assert ndimage.minimum_filter1d(x, 3, mode="constant", cval=-7).tolist() == [-7, 0, 0, 0, 1, 1, 0, -7]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("maximum", [False, True])
def test_matches_reference(rng, backend, mode, maximum):
    x = image(rng, (4, 5, 6), "int16")
    name = FILTERS[maximum]
    for shape in ((3, 1, 4), (2, 5, 3)):
        for origin in ((0, 0, 0), tuple((n - 1) // 2 for n in shape)):
            box = known(reference_extrema1d, x, np.ones(shape), maximum, [mode] * 3, 7, origin)
            args = {"mode": mode, "cval": 7, "origin": origin}
            same(backend(getattr(ndimage, name), x, shape, **args), box)
            footprint = rng.random(shape) > 0.5
            footprint[0, 0, 0], footprint[-1, -1, -1] = True, False
            want = known(reference_extrema1d, x, footprint, maximum, [mode] * 3, 7, origin)
            same(backend(getattr(ndimage, name), x, footprint=footprint, **args), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FILTERS)
def test_bits_of_scipy(rng, backend, dtype, name):
    ours, theirs = getattr(ndimage, name), getattr(scipy_ndimage, name)
    x = values(rng, (7, 18, 33), dtype)
    footprint = rng.random((3, 4, 5)) > 0.5
    for layout in LAYOUTS:
        view = in_layout(x, layout, backend.give)
        for args in ({"size": 3}, {"size": (2, 7, 4)}, {"size": (1, 1, 9)}, {"footprint": footprint}):
            same(backend.take(ours(view, **args)), known(theirs, x, **args), (layout, args))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "int64"])
def test_sizes_modes_and_origins(rng, cpu_level, dtype, mode):
    x = values(rng, (6, 21, 40), dtype)
    cval = CVAL.get(dtype, -3)
    for size in (1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 64, 101, 300):
        for axis, origin in itertools.product(range(3), origins(size)):
            args = {"axis": axis, "mode": mode, "cval": cval, "origin": origin}
            got = ndimage.maximum_filter1d(x, size, **args)
            same(got, known(scipy_ndimage.maximum_filter1d, x, size, **args), (size, args))
        got = ndimage.minimum_filter(x, size, mode=mode, cval=cval)
        same(got, known(scipy_ndimage.minimum_filter, x, size, mode=mode, cval=cval), size)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_sizes_around_vectors(rng, backend, dtype, n):
    footprint = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n)]:
        x = values(rng, shape, dtype)
        got = backend(ndimage.maximum_filter, x, 4)
        same(got, known(scipy_ndimage.maximum_filter, x, 4), shape)
        if len(shape) > 1:
            args = {"footprint": footprint, "axes": (-2, -1)}
            same(
                backend(ndimage.minimum_filter, x, **args),
                known(scipy_ndimage.minimum_filter, x, **args),
                shape,
            )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_blocks_of_a_volume(rng, cpu_level, dtype):
    """Volumes of many blocks: fused, plane by plane, and axis by axis."""
    x = values(rng, (70, 90, 130), dtype)
    for size in (3, 7, (9, 3, 5), (3, 40, 3), 31, (1, 5, 5), (5, 1, 5), (5, 5, 1)):
        for mode in ("reflect", "wrap"):
            want = known(scipy_ndimage.maximum_filter, x, size, mode=mode)
            same(ndimage.maximum_filter(x, size, mode=mode, threads=3), want, (size, mode))
    for size in (7, 31):
        got = ndimage.minimum_filter(np.asfortranarray(x), size, threads=2)
        same(got, known(scipy_ndimage.minimum_filter, x, size), size)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILTERS)
def test_footprints(rng, cpu_level, name, mode):
    ours, theirs = getattr(ndimage, name), getattr(scipy_ndimage, name)
    x = values(rng, (20, 30, 40), "int16")
    for footprint in (ball(1), ball(3), rng.random((9, 9, 9)) > 0.5, rng.random((2, 3, 12)) > 0.7):
        for corner in (0, -1, 1):
            origin = [0 if corner == 0 else origins(n)[corner // 2] for n in footprint.shape]
            args = {"footprint": footprint, "mode": mode, "cval": -3, "origin": origin}
            same(ours(x, **args), known(theirs, x, **args), (footprint.shape, origin))


def test_footprints_that_reach_far(rng, cpu_level):
    """Beyond twice an axis scipy 1.17 reads other samples than its mode names: here the reference decides."""
    x = image(rng, (3, 2, 5), "uint8")
    footprint = rng.random((4, 9, 12)) > 0.8
    footprint[0, 8, 11] = True
    for mode in MODES:
        got = ndimage.maximum_filter(x, footprint=footprint, mode=mode, cval=3)
        same(got, known(reference_extrema1d, x, footprint, True, [mode] * 3, 3, [0, 0, 0]), mode)


def test_long_runs_and_pieces(rng, cpu_level):
    """Rows of many lengths of runs, and lines of which only pieces fit."""
    x = values(rng, (40, 9000), "float32")
    footprint = np.tri(21, 60, 20).astype(bool)
    same(
        ndimage.maximum_filter(x, footprint=footprint, threads=2),
        known(scipy_ndimage.maximum_filter, x, footprint=footprint),
    )
    many = values(rng, (3, 4, 12, 11, 10), "uint8")
    spread = rng.random((2, 1, 3, 3, 3)) > 0.6
    for args in ({"footprint": spread}, {"size": (2, 1, 3, 3, 3)}):
        same(ndimage.minimum_filter(many, **args), known(scipy_ndimage.minimum_filter, many, **args))


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_lines_that_are_cut(rng, cpu_level, dtype, channels):
    x = values(rng, (300_000, *channels), dtype)
    for size, mode in ((7, "reflect"), (101, "wrap"), (5, "constant")):
        want = known(scipy_ndimage.maximum_filter1d, x, size, 0, mode=mode, cval=3, origin=1)
        for threads in (1, 3):
            args = {"mode": mode, "cval": 3, "origin": 1, "threads": threads}
            same(ndimage.maximum_filter1d(x, size, 0, **args), want, (size, threads))
            same(ndimage.maximum_filter1d(np.repeat(x, 2, 0)[::2], size, 0, **args), want, size)
    wide = values(rng, (5, 100_000), dtype)
    same(ndimage.minimum_filter(wide, (3, 9)), known(scipy_ndimage.minimum_filter, wide, (3, 9)))


def test_interleaved_channels(rng, cpu_level):
    x = values(rng, (50, 60, 3), "uint8")
    for args in ({"size": (5, 5, 1)}, {"size": (3, 31, 1)}, {"footprint": ball(2)[2, ..., None]}):
        want = known(scipy_ndimage.maximum_filter, x, **args)
        same(ndimage.maximum_filter(x, **args), want, args)
        same(ndimage.maximum_filter(np.asfortranarray(x), **args), want, args)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_cval_beyond_the_type(rng, cpu_level, dtype, name):
    """A box compares with ``cval`` as it is, a footprint with what the type makes of it; both then wrap."""
    x = values(rng, (9, 10), dtype)
    footprint = [[1, 0, 1], [0, 1, 0]]
    for cval in (2.7, -5.5, 300.5, 7e4, -7e4):
        for args in ({"size": 3}, {"size": (1, 4)}, {"footprint": footprint}):
            args = {**args, "mode": "constant", "cval": cval}
            want = known(getattr(scipy_ndimage, name), x, **args)
            same(getattr(ndimage, name)(x, **args), want, (cval, args))


@pytest.mark.parametrize("output", [np.uint8, np.int32, np.float32, np.float64, bool])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_outputs_of_other_dtypes(rng, cpu_level, dtype, output):
    x = image(rng, (9, 10, 20), dtype)
    outside = {"mode": "constant", "cval": 0.5}
    for args in ({"size": (3, 1, 5)}, {"size": 1}, {"size": 4, **outside}, {"footprint": ball(1)}):
        want = known(scipy_ndimage.maximum_filter, x, output=output, **args)
        same(ndimage.maximum_filter(x, output=output, **args), want, args)


def test_integers_beyond_float64_round_as_scipys(rng):
    x = rng.integers(-(2**63), 2**63 - 2**12, (30, 40))
    for args in ({"size": 3}, {"size": 1}, {"footprint": ball(2)[2]}):
        same(ndimage.minimum_filter(x, **args), scipy_ndimage.minimum_filter(x, **args), args)
    same(ndimage.maximum_filter1d(x, 1), scipy_ndimage.maximum_filter1d(x, 1))


def test_signs_of_zeros_are_scipys(rng, cpu_level):
    x = rng.choice(np.array([0.0, -0.0, 1.0, -1.0], np.float32), (60, 40, 70), p=[0.45, 0.45, 0.05, 0.05])
    for name, args in itertools.product(
        FILTERS, ({"size": 2}, {"size": 7}, {"size": (3, 31, 2)}, {"footprint": ball(1)})
    ):
        for array in (x, x.astype(np.float64)):
            want = known(getattr(scipy_ndimage, name), array, **args)
            assert getattr(ndimage, name)(array, **args).tobytes() == want.tobytes(), (name, args)


def test_infinity_and_subnormals(rng, cpu_level):
    x = rng.choice(np.array([np.inf, -np.inf, 1e-45, -1e-45, 0.0, 3e38], np.float32), (20, 30))
    for args in ({"size": 3}, {"footprint": [[1, 0], [1, 1]]}):
        same(ndimage.minimum_filter(x, **args), known(scipy_ndimage.minimum_filter, x, **args), args)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("maximum", [False, True])
def test_nan_is_passed_over(rng, cpu_level, dtype, maximum):
    x = rng.standard_normal((40, 9, 30)).astype(dtype)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[10:20, 2:8, 5:20] = np.nan
    fill = x.dtype.type(-np.inf if maximum else np.inf)
    name = FILTERS[maximum]
    plain = getattr(scipy_ndimage, name)
    for args in (*({"size": size} for size in (3, (1, 1, 4), (5, 1, 1), (9, 1, 3))), {"footprint": ball(1)}):
        want = plain(np.where(np.isnan(x), fill, x), **args)
        want[np.isinf(want)] = np.nan
        got = getattr(ndimage, name)(x, **args)
        assert np.isnan(want).any()
        np.testing.assert_array_equal(got, want, str(args))


def test_empty_and_single():
    assert ndimage.maximum_filter(np.zeros((0, 5)), 3).shape == (0, 5)
    assert ndimage.maximum_filter(np.zeros((0, 5)), footprint=[[1, 0]]).shape == (0, 5)
    assert ndimage.maximum_filter(np.array(3.0), 3) == 3.0
    assert ndimage.maximum_filter(np.array(3), footprint=True) == 3
    for mode in MODES:
        x = np.full((1, 1, 1), 3.0)
        for args in ({"size": 5}, {"footprint": ball(2)}):
            args = {**args, "mode": mode, "cval": 7.0}
            same(ndimage.maximum_filter(x, **args), scipy_ndimage.maximum_filter(x, **args), args)


def test_a_window_far_longer_than_the_line():
    x = np.array([3, 8, 1, 0])
    for mode, want in {"reflect": 8, "wrap": 8, "mirror": 8, "nearest": 8, "constant": 9}.items():
        assert ndimage.maximum_filter1d(x, 10**12, mode=mode, cval=9).tolist() == [want] * 4, mode


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_same_bytes_for_any_thread_count(rng, dtype, cpu_level):
    x = image(rng, (40, 61, 70), dtype)
    for args in ({"size": 5}, {"size": 31}, {"footprint": ball(2)}):
        want = ndimage.maximum_filter(x, **args, threads=1).tobytes()
        for threads in (2, 3, 8):
            assert ndimage.maximum_filter(x, **args, threads=threads).tobytes() == want


def test_memory_is_a_few_tiles(rng):
    """What the process keeps for the next call is what the last one took."""
    x = rng.random((96, 256, 256), dtype=np.float32)
    out = np.empty_like(x)
    for args in ({"size": 7}, {"size": 31}, {"footprint": ball(3)}):
        _core.release_memory()
        ndimage.maximum_filter(x, **args, output=out, threads=2)
        assert _core.cached_bytes() <= 2 * 3 << 20, args
    _core.release_memory()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_it_can_be_stopped():
    def stop(*_):
        raise InterruptedError

    x = np.zeros((150, 250, 250), np.float32)
    out = np.full_like(x, np.nan)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(InterruptedError):
            ndimage.maximum_filter(x, footprint=ball(12), output=out, threads=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert np.isnan(out).any()


@examples(50)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    mode = data.draw(st.sampled_from(MODES))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-99, 99, shape).astype(np.int16)
    window = [data.draw(st.integers(1, 7)) for _ in shape]
    footprint = rng.random(window) > 0.4
    footprint.flat[0] = True
    args = {"footprint": footprint, "mode": mode}
    low, high = ndimage.minimum_filter(x, **args), ndimage.maximum_filter(x, **args)
    # a minimum is the maximum of the negative
    np.testing.assert_array_equal(low, -ndimage.maximum_filter(-x, **args))
    assert (low <= high).all()
    # a box holds every footprint, and is its axes one after the other
    box = ndimage.maximum_filter(x, window, mode=mode)
    assert (high <= box).all()
    one_by_one = x
    for axis, size in enumerate(window):
        one_by_one = ndimage.maximum_filter1d(one_by_one, size, axis, mode=mode)
    np.testing.assert_array_equal(box, one_by_one)
    # it commutes with what keeps the order
    np.testing.assert_array_equal(
        ndimage.maximum_filter(3 * x.astype(np.int32), **args), 3 * high.astype(np.int32)
    )
