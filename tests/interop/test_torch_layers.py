# SPDX-License-Identifier: Apache-2.0
"""Layers beside torch's, on the samples that torch tests its own operators with."""

import numpy as np
import pytest

from voxkern import nn

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
invocations = pytest.importorskip("torch.testing._internal.common_methods_invocations")

POOLS = [
    f"{kind}_pool{rank}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for rank in (1, 2, 3)
]
LAYERS = [
    f"nn.functional.{name}"
    for name in (*POOLS, "instance_norm", "batch_norm", "linear", "relu", "leaky_relu")
]
EXACT = ("max_pool", "relu", "argmax")


def samples(name):
    """Yield torch's operator, and the input and arguments of each of its samples."""
    (op,) = [op for op in invocations.op_db if op.name == name and not op.variant_test_name]
    for sample in op.sample_inputs("cpu", torch.float32, requires_grad=False):
        yield op, sample.input, sample.args, sample.kwargs


def compare(name, got, want):
    assert isinstance(got, torch.Tensor) and got.dtype == want.dtype and got.shape == want.shape
    close = {"rtol": 0, "atol": 0} if any(word in name for word in EXACT) else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(got, want, equal_nan=True, **close)


@pytest.mark.parametrize("name", LAYERS)
def test_samples_of_layers(name):
    function = getattr(nn, name.split(".")[-1])
    count = 0
    for op, x, args, kwargs in samples(name):
        if name.endswith("batch_norm") and x.ndim < 2:
            continue  # an empty tensor without channels
        ours = {k: v for k, v in kwargs.items() if k != "inplace"}
        got = function(x.clone(), *args, **ours)  # first: torch writes running statistics
        want = op(x.clone(), *args, **kwargs)
        if not isinstance(want, tuple):
            got, want = (got,), (want,)
        for ours_, theirs in zip(got, want, strict=True):
            compare(name, ours_, theirs)
        count += 1
    assert count


@pytest.mark.parametrize("name", ["softmax", "argmax"])
def test_samples_along_an_axis(name):
    count = 0
    for op, x, args, kwargs in samples(name):
        if not args and "dim" not in kwargs:
            continue  # torch flattens the tensor
        compare(name, getattr(nn, name)(x, *args, **kwargs), op(x, *args, **kwargs))
        count += 1
    assert count


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_windows(rank, ceil_mode):
    """Every window of some sizes, with torch's rule for how many there are."""
    generator = torch.Generator().manual_seed(1)
    functional = torch.nn.functional
    for n in (1, 2, 5, 8, 17, 36):
        x = torch.randn((2, 3, *(7, 6, n)[-rank:]), generator=generator)
        for kernel in (1, 2, 3, 4):
            for stride in (1, 2, 3, 5):
                for padding in range(kernel // 2 + 1):
                    options = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
                    for kind in ("max", "avg"):
                        name = f"{kind}_pool{rank}d"
                        try:
                            want = getattr(functional, name)(x, kernel, **options)
                        except RuntimeError as error:
                            if "smaller than kernel" in str(error):  # avg_pool3d alone forgets the padding
                                continue
                            with pytest.raises(ValueError, match="kernel_size"):
                                getattr(nn, name)(x, kernel, **options)
                            continue
                        compare(name, getattr(nn, name)(x, kernel, **options), want)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_not_a_number_wins_a_maximum(rank):
    x = torch.randn((1, 2, *(6, 7, 40)[-rank:]), generator=torch.Generator().manual_seed(2))
    x[x > 1.5] = float("nan")
    for kernel, stride in ((2, 2), (3, 1), (3, 3)):
        name = f"max_pool{rank}d"
        want = getattr(torch.nn.functional, name)(x, kernel, stride)
        compare(name, getattr(nn, name)(x, kernel, stride), want)
    want = torch.nn.functional.max_pool3d(torch.full((1, 1, 4, 4, 4), -np.inf), 3, 2, 1)
    compare("max_pool", nn.max_pool3d(torch.full((1, 1, 4, 4, 4), -np.inf), 3, 2, 1), want)


def test_large_means():
    """torch's own statistics are float32: ours are held to float64."""
    x = torch.randn((2, 3, 20, 20, 20), generator=torch.Generator().manual_seed(3)) + 1e4
    want = torch.nn.functional.instance_norm(x.double())
    torch.testing.assert_close(nn.instance_norm(x).double(), want, rtol=1e-5, atol=1e-5)
