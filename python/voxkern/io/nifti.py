# SPDX-License-Identifier: Apache-2.0
"""NIfTI through nibabel: it reads headers and bytes, here its answers become typed errors."""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path

import numpy as np

from .._errors import ArgumentError, ArgumentTypeError, FileFormatError
from .._optional import import_or_explain
from .._volume import Volume


def load_nifti(path: Path) -> Volume:
    """Load ``.nii`` or ``.nii.gz``: voxels as stored, float32 where the header scales them."""
    nib = import_or_explain("nibabel")
    try:
        volume = Volume.from_nibabel(nib.load(path))
        data = volume.data
        if not data.dtype.isnative:
            data = data.astype(data.dtype.newbyteorder("="))
        while data.ndim < 3:
            data = data[..., np.newaxis]
        return volume.with_data(data)
    except FileNotFoundError as error:
        raise FileFormatError(f"{path}: no such file") from error
    except (
        nib.filebasedimages.ImageFileError,
        nib.spatialimages.HeaderDataError,
        ArgumentError,
        ArgumentTypeError,
        OSError,
        EOFError,
        OverflowError,
        ValueError,
        zlib.error,
    ) as error:
        raise FileFormatError(f"{path}: not a readable NIfTI file: {error}") from error


def save_nifti(volume: Volume, path: Path) -> Path:
    """Write under a temporary name, then rename."""
    nib = import_or_explain("nibabel")
    if volume.dtype.kind in "iu" and volume.dtype.itemsize == 8:
        data = np.asarray(volume)
        if data.size and (data.min() < -(2**31) or data.max() >= 2**31):
            raise ArgumentError("volume: got 64-bit integers beyond int32, which NIfTI readers refuse")
        volume = volume.with_data(data.astype(np.int32))
    image = volume.to_nibabel()
    suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else ".nii"
    handle, name = tempfile.mkstemp(suffix=suffix, prefix=".writing-", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        nib.save(image, temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
