# SPDX-License-Identifier: Apache-2.0
"""Fast, exact kernels for 3D medical images.

``load`` -> `Volume` -> function -> ``save``. Functions take a `Volume` or a bare array and return
the same kind; `voxkern.ndimage` holds drop-in functions for ``scipy.ndimage``.
"""

import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._core import __version__
from ._runtime.config import cuda_available, get_num_threads, set_num_threads, show_config
from ._runtime.errors import (
    ArgumentError,
    ArgumentTypeError,
    CudaUnavailableError,
    FileFormatError,
    GeometryError,
    GeometryWarning,
    IntensityWarning,
    IrregularSpacingError,
    LoadError,
    LoadWarning,
    MissingPackageError,
    NoImagesError,
    SaveError,
    SeveralSeriesError,
    UnsupportedSeriesError,
    VoxkernError,
    VoxkernWarning,
)
from ._runtime.memory import release_memory, set_cache_limit
from ._space.meta import SCHEMA as META_SCHEMA
from ._space.volume import Volume, reorient

if TYPE_CHECKING:
    from . import compat, ndimage, nn
    from ._app.plot import plot
    from ._app.preprocess import preprocess
    from ._app.view import view
    from ._ops.agreement import dice, hausdorff_distance, mean_surface_distance
    from ._ops.components import fill_holes, largest_component
    from ._ops.contours import Contour, contours
    from ._ops.distance import signed_distance
    from ._ops.gaussian import gaussian
    from ._ops.hessian import hessian_eigenvalues, vesselness
    from ._ops.intensity import clip_percentiles, window, window_to_uint8, zscore
    from ._ops.isosurface import Surface, surface
    from ._ops.label_statistics import LabelStatistics, label_statistics
    from ._ops.measure import bounding_box, crop_to_nonzero, otsu, percentiles
    from ._ops.morphology import closing, dilate, erode, opening
    from ._ops.n4 import N4_PRESETS, N4Details, N4Iteration, n4_bias_field_correction
    from ._ops.resample import ResamplePlan, resample
    from ._ops.resample_labels import resample_argmax, resample_labels
    from ._ops.warp import push, warp
    from .compat.scipy import patch_scipy
    from .io import list_series, load, open_study, save
    from .io.dicom import SeriesInfo, Study

__all__ = [
    "META_SCHEMA",
    "N4_PRESETS",
    "ArgumentError",
    "ArgumentTypeError",
    "Contour",
    "CudaUnavailableError",
    "FileFormatError",
    "GeometryError",
    "GeometryWarning",
    "IntensityWarning",
    "IrregularSpacingError",
    "LabelStatistics",
    "LoadError",
    "LoadWarning",
    "MissingPackageError",
    "N4Details",
    "N4Iteration",
    "NoImagesError",
    "ResamplePlan",
    "SaveError",
    "SeriesInfo",
    "SeveralSeriesError",
    "Study",
    "Surface",
    "UnsupportedSeriesError",
    "Volume",
    "VoxkernError",
    "VoxkernWarning",
    "__version__",
    "bounding_box",
    "clip_percentiles",
    "closing",
    "compat",
    "contours",
    "crop_to_nonzero",
    "cuda_available",
    "dice",
    "dilate",
    "erode",
    "fill_holes",
    "gaussian",
    "get_num_threads",
    "hausdorff_distance",
    "hessian_eigenvalues",
    "label_statistics",
    "largest_component",
    "list_series",
    "load",
    "mean_surface_distance",
    "n4_bias_field_correction",
    "ndimage",
    "nn",
    "open_study",
    "opening",
    "otsu",
    "patch_scipy",
    "percentiles",
    "plot",
    "preprocess",
    "push",
    "release_memory",
    "reorient",
    "resample",
    "resample_argmax",
    "resample_labels",
    "save",
    "set_cache_limit",
    "set_num_threads",
    "show_config",
    "signed_distance",
    "surface",
    "vesselness",
    "view",
    "warp",
    "window",
    "window_to_uint8",
    "zscore",
]

_LOADED_WHEN_NAMED = {
    "Contour": "_ops.contours",
    "LabelStatistics": "_ops.label_statistics",
    "N4Details": "_ops.n4",
    "N4Iteration": "_ops.n4",
    "N4_PRESETS": "_ops.n4",
    "ResamplePlan": "_ops.resample",
    "SeriesInfo": "io.dicom",
    "Study": "io.dicom",
    "Surface": "_ops.isosurface",
    "bounding_box": "_ops.measure",
    "clip_percentiles": "_ops.intensity",
    "closing": "_ops.morphology",
    "compat": "compat",
    "contours": "_ops.contours",
    "crop_to_nonzero": "_ops.measure",
    "dice": "_ops.agreement",
    "dilate": "_ops.morphology",
    "erode": "_ops.morphology",
    "fill_holes": "_ops.components",
    "gaussian": "_ops.gaussian",
    "hausdorff_distance": "_ops.agreement",
    "hessian_eigenvalues": "_ops.hessian",
    "io": "io",
    "label_statistics": "_ops.label_statistics",
    "largest_component": "_ops.components",
    "list_series": "io",
    "load": "io",
    "mean_surface_distance": "_ops.agreement",
    "n4_bias_field_correction": "_ops.n4",
    "ndimage": "ndimage",
    "nn": "nn",
    "open_study": "io",
    "opening": "_ops.morphology",
    "otsu": "_ops.measure",
    "patch_scipy": "compat.scipy",
    "percentiles": "_ops.measure",
    "plot": "_app.plot",
    "preprocess": "_app.preprocess",
    "push": "_ops.warp",
    "resample": "_ops.resample",
    "resample_argmax": "_ops.resample_labels",
    "resample_labels": "_ops.resample_labels",
    "save": "io",
    "signed_distance": "_ops.distance",
    "surface": "_ops.isosurface",
    "vesselness": "_ops.hessian",
    "view": "_app.view",
    "warp": "_ops.warp",
    "window": "_ops.intensity",
    "window_to_uint8": "_ops.intensity",
    "zscore": "_ops.intensity",
}

# A fork waits for a module that another thread is loading: its child would wait for that thread for ever.
_loading = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
    )


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _loading:
        module = import_module(f".{_LOADED_WHEN_NAMED[name]}", __name__)
    globals()[name] = module if name == _LOADED_WHEN_NAMED[name] else getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
