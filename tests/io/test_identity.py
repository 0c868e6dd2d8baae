# SPDX-License-Identifier: Apache-2.0
"""No patient identity leaves the loader, unless it is asked for by name."""

import io
import json
import logging
import pickle
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
}
SEARCHED = [v for v in SECRETS.values() if len(v) > 3] + ["Secret", "Hush", "Mute"]


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


@pytest.mark.parametrize(
    "spoil",
    [
        {"PixelSpacing": [0, 0]},
        {"RescaleSlope": 0},
        {"PixelData": b"\0\0"},
        {"ImageOrientationPatient": [1, 1, 1, 1, 1, 1]},
        {"Rows": 60000},
        {"ImagePositionPatient": None},
        {"BitsStored": 99},
    ],
)
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
