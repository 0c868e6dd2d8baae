# SPDX-License-Identifier: Apache-2.0
"""recursive_gaussian: reference, the Gaussian, SimpleITK, sizes, modes, threads, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, MODES, SIZES, image, layouts

import voxkern as vk
from voxkern.reference.recursive_gaussian import kernel
from voxkern.reference.recursive_gaussian import recursive_gaussian as reference

FLOAT64 = 1e-13
FLOAT32 = 3e-6  # of a recursion: its roundings add up over a few sigma


def smooth(x, sigma, **options):
    return vk.gaussian(x, sigma, method="recursive", **options)


def close(got, want, x):
    scale = max(float(np.abs(a).max(initial=0.0)) for a in (x, want))
    return np.abs(got - want).max(initial=0.0) <= (FLOAT64 if got.dtype == np.float64 else FLOAT32) * scale


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.0, 2.5, 10.0, 80.0])
def test_kernel_is_a_gaussian(sigma):
    radius = len(kernel(sigma)) // 2
    n = np.arange(-radius, radius + 1)
    want = np.exp(-0.5 * (n / sigma) ** 2)
    want /= want.sum()
    assert np.abs(kernel(sigma) - want).max() <= 5e-4 * want.max()
    assert np.abs(kernel(sigma) - want).sum() <= 8e-4


@pytest.mark.parametrize("mode", MODES)
def test_matches_reference(rng, cpu_level, mode):
    x = rng.standard_normal((5, 9, 37))
    for sigma in ((1.0, 2.0, 0.5), (0, 7.5, 3.0)):
        axes = [a for a in range(3) if sigma[a] > 0]
        want = reference(x, axes, [sigma[a] for a in axes], mode, 1.5)
        assert close(smooth(x, sigma, mode=mode, cval=1.5), want, x)
        assert close(smooth(x.astype(np.float32), sigma, mode=mode, cval=1.5), want, x)


@pytest.mark.parametrize("n", SIZES)
def test_sizes_around_vectors(rng, cpu_level, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n)]:
        x = rng.random(shape)
        want = reference(x, range(len(shape)), [1.7] * len(shape))
        for dtype in (np.float32, np.float64):
            assert close(smooth(x.astype(dtype), 1.7), want, x), shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, cpu_level, dtype):
    x = image(rng, (7, 8, 18), dtype)
    want = reference(x, range(3), [2.0] * 3, "mirror")
    for name, view in layouts(x):
        got = smooth(view, 2.0, mode="mirror")
        assert got.dtype == (np.float64 if dtype == "float64" else np.float32)
        assert close(got, want, x), name


@pytest.mark.parametrize("shape", [(200_000,), (200_000, 3), (3, 150_000)])
@pytest.mark.parametrize("mode", ["nearest", "grid-wrap"])
def test_lines_that_are_cut(rng, cpu_level, shape, mode):
    """A piece starts its recursions outside itself, where they have forgotten how."""
    x = rng.random(shape)
    axis = int(np.argmax(shape))
    sigma = [0.0] * len(shape)
    sigma[axis] = 6.0
    want = scipy_ndimage.correlate1d(x, kernel(6.0), axis, mode="wrap" if mode == "grid-wrap" else mode)
    for threads in (1, 3):
        assert np.abs(smooth(x, sigma, mode=mode, threads=threads) - want).max() <= 1e-12
    assert close(smooth(x.astype(np.float32), sigma, mode=mode), want, x)


def test_constants_stay_and_nothing_is_lost(rng, cpu_level):
    for sigma in (0.5, 3.0, 40.0):
        for dtype in (np.float32, np.float64):
            flat = smooth(np.full((9, 40), 1000, dtype), sigma)
            assert np.abs(flat - 1000).max() <= (1e-2 if dtype == np.float32 else 1e-9)
        x = rng.random((20, 33))
        np.testing.assert_allclose(smooth(x, sigma, mode="grid-wrap").sum(), x.sum(), rtol=1e-12)
        np.testing.assert_allclose(smooth(x[::-1], sigma), smooth(x, sigma)[::-1], atol=1e-13)


def test_error_against_the_gaussian(rng):
    """What the documentation says."""
    x = rng.random((60, 61, 62))
    for sigma in (1.0, 2.0, 6.0):
        want = scipy_ndimage.gaussian_filter(x, sigma, mode="nearest", truncate=8)
        error = np.abs(smooth(x, sigma) - want)
        assert error.max() <= 3 * 4e-4 and np.quantile(error, 0.9) <= 1e-4


def test_simpleitks_smoothing(rng):
    sitk = pytest.importorskip("SimpleITK")
    x = scipy_ndimage.gaussian_filter(rng.random((30, 34, 38), np.float32), 1)
    for sigma in (1.5, 4.0):
        theirs = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(x), sigma))
        exact = scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma, mode="nearest", truncate=8)
        ours = smooth(x, sigma)
        assert np.abs(ours - theirs).max() <= 3e-3 * np.ptp(x)
        assert np.abs(ours - exact).max() <= 0.2 * np.abs(theirs - exact).max()


def test_same_bytes_for_any_thread_count_and_in_place(rng, cpu_level):
    x = rng.random((70, 80, 90), np.float32)
    want = smooth(x, 3.0, threads=1).tobytes()
    for threads in (2, 5):
        assert smooth(x, 3.0, threads=threads).tobytes() == want


def test_volumes_empty_and_nan(rng):
    x = vk.Volume(rng.random((6, 7, 8)), np.diag([2.0, 1.0, 0.5, 1.0]))
    np.testing.assert_array_equal(smooth(x, 2.0).data, smooth(x.data, 2.0, spacing=(2, 1, 0.5)))
    assert smooth(np.zeros((0, 4)), 1.0).shape == (0, 4)
    np.testing.assert_array_equal(smooth(x, 0.0).data, x.data)
    with_nan = x.data.copy()
    with_nan[3, 3, 3] = np.nan
    assert np.isnan(smooth(with_nan, 1.0)).all()  # a recursion never forgets


def test_wrong_arguments():
    x = np.zeros((4, 5))
    with pytest.raises(vk.ArgumentError, match=r"^order: got .*allowed 0 with"):
        smooth(x, 1.0, order=1)
    with pytest.raises(vk.ArgumentError, match=r"^method: got .*allowed fir, recursive"):
        vk.gaussian(x, 1.0, method="iir")
