# SPDX-License-Identifier: Apache-2.0
"""``preprocess``: from a scan to an array a network can take, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._ops.intensity import zscore
from .._ops.n4 import correction_settings, n4_bias_field_correction
from .._ops.resample import ResamplePlan
from .._runtime import validate
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import as_volume
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._space.volume import Volume, reorient
from ..io import load, save
from .steps import StepCallback, Steps

NORMALIZATIONS = ("none", "zscore")


@documented
def preprocess(
    source: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    load_options: Mapping[str, Any] | None = None,
    n4: bool | str | Mapping[str, Any] = False,
    orient: str | None = "RAS",
    spacing: Any = None,
    order: int | str = 3,
    convention: str | None = None,
    antialias: bool = False,
    normalize: str = "none",
    report: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    on_step: StepCallback | None = None,
) -> Volume:
    """Load, correct the bias field, reorient, resample, normalise and save, in that order.

    Every step is optional.

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
    orient : str or None
        Orientation of the result, as in `reorient`; None keeps the axes.
    spacing : float or sequence, optional
        Millimetres of the result's voxels, in the order of its axes.
    {resample_order}
    {convention}
    antialias : bool
        Smooth before losing samples; see `resample`.
    normalize : {"none", "zscore"}
        ``zscore``: mean 0 and standard deviation 1 over the volume.
    report : path, optional
        Where to write an HTML page with pictures, histograms, geometry, settings and timings; it holds
        no path and no identity. Needs the ``report`` extra; with the ``view`` extra it holds a viewer.
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
    if normalize not in NORMALIZATIONS:
        raise ArgumentError(f"normalize: got {normalize!r}, allowed {', '.join(NORMALIZATIONS)}")
    correction = correction_settings(n4)
    if report is not None:
        for package in ("jinja2", "PIL"):
            import_or_explain(package, "report")
    step = Steps(on_step)
    source = as_volume(source)
    if isinstance(source, Volume):
        if load_options:
            raise ArgumentTypeError("load_options: got a Volume as source, allowed only with files")
        volume = source
    else:
        volume = step("load", lambda: load(source, **(load_options or {})))
    before, field = volume, None
    if correction is not None:
        options = {**correction, "return_field": report is not None, "threads": threads}
        corrected = step("n4", lambda: n4_bias_field_correction(volume, **options))
        volume, field = corrected if report is not None else (corrected, None)
    if orient is not None:
        volume = step("reorient", lambda: reorient(volume, orient))
    if spacing is not None:
        plan = {"spacing": spacing, "order": order, "convention": convention, "antialias": antialias}
        volume = step("resample", lambda: _resample(volume, plan, threads))
    shown = volume
    if normalize == "zscore":
        volume = step("normalise", lambda: zscore(volume, threads=threads))
    if output is not None:
        step("save", lambda: save(volume, output))
    if report is not None:
        from .report import Job, write_report

        done = {
            "n4": None if correction is None else _described(correction),
            "reorient": orient and f"to {orient}",
            "resample": spacing and _described(plan),
            "normalise": None
            if normalize == "none"
            else "zscore: mean 0, standard deviation 1 over the volume",
        }
        job = Job(before, volume, shown, field, done, step.timings)
        step("report", lambda: write_report(report, job))
    return volume


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
