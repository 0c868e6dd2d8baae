# SPDX-License-Identifier: Apache-2.0
"""Drop-in functions for ``scipy.ndimage``: its names, arguments, modes, dtypes and exceptions.

Each function takes one more keyword, ``threads``, and gives a `Volume` for a `Volume`. Filters of float64
and integers give scipy's bits (`uniform_filter` of float64 within rounding), interpolation of them agrees
to 1e-12; float32 input is computed in float32. Rank filters select samples and never round them.
"""

from ._coordinates import affine_transform, geometric_transform, map_coordinates, rotate
from ._filters import (
    convolve1d,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    uniform_filter,
    uniform_filter1d,
)
from ._interpolation import shift, spline_filter, spline_filter1d, zoom
from ._ranks import median_filter, percentile_filter, rank_filter

__all__ = [
    "affine_transform",
    "convolve1d",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "geometric_transform",
    "map_coordinates",
    "median_filter",
    "percentile_filter",
    "rank_filter",
    "rotate",
    "shift",
    "spline_filter",
    "spline_filter1d",
    "uniform_filter",
    "uniform_filter1d",
    "zoom",
]
