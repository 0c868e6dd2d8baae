# SPDX-License-Identifier: Apache-2.0
"""Formats that know no patient: TIFF stacks, pictures, NumPy archives, raw bytes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.errors import ArgumentError, FileFormatError, GeometryWarning
from .._runtime.optional import import_or_explain
from .._space.volume import Volume
from ._guard import check_size, reading, warn, writing
from ._options import Options, Spacing


def plain_affine(spacing: Spacing | None) -> NDArray[np.float64]:
    """Return the affine of slices, rows and columns as an axial scan would have it, about no known origin."""
    dz, dy, dx = spacing or (1.0, 1.0, 1.0)
    return np.array([[0, 0, -dx, 0], [0, -dy, 0, 0], [dz, 0, 0, 0], [0, 0, 0, 1.0]])


def _placed(data: NDArray[Any], source: str, spacing: Spacing | None, axes: tuple[str, ...] = ()) -> Volume:
    if spacing is None:
        warn(
            f"{source}: no geometry in the file, voxels are 1 x 1 x 1 units; spacing= gives it",
            GeometryWarning,
        )
    meta: dict[str, Any] = {
        "source": source, "geometry": "none" if spacing is None else "detector", "orientation": "unknown",
        "spacing_source": "none" if spacing is None else "given",
    }  # fmt: skip
    if axes:
        meta["axes"], meta["axis_values"] = axes, tuple(tuple(range(n)) for n in data.shape[3:])
    return Volume(data, plain_affine(spacing), meta)


# --- TIFF ---------------------------------------------------------------------------------------------

_SMALLEST_PAGE = 18  # bytes of a directory with one entry
_TIFF_SLICE, _TIFF_OTHER = "ZIQ", {"T": "time", "C": "channel", "S": "channel"}


def load_tiff(path: Path, options: Options) -> Volume:
    """Load the first series of a TIFF as (slice, row, column[, time][, channel])."""
    tifffile = import_or_explain("tifffile")
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        pages, size = len(file.pages), path.stat().st_size
        if pages * _SMALLEST_PAGE > size:  # a chain of directories that comes back to itself
            raise FileFormatError(f"{pages} pages in {size} bytes")
        segments = int(np.prod(file.pages.first.chunked))
        if segments > size:
            raise FileFormatError(f"{segments} segments in {size} bytes")
        series = file.series[0]
        check_size(series.shape, series.dtype, options.max_bytes)
        data, axes = series.asarray(), series.axes
        if data.shape != series.shape:
            raise FileFormatError(f"damaged: {data.shape} read of {series.shape}")
        slices = next((a for a in axes if a in _TIFF_SLICE), "")
        unknown = [a for a in axes if a not in "YX" and a != slices and a not in _TIFF_OTHER]
        if "Y" not in axes or "X" not in axes or unknown:
            raise FileFormatError(f"axes {axes}, allowed slices, rows, columns, time and channels")
        if not slices:
            data, axes, slices = data[np.newaxis], "Z" + axes, "Z"
        order = [slices, "Y", "X", *(a for a in _TIFF_OTHER if a in axes)]
        data = data.transpose([axes.index(a) for a in order])
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
        return _placed(data, "tiff", options.spacing, tuple(_TIFF_OTHER[a] for a in order[3:]))


# --- pictures -----------------------------------------------------------------------------------------


_MODES = {"P": "RGB", "LA": "L", "PA": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "1": "L"}


def load_pictures(paths: Sequence[tuple[str, Path]], options: Options) -> Volume:
    """Load PNG, JPEG, BMP, PGM or GIF files, a slice (or an animation) each, by the names of errors."""
    import_or_explain("PIL")
    # What they declare is checked before anything is decoded.
    counts = [_declared(name, path, options.max_bytes) for name, path in paths]
    data = np.empty(0)
    at = 0
    for (name, path), count in zip(paths, counts, strict=True):
        for one in _frames(name, path, count):
            if at == 0:
                check_size((sum(counts), *one.shape), one.dtype, options.max_bytes)
                data = np.empty((sum(counts), *one.shape), one.dtype)
            if one.shape != data.shape[1:] or one.dtype != data.dtype:
                raise FileFormatError(
                    f"{name}: {one.shape} {one.dtype} after slices of {data.shape[1:]} {data.dtype}"
                )
            data[at] = one
            at += 1
    if at != len(data):
        raise FileFormatError(f"{paths[-1][0]}: {at} pictures decoded of {len(data)} declared")
    return _placed(data, "picture", options.spacing, ("channel",) if data.ndim == 4 else ())


def _declared(name: str, path: Path, max_bytes: int) -> int:
    """Return how many pictures a file holds; an error where they are more than ``max_bytes``."""
    from PIL import Image

    with _opened(name, path) as image:
        bands = len(Image.new(_MODES.get(image.mode, image.mode), (1, 1)).getbands())
        count = getattr(image, "n_frames", 1)
        check_size((count, *image.size, bands), "f4" if image.mode[0] in "IF" else "u1", max_bytes)
        return count


def _frames(name: str, path: Path, count: int) -> Iterator[NDArray[Any]]:
    from PIL import ImageSequence

    with _opened(name, path) as image:
        size = image.size
        for frame, _ in zip(ImageSequence.Iterator(image), range(count), strict=False):
            if frame.size != size:  # before it is decoded: beyond the canvas Pillow may crash
                raise FileFormatError(f"{frame.size} pixels after {size}")
            mode = _MODES.get(frame.mode)
            pixels = np.array(frame.convert(mode) if mode else frame)
            yield pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


@contextmanager
def _opened(name: str, path: Path) -> Iterator[Any]:
    from PIL import Image

    with reading(path, "picture", name), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            yield image


def save_pictures(volume: Volume, path: Path) -> Path:
    """Write one PNG per slice into a new folder, or a single slice to a ``.png`` file."""
    import_or_explain("PIL")
    from PIL import Image

    data = np.asarray(volume)
    data = data.view(np.uint8) if data.dtype == np.bool_ else data
    single = path.suffix.lower() == ".png"
    if single and data.shape[0] != 1:
        raise ArgumentError(
            f"path: got {path.name} for {data.shape[0]} slices, allowed a folder (format='png')"
        )
    colour = data.ndim == 4 and data.shape[3] in (3, 4) and data.dtype == np.uint8
    if not colour and (data.ndim != 3 or data.dtype not in (np.uint8, np.uint16)):
        raise ArgumentError(
            f"volume: got {data.ndim} axes of {data.dtype}, allowed 8- or 16-bit unsigned slices, "
            "or 8-bit colour; see window()"
        )
    with writing(path) as temporary:
        if not single:
            temporary.mkdir()
        for k, pixels in enumerate(data):
            Image.fromarray(np.ascontiguousarray(pixels)).save(
                temporary if single else temporary / f"{k:05d}.png", compress_level=1
            )
    return path


# --- arrays -------------------------------------------------------------------------------------------


def load_npz(path: Path, options: Options) -> Volume:
    """Load what `save_npz` wrote."""
    with reading(path, "NPZ"), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if not {"data", "affine"} <= set(archive.files):
            raise FileFormatError(f"arrays {archive.files}, expected data and affine")
        declared = sum(member.file_size for member in archive.zip.infolist())
        if declared > options.max_bytes:
            raise FileFormatError(f"{declared} bytes are more than max_bytes = {options.max_bytes}")
        meta = json.loads(str(archive["meta"])) if "meta" in archive.files else {}
        data = archive["data"]
        if data.dtype.kind not in "biufc":
            raise FileFormatError(f"voxels of {data.dtype}, allowed numbers")
        return Volume(data, archive["affine"], _tupled(meta))


def _tupled(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tupled(v) for v in value)
    return {k: _tupled(v) for k, v in value.items()} if isinstance(value, dict) else value


def save_npz(volume: Volume, path: Path) -> Path:
    """Write data, affine and meta as a compressed NumPy archive."""
    plain = {k: dict(v) if isinstance(v, Mapping) else v for k, v in volume.meta.items()}
    with writing(path) as temporary:
        np.savez_compressed(temporary, data=np.asarray(volume), affine=volume.affine, meta=json.dumps(plain))
    return path


def load_raw(path: Path, options: Options) -> Volume:
    """Map a file of nothing but voxels, last axis fastest."""
    shape, wanted = tuple(options.shape or ()), options.dtype
    with reading(path, "raw"):
        need = check_size(shape, wanted, options.max_bytes)
        have = path.stat().st_size
        if have != need:
            raise FileFormatError(f"{shape} of {wanted} are {need} bytes, the file has {have}")
        data = np.memmap(path, wanted, "c", shape=shape).view(np.ndarray)
        data = data.astype(wanted.newbyteorder("="), copy=False)
        if data.ndim < 3:
            data = data.reshape((1,) * (3 - data.ndim) + data.shape)
    return _placed(data, "raw", options.spacing)
