# SPDX-License-Identifier: Apache-2.0
"""Reference of the morphology kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def morphology(
    input: ArrayLike,
    structure: ArrayLike,
    centre: tuple[int, ...],
    *,
    any: bool,
    border: bool = False,
    iterations: int = 1,
    mask: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Return whether all samples that the structure has around each sample are set, or any."""
    x: NDArray[np.bool_] = np.asarray(input) != 0
    within = np.True_ if mask is None else np.asarray(mask) != 0
    steps = np.argwhere(structure) - centre
    places = np.moveaxis(np.indices(x.shape), 0, -1)
    last = np.array(x.shape) - 1
    done = 0
    while iterations < 1 or done < iterations:
        before, done = x, done + 1
        around = [
            np.where(
                ((places + step >= 0) & (places + step <= last)).all(-1),
                before[tuple(np.moveaxis(np.clip(places + step, 0, last), -1, 0))],
                border,
            )
            for step in steps
        ]
        x = np.full(x.shape, not any) if not around else np.any(around, 0) if any else np.all(around, 0)
        x = np.where(within, x, before)
        if np.array_equal(x, before):
            break
    return x
