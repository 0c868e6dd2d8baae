# SPDX-License-Identifier: Apache-2.0
"""``plot``: three planes of a volume in a matplotlib figure."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._runtime.images import same_place
from .._runtime.optional import import_or_explain
from .._runtime.texts import documented
from .._runtime.validate import word
from .pictures import (
    CONVENTIONS,
    Plane,
    Window,
    checked_image,
    checked_window,
    grey_window,
    label_colour,
    three_planes,
)


@documented
def plot(
    volume: Any,
    *,
    labels: Any = None,
    window: Window | None = None,
    convention: str = "neurological",
    figure: Any = None,
) -> Any:
    """Draw the three middle planes of a volume in millimetres, with letters and the outlines of labels.

    By matplotlib, the ``plot`` extra.

    Parameters
    ----------
    volume : Volume
        Of any orientation; of further axes the first index is shown.
    labels : Volume, optional
        Bool or integer, on the same grid: each label is outlined in a colour of its own.
    window : (float, float), optional
        Values that become black and white. Default: most of them.
    convention : {"neurological", "radiological"}
        Whether the patient's right is on the right, or on the left.
    figure : matplotlib.figure.Figure, optional
        Where to draw. Default: a new one of ``matplotlib.pyplot``, which notebooks show by themselves.

    Returns
    -------
    matplotlib.figure.Figure
        With three axes, in millimetres from the lower left corner.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        What is no Volume, labels on another grid, a window or convention that there is not.
    MissingPackageError
        The ``plot`` extra is not installed.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> from matplotlib.figure import Figure
    >>> ramp = vk.Volume(np.arange(60.0).reshape(3, 4, 5), np.diag([3.0, 2.0, 1.0, 1.0]))
    >>> figure = vk.plot(ramp, figure=Figure())
    >>> [axes.get_title() for axes in figure.axes]
    ['axial, z = 2 mm', 'coronal, y = 4 mm', 'sagittal, x = 3 mm']
    """
    word(convention, "convention", CONVENTIONS)
    image = checked_image(volume, "volume")
    shades = checked_window(window, "window") or grey_window(image)
    outlined = None if labels is None else checked_image(labels, "labels", whole=True)
    if outlined is not None and (outlined.shape[:3] != image.shape[:3] or not same_place(outlined, image)):
        raise ArgumentError("labels: got another shape or place than the volume's, allowed its grid")
    if figure is not None and not hasattr(figure, "subplots"):
        raise ArgumentTypeError(f"figure: got {type(figure).__name__}, allowed a matplotlib Figure")
    if figure is None:
        pyplot = import_or_explain("matplotlib.pyplot", "plot")
        figure = pyplot.figure(figsize=(11, 4), layout="constrained")
    planes = three_planes(image, convention)
    names = planes if outlined is None else three_planes(outlined, convention)
    for axes, plane, over in zip(figure.subplots(1, 3), planes, names, strict=True):
        extent = (0, plane.width, 0, plane.height)
        axes.imshow(plane.pixels, cmap="gray", vmin=shades[0], vmax=shades[1], extent=extent)
        if outlined is not None:
            _outline(axes, over, extent)
        axes.set_title(f"{plane.name}, {plane.at}", fontsize=10)
        axes.set_xlabel("mm")
        for (x, y), letter in zip(
            ((0.03, 0.5), (0.97, 0.5), (0.5, 0.96), (0.5, 0.04)), plane.letters, strict=True
        ):
            axes.text(x, y, letter, transform=axes.transAxes, color="orange", ha="center", va="center")
    return figure


def _outline(axes: Any, plane: Plane, extent: tuple[float, float, float, float]) -> None:
    for k, label in enumerate(np.unique(plane.pixels[plane.pixels != 0]).tolist()):
        colour = [part / 255 for part in label_colour(k)]
        # With an extent, contour places values at the centres of voxels when origin says where rows start.
        axes.contour(
            (plane.pixels == label).astype(float),
            [0.5],
            colors=[colour],
            extent=extent,
            origin="upper",
            linewidths=1.2,
        )
