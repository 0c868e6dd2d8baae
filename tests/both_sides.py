# SPDX-License-Identifier: Apache-2.0
"""What tests of filters on the GPU share: a call on both sides, and proof that nobody waited."""

import contextlib
import importlib

import numpy as np
import pytest
from cases import assert_same, in_layout


def on_both(function, x, *args, layout="C", float32=0.0, float64=0.0, along=False, **kwargs):
    """Run on both sides, compare, and return the GPU's result; tolerances are parts of the largest value.

    ``along``: other arrays among the arguments go to the GPU too.
    """
    cupy = importlib.import_module("cupy")

    def brought(value):
        return cupy.asarray(value) if along and isinstance(value, np.ndarray) else value

    device = in_layout(x, layout, cupy.asarray)
    got = function(device, *map(brought, args), **{name: brought(v) for name, v in kwargs.items()})
    want = function(in_layout(x, layout), *args, **kwargs)
    assert type(got) is cupy.ndarray
    assert got.strides == want.strides
    assert_same(got.get(), want, (layout, args, kwargs), float32, float64)
    np.testing.assert_array_equal(device.get(), x)
    return got


def given_distances(function, x, dtype):
    """Check distances and indices that go to given CuPy arrays, of any order; NumPy's are refused."""
    cupy = importlib.import_module("cupy")
    far, near = function(x, return_indices=True)
    device = cupy.asarray(x)
    for order in "CF":
        distances = cupy.empty(x.shape, dtype, order)
        indices = cupy.empty((x.ndim, *x.shape), np.int32, order)
        function(device, return_indices=True, distances=distances, indices=indices)
        np.testing.assert_array_equal(distances.get(), far)
        np.testing.assert_array_equal(indices.get(), near)
    with pytest.raises(TypeError, match="distances: got ndarray, allowed a CuPy array"):
        function(device, distances=np.empty(x.shape, dtype))


@contextlib.contextmanager
def nothing_waits(executor, launches=None):
    """Check that work is enqueued, in so many launches if given; the host neither waits nor copies."""
    before = executor.counters()
    yield
    after = executor.counters()
    made = after["launches"] - before["launches"]
    assert made > 0 if launches is None else made == launches, made
    for name in ("synchronisations", "copies_to_host"):
        assert after[name] == before[name], name
