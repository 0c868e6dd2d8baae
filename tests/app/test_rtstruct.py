# SPDX-License-Identifier: Apache-2.0
"""The example that writes an RT Structure Set: what others read from it is the label map."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

pytest.importorskip("skimage")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "rtstruct.py"
pytestmark = pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs the source tree")


def mask_of(roi, scan):
    """Return the voxels of one structure: its outlines, one within another taken out."""
    from skimage.draw import polygon2mask

    mask = np.zeros(scan.shape, bool)
    for contour in roi.ContourSequence:
        points = np.reshape(contour.ContourData, (-1, 3)).astype(float) * [-1, -1, 1]
        assert contour.NumberOfContourPoints == len(points)
        index = scan.world_to_index(points)
        (at,) = np.unique(np.rint(index[:, 0]).astype(int))
        np.testing.assert_allclose(index[:, 0], at, atol=1e-3)
        mask[at] ^= polygon2mask(scan.shape[1:], index[:, 1:])
    return mask


def test_structures_are_the_labels(tmp_path, capsys):
    pydicom = pytest.importorskip("pydicom")
    turned = np.array([[0, 0, 1.5], [0, 1.5, 0], [-4.0, 0, 0]])
    affine = np.block([[turned, np.array([[-20.0], [10.0], [30.0]])], [np.zeros((1, 3)), np.ones((1, 1))]])
    labels = np.zeros((6, 30, 28), np.uint8)
    labels[1:5, 4:20, 5:21] = 2
    labels[2:4, 8:14, 9:13] = 0  # a hole
    labels[3, 22:27, 20:26] = 7
    scan = vk.Volume(labels.astype(np.int16) * 100, affine, {"modality": "CT"})
    vk.save(scan, tmp_path / "scan", format="dicom")
    vk.save(scan.with_data(labels), tmp_path / "labels.nii")
    words = [str(tmp_path / name) for name in ("scan", "labels.nii", "structures.dcm")]
    assert runpy.run_path(str(EXAMPLE))["main"](words) == 0 and "2 structures" in capsys.readouterr().out

    found = pydicom.dcmread(tmp_path / "structures.dcm")
    images = [pydicom.dcmread(path) for path in sorted((tmp_path / "scan").iterdir())]
    assert found.SOPClassUID.name == "RT Structure Set Storage" and found.Modality == "RTSTRUCT"
    assert found.FrameOfReferenceUID == images[0].FrameOfReferenceUID
    assert [roi.ROIName for roi in found.StructureSetROISequence] == ["2", "7"]
    read = vk.load(tmp_path / "scan")
    place = {image.SOPInstanceUID: image.ImagePositionPatient for image in images}
    for roi, label in zip(found.ROIContourSequence, (2, 7), strict=True):
        np.testing.assert_array_equal(mask_of(roi, read), read.data == label * 100)
        for contour in roi.ContourSequence:  # each names the slice it lies in
            (slice_,) = contour.ContourImageSequence
            assert contour.ContourData[2] == pytest.approx(float(place[slice_.ReferencedSOPInstanceUID][2]))
