# SPDX-License-Identifier: Apache-2.0
"""spline_filter: reference, properties, layouts, bad input. scipy is met in the tests of ndimage."""

import numpy as np
import pytest
from cases import known

from voxkern import _core
from voxkern._runtime.validate import INTERPOLATION_MODES
from voxkern.reference.spline_filter import spline_filter as reference

MODES = ["mirror", "reflect", "grid-wrap"]


def run(x, axes, order=3, mode="mirror", out=None, float64=False, threads=0):
    out = np.empty_like(x) if out is None else out
    options = _core.SplineFilterOptions(
        axes=axes, order=order, mode=INTERPOLATION_MODES[mode], float64=float64
    )
    _core.spline_filter(x, out, options, threads)
    return out


def test_hand_computed():
    got = run(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), [0])
    np.testing.assert_allclose(got, [0.25, -0.5, 1.75, -0.5, 0.25], rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
def test_reference(rng, cpu_level, order, mode):
    x = rng.standard_normal((19, 34, 17))
    for axes in ([0], [1], [2], [0, 1, 2]):
        # A line of `reflect` starts with scipy's value, off by a pole to the power of twice its length.
        tolerance = 1e-6 if mode == "reflect" else 1e-10
        np.testing.assert_allclose(
            run(x, axes, order, mode), known(reference, x, axes, order, mode), atol=tolerance
        )


def test_layouts_dtypes_and_in_place(rng, layouts):
    x = rng.integers(0, 100, (9, 21, 18)).astype(np.float32)
    want = reference(x, [0, 1, 2])
    for name, given in layouts(x):
        np.testing.assert_allclose(run(given, [0, 1, 2]), want, atol=1e-3, err_msg=name)
        wide = run(given, [0, 1, 2], out=np.empty(x.shape))
        np.testing.assert_allclose(wide, want, atol=1e-10, err_msg=name)
        whole = run(given.astype(np.int16), [0, 1, 2], out=np.empty(x.shape, np.int16), float64=True)
        np.testing.assert_allclose(whole, want, atol=0.5 + 1e-6, err_msg=name)
    same = x.copy()
    np.testing.assert_array_equal(run(same, [0, 1, 2], out=same), run(x, [0, 1, 2]))


def test_threads_agree_and_more_axes(rng):
    x = rng.standard_normal((5, 12, 31, 20)).astype(np.float32)
    one = run(x, [0, 1, 2, 3], threads=1)
    for threads in (2, 5):
        np.testing.assert_array_equal(run(x, [0, 1, 2, 3], threads=threads), one)
    np.testing.assert_allclose(one, reference(x, [0, 1, 2, 3]), atol=1e-4)


@pytest.mark.parametrize("order", [4, 5])
def test_high_orders_of_float32_keep_its_precision(rng, order):
    x = (rng.random((40, 41)) * 10000).astype(np.float32)
    want = run(x.astype(np.float64), [0, 1], order)
    np.testing.assert_array_equal(run(x, [0, 1], order), want.astype(np.float32))


def test_a_long_line_matches_the_same_line_among_many(rng, cpu_level):
    x = rng.random(40000)
    for mode in MODES:
        want = run(np.ascontiguousarray(np.broadcast_to(x, (8, x.size))), [1], 5, mode)[3]
        same = x.copy()
        np.testing.assert_allclose(run(x, [0], 5, mode), want, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(run(same, [0], 5, mode, out=same), run(x, [0], 5, mode, threads=1))
        pair = np.stack([x, -x], axis=1)
        np.testing.assert_array_equal(run(pair, [0], 5, mode)[:, 1], -run(x, [0], 5, mode))


def test_bad_input():
    x = np.zeros((3, 4))
    with pytest.raises(ValueError, match="axes: out of range"):
        run(x, [2])
    with pytest.raises(ValueError, match="shape differs"):
        run(x, [0], out=np.zeros((4, 3)))
    with pytest.raises(ValueError, match="order: allowed"):
        run(x, [0], order=6)
