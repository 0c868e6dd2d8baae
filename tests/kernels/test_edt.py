# SPDX-License-Identifier: Apache-2.0
"""Distance transform: the reference and scipy at every level, layouts, outputs, threads, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, FLOAT64, SIZES, examples, layouts
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern.ndimage import distance_transform_edt
from voxkern.reference.edt import edt as reference

SAMPLINGS = {1: (0.7,), 2: (2.0, 0.5), 3: (3.0, 0.9, 0.7), 4: (1.5, 1.0, 2.0, 0.8)}  # of a common unit
ODD_SAMPLINGS = {rank: (*steps[:-1], steps[-1] * 0.9765432) for rank, steps in SAMPLINGS.items()}  # of none
ODD_SAMPLINGS[1] = (0.683594,)


def mask(rng, shape, zeros):
    return rng.random(shape) >= zeros


def check(x, sampling=None, indices=None):
    """Compare with scipy; indices only where steps are equal, as rounding decides elsewhere."""
    got, at = distance_transform_edt(x, sampling, return_indices=True)
    want, want_at = scipy.ndimage.distance_transform_edt(x, sampling, return_indices=True)
    assert got.dtype == np.float64 and at.dtype == np.int32
    np.testing.assert_allclose(got, want, rtol=FLOAT64)
    if indices is not False:
        np.testing.assert_array_equal(at, want_at)
    np.testing.assert_array_equal(distance_transform_edt(x, sampling), got)
    return got, at


@pytest.mark.parametrize("sampling", [None, SAMPLINGS, ODD_SAMPLINGS])
@pytest.mark.parametrize("shape", [(9,), (7, 8), (5, 6, 7), (3, 4, 2, 5)])
def test_reference(cpu_level, rng, shape, sampling):
    for zeros in (0.0, 0.02, 0.3, 1.0):
        x = mask(rng, shape, zeros)
        steps = (1.0,) * len(shape) if sampling is None else sampling[len(shape)]
        got, at = distance_transform_edt(x, steps, return_indices=True)
        want, want_at = reference(x, steps)
        np.testing.assert_allclose(got, want, rtol=FLOAT64)
        if sampling is None:
            np.testing.assert_array_equal(at, want_at)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("zeros", [0.0, 0.003, 0.1, 0.6])
def test_sizes_around_vectors(cpu_level, rng, n, zeros):
    for shape in ((n,), (n, 5), (5, n), (3, 5, n), (3, n, 4), (n, 2, 3), (2, 3, n, 4)):
        x = mask(rng, shape, zeros)
        check(x)
        check(x, SAMPLINGS[len(shape)], indices=False)
        check(x, ODD_SAMPLINGS[len(shape)], indices=False)


@pytest.mark.parametrize("shape", [(1, 1, 700), (1, 700, 3), (700, 1, 3), (2, 300, 290), (900,)])
def test_far_zeros_take_the_envelope(cpu_level, shape):
    """A search from each sample would take too many steps: one zero, and one in each corner."""
    for places in ([0.5], [0.0, 1.0], []):
        x = np.ones(shape, bool)
        for place in places:
            x[tuple(int(place * (n - 1)) for n in shape)] = False
        check(x)
        check(x, 0.3)
        check(x, SAMPLINGS[len(shape)], indices=False)
        check(x, ODD_SAMPLINGS[len(shape)], indices=False)


def test_envelopes_of_many_zeros(cpu_level):
    """Outside a ball: its near side lies far from most samples, and borders of regions round together."""
    for shape in ((200, 200), (61, 200, 190)):
        place = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
        check(sum(p * p for p in place) > 0.3)
        check(sum(p * p for p in place) > 0.3, SAMPLINGS[len(shape)], indices=False)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "complex64"])
def test_dtypes(cpu_level, rng, dtype):
    x = mask(rng, (6, 9, 20), 0.2).astype(dtype)
    if np.dtype(dtype).kind in "fc":
        x = x * np.asarray(1e-7, dtype)  # small numbers are no zeros
        x[x == 0] = -0.0
        x[0, 0, :3] = np.nan
    np.testing.assert_array_equal(distance_transform_edt(x), distance_transform_edt(x != 0))
    check(x != 0)


def test_layouts(cpu_level, rng):
    x = mask(rng, (7, 11, 19), 0.05)
    want = distance_transform_edt(x.copy())
    for name, same in layouts(x.astype(np.int16)):
        np.testing.assert_array_equal(distance_transform_edt(same), want, err_msg=name)
    wide = np.broadcast_to(x[:, :1], x.shape)
    np.testing.assert_array_equal(distance_transform_edt(wide), distance_transform_edt(wide.copy()))


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 12), min_size=1, max_size=4))
@examples(20)
def test_any_shape(seed, shape):
    rng = np.random.default_rng(seed)
    x = mask(rng, shape, rng.random() ** 3)
    got, at = check(x)
    if not x.all():
        assert not x[tuple(at)].any()  # each index is that of a zero, as far away as the distance says
        np.testing.assert_allclose(np.sqrt(((at - np.indices(shape)) ** 2).sum(axis=0)), got, rtol=FLOAT64)
    check(x, rng.random(len(shape)) + 0.2, indices=False)


@pytest.mark.parametrize("steps", [(2.0, 0.9, 0.7), (0.9765625, 2.5, 0.9765625), (1.2, 0.3, 0.1)])
@pytest.mark.parametrize("zeros", [0.003, 0.1])
def test_steps_of_a_unit_are_exact(cpu_level, rng, steps, zeros):
    """Squares of whole numbers: the nearest zero, and of ties the one of the rule."""
    unit = {0.7: 0.1, 0.9765625: 0.9765625 / 25, 0.1: 0.1}[steps[2]]
    whole = [round(step / unit) for step in steps]
    x = mask(rng, (9, 11, 20), zeros)
    got, at = distance_transform_edt(x, steps, return_indices=True)
    _, want_at = reference(x, whole)
    np.testing.assert_array_equal(at, want_at)
    ways = (at - np.indices(x.shape)) * np.reshape(whole, (3, 1, 1, 1))
    np.testing.assert_allclose(got, np.sqrt((ways**2).sum(axis=0)) * unit, rtol=1e-15)


def test_same_bits_for_any_thread_count(rng):
    x = mask(rng, (40, 50, 60), 0.001)
    for sampling in (None, SAMPLINGS[3], ODD_SAMPLINGS[3]):
        want = distance_transform_edt(x, sampling, return_indices=True, threads=1)
        for threads in (2, 3, 7):
            got = distance_transform_edt(x, sampling, return_indices=True, threads=threads)
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b)


def test_outputs_of_the_caller(rng):
    x = mask(rng, (4, 5, 6), 0.2)
    want, want_at = distance_transform_edt(x, return_indices=True)
    distances, indices = np.empty(x.shape), np.empty((3, *x.shape), np.int32)
    assert distance_transform_edt(x, return_indices=True, distances=distances, indices=indices) is None
    np.testing.assert_array_equal(distances, want)
    np.testing.assert_array_equal(indices, want_at)
    reversed_out, fortran = np.empty(x.shape)[::-1], np.empty((3, *x.shape), np.int32, order="F")
    np.testing.assert_array_equal(distance_transform_edt(x, return_indices=True, indices=fortran), want)
    np.testing.assert_array_equal(fortran, want_at)
    assert distance_transform_edt(x, distances=reversed_out) is None
    np.testing.assert_array_equal(reversed_out, want)
    itself = x.astype(np.float64)
    distance_transform_edt(itself, distances=itself)
    np.testing.assert_array_equal(itself, want)
    np.testing.assert_array_equal(
        distance_transform_edt(x, return_distances=False, return_indices=True), want_at
    )


def test_volumes_and_small_arrays():
    volume = vk.Volume(np.ones((3, 4, 5), np.uint8), np.diag([2, 2, 2, 1]))
    got = distance_transform_edt(volume)
    assert isinstance(got, vk.Volume) and got.dtype == np.float64
    assert distance_transform_edt(np.zeros((0, 3))).shape == (0, 3)
    assert distance_transform_edt(np.zeros((0, 3)), return_indices=True)[1].shape == (2, 0, 3)
    np.testing.assert_array_equal(distance_transform_edt(3), scipy.ndimage.distance_transform_edt(3))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"return_distances": False}, RuntimeError, "at least one"),
        (
            {"return_distances": False, "return_indices": True, "distances": np.empty((3, 4))},
            RuntimeError,
            "return_distances must be True",
        ),
        ({"indices": np.empty((2, 3, 4), np.int32)}, RuntimeError, "return_indices must be True"),
        ({"distances": np.empty((3, 5))}, RuntimeError, "distances array has wrong shape"),
        ({"distances": np.empty((3, 4), np.float32)}, RuntimeError, "distances array must be float64"),
        ({"return_indices": True, "indices": np.empty((2, 3, 4))}, RuntimeError, "must be int32"),
        ({"distances": [0.0]}, TypeError, "distances: got list"),
        ({"sampling": (1, 2, 3)}, RuntimeError, "length equal to input rank"),
        ({"sampling": "a"}, ValueError, "could not convert"),
        ({"sampling": (1, 0)}, ValueError, "allowed steps above 0"),
        ({"sampling": np.nan}, ValueError, "allowed steps above 0"),
    ],
)
def test_wrong_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        distance_transform_edt(np.eye(3, 4), **arguments)
