# SPDX-License-Identifier: Apache-2.0
"""``voxkern demo``: the main job on a head, from a DICOM folder to a NIfTI file, a picture and a report.

The head is the ICBM 152 2009a T1 template, an average of 152 persons without skull, put under a known field.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._ops.measure import otsu
from .._ops.n4 import n4_bias_field_correction
from .._ops.resample import resample
from .._runtime.errors import MissingPackageError
from .._runtime.files import checked_file, writing
from .._space.volume import Volume, reorient
from ..io import load, save
from .pictures import DIVERGING, grey_window, montage, pictures, png, three_planes
from .preprocess import preprocess
from .progress import Progress
from .report import field_scale, field_window, head_of

_HEAD = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
_SLICE_MM = 1.2  # sagittal slices a little thicker than 1 mm, as in most T1 protocols


def head_path() -> Path:
    """Return where the nilearn package keeps the template, at 1 mm; nilearn itself is not imported."""
    spec = importlib.util.find_spec("nilearn")
    for location in (spec.submodule_search_locations if spec else None) or []:
        path = Path(location) / "datasets" / "data" / _HEAD
        if path.is_file():
            return path
    raise MissingPackageError(
        "the demo's head comes with nilearn: pip install 'voxkern[demo]', or pip install --no-deps nilearn"
    )


def intensity_field(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a smooth multiplicative field, of about 40 % within a head, as a receive coil makes it."""
    i, j, k = np.meshgrid(
        *(np.linspace(-1.0, 1.0, n, dtype=np.float32) for n in shape), indexing="ij", sparse=True
    )
    log = 0.26 * j - 0.16 * k + 0.13 * i * k - 0.19 * (i * i + j * j) + 0.10 * j * j * k
    field: NDArray[np.float32] = np.exp(log - np.mean(log)).astype(np.float32)
    return field


def write_scan(folder: Path, threads: int | None) -> tuple[Volume, Volume, Volume]:
    """Write the head, under a known field, as a sagittal DICOM series.

    Returns
    -------
    scan, clean, field : Volume
        What was written, the head without the field, and the field.
    """
    head = load(head_path())
    sagittal = reorient(head.with_data(np.asarray(head.data, np.float32)), "LIP")
    clean = resample(sagittal, spacing=(_SLICE_MM, 1.0, 1.0), order=3, clip=True, threads=threads)
    field = clean.with_data(intensity_field(clean.shape))
    biased = clean.data * field.data
    stored = np.rint(biased * (1000.0 / float(biased.max()))).astype(np.int16)
    scan = Volume(stored, clean.affine, {"modality": "MR"})
    save(scan, folder, format="dicom")
    return scan, clean, field


def removed_share(scan: Volume, clean: Volume, known: Volume, threads: int | None) -> tuple[float, float]:
    """Return the share of the known field's variance that N4 removes, and the correlation of the two.

    The head has some shading of its own, which N4 sees with and without the known field: what it sees
    more of is compared, as logarithms inside the head.
    """
    mask = scan.data > otsu(scan, 200, method="itk")
    seen = [
        np.log(n4_bias_field_correction(v, mask, return_field=True, threads=threads)[1].data[mask])
        for v in (scan, clean)
    ]
    found, put = seen[0] - seen[1], np.log(known.data[mask])
    found -= found.mean()
    put -= put.mean()
    return 1.0 - float(np.var(found - put) / np.var(put)), float(np.corrcoef(found, put)[0, 1])


def run_demo(
    output: Path, progress: Progress, threads: int | None = None, *, overwrite: bool = False
) -> None:
    """Write a DICOM series, run the main job from that folder, draw before, field and after."""
    series = output / "dicom"
    result = output / "head_1mm.nii.gz"
    picture_path = output / "before_after.png"
    report = output / "report.html"
    output.parent.mkdir(parents=True, exist_ok=True)
    checked_file(output, "output", overwrite=overwrite, folder=True)
    output.mkdir(exist_ok=True)
    for slice_of_earlier_run in series.glob("*.dcm"):
        slice_of_earlier_run.unlink()
    start = time.perf_counter()
    scan, clean, known = write_scan(series, threads)
    progress.line(
        f"made a scan of the ICBM 152 2009a template, an average of 152 heads: {scan.shape[0]} DICOM files "
        f"in {series} ({time.perf_counter() - start:.1f} s)"
    )
    options = "--n4 --spacing 1 --normalize zscore"
    progress.line(f"\nvoxkern preprocess {series} {result} {options} --report {report}")
    start = time.perf_counter()
    with progress.running() as on_step:
        after = preprocess(
            series,
            result,
            n4=True,
            spacing=1.0,
            normalize="zscore",
            report=report,
            threads=threads,
            on_step=on_step,
        )
    progress.line(f"{'total':<10} {time.perf_counter() - start:7.3f} s")
    share, correlation = removed_share(scan, clean, known, threads)
    progress.line(f"N4 removed {share:.1%} of the known field's variance (correlation {correlation:.4f})")
    before = load(series)
    field = n4_bias_field_correction(before, "otsu", return_field=True, threads=threads)[1]
    field = field.with_data(field.data / np.float32(field_scale(field, before)))
    head = three_planes(head_of(before))
    rows = {
        "before: the DICOM series": pictures(three_planes(before), grey_window(before)),
        "the field that N4 found": pictures(
            three_planes(field), field_window(field, before), DIVERGING, inside=head
        ),
        "after: voxkern preprocess": pictures(three_planes(after), grey_window(after)),
    }
    sheet = montage(list(rows.values()), list(rows))
    with writing(picture_path) as temporary:
        temporary.write_bytes(png(sheet))
    progress.line(f"\nwrote {result}\nwrote {picture_path}")
    progress.line(f"open {report.resolve().as_uri()}")
