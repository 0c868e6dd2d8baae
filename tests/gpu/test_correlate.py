# SPDX-License-Identifier: Apache-2.0
"""Weights of any shape on GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, FLOAT64, LAYOUTS, MODES, examples, image
from hypothesis import given
from hypothesis import strategies as st

from voxkern import _core, ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FLOAT32 = 1e-6  # the same sums, in other parts
CUBE = np.arange(27.0).reshape(3, 3, 3) - 11.3
HOLES = np.where(np.arange(24).reshape(2, 3, 4) % 5, 0.3, 0.0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 9, 18), dtype)
    same = {"layout": layout, "float32": FLOAT32, "float64": FLOAT64}
    for weights in (CUBE, HOLES, np.ones((3, 1, 2))):
        on_both(ndimage.correlate, x, weights, **same)
        on_both(ndimage.convolve, x, weights, mode="constant", cval=7.25, **same)
    for output in (np.float64, np.float32, np.int32):
        on_both(ndimage.convolve, x, CUBE, output=output, **same)


@pytest.mark.skipif(_core.active_cpu_level() == "v2", reason="levels without FMA round each product")
def test_same_bits_as_levels_with_fma(rng):
    for dtype in ("int16", "float32", "float64"):
        x = image(rng, (6, 9, 35), dtype)
        for weights in (CUBE, HOLES):
            on_both(ndimage.correlate, x, weights)
    on_both(ndimage.correlate, x, rng.random((5, 4, 3)))  # float64


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_sizes(rng, mode):
    for shape in [(1, 1, 1), (2, 3, 40), (33, 1, 5)]:
        x = image(rng, shape, "float64")
        for size, origin in (((3, 3, 3), (1, 0, -1)), ((1, 4, 9), 0), ((2, 1, 1), (-1, 0, 0))):
            on_both(ndimage.correlate, x, rng.random(size), mode=mode, cval=7, origin=origin, float64=FLOAT64)


def test_weights_larger_than_a_tile(rng):
    x = image(rng, (3, 5, 6), "float32")
    on_both(ndimage.correlate, x, rng.random((5, 70, 70)), float32=FLOAT32)
    on_both(ndimage.correlate, x[0].astype("float64"), rng.random((2, 9001)), mode="wrap", float64=FLOAT64)
    on_both(ndimage.correlate, x, np.ones((9, 9, 9)), float32=FLOAT32)  # pass by pass


def test_a_zero_weight_hides_what_lies_under_it(rng):
    x = image(rng, (5, 6, 7), "float32")
    x[2, 3, 3] = np.nan
    got = on_both(ndimage.correlate, x, HOLES, float32=FLOAT32)
    assert np.isnan(got.get()).any()
    assert np.isfinite(ndimage.correlate(cupy.asarray(x), [[[0.0, 1.0]]], origin=(0, 0, -1)).get()).sum() > 0


def test_complex(rng):
    x = image(rng, (6, 7, 18), "float64") + 1j * image(rng, (6, 7, 18), "float64")
    for weights in (CUBE, HOLES):
        got = ndimage.convolve(cupy.asarray(x), weights, mode="constant", cval=1 + 2j)
        np.testing.assert_allclose(
            got.get(), ndimage.convolve(x, weights, mode="constant", cval=1 + 2j), rtol=1e-12
        )
    got = ndimage.correlate(cupy.asarray(x.real.copy()), CUBE + 2j * CUBE)
    np.testing.assert_allclose(got.get(), ndimage.correlate(x.real, CUBE + 2j * CUBE), rtol=1e-12)


@examples(15)
@given(st.data())
def test_any_weights(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = image(rng, shape, data.draw(st.sampled_from(DTYPES)))
    weights = rng.integers(-4, 9, [data.draw(st.integers(1, 3)) for _ in shape])
    mode = data.draw(st.sampled_from(MODES))
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    on_both(
        ndimage.convolve, x, weights, mode=mode, cval=3.0, layout=layout, float32=FLOAT32, float64=FLOAT64
    )


def test_empty():
    assert ndimage.correlate(cupy.empty((0, 5)), np.ones((3, 3))).shape == (0, 5)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (9, 10, 21), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.convolve, x, CUBE, float32=FLOAT32)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [ndimage.convolve(x, CUBE), ndimage.correlate(x, np.ones((5, 5, 5)), output=np.float32)]
    del kept


def test_weights_stay_on_the_host(rng):
    with pytest.raises(TypeError, match="weights: got a GPU array"):
        ndimage.convolve(cupy.asarray(image(rng, (4, 5), "float32")), cupy.asarray(np.ones((3, 3))))
