# SPDX-License-Identifier: Apache-2.0
"""Arguments of the wrong type or beyond all measure: one typed error each, no traceback."""

import numpy as np
import pytest
import scipy.ndimage

import voxkern as vk
from voxkern import _core
from voxkern._app.cli import main

ARRAY = np.arange(1.0, 121.0, dtype=np.float32).reshape(4, 5, 6)
VOLUME = vk.Volume(ARRAY, np.eye(4))
LABELS = np.ones((4, 5, 6), np.uint8)
LABEL_MAP = vk.Volume(LABELS, np.eye(4))
FIELD = np.zeros((4, 5, 6, 3), np.float32)
SCORES = vk.Volume(FIELD, np.eye(4))
RAGGED = [[1], [2, 3]]
EYE = np.eye(4)
PLACED = ({"like": VOLUME}, {"matrix": EYE}, {"affine": EYE, "shape": 5}, {"transform": EYE})
NAN = float("nan")


def shape(value):
    return "shape", lambda: vk.resample(ARRAY, shape=value)


def spacing(value):
    return "spacing", lambda: vk.resample(VOLUME, spacing=value)


def option(name, value):
    return name, lambda: vk.resample(ARRAY, **{"shape": 5, name: value})


def planned(dtype):
    return "dtype", lambda: vk.ResamplePlan(ARRAY, shape=5)(ARRAY, dtype=dtype)


def beside(grid, name, value):
    """What says how a grid is made, given with one that is named whole."""
    return name, lambda: vk.resample(VOLUME, **grid, **{name: value})


def n4(name, value):
    return name, lambda: vk.n4_bias_field_correction(ARRAY, **{name: value})


FLAGS = {
    "antialias": lambda value: vk.resample(ARRAY, shape=5, antialias=value),
    "return_limits": lambda value: vk.clip_percentiles(ARRAY, return_limits=value),
    "return_box": lambda value: vk.crop_to_nonzero(ARRAY, return_box=value),
    "return_gradient": lambda value: vk.warp(ARRAY, FIELD, return_gradient=value),
    "bright": lambda value: vk.vesselness(ARRAY, 1, bright=value),
    "pooled": lambda value: vk.hausdorff_distance(LABELS, LABELS, pooled=value),
    "surface_area": lambda value: vk.label_statistics(LABELS, surface_area=value),
    "mean_preserving": lambda value: vk.n4_bias_field_correction(ARRAY, mean_preserving=value),
    "return_field": lambda value: vk.n4_bias_field_correction(ARRAY, return_field=value),
    "untilt": lambda value: vk.load("nowhere", untilt=value),
    "return_padding": lambda value: vk.load("nowhere", return_padding=value),
    "ceil_mode": lambda value: vk.nn.max_pool3d(FIELD, 2, ceil_mode=value),
    "align_corners": lambda value: vk.nn.interpolate(FIELD[None], 5, mode="trilinear", align_corners=value),
    "keepdim": lambda value: vk.nn.argmax(FIELD, 0, keepdim=value),
}

ITERATIONS = "maximum_number_of_iterations"
WIDTH = "bias_field_full_width_at_half_maximum"

CASES = [
    *((name, lambda call=call, v=v: call(v)) for name, call in FLAGS.items() for v in ("no", 0, [], ARRAY)),
    ("axes", lambda: vk.resample(ARRAY, shape=5, axes=[])),
    ("dtype", lambda: vk.resample(ARRAY, shape=5, dtype="O")),
    ("axes", lambda: vk.erode(LABELS, 1, axes="")),
    ("padding_fill", lambda: vk.load("nowhere", padding_fill="x")),
    ("series", lambda: vk.load("nowhere", series=3)),
    ("keep", lambda: vk.load("nowhere", keep=3)),
    ("shape", lambda: vk.load("nowhere", shape=(2, 2.5, 2), dtype="u1")),
    ("dtype", lambda: vk.load("nowhere", shape=(2, 2, 2), dtype="O")),
    ("max_bytes", lambda: vk.load("nowhere", max_bytes=1.5)),
    ("device", lambda: vk.load("nowhere", device="gpu")),
    ("load_options", lambda: vk.preprocess("nowhere", load_options={"serie": "1"})),
    ("n4", lambda: vk.preprocess(VOLUME, n4={"shrink": 4})),
    ("n4", lambda: vk.preprocess(VOLUME, n4=1)),
    ("outside", lambda: vk.zscore(ARRAY, LABELS, outside="air")),
    ("outside", lambda: vk.zscore(ARRAY, LABELS, outside=None)),
    ("radius_mm", lambda: vk.dilate(LABELS, 1e300)),
    ("sigma_mm", lambda: vk.gaussian(ARRAY, 1e-300)),
    ("bins", lambda: vk.otsu(ARRAY, 2**40)),
    ("k", lambda: vk.largest_component(LABELS, 1.5)),
    ("spline_distance", lambda: vk.n4_bias_field_correction(VOLUME, spline_distance=1e300)),
    ("spline_distance", lambda: vk.n4_bias_field_correction(VOLUME, spline_distance=1e-300)),
    ("number_of_control_points", lambda: vk.n4_bias_field_correction(ARRAY, number_of_control_points=1e300)),
    ("center, width", lambda: vk.window(ARRAY, center=ARRAY, width=1)),
    *map(shape, ["a", RAGGED, {}, 10**19, (10**6,) * 3, 10**400, 1j, NAN, "5"]),
    *map(spacing, ["x", {}, RAGGED, 1e-300, 5e-324, 1e-9, 1e-5, np.inf]),
    *(option("order", value) for value in ("lanczos³", "lanczos٣", "lanczos0", "", [], None, 1.0, 10**30)),
    *(option("mode", value) for value in ([], "", 3, {})),
    *(option("cval", value) for value in ("a", "1", None, [], 1j)),
    *(option("axes", value) for value in ("x", 1.5, [0.5], [None], {"a": 1}, 10**30)),
    *(option("clip", value) for value in ("all", 2, None, [])),
    *(option("convention", value) for value in ([], 3, "", np.ones(2))),
    *(option("shape_rule", value) for value in ([], None, np.ones(2), "ceil")),
    *(beside(grid, "convention", value) for grid in PLACED for value in ("corner", "extent")),
    *(beside(grid, "shape_rule", "ceil") for grid in PLACED),
    *(beside(grid, "axes", 0) for grid in PLACED),
    ("shape_rule", lambda: vk.resample(VOLUME, spacing=1, shape=5, shape_rule="floor")),
    *map(planned, ["foo", object, 5, {}, "U5", ">f4", np.longdouble]),
    ("dtype", lambda: vk.ResamplePlan(ARRAY + 0j, shape=5)(ARRAY + 0j, dtype=np.float32)),
    *(n4(ITERATIONS, value) for value in (NAN, [NAN], "abc", [None], [], {}, 1.5, [10**18], np.inf)),
    *(n4(WIDTH, value) for value in (1e9, NAN, "a", None, 0)),
    *(n4("wiener_filter_noise", value) for value in ("a", np.inf)),
    *(n4("convergence_threshold", value) for value in ("a", NAN, None)),
    *(n4("number_of_histogram_bins", value) for value in (NAN, "a", 2.5)),
    *(n4("otsu_bins", value) for value in (NAN, "a")),
    *(n4("shrink_factor", value) for value in ("a", {}, RAGGED)),
    *(n4("mask_label", value) for value in ("a", [1], 1j, {})),
    ("mask_label", lambda: vk.n4_bias_field_correction(ARRAY, LABELS, mask_label="a")),
    *(n4("spline_order", value) for value in ("a", np.ones(3), 2.5, None)),
    *(n4(name, np.ones(2)) for name in ("compat", "field_alignment", "outside")),
    ("shape", lambda: vk.resample(ARRAY[0], shape=(2**31, 1))),
    ("shape", lambda: vk.resample(ARRAY[0], shape=(1, 2**28))),
    ("spacing", lambda: vk.resample(VOLUME, spacing=(1e-8, 1, 1))),
    ("matrix", lambda: vk.resample(ARRAY, matrix="abc")),
    ("matrix", lambda: vk.resample(ARRAY, matrix=RAGGED)),
    ("matrix", lambda: vk.resample(ARRAY, matrix=np.eye(3) * 1j)),
    ("transform", lambda: vk.resample(VOLUME, transform=RAGGED)),
    ("x", lambda: vk.resample(RAGGED, shape=5)),
    ("x", lambda: vk.ResamplePlan(RAGGED, shape=5)),
    ("x", lambda: vk.ResamplePlan("abc", shape=5)),
    (
        "convention",
        lambda: vk.resample_labels(LABEL_MAP, like=VOLUME, convention="corner"),
    ),
    ("shape_rule", lambda: vk.resample_labels(LABELS, matrix=np.eye(3), shape_rule="ceil")),
    ("rule", lambda: vk.resample_labels(LABELS, shape=5, rule=np.ones(2))),
    ("convention", lambda: vk.resample_argmax(SCORES, like=VOLUME, convention="corner")),
    ("shape_rule", lambda: vk.resample_argmax(SCORES, affine=np.eye(4), shape=5, shape_rule="monai")),
    ("x", lambda: vk.zscore(RAGGED)),
    *(("labels", lambda value=value: vk.dice(LABELS, LABELS, value)) for value in ("a", RAGGED, [0.5], 1j)),
    ("a", lambda: vk.hausdorff_distance(RAGGED, LABELS)),
    ("b", lambda: vk.mean_surface_distance(LABELS, "abc")),
    ("percentile", lambda: vk.hausdorff_distance(LABELS, LABELS, RAGGED)),
    ("spacing", lambda: vk.mean_surface_distance(LABELS, LABELS, spacing="wide")),
    ("x", lambda: vk.gaussian(RAGGED, 1)),
    ("sigma_mm", lambda: vk.gaussian(ARRAY, "wide")),
    ("sigma_mm", lambda: vk.gaussian(ARRAY, RAGGED)),
    ("sigma_mm", lambda: vk.hessian_eigenvalues(ARRAY, None)),
    ("sigmas_mm", lambda: vk.vesselness(ARRAY, None)),
    ("sigmas_mm", lambda: vk.vesselness(ARRAY, "wide")),
    ("order", lambda: vk.gaussian(ARRAY, 1, order="first")),
    ("spacing", lambda: vk.gaussian(ARRAY, 1, spacing=RAGGED)),
    ("mode", lambda: vk.gaussian(ARRAY, 1, mode=3)),
    ("cval", lambda: vk.vesselness(ARRAY, 1, cval=1j)),
    ("truncate", lambda: vk.hessian_eigenvalues(ARRAY, 1, truncate=[4])),
    ("gamma", lambda: vk.vesselness(ARRAY, 1, gamma="half")),
    ("out", lambda: vk.hessian_eigenvalues(ARRAY, 1, out=3)),
    ("data", lambda: vk.Volume(RAGGED, np.eye(4))),
    ("affine", lambda: vk.Volume(ARRAY, "abc")),
    ("affine", lambda: vk.Volume(ARRAY, RAGGED)),
    ("affine", lambda: vk.resample(VOLUME, affine=np.eye(4))),
    ("affine", lambda: vk.resample(VOLUME, affine=np.eye(3), shape=5)),
    ("affine", lambda: vk.resample(VOLUME, affine=np.ones((4, 4)), shape=5)),
    ("affine", lambda: vk.resample(ARRAY, affine=np.eye(4), shape=5)),
    ("spacing, shape, affine", lambda: vk.resample(VOLUME, affine=np.eye(4), shape=5, spacing=1)),
    ("spacing, shape, affine", lambda: vk.resample(VOLUME, affine=np.eye(4), shape=5, like=VOLUME)),
    ("spacing, shape, affine", lambda: vk.resample(VOLUME, affine=np.eye(4), shape=5, matrix=np.eye(4))),
    ("axes", lambda: vk.resample(VOLUME, affine=np.eye(4), shape=5, axes=0)),
    ("axes", lambda: vk.resample(VOLUME, like=VOLUME, axes=0)),
    ("axes", lambda: vk.resample(ARRAY, matrix=np.eye(3), axes=0)),
    ("cval", lambda: vk.resample_labels(LABELS, shape=5, cval="a")),
    ("cval", lambda: vk.resample_labels(LABELS, shape=5, cval=1.5)),
    ("cval", lambda: vk.resample_labels(LABELS, shape=5, cval=None)),
    ("sigma", lambda: vk.resample_labels(LABELS, shape=5, rule="gaussian", sigma="a")),
    ("alpha", lambda: vk.resample_labels(LABELS, shape=5, rule="gaussian", alpha=None)),
    ("mode", lambda: vk.resample_labels(LABELS, shape=5, mode=[])),
    ("mode", lambda: vk.resample_argmax(ARRAY, shape=5, mode="")),
    ("shape", lambda: vk.resample_argmax(ARRAY, shape="a")),
    ("cval", lambda: vk.warp(ARRAY, FIELD, cval="a")),
    ("cval", lambda: vk.warp(ARRAY, FIELD, cval=1j)),
    ("mode", lambda: vk.warp(ARRAY, FIELD, mode=[])),
    ("units", lambda: vk.warp(ARRAY, FIELD, units="")),
    ("units", lambda: vk.warp(ARRAY, FIELD, units=np.ones(2))),
    ("shape", lambda: vk.push(ARRAY, FIELD, shape="a")),
    ("result", lambda: vk.push(ARRAY, FIELD, shape=(10**6,) * 3)),
    ("order", lambda: vk.push(ARRAY, FIELD, order=[])),
    ("low, high", lambda: vk.window(ARRAY, "a", 2)),
    ("low, high", lambda: vk.window(ARRAY, None, 2)),
    # An address space of 2^47 bytes holds no 2^47 numbers of 8 bytes.
    ("result", lambda: vk.resample(np.zeros((1, 1, 1)), shape=(2**15, 2**16, 2**16), order=1)),
    ("result", lambda: vk.push(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 1, 3)), shape=(2**15, 2**16, 2**16))),
]


@pytest.mark.parametrize(("word", "call"), CASES)
def test_one_typed_error(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(word) and "got" in message and "allowed" in message, message
    assert "\n" not in message and len(message) < 300, message


@pytest.mark.parametrize("name", ["shift", "zoom", "gaussian_filter", "uniform_filter", "rotate"])
def test_complex_outside_of_real_values_as_scipy(name):
    for package in (scipy.ndimage, vk.ndimage):
        with pytest.raises(TypeError, match="real"):
            getattr(package, name)(ARRAY[0], 2, mode="constant", cval=1j)


def test_words_that_are_numbers_are_taken():
    """Integers of NumPy, whole floats and truth values mean what they say."""
    assert vk.resample(ARRAY, shape=np.int64(5), axes=np.array([0]), order=np.int8(1)).shape == (5, 5, 6)
    assert vk.resample_labels(LABELS, shape=5, cval=2.0, mode="constant").shape == (5, 5, 5)
    assert vk.resample(ARRAY + 0j, shape=5, cval=1j).dtype == np.complex64
    np.testing.assert_array_equal(
        vk.resample(ARRAY, shape=9, clip=np.True_), vk.resample(ARRAY, shape=9, clip=True)
    )


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.nii"
    vk.save(vk.Volume(ARRAY, np.diag([30.0, 30, 30, 1])), path)
    return str(path)


@pytest.mark.parametrize("spacing", ["1e-9", "1e-300", "5e-324", "0.0001", "0", "-1", "nan", "inf"])
@pytest.mark.parametrize("command", ["resample", "preprocess"])
def test_impossible_spacing_on_the_command_line(scan, tmp_path, capsys, command, spacing):
    out = tmp_path / "out.nii"
    assert main([command, scan, str(out), f"--spacing={spacing}", "--quiet"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("voxkern: error: spacing: got") and told.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "wrong", [["--order", "9"], ["--order", "sinc"], ["--spacing", "a"], ["--convention", "middle"]]
)
def test_wrong_words_on_the_command_line(scan, tmp_path, capsys, wrong):
    with pytest.raises(SystemExit) as left:
        main(["resample", scan, str(tmp_path / "out.nii"), "--spacing", "2", *wrong])
    assert left.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_options_of_resample_on_the_command_line(scan, tmp_path):
    out = str(tmp_path / "out.nii")
    volume = vk.load(scan)
    for words, options in (
        (["--spacing", "20"], {"spacing": 20}),
        (["--spacing", "20,25,40", "--order", "linear"], {"spacing": (20, 25, 40), "order": 1}),
        (
            ["--spacing", "22", "--convention", "origin", "--shape-rule", "monai"],
            {"spacing": 22, "convention": "origin", "shape_rule": "monai"},
        ),
        (["--shape", "7", "--order", "lanczos3", "--clip"], {"shape": 7, "order": "lanczos3", "clip": True}),
        (["--shape", "7,8,9", "--convention", "corner"], {"shape": (7, 8, 9), "convention": "corner"}),
        (["--spacing", "50", "--antialias"], {"spacing": 50, "antialias": True}),
        (["--spacing", "50", "--order", "area"], {"spacing": 50, "order": "area"}),
    ):
        assert main(["resample", scan, out, *words, "--quiet", "--overwrite"]) == 0
        got, want = vk.load(out), vk.resample(volume, **options)
        np.testing.assert_array_equal(got.data, want.data)
        np.testing.assert_allclose(got.affine, want.affine, rtol=1e-6, atol=1e-5)
    for words, options in (
        (["--convention", "extent"], {"convention": "extent"}),
        (["--order", "nearest"], {"order": 0}),
        ([], {}),
    ):
        assert main(["preprocess", scan, out, "--spacing", "22", *words, "--quiet", "--overwrite"]) == 0
        want = vk.preprocess(volume, spacing=22, **options)
        np.testing.assert_array_equal(vk.load(out).data, want.data)
        np.testing.assert_allclose(vk.load(out).affine, want.affine, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("settings", [{"shape": ()}, {"shape": 3}, {"matrix": [[1.0]]}])
@pytest.mark.parametrize("order", [0, 1, 3, "area"])
def test_no_axes(settings, order):
    for x in (np.float32(3), np.array(3.0)):
        with pytest.raises(vk.ArgumentError, match=r"x: got shape \(\)"):
            vk.resample(x, order=order, **settings)


def test_a_list_can_be_planned():
    given = [[1.0, 2.0], [3.0, 4.0]]
    plan = vk.ResamplePlan(given, shape=3, order=1)
    np.testing.assert_array_equal(plan(given), vk.resample(np.array(given), shape=3, order=1))


def test_what_the_kernels_have_no_memory_for(monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(_core, "resample", full)
    with pytest.raises(vk.ArgumentError, match="resample: got more to compute than memory holds, allowed"):
        vk.resample(ARRAY, shape=5)
