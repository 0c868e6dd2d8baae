# SPDX-License-Identifier: Apache-2.0
"""From layers to steps: what is computed at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from .._runtime.errors import ArgumentError
from .._runtime.validate import Array
from ._conv_layer import Conv3d
from ._layers import ARRAYS, Layer, in_layer
from ._shapes import SPATIAL

# Of values that are written into a concatenation: that, and the values in front of them there.
Homes: TypeAlias = dict[int, tuple[int, tuple[int, ...]]]


@dataclass
class Step:
    """What is computed at once: a layer, and those behind it that it takes in."""

    layer: Layer
    parts: list[Layer]
    residual: tuple[int, ...] = ()  # a value that a convolution adds
    norm: Layer | None = None  # an instance norm whose statistics a convolution takes
    output: int = 0  # the value it makes, that of its last part
    run: Callable[..., Array] = field(init=False)
    normalise: Callable[..., Array] = field(init=False)  # the norm by itself
    convolution: Conv3d | None = None

    @property
    def inputs(self) -> tuple[int, ...]:
        """Return the values it reads."""
        return (self.layer.source, *self.layer.others, *self.residual)

    def __str__(self) -> str:
        return " + ".join(part.type for part in self.parts)


def fused(layers: list[Layer]) -> list[Step]:
    """Return what is computed at once, in order."""
    uses = Counter(v for layer in layers for v in (layer.source, *layer.others))
    uses[len(layers)] += 1  # the result
    steps: list[Step] = []
    made: dict[int, int] = {0: -1}  # which step makes a value
    for layer in layers:
        at = made[layer.source]
        earlier = all(made[v] < at for v in layer.others)
        with in_layer(layer.label):
            taken = at >= 0 and uses[layer.source] == 1 and earlier and _takes_in(steps[at], layer)
        if not taken:
            at = len(steps)
            steps.append(Step(layer, []))
        steps[at].parts.append(layer)
        steps[at].output = layer.number + 1
        made[layer.number + 1] = at
    return steps


def _takes_in(step: Step, layer: Layer) -> bool:
    """Let a step compute the layer behind it, too, if it can."""
    first, options = step.layer, (step.norm or step.layer).options
    convolution = first.kind in ("conv", "conv_transpose")
    bare = options.get("activation") is None
    if layer.kind in ("relu", "leaky_relu"):
        if not bare or "activation" not in options:
            return False
        slope = layer.options.get("negative_slope")
        options["activation"] = "relu" if slope is None else ("leaky_relu", slope)
        return True
    if step.norm is not None:
        return False
    if layer.kind == "instance_norm":
        if first.kind != "conv" or step.residual or not layer.options["use_input_stats"]:
            return False
        step.norm = layer
        return True
    if layer.kind == "batch_norm":
        after = layer.options["activation"]
        if not bare or step.residual or not (convolution or (first.kind == "linear" and after is None)):
            return False
        _fold(first, layer.options)
        if convolution:
            options["activation"] = after
        return True
    if layer.kind == "add" and convolution and bare and not step.residual and len(layer.others) == 1:
        step.residual = layer.others
        options["activation"] = layer.options["activation"]
        return True
    return False


def _fold(first: Layer, norm: dict[str, Any]) -> None:
    """Make a batch norm part of the weights before it."""
    options = first.options
    weight = options["weight"].astype(np.float64)
    transposed = first.kind == "conv_transpose"
    channels = weight.shape[1] * options["groups"] if transposed else weight.shape[0]
    for key in ARRAYS:
        if norm[key] is not None and norm[key].shape != (channels,):
            raise ArgumentError(f"{key}: got shape {norm[key].shape}, allowed ({channels},)")
    scale = 1.0 / np.sqrt(norm["running_var"].astype(np.float64) + norm["eps"])
    if norm["weight"] is not None:
        scale = scale * norm["weight"]
    bias = -norm["running_mean"] * scale
    if options["bias"] is not None:
        bias = bias + options["bias"] * scale
    if norm["bias"] is not None:
        bias = bias + norm["bias"]
    if transposed:  # (channels in, channels out of a group, ...)
        groups = options["groups"]
        split = weight.reshape(groups, -1, *weight.shape[1:])
        weight = (split * scale.reshape(groups, 1, -1, *(1,) * SPATIAL)).reshape(weight.shape)
    else:
        weight = weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    options["weight"], options["bias"] = weight.astype(np.float32), bias.astype(np.float32)


def homes_of(steps: list[Step]) -> Homes:
    """Return which values are written into a concatenation: that, and the values in front of them there."""
    makers = {step.output: step for step in steps}
    homes: Homes = {}
    for step in steps:
        if step.layer.kind != "concat":
            continue
        for at, value in enumerate(step.inputs):
            once = step.inputs.count(value) == 1 and value not in homes
            if once and value in makers and makers[value].layer.kind != "flatten":
                homes[value] = step.output, step.inputs[:at]
    return homes
