# SPDX-License-Identifier: Apache-2.0
"""What a type checker knows of functions that return the kind of their first argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from .._runtime.validate import Array
from .volume import Volume

P = ParamSpec("P")
Image = TypeVar("Image", Volume, Array)


class ReturnsItsKind(Protocol[P]):
    """Volume in, Volume out; array in, array out; the kinds of other libraries are not known here."""

    @overload
    def __call__(self, x: Image, /, *args: P.args, **kwargs: P.kwargs) -> Image: ...
    @overload
    def __call__(self, x: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any: ...


def returns_its_kind(function: Callable[Concatenate[Any, P], Any]) -> ReturnsItsKind[P]:
    """Return the function itself, typed."""
    return function
