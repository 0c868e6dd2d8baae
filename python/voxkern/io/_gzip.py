# SPDX-License-Identifier: Apache-2.0
"""Gzip at the speed of libdeflate and ISA-L; what they cannot tell apart is left to zlib."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .._runtime.config import get_num_threads
from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
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
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size)
    try:
        content: bytearray = deflate.deflate_decompress(packed, size)
    except deflate.DeflateError as error:
        raise zlib.error(str(error)) from error
    return content


def prefix(packed: bytes | bytearray, size: int) -> bytes:
    """Return the first bytes of a gzip stream."""
    # A slice: what zlib does not consume it copies.
    return zlib.decompressobj(31).decompress(packed[: size + 1024], size)


def unpacked(path: Path, packed: bytes, expected: int, max_bytes: int) -> bytearray:
    """Return the content, ``expected`` bytes by its header; the checksum is verified."""
    if expected > LARGEST_RATIO * len(packed):
        raise FileFormatError(
            f"truncated: {len(packed)} packed bytes cannot hold the {expected} of the header"
        )
    deflate = import_or_explain("deflate")
    try:
        content: bytearray = deflate.gzip_decompress(packed, expected)
    except deflate.DeflateError:
        return gunzip(str(path), packed, max_bytes, expected)
    # A second member or garbage would follow the first one's length, which is the last word of the file.
    if int.from_bytes(packed[-4:], "little") == len(content) & 0xFFFFFFFF:
        return content
    return gunzip(str(path), packed, max_bytes, expected)


def gunzip(name: str, packed: bytes | bytearray, max_bytes: int, keep: int | None = None) -> bytearray:
    """Return the content of a gzip file of any number of members; the checksums are verified.

    Only the first ``keep`` bytes are kept: what follows them costs no memory.
    """
    keep = max_bytes if keep is None else keep
    content = bytearray()
    at = total = 0
    while at < len(packed):
        if at and packed[at : at + 2] != _MAGIC:
            warn(f"{name}: {len(packed) - at} bytes after the end of the gzip stream ignored")
            break
        inflater = zlib.decompressobj(31)
        while not inflater.eof:
            piece: bytes | bytearray = inflater.unconsumed_tail
            if not piece:
                piece = packed[at : at + _PIECE]
                at += len(piece)
            got = inflater.decompress(piece, _BLOCK)
            if not piece and not got and not inflater.eof:
                raise FileFormatError(f"{name}: truncated gzip stream")
            total += len(got)
            if total > max_bytes:
                raise FileFormatError(f"{name}: {too_large(max_bytes)}")
            content += got[: keep - len(content)]
        at -= len(inflater.unused_data)
    return content


def write(path: Path, parts: Iterable[Any]) -> None:
    """Write bytes-like parts as one gzip file, the same bytes for any number of threads."""
    threaded = import_or_explain("isal.igzip_threaded")
    with threaded.open(
        path, "wb", compresslevel=_LEVEL, threads=max(get_num_threads(), 1), block_size=_BLOCK
    ) as file:
        for part in parts:
            file.write(part)
