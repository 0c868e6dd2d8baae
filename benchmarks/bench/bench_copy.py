# SPDX-License-Identifier: Apache-2.0
"""copy: strided arrays into another dtype, as other kernels use it."""

import numpy as np
import pytest

from voxkern import _core
from voxkern.reference.copy import copy as reference


@pytest.mark.parametrize("dtype", ["int16", "float64"])
@pytest.mark.benchmark(group="copy")
def test_copy(timed, volume, threads, dtype):
    part = np.ascontiguousarray(volume[:20, :20, :20])
    small = np.empty(part.shape, dtype)
    _core.copy(part, small, threads)
    out = np.empty(volume.shape, dtype)
    timed(lambda: _core.copy(volume, out, threads), small, reference(part, dtype), 0.0)
