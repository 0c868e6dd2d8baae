# SPDX-License-Identifier: Apache-2.0
"""Texts of parameters that several functions have, written once and filled in where a docstring names them.

A line of a docstring that is ``{key}`` becomes the text of that key, so that ``help()`` shows all of it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

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
    # networks: convolution
    "conv_bias": """\
bias : array_like, optional
    float32, a number for each output channel.""",
    "conv_result": """\
Returns
-------
array
    float32, (N, out channels, ...) or (out channels, ...), of the kind of ``input``.

Raises
------
ArgumentError
    Shapes that do not belong together; the message has both.""",
    "conv_stride": """\
stride : int or sequence
    Samples of the input from one result to the next.""",
    "conv_padding": """\
padding : int, sequence or {"same", "valid"}
    Zeros on either side of the input. "same": as many as keep its size, an odd one behind it.
    "valid": none.""",
    "conv_dilation": """\
dilation : int or sequence
    Distance between the taps of the kernel.""",
    "conv_groups": """\
groups : int
    Parts that the channels are divided into; each is convolved by itself.""",
    "conv_algorithm": """\
algorithm : {"auto", "direct", "fast"}
    "direct" adds plain products. "auto" saves more than half of them by Winograd's algorithm where it
    fits, with an error about that of plain sums. "fast" saves up to three quarters with about three times
    the error. Winograd spreads NaN and infinity over a tile of up to six rows and planes; "direct" keeps
    them where they belong.""",
    "conv_activation": """\
activation : "relu" or ("leaky_relu", slope), optional
    Applied last.""",
    "conv_residual": """\
residual : array_like, optional
    Added before the activation; float32 of the result's shape.""",
    "conv_out": """\
out : array, optional
    Where to write: float32 of the result's shape, any memory order.""",
    "threads": """\
threads : int, optional
    Default: see `voxkern.set_num_threads`. The result has the same bits for any number.""",
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
    Size of a step along each axis. Default: the spacing of a Volume, and 1 along other axes.""",
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
    bool, of the kind of ``mask`` and in its memory order.

Raises
------
ArgumentError
    A value that is not allowed.""",
    # scipy.ndimage: morphology of masks
    "distance_input": """\
input : array_like
    What is not zero gets a distance; any dtype, any number of axes, any memory order.""",
    "sampling": """\
sampling : float or sequence, optional
    Size of a step along each axis, above 0; default 1.""",
    "return_distances": """\
return_distances, return_indices : bool
    What to return; one of them at least.""",
    "distance_indices": """\
indices : array, optional
    Where to write indices, int32 of shape ``(input.ndim, *input.shape)``. They are not returned then.""",
    "measured_image": """\
input : array_like
    Bool, integer, float16, float32 or float64; any number of axes, any memory order.""",
    "measured_labels": """\
labels : array_like, optional
    Which region each sample belongs to: any dtype, broadcast against ``input``. Default: one region.""",
    "measured_index": """\
index : int or sequence of int, optional
    The regions to measure, in this order. A number gives the answer of one region, a sequence an array of
    answers or a list of tuples. Default: the samples whose label is above 0 are one region.""",
    "binary_input": """\
input : array_like
    Bool, integer, float32 or float64; what is not zero is set. Any number of axes, any memory order.""",
    "binary_structure": """\
structure : array_like, optional
    Which samples around a sample count, of any shape. Default: itself and those that share a face.""",
    "binary_iterations": """\
iterations : int
    How often; below 1: until nothing changes.""",
    "binary_mask": """\
mask : array_like, optional
    Where it is zero samples stay as they are. The shape is that of ``input``.""",
    "binary_output": """\
output : array, optional
    Where to write, ``input`` itself among others. Anything else has no effect: a new result is bool.""",
    "border_value": """\
border_value : int
    What lies outside: 0, or set.""",
    "binary_origin": """\
origin : int or sequence
    Shift of the structure's centre from its middle, for each axis of ``axes``.""",
    "brute_force": """\
brute_force : bool
    scipy's; without effect.""",
    "binary_axes": """\
axes : int or sequence, optional
    Axes that the structure has; all by default. Along the others it has one sample.""",
    "binary_result": """\
Returns
-------
array
    bool, or ``output``.

Raises
------
RuntimeError, ValueError, TypeError, IndexError
    As scipy's function of this name; and ValueError where iterations alternate forever.""",
    # scipy.ndimage: filters
    "input": """\
input : array_like
    Bool, integer, float32, float64 or complex; any number of axes, any memory order.""",
    "axis": """\
axis : int
    Axis to filter along.""",
    "dense_weights": """\
weights : array_like
    As many axes as ``input`` has, or as ``axes`` names.""",
    "conjugated_weights": """\
weights : array_like
    As many axes as ``input`` has, or as ``axes`` names. Complex ones are conjugated.""",
    "dense_output": """\
output : array or dtype, optional
    Where to write, or the dtype of the result. Integers truncate and wrap. The input itself, or memory it
    shares, costs a temporary array.""",
    "dense_mode": """\
mode : {"reflect", "constant", "nearest", "mirror", "wrap", "grid-..."}
    How the image continues beyond its edges.""",
    "dense_origin": """\
origin : int or sequence
    Shift of the weights, between ``-(n // 2)`` and ``(n - 1) // 2`` for n weights along an axis; one value,
    or one per axis of ``axes``.""",
    "dense_notes": """\
Weights of 2.2e-16 and less in size count as zero, as with scipy. Weights that are an outer product of
filters are applied one axis after the other where that is faster and as exact. Other large weights (from
about 8 x 8 x 8 or 18 x 18 on) are multiplied in Fourier space, tile by tile. The error is then at most 1e-6
(float32) or 1e-12 of the weights' sum of sizes times the largest sample nearby. Results truncated to integers
are exact, and NaN spreads no further than with scipy.

Extra memory: a tile of at most 384 KiB per thread, in Fourier space 10 MiB per thread and 10 MiB for the
weights; more where the weights are larger than that.""",
    "axes": """\
axes : int or sequence, optional
    Axes to filter; all by default.""",
    "filter_output": """\
output : array or dtype, optional
    Where to write (may be ``input`` itself), or the dtype of the result. Integers truncate and wrap.""",
    "separate_output": """\
output : array or dtype, optional
    Where to write, or the dtype of the result. Integers truncate and wrap.""",
    "every_mode": """\
mode : str or sequence
    How lines continue beyond their ends: ``reflect``, ``constant``, ``nearest``, ``mirror``, ``wrap`` or
    ``grid-...``; one mode, or one per axis.""",
    "extra_arguments": """\
extra_arguments : sequence
    Further arguments of the function.""",
    "extra_keywords": """\
extra_keywords : mapping, optional
    Further keyword arguments of the function.""",
    "callable_threads": """\
threads : int, optional
    Without effect on the function, which sees to its own.""",
    "derivative_memory": """\
float32 and float64 results of up to three axes take one sweep over the image and up to a few megabytes per
thread. Integer and complex ones take one temporary array more.""",
    "filter_mode": """\
mode : {"reflect", "constant", "nearest", "mirror", "wrap", "grid-..."}
    How the line continues beyond its ends.""",
    "filter_modes": """\
mode : str or sequence
    How lines continue beyond their ends: ``reflect``, ``constant``, ``nearest``, ``mirror``, ``wrap`` or
    ``grid-...``; one mode, or one per axis of ``axes``.""",
    "filter_cval": """\
cval : float
    Value outside for ``constant``.""",
    "origin": """\
origin : int
    Shift of the filter, between ``-(n // 2)`` and ``(n - 1) // 2`` for n weights.""",
    "truncate": """\
truncate : float
    Cut the kernel at this many standard deviations.""",
    "real_input": """\
input : array_like
    Bool, integer, float32 or float64; any number of axes, any memory order.""",
    "window_size": """\
size : int
    Samples in the window.""",
    "box_size": """\
size : int or sequence, optional
    Samples in the box; one value, or one per axis of ``axes``.""",
    "footprint": """\
footprint : array_like, optional
    In place of ``size``: the neighbours that count, with as many axes as ``axes`` has.""",
    "window_modes": """\
mode : str or sequence
    How lines continue beyond their ends: ``reflect``, ``constant``, ``nearest``, ``mirror``, ``wrap`` or
    ``grid-...``; with ``size`` also one mode per axis of ``axes``.""",
    "rank_modes": """\
mode : str or sequence
    How lines continue beyond their ends: ``reflect``, ``constant``, ``nearest``, ``mirror``, ``wrap`` or
    ``grid-...``. For the smallest and the largest of a full box also one mode per axis of ``axes``.""",
    "window_origin": """\
origin : int or sequence
    Shift of the window, between ``-(n // 2)`` and ``(n - 1) // 2`` for n samples; one value, or one per axis
    of ``axes``.""",
    # scipy.ndimage: grey morphology
    "element_structure": """\
structure : array_like, optional
    In place of ``size``: the height of each sample of the element. With a ``footprint`` of its shape those
    count that are set there.""",
    "element_array": """\
output : array, optional
    Where to write (may be ``input`` itself). A dtype has no effect, as in scipy.""",
    "element_result": """\
Returns
-------
array
    Same shape as ``input``.

Raises
------
RuntimeError, ValueError, TypeError, IndexError
    As scipy's function of this name.""",
    # scipy.ndimage: interpolation
    "coefficient_output": """\
output : array or dtype
    Where to write, or the dtype of the result. Integers and bools truncate and wrap after each axis.""",
    "coefficient_mode": """\
mode : {"mirror", "reflect", "nearest", "constant", "wrap", "grid-..."}
    How the line continues beyond its ends.""",
    "sampled_input": """\
input : array_like
    Bool, integer, float32, float64 or complex; any number of axes up to 8, any memory order.""",
    "sampled_output": """\
output : array or dtype, optional
    Where to write, or the dtype of the result; integers are rounded half away from zero.""",
    "sampled_order": """\
order : int
    Spline order, 0 to 5.""",
    "sampled_mode": """\
mode : {"constant", "nearest", "mirror", "reflect", "wrap", "grid-..."}
    How the array continues beyond its edges.""",
    "sampled_cval": """\
cval : float
    Value outside for ``constant``.""",
    "prefilter": """\
prefilter : bool
    False: ``input`` holds spline coefficients already.""",
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
    # networks
    "images": """\
input : array
    float32, (N, C, ...) or (C, ...), any memory order. N may be 0.""",
    "images_out": """\
out : array, optional
    Where to write: float32 in the shape of the result, no memory shared with an input.""",
    "in_place_out": """\
out : array, optional
    Where to write: float32 in the shape of the result. It may be ``input`` itself.""",
    "kernel_size": """\
kernel_size : int or sequence
    Samples of a window along the spatial axes: one number, or one per axis.""",
    "window_stride": """\
stride : int or sequence, optional
    Samples from one window to the next. Default: ``kernel_size``.""",
    "window_padding": """\
padding : int or sequence
    Samples added at either end, at most half a window. They never win a maximum and are 0 in an average.""",
    "window_dilation": """\
dilation : int or sequence
    Samples from one element of a window to the next.""",
    "ceil_mode": """\
ceil_mode : bool
    Round the number of windows up, not down. Each still starts inside the image or its left padding.""",
    "return_indices": """\
return_indices : bool
    Return the places of the largest samples as well: int64 in the shape of the result, counted over the
    spatial axes. Of equals the first, of NaN the last.""",
    "count_include_pad": """\
count_include_pad : bool
    Divide by the window with its padding, else by its samples inside the image.""",
    "divisor_override": """\
divisor_override : int, optional
    Divide by this number.""",
    "output_size": """\
output_size : int or sequence
    Samples of the result along the spatial axes; None keeps those of the input. Window ``o`` of ``m`` over
    ``n`` samples goes from ``floor(o n / m)`` to ``ceil((o + 1) n / m)``.""",
    "samples": """\
input : array
    float32, any number of axes, any memory order.""",
    "running_statistics": """\
running_mean, running_var : (C,) array, optional
    Mean and variance per channel, float32.""",
    "scale_and_shift": """\
weight, bias : (C,) array, optional
    Scale and shift per channel, float32.""",
    "momentum": """\
momentum : float
    torch's; without effect, as no running statistics are written.""",
    "eps": """\
eps : float
    Added to the variance.""",
    "activation": """\
activation : {None, "relu", ("leaky_relu", slope)}
    What becomes of the result, in the same pass.""",
}
