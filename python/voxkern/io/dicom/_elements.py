# SPDX-License-Identifier: Apache-2.0
"""The elements of a header that matter, as values: found by pydicom, or where pydicom found them before.

The files of a series are written by one program: nearly all of them hold the same elements at the same
places. Reading an element is one step from its head (tag, value representation, length) to the next. Where
all heads are the same bytes at the same places as in a file that pydicom read, its steps would be the same,
and they are not taken again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pydicom
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator, read_partial
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

_LAST_GROUP = 0x0028
_UNDEFINED = 0xFFFFFFFF  # a length

# Only these are turned into values; private and identifying elements are stepped over.
_KEYWORDS = {
    int(pydicom.tag.Tag(keyword)): keyword
    for keyword in (
        "SOPInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality", "SeriesDescription",
        "ImageType", "Manufacturer", "AcquisitionDate", "AcquisitionTime", "SliceThickness",
        "SpacingBetweenSlices", "EchoTime", "TriggerTime", "DiffusionBValue",
        "DiffusionGradientOrientation", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
        "SeriesNumber", "AcquisitionNumber", "InstanceNumber", "ImagePositionPatient",
        "ImageOrientationPatient", "TemporalPositionIdentifier", "SamplesPerPixel",
        "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelSpacing",
        "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
        "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "RescaleType",
        "ModalityLUTSequence",
    )
}  # fmt: skip
_TAGS = list(_KEYWORDS)
_SYNTAX, _CHARSET = 0x00020010, 0x00080005
_VRS = {tag: "US" if dictionary_VR(tag).startswith("US") else dictionary_VR(tag) for tag in _TAGS}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FD": "d", "FL": "f"}  # in struct's words

Tags = dict[str, Any]  # by keyword: numbers, strings, tuples of them


@dataclass(slots=True)
class _Field:
    """Where an element lies that matters."""

    keyword: str
    start: int
    stop: int
    to_value: Callable[[bytes], Any]


@dataclass(slots=True)
class _Walk:
    """The way through a header."""

    syntax: UID | None = None
    fields: list[_Field] = field(default_factory=list)
    values: list[tuple[int, int]] = field(default_factory=list)  # where bytes lie that decide no step
    end: int = 0  # behind the head of the first element that is not looked at
    repeats: bool = True  # whether the same steps can be taken without pydicom


class _Layout:
    """A header laid out as others may be, with the values of the last: most are the same in the next."""

    def __init__(self, head: bytes, walk: _Walk) -> None:
        self.syntax, self.end = walk.syntax, walk.end
        self._mask = np.full(walk.end, 255, np.uint8)
        self._mask[:128] = 0
        for start, stop in walk.values:
            self._mask[start:stop] = 0
        self._decisive = (np.frombuffer(head, np.uint8, walk.end) & self._mask).tobytes()
        self._keywords = [f.keyword for f in walk.fields]
        self._to_values = [f.to_value for f in walk.fields]
        stops = [0, *(f.stop for f in walk.fields)]
        between = zip(walk.fields, stops, strict=False)
        self._cut = struct.Struct(
            "<" + "".join(f"{f.start - stop}x{f.stop - f.start}s" for f, stop in between)
        )
        self._raws: Sequence[bytes] = self._cut.unpack_from(head)
        self._values = [f.to_value(raw) for f, raw in zip(walk.fields, self._raws, strict=True)]

    def fits(self, head: bytes) -> bool:
        """Tell whether a header has the heads of its elements at the same places."""
        if len(head) < self.end:
            return False
        return (np.frombuffer(head, np.uint8, self.end) & self._mask).tobytes() == self._decisive

    def found(self, head: bytes) -> Tags:
        """Return the values in a header that fits."""
        raws, values = self._cut.unpack_from(head), self._values.copy()
        for k, (raw, known) in enumerate(zip(raws, self._raws, strict=True)):
            if raw != known:
                values[k] = self._to_values[k](raw)
        self._raws, self._values = raws, values
        return dict(zip(self._keywords, values, strict=True))


class Layouts:
    """The layouts of the headers read so far, latest first; few, as each is tried in turn."""

    _MOST = 8

    def __init__(self) -> None:
        self._known: list[_Layout] = []
        self.length = 0  # how many bytes of a file `header` looks at

    def header(self, head: bytes) -> tuple[Tags, UID | None] | None:
        """Return what `read_header` would of a file that begins so, None where its layout is new."""
        for k, layout in enumerate(self._known):
            if layout.fits(head):
                if k:
                    self._known.insert(0, self._known.pop(k))
                return layout.found(head), layout.syntax
        return None

    def add(self, head: bytes, walk: _Walk) -> None:
        """Remember the way through the header that ``head`` begins with."""
        if walk.repeats:
            self._known = [_Layout(head, walk), *self._known[: self._MOST - 1]]
            self.length = max(layout.end for layout in self._known)


def read_header(file: BinaryIO, whole: bool = False) -> tuple[Tags, _Walk]:
    """Read up to the pixel description; an error where ``file``, not ``whole``, ends before."""
    tags: Tags = {}
    walk, reached = _Walk(), False

    def past(tag: int, vr: str | None, length: int) -> bool:
        nonlocal reached
        reached = _past_description(tag, vr, length)
        at = file.tell()
        if reached:
            walk.end = at
        elif length != _UNDEFINED and tag != _CHARSET:
            walk.values.append((at, at + length))
        return reached

    def past_meta(tag: int, vr: str | None, length: int) -> bool:
        meta = tag >> 16 == 2
        if meta and tag != _SYNTAX and length != _UNDEFINED:
            walk.values.append((file.tell(), file.tell() + length))
        return not meta

    file.seek(132)
    for element in data_element_generator(file, False, True, stop_when=past_meta, specific_tags=[_SYNTAX]):
        if isinstance(element, RawDataElement):
            walk.syntax = UID((element.value or b"").decode("ascii", "replace").rstrip("\0 "))
    implicit, little = walk.syntax == ImplicitVRLittleEndian, walk.syntax != ExplicitVRBigEndian
    charset: list[str] = []
    for element in data_element_generator(file, implicit, little, stop_when=past, specific_tags=_TAGS):
        tag = int(element.tag)  # a tag of pydicom compares in Python
        if tag == _CHARSET:
            charset = convert_encodings(_text(getattr(element, "value", b"") or b"").split("\\"))
            continue
        keyword = _KEYWORDS[tag]
        if not isinstance(element, RawDataElement):
            tags[keyword], walk.repeats = element.value, False  # a sequence
            continue
        raw, to_value = element.value or b"", _conversion(element.VR, tag, little, charset)
        start = element.value_tell
        tags[keyword] = to_value(raw)
        walk.fields.append(_Field(keyword, start, start + len(raw), to_value))
        walk.repeats &= element.length == len(raw)
    if not reached and not whole:
        raise EOFError("the first bytes of the file do not reach to the end of the pixel description")
    return tags, walk


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")


def _conversion(vr: str | None, tag: int, little: bool, charset: list[str]) -> Callable[[bytes], Any]:
    """Return what makes of an element's bytes a number, a string, or a tuple of several."""
    vr = _VRS[tag] if vr in (None, "UN") else vr
    if vr == "SQ":
        return bytes
    if vr in _NUMBERS:
        word = struct.Struct(("<" if little else ">") + _NUMBERS[vr])
        return partial(_numbers, word)
    return partial(_strings, vr, charset)


def _numbers(word: struct.Struct, raw: bytes) -> Any:
    whole = raw[: len(raw) // word.size * word.size]
    numbers = tuple(n for (n,) in word.iter_unpack(whole))
    return numbers[0] if len(numbers) == 1 else numbers


def _strings(vr: str, charset: list[str], raw: bytes) -> Any:
    plain = raw.isascii() or not charset
    text = _text(raw) if plain else decode_bytes(raw, charset, set()).strip(" \0")
    if vr in ("ST", "LT", "UT"):
        return text
    parts = [part.strip(" \0") for part in text.split("\\")]
    if vr in ("DS", "IS"):
        parsed = tuple(float(part) for part in parts if part)
        return "" if not parsed else parsed[0] if len(parsed) == 1 else parsed
    return parts[0] if len(parts) == 1 else tuple(parts)


def read_bare_header(file: BinaryIO) -> tuple[Tags, UID | None]:
    """Return the same of a file without preamble or file meta; pydicom finds out how it is encoded."""
    dataset = read_partial(file, stop_when=_past_description, force=True)
    syntax = syntax_of(dataset.file_meta)
    implicit, little = dataset.original_encoding
    if syntax is None and not implicit:
        syntax = UID("1.2.840.10008.1.2.1") if little else ExplicitVRBigEndian
    return {keyword: dataset[tag].value for tag, keyword in _KEYWORDS.items() if tag in dataset}, syntax


def syntax_of(meta: Any) -> UID | None:
    """Return the transfer syntax of file meta information, which a damaged file may give several of."""
    syntax = meta.get("TransferSyntaxUID")
    return None if syntax is None else UID(str(syntax))


def _past_description(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 > _LAST_GROUP
