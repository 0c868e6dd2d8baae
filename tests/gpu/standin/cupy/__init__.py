# SPDX-License-Identifier: Apache-2.0
"""Stand-in for CuPy in tests without a GPU: what a clean wrapper needs of it, and nothing more.

Arrays live in the executor's device memory: unreadable from the host, NaN until written, freed in
the order of the stream they were made on.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided
from voxkern._cuda import executor

from . import cuda

__all__ = ["asarray", "asnumpy", "broadcast_arrays", "copyto", "cuda", "empty", "from_dlpack", "ndarray"]

_DLPACK_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}


def _free(address: int, stream: cuda.Stream) -> None:
    with contextlib.suppress(RuntimeError):  # a kernel failed before, and whoever waited for it was told
        executor.free_async(address, stream.ptr)


class _Memory:
    """Device memory of the current stream; the stream lives at least as long."""

    def __init__(self, nbytes: int) -> None:
        stream = cuda.get_current_stream()
        self.ptr: int = executor.malloc(max(nbytes, 1), stream.ptr)
        weakref.finalize(self, _free, self.ptr, stream)


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
    """A view of device memory; ``owner`` keeps the memory alive."""

    def __init__(
        self, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...], ptr: int, owner: object
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.strides = tuple(strides)
        self.data = SimpleNamespace(ptr=ptr)
        self._owner = owner

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def device(self) -> cuda.Device:
        return cuda.Device(0)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    # --- views: NumPy does the arithmetic on an array that nobody reads ---------------------------------
    def _view(self, make: Callable[[Any], Any]) -> ndarray:
        base = as_strided(np.empty(1, self.dtype), self.shape, self.strides)
        view = make(base)
        moved = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return ndarray(view.shape, view.dtype, view.strides, self.data.ptr + moved, self._owner)

    def transpose(self, *axes: Any) -> ndarray:
        return self._view(lambda a: a.transpose(*axes))

    @property
    def T(self) -> ndarray:
        return self.transpose()

    @property
    def real(self) -> ndarray:
        return self._view(lambda a: a.real)

    @property
    def imag(self) -> ndarray:
        return self._view(lambda a: a.imag)

    def reshape(self, *shape: Any) -> ndarray:
        wanted = shape[0] if len(shape) == 1 else shape
        return self._view(lambda a: np.reshape(a, wanted, copy=False))

    def __getitem__(self, key: Any) -> ndarray:
        if isinstance(key, ndarray) and key.dtype == bool:
            return asarray(self.get()[key.get()])
        key = key if isinstance(key, tuple) else (key,)
        for part in key:
            if not (part is None or part is Ellipsis or isinstance(part, int | np.integer | slice)):
                raise TypeError(f"the stand-in for CuPy makes views only, got the index {part!r}")
        return self._view(lambda a: a[key if Ellipsis in key else (*key, ...)])

    def copy(self) -> ndarray:
        return asarray(self.get())

    # --- arithmetic: NumPy does it, on the host -----------------------------------------------------------
    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[ndarray, ...] = ()
    ) -> ndarray:
        if method != "__call__" or any(isinstance(x, np.ndarray) for x in inputs):
            raise TypeError(f"the stand-in for CuPy has no {ufunc.__name__}.{method} of {inputs}")
        result = ufunc(*(x.get() if isinstance(x, ndarray) else x for x in inputs))
        if not out:
            return asarray(result)
        if result.dtype != out[0].dtype or not out[0]._c_contiguous:
            raise TypeError("the stand-in for CuPy writes results of one dtype, in C order")
        out[0].set(result)
        return out[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> ndarray:
        if func is np.count_nonzero:
            return asarray(func(*(x.get() for x in args), **kwargs))
        # By methods of the array alone, such as moveaxis.
        found: ndarray = func._implementation(*args, **kwargs)
        return found

    def __int__(self) -> int:
        return int(self.get())

    # --- to the host and to others ----------------------------------------------------------------------
    def set(self, arr: np.ndarray[Any, Any]) -> None:
        executor.copy_in(self.data.ptr, arr.ravel().view(np.uint8), cuda.get_current_stream().ptr)

    def get(
        self, stream: cuda.Stream | None = None, out: np.ndarray[Any, Any] | None = None
    ) -> np.ndarray[Any, Any]:
        if out is not None:
            np.copyto(out, self.get(stream))
            return out
        if self.size == 0:
            return np.empty(self.shape, self.dtype)
        reach = [(n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)]
        low = sum(min(r, 0) for r in reach)
        high = sum(max(r, 0) for r in reach) + self.dtype.itemsize
        host = np.empty(high - low, np.uint8)
        executor.copy_out(host, self.data.ptr + low, (stream or cuda.get_current_stream()).ptr)
        return np.ndarray(self.shape, self.dtype, host, -low, self.strides).copy()

    @property
    def _c_contiguous(self) -> bool:
        return self.strides == _strides(self.shape, self.dtype, "C") or self.size == 0

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": cuda.get_current_stream().ptr or 1,
            "version": 3,
            "strides": None if self._c_contiguous else self.strides,
            "data": (self.data.ptr if self.size else 0, False),
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, *, stream: int | None = None) -> Any:
        current = cuda.get_current_stream()
        if stream is not None and stream not in (-1, current.ptr):
            cuda.ExternalStream(stream).wait_event(current.record())
        steps = [s // self.dtype.itemsize for s in self.strides]
        code, bits = _DLPACK_CODES[self.dtype.kind], 8 * self.dtype.itemsize
        return executor.export_dlpack(self.data.ptr, list(self.shape), steps, code, bits, self._owner)


def _strides(shape: tuple[int, ...], dtype: Any, order: str) -> tuple[int, ...]:
    axes = range(len(shape)) if order == "F" else reversed(range(len(shape)))
    strides, step = [0] * len(shape), np.dtype(dtype).itemsize
    for axis in axes:
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    shape = (int(shape),) if np.isscalar(shape) else tuple(int(n) for n in shape)
    made = ndarray(shape, dtype, _strides(shape, dtype, order), 0, None)
    made._owner = memory = _Memory(made.nbytes)
    made.data.ptr = memory.ptr
    return made


def asarray(a: Any, dtype: Any = None, order: str | None = None) -> ndarray:
    if isinstance(a, ndarray):
        if dtype not in (None, a.dtype):
            raise TypeError(f"the stand-in for CuPy does not convert, got {a.dtype} for {np.dtype(dtype)}")
        return a
    host = np.asarray(a, dtype, order="F" if order == "F" else "C")
    made = empty(host.shape, host.dtype, order or "C")
    if host.size:
        executor.copy_in(made.data.ptr, host.ravel("K").view(np.uint8), cuda.get_current_stream().ptr)
    return made


def broadcast_arrays(*args: ndarray) -> list[ndarray]:
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return [a._view(lambda view: np.broadcast_to(view, shape)) for a in args]


def asnumpy(a: ndarray, stream: cuda.Stream | None = None) -> np.ndarray[Any, Any]:
    return a.get(stream)


def copyto(dst: ndarray, src: ndarray) -> None:
    dst.set(src.get())


def from_dlpack(x: Any) -> ndarray:
    capsule = x.__dlpack__(stream=cuda.get_current_stream().ptr or 1)
    ptr, shape, steps, code, bits, owner = executor.import_dlpack(capsule)
    kind = next(k for k, c in _DLPACK_CODES.items() if c == code)
    dtype = np.dtype(bool if kind == "b" else f"{kind}{bits // 8}")
    strides = _strides(shape, dtype, "C") if steps is None else tuple(s * dtype.itemsize for s in steps)
    return ndarray(shape, dtype, strides, ptr, owner)
