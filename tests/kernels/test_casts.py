# SPDX-License-Identifier: Apache-2.0
"""What kernels make of NaN and of values that an integer cannot hold: what scipy makes of them on x86."""

import platform

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import INTEGERS

import voxkern as vk

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="scipy's result is the processor's"
)
BEYOND = [
    np.nan,
    300.7,
    -300.7,
    7e4,
    -7e4,
    2.0**31 + 5,
    -(2.0**31) - 5,
    2.0**40 + 9,
    1e30,
    -1e30,
    np.inf,
    -np.inf,
]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("correlate1d", {"weights": [1.0]}),
        ("zoom", {"zoom": (1, 1.5), "order": 0, "mode": "nearest"}),
        ("zoom", {"zoom": (1, 1.5), "order": 1, "mode": "nearest"}),
        ("shift", {"shift": (0, 0.3), "order": 1, "mode": "nearest"}),
        ("affine_transform", {"matrix": [[0.9, 0.1], [0.0, 0.8]], "order": 1, "mode": "nearest"}),
        ("affine_transform", {"matrix": [[0.9, 0.1], [0.0, 0.8]], "order": 3, "mode": "mirror"}),
    ],
)
def test_integers_are_scipys(cpu_level, dtype, name, arguments):
    for value in BEYOND:
        wide = np.dtype(dtype).itemsize == 8
        if name != "correlate1d" and (np.isinf(value) or (wide and abs(value) > 1e18)):
            continue  # infinity times a weight of 0; and limits of 64 bits, where scipy's cast is undefined
        x = np.full((3, 41), value)
        got = getattr(vk.ndimage, name)(x, output=dtype, **arguments)
        want = getattr(scipy_ndimage, name)(x, output=dtype, **arguments)
        np.testing.assert_array_equal(got, want, err_msg=f"{value}")
