# SPDX-License-Identifier: Apache-2.0
"""Surfaces and contours in millimetres: a ball of known size, files read back by others, bad arguments."""

import gzip
import math

import numpy as np
import pytest

import voxkern as vk

pytest.importorskip("skimage")
pytest.importorskip("trimesh")
pytest.importorskip("fast_simplification")

RADIUS, CENTRE = 20.0, np.array([-12.0, 31.0, 7.0])
AREA, CONTENT = 4 * math.pi * RADIUS**2, 4 / 3 * math.pi * RADIUS**3
TURNED = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])  # one flip more than a rotation
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.9, 0.7)]


def ball(spacing, matrix=None):
    """Return the distance inside a ball, on a grid of this spacing that is turned and off the centre."""
    linear = (TURNED if matrix is None else matrix) @ np.diag(spacing)
    shape = [math.ceil(52 / step) for step in spacing]
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = CENTRE + 0.3 - linear @ (np.array(shape) - 1) / 2
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(index @ linear.T + affine[:3, 3] - CENTRE, axis=-1)
    return vk.Volume((RADIUS - distance).astype(np.float32), affine)


def assert_is_the_ball(found, area, volume, off):
    assert abs(found.area / AREA - 1) < area
    assert abs(found.volume / CONTENT - 1) < volume  # positive: faces look outwards
    assert np.abs(np.linalg.norm(found.vertices - CENTRE, axis=1) - RADIUS).max() < off


@pytest.mark.parametrize("matrix", [TURNED, -TURNED])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_level_of_a_ball(spacing, matrix):
    found = vk.surface(ball(spacing, matrix), level=0.0)
    assert_is_the_ball(found, 0.01, 0.005, 0.1)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_mask_of_a_ball(spacing):
    volume = ball(spacing)
    mask = volume.with_data(volume.data > 0)
    rough = vk.surface(mask)
    assert_is_the_ball(rough, 0.2, 0.005, max(spacing))
    assert rough.area > 1.04 * AREA  # the steps of the voxels
    smooth = vk.surface(mask, sigma_mm=max(spacing))
    assert_is_the_ball(smooth, 0.01, 0.005, max(spacing) / 2)
    fewer = vk.surface(mask, sigma_mm=max(spacing), faces=3000)
    assert len(fewer.faces) <= 3000 < len(smooth.faces)
    assert_is_the_ball(fewer, 0.01, 0.005, max(spacing) / 2)


def test_array_is_measured_by_its_spacing():
    volume = ball((1.0, 2.0, 2.0))
    found = vk.surface(volume.data, 0.0, spacing=(1.0, 2.0, 2.0))
    assert abs(found.area / AREA - 1) < 0.01 and abs(found.volume / CONTENT - 1) < 0.005
    halves = vk.surface(np.asfortranarray(volume.data)[::-1], 0.0, spacing=0.5)
    assert halves.volume == pytest.approx(found.volume / 32, rel=1e-5)


def test_border_closes_a_surface():
    full = np.ones((3, 4, 5), np.uint8)
    for found in (vk.surface(full), vk.surface(full.astype(np.float32) + 1, level=1.5)):
        assert np.allclose([found.vertices.min(0), found.vertices.max(0)], [[-0.5] * 3, [2.5, 3.5, 4.5]])
        edges = np.sort(found.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".gii", ".mz3"])
def test_files(tmp_path, suffix):
    found = vk.surface(ball((3.0, 2.0, 2.0)), level=0.0)
    path = found.save(tmp_path / f"ball{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if suffix == ".gii":
        points, faces = (array.data for array in pytest.importorskip("nibabel").load(path).darrays)
    elif suffix == ".mz3":
        content = gzip.decompress(path.read_bytes())
        n_faces, n_points = np.frombuffer(content, "<u4", 2, 4)
        assert content[:4] == b"MZ\x03\x00" and content[12:16] == bytes(4)
        faces = np.frombuffer(content, "<i4", 3 * n_faces, 16).reshape(-1, 3)
        points = np.frombuffer(content, "<f4", 3 * n_points, 16 + 12 * int(n_faces)).reshape(-1, 3)
    else:
        mesh = pytest.importorskip("trimesh").load(path, process=False)
        points, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    again = vk.Surface(np.asarray(points, np.float32), np.asarray(faces, np.int32))
    assert len(again.faces) == len(found.faces)
    assert again.volume == pytest.approx(found.volume, rel=1e-4)
    assert again.area == pytest.approx(found.area, rel=1e-4)
    np.testing.assert_allclose(again.vertices.min(0), found.vertices.min(0), atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_contours_of_a_ball(axis):
    spacing = (3.0, 0.9, 0.7)
    volume = ball(spacing)
    found = vk.contours(volume.with_data(np.where(volume.data > 0, 5, 0)), axis)
    normal = volume.direction[:, axis]
    in_plane = max(step for k, step in enumerate(spacing) if k != axis)
    for outline in found:
        assert outline.label == 5
        np.testing.assert_array_equal(outline.points[0], outline.points[-1])
        index = (outline.points - volume.affine[:3, 3]) @ normal / spacing[axis]
        np.testing.assert_allclose(index, outline.index, atol=1e-6)
        height = float((outline.points[0] - CENTRE) @ normal)
        circle = math.sqrt(RADIUS**2 - height**2)
        away = np.linalg.norm(outline.points - CENTRE - height * normal, axis=1) - circle
        if circle > 3 * in_plane:  # a smaller one has few voxels
            assert np.abs(away).max() <= in_plane / 2
    assert len(found) == len({outline.index for outline in found}) > 10


def test_contours_of_holes_borders_and_corners():
    ring = np.zeros((1, 5, 5), np.uint8)
    ring[0, 1:4, 1:4] = 2
    ring[0, 2, 2] = 0
    ring[0, 0, 0] = 9  # touches the ring at a corner, and the border
    outer, inner, corner = vk.contours(ring)
    assert (outer.label, inner.label, corner.label) == (2, 2, 9)

    def area(points):
        a, b = points[:, 1], points[:, 2]
        return float(a[:-1] @ b[1:] - a[1:] @ b[:-1]) / 2

    assert sorted([area(outer.points), area(inner.points)]) == pytest.approx([-8.5, 0.5])
    assert area(corner.points) == pytest.approx(-0.5)
    assert corner.points.min() == -0.5
    assert vk.contours(np.zeros((3, 3, 3), bool)) == []


def test_a_surface_is_inside_out_nowhere_and_says_what_it_is():
    found = vk.surface(np.pad(np.ones((2, 2, 2)), 1), spacing=3)
    assert repr(found).startswith("Surface(vertices=") and "mm2" in repr(found)


VOLUME = vk.Volume(np.zeros((4, 5, 6), np.float32), np.eye(4))
RAMP = np.arange(120.0).reshape(4, 5, 6)
CASES = [
    ("x", vk.ArgumentError, lambda t: vk.surface(VOLUME)),
    ("x", vk.ArgumentError, lambda t: vk.surface(RAMP, 119.0)),
    ("x", vk.ArgumentError, lambda t: vk.surface(RAMP[0], 3.0)),
    ("x", vk.ArgumentError, lambda t: vk.surface(np.where(RAMP == 60, np.nan, RAMP), 50.0)),
    ("x", vk.ArgumentError, lambda t: vk.surface(np.where(RAMP == 60, np.inf, RAMP), 50.0)),
    ("x", vk.ArgumentTypeError, lambda t: vk.surface(RAMP + 1j, 50.0)),
    ("level", vk.ArgumentTypeError, lambda t: vk.surface(RAMP, "otsu")),
    ("level", vk.ArgumentError, lambda t: vk.surface(RAMP, np.nan)),
    ("sigma_mm", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0, sigma_mm=-1)),
    ("faces", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0, faces=3)),
    ("faces", vk.ArgumentTypeError, lambda t: vk.surface(RAMP, 50.0, faces="few")),
    ("spacing", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0, spacing=0)),
    ("spacing", vk.ArgumentError, lambda t: vk.surface(VOLUME, 50.0, spacing=1)),
    ("threads", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0, threads=0)),
    ("path", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0).save(t / "ball.vtk")),
    ("path", vk.ArgumentError, lambda t: vk.surface(RAMP, 50.0).save(t / "none" / "ball.stl")),
    ("path", vk.ArgumentTypeError, lambda t: vk.surface(RAMP, 50.0).save(5)),
    ("vertices, faces", vk.ArgumentError, lambda t: vk.Surface(np.zeros((4, 2)), np.zeros((1, 3), int))),
    ("faces", vk.ArgumentError, lambda t: vk.Surface(np.zeros((4, 3)), np.full((1, 3), 4))),
    ("labels", vk.ArgumentTypeError, lambda t: vk.contours(VOLUME)),
    ("labels", vk.ArgumentError, lambda t: vk.contours(np.ones((3, 3), int))),
    ("axis", vk.ArgumentError, lambda t: vk.contours(np.ones((3, 3, 3), int), 3)),
    ("axis", vk.ArgumentTypeError, lambda t: vk.contours(np.ones((3, 3, 3), int), "z")),
]


@pytest.mark.parametrize(("name", "kind", "call"), CASES)
def test_bad_arguments(tmp_path, name, kind, call):
    with pytest.raises(kind, match=f"^{name}: ") as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []
