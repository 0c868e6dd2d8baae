# SPDX-License-Identifier: Apache-2.0
"""correlate in Fourier space: SciPy's numbers, exact integers, NaN that stay local, sizes of samples."""

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, FILTER_FLOAT32, FLOAT64, LAYOUTS, MODES, assert_same, image, in_layout, known

from voxkern import _core, ndimage

# Image and weights that are worth a transform: odd and even, flat and long, several tiles and one.
JOBS = [
    ((90, 101), (21, 24)),
    ((300, 37), (13, 31)),
    ((19, 260), (17, 40)),
    ((21, 22, 33), (11, 8, 13)),
    ((7, 45, 50), (3, 17, 16)),
    ((40, 9, 65), (12, 9, 11)),
]


def weights_of(rng, shape):
    return rng.random(shape) - 0.3


def compare(got, want, x, weights, what=""):
    """Rounding of a transform is a part of the largest sample times the sum of the weights."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    allowed = FILTER_FLOAT32 if x.dtype == np.float32 and got.dtype == np.float32 else FLOAT64
    if got.dtype == np.float32:
        allowed = max(allowed, 1e-7)
    scale = np.abs(weights).sum() * np.abs(x.astype(np.float64)).max()
    assert np.abs(got.astype(np.float64) - want).max() <= allowed * scale, what


@pytest.mark.parametrize("job", JOBS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_matches_scipy(rng, cpu_level, job, dtype):
    shape, taps = job
    x = image(rng, shape, dtype)
    weights = weights_of(rng, taps)
    want = known(scipy_ndimage.correlate, x.astype(np.float64), weights)
    got = ndimage.correlate(x, weights)
    compare(got, want.astype(dtype), x, weights)
    assert (got != want).any()  # other sums than the direct ones
    compare(ndimage.convolve(x, weights), known(scipy_ndimage.convolve, x, weights), x, weights)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("job", [JOBS[0], JOBS[4]], ids=str)
def test_modes_and_origins(rng, job, mode):
    shape, taps = job
    x = image(rng, shape, "float64")
    weights = weights_of(rng, taps)
    for origin in ([0] * len(taps), [-(n // 2) for n in taps], [(n - 1) // 2 for n in taps]):
        args = {"mode": mode, "cval": 70.0, "origin": origin}
        got, want = ndimage.correlate(x, weights, **args), scipy_ndimage.correlate(x, weights, **args)
        compare(got, want, x, weights, origin)
        assert (got != want).any()


def test_weights_larger_than_the_image(rng):
    x = image(rng, (30, 40), "float64")
    weights = weights_of(rng, (47, 83))
    for mode in ("reflect", "constant", "mirror", "wrap"):
        got, want = ndimage.correlate(x, weights, mode=mode), scipy_ndimage.correlate(x, weights, mode=mode)
        compare(got, want, x, weights, mode)
        assert (got != want).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, cpu_level, dtype):
    """Whole weights give integers SciPy's bits; others are rounded to float64, and never truncated."""
    shape, taps = JOBS[3]
    x = image(rng, shape, dtype)
    whole = rng.integers(-9, 10, taps)
    output = None if x.dtype.kind == "f" else np.float64
    want = known(scipy_ndimage.correlate, x, weights := weights_of(rng, taps), output=output)
    exact = known(scipy_ndimage.correlate, x, whole)
    for name in LAYOUTS:
        y = in_layout(x, name)
        got = ndimage.correlate(y, weights, output=output)
        compare(got, want, x, weights, name)
        assert (got != want).any()
        out = in_layout(np.zeros_like(want), name)
        ndimage.correlate(x, weights, output=out)
        compare(out, want, x, weights, name)
        if x.dtype.kind != "f":
            assert_same(ndimage.correlate(y, whole), exact, name)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_integers_are_exact(rng, dtype, mode):
    """Where a sum could be off by a half the tile is summed directly."""
    limits = np.iinfo(dtype)
    for largest in (200, limits.max):
        low = max(limits.min, -largest)
        x = rng.integers(low, min(largest, limits.max), (90, 101), endpoint=True).astype(dtype)
        x[20:60] = min(largest, limits.max)
        whole = rng.integers(-40, 41, (21, 24))
        for weights in (whole, whole / 8, np.where(whole == 0, 1e-16, whole), whole * 1000):
            for output in (None, np.float64, np.int16):
                args = {"mode": mode, "cval": 7, "output": output}
                got, want = ndimage.correlate(x, weights, **args), scipy_ndimage.correlate(x, weights, **args)
                assert_same(got, want, (largest, output))


def test_truncated_fractions_are_summed_directly(rng):
    x = rng.integers(0, 200, (90, 101)).astype(np.uint8)
    weights = rng.random((21, 24)) / 252
    np.testing.assert_array_equal(ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights))
    y = x.astype(np.float64)
    args = {"output": np.int16}
    np.testing.assert_array_equal(
        ndimage.correlate(y, weights, **args), scipy_ndimage.correlate(y, weights, **args)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinity_stay_local(rng, cpu_level, dtype):
    x = image(rng, (200, 210), dtype)
    x[30, 40], x[31, 190], x[150, 20] = np.nan, np.inf, -np.inf
    weights = weights_of(rng, (17, 16))
    weights[3:5, 2:9] = 0  # a zero weight hides what lies under it
    for cval in (1.0, np.nan):
        args = {"mode": "constant", "cval": cval}
        got = ndimage.correlate(x, weights, **args)
        want = known(scipy_ndimage.correlate, x.astype(np.float64), weights, **args)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
        finite = np.isfinite(want)
        assert finite.sum() > 0.7 * x.size
        tolerance = FILTER_FLOAT32 if dtype == "float32" else FLOAT64
        assert np.abs(got[finite] - want[finite]).max() <= tolerance * np.abs(weights).sum() * 100


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_huge_sample_blurs_its_tile_and_no_other(rng, dtype):
    x = image(rng, (600, 620), dtype)
    weights = weights_of(rng, (15, 15))
    before = ndimage.correlate(x, weights)
    x[5, 7] = huge = 1e15
    got = ndimage.correlate(x, weights)
    want = scipy_ndimage.correlate(x.astype(np.float64), weights)
    tolerance = FILTER_FLOAT32 if dtype == "float32" else FLOAT64
    assert np.abs(got - want).max() <= tolerance * np.abs(weights).sum() * huge
    assert (got[300:, 300:] == before[300:, 300:]).all()


def test_sizes_of_samples(rng):
    """Sums in Fourier space would overflow, those of the weights too, or be flushed to zero."""
    x, weights = image(rng, (300, 310), "float32"), weights_of(rng, (25, 28))
    want = scipy_ndimage.correlate(x.astype(np.float64), weights)
    scale = np.abs(weights).sum() * np.abs(x).max()
    for size in (-120, -83, -10, 66, 106):  # powers of two: they round nothing
        for factor in (-33, 0, 10, 120):
            if scale * 2.0 ** (size + factor) > 1e38:
                continue
            got = ndimage.correlate(x * np.float32(2.0**size), weights * 2.0**factor)
            error = np.abs(got - want * 2.0 ** (size + factor)).max()
            assert error <= FILTER_FLOAT32 * scale * 2.0 ** (size + factor) + 1e-37 * max(1, 2.0**factor)
    x = x.astype(np.float64) * 2.0**1000
    got = ndimage.correlate(x, weights)
    np.testing.assert_allclose(got, want * 2.0**1000, rtol=0, atol=FLOAT64 * scale * 2.0**1000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_background_of_zeros_stays_zero(rng, dtype):
    x = np.zeros((400, 410), dtype)
    x[:40, :40] = 1
    got = ndimage.correlate(x, weights_of(rng, (21, 24)))
    assert (got[300:, 300:] == 0).all()


def test_batches_and_complex_arrays(rng):
    for shape, taps in [
        ((3, 60, 65), (1, 21, 24)),
        ((60, 65, 3), (21, 24, 1)),
        ((20, 2, 21, 22), (9, 1, 8, 9)),
    ]:
        x = image(rng, shape, "float64")
        weights = weights_of(rng, taps)
        got, want = ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights)
        compare(got, want, x, weights, shape)
        assert (got != want).any()
    x = rng.random((60, 65)) + 1j * rng.random((60, 65))
    weights = weights_of(rng, (21, 24)) + 1j * weights_of(rng, (21, 24))
    for taps in (weights, weights.real):
        for dtype, tolerance in ((np.complex64, FILTER_FLOAT32), (np.complex128, FLOAT64)):
            got, want = ndimage.correlate(x.astype(dtype), taps), scipy_ndimage.correlate(x, taps)
            assert got.dtype == dtype
            assert np.abs(got - want).max() <= tolerance * 2 * np.abs(taps).sum()


@pytest.mark.parametrize("size", [9, 15])
def test_float32_keeps_its_digits_on_constant_images(size):
    weights = np.full((size,) * 3, 1 / size**3)
    weights[0, 0, -1] = 0
    for value in (1000.1, 333.3, 0.1):
        x = np.full((30,) * 3, value, np.float32)
        got, want = ndimage.correlate(x, weights), x[0, 0, 0].astype(np.float64) * weights.sum()
        assert np.abs(got - want).max() <= FILTER_FLOAT32 * want


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bytes_for_any_thread_count(rng, cpu_level, dtype):
    for shape, taps in ((30, 31, 35), (9, 8, 11)), ((400, 410), (21, 24)):
        x = image(rng, shape, dtype)
        x[4:6] = 0
        weights = rng.integers(-9, 10, taps)
        want = ndimage.correlate(x, weights, threads=1).tobytes()
        for threads in (2, 3, 8, 64):
            assert ndimage.correlate(x, weights, threads=threads).tobytes() == want


def test_levels_agree(rng):
    for dtype, tolerance in (("float32", FILTER_FLOAT32), ("float64", 0.0), ("int16", 0.0)):
        x = image(rng, (30, 31, 35), dtype)
        weights = rng.integers(-9, 10, (9, 8, 11))
        results = []
        for level in _core.cpu_levels():
            with backends.cpu_level(level):
                results.append(ndimage.correlate(x, weights))
        for result in results[1:]:
            assert np.abs(result - results[0]).max() <= tolerance * np.abs(weights).sum() * 100
