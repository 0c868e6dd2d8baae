# SPDX-License-Identifier: Apache-2.0
"""What a type checker knows of functions that return the kind of their first argument.

Volume in, Volume out; array in, array out; the kinds of other libraries are not known here. Such a function
has two overloads, and those of many arguments name them in a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, TypeVar

from .._runtime.validate import Array
from .._runtime.words import Convention, SampleMode, ShapeRule
from .volume import Volume

Image = TypeVar("Image", Volume, Array)


class AlignedGridSettings(TypedDict, total=False):
    """A grid along the axes of the input, and what every resampling takes besides."""

    spacing: Any
    shape: Any
    affine: Any
    like: Any
    mode: SampleMode | None
    convention: Convention | None
    shape_rule: ShapeRule
    out: Array | None
    threads: int | None


class GridSettings(AlignedGridSettings, total=False):
    """A grid in any direction."""

    matrix: Any
    transform: Any
    axes: int | Iterable[int] | None
