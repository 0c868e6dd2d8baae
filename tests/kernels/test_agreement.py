# SPDX-License-Identifier: Apache-2.0
"""Masks and label maps compared: the definitions by brute force, peers, labels, units, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import layouts

import voxkern as vk

MEASURES = (vk.dice, vk.hausdorff_distance, vk.mean_surface_distance)
SHAPES = [(30,), (11, 13), (7, 9, 8)]
SPACING = (2.0, 0.9, 0.7)


def blobs(rng, shape, share=0.5):
    """A mask with holes that reaches the edges."""
    smooth = scipy.ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
    return smooth > np.quantile(smooth, 1 - share)


def surface(mask):
    """Voxels with a neighbour across a face that is outside the mask, or outside the image."""
    padded = np.pad(mask, 1)
    inside = np.ones(mask.shape, bool)
    for axis in range(mask.ndim):
        for step in (1, -1):
            inside &= np.roll(padded, step, axis)[(slice(1, -1),) * mask.ndim]
    return mask & ~inside


def distances(a, b, spacing):
    """From each voxel of a surface to the nearest one of the other: every pair is tried."""
    p, q = (np.argwhere(surface(x)) * spacing for x in (a, b))
    pairs = np.sqrt(((p[:, None] - q[None]) ** 2).sum(axis=2))
    return pairs.min(axis=1), pairs.min(axis=0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spaced", [False, True])
def test_definitions(cpu_level, rng, shape, spaced):
    spacing = SPACING[: len(shape)] if spaced else 1.0
    for share in (0.1, 0.5, 0.9):
        a, b = blobs(rng, shape, share), blobs(rng, shape, share)
        there, back = distances(a, b, np.asarray(spacing))
        both = np.concatenate((there, back))
        close = {"rel": 1e-12, "abs": 1e-12}
        assert vk.hausdorff_distance(a, b, spacing=spacing) == pytest.approx(both.max(), **close)
        each = max(np.percentile(there, 95), np.percentile(back, 95))
        assert vk.hausdorff_distance(a, b, 95, spacing=spacing) == pytest.approx(each, **close)
        pooled = vk.hausdorff_distance(a, b, 95, spacing=spacing, pooled=True)
        assert pooled == pytest.approx(np.percentile(both, 95), **close)
        assert vk.mean_surface_distance(a, b, spacing=spacing) == pytest.approx(both.mean(), **close)
        means = (there.mean() + back.mean()) / 2
        got = vk.mean_surface_distance(a, b, spacing=spacing, pooled=False)
        assert got == pytest.approx(means, **close)
        assert vk.dice(a, b) == 2 * (a & b).sum() / (a.sum() + b.sum())
        assert vk.dice(a, a) == 1 and vk.hausdorff_distance(a, a) == vk.mean_surface_distance(a, a) == 0


def test_simpleitk(rng):
    sitk = pytest.importorskip("SimpleITK")
    place = np.ogrid[:40, :44, :48]
    balls = [
        sum((p - c) ** 2 for p, c in zip(place, centre, strict=True)) < 150
        for centre in ((20, 20, 20), (22, 24, 25))
    ]
    a, b = (sitk.GetImageFromArray(ball.astype(np.uint8)) for ball in balls)
    for image in (a, b):
        image.SetSpacing(SPACING[::-1])
    apart = sitk.HausdorffDistanceImageFilter()
    apart.Execute(a, b)
    assert vk.hausdorff_distance(*balls, spacing=SPACING) == pytest.approx(
        apart.GetHausdorffDistance(), rel=1e-6
    )
    x, y = rng.integers(0, 5, (2, 9, 10, 11)).astype(np.uint8)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(sitk.GetImageFromArray(x), sitk.GetImageFromArray(y))
    want = {label: pytest.approx(overlap.GetDiceCoefficient(label), rel=1e-12) for label in range(1, 5)}
    assert vk.dice(x, y, labels="all") == want


def test_labels_are_masks_of_their_own(rng):
    a, b = rng.integers(-2, 5, (2, 6, 7, 8)).astype(np.int16)
    b[b == 3] = 300
    for measure in MEASURES:
        found = measure(a, b, labels="all")
        assert list(found) == [-2, -1, 1, 2, 3, 4, 300]
        for label in (-2, -1, 1, 2, 4):
            assert found[label] == measure(a == label, b == label)
        nothing = 0 if measure is vk.dice else np.inf
        assert found[3] == found[300] == nothing
        chosen = measure(a, b, labels=[4, 99, 0])
        assert list(chosen) == [4, 99, 0] and chosen[4] == found[4] and np.isnan(chosen[99])
        assert chosen[0] == measure(a == 0, b == 0)
        assert measure(a * 0, b * 0, labels="all") == {}


def test_empty_masks():
    none, some = np.zeros((4, 5)), np.eye(4, 5)
    for measure in MEASURES:
        assert np.isnan(measure(none, none))
        assert measure(none, some) == measure(some, none) == (0 if measure is vk.dice else np.inf)


def test_volumes_are_measured_in_millimetres(rng):
    a, b = blobs(rng, (8, 9, 10)), blobs(rng, (8, 9, 10))
    affine = np.diag([*SPACING, 1.0])
    for measure in MEASURES[1:]:
        got = measure(vk.Volume(a, affine), vk.Volume(b, affine))
        assert got == measure(a, b, spacing=SPACING) and got != measure(a, b)
        assert measure(vk.Volume(a, affine), b) == measure(a, vk.Volume(b, affine)) == got
        assert measure(vk.Volume(a, affine), b, spacing=1) == measure(a, b)
    with pytest.raises(vk.ArgumentError, match="b: got another geometry"):
        vk.dice(vk.Volume(a, affine), vk.Volume(b, np.eye(4)))


def test_any_dtype_layout_and_number_of_threads(rng):
    a, b = blobs(rng, (20, 30, 40)), blobs(rng, (20, 30, 40))
    for measure in MEASURES:
        options = {} if measure is vk.dice else {"spacing": SPACING}
        want = measure(a, b, **options, threads=1)
        assert measure(a * np.float16(0.25), b * np.int64(-7), **options, threads=3) == want
        for (name, x), (_, y) in zip(layouts(a), layouts(b), strict=True):
            assert measure(x, y, **options, threads=2) == pytest.approx(want, rel=1e-14), name
        assert measure(np.asfortranarray(a), b, **options) == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("measure", MEASURES)
def test_wrong_arguments(measure):
    a, b = np.eye(4, 5, dtype=int), np.eye(4, dtype=int)
    with pytest.raises(vk.ArgumentError, match=r"b: got shape \(4, 4\), allowed \(4, 5\)"):
        measure(a, b)
    with pytest.raises(vk.ArgumentError, match="a: got no axis"):
        measure(1, 1)
    with pytest.raises(vk.ArgumentTypeError, match="a: got dtype float64"):
        measure(a * 1.0, a, labels="all")
    with pytest.raises(vk.ArgumentError, match="labels: got 'every'"):
        measure(a, a, labels="every")
    with pytest.raises(vk.ArgumentTypeError, match="labels"):
        measure(a, a, labels=[0.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"percentile": 101}, "percentile: got 101.0, allowed 0 to 100"),
        ({"percentile": np.nan}, "percentile: got nan"),
        ({"percentile": "95"}, "percentile"),
        ({"spacing": 0}, "spacing: got 0, allowed steps above 0"),
        ({"spacing": (1, 2, 3)}, "spacing"),
    ],
)
def test_wrong_distances(arguments, message):
    with pytest.raises(vk.VoxkernError, match=message):
        vk.hausdorff_distance(np.eye(4), np.eye(4), **arguments)
