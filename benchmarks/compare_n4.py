# SPDX-License-Identifier: Apache-2.0
"""The rows of n4 in compare_peers.py: a 1 mm head whole and shrunk, and a cube without a mask.

Per-iteration rows are slopes between two iteration counts: set-up and division cancel.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import voxkern as vk
from voxkern.reference.n4 import n4 as reference_n4


def head() -> tuple[Any, Any]:
    """Return the 1 mm T1 that nilearn carries, under a smooth field with noise, and its brain."""
    import nibabel
    import nilearn

    data = Path(nilearn.__file__).parent / "datasets" / "data"
    image = nibabel.load(data / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    x = np.ascontiguousarray(np.asarray(image.dataobj).astype(np.float32).T)
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in x.shape], indexing="ij", sparse=True)
    noise = np.random.default_rng(0).normal(0, 2, x.shape)
    x = np.where(x > 0, x * np.exp(0.3 * (0.8 * i + 0.5 * k**2 - 0.6 * i * j)) + noise, 0)
    return x.astype(np.float32), (x > 10).astype(np.uint8)


def cube(n: int) -> Any:
    """Return three tissues under a smooth field, nowhere 0."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n, dtype=np.float32)] * 3, indexing="ij", sparse=True)
    r = i * i + j * j + k * k
    x = np.where(r < 0.4, 150, np.where(r < 0.8, 100, 50)).astype(np.float32)
    x *= np.exp(0.3 * j - 0.2 * i * k)
    x += np.random.default_rng(0).normal(0, 2, x.shape).astype(np.float32)
    return x


def ours(x: Any, mask: Any, threads: int, iterations: Any, threshold: float) -> Any:
    return vk.n4_bias_field_correction(
        x,
        mask,
        maximum_number_of_iterations=iterations,
        convergence_threshold=threshold,
        return_field=True,
        threads=threads,
    )


def simpleitk(x: Any, mask: Any, threads: int, iterations: Any, threshold: float) -> Any:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultThreader("Platform")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    image = sitk.GetImageFromArray(x)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(iterations)
    n4.SetConvergenceThreshold(threshold)
    out = n4.Execute(image, sitk.GetImageFromArray(mask)) if mask is not None else n4.Execute(image)
    return sitk.GetArrayFromImage(out), n4, image


def log_field(result: Any) -> Any:
    """Return the log field of either program's result."""
    if len(result) == 2:
        return np.log(result[1].astype(np.float64))
    import SimpleITK as sitk

    _, n4, image = result
    return sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).astype(np.float64)


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def case(
    kernel: str, size: str, x: Any, mask: Any, threads: int, iterations: Any, threshold: float
) -> dict[str, Any]:
    """Whole calls."""
    return {
        "kernel": kernel,
        "size": size,
        "ours": lambda: ours(x, mask, threads, iterations, threshold),
        "peers": {"SimpleITK": lambda: simpleitk(x, mask, threads, iterations, threshold)},
        "want": lambda: reference_n4(
            x, mask, iterations=iterations, convergence_threshold=threshold, itk=threshold > 0
        )[0],
        "tolerance": 1e-4,
        "repeats": 1,
        "result": log_field,
    }


def per_iteration(kernel: str, size: str, x: Any, mask: Any, threads: int) -> dict[str, Any]:
    """Slopes: ours over four levels, SimpleITK's over two iterations at the first level."""

    def slope(call: Callable[[], Any]) -> float:
        if call is row["ours"]:
            few, many = ([n] * 4 for n in (5, 15))
            spread = [
                seconds(lambda n=n: ours(x, mask, threads, n, 0.0)) for n in (few, many) for _ in range(3)
            ]
            return (min(spread[3:]) - min(spread[:3])) / 40
        return seconds(lambda: simpleitk(x, mask, threads, [3], 0.0)) - seconds(
            lambda: simpleitk(x, mask, threads, [2], 0.0)
        )

    row = case(kernel, size, x, mask, threads, [1], 0.0)
    return {**row, "timer": slope, "tolerance": 1e-5}


def cases(threads: int, slow: bool) -> list[dict[str, Any]]:
    """Return the rows; ``slow`` adds those that take SimpleITK minutes."""
    x, mask = head()
    part = (slice(2, None, 4),) * 3
    small, small_mask = np.ascontiguousarray(x[part]), np.ascontiguousarray(mask[part])
    voxels = f"{mask.sum() / 1e6:.2f} M of {x.size / 1e6:.1f} M voxels"
    rows = [
        case("n4 shrunk, defaults", f"{small_mask.sum()} of {small.size} voxels", small, small_mask, threads,
             [50] * 4, 1e-3),
        case("n4 shrunk, 4 x 50", f"{small_mask.sum()} of {small.size} voxels", small, small_mask, threads,
             [50] * 4, 0.0),
        per_iteration("n4 1 mm head, per iteration", voxels, x, mask, threads),
    ]  # fmt: skip
    if slow:
        rows.append(per_iteration("n4 cube, per iteration", "256^3, no mask", cube(256), None, threads))
    return rows
