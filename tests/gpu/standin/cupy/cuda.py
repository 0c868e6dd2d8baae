# SPDX-License-Identifier: Apache-2.0
"""The part of ``cupy.cuda`` that a wrapper needs, over the executor's streams."""

from __future__ import annotations

import threading
import weakref
from types import SimpleNamespace
from typing import Any

from voxkern._cuda import executor

_threads = threading.local()


def _stack() -> list[Stream]:
    """Streams entered by this thread; CuPy's current stream belongs to a thread as well."""
    if not hasattr(_threads, "streams"):
        _threads.streams = [Stream.null]
    return _threads.streams


class Event:
    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.ptr: int = executor.create_event()
        weakref.finalize(self, executor.destroy_event, self.ptr)

    def record(self, stream: Stream | None = None) -> None:
        executor.record(self.ptr, (stream or get_current_stream()).ptr)

    def synchronize(self) -> None:
        executor.synchronize_event(self.ptr)


class Stream:
    null: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.ptr: int = 0 if null else executor.create_stream(non_blocking)
        if not null:
            weakref.finalize(self, executor.destroy_stream, self.ptr)

    def synchronize(self) -> None:
        executor.synchronize(self.ptr)

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        executor.wait(self.ptr, event.ptr)

    def __enter__(self) -> Any:
        _stack().append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _stack().pop()


class ExternalStream(Stream):
    """A stream that somebody else made and destroys."""

    def __init__(self, ptr: int, device_id: int = -1) -> None:
        self.ptr = ptr


Stream.null = Stream(null=True)


class Device:
    """The one device of the executor."""

    def __init__(self, device: int | None = None) -> None:
        self.id = device or 0

    def __enter__(self) -> Any:
        if self.id != 0:
            raise RuntimeError(f"cudaErrorInvalidDevice: device {self.id}")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


def get_current_stream(device_id: int = -1) -> Stream:
    return _stack()[-1]


def is_available() -> bool:
    return True


runtime = SimpleNamespace(getDeviceCount=lambda: 1)
