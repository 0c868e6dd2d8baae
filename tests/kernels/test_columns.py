# SPDX-License-Identifier: Apache-2.0
"""To the bit: the tail of a row rounds as its vectors do, and every level divides as one does."""

import numpy as np
import pytest
from cases import SIZES

import voxkern as vk
from voxkern import _core

TURN = np.array([[0.9, 0.2, 0], [-0.3, 1.1, 0], [0, 0, 1]])
KERNELS = {
    "correlate1d": lambda x: vk.ndimage.gaussian_filter(x, (1.3, 0.7, 0)),
    "uniform": lambda x: vk.ndimage.uniform_filter(x, (3, 5, 1)),
    "spline_filter": lambda x: vk.ndimage.spline_filter1d(x, 3, axis=0, output=x.dtype),
    "resample, linear": lambda x: vk.resample(x, shape=(9, 11, x.shape[2]), order=1),
    "resample, cubic": lambda x: vk.resample(x, shape=(9, 11, x.shape[2]), order=3),
    "resample, lanczos": lambda x: vk.resample(x, shape=(9, 11, x.shape[2]), order="lanczos"),
    "resample, antialias": lambda x: vk.resample(x, shape=(4, 5, x.shape[2]), order=1, antialias=True),
    "resample, columns last": lambda x: vk.resample(x, shape=(9, 11), axes=(0, 1), order=1),
    "warp, linear": lambda x: vk.resample(x, matrix=TURN, order=1, mode="nearest"),
    "warp, cubic": lambda x: vk.ndimage.affine_transform(x, TURN, order=3, mode="mirror", prefilter=False),
    "warp, field": lambda x: vk.warp(x, np.full((*x.shape, 3), (0.3, 0.7, 0.0), np.float32), order=1),
    "zscore": vk.zscore,
    "window": lambda x: vk.window(x, 0.3, 0.7),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_columns_stay_equal(rng, cpu_level, name, dtype):
    for width in (*SIZES[2:], 37, 131):
        x = np.repeat(rng.random((7, 8, 1)).astype(dtype), width, axis=2)
        got = KERNELS[name](x)
        np.testing.assert_array_equal(got, np.repeat(got[..., :1], width, axis=2), err_msg=f"{width}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cubic_weights_are_divided_by_six(rng, cpu_level, dtype):
    """A product and its remainder stand for the division where the level has fused multiply-add."""
    t = np.dtype(dtype).type
    at = np.concatenate(
        [rng.uniform(3, 4, 10_000), 4 - 2.0 ** -np.arange(1, 24), 3 + 2.0 ** -np.arange(1, 24)]
    )
    y = (at - 3).astype(dtype)
    z = t(1) - y
    outer = z * z * z / t(6)
    inner = (y * y * (y - t(2)) * t(3) + t(4)) / t(6)
    options = _core.WarpOptions(kernel=3, mode=_core.Boundary.mirror, prefilter=False)
    for sample, weight in ((2, outer), (3, inner)):
        x = np.zeros(8, dtype)
        x[sample] = 1
        out = np.empty(at.size, dtype)
        _core.warp(x, out, _core.CoordinateMap(axes=1, field=at[None]), options, 1)
        np.testing.assert_array_equal(out, weight)
