# SPDX-License-Identifier: Apache-2.0
"""Time a case and its peers, and find the memory they need."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.cases.case import Call, Case, Slope, as_array, timed
from voxkern import _core

from . import disturbed
from .disturbed import ROUNDS, ROUNDS_END

TURN = 0.01  # seconds a turn lasts: short calls are made many times
LARGE = 1 << 20  # bytes of a result whose memory is recycled

Clock = Callable[[], float]  # takes one turn and returns the shortest seconds of a call


def return_free_memory() -> None:
    """Give back memory that Python, the C library and we keep for reuse: it hides a call's own."""
    gc.collect()
    vk.release_memory()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc
    if trim is not None:
        trim(0)


def shortest(call: Call, turn: float) -> float:
    """Return the seconds of the shortest of the calls of one turn."""
    end = time.perf_counter() + turn
    best = timed(call)
    while time.perf_counter() < end:
        best = min(best, timed(call))
    return best


def first(call: Call) -> float:
    """Return the seconds of a call whose memory must come from the system."""
    return_free_memory()
    return timed(call)


def in_turns(clocks: dict[str, Clock], most: int) -> tuple[dict[str, float], int]:
    """Return each clock's shortest time and the number of rounds: a slow moment of the machine hits all."""
    best = dict.fromkeys(clocks, float("inf"))
    begin, rounds = time.perf_counter(), 0
    while rounds < most and (rounds == 0 or time.perf_counter() - begin < ROUNDS_END):
        for who, clock in clocks.items():
            best[who] = min(best[who], clock())
        rounds += 1
    return best, rounds


def seconds_of(
    calls: dict[str, Call | Slope], fresh: Call | None, quick: bool = False
) -> tuple[dict[str, float], int]:
    """Return the shortest seconds of each call, or of a step of it; ``first`` is that of ``fresh``.

    Unless ``quick``, times of a disturbed machine are an error.
    """
    clocks: dict[str, Clock] = {"first": partial(first, fresh)} if fresh else {}
    for who, call in calls.items():
        if isinstance(call, Slope):
            clocks |= {f"{who}, few": partial(timed, call.few), f"{who}, many": partial(timed, call.many)}
        else:
            clocks[who] = partial(shortest, call, 0 if quick else TURN)
    best, rounds = in_turns(clocks, 1 if quick else ROUNDS)
    if not quick:
        disturbed.check(best, rounds)
    for who, call in calls.items():
        if isinstance(call, Slope):
            best[who] = (best[f"{who}, many"] - best[f"{who}, few"]) / call.steps
    return best, rounds


def process_status(key: str) -> int:
    match = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


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


@cache
def copy_speed(threads: int) -> float:
    """Return bytes per second read and written by so many threads that copy between arrays in use."""
    x = np.ones((threads, (1 << 24) // threads))
    out = np.ones_like(x)

    def copy() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(np.copyto, out, x))

    return 2 * x.nbytes / min(timed(copy) for _ in range(5))


def product_speed(threads: int) -> float:
    """Return fused multiply-adds per second of so many threads in registers: now, as the clock drifts."""
    count = 1 << 22

    def loop() -> int:
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(_core.fma_loop, [count] * threads))

    return max(loop() / timed(loop) for _ in range(5))


def measure(name: str, family: str, case: Case, threads: int, quick: bool = False) -> list[dict[str, Any]]:
    """Check every answer, time the calls in turn, then measure memory: one row per installed peer.

    ``quick``: every call is timed once.
    """
    installed = [peer for peer in case.peers if importlib.util.find_spec(peer.split()[0])]
    if not installed:
        return []
    single = [peer for peer in installed if peer.split()[0] in case.one_thread]
    ours = partial(case.ours, threads)
    want = case.want()  # first: it may set a peer's number of threads
    peers = {peer: case.peers[peer](threads) for peer in installed}
    kept = ours()
    errors: dict[str, float | None] = {"voxkern": case.checked(kept, want)}
    large = not case.slopes and bytes_of(kept) >= LARGE
    del kept  # its memory is recycled from here on
    for peer, call in peers.items():
        got = case.result(call())
        errors[peer] = case.error(got, want) if got.shape == np.shape(want) else None
    calls: dict[str, Call | Slope] = {"voxkern": ours, **peers}
    if single and threads > 1:
        calls["one thread"] = partial(case.ours, 1)
    calls |= {who: slope(threads) for who, slope in case.slopes.items() if who in calls}
    best, rounds = seconds_of(calls, ours if large else None, quick)
    extra = {
        who: extra_memory(call, 2 if best[who] < 1 and not quick else 1)
        for who, call in {"voxkern": ours, **peers}.items()
        if who == "voxkern" or not case.slopes  # a peer's call of minutes is not made again for its memory
    }
    row = {
        "family": family,
        "case": name,
        "size": case.size,
        "threads": threads,
        "rounds": rounds,
        "seconds": best["voxkern"],
        "first_seconds": best.get("first"),
        "error": errors["voxkern"],
        "moved_bytes": case.moved or None,
        "limit_bytes_per_second": copy_speed(threads) if case.moved else None,
        "products": case.products or None,
        "limit_products_per_second": product_speed(threads) if case.products else None,
        "extra_bytes": extra["voxkern"],
    }
    return [
        row
        | {
            "peer": peer,
            "peer_threads": 1 if peer in single else threads,
            "peer_seconds": best[peer],
            "one_thread_seconds": best.get("one thread", best["voxkern"]) if peer in single else None,
            "peer_error": errors[peer],
            "peer_extra_bytes": extra.get(peer),
        }
        for peer in installed
    ]
