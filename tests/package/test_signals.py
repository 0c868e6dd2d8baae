# SPDX-License-Identifier: Apache-2.0
"""Warnings have kinds and point at the caller; the logger says what was done, and by what."""

import logging
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

import voxkern as vk
from voxkern import _core


def warned(action):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        action()
    return told


def damage(path):
    ds = pydicom.dcmread(path)
    ds.RescaleSlope, ds.SeriesInstanceUID = 0, "1.2.3"
    pydicom.dcmwrite(path, ds)


def test_kinds():
    assert issubclass(vk.VoxkernWarning, UserWarning)
    assert issubclass(vk.GeometryWarning, vk.LoadWarning) and issubclass(vk.LoadWarning, vk.VoxkernWarning)
    assert issubclass(vk.IntensityWarning, vk.VoxkernWarning)


def test_files_left_out(make_series):
    folder, _ = make_series()
    damage(sorted(folder.iterdir())[1])
    (told,) = warned(lambda: vk.list_series(folder))
    assert told.category is vk.LoadWarning and told.filename == __file__


def test_places_that_are_not_known(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "x.png")
    (told,) = warned(lambda: vk.load(tmp_path / "x.png"))
    assert told.category is vk.GeometryWarning and told.filename == __file__


def test_voxels_without_logarithm(rng):
    x = rng.random((12, 13, 14)).astype(np.float32) + 1
    x[0] = 0
    calls = (
        lambda: vk.n4_bias_field_correction(x, maximum_number_of_iterations=1),
        lambda: vk.preprocess(vk.Volume(x, np.eye(4)), n4={"maximum_number_of_iterations": 1}),
    )
    for call in calls:
        (told,) = warned(call)
        assert told.category is vk.IntensityWarning and told.filename == __file__


def test_log_of_a_call(caplog):
    x = np.arange(24.0).reshape(2, 3, 4)
    vk.zscore(x)
    assert not caplog.records  # nobody asked
    caplog.set_level(logging.DEBUG, "voxkern")
    vk.zscore(x, threads=2)
    assert {r.name for r in caplog.records} == {"voxkern"}
    assert f"zscore: kernel normalise, level {_core.active_cpu_level()}, 2 threads" in caplog.text


def test_log_of_files_left_out(make_series, caplog):
    caplog.set_level(logging.INFO, "voxkern")
    folder, _ = make_series()
    damage(sorted(folder.iterdir())[1])
    (folder / "zzz.txt").write_text("notes")
    warned(lambda: vk.list_series(folder))
    assert "left out: file 2 by name: RescaleSlope is 0" in caplog.text
    assert "left out: file 7 by name: not DICOM" in caplog.text
    assert {r.levelname for r in caplog.records} == {"INFO"}


def test_log_of_decoders(caplog):
    pytest.importorskip("imagecodecs")
    caplog.set_level(logging.DEBUG, "voxkern")
    vk.load(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
    assert "decoded by imagecodecs.jpegls_decode" in caplog.text
    vk.load(get_testdata_file("MR_small_RLE.dcm"))
    assert "decoded by pydicom, transfer syntax 1.2.840.10008.1.2.5" in caplog.text
