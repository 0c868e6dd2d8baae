# SPDX-License-Identifier: Apache-2.0
"""Texts of parameters of ``scipy.ndimage``: what `texts` fills in."""

NDIMAGE_TEXTS = {
    # morphology of masks
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
    SciPy's; without effect.""",
    "binary_axes": """\
axes : int or sequence, optional
    Axes that the structure has; all by default. Along the others it has one sample.""",
    "binary_result": """\
Returns
-------
array
    ``bool``, or ``output``.

Raises
------
RuntimeError, ValueError, TypeError, IndexError
    As scipy's function of this name; and ValueError where iterations alternate forever.""",
    # filters
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
    # grey morphology
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
    # interpolation
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
}
