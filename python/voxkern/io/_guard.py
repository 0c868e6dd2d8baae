# SPDX-License-Identifier: Apache-2.0
"""What every reader and writer shares: typed errors, warnings, size limits, atomic files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.errors import FileFormatError, LoadWarning, MissingPackageError
from .._runtime.files import writing
from .._runtime.signals import warn as _warn

_LONGEST = 300  # characters of what another library says

__all__ = ["check_size", "reading", "warn", "writing"]


def warn(message: str, kind: type[LoadWarning] = LoadWarning) -> None:
    """Warn about a file at the line outside this package that asked for it."""
    _warn(message, kind)


@contextmanager
def reading(path: Path, what: str, name: str = "") -> Iterator[None]:
    """Turn whatever a library raises over the bytes of ``path`` into one typed error; ``name`` is in it."""
    name = name or str(path)
    try:
        yield
    except FileNotFoundError as error:
        other = Path(error.filename or path).name != path.name
        raise FileFormatError(
            f"{name}: a file that it names is missing" if other else f"{name}: no such file"
        ) from None
    except MissingPackageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        known = name == str(path)
        if not known:  # the caller gave the folder alone
            reason = reason.replace(str(path), "it").replace(path.name, "it")
        reason = reason if len(reason) < _LONGEST else f"{reason[:_LONGEST]}..."  # some quote the file itself
        raise FileFormatError(f"{name}: not a readable {what} file: {reason}") from error if known else None


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
