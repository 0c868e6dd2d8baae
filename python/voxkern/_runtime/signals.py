# SPDX-License-Identifier: Apache-2.0
"""What voxkern tells without being asked: warnings, and remarks to ``logging.getLogger("voxkern")``.

Neither names a patient, nor a file that the caller did not name.
"""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any

from .errors import VoxkernWarning

DEBUG, INFO = 10, 20  # as in logging, whose import takes as long as all of this package

_PACKAGE = __name__.partition(".")[0]


@functools.cache
def _logger() -> Any:
    return sys.modules["logging"].getLogger(_PACKAGE)


def listening(level: int) -> bool:
    """Tell whether anybody listens to the logger: nobody where `logging` was never imported."""
    return "logging" in sys.modules and bool(_logger().isEnabledFor(level))


def remark(level: int, message: str, *arguments: object) -> None:
    """Tell the logger."""
    if listening(level):
        _logger().log(level, message, *arguments)


def warn(message: str, kind: type[VoxkernWarning]) -> None:
    """Warn at the line outside this package that called it."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, kind, stacklevel=level)
