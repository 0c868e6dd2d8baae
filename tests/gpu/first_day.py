# SPDX-License-Identifier: Apache-2.0
"""The first day with a GPU, in stages of under eight minutes; each can run again alone.

    python tests/gpu/first_day.py                    all stages, as nox -s gpu does
    python tests/gpu/first_day.py tests              one of them
    python tests/gpu/first_day.py wheels             beforehand, with a network: what the machine may lack

    build        a wheel of voxkern with _cuda for the GPU of this machine
    tests        tests/gpu, then the cases on CUDA of all kernels' tests: a process per file
    sanitizer    compute-sanitizer over every job of benchmarks.device at its smallest size
    benchmarks   python -m benchmarks.device: times beside other packages

Needs a Python with CuPy, nvcc and a compiler, no network. What is in the folder of --wheels is installed for
these stages alone. The wheel, logs and results go to the folder of --out. --executor tries it all without a
GPU.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 460  # seconds of a stage
TOOLS = ("memcheck", "racecheck", "synccheck")
WHEELS = (
    "cupy-cuda13x>=14",
    "hypothesis>=6.100",
    "pybind11>=3.0",
    "pydicom>=3.0",
    "pytest>=8",
    "pytest-benchmark>=5",
    "scikit-build-core>=0.12",
    "scipy==1.17.*",
    "cmake>=3.25",
    "ninja",
)
PLATFORMS = tuple(f"manylinux{v}_x86_64" for v in ("_2_28", "_2_27", "_2_24", "_2_17", "2014", "2010", "1"))

Command = list[str]
PYTHON = [sys.executable, "-m"]
PIP = [*PYTHON, "pip"]


def installing(options: argparse.Namespace, folder: Path) -> list[Command]:
    """Return the command that puts wheels, and nothing that they ask for, where the stages find them."""
    there = any(name.startswith("cupy") for name in metadata.packages_distributions())
    found = [str(path) for path in sorted(folder.glob("*.whl"))]
    found = [path for path in found if not (there and Path(path).name.startswith("cupy"))]  # two of them warn
    target = ["--target", str(options.out / "site"), "--upgrade"]
    return [[*PIP, "install", "-q", "--no-index", "--no-deps", *target, *found]] if found else []


def wheels(options: argparse.Namespace) -> list[list[Command]]:
    """Download packages and what they need. Those that the machine has need not be carried."""
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    of = ["--only-binary=:all:", "--python-version", "3.12", *platforms]
    return [[[*PIP, "download", *of, "--dest", str(options.wheels), *WHEELS]]]


def build(options: argparse.Namespace) -> list[list[Command]]:
    defines = {
        "VOXKERN_CUDA": "EXECUTOR" if options.executor else "ON",
        "VOXKERN_CUDA_ARCHITECTURES": options.architectures,
        "VOXKERN_WERROR": "OFF",  # another compiler warns of other things; they stand in the log
    }
    settings = [f"--config-settings=cmake.define.{name}={value}" for name, value in defines.items()]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    carried = installing(options, options.wheels)
    machine = ["sh", "-c", f"nvidia-smi; nvcc --version; {shlex.join(PIP)} list"]
    make = [*PIP, "wheel", "-v", *offline, *settings, "--wheel-dir", str(options.out / "wheel"), "."]
    return [carried, [machine], [make]]


def tests(options: argparse.Namespace) -> list[list[Command]]:
    """One process per file: an error that a kernel leaves on the device does not reach the next file."""
    of_backends = re.compile(r"^def test_\w+\([^)]*\bbackend\b", re.M)
    folder = ROOT / "tests"
    gpu = sorted((folder / "gpu").glob("test_*.py"))
    both = [f for f in sorted(folder.glob("kernels/test_*.py")) if of_backends.search(f.read_text("utf-8"))]
    pytest = [*PYTHON, "pytest", "-q", "--tb=short", "--maxfail=20", "-p", "no:cacheprovider"]
    if not options.executor:
        pytest.append("--require-cuda")
    commands = [[*pytest, str(f.relative_to(ROOT))] for f in gpu]
    return [commands + [[*pytest, str(f.relative_to(ROOT)), "-k", "cuda"] for f in both]]


def on_standin(options: argparse.Namespace, *jobs: str) -> list[list[Command]]:
    """Return the command that runs small jobs of the benchmark on the executor."""
    path = os.pathsep.join([str(options.out / "site"), str(ROOT / "tests" / "gpu" / "standin")])
    return [[["env", f"PYTHONPATH={path}", *PYTHON, "benchmarks.device", "--quick", *jobs]]]


def sanitizer(options: argparse.Namespace) -> list[list[Command]]:
    if options.executor:
        return on_standin(options, "--check")
    jobs = [*PYTHON, "benchmarks.device", "--quick", "--check"]
    watch = ["compute-sanitizer", "--error-exitcode", "9", "--tool"]
    return [[[*watch, tool, *jobs] for tool in TOOLS]]


def benchmarks(options: argparse.Namespace) -> list[list[Command]]:
    kept = ["--json", str(options.out / "benchmarks.json")]
    return on_standin(options, *kept) if options.executor else [[[*PYTHON, "benchmarks.device", *kept]]]


STAGES: dict[str, Callable[[argparse.Namespace], list[list[Command]]]] = {
    "wheels": wheels,
    "build": build,
    "tests": tests,
    "sanitizer": sanitizer,
    "benchmarks": benchmarks,
}


def run(command: Command, options: argparse.Namespace, end: float) -> tuple[int, str]:
    """Run a command until ``end`` at most; return its status and what it said."""
    site = options.out / "site"
    environment = os.environ | {
        "PATH": f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "PYTHONUNBUFFERED": "1",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes)
    except FileNotFoundError as error:
        return 127, str(error)
    try:
        said, _ = process.communicate(timeout=max(end - time.monotonic(), 1))
        return process.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # a sanitizer's program, too
        return 124, f"{process.communicate()[0]}\nended: out of time"


def go_through(name: str, options: argparse.Namespace) -> bool:
    """Run a stage, log it, and tell whether all of it succeeded; a batch that failed ends it."""
    batches = STAGES[name](options)
    if name not in ("wheels", "build"):
        voxkern = installing(options, options.out / "wheel")
        if not voxkern and not options.dry_run:
            print(f"{name}: no wheel in {options.out / 'wheel'}, run the stage build first")
            return False
        batches = [voxkern, *batches]
    if options.dry_run:
        print(*(shlex.join(command) for batch in batches for command in batch), sep="\n")
        return True
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    failed = 0
    with (options.out / f"{name}.log").open("w") as log, ThreadPoolExecutor(options.jobs) as pool:
        for batch in batches:
            done = pool.map(partial(run, options=options, end=start + LIMIT), batch)
            for command, (status, said) in zip(batch, done, strict=True):
                log.write(f"$ {shlex.join(command)}\n{said}\n")
                log.flush()
                failed += status != 0
                last = (said.strip().splitlines() or [""])[-1]
                told = "ok" if status == 0 else f"status {status}"
                print(f"{told}: {shlex.join(command)}: {last}", flush=True)
            if failed:
                break
    print(f"{name}: {failed} failed, {time.monotonic() - start:.0f} s, {options.out / f'{name}.log'}")
    return failed == 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="first_day.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="default: all but wheels")
    parser.add_argument("--out", type=Path, default=ROOT / "build/first_day", help="default: build/first_day")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build/wheels", help="default: build/wheels")
    parser.add_argument("--architectures", default="native", help="as in CMAKE_CUDA_ARCHITECTURES")
    parser.add_argument("--jobs", type=int, default=4, help="processes at a time")
    parser.add_argument("--executor", action="store_true", help="kernels on the processor: tries the stages")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    options = parser.parse_args(arguments)
    for name in options.stages:
        if name not in STAGES:
            parser.error(f"STAGE: got {name!r}, allowed {', '.join(STAGES)}")
    options.out, options.wheels = options.out.resolve(), options.wheels.resolve()
    chosen = options.stages or [name for name in STAGES if name != "wheels"]
    good = [go_through(name, options) for name in chosen]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
