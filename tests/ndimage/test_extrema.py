# SPDX-License-Identifier: Apache-2.0
"""Minimum and maximum filters as drop-ins for scipy's: arguments, outputs, Volumes, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from voxkern import ndimage

HOLES = [[1, 0, 1], [0, 1, 1]]


@pytest.mark.parametrize(
    "args",
    [
        {"size": (3, 2), "axes": (2, 0), "origin": (1, 0), "mode": ["wrap", "nearest"]},
        {"size": 3.7, "axes": -1},
        {"size": 0},
        {"size": -2, "origin": 9},
        {"footprint": np.ones((2, 3)), "axes": (1, 2), "mode": ["mirror", "constant"], "cval": 7},
        {"footprint": HOLES, "axes": (0, 1)},
        {"footprint": HOLES, "axes": (2, 0), "origin": (1, 0)},
        {"footprint": HOLES, "axes": (-1, -2)},
        {"footprint": [HOLES, HOLES], "axes": (2, 1, 0), "origin": (0, -1, 1)},
        {"size": 3, "output": np.float32},
        {"size": 3, "output": "float64"},
        {"footprint": [HOLES], "output": np.uint8},
    ],
)
@pytest.mark.parametrize("name", ["minimum_filter", "maximum_filter"])
def test_arguments_as_scipy(rng, name, args):
    x = rng.integers(0, 99, (6, 7, 8))
    got, want = getattr(ndimage, name)(x, **args), getattr(scipy_ndimage, name)(x, **args)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def test_output_array_and_overlap(rng):
    x = rng.random((9, 10, 11))
    for args in ({"size": 3}, {"size": 1}, {"footprint": [HOLES]}):
        want = scipy_ndimage.maximum_filter(x, **args)
        out = np.asfortranarray(np.empty_like(x))
        assert ndimage.maximum_filter(x, **args, output=out) is out
        np.testing.assert_array_equal(out, want)
        same = x.copy()
        assert ndimage.maximum_filter(same, **args, output=same) is same
        np.testing.assert_array_equal(same, want)
    shifted = np.zeros((10, 10, 11))
    shifted[1:] = x
    ndimage.minimum_filter(shifted[1:], 3, output=shifted[:-1])
    np.testing.assert_array_equal(shifted[:-1], scipy_ndimage.minimum_filter(x, 3))
    same = x.copy()
    ndimage.minimum_filter1d(same, 4, 1, output=same)
    np.testing.assert_array_equal(same, scipy_ndimage.minimum_filter1d(x, 4, 1))


def test_read_only_big_endian_and_lists(rng):
    x = rng.integers(0, 999, (5, 6)).astype(">i2")
    x.flags.writeable = False
    np.testing.assert_array_equal(ndimage.maximum_filter(x, 3), scipy_ndimage.maximum_filter(x, 3))
    np.testing.assert_array_equal(ndimage.maximum_filter(x.tolist(), 3), scipy_ndimage.maximum_filter(x, 3))


def test_volume_in_volume_out(rng):
    x = vk.Volume(rng.random((5, 6, 7)), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    for y in (ndimage.minimum_filter(x, 3), ndimage.maximum_filter1d(x, 3)):
        assert isinstance(y, vk.Volume) and y.meta["modality"] == "MR"
        np.testing.assert_array_equal(y.affine, x.affine)


def test_a_size_beside_a_footprint_is_ignored():
    for module in (ndimage, scipy_ndimage):
        with pytest.warns(UserWarning, match="ignoring size because footprint is set") as caught:
            got = module.maximum_filter(np.arange(5), 3, footprint=[1, 0, 1])
        assert got.tolist() == [1, 2, 3, 4, 4] and caught[0].filename == __file__


X = np.zeros((3, 4))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.maximum_filter(X),
        lambda m: m.maximum_filter(X, footprint=np.zeros((3, 3))),
        lambda m: m.maximum_filter(X, footprint=[]),
        lambda m: m.maximum_filter(X, footprint=[1, 0, 1]),
        lambda m: m.maximum_filter(X, footprint=[HOLES]),
        lambda m: m.maximum_filter(X, footprint=np.ones((1, 1, 1))),
        lambda m: m.maximum_filter(X, footprint=HOLES, mode=("wrap", "wrap")),
        lambda m: m.maximum_filter(X, footprint=HOLES, origin=2),
        lambda m: m.maximum_filter(X, footprint=HOLES, origin=(0,)),
        lambda m: m.maximum_filter(X, footprint=HOLES, mode="no such mode"),
        lambda m: m.maximum_filter(X, footprint=HOLES, cval="a"),
        lambda m: m.maximum_filter(X, (3, 3, 3)),
        lambda m: m.maximum_filter(X, "a"),
        lambda m: m.maximum_filter(X, 3, mode="no such mode"),
        lambda m: m.maximum_filter(X, 3, origin=2),
        lambda m: m.maximum_filter(X, 3, origin=0.5),
        lambda m: m.maximum_filter(X, 3, cval=1j),
        lambda m: m.maximum_filter(X, 3, axes=5),
        lambda m: m.maximum_filter(X, 3, axes=(0, 5)),
        lambda m: m.maximum_filter(X, 3, axes=(1, 1)),
        lambda m: m.maximum_filter(X, 3, output=np.zeros((4, 3))),
        lambda m: m.maximum_filter(X, 3, output=np.complex64),
        lambda m: m.maximum_filter(X, 3, output=np.float16),
        lambda m: m.maximum_filter(X.astype(complex), 3),
        lambda m: m.maximum_filter(X.astype(complex), footprint=HOLES),
        lambda m: m.maximum_filter(X.astype(np.float16), 3),
        lambda m: m.maximum_filter(X.astype(np.float16), footprint=HOLES),
        lambda m: m.maximum_filter(X.astype(object), 3),
        lambda m: m.minimum_filter1d(X, 0),
        lambda m: m.minimum_filter1d(X, 3.5),
        lambda m: m.minimum_filter1d(X, 3, axis=2),
        lambda m: m.minimum_filter1d(X, 3, origin=2),
        lambda m: m.minimum_filter1d(X, 4, origin=2),
        lambda m: m.minimum_filter1d(X, 3, mode="no such mode"),
        lambda m: m.minimum_filter1d(X.astype(complex), 3),
        lambda m: m.minimum_filter1d(np.array(3.0), 3),
    ],
)
def test_exceptions_are_scipys(call):
    with pytest.raises(Exception) as theirs:
        call(scipy_ndimage)
    with pytest.raises(type(theirs.value)) as ours:
        call(ndimage)
    assert str(ours.value) == str(theirs.value)


def test_float16_is_copied_as_scipys():
    x = np.arange(6, dtype=np.float16).reshape(2, 3)
    np.testing.assert_array_equal(ndimage.maximum_filter(x, 1), scipy_ndimage.maximum_filter(x, 1))
