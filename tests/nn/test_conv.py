# SPDX-License-Identifier: Apache-2.0
"""Convolutions as users call them: arguments, shapes, kinds of array, errors."""

import numpy as np
import pytest

import voxkern as vk
from voxkern.reference.conv3d import conv3d as reference

FUNCTIONS = {1: vk.nn.conv1d, 2: vk.nn.conv2d, 3: vk.nn.conv3d}
TRANSPOSED = {1: vk.nn.conv_transpose1d, 2: vk.nn.conv_transpose2d, 3: vk.nn.conv_transpose3d}


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def expand(array, rank):
    return array.reshape(array.shape[:2] + (1,) * (3 - rank) + array.shape[2:])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ranks_batches_and_layers(rng, rank):
    x, w = normal(rng, 2, 4, *(9, 8, 7)[:rank]), normal(rng, 8, 4, *(3,) * rank)
    padding = [(0, 0)] * (3 - rank) + [(1, 1)] * rank
    want = reference(expand(x, rank), expand(w, rank), padding=padding)
    want = want.reshape(want.shape[:2] + want.shape[5 - rank :])
    convolve = FUNCTIONS[rank]
    got = convolve(x, w, padding=1)
    np.testing.assert_allclose(got, want, atol=1e-4)
    np.testing.assert_array_equal(convolve(x[1], w, padding=(1,) * rank), got[1])
    np.testing.assert_array_equal(convolve(x, w, padding="same"), got)
    assert convolve(x[:0], w, padding=1).shape == (0, *got.shape[1:])
    layer = vk.nn.Conv3d(w, padding=1)
    np.testing.assert_array_equal(layer(x), got)
    np.testing.assert_array_equal(layer(x[0], threads=1), got[0])
    up = normal(rng, 4, 2, *(2,) * rank)
    got = TRANSPOSED[rank](x, up, stride=2)
    assert got.shape == (2, 2, *(2 * n for n in x.shape[2:]))
    np.testing.assert_array_equal(vk.nn.Conv3d(up, stride=2, transposed=True)(x), got)


def test_same_padding_of_even_kernels_ends_behind(rng):
    x, w = normal(rng, 1, 1, 9), normal(rng, 1, 1, 4)
    got = vk.nn.conv1d(x, w, padding="same", dilation=3)
    want = vk.nn.conv1d(np.pad(x, [(0, 0), (0, 0), (4, 5)]), w, dilation=3)
    np.testing.assert_array_equal(got, want)
    valid = vk.nn.conv1d(x, w, padding="valid")
    np.testing.assert_array_equal(valid, vk.nn.conv1d(x, w))


def test_a_layer_serves_several_shapes_threads_and_levels(rng, cpu_level):
    w = normal(rng, 16, 8, 3, 3, 3)
    layer = vk.nn.Conv3d(w, padding=1)
    for shape in ((1, 1, 9), (8, 9, 10), (3, 20, 31)):
        x = normal(rng, 1, 8, *shape)
        np.testing.assert_array_equal(layer(x, threads=3), vk.nn.conv3d(x, w, padding=1, threads=1))


def test_weights_are_copied(rng):
    x, w = normal(rng, 1, 2, 4, 4, 4), normal(rng, 3, 2, 3, 3, 3)
    layer = vk.nn.Conv3d(w)
    want = layer(x)
    w[:] = 0
    np.testing.assert_array_equal(layer(x), want)


X = np.zeros((1, 4, 5, 6, 7), np.float32)
W = np.zeros((8, 4, 3, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("input: got shape .1, 4, 5, 6, 7.*weight of shape .8, 3,", lambda: vk.nn.conv3d(X, W[:, :3])),
        ("input: got shape .1, 4, 2, 6, 7.*weight, .8, 4, 3", lambda: vk.nn.conv3d(X[:, :, :2], W)),
        ("at least 7 x 3 x 3 samples", lambda: vk.nn.conv3d(X, W, dilation=(4, 2, 1), padding=(1, 1, 0))),
        ("at least 5 samples", lambda: vk.nn.conv1d(X[0, :, 0, 0, :3], W[..., 0, 0], dilation=2)),
        ("input: got shape", lambda: vk.nn.conv3d(X[0, 0], W)),
        ("weight: got shape", lambda: vk.nn.conv3d(X, W[0])),
        ("weight: got shape", lambda: vk.nn.conv3d(X, W[:0])),
        ("bias: got shape .3,.*weight of shape", lambda: vk.nn.conv3d(X, W, np.zeros(3, np.float32))),
        ("stride: got 0", lambda: vk.nn.conv3d(X, W, stride=0)),
        ("stride: got .2, 2, 2. with padding", lambda: vk.nn.conv3d(X, W, stride=2, padding="same")),
        ("padding: got -1", lambda: vk.nn.conv3d(X, W, padding=-1)),
        ("padding: got 'full'", lambda: vk.nn.conv3d(X, W, padding="full")),
        ("padding: got 'same'", lambda: vk.nn.conv_transpose3d(X, W[:4], padding="same")),
        (
            "padding: got .1, 1, 1., allowed at most .0, 0, 0. for input of shape .1, 4, 1, 1, 1.",
            lambda: vk.nn.conv_transpose3d(X[..., :1, :1, :1], W[:4, :, :2, :2, :2], padding=1),
        ),
        (
            "allowed at most .1,. for",
            lambda: vk.nn.conv_transpose1d(X[0, :, 0, 0, :1], W[:4, :, 0, 0], padding=2),
        ),
        ("dilation: got .1, 2.", lambda: vk.nn.conv3d(X, W, dilation=(1, 2))),
        ("groups: got 3", lambda: vk.nn.conv3d(X, W, groups=3)),
        ("algorithm: got 'fft'", lambda: vk.nn.conv3d(X, W, algorithm="fft")),
        ("activation: got 'tanh'", lambda: vk.nn.conv3d(X, W, activation="tanh")),
        ("residual: got shape .1, 4,", lambda: vk.nn.conv3d(X, W, residual=X)),
        ("out: got shape", lambda: vk.nn.conv3d(X, W, out=np.zeros_like(X))),
        ("output_padding: got 2", lambda: vk.nn.conv_transpose3d(X, W[:4], stride=2, output_padding=2)),
    ],
)
def test_wrong_arguments(words, call):
    with pytest.raises(vk.ArgumentError, match=words) as caught:
        call()
    assert "allowed" in str(caught.value)


def test_wrong_types():
    with pytest.raises(vk.ArgumentTypeError, match="input: got dtype float64"):
        vk.nn.conv3d(X.astype(np.float64), W)
    with pytest.raises(vk.ArgumentTypeError, match="stride"):
        vk.nn.conv3d(X, W, stride="a")
    with pytest.raises(vk.ArgumentTypeError, match=r"weight: got 1, allowed the weights: .*out channels"):
        vk.nn.Conv3d(1, 2, 3)
    with pytest.raises(vk.ArgumentError, match="separate arrays"):
        vk.nn.conv3d(X, W[:4, :, 1:2, 1:2, 1:2], out=X)
