# SPDX-License-Identifier: Apache-2.0
"""Volumes in operators, indices and functions of NumPy: the affine follows, or the result is an array."""

import copy
import operator
from collections.abc import Iterable

import numpy as np
import pytest

import voxkern as vk

OBLIQUE = np.array([[0.0, -0.2, 1.9, -90.0], [1.1, 0.3, 0.1, -126.0], [-0.1, 2.4, 0.3, -72.0], [0, 0, 0, 1]])
A = np.arange(1, 121, dtype=np.int16).reshape(4, 5, 6)
V = vk.Volume(A, OBLIQUE, {"modality": "CT"})
SERIES = vk.Volume(
    np.arange(4 * 5 * 6 * 3, dtype=np.float32).reshape(4, 5, 6, 3),
    OBLIQUE,
    {"axes": ("time",), "axis_values": ((0.0, 2.5, 5.0),), "source": "nifti", "precise_factor": (1.0, 2.0)},
)
CUBE = vk.Volume(np.arange(256.0).reshape(4, 4, 4, 4), np.eye(4))


def same(volume, data, affine=OBLIQUE):
    assert type(volume) is vk.Volume
    np.testing.assert_array_equal(volume.data, data)
    assert volume.dtype == np.asarray(data).dtype
    np.testing.assert_allclose(volume.affine, affine, atol=1e-12)


# --- index ----------------------------------------------------------------------------------------------

INDICES = [
    np.s_[1:3],
    np.s_[:, ::-1],
    np.s_[..., 2:],
    np.s_[3:0:-2, 1:, ::3],
    np.s_[-3:, ..., -2:],
    np.s_[...],
    np.s_[2:2],
    np.s_[np.int64(1) :],
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("volume", [V, SERIES[..., 0]], ids=["3-D", "of a series"])
def test_the_affine_follows_an_index(volume, index):
    got = volume[index]
    np.testing.assert_array_equal(got.data, volume.data[index])
    assert got.data.size == 0 or np.shares_memory(got.data, volume.data)
    assert got.meta == volume.meta
    left = np.stack([along[index] for along in np.indices(volume.shape)], axis=-1)
    at = np.moveaxis(np.indices(got.shape), 0, -1)
    np.testing.assert_allclose(got.index_to_world(at), volume.index_to_world(left), atol=1e-10)


def test_further_axes_take_numbers_and_keep_their_names():
    one = SERIES[..., 1]
    same(one, SERIES.data[..., 1])
    assert dict(one.meta) == {"source": "nifti"}  # no axis, and factors of slices that may be gone
    some = SERIES[1:, :, :, ::-2]
    assert some.meta["axes"] == ("time",) and some.meta["axis_values"] == ((5.0, 0.0),)
    assert SERIES[:, :, :, -1].shape == (4, 5, 6)
    with pytest.raises(vk.ArgumentError, match="index: got 9 for axis 3, allowed -3 to 2"):
        SERIES[..., 9]
    bands = vk.Volume(SERIES.data, np.eye(4), {"axes": ("band",), "wavelengths": (400.0, 500.0, 600.0)})
    assert bands[..., 1:].meta["wavelengths"] == (500.0, 600.0)
    assert "wavelengths" not in bands[..., 0].meta
    assert not {"axes", "axis_values"} & set(vk.Volume(CUBE.data, np.eye(4), {"axes": ("a", "b")})[1:].meta)


def test_a_mask_gives_its_voxels():
    mask = V > 50
    for chosen in (mask, mask.data):
        np.testing.assert_array_equal(V[chosen], A[A > 50])
        np.testing.assert_array_equal(SERIES[chosen], SERIES.data[A > 50])
    with pytest.raises(vk.ArgumentError, match="another geometry"):
        V[vk.Volume(mask.data, np.eye(4))]


@pytest.mark.parametrize(
    "index",
    [
        3,
        np.int64(3),
        (slice(None), 2),
        (0, 0, 0),
        (..., 0, 0),
        (..., ...),
        1.5,
        "x",
        None,
        [0, 1],
        (slice(None, None, 0),),
        (slice(0.5),),
        (slice("a"),),
        np.arange(4),
        A[0] > 3,
        (A > 3, 0),
        {},
        True,
    ],
    ids=repr,
)
def test_wrong_indices(index):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError), match=r"index: got .* allowed"):
        V[index]


def test_a_volume_is_no_sequence():
    assert not isinstance(V, Iterable)
    with pytest.raises(TypeError):
        iter(V)
    with pytest.raises(vk.ArgumentError, match="truth value"):
        bool(V == V)


# --- operators and ufuncs -------------------------------------------------------------------------------

TWO = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.and_,
    operator.or_,
    operator.xor,
]


@pytest.mark.parametrize("act", TWO, ids=lambda f: f.__name__)
def test_operators(act):
    other = A[::-1] % 7 + 1
    same(act(V, vk.Volume(other, OBLIQUE)), act(A, other))
    same(act(V, other), act(A, other))
    same(act(other, V), act(other, A))
    same(act(V, 3), act(A, 3))
    assert act(V, 3).meta["modality"] == "CT"


def test_other_operators():
    same(-V, -A)
    same(abs(-V), A)
    same(~V, ~A)
    same(V**2, A**2)
    same(2 ** vk.Volume(A % 5, OBLIQUE), 2 ** (A % 5))
    for got, want in zip(divmod(V, 7), divmod(A, 7), strict=True):
        same(got, want)
    changed = own = vk.Volume(A.copy(), OBLIQUE)
    changed += V
    assert changed is own
    same(changed, A + A)
    changed += 1
    same(changed, A + A + 1)


def test_ufuncs():
    same(np.sqrt(V), np.sqrt(A))
    same(np.hypot(V, 3.0), np.hypot(A, 3.0))
    same(np.isfinite(V), np.isfinite(A))
    parts = np.modf(V / 4)
    same(parts[1], np.modf(A / 4)[1])
    into = vk.Volume(np.zeros(A.shape), OBLIQUE)
    assert np.sqrt(V, out=into) is into
    np.testing.assert_array_equal(into.data, np.sqrt(A).astype(np.float64))
    into = np.zeros(A.shape)
    got = np.sqrt(V, out=into)
    assert got.data is into
    same(got, np.sqrt(A).astype(np.float64))
    same(np.add(V, V, where=V > 5, out=vk.Volume(A.copy(), OBLIQUE)), np.where(A > 5, 2 * A, A))
    # what works across voxels gives what it gives for arrays
    assert np.add.reduce(V, axis=None) == A.sum() and type(np.add.reduce(V)) is np.ndarray
    assert type(np.add.outer(V, [1, 2])) is np.ndarray
    assert type(np.matmul(CUBE, CUBE)) is np.ndarray


def test_images_of_others_take_part():
    sitk = pytest.importorskip("SimpleITK")
    straight = vk.Volume(A, np.diag([2.0, 3.0, 4.0, 1.0]))
    image = straight.to_sitk()
    assert isinstance(image, sitk.Image)
    same(np.add(straight, image), A + A, straight.affine)
    same(straight - vk.Volume.from_nibabel(straight.to_nibabel()), A - A, straight.affine)


def test_a_missing_further_axis_spreads():
    """The first three axes meet, not the last three as NumPy's rule has it."""
    mask = vk.Volume(A > 50, OBLIQUE)
    for got in (SERIES * mask, mask * SERIES):
        same(got, SERIES.data * (A > 50)[..., None])
        assert got.meta["axes"] == ("time",)
    box = vk.Volume(np.arange(64.0).reshape(4, 4, 4), np.eye(4))
    same(CUBE + box, CUBE.data + box.data[..., None], np.eye(4))
    same(np.where(box > 3, CUBE, 0), np.where((box.data > 3)[..., None], CUBE.data, 0), np.eye(4))
    wide = vk.Volume(A[..., None], OBLIQUE, {"axes": ("echo",), "axis_values": ((1,),)})
    assert "axes" not in (wide * np.ones(3)).meta  # three values where one was named
    same(V + np.arange(6), A + np.arange(6))


@pytest.mark.parametrize(
    "call",
    [
        lambda: vk.Volume(A, np.eye(4)) + V,
        lambda: vk.Volume(A, np.eye(4)) == V,
        lambda: V + V[1:],
        lambda: V * vk.Volume(A[:, :, :1], OBLIQUE),  # NumPy would spread it
        lambda: V + np.ones((2, 4, 5, 6)),
        lambda: V[:1] + np.ones((4, 5, 6)),
        lambda: vk.Volume(CUBE.data[0], np.eye(4)) + CUBE.data,
        lambda: V + np.ones(5),
        lambda: np.where(V > 3, vk.Volume(A, np.eye(4)), 0),
        lambda: np.add(V, V, out=vk.Volume(np.zeros(A.shape), np.eye(4))),
    ],
)
def test_grids_that_differ(call):
    with pytest.raises(vk.ArgumentError, match=r"volume: got (two grids|operands).* allowed"):
        call()


@pytest.mark.parametrize("other", ["a", {}, object(), [1, "b"], b"x", [[1], [2, 3]]])
def test_operands_that_are_no_numbers(other):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError), match=r"got .* allowed"):
        V + other


def test_places_within_a_hundredth_of_a_millimetre_are_one():
    near = vk.Volume(A, OBLIQUE + 1e-3 * (np.arange(4) == 3) * (np.arange(4) < 3)[:, None])
    same(V + near, A + A)


# --- functions of NumPy ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda v: np.clip(v, 3, 50),
        lambda v: np.round(v, 1),
        lambda v: np.where(v > 50, v, -1),
        lambda v: np.where(np.asarray(v) > 50, 1, v),
        lambda v: np.nan_to_num(v),
        lambda v: np.isclose(v, 7),
        lambda v: np.isin(v, [1, 2]),
        lambda v: np.real(v),
        lambda v: np.copy(v),
        lambda v: np.zeros_like(v),
        lambda v: np.full_like(v, 7),
        lambda v: np.interp(v, [0, 100], [0, 1]),
        lambda v: np.digitize(v, [10, 20]),
        lambda v: np.select([v > 50, v > 20], [v, -v], 0),
    ],
)
def test_functions_of_single_voxels_keep_the_place(function):
    same(function(V), function(A))


@pytest.mark.parametrize(
    "function",
    [
        lambda v: np.sum(v),
        lambda v: np.mean(v, axis=0),
        lambda v: np.mean(v, axis=(0, 3)),
        lambda v: np.transpose(v),
        lambda v: np.flip(v),
        lambda v: np.roll(v, 1),
        lambda v: np.concatenate([v, v]),
        lambda v: np.stack([v, v]),
        lambda v: np.pad(v, 1),
        lambda v: np.cumsum(v, axis=0),
        lambda v: np.percentile(v, [5, 50], axis=3),
        lambda v: np.unique(v),
        lambda v: np.argwhere(v > 9),
        lambda v: np.array_equal(v, v),
        lambda v: np.allclose(v, v),
        lambda v: np.shape(v),
        lambda v: np.where(v > 3)[0],
    ],
)
def test_other_functions_give_what_they_give_for_arrays(function):
    got, want = function(CUBE), function(CUBE.data)
    assert type(got) is type(want)
    np.testing.assert_array_equal(got, want)


def test_reductions_of_further_axes_keep_the_place():
    for function in (np.mean, np.max, np.std, np.median, np.argmax, np.sum):
        same(function(SERIES, axis=3), function(SERIES.data, axis=3))
    got = np.mean(SERIES, -1)
    same(got, SERIES.data.mean(axis=-1))
    assert "axes" not in got.meta and "axis_values" not in got.meta
    same(np.percentile(SERIES, 5, axis=3), np.percentile(SERIES.data, 5, axis=3))
    same(np.mean(SERIES, axis=3, keepdims=True), SERIES.data.mean(axis=3, keepdims=True))
    meta = {"axes": ("time", "echo"), "axis_values": ((0, 1), (5, 6, 7))}
    both = vk.Volume(np.zeros((4, 5, 6, 2, 3)), OBLIQUE, meta)
    left = np.mean(both, axis=3)
    assert left.shape == (4, 5, 6, 3) and left.meta["axes"] == ("echo",)
    assert left.meta["axis_values"] == ((5, 6, 7),)


def test_points():
    points = V.index_to_world([[1, 2, 3], [0.5, 0, 0]])
    np.testing.assert_allclose(points[0], (OBLIQUE @ [1, 2, 3, 1])[:3])
    np.testing.assert_allclose(V.world_to_index(points), [[1, 2, 3], [0.5, 0, 0]], atol=1e-12)
    assert V.world_to_index([0, 0, 0]).shape == (3,) and V.world_to_index(np.zeros((2, 5, 3))).shape == (
        2,
        5,
        3,
    )
    for wrong in ([1, 2], 5, "abc", [[1, 2, 3, 4]], None):
        with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError), match="points: got"):
            V.world_to_index(wrong)


def test_results_are_copied_and_pickled_like_any():
    part = copy.deepcopy(V[1:])
    same(part, A[1:], V[1:].affine)
