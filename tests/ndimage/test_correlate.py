# SPDX-License-Identifier: Apache-2.0
"""correlate and convolve as drop-ins for scipy's: arguments, outputs, complex numbers, Volumes, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import assert_same, image

import voxkern as vk
from voxkern import ndimage

NAMES = ["correlate", "convolve"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("taps", "args"),
    [
        ((3, 4, 5), {"origin": (1, -2, 0)}),
        ((3, 3, 3), {"origin": 1, "mode": "constant", "cval": 3.0}),
        ((4, 2), {"axes": (0, 2), "origin": (-2, 0)}),
        ((4, 2), {"axes": (2, 0), "origin": (-1, 1)}),
        ((4, 2), {"axes": (-1, -3)}),
        ((3, 4, 5), {"axes": (2, 0, 1), "origin": (1, 0, -1)}),
        ((5,), {"axes": 1, "origin": 2}),
        ((), {"axes": ()}),
        ((3, 3, 3), {"output": np.float32}),
        ((3, 3, 3), {"output": "int32"}),
        ((3, 3, 3), {"output": np.dtype("uint8")}),
        ((3, 3, 3), {"mode": "grid-wrap"}),
    ],
)
def test_arguments_as_scipy(rng, name, taps, args):
    for dtype in ("bool", "uint8", "float64"):
        x = image(rng, (8, 9, 10), dtype)
        weights = rng.standard_normal(taps)
        got, want = (
            getattr(ndimage, name)(x, weights, **args),
            getattr(scipy_ndimage, name)(x, weights, **args),
        )
        assert_same(got, want, dtype)


def test_output_array_and_in_place(rng):
    x, weights = rng.random((9, 10, 11)), rng.random((3, 3, 3))
    want = scipy_ndimage.correlate(x, weights)
    out = np.empty_like(x)
    assert ndimage.correlate(x, weights, out) is out
    np.testing.assert_array_equal(out, want)
    same = x.copy()
    assert ndimage.correlate(same, weights, output=same) is same
    np.testing.assert_array_equal(same, want)
    shifted = np.zeros((10, 10, 11))
    shifted[1:] = x
    ndimage.correlate(shifted[1:], weights, output=shifted[:-1])  # overlaps: must not read what it wrote
    np.testing.assert_array_equal(shifted[:-1], want)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["int8", "float32", "float64", "complex64", "complex128"])
def test_complex(rng, name, dtype):
    ours, theirs = getattr(ndimage, name), getattr(scipy_ndimage, name)
    x = (rng.standard_normal((6, 7, 8)) * 9).astype(dtype)
    cval = 2.5
    if x.dtype.kind == "c":
        x, cval = x + x[::-1] * x.dtype.type(1j), 2.5 - 3j
    real = rng.standard_normal((3, 2, 3))
    for weights in (real, real + 1j * rng.standard_normal((3, 2, 3))):
        for view in (x, np.asfortranarray(x), x[::-1]):
            for mode in ("constant", "mirror"):
                got, want = (f(view, weights, mode=mode, cval=cval) for f in (ours, theirs))
                assert got.dtype == want.dtype
                single = got.dtype in (np.complex64, np.float32)
                np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 if single else 1e-12)
    out = np.empty(x.shape, np.complex128)
    assert ours(x, real * 1j, output=out) is out
    np.testing.assert_allclose(out, theirs(x, real * 1j, output=np.complex128), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_real_output_of_complex_data_is_made_complex(name):
    for x, weights in [(np.ones(4), [1j]), (np.ones(4, np.complex128), [1.0])]:
        with pytest.warns(UserWarning, match="promoting specified output dtype to complex") as caught:
            got = getattr(ndimage, name)(x, weights, output=np.float64)
        assert got.dtype == np.complex128 and caught[0].filename == __file__


def test_volume_in_volume_out(rng):
    x = vk.Volume(rng.random((5, 6, 7)), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    y = ndimage.convolve(x, np.ones((3, 3, 3)))
    assert isinstance(y, vk.Volume) and y.meta["modality"] == "MR"
    np.testing.assert_array_equal(y.affine, x.affine)
    np.testing.assert_array_equal(y.data, scipy_ndimage.convolve(x.data, np.ones((3, 3, 3))))


def test_foreign_byte_order(rng):
    x = rng.integers(0, 999, (5, 6)).astype(">i2")
    weights = rng.random((3, 3)).astype(">f4")
    np.testing.assert_array_equal(ndimage.correlate(x, weights), scipy_ndimage.correlate(x, weights))


X = np.zeros((4, 5))
ONES = np.ones((3, 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((X, np.ones(3)), {}),
        ((X, np.ones((3, 3, 3))), {}),
        ((X, np.ones((3, 0))), {}),
        ((X, ONES), {"axes": 0}),
        ((X, ONES), {"axes": (0, 0)}),
        ((X, ONES), {"axes": (0, 2)}),
        ((X, ONES), {"origin": 2}),
        ((X, ONES), {"origin": (0, -2)}),
        ((X, ONES), {"origin": (0, 0, 0)}),
        ((X, ONES), {"mode": "no such mode"}),
        ((X, ONES), {"mode": ["reflect", "wrap"]}),
        ((X, ONES), {"output": np.zeros((4, 4))}),
        ((X, ONES * 1j), {"output": np.zeros((4, 5))}),
        ((X, ONES * 1j), {"output": "float64"}),
        ((X, ONES), {"cval": 1j}),
        ((X, ONES * 1j), {"cval": 1j}),
        ((X.astype(np.float16), ONES), {}),
        ((X.astype(str), ONES), {}),
        ((X, np.array([["a"]])), {}),
    ],
)
def test_errors_are_scipys(name, args, options):
    with pytest.raises(Exception) as theirs:
        getattr(scipy_ndimage, name)(*args, **options)
    with pytest.raises(theirs.type):
        getattr(ndimage, name)(*args, **options)
