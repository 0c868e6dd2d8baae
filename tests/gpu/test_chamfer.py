# SPDX-License-Identifier: Apache-2.0
"""Steps to the nearest zero on the GPU: the CPU's numbers and indices; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import given_distances, nothing_waits, on_both
from cases import DTYPES, LAYOUTS, examples, image
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)


def transform(x, part=0, **kwargs):
    """Distances, or indices."""
    return ndimage.distance_transform_cdt(x, return_indices=True, **kwargs)[part]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 6, 37), dtype)
    x[rng.random(x.shape) < 0.05] = 0
    on_both(transform, x, layout=layout)
    on_both(transform, x, 1, layout=layout, metric="taxicab")
    on_both(ndimage.distance_transform_cdt, x, layout=layout)


def test_zeros_are_zeros():
    """NaN and the smallest subnormal are none, -0.0 is."""
    for dtype in ("float16", "float32", "float64"):
        x = np.ones((3, 20), dtype)
        x[0, 3], x[1, 9], x[2, 15] = np.nan, np.nextafter(x.dtype.type(0), x.dtype.type(1)), -0.0
        on_both(transform, x)


@examples(25)
@given(st.data())
def test_any_shape_and_structure(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 34, 260]), min_size=1, max_size=3))
    shape = shape if np.prod(shape) < 20_000 else shape[:2]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.random(shape) < data.draw(st.sampled_from([0.0, 0.5, 0.95, 1.0]))
    structure = rng.random((3,) * len(shape)) < data.draw(st.sampled_from([0.1, 0.5, 1.0]))
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    on_both(transform, x, metric=structure)
    on_both(transform, x, 1, metric=structure, layout=layout)


def test_four_axes(rng):
    x = rng.random((3, 4, 5, 6)) > 0.02
    for metric in ("chessboard", "taxicab"):
        on_both(transform, x, 1, metric=metric)


def test_results_that_are_given(rng):
    given_distances(ndimage.distance_transform_cdt, rng.random((5, 6, 7)) > 0.1, np.int32)


def test_nothing_and_no_axis():
    assert ndimage.distance_transform_cdt(cupy.empty((0, 3), bool)).shape == (0, 3)
    for value in (0.0, 2.0):
        got = ndimage.distance_transform_cdt(cupy.asarray(np.array(value)))
        assert got.get() == ndimage.distance_transform_cdt(np.array(value))


def test_what_has_no_gpu_version():
    x = cupy.asarray(np.ones((3, 4)))
    with pytest.raises(vk.CudaUnavailableError, match="distance_transform_bf has no GPU version"):
        ndimage.distance_transform_bf(x, "taxicab")


@pytest.mark.parametrize("order", ["forward", "reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = rng.random((5, 6, 40)) > 0.02
    with cupy.cuda.Stream(non_blocking=True):
        on_both(transform, x, 1)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(rng.random((5, 6, 40)) > 0.1)
    waves = 2 * 4 + 5 + 1
    with nothing_waits(executor, 2 + 2 * waves):
        kept = transform(x)
    assert kept.shape == x.shape
