# SPDX-License-Identifier: Apache-2.0
"""MetaImage (``.mha``, ``.mhd``) through SimpleITK."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from .._runtime.errors import ArgumentError, FileFormatError
from .._runtime.optional import import_or_explain
from .._space.volume import Volume
from ._guard import check_size, reading, writing
from ._gzip import LARGEST_RATIO, inflated
from ._options import Options

_PIXELS = {
    "8-bit unsigned integer": "u1", "8-bit signed integer": "i1", "16-bit unsigned integer": "u2",
    "16-bit signed integer": "i2", "32-bit unsigned integer": "u4", "32-bit signed integer": "i4",
    "64-bit unsigned integer": "u8", "64-bit signed integer": "i8", "32-bit float": "f4",
    "64-bit float": "f8",
}  # fmt: skip
_LONGEST_HEAD = 1 << 20  # bytes: comments can be long


def load_metaimage(path: Path, options: Options) -> Volume:
    """Load a MetaImage: axes are slice, row, column, then time or channel."""
    sitk = import_or_explain("SimpleITK")
    with reading(path, "MetaImage"):
        if not path.is_file():
            raise FileNotFoundError(path)
        head = _head(path)
        _check_numbers(head)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("MetaImageIO")
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        # A component of a vector image is what SimpleITK calls it without "vector of".
        name = sitk.GetPixelIDValueAsString(reader.GetPixelID()).replace("vector of ", "")
        shape = (*reader.GetSize(), reader.GetNumberOfComponents())
        need = check_size(shape, _PIXELS.get(name, "u1"), options.max_bytes)
        _check_bytes(path, head, need)
        image = reader.Execute()
        if image.GetDimension() == 2:
            image = sitk.JoinSeries(image)
        volume = Volume.from_sitk(image)
        return Volume(volume.data, volume.affine, {**volume.meta, "source": "metaimage"})


def _head(path: Path) -> bytes:
    """Return the first bytes of a MetaImage: at least up to the last field of its header, ElementDataFile."""
    head = b""
    with path.open("rb") as file:
        while len(head) < _LONGEST_HEAD and b"ElementDataFile" not in head:
            piece = file.read(1 << 16)
            if not piece:
                break
            head += piece
    return head


def _header(head: bytes) -> tuple[dict[bytes, bytes], int]:
    """Return the fields of a MetaImage's header, and where it ends."""
    fields = {}
    end = 0
    for line in head.split(b"\n"):
        end += len(line) + 1
        key, _, value = line.partition(b"=")
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() == b"elementdatafile":
            break
    return fields, end


def _check_numbers(head: bytes) -> None:
    """Refuse numbers of axes and channels that no image has: ITK would count up to them."""
    found = re.findall(rb"(NDims|ElementNumberOfChannels)\s*[=:]\s*([^\r\n]*)", head)
    if not any(name == b"NDims" for name, _ in found):
        raise FileFormatError("the header lacks NDims")
    for name, value in found:
        most = 10 if name == b"NDims" else 9999
        if not re.fullmatch(rb"\d{1,4}", value.strip()) or not 0 < int(value) <= most:
            raise FileFormatError(f"{name.decode()} is not a number from 1 to {most}")


def _data_file(fields: dict[bytes, bytes]) -> str:
    return fields.get(b"elementdatafile", b"LOCAL").decode(errors="replace")


def _check_bytes(path: Path, head: bytes, need: int) -> None:
    """Refuse voxels that are not all there: ITK returns a full image without a word."""
    fields, end = _header(head)
    data_file = _data_file(fields)
    local = data_file.upper() == "LOCAL"
    voxels = path if local else path.parent / data_file
    packed = fields.get(b"compresseddata", b"False").lower() == b"true"
    if not voxels.is_file():  # a list of files, or a pattern of their names
        if packed:
            raise FileFormatError("CompressedData in several files, allowed in one")
        return
    start = end if local else 0
    if packed:
        _check_packed(voxels, start, fields.get(b"compresseddatasize", b""), need)
        return
    have = voxels.stat().st_size - start
    if have < need:
        raise FileFormatError(f"truncated: the voxels need {need} bytes, there are {have}")


def _check_packed(path: Path, start: int, size: bytes, need: int) -> None:
    """Unpack voxels to see that they are whole; ITK waits for ever for a stream that wants a dictionary."""
    if not size.isdigit() or not 0 < int(size) <= path.stat().st_size - start:
        raise FileFormatError("CompressedDataSize is not the number of bytes of the voxels")
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read(int(size))
    if len(packed) < 6 or int.from_bytes(packed[:2], "big") % 31 or packed[0] % 16 != 8 or packed[1] & 0x20:
        raise FileFormatError("the voxels are no zlib stream without a dictionary")
    if need > LARGEST_RATIO * len(packed):
        raise FileFormatError(f"truncated: {len(packed)} packed bytes cannot hold the {need} of the voxels")
    voxels = inflated(packed[2:-4], need)
    if len(voxels) != need or zlib.adler32(voxels) != int.from_bytes(packed[-4:], "big"):
        raise FileFormatError(f"damaged voxels: not the {need} bytes that they need, by number and checksum")


def save_metaimage(volume: Volume, path: Path) -> Path:
    """Write ``.mha``, or ``.mhd`` with its ``.zraw`` beside it, compressed."""
    sitk = import_or_explain("SimpleITK")
    image = volume.to_sitk()
    # An old header goes on describing its own voxels until the new one replaces it.
    names = (f"{path.stem}.zraw", f"{path.name}.zraw")
    old = _data_file(_header(_head(path))[0]) if path.exists() else ""
    free = [name for name in names if name != old and (old in names or not (path.parent / name).exists())]
    if path.suffix == ".mhd" and not free:
        raise ArgumentError(
            f"path: got {path.name}, but {' and '.join(names)} are there, allowed another name"
        )
    with writing(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True)
        except RuntimeError as error:  # it names the temporary file, not the cause
            raise OSError("SimpleITK failed") from error
        voxels = temporary.with_suffix(".zraw")
        if voxels.exists():
            voxels.rename(temporary.with_name(free[0]))
            header = temporary.read_bytes().replace(voxels.name.encode(), free[0].encode())
            temporary.write_bytes(header)
    if old in names:
        (path.parent / old).unlink(missing_ok=True)
    return path
