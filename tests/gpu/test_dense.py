# SPDX-License-Identifier: Apache-2.0
"""linear, softmax and argmax of GPU arrays: what the CPU gives; nothing waits, nothing is copied."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import LAYOUTS, assert_same, in_layout

import voxkern as vk
from voxkern import _core, nn

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

HAS_FMA = _core.active_cpu_level() in ("v3", "v4")
SUM = 2e-6  # of the largest value: rows that a warp multiplies, and long lines, are summed in another order
SAME = (
    {} if HAS_FMA else {"float32": SUM}
)  # the same sums on both sides; levels without FMA round each product


def numbers(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("m", "n", "k"), [(9, 64, 16), (65, 3, 257), (130, 66, 30), (33, 129, 600), (10, 1, 1)]
)
def test_tiles(rng, m, n, k):
    weight, bias = numbers(rng, n, k), numbers(rng, n)
    on_both(nn.linear, numbers(rng, m, k), weight, bias, along=True, **SAME)
    on_both(nn.linear, numbers(rng, m, k), weight, along=True, **SAME)


@pytest.mark.parametrize("m", [1, 2, 7, 8])
def test_few_rows(rng, m):
    for n, k in ((1, 1), (33, 300), (9, 31), (5, 1000)):
        on_both(nn.linear, numbers(rng, m, k), numbers(rng, n, k), numbers(rng, n), along=True, float32=SUM)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("m", [2, 11])
def test_layouts_of_matrices(rng, layout, m):
    x, weight = numbers(rng, 2, m, 37), numbers(rng, 20, 37)
    want = nn.linear(x, weight)
    for other in LAYOUTS:
        got = nn.linear(in_layout(x, layout, cupy.asarray), in_layout(weight, other, cupy.asarray))
        assert_same(got.get(), want, (layout, other), SUM)
    room = cupy.empty((2, m, 20), np.float32, "F")
    assert nn.linear(in_layout(x, layout, cupy.asarray), cupy.asarray(weight), out=room) is room
    assert_same(room.get(), want, layout, SUM)


def test_leading_axes_and_nothing(rng):
    weight = numbers(rng, 5, 9)
    for shape in ((9,), (4, 9), (2, 3, 4, 9), (3, 1, 2, 1, 9)):
        on_both(nn.linear, numbers(rng, *shape), weight, along=True, float32=SUM)
    assert nn.linear(cupy.empty((0, 9), np.float32), cupy.asarray(weight)).shape == (0, 5)
    for m in (2, 20):
        none = np.zeros((5, 0), np.float32)
        on_both(nn.linear, np.zeros((m, 0), np.float32), none, numbers(rng, 5), along=True)


@pytest.mark.parametrize("m", [4, 50])
def test_not_a_number_spoils_its_row_alone(rng, m):
    x, weight = numbers(rng, m, 300), numbers(rng, 40, 300)
    x[1, 290] = np.nan
    got = on_both(nn.linear, x, weight, along=True, float32=SUM).get()
    assert np.isnan(got[1]).all() and np.isnan(got).sum() == 40


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lines_along_any_axis(rng, layout):
    x = 5 * numbers(rng, 2, 4, 6, 7, 18)
    for axis in range(-1, 4):
        on_both(nn.softmax, x, axis, layout=layout, **SAME)
        on_both(nn.argmax, np.round(x), axis, layout=layout)
        on_both(nn.argmax, np.round(x), axis, True, layout=layout)


@pytest.mark.parametrize("shape", [(1000,), (3, 777), (777, 3), (2, 300, 5)], ids=str)
def test_lines_that_a_block_takes(rng, shape):
    x = 5 * numbers(rng, *shape)
    x.flat[7], x.flat[-2] = 30, -np.inf
    for axis in range(len(shape)):
        on_both(nn.softmax, x, axis, float32=SUM)
        on_both(nn.argmax, np.round(x), axis)


@pytest.mark.parametrize("n", [5, 600])
def test_not_a_number_and_infinity_in_lines(rng, n):
    x = numbers(rng, 6, n)
    x[0, 3] = x[0, 4] = x[1, 0] = np.nan
    x[2] = -np.inf
    x[3, 1] = np.inf
    got = on_both(nn.softmax, x, 1, float32=SUM).get()
    assert np.isnan(got[:4]).all() and not np.isnan(got[4:]).any()
    on_both(nn.argmax, x, 1)


def test_exponential_is_that_of_the_cpu():
    x = -np.linspace(0, 90, 3001, dtype=np.float32)
    on_both(nn.softmax, np.stack([np.zeros_like(x), x]), 0, **SAME)


@pytest.mark.parametrize("order", ["reverse", "1"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        on_both(nn.linear, numbers(rng, 10, 40), numbers(rng, 20, 40), along=True, **SAME)
        on_both(nn.softmax, numbers(rng, 2, 500), 1, float32=SUM)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x, weight = cupy.asarray(numbers(rng, 10, 40)), cupy.asarray(numbers(rng, 20, 40))
    with nothing_waits(executor, launches=4):
        kept = [nn.linear(x, weight), nn.linear(x[:2], weight), nn.softmax(x, 1), nn.argmax(x, 1)]
    del kept


def test_errors(rng):
    x = cupy.asarray(numbers(rng, 4, 6))
    with pytest.raises(vk.ArgumentTypeError, match="weight: got a NumPy array"):
        nn.linear(x, numbers(rng, 5, 6))
    with pytest.raises(vk.ArgumentError, match="at least one sample"):
        nn.argmax(x[:0], 0)
    with pytest.raises(vk.ArgumentError, match="out: got memory shared"):
        nn.softmax(x, 0, out=x)
