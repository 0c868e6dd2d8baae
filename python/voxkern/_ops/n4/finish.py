# SPDX-License-Identifier: Apache-2.0
"""What ANTs does after the division."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._runtime.validate import Array


def finish(
    corrected: Array,
    array: Array,
    inside: Array | None,
    outside: str,
    rescale: bool,
) -> None:
    """Keep the input outside the mask, and stretch the corrected values to its range."""
    where: Any = True if inside is None else inside
    if rescale:
        spread = [
            float(f(a, where=where, initial=i))
            for a in (array, corrected)
            for f, i in ((np.min, np.inf), (np.max, -np.inf))
        ]
        low, high, new_low, new_high = spread
        scale = (high - low) / (new_high - new_low) if new_high > new_low else 1.0
        np.subtract(corrected, new_high, out=corrected, where=where)
        np.multiply(corrected, scale, out=corrected, where=where, casting="same_kind")
        np.add(corrected, high, out=corrected, where=where)
    if outside == "input" and inside is not None:
        np.copyto(corrected, array, where=~inside, casting="unsafe")
