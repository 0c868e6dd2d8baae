# SPDX-License-Identifier: Apache-2.0
"""Cases of intensities: z-score, percentiles, windows, Otsu's threshold and crops, beside NumPy's."""

import importlib
from functools import partial
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.phantoms import class_scores, ellipsoid, masked_head
from voxkern.reference.measure import otsu as reference

from .case import Build, Call, Case, size_of

TITLE = "Intensities"
LIMITS = (0.5, 99.5)
LOW, HIGH = 20.0, 160.0


def head(n: int) -> tuple[Any, Any]:
    """Return a head with noise everywhere, and the mask of its brain."""
    shape = (n,) * 3
    noise = np.random.default_rng(1).standard_normal(shape, np.float32)
    return masked_head(shape) + 20 * np.abs(noise), ellipsoid(shape, 0.8)


def case_of(x: Any, ours: Any, numpy: Call, want: Call | None = None, **more: Any) -> Case:
    """Return a case on one image, beside NumPy; its answer is the right one where no other is given."""
    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: ours(threads=threads),
        want=want or numpy,
        peers={"numpy": lambda threads: numpy},
        **more,
    )


def zscore(n: int, masked: bool) -> Case:
    x, brain = head(n)
    mask = brain if masked else None

    def by_numpy(values: Any = x) -> Any:
        if mask is None:
            return (values - values.mean()) / values.std()
        part = values[mask]
        return np.where(mask, (values - part.mean()) / part.std(), 0)

    moved = 3 * x.nbytes + (2 * mask.nbytes if mask is not None else 0)
    return case_of(
        x, partial(vk.zscore, x, mask), by_numpy, lambda: by_numpy(x.astype(np.float64)), moved=moved
    )


def percentiles(n: int, masked: bool) -> Case:
    x, brain = head(n)
    mask = brain if masked else None

    def by_numpy() -> Any:
        return np.percentile(x if mask is None else x[mask], LIMITS)

    moved = 2 * x.nbytes + (2 * mask.nbytes if mask is not None else 0)
    return case_of(x, partial(vk.percentiles, x, LIMITS, mask), by_numpy, tolerance=0, moved=moved)


def clipped(n: int) -> Case:
    x, brain = head(n)

    def by_numpy() -> Any:
        return np.clip(x, *np.percentile(x[brain], LIMITS).astype(np.float32))

    ours = partial(vk.clip_percentiles, x, *LIMITS, brain)
    return case_of(x, ours, by_numpy, tolerance=0, moved=4 * x.nbytes + 2 * brain.nbytes)


def windowed(n: int) -> Case:
    x = head(n)[0]

    def by_numpy() -> Any:
        return np.clip((x - np.float32(LOW)) / np.float32(HIGH - LOW), 0, 1)

    return case_of(x, partial(vk.window, x, LOW, HIGH), by_numpy, moved=2 * x.nbytes)


def picture(n: int) -> Case:
    x = head(n)[0]

    def by_numpy(values: Any = x) -> Any:
        scaled = np.clip((values - LOW) * (255 / (HIGH - LOW)), 0, 255)
        return np.floor(scaled + 0.5).astype(np.uint8)

    ours = partial(vk.window_to_uint8, x, LOW, HIGH)
    return case_of(x, ours, by_numpy, lambda: by_numpy(x.astype(np.float64)), moved=x.nbytes + x.size)


def otsu(n: int) -> Case:
    x = head(n)[0]

    def by_skimage(_: int) -> Call:
        return partial(importlib.import_module("skimage.filters").threshold_otsu, x)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.otsu(x, threads=threads),
        want=lambda: reference(x),
        peers={"skimage": by_skimage},
        moved=2 * x.nbytes,
        tolerance=0,
        error=lambda got, want: abs(float(got) - want),
    )


def cropped(channels: int, n: int) -> Case:
    x = class_scores(channels, n) * ellipsoid((n,) * 3)

    def by_numpy() -> Any:
        marked = x[0] != 0
        for channel in x[1:]:
            marked |= channel != 0
        return x[(slice(None), *[slice(w.min(), w.max() + 1) for w in np.nonzero(marked)])]

    ours = partial(vk.crop_to_nonzero, x, axes=(1, 2, 3))
    return case_of(x, ours, by_numpy, tolerance=0, moved=x.nbytes)


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 24 if quick else 256
    return {
        "zscore": partial(zscore, n, False),
        "zscore, masked": partial(zscore, n, True),
        "percentiles 0.5 and 99.5": partial(percentiles, n, False),
        "percentiles 0.5 and 99.5, masked": partial(percentiles, n, True),
        "clip_percentiles, masked": partial(clipped, n),
        "window": partial(windowed, n),
        "window_to_uint8": partial(picture, n),
        "otsu": partial(otsu, n),
        "crop_to_nonzero, 4 channels": partial(cropped, 4, 24 if quick else 192),
    }
