# SPDX-License-Identifier: Apache-2.0
"""Memory that is kept for the next call: scratch of the kernels, and large results once they are freed."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .errors import ArgumentError, ArgumentTypeError, shown

LARGE = 1 << 20  # bytes; less comes from NumPy's own allocator, which keeps it, too


def empty(shape: tuple[int, ...], dtype: Any, threads: int = 0) -> NDArray[Any]:
    """Return a new array in C order with unspecified values, as ``np.empty``; ``threads`` fetch its pages."""
    dtype = np.dtype(dtype)
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < LARGE or dtype.hasobject:
        return np.empty(shape, dtype)
    if nbytes > sys.maxsize:  # more than an address can tell
        raise MemoryError
    array: NDArray[Any] = _core.empty(shape, dtype, threads)
    return array


def set_cache_limit(limit: int) -> None:
    """Set how much memory is kept for the next call.

    Results of a megabyte and more live in memory that is kept when they are freed, and so do the temporary
    arrays of the kernels: to get fresh pages from the system takes longer than most kernels do. What does
    not fit is freed, the oldest first.

    Parameters
    ----------
    limit : int
        Bytes, 0 to keep nothing. At first 1 GiB, or an eighth of the memory of the machine or container if
        that is less.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything but a whole number from 0 to 2**62.

    See Also
    --------
    release_memory : free what is kept now.

    Examples
    --------
    >>> import voxkern as vk
    >>> before = vk.show_config()["cache_limit"]
    >>> vk.set_cache_limit(256 << 20)
    >>> vk.show_config()["cache_limit"]
    268435456
    >>> vk.set_cache_limit(before)
    """
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer):
        raise ArgumentTypeError(f"limit: got {shown(limit)}, allowed a whole number of bytes")
    if not 0 <= limit <= 1 << 62:
        raise ArgumentError(f"limit: got {limit}, allowed 0 to 2**62")
    _core.set_cache_limit(int(limit))


def release_memory() -> None:
    """Free the memory that is kept for the next call; ``show_config()["cached_bytes"]`` tells how much it is.

    Arrays that are in use stay as they are. CuPy's memory is CuPy's: see its ``MemoryPool.free_all_blocks``.

    See Also
    --------
    set_cache_limit : keep less from now on.

    Examples
    --------
    >>> import voxkern as vk
    >>> vk.release_memory()
    >>> vk.show_config()["cached_bytes"]
    0
    """
    _core.release_memory()
