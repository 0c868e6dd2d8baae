# SPDX-License-Identifier: Apache-2.0
"""Label statistics: the reference and scipy at every level, labels far apart, layouts, wrong arguments."""

import sys

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, FLOAT64, INTEGERS, SIZES, image, layouts, regions
from hypothesis import given, settings
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern.reference.regions import regions as reference


def check(labels, samples, lowest, count):
    got = _core.regions(labels, samples, lowest, count, 2)
    want = reference(labels, samples, lowest, count)
    for i in (0, 1, 4, 5):
        np.testing.assert_array_equal(got[i], want[i])
    for i in (2, 3):
        np.testing.assert_allclose(got[i], want[i], rtol=FLOAT64, atol=FLOAT64)


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


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
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
    labels = regions(rng, (40, 80, 90), 5)
    samples = rng.standard_normal(labels.shape).astype(np.float32)
    want = vk.label_statistics(labels, samples, threads=1)
    for name, same in layouts(labels):
        for _, beside in layouts(samples):
            got = vk.label_statistics(same, beside, threads=3)
            for column, values in got.columns().items():
                np.testing.assert_array_equal(values, want.columns()[column], err_msg=f"{name} {column}")


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
        (lambda: vk.label_statistics([1], index=[0.5]), vk.ArgumentTypeError, "index: got dtype float64"),
        (lambda: vk.label_statistics(np.uint64([2**63])), vk.ArgumentError, "allowed below"),
    ],
)
def test_wrong_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
