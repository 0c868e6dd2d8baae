# SPDX-License-Identifier: Apache-2.0
"""``preprocess``: from a scan to an array a network can take, in one call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ._errors import ArgumentError, ArgumentTypeError
from ._intensity import zscore
from ._resample import make_grid, resample_onto
from ._validate import kernel_array
from ._volume import Volume, reorient
from .io import load, save

NORMALIZATIONS = ("none", "zscore")

StepCallback = Callable[[str, float | None, Volume | None], None]


def preprocess(
    source: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    series: str | None = None,
    orient: str | None = "RAS",
    spacing: Any = None,
    order: int = 3,
    antialias: bool = False,
    normalize: str = "none",
    threads: int | None = None,
    on_step: StepCallback | None = None,
) -> Volume:
    """Load, reorient, resample, normalise and save, in that order; every step is optional.

    Parameters
    ----------
    source : path, list of files or Datasets, or Volume
        What to process; see `load`.
    output : path, optional
        Where to save; see `save`. None: only return the result.
    series : str, optional
        Which of several DICOM series.
    orient : str or None
        Orientation of the result, as in `reorient`; None keeps the axes.
    spacing : float or sequence, optional
        Millimetres of the result's voxels, in the order of its axes; the field of view is kept.
    order : int
        Spline order of the interpolation.
    antialias : bool
        Smooth before losing samples; see `resample`.
    normalize : {"none", "zscore"}
        ``zscore``: mean 0 and standard deviation 1 over the volume.
    threads : int, optional
        Default: see `set_num_threads`.
    on_step : callable, optional
        Called as ``on_step(name, None, None)`` when a step starts and
        ``on_step(name, seconds, volume)`` when it ends.

    Returns
    -------
    Volume
        float32 where it was interpolated (order above 0) or normalised, else the input's dtype.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scan = vk.Volume(np.random.default_rng(0).random((10, 64, 64)), np.diag([4.0, 0.5, 0.5, 1.0]))
    >>> vk.preprocess(scan, spacing=1.0, order=1, normalize="zscore")
    Volume(shape=(40, 32, 32), dtype=float32, spacing=1 x 1 x 1 mm, orientation='RAS')
    """
    if normalize not in NORMALIZATIONS:
        raise ArgumentError(f"normalize: got {normalize!r}, allowed {', '.join(NORMALIZATIONS)}")

    def step(name: str, action: Callable[[], Any]) -> Any:
        if on_step is not None:
            on_step(name, None, None)
        start = time.perf_counter()
        result = action()
        if on_step is not None:
            seconds = time.perf_counter() - start
            on_step(name, seconds, result if isinstance(result, Volume) else None)
        return result

    if isinstance(source, Volume):
        if series is not None:
            raise ArgumentTypeError("series: got a Volume as source, allowed only with DICOM files")
        volume = source
    else:
        volume = step("load", lambda: load(source, series=series))
    if orient is not None:
        volume = step("reorient", lambda: reorient(volume, orient))
    if spacing is not None:
        volume = step("resample", lambda: _resample(volume, spacing, order, antialias, threads))
    if normalize == "zscore":
        volume = step("normalise", lambda: zscore(volume))
    if output is not None:
        step("save", lambda: save(volume, output))
    return volume


def _resample(volume: Volume, spacing: Any, order: int, antialias: bool, threads: int | None) -> Volume:
    array = kernel_array(volume.data, "source")
    grid = make_grid(array.shape, volume.affine, spacing=spacing)
    # Rounding interpolated values to integers would cost what normalisation is about to use.
    dtype = np.promote_types(array.dtype, np.float32) if order > 0 else array.dtype
    dtype = np.dtype(np.float32) if array.dtype.kind in "iub" and order > 0 else dtype
    data = resample_onto(
        array,
        grid,
        None,
        dtype=dtype,
        order=order,
        mode="nearest",
        antialias=antialias,
        threads=threads,
    )
    return volume.with_data(data, grid.affine(volume.affine))
