# SPDX-License-Identifier: Apache-2.0
"""``view``: one HTML page that shows volumes, labels and surfaces from a file, without a network."""

from __future__ import annotations

import base64
import gzip
import os
import tempfile
import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .._core import __version__
from .._ops.intensity import window as map_window
from .._ops.intensity import window_to_uint8
from .._ops.isosurface import Surface, mz3
from .._ops.label_statistics import LabelStatistics, label_statistics
from .._ops.measure import percentiles
from .._ops.resample import resample
from .._runtime.errors import ArgumentError, ArgumentTypeError, shown
from .._runtime.files import checked_file, writing
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._runtime.validate import whole_number, word
from .._space.volume import Volume
from .niivue import niivue, sha256
from .pictures import (
    CONVENTIONS,
    DIVERGING,
    Window,
    checked_image,
    checked_window,
    data_url,
    first_of,
    grey_window,
    label_colour,
    montage,
    pictures,
    three_planes,
)

_PAGES = Path(__file__).parent / "pages"
_MOST_VOXELS = 1 << 24  # 256^3: what a page of some 10 MB holds, and the memory of a small GPU
_LABEL_INTENT = 1002  # NIfTI: values are names
_SURFACE_COLOURS = ((222, 196, 178), (120, 170, 220), (150, 200, 120), (220, 140, 130))


@documented
def view(
    volume: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    before: Any = None,
    overlay: Any = None,
    labels: Any = None,
    surface: Surface | Iterable[Surface] = (),
    window: Window | None = None,
    overlay_window: Window | None = None,
    colormap: str = "warm",
    convention: str = "neurological",
    bits: int | None = None,
    title: str = "voxkern",
    threads: int | None = None,
) -> Path:
    """Write a page that shows a volume, and open it in a browser where no path is given.

    One HTML file that needs no network: three linked planes with cross-hair, letters and a scale in
    millimetres, a volume that can be turned and cut, surfaces, an overlay with its colour bar, labels with a
    table of measurements, before and after blended or side by side. Where the browser has no WebGL 2 it shows
    a still picture. The viewer is NiiVue, from the package ipyniivue: the ``view`` extra.

    Parameters
    ----------
    volume : Volume
        What to look at, of any orientation; of further axes the first index is shown.
    path : path, optional
        The HTML file to write. Default: one in a new temporary folder, which is opened.
    before : Volume, optional
        An image to compare it with, on any grid.
    overlay : Volume, optional
        Values to lay over it in colours, on any grid. NaN is shown as the lowest.
    labels : Volume, optional
        Integers to lay over it, a colour for each. The names of a DICOM SEG are shown.
    surface : Surface or sequence of Surface
        What `surface` finds.
    window : (float, float), optional
        Values that become black and white, before and after. Default: most of the volume's; ``before`` has
        its own where it holds quite other values.
    overlay_window : (float, float), optional
        Values of the overlay at the ends of its colours; below the first it is transparent.
    colormap : str
        The overlay's colours: diverging (blue, grey, red), or NiiVue's names: warm, hot, viridis, plasma, ...
    convention : {"neurological", "radiological"}
        Whether the patient's right is on the right, or on the left.
    bits : {8, 16}, optional
        How finely values are kept. Default: 16 for CT, else 8, that is 256 greys over 99.9 % of the values.
    title : str
        What stands above it. Nothing else in the page names anybody or any file.
    {threads}

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        What is no Volume; a window, convention or colour map that there is not.
    MissingPackageError
        The ``view`` extra is not installed.

    Notes
    -----
    A volume of more than 2^24 voxels is shown at a lower resolution, and the page says so.

    Examples
    --------
    >>> import numpy as np, tempfile, voxkern as vk
    >>> x = np.arange(-9.0, 10)
    >>> ball = vk.Volume(np.hypot.outer(x, np.hypot.outer(x, x)), np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vk.view(ball, folder + "/ball.html", labels=ball.with_data(ball.data < 5)).name
    'ball.html'
    """
    target = None if path is None else checked_file(path)
    if not isinstance(title, str):
        raise ArgumentTypeError(f"title: got {type(title).__name__}, allowed text")
    viewer = viewer_of(
        volume,
        before=before,
        overlay=overlay,
        labels=labels,
        surface=surface,
        window=window,
        overlay_window=overlay_window,
        colormap=colormap,
        convention=convention,
        bits=bits,
        threads=threads,
    )
    text = page("view.html", title=title, viewer=viewer, on_demand=False, niivue_version=niivue().version)
    if target is not None:
        with writing(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return target
    target = Path(tempfile.mkdtemp(prefix="voxkern-")) / "view.html"
    target.write_text(text, encoding="utf-8")
    webbrowser.open(target.as_uri())
    return target


def page(template: str, viewer: dict[str, Any] | None, **content: Any) -> str:
    """Return a page of one of the templates; its policy lets nothing run or load but what it holds."""
    jinja2 = import_or_explain("jinja2", "report")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_PAGES / "style.css").read_text("utf-8")
    scripts = [] if viewer is None else [sha256(viewer["script"].encode()), niivue().sha256]
    allowed = " ".join(f"'{script}'" for script in scripts) or "'none'"
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed}",
            f"style-src '{sha256(style.encode())}'",
            "img-src data: blob:",
            "connect-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    text: str = environment.get_template(template).render(
        policy=policy, style=style, version=__version__, viewer=viewer, **content
    )
    return text


def viewer_of(
    volume: Any,
    *,
    before: Any = None,
    overlay: Any = None,
    labels: Any = None,
    surface: Surface | Iterable[Surface] = (),
    window: Window | None = None,
    overlay_window: Window | None = None,
    overlay_opacity: float = 0.6,
    colormap: str = "warm",
    convention: str = "neurological",
    bits: int | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Return what the template of the viewer shows."""
    word(convention, "convention", CONVENTIONS)
    if bits is not None and whole_number(bits, "bits") not in (8, 16):
        raise ArgumentError(f"bits: got {bits!r}, allowed 8 or 16")
    surfaces = _surfaces(surface)
    given = {"volume": volume, "before": before, "overlay": overlay, "labels": labels}
    images = {
        role: checked_image(x, role, whole=role == "labels")
        for role, x in given.items()
        if role == "volume" or x is not None
    }
    if not isinstance(colormap, str) or colormap not in {"diverging", *niivue().colormaps}:
        raise ArgumentError(
            f"colormap: got {shown(colormap)}, allowed diverging, warm, hot, viridis, plasma, ... "
            f"({len(niivue().colormaps)} names of NiiVue's)"
        )
    shades = checked_window(window, "window") or grey_window(images["volume"])
    opacity = {"volume": 1.0, "before": 0.0, "overlay": overlay_opacity, "labels": 0.5}
    notes: list[str] = []
    layers: list[dict[str, Any]] = []
    table = None
    for role, image in images.items():
        image = _small(image, role, notes, threads)
        if role == "labels":
            found = label_statistics(
                first_of(images[role]), surface_area=True, longest_diameter=True, threads=threads
            )
            layer, table = _label_layer(image, found)
        else:
            wide = bits or (16 if image.meta.get("modality") == "CT" else 8)
            stored, slope, intercept = _stored(image, role, wide, threads)
            shape = " x ".join(map(str, image.shape))
            steps = f"{256 if wide == 8 else 32768} steps of {slope:.3g} from {intercept:.5g}"
            notes.append(f"{role}: {shape} voxels, {steps}")
            layer = {
                "nifti": _nifti(stored, slope, intercept),
                "window": shades,
                "colormap": "gray",
            }
            if role == "before" and window is None and not _alike(own := grey_window(image), shades):
                layer["window"] = own
                notes.append(f"before: shown from {own[0]:.4g} to {own[1]:.4g}, in a window of its own")
            if role == "overlay":
                ends = checked_window(overlay_window, "overlay_window") or grey_window(image)
                layer |= {"window": ends, "colormap": colormap}
        layer["nifti"] = base64.b64encode(layer["nifti"]).decode()
        layers.append({"role": role, "opacity": opacity[role], **layer})
    still = montage([pictures(three_planes(images["volume"], convention), shades)])
    side = "right" if convention == "neurological" else "left"
    colours = [_SURFACE_COLOURS[k % len(_SURFACE_COLOURS)] for k in range(len(surfaces))]
    return {
        "roles": list(images),
        "opacity": opacity,
        "window": shades,
        "convention": convention,
        "surfaces": [f"surface {k + 1}, {one.area:.0f} mm²" for k, one in enumerate(surfaces)],
        "still": data_url(still),
        "alt": f"Axial, coronal and sagittal middle planes; the patient's right is on the {side}.",
        "table": table,
        "notes": notes,
        "licence": niivue().licence,
        "script": (_PAGES / "viewer.js").read_text("utf-8"),
        "data": {
            "niivue": niivue().script,
            "diverging": {**dict(zip("RGB", zip(*DIVERGING, strict=True), strict=True)), "A": [255] * 3},
            "convention": convention,
            "layers": layers,
            "surfaces": [
                {"mz3": base64.b64encode(mz3(one.vertices, one.faces)).decode(), "colour": colour}
                for one, colour in zip(surfaces, colours, strict=True)
            ],
        },
    }


def _alike(a: Window, b: Window) -> bool:
    """Tell whether two windows are about the same: they share half of the wider one."""
    return min(a[1], b[1]) - max(a[0], b[0]) >= max(a[1] - a[0], b[1] - b[0]) / 2


def _surfaces(given: Any) -> list[Surface]:
    """Return one surface or several as a list."""
    try:
        found = [given] if isinstance(given, Surface) else list(given)
    except TypeError:
        found = [given]
    for one in found:
        if not isinstance(one, Surface):
            raise ArgumentTypeError(f"surface: got {type(one).__name__}, allowed what vk.surface finds")
    return found


def _small(image: Volume, role: str, notes: list[str], threads: int | None) -> Volume:
    """Return the first of further axes, at a resolution that a page can hold."""
    if image.ndim > 3:
        notes.append(f"{role}: the first of {' x '.join(map(str, image.shape[3:]))} is shown")
        image = first_of(image)
    count = int(np.prod(image.shape))
    if count <= _MOST_VOXELS:
        return image
    shape = [max(int(n * (_MOST_VOXELS / count) ** (1 / 3)), 1) for n in image.shape]
    order = "nearest" if role == "labels" else "area"
    small: Volume = resample(image, shape=shape, order=order, threads=threads)
    sizes = (" x ".join(map(str, x.shape)) for x in (small, image))
    notes.append(f"{role}: shown with {' of its '.join(sizes)} voxels")
    return small


def _stored(image: Volume, role: str, bits: int, threads: int | None) -> tuple[Volume, float, float]:
    """Return whole numbers, and what makes values of them again: a slope and an intercept."""
    inside = np.isfinite(np.asarray(image)) if image.dtype.kind == "f" else None
    if inside is not None and not inside.any():
        raise ArgumentError(f"{role}: got NaN and infinity alone, allowed finite values")
    low, high = percentiles(image, (0.05, 99.95), inside, threads=threads).tolist()
    steps = 255 if bits == 8 else 32767
    if image.dtype.kind in "biu" and high - low <= steps:
        low, high = np.floor(low), np.floor(low) + steps  # all whole numbers are kept
    high = high if high > low else low + 1.0
    if bits == 8:
        stored = window_to_uint8(image, low, high, threads=threads)
    else:
        out = np.empty(image.shape, np.int16)
        stored = map_window(image, low, high, output_range=(0, steps), out=out, threads=threads)
        stored = image.with_data(np.asarray(stored))
    return stored, (high - low) / steps, float(low)


def widget(volume: Volume) -> Any:
    """Return what `Volume.widget` does."""
    package = import_or_explain("ipyniivue", "view")
    low, high = grey_window(checked_image(volume, "volume"))
    viewer = package.NiiVue()
    stored = _nifti(*_stored(_small(volume, "volume", [], None), "volume", 16, None))
    viewer.load_volumes([{"data": stored, "name": "volume.nii.gz", "cal_min": low, "cal_max": high}])
    return viewer


def _nifti(image: Volume, slope: float = 1.0, intercept: float = 0.0, intent: int = 0) -> bytes:
    """Return a gzipped NIfTI file without a name in it."""
    header = image.to_nibabel().header
    header["vox_offset"], header["intent_code"] = 352, intent
    header["scl_slope"], header["scl_inter"] = slope, intercept
    content = header.binaryblock + b"\0\0\0\0" + np.asarray(image).tobytes(order="F")
    return gzip.compress(content, 6, mtime=0)


def _label_layer(image: Volume, found: LabelStatistics) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the layer of labels, counted from 1 as colours need it, and the table of their measurements."""
    if len(found) > np.iinfo(np.int16).max:
        raise ArgumentError(f"labels: got {len(found)} of them, allowed {np.iinfo(np.int16).max}")
    known = dict(image.meta.get("segments", ()))
    names = [f"{label} {known[label]}" if label in known else str(label) for label in found.label.tolist()]
    colours = [label_colour(k) for k in range(len(found))]
    data = np.asarray(image).astype(np.int64)
    ranks = np.searchsorted(found.label, data) + 1
    ranks[data == 0] = 0
    stored = image.with_data(ranks.astype(np.uint8 if len(found) < 256 else np.int16))
    red, green, blue = zip((0, 0, 0), *colours, strict=True)
    layer = {
        "nifti": _nifti(stored, intent=_LABEL_INTENT),
        "window": (0, len(found)),
        "colormap": "gray",
        "colours": {"R": red, "G": green, "B": blue, "A": [0, *[255] * len(found)], "labels": ["", *names]},
    }
    return layer, measurements(found, names, colours)


def measurements(
    found: LabelStatistics, names: list[str], colours: list[tuple[int, int, int]]
) -> dict[str, Any]:
    """Return a table of what `label_statistics` found, in words and rounded."""
    area, diameter, centre = found.surface_area, found.longest_diameter, found.centroid_mm
    assert area is not None and diameter is not None and centre is not None
    rows = []
    for k, (name, colour) in enumerate(zip(names, colours, strict=True)):
        where = ", ".join(
            f"{letters[int(v >= 0)]} {abs(v):.1f}"
            for letters, v in zip(("LR", "PA", "IS"), centre[k], strict=True)
        )
        cells = [f"{found.volume[k] / 1000:.3f}", f"{area[k]:.1f}", f"{diameter[k]:.1f}", where]
        rows.append({"name": name, "colour": "#" + bytes(colour).hex(), "cells": cells})
    columns = ["label", "volume, ml", "surface, mm²", "longest diameter, mm", "centre, mm"]
    return {"columns": columns, "rows": rows}
