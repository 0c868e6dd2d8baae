# SPDX-License-Identifier: Apache-2.0
"""The one way in and out of every public function: enter, validate, output, run, leave.

Here alone is known: Volumes, NumPy, CuPy and DLPack arrays, the back end that computes, complex numbers,
overlap of input and output, foreign byte order, the memory order of results, devices, streams and threads.
A public function reads::

    call = Call("twice", "filter", threads=threads)
    x = call.enter(x, "x")
    ...  # checks of the other arguments
    out = call.output(out, x.shape, x)
    for source, target, _ in call.parts(x, out):
        call.run("filter", source, target, options)
    return call.leave(out)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import active_cpu_level
from .backend import NUMPY, Backend, NumpyBackend, backend_of, dlpack_library, host_array, is_gpu_array
from .config import get_num_threads
from .errors import ArgumentError, ArgumentTypeError, CudaUnavailableError, shown
from .images import as_volume, same_place
from .signals import DEBUG, listening, remark
from .validate import KERNEL_DTYPES, LABEL_DTYPES, REAL_DTYPES, SAMPLED_DTYPES, Array, thread_count

_OVERLAP_WORK = 1000  # steps of NumPy's search for a shared element, below a millisecond


class Call:
    """One call of a public function, from its arguments to its result.

    Parameters
    ----------
    function : str
        Its name, for errors.
    *names : str
        The kernels it runs; with none of them compiled for CUDA it has no GPU version.
    threads : int, optional
        As the caller gave it.
    """

    def __init__(self, function: str, *names: str, threads: int | None = None) -> None:
        self._function, self._names = function, names
        self._threads = thread_count(threads) or get_num_threads()
        self._backend: Backend | None = None  # of the first array, as is the library
        self.volume: Any = None  # the first argument, where it is one
        self._library: ModuleType | None = None
        self._inputs: list[Array] = []
        self._written: tuple[Any, Any, Any] | None = None  # kernel's array, caller's memory, caller's object

    @property
    def affine(self) -> Any:
        """That of the first argument; None where it is a bare array."""
        return None if self.volume is None else self.volume.affine

    @property
    def on_device(self) -> bool:
        """Tell whether arrays are on a GPU: what is found there stays there, and nobody waits for it."""
        return self._where() is not NUMPY

    @property
    def gpu(self) -> int | None:
        """Number of the GPU that the inputs live on; None for the host."""
        return self._where().gpu(self._inputs[0])

    def device(self) -> contextlib.AbstractContextManager[Any]:
        """Return a context in which operators of arrays run on the device of the inputs."""
        return self._where().device(self._inputs[0])

    # --- enter ----------------------------------------------------------------------------------------

    def enter(
        self,
        x: Any,
        name: str,
        dtypes: frozenset[str] | None = KERNEL_DTYPES,
        widened: Mapping[str, Any] = MappingProxyType({}),
    ) -> Array:
        """Return an array the kernels read in place; the first one decides where and as what results live.

        Strided, reversed, Fortran-ordered, read-only and memory-mapped arrays pass as they are. Only foreign
        byte order, misaligned data and dtypes that are ``widened`` are copied. ``dtypes`` None allows all.
        """
        data, volume = x, None
        if type(x) is not np.ndarray:  # to ask what it is takes as long as a small image
            data = as_volume(x)
            if is_volume(data):
                volume, data = data, data.data
        first = self._backend is None
        array = self._array(data, name)
        if first:
            self.volume, self._library = volume, dlpack_library(data)
        if array.dtype.char in widened:
            with self._where().device(array):
                array = array.astype(widened[array.dtype.char])
        if dtypes is not None:
            self._check_dtype(array.dtype, name, dtypes)
        if not is_plain(array):
            array = array.astype(array.dtype.newbyteorder("="))
        self._inputs.append(array)
        return array

    def enter_beside(self, x: Any, name: str, dtypes: frozenset[str] = KERNEL_DTYPES) -> Array:
        """Return an array that belongs to the first one, a mask say; two Volumes lie in one place."""
        image = as_volume(x)
        array = self.enter(image, name, dtypes)
        if is_volume(image) and self.volume is not None and not same_place(image, self.volume):
            raise ArgumentError(
                f"{name}: got another geometry than the first image, allowed its affine within 0.01 mm"
            )
        return array

    def bring(self, table: NDArray[Any]) -> Array:
        """Return an array of the host, which the package has made, where the inputs live."""
        return self._where().bring(table, self._inputs[0])

    def kept(
        self, tables: Mapping[str, Array], copies: dict[int, tuple[Mapping[str, Array], Any]]
    ) -> Mapping[str, Array]:
        """Return arrays of the host where the inputs live; ``copies`` keeps those of each GPU."""
        backend = self._where()
        if isinstance(backend, NumpyBackend) or not tables:
            return tables
        gpu = backend.gpu(self._inputs[0])
        with self.device():
            if gpu not in copies:
                brought = {name: self.bring(table) for name, table in tables.items()}
                copies[gpu] = brought, backend.mark()
            arrays, mark = copies[gpu]
            backend.wait_for(mark)  # they may have been brought on another stream
        return arrays

    def made(self, kind: str, *arguments: Any, **options: Any) -> Any:
        """Return an object of a kernel's, its weights say, made of arrays and kept where the inputs live."""
        backend = self._where()
        if backend is NUMPY:
            return getattr(backend.kernels, kind)(*arguments, **options)
        with self.device():
            stream = backend.last_argument(self._threads)
            return getattr(backend.kernels, kind)(*arguments, **options, stream=stream)

    def brought(self, result: Any) -> Any:
        """Return a result that was found on the host where the inputs live, if it is an array of numbers."""
        numbers = isinstance(result, np.ndarray) and result.dtype.kind in "biufc"
        return self.bring(result) if self.on_device and numbers else result

    def fetched(self, x: Any, name: str) -> Any:
        """Return what is no array of a GPU as it is, and beside inputs of a GPU a copy of what is one."""
        if self.on_device and is_gpu_array(x):
            return self._where().fetch(self._array(x, name))
        return x

    def on_host(self, x: Any, name: str) -> NDArray[Any]:
        """Return few numbers in the memory of the host; beside inputs of a GPU they may be there."""
        return host_array(self.fetched(x, name), name)

    def broadcast(self, *arrays: Array) -> Any:
        """Return views of one shape."""
        return self._where().broadcast(*arrays)

    def _array(self, data: Any, name: str) -> Array:
        """Return ``data`` as an array of this call's back end, over the same memory wherever it has any."""
        if type(data) is np.ndarray and (self._backend is NUMPY or self._backend is None):
            self._backend = NUMPY
            return data
        backend = backend_of(data, name)
        if self._backend is None:
            self._backend = backend
        elif backend is not self._backend:
            raise ArgumentTypeError(
                f"{name}: got {backend.array_name}, allowed {self._backend.array_name}, as the first argument"
            )
        if backend is not NUMPY and not any(hasattr(backend.kernels, k) for k in self._names):
            raise self.no_gpu_version(name)
        if backend is NUMPY and dlpack_library(data) is None:
            return host_array(data, name)
        if isinstance(data, backend.array_type):
            array: Array = data
        else:
            array = self._by_dlpack(backend, data, name)
        if self._inputs and not backend.same_device(array, self._inputs[0]):
            raise ArgumentError(f"{name}: got an array of another GPU, allowed that of the first argument")
        return array

    def _by_dlpack(self, backend: Backend, data: Any, name: str) -> Array:
        try:
            array: Array = backend.from_dlpack(data)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ArgumentTypeError(
                f"{name}: got a {type(data).__name__} that DLPack does not pass on ({error}), allowed "
                f"{backend.array_name} or a tensor of plain numbers without gradient"
            ) from error
        return array

    def _check_dtype(self, dtype: np.dtype[Any], name: str, dtypes: frozenset[str]) -> None:
        if dtype.char not in dtypes:
            known = {
                SAMPLED_DTYPES: "bool, integers, float16, float32, float64 and complex",
                REAL_DTYPES: "bool, integers, float16, float32 and float64",
                LABEL_DTYPES: "bool, integers",
                frozenset("f"): "float32",
            }
            allowed = known.get(dtypes, "bool, integers, float32 and float64")
            raise ArgumentTypeError(f"{name}: got dtype {dtype}, allowed {allowed}")

    def no_gpu_version(self, name: str, of: str = "") -> CudaUnavailableError:
        """Return the error of a function, or of a case ``of`` it, that runs on the CPU alone."""
        return CudaUnavailableError(
            f"{name}: got a GPU array, but {self._function}{of} has no GPU version yet, allowed NumPy arrays"
        )

    # --- output ---------------------------------------------------------------------------------------

    def output(
        self,
        out: Any,
        shape: tuple[int, ...],
        like: Array,
        *,
        dtype: Any = None,
        dtypes: frozenset[str] = KERNEL_DTYPES,
        in_place: bool = False,
    ) -> Array:
        """Return where the kernel writes: ``out``, or a new array in the memory order of ``like``.

        With ``in_place``, ``out`` may be ``like``: the kernel reads each sample before it writes it.
        """
        if out is None:
            wanted = like.dtype if dtype is None else _result_dtype(dtype, like, dtypes)
            return self.empty(shape, wanted, like)
        array = self._given(out, "out")
        if array.shape != shape:
            raise ArgumentError(f"out: got shape {array.shape}, allowed {shape}")
        if array.dtype.char not in dtypes:
            raise ArgumentTypeError(f"out: got dtype {array.dtype}, allowed the dtypes the function takes")
        if (array.dtype.kind == "c") != (like.dtype.kind == "c"):
            raise ArgumentTypeError(
                f"out: got dtype {array.dtype}, allowed complex where the input is, else real"
            )
        if any(self.overlap(x, array) and not (in_place and self._same(x, array)) for x in self._inputs):
            raise ArgumentError("out: got memory shared with the input, allowed separate arrays")
        return self._writable(out, array, is_plain(array))

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Array | None = None) -> Array:
        """Return a new array on the device of the inputs, in C order or in the memory order of ``like``."""
        if like is None or like.ndim != len(shape):
            return self._empty(shape, dtype)
        axes = list(range(len(shape)))
        if is_contiguous(like, axes):
            return self._empty(shape, dtype)
        order = axes[::-1]
        if not is_contiguous(like, order):
            order = slowest_first(like)
        array = self._empty(tuple(shape[axis] for axis in order), dtype)
        return array.transpose([order.index(axis) for axis in axes])

    def _empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        try:
            return self._where().empty(shape, dtype, self._inputs[0], self._threads)
        except (MemoryError, ValueError):  # the latter for more bytes than an address space has
            name = np.dtype(dtype).name
            raise ArgumentError(
                f"result: got {shown(shape)} of {name}, allowed what fits in memory"
            ) from None

    def _given(self, out: Any, name: str) -> Array:
        backend = backend_of(out, name)
        if not isinstance(out, backend.array_type) and dlpack_library(out) is None:
            raise ArgumentTypeError(f"{name}: got {type(out).__name__}, allowed {self._where().array_name}")
        return self._array(out, name)

    def _writable(self, out: Any, array: Array, direct: bool) -> Array:
        """Return the caller's array, or one in its place that `leave` copies back."""
        if not direct and isinstance(array, np.ndarray) and not array.flags.writeable:
            raise ArgumentError("output: got a read-only array, allowed writable")
        target = array if direct else self.empty(array.shape, array.dtype.newbyteorder("="))
        self._written = (target, array, out)
        return target

    def overlap(self, a: Array, b: Array) -> bool:
        """Tell whether two arrays share memory; where that takes long to find out, they may."""
        (low_a, high_a), (low_b, high_b) = self._span(a), self._span(b)
        if low_a >= high_b or low_b >= high_a:
            return False
        if not isinstance(a, np.ndarray):
            return True
        return np.may_share_memory(a, b, max_work=_OVERLAP_WORK)  # type: ignore[arg-type]

    def _same(self, a: Array, b: Array) -> bool:
        """Tell whether two arrays are the same elements in the same order."""
        alike = a.dtype == b.dtype and a.shape == b.shape and a.strides == b.strides
        return alike and self.address(a) == self.address(b)

    def _span(self, array: Array) -> tuple[int, int]:
        """Return the first address of an array and the one behind its last."""
        start = self.address(array)
        if array.size == 0:
            return start, start
        reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
        return start + sum(min(r, 0) for r in reach), start + sum(
            max(r, 0) for r in reach
        ) + array.dtype.itemsize

    def address(self, array: Array) -> int:
        """Return where the first element is."""
        return int(getattr(array, self._where().interface)["data"][0])

    def _where(self) -> Backend:
        assert self._backend is not None, "an array enters first"
        return self._backend

    # --- run ------------------------------------------------------------------------------------------

    def parts(self, x: Array, out: Array, cval: complex = 0.0) -> Iterator[tuple[Array, Array, float]]:
        """Yield input, output and outside value as kernels take them: complex numbers part by part."""
        if out.dtype.kind != "c":
            if np.imag(cval) != 0:
                raise ArgumentTypeError(
                    f"cval: got {shown(cval)}, allowed a real number where the values are real"
                )
            yield x, out, float(np.real(cval))
            return
        yield x.real, out.real, float(np.real(cval))
        yield x.imag, out.imag, float(np.imag(cval))

    def run(self, kernel: str, *arguments: Any) -> Any:
        """Run a kernel on the device of its first argument, on the caller's threads or current stream."""
        backend = self._where()
        if listening(DEBUG):
            where = f"level {active_cpu_level()}, {self._threads} threads" if backend is NUMPY else "GPU"
            remark(DEBUG, "%s: kernel %s, %s", self._function, kernel, where)
        if backend is NUMPY:
            try:
                return getattr(NUMPY.kernels, kernel)(*arguments, self._threads)
            except MemoryError:
                raise ArgumentError(
                    f"{self._function}: got more to compute than memory holds, allowed smaller images"
                ) from None
        if not hasattr(backend.kernels, kernel):
            raise self.no_gpu_version("x")
        function = getattr(backend.kernels, kernel)
        with backend.device(arguments[0]):
            return function(*arguments, backend.last_argument(self._threads))

    # --- leave ----------------------------------------------------------------------------------------

    def leave(self, result: Array, affine: Any = None, *, index_map: Any = None, bare: bool = False) -> Any:
        """Return a result as what the first argument is: a Volume (unless ``bare``), a tensor, an array.

        ``affine`` is that of the sampled grid; ``index_map`` gives it as a map of indices to the input's.
        """
        data: Any = result
        if self._written is not None and result is self._written[0]:
            target, array, data = self._written
            if target is not array and isinstance(array, np.ndarray):
                array[...] = target
            elif target is not array:
                self.run("copy", target, array)
            library = dlpack_library(data)
            if library is not None and self.on_device:
                self._passed_on(array, library)  # its current stream waits for what is written
        elif self._library is not None:
            data = self._passed_on(result, self._library)
        if self.volume is None or bare:
            return data
        return self.volume.with_data(data, affine if index_map is None else self.volume.affine @ index_map)

    def _passed_on(self, array: Array, library: ModuleType) -> Any:
        """Return an array as one of another library, whose current stream waits for ours."""
        with self._where().device(array):
            return library.from_dlpack(array)


def _result_dtype(dtype: Any, like: Array, dtypes: frozenset[str]) -> np.dtype[Any]:
    try:
        wanted: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"dtype: got {shown(dtype)}, allowed a dtype") from None
    if wanted.char not in dtypes or not wanted.isnative or (like.dtype.kind == "c" and wanted.kind != "c"):
        raise ArgumentTypeError(f"dtype: got {wanted}, allowed the dtypes the function takes")
    return wanted


def slowest_first(array: Array) -> list[int]:
    """Return the axes, that of the largest stride first: rows along the last lie side by side."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def is_volume(x: Any) -> bool:
    """Tell whether ``x`` is a Volume; the class itself stands above this room."""
    return hasattr(x, "with_data") and hasattr(x, "affine")


def is_plain(array: Array) -> bool:
    """Tell whether kernels can read and write an array as it is; a GPU's arrays always are."""
    return not isinstance(array, np.ndarray) or (array.dtype.isnative and array.flags.aligned)


def is_contiguous(array: Array, order: list[int]) -> bool:
    """Tell whether the elements lie side by side with the axes in this order, the last one fastest."""
    step = array.dtype.itemsize
    for axis in reversed(order):
        if array.shape[axis] != 1 and array.strides[axis] != step:
            return False
        step *= array.shape[axis]
    return True
