# SPDX-License-Identifier: Apache-2.0
"""Cases of whole pipelines: what a user waits for, from the scan to what a network takes."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import thorax

from .case import Build, Case

TITLE = "Whole pipelines"

SPACING = (2.5, 0.7, 0.7)  # millimetres of the scan; 1 mm is wanted
AIR = -320  # Hounsfield units, and less
LOW, HIGH, MEAN = -1000.0, 400.0, 0.25
MARGIN = 3  # voxels around the lungs


def factors(shape: tuple[int, ...]) -> Any:
    return np.round(np.multiply(shape, SPACING)) / shape


def by_skimage(scan: Any) -> Any:
    """Return the lungs and the image as the lung tutorial of Kaggle's Data Science Bowl 2017 finds them."""
    from skimage.measure import label
    from skimage.morphology import ball, dilation

    def largest(labels: Any) -> Any:
        found, counts = np.unique(labels[labels != 0], return_counts=True)
        return found[np.argmax(counts)] if len(found) else None

    image = scipy_ndimage.zoom(scan, factors(scan.shape), mode="nearest")
    tissue = image > AIR
    regions = label(tissue.astype(np.int8) + 1)
    tissue |= regions == regions[0, 0, 0]
    for plane in tissue:  # whatever the largest region of a slice surrounds is lung
        regions = label(plane)
        most = largest(regions)
        if most is not None:
            plane[...] = regions == most
    regions = label(~tissue)
    lungs = dilation(regions == largest(regions), ball(MARGIN))
    return lungs, np.clip((image - LOW) / (HIGH - LOW), 0, 1) - MEAN


def by_voxkern(scan: Any, threads: int) -> Any:
    image = vk.ndimage.zoom(scan, factors(scan.shape), mode="nearest", threads=threads)
    tissue = image > AIR
    regions, _ = vk.ndimage.label(~tissue, np.ones((3, 3, 3)), threads=threads)
    tissue |= regions == regions[0, 0, 0]
    for plane in tissue:
        plane[...] = vk.largest_component(plane, connectivity=2, threads=threads)
    lungs = vk.largest_component(~tissue, connectivity=3, threads=threads)
    return vk.dilate(lungs, MARGIN, threads=threads), vk.window(
        image, LOW, HIGH, offset=-MEAN, threads=threads
    )


def of_lungs(result: Any) -> Any:
    lungs, image = result
    return np.where(lungs, image, -1)


def share_that_differs(got: Any, want: Any) -> float:
    """Return the share of voxels that differ by more than one Hounsfield unit."""
    return float(np.mean(np.abs(got - want) > 1.5 / (HIGH - LOW)))


def lung_tutorial(shape: tuple[int, ...]) -> Case:
    scan = thorax(shape)
    return Case(
        size=f"{'x'.join(map(str, shape))} {scan.dtype}",
        ours=partial(by_voxkern, scan),
        want=lambda: of_lungs(by_skimage(scan)),
        peers={"skimage and scipy": lambda _: lambda: by_skimage(scan)},
        tolerance=1e-5,
        error=share_that_differs,
        result=of_lungs,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    if not (quick or slow):
        return {}
    return {"lung tutorial": lambda: lung_tutorial((20, 64, 64) if quick else (133, 512, 512))}
