# SPDX-License-Identifier: Apache-2.0
"""``Sequential`` runs a stack of layers that is given as plain data."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.texts import documented
from .._runtime.validate import Array
from ._adaptive_pool import adaptive_avg_pool3d
from ._bands import Values, plan, run
from ._conv_layer import Conv3d
from ._dense import argmax, linear, softmax
from ._layers import ARRAYS, KINDS, Layer, Reach, in_layer, output_shape, reach, read_layers
from ._norm import Activation, added, batch_norm, instance_norm, leaky_relu, relu
from ._pool import avg_pool3d, max_pool3d
from ._sampling import interpolate
from ._shapes import FLOAT32, SPATIAL, enter, expanded
from ._steps import Step, fused, homes_of
from ._weights import reader

INDICES = frozenset("lq")  # what argmax writes
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "max_pool": (max_pool3d, ("kernel_size", "stride", "padding", "dilation", "ceil_mode")),
    "avg_pool": (
        avg_pool3d,
        ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    ),
    "adaptive_avg_pool": (adaptive_avg_pool3d, ("output_size",)),
    "instance_norm": (instance_norm, (*ARRAYS, "use_input_stats", "eps", "activation")),
    "batch_norm": (batch_norm, (*ARRAYS, "eps", "activation")),
    "relu": (relu, ()),
    "leaky_relu": (leaky_relu, ("negative_slope",)),
    "linear": (linear, ("weight", "bias")),
    "softmax": (functools.partial(softmax, dim=1), ()),
    "argmax": (functools.partial(argmax, dim=1), ()),
}
"""What computes each kind of layer, and the options it takes; others have functions of their own below."""


@documented
class Sequential:
    """A network given as a list of layers, for inference.

    Each layer is a dict with a ``type``, the options of the function of that name, and:

    * ``name``: what later layers call its result by;
    * ``input``: the layer it reads in place of the one before it, or ``"input"``, what the network reads;
    * ``with``: for ``concat`` (channels of the others behind its own) and ``add``, the other layers.

    Types are ``conv1d`` to ``conv3d``, ``conv_transpose``, ``max_pool``, ``avg_pool`` and
    ``adaptive_avg_pool`` likewise, ``instance_norm``, ``batch_norm``, ``relu``, ``leaky_relu``,
    ``interpolate``, ``concat``, ``add``, ``flatten``, ``linear``, ``softmax`` and ``argmax`` over channels.
    ``activation`` is ``"relu"`` or ``["leaky_relu", slope]``. ``weight``, ``bias``, ``running_mean`` and
    ``running_var`` are arrays, or names of arrays in ``weights``.

    Activations are computed with the layer before them, and so are sums with a convolution. A batch norm
    behind a convolution becomes part of its weights; the statistics of an instance norm are taken while the
    convolution writes. Values are dropped once nobody reads them. Large convolutions read their input some
    planes at a time: they write over an input nobody else reads, and a concatenation in front of them is not
    made as a whole.

    Parameters
    ----------
    layers : list of dict
        At least one. A list that came from JSON will do.
    weights : mapping of str to array, or path, optional
        Where names of arrays lead: a mapping such as torch's ``state_dict()``, an ``.npz`` or a
        ``.safetensors`` file (``pip install 'voxkern[nn]'``). What no layer names is not read.

    Attributes
    ----------
    rank : int
        Spatial axes.
    steps : tuple of str
        What is computed at once.
    gives_indices : bool
        The last layer is ``argmax``.

    Raises
    ------
    ArgumentError, ArgumentTypeError, FileFormatError
        With number and type of the layer, when it is made and when it is called.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> network = vk.nn.Sequential(
    ...     [
    ...         {"type": "conv2d", "weight": np.ones((1, 1, 3, 3)), "padding": 1, "name": "a"},
    ...         {"type": "relu"},
    ...         {"type": "max_pool2d", "kernel_size": 2},
    ...     ]
    ... )
    >>> network.steps
    ('conv2d + relu', 'max_pool2d')
    >>> network(np.ones((1, 4, 4), np.float32))
    array([[[9., 9.],
            [9., 9.]]], dtype=float32)
    """

    def __init__(self, layers: Sequence[Any], weights: Any = None) -> None:
        with reader(weights) as find:
            self._layers, self.rank = read_layers(layers, find)
            self._steps = fused(self._layers)
        for step in self._steps:
            with in_layer(step.layer.label):
                _prepare(step, self.rank)
        self._final = next(step for step in self._steps if step.output == len(self._layers))
        self.gives_indices = self._layers[-1].kind == "argmax"
        self._homes = homes_of(self._steps)
        self.steps = tuple(map(str, self._steps))

    def __repr__(self) -> str:
        return f"Sequential({', '.join(self.steps)})"

    @documented
    def __call__(self, x: Any, *, out: Any = None, threads: int | None = None) -> Any:
        """Return what the network makes of images.

        Parameters
        ----------
        x : (N, C, ...) or (C, ...) array
            ``float32``, ``rank`` spatial axes.
        out : array, optional
            Where to write; exact shape and dtype, no memory shared with ``x``.
        {threads}

        Returns
        -------
        array
            ``float32``; int64 where the last layer is ``argmax``.
        """
        call = Call("Sequential", "copy", threads=threads)
        array = enter(call, x, "x", self.rank)
        batched = array.ndim == self.rank + 2
        image = expanded(array, self.rank)
        shapes = self._shapes(image.shape)
        final = self._final.output
        works, homes = plan(self._steps, self._homes, shapes, bands=not call.on_device)
        values = Values(call, image, homes, shapes, threads)
        target = None
        if out is not None:
            shape = self._outward(shapes[final], batched)
            target = call.output(out, shape, array, dtypes=INDICES if self.gives_indices else FLOAT32)
            values.give(final, target[self._inward(len(shapes[final]), batched)])
        for work in works:
            with in_layer(work.step.layer.label):
                run(work, values)
            values.drop(work.done)
        result = values[final]
        return call.leave(result[self._squeeze(result.ndim, batched)] if target is None else target)

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the result for images of a shape.

        Parameters
        ----------
        shape : sequence of int
            (N, C, ...) or (C, ...).

        Returns
        -------
        tuple of int
            With a batch where ``shape`` has one.
        """
        shape = tuple(shape)
        if len(shape) not in (self.rank + 1, self.rank + 2):
            raise ArgumentError(f"shape: got {shape}, allowed {self.rank + 1} or {self.rank + 2} numbers")
        batched = len(shape) == self.rank + 2
        absent = (1,) * (SPATIAL - self.rank)
        shape = shape if batched else (1, *shape)
        made = self._shapes((*shape[:2], *absent, *shape[2:]))[self._final.output]
        return self._outward(made, batched)

    def reach(self) -> tuple[Reach, ...]:
        """Return where an output sample reads its input.

        Returns
        -------
        tuple of Reach
            Along each spatial axis.

        Raises
        ------
        ArgumentError
            Where a layer reads its whole input.

        Examples
        --------
        >>> import numpy as np, voxkern as vk
        >>> weight = np.ones((1, 1, 3))
        >>> layers = [{"type": "conv1d", "weight": weight}, {"type": "max_pool1d", "kernel_size": 2}]
        >>> (reach,) = vk.nn.Sequential(layers).reach()
        >>> int(reach.stride), int(reach.low), int(reach.high)
        (2, 0, 3)
        """
        return tuple(self._reaches(axis)[-1] for axis in range(SPATIAL - self.rank, SPATIAL))

    def alignment(self) -> tuple[int, ...]:
        """Return what number the start of a tile is a multiple of.

        Returns
        -------
        tuple of int
            Along each spatial axis.
        """
        axes = range(SPATIAL - self.rank, SPATIAL)
        return tuple(math.lcm(*(r.stride.numerator for r in self._reaches(axis))) for axis in axes)

    def _reaches(self, axis: int) -> list[Reach]:
        """Return where each value reads the input."""
        reaches = [Reach()]
        for layer in self._layers:
            with in_layer(layer.label):
                reaches.append(reach(layer, axis, [reaches[v] for v in (layer.source, *layer.others)]))
        return reaches

    def _shapes(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return the shape of each value."""
        shapes = [shape]
        for layer in self._layers:
            with in_layer(layer.label):
                shapes.append(output_shape(layer, [shapes[v] for v in (layer.source, *layer.others)]))
        return shapes

    # Users' arrays have no axes of one sample, and (C, ...) no batch; results of argmax have no channels.

    def _squeeze(self, axes: int, batched: bool) -> tuple[Any, ...]:
        """Return the index that makes a user's array of a value of so many axes."""
        lead = axes - SPATIAL
        spatial = (slice(None),) * (lead - 1) + (0,) * (SPATIAL - self.rank) if lead > 0 else ()
        return (slice(None) if batched else 0, *spatial)

    def _inward(self, axes: int, batched: bool) -> tuple[Any, ...]:
        """Return the index that makes a value of so many axes of a user's array."""
        lead = axes - SPATIAL
        spatial = (slice(None),) * (lead - 1) + (None,) * (SPATIAL - self.rank) if lead > 0 else ()
        return (slice(None) if batched else None, *spatial)

    def _outward(self, shape: tuple[int, ...], batched: bool) -> tuple[int, ...]:
        """Return the shape a user sees."""
        lead = len(shape) - SPATIAL
        seen = shape[:lead] + shape[lead + SPATIAL - self.rank :] if lead > 0 else shape
        return seen if batched else seen[1:]


# --- what runs ----------------------------------------------------------------------------------------


def _prepare(step: Step, rank: int) -> None:
    """Set what computes a step: a function of inputs, where to write, and threads."""
    layer, options = step.layer, step.layer.options
    if step.norm is not None:
        step.normalise = _function(step.norm)
    if layer.kind in OWN:
        step.run = OWN[layer.kind]
    elif layer.kind == "add":
        step.run = _addition(options["activation"])
    elif layer.kind == "interpolate":
        step.run = _interpolation({name: options[name] for name in KINDS["interpolate"]}, SPATIAL - rank)
    elif layer.kind in ("conv", "conv_transpose"):
        given = {name: options[name] for name in KINDS[layer.kind]}
        step.convolution = Conv3d(**given, transposed=layer.kind == "conv_transpose")
        options["weight"] = np.broadcast_to(np.float32(0), options["weight"].shape)  # the layer has its own
        step.run = _convolution(step.convolution)
    else:
        step.run = _function(layer)


def _convolution(layer: Conv3d) -> Callable[..., Array]:
    def run(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
        residual = inputs[1] if len(inputs) > 1 else None
        made: Array = layer(inputs[0], residual=residual, out=out, threads=threads)
        return made

    return run


def _function(layer: Layer) -> Callable[..., Array]:
    """Return what computes a layer by the function of its name; its arrays go where the images are."""
    function, names = FUNCTIONS[layer.kind]
    given = {name: layer.options[name] for name in names}
    tables = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    copies: dict[int, Any] = {}

    def run(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
        call = Call(layer.type, "copy")
        x = call.enter(inputs[0], "x", FLOAT32)
        made: Array = function(x, out=out, threads=threads, **(given | dict(call.kept(tables, copies))))
        return made

    return run


def _interpolation(options: dict[str, Any], absent: int) -> Callable[..., Array]:
    """Return what interpolates: its modes are named after the axes that are there."""
    there: tuple[Any, ...] = (slice(None), slice(None), *(0,) * absent)
    back: tuple[Any, ...] = (slice(None), slice(None), *(None,) * absent)

    def run(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
        room = None if out is None else out[there]
        made: Array = interpolate(inputs[0][there], out=room, threads=threads, **options)[back]
        return made

    return run


def _concat(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
    """Put channels behind each other; those that were written in their place stay there."""
    call = Call("concat", "copy", threads=threads)
    arrays = [call.enter(x, "input") for x in inputs]
    shape = (arrays[0].shape[0], sum(x.shape[1] for x in arrays), *arrays[0].shape[2:])
    whole = call.empty(shape, np.float32) if out is None else out
    start = 0
    for x in arrays:
        part = whole[:, start : start + x.shape[1]]
        start += x.shape[1]
        there = call.address(x) == call.address(part) and x.strides == part.strides
        if not there:
            _copy(call, x, part)
    return whole


def _copy(call: Call, x: Array, out: Array) -> None:
    if x.size:
        call.run("copy", x, out)


def _addition(activation: Activation) -> Callable[..., Array]:
    """Return what adds values from left to right, and activates the sum."""

    def run(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
        total = inputs[0]
        for x in inputs[1:-1]:
            total = out = added(total, x, None, out, threads)
        return added(total, inputs[-1], activation, out, threads)

    return run


def _flatten(inputs: list[Array], out: Array | None, threads: int | None) -> Array:
    """Return (N, all the rest)."""
    flat = inputs[0].reshape(inputs[0].shape[0], -1)
    if out is None:
        return flat
    call = Call("flatten", "copy", threads=threads)
    _copy(call, call.enter(flat, "input"), out)
    return out


OWN = {"concat": _concat, "flatten": _flatten}
