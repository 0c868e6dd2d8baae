# SPDX-License-Identifier: Apache-2.0
"""Makes small DICOM series, good ones and ones with a fault."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


def make_slice(
    pixels,
    position,
    *,
    series_uid,
    orientation=(1, 0, 0, 0, 1, 0),
    spacing=(0.7, 0.9),
    slope=1,
    intercept=0,
    number=1,
    **tags,
):
    """Return one classic MR slice of a patient whose name must never leave the loader."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("made", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.SeriesInstanceUID = series_uid
    ds.Modality = "MR"
    ds.SeriesDescription = "made"
    ds.PatientName = "Secret^Person"
    ds.PatientID = "SECRET-4711"
    ds.InstanceNumber = number
    ds.ImagePositionPatient = [f"{v:.6g}" for v in position]
    ds.ImageOrientationPatient = list(orientation)
    ds.PixelSpacing = list(spacing)
    ds.SliceThickness = 99.0  # must never be believed
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.RescaleSlope = slope
    ds.RescaleIntercept = intercept
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    for tag, value in tags.items():
        if value is None:
            delattr(ds, tag)
        else:
            setattr(ds, tag, value)
    return ds


def write_series(
    folder, *, n=6, shape=(5, 7), step=(0, 0, 2.5), dtype=np.int16, order=None, edit=None, seed=7, **kw
):
    """Write `n` slices to shuffled file names; `edit(k, dataset)` may spoil one. Return the Datasets."""
    rng = np.random.default_rng(seed)
    series_uid = kw.pop("series_uid", generate_uid())
    origin = np.array([-10.0, 20.0, 30.0])
    datasets = []
    for k in range(n):
        pixels = rng.integers(0, 1000, shape).astype(dtype)
        ds = make_slice(pixels, origin + k * np.array(step), series_uid=series_uid, number=(k * 5) % n, **kw)
        if edit is not None:
            edit(k, ds)
        datasets.append(ds)
    names = order if order is not None else rng.permutation(n)
    for ds, name in zip(datasets, names, strict=True):
        pydicom.dcmwrite(folder / f"IM{name:04d}", ds)
    return datasets


def voxels(datasets):
    """Return the stored pixels of slices that `write_series` made."""
    return np.stack([ds.pixel_array for ds in datasets])


def make_enhanced(pixels, *, positions, slopes=None, times=None, types=None):
    """Return one enhanced MR image of (frames, rows, columns); without positions only its shell."""
    ds = make_slice(pixels[0], (9, 9, 9), series_uid=generate_uid())
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    del ds.RescaleSlope, ds.RescaleIntercept
    ds.NumberOfFrames = len(pixels)
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if positions is None:
        return ds
    shared = Dataset()
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.7, 0.9], 99
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelMeasuresSequence = Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for k, place in enumerate(positions):
        group, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = list(place)
        group.PlanePositionSequence = Sequence([position])
        if times is not None:
            content.TemporalPositionIndex = times[k]
            group.FrameContentSequence = Sequence([content])
        if slopes is not None:
            scale = Dataset()
            scale.RescaleSlope, scale.RescaleIntercept = slopes[k], 0
            group.PixelValueTransformationSequence = Sequence([scale])
        if types is not None:
            kind = Dataset()
            kind.FrameType = ["ORIGINAL", "PRIMARY", types[k], "NONE"]
            group.MRImageFrameTypeSequence = Sequence([kind])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return ds
