# SPDX-License-Identifier: Apache-2.0
"""Packages of the extras: imported where they are used, named where they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingPackageError


def import_or_explain(package: str, extra: str = "io") -> Any:
    """Import ``package``, or say which extra brings it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{package} is needed here: pip install 'voxkern[{extra}]' ({error})"
        ) from error
