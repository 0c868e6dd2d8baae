# SPDX-License-Identifier: Apache-2.0
"""labels: reference, nnU-Net, ITK, torch; dtypes, layouts, ties, edges."""

import math

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import LABELS, SIZES, examples, regions
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern._ops.resample_labels import RULES
from voxkern._runtime.validate import INTERPOLATION_MODES
from voxkern.reference.resample_labels import resample_labels as reference_labels


def kernel(x, coordinates, rule, mode="nearest", cval=0, sigma=1.0, alpha=1.0, threads=0):
    out = np.empty(tuple(len(c) for c in coordinates), x.dtype)
    options = _core.LabelOptions(
        rule=_core.LabelRule[rule],
        mode=INTERPOLATION_MODES[mode],
        cval=cval,
        sigma=[sigma] * x.ndim,
        alpha=alpha,
    )
    _core.resample_labels(x, out, [np.asarray(c, float) for c in coordinates], options, threads)
    return out


def nnunet(x, shape):
    utils = pytest.importorskip("batchgenerators.augmentations.utils")
    return utils.resize_segmentation(x, shape, order=1)


MODES = ["nearest", "constant", "mirror", "reflect", "grid-constant", "grid-wrap", "fov"]
# A Gaussian's window is cut off at the image: what lies beyond has no say there.
RULE_AND_MODE = [(r, m) for r in RULES for m in MODES if r != "gaussian" or m == "fov"]


@pytest.mark.parametrize(("rule", "mode"), RULE_AND_MODE)
def test_matches_reference(rng, cpu_level, rule, mode):
    for shape, size in [((11, 12), (17, 30)), ((7, 8, 9), (11, 6, 20)), ((20,), (33,))]:
        x = rng.integers(0, 4, shape).astype(np.int16)
        coordinates = [np.sort(rng.uniform(-2.2, n + 1.2, m)) for n, m in zip(shape, size, strict=True)]
        if mode == "fov":
            coordinates = [np.sort(rng.uniform(-0.49, n - 0.51, m)) for n, m in zip(shape, size, strict=True)]
        got = kernel(x, coordinates, rule, mode, cval=3, sigma=0.9, alpha=2.0)
        np.testing.assert_array_equal(got, reference_labels(x, coordinates, rule, mode, 3, 0.9, 2.0))


@given(
    shape=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3).filter(lambda n: math.prod(n) < 20_000),
    factor=st.sampled_from([0.5, 0.8, 1.0, 1.3, 2.0, 3.0]),
    count=st.sampled_from([1, 2, 3, 25, 200]),
    dtype=st.sampled_from(["uint8", "int16", "uint32", "int64"]),
    memory=st.sampled_from(["C", "F", "reversed"]),
    seed=st.integers(0, 999),
)
@examples(50)
def test_argmax_is_nnunets(shape, factor, count, dtype, memory, seed):
    rng = np.random.default_rng(seed)
    size = tuple(max(round(n * factor), 1) for n in shape)
    x = (
        rng.integers(0, count, shape).astype(dtype)
        if seed % 2
        else regions(rng, shape, min(count, 25), dtype)
    )
    if memory == "F":
        x = np.asfortranarray(x)
    if memory == "reversed":
        x = x[(slice(None, None, -1),) * x.ndim]
    np.testing.assert_array_equal(vk.resample_labels(x, shape=size), nnunet(np.ascontiguousarray(x), size))


def test_half_is_what_nnunet_did_before(rng):
    """One-hot, linear, at least a half; later labels overwrite."""
    skimage = pytest.importorskip("skimage.transform")
    for shape, size in [((12, 13, 14), (24, 20, 9)), ((16, 16), (32, 32))]:
        x = rng.integers(0, 5, shape).astype(np.uint8)
        want = np.zeros(size, np.uint8)
        for label in np.unique(x):
            score = skimage.resize(
                (x == label).astype(float), size, 1, mode="edge", clip=True, anti_aliasing=False
            )
            want[score >= 0.5] = label
        np.testing.assert_array_equal(vk.resample_labels(x, shape=size, rule="half"), want)


@pytest.mark.parametrize("dtype", LABELS)
def test_dtypes_and_layouts(rng, cpu_level, dtype, layouts):
    x = regions(rng, (9, 14, 19), 2 if dtype == "bool" else 5)
    far = 0 if dtype == "bool" else np.iinfo(dtype).max - 4  # beyond what a double tells apart, for 64 bits
    x = x.astype(bool) if dtype == "bool" else (x.astype(np.uint64) + np.uint64(far)).astype(dtype)
    small = (x.astype(np.uint64) - np.uint64(far)).astype(np.uint8)
    for rule in RULES:
        want = vk.resample_labels(small, shape=(13, 10, 25), rule=rule)
        if rule == "half":  # where no label has a half, the result is 0, not the lowest label
            want = vk.resample_labels(small + 1, shape=(13, 10, 25), rule=rule).astype(np.uint64)
            want = np.where(want == 0, 0, want + np.uint64(far) - np.uint64(1)).astype(dtype)
        else:
            want = (want.astype(np.uint64) + np.uint64(far)).astype(dtype)
        if dtype == "bool" and rule == "half":
            want = vk.resample_labels(small, shape=(13, 10, 25), rule=rule).astype(bool)
        for name, view in layouts(x):
            got = vk.resample_labels(view, shape=(13, 10, 25), rule=rule)
            assert got.dtype == x.dtype
            np.testing.assert_array_equal(got, want, err_msg=f"{rule} {name}")


def test_negative_labels_and_ties():
    x = np.array([-5, 7], np.int8)
    assert vk.resample_labels(x, matrix=[[1, 0.5], [0, 1]], shape=1)[0] == 7  # the nearest sample, halves up
    # Where the nearest label lost, the lowest of those that share the top.
    square = np.array([[[3, 1], [1, 1]], [[2, 2], [2, 3]]])
    assert vk.resample_labels(square, shape=1)[0, 0, 0] == 1
    assert vk.resample_labels(x, matrix=[[1, 0.5], [0, 1]], shape=1, rule="half")[0] == 7
    four = np.array([[1, 2], [3, 4]])
    assert vk.resample_labels(four, shape=1, rule="half")[0, 0] == 0


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_gaussian_is_itks(rng, alpha):
    sitk = pytest.importorskip("SimpleITK")
    if alpha != 1.0:
        got = vk.resample_labels(regions(rng, (9, 9, 9), 4), shape=20, rule="gaussian", alpha=alpha)
        assert set(np.unique(got)) <= set(range(4))
        return
    affine = np.diag([2.0, 1.1, 0.9, 1.0])
    x = vk.Volume(regions(rng, (15, 18, 21), 6), affine)
    turn = np.eye(4)
    c, s = np.cos(0.3), np.sin(0.3)
    turn[:2, :2] = [[c, -s], [s, c]]
    for like_affine in (np.diag([1.3, 0.7, 0.7, 1.0]), turn @ np.diag([1.3, 0.7, 0.7, 1.0])):
        like = vk.Volume(np.zeros((20, 25, 26), np.uint8), like_affine)
        got = vk.resample_labels(x, like=like, rule="gaussian")
        want = sitk.Resample(
            x.to_sitk(), like.to_sitk(), sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLabelGaussian, 0
        )
        assert np.mean(got.data != vk.Volume.from_sitk(want).data) < 1e-3


def test_turned_grids(rng):
    """The general path on a grid that is not turned, against the path for such grids."""
    x = regions(rng, (12, 13, 14), 6)
    coordinates = [np.arange(20) * s + o for s, o in [(0.61, -0.31), (0.57, 0.13), (0.73, 0.29)]]
    for rule in RULES:
        out = np.empty((20, 20, 20), np.uint8)
        options = _core.LabelOptions(
            rule=_core.LabelRule[rule], mode=_core.Boundary.fov, cval=9, sigma=[1.0] * 3
        )
        _core.warp_labels(x, out, np.array([-0.31, 0.13, 0.29]), np.diag([0.61, 0.57, 0.73]), options, 0)
        np.testing.assert_array_equal(out, kernel(x, coordinates, rule, "fov", 9))
    matrix = np.eye(3) + rng.normal(0, 0.1, (3, 3))
    got = vk.resample_labels(x, matrix=matrix, rule="nearest")
    want = scipy_ndimage.affine_transform(x.astype(float), matrix, order=0, mode="nearest")
    np.testing.assert_array_equal(got, want)
    scores = [
        scipy_ndimage.affine_transform((x == k).astype(float), matrix, order=1, mode="nearest")
        for k in range(6)
    ]
    clear = np.sort(scores, axis=0)[-1] - np.sort(scores, axis=0)[-2] > 1e-9
    np.testing.assert_array_equal(
        vk.resample_labels(x, matrix=matrix)[clear], np.argmax(scores, axis=0)[clear]
    )


def test_volumes_times_and_threads(rng):
    x = vk.Volume(regions(rng, (20, 21, 22, 3), 7), np.diag([2.0, 1.0, 1.0, 1.0]))
    grid = {"spacing": 0.8, "convention": "extent"}
    got = vk.resample_labels(x, **grid)
    assert got.shape == (50, 26, 28, 3) and got.dtype == np.uint8
    np.testing.assert_array_equal(got.affine, vk.resample(x, **grid, order=0).affine)
    for t in range(3):
        np.testing.assert_array_equal(
            got.data[..., t], vk.resample_labels(x.data[..., t], shape=(50, 26, 28))
        )
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(vk.resample_labels(x, **grid, threads=threads).data, got.data)
    out = np.empty((50, 26, 28, 3), np.uint8)
    assert vk.resample_labels(x, **grid, out=out).data is out


# --- class scores -----------------------------------------------------------------------------------------


@given(
    shape=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3),
    classes=st.sampled_from([1, 2, 5, 300]),
    factor=st.sampled_from([0.5, 1.0, 1.7, 2.0, 5.0]),
    dtype=st.sampled_from(["float16", "float32", "float64", "int16"]),
    memory=st.sampled_from(["C", "F"]),
    seed=st.integers(0, 99),
)
@examples(20)
def test_argmax_of_scores(shape, classes, factor, dtype, memory, seed):
    classes = classes if np.prod(shape) < 5000 else min(classes, 5)
    scores = np.random.default_rng(seed).normal(0, 50, (classes, *shape)).astype(dtype)
    if memory == "F":
        scores = np.asfortranarray(scores)
    size = tuple(max(round(n * factor), 1) for n in shape)
    got = vk.resample_argmax(scores, shape=size)
    assert got.dtype == (np.uint8 if classes <= 256 else np.uint16) and got.shape == size
    full = np.stack([vk.resample(s.astype(np.float64), shape=size, order=1) for s in scores])
    top = np.sort(full, axis=0)
    clear = np.ones(size, bool) if classes == 1 else top[-1] - top[-2] > 1e-3
    np.testing.assert_array_equal(got[clear], full.argmax(axis=0)[clear])


def test_argmax_at_every_level(rng, cpu_level):
    for n in (15, 16, 17, 33, 70):
        scores = rng.normal(size=(4, 5, 6, n)).astype(np.float32)
        for size in ((10, 12, 2 * n), (3, 4, n // 3), (5, 6, n)):
            full = np.stack([vk.resample(s.astype(np.float64), shape=size, order=1) for s in scores])
            np.testing.assert_array_equal(vk.resample_argmax(scores, shape=size), full.argmax(axis=0))
            half = scores.astype(np.float16)
            np.testing.assert_array_equal(
                vk.resample_argmax(half, shape=size), vk.resample_argmax(half.astype(np.float32), shape=size)
            )


def test_argmax_beyond_the_scores(rng, cpu_level):
    """With grid-constant they are zero there; far outside no class has any."""
    scores = rng.normal(size=(4, 5, 6, 17)).astype(np.float32)
    far = [np.linspace(-3, n + 2, m) for n, m in zip(scores.shape[1:], (9, 11, 40), strict=True)]
    got = np.empty((9, 11, 40), np.uint8)
    _core.resample_argmax(scores, got, far, _core.Boundary.grid_constant, 1)
    grid = np.meshgrid(*far, indexing="ij")
    full = np.stack(
        [vk.ndimage.map_coordinates(s.astype(float), grid, order=1, mode="grid-constant") for s in scores]
    )
    np.testing.assert_array_equal(got, full.argmax(axis=0))


def test_argmax_of_a_volume(rng):
    scores = vk.Volume(rng.normal(size=(8, 9, 10, 3)).astype(np.float32), np.diag([2.0, 1.0, 1.0, 1.0]))
    got = vk.resample_argmax(scores, spacing=0.5)
    assert got.shape == (32, 18, 20) and got.dtype == np.uint8
    np.testing.assert_array_equal(got.affine, vk.resample(scores, spacing=0.5, order=1).affine)
    np.testing.assert_array_equal(
        got.data, vk.resample_argmax(np.moveaxis(scores.data, -1, 0), shape=(32, 18, 20))
    )
    for threads in (1, 3):
        np.testing.assert_array_equal(vk.resample_argmax(scores, spacing=0.5, threads=threads).data, got.data)
