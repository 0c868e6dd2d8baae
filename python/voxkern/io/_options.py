# SPDX-License-Identifier: Apache-2.0
"""The keywords of `load`: defaults, choices and checks, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .._runtime.errors import ArgumentError
from .._runtime.validate import per_axis

MAX_BYTES = 8 << 30  # the default limit of what one load may unpack or allocate
Spacing = tuple[float, float, float]


def _dicom(default: Any, *choices: str) -> Any:
    """Return a field that only DICOM takes; one of ``choices`` where there are any."""
    return field(default=default, metadata={"dicom": True, "choices": choices})


@dataclass(frozen=True)
class Options:
    """What a caller asked `load` for, checked. `voxkern.load` explains every field."""

    series: str | None = _dicom(None)
    missing: str = _dicom("error", "error", "interpolate", "drop")
    irregular: str = _dicom("error", "error", "resample")
    untilt: bool = _dicom(False)
    scale: str = _dicom("displayed", "displayed", "precise")
    suv: bool = _dicom(False)
    invert_monochrome1: bool = _dicom(False)
    padding_fill: float | None = _dicom(None)
    return_padding: bool = _dicom(False)
    spacing: Spacing | None = None
    shape: Sequence[int] | None = None
    dtype: Any = None
    keep: tuple[str, ...] = _dicom(())
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        """Check every field; bring ``keep`` and ``spacing`` into one form."""
        for f in fields(self):
            allowed, got = f.metadata.get("choices"), getattr(self, f.name)
            if allowed and got not in allowed:
                raise ArgumentError(f"{f.name}: got {got!r}, allowed {', '.join(allowed)}")
        if not isinstance(self.max_bytes, int) or self.max_bytes < 1:
            raise ArgumentError(f"max_bytes: got {self.max_bytes!r}, allowed a whole number above zero")
        keep = (self.keep,) if isinstance(self.keep, str) else tuple(self.keep)
        object.__setattr__(self, "keep", keep)
        if self.spacing is not None:
            object.__setattr__(self, "spacing", _millimetres(self.spacing))
        if (self.shape is None) != (self.dtype is None):
            raise ArgumentError("shape, dtype: got one of them, allowed both (plain voxels) or none")

    def refuse_dicom_only(self) -> None:
        """Raise where a field that only DICOM takes was given."""
        for f in fields(self):
            got = getattr(self, f.name)
            if f.metadata.get("dicom") and got != f.default:
                raise ArgumentError(f"{f.name}: got {got!r}, allowed only with DICOM")


def _millimetres(spacing: Any) -> Spacing:
    dz, dy, dx = per_axis(spacing, 3, "spacing")
    if min(dz, dy, dx) <= 0:
        raise ArgumentError(f"spacing: got {spacing!r}, allowed millimetres above zero")
    return dz, dy, dx
