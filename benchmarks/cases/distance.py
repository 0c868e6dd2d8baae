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
ODD_STEPS = (2.5, 0.683594, 0.683594)  # no whole numbers of a unit, and common in CT


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


def steps(mask: Any, metric: str, indices: bool) -> Case:
    def by_scipy(_: int) -> Call:
        return lambda: scipy_ndimage.distance_transform_cdt(mask, metric, return_indices=indices)

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.ndimage.distance_transform_cdt(
            mask, metric, return_indices=indices, threads=threads
        ),
        want=lambda: joined(by_scipy(1)()),
        peers={"scipy": by_scipy},
        moved=(17 if indices else 5) * mask.size,
        tolerance=0.0,
        result=joined,
    )


def joined(result: Any) -> Any:
    """Return distances and indices as one array."""
    return np.concatenate([result[0][None], result[1]]) if isinstance(result, tuple) else np.asarray(result)


def searched(mask: Any) -> Case:
    def by_scipy(_: int) -> Call:
        return lambda: scipy_ndimage.distance_transform_bf(mask, return_indices=True)

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.ndimage.distance_transform_bf(mask, return_indices=True, threads=threads),
        want=lambda: joined(by_scipy(1)()),
        peers={"scipy": by_scipy},
        moved=21 * mask.size,
        tolerance=0.0,
        result=joined,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    shape = (24 if quick else 256,) * 3
    masks = {"in a head": ellipsoid, "outside a head": lambda s: ~ellipsoid(s), "in grey matter": folds}
    sizes = {"": None, ", anisotropic": STEPS, ", odd steps": ODD_STEPS}
    return {
        **{
            f"distances {where}{how}": partial(lambda make, steps: distances(make(shape), steps), make, steps)
            for where, make in masks.items()
            for how, steps in sizes.items()
        },
        "steps outside a head, chessboard": lambda: steps(~ellipsoid(shape), "chessboard", False),
        "steps outside a head, taxicab": lambda: steps(~ellipsoid(shape), "taxicab", False),
        "steps in grey matter, chessboard, indices": lambda: steps(folds(shape), "chessboard", True),
        "distances by scipy's search, indices": lambda: searched(ellipsoid((24 if quick else 64,) * 3)),
    }
