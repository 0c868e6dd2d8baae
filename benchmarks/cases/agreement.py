# SPDX-License-Identifier: Apache-2.0
"""Cases of masks and label maps that are compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import ellipsoid, organs

from .case import Build, Call, Case, simpleitk, torch

TITLE = "Masks compared"
SPACING = (2.0, 0.9, 0.7)


def moved(labels: Any) -> Any:
    """Return what a network might have made of it."""
    return np.roll(labels, (1, -2, 3), (0, 1, 2))


def relative(got: Any, want: Any) -> float:
    """Return the largest error, relative to the largest number."""
    return float(np.max(np.abs(got - want)) / np.max(want))


def numbers(result: Any) -> Any:
    """Return a number, or those of all labels, as an array."""
    return np.array(list(result.values()) if isinstance(result, dict) else result, np.float64).ravel()


def case(labels: Any, ours: Callable[..., Any], want: Call, peers: dict[str, Any]) -> Case:
    return Case(
        size=f"{labels.shape[0]}^3 {labels.dtype}",
        ours=ours,
        want=lambda: numbers(want()),
        peers=peers,
        moved=2 * labels.nbytes,
        tolerance=1e-12,
        error=relative,
        result=numbers,
    )


def surface_distances(a: Any, b: Any) -> tuple[Any, Any]:
    """Return distances from each surface to the other as medpy reckons them."""
    edges = [mask ^ scipy_ndimage.binary_erosion(mask) for mask in (a, b)]
    away = [scipy_ndimage.distance_transform_edt(~edge, SPACING) for edge in edges]
    return away[1][edges[0]], away[0][edges[1]]


def images(sitk: Any, *arrays: Any) -> list[Any]:
    made = [sitk.GetImageFromArray(array.astype(np.uint8)) for array in arrays]
    for image in made:
        image.SetSpacing(SPACING[::-1])
    return made


def overlap(labels: Any, of_labels: bool) -> Case:
    other = moved(labels)
    names = np.unique(labels)[1:] if of_labels else [1]

    def by_numpy(_: int) -> Call:
        def one(label: int) -> float:
            a, b = labels == label, other == label
            return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))

        return lambda: [one(label) for label in names]

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        a, b = images(sitk, labels, other)

        def call() -> list[float]:
            measures = sitk.LabelOverlapMeasuresImageFilter()
            measures.Execute(a, b)
            return [measures.GetDiceCoefficient(int(label)) for label in names]

        return call

    return case(
        labels,
        lambda threads: vk.dice(labels, other, "all" if of_labels else None, threads=threads),
        by_numpy(1),
        {"SimpleITK": by_simpleitk, "numpy": by_numpy},
    )


def far_apart(mask: Any) -> Case:
    other = moved(mask)

    def by_scipy(_: int) -> Call:
        return lambda: max(float(d.max()) for d in surface_distances(mask, other))

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        a, b = images(sitk, mask, other)

        def call() -> float:
            measure = sitk.HausdorffDistanceImageFilter()
            measure.Execute(a, b)
            distance: float = measure.GetHausdorffDistance()
            return distance

        return call

    return case(
        mask,
        lambda threads: vk.hausdorff_distance(mask, other, spacing=SPACING, threads=threads),
        by_scipy(1),
        {"SimpleITK": by_simpleitk, "scipy": by_scipy},
    )


def monai_surfaces(labels: Any, other: Any, threads: int, percentile: float) -> Call:
    """Return MONAI's call for every label: it takes a channel for each."""
    import monai.metrics

    module = torch(threads)
    names = np.unique(labels)[-1]
    pair = [
        module.nn.functional.one_hot(module.as_tensor(x.astype(np.int64)), int(names) + 1).movedim(-1, 0)[
            None
        ]
        for x in (other, labels)
    ]
    return lambda: monai.metrics.compute_hausdorff_distance(*pair, percentile=percentile, spacing=SPACING)[0]


def percentile_of_labels(labels: Any) -> Case:
    other = moved(labels)
    names = np.unique(labels)[1:] if labels.dtype != bool else [True]

    def want() -> list[float]:
        pairs = (surface_distances(labels == name, other == name) for name in names)
        return [max(float(np.percentile(d, 95)) for d in pair) for pair in pairs]

    return case(
        labels,
        lambda threads: vk.hausdorff_distance(
            labels, other, 95, "all" if len(names) > 1 else None, spacing=SPACING, threads=threads
        ),
        want,
        {"monai": lambda threads: monai_surfaces(labels, other, threads, 95)},
    )


def mean_apart(mask: Any) -> Case:
    other = moved(mask)

    def by_scipy(_: int) -> Call:
        return lambda: float(np.concatenate(surface_distances(mask, other)).mean())

    return case(
        mask,
        lambda threads: vk.mean_surface_distance(mask, other, spacing=SPACING, threads=threads),
        by_scipy(1),
        {"scipy": by_scipy},
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    shape = (24 if quick else 256,) * 3
    small = (24 if quick else 160,) * 3
    count = 3 if quick else 24
    return {
        "dice of two masks": lambda: overlap(ellipsoid(shape), False),
        "dice of 24 labels": lambda: overlap(organs(shape, count), True),
        "Hausdorff distance of two masks": lambda: far_apart(ellipsoid(shape)),
        "HD95 of two masks": lambda: percentile_of_labels(ellipsoid(shape)),
        "HD95 of 24 labels": lambda: percentile_of_labels(organs(small, count)),
        "mean surface distance of two masks": lambda: mean_apart(ellipsoid(shape)),
    }
