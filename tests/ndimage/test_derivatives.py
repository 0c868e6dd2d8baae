# SPDX-License-Identifier: Apache-2.0
"""Derivatives as drop-ins for scipy's: dtypes, modes, arguments, callables, outputs, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, FLOAT64, MODES, image, layouts

import voxkern as vk
from voxkern import ndimage

FLOAT32 = 2e-6
CALLS = [
    ("sobel", {}),
    ("sobel", {"axis": 0, "mode": ("wrap", "nearest", "reflect")}),
    ("prewitt", {"axis": 1}),
    ("laplace", {}),
    ("laplace", {"axes": (0, -1), "mode": ("mirror", "constant"), "cval": 3.0}),
    ("laplace", {"axes": ()}),
    ("gaussian_laplace", {"sigma": (0.7, 1.5, 1.0)}),
    ("gaussian_laplace", {"sigma": (2, 1), "axes": (0, 2), "truncate": 2.0}),
    ("gaussian_laplace", {"sigma": 1, "mode": ("wrap", "nearest", "reflect")}),
    ("gaussian_laplace", {"sigma": 1.2, "radius": 2}),
    ("gaussian_laplace", {"sigma": 0}),
    ("gaussian_gradient_magnitude", {"sigma": 1}),
    ("gaussian_gradient_magnitude", {"sigma": (0.7, 0, 2.1), "truncate": 3.0}),
    ("gaussian_gradient_magnitude", {"sigma": 1.5, "axes": (1,), "mode": "constant", "cval": -7.0}),
    ("gaussian_gradient_magnitude", {"sigma": 1.5, "axes": (2, 0), "mode": ("constant", "mirror")}),
]


def both(name, x, **args):
    with np.errstate(invalid="ignore"):  # sums of squares that have wrapped to below zero
        return getattr(ndimage, name)(x, **args), getattr(scipy_ndimage, name)(np.array(x), **args)


def assert_near(got, want, x, what=""):
    """Integers are equal; roundings are those of the input, which is often larger than its derivative."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    scale = max(float(np.abs(a).max(initial=0.0)) for a in (x, want))
    allowed = {"f": FLOAT32, "F": FLOAT32, "d": FLOAT64, "D": FLOAT64}.get(want.dtype.char, 0.0) * scale
    assert np.abs(got - want).max(initial=0.0) <= allowed if allowed else np.array_equal(got, want), what


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "args"), CALLS)
def test_dtypes_and_arguments(rng, name, args, dtype):
    x = image(rng, (9, 17, 20), dtype)
    assert_near(*both(name, x, **args), x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["laplace", "gaussian_laplace", "gaussian_gradient_magnitude", "sobel"])
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_modes(rng, cpu_level, name, mode, dtype):
    """Filters are longer than the lines too."""
    args = {} if name in ("laplace", "sobel") else {"sigma": (1.5, 0.6, 2.0)}
    for shape in [(4, 9, 35), (1, 2, 3), (30, 5, 6)]:
        x = image(rng, shape, dtype)
        assert_near(*both(name, x, mode=mode, cval=2.5, **args), x, shape)


@pytest.mark.parametrize("output", [np.float32, "float64", np.int16, "uint8"])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_output_dtypes(rng, dtype, output):
    x = image(rng, (8, 9, 20), dtype)
    for name, args in CALLS[::4]:
        assert_near(*both(name, x, output=output, **args), x, name)


@pytest.mark.parametrize("shape", [(), (19,), (7, 30), (3, 4, 5, 6)])
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "complex64", "complex128"])
def test_ranks_and_complex(rng, shape, dtype):
    x = np.asarray(image(rng, shape, "float64").astype(dtype))
    if x.dtype.kind == "c":
        x = x + x[..., ::-1] * x.dtype.type(0.5j) if shape else x + x.dtype.type(2j)
    for name, args in [
        ("laplace", {}),
        ("gaussian_laplace", {"sigma": 1}),
        ("gaussian_gradient_magnitude", {"sigma": 1}),
        ("sobel", {"axis": 0}),
    ]:
        if name == "sobel" and not shape:
            continue
        assert_near(*both(name, x, **args), x, name)


def test_layouts_outputs_and_overlap(rng):
    for dtype in ("int16", "float32"):
        x = image(rng, (9, 10, 21), dtype)
        for name, args in (CALLS[0], CALLS[3], CALLS[11]):
            want = getattr(scipy_ndimage, name)(x, **args)
            for layout, view in layouts(x):
                assert_near(getattr(ndimage, name)(view, **args), want, x, layout)
            out = np.asfortranarray(np.empty_like(x))
            assert getattr(ndimage, name)(x, output=out, **args) is out
            assert_near(out, want, x, name)
            same = x.copy()
            assert getattr(ndimage, name)(same, output=same, **args) is same
            assert_near(same, want, x, name)


def test_volumes_and_threads(rng):
    x = vk.Volume(rng.random((20, 21, 150), np.float32), np.diag([2.0, 3.0, 4.0, 1.0]))
    for name, args in (CALLS[0], CALLS[3], CALLS[6], CALLS[11]):
        y = getattr(ndimage, name)(x, **args, threads=1)
        assert isinstance(y, vk.Volume)
        np.testing.assert_array_equal(y.data, getattr(ndimage, name)(x.data, **args, threads=3))


@pytest.mark.parametrize("name", ["generic_laplace", "generic_gradient_magnitude"])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64", "complex128"])
def test_functions_that_differentiate(rng, name, dtype):
    x = image(rng, (6, 7, 8), "uint8").astype(dtype)

    def slope(module):
        def derivative(input, axis, output, mode, cval, a, b=0.0):
            assert isinstance(input, np.ndarray) and b == 2.0
            return module.correlate1d(input, [-a, 0, a], axis, output, mode, cval)

        return derivative

    for args in (
        {},
        {"axes": (2, 0), "mode": ("wrap", "constant"), "cval": 4},
        {"axes": ()},
        {"output": np.float32 if dtype != "complex128" else np.complex64},
    ):
        extra = {"extra_arguments": (1.5,), "extra_keywords": {"b": 2.0}, **args}
        got = getattr(ndimage, name)(x, slope(ndimage), **extra)
        want = getattr(scipy_ndimage, name)(x, slope(scipy_ndimage), **extra)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-4 if got.dtype.char in "fF" else 0)
    for owner in (ndimage, scipy_ndimage):
        np.testing.assert_allclose(
            getattr(owner, name)(x, owner.sobel),
            getattr(scipy_ndimage, name)(x, scipy_ndimage.sobel),
            rtol=1e-6,
        )


def test_errors_of_a_function_come_out():
    def broken(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ndimage.generic_laplace(np.zeros((3, 3)), broken)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.sobel(np.zeros((3, 3)), axis=2),
        lambda m: m.sobel(np.zeros((3, 3)), mode=("reflect",)),
        lambda m: m.sobel(np.zeros((3, 3)), mode="none such"),
        lambda m: m.sobel(np.zeros((3, 3)), output=np.zeros(3)),
        lambda m: m.sobel(np.zeros(3, np.float16)),
        lambda m: m.laplace(np.zeros((3, 3)), axes=(0, 0)),
        lambda m: m.laplace(np.zeros((3, 3)), axes=(3,)),
        lambda m: m.laplace(np.zeros((3, 3)), mode=("wrap", "wrap", "wrap")),
        lambda m: m.laplace(np.zeros((3, 3), complex), output=np.float64),
        lambda m: m.gaussian_laplace(np.zeros((3, 3)), (1, 2, 3)),
        lambda m: m.gaussian_laplace(np.zeros((3, 3)), 1, no_such=3),
        lambda m: m.gaussian_laplace(np.zeros((3, 3)), 1, order=3),
        lambda m: m.gaussian_laplace(np.zeros((3, 3)), 1, radius=-1),
        lambda m: m.gaussian_gradient_magnitude(np.zeros((3, 3)), (1, 2), axes=0, mode=("wrap", "wrap")),
        lambda m: m.gaussian_gradient_magnitude(np.zeros((3, 3)), (1,), axes=0),
        lambda m: m.gaussian_gradient_magnitude(np.zeros((3, 3)), 1, output="no dtype"),
        lambda m: m.generic_laplace(np.zeros((3, 3)), None),
        lambda m: m.generic_gradient_magnitude(np.zeros((3, 3)), m.sobel, mode=("wrap",) * 3),
    ],
)
def test_scipys_exceptions(call):
    with pytest.raises(Exception) as theirs:
        call(scipy_ndimage)
    with pytest.raises(theirs.type):
        call(ndimage)
