# SPDX-License-Identifier: Apache-2.0
"""rescale: against its reference over dtypes, bits, byte order, layouts, levels; bad input."""

import numpy as np
import pytest
from cases import examples
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern.reference.rescale import rescale as reference

STORED = ["uint8", "int8", "uint16", "int16", "uint32", "int32"]
VALUES = ["uint8", "int16", "uint16", "int32", "float32", "float64"]


def run(stored, dtype, slope=1.0, intercept=0.0, swap=False, high=0, low=0, threads=0, order="C"):
    out = np.empty(stored.shape, dtype, order=order)
    options = _core.RescaleOptions(
        slope=slope, intercept=intercept, swap_bytes=swap, unused_high=high, unused_low=low
    )
    _core.rescale(stored, out, options, threads)
    return out


def words(rng, dtype, shape):
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def test_hand_computed():
    stored = np.array([0x0FFF, 0xF001, 0x0800, 0x07FF], np.uint16).view(np.int16)
    np.testing.assert_array_equal(run(stored, "int16", high=4), [-1, 1, -2048, 2047])
    np.testing.assert_array_equal(
        run(stored.view(np.uint16), "int32", 2, -1024, high=4), [7166, -1022, 3072, 3070]
    )
    np.testing.assert_array_equal(run(np.array([0x0100], np.uint16), "uint16", swap=True), [1])
    np.testing.assert_array_equal(run(np.array([300, -7, 2], np.int16), "uint8", 0.5, 0.5), [151, 0, 2])


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -1024), (0.37, 5.25), (-2, 7)])
def test_reference(rng, cpu_level, stored, values, slope, intercept):
    x = words(rng, stored, (3, 5, 1027))
    np.testing.assert_array_equal(run(x, values, slope, intercept), reference(x, values, slope, intercept))


@pytest.mark.parametrize("stored", ["uint16", "int16", "uint32", "int32"])
@pytest.mark.parametrize(("high", "low"), [(4, 0), (0, 4), (3, 2), (15, 0)])
@pytest.mark.parametrize("swap", [False, True])
def test_bits_and_byte_order(rng, cpu_level, stored, high, low, swap):
    x = words(rng, stored, (7, 333))
    np.testing.assert_array_equal(
        run(x, "float32", 1.5, -1, swap, high, low), reference(x, "float32", 1.5, -1, swap, high, low)
    )


@pytest.mark.parametrize("values", ["int16", "float32"])
def test_layouts(rng, layouts, values):
    x = words(rng, "int16", (6, 17, 33))
    want = reference(x, values, 2, 1)
    for name, array in layouts(x):
        for order in "CF":
            np.testing.assert_array_equal(run(array, values, 2, 1, order=order), want, err_msg=name)


@given(
    shape=st.lists(st.sampled_from([0, 1, 2, 15, 16, 17, 31, 33]), min_size=1, max_size=3),
    stored=st.sampled_from(STORED),
    values=st.sampled_from(VALUES),
    slope=st.floats(-1e3, 1e3, allow_subnormal=False),
    intercept=st.floats(-1e5, 1e5),
    high=st.integers(0, 3),
)
@examples(30)
def test_any_shape_and_scale(shape, stored, values, slope, intercept, high):
    x = words(np.random.default_rng(1), stored, shape)
    np.testing.assert_array_equal(
        run(x, values, slope, intercept, high=high), reference(x, values, slope, intercept, unused_high=high)
    )


def test_threads_agree(rng):
    x = words(rng, "int16", (40, 100, 100))
    first = run(x, "float32", 0.3, 0.7, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(run(x, "float32", 0.3, 0.7, threads=threads), first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.empty(3)}, "shape differs"),
        ({"high": 16}, "no bit"),
        ({"low": -1}, "no bit"),
        ({"stored": np.zeros(4, np.float32), "swap": True}, "floats"),
    ],
)
def test_bad_input(change, message):
    given = {
        "stored": np.zeros(4, np.int16),
        "values": np.empty(4),
        "swap": False,
        "high": 0,
        "low": 0,
        **change,
    }
    options = _core.RescaleOptions(
        swap_bytes=given["swap"], unused_high=given["high"], unused_low=given["low"]
    )
    with pytest.raises(vk.VoxkernError, match=message):
        _core.rescale(given["stored"], given["values"], options, 0)
