# SPDX-License-Identifier: Apache-2.0
"""Files to volumes and back. The readers import their packages when they are first called."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import ArgumentError, ArgumentTypeError, FileFormatError
from .._volume import Volume

if TYPE_CHECKING:
    from .dicom import SeriesInfo

NIFTI_SUFFIXES = (".nii", ".nii.gz")


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((s for s in sorted(NIFTI_SUFFIXES, key=len, reverse=True) if name.endswith(s)), "")


def load(path: Any, *, series: str | None = None) -> Volume:
    """Load an image with its geometry.

    Parameters
    ----------
    path : path, or iterable of paths or pydicom Datasets
        A NIfTI file (``.nii``, ``.nii.gz``), or a DICOM series: a folder (searched with its
        subfolders), one file, several files or Datasets, in any order.
    series : str, optional
        The ``uid`` of one of several series, as `list_series` gives it.

    Returns
    -------
    Volume
        DICOM axes are slice, row, column; NIfTI axes as stored. DICOM values are
        stored * slope + intercept per slice: integers where that is exact, else float32.

    Raises
    ------
    LoadError
        Its kinds: `FileFormatError` (unreadable), `NoImagesError`, `SeveralSeriesError` (lists them),
        `GeometryError` and `IrregularSpacingError` (says which gaps), `UnsupportedSeriesError`.

    Notes
    -----
    Geometry comes from image position and orientation alone. Nothing that identifies the patient
    is kept.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> vk.load(get_testdata_file("CT_small.dcm"))
    Volume(shape=(1, 128, 128), dtype=int16, spacing=5 x 0.6615 x 0.6615 mm, orientation='SPL')
    """
    if isinstance(path, str | os.PathLike):
        location = Path(path)
        if _suffix(location) and not location.is_dir():
            from .nifti import load_nifti

            return load_nifti(location)
        if not location.exists():
            raise FileFormatError(f"{location}: no such file or folder")
    elif not isinstance(path, Iterable):
        raise ArgumentTypeError(f"path: got {type(path).__name__}, allowed a path or a list of files")
    from .dicom import load_dicom

    return load_dicom(path, series=series)


def list_series(path: Any) -> list[SeriesInfo]:
    """List the DICOM volumes under a folder or among files.

    Parameters
    ----------
    path : path, or iterable of paths or pydicom Datasets
        As in `load`.

    Returns
    -------
    list of SeriesInfo
        ``.uid`` (accepted by ``load(series=)``), ``.modality``, ``.description``, ``.n_files``,
        ``.shape``; nothing that identifies the patient.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> [(s.modality, s.shape) for s in vk.list_series(get_testdata_file("CT_small.dcm"))]
    [('CT', (1, 128, 128))]
    """
    from .dicom import list_dicom

    return list_dicom(path)


def save(volume: Volume, path: str | os.PathLike[str]) -> Path:
    """Write a volume; complete or not at all.

    Parameters
    ----------
    volume : Volume
        What to write.
    path : path
        ``.nii`` or ``.nii.gz``, or a folder that does not exist yet (or is empty) for a DICOM series
        with new UIDs and no identity, one file per index of the first axis.

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
    if not isinstance(volume, Volume):
        raise ArgumentTypeError(f"volume: got {type(volume).__name__}, allowed a Volume")
    target = Path(path)
    if not target.parent.is_dir():
        raise ArgumentError(f"path: got {target}, but the folder {target.parent} does not exist")
    if _suffix(target):
        from .nifti import save_nifti

        return save_nifti(volume, target)
    if target.suffix and not target.is_dir():
        raise ArgumentError(
            f"path: got {target.name}, allowed {', '.join(NIFTI_SUFFIXES)} or a folder for DICOM"
        )
    from ._write_dicom import save_dicom

    return save_dicom(volume, target)
