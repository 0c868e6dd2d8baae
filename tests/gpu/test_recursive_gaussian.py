# SPDX-License-Identifier: Apache-2.0
"""Recursive Gaussians of GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, LAYOUTS, MODES, image

import voxkern as vk
from voxkern import _core

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

SAME = {"float32": 1e-6, "float64": 1e-12}


def smooth(x, sigma, **args):
    return vk.gaussian(x, sigma, method="recursive", **args)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    on_both(smooth, image(rng, (5, 9, 18), dtype), (1.2, 0.0, 3.0), layout=layout, **SAME)


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_sizes(rng, mode):
    for shape in [(1, 1, 1), (2, 3, 40), (33, 1, 5), (9,)]:
        for dtype in ("float32", "float64"):
            on_both(smooth, image(rng, shape, dtype), 2.0, mode=mode, cval=7.0, **SAME)


@pytest.mark.skipif(_core.active_cpu_level() == "v2", reason="levels without FMA round each product")
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bits_as_levels_with_fma(rng, dtype):
    on_both(smooth, image(rng, (6, 9, 35), dtype), 1.5)


def test_out(rng):
    x = image(rng, (6, 7, 8), "float32")
    for order in "CF":
        out = cupy.empty(x.shape, np.float64, order)
        assert smooth(cupy.asarray(x), 1.0, out=out) is out
        np.testing.assert_allclose(out.get(), smooth(x, 1.0), atol=1e-3)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        on_both(smooth, image(rng, (9, 10, 21), "float32"), 1.0, **SAME)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = smooth(x, 2.0)
    del kept
