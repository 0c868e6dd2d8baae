# SPDX-License-Identifier: Apache-2.0
"""copy: every voxel onto itself in another dtype or memory order, through ``resample`` onto the same grid."""

import numpy as np
import pytest

import voxkern as vk


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.benchmark(group="copy")
def test_copy(timed, volume, threads, dtype, order):
    stored = np.asarray(volume, order=order)
    out = np.empty(volume.shape, dtype)

    def run(x, into):
        return vk.resample(x, shape=x.shape, order=0, out=into, threads=threads)

    part = np.asarray(stored[:40, :40, :40], order=order)
    want = part.astype(np.float64)
    if dtype == "uint8":
        want = np.clip(np.floor(want + 0.5), 0, 255)
    timed(lambda: run(stored, out), run(part, np.empty(part.shape, dtype)), want, 0.0)
