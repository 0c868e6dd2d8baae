# SPDX-License-Identifier: Apache-2.0
"""Distances on the GPU: the CPU's bits and indices, unless rounding decides; nobody waits."""

import backends
import numpy as np
import pytest
from both_sides import given_distances, nothing_waits, on_both
from cases import DTYPES, FLOAT64, LAYOUTS, examples, image, in_layout
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)


def transform(x, part=0, **kwargs):
    """Distances, or indices."""
    results = ndimage.distance_transform_edt(x, return_indices=True, **kwargs)
    return results[part]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 6, 37), dtype)
    x[rng.random(x.shape) < 0.1] = 0
    on_both(transform, x, layout=layout)
    on_both(transform, x, 1, layout=layout, sampling=(0.9, 0.7, 2))
    on_both(vk.signed_distance, x, layout=layout)


def test_zeros_are_zeros():
    """NaN and the smallest subnormal are none, -0.0 is."""
    for dtype in ("float32", "float64"):
        x = np.ones((3, 20), dtype)
        x[0, 3], x[1, 9], x[2, 15] = np.nan, np.nextafter(x.dtype.type(0), x.dtype.type(1)), -0.0
        on_both(transform, x)


@examples(20)
@given(st.data())
def test_any_shape_and_sampling(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 34]), min_size=1, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.random(shape) < data.draw(st.sampled_from([0.0, 0.5, 0.95, 1.0]))
    steps = [data.draw(st.sampled_from([1.0, 0.5, 0.9, 2**0.5])) for _ in shape]
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    if 2**0.5 not in steps:  # whole numbers of a unit, which add up without rounding
        on_both(transform, x, sampling=steps)
        on_both(transform, x, 1, sampling=steps, layout=layout)
        return
    far = on_both(transform, x, sampling=steps, layout=layout, float64=FLOAT64).get()
    near = transform(in_layout(x, layout, cupy.asarray), 1, sampling=steps).get()
    ways = (near - np.indices(shape)) * np.reshape(steps, (-1, *(1,) * len(shape)))
    np.testing.assert_allclose(np.sqrt((ways**2).sum(axis=0)), far, rtol=FLOAT64)
    assert x.all() or not x[tuple(near)].any()


def test_results_that_are_given(rng):
    x = rng.random((5, 6, 7)) > 0.1
    given_distances(ndimage.distance_transform_edt, x, np.float64)
    on_both(ndimage.distance_transform_edt, x)
    on_both(lambda a: ndimage.distance_transform_edt(a, return_distances=False, return_indices=True), x)


def test_large_balls(rng):
    """Distances take the place of structures with more than 2000 rows."""
    x = rng.random((46, 47, 48)) > 0.9999
    on_both(vk.closing, x, 2.3, spacing=0.1)
    on_both(vk.erode, ~x, 2.3, spacing=0.1, layout="F")


def test_one_value_only():
    """Nobody waits to find out, so nobody can raise: the result is NaN."""
    for mask in (np.zeros((3, 4), bool), np.ones((3, 4), bool)):
        assert np.isnan(vk.signed_distance(cupy.asarray(mask)).get()).all()
    assert ndimage.distance_transform_edt(cupy.empty((0, 3), bool)).shape == (0, 3)


def test_what_has_no_gpu_version():
    x = cupy.asarray(np.ones((3, 4)))
    with pytest.raises(vk.CudaUnavailableError, match="distance_transform_bf has no GPU version"):
        ndimage.distance_transform_bf(x)


@pytest.mark.parametrize("order", ["forward", "reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = rng.random((5, 6, 40)) > 0.1
    with cupy.cuda.Stream(non_blocking=True):
        on_both(transform, x, 1)
        on_both(vk.signed_distance, x, spacing=(1, 2**0.5, 1))


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(rng.random((5, 6, 40)) > 0.1)
    with nothing_waits(executor):
        kept = [transform(x), vk.signed_distance(x), vk.dilate(x, 3)]
    assert len(kept) == 3
