# SPDX-License-Identifier: Apache-2.0
"""What type checkers shall see of `voxkern.ndimage` and `voxkern.nn`: made of the sources, with overloads.

``python tests/package_stubs.py`` writes ``__init__.pyi`` of both; nothing is imported for it.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "python" / "voxkern"

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# Written by tests/package_stubs.py.
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, overload

from numpy.typing import ArrayLike, NDArray

{imports}

__all__ = {names!r}

"""
NDIMAGE = "from .._runtime.validate import Array\nfrom .._space.kinds import Image"
NN = """\
from .._runtime.validate import Array
from ._conv_layer import Activation, Conv3d, Padding
from ._sequential import Sequential
from ._shapes import PerAxis"""

# The ways to call a function: arguments of another type than in the source, and the result. The first way
# that fits counts; each ends with the source's own, for tensors, lists and whatever else becomes an array.
Way = tuple[dict[str, str], str]
OF_KIND: list[Way] = [({"input": "Image"}, "Image")]
SEVERAL = {"labels": "Any", "index": "Sequence[int] | Array"}
NUMBERS: list[Way] = [({"index": "None"}, "float"), (SEVERAL, "NDArray[Any]")]
PLACES: list[Way] = [({"index": "None"}, "tuple[int, ...]"), (SEVERAL, "list[tuple[int, ...]]")]
DISTANCES: list[Way] = [
    (
        {"input": "Image", "return_distances": "Literal[True]", "return_indices": "Literal[False]"},
        "Image",
    )
]
ARRAYS: list[Way] = [({"first": "Array"}, "NDArray[Any]")]
PAIRS: list[Way] = [
    ({"first": "Array", "return_indices": "Literal[False]"}, "NDArray[Any]"),
    ({"first": "Array", "return_indices": "Literal[True]"}, "tuple[NDArray[Any], NDArray[Any]]"),
]
WAYS: dict[str, list[Way]] = {
    **dict.fromkeys(("sum", "sum_labels", "mean", "variance", "standard_deviation"), NUMBERS),
    **dict.fromkeys(("minimum", "maximum", "median"), NUMBERS),
    **dict.fromkeys(("minimum_position", "maximum_position"), PLACES),
    "center_of_mass": [(given, result.replace("int,", "float,")) for given, result in PLACES],
    "extrema": [({"index": "None"}, "tuple[float, float, tuple[int, ...], tuple[int, ...]]")],
    "label": [({"input": "Image", "output": "None"}, "tuple[Image, int]")],
    "histogram": [({"index": "None"}, "NDArray[Any]")],
    "distance_transform_edt": DISTANCES,
    "distance_transform_cdt": DISTANCES,
    "distance_transform_bf": DISTANCES,
    "generate_binary_structure": [],
    "iterate_structure": [],
    "labeled_comprehension": [],
    "find_objects": [],
    "value_indices": [],
    "sliding_window": [({"predict": "Callable[[Any], Any]", "x": "Array"}, "NDArray[Any]")],
    "run_in_tiles": [({"x": "Array"}, "NDArray[Any]")],
}


def functions(package: Path) -> dict[str, ast.FunctionDef]:
    """Return the functions that a package's modules define, by name."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(package.glob("_*.py"))]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def public(package: Path) -> list[str]:
    """Return the names in a package's ``__all__``."""
    for node in ast.parse((package / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise ValueError(package)


def line(function: ast.FunctionDef, types: dict[str, str], result: str) -> str:
    """Return a signature with other types here and there; what must be given for them has no default."""
    copy = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    arguments = copy.args
    first = arguments.args[0].arg
    for argument in (*arguments.args, *arguments.kwonlyargs):
        wanted = types.get(argument.arg) or (types.get("first") if argument.arg == first else None)
        if wanted:
            argument.annotation = ast.parse(wanted, mode="eval").body
    ellipsis = ast.Constant(...)
    required = 0
    for index, argument in enumerate(arguments.args[len(arguments.args) - len(arguments.defaults) :]):
        given = types.get(argument.arg)
        needed = given is not None and not _fits(arguments.defaults[index], given)
        if needed and index > required:
            _by_name(arguments, index)
            break
        required += needed
        arguments.defaults[index] = ellipsis
    arguments.defaults = arguments.defaults[required:]
    arguments.kw_defaults = [None if d is None else ellipsis for d in arguments.kw_defaults]
    return f"def {copy.name}({ast.unparse(arguments)}) -> {result}: ...\n"


def _fits(default: ast.expr, wanted: str) -> bool:
    value = ast.unparse(default)
    return wanted in ("Image", "Array", value, f"Literal[{value}]")


def _by_name(arguments: ast.arguments, index: int) -> None:
    """Take the arguments from a defaulted one on by name only, the first of them without its default."""
    start = len(arguments.args) - len(arguments.defaults) + index
    moved = arguments.args[start:]
    arguments.kwonlyargs = [*moved, *arguments.kwonlyargs]
    arguments.kw_defaults = [None, *[ast.Constant(...)] * (len(moved) - 1), *arguments.kw_defaults]
    arguments.args, arguments.defaults = arguments.args[:start], arguments.defaults[:index]


def stub(package: Path) -> str:
    """Return the text of ``__init__.pyi``."""
    names, found = public(package), functions(package)
    nn = package.name == "nn"
    parts = [HEAD.format(imports=NN if nn else NDIMAGE, names=names)]
    for name in names:
        if name not in found:
            continue
        function = found[name]
        own = ast.unparse(function.returns) if function.returns else "Any"
        indices = any(a.arg == "return_indices" for a in function.args.args)
        ways = WAYS.get(name, (PAIRS if indices else ARRAYS) if nn else OF_KIND)
        mark = "@overload\n" if ways else ""
        parts += [mark + line(function, types, result) for types, result in ways]
        parts.append(mark + line(function, {}, own))
    if not nn:
        parts.append("def __getattr__(name: str) -> Any: ...\n")
    return "".join(parts)


if __name__ == "__main__":
    for folder in (PACKAGE / "ndimage", PACKAGE / "nn"):
        (folder / "__init__.pyi").write_text(stub(folder), "utf-8")
