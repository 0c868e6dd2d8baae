# SPDX-License-Identifier: Apache-2.0
"""correlate1d: reference, scipy's bits, properties, edges."""

import signal

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import (
    DTYPES,
    FILTER_FLOAT32,
    FLOAT64,
    LAYOUTS,
    MEANS,
    MODES,
    SIZES,
    assert_same,
    examples,
    filter_weights,
    image,
    in_layout,
    known,
)
from hypothesis import given
from hypothesis import strategies as st

from voxkern import _core, ndimage
from voxkern.reference.correlate1d import correlate1d as reference_correlate1d


def test_hand_computed():
    np.testing.assert_array_equal(
        ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3]), [8, 26, 8, 12, 7, 28, 36, 9]
    )
    np.testing.assert_array_equal(
        ndimage.uniform_filter1d([0.0, 3.0, 6.0], 3, mode="nearest"), [1.0, 3.0, 5.0]
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 23])
def test_matches_reference(rng, backend, mode, size):
    x = rng.standard_normal((4, 9, 5))
    weights = rng.standard_normal(size)
    origins = {0, -(size // 2), (size - 1) // 2}
    for axis in range(3):
        for origin in origins:
            got = backend(ndimage.correlate1d, x, weights, axis, mode=mode, cval=1.5, origin=origin)
            want = known(reference_correlate1d, x, weights, axis, mode, 1.5, origin)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["even", "odd", "none"])
def test_bits_of_scipy(rng, backend, dtype, kind):
    """float64 and integers carry scipy's bits: its order of additions, its truncation, its wrap."""
    weights = filter_weights(rng, kind)
    x = image(rng, (7, 18, 33), dtype)
    for name in LAYOUTS:
        view = in_layout(x, name, backend.give)
        for axis in range(3):
            got = backend.take(ndimage.correlate1d(view, weights, axis))
            assert_same(got, known(scipy_ndimage.correlate1d, x, weights, axis), (name, axis))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_sizes_around_vectors(rng, backend, dtype, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n)]:
        x = image(rng, shape, dtype)
        assert_same(
            backend(ndimage.gaussian_filter, x, 1.3), known(scipy_ndimage.gaussian_filter, x, 1.3), shape
        )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_gaussian_modes_and_derivatives(rng, backend, mode, dtype):
    x = image(rng, (12, 9, 20), dtype)
    for order in (0, 1, 2, (0, 1, 0)):
        args = {"sigma": (0.6, 0.0, 2.5), "order": order, "mode": mode, "cval": 3.0}
        got = backend(ndimage.gaussian_filter, x, **args)
        assert_same(got, known(scipy_ndimage.gaussian_filter, x, **args), order)


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_filter(rng, backend, dtype):
    x = image(rng, (11, 16, 21), dtype)
    for args in MEANS:
        got, want = backend(ndimage.uniform_filter, x, **args), known(scipy_ndimage.uniform_filter, x, **args)
        # scipy's running sum leaves rounding behind, ours does not
        assert_same(got, want, args, float64=FLOAT64)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_box_of_narrow_integers_is_exact(rng, backend, dtype):
    """These are summed in float32: extremes and every size up to its limit must truncate right."""
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, (5, 700), endpoint=True).astype(dtype)
    x[2:4] = [[limits.max], [limits.min]]
    for size in (2, 3, 7, 100, 255, 256, 257):
        for output in (None, np.float32, np.float64, np.int32):
            args = {"size": size, "axis": 1, "output": output, "mode": "constant", "cval": limits.max}
            got = backend(ndimage.uniform_filter1d, x, **args)
            assert_same(got, known(scipy_ndimage.uniform_filter1d, x, **args), (size, output))
    args = {"size": 5, "mode": "constant", "cval": 0.3}  # not an integer: float64 again
    got = backend(ndimage.uniform_filter1d, x, **args)
    assert_same(got, known(scipy_ndimage.uniform_filter1d, x, **args))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_means_of_long_boxes(rng, backend, dtype, mode):
    """Sums are shared between windows, and a box longer than the line costs no more than the line."""
    x = image(rng, (3, 23, 40), dtype)
    for size, origin in [(16, 0), (17, 8), (18, -9), (45, 3), (91, 0), (1000, -300)]:
        args = {"mode": mode, "cval": 7, "origin": origin}
        for axis in range(3):
            got = backend(ndimage.uniform_filter1d, x, size, axis, **args)
            want = known(scipy_ndimage.uniform_filter1d, x, size, axis, **args)
            assert_same(got, want, (size, axis), float64=FLOAT64)


def test_a_box_far_longer_than_the_line():
    x = np.array([3, 8, 1, 0])
    for mode, want in {"reflect": 3, "grid-wrap": 3, "mirror": 3, "nearest": 1, "constant": 6}.items():
        got = ndimage.uniform_filter1d(x, 10**9, mode=mode, cval=7)
        assert got.tolist() == [want] * 4, mode


@pytest.mark.parametrize("size", [151, 4001])
def test_long_sums_of_float32_keep_their_digits(rng, backend, size):
    x = (rng.random((20, 5000)) + 1000).astype(np.float32)
    got = backend(ndimage.uniform_filter1d, x, size)
    want = known(scipy_ndimage.uniform_filter1d, x.astype(np.float64), size)
    assert np.abs(got - want).max() <= 1e-6 * 1001


def test_nan_and_infinity(rng):
    x = rng.random((6, 40))
    x[2, 20], x[4, 5] = np.nan, np.inf
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))
    for size in (3, 21):
        window = np.arange(20 - size // 2, 21 + size // 2)
        for array in (x, np.asfortranarray(x)):
            touched = np.isnan(ndimage.uniform_filter1d(array, size))
            np.testing.assert_array_equal(np.argwhere(touched), [(2, i) for i in window])
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(ndimage.uniform_filter1d(x[2], size))), window)


@pytest.mark.parametrize("mode", ["mirror", "reflect", "wrap", "nearest"])
def test_infinity_stays_infinite_in_a_box_longer_than_its_line(mode):
    assert (ndimage.uniform_filter1d([np.inf, 1.0, 1.0], 17, mode=mode) == np.inf).all()
    assert (ndimage.uniform_filter1d([2.5], 17, mode=mode) == 2.5).all()


def test_without_filters_it_copies():
    """No sigma, no axes: bits stay, those of numbers below 1e-38 and above 2^53 too."""
    for x in (np.array([1e-40, 2.0], np.float32), np.array([2**53 + 1, -7]), np.array([1 + 2j, np.nan])):
        np.testing.assert_array_equal(ndimage.gaussian_filter(x, 0), x)
        np.testing.assert_array_equal(ndimage.uniform_filter(x, 5, axes=()), x)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_lines_that_are_cut(rng, cpu_level, dtype, channels):
    """A piece of a long line gives what the whole line gives, in place and from strided memory too."""
    x = image(rng, (150_000, *channels), dtype)
    weights = filter_weights(rng, "none")
    for mode in ("reflect", "grid-wrap"):
        args = {"weights": weights, "axis": 0, "mode": mode, "origin": 1}
        want = known(scipy_ndimage.correlate1d, x, **args)
        for threads in (1, 3):
            assert_same(ndimage.correlate1d(x, **args, threads=threads), want, (mode, threads))
        assert_same(ndimage.correlate1d(np.repeat(x, 2, 0)[::2], **args), want, mode)
        same = x.copy()
        assert_same(ndimage.correlate1d(same, **args, output=same), want, mode)
    mean = ndimage.uniform_filter1d(x, 101, 0, threads=1)
    assert_same(mean, known(scipy_ndimage.uniform_filter1d, x, 101, 0), float64=1e-11)
    np.testing.assert_array_equal(mean, ndimage.uniform_filter1d(x, 101, 0, threads=3))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
@pytest.mark.parametrize("shape", [(6_000_000,), (6_000_000, 2)])
def test_one_long_line_can_be_stopped(shape):
    """The signal is seen between two pieces: what is left of the line stays as it was."""

    def stop(*_):
        raise InterruptedError

    x = np.zeros(shape, np.float32)
    out = np.full_like(x, np.nan)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(InterruptedError):
            ndimage.gaussian_filter1d(x, 1500, axis=0, output=out, threads=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert np.isnan(out).any()


def test_empty_and_single():
    assert ndimage.gaussian_filter(np.zeros((0, 5)), 1).shape == (0, 5)
    for mode in MODES:
        got = ndimage.gaussian_filter(np.full((1, 1, 1), 3.0), 2, mode=mode)
        np.testing.assert_array_equal(
            got, scipy_ndimage.gaussian_filter(np.full((1, 1, 1), 3.0), 2, mode=mode)
        )


def test_many_axes(rng):
    x = rng.random((2, 3, 2, 4, 3, 5))
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bytes_for_any_thread_count(rng, dtype, cpu_level):
    x = image(rng, (40, 61, 70), dtype)
    want = ndimage.gaussian_filter(x, 1.5, threads=1).tobytes()
    for threads in (2, 3, 8):
        assert ndimage.gaussian_filter(x, 1.5, threads=threads).tobytes() == want


def test_levels_agree(rng):
    x = rng.random((20, 30, 40), dtype=np.float32)
    results = []
    for level in _core.cpu_levels():
        with backends.cpu_level(level):
            results.append(ndimage.gaussian_filter(x, 1))
    for result in results[1:]:
        assert np.max(np.abs(result - results[0])) <= FILTER_FLOAT32


@examples(50)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    mode = data.draw(st.sampled_from(MODES))
    axis = data.draw(st.integers(0, len(shape) - 1))
    size = data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, y = rng.random(shape), rng.random(shape)
    w = rng.random(size)
    got = ndimage.correlate1d(x, w, axis, mode=mode, cval=0.25)
    np.testing.assert_array_equal(got, scipy_ndimage.correlate1d(x, w, axis, mode=mode, cval=0.25))
    # linear in the image
    plus = ndimage.correlate1d(2 * x + y, w, axis, mode=mode)
    parts = 2 * ndimage.correlate1d(x, w, axis, mode=mode) + ndimage.correlate1d(y, w, axis, mode=mode)
    np.testing.assert_allclose(plus, parts, rtol=0, atol=1e-12)
    # flipping image and filter flips the result
    if size % 2:
        flipped = ndimage.correlate1d(np.flip(x, axis), w[::-1], axis, mode=mode, cval=0.25)
        np.testing.assert_allclose(np.flip(flipped, axis), got, rtol=0, atol=1e-12)
