# SPDX-License-Identifier: Apache-2.0
"""Reference of the dense kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def dense(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return ``input @ weight.T + bias`` in float64."""
    product: Any = np.asarray(input, np.float64) @ np.asarray(weight, np.float64).T
    return np.asarray(product if bias is None else product + np.asarray(bias, np.float64))


def softmax(input: ArrayLike, axis: int) -> NDArray[np.float64]:
    """Return ``exp(input)`` over its sum along ``axis`` in float64; NaN where the largest is not finite."""
    x = np.asarray(input, np.float64)
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def argmax(input: ArrayLike, axis: int) -> NDArray[np.int64]:
    """Return where the largest sample is, the first of equals; NaN is the largest."""
    return np.asarray(np.argmax(np.asarray(input), axis=axis), np.int64)
