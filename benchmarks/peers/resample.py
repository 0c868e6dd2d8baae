# SPDX-License-Identifier: Apache-2.0
"""Cases of interpolation: axis-aligned grids, rotations, displacement fields."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import displacements, noise, rotation, soft_ct

from .case import Build, Call, Case, simpleitk, torch

NAMES = {0: "nearest", 1: "linear", 3: "cubic"}
ITK_NAMES = {
    0: "sitkNearestNeighbor",
    1: "sitkLinear",
    3: "sitkBSpline",
    "lanczos5": "sitkLanczosWindowedSinc",
}


def simpleitk_zoom(x: Any, size: int, order: Any, threads: int) -> Call:
    sitk = simpleitk(threads)
    step = x.shape[0] / size
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([size] * 3)
    resampler.SetOutputSpacing([step] * 3)
    resampler.SetOutputOrigin([(step - 1) / 2] * 3)
    resampler.SetInterpolator(getattr(sitk, ITK_NAMES[order]))
    image = sitk.GetImageFromArray(x)
    return lambda: resampler.Execute(image)


def torch_zoom(x: Any, size: int, threads: int) -> Call:
    interpolate = torch(threads).nn.functional.interpolate
    grid = torch(threads).from_numpy(x)[None, None]
    return lambda: interpolate(grid, size=(size,) * 3, mode="trilinear", align_corners=False)[0, 0]


def imops_zoom(x: Any, threads: int) -> Call:
    import imops

    return lambda: imops.zoom(x, 1.25, order=1, num_threads=threads)


def zoom(n: int, dtype: str, order: int, threads: int) -> Case:
    x, size = noise((n,) * 3, dtype), n * 5 // 4

    def scipy_zoom(a: Any) -> Any:
        return scipy_ndimage.zoom(a, 1.25, order=order, mode="nearest", grid_mode=True)

    peers = {
        "SimpleITK": lambda: simpleitk_zoom(x, size, order, threads),
        "scipy": lambda: lambda: scipy_zoom(x),
    }
    if order == 1 and dtype == "float32":
        peers["torch"] = lambda: torch_zoom(x, size, threads)
        peers["imops"] = lambda: imops_zoom(x, threads)
    return Case(
        size=f"{n}^3 -> {size}^3 {dtype}",
        ours=lambda: vk.resample(x, shape=size, order=order, threads=threads),
        want=lambda: scipy_zoom(x.astype(np.float64)),
        peers=peers,
        moved=x.nbytes + size**3 * x.itemsize,
        tolerance=1e-5 if dtype == "float32" else 3e-4,
    )


def nnunet_ct(shape: tuple[int, ...], size: tuple[int, ...], threads: int) -> Case:
    """As nnU-Net resamples a CT: a cubic spline, clipped to the range of the image."""
    x = soft_ct(shape)

    def skimage_resize() -> Any:
        from skimage.transform import resize

        return resize(x.astype(float), size, 3, mode="edge", clip=True, anti_aliasing=False)

    return Case(
        size=f"{'x'.join(map(str, shape))} -> {'x'.join(map(str, size))} float32",
        ours=lambda: vk.resample(x, shape=size, order=3, clip=True, threads=threads),
        want=skimage_resize,
        peers={"skimage": lambda: skimage_resize},
        moved=x.nbytes + int(np.prod(size)) * 4,
        rounds=2,
    )


def lanczos(n: int, threads: int) -> Case:
    x, size = noise((n,) * 3), n * 5 // 4
    return Case(
        size=f"{n}^3 -> {size}^3 float32",
        ours=lambda: vk.resample(x, shape=size, order="lanczos5", mode="nearest", threads=threads),
        want=lambda: vk.resample(x.astype(np.float64), shape=size, order="lanczos5", mode="nearest"),
        peers={"SimpleITK": lambda: simpleitk_zoom(x, size, "lanczos5", threads)},
        moved=x.nbytes + size**3 * 4,
        rounds=1 if n > 100 else 3,
    )


def rotated(n: int, order: int, threads: int) -> Case:
    x, matrix = noise((n,) * 3), rotation((n,) * 3)
    linear, offset = matrix[:3, :3], matrix[:3, 3]

    def scipy_affine(a: Any) -> Any:
        return scipy_ndimage.affine_transform(a, linear, offset, order=order)

    def by_simpleitk() -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(x)
        transform = sitk.AffineTransform(linear[::-1, ::-1].ravel().tolist(), offset[::-1].tolist())
        interpolator = getattr(sitk, ITK_NAMES[order])
        return lambda: sitk.Resample(image, image, transform, interpolator, 0.0)

    return Case(
        size=f"{n}^3 float32",
        ours=lambda: vk.resample(x, matrix=matrix, order=order, mode="constant", threads=threads),
        want=lambda: scipy_affine(x.astype(np.float64)),
        peers={"SimpleITK": by_simpleitk, "scipy": lambda: lambda: scipy_affine(x)},
        moved=2 * x.nbytes,
    )


def warped(n: int, threads: int) -> Case:
    x, field = noise((n,) * 3), displacements(n)
    points = np.moveaxis(field, -1, 0).astype(np.float64) + np.indices((n,) * 3)

    def by_simpleitk() -> Call:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(x)
        vectors = sitk.GetImageFromArray(np.ascontiguousarray(field[..., ::-1]), isVector=True)
        return lambda: sitk.Warp(image, vectors)

    def by_torch() -> Call:
        grid_sample = torch(threads).nn.functional.grid_sample
        image = torch(threads).from_numpy(x)[None, None]
        unit = np.moveaxis(points[::-1] * (2 / (n - 1)) - 1, 0, -1)[None]
        grid = torch(threads).from_numpy(np.ascontiguousarray(unit.astype(np.float32)))
        return lambda: grid_sample(image, grid, padding_mode="border", align_corners=True)[0, 0]

    return Case(
        size=f"{n}^3 float32, field given",
        ours=lambda: vk.warp(x, field, mode="nearest", threads=threads),
        want=lambda: scipy_ndimage.map_coordinates(x.astype(float), points, order=1, mode="nearest"),
        peers={"SimpleITK": by_simpleitk, "torch": by_torch},
        moved=2 * x.nbytes + field.nbytes,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder; ``slow`` adds what takes SimpleITK minutes."""
    n = 48 if quick else 256
    ct = ((16, 64, 64), (60, 56, 56)) if quick else ((100, 512, 512), (375, 448, 448))
    found: dict[str, Build] = {
        f"resample {NAMES[order]}{' int16' * (dtype == 'int16')}": partial(zoom, n, dtype, order)
        for dtype, order in (("float32", 1), ("float32", 3), ("int16", 1), ("int16", 0))
    }
    found["resample nnU-Net CT"] = partial(nnunet_ct, *ct)
    found["resample Lanczos-5"] = partial(lanczos, 16 if quick else 64)
    if slow:
        found["resample Lanczos-5 large"] = partial(lanczos, n)
    found["rotation linear"] = partial(rotated, n, 1)
    found["rotation cubic"] = partial(rotated, n, 3)
    found["warp linear"] = partial(warped, n)
    return found
