# SPDX-License-Identifier: Apache-2.0
"""Cases of interpolation: axis-aligned grids, rotations, displacement fields."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import (
    IMAGES,
    ZERO_BACKGROUND,
    Image,
    displacements,
    masked_head,
    noise,
    rotation,
    soft_ct,
)

from .case import Build, Call, Case, beside, simpleitk, size_of, torch, volresample

TITLE = "Resampling and warping"
NAMES = {0: "nearest", 1: "linear", 3: "cubic"}
ITK_NAMES = {
    0: "sitkNearestNeighbor",
    1: "sitkLinear",
    3: "sitkBSpline",
    "lanczos5": "sitkLanczosWindowedSinc",
}
TORCH_NAMES = {0: "nearest-exact", 1: "trilinear", "area": "area"}


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


def torch_zoom(x: Any, size: int, order: Any, threads: int) -> Call:
    interpolate = torch(threads).nn.functional.interpolate
    grid = torch(threads).from_numpy(x)[None, None]
    return lambda: interpolate(grid, size=(size,) * 3, mode=TORCH_NAMES[order])[0, 0]


def imops_zoom(x: Any, threads: int) -> Call:
    import imops

    return lambda: imops.zoom(x, 1.25, order=1, num_threads=threads)


def volresample_zoom(x: Any, size: int, order: Any, threads: int) -> Call:
    resample, mode = volresample(threads).resample, NAMES.get(order, order)
    return lambda: resample(x, (size,) * 3, mode=mode)


def scipy_zoom(x: Any, size: int, order: int, mode: str = "nearest") -> Any:
    return scipy_ndimage.zoom(x, size / x.shape[0], order=order, mode=mode, grid_mode=True)


def zoom(image: Image, n: int, dtype: str, order: int) -> Case:
    x, size = image((n,) * 3, dtype), n * 5 // 4
    peers = {
        "SimpleITK": lambda threads: simpleitk_zoom(x, size, order, threads),
        "scipy": lambda _: lambda: scipy_zoom(x, size, order),
    }
    if order == 1 and dtype == "float32":
        peers["torch"] = lambda threads: torch_zoom(x, size, order, threads)
        peers["imops"] = lambda threads: imops_zoom(x, threads)
        peers["volresample"] = lambda threads: volresample_zoom(x, size, order, threads)
    return Case(
        size=size_of(x.shape, (size,) * 3, dtype=dtype),
        ours=lambda threads: vk.resample(x, shape=size, order=order, threads=threads),
        want=lambda: scipy_zoom(x.astype(np.float64), size, order),
        peers=peers,
        moved=x.nbytes + size**3 * x.itemsize,
        tolerance=1e-5 if dtype == "float32" else 0.6 / np.ptp(x),  # a rounding to whole numbers
    )


def as_volresample(image: Image, n: int, size: int, order: int) -> Case:
    """Resample as volresample does: its cubic spline reflects at the edges."""
    x, mode = image((n,) * 3), "reflect" if order == 3 else "nearest"
    peers = {
        "volresample": lambda threads: volresample_zoom(x, size, order, threads),
        "scipy": lambda _: lambda: scipy_zoom(x, size, order, mode),
    }
    if order < 3:
        peers["torch"] = lambda threads: torch_zoom(x, size, order, threads)
    return Case(
        size=size_of(x.shape, (size,) * 3, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, shape=size, order=order, mode=mode, threads=threads),
        want=lambda: scipy_zoom(x.astype(np.float64), size, order, mode),
        peers=peers,
        moved=x.nbytes + size**3 * 4,
    )


def area(image: Image, n: int) -> Case:
    """Average blocks of 2 x 2 x 2 voxels."""
    x, half = image((n,) * 3), n // 2
    return Case(
        size=size_of(x.shape, (half,) * 3, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, shape=half, order="area", threads=threads),
        want=lambda: x.astype(np.float64).reshape(half, 2, half, 2, half, 2).mean((1, 3, 5)),
        peers={
            "volresample": lambda threads: volresample_zoom(x, half, "area", threads),
            "torch": lambda threads: torch_zoom(x, half, "area", threads),
        },
        moved=x.nbytes + half**3 * 4,
    )


def antialiased(image: Image, n: int) -> Case:
    """Smooth, then sample linearly: what skimage does by default."""
    x, size = image((n,) * 3), n * 2 // 5

    def skimage_resize(a: Any) -> Any:
        from skimage.transform import resize

        return resize(a, (size,) * 3, 1, mode="edge", anti_aliasing=True)

    def smoothed() -> Any:
        soft = scipy_ndimage.gaussian_filter(x.astype(np.float64), (n / size - 1) / 2, mode="nearest")
        return scipy_zoom(soft, size, 1)

    return Case(
        size=size_of(x.shape, (size,) * 3, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, shape=size, order=1, antialias=True, threads=threads),
        want=smoothed,
        peers={"skimage": lambda _: lambda: skimage_resize(x)},
        moved=x.nbytes + size**3 * 4,
    )


def as_skimage(image: Image, shape: tuple[int, ...], size: tuple[int, ...]) -> Case:
    """Resize in 3-D: a cubic spline, clipped to the range of the image."""
    x = image(shape)

    def skimage_resize(a: Any) -> Any:
        from skimage.transform import resize

        return resize(a, size, 3, mode="edge", clip=True, anti_aliasing=False)

    def by_skimage(_: int) -> Call:
        exact = x.astype(float)
        return lambda: skimage_resize(exact)

    return Case(
        size=size_of(shape, size, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, shape=size, order=3, clip=True, threads=threads),
        want=lambda: skimage_resize(x.astype(float)),
        peers={"skimage": by_skimage},
        moved=x.nbytes + int(np.prod(size)) * 4,
    )


def lanczos_zoom(x: Any, size: int) -> Any:
    """Return the sums of the plain formula in float64, axis by axis: ITK takes minutes."""
    n = x.shape[0]
    at = (np.arange(size) + 0.5) * (n / size) - 0.5
    taps = np.floor(at).astype(int)[:, None] + np.arange(-4, 6)
    distance = at[:, None] - taps
    weights = np.zeros((size, n))
    np.add.at(
        weights,
        (np.arange(size)[:, None], np.clip(taps, 0, n - 1)),
        np.sinc(distance) * np.sinc(distance / 5),
    )
    result = x.astype(np.float64)
    for _ in range(x.ndim):  # each turn takes the first axis and puts it last
        result = np.tensordot(result, weights, (0, 1))
    return result


def lanczos(image: Image, n: int) -> Case:
    x, size = image((n,) * 3), n * 5 // 4
    return Case(
        size=size_of(x.shape, (size,) * 3, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, shape=size, order="lanczos5", mode="nearest", threads=threads),
        want=lambda: lanczos_zoom(x, size),
        peers={"SimpleITK": lambda threads: simpleitk_zoom(x, size, "lanczos5", threads)},
        moved=x.nbytes + size**3 * 4,
    )


def rotated(image: Image, n: int, order: int) -> Case:
    x, matrix = image((n,) * 3), rotation((n,) * 3)
    linear, offset = matrix[:3, :3], matrix[:3, 3]

    def scipy_affine(a: Any) -> Any:
        return scipy_ndimage.affine_transform(a, linear, offset, order=order)

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        transform = sitk.AffineTransform(linear[::-1, ::-1].ravel().tolist(), offset[::-1].tolist())
        interpolator = getattr(sitk, ITK_NAMES[order])
        return lambda: sitk.Resample(picture, picture, transform, interpolator, 0.0)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.resample(x, matrix=matrix, order=order, mode="constant", threads=threads),
        want=lambda: scipy_affine(x.astype(np.float64)),
        peers={"SimpleITK": by_simpleitk, "scipy": lambda _: lambda: scipy_affine(x)},
        moved=2 * x.nbytes,
    )


def unit_grid(points: Any) -> Any:
    """Return (3, n, n, n) sampling points as ``grid_sample`` takes them."""
    unit = np.moveaxis(points[::-1] * (2 / (points.shape[1] - 1)) - 1, 0, -1)[None]
    return np.ascontiguousarray(unit.astype(np.float32))


def sampled_points(field: Any) -> Any:
    """Return the points of a field of displacements, axis first, in float64."""
    return np.moveaxis(field, -1, 0).astype(np.float64) + np.indices(field.shape[:-1])


def warped(image: Image, n: int, order: int) -> Case:
    x, field = image((n,) * 3), displacements(n)
    points = sampled_points(field)

    def scipy_warp(a: Any) -> Any:
        return scipy_ndimage.map_coordinates(a, points, order=order, mode="nearest")

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        vectors = sitk.GetImageFromArray(np.ascontiguousarray(field[..., ::-1]), isVector=True)
        interpolator = getattr(sitk, ITK_NAMES[order])
        return lambda: sitk.Warp(picture, vectors, interpolator)

    def by_torch(threads: int) -> Call:
        grid_sample = torch(threads).nn.functional.grid_sample
        picture, grid = torch(threads).from_numpy(x)[None, None], torch(threads).from_numpy(unit_grid(points))
        return lambda: grid_sample(picture, grid, padding_mode="border", align_corners=True)[0, 0]

    peers = {"SimpleITK": by_simpleitk, "scipy": lambda _: lambda: scipy_warp(x)}
    return Case(
        size=f"{size_of(x.shape, dtype=x.dtype)}, field given",
        ours=lambda threads: vk.warp(x, field, order=order, mode="nearest", threads=threads),
        want=lambda: scipy_warp(x.astype(np.float64)),
        peers=peers | ({"torch": by_torch} if order == 1 else {}),
        moved=2 * x.nbytes + field.nbytes,
    )


def pushed(source: Image, n: int) -> Case:
    """Spread values along a field; held to the adjoint: <image, push(values)> = <warp(image), values>."""
    values, field = source((n,) * 3), displacements(n)
    image = values[::-1].astype(np.float64)

    def by_scipy() -> Any:
        pulled = scipy_ndimage.map_coordinates(image, sampled_points(field), order=1, mode="nearest")
        return np.vdot(pulled, values.astype(np.float64))

    def by_torch(threads: int) -> Call:
        """Return the gradient of ``grid_sample``."""
        backward = torch(threads).ops.aten.grid_sampler_3d_backward
        gradient = torch(threads).from_numpy(values)[None, None]
        grid = torch(threads).from_numpy(unit_grid(sampled_points(field)))
        linear, border, align_corners, wanted = 0, 1, True, [True, False]
        return lambda: backward(gradient, gradient, grid, linear, border, align_corners, wanted)[0][0, 0]

    return Case(
        size=f"{size_of(values.shape, dtype=values.dtype)}, field given",
        ours=lambda threads: vk.push(values, field, mode="nearest", threads=threads),
        want=by_scipy,
        peers={"torch": by_torch},
        result=lambda got: np.vdot(image, np.asarray(got, np.float64)),
        error=lambda got, want: abs(got / want - 1),
        moved=2 * values.nbytes + field.nbytes,
    )


Job = tuple[str, Callable[..., Case], tuple[Any, ...]]


def once(quick: bool, n: int) -> dict[str, Job]:
    """Return name -> the peer kept beside a zero background, what makes the case, and its sizes."""
    edge = 40 if quick else 160  # the images of volresample's own benchmark
    found: dict[str, Job] = {
        "resample linear int16": ("SimpleITK", zoom, (n, "int16", 1)),
        "resample nearest int16": ("SimpleITK", zoom, (n, "int16", 0)),
        "resample Lanczos-5": ("SimpleITK", lanczos, (16 if quick else 64,)),
        "push linear": ("torch", pushed, (n,)),
    }
    for order, name in NAMES.items():
        found[f"downsample {name}"] = ("volresample", as_volresample, (edge, edge // 2, order))
        found[f"upsample {name}"] = ("volresample", as_volresample, (edge, edge * 5 // 4, order))
    found["downsample antialiased"] = ("skimage", antialiased, (n,))
    if "area" in (vk.resample.__doc__ or ""):
        found["downsample area"] = ("volresample", area, (edge,))
    return found


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder; ``slow`` adds what takes SimpleITK minutes."""
    n = 48 if quick else 256
    ct = ((16, 64, 64), (60, 56, 56)) if quick else ((100, 512, 512), (375, 448, 448))
    found: dict[str, Build] = {}
    for background, image in IMAGES.items():
        found[f"resample linear{background}"] = partial(zoom, image, n, "float32", 1)
        found[f"resample cubic{background}"] = partial(zoom, image, n, "float32", 3)
        for order in (1, 3):
            found[f"rotation {NAMES[order]}{background}"] = partial(rotated, image, n, order)
            found[f"warp {NAMES[order]}{background}"] = partial(warped, image, n, order)
    found["resize CT as skimage, order 3"] = partial(as_skimage, soft_ct, *ct)
    part_of_ct = [tuple(edge // 2 for edge in shape) for shape in ct]  # skimage takes seconds
    found[f"resize CT as skimage, order 3{ZERO_BACKGROUND}"] = partial(as_skimage, masked_head, *part_of_ct)
    if slow:
        found["resample Lanczos-5 large"] = partial(lanczos, noise, 20 if quick else n)
    for name, (peer, make, sizes) in once(quick, n).items():
        found[name] = partial(make, noise, *sizes)
        found[name + ZERO_BACKGROUND] = partial(beside, peer, partial(make, masked_head, *sizes))
    return found
