# SPDX-License-Identifier: Apache-2.0
"""A volume as a classic DICOM series: new UIDs, no identity, one file per slice."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from ..._core import __version__
from ..._runtime.errors import ArgumentError
from ..._space.geometry import LPS_TO_RAS, is_sheared
from ..._space.volume import Volume
from .._guard import writing

_SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def _stored(data: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """Return 16-bit pixels, slope and intercept; integers that fit 16 bits stay exact."""
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ArgumentError("volume: got NaN or infinite voxels, which DICOM cannot store")
    if data.dtype.kind in "iub":
        for dtype in (np.int16, np.uint16):
            limits = np.iinfo(dtype)
            if limits.min <= low and high <= limits.max:
                return data.astype(dtype), 1.0, 0.0
        if high - low <= 65535:
            return (data.astype(np.int64) - int(low)).astype(np.uint16), 1.0, low
    slope = float(f"{(high - low) / 65535:.10g}") or 1.0
    intercept = float(f"{low:.10g}")
    stored = np.clip(np.rint((data.astype(np.float64) - intercept) / slope), 0, 65535)
    return stored.astype(np.uint16), slope, intercept


def save_dicom(volume: Volume, path: Path) -> Path:
    """Write one file per index of the first axis into a folder that is new or empty."""
    if volume.ndim != 3:
        raise ArgumentError(f"volume: got {volume.ndim} axes, allowed 3 for a DICOM series")
    if is_sheared(volume.affine):
        raise ArgumentError("volume: got a sheared affine, allowed orthogonal axes for a DICOM series")
    data, slope, intercept = _stored(np.asarray(volume))
    lps = LPS_TO_RAS @ volume.affine
    axes = lps[:3, :3] / np.asarray(volume.spacing)
    now = datetime.datetime.now()
    common: dict[str, Any] = {
        "SOPClassUID": _SOP_CLASSES.get(str(volume.meta.get("modality")), _SECONDARY_CAPTURE),
        "Modality": volume.meta.get("modality") or "OT",
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
        "ImageType": ["DERIVED", "SECONDARY"],
        "StudyDate": now.strftime("%Y%m%d"),
        "StudyTime": now.strftime("%H%M%S"),
        "SeriesNumber": 1,
        "Manufacturer": f"voxkern {__version__}",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "written from voxels and geometry alone",
        "PixelSpacing": [_decimal(volume.spacing[1]), _decimal(volume.spacing[2])],
        "SliceThickness": _decimal(volume.spacing[0]),
        "SpacingBetweenSlices": _decimal(volume.spacing[0]),
        "ImageOrientationPatient": [_decimal(v) for v in (*axes[:, 2], *axes[:, 1])],
        "Rows": data.shape[1],
        "Columns": data.shape[2],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(data.dtype == np.int16),
        "RescaleSlope": _decimal(slope),
        "RescaleIntercept": _decimal(intercept),
        "RescaleType": "US",
        # Type 2: present, and empty on purpose.
        "PatientName": "",
        "PatientID": "",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
    }
    with writing(path) as folder:
        folder.mkdir()
        for k, pixels in enumerate(data):
            _write_slice(folder / f"{k:05d}.dcm", common, k, lps, pixels)
    return path


def _decimal(value: float) -> str:
    """Return a DS string: at most 16 characters, as precise as they allow."""
    return next(text for p in range(16, 5, -1) if len(text := f"{float(value):.{p}g}") <= 16)


def _write_slice(path: Path, common: dict[str, Any], k: int, lps: NDArray[Any], pixels: NDArray[Any]) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = common["SOPClassUID"]
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    for tag, value in common.items():
        setattr(dataset, tag, value)
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = [_decimal(v) for v in lps[:3, 3] + k * lps[:3, 0]]
    little = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<")))
    dataset.add_new(pydicom.tag.Tag("PixelData"), "OW", little.tobytes())
    dataset.save_as(path, enforce_file_format=True)
