# SPDX-License-Identifier: Apache-2.0
"""MetaImage (``.mha``, ``.mhd``) through SimpleITK."""

from __future__ import annotations

from pathlib import Path

from .._runtime.errors import FileFormatError
from .._runtime.optional import import_or_explain
from .._space.volume import Volume
from ._guard import check_size, reading, writing
from ._options import Options

_PIXELS = {
    "8-bit unsigned integer": "u1", "8-bit signed integer": "i1", "16-bit unsigned integer": "u2",
    "16-bit signed integer": "i2", "32-bit unsigned integer": "u4", "32-bit signed integer": "i4",
    "64-bit unsigned integer": "u8", "64-bit signed integer": "i8", "32-bit float": "f4",
    "64-bit float": "f8",
}  # fmt: skip


def load_metaimage(path: Path, options: Options) -> Volume:
    """Load a MetaImage: axes are slice, row, column, then time or channel."""
    sitk = import_or_explain("SimpleITK")
    with reading(path, "MetaImage"):
        if not path.is_file():
            raise FileNotFoundError(path)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("MetaImageIO")
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        # A component of a vector image is what SimpleITK calls it without "vector of".
        name = sitk.GetPixelIDValueAsString(reader.GetPixelID()).replace("vector of ", "")
        shape = (*reader.GetSize(), reader.GetNumberOfComponents())
        need = check_size(shape, _PIXELS.get(name, "u1"), options.max_bytes)
        _check_bytes(path, need)
        image = reader.Execute()
        if image.GetDimension() == 2:
            image = sitk.JoinSeries(image)
        volume = Volume.from_sitk(image)
        return Volume(volume.data, volume.affine, {**volume.meta, "source": "metaimage"})


def _check_bytes(path: Path, need: int) -> None:
    """Refuse a truncated file: ITK returns a full image without a word."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    fields = {}
    end = 0
    for line in head.split(b"\n"):
        end += len(line) + 1
        key, _, value = line.partition(b"=")
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() == b"elementdatafile":
            break
    if fields.get(b"compresseddata", b"False").lower() == b"true":
        return  # zlib notices
    data_file = fields.get(b"elementdatafile", b"LOCAL").decode(errors="replace")
    if data_file.upper() == "LOCAL":
        have = path.stat().st_size - end
    elif (path.parent / data_file).is_file():
        have = (path.parent / data_file).stat().st_size
    else:
        return
    if have < need:
        raise FileFormatError(f"truncated: the voxels need {need} bytes, there are {have}")


def save_metaimage(volume: Volume, path: Path) -> Path:
    """Write ``.mha``, or ``.mhd`` with its ``.zraw`` beside it, compressed."""
    sitk = import_or_explain("SimpleITK")
    image = volume.to_sitk()
    with writing(path) as temporary:
        sitk.WriteImage(image, str(temporary), useCompression=True)
    return path
