# SPDX-License-Identifier: Apache-2.0
"""Where DICOM bytes come from: files, folders, zip archives, gzip, file-like objects, Datasets."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..._runtime.errors import ArgumentTypeError, FileFormatError

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """One candidate. A plain file has a ``path``; everything else is read into memory when needed."""

    name: str
    path: Path | None = None
    member: str | None = None  # of the zip archive at ``path``
    data: bytes | None = None
    dataset: Any = None

    def in_memory(self, max_bytes: int, gzipped: bool) -> bytes:
        """Return every byte, unpacked; `FileFormatError` where that is more than ``max_bytes``."""
        try:
            with self.open() as packed:
                file = gzip.GzipFile(fileobj=packed) if gzipped else packed
                data = file.read(max_bytes + 1)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
            raise FileFormatError(f"{self.name}: damaged archive: {error}") from error
        if len(data) > max_bytes:
            raise FileFormatError(f"{self.name}: unpacks to more than max_bytes = {max_bytes}")
        return data

    def open(self) -> BinaryIO:
        """Open the bytes as they are stored."""
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None
        if self.member is None:
            return self.path.open("rb", buffering=0)
        with zipfile.ZipFile(self.path) as archive:
            return archive.open(self.member)  # type: ignore[return-value]


def sources(given: Any) -> list[Source]:
    """Return every candidate in ``given``, in a fixed order."""
    return list(_sources(given))


def _sources(given: Any) -> Iterator[Source]:
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.is_dir():
            yield from (Source(p.name, p) for p in sorted(path.rglob("*")) if p.is_file())
        elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = sorted(m.filename for m in archive.infolist() if not m.is_dir())
            yield from (Source(f"{path.name}:{name}", path, name) for name in names)
        else:
            yield Source(path.name, path)
    elif isinstance(given, bytes | bytearray | memoryview):
        yield Source("the bytes given", data=bytes(given))
    elif hasattr(given, "SOPClassUID") or hasattr(given, "file_meta"):  # a Dataset, itself iterable
        yield Source("a Dataset", dataset=given)
    elif callable(getattr(given, "read", None)):
        yield Source("the file object given", data=given.read())
    else:
        for one in given:
            if isinstance(one, int | float):
                raise ArgumentTypeError(f"path: got a {type(one).__name__} among the files")
            yield from _sources(one)
