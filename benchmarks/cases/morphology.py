# SPDX-License-Identifier: Apache-2.0
"""Cases of the morphology of masks."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import masked_head

from .case import Build, Call, Case, simpleitk
from .components import different, folds

TITLE = "Morphology of masks"


def as_scipy(function: str, x: Any, *args: Any, **options: Any) -> Case:
    """Return a case of a function of vk.ndimage."""

    def by_scipy() -> Any:
        return getattr(scipy_ndimage, function)(x, *args, **options)

    return Case(
        size=f"{x.shape[0]}^3 bool",
        ours=lambda threads: getattr(vk.ndimage, function)(x, *args, **options, threads=threads),
        want=by_scipy,
        peers={"scipy": lambda _: by_scipy},
        moved=2 * x.size,
        tolerance=0.0,
        error=different,
    )


def box_erosion(mask: Any, box: Any) -> Case:
    case = as_scipy("binary_erosion", mask, box)

    def by_fastmorph(threads: int) -> Call:
        import fastmorph

        return lambda: fastmorph.erode(mask, parallel=threads)

    case.peers["fastmorph"] = by_fastmorph
    return case


def propagated(mask: Any) -> Case:
    seeds = np.zeros_like(mask)
    seeds[mask.shape[0] // 2] = mask[mask.shape[0] // 2]
    return as_scipy("binary_propagation", seeds, mask=mask)


def ball(mask: Any, radius: int) -> Case:
    """Return a case of a ball: scipy with it as a structure, or by its distance transform."""
    place = np.arange(-radius, radius + 1)
    structure = place[:, None, None] ** 2 + place[:, None] ** 2 + place**2 <= radius**2

    def by_distance() -> Any:
        return scipy_ndimage.distance_transform_edt(~mask) <= radius

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        return lambda: sitk.BinaryDilate(image, [radius] * 3, sitk.sitkBall)

    def by_fastmorph(threads: int) -> Call:
        import fastmorph

        return lambda: fastmorph.spherical_dilate(mask, radius=radius, parallel=threads)

    peers: dict[str, Any] = {
        "scipy edt": lambda _: by_distance,
        "SimpleITK with its own ball": by_simpleitk,
        "fastmorph": by_fastmorph,
    }
    if radius <= 3:
        peers["scipy"] = lambda _: lambda: scipy_ndimage.binary_dilation(mask, structure)
    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.dilate(mask, radius, threads=threads),
        want=by_distance,
        peers=peers,
        moved=2 * mask.size,
        tolerance=0.0,
        error=different,
        one_thread=("scipy", "scipy edt"),
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    shape = (24 if quick else 256,) * 3

    def head() -> Any:
        return masked_head(shape) > 0

    box = np.ones((3, 3, 3), bool)
    balls = {f"dilate by {r} voxels": partial(lambda r: ball(head(), r), r) for r in (3, 10, 30)}
    return {
        "erosion x3": lambda: as_scipy("binary_erosion", head(), iterations=3),
        "erosion x3, Fortran order": lambda: as_scipy(
            "binary_erosion", np.asfortranarray(head()), iterations=3
        ),
        "erosion 3^3": lambda: box_erosion(head(), box),
        "closing 3^3 x2": lambda: as_scipy("binary_closing", folds(shape), box, 2),
        "propagation": lambda: propagated(folds(shape)),
        **balls,
    }
