# SPDX-License-Identifier: Apache-2.0
"""What README and docs/migrate/scipy.md promise of the numbers of vk.ndimage beside SciPy's."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

from voxkern import ndimage

CROSS = ndimage.generate_binary_structure(3, 1)
FILTERS = {
    "gaussian_filter": lambda m, x, mode: m.gaussian_filter(x, (1.5, 0.7, 2), mode=mode),
    "correlate1d": lambda m, x, mode: m.correlate1d(x, [1, 0.3, 7, 2], 1, mode=mode),
    "correlate of 60 weights": lambda m, x, mode: m.correlate(x, np.arange(60.0).reshape(3, 4, 5), mode=mode),
    "convolve": lambda m, x, mode: m.convolve(x, np.arange(27.0).reshape(3, 3, 3), mode=mode),
    "sobel": lambda m, x, mode: m.sobel(x, 0, mode=mode),
    "prewitt": lambda m, x, mode: m.prewitt(x, mode=mode),
    "laplace": lambda m, x, mode: m.laplace(x, mode=mode),
    "gaussian_laplace": lambda m, x, mode: m.gaussian_laplace(x, 1.5, mode=mode),
    "gaussian_gradient_magnitude": lambda m, x, mode: m.gaussian_gradient_magnitude(x, 1.5, mode=mode),
    "minimum_filter": lambda m, x, mode: m.minimum_filter(x, 5, mode=mode),
    "maximum_filter": lambda m, x, mode: m.maximum_filter(x, footprint=CROSS, mode=mode),
    "median_filter": lambda m, x, mode: m.median_filter(x, 3, mode=mode),
    "percentile_filter": lambda m, x, mode: m.percentile_filter(x, 30, 5, mode=mode),
    "rank_filter": lambda m, x, mode: m.rank_filter(x, -2, footprint=CROSS, mode=mode),
    "grey_closing": lambda m, x, mode: m.grey_closing(x, 3, mode=mode),
    "white_tophat": lambda m, x, mode: m.white_tophat(x, 3, mode=mode),
}
SUMS = {
    "uniform_filter": (lambda m, x: m.uniform_filter(x, (3, 9, 16)), 1.0),
    "correlate, an outer product": (lambda m, x: m.correlate(x, np.ones((9, 9, 9))), 9**3),
    "correlate, none": (lambda m, x: m.correlate(x, np.arange(729.0).reshape(9, 9, 9)), 729 * 728 / 2),
}
DTYPES = ["bool", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float64", "float32"]


@pytest.fixture(params=DTYPES)
def image(request, rng):
    values = rng.normal(0, 1000, (19, 23, 21))
    values = values > 0 if request.param == "bool" else values
    return (np.abs(values) if request.param[0] == "u" else values).astype(request.param)


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # wrapped squares, scipy's too
@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
@pytest.mark.parametrize("name", FILTERS)
def test_bits_of_filters(image, name, mode, cpu_level):
    got, want = (FILTERS[name](module, image, mode) for module in (ndimage, scipy_ndimage))
    assert got.dtype == want.dtype
    limit = 1e-6 * np.abs(want).max() if image.dtype == np.float32 else 0
    assert np.abs(got.astype(np.longdouble) - want).max() <= limit


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_another_order(image, name, cpu_level):
    call, weights = SUMS[name]
    got, want = (call(module, image) for module in (ndimage, scipy_ndimage))
    part = {np.float32: 1e-6, np.float64: 1e-12}.get(image.dtype.type, 0)
    limit = part * weights * float(np.abs(image).max())
    assert np.abs(got.astype(np.longdouble) - want).max() <= limit


NAN, INF = np.nan, np.inf
LINE = np.array([1, NAN, 3, 4, 5, 6, 7])
STEP = np.array([0.0, 0, 5, 5, 0, 0, 1, 0])
RIM = np.array([[True], *[[False]] * 25, [True]])  # a footprint of 27 samples


def in_place(function):
    x = STEP.copy()
    function(x, 3, output=x)
    return x


# What docs/migrate/scipy.md lists: a call, and what it gives here. SciPy gives something else.
DIFFERENCES = {
    "bool arrays": (lambda m: m.shift(np.array([0, 1, 1, 1, 0], bool), 0.01, order=1), [0, 1, 1, 1, 0]),
    "uniform_filter, NaN": (lambda m: m.uniform_filter1d(LINE, 3)[:5], [NAN, NAN, NAN, 4, 5]),
    "minimum_filter, NaN": (lambda m: m.minimum_filter1d(LINE, 3), [1, 1, 3, 3, 4, 5, 6]),
    "maximum_filter, NaN": (
        lambda m: m.maximum_filter([[NAN, 1, 2], [3, NAN, 4.0]], 3),
        [[3, 4, 4], [3, 4, 4]],
    ),
    "median_filter, NaN": (lambda m: m.median_filter([NAN, 3, 1, NAN, 2, 5.0], 3), [NAN, 3, 3, 2, 5, 5]),
    "holes": (
        lambda m: m.median_filter(np.arange(8.0) ** 2, footprint=[1, 0, 1, 1, 1]),
        [1, 4, 9, 16, 25, 36, 49, 49],
    ),
    "uint64": (lambda m: m.median_filter(np.uint64([2**63, 3, 1, 2**64 - 1, 4]), 3)[1:3], [3, 3]),
    "beyond twice an axis": (
        lambda m: m.maximum_filter(np.array([[3.0], [1], [2]]), footprint=RIM),
        [[3], [3], [2]],
    ),
    "white_tophat in place": (lambda m: in_place(m.white_tophat), ndimage.white_tophat(STEP, 3)),
    "black_tophat in place": (lambda m: in_place(m.black_tophat), ndimage.black_tophat(STEP, 3)),
    "morphological_laplace": (
        lambda m: in_place(m.morphological_laplace),
        ndimage.morphological_laplace(STEP, 3),
    ),
    "mask of fractions": (
        lambda m: m.binary_dilation([0, 0, 1, 0, 0, 0, 0], iterations=3, mask=np.full(7, 0.5)),
        [1, 1, 1, 1, 1, 1, 0],
    ),
    "cval": (
        lambda m: m.zoom(np.uint8([1, 2, 3]), 2, mode="grid-constant", cval=300),
        scipy_ndimage.zoom([1.0, 2, 3], 2, mode="grid-constant", cval=300).round().clip(0, 255),
    ),
    "small float32": (lambda m: m.gaussian_filter(np.full(4, 1e-40, np.float32), 1), [0, 0, 0, 0]),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", DIFFERENCES)
def test_differences(name):
    call, want = DIFFERENCES[name]
    np.testing.assert_array_equal(call(ndimage), want)
    assert not np.array_equal(call(scipy_ndimage), np.asarray(want, float), equal_nan=True)


def test_differences_at_which_scipy_may_crash():
    with pytest.raises(ValueError, match="origin"):
        ndimage.binary_erosion(np.ones(7), [1, 1, 1], origin=-2)
    np.testing.assert_array_equal(ndimage.median_filter(np.arange(5.0), 3, output=np.uint8), np.arange(5))
    with pytest.raises(RuntimeError, match="structure"):
        ndimage.grey_erosion(np.ones((3, 3)), footprint=np.ones((3, 1)), structure=np.zeros((1, 3)))
