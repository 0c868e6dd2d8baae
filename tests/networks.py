# SPDX-License-Identifier: Apache-2.0
"""Networks as plain data, with weights, for tests."""

import numpy as np

from voxkern import nn


def weight(rng, *shape):
    """Random weights that keep values around one."""
    return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def conv(rng, key, before, after, rank=3, kernel=3, **options):
    """Return a convolution that keeps the size, and its weights."""
    layer = {"type": f"conv{rank}d", "weight": f"{key}.weight", "bias": f"{key}.bias", **options}
    layer.setdefault("padding", kernel // 2)
    shape = (after, before // options.get("groups", 1), *[kernel] * rank)
    return layer, {f"{key}.weight": weight(rng, *shape), f"{key}.bias": weight(rng, after)}


def unet(rng, channels=(4, 8, 12), inputs=2, classes=3, rank=3, norm=None):
    """Return the layers and weights of a U-Net with max pools and transposed convolutions."""
    layers, weights = [], {}

    def add(layer, more=None):
        layers.append(layer)
        weights.update(more or {})

    def block(name, before, after):
        add(*conv(rng, name, before, after, rank))
        if norm:
            add({"type": norm, "weight": weight(rng, 1, after)[0] + 1, "bias": weight(rng, after)})
        add({"type": "leaky_relu", "name": name})

    before = inputs
    for level, after in enumerate(channels):
        if level:
            add({"type": f"max_pool{rank}d", "kernel_size": 2})
        block(f"down{level}", before, after)
        before = after
    for level in reversed(range(len(channels) - 1)):
        after = channels[level]
        up = f"up{level}"
        add(
            {"type": f"conv_transpose{rank}d", "weight": f"{up}.weight", "stride": 2, "name": up},
            {f"{up}.weight": weight(rng, before, after, *[2] * rank)},
        )
        add({"type": "concat", "input": f"down{level}", "with": up})
        block(f"join{level}", 2 * after, after)
        before = after
    add(*conv(rng, "head", before, classes, rank, kernel=1))
    return layers, weights


def unet_by_hand(x, w, rank=3, norm=None, layers=()):
    """Run the network of `unet` with the functions themselves."""
    convolve = getattr(nn, f"conv{rank}d")
    up = getattr(nn, f"conv_transpose{rank}d")
    pool = getattr(nn, f"max_pool{rank}d")
    norms = iter([layer for layer in layers if layer["type"] == norm])

    def block(value, name):
        value = convolve(value, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)
        if norm:
            layer = next(norms)
            value = getattr(nn, norm)(value, weight=layer["weight"], bias=layer["bias"])
        return nn.leaky_relu(value, 0.01)

    down0 = block(x, "down0")
    down1 = block(pool(down0, 2), "down1")
    down2 = block(pool(down1, 2), "down2")
    join1 = block(np.concatenate([down1, up(down2, w["up1.weight"], stride=2)], axis=1), "join1")
    join0 = block(np.concatenate([down0, up(join1, w["up0.weight"], stride=2)], axis=1), "join0")
    return convolve(join0, w["head.weight"], w["head.bias"])
