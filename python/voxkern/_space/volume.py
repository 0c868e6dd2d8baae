# SPDX-License-Identifier: Apache-2.0
"""``Volume``: an array with its place in the patient. No file access here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NoReturn, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._runtime.backend import dlpack_library, host_array
from .._runtime.call import is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import READERS, as_volume, same_place
from . import arithmetic, foreign, geometry, indexing
from .meta import checked, meta_of_part

if TYPE_CHECKING:
    from typing import Self

    import nibabel
    import SimpleITK
    import torch
    import xarray

Index = slice | int | EllipsisType


@dataclass(frozen=True, eq=False, repr=False)
class Volume(arithmetic.Operators):
    """An image of at least three axes and the affine that places it in the patient.

    Parameters
    ----------
    data : array
        The voxels; any dtype, any memory order, NumPy or CuPy. The first three axes are spatial
        (for DICOM: slice, row, column), time and channel axes follow.
    affine : (4, 4) array_like
        Maps array indices, first axis first, to RAS+ millimetres. Stored as float64, read-only.
    meta : mapping, optional
        Facts about the image, never about the patient: ``source``, ``modality``, ``units``, ``axes``
        (names of the axes after the third) and so on. `META_SCHEMA` lists the keys there are; others
        are refused. Stored read-only.

    Notes
    -----
    ``volume[2:9, :, ::-1]`` is a view, and its affine follows. Slices are for all axes, whole numbers for
    those after the third. ``volume[mask]`` is the array of the voxels in a mask.

    Operators, ufuncs and NumPy's functions of single voxels (``where``, ``clip``, ``round``, ``isclose``,
    ``zeros_like``, ...) give a Volume. So do reductions over axes after the third, as ``np.mean(volume, 3)``.
    Every other function of NumPy gives what it gives for the array. Two Volumes must lie on one grid, within
    0.01 mm; the axes after the third may be missing in one. ``==`` compares voxels, too.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> volume = vk.Volume(np.zeros((10, 20, 30), np.int16), np.diag([3.0, 1.0, 1.0, 1.0]))
    >>> volume.spacing
    (3.0, 1.0, 1.0)
    >>> volume.orientation
    'RAS'
    >>> volume[2:, ::2].origin
    (6.0, 0.0, 0.0)
    >>> np.sqrt(volume + 4.0)
    Volume(shape=(10, 20, 30), dtype=float64, spacing=3 x 1 x 1 mm, orientation='RAS')
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = self.data
        known = isinstance(getattr(data, "dtype", None), np.dtype) or dlpack_library(data) is not None
        if not known or is_volume(data):
            raise ArgumentTypeError(f"data: got {type(data).__name__}, allowed a NumPy or CuPy array")
        if len(data.shape) < 3:
            raise ArgumentError(f"data: got {len(data.shape)} axes, allowed at least 3")
        object.__setattr__(self, "affine", geometry.checked_affine(self.affine))
        object.__setattr__(self, "meta", checked(self.meta))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the data."""
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.data.shape)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from voxel to voxel along the three spatial axes."""
        a, b, c = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(a), float(b), float(c)

    @property
    def origin(self) -> tuple[float, float, float]:
        """RAS+ millimetres of the centre of voxel (0, 0, 0)."""
        x, y, z = self.affine[:3, 3]
        return float(x), float(y), float(z)

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vectors of the three spatial axes, as columns."""
        unit: NDArray[np.float64] = self.affine[:3, :3] / np.asarray(self.spacing)
        return unit

    @property
    def orientation(self) -> str:
        """Where each axis points, as in ``"RAS"`` or ``"LPI"``: the nearest anatomical direction."""
        return geometry.axis_codes(self.affine)

    def with_data(self, data: Any, affine: ArrayLike | None = None) -> Self:
        """Return a volume with other voxels, and if given another affine, but the same meta.

        Parameters
        ----------
        data : array
            Of any shape with three axes or more.
        affine : (4, 4) array_like, optional
            The affine of the new voxels, if it is another one.

        Returns
        -------
        Volume
            Over the same memory as ``data``.
        """
        place = self.affine if affine is None else host_array(affine, "affine", np.float64)
        return type(self)(data, place, self.meta)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        data: Any = self.data
        data = data.get() if hasattr(data, "__cuda_array_interface__") else data
        if copy is None:
            return np.asarray(data, dtype=dtype)
        if copy:
            return np.array(data, dtype=dtype)
        if dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError("a copy is needed to change the dtype")
        return np.asarray(data)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self.data.__dlpack_device__()
        return device

    def __repr__(self) -> str:
        spacing = " x ".join(f"{s:.4g}" for s in self.spacing)
        return (
            f"Volume(shape={self.shape}, dtype={self.dtype}, spacing={spacing} mm, "
            f"orientation={self.orientation!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        meta = {k: dict(v) if isinstance(v, Mapping) else v for k, v in self.meta.items()}
        return type(self), (self.data, np.array(self.affine), meta)

    @overload
    def __getitem__(self, index: Volume | NDArray[np.bool_]) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: Index | tuple[Index, ...]) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        mask = as_volume(index)
        if hasattr(mask, "dtype") and getattr(mask, "ndim", 0) > 0:
            return self._voxels_in(mask)
        parts = indexing.parts_of(index, self.shape)
        left = {axis: part for axis, part in enumerate(parts) if isinstance(part, slice)}
        meta = meta_of_part(self.meta, left, self.ndim)
        if len(meta.get("precise_factor", ())) > 1:  # one for each slice
            del meta["precise_factor"]
        return type(self)(self.data[parts], indexing.moved_affine(self.affine, parts, self.shape), meta)

    __iter__ = None  # planes have no place

    def _voxels_in(self, mask: Any) -> Any:
        if mask.dtype != np.bool_ or tuple(mask.shape) not in (self.shape, self.shape[:3]):
            raise ArgumentError(
                f"index: got {mask.dtype} of shape {tuple(mask.shape)}, allowed a mask, bool of {self.shape}"
            )
        if is_volume(mask) and not same_place(mask, self):
            raise ArgumentError("index: got a mask of another geometry, allowed this volume's affine")
        return self.data[mask.data if is_volume(mask) else mask]

    def __bool__(self) -> NoReturn:
        raise ArgumentError("volume: got it as a truth value, allowed .data.any() or .data.all()")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return arithmetic.apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        return arithmetic.apply_function(function, args, options)

    def index_to_world(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Return where voxels lie.

        Parameters
        ----------
        indices : (..., 3) array_like
            Array indices, whole or not.

        Returns
        -------
        (..., 3) array
            RAS+ millimetres.
        """
        return geometry.moved(self.affine, indices, "indices")

    def world_to_index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return the array indices of points.

        Parameters
        ----------
        points : (..., 3) array_like
            RAS+ millimetres.

        Returns
        -------
        (..., 3) array
            Array indices, not rounded.
        """
        return geometry.moved(np.asarray(np.linalg.inv(self.affine)), points, "points")

    def to_nibabel(self) -> nibabel.Nifti1Image:
        """Return a NIfTI image of nibabel.

        Returns
        -------
        nibabel.Nifti1Image
            Over the same voxels, in millimetres, scanner space.
        """
        return foreign.to_nibabel(self)

    @classmethod
    def from_nibabel(cls, image: Any) -> Self:
        """Return a volume over the voxels of a nibabel image.

        Parameters
        ----------
        image : nibabel.spatialimages.SpatialImage
            Scaled data become float32.

        Returns
        -------
        Volume
            With the affine of the image.
        """
        return cls(*foreign.from_nibabel(image))

    def to_sitk(self) -> SimpleITK.Image:
        """Return a ``SimpleITK.Image`` with the same geometry (a copy; ITK knows no shear).

        A fourth axis that ``meta["axes"]`` calls time is its fourth dimension, any other one its components.

        Returns
        -------
        SimpleITK.Image
            Of 3 or 4 dimensions.
        """
        return foreign.to_sitk(self)

    @classmethod
    def from_sitk(cls, image: Any) -> Self:
        """Return a volume with the voxels (copied) and geometry of a SimpleITK image.

        Parameters
        ----------
        image : SimpleITK.Image
            Of 3 dimensions, or 4 with time.

        Returns
        -------
        Volume
            Its axes are slice, row, column, then time where there are four dimensions, then components.
        """
        return cls(*foreign.from_sitk(image))

    @classmethod
    def from_itk(cls, image: Any) -> Self:
        """Return a volume with the voxels (copied) and geometry of an image of the itk package.

        Parameters
        ----------
        image : itk.Image
            Of 3 dimensions, or 4 with time.

        Returns
        -------
        Volume
            With the axes of `from_sitk`.
        """
        return cls(*foreign.from_itk(image))

    def to_xarray(self) -> xarray.DataArray:
        """Return an ``xarray.DataArray`` over the same voxels.

        Dimensions are i, j, k, in millimetres from the first voxel, then those of ``meta["axes"]``;
        ``attrs["affine"]`` is the affine.

        Returns
        -------
        xarray.DataArray
            A view.
        """
        return foreign.to_xarray(self)

    def to_torch(self) -> torch.Tensor:
        """Return a ``torch.Tensor`` over the same memory, on the same device.

        Returns
        -------
        torch.Tensor
            A copy where torch cannot take the memory: read-only, reversed axes, foreign byte order.
        """
        return foreign.to_torch(self)

    def widget(self) -> Any:
        """Return a widget that shows the volume in a notebook (the ``view`` extra).

        Returns
        -------
        ipyniivue.NiiVue
            The widget.
        """
        from .._app.view import widget

        return widget(self)

    def _repr_html_(self) -> str:
        from .._app.pictures import notebook_html

        return notebook_html(self)


READERS.update(
    {
        "nibabel.SpatialImage": Volume.from_nibabel,
        "SimpleITK.Image": Volume.from_sitk,
        "itk.itkImageBase3": Volume.from_itk,
        "itk.itkImageBase4": Volume.from_itk,
    }
)


def reorient(volume: Volume, orientation: str = "RAS") -> Volume:
    """Permute and flip the spatial axes to point as asked; no voxel is moved or interpolated.

    Parameters
    ----------
    volume : Volume
        Any orientation; oblique volumes go by their nearest anatomical directions. Or a nibabel or
        SimpleITK image.
    orientation : str
        Three letters, one of R/L, A/P and S/I each, in axis order.

    Returns
    -------
    Volume
        A view of the same memory.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> volume = vk.Volume(np.zeros((10, 20, 30)), np.diag([-1.0, -1.0, 1.0, 1.0]))
    >>> vk.reorient(volume, "SRA").shape
    (30, 10, 20)
    """
    volume = as_volume(volume)
    if not isinstance(volume, Volume):
        raise ArgumentTypeError(f"volume: got {type(volume).__name__}, allowed a Volume")
    order, flips = geometry.axes_to(volume.orientation, orientation)
    data = volume.data.transpose(*order, *range(3, volume.ndim))
    data = data[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
    affine = np.array(volume.affine[:, [*order, 3]])
    for axis, flip in enumerate(flips):
        if flip:
            affine[:, 3] += affine[:, axis] * (volume.shape[order[axis]] - 1)
            affine[:, axis] *= -1
    affine[3] = [0, 0, 0, 1]
    return volume.with_data(data, affine)
