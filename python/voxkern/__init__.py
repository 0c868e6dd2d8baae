# SPDX-License-Identifier: Apache-2.0
"""Fast, exact kernels for 3D medical images.

``load`` -> `Volume` -> function -> ``save``. Functions take a `Volume` or a bare array and return
the same kind; `voxkern.ndimage` holds drop-in functions for ``scipy.ndimage``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._core import __version__
from ._ops.components import fill_holes, largest_component
from ._ops.distance import signed_distance
from ._ops.gaussian import gaussian
from ._ops.hessian import hessian_eigenvalues, vesselness
from ._ops.intensity import clip_percentiles, window, window_to_uint8, zscore
from ._ops.label_statistics import LabelStatistics, label_statistics
from ._ops.measure import bounding_box, crop_to_nonzero, otsu, percentiles
from ._ops.morphology import closing, dilate, erode, opening
from ._ops.n4 import N4_PRESETS, N4Details, N4Iteration, n4_bias_field_correction
from ._ops.resample import ResamplePlan, resample
from ._ops.resample_labels import resample_argmax, resample_labels
from ._ops.warp import push, warp
from ._runtime.config import cuda_available, get_num_threads, set_num_threads, show_config
from ._runtime.errors import (
    ArgumentError,
    ArgumentTypeError,
    CudaUnavailableError,
    FileFormatError,
    GeometryError,
    IrregularSpacingError,
    LoadError,
    MissingPackageError,
    NoImagesError,
    SeveralSeriesError,
    UnsupportedSeriesError,
    VoxkernError,
)
from ._runtime.memory import release_memory, set_cache_limit
from ._space.meta import SCHEMA as META_SCHEMA
from ._space.volume import Volume, reorient

if TYPE_CHECKING:
    from . import compat, ndimage, nn
    from ._app.preprocess import preprocess
    from .compat.scipy import patch_scipy
    from .io import list_series, load, save

__all__ = [
    "META_SCHEMA",
    "N4_PRESETS",
    "ArgumentError",
    "ArgumentTypeError",
    "CudaUnavailableError",
    "FileFormatError",
    "GeometryError",
    "IrregularSpacingError",
    "LabelStatistics",
    "LoadError",
    "MissingPackageError",
    "N4Details",
    "N4Iteration",
    "NoImagesError",
    "ResamplePlan",
    "SeveralSeriesError",
    "UnsupportedSeriesError",
    "Volume",
    "VoxkernError",
    "__version__",
    "bounding_box",
    "clip_percentiles",
    "closing",
    "compat",
    "crop_to_nonzero",
    "cuda_available",
    "dilate",
    "erode",
    "fill_holes",
    "gaussian",
    "get_num_threads",
    "hessian_eigenvalues",
    "label_statistics",
    "largest_component",
    "list_series",
    "load",
    "n4_bias_field_correction",
    "ndimage",
    "nn",
    "opening",
    "otsu",
    "patch_scipy",
    "percentiles",
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
    "vesselness",
    "warp",
    "window",
    "window_to_uint8",
    "zscore",
]

_LOADED_WHEN_NAMED = {
    "compat": "compat",
    "io": "io",
    "list_series": "io",
    "load": "io",
    "ndimage": "ndimage",
    "nn": "nn",
    "patch_scipy": "compat.scipy",
    "preprocess": "_app.preprocess",
    "save": "io",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_WHEN_NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_LOADED_WHEN_NAMED[name]}", __name__)
    globals()[name] = module if name == _LOADED_WHEN_NAMED[name] else getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
