# SPDX-License-Identifier: Apache-2.0
"""The ``voxkern`` command.

Exit codes: 0 done, 1 the data or the disk said no, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._core import __version__
from .._ops.n4 import N4_PRESETS, N4Callback, n4_bias_field_correction
from .._ops.resample import resample
from .._runtime.config import show_config
from .._runtime.errors import VoxkernError
from .._space.grid import CONVENTIONS
from .._space.volume import Volume, reorient
from ..io import is_dicom, list_series, load, save
from .preprocess import NORMALIZATIONS, StepCallback, preprocess


class Progress:
    """Prints each step with its time; a live line with rich, plain lines without it."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    @contextmanager
    def running(self) -> Iterator[StepCallback]:
        """Show progress while the block runs."""
        if not self._quiet and sys.stderr.isatty():
            try:
                from rich.console import Console
                from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
                from rich.progress import Progress as Bar

                self._bar = Bar(
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    BarColumn(),
                    TimeElapsedColumn(),
                    console=Console(stderr=True),
                    transient=True,
                )
            except ImportError:
                pass
        if self._bar is None:
            yield self.step
            return
        with self._bar:
            yield self.step

    def step(self, name: str, seconds: float | None, volume: Volume | None) -> None:
        """Note that a step started (no seconds) or ended."""
        if self._bar is not None:
            for task in list(self._bar.task_ids):
                self._bar.remove_task(task)
            if seconds is None:
                self._bar.add_task(name, total=None)
        if seconds is not None:
            self.line(f"{name:<10} {seconds:7.3f} s   {volume if volume is not None else ''}".rstrip())

    def n4_callback(self, iterations: Sequence[int]) -> N4Callback:
        """Return a callback that moves the bar of a correction with so many iterations per level."""

        def advance(level: int, iteration: int, convergence: float) -> None:
            if self._bar is not None and self._bar.task_ids:
                self._bar.update(
                    self._bar.task_ids[-1],
                    description=f"n4 level {level + 1}, iteration {iteration}, convergence {convergence:.2g}",
                    completed=sum(iterations[:level]) + iteration,
                    total=sum(iterations),
                )

        return advance

    def line(self, text: str) -> None:
        """Print one line of the report."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)


INPUT = "DICOM folder, zip or file, NIfTI, MINC, MetaImage, NRRD, TIFF, ..."
OUTPUT = ".nii, .nii.gz, .mha, .nrrd, .npz, or a new folder for DICOM"


def _load_options(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "series": args.series,
        "missing": args.missing,
        "irregular": args.irregular,
        "untilt": args.untilt,
        "suv": args.suv,
    }
    return {name: value for name, value in given.items() if value}


def _spacing(text: str) -> float | list[float]:
    values = [float(part) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


def _iterations(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("x"))


def _n4_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mask", metavar="FILE", help="non-zero voxels count (default: Otsu's threshold)")
    parser.add_argument("--no-mask", action="store_true", help="all voxels count")
    parser.add_argument("--preset", choices=N4_PRESETS, help="settings of a known pipeline")
    parser.add_argument("--shrink", type=int, metavar="N", help="fit on every n-th voxel (default: 1)")
    parser.add_argument("--iterations", type=_iterations, metavar="50x50x50x50", help="per level")
    parser.add_argument("--threshold", type=float, metavar="X", help="convergence threshold (default: 0.001)")
    parser.add_argument(
        "--spline-distance", type=float, metavar="MM", help="knot distance at the first level"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voxkern", description="Fast, exact kernels for 3D medical images.")
    parser.add_argument("--version", action="version", version=f"voxkern {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="print nothing but errors")
    common.add_argument("--threads", type=int, metavar="N", help="default: every CPU this process may use")
    series = argparse.ArgumentParser(add_help=False)
    series.add_argument("--series", metavar="UID", help="which DICOM series, as `voxkern info` lists them")
    series.add_argument("--missing", choices=("interpolate", "drop"), help="repair missing slices")
    series.add_argument("--irregular", choices=("resample",), help="repair unequal distances of slices")
    series.add_argument("--untilt", action="store_true", help="rectify a tilted CT gantry")
    series.add_argument("--suv", action="store_true", help="PET: standardised uptake values")
    commands = parser.add_subparsers(dest="command", required=True)

    one = commands.add_parser(
        "preprocess",
        parents=[common, series],
        help="scan -> corrected, reoriented, resampled, normalised volume",
    )
    one.add_argument("input", help=INPUT)
    one.add_argument("output", help=OUTPUT)
    one.add_argument(
        "--n4", action="store_true", help="correct the bias field (MR): full resolution, Otsu's mask"
    )
    one.add_argument(
        "--n4-preset", choices=N4_PRESETS, help="correct it with the settings of a known pipeline"
    )
    one.add_argument("--orient", default="RAS", help="three letters, or 'keep' (default: RAS)")
    one.add_argument("--spacing", type=_spacing, metavar="MM", help="one number, or three with commas")
    one.add_argument("--order", type=int, default=3, choices=range(6), help="spline order (default: 3)")
    one.add_argument("--antialias", action="store_true", help="smooth axes that lose samples first")
    one.add_argument("--normalize", default="none", choices=NORMALIZATIONS)
    one.add_argument(
        "--report", metavar="FILE.html", help="pictures, histograms, geometry, timings on one page"
    )

    one = commands.add_parser("n4", parents=[common, series], help="correct the bias field of an MR scan")
    one.add_argument("input", help=INPUT)
    one.add_argument("output", help=OUTPUT)
    one.add_argument("--field", metavar="FILE", help="save the field, too")
    _n4_arguments(one)

    one = commands.add_parser("info", parents=[common], help="what a file or folder holds, or --config")
    one.add_argument("input", nargs="?", help=INPUT)
    one.add_argument("--config", action="store_true", help="versions, instruction set, threads, GPU")

    one = commands.add_parser(
        "convert", parents=[common, series], help="from any format load() reads to any that save() writes"
    )
    one.add_argument("input", help=INPUT)
    one.add_argument("output", help=OUTPUT)
    one.add_argument("--orient", default="keep", help="three letters, or 'keep' (default: keep)")

    one = commands.add_parser("resample", parents=[common, series], help="onto another spacing or grid")
    one.add_argument("input", help=INPUT)
    one.add_argument("output", help=OUTPUT)
    target = one.add_mutually_exclusive_group(required=True)
    target.add_argument("--spacing", type=_spacing, metavar="MM", help="one number, or three with commas")
    target.add_argument("--like", metavar="FILE", help="take the grid of this image")
    one.add_argument("--order", type=int, default=3, choices=range(6), help="spline order (default: 3)")
    one.add_argument("--convention", default="extent", choices=CONVENTIONS)
    one.add_argument("--antialias", action="store_true", help="smooth axes that lose samples first")

    one = commands.add_parser(
        "demo", parents=[common], help="a real head from DICOM to NIfTI, with a picture"
    )
    one.add_argument("--output", default="demo-output", metavar="FOLDER", help="default: demo-output")
    return parser


def _run_preprocess(args: argparse.Namespace, progress: Progress) -> None:
    n4: dict[str, Any] | bool = False
    if args.n4 or args.n4_preset:
        n4 = dict(N4_PRESETS[args.n4_preset]) if args.n4_preset else {"mask": "otsu"}
        n4["callback"] = progress.n4_callback(n4.get("maximum_number_of_iterations", (50,) * 4))
    with progress.running() as on_step:
        preprocess(
            args.input,
            args.output,
            load_options=_load_options(args),
            n4=n4,
            orient=None if args.orient == "keep" else args.orient,
            spacing=args.spacing,
            order=args.order,
            antialias=args.antialias,
            normalize=args.normalize,
            report=args.report,
            threads=args.threads,
            on_step=on_step,
        )
    progress.line(f"wrote {args.output}" + (f"\nwrote {args.report}" if args.report else ""))


def _n4_settings(args: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {"mask": "otsu", **N4_PRESETS.get(args.preset, {})}
    given = {
        "shrink_factor": args.shrink,
        "maximum_number_of_iterations": args.iterations,
        "convergence_threshold": args.threshold,
        "spline_distance": args.spline_distance,
    }
    settings.update({name: value for name, value in given.items() if value is not None})
    if args.spline_distance is not None:
        settings.pop("mesh", None)
    if args.no_mask:
        settings["mask"] = None
    elif args.mask is not None:
        settings["mask"] = load(args.mask)
    return settings


def _run_n4(args: argparse.Namespace, progress: Progress) -> None:
    settings = _n4_settings(args)
    levels = settings.get("maximum_number_of_iterations", (50,) * 4)
    with progress.running() as on_step:
        volume = _timed(on_step, "load", lambda: load(args.input, **_load_options(args)))
        corrected, field, details = _timed(
            on_step,
            "n4",
            lambda: n4_bias_field_correction(
                volume,
                **settings,
                return_field=True,
                return_details=True,
                callback=progress.n4_callback(levels),
                threads=args.threads,
            ),
        )
        _timed(on_step, "save", lambda: save(corrected, args.output))
        if args.field is not None:
            _timed(on_step, "save", lambda: save(field, args.field))
    for one in details if isinstance(details, list) else [details]:
        progress.line(f"iterations per level: {', '.join(map(str, one.iterations))}")
    progress.line(f"wrote {args.output}")


def _timed(on_step: StepCallback, name: str, action: Callable[[], Any]) -> Any:
    on_step(name, None, None)
    start = time.perf_counter()
    result = action()
    on_step(name, time.perf_counter() - start, result if isinstance(result, Volume) else None)
    return result


def _run_resample(args: argparse.Namespace, progress: Progress) -> None:
    with progress.running() as on_step:
        volume = _timed(on_step, "load", lambda: load(args.input, **_load_options(args)))
        result = _timed(
            on_step,
            "resample",
            lambda: resample(
                volume,
                spacing=args.spacing,
                like=load(args.like) if args.like else None,
                order=args.order,
                convention=args.convention,
                antialias=args.antialias,
                threads=args.threads,
            ),
        )
        _timed(on_step, "save", lambda: save(result, args.output))
    progress.line(f"wrote {args.output}")


def _run_convert(args: argparse.Namespace, progress: Progress) -> None:
    with progress.running() as on_step:
        volume = _timed(on_step, "load", lambda: load(args.input, **_load_options(args)))
        if args.orient != "keep":
            volume = reorient(volume, args.orient)
        _timed(on_step, "save", lambda: save(volume, args.output))
    progress.line(f"wrote {args.output}")


def _run_info(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if args.config == (args.input is not None):
        parser.error("info: give a file or folder, or --config")
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


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"voxkern: warning: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    progress = Progress(args.quiet)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            if args.command == "preprocess":
                _run_preprocess(args, progress)
            elif args.command == "n4":
                _run_n4(args, progress)
            elif args.command == "resample":
                _run_resample(args, progress)
            elif args.command == "convert":
                _run_convert(args, progress)
            elif args.command == "info":
                _run_info(args, parser)
            else:
                from .demo import run_demo

                run_demo(Path(args.output), progress, args.threads)
    except (VoxkernError, OSError) as error:
        print(f"voxkern: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("voxkern: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
