# SPDX-License-Identifier: Apache-2.0
"""Memory of results is kept for the next call: when, how much, and what nobody may notice of it."""

import gc
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk
from voxkern._runtime.memory import LARGE, empty

MIB = 1 << 20


@pytest.fixture
def limit():
    """Nothing is kept at the start, 64 MiB may be."""
    before = vk.show_config()["cache_limit"]
    gc.collect()
    vk.release_memory()
    vk.set_cache_limit(64 * MIB)
    yield 64 * MIB
    vk.set_cache_limit(before)


def cached():
    return vk.show_config()["cached_bytes"]


def address(array):
    return array.__array_interface__["data"][0]


def shifted(x):
    return vk.ndimage.shift(x, 0.5, order=1)


def test_a_freed_result_is_the_next_one(limit):
    x = np.zeros((64, 128, 128), np.float32)
    first = shifted(x)
    place = address(first)
    del first
    assert cached() >= x.nbytes
    second = shifted(x)
    assert address(second) == place
    assert cached() < x.nbytes


def test_views_keep_a_result_alive(limit):
    x = np.random.default_rng(0).random((64, 128, 128), np.float32)
    first = shifted(x)
    place, row = address(first), first[3, 4]
    want = row.copy()
    del first
    second = shifted(np.zeros_like(x))
    assert address(second) != place
    np.testing.assert_array_equal(row, want)


def test_small_results_are_numpys(limit):
    x = np.zeros((LARGE // 4 - 1,), np.float32)
    result = shifted(x)
    assert result.flags.owndata
    del result
    assert shifted(np.zeros(LARGE // 4, np.float32)).base is not None


def test_results_are_plain_arrays(limit):
    x = np.ones((70, 128, 128), np.int16, order="F")
    result = vk.resample(x, shape=(70, 64, 128))
    assert type(result) is np.ndarray and result.flags.writeable and result.flags.aligned
    assert result.strides == np.empty_like(x, shape=(70, 64, 128)).strides
    result += 1
    assert result.copy().flags.owndata


@pytest.mark.parametrize("dtype", [np.bool_, np.float16, np.int64, np.complex128])
def test_any_dtype(limit, dtype):
    array = empty((3, MIB), dtype)
    assert array.dtype == dtype and array.shape == (3, MIB) and array.flags.c_contiguous
    array[...] = 1
    assert array.all()


def test_release_and_limit(limit):
    x = np.zeros((64, 128, 128), np.float32)
    shifted(x)
    assert 0 < cached() <= limit
    vk.release_memory()
    assert cached() == 0
    vk.set_cache_limit(x.nbytes // 2)
    shifted(x)
    assert cached() <= x.nbytes // 2


@pytest.mark.parametrize("wrong", [-1, 1 << 63])
def test_limit_out_of_range(wrong):
    with pytest.raises(vk.ArgumentError, match="limit"):
        vk.set_cache_limit(wrong)


@pytest.mark.parametrize("wrong", [1.5, "1G", None, True])
def test_limit_of_another_type(wrong):
    with pytest.raises(vk.ArgumentTypeError, match="limit"):
        vk.set_cache_limit(wrong)


def test_many_threads_get_memory_of_their_own(limit):
    def work(k):
        x = np.full((16, 128, 128), k, np.float32)
        return all((shifted(x)[1:, 1:, 1:] == k).all() for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))
    assert cached() <= limit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_its_own():
    code = """
        import os, numpy as np, voxkern as vk
        vk.set_cache_limit(100 << 20)
        x = np.ones((64, 128, 128), np.float32)
        kept = vk.ndimage.shift(x, 0.5, order=1)
        vk.ndimage.shift(x, 0.5, order=1)
        child = os.fork()
        if child == 0:
            config = vk.show_config()
            ok = config["cached_bytes"] == 0 and config["cache_limit"] == 100 << 20
            before = kept.sum()
            del kept
            again = vk.ndimage.shift(x, 0.5, order=1)
            os._exit(0 if ok and again.sum() == before else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "0"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_a_forked_child_does_not_hold_what_its_parent_keeps():
    """The parent goes on writing to that memory: each page of it would then be there twice."""
    code = """
        import os, pathlib, numpy as np, voxkern as vk
        def mapped():
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
            return pages * os.sysconf("SC_PAGE_SIZE")
        vk.set_cache_limit(1 << 30)
        x = np.ones((128, 512, 512), np.float32)
        vk.ndimage.shift(x, 0.5, order=1)
        kept, before = vk.show_config()["cached_bytes"], mapped()
        child = os.fork()
        if child == 0:
            os._exit(0 if mapped() < before - x.nbytes // 2 else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(kept >= x.nbytes, vk.show_config()["cached_bytes"] == kept)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["0", "True", "True"]
