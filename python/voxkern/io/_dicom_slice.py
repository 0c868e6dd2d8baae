# SPDX-License-Identifier: Apache-2.0
"""One DICOM file or Dataset: the tags that matter, checked, and its stored pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from .._errors import FileFormatError, GeometryError, LoadError, MissingPackageError, NoImagesError

# Only these are parsed into values; private and identifying elements are stepped over.
_TAGS = [
    "SOPInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality", "SeriesDescription", "ImageType",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices",
    "SliceThickness", "RescaleSlope", "RescaleIntercept", "PixelData",
]  # fmt: skip


class NotAnImageError(Exception):
    """A candidate that is no DICOM image; ``reason`` is counted in messages."""

    def __init__(self, reason: str, detail: str = "", unreadable: bool = False) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.unreadable = unreadable

    def as_load_error(self, candidate: Any) -> LoadError:
        """Return the error for a file that was asked for by name."""
        name = candidate if isinstance(candidate, Path) else "the Dataset given"
        kind = FileFormatError if self.unreadable else NoImagesError
        return kind(f"{name}: {self}")


@dataclass
class Slice:
    """What a volume needs to know of one image."""

    name: str
    dataset: Any
    sop_uid: str
    series_uid: str
    modality: str
    description: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: tuple[float, float]
    spacing_between: float | None
    thickness: float | None
    slope: float
    intercept: float

    @property
    def kind(self) -> tuple[Any, ...]:
        """What all slices of one volume share."""
        orientation = tuple(float(v) for v in np.round(self.orientation, 4) + 0.0)
        spacing = tuple(round(v, 4) for v in self.spacing)
        return (
            self.rows, self.columns, self.frames, self.samples, self.photometric, self.bits_allocated,
            self.bits_stored, self.signed, orientation, spacing,
        )  # fmt: skip

    def stored_range(self) -> tuple[int, int]:
        """Return the least and greatest value the stored bits can hold."""
        if self.signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    def pixel_range(self) -> tuple[int, int]:
        """Return the least and greatest stored value there is."""
        stored = self.stored()
        return int(stored.min()), int(stored.max())

    def same_pixels(self, other: Slice) -> bool:
        """Tell whether both hold the same stored pixels."""
        return np.array_equal(self.stored(), other.stored())

    def stored(self) -> NDArray[Any]:
        """Return the stored pixels (rows, columns), without junk above the stored bits."""
        syntax = getattr(getattr(self.dataset, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and not syntax.is_transfer_syntax:
            raise FileFormatError(f"{self.name}: unknown transfer syntax {syntax}")
        if syntax is not None and syntax.is_encapsulated:
            return self._decoded()
        little = syntax is None or syntax.is_little_endian
        dtype = np.dtype(f"{'<' if little else '>'}{'i' if self.signed else 'u'}{self.bits_allocated // 8}")
        data = self.dataset.PixelData
        need = self.rows * self.columns * dtype.itemsize
        if len(data) < need:
            raise FileFormatError(
                f"{self.name}: {self.rows} x {self.columns} pixels need {need} bytes, there are {len(data)}"
            )
        pixels = np.frombuffer(data, dtype, self.rows * self.columns).reshape(self.rows, self.columns)
        if self.bits_stored == self.bits_allocated:
            return pixels
        # Old overlays live above HighBit, and signed values end below the top bit of their word.
        native: NDArray[Any] = pixels.astype(dtype.newbyteorder("="))
        native <<= self.bits_allocated - 1 - self.high_bit
        native >>= self.bits_allocated - self.bits_stored
        return native

    def _decoded(self) -> NDArray[Any]:
        try:
            pixels: NDArray[Any] = self.dataset.pixel_array
        except (RuntimeError, NotImplementedError, ImportError) as error:
            # pydicom's message names the decoder packages that could read this transfer syntax.
            raise MissingPackageError(f"{self.name}: {error}") from error
        except Exception as error:
            raise FileFormatError(f"{self.name}: the pixels do not decode: {error}") from error
        if pixels.shape != (self.rows, self.columns):
            raise FileFormatError(
                f"{self.name}: decoded {pixels.shape}, expected {self.rows} x {self.columns}"
            )
        return pixels


def read_slice(candidate: Any) -> Slice:
    """Read one candidate, a path or a pydicom Dataset."""
    if isinstance(candidate, Path):
        dataset = _read_file(candidate)
        name = candidate.name
    else:
        dataset = candidate
        name = "a Dataset"
    try:
        if "PixelData" not in dataset:
            raise NotAnImageError("without pixel data", "a DICOM file without pixel data")
        return _parse(dataset, name)
    except (NotAnImageError, LoadError):
        raise
    except (
        AttributeError,
        TypeError,
        ValueError,
        KeyError,
        RecursionError,
        OverflowError,
    ) as error:
        raise FileFormatError(f"{name}: unreadable tags: {error}") from error


def _read_file(path: Path) -> Any:
    try:
        return pydicom.dcmread(path, specific_tags=_TAGS)
    except pydicom.errors.InvalidDicomError as error:
        raise NotAnImageError("not DICOM", "not a DICOM file", unreadable=True) from error
    except FileNotFoundError as error:
        raise FileFormatError(f"{path}: no such file") from error
    except (
        OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError,
        RecursionError, MemoryError, OverflowError,
    ) as error:  # fmt: skip
        raise NotAnImageError("damaged", f"a damaged DICOM file: {error}", unreadable=True) from error


def _number(dataset: Any, tag: str) -> float | None:
    value = dataset.get(tag)
    return None if value is None or value == "" else float(value)


def _vector(dataset: Any, name: str, tag: str, length: int) -> NDArray[np.float64]:
    value = dataset.get(tag)
    if value is None or value == "" or not hasattr(value, "__len__") or len(value) != length:
        raise GeometryError(f"{name}: {tag} is missing or incomplete")
    vector = np.array([float(v) for v in value])
    if not np.all(np.isfinite(vector)):
        raise GeometryError(f"{name}: {tag} is not finite: {vector.tolist()}")
    return vector


def _parse(dataset: Any, name: str) -> Slice:
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    bits_allocated = int(dataset.BitsAllocated)
    bits_stored = int(dataset.get("BitsStored", bits_allocated))
    high_bit = int(dataset.get("HighBit", bits_stored - 1))
    if rows < 1 or columns < 1 or not 0 < bits_stored <= high_bit + 1 <= bits_allocated:
        raise FileFormatError(f"{name}: impossible size or bits: {rows} x {columns}, {bits_stored} bits")
    frames = int(dataset.get("NumberOfFrames") or 1)
    slope, intercept = 1.0, 0.0
    if "RescaleSlope" in dataset or "RescaleIntercept" in dataset:
        found = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
        if found[0] is None or not math.isfinite(found[0]) or found[0] == 0.0:
            raise FileFormatError(f"{name}: RescaleSlope is {found[0]}, it must be a number other than 0")
        slope, intercept = found[0], found[1] or 0.0
    if frames > 1:  # enhanced images keep their geometry elsewhere; they are refused by kind later
        position, orientation, spacing = np.zeros(3), np.zeros(6), np.ones(2)
    else:
        position = _vector(dataset, name, "ImagePositionPatient", 3)
        orientation = _vector(dataset, name, "ImageOrientationPatient", 6)
        spacing = _vector(dataset, name, "PixelSpacing", 2)
        if np.any(spacing <= 0):
            raise GeometryError(f"{name}: PixelSpacing is {spacing.tolist()}, it must be above zero")
    return Slice(
        name=name,
        dataset=dataset,
        sop_uid=str(dataset.get("SOPInstanceUID", "")),
        series_uid=str(dataset.get("SeriesInstanceUID", "")) or "unknown",
        modality=str(dataset.get("Modality", "")),
        description=str(dataset.get("SeriesDescription", "")),
        image_type=tuple(str(v) for v in (dataset.get("ImageType") or ())),
        rows=rows,
        columns=columns,
        frames=frames,
        samples=int(dataset.get("SamplesPerPixel", 1)),
        photometric=str(dataset.get("PhotometricInterpretation", "MONOCHROME2")),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=high_bit,
        signed=int(dataset.get("PixelRepresentation", 0)) == 1,
        position=position,
        orientation=orientation,
        spacing=(float(spacing[0]), float(spacing[1])),
        spacing_between=_number(dataset, "SpacingBetweenSlices"),
        thickness=_number(dataset, "SliceThickness"),
        slope=slope,
        intercept=intercept,
    )
