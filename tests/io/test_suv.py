# SPDX-License-Identifier: Apache-2.0
"""SUV by body weight: the formula on made series, and what is refused."""

import numpy as np
import pydicom
import pytest
from dicom_factory import write_series
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxkern as vk

HALF_LIFE, DOSE, WEIGHT = 6586.2, 3.7e8, 70.0


def write_pet(folder, *, tracer=None, edit=None, **tags):
    given = {
        "RadionuclideTotalDose": DOSE,
        "RadionuclideHalfLife": HALF_LIFE,
        "RadiopharmaceuticalStartTime": "110000",
        **(tracer or {}),
    }

    def complete(k, ds):
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
        ds.Modality, ds.Units, ds.DecayCorrection, ds.PatientWeight = "PT", "BQML", "START", WEIGHT
        ds.CorrectedImage = ["ATTN", "DECY", "SCAT"]
        ds.SeriesDate = ds.AcquisitionDate = "20260105"
        ds.SeriesTime, ds.AcquisitionTime = "120000", f"1200{k:02d}"
        item = Dataset()
        for keyword, value in given.items():
            if value is not None:
                setattr(item, keyword, value)
        ds.RadiopharmaceuticalInformationSequence = Sequence([item])
        for keyword, value in tags.items():
            setattr(ds, keyword, value)
        if edit is not None:
            edit(ds)

    write_series(folder, slope=2.5, edit=complete)
    return folder


def factor(elapsed):
    return WEIGHT * 1000 / (DOSE * 2 ** (-elapsed / HALF_LIFE))


def ratio(folder):
    suv, plain = vk.load(folder, suv=True), vk.load(folder)
    assert suv.meta["units"] == "SUVbw" and plain.meta["units"] in ("BQML", "GML", "CNTS")
    mask = plain.data != 0
    quotient = suv.data[mask] / plain.data[mask]
    np.testing.assert_allclose(quotient, quotient[0], rtol=1e-5)
    return float(quotient.mean())


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({}, factor(3600)),
        ({"DecayCorrection": "ADMIN"}, factor(0)),
        ({"tracer": {"RadiopharmaceuticalStartTime": "233000"}}, factor(12.5 * 3600)),  # the evening before
        ({"tracer": {"RadiopharmaceuticalStartDateTime": "20260105100000.00"}}, factor(7200)),
        ({"Units": "GML"}, 1.0),
    ],
)
def test_formula(tmp_path, change, want):
    assert ratio(write_pet(tmp_path, **change)) == pytest.approx(want, rel=1e-5)


def test_ge_start_of_scan(tmp_path):
    """A series made anew after the scan: GE says when the scan began."""

    def edit(ds):
        ds.SeriesTime = "180000"
        ds.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20260105115900.00")

    assert ratio(write_pet(tmp_path, edit=edit)) == pytest.approx(factor(3540), rel=1e-5)


def test_philips_counts(tmp_path):
    def edit(ds):
        ds.Units = "CNTS"
        ds.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.000551")

    assert ratio(write_pet(tmp_path, edit=edit)) == pytest.approx(0.000551, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PatientWeight": 0}, "PatientWeight"),
        ({"Units": "CNTS"}, "Philips"),
        ({"Units": "PROPCNTS"}, "PROPCNTS"),
        ({"CorrectedImage": ["ATTN"]}, "CorrectedImage"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection"),
        ({"SeriesTime": "180000"}, "younger"),
        ({"tracer": {"RadionuclideTotalDose": 370.0}}, "MBq"),
        ({"tracer": {"RadionuclideHalfLife": None}}, "half life"),
        ({"tracer": {"RadiopharmaceuticalStartTime": None}}, "injection"),
        ({"Units": "GML", "SUVType": "LBM"}, "LBM"),
    ],
)
def test_refused_where_it_would_be_a_guess(tmp_path, change, words):
    with pytest.raises(vk.UnsupportedSeriesError, match=words):
        vk.load(write_pet(tmp_path, **change), suv=True)


@pytest.mark.data
def test_real_pet_is_suv_already(data_pack):
    folder = data_pack / "dicom" / "sts001_pet"
    units = str(pydicom.dcmread(next(folder.iterdir())).Units)
    assert units == "GML"
    np.testing.assert_array_equal(vk.load(folder, suv=True).data, vk.load(folder).data)
