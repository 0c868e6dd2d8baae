# SPDX-License-Identifier: Apache-2.0
"""n4 against the tools it replaces: SimpleITK and ANTs."""

import numpy as np
import pytest
from n4_phantom import difference, log_field, phantom

import voxkern as vk

pytestmark = pytest.mark.slow  # SimpleITK takes its time

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
    "no mask, 3 levels": (
        False,
        {"MaximumNumberOfIterations": [20] * 3},
        {"maximum_number_of_iterations": (20,) * 3},
    ),
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


def test_the_label_that_simpleitk_counts():
    image, mask = phantom((32, 36, 40))
    mask = mask.astype(np.uint8)
    mask[:, :18] *= 2
    few = {"maximum_number_of_iterations": (10, 10)}
    _, want, last = simpleitk_n4(image, mask, MaximumNumberOfIterations=[10, 10])
    got, details = log_field(image, mask, **{**vk.N4_PRESETS["simpleitk"], **few}, mask_label=1)
    assert details.iterations[-1] == last and difference(got, want) <= 1e-4
    both, _ = log_field(image, mask, **{**vk.N4_PRESETS["simpleitk"], **few})
    assert difference(both, want) > 1e-2


def test_zeros_count_as_in_simpleitk():
    image, _ = phantom((32, 36, 40), 3, lowest=0.0)
    image[:5, :5, :5] = 0
    _, want, last = simpleitk_n4(image, MaximumNumberOfIterations=[10, 10])
    with pytest.warns(UserWarning, match="0 or less"):
        got, details = log_field(image, maximum_number_of_iterations=(10, 10))
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
    got = vk.otsu(image, bins, method="itk")
    assert abs(got - otsu.GetThreshold()) < 1.0
    np.testing.assert_array_equal(image > got, want)


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
