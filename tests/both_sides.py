# SPDX-License-Identifier: Apache-2.0
"""What tests of filters on the GPU share: a call on both sides, and proof that nobody waited."""

import contextlib
import importlib

import numpy as np
from cases import assert_same, in_layout


def on_both(function, x, *args, layout="C", float32=0.0, float64=0.0, **kwargs):
    """Run on both sides, compare, and return the GPU's result; tolerances are parts of the largest value."""
    cupy = importlib.import_module("cupy")
    device = in_layout(x, layout, cupy.asarray)
    got = function(device, *args, **kwargs)
    want = function(in_layout(x, layout), *args, **kwargs)
    assert type(got) is cupy.ndarray
    assert got.strides == want.strides
    assert_same(got.get(), want, (layout, args, kwargs), float32, float64)
    np.testing.assert_array_equal(device.get(), x)
    return got


@contextlib.contextmanager
def nothing_waits(executor):
    """Check that work is enqueued, the host waits for nothing, and nothing is copied to it."""
    before = executor.counters()
    yield
    after = executor.counters()
    assert after["launches"] > before["launches"]
    for name in ("synchronisations", "copies_to_host"):
        assert after[name] == before[name], name
