# SPDX-License-Identifier: Apache-2.0
"""Fuzz bytes-to-volume: whatever the bytes are, a volume or a typed error, in bounded time and memory.

    pip install atheris && PYTHONPATH=tests python tests/io/fuzz_load.py -max_total_time=300

Coverage-guided, from small files of every format. What it finds goes into tests/io/test_fuzz_finds.py.
"""

import io
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["voxkern", "pydicom", "nibabel", "nrrd", "spectral", "tifffile"]):
    import nibabel
    import nrrd  # noqa: F401
    import pydicom
    import spectral.io.envi  # noqa: F401
    import tifffile

    import voxkern as vk
    import voxkern.io._envi
    import voxkern.io._interfile
    import voxkern.io.dicom

import imagecodecs
import numpy as np
from dicom_factory import make_enhanced, make_slice
from pydicom.encaps import encapsulate

SUFFIXES = [
    ".dcm",
    ".nii",
    ".nii.gz",
    ".mnc",
    ".mgz",
    ".hdr",
    ".mha",
    ".nrrd",
    ".hv",
    ".tif",
    ".png",
    ".npz",
    ".gif",
]
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def seeds():
    """Yield a suffix and the bytes of a good small file."""
    pixels = np.arange(30, dtype=np.int16).reshape(5, 6)
    for ds in (
        make_slice(pixels, (0, 0, 0), series_uid="1.2.3", SliceThickness=2),
        make_enhanced(
            np.arange(24, dtype=np.uint16).reshape(4, 2, 3), positions=[(0, 0, k) for k in range(4)]
        ),
    ):
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, ds)
        yield ".dcm", buffer.getvalue()
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, ds)
        yield ".dcm", buffer.getvalue()
    for syntax, encode in (
        ("5", None),
        ("4.80", imagecodecs.jpegls_encode),
        ("4.90", lambda x: imagecodecs.jpeg2k_encode(x, codecformat="j2k")),
        ("4.70", lambda x: imagecodecs.jpeg8_encode(x, lossless=True)),
    ):
        words = np.abs(pixels).astype(np.uint16)
        ds = make_slice(words, (0, 0, 0), series_uid="1.2.3", SliceThickness=2)
        if encode is None:
            ds.compress("1.2.840.10008.1.2.5", words)
        else:
            ds.PixelData = encapsulate([encode(words)])
            ds["PixelData"].is_undefined_length = True
            ds.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, ds)
        yield ".dcm", buffer.getvalue()
    volume = vk.Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    for suffix in (".nii", ".nii.gz", ".mha", ".nrrd", ".npz"):
        yield suffix, vk.save(volume, FOLDER / f"seed{suffix}").read_bytes()
    nibabel.save(nibabel.MGHImage(volume.data.astype(np.float32), np.eye(4)), FOLDER / "seed.mgz")
    yield ".mgz", (FOLDER / "seed.mgz").read_bytes()
    data = Path(nibabel.__file__).parent / "tests" / "data"
    yield ".mnc", (data / "tiny.mnc").read_bytes()
    yield ".mnc", (data / "minc2_1_scale.mnc").read_bytes()
    yield (
        ".hdr",
        b"ENVI\nlines = 2\nsamples = 3\nbands = 4\ndata type = 2\ninterleave = bsq\nbyte order = 0\n",
    )
    yield ".hdr", nibabel.AnalyzeHeader().binaryblock
    yield ".hv", b"!INTERFILE :=\n!name of data file := x.hv\n!matrix size [1] := 3\n!matrix size [2] := 2\n"
    tifffile.imwrite(FOLDER / "seed.tif", np.zeros((2, 3, 4), np.uint8), photometric="minisblack")
    yield ".tif", (FOLDER / "seed.tif").read_bytes()
    yield ".png", vk.save(vk.Volume(np.zeros((1, 3, 4), np.uint8), np.eye(4)), FOLDER / "s.png").read_bytes()


def load_bytes(data):
    """Load what the first byte calls a format; anything but a volume or a LoadError is a find."""
    if len(data) < 2:
        return
    suffix = SUFFIXES[data[0] % len(SUFFIXES)]
    if suffix == ".dcm":
        source = io.BytesIO(data[1:])
    else:
        source = FOLDER / f"x{suffix}"
        source.write_bytes(data[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            volume = vk.load(source, max_bytes=16 << 20)
        except (vk.LoadError, vk.MissingPackageError):
            return
    assert np.isfinite(volume.affine).all()
    assert volume.data.nbytes <= 128 << 20
    np.asarray(volume.data).sum()


def main():
    """Write the corpus and hand over to libFuzzer."""
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for k, (suffix, content) in enumerate(seeds()):
        (corpus / f"{k:02d}{suffix}").write_bytes(bytes([SUFFIXES.index(suffix)]) + content)
    options = ["-timeout=20", "-rss_limit_mb=3000", "-max_len=100000", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], load_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
