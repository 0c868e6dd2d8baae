# SPDX-License-Identifier: Apache-2.0
"""spline_filter: cubic coefficients of a volume."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

from voxkern import ndimage


@pytest.mark.benchmark(group="spline_filter")
def test_spline_filter(timed, volume, threads):
    part = np.ascontiguousarray(volume[:40, :40, :40])
    timed(
        lambda: ndimage.spline_filter(volume, output=np.float32, threads=threads),
        ndimage.spline_filter(part, output=np.float32, threads=threads),
        scipy_ndimage.spline_filter(part, output=np.float32),
        1e-5,
    )
