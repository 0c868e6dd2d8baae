# SPDX-License-Identifier: Apache-2.0
"""Volumes to files. The writers import their packages when they are first called."""

from __future__ import annotations

import os
from pathlib import Path

from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.files import checked_file
from .._runtime.images import as_volume
from .._runtime.optional import find_or_explain
from .._runtime.validate import word
from .._space.volume import Volume
from .formats import FOLDERS, SAVED, Format, function, suffix_of


def save(
    volume: Volume, path: str | os.PathLike[str], *, format: str | None = None, overwrite: bool = True
) -> Path:
    """Write a volume; complete or not at all.

    Parameters
    ----------
    volume : Volume
        What to write; or a nibabel or SimpleITK image, of which voxels and place are written.
    path : path
        ``.nii``, ``.nii.gz``, ``.mha``, ``.mhd``, ``.nrrd``, ``.npz``, ``.png`` (one slice), ``.nii.zarr``,
        ``.ome.zarr`` (or ``.zarr``); or an empty folder, for one file per index of the first axis.
    format : {"dicom", "png"}, optional
        What to write into a folder, which need not exist then. Default for one that does: a DICOM series
        with new UIDs and no identity.
    overwrite : bool
        Whether what is there already may be replaced. Folders with files in them never are, Zarr stores
        excepted.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    ArgumentError
        For another suffix or none, something there that shall stay, or data the format cannot hold.
    SaveError
        The disk is full, or the folder cannot be written to. The old file is as it was then, as it is
        after a signal that ends the process; the next save into that folder removes what it left.

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
    target, kind = checked_target(path, format=format, overwrite=overwrite)
    written: Path = function(kind.save)(volume, target)
    return written


def checked_target(
    path: str | os.PathLike[str], *, format: str | None = None, overwrite: bool = True
) -> tuple[Path, Format]:
    """Return where and in which format `save` would write; its errors come before any work is done."""
    if format is not None:
        word(format, "format", FOLDERS)
    target = checked_file(path, overwrite=overwrite, folder=True)
    suffix = suffix_of(target, SAVED)
    if suffix and format:
        raise ArgumentError(
            f"format: got {format!r} for {target.name}, allowed for a folder, without a suffix"
        )
    if not (suffix or format or target.is_dir()):
        folders = " or ".join(map(repr, FOLDERS))
        raise ArgumentError(
            f"path: got {target.name}, allowed a name that ends with {', '.join(SAVED)}, or a folder "
            f"with the format {folders}"
        )
    kind = SAVED[suffix] if suffix else FOLDERS[format or "dicom"]
    for package in kind.packages:
        find_or_explain(package, kind.extra)
    in_folder = not suffix or bool(kind.store)
    if target.exists() and target.is_dir() != in_folder:
        raise ArgumentError(f"path: got {target}, allowed a {'folder' if in_folder else 'file'} there")
    if target.is_dir() and any(target.iterdir()) and not kind.holds(target):
        raise ArgumentError(f"path: got {target}, allowed a folder that is new or empty")
    return target, kind
