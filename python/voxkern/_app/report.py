# SPDX-License-Identifier: Apache-2.0
"""Pictures of volumes, and the one-page HTML report of ``preprocess``. No paths, no identity."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import __version__
from .._runtime.config import show_config
from .._runtime.errors import ArgumentError, shown
from .._runtime.files import writing
from .._runtime.optional import import_or_explain
from .._space.volume import Volume, reorient

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>voxkern report</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
img { max-width: 100%; border-radius: 4px; }
table { border-collapse: collapse; }
td, th { padding: .2rem 1.2rem .2rem 0; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; } th { font-weight: 600; }
footer { margin-top: 2rem; color: #666; font-size: .85rem; }
</style>
</head>
<body>
<h1>voxkern preprocess</h1>
<img id="planes" alt="Three planes of each stage" src="data:image/png;base64,$planes">
<h2>Histograms</h2>
<img id="histograms" alt="Histograms before and after" src="data:image/png;base64,$histograms">
<h2>Geometry</h2>
$geometry
<h2>Settings</h2>
$settings
<h2>Timings</h2>
$timings
<footer>voxkern $version, numerics $numerics, $level, $threads threads. Middle planes: axial, coronal,
sagittal; the patient's right is on the right.</footer>
</body>
</html>
""")


def three_planes(volume: Volume) -> list[tuple[NDArray[Any], float]]:
    """Return axial, coronal and sagittal middle slices, upright, with the height of a pixel in widths."""
    standard = reorient(volume, "RAS")
    data, (x, y, z) = np.asarray(standard), standard.spacing
    if data.ndim > 3:
        data = data.reshape(*data.shape[:3], -1)[..., 0]
    i, j, k = (n // 2 for n in standard.shape[:3])
    return [
        (data[:, :, k].T[::-1], y / x),
        (data[:, j, :].T[::-1], z / x),
        (data[i, :, :].T[::-1], z / y),
    ]


def field_window(field: Volume, scan: Volume) -> tuple[float, float]:
    """Return the grey window of a field: its range where the scan is bright, not where it is extrapolated."""
    data = np.asarray(scan.data)[::2, ::2, ::2]
    values = np.asarray(field.data)[::2, ::2, ::2][data > data.mean()]
    low, high = np.percentile(values, (0.5, 99.5)) if values.size else (0.0, 1.0)
    return float(low), float(high)


def draw_planes(stages: Sequence[tuple[str, Volume, tuple[float, float] | None]]) -> Any:
    """Return a matplotlib figure: a row of three planes for each (title, volume, grey window), on black."""
    import_or_explain("matplotlib", "report")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.8 * len(stages)), facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(stages), 3, squeeze=False)
    for row, (title, volume, window) in zip(axes, stages, strict=True):
        low, high = window or np.percentile(np.asarray(volume.data)[::2, ::2, ::2], (1, 99.7))
        for axis, (image, aspect) in zip(row, three_planes(volume), strict=True):
            axis.imshow(image, cmap="gray", vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
            axis.set_axis_off()
        spacing = " x ".join(f"{s:.2f}" for s in volume.spacing)
        row[0].set_title(
            f"{title}: {volume.orientation}, {spacing} mm, {volume.dtype}",
            color="white",
            fontsize=10,
            loc="left",
        )
    return figure


def _draw_histograms(before: Volume, after: Volume) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 2.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, (title, volume) in zip(
        figure.subplots(1, 2), (("before", before), ("after", after)), strict=True
    ):
        sample = np.asarray(volume.data, np.float32)[::2, ::2, ::2].ravel()
        low, high = np.percentile(sample, (0.1, 99.9))
        axis.hist(sample, bins=160, range=(low, max(high, low + 1e-6)), log=True, color="#2a6f97")
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlabel("intensity")
        axis.set_ylabel("voxels (1 in 8)")
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _png(figure: Any, **options: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def _table(rows: Sequence[Sequence[Any]], head: Sequence[str] = ()) -> str:
    lines = ["<table>"]
    if head:
        lines.append("<tr>" + "".join(f"<th>{escape(h)}</th>" for h in head) + "</tr>")
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(str(value))}</td>" for value in rest)
        lines.append(f"<tr><th>{escape(str(first))}</th>{cells}</tr>")
    return "\n".join([*lines, "</table>"])


def _geometry_row(name: str, volume: Volume) -> list[str]:
    return [
        name,
        " x ".join(map(str, volume.shape)),
        " x ".join(f"{s:.4g}" for s in volume.spacing) + " mm",
        volume.orientation,
        ", ".join(f"{o:.2f}" for o in volume.origin),
        str(volume.dtype),
    ]


def write_report(
    path: str | os.PathLike[str],
    before: Volume,
    after: Volume,
    *,
    field: Volume | None,
    settings: Mapping[str, Any],
    timings: Sequence[tuple[str, float]],
) -> None:
    """Write one self-contained HTML page."""
    target = Path(path)
    if not target.parent.is_dir():
        raise ArgumentError(f"report: got {shown(str(target))}, allowed a file in a folder that exists")
    fields = [] if field is None else [("field", field, field_window(field, before))]
    stages = [("before", before, None), *fields, ("after", after, None)]
    config = show_config()
    page = _PAGE.substitute(
        planes=_png(draw_planes(stages), facecolor="black"),
        histograms=_png(_draw_histograms(before, after)),
        geometry=_table(
            [_geometry_row(name, volume) for name, volume, _ in stages],
            ("", "shape", "spacing", "axes", "origin (RAS, mm)", "dtype"),
        ),
        settings=_table([(name, value) for name, value in settings.items()]),
        timings=_table([(name, f"{seconds:.3f} s") for name, seconds in timings]),
        version=escape(__version__),
        numerics=config["numerics_version"],
        level=escape(str(config["cpu_level"])),
        threads=config["threads"],
    )
    with writing(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
