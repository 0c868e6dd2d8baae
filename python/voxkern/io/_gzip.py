# SPDX-License-Identifier: Apache-2.0
"""Gzip at the speed of libdeflate and ISA-L; what they cannot tell apart is left to zlib."""

from __future__ import annotations

import importlib
import struct
import threading
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._runtime.config import get_num_threads
from .._runtime.errors import FileFormatError
from .._runtime.memory import empty
from .._runtime.optional import import_or_explain
from .._runtime.signals import DEBUG, remark
from ._guard import warn

LARGEST_RATIO = 1040  # deflate packs 258 bytes into two bits at best
_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 16  # of packed bytes at a time
_LARGEST_HEAD = 1 << 17  # of a gzip file, with an extra field and a name
_BLOCK = 1 << 20
_LEVEL = 1  # ISA-L's level 1 packs like zlib's, five times as fast
_DEFLATE, _EXTRA, _UNKNOWN = b"\x08", b"\x04", b"\0\0\0\0\0\xff"  # method, flag; time and system
_INDEX = b"VK"  # the name of its field
_CHUNK = 1 << 19  # fixed, so that the bytes do not depend on the number of threads
_MOST_CHUNKS = 16_381  # eight gigabytes: their sizes have room in an extra field
_LAST_BLOCK = b"\x03\0"  # of deflate: empty

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        for block in _blocks(packed[: size + _LARGEST_HEAD], size):  # what zlib does not consume it copies
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


def unpacked(packed: bytes, expected: int, max_bytes: int) -> bytearray | NDArray[np.uint8]:
    """Return the content, ``expected`` bytes by its header; the checksum is verified."""
    if expected > LARGEST_RATIO * len(packed):
        raise FileFormatError(
            f"truncated: {len(packed)} packed bytes cannot hold the {expected} of the header"
        )
    deflate = import_or_explain("deflate")
    by_threads = _by_index(packed, expected)
    if by_threads is not None:
        return by_threads
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


def write(path: Path, parts: Iterable[Any], size: int) -> None:
    """Write bytes-like parts, ``size`` bytes in all, as one gzip file: the same for any number of threads.

    It is a single member, whose chunks are packed each for itself and end on whole bytes. Their sizes stand
    in the extra field of its head (RFC 1952, 2.3.1.1), which other readers step over. So threads pack them
    here and unpack them in `unpacked`.
    """
    isal = import_or_explain("isal.isal_zlib")
    own = threading.local()

    def packed(chunk: Any) -> tuple[bytes, int, int]:
        if not hasattr(own, "packer"):
            own.packer = isal.compressobj(_LEVEL, isal.DEFLATED, -isal.MAX_WBITS)
            # What a new one packs depends, rarely, on what its memory held before.
            own.packer.compress(bytes(_PIECE))
            own.packer.flush(isal.Z_FULL_FLUSH)
        content = own.packer.compress(chunk) + own.packer.flush(isal.Z_FULL_FLUSH)
        return content, isal.crc32(chunk), len(chunk)

    sizes: list[int] = []
    check = total = 0
    with path.open("wb") as file:
        file.write(_head([0] * -(-size // _CHUNK)))
        for content, own_check, length in _in_turn(packed, _pieces(parts, _CHUNK)):
            file.write(content)
            sizes.append(len(content))
            check, total = isal.crc32_combine(check, own_check, length), total + length
        file.write(_LAST_BLOCK + struct.pack("<2L", check, total & 0xFFFFFFFF))
        file.seek(0)
        file.write(_head(sizes))


def _head(sizes: list[int]) -> bytes:
    """Return the head of a gzip file, with the packed sizes of its chunks where there is room for them."""
    if not 0 < len(sizes) <= _MOST_CHUNKS:
        return _MAGIC + _DEFLATE + b"\0" + _UNKNOWN
    index = struct.pack(f"<L{len(sizes)}L", _CHUNK, *sizes)
    extra = _INDEX + struct.pack("<H", len(index)) + index
    return _MAGIC + _DEFLATE + _EXTRA + _UNKNOWN + struct.pack("<H", len(extra)) + extra


def _by_index(packed: bytes, expected: int) -> NDArray[np.uint8] | None:
    """Return the content of what `write` wrote, by threads; None where that is not quite what there is."""
    threads, fixed = get_num_threads(), len(_head([])) + 10  # with the words before the sizes
    if threads == 1 or len(packed) < fixed or packed[2:4] != _DEFLATE + _EXTRA:
        return None
    extra, name, length, chunk = struct.unpack_from("<H2sHL", packed, fixed - 10)
    count, rest = divmod(length - 4, 4)
    start = fixed + 4 * count
    if name != _INDEX or rest or extra != length + 4 or count < 1 or len(packed) < start:
        return None
    ends = start + np.cumsum([0, *struct.unpack_from(f"<{count}L", packed, fixed)])
    if packed[ends[-1] : -8] != _LAST_BLOCK or not (count - 1) * chunk < expected <= count * chunk:
        return None
    content = empty((expected,), np.uint8, threads)

    def work(k: int) -> tuple[int, int]:
        out = content[k * chunk : (k + 1) * chunk]
        piece = inflated(packed[ends[k] : ends[k + 1]] + _LAST_BLOCK, out.size)
        if len(piece) != out.size:
            raise zlib.error("another size than its index says")
        out[:] = np.frombuffer(piece, np.uint8)
        return checksum(piece), len(piece)

    try:
        combine = importlib.import_module("isal.isal_zlib").crc32_combine
        check = 0
        for own_check, size in _in_turn(work, range(count)):
            check = combine(check, own_check, size)
    except (ImportError, zlib.error):
        return None
    return content if struct.pack("<2L", check, expected & 0xFFFFFFFF) == packed[-8:] else None


def _in_turn(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``work`` of every item in turn, by the usual number of threads; few are worked on ahead."""
    threads = get_num_threads()
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Result]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _pieces(parts: Iterable[Any], size: int) -> Iterator[Any]:
    """Yield the bytes of ``parts`` in pieces of ``size``; those that lie in one part are not copied."""
    rest = bytearray()
    for part in parts:
        view, at = memoryview(part), 0
        if rest:
            at = min(size - len(rest), len(view))
            rest += view[:at]
            if len(rest) < size:
                continue
            yield memoryview(rest)
        stop = at + (len(view) - at) // size * size
        yield from (view[k : k + size] for k in range(at, stop, size))
        rest = bytearray(view[stop:])
    if rest:
        yield memoryview(rest)
