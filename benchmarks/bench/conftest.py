# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the benchmarks. Every benchmark checks its answer before it times."""

from functools import partial

import pytest

import voxkern as vk


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["voxkern"] = vk.show_config()


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    yield request.param
    vk.set_num_threads(None)  # cases of what has no threads argument set the default


@pytest.fixture
def timed(benchmark, threads, request):
    """Return a function that checks the case that ``check`` makes, then times the one of ``build``."""

    def run(check, build):
        case = check()
        benchmark.extra_info["error"] = case.checked(case.ours(threads), case.want())
        if build is not check:
            case = build()
        benchmark.extra_info["size"] = case.size
        benchmark.group = request.node.callspec.id.split("-", 1)[1]  # without the threads
        benchmark(partial(case.ours, threads))

    return run
