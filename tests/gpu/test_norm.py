# SPDX-License-Identifier: Apache-2.0
"""Norms and activations of GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import LAYOUTS, in_layout

import voxkern as vk
from voxkern import nn

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

CLOSE = 1e-6  # of the largest value: moments are summed in another order, in float64
SHAPE = (2, 3, 5, 6, 17)
ACTIVATIONS = (None, "relu", ("leaky_relu", 0.3))


def images(rng, shape):
    return (3 * rng.standard_normal(shape) + 2).astype(np.float32)


def channels(rng, count):
    """Return weight, bias, mean and variance."""
    made = rng.standard_normal((4, count)).astype(np.float32)
    made[3] = np.abs(made[3]) + 0.5
    return list(made)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_statistics_and_layouts(rng, activation, layout):
    x = images(rng, SHAPE)
    weight, bias, mean, variance = channels(rng, 3)
    more = {"layout": layout, "activation": activation, "along": True, "float32": CLOSE}
    on_both(nn.instance_norm, x, **more)
    on_both(nn.instance_norm, x, weight=weight, bias=bias, eps=0.1, **more)
    on_both(nn.instance_norm, x, mean, variance, weight, bias, False, **more)
    on_both(nn.batch_norm, x, mean, variance, weight, bias, **more)
    on_both(nn.batch_norm, x, mean, variance, **more)
    on_both(nn.batch_norm, x, None, None, None, bias, True, **more)


@pytest.mark.parametrize(
    "shape", [(1, 1, 2), (3, 2, 9001), (1, 70, 3, 3), (40, 5, 2, 1, 2), (1, 1, 30, 31, 32)], ids=str
)
def test_shapes(rng, shape):
    x = images(rng, shape)
    on_both(nn.instance_norm, x, float32=CLOSE)
    on_both(nn.batch_norm, x, None, None, training=True, float32=CLOSE)


def test_channels_last_and_without_space(rng):
    last = np.ascontiguousarray(images(rng, SHAPE).transpose(0, 2, 3, 4, 1))
    got = nn.instance_norm(cupy.asarray(last).transpose(0, 4, 1, 2, 3))
    want = nn.instance_norm(last.transpose(0, 4, 1, 2, 3))
    assert got.strides == want.strides
    np.testing.assert_allclose(got.get(), want, atol=4 * CLOSE)
    on_both(nn.batch_norm, images(rng, (9, 4)), None, None, training=True, float32=CLOSE)


def test_large_means_cost_no_digit(rng):
    x = (rng.standard_normal((1, 2, 4000)) + 1e6).astype(np.float32)
    on_both(nn.instance_norm, x, float32=CLOSE)


def test_not_a_number_spoils_its_channel_alone(rng):
    x = images(rng, SHAPE)
    x[0, 1, 2, 3, 4], x[1, 2, 0, 0, 0] = np.nan, np.inf
    got = on_both(nn.instance_norm, x, float32=CLOSE).get()
    assert np.isnan(got[0, 1]).all() and np.isnan(got[1, 2]).all() and np.isnan(got).sum() == 2 * 5 * 6 * 17


@pytest.mark.parametrize("layout", LAYOUTS)
def test_activations(rng, layout):
    x = images(rng, (4, 5, 6))
    x[0, 0] = -2, -0.0, 3, np.nan, np.inf, -np.inf
    on_both(nn.relu, x, layout=layout)
    on_both(nn.leaky_relu, x, 0.3, layout=layout)
    on_both(nn.relu, x[0, 0, 0])


def test_in_place_and_into_an_array(rng):
    x = images(rng, SHAPE)
    device = cupy.asarray(x)
    assert nn.instance_norm(device, out=device) is device
    np.testing.assert_allclose(device.get(), nn.instance_norm(x), atol=4 * CLOSE)
    assert nn.relu(device, out=device) is device
    room = cupy.empty(SHAPE, np.float32, "F")
    assert nn.leaky_relu(in_layout(x, "F", cupy.asarray), out=room) is room
    np.testing.assert_array_equal(room.get(), nn.leaky_relu(x))
    assert nn.instance_norm(cupy.empty((0, 3, 4), np.float32)).shape == (0, 3, 4)


@pytest.mark.parametrize("order", ["reverse", "1"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        on_both(nn.instance_norm, images(rng, (1, 2, 5000)), float32=CLOSE)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(images(rng, SHAPE))
    mean = cupy.asarray(np.ones(3, np.float32))
    with nothing_waits(executor, launches=3):
        kept = [nn.instance_norm(x)]
    with nothing_waits(executor, launches=2):
        kept += [nn.batch_norm(x, mean, mean)]
    with nothing_waits(executor, launches=1):
        kept += [nn.relu(x)]
    del kept


def test_errors():
    x = cupy.asarray(np.zeros((2, 3, 4), np.float32))
    with pytest.raises(vk.ArgumentTypeError, match="weight: got a NumPy array"):
        nn.instance_norm(x, weight=np.ones(3, np.float32))
    with pytest.raises(vk.ArgumentError, match="more than one sample per channel"):
        nn.instance_norm(x[:, :, :1])
    with pytest.raises(vk.ArgumentError, match="bias: got shape"):
        nn.batch_norm(x, None, None, bias=x[0, 0], training=True)
