# SPDX-License-Identifier: Apache-2.0
"""Headers laid out as one before are read without pydicom, and hold what pydicom would have found."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_factory import make_slice
from mutated import dicom_bytes
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxkern as vk
from voxkern.io.dicom import _elements, _file
from voxkern.io.dicom._elements import Layouts, read_header

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def slice_bytes(k, syntax=EXPLICIT, **tags):
    """Return a slice with a sequence of undefined length among its elements, and private ones."""
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    item.is_undefined_length_sequence_item = True
    sequence = Sequence([item])
    ds = make_slice(np.full((5, 7), k, np.int16), (0, 0, 2.0 * k), series_uid="1.2.3", number=k, **tags)
    ds.ReferencedImageSequence = sequence
    ds["ReferencedImageSequence"].is_undefined_length = True
    ds.add_new(0x00191010, "OB", b"private ")
    ds.SOPInstanceUID = f"1.2.3.1{k:04d}"
    return dicom_bytes(ds, syntax)


def by_pydicom(head):
    """Return what pydicom finds, None where it stumbles."""
    try:
        tags, walk = read_header(io.BytesIO(head))
    except Exception:
        return None
    return tags, walk.syntax


def by_layouts(layouts, head):
    """Return what is found by the layouts known, None where they do not fit."""
    try:
        return layouts.header(head)
    except ValueError:  # a value that is no number: pydicom's reading comes to the same
        return None


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_the_next_file_is_read_by_the_layout_of_the_first(syntax):
    layouts, first, second = Layouts(), slice_bytes(1, syntax), slice_bytes(2, syntax)
    assert layouts.header(first) is None
    layouts.add(first, read_header(io.BytesIO(first))[1])
    for head in (first, second, first):
        assert layouts.header(head) == by_pydicom(head)
    assert layouts.header(second)[0]["ImagePositionPatient"] == (0, 0, 4)
    longer = slice_bytes(2, syntax, Manufacturer="another length")
    assert layouts.header(longer) is None and layouts.header(second[:400]) is None


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_whatever_byte_differs(syntax):
    """A change of any byte makes the layout misfit, or the values those that pydicom finds."""
    layouts, first = Layouts(), slice_bytes(1, syntax, SpecificCharacterSet="ISO_IR 100")
    _, walk = read_header(io.BytesIO(first))
    layouts.add(first, walk)
    fitting = 0
    for at in range(128, walk.end):
        for change in (1, 2, 0x20, 0x80):
            head = bytearray(first)
            head[at] ^= change
            found = by_layouts(layouts, bytes(head))
            if found is not None:
                fitting += 1
                assert found == by_pydicom(bytes(head)), (at, change)
    assert fitting > 500


def test_values_of_one_file_are_not_those_of_another():
    layouts = Layouts()
    for k in range(3):  # three layouts, in turn
        head = slice_bytes(1, Manufacturer="x" * 2 * (k + 1))
        layouts.add(head, read_header(io.BytesIO(head))[1])
    for k in range(30):
        head = slice_bytes(k, Manufacturer="y" * 2 * (k % 3 + 1))
        assert layouts.header(head) == by_pydicom(head)


def test_few_layouts_are_kept():
    layouts = Layouts()
    for k in range(20):
        head = slice_bytes(1, Manufacturer="x" * 2 * (k + 1))
        layouts.add(head, read_header(io.BytesIO(head))[1])
        assert layouts.header(head) is not None
    assert layouts.header(slice_bytes(1, Manufacturer="xx")) is None


def test_a_sequence_that_matters_is_left_to_pydicom():
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [2, 0, 16], "HU", b"\0\0\1\0"
    head = slice_bytes(1, ModalityLUTSequence=Sequence([item]))
    for lengths in ("defined", "undefined"):
        ds = pydicom.dcmread(io.BytesIO(head))
        ds["ModalityLUTSequence"].is_undefined_length = lengths == "undefined"
        one, layouts = dicom_bytes(ds), Layouts()
        layouts.add(one, read_header(io.BytesIO(one))[1])
        found = layouts.header(one)
        assert (found is None) == (lengths == "undefined")
        assert "ModalityLUTSequence" in by_pydicom(one)[0]


def test_pydicom_reads_few_headers_of_a_series(make_series, monkeypatch):
    folder, _ = make_series(n=9)
    calls = []
    monkeypatch.setattr(
        _file, "read_header", lambda *a, original=read_header, **k: (calls.append(a), original(*a, **k))[1]
    )
    assert vk.load(folder).shape[0] == 9
    assert len(calls) < 5  # positions and UIDs are of several lengths


def test_values_that_are_no_numbers_are_an_error(make_series):
    folder, _ = make_series(n=3, order=range(3))
    path = folder / "IM0001"
    content = path.read_bytes()
    at = content.index(b"\x20\x00\x13\x00IS") + 8
    path.write_bytes(content[:at] + b"?" + content[at + 1 :])
    with pytest.warns(UserWarning, match="1 damaged"):
        assert vk.load(folder).shape[0] == 2


def test_files_of_the_pack_hold_what_pydicom_finds(data_pack):
    own = Path(pydicom.__file__).parent / "data" / "test_files"
    layouts, fitting = Layouts(), 0
    for path in sorted([*(data_pack / "dicom").rglob("*"), *own.rglob("*.dcm")]):
        head = path.read_bytes()[: _file._HEAD] if path.is_file() else b""
        if head[128:132] != b"DICM" or b"1.2.840.10008.1.2.1.99" in head[:2048]:
            continue
        found, want = by_layouts(layouts, head), by_pydicom(head)
        if found is not None:
            fitting += 1
            assert found == want, path.name
        elif want is not None:
            layouts.add(head, read_header(io.BytesIO(head))[1])
    assert fitting > 100 and len(layouts._known) == _elements.Layouts._MOST
