# SPDX-License-Identifier: Apache-2.0
"""MINC 1 and 2, Analyze and NIfTI pairs, MGH: through nibabel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._runtime.optional import import_or_explain
from .._space.volume import Volume
from ._guard import check_size, reading
from ._options import Options

_AXES = ("time", "vector", "axis 6", "axis 7")


def load_nibabel(path: Path, options: Options) -> Volume:
    """Load what nibabel reads: axes as stored, values scaled to float32 where the file scales them."""
    nib = import_or_explain("nibabel")
    with reading(path, "medical image"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with _opened(nib, path) as image:
            return _volume(image, options)


def _volume(image: Any, options: Options) -> Volume:
    """Read the voxels of an image of nibabel."""
    kind = type(image).__name__
    check_size(image.shape, image.get_data_dtype(), options.max_bytes)
    proxy = image.dataobj
    if "Minc" in kind:
        # MINC scales slice by slice with float64 ranges; whole numbers on disk need not be whole values.
        data = _spatial_first(np.asarray(proxy, np.float64).astype(np.float32), image)
    elif getattr(proxy, "slope", 1.0) != 1.0 or getattr(proxy, "inter", 0.0) != 0.0:
        data = np.asarray(image.get_fdata(caching="unchanged", dtype=np.float32))
    else:
        data = np.asanyarray(proxy)
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    while data.ndim < 3:
        data = data[..., np.newaxis]
    names = _AXES[: data.ndim - 3]
    if data.dtype.names:  # colours, which are records
        data = np.ascontiguousarray(data)[..., np.newaxis].view(np.uint8)
        names += ("channel",)
    source = next((name for name, word in _SOURCES.items() if word in kind), "nifti")
    meta: dict[str, Any] = {"source": source}
    if source == "analyze":
        meta["orientation"] = "unknown"
    if data.ndim > 3:
        meta["axes"] = names
        meta["axis_values"] = tuple(tuple(range(n)) for n in data.shape[3:])
    return Volume(data, np.asarray(image.affine, np.float64), meta)


@contextmanager
def _opened(nib: Any, path: Path) -> Iterator[Any]:
    """Open an image; nibabel never closes an MGH file that it opens itself."""
    if path.suffix.lower() not in (".mgh", ".mgz"):
        yield nib.load(path)
        return
    with nib.openers.ImageOpener(path) as file:
        yield nib.MGHImage.from_file_map({"image": nib.FileHolder(fileobj=file)}, mmap=False)


_SOURCES = {"minc": "Minc", "mgh": "MGH", "analyze": "Analyze"}


def _spatial_first(data: Any, image: Any) -> Any:
    """Move MINC's time and vector axes behind the spatial ones, which the affine is about."""
    names = getattr(image.dataobj.minc_file, "_dim_names", [""] * data.ndim)
    spatial = [a for a, name in enumerate(names) if str(name).endswith("space")]
    if len(spatial) != 3:
        return data
    return data.transpose(*spatial, *(a for a in range(data.ndim) if a not in spatial))
