# SPDX-License-Identifier: Apache-2.0
"""Cases of distance transforms."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import ellipsoid, masked_head

from .case import Build, Call, Case, simpleitk

TITLE = "Distances"
STEPS = (2.0, 0.9, 0.7)


def folds(shape: tuple[int, ...]) -> Any:
    """Return a mask of the grey matter of a head: thin and folded."""
    x = masked_head(shape)
    return (x > 75) & (x < 128)


def distances(mask: Any, sampling: tuple[float, ...] | None) -> Case:
    spacing = (1.0,) * 3 if sampling is None else sampling

    def by_edt(threads: int) -> Call:
        import edt

        labels = np.ascontiguousarray(mask.astype(np.uint8))
        return lambda: edt.edt(labels, anisotropy=spacing, parallel=threads)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(spacing[::-1])
        return lambda: sitk.SignedMaurerDistanceMap(image, True, False, True)

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.ndimage.distance_transform_edt(mask, sampling, threads=threads),
        want=lambda: scipy_ndimage.distance_transform_edt(mask, sampling),
        peers={
            "scipy": lambda _: lambda: scipy_ndimage.distance_transform_edt(mask, sampling),
            "edt": by_edt,
            "SimpleITK": by_simpleitk,
        },
        moved=9 * mask.size,
        tolerance=1e-12,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    shape = (24 if quick else 256,) * 3
    masks = {"in a head": ellipsoid, "outside a head": lambda s: ~ellipsoid(s), "in grey matter": folds}
    return {
        f"distances {where}{', anisotropic' if steps else ''}": partial(
            lambda make, steps: distances(make(shape), steps), make, steps
        )
        for where, make in masks.items()
        for steps in (None, STEPS)
    }
