# SPDX-License-Identifier: Apache-2.0
"""Cases of convolution layers, each beside torch with the same weights."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

import voxkern as vk
from voxkern.reference.conv3d import conv3d as reference
from voxkern.reference.conv3d import conv_transpose3d as transposed_reference

from .case import Build, Call, Case, torch

TITLE = "Convolution"


class Job(NamedTuple):
    """A layer: channels in and out, voxels along an axis, size of the kernel."""

    ins: int
    outs: int
    n: int
    size: int = 3
    stride: int = 1
    groups: int = 1
    transposed: bool = False
    algorithms: tuple[str, ...] = ("auto",)


JOBS = {
    "conv 1 to 16": Job(1, 16, 128),
    "conv 4 to 32": Job(4, 32, 96, algorithms=("auto", "direct", "fast")),
    "conv 16 to 32": Job(16, 32, 64, algorithms=("auto", "direct", "fast")),
    "conv 32 to 32": Job(32, 32, 64, algorithms=("auto", "direct", "fast")),
    "conv 64 to 64": Job(64, 64, 32, algorithms=("auto", "direct", "fast")),
    "conv 128 to 128": Job(128, 128, 16, algorithms=("auto", "direct", "fast")),
    "conv 32 to 32 k5": Job(32, 32, 64, 5, algorithms=("auto", "direct", "fast")),
    "conv 32 to 64 stride 2": Job(32, 64, 64, stride=2),
    "conv depthwise 32": Job(32, 32, 64, groups=32),
    "conv 1x1x1 32 to 64": Job(32, 64, 64, 1),
    "conv transposed 32 to 32 k2 stride 2": Job(32, 32, 64, 2, 2, transposed=True),
}


def random(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def layer(job: Job, algorithm: str, n: int) -> Case:
    x = random(1, job.ins, n, n, n)
    outs_and_ins = (job.ins, job.outs) if job.transposed else (job.outs, job.ins // job.groups)
    weight = random(*outs_and_ins, *(job.size,) * 3) / np.float32(np.sqrt(job.ins * job.size**3))
    padding = 0 if job.transposed else job.size // 2
    ours = vk.nn.Conv3d(
        weight, None, job.stride, padding, groups=job.groups, transposed=job.transposed, algorithm=algorithm
    )

    def want() -> Any:
        stride = (job.stride,) * 3
        if job.transposed:
            return transposed_reference(x, weight, None, stride)
        return reference(x, weight, None, stride, ((padding, padding),) * 3, groups=job.groups)

    def by_torch(threads: int) -> Call:
        library = torch(threads)
        tensors = library.from_numpy(x), library.from_numpy(weight)
        functional = library.nn.functional
        convolve = functional.conv_transpose3d if job.transposed else functional.conv3d
        return lambda: convolve(*tensors, stride=job.stride, padding=padding, groups=job.groups)

    results = n * job.stride if job.transposed else n // job.stride
    return Case(
        size=f"1x{job.ins}x{n}x{n}x{n} float32",
        ours=lambda threads: ours(x, threads=threads),
        want=want,
        peers={"torch": by_torch},
        moved=x.nbytes + 4 * job.outs * results**3,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    found: dict[str, Build] = {}
    for name, job in JOBS.items():
        n = 12 if quick else job.n
        for algorithm in job.algorithms:
            label = name if algorithm == "auto" else f"{name}, {algorithm}"
            found[label] = partial(layer, job, algorithm, n)
    return found
