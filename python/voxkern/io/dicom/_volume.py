# SPDX-License-Identifier: Apache-2.0
"""Frames of one volume to a `Volume`: stack, values, repairs, affine, meta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._runtime.errors import ArgumentError, GeometryWarning
from ..._space.geometry import LPS_TO_RAS, is_sheared
from ..._space.volume import Volume
from .._guard import warn
from .._options import Options
from . import _pixels as pixels
from . import _repair as repair
from ._frames import Frame, check_orientation
from ._scaling import Scaling, filled, padding_of, padding_range
from ._seg import grid_of, labels_of
from ._stack import Stack, stack


def assemble(uid: str, members: list[Frame], options: Options, skipped: Mapping[str, int]) -> Any:
    """Return the volume of one group of frames; with its padding where that was asked for."""
    if members[0].header.segmentation:
        return _segmentation(uid, members, options)
    placed = stack(
        members,
        missing=options.missing,
        irregular=options.irregular,
        thickness=None if options.spacing is None else options.spacing[0],
        same_pixels=pixels.same_pixels,
    )
    volumes = [list(volume) for volume in zip(*placed.frames, strict=True)]
    scaling = Scaling(
        [f for place in placed.frames for f in place],
        scale=options.scale,
        suv=options.suv,
        invert_monochrome1=options.invert_monochrome1,
    )
    data = pixels.values(volumes, scaling)
    needs_mask = options.return_padding or options.padding_fill is not None
    repaired = placed.irregular or (options.untilt and not placed.first.flat)
    padding = padding_of(volumes) if needs_mask or repaired else None
    step, origin = placed.step, np.array(placed.first.position)
    if repaired:
        data, padding, step, origin = _repaired(data, padding, placed, scaling, options)
    if options.padding_fill is not None and padding is not None:
        data = filled(data, padding, options.padding_fill)
    affine = _affine(placed.first, step, origin)
    meta = _meta(uid, placed, volumes, scaling, affine, data, options)
    if skipped:
        meta["skipped"] = tuple(sorted(skipped.items()))
    if meta["sheared"]:
        warn(
            "the slices are stacked obliquely (gantry tilt): the affine is sheared; untilt=True rectifies it",
            GeometryWarning,
        )
    volume = Volume(_arranged(data, placed.sizes), affine, meta)
    if not options.return_padding:
        return volume
    mask = np.zeros(data.shape[:4], np.bool_) if padding is None else padding
    return volume, volume.with_data(_arranged(mask, placed.sizes))


def _segmentation(uid: str, members: list[Frame], options: Options) -> Any:
    """Return the volume of a segmentation."""
    for name in ("missing", "irregular", "untilt", "scale", "suv", "invert_monochrome1", "padding_fill"):
        if getattr(options, name) != getattr(Options(), name):
            raise ArgumentError(f"{name}: got a segmentation, allowed images")
    thickness = None if options.spacing is None else options.spacing[0]
    slices, first, step, source = grid_of(members, thickness)
    data, numbers = labels_of(members, slices, options.max_bytes)
    sizes = (len(numbers),) if len(numbers) > 1 else ()
    meta: dict[str, Any] = {
        "source": "dicom", "modality": first.header.modality, "series_uid": uid, "geometry": "patient",
        "spacing_source": source, "sheared": False, "files": 1, "segments": first.segments.labels,
    }  # fmt: skip
    if sizes:
        meta["axes"], meta["axis_values"] = ("segment",), (numbers,)
    if options.keep:
        meta["kept"] = first.kept(options.keep)
    affine = _affine(first, np.array(check_orientation(first)) * step, np.array(first.position))
    volume = Volume(_arranged(data, sizes), affine, meta)
    return (volume, volume.with_data(np.zeros(volume.shape, np.bool_))) if options.return_padding else volume


def _affine(first: Frame, step: NDArray[np.float64], origin: NDArray[np.float64]) -> NDArray[np.float64]:
    lps = np.eye(4)
    lps[:3, 0] = step
    lps[:3, 1] = np.array(first.orientation[3:]) * first.spacing[0]
    lps[:3, 2] = np.array(first.orientation[:3]) * first.spacing[1]
    lps[:3, 3] = origin
    affine: NDArray[np.float64] = LPS_TO_RAS @ lps
    return affine


def _arranged(data: NDArray[Any], sizes: tuple[int, ...]) -> NDArray[Any]:
    """Return a view of (volume, slice, row, column, channel) with the volume axes after the column."""
    if not sizes:
        return np.asarray(data[0])
    shaped = data.reshape(*sizes, *data.shape[1:])
    n = len(sizes)
    arranged: NDArray[Any] = shaped.transpose(n, n + 1, n + 2, *range(n), *range(n + 3, shaped.ndim))
    return arranged


def _repaired(
    data: NDArray[Any], padding: NDArray[np.bool_] | None, placed: Stack, scaling: Scaling, options: Options
) -> tuple[NDArray[Any], NDArray[np.bool_] | None, NDArray[np.float64], NDArray[np.float64]]:
    if data.ndim > 4:
        raise ArgumentError("missing, irregular, untilt: got a colour image, allowed grey ones")
    first = placed.first
    normal = np.array(check_orientation(first))
    step, origin = placed.step, np.array(first.position)
    ends = padding_range(first)
    slope, intercept = scaling(first)
    fill = float(data.min()) if ends is None else ends[0] * slope + intercept
    straight = normal * float(normal @ step)
    if options.untilt and float(np.linalg.norm(step - straight)) > 1e-6:
        places = np.array([p[0].position for p in placed.frames]) - origin
        for axis, direction, size in (
            (2, np.array(first.orientation[3:]), first.spacing[0]),
            (3, np.array(first.orientation[:3]), first.spacing[1]),
        ):
            shift = places @ direction / size
            if np.abs(shift).max() > 1e-2:
                data, padding, moved = repair.untilt(data, shift, axis, fill, padding)
                origin = origin + direction * (moved * size)
        placed.repairs.append("gantry tilt rectified")
        step = straight
    if placed.irregular:
        usual = float(np.median(np.diff(placed.along)))
        data, padding, distance = repair.equal_distances(data, placed.along, usual, fill, padding)
        step = step * (distance / float(normal @ step))
    return data, padding, step, origin


def _meta(
    uid: str,
    placed: Stack,
    volumes: list[list[Frame]],
    scaling: Scaling,
    affine: NDArray[np.float64],
    data: NDArray[Any],
    options: Options,
) -> dict[str, Any]:
    first = placed.first
    colour = data.ndim == 5
    meta: dict[str, Any] = {
        "source": "dicom",
        "modality": first.header.modality,
        "series_uid": uid,
        "photometric": first.format.photometric,
        "geometry": "detector" if first.flat else "patient",
        "spacing_source": placed.spacing_source,
        "sheared": is_sheared(affine),
        "files": len({id(f.file) for volume in volumes for f in volume}),
    }
    if scaling.units:
        meta["units"] = scaling.units
    if scaling.scale:
        meta["scale"], meta["precise_factor"] = scaling.scale, scaling.precise_factor()
    if placed.repairs:
        meta["repairs"] = tuple(placed.repairs)
    if placed.axes or colour:
        meta["axes"] = (*placed.axes, *(("channel",) if colour else ()))
        meta["axis_values"] = (*placed.values, *((tuple(range(data.shape[-1])),) if colour else ()))
    ends = padding_range(first)
    if ends is not None and len({scaling(f) for volume in volumes for f in volume}) == 1:
        slope, intercept = scaling(first)
        meta["padding_value"] = tuple(sorted(end * slope + intercept for end in ends))
    if options.keep:
        meta["kept"] = first.kept(options.keep)
    return meta
