# SPDX-License-Identifier: Apache-2.0
"""Filters of GPU arrays: what the CPU gives, on the caller's stream, without a wait or a copy."""

import functools

import backends
import both_sides
import numpy as np
import pytest
from both_sides import nothing_waits
from cases import (
    DTYPES,
    FILTER_FLOAT32,
    FILTERS,
    FLOAT64,
    LAYOUTS,
    MEANS,
    MODES,
    assert_same,
    examples,
    image,
)
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)


on_both = functools.partial(both_sides.on_both, float32=FILTER_FLOAT32, float64=FLOAT64)


@pytest.mark.parametrize(("name", "args"), FILTERS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_arguments(rng, name, args, dtype):
    on_both(getattr(ndimage, name), image(rng, (8, 9, 10), dtype), **args)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (7, 9, 18), dtype)
    on_both(ndimage.gaussian_filter, x, 1.2, layout=layout)
    on_both(ndimage.correlate1d, x, [1, -2, 4, 1], 1, layout=layout)
    for args in MEANS:
        on_both(ndimage.uniform_filter, x, **args, layout=layout)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_modes_and_sizes(rng, mode, axis):
    for shape in [(1, 1, 1), (2, 3, 33), (17, 1, 5)]:
        x = image(rng, shape, "float32")
        for size in (1, 2, 5, 40):
            weights = np.abs(rng.standard_normal(size))
            on_both(ndimage.correlate1d, x, weights, axis, mode=mode, cval=1.5)


@examples(20)
@given(st.data())
def test_any_filter(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=0, max_size=5))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = image(rng, shape, data.draw(st.sampled_from(DTYPES)))
    args = {"mode": data.draw(st.sampled_from(MODES)), "cval": 3.0, "sigma": data.draw(st.floats(0, 3))}
    on_both(ndimage.gaussian_filter, x, layout=data.draw(st.sampled_from(sorted(LAYOUTS))), **args)


def test_complex(rng):
    x = image(rng, (6, 7, 18), "float64") + 1j * image(rng, (6, 7, 18), "float64")
    got = ndimage.gaussian_filter(cupy.asarray(x), 1.0, mode="constant", cval=1 + 2j)
    want = ndimage.gaussian_filter(x, 1.0, mode="constant", cval=1 + 2j)
    np.testing.assert_allclose(got.get(), want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["correlate1d", "convolve1d"])
def test_complex_weights(rng, name):
    function, weights = getattr(ndimage, name), [1 + 2j, 3, -1j]
    for dtype in ("int16", "float32", "float64"):
        x = image(rng, (6, 7, 18), dtype)
        for axis in range(3):
            got = function(cupy.asarray(x), weights, axis, mode="constant", cval=2.5)
            want = function(x, weights, axis, mode="constant", cval=2.5)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got.get(), want, rtol=0, atol=1e-3 if dtype == "float32" else 1e-10)
    with pytest.raises(vk.CudaUnavailableError, match=f"{name} of complex .* has no GPU version yet"):
        function(cupy.asarray(x + 1j), weights)


def test_empty():
    assert ndimage.gaussian_filter(cupy.empty((0, 5)), 1).shape == (0, 5)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (9, 10, 21), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.gaussian_filter, x, 1.0)
        on_both(ndimage.uniform_filter, x, 4)


def test_waits_for_who_made_the_input(rng, orders):
    """An array of another stream is waited for, by the device and not by the host."""
    orders.set_streams("deferred")
    x = image(rng, (9, 10, 21), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        made = cupy.asarray(x)
        smooth = ndimage.gaussian_filter(made, 1.0)
        again = ndimage.uniform_filter(smooth, 3)
        got = again.get()
    want = ndimage.uniform_filter(ndimage.gaussian_filter(x, 1.0), 3)
    assert_same(got, want)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [
            ndimage.gaussian_filter(x, 1.0),
            ndimage.uniform_filter(x, 3, output=np.float32),
            ndimage.correlate1d(x, [1, 2, 3]),
            ndimage.gaussian_filter(x, 1.0, output=x),
        ]
    del kept


def test_output_array(rng):
    x = image(rng, (8, 9, 10), "float64")
    want = ndimage.gaussian_filter(x, 1)
    for order in "CF":
        out = cupy.empty(x.shape, np.float64, order)
        assert ndimage.gaussian_filter(cupy.asarray(x), 1, output=out) is out
        assert_same(out.get(), want, float64=FLOAT64)
    same = cupy.asarray(x)
    assert ndimage.gaussian_filter(same, 1, output=same) is same
    assert_same(same.get(), want, float64=FLOAT64)
    shifted = cupy.asarray(np.concatenate([x[:1], x]))
    ndimage.gaussian_filter(shifted[1:], 1, output=shifted[:-1])  # overlaps: must not read what it wrote
    assert_same(shifted[:-1].get(), want, float64=FLOAT64)


def test_volume_stays_on_the_gpu(rng):
    x = image(rng, (5, 6, 7), "float32")
    volume = vk.Volume(cupy.asarray(x), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    got = ndimage.gaussian_filter(volume, 1)
    assert isinstance(got, vk.Volume) and type(got.data) is cupy.ndarray and got.meta["modality"] == "MR"
    np.testing.assert_array_equal(got.affine, volume.affine)
    assert_same(got.data.get(), ndimage.gaussian_filter(x, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, h: ndimage.gaussian_filter(x, 1, output=h), "output: got a NumPy array, allowed a CuPy"),
        (lambda x, h: ndimage.gaussian_filter(h, 1, output=x), "output: got a CuPy array, allowed a NumPy"),
        (lambda x, _: ndimage.correlate1d(x, cupy.asarray(np.ones(3))), "weights: got a GPU array"),
        (lambda x, _: ndimage.gaussian_filter(x, 1, output=x[1:]), "shape"),
        (lambda x, _: ndimage.gaussian_filter(cupy.empty(3, np.float16), 1), "float16"),
    ],
)
def test_errors(call, message):
    host = np.zeros((4, 5))
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        call(cupy.asarray(host), host)


def test_a_function_without_a_gpu_version_says_so():
    x = cupy.asarray(np.zeros((4, 5, 6)))
    for call in (
        lambda: ndimage.distance_transform_bf(x),
        lambda: ndimage.geometric_transform(x, lambda i: i),
    ):
        with pytest.raises(vk.CudaUnavailableError, match="has no GPU version yet, allowed NumPy arrays"):
            call()
