# SPDX-License-Identifier: Apache-2.0
"""rescale: stored pixels to values, against NumPy's two passes."""

import numpy as np
import pytest

from voxkern import _core
from voxkern.reference.rescale import rescale as reference

JOBS = {
    "int16 to int16, intercept": ("int16", "int16", 1.0, -1024.0, False, 0),
    "int16 to float32": ("int16", "float32", 0.37, 1.5, False, 0),
    "12 bits, big-endian": ("uint16", "int16", 1.0, 0.0, True, 4),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.benchmark(group="rescale")
def test_rescale(benchmark, threads, job):
    stored_dtype, dtype, slope, intercept, swap, high = JOBS[job]
    stored = np.random.default_rng(0).integers(0, 4000, (256, 512, 512)).astype(stored_dtype)
    out = np.empty(stored.shape, dtype)

    def run(x, values):
        options = _core.RescaleOptions(slope=slope, intercept=intercept, swap_bytes=swap, unused_high=high)
        _core.rescale(x, values, options, threads)
        return values

    np.testing.assert_array_equal(
        run(stored[:4], np.empty((4, 512, 512), dtype)),
        reference(stored[:4], dtype, slope, intercept, swap, high),
    )
    benchmark.extra_info["voxels"] = stored.size
    benchmark(lambda: run(stored, out))
