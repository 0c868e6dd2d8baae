# SPDX-License-Identifier: Apache-2.0
"""One line to swap: calls of ``scipy.ndimage``, in any library, run on `voxkern.ndimage`.

In a program it is `patch_scipy`. A program that is not to be touched runs by
``python -m voxkern.compat.scipy [-v] script.py [arguments]``, or with ``-m package`` in place of the script;
``-v`` tells at its end what was replaced.
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from .._runtime.errors import MissingPackageError, shown

__all__ = ["Patch", "patch_scipy"]

# What scipy makes of anything else (tensors, GPU arrays, images, Volumes) it alone knows.
_NUMBERS = (bool, int, float, complex, np.generic)
_PLAIN = (np.ndarray, *_NUMBERS, np.dtype, type(None), str, list, tuple, dict)


class _Pair(NamedTuple):
    theirs: Any
    ours: Any


_lock = threading.RLock()
_pairs: dict[str, _Pair] = {}  # by name, while any patch stands
_standing: list[Patch] = []


def patch_scipy() -> Patch:
    """Let calls of ``scipy.ndimage``, other libraries' too, run on `voxkern.ndimage`.

    Every function that `voxkern.ndimage` computes takes the place of scipy's: in ``scipy.ndimage``, and in
    each loaded module that holds scipy's under any name, as after ``from scipy.ndimage import zoom``. The
    patch ends with the ``with`` block, or by ``.undo()``.

    Returns
    -------
    Patch
        ``.replaced`` names functions and modules, ``.undo()`` puts scipy's functions back.

    Raises
    ------
    MissingPackageError
        scipy is not installed.

    Notes
    -----
    Each call behaves as scipy's would. The numbers are those of `voxkern.ndimage`: float32 images are
    computed in float32, and box filters keep a NaN within its box.

    * A call is computed here if its arguments are NumPy arrays, numbers, sequences, text, dtypes and
      functions. With any other argument (a tensor, a GPU array, an image) it goes to scipy's own function.
    * Where our function raises, scipy's is called with the same arguments; its answer or its exception is
      what the caller sees. A callback (``mapping``) is then called from the start again.
    * Two cases keep our exception: arrays that share memory, as one of them may be written, and calls with
      ``threads=``.

    scipy's other functions and its private modules stay as they are. Out of reach is what was bound elsewhere
    before: default arguments, class attributes, tables, partials; so are the deprecated namespaces, as
    ``scipy.ndimage.filters``, while the patch stands.

    The patch holds for the whole process, all threads included. A call in progress ends as it began. Patches
    may nest and overlap, in any thread and order: the first puts our functions in, the last takes them out
    everywhere, from modules imported meanwhile too. A forked process inherits the patch; one that is started
    anew has none. A module that another thread imports at the very moment may keep what it had.

    Examples
    --------
    >>> import numpy as np, scipy.ndimage, voxkern as vk
    >>> with vk.patch_scipy() as patch:
    ...     soft = scipy.ndimage.gaussian_filter(np.eye(3), 1)
    ...     "scipy.ndimage" in patch.replaced["gaussian_filter"]
    True
    """
    patch = Patch()
    with _lock:
        if not _pairs:
            _pairs.update(_make_pairs())
        _standing.append(patch)
        try:
            _exchange((pair.theirs, pair.ours) for pair in _pairs.values())
        except BaseException:
            patch.undo()
            raise
    return patch


class Patch:
    """What `patch_scipy` has put in, until it is undone; also a context manager."""

    def __init__(self) -> None:
        self._replaced: dict[str, tuple[str, ...]] = {}

    def undo(self) -> None:
        """Put scipy's functions back, unless another patch stands. A second call does nothing."""
        with _lock:
            if self not in _standing:
                return
            self._replaced = self.replaced
            if _standing == [self]:
                _exchange((pair.ours, pair.theirs) for pair in _pairs.values())
                _pairs.clear()
            _standing.remove(self)  # last: what an interruption left can be undone again

    @property
    def replaced(self) -> dict[str, tuple[str, ...]]:
        """By function, the modules in which ours stands in for scipy's; once undone, those where it did."""
        with _lock:
            if self not in _standing:
                return dict(self._replaced)
            names = {id(pair.ours): name for name, pair in _pairs.items()}
            found: dict[str, set[str]] = {name: set() for name in sorted(_pairs)}
            for module, namespace in _namespaces():
                for value in namespace.copy().values():
                    if id(value) in names:
                        found[names[id(value)]].add(module)
        return {name: tuple(sorted(modules)) for name, modules in found.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()

    def __repr__(self) -> str:
        replaced = self.replaced
        modules = sorted({module for places in replaced.values() for module in places})
        state = "standing" if self in _standing else "undone"
        return f"<Patch, {state}: {', '.join(replaced)} in {', '.join(modules)}>"


def _make_pairs() -> dict[str, _Pair]:
    """Return scipy's functions that we compute, with what takes their place."""
    try:
        scipy = import_module("scipy.ndimage")
    except ImportError as error:
        raise MissingPackageError(f"scipy is needed here: pip install scipy ({error})") from error
    ours = import_module("..ndimage", __package__)
    names = [name for name in ours.__all__ if name in scipy.__all__]
    return {name: _Pair(getattr(scipy, name), _stand_in(name, scipy, ours)) for name in names}


def _stand_in(name: str, scipy: ModuleType, package: ModuleType) -> Callable[..., Any]:
    """Return our function with scipy's behind it, for the calls that ours does not take."""
    theirs, ours = getattr(scipy, name), getattr(package, name)

    @functools.wraps(ours)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "threads" in kwargs:
            return ours(*args, **kwargs)
        given = (*args, *kwargs.values())
        if all(isinstance(x, _PLAIN) or callable(x) for x in given):
            try:
                return ours(*args, **kwargs)
            except Exception:
                arrays = (x for x in given if isinstance(x, np.ndarray))
                if any(np.may_share_memory(*pair) for pair in itertools.combinations(arrays, 2)):
                    raise
        return theirs(*args, **kwargs)  # not in the handler: its exception has no other behind it

    call.__module__ = scipy.__name__  # pickled by this name: another process takes what it has there
    return call


def _exchange(pairs: Iterable[tuple[Any, Any]]) -> None:
    """Replace functions in every module that holds them."""
    new = {id(old): (old, fresh) for old, fresh in pairs}
    for _, namespace in _namespaces():
        for key, value in namespace.copy().items():
            if id(value) in new:
                namespace[key] = new[id(value)][1]


def _namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield loaded modules by name, but for scipy's private ones: its functions go on calling each other."""
    for name, module in sys.modules.copy().items():
        if isinstance(module, ModuleType) and not name.startswith("scipy.ndimage._"):
            yield name, object.__getattribute__(module, "__dict__")  # vars() would load a lazy module


def main() -> None:
    """Run a script or module as ``__main__``, patched."""
    import argparse
    import runpy
    from pathlib import Path

    parser = argparse.ArgumentParser(
        prog="python -m voxkern.compat.scipy",
        description="Run a Python program with voxkern's functions in place of scipy.ndimage's.",
    )
    parser.add_argument("-v", action="store_true", help="tell at the end what was replaced")
    parser.add_argument("-m", action="store_true", help="run a module, as python -m does")
    parser.add_argument("program", help="script, or module with -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the program")
    options = parser.parse_args()
    program = Path(options.program)
    if not options.m and not program.exists():
        parser.error(f"program: got {shown(options.program)}, allowed a file")
    sys.argv[:] = [options.program, *options.arguments]
    patch = patch_scipy()
    try:
        if options.m:
            runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        else:
            if program.is_file() and not sys.flags.safe_path:
                sys.path[0] = str(program.resolve().parent)
            runpy.run_path(options.program, run_name="__main__")
    finally:
        if options.v:
            sys.stderr.write(f"{patch!r}\n")
        patch.undo()


if __name__ == "__main__":
    from .scipy import main as _main  # of the module that programs import, not of this copy

    _main()
