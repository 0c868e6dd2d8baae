# SPDX-License-Identifier: Apache-2.0
"""One DICOM file as frames: each a plane with a place in the patient, a slope and an intercept.

Classic files hold one frame, enhanced and multi-frame files many, a Siemens mosaic or UIH grid many in
one picture. From here on they are all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..._runtime.errors import FileFormatError, GeometryError, UnsupportedSeriesError, VoxkernError
from . import _vendor as vendor
from ._file import DicomFile, NotAnImageError, number, text, vector, whole_number, words

# Storage classes whose images have no place in the patient, only on a detector or a screen.
_FLAT_CLASSES = tuple(
    "1.2.840.10008.5.1.4.1.1." + tail
    for tail in (
        "1",
        "1.",
        "3",
        "3.1",
        "5",
        "6",
        "6.",
        "7",
        "7.",
        "9.",
        "12.1",
        "12.2",
        "12.1.1",
        "20",
        "77.",
    )
)
_LOCALIZER_WORDS = {"LOCALIZER", "SCOUT", "PROJECTION IMAGE", "REF_SURVIEW"}
_PAGE_WORDS = {"PATIENT_INFO", "DOSE_INFO", "SCREEN SAVE", "SNAPSHOT"}
# What tells one kind of picture of a slice from another: parts of a complex signal, derived maps.
_COMPONENTS = {
    "M", "P", "R", "I", "M_FFE", "P_FFE", "R_FFE", "I_FFE", "M_SE", "P_SE", "M_IR", "P_IR", "PHASE",
    "PHASE MAP", "MAGNITUDE", "REAL", "IMAGINARY", "MIXED", "ADC", "FA", "TRACEW", "WATER", "FAT", "IN_PHASE",
    "OPP_PHASE", "W", "F", "IP", "OP", "B0 MAP", "FIELD_MAP", "T1 MAP", "T2 MAP", "MPR", "PROJECTION IMAGE",
}  # fmt: skip


@dataclass(frozen=True)
class PixelFormat:
    """How the stored pixels of a file are written."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @property
    def stored_range(self) -> tuple[int, int]:
        """The least and greatest value the stored bits can hold."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame."""
        if self.photometric == "YBR_FULL_422":
            return self.rows * self.columns * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples * self.bits_allocated


@dataclass(slots=True)
class Frame:
    """One plane. Lengths are millimetres, places LPS as DICOM counts them."""

    file: DicomFile
    format: PixelFormat
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
    groups: tuple[Any, ...] = ()  # where facts about it are looked for, nearest first
    flat: str = ""  # where the spacing of an image without place comes from

    @property
    def name(self) -> str:
        """For messages."""
        return self.file.name if self.format.frames == 1 else f"{self.file.name} frame {self.index + 1}"

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return text(self.file.dataset, "SeriesInstanceUID") or "unknown"

    @property
    def components(self) -> frozenset[str]:
        """Which kind of picture this is: magnitude, phase, a map."""
        found = set(words(self.file.dataset, "ImageType"))
        for group in self.groups[:-1]:
            for sequence in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence"):
                for item in group.get(sequence) or ():
                    found |= set(words(item, "FrameType")) | {text(item, "ComplexImageComponent")}
        return frozenset(found & _COMPONENTS)

    @property
    def role(self) -> str:
        """``image``, or what is no part of a scan: ``localizer`` or ``page``."""
        kind = set(words(self.file.dataset, "ImageType"))
        if kind & _LOCALIZER_WORDS:
            return "localizer"
        return "page" if kind & _PAGE_WORDS else "image"

    @property
    def kind(self) -> tuple[Any, ...]:
        """What all frames of one volume share."""
        f = self.format
        return (
            self.rows, self.columns, f.samples, f.photometric, f.bits_allocated, f.bits_stored, f.signed,
            tuple(round(v, 4) + 0.0 for v in self.orientation), tuple(round(v, 4) for v in self.spacing),
            tuple(sorted(self.components)), self.role, text(self.file.dataset, "SOPClassUID"),
            text(self.file.dataset, "SeriesNumber"),
        )  # fmt: skip


def frames_of(file: DicomFile, spacing: tuple[float, float, float] | None = None) -> list[Frame]:
    """Return the frames of a file. ``spacing`` stands in where the file may lack one and does."""
    try:
        return _frames_of(file, spacing)
    except (VoxkernError, NotAnImageError):
        raise
    except Exception as error:  # pydicom converts when a value is looked at, and quotes it in its message
        raise FileFormatError(f"{file.name}: unreadable tags ({type(error).__name__})") from None


def _frames_of(file: DicomFile, spacing: tuple[float, float, float] | None) -> list[Frame]:
    if "Rows" not in file.dataset or "BitsAllocated" not in file.dataset:
        raise NotAnImageError("without pixel data", "a DICOM file without pixel data")
    pixels = _format(file)
    if vendor.is_mosaic(file.dataset):
        return _tiles(file, pixels)
    if pixels.frames > 1 or _enhanced(file):
        if "PerFrameFunctionalGroupsSequence" in file.whole:
            return _enhanced_frames(file, pixels)
        if pixels.frames > 1 and not _is_flat(file):
            return _frames_at_offsets(file, pixels)
    if _is_flat(file):
        return _flat_frames(file, pixels, spacing)
    return [_plane(file, pixels)]


def _format(file: DicomFile) -> PixelFormat:
    dataset = file.dataset
    allocated = whole_number(dataset, "BitsAllocated", 0)
    stored = whole_number(dataset, "BitsStored", allocated) or allocated
    result = PixelFormat(
        rows=whole_number(dataset, "Rows", 0),
        columns=whole_number(dataset, "Columns", 0),
        frames=whole_number(dataset, "NumberOfFrames", 1) or 1,
        samples=whole_number(dataset, "SamplesPerPixel", 1),
        photometric=text(dataset, "PhotometricInterpretation") or "MONOCHROME2",
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=whole_number(dataset, "HighBit", stored - 1),
        signed=whole_number(dataset, "PixelRepresentation", 0) == 1,
    )
    impossible = min(result.rows, result.columns, result.frames, result.samples) < 1 or result.samples > 4
    if impossible or not 0 < result.bits_stored <= result.high_bit + 1 <= result.bits_allocated:
        raise FileFormatError(
            f"{file.name}: impossible size or bits: {result.rows} x {result.columns}, "
            f"{result.frames} frames, {result.samples} samples, {result.bits_stored} bits"
        )
    if allocated not in (1, 8, 16, 32, 64):
        raise UnsupportedSeriesError(f"{file.name}: got {allocated} bits per pixel, allowed 1, 8, 16, 32, 64")
    total = result.frame_bits * result.frames
    if total // 8 > file.max_bytes:
        raise FileFormatError(
            f"{file.name}: {total // 8} bytes of pixels are more than max_bytes = {file.max_bytes}"
        )
    return result


def _enhanced(file: DicomFile) -> bool:
    return text(file.dataset, "SOPClassUID") in vendor.ENHANCED_CLASSES


def _is_flat(file: DicomFile) -> bool:
    uid = text(file.dataset, "SOPClassUID")
    flat = any(uid == c or (c.endswith(".") and uid.startswith(c)) for c in _FLAT_CLASSES)
    return (
        flat and "ImagePositionPatient" not in file.dataset and "ImageOrientationPatient" not in file.dataset
    )


def _rescale(file: DicomFile, dataset: Any) -> tuple[float, float]:
    if "RescaleSlope" not in dataset and "RescaleIntercept" not in dataset:
        return 1.0, 0.0
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


def _plane(file: DicomFile, pixels: PixelFormat) -> Frame:
    """Return the one frame of a classic file."""
    dataset = file.dataset
    slope, intercept = _rescale(file, dataset)
    frame = Frame(
        file, pixels, pixels.rows, pixels.columns,
        _needed(file.name, dataset, "ImagePositionPatient", 3),
        _needed(file.name, dataset, "ImageOrientationPatient", 6),
        _pixel_spacing(file.name, dataset),
        slope, intercept,
        thickness=number(dataset, "SliceThickness"),
        spacing_between=number(dataset, "SpacingBetweenSlices"),
        groups=(dataset,),
    )  # fmt: skip
    check_orientation(frame)
    return frame


def check_orientation(frame: Frame) -> tuple[float, float, float]:
    """Return the normal of the plane; an error where row and column are not perpendicular unit vectors."""
    a, b = frame.orientation[:3], frame.orientation[3:]
    lengths = math.hypot(*a), math.hypot(*b)
    product = sum(x * y for x, y in zip(a, b, strict=True))
    if not all(abs(length - 1.0) < 1e-2 for length in lengths) or abs(product) > 1e-2:
        raise GeometryError(
            f"{frame.name}: ImageOrientationPatient {list(frame.orientation)} is not two perpendicular "
            "unit vectors"
        )
    normal = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    length = math.hypot(*normal)
    return normal[0] / length, normal[1] / length, normal[2] / length


def _flat_frames(
    file: DicomFile, pixels: PixelFormat, given: tuple[float, float, float] | None
) -> list[Frame]:
    """Return frames of a radiograph, ultrasound or photograph: at the origin, one after another in time."""
    dataset = file.dataset
    for source in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = vector(dataset, source, 2)
        if spacing is not None and min(spacing) > 0:
            break
    else:
        if given is None:
            raise GeometryError(
                f"{file.name}: an image without place in the patient and without pixel spacing; give spacing="
            )
        spacing, source = given[1:], "given"
    slope, intercept = _rescale(file, dataset)
    return [
        Frame(
            file, pixels, pixels.rows, pixels.columns, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            spacing, slope, intercept, index=k, groups=(dataset,), flat=source,
        )
        for k in range(pixels.frames)
    ]  # fmt: skip


def _frames_at_offsets(file: DicomFile, pixels: PixelFormat) -> list[Frame]:
    """Return frames of a multi-frame image without functional groups, such as a dose grid."""
    whole = file.whole
    first = _plane(file, pixels)
    offsets = vector(whole, "GridFrameOffsetVector", pixels.frames)
    step = number(whole, "SpacingBetweenSlices")
    if offsets is None and step:
        offsets = tuple(k * step for k in range(pixels.frames))
    if offsets is None:
        raise GeometryError(
            f"{file.name}: {pixels.frames} frames with one position and neither functional groups, "
            "GridFrameOffsetVector nor SpacingBetweenSlices"
        )
    normal = check_orientation(first)
    slope = number(whole, "DoseGridScaling") or first.slope
    return [
        Frame(
            file, pixels, pixels.rows, pixels.columns,
            tuple(p + offset * n for p, n in zip(first.position, normal, strict=True)),
            first.orientation, first.spacing, slope, first.intercept, index=k,
            thickness=first.thickness, spacing_between=first.spacing_between, groups=(whole,),
        )
        for k, offset in enumerate(offsets)
    ]  # fmt: skip


def _enhanced_frames(file: DicomFile, pixels: PixelFormat) -> list[Frame]:
    """Return frames placed by functional groups; per-frame ones go before shared ones."""
    whole = file.whole
    per_frame = whole.PerFrameFunctionalGroupsSequence
    if len(per_frame) != pixels.frames:
        raise FileFormatError(f"{file.name}: {len(per_frame)} functional groups for {pixels.frames} frames")
    shared = whole.get("SharedFunctionalGroupsSequence") or ()
    common = tuple(shared[:1])
    frames = []
    for index, group in enumerate(per_frame):
        groups = (group, *common)
        name = f"{file.name} frame {index + 1}"
        # Hyperfine gives orientation and spacing once, outside the groups; a position never stands there.
        measures = find_group(groups, "PixelMeasuresSequence") or whole
        oriented = find_group(groups, "PlaneOrientationSequence") or whole
        slope, intercept = _rescale(file, find_group(groups, "PixelValueTransformationSequence"))
        frame = Frame(
            file, pixels, pixels.rows, pixels.columns,
            _needed(name, find_group(groups, "PlanePositionSequence"), "ImagePositionPatient", 3),
            _needed(name, oriented, "ImageOrientationPatient", 6),
            _pixel_spacing(name, measures),
            slope, intercept, index=index,
            thickness=number(measures, "SliceThickness"),
            spacing_between=number(measures, "SpacingBetweenSlices"),
            groups=(*groups, whole),
        )  # fmt: skip
        check_orientation(frame)
        frames.append(frame)
    return frames


def find_group(groups: tuple[Any, ...], keyword: str) -> Any:
    """Return the first item of a sequence in the nearest group that has it, else an empty dict."""
    for group in groups:
        sequence = group.get(keyword)
        if sequence:
            return sequence[0]
    return {}


def _tiles(file: DicomFile, pixels: PixelFormat) -> list[Frame]:
    """Return the tiles of a mosaic, row by row, each at its own place."""
    mosaic = vendor.mosaic(file)
    grid = math.ceil(math.sqrt(mosaic.count))
    if pixels.rows % grid or pixels.columns % grid or pixels.frames != 1:
        raise UnsupportedSeriesError(
            f"{file.name}: {mosaic.count} tiles do not divide {pixels.rows} x {pixels.columns} pixels"
        )
    rows, columns = pixels.rows // grid, pixels.columns // grid
    dataset = file.whole
    slope, intercept = _rescale(file, dataset)
    spacing = _pixel_spacing(file.name, dataset)
    frames = []
    for k in range(mosaic.count):
        position, orientation = mosaic.place(k, (pixels.rows - rows, pixels.columns - columns), spacing)
        frame = Frame(
            file, pixels, rows, columns, position, orientation, spacing, slope, intercept,
            tile=(k // grid * rows, k % grid * columns), thickness=number(dataset, "SliceThickness"),
            spacing_between=number(dataset, "SpacingBetweenSlices"), groups=(dataset,),
        )  # fmt: skip
        check_orientation(frame)
        frames.append(frame)
    return frames
