# SPDX-License-Identifier: Apache-2.0
"""What the ``voxkern`` command understands. What is wrong with a word is said before any work."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from .._core import __version__
from .._ops.n4 import N4_PRESETS
from .._ops.resample_labels import RULES
from .._runtime import validate
from .._runtime.errors import VoxkernError
from .._space.geometry import axes_to
from .._space.grid import CONVENTIONS, SHAPE_RULES
from ..io import FOLDERS
from .preprocess import NORMALIZATIONS, check_order

INPUT = "DICOM folder, zip or file, NIfTI, MINC, MetaImage, NRRD, TIFF, ..."
OUTPUT = ".nii, .nii.gz, .mha, .nrrd, .npz, .nii.zarr, ..., or a folder with --format"


def numbers(
    kind: Callable[[str], Any], allowed: str, separator: str = ","
) -> Callable[[str], tuple[Any, ...]]:
    """Return what turns text into numbers; which of them make sense the library says."""

    def parse(text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(separator))
        except ValueError:
            raise argparse.ArgumentTypeError(f"got {text!r}, allowed {allowed}") from None

    return parse


def one_or_three(kind: Callable[[str], Any], allowed: str) -> Callable[[str], Any]:
    """Return what turns text into a number for all axes, or one for each."""
    several = numbers(kind, allowed)

    def parse(text: str) -> Any:
        values = several(text)
        if len(values) not in (1, 3):
            raise argparse.ArgumentTypeError(f"got {text!r}, allowed {allowed}")
        return values[0] if len(values) == 1 else values

    return parse


def checked(check: Callable[[Any], Any], kind: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """Return what turns text into a value that the library's own ``check`` takes."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
            check(value)
        except (VoxkernError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value

    return parse


millimetres = one_or_three(float, "millimetres above zero: one number, or three with commas")
voxels = one_or_three(int, "whole numbers above zero: one, or three with commas")
iterations = numbers(int, "whole numbers above zero, as in 50x50x50x50", "x")
order = checked(check_order, lambda text: int(text) if text.isdecimal() else text)
orientation = checked(lambda word: word == "keep" or axes_to("RAS", word))
threads = checked(validate.thread_count, int)


def _add_convention(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--convention",
        choices=CONVENTIONS,
        help="what stays where: centre and origin give exactly the spacing asked for, extent and corner "
        "what fits (default: centre; extent for a shape)",
    )


def _add_interpolation(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--order",
        type=order,
        default=3,
        metavar="ORDER",
        help="0 to 5, nearest, linear, cubic, area, lanczos3, ... (default: 3)",
    )
    parser.add_argument("--antialias", action="store_true", help="smooth axes that lose samples first")


def _add_grid(parser: ArgumentParser) -> None:
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--spacing", type=millimetres, metavar="MM", help="one number, or three with commas")
    target.add_argument("--shape", type=voxels, metavar="N", help="voxels: one number, or three with commas")
    target.add_argument("--like", metavar="FILE", help="take the grid of this image")
    parser.add_argument(
        "--affine", metavar="FILE", help="text file, 4 x 4 numbers: where the voxels of --shape lie, RAS+ mm"
    )
    _add_convention(parser)
    parser.add_argument("--shape-rule", default="round", choices=SHAPE_RULES, help="voxels for --spacing")


def _add_preprocess(command: ArgumentParser) -> None:
    command.add_argument(
        "--n4", action="store_true", help="correct the bias field (MR): full resolution, Otsu's mask"
    )
    command.add_argument(
        "--n4-preset", choices=N4_PRESETS, help="correct it with the settings of a known pipeline"
    )
    command.add_argument("--mask", metavar="FILE", help="non-zero voxels count, for N4 and the z-score")
    command.add_argument(
        "--orient", type=orientation, default="RAS", help="three letters, or 'keep' (default: RAS)"
    )
    command.add_argument("--spacing", type=millimetres, metavar="MM", help="one number, or three with commas")
    _add_convention(command)
    _add_interpolation(command)
    command.add_argument("--normalize", default="none", choices=NORMALIZATIONS)
    command.add_argument(
        "--report", metavar="FILE.html", help="pictures, histograms, geometry, timings on one page"
    )


def _add_n4(command: ArgumentParser) -> None:
    command.add_argument("--field", metavar="FILE", help="save the field, too")
    masks = command.add_mutually_exclusive_group()
    masks.add_argument("--mask", metavar="FILE", help="non-zero voxels count (default: Otsu's threshold)")
    masks.add_argument("--no-mask", action="store_true", help="all voxels count")
    command.add_argument("--preset", choices=N4_PRESETS, help="settings of a known pipeline")
    command.add_argument("--shrink", type=int, metavar="N", help="fit on every n-th voxel (default: 1)")
    command.add_argument("--iterations", type=iterations, metavar="50x50x50x50", help="per level")
    command.add_argument(
        "--threshold", type=float, metavar="X", help="convergence threshold (default: 0.001)"
    )
    command.add_argument(
        "--spline-distance", type=millimetres, metavar="MM", help="knot distance at the first level"
    )


def _add_resample(command: ArgumentParser) -> None:
    _add_grid(command)
    _add_interpolation(command)
    limits = command.add_mutually_exclusive_group()
    limits.add_argument("--clip", action="store_true", help="keep results within the range of the input")
    limits.add_argument(
        "--clip-slices",
        action="store_const",
        const="slice",
        dest="clip",
        help="and of each index of the axes that stay: time points, channels",
    )


def _add_labels(command: ArgumentParser) -> None:
    _add_grid(command)
    command.add_argument(
        "--rule", default="argmax", choices=RULES, help="which label a voxel gets (default: argmax)"
    )


def _add_zscore(command: ArgumentParser) -> None:
    command.add_argument("--mask", metavar="FILE", help="non-zero voxels count (default: all)")


def _add_convert(command: ArgumentParser) -> None:
    command.add_argument(
        "--orient", type=orientation, default="keep", help="three letters, or 'keep' (default: keep)"
    )


def _add_info(command: ArgumentParser) -> None:
    command.add_argument("input", nargs="?", help=INPUT)
    command.add_argument("--config", action="store_true", help="versions, instruction set, threads, GPU")
    command.add_argument("--json", action="store_true", help="one list, an object for each volume")


def _add_view(command: ArgumentParser) -> None:
    command.add_argument("input", help=INPUT)
    command.add_argument("output", nargs="?", metavar="FILE.html", help="default: a temporary file, opened")
    command.add_argument("--overwrite", action="store_true", help="replace what is there already")
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


def _add_demo(command: ArgumentParser) -> None:
    command.add_argument("--output", default="demo-output", metavar="FOLDER", help="default: demo-output")
    command.add_argument("--overwrite", action="store_true", help="replace what an earlier run left there")


def _add_bench(command: ArgumentParser) -> None:
    command.add_argument(
        "--seconds", type=float, default=120.0, metavar="S", help="about how long it may take (default: 120)"
    )
    command.add_argument(
        "--size", type=int, default=128, metavar="N", help="edge of the volumes (default: 128)"
    )
    command.add_argument("--json", action="store_true", help="one list, an object for each row")


# What turns one image into another: name, help, options of its own.
_IMAGE_COMMANDS: tuple[tuple[str, str, Callable[[ArgumentParser], None]], ...] = (
    ("preprocess", "scan -> corrected, reoriented, resampled, normalised volume", _add_preprocess),
    (
        "n4",
        "correct the bias field of an MR scan; takes ANTs' flags, too: -d -i -x -w -s -c -b -t -r -o",
        _add_n4,
    ),
    ("convert", "from any format load() reads to any that save() writes", _add_convert),
    ("resample", "onto another spacing or grid", _add_resample),
    ("labels", "a label map onto another spacing or grid", _add_labels),
    ("zscore", "to mean 0 and standard deviation 1", _add_zscore),
)
_OTHER_COMMANDS: tuple[tuple[str, str, Callable[[ArgumentParser], None]], ...] = (
    ("info", "what a file or folder holds, or --config", _add_info),
    ("demo", "a head from DICOM to NIfTI, with a picture and a report", _add_demo),
    ("bench", "a table: how fast this machine runs voxkern, and the peers that are installed", _add_bench),
)


def _parents() -> tuple[ArgumentParser, ArgumentParser, ArgumentParser]:
    """Return the options of every command, of those that load, and of one image into another."""
    common = ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="print nothing but errors")
    common.add_argument("--debug", action="store_true", help="print where an error comes from")
    common.add_argument(
        "--threads", type=threads, metavar="N", help="default: every CPU this process may use"
    )
    series = ArgumentParser(add_help=False)
    series.add_argument("--series", metavar="UID", help="which DICOM series, as `voxkern info` lists them")
    series.add_argument("--missing", choices=("interpolate", "drop"), help="repair missing slices")
    series.add_argument("--irregular", choices=("resample",), help="repair unequal distances of slices")
    series.add_argument("--untilt", action="store_true", help="rectify a tilted CT gantry")
    series.add_argument("--suv", action="store_true", help="PET: standardised uptake values")
    image = ArgumentParser(add_help=False)
    image.add_argument("input", help=INPUT)
    image.add_argument("output", help=OUTPUT)
    image.add_argument("--overwrite", action="store_true", help="replace what is there already")
    image.add_argument("--format", choices=FOLDERS, help="the output is a folder, with a file for each slice")
    return common, series, image


def make_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = ArgumentParser(prog="voxkern", description="Fast, exact kernels for 3D medical images.")
    parser.add_argument("--version", action="version", version=f"voxkern {__version__}")
    common, series, image = _parents()
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, add in _IMAGE_COMMANDS:
        add(commands.add_parser(name, parents=[common, series, image], help=text, description=text))
    text = "one HTML page: planes, volume, labels, surface, no network"
    _add_view(commands.add_parser("view", parents=[common, series], help=text, description=text))
    for name, text, add in _OTHER_COMMANDS:
        add(commands.add_parser(name, parents=[common], help=text, description=text))
    return parser
