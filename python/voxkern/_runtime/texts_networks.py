# SPDX-License-Identifier: Apache-2.0
"""Texts of parameters of networks: what `texts` fills in."""

NETWORK_TEXTS = {
    "conv_bias": """\
bias : array_like, optional
    ``float32``, a number for each output channel.""",
    "conv_result": """\
Returns
-------
array
    ``float32``, (N, out channels, ...) or (out channels, ...), of the kind of ``input``.

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
    them where they belong. On a GPU all three add plain products.""",
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
    "images": """\
input : array
    ``float32``, (N, C, ...) or (C, ...), any memory order. N may be 0.""",
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
    ``float32``, any number of axes, any memory order.""",
    "running_statistics": """\
running_mean, running_var : (C,) array, optional
    Mean and variance per channel, float32.""",
    "scale_and_shift": """\
weight, bias : (C,) array, optional
    Scale and shift per channel, float32.""",
    "momentum": """\
momentum : float
    Torch's; without effect, as no running statistics are written.""",
    "eps": """\
eps : float
    Added to the variance.""",
    "activation": """\
activation : {None, "relu", ("leaky_relu", slope)}
    What becomes of the result, in the same pass.""",
}
