# SPDX-License-Identifier: Apache-2.0
"""What type checkers say of results: the kind of the image, not Any."""

from pathlib import Path

import pytest

import voxkern as vk

CODE = """
from typing import Any, assert_type
import numpy as np
from numpy.typing import NDArray
import voxkern as vk

v: vk.Volume = vk.Volume(np.zeros((4, 5, 6)), np.eye(4))
a: NDArray[np.int16] = np.zeros((4, 5, 6), np.int16)
f: NDArray[np.float32] = np.zeros((4, 5, 6, 3), np.float32)

assert_type(vk.resample(v, spacing=1.0), vk.Volume)
assert_type(vk.resample(a, shape=5, order="cubic"), NDArray[Any])
assert_type(vk.resample_labels(v, spacing=1.0), vk.Volume)
assert_type(vk.resample_argmax(f, shape=5), NDArray[Any])
assert_type(vk.zscore(v), vk.Volume)
assert_type(vk.zscore(a, mask=a), NDArray[Any])
assert_type(vk.window(v, 0, 1), vk.Volume)
assert_type(vk.warp(v, f), vk.Volume)
assert_type(vk.warp(a, f, return_gradient=True), tuple[NDArray[Any], NDArray[Any]])
assert_type(vk.push(a, f, like=v), vk.Volume)
assert_type(vk.n4_bias_field_correction(v, "otsu", shrink_factor=4), vk.Volume)
assert_type(vk.n4_bias_field_correction(a, return_field=True), tuple[NDArray[Any], NDArray[Any]])
vk.resample([1, 2, 3], shape=5)
vk.resample(v, spacnig=1.0)  # type: ignore[call-overload]
vk.n4_bias_field_correction(v, shrink=4)  # type: ignore[call-overload]
"""


@pytest.mark.slow
def test_results_are_typed(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api")
    monkeypatch.setenv("MYPYPATH", str(Path(vk.__file__).parents[1]))
    file = tmp_path / "uses.py"
    file.write_text(CODE)
    options = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent"]
    told, errors, status = api.run([*options, "--config-file", "", str(file)])
    assert status == 0, told + errors
