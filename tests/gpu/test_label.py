# SPDX-License-Identifier: Apache-2.0
"""Components of GPU arrays: the CPU's numbers; what needs no number of components waits for nothing."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, LAYOUTS, examples, image
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)


def noise(rng, shape, dtype="bool", density=0.5):
    """Samples that are zero, and others; NaN and the smallest subnormal are no zeros, -0.0 is."""
    x = image(rng, shape, dtype) * (rng.random(shape) < density).astype(dtype)
    if x.dtype.kind == "f":
        x.flat[: x.size // 3 : 7] = np.nan
        x.flat[1 : x.size // 3 : 7] = np.nextafter(x.dtype.type(0), x.dtype.type(1))
        x.flat[2 : x.size // 3 : 7] = -0.0
    return x


def expect_labels(x, structure=None, layout="C", **kwargs):
    """Compare the numbers of both sides and how many there are."""
    counts = []

    def labels(array):
        result, count = ndimage.label(array, structure, **kwargs)
        counts.append(count)
        return result

    on_both(labels, x, layout=layout)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = noise(rng, (5, 6, 37), dtype)
    expect_labels(x, layout=layout)
    on_both(vk.largest_component, x, 2, layout=layout)
    on_both(vk.fill_holes, x, layout=layout)


@pytest.mark.parametrize("shape", [(1,), (70,), (5, 33), (1, 1, 1), (3, 4, 32), (2, 3, 4, 9), (9, 1, 70)])
def test_shapes_and_connectivities(rng, shape):
    for connectivity in range(1, len(shape) + 1):
        for density in (0.3, 0.6):
            x = noise(rng, shape, density=density)
            expect_labels(x, ndimage.generate_binary_structure(len(shape), connectivity))
            on_both(vk.fill_holes, x, axis=0 if len(shape) == 3 else None, connectivity=connectivity)
            on_both(vk.largest_component, x, None, min_volume=2, connectivity=connectivity)


@examples(25)
@given(st.data())
def test_any_structure(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 34]), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    half = rng.random((3,) * len(shape)) < data.draw(st.sampled_from([0.1, 0.5]))
    x = noise(rng, shape, density=data.draw(st.sampled_from([0.2, 0.6, 1.0])))
    expect_labels(x, half | np.flip(half), layout=data.draw(st.sampled_from(sorted(LAYOUTS))))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
def test_output(rng, dtype):
    x = noise(rng, (4, 40), density=0.4)
    expect_labels(x, output=dtype)
    out = cupy.empty(x.shape, dtype, "F")
    assert ndimage.label(cupy.asarray(x), output=out) == ndimage.label(x)[1]
    np.testing.assert_array_equal(out.get(), ndimage.label(x)[0])


def test_outputs_that_do_not_fit(rng):
    x = np.zeros((40, 40), bool)
    x[::2, ::2] = True
    with pytest.raises(RuntimeError, match="insufficient bit-depth"):
        ndimage.label(cupy.asarray(x), output="uint8")
    with pytest.raises(ValueError, match="output shape"):
        ndimage.label(cupy.asarray(x), output=cupy.empty((2, 2), np.int32))


def test_nothing_and_no_axis():
    assert ndimage.label(cupy.empty((0, 5)))[1] == 0
    assert vk.fill_holes(cupy.empty((0, 5))).shape == (0, 5)
    labels, count = ndimage.label(cupy.asarray(np.array(3.0)))
    assert count == 1
    assert labels.shape == ()


def test_holes_of_masks(rng):
    """Shells, one in another, open and closed."""
    distance = np.linalg.norm(np.mgrid[-9:10, -9:10, -9:10], axis=0)
    x = np.isin(distance.astype(int), (2, 5, 8))
    x[9, 9, 9:15] = False
    on_both(ndimage.binary_fill_holes, x)
    on_both(ndimage.binary_fill_holes, x, np.ones((3, 3, 3)))


@pytest.mark.parametrize("order", ["forward", "reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = noise(rng, (6, 7, 40))
    with cupy.cuda.Stream(non_blocking=True):
        expect_labels(x, np.ones((3, 3, 3)))
        on_both(vk.largest_component, x)
        on_both(vk.fill_holes, x)


def test_what_waits(rng, executor):
    """The number of components is asked for once; holes need none."""
    x = cupy.asarray(noise(rng, (6, 7, 40)))
    with nothing_waits(executor):
        kept = vk.fill_holes(x)
    before = executor.counters()["copies_to_host"]
    labels, count = ndimage.label(x)
    assert executor.counters()["copies_to_host"] == before + 1
    assert kept.shape == labels.shape
    assert count > 0
    before = executor.counters()["copies_to_host"]
    vk.largest_component(x)
    assert executor.counters()["copies_to_host"] == before + 2
