# SPDX-License-Identifier: Apache-2.0
"""Cases of minimum and maximum filters and of grey morphology: boxes, balls and heights."""

from functools import partial
from typing import Any

import numpy as np
import scipy.ndimage as scipy_ndimage

import voxkern as vk
from benchmarks.phantoms import IMAGES, ZERO_BACKGROUND, Image, masked_head, noise

from .case import Build, Call, Case, simpleitk, size_of

TITLE = "Minima and maxima"


def ball(radius: int) -> Any:
    """Return the voxels within a radius of the middle one."""
    at = np.indices((2 * radius + 1,) * 3) - radius
    return (at**2).sum(0) <= radius**2


def largest_difference(got: Any, want: Any) -> float:
    """Return it as it is: the range of an answer may be nothing."""
    return float(np.max(np.abs(np.asarray(got, np.float64) - want)))


def maximum(image: Image, shape: tuple[int, ...], dtype: str, size: int = 0, radius: int = 0) -> Case:
    """Take the maximum over a box, or over a ball."""
    x = image(shape, dtype)
    window: dict[str, Any] = {"size": size} if size else {"footprint": ball(radius)}

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        kind = sitk.sitkBox if size else sitk.sitkBall
        reach = [size // 2 if size else radius] * x.ndim
        return lambda: sitk.GrayscaleDilate(picture, reach, kind)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.ndimage.maximum_filter(x, **window, threads=threads),
        want=lambda: scipy_ndimage.maximum_filter(x, **window),
        peers={
            "scipy": lambda _: lambda: scipy_ndimage.maximum_filter(x, **window),
            "SimpleITK": by_simpleitk,
        },
        moved=2 * x.nbytes,
        tolerance=0.0,
        error=largest_difference,
    )


def grey(
    name: str, image: Image, shape: tuple[int, ...], dtype: str, by_itk: str = "", **element: Any
) -> Case:
    """Do grey morphology with a box of 5 samples a side, or with another element."""
    x = image(shape, dtype)
    element = element or {"size": 5}

    def by_simpleitk(threads: int) -> Call:
        sitk = simpleitk(threads)
        picture = sitk.GetImageFromArray(x)
        # Without the padding that scipy does not have either. The gradient has no such argument.
        ends = () if by_itk == "MorphologicalGradient" else (False,)
        return lambda: getattr(sitk, by_itk)(picture, [2] * x.ndim, sitk.sitkBox, *ends)

    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: getattr(vk.ndimage, name)(x, **element, threads=threads),
        want=lambda: getattr(scipy_ndimage, name)(x, **element),
        peers={
            "scipy": lambda _: lambda: getattr(scipy_ndimage, name)(x, **element),
            **({"SimpleITK": by_simpleitk} if by_itk else {}),
        },
        moved=2 * x.nbytes,
        tolerance=0.0,
        error=largest_difference,
    )


def paraboloid(radius: int) -> Any:
    """Return heights that fall with the square of the distance from the middle."""
    return -((np.indices((2 * radius + 1,) * 3) - radius) ** 2).sum(0) / 10


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    n = 48 if quick else 256
    plane = 200 if quick else 4096
    found: dict[str, Build] = {
        "maximum 31 of a plane": partial(maximum, noise, (plane,) * 2, "float32", size=31),
    }
    for name, dtype in (("", "float32"), (" of int16", "int16"), (" of uint8", "uint8")):
        for size in (7, 31):
            found[f"maximum {size}{name}"] = partial(maximum, noise, (n,) * 3, dtype, size=size)
        found[f"maximum in a ball{name}"] = partial(maximum, noise, (n,) * 3, dtype, radius=3)
    for size in (7, 31):
        found[f"maximum {size}{ZERO_BACKGROUND}"] = partial(
            maximum, masked_head, (n,) * 3, "float32", size=size
        )
    for name, by_itk in (
        ("grey_closing", "GrayscaleMorphologicalClosing"),
        ("white_tophat", "WhiteTopHat"),
        ("morphological_gradient", "MorphologicalGradient"),
    ):
        for background, image in IMAGES.items():
            found[f"{name.replace('_', ' ')} 5{background}"] = partial(
                grey, name, image, (n,) * 3, "float32", by_itk
            )
    found["grey closing 5 of uint8"] = partial(
        grey, "grey_closing", noise, (n,) * 3, "uint8", "GrayscaleMorphologicalClosing"
    )
    found["grey dilation 3 with heights"] = partial(
        grey, "grey_dilation", noise, (n // 2,) * 3, "float32", structure=paraboloid(1)
    )
    return found
