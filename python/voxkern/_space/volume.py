# SPDX-License-Identifier: Apache-2.0
"""``Volume``: an array with its place in the patient. No file access here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import READERS, as_volume
from .._runtime.optional import import_or_explain
from . import geometry
from .meta import checked

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
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

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> volume = vk.Volume(np.zeros((10, 20, 30), np.int16), np.diag([3.0, 1.0, 1.0, 1.0]))
    >>> volume.spacing
    (3.0, 1.0, 1.0)
    >>> volume.orientation
    'RAS'
    """

    data: Any
    affine: NDArray[np.float64]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = self.data
        if not hasattr(data, "shape") or not hasattr(data, "dtype"):
            raise ArgumentTypeError(f"data: got {type(data).__name__}, allowed an array")
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
        """Return a volume with other voxels, and if given another affine, but the same meta."""
        place = self.affine if affine is None else affine
        return type(self)(data, np.asarray(place, dtype=np.float64), self.meta)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        data = self.data.get() if hasattr(self.data, "__cuda_array_interface__") else self.data
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

    def to_nibabel(self) -> Any:
        """Return a ``nibabel.Nifti1Image`` over the same voxels, in millimetres, scanner space."""
        nib = import_or_explain("nibabel")
        data = self.data.view(np.uint8) if self.dtype == np.bool_ else np.asarray(self)
        image = nib.Nifti1Image(data, self.affine, dtype=data.dtype)
        # A sheared affine has no quaternion: only the sform tells the truth then.
        image.header.set_sform(self.affine, code=1)
        image.header.set_qform(self.affine, code=0 if geometry.is_sheared(self.affine) else 1)
        image.header.set_xyzt_units("mm", "sec")
        return image

    @classmethod
    def from_nibabel(cls, image: Any) -> Self:
        """Return a volume over the voxels of a nibabel image; scaled data become float32."""
        proxy = image.dataobj
        scaled = getattr(proxy, "slope", 1.0) != 1.0 or getattr(proxy, "inter", 0.0) != 0.0
        data = image.get_fdata(caching="unchanged", dtype=np.float32) if scaled else np.asanyarray(proxy)
        return cls(data, np.asarray(image.affine, dtype=np.float64), {"source": "nifti"})

    def to_sitk(self) -> Any:
        """Return a ``SimpleITK.Image`` with the same geometry (a copy; ITK knows no shear)."""
        sitk = import_or_explain("SimpleITK")
        if geometry.is_sheared(self.affine):
            raise ArgumentError("volume: got a sheared affine, allowed orthogonal axes for SimpleITK")
        lps = geometry.LPS_TO_RAS @ self.affine
        # SimpleITK counts axes from the fastest one of the array it is given.
        image = sitk.GetImageFromArray(np.ascontiguousarray(np.asarray(self)), isVector=self.ndim > 3)
        image.SetSpacing(self.spacing[::-1])
        image.SetOrigin(tuple(lps[:3, 3]))
        direction = lps[:3, :3] / np.asarray(self.spacing)
        image.SetDirection(tuple(direction[:, ::-1].ravel()))
        return image

    @classmethod
    def from_sitk(cls, image: Any) -> Self:
        """Return a volume with the voxels (copied) and geometry of a 3-D SimpleITK image."""
        sitk = import_or_explain("SimpleITK")
        if image.GetDimension() != 3:
            raise ArgumentError(f"image: got {image.GetDimension()} axes, allowed 3")
        direction = np.asarray(image.GetDirection()).reshape(3, 3)[:, ::-1]
        lps = np.eye(4)
        lps[:3, :3] = direction * np.asarray(image.GetSpacing())[::-1]
        lps[:3, 3] = image.GetOrigin()
        return cls(sitk.GetArrayFromImage(image), geometry.LPS_TO_RAS @ lps, {"source": "sitk"})

    def widget(self) -> Any:
        """Return an ``ipyniivue.NiiVue`` widget that shows the volume in a notebook (the ``view`` extra)."""
        from .._app.view import widget

        return widget(self)

    def _repr_html_(self) -> str:
        from .._app.pictures import notebook_html

        return notebook_html(self)


READERS.update({"nibabel.SpatialImage": Volume.from_nibabel, "SimpleITK.Image": Volume.from_sitk})


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
