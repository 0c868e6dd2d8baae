# SPDX-License-Identifier: Apache-2.0
"""Normalisation and activation: the reference at every level, large means, layouts, wrong arguments."""

import numpy as np
import pytest
from cases import SIZES

import voxkern as vk
from voxkern import nn
from voxkern.reference.norm import norm as reference

CLOSE = 2e-6  # of numbers around 1: roundings of the line, and of float32 differences in the variance
ACTIVATIONS = {"none": (None, 1.0), "relu": ("relu", 0.0), "leaky": (("leaky_relu", 0.3), 0.3)}


def images(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def close(got, want, scale=1.0):
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=CLOSE, atol=CLOSE * scale)


def test_hand_computed():
    x = np.array([[[1, 3, 1, 3], [2, 2, 2, 2]]], np.float32)
    np.testing.assert_array_equal(
        nn.instance_norm(x, eps=0, weight=np.float32([2, 1]), bias=np.float32([1, 5]))[0, 0], [-1, 3, -1, 3]
    )
    np.testing.assert_array_equal(nn.instance_norm(x, bias=np.float32([1, 5]))[0, 1], [5, 5, 5, 5])
    y = nn.batch_norm(x, np.float32([1, 2]), np.float32([4, 1]), eps=0)
    np.testing.assert_array_equal(y[0], [[0, 1, 0, 1], [0, 0, 0, 0]])
    z = np.array([-2, -0.0, 3, np.nan, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(nn.relu(z), [0, 0, 3, np.nan, np.inf, 0])
    np.testing.assert_array_equal(nn.leaky_relu(z, 0.5), [-1, 0, 3, np.nan, np.inf, -np.inf])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "shape", [(2, 3, 5, 6, 37), (1, 5, 40, 41, 42), (3, 2, 70_001), (2, 4, 9, 9)], ids=str
)
def test_matches_reference(rng, cpu_level, shape, activation):
    x = images(rng, *shape) * 3 + 2
    given, slope = ACTIVATIONS[activation]
    c = shape[1]
    weight, bias, mean = images(rng, c), images(rng, c), images(rng, c)
    variance = (rng.random(c) + 0.5).astype(np.float32)
    close(nn.instance_norm(x, activation=given), reference(x, slope=slope))
    got = nn.instance_norm(x, mean, variance, weight, bias, eps=0.1, activation=given)
    close(got, reference(x, "instance", weight, bias, eps=0.1, slope=slope))
    want = reference(x, "given", weight, bias, mean, variance, slope=slope)
    for got in (
        nn.instance_norm(x, mean, variance, weight, bias, False, activation=given),
        nn.batch_norm(x, mean, variance, weight, bias, activation=given),
    ):
        close(got, want, 30)
    got = nn.batch_norm(x, None, None, weight, bias, True, activation=given)
    close(got, reference(x, "batch", weight, bias, slope=slope))


@pytest.mark.parametrize("n", SIZES)
def test_sizes_around_vectors(rng, cpu_level, n):
    for shape in ((2, 3, n, 2), (1, 2, 3, n), (2, 2, 4096 - n), (1, 1, 65536 + n)):
        x = images(rng, *shape) + 1
        close(nn.instance_norm(x), reference(x))
        close(nn.batch_norm(x, None, None, training=True), reference(x, "batch"))
    x = images(rng, n)
    np.testing.assert_array_equal(nn.relu(x), np.maximum(x, 0))
    np.testing.assert_array_equal(nn.leaky_relu(x), np.where(x > 0, x, x * np.float32(0.01)))


@pytest.mark.parametrize("mean", [1e3, 1e6, -1e6])
@pytest.mark.parametrize("shape", [(1, 2, 30, 31, 32), (1, 9, 30, 31, 32)], ids=str)
def test_large_means(rng, cpu_level, mean, shape):
    """The samples are 32-bit: what counts is that nothing else is lost."""
    x = (rng.standard_normal(shape) + mean).astype(np.float32)
    close(nn.instance_norm(x), reference(x))
    running_mean, running_var = np.full(shape[1], mean, np.float32), np.full(shape[1], 2, np.float32)
    close(
        nn.batch_norm(x, running_mean, running_var),
        reference(x, "given", None, None, running_mean, running_var),
    )


def test_large_and_small_numbers(rng, cpu_level):
    x = images(rng, 1, 4, 5000)
    for factor in (1e15, 1e-15):
        close(nn.instance_norm(x * np.float32(factor), eps=0), reference(x, eps=0), 3)
    for value in (0.1, 1000.1, 1e6 / 3):
        np.testing.assert_allclose(nn.instance_norm(np.full((1, 1, 5001), value, np.float32)), 0, atol=CLOSE)


def test_not_a_number_spoils_its_channel_alone(rng, cpu_level):
    x = images(rng, 2, 3, 5000)
    clean = nn.instance_norm(x)
    for bad in (np.nan, np.inf):
        x[1, 1, 77] = bad
        got = nn.instance_norm(x)
        assert np.isnan(got[1, 1]).all()
        np.testing.assert_array_equal(
            np.delete(got.reshape(6, -1), 4, 0), np.delete(clean.reshape(6, -1), 4, 0)
        )


@pytest.mark.parametrize("statistics", ["instance", "batch", "given"])
def test_layouts(rng, layouts, statistics):
    x = images(rng, 2, 3, 9, 11, 50)
    ones = np.ones(3, np.float32)

    def run(array, out=None):
        if statistics == "instance":
            return nn.instance_norm(array, out=out)
        return nn.batch_norm(array, ones, ones, training=statistics == "batch", out=out)

    want = run(x)
    for name, array in layouts(x):
        np.testing.assert_allclose(run(array), want, rtol=1e-6, atol=1e-6, err_msg=name)
        room = np.full((2, 3, 9, 11, 100), 7, np.float32)
        run(array, room[..., ::2])
        np.testing.assert_allclose(room[..., ::2], want, rtol=1e-6, atol=1e-6, err_msg=name)
        assert (room[..., 1::2] == 7).all()
        np.testing.assert_array_equal(nn.relu(array), np.maximum(x, 0), err_msg=name)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1)).transpose(0, 4, 1, 2, 3)
    got = run(last)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
    assert got.strides[1] == 4


@pytest.mark.parametrize("shape", [(1, 2, 60, 61, 62), (2, 10, 40, 41, 42), (300, 7, 4, 4)], ids=str)
def test_threads_agree(rng, shape):
    x = images(rng, *shape)
    for function in (
        nn.instance_norm,
        lambda x, threads: nn.batch_norm(x, None, None, training=True, threads=threads),
    ):
        first = function(x, threads=1)
        for threads in (2, 3, 8):
            np.testing.assert_array_equal(function(x, threads=threads), first)
    np.testing.assert_array_equal(nn.relu(x, threads=1), nn.relu(x, threads=3))


def test_running_statistics_are_not_written(rng):
    x = images(rng, 2, 3, 8)
    mean, variance = np.zeros(3, np.float32), np.ones(3, np.float32)
    nn.instance_norm(x, mean, variance)
    nn.batch_norm(x, mean, variance, training=True)
    assert (mean == 0).all() and (variance == 1).all()


def test_nothing():
    assert nn.instance_norm(np.zeros((0, 3, 4), np.float32)).shape == (0, 3, 4)
    assert nn.relu(np.zeros((0,), np.float32)).shape == (0,)
    assert nn.relu(np.float32(-3)) == 0


def test_in_place(rng, cpu_level):
    for x in (images(rng, 2, 3, 5, 6, 7), images(rng, 7, 6, 5, 3, 2).T, images(rng, 2, 6, 70_000)[:, ::-2]):
        for call in (
            lambda x, **out: nn.instance_norm(x, activation="relu", **out),
            lambda x, **out: nn.batch_norm(x, None, None, training=True, **out),
            lambda x, **out: nn.leaky_relu(x, **out),
        ):
            want, y = call(x), np.empty_like(x)
            y[...] = x
            assert call(y, out=y) is y
            np.testing.assert_array_equal(y, want)


X = np.ones((2, 3, 8), np.float32)
C = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("input", lambda: nn.instance_norm(X[0])),
        ("input", lambda: nn.instance_norm(X[..., :1])),
        ("input", lambda: nn.batch_norm(X[:1, :, :1], None, None, training=True)),
        ("input", lambda: nn.batch_norm(X.astype(np.float64), C, C)),
        ("input", lambda: nn.batch_norm(C, C, C)),
        ("input", lambda: nn.instance_norm(vk.Volume(X, np.eye(4)))),
        ("input", lambda: nn.relu(np.arange(3))),
        ("running_mean", lambda: nn.batch_norm(X, None, C)),
        ("running_var", lambda: nn.instance_norm(X, C, use_input_stats=False)),
        ("running_var", lambda: nn.batch_norm(X, C, C[:2])),
        ("weight", lambda: nn.instance_norm(X, weight=C[:2])),
        ("bias", lambda: nn.instance_norm(X, bias=C[None])),
        ("bias", lambda: nn.instance_norm(X, bias=C.astype(int))),
        ("eps", lambda: nn.instance_norm(X, eps=-1)),
        ("eps", lambda: nn.instance_norm(X, eps="a")),
        ("activation", lambda: nn.instance_norm(X, activation="gelu")),
        ("activation", lambda: nn.instance_norm(X, activation=("leaky_relu",))),
        ("activation", lambda: nn.instance_norm(X, activation=("leaky_relu", "a"))),
        ("activation", lambda: nn.instance_norm(X, activation=3)),
        ("negative_slope", lambda: nn.leaky_relu(X, None)),
        ("out", lambda: nn.relu(X, out=X[::-1])),
        ("out", lambda: nn.relu(X, out=X[:1])),
        ("out", lambda: nn.relu(X, out=np.zeros(X.shape))),
    ],
)
def test_bad_input(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(word) and "got" in message and "allowed" in message
