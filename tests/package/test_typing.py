# SPDX-License-Identifier: Apache-2.0
"""What type checkers say of results: the kind of the image, not Any."""

import inspect
import typing
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
assert_type(vk.window(v, center=0, width=1, offset=-0.25), vk.Volume)
assert_type(vk.window_to_uint8(a, 0, 1, threads=2), NDArray[Any])
assert_type(vk.clip_percentiles(v, 1, 99), vk.Volume)
assert_type(vk.clip_percentiles(v, return_limits=True), tuple[vk.Volume, tuple[float, float]])
assert_type(vk.crop_to_nonzero(v), vk.Volume)
assert_type(vk.crop_to_nonzero(a, return_box=True), tuple[NDArray[Any], tuple[slice, ...]])
assert_type(vk.bounding_box(a), tuple[slice, ...])
assert_type(vk.otsu(v), float)
assert_type(vk.dice(a, a), float)
assert_type(vk.dice(v, v, labels="all"), dict[int, float])
assert_type(vk.hausdorff_distance(v, v, 95), float)
assert_type(vk.hausdorff_distance(v, v, 95, [1, 2]), dict[int, float])
assert_type(vk.hausdorff_distance(v, v, labels="all"), dict[int, float])
assert_type(vk.mean_surface_distance(a, a, "all", spacing=2.0), dict[int, float])
assert_type(vk.gaussian(v, 1.0), vk.Volume)
assert_type(vk.hessian_eigenvalues(a, 1.0, spacing=2.0), NDArray[Any])
assert_type(vk.vesselness(v, (1.0, 2.0), gamma=5.0), vk.Volume)
assert_type(vk.warp(v, f), vk.Volume)
assert_type(vk.warp(a, f, return_gradient=True), tuple[NDArray[Any], NDArray[Any]])
assert_type(vk.push(a, f, like=v), vk.Volume)
assert_type(vk.n4_bias_field_correction(v, "otsu", shrink_factor=4), vk.Volume)
assert_type(vk.n4_bias_field_correction(a, return_field=True), tuple[NDArray[Any], NDArray[Any]])
vk.resample([1, 2, 3], shape=5)
assert_type(vk.resample(x=v, spacing=1.0), vk.Volume)
assert_type(vk.resample_labels(x=a, shape=5, rule="half"), NDArray[Any])
assert_type(vk.resample_argmax(logits=f, shape=5), NDArray[Any])
assert_type(vk.zscore(x=v, mask=a), vk.Volume)
assert_type(vk.zscore(v, a), vk.Volume)
assert_type(vk.window(x=v, low=0, high=1), vk.Volume)
assert_type(vk.warp(x=v, displacement=f), vk.Volume)
assert_type(vk.n4_bias_field_correction(x=v, mask=a), vk.Volume)
vk.window(v, 0, 1, 2)  # type: ignore[call-overload]
vk.resample_argmax(f, matrix=f)  # type: ignore[call-overload]
vk.resample(v, spacnig=1.0)  # type: ignore[call-overload]
vk.n4_bias_field_correction(v, shrink=4)  # type: ignore[call-overload]
"""


def test_checkers_see_every_argument():
    """The dictionaries of the overloads name what the functions take, and no more."""
    names = ("resample", "resample_labels", "resample_argmax", "n4_bias_field_correction", "warp", "zscore")
    names += ("window", "window_to_uint8", "clip_percentiles")
    for function in (getattr(vk, name) for name in names):
        seen = set()
        for overload in typing.get_overloads(function):
            hints = typing.get_type_hints(overload, include_extras=True)
            (settings,) = typing.get_args(hints.pop("settings"))
            seen |= set(hints) - {"return"} | set(typing.get_type_hints(settings))
        assert seen == set(inspect.signature(function).parameters), function.__name__


@pytest.mark.slow
def test_results_are_typed(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api")
    monkeypatch.setenv("MYPYPATH", str(Path(vk.__file__).parents[1]))
    file = tmp_path / "uses.py"
    file.write_text(CODE)
    options = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent"]
    told, errors, status = api.run([*options, "--config-file", "", str(file)])
    assert status == 0, told + errors
