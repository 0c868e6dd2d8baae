# SPDX-License-Identifier: Apache-2.0
"""The benchmark on the device: every job gives the CPU's answer, and is timed as its table says."""

import importlib
import json
import sys
from types import ModuleType

import backends
import numpy as np
import pytest
from benchmarks.cases.case import WrongAnswer
from benchmarks.device import measure, run
from benchmarks.device.case import Case
from benchmarks.device.cases import cases

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

QUICK = cases(quick=True)
X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("name", QUICK)
def test_every_job_gives_the_answer_of_the_cpu(name):
    measure.check(QUICK[name]())


def test_names_are_those_of_full_size():
    assert list(QUICK) == list(cases(quick=False))


def twice(x):
    return cupy.asarray(2 * x.get()) if hasattr(x, "get") else 2 * x


def case(**peers):
    return Case("2x3x4", lambda: (X,), twice, dict(peers), moved=2 * X.nbytes)


@pytest.fixture
def installed(monkeypatch):
    """Make packages that only these tests have."""

    def make(*names):
        for name in names:
            module = ModuleType(name)
            module.__spec__ = importlib.machinery.ModuleSpec(name, None)
            monkeypatch.setitem(sys.modules, name, module)

    return make


def test_a_row_per_peer(installed):
    installed("good", "bad")

    def fails(x):
        raise RuntimeError("no device")

    peers = {"good": lambda x: lambda: twice(x), "bad": fails, "absent": fails}
    rows, left_out = measure.measure("job", case(**peers), copy_speed=1e9, quick=True)
    (row,) = rows
    assert row["peer"] == "good" and row["error"] == row["peer_error"] == 0
    assert min(row[k] for k in ("seconds", "first_seconds", "peer_seconds", "peer_first_seconds")) > 0
    assert left_out == ["job: bad failed, RuntimeError: no device", "job: absent is not installed"]


def test_a_job_without_peers_has_a_row():
    (row,), left_out = measure.measure("job", case(), copy_speed=1e9, quick=True)
    assert row["peer"] is row["peer_seconds"] is row["peer_error"] is None and not left_out
    assert run.lines([row | {"seconds": 0.002}])[0].startswith("| job, 2x3x4 | 2 | 0.00 | - | - | - |")


def test_a_peers_wrong_answer_is_shown(installed):
    installed("wrong", "other")
    peers = {"wrong": lambda x: lambda: x, "other": lambda x: lambda: x[0]}
    rows, _ = measure.measure("job", case(**peers), copy_speed=1e9, quick=True)
    assert [row["peer_error"] for row in rows] == [0.5, np.inf]


def test_our_wrong_answer_is_not_timed():
    wrong = Case("2x3x4", lambda: (X,), lambda x: x, answer=twice)
    with pytest.raises(WrongAnswer, match="allowed 1e-05"):
        measure.measure("job", wrong, copy_speed=1e9)


def test_calls_between_two_waits(monkeypatch):
    """Calls are enqueued one after the other; each turn waits once."""
    log = []
    monkeypatch.setattr(measure, "wait", lambda: log.append("wait"))
    monkeypatch.setattr(measure, "calls_of_a_turn", lambda call: 3)
    best = measure.steady(
        {"voxkern": lambda: log.append("ours"), "peer": lambda: log.append("its")}, quick=False
    )
    assert log == [*["ours"] * 3, "wait", *["its"] * 3, "wait"] * measure.ROUNDS
    assert set(best) == {"voxkern", "peer"}


def test_the_program(monkeypatch, capsys, tmp_path):
    kept = tmp_path / "rows.json"
    monkeypatch.setenv("CUPY_CACHE_DIR", "")  # to be put back
    absent = Case("2x3x4", lambda: (X,), lambda x: vk.ndimage.distance_transform_bf(x))
    monkeypatch.setattr(run, "cases", lambda quick: {"job": case, "absent": lambda: absent})
    monkeypatch.setattr(sys, "argv", ["benchmarks.device", "--quick", "--json", str(kept)])
    run.main()
    results = json.loads(kept.read_text())
    said = capsys.readouterr().out
    assert [row["case"] for row in results["rows"]] == ["job"]
    assert results["bytes_per_second"]["copy"] > 0 and "copy: " in said
    assert "absent: input: got a GPU array" in said
    monkeypatch.setattr(sys, "argv", ["benchmarks.device", "--quick", "--check", "--only", "job"])
    run.main()
    assert capsys.readouterr().out.splitlines() == ["job: error 0.0e+00"]
