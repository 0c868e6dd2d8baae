# SPDX-License-Identifier: Apache-2.0
"""Large convolutions in bands: the bits of the whole, and little memory."""

import weakref

import numpy as np
import pytest
from networks import conv, unet, unet_by_hand

from voxkern import nn
from voxkern.nn import _bands, _sequential

TOLERANCE = 1e-5  # of values around 1: other ways of the same convolutions, a few layers deep


def image(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture
def bands(monkeypatch):
    """Run all convolutions in bands that can be; return what they wrote over."""
    monkeypatch.setattr(_bands, "LARGE", 0)
    monkeypatch.setattr(_bands, "BUFFER", 0)
    works = []
    run = _bands.run
    monkeypatch.setattr(_sequential, "run", lambda work, values: works.append(work) or run(work, values))
    return works


@pytest.mark.parametrize("norm", [None, "instance_norm"])
@pytest.mark.parametrize("depth", [8, 16, 20, 36])
def test_bands_change_no_bit(rng, norm, depth, bands, monkeypatch):
    """Bands of eight planes, with all that runs on the way into them."""
    layers, weights = unet(rng, norm=norm)
    network = nn.Sequential(layers, weights)
    for batch in (1, 2):
        x = image(rng, batch, 2, depth, 12, 20)
        kept = x.copy()
        got = [network(x, threads=threads) for threads in (1, 3)]
        np.testing.assert_array_equal(x, kept)
        np.testing.assert_array_equal(*got)
        assert any(source.up for work in bands for source in work.sources)
        assert any(work.target is not None for work in bands)
        with monkeypatch.context() as patch:
            patch.setattr(_bands, "LARGE", 1 << 40)
            np.testing.assert_allclose(network(x), got[0], atol=0 if norm is None else 2e-6)
        np.testing.assert_allclose(unet_by_hand(x, weights, 3, norm, layers), got[0], atol=TOLERANCE)


@pytest.mark.parametrize("padding", [0, 1, "same"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_bands_of_any_kernel(rng, bands, kernel, dilation, padding):
    options = {"padding": padding, "dilation": dilation}
    first, weights = conv(rng, "a", 2, 6, 3, kernel, **options)
    second, more = conv(rng, "b", 6, 4, 3, kernel, **options)
    third, last = conv(rng, "c", 4, 2, 3, 1)
    network = nn.Sequential([first, second, {"type": "relu"}, third], weights | more | last)
    for depth in (17, 24, 33):
        x = image(rng, 1, 2, depth, 19, 18)
        a = nn.conv3d(x, weights["a.weight"], weights["a.bias"], **options)
        b = nn.conv3d(a, more["b.weight"], more["b.bias"], **options, activation="relu")
        want = nn.conv3d(b, last["c.weight"], last["c.bias"])
        np.testing.assert_array_equal(network(x), want)
        np.testing.assert_array_equal(network(x, out=np.empty_like(want)), want)


def test_what_others_still_read_is_not_written_over(rng, bands):
    """A value, a value in a concatenation, and one that `flatten` is a view of."""
    first, weights = conv(rng, "a", 2, 4, name="a")
    second, more = conv(rng, "b", 4, 4, name="b")
    third, most = conv(rng, "c", 8, 2, name="c")
    layers = [
        first,
        {"type": "relu", "name": "positive"},
        second,
        {"type": "concat", "with": "positive", "name": "both"},
        third,
        {"type": "concat", "input": "both", "with": ["c", "a"]},
    ]
    network = nn.Sequential(layers, weights | more | most)
    x = image(rng, 1, 2, 18, 7, 9)
    a = nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1)
    both = np.concatenate([nn.conv3d(nn.relu(a), more["b.weight"], more["b.bias"], padding=1), nn.relu(a)], 1)
    c = nn.conv3d(both, most["c.weight"], most["c.bias"], padding=1)
    np.testing.assert_array_equal(network(x), np.concatenate([both, c, a], 1))


def test_a_unet_takes_little_memory(rng, bands, monkeypatch):
    """Beside its input: an image of the first level's channels, one of the second's, and small things."""
    layers, weights = unet(rng, (32, 16, 16), norm="instance_norm")
    network = nn.Sequential(layers, weights)
    x = image(rng, 1, 2, 64, 48, 48)
    alive, most = 0, 0
    new = _bands.Values.new

    def counted(values, shape):
        nonlocal alive, most
        array = new(values, shape)
        alive += array.nbytes
        most = max(most, alive)

        def freed(size=array.nbytes):
            nonlocal alive
            alive -= size

        weakref.finalize(array, freed)
        return array

    monkeypatch.setattr(_bands.Values, "new", counted)
    network(x)
    level = x[0, 0].nbytes * 32
    assert level < most < 2.0 * level  # torch holds five
