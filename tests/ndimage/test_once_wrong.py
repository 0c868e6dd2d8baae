# SPDX-License-Identifier: Apache-2.0
"""Input of no axis, truth values, complex numbers, no numbers at all: each once crashed or came out wrong."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from voxkern import ndimage

NUMBER = np.array(3.0)
NO_AXIS = {
    "gaussian_filter": lambda m: m.gaussian_filter(3.0, 1),
    "uniform_filter": lambda m: m.uniform_filter(NUMBER, 3),
    "gaussian_laplace": lambda m: m.gaussian_laplace(NUMBER, 1),
    "correlate1d": lambda m: m.correlate1d(NUMBER, [1, 2, 1]),
    "uniform_filter1d": lambda m: m.uniform_filter1d(NUMBER, 3),
    "gaussian_filter1d": lambda m: m.gaussian_filter1d(3.0, 1),
    "sobel": lambda m: m.sobel(NUMBER),
}


@pytest.mark.parametrize("name", NO_AXIS)
def test_no_axis(name):
    """They ended the process: the length of a line was 0."""
    try:
        want = NO_AXIS[name](scipy_ndimage)
    except Exception as error:
        with pytest.raises(type(error)):
            NO_AXIS[name](ndimage)
    else:
        got = NO_AXIS[name](ndimage)
        assert np.shape(got) == np.shape(want) and got == want


def interpolations(module, x, order):
    matrix = [[0.9, 0.1, 0.0], [-0.1, 0.9, 0.0], [0.05, 0.0, 1.1]]
    yield module.zoom(x, 1.3, order=order)
    yield module.shift(x, (0.3, -0.4, 1.2), order=order)
    yield module.affine_transform(x, matrix, order=order)
    yield module.rotate(x, 20, order=order, reshape=False)
    yield module.map_coordinates(x, np.indices(x.shape) + 0.3, order=order)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_truth_values_are_0_and_1(rng, cpu_level, order):
    """Bytes 2 stood in the results, and a file saved from them had a label 2. scipy cuts, this rounds."""
    x = rng.random((7, 8, 9)) < 0.5
    numbers = interpolations(scipy_ndimage, x.astype(float), order)
    for got, want in zip(interpolations(ndimage, x, order), numbers, strict=True):
        assert got.dtype == bool and set(np.unique(got.view(np.uint8))) <= {0, 1}
        sure = np.abs(want - 0.5) > 1e-6
        np.testing.assert_array_equal(got[sure], want[sure] > 0.5)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_truth_values_of_warp_are_0_and_1(rng, cpu_level, order):
    x = rng.random((7, 8, 9)) < 0.5
    got = vk.warp(x, rng.normal(0, 1, (*x.shape, 3)).astype(np.float32), order=order)
    assert got.dtype == bool and set(np.unique(got.view(np.uint8))) <= {0, 1}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.correlate1d(x, [1.0, 2.0, 1.0], mode="constant", cval=2.0),
        lambda m, x: m.uniform_filter(x, 3, mode="constant", cval=2.0),
        lambda m, x: m.gaussian_filter(x, 1.0, mode="constant", cval=2.0),
        lambda m, x: m.shift(x, 1.0, mode="constant", cval=2.0, order=1),
    ],
    ids=["correlate1d", "uniform_filter", "gaussian_filter", "shift"],
)
def test_a_real_value_outside_of_complex_numbers(rng, dtype, call):
    """It stood in the imaginary part, too."""
    x = (rng.random((6, 7)) + 1j * rng.random((6, 7))).astype(dtype)
    got, want = call(ndimage, x), call(scipy_ndimage, x)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, atol=1e-6)


NO_NUMBERS = {
    "objects": np.array([[1, 2], [3, 4]], object),
    "dates": np.array([["2020-01-01", "2020-01-02"]], "M8[D]"),
    "words": np.array([["a", "b"], ["c", "d"]]),
    "records": np.zeros((2, 2), [("a", "i4")]),
}


@pytest.mark.parametrize("x", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.gaussian_filter(x, 1),
        lambda m, x: m.correlate1d(x, [1, 2, 1]),
        lambda m, x: m.zoom(x, 2),
        lambda m, x: m.shift(x, 1),
        lambda m, x: m.median_filter(x, 3),
        lambda m, x: m.maximum_filter(x, 3),
        lambda m, x: m.distance_transform_edt(x),
    ],
    ids=["gaussian_filter", "correlate1d", "zoom", "shift", "median_filter", "maximum_filter", "edt"],
)
def test_what_are_no_numbers_raises_as_scipy_does(x, call):
    try:
        want = call(scipy_ndimage, x)
    except Exception as error:
        with pytest.raises(type(error)):
            call(ndimage, x)
    else:
        np.testing.assert_array_equal(call(ndimage, x), want)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("mode", ["constant", "grid-constant", "nearest"])
@pytest.mark.parametrize("dtype", ["float64", "int16", "complex64"])
def test_nothing_is_what_lies_outside(shape, mode, dtype):
    x = np.zeros(shape, dtype)
    for call in (
        lambda m: m.rotate(x, 30, mode=mode, cval=5),
        lambda m: m.affine_transform(x, np.eye(x.ndim) + 0.1, output_shape=(2,) * x.ndim, mode=mode, cval=5),
        lambda m: m.map_coordinates(x, np.zeros((x.ndim, 2)), mode=mode, cval=5),
    ):
        try:
            want = call(scipy_ndimage)
        except Exception as error:
            with pytest.raises(type(error)):
                call(ndimage)
        else:
            got = call(ndimage)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-6)
