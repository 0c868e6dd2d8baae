# SPDX-License-Identifier: Apache-2.0
"""What vendors say in private elements, found by creator: archives renumber the blocks."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

from ..._runtime.errors import UnsupportedSeriesError
from ..._runtime.optional import import_or_explain
from ._file import DicomFile
from ._header import Header
from ._tags import number, private, private_number, vector

# --- several slices in one picture ------------------------------------------------------------------


@dataclass(frozen=True)
class Mosaic:
    """Tiles of one picture and the places of the slices they show."""

    count: int
    grid: tuple[int, int]  # rows and columns of tiles
    corner: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()
    step: tuple[float, ...] = ()
    listed: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()  # UIH: position, orientation

    def place(
        self, k: int, unused: tuple[int, int], spacing: tuple[float, ...]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return position and orientation of slice ``k``.

        Siemens' position is that of a slice as large as the whole mosaic, about the same centre:
        ``unused`` are the rows and columns that a tile lacks.
        """
        if self.listed:
            return self.listed[k]
        row, column = self.orientation[:3], self.orientation[3:]
        down, right = unused[0] * spacing[0] / 2, unused[1] * spacing[1] / 2
        position = tuple(
            self.corner[a] + right * row[a] + down * column[a] + k * self.step[a] for a in range(3)
        )
        return position, self.orientation


def mosaic(file: DicomFile, header: Header) -> Mosaic:
    """Return the layout of a Siemens mosaic or a UIH grid; an error where its private part was removed."""
    dataset = file.whole
    if "VFRAME" in header.image_type:
        return _uih_grid(file)
    csa = _siemens_csa(dataset)
    count = _csa_number(csa, "NumberOfImagesInMosaic")
    count = count or private_number(dataset, 0x0019, "SIEMENS MR HEADER", 0x0A)
    normal = csa.get("tags", {}).get("SliceNormalVector", {}).get("items") or ()
    between = number(dataset, "SpacingBetweenSlices") or number(dataset, "SliceThickness")
    corner, orientation = (
        vector(dataset, "ImagePositionPatient", 3),
        vector(dataset, "ImageOrientationPatient", 6),
    )
    if not count or len(normal) != 3 or between is None or corner is None or orientation is None:
        raise UnsupportedSeriesError(
            f"{file.name}: a Siemens mosaic without the private header that says where its slices lie "
            "(removed by anonymisation?)"
        )
    side = math.ceil(math.sqrt(int(count)))
    step = tuple(float(n) * between for n in normal)
    return Mosaic(int(count), (side, side), corner, orientation, step)


def _siemens_csa(dataset: Any) -> dict[str, Any]:
    import_or_explain("nibabel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel.nicom calls itself experimental
        from nibabel.nicom import csareader
    try:
        read: Any = csareader.get_csa_header
        return read(dataset, "image") or {}
    except (csareader.CSAReadError, ValueError, KeyError, IndexError):
        return {}


def _csa_number(csa: dict[str, Any], tag: str) -> float | None:
    items = csa.get("tags", {}).get(tag, {}).get("items") or ()
    return float(items[0]) if items else None


def _uih_grid(file: DicomFile) -> Mosaic:
    items = private(file.whole, 0x0065, "Image Private Header", 0x51)
    count = private_number(file.whole, 0x0065, "Image Private Header", 0x50)
    places = []
    for item in items or ():
        position = vector(item, "ImagePositionPatient", 3)
        orientation = vector(item, "ImageOrientationPatient", 6) or vector(
            file.whole, "ImageOrientationPatient", 6
        )
        if position is not None and orientation is not None:
            places.append((position, orientation))
    if not places or (count and int(count) != len(places)):
        raise UnsupportedSeriesError(f"{file.name}: a UIH grid without the private list of its slices")
    columns = math.ceil(math.sqrt(len(places)))
    return Mosaic(len(places), (math.ceil(len(places) / columns), columns), listed=tuple(places))


# --- diffusion --------------------------------------------------------------------------------------


def b_value(dataset: Any) -> tuple[float, tuple[float, ...]] | None:
    """Return b-value (s/mm2) and gradient direction of a classic image; None where it has none."""
    b = number(dataset, "DiffusionBValue")
    gradient = vector(dataset, "DiffusionGradientOrientation", 3)
    if b is None:
        b = private_number(dataset, 0x0019, "SIEMENS MR HEADER", 0x0C)
        direction = private(dataset, 0x0019, "SIEMENS MR HEADER", 0x0E)
        if direction is not None and hasattr(direction, "__len__") and len(direction) == 3:
            gradient = tuple(float(v) for v in direction)
    if b is None:
        b = private_number(dataset, 0x0043, "GEMS_PARM_01", 0x39)
        b = None if b is None else b % 1e9  # GE adds 1e9 to some
        parts = [private_number(dataset, 0x0019, "GEMS_ACQU_01", e) for e in (0xBB, 0xBC, 0xBD)]
        if b is not None and all(p is not None for p in parts):
            gradient = tuple(p or 0.0 for p in parts)
    if b is None:
        b = private_number(dataset, 0x0065, "Image Private Header", 0x09)
    if b is None:
        b = private_number(dataset, 0x2001, "Philips Imaging DD 001", 0x03)
        number_of_gradient = private_number(dataset, 0x2005, "Philips MR Imaging DD 005", 0x13)
        gradient = gradient or (() if number_of_gradient is None else (number_of_gradient,))
    return None if b is None else (b, gradient or ())


# --- Philips ----------------------------------------------------------------------------------------

_PHILIPS = "Philips MR Imaging DD 001"


def philips_phase(dataset: Any) -> float | None:
    """Return Philips' number of a cardiac or ASL phase."""
    return private_number(dataset, 0x2001, "Philips Imaging DD 001", 0x08)


def philips_scale(groups: tuple[Any, ...]) -> float | None:
    """Return Philips' scale slope SS: precise values are displayed ones / (RescaleSlope * SS)."""
    for group in groups:
        for holder in (group, *(private(group, 0x2005, "Philips MR Imaging DD 005", 0x0F) or ())):
            slope = private_number(holder, 0x2005, _PHILIPS, 0x0E)
            if slope:
                return slope
    return None


# --- GE ---------------------------------------------------------------------------------------------

_GE_SEQUENCE = "GEMS_ACQU_01"
_GE_COMPONENTS = {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}


def ge_component(file: DicomFile) -> str:
    """Return which part of the signal a picture shows by GE's private image type, empty for the magnitude."""
    return _GE_COMPONENTS.get(int(private_number(file.whole, 0x0043, "GEMS_PARM_01", 0x2F) or 0), "")


def _ge_sequence(file: DicomFile, element: int) -> str:
    name = private(file.whole, 0x0019, _GE_SEQUENCE, element)
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def ge_field_maps(file: DicomFile) -> int:
    """Return how many pictures of GE's B0 mapping come first and are field maps in Hz, 0 for other sequences.

    As many magnitudes follow them. Nothing but the number of a picture says which of them it is.
    """
    if "B0map" not in _ge_sequence(file, 0x9E) and "3db0map" not in _ge_sequence(file, 0x9C):
        return 0
    locations = int(private_number(file.whole, 0x0021, "GEMS_RELA_01", 0x4F) or 0)
    return locations if number(file.whole, "ImagesInAcquisition") == 2 * locations else 0


def ge_polarity(file: DicomFile) -> int | None:
    """Return the scheme of GE's ``epi_pepolar``, None for every other sequence.

    0: forward. 1: reversed. 2: odd volumes are reversed. 3: even ones are.
    """
    if "epi_pepolar" not in _ge_sequence(file, 0x9C):
        return None
    return int(private_number(file.whole, 0x0019, _GE_SEQUENCE, 0xB3) or 0)


def ge_reversed(file: DicomFile, scheme: int) -> bool:
    """Tell whether a picture was taken with reversed polarity: GE stores its rows upside down."""
    if scheme not in (2, 3):
        return scheme == 1
    volume = number(file.tags, "TemporalPositionIdentifier")
    if volume is None:
        raise UnsupportedSeriesError(
            f"{file.name}: polarity alternates, and no TemporalPositionIdentifier says which volume this is"
        )
    return int(volume) % 2 == (1 if scheme == 2 else 0)
