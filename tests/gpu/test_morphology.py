# SPDX-License-Identifier: Apache-2.0
"""Morphology of masks on the GPU: the CPU's samples; steps that have a number wait for nothing."""

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

NAMES = ["binary_erosion", "binary_dilation", "binary_opening", "binary_closing"]


def masked(function, x, mask, layout="C", **kwargs):
    """Compare both sides with a mask that lives where the image does."""
    return on_both(
        lambda a: function(a, mask=mask if isinstance(a, np.ndarray) else cupy.asarray(mask), **kwargs),
        x,
        layout=layout,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 6, 37), dtype)
    x[rng.random(x.shape) < 0.3] = 0
    on_both(ndimage.binary_erosion, x, layout=layout)
    on_both(ndimage.binary_dilation, x, layout=layout, output=dtype, iterations=2)
    masked(ndimage.binary_closing, x, image(rng, x.shape, dtype), layout)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("border", [0, 1])
def test_steps_and_masks(rng, name, border):
    function = getattr(ndimage, name)
    for shape in [(1, 1, 1), (3, 4, 64), (2, 7, 65)]:
        x, mask = rng.random(shape) > 0.4, rng.random(shape) > 0.2
        on_both(function, x, rng.random((2, 3, 5)) > 0.4, border_value=border, origin=(0, 1, -1))
        for structure in (None, np.ones((3, 3, 3)), np.ones((1, 1, 70))):
            on_both(function, x, structure, border_value=border)
            masked(function, x, mask, structure=structure, iterations=3, border_value=border)


@examples(20)
@given(st.data())
def test_any_structure(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 66]), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    structure = rng.random([data.draw(st.integers(1, 4)) for _ in shape]) > 0.4
    function = getattr(ndimage, data.draw(st.sampled_from(NAMES)))
    args = {"iterations": data.draw(st.sampled_from([1, 2, 5])), "border_value": data.draw(st.booleans())}
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    on_both(function, rng.random(shape) > 0.5, structure, layout=layout, **args)


@pytest.mark.parametrize("structure", [None, np.ones((3, 3, 3)), np.array([[[1, 1]]]), np.ones((1, 1, 5))])
def test_until_nothing_changes(rng, structure):
    mask = rng.random((6, 7, 40)) > 0.35
    seeds = mask & (rng.random(mask.shape) > 0.97)
    masked(ndimage.binary_propagation, seeds, mask, structure=structure)
    masked(ndimage.binary_propagation, seeds, mask, structure=structure, output=np.int16)
    on_both(ndimage.binary_propagation, seeds, structure)
    on_both(ndimage.binary_erosion, mask, structure, iterations=-1)


def test_hit_or_miss(rng):
    x = rng.random((5, 6, 37)) > 0.5
    on_both(ndimage.binary_hit_or_miss, x)
    on_both(ndimage.binary_hit_or_miss, x, np.eye(3)[None], rng.random((1, 2, 2)) > 0.5, origin2=(0, 0, -1))
    out = cupy.empty(x.shape, np.float32)
    assert ndimage.binary_hit_or_miss(cupy.asarray(x), output=out) is None
    np.testing.assert_array_equal(out.get(), ndimage.binary_hit_or_miss(x))


@pytest.mark.parametrize("name", ["dilate", "erode", "opening", "closing"])
def test_balls(rng, name):
    x = rng.random((9, 10, 37)) > 0.6
    for radius in (0, 1, 3.5):
        on_both(getattr(vk, name), x, radius, spacing=(1, 1.5, 0.8))
    on_both(getattr(vk, name), x, 2, axes=(1, 2), layout="F")


def test_results_in_place(rng):
    x = rng.random((5, 6, 7)) > 0.5
    device = cupy.asarray(x)
    assert ndimage.binary_dilation(device, output=device) is device
    np.testing.assert_array_equal(device.get(), ndimage.binary_dilation(x))
    empty = cupy.empty((0, 3), bool)
    assert ndimage.binary_erosion(empty).shape == (0, 3)
    on_both(ndimage.binary_dilation, np.array(True))


def test_what_has_no_gpu_version():
    with pytest.raises(vk.CudaUnavailableError, match="has no GPU version"):
        ndimage.binary_fill_holes(cupy.asarray(np.zeros((4, 5), bool)), np.ones((1, 2)))


@pytest.mark.parametrize("order", ["forward", "reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = rng.random((5, 6, 40)) > 0.6
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.binary_opening, x, iterations=2)
        on_both(vk.closing, x, 2.5)


def test_a_huge_number_of_iterations_ends_when_nothing_changes(rng, executor):
    x = rng.random((5, 6, 40)) > 0.99
    before = executor.counters()["launches"]
    got = ndimage.binary_dilation(cupy.asarray(x), iterations=10**9)
    assert executor.counters()["launches"] < before + 1100
    np.testing.assert_array_equal(got.get(), ndimage.binary_dilation(x, iterations=10**9))


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x, mask = (cupy.asarray(rng.random((5, 6, 40)) > 0.4) for _ in range(2))
    with nothing_waits(executor):
        kept = [
            ndimage.binary_dilation(x, mask=mask, iterations=100),
            ndimage.binary_propagation(x, mask=mask),
            ndimage.binary_fill_holes(x),
            ndimage.binary_hit_or_miss(x),
            vk.opening(x, 2),
        ]
    assert len(kept) == 5
