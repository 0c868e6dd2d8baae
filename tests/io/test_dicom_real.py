# SPDX-License-Identifier: Apache-2.0
"""Real scans of several vendors against dcm2niix, and what must be refused."""

import hashlib
import json
import random
import warnings
import zipfile

import nibabel as nib
import numpy as np
import pydicom
import pytest

import voxkern as vk

pytestmark = pytest.mark.data
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def series(data_pack, tmp_path):
    """Return a function that gives the path of a case, unpacked where it is an archive of several."""

    def find(case):
        path = data_pack / "dicom" / case
        if path.suffix == ".zip" and case != "mr_t1_philips_mprage.zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(tmp_path)
            return tmp_path
        return path

    return find


def canonical(volume):
    v = vk.reorient(volume, "RAS")
    return np.ascontiguousarray(v.data, np.float32), v.affine


def corners(shape):
    return np.array(np.meshgrid(*[[0, n - 1] for n in shape[:3]], [1], indexing="ij"), float).reshape(4, -1)


def places(path, n):
    """Positions of a classic series, first and last along its normal."""
    found = []
    for candidate in path.rglob("*"):
        if candidate.is_file():
            ds = pydicom.dcmread(candidate, stop_before_pixels=True)
            normal = np.cross(*np.array(ds.ImageOrientationPatient, float).reshape(2, 3))
            found.append((float(normal @ np.array(ds.ImagePositionPatient, float)), ds.ImagePositionPatient))
    found.sort(key=lambda pair: pair[0])
    assert len(found) == n
    return [np.array(p, float) for _, p in found]


# Bit for bit what dcm2niix writes.
EXACT = {"canon_enh", "ge_fmri_4d", "mosaic_siemens", "mr_t1_siemens_enh", "frag_j2k", "sts001_ct"}
# dcm2niix takes the distance of slices from the first two positions and multiplies it out. Where positions
# are written with few digits that is off at the far end: by so many millimetres in the last three.
CASES = {
    "canon_enh": ("canon_enhanced_dti/3000.dcm.gz", {}, 1e-3),
    "d2n_aniso": ("d2n_aniso", {}, 1e-3),
    "frag_j2k": ("fragmented_j2k", {}, 1e-3),
    "ge_fmri_4d": ("ge_fmri_4d", {}, 1e-3),
    "mosaic_siemens": ("mosaic_siemens.zip", {}, 1e-3),
    "mr_t1_siemens_enh": ("mr_t1_siemens_enhanced", {}, 1e-3),
    "philips_asl_4d": ("philips_asl_4d", {}, 1e-3),
    "mr_t1_philips_mprage": ("mr_t1_philips_mprage.zip", {"scale": "precise"}, 1.5e-3),
    "sts001_ct": ("sts001_ct.zip", {}, 1.2e-3),
    "sts001_pet": ("sts001_pet", {}, 2.5e-3),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_dcm2niix(data_pack, series, case):
    path, options, tolerance = CASES[case]
    want = json.loads((data_pack / "refs" / f"{case}.json").read_text())["outputs"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        v = vk.load(series(path), **options)
    data, affine = canonical(v)
    assert list(data.shape) == want["canonical_shape"]
    apart = np.abs((affine - np.array(want["canonical_affine"])) @ corners(data.shape)).max()
    assert apart <= tolerance
    if case in EXACT:
        assert hashlib.sha256(data.tobytes()).hexdigest() == want["sha256_canonical_float32_C_order"]
    else:
        scale = 1.0
        if case == "philips_asl_4d":  # dcm2niix scaled these twice: the values, and the header's slope
            scale = 1 / want["slope"]
        got = [data.min(), data.max(), data.mean(dtype=np.float64), data.std(dtype=np.float64)]
        np.testing.assert_allclose(got, [want[k] * scale for k in ("min", "max", "mean", "std")], rtol=1e-5)


@pytest.mark.parametrize(("case", "n"), [("sts001_ct.zip", 59), ("sts001_pet", 59), ("d2n_aniso", 4)])
def test_first_and_last_slice_lie_where_their_files_say(series, case, n):
    path = series(case)
    v = vk.load(path)
    positions = places(path, n)
    for k in (0, n // 2, n - 1):
        np.testing.assert_allclose((LPS @ v.affine @ [k, 0, 0, 1])[:3], positions[k], atol=2e-3)
    for k in (0, n - 1):
        np.testing.assert_allclose((LPS @ v.affine @ [k, 0, 0, 1])[:3], positions[k], atol=1e-4)


NIFTI = [
    *((f"transfer_syntax_mosaic/{k}.dcm", "transfer_syntax_mosaic/Ref/1.nii", 0) for k in range(1, 10)),
    ("bits12/12bitUnsigned.dcm", "bits12/Ref/2.nii", 0),
    ("bits12/12bitUnsigned_0x0F0F.dcm", "bits12/Ref/3.nii", 0),
    ("bits12/12bitSigned_0x0F0F.dcm", "bits12/Ref/4.nii", 0),
    ("canon_enhanced_dti/3000.dcm.gz", "canon_enhanced_dti/Ref/3000_DTI_PA-ortho_enh.nii.gz", 0),
    ("sts001_pet", "sts001_ref/PET_image.nii.gz", 1e-6),
]


@pytest.mark.parametrize(("case", "reference", "tolerance"), NIFTI, ids=[n[0] for n in NIFTI])
def test_equals_nifti_twin(data_pack, case, reference, tolerance):
    """Nine transfer syntaxes, twelve bits with and without a sign, a dynamic DTI, a PET."""
    want = nib.as_closest_canonical(nib.load(data_pack / "dicom" / reference))
    data, affine = canonical(vk.load(data_pack / "dicom" / case))
    np.testing.assert_allclose(data, want.get_fdata(), atol=tolerance * float(data.max()), rtol=0)
    assert np.abs((affine - want.affine) @ corners(data.shape)).max() <= 1e-3


def test_philips_precise_values_equal_dcm2niix(data_pack):
    want = nib.as_closest_canonical(nib.load(data_pack / "nifti" / "t1_philips_mprage.nii.gz"))
    archive = data_pack / "dicom" / "mr_t1_philips_mprage.zip"
    precise, shown = vk.load(archive, scale="precise"), vk.load(archive)
    np.testing.assert_allclose(canonical(precise)[0], want.get_fdata(), rtol=1e-6)
    factor = shown.meta["precise_factor"]
    assert len(factor) == 1
    np.testing.assert_allclose(precise.data, shown.data * factor[0], rtol=1e-5)


def test_file_order_does_not_matter(series):
    path = series("philips_asl_4d")
    files = [p for p in path.iterdir() if p.suffix == ".dcm"]
    want = vk.load(files)
    for seed in range(3):
        random.Random(seed).shuffle(files)
        got = vk.load(files)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_array_equal(got.affine, want.affine)


def test_lossless_codecs_agree(data_pack):
    folder = data_pack / "dicom" / "transfer_syntax_ct"
    want = vk.load(folder / "CTImage.dcm").data
    bounds = {"4.91": 5, "4.81": 1, "4.50": 65, "4.51": 36, "4.53": 36, "4.55": 36}
    paths = sorted(folder.glob("CTImage.dcm_*"))
    assert len(paths) == 15
    for path in paths:
        bound = next((b for tail, b in bounds.items() if path.name.endswith(f".{tail}.dcm")), 0)
        apart = np.abs(vk.load(path).data.astype(float) - want).max()
        assert apart <= bound, path.name
    four = [vk.load(data_pack / "dicom" / f"d2n_compressed_{c}").data for c in ("j2k", "jpegls", "rle")]
    assert np.array_equal(four[0], four[1]) and np.array_equal(four[0], four[2])


REFUSED = [
    ("ct_ge_tilt.zip", "", vk.IrregularSpacingError, r"1\.081 mm after 18\.36 mm, 6\.999 mm"),
    ("d2n_failing.zip", "sliceincrement", vk.IrregularSpacingError, r"1 of 3 gaps"),
    ("d2n_failing.zip", "sliceorientation", vk.SeveralSeriesError, "2 volumes"),
    ("localizer_ge", "", vk.SeveralSeriesError, "3 volumes"),
    ("bits12", "", vk.SeveralSeriesError, "3 volumes"),
    ("sts001_rtstruct", "", vk.NoImagesError, "1 without pixel data"),
    ("transfer_syntax_ct/no-pixel-spacing.dcm", "", vk.GeometryError, "spacing="),
    ("transfer_syntax_ct/no-pixel-data.dcm", "", vk.NoImagesError, "without pixel data"),
    ("pydicom_misc/emri_small.dcm", "", vk.GeometryError, "ImagePositionPatient"),
]


@pytest.mark.parametrize(("case", "member", "kind", "words"), REFUSED)
def test_what_must_be_refused(series, case, member, kind, words):
    path = series(case)
    if member:
        path = next(p for p in path.rglob("*") if p.is_dir() and member in p.name)
    with pytest.raises(kind, match=words):
        vk.load(path)


LOADED = [
    ("d2n_rgb", (4, 77, 52, 3), "uint8"),
    ("pydicom_misc/liver.dcm", (3, 512, 512), "uint8"),
    ("pydicom_misc/liver_deflate.dcm", (3, 512, 512), "uint8"),
    ("pydicom_misc/liver_nonbyte_aligned_deflate.dcm", (3, 510, 510), "uint8"),
    ("pydicom_misc/parametric_map_float.dcm", (1, 128, 128), "float32"),
    ("pydicom_misc/eCT_Supplemental.dcm", (2, 512, 512), "int16"),
    ("pydicom_misc/JPEG-LL.dcm", (1, 1024, 256), "int16"),
    ("vendors_small/hyperfine_001.dcm", (8, 138, 112), "uint16"),
    ("vendors_small/philips_enh_IM-0001-9600-0001.dcm", (8, 64, 64, 4), "float32"),
    ("agfa_private_renumber/011-0001.img", (25, 64, 64), "int16"),
    ("agfa_private_renumber/original_siemens.dcm", (25, 64, 64), "int16"),
]


@pytest.mark.parametrize(("case", "shape", "dtype"), LOADED)
def test_what_must_load(data_pack, case, shape, dtype):
    v = vk.load(data_pack / "dicom" / case)
    assert v.shape == shape and v.dtype == dtype and float(np.ptp(v.data)) > 0


def test_flat_images_load_with_a_given_spacing(data_pack):
    folder = data_pack / "dicom"
    for name, shape in (
        ("transfer_syntax_ct/no-pixel-spacing.dcm", (1, 600, 800, 3)),
        ("transfer_syntax_ct/TestPattern_Palette.dcm", (1, 400, 640, 3)),
        ("transfer_syntax_ct/TestPattern_Palette_16.dcm", (1, 400, 640, 3)),
        ("transfer_syntax_ct/TestPattern_JPEG-Baseline_YBR422.dcm", (1, 400, 640, 3)),
        ("pydicom_misc/HTJ2KLossless_08_RGB.dcm", (1, 480, 640, 3)),
        ("pydicom_misc/color-pl.dcm", (1, 120, 256, 3)),
        ("pydicom_misc/JLSL_16_15_1_1F.dcm", (1, 128, 128)),
        ("pydicom_misc/mlut_18.dcm", (1, 512, 512)),
    ):
        assert vk.load(folder / name, spacing=1.0).shape == shape, name
    signed = vk.load(folder / "pydicom_misc/JLSL_16_15_1_1F.dcm", spacing=1.0)
    assert signed.data.min() < 0


def test_tilted_ct_is_kept_sheared_or_rectified(series):
    folder = next(p for p in series("d2n_failing.zip").rglob("*") if "gantrytilting" in p.name)
    with pytest.warns(UserWarning, match="sheared"):
        sheared = vk.load(folder)
    straight = vk.load(folder, untilt=True)
    assert sheared.meta["sheared"] and not straight.meta["sheared"]
    normal = np.cross(straight.direction[:, 1], straight.direction[:, 2])
    assert abs(float(normal @ straight.direction[:, 0])) == pytest.approx(1.0)
    # Interpolation stays within the values there are, and most of them where they were.
    assert straight.data.min() >= sheared.data.min() and straight.data.max() <= sheared.data.max()
    medians = [float(np.median(d[d > d.min()])) for d in (sheared.data, straight.data)]
    assert medians[0] == pytest.approx(medians[1], abs=0.01 * float(np.ptp(sheared.data)))


def test_ge_head_with_mixed_gaps_and_tilt_on_request(series):
    v, padding = vk.load(series("ct_ge_tilt.zip"), irregular="resample", untilt=True, return_padding=True)
    assert not v.meta["sheared"] and len(v.meta["repairs"]) == 2
    extent = (v.shape[0] - 1) * v.spacing[0] / np.cos(np.radians(18.5))  # along the table
    assert extent == pytest.approx(152, abs=1)
    np.testing.assert_array_equal(v.data[padding.data], -1500)
    assert v.data[~padding.data].min() > -1500


def test_one_extra_slice_per_worker(data_pack, real_series):
    """Memory beyond the volume stays small: neither a stack of slices nor a second copy."""
    import subprocess
    import sys

    # A few slices first: code, tables and threads that the first load of a process brings are not its volume.
    code = (
        "import sys, pathlib, voxkern as vk\n"
        "read = lambda k: int(next(l for l in open('/proc/self/status') if l.startswith(k)).split()[1])\n"
        "files = sorted(p for p in pathlib.Path(sys.argv[1]).rglob('*') if p.is_file())\n"
        "vk.load(files[:8]); vk.release_memory()\n"
        "open('/proc/self/clear_refs', 'w').write('5'); before = read('VmRSS'); v = vk.load(sys.argv[1])\n"
        "print((read('VmHWM') - before) * 1024 - v.data.nbytes)"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    done = subprocess.run(
        [sys.executable, "-c", code, str(real_series)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 8 << 20  # the volume has 42 MiB; headers and two slices take 2 to 3


# --- damaged files -------------------------------------------------------------------------------------


def expectations(data_pack):
    for line in (data_pack / "bad" / "README.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) > 4 and cells[2] in ("load", "warn", "error"):
            yield cells[1], cells[2]


def test_bad_and_edge_files_do_what_is_expected(data_pack):
    rows = list(expectations(data_pack))
    assert len(rows) == 48
    wrong = {}
    for name, expected in rows:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                vk.load(data_pack / "bad" / name)
                found = "warn" if told else "load"
            except vk.LoadError as error:
                found = "error"
                assert "\n" not in str(error) and name in str(error), name
        if found != expected or len(told) > 1:
            wrong[name] = (expected, found, [str(w.message) for w in told])
    assert not wrong


def test_a_bomb_is_stopped_by_max_bytes(data_pack):
    with pytest.raises(vk.FileFormatError, match="max_bytes"):
        vk.load(data_pack / "bad" / "gz_bomb_300MB.nii.gz", max_bytes=100 << 20)
