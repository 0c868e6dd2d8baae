# SPDX-License-Identifier: Apache-2.0
"""What a network keeps while it runs: values, and large convolutions in bands of planes.

A convolution in bands reads its input through a buffer of a few planes. A concatenation in front of it is
never made; a transposed convolution in front of that one runs for the planes of the buffer alone; the norm of
the layer before is applied on the way. The result may take the place of an input that nobody reads any more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .._runtime.call import Call
from .._runtime.validate import Array
from ._conv_layer import Conv3d
from ._layers import Layer, in_layer
from ._norm import norm_by_moments
from ._shapes import FLOAT32
from ._steps import Homes, Step

LARGE = 32 << 20  # bytes of an input that is read in bands
BUFFER = 16 << 20  # bytes of a band, about
GRAIN = 4  # planes of a result in a band are a multiple: Winograd's tiles lie as in the whole
POINTWISE = ("instance_norm", "batch_norm", "relu", "leaky_relu")  # may write where they read


@dataclass
class Source:
    """A part of the channels a convolution reads: a value, or what a transposed convolution makes of it."""

    value: int
    up: Step | None = None

    @property
    def grain(self) -> int:
        """Return what number its planes are read in multiples of."""
        return 1 if self.up is None else self.up.layer.windows[0].stride


@dataclass
class Work:
    """A step of one call: what it reads, where it may write, what is dropped behind it."""

    step: Step
    sources: list[Source] = field(default_factory=list)  # of a convolution in bands
    target: int | None = None  # a value whose memory the result takes
    done: list[int] = field(default_factory=list)

    @property
    def reads(self) -> list[int]:
        """Return the values it reads."""
        return [s.value for s in self.sources] or list(self.step.inputs)


def plan(
    steps: list[Step], homes: Homes, shapes: Sequence[tuple[int, ...]], bands: bool
) -> tuple[list[Work], Homes]:
    """Return what a call does for values of these shapes, and which values it writes into a concatenation.

    Without ``bands`` each step runs at once.
    """
    makers = {step.output: step for step in steps}
    uses = Counter(v for step in steps for v in step.inputs)
    sources = {step.output: _sources(step, makers, uses, shapes) if bands else [] for step in steps}
    virtual = {s.up.output for found in sources.values() for s in found if s.up is not None}
    for step in steps:
        if sources[step.output] and sources[step.output][0].value != step.layer.source:
            virtual.add(step.layer.source)  # a concatenation that is read part by part
    works = [Work(step, sources[step.output]) for step in steps if step.output not in virtual]
    last = {value: work for work in works for value in work.reads}
    for value, work in last.items():
        work.done.append(value)
    homes = {value: home for value, home in homes.items() if home[0] not in virtual}
    fixed = {0, len(shapes) - 1, *homes, *(whole for whole, _ in homes.values())}  # memory that others see
    fixed |= {v for step in steps if step.layer.kind == "flatten" for v in (*step.inputs, step.output)}
    for work in works:
        if work.step.output not in fixed:
            work.target = _target(work, shapes, fixed)
        if work.target is None and len(work.sources) == 1:
            work.sources = []  # at once
    return works, homes


def _is(step: Step | None, kind: str) -> bool:
    return step is not None and step.layer.kind == kind


def _sources(
    step: Step, makers: dict[int, Step], uses: Counter[int], shapes: Sequence[tuple[int, ...]]
) -> list[Source]:
    """Return the parts of the input of a convolution that may run in bands, else none."""
    layer = step.layer
    shape = shapes[layer.source]
    if layer.kind != "conv" or step.residual or 4 * math.prod(shape) < LARGE or shape[2] < 2 * GRAIN:
        return []
    if layer.windows[0].stride != 1:
        return []
    before = makers.get(layer.source)
    if not _is(before, "concat") or uses[layer.source] != 1:
        return [Source(layer.source)]
    assert before is not None
    sources = []
    for value in before.inputs:
        maker = makers.get(value)
        up = maker if uses[value] == 1 and maker is not None and _is_disjoint(maker) else None
        sources.append(Source(value) if up is None else Source(up.layer.source, up))
    return sources


def _is_disjoint(step: Step) -> bool:
    """Tell whether each plane of a transposed convolution comes from a single one of its input."""
    if step.layer.kind != "conv_transpose" or step.residual:
        return False
    window = step.layer.windows[0]
    single = window.kernel <= window.stride and window.dilation == 1
    return single and window.low == 0 and step.layer.options["output_padding"][0] == 0


def _target(work: Work, shapes: Sequence[tuple[int, ...]], fixed: set[int]) -> int | None:
    """Return a value whose memory the result can take."""
    shape = shapes[work.step.output]
    if work.step.layer.kind in POINTWISE:
        candidates = [work.step.layer.source]
    else:
        candidates = [s.value for s in work.sources if s.up is None]
    for value in candidates:
        of = shapes[value]
        fits = of[2:] == shape[2:] and of[1] >= shape[1]
        once = work.reads.count(value) == 1
        if fits and once and value in work.done and value not in fixed:
            return value
    return None


@dataclass
class Pending:
    """A norm that is still to be done."""

    norm: Layer
    moments: Array


class Values:
    """The values of one call that are still read."""

    def __init__(
        self, call: Call, x: Array, homes: Homes, shapes: Sequence[tuple[int, ...]], threads: int | None
    ) -> None:
        self._call = call
        self._arrays = {0: x}
        self._pending: dict[int, Pending] = {}
        self._homes, self._shapes, self.threads = homes, shapes, threads
        self._rooms: dict[int, Array] = {}
        self._scratch = self.new((0,))

    @property
    def on_device(self) -> bool:
        """Tell whether they are on a GPU."""
        return self._call.on_device

    def new(self, shape: tuple[int, ...]) -> Array:
        """Return a new array where the image lives."""
        return self._call.empty(shape, np.float32)

    def scratch(self, shape: tuple[int, ...]) -> Array:
        """Return an array that one step at a time may use."""
        count = math.prod(shape)
        if self._scratch.size < count:
            self._scratch = self.new((0,))  # freed first
            self._scratch = self.new((count,))
        return self._scratch[:count].reshape(shape)

    def give(self, value: int, room: Array) -> None:
        """Tell where a value shall be written."""
        self._rooms[value] = room

    def room(self, value: int) -> Array | None:
        """Return where a value shall be written, such as the concatenation it goes into; None: anywhere."""
        if value in self._rooms or value not in self._homes:
            return self._rooms.get(value)
        whole, first = self._homes[value]
        if self._shapes[whole][0] != 1:  # parts of a batch do not lie in one piece
            return None
        if whole not in self._rooms:
            room = self.room(whole)
            self._rooms[whole] = self.new(self._shapes[whole]) if room is None else room
        start = sum(self._shapes[v][1] for v in first)
        return self._rooms[whole][:, start : start + self._shapes[value][1]]

    def shape(self, value: int) -> tuple[int, ...]:
        """Return the shape a value has or would have."""
        return self._shapes[value]

    def set(self, value: int, array: Array, pending: Pending | None = None) -> None:
        """Keep a value."""
        self._arrays[value] = array
        if pending is not None:
            self._pending[value] = pending

    def raw(self, value: int) -> tuple[Array, Pending | None]:
        """Return a value, and the norm that it still lacks."""
        return self._arrays[value], self._pending.get(value)

    def __getitem__(self, value: int) -> Array:
        array = self._arrays[value]
        pending = self._pending.pop(value, None)
        if pending is not None:
            _normalise(array, pending, array, self.threads)
        return array

    def drop(self, values: Sequence[int]) -> None:
        """Forget values."""
        for value in values:
            self._arrays.pop(value)
            self._pending.pop(value, None)
            self._rooms.pop(value, None)


def _normalise(x: Array, pending: Pending, out: Array, threads: int | None) -> None:
    with in_layer(pending.norm.label):
        norm_by_moments(x, pending.moments, pending.norm.options, out, threads)


def run(work: Work, values: Values) -> None:
    """Compute one step."""
    step, value = work.step, work.step.output
    room = values.room(value)
    if work.sources or (step.norm is not None and not values.on_device):
        return _convolve(work, values, room)
    inputs = [values[v] for v in step.inputs]
    if room is None and work.target is not None:
        room = inputs[0]
    made = step.run(inputs, room, values.threads)
    if step.norm is not None:  # a GPU's convolution takes no statistics
        with in_layer(step.norm.label):
            made = step.normalise([made], made, values.threads)
    values.set(value, made)
    return None


def _convolve(work: Work, values: Values, room: Array | None) -> None:
    """Run a convolution, in bands or at once, and take the statistics for its norm."""
    step, shape = work.step, values.shape(work.step.output)
    assert step.convolution is not None, "only convolutions come here"
    if room is None and work.target is not None:
        room = values.raw(work.target)[0][:, : shape[1]]
    target = values.new(shape) if room is None else room
    moments = None if step.norm is None else np.zeros((*shape[:2], 3))
    if work.sources:
        _Bands(work, values, step.convolution, target, moments).run()
    else:
        step.convolution._part(values[step.layer.source], target, values.threads, moments)
    pending = None if step.norm is None or moments is None else Pending(step.norm, moments)
    values.set(step.output, target, pending)


class _Bands:
    """A convolution that reads its input through a buffer of planes."""

    def __init__(
        self, work: Work, values: Values, convolution: Conv3d, target: Array, moments: Array | None
    ) -> None:
        self._work, self._values, self._convolution = work, values, convolution
        self._target, self._moments = target, moments
        for source in work.sources:
            if source.up is not None:
                values[source.value]  # its norm, where one is pending
        window = work.step.layer.windows[0]
        self._before, self._reach = window.low, window.dilation * (window.kernel - 1)
        shape = values.shape(work.step.layer.source)
        self._planes = shape[2]
        self._grain = math.lcm(*(source.grain for source in work.sources))
        of_plane = 4 * math.prod(shape) // shape[2]
        self._advance = max(BUFFER // of_plane // GRAIN, 2) * GRAIN
        rows = min(self._advance + self._reach + 2 * self._grain, self._planes)
        self._buffer = values.scratch((*shape[:2], rows, *shape[3:]))
        self._first = self._end = 0  # planes of the input that are in the buffer

    def run(self) -> None:
        """Compute the bands in order."""
        results = self._target.shape[2]
        for start in range(0, results, self._advance):
            stop = min(start + self._advance, results)
            low = start - self._before
            first, end = max(low, 0), min(stop - 1 - self._before + self._reach + 1, self._planes)
            first = min(first, end)
            self._load(first, end)
            part = self._buffer[:, :, first - self._first : end - self._first]
            out = self._target[:, :, start:stop]
            self._convolution._part(part, out, self._values.threads, self._moments, first - low)

    def _load(self, first: int, end: int) -> None:
        """Bring planes into the buffer; those that are there already move to its front."""
        kept = max(self._end - first, 0)
        shift = first - self._first
        if kept and shift:
            for row in range(kept):  # from the front: rows may overlap their new places
                self._buffer[:, :, row] = self._buffer[:, :, row + shift]
        begin = self._end if kept else first // self._grain * self._grain
        self._first = first if kept else begin
        self._end = max(self._end, min(-(-end // self._grain) * self._grain, self._planes))
        channel = 0
        for source in self._work.sources:
            channel = self._load_source(source, channel, begin)

    def _load_source(self, source: Source, channel: int, begin: int) -> int:
        """Bring the new planes of some channels into the buffer; return the channel behind them."""
        array, pending = self._values.raw(source.value)
        made = array.shape[1] if source.up is None else self._values.shape(source.up.output)[1]
        out = self._buffer[:, channel : channel + made, begin - self._first : self._end - self._first]
        grain, threads = source.grain, self._values.threads
        part = array[:, :, begin // grain : -(-self._end // grain)]
        if out.size == 0:
            return channel + made
        if source.up is not None:
            assert source.up.convolution is not None, "a transposed convolution is one"
            source.up.convolution._part(part, out, threads)
        elif pending is not None:
            _normalise(part, pending, out, threads)
        else:
            call = Call("Sequential", "copy", threads=threads)
            call.run("copy", call.enter(part, "input", FLOAT32), out)
        return channel + made
