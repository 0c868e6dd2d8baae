# SPDX-License-Identifier: Apache-2.0
"""Measurements of regions of GPU arrays: the CPU's numbers, sums to a few roundings; CuPy arrays."""

import functools

import backends
import numpy as np
import pytest
from cases import DTYPES, FLOAT64, INTEGERS, LAYOUTS, examples, image, in_layout
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

KINDS = [*DTYPES, "float16"]
SHAPE = (4, 5, 41)


def objects(rng, shape=SHAPE, dtype="int32", most=6):
    """Labels that lie side by side, and some noise."""
    labels = np.arange(np.prod(shape)).reshape(shape) // 29 % most
    some = rng.random(shape) < 0.2
    labels[some] = rng.integers(0, most, int(some.sum()))
    return labels.astype(dtype)


def same(got, want, scale):
    """Compare results of both sides: arrays are CuPy's, all else Python's or NumPy's numbers."""
    if isinstance(want, tuple | list | dict):
        assert type(got) is type(want) and len(got) == len(want)
        if isinstance(want, dict):
            assert list(got) == list(want)
            got, want = got.values(), want.values()
        for one, other in zip(got, want, strict=True):
            same(one, other, scale)
    elif isinstance(want, np.ndarray) and want.dtype == object:
        assert got.shape == want.shape
        for one, other in zip(got.flat, want.flat, strict=True):
            same(one, other, scale)
    elif isinstance(want, np.ndarray):
        assert type(got) is cupy.ndarray and got.dtype == want.dtype
        np.testing.assert_allclose(got.get(), want, rtol=0, atol=FLOAT64 * scale)
    elif isinstance(want, slice) or want is None:
        assert got == want
    else:
        assert type(got) is type(want)
        np.testing.assert_allclose(got, want, rtol=FLOAT64, atol=FLOAT64 * scale)


def on_both(function, x, *args, layout="C", **kwargs):
    """Run on both sides and compare."""
    brought = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    device = in_layout(x, layout, cupy.asarray)
    scale = 1.0
    if x.dtype.kind != "b" and x.size:
        finite = x[np.isfinite(x)] if x.dtype.kind == "f" else x
        scale = max(1.0, float(np.abs(finite.astype(np.float64)).max(initial=0))) * x.size
    with np.errstate(all="ignore"):
        same(function(device, *brought, **kwargs), function(in_layout(x, layout), *args, **kwargs), scale)


SUMS = (
    "sum_labels",
    "mean",
    "variance",
    "standard_deviation",
    "minimum",
    "maximum",
    "median",
    "center_of_mass",
)
PLACES = ("minimum_position", "maximum_position", "extrema")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", KINDS)
def test_dtypes_and_layouts(rng, dtype, layout):
    x, labels = image(rng, SHAPE, dtype), objects(rng)
    for name in (*SUMS, *PLACES):
        on_both(getattr(ndimage, name), x, labels, [1, 4, 2], layout=layout)


@pytest.mark.parametrize("dtype", ["bool", "int16", "uint64", "float16", "float32"])
def test_one_region_of_labels(rng, dtype):
    x, labels = image(rng, SHAPE, dtype), objects(rng)
    for name in (*SUMS, *PLACES):
        on_both(getattr(ndimage, name), x, labels, 3)
        on_both(getattr(ndimage, name), x, labels)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_dtypes_of_labels(rng, dtype):
    x = image(rng, SHAPE, "float32")
    labels = objects(rng, dtype=dtype)
    labels[0, 0, :3] = np.iinfo(dtype).max
    labels[1, 0, :3] = np.iinfo(dtype).min
    index = [2, 7, int(np.iinfo(dtype).max), int(np.iinfo(dtype).min)]
    for name in ("sum", "mean", "median", "extrema"):
        on_both(getattr(ndimage, name), x, labels, index)
    on_both(ndimage.find_objects, labels, 5)
    on_both(ndimage.value_indices, labels)
    on_both(ndimage.value_indices, labels, ignore_value=2)


def test_one_region_and_broadcast_labels(rng):
    x = image(rng, (4, 5, 6), "int16")
    for name in (*SUMS, *PLACES):
        on_both(getattr(ndimage, name), x)
    on_both(ndimage.sum_labels, x, np.array([0, 1, 1, 2, 2, 2]), [1, 2])
    on_both(ndimage.mean, x[:, :1], np.arange(5).reshape(5, 1), [1, 2])
    on_both(ndimage.mean, np.array(3.0))
    on_both(ndimage.sum_labels, x, objects(rng, x.shape), np.array([[1, 2], [9, 0]]))
    on_both(ndimage.mean, x, objects(rng, x.shape), [1.0, 2.5, 3.0])


def test_nan_and_infinities(rng):
    x, labels = image(rng, SHAPE, "float32"), objects(rng, most=9)
    x[labels == 1] = np.nan
    for label, value in ((2, np.nan), (3, np.inf), (4, -np.inf)):
        x[tuple(np.argwhere(labels == label)[3])] = value
    x[tuple(np.argwhere(labels == 6)[2])], x[tuple(np.argwhere(labels == 6)[5])] = np.inf, -np.inf
    names = ("sum_labels", "mean", "minimum", "maximum", "median", "variance", "extrema")
    for name in names:
        on_both(getattr(ndimage, name), x, labels, range(12))
    large = x.copy()
    large[tuple(np.argwhere(labels == 5)[3])] = 1e38  # beside it no other number would be looked at
    for name in names:
        on_both(getattr(ndimage, name), large, labels, range(12))
    for label in (1, 3):
        for name in ("sum_labels", "mean", "minimum", "median"):
            on_both(getattr(ndimage, name), x, labels, label)
    with pytest.raises(IndexError, match="NaN"):
        ndimage.minimum_position(cupy.asarray(x), cupy.asarray(labels), 2)


def test_sums_of_small_numbers_beside_large_ones(rng):
    """A label's sum is kept in proportion to its own samples."""
    labels = objects(rng)
    x = rng.random(SHAPE) * 10.0 ** (40 * labels.astype(np.float64) - 100)
    got = ndimage.mean(cupy.asarray(x), cupy.asarray(labels), range(6)).get()
    np.testing.assert_allclose(got, ndimage.mean(x, labels, range(6)), rtol=1e-14)
    got = ndimage.variance(cupy.asarray(x + 1e9), cupy.asarray(labels), [0, 1, 2]).get()
    np.testing.assert_allclose(got, ndimage.variance(x + 1e9, labels, [0, 1, 2]), rtol=1e-9, atol=1e-16)
    assert (
        ndimage.variance(cupy.asarray(np.full(SHAPE, 0.1)), cupy.asarray(labels), [1, 2]).get() == 0
    ).all()


@examples(20)
@given(st.data())
def test_any_shape(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 34, 300]), min_size=1, max_size=3))
    shape = shape if np.prod(shape) < 5_000 else shape[:1]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, labels = image(rng, shape, data.draw(st.sampled_from(KINDS))), rng.integers(-1, 5, shape)
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    name = data.draw(st.sampled_from([*SUMS, *PLACES]))
    on_both(getattr(ndimage, name), x, labels, [0, 3, 9], layout=layout)
    on_both(ndimage.find_objects, labels)
    on_both(ndimage.histogram, x, -20, 50, 9, labels, [0, 3, 9], layout=layout)


def test_groups(rng):
    x, labels = image(rng, SHAPE, "int16"), objects(rng)
    on_both(ndimage.histogram, x, -40, 90, 7)
    on_both(ndimage.histogram, x, -40, 90, 7, labels, 3)
    on_both(ndimage.histogram, x, -40, 90, 3000, labels, [3, 1, 3, 50])
    on_both(ndimage.histogram, x, 1e5, 2e5, 4, labels, 3)

    def first(samples):
        return samples[0].get() if isinstance(samples, cupy.ndarray) else samples[0]

    def last_place(samples, places):
        return places[-1].get() if isinstance(places, cupy.ndarray) else places[-1]

    on_both(ndimage.labeled_comprehension, x, labels, [1, 5, 8], first, np.int64, -1)
    on_both(ndimage.labeled_comprehension, x, labels, [5, 1], last_place, np.int64, -1, True)
    on_both(ndimage.labeled_comprehension, x, labels, [5, 8], len, object, None)  # CuPy has no objects
    on_both(ndimage.labeled_comprehension, x, labels, None, lambda samples: samples, None, None)
    on_both(ndimage.labeled_comprehension, x, None, None, lambda samples, places: places, None, None, True)


def test_many_labels(rng):
    """More rows than one digit of the sort has, and rows that are far apart."""
    labels = rng.integers(0, 700, (40, 50))
    x = image(rng, labels.shape, "float64")
    on_both(ndimage.median, x, labels, range(800))
    on_both(ndimage.sum_labels, x, labels * 2**40, [2**40, 5 * 2**40, 3])
    on_both(ndimage.value_indices, labels * 2**33 - 2**42)
    on_both(ndimage.find_objects, labels)


def test_an_index_on_the_gpu(rng):
    x, labels = image(rng, SHAPE, "float32"), objects(rng)
    index = np.array([4, 1])
    got = ndimage.mean(cupy.asarray(x), cupy.asarray(labels), cupy.asarray(index))
    np.testing.assert_allclose(got.get(), ndimage.mean(x, labels, index), rtol=FLOAT64)


def check_statistics(got, want, scale):
    columns = want.columns()
    assert got.columns().keys() == columns.keys()
    for name, values in got.columns().items():
        assert type(values) is np.ndarray and values.dtype == columns[name].dtype, name
        np.testing.assert_allclose(values, columns[name], rtol=0, atol=FLOAT64 * scale, err_msg=name)
    assert got.slices() == want.slices()


@pytest.mark.parametrize(
    ("dtype", "layout"), [*((dtype, "C") for dtype in DTYPES), *(("float32", layout) for layout in LAYOUTS)]
)
def test_label_statistics(rng, dtype, layout):
    x, labels = image(rng, SHAPE, dtype), objects(rng)
    device = in_layout(labels, layout, cupy.asarray), cupy.asarray(x)
    scale = float(np.abs(x.astype(np.float64)).max()) + 1000
    for index, percentiles in ((None, None), ([3, 11, 1], (5, 50, 99.5))):
        arguments = {"index": index, "percentiles": percentiles, "surface_area": index is None}
        got = vk.label_statistics(*device, **arguments)
        check_statistics(got, vk.label_statistics(labels, x, **arguments), scale)
    check_statistics(vk.label_statistics(device[0]), vk.label_statistics(labels), 1)


def test_label_statistics_of_volumes(rng):
    labels = objects(rng)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    got = vk.label_statistics(vk.Volume(cupy.asarray(labels), affine), surface_area=True)
    check_statistics(got, vk.label_statistics(vk.Volume(labels, affine), surface_area=True), 1000)


@pytest.mark.parametrize("order", ["forward", "reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    x, labels = image(rng, SHAPE, "float32"), objects(rng)
    first = ndimage.standard_deviation(cupy.asarray(x), cupy.asarray(labels), range(6)).get()
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        device = cupy.asarray(x), cupy.asarray(labels)
        np.testing.assert_array_equal(ndimage.standard_deviation(*device, range(6)).get(), first)
        for name in ("center_of_mass", "extrema", "median"):
            on_both(getattr(ndimage, name), x, labels, [1, 2])
        on_both(ndimage.value_indices, labels)
        on_both(ndimage.histogram, x, -20, 50, 9, labels, [1, 2])


@pytest.mark.parametrize(
    ("call", "copies", "launches"),
    [
        (lambda x, labels: ndimage.sum_labels(x, labels, [1, 2]), 1, 3),
        (lambda x, labels: ndimage.variance(x, labels, [1, 2]), 1, 5),
        (lambda x, labels: ndimage.extrema(x, labels, [1, 2]), 3, 4),
        (lambda x, labels: ndimage.find_objects(labels, 5), 1, 1),
        (lambda x, labels: ndimage.value_indices(labels), 3, 7),
        (lambda x, labels: ndimage.histogram(x, 0, 1, 4, labels, 2), 2, 2),
        (lambda x, labels: vk.label_statistics(labels, x), 4, 8),
    ],
)
def test_what_is_launched_and_copied(rng, executor, call, copies, launches):
    arrays = cupy.asarray(image(rng, SHAPE, "float32")), cupy.asarray(objects(rng))
    before = executor.counters()
    kept = call(*arrays)
    after = executor.counters()
    made = tuple(after[n] - before[n] for n in ("copies_to_host", "launches"))
    assert made == (copies, launches), made
    del kept


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x, labels: vk.label_statistics(labels, longest_diameter=True),
            vk.CudaUnavailableError,
            "label_statistics with longest_diameter has no GPU version yet",
        ),
        (lambda x, labels: ndimage.mean(x, x, 1), vk.CudaUnavailableError, "that are no integers has no GPU"),
        (
            lambda x, labels: ndimage.find_objects(x),
            vk.CudaUnavailableError,
            "no integers has no GPU",
        ),
        (lambda x, labels: ndimage.histogram(x, 2, 1, 3), vk.CudaUnavailableError, "do not rise has no GPU"),
        (
            lambda x, labels: ndimage.mean(x, labels.get(), 1),
            vk.ArgumentTypeError,
            "labels: got a NumPy",
        ),
        (lambda x, labels: ndimage.mean(x, labels[0, 0, :4], 1), ValueError, "broadcast|mismatch"),
        (lambda x, labels: ndimage.minimum(x, labels, 77), ValueError, "zero-size"),
        (lambda x, labels: ndimage.value_indices(x), ValueError, "integer array"),
    ],
)
def test_errors(rng, call, error, message):
    with pytest.raises(error, match=message):
        call(cupy.asarray(image(rng, SHAPE, "float32")), cupy.asarray(objects(rng)))


def test_empty_arrays():
    empty = cupy.empty((0, 3), np.int32)
    assert vk.label_statistics(empty, cupy.empty((0, 3))).label.size == 0
    assert ndimage.find_objects(empty, 2) == [None, None]
    assert functools.partial(ndimage.value_indices, empty)() == {}
