# SPDX-License-Identifier: Apache-2.0
"""DICOM files to series: read every candidate, sort the frames into volumes, describe them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._runtime.errors import FileFormatError, GeometryError, NoImagesError
from .._guard import warn
from .._options import Options
from . import _pixels as pixels
from ._file import NotAnImageError, read_file
from ._frames import Frame, frames_of
from ._source import sources


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
        Slices, rows, columns, and volumes where there are several; before duplicates are dropped.
    role : str
        ``image``; ``localizer`` and ``page`` (dose reports, screen shots) are no part of a scan.
    """

    uid: str
    modality: str
    description: str
    n_files: int
    shape: tuple[int, ...]
    role: str = "image"


def read_frames(given: Any, options: Options) -> tuple[list[Frame], dict[str, int]]:
    """Return the frames of every candidate, and how many of a folder or list were left out, by reason."""
    max_bytes = options.max_bytes
    candidates = sources(given)
    single = len(candidates) == 1 and not (isinstance(given, str | os.PathLike) and Path(given).is_dir())
    skipped: Counter[str] = Counter()
    frames: list[Frame] = []
    bare = unpacked = 0
    for candidate in candidates:
        try:
            file = read_file(candidate, max_bytes)
            found = frames_of(file, options.spacing)
            pixels.check_pixels(found[0])
            unpacked += len(file.data or b"")
            if unpacked > max_bytes:
                raise FileFormatError(
                    f"{candidate.name}: with it more than max_bytes = {max_bytes} are unpacked"
                )
        except NotAnImageError as error:
            if single:
                raise error.as_load_error(candidate.name) from error
            skipped[error.reason] += 1
            continue
        except GeometryError as error:
            if single or "without place" not in str(error):
                raise
            skipped["without place in the patient"] += 1
            continue
        bare += file.bare
        frames += found
    if bare:
        warn(f"{bare} file(s) without DICOM preamble or file meta information, read all the same")
    if not frames:
        found_instead = ", ".join(f"{n} {reason}" for reason, n in skipped.items()) or "no file at all"
        where = given if isinstance(given, str | os.PathLike) else "the list given"
        raise NoImagesError(f"{where}: no DICOM image; found {found_instead}")
    lost = skipped["damaged"] + skipped["unreadable"]
    if lost:
        warn(f"{lost} damaged or unreadable file(s) left out")
    return frames, dict(skipped)


def group_by_volume(frames: Iterable[Frame]) -> dict[str, list[Frame]]:
    """Frames by volume: one series, and within it one size, orientation and kind of picture."""
    by_series: dict[str, dict[tuple[Any, ...], list[Frame]]] = {}
    for frame in frames:
        kinds = by_series.setdefault(frame.header.series_uid or "unknown", {})
        kinds.setdefault(frame.kind, []).append(frame)
    groups: dict[str, list[Frame]] = {}
    for uid, kinds in by_series.items():
        if len(kinds) == 1:
            groups[uid] = next(iter(kinds.values()))
            continue
        # Largest first, then by content: the same numbers whatever the order of the files.
        ranked = sorted(kinds.items(), key=lambda item: (-len(item[1]), repr(item[0])))
        for k, (_, members) in enumerate(ranked, start=1):
            groups[f"{uid}#{k}"] = members
    return groups


def _info(uid: str, members: Sequence[Frame]) -> SeriesInfo:
    first = members[0]
    places = 1 if first.flat else len({tuple(round(v, 2) for v in f.position) for f in members})
    volumes = len(members) // places if len(members) % places == 0 else 1
    shape: tuple[int, ...] = (
        places if volumes > 1 or first.flat else len(members),
        first.rows,
        first.columns,
    )
    return SeriesInfo(
        uid,
        first.header.modality,
        first.header.description,
        len({id(f.file) for f in members}),
        (*shape, volumes) if volumes > 1 else shape,
        first.header.role,
    )


def infos_of(groups: dict[str, list[Frame]]) -> list[SeriesInfo]:
    """Describe every volume: images first, most files first."""
    infos = [_info(uid, members) for uid, members in groups.items()]
    return sorted(infos, key=lambda info: (info.role != "image", -info.n_files, info.uid))
