# SPDX-License-Identifier: Apache-2.0
"""Cases of label maps and class scores on another grid."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import class_scores, organs

from .case import Build, Call, Case, torch


def differing(got: Any, want: Any) -> float:
    """Return the share of voxels with another label."""
    return float(np.mean(got != want))


def label_map(shape: tuple[int, ...], size: tuple[int, ...], threads: int) -> Case:
    x = organs(shape)

    def nnunet() -> Any:
        from batchgenerators.augmentations.utils import resize_segmentation

        return resize_segmentation(x, size, order=1)

    return Case(
        size=f"{'x'.join(map(str, shape))} -> {'x'.join(map(str, size))} uint8",
        ours=lambda: vk.resample_labels(x, shape=size, threads=threads),
        want=nnunet,
        peers={"batchgenerators (nnU-Net)": lambda: nnunet},
        moved=x.nbytes + int(np.prod(size)),
        error=differing,
        tolerance=0.0,
        rounds=2,
    )


def argmax(n: int, threads: int) -> Case:
    x, size = class_scores(25, n), 2 * n

    def by_torch() -> Call:
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
        size=f"25 x {n}^3 -> {size}^3 float32",
        ours=lambda: vk.resample_argmax(x, shape=(size,) * 3, threads=threads),
        want=one_by_one,
        peers={"torch": by_torch},
        moved=x.nbytes + size**3,
        error=differing,  # float32 may swap two classes closer than its rounding
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    sizes = ((20, 48, 48), (30, 42, 42)) if quick else ((100, 256, 256), (150, 224, 224))
    return {
        "labels, 25 classes": partial(label_map, *sizes),
        "argmax of scores": partial(argmax, 16 if quick else 64),
    }
