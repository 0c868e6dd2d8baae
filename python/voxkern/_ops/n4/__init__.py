# SPDX-License-Identifier: Apache-2.0
"""N4 bias field correction: `settings` -> `plan` -> `run`."""

from .run import check_settings, n4_bias_field_correction
from .settings import N4_PRESETS, N4Callback, correction_settings
from .trace import N4Details, N4Iteration

__all__ = [
    "N4_PRESETS",
    "N4Callback",
    "N4Details",
    "N4Iteration",
    "check_settings",
    "correction_settings",
    "n4_bias_field_correction",
]
