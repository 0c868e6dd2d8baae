# SPDX-License-Identifier: Apache-2.0
"""Compare two installed builds: every case of ours, alternately in two Python interpreters.

    python -m benchmarks.peers.parent OLD_PYTHON [--only NAME] [--seconds 2] [--limit 1.05]

OLD_PYTHON is the interpreter of an environment with the older build; this one has the newer. ``nox -s
regress`` makes it. Both run the cases of this checkout. Each row says how long the new build takes relative
to the old one, and whether the results have the same bits. The exit status is 1 where a row's ratio is above
the limit, the new build fails, or bits differ and ``numerics_version`` does not. A row that only the old
build fails is new and does not count.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.cases.case import builders

from .measure import TURN, shortest

ROOT = Path(__file__).parents[2]
SERVE = "--serve"


def digest(array: Any) -> str:
    """Return a hash of the bits of an array."""
    shape = f"{array.dtype} {array.shape}".encode()
    return hashlib.blake2b(shape + np.ascontiguousarray(array).tobytes()).hexdigest()


def serve(quick: bool, slow: bool, threads: int) -> None:
    """Answer one request per line: a name makes that case, an empty line times it, ``?`` asks the version."""
    known = builders(quick, slow, older=True)  # a name that is not known is an error of that build
    call = None
    for line in sys.stdin:
        name = line.strip()
        answer: Any
        try:
            if name == "?":
                answer = vk.show_config()["numerics_version"]
            elif name:
                call = None  # frees the last one's images
                case = known[name][1]()
                call = partial(case.ours, threads)
                answer = digest(case.result(call()))
                if "voxkern" in case.slopes:
                    call = case.slopes["voxkern"](threads).many  # whole: a difference of two is noisy
            else:
                assert call is not None
                answer = shortest(call, TURN)
        except Exception as error:  # an older build may lack what a case calls
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


class Build:
    """One interpreter that serves the cases."""

    def __init__(self, python: str, options: list[str]) -> None:
        command = [python, "-m", "benchmarks.peers.parent", SERVE, *options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, name: str = "") -> Any:
        """Send one request of `serve` and return its answer."""
        assert self.process.stdin and self.process.stdout
        print(name, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended with status {self.process.wait()}")
        return json.loads(line)


def compare(name: str, old: Build, new: Build, seconds: float, limit: float) -> dict[str, Any]:
    """Return one row: the shortest times of both builds, taken in turns, and whether the bits agree.

    A row above the limit is made and timed again, up to four times, before it counts.
    """
    digests = [build.ask(name) for build in (old, new)]
    for side, answer in zip(("new", "old"), reversed(digests), strict=True):
        if isinstance(answer, dict):
            return {"case": name, "fails": side, "error": answer["error"]}
    before: list[float] = []
    after: list[float] = []
    for attempt in range(4):
        if attempt:
            for build in (old, new):
                build.ask(name)  # makes the images anew: where they lie in memory changes short calls
        begin, first = time.perf_counter(), len(before)
        while len(before) < first + 5 or time.perf_counter() - begin < seconds:
            if len(before) % 2:
                before.append(old.ask())
                after.append(new.ask())
            else:
                after.append(new.ask())
                before.append(old.ask())
        if min(after) <= limit * min(before):
            break
    ratio, same = min(after) / min(before), digests[0] == digests[1]
    return {"case": name, "old": min(before), "new": min(after), "ratio": ratio, "same": same}


def line_of(row: dict[str, Any]) -> str:
    """Return a row as a line of the table."""
    if "error" in row:
        return f"| {row['case']} | - | - | - | {row['fails']} build: {row['error']} |"
    same = "yes" if row["same"] else "NO"
    old, new = (f"{row[side] * 1e3:.3f}" for side in ("old", "new"))
    return f"| {row['case']} | {old} | {new} | {row['ratio']:.3f} | {same} |"


def is_bad(row: dict[str, Any], limit: float, same_numbers: bool) -> bool:
    """Tell whether a row speaks against the newer build."""
    if "error" in row:
        return bool(row["fails"] == "new")
    return row["ratio"] > limit or (same_numbers and not row["same"])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.parent", description=__doc__.splitlines()[0]
    )
    parser.add_argument("old", nargs="?", help="Python interpreter that has the older build")
    parser.add_argument("--new", default=sys.executable, help="the newer build's, this one by default")
    parser.add_argument("--only", default="", help="part of a case's name, or a family and a colon")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to time each case")
    parser.add_argument("--quick", action="store_true", help="small images")
    parser.add_argument("--slow", action="store_true", help="also the cases that take a peer minutes")
    parser.add_argument("--limit", type=float, default=1.05, help="largest ratio allowed")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument(SERVE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.quick, options.slow, options.threads)
        return
    if options.old is None:
        parser.error("old: got nothing, allowed the Python interpreter of an older build")
    passed = [f"--threads={options.threads}"] + ["--quick"] * options.quick + ["--slow"] * options.slow
    old, new = Build(options.old, passed), Build(options.new, passed)
    same_numbers = old.ask("?") == new.ask("?")
    print("| case | old ms | new ms | new / old | same bits |\n| --- | --- | --- | --- | --- |")
    rows = []
    for name in builders(options.quick, options.slow, options.only):
        row = compare(name, old, new, options.seconds, options.limit)
        rows.append(row)
        print(line_of(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    bad = [row["case"] for row in rows if is_bad(row, options.limit, same_numbers)]
    if bad:
        raise SystemExit(f"above {options.limit:g}, failed, or other bits: {'; '.join(bad)}")


if __name__ == "__main__":
    main()
