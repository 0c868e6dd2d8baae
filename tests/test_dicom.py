# SPDX-License-Identifier: Apache-2.0
"""DICOM series: order, geometry, values, faults, identity; made series and real ones."""

import json
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import make_slice, write_series
from pydicom.uid import generate_uid

import voxkern as vk

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
    with pytest.raises(vk.SeveralSeriesError, match=r"'first'|'second'") as caught:
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
    np.testing.assert_array_equal(vk.load(folder).data, want)


def test_no_identity_leaves_the_loader(make_series, tmp_path, capsys):
    folder, _ = make_series()
    v = vk.load(folder)
    saved = [vk.save(v, tmp_path / "out.nii"), vk.save(v, tmp_path / "out")]
    texts = [repr(v), repr(vk.list_series(folder)), json.dumps(dict(v.meta))]
    contents = [pickle.dumps(v)]
    contents += [p.read_bytes() for s in saved for p in ([s] if s.is_file() else s.iterdir())]
    next(iter(sorted(folder.iterdir()))).unlink()
    first = sorted(folder.iterdir())[2]
    spoiled = pydicom.dcmread(first)
    spoiled.PixelSpacing = [0, 0]
    pydicom.dcmwrite(first, spoiled)
    with pytest.raises(vk.LoadError) as caught:
        vk.load(folder)
    texts.append(str(caught.value))
    for secret in ("Secret", "SECRET-4711"):
        assert not any(secret in text for text in texts)
        assert not any(secret.encode() in content for content in contents)


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
    w = vk.load(vk.save(v, tmp_path / "series"))
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
    vk.save(vk.Volume(v.data, v.affine, {"modality": "MR"}), tmp_path / "series")
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
        assert v.ndim == 3
    assert loaded >= 5


# --- real scans ------------------------------------------------------------------------------------


def canonical(volume):
    v = vk.reorient(volume, "RAS")
    return np.asarray(v.data, np.float32), v.affine


@pytest.mark.data
def test_real_mr_series_equals_dcm2niix(data_pack, real_series):
    want = json.loads((data_pack / "refs" / "mr_t1_philips_mprage.json").read_text())["outputs"][0]
    v = vk.load(real_series)
    data, affine = canonical(v)
    assert list(data.shape) == want["canonical_shape"]
    corners = np.array([[i, j, k, 1] for i in (0, 169) for j in (0, 255) for k in (0, 255)], float).T
    difference = (affine - np.array(want["canonical_affine"])) @ corners
    # dcm2niix takes the slice distance from two neighbours, we from the whole stack: 7e-6 mm a slice.
    assert np.abs(difference).max() <= 2e-3
    positions = sorted(
        tuple(pydicom.dcmread(p, specific_tags=["ImagePositionPatient"]).ImagePositionPatient)
        for p in real_series.iterdir()
    )
    ends = [v.affine @ [k, 0, 0, 1] for k in (0, 169)]
    np.testing.assert_allclose(
        sorted(tuple((LPS @ e)[:3]) for e in ends), [positions[0], positions[-1]], atol=1e-4
    )
    import nibabel

    precise = vk.reorient(
        vk.Volume.from_nibabel(nibabel.load(data_pack / "nifti" / "t1_philips_mprage.nii.gz")), "RAS"
    )
    # dcm2niix wrote Philips' precise scale, we give the displayed one: proportional, 1 : slope of the scale
    ratio = float(data.max() / precise.data.max())
    np.testing.assert_allclose(data, precise.data * ratio, rtol=0, atol=1e-4 * data.max())


@pytest.mark.data
@pytest.mark.parametrize("case", ["sts001_ct", "sts001_pet"])
def test_real_series_equal_dcm2niix(data_pack, tmp_path, case):
    folder = data_pack / "dicom" / case
    if not folder.is_dir():
        with zipfile.ZipFile(data_pack / "dicom" / f"{case}.zip") as archive:
            archive.extractall(tmp_path)
        folder = tmp_path
    want = json.loads((data_pack / "refs" / f"{case}.json").read_text())["outputs"][0]
    data, affine = canonical(vk.load(folder))
    assert list(data.shape) == want["canonical_shape"]
    np.testing.assert_allclose(affine, want["canonical_affine"], atol=1e-3)


@pytest.mark.data
@pytest.mark.parametrize(
    ("archive", "member", "kind"),
    [
        ("ct_ge_tilt", "", vk.IrregularSpacingError),
        ("d2n_failing", "sliceincrement", vk.IrregularSpacingError),
        ("d2n_failing", "sliceorientation", vk.SeveralSeriesError),
        ("mosaic_siemens", "", vk.UnsupportedSeriesError),
    ],
)
def test_real_series_that_must_be_refused(data_pack, tmp_path, archive, member, kind):
    with zipfile.ZipFile(data_pack / "dicom" / f"{archive}.zip") as file:
        file.extractall(tmp_path)
    folder = next((p for p in [tmp_path, *tmp_path.rglob("*")] if p.is_dir() and member in p.name), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(kind):
            vk.load(folder if member else tmp_path)


@pytest.mark.data
def test_bad_files_give_typed_errors(data_pack):
    for path in sorted((data_pack / "bad").iterdir()):
        if path.suffix == ".md":
            continue
        if "bomb" in path.name:  # a size limit is a policy of its own
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                vk.load(path)
        except (vk.LoadError, vk.MissingPackageError):
            pass
