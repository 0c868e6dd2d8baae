# SPDX-License-Identifier: Apache-2.0
"""vk.gaussian, hessian_eigenvalues, vesselness: spacing, exact derivatives, scikit-image, Volumes, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, FILTER_FLOAT32, image, layouts

import voxkern as vk
from voxkern.reference.separable import symmetric, vesselness

SPACING = (0.5, 2.0, 1.25)
SQUARES = [(2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 2, 0), (0, 1, 1), (0, 0, 2)]


def blobs(rng, shape, dtype=np.float64):
    x = scipy_ndimage.gaussian_filter(rng.standard_normal(shape), 2)
    return (x / x.std()).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gaussian_is_scipys_with_sigma_in_voxels(rng, dtype):
    x = image(rng, (9, 14, 30), dtype)
    got = vk.gaussian(x, 1.5, spacing=SPACING, mode="mirror", truncate=3)
    assert got.dtype == (np.float64 if dtype == "float64" else np.float32)
    sigma = [1.5 / s for s in SPACING]
    want = scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma, mode="mirror", truncate=3)
    assert np.abs(got - want).max() <= FILTER_FLOAT32 * np.abs(want).max()
    if dtype == "float64":
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0, 3.3])
def test_derivatives_are_exact_for_polynomials(sigma):
    """However coarse the kernel: none of a constant, a ramp's slope, a parabola's bend."""
    t = np.arange(80) * 0.7
    inside = slice(30, 50)
    for order, x, want in [
        (1, np.full(80, -1000.0), 0.0),
        (2, np.full(80, -1000.0), 0.0),
        (1, 3 * t - 50, 3.0),
        (2, 3 * t - 50, 0.0),
        (2, 2.5 * t**2 - t, 5.0),
    ]:
        got = vk.gaussian(x, sigma, order=order, spacing=0.7)
        np.testing.assert_allclose(got[inside], want, atol=1e-9)


def test_derivatives_tend_to_scipys(rng):
    x = rng.standard_normal((40, 41))
    for order in (1, 2):
        want = scipy_ndimage.gaussian_filter(x, 2.5, order=(order, 0), mode="nearest", truncate=7)
        got = vk.gaussian(x, 2.5, order=(order, 0), truncate=7)
        assert np.abs(got - want).max() <= 1e-6 * np.abs(want).max()


def test_eigenvalues_are_numpys_of_the_same_hessian(rng, cpu_level):
    for shape, orders in [((12, 13, 40), SQUARES), ((30, 41), [(2, 0), (1, 1), (0, 2)])]:
        x = rng.standard_normal(shape)
        steps = SPACING[: len(shape)]
        entries = [vk.gaussian(x, 1.3, order=order, spacing=steps, mode="reflect") for order in orders]
        want = np.linalg.eigvalsh(symmetric(np.stack(entries, -1)))
        for name, view in layouts(x):
            got = vk.hessian_eigenvalues(view, 1.3, spacing=steps, mode="reflect")
            assert got.shape == (*shape, len(shape))
            assert np.abs(got - want).max() <= 1e-13 * np.abs(want).max(), name
            assert np.moveaxis(got, -1, 0)[0].strides == (view if name == "F" else np.empty(shape)).strides
        single = vk.hessian_eigenvalues(x.astype(np.float32), 1.3, spacing=steps, mode="reflect")
        assert single.dtype == np.float32
        assert np.abs(single - want).max() <= 2e-6 * np.abs(want).max()


def test_scikit_images_eigenvalues_and_vesselness(rng):
    """Away from the edges: there scikit-image reflects a first derivative, which is odd, as even."""
    feature = pytest.importorskip("skimage.feature")
    frangi = pytest.importorskip("skimage.filters").frangi
    x = blobs(rng, (56, 58, 60))
    sigma, inside = 1.5, (slice(24, -24),) * 3
    theirs = feature.hessian_matrix_eigvals(
        feature.hessian_matrix(x, sigma, mode="reflect", use_gaussian_derivatives=True)
    )
    for truncate, allowed in ((8, 1e-6), (4, 2e-3)):
        got = vk.hessian_eigenvalues(x, sigma, mode="reflect", truncate=truncate)
        want = np.moveaxis(theirs[::-1], 0, -1)
        assert np.abs(got - want)[inside].max() <= allowed * np.abs(want).max()
        for bright in (True, False):
            want_vessels = frangi(x, [sigma], gamma=0.5, black_ridges=not bright)
            got = vk.vesselness(
                x, sigma, gamma=0.5 * sigma**2, bright=bright, mode="reflect", truncate=truncate
            )
            assert np.abs(got - want_vessels)[inside].max() <= allowed * want_vessels.max()


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_vesselness_is_the_largest_over_scales(rng, cpu_level, dtype):
    x = (blobs(rng, (14, 15, 40)) * 100).astype(dtype)
    singles = []
    for sigma in (1.0, 2.0):
        e = vk.hessian_eigenvalues(x.astype(np.float64), sigma, spacing=SPACING)
        gamma = np.sqrt((e**2).sum(-1)).max() / 2
        singles.append(vesselness(e, 0.4, 0.6, gamma, True))
    got = vk.vesselness(x, (1, 2), alpha=0.4, beta=0.6, spacing=SPACING)
    error = np.abs(got - np.max(singles, 0))
    assert np.quantile(error, 0.99) <= (1e-12 if dtype == "float64" else 1e-5)
    assert error.max() <= (1e-9 if dtype == "float64" else 2e-3)
    flat = vk.vesselness(np.full((5, 6, 7), 3, dtype), 1.0)
    assert not flat.any()


def test_volumes_and_their_spacing(rng):
    data = blobs(rng, (12, 13, 20), np.float32)
    x = vk.Volume(data, np.diag([*SPACING, 1.0]), {"modality": "CT"})
    for call in (
        lambda a, **k: vk.gaussian(a, 1.5, **k),
        lambda a, **k: vk.hessian_eigenvalues(a, (1.5, 2, 1), **k),
        lambda a, **k: vk.vesselness(a, (1.0, 2.0), **k),
    ):
        got = call(x)
        assert isinstance(got, vk.Volume) and got.meta["modality"] == "CT"
        np.testing.assert_array_equal(got.affine, x.affine)
        np.testing.assert_array_equal(got.data, call(data, spacing=SPACING, threads=1))
        series = vk.Volume(np.stack([data, data[::-1]], -1), x.affine)
        np.testing.assert_array_equal(call(series).data[:, :, :, 0], got.data)
        with pytest.raises(vk.ArgumentError, match="spacing"):
            call(x, spacing=1.0)


def test_out(rng):
    x = blobs(rng, (9, 10, 11), np.float32)
    for function, shape in [
        (vk.gaussian, x.shape),
        (vk.hessian_eigenvalues, (*x.shape, 3)),
        (vk.vesselness, x.shape),
    ]:
        out = np.empty(shape, np.float64)
        assert function(x, 1.0, out=out) is out
        np.testing.assert_allclose(out, function(x.astype(np.float64), 1.0), atol=1e-9)
        with pytest.raises(vk.ArgumentError, match="out"):
            function(x, 1.0, out=np.empty((3, 3), np.float32))
        with pytest.raises(vk.ArgumentTypeError, match="out"):
            function(x, 1.0, out=np.empty(shape, np.int16))


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("sigma_mm", lambda x: vk.gaussian(x, -1)),
        ("sigma_mm", lambda x: vk.gaussian(x, (1, 2))),
        ("sigma_mm", lambda x: vk.gaussian(x, 1e9, method="recursive")),
        ("sigmas_mm", lambda x: vk.vesselness(x, 1e9)),
        ("sigma_mm", lambda x: vk.hessian_eigenvalues(x, 0)),
        ("sigmas_mm", lambda x: vk.vesselness(x, ())),
        ("sigmas_mm", lambda x: vk.vesselness(x, (1, 0))),
        ("order", lambda x: vk.gaussian(x, 1, order=3)),
        ("order", lambda x: vk.gaussian(x, 1, order=0.5)),
        ("spacing", lambda x: vk.gaussian(x, 1, spacing=(1, 0, 1))),
        ("mode", lambda x: vk.vesselness(x, 1, mode="edge")),
        ("truncate", lambda x: vk.gaussian(x, 1, truncate=0)),
        ("alpha", lambda x: vk.vesselness(x, 1, alpha=0)),
        ("gamma", lambda x: vk.vesselness(x, 1, gamma=-2.0)),
        ("x", lambda x: vk.vesselness(np.full((4, 4, 4), np.nan), 1)),
        ("x", lambda x: vk.hessian_eigenvalues(np.zeros(5), 1)),
        ("x", lambda x: vk.gaussian(np.zeros(5, complex), 1)),
    ],
)
def test_wrong_arguments(word, call):
    with pytest.raises(vk.VoxkernError, match=f"^{word}: got .*allowed"):
        call(np.zeros((4, 5, 6), np.float32))
