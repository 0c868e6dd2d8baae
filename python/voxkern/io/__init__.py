# SPDX-License-Identifier: Apache-2.0
"""Files to volumes and back."""

from ._load import is_dicom, list_series, load, open_study
from ._save import save

__all__ = ["is_dicom", "list_series", "load", "open_study", "save"]
