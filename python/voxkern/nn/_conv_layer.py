# SPDX-License-Identifier: Apache-2.0
"""A convolution layer: its options are read and its weights arranged once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .._core import ConvActivation, ConvAlgorithm
from .._runtime.call import Call
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.texts import documented
from .._runtime.validate import Array, flag, number, word
from ._shapes import FLOAT32, SPATIAL, PerAxis, enter, expanded, per_axis

Triple: TypeAlias = tuple[int, int, int]
Padding: TypeAlias = PerAxis | str
Activation: TypeAlias = str | tuple[str, float] | None

ALGORITHMS = {
    "auto": ConvAlgorithm.automatic,
    "direct": ConvAlgorithm.direct,
    "fast": ConvAlgorithm.fast,
}


def _activation(activation: Activation) -> tuple[ConvActivation, float]:
    if activation is None:
        return ConvActivation.none, 0.0
    if isinstance(activation, str) and activation == "relu":
        return ConvActivation.relu, 0.0
    if isinstance(activation, Sequence) and len(activation) == 2 and activation[0] == "leaky_relu":
        return ConvActivation.leaky_relu, number(activation[1], "activation")
    raise ArgumentError(f'activation: got {shown(activation)}, allowed None, "relu" or ("leaky_relu", slope)')


def _weights(call: Call, weight: Any, rank: int | None) -> Array:
    if isinstance(weight, int | np.integer):  # channels, as torch's layers take them
        raise ArgumentTypeError(
            f"weight: got {shown(weight)}, allowed the weights: float32, (out channels, in channels / groups"
            ", D, H, W), transposed (in channels, out channels / groups, D, H, W)"
        )
    array = call.enter(weight, "weight", FLOAT32)
    axes = (rank + 2,) if rank else (3, 4, 5)
    if array.ndim not in axes or array.size == 0:
        allowed = " or ".join(map(str, axes))
        raise ArgumentError(f"weight: got shape {array.shape}, allowed {allowed} axes, not empty")
    return array


@documented
class Conv3d:
    """A convolution layer that keeps its weights in the order the kernel reads them.

    The functions of this module arrange the weights in every call; a layer does it once. It may be called
    from several threads at once. Made of NumPy arrays it pickles, and takes images of the host and of any
    GPU: the first one on a GPU brings the weights there. Made of CuPy arrays it takes images of their GPU.

    Parameters
    ----------
    weight : array_like
        ``float32``, (out channels, in channels / groups, D, H, W), or with one or two spatial axes for inputs
        that have as many. With ``transposed``: (in channels, out channels / groups, D, H, W).
    {conv_bias}
    {conv_stride}
    {conv_padding}
    {conv_dilation}
    {conv_groups}
    {conv_algorithm}
    {conv_activation}
    transposed : bool
        The adjoint: samples are spread over the output.
    output_padding : int or sequence
        Of a transposed one: added to one side of the output's size, less than its stride or dilation.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> layer = vk.nn.Conv3d(np.ones((8, 4, 3, 3, 3), np.float32), padding=1, activation="relu")
    >>> layer(np.ones((1, 4, 16, 16, 16), np.float32)).shape
    (1, 8, 16, 16, 16)
    """

    def __init__(
        self,
        weight: Any,
        bias: Any = None,
        stride: PerAxis = 1,
        padding: Padding = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        *,
        algorithm: str = "auto",
        activation: Activation = None,
        transposed: bool = False,
        output_padding: PerAxis = 0,
    ) -> None:
        given = (stride, padding, dilation, groups, algorithm, activation, transposed, output_padding)
        self._prepare(Call("Conv3d", "conv3d"), None, weight, bias, *given)
        self._given = given

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle weights and options; the order of the weights is made anew."""
        if self._gpu is not None:
            raise ArgumentTypeError("Conv3d: got a layer made of CuPy arrays to pickle, allowed NumPy arrays")
        weight, bias = self._filter.weights()
        return _unpickled, (weight.reshape(self._shape), bias, self._given)

    def _prepare(
        self, call: Call, rank: int | None, weight: Any, bias: Any, stride: PerAxis, padding: Padding,
        dilation: PerAxis, groups: int, algorithm: str, activation: Activation, transposed: bool,
        output_padding: PerAxis,
    ) -> None:  # fmt: skip
        transposed = flag(transposed, "transposed")
        word(algorithm, "algorithm", ALGORITHMS)
        array = _weights(call, weight, rank)
        self._rank = rank = array.ndim - 2
        self._shape = array.shape
        self._size: Triple = expanded(array, rank).shape[2:]
        self._stride = per_axis(stride, rank, "stride", least=1, absent=1)
        self._dilation = per_axis(dilation, rank, "dilation", least=1, absent=1)
        self._extra = per_axis(output_padding, rank, "output_padding", least=0, absent=0)
        self._transposed = transposed
        self._padding = self._both_sides(padding)
        per_group = array.shape[1] if transposed else array.shape[0]
        if not isinstance(groups, int | np.integer) or groups < 1 or array.shape[0] % groups:
            raise ArgumentError(
                f"groups: got {shown(groups)}, allowed a divisor of the first axis of weight, {array.shape}"
            )
        self._out_channels = per_group * int(groups) if transposed else per_group
        self._in_channels = array.shape[0] if transposed else array.shape[1] * int(groups)
        if any(
            e and e >= max(s, d) for e, s, d in zip(self._extra, self._stride, self._dilation, strict=True)
        ):
            raise ArgumentError(
                f"output_padding: got {shown(output_padding)}, allowed less than stride or dilation"
            )
        kind, slope = _activation(activation)
        self._options = {
            "stride": self._stride,
            "padding": tuple(before for before, _ in self._padding),
            "dilation": self._dilation,
            "groups": int(groups),
            "transposed": self._transposed,
            "algorithm": ALGORITHMS[algorithm],
            "activation": kind,
            "slope": slope,
        }
        self._gpu = call.gpu
        self._filter = call.made("ConvFilter", expanded(array, rank), self._bias(call, bias), **self._options)
        self._copies: dict[int, Any] = {}  # of a filter of the host, by the number of the GPU

    def _bias(self, call: Call, bias: Any) -> Any:
        if bias is None:
            return None
        array = call.enter(bias, "bias", FLOAT32)
        if array.shape != (self._out_channels,):
            raise ArgumentError(
                f"bias: got shape {array.shape}, allowed ({self._out_channels},) "
                f"for weight of shape {self._shape}"
            )
        return array if call.on_device else array.tolist()

    def _filter_beside(self, call: Call) -> Any:
        """Return the weights where an image lives."""
        gpu = call.gpu
        if gpu == self._gpu:
            return self._filter
        if gpu is None or self._gpu is not None:
            where = "the host" if gpu is None else f"GPU {gpu}"
            raise ArgumentTypeError(f"x: got an array on {where}, allowed GPU {self._gpu}, as the weights")
        if gpu not in self._copies:
            weight, bias = self._filter.weights()
            array = call.bring(weight.reshape(self._shape))
            filter = call.made("ConvFilter", expanded(array, self._rank), call.bring(bias), **self._options)
            self._copies[gpu] = filter
        return self._copies[gpu]

    def _both_sides(self, padding: Padding) -> list[tuple[int, int]]:
        if not isinstance(padding, str):
            return [(p, p) for p in per_axis(padding, self._rank, "padding", least=0, absent=0)]
        if self._transposed or padding not in ("same", "valid"):
            allowed = "numbers" if self._transposed else "numbers, 'same' or 'valid'"
            raise ArgumentError(f"padding: got {shown(padding)}, allowed {allowed}")
        if padding == "valid":
            return [(0, 0)] * SPATIAL
        if self._stride != (1, 1, 1):
            raise ArgumentError(f"stride: got {self._stride} with padding 'same', allowed 1")
        missing = [d * (k - 1) for d, k in zip(self._dilation, self._size, strict=True)]
        return [(m // 2, m - m // 2) for m in missing]

    def _out_size(self, shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
        spatial = slice(SPATIAL - self._rank, None)
        reach = [d * (k - 1) + 1 for d, k in zip(self._dilation, self._size, strict=True)]
        padding = [before + after for before, after in self._padding]
        least = [1 if self._transposed else r - p for r, p in zip(reach, padding, strict=True)]
        if any(n < m for n, m in zip(size, least, strict=True)):
            allowed = " x ".join(str(max(m, 1)) for m in least[spatial])
            raise ArgumentError(
                f"input: got shape {shape}, allowed at least {allowed} samples: the reach of weight, "
                f"{self._shape}, less the padding"
            )
        if not self._transposed:
            return tuple((n - m) // s + 1 for n, m, s in zip(size, least, self._stride, strict=True))
        steps = zip(size, self._stride, reach, self._extra, strict=True)
        whole = [(n - 1) * s + r + extra for n, s, r, extra in steps]
        if any(w <= p for w, p in zip(whole, padding, strict=True)):
            given = tuple(before for before, _ in self._padding[spatial])
            most = tuple((w - 1) // 2 for w in whole[spatial])
            raise ArgumentError(
                f"padding: got {given}, allowed at most {most} for input of shape {shape}: "
                "it is cut from both sides of the result"
            )
        return tuple(w - p for w, p in zip(whole, padding, strict=True))

    def _run(self, call: Call, x: Array, residual: Any, out: Any) -> Any:
        rank = self._rank
        image = expanded(x, rank)
        if image.shape[1] != self._in_channels:
            raise ArgumentError(
                f"input: got shape {x.shape}, allowed {self._in_channels} channels "
                f"for weight of shape {self._shape}"
            )
        sizes = self._out_size(x.shape, image.shape[2:])[SPATIAL - rank :]
        shape = (*x.shape[: x.ndim - rank - 1], self._out_channels, *sizes)
        added = None
        if residual is not None:
            added = enter(call, residual, "residual", rank)
            if added.shape != shape:
                raise ArgumentError(f"residual: got shape {added.shape}, allowed {shape}")
        if out is None:
            target = call.empty(shape, np.float32)
        else:
            target = call.output(out, shape, x, dtypes=FLOAT32)
        call.run(
            "conv3d",
            image,
            expanded(target, rank),
            self._filter_beside(call),
            None if added is None else expanded(added, rank),
            None,
            None,
        )
        return call.leave(target)

    def _part(
        self,
        x: Array,
        out: Array,
        threads: int | None,
        moments: Array | None = None,
        padding: int | None = None,
    ) -> None:
        """Write some planes of the result, from the planes of an image (N, C, D, H, W) that they read.

        ``padding``: zeros ahead of the first of these planes. The moments of what is written are joined to
        ``moments``, (N, O, 3).
        """
        call = Call("Conv3d", "conv3d", threads=threads)
        call.run("conv3d", call.enter(x, "x", FLOAT32), out, self._filter, None, moments, padding)

    def __call__(self, x: Any, *, residual: Any = None, out: Any = None, threads: int | None = None) -> Any:
        """Return ``activation(convolution of x + bias + residual)``.

        Parameters
        ----------
        x : array_like
            ``float32``, (N, C, D, H, W) or (C, D, H, W), with as many spatial axes as the weights.
        residual : array_like, optional
            What is added to the sums, of the result's shape.
        out : array, optional
            Where to write.
        threads : int, optional
            Default: see `voxkern.set_num_threads`.

        Returns
        -------
        array
            (N, O, D', H', W') or (O, D', H', W'), of the kind of ``x``.
        """
        call = Call("Conv3d", "conv3d", threads=threads)
        return self._run(call, enter(call, x, "x", self._rank), residual, out)


def _unpickled(weight: Array, bias: Array, given: tuple[Any, ...]) -> Conv3d:
    stride, padding, dilation, groups, algorithm, activation, transposed, output_padding = given
    return Conv3d(
        weight, bias, stride, padding, dilation, groups, algorithm=algorithm, activation=activation,
        transposed=transposed, output_padding=output_padding,
    )  # fmt: skip


def prepared(
    rank: int, name: str, input: Any, weight: Any, bias: Any, stride: PerAxis, padding: Padding,
    dilation: PerAxis, groups: int, algorithm: str, activation: Activation, threads: int | None,
    transposed: bool = False, output_padding: PerAxis = 0,
) -> tuple[Call, Array, Conv3d]:  # fmt: skip
    """Do what all functions of `_conv` begin with: return the call, its input and a layer made for it."""
    call = Call(name, "conv3d", threads=threads)
    x = enter(call, input, "input", rank)
    layer = Conv3d.__new__(Conv3d)
    layer._prepare(
        call, rank, weight, bias, stride, padding, dilation, groups, algorithm, activation, transposed,
        output_padding,
    )  # fmt: skip
    return call, x, layer
