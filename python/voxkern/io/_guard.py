# SPDX-License-Identifier: Apache-2.0
"""What every reader and writer shares: typed errors, warnings, size limits, atomic files."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.errors import FileFormatError, MissingPackageError
from .._runtime.files import writing

__all__ = ["check_size", "reading", "warn", "writing"]

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
