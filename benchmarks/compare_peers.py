# SPDX-License-Identifier: Apache-2.0
"""Compare voxkern with the tools it replaces: same process, same threads, interleaved, answers checked.

Prints a Markdown table and writes ``compare_peers.json``, ``.md`` and ``.png`` to the working folder.
``python benchmarks/compare_peers.py --only gaussian --threads 2``; peers that are not installed are
left out. Errors are relative to the range of a float64 answer: SciPy's, or for n4 the reference's.
"""

import argparse
import importlib.util
import json
import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import compare_n4
import compare_resample
import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from voxkern import _core

REPEATS = 5


@dataclass
class Case:
    """One row per peer. `ours` and `peers` return what `want` is compared with."""

    kernel: str
    size: str
    ours: Callable[[], Any]
    peers: dict[str, Callable[[], Any]]
    want: Callable[[], Any]  # the float64 answer
    bytes: int = 0  # read and written at least once
    tolerance: float = 1e-5
    repeats: int = REPEATS
    timer: Callable[[Callable[[], Any]], float] | None = None  # None: the whole call
    result: Callable[[Any], Any] = np.asarray


def timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def status(key: str) -> int:
    match = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def extra_memory(call: Callable[[], Any]) -> float:
    """Return the MiB a call needs at its peak beyond what it returns (Linux only, else nan)."""
    clear = Path("/proc/self/clear_refs")
    if not clear.exists():
        return float("nan")
    call()  # thread pools and libraries that load on first use
    extra = 0
    for _ in range(2):  # the system may take back idle pages meanwhile: the larger one is right
        _core.release_workspace()
        clear.write_text("5")
        before = status("VmRSS")
        kept = call()
        peak = status("VmHWM")
        parts = [plain(part) for part in (kept if isinstance(kept, tuple) else (kept,))]
        extra = max(extra, peak - before - sum(a.nbytes for a in parts if a.dtype != object))
        del kept, parts
    return extra / 2**20


def error(got: Any, want: Any) -> float:
    want = np.asarray(want, np.float64)
    return float(np.max(np.abs(np.asarray(got, np.float64) - want)) / (want.max() - want.min()))


def ndimage_cases(threads: int) -> list[Case]:
    """Return scipy's own calls: coefficients, zoom with its defaults, shift."""
    x = np.random.default_rng(0).random((256,) * 3, np.float32)
    by = (0.3, 1.2, -2.5)
    jobs: list[tuple[str, int, Callable[[Any, Any], Any]]] = [
        ("spline_filter", 256**3, lambda module, a: module.spline_filter(a, output=a.dtype)),
        ("zoom 1.25 cubic", 320**3, lambda module, a: module.zoom(a, 1.25)),
        ("shift cubic", 256**3, lambda module, a: module.shift(a, by)),
    ]
    return [
        Case(
            f"ndimage {name}",
            "256^3 float32",
            lambda job=job: job(vk.ndimage, x),
            {"scipy": lambda job=job: job(scipy_ndimage, x)},
            lambda job=job: job(scipy_ndimage, x.astype(np.float64)),
            x.nbytes + voxels * x.itemsize,
        )
        for name, voxels, job in jobs
    ]


def filter_cases(threads: int) -> list[Case]:
    rng = np.random.default_rng(0)
    x = rng.random((256,) * 3, np.float32)
    stored = rng.integers(0, 2000, (256,) * 3).astype(np.int16)

    def gaussian(sigma: int) -> Case:
        return Case(
            f"gaussian sigma {sigma}",
            "256^3 float32",
            lambda: vk.ndimage.gaussian_filter(x, sigma, threads=threads),
            {
                "scipy": lambda: scipy_ndimage.gaussian_filter(x, sigma),
                "SimpleITK": lambda: simpleitk_gaussian(x, sigma, threads),
            },
            lambda: scipy_ndimage.gaussian_filter(x.astype(np.float64), sigma),
            2 * x.nbytes,
        )

    def box(array: Any, size: int) -> Case:
        exact = array if array.dtype == np.int16 else array.astype(np.float64)
        return Case(
            f"uniform size {size}",
            f"256^3 {array.dtype}",
            lambda: vk.ndimage.uniform_filter(array, size, threads=threads),
            {"scipy": lambda: scipy_ndimage.uniform_filter(array, size)},
            lambda: scipy_ndimage.uniform_filter(exact, size),
            2 * array.nbytes,
        )

    return [gaussian(1), gaussian(4), box(stored, 5), box(x, 15)]


def simpleitk_image(x: Any, threads: int) -> Any:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return (
        sitk.GetImageViewFromArray(x) if hasattr(sitk, "GetImageViewFromArray") else sitk.GetImageFromArray(x)
    )


def simpleitk_gaussian(x: Any, sigma: float, threads: int) -> Any:
    import SimpleITK as sitk

    return sitk.SmoothingRecursiveGaussian(simpleitk_image(x, threads), sigma)


def plain(result: Any) -> Any:
    """Return any peer's image as an array."""
    if type(result).__module__.startswith("SimpleITK"):
        import SimpleITK as sitk

        return sitk.GetArrayFromImage(result)
    return np.asarray(result)


def copy_speed() -> float:
    """Return GB/s of copying 134 MB into a fresh array, one thread: what a memory-bound call is held to."""
    x = np.ones(1 << 24, np.float64)
    seconds = min(timed(lambda: x.copy()) for _ in range(REPEATS))
    return 2 * x.nbytes / seconds / 1e9


def available(peers: dict[str, Callable[[], Any]]) -> dict[str, Callable[[], Any]]:
    return {name: call for name, call in peers.items() if importlib.util.find_spec(name.split()[0])}


def run(case: Case) -> list[dict[str, Any]]:
    peers = available(case.peers)
    want = case.want()
    got = case.result(plain(case.ours()) if case.result is np.asarray else case.ours())
    wrong = error(got, want)
    if wrong > case.tolerance:
        raise SystemExit(f"{case.kernel}: error {wrong:g}, allowed {case.tolerance:g}")
    errors = {}
    for name, call in peers.items():
        answer = plain(call()) if case.result is np.asarray else case.result(call())
        errors[name] = error(answer, want) if answer.shape == np.shape(want) else float("nan")
    clock = case.timer or timed
    times: dict[str, list[float]] = {name: [] for name in ("voxkern", *peers)}
    for _ in range(case.repeats):  # interleaved: a slow moment of the machine hits all
        times["voxkern"] += [clock(case.ours) for _ in range(2)]
        for name, call in peers.items():
            times[name].append(clock(call))
    best = {name: min(values) for name, values in times.items()}
    speed = copy_speed()
    memory = {"voxkern": extra_memory(case.ours)}
    rows = []
    for name, call in peers.items():
        rate = case.bytes / best["voxkern"] / 1e9
        rows.append(
            {
                "kernel": case.kernel,
                "size": case.size,
                "peer": name,
                "voxkern ms": best["voxkern"] * 1e3,
                "peer ms": best[name] * 1e3,
                "times faster": best[name] / best["voxkern"],
                "error": wrong,
                "peer's error": errors[name],
                "GB/s": rate or float("nan"),
                "of copy speed": rate / speed or float("nan"),
                "extra MiB": memory["voxkern"],
                "peer's": extra_memory(call) if case.timer is None and case.repeats > 1 else float("nan"),
            }
        )
    return rows


def text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value != value:
        return "-"
    if "error" in key:
        return f"{value:.0e}"
    if key == "times faster":
        return f"**{value:.1f}**"
    return f"{value:.2f}" if key in ("of copy speed", "voxkern ms", "peer ms") else f"{value:.1f}"


def markdown(rows: list[dict[str, Any]]) -> str:
    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(text(k, row[k]) for k in head) + " |" for row in rows]
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.32 * len(rows) + 1), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    labels = [f"{r['kernel']}, {r['size']}: {r['peer']}" for r in rows]
    axis.barh(range(len(rows)), [r["times faster"] for r in rows], color="#2a6f97")
    axis.set_yticks(range(len(rows)), labels, fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel("times faster")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.invert_yaxis()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of a kernel's name")
    parser.add_argument("--threads", type=int, default=vk.get_num_threads())
    parser.add_argument("--slow", action="store_true", help="also what takes a peer minutes")
    arguments = parser.parse_args()
    threads = arguments.threads
    cases = [Case(**row) for row in compare_resample.cases(threads, arguments.slow)]
    cases += ndimage_cases(threads) + filter_cases(threads)
    cases += [Case(**row) for row in compare_n4.cases(threads, arguments.slow)]
    rows = []
    for case in cases:
        if arguments.only not in case.kernel:
            continue
        fresh = run(case)
        print("\n".join(markdown(fresh).splitlines()[2:]), flush=True)
        rows += fresh
    packages = ("numpy", "scipy", "SimpleITK", "torch", "imops")
    level = vk.show_config()["cpu_level"]
    machine = f"{threads} threads, level {level}, {platform.processor() or platform.machine()}; "
    machine += ", ".join(f"{p} {version(p)}" for p in packages if importlib.util.find_spec(p))
    table = f"{markdown(rows)}\n\n{machine}.\n"
    Path("compare_peers.md").write_text(table)
    Path("compare_peers.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))
    plot(rows, "compare_peers.png")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
