# SPDX-License-Identifier: Apache-2.0
"""Gzip at the speed of libdeflate and ISA-L; what they cannot tell apart is left to zlib."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from .._runtime.config import get_num_threads
from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
from .._runtime.signals import DEBUG, remark
from ._guard import warn

LARGEST_RATIO = 1040  # deflate packs 258 bytes into two bits at best
_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 16  # of packed bytes at a time
_BLOCK = 1 << 20  # fixed, so that the bytes do not depend on the number of threads
_LEVEL = 1  # ISA-L's level 1 packs like zlib's, five times as fast


def too_large(limit: int) -> str:
    """Say that something unpacks to more than was looked for."""
    return f"unpacks to more than {limit} bytes, the most that its header or max_bytes allow"


def inflated(packed: bytes, size: int) -> bytes | bytearray:
    """Return a raw deflate stream of ``size`` bytes; `zlib.error` where it is none."""
    try:
        deflate = importlib.import_module("deflate")
    except ImportError:
        # At least a byte: 0 means no limit to zlib.
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, max(size, 1))
    try:
        content: bytearray = deflate.deflate_decompress(packed, size)
    except deflate.DeflateError as error:
        raise zlib.error(str(error)) from error
    return content


def checksum(content: bytes | bytearray) -> int:
    """Return the CRC-32 of bytes."""
    try:
        found: int = importlib.import_module("deflate").crc32(content)  # ten times as fast as zlib's
    except ImportError:
        return zlib.crc32(content)
    return found


def prefix(packed: bytes | bytearray, size: int) -> bytes:
    """Return the first bytes of a gzip file, of which ``packed`` may be the first part."""
    content = bytearray()
    try:
        for block in _blocks(packed[: size + 1024], size):  # a slice: what zlib does not consume it copies
            if len(content) + len(block) >= size:
                return bytes(content + block[: size - len(content)])
            content += block
    except FileFormatError:  # cut off, as it may be
        pass
    return bytes(content)


def _blocks(packed: bytes | bytearray, size: int) -> Generator[bytes, None, int]:
    """Yield the content of a gzip file of any number of members, at most ``size`` bytes at a time.

    Return how many bytes follow the last member.
    """
    at = 0
    while at < len(packed) and (at == 0 or packed[at : at + 2] == _MAGIC):
        inflater = zlib.decompressobj(31)
        while not inflater.eof:
            piece: bytes | bytearray = inflater.unconsumed_tail
            if not piece:
                piece = packed[at : at + _PIECE]
                at += len(piece)
            block = inflater.decompress(piece, size)
            if not piece and not block and not inflater.eof:
                raise FileFormatError("truncated gzip stream")
            yield block
        at -= len(inflater.unused_data)
    return len(packed) - at


def unpacked(packed: bytes, expected: int, max_bytes: int) -> bytearray:
    """Return the content, ``expected`` bytes by its header; the checksum is verified."""
    if expected > LARGEST_RATIO * len(packed):
        raise FileFormatError(
            f"truncated: {len(packed)} packed bytes cannot hold the {expected} of the header"
        )
    deflate = import_or_explain("deflate")
    try:
        remark(DEBUG, "%d bytes unpacked by deflate", len(packed))
        content: bytearray = deflate.gzip_decompress(packed, expected)
    except deflate.DeflateError:
        return gunzip(packed, max_bytes, expected)
    # A second member or garbage would follow the first one's length, which is the last word of the file.
    if int.from_bytes(packed[-4:], "little") == len(content) & 0xFFFFFFFF:
        return content
    return gunzip(packed, max_bytes, expected)


def gunzip(packed: bytes | bytearray, max_bytes: int, keep: int | None = None) -> bytearray:
    """Return the content of a gzip file; the checksums are verified.

    Only the first ``keep`` bytes are kept: what follows them costs no memory.
    """

    def blocks() -> Iterator[bytes]:
        rest = yield from _blocks(packed, _BLOCK)
        if rest:
            warn(f"{rest} bytes after the end of the gzip stream ignored")

    keep = max_bytes if keep is None else keep
    content = bytearray()
    total = 0
    for block in blocks():
        total += len(block)
        if total > max_bytes:
            raise FileFormatError(too_large(max_bytes))
        content += block[: keep - len(content)]
    return content


def write(path: Path, parts: Iterable[Any]) -> None:
    """Write bytes-like parts as one gzip file, the same bytes for any number of threads."""
    threaded = import_or_explain("isal.igzip_threaded")
    with threaded.open(
        path, "wb", compresslevel=_LEVEL, threads=max(get_num_threads(), 1), block_size=_BLOCK
    ) as file:
        for part in parts:
            file.write(part)
