# SPDX-License-Identifier: Apache-2.0
"""Signed distances: scipy's two transforms, units, memory orders, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import FLOAT64, layouts

import voxkern as vk


def test_scipys_transforms(rng):
    mask = rng.random((9, 12, 20)) < 0.6
    for spacing in (None, (2.0, 0.5, 0.7)):
        edt = [scipy.ndimage.distance_transform_edt(m, spacing) for m in (~mask, mask)]
        np.testing.assert_allclose(vk.signed_distance(mask, spacing=spacing), edt[0] - edt[1], rtol=FLOAT64)


def test_a_volume_is_measured_in_millimetres(rng):
    mask = (rng.random((4, 5, 6, 2)) < 0.5).astype(np.uint8)
    volume = vk.Volume(mask, np.diag([2.0, 0.5, 1.5, 1.0]))
    got = vk.signed_distance(volume)
    assert isinstance(got, vk.Volume) and got.dtype == np.float64
    np.testing.assert_array_equal(got.data, vk.signed_distance(mask, spacing=(2.0, 0.5, 1.5, 1.0)))


def test_memory_orders(rng):
    mask = rng.random((7, 8, 9)) < 0.4
    want = vk.signed_distance(mask, threads=1)
    for name, same in layouts(mask):
        np.testing.assert_array_equal(vk.signed_distance(same, threads=3), want, err_msg=name)
    assert vk.signed_distance(np.asfortranarray(mask)).flags.f_contiguous


@pytest.mark.parametrize(
    ("mask", "arguments", "message"),
    [
        ([0, 0], {}, "mask: got one value only"),
        ([1, 1], {}, "mask: got one value only"),
        (1, {}, "mask: got one value only"),
        ([0, 1], {"spacing": 0}, "spacing: got 0, allowed steps above 0"),
        ([0, 1], {"spacing": (1, 2)}, "spacing: got"),
        ([0, 1], {"spacing": np.nan}, "spacing: got nan"),
    ],
)
def test_wrong_arguments(mask, arguments, message):
    with pytest.raises(vk.ArgumentError, match=message):
        vk.signed_distance(mask, **arguments)
