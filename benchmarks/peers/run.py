# SPDX-License-Identifier: Apache-2.0
"""Compare voxkern with the tools it replaces: one process, calls interleaved, answers checked first.

    python -m benchmarks.peers                       print the table
    python -m benchmarks.peers --only gaussian       some cases; --quick takes small images
    python -m benchmarks.peers --write --slow        measure all, write docs/performance.* and README's table
    python -m benchmarks.peers --render              write those pages again from docs/performance.json

Both sides get ``--threads``; a peer that uses one thread only is held against one thread of ours, too. A
peer's input is converted before the clock starts. Peers that are not installed are left out;
``--write`` wants them all.
"""

import argparse
import platform
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import voxkern as vk
from benchmarks.cases.case import WrongAnswer, builders

from . import table
from .disturbed import Disturbed, slower_with_zeros
from .measure import measure

PACKAGES = (
    "numpy",
    "scipy",
    "SimpleITK",
    "torch",
    "scikit-image",
    "imops",
    "volresample",
    "batchgenerators",
    "nibabel",
    "pydicom",
)


def missing_packages() -> list[str]:
    """Return what the extra `bench` asks for and this environment lacks: its rows would be left out."""
    project = tomllib.loads((table.ROOT / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w.-]+", wanted)[0] for wanted in project["optional-dependencies"]["bench"]]
    return [name for name in names if name != project["name"] and not installed(name)]


def installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def machine(threads: int) -> dict[str, Any]:
    """Return what the numbers depend on."""
    model = (
        re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if Path("/proc/cpuinfo").exists()
        else None
    )
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "threads": threads,
        "cpu_level": vk.show_config()["cpu_level"],
        "packages": {name: version(name) for name in PACKAGES if installed(name)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of a case's name, or a family and a colon")
    parser.add_argument("--threads", type=int, default=vk.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="small images, timed once: a smoke test")
    parser.add_argument("--slow", action="store_true", help="also what takes a peer minutes")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--write", action="store_true", help="write docs/performance.* and README's table")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing: write the pages from the JSON again"
    )
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write: got --quick, allowed full sizes only")
    missing = missing_packages() if options.write else []
    if missing:
        parser.error(f"--write: got no {', no '.join(missing)}, allowed with all of pip install '.[bench]'")
    again: list[str] = []
    if not options.render:
        vk.set_num_threads(options.threads)  # what has no threads argument, such as load, obeys too
        results = {"machine": machine(options.threads), "rows": []}
        wrong = []
        for name, (family, build) in builders(options.quick, options.slow, options.only).items():
            try:
                fresh = measure(name, family, build(), options.threads, options.quick)
            except WrongAnswer as error:
                wrong.append(f"{name}: {error}")
                continue
            except Disturbed as error:
                again.append(f"{name}: {error}")
                continue
            lines = table.markdown(fresh, table.FULL).splitlines()
            print(*(lines[2:] if results["rows"] else lines), sep="\n", end="\n" * bool(fresh), flush=True)
            results["rows"] += fresh
            if options.json:
                table.save(results, options.json)
        if wrong:
            raise SystemExit("\n".join(wrong))
        for name, why in slower_with_zeros(results["rows"]).items():
            again.append(f"{name}: {why}")
            results["rows"] = [row for row in results["rows"] if row["case"] != name]
        if options.write:
            table.save(table.merged(results) if options.only else results, table.RESULTS)
    if options.write or options.render:
        table.write_pages()
    if again:
        raise SystemExit("\n".join(["left out, to be measured again:", *again]))
