# SPDX-License-Identifier: Apache-2.0
"""The command line: checks before work, masks, ANTs' flags, JSON, the small table of times."""

import json
import re
import shlex
import sys

import numpy as np
import pytest

import voxkern as vk
from voxkern._app import ants, bench
from voxkern._app.cli import main
from voxkern._app.options import make_parser

pytest.importorskip("nibabel")
AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.2, 0, -30], [0, 0, 2.0, 10], [0, 0, 0, 1.0]])


@pytest.fixture
def scan(tmp_path):
    """A shaded ball in noise, saved, with its mask and a mask in another order of axes."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in (30, 28, 24)], indexing="ij")
    ball = i**2 + j**2 + k**2 < 0.7
    noise = np.random.default_rng(0).normal(0, 3, ball.shape)
    voxels = np.where(ball, (100 + 50 * (k > 0)) * np.exp(0.3 * j), 5) + noise
    volume = vk.Volume(np.maximum(voxels, 1).astype(np.float32), AFFINE)
    path = vk.save(volume, tmp_path / "scan.nii.gz")
    mask = volume.with_data(ball.astype(np.uint8))
    vk.save(mask, tmp_path / "mask.nii.gz")
    vk.save(vk.reorient(mask, "SPL"), tmp_path / "turned.nii.gz")
    return str(path)


def told(capsys, code, *words):
    """Return what a call of the program prints on stderr, after its exit code has been checked."""
    try:
        got = main([str(word) for word in words])
    except SystemExit as left:
        got = left.code
    printed = capsys.readouterr().err
    assert got == code, printed
    return printed


# --- checks --------------------------------------------------------------------------------------------

OUTPUT_ERRORS = [
    ("out", "allowed a name that ends with .nii, .nii.gz"),
    ("out.txt", "allowed a name that ends with"),
    ("missing/out.nii", "allowed a file in a folder that exists"),
    ("there.nii", "which exists"),
    ("", "an empty name"),
]
BAD_WORDS = [
    ("--spacing", "x"), ("--spacing", "1,2"), ("--order", "9"),
    ("--order", "spline"), ("--orient", "RAX"),
    ("--threads", "0"), ("--threads", "9" * 20), ("--threads", "two"),
    ("--convention", "middle"), ("--normalize", "max"), ("--n4-preset", "best"),
]  # fmt: skip


@pytest.mark.parametrize("command", ["preprocess", "n4", "convert", "zscore", "resample", "labels"])
def test_outputs_are_checked_before_anything_is_loaded(tmp_path, capsys, monkeypatch, command):
    (tmp_path / "there.nii").touch()
    monkeypatch.chdir(tmp_path)
    more = ["--spacing", "2"] if command in ("resample", "labels") else []
    for output, message in OUTPUT_ERRORS:
        error = told(capsys, 1, command, "no such scan", output, *more)
        assert error.startswith("voxkern: error: path: got") and message in error, error
        assert error.count("\n") == 1
    assert "no such file" in told(capsys, 1, command, "no such scan", "there.nii", "--overwrite", *more)
    assert [p.name for p in tmp_path.iterdir()] == ["there.nii"]


def test_files_beside_the_scan_are_looked_for_before_it_is_loaded(scan, tmp_path, capsys):
    out, nothing = tmp_path / "o.nii", tmp_path / "nothing.nii"
    for words in (
        ["preprocess", scan, out, "--normalize", "zscore", "--mask", nothing],
        ["n4", scan, out, "--mask", nothing],
        ["n4", "-i", scan, "-o", out, "-w", nothing],
        ["zscore", scan, out, "--mask", nothing],
        ["view", scan, tmp_path / "o.html", "--labels", nothing],
    ):
        error = told(capsys, 1, *words)
        assert "no such file" in error and "load" not in error, error
    there = ["preprocess", scan, scan, "--normalize", "zscore", "--mask", tmp_path / "mask.nii.gz"]
    assert "mask" not in told(capsys, 1, *there)
    assert "not allowed with" in told(capsys, 2, "n4", scan, out, "--no-mask", "--mask", nothing)


@pytest.mark.parametrize("words", BAD_WORDS, ids=" ".join)
def test_words_are_checked_before_anything_is_loaded(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    error = told(capsys, 2, "preprocess", "no such scan", "o.nii", *words)
    assert "no such file" not in error and "Traceback" not in error
    assert not re.search(r"\b_\w+|<lambda>|parse", error), error  # no names of the program's own


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["n4", "IN", "o.nii", "--shrink", "0"], "shrink_factor"),
        (["n4", "IN", "o.nii", "--threshold", "-1"], "convergence_threshold"),
        (["n4", "IN", "o.nii", "--field", "f.txt"], "path: got f.txt"),
        (["n4", "IN", "o.nii", "--field", "o.nii"], "one file for two results"),
        (["resample", "IN", "o.nii", "--like", "none.nii"], "no such file"),
        (["resample", "IN", "o.nii", "--shape", "5", "--shape-rule", "ceil"], "shape_rule"),
        (["resample", "IN", "o.nii", "--spacing", "0"], "spacing"),
        (["resample", "IN", "o.nii", "--shape", "0"], "shape"),
        (["n4", "IN", "o.nii", "--iterations", "0x5"], "maximum_number_of_iterations"),
        (["preprocess", "IN", "o.nii", "--spacing", "0"], "spacing"),
        (["preprocess", "IN", "o.nii", "--spacing", "nan"], "spacing"),
        (["preprocess", "IN", "o.nii", "--spacing", "1e-300"], "spacing"),
        (["preprocess", "IN", "o.nii", "--spacing", "5e-324"], "spacing"),
        (["preprocess", "IN", "o.nii", "--report", "missing/r.html"], "report: got"),
        (["preprocess", "IN", "o.nii", "--report", "o.nii"], "report: got o.nii, allowed a file of its own"),
        (["n4", "-i", "IN", "-o", "o.nii", "-t", "[0.15,0.01,0]"], "number_of_histogram_bins"),
    ],
)
def test_settings_are_checked_before_anything_is_loaded(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert message in told(capsys, 1, *words)


def test_tiny_spacing_is_one_line(scan, tmp_path, capsys):
    for spacing in ("1e-6", "0.0001"):
        error = told(capsys, 1, "resample", scan, tmp_path / "o.nii", "--spacing", spacing, "--quiet")
        assert error.startswith("voxkern: error: ") and error.count("\n") == 1


def test_no_help_or_error_has_a_private_name(capsys):
    parser = make_parser()
    commands = parser._subparsers._group_actions[0].choices
    assert {"preprocess", "n4", "labels", "zscore", "bench", "info"} <= set(commands)
    for name, command in commands.items():
        assert not re.search(r"\b_\w", command.format_help()), name
        for action in command._actions:
            if action.option_strings and action.nargs is None and action.type is not None:
                words = [] if name in ("info", "demo", "bench") else ["in", "out.nii"]
                error = told(capsys, 2, name, *words, action.option_strings[0], "wrong")
                assert not re.search(r"\b_\w|parse|<", error.splitlines()[-1]), error


def test_faults_and_debug(scan, tmp_path, capsys, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("went wrong")

    missing = told(capsys, 1, "info", tmp_path / "none.nii", "--debug")
    assert "Traceback" in missing and missing.splitlines()[-1].startswith("voxkern: error: ")
    monkeypatch.setattr("voxkern._app.commands.zscore", broken)
    error = told(capsys, 3, "zscore", scan, tmp_path / "o.nii", "--quiet")
    assert error == "voxkern: error: unexpected RuntimeError (--debug shows where): went wrong\n"
    assert "Traceback" in told(capsys, 3, "zscore", scan, tmp_path / "o.nii", "--quiet", "--debug")


def test_missing_packages_are_told_before_the_work(scan, tmp_path, monkeypatch):
    volume, steps = vk.load(scan), []
    for package, options in (
        ("nibabel", {"output": tmp_path / "x.nii"}),
        ("jinja2", {"report": tmp_path / "r"}),
    ):
        with monkeypatch.context() as without, pytest.raises(vk.MissingPackageError, match="pip install"):
            without.setitem(sys.modules, package, None)
            vk.preprocess(volume, **options, on_step=lambda *step: steps.append(step))
    assert not steps


# --- commands ------------------------------------------------------------------------------------------


def test_every_step_is_in_the_timing(scan, tmp_path, capsys):
    pytest.importorskip("jinja2")
    out, report = tmp_path / "o.nii", tmp_path / "r.html"
    options = [
        "--n4",
        "--mask",
        tmp_path / "mask.nii.gz",
        "--spacing",
        2,
        "--normalize",
        "zscore",
        "--report",
    ]
    lines = told(capsys, 0, "preprocess", scan, out, *options, report).splitlines()
    steps = [line.split()[0] for line in lines if re.search(r"\d s\b", line)]
    assert steps == ["mask", "load", "n4", "reorient", "resample", "normalise", "save", "report"]
    assert str(tmp_path) not in report.read_text()
    lines = told(capsys, 0, "convert", scan, tmp_path / "c.nii", "--orient", "LPS").splitlines()
    assert [line.split()[0] for line in lines] == ["load", "reorient", "save", "wrote"]


@pytest.mark.parametrize("mask", ["mask.nii.gz", "turned.nii.gz"])
def test_mask_of_preprocess(scan, tmp_path, mask):
    out = tmp_path / "o.nii"
    words = [
        "--mask",
        str(tmp_path / mask),
        "--normalize",
        "zscore",
        "--spacing",
        "2",
        "--convention",
        "extent",
    ]
    assert main(["preprocess", scan, str(out), "--n4", *words, "--quiet"]) == 0
    volume, inside = vk.load(scan), vk.load(tmp_path / "mask.nii.gz")
    volume = vk.reorient(vk.n4_bias_field_correction(volume, inside), "RAS")
    inside = vk.reorient(inside, "RAS")
    volume, inside = (
        vk.resample(v, spacing=2, order=order, convention="extent", mode="nearest")
        for v, order in ((volume, 3), (inside, "nearest"))
    )
    want = vk.zscore(volume, inside, outside="scaled")
    np.testing.assert_array_equal(vk.load(out).data, want.data)
    assert abs(vk.load(out).data[np.asarray(inside.data) > 0].mean()) < 1e-5


def test_mask_of_preprocess_in_time_and_of_another_shape(scan, tmp_path):
    volume, inside = vk.load(scan), vk.load(tmp_path / "mask.nii.gz")
    film = vk.Volume(np.stack([volume.data, volume.data * 2], axis=3), volume.affine)
    got = vk.preprocess(film, mask=np.asarray(inside.data), normalize="zscore", orient=None)
    np.testing.assert_allclose(got.data[np.asarray(inside.data) > 0].mean(), 0, atol=1e-5)
    with pytest.raises(vk.ArgumentError, match=r"^mask: got"):
        vk.preprocess(volume, mask=inside.data[1:], normalize="zscore")


def test_zscore_and_labels(scan, tmp_path):
    out, mask = str(tmp_path / "o.nii"), str(tmp_path / "turned.nii.gz")
    volume, inside = vk.load(scan), vk.load(tmp_path / "mask.nii.gz")
    for words, want in (([], vk.zscore(volume)), (["--mask", mask], vk.zscore(volume, inside))):
        assert main(["zscore", scan, out, *words, "--quiet", "--overwrite"]) == 0
        np.testing.assert_array_equal(vk.load(out).data, want.data)
    labels = str(tmp_path / "mask.nii.gz")
    for rule in ("argmax", "half"):
        assert (
            main(["labels", labels, out, "--spacing", "1.7", "--rule", rule, "--quiet", "--overwrite"]) == 0
        )
        want = vk.resample_labels(inside, spacing=1.7, rule=rule)
        np.testing.assert_array_equal(vk.load(out).data, want.data)
        np.testing.assert_allclose(vk.load(out).affine, want.affine, atol=1e-5)


def test_folders_by_format(scan, tmp_path):
    assert main(["convert", scan, str(tmp_path / "series"), "--format", "dicom", "--quiet"]) == 0
    assert len(list((tmp_path / "series").iterdir())) == 30
    assert vk.load(tmp_path / "series").shape == (30, 28, 24)


def test_info_as_json(make_series, scan, capsys):
    folder, _ = make_series(PatientName="Secret^Person")
    assert main(["info", str(folder), "--json"]) == 0
    text = capsys.readouterr().out
    assert "Secret" not in text and "description" not in text
    (facts,) = json.loads(text)
    volume = vk.load(folder)
    assert facts["shape"] == list(volume.shape) and facts["uid"] == vk.list_series(folder)[0].uid
    np.testing.assert_allclose(facts["affine"], volume.affine)
    assert main(["info", scan, "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert (
        facts["orientation"] == "LAS" and facts["dtype"] == "float32" and facts["meta"]["source"] == "nifti"
    )


# --- ANTs' flags ---------------------------------------------------------------------------------------

ANTS = {"shrink_factor": 4, "convergence_threshold": 0.0, "mesh": 1, "outside": "input"}
# As nipype's N4BiasFieldCorrection writes them, but for the name of the program.
NIPYPE = [
    (
        "-d 3 --input-image scan.nii.gz --output scan_corrected.nii.gz",
        {**ANTS, "maximum_number_of_iterations": (50,) * 4},
    ),
    (
        "--bspline-fitting [ 300 ] -d 3 --input-image scan.nii.gz --convergence [ 50x50x30x20 ] "
        "--output scan_corrected.nii.gz --shrink-factor 3",
        {
            "spline_distance": 300.0, "maximum_number_of_iterations": (50, 50, 30, 20), "shrink_factor": 3,
            "convergence_threshold": 0.0, "outside": "input",
        },
    ),
    (
        "--bspline-fitting [ 300, 5 ] -d 3 --input-image scan.nii.gz --convergence [ 5x4, 1e-06 ] "
        "--output scan_corrected.nii.gz --shrink-factor 3",
        {
            "spline_distance": 300.0, "spline_order": 5, "maximum_number_of_iterations": (5, 4),
            "shrink_factor": 3, "convergence_threshold": 1e-6, "outside": "input",
        },
    ),
    (
        "-d 3 --input-image scan.nii.gz --mask-image mask.nii.gz -r --convergence [ 3x2, 0 ] "
        "--histogram-sharpening [0.12,0.02,180] --weight-image weights.nii.gz "
        "--output [ scan_corrected.nii.gz, scan_bias.nii.gz ]",
        {
            **ANTS, "maximum_number_of_iterations": (3, 2), "mask": "mask.nii.gz",
            "weights": "weights.nii.gz", "wiener_filter_noise": 0.02,
            "bias_field_full_width_at_half_maximum": 0.12,
            "number_of_histogram_bins": 180, "rescale": True,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "settings"), NIPYPE, ids=range(len(NIPYPE)))
def test_flags_of_nipype(scan, tmp_path, monkeypatch, flags, settings):
    monkeypatch.chdir(tmp_path)
    volume = vk.load(scan)
    weights = volume.with_data(np.random.default_rng(1).random(volume.shape, dtype=np.float32))
    vk.save(weights, "weights.nii.gz")
    assert main(["n4", *shlex.split(flags)]) == 0
    assert main(["n4", *shlex.split(flags)]) == 0  # it writes over what is there, as ANTs does
    beside = {name: vk.load(settings[name]) for name in ("mask", "weights") if name in settings}
    want, field = vk.n4_bias_field_correction(volume, **{**settings, **beside}, return_field=True)
    np.testing.assert_array_equal(vk.load("scan_corrected.nii.gz").data, want.data)
    if "bias" in flags:
        np.testing.assert_array_equal(vk.load("scan_bias.nii.gz").data, field.data)


@pytest.mark.parametrize(
    ("flags", "changed"),
    [
        ("-c [50x40,1e-7] -b [1x2x3,2] -s 2", {"mesh": 1, "spline_order": 2, "shrink_factor": 2}),
        ("-c 50x40 -b 200", {"spline_distance": 200.0, "convergence_threshold": 0.0}),
        ("-x m.nii -r 0", {"rescale": False}),
        ("-x m.nii", {"rescale": True}),
        ("-r 1", {"rescale": False}),  # ANTs looks at it only beside a mask
        ("-b [ 200 , 3 ]", {"spline_distance": 200.0, "spline_order": 3}),
    ],
)
def test_short_flags(flags, changed):
    args = ants.parse(["n4", "-d", "3", "-i", "i.nii", "-o", "[o.nii,b.nii]", *shlex.split(flags)])
    assert changed.items() <= args.settings.items()
    assert (args.input, args.output, args.field) == ("i.nii", "o.nii", "b.nii")


@pytest.mark.parametrize("fitting", ["[12.001,3]", "[2x3]", None])
def test_two_dimensions(scan, tmp_path, fitting):
    j, i = np.mgrid[-1:1:40j, -1:1:48j]
    slices = np.exp(0.3 * j + 0.2 * i) * np.random.default_rng(0).integers(90, 110, j.shape)
    volume = vk.Volume(slices[..., np.newaxis].astype(np.float32), np.diag([24 / 39, 36 / 47, 3, 1]))
    path, out = str(vk.save(volume, tmp_path / "slice.nii")), str(tmp_path / "o.nii")
    flags = ["-d", "2", "-i", path, "-o", out, "-s", "2", "-c", "[5x5]"]
    assert main(["n4", *flags, *(["-b", fitting] if fitting else [])]) == 0
    knots = {"mesh": (2, 3) if fitting else 1}
    options = {"shrink_factor": 2, "maximum_number_of_iterations": (5, 5), "convergence_threshold": 0}
    want = vk.n4_bias_field_correction(volume.data[..., 0], **options, **knots)
    got = vk.load(out).data[..., 0]
    # Sums over a third axis round otherwise, and a bin of a small histogram may gain a pixel.
    np.testing.assert_allclose(got, want, rtol=5e-3)
    assert main(["n4", "-d", "2", "-i", scan, "-o", out]) == 1


def test_a_mesh_follows_the_order_of_the_file(scan, tmp_path):
    v = vk.load(scan)
    turned = str(vk.save(vk.reorient(v, "SAL"), tmp_path / "turned.mha"))
    results = []
    for path in (scan, turned):
        out = tmp_path / ("o" + path[-4:])
        words = ["-i", path, "-o", str(out).replace("i.gz", ".nii"), "-b", "[1x2x3]", "-c", "[9]", "-s", "1"]
        assert main(["n4", *words]) == 0
        results.append(vk.reorient(vk.load(words[3]), "LAS").data)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4)


def test_threads_of_itk_programs(monkeypatch):
    monkeypatch.setenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "3")
    assert ants.parse(["n4", "-i", "i.nii", "-o", "o.nii"]).threads == 3


@pytest.mark.parametrize(
    "flags", ["-d 4", "-c [50xa]", "-b [1,2,3]", "-b 1x2", "-b 1x2x3.5", "-o [a,b,c]", "-s four", "-q 1"]
)
def test_wrong_flags(capsys, flags):
    error = told(capsys, 2, "n4", "-i", "i.nii", "-o", "o.nii", *shlex.split(flags))
    assert error.splitlines()[-1].startswith("voxkern n4: error: ")
    assert not re.search(r"\b_\w|parse", error.splitlines()[-1]), error


# --- bench ---------------------------------------------------------------------------------------------


def test_bench(capsys, monkeypatch):
    monkeypatch.setattr(bench, "find_spec", lambda name: None if name == "torch" else name)
    monkeypatch.setattr(bench, "_JOBS", [job for job in bench._JOBS if job[1] not in ("edt", "cc3d")])
    assert main(["bench", "--size", "24", "--seconds", "0.1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["peer"] for row in rows} == {"scipy.ndimage", "numpy", "SimpleITK", "torch", "nibabel"}
    for row in rows:
        assert row["voxkern_ms"] > 0 and (row["peer_ms"] is None) == (row["peer"] == "torch"), row
        assert row["difference"] is None or row["difference"] < 1e-4, row
    assert main(["bench", "--size", "24", "--seconds", "0.1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(rows) + 1 and printed[0].startswith("job")
    assert any("not installed" in one for one in printed)
    for wrong in (["--size", "3"], ["--seconds", "0"]):
        assert main(["bench", *wrong]) == 1
