# SPDX-License-Identifier: Apache-2.0
"""Rank filters as drop-ins for scipy's: arguments, outputs, dtypes, errors."""

import warnings

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import image

import voxkern as vk
from voxkern import ndimage

CALLS = [
    ("median_filter", {"size": 3}),
    ("median_filter", {"size": (2, 3, 4), "origin": (0, 1, -2)}),
    ("median_filter", {"size": 3, "axes": (0, -1)}),
    ("median_filter", {"size": (3, 5), "axes": (2, 0), "origin": (1, 0), "mode": "wrap"}),
    ("median_filter", {"size": (3, 5, 1), "axes": (2, 0, 1)}),
    ("median_filter", {"size": 3, "axes": ()}),
    ("median_filter", {"size": 3, "axes": 1}),
    ("median_filter", {"footprint": np.eye(3), "axes": (0, 1)}),
    ("median_filter", {"size": 1}),
    ("percentile_filter", {"percentile": 30, "size": 3}),
    ("percentile_filter", {"percentile": -20, "size": 3}),
    ("percentile_filter", {"percentile": 100, "size": 3, "mode": ["reflect", "wrap", "nearest"]}),
    ("percentile_filter", {"percentile": 0, "size": 3}),
    ("percentile_filter", {"percentile": 12.5, "size": (3, 1, 4), "output": "int32"}),
    ("rank_filter", {"rank": -3, "size": 3, "output": np.float32}),
    ("rank_filter", {"rank": 0, "size": 3, "mode": ["wrap"], "axes": 1}),
    ("rank_filter", {"rank": np.int64(4), "footprint": np.ones((3, 3, 1))}),
    ("rank_filter", {"rank": 9, "size": 3, "mode": "constant", "cval": 0.7}),
    ("rank_filter", {"rank": 9, "size": 3, "mode": "constant", "cval": -5, "output": "float64"}),
    ("rank_filter", {"rank": 9, "size": 3, "mode": "constant", "cval": 300}),
]


@pytest.mark.parametrize(("name", "args"), CALLS, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", ">f4", ">i2"])
def test_arguments_as_scipy(rng, name, args, dtype):
    x = image(rng, (8, 9, 10), dtype)
    got, want = getattr(ndimage, name)(x, **args), getattr(scipy_ndimage, name)(x, **args)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int32", "uint32", "int64", "float16", "float32", "float64", "bool"]
)
def test_lines_as_scipy(rng, dtype):
    x = image(rng, (50,), dtype)
    for args in (
        {"size": 5},
        {"size": 4, "mode": "constant", "cval": -5.6, "origin": 1},
        {"size": 7, "mode": "wrap"},
    ):
        got, want = ndimage.median_filter(x, **args), scipy_ndimage.median_filter(x, **args)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_large_integers(dtype):
    """Of several axes scipy compares them as float64, and so they come out; of a line it does not."""
    x = (2**53 + np.arange(27, dtype=dtype)).reshape(3, 3, 3)
    np.testing.assert_array_equal(ndimage.median_filter(x, 3), scipy_ndimage.median_filter(x, 3))
    top = np.full((3, 3, 3), np.iinfo(dtype).max)
    np.testing.assert_array_equal(ndimage.rank_filter(top, 5, 3), scipy_ndimage.rank_filter(top, 5, 3))
    np.testing.assert_array_equal(
        ndimage.median_filter(x.ravel(), 5), scipy_ndimage.median_filter(x.ravel(), 5)
    )


def test_where_scipy_is_wrong():
    """Of a line it forgets the holes of a footprint and the upper half of uint64."""
    x = np.array([5, 1, 9, 2, 8, 3])
    got = ndimage.median_filter(x, footprint=[1, 0, 1, 1, 1])
    np.testing.assert_array_equal(got, ndimage.median_filter(x[None], footprint=[[1, 0, 1, 1, 1]])[0])
    big = np.array([1, 2**63 + 5, 3, 4, 2**64 - 1], np.uint64)
    np.testing.assert_array_equal(ndimage.median_filter(big, 3), np.uint64([1, 3, 4, 4, 2**64 - 1]))


def test_shapes_without_samples_and_scalars():
    for shape in ((0, 3), (0,), (3, 0, 2)):
        assert ndimage.median_filter(np.ones(shape), 3).shape == shape
    assert ndimage.median_filter(3.5, 3) == 3.5
    assert ndimage.median_filter(np.float32(2), footprint=True).dtype == np.float32


def test_output(rng):
    x = image(rng, (9, 10, 11), "float64")
    want = scipy_ndimage.median_filter(x, 3)
    same = x.copy()
    assert ndimage.median_filter(same, 3, output=same) is same
    np.testing.assert_array_equal(same, want)
    narrow = np.zeros((9, 10, 11), np.uint8)
    ndimage.median_filter(x, 3, output=narrow)
    np.testing.assert_array_equal(narrow, scipy_ndimage.median_filter(x, 3, output=np.uint8))
    volume = ndimage.median_filter(vk.Volume(x, np.diag([2.0, 3.0, 4.0, 1.0])), 3)
    np.testing.assert_array_equal(volume.data, want)
    np.testing.assert_array_equal(np.diag(volume.affine), [2, 3, 4, 1])


def test_size_beside_a_footprint_warns():
    with pytest.warns(UserWarning, match="ignoring size because footprint is set") as caught:
        got = ndimage.median_filter(np.eye(3), 3, footprint=np.ones((1, 3)))
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(got, scipy_ndimage.median_filter(np.eye(3), footprint=np.ones((1, 3))))


WRONG = [
    ("median_filter", {}),
    ("median_filter", {"size": 0}),
    ("median_filter", {"size": -1}),
    ("median_filter", {"size": 2.5}),
    ("median_filter", {"size": (3,)}),
    ("median_filter", {"footprint": np.zeros((3, 3))}),
    ("median_filter", {"footprint": np.ones(3)}),
    ("median_filter", {"footprint": np.ones((0, 3))}),
    ("median_filter", {"footprint": np.ones((3, 3)), "axes": 1}),
    ("median_filter", {"size": 3, "origin": 2}),
    ("median_filter", {"size": 3, "origin": 0.5}),
    ("median_filter", {"size": 3, "origin": (0,)}),
    ("median_filter", {"size": 3, "mode": "around"}),
    ("median_filter", {"size": 3, "mode": ["reflect", "wrap"]}),
    ("median_filter", {"size": 3, "axes": (0, 0)}),
    ("median_filter", {"size": 3, "axes": (3,)}),
    ("median_filter", {"size": 3, "cval": 1j}),
    ("median_filter", {"size": 3, "output": np.zeros((2, 3))}),
    ("median_filter", {"size": 3, "output": np.complex64}),
    ("median_filter", {"size": 3, "output": np.float16}),
    ("rank_filter", {"rank": 9, "size": 3}),
    ("rank_filter", {"rank": -10, "size": 3}),
    ("rank_filter", {"rank": 1.5, "size": 3}),
    ("rank_filter", {"rank": 0, "size": 3, "mode": ["reflect"]}),
    ("rank_filter", {"rank": 0, "footprint": np.eye(3), "mode": ["reflect", "wrap"]}),
    ("percentile_filter", {"percentile": 101, "size": 3}),
    ("percentile_filter", {"percentile": -101, "size": 3}),
]


@pytest.mark.parametrize(("name", "args"), WRONG, ids=str)
def test_wrong_arguments_raise_scipys_kinds(name, args):
    x = np.ones((5, 5))
    with pytest.raises(Exception) as theirs:
        getattr(scipy_ndimage, name)(x, **args)
    with pytest.raises(theirs.type):
        getattr(ndimage, name)(x, **args)


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float16", "longdouble", "object"])
def test_dtypes_scipy_refuses(dtype):
    x = np.ones((5, 5)).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            scipy_ndimage.median_filter(x, 3)
    with pytest.raises(theirs.type):
        ndimage.median_filter(x, 3)
