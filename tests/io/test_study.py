# SPDX-License-Identifier: Apache-2.0
"""A study is read once; a bad file hurts its own series alone; what is no file is not read."""

import contextlib
import gzip
import io
import os
import socket
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import make_enhanced, make_slice, voxels, write_series
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxkern as vk
from voxkern.io.dicom import _file, _source, _study
from voxkern.io.dicom._elements import Layouts


def poisoned(fault):
    """Return the one slice of another series, with a fault."""
    ds = make_slice(np.zeros((5, 7), np.int16), (0, 0, 0), series_uid="1.2.840.9.1")
    fault(ds)
    return ds


def truncated(path):
    path.write_bytes(path.read_bytes()[:-20])


def in_another_syntax(path):
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"))


def no_positions(ds):
    enhanced = make_enhanced(np.zeros((3, 5, 7), np.uint16), positions=[(0, 0, k) for k in range(3)])
    for group in enhanced.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
    enhanced.SeriesInstanceUID = ds.SeriesInstanceUID
    return enhanced


def set_to(**tags):
    def fault(ds):
        for tag, value in tags.items():
            setattr(ds, tag, value)

    return fault


FAULTS = {
    "pixels cut off": (lambda ds: None, truncated),
    "slope 0": (set_to(RescaleSlope=0), None),
    "slope empty": (set_to(RescaleSlope=None), None),
    "two slopes": (lambda ds: ds.add_new(0x00281053, "DS", ["2", "3"]), None),
    "slope not a number": (lambda ds: ds.add_new(0x00281053, "LO", "x"), None),
    "no orientation at all": (set_to(ImageOrientationPatient=[0] * 6), None),
    "no PixelSpacing": (lambda ds: delattr(ds, "PixelSpacing"), None),
    "impossible size": (set_to(Rows=0), None),
    "impossible bits": (set_to(BitsStored=40), None),
    "a mosaic without its private header": (set_to(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]), None),
    "a grid without its list": (set_to(ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"]), None),
    "functional groups without positions": (no_positions, None),
    "an unknown transfer syntax": (lambda ds: None, in_another_syntax),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_file_does_not_hurt_another_series(make_series, name):
    fault, spoil = FAULTS[name]
    folder, datasets = make_series(order=range(6))
    good = voxels(datasets)
    ds = poisoned(lambda ds: None)
    ds = fault(ds) or ds
    pydicom.dcmwrite(folder / "poison", ds)
    if spoil is not None:
        spoil(folder / "poison")
    with pytest.warns(UserWarning, match=r"1 damaged or unreadable file\(s\) left out") as told:
        infos = vk.list_series(folder)
    assert len(told) == 1 and [i.uid for i in infos] == [datasets[0].SeriesInstanceUID]
    with pytest.warns(UserWarning, match="left out") as told:
        np.testing.assert_array_equal(vk.load(folder).data, good)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "1 damaged")
        np.testing.assert_array_equal(vk.load(folder, series=datasets[0].SeriesInstanceUID).data, good)
    # Its own series is refused, with the reason.
    with pytest.raises(vk.LoadError, match="file 7 by name"):
        vk.load(folder, series="1.2.840.9.1")
    (folder / "poison").rename(folder.parent / "poison")
    with pytest.raises(vk.LoadError, match="poison"):
        vk.load(folder.parent / "poison")


def test_a_bad_file_is_not_left_out_of_its_own_series(make_series):
    def edit(k, ds):
        ds.RescaleSlope = 0 if k == 5 else 1  # the last slice: no gap would tell

    folder, datasets = make_series(order=range(6), edit=edit)
    write_series(folder, n=3, order=range(10, 13))
    with pytest.warns(UserWarning, match="1 damaged"):
        assert len(vk.list_series(folder)) == 2
    with pytest.raises(vk.FileFormatError, match="file 6 by name: RescaleSlope is 0"):
        vk.load(folder, series=datasets[0].SeriesInstanceUID)


def test_a_series_whose_kinds_cannot_be_told_hurts_no_other(make_series):
    def edit(k, ds):
        ds.Manufacturer, ds.Modality = "GE MEDICAL SYSTEMS", "MR"
        block = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
        block.add_new(0x9C, "LO", "research/ABCD/epi_pepolar")
        block.add_new(0xB3, "DS", "2")  # alternating, and no TemporalPositionIdentifier

    folder, bad = make_series(order=range(6), edit=edit)
    good = write_series(folder, n=3, order=range(10, 13), seed=8)
    with pytest.warns(UserWarning, match="left out"):
        np.testing.assert_array_equal(vk.load(folder).data, voxels(good))
    with pytest.raises(vk.UnsupportedSeriesError, match="polarity alternates"):
        vk.load(folder, series=bad[0].SeriesInstanceUID)


# --- listed once, loaded many times --------------------------------------------------------------------


def test_headers_are_read_once(make_series, monkeypatch):
    folder, first = make_series(n=4, order=range(4), SeriesDescription="first")
    second = write_series(folder, n=6, order=range(10, 16), seed=8, SeriesDescription="second")
    read = []
    monkeypatch.setattr(
        _study, "read_file", lambda *a, original=_study.read_file: (read.append(a), original(*a))[1]
    )
    study = vk.open_study(folder)
    assert len(read) == 10 and len(study) == 2
    assert [i.description for i in study] == ["second", "first"] and list(study) == vk.list_series(study)
    for _ in range(2):
        for datasets in (first, second):
            v = vk.load(study, series=datasets[0].SeriesInstanceUID)
            np.testing.assert_array_equal(v.data, voxels(datasets))
    assert len(read) == 10
    with pytest.raises(vk.SeveralSeriesError):
        vk.load(study)
    assert "SECRET" not in repr(study).upper() and repr(study) == "Study(2 volumes, 10 files)"


def test_headers_of_other_series_are_not_parsed(make_series, monkeypatch):
    folder, first = make_series(n=4, order=range(4))
    write_series(folder, n=6, order=range(10, 16), seed=8)
    parsed = []
    monkeypatch.setattr(
        _study, "frames_of", lambda *a, original=_study.frames_of: (parsed.append(a), original(*a))[1]
    )
    got = vk.load(folder, series=first[0].SeriesInstanceUID)
    np.testing.assert_array_equal(got.data, voxels(first))
    assert len(parsed) == 4
    contents = [io.BytesIO(path.read_bytes()) for path in folder.iterdir()]  # can be read once
    with pytest.raises(vk.ArgumentError, match="allowed"):
        vk.load(iter(contents), series="1.2.3")
    with pytest.raises(vk.ArgumentError, match=f"got '1.2.3', allowed .*{first[0].SeriesInstanceUID}"):
        vk.load(folder, series="1.2.3")


def test_of_files_of_other_series_a_few_bytes_are_read_once(make_series, monkeypatch):
    folder, first = make_series(n=4, order=range(4))
    write_series(folder, n=6, order=range(10, 16), seed=8)
    opened, read, fitted = [], [], []
    monkeypatch.setattr(
        _source,
        "_open_regular",
        lambda *a, original=_source._open_regular: (opened.append(a), original(*a))[1],
    )
    monkeypatch.setattr(
        _file, "_read_at", lambda *a, original=_file._read_at: (read.append(a[2]), original(*a))[1]
    )
    monkeypatch.setattr(
        Layouts, "header", lambda *a, original=Layouts.header: (fitted.append(a), original(*a))[1]
    )
    got = vk.load(folder, series=first[0].SeriesInstanceUID)
    np.testing.assert_array_equal(got.data, voxels(first))
    assert len(opened) == 10 and len(fitted) == 4
    assert read.count(1 << 12) == 10 and len(read) <= 10 + 2 * 4  # more of a new layout, and where pixels lie


def test_folders_are_searched_in_the_order_of_names(tmp_path):
    """As `os.walk` does: the files of a folder, then its folders, and none that is a link."""
    for name in ("b/2", "b/1", "a/c/1", "a/2", "a.1", "c", "a/b/9"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1").write_text("x")
    with contextlib.suppress(OSError, NotImplementedError):  # Windows asks for a privilege
        (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = [Path(s.path).relative_to(tmp_path / "root") for s in _source.sources(tmp_path / "root", 1)]
    assert [p.as_posix() for p in found] == ["a.1", "c", "a/2", "a/b/9", "a/c/1", "b/1", "b/2"]


def test_a_series_named_within_another_is_no_other(make_series):
    """A header that refers to other series first, and whose own UID comes late."""

    def edit(k, ds):
        referenced = Dataset()
        referenced.SeriesInstanceUID, referenced.Rows = "1.2.3.4.5", 7
        ds.ReferencedSeriesSequence = Sequence([referenced])
        ds.add_new(0x00191010, "OB", b"\0" * 70_000)

    folder, datasets = make_series(n=3, edit=edit)
    got = vk.load(folder, series=datasets[0].SeriesInstanceUID)
    np.testing.assert_array_equal(got.data, voxels(datasets))


def test_a_study_loads_as_its_folder(make_series):
    folder, datasets = make_series(slope=2, intercept=-5)
    (folder / "notes").write_text("hello")
    want, got = vk.load(folder), vk.load(vk.open_study(folder))
    np.testing.assert_array_equal(got.data, 2 * voxels(datasets) - 5)
    assert got.meta == want.meta and np.array_equal(got.affine, want.affine)


def test_what_was_left_out_of_a_study_is_told_once(make_series):
    folder, datasets = make_series()
    pydicom.dcmwrite(folder / "poison", poisoned(set_to(RescaleSlope=0)))
    with pytest.warns(UserWarning, match="1 damaged"):
        study = vk.open_study(folder)
    np.testing.assert_array_equal(vk.load(study).data, voxels(datasets))


def test_options_of_reading_belong_to_open_study(make_series):
    folder, _ = make_series(n=1, SliceThickness=None)
    assert vk.load(vk.open_study(folder, spacing=3)).spacing[0] == 3
    study = vk.open_study(folder, max_bytes=10**6)
    for options in ({"spacing": 3}, {"max_bytes": 10**5}):
        with pytest.raises(vk.ArgumentError, match="open_study"):
            vk.load(study, **options)
    with pytest.raises(vk.FileFormatError, match="no such"):
        vk.open_study(folder / "nothing")


# --- what is no file -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifos_sockets_and_devices_are_no_files(make_series, tmp_path, monkeypatch):
    folder, _ = make_series(order=range(6))
    want = vk.load(folder).data
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        np.testing.assert_array_equal(vk.load(folder).data, want)
        files = [*folder.iterdir()]
        assert len(files) == 8
        with pytest.warns(UserWarning, match="2 damaged or unreadable"):
            np.testing.assert_array_equal(vk.load(files).data, want)
        for odd in (folder / "fifo", folder / "socket", "/dev/zero"):
            with pytest.raises(vk.FileFormatError, match="FIFO, socket or device"):
                vk.load(odd)
    os.mkfifo(tmp_path / "x.nii")
    with pytest.raises(vk.FileFormatError, match="FIFO"):
        vk.load(tmp_path / "x.nii")
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(vk.FileFormatError, match="FIFO"):
        vk.load([tmp_path / "x.png"])


def test_gzip_inside_a_folder_is_read_with_its_series(make_series):
    folder, _ = make_series()
    want = vk.load(folder).data
    one = next(folder.iterdir())
    one.write_bytes(gzip.compress(one.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(vk.load(folder).data, want)
    one.write_bytes(gzip.compress(gzip.decompress(one.read_bytes())[:-20]))
    with pytest.raises(vk.FileFormatError, match=r"file \d by name: PixelData declares"):
        vk.load(folder)
