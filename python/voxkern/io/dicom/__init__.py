# SPDX-License-Identifier: Apache-2.0
"""DICOM through pydicom: any folder of files to one volume, or an error that says why not.

Data takes one way: sources (`_source`) become headers (`_file`), headers become frames (`_frames`), frames
of one kind (`_series`) become a stack with a geometry (`_stack`), a stack becomes values in one array
(`_scaling`, `_pixels`) and a `Volume` (`_volume`). What vendors do differently is in `_vendor`, what is
repaired on request in `_repair`.
"""

from ._load import list_dicom, load_dicom
from ._series import SeriesInfo

__all__ = ["SeriesInfo", "list_dicom", "load_dicom"]
