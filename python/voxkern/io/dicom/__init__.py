# SPDX-License-Identifier: Apache-2.0
"""DICOM through pydicom: any folder of files to one volume, or an error that says why not.

Data takes one way, in two stages.

1. Reading: a source (`_source`) becomes a file with tags (`_file`), the tags become a record (`_header`) and
   frames (`_frames`). `_vendor` knows private elements. `_details` reads on demand what few series need.
   Only these modules ask for an element, through `_tags`.
2. Building, from records alone: frames of one kind (`_series`) become a stack with a geometry (`_stack`), a
   stack becomes values in one array (`_scaling`, `_suv`, `_pixels`, `_codec`) and a `Volume` (`_volume`).
   `_repair` mends on request.
"""

from ._load import list_dicom, load_dicom
from ._series import SeriesInfo

__all__ = ["SeriesInfo", "list_dicom", "load_dicom"]
