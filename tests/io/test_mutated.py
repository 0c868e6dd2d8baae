# SPDX-License-Identifier: Apache-2.0
"""Files of every format with changed bytes: a volume or a typed error, in bounded time and memory."""

import os
import random
import subprocess
import sys
from pathlib import Path

import mutated
import pytest
from cases import NIGHT

import voxkern as vk

for package in ("nibabel", "SimpleITK", "nrrd", "spectral", "tifffile", "PIL", "imagecodecs"):
    pytest.importorskip(package)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return folder, mutated.seeds(folder)


@pytest.mark.filterwarnings("ignore")
def test_files_before_any_change_load(good):
    """Else the changes below would be of files that are refused all the same."""
    folder, files = good
    for name, content in files.items():
        (folder / name).write_bytes(content)
        assert not mutated.fault(folder / name)
        assert vk.load(folder / name, max_bytes=mutated.MAX_BYTES).data.size, name


@pytest.mark.filterwarnings("ignore")
def test_a_volume_or_a_typed_error(good):
    folder, files = good
    rng = random.Random(20261130)
    found = []
    for name, content in files.items():
        for _ in range(12):
            (folder / name).write_bytes(mutated.another(name, content, rng))
            told = mutated.fault(folder / name)
            if told:
                found.append((name, told))
        (folder / name).write_bytes(content)
    assert not found


@pytest.mark.slow
@pytest.mark.skipif(not NIGHT, reason="minutes: nox -s nightly")
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of memory")
def test_many_more(tmp_path):
    """In a process of its own, which may crash, hang or run out of memory."""
    paths = [str(Path(vk.__file__).parents[1]), str(Path(mutated.__file__).parent)]
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            mutated.__file__,
            str(60 * NIGHT),
            str(random.randrange(2**32)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
