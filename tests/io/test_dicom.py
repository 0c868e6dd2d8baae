# SPDX-License-Identifier: Apache-2.0
"""DICOM series: order, geometry, values, faults, identity; made series and real ones."""

import re
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import make_slice, write_series
from pydicom.uid import generate_uid

import voxkern as vk
import voxkern.io.dicom

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def test_order_geometry_and_values(make_series):
    folder, datasets = make_series(slope=2, intercept=-1024)
    v = vk.load(folder)
    assert v.shape == (6, 5, 7) and v.dtype == np.int16
    for k, ds in enumerate(datasets):
        stored = np.frombuffer(ds.PixelData, "<i2").reshape(5, 7)
        np.testing.assert_array_equal(v.data[k], stored.astype(int) * 2 - 1024)
    lps = LPS @ v.affine
    np.testing.assert_allclose(lps[:3, 0], [0, 0, 2.5])  # slice
    np.testing.assert_allclose(lps[:3, 1], [0, 0.7, 0])  # row: PixelSpacing[0] down the rows
    np.testing.assert_allclose(lps[:3, 2], [0.9, 0, 0])  # column
    np.testing.assert_allclose(lps[:3, 3], [-10, 20, 30])
    assert v.meta["spacing_source"] == "ImagePositionPatient" and not v.meta["sheared"]


def test_any_file_order_and_kind_of_source(make_series):
    folder, datasets = make_series()
    want = vk.load(folder)
    files = sorted(folder.iterdir())
    for source in (files, files[::-1], [str(f) for f in files], datasets, datasets[::-1], tuple(datasets)):
        got = vk.load(source)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_array_equal(got.affine, want.affine)


def test_oblique(make_series):
    row = np.array([0.8, 0.6, 0.0])
    column = np.array([0.0, 0.0, -1.0])
    normal = np.cross(row, column)
    folder, _ = make_series(orientation=[*row, *column], step=normal * 3)
    v = vk.load(folder)
    np.testing.assert_allclose(
        (LPS @ v.affine)[:3, :3], np.c_[3 * normal, 0.7 * column, 0.9 * row], atol=1e-9
    )


def test_descending_along_the_normal(make_series):
    folder, datasets = make_series(step=(0, 0, -2.0))
    v = vk.load(folder)
    np.testing.assert_array_equal(v.data[0], np.frombuffer(datasets[-1].PixelData, "<i2").reshape(5, 7))
    np.testing.assert_allclose((LPS @ v.affine)[:3, 0], [0, 0, 2.0])


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "want"),
    [
        (np.int16, 1, 0, "int16"),
        (np.uint16, 1, 0, "uint16"),
        (np.uint16, 1, -1024, "int16"),  # 16 stored bits could need int32; these values do not
        (np.uint16, 1, -70000, "int32"),
        (np.uint8, 1, 0, "uint8"),
        (np.int16, 0.5, 0, "float32"),
        (np.int16, 1, 0.25, "float32"),
    ],
)
def test_dtype_is_the_smallest_exact_one(make_series, dtype, slope, intercept, want):
    folder, datasets = make_series(dtype=dtype, slope=slope, intercept=intercept)
    v = vk.load(folder)
    assert v.dtype == want
    stored = np.frombuffer(datasets[2].PixelData, np.dtype(dtype).newbyteorder("<")).reshape(5, 7)
    np.testing.assert_allclose(v.data[2], stored.astype(float) * slope + intercept, rtol=1e-6)


def test_twelve_bits_with_junk_above(make_series):
    def edit(k, ds):
        ds.BitsStored, ds.HighBit = 12, 11
        ds.PixelData = np.array([[0x0FFF, 0xF001], [0x0800, 0x07FF]], "<u2").tobytes()

    folder, _ = make_series("signed", shape=(2, 2), edit=edit)
    np.testing.assert_array_equal(vk.load(folder).data[0], [[-1, 1], [-2048, 2047]])
    folder, _ = make_series("unsigned", shape=(2, 2), dtype=np.uint16, edit=edit)
    v = vk.load(folder)
    np.testing.assert_array_equal(v.data[0], [[4095, 1], [2048, 2047]])
    assert v.dtype == np.int16


def test_slope_of_each_slice(make_series):
    def edit(k, ds):
        ds.RescaleSlope = 0.5 + k

    folder, datasets = make_series(edit=edit)
    v = vk.load(folder)
    for k, ds in enumerate(datasets):
        stored = np.frombuffer(ds.PixelData, "<i2").reshape(5, 7)
        np.testing.assert_allclose(v.data[k], stored * (0.5 + k), rtol=1e-6)


def test_missing_slice_names_the_gap(make_series):
    folder, _ = make_series(n=9)
    by_position = sorted(folder.iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2])
    by_position[4].unlink()
    with pytest.raises(vk.IrregularSpacingError, match=r"1 of 7 gaps.*2\.500.*5\.000 mm after 37\.50 mm"):
        vk.load(folder)


def test_duplicates_are_dropped_once_told(make_series):
    folder, datasets = make_series()
    again = pydicom.dcmread(sorted(folder.iterdir())[0])
    pydicom.dcmwrite(folder / "copy", again)
    again.SOPInstanceUID = generate_uid()
    pydicom.dcmwrite(folder / "resent", again)
    with pytest.warns(UserWarning, match=r"2 duplicate slice\(s\) dropped"):
        assert vk.load(folder).shape[0] == len(datasets)


def test_other_pixels_at_one_position_are_refused(make_series):
    folder, datasets = make_series()
    other = make_slice(np.zeros((5, 7), np.int16), (-10, 20, 30), series_uid=datasets[0].SeriesInstanceUID)
    pydicom.dcmwrite(folder / "other", other)
    with pytest.raises(vk.UnsupportedSeriesError, match="same position"):
        vk.load(folder)


def test_tilted_stack_keeps_its_shear(make_series):
    folder, _ = make_series(step=(0, 0.8, 2.4))
    with pytest.warns(UserWarning, match="sheared"):
        v = vk.load(folder)
    assert v.meta["sheared"]
    np.testing.assert_allclose((LPS @ v.affine)[:3, 0], [0, 0.8, 2.4])


def test_single_slice_spacing(make_series):
    folder, _ = make_series(n=1, SpacingBetweenSlices=3.5)
    v = vk.load(folder)
    assert v.spacing[0] == 3.5 and v.meta["spacing_source"] == "SpacingBetweenSlices"
    folder, _ = make_series("thick", n=1)
    assert vk.load(folder).meta["spacing_source"] == "SliceThickness"
    folder, _ = make_series("neither", n=1, SliceThickness=None)
    with pytest.raises(vk.GeometryError, match="single slice"):
        vk.load(folder)


def test_several_series_are_listed_and_chosen(make_series):
    folder, _ = make_series(n=4, order=range(4), SeriesDescription="first")
    write_series(folder, n=6, order=range(10, 16), SeriesDescription="second")
    with pytest.raises(vk.SeveralSeriesError, match=r"MR \(6, 5, 7\) image") as caught:
        vk.load(folder)
    infos = vk.list_series(folder)
    assert [(i.description, i.n_files, i.shape) for i in infos] == [
        ("second", 6, (6, 5, 7)),
        ("first", 4, (4, 5, 7)),
    ]
    assert caught.value.series == infos
    for info in infos:
        assert vk.load(folder, series=info.uid).shape == info.shape


def test_one_uid_with_several_orientations(make_series):
    uid = generate_uid()
    folder, _ = make_series(n=3, order=range(3), series_uid=uid)
    write_series(
        folder, n=4, order=range(5, 9), series_uid=uid, orientation=(0, 1, 0, 0, 0, -1), step=(2, 0, 0)
    )
    infos = vk.list_series(folder)
    assert [i.uid for i in infos] == [f"{uid}#1", f"{uid}#2"] and [i.n_files for i in infos] == [4, 3]
    assert vk.load(folder, series=f"{uid}#2").shape == (3, 5, 7)


def test_junk_in_the_folder_is_left_alone(make_series):
    folder, _ = make_series()
    want = vk.load(folder).data
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "empty").write_bytes(b"")
    (folder / "notes.txt").write_text("hello")
    (folder / "deeper").mkdir()
    v = vk.load(folder)
    np.testing.assert_array_equal(v.data, want)
    assert v.meta["skipped"] == (("empty", 1), ("not DICOM", 2))


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int32, np.float32])
def test_save_and_load(rng, tmp_path, dtype):
    angle = 0.2
    affine = np.eye(4)
    affine[:3, :3] = np.array(
        [[0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)], [1, 0, 0]]
    ) @ np.diag([3.0, 0.5, 0.8])
    affine[:3, 3] = [1.25, -7, 30]
    data = (rng.random((4, 5, 6)) * 200).astype(dtype)
    if dtype == np.int32:
        data += 100_000
    v = vk.Volume(data, affine, {"modality": "MR"})
    w = vk.load(vk.save(v, tmp_path / "series", format="dicom"))
    # rows and columns stay; slices may come back in the order of the normal
    index = np.stack(np.meshgrid(*(np.arange(n) for n in v.shape), indexing="ij"), -1).reshape(-1, 3)
    mm = index @ v.affine[:3, :3].T + v.affine[:3, 3]
    at = np.rint(np.linalg.solve(w.affine, np.c_[mm, np.ones(len(mm))].T).T[:, :3]).astype(int)
    assert len(np.unique(at, axis=0)) == data.size  # every voxel is found, at a place of its own
    tolerance = 0 if np.dtype(dtype).kind in "iu" else 200 / 65535
    np.testing.assert_allclose(w.data[tuple(at.T)], data[tuple(index.T)], rtol=0, atol=tolerance)
    if np.dtype(dtype).kind in "iu":
        assert w.dtype.kind in "iu"
    assert {len(list((tmp_path / "series").iterdir()))} == {4}
    names = {str(pydicom.dcmread(p).PatientName) for p in (tmp_path / "series").iterdir()}
    assert names == {""}


def test_written_series_reads_in_simpleitk(rng, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    v = vk.Volume((rng.random((4, 5, 6)) * 900).astype(np.int16), np.diag([-0.7, -0.9, 2.5, 1.0]))
    v = vk.reorient(v, "SPL")
    vk.save(vk.Volume(v.data, v.affine, {"modality": "MR"}), tmp_path / "series", format="dicom")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "series")))
    w = vk.Volume.from_sitk(reader.Execute())
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-9)


def test_pydicom_test_files_load_or_say_why():
    """No file of the pydicom package becomes a wrong volume or an untyped error."""
    loaded = 0
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                v = vk.load(path)
        except (vk.LoadError, vk.MissingPackageError):
            continue
        loaded += 1
        assert np.isfinite(v.affine).all() and v.data.size
    assert loaded >= 12


def test_elements_are_asked_for_while_reading_alone():
    readers = {"_file", "_header", "_frames", "_details", "_vendor"}
    asks = re.compile(r"from \._tags|\.tags\b|\.whole\b")
    modules = list(Path(voxkern.io.dicom.__file__).parent.glob("*.py"))
    asking = {path.stem for path in modules if asks.search(path.read_text())}
    assert asking == readers
