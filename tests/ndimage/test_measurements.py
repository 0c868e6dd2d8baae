# SPDX-License-Identifier: Apache-2.0
"""Measurements of regions beside scipy's: index forms, dtypes, broadcasting, NaN, nothing, exceptions."""

import warnings

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, FLOAT64, LABELS, examples, image, layouts
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

SUMS = ["sum", "sum_labels", "mean", "variance", "standard_deviation"]
MOMENTS = ["variance", "standard_deviation"]
EXTREMES = ["minimum", "maximum", "median"]
POSITIONS = ["minimum_position", "maximum_position", "extrema"]
FUNCTIONS = [*SUMS, *EXTREMES, *POSITIONS, "center_of_mass"]

INDICES = [
    None,
    2,
    9,
    np.int8(1),
    1.0,
    2.5,
    [1, 2],
    [2, 9, 2, 1],
    np.arange(4)[::-1],
    [[1, 2], [3, 0]],
    [1.0, 9.0],
    (3,),
]


def outcome(function, *args, **kwargs):
    """Return what a call gives: an answer and the kinds of its warnings, or the kind of its exception."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return function(*args, **kwargs), {w.category for w in caught}
        except Exception as error:
            return type(error), set()


def same(got, want, what="", rtol=1e-11):
    """Compare answers: kinds, dtypes, shapes, and numbers to rounding."""
    assert type(got) is type(want), (what, got, want)
    if isinstance(want, tuple | list):
        assert len(got) == len(want), what
        for a, b in zip(got, want, strict=True):
            same(a, b, what, rtol)
    elif isinstance(want, dict):
        assert list(got) == list(want), what
        for key in want:
            same(got[key], want[key], what, rtol)
    elif isinstance(want, np.ndarray) and want.dtype == object:
        same(got.tolist(), want.tolist(), what, rtol)
    elif isinstance(want, np.ndarray | np.generic):
        assert got.dtype == want.dtype and got.shape == want.shape, (what, got, want)
        rtol = max(rtol, {2: 2e-3, 4: 2e-6}.get(want.dtype.itemsize, 0)) if want.dtype.kind == "f" else 0
        np.testing.assert_allclose(got, want, rtol=rtol, atol=1e-11 if rtol else 0, err_msg=what)
    else:
        assert got == want, what


def check(name, *args, **kwargs):
    theirs = outcome(getattr(scipy_ndimage, name), *args, **kwargs)
    ours = outcome(getattr(ndimage, name), *args, **kwargs, threads=2)
    half = getattr(args[0], "dtype", None) == np.float32 and name in MOMENTS  # of one region in float32 there
    same(ours[0], theirs[0], f"{name}: {ours[0]!r}, scipy {theirs[0]!r}", 1e-6 if half else 1e-11)
    # scipy warns of labels nobody asked for, and of infinities that meet.
    if name not in MOMENTS and not np.isinf(args[0].astype(float) if name in FUNCTIONS else 0).any():
        assert ours[1] == theirs[1], f"{name}: {ours[1]}, scipy {theirs[1]}"


def distinct(rng, shape, dtype):
    """Samples without equal ones as far as the dtype goes: scipy leaves open which of them counts."""
    n = int(np.prod(shape))
    if dtype == "bool":
        return rng.random(shape) > 0.5
    values = rng.permutation(n) % 120
    return (values - (0 if dtype[0] == "u" else 50)).astype(dtype).reshape(shape)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_every_index_and_dtype(cpu_level, rng, name, dtype):
    if dtype == "bool" and name in POSITIONS:
        pytest.skip("equal samples")
    if dtype == "float16" and name in MOMENTS:
        pytest.skip("scipy's overflows")
    x = distinct(rng, (7, 16), dtype)
    labels = rng.integers(0, 5, x.shape).astype(np.int32)
    check(name, x)
    for index in INDICES:
        check(name, x, labels, index)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [*LABELS, "float32", "float64"])
def test_dtypes_of_labels(rng, name, dtype):
    x = distinct(rng, (6, 18), "float64") - 70.5
    low = -2 if np.dtype(dtype).kind in "if" else 0
    for labels in (rng.integers(low, 5, x.shape), rng.integers(0, 2, x.shape) * 100 + 1):
        for index in (None, 1, -1, 300, [1, 0], [1, 101, 3, -2], [300], [2.5, 1.0]):
            check(name, x, labels.astype(dtype), index)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan(rng, name):
    x = distinct(rng, (6, 18), "float32")
    labels = np.repeat(np.arange(6), 18).reshape(x.shape)
    x[1, 3] = x[2] = np.nan
    x[3, 4] = np.inf
    x[4, 0], x[4, 1] = -np.inf, np.inf
    check(name, x)
    for index in (None, 0, 1, 2, 3, 4):
        check(name, x, labels, index)
    if name == "extrema" or name.endswith("position"):  # of several NaN any
        check(name, x, labels, [0, 1, 3, 4, 5])
    else:
        check(name, x, labels, np.arange(6))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_broadcasting(rng, name):
    x = distinct(rng, (4, 5, 6), "float64")
    for shape in ((6,), (5, 1), (1, 1, 6), (4, 5, 1)):
        labels = rng.integers(0, 3, shape)
        for index in (None, 1, [0, 1, 2]):
            check(name, x, labels, index)
    labels = rng.integers(0, 3, (2, 5, 6))
    if name not in POSITIONS:
        for part in (x[0], x[0, :1], x[:1, :, :1]):
            for index in (None, 1, [0, 1, 2]):
                check(name, part, labels, index)
    check(name, x, labels)
    for index in (None, 1, [1]):
        got = outcome(getattr(ndimage, name), x[:1, :, :1], labels, index)[0]
        assert (got is IndexError) == (name in POSITIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_to_measure(name):
    for x in (np.zeros((0, 3)), np.zeros(0, np.int16)):
        check(name, x)
        for index in (None, 1):
            check(name, x, np.zeros(x.shape, int), index)
        with pytest.raises(ValueError, match="zero-size"):
            getattr(ndimage, name)(x, np.zeros(x.shape, int), [1])
    if name != "center_of_mass":  # scipy has an IndexError there
        check(name, np.float32(3))
        check(name, np.array(3), np.array(1), 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_layouts_and_threads(rng, name):
    x = rng.random((30, 70, 130)).astype(np.float32)
    labels = rng.integers(0, 4, x.shape).astype(np.uint16)
    want = getattr(ndimage, name)(x, labels, [1, 3], threads=1)
    function = getattr(ndimage, name)
    for (_, a), (_, b) in zip(layouts(x), layouts(labels), strict=True):
        got = function(a, b, [1, 3], threads=3)
        np.testing.assert_array_equal(
            np.array(got, object), np.array(function(a, b, [1, 3], threads=1), object)
        )
        for ours, theirs in zip(
            np.ravel(np.array(got, object)), np.ravel(np.array(want, object)), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=FLOAT64)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 6), min_size=1, max_size=4))
@examples(15)
def test_any_shape(seed, shape):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    labels = rng.integers(0, 4, shape).astype(np.int32)
    index = rng.integers(0, 6, 3)
    for name in FUNCTIONS:
        check(name, x, labels, index)
    check("find_objects", labels)
    check("value_indices", labels)
    check("histogram", x, -1, 1, 7, labels, index)


def test_sums_of_integers_are_exact():
    x = np.array([2**62, 2**62 + 1, 3, 2**53 + 1, 1])
    labels = np.array([1, 1, 2, 3, 3])
    assert ndimage.sum(x, labels, 3) == 2**53 + 2
    assert ndimage.sum(x[:2]) == np.int64(2**62) + np.int64(2**62 + 1 - 2**63) - 2**62 - 2**62
    np.testing.assert_array_equal(ndimage.sum(x, labels, [1, 2, 3]), [2.0**63, 3, 2**53 + 2])
    y = np.uint64([2**63, 2**63 + 5])
    assert ndimage.sum(y, [1, 1], 1) == 5 and ndimage.maximum(y) == 2**63 + 5


def test_no_complex_numbers():
    for name in FUNCTIONS:
        with pytest.raises(RuntimeError, match="complex128"):
            getattr(ndimage, name)(np.ones(3, complex))


# --- boxes, indices, groups -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", LABELS)
def test_find_objects(cpu_level, rng, dtype):
    labels = (rng.integers(0, 40, (5, 6, 7)) // 4).astype(dtype)
    for x in (labels, labels[::-1, :, ::2], labels.T, labels[2], labels[2, 3], labels * 0):
        check("find_objects", x)
        check("find_objects", x, 3)
        check("find_objects", x, max_label=12)


def test_find_objects_apart_and_refused(rng):
    labels = np.zeros((4, 5), int)
    labels[1, 2], labels[3, 3], labels[0, 0] = 50_000, 7, -4
    boxes = ndimage.find_objects(labels)
    assert len(boxes) == 50_000 and boxes[6] == (slice(3, 4), slice(3, 4)) and boxes[-1][0] == slice(1, 2)
    assert sum(box is not None for box in boxes) == 2
    for wrong in (np.ones(3, complex), np.ones(3), np.zeros(0, int)):
        check("find_objects", wrong)
    check("find_objects", np.float32([1.5, 2, 0]), 2)
    check("find_objects", np.full((2, 3), -3))


@pytest.mark.parametrize("dtype", [d for d in LABELS if d != "bool"])
def test_value_indices(rng, dtype):
    x = image(rng, (4, 5, 6), dtype) // 30
    for a in (x, x.T, x[0, ::-2], x[:0]):
        check("value_indices", a)
        check("value_indices", a, ignore_value=2)
    if np.dtype(dtype).itemsize == 8:
        far = ndimage.value_indices(np.array([2**63 - 1, 5, 2**63 - 1], dtype))  # no memory holds scipy's
        same(
            far,
            {np.dtype(dtype).type(5): (np.array([1]),), np.dtype(dtype).type(2**63 - 1): (np.array([0, 2]),)},
        )
    for wrong in (np.ones(3), np.ones(3, bool)):
        check("value_indices", wrong)
    check("value_indices", x, ignore_value=1000 if np.dtype(dtype).itemsize == 1 else 1)


def test_value_indices_of_rows_longer_than_a_segment(rng):
    """A value comes back in one segment of a row, and in the next ones."""
    x = np.repeat(rng.integers(0, 3, (3, 2, 1200)), 4, axis=2)
    for a in (x, x.T, x.transpose(1, 2, 0)):
        check("value_indices", a)


@pytest.mark.parametrize("dtype", [*DTYPES, "complex64", "complex128", "object", "S3"])
def test_labeled_comprehension(rng, dtype):
    x = rng.integers(0, 2, (6, 11)).astype(dtype)
    for labels in (rng.integers(0, 4, x.shape), rng.random(x.shape).round(0) * 2, rng.integers(0, 4, 11) > 1):
        for index in (None, 1, 7, [2, 1, 9, 2], [0.0, 2.0]):
            check("labeled_comprehension", x, labels, index, len, np.int16, -1)
            places = lambda values, at: np.sort(at)[len(values) // 2]  # noqa: E731
            if labels.shape == x.shape:
                check("labeled_comprehension", x, labels, index, places, float, np.nan, True)
    check("labeled_comprehension", x, None, None, len, int, 0)
    check("labeled_comprehension", x, None, None, lambda v, at: at.sum(), int, 0, pass_positions=True)


def test_groups_are_in_c_order(rng):
    x, labels = rng.random((40, 90, 90)), rng.integers(0, 3, (40, 90, 90))
    for _, same_labels in layouts(labels):
        got = ndimage.labeled_comprehension(x, same_labels, 1, lambda v, at: (v, at), object, None, True)
        np.testing.assert_array_equal(got[1], np.flatnonzero(labels == 1))
        np.testing.assert_array_equal(got[0], x[labels == 1])


def test_calls_that_labeled_comprehension_refuses():
    x, labels = np.ones((2, 3)), np.ones((2, 3), np.uint8)
    for args in ((x, None, 1), (x, labels, 300), (x, labels, [1.5]), (x, labels[:1, :2], 1), (x, labels, [])):
        check("labeled_comprehension", *args, len, int, 0)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_histogram(cpu_level, rng, dtype):
    x = image(rng, (8, 40), dtype) if dtype != "bool" else rng.integers(0, 2, (8, 40)).astype(np.int8)
    labels = rng.integers(0, 4, x.shape)
    for limits in ((-10, 60, 13), (0, 100, 10), (3, 3, 4), (0.1, 0.7, 3), (5, 1, 2), (0, 1, 0)):
        check("histogram", x, *limits)
        for index in (None, 2, 9, [3, 1, 9, 3]):
            check("histogram", x, *limits, labels, index)
            check("histogram", x, *limits, labels[0] * 1000, index)
    check("histogram", x, 0, 9, 3, labels, 1.5)
    check("histogram", x, 0, 9, 3, None, 1)


def test_histograms_of_many_labels(rng):
    """More pairs of label and bin than a list holds."""
    x, labels = rng.random(90_000), rng.integers(0, 500, 90_000)
    x[5] = np.nan
    check("histogram", x, 0.2, 1, 300, labels, np.arange(0, 600, 7))


def test_a_median_of_many_equal_samples_and_of_one_large_region(rng):
    x = (rng.random((130, 100, 100)) * 3).astype(np.uint8)
    labels = np.ones(x.shape, np.int32)
    labels[:2] = 2
    check("median", x, labels, [1, 2, 3])
    check("median", x.astype(np.float32), labels, 1)


def test_a_volume_and_the_patch(rng):
    labels, x = rng.integers(0, 3, (4, 5, 6)), rng.random((4, 5, 6))
    volume = vk.Volume(x, np.eye(4))
    assert ndimage.mean(volume, labels, 1) == ndimage.mean(x, labels, 1)
    with vk.patch_scipy():
        assert scipy_ndimage.sum(np.ones(3) + 2j) == 3 + 6j  # scipy's own
        assert scipy_ndimage.maximum(x) == x.max()
