# SPDX-License-Identifier: Apache-2.0
"""DICOM through pydicom: any folder of files to one volume, or an error that says why not.

Data takes one way, in two stages.

1. Reading: a source (`_source`) becomes a file with tags (`_file`, by `_elements`), the tags become a record
   (`_header`) and frames (`_frames`). `_vendor` knows private elements. `_details` reads on demand what few
   series need. Only these modules ask for an element, through `_tags`.
2. Building, from records alone: frames of one kind (`_series`, `_kinds`) become a stack with a geometry
   (`_stack`), a stack becomes values in one array (`_scaling`, `_suv`, `_pixels`, `_codec`) and a `Volume`
   (`_volume`). `_repair` mends on request, `_seg` puts segments together.

A `Study` (`_study`) holds the records: the first stage is done once, the second for each volume asked for.
"""

from ._series import SeriesInfo
from ._study import Study, load_dicom, open_dicom

__all__ = ["SeriesInfo", "Study", "load_dicom", "open_dicom"]
