# SPDX-License-Identifier: Apache-2.0
"""What each command of ``voxkern`` does."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from .._ops.isosurface import surface
from .._ops.measure import otsu
from .._ops.n4 import correction_settings, n4_bias_field_correction
from .._ops.resample import resample
from .._runtime.config import show_config
from .._runtime.errors import ArgumentError, VoxkernError
from .._space.volume import reorient
from ..io import is_dicom, list_series, load, save
from . import demo
from .preprocess import preprocess
from .progress import Progress
from .steps import Steps
from .view import view


def _load_options(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "series": args.series,
        "missing": args.missing,
        "irregular": args.irregular,
        "untilt": args.untilt,
        "suv": args.suv,
    }
    return {name: value for name, value in given.items() if value}


def run_preprocess(args: argparse.Namespace, progress: Progress) -> None:
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
            orient=None if args.orient == "keep" else args.orient,
            spacing=args.spacing,
            order=args.order,
            convention=args.convention,
            antialias=args.antialias,
            normalize=args.normalize,
            report=args.report,
            threads=args.threads,
            on_step=on_step,
        )
    progress.line(f"wrote {args.output}" + (f"\nwrote {args.report}" if args.report else ""))


def _n4_settings(args: argparse.Namespace) -> dict[str, Any]:
    settings = correction_settings(
        args.preset or True,
        shrink_factor=args.shrink,
        maximum_number_of_iterations=args.iterations,
        convergence_threshold=args.threshold,
        spline_distance=args.spline_distance,
    )
    assert settings is not None
    mask = "otsu" if args.mask is None else load(args.mask)
    return {**settings, "mask": None if args.no_mask else mask}


def _iterations(settings: dict[str, Any]) -> Any:
    return settings.get("maximum_number_of_iterations", (50,) * 4)


def run_n4(args: argparse.Namespace, progress: Progress) -> None:
    """Correct the bias field of a scan."""
    settings = _n4_settings(args)
    with progress.running() as on_step:
        steps = Steps(on_step)
        volume = steps("load", lambda: load(args.input, **_load_options(args)))
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
        steps("save", lambda: save(corrected, args.output))
        if args.field is not None:
            steps("save", lambda: save(field, args.field))
    for fit in details if isinstance(details, list) else [details]:
        progress.line(f"iterations per level: {', '.join(map(str, fit.iterations))}")
    progress.line(f"wrote {args.output}")


def _affine(path: str | None) -> Any:
    if path is None:
        return None
    try:
        return np.loadtxt(path)
    except ValueError:
        raise ArgumentError("affine: got a file of other things, allowed 4 x 4 numbers") from None


def run_resample(args: argparse.Namespace, progress: Progress) -> None:
    """Bring a scan onto another grid."""
    with progress.running() as on_step:
        steps = Steps(on_step)
        volume = steps("load", lambda: load(args.input, **_load_options(args)))
        result = steps(
            "resample",
            lambda: resample(
                volume,
                spacing=args.spacing,
                shape=args.shape,
                affine=_affine(args.affine),
                like=load(args.like) if args.like else None,
                order=args.order,
                convention=args.convention,
                shape_rule=args.shape_rule,
                antialias=args.antialias,
                clip=args.clip,
                threads=args.threads,
            ),
        )
        steps("save", lambda: save(result, args.output))
    progress.line(f"wrote {args.output}")


def run_convert(args: argparse.Namespace, progress: Progress) -> None:
    """Write a scan in another format."""
    with progress.running() as on_step:
        steps = Steps(on_step)
        volume = steps("load", lambda: load(args.input, **_load_options(args)))
        if args.orient != "keep":
            volume = reorient(volume, args.orient)
        steps("save", lambda: save(volume, args.output))
    progress.line(f"wrote {args.output}")


def run_info(args: argparse.Namespace, progress: Progress) -> None:
    """Print what a file or folder holds, or the configuration."""
    if args.config:
        print(json.dumps(show_config(), indent=2))
        return
    path = Path(args.input)
    if path.exists() and not is_dicom(path):
        print(load(path))
        return
    infos = list_series(path)
    for info in infos:
        print(
            f"{info.uid}\n  {info.modality} {info.description!r}, {info.n_files} files, shape {info.shape}, "
            f"{info.role}"
        )
        try:
            print(f"  {load(path, series=info.uid)}")
        except VoxkernError as error:
            print(f"  {error}")


_FACES = 60_000  # of a surface in a page: half a megabyte, and every fold of a brain


def run_view(args: argparse.Namespace, progress: Progress) -> None:
    """Write a page that shows a scan, and open it where no file is named."""
    with progress.running() as on_step:
        steps = Steps(on_step)
        volume = steps("load", lambda: load(args.input, **_load_options(args)))
        beside = {"before": args.before, "overlay": args.overlay, "labels": args.labels}
        images: dict[str, Any] = {role: load(path) for role, path in beside.items() if path is not None}
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


def run_demo(args: argparse.Namespace, progress: Progress) -> None:
    """Do the main job on a head that comes with a package."""
    demo.run_demo(Path(args.output), progress, args.threads)


COMMANDS = {
    "preprocess": run_preprocess,
    "n4": run_n4,
    "resample": run_resample,
    "convert": run_convert,
    "info": run_info,
    "view": run_view,
    "demo": run_demo,
}
