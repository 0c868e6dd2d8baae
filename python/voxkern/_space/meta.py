# SPDX-License-Identifier: Apache-2.0
"""The schema of ``Volume.meta``: facts about the image, none about the patient."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .._runtime.errors import ArgumentError, ArgumentTypeError, shown

# key: (type of its value, what it says). Loaders write what they know; a key they do not know is absent.
SCHEMA: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "source": (
            str,
            "format the image came from: dicom, nifti, minc, analyze, mgh, metaimage, nrrd, envi, ...",
        ),
        "modality": (str, "DICOM modality: CT, MR, PT, ..."),
        "series_uid": (str, "SeriesInstanceUID, with #k where one UID holds several volumes"),
        "photometric": (str, "DICOM photometric interpretation of the stored pixels"),
        "files": (int, "how many files the volume was made of"),
        "skipped": (tuple, "DICOM: (reason, number) of the files among those given that are no images"),
        "geometry": (str, "patient, detector (only in-plane distances mean something) or none (unit voxels)"),
        "orientation": (str, "'unknown' where the format cannot tell left from right"),
        "spacing_source": (str, "what the distance of slices, or of pixels, was read from"),
        "sheared": (bool, "whether the axes are not perpendicular (gantry tilt)"),
        "repairs": (tuple, "what was interpolated or left out on request, in words"),
        "units": (str, "unit of the values: HU, BQML, GML, SUVbw, GY, ..."),
        "scale": (str, "Philips MR: 'displayed' or 'precise' values"),
        "precise_factor": (tuple, "Philips MR: precise = displayed * factor; one per slice, or one for all"),
        "padding_value": (tuple, "least and greatest value that means 'outside the scan'"),
        "axes": (
            tuple,
            "names of the axes after the third: time, echo, b_value, phase, segment, channel, ...",
        ),
        "axis_values": (tuple, "for each of them its values, in the units of the file"),
        "segments": (tuple, "DICOM SEG: (number, label) of every segment"),
        "wavelengths": (tuple, "ENVI: wavelength of every band"),
        "kept": (Mapping, "elements asked for by name with load(keep=)"),
    }
)


def checked(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; an error where a key or a value is not in the schema."""
    if not isinstance(meta, Mapping):
        raise ArgumentTypeError(f"meta: got {type(meta).__name__}, allowed a mapping")
    result = {}
    for key, value in meta.items():
        if key not in SCHEMA:
            raise ArgumentError(f"meta: got {shown(key)}, allowed {', '.join(SCHEMA)}")
        kind = SCHEMA[key][0]
        value = tuple(value) if kind is tuple and isinstance(value, list) else value
        if not isinstance(value, kind):
            raise ArgumentTypeError(
                f"meta: got a {type(value).__name__} for {key}, allowed a {kind.__name__}"
            )
        result[key] = MappingProxyType(dict(value)) if isinstance(value, Mapping) else value
    return MappingProxyType(result)


def meta_of_part(meta: Mapping[str, Any], kept: Mapping[int, slice], ndim: int) -> dict[str, Any]:
    """Return what is known of an image of ``ndim`` axes once parts of those after the third are left."""
    result = dict(meta)
    names = result.pop("axes", ())
    values = result.pop("axis_values", ())
    places = [(axis - 3, part) for axis, part in kept.items() if axis > 2]
    bands = result.pop("wavelengths", ())
    if len(names) != ndim - 3 or not places:
        return result
    result["axes"] = tuple(names[a] for a, _ in places)
    if len(values) == len(names):
        result["axis_values"] = tuple(tuple(values[a])[part] for a, part in places)
    if bands:
        result.update((("wavelengths", bands[part]) for a, part in places if names[a] == "band"))
    return result
