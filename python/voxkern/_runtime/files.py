# SPDX-License-Identifier: Apache-2.0
"""Files that appear when they are whole, or not at all; until then the old ones stay."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ArgumentError, ArgumentTypeError, SaveError
from .validate import flag

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays there
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".voxkern-writing-"
_REPLACED = "replaced"  # in a temporary folder: what gave way and may have to come back
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux's renameat2


def checked_file(
    path: str | os.PathLike[str], name: str = "path", *, overwrite: bool = True, folder: bool = False
) -> Path:
    """Return where a file, or a ``folder`` too, can be written; ``name`` is the argument it came by."""
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(f"{name}: got {type(path).__name__}, allowed a path")
    flag(overwrite, "overwrite")
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise ArgumentError(f"{name}: got an empty name or one with a zero byte, allowed a file or folder")
    target = Path(path)
    if target.name in ("", ".."):
        raise ArgumentError(f"{name}: got {target}, allowed a name within a folder")
    if not target.parent.is_dir():
        raise ArgumentError(f"{name}: got {target}, allowed a file in a folder that exists")
    if not os.access(target.parent, os.W_OK):
        raise ArgumentError(f"{name}: got {target}, allowed a file in a folder that can be written to")
    if target.exists() and not (target.is_file() or (folder and target.is_dir())):
        raise ArgumentError(f"{name}: got {target}, allowed a regular file{' or a folder' * folder}")
    in_use = target.is_file() or (target.is_dir() and any(target.iterdir()))
    if in_use and not overwrite:
        raise ArgumentError(f"{name}: got {target}, which exists, allowed a new name, or to overwrite it")
    return target


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path in a temporary folder; what is written there goes to ``target`` when all is done.

    The file named like the target goes last: it may refer to the others. What killed processes left
    beside the target is removed first. Whatever the system refuses becomes a `SaveError`.
    """
    try:
        _remove_leftovers(target.parent)
        with _owned_folder(target.parent) as folder:
            yield folder / target.name
            written = sorted(folder.iterdir(), key=lambda p: p.name == target.name)
            _to_disk(*written)
            for path in written:
                _put(path, target.parent / path.name)
    except SaveError:
        raise
    except OSError as error:
        saving = SaveError(f"path: {target.name} cannot be written: {error.strerror or error}")
        saving.errno = error.errno
        raise saving from error


@contextmanager
def _owned_folder(parent: Path) -> Iterator[Path]:
    """Make a folder, locked as long as this process lives, and remove it in the end."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        if fcntl is None:
            lock = None
            break
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks: nobody removes anything there
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                break
            os.close(lock)  # another process took it for a leftover before it was locked
    try:
        yield folder
    finally:
        _remove(folder)
        if lock is not None:
            os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a folder; threads of a library, of which one failed, may still put files there for a moment."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.01)


def _remove_leftovers(parent: Path) -> None:
    """Remove the temporary folders whose processes are gone."""
    if fcntl is None:
        return
    with os.scandir(parent) as entries:
        folders = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    for folder in folders:
        with suppress(OSError):  # locked: somebody is writing there
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _bring_back(Path(folder))
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _to_disk(*paths: Path) -> None:
    """Wait until files, and those in folders, are on the disk: some systems tell only now that it is full."""
    inside = [inner for path in paths if path.is_dir() for inner in path.rglob("*")]
    files = [path for path in (*inside, *paths) if path.is_file()]
    if len(files) == 1:
        _sync(files[0])
        return
    with ThreadPoolExecutor() as pool:  # many files wait for the disk together
        list(pool.map(_sync, files))


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _put(new: Path, target: Path) -> None:
    """Move ``new`` into the place of ``target``; a folder with files in it comes back in its place."""
    if new.is_dir() and target.is_dir() and any(target.iterdir()):
        _exchange(new, target)
    else:
        new.replace(target)


def _exchange(new: Path, old: Path) -> None:
    """Let two folders change places: in one step where Linux can, else in two."""
    with suppress(AttributeError, OSError, TypeError):  # Windows has no library None
        rename = ctypes.CDLL(None).renameat2
        if not rename(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old), _RENAME_EXCHANGE):
            return
    aside = new.parent / _REPLACED
    aside.mkdir()
    try:
        old.replace(aside / old.name)
        new.replace(old)
    except BaseException:  # Ctrl-C, too
        _bring_back(new.parent)
        raise


def _bring_back(folder: Path) -> None:
    """Put what stepped aside back where nothing took its place."""
    for old in (folder / _REPLACED).glob("*"):
        target = folder.parent / old.name
        if not target.exists():
            old.replace(target)
