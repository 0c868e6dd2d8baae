# SPDX-License-Identifier: Apache-2.0
"""Cases of pooling, beside torch."""

from functools import partial
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.phantoms import class_scores

from .case import Build, Call, Case, torch

TITLE = "Pooling"


def halved(x: Any, reduce: Any) -> Any:
    """Return what becomes of windows of 2 with stride 2, in float64."""
    c, n = x.shape[:2]
    return reduce(x.reshape(c, n // 2, 2, n // 2, 2, n // 2, 2).astype(np.float64), axis=(2, 4, 6))


def overlapping(x: Any) -> Any:
    """Return the largest samples of windows of 3 with stride 2 and padding 1."""
    padded = np.pad(x, ((0, 0),) + ((1, 1),) * 3, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3), axis=(1, 2, 3))
    return windows[:, ::2, ::2, ::2].max(axis=(4, 5, 6)).astype(np.float64)


def pooled(channels: int, n: int, name: str, want: Any, **options: Any) -> Case:
    x = class_scores(channels, n)

    def by_torch(threads: int) -> Call:
        function = getattr(torch(threads).nn.functional, name)
        images = torch(threads).from_numpy(x)
        return lambda: function(images, **options)

    return Case(
        size=f"{channels} x {n}^3 float32",
        ours=lambda threads: getattr(vk.nn, name)(x, threads=threads, **options),
        want=partial(want, x),
        peers={"torch": by_torch},
        moved=x.nbytes * 9 // 8,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    size = (4, 16) if quick else (32, 64)
    return {
        "max_pool3d 2": partial(pooled, *size, "max_pool3d", partial(halved, reduce=np.max), kernel_size=2),
        "avg_pool3d 2": partial(pooled, *size, "avg_pool3d", partial(halved, reduce=np.mean), kernel_size=2),
        "max_pool3d 3, stride 2": partial(
            pooled, *size, "max_pool3d", overlapping, kernel_size=3, stride=2, padding=1
        ),
    }
