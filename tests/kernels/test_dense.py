# SPDX-License-Identifier: Apache-2.0
"""linear, softmax, argmax: the reference at every level, sizes, layouts, NaN, threads, wrong arguments."""

import numpy as np
import pytest
from cases import SIZES, known

import voxkern as vk
from voxkern import nn
from voxkern.reference.dense import argmax as reference_argmax
from voxkern.reference.dense import dense as reference
from voxkern.reference.dense import softmax as reference_softmax

ULP = 2.0**-23


def numbers(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def close(got, x, weight, bias=None):
    """Sums of K products round in proportion to the sum of their sizes."""
    assert got.dtype == np.float32
    size = known(reference, np.abs(x), np.abs(weight), None if bias is None else np.abs(bias))
    error = np.abs(got - known(reference, x, weight, bias))
    assert (error <= 8 * ULP * size + 1e-30).all()


def test_hand_computed():
    weight = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    np.testing.assert_array_equal(
        nn.linear(np.float32([[1, 10], [0, 1]]), weight, np.float32([0, 1, 2])), [[21, 44, 67], [2, 5, 8]]
    )
    np.testing.assert_allclose(nn.softmax(np.log(np.float32([1, 2, 5])), 0), [0.125, 0.25, 0.625], rtol=1e-6)
    np.testing.assert_array_equal(nn.argmax(np.float32([[1, 3, 3], [2, 0, 9]]), 0), [1, 0, 1])


ROWS = [1, 2, 7, 8, 9, 12, 13, 95, 96, 97, 200]
COLUMNS = [1, 7, 16, 31, 32, 33, 130, 513]


@pytest.mark.parametrize("m", ROWS)
@pytest.mark.parametrize("n", COLUMNS)
def test_sizes_around_tiles(rng, cpu_level, m, n):
    """All pairs of two of the three sizes."""
    start = (ROWS.index(m) + COLUMNS.index(n)) % 3
    for k in (1, 16, 63, 255, 257, 600)[start::3]:
        x, weight, bias = numbers(rng, m, k), numbers(rng, n, k), numbers(rng, n)
        close(nn.linear(x, weight, bias), x, weight, bias)
    close(nn.linear(x, weight), x, weight)


def test_many_rows(rng, cpu_level):
    x, weight, bias = numbers(rng, 500, 70), numbers(rng, 1100, 70), numbers(rng, 1100)
    close(nn.linear(x, weight, bias), x, weight, bias)


@pytest.mark.parametrize("m", [3, 40])
def test_layouts_of_matrices(rng, layouts, m):
    x, weight, bias = numbers(rng, 2, m, 37), numbers(rng, 45, 37), numbers(rng, 45)
    want = reference(x, weight, bias)
    for name, array in layouts(x):
        for other, matrix in layouts(weight):
            got = nn.linear(array, matrix, bias[::-1].copy()[::-1])
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5, err_msg=f"{name}, {other}")
        room = np.full((2, m, 90), 7, np.float32)
        nn.linear(array, weight, bias, out=room[..., ::2])
        np.testing.assert_allclose(room[..., ::2], want, rtol=1e-5, atol=1e-5, err_msg=name)
        assert (room[..., 1::2] == 7).all()


def test_leading_axes(rng):
    weight = numbers(rng, 5, 9)
    for shape in ((9,), (4, 9), (2, 3, 4, 9), (0, 9), (3, 1, 2, 1, 9)):
        x = numbers(rng, *shape)
        got = nn.linear(x, weight)
        assert got.shape == (*shape[:-1], 5)
        np.testing.assert_allclose(got, x @ weight.T, rtol=1e-5, atol=1e-5)
    bias = numbers(rng, 5)
    for m in (2, 20):
        none = nn.linear(np.zeros((m, 0), np.float32), np.zeros((5, 0), np.float32), bias)
        np.testing.assert_array_equal(none, np.tile(bias, (m, 1)))
    assert nn.linear(numbers(rng, 4, 9), np.zeros((0, 9), np.float32)).shape == (4, 0)


@pytest.mark.parametrize("m", [4, 50])
def test_not_a_number_spoils_its_row_alone(rng, cpu_level, m):
    x, weight = numbers(rng, m, 300), numbers(rng, 40, 300)
    clean = nn.linear(x, weight)
    x[1, 290], x[2, 3] = np.nan, np.inf
    got = nn.linear(x, weight)
    assert np.isnan(got[1]).all() and np.isinf(got[2]).all()
    np.testing.assert_array_equal(np.delete(got, (1, 2), 0), np.delete(clean, (1, 2), 0))


def ulps(got, want):
    """Return the largest error in units of the last digit."""
    return np.max(np.abs(got - want) / np.spacing(np.abs(want).astype(np.float32)))


def test_exponential_is_right_to_two_units(cpu_level):
    """Beside a zero, whose share is 1 within rounding, softmax shows the exponential itself."""
    x = -np.linspace(17, 87, 400_001, dtype=np.float32)
    got = nn.softmax(np.stack([np.zeros_like(x), x]), 0)
    assert ulps(got[1], np.exp(x.astype(np.float64))) <= 2
    dense = -np.linspace(0, 17, 400_001, dtype=np.float32)
    pair = np.stack([np.zeros_like(dense), dense])
    assert ulps(nn.softmax(pair, 0), reference_softmax(pair, 0)) <= 3
    far = np.float32([[0, -87.4, -1000, -np.inf, -3.4e38]])
    np.testing.assert_array_equal(nn.softmax(far, 1), [[1, 0, 0, 0, 0]])


@pytest.mark.parametrize("n", SIZES)
def test_lines_of_any_length(rng, cpu_level, n):
    for shape in ((n,), (n, 3), (3, n), (2, n, 5, 7), (2, 3, n), (1, 4, 2, 3, n), (5, n, 17)):
        x = numbers(rng, *shape) * 5
        for axis in range(-1, len(shape) - 1):
            np.testing.assert_allclose(nn.softmax(x, axis), reference_softmax(x, axis), rtol=2e-6, atol=1e-37)
            got = nn.argmax(x, axis)
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, reference_argmax(x, axis))
            kept = nn.argmax(x, axis, keepdim=True)
            np.testing.assert_array_equal(kept, np.expand_dims(got, axis))


def test_layouts_of_lines(rng, layouts):
    x = np.round(numbers(rng, 2, 5, 6, 7, 18) * 4) / 4  # with ties
    for axis in range(5):
        want, places = reference_softmax(x, axis), reference_argmax(x, axis)
        for name, array in layouts(x):
            np.testing.assert_allclose(nn.softmax(array, axis), want, rtol=2e-6, err_msg=name)
            np.testing.assert_array_equal(nn.argmax(array, axis), places, err_msg=name)
        room = np.full((2, 5, 6, 7, 36), 7, np.float32)
        nn.softmax(x, axis, out=room[..., ::2])
        np.testing.assert_allclose(room[..., ::2], want, rtol=2e-6)
        assert (room[..., 1::2] == 7).all()
        out = np.empty(places.shape[::-1], np.int64).T
        assert nn.argmax(x, axis, out=out) is out
        np.testing.assert_array_equal(out, places)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_not_a_number_and_infinity_in_lines(rng, cpu_level, axis):
    x = np.moveaxis(numbers(rng, 6, 35, 33), 0, axis).copy()
    lines = np.moveaxis(x, axis, 0)
    lines[3, 4, 5] = lines[5, 4, 5] = np.nan
    lines[:, 7, 8] = -np.inf
    lines[2, 9, 9] = np.inf
    lines[1, 10, 20] = -np.inf
    got = nn.softmax(x, axis)
    np.testing.assert_allclose(got, reference_softmax(x, axis), rtol=2e-6, atol=1e-37)
    assert np.isnan(np.moveaxis(got, axis, 0)[:, [4, 7, 9], [5, 8, 9]]).all()
    np.testing.assert_array_equal(nn.argmax(x, axis), reference_argmax(x, axis))


def test_threads_agree(rng):
    x, weight = numbers(rng, 300, 400), numbers(rng, 600, 400)
    scores = numbers(rng, 2, 9, 30, 31, 33)
    for call in (
        lambda threads: nn.linear(x, weight, threads=threads),
        lambda threads: nn.linear(x[:3], weight, threads=threads),
        lambda threads: nn.softmax(scores, 1, threads=threads),
        lambda threads: nn.softmax(scores, -1, threads=threads),
        lambda threads: nn.argmax(scores, 1, threads=threads),
    ):
        first = call(1)
        for threads in (2, 3, 8):
            np.testing.assert_array_equal(call(threads), first)


def test_nothing():
    assert nn.softmax(np.zeros((0, 3), np.float32), 1).shape == (0, 3)
    assert nn.softmax(np.zeros((3, 0), np.float32), 1).shape == (3, 0)
    assert nn.argmax(np.zeros((0, 3), np.float32), 1).shape == (0,)
    assert nn.softmax(np.float32(3), 0) == 1 and nn.argmax(np.float32(3), -1, keepdim=True).shape == ()


X = np.ones((4, 6), np.float32)
W = np.ones((5, 6), np.float32)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("input", lambda: nn.linear(np.float32(1), W)),
        ("input", lambda: nn.linear(X.astype(np.float64), W)),
        ("input", lambda: nn.softmax(vk.Volume(np.ones((2, 2, 2), np.float32), np.eye(4)), 0)),
        ("input", lambda: nn.argmax(X[:0], 0)),
        ("weight", lambda: nn.linear(X, W[:, :5])),
        ("weight", lambda: nn.linear(X, W[0])),
        ("weight", lambda: nn.linear(X, W.astype(np.float16))),
        ("bias", lambda: nn.linear(X, W, W[0])),
        ("dim", lambda: nn.softmax(X, 2)),
        ("dim", lambda: nn.softmax(X, None)),
        ("dim", lambda: nn.argmax(X, -3)),
        ("dim", lambda: nn.argmax(X, 1.0)),
        ("out", lambda: nn.softmax(X, 0, out=X)),
        ("out", lambda: nn.argmax(X, 0, out=np.zeros(6, np.int32))),
        ("out", lambda: nn.linear(X, W, out=np.zeros((4, 6), np.float32))),
        ("threads", lambda: nn.linear(X, W, threads=-1)),
    ],
)
def test_bad_input(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(word) and "got" in message and "allowed" in message
