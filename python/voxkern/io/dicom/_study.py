# SPDX-License-Identifier: Apache-2.0
"""DICOM files read once: list their volumes, load any of them."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom

from ..._runtime.errors import (
    ArgumentError,
    FileFormatError,
    LoadError,
    NoImagesError,
    SeveralSeriesError,
    VoxkernError,
    shown,
)
from ..._runtime.signals import INFO, remark
from .._guard import warn
from .._options import MAX_BYTES, Options
from . import _pixels as pixels
from ._elements import Layouts
from ._file import DicomFile, read_file
from ._frames import Frame, NoPlaceError, frames_of
from ._series import SeriesInfo, by_volume, infos_of
from ._source import NotAnImageError, Source, sources
from ._volume import assemble

_MOST_HELD = 64 << 20
_HARMLESS = {"empty", "not DICOM", "without pixel data", "without place in the patient"}


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on single elements to itself: they quote values, and are about no image."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pydicom")
        yield


class Study:
    """DICOM files whose headers were read once; `voxkern.load` takes any of their volumes.

    Made by `voxkern.open_study`. Iterates over its `series`.

    Attributes
    ----------
    series : tuple of SeriesInfo
        The volumes there are: images first, most files first.
    """

    def __init__(
        self, given: Any, candidates: Sequence[Source], options: Options, only: bytes | None = None
    ) -> None:
        self._options = options
        self._frames: list[Frame] = []
        self._faults: dict[str, list[VoxkernError]] = {}  # by series
        self._skipped: Counter[str] = Counter()
        self._held = 0  # bytes of small packed files, kept until they are loaded
        with _quiet_pydicom():
            self._read(given, candidates, only)
            self._groups, faults = by_volume(self._frames)
            for uid, fault in faults.items():
                self._faults.setdefault(uid, []).append(fault)
            self.series = tuple(infos_of(self._groups))
        for errors in self._faults.values():
            if not self.series:
                raise errors[0]
        if not self.series:
            found = ", ".join(f"{n} {reason}" for reason, n in self._skipped.items()) or "no file at all"
            where = given if isinstance(given, str | os.PathLike) else "the list given"
            raise NoImagesError(f"{where}: no DICOM image; found {found}")

    def __len__(self) -> int:
        """Return how many volumes there are."""
        return len(self.series)

    def __iter__(self) -> Iterator[SeriesInfo]:
        """Iterate over the volumes there are."""
        return iter(self.series)

    def __repr__(self) -> str:
        """Say how many volumes and files there are."""
        return f"Study({len(self.series)} volumes, {sum(info.n_files for info in self.series)} files)"

    def _read(self, given: Any, candidates: Sequence[Source], only: bytes | None) -> None:
        folder = isinstance(given, str | os.PathLike) and Path(given).is_dir()
        single = len(candidates) == 1 and not folder
        layouts = Layouts()
        for candidate in candidates:
            file = None
            try:
                file = read_file(candidate, self._options.max_bytes, layouts, only)
                if file is None:
                    continue
                found = frames_of(file, self._options.spacing)
                pixels.check_pixels(found[0])
                self._frames += found
            except (NotAnImageError, VoxkernError) as error:
                if single and isinstance(error, NotAnImageError):
                    raise error.as_load_error(candidate.name) from error
                if single or (file is None and isinstance(error, VoxkernError)):
                    raise
                self._leave_out(file, candidate, error)
            finally:
                if file is not None:
                    self._held += file.held
                    if self._held > _MOST_HELD:
                        file.release()

    def _leave_out(self, file: DicomFile | None, candidate: Source, error: Exception) -> None:
        """Count a file that is no image of a scan; what is wrong with one, its own series alone suffers."""
        told = f"{candidate.name}: {error.reason}" if isinstance(error, NotAnImageError) else error
        remark(INFO, "left out: %s", told)
        if isinstance(error, NoPlaceError):
            self._skipped["without place in the patient"] += 1
        elif isinstance(error, NotAnImageError) and (file is None or not error.unreadable):
            self._skipped[error.reason] += 1
        else:
            fault = error.as_load_error(candidate.name) if isinstance(error, NotAnImageError) else error
            assert file is not None and isinstance(fault, VoxkernError)
            self._faults.setdefault(file.series_uid, []).append(fault.with_traceback(None))

    def _warn(self) -> None:
        """Say once what was left out."""
        bare = len({id(f.file) for f in self._frames if f.file.bare})
        if bare:
            warn(f"{bare} file(s) without DICOM preamble or file meta information, read all the same")
        lost = sum(n for reason, n in self._skipped.items() if reason not in _HARMLESS)
        lost += sum(map(len, self._faults.values()))
        if lost:
            warn(f"{lost} damaged or unreadable file(s) left out")

    def _load(self, options: Options, told: bool) -> Any:
        """Load the one volume, or the one named by ``series=``; ``told`` that `_warn` was called before."""
        for keyword in options.keep:
            if pydicom.datadict.tag_for_keyword(keyword) is None:
                raise ArgumentError(f"keep: got {shown(keyword)}, allowed DICOM keywords such as 'PatientID'")
        uid = self._chosen(options.series)
        members = self._groups[uid]
        faults = self._faults.get(members[0].file.series_uid)
        if faults:
            raise faults[0].with_traceback(None)
        if not told:
            self._warn()
        if options.series is None and len(self.series) > 1:
            apart = ", ".join(f"{i.role} {i.shape}" for i in self.series[1:])
            warn(f"left apart: {apart}; series= would choose one")
        try:
            with _quiet_pydicom():
                return assemble(uid, members, options, self._skipped)
        except VoxkernError:
            raise
        except NotAnImageError as error:
            raise error.as_load_error(members[0].name) from error
        except Exception as error:  # as in frames_of
            raise FileFormatError(f"{members[0].name}: unreadable tags ({type(error).__name__})") from None
        finally:
            for frame in members:
                frame.file.release()

    def _chosen(self, series: str | None) -> str:
        if series is not None:
            if series in self._groups:
                return series
            if series in self._faults:
                raise self._faults[series][0].with_traceback(None)
            raise ArgumentError(f"series: got {shown(series)}, allowed {', '.join(sorted(self._groups))}")
        if len(self.series) == 1 or sum(info.role == "image" for info in self.series) == 1:
            return self.series[0].uid
        lines = "; ".join(_line(info) for info in self.series)
        raise SeveralSeriesError(
            f"got {len(self.series)} volumes where one was asked for; choose one with series=: {lines}",
            list(self.series),
        )


def _line(info: SeriesInfo) -> str:
    kind = f" {info.kind}" if info.kind else ""
    return f"{info.uid} ({info.modality} {info.shape} {info.role}{kind})"


def open_dicom(given: Any, options: Options) -> Study:
    """Read the headers of DICOM files once, and say what was left out."""
    study = Study(given, sources(given, options.max_bytes), options)
    study._warn()
    return study


def _opened(given: Any, options: Options) -> Study:
    """Open a study for one load: of the series asked for alone, where its files can be told in a hurry."""
    candidates = sources(given, options.max_bytes)
    if options.series is not None:
        with suppress(LoadError):
            study = Study(given, candidates, options, only=options.series.partition("#")[0].encode())
            if options.series in [info.uid for info in study]:
                return study
    return Study(given, candidates, options)


def load_dicom(given: Any, options: Options) -> Any:
    """Load one volume of DICOM files or of an open study; with its padding where that was asked for."""
    if not isinstance(given, Study):
        return _opened(given, options)._load(options, told=False)
    for name, usual in (("spacing", None), ("max_bytes", MAX_BYTES)):
        if getattr(options, name) != usual:
            raise ArgumentError(f"{name}: got {getattr(options, name)}, allowed in open_study, which reads")
    read = given._options
    return given._load(replace(options, spacing=read.spacing, max_bytes=read.max_bytes), told=True)
