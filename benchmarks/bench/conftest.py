# SPDX-License-Identifier: Apache-2.0
"""Sizes and helpers of the benchmarks. Every benchmark checks its answer before it times."""

import numpy as np
import pytest

import voxkern as vk
from benchmarks.phantoms import noise


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["voxkern"] = vk.show_config()


@pytest.fixture(params=[64, (181, 217, 181), 256], ids=["64", "181x217x181", "256"])
def shape(request):
    return (request.param,) * 3 if isinstance(request.param, int) else request.param


@pytest.fixture(params=["float32", "int16"])
def volume(request, shape):
    return noise(shape, request.param)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    return request.param


@pytest.fixture
def timed(benchmark, volume):
    """Return a function that checks ``call()`` against ``want`` on a part, then times it.

    The tolerance is relative to the largest value; integers may be rounded on top.
    """

    def run(call, got, want, tolerance):
        largest = np.max(np.abs(want))
        error = float(np.max(np.abs(got.astype(np.float64) - want)) / largest)
        rounding = 0.51 / largest if got.dtype.kind in "iu" else 0.0
        assert error <= tolerance + rounding, error
        benchmark.extra_info["error"] = error
        benchmark.extra_info["voxels"] = volume.size
        benchmark(call)

    return run
