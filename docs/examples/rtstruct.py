# SPDX-License-Identifier: Apache-2.0
"""A label map as a DICOM RT Structure Set, for the series it was drawn on.

    pip install 'voxkern[io,surface]'
    python rtstruct.py SERIES_FOLDER labels.nii.gz structures.dcm

The outlines are `vk.contours`, the file is pydicom's. It names the patient, as a structure set must: what
it says of patient, study and frame of reference is copied from the series. An outline within another one is
a hole, which is how most programs read it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

import voxkern as vk

COPIED = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID"]
COPIED += ["StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID"]
COPIED += ["PositionReferenceIndicator"]
COLOURS = ([230, 60, 60], [60, 180, 75], [0, 130, 200], [245, 130, 48], [145, 30, 180], [70, 240, 240])
RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


def record(**values):
    """Return a data set of these elements."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def reference(image):
    """Return what refers to an image."""
    return record(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID)


def contour(outline, image):
    """Return one closed outline, in DICOM's millimetres; the last point is not the first one again."""
    points = outline.points[:-1] * RAS_TO_LPS
    return record(
        ContourImageSequence=[reference(image)],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.4f}" for value in points.ravel()],
    )


def heights(images):
    """Return where slices lie along their common normal, and the normal."""
    normal = np.cross(*np.reshape(images[0].ImageOrientationPatient, (2, 3)).astype(float))
    return np.array([np.dot(normal, np.array(i.ImagePositionPatient, float)) for i in images]), normal


def structure_set(labels, names, images):
    """Return a structure set: a Volume of labels on a series' grid, {label: name}, its slices' headers."""
    places, normal = heights(images)
    rois = {label: [] for label in names}
    for outline in vk.contours(labels, axis=0):
        at = np.dot(normal, outline.points[0] * RAS_TO_LPS)
        image = images[int(np.argmin(np.abs(places - at)))]
        rois.setdefault(outline.label, []).append(contour(outline, image))
    first = images[0]
    frame = first.FrameOfReferenceUID
    series = record(
        SeriesInstanceUID=first.SeriesInstanceUID, ContourImageSequence=list(map(reference, images))
    )
    study = record(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",  # the study itself
        ReferencedSOPInstanceUID=first.StudyInstanceUID,
        RTReferencedSeriesSequence=[series],
    )
    found = record(**{keyword: getattr(first, keyword, "") for keyword in COPIED})
    found.update(
        record(
            SOPClassUID=RTStructureSetStorage,
            SOPInstanceUID=generate_uid(),
            Modality="RTSTRUCT",
            SeriesInstanceUID=generate_uid(),
            SeriesNumber=None,
            OperatorsName="",
            Manufacturer=f"voxkern {vk.__version__}",
            ApprovalStatus="UNAPPROVED",
            StructureSetLabel="voxkern",
            StructureSetDate=first.get("StudyDate", ""),
            StructureSetTime=first.get("StudyTime", ""),
            ReferencedFrameOfReferenceSequence=[
                record(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])
            ],
            StructureSetROISequence=[],
            ROIContourSequence=[],
            RTROIObservationsSequence=[],
        )
    )
    for number, (label, outlines) in enumerate(rois.items(), 1):
        found.StructureSetROISequence.append(
            record(
                ROINumber=number,
                ReferencedFrameOfReferenceUID=frame,
                ROIName=names.get(label, str(label)),
                ROIGenerationAlgorithm="",
            )
        )
        found.ROIContourSequence.append(
            record(
                ROIDisplayColor=COLOURS[(number - 1) % len(COLOURS)],
                ContourSequence=outlines,
                ReferencedROINumber=number,
            )
        )
        found.RTROIObservationsSequence.append(
            record(
                ObservationNumber=number,
                ReferencedROINumber=number,
                RTROIInterpretedType="",
                ROIInterpreter="",
            )
        )
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return found


def main(argv=None):
    """Read a series and labels, write the structure set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", help="folder with the files of one series alone")
    parser.add_argument("labels", help="label map of any grid: it is brought onto that of the series")
    parser.add_argument("output")
    args = parser.parse_args(argv)
    files = sorted(path for path in Path(args.series).iterdir() if path.is_file())
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in files]
    labels = vk.load(args.labels)
    names = dict(labels.meta.get("segments", ()))
    labels = vk.resample_labels(labels, like=vk.load(args.series), rule="nearest")
    found = structure_set(labels, names, images)
    found.save_as(args.output, enforce_file_format=True)
    print(f"{len(found.StructureSetROISequence)} structures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
