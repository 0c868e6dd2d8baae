# SPDX-License-Identifier: Apache-2.0
"""Cases of ``scipy.ndimage``: the same call in both packages."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import noise

from .case import Build, Call, Case, simpleitk

Job = Callable[..., Any]  # job(module, array, **options)


def same_call(job: Job, n: int, dtype: str, voxels: int, threads: int) -> Case:
    """Compare ``job`` of our module with scipy's; ``voxels`` counts the result's."""
    x = noise((n,) * 3, dtype)
    exact = x.astype(np.float64) if dtype == "float32" else x  # filters of integers truncate

    return Case(
        size=f"{n}^3 {dtype}",
        ours=lambda: job(vk.ndimage, x, threads=threads),
        want=lambda: job(scipy_ndimage, exact),
        peers={"scipy": lambda: lambda: job(scipy_ndimage, x)},
        moved=x.nbytes + voxels * x.itemsize,
    )


def gaussian(n: int, sigma: float, threads: int) -> Case:
    x = noise((n,) * 3)

    def by_simpleitk() -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(x)
        return lambda: sitk.SmoothingRecursiveGaussian(image, sigma)

    return Case(
        size=f"{n}^3 float32",
        ours=lambda: vk.ndimage.gaussian_filter(x, sigma, threads=threads),
        want=lambda: scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma),
        peers={"scipy": lambda: lambda: scipy_ndimage.gaussian_filter(x, sigma), "SimpleITK": by_simpleitk},
        moved=2 * x.nbytes,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 48 if quick else 256
    zoomed = (n * 5 // 4) ** 3
    return {
        "spline_filter": partial(
            same_call, lambda m, a, **k: m.spline_filter(a, output=a.dtype, **k), n, "float32", n**3
        ),
        "zoom 1.25 cubic": partial(same_call, lambda m, a, **k: m.zoom(a, 1.25, **k), n, "float32", zoomed),
        "shift cubic": partial(
            same_call, lambda m, a, **k: m.shift(a, (0.3, 1.2, -2.5), **k), n, "float32", n**3
        ),
        "gaussian sigma 1": partial(gaussian, n, 1),
        "gaussian sigma 4": partial(gaussian, n, 4),
        "uniform size 5": partial(same_call, lambda m, a, **k: m.uniform_filter(a, 5, **k), n, "int16", n**3),
        "uniform size 15": partial(
            same_call, lambda m, a, **k: m.uniform_filter(a, 15, **k), n, "float32", n**3
        ),
    }
