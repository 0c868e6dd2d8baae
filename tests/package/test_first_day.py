# SPDX-License-Identifier: Apache-2.0
"""The script of the first day with a GPU: its stages, its commands, its limit of time; without a GPU."""

import importlib.util
import shlex
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "gpu" / "first_day.py"


@pytest.fixture
def day(monkeypatch):
    spec = importlib.util.spec_from_file_location("first_day", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LIMIT", 20)
    return module


def printed(day, capsys, *arguments):
    """Return the commands of a dry run, after the interpreter."""
    assert day.main([*arguments, "--dry-run"]) == 0
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    return [line[2:] if line[0] == sys.executable else line for line in lines]


def test_a_dry_run_makes_nothing(day, capsys, tmp_path):
    commands = printed(day, capsys, "--out", str(tmp_path / "out"))
    assert [c[0] for c in commands if c[0] != "pytest"] == [
        *("sh", "pip"),
        *["compute-sanitizer"] * 3,
        "benchmarks.device",
    ]
    assert not list(tmp_path.iterdir())


def test_build(day, capsys, tmp_path):
    (tmp_path / "one.whl").touch()
    carried, _, make = printed(day, capsys, "build", "--wheels", str(tmp_path), "--architectures", "90")
    assert carried[:2] == ["pip", "install"] and carried[-1] == str(tmp_path / "one.whl")
    for command in (carried, make):  # nothing asks a network
        assert {"--no-index", "--no-deps"} <= set(command)
    assert "--config-settings=cmake.define.VOXKERN_CUDA=ON" in make
    assert "--config-settings=cmake.define.VOXKERN_CUDA_ARCHITECTURES=90" in make


def test_tests(day, capsys):
    files = {c[-1]: c for c in printed(day, capsys, "tests") if c[0] == "pytest" and "-k" not in c}
    both = [c for c in printed(day, capsys, "tests") if "-k" in c]
    assert set(files) == {f"tests/gpu/{path.name}" for path in FILE.parent.glob("test_*.py")}
    assert [c[-3] for c in both if "correlate1d" in c[-3]] == ["tests/kernels/test_correlate1d.py"]
    assert all("--require-cuda" in c for c in [*files.values(), *both])
    assert not any("--require-cuda" in c for c in printed(day, capsys, "tests", "--executor"))


def test_a_stage_needs_the_wheel(day, capsys, tmp_path):
    assert day.main(["benchmarks", "--out", str(tmp_path)]) == 1
    assert "run the stage build first" in capsys.readouterr().out
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "voxkern.whl").touch()
    install, table = printed(day, capsys, "benchmarks", "--out", str(tmp_path))
    assert install[-1] == str(tmp_path / "wheel" / "voxkern.whl") and table[0] == "benchmarks.device"


def test_stages_that_are_none(day, capsys):
    with pytest.raises(SystemExit):
        day.main(["bulid"])
    assert "got 'bulid', allowed wheels, build, tests" in capsys.readouterr().err


def test_a_command_that_fails(day, monkeypatch, tmp_path):
    """The others of its batch run, the next batch does not; the log has all that was said."""
    say = [sys.executable, "-c", "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[2]))"]
    batches = [[[*say, "one", "3"], [*say, "two", "0"], ["no such program"]], [[*say, "three", "0"]]]
    monkeypatch.setitem(day.STAGES, "build", lambda _: batches)
    assert day.main(["build", "--out", str(tmp_path)]) == 1
    log = (tmp_path / "build.log").read_text()
    assert "\none\n" in log and "\ntwo\n" in log and "No such file" in log and "\nthree\n" not in log


@pytest.mark.skipif(sys.platform == "win32", reason="ends groups of processes")
def test_a_stage_ends_in_time(day, monkeypatch, tmp_path):
    """So does what a command started, which holds the pipe."""
    monkeypatch.setattr(day, "LIMIT", 5)  # seconds: on a busy machine a shell may take one to begin
    monkeypatch.setitem(day.STAGES, "build", lambda _: [[["sh", "-c", "echo begun; sleep 600 & wait"]]])
    assert day.main(["build", "--out", str(tmp_path)]) == 1
    assert "begun\n\nended: out of time" in (tmp_path / "build.log").read_text()


def test_what_succeeds(day, monkeypatch, tmp_path):
    monkeypatch.setitem(day.STAGES, "build", lambda _: [[[sys.executable, "-c", "print(1)"]]])
    assert day.main(["build", "--out", str(tmp_path)]) == 0
