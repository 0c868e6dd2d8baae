# SPDX-License-Identifier: Apache-2.0
"""Threads and what this installation can do."""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np

from .. import _core
from . import backend
from .errors import ArgumentError

NUMERICS_VERSION = 4  # raised by any change of result bits


def _in_daemonic_worker() -> bool:
    process = sys.modules.get("multiprocessing.process")
    return process is not None and bool(process.current_process().daemon)


if _in_daemonic_worker():  # a pool of processes already uses the processors
    _core.set_default_threads(1)


def set_num_threads(n: int | None) -> None:
    """Set how many threads a call uses that does not say ``threads=``.

    Parameters
    ----------
    n : int or None
        At least 1. None returns to the default: ``VOXKERN_NUM_THREADS``, else every CPU this
        process may use; one in forked and daemonic worker processes.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.set_num_threads(2)
    >>> vk.get_num_threads()
    2
    >>> vk.set_num_threads(None)
    """
    if n is not None and n < 1:
        raise ArgumentError(f"n: got {n}, allowed at least 1 or None")
    _core.set_default_threads(n or 0)


def get_num_threads() -> int:
    """Return how many threads a call uses that does not say ``threads=``."""
    return _core.default_threads()


def cuda_available() -> bool:
    """Tell whether GPU arrays can be used; ``show_config`` gives the reason where not."""
    return backend.cuda_status()[0]


def show_config() -> dict[str, Any]:
    """Return versions, instruction-set levels, threads and GPU state.

    Returns
    -------
    dict
        ``version``, ``numerics_version`` (raised by any change of result bits), ``cpu_level`` in
        use, ``cpu_levels`` usable here, ``threads``, ``cpus`` this process may use,
        ``cached_bytes`` of memory kept for the next call, ``cache_limit``, ``cuda`` (bool), ``cuda_reason``,
        ``numpy``, ``python``.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.show_config()["numerics_version"]
    4
    """
    cuda, reason = backend.cuda_status()
    return {
        "version": _core.__version__,
        "numerics_version": NUMERICS_VERSION,
        "cpu_level": _core.active_cpu_level(),
        "cpu_levels": list(_core.cpu_levels()),
        "threads": get_num_threads(),
        "cpus": _core.available_threads(),
        "cached_bytes": _core.cached_bytes(),
        "cache_limit": _core.cache_limit(),
        "cuda": cuda,
        "cuda_reason": reason,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
