# SPDX-License-Identifier: Apache-2.0
"""Compressed frames to stored values.

imagecodecs decodes grey frames: it lets go of the interpreter lock (pydicom's plugins do not, so threads
gain nothing there) and knows the 12-bit and retired JPEG processes. It decodes JPEG XL in colour too.
pydicom's plugins do the rest: other colour, RLE (where fuzzing crashed imagecodecs), and everything where
imagecodecs is not installed.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from ..._runtime.errors import FileFormatError, LoadError, MissingPackageError
from ..._runtime.signals import DEBUG, remark
from ._file import DEFLATED_FRAMES, JPEG_XL
from ._frames import Frame

_UID = "1.2.840.10008.1.2."
_DECODERS = {
    **dict.fromkeys((_UID + "4.50", _UID + "4.51", _UID + "4.53", _UID + "4.55"), "jpeg8_decode"),
    **dict.fromkeys((_UID + "4.57", _UID + "4.70"), "jpeg8_decode"),
    **dict.fromkeys((_UID + "4.80", _UID + "4.81"), "jpegls_decode"),
    **dict.fromkeys((_UID + "4.90", _UID + "4.91"), "jpeg2k_decode"),
    **dict.fromkeys((_UID + "4.201", _UID + "4.202", _UID + "4.203"), "jpeg2k_decode"),
    **dict.fromkeys(JPEG_XL, "jpegxl_decode"),
}


def decoded(frame: Frame) -> NDArray[Any]:
    """Return a whole frame through a decoder: stored words, RGB, or values of a lookup table."""
    layout, file = frame.format, frame.file
    complete = file.complete
    try:
        if str(file.syntax) == DEFLATED_FRAMES:
            pixels: NDArray[Any] | None = _inflated_frame(frame, complete)
        else:
            pixels = _by_imagecodecs(frame, complete)
        if pixels is None:
            remark(DEBUG, "%s: decoded by pydicom, transfer syntax %s", frame.name, file.syntax)
            pixels = pixel_array(complete, index=frame.index)
        if layout.photometric == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, complete)[..., :3]
        elif frame.header.lookup_table:
            pixels = apply_modality_lut(pixels, complete)
    except LoadError:
        raise
    except (RuntimeError, NotImplementedError, ImportError) as error:
        reasons = "; ".join(line.strip() for line in str(error).splitlines())
        if "missing required dependencies" in reasons or isinstance(error, ImportError):
            raise MissingPackageError(f"{frame.name}: {reasons}; pip install 'voxkern[io]'") from error
        raise FileFormatError(f"{frame.name}: the pixels do not decode: {reasons}") from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a decoder written in Rust panics outside of Exception
        raise FileFormatError(f"{frame.name}: the pixels do not decode ({type(error).__name__})") from error
    return np.asarray(pixels)


def _by_imagecodecs(frame: Frame, complete: Any) -> NDArray[Any] | None:
    """Return the stored words of a compressed frame, None where pydicom shall decode it."""
    layout = frame.format
    syntax = str(frame.file.syntax)
    samples = (1, 3) if syntax in JPEG_XL else (1,)  # pydicom 3.0 has no plugin for it
    if syntax not in _DECODERS or layout.samples not in samples or layout.bits_allocated not in (8, 16):
        return None
    decode = _decoder(frame, _DECODERS[syntax])
    if decode is None:
        return None
    remark(DEBUG, "%s: decoded by imagecodecs.%s", frame.name, _DECODERS[syntax])
    packed = _packed(frame, complete)
    if _coded_size(packed) != (layout.rows, layout.columns):
        raise FileFormatError(
            f"{frame.name}: the code stream is of {_coded_size(packed)} pixels, the header of "
            f"{layout.rows} x {layout.columns}"
        )
    # The code stream knows a word, the header whether it has a sign.
    word = np.dtype(f"{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")
    try:
        pixels: NDArray[Any] = decode(packed)
    except (ValueError, RuntimeError) as error:
        raise FileFormatError(f"{frame.name}: the pixels do not decode: {error}") from error
    expected = (layout.rows, layout.columns, *((layout.samples,) if layout.samples > 1 else ()))
    if pixels.shape != expected:
        raise FileFormatError(f"{frame.name}: decoded {pixels.shape}, expected {expected}")
    if pixels.dtype.itemsize == word.itemsize:
        return pixels.view(word)
    return pixels.astype(word)


def _decoder(frame: Frame, name: str) -> Any:
    """Return a function of imagecodecs, None where pydicom may have another decoder."""
    try:
        imagecodecs = importlib.import_module("imagecodecs")
        if getattr(imagecodecs, name.removesuffix("_decode").upper()).available:
            return getattr(imagecodecs, name)
    except (ImportError, AttributeError):
        pass
    if name == "jpegxl_decode":
        raise MissingPackageError(f"{frame.name}: JPEG XL needs imagecodecs; pip install 'voxkern[io]'")
    return None


def _coded_size(packed: bytes) -> tuple[int, int] | None:
    """Return rows and columns that a code stream declares: checked before it is decoded."""
    if packed[:2] == b"\xff\x0a" or packed[4:8] == b"JXL ":
        return _jpeg_xl_size(packed)
    if packed[:4] == b"\xff\x4f\xff\x51" and len(packed) >= 24:  # JPEG 2000: SIZ follows SOC
        right, bottom, left, top = struct.unpack(">4I", packed[8:24])
        return bottom - top, right - left
    at = 2
    while packed[:2] == b"\xff\xd8" and at + 9 <= len(packed) and packed[at] == 0xFF:
        marker = packed[at + 1]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):  # a frame header
            rows, columns = struct.unpack(">2H", packed[at + 5 : at + 9])
            return rows, columns
        at += 1 if marker == 0xFF else 2 + int.from_bytes(packed[at + 2 : at + 4], "big")
    return None


def _jpeg_xl_size(packed: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a JPEG XL code stream, bare or in its boxes (ISO 18181-1, SizeHeader)."""
    at = 0
    while packed[:2] != b"\xff\x0a" and at + 8 <= len(packed):
        size, kind = struct.unpack(">I4s", packed[at : at + 8])
        if kind in (b"jxlc", b"jxlp"):
            packed = packed[at + (8 if kind == b"jxlc" else 12) :]
            break
        if size < 8:
            return None
        at += size
    if packed[:2] != b"\xff\x0a":
        return None
    bits, place = int.from_bytes(packed[2:16], "little"), 0

    def take(n: int) -> int:
        nonlocal place
        place += n
        return bits >> (place - n) & ((1 << n) - 1)

    def length() -> int:
        return take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    rows = 8 * (take(5) + 1) if small else length()
    ratio = take(3)
    if ratio:
        upper, lower = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return rows, rows * upper // lower
    return rows, 8 * (take(5) + 1) if small else length()


def _packed(frame: Frame, complete: Any) -> bytes:
    return get_frame(complete.PixelData, frame.index, number_of_frames=frame.format.frames)


def _inflated_frame(frame: Frame, complete: Any) -> NDArray[Any]:
    """Return a grey frame of the deflated-frame syntax, where every frame is a raw deflate stream."""
    layout = frame.format
    if layout.samples != 1:
        raise FileFormatError(f"{frame.name}: deflated colour frames")
    size = (layout.frame_bits + 7) // 8
    try:
        flat = zlib.decompressobj(-zlib.MAX_WBITS).decompress(_packed(frame, complete), size)
    except zlib.error as error:
        raise FileFormatError(f"{frame.name}: the pixels do not inflate: {error}") from error
    if len(flat) < size:
        raise FileFormatError(f"{frame.name}: {len(flat)} bytes inflated, {size} expected")
    if layout.bits_allocated == 1:
        bits = np.unpackbits(
            np.frombuffer(flat, np.uint8), count=layout.rows * layout.columns, bitorder="little"
        )
        return bits.reshape(layout.rows, layout.columns)
    word = np.dtype(f"<{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")
    return np.frombuffer(flat, word).reshape(layout.rows, layout.columns)
