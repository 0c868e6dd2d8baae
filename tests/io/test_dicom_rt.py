# SPDX-License-Identifier: Apache-2.0
"""DICOM outside CT and MR: segmentations, doses, structure sets; and the younger codecs."""

import numpy as np
import pydicom
import pytest
from dicom_factory import make_enhanced, make_slice
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

import voxkern as vk

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def item(**tags):
    ds = Dataset()
    for tag, value in tags.items():
        setattr(ds, tag, value)
    return ds


def make_segmentation(frames, *, kind="BINARY", spacing=2.5, shape=(5, 7), maximum=255, n_segments=3):
    """Return a segmentation of (segment, z, mask or values) frames."""
    stack = np.stack([mask for _, _, mask in frames])
    ds = make_enhanced(stack.astype(np.uint8), positions=[(1, 2, z) for _, z, _ in frames])
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    ds.Modality, ds.SegmentationType = "SEG", kind
    if kind == "BINARY":
        ds.BitsAllocated = ds.BitsStored = 1
        ds.HighBit = 0
        packed = np.packbits(stack.astype(np.uint8).reshape(-1), bitorder="little").tobytes()
        ds.PixelData = packed + bytes(len(packed) % 2)
    if kind == "FRACTIONAL":
        ds.MaximumFractionalValue = maximum
    ds.SegmentSequence = Sequence(
        [item(SegmentNumber=k, SegmentLabel=f"organ {k}") for k in range(1, n_segments + 1)]
    )
    measures = ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    if spacing is not None:
        measures.SpacingBetweenSlices = spacing
    for group, (segment, _, _) in zip(ds.PerFrameFunctionalGroupsSequence, frames, strict=True):
        group.SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=segment)])
    return ds


@pytest.fixture
def masks(rng):
    return rng.random((6, 5, 7)) > 0.6


# --- segmentations -------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_file", [True, False])
def test_segments_become_a_label_map(tmp_path, masks, as_file):
    """Slices and segments that are left out are zero; the frames may come in any order."""
    masks[1] &= ~masks[0]
    frames = [(2, 10.0, masks[1]), (1, 10.0, masks[0]), (3, 17.5, masks[2]), (1, 2.5, masks[3])]
    ds = make_segmentation(frames)
    if as_file:
        pydicom.dcmwrite(tmp_path / "a", ds)
    v = vk.load(tmp_path / "a" if as_file else ds)
    want = np.zeros((7, 5, 7), np.uint8)
    want[3] = masks[0] + 2 * masks[1]
    want[6], want[0] = 3 * masks[2], masks[3]
    np.testing.assert_array_equal(v.data, want)
    assert v.dtype == np.uint8 and v.meta["segments"] == ((1, "organ 1"), (2, "organ 2"), (3, "organ 3"))
    np.testing.assert_allclose((LPS @ v.affine)[:3], [[0, 0, 0.9, 1], [0, 0.7, 0, 2], [2.5, 0, 0, 2.5]])


def test_segments_that_overlap_are_an_axis(masks):
    masks[0, 0, 0] = masks[1, 0, 0] = True
    v = vk.load(make_segmentation([(1, 0.0, masks[0]), (2, 0.0, masks[1]), (2, 2.5, masks[2])]))
    assert v.meta["axes"] == ("segment",) and v.meta["axis_values"] == ((1, 2),)
    np.testing.assert_array_equal(v.data[..., 0], [masks[0], 0 * masks[0]])
    np.testing.assert_array_equal(v.data[..., 1], masks[1:3])


def test_fractions(rng):
    values = rng.integers(0, 101, (3, 5, 7))
    frames = [(1, 0.0, values[0]), (1, 2.5, values[1]), (2, 0.0, values[2])]
    v = vk.load(make_segmentation(frames, kind="FRACTIONAL", maximum=100))
    assert v.dtype == np.float32 and v.shape == (2, 5, 7, 2)
    np.testing.assert_allclose(v.data[..., 0], values[:2] / 100, rtol=1e-6)
    np.testing.assert_allclose(v.data[0, ..., 1], values[2] / 100, rtol=1e-6)


def test_distance_of_slices_of_a_segmentation(masks):
    frames = [(1, z, masks[k]) for k, z in enumerate((0.0, 3.0, 9.0))]
    v = vk.load(make_segmentation(frames, spacing=None))
    assert v.shape[0] == 4 and v.spacing[0] == 3 and not v.data[2].any()
    with pytest.raises(vk.IrregularSpacingError, match=r"off a grid of 2\.500 mm"):
        vk.load(make_segmentation(frames))


def test_what_a_segmentation_refuses(masks):
    frames = [(1, 0.0, masks[0])]
    with pytest.raises(vk.UnsupportedSeriesError, match="SegmentationType is 'OTHER'"):
        vk.load(make_segmentation(frames, kind="OTHER"))
    with pytest.raises(vk.ArgumentError, match="suv"):
        vk.load(make_segmentation(frames), suv=True)
    with pytest.raises(vk.FileFormatError, match="max_bytes"):
        vk.load(make_segmentation([*frames, (1, 2.5e6, masks[1])]), max_bytes=10**6)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_one_of_two_frames_in_one_place_would_be_lost(masks, kind):
    frames = [(1, 0.0, masks[0]), (1, 2.5, masks[1]), (1, 2.5, masks[2])]
    of = "" if kind == "LABELMAP" else " of segment 1"
    with pytest.raises(vk.UnsupportedSeriesError, match=f"another frame{of} in slice 1, allowed one"):
        vk.load(make_segmentation(frames, kind=kind))


def test_segmentation_equals_highdicom(tmp_path, rng):
    """Written and read by highdicom, 1 bit a voxel, empty frames left out."""
    hd = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes

    sources = []
    study = generate_uid()
    for k in range(6):
        ds = make_slice(np.zeros((9, 11), np.int16), (3, 4, 2.5 * k), series_uid="1.2.3", number=k + 1)
        ds.StudyInstanceUID, ds.FrameOfReferenceUID = study, "1.2.3.4"
        ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ds.PatientSex = (
            ds.PatientBirthDate
        ) = ""
        ds.ReferringPhysicianName = ""
        sources.append(ds)
    labels = rng.integers(0, 3, (6, 9, 11)).astype(np.uint8)
    labels[2] = 0
    described = [
        hd.seg.SegmentDescription(
            segment_number=k,
            segment_label=f"organ {k}",
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for k in (1, 2)
    ]
    seg = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=labels,
        segmentation_type="BINARY",
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
    )
    seg.save_as(tmp_path / "seg.dcm")
    v = vk.load(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(v.data, labels)
    want = hd.seg.segread(tmp_path / "seg.dcm").get_volume(combine_segments=True)
    want = vk.reorient(vk.Volume(want.array, LPS @ want.affine), v.orientation)  # its slices descend
    np.testing.assert_array_equal(v.data, want.data)
    np.testing.assert_allclose(v.affine, want.affine, atol=1e-9)


# --- doses ---------------------------------------------------------------------------------------------


def make_dose(pixels, offsets, **tags):
    ds = make_enhanced(pixels, positions=None)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.2"
    ds.Modality, ds.DoseUnits, ds.DoseGridScaling = "RTDOSE", "GY", 2.5e-5
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-5, 6, 10], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.GridFrameOffsetVector = [2, 3], offsets
    for tag, value in tags.items():
        setattr(ds, tag, value)
    return ds


@pytest.mark.parametrize("offsets", [[0.0, 2.5, 5.0], [10.0, 12.5, 15.0]])  # from the grid, or the patient
def test_dose_is_scaled_and_placed(rng, offsets):
    pixels = rng.integers(0, 1 << 31, (3, 4, 5)).astype(np.uint32)
    v = vk.load(make_dose(pixels, offsets))
    np.testing.assert_allclose(v.data, pixels * 2.5e-5, rtol=1e-6)
    assert v.dtype == np.float32 and v.meta["units"] == "GY"
    np.testing.assert_allclose((LPS @ v.affine)[:3], [[0, 0, 3, -5], [0, 2, 0, 6], [2.5, 0, 0, 10]])


def test_dose_of_one_plane_is_scaled(rng):
    pixels = rng.integers(0, 999, (1, 4, 5)).astype(np.uint16)
    v = vk.load(make_dose(pixels, [0.0], SliceThickness=3))
    np.testing.assert_allclose(v.data, pixels * 2.5e-5, rtol=1e-6)


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        ({"DoseGridScaling": None}, vk.FileFormatError, "DoseGridScaling"),
        ({"GridFrameOffsetVector": [3.0, 5.5, 8.0]}, vk.GeometryError, "GridFrameOffsetVector starts at 3"),
        ({"GridFrameOffsetVector": [0.0, 2.5, 6.0]}, vk.IrregularSpacingError, "gaps"),
    ],
)
def test_a_dose_that_does_not_add_up_is_refused(tags, kind, words):
    with pytest.raises(kind, match=words):
        vk.load(make_dose(np.ones((3, 4, 5), np.uint16), [0.0, 2.5, 5.0], **tags))


def test_a_structure_set_is_refused_by_name(make_series):
    folder, _ = make_series()
    ds = make_slice(np.zeros((2, 2), np.int16), (0, 0, 0), series_uid=generate_uid())
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    for tag in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(ds, tag)
    pydicom.dcmwrite(folder / "rt", ds)
    with pytest.raises(vk.NoImagesError, match=r"without pixel data \(RT Structure Set Storage\)"):
        vk.load(folder / "rt")
    assert vk.load(folder).meta["skipped"] == (("without pixel data", 1),)


# --- JPEG XL and HTJ2K ---------------------------------------------------------------------------------


def compressed(pixels, codec, syntax):
    """Return a slice whose pixels imagecodecs packed."""
    imagecodecs = pytest.importorskip("imagecodecs")
    if not getattr(imagecodecs, codec.upper()).available:
        pytest.skip(f"imagecodecs without {codec}")
    options = {"lossless": True} if codec == "jpegxl" else {"reversible": True}
    packed = getattr(imagecodecs, f"{codec}_encode")(pixels, **options)
    colour = pixels.ndim == 3
    ds = make_slice(pixels[..., 0] if colour else pixels, (0, 0, 0), series_uid="1.2.3", SliceThickness=2)
    if colour:
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = encapsulate([packed])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{syntax}"
    return ds


def written(ds, path):
    """Write a data set of a syntax that pydicom may not know."""
    syntax = ds.file_meta.TransferSyntaxUID
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    content = path.read_bytes()
    old, new = b"1.2.840.10008.1.2.4.90", syntax.encode()
    head = content[:600].replace(
        b"\x02\0\x10\0UI" + bytes([22, 0]) + old, b"\x02\0\x10\0UI" + bytes([24, 0]) + new.ljust(24, b"\0")
    )
    length = int.from_bytes(content[140:144], "little") + 2
    path.write_bytes(head[:140] + length.to_bytes(4, "little") + head[144:] + content[600:])
    return path


@pytest.mark.parametrize("shape", [(64, 64), (5, 7), (40, 30), (300, 200), (30, 40, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("syntax", [110, 112])
def test_jpeg_xl(tmp_path, rng, shape, dtype, syntax):
    pixels = rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    v = vk.load(written(compressed(pixels, "jpegxl", syntax), tmp_path / "a"))
    np.testing.assert_array_equal(v.data[0], pixels)


def test_jpeg_xl_of_another_size_is_refused(tmp_path, rng):
    ds = compressed(rng.integers(0, 255, (64, 64)).astype(np.uint8), "jpegxl", 110)
    ds.Rows = 32
    with pytest.raises(vk.FileFormatError, match=r"the code stream is of \(64, 64\) pixels"):
        vk.load(written(ds, tmp_path / "a"))


def test_a_missing_decoder_of_jpeg_xl_is_named(tmp_path, rng, monkeypatch):
    ds = compressed(rng.integers(0, 255, (64, 64)).astype(np.uint8), "jpegxl", 110)
    path = written(ds, tmp_path / "a")
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
    with pytest.raises(vk.MissingPackageError, match="JPEG XL needs imagecodecs"):
        vk.load(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_htj2k(tmp_path, rng, dtype):
    pixels = rng.integers(0, np.iinfo(dtype).max, (64, 48)).astype(dtype)
    v = vk.load(written(compressed(pixels, "htj2k", 201), tmp_path / "a"))
    np.testing.assert_array_equal(v.data[0], pixels)
