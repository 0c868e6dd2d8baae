# SPDX-License-Identifier: Apache-2.0
"""The jobs that are timed on a GPU. The goals are for an H100 or H200."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.cases.case import Call, size_of
from benchmarks.cases.components import folds
from benchmarks.cases.conv3d import random
from benchmarks.cases.resample import sampled_points, unit_grid
from benchmarks.phantoms import cube, displacements, ellipsoid, noise, organs, rotation

from .case import Build, Case, OnArrays, cucim, cupyx, torch

ITERATIONS = [50] * 4


def largest_difference(got: Any, want: Any) -> float:
    return float(np.max(np.abs(got.astype(np.float64) - want)))


def as_cupy(array: Any) -> Any:
    return importlib.import_module("cupy").asarray(array)


def share_differing(got: Any, want: Any) -> float:
    return float(np.mean(got != want))


# --- interpolation --------------------------------------------------------------------------------------


def resampled(n: int, order: int) -> Case:
    size = n * 5 // 4

    def by_torch(x: Any) -> Call:
        grid = torch().from_dlpack(x)[None, None]
        interpolate = torch().nn.functional.interpolate
        return lambda: interpolate(grid, size=(size,) * 3, mode="trilinear")[0, 0]

    resize = partial(cucim, "skimage.transform", "resize", (size,) * 3, mode="edge", anti_aliasing=False)
    return Case(
        size=size_of((n,) * 3, (size,) * 3, dtype="float32"),
        arrays=lambda: (noise((n,) * 3),),
        ours=partial(vk.resample, shape=size, order=order),
        peers={
            "cupyx": cupyx("zoom", size / n, order=order, mode="nearest", grid_mode=True),
            "cucim": resize(order=order, clip=False, preserve_range=True),
            **({"torch": by_torch} if order == 1 else {}),
        },
        moved=4 * (n**3 + size**3),
        goal="70% of copy, 3x cupyx" if order == 1 else "5 copies, 10x cupyx; 100x at the first call",
    )


def turned(n: int) -> Case:
    """Sample a cubic spline on a grid turned about two axes."""
    matrix = rotation((n,) * 3)
    linear, offset = matrix[:3, :3], matrix[:3, 3]

    def by_cupyx(x: Any) -> Call:
        return cupyx("affine_transform", as_cupy(linear), offset, order=3)(x)

    return Case(
        size=size_of((n,) * 3, dtype="float32"),
        arrays=lambda: (noise((n,) * 3),),
        ours=lambda x: vk.ndimage.affine_transform(x, linear, offset, order=3),
        peers={"cupyx": by_cupyx},
        moved=8 * n**3,
        goal="5x cupyx",
    )


def warped(n: int) -> Case:
    """Look an image up at displaced points."""

    def by_torch(x: Any, field: Any) -> Call:
        grid_sample = torch().nn.functional.grid_sample
        grid = torch().from_numpy(unit_grid(sampled_points(field.get()))).to("cuda")
        picture = torch().from_dlpack(x)[None, None]
        return lambda: grid_sample(picture, grid, padding_mode="border", align_corners=True)[0, 0]

    return Case(
        size=f"{size_of((n,) * 3, dtype='float32')}, field given",
        arrays=lambda: (noise((n,) * 3), displacements(n)),
        ours=lambda x, field: vk.warp(x, field, mode="nearest"),
        peers={"torch": by_torch},
        moved=20 * n**3,
    )


def looked_up(n: int) -> Case:
    """Take the nearest sample of each of two channels, as a network's augmentation does."""

    def by_torch(*arrays: Any) -> Call:
        x, grid = (torch().from_dlpack(a) for a in arrays)
        grid_sample = torch().nn.functional.grid_sample
        return lambda: grid_sample(x, grid, mode="nearest", align_corners=True)

    return Case(
        size=f"1x2x{n}x{n}x{n} float32, grid given",
        arrays=lambda: (random(1, 2, n, n, n), unit_grid(sampled_points(displacements(n)))),
        ours=lambda x, grid: vk.nn.grid_sample(x, grid, mode="nearest", align_corners=True),
        peers={"torch": by_torch},
        moved=28 * n**3,
        tolerance=0.0,
        error=share_differing,
    )


# --- filters, components, distances -----------------------------------------------------------------------


def filtered(n: int, ours: OnArrays, peers: dict[str, Callable[..., Call]], goal: str, **other: Any) -> Case:
    return Case(
        size=size_of((n,) * 3, dtype="float32"),
        arrays=lambda: (noise((n,) * 3),),
        ours=ours,
        peers=peers,
        moved=8 * n**3,
        goal=goal,
        **other,
    )


def gaussian(n: int) -> Case:
    peers = {
        "cupyx": cupyx("gaussian_filter", 2),
        "cucim": cucim("skimage.filters", "gaussian", 2, mode="reflect", preserve_range=True),
    }
    ours = partial(vk.ndimage.gaussian_filter, sigma=2)
    return filtered(n, ours, peers, "3x cupyx; 60% of copy a pass")


def exact_filter(n: int, name: str, size: int) -> Case:
    """Filter by a box; every sample of the result is one of the image."""
    peers = {"cupyx": cupyx(name, size)}
    ours = partial(getattr(vk.ndimage, name), size=size)
    return filtered(n, ours, peers, "5x cupyx", tolerance=0.0, error=largest_difference)


def labelled(n: int) -> Case:
    structure = np.ones((3, 3, 3), bool)
    return Case(
        size=size_of((n,) * 3, dtype="bool"),
        arrays=lambda: (folds((n,) * 3),),
        ours=lambda mask: vk.ndimage.label(mask, structure)[0],
        peers={
            "cupyx": lambda mask: lambda: cupyx("label", structure)(mask)()[0],
            "cucim": cucim("skimage.measure", "label", connectivity=3),
        },
        moved=5 * n**3,
        goal="5x cupyx",
        tolerance=0.0,
        error=share_differing,
    )


def distances(n: int) -> Case:
    return Case(
        size=size_of((n,) * 3, dtype="bool"),
        arrays=lambda: (ellipsoid((n,) * 3),),
        ours=vk.ndimage.distance_transform_edt,
        peers={
            "cupyx": cupyx("distance_transform_edt"),
            "cucim": cucim("core.operations.morphology", "distance_transform_edt"),
        },
        moved=9 * n**3,
    )


def steps(n: int) -> Case:
    """Count steps along the axes to the nearest zero; no other package has them on a GPU."""
    return Case(
        size=size_of((n,) * 3, dtype="bool"),
        arrays=lambda: (ellipsoid((n,) * 3),),
        ours=lambda mask: vk.ndimage.distance_transform_cdt(mask, "taxicab"),
        moved=5 * n**3,
        tolerance=0.0,
        error=largest_difference,
    )


def medians(n: int, count: int) -> Case:
    index = np.arange(1, count + 1)
    return Case(
        size=f"{size_of((n,) * 3, dtype='float32')}, int32 labels",
        arrays=lambda: (noise((n,) * 3), organs((n,) * 3, count).astype(np.int32)),
        ours=lambda x, labels: vk.ndimage.median(x, labels, index),
        peers={"cupyx": lambda x, labels: cupyx("median", labels, as_cupy(index))(x)},
        moved=8 * n**3,
        goal="5x cupyx",
        tolerance=0.0,
        error=largest_difference,
    )


def compared(n: int, measure: Callable[..., dict[int, float]], count: int) -> Case:
    """Compare two segmentations of some organs, one of them shifted; no other package does it in a call."""

    def pair() -> tuple[Any, ...]:
        truth = organs((n,) * 3, count).astype(np.uint8)
        return truth, np.roll(truth, 2, axis=(0, 1))

    return Case(
        size=f"two of {size_of((n,) * 3, dtype='uint8')}, {count} labels",
        arrays=pair,
        ours=partial(measure, labels="all"),
        moved=2 * n**3,
        result=lambda found: np.array(list(found.values())),
    )


# --- N4, layers, and a whole chain --------------------------------------------------------------------------


def log_field(result: Any) -> Any:
    """Return the log field of the pair that any N4 returns: ours is a field, n4ax's a logarithm."""
    corrected, field = result
    if type(corrected).__module__.startswith("jax"):
        return np.asarray(field, np.float64)
    return np.log((field.get() if hasattr(field, "get") else field).astype(np.float64))


def of_the_log(got: Any, want: Any) -> float:
    """Return the largest difference of two log fields, a constant aside, relative to their range."""
    gap = got - want
    return float(np.max(np.abs(gap - np.median(gap))) / np.ptp(want))


def bias(n: int, masked: bool, iterations: list[int]) -> Case:
    """Fit without a threshold: every iteration is made."""

    def arrays() -> tuple[Any, ...]:
        return (cube(n), ellipsoid((n,) * 3, 0.58).astype(np.uint8))[: 2 if masked else 1]

    def ours(x: Any, mask: Any = None) -> Any:
        return vk.n4_bias_field_correction(
            x, mask, maximum_number_of_iterations=iterations, convergence_threshold=0.0, return_field=True
        )

    def by_n4ax(x: Any, mask: Any = None) -> Call:
        jax, n4ax = importlib.import_module("jax"), importlib.import_module("n4ax")
        images = [jax.dlpack.from_dlpack(a) for a in (x, mask) if a is not None]
        everywhere = images[1] if mask is not None else jax.numpy.ones_like(images[0])
        settings = {"iters": tuple(iterations), "over_relax": 1.0, "conv_threshold": 0.0}
        return lambda: jax.block_until_ready(
            n4ax.n4(images[0], mask=everywhere, return_bias=True, **settings)
        )

    voxels = f"{ellipsoid((n,) * 3, 0.58).sum() / 1e6:.2g} M voxels" if masked else "no mask"
    return Case(
        size=f"{n}^3, {voxels}, {len(iterations)} x {iterations[0]}",
        arrays=arrays,
        ours=ours,
        peers={"n4ax": by_n4ax},
        goal=f"under {15 if masked else 60} ms; n4ax in time and agreement",
        tolerance=1e-4,
        error=of_the_log,
        result=log_field,
    )


def convolved(n: int, channels: int) -> Case:
    def by_torch(x: Any, weight: Any) -> Call:
        tensors = [torch().from_dlpack(a) for a in (x, weight)]
        return lambda: torch().nn.functional.conv3d(*tensors, padding=1)

    return Case(
        size=f"1x{channels}x{n}x{n}x{n} float32, 3^3 to {channels}",
        arrays=lambda: (
            random(1, channels, n, n, n),
            random(channels, channels, 3, 3, 3) / np.float32(np.sqrt(27 * channels)),
        ),
        ours=lambda x, weight: vk.nn.conv3d(x, weight, padding=1),
        peers={"torch": by_torch},
        moved=8 * channels * n**3,
        goal="0.7 of torch without TF32",
    )


def layers(n: int, channels: int, classes: int) -> Case:
    """Normalise, activate and pool channels; then a fully connected layer at each voxel, and softmax."""

    def ours(x: Any, weight: Any, bias: Any) -> Any:
        normalised = vk.nn.leaky_relu(vk.nn.instance_norm(x), 0.01)
        pooled = vk.nn.max_pool3d(normalised, 2)
        return vk.nn.softmax(vk.nn.linear(pooled.transpose(0, 2, 3, 4, 1), weight, bias), -1)

    def by_torch(*arrays: Any) -> Call:
        x, weight, bias = (torch().from_dlpack(a) for a in arrays)
        functional = torch().nn.functional

        def call() -> Any:
            normalised = functional.leaky_relu(functional.instance_norm(x), 0.01)
            pooled = functional.max_pool3d(normalised, 2)
            return functional.softmax(functional.linear(pooled.movedim(1, -1), weight, bias), -1)

        return call

    voxels = n**3
    return Case(
        size=f"1x{channels}x{n}x{n}x{n} float32, {classes} classes",
        arrays=lambda: (random(1, channels, n, n, n), random(classes, channels), random(classes)),
        ours=ours,
        peers={"torch": by_torch},
        # Two layers read and write all voxels; the others have an eighth of them.
        moved=4 * (5 * channels * voxels + (2 * channels + 3 * classes) * voxels // 8),
        goal="torch",
    )


def chain(n: int, iterations: list[int]) -> Case:
    """Bring a scan to the device, correct, resample and normalise it there, and bring it back."""
    size = n * 5 // 4

    def normalised(x: Any, _: Any) -> Any:
        corrected = vk.n4_bias_field_correction(
            x, maximum_number_of_iterations=iterations, convergence_threshold=0.0
        )
        return vk.zscore(vk.resample(corrected, shape=size, order=1))

    def there_and_back(x: Any, out: Any) -> Any:
        cupy = importlib.import_module("cupy")
        scan = cupy.empty(x.shape, x.dtype)
        scan.set(x)
        return normalised(scan, out).get(out=out)

    return Case(
        size=f"{size_of((n,) * 3, (size,) * 3, dtype='float32')}, {len(iterations)} x {iterations[0]}",
        arrays=lambda: (cube(n), np.empty((size,) * 3, np.float32)),
        ours=there_and_back,
        answer=normalised,
        on_host=True,
        moved=4 * (n**3 + size**3),
        goal="under 150 ms with pinned memory",
        tolerance=1e-4,
    )


def cases(quick: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 12 if quick else 512
    half = n if quick else n // 2
    iterations = [2, 1] if quick else ITERATIONS
    return {
        "resample linear": partial(resampled, n, 1),
        "resample cubic": partial(resampled, n, 3),
        "affine cubic": partial(turned, n),
        "warp linear": partial(warped, half),
        "grid_sample nearest": partial(looked_up, half),
        "gaussian sigma 2": partial(gaussian, n),
        "median 3": partial(exact_filter, n, "median_filter", 3),
        "maximum 7": partial(exact_filter, n, "maximum_filter", 7),
        "label 26": partial(labelled, n),
        "distances": partial(distances, half),
        "taxicab distances": partial(steps, half),
        "median of 100 labels": partial(medians, half, 100),
        "dice of 24 labels": partial(compared, half, vk.dice, 24),
        "surface distances of 24 labels": partial(compared, half, vk.mean_surface_distance, 24),
        "n4": partial(bias, half, False, iterations),
        "n4 of a head": partial(bias, half, True, iterations),
        "conv3d": partial(convolved, 6 if quick else 128, 32),  # of fewer channels other kernels run
        "layers": partial(layers, *((6, 4, 3) if quick else (128, 32, 25))),
        "chain": partial(chain, half, iterations),
    }
