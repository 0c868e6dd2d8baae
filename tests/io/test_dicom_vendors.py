# SPDX-License-Identifier: Apache-2.0
"""What vendors put into one series: grids, polarities, field maps, echoes; equal to dcm2niix."""

import subprocess

import numpy as np
import pydicom
import pytest
from dicom_factory import make_slice
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

import voxkern as vk


def write_volumes(folder, count, edit, *, slices=4, shape=(6, 8)):
    """Write `count` volumes of one GE series; return their pixels, [volume][slice]."""
    rng = np.random.default_rng(3)
    uid, study = generate_uid(), generate_uid()
    pixels = rng.integers(0, 900, (count, slices, *shape)).astype(np.int16)
    for t in range(count):
        for k in range(slices):
            ds = make_slice(pixels[t, k], (-10, -12, 3.0 * k - 5), series_uid=uid, spacing=(0.8, 0.9))
            ds.Manufacturer, ds.StudyInstanceUID, ds.SeriesNumber = "GE MEDICAL SYSTEMS", study, 5
            ds.ScanningSequence, ds.MRAcquisitionType, ds.RepetitionTime = ["EP", "SE"], "2D", 2000
            ds.SliceThickness = ds.SpacingBetweenSlices = 3
            ds.StudyDate, ds.StudyTime = "20200101", "120000"
            ds.InstanceNumber, ds.TemporalPositionIdentifier = t * slices + k + 1, t + 1
            edit(ds, t, k)
            pydicom.dcmwrite(folder / f"{t}{k}.dcm", ds, enforce_file_format=True)
    return pixels


def private(ds, group, creator, **elements):
    block = ds.private_block(group, creator, create=True)
    for element, (vr, value) in elements.items():
        block.add_new(int(element[1:], 16), vr, value)


def by_dcm2niix(folder, out):
    """Return canonical (data, affine) of every volume dcm2niix makes, by the end of its name."""
    dcm2niix, nib = pytest.importorskip("dcm2niix"), pytest.importorskip("nibabel")
    out.mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "%s", "-o", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    images = {path.stem: nib.as_closest_canonical(nib.load(path)) for path in out.glob("*.nii")}
    return {name: (np.asarray(image.dataobj), image.affine) for name, image in images.items()}


def assert_equal(volume, want):
    v = vk.reorient(volume, "RAS")
    np.testing.assert_array_equal(v.data, want[0])
    np.testing.assert_allclose(v.affine, want[1], atol=1e-5)


# --- UIH -----------------------------------------------------------------------------------------------


def grid(count, rows, columns, tile=(4, 5)):
    """Return a UIH grid and its tiles."""
    tiles = np.arange(count * tile[0] * tile[1], dtype=np.int16).reshape(count, *tile)
    picture = np.zeros((rows * tile[0], columns * tile[1]), np.int16)
    for k, pixels in enumerate(tiles):
        y, x = k // columns * tile[0], k % columns * tile[1]
        picture[y : y + tile[0], x : x + tile[1]] = pixels
    ds = make_slice(picture, (0, 0, 0), series_uid="1.2.3", ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"])
    items = []
    for k in range(count):
        item = Dataset()
        item.ImagePositionPatient, item.ImageOrientationPatient = [1, 2, 5.0 * k], [1, 0, 0, 0, 1, 0]
        items.append(item)
    private(ds, 0x0065, "Image Private Header", x50=("DS", str(count)), x51=("SQ", Sequence(items)))
    return ds, tiles


@pytest.mark.parametrize(
    ("count", "rows", "columns"),
    [(1, 1, 1), (2, 1, 2), (5, 2, 3), (6, 2, 3), (11, 3, 4), (16, 4, 4), (20, 4, 5)],
)
def test_uih_grid_of_any_layout(count, rows, columns):
    ds, tiles = grid(count, rows, columns)
    v = vk.load(ds)
    np.testing.assert_array_equal(v.data, tiles)
    assert count == 1 or v.spacing[0] == 5


def test_uih_grid_that_does_not_divide_the_picture():
    ds, _ = grid(5, 2, 3, tile=(4, 5))
    ds.Columns, ds.PixelData = 14, bytes(8 * 14 * 2)
    with pytest.raises(vk.UnsupportedSeriesError, match="2 x 3 tiles do not divide 8 x 14"):
        vk.load(ds)


# --- GE ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [0, 1, 2, 3])
def test_reversed_polarity_is_turned_and_apart(tmp_path, scheme):
    def edit(ds, t, k):
        private(ds, 0x0019, "GEMS_ACQU_01", x9C=("LO", "research/ABCD/epi_pepolar"), xB3=("DS", str(scheme)))

    folder = tmp_path / "in"
    folder.mkdir()
    pixels = write_volumes(folder, 4, edit)
    turned = [t for t in range(4) if scheme == 1 or (scheme == 2 and t % 2 == 0) or (scheme == 3 and t % 2)]
    straight = [t for t in range(4) if t not in turned]
    study = vk.open_study(folder)
    want = by_dcm2niix(folder, tmp_path / "out")
    kinds = {info.kind: vk.load(study, series=info.uid) for info in study}
    assert len(kinds) == len(want) == bool(turned) + bool(straight)
    for word, volumes, step in (("reversed", turned, -1), ("forward", straight, 1)):
        if volumes:
            v = kinds[f"polarity {word}"]
            np.testing.assert_array_equal(v.data, np.moveaxis(pixels[volumes][:, :, ::step], 0, -1))
            assert_equal(v, want["1005" if word == "reversed" and scheme != 1 else "5"])
    if len(kinds) == 2:
        with pytest.raises(vk.SeveralSeriesError, match=r"polarity forward.*polarity reversed"):
            vk.load(study)


def test_alternating_polarity_that_no_number_tells_is_refused(tmp_path):
    def edit(ds, t, k):
        private(ds, 0x0019, "GEMS_ACQU_01", x9C=("LO", "epi_pepolar"), xB3=("DS", "2"))
        del ds.TemporalPositionIdentifier

    write_volumes(tmp_path, 2, edit)
    with pytest.raises(vk.UnsupportedSeriesError, match="polarity alternates"):
        vk.load(tmp_path)


@pytest.mark.parametrize(("name", "internal"), [("B0rf", "B0map"), ("3db0map", "EFGRE3D")])
def test_field_map_and_magnitude_are_apart(tmp_path, name, internal):
    def edit(ds, t, k):
        private(ds, 0x0019, "GEMS_ACQU_01", x9C=("LO", name), x9E=("LO", internal))
        private(ds, 0x0021, "GEMS_RELA_01", x4F=("SS", 4))
        ds.ImagesInAcquisition, ds.ScanningSequence = 8, "RM"
        del ds.TemporalPositionIdentifier

    folder = tmp_path / "in"
    folder.mkdir()
    pixels = write_volumes(folder, 2, edit)
    study = vk.open_study(folder)
    loaded = {info.kind: vk.load(study, series=info.uid) for info in study}
    assert set(loaded) == {"field map", "magnitude"}
    np.testing.assert_array_equal(loaded["field map"].data, pixels[0])
    np.testing.assert_array_equal(loaded["magnitude"].data, pixels[1])
    assert loaded["field map"].meta["units"] == "Hz" and "units" not in loaded["magnitude"].meta
    want = by_dcm2niix(folder, tmp_path / "out")
    assert_equal(loaded["field map"], want["5_fieldmaphz"])
    assert_equal(loaded["magnitude"], want["5"])


def test_parts_of_the_signal_by_the_private_image_type(tmp_path):
    def edit(ds, t, k):
        private(ds, 0x0043, "GEMS_PARM_01", x2F=("SS", t))
        del ds.TemporalPositionIdentifier

    folder = tmp_path / "in"
    folder.mkdir()
    pixels = write_volumes(folder, 4, edit)
    study = vk.open_study(folder)
    want = by_dcm2niix(folder, tmp_path / "out")
    names = {"": "5", "PHASE": "5_ph", "REAL": "5_real", "IMAGINARY": "5_imaginary"}
    assert {info.kind for info in study} == set(names)
    for info in study:
        v = vk.load(study, series=info.uid)
        np.testing.assert_array_equal(v.data, pixels[list(names).index(info.kind)])
        assert_equal(v, want[names[info.kind]])


# --- any vendor ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (
            [{"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"]}, {"ImageType": ["DERIVED", "PRIMARY", "OTHER"]}],
            "DERIVED",
        ),
        ([{"RescaleType": "US"}, {"RescaleType": "HZ"}], "HZ"),
    ],
)
def test_other_kinds_make_no_time_axis(tmp_path, tags, words):
    def edit(ds, t, k):
        ds.Manufacturer = "Philips"
        for tag, value in tags[t].items():
            setattr(ds, tag, value)

    pixels = write_volumes(tmp_path, 2, edit)
    study = vk.open_study(tmp_path)
    assert [i.shape for i in study] == [(4, 6, 8)] * 2 and words in [i.kind for i in study]
    for info in study:
        np.testing.assert_array_equal(vk.load(study, series=info.uid).data, pixels[int(info.kind == words)])


def test_words_that_number_an_echo_make_no_kind(tmp_path):
    def edit(ds, t, k):
        ds.EchoTime, ds.ImageType = [10, 20][t], ["ORIGINAL", "PRIMARY", "M", f"ECHO_{t}"]

    write_volumes(tmp_path, 2, edit)
    assert vk.load(tmp_path).meta["axes"] == ("echo",)


def test_echoes_of_several_times_are_two_axes(tmp_path):
    """No number tells the times apart: they follow one another."""

    def edit(ds, t, k):
        ds.Manufacturer, ds.EchoTime = "SIEMENS", [20, 37.83][t % 2]
        ds.AcquisitionTime = f"1200{t // 2 * 10 + k:02d}"
        del ds.TemporalPositionIdentifier

    pixels = write_volumes(tmp_path, 6, edit)
    v = vk.load(tmp_path)
    assert v.meta["axes"] == ("time", "echo") and v.meta["axis_values"] == ((0, 1, 2), (20.0, 37.83))
    np.testing.assert_array_equal(v.data, pixels.reshape(3, 2, 4, 6, 8).transpose(2, 3, 4, 0, 1))


def test_echoes_of_diffusion_are_two_axes(tmp_path):
    """Two pictures without gradient and one with it, of two echoes each."""
    b = (0, 0, 700)

    def edit(ds, t, k):
        ds.Manufacturer, ds.EchoTime, ds.DiffusionBValue = "SIEMENS", [60, 90][t % 2], b[t // 2]
        ds.DiffusionGradientOrientation = [0, 0, 1]
        del ds.TemporalPositionIdentifier

    pixels = write_volumes(tmp_path, 6, edit)
    v = vk.load(tmp_path)
    assert v.meta["axes"] == ("b_value", "echo")
    assert [value[0] for value in v.meta["axis_values"][0]] == [0, 0, 700]
    np.testing.assert_array_equal(v.data, pixels.reshape(3, 2, 4, 6, 8).transpose(2, 3, 4, 0, 1))
