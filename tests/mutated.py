# SPDX-License-Identifier: Apache-2.0
"""Small good files of every format, changed at random: whatever the bytes are, a volume or a typed error.

    python tests/mutated.py SECONDS [SEED [NAME]]

loads changed files for so many seconds of processor time, in 4 GB of memory and 30 seconds a file. It prints
what came out as anything else, with the bytes that did it: they belong into tests/io/test_fuzz_finds.py. The
file that was loaded last lies in the folder it names, should the process end before its time.

tests/io/test_mutated.py loads a few changed files in every run, and ``nox -s nightly`` many within
these limits.
"""

import base64
import faulthandler
import gzip
import importlib
import io
import random
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
from dicom_factory import make_enhanced, make_slice
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

import voxkern as vk

MAX_BYTES = 16 << 20
LONGEST = 30  # seconds for a file of some kilobytes
WORDS = [
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    64,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
]
TEXTS = [b"0", b"-1", b"1e400", b"nan", b"9" * 20, b"", b"\\", b"1.5", b"%s", b"/dev/zero", b"..", b"\0"]


def dicom_bytes(ds, syntax=None):
    """Return a file of a Dataset, in a transfer syntax of uncompressed pixels where one is given."""
    buffer = io.BytesIO()
    if syntax is not None:
        ds.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax == "1.2.840.10008.1.2", syntax != "1.2.840.10008.1.2.2"
    pydicom.dcmwrite(buffer, ds, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return buffer.getvalue()


def dicom_seeds():
    """Yield names and bytes of DICOM files."""
    imagecodecs = importlib.import_module("imagecodecs")
    pixels = np.arange(30, dtype=np.int16).reshape(5, 6)

    def slice_(words=pixels, k=0, **tags):
        return make_slice(words, (0, 0, 2.0 * k), series_uid="1.2.3", SliceThickness=2, **tags)

    for name, syntax in (("explicit", "2.1"), ("implicit", "2"), ("big", "2.2"), ("deflated", "2.1.99")):
        yield f"{name}.dcm", dicom_bytes(slice_(), f"1.2.840.10008.1.{syntax}")
    yield "bare.dcm", dicom_bytes(slice_(), "1.2.840.10008.1.2")[132:]
    yield "packed.dcm.gz", gzip.compress(dicom_bytes(slice_()))
    frames = np.arange(24, dtype=np.uint16).reshape(4, 2, 3)
    places = [(0, 0, k) for k in range(4)]
    yield "enhanced.dcm", dicom_bytes(make_enhanced(frames, positions=places, slopes=[1, 2, 3, 4]))
    colour = slice_(np.zeros((5, 18), np.uint8), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    colour.Columns, colour.PlanarConfiguration = 6, 0
    yield "colour.dcm", dicom_bytes(colour)
    tiles = slice_(np.zeros((8, 8), np.int16), ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"])
    items = [Dataset(), Dataset(), Dataset()]
    for k, item in enumerate(items):
        item.ImagePositionPatient, item.ImageOrientationPatient = [1, 2, 5.0 * k], [1, 0, 0, 0, 1, 0]
    block = tiles.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x50, "DS", "3")
    block.add_new(0x51, "SQ", Sequence(items))
    yield "tiles.dcm", dicom_bytes(tiles)
    dose = slice_(np.zeros((12, 4), np.uint16), Modality="RTDOSE", NumberOfFrames=3, DoseGridScaling=0.5)
    dose.SOPClassUID, dose.Rows = "1.2.840.10008.5.1.4.1.1.481.2", 4
    dose.file_meta.MediaStorageSOPClassUID = dose.SOPClassUID
    dose.GridFrameOffsetVector = [0, 2, 4]
    yield "dose.dcm", dicom_bytes(dose)
    words = np.abs(pixels).astype(np.uint16)
    for syntax, encode in (
        ("5", None),
        ("4.50", lambda x: imagecodecs.jpeg8_encode(x.astype(np.uint8))),
        ("4.70", lambda x: imagecodecs.jpeg8_encode(x, lossless=True)),
        ("4.80", imagecodecs.jpegls_encode),
        ("4.90", lambda x: imagecodecs.jpeg2k_encode(x, codecformat="j2k")),
        ("4.110", imagecodecs.jpegxl_encode),
    ):
        ds = slice_(words.astype(np.uint8) if syntax == "4.50" else words)
        if encode is None:
            ds.compress("1.2.840.10008.1.2.5", words)
        else:
            ds.PixelData = encapsulate([encode(words)])
            ds["PixelData"].is_undefined_length = True
            # pydicom writes no JPEG XL: its name is put in afterwards.
            known = syntax.replace("4.110", "4.90")
            ds.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{known}"
        content = dicom_bytes(ds)
        if syntax == "4.110":
            old, new = b"UI\x16\0" + b"1.2.840.10008.1.2.4.90", b"UI\x18\0" + b"1.2.840.10008.1.2.4.110\0"
            content = content.replace(old, new)
        yield f"{syntax}.dcm", content
    slices = [dicom_bytes(slice_(k=k, InstanceNumber=k)) for k in range(3)]
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for k, content in enumerate(slices):
                archive.writestr(f"{k}.dcm", content)
        yield f"{name}.zip", buffer.getvalue()


def other_seeds(folder):
    """Yield names and bytes of files of other formats; what lies beside them is put into ``folder``."""
    import nibabel as nib
    import tifffile
    from PIL import Image

    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    volume = vk.Volume(voxels, np.eye(4))
    for suffix in (".nii", ".nii.gz", ".mha", ".nrrd", ".npz"):
        yield f"saved{suffix}", vk.save(volume, folder / f"seed{suffix}").read_bytes()
    scaled = nib.Nifti1Image(voxels, np.eye(4))
    scaled.header.set_slope_inter(0.5, 3)
    yield "scaled.nii", scaled.to_bytes()
    yield "second.nii", nib.Nifti2Image(voxels, np.eye(4)).to_bytes()
    mgh = nib.MGHImage(voxels.astype(np.float32), np.eye(4)).to_bytes()
    yield "plain.mgh", mgh
    yield "packed.mgz", gzip.compress(mgh)
    data = Path(nib.__file__).parent / "tests" / "data"
    yield "first.mnc", (data / "tiny.mnc").read_bytes()
    yield "second.mnc", (data / "minc2_1_scale.mnc").read_bytes()
    beside = voxels.tobytes()
    for suffix in (".img", ".raw", ""):
        for name in ("analyze", "pair", "envi", "interfile", "detached"):
            (folder / f"{name}{suffix}").write_bytes(beside)
    header = nib.AnalyzeHeader()
    header.set_data_shape((4, 3, 2))
    header.set_data_dtype(np.int16)
    yield "analyze.hdr", header.binaryblock
    nib.save(nib.Nifti1Pair(voxels, np.eye(4)), folder / "pair.img")
    yield "pair.hdr", (folder / "pair.hdr").read_bytes()
    yield (
        "envi.hdr",
        b"ENVI\nlines = 2\nsamples = 3\nbands = 4\ndata type = 2\ninterleave = bil\nbyte order = 0\n"
        b"header offset = 0\nwavelength = { 1.0, 2.0, 3.0, 4.0 }\ndata ignore value = 0\n",
    )
    yield (
        "interfile.hv",
        b"!INTERFILE :=\n!name of data file := interfile.raw\n!matrix size [1] := 4\n!matrix size [2] := 3\n"
        b"!matrix size [3] := 2\n!number format := signed integer\n!number of bytes per pixel := 2\n"
        b"imagedata byte order := LITTLEENDIAN\nscaling factor (mm/pixel) [1] := 1.5\n",
    )
    meta = (
        b"ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementSpacing = 1 1 2\n"
        b"TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementByteOrderMSB = False\n"
    )
    yield "plain.mha", meta + b"ElementDataFile = LOCAL\n" + voxels.tobytes()
    yield "detached.mhd", meta + b"ElementDataFile = detached.raw\n"
    nrrd = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\nspace: LPS\n"
    nrrd += b"space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (0,0,0)\nkinds: domain domain domain\n"
    yield "plain.nrrd", nrrd + b"encoding: raw\n\n" + voxels.tobytes()
    yield "text.nrrd", nrrd + b"encoding: ascii\n\n" + " ".join(map(str, voxels.ravel())).encode()
    yield "detached.nhdr", nrrd + b"encoding: raw\ndata file: detached.raw\n"
    pages = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for name, options in (("plain", {}), ("packed", {"compression": "zlib"}), ("tiled", {"tile": (16, 16)})):
        tifffile.imwrite(folder / "seed.tif", pages, photometric="minisblack", **options)
        yield f"{name}.tif", (folder / "seed.tif").read_bytes()
    for suffix in (".png", ".jpg", ".bmp", ".pgm", ".gif"):
        first, *rest = map(Image.fromarray, pages)
        more = {"save_all": True, "append_images": rest} if suffix == ".gif" else {}
        first.save(folder / f"seed{suffix}", **more)
        yield f"picture{suffix}", (folder / f"seed{suffix}").read_bytes()


def seeds(folder):
    """Return the bytes of every good file by its name."""
    return dict([*dicom_seeds(), *other_seeds(folder)])


def unpack(name, content):
    """Return what a change can be made to within a packed file, and how to pack it again."""
    if name.endswith(("gz", ".mgz")):
        return gzip.decompress(content), lambda inner: gzip.compress(inner, 1)
    if name == "deflated.dcm":
        at = 144 + int.from_bytes(content[140:144], "little")  # the length of the file meta information
        inner = zlib.decompress(content[at:], -zlib.MAX_WBITS)
        return inner, lambda inner: content[:at] + zlib.compress(inner, 1)[2:-4]
    if name.endswith((".npz", ".zip")):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {member: archive.read(member) for member in archive.namelist()}
        ends = np.cumsum([len(part) for part in parts.values()])[:-1]

        def pack(inner):
            buffer = io.BytesIO()
            starts = [0, *map(int, ends), None]
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, start, end in zip(parts, starts[:-1], starts[1:], strict=True):
                    archive.writestr(member, inner[start:end])
            return buffer.getvalue()

        return b"".join(parts.values()), pack
    if name == "saved.mha":
        head, mark, packed = content.partition(b"ElementDataFile = LOCAL\n")
        return zlib.decompress(packed), lambda inner: head + mark + zlib.compress(inner, 1)
    return content, bytes


def changed(content, rng):
    """Return bytes with a few changes, of the kinds that parsers trip over."""
    data = bytearray(content)
    for _ in range(1 + min(int(rng.expovariate(0.7)), 8)):
        if not data:
            return bytes(data)
        # Headers are what parsers read: half of the changes are in the first bytes.
        at = rng.randrange(min(len(data), 400) if rng.random() < 0.5 else len(data))
        kind = rng.randrange(9)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            size, order = rng.choice("BHIQ"), rng.choice("<>")
            word = struct.pack(order + size, rng.choice(WORDS) % (1 << 8 * struct.calcsize(size)))
            data[at : at + len(word)] = word
        elif kind == 3:
            number = rng.choice([0.0, -1.0, 1e30, 1e-30, float("nan"), float("inf")])
            data[at : at + 4] = struct.pack(rng.choice("<>") + "f", number)
        elif kind == 4:
            del data[at : at + rng.choice([1, 2, 4, 8, 100])]
        elif kind == 5:
            data[at:at] = data[rng.randrange(len(data)) :][: rng.choice([1, 2, 4, 8, 100])]
        elif kind == 6:
            del data[at:]
        elif kind == 7:
            digits = [k for k, byte in enumerate(data) if 48 <= byte < 58]
            if digits:
                at = rng.choice(digits)
                data[at : at + 1] = rng.choice(TEXTS)
        else:
            size = rng.choice([2, 4, 8, 16, 64])
            other = rng.randrange(len(data))
            data[at : at + size] = data[other : other + size]
    return bytes(data)


def another(name, content, rng):
    """Return a changed file; of a packed one often its content, in sound packing."""
    inner, pack = unpack(name, content)
    if rng.random() < 0.3:
        return changed(content, rng)
    return pack(changed(inner, rng))


def fault(path):
    """Return what loading did that it must not, empty where it was a volume or a typed error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            volume = vk.load(path, max_bytes=MAX_BYTES)
            if not np.isfinite(volume.affine).all():
                return "an affine that is not finite"
            if volume.data.nbytes > 8 * MAX_BYTES:
                return f"{volume.data.nbytes} bytes"
            np.asarray(volume.data).sum()
            told = repr(volume) + repr(dict(volume.meta))
        except (vk.LoadError, vk.MissingPackageError) as error:
            told = str(error)
            if "\n" in told or len(told) > 1000:
                return "a message of several lines"
        except Exception as error:
            return repr(error)
    dicom = not isinstance(path, Path) or path.name.endswith((".dcm", ".dcm.gz", ".zip"))
    return "the patient's name" if dicom and "secret" in told.lower() else ""


def main(seconds, seed=0, part=""):
    """Change and load files, with ``part`` in their names, for so many seconds of processor time."""
    resource = importlib.import_module("resource")  # of Unix alone
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    print("files in", folder, flush=True)
    good, rng, count, found, slowest = seeds(folder), random.Random(seed), 0, set(), (0.0, "")
    while time.process_time() < seconds:
        name = rng.choice([name for name in good if part in name])
        content = another(name, good[name], rng)
        path = folder / name
        path.write_bytes(content)
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        start = time.process_time()
        told = fault(path)
        slowest = max(slowest, (time.process_time() - start, name))
        faulthandler.cancel_dump_traceback_later()
        path.write_bytes(good[name])  # others may name it
        count += 1
        if told and (name, told) not in found:
            found.add((name, told))
            packed = base64.b85encode(zlib.compress(content)).decode()
            print(f"{name}: {told}\n    {packed}", flush=True)
    print(
        f"{count} files, {len(found)} kinds of faults, slowest {slowest[0]:.2f} s: {slowest[1]}", flush=True
    )
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:3]), *sys.argv[3:])))
