# SPDX-License-Identifier: Apache-2.0
"""Every bad input gets its one clear typed error; here they are all in one list."""

import pickle

import numpy as np
import pytest
from dicom_factory import write_series

import voxkern as vk

VOLUME = vk.Volume(np.zeros((4, 5, 6), np.float32), np.eye(4))
ARRAY = np.zeros((4, 5, 6), np.float32)
RAMP = np.arange(1.0, 121.0, dtype=np.float32).reshape(4, 5, 6)
NAN = float("nan")


def moved(volume):
    return vk.Volume(volume.data, volume.affine + np.eye(4)[:, [1, 2, 3, 0]] * 5 * (np.arange(4) == 3))


def folder_of(tmp_path, **kwargs):
    write_series(tmp_path, **kwargs)
    return tmp_path


def two_series(tmp_path):
    write_series(tmp_path, order=range(6))
    write_series(tmp_path, order=range(6, 12))
    return tmp_path


def file_with(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def spoiled(tmp_path, **tags):
    def edit(k, ds):
        for tag, value in tags.items():
            if value is None:
                delattr(ds, tag)
            else:
                setattr(ds, tag, value)

    write_series(tmp_path, edit=edit)
    return next(iter(sorted(tmp_path.iterdir())))


TURNED = np.array([[1, 0.1, 0], [-0.1, 1, 0], [0, 0, 1.0]])
FIELD = np.zeros((4, 5, 6, 3))
LABELS = np.zeros((4, 5, 6), np.uint8)

CASES = [
    # rank, dtype, empty
    ("data", vk.ArgumentError, lambda t: vk.Volume(np.zeros((3, 3)), np.eye(4))),
    ("data", vk.ArgumentTypeError, lambda t: vk.Volume([[1, 2], [3, 4]], np.eye(4))),
    ("x", vk.ArgumentTypeError, lambda t: vk.resample(np.zeros((4, 4, 4), np.clongdouble), shape=5)),
    ("x", vk.ArgumentTypeError, lambda t: vk.resample(np.array(["a", "b"]), shape=5)),
    ("x", vk.ArgumentTypeError, lambda t: vk.zscore(np.array([object()]))),
    ("x", vk.ArgumentError, lambda t: vk.resample(np.zeros((0, 4, 4)), shape=5)),
    ("x", vk.ArgumentError, lambda t: vk.zscore(np.zeros((0, 4)))),
    ("axes", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, axes=3)),
    ("axes", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, axes=(0, 0))),
    # affine
    ("affine", vk.ArgumentError, lambda t: vk.Volume(ARRAY, np.eye(3))),
    ("affine", vk.ArgumentError, lambda t: vk.Volume(ARRAY, np.diag([1.0, NAN, 1, 1]))),
    ("affine", vk.ArgumentError, lambda t: vk.Volume(ARRAY, np.diag([1.0, 0, 1, 1]))),
    ("affine", vk.ArgumentError, lambda t: vk.Volume(ARRAY, np.ones((4, 4)))),
    # spacing, shape, grids
    ("spacing", vk.ArgumentError, lambda t: vk.resample(VOLUME, spacing=NAN)),
    ("spacing", vk.ArgumentError, lambda t: vk.resample(VOLUME, spacing=(1, 0, 1))),
    ("spacing", vk.ArgumentError, lambda t: vk.resample(VOLUME, spacing=-1)),
    ("spacing", vk.ArgumentError, lambda t: vk.resample(VOLUME, spacing=(1, 1))),
    ("spacing", vk.ArgumentError, lambda t: vk.resample(ARRAY, spacing=1)),
    ("shape", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=(1, 0, 1))),
    ("shape", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=2.5)),
    (
        "spacing, shape",
        vk.ArgumentError,
        lambda t: vk.resample(VOLUME, spacing=1, shape=5, convention="extent"),
    ),
    ("spacing, shape, affine", vk.ArgumentError, lambda t: vk.resample(ARRAY)),
    ("spacing, shape, affine", vk.ArgumentError, lambda t: vk.resample(VOLUME, like=VOLUME, spacing=1)),
    ("like", vk.ArgumentTypeError, lambda t: vk.resample(VOLUME, like=ARRAY)),
    ("like", vk.ArgumentError, lambda t: vk.resample(ARRAY, like=VOLUME)),
    ("matrix", vk.ArgumentError, lambda t: vk.resample(ARRAY, matrix=np.full((3, 3), NAN))),
    ("matrix", vk.ArgumentError, lambda t: vk.resample(ARRAY, matrix=np.eye(2))),
    ("order", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, order=6)),
    ("mode", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, mode="edge")),
    ("convention", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, convention="center")),
    ("shape_rule", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, shape_rule="up")),
    *(
        case
        for n in (0, -1, 1.5, "2", [2], float("nan"), 2**31, 10**18)
        for case in (
            ("threads", vk.ArgumentError, lambda t, n=n: vk.resample(ARRAY, shape=5, threads=n)),
            ("threads", vk.ArgumentError, lambda t, n=n: vk.ndimage.gaussian_filter(ARRAY, 1, threads=n)),
            ("n", vk.ArgumentError, lambda t, n=n: vk.set_num_threads(n)),
        )
    ),
    # out
    ("out", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=(4, 5, 6), out=ARRAY)),
    ("out", vk.ArgumentError, lambda t: vk.resample(ARRAY[:2], shape=(2, 5, 6), out=ARRAY[1:3])),
    ("out", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, out=np.zeros((5, 5, 4)))),
    ("out", vk.ArgumentTypeError, lambda t: vk.resample(ARRAY, shape=2, out=[0.0])),
    ("output", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=2, out=np.broadcast_to(0.0, (2, 2, 2)))),
    ("out", vk.ArgumentTypeError, lambda t: vk.resample(ARRAY, shape=2, out=np.zeros((2, 2, 2), "S2"))),
    ("out", vk.ArgumentTypeError, lambda t: vk.resample(ARRAY + 0j, shape=2, out=np.zeros((2, 2, 2)))),
    # grids in any direction, transforms
    ("order", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, order="lanczos7")),
    ("order", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, order="sinc")),
    ("order", vk.ArgumentError, lambda t: vk.resample(ARRAY, shape=5, order=True)),
    ("antialias", vk.ArgumentError, lambda t: vk.resample(ARRAY, matrix=TURNED, antialias=True)),
    ("transform", vk.ArgumentError, lambda t: vk.resample(ARRAY, transform=np.eye(4))),
    ("transform", vk.ArgumentError, lambda t: vk.resample(VOLUME, transform=np.eye(3))),
    ("transform", vk.ArgumentError, lambda t: vk.resample(VOLUME, transform=2 * np.eye(4))),
    ("transform", vk.ArgumentError, lambda t: vk.resample(VOLUME, transform=VOLUME)),
    ("transform", vk.ArgumentTypeError, lambda t: vk.resample(VOLUME, transform="rigid")),
    (
        "transform, matrix",
        vk.ArgumentError,
        lambda t: vk.resample(VOLUME, transform=np.eye(4), matrix=TURNED),
    ),
    ("x", vk.ArgumentError, lambda t: vk.ResamplePlan(ARRAY, shape=5)(ARRAY[1:])),
    # warp and push
    ("displacement", vk.ArgumentError, lambda t: vk.warp(ARRAY, np.zeros((4, 5, 6, 3), int))),
    ("displacement", vk.ArgumentError, lambda t: vk.warp(ARRAY, np.zeros((4, 5, 3)))),
    ("displacement", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, units="mm")),
    ("displacement", vk.ArgumentError, lambda t: vk.warp(ARRAY, vk.Volume(FIELD, np.eye(4)))),
    ("units", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, units="cm")),
    ("x", vk.ArgumentError, lambda t: vk.warp(ARRAY[0], FIELD)),
    ("x", vk.ArgumentTypeError, lambda t: vk.warp(np.array(["a"]), FIELD)),
    ("out", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, out=np.zeros((4, 5, 5)))),
    ("out", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, out=ARRAY)),
    ("mode", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, mode="edge")),
    ("return_gradient", vk.ArgumentError, lambda t: vk.warp(ARRAY, FIELD, order=0, return_gradient=True)),
    (
        "return_gradient",
        vk.ArgumentError,
        lambda t: vk.warp(ARRAY, FIELD, order="welch", return_gradient=True),
    ),
    ("x", vk.ArgumentError, lambda t: vk.push(ARRAY[1:], FIELD)),
    ("x", vk.ArgumentTypeError, lambda t: vk.push(ARRAY + 0j, FIELD)),
    ("shape", vk.ArgumentError, lambda t: vk.push(ARRAY, FIELD, shape=(3, 4))),
    ("shape", vk.ArgumentError, lambda t: vk.push(ARRAY, FIELD, shape=0)),
    ("like", vk.ArgumentTypeError, lambda t: vk.push(ARRAY, FIELD, like=ARRAY)),
    ("order", vk.ArgumentError, lambda t: vk.push(ARRAY, FIELD, order="welch")),
    # labels
    ("x", vk.ArgumentTypeError, lambda t: vk.resample_labels(RAMP * 0.5, shape=5)),
    ("x", vk.ArgumentError, lambda t: vk.resample_labels(np.zeros((0, 3), int), shape=5)),
    ("rule", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, rule="mode")),
    ("sigma", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, rule="gaussian", sigma=0)),
    ("sigma", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, rule="gaussian", alpha=9)),
    ("cval", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, cval=300)),
    ("out", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, out=np.zeros((5, 5, 5)))),
    ("out", vk.ArgumentError, lambda t: vk.resample_labels(LABELS, shape=5, out=np.zeros((5, 5, 4), "u1"))),
    (
        "transform",
        vk.ArgumentError,
        lambda t: vk.resample_labels(vk.Volume(LABELS, np.eye(4)), transform=vk.Volume(FIELD, np.eye(4))),
    ),
    ("logits", vk.ArgumentError, lambda t: vk.resample_argmax(np.zeros(5, "f4"), shape=5)),
    ("logits", vk.ArgumentError, lambda t: vk.resample_argmax(ARRAY + 0j, shape=5)),
    ("like", vk.ArgumentError, lambda t: vk.resample_argmax(ARRAY, like=VOLUME)),
    ("out", vk.ArgumentTypeError, lambda t: vk.resample_argmax(ARRAY, shape=5, out=np.zeros((5, 5)))),
    # N4
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(np.ones(5, np.float32))),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(np.ones((2, 0, 5)))),
    ("x", vk.ArgumentTypeError, lambda t: vk.n4_bias_field_correction(np.ones((4, 4, 4), complex))),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(ARRAY + 7)),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(ARRAY)),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(-RAMP)),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(-RAMP, compat="exact")),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(np.where(RAMP == 9, NAN, RAMP))),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(np.where(RAMP == 9, np.inf, RAMP))),
    ("x", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(ARRAY, "otsu")),
    ("mask", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, ARRAY)),
    ("mask", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, RAMP, mask_label=1000)),
    ("mask", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, np.ones((4, 5)))),
    ("mask", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, "brain")),
    ("mask", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(VOLUME, moved(VOLUME))),
    ("mask_label", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, mask_label=1)),
    ("weights", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, weights=-RAMP)),
    ("weights", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, weights=RAMP * NAN)),
    ("shrink_factor", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, shrink_factor=0)),
    ("mesh", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, mesh=0)),
    (
        "mesh, spline",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(VOLUME, mesh=1, spline_distance=9),
    ),
    ("spline_distance", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, spline_distance=9)),
    ("spline_distance", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(VOLUME, spline_distance=0)),
    ("spline_order", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, spline_order=6)),
    (
        "number_of_control_points",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(RAMP, number_of_control_points=3),
    ),
    (
        "number_of_control_points",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(RAMP, number_of_control_points=400),
    ),
    (
        "number_of_histogram_bins",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(RAMP, number_of_histogram_bins=1),
    ),
    (
        "maximum_number_of_iterations",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(RAMP, maximum_number_of_iterations=(0, 5)),
    ),
    (
        "convergence_threshold",
        vk.ArgumentError,
        lambda t: vk.n4_bias_field_correction(RAMP, convergence_threshold=-1),
    ),
    ("wiener", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, wiener_filter_noise=0)),
    ("compat", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, compat="ants")),
    ("field_alignment", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, field_alignment="a")),
    ("outside", vk.ArgumentError, lambda t: vk.n4_bias_field_correction(RAMP, outside="zero")),
    ("callback", vk.ArgumentTypeError, lambda t: vk.n4_bias_field_correction(RAMP, callback=5)),
    ("n4", vk.ArgumentError, lambda t: vk.preprocess(VOLUME, n4="best")),
    ("n4", vk.ArgumentError, lambda t: vk.preprocess(VOLUME, n4={"threads": 1})),
    # intensities
    ("mask", vk.ArgumentError, lambda t: vk.zscore(ARRAY, mask=np.zeros((4, 5, 6)))),
    ("mask", vk.ArgumentError, lambda t: vk.zscore(ARRAY, mask=np.ones(3))),
    ("x", vk.ArgumentError, lambda t: vk.zscore(ARRAY)),
    ("x", vk.ArgumentError, lambda t: vk.zscore(np.array([1.0, NAN]))),
    ("low, high", vk.ArgumentError, lambda t: vk.window(ARRAY, 1, 1)),
    ("q", vk.ArgumentError, lambda t: vk.percentiles(ARRAY, 101)),
    ("mask", vk.ArgumentError, lambda t: vk.otsu(ARRAY, mask=np.ones(3))),
    ("x", vk.ArgumentError, lambda t: vk.bounding_box(np.zeros((4, 5)))),
    ("margin", vk.ArgumentError, lambda t: vk.crop_to_nonzero(ARRAY, margin=-1)),
    ("orientation", vk.ArgumentError, lambda t: vk.reorient(VOLUME, "RAR")),
    ("volume", vk.ArgumentTypeError, lambda t: vk.reorient(ARRAY, "RAS")),
    ("normalize", vk.ArgumentError, lambda t: vk.preprocess(VOLUME, normalize="minmax")),
    # files
    ("no such file", vk.FileFormatError, lambda t: vk.load(t / "missing")),
    ("no such file", vk.FileFormatError, lambda t: vk.load(t / "missing.nii.gz")),
    ("path", vk.ArgumentTypeError, lambda t: vk.load(5)),
    ("no file at all", vk.NoImagesError, lambda t: vk.load(t)),
    ("1 not DICOM", vk.NoImagesError, lambda t: vk.load(file_with(t, "a.txt", b"hello").parent)),
    ("not a DICOM file", vk.FileFormatError, lambda t: vk.load(file_with(t, "a.dcm", b"hello"))),
    ("not a readable NIfTI", vk.FileFormatError, lambda t: vk.load(file_with(t, "a.nii", b"x" * 400))),
    ("not a readable NIfTI", vk.FileFormatError, lambda t: vk.load(file_with(t, "a.nii.gz", b"hello"))),
    ("2 volumes", vk.SeveralSeriesError, lambda t: vk.load(two_series(t))),
    ("series", vk.ArgumentError, lambda t: vk.load(folder_of(t), series="1.2.3")),
    ("PixelSpacing", vk.GeometryError, lambda t: vk.load(spoiled(t, PixelSpacing=None))),
    ("PixelSpacing", vk.GeometryError, lambda t: vk.load(spoiled(t, PixelSpacing=[0, 1]))),
    ("ImagePositionPatient", vk.GeometryError, lambda t: vk.load(spoiled(t, ImagePositionPatient=None))),
    (
        "ImageOrientationPatient",
        vk.GeometryError,
        lambda t: vk.load(spoiled(t, ImageOrientationPatient=[0] * 6)),
    ),
    ("RescaleSlope", vk.FileFormatError, lambda t: vk.load(spoiled(t, RescaleSlope=0))),
    ("pixels need", vk.FileFormatError, lambda t: vk.load(spoiled(t, PixelData=b"\0" * 10))),
    ("pixels need", vk.FileFormatError, lambda t: vk.load(spoiled(t, Rows=65535, Columns=65535))),
    ("pixel data", vk.NoImagesError, lambda t: vk.load(spoiled(t, PixelData=None))),
    ("2 frames", vk.GeometryError, lambda t: vk.load(spoiled(t, NumberOfFrames=2))),
    ("mosaic", vk.UnsupportedSeriesError, lambda t: vk.load(spoiled(t, ImageType=["ORIGINAL", "MOSAIC"]))),
    ("missing", vk.ArgumentError, lambda t: vk.load(folder_of(t), missing="guess")),
    ("irregular", vk.ArgumentError, lambda t: vk.load(folder_of(t), irregular="average")),
    ("scale", vk.ArgumentError, lambda t: vk.load(folder_of(t), scale="raw")),
    ("scale", vk.ArgumentError, lambda t: vk.load(folder_of(t), scale="precise")),
    ("suv", vk.ArgumentError, lambda t: vk.load(folder_of(t), suv=True)),
    ("keep", vk.ArgumentError, lambda t: vk.load(folder_of(t), keep=["Name"])),
    ("max_bytes", vk.ArgumentError, lambda t: vk.load(folder_of(t), max_bytes=0)),
    ("max_bytes", vk.FileFormatError, lambda t: vk.load(folder_of(t), max_bytes=10)),
    ("spacing", vk.ArgumentError, lambda t: vk.load(folder_of(t), spacing=(1, 0, 1))),
    ("shape, dtype", vk.ArgumentError, lambda t: vk.load(file_with(t, "a.raw", b"x" * 8), shape=(2, 2, 2))),
    (
        "the file has 9",
        vk.FileFormatError,
        lambda t: vk.load(file_with(t, "a.raw", b"x" * 9), shape=(2, 2, 2), dtype="u1"),
    ),
    ("suv", vk.ArgumentError, lambda t: vk.load(vk.save(VOLUME, t / "a.nii"), suv=True)),
    ("spacing", vk.ArgumentError, lambda t: vk.load(vk.save(VOLUME, t / "a.nii"), spacing=1)),
    ("keep", vk.ArgumentError, lambda t: vk.load(vk.save(VOLUME, t / "a.nii"), keep=["PatientID"])),
    ("max_bytes", vk.FileFormatError, lambda t: vk.load(vk.save(VOLUME, t / "a.nii.gz"), max_bytes=50)),
    *(
        ("not a readable", vk.FileFormatError, lambda t, s=s: vk.load(file_with(t, f"a{s}", b"hello " * 99)))
        for s in (".mnc", ".mgz", ".hdr", ".mha", ".nrrd", ".hv", ".tif", ".png", ".gif", ".npz")
    ),
    ("meta", vk.ArgumentError, lambda t: vk.Volume(ARRAY, np.eye(4), {"patient": "x"})),
    ("meta", vk.ArgumentTypeError, lambda t: vk.Volume(ARRAY, np.eye(4), {"modality": 3})),
    ("path: got an empty name", vk.ArgumentError, lambda t: vk.load("")),
    # saving
    ("format", vk.ArgumentError, lambda t: vk.save(VOLUME, t / "a", format="jpeg")),
    ("volume", vk.ArgumentError, lambda t: vk.save(VOLUME, t / "a", format="png")),
    ("volume", vk.ArgumentTypeError, lambda t: vk.save(ARRAY, t / "a.nii")),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, t / "a.png")),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, t / "missing" / "a.nii")),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, folder_of(t))),
    (
        "path: got a, allowed a name that ends with .nii, ",
        vk.ArgumentError,
        lambda t: vk.save(VOLUME, t / "a"),
    ),
    ("path: got an empty name", vk.ArgumentError, lambda t: vk.save(VOLUME, "")),
    ("path", vk.ArgumentTypeError, lambda t: vk.save(VOLUME, 3)),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, "/dev/null", format="png")),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, (t / "a.nii").mkdir() or t / "a.nii")),
    ("path", vk.ArgumentError, lambda t: vk.save(VOLUME, file_with(t, "a", b""), format="dicom")),
    (
        "path",
        vk.ArgumentError,
        lambda t: vk.save(VOLUME, file_with(t, "a.nii", b""), overwrite=False),
    ),
    (
        "volume",
        vk.ArgumentError,
        lambda t: vk.save(VOLUME.with_data(np.full((2, 2, 2), NAN)), t / "a", format="dicom"),
    ),
]


@pytest.mark.parametrize(
    ("word", "kind", "call"), CASES, ids=[f"{i:02d}-{k.__name__}-{w}" for i, (w, k, _) in enumerate(CASES)]
)
def test_bad_input(tmp_path, word, kind, call):
    with pytest.raises(vk.VoxkernError) as caught:
        call(tmp_path)
    assert type(caught.value) is kind, caught.value
    message = str(caught.value)
    assert word in message and "\n" not in message, message
    if issubclass(kind, (vk.ArgumentError, vk.ArgumentTypeError)):
        assert message.startswith(word) and "got" in message, message


def test_kinds():
    assert issubclass(vk.ArgumentError, ValueError)
    assert issubclass(vk.ArgumentTypeError, TypeError)
    for kind in (vk.FileFormatError, vk.NoImagesError, vk.SeveralSeriesError, vk.GeometryError):
        assert issubclass(kind, vk.LoadError)
    assert issubclass(vk.IrregularSpacingError, vk.GeometryError)


def test_errors_survive_pickling():
    for kind in (vk.ArgumentError, vk.SeveralSeriesError, vk.IrregularSpacingError):
        assert str(pickle.loads(pickle.dumps(kind("what")))) == "what"


def test_gpu_array_says_why_it_cannot_run():
    class OnTheGpu:
        __cuda_array_interface__ = {"shape": (4,), "typestr": "<f4", "data": (0, False), "version": 3}

    if vk.cuda_available():
        pytest.skip("a GPU is here")
    reason = vk.show_config()["cuda_reason"]
    for call in (
        lambda: vk.resample(OnTheGpu(), shape=3),
        lambda: vk.ndimage.gaussian_filter(OnTheGpu(), 1),
        lambda: vk.zscore(OnTheGpu()),
        lambda: vk.n4_bias_field_correction(OnTheGpu()),
    ):
        with pytest.raises(vk.CudaUnavailableError, match="GPU") as caught:
            call()
        assert reason and reason in str(caught.value)
