# SPDX-License-Identifier: Apache-2.0
"""Cases of N4: a 1 mm head whole and shrunk, and a cube without a mask.

Rows per iteration are slopes between two iteration counts: set-up and division cancel.
"""

from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.phantoms import biased_head, cube

from .case import Build, Call, Case, Slope, simpleitk

TITLE = "N4 bias field correction"


def run(x: Any, mask: Any, iterations: Any, threshold: float, threads: int, **other: Any) -> Any:
    return vk.n4_bias_field_correction(
        x,
        mask,
        maximum_number_of_iterations=iterations,
        convergence_threshold=threshold,
        return_field=True,
        threads=threads,
        **other,
    )


def run_simpleitk(x: Any, mask: Any, iterations: Any, threshold: float, threads: int) -> Call:
    """Return a call that gives SimpleITK's result and a function that makes its log field."""
    sitk = simpleitk(threads)
    images = [sitk.GetImageFromArray(a) for a in (x, mask) if a is not None]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(iterations)
    n4.SetConvergenceThreshold(threshold)
    return lambda: (n4.Execute(*images), lambda: n4.GetLogBiasFieldAsImage(images[0]))


def log_field(result: Any) -> Any:
    """Return the log field of either program's result."""
    _, field = result
    if isinstance(field, np.ndarray):
        return np.log(field.astype(np.float64))
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(field()).astype(np.float64)


def fit(x: Any, mask: Any, size: str, iterations: Any, threshold: float, **other: Any) -> Case:
    def reference() -> Any:
        from voxkern.reference.n4 import n4

        return n4(x, mask, iterations=iterations, convergence_threshold=threshold, itk=threshold > 0)[0]

    settings = {
        "peers": {"SimpleITK": partial(run_simpleitk, x, mask, iterations, threshold)},
        "tolerance": 1e-4,
        "result": log_field,
        **other,
    }
    return Case(size=size, ours=partial(run, x, mask, iterations, threshold), want=reference, **settings)


def counted(mask: Any, x: Any) -> str:
    if mask is None:
        return f"{x.shape[0]}^3, no mask"
    voxels = int(mask.sum())
    if x.size < 1e6:
        return f"{voxels} of {x.size} voxels"
    return f"{voxels / 1e6:.2f} M of {x.size / 1e6:.1f} M voxels"


def head_part(step: int) -> tuple[Any, Any]:
    """Return every ``step``-th voxel of the head, and of its brain."""
    x, mask = biased_head()
    part = (slice(step // 2, None, step),) * 3
    return np.ascontiguousarray(x[part]), np.ascontiguousarray(mask[part])


def shrunk(step: int, iterations: int, threshold: float) -> Case:
    x, mask = head_part(step)
    return fit(x, mask, f"{counted(mask, x)}, at most 4 x {iterations}", [iterations] * 4, threshold)


def exact(step: int, iterations: int) -> Case:
    """Fit in the mode that is not ITK's; nobody else has it."""
    x, mask = head_part(step)

    def reference() -> Any:
        from voxkern.reference.n4 import n4

        return n4(x, mask, iterations=[iterations] * 4, convergence_threshold=0.0, itk=False)[0]

    return Case(
        size=counted(mask, x),
        ours=lambda threads: run(x, mask, [iterations] * 4, 0.0, threads, compat="exact"),
        want=reference,
        result=log_field,
        tolerance=1e-4,
    )


def whole_head(step: int) -> Case:
    """Fit every fourth voxel, correct all of them: how most people call it."""
    x, mask = head_part(step)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        images = [sitk.GetImageFromArray(a) for a in (x, mask)]
        n4 = sitk.N4BiasFieldCorrectionImageFilter()

        def correct() -> Any:
            n4.Execute(*(sitk.Shrink(image, [4] * 3) for image in images))
            field = n4.GetLogBiasFieldAsImage(images[0])
            return images[0] / sitk.Exp(field), lambda: field

        return correct

    return Case(
        size=counted(mask, x),
        ours=lambda threads: run(x, mask, [50] * 4, 1e-3, threads, shrink_factor=4),
        want=lambda: log_field(by_simpleitk(1)()),
        peers={"SimpleITK": by_simpleitk},
        result=log_field,
        tolerance=0.02,  # ITK may stop an iteration earlier or later with other threads
    )


def iteration(x: Any, mask: Any) -> Case:
    """Time one iteration: ours as a mean over four levels, SimpleITK's at the first level."""

    def ours(threads: int) -> Slope:
        return Slope(*(partial(run, x, mask, [n] * 4, 0.0, threads) for n in (5, 15)), 40)

    def peer(threads: int) -> Slope:
        return Slope(*(run_simpleitk(x, mask, [n], 0.0, threads) for n in (2, 3)), 1)

    slopes = {"voxkern": ours, "SimpleITK": peer}
    return fit(x, mask, counted(mask, x), [1], 0.0, tolerance=1e-5, slopes=slopes)


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder; ``slow`` adds what takes SimpleITK minutes."""
    found: dict[str, Build] = {}
    if find_spec("nilearn"):  # the head
        step, n = (6, 2) if quick else (4, 50)
        found["n4 head shrunk, defaults"] = partial(shrunk, step, n, 1e-3)
        found["n4 head shrunk, all iterations"] = partial(shrunk, step, n, 0.0)
        found["n4 head shrunk, exact"] = partial(exact, step, n)
        found["n4 head 1 mm, fitted shrunk"] = partial(whole_head, 3 if quick else 1)
        if not quick:
            found["n4 head 1 mm, per iteration"] = lambda: iteration(*head_part(1))
    if slow or quick:
        edge = 24 if quick else 256
        found["n4 cube, per iteration"] = lambda: iteration(cube(edge), None)
    return found
