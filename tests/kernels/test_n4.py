# SPDX-License-Identifier: Apache-2.0
"""n4 and n4_bias_field_correction: reference, SimpleITK, ANTs, properties, edges."""

import warnings

import numpy as np
import pytest

import voxkern as vk
from voxkern._intensity import otsu_threshold
from voxkern.reference.n4 import itk_convergence
from voxkern.reference.n4 import n4 as reference_n4


def phantom(shape, seed=0, amplitude=0.35, noise=0.02, lowest=1.0):
    """Return shells of five tissues under a smooth field with noise, and the mask of the object."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    radius = np.sqrt(sum((x / s) ** 2 for x, s in zip(axes, (0.85, 0.9, 0.8), strict=False)))
    image = np.full(shape, 12.0)
    for outer, value in ((1.0, 60), (0.8, 105), (0.5, 150)):
        image[radius < outer] = value
    image[np.abs(radius - 0.65) < 0.05] = 85
    slow, fast, other = axes[0], axes[-1], axes[-2]
    log = amplitude * (0.8 * slow + 0.5 * fast**2 - 0.6 * other * slow + 0.3 * np.sin(2 * other))
    image = image * np.exp(log) * (1 + noise * rng.standard_normal(shape))
    image = np.maximum(image + 40 * noise * rng.standard_normal(shape), lowest)
    return image.astype(np.float32), (radius < 1).astype(np.uint8)


def log_field(x, mask=None, **kwargs):
    field, details = vk.n4_bias_field_correction(x, mask, return_field=True, return_details=True, **kwargs)[
        1:
    ]
    return np.log(np.asarray(field, np.float64)), details


def difference(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


# --- against the reference: the meaning ----------------------------------------------------------

REFERENCE_CASES = {
    "defaults": ((32, 36, 40), True, {}),
    "exact": ((32, 36, 40), True, {"itk": False}),
    "no mask, odd": ((19, 33, 47), False, {"iterations": (8, 4)}),
    "columns below a block": ((40, 31, 9), True, {"iterations": (6, 6)}),
    "order 1": ((21, 22, 23), True, {"spline_order": 1, "control_points": (3, 2, 4), "iterations": (5, 5)}),
    "order 2": ((21, 22, 23), True, {"spline_order": 2, "control_points": (3, 4, 5), "iterations": (5, 5)}),
    "order 4": ((21, 22, 23), False, {"spline_order": 4, "control_points": (5, 6, 5), "iterations": (5, 5)}),
    "order 5": ((21, 22, 23), True, {"spline_order": 5, "control_points": (6, 6, 7), "iterations": (5, 5)}),
    "many control points": ((28, 50, 37), False, {"control_points": (5, 9, 7), "iterations": (3, 3)}),
    "256 bins, exact": (
        (32, 36, 40),
        True,
        {"bins": 256, "fwhm": 0.3, "noise": 0.1, "iterations": (9,), "itk": False},
    ),
    "20 bins, exact": ((20, 24, 22), True, {"bins": 20, "iterations": (9, 3), "itk": False}),
    "two axes": ((96, 80), True, {"control_points": (4, 4), "iterations": (9, 5), "itk": False}),
    "an axis of one": ((40, 1, 44), False, {"iterations": (9, 5), "itk": False}),
}

NAMES = {
    "iterations": "maximum_number_of_iterations",
    "bins": "number_of_histogram_bins",
    "fwhm": "bias_field_full_width_at_half_maximum",
    "noise": "wiener_filter_noise",
    "control_points": "number_of_control_points",
}


@pytest.mark.parametrize("name", REFERENCE_CASES)
def test_equals_reference(name, cpu_level):
    shape, masked, options = REFERENCE_CASES[name]
    image, mask = phantom(shape)
    mask = mask if masked else None
    want, lattice, trace = reference_n4(image, mask, **options)
    arguments = {NAMES.get(k, k): v for k, v in options.items() if k != "itk"}
    got, details = log_field(image, mask, compat="itk" if options.get("itk", True) else "exact", **arguments)
    assert [s[:2] for s in details.trace] == [t[:2] for t in trace]
    np.testing.assert_allclose([s[2] for s in details.trace], [t[2] for t in trace], rtol=1e-3)
    assert details.log_field_lattice.shape == lattice.shape
    # Few samples: one that falls to the other side of a bin's edge counts. Many control points: the
    # outermost ones see next to nothing, and of that float32 knows four digits.
    tolerance = 5e-5 if image.size < 20000 or name == "many control points" else 1e-5
    assert difference(got, want) <= tolerance


@pytest.mark.parametrize("compat", ["itk", "exact"])
def test_weights_equal_reference(rng, compat):
    image, mask = phantom((30, 34, 38), 5)
    weights = (rng.random(image.shape) * (rng.random(image.shape) > 0.2) * 2).astype(np.float32)
    want, _, _ = reference_n4(image, mask, weights=weights, iterations=(6, 6), itk=compat == "itk")
    for kind in (np.float32, np.float64):
        got, _ = log_field(
            image, mask * 7, weights=weights.astype(kind), maximum_number_of_iterations=(6, 6), compat=compat
        )
        assert difference(got, want) <= 2e-5


def test_itk_convergence_of_a_large_image(rng):
    """The short cut over samples that cannot move ITK's mean gives its number."""
    image, _ = phantom((64, 64, 64), amplitude=0.25)
    got, details = log_field(image, maximum_number_of_iterations=(2,), convergence_threshold=0)
    first, _ = log_field(image, maximum_number_of_iterations=(1,), convergence_threshold=0)
    want = itk_convergence(np.exp(first - got).astype(np.float32).ravel())
    assert abs(details.trace[1].convergence / want - 1) < 1e-3
    exact = log_field(image, maximum_number_of_iterations=(2,), convergence_threshold=0, compat="exact")[1]
    assert exact.trace[1].convergence < 0.9 * want  # the two measures differ, as they do in ITK


# --- against SimpleITK -----------------------------------------------------------------------------


def simpleitk_n4(image, mask=None, **settings):
    sitk = pytest.importorskip("SimpleITK")
    geometry = settings.pop("geometry", {})
    sitk.ProcessObject.SetGlobalDefaultThreader("Platform")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(2)
    images = [sitk.GetImageFromArray(a) for a in (image, mask) if a is not None]
    for one in images:
        for name, value in geometry.items():
            getattr(one, f"Set{name}")(value)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(settings.pop("MaximumNumberOfIterations", (50,) * 4))
    for name, value in settings.items():
        getattr(n4, f"Set{name}")(value)
    out = sitk.GetArrayFromImage(n4.Execute(*images))
    field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(images[0])).astype(np.float64)
    return out, field, n4.GetElapsedIterations() - 1


SIMPLEITK_CASES = {
    "masked, 4 levels": (True, {}, {}),
    "no mask, 4 levels": (False, {}, {}),
    "1 iteration": (True, {"MaximumNumberOfIterations": [1]}, {"maximum_number_of_iterations": 1}),
    "10 iterations": (
        True,
        {"MaximumNumberOfIterations": [10], "ConvergenceThreshold": 0.0},
        {"maximum_number_of_iterations": (10,), "convergence_threshold": 0},
    ),
    "3 levels of 12, threshold 0": (
        True,
        {"MaximumNumberOfIterations": [12] * 3, "ConvergenceThreshold": 0.0},
        {"maximum_number_of_iterations": (12,) * 3, "convergence_threshold": 0},
    ),
    "control points": (
        True,
        {"MaximumNumberOfIterations": [20, 20], "NumberOfControlPoints": [5, 4, 6]},
        {"maximum_number_of_iterations": (20, 20), "number_of_control_points": (6, 4, 5)},
    ),
    "rotated, anisotropic": (
        True,
        {
            "MaximumNumberOfIterations": [20, 20],
            "geometry": {
                "Spacing": (1.0, 0.7, 2.5),
                "Origin": (-90.3, 126.2, 11.7),
                "Direction": (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0),
            },
        },
        {"maximum_number_of_iterations": (20, 20)},
    ),
    "order 1": (
        True,
        {"MaximumNumberOfIterations": [20, 20], "SplineOrder": 1},
        {"maximum_number_of_iterations": (20, 20), "spline_order": 1},
    ),
    "order 2": (
        True,
        {"MaximumNumberOfIterations": [20, 20], "SplineOrder": 2},
        {"maximum_number_of_iterations": (20, 20), "spline_order": 2},
    ),
    **{
        f"{bins} bins": (
            True,
            {
                "MaximumNumberOfIterations": [20],
                "NumberOfHistogramBins": bins,
                "BiasFieldFullWidthAtHalfMaximum": 0.3,
                "WienerFilterNoise": 0.1,
            },
            {
                "maximum_number_of_iterations": 20,
                "number_of_histogram_bins": bins,
                "bias_field_full_width_at_half_maximum": 0.3,
                "wiener_filter_noise": 0.1,
            },
        )
        for bins in (64, 128, 256, 512)
    },
}


@pytest.mark.parametrize("name", SIMPLEITK_CASES)
def test_equals_simpleitk(name):
    masked, theirs, ours = SIMPLEITK_CASES[name]
    image, mask = phantom((32, 36, 40))
    mask = mask if masked else None
    out, want, last = simpleitk_n4(image, mask, **dict(theirs))
    got, details = log_field(image, mask, **ours)
    assert details.iterations[-1] == last
    assert difference(got, want) <= 1e-4
    corrected = vk.n4_bias_field_correction(image, mask, **ours)
    np.testing.assert_allclose(corrected, out, rtol=1e-4)


def test_zeros_count_as_in_simpleitk():
    image, _ = phantom((32, 36, 40), 3, lowest=0.0)
    image[:5, :5, :5] = 0
    _, want, last = simpleitk_n4(image, MaximumNumberOfIterations=[20, 20])
    with pytest.warns(UserWarning, match="0 or less"):
        got, details = log_field(image, maximum_number_of_iterations=(20, 20))
    assert details.iterations[-1] == last and difference(got, want) <= 1e-4


def test_first_voxel_is_never_the_minimum_as_in_simpleitk():
    image, mask = phantom((32, 36, 40))
    image[tuple(np.argwhere(mask)[0])] = 2.0
    _, want, _ = simpleitk_n4(image, mask, MaximumNumberOfIterations=[8])
    got, _ = log_field(image, mask, maximum_number_of_iterations=8)
    exact, _ = log_field(image, mask, maximum_number_of_iterations=8, compat="exact")
    assert difference(got, want) <= 1e-4
    assert difference(exact, want) > 1e-2


def test_stops_with_simpleitk_where_the_true_variation_would_not():
    image, mask = phantom((64, 64, 64), amplitude=0.25)
    _, want, last = simpleitk_n4(image, mask, MaximumNumberOfIterations=[50])
    got, details = log_field(image, mask, maximum_number_of_iterations=50)
    exact, exact_details = log_field(image, mask, maximum_number_of_iterations=50, compat="exact")
    assert details.iterations == (last,) and difference(got, want) <= 1e-4
    assert exact_details.iterations != (last,) and difference(exact, want) > 1e-3


def test_two_axes_equal_simpleitk():
    image, mask = phantom((96, 80), 1)
    _, want, last = simpleitk_n4(image, mask)
    got, details = log_field(image, mask)
    # 5,000 samples: one of them entering the last bin moves ITK against itself by 3e-4, too.
    assert details.iterations[-1] == last and difference(got, want) <= 1e-3


def test_float64_equals_simpleitk():
    image, mask = phantom((32, 36, 40))
    out, _, _ = simpleitk_n4(image.astype(np.float64), mask, MaximumNumberOfIterations=[5])
    got = vk.n4_bias_field_correction(image.astype(np.float64), mask, maximum_number_of_iterations=5)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, out, rtol=1e-4)


@pytest.mark.parametrize("bins", [10, 128, 200])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_otsu_equals_simpleitk(bins, dtype):
    sitk = pytest.importorskip("SimpleITK")
    image = phantom((30, 31, 32), 4)[0].astype(dtype)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetInsideValue(0)
    otsu.SetOutsideValue(1)
    otsu.SetNumberOfHistogramBins(bins)
    want = sitk.GetArrayFromImage(otsu.Execute(sitk.GetImageFromArray(image)))
    assert abs(otsu_threshold(image, bins) - otsu.GetThreshold()) < 1.0
    np.testing.assert_array_equal(image > otsu_threshold(image, bins), want)


# --- against ANTs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("masked", "theirs", "ours"),
    [
        (False, {}, {}),
        (True, {}, {}),
        (True, {"shrink_factor": 2, "rescale_intensities": True}, {"shrink_factor": 2, "rescale": True}),
        (
            True,
            {"shrink_factor": 3, "spline_param": 40},
            {"shrink_factor": 3, "spline_distance": 40.0, "mesh": None},
        ),
        (True, {"shrink_factor": 2, "spline_param": [2, 1, 3]}, {"shrink_factor": 2, "mesh": (2, 1, 3)}),
    ],
    ids=["shrink 4", "mask", "rescale", "40 mm", "mesh"],
)
def test_equals_ants(masked, theirs, ours):
    ants = pytest.importorskip("ants")
    image, mask = phantom(
        (61, 71, 67), 2
    )  # no half-voxel shrink offsets: ITK's choice there is rounding noise
    spacing = (1.0, 1.2, 0.9)
    scan = ants.from_numpy(image, spacing=spacing)
    theirs = {"convergence": {"iters": [12] * 3, "tol": 1e-7}, **theirs}
    if masked:
        theirs["mask"] = ants.from_numpy(mask.astype(np.float32), spacing=spacing)
    out = ants.n4_bias_field_correction(scan, **theirs).numpy()
    field = ants.n4_bias_field_correction(scan, return_bias_field=True, **theirs).numpy()
    # ANTs keeps the first axis fastest in memory.
    volume = vk.Volume(np.asfortranarray(image), np.diag([*spacing, 1.0]))
    settings = {**vk.N4_PRESETS["ants"], "maximum_number_of_iterations": (12,) * 3, **ours}
    corrected, got = vk.n4_bias_field_correction(
        volume, mask if masked else None, return_field=True, **settings
    )
    assert difference(np.log(got.data), np.log(field.astype(np.float64))) <= 1e-4
    np.testing.assert_allclose(corrected.data, out, rtol=1e-3, atol=1e-4 * out.max())


def test_spline_distance_is_padding_without_the_padding():
    image, mask = phantom((30, 33, 28))
    volume = vk.Volume(image, np.diag([1.5, 1.0, 2.0, 1.0]))
    options = {"maximum_number_of_iterations": (5, 5), "convergence_threshold": 0}
    got, _ = log_field(volume, mask, spline_distance=25.0, **options)
    # 43.5, 32 and 54 mm need 2, 2 and 3 spans of 25 mm: 4, 18 and 11 more voxels, the larger half behind.
    pads = ((2, 2), (9, 9), (5, 6))
    padded, _ = log_field(np.pad(image, pads), np.pad(mask, pads), mesh=(2, 2, 3), **options)
    want = padded[tuple(slice(a, a + n) for (a, _), n in zip(pads, image.shape, strict=True))]
    assert difference(got, want) <= 1e-5


# --- properties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compat", ["itk", "exact"])
def test_same_bytes_for_any_thread_count_and_every_run(compat, cpu_level):
    image, mask = phantom((56, 60, 64))
    options = {"maximum_number_of_iterations": (4, 3), "compat": compat, "return_field": True}
    want = [a.tobytes() for a in vk.n4_bias_field_correction(image, mask, threads=1, **options)]
    for threads in (1, 2, 3, 8):
        got = vk.n4_bias_field_correction(image, mask, threads=threads, **options)
        assert [a.tobytes() for a in got] == want, threads


def test_levels_agree():
    from voxkern import _core

    image, mask = phantom((40, 41, 42))
    before = _core.active_cpu_level()
    fields = []
    for level in _core.cpu_levels():
        _core.set_cpu_level(level)
        fields.append(log_field(image, mask, maximum_number_of_iterations=(10, 10))[0])
    _core.set_cpu_level(before)
    assert all(difference(f, fields[0]) <= 1e-5 for f in fields)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32", "float64", "uint16"])
def test_masks_of_any_dtype(dtype):
    image, mask = phantom((20, 24, 40))
    want = vk.n4_bias_field_correction(image, mask, maximum_number_of_iterations=3)
    high = mask.astype(dtype) * np.dtype(dtype).type(1 if dtype == "bool" else 255)
    assert (
        vk.n4_bias_field_correction(image, high, maximum_number_of_iterations=3).tobytes() == want.tobytes()
    )
    if dtype != "bool":
        high[0, 0, :] = 3
        labelled = vk.n4_bias_field_correction(image, high, mask_label=255, maximum_number_of_iterations=3)
        assert labelled.tobytes() == want.tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
def test_integers_equal_their_float32(dtype):
    image, _ = phantom((48, 48, 48))  # enough voxels for the table of logarithms
    image = np.clip(image * 0.5, 1, 127).astype(dtype)
    got = vk.n4_bias_field_correction(image, maximum_number_of_iterations=(2, 2))
    want = vk.n4_bias_field_correction(image.astype(np.float32), maximum_number_of_iterations=(2, 2))
    assert got.dtype == np.float32 and got.tobytes() == want.tobytes()


def test_memory_layouts(layouts):
    image, mask = phantom((30, 34, 38))
    options = {"maximum_number_of_iterations": (6, 6), "return_field": True}
    want = vk.n4_bias_field_correction(image, mask, **options)
    for name, array in layouts(image):
        got = vk.n4_bias_field_correction(array, mask, **options)
        for g, w in zip(got, want, strict=True):
            if name == "F":  # visited in its own memory order: other sums, same field
                np.testing.assert_allclose(g, w, rtol=2e-5, err_msg=name)
            else:
                np.testing.assert_array_equal(g, w, err_msg=name)
        masked = vk.n4_bias_field_correction(image, dict(layouts(mask))[name], **options)
        np.testing.assert_array_equal(masked[0], want[0], err_msg=name)


def test_transposed_array_gives_the_transposed_field():
    image, mask = phantom((30, 34, 38))
    points = (4, 5, 6)
    options = {"maximum_number_of_iterations": (5, 5), "convergence_threshold": 0}
    want, details = log_field(image, mask, number_of_control_points=points, **options)
    got, turned = log_field(image.T, mask.T, number_of_control_points=points[::-1], **options)
    np.testing.assert_array_equal(got.T, want)  # the same memory: the same sums
    np.testing.assert_array_equal(turned.log_field_lattice.T, details.log_field_lattice)


def test_corrected_times_field_is_the_image():
    image, mask = phantom((24, 25, 26))
    corrected, field = vk.n4_bias_field_correction(image, mask, return_field=True)
    np.testing.assert_allclose(corrected * field, image, rtol=3e-7)


def test_field_is_its_lattice():
    from voxkern.reference.n4 import along_axes, basis

    image, mask = phantom((24, 25, 26))
    got, details = log_field(image, mask, maximum_number_of_iterations=(3, 3))
    lattice = details.log_field_lattice
    assert lattice.shape == (5, 5, 5)
    want = along_axes(lattice, [basis(n, 5, 3) for n in image.shape])
    assert difference(got, want) <= 2e-6


def test_known_field_is_found():
    shape = (60, 64, 62)
    image, mask = phantom(shape, amplitude=0.0)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    log = 0.3 * axes[0] - 0.2 * axes[1] * axes[2] + 0.15 * axes[2] ** 2
    clean = log_field(image, mask)[0]
    found = log_field((image * np.exp(log)).astype(np.float32), mask)[0] - clean
    inside = mask != 0
    assert np.corrcoef(found[inside], log[inside])[0, 1] > 0.999


def test_volumes_of_a_fourth_axis_one_by_one():
    image, mask = phantom((20, 24, 28))
    series = np.stack([image, image[::-1], image * 3], axis=-1)
    options = {"maximum_number_of_iterations": (3, 2), "return_field": True, "return_details": True}
    corrected, field, details = vk.n4_bias_field_correction(series, mask, **options)
    assert corrected.shape == field.shape == series.shape and len(details) == 3
    for t in range(3):
        one, one_field, one_details = vk.n4_bias_field_correction(series[..., t], mask, **options)
        np.testing.assert_array_equal(corrected[..., t], one)
        np.testing.assert_array_equal(field[..., t], one_field)
        assert details[t].trace == one_details.trace
    moving = np.stack([mask, mask, np.roll(mask, 2, axis=0)], axis=-1)
    with_own = vk.n4_bias_field_correction(series, moving, maximum_number_of_iterations=(3, 2))
    np.testing.assert_array_equal(with_own[..., 0], corrected[..., 0])
    assert not np.array_equal(with_own[..., 2], corrected[..., 2])


def test_volume_in_volume_out():
    image, mask = phantom((20, 24, 28))
    affine = np.diag([2.0, 1.0, 1.5, 1.0])
    scan = vk.Volume(image, affine, {"modality": "MR"})
    corrected, field = vk.n4_bias_field_correction(scan, vk.Volume(mask, affine), return_field=True)
    assert isinstance(corrected, vk.Volume) and isinstance(field, vk.Volume)
    np.testing.assert_array_equal(corrected.affine, affine)
    assert corrected.meta["modality"] == "MR" and field.dtype == np.float32


def test_shrunk_fit_is_that_of_the_shrunk_array():
    image, mask = phantom((41, 50, 47))
    # floor(n / 3) samples, centred: 41 -> 13 from 2, 50 -> 16 from 2, 47 -> 15 from 2.
    part = tuple(slice(2, 2 + 3 * m, 3) for m in (13, 16, 15))
    options = {"maximum_number_of_iterations": (6, 6), "convergence_threshold": 0}
    small, small_details = log_field(image[part], mask[part], **options)
    stretched, details = log_field(image, mask, shrink_factor=3, **options)
    np.testing.assert_array_equal(details.log_field_lattice, small_details.log_field_lattice)
    corners = np.ix_(*[(0, -1)] * 3)
    # ITK pulls the last sample in by a thousandth of a voxel, and voxels differ.
    np.testing.assert_allclose(stretched[corners], small[corners], atol=2e-5)
    physical, _ = log_field(image, mask, shrink_factor=3, field_alignment="physical", **options)
    np.testing.assert_allclose(physical[part], small, rtol=1e-4, atol=2e-6)
    assert np.abs(stretched[part] - small).max() > 1e-3


def test_mean_preserving_and_rescale_and_outside():
    image, mask = phantom((24, 25, 26))
    inside = mask != 0
    log, _ = log_field(image, mask)
    centred, _ = log_field(image, mask, mean_preserving=True)
    assert abs(log[inside].mean()) > 1e-3 and abs(centred[inside].mean()) < 1e-6
    np.testing.assert_allclose(centred - log, (centred - log).flat[0], atol=1e-6)

    kept = vk.n4_bias_field_correction(image, mask, outside="input")
    plain = vk.n4_bias_field_correction(image, mask)
    np.testing.assert_array_equal(kept[inside], plain[inside])
    np.testing.assert_array_equal(kept[~inside], image[~inside])

    stretched = vk.n4_bias_field_correction(image, mask, rescale=True)
    np.testing.assert_allclose(
        [stretched[inside].min(), stretched[inside].max()],
        [image[inside].min(), image[inside].max()],
        rtol=1e-5,
    )
    np.testing.assert_array_equal(stretched[~inside], plain[~inside])


def test_values_without_a_logarithm():
    image, mask = phantom((24, 25, 26))
    image[12, 12, 10:14] = (0, -3, 0, -1)
    with pytest.warns(UserWarning, match="4 voxels inside the mask are 0 or less") as caught:
        exact = vk.n4_bias_field_correction(image, mask, compat="exact", maximum_number_of_iterations=5)
    assert len(caught) == 1 and caught[0].filename == __file__
    without = mask.copy()
    without[12, 12, 10:14] = 0
    want = vk.n4_bias_field_correction(image, without, compat="exact", maximum_number_of_iterations=5)
    np.testing.assert_array_equal(exact, want)
    image[~(mask != 0)] = np.nan  # outside the mask nothing is asked of a voxel
    image[12, 12, 10:14] = 50
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vk.n4_bias_field_correction(image, mask, maximum_number_of_iterations=2)


def test_callback_and_trace():
    image, mask = phantom((20, 24, 28))
    seen = []
    _, details = vk.n4_bias_field_correction(
        image, mask, return_details=True, callback=lambda *step: seen.append(step)
    )
    assert seen == [tuple(s) for s in details.trace]
    assert [s[0] for s in seen] == sorted(s[0] for s in seen) and seen[0][:2] == (0, 1)
    assert sum(details.iterations) == len(seen) and details.voxels == mask.sum()

    def stop(level, iteration, convergence):
        if iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vk.n4_bias_field_correction(image, mask, callback=stop)


@pytest.mark.parametrize("name", vk.N4_PRESETS)
def test_presets_run(name):
    image, mask = phantom((60, 61, 62))
    scan = vk.Volume(image, np.diag([3.0, 3.0, 3.0, 1.0]))
    settings = dict(vk.N4_PRESETS[name])
    corrected = vk.n4_bias_field_correction(scan, settings.pop("mask", mask), **settings)
    core = phantom(image.shape, amplitude=0, noise=0)[0] == 150
    before, after = (float(np.std(a[core])) / float(np.mean(a[core])) for a in (image, corrected.data))
    assert after < 0.5 * before
