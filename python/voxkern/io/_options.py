# SPDX-License-Identifier: Apache-2.0
"""The keywords of `load`: defaults, choices and checks, each written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.validate import flag, number, per_axis, whole_number, word

MAX_BYTES = 8 << 30  # the default limit of what one load may unpack or allocate
Spacing = tuple[float, float, float]
Missing: TypeAlias = Literal["error", "interpolate", "drop"]
Irregular: TypeAlias = Literal["error", "resample"]
Scale: TypeAlias = Literal["displayed", "precise"]


def _dicom(default: Any, *choices: str) -> Any:
    """Return a field that only DICOM takes; one of ``choices`` where there are any."""
    return field(default=default, metadata={"dicom": True, "choices": choices})


@dataclass(frozen=True)
class Options:
    """What a caller asked `load` for, checked. `voxkern.load` explains every field."""

    series: str | None = _dicom(None)
    missing: str = _dicom("error", *get_args(Missing))
    irregular: str = _dicom("error", *get_args(Irregular))
    untilt: bool = _dicom(False)
    scale: str = _dicom("displayed", *get_args(Scale))
    suv: bool = _dicom(False)
    invert_monochrome1: bool = _dicom(False)
    padding_fill: float | None = _dicom(None)
    return_padding: bool = _dicom(False)
    spacing: Spacing | None = None
    shape: Sequence[int] | None = None
    dtype: Any = None
    keep: tuple[str, ...] = _dicom(())
    max_bytes: int = MAX_BYTES
    device: str | None = None

    def __post_init__(self) -> None:
        """Check every field; bring ``keep`` and ``spacing`` into one form."""
        checked: dict[str, Any] = {}
        for f in fields(self):
            got = getattr(self, f.name)
            if f.metadata.get("choices"):
                word(got, f.name, f.metadata["choices"])
            elif isinstance(f.default, bool):
                checked[f.name] = flag(got, f.name)
        if self.series is not None and not isinstance(self.series, str):
            raise ArgumentTypeError(f"series: got {shown(self.series)}, allowed a uid of list_series()")
        if self.padding_fill is not None:
            checked["padding_fill"] = number(self.padding_fill, "padding_fill")
        checked["max_bytes"] = whole_number(self.max_bytes, "max_bytes")
        if checked["max_bytes"] < 1:
            raise ArgumentError(f"max_bytes: got {shown(self.max_bytes)}, allowed a whole number above zero")
        checked["keep"] = _keywords(self.keep)
        if self.spacing is not None:
            checked["spacing"] = _millimetres(self.spacing)
        if (self.shape is None) != (self.dtype is None):
            raise ArgumentError("shape, dtype: got one of them, allowed both (plain voxels) or none")
        if self.shape is not None:
            checked["shape"] = _sizes(self.shape)
            checked["dtype"] = _voxel_type(self.dtype)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def refuse_dicom_only(self) -> None:
        """Raise where a field that only DICOM takes was given."""
        for f in fields(self):
            got = getattr(self, f.name)
            if f.metadata.get("dicom") and got != f.default:
                raise ArgumentError(f"{f.name}: got {shown(got)}, allowed only with DICOM")


def _keywords(keep: Any) -> tuple[str, ...]:
    try:
        names = (keep,) if isinstance(keep, str) else tuple(keep)
    except TypeError:
        names = (None,)
    if not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(f"keep: got {shown(keep)}, allowed DICOM keywords")
    return names


def _sizes(shape: Any) -> tuple[int, ...]:
    given = shape if isinstance(shape, Iterable) and not isinstance(shape, str | bytes) else (shape,)
    sizes = tuple(whole_number(n, "shape") for n in given)
    if min(sizes, default=0) < 1:
        raise ArgumentError(f"shape: got {shown(shape)}, allowed axes of one voxel or more")
    return sizes


def _voxel_type(dtype: Any) -> np.dtype[Any]:
    try:
        wanted: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"dtype: got {shown(dtype)}, allowed a dtype") from None
    if wanted.kind not in "biufc":
        raise ArgumentTypeError(f"dtype: got {wanted}, allowed numbers")
    return wanted


def _millimetres(spacing: Any) -> Spacing:
    dz, dy, dx = per_axis(spacing, 3, "spacing")
    if min(dz, dy, dx) <= 0:
        raise ArgumentError(f"spacing: got {shown(spacing)}, allowed millimetres above zero")
    return dz, dy, dx
