# SPDX-License-Identifier: Apache-2.0
"""Cases of fully connected layers and class scores, beside torch."""

from functools import partial

import numpy as np

import voxkern as vk
from benchmarks.phantoms import class_scores
from voxkern.reference.dense import argmax, dense, softmax

from .case import Build, Call, Case, torch

TITLE = "Fully connected layers, class scores"


def layer(rows: int, n: int) -> Case:
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal((count, n), np.float32) for count in (rows, n))
    bias = rng.standard_normal(n, np.float32)

    def by_torch(threads: int) -> Call:
        function = torch(threads).nn.functional.linear
        tensors = [torch(threads).from_numpy(a) for a in (x, weight, bias)]
        return lambda: function(*tensors)

    return Case(
        size=f"{rows} x {n} -> {n} float32",
        ours=lambda threads: vk.nn.linear(x, weight, bias, threads=threads),
        want=lambda: dense(x, weight, bias),
        peers={"torch": by_torch},
        moved=2 * x.nbytes + weight.nbytes,
    )


def probabilities(classes: int, n: int) -> Case:
    x = class_scores(classes, n)[None]

    def by_torch(threads: int) -> Call:
        images = torch(threads).from_numpy(x)
        return lambda: images.softmax(1)

    return Case(
        size=f"{classes} x {n}^3 float32",
        ours=lambda threads: vk.nn.softmax(x, 1, threads=threads),
        want=lambda: softmax(x, 1),
        peers={"torch": by_torch},
        moved=2 * x.nbytes,
    )


def winners(classes: int, n: int) -> Case:
    x = class_scores(classes, n)[None]

    def by_torch(threads: int) -> Call:
        images = torch(threads).from_numpy(x)
        return lambda: images.argmax(1)

    return Case(
        size=f"{classes} x {n}^3 float32",
        ours=lambda threads: vk.nn.argmax(x, 1, threads=threads),
        want=lambda: argmax(x, 1),
        peers={"torch": by_torch},
        moved=x.nbytes + 8 * n**3,
        tolerance=0.0,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n, size = (64, 16) if quick else (2048, 64)
    return {
        "linear": partial(layer, n, n),
        "linear, one row": partial(layer, 1, n),
        "softmax of 25 classes": partial(probabilities, 25, size),
        "argmax of 25 classes": partial(winners, 25, size),
    }
