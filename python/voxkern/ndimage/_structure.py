# SPDX-License-Identifier: Apache-2.0
"""Structures of the morphology of masks, and where they lie around a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import MorphologyStep
from .._runtime.backend import host_array
from .._runtime.validate import Array, connected_neighbours
from ._common import normalized_axes, spread, value_per_axis


def generate_binary_structure(rank: int, connectivity: int) -> Any:
    """Return which of the 3 x ... x 3 neighbours of a sample count as its neighbours.

    Parameters
    ----------
    rank : int
        Number of axes. Below 1 the structure is the sample alone.
    connectivity : int
        Neighbours differ by a step along so many axes at most; at least 1.

    Returns
    -------
    array
        ``bool``, ``rank`` axes of 3 samples.

    Examples
    --------
    >>> from voxkern import ndimage
    >>> ndimage.generate_binary_structure(2, 1).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """
    if rank < 1:
        return np.array(True)
    return connected_neighbours(rank, max(connectivity, 1))


@dataclass
class Placed:
    """A structure with the axes of an array, and which of its samples lies on that of the array."""

    samples: Array
    centre: list[int]
    dilate: bool

    def step(self, iterations: int, border: bool = False) -> MorphologyStep:
        """Return what the kernel does with it. It takes no array without axes."""
        samples, centre = (self.samples, self.centre) if self.centre else (self.samples.reshape(1), [0])
        return MorphologyStep(
            structure=samples, centre=centre, any=self.dilate, border=border, iterations=iterations
        )

    def neighbours(self) -> Array | None:
        """Return the 3 x ... x 3 neighbours that it joins; None where it is no symmetric one of these."""
        shape = self.samples.shape or (1,)
        if any(n not in (1, 3) for n in shape) or self.centre != [n // 2 for n in self.samples.shape]:
            return None
        if not np.array_equal(self.samples, np.flip(self.samples)):
            return None
        return np.pad(self.samples.reshape(shape), [((3 - n) // 2,) * 2 for n in shape])


def placed(
    structure: ArrayLike | None, origin: Any, axes: Any, ndim: int, *, dilate: bool, mirrored: bool = True
) -> Placed:
    """Place a structure as scipy does; that of a dilation is mirrored."""
    chosen = normalized_axes(axes, ndim)
    samples = host_array(structure_or_default(structure, len(chosen)), "structure")
    origins = value_per_axis(origin, len(chosen))
    if dilate and mirrored:
        samples = np.flip(samples)
        origins = [-o - (1 - samples.shape[a] % 2) for a, o in enumerate(origins)]
    samples = samples.astype(bool)
    if len(chosen) < ndim:
        if samples.ndim != len(chosen):
            raise RuntimeError(f"structure.ndim ({samples.ndim}) must match len(axes) ({len(chosen)})")
        samples = np.expand_dims(samples, tuple(a for a in range(ndim) if a not in chosen))
        origins = spread(origins, chosen, ndim, 0)
    if samples.ndim != ndim:
        raise RuntimeError("structure and input must have same dimensionality")
    if samples.size < 1:
        raise RuntimeError("structure must not be empty")
    centre = [o + n // 2 for o, n in zip(origins, samples.shape, strict=True)]
    samples[tuple(centre)]  # scipy's IndexError
    if any(c < 0 for c in centre):
        raise ValueError("invalid origin")
    return Placed(samples, centre, dilate)


def structure_or_default(structure: ArrayLike | None, ndim: int) -> Any:
    """Return the structure, or the neighbours that share a face."""
    return generate_binary_structure(ndim, 1) if structure is None else structure
