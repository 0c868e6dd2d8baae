# SPDX-License-Identifier: Apache-2.0
"""Pooling of GPU arrays: the CPU's bits window by window; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import LAYOUTS, assert_same, examples
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import nn

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

MEAN = 2e-7  # large windows are summed in another order, in float64
RANKS = (1, 2, 3)
SHAPE = (2, 3, 6, 7, 12)


def images(rng, shape, ties=False):
    x = rng.standard_normal(shape).astype(np.float32)
    return np.round(2 * x) / 2 if ties else x


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_windows_and_layouts(rng, kind, layout):
    pool = getattr(nn, f"{kind}_pool3d")
    x = images(rng, SHAPE)
    for args in ((2,), (3, 1, 1), (3, 2, 1), ((1, 2, 3), (2, 1, 4), (0, 1, 1))):
        for ceil_mode in (False, True):
            on_both(pool, x, *args, layout=layout, ceil_mode=ceil_mode)
    if kind == "max":
        on_both(pool, x, 2, 1, 0, (3, 2, 5), layout=layout)
    else:
        on_both(pool, x, 3, 2, 1, layout=layout, count_include_pad=False)
        on_both(pool, x, 3, 2, 1, layout=layout, divisor_override=-3)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("rank", RANKS)
def test_ranks_and_no_batch(rng, rank, kind):
    x = images(rng, SHAPE[: 2 + rank])
    for array in (x, x[1]):
        on_both(getattr(nn, f"{kind}_pool{rank}d"), array, 2)
        on_both(getattr(nn, f"adaptive_{kind}_pool{rank}d"), array, (4, None, 5)[:rank])


@pytest.mark.parametrize("layout", ["C", "F", "reversed"])
def test_places_of_the_largest(rng, layout):
    """Few values, so that many are equal; NaN, and windows of minus infinity alone."""
    x = images(rng, SHAPE, ties=True)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[0, 0, :4, :6] = -np.inf
    for size in (None, (2, 3, 5), 1):
        for array in (x, np.tile(x, (1, 1, 2, 2, 2))):  # windows of a thread, and of blocks

            def both(a, size=size):
                if size is None:
                    return nn.max_pool3d(a, 3, 2, 1, return_indices=True)
                return nn.adaptive_max_pool3d(a, size, True)

            values = on_both(lambda a: both(a)[0], array, layout=layout)
            on_both(lambda a: both(a)[1], array, layout=layout)
            plain = nn.max_pool3d(array, 3, 2, 1) if size is None else nn.adaptive_max_pool3d(array, size)
            np.testing.assert_array_equal(values.get(), plain)


@pytest.mark.parametrize("function", [nn.max_pool1d, nn.max_pool2d, nn.max_pool3d])
def test_windows_beside_the_image(function):
    x = np.ones((1, *(4,) * int(function.__name__[-2])), np.float32)
    for part in range(2):
        on_both(lambda a, part=part: function(a, 2, 1, 5, 9, return_indices=True)[part], x)
    on_both(function, x, 2, 1, 5, 9)


def test_windows_that_blocks_share(rng):
    x = images(rng, (2, 3, 20, 21, 22)) + 1000
    for size in (1, 2, (1, 3, 2), (20, 1, 1)):
        on_both(nn.adaptive_avg_pool3d, x, size, float32=MEAN)
        on_both(nn.adaptive_max_pool3d, x, size)
    on_both(nn.avg_pool3d, x, 20, float32=MEAN, divisor_override=7)
    on_both(nn.avg_pool3d, x, 11, 6, 5, float32=MEAN, count_include_pad=False)


@examples(20)
@given(st.data())
def test_any_window(data):
    n = [data.draw(st.integers(1, 12)) for _ in range(3)]
    kernel = [data.draw(st.integers(1, min(k, 5))) for k in n]
    stride = [data.draw(st.integers(1, 4)) for _ in n]
    padding = [data.draw(st.integers(0, k // 2)) for k in kernel]
    x = images(np.random.default_rng(sum(n)), (1, 2, *n), ties=True)
    pool = data.draw(st.sampled_from([nn.max_pool3d, nn.avg_pool3d]))
    on_both(pool, x, kernel, stride, padding, ceil_mode=data.draw(st.booleans()))


@pytest.mark.parametrize("order", ["reverse", "1"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    x = images(rng, (1, 2, 8, 9, 10))
    with cupy.cuda.Stream(non_blocking=True):
        on_both(nn.max_pool3d, x, 2)
        on_both(nn.adaptive_avg_pool3d, x, 1, float32=MEAN)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(images(rng, (1, 2, 8, 9, 10)))
    with nothing_waits(executor, launches=3):
        kept = [
            nn.max_pool3d(x, 2, return_indices=True),
            nn.avg_pool3d(x, 3, 1, 1),
            nn.adaptive_max_pool3d(x, 4),
        ]
    with nothing_waits(executor, launches=2):
        kept += [nn.adaptive_avg_pool3d(x, 1)]
    del kept


def test_output_array_and_nothing(rng):
    x = images(rng, SHAPE)
    room = cupy.empty((2, 3, 3, 3, 6), np.float32, "F")
    assert nn.max_pool3d(cupy.asarray(x), 2, out=room) is room
    assert_same(room.get(), nn.max_pool3d(x, 2))
    assert nn.max_pool3d(cupy.empty((0, 3, 4, 4, 4), np.float32), 2).shape == (0, 3, 2, 2, 2)
    assert nn.adaptive_avg_pool3d(cupy.empty((2, 4, 4, 4), np.float32), 0).shape == (2, 0, 0, 0)


def test_errors():
    x = cupy.asarray(np.zeros((2, 3, 8, 8, 8), np.float32))
    with pytest.raises(vk.ArgumentTypeError, match="input: got dtype float64"):
        nn.max_pool3d(cupy.empty((2, 8, 8, 8)), 2)
    with pytest.raises(vk.ArgumentTypeError, match="out: got a NumPy array"):
        nn.avg_pool3d(x, 2, out=np.zeros((2, 3, 4, 4, 4), np.float32))
    with pytest.raises(vk.ArgumentError, match="out: got memory shared"):
        nn.avg_pool3d(x, 1, out=x)
