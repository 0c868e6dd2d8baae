# SPDX-License-Identifier: Apache-2.0
"""copy: reference, layouts, bad input."""

import numpy as np
import pytest

from voxkern import _core
from voxkern.reference.copy import copy as reference

INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
DTYPES = [*INTEGERS, "float16", "float32", "float64"]


def run(x, dtype, order="C", threads=0):
    out = np.empty(x.shape, dtype, order=order)
    _core.copy(x, out, threads)
    return out


def test_hand_computed():
    x = np.array([-300.0, -2.5, -0.4, 0.5, 254.6, 1e9])
    np.testing.assert_array_equal(run(x, "uint8"), [0, 0, 0, 1, 255, 255])
    np.testing.assert_array_equal(run(x, "int16"), [-300, -3, 0, 1, 255, 32767])


@pytest.mark.parametrize("dtype", DTYPES)
def test_reference(rng, cpu_level, dtype):
    x = rng.integers(0, 120, (5, 7, 33)).astype(dtype)
    for target in DTYPES:
        got = run(x, target)
        np.testing.assert_array_equal(got, reference(x, target))
        assert got.dtype == target


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_layouts(rng, layouts, dtype):
    x = (40 * rng.standard_normal((6, 21, 18))).astype(dtype)
    for name, given in layouts(x):
        for target in ("int16", "float64"):
            for order in "CF":
                np.testing.assert_array_equal(run(given, target, order), reference(x, target), err_msg=name)


def test_threads_agree_and_long_rows(rng):
    x = rng.standard_normal(3_000_001)
    want = reference(x, "int8")
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(run(x, "int8", threads=threads), want)


@pytest.mark.parametrize(
    ("x", "out", "message"),
    [
        (np.zeros(3), np.zeros(4), "shape differs"),
        (np.zeros(3, complex), np.zeros(3), "dtype"),
        (np.zeros(3), np.broadcast_to(0.0, 3), "read-only"),
        (np.zeros(3), np.zeros(3, ">f8"), "native byte order"),
    ],
)
def test_bad_input(x, out, message):
    with pytest.raises(ValueError, match=message):
        _core.copy(x, out, 0)
