# SPDX-License-Identifier: Apache-2.0
"""The rest of ``scipy.ndimage``: scipy's own functions, where scipy is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

_NAMES = """
affine_transform binary_closing binary_dilation binary_erosion binary_fill_holes binary_hit_or_miss
binary_opening binary_propagation black_tophat center_of_mass convolve convolve1d correlate correlate1d
distance_transform_bf distance_transform_cdt distance_transform_edt extrema find_objects fourier_ellipsoid
fourier_gaussian fourier_shift fourier_uniform gaussian_filter gaussian_filter1d
gaussian_gradient_magnitude gaussian_laplace generate_binary_structure generic_filter generic_filter1d
generic_gradient_magnitude generic_laplace geometric_transform grey_closing grey_dilation grey_erosion
grey_opening histogram iterate_structure label labeled_comprehension laplace map_coordinates maximum
maximum_filter maximum_filter1d maximum_position mean median median_filter minimum minimum_filter
minimum_filter1d minimum_position morphological_gradient morphological_laplace percentile_filter prewitt
rank_filter rotate shift sobel spline_filter spline_filter1d standard_deviation sum sum_labels
uniform_filter uniform_filter1d value_indices variance vectorized_filter watershed_ift white_tophat zoom
"""
FUNCTIONS = frozenset(_NAMES.split())
"""All functions of ``scipy.ndimage`` 1.17, ours among them."""


def attribute(name: str, package: str) -> Any:
    """Return scipy's function of this name, or raise the AttributeError of ``package``."""
    message = f"module {package!r} has no attribute {name!r}"
    if not name.startswith("_"):
        try:
            scipy = import_module("scipy.ndimage")
        except ImportError as error:
            if name in FUNCTIONS:
                message += f": it is scipy's own function, and scipy is not here ({error}): pip install scipy"
        else:
            if name in scipy.__all__:
                return getattr(scipy, name)
            if name in FUNCTIONS:
                message += f", nor has the installed scipy.ndimage: pip install {'scipy>=1.17'!r}"
    raise AttributeError(message, name=name, obj=sys.modules[package])


def names(ours: Iterable[str]) -> list[str]:
    """Return what can be named: ours, and scipy's where it is installed. Nothing is imported to know it."""
    return sorted({*ours, *(FUNCTIONS if find_spec("scipy") else ())})
