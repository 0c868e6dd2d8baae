# SPDX-License-Identifier: Apache-2.0
"""ENVI cubes (infrared, hyperspectral) through spectral."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
from .._space.volume import Volume
from ._guard import check_size, reading, warn
from ._options import Options
from ._plain import plain_affine

_DEFAULTS = {"byte order": "0", "header offset": "0"}  # what ENVI itself takes where they are missing


def load_envi(path: Path, options: Options) -> Volume:
    """Load ``.hdr`` and its data as (1, line, sample, band), memory-mapped."""
    envi = import_or_explain("spectral.io.envi")

    with reading(path, "ENVI"), tempfile.TemporaryDirectory() as folder:
        header = envi.read_envi_header(str(path))
        added = [key for key in _DEFAULTS if key not in header]
        if added:
            warn(f"{path.name}: the header lacks {', '.join(added)}, 0 was taken")
        shape = tuple(int(header[key]) for key in ("lines", "samples", "bands"))
        code = str(header.get("data type", ""))
        if code not in envi.envi_to_dtype:
            raise FileFormatError(f"data type {code or 'missing'}")
        dtype = np.dtype(envi.envi_to_dtype[code])
        data_file = _data_file(path)
        offset = int(header.get("header offset", 0))
        check_size(shape, dtype, options.max_bytes, data_file.stat().st_size - offset)
        complete = Path(folder) / "complete.hdr"
        text = path.read_text(errors="replace").rstrip()
        complete.write_text(text + "".join(f"\n{key} = {_DEFAULTS[key]}" for key in added) + "\n")
        image = envi.open(str(complete), str(data_file))
        cube = np.asarray(image.open_memmap(interleave="bip"))
        cube = cube.astype(cube.dtype.newbyteorder("="), copy=False)
        meta: dict[str, Any] = {
            "source": "envi", "geometry": "none" if options.spacing is None else "detector",
            "orientation": "unknown", "axes": ("band",), "axis_values": (tuple(range(shape[2])),),
        }  # fmt: skip
        if header.get("wavelength"):
            meta["wavelengths"] = tuple(float(v) for v in header["wavelength"])
        if header.get("data ignore value"):
            meta["padding_value"] = (float(header["data ignore value"]),) * 2
        return Volume(cube[np.newaxis], plain_affine(options.spacing), meta)


def _data_file(path: Path) -> Path:
    """Return the file beside the header: its name without ``.hdr``, or with an extension in its place."""
    stem = path.with_suffix("")
    for name in (
        stem,
        *(stem.with_suffix(s) for s in (".raw", ".img", ".dat", ".bil", ".bip", ".bsq", ".cube")),
    ):
        if name.is_file():
            return name
    raise FileFormatError(f"no data file {stem.name}[.raw|.img|.dat|.bil|.bip|.bsq] beside the header")
