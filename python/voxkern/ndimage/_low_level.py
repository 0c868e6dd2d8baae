# SPDX-License-Identifier: Apache-2.0
"""Compiled mappings, as scipy takes them: a ``scipy.LowLevelCallable``, or a capsule without a name."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from .._core import CompiledMapping

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


def compiled(mapping: Any) -> CompiledMapping:
    """Return a compiled mapping as the kernel takes it; anything else is an error."""
    wrapper = getattr(sys.modules.get("scipy"), "LowLevelCallable", ())
    if not isinstance(mapping, wrapper):
        return CompiledMapping(mapping)
    if mapping.signature not in _SIGNATURES:
        raise ValueError(f"mapping: got signature {mapping.signature!r}, allowed {', '.join(_SIGNATURES)}")
    return CompiledMapping(tuple.__getitem__(mapping, 0), mapping.signature)
