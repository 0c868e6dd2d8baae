# SPDX-License-Identifier: Apache-2.0
"""The resample kernel itself, as its tests call it."""

import numpy as np

from voxkern import _core
from voxkern._runtime.validate import INTERPOLATION_MODES


def run(backend, x, coordinates, order, mode, cval=0.0, dtype=None, prefilter=True, cells=None, **more):
    """Return what the kernel itself makes of ``x`` at coordinates that no grid has."""
    cells = cells or [0.0] * len(coordinates)
    axes = [
        _core.AxisSampling(np.asarray(c, float), cell=cell)
        for c, cell in zip(coordinates, cells, strict=True)
    ]
    out = backend.empty(tuple(len(c) for c in coordinates), np.dtype(dtype or x.dtype))
    options = _core.ResampleOptions(
        kernel=order, mode=INTERPOLATION_MODES[mode], cval=cval, prefilter=prefilter, **more
    )
    backend.kernels.resample(backend.give(x), out, axes, options, backend.last_argument())
    return backend.take(out)
