# SPDX-License-Identifier: Apache-2.0
"""Pooling: the reference at every level, sizes around vectors, layouts, NaN, threads, wrong arguments."""

import numpy as np
import pytest
from cases import SIZES, examples, known
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import nn
from voxkern.reference.pool3d import places
from voxkern.reference.pool3d import pool3d as reference

MEAN_FLOAT32 = 1e-6  # sums of a window, of numbers around 1
KINDS = {"max": "max", "average": "avg"}
RANKS = (1, 2, 3)
POOLS = {(k, r): getattr(nn, f"{word}_pool{r}d") for k, word in KINDS.items() for r in RANKS}
ADAPTIVE = {(k, r): getattr(nn, f"adaptive_{word}_pool{r}d") for k, word in KINDS.items() for r in RANKS}
WINDOWS = [
    {"kernel": 2, "stride": 2},
    {"kernel": 3, "stride": 2, "padding": 1},
    {"kernel": 3, "stride": 1, "padding": 1},
    {"kernel": 5, "stride": 3, "padding": 2},
    {"kernel": (1, 2, 3), "stride": (2, 1, 4), "padding": (0, 1, 1)},
    {"kernel": (3, 1, 2), "stride": (1, 1, 2)},
    {"kernel": 1, "stride": 2},
]


def images(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def triple(value, absent, rank=3):
    given = (value,) * rank if isinstance(value, int) else value
    return (absent,) * (3 - rank) + tuple(given)


def check(x, kind, kernel, stride, padding=0, dilation=1, ceil_mode=False, **average):
    """Compare with the reference; the shape of the result is held to torch's in tests/interop."""
    options = {"dilation": dilation} if kind == "max" else average
    got = POOLS[kind, 3](x, kernel, stride, padding, ceil_mode=ceil_mode, **options)
    want = known(
        reference,
        x,
        got.shape[2:],
        kind,
        triple(kernel, 1),
        triple(stride, 1),
        triple(padding, 0),
        triple(dilation, 1),
        count_include_pad=average.get("count_include_pad", True),
        divisor=average.get("divisor_override") or 0,
    )
    assert got.dtype == np.float32
    if kind == "max":
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, rtol=MEAN_FLOAT32, atol=MEAN_FLOAT32)
    return got


def test_hand_computed():
    x = np.array([[1, 5, 2, 4, 3]], np.float32)
    np.testing.assert_array_equal(nn.max_pool1d(x, 2), [[5, 4]])
    np.testing.assert_array_equal(nn.max_pool1d(x, 2, ceil_mode=True), [[5, 4, 3]])
    np.testing.assert_array_equal(nn.max_pool1d(x, 2, 1, dilation=3), [[4, 5]])
    np.testing.assert_array_equal(nn.avg_pool1d(x, 2, padding=1), [[0.5, 3.5, 3.5]])
    np.testing.assert_array_equal(nn.avg_pool1d(x, 2, padding=1, count_include_pad=False), [[1, 3.5, 3.5]])
    np.testing.assert_array_equal(nn.avg_pool1d(x, 2, ceil_mode=True), [[3, 3, 3]])
    np.testing.assert_array_equal(nn.adaptive_avg_pool1d(x, 2), np.float32([[8 / 3, 3]]))
    np.testing.assert_array_equal(nn.adaptive_max_pool1d(x, (None,)), x)
    np.testing.assert_array_equal(
        nn.avg_pool2d(np.ones((1, 4, 4), np.float32), 2, divisor_override=2), [[[2, 2]] * 2]
    )


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_matches_reference(rng, cpu_level, kind, window, ceil_mode):
    x = images(rng, 2, 3, 7, 9, 37)
    check(x, kind, ceil_mode=ceil_mode, **window)
    if kind == "average":
        check(x, kind, ceil_mode=ceil_mode, count_include_pad=False, **window)
        check(x, kind, ceil_mode=ceil_mode, divisor_override=-3, **window)


@pytest.mark.parametrize("window", [*WINDOWS, {"kernel": 2, "stride": 1, "dilation": (3, 2, 4)}], ids=str)
@pytest.mark.parametrize("layout", ["C", "F", "reversed"])
def test_places_of_the_largest(rng, cpu_level, window, layout):
    """Few values, so that many are equal; NaN, and windows of minus infinity alone."""
    x = rng.integers(0, 3, (2, 2, 5, 8, 37)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[0, 0, :4, :6] = -np.inf
    x = {"C": x, "F": np.asfortranarray(x), "reversed": x[:, :, ::-1, :, ::-1]}[layout]
    given = [
        triple(window.get(k, a), a)
        for k, a in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
    ]
    kernel, stride, padding, dilation = given
    plain = nn.max_pool3d(x, kernel, stride, padding, dilation)
    for threads in (1, 3):
        got, where = nn.max_pool3d(x, kernel, stride, padding, dilation, return_indices=True, threads=threads)
        assert where.dtype == np.int64
        np.testing.assert_array_equal(got, plain)
        np.testing.assert_array_equal(where, places(x, got.shape[2:], kernel, stride, padding, dilation))
    got, where = nn.adaptive_max_pool3d(x, (2, 3, 9), True)
    np.testing.assert_array_equal(where, places(x, (2, 3, 9), adaptive=True))
    np.testing.assert_array_equal(got, nn.adaptive_max_pool3d(x, (2, 3, 9)))


def test_places_of_one_and_two_axes():
    x = np.array([[1, 5, 5, 4, 9]], np.float32)
    got, where = nn.max_pool1d(x, 2, return_indices=True)
    np.testing.assert_array_equal(got, [[5, 5]])
    np.testing.assert_array_equal(where, [[1, 2]])
    y = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(nn.max_pool2d(y, 2, return_indices=True)[1], [[[5, 7]]])
    got, where = nn.max_pool2d(np.zeros((0, 2, 4, 4), np.float32), 2, return_indices=True)
    assert got.shape == where.shape == (0, 2, 2, 2)


@pytest.mark.parametrize("dilation", [2, 3, (1, 2, 5)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_dilation(rng, cpu_level, dilation, stride):
    for ceil_mode in (False, True):
        check(images(rng, 1, 2, 11, 12, 45), "max", 3, stride, 1, dilation, ceil_mode)


def test_window_beside_the_image():
    """torch's rule for ceil_mode lets the elements of a dilated window lie beyond both ends."""
    got = nn.max_pool1d(np.ones((1, 2), np.float32), 2, 3, 1, dilation=4, ceil_mode=True)
    np.testing.assert_array_equal(got, [[-np.inf]])


@pytest.mark.parametrize("function", [nn.max_pool1d, nn.max_pool2d, nn.max_pool3d])
def test_places_of_windows_beside_the_image(cpu_level, function):
    """Of four samples each axis has five windows, none of which holds any: their place is the first."""
    rank = int(function.__name__[-2])
    x = np.ones((1, *(4,) * rank), np.float32)
    got, where = function(x, 2, 1, 5, 9, return_indices=True)
    np.testing.assert_array_equal(got, np.full((1, *(5,) * rank), -np.inf))
    np.testing.assert_array_equal(where, np.zeros(got.shape))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", ["max", "average"])
def test_sizes_around_vectors(rng, cpu_level, kind, n):
    for kernel, stride, padding in ((2, 2, 0), (2, 2, 1), (3, 1, 1), (3, 2, 1), (4, 3, 2)):
        if n + 2 * padding >= kernel:
            check(images(rng, 1, 2, 5, 4, n), kind, kernel, stride, padding)
            check(images(rng, 1, 1, n, 5, 4), kind, kernel, stride, padding)
    for size in {1, 2, (n + 1) // 2, n, n + 3}:
        x = images(rng, 1, 2, 3, n, n)
        got = ADAPTIVE[kind, 3](x, (2, size, size))
        want = known(reference, x, (2, size, size), kind, adaptive=True)
        np.testing.assert_allclose(
            got, want, rtol=MEAN_FLOAT32, atol=MEAN_FLOAT32 if kind == "average" else 0
        )


@given(
    n=st.integers(1, 70),
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    ceil_mode=st.booleans(),
    kind=st.sampled_from(["max", "average"]),
)
@examples(65)
def test_any_window(n, kernel, stride, padding, dilation, ceil_mode, kind):
    dilation = dilation if kind == "max" else 1
    padding = min(padding, ((kernel - 1) * dilation + 1) // 2)
    if n + 2 * padding < (kernel - 1) * dilation + 1:
        return
    x = images(np.random.default_rng(n), 1, 1, 2, 1, n)
    check(x, kind, (1, 1, kernel), (1, 1, stride), (0, 0, padding), (1, 1, dilation), ceil_mode)


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("rank", [1, 2])
def test_fewer_axes_and_no_batch(rng, kind, rank):
    x = images(rng, 2, 3, *(12, 35)[-rank:])
    full = x.reshape(2, 3, *(1,) * (3 - rank), *x.shape[2:])
    got = POOLS[kind, rank](x, 3, 2, 1)
    options = {"kernel": triple(3, 1, rank), "stride": triple(2, 1, rank), "padding": triple(1, 0, rank)}
    want = reference(full, triple(got.shape[2:], 1, rank), kind, **options)
    np.testing.assert_allclose(got, want.reshape(got.shape), rtol=MEAN_FLOAT32, atol=MEAN_FLOAT32)
    np.testing.assert_array_equal(POOLS[kind, rank](x[1], 3, 2, 1), got[1])
    size = (5, None)[-rank:]
    adapted = ADAPTIVE[kind, rank](x, size)
    assert adapted.shape == (2, 3, *(5, 35)[-rank:])
    np.testing.assert_array_equal(ADAPTIVE[kind, rank](x[0], size), adapted[0])


@pytest.mark.parametrize("kind", ["max", "average"])
def test_layouts(rng, layouts, kind):
    x = images(rng, 2, 3, 6, 7, 35)
    want = POOLS[kind, 3](x, 2)
    for name, array in layouts(x):
        np.testing.assert_array_equal(POOLS[kind, 3](array, 2), want, err_msg=name)
        room = np.full((2, 3, 3, 3, 34), 7, np.float32)
        POOLS[kind, 3](array, 2, out=room[..., ::2])
        np.testing.assert_array_equal(room[..., ::2], want, err_msg=name)
        assert (room[..., 1::2] == 7).all()
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1)).transpose(0, 4, 1, 2, 3)
    got = POOLS[kind, 3](last, 2)
    np.testing.assert_array_equal(got, want)
    assert got.strides[1] == 4


@pytest.mark.parametrize("position", range(0, 40, 3))
def test_not_a_number_and_infinity(rng, cpu_level, position):
    x = images(rng, 1, 1, 4, 4, 40)
    x[0, 0, 1, 2, position] = np.nan
    x[0, 0, 3, 3, position] = -np.inf
    for kernel, stride in ((2, 2), (3, 1), (3, 3)):
        got = check(x, "max", kernel, stride)
        assert np.isnan(got).any() or position // stride >= got.shape[-1]
    check(x, "average", 2, 2)
    x[:] = -np.inf
    np.testing.assert_array_equal(nn.max_pool3d(x, 3, 2, 1), np.full((1, 1, 2, 2, 20), -np.inf))


@pytest.mark.parametrize("kind", ["max", "average"])
def test_threads_agree(rng, kind):
    x = images(rng, 2, 4, 33, 34, 65)
    first = POOLS[kind, 3](x, 3, 2, 1, threads=1)
    small = ADAPTIVE[kind, 3](x, 3, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(POOLS[kind, 3](x, 3, 2, 1, threads=threads), first)
        np.testing.assert_array_equal(ADAPTIVE[kind, 3](x, 3, threads=threads), small)


def test_long_sums(rng):
    x = (rng.random((1, 2, 64, 64, 64)) + 1000).astype(np.float32)
    got = nn.adaptive_avg_pool3d(x, 1)
    np.testing.assert_allclose(got.ravel(), x.mean(axis=(2, 3, 4), dtype=np.float64).ravel(), rtol=1e-6)


def test_nothing():
    assert nn.max_pool3d(np.zeros((0, 3, 4, 4, 4), np.float32), 2).shape == (0, 3, 2, 2, 2)
    assert nn.avg_pool3d(np.zeros((2, 0, 4, 4, 4), np.float32), 2).shape == (2, 0, 2, 2, 2)
    assert nn.adaptive_avg_pool3d(np.zeros((2, 4, 4, 4), np.float32), 0).shape == (2, 0, 0, 0)


X = np.ones((2, 3, 8, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("input", lambda: nn.max_pool3d(X[0, 0], 2)),
        ("input", lambda: nn.max_pool3d(X.astype(np.float64), 2)),
        ("input", lambda: nn.max_pool3d(X[:, :, :0], 2)),
        ("input", lambda: nn.max_pool3d(vk.Volume(X[0, 0], np.eye(4)), 2)),
        ("kernel_size", lambda: nn.max_pool3d(X, 0)),
        ("kernel_size", lambda: nn.max_pool3d(X, (2, 2))),
        ("kernel_size", lambda: nn.max_pool3d(X, 2.5)),
        ("kernel_size", lambda: nn.max_pool3d(X, 9)),
        ("stride", lambda: nn.avg_pool3d(X, 2, 0)),
        ("padding", lambda: nn.avg_pool3d(X, 3, 1, 2)),
        ("padding", lambda: nn.avg_pool3d(X, 3, 1, -1)),
        ("dilation", lambda: nn.max_pool3d(X, 3, dilation=0)),
        ("divisor_override", lambda: nn.avg_pool3d(X, 3, divisor_override=0)),
        ("output_size", lambda: nn.adaptive_avg_pool3d(X, (2, 2))),
        ("output_size", lambda: nn.adaptive_avg_pool3d(X, "abc")),
        ("output_size", lambda: nn.adaptive_avg_pool3d(X, -1)),
        ("out", lambda: nn.max_pool3d(X, 2, out=np.zeros((2, 3, 4, 4, 5), np.float32))),
        ("out", lambda: nn.max_pool3d(X, 2, out=np.zeros((2, 3, 4, 4, 4)))),
        ("out", lambda: nn.max_pool3d(X, 1, out=X)),
        ("threads", lambda: nn.max_pool3d(X, 2, threads=0)),
    ],
)
def test_bad_input(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(word) and "got" in message and "allowed" in message
