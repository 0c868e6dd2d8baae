# SPDX-License-Identifier: Apache-2.0
"""The package: import time over numpy, size on disk, and the main job from files."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

# NumPy comes with its compiled modules; ours are compiled by the first run, and not again.
KEEPING_BYTECODE = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds_of(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=KEEPING_BYTECODE)
    return time.perf_counter() - start


@pytest.mark.benchmark(group="package: import")
def test_import_time(benchmark):
    """extra_info holds what ``import voxkern`` costs over ``import numpy``, best of ten each."""
    best = {c: min(seconds_of(c) for _ in range(10)) for c in ("import numpy", "import voxkern")}
    benchmark.extra_info["over_numpy_s"] = best["import voxkern"] - best["import numpy"]
    folder = Path(vk.__file__).parent
    benchmark.extra_info["installed_bytes"] = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    benchmark.pedantic(lambda: seconds_of("import voxkern"), rounds=3)


@pytest.mark.benchmark(group="package: preprocess")
def test_preprocess(benchmark, tmp_path):
    rng = np.random.default_rng(0)
    scan = vk.Volume(rng.integers(0, 900, (160, 256, 256)).astype(np.int16), np.diag([1.2, 0.94, 0.94, 1.0]))
    vk.save(scan, tmp_path / "series", format="dicom")
    result = vk.preprocess(tmp_path / "series", spacing=1.0, normalize="zscore")
    assert abs(float(result.data.mean())) < 1e-4
    np.testing.assert_allclose(result.spacing, 1.0)
    benchmark(lambda: vk.preprocess(tmp_path / "series", spacing=1.0, normalize="zscore"))
