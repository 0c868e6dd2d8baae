# SPDX-License-Identifier: Apache-2.0
"""Fuzz bytes-to-volume: whatever the bytes are, a volume or a typed error, in bounded time and memory.

    pip install atheris && PYTHONPATH=tests python tests/io/fuzz_load.py -max_total_time=300

Coverage-guided, from small files of every format. What it finds goes into tests/io/test_fuzz_finds.py.
"""

import importlib
import io
import sys
import tempfile
from pathlib import Path

import atheris

LIBRARIES = ("pydicom", "nibabel", "nrrd", "spectral", "tifffile")
READERS = ("spectral.io.envi", "voxkern", "voxkern.io._envi", "voxkern.io._interfile", "voxkern.io.dicom")
with atheris.instrument_imports(include=["voxkern", *LIBRARIES]):
    for module in (*LIBRARIES, *READERS):
        importlib.import_module(module)
    mutated = importlib.import_module("mutated")

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
    told = mutated.fault(source)
    assert not told, told


def main():
    """Write the corpus and hand over to libFuzzer."""
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for name, content in mutated.seeds(FOLDER).items():
        known = [suffix for suffix in SUFFIXES if name.endswith(suffix)]
        if known:
            (corpus / name).write_bytes(bytes([SUFFIXES.index(max(known, key=len))]) + content)
    options = ["-timeout=20", "-rss_limit_mb=3000", "-max_len=100000", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], load_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
