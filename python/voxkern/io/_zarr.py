# SPDX-License-Identifier: Apache-2.0
"""Zarr: OME-Zarr 0.4 and 0.5, and NIfTI-Zarr, which is OME-Zarr with a NIfTI header beside the voxels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.errors import ArgumentError, FileFormatError
from .._runtime.optional import import_or_explain
from .._space.volume import Volume, reorient
from ._guard import check_size, reading, warn, writing
from ._nifti import as_described, checked_header, header_and_voxels
from ._options import Options

_CHUNK = 128  # voxels along each side: 4 MB of 16 bits
# What may decode a chunk: zarr would run the program in a pickle.
_CODECS = {
    "bytes", "transpose", "sharding_indexed", "crc32c", "blosc", "zlib", "gzip", "zstd", "lz4", "bz2", "lzma",
    "shuffle", "delta",
}  # fmt: skip
_MILLIMETRES = {"meter": 1e3, "centimeter": 10.0, "millimeter": 1.0, "micrometer": 1e-3, "nanometer": 1e-6}
# Of the axes z, y, x: where they point, by the letter of the end; by OME's RFC 4.
_TOWARDS = {
    "S": "inferior-to-superior", "I": "superior-to-inferior", "A": "posterior-to-anterior",
    "P": "anterior-to-posterior", "R": "left-to-right", "L": "right-to-left",
}  # fmt: skip
_WORLD = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
_NAMES = {"t": "time", "c": "channel"}
_OBLIQUE = 1e-4  # of a voxel's edge


def load_zarr(path: Path, options: Options) -> Volume:
    """Load the finest level of an image: NIfTI's axes where it has such a header, else slice, row, column."""
    zarr = import_or_explain("zarr", "zarr")
    with reading(path, "Zarr"):
        group = zarr.open_group(str(path), mode="r")
        attributes = group.attrs.asdict()
        images = attributes.get("ome", attributes).get("multiscales")
        if not images:
            raise FileFormatError("no multiscales, which OME-Zarr and NIfTI-Zarr have")
        image = images[0]
        array = _checked(group[image["datasets"][0]["path"]], options.max_bytes)
        names = [axis["name"] for axis in image["axes"]]
        if not set("yx") <= set(names) <= set("tczyx") or len(set(names)) != array.ndim:
            raise FileFormatError(f"axes {names} of {array.ndim}, allowed y and x, with t, c and z")
        if "nifti" not in group:
            return _placed(path, image, names, array[...])
        header = checked_header(path, _checked(group["nifti"], options.max_bytes)[...].tobytes())
        ndim = len(header.get_data_shape())
        shape = (*header.get_data_shape(), 1, 1)[: max(ndim, 3)]
        stored = array[...].transpose([names.index(name) for name in "xyztc" if name in names])
        if stored.size != np.prod(shape) or stored.shape[:2] != shape[:2]:
            raise FileFormatError(f"{stored.shape} voxels, {shape} by the NIfTI header")
        return as_described(path, header, stored.reshape(shape, order="F"), ndim)


def _checked(array: Any, max_bytes: int) -> Any:
    """Return an array of numbers that can be read without harm."""
    found = array.metadata.to_dict()
    codecs = {codec for key in ("codecs", "compressor", "filters") for codec in _codecs(found.get(key))}
    if not codecs <= _CODECS or array.dtype.kind not in "biufc":
        raise FileFormatError(f"codecs {', '.join(sorted(codecs - _CODECS))} for voxels of {array.dtype}")
    check_size(array.shape, array.dtype, max_bytes)
    check_size(array.chunks, array.dtype, max_bytes)
    return array


def _codecs(found: Any) -> Iterator[str]:
    """Yield the names of codecs, and of those within them, in the metadata of an array."""
    if isinstance(found, list | tuple):
        for one in found:
            yield from _codecs(one)
    elif isinstance(found, dict):
        yield str(found.get("id", found.get("name")))
        inner = found.get("configuration") or {}
        for key in ("codecs", "index_codecs"):
            yield from _codecs(inner.get(key))


def _placed(path: Path, image: dict[str, Any], names: list[str], stored: NDArray[Any]) -> Volume:
    scale, shift = np.ones(len(names)), np.zeros(len(names))
    for step in (
        *image["datasets"][0]["coordinateTransformations"],
        *image.get("coordinateTransformations", ()),
    ):
        if step["type"] == "scale":
            scale, shift = scale * step["scale"], shift * step["scale"]
        elif step["type"] == "translation":
            shift = shift + step["translation"]
        elif step["type"] != "identity":
            raise FileFormatError(f"a transformation of type {step['type']}")
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    meta: dict[str, Any] = {"source": "zarr"}
    for column, (name, letter) in enumerate(zip("zyx", "SPL", strict=True)):
        axis: dict[str, Any] = image["axes"][names.index(name)] if name in names else {"unit": "millimeter"}
        unit, towards = str(axis.get("unit")), axis.get("orientation", {}).get("value")
        if unit not in _MILLIMETRES:
            warn(f"{path.name}: unit {unit} of axis {name}, millimetres were taken")
        if towards in _TOWARDS.values():
            letter = next(key for key, value in _TOWARDS.items() if value == towards)
        else:
            meta["orientation"] = "unknown"
        world, sign = _WORLD[letter]
        millimetres = sign * _MILLIMETRES.get(unit, 1.0)
        at = names.index(name) if name in names else None  # a single slice may have no z
        affine[world, column] = millimetres * (1.0 if at is None else scale[at])
        affine[world, 3] = millimetres * (0.0 if at is None else shift[at])
    others = [name for name in "tc" if name in names]
    data = stored.transpose([names.index(name) for name in "zyxtc" if name in names])
    data = data if "z" in names else data[np.newaxis]
    if others:
        meta["axes"] = tuple(_NAMES[name] for name in others)
        meta["axis_values"] = tuple(tuple(range(n)) for n in data.shape[3:])
    return Volume(data.astype(data.dtype.newbyteorder("="), copy=False), affine, meta)


def save_zarr(volume: Volume, path: Path) -> Path:
    """Write OME-Zarr 0.4 of one level; with a NIfTI header, and in its axes, as ``.nii.zarr``."""
    zarr = import_or_explain("zarr", "zarr")
    numcodecs = import_or_explain("numcodecs", "zarr")
    if path.name.lower().endswith(".nii.zarr"):
        head, data = header_and_voxels(volume)
        names = "xyz" + "tc"[: data.ndim - 3]
        axes: dict[str, dict[str, Any]] = {name: {} for name in "xyz"}
        scale = dict(zip("xyz", volume.spacing, strict=True))
        shift = dict.fromkeys("xyz", 0.0)  # places are the header's
    else:
        head = b""
        volume = _upright(volume)
        data = np.asarray(volume)
        data = data.view(np.uint8) if data.dtype == np.bool_ else data
        named = volume.meta.get("axes", ("channel",) * (volume.ndim - 3))
        names = "zyx" + "".join("t" if name == "time" else "c" for name in named)
        axes, scale, shift = _world_axes(volume)
    if len(set(names)) != data.ndim or data.dtype.char in "gG":
        raise ArgumentError(
            f"volume: got {data.ndim} axes of {data.dtype}, allowed space, time and one more in Zarr, "
            "up to 64 bits"
        )
    order = [name for name in "tczyx" if name in names]
    stored = data.transpose([names.index(name) for name in order])
    kinds = {"t": {"type": "time"}, "c": {"type": "channel"}}
    space = {"type": "space", "unit": "millimeter"}
    multiscale = {
        "version": "0.4",
        "axes": [{"name": name} | kinds.get(name, space) | axes.get(name, {}) for name in order],
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [
                    {"type": "scale", "scale": [scale.get(name, 1.0) for name in order]},
                    {"type": "translation", "translation": [shift.get(name, 0.0) for name in order]},
                ],
            }
        ],
    }
    with writing(path) as temporary:
        group = zarr.create_group(str(temporary), zarr_format=2, attributes={"multiscales": [multiscale]})
        chunks = tuple(
            min(n, _CHUNK) if name in "zyx" else 1 for name, n in zip(order, stored.shape, strict=True)
        )
        array = group.create_array(
            "0",
            shape=stored.shape,
            dtype=stored.dtype,
            chunks=chunks,
            compressors=numcodecs.Blosc(cname="zstd", clevel=1),
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        array[...] = stored
        if head:
            header = group.create_array(
                "nifti", shape=(len(head),), dtype="u1", chunks=(len(head),), compressors=None
            )
            header[...] = np.frombuffer(head, np.uint8)
    return path


def _upright(volume: Volume) -> Volume:
    """Return the volume with its spatial axes in the order z, y, x of the body; no axis is turned round."""
    towards = volume.orientation
    direction = volume.affine[:3, :3] / np.asarray(volume.spacing)
    if np.sort(np.abs(direction), axis=0)[:2].max() > _OBLIQUE:
        raise ArgumentError(
            "volume: got axes oblique to the body, allowed parallel ones in OME-Zarr; .nii.zarr holds any"
        )
    return reorient(volume, "".join(next(t for t in towards if t in pair) for pair in ("SI", "AP", "RL")))


def _world_axes(volume: Volume) -> tuple[dict[str, dict[str, Any]], dict[str, float], dict[str, float]]:
    """Return of the axes z, y and x: where they point, the spacing, and the place of the first voxel."""
    axes, scale, shift = {}, {}, {}
    for name, letter, spacing in zip("zyx", volume.orientation, volume.spacing, strict=True):
        world, sign = _WORLD[letter]
        axes[name] = {"orientation": {"type": "anatomical", "value": _TOWARDS[letter]}}
        scale[name], shift[name] = spacing, sign * volume.origin[world]
    return axes, scale, shift
