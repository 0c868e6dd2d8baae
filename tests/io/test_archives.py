# SPDX-License-Identifier: Apache-2.0
"""Zip and gzip: read member by member, judged by their first bytes; what is wrong with them is named."""

import contextlib
import gzip
import io
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import hostile
import numpy as np
import pydicom
import pytest
from dicom_factory import make_enhanced

import voxkern as vk
from voxkern.io import _gzip
from voxkern.io.dicom import _file, _source


def pack(folder, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("shape", [(5, 7), (120, 90)])  # all of a member in its first bytes, and not
@pytest.mark.parametrize("name", ["a.zip", "no suffix"])
def test_zip_is_as_its_folder(make_series, tmp_path, method, shape, name):
    folder, _ = make_series(shape=shape)
    want, got = vk.load(folder), vk.load(pack(folder, tmp_path / name, method))
    np.testing.assert_array_equal(got.data, want.data)
    np.testing.assert_array_equal(got.affine, want.affine)


@pytest.mark.parametrize("odd", [0, 2])
def test_words_of_four_bytes_may_lie_anywhere(make_series, tmp_path, odd):
    """Pixels of a member are scaled where they were unpacked, unless they lie across words."""

    comments = "x" * (40 + odd)
    folder, _ = make_series(shape=(120, 90), dtype=np.int32, slope=0.5, PatientComments=comments)
    want, got = vk.load(folder), vk.load(pack(folder, tmp_path / "a.zip"))
    np.testing.assert_array_equal(got.data, want.data)
    assert want.data.max() > 400


def test_an_archive_is_read_once_and_a_member_as_often_as_needed(make_series, tmp_path, monkeypatch):
    """So that the time grows with the members: their places are known from one look at the directory."""
    folder, _ = make_series(n=9, shape=(120, 90))
    path = pack(folder, tmp_path / "a.zip")
    looks, opens = [], []
    monkeypatch.setattr(
        zipfile, "ZipFile", lambda *a, original=zipfile.ZipFile: (looks.append(a), original(*a))[1]
    )
    monkeypatch.setattr(
        _source.Source, "open", lambda s, original=_source.Source.open: (opens.append(s), original(s))[1]
    )
    assert vk.load(path).shape == (9, 120, 90)
    assert len(looks) == 1 and len(opens) <= 2 * 9 + 4  # once more for each new layout of a header


def test_threads_unpack_members_at_the_same_time(make_series, tmp_path, monkeypatch):
    folder, _ = make_series(n=5, shape=(300, 400))
    path = pack(folder, tmp_path / "a.zip")
    both, main = threading.Barrier(2, timeout=20), threading.current_thread()

    def content(source, limit, original=_source.Source.content):
        if threading.current_thread() is not main:  # which looks into the first
            both.wait()
        return original(source, limit)

    monkeypatch.setattr(_source.Source, "content", content)
    before = vk.get_num_threads()
    try:
        vk.set_num_threads(2)
        assert vk.load(path).shape == (5, 300, 400)
    finally:
        vk.set_num_threads(before)


def test_only_the_series_asked_for_is_unpacked(make_series, tmp_path, monkeypatch):
    folder, first = make_series("a", n=3, order=range(3), shape=(120, 90))
    other, _ = make_series("b", n=5, order=range(10, 15), shape=(120, 90))
    for file in other.iterdir():
        file.rename(folder / file.name)
    path = pack(folder, tmp_path / "a.zip")
    unpacked = []
    monkeypatch.setattr(
        _source.Source,
        "content",
        lambda s, limit, original=_source.Source.content: (unpacked.append(s.name), original(s, limit))[1],
    )
    study = vk.open_study(path)
    assert not unpacked
    assert vk.load(study, series=first[0].SeriesInstanceUID).shape == (3, 120, 90)
    assert len(unpacked) == len(set(unpacked)) == 3


def test_a_multi_frame_member_is_unpacked_once(tmp_path, monkeypatch):
    pixels = np.arange(40 * 30 * 31, dtype=np.uint16).reshape(40, 30, 31)
    (tmp_path / "in").mkdir()
    ds = make_enhanced(pixels, positions=[(0, 0, k) for k in range(40)])
    pydicom.dcmwrite(tmp_path / "in" / "a", ds)
    path = pack(tmp_path / "in", tmp_path / "a.zip")
    study = vk.open_study(path)
    unpacked = []
    monkeypatch.setattr(
        _source.Source,
        "content",
        lambda s, limit, original=_source.Source.content: (unpacked.append(s.name), original(s, limit))[1],
    )
    for _ in range(2):
        np.testing.assert_array_equal(vk.load(study).data, pixels)
    assert len(unpacked) <= 2


def test_what_is_no_dicom_is_judged_by_its_first_bytes(tmp_path, monkeypatch):
    hostile.zipped(tmp_path / "a.zip", [(b"a", b"", 32 << 20)])
    (tmp_path / "a.gz").write_bytes(hostile.gzipped(b"", 32 << 20))
    monkeypatch.setattr(_source.Source, "content", None)
    heads = []
    monkeypatch.setattr(
        _source.Source,
        "head",
        lambda s, size, original=_source.Source.head: (heads.append(size), original(s, size))[1],
    )
    for name in ("a.zip", "a.gz"):
        with pytest.raises(vk.LoadError, match=r"not (a )?DICOM"):
            vk.load(tmp_path / name)
    assert all(size <= _file._HEAD for size in heads)


def test_the_head_of_a_member_is_short_whatever_size_the_directory_declares(tmp_path):
    """Small is what is small both packed and unpacked."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", bytes(1 << 20))
        archive.writestr("b", bytes(1000))
    large, small = _source.sources(tmp_path / "a.zip", 1 << 30)
    large.member.file_size = 1000
    assert (len(large.head(132)), len(small.head(132))) == (132, 1000)


def test_an_encrypted_archive_is_named(make_series, tmp_path):
    folder, _ = make_series()
    path = pack(folder, tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # zipfile writes none: the flag alone
        for found in re.finditer(re.escape(magic), bytes(content)):
            content[found.start() + at] |= 1
    path.write_bytes(content)
    with pytest.raises(vk.NoImagesError, match="6 encrypted"):
        vk.load(path)


def test_a_truncated_archive_is_named(make_series, tmp_path):
    folder, _ = make_series()
    path = pack(folder, tmp_path / "a.zip")
    content = path.read_bytes()
    for end in (len(content) - 30, len(content) // 2, 60):
        path.write_bytes(content[:end])
        with pytest.raises(vk.FileFormatError, match="a damaged or truncated zip archive"):
            vk.load(path)
    with pytest.raises(vk.FileFormatError, match="a damaged or truncated zip archive"):
        vk.list_series(path)


def test_a_member_with_a_wrong_checksum_is_named(make_series, tmp_path):
    folder, datasets = make_series(shape=(120, 90))
    path = pack(folder, tmp_path / "a.zip", zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(datasets[2].PixelData[-64:], bytes(64)))
    with pytest.raises(vk.FileFormatError, match="checksum is wrong"):
        vk.load(path)


def test_no_room_is_made_for_bytes_that_are_not_there(make_series, tmp_path, monkeypatch):
    """A directory may say that a member takes four gigabytes."""
    folder, _ = make_series(n=1)
    path = pack(folder, tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2") + 20
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    asked = []

    class Counting(io.FileIO):
        def read(self, size=-1):
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(_source.Source, "open", lambda source: Counting(source.path))
    with contextlib.suppress(vk.LoadError):
        vk.load(path)
    assert asked and max(asked) <= len(content)


def test_a_member_without_a_name_is_no_folder(make_series, tmp_path):
    folder, _ = make_series(n=1)
    hostile.zipped(tmp_path / "a.zip", [(b"", next(folder.iterdir()).read_bytes(), 0)])  # of no checksum
    with pytest.raises(vk.FileFormatError, match=r"member 1 by name: .* checksum"):
        vk.load(tmp_path / "a.zip")


def test_a_member_of_another_method_is_named(make_series, tmp_path):
    folder, _ = make_series()
    with pytest.raises(vk.NoImagesError, match="6 packed by an unknown method"):
        vk.load(pack(folder, tmp_path / "a.zip", zipfile.ZIP_BZIP2))


def test_gzip_of_several_members_and_with_garbage_behind(make_series):
    folder, _ = make_series(n=1)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    want = vk.load(folder).data
    path.write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    np.testing.assert_array_equal(vk.load(path).data, want)
    path.write_bytes(gzip.compress(content) + b"garbage")
    with pytest.warns(UserWarning, match="7 bytes after the end of the gzip stream") as told:
        np.testing.assert_array_equal(vk.load(path).data, want)
    assert len(told) == 1
    path.write_bytes(gzip.compress(content)[:-30])
    with pytest.raises(vk.FileFormatError, match="truncated gzip"):
        vk.load(path)


def test_no_more_is_inflated_than_a_member_declares(monkeypatch):
    """To zlib, which stands in for libdeflate, a limit of 0 is none."""
    packed = hostile.deflated(b"start", 32 << 20)
    monkeypatch.setitem(sys.modules, "deflate", None)
    assert _gzip.inflated(packed, 5) == b"start"
    assert len(_gzip.inflated(packed, 0)) <= 1


def test_a_header_of_endless_elements_is_refused(tmp_path, monkeypatch):
    """An element takes some forty times its bytes in memory."""
    (tmp_path / "elements.dcm").write_bytes(hostile.elements())
    monkeypatch.setattr(_file, "MAX_HEADER", 1 << 20)
    with pytest.raises(vk.FileFormatError, match="a header of more than 131072 bytes"):
        vk.load(tmp_path / "elements.dcm")


def peaks(folder, *max_bytes):
    """Return what loading each file of a folder printed, and the MiB that its process took."""
    environment = {"PYTHONPATH": f"{Path(vk.__file__).parents[1]}:{Path(hostile.__file__).parent}"}
    done = subprocess.run(
        [sys.executable, hostile.__file__, str(folder), *map(str, max_bytes)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    return lines, [int(re.search(r"peak (\d+) MiB", line)[1]) for line in lines]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read in /proc")
def test_no_hostile_file_takes_memory(tmp_path):
    """A gigabyte in a megabyte: nothing of it is made, in any format."""
    hostile.write_all(tmp_path)
    lines, taken = peaks(tmp_path)
    assert len(lines) == len(list(tmp_path.iterdir())) + len(list(tmp_path.glob("*.zip")))
    loaded = {line.partition(":")[0] for line in lines if "Volume(" in line}
    assert loaded == {"x.mgz"}  # its reader stops where the voxels end
    assert min(taken) > 0 and max(taken) < 700, lines


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read in /proc")
def test_no_bad_file_of_the_pack_takes_memory(data_pack):
    """With the ``max_bytes`` of those who say nothing; one is 300 MB of voxels in its own right."""
    lines, taken = peaks(data_pack / "bad", 8 << 30)
    assert len(lines) >= 48
    assert min(taken) > 0 and max(taken) < 700, lines
