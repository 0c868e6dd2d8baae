# SPDX-License-Identifier: Apache-2.0
"""Drop-in functions for ``scipy.ndimage``: its names, arguments, modes, dtypes and exceptions.

Each function takes one more keyword, ``threads``, and gives a `Volume` for a `Volume`. Filters of float64
and integers give scipy's bits (`uniform_filter` of float64 within rounding), interpolation of them agrees
to 1e-12; float32 input is computed in float32. Rank filters select samples and never round them.

Every other function of ``scipy.ndimage`` is scipy's own, where scipy is installed: it is imported when one of
them is named, not before. These take no ``threads``, and of a `Volume` the voxels alone: an array comes back.
"""

from typing import Any

from . import _scipy
from ._coordinates import affine_transform, geometric_transform, map_coordinates, rotate
from ._correlate import convolve, correlate
from ._derivatives import (
    gaussian_gradient_magnitude,
    gaussian_laplace,
    generic_gradient_magnitude,
    generic_laplace,
    laplace,
    prewitt,
    sobel,
)
from ._distance import distance_transform_bf, distance_transform_cdt, distance_transform_edt
from ._extrema import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from ._filters import (
    convolve1d,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    uniform_filter,
    uniform_filter1d,
)
from ._grey import (
    black_tophat,
    grey_closing,
    grey_dilation,
    grey_erosion,
    grey_opening,
    morphological_gradient,
    morphological_laplace,
    white_tophat,
)
from ._grouping import find_objects, histogram, labeled_comprehension, value_indices
from ._interpolation import shift, spline_filter, spline_filter1d, zoom
from ._label import label
from ._measurements import (
    center_of_mass,
    extrema,
    maximum,
    maximum_position,
    mean,
    median,
    minimum,
    minimum_position,
    standard_deviation,
    sum,
    sum_labels,
    variance,
)
from ._morphology import (
    binary_closing,
    binary_dilation,
    binary_erosion,
    binary_fill_holes,
    binary_hit_or_miss,
    binary_opening,
    binary_propagation,
    iterate_structure,
)
from ._ranks import median_filter, percentile_filter, rank_filter
from ._structure import generate_binary_structure

__all__ = [
    "affine_transform",
    "binary_closing",
    "binary_dilation",
    "binary_erosion",
    "binary_fill_holes",
    "binary_hit_or_miss",
    "binary_opening",
    "binary_propagation",
    "black_tophat",
    "center_of_mass",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "distance_transform_bf",
    "distance_transform_cdt",
    "distance_transform_edt",
    "extrema",
    "find_objects",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generate_binary_structure",
    "generic_gradient_magnitude",
    "generic_laplace",
    "geometric_transform",
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "histogram",
    "iterate_structure",
    "label",
    "labeled_comprehension",
    "laplace",
    "map_coordinates",
    "maximum",
    "maximum_filter",
    "maximum_filter1d",
    "maximum_position",
    "mean",
    "median",
    "median_filter",
    "minimum",
    "minimum_filter",
    "minimum_filter1d",
    "minimum_position",
    "morphological_gradient",
    "morphological_laplace",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "rotate",
    "shift",
    "sobel",
    "spline_filter",
    "spline_filter1d",
    "standard_deviation",
    "sum",
    "sum_labels",
    "uniform_filter",
    "uniform_filter1d",
    "value_indices",
    "variance",
    "white_tophat",
    "zoom",
]


def __getattr__(name: str) -> Any:
    return _scipy.attribute(name, __name__)


def __dir__() -> list[str]:
    return _scipy.names(__all__)
