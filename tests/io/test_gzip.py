# SPDX-License-Identifier: Apache-2.0
"""What is saved as gzip: one member that every reader takes, packed and unpacked by threads."""

import gzip
import struct
import zlib

import numpy as np
import pytest

import voxkern as vk
from voxkern.io import _gzip

nib = pytest.importorskip("nibabel")
pytest.importorskip("isal")
pytest.importorskip("deflate")


@pytest.fixture
def threads():
    """Return a function that sets the number of threads for one test."""
    yield vk.set_num_threads
    vk.set_num_threads(None)


def volume(order="F", shape=(90, 110, 61)):
    """Return two chunks and a bit of values that pack by a half."""
    rng = np.random.default_rng(0)
    data = rng.normal(0, 20, shape).astype(np.int16) * (rng.random(shape) < 0.7)
    return vk.Volume(np.array(data, order=order), np.diag([1.0, 2.0, 3.0, 1.0]))


def index_of(packed):
    """Return the packed sizes of the chunks, and where the first of them begins."""
    extra, name, length, chunk = struct.unpack_from("<H2sHL", packed, 10)
    assert packed[:4] == b"\x1f\x8b\x08\x04" and name == b"VK" and chunk == _gzip._CHUNK
    assert extra == length + 4
    return struct.unpack_from(f"<{length // 4 - 1}L", packed, 20), 12 + extra


def test_the_bytes_depend_on_nothing_but_the_voxels(tmp_path, threads):
    want = None
    for n in (1, 2, 3, 5):
        threads(n)
        for order in "FC":
            packed = vk.save(volume(order), tmp_path / "x.nii.gz").read_bytes()
            want = want or packed
            assert packed == want, (n, order)


def test_others_read_one_member(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    path = vk.save(volume(), tmp_path / "x.nii.gz")
    packed = path.read_bytes()
    inflater = zlib.decompressobj(31)
    content = inflater.decompress(packed)
    assert inflater.eof and not inflater.unused_data
    assert content == gzip.decompress(packed) and len(content) == 352 + volume().data.nbytes
    np.testing.assert_array_equal(np.asanyarray(nib.load(path).dataobj), volume().data)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(path)).T, volume().data)


def test_each_chunk_is_where_the_index_says_and_stands_alone(tmp_path):
    packed = vk.save(volume(), tmp_path / "x.nii.gz").read_bytes()
    sizes, at = index_of(packed)
    content = b""
    for size in sizes:
        content += zlib.decompressobj(-15).decompress(packed[at : at + size])
        at += size
    assert content == gzip.decompress(packed) and at == len(packed) - 10


def test_threads_unpack_what_was_saved(tmp_path, threads, monkeypatch):
    path = vk.save(volume(), tmp_path / "x.nii.gz")
    alone = []
    monkeypatch.setattr(_gzip, "gunzip", lambda *a, **k: pytest.fail("not by its index"))
    monkeypatch.setattr(
        _gzip, "_by_index", lambda *a, original=_gzip._by_index: alone.append(original(*a)) or alone[-1]
    )
    for n in (1, 2, 3):
        threads(n)
        found = vk.load(path).data
        np.testing.assert_array_equal(found, volume().data)
        found += 1  # its own memory
        assert (alone[-1] is None) == (n == 1)


def spoilt(packed, how):
    """Return a file with something wrong in its index or behind it, and the same voxels in its stream."""
    sizes, start = index_of(packed)
    changed = bytearray(packed)
    if how == "sizes moved":
        changed[20:28] = struct.pack("<2L", sizes[0] - 8, sizes[1] + 8)
    elif how == "another total":
        changed[20:24] = struct.pack("<L", sizes[0] - 1)
    elif how == "no sizes":
        changed[20:start] = bytes(start - 20)
    elif how == "no chunk":
        changed[16:20] = bytes(4)
    elif how == "smaller chunks":
        changed[16:20] = struct.pack("<L", _gzip._CHUNK - 1)
    elif how == "another length":
        changed[14:16] = b"\3\0"
    elif how == "another name":
        changed[12:14] = b"XX"
    elif how == "garbage behind":
        changed += b"garbage"
    else:
        changed += gzip.compress(b"another member")
    return bytes(changed)


@pytest.mark.parametrize(
    "how",
    [
        "sizes moved", "another total", "no sizes", "no chunk", "smaller chunks", "another length",
        "another name", "garbage behind", "a second member",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:7 bytes after the end")
def test_an_index_is_not_believed(tmp_path, threads, how):
    threads(2)
    path = vk.save(volume(), tmp_path / "x.nii.gz")
    path.write_bytes(spoilt(path.read_bytes(), how))
    np.testing.assert_array_equal(vk.load(path).data, volume().data)


@pytest.mark.parametrize("where", ["voxels", "checksum", "length", "end"])
def test_damage_is_an_error(tmp_path, threads, where):
    threads(2)
    path = vk.save(volume(), tmp_path / "x.nii.gz")
    packed = bytearray(path.read_bytes())
    at = {"voxels": len(packed) // 2, "checksum": -8, "length": -4, "end": 0}[where]
    packed[at] ^= 0x55
    path.write_bytes(packed[: -len(packed) // 3] if where == "end" else packed)
    with pytest.raises(vk.FileFormatError, match="not a readable NIfTI"):
        vk.load(path)


def test_an_index_has_room_for_so_many_chunks(tmp_path, threads, monkeypatch):
    threads(2)
    monkeypatch.setattr(_gzip, "_MOST_CHUNKS", 2)
    path = vk.save(volume(), tmp_path / "x.nii.gz")
    assert path.read_bytes()[:4] == b"\x1f\x8b\x08\0"
    np.testing.assert_array_equal(vk.load(path).data, volume().data)
    monkeypatch.undo()
    assert len(_gzip._head([1] * _gzip._MOST_CHUNKS)) <= 12 + 0xFFFF


def test_a_header_lies_behind_any_index(tmp_path):
    """The first bytes are looked at before the rest is unpacked."""
    content = bytes(range(256)) * 2
    packed = gzip.compress(content)
    extra = b"XX" + struct.pack("<H", 0xFFFB) + bytes(0xFFFB)
    long = packed[:3] + b"\4" + packed[4:10] + struct.pack("<H", len(extra)) + extra + packed[10:]
    assert _gzip.prefix(long, 512) == content


@pytest.mark.parametrize(
    "sizes", [(0,), (1,), (352, 100), (352, 5, 0, 7, 300, 1000, 3), (1024,), (512, 513), (5,) * 999]
)
def test_pieces_are_of_one_size_whatever_the_parts(sizes):
    content = np.random.default_rng(0).bytes(sum(sizes))
    ends = np.cumsum(sizes)
    parts = [content[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    pieces = [bytes(piece) for piece in _gzip._pieces(parts, 512)]
    assert b"".join(pieces) == content
    assert all(len(piece) == 512 for piece in pieces[:-1]) and all(pieces)


def test_an_error_of_a_thread_arrives_and_stops_the_others(threads):
    threads(2)
    done = []

    def work(k):
        done.append(k)
        if k == 3:
            raise ZeroDivisionError
        return k

    results = _gzip._in_turn(work, range(1000))
    with pytest.raises(ZeroDivisionError):
        list(results)
    assert len(done) < 20
