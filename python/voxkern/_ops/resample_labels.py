# SPDX-License-Identifier: Apache-2.0
"""``resample_labels`` and ``resample_argmax``: segmentations on another grid, without a volume per class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._runtime import backend, validate
from .._runtime.errors import ArgumentError
from .._runtime.validate import LABEL_DTYPES
from .._space.grid import Grid, make_grid
from .._space.volume import Volume

RULES = ("argmax", "half", "nearest", "gaussian")
_SCORES = validate.KERNEL_DTYPES | {"e"}


def resample_labels(
    x: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    like: Volume | None = None,
    matrix: Any = None,
    rule: str = "argmax",
    mode: str | None = None,
    cval: int = 0,
    sigma: float = 1.0,
    alpha: float = 1.0,
    convention: str = "extent",
    shape_rule: str = "round",
    transform: Any = None,
    axes: int | Iterable[int] | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Bring a label map onto another grid; every voxel of the result has a label of the input.

    Parameters
    ----------
    x : Volume or array_like
        Bool or integers of any size, any labels, any memory order.
    spacing, shape, like, matrix, mode, convention, shape_rule, axes, threads
        As in `resample`.
    transform : optional
        As in `resample`, as long as it does not bend.
    rule : {"argmax", "half", "nearest", "gaussian"}
        ``argmax``: the label with the highest linearly interpolated indicator; where several share it, the
        nearest voxel's if it is among them, else the lowest (nnU-Net with batchgenerators 0.25.5).
        ``half``: the highest label whose indicator is at least a half, else 0 (nnU-Net before that).
        ``nearest``: the nearest voxel's. ``gaussian``: the label with the most of a Gaussian's weight (ITK's
        LabelImageGaussianInterpolateImageFunction).
    cval : int
        Label of what lies outside, for ``constant``, ``grid-constant`` and ``fov``.
    sigma, alpha : float
        Of ``gaussian``: standard deviation in voxels of ``x``, and where it is cut off, in sigmas. ANTs takes
        alpha 4.
    out : array, optional
        Where to write; exact shape, the dtype of ``x``, no memory shared with it.

    Returns
    -------
    Volume or array
        The kind and dtype of ``x``. Extra memory: a few rows.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.resample_labels(np.array([0, 0, 7, 7, 3]), shape=10)
    array([0, 0, 0, 0, 7, 7, 7, 7, 3, 3])
    """
    if rule not in RULES:
        raise ArgumentError(f"rule: got {rule!r}, allowed {', '.join(RULES)}")
    if not (sigma > 0 and alpha > 0):
        raise ArgumentError(f"sigma, alpha: got {sigma}, {alpha}, allowed numbers above zero")
    array, grid, affine, boundary = _placed(
        x, LABEL_DTYPES, mode, spacing=spacing, shape=shape, like=like, matrix=matrix, convention=convention,
        shape_rule=shape_rule, transform=transform, axes=axes,
    )  # fmt: skip
    limits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.iinfo(np.uint8)
    if not max(limits.min, -(2**63)) <= cval <= min(limits.max, 2**63 - 1):
        raise ArgumentError(f"cval: got {cval}, allowed a label of {array.dtype}")
    if out is not None and getattr(out, "dtype", None) != array.dtype:
        raise ArgumentError(f"out: got dtype {getattr(out, 'dtype', None)}, allowed {array.dtype}")
    source = array.transpose(grid.source_axes) if isinstance(grid, Grid) else array
    out = validate.output_array(out, grid.shape, source, LABEL_DTYPES)
    options = _core.LabelOptions(
        rule=_core.LabelRule[rule], mode=boundary, cval=cval, sigma=[float(sigma)] * array.ndim, alpha=alpha
    )
    count = validate.thread_count(threads)
    if isinstance(grid, Grid):
        _core.resample_labels(source, out, list(grid.coordinates), options, count)
    else:
        if grid.field is not None:
            raise ArgumentError("transform: got one that bends, allowed linear ones")
        matrix_all, offset_all = np.eye(array.ndim), np.zeros(array.ndim)
        moved = len(grid.offset)
        matrix_all[:moved, :moved], offset_all[:moved] = grid.matrix, grid.offset
        _core.warp_labels(array, out, offset_all, matrix_all, options, count)
    return out if affine is None else x.with_data(out, affine)


def resample_argmax(
    logits: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    like: Volume | None = None,
    mode: str | None = None,
    convention: str = "extent",
    shape_rule: str = "round",
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Interpolate class scores linearly and keep the number of the highest, class by class in rows.

    Parameters
    ----------
    logits : Volume or array_like
        An array (classes, ...) with 1 to 3 spatial axes, or a Volume with classes along its fourth; float16,
        float32 (or anything else, read as float32).
    spacing, shape, like, mode, convention, shape_rule, threads
        As in `resample`, for the spatial axes; ``like`` has to lie along them.
    out : integer array, optional
        Where to write; exact shape.

    Returns
    -------
    Volume or array
        Class numbers, the lowest where several share the top and 0 outside: uint8 up to 256 classes, else
        uint16 (uint32 beyond 65536). Extra memory: a few rows per thread.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scores = np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 2.0]], np.float32)
    >>> vk.resample_argmax(scores, shape=6)
    array([0, 0, 0, 1, 1, 1], dtype=uint8)
    """
    volume = logits if isinstance(logits, Volume) else None
    scores = logits if volume is None else np.moveaxis(np.asarray(volume.data), -1, 0)
    if (
        not 2 <= np.ndim(scores) <= 4
        or np.shape(scores)[0] == 0
        or (volume is not None and np.ndim(scores) != 4)
    ):
        raise ArgumentError(f"logits: got shape {np.shape(logits)}, allowed classes and 1 to 3 spatial axes")
    if isinstance(scores, np.ndarray) and scores.dtype.kind == "c":
        raise ArgumentError(f"logits: got dtype {scores.dtype}, allowed real numbers")
    if like is not None and volume is None:
        raise ArgumentError("like: got a bare array, allowed a Volume (an array has no millimetres)")
    first = scores[0] if volume is None else Volume(scores[0], volume.affine)
    _, grid, affine, boundary = _placed(
        first, _SCORES, mode, spacing=spacing, shape=shape, like=like, convention=convention,
        shape_rule=shape_rule,
    )  # fmt: skip
    array = validate.kernel_array(scores, "logits", _SCORES)
    if not isinstance(grid, Grid):
        raise ArgumentError("like: got a grid that is turned against the scores, allowed axes along theirs")
    source = array.transpose(0, *(a + 1 for a in grid.source_axes))
    number = np.uint8 if len(array) <= 256 else (np.uint16 if len(array) <= 65536 else np.uint32)
    if out is not None and out.dtype.kind in "iu" and np.iinfo(out.dtype).max < len(array) - 1:
        raise ArgumentError(f"out: got dtype {out.dtype}, allowed one that holds {len(array)} classes")
    if out is None:
        out = np.empty_like(source[0], dtype=number, shape=grid.shape)
    out = validate.output_array(out, grid.shape, array, LABEL_DTYPES)
    _core.resample_argmax(source, out, list(grid.coordinates), boundary, validate.thread_count(threads))
    return out if volume is None else volume.with_data(out, affine)


def _placed(
    x: Any, dtypes: frozenset[str], mode: str | None, **ways: Any
) -> tuple[validate.Array, Any, NDArray[np.float64] | None, Any]:
    """Return the array, where the samples of its new grid lie, that grid's affine, and the mode."""
    volume = x if isinstance(x, Volume) else None
    data = volume.data if volume is not None else x
    if backend.is_gpu_array(data):
        backend.require_cuda("x")
    array = validate.kernel_array(data, "x", dtypes)
    if any(n == 0 for n in array.shape) or not 1 <= array.ndim <= 8:
        raise ArgumentError(f"x: got shape {array.shape}, allowed 1 to 8 axes with at least one voxel")
    grid, affine = make_grid(array.shape, volume.affine if volume is not None else None, **ways)
    placed = any(ways.get(name) is not None for name in ("like", "matrix", "transform"))
    return (
        array,
        grid,
        affine,
        validate.boundary(mode or ("fov" if volume is not None and placed else "nearest")),
    )
