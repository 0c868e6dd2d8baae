# SPDX-License-Identifier: Apache-2.0
"""Threads, forks, signals: what docs/design/0002 promises. Processes of their own where state matters."""

import ctypes
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("openmp", "ours", "call", "want"),
    [
        ("3", "", "", 3),
        ("3", "4", "", 4),
        ("3", "4", "vk.set_num_threads(5)", 5),
        ("", "4", "vk.set_num_threads(5); vk.set_num_threads(None)", 4),
    ],
)
def test_number_of_threads_comes_from(openmp, ours, call, want):
    code = f"import voxkern as vk; {call or 'pass'}; print(vk.get_num_threads())"
    assert run(code, OMP_NUM_THREADS=openmp, VOXKERN_NUM_THREADS=ours) == str(want)


def test_number_of_threads_is_that_of_the_cpus():
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    code = "import voxkern as vk; print(vk.get_num_threads())"
    assert 1 <= int(run(code, OMP_NUM_THREADS="", VOXKERN_NUM_THREADS="")) <= cpus


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity masks are Linux's")
def test_affinity_is_respected():
    code = """
        import os; os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
        import voxkern as vk; print(vk.get_num_threads())
    """
    assert run(code, OMP_NUM_THREADS="", VOXKERN_NUM_THREADS="") == "1"


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


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("pool", ["multiprocessing", "concurrent.futures"])
def test_a_worker_process_has_one_thread(method, pool, tmp_path):
    """The main module asks early: a spawned process imports it before it is a worker."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing as mp, concurrent.futures, voxkern as vk
        early = vk.get_num_threads()
        def work(asked):
            before = vk.get_num_threads()
            vk.set_num_threads(asked)
            return before, vk.get_num_threads()
        if __name__ == "__main__":
            context = mp.get_context("{method}")
            if "{pool}" == "multiprocessing":
                with context.Pool(1) as workers:
                    print(workers.apply(work, (3,)))
            else:
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as workers:
                    print(workers.submit(work, 3).result())
            assert vk.get_num_threads() == 5, "the parent"
        """)
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "5", "VOXKERN_NUM_THREADS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "(1, 3)", done.stderr


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


def test_the_gil_is_left_alone_off_the_main_thread(rng):
    """The main thread keeps the GIL from the moment that another one computes until its result is there."""
    x = rng.random((160, 160, 160))
    out = np.zeros((300, 300, 300))
    options = {"shape": out.shape, "order": 5, "out": out, "threads": 1}
    worker = threading.Thread(target=vk.resample, args=(x,), kwargs=options)
    sleep_with_gil = ctypes.PyDLL(None).usleep
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        worker.start()
        time.sleep(0.01)  # comes back when the other thread gives the GIL away: in the kernel
        naps = 0
        while out[-1, -1, -1] == 0 and naps < 3000:
            sleep_with_gil(10_000)
            naps += 1
    finally:
        sys.setswitchinterval(interval)
    worker.join()
    assert naps < 3000, "the call waited for the GIL"


DAEMON = """
    import sys, threading, time, numpy as np, voxkern as vk
    x = np.random.default_rng(0).random((40, 40, 40), dtype=np.float32)
    big = np.broadcast_to(x[None], (2_000_000, 40, 40, 40))
    def short():
        while True:
            vk.ndimage.gaussian_filter1d(x[0], 1.0, threads=1)
    def resample():
        vk.resample(big, shape=(8, 8, 8), axes=(1, 2, 3), order=5, threads=2)
    def n4():
        vk.n4_bias_field_correction(x + 1, maximum_number_of_iterations=1000000, convergence_threshold=0)
    def callback():
        vk.n4_bias_field_correction(x[:12, :12, :12] + 1, maximum_number_of_iterations=1000000,
                                    convergence_threshold=0, callback=lambda *step: None, threads=1)
    class Slow:  # deleted late: the end of the interpreter takes long enough to meet every thread
        def __del__(self, sleep=time.sleep):
            sleep(0.3)
    slow = Slow()
    for _ in range(3):
        threading.Thread(target={call}, daemon=True).start()
    time.sleep(0.3)
"""


@pytest.mark.parametrize("call", ["short", "resample", "n4", "callback"])
def test_the_process_may_end_while_daemon_threads_compute(call):
    for _ in range(3):
        assert run(DAEMON.replace("{call}", call)) == ""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
def test_signals_are_for_the_threads_of_python():
    out = run(
        """
        import signal, pathlib, numpy as np, voxkern as vk
        vk.resample(np.ones((64, 64, 64)), shape=80, threads=3)
        for task in pathlib.Path("/proc/self/task").iterdir():
            lines = dict(line.split(":") for line in (task / "status").read_text().splitlines())
            print(int(lines["SigBlk"], 16) >> (signal.SIGINT - 1) & 1)
    """,
        OPENBLAS_NUM_THREADS="1",
    )
    assert sorted(out.split()) == ["0", "1", "1"]


LONG_CALLS = {  # of many minutes
    "resample-4d": "vk.resample(many, shape=(8, 8, 8), axes=(1, 2, 3), order=5, threads={threads})",
    "resample-lines": "vk.resample(tall[:, :4_000_000], shape=5_000_000, axes=1, "
    "out=endless((200_000, 5_000_000)), threads={threads})",
    "antialias-1d": "vk.resample(line, shape=100, antialias=True, threads={threads})",
    "resample-2d": "vk.resample(flat, shape=wide, order=5, out=endless(wide), threads={threads})",
    "gaussian-4d": "gaussian(many, 3, axis=3, output=endless(many.shape), threads={threads})",
    "gaussian-2d": "gaussian(tall, 3, axis=1, output=endless(tall.shape), threads={threads})",
    "gaussian-1d": "gaussian(line, 2000, threads={threads})",
    "n4": "vk.n4_bias_field_correction(x + 1, maximum_number_of_iterations=1000000, "
    "convergence_threshold=0, threads={threads})",
}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", LONG_CALLS.values(), ids=LONG_CALLS)
def test_ctrl_c_stops_a_long_call(threads, call):
    """Each call would take many minutes; the wait for its end is over long before, and the pool lives on."""
    code = textwrap.dedent(f"""
        import numpy as np, signal, voxkern as vk
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
        gaussian = vk.ndimage.gaussian_filter1d
        x = np.random.default_rng(0).random((64, 128, 128))
        many = np.broadcast_to(x[None], (200_000, 64, 128, 128))
        flat, line = x.reshape(1024, -1), np.resize(x, 20_000_000)
        tall = np.broadcast_to(line, (200_000, line.size))
        wide = (1_000_000, 60_000)
        def endless(shape):  # each row lies over most of the one before: no memory could hold them all
            row = np.empty(shape[1:])
            memory = np.empty(row.size + shape[0])
            return np.lib.stride_tricks.as_strided(memory, shape, (memory.itemsize, *row.strides))
        print("ready", flush=True)
        try:
            {call.format(threads=threads)}
        except KeyboardInterrupt:
            print("stopped", flush=True)
        vk.resample(x, shape=32, threads={threads})
        print("alive")
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().strip() == "ready"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            # A quarter of a second is promised where a processor is idle; busy ones take several times that.
            assert select.select([process.stdout], [], [], 2)[0], "still computing"
            assert process.communicate(timeout=60)[0].split() == ["stopped", "alive"]
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_thread_that_forks_answers_signals_in_the_child():
    out = run("""
        import os, signal, threading, numpy as np, voxkern as vk
        x = 1 + np.random.default_rng(0).random((32, 32, 32), dtype=np.float32)
        endless = dict(maximum_number_of_iterations=1000000, convergence_threshold=0)
        class Stopped(Exception): pass
        def stop(*_): raise Stopped
        signal.signal(signal.SIGALRM, stop)
        def fork():
            pid = os.fork()
            if pid == 0:
                signal.alarm(1)
                try:
                    vk.n4_bias_field_correction(x, **endless)
                except Stopped:
                    os._exit(7)
                os._exit(1)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        thread = threading.Thread(target=fork); thread.start(); thread.join()
    """)
    assert out == "7"


def test_an_exception_in_one_call_leaves_the_pool_usable(rng):
    with pytest.raises(vk.ArgumentError, match="one value everywhere"):
        vk.n4_bias_field_correction(np.ones((40, 40, 40)), threads=3)
    assert vk.resample(rng.random((40, 40, 40)), shape=50, threads=3).shape == (50, 50, 50)
