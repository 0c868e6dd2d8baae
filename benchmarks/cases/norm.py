# SPDX-License-Identifier: Apache-2.0
"""Cases of normalisation and activation, beside torch."""

from functools import partial
from typing import Any

import voxkern as vk
from benchmarks.phantoms import ZERO_BACKGROUND, class_scores, masked_head
from voxkern.reference.norm import norm as reference

from .case import Build, Call, Case, beside, torch

TITLE = "Normalisation"


def normalised(channels: int, n: int, slope: float | None, background: str = "") -> Case:
    x = class_scores(channels, n)[None]
    if background:
        x = x * (masked_head((n, n, n)) != 0)
    activation: Any = None if slope is None else ("leaky_relu", slope)

    def by_torch(threads: int) -> Call:
        functional = torch(threads).nn.functional
        images = torch(threads).from_numpy(x)
        if slope is None:
            return lambda: functional.instance_norm(images)
        return lambda: functional.leaky_relu(functional.instance_norm(images), slope, inplace=True)

    return Case(
        size=f"{channels} x {n}^3 float32",
        ours=lambda threads: vk.nn.instance_norm(x, activation=activation, threads=threads),
        want=lambda: reference(x, slope=1.0 if slope is None else slope),
        peers={"torch": by_torch},
        moved=2 * x.nbytes,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    size = (4, 16) if quick else (32, 64)
    return {
        "instance_norm": partial(normalised, *size, None),
        "instance_norm, leaky ReLU": partial(normalised, *size, 0.01),
        f"instance_norm{ZERO_BACKGROUND}": partial(
            beside, "torch", partial(normalised, *size, None, ZERO_BACKGROUND)
        ),
    }
