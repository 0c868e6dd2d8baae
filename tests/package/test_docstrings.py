# SPDX-License-Identifier: Apache-2.0
"""Docstrings as numpydoc reads them: parameters and results of every public name."""

import inspect
import pkgutil

import pytest

import voxkern as vk
import voxkern.compat

validate = pytest.importorskip("numpydoc.validate", reason="numpydoc is not installed").validate


def public():
    """Return the dotted names of functions, classes, and what classes define themselves."""
    names = []
    modules = [vk, vk.ndimage, vk.nn]
    modules += [
        __import__(f"voxkern.compat.{found.name}", fromlist=["_"])
        for found in pkgutil.iter_modules(voxkern.compat.__path__)
    ]
    for module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing) or not thing.__module__.startswith("voxkern"):
                continue
            names.append(f"{module.__name__}.{name}")
            if inspect.isclass(thing):
                names += [
                    f"{names[-1]}.{m}" for m in vars(thing) if m[0] != "_" and callable(getattr(thing, m))
                ]
    return sorted(names)


@pytest.mark.parametrize("name", public())
def test_parameters_and_results(name):
    found = validate(name)
    errors = {f"{code}: {text}" for code, text in found["errors"] if code[:2] in ("PR", "RT")}
    if "\nAttributes\n" in found["docstring"]:  # functions make these, of what they name as attributes
        errors = {error for error in errors if not error.startswith("PR01")}
    assert not errors
