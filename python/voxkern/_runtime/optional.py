# SPDX-License-Identifier: Apache-2.0
"""Packages of the extras: imported where they are used, named where they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingPackageError


def import_or_explain(package: str, extra: str | None = "io") -> Any:
    """Import ``package``, or say which extra brings it; None: it is a package to install by itself."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        wanted = package if extra is None else f"'voxkern[{extra}]'"
        raise MissingPackageError(f"{package} is needed here: pip install {wanted} ({error})") from error


def find_or_explain(package: str, extra: str) -> None:
    """Say which extra brings ``package`` where it is missing, without the time an import takes."""
    import importlib.util  # a tenth of the time that importing voxkern takes

    try:
        found = importlib.util.find_spec(package) is not None
    except ValueError:  # None stands in sys.modules
        found = False
    if not found:
        raise MissingPackageError(f"{package} is needed here: pip install 'voxkern[{extra}]'")
