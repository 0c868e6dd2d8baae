# SPDX-License-Identifier: Apache-2.0
"""Normalisation and measures of GPU arrays: what the CPU gives; statistics stay on the device."""

import functools

import backends
import both_sides
import numpy as np
import pytest
from both_sides import nothing_waits
from cases import DTYPES, FLOAT64, LAYOUTS, assert_same, image

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

KINDS = [*DTYPES, "float16"]
FLOAT32 = 2e-7  # moments are joined in another order


on_both = functools.partial(both_sides.on_both, float32=FLOAT32, float64=FLOAT64, along=True)


def masks_of(rng, shape):
    return (None, rng.random(shape) > 0.4, image(rng, shape, "float32") * (rng.random(shape) > 0.5))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", KINDS)
def test_images(rng, dtype, layout):
    x = image(rng, (7, 9, 11), dtype)
    for mask in masks_of(rng, x.shape):
        on_both(vk.zscore, x, layout=layout, mask=mask)
        if dtype != "bool":  # NumPy has no percentiles of bools
            on_both(vk.clip_percentiles, x, 5, 87.5, layout=layout, mask=mask)
    on_both(vk.window, x, -20, 60, layout=layout, output_range=(1, -1), offset=0.25)
    on_both(vk.window_to_uint8, x, 10, 60, layout=layout)


@pytest.mark.parametrize("dtype", KINDS)
def test_numbers(rng, dtype):
    x = image(rng, (7, 9, 11), dtype)
    x[:2] = x[:, :2] = 0
    device = cupy.asarray(x)
    assert vk.bounding_box(device) == vk.bounding_box(x)
    assert vk.bounding_box(device, 0.5, margin=1) == vk.bounding_box(x, 0.5, margin=1)
    np.testing.assert_array_equal(vk.crop_to_nonzero(device).get(), vk.crop_to_nonzero(x))
    for mask in masks_of(rng, x.shape):
        on_device = None if mask is None else cupy.asarray(mask)
        for method in ("skimage", "itk"):
            assert vk.otsu(device, mask=on_device, method=method) == vk.otsu(x, mask=mask, method=method)
        for q in (50.0, (0, 12.5, 33, 33.1, 99, 100)):
            got, want = vk.percentiles(device, q, on_device), vk.percentiles(x, q, mask)
            np.testing.assert_array_equal(got, want)
        if dtype != "bool":
            clipped, limits = vk.clip_percentiles(device, 5, 90, on_device, return_limits=True)
            want = vk.clip_percentiles(x, 5, 90, mask, return_limits=True)
            np.testing.assert_array_equal(clipped.get(), want[0])
            assert limits == want[1]


def test_large_bins_and_values():
    x = np.arange(-5000, 5000, dtype=np.int64) + 2**40  # more bins than shared memory holds
    x[::3] = 2**40 + 4000
    device = cupy.asarray(x)
    assert vk.otsu(device) == vk.otsu(x)
    np.testing.assert_array_equal(vk.percentiles(device, (1, 50)), vk.percentiles(x, (1, 50)))
    ends = np.array([-(2**63), -1, 2**63 - 1])
    np.testing.assert_array_equal(
        vk.percentiles(cupy.asarray(ends), (30, 80)), vk.percentiles(ends, (30, 80))
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_infinities_and_zeros(rng, dtype):
    x = image(rng, (5, 6, 7), dtype)
    x[0, 0, 0], x[1, 1, 1], x[2, 2, :3], x[3, 3, 3] = np.inf, -np.inf, -0.0, np.finfo(dtype).max
    device = cupy.asarray(x)
    for q in (1.0, 40.0, 99.0):
        assert vk.percentiles(device, q) == vk.percentiles(x, q)
    on_both(vk.clip_percentiles, x, 5, 90)
    x[4, 4, 4] = np.nan
    on_both(vk.window, x, 0, 1)
    on_both(vk.clip_percentiles, x, 5, 90, mask=np.isfinite(x))
    with pytest.raises(vk.ArgumentError, match="1 voxels that are not a number"):
        vk.percentiles(cupy.asarray(x), 50)


def test_subnormals_are_not_zero():
    x = np.zeros((3, 4), "float32")
    x[1, 2] = 1e-45
    assert vk.bounding_box(cupy.asarray(x)) == vk.bounding_box(x)
    values = np.arange(12.0, dtype="float32").reshape(3, 4)
    mask = x.copy()
    mask[2, 1] = 1
    on_both(vk.zscore, values, mask=mask)


@pytest.mark.parametrize("size", [1, 2, 255, 257, 4097, 20_001])
def test_sizes(rng, size):
    x = image(rng, size, "float32")
    device = cupy.asarray(x)
    assert vk.percentiles(device, 37.0) == vk.percentiles(x, 37.0)
    if size > 1:
        on_both(vk.zscore, x + np.float32(1e4))
        on_both(vk.clip_percentiles, x, 10, 60)


def test_where_the_cpu_raises_the_result_is_nan(rng):
    """Nobody waits for the statistics, so nobody can raise."""
    x = image(rng, (4, 5), "float32")
    nothing = np.zeros(x.shape, bool)
    broken = x.copy()
    broken[0, 0] = np.nan
    for call in (
        lambda: vk.zscore(cupy.asarray(np.full((4, 5), 3.25))),
        lambda: vk.zscore(cupy.asarray(broken)),
        lambda: vk.clip_percentiles(cupy.asarray(broken)),
        lambda: vk.clip_percentiles(cupy.asarray(x), mask=cupy.asarray(nothing)),
        lambda: vk.clip_percentiles(cupy.asarray(np.full((4, 5), np.inf))),
    ):
        assert np.isnan(call().get()).all()
    assert (vk.zscore(cupy.asarray(x), cupy.asarray(nothing)).get() == 0).all()
    whole = vk.clip_percentiles(cupy.asarray(x.astype("int16")), mask=cupy.asarray(nothing))
    assert (whole.get() == 0).all()


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
def test_any_order_and_stream(rng, orders, order):
    x, mask = image(rng, (9, 10, 21), "float32"), rng.random((9, 10, 21)) > 0.3
    first = vk.zscore(cupy.asarray(x), cupy.asarray(mask)).get()
    orders.set_order(order)
    orders.set_streams("deferred")
    with cupy.cuda.Stream(non_blocking=True):
        np.testing.assert_array_equal(vk.zscore(cupy.asarray(x), cupy.asarray(mask)).get(), first)
        on_both(vk.clip_percentiles, x, 20, 70, mask=mask)
        assert vk.otsu(cupy.asarray(x)) == vk.otsu(x)
        assert vk.bounding_box(cupy.asarray(x), 99.0) == vk.bounding_box(x, 99.0)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    mask = cupy.asarray(rng.random((8, 9, 10)) > 0.5)
    calls = {
        vk.zscore: ((x, mask), 3),
        vk.clip_percentiles: ((x, 1, 99, mask), 6),
        vk.window: ((x, 0, 100), 1),
        vk.window_to_uint8: ((x, 0, 100), 1),
    }
    for function, (arguments, launches) in calls.items():
        with nothing_waits(executor, launches):
            kept = function(*arguments)
        del kept


@pytest.mark.parametrize(
    ("call", "copies"),
    [
        (lambda x: vk.bounding_box(x), 1),
        (lambda x: vk.crop_to_nonzero(x), 1),
        (lambda x: vk.percentiles(x, (1, 50, 99)), 1),
        (lambda x: vk.clip_percentiles(x, return_limits=True), 1),
        (lambda x: vk.otsu(x), 2),
    ],
)
def test_numbers_take_small_copies(rng, executor, call, copies):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    before = executor.counters()["copies_to_host"]
    call(x)
    assert executor.counters()["copies_to_host"] == before + copies


def test_volumes_and_outputs(rng):
    x = image(rng, (5, 6, 7), "float32")
    volume = vk.Volume(cupy.asarray(x), np.diag([2.0, 3.0, 4.0, 1.0]))
    got = vk.zscore(volume)
    assert isinstance(got, vk.Volume) and type(got.data) is cupy.ndarray
    assert_same(got.data.get(), vk.zscore(x), "", FLOAT32)
    out = cupy.empty(x.shape, np.float64, "F")
    assert vk.zscore(cupy.asarray(x), out=out) is out
    assert_same(out.get(), vk.zscore(x, out=np.empty(x.shape)), float64=FLOAT64)
    box = vk.crop_to_nonzero(vk.Volume(cupy.asarray(x > 90), volume.affine), return_box=True)
    want = vk.crop_to_nonzero(vk.Volume(x > 90, volume.affine), return_box=True)
    assert box[1] == want[1]
    np.testing.assert_array_equal(box[0].affine, want[0].affine)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: vk.zscore(x, np.ones((4, 5))), vk.ArgumentTypeError, "mask: got a NumPy array"),
        (lambda x: vk.bounding_box(x), vk.ArgumentError, "no voxel that is not zero"),
        (lambda x: vk.otsu(x), vk.ArgumentError, "finite voxels that differ"),
        (lambda x: vk.percentiles(x, 50, x), vk.ArgumentError, "mask: got no voxel inside"),
        (lambda x: vk.window(x, 3, 1), vk.ArgumentError, "low, high"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(cupy.asarray(np.zeros((4, 5))))
