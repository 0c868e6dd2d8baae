# SPDX-License-Identifier: Apache-2.0
"""``preprocess``: from a scan to an array a network can take, in one call."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from .._ops.intensity import checked_outside, zscore
from .._ops.measure import otsu
from .._ops.n4 import check_settings, correction_settings, n4_bias_field_correction
from .._ops.resample import ResamplePlan, resample
from .._runtime import validate
from .._runtime.backend import host_array
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.files import checked_file
from .._runtime.images import as_volume, same_place
from .._runtime.optional import find_or_explain
from .._runtime.texts import documented
from .._runtime.words import Convention, Normalization
from .._space.geometry import axes_to
from .._space.grid import CONVENTIONS, check_grid, make_grid
from .._space.volume import Volume, reorient
from ..io import checked_target, load, save
from .steps import StepCallback, Steps

NORMALIZATIONS: tuple[str, ...] = get_args(Normalization)
_OTSU_BINS = 200  # as N4's mask has


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
    convention: Convention | None = None,
    antialias: bool = False,
    normalize: Normalization = "none",
    mask: Any = "otsu",
    outside: float | Literal["scaled"] = "scaled",
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
    orient : str or None
        Orientation of the result, as in `reorient`; None keeps the axes.
    spacing : float or sequence, optional
        Millimetres of the result's voxels, in the order of its axes.
    {resample_order}
    {convention}
    antialias : bool
        Smooth before losing samples; see `resample`.
    normalize : {"none", "zscore"}
        ``zscore``: mean 0 and standard deviation 1 over the foreground, that is ``mask``.
    mask : "otsu", Volume, array_like, Path or None
        The foreground for ``normalize``: what is brighter than Otsu's threshold of the volume that is
        normalised; what is not zero in a mask, a Volume on any grid or an array on that of the scan, or
        the Path of a file; None for all voxels. N4 sees a mask that is given in place of Otsu's.
    outside : float or "scaled"
        What voxels outside the foreground become, as in `zscore`: air stays below zero ("scaled"), or all of
        it has one number.
    format : {"dicom", "png"}, optional
        What to write where ``output`` is a folder; see `save`.
    report : path, optional
        Where to write an HTML page with pictures, histograms, geometry, settings and timings; it holds
        no path and no identity. Needs the ``report`` extra; with the ``view`` extra it holds a viewer.
    overwrite : bool
        Whether what is at ``output`` and ``report`` already may be replaced; see `save`.
    {threads}
    on_step : callable, optional
        Called as ``on_step(name, None, None)`` when a step starts and
        ``on_step(name, seconds, volume)`` when it ends.

    Returns
    -------
    Volume
        ``float32`` where it was interpolated (order above 0) or normalised, else the input's dtype.

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
    if isinstance(mask, str):
        validate.word(mask, "mask", ("otsu",))
    elif mask is not None and normalize == "none" and correction is None:
        raise ArgumentError(f"mask: got {_named(mask)}, allowed with n4 or normalize='zscore'")
    checked_outside(outside)
    if load_options is not None:
        _check_load_options(load_options)
    _check_settings(orient, spacing, order, convention, antialias, on_step)
    validate.thread_count(threads)
    target = None if output is None else checked_target(output, format=format, overwrite=overwrite)[0]
    if report is not None:
        if checked_file(report, "report", overwrite=overwrite) == target:
            raise ArgumentError(f"report: got {report}, allowed a file of its own")
        for package in ("jinja2", "PIL"):
            find_or_explain(package, "report")
    step = Steps(on_step)
    if isinstance(mask, os.PathLike):
        file = mask
        mask = step("mask", lambda: load(file))
    source = as_volume(source)
    if isinstance(source, Volume):
        if load_options:
            raise ArgumentTypeError("load_options: got a Volume as source, allowed only with files")
        volume = source
    else:
        volume = step("load", lambda: load(source, **(load_options or {})))
    if spacing is not None:  # what depends on the scan
        turned = volume if orient is None else reorient(volume, orient)
        make_grid(turned.shape, turned.affine, spacing=spacing)
    before, field = volume, None
    foreground = _foreground(mask, volume)
    if correction is not None:
        options = {**correction, "return_field": report is not None, "threads": threads}
        if isinstance(foreground, Volume):
            options["mask"], correction["mask"] = _on_grid(foreground, before, threads), _named(mask)
        corrected = step("n4", lambda: n4_bias_field_correction(volume, **options))
        volume, field = corrected if report is not None else (corrected, None)
    if orient is not None:
        volume = step("reorient", lambda: reorient(volume, orient))
    if spacing is not None:
        plan = {
            "spacing": np.asarray(spacing).tolist(),
            "order": order,
            "convention": convention,
            "antialias": antialias,
        }
        volume = step("resample", lambda: _resample(volume, plan, threads))
    resampled = volume
    if normalize == "zscore":
        volume = step("normalise", lambda: _normalised(volume, foreground, outside, threads))
    if output is not None:
        step("save", lambda: save(volume, output, format=format, overwrite=overwrite))
    if report is not None:
        from .report import Job, write_report

        done = {
            "n4": None if correction is None else _described(correction),
            "reorient": orient and f"to {orient}",
            "resample": None if spacing is None else _described(plan),
            "normalise": None
            if normalize == "none"
            else f"zscore: mean 0, standard deviation 1 over {_named(mask)}, outside {outside}",
        }
        job = Job(before, volume, resampled, field, done, step.timings)
        step("report", lambda: write_report(report, job))
    return volume


def check_order(order: Any) -> None:
    """Refuse an ``order`` that `resample` does not take."""
    validate.interpolator("nearest" if isinstance(order, str) and order == "area" else order)


def _check_load_options(options: Any) -> None:
    if not isinstance(options, Mapping):
        raise ArgumentTypeError(f"load_options: got {type(options).__name__}, allowed a mapping")
    names = [name for name in inspect.signature(load).parameters if name not in ("path", "return_padding")]
    unknown = [name for name in options if name not in names]
    if unknown:
        raise ArgumentError(f"load_options: got {shown(unknown)}, allowed {', '.join(names)}")


def _check_settings(
    orient: Any, spacing: Any, order: Any, convention: Any, antialias: Any, on_step: Any
) -> None:
    """Refuse what a step would refuse later, before the first one runs."""
    if orient is not None:
        axes_to("RAS", orient, "orient")
    if spacing is not None:
        check_grid(spacing)
    check_order(order)
    if convention is not None:
        validate.word(convention, "convention", CONVENTIONS)
        if spacing is None:
            raise ArgumentError(f"convention: got {convention!r}, allowed with spacing")
    if validate.flag(antialias, "antialias") and spacing is None:
        raise ArgumentError("antialias: got True, allowed with spacing")
    if on_step is not None and not callable(on_step):
        raise ArgumentTypeError(f"on_step: got {type(on_step).__name__}, allowed a callable")


def _foreground(mask: Any, scan: Volume) -> Volume | str | None:
    """Return a mask as a Volume, by which it finds its place on any later grid."""
    image = as_volume(mask)
    if image is None or isinstance(image, str | Volume):
        return image
    array = host_array(image, "mask")
    if array.shape not in (scan.shape, scan.shape[:3]):
        raise ArgumentError(
            f"mask: got shape {array.shape}, allowed {scan.shape}, that of the scan, or a Volume"
        )
    return Volume(array, scan.affine)


def _on_grid(foreground: Volume, volume: Volume, threads: int | None) -> Volume:
    """Return a mask for every voxel of a volume, from its place in space."""
    if foreground.shape == volume.shape and same_place(foreground, volume):
        return foreground
    mask: Volume = resample(foreground != 0, like=volume, order=0, threads=threads)
    if mask.ndim == volume.ndim:
        return mask
    times = np.asarray(mask.data).reshape(*mask.shape, *(1,) * (volume.ndim - mask.ndim))
    return volume.with_data(np.broadcast_to(times, volume.shape))


def _normalised(volume: Volume, foreground: Volume | str | None, outside: Any, threads: int | None) -> Volume:
    mask: Volume | None = None
    if isinstance(foreground, str):
        mask = volume > otsu(volume, _OTSU_BINS, method="itk", threads=threads)
    elif foreground is not None:
        mask = _on_grid(foreground, volume, threads)
    return zscore(volume, mask, outside=outside, threads=threads)


def _named(mask: Any) -> str:
    return "all voxels" if mask is None else "Otsu's foreground" if isinstance(mask, str) else "a mask"


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
