# SPDX-License-Identifier: Apache-2.0
"""Frames to series: sort them into volumes, describe those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._runtime.errors import LoadError
from ._frames import Frame
from ._kinds import apart
from ._source import NotAnImageError


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
        SeriesDescription. Operators type it, patients' names among it: it is here alone, in no message and
        not in the ``repr``.
    n_files : int
        How many files belong to it.
    shape : tuple of int
        Slices, rows, columns, and volumes where there are several; before duplicates are dropped.
    role : str
        ``image``; ``localizer`` and ``page`` (dose reports, screen shots) are no part of a scan.
    kind : str
        What tells it from other volumes of its series, in words: PHASE, B0 MAP, polarity reversed.
    """

    uid: str
    modality: str
    description: str = field(repr=False)
    n_files: int
    shape: tuple[int, ...]
    role: str = "image"
    kind: str = ""


def by_volume(frames: Iterable[Frame]) -> tuple[dict[str, list[Frame]], dict[str, LoadError]]:
    """Return frames by volume, and why a series has none.

    The frames of a volume share a series, and within it size, orientation and kind of picture.
    """
    by_series: dict[str, dict[tuple[Any, ...], list[Frame]]] = {}
    for frame in frames:
        kinds = by_series.setdefault(frame.file.series_uid, {})
        kinds.setdefault(frame.kind, []).append(frame)
    groups: dict[str, list[Frame]] = {}
    faults: dict[str, LoadError] = {}
    for uid, kinds in by_series.items():
        try:
            parts = [part for members in kinds.values() for part in apart(members)]
        except (LoadError, NotAnImageError) as error:
            name = next(iter(kinds.values()))[0].name
            faults[uid] = error.as_load_error(name) if isinstance(error, NotAnImageError) else error
            continue
        if len(parts) == 1:
            groups[uid] = parts[0]
            continue
        # Largest first, then by content: the same numbers whatever the order of the files.
        parts.sort(key=lambda part: (-len(part), repr(part[0].kind), part[0].part))
        for k, part in enumerate(parts, start=1):
            groups[f"{uid}#{k}"] = part
    return groups, faults


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
        ", ".join((*first.components, *first.part)),
    )


def infos_of(groups: dict[str, list[Frame]]) -> list[SeriesInfo]:
    """Describe every volume: images first, most files first."""
    infos = [_info(uid, members) for uid, members in groups.items()]
    return sorted(infos, key=lambda info: (info.role != "image", -info.n_files, info.uid))
