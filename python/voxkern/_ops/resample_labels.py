# SPDX-License-Identifier: Apache-2.0
"""``resample_labels`` and ``resample_argmax``: segmentations on another grid, without a volume per class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack, get_args, overload

import numpy as np
from numpy.typing import NDArray

from .._core import LabelOptions, LabelRule
from .._runtime import validate
from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.texts import documented
from .._runtime.validate import LABEL_DTYPES, SAMPLED_DTYPES, Array
from .._runtime.words import Convention, ResampleRule, SampleMode, ShapeRule
from .._space.grid import AlignedGrid, ObliqueGrid, make_grid
from .._space.kinds import AlignedGridSettings, GridSettings, Image

RULES: tuple[str, ...] = get_args(ResampleRule)


class _LabelSettings(GridSettings, total=False):
    rule: ResampleRule
    cval: int
    sigma: float
    alpha: float


@overload
def resample_labels(x: Image, **settings: Unpack[_LabelSettings]) -> Image: ...
@overload
def resample_labels(x: Any, **settings: Unpack[_LabelSettings]) -> Any: ...
@documented
def resample_labels(
    x: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    affine: Any = None,
    like: Any = None,
    matrix: Any = None,
    rule: ResampleRule = "argmax",
    mode: SampleMode | None = None,
    cval: int = 0,
    sigma: float = 1.0,
    alpha: float = 1.0,
    convention: Convention | None = None,
    shape_rule: ShapeRule = "round",
    transform: Any = None,
    axes: int | Iterable[int] | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Bring a label map onto another grid; labels are chosen, never mixed.

    Parameters
    ----------
    x : Volume or array_like
        Bool or integers of any size, any labels, any memory order.
    {spacing}
    {shape}
    {affine}
    {like}
    {matrix}
    rule : {"argmax", "half", "nearest", "gaussian"}
        ``argmax``: the label with the highest linearly interpolated indicator; where several share it, the
        nearest voxel's if it is among them, else the lowest (nnU-Net with batchgenerators 0.25.5).
        ``half``: the highest label whose indicator is at least a half, else 0 (nnU-Net before that).
        ``nearest``: the nearest voxel's. ``gaussian``: the label with the most of a Gaussian's weight (ITK's
        LabelImageGaussianInterpolateImageFunction).
    {mode}
    cval : int
        Label of what lies outside, for ``constant``, ``grid-constant`` and ``fov``.
    sigma, alpha : float
        Of ``gaussian``: standard deviation in voxels of ``x``, and where it is cut off, in sigmas. ANTs takes
        alpha 4. What is left has at most 15 voxels along an axis and 1024 in all.
    {convention}
    {shape_rule}
    {transform}
        Not one that bends.
    {spatial_axes}
    out : array, optional
        Where to write; exact shape, the dtype of ``x``, no memory shared with it.
    {threads}

    Returns
    -------
    Volume or array
        The kind and dtype of ``x``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    Extra memory: a byte per voxel of a row.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> vk.resample_labels(np.array([0, 0, 7, 7, 3]), shape=10)
    array([0, 0, 0, 0, 7, 7, 7, 7, 3, 3])
    """
    validate.word(rule, "rule", RULES)
    sigma, alpha = validate.number(sigma, "sigma"), validate.number(alpha, "alpha")
    if not (sigma > 0 and alpha > 0):
        raise ArgumentError(f"sigma, alpha: got {sigma}, {alpha}, allowed numbers above zero")
    call = Call("resample_labels", "resample_labels", "warp_labels", threads=threads)
    source = call.enter(x, "x", LABEL_DTYPES)
    _check_shape(source.shape)
    grid, grid_affine, usual_mode = make_grid(
        source.shape,
        call.affine,
        spacing=spacing,
        shape=shape,
        affine=affine,
        like=like,
        matrix=matrix,
        axes=axes,
        convention=convention,
        shape_rule=shape_rule,
        transform=transform,
    )
    boundary = validate.boundary(usual_mode if mode is None else mode)
    cval = validate.whole_number(cval, "cval")
    low, high = (
        (0, 1) if source.dtype == np.bool_ else (np.iinfo(source.dtype).min, np.iinfo(source.dtype).max)
    )
    if not max(low, -(2**63)) <= cval <= min(high, 2**63 - 1):
        raise ArgumentError(f"cval: got {cval}, allowed a label of {source.dtype}")
    options = LabelOptions(
        rule=LabelRule[rule], mode=boundary, cval=cval, sigma=[sigma] * source.ndim, alpha=alpha
    )
    if isinstance(grid, AlignedGrid):
        source = source.transpose(grid.source_axes)
        kernel = "resample_labels"
        where: tuple[Any, ...] = (list(grid.coordinates),)
    else:
        kernel = "warp_labels"
        where = _linear_map(grid, source.ndim)
    values = call.output(out, grid.shape, source)
    if values.dtype != source.dtype:
        raise ArgumentError(f"out: got dtype {values.dtype}, allowed {source.dtype}")
    call.run(kernel, source, values, *where, options)
    return call.leave(values, grid_affine)


def _linear_map(grid: ObliqueGrid, ndim: int) -> tuple[Array, Array]:
    """Return offset and matrix of a grid's map over all axes."""
    if grid.field is not None:
        raise ArgumentError("transform: got one that bends, allowed linear ones")
    matrix, offset = np.eye(ndim), np.zeros(ndim)
    moved = len(grid.offset)
    matrix[:moved, :moved], offset[:moved] = grid.matrix, grid.offset
    return offset, matrix


def _check_shape(shape: tuple[int, ...]) -> None:
    if any(n == 0 for n in shape) or not 1 <= len(shape) <= 8:
        raise ArgumentError(f"x: got shape {shape}, allowed 1 to 8 axes with at least one voxel")


@overload
def resample_argmax(logits: Image, **settings: Unpack[AlignedGridSettings]) -> Image: ...
@overload
def resample_argmax(logits: Any, **settings: Unpack[AlignedGridSettings]) -> Any: ...
@documented
def resample_argmax(
    logits: Any,
    *,
    spacing: Any = None,
    shape: Any = None,
    affine: Any = None,
    like: Any = None,
    mode: SampleMode | None = None,
    convention: Convention | None = None,
    shape_rule: ShapeRule = "round",
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> Any:
    """Interpolate class scores linearly and keep the number of the highest, without a volume per class.

    Parameters
    ----------
    logits : Volume or array_like
        An array (classes, ...) with 1 to 3 spatial axes, or a Volume with classes along its fourth. float16
        and ``float32``; other real numbers are read as float32.
    {spacing}
    shape : int or sequence, optional
        Voxels wanted along the spatial axes.
    {affine}
    {like}
        The axes of this grid and that of ``affine`` run along those of the scores.
    {mode}
    {convention}
    {shape_rule}
    out : array, optional
        Where to write; exact shape, a dtype that holds the numbers of all classes.
    {threads}

    Returns
    -------
    Volume or array
        Class numbers, of equal scores the lowest, and 0 outside: uint8 up to 256 classes, else uint16 (uint32
        beyond 65536).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For anything the descriptions above do not allow.

    Notes
    -----
    A NaN never wins, except in class 0, which then always does. Extra memory: four rows per thread.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> scores = np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 2.0]], np.float32)
    >>> vk.resample_argmax(scores, shape=6)
    array([0, 0, 0, 1, 1, 1], dtype=uint8)
    """
    call = Call("resample_argmax", "resample_argmax", threads=threads)
    array = call.enter(logits, "logits", SAMPLED_DTYPES)
    place = call.affine
    if not 2 <= array.ndim <= 4 or array.size == 0 or (place is not None and array.ndim != 4):
        raise ArgumentError(f"logits: got shape {array.shape}, allowed classes and 1 to 3 spatial axes")
    if array.dtype.kind == "c":
        raise ArgumentError(f"logits: got dtype {array.dtype}, allowed real numbers")
    # A Volume has its classes along the fourth axis.
    scores = array if place is None else array.transpose(3, 0, 1, 2)
    grid, grid_affine, usual_mode = make_grid(
        scores.shape[1:],
        place,
        spacing=spacing,
        shape=shape,
        affine=affine,
        like=like,
        convention=convention,
        shape_rule=shape_rule,
    )
    if not isinstance(grid, AlignedGrid):
        name = "like" if affine is None else "affine"
        raise ArgumentError(
            f"{name}: got a grid that is turned against the scores, allowed axes along theirs"
        )
    boundary = validate.boundary(usual_mode if mode is None else mode)
    scores = scores.transpose(0, *(a + 1 for a in grid.source_axes))
    values = call.output(out, grid.shape, scores[0], dtype=_class_dtype(len(scores)), dtypes=LABEL_DTYPES)
    if (1 if values.dtype == np.bool_ else np.iinfo(values.dtype).max) < len(scores) - 1:
        raise ArgumentError(f"out: got dtype {values.dtype}, allowed one that holds {len(scores)} classes")
    call.run("resample_argmax", scores, values, list(grid.coordinates), boundary)
    return call.leave(values, grid_affine)


def _class_dtype(classes: int) -> type[np.unsignedinteger[Any]]:
    return np.uint8 if classes <= 256 else (np.uint16 if classes <= 65536 else np.uint32)
