# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: every case gives the right answer, obeys the threads, and is timed as the page says."""

import dataclasses
import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.cases.case import Case, Slope, builders, families
from benchmarks.peers import disturbed, measure, parent, run, table

import voxkern as vk

ROOT = Path(__file__).parents[2]
BUILDERS = builders(quick=True, slow=True)


@pytest.fixture(scope="module")
def cases():
    return {name: build() for name, (_, build) in BUILDERS.items()}


@pytest.fixture(autouse=True)
def default_threads():
    yield
    vk.set_num_threads(None)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_case_gives_the_right_answer(cases, name):
    case = cases[name]
    case.checked(case.ours(2), case.want())


def test_no_name_stands_twice():
    names = [name for module in families().values() for name in module.cases(True, True)]
    assert len(names) == len(set(names))


def test_every_case_is_timed_by_a_kernels_benchmark():
    timed = set()
    for path in sorted((ROOT / "benchmarks" / "bench").glob("bench_*.py")):
        if path.stem == "bench_package":
            continue
        module = importlib.import_module(f"benchmarks.bench.{path.stem}")
        (mark,) = module.__dict__[path.stem.replace("bench_", "test_")].pytestmark
        ids = {chosen.id for chosen in mark.args[1]}
        assert ids, path.stem
        timed |= ids
    assert timed >= {f"{name}, small" for name in builders(quick=True, slow=False)}


def test_one_thread_starts_no_other():
    """Every case of ours at one thread, in a process whose every later thread would be ours."""
    code = """
import os, threading
from benchmarks.cases.case import builders
started = []
start = threading.Thread.start
threading.Thread.start = lambda self: (started.append(self.name), start(self))
cases = {name: build() for name, (_, build) in builders(True, True).items()}
before, started[:] = len(os.listdir("/proc/self/task")), []
for name, case in cases.items():
    case.ours(1)
    assert len(os.listdir("/proc/self/task")) <= before, name
    assert not started, (name, started)
"""
    if not Path("/proc/self/task").exists():
        pytest.skip("threads are counted in /proc")
    one = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    two = {"VOXKERN_NUM_THREADS": "2"}  # what a call would take that is not told
    env = os.environ | one | two
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_peer_converts_while_it_is_timed(cases, monkeypatch):
    sitk = pytest.importorskip("SimpleITK")
    calls = {n: c.peers[p](1) for n, c in cases.items() for p in c.peers if p.startswith("SimpleITK")}
    assert len(calls) > 20

    def forbidden(*_, **__):
        raise AssertionError("a copy that the peer's user would not make")

    for function in ("GetImageFromArray", "GetArrayFromImage", "GetArrayViewFromImage"):
        monkeypatch.setattr(sitk, function, forbidden)
    for name, call in calls.items():
        if not name.startswith("n4"):  # seconds each
            call()


ANSWER = np.arange(1.0 * (1 << 18))


def made(log, answer=ANSWER):
    """Return a case whose calls write down their names."""

    def ours(threads):
        log.append(f"ours {threads}")
        return answer.copy()

    def peer(who):
        return lambda threads: lambda: log.append(who) or answer.copy()

    return Case("size", ours, lambda: answer, {"scipy": peer("scipy"), "numpy other": peer("numpy")}, moved=8)


def test_calls_take_turns_and_the_first_finds_no_free_memory(monkeypatch):
    log = []
    monkeypatch.setattr(vk, "release_memory", lambda: log.append("released"))
    monkeypatch.setattr(measure, "TURN", 0.0)
    monkeypatch.setattr(measure, "extra_memory", lambda *_: 0)
    rows = measure.measure("name", "family", made(log), threads=2)
    checks, turns = log[:3], log[3:]
    assert checks == ["ours 2", "scipy", "numpy"]
    assert turns == ["released", "ours 2", "ours 2", "scipy", "numpy", "ours 1"] * measure.ROUNDS
    assert [row["peer"] for row in rows] == ["scipy", "numpy other"]
    for row in rows:
        assert row["rounds"] == measure.ROUNDS
        assert row["peer_threads"] == 1
        assert min(row["seconds"], row["first_seconds"], row["one_thread_seconds"]) > 0


def test_a_peer_with_threads_stands_against_as_many_of_ours(monkeypatch):
    log = []
    monkeypatch.setattr(measure, "extra_memory", lambda *_: 0)
    case = dataclasses.replace(made(log), one_thread=())
    rows = measure.measure("name", "family", case, threads=2)
    assert "ours 1" not in log
    assert [(row["peer_threads"], row["one_thread_seconds"]) for row in rows] == [(2, None)] * 2


def test_small_results_have_no_first_call(monkeypatch):
    monkeypatch.setattr(measure, "extra_memory", lambda *_: 0)
    (row, _) = measure.measure("name", "family", made([], np.arange(5.0)), threads=1)
    assert row["first_seconds"] is None
    assert row["one_thread_seconds"] == row["seconds"]


def test_a_wrong_answer_is_not_timed():
    case = dataclasses.replace(made([]), want=lambda: np.zeros(1 << 18))
    with np.errstate(divide="ignore"), pytest.raises(AssertionError, match="allowed 1e-05"):
        measure.measure("name", "family", case, threads=1)


def test_a_step_is_the_difference_of_the_shortest_calls(monkeypatch):
    durations = {"few": iter([2.0, 1.0, 3.0, 2.0, 2.0]), "many": iter([9.0, 5.0, 4.0, 8.0, 7.0])}
    monkeypatch.setattr(measure, "timed", lambda call: next(durations[call]))
    best, rounds = measure.seconds_of({"voxkern": Slope("few", "many", 6)}, None)
    assert rounds == measure.ROUNDS
    assert best["voxkern"] == (4.0 - 1.0) / 6


def test_the_table_shows_both_ratios():
    row = dict(
        dict.fromkeys(("family", "case", "size"), "x"),
        threads=2,
        seconds=0.010,
        first_seconds=0.020,
        one_thread_seconds=0.016,
        error=0.0,
        moved_bytes=None,
        extra_bytes=0,
        peer="scipy",
        peer_threads=1,
        peer_seconds=0.160,
        peer_error=0.0,
        peer_extra_bytes=None,
    )
    cells = dict(
        zip(table.FULL, table.markdown([row], table.FULL).splitlines()[2][2:-2].split(" | "), strict=True)
    )
    assert cells["peer"] == "scipy, 1 thread"
    assert (cells["voxkern ms"], cells["peer ms"], cells["times faster"]) == ("10", "160", "**16**")
    assert cells["one thread ms (times)"] == "16 (10)"
    assert cells["first call ms (times)"] == "20 (8)"
    assert table.BRIEF["times faster"](row) == "**16**, one thread 10"
    slower = row | {"peer_seconds": 0.005, "one_thread_seconds": None}
    assert table.FULL["times faster"](slower) == "**0.5**"
    assert table.FULL["one thread ms (times)"](slower) == "-"


@pytest.mark.parametrize(
    ("row", "same_numbers", "bad"),
    [
        ({"ratio": 1.0, "same": True}, True, False),
        ({"ratio": 1.2, "same": True}, True, True),
        ({"ratio": 1.0, "same": False}, True, True),
        ({"ratio": 1.0, "same": False}, False, False),  # numerics_version tells of other bits
        ({"fails": "old", "error": "no such argument"}, True, False),  # what is new cannot be compared
        ({"fails": "new", "error": "no such argument"}, True, True),
    ],
)
def test_what_counts_against_a_commit(row, same_numbers, bad):
    assert parent.is_bad(row, 1.05, same_numbers) is bad


def test_cases_that_an_older_build_lacks(monkeypatch):
    known = families()
    monkeypatch.setattr("benchmarks.cases.case.FAMILIES", (*known, "not_there"))
    assert families(older=True) == known
    with pytest.raises(ModuleNotFoundError):
        families()


def test_a_slower_build_ends_with_status_1():
    """This build against itself, at a limit that none can meet."""
    options = ["--quick", "--only", "labels: labels, one organ", "--seconds", "0", "--limit", "0"]
    command = [sys.executable, "-m", "benchmarks.peers.parent", sys.executable, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stdout.rstrip().endswith("| yes |")
    assert "above 0" in done.stderr


def test_pages_are_not_written_where_a_peer_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(run, "installed", lambda name: name not in ("imops", "scikit-image"))
    monkeypatch.setattr(sys, "argv", ["benchmarks.peers", "--write"])
    with pytest.raises(SystemExit):
        run.main()
    assert "--write: got no scikit-image, no imops, allowed with all of" in capsys.readouterr().err


def test_times_of_a_disturbed_machine_are_refused():
    disturbed.check({"voxkern": 0.04, "one thread": 0.06, "scipy": 1.0}, 5)
    disturbed.check({"voxkern": 0.004, "one thread": 0.002}, 5)  # short calls are the start of threads
    disturbed.check({"voxkern": 0.04, "one thread": 0.06, "scipy": 20.0}, 1)
    for best, rounds in (({"voxkern": 0.4, "one thread": 0.1}, 5), ({"voxkern": 0.04, "scipy": 1.0}, 1)):
        with pytest.raises(disturbed.Disturbed):
            disturbed.check(best, rounds)


def test_zeros_slow_nobody_down():
    def rows(case, ours, theirs):
        known = {"size": "9^3", "peer": "scipy"}
        zeros = {"case": case + disturbed.ZERO_BACKGROUND, "seconds": ours, "peer_seconds": theirs}
        return [{"case": case, "seconds": 1.0, "peer_seconds": 1.0, **known}, {**known, **zeros}]

    found = disturbed.slower_with_zeros([*rows("a", 3.0, 4.0), *rows("b", 3.0, 1.0), *rows("c", 0.5, 1.0)])
    assert list(found) == ["a" + disturbed.ZERO_BACKGROUND]
