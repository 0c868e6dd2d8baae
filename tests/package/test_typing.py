# SPDX-License-Identifier: Apache-2.0
"""What type checkers say of results: the kind of the image, not Any. `typed_user.py` is what they read."""

import inspect
import typing
from pathlib import Path

import package_stubs
import pytest

import voxkern as vk
from voxkern._runtime import words
from voxkern._runtime.validate import FILTER_MODES, INTERPOLATION_MODES

USER = Path(__file__).parent / "typed_user.py"


def test_checkers_see_every_argument():
    """The dictionaries of the overloads name what the functions take, and no more."""
    names = ("resample", "resample_labels", "resample_argmax", "n4_bias_field_correction", "warp", "zscore")
    names += ("window", "window_to_uint8", "clip_percentiles", "dilate", "erode", "opening", "closing")
    for function in (getattr(vk, name) for name in names):
        seen = set()
        for overload in typing.get_overloads(function):
            hints = typing.get_type_hints(overload, include_extras=True)
            (settings,) = typing.get_args(hints.pop("settings"))
            seen |= set(hints) - {"return"} | set(typing.get_type_hints(settings))
        assert seen == set(inspect.signature(function).parameters), function.__name__


def test_literals_are_the_words_there_are():
    assert set(typing.get_args(words.SampleMode)) == set(INTERPOLATION_MODES)
    assert set(typing.get_args(words.FilterMode)) == set(FILTER_MODES)


@pytest.mark.parametrize("name", ["ndimage", "nn"])
def test_stubs_of_packages_are_up_to_date(name):
    folder = Path(vk.__file__).parent / name
    assert (folder / "__init__.pyi").read_text("utf-8") == package_stubs.stub(folder)


@pytest.mark.slow
def test_results_are_typed(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api")
    monkeypatch.setenv("MYPYPATH", str(Path(vk.__file__).parents[1]))
    options = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent"]
    told, errors, status = api.run([*options, "--config-file", "", str(USER)])
    assert status == 0, told + errors


def test_nothing_of_it_is_any():
    """The script asserts a type of every call."""
    calls = [line for line in USER.read_text().splitlines() if line.startswith("assert_type(")]
    assert len(calls) > 70 and not [line for line in calls if line.endswith(" Any)")]
