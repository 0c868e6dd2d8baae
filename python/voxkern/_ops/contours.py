# SPDX-License-Identifier: Apache-2.0
"""Outlines of labels, slice by slice, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._runtime.validate import LABEL_DTYPES, normalize_axes, whole_number
from .gaussian import spacing_of
from .label_statistics import label_statistics


@dataclass(frozen=True, eq=False)
class Contour:
    """One closed outline, as `contours` finds them.

    Attributes
    ----------
    label : int
        Which label it is of.
    index : int
        The slice it is in: the index along the axis that was asked for.
    points : (n, 3) ndarray
        ``float64``; RAS+ millimetres where the labels were a Volume, index times spacing where they were an
        array. The last point is the first one. Outlines of holes run the other way round.
    """

    label: int
    index: int
    points: NDArray[np.float64]


@documented
def contours(labels: Any, axis: int = 0, *, spacing: Any = None, threads: int | None = None) -> list[Contour]:
    """Outline every label in every slice, in millimetres.

    By scikit-image, the ``surface`` extra.

    Parameters
    ----------
    labels : Volume or array_like
        Three axes, bool or integer; all labels but 0 are outlined.
    axis : int
        The slices follow each other along this axis.
    {image_spacing}
    {threads}

    Returns
    -------
    list of Contour
        By label, slice and place. Their points lie midway between voxels of the label and others, at the
        image's border half a voxel outside. Voxels that share a corner alone have outlines of their own.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Another number of axes, labels that are no integers.
    MissingPackageError
        The ``surface`` extra is not installed.

    Notes
    -----
    A DICOM RTSTRUCT of them is written by the example ``rtstruct.py`` of the documentation: no maintained
    library under a permissive licence makes one. It runs on the CPU alone.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> labels = np.zeros((2, 3, 3), np.uint8)
    >>> labels[1, 1, 1] = 7
    >>> (outline,) = vk.contours(labels, spacing=(5.0, 2.0, 2.0))
    >>> outline.label, outline.index
    (7, 1)
    >>> outline.points[:2]
    array([[5., 3., 2.],
           [5., 2., 1.]])
    """
    call = Call("contours", threads=threads)
    x = call.enter(labels, "labels", LABEL_DTYPES)
    if x.ndim != 3:
        raise ArgumentError(f"labels: got {x.ndim} axes, allowed three")
    (across,) = normalize_axes(whole_number(axis, "axis"), 3, "axis")
    steps = spacing_of(call, x, spacing)
    find = import_or_explain("skimage.measure", "surface").find_contours
    affine = np.diag([*steps, 1.0]) if call.affine is None else call.affine
    found = []
    table = label_statistics(x, threads=threads)
    for label, box in zip(table.label.tolist(), table.slices(), strict=True):
        assert box is not None  # every label occurs
        corner = np.array([part.start for part in box])
        for k, plane in enumerate(np.moveaxis(x[box] == label, across, 0)):
            for outline in find(np.pad(plane, 1).astype(np.float32), 0.5):
                at = np.insert(outline - 1, across, k, axis=1) + corner
                points = at @ affine[:3, :3].T + affine[:3, 3]
                found.append(Contour(label, int(corner[across]) + k, points))
    return found
