# SPDX-License-Identifier: Apache-2.0
"""Layers as plain data: what each type may say, checked and brought to three spatial axes.

A network of one or two spatial axes runs on (N, C, D, H, W) with axes of one sample, as the kernels do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .._runtime.errors import ArgumentError, ArgumentTypeError, VoxkernError, shown
from .._runtime.validate import number
from ._sampling import SMOOTH, check_mode
from ._shapes import SPATIAL, per_axis
from ._weights import Find

REQUIRED = object()

KINDS: dict[str, dict[str, Any]] = {
    "conv": {
        "weight": REQUIRED,
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
        "activation": None,
        "algorithm": "auto",
    },
    "conv_transpose": {
        "weight": REQUIRED,
        "bias": None,
        "stride": 1,
        "padding": 0,
        "output_padding": 0,
        "groups": 1,
        "dilation": 1,
        "activation": None,
        "algorithm": "auto",
    },
    "max_pool": {
        "kernel_size": REQUIRED,
        "stride": None,
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
    },
    "avg_pool": {
        "kernel_size": REQUIRED,
        "stride": None,
        "padding": 0,
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor_override": None,
    },
    "adaptive_avg_pool": {"output_size": REQUIRED},
    "instance_norm": {
        "weight": None,
        "bias": None,
        "running_mean": None,
        "running_var": None,
        "use_input_stats": True,
        "eps": 1e-5,
        "activation": None,
    },
    "batch_norm": {
        "running_mean": REQUIRED,
        "running_var": REQUIRED,
        "weight": None,
        "bias": None,
        "eps": 1e-5,
        "activation": None,
    },
    "relu": {},
    "leaky_relu": {"negative_slope": 0.01},
    "interpolate": {
        "size": None,
        "scale_factor": None,
        "mode": "nearest",
        "align_corners": None,
        "recompute_scale_factor": None,
    },
    "concat": {"with": REQUIRED},
    "add": {"with": REQUIRED, "activation": None},
    "flatten": {},
    "linear": {"weight": REQUIRED, "bias": None},
    "softmax": {},
    "argmax": {},
}
"""Options of each kind of layer, and what they are where they are not given."""

SPATIAL_KINDS = ("conv", "conv_transpose", "max_pool", "avg_pool", "adaptive_avg_pool")  # named with 1d to 3d
ARRAYS = ("weight", "bias", "running_mean", "running_var")
EVERYWHERE = {"type", "name", "input"}
INPUT = "input"  # the name of what goes into the network


@dataclass(frozen=True)
class Window:
    """How the samples of an output read those of its input, along one axis."""

    kernel: int = 1
    stride: int = 1
    low: int = 0  # padding in front, and behind
    high: int = 0
    dilation: int = 1
    ceil: bool = False

    def size(self, n: int) -> int:
        """Return how many output samples n input samples make."""
        free = n + self.low + self.high - self.dilation * (self.kernel - 1) - 1
        if not self.ceil:
            return free // self.stride + 1
        m = -(-free // self.stride) + 1
        return m - 1 if (m - 1) * self.stride >= n + self.low else m  # no window starts in the padding behind


@dataclass
class Layer:
    """One layer: its options are complete, its arrays are there, its numbers are one per D, H, W."""

    number: int
    kind: str
    name: str | None
    rank: int | None  # spatial axes its type names
    options: dict[str, Any]
    source: int = 0  # the value it reads: 0 is the network's input, k + 1 what layer k makes
    others: tuple[int, ...] = ()
    windows: tuple[Window, ...] = field(default=())

    @property
    def type(self) -> str:
        """Name it as the description does."""
        return self.kind if self.rank is None else f"{self.kind}{self.rank}d"

    @property
    def label(self) -> str:
        """Tell which one it is, for errors."""
        return f"layer {self.number} ({self.type}{f' {self.name!r}' if self.name else ''})"


@contextmanager
def in_layer(label: str) -> Iterator[None]:
    """Let errors say in which layer they happened."""
    try:
        yield
    except VoxkernError as error:
        raise type(error)(f"{label}: {error}") from error


def read_layers(layers: Any, find: Find) -> tuple[list[Layer], int]:
    """Return the layers of a description, and how many spatial axes they work on."""
    if isinstance(layers, Mapping | str) or not isinstance(layers, Sequence) or not layers:
        raise ArgumentTypeError(f"layers: got {type(layers).__name__}, allowed a list of dicts, at least one")
    read = []
    for index, data in enumerate(layers):
        with in_layer(_label(index, data)):
            read.append(_read(index, data))
    ranks = {layer.rank: layer for layer in read if layer.rank is not None}
    if len(ranks) > 1:
        labels = " and ".join(layer.label for layer in ranks.values())
        raise ArgumentError(f"layers: got {labels}, allowed one number of spatial axes")
    rank: int = next(iter(ranks), SPATIAL)
    names = {INPUT: 0}
    for layer, data in zip(read, layers, strict=True):
        with in_layer(layer.label):
            _connect(layer, data, names)
            _complete(layer, rank, find)
        if layer.name is not None:
            names[layer.name] = layer.number + 1
    return read, rank


def _label(index: int, data: Any) -> str:
    kind = data.get("type") if isinstance(data, Mapping) else None
    return f"layer {index} ({kind})" if isinstance(kind, str) else f"layer {index}"


def _read(index: int, data: Any) -> Layer:
    """Return a layer with every option it may have, arrays and numbers as they were given."""
    if not isinstance(data, Mapping):
        raise ArgumentTypeError(f"got {type(data).__name__}, allowed a dict with a type")
    given = data.get("type")
    kind, rank = _kind(given)
    options = KINDS[kind]
    unknown = [key for key in data if key not in EVERYWHERE and key not in options]
    if unknown:
        allowed = ", ".join(["type", "name", "input", *options])
        raise ArgumentError(f"got the option {unknown[0]!r}, allowed {allowed}")
    complete = {key: data.get(key, default) for key, default in options.items()}
    missing = [key for key, value in complete.items() if value is REQUIRED]
    if missing:
        raise ArgumentError(f"{missing[0]}: got nothing, allowed a value")
    name = data.get("name")
    if name is not None and (not isinstance(name, str) or name == INPUT):
        raise ArgumentError(f"name: got {shown(name)}, allowed a text other than {shown(INPUT)}")
    return Layer(index, kind, name, rank, complete)


def _kind(given: Any) -> tuple[str, int | None]:
    if isinstance(given, str):
        kind, rank = given[:-2], given[-2:]
        if kind in SPATIAL_KINDS and rank in ("1d", "2d", "3d"):
            return kind, int(rank[0])
        if given in KINDS and given not in SPATIAL_KINDS:
            return given, None
    names = [f"{kind}1d to 3d" if kind in SPATIAL_KINDS else kind for kind in KINDS]
    raise ArgumentError(f"type: got {shown(given)}, allowed {', '.join(names)}")


def _connect(layer: Layer, data: Mapping[str, Any], names: dict[str, int]) -> None:
    """Set which values a layer reads: that of the layer before it, unless it names another."""

    def value(name: Any, option: str) -> int:
        if not isinstance(name, str) or name not in names:
            raise ArgumentError(
                f"{option}: got {shown(name)}, allowed a name from before: {', '.join(names)}"
            )
        return names[name]

    layer.source = value(data["input"], "input") if "input" in data else layer.number
    if layer.name in names:
        raise ArgumentError(f"name: got {shown(layer.name)} again, allowed each name once")
    if "with" in layer.options:
        others = layer.options["with"]
        others = [others] if isinstance(others, str) or not isinstance(others, Sequence) else others
        layer.others = tuple(value(name, "with") for name in others)
        if not others:
            raise ArgumentError("with: got nothing, allowed at least one name")


def _complete(layer: Layer, rank: int, find: Find) -> None:
    """Bring arrays and numbers of a layer to three spatial axes."""
    options = layer.options
    for key in ARRAYS:
        if key in options:
            options[key] = find(options[key], key)
    if "activation" in options:
        options["activation"] = activation(options["activation"])
    if layer.kind == "leaky_relu":
        options["negative_slope"] = number(options["negative_slope"], "negative_slope")
    if layer.kind in ("conv", "conv_transpose"):
        weight = options["weight"]
        if weight.ndim != rank + 2:
            raise ArgumentError(f"weight: got shape {weight.shape}, allowed {rank + 2} axes")
        options["weight"] = weight[(slice(None),) * 2 + (None,) * (SPATIAL - rank)]
        options["kernel_size"] = weight.shape[2:]
    if layer.kind in SPATIAL_KINDS and layer.kind != "adaptive_avg_pool":
        layer.windows = _windows(layer, rank)
    if layer.kind == "adaptive_avg_pool":
        options["output_size"] = per_axis(options["output_size"], rank, "output_size", least=1, absent=1)
    if layer.kind == "interpolate":
        _complete_interpolation(options, rank)


def _windows(layer: Layer, rank: int) -> tuple[Window, ...]:
    """Bring the numbers of a convolution or a pool to three axes; return how it reads each of them."""
    options = layer.options
    least = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0, "output_padding": 0}
    if options["stride"] is None:
        options["stride"] = options["kernel_size"]
    named = options["padding"] if isinstance(options["padding"], str) else None
    if named is not None and (layer.kind != "conv" or named not in ("same", "valid")):
        allowed = "numbers, 'same' or 'valid'" if layer.kind == "conv" else "numbers"
        raise ArgumentError(f"padding: got {shown(named)}, allowed {allowed}")
    for key, low in least.items():
        if key in options and not (key == "padding" and named):
            options[key] = per_axis(options[key], rank, key, least=low, absent=1 if low else 0)
    kernel, stride = options["kernel_size"], options["stride"]
    dilation = options.get("dilation", (1,) * SPATIAL)
    if named == "same" and max(stride) > 1:
        raise ArgumentError(f"padding: got 'same' with stride {stride}, allowed with stride 1")
    windows = []
    for axis in range(SPATIAL):
        total = dilation[axis] * (kernel[axis] - 1) if named == "same" else 0
        low, high = (total // 2, total - total // 2) if named else (options["padding"][axis],) * 2
        windows.append(
            Window(kernel[axis], stride[axis], low, high, dilation[axis], bool(options.get("ceil_mode")))
        )
    return tuple(windows)


def _complete_interpolation(options: dict[str, Any], rank: int) -> None:
    """Add sizes and factors of three axes to an interpolation."""
    check_mode(options["mode"], rank, options["align_corners"])
    size, factor = options["size"], options["scale_factor"]
    options["sizes"] = None if size is None else per_axis(size, rank, "size", least=1, absent=1)
    options["factors"] = None
    if factor is not None:
        factors = tuple(factor) if isinstance(factor, Sequence) else (factor,) * rank
        options["factors"] = (1.0,) * (SPATIAL - rank) + tuple(number(f, "scale_factor") for f in factors)


def activation(given: Any) -> str | tuple[str, float] | None:
    """Return an activation as the kernels' functions take it; JSON has lists for pairs."""
    if given in (None, "relu"):
        return given if given is None else "relu"
    if given == "leaky_relu":
        return ("leaky_relu", 0.01)
    if isinstance(given, Sequence) and len(given) == 2 and given[0] == "leaky_relu":
        return ("leaky_relu", number(given[1], "activation"))
    raise ArgumentError(f"activation: got {shown(given)}, allowed None, 'relu' or ('leaky_relu', slope)")


# --- shapes and places --------------------------------------------------------------------------------


def output_shape(layer: Layer, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of what a layer makes of values of these shapes, the first being its own input."""
    shape, options = shapes[0], layer.options
    if layer.kind in (*SPATIAL_KINDS, "instance_norm", "interpolate") and len(shape) != SPATIAL + 2:
        raise ArgumentError(f"got an input of {len(shape)} axes, allowed N, C and the spatial ones")
    if layer.kind in ("conv", "conv_transpose"):
        shape = (shape[0], _channels(layer, shape[1]), *shape[2:])
    if layer.kind == "conv_transpose":
        sizes = tuple(
            (n - 1) * w.stride - 2 * w.low + w.dilation * (w.kernel - 1) + extra + 1
            for n, w, extra in zip(shape[2:], layer.windows, options["output_padding"], strict=True)
        )
    elif layer.windows:
        sizes = tuple(w.size(n) for n, w in zip(shape[2:], layer.windows, strict=True))
    elif layer.kind == "adaptive_avg_pool":
        sizes = options["output_size"]
    elif layer.kind == "interpolate":
        factors = options["factors"] or (1.0,) * SPATIAL
        sizes = options["sizes"] or tuple(math.floor(n * f) for n, f in zip(shape[2:], factors, strict=True))
    else:
        return _other_shape(layer, shapes)
    if min(sizes) < 1:
        raise ArgumentError(f"got an input of shape {shape}, allowed one that leaves a sample on each axis")
    return (*shape[:2], *sizes)


def _channels(layer: Layer, channels: int) -> int:
    """Return how many channels a convolution makes."""
    weight, groups = layer.options["weight"], layer.options["groups"]
    wanted = weight.shape[1] * groups if layer.kind == "conv" else weight.shape[0]
    if channels != wanted:
        raise ArgumentError(f"got an input of {channels} channels, allowed {wanted}, as the weight has")
    made: int = weight.shape[0] if layer.kind == "conv" else weight.shape[1] * groups
    return made


def _other_shape(layer: Layer, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    shape = shapes[0]
    if layer.kind == "concat":
        if any(s[:1] + s[2:] != shape[:1] + shape[2:] for s in shapes):
            raise ArgumentError(
                f"got shapes {', '.join(map(str, shapes))}, allowed those equal but for channels"
            )
        return (shape[0], sum(s[1] for s in shapes), *shape[2:])
    if layer.kind == "add" and any(s != shape for s in shapes):
        raise ArgumentError(f"got shapes {', '.join(map(str, shapes))}, allowed equal ones")
    if layer.kind == "flatten":
        return (shape[0], math.prod(shape[1:]))
    if layer.kind == "linear":
        weight = layer.options["weight"]
        if len(shape) != 2 or weight.ndim != 2 or shape[1] != weight.shape[1]:
            raise ArgumentError(
                f"got an input of shape {shape} and a weight of {weight.shape}, allowed (N, in) and (out, in)"
            )
        return (shape[0], weight.shape[0])
    if layer.kind == "argmax":
        return (shape[0], *shape[2:])
    return shape


@dataclass(frozen=True)
class Reach:
    """Where along an axis of the network's input an output sample reads.

    Output o reads within [o * stride + low, o * stride + high].
    """

    stride: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def through(self, stride: Fraction, low: Fraction, high: Fraction) -> Reach:
        """Return the reach of a layer behind, whose output o reads [o * stride + low, o * stride + high]."""
        low, high = min(low, Fraction(0)), max(high, Fraction(0))
        return Reach(self.stride * stride, self.low + self.stride * low, self.high + self.stride * high)


def reach(layer: Layer, axis: int, before: Sequence[Reach]) -> Reach:
    """Return where along an axis the output of a layer reads, from where its inputs do."""
    first = before[0]
    if layer.kind in ("concat", "add"):
        if any(r.stride != first.stride for r in before):
            raise ArgumentError("got inputs of different strides, allowed equal ones in tiles")
        return Reach(first.stride, min(r.low for r in before), max(r.high for r in before))
    if layer.windows:
        window = layer.windows[axis]
        span = window.dilation * (window.kernel - 1)
        if layer.kind == "conv_transpose":
            s = window.stride
            return first.through(Fraction(1, s), Fraction(window.low - span, s), Fraction(window.low, s))
        return first.through(Fraction(window.stride), Fraction(-window.low), Fraction(span - window.low))
    if layer.kind == "interpolate":
        return first.through(*_interpolation_reach(layer, axis))
    if layer.kind in ("relu", "leaky_relu", "batch_norm", "softmax", "argmax"):
        return first
    if layer.kind == "instance_norm" and not layer.options["use_input_stats"]:
        return first
    raise ArgumentError("reads its whole input, allowed in tiles: layers that read a neighbourhood")


def _interpolation_reach(layer: Layer, axis: int) -> tuple[Fraction, Fraction, Fraction]:
    """Return stride and reach of an interpolation by whole factors."""
    options = layer.options
    factor = options["factors"][axis] if options["factors"] else 0.0
    upwards = float(factor).is_integer() and factor >= 1
    if not upwards or options["align_corners"] or options["mode"] == "area":
        raise ArgumentError(
            "reads its whole input, allowed in tiles: a whole scale_factor, align_corners False, no area"
        )
    stride = Fraction(1, int(factor))
    if options["mode"] in SMOOTH:
        middle, width = (stride - 1) / 2, 2 if options["mode"] == "bicubic" else 1
        return stride, middle - width, middle + width
    return stride, Fraction(-1), Fraction(1)
