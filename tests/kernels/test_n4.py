# SPDX-License-Identifier: Apache-2.0
"""n4 and n4_bias_field_correction: reference, properties, edges; the peers are in test_n4_peers.py."""

import functools
import warnings

import backends
import numpy as np
import pytest
from n4_phantom import difference, log_field, phantom

import voxkern as vk
from voxkern import _core
from voxkern.reference.n4 import itk_convergence
from voxkern.reference.n4 import n4 as reference_n4

# --- against the reference: the meaning ----------------------------------------------------------

REFERENCE_CASES = {
    "defaults": ((32, 36, 40), True, {}),
    "exact": ((32, 36, 40), True, {"itk": False}),
    "no mask": ((30, 36, 40), False, {"iterations": (8, 4)}),
    "no mask, odd": ((19, 33, 47), False, {"iterations": (8, 4), "itk": False}),
    "columns below a block": ((40, 31, 9), True, {"iterations": (6, 6), "itk": False}),
    "order 1": (
        (21, 22, 23),
        True,
        {"spline_order": 1, "control_points": (3, 2, 4), "iterations": (5, 5), "itk": False},
    ),
    "order 2": (
        (21, 22, 23),
        True,
        {"spline_order": 2, "control_points": (3, 4, 5), "iterations": (5, 5), "itk": False},
    ),
    "order 4": (
        (21, 22, 23),
        False,
        {"spline_order": 4, "control_points": (5, 6, 5), "iterations": (5, 5), "itk": False},
    ),
    "order 5": (
        (21, 22, 23),
        True,
        {"spline_order": 5, "control_points": (6, 6, 7), "iterations": (5, 5), "itk": False},
    ),
    "many control points": (
        (28, 50, 37),
        False,
        {"control_points": (5, 9, 7), "iterations": (3, 3), "itk": False},
    ),
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


@functools.cache
def reference_case(name):
    """Return image, mask, options and what the reference makes of them: each ISA level asks for it."""
    shape, masked, options = REFERENCE_CASES[name]
    image, mask = phantom(shape)
    mask = mask if masked else None
    return image, mask, options, reference_n4(image, mask, **options)


@pytest.mark.parametrize("name", REFERENCE_CASES)
def test_equals_reference(name, cpu_level):
    image, mask, options, (want, lattice, trace) = reference_case(name)
    arguments = {NAMES.get(k, k): v for k, v in options.items() if k != "itk"}
    got, details = log_field(image, mask, compat="itk" if options.get("itk", True) else "exact", **arguments)
    assert [s[:2] for s in details.trace] == [t[:2] for t in trace]
    np.testing.assert_allclose([s[2] for s in details.trace], [t[2] for t in trace], rtol=1e-3)
    assert details.log_field_lattice.shape == lattice.shape
    # In float32 the maximum may land beyond the last bin, where ITK drops it: one sample of them all. Many
    # control points: the outermost ones see next to nothing, and of that float32 knows four digits.
    tolerance = 3e-4 if options.get("itk", True) else 2e-5 if name == "many control points" else 1e-5
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
    image, mask = phantom((40, 41, 42))
    fields = []
    for level in _core.cpu_levels():
        with backends.cpu_level(level):
            fields.append(log_field(image, mask, maximum_number_of_iterations=(10, 10))[0])
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


def test_half_and_long_double():
    image, mask = phantom((20, 24, 40))
    image = image.astype(np.float16)
    want = vk.n4_bias_field_correction(image.astype(np.float32), mask, maximum_number_of_iterations=3)
    got = vk.n4_bias_field_correction(image, mask, maximum_number_of_iterations=3)
    assert got.dtype == np.float32 and got.tobytes() == want.tobytes()
    long = vk.n4_bias_field_correction(image.astype(np.longdouble), mask, maximum_number_of_iterations=3)
    assert long.dtype == np.float64
    np.testing.assert_allclose(long, want, rtol=1e-6)


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


def test_histogram_of_a_row_of_300000_columns(cpu_level):
    """One bin takes nearly all samples of a row, each almost a whole bin beyond its lower edge."""
    image = np.full((3, 300_000), np.exp(50.97 / 99), np.float32)
    image[1, 7], image[2, 9] = 1.0, np.exp(1.0)  # the ends of the histogram
    options = {"number_of_histogram_bins": 100, "maximum_number_of_iterations": (1,)}
    along, _ = log_field(image, np.ones(image.shape), **options)
    across, _ = log_field(np.ascontiguousarray(image.T), np.ones(image.T.shape), **options)  # rows of 3
    np.testing.assert_allclose(along, across.T, rtol=0, atol=1e-5)


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


def test_result_does_not_depend_on_being_watched():
    image, mask = phantom((40, 44, 48))
    options = {"maximum_number_of_iterations": (5, 5), "convergence_threshold": 0}
    alone = vk.n4_bias_field_correction(image, mask, **options)
    watched, details = vk.n4_bias_field_correction(image, mask, return_details=True, **options)
    assert alone.tobytes() == watched.tobytes()
    assert details.iterations == (5, 5) and all(0 < s.convergence < 1 for s in details.trace)


@pytest.mark.parametrize("name", vk.N4_PRESETS)
def test_presets_run(name):
    image, mask = phantom((60, 61, 62))
    scan = vk.Volume(image, np.diag([3.0, 3.0, 3.0, 1.0]))
    settings = dict(vk.N4_PRESETS[name])
    corrected = vk.n4_bias_field_correction(scan, settings.pop("mask", mask), **settings)
    core = phantom(image.shape, amplitude=0, noise=0)[0] == 150
    before, after = (float(np.std(a[core])) / float(np.mean(a[core])) for a in (image, corrected.data))
    assert after < 0.5 * before
