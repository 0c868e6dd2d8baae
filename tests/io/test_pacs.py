# SPDX-License-Identifier: Apache-2.0
"""The PACS example against a real Orthanc: C-GET, C-MOVE with C-STORE, DICOMweb.

Orthanc listens on every interface, so it and its clients run in a network namespace of their own, where
there is nothing but loopback. This file, run as a script, is what runs in there.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "pacs.py"
CONFIG = {
    "HttpPort": 18042,
    "RemoteAccessAllowed": False,
    "AuthenticationEnabled": False,
    "DicomAet": "ORTHANC",
    "DicomPort": 14242,
    "DicomCheckCalledAet": False,
    "DicomAlwaysAllowEcho": True,
    "DicomAlwaysAllowStore": True,
    "DicomAlwaysAllowFind": True,
    "DicomAlwaysAllowGet": True,
    "DicomAlwaysAllowMove": True,
    "DicomModalities": {"ME": ["VOXKERN", "127.0.0.1", 11113]},
    "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
    "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
}


def namespaces_work():
    command = ["unshare", "-n", "ip", "link", "set", "lo", "up"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("Orthanc"), reason="no Orthanc here")
@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs the source tree")
def test_series_from_orthanc_is_preprocessed(make_series, tmp_path):
    pytest.importorskip("pynetdicom")
    pytest.importorskip("dicomweb_client")
    if not namespaces_work():
        pytest.skip("no network namespace can be made here")
    from pydicom.uid import generate_uid

    study = generate_uid()
    tags = {"StudyInstanceUID": study, "PatientBirthDate": "", "PatientSex": "", "StudyID": "1"}
    folder, datasets = make_series(n=12, shape=(24, 30), **tags)
    want = vk.preprocess(folder, spacing=1.0, order=1)
    script = f"ip link set lo up; exec {sys.executable} {__file__} {folder} {tmp_path} {study}"
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", script], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for way in ("get", "move", "web"):
        got = vk.load(tmp_path / f"{way}.nii.gz")
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_allclose(got.affine, want.affine, atol=1e-4)
    assert "Secret" not in done.stdout + done.stderr
    assert len(datasets) == 12


def session(folder, output, study):
    """Start Orthanc, send it the series by C-STORE, and fetch it back in each of the three ways."""
    from pydicom import dcmread
    from pynetdicom import AE

    spec = importlib.util.spec_from_file_location("pacs", EXAMPLE)
    pacs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pacs)
    store = output / "orthanc"
    store.mkdir()
    config = {**CONFIG, "StorageDirectory": str(store), "IndexDirectory": str(store)}
    (output / "orthanc.json").write_text(json.dumps(config))
    with (output / "orthanc.log").open("w") as log:
        server = subprocess.Popen(["Orthanc", str(output / "orthanc.json")], stdout=log, stderr=log)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen("http://127.0.0.1:18042/system", timeout=1).read()
                break
            except OSError:
                time.sleep(0.1)
        files = [dcmread(p) for p in sorted(folder.iterdir())]
        ae = AE(ae_title="VOXKERN")
        ae.add_requested_context(files[0].SOPClassUID)
        association = ae.associate("127.0.0.1", 14242, ae_title="ORTHANC")
        assert association.is_established
        assert all(association.send_c_store(ds).Status == 0 for ds in files)
        association.release()
        series = files[0].SeriesInstanceUID
        where = ["--server", "127.0.0.1:14242", "--web", "http://127.0.0.1:18042/dicom-web"]
        for way in ("get", "move", "web"):
            pacs.main([study, series, str(output / f"{way}.nii.gz"), "--by", way, *where])
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    session(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
