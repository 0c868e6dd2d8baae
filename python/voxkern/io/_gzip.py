# SPDX-License-Identifier: Apache-2.0
"""Gzip at the speed of libdeflate and ISA-L; what they cannot tell apart is left to zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .._runtime.config import get_num_threads
from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
from ._guard import warn

_LARGEST_RATIO = 1040  # deflate packs 258 bytes into two bits at best
_BLOCK = 1 << 20  # fixed, so that the bytes do not depend on the number of threads
_LEVEL = 1  # ISA-L's level 1 packs like zlib's, five times as fast


def prefix(packed: bytes, size: int) -> bytes:
    """Return the first bytes of a gzip stream."""
    # A slice: what zlib does not consume it copies.
    return zlib.decompressobj(31).decompress(packed[: size + 1024], size)


def unpacked(path: Path, packed: bytes, expected: int, max_bytes: int) -> bytearray:
    """Return the content, ``expected`` bytes by its header; the checksum is verified."""
    if expected > _LARGEST_RATIO * len(packed):
        raise FileFormatError(
            f"truncated: {len(packed)} packed bytes cannot hold the {expected} of the header"
        )
    deflate = import_or_explain("deflate")
    try:
        content: bytearray = deflate.gzip_decompress(packed, expected)
    except deflate.DeflateError:
        return _slowly(path, packed, max_bytes)
    # A second member or garbage would follow the first one's length, which is the last word of the file.
    if int.from_bytes(packed[-4:], "little") == len(content) & 0xFFFFFFFF:
        return content
    return _slowly(path, packed, max_bytes)


def _slowly(path: Path, packed: bytes, max_bytes: int) -> bytearray:
    content = bytearray()
    rest = packed
    while rest:
        if content and rest[:2] != b"\x1f\x8b":
            warn(f"{path}: {len(rest)} bytes after the end of the gzip stream ignored")
            break
        inflater = zlib.decompressobj(31)
        content += inflater.decompress(rest, max_bytes + 1 - len(content))
        if len(content) > max_bytes:
            raise FileFormatError(f"unpacks to more than max_bytes = {max_bytes}")
        if not inflater.eof:
            raise FileFormatError("truncated gzip stream")
        rest = inflater.unused_data
    return content


def write(path: Path, parts: Iterable[Any]) -> None:
    """Write bytes-like parts as one gzip file, the same bytes for any number of threads."""
    threaded = import_or_explain("isal.igzip_threaded")
    with threaded.open(
        path, "wb", compresslevel=_LEVEL, threads=max(get_num_threads(), 1), block_size=_BLOCK
    ) as file:
        for part in parts:
            file.write(part)
