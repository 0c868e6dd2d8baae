# SPDX-License-Identifier: Apache-2.0
"""Networks on GPU arrays: what the CPU gives; values stay on the GPU, nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from networks import unet

import voxkern as vk
from voxkern import nn

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

CLOSE = 5e-6  # of the largest value: convolutions and moments are summed in another order, a few layers deep


def image(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def branches(rank=3):
    """Return layers without a convolution: two branches, joined, and classes."""
    ones = np.arange(1, 3, dtype=np.float32)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    return [
        {"type": "instance_norm", "weight": ones, "bias": -ones, "name": "norm"},
        {"type": f"max_pool{rank}d", "kernel_size": 2},
        {"type": "batch_norm", "running_mean": ones, "running_var": ones, "activation": "relu"},
        {"type": "interpolate", "scale_factor": 2, "mode": mode, "name": "up"},
        {"type": "add", "with": ["norm", "norm"]},
        {"type": "leaky_relu", "negative_slope": 0.2},
        {"type": "concat", "with": ["up", "input"]},
        {"type": f"avg_pool{rank}d", "kernel_size": 3, "stride": 1, "padding": 1},
    ]


@pytest.mark.parametrize("norm", [None, "instance_norm", "batch_norm"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_unet(rng, rank, norm):
    layers, weights = unet(rng, (3, 4, 5), rank=rank, norm=None if norm == "batch_norm" else norm)
    if norm == "batch_norm":
        ones = np.ones(3, np.float32)
        layers.insert(1, {"type": norm, "running_mean": ones, "running_var": ones})
    network = nn.Sequential(layers, weights)
    x = image(rng, 2, 2, *(8, 4, 12)[:rank])
    on_both(network, x, float32=CLOSE)
    on_both(network, x[0], float32=CLOSE)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers_without_a_convolution(rng, rank):
    x = image(rng, 2, 2, *(6, 4, 8)[:rank])
    on_both(nn.Sequential(branches(rank)), x, float32=CLOSE)
    on_both(nn.Sequential([*branches(rank), {"type": "softmax"}]), x[1], float32=CLOSE)
    on_both(nn.Sequential([*branches(rank), {"type": "argmax"}]), x)


def test_a_classifier(rng):
    layers = [
        {"type": "relu"},
        {"type": "adaptive_avg_pool3d", "output_size": 2},
        {"type": "flatten"},
        {"type": "linear", "weight": image(rng, 5, 16), "bias": image(rng, 5)},
        {"type": "softmax"},
    ]
    network = nn.Sequential(layers)
    for batch in (1, 11):
        on_both(network, image(rng, batch, 2, 6, 5, 7), float32=CLOSE)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    layers, weights = unet(rng, (3, 4, 5), norm="instance_norm")
    network = nn.Sequential([*layers, {"type": "argmax"}], weights)
    x = cupy.asarray(image(rng, 1, 2, 8, 4, 8))
    other, y = nn.Sequential(branches()), cupy.asarray(image(rng, 1, 2, 4, 6, 8))
    for _ in range(2):  # the first call brings the weights
        with nothing_waits(executor):
            kept = [network(x), other(y)]
    out = cupy.empty(network.output_shape(x.shape), np.int64)
    assert network(x, out=out) is out
    np.testing.assert_array_equal(out.get(), kept[0].get())


def test_weights_are_there_on_every_stream(rng, orders):
    """The second stream does not wait for the first but where it reads what was brought on that."""
    orders.set_streams("deferred")
    network = nn.Sequential(branches())
    x = image(rng, 1, 2, 4, 6, 8)
    want = network(x)
    first = cupy.cuda.Stream(non_blocking=True)
    with first:
        network(cupy.asarray(x))
    with cupy.cuda.Stream(non_blocking=True):
        np.testing.assert_allclose(network(cupy.asarray(x)).get(), want, atol=1e-5)
    first.synchronize()


def test_tiles_are_the_whole(rng):
    layers = [
        {"type": "max_pool3d", "kernel_size": 3, "stride": 1, "padding": 1},
        {"type": "relu"},
        {"type": "interpolate", "scale_factor": 2, "mode": "nearest"},
    ]
    network = nn.Sequential(layers)
    x = cupy.asarray(image(rng, 1, 2, 9, 7, 12))
    whole = network(x)
    got = nn.run_in_tiles(network, x, tile=4)
    assert type(got) is cupy.ndarray
    np.testing.assert_array_equal(got.get(), whole.get())


def test_errors(rng):
    network = nn.Sequential(branches())
    x = image(rng, 1, 2, 4, 6, 8)
    with pytest.raises(vk.ArgumentTypeError, match="out: got a NumPy array"):
        network(cupy.asarray(x), out=np.empty((1, 6, 4, 6, 8), np.float32))
    with pytest.raises(vk.ArgumentTypeError, match="out: got a CuPy array"):
        network(x, out=cupy.empty((1, 6, 4, 6, 8), np.float32))
    with pytest.raises(vk.CudaUnavailableError, match="sliding_window has no GPU version"):
        nn.sliding_window(network, cupy.asarray(x), (4, 6, 8))
