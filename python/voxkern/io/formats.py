# SPDX-License-Identifier: Apache-2.0
"""The file formats: one table, by which `load` reads and `save` writes.

A new format is a row here and a module with the functions that the row names. A load function takes a path
and the `Options`; a save function takes a volume and a path.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Format:
    """One row of the table. Functions are named "module:function", within this package."""

    name: str
    suffixes: tuple[str, ...]
    load: str
    save: str = ""
    saved: tuple[str, ...] = ()  # the suffixes `save` takes
    folder: str = ""  # what `save` calls the format of a folder of such files
    packages: tuple[str, ...] = ()  # what `save` imports, and the extra that brings it
    extra: str = "io"
    placeless: bool = False  # the files have no geometry of their own: spacing= may give it
    head: bytes = b""  # the first bytes match this, where formats share a suffix
    store: tuple[str, ...] = ()  # it is a folder, with one of these files in it

    def holds(self, folder: Path) -> bool:
        """Tell whether a folder is a store of this format."""
        return any((folder / name).is_file() for name in self.store)


FORMATS = (
    Format("dicom", (), "dicom:load_dicom", "dicom._write:save_dicom", folder="dicom"),
    Format(
        "nifti", (".nii", ".nii.gz"), "_nifti:load_nifti", "_nifti:save_nifti", (".nii", ".nii.gz"),
        packages=("nibabel",),
    ),
    Format("nibabel", (".mnc", ".mnc.gz", ".mgz", ".mgh", ".hdr"), "_nibabel:load_nibabel"),
    Format(
        "metaimage", (".mha", ".mhd"), "_itk:load_metaimage", "_itk:save_metaimage", (".mha", ".mhd"),
        packages=("SimpleITK",),
    ),
    Format(
        "nrrd", (".nrrd", ".nhdr"), "_nrrd:load_nrrd", "_nrrd:save_nrrd", (".nrrd",), packages=("nrrd",)
    ),
    Format("envi", (".hdr",), "_envi:load_envi", placeless=True, head=rb"(?i)\s*ENVI"),
    Format("interfile", (".hv", ".h33", ".hdr"), "_interfile:load_interfile", head=rb"(?is).{,191}INTERFILE"),
    Format("tiff", (".tif", ".tiff"), "_plain:load_tiff", placeless=True),
    Format("npz", (".npz",), "_plain:load_npz", "_plain:save_npz", (".npz",)),
    Format(
        "pictures", (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".gif"),
        "_plain:load_pictures", "_plain:save_pictures", (".png",), folder="png", packages=("PIL",),
        placeless=True,
    ),
    Format(
        "zarr", (".nii.zarr", ".ome.zarr", ".zarr"), "_zarr:load_zarr", "_zarr:save_zarr",
        (".nii.zarr", ".ome.zarr", ".zarr"),
        packages=("zarr",), extra="zarr", store=("zarr.json", ".zgroup", ".zarray"),
    ),
    Format("raw", (), "_plain:load_raw", placeless=True),
)  # fmt: skip
BY_NAME = {f.name: f for f in FORMATS}
SAVED = {suffix: f for f in FORMATS for suffix in f.saved}
FOLDERS = {f.folder: f for f in FORMATS if f.folder}
_SUFFIXES = {suffix for f in FORMATS for suffix in f.suffixes}


def suffix_of(path: Path, known: Iterable[str] = _SUFFIXES) -> str:
    """Return the longest known suffix of a file name, empty where there is none."""
    name = path.name.lower()
    return max((s for s in known if name.endswith(s)), key=len, default="")


def format_of(path: Path) -> Format:
    """Return the format of a file: by its suffix, then by its first bytes; DICOM where neither tells.

    A folder is DICOM unless it is the store of a format.
    """
    if path.is_dir():
        return next((f for f in FORMATS if f.holds(path)), BY_NAME["dicom"])
    suffix = suffix_of(path)
    rows = [f for f in FORMATS if suffix in f.suffixes] or [BY_NAME["dicom"]]
    if len(rows) > 1:
        with path.open("rb") as file:
            first = file.read(2048)
        rows = [f for f in rows if f.head and re.match(f.head, first)] or [f for f in rows if not f.head]
    return rows[0]


def function(name: str) -> Callable[..., Any]:
    """Import the function that a row names."""
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f".{module}", __package__), attribute)
    return found
