# SPDX-License-Identifier: Apache-2.0
"""What voxkern tells without being asked: warnings, and remarks to ``logging.getLogger("voxkern")``.

Neither names a patient, nor a file that the caller did not name.
"""

from __future__ import annotations

import logging
import sys
import warnings

from .errors import VoxkernWarning

LOG = logging.getLogger("voxkern")

_PACKAGE = __name__.partition(".")[0]


def warn(message: str, kind: type[VoxkernWarning]) -> None:
    """Warn at the line outside this package that called it."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, kind, stacklevel=level)
