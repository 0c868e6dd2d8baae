# SPDX-License-Identifier: Apache-2.0
"""What a correction did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class N4Iteration(NamedTuple):
    """One line of the trace, as ITK reports it.

    Attributes
    ----------
    level : int
        From 0.
    iteration : int
        From 1.
    convergence : float
        What ``convergence_threshold`` is compared with.
    """

    level: int
    iteration: int
    convergence: float


@dataclass(frozen=True)
class N4Details:
    """What `n4_bias_field_correction` did.

    Attributes
    ----------
    log_field_lattice : ndarray
        B-spline coefficients of the log field at the last level, in the order of the array's axes.
    trace : tuple of N4Iteration
        Level, iteration and convergence measure of every iteration.
    voxels : int
        Samples that took part.
    """

    log_field_lattice: NDArray[np.float32]
    trace: tuple[N4Iteration, ...]
    voxels: int

    @property
    def iterations(self) -> tuple[int, ...]:
        """Iterations made at each level."""
        levels = max(step.level for step in self.trace) + 1
        return tuple(sum(step.level == level for step in self.trace) for level in range(levels))
