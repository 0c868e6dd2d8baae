# SPDX-License-Identifier: Apache-2.0
"""Small files that unpack to a gigabyte, or say they do, and a process for each that loads it.

    python tests/hostile.py FOLDER [MAX_BYTES]

writes them into an empty folder. Where there are files it tries to load each, in a process of its own and
with ``max_bytes`` of 100 MB, and prints the most memory that has taken.
"""

import gzip
import importlib
import io
import os
import re
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
from dicom_factory import make_slice

MAX_BYTES = 100_000_000
GIGABYTE = 1 << 30
_CHUNK = 16 << 20


def deflated(start, zeros):
    """Return a raw deflate stream of some bytes and many zeros, without making them all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    one = packer.compress(bytes(_CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back: the block may come again and again.
    return packed + one * (zeros // _CHUNK) + packer.flush()


def gzipped(start, zeros):
    """Return a gzip file of them; no reader comes as far as its wrong checksum."""
    size = struct.pack("<2I", 0, (len(start) + zeros) & 0xFFFFFFFF)
    return gzip.compress(b"")[:10] + deflated(start, zeros) + size


def zipped(path, members, declared=None):
    """Write a zip archive of (name, start, zeros), whatever size the directory declares."""
    body, directory = io.BytesIO(), io.BytesIO()
    for name, start, zeros in members:
        packed, offset = deflated(start, zeros), body.tell()
        size = len(start) + zeros if declared is None else declared
        sizes = struct.pack("<5H3I2H", 20, 0, 8, 0, 33, 0, len(packed), size, len(name), 0)
        body.write(b"PK\3\4" + sizes + name + packed)
        directory.write(
            b"PK\1\2" + struct.pack("<H", 20) + sizes + struct.pack("<3H2I", 0, 0, 0, 0, offset) + name
        )
    end = struct.pack("<4H2IH", 0, 0, len(members), len(members), directory.tell(), body.tell(), 0)
    path.write_bytes(body.getvalue() + directory.getvalue() + b"PK\5\6" + end)


def dicom(pixels, syntax="1.2.840.10008.1.2.1", **tags):
    """Return the bytes of a slice."""
    buffer = io.BytesIO()
    ds = make_slice(pixels, (0, 0, 0), series_uid="1.2.3", **tags)
    ds.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def mosaic():
    """Return a slice that is read as a whole."""
    return dicom(np.zeros((5, 7), np.int16), ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])


def elements(groups=4):
    """Return a slice with as many private elements as there can be, and nothing in them."""
    one = b"".join(struct.pack("<2H2sH", 0x0029, 0x1000 + k, b"LO", 0) for k in range(0xEFFF))
    head, mark, pixels = mosaic().partition(b"\xe0\x7f\x10\0")
    all_of_them = [one.replace(b"\x29\0", struct.pack("<H", 0x29 + 2 * k)) for k in range(groups)]
    return b"".join([head, *all_of_them, mark, pixels])


def gif(path, frames):
    """Write an animation of black pictures of nine million pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.zeros((3000, 3000), np.uint8)).save(buffer, "GIF")
    whole = buffer.getvalue()
    start = whole.index(b"\x2c\0\0\0\0")  # the image descriptor; everything before it is the header
    path.write_bytes(whole[:start] + whole[start:-1] * frames + whole[-1:])


def write_all(folder):
    """Write every kind of them."""
    slice_bytes = dicom(np.zeros((5, 7), np.int16))
    (folder / "zeros.dcm.gz").write_bytes(gzipped(b"", GIGABYTE))
    (folder / "slice.dcm.gz").write_bytes(gzipped(slice_bytes, GIGABYTE))
    zipped(folder / "zeros.zip", [(b"a", b"", GIGABYTE), (b"b", b"", GIGABYTE)])
    zipped(folder / "slices.zip", [(b"%d" % k, slice_bytes, GIGABYTE) for k in range(3)])
    zipped(folder / "nothing.zip", [(b"a", mosaic(), GIGABYTE)], declared=0)
    whole = dicom(np.zeros((5, 7), np.int16), syntax="1.2.840.10008.1.2.1.99")
    at = 144 + int.from_bytes(whole[140:144], "little")  # the length of the file meta information
    dataset = zlib.decompress(whole[at:], -zlib.MAX_WBITS)
    (folder / "deflated.dcm").write_bytes(whole[:at] + deflated(dataset, GIGABYTE))
    (folder / "elements.dcm").write_bytes(elements())
    gif(folder / "frames.gif", 100)
    nifti = struct.pack("<I", 348) + bytes(36) + struct.pack("<8h", 3, 4, 4, 4, 1, 1, 1, 1) + bytes(14)
    nifti += struct.pack("<2h", 2, 8) + bytes(2) + struct.pack("<9f", 1, 1, 1, 1, 0, 0, 0, 0, 352)
    nifti += bytes(344 - len(nifti)) + b"n+1\0" + bytes(4)
    (folder / "x.nii.gz").write_bytes(gzipped(nifti, GIGABYTE))
    nrrd = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 4 4\nencoding: gzip\n\n"
    (folder / "x.nrrd").write_bytes(nrrd + gzipped(b"", GIGABYTE))
    meta = b"ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_UCHAR\nCompressedData = True\n"
    body = b"\x78\xda" + deflated(b"", GIGABYTE)
    size = b"CompressedDataSize = %d\nElementDataFile = LOCAL\n" % len(body)
    (folder / "x.mha").write_bytes(meta + size + body)
    (folder / "x.mgz").write_bytes(gzipped(struct.pack(">7i", 1, 4, 4, 4, 1, 0, 0) + bytes(256), GIGABYTE))
    zipped(folder / "x.npz", [(n, b"", GIGABYTE) for n in (b"data.npy", b"affine.npy", b"meta.npy")])


def load_apart(path, max_bytes):
    """Load a file in a child; print what came of it, and the most MiB that the child has taken."""
    import voxkern as vk

    sys.stdout.flush()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            print(f"{path.name}: peak 0 MiB: ended with {status}")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            outcome = repr(vk.load(path, max_bytes=max_bytes))
        except (vk.LoadError, vk.MissingPackageError) as error:
            outcome = f"{type(error).__name__}: {error}"
    # Not ru_maxrss: a child begins with its parent's, who may have run 15,000 tests.
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) >> 10
    print(f"{path.name}: {path.stat().st_size} bytes, peak {peak} MiB: {outcome}", flush=True)
    os._exit(0)


def main(folder, max_bytes=MAX_BYTES):
    """Load every one of them, and archives again by zlib alone; print what each took."""
    importlib.import_module("voxkern.io.dicom")  # here: what children import counts as theirs
    archives = sorted(folder.glob("*.zip"))
    for path in [*sorted(folder.iterdir()), *archives]:
        if archives and path is archives[0]:
            sys.modules["deflate"] = None
        if path.is_file():
            load_apart(path, max_bytes)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if not any(where.iterdir()):
        write_all(where)
    else:
        main(where, *map(int, sys.argv[2:]))
