# SPDX-License-Identifier: Apache-2.0
"""The main job: preprocess against a SimpleITK pipeline, the command line, the demo."""

import re
import sys

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.cli import main


def simpleitk_pipeline(folder, spacing):
    """Return what a SimpleITK user writes: read, orient, resample about the same centre, normalise."""
    sitk = pytest.importorskip("SimpleITK")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = sitk.DICOMOrient(sitk.Cast(reader.Execute(), sitk.sitkFloat32), "LPS")
    old, n = np.array(image.GetSpacing()), np.array(image.GetSize())
    m = np.rint(n * old / spacing).astype(int)
    new = np.full(3, float(spacing))
    direction = np.array(image.GetDirection()).reshape(3, 3)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(v) for v in m])
    resampler.SetOutputSpacing(new.tolist())
    moved = direction @ ((n - 1) * old - (m - 1) * new) / 2
    resampler.SetOutputOrigin((np.array(image.GetOrigin()) + moved).tolist())
    resampler.SetOutputDirection(image.GetDirection())
    resampler.SetInterpolator(sitk.sitkLinear)
    image = resampler.Execute(image)
    inside = sitk.LabelStatisticsImageFilter()
    inside.Execute(image, sitk.OtsuThreshold(image, 0, 1, 200))
    return vk.reorient(vk.Volume.from_sitk((image - inside.GetMean(1)) / inside.GetSigma(1)), "RAS")


def assert_equal_to_simpleitk(folder, tmp_path, spacing):
    want = simpleitk_pipeline(folder, spacing)
    out = tmp_path / "out.nii.gz"
    arguments = ["preprocess", str(folder), str(out), "--order", "1", "--spacing", str(spacing)]
    assert main([*arguments, "--normalize", "zscore", "--quiet"]) == 0
    got = vk.load(out)
    assert got.shape == want.shape
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float).T
    corners[:3] *= np.array(got.shape)[:, None] - 1
    assert np.abs((got.affine - want.affine) @ corners).max() <= 1e-3
    extent = float(want.data.max() - want.data.min())
    assert np.abs(got.data - want.data).max() <= 1e-4 * extent


@pytest.mark.data
@pytest.mark.parametrize("spacing", [1.0, 1.7])
def test_real_series_equals_simpleitk(real_series, tmp_path, spacing):
    assert_equal_to_simpleitk(real_series, tmp_path, spacing)


def test_demo_and_its_series_equal_simpleitk(tmp_path, capsys):
    pytest.importorskip("jinja2")
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 0
    told = capsys.readouterr().err
    for step in ("load", "n4", "reorient", "resample", "normalise", "save", "report", "total"):
        assert step in told
    assert told.rstrip().endswith("/demo/report.html") and "an average of 152 heads" in told
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 1
    assert "which exists" in capsys.readouterr().err and len(list((tmp_path / "demo").iterdir())) == 4
    removed = re.search(r"N4 removed ([0-9.]+)% of the known field", told)
    assert removed and float(removed[1]) > 98.0
    picture = (tmp_path / "demo" / "before_after.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 50_000
    head = vk.load(tmp_path / "demo" / "head_1mm.nii.gz")
    assert head.orientation == "RAS" and head.dtype == np.float32
    np.testing.assert_allclose(head.spacing, 1.0, rtol=1e-6)  # a NIfTI header has float32
    inside = head.data[head.data > vk.otsu(head, 200, method="itk")]
    assert abs(float(inside.mean())) < 1e-3 and abs(float(inside.std()) - 1) < 1e-3
    assert_equal_to_simpleitk(tmp_path / "demo" / "dicom", tmp_path, 1.5)


def test_steps_are_optional(make_series):
    folder, _ = make_series(step=(0, 0, 2.0))
    names = []
    v = vk.preprocess(
        folder, orient=None, on_step=lambda name, seconds, volume: names.append((name, seconds is None))
    )
    assert names == [("load", True), ("load", False)]
    assert v.dtype == np.int16 and v.orientation == vk.load(folder).orientation
    assert vk.preprocess(v, spacing=0.9, order=0).dtype == np.int16  # nearest invents no values
    assert vk.preprocess(v, spacing=0.9, order=1).dtype == np.float32


def test_n4_step_comes_before_the_others(shaded, tmp_path):
    folder, volume = shaded
    names = []
    got = vk.preprocess(
        folder, n4=True, orient=None, spacing=2.0, order=1, on_step=lambda name, s, v: names.append(name)
    )
    assert names[::2] == ["load", "n4", "resample"]
    want = vk.resample(vk.n4_bias_field_correction(vk.load(folder), "otsu"), spacing=2.0, order=1)
    np.testing.assert_array_equal(got.data, want.data)
    out = tmp_path / "preset.nii"
    assert (
        main(["preprocess", "--n4-preset", "fets", str(folder), str(out), "--orient", "keep", "--quiet"]) == 0
    )
    want = vk.n4_bias_field_correction(vk.load(folder), **vk.N4_PRESETS["fets"])
    np.testing.assert_array_equal(vk.load(out).data, want.data)
    assert main(["preprocess", "--n4", str(folder), str(out), "--quiet", "--overwrite"]) == 0
    preset = vk.preprocess(volume, n4="fets", orient=None)
    np.testing.assert_array_equal(
        preset.data, vk.n4_bias_field_correction(volume, **vk.N4_PRESETS["fets"]).data
    )
    options = {"mask": "otsu", "maximum_number_of_iterations": (3, 2)}
    assert np.ptp(vk.preprocess(volume, n4=options, orient=None).data) > 0


def test_n4_settings_that_depend_on_the_grid_wait_for_the_scan(tmp_path):
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in (24, 22, 20)], indexing="ij")
    fine = vk.Volume(np.where(i**2 + k**2 < 0.7, 100 * np.exp(0.3 * j), 5), np.diag([0.01, 0.01, 0.01, 1]))
    settings = {"spline_distance": 0.1, "maximum_number_of_iterations": (4,)}
    got = vk.preprocess(fine, n4=settings, orient=None)
    np.testing.assert_array_equal(got.data, vk.n4_bias_field_correction(fine, **settings).data)
    settings["spline_distance"] = 0.01  # too fine for voxels of 1 mm
    vk.preprocess(fine, n4=settings, orient=None)
    with pytest.raises(vk.ArgumentError, match=r"got 1e-05 x 1e-05 x 1e-05 mm, allowed at least 5.86e-05 x"):
        vk.preprocess(fine, n4={"spline_distance": 1e-5})
    with pytest.raises(vk.ArgumentError, match="spline_distance: got -1"):  # before the scan is looked for
        vk.preprocess(tmp_path / "missing", n4={"spline_distance": -1})


def test_normalise_the_foreground(shaded):
    _, volume = shaded
    data = volume.data.astype(float)
    inside = data > vk.otsu(volume, 200, method="itk")
    assert 0.2 < inside.mean() < 0.6

    def score(mask):
        return (data - data[mask].mean()) / data[mask].std()

    keep = {"orient": None, "normalize": "zscore"}
    got = vk.preprocess(volume, **keep)
    np.testing.assert_allclose(got.data, score(inside), atol=1e-4)
    assert got.data[~inside].max() < got.data[inside].min()  # air stays below
    got = vk.preprocess(volume, outside=-7, **keep)
    np.testing.assert_allclose(got.data, np.where(inside, score(inside), -7), atol=1e-4)
    everything = np.ones(data.shape, bool)
    np.testing.assert_allclose(vk.preprocess(volume, mask=None, **keep).data, score(everything), atol=1e-4)
    ball = data > 300
    for mask in (ball, vk.Volume(ball.astype(np.float32) * 3, volume.affine), volume > 300):
        got = vk.preprocess(volume, mask=mask, **keep)
        np.testing.assert_allclose(got.data, score(ball), atol=1e-4)
    # a mask on another grid finds its place, on whatever grid the result has
    wide = vk.resample(vk.reorient(volume > 300, "PSL"), shape=(80, 48, 88), order=0)
    got = vk.preprocess(volume, mask=wide, outside=0.0, **keep)
    assert abs(np.mean((got.data != 0) == ball) - 1) < 0.01
    got = vk.preprocess(volume, mask=volume > 300, outside=0.0, spacing=1.5, normalize="zscore")
    assert got.orientation == "RAS"
    values = got.data[got.data != 0]
    assert abs(values.mean()) < 1e-3 and abs(values.std() - 1) < 1e-3


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("normalize", {"normalize": "minmax"}),
        ("normalize", {"normalize": []}),
        ("mask", {"mask": "brain", "normalize": "zscore"}),
        ("mask", {"mask": np.ones((2, 2, 2)), "normalize": "zscore"}),
        ("mask", {"mask": 5, "normalize": "zscore"}),
        ("mask", {"mask": np.ones((24, 40, 44))}),
        ("outside", {"outside": "zero"}),
        ("outside", {"outside": None}),
        ("orient", {"orient": "RAX"}),
        ("orient", {"orient": 3}),
        ("spacing", {"spacing": -1}),
        ("spacing", {"spacing": "wide"}),
        ("order", {"order": 9}),
        ("convention", {"convention": "middle", "spacing": 2}),
        ("antialias", {"antialias": "yes"}),
        ("antialias", {"antialias": True}),
        ("convention", {"convention": "corner"}),
        ("load_options", {"load_options": {"return_padding": True}}),
        ("threads", {"threads": 0}),
        ("on_step", {"on_step": 3}),
        ("n4", {"n4": "best"}),
        ("n4", {"n4": {"made_up": 2}}),
        ("rescale", {"n4": {"rescale": 2}}),
        ("mask", {"n4": {"mask": "brain"}}),
    ],
)
def test_wrong_settings_before_any_work(shaded, word, wrong):
    folder, _ = shaded
    steps = []
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError), match=rf"^{word}: got .*, allowed"):
        vk.preprocess(folder, **{"on_step": lambda name, *_: steps.append(name)} | wrong)
    of_the_scan = isinstance(wrong.get("mask"), np.ndarray | int) and "normalize" in wrong
    assert steps == ["load"] * 2 * of_the_scan  # such a mask is held to the scan


def test_a_spacing_is_held_to_the_scan_before_any_work(shaded):
    folder, _ = shaded
    steps = []
    with pytest.raises(vk.ArgumentError, match=r"^spacing: got 0.0001, allowed 1 to .* voxels"):
        vk.preprocess(folder, n4=True, spacing=1e-4, on_step=lambda name, *_: steps.append(name))
    assert steps == ["load"] * 2


def test_a_scan_of_nanometres():
    """Four nanometres are no fewer voxels than four millimetres."""
    small = vk.Volume(np.random.default_rng(0).random((8, 8, 8), np.float32), np.diag([4e-6] * 3 + [1]))
    done = vk.preprocess(small, spacing=8e-6)
    assert done.shape == (4, 4, 4)
    np.testing.assert_allclose(done.spacing, 8e-6)


def test_n4_command(shaded, tmp_path, capsys):
    folder, _ = shaded
    out, field = tmp_path / "out.nii.gz", tmp_path / "field.nii"
    arguments = ["n4", str(folder), str(out), "--field", str(field), "--iterations", "20x10", "--overwrite"]
    assert main([*arguments, "--threads", "1"]) == 0
    assert "iterations per level: " in capsys.readouterr().err
    scan = vk.load(folder)
    want = vk.n4_bias_field_correction(scan, "otsu", maximum_number_of_iterations=(20, 10), return_field=True)
    for path, one in zip((out, field), want, strict=True):
        np.testing.assert_array_equal(vk.load(path).data, one.data)
    mask = tmp_path / "mask.nii"
    vk.save(scan.with_data((np.asarray(scan.data) > 100).astype(np.uint8)), mask)
    for more in (
        ["--mask", str(mask)],
        ["--no-mask", "--threshold", "0.01"],
        ["--preset", "ants", "--shrink", "2"],
    ):
        assert main([*arguments, *more, "--quiet"]) == 0
    assert main([*arguments, "--preset", "ants", "--spline-distance", "40", "--quiet"]) == 0


def test_resample_command_like(make_series, tmp_path):
    folder, _ = make_series()
    target = vk.resample(vk.reorient(vk.load(folder), "RAS"), spacing=1.1, order=0)
    vk.save(target, tmp_path / "target.nii")
    code = main(
        [
            "resample",
            str(folder),
            str(tmp_path / "out.nii"),
            "--like",
            str(tmp_path / "target.nii"),
            "--quiet",
        ]
    )
    assert code == 0
    assert vk.load(tmp_path / "out.nii").shape == target.shape


def test_resample_command_affine(make_series, tmp_path, capsys):
    folder, _ = make_series()
    volume = vk.load(folder)
    affine = volume.affine @ np.diag([0.8, 1.5, 1.2, 1.0])
    affine[:3, 3] += (3, -2, 1)
    out, where = str(tmp_path / "out.nii"), tmp_path / "where.txt"
    np.savetxt(where, affine)
    words = ["resample", str(folder), out, "--quiet", "--order", "1", "--overwrite"]
    assert main([*words, "--shape", "5,6,7", "--affine", str(where)]) == 0
    want = vk.resample(volume, affine=affine, shape=(5, 6, 7), order=1)
    np.testing.assert_array_equal(vk.load(out).data, want.data)
    np.testing.assert_allclose(vk.load(out).affine, affine, atol=1e-4)
    for text, option, error in (
        ("1 2 three", ["--shape", "5"], "affine: got"),
        ("1 2 3", ["--shape", "5"], "affine: got shape (3,)"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1", ["--spacing", "2"], "spacing, shape, affine"),
        (None, ["--shape", "5"], ""),
    ):
        where.unlink(missing_ok=True)
        if text is not None:
            where.write_text(text)
        assert main([*words, *option, "--affine", str(where)]) != 0
        told = capsys.readouterr().err
        assert told.startswith(f"voxkern: error: {error}") and told.count("\n") == 1, told


def test_resample_command_clip_of_slices(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.random((6, 7, 8, 3)) * [1, 10, 100]
    scan, out = str(tmp_path / "scan.nii"), str(tmp_path / "out.nii")
    vk.save(vk.Volume(data.astype(np.float32), np.eye(4)), scan)
    volume = vk.load(scan)
    results = []
    for word, clip in (("--clip", True), ("--clip-slices", "slice")):
        assert main(["resample", scan, out, "--shape", "9", word, "--quiet", "--overwrite"]) == 0
        results.append(vk.load(out).data)
        np.testing.assert_array_equal(results[-1], vk.resample(volume, shape=9, clip=clip).data)
    assert results[0][..., 0].max() > results[1][..., 0].max()
    with pytest.raises(SystemExit):
        main(["resample", scan, out, "--shape", "9", "--clip", "--clip-slices"])


def test_info(make_series, capsys):
    folder, _ = make_series()
    assert main(["info", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "6 files" in told and "Volume(shape=(6, 5, 7)" in told and "Secret" not in told
    assert main(["info", "--config"]) == 0
    assert '"cpu_level"' in capsys.readouterr().out


def test_exit_codes(tmp_path, capsys, make_series, monkeypatch):
    assert main(["info", str(tmp_path / "missing")]) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("voxkern: error:") and "\n" not in error
    with pytest.raises(SystemExit) as caught:
        main(["preprocess", "only-one-argument"])
    assert caught.value.code == 2
    folder, _ = make_series()
    assert main(["preprocess", str(folder), str(tmp_path / "x.png")]) == 1

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("voxkern._app.commands.preprocess", interrupted)
    assert main(["preprocess", str(folder), str(tmp_path / "y.nii")]) == 130


def test_quiet_prints_nothing(make_series, tmp_path, capsys):
    folder, _ = make_series()
    assert main(["preprocess", str(folder), str(tmp_path / "x.nii"), "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.out == "" and told.err == ""


def test_progress_bar_on_a_terminal(make_series, tmp_path, monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    folder, _ = make_series()
    assert main(["preprocess", str(folder), str(tmp_path / "x.nii"), "--spacing", "1"]) == 0
    assert "resample" in capsys.readouterr().err
