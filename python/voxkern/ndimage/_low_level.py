# SPDX-License-Identifier: Apache-2.0
"""Compiled mappings, as scipy takes them: a ``scipy.LowLevelCallable``, or a capsule without a name."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# int mapping(intptr_t *index, double *coordinates, int output_rank, int input_rank, void *user_data)
# It may set a Python exception: it runs with the interpreter's lock, and ctypes raises what it set.
_Mapping = ctypes.PYFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p
)
_INTEGERS = {
    "short": ctypes.c_short,
    "int": ctypes.c_int,
    "long": ctypes.c_long,
    "long long": ctypes.c_longlong,
}
_SIGNATURES = [
    f"int ({index} *, double *, int, int, void *)"
    for index in ("intptr_t", "npy_intp", *_INTEGERS)
    if ctypes.sizeof(_INTEGERS.get(index, ctypes.c_ssize_t)) == ctypes.sizeof(ctypes.c_ssize_t)
]


def _from_capsule(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.PYFUNCTYPE(result, ctypes.py_object, *arguments)((name, ctypes.pythonapi))


_is_valid = _from_capsule("PyCapsule_IsValid", ctypes.c_int, ctypes.c_char_p)
_pointer_of = _from_capsule("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.c_char_p)
_context_of = _from_capsule("PyCapsule_GetContext", ctypes.c_void_p)


def compiled(mapping: Any) -> tuple[Callable[..., int], int | None] | None:
    """Return a compiled mapping's function and its user data; None for anything else."""
    wrapper = getattr(sys.modules.get("scipy"), "LowLevelCallable", ())
    capsule, signature = mapping, None
    if isinstance(mapping, wrapper):
        capsule, signature = tuple.__getitem__(mapping, 0), mapping.signature
        if signature not in _SIGNATURES:
            raise ValueError(f"mapping: got signature {signature!r}, allowed {', '.join(_SIGNATURES)}")
    name = None if signature is None else signature.encode()
    if not _is_valid(capsule, name):
        return None
    return _Mapping(_pointer_of(capsule, name)), _context_of(capsule)


def coordinates(
    function: Callable[..., int], user_data: int | None, shape: tuple[int, ...], ndim: int
) -> NDArray[np.float64]:
    """Return what a compiled mapping says of every index of ``shape``: (ndim, *shape)."""
    count, rank = math.prod(shape), len(shape)
    indices = np.indices(shape, np.intp).reshape(rank, count).T.copy()
    points = np.zeros((count, ndim))
    index, point = indices.ctypes.data, points.ctypes.data
    for _ in range(count):
        if not function(index, point, rank, ndim, user_data):
            raise RuntimeError("mapping: reported failure")
        index += indices.strides[0]
        point += points.strides[0]
    return points.T.reshape(ndim, *shape)
