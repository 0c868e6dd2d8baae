# SPDX-License-Identifier: Apache-2.0
"""What each command of ``voxkern`` does. Whatever can be checked is checked before a scan is loaded."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .._ops.intensity import zscore
from .._ops.isosurface import surface
from .._ops.measure import otsu
from .._ops.n4 import check_settings, correction_settings, n4_bias_field_correction
from .._ops.resample import resample
from .._ops.resample_labels import resample_labels
from .._runtime.config import show_config
from .._runtime.errors import ArgumentError, VoxkernError
from .._runtime.files import checked_file
from .._space.grid import check_grid
from .._space.volume import Volume, reorient
from ..io import checked_target, is_dicom, load, open_study, save
from . import ants, bench, demo
from .preprocess import preprocess
from .progress import Progress
from .steps import Steps
from .view import view


def _load_options(args: Namespace) -> dict[str, Any]:
    names = ("series", "missing", "irregular", "untilt", "suv")
    return {name: getattr(args, name) for name in names if getattr(args, name, None)}


def _check_outputs(args: Namespace, *others: str | None) -> None:
    paths = [path for path in (args.output, *others) if path is not None]
    targets = [checked_target(path, format=args.format, overwrite=args.overwrite)[0] for path in paths]
    if len(set(targets)) < len(targets):
        raise ArgumentError("output: got one file for two results, allowed one for each")


def _load(args: Namespace, steps: Steps) -> Volume:
    volume: Volume = steps("load", lambda: load(args.input, **_load_options(args)))
    return volume


def _load_beside(path: str | None, name: str, steps: Steps) -> Volume | None:
    """Load an image that belongs to a scan: before the scan, so that a wrong name costs nothing."""
    return None if path is None else steps(name, lambda: load(path))


def _turned(image: Volume | None, scan: Volume) -> Volume | None:
    """Return an image with its axes in the order and direction of a scan's."""
    return None if image is None else reorient(image, scan.orientation)


def _save(args: Namespace, steps: Steps, volume: Volume, path: str | None = None) -> None:
    where = path or args.output
    steps("save", lambda: save(volume, where, format=args.format, overwrite=args.overwrite))


def run_preprocess(args: Namespace, progress: Progress) -> None:
    """Do the main job."""
    n4 = correction_settings(args.n4_preset or args.n4)
    if n4 is not None:
        n4["callback"] = progress.n4_callback(_iterations(n4))
    with progress.running() as on_step:
        preprocess(
            args.input,
            args.output,
            load_options=_load_options(args),
            n4=n4 or False,
            mask="otsu" if args.mask is None else Path(args.mask),
            orient=None if args.orient == "keep" else args.orient,
            spacing=args.spacing,
            order=args.order,
            convention=args.convention,
            antialias=args.antialias,
            normalize=args.normalize,
            format=args.format,
            report=args.report,
            overwrite=args.overwrite,
            threads=args.threads,
            on_step=on_step,
        )
    progress.line(f"wrote {args.output}" + (f"\nwrote {args.report}" if args.report else ""))


def _iterations(settings: Mapping[str, Any]) -> Any:
    return settings.get("maximum_number_of_iterations", (50,) * 4)


def _correct(
    volume: Volume, settings: Mapping[str, Any], args: Namespace, steps: Steps, progress: Progress
) -> tuple[Volume, Volume]:
    """Return the corrected scan and the field; tell the iterations."""
    corrected, field, details = steps(
        "n4",
        lambda: n4_bias_field_correction(
            volume,
            **settings,
            return_field=True,
            return_details=True,
            callback=progress.n4_callback(_iterations(settings)),
            threads=args.threads,
        ),
    )
    for fit in details if isinstance(details, list) else [details]:
        progress.line(f"iterations per level: {', '.join(map(str, fit.iterations))}")
    return corrected, field


def run_n4(args: Namespace, progress: Progress) -> None:
    """Correct the bias field of a scan."""
    settings = correction_settings(
        args.preset or True,
        shrink_factor=args.shrink,
        maximum_number_of_iterations=args.iterations,
        convergence_threshold=args.threshold,
        spline_distance=args.spline_distance,
    )
    assert settings is not None
    check_settings(settings)
    _check_outputs(args, args.field)
    with progress.running() as on_step:
        steps = Steps(on_step)
        beside = _load_beside(args.mask, "mask", steps)
        volume = _load(args, steps)
        mask = _turned(beside, volume)
        settings["mask"] = None if args.no_mask else "otsu" if mask is None else mask
        corrected, field = _correct(volume, settings, args, steps, progress)
        _save(args, steps, corrected)
        if args.field is not None:
            _save(args, steps, field, args.field)
    progress.line(f"wrote {args.output}" + (f"\nwrote {args.field}" if args.field else ""))


def run_ants_n4(args: Namespace, progress: Progress) -> None:
    """Correct the bias field of a scan as ANTs' program does, told by its flags."""
    check_settings(args.settings)
    _check_outputs(args, args.field)
    with progress.running() as on_step:
        steps = Steps(on_step)
        beside = {name: _load_beside(getattr(args, name), name, steps) for name in ("mask", "weights")}
        volume = _load(args, steps)
        settings = ants.for_scan(args, volume) | {k: _turned(image, volume) for k, image in beside.items()}
        corrected, field = _correct(volume, settings, args, steps, progress)
        _save(args, steps, corrected)
        if args.field is not None:
            _save(args, steps, field, args.field)


def _grid(args: Namespace) -> dict[str, Any]:
    """Return the grid that is asked for, checked as far as it does not depend on the scan."""
    affine = None
    if args.affine is not None:
        try:
            affine = np.loadtxt(args.affine)
        except ValueError:
            raise ArgumentError("affine: got a file of other things, allowed 4 x 4 numbers") from None
    grid = {
        "spacing": args.spacing,
        "shape": args.shape,
        "affine": affine,
        "like": None if args.like is None else load(args.like),
        "convention": args.convention,
        "shape_rule": args.shape_rule,
    }
    check_grid(**grid)
    return grid


def run_resample(args: Namespace, progress: Progress) -> None:
    """Bring a scan onto another grid."""
    _check_outputs(args)
    with progress.running() as on_step:
        steps = Steps(on_step)
        grid = steps("grid", lambda: _grid(args))
        volume = _load(args, steps)
        options = {name: getattr(args, name) for name in ("order", "antialias", "clip", "threads")}
        _save(args, steps, steps("resample", lambda: resample(volume, **grid, **options)))
    progress.line(f"wrote {args.output}")


def run_labels(args: Namespace, progress: Progress) -> None:
    """Bring a label map onto another grid."""
    _check_outputs(args)
    with progress.running() as on_step:
        steps = Steps(on_step)
        grid = steps("grid", lambda: _grid(args))
        volume = _load(args, steps)
        labels = steps(
            "labels", lambda: resample_labels(volume, **grid, rule=args.rule, threads=args.threads)
        )
        _save(args, steps, labels)
    progress.line(f"wrote {args.output}")


def run_zscore(args: Namespace, progress: Progress) -> None:
    """Bring a scan to mean 0 and standard deviation 1."""
    _check_outputs(args)
    with progress.running() as on_step:
        steps = Steps(on_step)
        beside = _load_beside(args.mask, "mask", steps)
        volume = _load(args, steps)
        mask = _turned(beside, volume)
        _save(args, steps, steps("zscore", lambda: zscore(volume, mask, threads=args.threads)))
    progress.line(f"wrote {args.output}")


def run_convert(args: Namespace, progress: Progress) -> None:
    """Write a scan in another format."""
    _check_outputs(args)
    with progress.running() as on_step:
        steps = Steps(on_step)
        volume = _load(args, steps)
        if args.orient != "keep":
            scan = volume
            volume = steps("reorient", lambda: reorient(scan, args.orient))
        _save(args, steps, volume)
    progress.line(f"wrote {args.output}")


def run_info(args: Namespace, progress: Progress) -> None:
    """Print what a file or folder holds, or the configuration."""
    if args.config:
        print(json.dumps(show_config(), indent=2))
        return
    found = list(_volumes(args.input))
    if args.json:
        print(json.dumps([_facts(*one) for one in found], indent=2, default=list))
        return
    for info, volume in found:
        if info is None:
            print(volume)
            continue
        print(f"{info.uid}\n  {info.modality}, {info.n_files} files, ", end="")
        print(f"shape {info.shape}, {info.role}\n  {volume}")


def _volumes(path: str) -> Iterator[tuple[Any, Volume | VoxkernError]]:
    """Yield what `open_study` says of each volume, None if it is no DICOM, and the volume or its fault."""
    if Path(path).exists() and not is_dicom(path):
        yield None, load(path)
        return
    study = open_study(path)
    for info in study:
        try:
            yield info, load(study, series=info.uid)
        except VoxkernError as error:
            yield info, error


def _facts(info: Any, volume: Volume | VoxkernError) -> dict[str, Any]:
    facts = {} if info is None else asdict(info)
    facts.pop("description", None)  # free text, in which people are named
    if isinstance(volume, VoxkernError):
        return {**facts, "error": str(volume)}
    return {
        **facts,
        "shape": volume.shape,
        "dtype": str(volume.dtype),
        "spacing": volume.spacing,
        "origin": volume.origin,
        "orientation": volume.orientation,
        "affine": volume.affine.tolist(),
        "meta": dict(volume.meta),
    }


_FACES = 60_000  # of a surface in a page: half a megabyte, and every fold of a brain


def run_view(args: Namespace, progress: Progress) -> None:
    """Write a page that shows a scan, and open it where no file is named."""
    if args.output is not None:
        checked_file(args.output, "output", overwrite=args.overwrite)
    with progress.running() as on_step:
        steps = Steps(on_step)
        images: dict[str, Any] = {
            role: _load_beside(getattr(args, role), role, steps) for role in ("before", "overlay", "labels")
        }
        volume = _load(args, steps)
        if args.surface is not None:
            found = steps(
                "surface",
                lambda: surface(
                    volume,
                    otsu(volume) if args.surface is True else args.surface,
                    sigma_mm=max(volume.spacing),
                    faces=_FACES,
                    threads=args.threads,
                ),
            )
            images["surface"] = found
        convention = "radiological" if args.radiological else "neurological"
        page = steps(
            "view",
            lambda: view(volume, args.output, **images, convention=convention, threads=args.threads),
        )
    progress.line(f"wrote {page}")


def run_demo(args: Namespace, progress: Progress) -> None:
    """Do the main job on a head that comes with a package."""
    demo.run_demo(Path(args.output), progress, args.threads, overwrite=args.overwrite)


def run_bench(args: Namespace, progress: Progress) -> None:
    """Print a table of times on this machine."""
    rows = []
    if not args.json:
        print(bench.line(None))
    for row in bench.run(args.size, args.seconds, args.threads):
        rows.append(row)
        if not args.json:
            print(bench.line(row), flush=True)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))


COMMANDS = {
    "preprocess": run_preprocess,
    "n4": run_n4,
    "n4 (ANTs)": run_ants_n4,
    "resample": run_resample,
    "labels": run_labels,
    "zscore": run_zscore,
    "convert": run_convert,
    "info": run_info,
    "view": run_view,
    "demo": run_demo,
    "bench": run_bench,
}
