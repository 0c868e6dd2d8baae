# SPDX-License-Identifier: Apache-2.0
"""resample of GPU arrays: what the CPU gives, on the caller's stream, without a wait or a copy."""

import functools

import backends
import both_sides
import numpy as np
import pytest
from both_sides import nothing_waits
from cases import DTYPES, FLOAT64, LAYOUTS, MODES, RESAMPLINGS, assert_same, examples, image, in_layout
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FLOAT32 = 1e-6  # the same sums on both sides; levels without FMA round each product
ORDERS = [0, 1, 2, 3, 4, 5, "lanczos"]


on_both = functools.partial(both_sides.on_both, vk.resample, float32=FLOAT32, float64=FLOAT64)


@pytest.mark.parametrize("mode", [*MODES, "fov"])
@pytest.mark.parametrize("order", ORDERS)
def test_orders_and_modes(rng, order, mode):
    for shape, size in RESAMPLINGS[:2]:
        for dtype in ("int16", "float32", "float64"):
            x = image(rng, shape, dtype)
            for convention in ("extent", "corner"):
                on_both(x, shape=size, order=order, mode=mode, cval=7.0, convention=convention)


@pytest.mark.skipif(_core.active_cpu_level() == "v2", reason="levels without FMA round each product")
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bits_as_levels_with_fma(rng, dtype):
    for shape, size in RESAMPLINGS:
        for order in ORDERS:
            x = image(rng, shape, dtype)
            got = vk.resample(cupy.asarray(x), shape=size, order=order)
            np.testing.assert_array_equal(got.get(), vk.resample(x, shape=size, order=order))


@pytest.mark.skipif(_core.active_cpu_level() == "v2", reason="levels without FMA round each product")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((3, 4, 2, 8), (6, 3, 5, 5)),
        ((1, 1, 2, 8), (6, 2, 5, 1)),
        ((5, 6, 7, 18), (4, 8, 5, 18)),
        ((18, 5, 6, 7), (18, 4, 8, 5)),
    ],
)
def test_same_bits_in_rounds(rng, shape, size, layout):
    """Four axes, and three beside channels, follow each other in the same order on both sides."""
    for dtype in ("bool", "int16", "float32"):
        for order in (1, 3):
            x = image(rng, shape, dtype)
            got = vk.resample(in_layout(x, layout, cupy.asarray), shape=size, order=order)
            want = vk.resample(in_layout(x, layout), shape=size, order=order)
            np.testing.assert_array_equal(got.get(), want)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (6, 9, 14), dtype)
    for order in (0, 1, 3):
        on_both(x, layout=layout, shape=(9, 7, 17), order=order)
        on_both(x, layout=layout, shape=(9, 9, 14), order=order)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_antialias_and_clip(rng, dtype):
    x = image(rng, (20, 17, 25), dtype)
    for mode in ("nearest", "mirror", "grid-constant"):
        for order in (1, 3):
            on_both(x, shape=(6, 20, 9), order=order, mode=mode, cval=0.2, antialias=True)
            on_both(x, shape=(25, 20, 9), order=order, mode=mode, cval=300.0, clip=True)


def test_nan_is_passed_over_by_clip(rng):
    x = image(rng, (6, 7, 8), "float32")
    x[2, 3, 4] = np.nan
    on_both(x, shape=(9, 10, 11), order=1, clip=True)
    on_both(np.full_like(x, np.nan), shape=(9, 10, 11), order=1, clip=True)


def test_more_axes(rng):
    x = image(rng, (3, 4, 5, 6, 2), "float32")
    for order in (1, 3):
        on_both(x, shape=(5, 3, 7, 8, 4), order=order)
        on_both(x, shape=(5, 3, 7), axes=(1, 2, 3), order=order)
        on_both(x, shape=(5, 3, 7, 8, 4), order=order, antialias=True, clip=True)
    on_both(image(rng, (33,), "float64"), shape=17)


@examples(20)
@given(st.data())
def test_any_grid(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=1, max_size=4))
    size = data.draw(st.lists(st.integers(1, 20), min_size=len(shape), max_size=len(shape)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    on_both(
        image(rng, shape, data.draw(st.sampled_from(DTYPES))),
        layout=data.draw(st.sampled_from(sorted(LAYOUTS))),
        shape=tuple(size),
        order=data.draw(st.sampled_from(ORDERS)),
        mode=data.draw(st.sampled_from(MODES)),
        antialias=data.draw(st.booleans()),
        clip=data.draw(st.booleans()),
    )


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (7, 8, 13), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(x, shape=(9, 5, 17), order=1)
        on_both(x, shape=(9, 5, 17), order=3, clip=True, antialias=True)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [vk.resample(x, shape=(9, 7, 12), order=o, clip=c) for o in (0, 1, 3) for c in (False, True)]
        kept.append(vk.resample(x, shape=(4, 5, 6), antialias=True))
    del kept


def test_out(rng):
    x = image(rng, (8, 9, 10), "float32")
    for dtype in ("float32", "float64", "uint8"):
        out, want = cupy.empty((5, 6, 7), dtype, "F"), np.empty((5, 6, 7), dtype, "F")
        assert vk.resample(cupy.asarray(x), shape=(5, 6, 7), out=out) is out
        vk.resample(x, shape=(5, 6, 7), out=want)
        assert_same(out.get(), want, dtype, FLOAT32, FLOAT64)


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "float64"])
def test_bools_have_the_bytes_of_the_cpu(rng, dtype):
    x = image(rng, (9, 10, 11), dtype)
    for call in (
        lambda a: vk.ndimage.zoom(a, 1.7, output=bool),
        lambda a: vk.ndimage.zoom(a, 0.7, output=bool, order=0, mode="grid-constant", cval=9),
        lambda a: vk.ndimage.shift(a, 2.5, output=bool, order=1, mode="constant", cval=9),
        lambda a: vk.ndimage.spline_filter(a, output=bool),
        lambda a: vk.ndimage.spline_filter1d(a, axis=1, output=np.int16),
        lambda a: vk.ndimage.gaussian_filter(a, 1, output=bool),
        lambda a: vk.ResamplePlan(x, shape=14, clip=True)(a, dtype=bool),
        lambda a: vk.ResamplePlan(x, shape=14, order=5)(a, dtype=bool),
    ):
        got, want = call(cupy.asarray(x)).get(), call(x)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))


@pytest.mark.parametrize("order", [1, 3])
def test_volumes_stay_on_the_gpu(rng, order):
    x = image(rng, (10, 12, 9), "float32")
    affine = np.diag([2.0, 0.9, 1.1, 1.0])
    target = vk.reorient(vk.Volume(np.zeros((13, 14, 15)), np.diag([1.2, 1.1, 0.7, 1.0])), "IAL")
    volume, host = vk.Volume(cupy.asarray(x), affine), vk.Volume(x, affine)
    for args in ({"spacing": 1.0}, {"shape": (9, 15, 8)}, {"like": target}, {"like": target, "cval": -5.0}):
        got, want = vk.resample(volume, order=order, **args), vk.resample(host, order=order, **args)
        assert isinstance(got, vk.Volume) and type(got.data) is cupy.ndarray
        np.testing.assert_array_equal(got.affine, want.affine)
        assert got.data.strides == want.data.strides
        assert_same(got.data.get(), want.data, args, FLOAT32)


def test_a_plan_serves_both_sides(rng):
    x = image(rng, (6, 7, 8), "float32")
    plan = vk.ResamplePlan(x, shape=(9, 5, 11))
    for _ in range(2):
        assert_same(plan(cupy.asarray(x)).get(), plan(x), "", FLOAT32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, h: vk.resample(x, shape=4, out=h), vk.ArgumentTypeError, "out: got a NumPy array"),
        (lambda x, h: vk.resample(h, shape=4, out=x), vk.ArgumentTypeError, "out: got a CuPy array"),
        (lambda x, _: vk.resample(x, shape=4, out=x[1:]), vk.ArgumentError, "out: got shape"),
        (lambda x, _: vk.resample(x, shape=4, out=x), vk.ArgumentError, "out: got memory shared"),
        (lambda x, _: vk.resample(x, shape=4, order=9), vk.ArgumentError, "order"),
        (lambda x, _: vk.resample(cupy.empty((0, 3)), shape=4), vk.ArgumentError, "one voxel"),
    ],
)
def test_errors(call, error, message):
    host = np.zeros((4, 4, 4))
    with pytest.raises(error, match=message):
        call(cupy.asarray(host), host)
