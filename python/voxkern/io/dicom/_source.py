# SPDX-License-Identifier: Apache-2.0
"""Where DICOM bytes come from: files, folders, zip archives, gzip, file-like objects, Datasets."""

from __future__ import annotations

import itertools
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..._runtime.errors import ArgumentTypeError, FileFormatError, LoadError, NoImagesError
from .._gzip import LARGEST_RATIO, checksum, gunzip, inflated, prefix, too_large

GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_SMALL = 1 << 14
_ENCRYPTED = 0x1  # of the flags of a zip member
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # a FIFO would wait for a writer
_DAMAGED = "a damaged or truncated zip archive"


class NotAnImageError(Exception):
    """A candidate that is no DICOM image; ``reason`` is counted in messages."""

    def __init__(self, reason: str, detail: str = "", unreadable: bool = False) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.unreadable = unreadable

    def as_load_error(self, name: str) -> LoadError:
        """Return the error for a file that was asked for by name."""
        kind = FileFormatError if self.unreadable else NoImagesError
        return kind(f"{name}: {self}")


def _unreadable(reason: str, detail: str) -> NotAnImageError:
    return NotAnImageError(reason, detail, unreadable=True)


class Source(NamedTuple):
    """One candidate: a plain file, a member of the zip archive at ``path``, bytes, or a Dataset."""

    name: str
    path: str | None = None
    member: zipfile.ZipInfo | None = None
    data: bytes | None = None
    dataset: Any = None

    @property
    def plain(self) -> bool:
        """Whether this is a file of its own, whose bytes may be read in place."""
        return self.path is not None and self.member is None

    def open(self) -> BinaryIO:
        """Open the file at ``path``; of what is no regular file nothing is read, it might never end."""
        assert self.path is not None
        return open(self.path, "rb", buffering=0, opener=_open_regular)

    def descriptor(self) -> int:
        """Open it so for the operating system alone, which takes half the time."""
        assert self.path is not None
        return _open_regular(self.path, _READ)

    @property
    def stored_size(self) -> int:
        """How many bytes are stored; of a zip member, how many there can be once it is inflated."""
        if self.data is not None:
            return len(self.data)
        if self.member is not None:
            return min(self.member.file_size, LARGEST_RATIO * self.member.compress_size)
        assert self.path is not None
        return Path(self.path).stat().st_size

    def head(self, size: int) -> bytes:
        """Return the first bytes, unpacked; at most ``size`` and hardly less, whatever the rest is.

        A zip member that is small, packed and unpacked by its directory, is returned as a whole.
        """
        stored: bytes | bytearray
        if self.data is not None:
            stored = self.data[:size]
        elif self.member is None:
            with self.open() as file:
                stored = file.read(size)
        else:
            # As a whole: that is faster, and it is not unpacked once more.
            sizes = self.member.file_size, self.member.compress_size
            stored = self._member(None if sizes[0] > 0 and max(sizes) <= _SMALL else size)
        return gunzipped_head(stored, max(size, len(stored)))

    def content(self, limit: int) -> bytes | bytearray:
        """Return every byte, unpacked; `FileFormatError` where that is more than ``limit``."""
        stored: bytes | bytearray
        if self.data is not None:
            stored = self.data
        elif self.member is None:
            with self.open() as file:
                stored = file.read(limit + 1)
        else:
            if self.member.file_size > limit:
                raise FileFormatError(f"{self.name}: {too_large(limit)}")
            stored = self._member()
            if not self.is_whole(stored):
                raise _unreadable("damaged", f"{_DAMAGED}: the checksum is wrong")
        if stored[:2] != GZIP_MAGIC:
            return stored
        try:
            return gunzip(stored, limit)
        except FileFormatError as error:
            raise FileFormatError(f"{self.name}: {error}") from error
        except zlib.error as error:
            raise FileFormatError(f"{self.name}: a damaged gzip stream") from error

    def is_whole(self, stored: bytes | bytearray) -> bool:
        """Tell whether these are all bytes of a zip member, by its length and checksum."""
        member = self.member
        return member is not None and len(stored) == member.file_size and checksum(stored) == member.CRC

    def _member(self, size: int | None = None) -> bytes | bytearray:
        """Return the first bytes of a zip member, or all; its place is known without reading the archive."""
        member = self.member
        assert member is not None
        if member.flag_bits & _ENCRYPTED:
            raise _unreadable("encrypted", "an encrypted member of a zip archive")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = zipfile.compressor_names.get(member.compress_type, str(member.compress_type))  # type: ignore[attr-defined]
            raise _unreadable(
                "packed by an unknown method",
                f"packed in its zip archive by {method}, allowed stored and deflated",
            )
        with self.open() as file:
            file.seek(member.header_offset)
            local = file.read(30)
            if len(local) < 30 or local[:4] != _ZIP_MAGICS[0]:
                raise _unreadable("damaged", _DAMAGED)
            names, extra = struct.unpack("<2H", local[26:30])
            # Room is made for as many bytes as are asked for: no more than there are.
            packed = min(member.compress_size, file.seek(0, os.SEEK_END))
            file.seek(member.header_offset + 30 + names + extra)
            stored = file.read(packed if size is None else min(packed, size + 1024))
        if member.compress_type == zipfile.ZIP_STORED:
            return stored[:size]
        try:
            if size is None:
                return inflated(stored, member.file_size)
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, size)
        except zlib.error as error:
            raise _unreadable("damaged", _DAMAGED) from error


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _AT_ONCE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _unreadable("no regular file", "a FIFO, socket or device, not a regular file")


def gunzipped_head(stored: bytes | bytearray, size: int) -> bytes:
    """Return the first bytes of what ``stored`` begins, unpacked where that is gzip."""
    if stored[:2] != GZIP_MAGIC:
        return bytes(stored)
    try:
        return prefix(stored, size)
    except zlib.error as error:
        raise _unreadable("damaged", "a damaged gzip stream") from error


def sources(given: Any, max_bytes: int) -> list[Source]:
    """Return every candidate in ``given``, in a fixed order."""
    return list(_sources(given, max_bytes))


def _sources(given: Any, max_bytes: int, one_of_several: bool = False) -> Iterator[Source]:
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.is_dir():
            yield from _files_below(path)
        elif _is_zip(path):
            yield from _members(path)
        else:
            yield Source(path.name, os.fspath(path))
    elif isinstance(given, bytes | bytearray | memoryview):
        yield Source("the bytes given", data=bytes(given))
    elif hasattr(given, "SOPClassUID") or hasattr(given, "file_meta"):  # a Dataset, itself iterable
        yield Source("a Dataset", dataset=given)
    elif callable(getattr(given, "read", None)):
        data = given.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise FileFormatError(f"the file object given: more than max_bytes = {max_bytes}")
        yield Source("the file object given", data=data)
    elif not one_of_several and _is_list(given):
        for one in given:
            yield from _sources(one, max_bytes, one_of_several=True)
    else:
        raise ArgumentTypeError(f"path: got {type(given).__name__}, allowed a path, a list of files or bytes")


def _is_list(given: Any) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, Mapping) and getattr(given, "ndim", 1) == 1


def _files_below(folder: Path) -> Iterator[Source]:
    """Return the regular files of a folder and its subfolders; FIFOs, sockets and devices are no files.

    Their names are often patients' names, and the caller gave none: messages have numbers.
    """
    number = itertools.count(1)
    folders = [os.fspath(folder)]
    while folders:
        files, inside = [], []
        with suppress(OSError), os.scandir(folders.pop()) as entries:  # one that cannot be listed is empty
            for entry in entries:
                if entry.is_file():
                    files.append(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    inside.append(entry.path)
        yield from (Source(f"file {next(number)} by name", path) for path in sorted(files))
        folders += sorted(inside, reverse=True)


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4)
    return start in _ZIP_MAGICS or (path.suffix.lower() == ".zip" and zipfile.is_zipfile(path))


def _members(path: Path) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith("/")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise FileFormatError(f"{path}: {_DAMAGED}") from error
    members.sort(key=lambda member: member.filename)
    place = os.fspath(path)
    yield from (Source(f"{path.name}: member {k} by name", place, m) for k, m in enumerate(members, start=1))
