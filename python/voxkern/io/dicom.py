# SPDX-License-Identifier: Apache-2.0
"""Classic single-frame DICOM series through pydicom.

Files become slices (`_dicom_slice`), slices become groups that are one volume each, a group becomes
geometry and voxels. Geometry comes from position and orientation alone; what does not add up is an
error that says what and where.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import (
    ArgumentError,
    GeometryError,
    IrregularSpacingError,
    NoImagesError,
    SeveralSeriesError,
    UnsupportedSeriesError,
)
from .._geometry import LPS_TO_RAS, is_sheared
from .._volume import Volume
from ._dicom_slice import NotAnImageError, Slice, read_slice


@dataclass(frozen=True)
class SeriesInfo:
    """One volume among DICOM files; nothing in it identifies the patient.

    Attributes
    ----------
    uid : str
        SeriesInstanceUID, with ``#k`` appended where one UID holds several volumes.
    modality : str
        "CT", "MR", ...
    description : str
        SeriesDescription.
    n_files : int
        How many files belong to it.
    shape : tuple of int
        Slices, rows, columns; before duplicates are dropped.
    """

    uid: str
    modality: str
    description: str
    n_files: int
    shape: tuple[int, int, int]


def _candidates(source: Any) -> list[Any]:
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            return sorted(p for p in path.rglob("*") if p.is_file())
        return [path]
    if hasattr(source, "SOPClassUID") or hasattr(source, "file_meta"):  # one Dataset, itself iterable
        return [source]
    return [Path(item) if isinstance(item, str | os.PathLike) else item for item in source]


def _read_slices(source: Any) -> list[Slice]:
    """Read every candidate; where a folder or list was given, what is no image is counted and left."""
    candidates = _candidates(source)
    single = len(candidates) == 1
    skipped: Counter[str] = Counter()
    slices = []
    for candidate in candidates:
        try:
            slices.append(read_slice(candidate))
        except NotAnImageError as error:
            if single and not (isinstance(source, str | os.PathLike) and Path(source).is_dir()):
                raise error.as_load_error(candidate) from error
            skipped[error.reason] += 1
    if not slices:
        found = ", ".join(f"{n} {reason}" for reason, n in skipped.items()) or "no file at all"
        where = source if isinstance(source, str | os.PathLike) else "the list given"
        raise NoImagesError(f"{where}: no DICOM image; found {found}")
    return slices


def _group(slices: Iterable[Slice]) -> dict[str, list[Slice]]:
    """Slices by volume: one series, and within it one size, orientation and kind of pixel."""
    by_series: dict[str, dict[tuple[Any, ...], list[Slice]]] = {}
    for one in slices:
        by_series.setdefault(one.series_uid, {}).setdefault(one.kind, []).append(one)
    groups: dict[str, list[Slice]] = {}
    for uid, kinds in by_series.items():
        if len(kinds) == 1:
            groups[uid] = next(iter(kinds.values()))
        else:
            # Largest first, then by content: the same numbers whatever the order of the files.
            ranked = sorted(kinds.items(), key=lambda item: (-len(item[1]), repr(item[0])))
            for k, (_, members) in enumerate(ranked, start=1):
                groups[f"{uid}#{k}"] = members
    return groups


def _info(uid: str, members: list[Slice]) -> SeriesInfo:
    first = members[0]
    return SeriesInfo(
        uid,
        first.modality,
        first.description,
        len(members),
        (len(members), first.rows, first.columns),
    )


def list_dicom(source: Any) -> list[SeriesInfo]:
    """Return one `SeriesInfo` per volume, most files first."""
    groups = _group(_read_slices(source))
    infos = [_info(uid, members) for uid, members in groups.items()]
    return sorted(infos, key=lambda info: (-info.n_files, info.uid))


def load_dicom(source: Any, *, series: str | None = None) -> Volume:
    """Load the one volume, or the one named by ``series``."""
    groups = _group(_read_slices(source))
    if series is not None:
        if series not in groups:
            raise ArgumentError(f"series: got {series!r}, allowed {', '.join(sorted(groups))}")
        uid, members = series, groups[series]
    elif len(groups) > 1:
        infos = sorted((_info(u, m) for u, m in groups.items()), key=lambda i: (-i.n_files, i.uid))
        lines = "; ".join(f"{i.uid} ({i.modality} {i.description!r} {i.shape})" for i in infos)
        raise SeveralSeriesError(
            f"got {len(groups)} volumes where one was asked for; choose one with series=: {lines}",
            list(infos),
        )
    else:
        uid, members = next(iter(groups.items()))
    return _assemble(uid, members)


# --- one group -> one volume ---------------------------------------------------------------------


def _assemble(uid: str, members: list[Slice]) -> Volume:
    first = members[0]
    _refuse_unsupported(first)
    normal = _normal(first)
    ordered = sorted(members, key=lambda s: (float(normal @ s.position), s.sop_uid))
    ordered = _drop_duplicates(ordered, normal)
    step, spacing_source = _slice_step(ordered, normal)
    first = ordered[0]
    lps = np.eye(4)
    lps[:3, 0] = step
    lps[:3, 1] = first.orientation[3:] * first.spacing[0]
    lps[:3, 2] = first.orientation[:3] * first.spacing[1]
    lps[:3, 3] = first.position
    affine = LPS_TO_RAS @ lps
    meta = {
        "source": "dicom",
        "modality": first.modality,
        "series_uid": uid,
        "photometric": first.photometric,
        "spacing_source": spacing_source,
        "sheared": is_sheared(affine),
        "files": len(ordered),
    }
    if meta["sheared"]:
        warnings.warn("the slices are stacked obliquely (gantry tilt): the affine is sheared", stacklevel=4)
    return Volume(_voxels(ordered), affine, meta)


def _refuse_unsupported(first: Slice) -> None:
    reasons = {
        "an enhanced or multi-frame image": first.frames > 1,
        f"{first.samples} samples per pixel (colour)": first.samples != 1,
        f"photometric interpretation {first.photometric}": first.photometric
        not in ("MONOCHROME1", "MONOCHROME2"),
        "a Siemens mosaic": "MOSAIC" in first.image_type,
        f"{first.bits_allocated} bits per pixel": first.bits_allocated not in (8, 16, 32),
    }
    for reason, found in reasons.items():
        if found:
            raise UnsupportedSeriesError(f"{first.name}: got {reason}, allowed classic grey-scale slices")


def _normal(one: Slice) -> NDArray[np.float64]:
    row, column = one.orientation[:3], one.orientation[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not all(abs(length - 1.0) < 1e-2 for length in lengths) or abs(float(row @ column)) > 1e-2:
        raise GeometryError(
            f"{one.name}: ImageOrientationPatient {one.orientation.tolist()} is not two perpendicular "
            "unit vectors"
        )
    normal: NDArray[np.float64] = np.cross(row, column)
    return normal / np.linalg.norm(normal)


def _drop_duplicates(ordered: list[Slice], normal: NDArray[np.float64]) -> list[Slice]:
    kept: list[Slice] = []
    dropped = 0
    for one in ordered:
        if kept and abs(float(normal @ (one.position - kept[-1].position))) < 1e-3:
            same = one.sop_uid == kept[-1].sop_uid or one.same_pixels(kept[-1])
            if not same:
                raise UnsupportedSeriesError(
                    f"{one.name} and {kept[-1].name} lie at the same position with different pixels: "
                    "several time points, echoes or copies in one series are not read yet"
                )
            dropped += 1
            continue
        kept.append(one)
    if dropped:
        warnings.warn(f"{dropped} duplicate slice(s) dropped", stacklevel=5)
    return kept


def _slice_step(ordered: list[Slice], normal: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return the vector from slice to slice and where it comes from."""
    if len(ordered) == 1:
        one = ordered[0]
        for name, value in (
            ("SpacingBetweenSlices", one.spacing_between),
            ("SliceThickness", one.thickness),
        ):
            if value is not None and np.isfinite(value) and value != 0:
                return normal * abs(value), name
        raise GeometryError(
            f"{one.name}: a single slice with neither SpacingBetweenSlices nor SliceThickness"
        )
    along = np.array([float(normal @ s.position) for s in ordered])
    gaps = np.diff(along)
    median = float(np.median(gaps))
    wrong = np.flatnonzero(np.abs(gaps - median) > max(0.01 * median, 1e-2))
    if len(wrong):
        listed = ", ".join(f"{gaps[i]:.3f} mm after {along[i]:.2f} mm" for i in wrong[:8])
        more = f" and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise IrregularSpacingError(
            f"{len(wrong)} of {len(gaps)} gaps between {len(ordered)} slices differ from the usual "
            f"{median:.3f} mm (a slice is missing, or the spacing changes): {listed}{more}"
        )
    step = (ordered[-1].position - ordered[0].position) / (len(ordered) - 1)
    straight = normal * float(normal @ step)
    # Positions are written with few digits: a drift below a hundredth of a millimetre is rounding.
    if np.linalg.norm(step - straight) * (len(ordered) - 1) < 1e-2:
        step = straight
    return step, "ImagePositionPatient"


def _voxels(ordered: list[Slice]) -> NDArray[Any]:
    dtype, scaled = _value_dtype(ordered)
    volume = np.empty((len(ordered), ordered[0].rows, ordered[0].columns), dtype)
    for target, one in zip(volume, ordered, strict=True):
        stored = one.stored()
        if not scaled:
            target[...] = stored
        elif dtype == np.float32:
            np.multiply(stored, one.slope, out=target, casting="unsafe")
            if one.intercept != 0.0:
                target += np.float32(one.intercept)
        else:
            target[...] = stored.astype(np.int64) * int(one.slope) + int(one.intercept)
    return volume


def _value_dtype(ordered: list[Slice]) -> tuple[np.dtype[Any], bool]:
    """Return the smallest dtype that holds every value exactly, and whether values are scaled."""
    scaled = any(s.slope != 1.0 or s.intercept != 0.0 for s in ordered)
    if any(s.slope != int(s.slope) or s.intercept != int(s.intercept) for s in ordered):
        return np.dtype(np.float32), True
    # What the stored bits could hold decides; only where that asks for more than 16 bits the pixels do.
    for ranges in ([s.stored_range() for s in ordered], (s.pixel_range() for s in ordered)):
        lowest = highest = 0
        for s, bounds in zip(ordered, ranges, strict=True):
            ends = [bound * int(s.slope) + int(s.intercept) for bound in bounds]
            lowest, highest = min(lowest, *ends), max(highest, *ends)
        for name in ("uint8", "int16", "uint16"):
            if np.iinfo(name).min <= lowest and highest <= np.iinfo(name).max:
                return np.dtype(name), scaled
    for name in ("int32", "uint32"):
        if np.iinfo(name).min <= lowest and highest <= np.iinfo(name).max:
            return np.dtype(name), scaled
    return np.dtype(np.float32), scaled
