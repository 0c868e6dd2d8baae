# SPDX-License-Identifier: Apache-2.0
"""Cases of copy: strided arrays into another dtype, as other kernels use it."""

from functools import partial

import numpy as np

from benchmarks.phantoms import noise
from voxkern import _core
from voxkern.reference.copy import copy as reference

from .case import Build, Case, size_of

TITLE = "copy"


def converted(n: int, dtype: str) -> Case:
    x = noise((n,) * 3).transpose(1, 0, 2)
    out = np.empty(x.shape, dtype)

    return Case(
        size=f"{size_of(x.shape, dtype=x.dtype)} -> {dtype}",
        ours=lambda threads: _core.copy(x, out, threads),
        want=lambda: reference(x, dtype),
        peers={"numpy": lambda _: lambda: np.copyto(out, x, casting="unsafe")},
        result=lambda _: out,
        moved=x.nbytes + out.nbytes,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 48 if quick else 256
    return {f"copy to {dtype}": partial(converted, n, dtype) for dtype in ("float32", "float64")}
