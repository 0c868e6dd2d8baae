# SPDX-License-Identifier: Apache-2.0
"""Networks: torch's own samples of its operators give torch's answers, and errors are about torch's."""

import numpy as np
import pytest

import voxkern as vk

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # torch.testing._internal needs it

CONVOLUTIONS = [f"conv{t}{rank}d" for t in ("", "_transpose") for rank in (1, 2, 3)]


def samples(name):
    from torch.testing._internal.common_methods_invocations import op_db

    (found,) = [op for op in op_db if op.name == f"nn.functional.{name}"]
    return list(found.sample_inputs("cpu", torch.float32, requires_grad=False))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("algorithm", ["auto", "direct", "fast"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name, algorithm):
    found = samples(name)
    assert found
    for sample in found:
        want = getattr(torch.nn.functional, name)(sample.input, *sample.args, **sample.kwargs)
        got = getattr(vk.nn, name)(sample.input, *sample.args, algorithm=algorithm, **sample.kwargs)
        assert isinstance(got, torch.Tensor) and got.shape == want.shape
        scale = max(float(want.abs().max()) if want.numel() else 0.0, 1.0)
        assert torch.allclose(got, want, rtol=0, atol=1e-4 * scale), (name, sample)


@pytest.mark.parametrize(
    ("channels", "size", "n"), [((4, 32), 3, 24), ((32, 32), 3, 24), ((64, 64), 3, 16), ((32, 32), 5, 20)]
)
def test_root_mean_square_error_is_about_torchs(channels, size, n):
    ins, outs = channels
    rng = torch.Generator().manual_seed(1)
    x = torch.randn((1, ins, n, n, n), generator=rng)
    w = torch.randn((outs, ins, size, size, size), generator=rng)
    exact = torch.nn.functional.conv3d(x.double(), w.double(), padding=size // 2)

    def error(result):
        return float((result.double() - exact).square().mean().sqrt())

    theirs = error(torch.nn.functional.conv3d(x, w, padding=size // 2))
    for algorithm in ("auto", "direct"):
        assert error(vk.nn.conv3d(x, w, padding=size // 2, algorithm=algorithm)) <= 1.5 * theirs, algorithm


def test_channels_last_without_a_copy():
    rng = torch.Generator().manual_seed(1)
    x = torch.randn((2, 8, 9, 10, 11), generator=rng)
    w = torch.randn((16, 8, 3, 3, 3), generator=rng)
    want = vk.nn.conv3d(x, w, padding=1)
    last = x.to(memory_format=torch.channels_last_3d)
    np.testing.assert_array_equal(vk.nn.conv3d(last, w, padding=1).numpy(), want.numpy())
