# SPDX-License-Identifier: Apache-2.0
"""The package as a whole: complete kernels, true stubs, runnable examples, light import."""

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

import voxkern as vk
from voxkern import _core

ROOT = Path(__file__).parents[2]
in_checkout = pytest.mark.skipif(not (ROOT / "cpp" / "kernels").is_dir(), reason="needs the source tree")

PACKAGE = Path(vk.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if "    >>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.failed == 0
    assert results.attempted > 0


def test_every_public_function_is_documented():
    for owner in (vk, vk.ndimage, vk.nn):
        for name in owner.__all__:
            thing = getattr(owner, name)
            doc = inspect.getdoc(thing) or ""
            if inspect.isfunction(thing) or inspect.isclass(thing):
                assert doc.split("\n")[0].endswith("."), name
            if not inspect.isfunction(thing):
                continue
            if inspect.signature(thing).parameters:
                assert "Parameters\n" in doc, name
            assert name in ("cuda_available", "get_num_threads") or "Examples\n" in doc, name


def kernels():
    folder = ROOT / "cpp" / "kernels"
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


@in_checkout
@pytest.mark.parametrize("name", kernels())
def test_kernel_is_complete(name):
    folder = ROOT / "cpp" / "kernels" / name
    for suffix in (".hpp", "_cpu.cpp", "_simd.inl.hpp", "_bind.cpp"):
        assert (folder / f"{name}{suffix}").is_file(), suffix
    readme = (folder / "README.md").read_text()
    for heading in ("## Formula", "## Edge cases", "## Dtypes and accuracy", "## Cost", "## Speed"):
        assert heading in readme, heading
    assert f"voxkern_add_kernel({name})" in (ROOT / "cpp" / "CMakeLists.txt").read_text()
    assert (ROOT / "python" / "voxkern" / "reference" / f"{name}.py").is_file()
    assert (ROOT / "tests" / "kernels" / f"test_{name}.py").is_file()
    assert (ROOT / "benchmarks" / "bench" / f"bench_{name}.py").is_file()
    assert f"\n- `{name}` kernel: " in (ROOT / "CHANGELOG.md").read_text()
    assert hasattr(_core, name)


def test_what_functions_return_has_a_name():
    study = vk.open_study(get_testdata_file("CT_small.dcm"))
    assert type(study) is vk.Study and type(study.series[0]) is vk.SeriesInfo


@in_checkout
def test_stub_names_what_the_module_has():
    stub = (ROOT / "python" / "voxkern" / "_core.pyi").read_text()
    defined = set(re.findall(r"^(?:def|class) (\w+)", stub, re.M))
    present = {n for n in dir(_core) if not n.startswith("_")}
    assert defined == present


def lines_of(function):
    """Return how many lines a function has behind its signature and docstring."""
    first = function.body[bool(ast.get_docstring(function)) and len(function.body) > 1]
    return function.end_lineno - first.lineno + 1


@in_checkout
def test_files_stay_readable():
    limits = re.search(
        r"No file over (\d+) lines, no function of Python over (\d+)", (ROOT / "CONTRIBUTING.md").read_text()
    )
    longest, longest_function = map(int, limits.groups())
    for folder in ("cpp", "python", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".cpp", ".hpp", ".cu"}:
                assert len(path.read_text().splitlines()) <= longest, path
            if path.suffix == ".py":
                functions = [
                    n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)
                ]
                assert max(map(lines_of, functions), default=0) <= longest_function, path


@in_checkout
def test_every_source_names_its_licence():
    for folder in ("cpp", "python", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".cpp", ".hpp", ".cu", ".cmake"}:
                assert "SPDX-License-Identifier: Apache-2.0" in path.read_text()[:200], path


@in_checkout
def test_readme_commands_are_what_ci_runs():
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    ci = (ROOT / ".ci" / "run").read_text()
    (reader,) = re.findall(r"^readme_block\(\) .*$", ci, re.M)
    assert re.findall(r'eval "\$\(readme_block (\d)\)"', ci) == ["1", "2"]
    for number, block in enumerate(blocks[:2], 1):
        assert "\\\n" not in block and "cd " not in block and "git clone" not in block
        command = ["bash", "-c", f"{reader}\nreadme_block {number}"]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == block


def test_import_is_light():
    """`import voxkern` brings numpy and nothing else of weight; the rest comes when it is used."""
    code = (
        "import sys, voxkern; heavy = {'pydicom', 'scipy', 'nibabel', 'SimpleITK', 'cupy', 'matplotlib', "
        "'rich', 'torch', 'multiprocessing', 'voxkern._app', 'voxkern._cuda', 'voxkern.io', "
        "'voxkern.ndimage', 'voxkern.compat'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_optional_packages_are_optional():
    """Without the extras, arrays still resample and filter, and what is missing is named."""
    code = """
import sys
for name in ("nibabel", "SimpleITK", "scipy", "matplotlib", "rich"):
    sys.modules[name] = None
import numpy as np, voxkern as vk
vk.resample(np.ones((5, 5, 5)), shape=7)
vk.ndimage.gaussian_filter(np.ones(5), 1)
try:
    vk.save(vk.Volume(np.zeros((2, 2, 2)), np.eye(4)), "x.nii")
except vk.MissingPackageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'voxkern[io]'" in done.stdout
