# SPDX-License-Identifier: Apache-2.0
"""Volumes from and to the images of other libraries, which are imported when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.optional import import_or_explain
from .._runtime.validate import KERNEL_DTYPES
from . import geometry

if TYPE_CHECKING:
    import nibabel
    import SimpleITK
    import torch
    import xarray

    from .volume import Volume

Pieces = tuple[Any, NDArray[np.float64], dict[str, Any]]  # voxels, affine, meta


def to_nibabel(volume: Volume) -> nibabel.Nifti1Image:
    """Return a NIfTI image over the same voxels."""
    nib = import_or_explain("nibabel")
    data = _numbers(volume, KERNEL_DTYPES | frozenset("FDgG"), "NIfTI")
    image = nib.Nifti1Image(data, volume.affine, dtype=data.dtype)
    # A sheared affine has no quaternion: only the sform tells the truth then.
    image.header.set_sform(volume.affine, code=1)
    image.header.set_qform(volume.affine, code=0 if geometry.is_sheared(volume.affine) else 1)
    image.header.set_xyzt_units("mm", "sec")
    return image


def _numbers(volume: Volume, dtypes: frozenset[str], where: str) -> NDArray[Any]:
    """Return the voxels as numbers that an image of another library may hold; truth values are bytes."""
    if volume.dtype.char not in dtypes:
        raise ArgumentTypeError(f"volume: got dtype {volume.dtype}, allowed numbers that {where} has")
    data = np.asarray(volume)
    return data.view(np.uint8) if data.dtype == np.bool_ else data


def from_nibabel(image: Any) -> Pieces:
    """Return what a nibabel image holds; scaled data become float32."""
    if not hasattr(image, "dataobj") or not hasattr(image, "affine"):
        raise ArgumentTypeError(f"image: got {type(image).__name__}, allowed a spatial image of nibabel")
    proxy = image.dataobj
    scaled = getattr(proxy, "slope", 1.0) != 1.0 or getattr(proxy, "inter", 0.0) != 0.0
    data = image.get_fdata(caching="unchanged", dtype=np.float32) if scaled else np.asanyarray(proxy)
    return data, np.asarray(image.affine, dtype=np.float64), {"source": "nifti"}


def to_sitk(volume: Volume) -> SimpleITK.Image:
    """Return a SimpleITK image: time is its fourth dimension, another axis its components."""
    sitk = import_or_explain("SimpleITK")
    if geometry.is_sheared(volume.affine):
        raise ArgumentError("volume: got a sheared affine, allowed orthogonal axes for SimpleITK")
    names = tuple(volume.meta.get("axes", ("channel",) * (volume.ndim - 3)))
    timed, further = names[:1] == ("time",), volume.ndim - 3
    if further - timed > 1:
        raise ArgumentError(
            f"volume: got axes {names} after the third, allowed time and one more for SimpleITK"
        )
    data = _numbers(volume, KERNEL_DTYPES | frozenset("FD"), "SimpleITK")
    # SimpleITK counts axes from the fastest one of the array it is given.
    data = np.moveaxis(data, 3, 0) if timed else data
    data = np.ascontiguousarray(data, data.dtype.newbyteorder("="))
    image = sitk.GetImageFromArray(data, isVector=further - timed == 1)
    lps = geometry.LPS_TO_RAS @ volume.affine
    direction = np.eye(3 + timed)
    direction[:3, :3] = (lps[:3, :3] / np.asarray(volume.spacing))[:, ::-1]
    start, step = _steps(volume) if timed else (0.0, 1.0)
    image.SetSpacing([*volume.spacing[::-1], step][: 3 + timed])
    image.SetOrigin([*lps[:3, 3].tolist(), start][: 3 + timed])
    image.SetDirection(direction.ravel().tolist())
    return image


def _steps(volume: Volume) -> tuple[float, float]:
    """Return the first time and the distance of times; 0 and 1 where they are not regular numbers."""
    try:
        times = np.asarray(volume.meta["axis_values"][0], np.float64)
        step = float(np.diff(times)[0])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0, 1.0
    regular = step > 0 and np.allclose(np.diff(times), step, rtol=1e-3)
    return (float(times[0]), step) if regular else (0.0, 1.0)


def from_sitk(image: Any) -> Pieces:
    """Return what a SimpleITK image of 3 or 4 dimensions holds; the fourth is time, then come components."""
    sitk = import_or_explain("SimpleITK")
    if not isinstance(image, sitk.Image):
        raise ArgumentTypeError(f"image: got {type(image).__name__}, allowed a SimpleITK.Image")
    direction = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)
    place = (np.asarray(image.GetSpacing()), np.asarray(image.GetOrigin()), direction)
    return _from_itk(sitk.GetArrayFromImage(image), *place, "sitk")


def from_itk(image: Any) -> Pieces:
    """Return what an image of the itk package holds; see `from_sitk`."""
    itk = import_or_explain("itk", None)
    if not hasattr(image, "GetLargestPossibleRegion"):
        raise ArgumentTypeError(f"image: got {type(image).__name__}, allowed an itk.Image")
    place = (np.asarray(image.GetSpacing()), np.asarray(image.GetOrigin()))
    return _from_itk(itk.array_from_image(image), *place, itk.array_from_matrix(image.GetDirection()), "itk")


def _from_itk(
    data: NDArray[Any],
    spacing: NDArray[np.float64],
    origin: NDArray[np.float64],
    direction: NDArray[np.float64],
    source: str,
) -> Pieces:
    """Return voxels of an array with the slowest axis first, placed by what ITK says of the fastest first."""
    if len(spacing) not in (3, 4):
        raise ArgumentError(f"image: got {len(spacing)} dimensions, allowed 3, or 4 with time")
    if len(spacing) == 4 and (direction[3, :3].any() or direction[:3, 3].any()):
        raise ArgumentError("image: got a direction that mixes space and time, allowed them apart")
    lps = np.eye(4)
    lps[:3, :3] = direction[:3, :3][:, ::-1] * spacing[2::-1]
    lps[:3, 3] = origin[:3]
    axes: list[str] = []
    values: list[tuple[float, ...]] = []
    if len(spacing) == 4:
        axes.append("time")
        values.append(tuple(float(origin[3] + i * spacing[3]) for i in range(len(data))))
        data = np.moveaxis(data, 0, 3)
    if data.ndim > len(spacing):
        axes.append("channel")
        values.append(tuple(range(data.shape[-1])))
    meta: dict[str, Any] = {"source": source}
    if axes:
        meta.update(axes=tuple(axes), axis_values=tuple(values))
    return data, geometry.LPS_TO_RAS @ lps, meta


def to_xarray(volume: Volume) -> xarray.DataArray:
    """Return an xarray.DataArray over the same voxels."""
    xr = import_or_explain("xarray", None)
    names = volume.meta.get("axes", tuple(f"axis_{axis}" for axis in range(3, volume.ndim)))
    coords: dict[str, Any] = {
        name: (name, np.arange(n) * step, {"units": "mm"})
        for name, n, step in zip("ijk", volume.shape, volume.spacing, strict=False)
    }
    coords |= dict(zip(names, map(list, volume.meta.get("axis_values", ())), strict=False))
    attrs: Mapping[str, Any] = {"affine": np.array(volume.affine), "orientation": volume.orientation}
    if "units" in volume.meta:
        attrs = {**attrs, "units": volume.meta["units"]}
    return xr.DataArray(volume.data, coords, ("i", "j", "k", *names), attrs=attrs)


def to_torch(volume: Volume) -> torch.Tensor:
    """Return a tensor over the same memory, or over a copy of memory that torch cannot take."""
    torch = import_or_explain("torch", None)
    data = volume.data
    if isinstance(data, np.ndarray):
        plain = data.dtype.isnative and data.flags.writeable and data.flags.aligned
        if not plain or min(data.strides) < 0:
            data = np.array(data, data.dtype.newbyteorder("="))
    try:
        return torch.from_dlpack(data)
    except (BufferError, RuntimeError, TypeError) as error:
        raise ArgumentTypeError(
            f"volume: got dtype {volume.dtype}, allowed what torch has ({error})"
        ) from None
