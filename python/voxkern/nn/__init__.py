# SPDX-License-Identifier: Apache-2.0
"""Layers of convolutional networks for inference: torch.nn.functional's names, arguments and answers.

Arrays are float32, (N, C, D, H, W) or without the batch axis; tensors of torch and others pass through
DLPack and come back as what they were.
"""

from ._sampling import grid_sample, interpolate
from ._sequential import Sequential
from ._tiles import run_in_tiles, sliding_window

__all__ = ["Sequential", "grid_sample", "interpolate", "run_in_tiles", "sliding_window"]
