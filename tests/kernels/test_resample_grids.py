# SPDX-License-Identifier: Apache-2.0
"""resample: the ways to name a grid, the images it takes, plans that travel, memory that is not shared."""

import multiprocessing
import pickle
import threading

import numpy as np
import pytest
import scipy.ndimage

import voxkern as vk
from voxkern._ops import resample as resample_module

TURN = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
AFFINE = np.eye(4)
AFFINE[:3, :3] = TURN @ np.diag([2.0, 0.9, 1.1])
AFFINE[:3, 3] = [-31, 12, 7]


def scan(rng, shape=(12, 21, 17), dtype=np.float32, affine=AFFINE):
    return vk.Volume((rng.random(shape) * 100).astype(dtype), affine)


def centre(volume):
    return volume.affine @ [*((n - 1) / 2 for n in volume.shape[:3]), 1.0]


def ramp(volume):
    """The same grid, with voxels that say where they are: x + 2 y + 3 z in millimetres."""
    index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), -1)
    return volume.with_data((index @ volume.affine[:3, :3].T + volume.affine[:3, 3]) @ [1.0, 2.0, 3.0])


# --- conventions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", [None, "centre", "origin"])
@pytest.mark.parametrize("spacing", [1.0, (0.7, 1.3, 2.0)])
def test_spacing_is_as_asked(rng, convention, spacing):
    x = scan(rng)
    for function, options in ((vk.resample, {"order": 1}), (vk.resample_labels, {})):
        source = x if function is vk.resample else scan(rng, dtype=np.uint8)
        y = function(source, spacing=spacing, convention=convention, **options)
        np.testing.assert_allclose(y.spacing, np.broadcast_to(spacing, 3), rtol=1e-12)
        np.testing.assert_allclose(y.direction, x.direction, atol=1e-12)
        if convention == "origin":
            np.testing.assert_array_equal(y.affine[:3, 3], x.affine[:3, 3])
        else:
            np.testing.assert_allclose(centre(y), centre(x), atol=1e-9)


def test_default_of_shape_keeps_the_extent(rng):
    x = scan(rng)
    y, z = (vk.resample(x, shape=(9, 30, 17), convention=c) for c in (None, "extent"))
    np.testing.assert_array_equal(y.data, z.data)
    np.testing.assert_array_equal(y.affine, z.affine)
    np.testing.assert_allclose(np.multiply(y.spacing, y.shape), np.multiply(x.spacing, x.shape))


@pytest.mark.parametrize("convention", [None, "origin"])
def test_own_spacing_moves_no_voxel(rng, convention):
    """The length of a turned column is rounded; what falls on a voxel or between two still does."""
    c, s = np.cos(49 / 57), np.sin(49 / 57)
    turned = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ np.diag([2.0, 0.9, 1.1, 1])
    x = scan(rng, affine=turned)
    straight = x.with_data(x.data, np.diag([2.0, 0.9, 1.1, 1.0]))
    assert x.spacing != straight.spacing
    same = vk.resample(x, spacing=(2.0, 0.9, 1.1), convention=convention)
    np.testing.assert_array_equal(same.data, x.data)
    half = {"spacing": (1.0, 0.45, 1.1), "order": 0, "convention": convention}
    np.testing.assert_array_equal(vk.resample(x, **half).data, vk.resample(straight, **half).data)


@pytest.mark.parametrize("convention", [None, "origin"])
def test_spacing_that_a_file_rounded(rng, convention):
    """A header has float32: 0.8 there is 0.80000001, and twice as much is still every other voxel."""
    x = scan(rng, (12, 20, 16), affine=np.diag(np.float32([0.8, 0.8, 1.3, 1])).astype(float))
    same = vk.resample(x, spacing=(0.8, 0.8, 1.3), convention=convention)
    np.testing.assert_array_equal(same.data, x.data)
    twice = vk.resample(x, spacing=(1.6, 1.6, 2.6), order=0, convention=convention)
    np.testing.assert_allclose(twice.spacing, (1.6, 1.6, 2.6), rtol=1e-7)
    first = 0 if convention == "origin" else 1
    np.testing.assert_array_equal(twice.data, x.data[first::2, first::2, first::2])


def test_origin_is_the_habit_of_monai():
    """MONAI's Spacing: round((n - 1) s / t + 1) voxels from the first one on, edge voxels repeated."""
    x = vk.Volume(np.arange(7.0)[:, None, None] * np.ones((7, 1, 1)), np.diag([1.5, 1, 1, 1]))
    y = vk.resample(x, spacing=1.0, order=1, convention="origin", shape_rule="monai")
    assert y.shape == (10, 1, 1)
    np.testing.assert_allclose(y.data[:, 0, 0], np.arange(10) / 1.5)
    z = vk.resample(x, spacing=(4.0, 1, 1), shape=(2, 1, 1), order=1, convention="origin")
    np.testing.assert_allclose(z.data[:, 0, 0], [0, 4 / 1.5])


def test_origin_is_the_habit_of_simpleitk(rng):
    sitk = pytest.importorskip("SimpleITK")
    x = scan(rng, dtype=np.float64)
    image, size = x.to_sitk(), (14, 18, 11)
    want = sitk.Resample(
        image, size[::-1], sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), (1.2, 1.0, 2.1),
        image.GetDirection(), 0.0,
    )  # fmt: skip
    options = {"spacing": (2.1, 1.0, 1.2), "shape": size, "convention": "origin", "mode": "fov"}
    got = vk.resample(x, order=1, **options)
    np.testing.assert_allclose(got.affine, vk.Volume.from_sitk(want).affine, atol=1e-9)
    np.testing.assert_allclose(got.data, sitk.GetArrayFromImage(want), atol=1e-9)


# --- affine --------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_affine_and_shape_are_like(rng, turned):
    x = scan(rng)
    affine = AFFINE @ np.diag([-0.8, 1.3, 0.7, 1.0])
    affine[:3, 3] += AFFINE[:3, 0] * 11
    if turned:
        affine[:3, :3] = np.linalg.qr(rng.random((3, 3)))[0] * 1.3
    target = vk.Volume(np.zeros((13, 9, 20)), affine)
    transform = np.eye(4) + np.outer([1.0, 2.0, 3.0, 0.0], [0, 0, 0, 1.0])
    for options in ({}, {"transform": transform}, {"order": 0, "cval": 7.0}):
        got = vk.resample(x, affine=affine, shape=target.shape, **options)
        want = vk.resample(x, like=target, **options)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_array_equal(got.affine, affine)
    labels = scan(rng, dtype=np.uint8)
    got = vk.resample_labels(labels, affine=affine, shape=target.shape, cval=3)
    np.testing.assert_array_equal(got.data, vk.resample_labels(labels, like=target, cval=3).data)


def test_affine_of_scores(rng):
    scores = vk.Volume(rng.random((6, 7, 8, 3)).astype(np.float32), AFFINE)
    affine = AFFINE @ np.diag([0.5, 0.6, 0.7, 1.0])
    got = vk.resample_argmax(scores, affine=affine, shape=(11, 11, 11))
    want = vk.resample_argmax(scores, like=vk.Volume(np.zeros((11, 11, 11)), affine))
    np.testing.assert_array_equal(got.data, want.data)
    np.testing.assert_array_equal(got.affine, affine)


def test_affine_of_a_ramp(rng):
    x = ramp(scan(rng))
    y = vk.resample(x, affine=AFFINE @ np.diag([0.5, 0.5, 0.5, 1.0]), shape=(20, 40, 30), order=1)
    np.testing.assert_allclose(y.data, ramp(y).data, atol=1e-9)


# --- orders by name ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "order"), [("nearest", 0), ("linear", 1), ("cubic", 3)])
def test_orders_have_names(rng, name, order):
    x = scan(rng).data
    field = rng.random((*x.shape, 3)).astype(np.float32)
    for call in (
        lambda order: vk.resample(x, shape=10, order=order),
        lambda order: vk.warp(x, field, order=order),
        lambda order: vk.push(x, field, order=order),
        lambda order: vk.preprocess(vk.Volume(x, AFFINE), spacing=1.5, order=order).data,
    ):
        named, numbered = call(name), call(order)
        assert named.dtype == numbered.dtype
        np.testing.assert_array_equal(named, numbered)


def test_gradient_of_a_named_order(rng):
    x, field = scan(rng).data, np.zeros((12, 21, 17, 3), np.float32)
    for one, other in zip(
        vk.warp(x, field, order="linear", return_gradient=True),
        vk.warp(x, field, order=1, return_gradient=True),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(vk.ArgumentError, match="return_gradient"):
        vk.warp(x, field, order="nearest", return_gradient=True)


# --- area ----------------------------------------------------------------------------------------


def means(line, low, high):
    """The mean of a line of boxes, continued by its ends, between two points; voxel i fills i to i + 1."""
    pad = 64
    total = np.concatenate([[0.0], np.cumsum(np.pad(line, pad, mode="edge"))])
    at = np.arange(len(total)) - pad
    return (np.interp(high, at, total) - np.interp(low, at, total)) / (high - low)


@pytest.mark.parametrize("convention", ["centre", "extent", "origin", "corner"])
@pytest.mark.parametrize("spacing", [3.7, 2.0, 1.0, 0.6])
def test_area_is_the_mean_over_each_voxel(rng, convention, spacing):
    x = scan(rng, (13, 12, 11), np.float64, np.eye(4))
    y = vk.resample(x, spacing=spacing, order="area", convention=convention)
    want = x.data
    for axis, m in enumerate(y.shape):
        at = y.affine[axis, 3] + y.affine[axis, axis] * np.arange(m) + 0.5
        half = y.affine[axis, axis] / 2
        want = np.apply_along_axis(means, axis, want, at - half, at + half)
    np.testing.assert_allclose(y.data, want, rtol=0, atol=1e-10)


def test_area_of_whole_factors(rng):
    for dtype in (np.float32, np.int16, np.uint8, bool):
        x = scan(rng, (12, 20, 16), dtype).data
        want = x.astype(float).reshape(4, 3, 10, 2, 4, 4).mean((1, 3, 5))
        got = vk.resample(x, shape=(4, 10, 4), order="area")
        assert got.dtype == dtype
        tolerance = 1e-4 if dtype == np.float32 else 0.5 + 1e-6
        np.testing.assert_allclose(got.astype(float), want, rtol=0, atol=tolerance)
    turned = np.array([[-3.0, 0, 0, 10], [0, 2, 0, 0.5], [0, 0, 4, 1.5], [0, 0, 0, 1]])
    flipped = vk.resample(x, matrix=turned, shape=(4, 10, 4), order="area")
    np.testing.assert_array_equal(flipped, got[::-1])


def test_area_keeps_axes_that_are_not_resampled(rng):
    x = rng.random((3, 8, 9, 2))
    got = vk.resample(x, shape=(4, 3), axes=(1, 2), order="area")
    np.testing.assert_allclose(got, x.reshape(3, 4, 2, 3, 3, 2).mean((2, 4)), rtol=1e-12)


def test_area_is_for_grids_along_the_axes(rng):
    x = scan(rng)
    turned = np.eye(4)
    turned[:3, :3] = TURN
    for call in (
        lambda: vk.resample(x, matrix=turned, order="area"),
        lambda: vk.warp(x.data, np.zeros((*x.shape, 3)), order="area"),
        lambda: vk.push(x.data, np.zeros((*x.shape, 3)), order="area"),
    ):
        with pytest.raises(vk.ArgumentError, match=r"^order: got 'area'"):
            call()
    with pytest.raises(vk.ArgumentError, match=r"^antialias"):
        vk.resample(x, spacing=3.0, order="area", antialias=True)


# --- clip ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 3, 5])
@pytest.mark.parametrize("order_in_memory", ["C", "F"])
def test_clip_of_slices_is_skimages(rng, order, order_in_memory):
    """nnU-Net resizes anisotropic scans slice by slice, and each of them keeps its own range."""
    x = np.asarray(rng.random((2, 5, 16, 17)) * np.arange(1, 11).reshape(2, 5, 1, 1), order=order_in_memory)
    got = vk.resample(x, shape=(29, 23), axes=(2, 3), order=order, clip="slice")
    for channel, z in np.ndindex(2, 5):
        one = x[channel, z]
        free = vk.resample(one, shape=(29, 23), order=order)
        np.testing.assert_allclose(got[channel, z], np.clip(free, one.min(), one.max()), rtol=1e-12)
    whole = vk.resample(x, shape=(29, 23), axes=(2, 3), order=order, clip=True)
    assert (order > 1) == bool(np.any(whole != got))


def test_clip_of_the_times_of_a_volume(rng):
    x = vk.Volume(rng.random((9, 10, 11, 3)).astype(np.float32) * [1, 10, 100], AFFINE)
    for grid in ({"spacing": 0.8}, {"affine": AFFINE @ np.diag([0.5, -0.5, 0.5, 1.0]), "shape": 16}):
        got = vk.resample(x, clip="slice", **grid).data
        for t in range(3):
            one = vk.resample(x.with_data(x.data[..., t]), clip=True, **grid).data
            np.testing.assert_array_equal(got[..., t], one)
    plan = vk.ResamplePlan(x, spacing=0.8, clip="slice")
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(plan))(x).data, vk.resample(x, spacing=0.8, clip="slice").data
    )


def test_clip_of_slices_without_slices_is_that_of_the_whole(rng):
    x = scan(rng).data
    np.testing.assert_array_equal(vk.resample(x, shape=25, clip="slice"), vk.resample(x, shape=25, clip=True))
    turned = np.eye(4)
    turned[:3, :3] = TURN
    with pytest.raises(vk.ArgumentError, match=r"^clip: got 'slice'"):
        vk.resample(x, matrix=turned, clip="slice")


# --- matrix --------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [(0, 0, 0, 2), (0, 0.1, 0, 1), (0, 0, 0, 0)])
def test_wrong_last_row_of_a_matrix(rng, last):
    x, matrix = scan(rng), np.eye(4)
    matrix[3] = last
    with pytest.raises(ValueError, match=r"[Ee]xpected homogeneous"):
        scipy.ndimage.affine_transform(x.data, matrix)
    for image in (x, x.data):
        with pytest.raises(vk.ArgumentError, match="matrix: got last row"):
            vk.resample(image, matrix=matrix)
    with pytest.raises(vk.ArgumentError, match="matrix: got last row"):
        vk.resample_labels(scan(rng, dtype=np.uint8), matrix=matrix)
    with pytest.raises(vk.ArgumentError, match="transform"):
        vk.resample(x, transform=[matrix])


# --- plans ---------------------------------------------------------------------------------------

GRIDS = {
    "spacing": {"spacing": 1.3, "order": "cubic", "clip": True},
    "shape": {"shape": (9, 20, 11), "order": 1, "antialias": True},
    "matrix": {"matrix": np.vstack([np.c_[TURN, [1, 2, 3]], [0, 0, 0, 1]]), "mode": "mirror", "order": 2},
    "sinc": {"affine": AFFINE, "shape": (8, 9, 10), "order": "lanczos3", "cval": -1.0},
}


@pytest.mark.parametrize("grid", GRIDS)
def test_plan_pickles(rng, grid):
    x = scan(rng)
    plan = vk.ResamplePlan(x, **GRIDS[grid])
    want = vk.resample(x, **GRIDS[grid])
    for made in (plan, pickle.loads(pickle.dumps(plan)), pickle.loads(pickle.dumps(plan, 5))):
        got = made(x)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_array_equal(got.affine, want.affine)
        with pytest.raises(vk.ArgumentError, match="as planned"):
            made(x.data)


def test_plan_goes_to_a_spawned_process(rng):
    x = scan(rng)
    plan = vk.ResamplePlan(x, spacing=1.3)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        got = pool.map(plan, [x])[0]
    np.testing.assert_array_equal(got.data, plan(x).data)


def test_plan_sets_up_once(rng, monkeypatch):
    """What is made of the arguments is made when the plan is, however often it runs."""
    made = []

    def counted(name):
        real = getattr(resample_module, name)

        def call(*args, **kwargs):
            made.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(resample_module, name, call)

    for name in ("AxisSampling", "make_grid"):
        counted(name)
    x = scan(rng)
    plan = vk.ResamplePlan(x, spacing=1.3)
    assert sorted(made) == ["AxisSampling"] * 3 + ["make_grid"]
    first = plan(x).data
    np.testing.assert_array_equal(plan(x).data, first)
    assert len(made) == 4


def test_plan_runs_in_many_threads(rng):
    images = [scan(rng) for _ in range(8)]
    plan = vk.ResamplePlan(images[0], spacing=0.8)
    want = [plan(x).data for x in images]
    got = [None] * 8

    def work(k):
        for _ in range(5):
            got[k] = plan(images[k]).data

    workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for one, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(one, other)


# --- memory --------------------------------------------------------------------------------------


def test_out_between_the_elements_of_the_input(rng):
    both = rng.random((9, 10, 11, 2)).astype(np.float32)
    want = vk.resample(both[..., 0].copy(), shape=(9, 10, 11), order=1, axes=(0, 1, 2))
    vk.resample(both[..., 0], shape=(9, 10, 11), order=1, out=both[..., 1])
    np.testing.assert_array_equal(both[..., 1], want)
    rows = rng.random((10, 8, 8))
    want = vk.resample(rows[::2].copy(), shape=(5, 8, 8))
    vk.resample(rows[::2], shape=(5, 8, 8), out=rows[1::2])
    np.testing.assert_array_equal(rows[1::2], want)


def test_out_that_shares_elements_of_the_input(rng):
    both = rng.random((9, 10, 11, 2)).astype(np.float32)
    for out in (both[..., 0], both[::-1, ..., 0], both[..., 0].view(np.int32).view(np.float32)):
        with pytest.raises(vk.ArgumentError, match="shared"):
            vk.resample(both[..., 0], shape=(9, 10, 11), out=out)
    line = np.zeros(1000)
    with pytest.raises(vk.ArgumentError, match="shared"):  # 0, 3, 6 ... and 6, 8, 10 ... meet
        vk.resample(line[::3][:100], shape=100, out=line[6::2][:100])


def test_overlap_that_is_hard_to_find_counts_as_one():
    """Finding a shared element is a hard problem; the search ends, and says that there may be one."""
    memory = np.zeros(1 << 22, np.uint8)
    shape, steps = (3, 3, 3, 6, 5, 2, 2, 3), (101382, 41486, 549730, 31982, 47801, 26884, 97910, 14772)
    x, out = (np.lib.stride_tricks.as_strided(memory[k:], shape, steps) for k in (0, 278))
    with pytest.raises(vk.ArgumentError, match="shared"):
        vk.resample_labels(x, shape=shape, out=out)


# --- images of other libraries -------------------------------------------------------------------


def foreign(kind, volume):
    pytest.importorskip(kind)
    return volume.to_nibabel() if kind == "nibabel" else volume.to_sitk()


@pytest.mark.parametrize("kind", ["nibabel", "SimpleITK"])
def test_foreign_images_are_volumes(rng, tmp_path, kind):
    x, labels = scan(rng), scan(rng, dtype=np.uint8)
    mask = x.with_data((x.data > 50).astype(np.uint8))
    scores = vk.Volume(rng.random((6, 7, 8, 3)).astype(np.float32), AFFINE)
    target = vk.Volume(np.zeros((7, 8, 9), np.float32), AFFINE)
    settings = {"maximum_number_of_iterations": 2, "return_field": True}
    for call, *images in (
        (lambda x: vk.resample(x, spacing=1.0), x),
        (lambda x, like: vk.resample(x, like=like), x, target),
        (lambda x: vk.ResamplePlan(x, spacing=1.0)(x), x),
        (lambda x: vk.resample_labels(x, spacing=1.0), labels),
        (lambda x: vk.resample_argmax(x, spacing=1.0), scores),
        (lambda x: vk.warp(x, np.zeros((12, 21, 17, 3)), units="mm"), x),
        (lambda x, like: vk.push(x, np.zeros((12, 21, 17, 3)), like=like, units="mm"), x, x),
        (lambda x, mask: vk.n4_bias_field_correction(x, mask, **settings)[1], x, mask),
        (lambda x, mask: vk.zscore(x, mask), x, mask),
        (lambda x: vk.window(x, 0, 50), x),
        (lambda x: vk.reorient(x, "SPL"), x),
        (lambda x: vk.preprocess(x, spacing=1.0), x),
        (lambda x: vk.ndimage.gaussian_filter(x, 1), x),
        (lambda x: vk.load(vk.save(x, tmp_path / "saved.nii")), x),
    ):
        want = call(*images)
        got = call(*(foreign(kind, image) for image in images))
        assert type(got) is vk.Volume
        np.testing.assert_allclose(got.affine, want.affine, atol=1e-5)
        np.testing.assert_allclose(got.data, want.data, rtol=0, atol=2e-3)


@pytest.mark.parametrize("kind", ["nibabel", "SimpleITK"])
def test_foreign_displacements_are_refused(rng, kind):
    field = vk.Volume(np.zeros((6, 7, 8, 3), np.float32), AFFINE)
    with pytest.raises(vk.ArgumentTypeError, match="displacement"):
        vk.warp(scan(rng, (6, 7, 8)), foreign(kind, field))


def test_kept_plans_are_for_equal_arguments_only():
    x = np.zeros((4, 4))
    for cval in (0.0, -0.0, 0, 7.0):
        got = vk.resample(x, shape=8, order=1, mode="constant", cval=cval)
        assert got[0, 0] == cval and np.signbit(got[0, 0]) == np.signbit(float(cval))
    assert vk.resample(x, shape=8, clip=True).shape == vk.resample(x, shape=[8, 8]).shape
    with pytest.raises(vk.ArgumentError, match="clip"):
        vk.resample(x, shape=8, clip=1)
    with pytest.raises(vk.ArgumentError, match="order"):
        vk.resample(x, shape=8, order=[1])
    assert vk.resample(x[:3], shape=8).shape == (8, 8)
