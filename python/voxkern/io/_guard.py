# SPDX-License-Identifier: Apache-2.0
"""What every reader and writer shares: typed errors, warnings, size limits, atomic files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.errors import FileFormatError, MissingPackageError

_PACKAGE = __name__.partition(".")[0]


def warn(message: str) -> None:
    """Warn at the line outside this package that asked for the file."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises over the bytes of ``path`` into one typed error."""
    try:
        yield
    except FileNotFoundError as error:
        missing = Path(error.filename or path).name
        raise FileFormatError(
            f"{path}: no such file" + (f" ({missing})" if missing != path.name else "")
        ) from error
    except MissingPackageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileFormatError(f"{path}: not a readable {what} file: {reason}") from error


def check_size(shape: Any, dtype: Any, max_bytes: int, available: int | None = None) -> int:
    """Return the bytes of an array a header declares; an error before anything is allocated for it."""
    size = int(np.dtype(dtype).itemsize)
    for n in shape:
        if int(n) < 1:
            raise FileFormatError(f"an axis of {n} samples in {tuple(shape)}")
        size *= int(n)
    if size > max_bytes:
        raise FileFormatError(
            f"{tuple(shape)} of {np.dtype(dtype)} are {size} bytes, more than max_bytes = {max_bytes}"
        )
    if available is not None and size > available:
        raise FileFormatError(f"truncated: the voxels need {size} bytes, there are {max(available, 0)}")
    return size


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path in a temporary folder; what is written there goes to ``target`` when all is done.

    The file named like the target goes last: it may refer to the others.
    """
    folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        yield folder / target.name
        umask = os.umask(0)
        os.umask(umask)
        for written in sorted(folder.iterdir(), key=lambda p: p.name == target.name):
            if written.is_dir():
                written.chmod(0o777 & ~umask)
                if target.is_dir():
                    target.rmdir()
            else:
                written.chmod(0o666 & ~umask)
            written.replace(target.parent / written.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
