# SPDX-License-Identifier: Apache-2.0
"""Files to volumes. The readers import their packages when they are first called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from .._runtime.backend import gpu_of, to_gpu
from .._runtime.errors import ArgumentError, ArgumentTypeError, FileFormatError
from .._space.volume import Volume
from ._options import MAX_BYTES, Irregular, Missing, Options, Scale
from .formats import BY_NAME, Format, format_of, function

if TYPE_CHECKING:
    from .dicom import SeriesInfo, Study


@overload
def load(
    path: Any,
    *,
    series: str | None = ...,
    missing: Missing = ...,
    irregular: Irregular = ...,
    untilt: bool = ...,
    scale: Scale = ...,
    suv: bool = ...,
    invert_monochrome1: bool = ...,
    padding_fill: float | None = ...,
    return_padding: Literal[False] = ...,
    spacing: float | Sequence[float] | None = ...,
    shape: Sequence[int] | None = ...,
    dtype: Any = ...,
    keep: Sequence[str] = ...,
    max_bytes: int = ...,
    device: str | None = ...,
) -> Volume: ...


@overload
def load(
    path: Any,
    *,
    series: str | None = ...,
    missing: Missing = ...,
    irregular: Irregular = ...,
    untilt: bool = ...,
    scale: Scale = ...,
    suv: bool = ...,
    invert_monochrome1: bool = ...,
    padding_fill: float | None = ...,
    return_padding: Literal[True],
    spacing: float | Sequence[float] | None = ...,
    shape: Sequence[int] | None = ...,
    dtype: Any = ...,
    keep: Sequence[str] = ...,
    max_bytes: int = ...,
    device: str | None = ...,
) -> tuple[Volume, Volume]: ...


def load(
    path: Any,
    *,
    series: str | None = None,
    missing: Missing = "error",
    irregular: Irregular = "error",
    untilt: bool = False,
    scale: Scale = "displayed",
    suv: bool = False,
    invert_monochrome1: bool = False,
    padding_fill: float | None = None,
    return_padding: bool = False,
    spacing: float | Sequence[float] | None = None,
    shape: Sequence[int] | None = None,
    dtype: Any = None,
    keep: Sequence[str] = (),
    max_bytes: int = MAX_BYTES,
    device: str | None = None,
) -> Any:
    """Load an image with its geometry, or raise an error that says why it has none.

    Parameters
    ----------
    path : path, file object, bytes, Dataset, iterable of these, or Study
        A DICOM series: a folder (searched with its subfolders), a zip archive, a file (gzip or not),
        several files or pydicom Datasets in any order; or what `open_study` returned. Or a file of another
        format, told by its suffix: NIfTI (``.nii``, ``.nii.gz``, ``.hdr``), MINC (``.mnc``), MGH
        (``.mgz``), Analyze (``.hdr``), MetaImage (``.mha``, ``.mhd``), NRRD (``.nrrd``, ``.nhdr``), ENVI
        (``.hdr``), Interfile (``.hv``, ``.h33``, ``.hdr``), TIFF, ``.npz`` as `save` writes it, PNG, JPEG,
        BMP, PGM, GIF (one file, a list or a folder of slices), Zarr (NIfTI-Zarr, OME-Zarr), or plain voxels
        with ``shape=`` and ``dtype=``.
    series : str, optional
        DICOM: the ``uid`` of one of several volumes, as `list_series` gives it. Without it, the one
        volume that is neither localizer nor page. Each call looks at the headers of all files; for several
        volumes `open_study` does it once.
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
    device : {"cpu", "cuda", "cuda:1", ...}, optional
        Where the voxels shall be: a GPU's are a CuPy array. It is asked for before anything is read.

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
    given = dict(locals())  # the fields of `Options` have the names of the keywords
    del given["path"]
    options = Options(**given)
    gpu = gpu_of(options.device)
    one = isinstance(path, str | os.PathLike)
    if not one and not isinstance(path, Iterable) and not hasattr(path, "read"):
        raise ArgumentTypeError(f"path: got {type(path).__name__}, allowed a path, a list of files or bytes")
    _refuse_no_file(path)
    if shape is not None and not one:
        raise ArgumentTypeError("path: got several files, allowed one with shape= and dtype=")
    kind, source = _kind_and_source(path) if shape is None else (BY_NAME["raw"], Path(path))
    if kind.name != "dicom":
        if options.spacing is not None and not kind.placeless:
            raise ArgumentError(
                f"spacing: got {options.spacing}, allowed only where a file has no geometry of its own"
            )
        options.refuse_dicom_only()
    loaded = function(kind.load)(source, options)
    if gpu is None:
        return loaded
    parts = loaded if isinstance(loaded, tuple) else (loaded,)
    moved = tuple(part.with_data(to_gpu(part.data, gpu)) for part in parts)
    return moved if isinstance(loaded, tuple) else moved[0]


def _refuse_no_file(path: Any) -> None:
    """Raise where a path names nothing, or something that may never end: a FIFO, a socket, a device."""
    if not isinstance(path, str | os.PathLike):
        return
    if not os.fspath(path):  # to pathlib that is the current folder
        raise ArgumentError("path: got an empty name, allowed a file or folder")
    if Path(path).is_file() or Path(path).is_dir():
        return
    if Path(path).exists():
        raise FileFormatError(f"{path}: a FIFO, socket or device, neither a regular file nor a folder")
    raise FileFormatError(f"{path}: no such file or folder")


def _kind_and_source(path: Any) -> tuple[Format, Any]:
    """Return the format, and what its load function takes."""
    pictures = _pictures(path)
    for _, picture in pictures:
        _refuse_no_file(picture)
    if pictures:
        return BY_NAME["pictures"], pictures
    if not isinstance(path, str | os.PathLike):
        return BY_NAME["dicom"], path
    location = Path(path)
    if location.suffix.lower() == ".img" and location.with_suffix(".hdr").is_file():
        location = location.with_suffix(".hdr")
    kind = format_of(location)
    return kind, path if kind.name == "dicom" else location


def _pictures(path: Any) -> list[tuple[str, Path]]:
    """Return the pictures among ``path``, where it is nothing but pictures, and what errors call each."""
    if isinstance(path, str | os.PathLike):
        location = Path(path)
        files = [location]
        if location.is_dir():
            files = [p for p in location.iterdir() if p.is_file() and not p.name.startswith(".")]
            numbers = re.compile(r"(\d+)")
            files.sort(key=lambda p: [int(s) if s.isdigit() else s for s in numbers.split(p.name)])
    elif isinstance(path, list | tuple) and all(isinstance(p, str | os.PathLike) for p in path):
        files = [Path(p) for p in path]
    else:
        return []
    suffixes = BY_NAME["pictures"].suffixes
    if not all(p.suffix.lower() in suffixes for p in files):
        return []
    unnamed = not isinstance(path, list | tuple) and Path(path).is_dir()
    return [(f"{path}: picture {k}" if unnamed else str(p), p) for k, p in enumerate(files, start=1)]


def is_dicom(path: Any) -> bool:
    """Tell whether `load` would take ``path`` for DICOM: it has no suffix of another format."""
    return _kind_and_source(path)[0].name == "dicom"


def list_series(path: Any) -> list[SeriesInfo]:
    """List the DICOM volumes under a folder or among files.

    Parameters
    ----------
    path : path, iterable of paths or pydicom Datasets, or Study
        A folder (searched with its subfolders), a zip archive, a file, or several files or Datasets.

    Returns
    -------
    list of SeriesInfo
        ``.uid`` (accepted by ``load(series=)``), ``.modality``, ``.description``, ``.n_files``, ``.shape``,
        ``.role`` (``image``, ``localizer``, ``page``), ``.kind``; nothing that identifies the patient.
        Images first.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> [(s.modality, s.shape) for s in vk.list_series(get_testdata_file("CT_small.dcm"))]
    [('CT', (1, 128, 128))]
    """
    from .dicom import Study

    return list(path if isinstance(path, Study) else open_study(path))


def open_study(
    path: Any, *, spacing: float | Sequence[float] | None = None, max_bytes: int = MAX_BYTES
) -> Study:
    """Read the headers of a DICOM study once, to load any number of its volumes.

    A file that cannot be read or loaded takes no other series with it. Files left out are told once.

    Parameters
    ----------
    path : path, or iterable of paths or pydicom Datasets
        A folder (searched with its subfolders), a zip archive, a file, or several files or Datasets.
    spacing : float or 3 floats, optional
        Millimetres from slice to slice, row to row and column to column, for images that have none.
    max_bytes : int
        The most that one load may unpack or allocate; 8 GiB.

    Returns
    -------
    Study
        ``.series`` lists the volumes, images first; `load` takes the study in place of a path.

    Examples
    --------
    >>> import voxkern as vk
    >>> from pydicom.data import get_testdata_file
    >>> study = vk.open_study(get_testdata_file("CT_small.dcm"))
    >>> [vk.load(study, series=info.uid).shape for info in study]
    [(1, 128, 128)]
    """
    from .dicom import open_dicom

    _refuse_no_file(path)
    return open_dicom(path, Options(spacing=spacing, max_bytes=max_bytes))  # type: ignore[arg-type]
