# SPDX-License-Identifier: Apache-2.0
"""Surfaces as triangles: marching cubes in millimetres, by kept packages; measured and written to files."""

from __future__ import annotations

import gzip
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime.backend import host_array
from .._runtime.call import Call
from .._runtime.errors import ArgumentError
from .._runtime.files import checked_file, writing
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._runtime.validate import REAL_DTYPES, Array, number, whole_number
from .gaussian import checked_sigma, gaussian, spacing_of
from .measure import bounding_box

MESH_SUFFIXES = (".stl", ".ply", ".obj", ".gii", ".mz3")


@dataclass(frozen=True, eq=False, repr=False)
class Surface:
    """Triangles in millimetres, as `surface` finds them.

    Attributes
    ----------
    vertices : (n, 3) ndarray
        ``float32``; RAS+ millimetres where the image was a Volume, index times spacing where it was an array.
    faces : (m, 3) ndarray
        ``int32``; rows of ``vertices``, counter-clockwise seen from outside.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> cube = np.zeros((5, 5, 5), bool)
    >>> cube[1:4, 1:4, 1:4] = True
    >>> vk.surface(cube, spacing=2.0)
    Surface(vertices=54, faces=104, area=170.8 mm2, volume=185.3 mm3)
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]

    def __post_init__(self) -> None:
        points = host_array(self.vertices, "vertices", np.float32)
        rows = host_array(self.faces, "faces", np.int32)
        if points.shape != (len(points), 3) or rows.shape != (len(rows), 3):
            raise ArgumentError(
                f"vertices, faces: got shapes {points.shape} and {rows.shape}, allowed (n, 3) and (m, 3)"
            )
        if rows.size and not (rows.min() >= 0 and rows.max() < len(points)):
            raise ArgumentError(
                f"faces: got {rows.min()} to {rows.max()}, allowed the rows of {len(points)} vertices"
            )
        object.__setattr__(self, "vertices", points)
        object.__setattr__(self, "faces", rows)

    @property
    def area(self) -> float:
        """Square millimetres."""
        return float(np.linalg.norm(self._normals(), axis=1).sum() / 2)

    @property
    def volume(self) -> float:
        """Cubic millimetres inside; of a closed surface, as those of `surface` are."""
        corners = self.vertices.astype(np.float64)[self.faces[:, 0]]
        return float(np.einsum("ij,ij->", corners, self._normals()) / 6)

    def _normals(self) -> NDArray[np.float64]:
        """Return for each face a vector to the outside, as long as twice its area."""
        a, b, c = self.vertices.astype(np.float64)[self.faces].transpose(1, 0, 2)
        normals: NDArray[np.float64] = np.cross(b - a, c - a)
        return normals

    def __repr__(self) -> str:
        return (
            f"Surface(vertices={len(self.vertices)}, faces={len(self.faces)}, area={self.area:.1f} mm2, "
            f"volume={self.volume:.1f} mm3)"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the surface; complete or not at all.

        Parameters
        ----------
        path : path
            ``.stl``, ``.ply``, ``.obj`` (by trimesh), ``.gii`` (GIfTI, by nibabel) or ``.mz3`` (Surfice's and
            NiiVue's). All hold the vertices as they are; but for GIfTI they do not say that these are RAS+.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        ArgumentError
            For another suffix, or a folder that does not exist.
        """
        target = checked_file(path)
        suffix = target.suffix.lower()
        if suffix not in MESH_SUFFIXES:
            raise ArgumentError(f"path: got {target.name}, allowed {', '.join(MESH_SUFFIXES)}")
        content = self.to_bytes(suffix)
        with writing(target) as temporary:
            temporary.write_bytes(content)
        return target

    def to_bytes(self, suffix: str) -> bytes:
        """Return what a file would hold.

        Parameters
        ----------
        suffix : {".stl", ".ply", ".obj", ".gii", ".mz3"}
            Of the file.

        Returns
        -------
        bytes
            The whole file.
        """
        if suffix == ".mz3":
            return mz3(self.vertices, self.faces)
        if suffix == ".gii":
            return self._gifti()
        mesh = import_or_explain("trimesh", "surface").Trimesh(self.vertices, self.faces, process=False)
        content = mesh.export(file_type=suffix[1:])
        return content.encode() if isinstance(content, str) else bytes(content)

    def _gifti(self) -> bytes:
        nib = import_or_explain("nibabel")
        scanner = nib.nifti1.xform_codes["scanner"]
        placed = nib.gifti.GiftiCoordSystem(scanner, scanner, np.eye(4))
        arrays = [
            nib.gifti.GiftiDataArray(self.vertices, "NIFTI_INTENT_POINTSET", coordsys=placed),
            nib.gifti.GiftiDataArray(self.faces, "NIFTI_INTENT_TRIANGLE"),
        ]
        content: bytes = nib.gifti.GiftiImage(darrays=arrays).to_bytes()
        return content


def mz3(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> bytes:
    """Return a gzipped MZ3 file: magic, which parts there are, their numbers, bytes to skip; the parts."""
    has_faces, has_vertices = 1, 2
    head = struct.pack("<2sHIII", b"MZ", has_faces | has_vertices, len(faces), len(vertices), 0)
    return gzip.compress(head + faces.astype("<i4").tobytes() + vertices.astype("<f4").tobytes(), 6, mtime=0)


@documented
def surface(
    x: Any,
    level: float | None = None,
    *,
    sigma_mm: Any = 0.0,
    faces: int | None = None,
    spacing: Any = None,
    threads: int | None = None,
) -> Surface:
    """Find the surface of a mask, or of all that is above a level, as triangles in millimetres.

    Marching cubes (Lewiner's) by scikit-image, fewer triangles by fast-simplification: the ``surface`` extra.

    Parameters
    ----------
    x : Volume or array_like
        Three axes: bool, integer, float16, float32 or float64, finite.
    level : float, optional
        The surface encloses what is above it. Default: ``x`` is a mask, and what is not zero belongs to it.
    sigma_mm : float or sequence
        Smooth first, by a Gaussian of this standard deviation in millimetres; one value, or one per axis. A
        smoothed mask keeps its volume. The surface of a mask that is not smoothed has the steps of its voxels
        and is 8 % too large, or 19 % where slices are thick; the largest spacing takes the steps away.
    faces : int, optional
        Keep about so many triangles at most, where their loss is seen least (quadric edge collapse).
    {image_spacing}
    {threads}

    Returns
    -------
    Surface
        Triangles, with ``area``, ``volume`` and ``save``. It is closed: what is cut off by the image's border
        ends half a voxel beyond the last centre.

    Raises
    ------
    ArgumentError
        Nothing on one side of the level, NaN or infinity, another number of axes.
    MissingPackageError
        The ``surface`` extra is not installed.

    Notes
    -----
    Extra memory: some 12 bytes per voxel of the box around the surface, and 8 more with ``sigma_mm``.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> z, y, x = np.ogrid[-12:13, -24:25, -24:25]
    >>> distance = vk.Volume(20 - np.sqrt((2.0 * z) ** 2 + y**2 + x**2), np.diag([2.0, 1, 1, 1]))
    >>> ball = vk.surface(distance, level=0.0)
    >>> abs(ball.area / (4 * np.pi * 20**2) - 1) < 0.01
    True
    """
    call = Call("surface", threads=threads)
    image = call.enter(x, "x", REAL_DTYPES)
    if image.ndim != 3:
        raise ArgumentError(f"x: got {image.ndim} axes, allowed three")
    most = None if faces is None else whole_number(faces, "faces")
    if most is not None and most < 4:
        raise ArgumentError(f"faces: got {faces}, allowed 4 or more")
    steps = spacing_of(call, image, spacing)
    sigma = checked_sigma(sigma_mm, steps, zero=True)
    measure = import_or_explain("skimage.measure", "surface")
    simplify = None if most is None else import_or_explain("fast_simplification", "surface")
    field, limit, corner = _field(image, level, sigma, steps, threads)
    vertices, triangles, _, _ = measure.marching_cubes(field, limit, gradient_direction="ascent")
    affine = np.diag([*steps, 1.0]) if call.affine is None else call.affine
    matrix = affine[:3, :3]
    placed = (vertices + corner) @ matrix.T + affine[:3, 3]
    if np.linalg.det(matrix) < 0:
        triangles = triangles[:, ::-1]
    if simplify is not None and most is not None and len(triangles) > most:
        rows = np.ascontiguousarray(triangles, np.int32)
        placed, triangles = simplify.simplify(placed, rows, target_count=most)
    return Surface(placed, triangles)


def _field(
    image: Array, level: float | None, sigma: tuple[float, ...], steps: tuple[float, ...], threads: int | None
) -> tuple[NDArray[np.float32], float, NDArray[np.int64]]:
    """Return the part of an image that its surface needs, the level in it, and the index of its corner."""
    limit = None if level is None else number(level, "level")
    if limit is not None and not math.isfinite(limit):
        raise ArgumentError(f"level: got {level!r}, allowed a finite number")
    margin = [1 + math.ceil(4 * s / step) for s, step in zip(sigma, steps, strict=True)]
    box = bounding_box(image, limit, margin=margin, threads=threads)
    part = image[box] if limit is not None else image[box] != 0
    field = np.ascontiguousarray(part, np.float32)
    if not np.isfinite([field.min(), field.max()]).all():
        raise ArgumentError("x: got NaN or infinity, allowed finite values")
    if any(sigma):
        field = gaussian(field, sigma, spacing=steps, threads=threads)
    if limit is None:
        limit = _level_of_count(field, int(np.count_nonzero(part))) if any(sigma) else 0.5
    # Beyond the border the image is turned about the level: the surface ends on the faces of the voxels.
    padded = np.pad(field, 1, mode="edge")
    rim = np.ones(padded.shape, bool)
    rim[1:-1, 1:-1, 1:-1] = False
    padded[rim] = np.minimum(padded[rim], 2 * np.float32(limit) - padded[rim])
    return padded, limit, np.array([part.start for part in box]) - 1


def _level_of_count(field: NDArray[np.float32], count: int) -> float:
    """Return the level that so many values are above."""
    if count == field.size:
        return 0.5
    last = field.size - count - 1
    below, above = np.partition(field.ravel(), (last, last + 1))[last : last + 2].tolist()
    return float(below + above) / 2
