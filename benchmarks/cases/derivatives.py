# SPDX-License-Identifier: Apache-2.0
"""Cases of derivatives and of filters in millimetres, beside scipy, scikit-image and SimpleITK."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import IMAGES, noise
from voxkern.reference.separable import symmetric, vesselness

from .case import Build, Call, Case, relative_error, simpleitk, size_of
from .ndimage import Job, same_call

TITLE = "Derivatives"


def smooth(n: int) -> Any:
    """Return a smooth image in which a Hessian of sigma 2 is more than noise."""
    return vk.gaussian(noise((n,) * 3), 1.5)


def hessian_of(x: Any, sigma: float) -> Any:
    """Return the matrices of second derivatives in float64, from one filter after the other."""
    orders = [(2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 2, 0), (0, 1, 1), (0, 0, 2)]
    exact = x.astype(np.float64)
    return symmetric(np.stack([vk.gaussian(exact, sigma, order=order) for order in orders], -1))


def eigenvalues(n: int, sigma: float = 2.0) -> Case:
    """Beside scikit-image: its second derivatives are two first ones in a row, and differ near edges."""
    x = smooth(n)

    def by_skimage(_: int) -> Call:
        from skimage.feature import hessian_matrix, hessian_matrix_eigvals

        return lambda: hessian_matrix_eigvals(
            hessian_matrix(x, sigma, mode="nearest", use_gaussian_derivatives=True)
        )

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.hessian_eigenvalues(x, sigma, threads=threads),
        want=lambda: np.linalg.eigvalsh(hessian_of(x, sigma)),
        peers={"skimage": by_skimage},
        moved=4 * x.nbytes,
    )


def tubes(n: int, sigma: float = 2.0) -> Case:
    """Beside scikit-image: as for the eigenvalues. Each takes gamma from the image."""
    x = smooth(n)

    def want() -> Any:
        found = np.linalg.eigvalsh(hessian_of(x, sigma))
        norm = np.sqrt(np.sum(found**2, -1)).max()
        exact = vesselness(found, 0.5, 0.5, float(norm) / 2, True)
        # Where two eigenvalues differ in their sign alone, rounding orders them, and the measure jumps.
        tied = np.diff(np.sort(np.abs(found), -1), axis=-1).min(-1) < 1e-5 * norm
        return np.where(tied, np.nan, exact)

    def error(got: Any, want: Any) -> float:
        settled = ~np.isnan(want)
        return relative_error(got[settled], want[settled])

    def by_skimage(_: int) -> Call:
        from skimage.filters import frangi

        return lambda: frangi(x, [sigma], black_ridges=False, mode="nearest")

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.vesselness(x, sigma, threads=threads),
        want=want,
        peers={"skimage": by_skimage},
        moved=2 * x.nbytes,
        error=error,
    )


def recursive(n: int, sigma: float = 4.0) -> Case:
    """Held to the Gaussian itself, from which both tools differ."""
    x = noise((n,) * 3)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        return lambda: sitk.SmoothingRecursiveGaussian(picture, sigma)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.gaussian(x, sigma, method="recursive", threads=threads),
        want=lambda: scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma, mode="nearest", truncate=8),
        peers={"SimpleITK": by_simpleitk},
        moved=2 * x.nbytes,
        tolerance=4e-3,  # of the range of the result, which is a small part of the noise's
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 48 if quick else 256
    jobs: dict[str, Job] = {
        "sobel": lambda m, a, **k: m.sobel(a, **k),
        "laplace": lambda m, a, **k: m.laplace(a, **k),
        "gaussian_laplace sigma 1": lambda m, a, **k: m.gaussian_laplace(a, 1, **k),
        "gaussian_gradient_magnitude sigma 1": lambda m, a, **k: m.gaussian_gradient_magnitude(a, 1, **k),
    }
    found: dict[str, Build] = {
        name + background: partial(same_call, job, partial(image, (n,) * 3))
        for background, image in IMAGES.items()
        for name, job in jobs.items()
    }
    found["hessian_eigenvalues sigma 2"] = partial(eigenvalues, n // 2)
    found["recursive Gaussian sigma 4"] = partial(recursive, n)
    found["vesselness sigma 2"] = partial(tubes, n // 2)
    return found
