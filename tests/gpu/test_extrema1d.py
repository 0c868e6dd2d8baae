# SPDX-License-Identifier: Apache-2.0
"""Minimum and maximum filters of GPU arrays: the CPU's bits; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, LAYOUTS, MODES, examples, image, in_layout
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FOOTPRINT = np.array([[[0, 1, 0], [1, 0, 1]], [[1, 0, 0], [0, 1, 1]]])
BALL = sum(g**2 for g in np.ogrid[-2:3, -2:3, -2:3]) <= 4


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (7, 9, 18), dtype)
    on_both(ndimage.maximum_filter, x, (3, 4, 7), layout=layout)
    on_both(ndimage.minimum_filter, x, 2, layout=layout, mode="constant", cval=-1000.0)
    on_both(ndimage.minimum_filter, x, footprint=FOOTPRINT, layout=layout, mode="constant", cval=-1000.0)
    for output in (np.float64, np.uint8):
        on_both(ndimage.maximum_filter, x, footprint=BALL, output=output, layout=layout)
        on_both(ndimage.maximum_filter1d, x, 3, output=output, layout=layout)


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_sizes(rng, mode):
    for shape in [(1, 1, 1), (2, 3, 40), (33, 1, 5)]:
        x = image(rng, shape, "float32")
        for axis in range(3):
            for size in (1, 2, 5, 17, 90):
                on_both(ndimage.minimum_filter1d, x, size, axis, mode=mode, cval=1.5, origin=(size - 1) // 2)
        on_both(ndimage.minimum_filter, x, footprint=FOOTPRINT, mode=mode, cval=1.5, origin=(0, -1, 0))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_windows_larger_than_a_tile(rng, dtype, axis):
    x = image(rng, (2, 300) if axis else (300, 2), dtype)
    for size in (150, 1199):
        on_both(ndimage.maximum_filter1d, x, size, axis, mode="mirror")


def test_footprints_larger_than_a_tile(rng):
    x = image(rng, (3, 5, 6), "float32")
    on_both(ndimage.maximum_filter, x, footprint=rng.random((5, 90, 200)) > 0.999, mode="constant", cval=-200)
    on_both(ndimage.maximum_filter, x[0, 0], footprint=rng.random(9001) > 0.999, mode="wrap")


@pytest.mark.parametrize("kind", ["minimum_filter", "maximum_filter"])
def test_nan_is_passed_over(rng, kind):
    for dtype in ("float32", "float64"):
        x = image(rng, (6, 7, 8), dtype)
        x[rng.random(x.shape) > 0.6] = np.nan
        x[2, 3, 4:6] = np.inf, -np.inf
        on_both(getattr(ndimage, kind), x, 3)
        on_both(getattr(ndimage, kind), x, footprint=FOOTPRINT)


def test_zeros_have_signs():
    """-0.0 counts as smaller than 0.0, wherever they lie."""
    x = cupy.asarray(np.array([-0.0, 0.0, -0.0, 0.0]))
    np.testing.assert_array_equal(np.signbit(ndimage.maximum_filter(x, 2).get()), [True, False, False, False])
    assert np.signbit(ndimage.minimum_filter(x, 2).get()).all()


@examples(15)
@given(st.data())
def test_any_window(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=1, max_size=4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = image(rng, shape, data.draw(st.sampled_from(DTYPES)))
    args = {"mode": data.draw(st.sampled_from(MODES)), "cval": 3.0}
    size = [data.draw(st.integers(1, 3)) for _ in shape]
    if data.draw(st.booleans()):
        args["footprint"] = rng.random(size) > 0.3
        args["footprint"].flat[0] = True
    else:
        args["size"] = size
    function = data.draw(st.sampled_from([ndimage.minimum_filter, ndimage.maximum_filter]))
    on_both(function, x, layout=data.draw(st.sampled_from(sorted(LAYOUTS))), **args)


GREY = [
    "grey_erosion",
    "grey_opening",
    "grey_closing",
    "morphological_gradient",
    "morphological_laplace",
    "white_tophat",
    "black_tophat",
]


@pytest.mark.parametrize("name", GREY)
def test_grey_morphology(rng, name):
    for dtype in ("bool", "uint8", "int32", "float32"):
        x = image(rng, (5, 6, 9), dtype)
        if dtype == "bool" and name in ("morphological_gradient", "morphological_laplace"):
            continue  # NumPy refuses to subtract masks
        for layout in ("C", "F"):
            on_both(getattr(ndimage, name), x, (1, 3, 2), layout=layout)
            on_both(getattr(ndimage, name), x, footprint=FOOTPRINT, layout=layout, mode="constant")


def test_grey_morphology_that_has_no_gpu_version():
    x = cupy.asarray(np.zeros((4, 5), "float32"))
    with pytest.raises(vk.CudaUnavailableError, match="structure that is not flat has no GPU version"):
        ndimage.grey_dilation(x, structure=[[1, 2, 3]])
    with pytest.raises(vk.CudaUnavailableError, match="into int16 of another has no GPU version"):
        ndimage.white_tophat(x, 3, output=np.int16)


def test_nothing_to_do(rng):
    x = image(rng, (3, 4), "int16")
    on_both(ndimage.maximum_filter, x, 1)
    on_both(ndimage.maximum_filter, x, 1, output=np.float32)
    assert ndimage.minimum_filter(cupy.empty((0, 5)), 3).shape == (0, 5)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (9, 10, 21), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.maximum_filter, x, 5)
        on_both(ndimage.minimum_filter, x, footprint=BALL)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [ndimage.maximum_filter(x, 5), ndimage.minimum_filter(x, footprint=BALL)]
    del kept


def test_output_array(rng):
    x = image(rng, (8, 9, 10), "float32")
    for order in "CF":
        out = cupy.empty(x.shape, np.float32, order)
        assert ndimage.maximum_filter(in_layout(x, "F", cupy.asarray), 3, output=out) is out
        np.testing.assert_array_equal(out.get(), ndimage.maximum_filter(x, 3))
    same = cupy.asarray(x)
    ndimage.maximum_filter(same, footprint=BALL, output=same)  # overlaps: must not read what it wrote
    np.testing.assert_array_equal(same.get(), ndimage.maximum_filter(x, footprint=BALL))
