# SPDX-License-Identifier: Apache-2.0
"""``preprocess``: from a scan to an array a network can take, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._ops.intensity import zscore
from .._ops.n4 import check_settings, correction_settings, n4_bias_field_correction
from .._ops.resample import ResamplePlan
from .._runtime import validate
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import as_volume
from .._runtime.optional import require
from .._runtime.texts import documented
from .._space.geometry import axes_to
from .._space.grid import make_grid
from .._space.volume import Volume, reorient
from ..io import checked_file, checked_target, load, save
from .steps import StepCallback, Steps

NORMALIZATIONS = ("none", "zscore")


@documented
def preprocess(
    source: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    load_options: Mapping[str, Any] | None = None,
    n4: bool | str | Mapping[str, Any] = False,
    mask: Any = None,
    orient: str | None = "RAS",
    spacing: Any = None,
    order: int | str = 3,
    convention: str | None = None,
    antialias: bool = False,
    normalize: str = "none",
    format: str | None = None,
    report: str | os.PathLike[str] | None = None,
    overwrite: bool = True,
    threads: int | None = None,
    on_step: StepCallback | None = None,
) -> Volume:
    """Load, correct the bias field, reorient, resample, normalise and save, in that order.

    Every step is optional. What can be told of the arguments without the voxels is checked before anything is
    loaded: where the results go, packages, spacing, orientation, settings, threads.

    Parameters
    ----------
    source : path, list of files or Datasets, or Volume
        What to process; see `load`. A nibabel or SimpleITK image is a Volume, too.
    output : path, optional
        Where to save; see `save`. None: only return the result.
    load_options : mapping, optional
        Keyword arguments of `load`, such as ``{"series": uid, "untilt": True}``.
    n4 : bool, str or mapping
        Correct the bias field of an MR scan: True for the whole resolution within Otsu's mask, a name
        of `N4_PRESETS`, or keyword arguments of `n4_bias_field_correction`.
    mask : path, Volume or array_like, optional
        Non-zero voxels count, for N4 (in place of Otsu's mask) and for the z-score. On the grid of the
        scan; axes in another order or direction are turned. It follows the scan onto the new grid.
    orient : str or None
        Orientation of the result, as in `reorient`; None keeps the axes.
    spacing : float or sequence, optional
        Millimetres of the result's voxels, in the order of its axes.
    {resample_order}
    {convention}
    antialias : bool
        Smooth before losing samples; see `resample`.
    normalize : {"none", "zscore"}
        ``zscore``: mean 0 and standard deviation 1 over the volume, or over the mask.
    format : {"dicom", "png"}, optional
        What to write where ``output`` is a folder; see `save`.
    report : path, optional
        Where to write an HTML page with pictures, histograms, geometry, settings and timings; it holds
        no path and no identity. Needs matplotlib, the ``report`` extra.
    overwrite : bool
        Whether what is at ``output`` and ``report`` already may be replaced; see `save`.
    {threads}
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
    validate.word(normalize, "normalize", NORMALIZATIONS)
    correction = correction_settings(n4)
    if correction is not None:
        check_settings(correction)
    validate.thread_count(threads)
    if orient is not None:
        axes_to("RAS", orient)
    check_order(order)
    plan = {"spacing": spacing, "order": order, "convention": convention, "antialias": antialias}
    if spacing is not None:
        make_grid((2, 2, 2), np.eye(4), spacing=spacing, convention=convention)
    target = None if output is None else checked_target(output, format=format, overwrite=overwrite)[0]
    if report is not None:
        if checked_file(report, "report", overwrite=overwrite) == target:
            raise ArgumentError("report: got the file of output, allowed another")
        require("matplotlib", "report")

    step = Steps(on_step)
    source = as_volume(source)
    if isinstance(source, Volume):
        if load_options:
            raise ArgumentTypeError("load_options: got a Volume as source, allowed only with files")
        volume = source
    else:
        volume = step("load", lambda: load(source, **(load_options or {})))
    before, field, inside = volume, None, None
    if mask is not None:
        inside = step("mask", lambda: _mask_on(mask, before))
    if correction is not None:
        options = {**correction, "return_field": report is not None, "threads": threads}
        if inside is not None:
            options["mask"], correction["mask"] = inside, "given"
        corrected = step("n4", lambda: n4_bias_field_correction(volume, **options))
        volume, field = corrected if report is not None else (corrected, None)
    if orient is not None:
        volume = step("reorient", lambda: reorient(volume, orient))
        inside = None if inside is None else reorient(inside, orient)
    if spacing is not None:
        volume = step("resample", lambda: _resample(volume, plan, threads))
        if inside is not None and normalize == "zscore":
            where, nearest = inside, {**plan, "order": "nearest", "antialias": False}
            inside = step("mask", lambda: _resample(where, nearest, threads))
    if normalize == "zscore":
        volume = step("normalise", lambda: zscore(volume, _for_all_times(inside, volume), threads=threads))
    if output is not None:
        step("save", lambda: save(volume, output, format=format, overwrite=overwrite))
    if report is not None:
        settings = {
            "n4": "no" if correction is None else _described(correction),
            "orient": orient or "kept",
            "spacing": "kept" if spacing is None else f"{spacing} mm, order {order}",
            "antialias": "yes" if antialias else "no",
            "normalize": normalize,
        }
        step("report", lambda: _report(report, before, volume, field, settings, step.timings))
    return volume


def check_order(order: Any) -> None:
    """Refuse an ``order`` that `resample` does not take."""
    if order != "area":
        validate.interpolator(order)


def _report(
    report: Any, before: Volume, after: Volume, field: Volume | None, settings: Any, timings: Any
) -> None:
    from .report import write_report  # and matplotlib

    write_report(report, before, after, field=field, settings=settings, timings=timings)


def _mask_on(mask: Any, scan: Volume) -> Volume:
    """Return a mask as a volume of bool on the first three axes of a scan."""
    mask = load(mask) if isinstance(mask, str | os.PathLike) else as_volume(mask)
    if isinstance(mask, Volume):
        mask = reorient(mask, scan.orientation)
        if not np.allclose(mask.affine, scan.affine, atol=1e-2):
            raise ArgumentError("mask: got another geometry than the scan, allowed its affine within 0.01 mm")
    voxels = np.asarray(mask)
    if voxels.shape != scan.shape[:3]:
        raise ArgumentError(f"mask: got shape {voxels.shape}, allowed {scan.shape[:3]}")
    return Volume(voxels != 0, scan.affine)


def _for_all_times(mask: Volume | None, volume: Volume) -> Any:
    """Return the mask for every index of the axes after the third."""
    if mask is None or volume.ndim == 3:
        return mask
    return np.broadcast_to(mask.data.reshape(*mask.shape, *(1,) * (volume.ndim - 3)), volume.shape)


def _described(settings: Mapping[str, Any]) -> str:
    plain = {k: v for k, v in settings.items() if isinstance(v, str | int | float | tuple | list)}
    return ", ".join(f"{k} = {v}" for k, v in plain.items()) or "defaults"


def _resample(volume: Volume, plan: Mapping[str, Any], threads: int | None) -> Volume:
    # Rounding interpolated values to integers would cost what normalisation is about to use.
    dtype = volume.dtype.newbyteorder("=")
    if validate.spline_order(plan["order"]) != 0:
        dtype = np.promote_types(np.float32 if dtype.kind in "iub" else dtype, np.float32)
    result: Volume = ResamplePlan(volume, mode="nearest", **plan)(volume, dtype=dtype, threads=threads)
    return result
