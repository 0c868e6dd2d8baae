# SPDX-License-Identifier: Apache-2.0
"""Grey morphology: the reference, scipy's bits, residues, outputs, errors."""

import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import DTYPES, LAYOUTS, MODES, SIZES, examples, image, in_layout, known
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import ndimage
from voxkern.reference.extrema1d import extrema1d as reference_extrema1d

STEPS = ["grey_erosion", "grey_dilation"]
PAIRS = ["grey_opening", "grey_closing", "white_tophat", "black_tophat"]
DIFFERENCES = ["morphological_gradient", "morphological_laplace"]
ALL = [*STEPS, *PAIRS, *DIFFERENCES]
HOLES = np.array([[[1, 0, 1], [0, 1, 1]]])
HEIGHTS = np.array([[[2.0, -1, 0, 7], [1.5, 3, 0.3, -2]], [[1, 1, -4, 0], [0, 0.1, 9, 5]]])


def same(got, want, what=None):
    """Compare bytes: scipy's masks hold numbers beyond 1 where heights are added."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    if got.dtype == bool:
        got, want = got.view(np.uint8), want.view(np.uint8)
    assert np.array_equal(got, want), what


def values(rng, shape, dtype):
    """Return few different values, and the extremes of the type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (rng.integers(-9, 9, shape) / 7).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) > 0.6
    limits = np.iinfo(dtype)
    low, high = (limits.min, limits.max) if dtype.itemsize < 8 else (limits.min // 2048, limits.max // 2048)
    return rng.choice(np.array([low, high, 0, 1, 3, 100], dtype), shape)


def answer(module, name, *args, **kwargs):
    with np.errstate(all="ignore"):
        return getattr(module, name)(*args, **kwargs)


def test_hand_computed():
    x = np.array([0, 2, 5, 1, 1, 4, 0])
    assert ndimage.grey_erosion(x, 3).tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert ndimage.grey_dilation(x, 2).tolist() == [2, 5, 5, 1, 4, 4, 0]
    assert ndimage.grey_erosion(x, structure=[1, 0, 2]).tolist() == [-1, -1, -1, -1, 0, -2, -2]
    assert ndimage.grey_dilation(x, structure=[1, 0, 2]).tolist() == [3, 6, 5, 7, 5, 4, 6]
    assert ndimage.morphological_gradient(x, 3).tolist() == [2, 5, 4, 4, 3, 4, 4]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_structures_match_the_reference(rng, cpu_level, mode, dtype):
    x = values(rng, (4, 5, 6), dtype)
    footprint = rng.random(HEIGHTS.shape) > 0.3
    footprint[1, 1, 3] = True
    for origin in ((0, 0, 0), (-1, 0, 1)):
        want = known(reference_extrema1d, x, footprint, False, [mode] * 3, 7, origin, -HEIGHTS)
        args = {"footprint": footprint, "structure": HEIGHTS, "mode": mode, "cval": 7, "origin": origin}
        same(ndimage.grey_erosion(x, **args), want, origin)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALL)
def test_bits_of_scipy(rng, cpu_level, dtype, name):
    if dtype == "bool" and name in DIFFERENCES:
        for module in (ndimage, scipy_ndimage):
            with pytest.raises(TypeError, match="subtract"):
                answer(module, name, np.zeros((3, 4), bool), 3)
        return
    x = values(rng, (5, 9, 33), dtype)
    for args in ({"size": (3, 2, 5)}, {"footprint": HOLES}, {"structure": HEIGHTS}):
        with np.errstate(all="ignore"):
            want = known(getattr(scipy_ndimage, name), x, **args)
            for layout in LAYOUTS:
                got = getattr(ndimage, name)(in_layout(x, layout), **args, threads=2)
                same(got, want, (layout, args))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["grey_opening", "black_tophat", "morphological_laplace"])
def test_modes_sizes_and_origins(rng, cpu_level, name, mode):
    x = values(rng, (6, 7, 18), "int16")
    structure = rng.integers(-5, 5, (2, 3, 4))
    for args in (
        {"size": 4, "origin": 1},
        {"size": (2, 3, 6), "origin": (0, -1, 2)},
        {"size": (1, 5), "axes": (2, 0), "origin": (0, -2)},
        {"footprint": np.ones((2, 4, 3)), "origin": (0, -1, 1)},
        {"footprint": HOLES[0], "axes": (2, 1)},
        {"footprint": rng.random((4, 3, 2)) > 0.4, "origin": (1, 0, 0)},
        {"structure": structure, "origin": (0, 1, -1)},
        {"structure": structure[0], "axes": (0, 2)},
        {"structure": structure, "footprint": structure > -3},
        {"structure": np.zeros((3, 3, 3))},
        {"size": 9, "structure": HEIGHTS},
    ):
        args = {**args, "mode": mode, "cval": -3}
        same(getattr(ndimage, name)(x, **args), known(getattr(scipy_ndimage, name), x, **args), args)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int64"])
def test_sizes_around_vectors(rng, cpu_level, dtype, n):
    for shape in [(n,), (n, 3), (3, n), (2, 3, n)]:
        x = values(rng, shape, dtype)
        structure = values(rng, (2, 3)[-len(shape) :], "float32") * 5
        axes = range(len(shape))[-2:]
        args = {"structure": structure, "axes": axes}
        for name in ("grey_dilation", "white_tophat"):
            same(getattr(ndimage, name)(x, **args), known(getattr(scipy_ndimage, name), x, **args), shape)
            same(getattr(ndimage, name)(x, 3), known(getattr(scipy_ndimage, name), x, 3), shape)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_blocks_of_a_volume(rng, cpu_level, dtype):
    """Residues of fused sweeps, of planes, of lines in place, and of pieces of long lines."""
    x = values(rng, (40, 70, 130), dtype)
    for size in (3, (9, 3, 5), (3, 40, 3), 31, (5, 5, 1), (1, 1, 7), (1, 4, 1)):
        for name in ("black_tophat", "morphological_laplace"):
            same(
                getattr(ndimage, name)(x, size, threads=3), known(getattr(scipy_ndimage, name), x, size), size
            )
    x = values(rng, (3, 90_000), dtype)
    for size in ((1, 9), (3, 101)):
        same(ndimage.white_tophat(x, size, threads=2), known(scipy_ndimage.white_tophat, x, size), size)


def test_many_axes_and_interleaved_channels(rng, cpu_level):
    x = values(rng, (3, 4, 6, 7, 10), "int16")
    structure = rng.integers(-9, 9, (2, 1, 3, 2, 3))
    for args in ({"structure": structure}, {"size": (2, 1, 3, 2, 3)}):
        want = known(scipy_ndimage.white_tophat, x, **args)
        same(ndimage.white_tophat(x, **args), want, args)
        same(ndimage.white_tophat(np.asfortranarray(x), **args), want, args)
    x = values(rng, (20, 30, 3), "uint8")
    for args in ({"structure": structure[0, 0, 0][..., None]}, {"size": (5, 5, 1)}):
        for name in ("grey_erosion", "morphological_gradient"):
            same(getattr(ndimage, name)(x, **args), known(getattr(scipy_ndimage, name), x, **args), args)


@pytest.mark.parametrize("output", [np.uint8, np.int32, np.float32, np.float64, bool])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_outputs_of_other_dtypes(rng, dtype, output):
    x = image(rng, (5, 6, 9), dtype)
    for name in ALL:
        for args in ({"size": 3}, {"structure": HEIGHTS}, {"footprint": HOLES}, {"size": 1}):
            for given_output in (output, np.empty(x.shape, output, order="F")):
                answers = []
                for module in (ndimage, scipy_ndimage):
                    target = given_output.copy("K") if isinstance(given_output, np.ndarray) else given_output
                    try:
                        answers.append(answer(module, name, x, **args, output=target))
                        assert answers[-1] is target or target is output
                    except TypeError as error:  # what NumPy does not subtract
                        answers.append(error)
                if isinstance(answers[1], TypeError):
                    assert str(answers[0]) == str(answers[1]), (name, args)
                else:
                    same(*answers, (name, args))


@pytest.mark.parametrize("name", ALL)
def test_output_may_be_the_input(rng, name):
    """scipy subtracts from an input that it has overwritten; here the answer is that of another output."""
    x = image(rng, (9, 10, 11), "int16")
    for args in ({"size": 3}, {"structure": HEIGHTS}):
        want = getattr(scipy_ndimage, name)(x, **args)
        same_memory = x.copy()
        assert getattr(ndimage, name)(same_memory, **args, output=same_memory) is same_memory
        same(same_memory, want, args)


def test_masks_differ_where_they_are_not_the_same(rng):
    x = rng.random((8, 9, 10)) > 0.6
    for name in ("white_tophat", "black_tophat"):
        for args in ({"size": 3}, {"size": 2, "origin": -1}, {"footprint": HOLES, "mode": "wrap"}):
            got = getattr(ndimage, name)(x, **args)
            same(got, getattr(scipy_ndimage, name)(x, **args), args)
            assert got.any()


def test_heights_that_are_not_finite(rng, cpu_level):
    """A sum that is NaN is passed over, as a NaN is."""
    x = rng.choice(np.array([np.inf, -np.inf, 0.0, 3.0], np.float32), (7, 40))
    with np.errstate(invalid="ignore"):
        for heights in ([[0, -np.inf, 1]], [[np.inf, 1, 2]], [[1.0, 2, -np.inf]]):
            terms = [np.pad(x, [(0, 0), (1, 1)], "symmetric")[:, k : k + 40] + np.float32(h)
                     for k, h in enumerate(heights[0][::-1])]  # fmt: skip
            want = np.fmax(np.fmax(terms[0], terms[1]), terms[2])
            np.testing.assert_array_equal(ndimage.grey_dilation(x, structure=heights), want)
    x[3, 5:9] = np.nan
    got = ndimage.grey_erosion(x, structure=[[1, 2, 3]])
    assert np.isnan(got).sum() == 2 and not np.isnan(got[3, [5, 8]]).any()


def test_signs_of_zeros_and_subnormals(rng, cpu_level):
    x = rng.choice(np.array([0.0, -0.0, 1e-45, -1e-45, 1.0], np.float32), (20, 30))
    for args in ({"structure": [[0.0, 1e-45, -1.0]]}, {"size": 3}):
        for name in ("grey_erosion", "white_tophat"):
            want = known(getattr(scipy_ndimage, name), x, **args)
            assert getattr(ndimage, name)(x, **args).tobytes() == want.tobytes(), (name, args)


def test_heights_beyond_the_type(rng, cpu_level):
    """They wrap, but for that of the first sample: its sum is cut only at the end."""
    for dtype in DTYPES:
        x = values(rng, (5, 20), dtype)
        for heights in ([[300, -1, 2.7]], [[0.6, 300, 7e4]], [[-5.5, 0.9, -300]]):
            for name in STEPS:
                want = known(getattr(scipy_ndimage, name), x, structure=heights)
                same(getattr(ndimage, name)(x, structure=heights), want, (dtype, heights))


@pytest.mark.parametrize("name", ALL)
def test_same_bytes_for_any_thread_count(rng, name):
    x = image(rng, (30, 41, 50), "float32")
    for args in ({"size": 5}, {"structure": HEIGHTS}):
        want = getattr(ndimage, name)(x, **args, threads=1).tobytes()
        for threads in (2, 5):
            assert getattr(ndimage, name)(x, **args, threads=threads).tobytes() == want


def test_empty_single_and_no_axes():
    for name in ALL:
        assert getattr(ndimage, name)(np.zeros((0, 5)), 3).shape == (0, 5)
        for x in (np.array(3.0), np.full((1, 1), 4.0)):
            for args in ({"size": 3}, {"structure": np.full((2,) * x.ndim, 5.0)}):
                same(
                    np.asarray(getattr(ndimage, name)(x, **args)),
                    np.asarray(getattr(scipy_ndimage, name)(x, **args)),
                )


def test_volume_list_and_foreign_byte_order(rng):
    x = vk.Volume(rng.random((5, 6, 7)), np.diag([2.0, 3.0, 4.0, 1.0]), {"modality": "MR"})
    for name in ALL:
        y = getattr(ndimage, name)(x, 3)
        assert isinstance(y, vk.Volume) and y.meta["modality"] == "MR"
        np.testing.assert_array_equal(y.data, getattr(scipy_ndimage, name)(x.data, 3))
        foreign = (x.data * 99).astype(">i2")
        same(getattr(ndimage, name)(foreign, 3), getattr(scipy_ndimage, name)(foreign, 3), name)
        same(
            getattr(ndimage, name)([[1, 5], [2, 0]], 2),
            getattr(scipy_ndimage, name)([[1, 5], [2, 0]], 2),
            name,
        )


def test_a_size_beside_a_footprint_is_ignored():
    for name in ALL:
        with pytest.warns(UserWarning, match="ignoring size because footprint is set") as caught:
            got = getattr(ndimage, name)(np.arange(5), 3, footprint=[1, 0, 1])
        assert caught[0].filename == __file__ and len(caught) == 1
        with pytest.warns(UserWarning, match="ignoring size because footprint is set"):
            same(got, getattr(scipy_ndimage, name)(np.arange(5), 3, footprint=[1, 0, 1]))


X = np.zeros((3, 4))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "call",
    [
        lambda f: f(X),
        lambda f: f(X, footprint=np.zeros((3, 3))),
        lambda f: f(X, footprint=HOLES),
        lambda f: f(X, footprint=[1, 0, 1]),
        lambda f: f(X, footprint=HOLES[0], mode=("wrap", "wrap")),
        lambda f: f(X, footprint=HOLES[0], origin=2),
        lambda f: f(X, footprint=HOLES[0], mode="no such mode"),
        lambda f: f(X, structure=HEIGHTS),
        lambda f: f(X, structure=[1.0, 2.0]),
        lambda f: f(X, structure=np.ones((0, 3))),
        lambda f: f(X, structure=HEIGHTS[0], mode=("wrap", "wrap")),
        lambda f: f(X, structure=HEIGHTS[0], origin=(2, 0)),
        lambda f: f(X, structure=HEIGHTS[0], origin=(0,)),
        lambda f: f(X, structure=HEIGHTS[0], mode="no such mode"),
        lambda f: f(X, structure=HEIGHTS[0], cval="a"),
        lambda f: f(X, (3, 3, 3)),
        lambda f: f(X, "a"),
        lambda f: f(X, 3, mode="no such mode"),
        lambda f: f(X, 3, origin=2),
        lambda f: f(X, 3, cval=1j),
        lambda f: f(X, 3, axes=(0, 5)),
        lambda f: f(X, 3, axes=(1, 1)),
        lambda f: f(X, 3, output=np.zeros((4, 3))),
        lambda f: f(X.astype(complex), 3),
        lambda f: f(X.astype(complex), structure=HEIGHTS[0]),
        lambda f: f(X.astype(np.float16), 3),
        lambda f: f(X.astype(np.float16), structure=HEIGHTS[0]),
        lambda f: f(X.astype(object), 3),
    ],
)
def test_exceptions_are_scipys(call, name):
    with pytest.raises(Exception) as theirs:
        call(getattr(scipy_ndimage, name))
    with pytest.raises(type(theirs.value)) as ours:
        call(getattr(ndimage, name))
    assert str(ours.value) == str(theirs.value)


def test_heights_of_another_shape_than_the_footprints():
    """scipy reads them in a row, beyond their end where they are too few."""
    with pytest.raises(RuntimeError, match="structure array has incorrect shape"):
        ndimage.grey_erosion(X, footprint=np.ones((3, 3)), structure=np.ones((1, 9)))


@examples(20)
@given(st.data())
def test_properties(data):
    shape = data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-99, 99, shape).astype(np.int16)
    lengths = [data.draw(st.integers(1, 4)) for _ in shape]
    heights = rng.integers(-9, 9, lengths)
    heights.flat[0] = 1
    args = data.draw(
        st.sampled_from([{"structure": heights}, {"size": lengths}, {"footprint": heights > -9}])
    )
    eroded, dilated = ndimage.grey_erosion(x, **args), ndimage.grey_dilation(x, **args)
    # duality: a dilation is the erosion of the negative by the mirrored element
    if "size" not in args:
        mirrored = {key: np.flip(value) for key, value in args.items()}
        origin = [-(1 - n % 2) for n in lengths]
        np.testing.assert_array_equal(dilated, -ndimage.grey_erosion(-x, **mirrored, origin=origin))
    np.testing.assert_array_equal(ndimage.morphological_gradient(x, **args), dilated - eroded)
    np.testing.assert_array_equal(ndimage.morphological_laplace(x, **args), dilated + eroded - x - x)
    # away from the ends an opening lies below the image, a closing above, and a second one changes nothing
    inside = tuple(slice(2 * n, -2 * n) for n in lengths)
    opened, closed = ndimage.grey_opening(x, **args), ndimage.grey_closing(x, **args)
    assert (opened <= x)[inside].all() and (closed >= x)[inside].all()
    np.testing.assert_array_equal(ndimage.grey_opening(opened, **args)[inside], opened[inside])
    np.testing.assert_array_equal(ndimage.white_tophat(x, **args), x - opened)
    np.testing.assert_array_equal(ndimage.black_tophat(x, **args), closed - x)
