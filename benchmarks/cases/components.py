# SPDX-License-Identifier: Apache-2.0
"""Cases of connected components and of statistics of labels."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import ellipsoid, masked_head, noise, organs

from .case import Build, Call, Case, as_array, relative_error, simpleitk

TITLE = "Components and labels"


def folds(shape: tuple[int, ...]) -> Any:
    """Return a mask of the grey matter of a head: one large component and specks."""
    x = masked_head(shape)
    return (x > 75) & (x < 128)


def sparse_noise(shape: tuple[int, ...]) -> Any:
    """Return a mask of a quarter of the voxels, with nearly as many components as runs."""
    return noise(shape) < 0.25


def shell(shape: tuple[int, ...]) -> Any:
    """Return a hollow head with a vessel through its wall in every eighth slice."""
    hollow = ellipsoid(shape) & ~ellipsoid(shape, 0.5)
    hollow[::8, shape[1] // 2] = False
    return hollow


def different(got: Any, want: Any) -> float:
    """Return the share of voxels with another label."""
    return float(np.mean(got != want))


def labelled(mask: Any, connectivity: int) -> Case:
    structure = scipy_ndimage.generate_binary_structure(3, connectivity)

    def by_cc3d(_: int) -> Call:
        import cc3d

        return lambda: cc3d.connected_components(mask, connectivity={1: 6, 2: 18, 3: 26}[connectivity])

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        return lambda: sitk.ConnectedComponent(image, connectivity == 3)

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.ndimage.label(mask, structure, threads=threads)[0],
        want=lambda: scipy_ndimage.label(mask, structure)[0],
        peers={
            "scipy": lambda _: lambda: scipy_ndimage.label(mask, structure)[0],
            "cc3d": by_cc3d,
            "SimpleITK": by_simpleitk,
        },
        moved=5 * mask.size,
        tolerance=0.0,
        error=different,
        one_thread=("scipy", "cc3d"),
    )


def largest(mask: Any) -> Case:
    def tutorial(_: int) -> Call:
        def call() -> Any:
            labels, count = scipy_ndimage.label(mask)
            return labels == np.argmax(np.bincount(labels.ravel(), minlength=count + 1)[1:]) + 1

        return call

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.largest_component(mask, threads=threads),
        want=lambda: tutorial(1)(),
        peers={"scipy label and bincount": tutorial},
        moved=2 * mask.size,
        tolerance=0.0,
        error=different,
    )


def filled(mask: Any) -> Case:
    def by_fill_voids(_: int) -> Call:
        import fill_voids

        return lambda: fill_voids.fill(mask)

    return Case(
        size=f"{mask.shape[0]}^3 bool",
        ours=lambda threads: vk.fill_holes(mask, threads=threads),
        want=lambda: scipy_ndimage.binary_fill_holes(mask),
        peers={
            "scipy": lambda _: lambda: scipy_ndimage.binary_fill_holes(mask),
            "fill_voids": by_fill_voids,
        },
        moved=2 * mask.size,
        tolerance=0.0,
        error=different,
        one_thread=("scipy", "fill_voids"),
    )


def largest_by_column(got: Any, want: Any) -> float:
    """Return the largest error of a column of the table."""
    return max(relative_error(*columns) for columns in zip(got, want, strict=True))


def measured(n: int) -> Case:
    """Count, box, centre, mean, deviation and extremes of a hundred labels."""
    labels = organs((n,) * 3, 100)
    x = noise(labels.shape)
    ones = np.broadcast_to(np.float32(1), labels.shape)
    index = np.unique(labels)[1:]

    def table(found: Any) -> Any:
        columns = (found.count, *found.centroid.T, found.mean, found.standard_deviation, found.minimum)
        return np.array([*columns, found.maximum])

    def by_scipy(_: int) -> Call:
        def call() -> Any:
            scipy_ndimage.find_objects(labels)
            functions = (scipy_ndimage.mean, scipy_ndimage.standard_deviation)
            extremes = (scipy_ndimage.minimum, scipy_ndimage.maximum)
            centres = np.array(scipy_ndimage.center_of_mass(ones, labels, index))
            return np.array(
                [
                    scipy_ndimage.sum_labels(ones, labels, index),
                    *centres.T,
                    *(function(x, labels, index) for function in functions + extremes),
                ]
            )

        return call

    def by_cc3d(_: int) -> Call:
        import cc3d

        return lambda: cc3d.statistics(labels)

    return Case(
        size=f"{n}^3 uint8, float32",
        ours=lambda threads: vk.label_statistics(labels, x, threads=threads),
        want=lambda: by_scipy(1)(),
        peers={"scipy": by_scipy, "cc3d count, box, centre": by_cc3d},
        moved=labels.nbytes + x.nbytes,
        error=largest_by_column,
        result=lambda got: table(got) if isinstance(got, vk.LabelStatistics) else as_array(got),
        one_thread=("scipy", "cc3d"),
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    shape = (24 if quick else 256,) * 3
    masks = {"grey matter": folds, "sparse noise": sparse_noise}
    faces = {
        f"label {what}, {6 if connectivity == 1 else 26} neighbours": partial(
            lambda make, connectivity: labelled(make(shape), connectivity), make, connectivity
        )
        for what, make in masks.items()
        for connectivity in (1, 3)
    }
    return {
        **faces,
        "largest component": lambda: largest(folds(shape)),
        "fill holes": lambda: filled(shell(shape)),
        "label statistics of 100 labels": lambda: measured(shape[0]),
    }
