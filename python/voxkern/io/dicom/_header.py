# SPDX-License-Identifier: Apache-2.0
"""What the header of one file says about all of its frames: a record, read once."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import UID

from ..._runtime.errors import FileFormatError, UnsupportedSeriesError
from ._file import DicomFile
from ._source import NotAnImageError
from ._tags import number, text, whole_number, words

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_ENHANCED_CLASSES = {
    _STORAGE + tail
    for tail in ("2.1", "2.2", "4.1", "4.2", "4.3", "4.4", "128.1", "130", "66.4", "66.7", "30", "6.3")
}
_SEGMENTATIONS = {_STORAGE + "66.4", _STORAGE + "66.7"}
_DOSE = _STORAGE + "481.2"
# Storage classes whose images have no place in the patient, only on a detector or a screen.
_FLAT_CLASSES = {_STORAGE + tail for tail in ("1", "3", "3.1", "5", "6", "7", "12.1", "12.2", "12.1.1", "20")}
_FLAT_FAMILIES = tuple(_STORAGE + tail for tail in ("1.", "6.", "7.", "9.", "77."))
_LOCALIZER_WORDS = {"LOCALIZER", "SCOUT", "PROJECTION IMAGE", "REF_SURVIEW"}
_PAGE_WORDS = {"PATIENT_INFO", "DOSE_INFO", "SCREEN SAVE", "SNAPSHOT"}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of one file. A string is empty and a number None where the file does not tell."""

    pixels: PixelFormat
    class_uid: str  # SOPClassUID
    instance_uid: str
    series_uid: str
    series_number: str
    modality: str
    description: str
    manufacturer: str
    image_type: tuple[str, ...]
    acquired: tuple[str, str]  # date and time
    rescale_type: str
    padding: tuple[float | None, float | None]  # PixelPaddingValue and its range limit
    lookup_table: bool  # values come from a modality lookup table
    placed: bool  # has a position or an orientation

    @property
    def enhanced(self) -> bool:
        """Whether functional groups may place the frames."""
        return self.class_uid in _ENHANCED_CLASSES

    @property
    def segmentation(self) -> bool:
        """Whether the frames show segments."""
        return self.class_uid in _SEGMENTATIONS

    @property
    def dose(self) -> bool:
        """Whether this is a dose grid."""
        return self.class_uid == _DOSE

    @property
    def flat(self) -> bool:
        """Whether the image lies on a detector or a screen, nowhere in the patient."""
        flat = self.class_uid in _FLAT_CLASSES or self.class_uid.startswith(_FLAT_FAMILIES)
        return flat and not self.placed

    @property
    def mosaic(self) -> bool:
        """Whether one picture may hold several slices."""
        # The word remains in enhanced Siemens XA files whose slices are frames of their own.
        return not self.enhanced and ("MOSAIC" in self.image_type or "VFRAME" in self.image_type)

    @property
    def role(self) -> str:
        """``image``, or what is no part of a scan: ``localizer`` or ``page``."""
        if not _LOCALIZER_WORDS.isdisjoint(self.image_type):
            return "localizer"
        return "image" if _PAGE_WORDS.isdisjoint(self.image_type) else "page"


def header_of(file: DicomFile) -> Header:
    """Read the record of a file; an error where it is no image, or an impossible one."""
    tags = file.tags
    if "Rows" not in tags or "BitsAllocated" not in tags:
        # A structure set, a report, a presentation state: they say what they are. What a damaged file says
        # may be anybody's name.
        uid = UID(text(tags, "SOPClassUID"))
        name = "unknown" if uid.name == uid else uid.name
        raise NotAnImageError("without pixel data", f"a DICOM file without pixel data ({name})")
    return Header(
        pixels=_pixel_format(file),
        class_uid=text(tags, "SOPClassUID"),
        instance_uid=text(tags, "SOPInstanceUID"),
        series_uid=text(tags, "SeriesInstanceUID"),
        series_number=text(tags, "SeriesNumber"),
        modality=text(tags, "Modality"),
        description=text(tags, "SeriesDescription"),
        manufacturer=text(tags, "Manufacturer"),
        image_type=words(tags, "ImageType"),
        acquired=(text(tags, "AcquisitionDate"), text(tags, "AcquisitionTime")),
        rescale_type=text(tags, "RescaleType"),
        padding=(number(tags, "PixelPaddingValue"), number(tags, "PixelPaddingRangeLimit")),
        lookup_table="ModalityLUTSequence" in tags,
        placed="ImagePositionPatient" in tags or "ImageOrientationPatient" in tags,
    )


def _pixel_format(file: DicomFile) -> PixelFormat:
    tags = file.tags
    allocated = whole_number(tags, "BitsAllocated", 0)
    stored = whole_number(tags, "BitsStored", allocated) or allocated
    result = PixelFormat(
        rows=whole_number(tags, "Rows", 0),
        columns=whole_number(tags, "Columns", 0),
        frames=whole_number(tags, "NumberOfFrames", 1) or 1,
        samples=whole_number(tags, "SamplesPerPixel", 1),
        photometric=text(tags, "PhotometricInterpretation") or "MONOCHROME2",
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=whole_number(tags, "HighBit", stored - 1),
        signed=whole_number(tags, "PixelRepresentation", 0) == 1,
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
