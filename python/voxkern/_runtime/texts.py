# SPDX-License-Identifier: Apache-2.0
"""Texts of parameters that several functions have, written once and filled in where a docstring names them.

A line of a docstring that is ``{key}`` becomes the text of that key, so that ``help()`` shows all of it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

from .texts_ndimage import NDIMAGE_TEXTS
from .texts_networks import NETWORK_TEXTS

T = TypeVar("T")

_WORD = re.compile(r"\{(\w+)\}")
_PLACE = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)


def documented(thing: T) -> T:
    """Fill the shared texts into the docstring of a function or class."""

    def fill(place: re.Match[str]) -> str:
        return textwrap.indent(TEXTS[place[2]], place[1])

    target: Any = thing
    if target.__doc__ is not None:  # python -OO
        target.__doc__ = _PLACE.sub(fill, target.__doc__)
    return thing


def documented_by(body: str, **words: str) -> Callable[[T], T]:
    """Return what puts a text that several functions share behind the first line of their docstrings.

    ``{key}`` within its lines becomes the word of that key.
    """

    def decorate(thing: T) -> T:
        target: Any = thing
        if target.__doc__ is not None:  # python -OO
            text = _WORD.sub(lambda place: words.get(place[1], place[0]), body)
            target.__doc__ = f"{target.__doc__.rstrip()}\n\n{text}"
        return documented(thing)

    return decorate


_MODE = """\
mode : str, optional
    How the image continues: scipy's ``reflect``, ``mirror``, ``nearest``, ``constant``,
    ``wrap``, ``grid-constant``, ``grid-wrap``, ``grid-mirror``, or ``fov``, ITK's rule: ``cval``
    from half a voxel outside the image on, and within that rim the edge voxel (orders 0 and 1),
    the mirrored spline, or the sinc over repeated edge voxels."""

_ORDER = """\
order : int or str
    0 or ``nearest``, 1 or ``linear``, 2 to 5 B-spline through the samples (3 or ``cubic``); or a
    windowed sinc: ``lanczos``, ``hamming``, ``cosine``, ``welch``, ``blackman``, with a radius of
    1 to 5 behind the name (``lanczos3``; 5 where there is none) and weights that are not scaled to
    one, as in ITK."""

TEXTS = {
    **NDIMAGE_TEXTS,
    **NETWORK_TEXTS,
    # masks
    "mask": """\
mask : array_like or Volume
    Bool, integer, float32 or float64; what is not zero belongs to it. Any number of axes, any memory
    order.""",
    "compared": """\
a, b : array_like or Volume
    Two masks in one shape, what is not zero belongs to each; or label maps, bool or integer. Any number of
    axes, any memory order.""",
    "compared_labels": """\
labels : "all" or sequence of int, optional
    Which labels to compare, each in its bounding box; "all": those of either map, but 0. Default: ``a`` and
    ``b`` are masks.""",
    "compared_spacing": """\
spacing : float or sequence, optional
    Size of a step along each axis. Default: the spacing of the Volume, if ``a`` or ``b`` is one, and 1 along
    other axes.""",
    "compared_errors": """\
ArgumentError, ArgumentTypeError
    Arrays of different shapes or grids, label maps that are no integers.""",
    "surface_result": """\
In the unit of ``spacing``, millimetres for Volumes; of the masks, or by label. NaN where both are empty,
infinite where one is.""",
    "surface_notes": """\
A voxel of a mask belongs to its surface if a voxel that shares a face with it does not belong to the mask,
or would lie outside the image. Distances lead from the centre of such a voxel to that of the nearest one of
the other surface. That is what MONAI and medpy measure. Extra memory: some 20 bytes per voxel of the
bounding box of the two masks.""",
    "connectivity": """\
connectivity : int
    Voxels that differ by a step along so many axes at most are connected: in 3-D 1 (faces), 2 (edges)
    or 3 (corners).""",
    "radius_mm": """\
radius_mm : float
    Radius of the ball, 0 or more. Voxel centres at just this distance, but for rounding, belong to it.""",
    "ball_axes": """\
axes : int or sequence, optional
    Axes along which the ball extends: two make it a disc in each slice. Default: all axes of an array, the
    spatial ones of a Volume.""",
    "ball_spacing": """\
spacing : float or sequence, optional
    Size of a voxel along ``axes``, for an array; default 1. A Volume has its own.""",
    "ball_result": """\
Returns
-------
array
    ``bool``, of the kind of ``mask`` and in its memory order.

Raises
------
ArgumentError
    A value that is not allowed.""",
    # filters in millimetres
    "filtered_image": """\
x : Volume or array_like
    Bool, integer, float32 or float64. Of a Volume the three spatial axes are filtered, of an array all.""",
    "hessian_image": """\
x : Volume or array_like
    Bool, integer, float32 or float64. Of a Volume the three spatial axes are filtered; an array has two or
    three axes.""",
    "sigma_mm": """\
sigma_mm : float or sequence
    Standard deviation in millimetres; one value, or one per filtered axis.""",
    "image_spacing": """\
spacing : float or sequence, optional
    Millimetres from sample to sample along the axes of an array; 1 by default. A Volume has its own.""",
    "image_mode": """\
mode : {"nearest", "reflect", "mirror", "constant", "wrap", "grid-..."}
    How lines continue beyond their ends.""",
    # another grid
    "spacing": """\
spacing : float or sequence, optional
    Millimetres wanted along the spatial axes of a Volume; the result has exactly these with ``centre``
    and ``origin``.""",
    "shape": """\
shape : int or sequence, optional
    Voxels wanted along ``axes``.""",
    "affine": """\
affine : (4, 4) array_like, optional
    Take the grid of ``shape`` voxels that this affine places in space.""",
    "like": """\
like : Volume, optional
    Take the grid of this volume (or nibabel or SimpleITK image), wherever it lies.""",
    "matrix": """\
matrix : (n, n) or (n+1, n+1) array_like, optional
    Output index -> input index, as in ``scipy.ndimage.affine_transform``. ``shape`` then gives
    the output shape (default: the input's). The last row of a homogeneous one is 0, ..., 0, 1.""",
    "order": _ORDER,
    "resample_order": f"""\
{_ORDER}
    Or ``area``: the mean of the input over each output voxel, on grids along its axes.""",
    "mode": f"""\
{_MODE}
    Default ``nearest``; ``fov`` for ``affine=``, ``like=``, ``matrix=`` and ``transform=`` on a Volume.""",
    "field_mode": f"""\
{_MODE}
    Default ``fov`` for a Volume, ``nearest`` for an array.""",
    "cval": """\
cval : float
    Value outside for ``constant``, ``grid-constant`` and ``fov``.""",
    "antialias": """\
antialias : bool
    Smooth axes that lose samples with a Gaussian of sigma ``(factor - 1) / 2`` voxels first,
    as ``skimage.transform.resize`` does. Not for rotated grids.""",
    "clip": """\
clip : {False, True, "slice"}
    Keep results within the range of the input: splines overshoot at edges. ``slice``: within the
    range of each index of the axes that are not resampled (channels; skimage's slices).""",
    "convention": """\
convention : {"centre", "extent", "origin", "corner"}, optional
    With n voxels of spacing s going to m voxels. ``centre``: the spacing is exactly as asked and
    the volume centres coincide; the default for ``spacing``. ``extent``: the field of view is kept
    and the spacing becomes n*s/m (scipy's ``grid_mode``, nnU-Net); the default for ``shape``.
    ``origin``: the spacing is exactly as asked and the first voxel stays (MONAI, SimpleITK).
    ``corner``: the corner voxel centres coincide, spacing (n-1)s/(m-1) (scipy's default zoom). Other
    ways to name a grid leave nothing to choose.""",
    "shape_rule": """\
shape_rule : {"round", "ceil", "floor", "monai", "torchio"}
    Voxels for ``spacing`` alone: n*s/t rounded half to even, up, or down (``torchio`` is down,
    ``monai`` rounds (n-1)*s/t + 1).""",
    "transform": """\
transform : optional
    Moves each point of the output grid to the place where ``x`` is looked up, in RAS+ millimetres:
    a 4x4 matrix, a Volume of displacements (x, y, z, 3), a SimpleITK transform, or a list of
    these, of which the first is applied first. They are composed; ``x`` is interpolated once. The
    output grid is that of ``like`` or ``affine``, or of ``x`` (with ``spacing`` or ``shape`` if given).""",
    "spatial_axes": """\
axes : int or sequence, optional
    Axes ``shape`` or ``spacing`` speak of. Default: all axes of an array, the spatial ones of a
    Volume.""",
    # intensities
    "intensities": """\
x : Volume or array_like
    Bool, integers, float16, float32 or float64; any number of axes, any memory order.""",
    "statistics_mask": """\
mask : Volume or array_like, optional
    Of the shape of ``x``. Its non-zero voxels count; all do by default. One whose memory runs across
    that of ``x`` is copied.""",
    "intensity_window": """\
low, high : float, optional
    The window; ``low`` below ``high``.
center, width : float, optional
    The window in other words: ``center - width / 2`` to ``center + width / 2``, what DICOM calls
    LINEAR_EXACT.""",
    "box_axes": """\
axes : int or sequence, optional
    Axes that the box is for; of the others all is kept. Default: all axes of an array, the spatial ones
    of a Volume.""",
    "margin": """\
margin : int or sequence
    Voxels that the box is wider on either side, as far as there are any; one number, or one for each of
    ``axes``.""",
    "intensities_out": """\
out : array, optional
    Where to write, of the shape of ``x``; its dtype is the result's. Integers are rounded half away from
    zero and saturate. Bool is refused.""",
}
