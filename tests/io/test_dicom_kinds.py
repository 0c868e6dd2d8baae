# SPDX-License-Identifier: Apache-2.0
"""DICOM beyond one plain stack: several volumes, enhanced, grids, colour, radiographs, packaging, repairs."""

import gzip
import io
import zipfile

import numpy as np
import pydicom
import pytest
from dicom_factory import make_enhanced, make_slice, write_series
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

import voxkern as vk

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def stored(dataset, shape=(5, 7), dtype="<i2"):
    return np.frombuffer(dataset.PixelData, dtype).reshape(shape)


# --- several volumes -----------------------------------------------------------------------------------


def write_volumes(folder, tags_of, count, slices=4):
    """Write `count` volumes of one series in one folder, shuffled; return [volume][slice] of pixels."""
    uid = generate_uid()
    pixels = np.random.default_rng(5).integers(0, 900, (count, slices, 5, 7)).astype(np.int16)
    names = np.random.default_rng(6).permutation(count * slices)
    for t in range(count):
        for k in range(slices):
            ds = make_slice(pixels[t, k], (0, 0, 3.0 * k), series_uid=uid, **tags_of(t, k))
            pydicom.dcmwrite(folder / f"{names[t * slices + k]:03d}", ds)
    return pixels


@pytest.mark.parametrize(
    ("axis", "tags_of", "values"),
    [
        ("time", lambda t, k: {"TemporalPositionIdentifier": t + 1}, (1.0, 2.0, 3.0)),
        ("echo", lambda t, k: {"EchoTime": [2.5, 5.0, 7.5][t]}, (2.5, 5.0, 7.5)),
        ("phase", lambda t, k: {"TriggerTime": 40 * t + k}, (0.0, 40.0, 80.0)),  # slices one after another
        ("time", lambda t, k: {"AcquisitionTime": f"1200{10 * t + k:02d}"}, (0, 1, 2)),
        ("time", lambda t, k: {"InstanceNumber": 4 * t + k + 1}, (0, 1, 2)),
        (
            "b_value",
            lambda t, k: {
                "InstanceNumber": 4 * t + k,
                "DiffusionBValue": [0.0, 700.0, 700.0][t],
                "DiffusionGradientOrientation": [0.0, t % 2, t // 2],
            },
            None,
        ),
    ],
)  # fmt: skip
def test_volumes_of_one_series(tmp_path, axis, tags_of, values):
    pixels = write_volumes(tmp_path, tags_of, 3)
    v = vk.load(tmp_path)
    assert v.shape == (4, 5, 7, 3) and v.meta["axes"] == (axis,)
    np.testing.assert_array_equal(v.data, np.moveaxis(pixels, 0, -1))
    if values is not None:
        assert v.meta["axis_values"] == (values,)
    assert vk.list_series(tmp_path)[0].shape == (4, 5, 7, 3)


def test_two_facts_make_two_axes(tmp_path):
    pixels = write_volumes(
        tmp_path, lambda t, k: {"EchoTime": 10 + t % 2, "TemporalPositionIdentifier": t // 2}, 6
    )
    v = vk.load(tmp_path)
    assert v.shape == (4, 5, 7, 3, 2) and v.meta["axes"] == ("time", "echo")
    np.testing.assert_array_equal(v.data, pixels.reshape(3, 2, 4, 5, 7).transpose(2, 3, 4, 0, 1))


def test_an_incomplete_volume_is_named_or_left_out(tmp_path):
    pixels = write_volumes(tmp_path, lambda t, k: {"TemporalPositionIdentifier": t + 1}, 3)
    last = next(p for p in tmp_path.iterdir() if pydicom.dcmread(p).TemporalPositionIdentifier == 3)
    last.unlink()
    with pytest.raises(vk.UnsupportedSeriesError, match=r"1 of 4 positions have fewer than 3 frames"):
        vk.load(tmp_path)
    with pytest.warns(UserWarning, match="incomplete volumes dropped, 2 kept"):
        v = vk.load(tmp_path, missing="drop")
    np.testing.assert_array_equal(v.data, np.moveaxis(pixels[:2], 0, -1))
    assert v.meta["repairs"] == ("incomplete volumes dropped",)


def test_private_facts_of_a_lone_frame_count(tmp_path):
    """A position that lost a frame still tells by its private b-value which volume is complete."""
    for name, z, b in (("a", 0, 0), ("b", 0, 500), ("c", 3, 500)):
        ds = make_slice(np.full((5, 7), b + z, np.int16), (0, 0, z), series_uid="1.2.3")
        ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", b)
        pydicom.dcmwrite(tmp_path / name, ds)
    with pytest.warns(UserWarning, match="incomplete volumes dropped, 1 kept"):
        v = vk.load(tmp_path, missing="drop")
    np.testing.assert_array_equal(v.data[:, 0, 0], [500, 503])


def test_magnitude_and_phase_are_apart(tmp_path):
    write_volumes(tmp_path, lambda t, k: {"ImageType": ["ORIGINAL", "PRIMARY", "MP"[t]]}, 2)
    assert [i.shape for i in vk.list_series(tmp_path)] == [(4, 5, 7)] * 2


# --- enhanced and grids --------------------------------------------------------------------------------


def test_enhanced_frames_in_any_order(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4000, (6, 5, 7)).astype(np.uint16)
    order = [3, 0, 5, 1, 4, 2]
    ds = make_enhanced(
        pixels[order], positions=[(1, 2, 4.0 * k) for k in order], slopes=[1 + k for k in order]
    )
    pydicom.dcmwrite(tmp_path / "one.dcm", ds)
    v = vk.load(tmp_path / "one.dcm")
    np.testing.assert_allclose(v.data, pixels * np.arange(1, 7)[:, None, None])
    np.testing.assert_allclose((LPS @ v.affine)[:3, 0], [0, 0, 4])
    np.testing.assert_allclose(v.affine[:3, 3], [-1, -2, 0])
    assert vk.load(ds).shape == (6, 5, 7)


def test_enhanced_time_and_magnitude_apart(tmp_path):
    pixels = np.arange(12 * 4, dtype=np.uint16).reshape(12, 2, 2)
    positions = [(0, 0, float(k % 3)) for k in range(12)]
    ds = make_enhanced(
        pixels,
        positions=positions,
        times=[k // 3 % 2 + 1 for k in range(12)],
        types=["M" if k < 6 else "P" for k in range(12)],
    )
    pydicom.dcmwrite(tmp_path / "one.dcm", ds)
    infos = vk.list_series(tmp_path)
    assert [i.shape for i in infos] == [(3, 2, 2, 2)] * 2
    first = vk.load(tmp_path, series=infos[0].uid)
    np.testing.assert_array_equal(first.data, pixels[:6].reshape(2, 3, 2, 2).transpose(1, 2, 3, 0))
    assert first.meta["axes"] == ("time",)


def test_dose_grid(tmp_path):
    ds = make_enhanced(np.arange(12, dtype=np.uint16).reshape(3, 2, 2), positions=None)
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 10], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.GridFrameOffsetVector = [2, 2], [0.0, 2.5, 5.0]
    ds.DoseGridScaling, ds.DoseUnits = 0.5, "GY"
    pydicom.dcmwrite(tmp_path / "dose.dcm", ds)
    v = vk.load(tmp_path / "dose.dcm")
    np.testing.assert_allclose(v.data, np.arange(12).reshape(3, 2, 2) * 0.5)
    assert v.spacing[0] == 2.5 and v.meta["units"] == "GY"
    del ds.GridFrameOffsetVector
    with pytest.raises(vk.GeometryError, match="3 frames with one position"):
        vk.load(ds)


def test_uih_grid(tmp_path):
    tiles = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    picture = np.zeros((8, 10), np.int16)
    for k, tile in enumerate(tiles):
        picture[k // 2 * 4 : k // 2 * 4 + 4, k % 2 * 5 : k % 2 * 5 + 5] = tile
    ds = make_slice(
        picture, (0, 0, 0), series_uid=generate_uid(), ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"]
    )
    block = ds.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x50, "DS", "3")
    items = []
    for k in range(3):
        item = Dataset()
        item.ImagePositionPatient, item.ImageOrientationPatient = [1, 2, 5.0 * k], [1, 0, 0, 0, 1, 0]
        items.append(item)
    block.add_new(0x51, "SQ", Sequence(items))
    pydicom.dcmwrite(tmp_path / "grid.dcm", ds)
    v = vk.load(tmp_path / "grid.dcm")
    np.testing.assert_array_equal(v.data, tiles)
    assert v.spacing[0] == 5
    del ds[0x0065, 0x1051]
    with pytest.raises(vk.UnsupportedSeriesError, match="UIH grid without"):
        vk.load(ds)


def test_philips_scales(tmp_path):
    def edit(k, ds):
        ds.Manufacturer = "Philips Medical Systems"
        block = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", 0.25)

    write_series(tmp_path, slope=2, intercept=1, edit=edit)
    shown, precise = vk.load(tmp_path), vk.load(tmp_path, scale="precise")
    assert shown.meta["scale"] == "displayed" and precise.meta["scale"] == "precise"
    assert shown.meta["precise_factor"] == (2.0,)
    np.testing.assert_allclose(precise.data, shown.data * 2.0)


# --- colour, photometry, padding -----------------------------------------------------------------------


@pytest.mark.parametrize("planar", [0, 1])
def test_colour(tmp_path, rng, planar):
    colours = rng.integers(0, 255, (4, 5, 3)).astype(np.uint8)
    data = colours if planar == 0 else np.moveaxis(colours, -1, 0)
    ds = make_slice(np.zeros((4, 5), np.uint8), (0, 0, 0), series_uid="1.2")
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, planar, "RGB"
    ds.PixelData = data.tobytes()
    pydicom.dcmwrite(tmp_path / "a.dcm", ds)
    v = vk.load(tmp_path / "a.dcm")
    assert v.shape == (1, 4, 5, 3) and v.meta["axes"] == ("channel",)
    np.testing.assert_array_equal(v.data[0], colours)


def test_palette(tmp_path):
    ds = make_slice(np.array([[0, 1], [2, 1]], np.uint8), (0, 0, 0), series_uid="1.2")
    ds.PhotometricInterpretation = "PALETTE COLOR"
    for name, table in (("Red", [0, 10, 20, 0]), ("Green", [1, 11, 21, 0]), ("Blue", [2, 12, 22, 0])):
        ds.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [4, 0, 8])
        ds.add_new(f"{name}PaletteColorLookupTableData", "OW", bytes(table))
    pydicom.dcmwrite(tmp_path / "a.dcm", ds)
    np.testing.assert_array_equal(
        vk.load(tmp_path / "a.dcm").data[0], [[[0, 1, 2], [10, 11, 12]], [[20, 21, 22], [10, 11, 12]]]
    )


def test_modality_lut(tmp_path):
    ds = make_slice(np.array([[0, 1], [2, 1]], np.uint8), (0, 0, 0), series_uid="1.2")
    del ds.RescaleSlope, ds.RescaleIntercept
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [3, 0, 16])
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "US", [100, 300, 900])
    ds.ModalityLUTSequence = Sequence([item])
    pydicom.dcmwrite(tmp_path / "a.dcm", ds)
    v = vk.load(tmp_path / "a.dcm")
    assert v.dtype == np.uint16
    np.testing.assert_array_equal(v.data[0], [[100, 300], [900, 300]])


def test_monochrome1_is_inverted_on_request(make_series):
    def edit(k, ds):
        ds.PhotometricInterpretation, ds.BitsStored, ds.HighBit = "MONOCHROME1", 12, 11

    folder, _ = make_series(dtype=np.uint16, slope=2, intercept=-5, edit=edit)
    kept, inverted = vk.load(folder), vk.load(folder, invert_monochrome1=True)
    assert kept.meta["photometric"] == "MONOCHROME1"
    stored_values = (kept.data + 5) // 2
    np.testing.assert_array_equal(inverted.data, (4095 - stored_values) * 2 - 5)


def test_padding_as_mask_and_fill(make_series):
    def edit(k, ds):
        pixels = stored(ds).copy()
        pixels[0, :3] = -2000
        ds.PixelData, ds.PixelPaddingValue = pixels.tobytes(), -2000

    folder, _ = make_series(intercept=-1024, edit=edit)
    v, padding = vk.load(folder, return_padding=True)
    assert v.meta["padding_value"] == (-3024.0, -3024.0) and v.dtype == np.int16
    np.testing.assert_array_equal(padding.data, v.data == -3024)
    assert padding.data.sum() == 3 * 6
    filled = vk.load(folder, padding_fill=-1000)
    assert filled.dtype == np.int16
    np.testing.assert_array_equal(filled.data, np.where(padding.data, -1000, v.data))
    holes = vk.load(folder, padding_fill=float("nan"))
    assert holes.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(holes.data), padding.data)
    assert not vk.load(make_series("plain")[0], return_padding=True)[1].data.any()


def test_values_beyond_16_bits_are_seen(make_series):
    def edit(k, ds):
        pixels = stored(ds).copy()
        pixels[0, 0] = -32768
        ds.PixelData = pixels.tobytes()

    folder, datasets = make_series(intercept=-1024, edit=edit)
    v = vk.load(folder)
    assert v.dtype == np.int32 and v.data.min() == -33792
    np.testing.assert_array_equal(v.data[2], stored(datasets[2]).astype(int) - 1024)


# --- images without place ------------------------------------------------------------------------------


def test_radiograph(tmp_path):
    ds = make_slice(np.arange(20, dtype=np.uint16).reshape(4, 5), (0, 0, 0), series_uid="1.2")
    del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.1.1", "DX"
    with pytest.raises(vk.GeometryError, match=r"without pixel spacing; give spacing="):
        vk.load(ds)
    assert vk.load(ds, spacing=(1, 0.2, 0.3)).spacing == (1.0, 0.2, 0.3)
    ds.ImagerPixelSpacing = [0.15, 0.15]
    pydicom.dcmwrite(tmp_path / "a.dcm", ds)
    v = vk.load(tmp_path / "a.dcm")
    assert v.shape == (1, 4, 5) and v.spacing[1:] == (0.15, 0.15)
    assert v.meta["geometry"] == "detector" and v.meta["spacing_source"] == "ImagerPixelSpacing"


def test_a_ct_without_position_stays_an_error(make_series):
    folder, _ = make_series(n=1, ImagePositionPatient=None, ImageOrientationPatient=None)
    with pytest.raises(vk.GeometryError, match="ImagePositionPatient"):
        vk.load(folder, spacing=1)


def test_localizers_and_pages_are_apart(make_series):
    folder, _ = make_series(order=range(6))
    write_series(folder, n=2, order=(20, 21), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    page = make_slice(np.zeros((3, 3), np.uint8), (0, 0, 0), series_uid=generate_uid())
    page.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    del page.ImagePositionPatient, page.ImageOrientationPatient, page.PixelSpacing
    pydicom.dcmwrite(folder / "page", page)
    with pytest.warns(UserWarning, match=r"left apart: localizer \(2, 5, 7\)"):
        assert vk.load(folder).shape == (6, 5, 7)
    infos = vk.list_series(folder)
    assert [i.role for i in infos] == ["image", "localizer"]
    assert vk.load(folder, series=infos[1].uid).shape == (2, 5, 7)


# --- how the bytes come --------------------------------------------------------------------------------


def test_zip_gzip_bytes_and_file_objects(make_series, tmp_path):
    folder, _ = make_series()
    want = vk.load(folder)
    files = sorted(folder.iterdir())
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, f"deep/{path.name}")
        archive.writestr("notes.txt", "hello")
    packed = tmp_path / "packed"
    packed.mkdir()
    for path in files:
        (packed / f"{path.name}.dcm.gz").write_bytes(gzip.compress(path.read_bytes()))
    contents = [path.read_bytes() for path in files]
    for source in (tmp_path / "a.zip", packed, contents, [io.BytesIO(c) for c in contents]):
        got = vk.load(source)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_array_equal(got.affine, want.affine)
    with pytest.raises(vk.FileFormatError, match="max_bytes"):
        vk.load(packed, max_bytes=500)
    with pytest.raises(vk.FileFormatError, match="max_bytes"):  # each is small enough, the volume is not
        vk.load(contents, max_bytes=want.data.nbytes - 1)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_transfer_syntaxes(tmp_path, syntax):
    pixels = np.random.default_rng(1).integers(-900, 900, (4, 5, 7)).astype(np.int16)
    for k in range(4):
        ds = make_slice(pixels[k], (0, 0, 2.0 * k), series_uid="1.2.3")
        if syntax == RLELossless:
            ds.compress(RLELossless, pixels[k])
        else:
            ds.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                ds.PixelData = pixels[k].astype(">i2").tobytes()
        pydicom.dcmwrite(tmp_path / str(k), ds, enforce_file_format=True)
    np.testing.assert_array_equal(vk.load(tmp_path).data, pixels)


def test_without_preamble_it_says_so(make_series):
    folder, _ = make_series()
    want = vk.load(folder).data
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[132:])
    with pytest.warns(UserWarning, match=r"6 file\(s\) without DICOM preamble") as told:
        np.testing.assert_array_equal(vk.load(folder).data, want)
    assert len(told) == 1


def test_pixels_before_trailing_elements(make_series):
    """PixelData that is not the last element is found all the same."""
    folder, _ = make_series(DataSetTrailingPadding=b"\0" * 64)
    assert vk.load(folder).shape == (6, 5, 7)


def test_a_long_header_is_read_on(make_series):
    folder, datasets = make_series(
        ImageComments="x" * 10, edit=lambda k, ds: ds.add_new(0x00191010, "OB", b"\0" * 200_000)
    )
    np.testing.assert_array_equal(vk.load(folder).data[1], stored(datasets[1]))


# --- repairs -------------------------------------------------------------------------------------------


def test_missing_slices_are_interpolated_on_request(make_series):
    folder, datasets = make_series(n=9)
    by_place = sorted(folder.iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2])
    for k in (4, 5):
        by_place[k].unlink()
    with pytest.raises(vk.IrregularSpacingError, match="missing='interpolate' repairs it"):
        vk.load(folder)
    v = vk.load(folder, missing="interpolate")
    assert v.shape == (9, 5, 7) and v.dtype == np.int16 and v.spacing[0] == 2.5
    a, b = stored(datasets[3]).astype(float), stored(datasets[6]).astype(float)
    np.testing.assert_array_equal(v.data[4], np.rint(a * 2 / 3 + b / 3))
    for k in (0, 3, 6, 8):
        np.testing.assert_array_equal(v.data[k], stored(datasets[k]))
    assert v.meta["repairs"] == ("2 missing slice(s) interpolated",)


def test_positions_of_few_digits_leave_the_other_slices_alone(tmp_path):
    places = [0.0, 1.003, 1.996, 3.004, 5.002, 5.997]
    pixels = np.random.default_rng(2).integers(0, 900, (6, 5, 7)).astype(np.int16)
    for k, z in enumerate(places):
        pydicom.dcmwrite(tmp_path / str(k), make_slice(pixels[k], (1, 2, z), series_uid="1.2.3"))
    v = vk.load(tmp_path, missing="interpolate")
    assert v.dtype == np.int16 and v.shape[0] == 7
    np.testing.assert_array_equal(v.data[[0, 1, 2, 3, 5, 6]], pixels)
    np.testing.assert_allclose(v.data[4], (pixels[3].astype(float) + pixels[4]) / 2, atol=5)


def test_irregular_spacing_is_resampled_on_request(tmp_path):
    places = [0, 4, 8, 12, 19, 26, 33]
    ramp = np.arange(35, dtype=np.int16).reshape(5, 7)
    for k, z in enumerate(places):
        ds = make_slice((ramp + 10 * z).astype(np.int16), (1, 2, z), series_uid="1.2.3")
        pydicom.dcmwrite(tmp_path / str(k), ds)
    with pytest.raises(vk.IrregularSpacingError, match="irregular='resample' repairs it"):
        vk.load(tmp_path)
    v = vk.load(tmp_path, irregular="resample")
    z = (
        LPS @ v.affine @ np.stack([np.arange(len(v.data)), *np.zeros((2, len(v.data))), np.ones(len(v.data))])
    )[2]
    assert z[0] == 0 and z[-1] == pytest.approx(33)
    np.testing.assert_allclose(v.data, ramp + 10 * z[:, None, None], rtol=1e-5, atol=1e-4)


def test_untilt_puts_every_voxel_where_it_was(tmp_path):
    """A linear function of space stays the same function on the rectified grid."""
    step, spacing = np.array([0.0, 1.3, 4.0]), (0.7, 0.9)
    j, i = np.mgrid[0:20, 0:6]
    for k in range(8):
        position = np.array([1.0, 2.0, 3.0]) + k * step
        value = 100 * (position[1] + j * spacing[0]) + 10 * (position[0] + i * spacing[1]) + position[2]
        ds = make_slice(np.rint(value).astype(np.int16), position, series_uid="1.2.3", spacing=spacing)
        pydicom.dcmwrite(tmp_path / str(k), ds)
    with pytest.warns(UserWarning, match="untilt=True"):
        assert vk.load(tmp_path).meta["sheared"]
    v, outside = vk.load(tmp_path, untilt=True, return_padding=True)
    assert not v.meta["sheared"] and v.shape[0] == 8 and v.shape[1] == 20 + 13
    index = np.stack([*np.indices(v.shape), np.ones(v.shape)]).reshape(4, -1)
    x, y, z, _ = LPS @ v.affine @ index
    want = (100 * y + 10 * x + z).reshape(v.shape)
    inside = ~outside.data
    assert inside.mean() > 0.5
    np.testing.assert_allclose(v.data[inside], want[inside], atol=0.6)
    assert np.all(v.data[outside.data] == v.data.min())


def test_padding_is_never_mixed_with_tissue(tmp_path):
    for k, z in enumerate([0, 4, 8, 12, 17]):
        pixels = np.full((5, 7), 100, np.int16)
        pixels[:, : 2 + k % 2] = -2000
        pydicom.dcmwrite(
            tmp_path / str(k), make_slice(pixels, (0, 0, z), series_uid="1.2", PixelPaddingValue=-2000)
        )
    v = vk.load(tmp_path, irregular="resample")
    assert set(np.unique(v.data)) == {-2000.0, 100.0}
