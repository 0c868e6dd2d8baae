# SPDX-License-Identifier: Apache-2.0
"""Threads and what this installation can do."""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np

from .. import _core
from . import backend
from .validate import thread_count

NUMERICS_VERSION = 9  # raised by any change of result bits


def _in_worker() -> bool:
    """Tell whether multiprocessing started this process: its siblings use the other processors.

    Asked at each call: a spawned process imports the main module before it becomes a worker.
    """
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def set_num_threads(n: int | None) -> None:
    """Set how many threads a call uses that does not say ``threads=``.

    Parameters
    ----------
    n : int or None
        At least 1; more than four for each CPU are not used. None returns to the default:
        ``VOXKERN_NUM_THREADS``, else one in a process forked or started by multiprocessing, else
        ``OMP_NUM_THREADS``, else every CPU this process may use.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.set_num_threads(2)
    >>> vk.get_num_threads()
    2
    >>> vk.set_num_threads(None)
    """
    _core.set_default_threads(thread_count(n, "n"))


def get_num_threads() -> int:
    """Return how many threads a call uses that does not say ``threads=``.

    Returns
    -------
    int
        One in worker processes, unless they were told another number.
    """
    return _core.default_threads(_in_worker())


def cuda_available() -> bool:
    """Tell whether GPU arrays can be used.

    Returns
    -------
    bool
        Where it is False, ``show_config`` gives the reason.
    """
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
    9
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
