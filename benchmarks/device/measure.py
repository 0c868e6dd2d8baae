# SPDX-License-Identifier: Apache-2.0
"""Time a case on the GPU and its peers there: the answer first, then the first call, then calls in turns."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases.case import Call, timed
from benchmarks.peers.measure import Clock, in_turns

from .case import Case, is_installed

ROUNDS = 5  # all calls take turns so often
TURN = 0.05  # seconds a turn lasts at least: the calls between two waits
LARGE = 1 << 30  # bytes of the arrays whose copies are timed

Row = dict[str, Any]


def wait() -> None:
    """Wait for the caller's stream: CuPy's and torch's default streams are the same one."""
    importlib.import_module("cupy").cuda.get_current_stream().synchronize()


def complete(call: Call) -> Any:
    """Return what a call gives, once the device is done with it."""
    result = call()
    wait()
    return result


def per_call(call: Call, count: int) -> float:
    """Return the seconds of one of so many calls that are enqueued one after the other."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    wait()
    return (time.perf_counter() - start) / count


def calls_of_a_turn(call: Call) -> int:
    return max(1, min(1000, int(TURN / max(timed(partial(complete, call)), 1e-6))))


def steady(calls: dict[str, Call], quick: bool) -> dict[str, float]:
    """Return the shortest seconds of each call in steady state."""
    clocks: dict[str, Clock] = {
        who: partial(per_call, call, 1 if quick else calls_of_a_turn(call)) for who, call in calls.items()
    }
    return in_turns(clocks, 1 if quick else ROUNDS)[0]


def speeds(quick: bool) -> Row:
    """Return bytes per second: of a copy on the device, read and written, and of transfers."""
    cupy = importlib.import_module("cupy")
    host = np.ones((1 << 12 if quick else LARGE) // 4, np.float32)
    x = cupy.asarray(host)
    out = cupy.empty(x.shape, x.dtype)
    calls: dict[str, Call] = {
        "copy": lambda: cupy.copyto(out, x),
        "to_device": lambda: cupy.asarray(host),
        "to_host": lambda: x.get(),
    }
    if is_installed("cupyx"):
        pinned = importlib.import_module("cupyx").empty_pinned(host.shape, host.dtype)
        pinned[...] = host
        calls["to_device_pinned"] = lambda: out.set(pinned)
        calls["to_host_pinned"] = lambda: x.get(out=pinned)
    moved = {"copy": 2 * host.nbytes}
    return {who: moved.get(who, host.nbytes) / seconds for who, seconds in steady(calls, quick).items()}


def on_device(case: Case, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arrays where the case wants them: on the device, or pinned."""
    if not case.on_host:
        return tuple(map(importlib.import_module("cupy").asarray, arrays))
    if not is_installed("cupyx"):
        return arrays
    pinned = [importlib.import_module("cupyx").empty_pinned(a.shape, a.dtype) for a in arrays]
    for copy, array in zip(pinned, arrays, strict=True):
        copy[...] = array
    return tuple(pinned)


def first_call(case: Case, prepare: Callable[[], Call], want: Any) -> tuple[Call, float, float]:
    """Return a prepared call, the seconds of its first call and the error of what that gave."""
    call = prepare()
    wait()
    start = time.perf_counter()
    result = complete(call)
    seconds = time.perf_counter() - start
    return call, seconds, case.error_of(result, want)


def check(case: Case) -> float:
    """Return the error of our answer, which is within the tolerance."""
    arrays = case.arrays()
    want = case.wanted(arrays)
    return case.checked(complete(partial(case.ours, *on_device(case, arrays))), want)


def measure(name: str, case: Case, copy_speed: float, quick: bool = False) -> tuple[list[Row], list[str]]:
    """Return a row per peer, one without a peer where there is none, and why others have none."""
    arrays = case.arrays()
    want = case.wanted(arrays)
    given = on_device(case, arrays)
    wait()
    start = time.perf_counter()
    ours = partial(case.ours, *given)
    result = complete(ours)
    first = time.perf_counter() - start
    error = case.checked(result, want)
    del result
    calls, peers, left_out = {"voxkern": ours}, {}, []
    for who, prepare in case.peers.items():
        if not is_installed(who):
            left_out.append(f"{name}: {who} is not installed")
            continue
        try:
            calls[who], *peers[who] = first_call(case, partial(prepare, *given), want)
        except Exception as failure:  # a package without a GPU, or of another version
            left_out.append(f"{name}: {who} failed, {type(failure).__name__}: {failure!s:.200}")
    best = steady(calls, quick)
    row: Row = {
        "case": name,
        "size": case.size,
        "goal": case.goal,
        "seconds": best["voxkern"],
        "first_seconds": first,
        "error": error,
        "moved_bytes": case.moved or None,
        "copy_bytes_per_second": copy_speed,
    }
    return [
        row
        | {
            "peer": who,
            "peer_seconds": best.get(who) if who else None,
            "peer_first_seconds": peers[who][0] if who else None,
            "peer_error": peers[who][1] if who else None,
        }
        for who in (list(peers) or [None])
    ], left_out
