# SPDX-License-Identifier: Apache-2.0
"""``voxkern n4`` told by the flags of ANTs' N4BiasFieldCorrection, as scripts and nipype write them."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from .._runtime.errors import ArgumentError
from .._space.volume import Volume
from .options import iterations, numbers, threads

NAME = "n4 (ANTs)"
_MARKS = ("-i", "--input-image")
_SHARPENING = ("bias_field_full_width_at_half_maximum", "wiener_filter_noise", "number_of_histogram_bins")
_SLOWEST_FIRST = ("dicom", "metaimage")  # their volumes have the axes of NumPy
_THREADS = "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"  # by which ANTs' programs, and nipype, are told


def is_ants(argv: Sequence[str]) -> bool:
    """Tell whether ``n4`` is told by ANTs' flags; its input has one, ours has none."""
    return argv[:1] == ["n4"] and any(word.partition("=")[0] in _MARKS for word in argv)


def _joined(argv: Sequence[str]) -> list[str]:
    """Return the words with the parts of each ``[ 300, 5 ]`` in one."""
    words: list[str] = []
    open_bracket = False
    for word in argv:
        if open_bracket:
            words[-1] += word
        else:
            words.append(word)
        open_bracket = words[-1].startswith("[") and not word.endswith("]")
    return words


def _parts(text: str) -> list[str]:
    """Return what stands between brackets, at the commas; or the text itself."""
    inner = text.strip().removeprefix("[").removesuffix("]")
    return [part.strip() for part in inner.split(",")]


def _part_of(*kinds: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Return what turns ``[a,b]`` into a value for each part; the last ones may be missing."""

    def parse(text: str) -> list[Any]:
        parts = _parts(text)
        if len(parts) > len(kinds):
            raise ArgumentTypeError(f"got {text!r}, allowed {len(kinds)} parts at most")
        try:
            return [kind(part) for kind, part in zip(kinds, parts, strict=False)]
        except ValueError:
            raise ArgumentTypeError(f"got {text!r}, allowed numbers") from None

    return parse


_knots = numbers(float, "millimetres, or spans as in 1x1x1", "x")


def _make_parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="voxkern n4", description="N4 bias field correction, told by ANTs' flags.", allow_abbrev=False
    )
    add = parser.add_argument
    add("-d", "--image-dimensionality", type=int, choices=(2, 3), default=3)
    add("-i", "--input-image", required=True, metavar="FILE")
    add("-x", "--mask-image", metavar="FILE")
    add("-w", "--weight-image", metavar="FILE")
    add("-s", "--shrink-factor", type=int, default=4, metavar="4")
    add(
        "-c", "--convergence", type=_part_of(iterations, float), default="[50x50x50x50,0.0]",
        metavar="[50x50x50x50,0.0]",
    )  # fmt: skip
    add("-b", "--bspline-fitting", type=_part_of(_knots, int), metavar="[200,3]")
    add(
        "-t", "--histogram-sharpening", type=_part_of(float, float, int), default="[0.15,0.01,200]",
        metavar="[0.15,0.01,200]",
    )  # fmt: skip
    add("-r", "--rescale-intensities", nargs="?", choices=("0", "1"), const="1", default="1")
    add("-o", "--output", type=_part_of(str, str), required=True, metavar="[FILE,FIELD]")
    add("-v", "--verbose", nargs="?", choices=("0", "1"), const="1", default="0")
    add("--debug", action="store_true", help="print where an error comes from")
    add("--threads", type=threads, default=os.environ.get(_THREADS), metavar="N", help=f"default: {_THREADS}")
    return parser


def for_scan(args: Namespace, scan: Volume) -> dict[str, Any]:
    """Return the settings for the axes of a scan: ANTs counts them from the fastest one of a file."""
    settings = dict(args.settings)
    flat = [axis for axis, n in enumerate(scan.shape[:3]) if n == 1]
    if args.flat and len(flat) != 1:
        raise ArgumentError(f"image-dimensionality: got 2 for shape {scan.shape}, allowed for a single slice")
    if args.mesh:
        spans = list(args.mesh[::-1] if scan.meta.get("source") in _SLOWEST_FIRST else args.mesh)
        settings["mesh"] = [*spans[: flat[0]], 1, *spans[flat[0] :]] if args.flat else spans
    if args.flat and "spline_distance" in settings:
        distances = [settings["spline_distance"]] * 3
        distances[flat[0]] = scan.spacing[flat[0]] / 4  # one span, and no voxel beyond the slice
        settings["spline_distance"] = distances
    return settings


def parse(argv: Sequence[str]) -> Namespace:
    """Return what the command ``n4`` takes of ANTs' flags; their defaults are the program's."""
    parser = _make_parser()
    given = parser.parse_args(_joined(argv[1:]))
    (levels, *threshold), (knots, *order) = given.convergence, given.bspline_fitting or [None]
    output, *field = given.output
    settings: dict[str, Any] = {
        "shrink_factor": given.shrink_factor,
        "maximum_number_of_iterations": levels,
        "convergence_threshold": threshold[0] if threshold else 0.0,
        "spline_order": order[0] if order else 3,
        "outside": "input",
        "rescale": given.mask_image is not None and given.rescale_intensities == "1",
    }
    distance, mesh = (knots[0], ()) if knots and len(knots) == 1 else (None, knots or ())
    if mesh and (len(mesh) != given.image_dimensionality or not all(m.is_integer() for m in mesh)):
        parser.error("argument -b/--bspline-fitting: allowed one distance, or a whole number for each axis")
    settings |= {"mesh": 1} if distance is None else {"spline_distance": distance}
    settings |= dict(zip(_SHARPENING, given.histogram_sharpening, strict=False))
    return Namespace(
        command=NAME,
        input=given.input_image,
        output=output,
        field=field[0] if field else None,
        mask=given.mask_image,
        weights=given.weight_image,
        settings=settings,
        mesh=mesh,
        flat=given.image_dimensionality == 2,
        format=None,
        overwrite=True,  # as ANTs does
        quiet=given.verbose == "0",
        debug=given.debug,
        threads=given.threads,
    )
