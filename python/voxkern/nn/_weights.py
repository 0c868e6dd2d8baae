# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a network come from: a mapping of arrays, an .npz or a .safetensors file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.backend import host_array
from .._runtime.errors import ArgumentError, ArgumentTypeError, FileFormatError, shown
from .._runtime.optional import import_or_explain

Find = Callable[[Any, str], NDArray[np.float32] | None]
_SHOWN = 8  # names in an error


@contextmanager
def reader(weights: Any) -> Iterator[Find]:
    """Open ``weights``; give a function that returns what an option of a layer names, as float32."""
    if weights is None:
        weights = {}
    if isinstance(weights, Mapping):
        yield _finder(weights, weights.__getitem__)
        return
    if not isinstance(weights, str | os.PathLike):
        raise ArgumentTypeError(
            f"weights: got {type(weights).__name__}, allowed a mapping of arrays or a path"
        )
    path = Path(weights)
    if path.suffix not in (".npz", ".safetensors"):
        raise ArgumentError(f"weights: got {path.name}, allowed names that end in .npz or .safetensors")
    if not path.is_file():
        raise ArgumentError(f"weights: got {path}, allowed a file that exists")
    if path.suffix == ".npz":
        with _opened(path, lambda: np.load(path, allow_pickle=False)) as file:
            yield _finder(file.files, file.__getitem__)
        return
    safetensors = import_or_explain("safetensors", "nn")
    with _opened(path, lambda: safetensors.safe_open(path, framework="numpy")) as file:
        yield _finder(file.keys(), file.get_tensor)


@contextmanager
def _opened(path: Path, opened: Callable[[], Any]) -> Iterator[Any]:
    try:
        file = opened()
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path.name}: not a file of arrays ({error})") from error
    except Exception as error:  # safetensors has an exception of its own
        if type(error).__module__.partition(".")[0] not in ("safetensors", "safetensors_rust", "builtins"):
            raise
        raise FileFormatError(f"{path.name}: not a file of tensors ({error})") from error
    with file:
        yield file


def _finder(names: Any, read: Callable[[str], Any]) -> Find:
    known = list(names)

    def find(value: Any, option: str) -> NDArray[np.float32] | None:
        if value is None:
            return None
        if isinstance(value, str):
            if value not in known:
                some = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
                raise ArgumentError(
                    f"{option}: got {shown(value)}, allowed the weights there are: {some or 'none'}"
                )
            try:
                value = read(value)
            except TypeError as error:  # bfloat16, which NumPy lacks
                raise ArgumentTypeError(f"{option}: {value!r} is of a dtype NumPy lacks ({error})") from error
        try:
            array = host_array(value, option)
        except (BufferError, RuntimeError) as error:
            raise ArgumentTypeError(
                f"{option}: got a tensor that DLPack does not pass on ({error}), allowed one without gradient"
            ) from error
        if array.dtype.kind not in "fiu":
            raise ArgumentTypeError(f"{option}: got dtype {array.dtype}, allowed real numbers")
        return np.ascontiguousarray(array, np.float32)

    return find
