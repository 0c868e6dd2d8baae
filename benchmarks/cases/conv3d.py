# SPDX-License-Identifier: Apache-2.0
"""Cases of convolution layers, each beside torch with the same weights."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import voxkern as vk
from benchmarks.phantoms import ZERO_BACKGROUND, masked_head
from voxkern.reference.conv3d import conv3d as reference
from voxkern.reference.conv3d import conv_transpose3d as transposed_reference

from .case import Build, Call, Case, beside, torch

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


def masked(*shape: int) -> Any:
    """Return random channels of a head, zero outside it."""
    inside = masked_head(shape[2:]) != 0
    return random(*shape) * inside


def layer(job: Job, algorithm: str, n: int, image: Callable[..., Any] = random) -> Case:
    x = image(1, job.ins, n, n, n)
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

    def by_torch(threads: int, last: bool = False) -> Call:
        library = torch(threads)
        tensors = [library.from_numpy(x), library.from_numpy(weight)]
        if last:
            tensors = [tensor.to(memory_format=library.channels_last_3d) for tensor in tensors]
        functional = library.nn.functional
        convolve = functional.conv_transpose3d if job.transposed else functional.conv3d
        return lambda: convolve(*tensors, stride=job.stride, padding=padding, groups=job.groups)

    results = n * job.stride if job.transposed else n // job.stride
    return Case(
        size=f"1x{job.ins}x{n}x{n}x{n} float32",
        ours=lambda threads: ours(x, threads=threads),
        want=want,
        peers={"torch": by_torch, "torch channels last": partial(by_torch, last=True)},
        moved=x.nbytes + 4 * job.outs * results**3,
        products=weight.size * (n if job.transposed else results) ** 3,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    found: dict[str, Build] = {}
    for name, job in JOBS.items():
        n = 12 if quick else job.n
        for algorithm in job.algorithms:
            label = name if algorithm == "auto" else f"{name}, {algorithm}"
            found[label] = partial(layer, job, algorithm, n)
    job = JOBS["conv 32 to 32"]
    n = 12 if quick else job.n
    for algorithm in job.algorithms[:2]:
        label = "conv 32 to 32" if algorithm == "auto" else f"conv 32 to 32, {algorithm}"
        found[label + ZERO_BACKGROUND] = partial(beside, "torch", partial(layer, job, algorithm, n, masked))
    return found
