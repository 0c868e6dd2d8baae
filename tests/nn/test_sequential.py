# SPDX-License-Identifier: Apache-2.0
"""``Sequential`` gives what its functions give one by one, and says in which layer something is wrong."""

import json

import numpy as np
import pytest
from networks import conv, unet, unet_by_hand, weight

import voxkern as vk
from voxkern import nn
from voxkern.nn import _sequential

TOLERANCE = 1e-5  # of values around 1: other ways of the same convolutions, a few layers deep


def image(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("norm", [None, "instance_norm"])
def test_a_unet_is_its_functions(rng, rank, norm):
    layers, weights = unet(rng, rank=rank, norm=norm)
    network = nn.Sequential(layers, weights)
    assert network.rank == rank
    for batch in (1, 2):
        x = image(rng, batch, 2, *(8, 12, 20)[:rank])
        want = unet_by_hand(x, weights, rank, norm, layers)
        assert network.output_shape(x.shape) == want.shape
        np.testing.assert_allclose(network(x), want, atol=TOLERANCE)
    np.testing.assert_allclose(network(x[0]), network(x[:1])[0], atol=TOLERANCE)


def test_activations_go_with_the_layer_before_them(rng):
    layers, weights = unet(rng, norm="instance_norm")
    steps = nn.Sequential(layers, weights).steps
    assert steps[:2] == ("conv3d + instance_norm + leaky_relu", "max_pool3d")
    layers, weights = unet(rng)
    assert nn.Sequential(layers, weights).steps[:2] == ("conv3d + leaky_relu", "max_pool3d")


def test_a_value_that_is_read_elsewhere_is_not_swallowed(rng):
    first, weights = conv(rng, "a", 2, 2, name="a")
    layers = [first, {"type": "relu"}, {"type": "add", "with": "a"}]
    network = nn.Sequential(layers, weights)
    assert network.steps == ("conv3d", "relu", "add")
    x = image(rng, 1, 2, 5, 6, 7)
    a = nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1)
    np.testing.assert_allclose(network(x), np.maximum(a, 0) + a, atol=TOLERANCE)


def test_a_residual_block_is_two_convolutions(rng):
    first, weights = conv(rng, "a", 2, 2)
    second, more = conv(rng, "b", 2, 2)
    layers = [first, {"type": "relu"}, second, {"type": "add", "with": "input"}, {"type": "relu"}]
    network = nn.Sequential(layers, weights | more)
    assert network.steps == ("conv3d + relu", "conv3d + add + relu")
    x = image(rng, 2, 2, 5, 6, 7)
    a = nn.relu(nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1))
    b = nn.conv3d(a, more["b.weight"], more["b.bias"], padding=1)
    np.testing.assert_allclose(network(x), np.maximum(b + x, 0), atol=TOLERANCE)


@pytest.mark.parametrize("rank", [1, 3])
def test_sums_of_several_values_are_activated(rng, rank):
    """Of what no convolution makes, one of them a part of a larger array."""
    x = image(rng, 2, 3, *(5, 6, 37)[-rank:])
    layers = [
        {"type": "relu", "name": "a"},
        {"type": "concat", "with": "input"},
        {"type": "add", "with": ["b", "b"], "activation": "relu"},
        {"type": "add", "with": "b"},
        {"type": "leaky_relu", "negative_slope": 0.5},
    ]
    layers[1]["name"] = "b"
    network = nn.Sequential([*layers, {"type": f"max_pool{rank}d", "kernel_size": 1}])
    assert network.steps[:4] == ("relu", "concat", "add", "add + leaky_relu")
    both = np.concatenate([np.maximum(x, 0), x], axis=1)
    total = np.maximum(both + both + both, 0) + both
    want = np.where(total < 0, total * np.float32(0.5), total)
    for array in (x, np.asfortranarray(x)):
        for threads in (1, 3):
            np.testing.assert_array_equal(network(array, threads=threads), want)


def test_a_sum_waits_for_what_is_made_later(rng):
    """The shortcut is computed behind the convolution that it is added to."""
    main, weights = conv(rng, "a", 2, 3, name="main")
    shortcut, more = conv(rng, "b", 2, 3, kernel=1, name="shortcut", input="input")
    layers = [main, shortcut, {"type": "add", "input": "main", "with": "shortcut"}]
    x = image(rng, 1, 2, 5, 6, 7)
    want = nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1)
    want = want + nn.conv3d(x, more["b.weight"], more["b.bias"])
    np.testing.assert_allclose(nn.Sequential(layers, weights | more)(x), want, atol=TOLERANCE)


def test_a_sum_with_a_value_whose_number_is_higher(rng):
    """The activation of the first convolution is listed behind the second, which adds it."""
    first, weights = conv(rng, "a", 2, 3, name="a")
    second, more = conv(rng, "b", 2, 3, name="b", input="input")
    layers = [
        first,
        second,
        {"type": "relu", "input": "a", "name": "r"},
        {"type": "add", "input": "b", "with": "r"},
    ]
    network = nn.Sequential(layers, weights | more)
    assert network.steps == ("conv3d + relu", "conv3d + add")
    x = image(rng, 1, 2, 5, 6, 7)
    want = np.maximum(nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1), 0)
    want = want + nn.conv3d(x, more["b.weight"], more["b.bias"], padding=1)
    assert network.output_shape(x.shape) == want.shape
    np.testing.assert_allclose(network(x), want, atol=TOLERANCE)


def norm_of(rng, channels):
    return {
        "type": "batch_norm",
        "running_mean": image(rng, channels),
        "running_var": rng.random(channels) + 0.5,
        "weight": image(rng, channels),
        "bias": image(rng, channels),
        "eps": 1e-3,
    }


def normed(x, norm):
    names = ("running_mean", "running_var", "weight", "bias")
    mean, var, scale, bias = (norm[n].reshape(-1, *(1,) * (x.ndim - 2)) for n in names)
    return (x - mean) / np.sqrt(var + norm["eps"]) * scale + bias


@pytest.mark.parametrize("kind", ["conv3d", "conv_transpose3d", "linear"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_batch_norm_becomes_part_of_the_weights(rng, kind, with_bias):
    x = image(rng, 2, 4, 5, 6, 7)
    norm = norm_of(rng, 6)
    bias = image(rng, 6) if with_bias else None
    groups = {} if kind == "linear" else {"groups": 2}
    shape = {"conv3d": (6, 2, 3, 3, 3), "conv_transpose3d": (4, 3, 2, 2, 2), "linear": (6, 4 * 5 * 6 * 7)}[
        kind
    ]
    w = weight(rng, *shape)
    layers = [{"type": kind, "weight": w, "bias": bias, **groups}, norm]
    data = x
    if kind == "linear":
        layers.insert(0, {"type": "flatten"})
        data = x.reshape(2, -1)
    network = nn.Sequential(layers)
    assert network.steps[-1] == f"{kind} + batch_norm"
    want = normed(getattr(nn, kind)(data, w, bias, **groups).astype(np.float64), norm)
    np.testing.assert_allclose(network(x), want, atol=3 * TOLERANCE)


def test_batch_norm_behind_an_activation_stays(rng):
    first, weights = conv(rng, "a", 2, 3)
    norm = norm_of(rng, 3)
    network = nn.Sequential(
        [first, {"type": "relu"}, norm, {"type": "leaky_relu", "negative_slope": 0.2}], weights
    )
    assert network.steps == ("conv3d + relu", "batch_norm + leaky_relu")
    x = image(rng, 1, 2, 5, 6, 7)
    want = normed(np.maximum(nn.conv3d(x, weights["a.weight"], weights["a.bias"], padding=1), 0), norm)
    np.testing.assert_allclose(network(x), np.where(want > 0, want, 0.2 * want), atol=TOLERANCE)


def test_classifier(rng):
    first, weights = conv(rng, "a", 1, 4, rank=2)
    weights["fc"] = weight(rng, 5, 4)
    layers = [
        first,
        {"type": "adaptive_avg_pool2d", "output_size": 1},
        {"type": "flatten"},
        {"type": "linear", "weight": "fc"},
        {"type": "softmax"},
    ]
    x = image(rng, 3, 1, 9, 8)
    scores = (
        nn.conv2d(x, weights["a.weight"], weights["a.bias"], padding=1).mean(axis=(2, 3)) @ weights["fc"].T
    )
    want = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    network = nn.Sequential(layers, weights)
    np.testing.assert_allclose(network(x), want, atol=TOLERANCE)
    np.testing.assert_allclose(network(x[0]), want[0], atol=TOLERANCE)
    assert network.output_shape((3, 1, 9, 8)) == (3, 5)
    np.testing.assert_array_equal(
        nn.Sequential([*layers, {"type": "argmax"}], weights)(x), want.argmax(axis=1)
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_labels_have_no_channels(rng, rank):
    head, weights = conv(rng, "a", 2, 4, rank=rank)
    network = nn.Sequential([head, {"type": "argmax"}], weights)
    x = image(rng, 2, 2, *(5, 6, 7)[:rank])
    want = getattr(nn, f"conv{rank}d")(x, weights["a.weight"], weights["a.bias"], padding=1).argmax(axis=1)
    got = network(x)
    assert got.dtype == np.int64 and network.output_shape(x.shape) == got.shape
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(network(x[0]), want[0])
    out = np.zeros(want.shape, np.int64)
    assert network(x, out=out) is out
    np.testing.assert_array_equal(out, want)


def test_interpolation_by_factor_and_size(rng):
    x = image(rng, 1, 2, 5, 6)
    for options in ({"scale_factor": 2}, {"scale_factor": [1, 3]}, {"size": [7, 4]}):
        network = nn.Sequential(
            [{"type": "max_pool2d", "kernel_size": 1}, {"type": "interpolate", **options}]
        )
        want = nn.interpolate(x, **options)
        assert network.output_shape(x.shape) == want.shape
        np.testing.assert_array_equal(network(x), want)
    for mode in ("bilinear", "bicubic"):
        layers = [{"type": "max_pool2d", "kernel_size": 1}, {"type": "interpolate", "size": 9, "mode": mode}]
        np.testing.assert_array_equal(nn.Sequential(layers)(x), nn.interpolate(x, 9, mode=mode))


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "conv2d", "padding": "same", "dilation": 2},
        {"type": "conv2d", "padding": "valid", "stride": [2, 1]},
        {"type": "conv2d", "padding": [1, 2], "stride": 3, "dilation": [2, 1]},
        {"type": "conv_transpose2d", "stride": 3, "padding": 1, "output_padding": [1, 2]},
        {"type": "max_pool2d", "kernel_size": 3, "stride": 2, "ceil_mode": True},
        {"type": "max_pool2d", "kernel_size": [2, 3], "dilation": 2, "padding": 1},
        {"type": "avg_pool2d", "kernel_size": 3, "padding": 1, "count_include_pad": False},
        {"type": "adaptive_avg_pool2d", "output_size": [3, 2]},
    ],
)
def test_options_of_two_axes(rng, layer):
    x = image(rng, 2, 3, 11, 14)
    options = {key: value for key, value in layer.items() if key != "type"}
    arrays = {}
    if "conv" in layer["type"]:
        arrays = {"weight": weight(rng, 3, 3, 3, 4), "bias": weight(rng, 3)}
    want = getattr(nn, layer["type"])(x, *arrays.values(), **options)
    network = nn.Sequential(
        json.loads(json.dumps([layer | dict.fromkeys(arrays)])) if not arrays else [layer | arrays]
    )
    assert network.output_shape(x.shape) == want.shape
    np.testing.assert_allclose(network(x), want, atol=TOLERANCE)


def test_parts_of_a_concatenation_are_written_in_place(rng, monkeypatch):
    layers, weights = unet(rng)
    network = nn.Sequential(layers, weights)
    x = image(rng, 1, 2, 8, 12, 16)
    want = network(x)

    def refuse(*arguments):
        raise AssertionError("copied")

    monkeypatch.setattr(_sequential, "_copy", refuse)
    np.testing.assert_array_equal(network(x), want)


def test_concatenations_of_concatenations(rng):
    """A dense block: each layer reads all before it."""
    layers, weights = [], {}
    for k in range(3):
        layer, more = conv(rng, f"c{k}", 2 * (k + 1), 2, name=f"c{k}")
        layers.append(layer)
        weights |= more
        layers.append(
            {
                "type": "concat",
                "input": "input" if k == 0 else f"all{k - 1}",
                "with": f"c{k}",
                "name": f"all{k}",
            }
        )
    network = nn.Sequential(layers, weights)
    for batch in (1, 2):
        x = want = image(rng, batch, 2, 6, 7, 8)
        for k in range(3):
            made = nn.conv3d(want, weights[f"c{k}.weight"], weights[f"c{k}.bias"], padding=1)
            want = np.concatenate([want, made], axis=1)
        np.testing.assert_allclose(network(x), want, atol=TOLERANCE)
        out = np.zeros_like(want)
        assert network(x, out=out) is out
        np.testing.assert_allclose(out, want, atol=TOLERANCE)


def test_out_and_threads(rng):
    layers, weights = unet(rng, norm="instance_norm")
    network = nn.Sequential(layers, weights)
    for x in (image(rng, 2, 2, 8, 8, 12), image(rng, 2, 8, 8, 12)):
        want = network(x, threads=1)
        out = np.zeros(want.shape, np.float32)
        assert network(x, out=out, threads=2) is out
        np.testing.assert_array_equal(out, want)
        np.testing.assert_array_equal(network(x, threads=3), want)


def test_a_network_is_called_from_many_threads(rng):
    from concurrent.futures import ThreadPoolExecutor

    layers, weights = unet(rng)
    network = nn.Sequential(layers, weights)
    images = [image(rng, 1, 2, 8, 8, 8) for _ in range(6)]
    want = [network(x) for x in images]
    with ThreadPoolExecutor(3) as pool:
        for got, one in zip(pool.map(network, images), want, strict=True):
            np.testing.assert_array_equal(got, one)


# --- weights ------------------------------------------------------------------------------------------


def test_weights_from_files(rng, tmp_path):
    layers, weights = unet(rng)
    x = image(rng, 1, 2, 8, 8, 8)
    want = nn.Sequential(layers, weights)(x)
    np.savez(tmp_path / "w.npz", **weights)
    np.testing.assert_array_equal(nn.Sequential(layers, tmp_path / "w.npz")(x), want)
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file(weights, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(nn.Sequential(layers, str(tmp_path / "w.safetensors"))(x), want)


def test_float16_and_float64_weights_are_taken(rng):
    layer, weights = conv(rng, "a", 2, 3)
    x = image(rng, 1, 2, 5, 5, 5)
    for dtype in (np.float16, np.float64):
        other = {name: w.astype(dtype) for name, w in weights.items()}
        got = nn.Sequential([layer], other)(x)
        rounded = {name: w.astype(np.float32) for name, w in other.items()}
        np.testing.assert_array_equal(got, nn.Sequential([layer], rounded)(x))


def test_files_that_are_none(rng, tmp_path):
    layer, _ = conv(rng, "a", 2, 3)
    for name in ("w.npz", "w.safetensors"):
        if name.endswith("safetensors"):
            pytest.importorskip("safetensors")
        (tmp_path / name).write_bytes(b"not a file of arrays, but long enough to look")
        with pytest.raises(vk.FileFormatError, match=name):
            nn.Sequential([layer], tmp_path / name)
    with pytest.raises(vk.ArgumentError, match=r"weights: got .*absent\.npz"):
        nn.Sequential([layer], tmp_path / "absent.npz")
    with pytest.raises(
        vk.ArgumentError, match=r"weights: got w.pt, allowed names that end in .npz or .safetensors"
    ):
        nn.Sequential([layer], "w.pt")
    with pytest.raises(vk.ArgumentTypeError, match="weights: got int"):
        nn.Sequential([layer], 3)


def test_safetensors_is_optional(rng, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    (tmp_path / "w.safetensors").write_bytes(b"")
    with pytest.raises(vk.MissingPackageError, match=r"pip install 'voxkern\[nn\]'"):
        nn.Sequential([conv(rng, "a", 2, 3)[0]], tmp_path / "w.safetensors")


# --- errors -------------------------------------------------------------------------------------------

ONE = np.ones((1, 1, 3, 3, 3), np.float32)
CONV = {"type": "conv3d", "weight": ONE}


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([{"type": "dropout"}], "layer 0 .dropout.: type: got 'dropout', allowed conv1d to 3d"),
        ([{"kind": "relu"}], "layer 0: type: got None"),
        ([CONV, {"type": "conv"}], "layer 1 .conv.: type: got 'conv'"),
        (
            [CONV, {"type": "relu", "slope": 1}],
            "layer 1 .relu.: got the option 'slope', allowed type, name, input",
        ),
        ([{"type": "conv3d"}], "layer 0 .conv3d.: weight: got nothing"),
        (
            [{"type": "conv3d", "weight": "a"}],
            "layer 0 .conv3d.: weight: got 'a', allowed the weights there are: none",
        ),
        (
            [{"type": "conv2d", "weight": ONE}],
            r"layer 0 .conv2d.: weight: got shape \(1, 1, 3, 3, 3\), allowed 4 axes",
        ),
        ([CONV | {"padding": "full"}], "layer 0 .conv3d.: padding: got 'full'"),
        ([CONV | {"padding": "same", "stride": 2}], "layer 0 .conv3d.: padding: got 'same' with stride"),
        ([CONV | {"stride": 0}], "layer 0 .conv3d.: stride: got 0"),
        ([CONV | {"activation": "gelu"}], "layer 0 .conv3d.: activation: got 'gelu'"),
        ([CONV | {"name": "input"}], "layer 0 .conv3d.: name: got 'input'"),
        ([CONV | {"name": "a"}, CONV | {"name": "a"}], "layer 1 .conv3d 'a'.: name: got 'a' again"),
        (
            [CONV, {"type": "add", "with": "b"}],
            "layer 1 .add.: with: got 'b', allowed a name from before: input",
        ),
        ([CONV, {"type": "concat", "with": []}], "layer 1 .concat.: with: got nothing"),
        ([CONV, {"type": "relu", "input": 3}], "layer 1 .relu.: input: got 3"),
        ([CONV, {"type": "max_pool2d", "kernel_size": 2}], "layer 0 .conv3d. and layer 1 .max_pool2d."),
        (
            [CONV, {"type": "interpolate", "size": 2, "mode": "bicubic"}],
            "layer 1 .interpolate.: mode: got 'bicubic' for 3",
        ),
    ],
)
def test_descriptions_are_checked(layers, text):
    with pytest.raises(vk.ArgumentError, match=text):
        nn.Sequential(layers)


@pytest.mark.parametrize("layers", [[], {"type": "relu"}, "relu", 3, [3]])
def test_layers_are_a_list_of_dicts(layers):
    with pytest.raises(vk.ArgumentTypeError, match="layer"):
        nn.Sequential(layers)


@pytest.mark.parametrize(
    ("more", "shape", "text"),
    [
        ([], (1, 2, 5, 5, 5), "layer 0 .conv3d.: got an input of 2 channels, allowed 1"),
        ([], (1, 1, 2, 5, 5), "layer 0 .conv3d.: got an input of shape"),
        ([{"type": "add", "with": "input"}], (1, 1, 5, 5, 5), "layer 1 .add.: got shapes"),
        ([{"type": "concat", "with": "input"}], (1, 1, 5, 5, 5), "layer 1 .concat.: got shapes"),
        (
            [{"type": "linear", "weight": np.ones((2, 3))}],
            (1, 1, 5, 5, 5),
            "layer 1 .linear.: got an input of shape",
        ),
        ([{"type": "flatten"}, CONV], (1, 1, 5, 5, 5), "layer 2 .conv3d.: got an input of 2 axes"),
        ([{"type": "max_pool3d", "kernel_size": 9}], (1, 1, 5, 5, 5), "layer 1 .max_pool3d.: got an input"),
    ],
)
def test_errors_of_a_call_name_the_layer(more, shape, text):
    network = nn.Sequential([CONV, *more])
    with pytest.raises(vk.ArgumentError, match=text):
        network(np.zeros(shape, np.float32))


def test_calls_are_checked(rng):
    network = nn.Sequential([CONV])
    with pytest.raises(vk.ArgumentError, match=r"x: got shape \(5, 5, 5\)"):
        network(np.zeros((5, 5, 5), np.float32))
    with pytest.raises(vk.ArgumentTypeError, match="x: got dtype float64"):
        network(np.zeros((1, 5, 5, 5)))
    with pytest.raises(vk.ArgumentError, match="out: got shape"):
        network(np.zeros((1, 5, 5, 5), np.float32), out=np.zeros((1, 5, 5, 5), np.float32))
    with pytest.raises(vk.ArgumentError, match="shape: got"):
        network.output_shape((5, 5, 5))
