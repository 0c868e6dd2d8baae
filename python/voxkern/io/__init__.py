# SPDX-License-Identifier: Apache-2.0
"""Files to volumes and back. The readers import their packages when they are first called."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from .._runtime.errors import ArgumentError, ArgumentTypeError, FileFormatError
from .._runtime.validate import per_axis
from .._space.volume import Volume

if TYPE_CHECKING:
    from .dicom import SeriesInfo

MAX_BYTES = 8 << 30  # what one load may unpack or allocate unless it is told another limit

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".gif")
_FORMATS = {
    "nifti": (".nii", ".nii.gz"),
    "nibabel": (".mnc", ".mnc.gz", ".mgz", ".mgh"),
    "header": (".hdr",),
    "metaimage": (".mha", ".mhd"),
    "nrrd": (".nrrd", ".nhdr"),
    "interfile": (".hv", ".h33"),
    "tiff": (".tif", ".tiff"),
    "pictures": _PICTURES,
    "npz": (".npz",),
}
_SUFFIXES = {suffix: name for name, suffixes in _FORMATS.items() for suffix in suffixes}
_READERS = {
    "nifti": ("_nifti", "load_nifti"),
    "nibabel": ("_nibabel", "load_nibabel"),
    "metaimage": ("_itk", "load_metaimage"),
    "nrrd": ("_nrrd", "load_nrrd"),
    "interfile": ("_interfile", "load_interfile"),
    "npz": ("_plain", "load_npz"),
    "envi": ("_envi", "load_envi"),
    "tiff": ("_plain", "load_tiff"),
}
_WITHOUT_GEOMETRY = ("envi", "tiff")
SAVED = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".npz", ".png")

_DICOM_ONLY = {
    "series": None, "missing": "error", "irregular": "error", "untilt": False, "scale": "displayed",
    "suv": False, "invert_monochrome1": False, "padding_fill": None, "return_padding": False, "keep": (),
}  # fmt: skip
_CHOICES = {
    "missing": ("error", "interpolate", "drop"),
    "irregular": ("error", "resample"),
    "scale": ("displayed", "precise"),
}


def _suffix(path: Path, known: Iterable[str] = _SUFFIXES) -> str:
    name = path.name.lower()
    return next((s for s in sorted(known, key=len, reverse=True) if name.endswith(s)), "")


@overload
def load(
    path: Any,
    *,
    series: str | None = ...,
    missing: str = ...,
    irregular: str = ...,
    untilt: bool = ...,
    scale: str = ...,
    suv: bool = ...,
    invert_monochrome1: bool = ...,
    padding_fill: float | None = ...,
    return_padding: Literal[False] = ...,
    spacing: float | Sequence[float] | None = ...,
    shape: Sequence[int] | None = ...,
    dtype: Any = ...,
    keep: Sequence[str] = ...,
    max_bytes: int = ...,
) -> Volume: ...


@overload
def load(
    path: Any,
    *,
    series: str | None = ...,
    missing: str = ...,
    irregular: str = ...,
    untilt: bool = ...,
    scale: str = ...,
    suv: bool = ...,
    invert_monochrome1: bool = ...,
    padding_fill: float | None = ...,
    return_padding: Literal[True],
    spacing: float | Sequence[float] | None = ...,
    shape: Sequence[int] | None = ...,
    dtype: Any = ...,
    keep: Sequence[str] = ...,
    max_bytes: int = ...,
) -> tuple[Volume, Volume]: ...


def load(
    path: Any,
    *,
    series: str | None = None,
    missing: str = "error",
    irregular: str = "error",
    untilt: bool = False,
    scale: str = "displayed",
    suv: bool = False,
    invert_monochrome1: bool = False,
    padding_fill: float | None = None,
    return_padding: bool = False,
    spacing: float | Sequence[float] | None = None,
    shape: Sequence[int] | None = None,
    dtype: Any = None,
    keep: Sequence[str] = (),
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Load an image with its geometry, or raise an error that says why it has none.

    Parameters
    ----------
    path : path, file object, bytes, Dataset, or iterable of these
        A DICOM series: a folder (searched with its subfolders), a zip archive, a file (gzip or not),
        several files or pydicom Datasets in any order. Or a file of another format, told by its suffix:
        NIfTI (``.nii``, ``.nii.gz``, ``.hdr``), MINC (``.mnc``), MGH (``.mgz``), Analyze (``.hdr``),
        MetaImage (``.mha``, ``.mhd``), NRRD (``.nrrd``, ``.nhdr``), ENVI (``.hdr``), Interfile (``.hv``,
        ``.h33``, ``.hdr``), TIFF, ``.npz`` as `save` writes it, PNG, JPEG, BMP, PGM, GIF (one file, a list
        or a folder of slices), or plain voxels with ``shape=`` and ``dtype=``.
    series : str, optional
        DICOM: the ``uid`` of one of several volumes, as `list_series` gives it. Without it, the one
        volume that is neither localizer nor page.
    missing : {"error", "interpolate", "drop"}
        DICOM: slices that are missing from regular ones are an error, or interpolated; ``drop`` leaves out
        incomplete time points.
    irregular : {"error", "resample"}
        DICOM: unequal distances between slices are an error, or the volume is interpolated to equal ones.
    untilt : bool
        DICOM: resample a tilted stack (CT gantry tilt) to perpendicular axes. Without it the affine is
        sheared, with one warning.
    scale : {"displayed", "precise"}
        Philips MR: the values the console shows, or the ones comparable between scans (precise).
    suv : bool
        PET: standardised uptake values by body weight; refused where a tag they need is missing.
    invert_monochrome1 : bool
        Turn an image in which small means bright.
    padding_fill : float, optional
        DICOM: replaces the values declared as padding, for instance -1000 outside a CT's circle.
    return_padding : bool
        DICOM: return ``(volume, padding)``; ``padding`` is True where a voxel is declared to be outside
        the scan.
    spacing : float or 3 floats, optional
        Millimetres from slice to slice, row to row and column to column, for files that have no geometry
        of their own (TIFF, pictures, ENVI, raw, radiographs without pixel spacing).
    shape, dtype : optional
        Of a file of plain voxels; ``dtype`` may name the byte order, as ``">i2"``.
    keep : sequence of str
        DICOM keywords such as ``"PatientID"`` whose values ``meta["kept"]`` shall hold. Nothing that
        identifies the patient is kept otherwise.
    max_bytes : int
        The most one load may unpack or allocate; 8 GiB. What a header declares is held against this and
        against the bytes there are before anything is allocated.

    Returns
    -------
    Volume
        DICOM axes are slice, row, column, then time, echo, b-value or channel (``meta["axes"]`` names
        them); other formats keep their order. DICOM values are stored * slope + intercept per slice:
        integers where that is exact, else float32. ``.nii`` and raw files are memory-mapped.

    Raises
    ------
    LoadError
        Its kinds: `FileFormatError` (unreadable), `NoImagesError`, `SeveralSeriesError` (lists them),
        `GeometryError` and `IrregularSpacingError` (says which gaps), `UnsupportedSeriesError`.
    MissingPackageError
        A package of the ``io`` extra is needed, or a decoder.

    Notes
    -----
    Geometry comes from image position and orientation alone. Extra memory for a DICOM series: one slice
    per thread.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> vk.load(get_testdata_file("CT_small.dcm"))
    Volume(shape=(1, 128, 128), dtype=int16, spacing=5 x 0.6615 x 0.6615 mm, orientation='SPL')
    """
    given: dict[str, Any] = {
        "series": series, "missing": missing, "irregular": irregular, "untilt": untilt, "scale": scale,
        "suv": suv, "invert_monochrome1": invert_monochrome1, "padding_fill": padding_fill,
        "return_padding": return_padding,
        "keep": (keep,) if isinstance(keep, str) else tuple(keep),
    }  # fmt: skip
    for name, allowed in _CHOICES.items():
        if given[name] not in allowed:
            raise ArgumentError(f"{name}: got {given[name]!r}, allowed {', '.join(allowed)}")
    if not isinstance(max_bytes, int) or max_bytes < 1:
        raise ArgumentError(f"max_bytes: got {max_bytes!r}, allowed a whole number above zero")
    steps = None if spacing is None else _spacing(spacing)
    if (shape is None) != (dtype is None):
        raise ArgumentError("shape, dtype: got one of them, allowed both (plain voxels) or none")
    one = isinstance(path, str | os.PathLike)
    if not one and not isinstance(path, Iterable) and not hasattr(path, "read"):
        raise ArgumentTypeError(f"path: got {type(path).__name__}, allowed a path, a list of files or bytes")
    if one and not Path(path).exists():
        raise FileFormatError(f"{path}: no such file or folder")

    if shape is not None:
        if not one:
            raise ArgumentTypeError("path: got several files, allowed one with shape= and dtype=")
        reader = _raw_reader(Path(path), shape, dtype, max_bytes, steps)
    else:
        reader = _reader(path, max_bytes, steps)
    if reader is None:
        from .dicom import Options, load_dicom

        del given["series"]
        return load_dicom(path, series=series, options=Options(**given, spacing=steps, max_bytes=max_bytes))
    wrong = [name for name, default in _DICOM_ONLY.items() if given[name] != default]
    if wrong:
        raise ArgumentError(f"{wrong[0]}: got {given[wrong[0]]!r}, allowed only with DICOM")
    return reader()


def _raw_reader(path: Path, shape: Sequence[int], dtype: Any, max_bytes: int, spacing: Any) -> Any:
    from ._plain import load_raw

    return lambda: load_raw(path, [int(n) for n in shape], dtype, max_bytes, spacing)


def _spacing(spacing: Any) -> tuple[float, float, float]:
    dz, dy, dx = per_axis(spacing, 3, "spacing")
    if min(dz, dy, dx) <= 0:
        raise ArgumentError(f"spacing: got {spacing!r}, allowed millimetres above zero")
    return dz, dy, dx


def _reader(path: Any, max_bytes: int, spacing: tuple[float, float, float] | None) -> Any:
    """Return what loads files other than DICOM, None where it is DICOM."""
    pictures = _pictures(path)
    if pictures:
        from ._plain import load_pictures

        return lambda: load_pictures(pictures, max_bytes, spacing)
    if not isinstance(path, str | os.PathLike) or Path(path).is_dir():
        return None
    location = Path(path)
    if location.suffix.lower() == ".img" and location.with_suffix(".hdr").is_file():
        location = location.with_suffix(".hdr")
    kind = _SUFFIXES.get(_suffix(location), "")
    kind = _kind_of_header(location) if kind == "header" else kind
    if kind not in _READERS:
        return None
    module, name = _READERS[kind]
    load_one = getattr(importlib.import_module(f".{module}", __name__), name)
    if kind in _WITHOUT_GEOMETRY:
        return lambda: load_one(location, max_bytes, spacing)
    if spacing is not None:
        raise ArgumentError(f"spacing: got {spacing}, allowed only where a file has no geometry of its own")
    return lambda: load_one(location, max_bytes)


def _kind_of_header(path: Path) -> str:
    """Tell the formats apart that call their header ``.hdr``."""
    with path.open("rb") as file:
        head = file.read(2048)
    if head.lstrip()[:4].upper() == b"ENVI":
        return "envi"
    return "interfile" if b"INTERFILE" in head[:200].upper() else "nibabel"


def _pictures(path: Any) -> list[Path]:
    """Return the pictures among ``path``, where it is nothing but pictures."""
    if isinstance(path, str | os.PathLike):
        location = Path(path)
        if not location.is_dir():
            return [location] if location.suffix.lower() in _PICTURES else []
        files = [p for p in location.iterdir() if p.is_file() and not p.name.startswith(".")]
        numbers = re.compile(r"(\d+)")
        files.sort(key=lambda p: [int(s) if s.isdigit() else s for s in numbers.split(p.name)])
    elif isinstance(path, list | tuple) and all(isinstance(p, str | os.PathLike) for p in path):
        files = [Path(p) for p in path]
    else:
        return []
    return files if files and all(p.suffix.lower() in _PICTURES for p in files) else []


def is_dicom(path: Any) -> bool:
    """Tell whether `load` would take ``path`` for DICOM: it has no suffix of another format."""
    return _reader(path, MAX_BYTES, None) is None


def list_series(path: Any) -> list[SeriesInfo]:
    """List the DICOM volumes under a folder or among files.

    Parameters
    ----------
    path : path, or iterable of paths or pydicom Datasets
        As in `load`.

    Returns
    -------
    list of SeriesInfo
        ``.uid`` (accepted by ``load(series=)``), ``.modality``, ``.description``, ``.n_files``, ``.shape``,
        ``.role`` (``image``, ``localizer``, ``page``); nothing that identifies the patient. Images first.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> [(s.modality, s.shape) for s in vk.list_series(get_testdata_file("CT_small.dcm"))]
    [('CT', (1, 128, 128))]
    """
    from .dicom import list_dicom

    if isinstance(path, str | os.PathLike) and not Path(path).exists():
        raise FileFormatError(f"{path}: no such file or folder")
    return list_dicom(path)


def save(volume: Volume, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
    """Write a volume; complete or not at all.

    Parameters
    ----------
    volume : Volume
        What to write.
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
    if not isinstance(volume, Volume):
        raise ArgumentTypeError(f"volume: got {type(volume).__name__}, allowed a Volume")
    if format not in (None, "dicom", "png"):
        raise ArgumentError(f"format: got {format!r}, allowed 'dicom' or 'png', for a folder")
    target = Path(path)
    if not target.parent.is_dir():
        raise ArgumentError(f"path: got {target}, but the folder {target.parent} does not exist")
    suffix = "" if format is not None or target.is_dir() else _suffix(target, SAVED)
    if not suffix and format is None and target.suffix and not target.is_dir():
        raise ArgumentError(f"path: got {target.name}, allowed {', '.join(SAVED)} or a folder")
    if suffix in _FORMATS["nifti"]:
        from ._nifti import save_nifti as save_one
    elif suffix in _FORMATS["metaimage"]:
        from ._itk import save_metaimage as save_one
    elif suffix == ".nrrd":
        from ._nrrd import save_nrrd as save_one
    elif suffix == ".npz":
        from ._plain import save_npz as save_one
    elif suffix == ".png" or format == "png":
        from ._plain import save_pictures as save_one
    else:
        from .dicom._write import save_dicom as save_one
    return save_one(volume, target)
