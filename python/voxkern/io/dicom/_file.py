# SPDX-License-Identifier: Apache-2.0
"""One DICOM file: its header through pydicom, and where its pixels lie.

A header is read up to the group that describes the pixels (0028) and no further: most of a file's
elements, private ones above all, come later and are stepped over. The few images that need them
(enhanced, mosaic, PET, several volumes) ask for `DicomFile.whole`.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from ..._runtime.errors import FileFormatError, LoadError
from .._gzip import LARGEST_RATIO
from ._elements import Layouts, read_bare_header, read_header, syntax_of
from ._source import GZIP_MAGIC, NotAnImageError, Source, gunzipped_head
from ._tags import number, text

Value = TypeVar("Value")

MAX_HEADER = 64 << 20  # bytes of one file's header; the largest real ones hold a few megabytes
_HEAD = 1 << 14  # holds nearly every header up to the pixel description
_FIRST = 1 << 12  # holds most of them, and is read as fast as a few bytes
_BUFFER = 1 << 16
_PIXEL_TAGS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
_SERIES, _ROWS = b"\x20\x00\x0e\x00", b"\x28\x00\x10\x00"  # their tags
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_XL = tuple(f"1.2.840.10008.1.2.4.{k}" for k in (110, 111, 112))
_YOUNGER = (DEFLATED_FRAMES, *JPEG_XL)  # encapsulated, and not in the dictionary of pydicom 3.0


class _Once(Generic[Value]):
    """A property that is found once.

    `functools.cached_property` has one lock for all files until Python 3.11: threads would unpack one file
    after another.
    """

    def __init__(self, find: Callable[[Any], Value]) -> None:
        self._find, self._name, self.__doc__ = find, find.__name__, find.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Value:
        value = instance.__dict__[self._name] = self._find(instance)  # which goes before this one from now on
        return value


@dataclass
class DicomFile:
    """A header without pixels, and how to get the rest."""

    source: Source
    tags: Any  # Tags, or the whole Dataset where one was given; for the makers of records alone
    syntax: UID | None
    max_bytes: int
    in_place: bool = True  # plain bytes on disk; everything else is unpacked into memory when needed
    deflated: bool = False  # a deflated data set: read as explicit little-endian
    bare: bool = False  # without preamble or file meta information
    tail: tuple[int, int] | None = None  # offset and length of pixels found at the end of the file

    @property
    def name(self) -> str:
        """For messages."""
        return self.source.name

    @property
    def given(self) -> bool:
        """Whether the caller gave a Dataset instead of bytes."""
        return self.source.dataset is not None

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID, or a word where the file has none."""
        return text(self.tags, "SeriesInstanceUID") or "unknown"

    @_Once
    def content(self) -> bytes | bytearray:
        """Every byte of a file that is not plain on disk. It may take what its header describes."""
        limit = min(self.max_bytes, self.described_bytes + MAX_HEADER)
        content = self.source.content(limit)
        return _explicit(self.name, content, limit) if self.deflated else content

    @property
    def described_bytes(self) -> int:
        """Bytes of native pixels as the header describes them, 0 where it does not."""
        get = self.tags.get
        rows, columns, bits = get("Rows"), get("Columns"), get("BitsAllocated")
        if not (isinstance(rows, int) and isinstance(columns, int) and isinstance(bits, int)):
            return 0
        samples, frames = int(get("SamplesPerPixel") or 1), int(get("NumberOfFrames") or 1)
        return (rows * columns * bits * samples * frames + 7) // 8

    @property
    def held(self) -> int:
        """Bytes kept in memory."""
        return len(self.__dict__.get("content", b""))

    def release(self) -> None:
        """Let go of what can be read again."""
        for name in ("content", "complete"):
            self.__dict__.pop(name, None)

    @_Once
    def whole(self) -> Any:
        """Return the Dataset with every group except the pixels, which are left in the file."""
        if self.source.dataset is not None:
            return self.source.dataset
        limit = MAX_HEADER if number(self.tags, "NumberOfFrames") not in (None, 1) else MAX_HEADER // 8
        reached = False

        def at_pixels(tag: int, vr: str | None, length: int) -> bool:
            nonlocal reached
            reached = tag in _PIXEL_TAGS
            return reached

        with self.open() as file:
            # Its elements take some forty times their bytes: no more of them than any real header has.
            head = file.read(limit + 1)
        found = _guarded(self.name, lambda: read_partial(io.BytesIO(head), stop_when=at_pixels, force=True))
        if len(head) > limit and not reached:
            raise FileFormatError(f"{self.name}: a header of more than {limit} bytes")
        return found

    @_Once
    def complete(self) -> Any:
        """Return the Dataset with everything, for the decoders."""
        if self.source.dataset is not None:
            return self.source.dataset
        with self.open() as file:
            if file.seek(0, io.SEEK_END) > self.max_bytes:
                raise FileFormatError(f"{self.name}: larger than max_bytes = {self.max_bytes}")
            file.seek(0)
            return _guarded(self.name, lambda: read_partial(file, force=True))

    @_Once
    def encapsulated(self) -> bool:
        """Whether the pixels are compressed frames."""
        if self.syntax is None:
            return False
        encapsulated = _is_encapsulated(self.syntax)
        if encapsulated is None:
            named = self.syntax if self.syntax.is_valid else "that is no UID"  # but anybody's name, perhaps
            raise FileFormatError(f"{self.name}: unknown transfer syntax {named}")
        return encapsulated

    @_Once
    def little_endian(self) -> bool:
        """Byte order of native pixels."""
        return self.syntax != ExplicitVRBigEndian

    @_Once
    def pixels_at(self) -> tuple[str, int, int]:
        """Keyword, offset and length of native pixels."""
        tail = self.tail
        if not self.in_place:
            content = self.content
            tail = _tail(self, len(content), lambda offset, n: bytes(content[offset : offset + n]))
        if tail is not None:
            return "PixelData", *tail
        with self.open() as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            # Every element, the large ones by their place in the file alone.
            elements = _guarded(self.name, lambda: read_partial(file, defer_size=4096, force=True))
        for element_tag, keyword in _PIXEL_TAGS.items():
            element = elements.get_item(element_tag, keep_deferred=True)
            if element is None:
                continue
            if not isinstance(element, RawDataElement):  # of undefined length, and not compressed
                raise FileFormatError(f"{self.name}: {keyword} of undefined length")
            if element.length == 0xFFFFFFFF or element.value_tell + element.length > size:
                raise FileFormatError(
                    f"{self.name}: {keyword} declares {element.length} bytes, "
                    f"there are {size - element.value_tell}"
                )
            return keyword, element.value_tell, element.length
        raise NotAnImageError("without pixel data", "a DICOM file without pixel data")

    @property
    def pixel_bytes(self) -> int:
        """How many bytes of pixels there are, or can be once they are unpacked."""
        if self.given:
            for keyword in _PIXEL_TAGS.values():
                if keyword in self.tags:
                    return len(self.tags[keyword].value)
            raise NotAnImageError("without pixel data", "a Dataset without pixel data")
        return self.pixels_at[2] if self.in_place else LARGEST_RATIO * self.source.stored_size

    def open(self) -> BinaryIO:
        """Open the bytes pixel offsets count in."""
        if not self.in_place:
            return io.BytesIO(self.content)
        assert self.source.path is not None
        return Path(self.source.path).open("rb")


@lru_cache(64)
def _is_encapsulated(syntax: UID) -> bool | None:
    """Tell whether pixels in a transfer syntax are compressed frames; None where it is no known one."""
    if str(syntax) in _YOUNGER:
        return True
    return bool(syntax.is_encapsulated) if syntax.is_transfer_syntax else None


def read_file(
    source: Source, max_bytes: int, layouts: Layouts, series: bytes | None = None
) -> DicomFile | None:
    """Read the header of one candidate; None where it plainly is of another series than the one asked for."""
    if source.dataset is not None:
        meta = getattr(source.dataset, "file_meta", None)
        return DicomFile(source, source.dataset, syntax_of(meta or {}), max_bytes)
    try:
        if not source.plain:
            return _read(source, None, max_bytes, layouts, series)
        descriptor = source.descriptor()
        try:
            return _read(source, descriptor, max_bytes, layouts, series)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise FileFormatError(f"{source.path}: no such file") from error
    except OSError as error:
        raise NotAnImageError("unreadable", f"unreadable: {error.strerror}", unreadable=True) from error


def _read(
    source: Source, plain: int | None, max_bytes: int, layouts: Layouts, series: bytes | None
) -> DicomFile | None:
    """Read a header out of the first bytes of a file, which nearly always hold it.

    ``plain`` is the descriptor of one that is stored as it is.
    """

    def first(size: int) -> bytes:
        return source.head(size) if plain is None else _read_at(plain, 0, size)

    known, in_place = None, plain is not None
    if layouts.length or (in_place and series is not None):
        # A few bytes for most; packed ones are not unpacked twice for nothing.
        head = first(max(layouts.length, _FIRST) if in_place else layouts.length)
        if series is not None and _is_of_another(head, series):
            return None
        known = _guarded(source.name, lambda: layouts.header(head))
    if known is None:
        head = first(_HEAD)
        in_place = plain is not None and head[:2] != GZIP_MAGIC
        head = gunzipped_head(head, _HEAD)
    if not head:
        raise NotAnImageError("empty", "an empty file", unreadable=True)
    bare = head[128:132] != b"DICM"
    if bare and not _looks_bare(head):
        raise NotAnImageError("not DICOM", "not a DICOM file", unreadable=True)
    if series is not None and _is_of_another(head, series):
        return None
    deflated = known is None and not bare and str(DeflatedExplicitVRLittleEndian).encode() in head[:2048]

    def opened() -> BinaryIO:
        if in_place and not deflated and plain is not None:
            os.lseek(plain, 0, os.SEEK_SET)
            return open(plain, "rb", buffering=_BUFFER, closefd=False)
        more = source.head(MAX_HEADER)
        return io.BytesIO(_guarded(source.name, lambda: _explicit_head(more)) if deflated else more)

    if known is not None:
        tags, syntax = known
    elif bare:
        tags, syntax = _guarded(source.name, lambda: read_bare_header(opened()))
    else:
        try:
            tags, walk = read_header(io.BytesIO(_explicit_head(head) if deflated else head))
            if not deflated:
                layouts.add(head, walk)
        except Exception:  # cut off, most of the time
            tags, walk = _guarded(source.name, lambda: read_header(opened(), whole=True))
        syntax = walk.syntax
    result = DicomFile(source, tags, syntax, max_bytes, in_place and not deflated, deflated, bare)
    if result.in_place and not bare and plain is not None:
        size = os.lseek(plain, 0, os.SEEK_END)
        result.tail = _guarded(source.name, lambda: _tail(result, size, partial(_read_at, plain)))
    elif source.is_whole(head) and not deflated:
        result.__dict__["content"] = head  # a small member of a zip archive: all of it is here
    return result


def _is_of_another(head: bytes, series: bytes) -> bool:
    """Tell, without parsing, that a header lies within these bytes and names other series alone.

    It does where SeriesInstanceUID is followed by Rows, and the UID asked for stands nowhere.
    """
    found = head.find(_SERIES)
    return found >= 0 and head.find(_ROWS, found) > 0 and series not in head


def _read_at(descriptor: int, offset: int, count: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, count)


def _tail(result: DicomFile, size: int, read_at: Callable[[int, int], bytes]) -> tuple[int, int] | None:
    """Look for native pixels where they nearly always lie: at the very end. Return offset and length."""
    syntax, length = result.syntax, result.described_bytes
    if not length or syntax is None or _is_encapsulated(syntax) is not False:
        return None
    length += length % 2
    implicit, little = syntax == ImplicitVRLittleEndian, result.little_endian
    lead = 8 if implicit else 12
    start = size - length - lead
    if start < 132:
        return None
    found = read_at(start, lead)
    tag = b"\xe0\x7f\x10\x00" if little else b"\x7f\xe0\x00\x10"
    kinds = (b"",) if implicit else (b"OW\0\0", b"OB\0\0")
    declared = int.from_bytes(found[-4:], "little" if little else "big")
    if found[:4] == tag and found[4:-4] in kinds and declared == length:
        return start + lead, length
    return None


def _looks_bare(head: bytes) -> bool:
    """Tell whether bytes without preamble begin like a Dataset: group 2 or 8, a short first value."""
    if len(head) < 16 or head[0] not in (0x02, 0x08) or head[1] != 0 or head[3] != 0:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[6:8] if explicit else head[4:8], "little")
    return length <= 1024


def _explicit_head(stored: bytes) -> bytes:
    """Return the first bytes of a deflated data set as an explicit little-endian one."""
    meta, packed = _parted(stored)
    return meta + zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, len(stored))


def _explicit(name: str, stored: bytes | bytearray, limit: int) -> bytes:
    """Return a deflated file as an explicit little-endian one; a few hundred kilobytes can hold gigabytes."""

    def work() -> bytes:
        meta, packed = _parted(stored)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        plain = inflater.decompress(packed, limit)
        if not inflater.eof:
            raise FileFormatError(
                f"{name}: the deflated data set is truncated, or inflates to more than {limit} bytes"
            )
        return meta + plain

    whole: bytes = _guarded(name, work)
    return whole


def _parted(stored: bytes | bytearray) -> tuple[bytes, bytes]:
    """Return the file meta information, now of the explicit syntax, and the deflated bytes behind it."""
    stored = bytes(stored)
    file = io.BytesIO(stored)
    read_preamble(file, force=True)
    read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    deflated, explicit = _meta_syntax(b"1.2.840.10008.1.2.1.99"), _meta_syntax(b"1.2.840.10008.1.2.1")
    return stored[: file.tell()].replace(deflated, explicit), stored[file.tell() :]


def _meta_syntax(uid: bytes) -> bytes:
    # The element keeps its 22 bytes: UIDs are padded with NUL, and pydicom strips any number of them.
    return uid.ljust(22, b"\0")


def _guarded(name: str, work: Callable[[], Any]) -> Any:
    """Run pydicom on bytes that may be hostile: whatever it raises becomes one typed error."""
    try:
        return work()
    except (LoadError, NotAnImageError):
        raise
    except Exception as error:
        # Its message may quote the bytes it could not read, and those may be somebody's name.
        detail = "nested too deeply" if isinstance(error, RecursionError) else type(error).__name__
        raise NotAnImageError("damaged", f"a damaged DICOM file ({detail})", unreadable=True) from None
