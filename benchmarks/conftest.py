# SPDX-License-Identifier: Apache-2.0
"""Sizes and helpers of the benchmarks. Every benchmark checks its answer before it times."""

import numpy as np
import pytest

import voxkern as vk


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["voxkern"] = vk.show_config()


@pytest.fixture(params=[64, (181, 217, 181), 256], ids=["64", "181x217x181", "256"])
def shape(request):
    return (request.param,) * 3 if isinstance(request.param, int) else request.param


@pytest.fixture(params=["float32", "int16"])
def volume(request, shape):
    rng = np.random.default_rng(0)
    if request.param == "int16":
        return rng.integers(0, 2000, shape).astype(np.int16)
    return rng.random(shape, dtype=np.float32)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    return request.param


@pytest.fixture
def timed(benchmark, volume):
    """Return a function that checks ``call()`` against ``want`` on a part, then times it."""

    def run(call, got, want, tolerance):
        extent = float(want.max()) - float(want.min())
        error = float(np.max(np.abs(got.astype(np.float64) - want))) / extent
        assert error <= tolerance, error
        benchmark.extra_info["error"] = error
        benchmark.extra_info["voxels"] = volume.size
        benchmark(call)

    return run
