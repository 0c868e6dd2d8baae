# SPDX-License-Identifier: Apache-2.0
"""Layers of convolutional networks for inference: torch.nn.functional's names, arguments and answers.

Arrays are float32, (N, C, D, H, W) or without the batch axis; tensors of torch and others pass through
DLPack and come back as what they were.
"""

from ._adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from ._conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ._conv_layer import Conv3d
from ._dense import argmax, linear, softmax
from ._norm import batch_norm, instance_norm, leaky_relu, relu
from ._pool import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from ._sampling import grid_sample, interpolate
from ._sequential import Sequential
from ._tiles import run_in_tiles, sliding_window

__all__ = [
    "Conv3d",
    "Sequential",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "argmax",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "grid_sample",
    "instance_norm",
    "interpolate",
    "leaky_relu",
    "linear",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "relu",
    "run_in_tiles",
    "sliding_window",
    "softmax",
]
