# SPDX-License-Identifier: Apache-2.0
"""Files to volumes and back."""

from ._load import is_dicom, list_series, load, open_study
from ._save import checked_target, save
from .formats import FOLDERS

__all__ = [
    "FOLDERS",
    "checked_target",
    "is_dicom",
    "list_series",
    "load",
    "open_study",
    "save",
]
