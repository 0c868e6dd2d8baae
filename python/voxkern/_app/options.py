# SPDX-License-Identifier: Apache-2.0
"""What the ``voxkern`` command understands."""

from __future__ import annotations

import argparse
from typing import Any

from .._core import __version__
from .._ops.n4 import N4_PRESETS
from .._runtime.errors import ArgumentError
from .._runtime.validate import interpolator
from .._space.grid import CONVENTIONS, SHAPE_RULES
from .preprocess import NORMALIZATIONS

INPUT = "DICOM folder, zip or file, NIfTI, MINC, MetaImage, NRRD, TIFF, ..."
OUTPUT = ".nii, .nii.gz, .mha, .nrrd, .npz, or a new folder for DICOM"


def _spacing(text: str) -> float | list[float]:
    values = [float(part) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


def _shape(text: str) -> int | list[int]:
    values = [int(part) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


def _order(text: str) -> int | str:
    order = int(text) if text.isdecimal() else text
    try:
        interpolator("nearest" if order == "area" else order)
    except ArgumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return order


def _add_interpolation_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--order",
        type=_order,
        default=3,
        metavar="ORDER",
        help="0 to 5, nearest, linear, cubic, area, lanczos3, ... (default: 3)",
    )
    parser.add_argument(
        "--convention",
        choices=CONVENTIONS,
        help="what stays where: centre and origin give exactly the spacing asked for, extent and corner "
        "what fits (default: centre; extent for a shape)",
    )
    parser.add_argument("--antialias", action="store_true", help="smooth axes that lose samples first")


def _iterations(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("x"))


def _add_n4_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mask", metavar="FILE", help="non-zero voxels count (default: Otsu's threshold)")
    parser.add_argument("--no-mask", action="store_true", help="all voxels count")
    parser.add_argument("--preset", choices=N4_PRESETS, help="settings of a known pipeline")
    parser.add_argument("--shrink", type=int, metavar="N", help="fit on every n-th voxel (default: 1)")
    parser.add_argument("--iterations", type=_iterations, metavar="50x50x50x50", help="per level")
    parser.add_argument("--threshold", type=float, metavar="X", help="convergence threshold (default: 0.001)")
    parser.add_argument(
        "--spline-distance", type=float, metavar="MM", help="knot distance at the first level"
    )


def _add_preprocess(commands: Any, common: argparse.ArgumentParser, series: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "preprocess",
        parents=[common, series],
        help="scan -> corrected, reoriented, resampled, normalised volume",
    )
    command.add_argument("input", help=INPUT)
    command.add_argument("output", help=OUTPUT)
    command.add_argument(
        "--n4", action="store_true", help="correct the bias field (MR): full resolution, Otsu's mask"
    )
    command.add_argument(
        "--n4-preset", choices=N4_PRESETS, help="correct it with the settings of a known pipeline"
    )
    command.add_argument("--orient", default="RAS", help="three letters, or 'keep' (default: RAS)")
    command.add_argument("--spacing", type=_spacing, metavar="MM", help="one number, or three with commas")
    _add_interpolation_arguments(command)
    command.add_argument("--normalize", default="none", choices=NORMALIZATIONS)
    command.add_argument(
        "--report", metavar="FILE.html", help="pictures, histograms, geometry, timings on one page"
    )


def _add_n4(commands: Any, common: argparse.ArgumentParser, series: argparse.ArgumentParser) -> None:
    command = commands.add_parser("n4", parents=[common, series], help="correct the bias field of an MR scan")
    command.add_argument("input", help=INPUT)
    command.add_argument("output", help=OUTPUT)
    command.add_argument("--field", metavar="FILE", help="save the field, too")
    _add_n4_arguments(command)


def _add_info(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("info", parents=[common], help="what a file or folder holds, or --config")
    command.add_argument("input", nargs="?", help=INPUT)
    command.add_argument("--config", action="store_true", help="versions, instruction set, threads, GPU")


def _add_convert(commands: Any, common: argparse.ArgumentParser, series: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "convert", parents=[common, series], help="from any format load() reads to any that save() writes"
    )
    command.add_argument("input", help=INPUT)
    command.add_argument("output", help=OUTPUT)
    command.add_argument("--orient", default="keep", help="three letters, or 'keep' (default: keep)")


def _add_resample(commands: Any, common: argparse.ArgumentParser, series: argparse.ArgumentParser) -> None:
    command = commands.add_parser("resample", parents=[common, series], help="onto another spacing or grid")
    command.add_argument("input", help=INPUT)
    command.add_argument("output", help=OUTPUT)
    target = command.add_mutually_exclusive_group(required=True)
    target.add_argument("--spacing", type=_spacing, metavar="MM", help="one number, or three with commas")
    target.add_argument("--shape", type=_shape, metavar="N", help="voxels: one number, or three with commas")
    target.add_argument("--like", metavar="FILE", help="take the grid of this image")
    command.add_argument(
        "--affine", metavar="FILE", help="text file, 4 x 4 numbers: where the voxels of --shape lie, RAS+ mm"
    )
    _add_interpolation_arguments(command)
    command.add_argument("--shape-rule", default="round", choices=SHAPE_RULES, help="voxels for --spacing")
    limits = command.add_mutually_exclusive_group()
    limits.add_argument("--clip", action="store_true", help="keep results within the range of the input")
    limits.add_argument(
        "--clip-slices",
        action="store_const",
        const="slice",
        dest="clip",
        help="and of each index of the axes that stay: time points, channels",
    )


def _add_view(commands: Any, common: argparse.ArgumentParser, series: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "view", parents=[common, series], help="one HTML page: planes, volume, labels, surface, no network"
    )
    command.add_argument("input", help=INPUT)
    command.add_argument("output", nargs="?", metavar="FILE.html", help="default: a temporary file, opened")
    command.add_argument("--before", metavar="FILE", help="an image to compare it with")
    command.add_argument("--overlay", metavar="FILE", help="values to lay over it in colours")
    command.add_argument("--labels", metavar="FILE", help="labels to lay over it, with their measurements")
    command.add_argument(
        "--surface",
        nargs="?",
        type=float,
        const=True,
        metavar="LEVEL",
        help="the surface of what is above a level (default: Otsu's threshold)",
    )
    command.add_argument("--radiological", action="store_true", help="the patient's right on the left")


def _add_demo(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "demo", parents=[common], help="a head from DICOM to NIfTI, with a picture and a report"
    )
    command.add_argument("--output", default="demo-output", metavar="FOLDER", help="default: demo-output")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
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

    _add_preprocess(commands, common, series)
    _add_n4(commands, common, series)
    _add_info(commands, common)
    _add_convert(commands, common, series)
    _add_resample(commands, common, series)
    _add_view(commands, common, series)
    _add_demo(commands, common)
    return parser
