# SPDX-License-Identifier: Apache-2.0
"""``voxkern demo``: the main job on a real head, from a DICOM folder to a NIfTI file and a picture."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._errors import MissingPackageError
from ._optional import import_or_explain
from ._preprocess import preprocess
from ._resample import resample
from ._volume import Volume, reorient
from .io import load, save

if TYPE_CHECKING:
    from ._cli import Progress

_HEAD = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
_SLICE_MM = 1.2  # sagittal slices a little thicker than 1 mm, as in most T1 protocols


def head_path() -> Path:
    """Return where the nilearn package keeps its 1 mm T1 head; nilearn itself is not imported."""
    spec = importlib.util.find_spec("nilearn")
    for location in (spec.submodule_search_locations if spec else None) or []:
        path = Path(location) / "datasets" / "data" / _HEAD
        if path.is_file():
            return path
    raise MissingPackageError("the demo's head comes with nilearn: pip install 'voxkern[demo]'")


def intensity_field(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a smooth multiplicative field of about 40 % over a volume, as a receive coil makes it."""
    i, j, k = np.meshgrid(
        *(np.linspace(-1.0, 1.0, n, dtype=np.float32) for n in shape), indexing="ij", sparse=True
    )
    log = 0.16 * j - 0.10 * k + 0.08 * i * k - 0.12 * (i * i + j * j) + 0.06 * j * j * k
    field: NDArray[np.float32] = np.exp(log - np.mean(log)).astype(np.float32)
    return field


def write_scan(folder: Path, threads: int | None) -> Volume:
    """Write the head, with the field on it, as a sagittal DICOM series; return what was written."""
    head = load(head_path())
    biased = np.asarray(head.data, np.float32) * intensity_field(head.shape)
    scaled = (biased * (1000.0 / float(biased.max()))).astype(np.float32)
    sagittal = reorient(head.with_data(scaled), "LIP")
    thick = resample(sagittal, spacing=(_SLICE_MM, 1.0, 1.0), order=3, clip=True, threads=threads)
    stored = Volume(np.rint(thick.data).astype(np.int16), thick.affine, {"modality": "MR"})
    save(stored, folder)
    return stored


def _three_planes(volume: Volume) -> list[tuple[NDArray[Any], float]]:
    """Return axial, coronal and sagittal middle slices, upright, with the height of a pixel in widths."""
    standard = reorient(volume, "RAS")
    data, (x, y, z) = np.asarray(standard), standard.spacing
    i, j, k = (n // 2 for n in standard.shape)
    return [
        (data[:, :, k].T[::-1], y / x),
        (data[:, j, :].T[::-1], z / x),
        (data[i, :, :].T[::-1], z / y),
    ]


def write_picture(path: Path, before: Volume, after: Volume) -> None:
    """Write a PNG: three planes before, three after."""
    import_or_explain("matplotlib", "demo")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 7.6), facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    rows = (
        ("DICOM as it arrives", before),
        ("voxkern preprocess", after),
    )
    axes = figure.subplots(2, 3)
    for row, (title, volume) in enumerate(rows):
        low, high = np.percentile(np.asarray(volume.data)[::2, ::2, ::2], (1, 99.7))
        spacing = " x ".join(f"{s:.2f}" for s in volume.spacing)
        for column, (image, aspect) in enumerate(_three_planes(volume)):
            axis = axes[row, column]
            axis.imshow(image, cmap="gray", vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
            axis.set_axis_off()
            if column == 0:
                axis.set_title(
                    f"{title}: {volume.orientation}, {spacing} mm, {volume.dtype}",
                    color="white", fontsize=10, loc="left",
                )  # fmt: skip
    figure.savefig(path, dpi=110, facecolor="black")


def run_demo(output: Path, progress: Progress, threads: int | None = None) -> None:
    """Write a DICOM series, run the main job from that folder, draw before and after."""
    series = output / "dicom"
    result = output / "head_1mm.nii.gz"
    picture = output / "before_after.png"
    output.mkdir(parents=True, exist_ok=True)
    if series.is_dir():  # of an earlier run
        shutil.rmtree(series)
    start = time.perf_counter()
    written = write_scan(series, threads)
    progress.line(
        f"made a scan: {written.shape[0]} DICOM files in {series} ({time.perf_counter() - start:.1f} s)"
    )
    progress.line(f"\nvoxkern preprocess {series} {result} --spacing 1 --normalize zscore")
    start = time.perf_counter()
    with progress.running() as on_step:
        after = preprocess(series, result, spacing=1.0, normalize="zscore", threads=threads, on_step=on_step)
    progress.line(f"{'total':<10} {time.perf_counter() - start:7.3f} s")
    write_picture(picture, load(series), after)
    progress.line(f"\nwrote {result}\nwrote {picture}")
