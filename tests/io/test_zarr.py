# SPDX-License-Identifier: Apache-2.0
"""NIfTI-Zarr and OME-Zarr: round trips, stores of others, harm."""

import json

import numpy as np
import pytest

import voxkern as vk

zarr = pytest.importorskip("zarr")
nib = pytest.importorskip("nibabel")

OBLIQUE = np.array([[0.9, 0.1, 0, -10], [-0.09, 1.0, 0, 20], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64", "complex64"])
def test_nifti_zarr_round_trip(rng, tmp_path, dtype):
    v = vk.Volume((rng.random((4, 150, 6)) * 200).astype(dtype), OBLIQUE)
    w = vk.load(vk.save(v, tmp_path / "x.nii.zarr"))
    assert w.dtype == dtype and w.meta["source"] == "nifti"
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (4, 5, 6, 3, 2), (4, 5, 1), (4, 5, 6, 1, 2)])
def test_nifti_zarr_has_the_axes_of_nifti(rng, tmp_path, shape):
    v = vk.Volume(rng.random(shape, dtype=np.float32), OBLIQUE)
    w, nifti = (vk.load(vk.save(v, tmp_path / name)) for name in ("x.nii.zarr", "x.nii"))
    np.testing.assert_array_equal(w.data, nifti.data)
    assert dict(w.meta) == dict(nifti.meta)
    store = zarr.open_group(tmp_path / "x.nii.zarr", mode="r")
    assert store["0"].shape == (*shape[3:], *shape[2::-1]) and store["nifti"].shape == (348,)
    head = nib.Nifti1Header(bytes(store["nifti"][...]), check=True)
    assert head.get_data_shape() == shape


def test_ome_zarr_says_where_its_axes_point(rng, tmp_path):
    """Values are found at the same places of the body, whatever the order and direction of the axes."""
    for letters in ("RAS", "LPS", "SPL", "IAR", "ARI"):
        v = vk.reorient(vk.Volume(rng.random((4, 5, 6)), np.diag([2.0, 0.5, 0.7, 1.0])), letters)
        affine = np.array(v.affine)
        affine[:3, 3] = 10, -20, 30
        v = vk.Volume(v.data, affine)
        w = vk.load(vk.save(v, tmp_path / f"{letters}.ome.zarr"))
        assert w.orientation[0] in "SI" and w.orientation[1] in "AP" and "orientation" not in w.meta
        again = vk.reorient(w, letters)
        np.testing.assert_array_equal(again.data, v.data)
        np.testing.assert_allclose(again.affine, v.affine, atol=1e-12)
    attributes = json.loads((tmp_path / "LPS.ome.zarr" / ".zattrs").read_text())
    image = attributes["multiscales"][0]
    assert [axis["name"] for axis in image["axes"]] == ["z", "y", "x"]
    assert image["axes"][2]["orientation"] == {"type": "anatomical", "value": "right-to-left"}
    assert image["datasets"][0]["coordinateTransformations"][1]["translation"] == [30, 20, -10]


def test_ome_zarr_axes_beside_space(rng, tmp_path):
    meta = {"axes": ("channel", "time"), "axis_values": ((0, 1), (0, 1, 2))}
    v = vk.Volume(
        rng.random((4, 5, 6, 2, 3), dtype=np.float32), np.diag([-2.0, 1, 1, 1])[:, [2, 1, 0, 3]], meta
    )
    w = vk.load(vk.save(v, tmp_path / "x.zarr"))
    assert w.meta["axes"] == ("time", "channel")
    np.testing.assert_array_equal(vk.reorient(w, v.orientation).data, v.data.swapaxes(3, 4))
    assert json.loads((tmp_path / "x.zarr" / "0" / ".zarray").read_text())["shape"] == [3, 2, *w.shape[:3]]


def test_what_zarr_cannot_hold_is_refused(tmp_path):
    oblique = vk.Volume(np.zeros((3, 3, 3)), OBLIQUE)
    six = vk.Volume(np.zeros((2,) * 6), np.eye(4))
    two = vk.Volume(
        np.zeros((2,) * 5), np.eye(4), {"axes": ("echo", "b_value"), "axis_values": ((1, 2), (3, 4))}
    )
    for v, name in ((oblique, "x.ome.zarr"), (six, "x.nii.zarr"), (six, "x.zarr"), (two, "x.zarr")):
        with pytest.raises(vk.ArgumentError, match=r"^volume: got .*allowed"):
            vk.save(v, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def write(path, stored, axes, transforms, version=3, more=(), **array):
    """Write an image as other programs do: a level, transformations of both places."""
    image = {
        "axes": axes,
        "datasets": [{"path": "s0", "coordinateTransformations": transforms}],
        **dict(more),
    }
    attributes = (
        {"ome": {"version": "0.5", "multiscales": [image]}} if version == 3 else {"multiscales": [image]}
    )
    group = zarr.create_group(path, zarr_format=version, attributes=attributes)
    group.create_array("s0", shape=stored.shape, dtype=stored.dtype, chunks=stored.shape, **array)[...] = (
        stored
    )
    return path


def space(names="zyx", unit="micrometer"):
    return [{"name": name, "type": "space", "unit": unit} for name in names]


@pytest.mark.parametrize("version", [2, 3])
def test_microscopy(rng, tmp_path, version):
    stored = rng.integers(0, 999, (2, 4, 5, 6)).astype(np.uint16)
    steps = [
        {"type": "scale", "scale": [1, 2, 1, 1]},
        {"type": "translation", "translation": [0, 10, 20, 30]},
    ]
    whole = [{"type": "scale", "scale": [1, 100, 100, 100]}]
    axes = [{"name": "c", "type": "channel"}, *space()]
    path = write(tmp_path / "x.ome.zarr", stored, axes, steps, version, {"coordinateTransformations": whole})
    v = vk.load(path)
    np.testing.assert_array_equal(v.data, np.moveaxis(stored, 0, -1))
    np.testing.assert_allclose(v.spacing, (0.2, 0.1, 0.1))
    np.testing.assert_allclose(v.origin, (-3, -2, 1))
    assert (
        v.meta["axes"] == ("channel",) and v.meta["orientation"] == "unknown" and v.meta["source"] == "zarr"
    )
    assert vk.load(tmp_path / "x.ome.zarr").shape == vk.load(str(tmp_path / "x.ome.zarr") + "/").shape


def test_a_single_slice_and_a_missing_unit(rng, tmp_path):
    steps = [{"type": "scale", "scale": [2, 3]}]
    path = write(tmp_path / "a.zarr", rng.random((5, 6)), [{"name": "y"}, {"name": "x"}], steps)
    with pytest.warns(UserWarning, match="millimetres were taken"):
        v = vk.load(path)
    assert v.shape == (1, 5, 6) and v.spacing == (1, 2, 3)


class Opened:
    """What a pickle can do."""

    def __reduce__(self):
        return open, ("opened", "w")


def test_a_store_runs_nothing(tmp_path, monkeypatch):
    import pickle

    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "x.zarr", np.zeros((2, 2, 2), "u1"), space(), [], version=2, compressors=None)
    (path / "s0" / "0.0.0").write_bytes(pickle.dumps(Opened()))
    description = json.loads((path / "s0" / ".zarray").read_text())
    for place, codec in (("compressor", {"id": "pickle"}), ("filters", [{"id": "pickle"}])):
        (path / "s0" / ".zarray").write_text(json.dumps({**description, place: codec}))
        with pytest.raises(vk.FileFormatError, match="pickle"):
            vk.load(path)
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("shape", ["shape", "chunks"])
def test_sizes_are_held_before_memory_is_taken(tmp_path, shape):
    path = write(tmp_path / "x.zarr", np.zeros((2, 2, 2), "u1"), space(), [], version=2)
    description = json.loads((path / "s0" / ".zarray").read_text())
    (path / "s0" / ".zarray").write_text(json.dumps({**description, shape: [10**6, 10**6, 100]}))
    with pytest.raises(vk.FileFormatError, match="max_bytes"):
        vk.load(path)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("zarr.json", {"attributes": {}}, "no multiscales"),
        ("zarr.json", {"zarr_format": 9}, "not a readable Zarr"),
        ("s0/zarr.json", {"shape": [2, 2]}, "not a readable Zarr"),
        ("s0/zarr.json", {"data_type": "string"}, "not a readable Zarr"),
        ("s0/zarr.json", {"codecs": [{"name": "numcodecs.pickle"}]}, "not a readable Zarr"),
    ],
)
def test_damaged_stores_are_named(tmp_path, file, change, message):
    path = write(tmp_path / "x.zarr", np.zeros((2, 2, 2), "u1"), space(), [])
    found = json.loads((path / file).read_text())
    (path / file).write_text(json.dumps({**found, **change}))
    with pytest.raises(vk.FileFormatError, match=message):
        vk.load(path)


def test_unknown_axes_and_transformations_are_named(tmp_path):
    with pytest.raises(vk.FileFormatError, match="axes"):
        vk.load(write(tmp_path / "x.zarr", np.zeros((2, 2, 2)), space("wyx"), []))
    with pytest.raises(vk.FileFormatError, match="type rotation"):
        vk.load(write(tmp_path / "y.zarr", np.zeros((2, 2, 2)), space(), [{"type": "rotation"}]))


def test_a_header_of_other_voxels_is_refused(tmp_path):
    one, two = (
        vk.save(vk.Volume(np.zeros(shape), np.eye(4)), tmp_path / f"{k}.nii.zarr")
        for k, shape in enumerate([(4, 5, 6), (6, 5, 4)])
    )
    (one / "nifti").rename(tmp_path / "nifti")
    (two / "nifti").rename(one / "nifti")
    with pytest.raises(vk.FileFormatError, match="by the NIfTI header"):
        vk.load(one)
