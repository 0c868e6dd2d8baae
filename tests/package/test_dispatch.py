# SPDX-License-Identifier: Apache-2.0
"""Instruction-set levels: detection, forcing, and nothing of a higher level outside its own units."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import voxkern as vk
from voxkern import _core

X86 = platform.machine().lower() in {"x86_64", "amd64"}


def in_a_new_process(code, **env):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not X86 or not Path("/proc/cpuinfo").exists(), reason="reads Linux's CPU flags")
def test_detection_agrees_with_the_system():
    flags = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())
    want = ["v2"]
    if {"avx2", "fma", "bmi1", "bmi2", "f16c", "abm", "movbe"} <= flags:
        want.append("v3")
        if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
            want.append("v4")
    assert _core.cpu_levels() == want


@pytest.mark.parametrize("level", _core.cpu_levels())
def test_environment_forces_a_level(level):
    done = in_a_new_process(
        "import voxkern as vk, numpy as np; vk.resample(np.ones((9, 9, 9)), shape=12);"
        "print(vk.show_config()['cpu_level'])",
        VOXKERN_CPU_LEVEL=level,
    )
    assert done.stdout.strip() == level, done.stderr


def test_impossible_level_is_refused_at_import():
    done = in_a_new_process("import voxkern", VOXKERN_CPU_LEVEL="v9")
    assert done.returncode != 0
    assert "VOXKERN_CPU_LEVEL: got 'v9'" in done.stderr


def test_highest_level_is_the_default():
    done = in_a_new_process(
        "import voxkern as vk; print(vk.show_config()['cpu_level'])", VOXKERN_CPU_LEVEL=""
    )
    assert done.stdout.strip() == _core.cpu_levels()[-1]


@pytest.mark.skipif(not X86 or shutil.which("objdump") is None, reason="needs objdump on x86-64")
def test_shared_library_keeps_wide_registers_inside_level_namespaces():
    """Every function that touches ymm or zmm registers belongs to a level; baseline code stays SSE."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", _core.__file__], capture_output=True, text=True, check=True
    ).stdout
    functions = re.split(r"\n\n(?=[0-9a-f]+ <)", listing)
    named = [(re.match(r"\s*[0-9a-f]+ <([^>]+)>:", f), f) for f in functions]
    wide = {m.group(1) for m, f in named if m and re.search(r"%[yz]mm", f)}
    assert wide, "no wide registers at all: the levels were not compiled with their flags"
    if not any("voxkern" in name for name in wide):
        pytest.skip("symbols are stripped: the C++ tests inspect the objects instead")
    outside = {n for n in wide if not re.search(r"7voxkern\d+[a-z0-9_]+2v[34]", n)}
    assert not outside
    zmm = {m.group(1) for m, f in named if m and "%zmm" in f}
    assert all(re.search(r"7voxkern\d+[a-z0-9_]+2v4", n) for n in zmm)


def test_show_config():
    config = vk.show_config()
    assert config["version"] == vk.__version__ == _core.__version__
    assert config["cpu_level"] in config["cpu_levels"]
    assert config["threads"] >= 1 and config["cpus"] >= 1
    assert config["cuda"] == vk.cuda_available()
    assert config["cuda"] or config["cuda_reason"]
