# SPDX-License-Identifier: Apache-2.0
"""Tiles give the result of the whole; windows are placed and weighted as nnU-Net and MONAI do."""

import itertools

import numpy as np
import pytest
import scipy.ndimage
from networks import conv, unet, weight

import voxkern as vk
from voxkern import nn

TOLERANCE = 1e-5  # convolutions of another size may add in another order


def chain(rng, *layers, channels=2):
    """Return a network of layers; weights are made for those that have some."""
    made = []
    for layer in layers:
        layer = dict(layer)
        kernel = layer.pop("kernel", None)
        if kernel is not None:
            layer["weight"] = weight(rng, channels, channels, *[kernel] * int(layer["type"][-2]))
        made.append(layer)
    return nn.Sequential(made)


C3 = {"type": "conv3d", "kernel": 3}
LOCAL = {
    "padded": [C3 | {"padding": 1}, C3 | {"padding": 1}],
    "valid": [C3, C3 | {"dilation": 2}],
    "wider than it reads": [C3 | {"padding": 3}],
    "same": [C3 | {"padding": "same"}, {"type": "conv3d", "kernel": 4, "padding": "same"}],
    "strided": [C3 | {"padding": 1, "stride": 2}, C3 | {"padding": 1, "stride": 3}],
    "max pools": [{"type": "max_pool3d", "kernel_size": 2}, C3 | {"padding": 1}],
    "pools of stride one": [{"type": "max_pool3d", "kernel_size": 2, "stride": 1}, C3],
    "ceil": [{"type": "max_pool3d", "kernel_size": 3, "stride": 2, "ceil_mode": True}, C3 | {"padding": 1}],
    "means": [{"type": "avg_pool3d", "kernel_size": 3, "padding": 1, "count_include_pad": False}, C3],
    "transposed": [C3 | {"padding": 1, "stride": 2}, {"type": "conv_transpose3d", "kernel": 3, "stride": 2}],
    "cropping": [
        C3,
        {"type": "conv_transpose3d", "kernel": 2, "stride": 3, "padding": 1, "output_padding": 2},
    ],
    "nearest": [C3 | {"padding": 1}, {"type": "interpolate", "scale_factor": 2}, C3],
    "linear": [C3, {"type": "interpolate", "scale_factor": 3, "mode": "trilinear"}, C3 | {"padding": 1}],
    "labels": [C3 | {"padding": 1}, {"type": "relu"}, {"type": "softmax"}, {"type": "argmax"}],
}


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("tile", [1, (5, 8, 16)])
def test_tiles_give_the_whole(rng, name, tile):
    network = chain(rng, *LOCAL[name])
    x = rng.normal(size=(1, 2, 13, 15, 22)).astype(np.float32)
    if tile == 1:
        x = x[:, :, :7, :8, :9]
    want = network(x)
    got = nn.run_in_tiles(network, x, tile)
    assert got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, atol=TOLERANCE)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_unet_in_tiles(rng, rank):
    layers, weights = unet(rng, rank=rank)
    network = nn.Sequential(layers, weights)
    assert network.alignment() == (4,) * rank
    x = rng.normal(size=(2, 2, *(40, 36, 44)[-rank:])).astype(np.float32)
    want = network(x)
    for tile in (8, 13, 100):
        np.testing.assert_allclose(nn.run_in_tiles(network, x, tile), want, atol=TOLERANCE)
    np.testing.assert_allclose(nn.run_in_tiles(network, x[0], 16), want[0], atol=TOLERANCE)


def test_bicubic_in_tiles(rng):
    conv2 = {"type": "conv2d", "kernel": 3}
    network = chain(rng, conv2, {"type": "interpolate", "scale_factor": 2, "mode": "bicubic"}, conv2)
    x = rng.normal(size=(1, 2, 19, 23)).astype(np.float32)
    np.testing.assert_allclose(nn.run_in_tiles(network, x, 5), network(x), atol=TOLERANCE)


@pytest.mark.parametrize("name", LOCAL)
def test_reach_holds_what_changes_an_output(rng, name):
    """Changing one input sample changes outputs whose reach holds it, and no others."""
    layers = [layer for layer in LOCAL[name] if layer["type"] != "argmax"]
    network = chain(rng, *layers)
    x = rng.normal(size=(1, 2, 4, 4, 24)).astype(np.float32)
    x[..., :4, :4, :] = x[..., :1, :1, :]
    x = np.repeat(np.repeat(x[:, :, :1, :1], 12, axis=2), 12, axis=3)
    reach = network.reach()[-1]
    before = network(x)
    for at in (0, 1, 11, 12, 23):
        changed = x.copy()
        changed[..., at] += 1.0
        moved = np.nonzero(np.any(network(changed) != before, axis=(0, 1, 2, 3)))[0]
        for o in moved:
            assert o * reach.stride + reach.low <= at <= o * reach.stride + reach.high, (o, at)


def test_memory_maps_are_read_and_written(rng, tmp_path):
    network = chain(rng, C3 | {"padding": 1})
    data = rng.normal(size=(2, 12, 14, 18)).astype(np.float32)
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=data.shape)
    x[...] = data
    out = np.memmap(tmp_path / "out", np.float32, "w+", shape=data.shape)
    assert nn.run_in_tiles(network, x, 8, out=out) is out
    np.testing.assert_allclose(np.array(out), network(data), atol=TOLERANCE)
    scores = np.memmap(tmp_path / "scores", np.float32, "w+", shape=data.shape)
    assert nn.sliding_window(network, x, (8, 8, 8), out=scores) is scores
    np.testing.assert_array_equal(np.array(scores), nn.sliding_window(network, data, (8, 8, 8)))


def test_memory_is_that_of_a_tile(rng):
    """What is kept of freed memory tells how much was used beside input and output."""
    network = chain(rng, C3 | {"padding": 1}, C3 | {"padding": 1}, C3 | {"padding": 1})
    x = rng.normal(size=(1, 2, 96, 96, 96)).astype(np.float32)

    def kept(run):
        vk.release_memory()
        result = run()
        return vk.show_config()["cached_bytes"], result

    whole, _ = kept(lambda: network(x, threads=1))
    tiled, _ = kept(lambda: nn.run_in_tiles(network, x, 24, threads=1))
    assert whole >= x.nbytes and tiled < whole / 3


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ({"type": "instance_norm"}, r"layer 1 \(instance_norm\): reads its whole input"),
        ({"type": "adaptive_avg_pool3d", "output_size": 2}, r"layer 1 \(adaptive_avg_pool3d\)"),
        ({"type": "flatten"}, r"layer 1 \(flatten\)"),
        ({"type": "interpolate", "size": 9}, r"layer 1 \(interpolate\): reads its whole input"),
        ({"type": "interpolate", "scale_factor": 1.5}, r"layer 1 \(interpolate\)"),
    ],
)
def test_layers_that_read_everything_are_refused(rng, layer, text):
    network = chain(rng, C3, layer)
    with pytest.raises(vk.ArgumentError, match=text):
        nn.run_in_tiles(network, np.zeros((1, 2, 9, 9, 9), np.float32))


def test_tiles_refuse(rng):
    network = chain(rng, C3)
    x = np.zeros((1, 2, 9, 9, 9), np.float32)
    for tile in (0, (1, 2), 1.5):
        with pytest.raises(vk.VoxkernError, match="tile: got"):
            nn.run_in_tiles(network, x, tile)
    with pytest.raises(vk.VoxkernError, match="network: got function"):
        nn.run_in_tiles(lambda x: x, x)
    with pytest.raises(vk.ArgumentError, match="out: got shape"):
        nn.run_in_tiles(network, x, out=np.zeros_like(x))


# --- windows ------------------------------------------------------------------------------------------


def nnunet(predict, x, window, step, gaussian=True, sigma=0.125):
    """nnU-Net's sliding window, with scipy's Gaussian, in float64."""
    sizes = x.shape[1:]
    before = [max(w - n, 0) // 2 for w, n in zip(window, sizes, strict=True)]
    behind = [max(w - n, 0) - b for w, n, b in zip(window, sizes, before, strict=True)]
    padded = np.pad(x, [(0, 0), *zip(before, behind, strict=True)])
    weights = np.ones(window)
    if gaussian:
        weights = np.zeros(window)
        weights[tuple(w // 2 for w in window)] = 1
        weights = scipy.ndimage.gaussian_filter(weights, [w * sigma for w in window], mode="constant")
        weights[weights == 0] = weights[weights > 0].min()
    starts = []
    for n, w in zip(padded.shape[1:], window, strict=True):
        count = int(np.ceil((n - w) / (w * step))) + 1
        starts.append([0] if count == 1 else [int(np.round((n - w) / (count - 1) * k)) for k in range(count)])
    return averaged(predict, padded, window, starts, weights)[
        (slice(None), *(slice(b, b + n) for b, n in zip(before, sizes, strict=True)))
    ]


def monai(predict, x, window, overlap, gaussian=True, sigma=0.125):
    """MONAI's sliding window, in float64."""
    sizes = x.shape[1:]
    before = [max(w - n, 0) // 2 for w, n in zip(window, sizes, strict=True)]
    behind = [max(w - n, 0) - b for w, n, b in zip(window, sizes, before, strict=True)]
    padded = np.pad(x, [(0, 0), *zip(before, behind, strict=True)])
    weights = np.ones(window)
    if gaussian:
        for axis, w in enumerate(window):
            line = np.exp(-((np.arange(w) - (w - 1) / 2) ** 2) / (2 * (w * sigma) ** 2))
            weights = weights * line.reshape([-1 if a == axis else 1 for a in range(len(window))])
        weights = np.maximum(weights, max(weights.min(), 1e-3))
    starts = []
    for n, w in zip(padded.shape[1:], window, strict=True):
        step = w if n == w else max(int(w * (1 - overlap)), 1)
        starts.append(sorted({min(s, n - w) for s in range(0, n, step)}))
    return averaged(predict, padded, window, starts, weights)[
        (slice(None), *(slice(b, b + n) for b, n in zip(before, sizes, strict=True)))
    ]


def averaged(predict, x, window, starts, weights):
    total, scores = np.zeros(x.shape[1:]), 0.0
    for corner in itertools.product(*starts):
        place = tuple(slice(s, s + w) for s, w in zip(corner, window, strict=True))
        made = predict(x[(slice(None), *place)]).astype(np.float64)
        if not np.ndim(scores):
            scores = np.zeros((made.shape[0], *x.shape[1:]))
        scores[(slice(None), *place)] += made * weights
        total[place] += weights
    return scores / total


def depends_on_the_window(x):
    """Scores that tell where in its window a sample was, so that places and weights both show."""
    ramps = [np.cumsum(np.ones_like(x), axis=axis) for axis in range(1, x.ndim)]
    return np.concatenate([x * ramps[0], x + sum(ramps), x[:1]])


SIZES = [
    ((20, 31, 17), (8, 8, 8)),
    ((9, 30, 12), (12, 16, 5)),
    ((5, 6, 7), (8, 9, 7)),
    ((40, 21), (16, 9)),
    ((33,), (8,)),
]


@pytest.mark.parametrize(("size", "window"), SIZES)
@pytest.mark.parametrize("overlap", [0.5, 0.25, 0, 0.7])
@pytest.mark.parametrize("weights", ["gaussian", "constant"])
@pytest.mark.parametrize(("convention", "reference"), [("nnunet", nnunet), ("monai", monai)])
def test_windows(rng, size, window, overlap, weights, convention, reference):
    x = rng.random((2, *size), dtype=np.float32)
    other = 1 - overlap if convention == "nnunet" else overlap
    want = reference(depends_on_the_window, x, window, other, weights == "gaussian")
    options = {"overlap": overlap, "weights": weights, "convention": convention}
    got = nn.sliding_window(depends_on_the_window, x, window, **options)
    assert got.dtype == np.float32 and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_windows_of_a_batch_and_of_a_network(rng):
    layers, weights = unet(rng, norm="instance_norm")
    network = nn.Sequential(layers, weights)
    x = rng.normal(size=(2, 2, 20, 16, 24)).astype(np.float32)
    got = nn.sliding_window(network, x, (16, 16, 16))
    assert got.shape == (2, 3, 20, 16, 24)
    for k in range(2):
        np.testing.assert_allclose(got[k], nn.sliding_window(network, x[k], (16, 16, 16)), atol=TOLERANCE)
        np.testing.assert_allclose(got[k], nnunet(network, x[k], (16, 16, 16), 0.5), atol=TOLERANCE)


def test_one_window_is_the_prediction(rng):
    layer, weights = conv(rng, "a", 2, 3)
    network = nn.Sequential([layer], weights)
    x = rng.normal(size=(2, 8, 9, 10)).astype(np.float32)
    np.testing.assert_allclose(nn.sliding_window(network, x, (8, 9, 10)), network(x), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"window": 8}, "window: got 8"),
        ({"window": (8, 0)}, "window: got"),
        ({"window": (8, 8, 8)}, "x: got shape"),
        ({"overlap": 1.0}, "overlap: got 1.0"),
        ({"overlap": -0.1}, "overlap: got -0.1"),
        ({"weights": "hann"}, "weights: got 'hann', allowed gaussian, constant"),
        ({"sigma_scale": 0}, "sigma_scale: got 0"),
        ({"convention": "itk"}, "convention: got 'itk', allowed nnunet, monai"),
        ({"predict": lambda x: x[:, 1:]}, "predict: got scores of shape"),
        ({"predict": lambda x: x > 0}, "predict: got dtype bool"),
        ({"out": np.zeros((2, 9, 8), np.float32)}, "out: got shape"),
    ],
)
def test_windows_refuse(arguments, text):
    x = np.zeros((2, 9, 9), np.float32)
    arguments = {"predict": lambda x: x, "x": x, "window": (4, 4)} | arguments
    with pytest.raises(vk.VoxkernError, match=text):
        nn.sliding_window(**arguments)
