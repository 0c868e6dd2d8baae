# SPDX-License-Identifier: Apache-2.0
"""interpolate and grid_sample of GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both

import voxkern as vk
from voxkern import nn

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

CLOSE = 2e-6  # levels without FMA round each product
MODES = [(1, "linear"), (2, "bilinear"), (3, "trilinear"), (2, "bicubic")]
PADDINGS = ("zeros", "border", "reflection")


def images(rng, rank):
    return rng.standard_normal((2, 3, *(5, 6, 7)[:rank])).astype(np.float32)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_modes_of_any_rank(rng, rank, mode):
    x = images(rng, rank)
    on_both(nn.interpolate, x, (9, 4, 11)[:rank], mode=mode, float32=CLOSE)
    on_both(nn.interpolate, x, scale_factor=1.7, mode=mode, float32=CLOSE)


@pytest.mark.parametrize(("rank", "mode"), MODES)
@pytest.mark.parametrize("layout", ["C", "F", "reversed"])
def test_smooth_modes(rng, rank, mode, layout):
    x = images(rng, rank)
    for corners in (None, True):
        for given in ({"size": (9, 4, 11)[:rank]}, {"scale_factor": 2}):
            on_both(
                nn.interpolate, x, mode=mode, align_corners=corners, layout=layout, float32=CLOSE, **given
            )
    if rank == 2:
        on_both(nn.interpolate, x, (3, 3), mode=mode, antialias=True, layout=layout, float32=CLOSE)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_grid_sample(rng, dtype, padding, corners):
    for rank, mode in ((2, "bilinear"), (3, "bilinear"), (2, "bicubic")):
        grid = (rng.uniform(-1.4, 1.4, (2, *(4, 3, 5)[:rank], rank))).astype(dtype)
        grid[0, 0, 0] = np.nan
        on_both(nn.grid_sample, images(rng, rank), grid, mode, padding, corners, along=True, float32=CLOSE)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rank", [2, 3])
def test_nearest_samples_of_a_grid(rng, rank, dtype, padding, corners):
    grid = rng.uniform(-3, 3, (2, *(4, 3, 5)[:rank], rank)).astype(dtype)
    grid[0, 0, 0] = 1.0  # edges, and halves where corners are edges
    on_both(nn.grid_sample, images(rng, rank), grid, "nearest", padding, corners, along=True, float32=0)


def test_a_grid_of_the_host(rng):
    with pytest.raises(vk.ArgumentTypeError, match="grid: got a NumPy array"):
        nn.grid_sample(cupy.asarray(images(rng, 2)), np.zeros((2, 3, 3, 2), np.float32))


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(images(rng, 3))
    grid = cupy.asarray(rng.uniform(-1, 1, (2, 4, 4, 4, 3)).astype(np.float32))
    with nothing_waits(executor):
        kept = [nn.interpolate(x, scale_factor=2, mode=mode) for mode in ("nearest", "trilinear", "area")]
        kept += [nn.grid_sample(x, grid)]
    del kept
