# SPDX-License-Identifier: Apache-2.0
"""Derivatives and Hessians of GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import DTYPES, FLOAT64, LAYOUTS, MODES, image

import voxkern as vk
from voxkern import _core, ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FLOAT32 = 2e-6
SAME = {"float32": FLOAT32, "float64": FLOAT64}
FILTERS = [
    ("laplace", {}),
    ("laplace", {"axes": (0, 2), "mode": "constant", "cval": 5.0}),
    ("gaussian_laplace", {"sigma": (1, 2, 0.7)}),
    ("gaussian_gradient_magnitude", {"sigma": 1.3, "mode": "wrap"}),
    ("gaussian_gradient_magnitude", {"sigma": 1.3, "axes": (1,)}),
    ("gaussian_laplace", {"sigma": 1.1, "mode": ("reflect", "mirror", "nearest")}),
    ("laplace", {"axes": ()}),
    ("sobel", {}),
    ("prewitt", {"axis": 0}),
]


@pytest.mark.parametrize(("name", "args"), FILTERS)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_arguments(rng, name, args, dtype):
    for output in (None, np.float32, np.int16):
        on_both(getattr(ndimage, name), image(rng, (6, 7, 10), dtype), output=output, **SAME, **args)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 6, 18), dtype)
    if dtype != "bool":
        on_both(ndimage.laplace, x, layout=layout, **SAME)
    if dtype not in ("bool", "int8"):  # sums of squares that wrap below zero have no root
        on_both(ndimage.gaussian_gradient_magnitude, x, 1.0, layout=layout, **SAME)
    on_both(vk.hessian_eigenvalues, x, 1.0, layout=layout, **SAME)


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_sizes(rng, mode):
    for shape in [(1, 1, 1), (2, 3, 40), (33, 1, 5), (9,), (4, 9)]:
        x = image(rng, shape, "float64")
        on_both(ndimage.gaussian_laplace, x, 2.0, mode=mode, cval=3.0, **SAME)
        if len(shape) > 1:
            on_both(vk.hessian_eigenvalues, x, 1.5, mode=mode, cval=3.0, **SAME)


@pytest.mark.skipif(_core.active_cpu_level() == "v2", reason="levels without FMA round each product")
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bits_as_levels_with_fma(rng, dtype):
    for shape in [(6, 7, 18), (8, 19)]:
        x = image(rng, shape, dtype)
        on_both(ndimage.gaussian_gradient_magnitude, x, 1.0, output=np.float32)
        on_both(vk.hessian_eigenvalues, x, 1.0)
        for gamma in (None, 3.0):
            on_both(vk.vesselness, x, (1.0, 1.6), gamma=gamma)


@pytest.mark.parametrize("bright", [False, True])
def test_vesselness(rng, bright):
    for dtype in ("uint8", "float32", "float64"):
        x = image(rng, (8, 9, 10), dtype)
        for gamma in (None, 0.5):
            on_both(vk.vesselness, x, (1.0, 1.5), gamma=gamma, bright=bright, float32=1e-4, float64=1e-9)
    on_both(vk.vesselness, np.full((6, 7), 1000, "float32"), 1.0)  # nothing but rounding


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vesselness_is_nan_where_no_norm_is_finite(rng, bad):
    """Nobody waits for the norm: what the CPU refuses is NaN everywhere, whatever the scale."""
    for dtype in ("float32", "float64"):
        x = image(rng, (7, 8, 9), dtype)
        x[3, 4, 5] = bad
        assert np.isnan(vk.vesselness(cupy.asarray(x), (1.0, 1.5)).get()).all()
        with pytest.raises(vk.ArgumentError, match="allowed finite voxels"):
            vk.vesselness(x, (1.0, 1.5))


def test_more_axes_and_complex(rng):
    x = image(rng, (3, 4, 5, 6), "float32")
    on_both(ndimage.gaussian_laplace, x, 1.0, **SAME)
    on_both(ndimage.laplace, x, axes=(1, 3), **SAME)
    z = image(rng, (6, 7), "float64") + 1j * image(rng, (6, 7), "float64")
    got = ndimage.laplace(cupy.asarray(z))
    np.testing.assert_allclose(got.get(), ndimage.laplace(z), rtol=0, atol=1e-9)
    with pytest.raises(vk.CudaUnavailableError, match="complex128 has no GPU version yet"):
        ndimage.gaussian_gradient_magnitude(cupy.asarray(z), 1.0)


def test_volume_stays_on_the_gpu(rng):
    x = image(rng, (5, 6, 7), "float32")
    volume = vk.Volume(cupy.asarray(x), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    got = vk.vesselness(volume, 2.0)
    assert isinstance(got, vk.Volume) and type(got.data) is cupy.ndarray
    want = vk.vesselness(vk.Volume(x, volume.affine), 2.0)
    np.testing.assert_allclose(got.data.get(), want.data, atol=1e-5)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = image(rng, (7, 8, 9), "float32")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(ndimage.gaussian_gradient_magnitude, x, 1.0, **SAME)
        on_both(vk.vesselness, x, 1.0, float32=1e-4)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    with nothing_waits(executor):
        kept = [
            ndimage.laplace(x),
            ndimage.gaussian_gradient_magnitude(x, 1.0),
            vk.hessian_eigenvalues(x, 1.0),
            vk.vesselness(x, (1.0, 2.0)),
        ]
    del kept


def test_empty():
    assert ndimage.laplace(cupy.empty((0, 5))).shape == (0, 5)
