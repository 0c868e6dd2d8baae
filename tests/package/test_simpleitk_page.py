# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/migrate/simpleitk.md: each row is run on both sides."""

import re
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

sitk = pytest.importorskip("SimpleITK")
PAGE = Path(__file__).parents[2] / "docs" / "migrate" / "simpleitk.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs the source tree")
TEXT = PAGE.read_text("utf-8") if PAGE.is_file() else ""
CALLS = re.findall(r"^\| `(sitk\..*?)` \| `(.*?)` \| (\S+) \|$", TEXT, re.MULTILINE)
INTERPOLATORS = re.findall(r"^\| (`sitk\w+`.*?) \| `(.*?)` \|$", TEXT, re.MULTILINE)
COLUMNS = re.findall(r"^\| `(Label\w+)\.(\w+)` \| `(\w+)` \| (\S+) \|$", TEXT, re.MULTILINE)


def pixels(image):
    return sitk.GetArrayFromImage(image) if isinstance(image, sitk.Image) else np.asarray(image)


@pytest.fixture
def names():
    """What the rows take as given: images of unequal axes and steps."""
    rng = np.random.default_rng(5)
    shape = (30, 36, 33)
    i, j, k = (np.linspace(-1, 1, n) for n in shape)
    i, j, k = np.meshgrid(i, j, k, indexing="ij")
    head = np.where(i**2 + j**2 + k**2 < 0.7, 500 + 100 * np.sin(9 * i), 50) * np.exp(0.2 * j)
    head = (head + rng.normal(0, 5, shape)).astype(np.float32)
    voxels = (vk.gaussian(rng.normal(size=shape).astype(np.float32), 1.5) > 0.02).astype(np.uint8)
    other = (vk.gaussian(rng.normal(size=shape).astype(np.float32), 1.5) > 0.0).astype(np.uint8)
    labels = vk.ndimage.label(voxels)[0].astype(np.uint16)
    images = [sitk.GetImageFromArray(a) for a in (head, voxels, other, labels)]
    for image in images:
        image.SetSpacing((0.9, 1.0, 2.0))
        image.SetOrigin((-20, 10, 5))
    reference = sitk.Image([40, 30, 35], sitk.sitkFloat32)
    reference.SetSpacing((0.8, 1.1, 1.7))
    reference.SetOrigin((-19, 9, 8))
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.1, 0.05, -0.1)
    transform.SetTranslation((3, 2, -1))
    return {
        **dict(zip(("image", "mask", "other", "labels"), images, strict=True)),
        "reference": reference,
        "transform": transform,
        "identity": sitk.Transform(),
        "voxels": voxels,
        "np": np,
        "sitk": sitk,
        "vk": vk,
        "ndimage": vk.ndimage,
    }


@pytest.mark.parametrize(("theirs", "ours", "limit"), CALLS, ids=[row[0] for row in CALLS])
def test_calls(names, theirs, ours, limit):
    want, got = (pixels(eval(call, names)).astype(np.float64) for call in (theirs, ours))
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= float(limit) * np.ptp(want)


@pytest.mark.parametrize("dtype", [sitk.sitkFloat32, sitk.sitkInt16])
@pytest.mark.parametrize(("interpolators", "order"), INTERPOLATORS, ids=[row[0] for row in INTERPOLATORS])
def test_interpolators(names, interpolators, order, dtype):
    image = sitk.Cast(names["image"], dtype)
    got = pixels(vk.resample(image, like=names["reference"], order=eval(order), cval=-7)).astype(float)
    for name in re.findall(r"`(\w+)`", interpolators):
        want = pixels(sitk.Resample(image, names["reference"], sitk.Transform(), getattr(sitk, name), -7.0))
        limit = 1 if dtype == sitk.sitkInt16 else 1e-5 * np.ptp(want)
        assert np.abs(got - want).max() <= limit


def test_label_gaussian(names):
    call = (names["reference"], sitk.Transform(), sitk.sitkLabelGaussian)
    got = vk.resample_labels(names["mask"], like=names["reference"], rule="gaussian")
    assert np.mean(pixels(got) != pixels(sitk.Resample(names["mask"], *call))) <= 1e-3


def test_columns(names):
    table = vk.label_statistics(names["labels"], names["image"], surface_area=True, longest_diameter=True)
    filters = {
        "LabelStatistics": sitk.LabelStatisticsImageFilter(),
        "LabelShape": sitk.LabelShapeStatisticsImageFilter(),
    }
    filters["LabelShape"].ComputeFeretDiameterOn()
    filters["LabelStatistics"].Execute(names["image"], names["labels"])
    filters["LabelShape"].Execute(names["labels"])
    assert len(COLUMNS) == 7
    for row, label in enumerate(table.label):
        for name, method, column, limit in COLUMNS:
            want = getattr(filters[name], method)(int(label))
            assert getattr(table, column)[row] == pytest.approx(want, rel=float(limit), abs=0), (
                method,
                label,
            )
        centroid = filters["LabelShape"].GetCentroid(int(label))
        np.testing.assert_allclose(table.centroid_mm[row] * [-1, -1, 1], centroid, atol=1e-9)
        n = table.count[row]
        if n > 1:
            sigma = filters["LabelStatistics"].GetSigma(int(label)) * np.sqrt((n - 1) / n)
            assert table.standard_deviation[row] == pytest.approx(sigma, rel=1e-6)


def test_agreement(names):
    a, b = names["mask"], names["other"]
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(a, b)
    assert vk.dice(a, b) == pytest.approx(overlap.GetDiceCoefficient(), rel=1e-12)
    assert vk.dice(a, b, "all")[1] == pytest.approx(overlap.GetDiceCoefficient(1), rel=1e-12)
    ball, larger = (np.zeros((20, 20, 20), np.uint8) for _ in range(2))
    ball[5:12, 5:12, 5:12], larger[5:16, 4:12, 5:13] = 1, 1
    distance = sitk.HausdorffDistanceImageFilter()
    distance.Execute(*(sitk.GetImageFromArray(x) for x in (ball, larger)))
    assert vk.hausdorff_distance(ball, larger) == pytest.approx(distance.GetHausdorffDistance(), rel=1e-6)


def test_inside_of_a_distance_map(names):
    theirs = pixels(sitk.SignedMaurerDistanceMap(names["mask"], False, False, True))
    ours = pixels(vk.signed_distance(names["mask"]))
    inside = pixels(names["mask"]) > 0
    assert theirs[inside].max() == 0 and ours[inside].max() <= -0.9


def test_mask_label_of_n4(names):
    """SimpleITK counts voxels that are 1; all that are not zero count here, unless one says which."""
    head = pixels(names["image"])
    labels = (head > 100).astype(np.uint8)
    labels[:15] *= 2
    image, mask = names["image"], sitk.GetImageFromArray(labels)
    mask.CopyInformation(image)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([5])
    ones, others = (
        pixels(vk.n4_bias_field_correction(image, mask, mask_label=m, maximum_number_of_iterations=5))
        for m in (1, None)
    )
    np.testing.assert_allclose(ones, pixels(n4.Execute(image, mask)), rtol=1e-4)
    n4.SetUseMaskLabel(False)
    np.testing.assert_allclose(others, pixels(n4.Execute(image, mask)), rtol=1e-4)
    assert np.abs(ones / others - 1).max() > 1e-3
