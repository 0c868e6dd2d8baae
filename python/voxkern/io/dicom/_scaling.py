# SPDX-License-Identifier: Apache-2.0
"""What values a frame's stored pixels stand for: slope and intercept, units, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._runtime.errors import ArgumentError
from . import _pixels as pixels
from ._frames import Frame
from ._suv import suv_factor


class Scaling:
    """Slope and intercept of every frame, as the caller wants its values."""

    def __init__(self, frames: Sequence[Frame], *, scale: str, suv: bool, invert_monochrome1: bool) -> None:
        first = frames[0]
        self.factor = 1.0
        self.invert = invert_monochrome1 and first.format.photometric == "MONOCHROME1"
        self.precise: tuple[float, ...] = ()
        modality = first.header.modality
        self.units = first.units
        if suv:
            if modality != "PT":
                raise ArgumentError(f"suv: got a series of modality {modality or 'unknown'}, allowed PT")
            self.factor = suv_factor(first.pet, [f.header.acquired for f in frames], first.name)
            self.units = "SUVbw"
        self.scale = ""
        if modality == "MR" and "philips" in first.header.manufacturer.lower():
            self._read_philips(frames)
        if scale == "precise":
            if not self.precise:
                raise ArgumentError(
                    "scale: got 'precise', allowed 'displayed': no Philips scale in this series"
                )
            self.scale = "precise"
        factors = self.precise or (1.0,) * len(frames)
        self._factor_of = dict(zip(frames, factors, strict=True))

    def _read_philips(self, frames: Sequence[Frame]) -> None:
        # One scale slope per volume in practice; files of one slope share it, so few are read twice.
        known: dict[tuple[int, float], float | None] = {}
        factors = []
        for f in frames:
            key = (0 if f.format.frames == 1 else f.index + 1, f.slope)
            if key not in known:
                known[key] = f.philips_scale
            slope = known[key]
            if not slope:
                return
            factors.append(1.0 / (f.slope * slope))
        self.precise, self.scale = tuple(factors), "displayed"

    def __call__(self, frame: Frame) -> tuple[float, float]:
        """Return slope and intercept of one frame."""
        slope, intercept = frame.slope, frame.intercept
        if self.invert:
            low, high = frame.format.stored_range
            slope, intercept = -slope, intercept + slope * (low + high)
        factor = self.factor
        if self.scale == "precise":
            factor *= self._factor_of[frame]
        return slope * factor, intercept * factor

    def precise_factor(self) -> tuple[float, ...]:
        """Return one factor where all frames share it, else one per frame."""
        return self.precise[:1] if len(set(self.precise)) == 1 else self.precise


def padding_range(frame: Frame) -> tuple[int, int] | None:
    """Return the stored values that mean 'outside the scan', None where the file declares none."""
    value, limit = frame.header.padding
    if value is None or pixels.is_colour(frame):
        return None
    ends = [int(value), int(value if limit is None else limit)]
    if frame.format.signed:  # often written as the unsigned word
        top = 1 << frame.format.bits_allocated
        ends = [e - top if e >= top // 2 else e for e in ends]
    return min(ends), max(ends)


def padding_of(volumes: list[list[Frame]]) -> NDArray[np.bool_] | None:
    """Return where stored values are padding, laid out like them; None where no file declares any."""
    ranges = [[padding_range(f) for f in volume] for volume in volumes]
    if all(r is None for row in ranges for r in row):
        return None
    first = volumes[0][0]
    mask = np.zeros((len(volumes), len(volumes[0]), first.rows, first.columns), np.bool_)
    reader = pixels.Reader()
    for v, volume in enumerate(volumes):
        for k, frame in enumerate(volume):
            ends = ranges[v][k]
            if ends is not None:
                stored = reader.stored(frame)
                np.logical_and(stored >= ends[0], stored <= ends[1], out=mask[v, k])
    return mask


def filled(data: NDArray[Any], padding: NDArray[np.bool_], value: float) -> NDArray[Any]:
    """Write ``value`` where there is padding; float32 where the dtype cannot hold it."""
    if data.dtype.kind in "iu":
        limits = np.iinfo(data.dtype)
        if not float(value).is_integer() or not limits.min <= value <= limits.max:
            data = data.astype(np.float32)
    data[padding] = value
    return data
