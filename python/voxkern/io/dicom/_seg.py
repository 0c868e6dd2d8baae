# SPDX-License-Identifier: Apache-2.0
"""Frames of a DICOM segmentation to a label map, or to one volume per segment where that says more.

A segmentation leaves out what is empty: a segment has frames where it has voxels, a slice has some where any
segment has. Here everything that is left out is zero, on slices at equal distances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._runtime.errors import IrregularSpacingError, UnsupportedSeriesError
from .._guard import check_size
from ._frames import Frame, check_orientation
from ._pixels import Reader

_KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")


def grid_of(frames: list[Frame], thickness: float | None) -> tuple[list[int], Frame, float, str]:
    """Return the slice of every frame, the frame at the origin, the distance of slices and its source."""
    normal = np.array(check_orientation(frames[0]))
    positions = np.array([f.position for f in frames])
    along = positions @ normal
    first = int(np.argmin(along))
    beside = positions - positions[first] - np.outer(along - along[first], normal)
    if float(np.abs(beside).max()) > 0.1:
        raise UnsupportedSeriesError(f"{frames[0].name}: frames beside each other, or a tilted stack")
    gaps = np.diff(np.unique(np.round(along, 3)))
    declared = frames[first].spacing_between
    if declared:
        step, source = abs(declared), "SpacingBetweenSlices"
    elif len(gaps):
        step, source = float(gaps.min()), "ImagePositionPatient"
    else:
        step, source = frames[first].thickness or thickness or 0.0, "SliceThickness"
    if step <= 0:
        raise UnsupportedSeriesError(f"{frames[0].name}: a single slice without thickness; give spacing=")
    slices = (along - along[first]) / step
    off = float(np.abs(slices - np.rint(slices)).max()) * step
    if off > max(0.01 * step, 1e-2):
        raise IrregularSpacingError(f"{frames[0].name}: slices lie {off:.3f} mm off a grid of {step:.3f} mm")
    return [int(k) for k in np.rint(slices)], frames[first], step, source


def labels_of(frames: list[Frame], slices: list[int], max_bytes: int) -> tuple[NDArray[Any], tuple[int, ...]]:
    """Return (segment, slice, row, column) and the segments; of a label map only one, and no segments."""
    facts, first = frames[0].segments, frames[0]
    if facts.kind not in _KINDS:
        raise UnsupportedSeriesError(
            f"{first.name}: SegmentationType is {facts.kind!r}, allowed {', '.join(_KINDS)}"
        )
    _refuse_two_in_one_place(frames, slices)
    numbers = tuple(sorted({f.details.segment for f in frames}))
    shape = (max(slices) + 1, first.rows, first.columns)
    if facts.kind == "FRACTIONAL":
        fractions = _apart(frames, slices, numbers, shape, np.dtype(np.float32), max_bytes)
        fractions /= np.float32(facts.maximum)
        return fractions, numbers
    largest = max((n for n, _ in facts.labels), default=0)
    largest = max(largest, *numbers, first.format.stored_range[1] if facts.kind == "LABELMAP" else 0)
    dtype = np.dtype(np.uint8 if largest < 256 else np.uint16 if largest < 65536 else np.uint32)
    check_size(shape, dtype, max_bytes)
    labels = np.zeros((1, *shape), dtype)
    reader = Reader()
    for frame, k in zip(frames, slices, strict=True):
        stored = reader.stored(frame)
        slot = labels[0, k]
        if facts.kind == "LABELMAP":
            slot[...] = stored
            continue
        inside = stored != 0
        if np.any(slot[inside]):  # a voxel of two segments: a label map would lose one
            return _apart(frames, slices, numbers, shape, np.dtype(np.uint8), max_bytes), numbers
        slot[inside] = frame.details.segment
    return labels, ()


def _refuse_two_in_one_place(frames: list[Frame], slices: list[int]) -> None:
    """Raise where a segment, or a label map, has several frames in one slice: one would hide the other."""
    taken: set[tuple[int, int]] = set()
    for frame, k in zip(frames, slices, strict=True):
        segment = 0 if frame.segments.kind == "LABELMAP" else frame.details.segment
        if (segment, k) in taken:
            of = f" of segment {segment}" if segment else ""
            raise UnsupportedSeriesError(f"{frame.name}: another frame{of} in slice {k}, allowed one")
        taken.add((segment, k))


def _apart(
    frames: list[Frame],
    slices: list[int],
    numbers: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    max_bytes: int,
) -> NDArray[Any]:
    """Return one volume per segment."""
    check_size((len(numbers), *shape), dtype, max_bytes)
    out = np.zeros((len(numbers), *shape), dtype)
    reader = Reader()
    for frame, k in zip(frames, slices, strict=True):
        out[numbers.index(frame.details.segment), k] = reader.stored(frame)
    return out
