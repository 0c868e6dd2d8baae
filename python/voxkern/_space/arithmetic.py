# SPDX-License-Identifier: Apache-2.0
"""What operators and NumPy's functions make of Volumes.

1. Ufuncs (``np.sqrt``, every operator) and the functions in `KEEPING` work voxel by voxel: a Volume.
2. The functions in `REDUCING` over axes after the third keep the place: a Volume.
3. Whatever else NumPy has gives what it gives for the bare arrays.

Volumes that meet in 1 lie on one grid, and their first three axes meet; arrays meet as NumPy's rules say.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .._runtime.call import is_volume
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.images import as_volume, same_place
from .._runtime.validate import normalize_axes
from .meta import meta_of_part

if TYPE_CHECKING:
    from typing import Self

    class Operators:
        """The operators, as type checkers see them."""

        def __add__(self, other: Any) -> Self: ...
        def __neg__(self) -> Self: ...
        def __divmod__(self, other: Any) -> tuple[Self, Self]: ...
        def __eq__(self, other: object) -> Self: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Self: ...  # type: ignore[override]

        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __add__
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __add__
        __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __add__
        __lt__ = __le__ = __gt__ = __ge__ = __add__
        __pos__ = __abs__ = __invert__ = __neg__
        __rdivmod__ = __divmod__
else:
    Operators = np.lib.mixins.NDArrayOperatorsMixin


def _functions(names: str) -> frozenset[Callable[..., Any]]:
    return frozenset(getattr(np, name) for name in names.split() if hasattr(np, name))


KEEPING = _functions(
    "angle around astype clip copy digitize empty_like full_like imag interp isclose isin nan_to_num "
    "ones_like real round select sinc where zeros_like"
)
REDUCING = _functions(
    "all amax amin any argmax argmin average max mean median min nanmax nanmean nanmedian nanmin "
    "nanpercentile nanquantile nanstd nansum nanvar percentile prod ptp quantile std sum var"
)


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return what a ufunc makes of Volumes and whatever else."""
    inputs = tuple(map(as_volume, inputs))
    voxelwise = method == "__call__" and ufunc.signature is None
    volumes = list(_volumes((inputs, options)))
    ndim = _check_one_grid(volumes) if voxelwise else 0
    given, chosen = _bare(inputs, ndim), _bare(options, ndim)
    if voxelwise:
        _check_shape(volumes[0], given, ndim)
    try:
        result = getattr(ufunc, method)(*given, **chosen)
    except (OverflowError, TypeError, ValueError) as error:
        kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
        kinds = ", ".join(_named(x) for x in given)
        raise kind(f"{ufunc.__name__}: got {kinds}, allowed what NumPy takes: {error}") from None
    if not voxelwise:
        return result
    outputs = options.get("out") or (None,) * ufunc.nout
    results = result if isinstance(result, tuple) else (result,)
    placed = tuple(
        out if is_volume(out) else _placed(volumes, ndim, data)
        for out, data in zip(outputs, results, strict=True)
    )
    return placed if isinstance(result, tuple) else placed[0]


def apply_function(function: Callable[..., Any], args: Any, options: Any) -> Any:
    """Return what a function of NumPy makes of arguments with Volumes among them."""
    volumes = list(_volumes((args, options)))
    keeping = function in KEEPING
    ndim = _check_one_grid(volumes) if keeping else 0
    result = function(*_bare(args, ndim), **_bare(options, ndim))
    if keeping:
        return _placed(volumes, ndim, result)
    if function in REDUCING:
        asked = inspect.signature(function).bind(*args, **options).arguments
        return _reduced(volumes[0], asked.get("axis"), bool(asked.get("keepdims")), result)
    return result


def _volumes(x: Any) -> Iterator[Any]:
    if is_volume(x):
        yield x
    elif isinstance(x, tuple | list | dict):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _volumes(part)


def _bare(x: Any, ndim: int) -> Any:
    """Return arguments with arrays in place of Volumes, of ``ndim`` axes where they are to meet."""
    if is_volume(x):
        return x.data[(..., *[None] * (ndim - x.ndim))] if x.ndim < ndim else x.data
    if isinstance(x, dict):
        return {name: _bare(value, ndim) for name, value in x.items()}
    return type(x)(_bare(part, ndim) for part in x) if type(x) in (tuple, list) else x


def _check_one_grid(volumes: list[Any]) -> int:
    """Refuse Volumes that lie apart; return how many axes the one with most of them has."""
    first = volumes[0]
    for other in volumes[1:]:
        if other.shape[:3] != first.shape[:3] or not same_place(other, first):
            raise ArgumentError(
                f"volume: got two grids, {first} and {other}, allowed one: resample(like=) brings them there"
            )
    return max(len(volume.shape) for volume in volumes)


def _check_shape(volume: Any, given: tuple[Any, ...], ndim: int) -> None:
    """Refuse arrays that would spread a Volume over other axes."""
    try:
        shapes = [tuple(x.shape) if hasattr(x, "shape") else np.shape(x) for x in given]
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        shape = ()
    if len(shape) != ndim or shape[:3] != volume.shape[:3]:
        got = ", ".join(map(_named, given))
        raise ArgumentError(
            f"volume: got operands {got}, allowed what NumPy spreads over the voxels of a Volume alone"
        )


def _named(x: Any) -> str:
    return f"{x.dtype} of {tuple(x.shape)}" if hasattr(x, "dtype") else shown(x)


def _placed(volumes: list[Any], ndim: int, data: Any) -> Any:
    """Return voxels as a Volume on the grid of others, where they cover it."""
    if not hasattr(data, "shape") or len(data.shape) != ndim or data.shape[:3] != volumes[0].shape[:3]:
        return data
    owner = next((volume for volume in volumes if volume.shape == data.shape), None)
    if owner is None:
        return type(volumes[0])(data, volumes[0].affine, meta_of_part(volumes[0].meta, {}, ndim))
    return owner.with_data(data)


def _reduced(volume: Any, axis: Any, keepdims: bool, result: Any) -> Any:
    axes = range(volume.ndim) if axis is None else normalize_axes(axis, volume.ndim, "axis")
    left = volume.ndim if keepdims else volume.ndim - len(axes)
    if min(axes, default=0) < 3 or np.ndim(result) != left:
        return result
    kept = {} if keepdims else {axis: slice(None) for axis in range(volume.ndim) if axis not in axes}
    return type(volume)(result, volume.affine, meta_of_part(volume.meta, kept, volume.ndim))
