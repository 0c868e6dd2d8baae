# SPDX-License-Identifier: Apache-2.0
"""correlate1d and the filters on it: reference, scipy, properties, edges, bad input."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from voxkern import ndimage, reference
from voxkern.reference.correlate1d import correlate1d as reference_correlate1d

assert reference  # the package is public: its modules hold the meaning of the kernels

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float32",
    "float64",
]
MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
# Around one, two and four vectors of 16 lanes, and nearly nothing.
SIZES = [1, 2, 15, 16, 17, 31, 33, 65]
# float32 sums of positive weights: a few roundings of 6e-8 each.
FLOAT32_TOLERANCE = 1e-6


def image(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) > 0.5
    return rng.integers(0, 100, shape).astype(dtype)


def assert_same(got, want, what=""):
    assert got.dtype == want.dtype and got.shape == want.shape, what
    if want.dtype == np.float32:
        scale = max(float(np.max(np.abs(want), initial=0.0)), 1e-30)
        assert np.max(np.abs(got - want), initial=0.0) <= FLOAT32_TOLERANCE * scale, what
    else:
        np.testing.assert_array_equal(got, want, err_msg=str(what))


def test_hand_computed():
    np.testing.assert_array_equal(
        ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3]), [8, 26, 8, 12, 7, 28, 36, 9]
    )
    np.testing.assert_array_equal(
        ndimage.uniform_filter1d([0.0, 3.0, 6.0], 3, mode="nearest"), [1.0, 3.0, 5.0]
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 23])
def test_matches_reference(rng, cpu_level, mode, size):
    x = rng.standard_normal((4, 9, 5))
    weights = rng.standard_normal(size)
    origins = {0, -(size // 2), (size - 1) // 2}
    for axis in range(3):
        for origin in origins:
            got = ndimage.correlate1d(x, weights, axis, mode=mode, cval=1.5, origin=origin)
            want = reference_correlate1d(x, weights, axis, mode, 1.5, origin)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["even", "odd", "none"])
def test_bits_of_scipy(rng, cpu_level, dtype, kind, layouts):
    """float64 and integers carry scipy's bits: its order of additions, its truncation, its wrap."""
    half = rng.random(4)
    weights = {
        "even": np.r_[half[::-1], 0.7, half],
        "odd": np.r_[-half[::-1], 0.0, half],
        "none": rng.random(6) - 0.4,
    }[kind]
    x = image(rng, (7, 18, 33), dtype)
    for name, view in layouts(x):
        for axis in range(3):
            got = ndimage.correlate1d(view, weights, axis)
            assert_same(got, scipy_ndimage.correlate1d(view, weights, axis), (name, axis))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_sizes_around_vectors(rng, cpu_level, dtype, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n)]:
        x = image(rng, shape, dtype)
        assert_same(ndimage.gaussian_filter(x, 1.3), scipy_ndimage.gaussian_filter(x, 1.3), shape)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_gaussian_modes_and_derivatives(rng, cpu_level, mode, dtype):
    x = image(rng, (12, 9, 20), dtype)
    for order in (0, 1, 2, (0, 1, 0)):
        args = {"sigma": (0.6, 0.0, 2.5), "order": order, "mode": mode, "cval": 3.0}
        assert_same(ndimage.gaussian_filter(x, **args), scipy_ndimage.gaussian_filter(x, **args), order)


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_filter(rng, cpu_level, dtype):
    x = image(rng, (11, 16, 21), dtype)
    for args in (
        {"size": 3},
        {"size": (1, 4, 7), "mode": "mirror"},
        {"size": 5, "origin": (0, 1, -2), "mode": "constant", "cval": 7},
        {"size": (2, 3), "axes": (2, 0)},
        {"size": 40, "mode": ("wrap", "nearest", "reflect")},
    ):
        got, want = ndimage.uniform_filter(x, **args), scipy_ndimage.uniform_filter(x, **args)
        if x.dtype == np.float64:  # scipy's running sum leaves rounding behind, ours does not
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
        else:
            assert_same(got, want, args)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_box_of_narrow_integers_is_exact(rng, cpu_level, dtype):
    """These are summed in float32: extremes and every size up to its limit must truncate right."""
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, (5, 700), endpoint=True).astype(dtype)
    x[2:4] = [[limits.max], [limits.min]]
    for size in (2, 3, 7, 100, 255, 256, 257):
        for output in (None, np.float32, np.float64, np.int32):
            args = {"size": size, "axis": 1, "output": output, "mode": "constant", "cval": limits.max}
            assert_same(
                ndimage.uniform_filter1d(x, **args), scipy_ndimage.uniform_filter1d(x, **args), (size, output)
            )
    args = {"size": 5, "mode": "constant", "cval": 0.3}  # not an integer: float64 again
    assert_same(ndimage.uniform_filter1d(x, **args), scipy_ndimage.uniform_filter1d(x, **args))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("gaussian_filter", {"sigma": 1.5, "truncate": 2.0}),
        ("gaussian_filter", {"sigma": (1, 2), "axes": (0, -1)}),
        ("gaussian_filter", {"sigma": 2, "radius": (1, 2, 3)}),
        ("gaussian_filter", {"sigma": 1, "output": np.float32}),
        ("gaussian_filter", {"sigma": 1, "output": "int32"}),
        ("gaussian_filter", {"sigma": 0}),
        ("gaussian_filter", {"sigma": 1, "axes": ()}),
        ("gaussian_filter1d", {"sigma": 1, "axis": 0, "order": 3}),
        ("gaussian_filter1d", {"sigma": 2.2, "radius": 3, "mode": "grid-wrap"}),
        ("uniform_filter1d", {"size": 4, "axis": 1, "origin": 1, "output": np.float32}),
        ("correlate1d", {"weights": [1, 2, 3], "origin": -1}),
        ("convolve1d", {"weights": [1, 2, 3, 4], "axis": 1, "origin": 1}),
        ("convolve1d", {"weights": [1, 2, 3]}),
    ],
)
def test_arguments_as_scipy(rng, name, args):
    for dtype in ("uint8", "float64"):
        x = image(rng, (8, 9, 10), dtype)
        assert_same(getattr(ndimage, name)(x, **args), getattr(scipy_ndimage, name)(x, **args), dtype)


def test_signatures_are_scipys():
    import inspect

    for name in ndimage.__all__:
        ours = dict(inspect.signature(getattr(ndimage, name)).parameters)
        assert ours.pop("threads").kind is inspect.Parameter.KEYWORD_ONLY
        theirs = inspect.signature(getattr(scipy_ndimage, name)).parameters
        assert list(ours) == list(theirs), name
        for key, parameter in ours.items():
            assert parameter.default == theirs[key].default, (name, key)
            assert parameter.kind == theirs[key].kind, (name, key)


def test_output_array_and_in_place(rng):
    x = rng.random((9, 10, 11))
    want = scipy_ndimage.gaussian_filter(x, 1)
    out = np.asfortranarray(np.empty_like(x))
    assert ndimage.gaussian_filter(x, 1, output=out) is out
    np.testing.assert_array_equal(out, want)
    same = x.copy()
    ndimage.gaussian_filter(same, 1, output=same)
    np.testing.assert_array_equal(same, want)
    shifted = np.zeros((10, 10, 11))
    shifted[1:] = x
    ndimage.gaussian_filter(shifted[1:], 1, output=shifted[:-1])  # overlaps: must not read what it wrote
    np.testing.assert_array_equal(shifted[:-1], want)


def test_volume_in_volume_out(rng):
    import voxkern as vk

    x = vk.Volume(rng.random((5, 6, 7)), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    for y in (ndimage.gaussian_filter(x, 1), ndimage.uniform_filter(x, 3), ndimage.correlate1d(x, [1, 2])):
        assert isinstance(y, vk.Volume) and y.meta["modality"] == "MR"
        np.testing.assert_array_equal(y.affine, x.affine)
    np.testing.assert_array_equal(
        ndimage.gaussian_filter(x, 1).data, scipy_ndimage.gaussian_filter(x.data, 1)
    )


def test_complex(rng):
    x = rng.standard_normal((6, 7)) + 1j * rng.standard_normal((6, 7))
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))
    got = ndimage.correlate1d(x.astype(np.complex64), [1, 2, 4])
    np.testing.assert_allclose(got, scipy_ndimage.correlate1d(x.astype(np.complex64), [1, 2, 4]), rtol=1e-6)


def test_foreign_byte_order(rng):
    x = rng.integers(0, 999, (5, 6)).astype(">i2")
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))


def test_nan_and_infinity(rng):
    x = rng.random((6, 40))
    x[2, 20], x[4, 5] = np.nan, np.inf
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))
    touched = np.isnan(ndimage.uniform_filter1d(x[2], 3))
    np.testing.assert_array_equal(np.flatnonzero(touched), [19, 20, 21])


def test_empty_and_single():
    assert ndimage.gaussian_filter(np.zeros((0, 5)), 1).shape == (0, 5)
    for mode in MODES:
        got = ndimage.gaussian_filter(np.full((1, 1, 1), 3.0), 2, mode=mode)
        np.testing.assert_array_equal(
            got, scipy_ndimage.gaussian_filter(np.full((1, 1, 1), 3.0), 2, mode=mode)
        )


def test_many_axes(rng):
    x = rng.random((2, 3, 2, 4, 3, 5))
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_same_bytes_for_any_thread_count(rng, dtype, cpu_level):
    x = image(rng, (40, 61, 70), dtype)
    want = ndimage.gaussian_filter(x, 1.5, threads=1).tobytes()
    for threads in (2, 3, 8):
        assert ndimage.gaussian_filter(x, 1.5, threads=threads).tobytes() == want


def test_levels_agree(rng):
    from voxkern import _core

    x = rng.random((20, 30, 40), dtype=np.float32)
    before = _core.active_cpu_level()
    results = []
    for level in _core.cpu_levels():
        _core.set_cpu_level(level)
        results.append(ndimage.gaussian_filter(x, 1))
    _core.set_cpu_level(before)
    for result in results[1:]:
        assert np.max(np.abs(result - results[0])) <= FLOAT32_TOLERANCE


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 15, 16, 17, 33]), min_size=1, max_size=3))
    mode = data.draw(st.sampled_from(MODES))
    axis = data.draw(st.integers(0, len(shape) - 1))
    size = data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, y = rng.random(shape), rng.random(shape)
    w = rng.random(size)
    got = ndimage.correlate1d(x, w, axis, mode=mode, cval=0.25)
    np.testing.assert_array_equal(got, scipy_ndimage.correlate1d(x, w, axis, mode=mode, cval=0.25))
    # linear in the image
    plus = ndimage.correlate1d(2 * x + y, w, axis, mode=mode)
    parts = 2 * ndimage.correlate1d(x, w, axis, mode=mode) + ndimage.correlate1d(y, w, axis, mode=mode)
    np.testing.assert_allclose(plus, parts, rtol=0, atol=1e-12)
    # flipping image and filter flips the result
    if size % 2:
        flipped = ndimage.correlate1d(np.flip(x, axis), w[::-1], axis, mode=mode, cval=0.25)
        np.testing.assert_allclose(np.flip(flipped, axis), got, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.correlate1d([1.0], []),
        lambda m: m.correlate1d([1.0, 2.0], [1, 2, 3], origin=2),
        lambda m: m.correlate1d([1.0, 2.0], [1, 2, 3], axis=1),
        lambda m: m.correlate1d([1.0, 2.0], [1, 2, 3], mode="no such mode"),
        lambda m: m.correlate1d([1.0, 2.0], [1, 2, 3], output=np.zeros(3)),
        lambda m: m.correlate1d(np.zeros(3, np.float16), [1, 2, 3]),
        lambda m: m.correlate1d(np.array(["a"]), [1, 2, 3]),
        lambda m: m.gaussian_filter1d([1.0, 2.0], 1, order=-1),
        lambda m: m.gaussian_filter1d([1.0, 2.0], 1, radius=-1),
        lambda m: m.gaussian_filter(np.zeros((2, 2)), (1, 2, 3)),
        lambda m: m.gaussian_filter(np.zeros((2, 2)), 1, axes=(0, 0)),
        lambda m: m.gaussian_filter(np.zeros((2, 2)), 1, axes=5),
        lambda m: m.uniform_filter1d([1.0, 2.0], 0),
        lambda m: m.uniform_filter1d([1.0, 2.0], 3, origin=9),
        lambda m: m.uniform_filter(np.zeros((2, 2)), (3, 3, 3)),
    ],
)
def test_errors_are_scipys(call):
    with pytest.raises(Exception) as theirs:
        call(scipy_ndimage)
    with pytest.raises(theirs.type) as ours:
        call(ndimage)
    assert str(ours.value)
