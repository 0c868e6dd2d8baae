# SPDX-License-Identifier: Apache-2.0
"""The one-page HTML report of ``preprocess``. No paths, no identity."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ops.components import fill_holes
from .._runtime.config import show_config
from .._runtime.errors import MissingPackageError
from .._runtime.files import writing
from .._space.volume import Volume
from .niivue import niivue
from .pictures import (
    DIVERGING,
    GREY,
    Plane,
    Window,
    data_url,
    first_of,
    grey_window,
    pictures,
    three_planes,
)
from .view import page, viewer_of

_BINS = 120
_CHART = (440, 150)  # user units of the histogram's area


@dataclass(frozen=True)
class Job:
    """What ``preprocess`` did, as its report tells it.

    Attributes
    ----------
    before, after : Volume
        What was loaded, and the result.
    shown : Volume
        The result before its values were normalised: it can be looked at beside the scan, in one window.
    field : Volume or None
        The bias field, where one was corrected.
    done : mapping
        For each step its settings in words; None where it was left out.
    timings : sequence of (str, float)
        Seconds of each step.
    """

    before: Volume
    after: Volume
    shown: Volume
    field: Volume | None
    done: Mapping[str, str | None]
    timings: Sequence[tuple[str, float]]


def _bright(field: Volume, scan: Volume) -> NDArray[np.float64]:
    """Return every eighth value of a field where the scan is bright: it is extrapolated elsewhere."""
    data = np.asarray(scan)[::2, ::2, ::2]
    values: NDArray[np.float64] = np.asarray(field)[::2, ::2, ::2][data > data.mean()].astype(np.float64)
    return values


def field_scale(field: Volume, scan: Volume) -> float:
    """Return the median of a field where the scan is bright: N4 leaves the scale of fields open."""
    values = _bright(field, scan)
    return float(np.median(values)) if values.size else 1.0


def field_window(field: Volume, scan: Volume) -> Window:
    """Return a window centred on one that holds a field where the scan is bright."""
    values = _bright(field, scan)
    most = float(np.abs(np.percentile(values, (0.5, 99.5)) - 1).max()) if values.size else 0.0
    return 1 - max(most, 1e-3), 1 + max(most, 1e-3)


def head_of(scan: Volume) -> Volume:
    """Return where a scan is bright, its holes filled: the first of several volumes."""
    first = first_of(scan)
    data = np.asarray(first)
    head: Volume = fill_holes(first.with_data(data > data.mean()))
    return head


def write_report(path: str | os.PathLike[str], job: Job) -> None:
    """Write one self-contained HTML page."""
    target = Path(path)
    window = grey_window(job.before)
    scale = 1.0
    if job.field is not None:  # to be compared, the result is brought to the scale of the scan
        scale = field_scale(job.field, job.before)
        shown, field = np.asarray(job.shown) * np.float32(scale), np.asarray(job.field) / np.float32(scale)
        job = replace(job, shown=job.shown.with_data(shown), field=job.field.with_data(field))
    stages = [_stage("before", job.before, window), _stage("after", job.shown, window)]
    bar = None
    if job.field is not None:
        around = field_window(job.field, job.before)
        stages.insert(1, _stage("field", job.field, around, DIVERGING, head_of(job.before)))
        bar = {
            "low": f"{around[0]:.2f}",
            "high": f"{around[1]:.2f}",
            "colours": ["#" + bytes(c).hex() for c in DIVERGING],
        }
    rows = [
        ("before", job.before),
        *([("field", job.field)] if job.field is not None else []),
        ("after", job.after),
    ]
    viewer, missing = _viewer(job, window)
    unit = job.before.meta.get("units", "US")  # DICOM's word for unspecified
    unit = "arbitrary units" if unit == "US" else unit
    units = (unit, "standard deviations" if job.done["normalise"] else unit)
    text = page(
        "report.html",
        title="voxkern preprocess",
        viewer=viewer,
        on_demand=True,
        missing=missing,
        stages=stages,
        window=[f"{value:.4g}" for value in window],
        bar=bar,
        scale=f"{scale:.3f}",
        unit=units[0],
        histograms=[
            _histogram("before", job.before, units[0]),
            _histogram("after", job.after, units[1]),
        ],
        geometry=[_geometry(name, volume) for name, volume in rows],
        done={name: settings for name, settings in job.done.items() if settings},
        left_out=_left_out(job),
        timings=[(name, f"{seconds:.3f}") for name, seconds in job.timings],
        total=f"{sum(seconds for _, seconds in job.timings):.3f}",
        versions=_versions(),
    )
    with writing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _left_out(job: Job) -> list[str]:
    """Return in words what was not asked for, and what loading passed over."""
    lines = [f"{name}: not asked for" for name, settings in job.done.items() if not settings]
    meta = job.before.meta
    lines += [f"{number} files: {reason}" for reason, number in meta.get("skipped", ())]
    lines += [str(repair) for repair in meta.get("repairs", ())]
    if job.before.ndim > 3:
        lines.append(f"pictures: the first of {' x '.join(map(str, job.before.shape[3:]))} volumes alone")
    return lines


def _viewer(job: Job, window: Window) -> tuple[dict[str, Any] | None, str]:
    try:
        niivue()
    except MissingPackageError as error:
        return None, str(error)
    viewer = viewer_of(
        job.shown,
        before=job.before,
        overlay=job.field,
        overlay_window=None if job.field is None else field_window(job.field, job.before),
        overlay_opacity=0.0,
        window=window,
        colormap="diverging",
    )
    return viewer, ""


def _stage(
    title: str,
    volume: Volume,
    window: Window,
    colours: Sequence[tuple[int, int, int]] = GREY,
    inside: Volume | None = None,
) -> dict[str, Any]:
    found = three_planes(volume)
    images = pictures(found, window, colours, inside=None if inside is None else three_planes(inside))
    planes = [
        {
            "src": data_url(image),
            "alt": f"{plane.name.capitalize()} plane {title}, at {plane.at}: {_seen(plane)}.",
            "caption": f"{plane.name}, {plane.at}",
        }
        for plane, image in zip(found, images, strict=True)
    ]
    return {"title": title, "planes": planes}


_SIDES = {"L": "left", "R": "right", "A": "front", "P": "back", "S": "top", "I": "bottom"}


def _seen(plane: Plane) -> str:
    """Return in words where the values are high: what a picture tells at first glance."""
    values = np.nan_to_num(plane.pixels.astype(np.float64))
    low, high = np.percentile(values, (1, 99))
    weights = np.clip(values - low, 0, max(high - low, 1e-12))
    rows, columns = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in values.shape)
    total = max(float(weights.sum()), 1e-300)
    x, y = float(weights.sum(0) @ columns) / total, float(weights.sum(1) @ rows) / total
    left, right, top, bottom = (_SIDES[letter] for letter in plane.letters)
    where = [side for side, share in ((left, -x), (right, x), (top, -y), (bottom, y)) if share > 0.05]
    place = (
        f"higher values towards the {' and the '.join(where)}"
        if where
        else "higher values evenly about the middle"
    )
    return f"{plane.width:.0f} by {plane.height:.0f} mm, values from {low:.4g} to {high:.4g}, {place}"


def _histogram(name: str, volume: Volume, unit: str) -> dict[str, Any]:
    """Return a chart of every eighth voxel: the outline of its bars, on a logarithmic axis."""
    sample = np.asarray(volume)[::2, ::2, ::2].astype(np.float64).ravel()
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, (0.1, 99.9)) if sample.size else (0.0, 1.0)
    counts, edges = np.histogram(sample, _BINS, (low, max(high, low + 1e-6)))
    width, height = _CHART
    tall = np.log10(1.0 + counts)
    tops = height - height * tall / max(float(tall.max()), 1e-12)
    lefts = np.linspace(0, width, _BINS + 1)
    steps = "".join(
        f"L{a:.1f} {y:.1f}L{b:.1f} {y:.1f}" for a, b, y in zip(lefts, lefts[1:], tops, strict=False)
    )
    powers = range(int(tall.max()) + 1)
    most = edges[int(np.argmax(counts))]
    return {
        "name": name,
        "unit": unit,
        "path": f"M0 {height}{steps}L{width} {height}Z",
        "ticks": [(f"{width * at:.1f}", text) for at, text in _ticks(edges[0], edges[-1])],
        "levels": [
            (f"{height - height * k / max(float(tall.max()), 1e-12):.1f}", f"{10**k:,}") for k in powers
        ],
        "alt": f"Histogram {name}: values from {low:.4g} to {high:.4g} {unit}, most voxels near {most:.4g}.",
    }


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return where round numbers lie between two others, from 0 to 1, and how they are written."""
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    # By rounding not even the last may be: (0.3 - 0) / 0.1 is below three.
    step = next((power * k for k in (5, 2, 1) if (high - low) / (power * k) >= 3), power)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [((k * step - low) / (high - low), f"{k * step:.6g}") for k in range(first, last + 1)]


def _geometry(name: str, volume: Volume) -> dict[str, Any]:
    cells = [
        " x ".join(map(str, volume.shape)),
        " x ".join(f"{step:.4g}" for step in volume.spacing),
        volume.orientation,
        ", ".join(f"{x:.2f}" for x in volume.origin),
        str(volume.dtype),
    ]
    return {"name": name, "cells": cells}


def _versions() -> list[tuple[str, str]]:
    config = show_config()
    found = [("voxkern", f"{config['version']}, numerics {config['numerics_version']}")]
    found += [(name, importlib.metadata.version(name)) for name in ("numpy", "pydicom")]
    found += [("Python", platform.python_version())]
    return [*found, ("processor", f"level {config['cpu_level']}, {config['threads']} threads")]
