# SPDX-License-Identifier: Apache-2.0
"""Stored pixels to values, straight into one array: no stack of slices, no second copy.

Native pixels are read into the array, or through one slice of scratch per worker and the `rescale`
kernel. Everything else (compressed frames, colour, palettes, lookup tables, bits) goes through pydicom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._ops.rescale import rescale
from ..._runtime.config import get_num_threads
from ..._runtime.errors import FileFormatError
from ..._runtime.memory import empty
from .._guard import check_size
from ._codec import decoded
from ._frames import Frame
from ._header import PixelFormat

_GREY = ("MONOCHROME1", "MONOCHROME2")
_SMALL = 1 << 18  # bytes that one thread reads in the time that others take to start


def check_pixels(frame: Frame) -> None:
    """See that the bytes the header declares are there, before anything is allocated for them."""
    file, layout = frame.file, frame.format
    need = (layout.frame_bits * layout.frames + 7) // 8
    if not file.given and file.encapsulated:
        return  # the decoder sees for itself
    have = file.pixel_bytes
    if not file.encapsulated and have < need:
        raise FileFormatError(
            f"{frame.name}: {layout.frames} x {layout.rows} x {layout.columns} pixels need {need} bytes, "
            f"there are {have}"
        )


def is_colour(frame: Frame) -> bool:
    """Whether values are red, green and blue."""
    return frame.format.samples > 1 or frame.format.photometric == "PALETTE COLOR"


def _is_plain(frame: Frame) -> bool:
    """Whether the bytes of the file are the stored pixels."""
    layout = frame.format
    grey = layout.samples == 1 and layout.photometric in _GREY
    return (
        grey and layout.bits_allocated in (8, 16, 32) and not frame.file.encapsulated
        and not frame.file.given and not frame.header.lookup_table
        and frame.file.pixels_at[0] == "PixelData"
    )  # fmt: skip


# --- one frame ----------------------------------------------------------------------------------------


@dataclass
class Picture:
    """Stored words of one frame of a file, and what `rescale` has to undo in them."""

    pixels: NDArray[Any]
    swap_bytes: bool = False
    unused_bits: tuple[int, int] = (0, 0)  # above and below the stored ones

    def rescale(
        self, tile: NDArray[Any], values: NDArray[Any], slope: float = 1.0, intercept: float = 0.0
    ) -> None:
        """Write the values of one tile of ``pixels``, in the calling thread."""
        high, low = self.unused_bits
        rescale(
            tile, values, slope, intercept,
            swap_bytes=self.swap_bytes, unused_high=high, unused_low=low, threads=1,
        )  # fmt: skip


class Reader:
    """Reads frames one after another, into one slice of memory of its own where that is needed."""

    def __init__(self) -> None:
        self._block = np.empty(0, np.uint8)
        self._held: tuple[int, int] | None = None
        self._picture: Picture | None = None

    def read_into(self, frame: Frame, out: NDArray[Any], slope: float, intercept: float) -> None:
        """Write the values of one frame into ``out``."""
        if slope == 1.0 and intercept == 0.0 and out.flags.c_contiguous and _is_as_stored(frame, out.dtype):
            _read_words(frame, out.reshape(-1).view(np.uint8))
            return
        picture, pixels = self._tile(frame)
        if pixels.shape != out.shape:
            raise FileFormatError(f"{frame.name}: decoded {pixels.shape}, expected {out.shape}")
        if is_colour(frame):
            out[...] = pixels
        else:
            picture.rescale(pixels, out, slope, intercept)

    def stored(self, frame: Frame) -> NDArray[Any]:
        """Return the stored values of one frame."""
        picture, pixels = self._tile(frame)
        if is_colour(frame):
            return pixels.copy()
        out = np.empty(pixels.shape, pixels.dtype)
        picture.rescale(pixels, out)
        return out

    def _tile(self, frame: Frame) -> tuple[Picture, NDArray[Any]]:
        key = id(frame.file), frame.index
        if self._picture is None or self._held != key:  # the tiles of a mosaic share one picture
            self._picture, self._held = self._read(frame), key
        row, column = frame.tile
        tile = self._picture.pixels[row : row + frame.rows, column : column + frame.columns]
        return self._picture, tile[::-1] if frame.upside_down else tile

    def _read(self, frame: Frame) -> Picture:
        layout = frame.format
        if _is_bits(frame):
            return Picture(_read_bits(frame))
        unused = layout.bits_allocated - 1 - layout.high_bit, layout.high_bit + 1 - layout.bits_stored
        if not _is_plain(frame):
            pixels = decoded(frame)
            native = np.require(pixels.astype(pixels.dtype.newbyteorder("="), copy=False), requirements="A")
            grey = layout.photometric in _GREY and not frame.header.lookup_table
            whole_words = (
                grey and native.dtype.kind in "iu" and 8 * native.dtype.itemsize == layout.bits_allocated
            )
            return Picture(native, False, unused if whole_words else (0, 0))
        size, dtype = layout.frame_bits // 8, _word(layout)
        if frame.file.in_place:
            if self._block.size < size:
                self._block = np.empty(size, np.uint8)
            _read_words(frame, self._block[:size])
            words = self._block[:size].view(dtype)
        else:  # where they were unpacked
            start = frame.file.pixels_at[1] + frame.index * size
            words = np.frombuffer(frame.file.content, dtype, size // dtype.itemsize, start)
            words = np.require(words, requirements="A")
        pixels = words.reshape(layout.rows, layout.columns)
        return Picture(pixels, not frame.file.little_endian and dtype.itemsize > 1, unused)


def _is_bits(frame: Frame) -> bool:
    """Whether the pixels are single bits as they are stored."""
    file, layout = frame.file, frame.format
    return layout.bits_allocated == 1 and layout.samples == 1 and not file.encapsulated


def _read_bits(frame: Frame) -> NDArray[np.uint8]:
    """Return a frame of single bits as bytes; it may begin within a byte, which pydicom 3.0 gets wrong."""
    layout = frame.format
    count = layout.rows * layout.columns
    first, skip = divmod(frame.index * count, 8)
    packed = np.empty((skip + count + 7) // 8, np.uint8)
    if frame.file.given:
        packed[...] = np.frombuffer(frame.file.complete.PixelData, np.uint8, packed.size, first)
    else:
        _read_at(frame, frame.file.pixels_at[1] + first, packed)
    bits = np.unpackbits(packed, bitorder="little")[skip : skip + count]
    return bits.reshape(layout.rows, layout.columns)


def _word(layout: PixelFormat) -> np.dtype[Any]:
    return np.dtype(f"{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")


def _is_as_stored(frame: Frame, dtype: np.dtype[Any]) -> bool:
    """Whether the bytes of the file are the values."""
    layout = frame.format
    whole = (layout.rows, layout.columns) == (frame.rows, frame.columns)
    bits = layout.bits_stored == layout.bits_allocated
    if not (whole and bits and _is_plain(frame) and dtype == _word(layout)) or frame.upside_down:
        return False
    return frame.file.little_endian or dtype.itemsize == 1


def _read_words(frame: Frame, target: NDArray[np.uint8]) -> None:
    _, offset, _ = frame.file.pixels_at
    _read_at(frame, offset + frame.index * target.size, target)


def _read_at(frame: Frame, offset: int, target: NDArray[np.uint8]) -> None:
    if not frame.file.in_place:
        target[...] = np.frombuffer(frame.file.content, np.uint8, target.size, offset)
        return
    with frame.file.open() as file:
        file.seek(offset)
        if file.readinto(target.data) != target.size:  # type: ignore[attr-defined]
            raise FileFormatError(f"{frame.name}: the file ends within the pixels")


def same_pixels(a: Frame, b: Frame) -> bool:
    """Tell whether two frames hold the same stored pixels."""
    return np.array_equal(Reader().stored(a), Reader().stored(b))


# --- all of them --------------------------------------------------------------------------------------

Scaling = Callable[[Frame], tuple[float, float]]


def values(volumes: Sequence[Sequence[Frame]], scaling: Scaling) -> NDArray[Any]:
    """Return (volume, slice, row, column[, channel]) of slope * stored + intercept, by `scaling`.

    Integers where that is exact, in the smallest type that holds them, else float32.
    """
    first = volumes[0][0]
    shape: tuple[int, ...] = (len(volumes), len(volumes[0]), first.rows, first.columns)
    frames = [frame for volume in volumes for frame in volume]
    if is_colour(first):
        sample = decoded(first)
        return _filled(frames, (*shape, sample.shape[-1]), sample.dtype, scaling)
    if not _is_plain(first):
        sample = decoded(first)
        if sample.dtype.kind == "f":
            return _filled(frames, shape, sample.dtype.newbyteorder("="), scaling)
    pairs = [scaling(frame) for frame in frames]
    if any(a != int(a) or b != int(b) for a, b in pairs):
        return _filled(frames, shape, np.dtype(np.float32), scaling)
    ends = [
        bound * int(a) + int(b)
        for frame, (a, b) in zip(frames, pairs, strict=True)
        for bound in _bounds(frame)
    ]
    dtype = _smallest(min(ends), max(ends), ("uint8", "int16", "uint16"))
    if dtype is not None:
        return _filled(frames, shape, dtype, scaling)
    # The stored bits could hold more than 16-bit values, but they rarely do: a value at the very end of
    # the type may have been clipped there, anything else was not.
    tried = np.dtype(np.int16 if min(ends) < 0 else np.uint16)
    limits = np.iinfo(tried)
    low = int(limits.min) if min(ends) < limits.min else None
    high = int(limits.max) if max(ends) > limits.max else None
    try:
        return _filled(frames, shape, tried, scaling, (low, high))
    except _Clipped:
        wide = _smallest(min(ends), max(ends), ("int32", "uint32")) or np.dtype(np.float32)
        return _filled(frames, shape, wide, scaling)


def _bounds(frame: Frame) -> tuple[int, int]:
    if frame.header.lookup_table:
        return 0, 65535
    return frame.format.stored_range


def _smallest(low: int, high: int, names: tuple[str, ...]) -> np.dtype[Any] | None:
    for name in names:
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return np.dtype(name)
    return None


class _Clipped(Exception):
    """A value reached the end of the type that was tried."""


def _filled(
    frames: list[Frame],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    scaling: Scaling,
    ends: tuple[int | None, int | None] = (None, None),
) -> NDArray[Any]:
    """Let workers fill one array, each a run of frames; `_Clipped` where one of ``ends`` is reached."""
    check_size(shape, dtype, frames[0].file.max_bytes)
    out = empty(shape, dtype, get_num_threads())
    slots = out.reshape(len(frames), *shape[2:])

    def work(run: range) -> None:
        reader = Reader()
        for k in run:
            frame, slot = frames[k], slots[k]
            reader.read_into(frame, slot, *scaling(frame))
            if frame.format.frames == 1:
                frame.file.release()  # read once, not needed again
            reached = ends[0] is not None and slot.min() == ends[0]
            if reached or (ends[1] is not None and slot.max() == ends[1]):
                raise _Clipped

    workers = min(get_num_threads(), len(frames))
    ready = all(frame.file.in_place and _is_plain(frame) for frame in frames)
    # Reading small pictures is mostly Python, which threads would wait for.
    if workers == 1 or out.nbytes < (_SMALL * len(frames) if ready else _SMALL):
        work(range(len(frames)))
        return out
    for frame in frames:  # unpacked and parsed here, so that no two workers do it with one file
        if frame.format.frames > 1 and not frame.file.in_place:
            _ = frame.file.content
        if frame.format.frames > 1 and not _is_plain(frame):
            _ = frame.file.complete
    size = -(-len(frames) // (4 * workers))  # neighbours to one worker: tiles share a picture
    with ThreadPoolExecutor(workers) as pool:
        try:
            for _ in pool.map(
                work, [range(k, min(k + size, len(frames))) for k in range(0, len(frames), size)]
            ):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return out
