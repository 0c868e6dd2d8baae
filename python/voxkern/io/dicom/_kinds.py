# SPDX-License-Identifier: Apache-2.0
"""Pictures of one series that differ in kind, apart: polarities, parts of the signal, derived maps.

What nearly every series tells by plain tags is in `Frame.kind`. Here is what shows only where several frames
lie at one position, or in vendors' private elements, which only the series that may need them are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache

from . import _vendor as vendor
from ._frames import FIELD_MAP, Frame

# Words of ImageType that number a picture or say how it was corrected; they make no other kind of it.
_NO_KIND = re.compile(r"(ECHO|TE|PHASE)_?\d+|ND|NORM|DIS[23]D|MOSAIC|VFRAME|NONE")


def apart(frames: list[Frame]) -> list[list[Frame]]:
    """Part frames that share a `Frame.kind`; `Frame.part` says in words what each of them shows."""
    first = frames[0]
    parts = [frames]
    if first.header.modality == "MR" and first.header.manufacturer.upper().startswith("GE"):
        parts = [smaller for part in _by_polarity(frames) for smaller in _by_field_map(part)]
        parts = [smaller for part in parts for smaller in _by_component(part)]
    return [smaller for part in parts for smaller in _by_image_type(part)]


def _by_polarity(frames: list[Frame]) -> list[list[Frame]]:
    """Part the two polarities of GE's ``epi_pepolar``, and turn the reversed one the right way up."""
    scheme = vendor.ge_polarity(frames[0].file)
    if scheme is None:
        return [frames]
    turned = []
    for frame in frames:
        upside_down = vendor.ge_reversed(frame.file, scheme)
        words = "polarity reversed" if upside_down else "polarity forward"
        turned.append(replace(frame, upside_down=upside_down, part=(*frame.part, words)))
    return _parted(turned, lambda frame: frame.upside_down)


def _by_field_map(frames: list[Frame]) -> list[list[Frame]]:
    """Part GE's field maps from the magnitudes they come with."""
    count = vendor.ge_field_maps(frames[0].file)
    if not count:
        return [frames]
    named = []
    for frame in frames:
        word = FIELD_MAP if 0 < frame.instance_number <= count else "magnitude"
        named.append(replace(frame, part=(*frame.part, word)))
    return _parted(named, lambda frame: frame.part)


def _by_component(frames: list[Frame]) -> list[list[Frame]]:
    """Part field maps and phases from magnitudes that GE's private image type alone tells apart."""
    place = _place(frames[0])
    if len({vendor.ge_component(f.file) for f in frames if _place(f) == place}) < 2:
        return [frames]
    named = []
    for frame in frames:
        word = vendor.ge_component(frame.file)
        named.append(replace(frame, part=(*frame.part, word) if word else frame.part))
    return _parted(named, lambda frame: frame.part)


def _by_image_type(frames: list[Frame]) -> list[list[Frame]]:
    """Part frames that lie at the same positions and are called by other words."""
    if frames[0].flat:
        return [frames]
    words = [_words(frame) for frame in frames]
    if len(set(words)) == 1:
        return [frames]
    parts = _parted(frames, _words)
    places = [{_place(frame) for frame in part} for part in parts]
    if any(covered != places[0] for covered in places):
        return [frames]
    common = set.intersection(*(set(w) for w in words))
    for part in parts:
        own = tuple(w for w in _words(part[0]) if w not in common)
        part[:] = [replace(frame, part=(*frame.part, *own)) for frame in part]
    return parts


def _words(frame: Frame) -> tuple[str, ...]:
    return _words_of_kind((*frame.header.image_type, *frame.frame_type, frame.header.rescale_type))


@lru_cache(64)  # the same for nearly all frames
def _words_of_kind(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(w for w in given if w and not _NO_KIND.fullmatch(w))


def _place(frame: Frame) -> tuple[float, ...]:
    return tuple(round(v, 2) for v in frame.position)


def _parted(frames: Sequence[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    parts: dict[Hashable, list[Frame]] = {}
    for frame in frames:
        parts.setdefault(key(frame), []).append(frame)
    return list(parts.values())
