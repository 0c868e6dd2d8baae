# SPDX-License-Identifier: Apache-2.0
"""Adapters to other libraries. One is loaded when it is named, and imports the other library when called."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import scipy

__all__ = ["scipy"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)


def __dir__() -> list[str]:
    return sorted(__all__)
