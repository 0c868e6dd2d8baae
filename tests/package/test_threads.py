# SPDX-License-Identifier: Apache-2.0
"""Threads, forks, signals: what docs/design/0002 promises. Processes of their own where state matters."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import voxkern as vk


def run(code, timeout=120, **env):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_number_of_threads_comes_from():
    code = "import voxkern as vk; print(vk.get_num_threads())"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert int(run(code, VOXKERN_NUM_THREADS="")) <= cpus
    assert run(code, VOXKERN_NUM_THREADS="3") == "3"
    assert (
        run(
            "import voxkern as vk; vk.set_num_threads(5); print(vk.get_num_threads())",
            VOXKERN_NUM_THREADS="3",
        )
        == "5"
    )


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity masks are Linux's")
def test_affinity_is_respected():
    code = """
        import os; os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
        import voxkern as vk; print(vk.get_num_threads())
    """
    assert run(code, VOXKERN_NUM_THREADS="") == "1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_four_forked_workers_after_use():
    out = run("""
        import hashlib, multiprocessing as mp, numpy as np, voxkern as vk
        x = np.random.default_rng(0).random((60, 70, 80), dtype=np.float32)
        def work(i):
            before = vk.get_num_threads()
            y = vk.resample(x, shape=(90, 80, 70), threads=2)
            z = vk.ndimage.gaussian_filter(y, 1)
            return before, hashlib.sha256(z.tobytes()).hexdigest()
        want = work(0)[1]                     # the pool is running now
        with mp.get_context("fork").Pool(4) as pool:
            results = pool.map(work, range(12))
        assert all(h == want for _, h in results)
        assert {n for n, _ in results} == {1}  # one thread each unless told otherwise
        print("same")
    """)
    assert out == "same"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_while_another_thread_computes():
    out = run("""
        import os, threading, numpy as np, voxkern as vk
        x = np.random.default_rng(0).random((80, 80, 80), dtype=np.float32)
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                vk.resample(x, shape=100, threads=3)
        t = threading.Thread(target=busy); t.start()
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                vk.set_num_threads(2)
                vk.resample(x, shape=60)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set(); t.join(); print("done")
    """)
    assert out == "done"


def test_daemonic_worker_has_one_thread():
    out = run("""
        import multiprocessing as mp
        def work(q):
            import voxkern as vk
            q.put(vk.get_num_threads())
        if __name__ == "__main__":
            import voxkern
            ctx = mp.get_context("fork"); q = ctx.Queue()
            p = ctx.Process(target=work, args=(q,), daemon=True); p.start()
            print(q.get(timeout=60)); p.join()
    """)
    assert out == "1"


def test_eight_python_threads_at_once(rng):
    x = rng.random((50, 60, 70), dtype=np.float32)
    want = [vk.resample(x, shape=(40 + i, 60, 50), order=i % 6) for i in range(8)]

    def work(i):
        results = [vk.resample(x, shape=(40 + i, 60, 50), order=i % 6, threads=1 + i % 4) for _ in range(5)]
        return all(np.array_equal(r, want[i]) for r in results)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_the_gil_is_free_while_computing(rng):
    x = rng.random((200, 200, 200))
    ticks = []

    def work():
        return vk.resample(x, shape=300, order=5, threads=1)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        while not future.done():
            ticks.append(time.perf_counter())
            time.sleep(0.005)
    # A held GIL would leave one tick; the longest pause is the switch interval and the scheduler.
    assert len(ticks) > 5


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        "vk.resample(big, shape=(8, 8, 8), axes=(1, 2, 3), order=5, threads={threads})",
        "vk.n4_bias_field_correction(x + 1, maximum_number_of_iterations=1000000, convergence_threshold=0, "
        "threads={threads})",
    ],
    ids=["resample", "n4"],
)
def test_ctrl_c_stops_a_long_call(threads, call):
    """Each call would take many minutes; the wait for its end is over long before, and the pool lives on."""
    code = textwrap.dedent(f"""
        import numpy as np, signal, voxkern as vk
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
        x = np.random.default_rng(0).random((64, 128, 128))
        big = np.broadcast_to(x[None], (200_000, 64, 128, 128))
        print("ready", flush=True)
        try:
            {call.format(threads=threads)}
        except KeyboardInterrupt:
            print("stopped")
        vk.resample(x, shape=32, threads={threads})
        print("alive")
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().strip() == "ready"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0].split() == ["stopped", "alive"]
        finally:
            process.kill()
    assert process.returncode == 0


def test_an_exception_in_one_call_leaves_the_pool_usable(rng):
    with pytest.raises(vk.ArgumentError, match="one value everywhere"):
        vk.n4_bias_field_correction(np.ones((40, 40, 40)), threads=3)
    assert vk.resample(rng.random((40, 40, 40)), shape=50, threads=3).shape == (50, 50, 50)
