# SPDX-License-Identifier: Apache-2.0
"""Interfile 3.3 (nuclear medicine): ``key := value`` headers beside plain voxels.

No kept library reads it. Static and tomographic images alone; the format has no patient orientation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.errors import FileFormatError
from .._space.volume import Volume
from ._guard import check_size, reading
from ._options import Options
from ._plain import plain_affine

_KINDS = {"unsigned integer": "u", "signed integer": "i", "short float": "f", "float": "f", "long float": "f"}
_MAX_HEADER = 1 << 20


def load_interfile(path: Path, options: Options) -> Volume:
    """Load (slice, row, column)."""
    with reading(path, "Interfile"):
        with path.open("rb") as file:
            text = file.read(_MAX_HEADER).decode("latin-1")
        keys = _keys(text)
        if "interfile" not in keys:
            raise FileFormatError("the header does not begin with !INTERFILE")
        columns, rows = _whole(keys, "matrix size [1]"), _whole(keys, "matrix size [2]")
        slices = _whole(keys, "matrix size [3]", 0) or _whole(keys, "number of slices", 0)
        slices = slices or _whole(keys, "total number of images", 1)
        kind = keys.get("number format", "unsigned integer").lower()
        size = _whole(keys, "number of bytes per pixel", {"short float": 4, "long float": 8}.get(kind, 2))
        order = "<" if keys.get("imagedata byte order", "BIGENDIAN").upper().startswith("LITTLE") else ">"
        if kind not in _KINDS:
            raise FileFormatError(f"number format {kind!r}, allowed {', '.join(_KINDS)}")
        dtype = np.dtype(f"{order}{_KINDS[kind]}{size}")
        data_file = path.parent / Path(keys.get("name of data file", "").replace("\\", "/")).name
        offset = _whole(keys, "data offset in bytes", 0) or 2048 * _whole(keys, "data starting block", 0)
        shape = slices, rows, columns
        check_size(shape, dtype, options.max_bytes, data_file.stat().st_size - offset)
        stored = np.memmap(data_file, dtype, "c", offset, shape).view(np.ndarray)
        dx = _length(keys, "scaling factor (mm/pixel) [1]")
        dy = _length(keys, "scaling factor (mm/pixel) [2]")
        dz = _length(keys, "scaling factor (mm/pixel) [3]")
        if dz is None and dx is not None:  # the older way: in pixels
            pixels = _length(keys, "centre-centre slice separation (pixels)") or _length(
                keys, "slice thickness (pixels)"
            )
            dz = None if pixels is None else pixels * dx
        known = dx is not None and dy is not None and dz is not None
        meta: dict[str, Any] = {
            "source": "interfile", "modality": "NM", "orientation": "unknown",
            "geometry": "detector" if known else "none", "spacing_source": "header" if known else "none",
        }  # fmt: skip
        spacing = (dz or 1.0, dy or 1.0, dx or 1.0) if known else None
        return Volume(stored.astype(dtype.newbyteorder("="), copy=False), plain_affine(spacing), meta)


def _keys(text: str) -> dict[str, str]:
    """Return the header: keys in lower case with single blanks and without the mark of the required ones."""
    keys = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":=")
        if separator:
            name = (
                re.sub(r"\s+", " ", key.strip().lstrip("!").strip().lower())
                .replace(" [", "[")
                .replace("[", " [")
            )
            keys[name] = value.split(";")[0].strip()
        if keys and next(reversed(keys)) == "end of interfile":
            break
    return keys


def _whole(keys: dict[str, str], name: str, default: int | None = None) -> int:
    value = keys.get(name, "")
    if not value:
        if default is None:
            raise FileFormatError(f"the header lacks {name!r}")
        return default
    return int(float(value))


def _length(keys: dict[str, str], name: str) -> float | None:
    value = keys.get(name, "")
    number = float(value) if value else 0.0
    return number if np.isfinite(number) and number > 0 else None
