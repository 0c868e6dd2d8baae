# SPDX-License-Identifier: Apache-2.0
"""spline_filter: samples to B-spline coefficients along every axis."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage

from voxkern import ndimage


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.benchmark(group="spline_filter")
def test_spline_filter(timed, volume, threads, order):
    part = np.ascontiguousarray(volume[:40, :40, :40])
    dtype = volume.dtype if volume.dtype.kind == "f" else np.float64
    timed(
        lambda: ndimage.spline_filter(volume, order, output=dtype, threads=threads),
        ndimage.spline_filter(part, order, output=dtype, threads=threads),
        scipy_ndimage.spline_filter(part, order),
        1e-6,
    )
