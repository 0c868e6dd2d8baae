# SPDX-License-Identifier: Apache-2.0
"""Rank filters of GPU arrays: the CPU's bits; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, LAYOUTS, MODES, examples, image
from hypothesis import given
from hypothesis import strategies as st

from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FOOTPRINT = np.array([[[0, 1, 0], [1, 0, 1]], [[1, 0, 0], [0, 1, 1]]])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 9, 18), dtype)
    for rank in (1, 13, 20):
        on_both(ndimage.rank_filter, x, rank, 3, layout=layout)
    on_both(ndimage.median_filter, x, (1, 3, 3), layout=layout, mode="constant", cval=-1000.0)
    on_both(ndimage.median_filter, x, (2, 3, 4), layout=layout, mode="constant", cval=-1000.0)
    on_both(ndimage.percentile_filter, x, 30, footprint=FOOTPRINT, layout=layout, mode="wrap")
    for output in (np.float64, np.uint8):
        on_both(ndimage.median_filter, x, 3, output=output, layout=layout)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_lines(rng, dtype):
    """scipy compares 64-bit integers of a line as they are, and does not wrap cval."""
    x = image(rng, (40,), dtype)
    if x.dtype.itemsize == 8 and x.dtype.kind in "iu":
        x += x.dtype.type(2**62 + 1)
    for args in ({"size": 3}, {"size": 9, "mode": "constant", "cval": -1000.0}):
        on_both(ndimage.median_filter, x, **args)


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_sizes(rng, mode):
    for shape in [(1, 1, 1), (2, 3, 40), (19, 1, 5)]:
        for dtype in ("uint8", "float32"):
            x = image(rng, shape, dtype)
            for size, origin in ((3, (1, 0, -1)), ((1, 3, 3), 0), ((3, 5, 2), (0, -1, 0)), ((1, 1, 9), 0)):
                on_both(ndimage.rank_filter, x, 2, size, mode=mode, cval=7, origin=origin)


@pytest.mark.parametrize("dtype", ["int16", "float64"])
def test_special_values(rng, dtype):
    """A NaN is the largest and -0.0 smaller than 0.0; the ends of the range."""
    x = image(rng, (6, 7, 8), dtype)
    ends = (np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324) if dtype == "float64" else (-32768, 32767, -1, 0)
    for value in ends:
        x[rng.random(x.shape) > 0.85] = value
    for rank in (1, 13, 20):
        got = on_both(ndimage.rank_filter, x, rank, 3)
        on_both(ndimage.rank_filter, x, rank, (3, 3, 4))
        assert np.isfinite(got.get()).any()


def test_windows_larger_than_a_tile(rng):
    x = image(rng, (3, 5, 6), "uint8")
    on_both(ndimage.median_filter, x, footprint=rng.random((5, 70, 70)) > 0.95)
    on_both(ndimage.median_filter, x[0, 0], 9001)


@examples(15)
@given(st.data())
def test_any_window(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = image(rng, shape, data.draw(st.sampled_from(DTYPES)))
    args = {"mode": data.draw(st.sampled_from(MODES)), "cval": 3.0}
    size = [data.draw(st.sampled_from([1, 3, 3, 2])) for _ in shape]
    if data.draw(st.booleans()):
        args["footprint"] = rng.random(size) > 0.3
        args["footprint"].flat[0] = True
    else:
        args["size"] = size
    percentile = data.draw(st.sampled_from([0, 30, 50, 80, 100]))
    on_both(
        ndimage.percentile_filter, x, percentile, layout=data.draw(st.sampled_from(sorted(LAYOUTS))), **args
    )


def test_empty():
    assert ndimage.median_filter(cupy.empty((0, 5)), 3).shape == (0, 5)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (9, 10, 21), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.median_filter, x, 3)
        on_both(ndimage.median_filter, x, footprint=FOOTPRINT)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [ndimage.median_filter(x, 3), ndimage.percentile_filter(x, 20, footprint=FOOTPRINT)]
    del kept
