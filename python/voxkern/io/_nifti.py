# SPDX-License-Identifier: Apache-2.0
"""NIfTI-1 and -2: headers by nibabel, bytes by a memory map or a fast gzip, one scaling pass if any."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ops.rescale import rescale
from .._runtime.config import get_num_threads
from .._runtime.errors import ArgumentError, FileFormatError, GeometryWarning
from .._runtime.memory import empty
from .._runtime.optional import import_or_explain
from .._space.geometry import is_sheared
from .._space.volume import Volume
from . import _gzip
from ._guard import check_size, reading, warn, writing
from ._options import Options

_MILLIMETRES = {"meter": 1e3, "mm": 1.0, "micron": 1e-3, "unknown": 1.0}
_HEADER_PEEK = 1 << 16
_COLUMNS = 64  # brought into another order at a time
_WORTH_IT = 1 << 10  # voxels of one row of all slices, to be handled on their own


def load_nifti(path: Path, options: Options) -> Volume:
    """Load ``.nii`` (memory-mapped) or ``.nii.gz``: as stored, float32 where the header scales."""
    max_bytes = options.max_bytes
    with reading(path, "NIfTI"):
        gzipped = path.name.lower().endswith(".gz")
        packed = path.read_bytes() if gzipped else b""
        if gzipped and packed[:2] != b"\x1f\x8b":
            raise FileFormatError("not a gzip file, in spite of its name")
        if gzipped:
            head = _gzip.prefix(packed, _HEADER_PEEK)
        else:
            with path.open("rb") as file:
                head = file.read(_HEADER_PEEK)
        header = checked_header(path, head)
        shape, dtype, offset = header.get_data_shape(), header.get_data_dtype(), int(header["vox_offset"])
        offset = max(offset, int(header["sizeof_hdr"]))
        size = check_size(shape, dtype, max_bytes)
        if gzipped:
            content = _gzip.unpacked(packed, offset + size, max_bytes + offset)
            check_size(shape, dtype, max_bytes, len(content) - offset)
            flat = np.frombuffer(content, dtype, int(np.prod(shape)), offset)
        else:
            check_size(shape, dtype, max_bytes, path.stat().st_size - offset)
            # Copy on write: the voxels may be changed, the file never is.
            flat = np.memmap(path, dtype, "c", offset, (int(np.prod(shape)),)).view(np.ndarray)
        return as_described(path, header, _shaped(flat, shape), len(shape))


def as_described(path: Path, header: Any, stored: NDArray[Any], ndim: int) -> Volume:
    """Return stored voxels, of ``ndim`` axes by the header, scaled and placed as it says."""
    data, axes = _voxels(stored, header, ndim)
    meta: dict[str, Any] = {"source": "nifti"}
    if axes:
        meta["axes"] = axes
        meta["axis_values"] = tuple(tuple(range(n)) for n in data.shape[3:])
    if int(header["qform_code"]) == 0 and int(header["sform_code"]) == 0:
        meta["orientation"] = "unknown"
    return Volume(data, _affine(path, header), meta)


def checked_header(path: Path, head: bytes) -> Any:
    """Return nibabel's header of the first bytes of a file; an error or a warning where it is odd."""
    nib = import_or_explain("nibabel")
    sizes = {int.from_bytes(head[:4], order) for order in ("little", "big")}
    kind = nib.Nifti2Header if 540 in sizes else nib.Nifti1Header
    if not sizes & {348, 540}:
        raise FileFormatError("the header does not begin with its size, 348 or 540")
    # nibabel mends what it can and logs that; here it becomes a warning about the file.
    logger = logging.getLogger("nibabel.global")
    disabled, logger.disabled = logger.disabled, True
    try:
        raw = kind.from_fileobj(io.BytesIO(head), check=False)
        magic = bytes(raw["magic"].tobytes())[:3]
        if magic != (b"n+2" if kind is nib.Nifti2Header else b"n+1"):
            raise FileFormatError(f"magic {magic!r} is not that of a single-file NIfTI")
        pixdim = np.array(raw["pixdim"][1:4], np.float64)
        spatial = max(1, min(int(raw["dim"][0]), 3))
        if np.any(pixdim[:spatial] <= 0) or not np.all(np.isfinite(pixdim[:spatial])):
            warn(f"{path.name}: pixdim is {pixdim[:spatial].tolist()}, its size was used", GeometryWarning)
        header = kind.from_fileobj(io.BytesIO(head[: int(raw["sizeof_hdr"])]), check=True)
    finally:
        logger.disabled = disabled
    slope = float(raw["scl_slope"])
    if np.isinf(slope) or (np.isfinite(slope) and slope != 0 and not np.isfinite(float(raw["scl_inter"]))):
        raise FileFormatError(f"scl_slope is {slope} and scl_inter {float(raw['scl_inter'])}")
    header["vox_offset"] = raw["vox_offset"]
    header["scl_slope"], header["scl_inter"] = raw["scl_slope"], raw["scl_inter"]
    return header


def _shaped(flat: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the voxels with at least three axes, first axis fastest; colours as a last axis."""
    shape = (*shape, 1, 1)[: max(len(shape), 3)]
    if not flat.dtype.names:  # RGB24 and RGBA32 are records
        return flat.reshape(shape, order="F")
    channels = len(flat.dtype.names)
    return np.moveaxis(flat.view(np.uint8).reshape((channels, *shape), order="F"), 0, -1)


def _voxels(stored: NDArray[Any], header: Any, ndim: int) -> tuple[NDArray[Any], tuple[str, ...]]:
    names = ["time", "vector", "axis 6", "axis 7"][: max(ndim - 3, 0)]
    names += ["channel"] * (stored.ndim - max(ndim, 3))
    slope, intercept = header.get_slope_inter()
    native = stored.dtype.newbyteorder("=")
    if slope is None or (slope == 1.0 and intercept in (0.0, None)):
        return (stored if stored.dtype.isnative else stored.astype(native)), tuple(names)
    intercept = intercept or 0.0
    if stored.dtype.kind not in "iuf" or stored.dtype.itemsize > 8 or stored.dtype == np.float16:
        return stored.astype(native) * stored.dtype.type(slope) + stored.dtype.type(intercept), tuple(names)
    wide = stored.dtype.itemsize == 8 and stored.dtype.kind == "f"
    out = empty(stored.shape[::-1], np.float64 if wide else np.float32, get_num_threads()).T
    if stored.dtype.kind == "f":
        stored = stored.astype(native, copy=False)
    swap = not stored.dtype.isnative
    rescale(stored.view(native), out, float(slope), float(intercept), swap_bytes=swap)
    return out, tuple(names)


def _affine(path: Path, header: Any) -> NDArray[np.float64]:
    """Return the affine nibabel chooses, in millimetres; warn where the header contradicts itself."""
    affine = np.array(header.get_best_affine(), np.float64)
    qform_code, sform_code = int(header["qform_code"]), int(header["sform_code"])
    if qform_code > 0 and sform_code > 0:
        corners = np.array([[0, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]).T
        apart = np.abs(header.get_qform() @ corners - header.get_sform() @ corners).max()
        if apart > 1e-3 * max(1.0, float(np.abs(affine[:3, 3]).max()) * 1e-2) and not is_sheared(affine):
            warn(
                f"{path.name}: qform and sform differ by {apart:.3g} mm in one voxel; the sform was used, as "
                "nibabel does (ITK may use the other)",
                GeometryWarning,
            )
    if qform_code == 0 and sform_code == 0:
        warn(
            f"{path.name}: neither qform nor sform is set: spacing alone is known, left and right are not",
            GeometryWarning,
        )
    factor = _MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    affine[:3] *= factor
    return affine


def header_and_voxels(volume: Volume) -> tuple[bytes, NDArray[Any]]:
    """Return the header of a single file, 348 bytes, and the voxels it describes."""
    import_or_explain("nibabel")
    if volume.dtype.kind in "iu" and volume.dtype.itemsize == 8:
        data = np.asarray(volume)
        if data.size and (data.min() < -(2**31) or data.max() >= 2**31):
            raise ArgumentError("volume: got 64-bit integers beyond int32, which NIfTI readers refuse")
        volume = volume.with_data(data.astype(np.int32))
    if volume.ndim > 7:
        raise ArgumentError(f"volume: got {volume.ndim} axes, allowed at most 7 in NIfTI")
    image = volume.to_nibabel()
    header = image.header
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    return header.binaryblock, np.asarray(image.dataobj)


def save_nifti(volume: Volume, path: Path) -> Path:
    """Write ``.nii`` or ``.nii.gz``."""
    head, data = header_and_voxels(volume)
    parts = _parts(head + b"\0\0\0\0", data)
    with writing(path) as temporary:
        if path.name.lower().endswith(".gz"):
            _gzip.write(temporary, parts, len(head) + 4 + data.nbytes)
        else:
            with temporary.open("wb") as file:
                for part in parts:
                    file.write(part)
    return path


def _parts(head: bytes, data: NDArray[Any]) -> Iterator[Any]:
    """Yield the file's bytes, first axis fastest, without copying the volume as a whole."""
    yield head
    if data.flags.f_contiguous:
        yield data.T.reshape(-1).view(np.uint8).data
        return
    for index in np.ndindex(data.shape[:2:-1]):
        volume = data[(..., *index[::-1])]
        for k in range(0, volume.shape[2], _COLUMNS):
            yield _first_axis_fastest(volume[..., k : k + _COLUMNS]).reshape(-1).view(np.uint8).data


def _first_axis_fastest(stored: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of three axes, reversed.

    Slices of 512 x 512 lie a power of two apart: of many of them a cache keeps few lines at once. So what is
    one row of all slices is brought together first, and turned there.
    """
    turned = np.empty(stored.shape[::-1], stored.dtype)
    slow, _, fast = map(abs, stored.strides)
    if slow < fast or stored.shape[0] * stored.shape[2] < _WORTH_IT:
        turned[...] = stored.T
        return turned
    for row in range(stored.shape[1]):
        turned[:, row] = stored[:, row].copy().T
    return turned
