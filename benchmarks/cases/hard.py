# SPDX-License-Identifier: Apache-2.0
"""Cases of odd sizes and layouts: SciPy's own loops are at their best here, or ours were at their worst."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.phantoms import noise

from .case import Build, Case
from .ndimage import Job, same_call

TITLE = "Odd sizes and layouts"


def at_points(shape: tuple[int, ...], count: int, **options: Any) -> Case:
    limits = np.array(shape)[:, None] - 1.0
    points = np.random.default_rng(1).random((len(shape), count)) * limits
    return same_call(
        lambda m, a, **k: m.map_coordinates(a, points, **options, **k), partial(noise, shape), grows=None
    )


def thin_rotation(shape: tuple[int, ...]) -> Case:
    """Rotate a few slices within their plane; the slices are the fastest axis."""
    c, s = np.cos(0.25), np.sin(0.25)
    matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    centre = (np.array(shape) - 1) / 2
    offset = centre - matrix @ centre
    return same_call(
        lambda m, a, **k: m.affine_transform(a, matrix, offset, order=1, **k), partial(noise, shape)
    )


def fortran_order(shape: tuple[int, ...]) -> Any:
    return np.asfortranarray(noise(shape))


WEIGHTS = (1.0, 2.0, 4.0, 2.0, 1.0)
SMALL: dict[str, Job] = {
    "correlate1d": lambda m, a, **k: m.correlate1d(a, WEIGHTS, **k),
    "zoom 1.25 nearest": lambda m, a, **k: m.zoom(a, 1.25, order=0, **k),
    "shift linear": lambda m, a, **k: m.shift(a, (0.3, 1.2, -2.5), order=1, **k),
    "uniform size 3": lambda m, a, **k: m.uniform_filter(a, 3, **k),
    "spline_filter": lambda m, a, **k: m.spline_filter(a, output=a.dtype, **k),
}


def zoom_channels(m: Any, a: Any, **k: Any) -> Any:
    return m.zoom(a, (1.25, 1.25, 1.25, 1), order=1, **k)


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder; names do not tell the size, which is another with ``quick``."""
    part = 8 if quick else 1  # an edge is divided by it
    found: dict[str, Build] = {}
    for name, edge in (("medium", 160), ("large", 256)):
        found[f"1000 points cubic, {name}"] = partial(
            at_points, (edge // part,) * 3, 1000, order=3, prefilter=False
        )
    for order, name in ((1, "linear"), (3, "cubic")):
        found[f"points {name} over 4 axes"] = partial(at_points, (24,) * 4, 100_000 // part**2, order=order)
    for slices in (2, 4):
        plane = 256 // part
        found[f"rotation linear of {slices} slices"] = partial(thin_rotation, (plane, plane, slices))
    for size, edge, dtype in ((151, 128, "float32"), (101, 160, "float64")):
        found[f"uniform size {size} {dtype}"] = partial(
            same_call,
            lambda m, a, size=size, **k: m.uniform_filter(a, size, **k),
            partial(noise, (edge // part,) * 3, dtype),
            tolerance=1e-3,  # of the range, which is small after so much smoothing
        )
    zooms: dict[str, tuple[tuple[int, ...], Any]] = {
        "zoom 1.25 cubic of a line": ((3_000_000 // part**2,), noise),
        "zoom 1.25 cubic of a plane": ((4096 // part,) * 2, noise),
        "zoom 1.25 cubic, Fortran order": ((256 // part,) * 3, fortran_order),
    }
    for name, (shape, image) in zooms.items():
        found[name] = partial(
            same_call, lambda m, a, **k: m.zoom(a, 1.25, **k), partial(image, shape), 1.25 ** len(shape)
        )
    channels_last = partial(noise, (64 // part,) * 3 + (64,))
    found["zoom 1.25 linear, channels last"] = partial(same_call, zoom_channels, channels_last, 1.25**3)
    found["correlate1d of 3 columns"] = partial(
        same_call,
        lambda m, a, **k: m.correlate1d(a, WEIGHTS, axis=0, **k),
        partial(noise, (100_000 // part, 3)),
    )
    for name, job in SMALL.items():
        found[f"{name}, tiny"] = partial(same_call, job, partial(noise, (8, 8, 8)))
    return found
