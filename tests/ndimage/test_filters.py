# SPDX-License-Identifier: Apache-2.0
"""Filters as drop-ins for scipy's: arguments, signatures, outputs, Volumes, errors."""

import inspect
import tracemalloc

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import FILTERS, assert_same, image

import voxkern as vk
from voxkern import ndimage


@pytest.mark.parametrize(("name", "args"), FILTERS)
def test_arguments_as_scipy(rng, name, args):
    for dtype in ("uint8", "float64"):
        x = image(rng, (8, 9, 10), dtype)
        assert_same(getattr(ndimage, name)(x, **args), getattr(scipy_ndimage, name)(x, **args), dtype)


def test_signatures_are_scipys():
    for name in ndimage.__all__:
        ours = dict(inspect.signature(getattr(ndimage, name)).parameters)
        threads = ours.pop("threads", None)
        if name not in ("generate_binary_structure", "iterate_structure"):
            assert threads.kind is inspect.Parameter.KEYWORD_ONLY
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


@pytest.mark.parametrize("name", ["correlate1d", "convolve1d"])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64", "complex64", "complex128"])
def test_complex_weights(rng, name, dtype):
    ours, theirs = getattr(ndimage, name), getattr(scipy_ndimage, name)
    x = (rng.standard_normal((6, 7)) * 9).astype(dtype)
    cval = 2.5
    if x.dtype.kind == "c":
        x, cval = x + x[::-1] * x.dtype.type(1j), 2.5 - 3j
    for weights in ([1 + 2j, 3, -1j], [0.5j, 1.25]):
        got, want = (
            ours(x, weights, 0, mode="constant", cval=cval),
            theirs(x, weights, 0, None, "constant", cval),
        )
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 if got.dtype == np.complex64 else 0)
    out = np.empty((6, 7), np.complex128)
    assert ours(x, [1, 1j], 1, output=out) is out
    np.testing.assert_allclose(out, theirs(x, [1, 1j], 1, output=np.complex128), atol=1e-5)
    if x.dtype == np.complex128:
        same = x.copy()
        ours(same, [1, 1j], output=same)
        np.testing.assert_array_equal(same, theirs(x, [1, 1j]))


def test_complex_weights_make_no_imaginary_part_of_real_data(rng):
    x = rng.random((100, 5000))
    tracemalloc.start()
    got = ndimage.correlate1d(x, [1, 2j])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes // 2
    np.testing.assert_array_equal(got, scipy_ndimage.correlate1d(x, [1, 2j]))


def test_a_part_of_complex_data_has_its_part_of_cval(rng):
    """A real ``cval`` has no imaginary part. Parts share a kernel call only where that does not matter."""
    for shape in [(), (5,), (4, 5), (3, 4, 5)]:
        x = np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
        for view in (x, x.copy("F"), x.repeat(2, -1)[..., ::2] if shape else x):
            for mode, cval in [
                ("constant", 2.0),
                ("constant", 2 + 2j),
                ("constant", 1 - 3j),
                ("mirror", 1 - 3j),
            ]:
                options = {"mode": mode, "cval": cval}
                got = ndimage.gaussian_filter(view, 1, **options)
                np.testing.assert_array_equal(got, scipy_ndimage.gaussian_filter(x, 1, **options))
                got = ndimage.uniform_filter(view, 20, output=np.complex64, **options)
                want = scipy_ndimage.uniform_filter(x, 20, output=np.complex64, **options)
                np.testing.assert_allclose(got, want, atol=1e-6)


def test_real_output_of_complex_data_is_made_complex(rng):
    x = np.ones(4, np.complex128)
    for call in (
        lambda m: m.correlate1d(x.real, [1j], output=np.float64),
        lambda m: m.zoom(x, 2, output=np.dtype("int8")),
    ):
        with pytest.warns(UserWarning, match="promoting specified output dtype to complex") as caught:
            assert call(ndimage).dtype == call(scipy_ndimage).dtype
        assert caught[0].filename == __file__


def test_foreign_byte_order(rng):
    x = rng.integers(0, 999, (5, 6)).astype(">i2")
    np.testing.assert_array_equal(ndimage.gaussian_filter(x, 1), scipy_ndimage.gaussian_filter(x, 1))


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
        lambda m: m.gaussian_filter(np.zeros((2, 2)), 1, axes=(0, 5)),
        lambda m: m.gaussian_filter(np.ones(3, complex), 1, output="float32"),
        lambda m: m.gaussian_filter([1.0, 2.0], 1, mode="constant", cval=1j),
        lambda m: m.correlate1d([1.0, 2.0], [1.0], cval=1j),
        lambda m: m.correlate1d([1.0, 2.0], [1j], cval=1j),
        lambda m: m.correlate1d([1.0, 2.0], 3.0),
        lambda m: m.convolve1d([1.0, 2.0], 3.0),
        lambda m: m.uniform_filter1d([1.0, 2.0], 3, cval="a"),
        lambda m: m.shift([1.0, 2.0], 1, cval=1j),
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
