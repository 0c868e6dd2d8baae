# SPDX-License-Identifier: Apache-2.0
"""Pictures of volumes: three planes in millimetres with letters and a scale, drawn by Pillow."""

from __future__ import annotations

import base64
import colorsys
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ops.intensity import window_to_uint8
from .._ops.measure import percentiles
from .._runtime.errors import ArgumentError, ArgumentTypeError, MissingPackageError, shown
from .._runtime.images import as_volume
from .._runtime.optional import import_or_explain
from .._runtime.validate import number
from .._space.volume import Volume, reorient

CONVENTIONS = ("neurological", "radiological")
Window = tuple[float, float]

GREY = ((0, 0, 0), (255, 255, 255))
DIVERGING = ((59, 76, 192), (221, 221, 221), (180, 4, 38))  # a field: below one, one, above one

_PIXELS = 360  # along the wider side of a plane: readable at half a page, sharp on dense screens
_MARK = (255, 255, 255)
_SCALE_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Plane:
    """A slice as it is looked at: rows from top to bottom, with what its sides are called.

    Attributes
    ----------
    name : str
        axial, coronal or sagittal.
    pixels : (rows, columns) ndarray
        Voxels, not interpolated.
    width, height : float
        Millimetres.
    letters : str
        Left, right, top and bottom side: R/L, A/P, S/I.
    at : str
        Where it is, in words.
    """

    name: str
    pixels: NDArray[Any]
    width: float
    height: float
    letters: str
    at: str


def checked_image(x: Any, name: str, *, whole: bool = False) -> Volume:
    """Return a Volume of real numbers, or of whole ones."""
    image = as_volume(x)
    if not isinstance(image, Volume):
        raise ArgumentTypeError(f"{name}: got {type(x).__name__}, allowed a Volume")
    if image.dtype.kind not in ("biu" if whole else "biuf"):
        raise ArgumentTypeError(
            f"{name}: got dtype {image.dtype}, allowed bool, integers{'' if whole else ' and floats'}"
        )
    if 0 in image.shape:
        raise ArgumentError(f"{name}: got shape {image.shape}, allowed one voxel or more")
    return image


def checked_window(given: Any, name: str) -> Window | None:
    """Return two finite numbers, the first below the second, or None."""
    if given is None:
        return None
    try:
        low, high = (number(value, name) for value in given)
    except (TypeError, ValueError) as error:
        if isinstance(error, ArgumentTypeError):
            raise
        raise ArgumentError(f"{name}: got {shown(given)}, allowed two numbers") from None
    if not (np.isfinite((low, high)).all() and low < high):
        raise ArgumentError(f"{name}: got {shown(given)}, allowed finite numbers, the first below the second")
    return low, high


def label_colour(k: int) -> tuple[int, int, int]:
    """Return the colour of the k-th label: hues by the golden angle, so that neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(k * 0.618034 % 1, 0.65 + 0.2 * (k % 2), 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def first_of(volume: Volume) -> Volume:
    """Return the first index of the axes after the third: a time point, echo or channel."""
    return volume[(..., *[0] * (volume.ndim - 3))] if volume.ndim > 3 else volume


def three_planes(volume: Volume, convention: str = "neurological") -> list[Plane]:
    """Return the middle slices of a volume, of its first time point, echo or channel."""
    standard = reorient(first_of(volume), "RAS")
    shape, spacing = standard.shape, standard.spacing
    middle = [n // 2 for n in shape]
    centre = standard.affine @ [*middle, 1.0]
    found = []
    for name, across, letters in (("axial", 2, "LRAP"), ("coronal", 1, "LRSI"), ("sagittal", 0, "PASI")):
        columns, rows = (axis for axis in range(3) if axis != across)
        place = [slice(None)] * 3
        place[across] = slice(middle[across], middle[across] + 1)
        # Of a volume on a GPU no more than the plane is fetched.
        pixels = np.asarray(standard[tuple(place)]).squeeze(across).T[::-1]
        if convention == "radiological" and columns == 0:
            pixels, letters = pixels[:, ::-1], letters[1] + letters[0] + letters[2:]
        at = f"{'xyz'[across]} = {centre[across]:.0f} mm"
        width, height = shape[columns] * spacing[columns], shape[rows] * spacing[rows]
        found.append(Plane(name, pixels, width, height, letters, at))
    return found


def grey_window(volume: Volume) -> Window:
    """Return from where to where the greys of a picture go: most of the values of every eighth voxel."""
    sample = np.ascontiguousarray(np.asarray(volume[::2, ::2, ::2]))
    inside = np.isfinite(sample) if sample.dtype.kind == "f" else None
    if inside is not None and not inside.any():
        return 0.0, 1.0
    low, high = percentiles(sample, (1.0, 99.7), inside).tolist()
    return low, high if high > low else low + 1.0


def pictures(
    planes: Sequence[Plane],
    window: Window,
    colours: Sequence[tuple[int, int, int]] = GREY,
    pixels: int = _PIXELS,
    inside: Sequence[Plane] | None = None,
) -> list[Any]:
    """Return planes as Pillow images: squares at one scale, with letters and a ruler, black around.

    What is not ``inside``, planes of a mask, is black, too.
    """
    pil = import_or_explain("PIL.Image", "report")
    ramp = np.linspace(0, len(colours) - 1, 256)
    table = np.stack([np.interp(ramp, range(len(colours)), c) for c in zip(*colours, strict=True)], axis=1)
    shades = np.rint(table).astype(np.uint8)
    per_mm = pixels / max(max(plane.width, plane.height) for plane in planes)
    found = []
    for k, plane in enumerate(planes):
        coloured = shades[window_to_uint8(np.ascontiguousarray(plane.pixels), *window)]
        if inside is not None:
            coloured[inside[k].pixels == 0] = 0
        size = (max(round(plane.width * per_mm), 1), max(round(plane.height * per_mm), 1))
        image = pil.new("RGB", (pixels, pixels))
        place = ((pixels - size[0]) // 2, (pixels - size[1]) // 2)
        image.paste(pil.fromarray(coloured).resize(size, pil.Resampling.BICUBIC), place)
        _mark(image, plane.letters, per_mm)
        found.append(image)
    return found


def _mark(image: Any, letters: str, per_mm: float) -> None:
    draw = import_or_explain("PIL.ImageDraw", "report").Draw(image)
    width, height = image.size
    pen: dict[str, Any] = {
        "fill": _MARK,
        "stroke_fill": (0, 0, 0),
        "stroke_width": 2,
        "font_size": max(width // 20, 11),
    }
    places = (
        (4, height / 2, "lm"),
        (width - 4, height / 2, "rm"),
        (width / 2, 4, "ma"),
        (width / 2, height - 4, "md"),
    )
    for (x, y, anchor), letter in zip(places, letters, strict=True):
        draw.text((x, y), letter, anchor=anchor, **pen)
    length = max((mm for mm in _SCALE_LENGTHS if mm * per_mm <= width / 3), default=_SCALE_LENGTHS[0])
    start, end, y = width - 8 - length * per_mm, width - 8, height - 8
    draw.line([(start, y), (end, y)], fill=(0, 0, 0), width=5)
    draw.line([(start, y), (end, y)], fill=_MARK, width=2)
    draw.text((end, y - 5), f"{length} mm", anchor="rd", **pen)


def montage(rows: Sequence[Sequence[Any]], titles: Sequence[str] = ()) -> Any:
    """Return one image of rows of images on black, each row under its title."""
    pil = import_or_explain("PIL.Image", "report")
    draw_on = import_or_explain("PIL.ImageDraw", "report").Draw
    gap, above = 6, 28 if titles else 0
    heights = [max(image.height for image in row) + gap + above for row in rows]
    width = max(sum(image.width + gap for image in row) for row in rows) + gap
    sheet = pil.new("RGB", (width, sum(heights) + gap))
    y = gap
    for k, (row, height) in enumerate(zip(rows, heights, strict=True)):
        if titles:
            draw_on(sheet).text((gap, y), titles[k], fill=_MARK, font_size=18)
        x = gap
        for image in row:
            sheet.paste(image, (x, y + above))
            x += image.width + gap
        y += height
    return sheet


def png(image: Any) -> bytes:
    """Return the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def data_url(image: Any) -> str:
    """Return an image as an address that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def notebook_html(volume: Volume) -> str:
    """Return what a notebook shows of a volume: its geometry, and its planes where Pillow is installed."""
    rows = {
        "shape": " x ".join(map(str, volume.shape)),
        "spacing": " x ".join(f"{step:.4g}" for step in volume.spacing) + " mm",
        "orientation": volume.orientation,
        "origin": ", ".join(f"{x:.2f}" for x in volume.origin) + " mm (RAS+)",
        "dtype": str(volume.dtype),
    }
    cells = "".join(f"<tr><th scope='row'>{name}</th><td>{text}</td></tr>" for name, text in rows.items())
    return f"<div><table>{cells}</table>{_small_picture(volume)}</div>"


def _small_picture(volume: Volume) -> str:
    if volume.dtype.kind not in "biuf" or 0 in volume.shape:
        return ""
    window = grey_window(volume)
    try:
        images = pictures(three_planes(volume), window, pixels=160)
    except MissingPackageError:
        return ""
    alt = "Axial, coronal and sagittal middle planes; the patient's right is on the right."
    return f'<img alt="{alt}" src="{data_url(montage([images]))}">'
