# SPDX-License-Identifier: Apache-2.0
"""Cases of measurements of labelled regions: a hundred labels, each function of scipy on its own."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import IMAGES, Image, ellipsoid, noise, organs

from .case import Build, Case, as_array

TITLE = "Measurements of regions"

BINS = (0.0, 1.0, 256)
PERCENTS = (5, 50, 95)


def largest_error(got: Any, want: Any) -> float:
    """Return the largest difference, relative to the largest value."""
    return float(np.max(np.abs(np.subtract(got, want, dtype=np.float64))) / np.max(np.abs(want)))


def of_boxes(boxes: Any) -> Any:
    """Return slices as numbers; zeros where a label does not occur."""
    return np.array([[(s.start, s.stop) for s in box] if box else [(0, 0)] * 3 for box in boxes])


def measured(name: str, image: Image, n: int, *before: Any, find: bool = False) -> Case:
    labels = organs((n,) * 3, 100).astype(np.int32)
    x = image(labels.shape)
    index = np.arange(1, 101)
    arguments = (labels,) if find else (x, *before, labels, index)
    theirs, ours = getattr(scipy_ndimage, name), getattr(vk.ndimage, name)

    def rows(result: Any) -> Any:
        if find:
            return of_boxes(result)
        if name.endswith("position"):  # scipy leaves open which of equal samples it finds
            return x[tuple(np.transpose(result))]
        absent = np.zeros(BINS[-1]) if before else 0
        return np.array([absent if row is None else row for row in result], np.float64)

    return Case(
        size=f"{n}^3 {labels.dtype}" + ("" if find else ", float32"),
        ours=lambda threads: ours(*arguments, threads=threads),
        want=lambda: rows(theirs(*arguments)),
        peers={"scipy": lambda _: lambda: theirs(*arguments)},
        moved=labels.nbytes + (0 if find else x.nbytes),
        tolerance=1e-9,
        error=largest_error,
        result=rows,
    )


def percentiles(image: Image, n: int) -> Case:
    labels = organs((n,) * 3, 100)
    x = image(labels.shape)

    def by_numpy() -> Any:
        index = np.unique(labels)[1:]
        return np.array([np.percentile(x[labels == label], PERCENTS) for label in index])

    return Case(
        size=f"{n}^3 {labels.dtype}, float32",
        ours=lambda threads: vk.label_statistics(labels, x, percentiles=PERCENTS, threads=threads),
        want=by_numpy,
        peers={"numpy percentile of each label": lambda _: by_numpy},
        moved=labels.nbytes + x.nbytes,
        result=lambda got: got.percentiles if isinstance(got, vk.LabelStatistics) else as_array(got),
    )


def shapes(n: int) -> Case:
    """Surface and diameter of a ball of half the image, whose values are known."""
    labels = ellipsoid((n,) * 3).astype(np.uint8)

    def by_simpleitk(threads: int) -> Any:
        from .case import simpleitk

        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(labels)

        def call() -> Any:
            found = sitk.LabelShapeStatisticsImageFilter()
            found.ComputeFeretDiameterOff()  # it would take minutes
            found.Execute(image)
            return np.array([found.GetPerimeter(1)])

        return call

    def surface(found: Any) -> Any:
        return found.surface_area if isinstance(found, vk.LabelStatistics) else as_array(found)

    return Case(
        size=f"{n}^3 {labels.dtype}",
        ours=lambda threads: vk.label_statistics(
            labels, surface_area=True, longest_diameter=True, threads=threads
        ),
        want=lambda: by_simpleitk(1)(),
        peers={"SimpleITK surface": by_simpleitk},
        moved=labels.nbytes,
        tolerance=0.03,  # ITK has another estimate of the same formula
        error=largest_error,
        result=surface,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 24 if quick else 256
    names = ("sum_labels", "mean", "standard_deviation", "maximum_position", "median")
    found: dict[str, Build] = {}
    for background, image in IMAGES.items():
        for name in names:
            found[f"{name} of 100 labels{background}"] = partial(measured, name, image, n)
        found[f"histogram of 100 labels{background}"] = partial(measured, "histogram", image, n, *BINS)
        found[f"percentiles of 100 labels{background}"] = partial(percentiles, image, n)
    return found | {
        # Nothing but zeros has no centre.
        "center_of_mass of 100 labels": partial(measured, "center_of_mass", noise, n),
        "find_objects of 100 labels": partial(measured, "find_objects", noise, n, find=True),
        "surface and diameter": partial(shapes, n),
    }
