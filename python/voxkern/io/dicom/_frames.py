# SPDX-License-Identifier: Apache-2.0
"""One DICOM file as frames: each a plane with a place in the patient, a slope and an intercept.

Classic files hold one frame, enhanced and multi-frame files many, a Siemens mosaic or UIH grid many in
one picture. From here on they are all the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from ..._runtime.errors import FileFormatError, GeometryError, UnsupportedSeriesError, VoxkernError
from . import _vendor as vendor
from ._details import Details, Pet, Segmentation, details_of, kept_of, pet_of, segmentation_of, units_of
from ._file import DicomFile
from ._header import Header, PixelFormat, header_of
from ._source import NotAnImageError
from ._tags import find_group, number, text, vector, words

# What tells one kind of picture of a slice from another: parts of a complex signal, derived maps.
_COMPONENTS = {
    "M", "P", "R", "I", "M_FFE", "P_FFE", "R_FFE", "I_FFE", "M_SE", "P_SE", "M_IR", "P_IR", "PHASE",
    "PHASE MAP", "MAGNITUDE", "REAL", "IMAGINARY", "MIXED", "ADC", "FA", "TRACEW", "WATER", "FAT", "IN_PHASE",
    "OPP_PHASE", "W", "F", "IP", "OP", "B0 MAP", "FIELD_MAP", "T1 MAP", "T2 MAP", "MPR", "PROJECTION IMAGE",
}  # fmt: skip


FIELD_MAP = "field map"  # a word of `Frame.part`


class NoPlaceError(GeometryError):
    """An image without place in the patient and without pixel spacing: a page, most of the time."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One plane. Lengths are millimetres, places LPS as DICOM counts them."""

    file: DicomFile  # where its pixels lie
    header: Header
    rows: int
    columns: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]  # from row to row, from column to column
    slope: float = 1.0
    intercept: float = 0.0
    index: int = 0  # of the frame in its file
    tile: tuple[int, int] = (0, 0)  # its first row and column in a mosaic
    thickness: float | None = None
    spacing_between: float | None = None
    groups: tuple[Any, ...] = ()  # its functional groups, nearest first, for its details
    frame_type: tuple[str, ...] = ()  # words like those of ImageType
    flat: str = ""  # where the spacing of an image without place comes from
    number: float = 0.0  # InstanceNumber of an image without place
    upside_down: bool = False  # the rows are stored last first
    part: tuple[str, ...] = ()  # words for what it shows, where its kind does not tell

    @property
    def name(self) -> str:
        """For messages."""
        return self.file.name if self.format.frames == 1 else f"{self.file.name} frame {self.index + 1}"

    @property
    def format(self) -> PixelFormat:
        """How its stored pixels are written."""
        return self.header.pixels

    @property
    def components(self) -> tuple[str, ...]:
        """Which part of the signal it shows, or which map, in words of its ImageType."""
        return _components(self.header.image_type, self.frame_type)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What all frames of one volume share."""
        f, header = self.format, self.header
        return (
            self.rows, self.columns, f.samples, f.photometric, f.bits_allocated, f.bits_stored, f.signed,
            _rounded(self.orientation), _rounded(self.spacing),
            self.components, header.role, header.class_uid, header.series_number,
            header.instance_uid if header.segmentation else "",
        )  # fmt: skip

    @cached_property
    def details(self) -> Details:
        """What tells it from others at its position."""
        return details_of(self.file, self.groups, self.index)

    @cached_property
    def segments(self) -> Segmentation:
        """What its file says about the segments it shows."""
        return segmentation_of(self.file)

    @cached_property
    def pet(self) -> Pet:
        """What its file says about the way to uptake values."""
        return pet_of(self.file)

    @property
    def instance_number(self) -> float:
        """InstanceNumber, 0 where there is none."""
        return number(self.file.tags, "InstanceNumber") or 0.0

    @property
    def units(self) -> str:
        """What its values are measured in."""
        if FIELD_MAP in self.part:
            return "Hz"
        return units_of(self.file, self.header.modality, self.header.rescale_type)

    @property
    def philips_scale(self) -> float | None:
        """Philips' scale slope."""
        return vendor.philips_scale((*self.groups, self.file.whole))

    def kept(self, keywords: Iterable[str]) -> dict[str, str]:
        """Return the elements a caller asked for by name."""
        return kept_of(self.file, keywords)


@lru_cache(64)  # the same for nearly all frames, as the next
def _components(image_type: tuple[str, ...], frame_type: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(_COMPONENTS.intersection((*image_type, *frame_type))))


@lru_cache(64)
def _rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(v, 4) + 0.0 for v in values)


def frames_of(file: DicomFile, spacing: tuple[float, float, float] | None = None) -> list[Frame]:
    """Return the frames of a file. ``spacing`` stands in where the file may lack one and does."""
    try:
        return _frames_of(file, spacing)
    except (VoxkernError, NotAnImageError):
        raise
    except Exception as error:  # pydicom converts when a value is looked at, and quotes it in its message
        raise FileFormatError(f"{file.name}: unreadable tags ({type(error).__name__})") from None


def _frames_of(file: DicomFile, spacing: tuple[float, float, float] | None) -> list[Frame]:
    header = header_of(file)
    if header.mosaic:
        return _tiles(file, header)
    if header.dose:
        return _frames_at_offsets(file, header)
    if header.pixels.frames > 1 or header.enhanced:
        if "PerFrameFunctionalGroupsSequence" in file.whole:
            return _enhanced_frames(file, header)
        if header.pixels.frames > 1 and not header.flat:
            return _frames_at_offsets(file, header)
    if header.flat:
        return _flat_frames(file, header, spacing)
    return [_plane(file, header)]


def _rescale(file: DicomFile, dataset: Any) -> tuple[float, float]:
    if "RescaleSlope" not in dataset and "RescaleIntercept" not in dataset:
        return 1.0, 0.0
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        value = dataset.get(keyword)
        if hasattr(value, "__len__") and not isinstance(value, str) and len(value) > 1:
            raise FileFormatError(f"{file.name}: {keyword} has {len(value)} values, it must have one")
    slope = number(dataset, "RescaleSlope")
    if not slope:
        raise FileFormatError(f"{file.name}: RescaleSlope is {slope}, it must be a number other than 0")
    return slope, number(dataset, "RescaleIntercept") or 0.0


def _needed(name: str, dataset: Any, keyword: str, length: int) -> tuple[float, ...]:
    value = vector(dataset, keyword, length)
    if value is None:
        raise GeometryError(f"{name}: {keyword} is missing, incomplete or not finite")
    return value


def _pixel_spacing(name: str, dataset: Any) -> tuple[float, ...]:
    spacing = _needed(name, dataset, "PixelSpacing", 2)
    if min(spacing) <= 0:
        raise GeometryError(f"{name}: PixelSpacing is {list(spacing)}, it must be above zero")
    return spacing


def _plane(file: DicomFile, header: Header) -> Frame:
    """Return the one frame of a classic file."""
    tags = file.tags
    return _placed(file, header, file.name, tags, tags, tags, tags)


def _placed(
    file: DicomFile,
    header: Header,
    name: str,
    place: Any,
    oriented: Any,
    measures: Any,
    scaled: Any,
    **rest: Any,
) -> Frame:
    """Return a frame; position, orientation, lengths and slope are read from where each of them stands."""
    slope, intercept = _rescale(file, scaled)
    frame = Frame(
        file, header, header.pixels.rows, header.pixels.columns,
        _needed(name, place, "ImagePositionPatient", 3),
        _needed(name, oriented, "ImageOrientationPatient", 6),
        _pixel_spacing(name, measures),
        slope, intercept,
        thickness=number(measures, "SliceThickness"),
        spacing_between=number(measures, "SpacingBetweenSlices"),
        **rest,
    )  # fmt: skip
    check_orientation(frame)
    return frame


def check_orientation(frame: Frame) -> tuple[float, float, float]:
    """Return the normal of the plane; an error where row and column are not perpendicular unit vectors."""
    normal = _normal(frame.orientation)
    if normal is None:
        raise GeometryError(
            f"{frame.name}: ImageOrientationPatient {list(frame.orientation)} is not two perpendicular "
            "unit vectors"
        )
    return normal


@lru_cache(64)  # the same for nearly all frames
def _normal(orientation: tuple[float, ...]) -> tuple[float, float, float] | None:
    a, b = orientation[:3], orientation[3:]
    lengths = math.hypot(*a), math.hypot(*b)
    product = sum(x * y for x, y in zip(a, b, strict=True))
    if not all(abs(length - 1.0) < 1e-2 for length in lengths) or abs(product) > 1e-2:
        return None
    normal = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    length = math.hypot(*normal)
    return normal[0] / length, normal[1] / length, normal[2] / length


def _flat_frames(file: DicomFile, header: Header, given: tuple[float, float, float] | None) -> list[Frame]:
    """Return frames of a radiograph, ultrasound or photograph: at the origin, one after another in time."""
    tags = file.tags
    for source in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = vector(tags, source, 2)
        if spacing is not None and min(spacing) > 0:
            break
    else:
        if given is None:
            raise NoPlaceError(
                f"{file.name}: an image without place in the patient and without pixel spacing; give spacing="
            )
        spacing, source = given[1:], "given"
    slope, intercept = _rescale(file, tags)
    first = number(tags, "InstanceNumber") or 0.0
    return [
        Frame(
            file, header, header.pixels.rows, header.pixels.columns,
            (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), spacing,
            slope, intercept, index=k, flat=source, number=first,
        )
        for k in range(header.pixels.frames)
    ]  # fmt: skip


def _frames_at_offsets(file: DicomFile, header: Header) -> list[Frame]:
    """Return frames of a multi-frame image without functional groups, such as a dose grid."""
    whole, count = file.whole, header.pixels.frames
    first = _plane(file, header)
    offsets = vector(whole, "GridFrameOffsetVector", count)
    if offsets is None and count == 1:
        offsets = (0.0,)
    step = number(whole, "SpacingBetweenSlices")
    if offsets is None and step:
        offsets = tuple(k * step for k in range(count))
    if offsets is None:
        raise GeometryError(
            f"{file.name}: {count} frames with one position and neither functional groups, "
            "GridFrameOffsetVector nor SpacingBetweenSlices"
        )
    normal, slope = check_orientation(first), first.slope
    if header.dose:
        slope = number(whole, "DoseGridScaling") or 0.0
        if slope <= 0:
            raise FileFormatError(f"{file.name}: DoseGridScaling is missing or not above zero")
    if abs(offsets[0]) > 1e-3:  # they may count from the origin of the patient, in axial grids alone
        if abs(abs(normal[2]) - 1) > 1e-3 or abs(offsets[0] - first.position[2]) > 1e-2:
            raise GeometryError(
                f"{file.name}: GridFrameOffsetVector starts at {offsets[0]} mm, not at the grid"
            )
        offsets = tuple((offset - offsets[0]) * round(normal[2]) for offset in offsets)
    return [
        replace(
            first,
            position=tuple(p + offset * n for p, n in zip(first.position, normal, strict=True)),
            slope=slope,
            index=k,
        )
        for k, offset in enumerate(offsets)
    ]


def _enhanced_frames(file: DicomFile, header: Header) -> list[Frame]:
    """Return frames placed by functional groups; per-frame ones go before shared ones."""
    whole = file.whole
    per_frame = whole.PerFrameFunctionalGroupsSequence
    count = header.pixels.frames
    if len(per_frame) != count:
        raise FileFormatError(f"{file.name}: {len(per_frame)} functional groups for {count} frames")
    shared = whole.get("SharedFunctionalGroupsSequence") or ()
    common = tuple(shared[:1])
    frames = []
    for index, group in enumerate(per_frame):
        groups = (group, *common)
        name = f"{file.name} frame {index + 1}"
        # Hyperfine gives orientation and spacing once, outside the groups; a position never stands there.
        frame = _placed(
            file, header, name,
            place=find_group(groups, "PlanePositionSequence"),
            oriented=find_group(groups, "PlaneOrientationSequence") or whole,
            measures=find_group(groups, "PixelMeasuresSequence") or whole,
            scaled=find_group(groups, "PixelValueTransformationSequence"),
            index=index, groups=groups, frame_type=_frame_type(groups),
        )  # fmt: skip
        frames.append(frame)
    return frames


def _frame_type(groups: tuple[Any, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for group in groups:
        for sequence in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence"):
            for item in group.get(sequence) or ():
                found += [*words(item, "FrameType"), text(item, "ComplexImageComponent")]
    return tuple(found)


def _tiles(file: DicomFile, header: Header) -> list[Frame]:
    """Return the tiles of a mosaic, row by row, each at its own place."""
    mosaic, pixels = vendor.mosaic(file, header), header.pixels
    down, across = mosaic.grid
    if pixels.rows % down or pixels.columns % across or pixels.frames != 1:
        raise UnsupportedSeriesError(
            f"{file.name}: {down} x {across} tiles do not divide {pixels.rows} x {pixels.columns} pixels"
        )
    rows, columns = pixels.rows // down, pixels.columns // across
    dataset = file.whole
    slope, intercept = _rescale(file, dataset)
    spacing = _pixel_spacing(file.name, dataset)
    frames = []
    for k in range(mosaic.count):
        position, orientation = mosaic.place(k, (pixels.rows - rows, pixels.columns - columns), spacing)
        frame = Frame(
            file, header, rows, columns, position, orientation, spacing, slope, intercept,
            tile=(k // across * rows, k % across * columns), thickness=number(dataset, "SliceThickness"),
            spacing_between=number(dataset, "SpacingBetweenSlices"),
        )  # fmt: skip
        check_orientation(frame)
        frames.append(frame)
    return frames
