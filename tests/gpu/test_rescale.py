# SPDX-License-Identifier: Apache-2.0
"""rescale on the GPU: the bits of the CPU."""

import backends
import numpy as np
import pytest
from cases import INTEGERS, LAYOUTS, in_layout

from voxkern import _core

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

VALUES = [*INTEGERS, "float16", "float32", "float64"]


def on_both(stored, dtype, layout="C", **options):
    cuda = backends.make("cuda")
    chosen = _core.RescaleOptions(**options)
    got, want = cupy.empty(stored.shape, dtype, "F"), np.empty(stored.shape, dtype)
    cuda.kernels.rescale(in_layout(stored, layout, cupy.asarray), got, chosen, cuda.last_argument())
    _core.rescale(stored, want, chosen, 0)
    np.testing.assert_array_equal(got.get(), want, err_msg=str((options, stored.dtype, dtype, layout)))


def words(rng, dtype, shape):
    if np.dtype(dtype).kind == "f":
        return (rng.random(shape) * 200 - 100).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", VALUES)
def test_dtypes(rng, dtype):
    x = words(rng, dtype, (3, 5, 9))
    for target in VALUES:
        for slope, intercept in ((1, 0), (1, -1024), (0.37, 5.25)):
            on_both(x, target, slope=slope, intercept=intercept)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_bits_byte_order_and_layouts(rng, dtype, layout):
    x = words(rng, dtype, (3, 4, 11))
    for swap in (False, True):
        for high, low in ((0, 0), (4, 0), (3, 2)):
            on_both(x, "float32", layout, slope=1.5, swap_bytes=swap, unused_high=high, unused_low=low)
            on_both(x, dtype, layout, swap_bytes=swap, unused_high=high, unused_low=low)


def test_one_word_and_none():
    on_both(np.array([[7]], np.int16), "float32", slope=2.0)
    on_both(np.empty((0, 3), np.int16), "float32", slope=2.0)


@pytest.mark.parametrize("order", ["reverse", "1"])
def test_one_launch_in_any_order(rng, executor, order):
    executor.set_order(order)
    executor.set_streams("deferred")
    before = executor.counters()["launches"]
    on_both(words(rng, "int16", (5, 7, 9)), "float32", slope=0.5, intercept=-3.0)
    assert executor.counters()["launches"] == before + 1
