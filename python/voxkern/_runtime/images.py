# SPDX-License-Identifier: Apache-2.0
"""Images of other libraries. They are known by the name of their class, and nothing is imported for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

READERS: dict[str, Callable[[Any], Any]] = {}
"""What makes a Volume of an image, by "package.Class". Volume stands above this room and fills it in."""


def as_volume(x: Any) -> Any:
    """Return an image of another library as a Volume, and anything else as it is."""
    if isinstance(x, np.ndarray):
        return x
    for base in type(x).__mro__:
        read = READERS.get(f"{base.__module__.partition('.')[0]}.{base.__name__}")
        if read is not None:
            return read(x)
    return x


def same_place(a: Any, b: Any) -> bool:
    """Tell whether the affines of two Volumes are equal within 0.01 mm."""
    return a.affine is b.affine or bool(np.allclose(a.affine, b.affine, atol=1e-2))
