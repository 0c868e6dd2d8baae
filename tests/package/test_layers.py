# SPDX-License-Identifier: Apache-2.0
"""The rooms of the package: imports run downward, packages hold names, results and kernels are `call`'s."""

import ast
from pathlib import Path

import pytest

import voxkern

PACKAGE = Path(voxkern.__file__).parent
FLOORS = {"_core": 0, "_runtime": 1, "_space": 2, "_ops": 3, "ndimage": 4, "nn": 4, "io": 5, "compat": 6}
FLOORS["_app"] = 7
LOOKS_UP = {("_space/volume.py", "_app")}  # a Volume's picture and widget, imported when they are asked for
CALLS_CORE = {"_ops/rescale.py"}  # it reads files, no array of a caller's

FILES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
ROOMS = [name for name in FILES if name.partition("/")[0] in FLOORS]


def imported(file, tree):
    """Yield (room, names) of every import from this package."""
    package = ["voxkern", *Path(file).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level or (node.module or "").partition(".")[0] != "voxkern", "imports are relative"
        if isinstance(node, ast.ImportFrom) and node.level:
            path = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            names = [alias.name for alias in node.names]
            if len(path) > 1:
                yield path[1], names
            else:
                yield from ((name, []) for name in names)


@pytest.mark.parametrize("file", ROOMS)
def test_imports_run_downward(file):
    own = file.partition("/")[0]
    for room, _ in imported(file, FILES[file]):
        allowed = room == own or FLOORS[room] < FLOORS[own] or (file, room) in LOOKS_UP
        assert allowed, f"{file} imports {room}"


@pytest.mark.parametrize("file", [f for f in FILES if f.endswith("__init__.py")])
def test_packages_hold_names_only(file):
    for node in FILES[file].body:
        lookup = isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")
        assert lookup or isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign | ast.If), file


@pytest.mark.parametrize("file", [f for f in ROOMS if not f.startswith("_runtime/")])
def test_kernels_and_results_are_calls(file):
    """Outside _runtime, of _core come options and enums only, and no room of functions allocates results."""
    for room, names in imported(file, FILES[file]):
        options = all(name[0].isupper() or name == "__version__" for name in names)
        assert room != "_core" or file in CALLS_CORE or (names and options), file
    if file.startswith(("_space/", "_ops/", "ndimage/", "nn/")):
        used = {ast.unparse(n) for n in ast.walk(FILES[file]) if isinstance(n, ast.Attribute | ast.Name)}
        assert not used & {"np.empty", "np.empty_like", "is_gpu_array", "backend_of", "np.may_share_memory"}


@pytest.mark.parametrize("file", [f for f in ROOMS if not f.startswith(("io/", "compat/", "_"))])
def test_one_underscore_on_the_path_of_a_private_module(file):
    parts = [part.removesuffix(".py") for part in Path(file).parts if part != "__init__.py"]
    assert sum(part.startswith("_") for part in parts) <= 1
    assert len(parts) == 1 or sum(part.startswith("_") for part in parts) == 1
