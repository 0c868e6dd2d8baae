# SPDX-License-Identifier: Apache-2.0
"""No patient identity leaves the loader, unless it is asked for by name."""

import io
import json
import logging
import pickle
import shutil
import traceback
import warnings

import numpy as np
import pydicom
import pytest

import voxkern as vk

# Every identifying value a named patient's files hold here; none may be seen anywhere.
SECRETS = {
    "PatientName": "Secret^Person",
    "PatientID": "SECRET-4711",
    "PatientBirthDate": "19110411",
    "OtherPatientIDs": "OTHER-0815",
    "PatientAddress": "Hidden Lane 5",
    "ReferringPhysicianName": "Doctor^Hush",
    "InstitutionName": "Quiet Clinic",
    "AccessionNumber": "ACC-31337",
    "StudyID": "STUDY-90210",
    "PatientComments": "whispered",
    "OperatorsName": "Mute^Op",
    "DeviceSerialNumber": "SERIAL-777",
    "StudyDate": "20010203",
    "PatientSex": "O",
    "PatientAge": "087Y",
    "SeriesDescription": "T1 of Baron Hideaway",
}
SEARCHED = [v for v in SECRETS.values() if len(v) > 3] + ["Secret", "Hush", "Mute", "Hideaway"]


def clean(content, where):
    data = content.encode() if isinstance(content, str) else content
    found = [s for s in SEARCHED if s.encode() in data]
    assert not found, (where, found)


@pytest.fixture
def named(make_series):
    folder, _ = make_series(**SECRETS)
    return folder


def test_outputs_are_clean(named, tmp_path, caplog, capsys):
    pytest.importorskip("matplotlib")
    caplog.set_level(logging.DEBUG)
    v = vk.load(named)
    clean(repr(v) + repr(vk.list_series(named)) + str(dict(v.meta)), "repr")
    clean(pickle.dumps(v), "pickle")
    for name in ("a.nii", "a.nii.gz", "a.mha", "a.nrrd", "a.npz"):
        clean(vk.save(v, tmp_path / name).read_bytes(), name)
    for path in vk.save(v, tmp_path / "dicom", format="dicom").iterdir():
        clean(path.read_bytes(), path.name)
    vk.preprocess(
        named, tmp_path / "b.nii", n4={"maximum_number_of_iterations": (1,)}, report=tmp_path / "r.html"
    )
    clean((tmp_path / "r.html").read_bytes(), "report")
    from voxkern._app.cli import main

    assert main(["info", str(named)]) == 0
    assert main(["convert", str(named), str(tmp_path / "c.nii.gz")]) == 0
    out = capsys.readouterr()
    clean(out.out + out.err, "command line")
    clean(caplog.text, "log")


FAULTS = [
    {"PixelSpacing": [0, 0]},
    {"RescaleSlope": 0},
    {"PixelData": b"\0\0"},
    {"ImageOrientationPatient": [1, 1, 1, 1, 1, 1]},
    {"Rows": 60000},
    {"ImagePositionPatient": None},
    {"BitsStored": 99},
]


@pytest.mark.parametrize("spoil", FAULTS)
def test_errors_are_clean(named, spoil):
    first = sorted(named.iterdir())[0]
    ds = pydicom.dcmread(first)
    for tag, value in spoil.items():
        setattr(ds, tag, value) if value is not None else delattr(ds, tag)
    pydicom.dcmwrite(first, ds)
    for source in (named, first, ds):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with pytest.raises(vk.LoadError) as caught:
                vk.load(source)
        clean("".join(traceback.format_exception(caught.value)), "traceback")
        clean("".join(str(w.message) for w in told), "warnings")


def test_a_description_is_for_those_who_ask(named):
    (info,) = vk.list_series(named)
    assert info.description == SECRETS["SeriesDescription"]
    clean(repr(info) + str(vk.open_study(named)), "repr")
    for k, path in enumerate(sorted(named.iterdir())):
        ds = pydicom.dcmread(path)
        ds.SeriesInstanceUID = f"1.2.3.{k % 2}"
        pydicom.dcmwrite(path, ds)
    with pytest.raises(vk.SeveralSeriesError) as caught:
        vk.load(named)
    clean(str(caught.value), "error")


NAMES = ["Secret^Person", "Hush_SECRET-4711", "Mute"]


def told_of(action):
    """Return all that is told when files of a folder are read: errors with their causes, warnings."""
    parts = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            parts.append(repr(action()))
        except vk.VoxkernError as error:
            parts.append("".join(traceback.format_exception(error)))
    return "\n".join(parts + [str(w.message) for w in told])


@pytest.mark.parametrize("spoil", [*FAULTS, "cut", "text", "twice", "gone", "gzip"], ids=str)
def test_names_of_files_stay_where_they_are(make_series, tmp_path, caplog, spoil):
    """They are patients' names, often: only a file that the caller named is named."""
    caplog.set_level(logging.DEBUG)
    folder, _ = make_series("scans")
    files = sorted(folder.iterdir())
    for k, path in enumerate(files):
        path.rename(folder / f"{NAMES[k % 3]} {k}.dcm")
    first = sorted(folder.iterdir())[0]
    if isinstance(spoil, dict):
        ds = pydicom.dcmread(first)
        for tag, value in spoil.items():
            setattr(ds, tag, value) if value is not None else delattr(ds, tag)
        pydicom.dcmwrite(first, ds)
    elif spoil == "cut":
        first.write_bytes(first.read_bytes()[:-9])
    elif spoil == "gzip":
        first.write_bytes(b"\x1f\x8b" + first.read_bytes())
    elif spoil == "text":
        first.write_text("no image")
    elif spoil == "twice":
        ds = pydicom.dcmread(first)
        ds.SOPInstanceUID = "1.2.9"
        ds.PixelData = ds.PixelData[::-1]
        pydicom.dcmwrite(folder / f"{NAMES[0]} again.dcm", ds)
    else:
        sorted(folder.iterdir())[2].unlink()
    archive = shutil.make_archive(str(tmp_path / "scans"), "zip", folder)
    for source in (folder, archive):
        for action in (vk.load, vk.list_series, vk.open_study):
            clean(told_of(lambda action=action, source=source: action(source)), (action, source))
    clean(caplog.text, "log")


def test_names_of_pictures_stay_where_they_are(tmp_path):
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, name in enumerate(NAMES):
        image.fromarray(np.zeros((4, 5 + k // 2), np.uint8)).save(folder / f"{name}.png")
    told = told_of(lambda: vk.load(folder, spacing=1))
    assert "picture 2: (4, 6)" in told
    clean(told, "sizes that differ")
    (folder / f"{NAMES[1]}.png").write_bytes(b"\x89PNG no more")
    told = told_of(lambda: vk.load(folder, spacing=1))
    assert "not a readable picture" in told
    clean(told, "no picture")
    assert NAMES[1] in told_of(lambda: vk.load(folder / f"{NAMES[1]}.png", spacing=1))  # the caller named it


def test_names_within_headers_stay_there(tmp_path):
    pytest.importorskip("SimpleITK")
    (tmp_path / "x.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
        f"ElementDataFile = {NAMES[0]}.raw\n"
    )
    clean(told_of(lambda: vk.load(tmp_path / "x.mhd")), "metaimage")
    (tmp_path / "x.hv").write_text(f"!INTERFILE :=\nname of data file := {NAMES[0]}.v\n")
    clean(told_of(lambda: vk.load(tmp_path / "x.hv")), "interfile")


def test_damage_is_clean(named):
    """Cut anywhere, a file's error never quotes what it read."""
    content = sorted(named.iterdir())[0].read_bytes()
    for end in range(140, len(content), 37):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                vk.load(io.BytesIO(content[:end]))
            except vk.LoadError as error:
                clean("".join(traceback.format_exception(error)), end)
        clean("".join(str(w.message) for w in told), end)


def test_a_damaged_class_is_not_shown(named):
    """Of a file without pixels the error says what it is; a length that is wrong makes anything of that."""
    first = sorted(named.iterdir())[0]
    ds = pydicom.dcmread(first)
    del ds.Rows
    pydicom.dcmwrite(first, ds)
    content = first.read_bytes()
    at = content.index(b"\x08\x00\x16\x00UI") + 6
    first.write_bytes(content[:at] + (500).to_bytes(2, "little") + content[at + 2 :])
    with pytest.raises(vk.LoadError) as caught:
        vk.load(first)
    clean(str(caught.value), "error")


def test_identity_is_kept_when_asked_for_by_name(named):
    v = vk.load(named, keep=("PatientID", "StudyDate", "PatientWeight"))
    assert dict(v.meta["kept"]) == {"PatientID": "SECRET-4711", "StudyDate": "20010203"}
    assert "SECRET" not in repr(v)
    assert "kept" not in vk.load(named).meta


def test_meta_is_frozen_and_of_the_schema(named):
    v = vk.load(named)
    assert set(v.meta) <= set(vk.META_SCHEMA)
    with pytest.raises(TypeError):
        v.meta["modality"] = "CT"
    json.dumps({k: x for k, x in v.meta.items() if k != "kept"})
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(v)).data, v.data)
    assert dict(pickle.loads(pickle.dumps(v)).meta) == dict(v.meta)
