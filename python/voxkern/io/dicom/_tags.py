# SPDX-License-Identifier: Apache-2.0
"""Values of elements: of a Dataset, an item of a sequence, or the tags of a `DicomFile`.

Records (`_header`, `_frames`, `_details`) are made with these functions. Nothing else asks for an element.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.multival import MultiValue

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SEVERAL = (tuple, list, MultiValue)


def number(dataset: Any, keyword: str) -> float | None:
    """Return a finite number, or None where the element is missing or empty."""
    value = dataset.get(keyword)
    if type(value) in (float, int):  # nearly always; to ask for the other types takes ten times as long
        return float(value) if math.isfinite(value) else None
    if value is None or (isinstance(value, str) and not value):
        return None
    if isinstance(value, _SEVERAL):
        value = value[0] if len(value) else math.nan
    result = float(value)
    return result if math.isfinite(result) else None


def whole_number(dataset: Any, keyword: str, default: int) -> int:
    """Return a whole number, ``default`` where the element is missing or empty."""
    value = number(dataset, keyword)
    return default if value is None else int(value)


def vector(dataset: Any, keyword: str, length: int) -> tuple[float, ...] | None:
    """Return ``length`` finite numbers, or None where the element is missing, incomplete or not finite."""
    value = dataset.get(keyword)
    if value is None or isinstance(value, str) or not hasattr(value, "__len__") or len(value) != length:
        return None
    result = tuple(map(float, value))
    return result if all(map(math.isfinite, result)) else None


def text(dataset: Any, keyword: str) -> str:
    """Return a string, empty where there is none."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    return _sound("\\".join(map(str, value)) if isinstance(value, tuple) else str(value))


def words(dataset: Any, keyword: str) -> tuple[str, ...]:
    """Return the values of a multi-valued string."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return ()
    return (_sound(value),) if isinstance(value, str) else tuple(_sound(str(v)) for v in value)


def _sound(string: str) -> str:
    """Return what is ahead of a control character: a wrong length takes other elements in, such as names."""
    return string if string.isprintable() else _CONTROL.split(string, maxsplit=1)[0]


def find_group(groups: tuple[Any, ...], keyword: str) -> Any:
    """Return the first item of a sequence in the nearest group that has it, else an empty dict."""
    for group in groups:
        sequence = group.get(keyword)
        if sequence:
            return sequence[0]
    return {}


def private(dataset: Any, group: int, creator: str, element: int) -> Any:
    """Return the value of a private element, None where it or its creator is missing."""
    try:
        return dataset.private_block(group, creator)[element].value
    except (KeyError, AttributeError):
        return None


def private_number(dataset: Any, group: int, creator: str, element: int) -> float | None:
    """Return a private number, None where there is none."""
    value = private(dataset, group, creator, element)
    if isinstance(value, bytes) or value is None or value == "":  # a VR lost on the way
        return None
    try:
        return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
    except (TypeError, ValueError, IndexError):
        return None
