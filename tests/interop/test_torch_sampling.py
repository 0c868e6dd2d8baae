# SPDX-License-Identifier: Apache-2.0
"""Torch's own samples of its operators: interpolate and grid_sample give its answers."""

import functools
import warnings

import numpy as np
import pytest

import voxkern as vk

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # torch's samples need it

TOLERANCE = 1e-4


@functools.cache
def operators():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return {(op.name, op.variant_test_name): op for op in op_db}


def answers(name, variant=""):
    """Yield a sample's arguments and torch's answer."""
    operator = operators()["nn.functional." + name, variant]
    for sample in operator.sample_inputs("cpu", torch.float32, requires_grad=False):
        yield sample, operator(sample.input, *sample.args, **sample.kwargs)


@pytest.mark.parametrize(
    "mode", ["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"]
)
def test_interpolate(mode):
    count = 0
    for sample, want in answers("interpolate", mode):
        got = vk.nn.interpolate(sample.input, *sample.args, **sample.kwargs)
        assert isinstance(got, torch.Tensor) and got.shape == want.shape
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=TOLERANCE, rtol=TOLERANCE)
        count += 1
    assert count >= 6


def test_grid_sample():
    count = 0
    for sample, want in answers("grid_sample"):
        got = vk.nn.grid_sample(sample.input, *sample.args, **sample.kwargs)
        assert isinstance(got, torch.Tensor) and got.shape == want.shape
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=TOLERANCE, rtol=TOLERANCE)
        count += 1
    assert count >= 30


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialias(mode, corners):
    """Finer and coarser grids. torch 2.13 repeats one sample where the result has a single column."""
    generator = torch.Generator().manual_seed(1)
    function = torch.nn.functional.interpolate
    options = {"mode": mode, "align_corners": corners, "antialias": True}
    for height, width in ((1, 2), (7, 9), (16, 33), (40, 5)):
        x = torch.rand((2, 3, height, width), generator=generator)
        for size in ((1, 2), (3, 4), (8, 16), (13, 31), (40, 7), (41, 70)):
            got = vk.nn.interpolate(x, size, **options)
            torch.testing.assert_close(got, function(x, size, **options), rtol=0, atol=1e-4)
        for factor in ((1.0, 1.3), (2.5, 1.7)):
            got = vk.nn.interpolate(x, scale_factor=factor, **options)
            torch.testing.assert_close(got, function(x, scale_factor=factor, **options), rtol=0, atol=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_takes_the_same_sample_for_any_pair_of_sizes(mode):
    """Where a sample begins, one ulp of float32 decides."""
    for n in range(1, 24):
        x = torch.arange(n, dtype=torch.float32).reshape(1, 1, n)
        for m in range(1, 70):
            got = vk.nn.interpolate(x, m, mode=mode)
            want = torch.nn.functional.interpolate(x, m, mode=mode)
            assert torch.equal(got, want), (n, m)
        for factor in (0.3, 0.7, 1.1, 1.9, 2.3, 3.3):
            if int(n * factor):
                got = vk.nn.interpolate(x, scale_factor=factor, mode=mode)
                want = torch.nn.functional.interpolate(x, scale_factor=factor, mode=mode)
                assert torch.equal(got, want), (n, factor)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_nearest_points_on_halves(corners, padding_mode):
    x = torch.rand((1, 2, 4, 9), generator=torch.Generator().manual_seed(1))
    steps = torch.arange(-40, 41) / 16
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)[None]
    arguments = {"mode": "nearest", "padding_mode": padding_mode, "align_corners": corners}
    assert torch.equal(
        vk.nn.grid_sample(x, grid, **arguments), torch.nn.functional.grid_sample(x, grid, **arguments)
    )
