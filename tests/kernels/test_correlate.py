# SPDX-License-Identifier: Apache-2.0
"""correlate: reference, scipy's numbers, properties, edges."""

import tracemalloc

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import (
    DTYPES,
    FILTER_FLOAT32,
    FLOAT64,
    LAYOUTS,
    MODES,
    SIZES,
    assert_same,
    examples,
    image,
    in_layout,
    known,
)
from hypothesis import given
from hypothesis import strategies as st

from voxkern import _core, ndimage
from voxkern.reference.correlate import correlate as reference_correlate

# The shapes of weights: odd, even, one tap along some axis, more rows than are made side by side.
WEIGHTS = [(3, 3, 3), (2, 4, 5), (1, 3, 1), (1, 1, 7), (5, 1, 3), (3, 9, 2), (1, 1, 1)]


def outer(*lines):
    """Return the outer product of filters."""
    product = np.ones(())
    for line in lines:
        product = np.multiply.outer(product, line)
    return product


def test_hand_computed():
    x = np.arange(9).reshape(3, 3)
    cross = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    np.testing.assert_array_equal(ndimage.correlate(x, cross), [[4, 8, 12], [16, 20, 24], [28, 32, 36]])
    point = np.zeros((3, 3))
    point[1, 1] = 1
    weights = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(ndimage.convolve(point, weights), weights)
    np.testing.assert_array_equal(ndimage.correlate(point, weights), weights[::-1, ::-1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(3, 3, 3), (2, 4, 5), (1, 9, 1), (7, 3, 7)])
def test_matches_reference(rng, cpu_level, mode, shape):
    x = rng.standard_normal((3, 6, 5))
    weights = rng.standard_normal(shape)
    for origin in ([0, 0, 0], [-(n // 2) for n in shape], [(n - 1) // 2 for n in shape]):
        got = ndimage.correlate(x, weights, mode=mode, cval=1.5, origin=origin)
        want = known(reference_correlate, x, weights, mode, 1.5, origin)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", WEIGHTS)
def test_bits_of_scipy(rng, cpu_level, dtype, shape):
    """float64 and integers carry scipy's bits: its order of additions, its truncation, its wrap."""
    weights = rng.standard_normal(shape)
    x = image(rng, (7, 18, 33), dtype)
    want = known(scipy_ndimage.correlate, x, weights)
    for name in LAYOUTS:
        assert_same(ndimage.correlate(in_layout(x, name), weights), want, name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_output_in_another_memory_order(rng, cpu_level, dtype):
    weights = rng.standard_normal((3, 4, 5))
    x = image(rng, (9, 18, 33), dtype)
    want = known(scipy_ndimage.correlate, x, weights)
    for name in LAYOUTS:
        for source in (x, np.asfortranarray(x)):
            out = in_layout(np.zeros_like(x), name)
            assert ndimage.correlate(source, weights, output=out) is out
            assert_same(out, want, name, float64=FLOAT64)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_sizes_around_vectors_and_blocks(rng, cpu_level, dtype, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n), (9, n, 70)]:
        x = image(rng, shape, dtype)
        weights = rng.random((3, 4, 3)[: len(shape)])
        assert_same(ndimage.correlate(x, weights), known(scipy_ndimage.correlate, x, weights), shape)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_many_tiles(rng, cpu_level, dtype):
    """Every axis is cut, and runs of tiles hand planes on."""
    for shape, taps in [
        ((70, 61, 130), (5, 3, 3)),
        ((2, 90, 1500), (2, 3, 5)),
        ((9000,), (7,)),
        ((300, 40), (4, 3)),
    ]:
        x = image(rng, shape, dtype)
        weights = rng.standard_normal(taps)
        for mode in ("mirror", "constant"):
            want = known(scipy_ndimage.correlate, x, weights, mode=mode, cval=9)
            assert_same(ndimage.correlate(x, weights, mode=mode, cval=9), want, (shape, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_weights_larger_than_the_image(rng, cpu_level, mode, dtype):
    x = image(rng, (3, 1, 5), dtype)
    weights = rng.standard_normal((8, 5, 17))
    args = {"mode": mode, "cval": -2.5, "origin": (3, -2, 8)}
    assert_same(ndimage.correlate(x, weights, **args), known(scipy_ndimage.correlate, x, weights, **args))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_sums_that_float32_holds_exactly(rng, cpu_level, dtype, mode):
    """Integers over a power of two are summed in float32 up to 2^24 units, in float64 above."""
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, (5, 9, 70), endpoint=True).astype(dtype)
    x[2:4] = [[[limits.max]], [[limits.min]]]
    whole = rng.integers(-4, 5, (3, 3, 3))
    for weights in (np.ones((3, 3, 3)), whole, whole / 8, whole * 64, whole / 3, np.ones((3, 3, 3)) / 27):
        for output in (None, np.float32, np.float64, np.int32, np.uint8):
            for cval in (limits.max, 0.3, 1e7):
                args = {"mode": mode, "cval": cval, "output": output}
                got, want = (
                    ndimage.correlate(x, weights, **args),
                    known(scipy_ndimage.correlate, x, weights, **args),
                )
                assert_same(got, want, (weights[0, 0, :2], output, cval), float32=0.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sizes", [(5, 5, 5), (4, 5, 6), (11, 1, 13), (1, 15, 11)])
def test_outer_products(rng, cpu_level, mode, sizes):
    """They run separably: cval must pass through every pass, integers must wrap as if they did not."""
    lines = [rng.standard_normal(n) for n in sizes]
    whole = [rng.integers(1, 4, n) * rng.choice([-1, 1], n) for n in sizes]
    args = {"mode": mode, "cval": -7, "origin": [int(rng.integers(-(n // 2), (n + 1) // 2)) for n in sizes]}
    for dtype in ("float32", "float64", "uint8", "int8", "uint16", "int16", "int32"):
        x = image(rng, (9, 14, 33), dtype)
        if x.dtype.kind in "iu":
            x[3:5] = np.iinfo(dtype).max
        for weights in (outer(*lines), outer(*whole), outer(*lines).astype(np.float32), np.ones(sizes)):
            for output in (None, np.float64, np.int8):
                got = ndimage.correlate(x, weights, output=output, **args)
                want = known(scipy_ndimage.correlate, x, weights, output=output, **args)
                assert_same(got, want, (dtype, output), float64=FLOAT64)


def test_outer_products_are_found(rng):
    """Passes add in another order than direct sums: their bits differ, which tells that they ran."""
    x = rng.random((20, 21, 22))
    weights = outer(rng.random(5), rng.random(5), rng.random(5))
    direct = scipy_ndimage.correlate(x, weights)
    assert (ndimage.correlate(x, weights) != direct).any()
    weights[0, 0, 0] *= 1 + 1e-9  # no longer one
    np.testing.assert_array_equal(ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights))


def test_outer_products_on_lines_that_passes_would_copy(rng):
    x = rng.random((3, 60_000))
    weights = outer(rng.random(3), rng.random(41))
    np.testing.assert_array_equal(ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights))


def test_cval_between_passes(rng):
    x = rng.random((9, 10, 11))
    weights = outer(rng.random(5), -rng.random(5), rng.random(5))
    for cval in (3.0, np.inf, np.nan, 1e300):
        args = {"mode": "constant", "cval": cval}
        got, want = ndimage.correlate(x, weights, **args), scipy_ndimage.correlate(x, weights, **args)
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_zero_weights_hide_what_lies_under_them(rng, cpu_level):
    x = rng.random((9, 20, 40))
    x[4, 10, 20], x[2, 3, 5] = np.nan, np.inf
    for dtype in (np.float32, np.float64):
        y = x.astype(dtype)
        for weights in (
            rng.random((5, 5, 5)) * (rng.random((5, 5, 5)) < 0.3),
            outer([1, 2, 0, 2, 1], [1, 2, 3, 2, 1], [1, 0, 0, 2, 1]),
            np.where(rng.random((3, 3, 3)) < 0.5, 2e-16, 1.0),  # scipy skips such weights too
            outer(np.ones(5), np.ones(5), np.ones(5)),
            np.full((3, 3, 3), np.nan),
            np.zeros((3, 3, 3)),
        ):
            got, want = ndimage.correlate(y, weights), known(scipy_ndimage.correlate, y, weights)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
            finite = np.isfinite(want)
            rtol = 2 * FILTER_FLOAT32 if dtype == np.float32 else 1e-13
            np.testing.assert_allclose(got[finite], want[finite], rtol=rtol)


@pytest.mark.parametrize("size", [3, 5, 7, 9, 15])
def test_long_sums_of_float32_keep_their_digits(rng, cpu_level, size):
    """On a constant image every addition rounds the same way: the worst case."""
    weights = np.full((size,) * 3, 1 / size**3)
    weights[0, 0, -1] = 0
    for x in (rng.random((12,) * 3) + 1, *(np.full((12,) * 3, value) for value in (1000.1, 333.3, 0.1))):
        x = x.astype(np.float32)
        got, want = (
            ndimage.correlate(x, weights),
            known(scipy_ndimage.correlate, x.astype(np.float64), weights),
        )
        assert np.abs(got - want).max() <= 2 * FILTER_FLOAT32 * want.max()


def test_channels_and_many_axes(rng, cpu_level):
    for shape, taps in [
        ((20, 30, 3), (5, 3, 1)),
        ((20, 30, 70), (1, 3, 1)),
        ((4, 20, 30, 2), (1, 3, 4, 1)),
        ((3, 4, 5, 6, 7), (2, 3, 1, 3, 2)),
        ((2,) * 9, (2,) * 9),
    ]:
        for dtype in (np.float32, np.float64):
            x = image(rng, shape, dtype)
            weights = rng.standard_normal(taps)
            assert_same(ndimage.correlate(x, weights), known(scipy_ndimage.correlate, x, weights), shape)


def test_broadcast_input(rng):
    x = np.broadcast_to(rng.random((1, 1, 20)), (6, 7, 20))
    weights = rng.random((3, 3, 3))
    np.testing.assert_array_equal(ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights))


def test_empty_and_single():
    assert ndimage.correlate(np.zeros((0, 5)), np.ones((3, 3))).shape == (0, 5)
    assert ndimage.correlate(np.float64(3), np.float64(2)) == scipy_ndimage.correlate(
        np.float64(3), np.float64(2)
    )
    for mode in MODES:
        x, weights = np.full((1, 1, 1), 3.0), np.arange(27.0).reshape(3, 3, 3)
        got, want = ndimage.correlate(x, weights, mode=mode), scipy_ndimage.correlate(x, weights, mode=mode)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bytes_for_any_thread_count(rng, dtype, cpu_level):
    x = image(rng, (40, 61, 70), dtype)
    for weights in (rng.random((5, 4, 3)), outer(rng.random(5), rng.random(5), rng.random(5))):
        want = ndimage.correlate(x, weights, threads=1).tobytes()
        for threads in (2, 3, 8):
            assert ndimage.correlate(x, weights, threads=threads).tobytes() == want


def test_levels_agree(rng):
    x, weights = rng.random((20, 30, 40), dtype=np.float32), rng.random((5, 4, 3))
    results = []
    for level in _core.cpu_levels():
        with backends.cpu_level(level):
            results.append(ndimage.correlate(x, weights))
    for result in results[1:]:
        assert np.max(np.abs(result - results[0])) <= FILTER_FLOAT32 * results[0].max()


def test_no_array_is_made_besides_the_result(rng):
    x = rng.integers(0, 99, (50, 100, 200)).astype(np.int16)
    weights = rng.random((5, 5, 5))
    tracemalloc.start()
    ndimage.correlate(x, weights)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes // 2  # results live in memory of the core's own


@examples(30)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    taps = [data.draw(st.integers(1, 7)) for _ in shape]
    origin = [data.draw(st.integers(-(n // 2), (n - 1) // 2)) for n in taps]
    args = {"mode": data.draw(st.sampled_from(MODES)), "cval": 0.25, "origin": origin}
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, y = rng.random(shape), rng.random(shape)
    weights = rng.random(taps) * (rng.random(taps) < data.draw(st.sampled_from([0.2, 1.0])))
    got = ndimage.correlate(x, weights, **args)
    np.testing.assert_array_equal(got, scipy_ndimage.correlate(x, weights, **args))
    np.testing.assert_array_equal(
        ndimage.convolve(x, weights, **args), scipy_ndimage.convolve(x, weights, **args)
    )
    # linear in the image
    plain = {"mode": args["mode"]}
    plus = ndimage.correlate(2 * x + y, weights, **plain)
    parts = 2 * ndimage.correlate(x, weights, **plain) + ndimage.correlate(y, weights, **plain)
    np.testing.assert_allclose(plus, parts, rtol=0, atol=1e-11)
