# SPDX-License-Identifier: Apache-2.0
"""Cases of whole networks and of sampling in networks, beside torch."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import voxkern as vk
from benchmarks.phantoms import ZERO_BACKGROUND, class_scores, masked_head
from voxkern.reference.conv3d import conv3d as convolution
from voxkern.reference.conv3d import conv_transpose3d as transposed
from voxkern.reference.norm import norm

from .case import Build, Call, Case, beside, torch

TITLE = "Networks"
SLOPE = 0.01
CHANNELS = (32, 64, 128, 256, 320)  # nnU-Net's, five levels
CLASSES = 3

Layers = list[dict[str, Any]]


def weights(*shape: int) -> Any:
    rng = np.random.default_rng(shape)
    return rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(np.prod(shape[1:])))


def block(before: int, after: int, stride: int = 1) -> Layers:
    """Return a convolution, an instance norm and a leaky ReLU."""
    kernel, bias = weights(after, before, 3, 3, 3), weights(after)
    return [
        {"type": "conv3d", "weight": kernel, "bias": bias, "padding": 1, "stride": stride},
        {"type": "instance_norm", "weight": weights(after) + 1, "bias": bias},
        {"type": "leaky_relu", "negative_slope": SLOPE},
    ]


def unet(channels: tuple[int, ...]) -> Layers:
    layers: Layers = []
    before = 1
    for level, after in enumerate(channels):
        layers += [*block(before, after, 2 if level else 1), *block(after, after)]
        layers[-1]["name"] = f"down{level}"
        before = after
    for level, after in reversed(list(enumerate(channels[:-1]))):
        kernel = weights(before, after, 2, 2, 2)
        layers.append({"type": "conv_transpose3d", "weight": kernel, "stride": 2, "name": f"up{level}"})
        layers.append({"type": "concat", "with": f"down{level}"})
        layers += [*block(2 * after, after), *block(after, after)]
        before = after
    return [*layers, {"type": "conv3d", "weight": weights(CLASSES, before, 1, 1, 1)}]


def run(layers: Layers, x: Any, functions: dict[str, Callable[..., Any]]) -> Any:
    """Run a network layer by layer."""
    kept: dict[str, Any] = {}
    for layer in layers:
        options = {k: v for k, v in layer.items() if k not in ("type", "name", "with")}
        if layer["type"] == "concat":
            x = functions["concat"](x, kept.pop(layer["with"]))
        else:
            x = functions[layer["type"]](x, **options)
        if layer.get("name", "").startswith("down"):
            kept[layer["name"]] = x
    return x


def by_reference(layers: Layers, x: Any) -> Any:
    def convolve(x: Any, weight: Any, bias: Any = None, padding: int = 0, stride: int = 1) -> Any:
        return convolution(x, weight, bias, (stride,) * 3, ((padding, padding),) * 3)

    return run(
        layers,
        x,
        {
            "conv3d": convolve,
            "conv_transpose3d": lambda x, weight, stride: transposed(x, weight, None, (stride,) * 3),
            "instance_norm": lambda x, weight, bias: norm(x, "instance", weight, bias),
            "leaky_relu": lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
            "concat": lambda x, skip: np.concatenate([x, skip], 1),
        },
    )


def by_torch(layers: Layers, x: Any, threads: int, dtype: str = "float32", last: bool = False) -> Call:
    """Return what runs a network in torch, or with channels last."""
    library = torch(threads)
    functional = library.nn.functional

    def tensor(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        made = library.from_numpy(value).to(getattr(library, dtype))
        return made.to(memory_format=library.channels_last_3d) if last and value.ndim == 5 else made

    given = [{key: tensor(value) for key, value in layer.items()} for layer in layers]
    functions = {
        "conv3d": functional.conv3d,
        "conv_transpose3d": functional.conv_transpose3d,
        "instance_norm": functional.instance_norm,
        "leaky_relu": partial(functional.leaky_relu, inplace=True),
        "concat": lambda x, skip: library.cat([x, skip], 1),
    }
    image = tensor(x)

    def call() -> Any:
        with library.inference_mode():
            return run(given, image, functions)

    return call


def network(layers_of: Callable[[], Layers], image: Callable[[], Any], answer: str) -> Case:
    """Return a case; the answer is that of torch in a dtype, where the reference would take too long."""
    layers, x = layers_of(), image()
    ours = vk.nn.Sequential(layers)

    def want() -> Any:
        return np.asarray(by_torch(layers, x, 2, answer)()) if answer else by_reference(layers, x)

    return Case(
        size=f"{'x'.join(map(str, x.shape))} float32",
        ours=lambda threads: ours(x, threads=threads),
        want=want,
        peers={
            "torch": lambda threads: by_torch(layers, x, threads),
            "torch channels last": lambda threads: by_torch(layers, x, threads, last=True),
        },
        tolerance=1e-4,
    )


def noise(channels: int, n: int) -> Any:
    return class_scores(channels, n)[None]


def head(n: int) -> Any:
    return masked_head((n, n, n))[None, None]


def sampled(name: str, *images: Callable[[], Any], **options: Any) -> Case:
    """Torch in float64 is the answer: what it means by each mode is what counts."""
    x, *arguments = (image() for image in images)

    def call(threads: int, dtype: str) -> Call:
        library = torch(threads)
        tensors = [library.from_numpy(a).to(getattr(library, dtype)) for a in (x, *arguments)]
        return lambda: getattr(library.nn.functional, name)(*tensors, **options)

    return Case(
        size=f"{'x'.join(map(str, x.shape))} float32",
        ours=lambda threads: getattr(vk.nn, name)(x, *arguments, threads=threads, **options),
        want=lambda: np.asarray(call(2, "float64")()),
        peers={"torch": lambda threads: call(threads, "float32")},
        tolerance=1e-4,
    )


def grid(n: int) -> Any:
    """Return a turned grid of points (x, y, z), a little larger than the image."""
    line = np.linspace(-1.05, 1.05, n, dtype=np.float32)
    z, y, x = np.meshgrid(line, line, line, indexing="ij")
    c, s = np.float32(np.cos(0.3)), np.float32(np.sin(0.3))
    return np.stack([c * x - s * y, s * x + c * y, z], axis=-1)[None]


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n, channels = (16, (4, 8)) if quick else (128, CHANNELS)
    ins, side = (4, 12) if quick else (32, 64)
    # In float64 torch's convolutions of the whole network would take 29 GB.
    whole = partial(network, partial(unet, channels), answer="" if quick else "float32")
    layer = partial(network, partial(block, ins, ins), answer="" if quick else "float64")
    sample = partial(noise, 2, side)

    def plane() -> Any:
        return noise(3, side)[:, :, 0] if quick else class_scores(3, 128).reshape(1, 3, 1024, -1)

    found: dict[str, Build] = {
        "U-Net": partial(whole, partial(noise, 1, n)),
        f"U-Net{ZERO_BACKGROUND}": partial(beside, "torch", partial(whole, partial(head, n))),
        "conv 32 to 32, instance norm, leaky ReLU": partial(layer, partial(noise, ins, side)),
    }
    if find_spec("torch") is None:  # the rest is held to its answers
        return found
    found |= {
        "interpolate trilinear x 2": partial(
            sampled, "interpolate", sample, scale_factor=2, mode="trilinear"
        ),
        "interpolate nearest x 2": partial(sampled, "interpolate", sample, scale_factor=2, mode="nearest"),
        "interpolate bicubic, antialias": partial(
            sampled, "interpolate", plane, scale_factor=0.3, mode="bicubic", antialias=True
        ),
    }
    for mode in ("bilinear", "nearest"):
        found[f"grid_sample 3-D {mode}"] = partial(
            sampled,
            "grid_sample",
            sample,
            partial(grid, side),
            mode=mode,
            padding_mode="border",
            align_corners=False,
        )
    return found
