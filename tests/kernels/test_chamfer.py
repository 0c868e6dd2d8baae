# SPDX-License-Identifier: Apache-2.0
"""Steps to the nearest zero: the reference and scipy at every level, structures, outputs, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, FLOAT64, SIZES, examples, layouts
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core
from voxkern.ndimage import distance_transform_bf, distance_transform_cdt
from voxkern.reference.chamfer import chamfer as reference

METRICS = ("chessboard", "taxicab")
SAMPLINGS = {1: (0.7,), 2: (2.0, 0.5), 3: (3.0, 0.9, 0.7), 4: (1.5, 1.0, 2.0, 0.8)}


def mask(rng, shape, zeros):
    return rng.random(shape) >= zeros


def same(function, x, *args):
    """Compare with scipy's function of this name: values, places and dtypes."""
    theirs = getattr(scipy.ndimage, function.__name__)
    for got, want in zip(
        function(x, *args, return_indices=True), theirs(x, *args, return_indices=True), strict=True
    ):
        np.testing.assert_array_equal(got, want, strict=True)
    np.testing.assert_array_equal(function(x, *args), theirs(x, *args), strict=True)


@pytest.mark.parametrize("last_zero", [False, True])
@pytest.mark.parametrize("shape", [(9,), (7, 8), (4, 5, 6), (3, 4, 2, 5)])
def test_reference(cpu_level, rng, shape, last_zero):
    for zeros in (0.02, 0.3):
        x = mask(rng, shape, zeros)
        for structure in (np.ones((3,) * len(shape)), rng.random((3,) * len(shape)) < 0.4):
            steps, indices = np.empty(shape, np.int32), np.empty((len(shape), *shape), np.int32)
            _core.chamfer(x, steps, indices, structure.astype(bool).ravel().tolist(), last_zero, 1)
            want, want_indices = reference(x, structure, last_zero)
            np.testing.assert_array_equal(steps, want)
            np.testing.assert_array_equal(indices, want_indices)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("zeros", [0.0, 0.003, 0.1, 0.6])
def test_sizes_around_vectors(cpu_level, rng, n, zeros):
    for shape in ((n,), (n, 5), (5, n), (3, 5, n), (3, n, 4), (n, 2, 3), (2, 3, n, 4)):
        x = mask(rng, shape, zeros)
        for metric in METRICS:
            same(distance_transform_cdt, x, metric)


def test_structures(cpu_level, rng):
    x = mask(rng, (6, 9, 20), 0.02)
    for share in (0.2, 0.5, 0.9):
        same(distance_transform_cdt, x, rng.random((3, 3, 3)) < share)
    same(distance_transform_cdt, x, np.zeros((3, 3, 3), bool))
    numbers = rng.integers(0, 3, (3, 3))
    for dtype in ("uint8", "int16", "float64"):  # scipy takes their first bytes for bools
        same(distance_transform_cdt, x[0], numbers.astype(dtype))
    same(distance_transform_cdt, x[0], [[0, 1, 0], [1, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize("zeros", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("shape", [(40,), (13, 17), (5, 7, 18), (3, 4, 2, 5)])
def test_scipys_search(cpu_level, rng, shape, zeros):
    x = mask(rng, shape, zeros)
    for metric in (*METRICS, "euclidean", "Manhattan"):
        same(distance_transform_bf, x, metric)
    same(distance_transform_bf, x, "euclidean", 2.0)
    sampling = SAMPLINGS[len(shape)]
    got, at = distance_transform_bf(x, "euclidean", sampling, return_indices=True)
    want = scipy.ndimage.distance_transform_bf(x, "euclidean", sampling)
    np.testing.assert_allclose(got, want, rtol=FLOAT64)
    if not x.all():  # rounding decides between ties: each is a zero, as far away as the distance says
        assert not x[tuple(at)].any()
        ways = (at - np.indices(shape)) * np.reshape(sampling, (-1, *[1] * len(shape)))
        np.testing.assert_allclose(np.sqrt((ways**2).sum(axis=0)), got, rtol=FLOAT64)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@examples(15)
def test_any_shape(seed, shape):
    rng = np.random.default_rng(seed)
    x = mask(rng, shape, rng.random() ** 3)
    for metric in METRICS:
        same(distance_transform_cdt, x, metric)
        same(distance_transform_bf, x, metric)
    same(distance_transform_cdt, x, rng.random((3,) * len(shape)) < 0.5)
    same(distance_transform_bf, x)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "complex64"])
def test_dtypes(rng, dtype):
    x = mask(rng, (6, 9, 20), 0.2)
    values = x.astype(dtype)
    if np.dtype(dtype).kind in "fc":
        values = values * np.asarray(1e-7, dtype)  # small numbers are no zeros
        values[x == 0] = -0.0
    for function in (distance_transform_bf, distance_transform_cdt):
        np.testing.assert_array_equal(function(values), function(x))


def test_layouts(rng):
    x = mask(rng, (7, 11, 19), 0.05)
    for function in (distance_transform_bf, distance_transform_cdt):
        want = function(x.copy(), return_indices=True)
        for name, alike in layouts(x.astype(np.int16)):
            for a, b in zip(function(alike, return_indices=True), want, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=name)


def test_same_bits_for_any_thread_count(rng):
    for shape in ((40, 50, 60), (3, 9, 40, 50), (300, 400), (50000,)):
        x = mask(rng, shape, 0.001)
        for metric in METRICS:
            want = distance_transform_cdt(x, metric, return_indices=True, threads=1)
            for threads in (2, 3, 7):
                got = distance_transform_cdt(x, metric, return_indices=True, threads=threads)
                for a, b in zip(got, want, strict=True):
                    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("function", "metric", "dtype"),
    [
        (distance_transform_cdt, "taxicab", np.int32),
        (distance_transform_bf, "taxicab", np.uint32),
        (distance_transform_bf, "euclidean", np.float64),
    ],
)
def test_outputs_of_the_caller(rng, function, metric, dtype):
    x = mask(rng, (4, 5, 6), 0.2)
    want, want_at = function(x, metric, return_indices=True)
    distances, indices = np.empty(x.shape, dtype), np.empty((3, *x.shape), np.int32)
    assert function(x, metric, return_indices=True, distances=distances, indices=indices) is None
    np.testing.assert_array_equal(distances, want)
    np.testing.assert_array_equal(indices, want_at)
    backwards, fortran = np.empty(x.shape, dtype)[::-1], np.empty((3, *x.shape), np.int32, order="F")
    np.testing.assert_array_equal(function(x, metric, return_indices=True, indices=fortran), want)
    np.testing.assert_array_equal(fortran, want_at)
    assert function(x, metric, distances=backwards) is None
    np.testing.assert_array_equal(backwards, want)
    itself = x.astype(dtype)
    function(itself, metric, distances=itself)
    np.testing.assert_array_equal(itself, want)
    alone = function(x, metric, return_distances=False, return_indices=True)
    np.testing.assert_array_equal(alone, want_at)


def test_volumes_and_small_arrays():
    volume = vk.Volume(np.ones((3, 4, 5), np.uint8), np.diag([2, 2, 2, 1]))
    for function, dtype in ((distance_transform_bf, np.float64), (distance_transform_cdt, np.int32)):
        got, at = function(volume, return_indices=True)
        assert isinstance(got, vk.Volume) and got.dtype == dtype and isinstance(at, np.ndarray)
        got, at = function(np.zeros((0, 3)), return_indices=True)
        assert got.shape == (0, 3) and at.shape == (2, 0, 3)
    assert distance_transform_cdt(3) == -1 and distance_transform_cdt(0) == 0  # an error in scipy
    for metric in (*METRICS, "euclidean"):
        for x in (0, 3):
            np.testing.assert_array_equal(
                distance_transform_bf(x, metric), scipy.ndimage.distance_transform_bf(x, metric), strict=True
            )


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "message"),
    [
        (distance_transform_cdt, {"return_distances": False}, RuntimeError, "at least one"),
        (distance_transform_cdt, {"metric": "euclidean"}, ValueError, "invalid metric"),
        (distance_transform_cdt, {"metric": np.ones((3, 2))}, ValueError, "sizes must be equal to 3"),
        (distance_transform_cdt, {"metric": np.ones((3, 3, 3))}, ValueError, "metric: got 3 axes, allowed 2"),
        (distance_transform_cdt, {"distances": np.empty((3, 4))}, ValueError, "must be int32"),
        (distance_transform_cdt, {"distances": np.empty((3, 5), np.int32)}, ValueError, "wrong shape"),
        (distance_transform_cdt, {"distances": [0.0]}, TypeError, "distances: got list"),
        (
            distance_transform_cdt,
            {"return_indices": True, "indices": np.empty((2, 3, 4))},
            ValueError,
            "must be int32",
        ),
        (distance_transform_bf, {"return_distances": False}, RuntimeError, "at least one"),
        (distance_transform_bf, {"metric": "cosine"}, RuntimeError, "not supported"),
        (distance_transform_bf, {"metric": "taxicab", "sampling": (1, 2, 3)}, RuntimeError, "input rank"),
        (distance_transform_bf, {"sampling": (1, 0)}, ValueError, "allowed steps above 0"),
        (distance_transform_bf, {"distances": np.empty((3, 4), np.float32)}, RuntimeError, "must be float64"),
        (
            distance_transform_bf,
            {"metric": "taxicab", "distances": np.empty((3, 4))},
            RuntimeError,
            "must be uint32",
        ),
    ],
)
def test_wrong_arguments(function, arguments, kind, message):
    with pytest.raises(kind, match=message):
        function(np.eye(3, 4), **arguments)
