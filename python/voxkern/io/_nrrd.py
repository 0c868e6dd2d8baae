# SPDX-License-Identifier: Apache-2.0
"""NRRD (``.nrrd``, ``.nhdr``) through pynrrd."""

from __future__ import annotations

import bz2
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
from .._space.geometry import LPS_TO_RAS
from .._space.volume import Volume
from . import _gzip
from ._guard import check_size, reading, writing
from ._options import Options

_BLOCK = 1 << 20

# What turns a space into RAS.
_SPACES = {
    "right-anterior-superior": np.eye(4), "ras": np.eye(4),
    "left-posterior-superior": LPS_TO_RAS, "lps": LPS_TO_RAS,
    "left-anterior-superior": np.diag([-1.0, 1, 1, 1]), "las": np.diag([-1.0, 1, 1, 1]),
    "right-anterior-superior-time": np.eye(4), "left-posterior-superior-time": LPS_TO_RAS,
}  # fmt: skip


def load_nrrd(path: Path, options: Options) -> Volume:
    """Load an NRRD: spatial axes in the order of the file, fastest first, then the others."""
    nrrd = import_or_explain("nrrd")
    with reading(path, "NRRD"):
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            offset = file.tell()
        dtype = _dtype(header)
        need = check_size(header["sizes"], dtype, options.max_bytes)
        if header["encoding"] == "raw" and "data file" not in header and "datafile" not in header:
            check_size(header["sizes"], dtype, options.max_bytes, path.stat().st_size - offset)
        content = _unpacked(path, header, offset, need, options.max_bytes)
        if content is None:
            data, header = nrrd.read(str(path), index_order="F")
        else:
            check_size(header["sizes"], dtype, options.max_bytes, len(content))
            count = need // dtype.itemsize
            data = np.frombuffer(content, dtype, count).reshape(header["sizes"], order="F")
        if data.nbytes < need:
            raise FileFormatError("truncated")
        spatial, affine, known = _geometry(header, data.ndim)
        others = [a for a in range(data.ndim) if a not in spatial]
        names = [_axis_name(header, a) for a in others]
        data = data.transpose(*spatial, *others)
        while len(spatial) < 3:
            data = data[(slice(None),) * len(spatial) + (np.newaxis,)]
            spatial.append(-1)
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
        meta: dict[str, Any] = {"source": "nrrd"}
        if not known:
            meta["orientation"] = "unknown"
        if names:
            meta["axes"] = tuple(names)
            meta["axis_values"] = tuple(tuple(range(n)) for n in data.shape[3:])
        return Volume(data, affine, meta)


def _unpacked(path: Path, header: dict[str, Any], offset: int, need: int, max_bytes: int) -> Any:
    """Return the compressed voxels of one file, and no more; None where pynrrd shall read them."""
    detached = header.get("data file", header.get("datafile"))
    plain = not (header.get("line skip") or header.get("byte skip")) and isinstance(detached, str | None)
    encoding = str(header["encoding"]).lower()
    if not plain or encoding not in ("gzip", "gz", "bzip2", "bz2") or str(detached).startswith("LIST"):
        return None
    source = path if detached is None else path.parent / str(detached)
    if not source.is_file():
        return None
    with source.open("rb") as file:
        file.seek(offset if detached is None else 0)
        packed = file.read()
    if encoding.startswith("gz"):
        return _gzip.unpacked(packed, need, max_bytes)
    return _bunzipped(packed, need)


def _bunzipped(packed: bytes, need: int) -> bytearray:
    """Return the first ``need`` bytes of a bzip2 stream, which can be written to; fewer where it ends."""
    unpacker, content = bz2.BZ2Decompressor(), bytearray()
    while len(content) < need and not unpacker.eof:
        block = unpacker.decompress(packed, min(need - len(content), _BLOCK))
        if not block:
            break
        content += block
        packed = b""  # the unpacker keeps what it has not read
    return content


def _dtype(header: dict[str, Any]) -> np.dtype[Any]:
    reader = import_or_explain("nrrd.reader")
    dtype: np.dtype[Any] = reader._determine_datatype(header)
    return dtype


def _geometry(header: dict[str, Any], ndim: int) -> tuple[list[int], NDArray[np.float64], bool]:
    directions = header.get("space directions")
    affine = np.eye(4)
    if directions is None:
        kinds = header.get("kinds") or ["domain"] * ndim
        spatial = [a for a in range(ndim) if kinds[a] in ("domain", "space", "???", "none")][:3]
        spacings = np.asarray(header.get("spacings", np.ones(ndim)), np.float64)
        for column, axis in enumerate(spatial):
            affine[column, column] = spacings[axis] if np.isfinite(spacings[axis]) else 1.0
        return spatial, affine, False
    rows = [
        None if v is None or np.any(np.isnan(np.asarray(v, float))) else np.asarray(v, float)
        for v in directions
    ]
    spatial = [a for a, row in enumerate(rows) if row is not None][:3]
    for column, axis in enumerate(spatial):
        row = rows[axis]
        assert row is not None
        affine[: len(row[:3]), column] = row[:3]
    origin = header.get("space origin")
    if origin is not None:
        affine[: len(origin[:3]), 3] = np.asarray(origin, float)[:3]
    space = str(header.get("space", "")).lower()
    if space and space not in _SPACES:
        raise FileFormatError(f"space {space!r} has no known directions")
    return spatial, _SPACES.get(space, np.eye(4)) @ affine, bool(space)


def _axis_name(header: dict[str, Any], axis: int) -> str:
    kind = str((header.get("kinds") or [""] * (axis + 1))[axis] or "").lower()
    return "time" if kind == "time" else "channel" if "color" in kind or "vector" in kind else kind or "list"


def save_nrrd(volume: Volume, path: Path) -> Path:
    """Write ``.nrrd``, gzip-compressed, in LPS."""
    nrrd = import_or_explain("nrrd")
    data = np.asarray(volume)
    data = data.view(np.uint8) if data.dtype == np.bool_ else data
    lps = LPS_TO_RAS @ volume.affine
    names = volume.meta.get("axes", ("list",) * (volume.ndim - 3))
    kinds = {"time": "time", "channel": "vector"}
    header = {
        "space": "left-posterior-superior",
        # One row per axis, NaN for those that are not in space.
        "space directions": np.vstack([lps[:3, :3].T, np.full((volume.ndim - 3, 3), np.nan)]),
        "space origin": lps[:3, 3],
        "kinds": ["domain"] * 3 + [kinds.get(n, "list") for n in names],
        "encoding": "gzip",
    }
    with writing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pynrrd asks for the time in an old way
        nrrd.write(str(temporary), data, header, index_order="F", compression_level=1)
    return path
