# SPDX-License-Identifier: Apache-2.0
"""Label statistics: the reference and scipy at every level, labels far apart, layouts, wrong arguments."""

import sys

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, FLOAT64, INTEGERS, SIZES, examples, image, layouts, regions
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern.reference.regions import crossings, diameters
from voxkern.reference.regions import regions as reference

ALL = _core.RegionColumns(sums=True, moments=True, extremes=True, boxes=True, indices=True, centres=True)
PLACES = _core.RegionColumns(boxes=True, indices=True)
EXACT = ("counts", "indices", "boxes", "minimum_at", "maximum_at", "not_number_at", "whole_sums")
ROUNDED = ("sums", "squares", "centres")


def check(labels, samples, lowest, count):
    wanted = range(lowest, lowest + count)
    want = reference(labels, samples, wanted)
    lists = [_core.RegionNames.range(lowest, count), _core.RegionNames.listed(np.array(wanted))]
    for names in lists:
        got = _core.regions(labels, samples, names, PLACES if samples is None else ALL, 2)
        for name in {*EXACT} & {*want}:
            np.testing.assert_array_equal(getattr(got, name), want[name], err_msg=name)
        for name in {*ROUNDED} & {*want}:
            scale = max(np.abs(want[name]).max(initial=0), 1)
            np.testing.assert_allclose(getattr(got, name), want[name], atol=FLOAT64 * scale, err_msg=name)


@pytest.mark.parametrize("n", [*SIZES, 63, 64, 127, 128, 129])
def test_sizes_around_words(cpu_level, rng, n):
    for shape in ((n,), (5, n), (n, 3), (2, 3, n)):
        labels = rng.integers(0, 5, shape).astype(np.uint8)
        check(labels, rng.standard_normal(shape).astype(np.float32), 0, 6)
        check(np.sort(labels, axis=-1), None, 1, 3)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_dtypes_of_labels(cpu_level, rng, dtype):
    low = 0 if np.dtype(dtype).kind == "u" else -3
    labels = rng.integers(low, 9, (6, 70)).astype(dtype)
    check(labels, image(rng, labels.shape, "float32"), low, 12)
    check(labels[:, ::-2], None, low + 1, 5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_images(cpu_level, rng, dtype):
    labels = rng.integers(0, 4, (5, 6, 40))
    check(labels, image(rng, labels.shape, dtype), 0, 4)


def test_nan(cpu_level):
    samples = np.float32([np.nan, 2, 1, 1, np.nan, np.nan, np.inf, 3])
    got = vk.label_statistics([1, 1, 1, 1, 2, 2, 3, 3], samples)
    np.testing.assert_array_equal(got.mean, [np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(got.minimum, [1, np.nan, 3])
    np.testing.assert_array_equal(got.maximum, [2, np.nan, np.inf])
    np.testing.assert_array_equal(got.minimum_position, [[2], [-1], [7]])


def test_a_large_mean_costs_no_digits(rng):
    labels = rng.integers(0, 3, (40, 80, 90))
    samples = rng.standard_normal(labels.shape)
    shifted = vk.label_statistics(labels, samples + 1e9, index=[0, 1, 2])
    np.testing.assert_allclose(
        shifted.standard_deviation, scipy.ndimage.standard_deviation(samples, labels, [0, 1, 2]), rtol=1e-7
    )


def test_a_first_sample_far_from_the_others_costs_few(rng):
    """Moments are taken about it, in its chunk alone."""
    samples = rng.random((16, 1 << 18))
    for outlier in (1e9 / 3, 7e11):
        samples[0, 0] = outlier
        got = vk.label_statistics(np.ones(samples.shape, np.uint8), samples)
        np.testing.assert_allclose(got.standard_deviation, samples.std(dtype=np.longdouble), rtol=3e-10)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@examples(20)
def test_scipys_functions(seed, shape):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, shape).astype(np.int32)
    samples = rng.standard_normal(shape)
    got = vk.label_statistics(labels, samples)
    index = np.unique(labels[labels != 0])
    np.testing.assert_array_equal(got.label, index)
    if len(index) == 0:
        return
    for ours, name in (
        ("mean", "mean"),
        ("standard_deviation", "standard_deviation"),
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("minimum_position", "minimum_position"),
        ("maximum_position", "maximum_position"),
    ):
        with np.errstate(invalid="ignore"):  # labels that do not occur
            want = getattr(scipy.ndimage, name)(samples, labels, index)
        np.testing.assert_allclose(getattr(got, ours), want, rtol=FLOAT64, atol=FLOAT64, err_msg=name)
    ones = np.ones(shape)
    np.testing.assert_allclose(got.centroid, scipy.ndimage.center_of_mass(ones, labels, index), atol=FLOAT64)
    assert got.slices() == [box for box in scipy.ndimage.find_objects(labels) if box]


def test_chosen_labels(rng):
    labels = regions(rng, (20, 30, 40), 6, "int16")
    every = vk.label_statistics(labels, labels * 2.0)
    some = vk.label_statistics(labels, labels * 2.0, index=[4, 99, 1, 4])
    np.testing.assert_array_equal(some.label, [4, 99, 1, 4])
    np.testing.assert_array_equal(some.mean, [8, np.nan, 2, 8])
    np.testing.assert_array_equal(some.count[[0, 2]], every.count[[3, 0]])
    assert some.count[1] == 0 and some.slices()[1] is None
    assert vk.label_statistics(labels, index=[0]).count[0] == (labels == 0).sum()
    assert len(vk.label_statistics(np.zeros((3, 4), int))) == 0
    assert len(vk.label_statistics(np.zeros((0, 4), int))) == 0


@pytest.mark.parametrize("names", [[-(2**60), -7, 0, 3, 2**62], [-2, -1, 0, 1, 100_000]])
def test_labels_far_apart(rng, names):
    names = np.array(names)
    which = rng.integers(0, 5, (6, 7, 8))
    samples = rng.standard_normal(which.shape)
    got = vk.label_statistics(names[which], samples)
    near = vk.label_statistics(which, samples, index=[0, 1, 3, 4])
    np.testing.assert_array_equal(got.label, names[names != 0])
    np.testing.assert_array_equal(got.count, near.count)
    np.testing.assert_array_equal(got.mean, near.mean)


def test_layouts_and_threads(rng):
    """The bits are the same for any number of threads; those of sums may change with the memory order."""
    labels = regions(rng, (40, 80, 90), 5)
    samples = rng.standard_normal(labels.shape).astype(np.float32)
    want = vk.label_statistics(labels, samples, percentiles=[30], threads=1).columns()
    for name, same in layouts(labels):
        for _, beside in layouts(samples):
            one, three = (
                vk.label_statistics(same, beside, percentiles=[30], threads=t).columns() for t in (1, 3)
            )
            for column, values in three.items():
                np.testing.assert_array_equal(values, one[column], err_msg=f"{name} {column}")
                np.testing.assert_allclose(values, want[column], rtol=FLOAT64, atol=1e-14, err_msg=name)


def groups_of(labels, beside, names):
    """Return offsets, samples, positions and indices."""
    groups = _core.region_groups(labels, beside, names, True, 2)
    total = groups.offsets[-1]
    outputs = (
        np.empty(total, beside.dtype),
        np.empty(total, np.int64),
        np.empty((labels.ndim, total), np.int64),
    )
    _core.write_region_groups(labels, beside, names, groups, *outputs, 2)
    return groups.offsets, *outputs


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_labels_that_are_broadcast(cpu_level, rng, axis):
    """A row of stride 0 is one run, whatever its length."""
    shape = [4, 5, 2100]
    few = rng.integers(0, 4, [1 if a == axis else n for a, n in enumerate(shape)])
    labels = np.broadcast_to(few.astype(np.uint8), shape)
    samples = rng.integers(-99, 99, shape).astype(np.float32)
    check(labels, samples, 0, 5)
    names, edges = _core.RegionNames.range(1, 3), np.linspace(-99, 99, 12)
    for beside in (samples, np.broadcast_to(samples[:1, :1], shape)):
        got = groups_of(labels, beside, names)
        want = groups_of(labels.copy(), beside.copy(), names)
        for ours, plain in zip(got, want, strict=True):
            np.testing.assert_array_equal(ours, plain)
        np.testing.assert_array_equal(got[3], np.unravel_index(got[2], shape))
        np.testing.assert_array_equal(
            _core.region_histograms(labels, beside, names, edges, 2),
            [np.histogram(beside[labels == k], edges)[0] for k in (1, 2, 3)],
        )


def test_of_equal_extremes_the_first_in_c_order_counts(cpu_level, rng):
    samples = rng.integers(0, 3, (9, 10, 11)).astype(np.int16)
    labels = rng.integers(1, 4, samples.shape)
    for _, beside in layouts(samples):
        for _, same in layouts(labels):
            got = vk.label_statistics(same, beside)
            for k in range(3):
                for side in ("minimum", "maximum"):
                    where = np.argwhere((labels == k + 1) & (samples == getattr(got, side)[k]))[0]
                    np.testing.assert_array_equal(getattr(got, f"{side}_position")[k], where)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_large_integers_are_compared_and_added_exactly(cpu_level, rng, dtype):
    samples = (rng.integers(0, 8, (5, 60)) + 2**62).astype(dtype)
    check(rng.integers(0, 3, samples.shape), samples, 0, 3)
    check(np.asfortranarray(rng.integers(0, 3, samples.shape)), samples[:, ::-1], 0, 3)


# --- many labels, and labels far apart --------------------------------------------------------------------


@pytest.mark.parametrize("spread", [1, 3, 2**41])
def test_many_labels(rng, spread):
    """More than a chunk's list of rows holds: they are looked up by hashing."""
    which = np.repeat(rng.permutation(90_000), 4).reshape(600, 600)
    labels = which * spread
    samples = rng.random(labels.shape)
    got = vk.label_statistics(labels, samples, threads=2)
    order = np.argsort(which.ravel(), kind="stable")
    want = samples.ravel()[order].reshape(-1, 4)
    np.testing.assert_array_equal(got.label, np.arange(1, 90_000) * spread)
    np.testing.assert_allclose(got.mean, want.mean(axis=1)[1:], rtol=FLOAT64)
    some = vk.label_statistics(labels, samples, index=[70_000 * spread, 5 * spread], percentiles=[50])
    np.testing.assert_allclose(some.percentiles[:, 0], np.median(want, axis=1)[[70_000, 5]], rtol=FLOAT64)


# --- percentiles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_percentiles_are_numpys(rng, dtype):
    labels = rng.integers(0, 5, (20, 30))
    samples = image(rng, labels.shape, dtype)
    percents = (0, 5, 50, 50, 99.5, 100, 12)
    got = vk.label_statistics(labels, samples, percentiles=percents, index=[3, 9, 1])
    plain = samples.astype(np.float64) if samples.dtype.kind != "f" else samples
    for row, label in ((0, 3), (2, 1)):
        want = np.percentile(plain[labels == label], percents)
        np.testing.assert_allclose(got.percentiles[row], want, rtol=1e-7 if dtype == "float32" else 1e-14)
    assert np.isnan(got.percentiles[1]).all()
    assert "percentile_99.5" in got.columns() and "percents" not in got.columns()


def test_percentiles_of_one_large_label_and_of_nan(rng):
    samples = rng.random((110, 100, 100)).astype(np.float32)
    labels = np.ones(samples.shape, np.uint8)
    labels[0, :5] = 2
    samples[0, 0, 7] = np.nan
    got = vk.label_statistics(labels, samples, percentiles=[5, 50, 95])
    np.testing.assert_allclose(
        got.percentiles[0], np.percentile(samples[labels == 1], [5, 50, 95]), rtol=1e-6
    )
    assert np.isnan(got.percentiles[1]).all()


# --- surfaces and diameters -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
def test_crossings_and_diameters(cpu_level, rng, dtype):
    names = _core.RegionNames.range(1, 4)
    matrix = np.array([[2, 0.1, 0], [0, 1.3, 0.2], [0.3, 0, 0.7]])
    for shape in ((5, 6, 70), (1, 1, 9), (4, 1, 3)):
        labels = (rng.random(shape) < 0.3) * rng.integers(0, 5, shape)
        for _, same in layouts(labels.astype(dtype)):
            np.testing.assert_array_equal(
                _core.region_crossings(same, names, 2), crossings(labels, range(1, 5))
            )
            np.testing.assert_allclose(
                _core.region_diameters(same, names, matrix, 2),
                diameters(labels, range(1, 5), matrix),
                rtol=1e-12,
            )


def ball(spacing, radius):
    n = [int(2 * radius / s) + 5 for s in spacing]
    z, y, x = (((np.arange(m) - (m - 1) / 2.03) * s) ** 2 for m, s in zip(n, spacing, strict=True))
    mask = z[:, None, None] + y[:, None] + x <= radius**2
    return vk.Volume(mask, np.diag([*spacing, 1.0]))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 0.8, 0.9), (3, 0.7, 0.7), (1, 2.5, 0.6)])
def test_surface_and_diameter_of_a_ball(spacing):
    got = vk.label_statistics(ball(spacing, 20), surface_area=True, longest_diameter=True)
    np.testing.assert_allclose(got.surface_area, 4 * np.pi * 400, rtol=0.01)
    np.testing.assert_allclose(got.longest_diameter, 40, atol=np.max(spacing))
    assert got.longest_diameter[0] <= 40


def test_surface_of_slanted_plates():
    """As far off as the documentation says."""
    z, y, x = np.indices((40, 40, 40)) - 19.5
    for normal in ([1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0.4, 0], [1, 0.4, 0.2]):
        a, b, c = np.array(normal) / np.linalg.norm(normal)
        along = a * z + b * y + c * x
        plate = (np.abs(along) < 6) & (z**2 + y**2 + x**2 - along**2 < 15**2)
        got = vk.label_statistics(plate, surface_area=True).surface_area[0]
        np.testing.assert_allclose(got, 2 * np.pi * 15**2 + 12 * 2 * np.pi * 15, rtol=0.07)


def test_a_surface_ends_at_the_border_of_the_image():
    got = vk.label_statistics(np.ones((30, 30, 30), bool), surface_area=True).surface_area
    np.testing.assert_allclose(got, 6 * 30**2, rtol=0.1)


def test_diameters_of_lines_planes_and_single_voxels():
    labels = np.zeros((5, 6, 7), int)
    labels[1, 1:5, 2] = 1
    labels[3, 3, 3] = 2
    labels[0, :, 5:] = 3
    got = vk.label_statistics(labels, longest_diameter=True, index=[1, 2, 3, 8])
    np.testing.assert_allclose(got.longest_diameter, [3, 0, np.sqrt(26), np.nan])
    flat = vk.label_statistics(labels[0], longest_diameter=True)
    np.testing.assert_allclose(flat.longest_diameter, [np.sqrt(26)])


def test_a_volume_is_measured_in_millimetres():
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[1:3, 2, 4] = 3
    affine = np.array([[0, 0, -2.0, 10], [0, 1.5, 0, 20], [0.5, 0, 0, 30], [0, 0, 0, 1]])
    got = vk.label_statistics(vk.Volume(labels, affine))
    np.testing.assert_allclose(got.volume, [2 * 1.5])
    np.testing.assert_allclose(got.centroid_mm, [[2.0, 23.0, 30.75]])
    np.testing.assert_allclose(got.centroid, [[1.5, 2, 4]])


def test_as_a_table():
    pandas = pytest.importorskip("pandas")
    table = vk.label_statistics([[0, 1], [2, 2]], [[1, 2], [3, 5]]).to_pandas()
    assert isinstance(table, pandas.DataFrame) and list(table.index) == [1, 2]
    assert table.loc[2, "mean"] == 4 and table.loc[2, "centroid_1"] == 0.5


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(vk.MissingPackageError, match="pip install pandas "):
        vk.label_statistics([1, 2]).to_pandas()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: vk.label_statistics([0.5]), vk.ArgumentTypeError, "labels: got dtype float64"),
        (lambda: vk.label_statistics(1), vk.ArgumentError, "labels: got no axis"),
        (lambda: vk.label_statistics([1], [1, 2]), vk.ArgumentError, "image: got shape"),
        (lambda: vk.label_statistics([1], [1j]), vk.ArgumentTypeError, "image: got dtype complex128"),
        (lambda: vk.label_statistics([1], percentiles=[5]), vk.ArgumentError, "percentiles: got no image"),
        (lambda: vk.label_statistics([1], [1], percentiles=[101]), vk.ArgumentError, "percentiles: got"),
        (
            lambda: vk.label_statistics([1], surface_area=True),
            vk.ArgumentError,
            "surface_area: got labels of 1",
        ),
        (lambda: vk.label_statistics([1], longest_diameter=True), vk.ArgumentError, "longest_diameter: got"),
        (lambda: vk.label_statistics([1], index=[0.5]), vk.ArgumentTypeError, "index: got dtype float64"),
        (lambda: vk.label_statistics(np.uint64([2**63])), vk.ArgumentError, "allowed below"),
        (lambda: vk.label_statistics(np.uint64([2**64 - 1]), index=[-1]), vk.ArgumentError, "index: got -1"),
        (lambda: vk.label_statistics([-1], index=np.uint64([2**63])), vk.ArgumentError, "index: got 9223"),
        (lambda: vk.dice([-1], [1], labels=np.uint64([2**63])), vk.ArgumentError, "labels: got 9223"),
    ],
)
def test_wrong_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


ONE, SIX = np.ones((2, 3), np.int32), np.arange(6.0)
KNOWN, OPEN = _core.RegionNames.range(1, 1), _core.RegionNames.every(True)
NONE = _core.RegionNames.range(1, 0)
READ_ONLY = np.frombuffer(bytes(48))
GROUPS = _core.region_groups(ONE, None, KNOWN, True, 1)


@pytest.mark.parametrize(
    ("name", "args", "word"),
    [
        ("region_groups", (ONE * 1.0, None, KNOWN, True), "labels: allowed integers"),
        ("region_groups", (np.array(1), None, KNOWN, True), "labels: allowed one axis"),
        ("region_groups", (ONE, ONE[:1], KNOWN, True), "image: its shape"),
        ("region_groups", (ONE, None, OPEN, True), "names: allowed those"),
        ("write_region_groups", (ONE, None, KNOWN, GROUPS, SIX, None, None), "samples: allowed beside"),
        ("write_region_groups", (ONE, None, NONE, GROUPS, None, None, None), "groups: allowed those of"),
        ("write_region_groups", (ONE, ONE, KNOWN, GROUPS, SIX, None, None), "samples, positions, indices"),
        ("write_region_groups", (ONE, None, KNOWN, GROUPS, None, ONE, None), "samples, positions, indices"),
        ("region_histograms", (ONE * 1.0, ONE, KNOWN, [0, 1]), "labels: allowed integers"),
        ("region_histograms", (ONE, ONE[0], KNOWN, [0, 1]), "image: its shape"),
        ("region_histograms", (ONE, ONE, OPEN, [0, 1]), "names: allowed those"),
        ("region_histograms", (ONE, ONE, KNOWN, [0]), "edges: allowed 2"),
        ("region_histograms", (ONE, ONE, KNOWN, [0, 1, 1]), "edges: allowed rising"),
        ("region_histograms", (ONE, ONE, KNOWN, [0, np.nan]), "edges: allowed rising"),
        ("region_quantiles", (READ_ONLY, [0, 6], [0.5]), "samples: got a read-only"),
        ("region_quantiles", (SIX.reshape(2, 3), [0, 6], [0.5]), "samples: allowed one axis"),
        ("region_quantiles", (SIX[::2], [0, 3], [0.5]), "samples: allowed one axis"),
        ("region_quantiles", (SIX, [], [0.5]), "offsets: allowed 0"),
        ("region_quantiles", (SIX, [1, 6], [0.5]), "offsets: allowed 0"),
        ("region_quantiles", (SIX, [0, 7], [0.5]), "offsets: allowed 0"),
        ("region_quantiles", (SIX, [0, 4, 2, 6], [0.5]), "offsets: allowed 0"),
        ("region_quantiles", (SIX, [0, 6], [1.5]), "quantiles: allowed 0"),
        ("region_quantiles", (SIX, [0, 6], [np.nan]), "quantiles: allowed 0"),
    ],
)
def test_wrong_arguments_of_the_kernel(name, args, word):
    with pytest.raises(ValueError, match=word):
        getattr(_core, name)(*args, 1)
