# SPDX-License-Identifier: Apache-2.0
"""Volumes to files. The writers import their packages when they are first called."""

from __future__ import annotations

import os
from pathlib import Path

from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import as_volume
from .._runtime.validate import word
from .._space.volume import Volume
from .formats import FOLDERS, SAVED, function, suffix_of


def save(volume: Volume, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
    """Write a volume; complete or not at all.

    Parameters
    ----------
    volume : Volume
        What to write; or a nibabel or SimpleITK image, of which voxels and place are written.
    path : path
        ``.nii``, ``.nii.gz``, ``.mha``, ``.mhd``, ``.nrrd``, ``.npz``, ``.png`` (one slice); or a folder that
        does not exist yet (or is empty), for one file per index of the first axis.
    format : {"dicom", "png"}, optional
        What to write into a folder. Default: a DICOM series with new UIDs and no identity.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    ArgumentError
        For another suffix, a folder in use, or data the format cannot hold.

    Examples
    --------
    >>> import numpy as np, tempfile, voxkern as vk
    >>> volume = vk.Volume(np.zeros((4, 5, 6), np.int16), np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vk.load(vk.save(volume, folder + "/zeros.nii.gz")).shape
    (4, 5, 6)
    """
    volume = as_volume(volume)
    if not isinstance(volume, Volume):
        raise ArgumentTypeError(f"volume: got {type(volume).__name__}, allowed a Volume")
    if format is not None:
        word(format, "format", FOLDERS)
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(f"path: got {type(path).__name__}, allowed a path")
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise ArgumentError("path: got an empty name or one with a zero byte, allowed a file or folder")
    target = Path(path)
    if not target.parent.is_dir():
        raise ArgumentError(f"path: got {target}, allowed a file in a folder that exists")
    in_folder = format is not None or target.is_dir()
    suffix = "" if in_folder else suffix_of(target, SAVED)
    if not suffix and not in_folder and target.suffix:
        raise ArgumentError(f"path: got {target.name}, allowed {', '.join(SAVED)} or a folder")
    kind = SAVED[suffix] if suffix else FOLDERS[format or "dicom"]
    written: Path = function(kind.save)(volume, target)
    return written
