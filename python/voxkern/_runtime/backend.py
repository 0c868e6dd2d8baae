# SPDX-License-Identifier: Apache-2.0
"""The two back ends: NumPy arrays are computed by ``_core``, CuPy arrays by ``_cuda``.

An array announces itself by its protocol. CuPy is imported on the first GPU array, and no other library ever.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
import sys
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from . import memory
from .errors import ArgumentError, ArgumentTypeError, CudaUnavailableError, shown
from .optional import import_or_explain

_OF_THE_GPU = frozenset("?bBhHiIlLqQefdFD")
_CUDA_DEVICES = (2, 13)  # DLPack's numbers for CUDA memory: of the device, and managed


_NOTHING = contextlib.nullcontext()

# No array of another library: to look for attributes that are missing takes as long as a small image.
_OF_THE_HOST = (np.ndarray, tuple, list, int, float)


class NumpyBackend:
    """NumPy arrays; the last argument of a kernel is a number of threads."""

    kernels: ModuleType = _core
    array_type: Any = np.ndarray
    array_name = "a NumPy array"
    interface = "__array_interface__"

    def from_dlpack(self, x: Any) -> Any:
        """Return an array over the memory of ``x``."""
        return np.from_dlpack(x)

    def empty(self, shape: tuple[int, ...], dtype: Any, beside: Any, threads: int) -> NDArray[Any]:
        """Return a new array in C order where ``beside`` lives; ``threads`` fetch its memory."""
        return memory.empty(shape, dtype, threads)

    def bring(self, table: NDArray[Any], beside: Any) -> NDArray[Any]:
        """Return an array of the host where ``beside`` lives."""
        return table

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array as one of the host."""
        return array

    def broadcast(self, *arrays: Any) -> Any:
        """Return views of one shape."""
        return np.broadcast_arrays(*arrays)

    def device(self, array: Any) -> contextlib.AbstractContextManager[Any]:
        """Return a context in which the device of ``array`` is the current one."""
        return _NOTHING

    def gpu(self, array: Any) -> int | None:
        """Return the number of the GPU an array lives on."""
        return None

    def same_device(self, a: Any, b: Any) -> bool:
        """Tell whether two arrays live on one device."""
        return True

    def last_argument(self, threads: int) -> int:
        """Return the last argument of a kernel."""
        return threads


class CudaBackend:
    """CuPy arrays; the last argument of a kernel is the pointer of the caller's current stream."""

    array_name = "a CuPy array"
    interface = "__cuda_array_interface__"

    def __init__(self, kernels: ModuleType) -> None:
        self.kernels = kernels
        self._cupy = cupy = import_or_explain("cupy", "cuda13")
        self.array_type: Any = cupy.ndarray
        kernels.set_allocator(lambda nbytes: cupy.empty(nbytes, np.uint8))

    def from_dlpack(self, x: Any) -> Any:
        """Return an array over the memory of ``x``, once the work queued for it is done."""
        return self._cupy.from_dlpack(x) if hasattr(x, "__dlpack__") else self._cupy.asarray(x)

    def empty(self, shape: tuple[int, ...], dtype: Any, beside: Any, threads: int) -> NDArray[Any]:
        """Return a new array in C order on the device of ``beside``."""
        with self.device(beside):
            array: NDArray[Any] = self._cupy.empty(shape, np.dtype(dtype))
            return array

    def bring(self, table: NDArray[Any], beside: Any) -> NDArray[Any]:
        """Return an array of the host on the device of ``beside``."""
        return self.put(table, beside.device.id)

    def mark(self) -> Any:
        """Return what `wait_for` waits for: the work that is queued on the current stream by now."""
        return self._cupy.cuda.get_current_stream().record()

    def wait_for(self, mark: Any) -> None:
        """Let the current stream wait for a mark; the host goes on."""
        self._cupy.cuda.get_current_stream().wait_event(mark)

    def put(self, array: NDArray[Any], device: int) -> NDArray[Any]:
        """Return an array of the host on the GPU of this number."""
        with self._cupy.cuda.Device(device):
            copy: NDArray[Any] = self._cupy.asarray(array)
            return copy

    def fetch(self, array: Any) -> NDArray[Any]:
        """Return an array of a GPU as one of the host, once the work queued for it is done."""
        copy: NDArray[Any] = self._cupy.asnumpy(array)
        return copy

    def broadcast(self, *arrays: Any) -> Any:
        """Return views of one shape."""
        return self._cupy.broadcast_arrays(*arrays)

    def device_count(self) -> int:
        """Return how many GPUs there are."""
        return int(self._cupy.cuda.runtime.getDeviceCount())

    def device(self, array: Any) -> contextlib.AbstractContextManager[Any]:
        """Return a context in which the device of ``array`` is the current one."""
        device: contextlib.AbstractContextManager[Any] = self._cupy.cuda.Device(array.device.id)
        return device

    def gpu(self, array: Any) -> int:
        """Return the number of the GPU an array lives on."""
        return int(array.device.id)

    def same_device(self, a: Any, b: Any) -> bool:
        """Tell whether two arrays live on one device."""
        return bool(a.device.id == b.device.id)

    def last_argument(self, threads: int) -> int:
        """Return the last argument of a kernel."""
        return int(self._cupy.cuda.get_current_stream().ptr)


Backend = NumpyBackend | CudaBackend

NUMPY = NumpyBackend()


@functools.cache
def _load_cuda() -> tuple[ModuleType | None, str]:
    try:
        module = importlib.import_module("voxkern._cuda")
    except ImportError as error:
        return None, (
            f"the GPU extension is not part of this installation ({error}); build with nvcc and "
            "--config-settings=cmake.define.VOXKERN_CUDA=ON"
        )
    if module.__version__ != _core.__version__:
        return None, f"_cuda is version {module.__version__}, _core is {_core.__version__}"
    return module, ""


def cuda_status() -> tuple[bool, str]:
    """Return whether a GPU can be used, and if not why."""
    module, reason = _load_cuda()
    if module is None:
        return False, reason
    reason = module.unavailable_reason()
    return not reason, reason


@functools.cache
def _cuda_backend(kernels: ModuleType) -> CudaBackend:
    return CudaBackend(kernels)


def is_gpu_array(x: Any) -> bool:
    """Tell whether ``x`` announces CUDA memory."""
    if isinstance(x, _OF_THE_HOST):
        return False
    device = getattr(x, "__dlpack_device__", None)  # asked first: the interface of a torch tensor may raise
    if device is not None:
        return device()[0] in _CUDA_DEVICES
    return hasattr(x, "__cuda_array_interface__")


def backend_of(x: Any, name: str) -> Backend:
    """Return the back end of an array; ``name`` is the argument an error speaks of."""
    return _usable_cuda(f"{name}: got a GPU array") if is_gpu_array(x) else NUMPY


def _usable_cuda(asked: str) -> CudaBackend:
    usable, reason = cuda_status()
    if not usable:
        raise CudaUnavailableError(f"{asked}, but no GPU can be used: {reason}")
    module = _load_cuda()[0]
    assert module is not None
    return _cuda_backend(module)


def gpu_of(device: Any) -> int | None:
    """Return the number of the GPU that "cuda" or "cuda:1" names, None for the host; it can be used."""
    if device is None or (isinstance(device, str) and device == "cpu"):
        return None
    match = re.fullmatch(r"cuda(?::(\d{1,4}))?", device, re.ASCII) if isinstance(device, str) else None
    if match is None:
        raise ArgumentError(f"device: got {shown(device)}, allowed 'cpu', 'cuda' or 'cuda:1'")
    count = _usable_cuda(f"device: got {shown(device)}").device_count()
    number = int(match[1] or 0)
    if number >= count:
        raise ArgumentError(f"device: got {shown(device)}, allowed 'cuda:0' to 'cuda:{count - 1}'")
    return number


def to_gpu(array: NDArray[Any], gpu: int) -> NDArray[Any]:
    """Return a copy of an array of the host on a GPU that `gpu_of` named."""
    if array.dtype.char not in _OF_THE_GPU:
        raise ArgumentTypeError(f"device: got voxels of {array.dtype}, allowed numbers that CuPy has")
    return _usable_cuda("device: got a GPU").put(np.asarray(array, array.dtype.newbyteorder("=")), gpu)


def dlpack_library(x: Any) -> ModuleType | None:
    """Return the library whose ``from_dlpack`` makes arrays such as ``x``; None for NumPy, CuPy and lists."""
    if isinstance(x, _OF_THE_HOST) or not hasattr(x, "__dlpack__"):
        return None
    for base in type(x).__mro__:
        library = sys.modules.get(base.__module__.partition(".")[0])
        if library is not None and hasattr(library, "from_dlpack"):
            return None if library.__name__ == "cupy" else library
    return None


def is_array(x: Any) -> bool:
    """Tell whether ``x`` is an array that can be written to."""
    return not isinstance(x, type) and (
        isinstance(x, np.ndarray) or is_gpu_array(x) or dlpack_library(x) is not None
    )


def host_array(x: Any, name: str, dtype: Any = None) -> NDArray[Any]:
    """Return a parameter (filter weights, a matrix) as a NumPy array; it never comes from a GPU."""
    if is_gpu_array(x):
        backend_of(x, name)
        raise ArgumentTypeError(f"{name}: got a GPU array, allowed numbers in the memory of the host")
    try:
        array: NDArray[Any] = np.asarray(x if dlpack_library(x) is None else np.from_dlpack(x))
        # NumPy would drop imaginary parts and read digits.
        if dtype is not None and array.dtype.kind in "cSU":
            raise TypeError
        return array if dtype is None else np.asarray(array, dtype)
    except (OverflowError, TypeError, ValueError) as error:
        kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
        raise kind(f"{name}: got {shown(x)}, allowed numbers") from None
