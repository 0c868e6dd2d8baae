# SPDX-License-Identifier: Apache-2.0
"""What calls write: complex numbers by parts, outputs kernels cannot write, memory order, shared memory."""

import numpy as np
import pytest
import scipy.ndimage

import voxkern as vk
from voxkern import ndimage

RNG = np.random.default_rng(7)
IMAGE = RNG.random((6, 7, 8)).astype(np.float32) + 1
FIELD = RNG.random((6, 7, 8, 3)).astype(np.float32)
POINTS = RNG.random((3, 5)) * 5


@pytest.mark.parametrize("cval", [2.0, 3j, 1 - 2j])
def test_complex_numbers_are_two_real_runs(cval):
    z = IMAGE + 1j * IMAGE[::-1]
    options = {"mode": "constant", "cval": cval}
    for ours, args in (
        (ndimage.correlate1d, ([1.0, 2.0, 3.0],)),
        (ndimage.uniform_filter1d, (3,)),
        (ndimage.gaussian_filter, (1.0,)),
    ):
        theirs = getattr(scipy.ndimage, ours.__name__)
        np.testing.assert_allclose(ours(z, *args, **options), theirs(z, *args, **options), rtol=1e-5)
    real, imag = (
        vk.warp(part, FIELD, mode="constant", cval=value)
        for part, value in ((z.real, np.real(cval)), (z.imag, np.imag(cval)))
    )
    np.testing.assert_array_equal(vk.warp(z, FIELD, **options), real + 1j * imag)


def test_output_of_foreign_byte_order_or_misaligned():
    expected = vk.resample(IMAGE, shape=5)
    misaligned = np.zeros(5 * 5 * 5 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(5, 5, 5)
    for out in (np.zeros((5, 5, 5), ">f4"), misaligned):
        assert vk.resample(IMAGE, shape=5, out=out) is out
        np.testing.assert_array_equal(out, expected)
    frozen = np.zeros((5, 5, 5), ">f4")
    frozen.flags.writeable = False
    with pytest.raises(vk.ArgumentError, match="read-only"):
        vk.resample(IMAGE, shape=5, out=frozen)


def test_memory_order_of_results():
    layouts = (IMAGE, np.asfortranarray(IMAGE), IMAGE.transpose(1, 0, 2), IMAGE[::-1, ::2], IMAGE[:, :1])
    for x in layouts:
        assert vk.resample(x, shape=5).strides == np.empty_like(x, shape=(5, 5, 5)).strides
        assert vk.window(x, 0, 1).strides == np.empty_like(x, dtype=np.float32).strides
        assert ndimage.zoom(x, 2).flags.c_contiguous


def test_output_that_shares_memory_with_another_input():
    field = FIELD.copy()
    with pytest.raises(vk.ArgumentError, match="shared"):
        vk.warp(IMAGE, field, out=field[..., 0])
    points = np.zeros((3, 5))
    points[:] = POINTS
    expected = ndimage.map_coordinates(IMAGE, POINTS)
    ndimage.map_coordinates(IMAGE, points, output=points[0])
    np.testing.assert_allclose(points[0], expected, rtol=1e-6)
