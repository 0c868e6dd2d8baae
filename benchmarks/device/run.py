# SPDX-License-Identifier: Apache-2.0
"""Compare voxkern with other packages on a GPU: answers checked first, then times.

    python -m benchmarks.device                    print the table; --json FILE keeps the rows
    python -m benchmarks.device --only gaussian    some cases; --quick takes small images
    python -m benchmarks.device --check            answers alone, of ours alone: for a sanitizer

Needs CuPy. Peers that are not installed, and functions without a GPU version, are named and left out. "First
call" includes what a package compiles or loads; the others are the shortest of rounds in which all calls take
turns. Arrays are on the device before the clock starts, except in the chain. The right answer is the CPU's.
"""

import argparse
import importlib
import json
import tempfile
from importlib.metadata import PackageNotFoundError, version
from os import environ
from pathlib import Path
from typing import Any

import voxkern as vk
from benchmarks.cases.case import WrongAnswer

from .case import Case
from .cases import cases
from .measure import Row, check, measure, speeds

PACKAGES = ("numpy", "cupy-cuda13x", "cupy-cuda12x", "cucim-cu13", "cucim-cu12", "torch", "jax", "n4ax")


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.3g}"


def times(row: Row, ours: str, peers: str) -> str:
    return "-" if row[peers] is None else f"{row[peers] / row[ours]:.3g}"


def of_copy(row: Row) -> str:
    """Return the share of the time in which a copy moves the bytes of the job."""
    if not row["moved_bytes"]:
        return "-"
    return f"{row['moved_bytes'] / row['copy_bytes_per_second'] / row['seconds']:.2f}"


def number(error: float | None) -> str:
    return "-" if error is None else f"{error:.1e}"


COLUMNS = {
    "case": lambda r: f"{r['case']}, {r['size']}",
    "ms": lambda r: milliseconds(r["seconds"]),
    "of copy speed": of_copy,
    "peer": lambda r: r["peer"] or "-",
    "peer ms": lambda r: milliseconds(r["peer_seconds"]),
    "times faster": lambda r: times(r, "seconds", "peer_seconds"),
    "first call ms": lambda r: milliseconds(r["first_seconds"]),
    "times faster, first": lambda r: times(r, "first_seconds", "peer_first_seconds"),
    "error": lambda r: number(r["error"]),
    "peer's error": lambda r: number(r["peer_error"]),
    "goal": lambda r: r["goal"] or "-",
}


def lines(rows: list[Row]) -> list[str]:
    return ["| " + " | ".join(show(row) for show in COLUMNS.values()) + " |" for row in rows]


def device_name(cupy: Any) -> str:
    """Return the name of the GPU, or that this is none."""
    properties = getattr(cupy.cuda.runtime, "getDeviceProperties", None)
    return "the executor" if properties is None else properties(0)["name"].decode()


def machine(cupy: Any) -> Row:
    """Return what the numbers depend on."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"device": device_name(cupy), "voxkern": vk.__version__, "packages": packages}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--quick", action="store_true", help="small images, timed once: a smoke test")
    parser.add_argument("--check", action="store_true", help="no times and no peers: our answers alone")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    return parser.parse_args()


def rows_of(name: str, case: Case, results: Row, options: argparse.Namespace) -> list[Row]:
    """Return the rows of a case, none where only its answer is asked for; what is left out is noted."""
    try:
        if options.check:
            print(f"{name}: error {check(case):.1e}", flush=True)
            return []
        rows, left_out = measure(name, case, results["bytes_per_second"]["copy"], options.quick)
    except vk.CudaUnavailableError as error:
        rows, left_out = [], [f"{name}: {error}"]
    results["left_out"] += left_out
    return rows


def compare(options: argparse.Namespace, cupy: Any) -> None:
    results: Row = {"machine": machine(cupy), "rows": [], "left_out": []}
    if options.check:
        if hasattr(cupy.cuda, "set_allocator"):
            cupy.cuda.set_allocator(None)  # no pool: a sanitizer sees the ends of each array
    else:
        results["bytes_per_second"] = speeds(options.quick)
        for what, speed in results["bytes_per_second"].items():
            print(f"{what}: {speed / 1e9:.4g} GB/s")
        print("| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |", sep="\n")
    wrong = []
    for name, build in cases(options.quick).items():
        if options.only not in name:
            continue
        try:
            rows = rows_of(name, build(), results, options)
        except WrongAnswer as error:
            wrong.append(f"{name}: {error}")
            continue
        print(*lines(rows), sep="\n", end="\n" * bool(rows), flush=True)
        results["rows"] += rows
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(*results["left_out"], sep="\n", end="\n" * bool(results["left_out"]))
    if wrong:
        raise SystemExit("\n".join(wrong))


def main() -> None:
    options = parsed()
    if not vk.cuda_available():
        raise SystemExit(f"no GPU can be used: {vk.show_config()['cuda_reason']}")
    with tempfile.TemporaryDirectory() as cache:
        environ["CUPY_CACHE_DIR"] = cache  # a first call compiles
        compare(options, importlib.import_module("cupy"))
