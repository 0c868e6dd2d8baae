# SPDX-License-Identifier: Apache-2.0
"""Load one DICOM volume, or list them all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom

from ..._runtime.errors import ArgumentError, FileFormatError, SeveralSeriesError, VoxkernError
from .._guard import warn
from .._options import Options
from ._file import NotAnImageError
from ._series import SeriesInfo, group_by_volume, infos_of, read_frames
from ._volume import assemble


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on single elements to itself: they quote values, and are about no image."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pydicom")
        yield


def list_dicom(given: Any) -> list[SeriesInfo]:
    """Return one `SeriesInfo` per volume: images first, most files first."""
    with _quiet_pydicom():
        frames, _ = read_frames(given, Options())
        return infos_of(group_by_volume(frames))


def load_dicom(given: Any, options: Options) -> Any:
    """Load the one volume, or the one named by ``series=``; with its padding where that was asked for."""
    with _quiet_pydicom():
        return _load(given, options)


def _load(given: Any, options: Options) -> Any:
    series = options.series
    for keyword in options.keep:
        if pydicom.datadict.tag_for_keyword(keyword) is None:
            raise ArgumentError(f"keep: got {keyword!r}, allowed DICOM keywords such as 'PatientID'")
    frames, skipped = read_frames(given, options)
    groups = group_by_volume(frames)
    infos = infos_of(groups)
    images = [info for info in infos if info.role == "image"]
    if series is not None:
        if series not in groups:
            raise ArgumentError(f"series: got {series!r}, allowed {', '.join(sorted(groups))}")
        uid = series
    elif len(infos) == 1 or len(images) == 1:
        uid = infos[0].uid
        if len(infos) > 1:
            apart = ", ".join(f"{i.role} {i.shape}" for i in infos[1:])
            warn(f"left apart: {apart}; series= would choose one")
    else:
        lines = "; ".join(f"{i.uid} ({i.modality} {i.description!r} {i.shape} {i.role})" for i in infos)
        raise SeveralSeriesError(
            f"got {len(infos)} volumes where one was asked for; choose one with series=: {lines}", list(infos)
        )
    try:
        return assemble(uid, groups[uid], options, skipped)
    except VoxkernError:
        raise
    except NotAnImageError as error:
        raise error.as_load_error(groups[uid][0].name) from error
    except Exception as error:  # as in frames_of
        raise FileFormatError(f"{groups[uid][0].name}: unreadable tags ({type(error).__name__})") from None
