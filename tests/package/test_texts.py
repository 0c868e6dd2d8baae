# SPDX-License-Identifier: Apache-2.0
"""Docstrings: every parameter is described in full, in the order of the signature."""

import inspect
import re
from pathlib import Path

import pytest

import voxkern as vk
from voxkern._runtime.texts import TEXTS, documented

PUBLIC = {
    f"{owner.__name__}.{name}": getattr(owner, name)
    for owner in (vk, vk.ndimage, vk.nn)
    for name in owner.__all__
    if inspect.isfunction(getattr(owner, name)) or name in ("ResamplePlan", "Volume")
}


def described(thing):
    """Return the names in the section of parameters."""
    doc = inspect.getdoc(thing)
    section = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    lines = section[1].split("\n") if section else []
    names = [name for line in lines if line[0] != " " for name in line.split(" : ")[0].split(", ")]
    return [name.lstrip("*") for name in names]


@pytest.mark.parametrize("name", PUBLIC)
def test_documented_parameters_are_those_of_the_signature(name):
    assert described(PUBLIC[name]) == list(inspect.signature(PUBLIC[name]).parameters)


@pytest.mark.parametrize("name", PUBLIC)
def test_no_parameter_is_described_elsewhere(name):
    doc = inspect.getdoc(PUBLIC[name])
    assert not re.search(r"^ *As in `", doc, re.MULTILINE)
    assert not re.search(r"^ *\{\w+\}$", doc, re.MULTILINE)


def test_every_text_is_used():
    package = Path(vk.__file__).parent
    sources = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    used = set(re.findall(r"^ *\{(\w+)\}$", sources, re.MULTILINE))
    assert set(TEXTS) <= used


def test_an_unknown_text_fails():
    def function():
        """Say what.

        {no_such_text}
        """

    with pytest.raises(KeyError, match="no_such_text"):
        documented(function)
