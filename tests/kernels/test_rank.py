# SPDX-License-Identifier: Apache-2.0
"""Ranks: the reference and scipy at every level, windows, modes, sizes, layouts, NaN, threads."""

import itertools

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, MODES, SIZES, examples, image, in_layout, known
from hypothesis import given
from hypothesis import strategies as st

from voxkern import _core, ndimage
from voxkern.reference.rank import rank as reference

KEYS = ["uint8", "int16", "float32", "float64"]  # one dtype for each size of the kernel's keys
# Boxes that share planes, one that shares rows as well, and lines along each axis.
BOXES = [
    3,
    5,
    (1, 5, 5),
    (5, 3, 1),
    (3, 1, 4),
    (2, 2, 2),
    (1, 1, 6),
    (7, 1, 1),
    (1, 4, 1),
    (4, 3, 2),
    (1, 1, 21),
]


def image_of_extremes(rng, shape, dtype):
    """Noise over the whole range of the dtype, with ties."""
    if np.dtype(dtype).kind in "bf":
        return image(rng, shape, dtype)
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    x[rng.random(shape) > 0.7] = limits.max // 3
    return x


def check(x, rank, what="", **args):
    got, want = ndimage.rank_filter(x, rank, **args), known(scipy_ndimage.rank_filter, x, rank, **args)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want, err_msg=str((what, rank, args)))
    return got


def inner_ranks(size, ndim=3):
    """Some ranks that are no extremes."""
    n = int(np.prod([size] * ndim if isinstance(size, int) else size))
    return sorted({1, n * 3 // 10, n // 2, n - 2} & set(range(1, n - 1)))


def test_hand_computed():
    x = np.array([[5, 1, 4], [9, 2, 8], [3, 7, 6]])
    assert ndimage.median_filter(x, 3)[1, 1] == 5
    assert ndimage.rank_filter(x, 2, 3)[1, 1] == 3
    assert ndimage.rank_filter(x, -2, footprint=[[0, 1, 0], [1, 1, 1], [0, 1, 0]])[1, 1] == 8
    assert ndimage.percentile_filter(x, 30, 3)[1, 1] == 3
    np.testing.assert_array_equal(
        ndimage.median_filter(x, (1, 3), mode="constant"), [[1, 4, 1], [2, 8, 2], [3, 6, 6]]
    )


@pytest.mark.parametrize("mode", MODES)
def test_reference(rng, cpu_level, mode):
    x = image(rng, (4, 5, 6), "float32")
    footprint = rng.random((3, 2, 4)) > 0.3
    for rank in (0, 3, int(footprint.sum()) - 1):
        got = ndimage.rank_filter(x, rank, footprint=footprint, mode=mode, cval=1.5, origin=(1, -1, 0))
        np.testing.assert_array_equal(got, known(reference, x, footprint, rank, mode, 1.5, (1, -1, 0)))
    got = ndimage.median_filter(x, 3, mode=mode, cval=-2)
    np.testing.assert_array_equal(got, known(reference, x, np.ones((3, 3, 3)), 13, mode, -2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(rng, cpu_level, dtype):
    x = image_of_extremes(rng, (5, 7, 70), dtype)
    for size, mode in ((3, "reflect"), (2, "constant"), ((1, 5, 5), "mirror"), (9, "nearest")):
        for rank in inner_ranks(size):
            check(x, rank, size=size, mode=mode, cval=3)
    footprint = rng.random((3, 4, 5)) > 0.5
    check(x, 7, footprint=footprint, mode="wrap")
    for line_size in (3, 8, 30):
        if dtype != "uint64":  # scipy compares those of a line as int64
            check(x.ravel(), line_size // 3, size=line_size)


@pytest.mark.parametrize("dtype", KEYS)
@pytest.mark.parametrize("size", BOXES, ids=str)
def test_boxes(rng, cpu_level, dtype, size):
    x = image(rng, (9, 10, 67), dtype)
    for mode, rank in itertools.product(("reflect", "constant"), inner_ranks(size)):
        check(x, rank, size=size, mode=mode, cval=7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", KEYS)
def test_modes(rng, cpu_level, mode, dtype):
    """With windows that reach beyond the array, and beyond its mirror image."""
    x = image(rng, (3, 4, 5), dtype)
    for size in (3, 6, (1, 5, 5), (7, 2, 3), (13, 9, 11)):
        for rank in inner_ranks(size):
            check(x, rank, size=size, mode=mode, cval=20)
    check(x, 5, size=(4, 3, 5), mode=mode, origin=(-2, 1, 2))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", KEYS)
def test_sizes_around_vectors(rng, cpu_level, dtype, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n), (2, 3, 4 * n)]:
        x = image(rng, shape, dtype)
        for size in (3, 4):
            check(x, size ** len(shape) // 2, shape, size=size)


@pytest.mark.parametrize("dtype", KEYS)
def test_large_windows(rng, cpu_level, dtype):
    """More than 255 and 65535 samples, keys of both signs, constant vectors."""
    x = image(rng, (11, 12, 70), dtype)
    x[:, :, 20:60] = 3
    for rank in (1, 100, 600, 1100):
        check(x, rank, size=11)
    check(x[0, 0], 300, size=600)
    got = ndimage.rank_filter(x[:1, :1, :9], 70000, size=(300, 300, 1), mode="constant", cval=9)
    np.testing.assert_array_equal(got[0, 0], np.full(9, 9, dtype))
    footprint = rng.random((9, 11, 13)) > 0.4
    check(x, 333, footprint=footprint, mode="mirror")


@pytest.mark.parametrize("dtype", KEYS)
def test_windows_that_slide(rng, cpu_level, dtype):
    """Long ones along x: lines shorter and longer than a tile, ties, the whole range of the dtype."""
    for shape, size in [((3000,), 301), ((50,), 301), ((2, 1500), (3, 200)), ((5, 6, 90), (4, 5, 130))]:
        for levels in (3, 200):
            x = (image(rng, shape, "float64") / 100 * levels).astype(dtype)
            n = size if len(shape) == 1 else int(np.prod(size))
            for rank in (1, n // 3, n - 2):
                check(x, rank, size=size, mode="reflect")
                check(x, rank, size=size, mode="constant", cval=1)
    x = image_of_extremes(rng, (700,), dtype)
    check(x, 150, size=250, mode="wrap", origin=-100)


@pytest.mark.parametrize("dtype", KEYS)
def test_random_footprints(rng, cpu_level, dtype):
    for shape, window in [
        ((40,), (1,)),
        ((9, 33), (3, 4)),
        ((6, 7, 20), (3, 3, 3)),
        ((3, 4, 5, 6), (2, 3, 1, 3)),
    ]:
        x = image(rng, shape, dtype)
        for _ in range(4):
            footprint = rng.random(window) > 0.4
            count = int(footprint.sum())
            if count > 2:
                check(x, int(rng.integers(1, count - 1)), footprint=footprint, mode="reflect")


@pytest.mark.parametrize("dtype", KEYS)
def test_layouts(rng, cpu_level, dtype):
    x = image(rng, (7, 8, 9), dtype)
    for layout, size in itertools.product(("C", "F", "reversed", "strided"), (3, (1, 3, 5), 9)):
        rank = inner_ranks(size)[-1]
        want = known(scipy_ndimage.rank_filter, x, rank, size)
        np.testing.assert_array_equal(ndimage.rank_filter(in_layout(x, layout), rank, size), want)
        out = in_layout(np.zeros_like(x), layout)
        assert ndimage.rank_filter(x, rank, size, output=out) is out
        np.testing.assert_array_equal(out, want)
    colours = image(rng, (20, 30, 3), dtype)
    check(colours, 4, size=(3, 3, 1))
    check(np.broadcast_to(x[:, :1], x.shape), 13, size=3)


def test_more_axes_than_three(rng, cpu_level):
    x = image(rng, (3, 4, 5, 6), "float32")
    for size in (2, (3, 1, 3, 3), (1, 3, 1, 3), (3, 3, 3, 1), (1, 1, 1, 3)):
        for rank in inner_ranks(size, 4):
            check(x, rank, size=size)


def test_special_values(cpu_level, rng):
    """A NaN is the largest, -0.0 is smaller than 0.0, infinities and subnormals are numbers."""
    for dtype in ("float32", "float64"):
        tiny = np.nextafter(np.zeros(1, dtype), 1)[0]
        row = np.array([np.nan, np.inf, 1, tiny, 0.0, -0.0, -tiny, -np.inf, -np.nan], dtype)
        order = [-np.inf, -tiny, -0.0, 0.0, tiny, 1, np.inf, np.nan, np.nan]
        for rank, want in enumerate(order):
            for size in ((9, 1), (1, 9), (9, 5)):  # a box along either axis, and many samples of each
                x = np.repeat(row[:, None], 40, 1) if size[0] == 9 else np.repeat(row[None], 3, 0)
                at = (4, 20) if size[0] == 9 else (1, 4)
                n = size[0] * size[1]
                if rank * n // 9 in (0, n - 1):  # those are minimum_filter and maximum_filter
                    continue
                got = ndimage.rank_filter(x, rank * n // 9, size)[at]
                assert (
                    np.isnan(got) if np.isnan(want) else got == want and np.signbit(got) == np.signbit(want)
                )
        x = image(rng, (6, 7, 30), dtype)
        x[2:4] = np.inf
        x[:, 3] = -np.inf
        check(x, 13, size=3)


def test_constant_image(cpu_level):
    for dtype, size in itertools.product(KEYS, (3, 9, (1, 1, 30))):
        x = np.full((4, 5, 40), 7, dtype)
        np.testing.assert_array_equal(ndimage.median_filter(x, size), x)


@pytest.mark.parametrize("dtype", KEYS)
def test_one_voxel_in_a_constant_image(rng, cpu_level, dtype):
    """Strips of one value are not selected from: each voxel must be found in every window that holds it."""
    for _ in range(30):
        x = np.full((37, 11, 75), 7, dtype)
        x[tuple(rng.integers(0, x.shape))] = 9
        for size in (3, (1, 5, 5), (5, 1, 1), 5):
            n = int(np.prod([size] * 3 if isinstance(size, int) else size))
            got = ndimage.rank_filter(x, -1, size)
            np.testing.assert_array_equal(got, known(scipy_ndimage.maximum_filter, x, size))
            assert (ndimage.rank_filter(x, n // 2, size) == 7).all()


def test_every_rank_sorts(rng, cpu_level):
    """All ranks together are the sorted window."""
    x = image(rng, (3, 3, 20), "float32")
    ranks = [ndimage.rank_filter(x, k, 3) for k in range(27)]
    np.testing.assert_array_equal([r[1, 1, 7] for r in ranks], np.sort(x[:, :, 6:9].ravel()))
    assert (np.diff(ranks, axis=0) >= 0).all()


@examples(20)
@given(st.data())
def test_any_window(data):
    ndim = data.draw(st.integers(1, 4))
    few = st.lists(st.integers(1, 9), min_size=ndim, max_size=ndim)
    shape, window = data.draw(few), data.draw(st.lists(st.integers(1, 5), min_size=ndim, max_size=ndim))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = image(rng, shape, data.draw(st.sampled_from(KEYS)))
    footprint = rng.random(window) < data.draw(st.sampled_from([0.5, 1.0]))
    footprint.flat[0] = True
    origin = [data.draw(st.integers(-(n // 2), (n - 1) // 2)) for n in window]
    rank = data.draw(st.integers(0, int(footprint.sum()) - 1))
    mode = data.draw(st.sampled_from(MODES))
    got = ndimage.rank_filter(x, rank, footprint=footprint, mode=mode, cval=3, origin=origin)
    np.testing.assert_array_equal(got, reference(x, footprint, rank, mode, 3, origin))


def test_negated_image_has_the_opposite_rank(rng, cpu_level):
    x = image(rng, (6, 7, 40), "float64")
    np.testing.assert_array_equal(-ndimage.rank_filter(-x, 8, 3), ndimage.rank_filter(x, 18, 3))


def test_threads_and_levels_give_the_same_bits(rng):
    x = image(rng, (40, 41, 130), "float32")
    for size in (3, (1, 5, 5), 9):
        want = ndimage.median_filter(x, size, threads=1).tobytes()
        for threads in (2, 3, 7):
            assert ndimage.median_filter(x, size, threads=threads).tobytes() == want
        for level in _core.cpu_levels():
            with backends.cpu_level(level):
                assert ndimage.median_filter(x, size).tobytes() == want


def test_bindings_refuse_wrong_windows():
    right = {
        "size": [3],
        "before": [1],
        "mode": [_core.Boundary.reflect],
        "footprint": [],
        "rank": 1,
        "cval": 0,
    }
    _core.RankOptions(**right)
    for wrong in (
        {"size": [0]},
        {"size": [2**31]},
        {"before": [3]},
        {"before": [-1]},
        {"mode": []},
        {"footprint": [True]},
        {"rank": 3},
        {"rank": -1},
        {"rank": 2, "footprint": [True, False, True]},
    ):
        with pytest.raises(ValueError, match="allowed"):
            _core.RankOptions(**{**right, **wrong})
    x = np.zeros((3, 3))
    with pytest.raises(ValueError, match="one per axis"):
        _core.rank(x, x.copy(), _core.RankOptions(**right), 1)
    with pytest.raises(ValueError, match="shape"):
        _core.rank(x[0], x, _core.RankOptions(**right), 1)
