# SPDX-License-Identifier: Apache-2.0
"""Cases of ``scipy.ndimage``: the same call in both packages."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import IMAGES, Image, noise

from .case import Build, Call, Case, simpleitk, size_of

TITLE = "scipy.ndimage"
Job = Callable[..., Any]  # job(module, array, **options)


def same_call(job: Job, make: Call, grows: float | None = 1.0, tolerance: float = 1e-5) -> Case:
    """Compare ``job`` of our module with scipy's; ``grows``: bytes of the result over those of the input."""
    x = make()
    exact = x.astype(np.float64) if x.dtype == np.float32 else x  # filters of integers truncate
    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: job(vk.ndimage, x, threads=threads),
        want=lambda: job(scipy_ndimage, exact),
        peers={"scipy": lambda _: lambda: job(scipy_ndimage, x)},
        moved=round(x.nbytes * (1 + grows)) if grows else 0,
        tolerance=tolerance,
    )


def gaussian(image: Image, n: int, sigma: float) -> Case:
    x = image((n,) * 3)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        return lambda: sitk.SmoothingRecursiveGaussian(picture, sigma)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.ndimage.gaussian_filter(x, sigma, threads=threads),
        want=lambda: scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma),
        peers={
            "scipy": lambda _: lambda: scipy_ndimage.gaussian_filter(x, sigma),
            "SimpleITK": by_simpleitk,
        },
        moved=2 * x.nbytes,
    )


def median(make: Call, size: int) -> Case:
    """Take medians of boxes beside scipy, SimpleITK and, of planes, scikit-image."""
    x = make()
    case = same_call(lambda m, a, **k: m.median_filter(a, size, **k), make, tolerance=0.0)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        return lambda: sitk.Median(picture, [size // 2] * x.ndim)

    def by_skimage(threads: int) -> Call:
        from skimage import filters, morphology

        window = morphology.footprint_rectangle((size, size))
        if x.dtype == np.uint8:
            return lambda: filters.rank.median(x, window)
        return lambda: filters.median(x, window)

    peers = {"SimpleITK": by_simpleitk, **({"skimage": by_skimage} if x.ndim == 2 else {})}
    return replace(case, peers={**case.peers, **peers})


def compiled_mapping(n: int) -> Case:
    """Shift by half a voxel, as a function in C says: one that scipy has for its own tests."""
    from scipy.ndimage import _ctest

    mapping = _ctest.transform(0.5)
    return same_call(
        lambda m, a, **k: m.geometric_transform(a, mapping, order=1, **k), partial(noise, (n,) * 3)
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 48 if quick else 256
    found: dict[str, Build] = {"compiled mapping linear": partial(compiled_mapping, n // 2)}
    for background, image in IMAGES.items():
        jobs: dict[str, tuple[Job, float]] = {
            "spline_filter": (lambda m, a, **k: m.spline_filter(a, output=a.dtype, **k), 1.0),
            "zoom 1.25 cubic": (lambda m, a, **k: m.zoom(a, 1.25, **k), 1.25**3),
            "shift cubic": (lambda m, a, **k: m.shift(a, (0.3, 1.2, -2.5), **k), 1.0),
        }
        for name, (job, grows) in jobs.items():
            found[name + background] = partial(same_call, job, partial(image, (n,) * 3), grows)
        for sigma in (1, 4):
            found[f"gaussian sigma {sigma}{background}"] = partial(gaussian, image, n, sigma)
        for size, dtype in ((5, "int16"), (9, "float32"), (15, "float32"), (101, "float32")):
            found[f"uniform size {size}{background}"] = partial(
                same_call,
                lambda m, a, size=size, **k: m.uniform_filter(a, size, **k),
                partial(image, (n,) * 3, dtype),
                # Of the range of the result, which a long box leaves small: a step of float32 is 2e-5 of it.
                tolerance=1e-4 if quick or size > 100 else 1e-5,
            )
        found[f"median 3{background}"] = partial(median, partial(image, (n,) * 3), 3)
        found[f"percentile 30 size 3{background}"] = partial(
            same_call,
            lambda m, a, **k: m.percentile_filter(a, 30, 3, **k),
            partial(image, (n,) * 3),
            tolerance=0.0,
        )
    for size, dtype in ((3, "int16"), (3, "uint8"), (5, "float32"), (5, "int16"), (9, "float32")):
        side = n if size == 3 else n // 2  # others take tens of seconds
        found[f"median {size} {dtype}"] = partial(median, partial(noise, (side,) * 3, dtype), size)
    for size, dtype, side in ((3, "uint8", 8 * n), (3, "float32", 8 * n), (15, "uint8", 2 * n)):
        found[f"median {size} of a plane {dtype}"] = partial(median, partial(noise, (side,) * 2, dtype), size)
    return found
