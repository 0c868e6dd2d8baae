# SPDX-License-Identifier: Apache-2.0
"""Compare voxkern with the tools it replaces: one process, calls interleaved, answers checked first.

    python -m benchmarks.peers                       print the table
    python -m benchmarks.peers --only gaussian       some cases; --quick takes small images
    python -m benchmarks.peers --write --slow        measure all, write docs/performance.* and README's table
    python -m benchmarks.peers --render              write those pages again from docs/performance.json

Both sides get the same number of threads; the table names the peers that use one only. A peer's input is
converted before the clock starts. Peers that are not installed are left out.
"""

import argparse
import ctypes
import gc
import importlib.util
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import voxkern as vk

from . import table
from .case import Call, Case, as_array, builders, timed

PACKAGES = (
    "numpy",
    "scipy",
    "SimpleITK",
    "torch",
    "scikit-image",
    "imops",
    "batchgenerators",
    "nibabel",
    "pydicom",
)


def process_status(key: str) -> int:
    match = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def return_free_memory() -> None:
    """Give back memory that Python, the C library and our workspace keep for reuse: it hides a call's own."""
    gc.collect()
    vk.release_memory()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc
    if trim is not None:
        trim(0)


def bytes_of(result: Any) -> int:
    """Return the bytes of the arrays or images a call returned."""
    parts = result if isinstance(result, tuple) else (result,)
    return sum(as_array(part).nbytes for part in parts if part is not None and not callable(part))


def extra_memory(call: Call, repeats: int) -> int | None:
    """Return the bytes a call needs at its peak beyond what it returns (Linux only)."""
    clear = Path("/proc/self/clear_refs")
    if not clear.exists():
        return None
    extra = 0
    for _ in range(repeats):  # the system may take back idle pages meanwhile: the larger one is right
        return_free_memory()
        clear.write_text("5")  # the peak starts at what is in use now
        before = process_status("VmRSS")
        kept = call()
        peak = process_status("VmHWM")
        extra = max(extra, peak - before - bytes_of(kept))
    return extra


def copy_speed(threads: int) -> float:
    """Return bytes per second read and written by so many threads that copy into a fresh array."""
    x = np.ones((threads, (1 << 24) // threads))

    def copy() -> None:
        fresh = np.empty_like(x)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(np.copyto, fresh, x))

    return 2 * x.nbytes / min(timed(copy) for _ in range(5))


def measure(name: str, family: str, case: Case, threads: int) -> list[dict[str, Any]]:
    """Check every answer, time the calls in turn, then measure memory: one row per peer."""
    installed = [peer for peer in case.peers if importlib.util.find_spec(peer.split()[0])]
    calls = {"voxkern": case.ours} | {peer: case.peers[peer]() for peer in installed}
    want = case.want()
    errors = {}
    for who, call in calls.items():
        got = case.result(call())
        errors[who] = case.error(got, want) if got.shape == np.shape(want) else None
    wrong = errors["voxkern"]
    if wrong is None or not wrong <= case.tolerance:
        raise SystemExit(f"{name}: error {wrong}, allowed {case.tolerance:g}")
    times: dict[str, list[float]] = {who: [] for who in calls}
    for _ in range(case.rounds):  # interleaved: a slow moment of the machine hits all
        for who, call in calls.items():
            clock = case.seconds.get(who)
            times[who].append(clock() if clock else timed(call))
    best = {who: min(values) for who, values in times.items()}
    extra = {
        who: extra_memory(call, 2 if best[who] < 1 else 1)
        for who, call in calls.items()
        if who == "voxkern" or not case.seconds  # a peer's call of minutes is not made again for its memory
    }
    ours = {
        "family": family,
        "case": name,
        "size": case.size,
        "threads": threads,
        "seconds": best["voxkern"],
        "error": wrong,
        "moved_bytes": case.moved or None,
        "limit_bytes_per_second": copy_speed(threads) if case.moved else None,
        "extra_bytes": extra["voxkern"],
    }
    return [
        ours
        | {
            "peer": peer,
            "peer_threads": 1 if peer.split()[0] in case.one_thread else threads,
            "peer_seconds": best[peer],
            "peer_error": errors[peer],
            "peer_extra_bytes": extra.get(peer),
        }
        for peer in installed
    ]


def machine(threads: int) -> dict[str, Any]:
    """Return what the numbers depend on."""
    model = (
        re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if Path("/proc/cpuinfo").exists()
        else None
    )
    installed = {
        name: version(name)
        for name in PACKAGES
        if importlib.util.find_spec(name.replace("scikit-image", "skimage"))
    }
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "threads": threads,
        "cpu_level": vk.show_config()["cpu_level"],
        "packages": installed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of a case's name, or a family and a colon")
    parser.add_argument("--threads", type=int, default=vk.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="small images: a smoke test of under a minute")
    parser.add_argument("--slow", action="store_true", help="also what takes a peer minutes")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--write", action="store_true", help="write docs/performance.* and README's table")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing: write the pages from the JSON again"
    )
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write: got --quick, allowed full sizes only")
    if not options.render:
        vk.set_num_threads(options.threads)  # what has no threads argument, such as load, obeys too
        results = {"machine": machine(options.threads), "rows": []}
        for name, (family, build) in builders(options.quick, options.slow, options.only).items():
            fresh = measure(name, family, build(options.threads), options.threads)
            lines = table.markdown(fresh, table.FULL).splitlines()
            print("\n".join(lines[2:] if results["rows"] else lines), flush=True)
            results["rows"] += fresh
        if options.json:
            table.save(results, options.json)
        if options.write:
            table.save(table.merged(results) if options.only else results, table.RESULTS)
    if options.write or options.render:
        table.write_pages()
