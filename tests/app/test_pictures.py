# SPDX-License-Identifier: Apache-2.0
"""Pictures of planes: which side is where, true proportions; figures, notebooks and widgets."""

import base64
import io
import re

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.pictures import montage, pictures, three_planes

Image = pytest.importorskip("PIL.Image")

# Brighter to the right, to the front and to the top of a patient, in an odd orientation and anisotropic.
SHAPE, SPACING = (20, 16, 24), (1.0, 3.0, 2.0)
RAMPS = 100.0 * np.arange(20)[:, None, None] + 10.0 * np.arange(16)[:, None] + np.arange(24.0)
RAS = vk.Volume(RAMPS.astype(np.float32), np.diag([*SPACING, 1.0]))
ODD = vk.reorient(RAS, "SLP")


@pytest.mark.parametrize("convention", ["neurological", "radiological"])
def test_planes(convention):
    for plane, columns, rows in zip(three_planes(ODD, convention), (0, 0, 1), (1, 2, 2), strict=True):
        turned = convention == "radiological" and columns == 0
        sides = "PA" if columns else "RL" if turned else "LR"
        assert plane.letters == sides + ("SI" if rows == 2 else "AP")
        grows = plane.pixels[0, -1] > plane.pixels[0, 0]
        assert grows != turned and plane.pixels[0, 0] > plane.pixels[-1, 0]
        assert plane.pixels.shape == (SHAPE[rows], SHAPE[columns])
        assert (plane.width, plane.height) == (SHAPE[columns] * SPACING[columns], SHAPE[rows] * SPACING[rows])


def test_pictures_have_one_scale_letters_and_a_ruler():
    planes = three_planes(ODD)  # 20 x 48, 20 x 48 and 48 x 48 mm
    axial, *others = pictures(planes, (0, 1e6), pixels=240)  # all of it dark but the marks
    assert {image.size for image in (axial, *others)} == {(240, 240)}
    marks = (np.asarray(axial) > 150).all(-1)
    assert marks[:40, 105:135].any() and marks[-40:, 105:135].any()  # A and P
    assert marks[100:140, :20].any() and marks[100:140, -20:].any()  # L and R
    bar = max(len(run) for row in marks[225:240] for run in "".join(map(str, row.astype(int))).split("0"))
    assert bar == pytest.approx(10 * 240 / 48, abs=2)  # 10 mm
    for plane, image in zip(planes, pictures(planes, (-1, 0), pixels=240), strict=True):  # all of it bright
        middle = (np.asarray(image)[:, :, 1] > 150)[70:90]  # between the letters
        assert middle.mean() == pytest.approx(plane.width / 48, abs=0.02)
    sheet = montage([[axial, axial], [axial]], ["before", "after"])
    assert sheet.width > 2 * axial.width and sheet.height > 2 * axial.height


def test_pictures_are_black_outside_a_mask():
    right = ODD.with_data((ODD.data >= 1000).astype(np.uint8))
    axial = np.asarray(pictures(three_planes(ODD), (-1, 0), pixels=240, inside=three_planes(right))[0])
    assert (axial[70:90, 72:105] == 0).all() and (axial[70:90, 135:165] > 150).all()


def test_notebook_shows_geometry_and_planes():
    html = ODD._repr_html_()
    for text in ("24 x 20 x 16", "2 x 1 x 3 mm", "SLP", "float32"):
        assert text in html
    content = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    assert Image.open(io.BytesIO(content)).size[0] > 200
    assert "<img" in vk.Volume(np.ones((3, 3, 3, 2), bool), np.eye(4))._repr_html_()
    for data in (np.zeros((0, 3, 3)), np.ones((3, 3, 3), np.complex64)):
        assert "<img" not in vk.Volume(data, np.eye(4))._repr_html_()


def test_plot():
    Figure = pytest.importorskip("matplotlib.figure").Figure
    labels = ODD.with_data((ODD.data > 1500).astype(np.uint8))
    figure = vk.plot(ODD, labels=labels, window=(0, 2000), convention="radiological", figure=Figure())
    assert len(figure.axes) == 3
    for axes, plane, outlined in zip(
        figure.axes, three_planes(ODD, "radiological"), three_planes(labels, "radiological"), strict=True
    ):
        (shown,) = axes.images
        np.testing.assert_array_equal(shown.get_array(), plane.pixels)
        assert shown.get_clim() == (0, 2000) and shown.get_extent() == [0, plane.width, 0, plane.height]
        assert "".join(text.get_text() for text in axes.texts) == plane.letters
        points = [p for c in axes.collections for path in c.get_paths() for p in path.vertices]
        if outlined.pixels.min() == outlined.pixels.max():
            continue
        # An outline is where the label begins: between columns that differ.
        step = plane.width / plane.pixels.shape[1]
        change = np.nonzero(np.diff(outlined.pixels.astype(int).mean(0)))[0]
        across = np.array(points)[:, 0] / step - 1
        assert change.min() - 1 <= across.min() and across.max() <= change.max() + 1


def test_plot_makes_a_figure_by_itself():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = vk.plot(RAS)
    assert figure.number in pyplot.get_fignums()
    pyplot.close(figure)


def test_widget():
    pytest.importorskip("ipyniivue")
    widget = ODD.widget()
    (shown,) = widget.volumes
    assert shown.name == "volume.nii.gz" and shown.cal_min < shown.cal_max


CASES = [
    ("figure", vk.ArgumentTypeError, lambda: vk.plot(ODD, figure=3)),
    ("volume", vk.ArgumentTypeError, lambda: vk.plot(RAS.data)),
    ("labels", vk.ArgumentTypeError, lambda: vk.plot(RAS, labels=RAS)),
    ("labels", vk.ArgumentError, lambda: vk.plot(RAS, labels=ODD.with_data(ODD.data > 3))),
    ("window", vk.ArgumentError, lambda: vk.plot(RAS, window=(1, 1))),
    ("convention", vk.ArgumentError, lambda: vk.plot(RAS, convention="left")),
]


@pytest.mark.parametrize(("name", "kind", "call"), CASES)
def test_bad_arguments(name, kind, call):
    with pytest.raises(kind, match=f"^{name}: "):
        call()
