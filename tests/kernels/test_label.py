# SPDX-License-Identifier: Apache-2.0
"""Components: the reference and scipy at every level, layouts, outputs, holes, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, NIGHT, SIZES, examples, layouts
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage
from voxkern.ndimage import label
from voxkern.reference.label import label as reference

STRUCTURES = {
    r: [scipy.ndimage.generate_binary_structure(r, k) for k in range(1, r + 1)] for r in (1, 2, 3, 4)
}


def mask(rng, shape, share):
    return rng.random(shape) < share


def symmetric(rng, rank):
    """Return any structure that is symmetric about its centre."""
    half = rng.random((3,) * rank) < 0.3
    return half | np.flip(half)


def check(x, structure=None):
    got, count = label(x, structure)
    want, wanted = scipy.ndimage.label(x, structure)
    assert got.dtype == want.dtype and isinstance(count, int)
    assert count == wanted
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(30,), (9, 11), (5, 6, 7), (3, 4, 3, 5)])
def test_reference(cpu_level, rng, shape):
    for structure in [*STRUCTURES[len(shape)], symmetric(rng, len(shape))]:
        x = mask(rng, shape, 0.4)
        want, wanted = reference(x, structure)
        got, count = label(x, structure)
        assert count == wanted
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("n", [*SIZES, 63, 64, 127, 128, 129])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_sizes_around_words(cpu_level, rng, n, share):
    for shape in ((n,), (n, 5), (5, n), (3, 5, n), (n, 2, 3)):
        x = mask(rng, shape, share)
        for structure in STRUCTURES[len(shape)]:
            check(x, structure)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 12), min_size=1, max_size=4))
@examples(30)
def test_any_shape_and_structure(seed, shape):
    rng = np.random.default_rng(seed)
    check(mask(rng, shape, rng.random()), symmetric(rng, len(shape)))


@pytest.mark.parametrize("shape", [(90, 40, 50), (900, 300), (3, 500, 130)])
def test_components_that_cross_slabs(rng, shape):
    """Threads join slabs of rows; spirals and walls wind through all of them."""
    place = np.indices(shape)
    snake = (place[0] % 4 < 2) | ((place[0] % 8 >= 4) & (place[1] == 0))
    for x in (snake, mask(rng, shape, 0.35), np.ones(shape, bool)):
        for structure in STRUCTURES[len(shape)]:
            check(x, structure)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(cpu_level, rng, dtype):
    x = mask(rng, (6, 9, 70), 0.4).astype(dtype)
    if x.dtype.kind == "f":
        x[x == 0] = -0.0
        x[0, 0, :3] = np.nan
        x[1] *= np.finfo(dtype).smallest_subnormal
    check(x)
    check(x[..., ::2])


def test_layouts(rng):
    x = mask(rng, (7, 11, 19), 0.4)
    want, _ = label(x.copy())
    for name, same in layouts(x.astype(np.int16)):
        np.testing.assert_array_equal(label(same)[0], want, err_msg=name)
    wide = np.broadcast_to(x[:, :1], x.shape)
    np.testing.assert_array_equal(label(wide)[0], label(wide.copy())[0])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", ">i4", bool])
def test_outputs(rng, dtype):
    x = mask(rng, (4, 30), 0.3)
    want, wanted = scipy.ndimage.label(x, output=np.dtype(dtype).newbyteorder("="))
    got, count = label(x, output=dtype)
    assert got.dtype == np.dtype(dtype) and count == wanted
    np.testing.assert_array_equal(got, want)
    out = np.empty(x.shape, dtype)[:, ::-1]
    assert label(x, output=out) == wanted
    np.testing.assert_array_equal(out, want)
    same = x.astype(np.int32)
    label(same, output=same)
    np.testing.assert_array_equal(same, want.astype(np.int32) if dtype is not bool else label(x)[0])


def test_small_arrays_and_volumes():
    assert label(3) == (1, 1) and label(0.0) == (0, 0)
    got, count = label(np.zeros((0, 3)))
    assert got.shape == (0, 3) and count == 0
    volume = vk.Volume(np.ones((2, 3, 4), np.uint8), np.eye(4))
    got, count = label(volume)
    assert isinstance(got, vk.Volume) and count == 1


def test_same_numbers_for_any_thread_count(rng):
    x = mask(rng, (40, 90, 70), 0.3)
    want = label(x, threads=1)[0]
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(label(x, threads=threads)[0], want)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"structure": np.ones(3)}, RuntimeError, "equal rank"),
        ({"structure": np.ones((3, 5))}, ValueError, "must be equal to 3"),
        ({"structure": [[1, 1, 0], [1, 1, 1], [0, 1, 0]]}, AssertionError, "not symmetric"),
        ({"output": np.empty((2, 2), np.int32)}, ValueError, "output shape not correct"),
        ({"output": np.complex64}, TypeError, "not supported"),
        ({"output": np.float16}, TypeError, "not supported"),
    ],
)
def test_wrong_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        label(np.eye(3), **arguments)


def test_inputs_that_scipy_refuses():
    for dtype in ("complex64", "float16", object, "U1"):
        with pytest.raises(TypeError):
            label(np.eye(3).astype(dtype))
    with pytest.raises(RuntimeError, match="insufficient bit-depth"):
        label(np.arange(600) % 2, output=np.uint8)


# --- the largest components, and holes ---------------------------------------------------------------------


@pytest.mark.parametrize("connectivity", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 3, None])
def test_largest_components(rng, k, connectivity):
    x = mask(rng, (12, 13, 14), 0.25)
    labels, count = scipy.ndimage.label(x, scipy.ndimage.generate_binary_structure(3, connectivity))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = sorted(range(count), key=lambda i: (-sizes[i], i))[:k]
    for least in (0, 3):
        kept = [i + 1 for i in order if sizes[i] >= least]
        got = vk.largest_component(x, k, min_volume=least, connectivity=connectivity)
        assert got.dtype == bool
        np.testing.assert_array_equal(got, np.isin(labels, kept))


def test_a_smallest_volume_in_cubic_millimetres():
    x = np.zeros((3, 4, 9), np.uint8)
    x[1, 1, :2], x[1, 1, 4:9] = 1, 1
    volume = vk.Volume(x, np.diag([2.0, 0.5, 1.5, 1.0]))  # 1.5 cubic millimetres a voxel
    for least, voxels in ((0, 7), (3.0, 7), (3.1, 5), (7.5, 5), (7.6, 0)):
        got = vk.largest_component(volume, None, min_volume=least)
        assert isinstance(got, vk.Volume) and got.data.sum() == voxels, least


@pytest.mark.parametrize("shape", [(40,), (9, 12), (7, 8, 9), (12, 70, 65)])
def test_fill_holes(cpu_level, rng, shape):
    for share in (0.0, 0.4, 0.7, 1.0):
        x = mask(rng, shape, share)
        np.testing.assert_array_equal(vk.fill_holes(x), scipy.ndimage.binary_fill_holes(x))
        for axis in range(len(shape)):
            if len(shape) == 1:
                continue
            slices = [scipy.ndimage.binary_fill_holes(s) for s in np.moveaxis(x, axis, 0)]
            np.testing.assert_array_equal(vk.fill_holes(x, axis=axis), np.moveaxis(slices, 0, axis))
        for connectivity in range(1, len(shape) + 1):
            structure = scipy.ndimage.generate_binary_structure(len(shape), connectivity)
            want = scipy.ndimage.binary_fill_holes(x, structure)
            np.testing.assert_array_equal(vk.fill_holes(x, connectivity=connectivity), want)


def test_masks_in_any_memory_order(rng):
    x = mask(rng, (7, 11, 19), 0.55)
    for name, same in layouts(x):
        np.testing.assert_array_equal(vk.fill_holes(same), scipy.ndimage.binary_fill_holes(x), err_msg=name)
    assert vk.fill_holes(np.asfortranarray(x)).flags.f_contiguous
    for shape in ((0, 4), (4, 0)):
        assert vk.fill_holes(np.zeros(shape)).shape == shape and label(np.zeros(shape))[0].shape == shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vk.largest_component([1], 0), "k: got"),
        (lambda: vk.largest_component([1], 1.5), "k: got"),
        (lambda: vk.largest_component([1], min_volume=-1), "min_volume: got -1"),
        (lambda: vk.largest_component([1], min_volume=np.nan), "min_volume: got nan"),
        (lambda: vk.largest_component([1], connectivity=2), "connectivity: got 2, allowed 1 to 1"),
        (lambda: vk.largest_component(1), "mask: got no axis"),
        (lambda: vk.fill_holes([[1]], axis=2), "axis: got 2"),
        (lambda: vk.fill_holes([[1]], connectivity="faces"), "connectivity: got 'faces'"),
    ],
)
def test_wrong_arguments_of_masks(call, message):
    with pytest.raises(vk.ArgumentError, match=message):
        call()


@pytest.mark.skipif(not NIGHT, reason="nox -s nightly: half a minute")
def test_ten_million_objects():
    x = np.zeros((432, 432, 432), bool)
    x[::2, ::2, ::2] = True
    labels, n = ndimage.label(x)
    assert n == 216**3 == labels.max()
    np.testing.assert_array_equal(labels[::2, ::2, ::2].ravel(), np.arange(1, n + 1))
    np.testing.assert_array_equal(ndimage.sum_labels(x, labels, np.arange(n + 1)), np.arange(n + 1) > 0)


@pytest.mark.skipif(not NIGHT, reason="nox -s nightly: 14 GB")
def test_more_than_two_to_the_31_voxels():
    x = np.zeros((2060, 1024, 1024), bool)
    x[0, 0, 0] = x[1030, 5, 7] = x[1030, 5, 8] = x[-1, -1, -1] = True
    labels, n = ndimage.label(x)
    assert n == 3 and np.count_nonzero(labels) == 4
    assert [labels[0, 0, 0], *labels[1030, 5, 7:9], labels[-1, -1, -1]] == [1, 2, 2, 3]
    del labels
    assert np.count_nonzero(ndimage.binary_dilation(x)) == 4 + 12 + 4
    assert np.count_nonzero(vk.largest_component(x)) == 2
