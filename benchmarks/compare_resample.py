# SPDX-License-Identifier: Apache-2.0
"""The rows of interpolation in compare_peers.py: axis-aligned, rotated, warped, labels, class scores."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk

N = 256


def noise(dtype: str = "float32", n: int = N) -> Any:
    rng = np.random.default_rng(0)
    if dtype == "float32":
        return rng.random((n,) * 3, np.float32)
    return rng.integers(0, 2000, (n,) * 3).astype(dtype)


def simpleitk(threads: int) -> Any:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return sitk


def simpleitk_zoom(x: Any, size: int, name: str, threads: int) -> Any:
    sitk = simpleitk(threads)
    resampler = sitk.ResampleImageFilter()
    step = x.shape[0] / size
    resampler.SetSize([size] * 3)
    resampler.SetOutputSpacing([step] * 3)
    resampler.SetOutputOrigin([(step - 1) / 2] * 3)
    resampler.SetInterpolator(getattr(sitk, name))
    return resampler.Execute(sitk.GetImageFromArray(x))


def torch_zoom(x: Any, threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    grid = torch.from_numpy(x)[None, None]
    return torch.nn.functional.interpolate(grid, size=(320,) * 3, mode="trilinear", align_corners=False)[0, 0]


def imops_zoom(x: Any, threads: int) -> Any:
    import imops

    return imops.zoom(x, 1.25, order=1, num_threads=threads)


def zooms(threads: int) -> list[dict[str, Any]]:
    rows = []
    for dtype, order in (("float32", 1), ("float32", 3), ("int16", 1), ("int16", 0)):
        x = noise(dtype)
        name = ("sitkNearestNeighbor", "sitkLinear", "", "sitkBSpline")[order]

        def scipy_zoom(a: Any, order: int = order) -> Any:
            return scipy_ndimage.zoom(a, 1.25, order=order, mode="nearest", grid_mode=True)

        peers: dict[str, Callable[[], Any]] = {
            "SimpleITK": lambda x=x, name=name: simpleitk_zoom(x, 320, name, threads),
            "scipy": lambda x=x, scipy_zoom=scipy_zoom: scipy_zoom(x),
        }
        if order == 1 and dtype == "float32":
            peers["torch"] = lambda x=x: torch_zoom(x, threads)
            peers["imops"] = lambda x=x: imops_zoom(x, threads)
        rows.append(
            {
                "kernel": f"resample {('nearest', 'linear', '', 'cubic')[order]}",
                "size": f"256^3 -> 320^3 {dtype}",
                "ours": lambda x=x, order=order: vk.resample(x, shape=320, order=order, threads=threads),
                "peers": peers,
                "want": lambda x=x, scipy_zoom=scipy_zoom: scipy_zoom(x.astype(np.float64)),
                "bytes": x.nbytes + 320**3 * x.itemsize,
                "tolerance": 1e-5 if dtype == "float32" else 3e-4,
            }
        )
    return rows


def rotations(threads: int) -> list[dict[str, Any]]:
    x = noise()
    angle = np.deg2rad(15)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    offset = (N - 1) / 2 - turn @ np.full(3, (N - 1) / 2)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, offset

    def itk(name: str) -> Any:
        sitk = simpleitk(threads)
        image = sitk.GetImageFromArray(x)
        back = turn[::-1, ::-1]
        transform = sitk.AffineTransform(back.ravel().tolist(), offset[::-1].tolist())
        return sitk.Resample(image, image, transform, getattr(sitk, name), 0.0)

    def row(order: int, name: str) -> dict[str, Any]:
        def scipy_affine(a: Any) -> Any:
            return scipy_ndimage.affine_transform(a, turn, offset, order=order)

        return {
            "kernel": f"rotation {('', 'linear', '', 'cubic')[order]}",
            "size": "256^3 float32",
            "ours": lambda: vk.resample(x, matrix=matrix, order=order, mode="constant", threads=threads),
            "peers": {"SimpleITK": lambda: itk(name), "scipy": lambda: scipy_affine(x)},
            "want": lambda: scipy_affine(x.astype(np.float64)),
            "bytes": 2 * x.nbytes,
        }

    return [row(1, "sitkLinear"), row(3, "sitkBSpline")]


def windowed_sinc(threads: int, n: int) -> dict[str, Any]:
    x = noise(n=n)
    size = n * 5 // 4
    return {
        "kernel": "resample Lanczos-5",
        "size": f"{n}^3 -> {size}^3 float32",
        "ours": lambda: vk.resample(x, shape=size, order="lanczos5", mode="nearest", threads=threads),
        "peers": {"SimpleITK": lambda: simpleitk_zoom(x, size, "sitkLanczosWindowedSinc", threads)},
        "want": lambda: vk.resample(x.astype(np.float64), shape=size, order="lanczos5", mode="nearest"),
        "bytes": x.nbytes + size**3 * 4,
        "repeats": 1 if n == N else 3,
    }


def nnunet_ct(threads: int) -> dict[str, Any]:
    """As nnU-Net resamples a CT: a cubic spline, clipped to the range of the image."""
    x = scipy_ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1000, (100, 512, 512)), 1)
    x = x.astype(np.float32)
    size = (375, 448, 448)

    def skimage_resize(a: Any) -> Any:
        from skimage.transform import resize

        return resize(a.astype(float), size, 3, mode="edge", clip=True, anti_aliasing=False)

    return {
        "kernel": "resample nnU-Net CT",
        "size": "100x512x512 -> 375x448x448 float32",
        "ours": lambda: vk.resample(x, shape=size, order=3, clip=True, threads=threads),
        "peers": {"skimage": lambda: skimage_resize(x)},
        "want": lambda: skimage_resize(x),
        "bytes": x.nbytes + int(np.prod(size)) * 4,
        "repeats": 2,
    }


def warps(threads: int) -> dict[str, Any]:
    x = noise()
    rng = np.random.default_rng(1)
    field = scipy_ndimage.zoom(rng.normal(0, 4, (8, 8, 8, 3)), (N / 8, N / 8, N / 8, 1), order=1)
    field = field.astype(np.float32)
    points = np.moveaxis(field, -1, 0).astype(np.float64) + np.indices((N,) * 3)
    grid = np.ascontiguousarray(np.moveaxis(points[::-1] * (2 / (N - 1)) - 1, 0, -1)[None].astype(np.float32))
    lps = np.ascontiguousarray(field[..., ::-1])

    def itk() -> Any:
        sitk = simpleitk(threads)
        vectors = sitk.GetImageFromArray(lps, isVector=True)
        return sitk.Warp(sitk.GetImageFromArray(x), vectors)

    def grid_sample() -> Any:
        import torch

        torch.set_num_threads(threads)
        image = torch.from_numpy(x)[None, None]
        place = torch.from_numpy(grid)
        moved = torch.nn.functional.grid_sample(image, place, padding_mode="border", align_corners=True)
        return moved[0, 0]

    return {
        "kernel": "warp linear",
        "size": "256^3 float32, field given",
        "ours": lambda: vk.warp(x, field, mode="nearest", threads=threads),
        "peers": {"SimpleITK": itk, "torch": grid_sample},
        "want": lambda: scipy_ndimage.map_coordinates(x.astype(float), points, order=1, mode="nearest"),
        "bytes": 2 * x.nbytes + field.nbytes,
    }


def organs(shape: tuple[int, ...]) -> Any:
    """Return 24 ellipsoids in a body."""
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    labels = np.zeros(shape, np.uint8)
    for label in range(1, 25):
        (cz, cy, cx), (rz, ry, rx) = rng.uniform(0.15, 0.85, 3) * shape, rng.uniform(0.05, 0.18, 3) * shape
        labels[((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1] = label
    return labels


def label_maps(threads: int) -> dict[str, Any]:
    x = organs((100, 256, 256))
    size = (150, 224, 224)

    def nnunet() -> Any:
        from batchgenerators.augmentations.utils import resize_segmentation

        return resize_segmentation(x, size, order=1)

    return {
        "kernel": "labels, 25 classes",
        "size": "100x256x256 -> 150x224x224 uint8",
        "ours": lambda: vk.resample_labels(x, shape=size, threads=threads),
        "peers": {"batchgenerators (nnU-Net)": nnunet},
        "want": nnunet,
        "bytes": x.nbytes + int(np.prod(size)),
        "tolerance": 0.0,
        "repeats": 2,
    }


def class_scores(threads: int) -> dict[str, Any]:
    x = np.random.default_rng(0).normal(size=(25, 64, 64, 64)).astype(np.float32)

    def torch_argmax() -> Any:
        import torch

        torch.set_num_threads(threads)
        scores = torch.from_numpy(x)[None]
        large = torch.nn.functional.interpolate(scores, size=(128,) * 3, mode="trilinear")
        return large[0].argmax(0)

    return {
        "kernel": "argmax of scores",
        "size": "25 x 64^3 -> 128^3 float32",
        "ours": lambda: vk.resample_argmax(x, shape=(128,) * 3, threads=threads),
        "peers": {"torch": torch_argmax},
        "want": torch_argmax,
        "bytes": x.nbytes + 128**3,
        "tolerance": 0.0,
    }


def cases(threads: int, slow: bool) -> list[dict[str, Any]]:
    """Return the rows; ``slow`` adds those that take SimpleITK minutes."""
    rows = [*zooms(threads), nnunet_ct(threads), windowed_sinc(threads, 64)]
    if slow:
        rows.append(windowed_sinc(threads, N))
    rows += [*rotations(threads), warps(threads), label_maps(threads), class_scores(threads)]
    return rows
