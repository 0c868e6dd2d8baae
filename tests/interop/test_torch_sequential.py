# SPDX-License-Identifier: Apache-2.0
"""Networks of torch, run by Sequential with the weights that torch saved."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

torch = pytest.importorskip("torch")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "unet.py"
TOLERANCE = 1e-4


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs the source tree")
def test_the_unet_of_the_example(capsys):
    pytest.importorskip("safetensors")
    assert runpy.run_path(str(EXAMPLE))["main"]() < 1e-5
    assert "(3, 32, 40, 48)" in capsys.readouterr().out


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs the source tree")
def test_a_state_dict_is_taken_as_it_is_and_tensors_come_back():
    example = runpy.run_path(str(EXAMPLE))
    theirs = example["torch_unet"]()
    ours = vk.nn.Sequential(example["LAYERS"], theirs.state_dict())
    x = torch.rand((2, 1, 16, 20, 24), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        want = theirs(x)
    got = ours(x)
    assert isinstance(got, torch.Tensor) and got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want.numpy(), atol=TOLERANCE)
    with pytest.raises(vk.ArgumentTypeError, match=r"weight: got a tensor .*gradient"):
        vk.nn.Sequential(example["LAYERS"], dict(theirs.named_parameters()))


def test_a_residual_network_with_batch_norms():
    nn = torch.nn
    torch.manual_seed(3)
    stem = nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    )
    main = nn.Sequential(
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 1, 1),
        nn.BatchNorm2d(16),
    )
    side = nn.Sequential(nn.Conv2d(8, 16, 1, 2), nn.BatchNorm2d(16))
    head = nn.Linear(16, 7)
    parts = nn.ModuleDict({"stem": stem, "main": main, "side": side, "head": head})
    for module in parts.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
    parts.eval()

    def conv(name, bias=True, **options):
        return {
            "type": "conv2d",
            "weight": f"{name}.weight",
            **({"bias": f"{name}.bias"} if bias else {}),
            **options,
        }

    def norm(key, **options):
        arrays = {name: f"{key}.{name}" for name in ("running_mean", "running_var", "weight", "bias")}
        return {"type": "batch_norm", **arrays, **options}

    layers = [
        conv("stem.0", bias=False, stride=2, padding=2),
        norm("stem.1", activation="relu"),
        {"type": "max_pool2d", "kernel_size": 3, "stride": 2, "padding": 1, "name": "stem"},
        conv("side.0", stride=2),
        norm("side.1", name="side"),
        conv("main.0", stride=2, padding=1, input="stem"),
        norm("main.1"),
        {"type": "relu"},
        conv("main.3", padding=1),
        norm("main.4"),
        {"type": "add", "with": "side"},
        {"type": "relu"},
        {"type": "adaptive_avg_pool2d", "output_size": 1},
        {"type": "flatten"},
        {"type": "linear", "weight": "head.weight", "bias": "head.bias"},
    ]
    network = vk.nn.Sequential(layers, parts.state_dict())
    assert network.steps[:5] == (
        "conv2d + batch_norm",
        "max_pool2d",
        "conv2d + batch_norm",
        "conv2d + batch_norm + relu",
        "conv2d + batch_norm + add + relu",
    )
    x = torch.rand((2, 3, 61, 45))
    with torch.inference_mode():
        middle = stem(x)
        want = head(torch.relu(main(middle) + side(middle)).mean((2, 3)))
    np.testing.assert_allclose(network(x).numpy(), want.numpy(), atol=TOLERANCE)


def test_windows_of_a_network_of_torch():
    model = torch.nn.Conv3d(2, 3, 3, padding=1).eval()
    x = torch.rand((1, 2, 20, 18, 22))
    with torch.inference_mode():
        got = vk.nn.sliding_window(model, x, (16, 16, 16), weights="constant")
    assert isinstance(got, torch.Tensor) and got.shape == (1, 3, 20, 18, 22)
    with pytest.raises(vk.ArgumentTypeError, match="gradient"):
        vk.nn.sliding_window(model, x, (16, 16, 16))


@pytest.mark.parametrize("mode", ["gaussian", "constant"])
@pytest.mark.parametrize(("size", "window"), [((20, 31, 17), (8, 8, 8)), ((9, 30, 12), (12, 16, 5))])
def test_windows_of_monai(mode, size, window):
    inference = pytest.importorskip("monai.inferers").sliding_window_inference

    def predict(x):
        ramp = torch.cumsum(torch.ones_like(x), 2) + torch.cumsum(torch.ones_like(x), 4)
        return torch.cat([x * ramp, x + ramp], 1)

    x = torch.rand((1, 2, *size), generator=torch.Generator().manual_seed(2))
    want = inference(x, window, 1, predict, overlap=0.4, mode=mode)
    got = vk.nn.sliding_window(predict, x, window, overlap=0.4, weights=mode, convention="monai")
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-5, atol=1e-5)
