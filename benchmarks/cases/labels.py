# SPDX-License-Identifier: Apache-2.0
"""Cases of label maps and class scores on another grid."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import ZERO_BACKGROUND, class_scores, ellipsoid, organs

from .case import Build, Call, Case, size_of, torch

TITLE = "Label maps and class scores"


def differing(got: Any, want: Any) -> float:
    """Return the share of voxels with another label."""
    return float(np.mean(got != want))


def label_map(organ_count: int, shape: tuple[int, ...], size: tuple[int, ...]) -> Case:
    x = organs(shape, organ_count)

    def nnunet() -> Any:
        from batchgenerators.augmentations.utils import resize_segmentation

        return resize_segmentation(x, size, order=1)

    return Case(
        size=size_of(shape, size, dtype=x.dtype),
        ours=lambda threads: vk.resample_labels(x, shape=size, threads=threads),
        want=nnunet,
        peers={"batchgenerators (nnU-Net)": lambda _: nnunet},
        moved=x.nbytes + int(np.prod(size)),
        error=differing,
        tolerance=0.0,
    )


def halves(shape: tuple[int, ...], size: tuple[int, ...]) -> Case:
    """nnU-Net's rule before batchgenerators 0.25.5, of one organ."""
    x = organs(shape, 1)

    def by_scipy() -> Any:
        factors = np.divide(size, shape)
        share = scipy_ndimage.zoom(x.astype(np.float64), factors, order=1, mode="nearest", grid_mode=True)
        return (share >= 0.5).astype(x.dtype)

    return Case(
        size=size_of(shape, size, dtype=x.dtype),
        ours=lambda threads: vk.resample_labels(x, shape=size, rule="half", threads=threads),
        want=by_scipy,
        peers={"scipy": lambda _: by_scipy},
        moved=x.nbytes + int(np.prod(size)),
        error=differing,
        tolerance=0.0,
    )


def argmax(n: int, zero_background: bool) -> Case:
    x, size = class_scores(25, n), 2 * n
    if zero_background:
        x *= ellipsoid((n,) * 3)

    def by_torch(threads: int) -> Call:
        interpolate = torch(threads).nn.functional.interpolate
        scores = torch(threads).from_numpy(x)[None]
        return lambda: interpolate(scores, size=(size,) * 3, mode="trilinear")[0].argmax(0)

    def one_by_one() -> Any:
        best, winner = np.full((size,) * 3, -np.inf), np.zeros((size,) * 3, np.int64)
        for k, scores in enumerate(x.astype(np.float64)):
            large = scipy_ndimage.zoom(scores, 2, order=1, mode="nearest", grid_mode=True)
            winner[large > best] = k
            best = np.maximum(best, large)
        return winner

    return Case(
        size=f"25 x {size_of((n,) * 3, (size,) * 3, dtype=x.dtype)}",
        ours=lambda threads: vk.resample_argmax(x, shape=(size,) * 3, threads=threads),
        want=one_by_one,
        peers={"torch": by_torch},
        moved=x.nbytes + size**3,
        error=differing,  # float32 may swap two classes closer than its rounding
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    sizes = ((20, 48, 48), (30, 42, 42)) if quick else ((100, 256, 256), (150, 224, 224))
    n = 16 if quick else 64
    return {
        "labels, 25 classes": partial(label_map, 24, *sizes),
        "labels, one organ": partial(label_map, 1, *sizes),
        "labels, rule half": partial(halves, *sizes),
        "argmax of scores": partial(argmax, n, False),
        f"argmax of scores{ZERO_BACKGROUND}": partial(argmax, n, True),
    }
