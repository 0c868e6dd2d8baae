# SPDX-License-Identifier: Apache-2.0
"""Morphology of masks: the reference and scipy at every level, layouts, outputs, wrong arguments."""

import numpy as np
import pytest
import scipy.ndimage
from cases import DTYPES, SIZES, examples, in_layout, layouts
from hypothesis import assume, given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core, ndimage
from voxkern._ops import morphology as balls
from voxkern.reference.morphology import morphology as reference

MOST = {1: 200, 2: 70, 3: 20, 4: 8}  # samples along each axis of random arrays
ERODE_AND_DILATE = ["binary_erosion", "binary_dilation", "binary_opening", "binary_closing"]


def mask(rng, shape, share=0.5):
    return rng.random(shape) < share


def run(x, structure, centre, *, within=None, **options):
    """Call the kernel itself."""
    out = np.empty(x.shape, bool)
    step = _core.MorphologyStep(structure=structure, centre=list(centre), **options)
    _core.morphology(x, within, out, [step], 2)
    return out


def check(name, x, *args, **options):
    got = getattr(ndimage, name)(x, *args, **options)
    want = getattr(scipy.ndimage, name)(x, *args, **options)
    assert got.dtype == want.dtype == bool
    np.testing.assert_array_equal(got, want, err_msg=f"{name} {x.shape} {options}")


def any_structure(rng, rank):
    """Return a structure of any shape, and the index of its centre."""
    shape = rng.integers(1, 6, rank)
    structure = [np.ones(shape, bool), mask(rng, shape, rng.random())][rng.integers(2)]
    return structure, tuple(int(rng.integers(n)) for n in shape)


# --- the kernel ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dilate", [False, True])
@pytest.mark.parametrize("shape", [(90,), (9, 70), (5, 6, 66), (3, 4, 3, 5)])
def test_reference(cpu_level, rng, shape, dilate):
    for border in (False, True):
        for within in (None, mask(rng, shape, 0.7)):
            x = mask(rng, shape, 0.2 if dilate else 0.8)
            structure, centre = any_structure(rng, len(shape))
            options = {"any": dilate, "border": border, "iterations": int(rng.integers(1, 4))}
            want = reference(x, structure, centre, mask=within, **options)
            np.testing.assert_array_equal(run(x, structure, centre, within=within, **options), want)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 7), min_size=1, max_size=4))
@examples(50)
def test_structures_larger_than_the_array(seed, shape):
    """scipy's lists of coordinates go wrong here, so the reference alone tells."""
    rng = np.random.default_rng(seed)
    structure, centre = any_structure(rng, len(shape))
    options = {"any": rng.random() < 0.5, "border": rng.random() < 0.5, "iterations": int(rng.integers(1, 4))}
    x = mask(rng, shape, rng.random())
    np.testing.assert_array_equal(
        run(x, structure, centre, **options), reference(x, structure, centre, **options)
    )


@pytest.mark.parametrize("n", [*SIZES, 63, 64, 127, 128, 129, 191, 600])
def test_sizes_around_words(cpu_level, rng, n):
    for shape in ((n,), (n, 5), (5, n), (3, 5, n), (n, 2, 3)):
        x = mask(rng, shape)
        check("binary_erosion", x)
        check("binary_dilation", x, border_value=1, iterations=2)


@pytest.mark.parametrize("reach", [1, 62, 63, 64, 65, 127, 130])
def test_shifts_across_words(cpu_level, rng, reach):
    x = mask(rng, (3, 400), 0.05)
    for place in (0, reach):
        structure = np.zeros((1, reach + 1), bool)
        structure[0, place] = True
        for centre in (0, reach // 2, reach):
            got = run(x, structure, (0, centre), any=True)
            np.testing.assert_array_equal(got, reference(x, structure, (0, centre), any=True))


def test_runs_of_a_structure(cpu_level, rng):
    """Rows of a structure with runs that hold each other, that do not, and single samples."""
    x = mask(rng, (12, 14, 150), 0.05)
    hourglass = np.ones((5, 5, 7), bool)
    hourglass[1:4] = [0, 1, 1, 1, 1, 1, 0]
    hourglass[2] = [0, 0, 1, 1, 1, 0, 0]
    apart = np.ones((3, 3, 8), bool)
    apart[0, :, 3:] = apart[2, :, :4] = False
    apart[1] = [1, 0, 1, 1, 0, 0, 1, 1]
    for structure in (hourglass, apart):
        for name in ERODE_AND_DILATE:
            check(name, x if name == "binary_dilation" else ~x, structure)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(cpu_level, rng, dtype):
    x = mask(rng, (6, 9, 70)).astype(dtype)
    if x.dtype.kind == "f":
        x[x == 0] = -0.0
        x[0, 0, :3] = np.nan
        x[1] *= np.finfo(dtype).smallest_subnormal
    within = mask(rng, x.shape).astype(dtype)
    check("binary_erosion", x, mask=within)
    check("binary_dilation", x[..., ::2])
    for name in ("binary_erosion", "binary_dilation"):
        got, want = np.empty(x.shape, dtype), np.empty(x.shape, dtype)
        assert getattr(ndimage, name)(x, output=got) is got
        getattr(scipy.ndimage, name)(x, output=want)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(7, 11, 19), (70, 3, 130), (65, 66)])
def test_layouts(cpu_level, rng, shape):
    x = mask(rng, shape, 0.8)
    within = mask(rng, shape)
    want = scipy.ndimage.binary_erosion(x, iterations=2, mask=within)
    for name, same in layouts(x.astype(np.int16)):
        got = ndimage.binary_erosion(same, iterations=2, mask=in_layout(within, "F"))
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, want, err_msg=name)
        out = in_layout(np.empty(shape, bool), name) if name != "read-only" else np.empty(shape, bool)
        ndimage.binary_erosion(same, iterations=2, mask=within, output=out)
        np.testing.assert_array_equal(out, want, err_msg=name)
    for axis in range(len(shape)):
        wide = np.broadcast_to(np.take(x, [0], axis), shape)
        np.testing.assert_array_equal(ndimage.binary_erosion(wide), ndimage.binary_erosion(wide.copy()))


def test_same_bits_for_any_thread_count(rng):
    x = mask(rng, (40, 90, 70), 0.7)
    want = ndimage.binary_opening(x, np.ones((3, 3, 3)), 2, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(ndimage.binary_opening(x, np.ones((3, 3, 3)), 2, threads=threads), want)


# --- as scipy --------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
@examples(100)
def test_any_arguments(seed, rank):
    rng = np.random.default_rng(seed)
    shape = rng.integers(5, MOST[rank] + 1, rank)
    x = mask(rng, shape, rng.random())
    axes = (
        None if rng.random() < 0.6 else np.sort(rng.permutation(rank)[: rng.integers(1, rank + 1)]).tolist()
    )
    structure, centre = any_structure(rng, rank if axes is None else len(axes))
    origin = [c - n // 2 for c, n in zip(centre, structure.shape, strict=True)]
    options = {
        "mask": None if rng.random() < 0.5 else mask(rng, shape, rng.random()),
        "border_value": int(rng.integers(2)),
        "origin": origin,
        "axes": axes,
    }
    iterations = int(rng.integers(1, 5))
    if structure[centre] and rng.random() < 0.3:
        iterations = 0
    brute = bool(rng.random() < 0.5) and iterations > 0
    for name in ERODE_AND_DILATE:
        check(name, x, structure, iterations=iterations, brute_force=brute, **options)
    if structure[centre]:
        check("binary_propagation", x, structure, **options)
        check("binary_fill_holes", x, structure, origin=origin, axes=axes)
    check("binary_hit_or_miss", x, structure, origin1=origin, axes=axes)
    other = mask(rng, structure.shape, 0.3)
    check("binary_hit_or_miss", x, structure, other, origin1=0, origin2=origin, axes=axes)


@pytest.mark.parametrize("shape", [(300,), (40, 90), (12, 30, 70), (6, 7, 8, 9)])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.9])
def test_floods(cpu_level, rng, shape, share):
    """Holes and propagation, by components where the structure is that of `label`, and without them."""
    rank = len(shape)
    x = mask(rng, shape, share)
    seeds = mask(rng, shape, 0.02)
    for connectivity in range(1, rank + 1):
        structure = scipy.ndimage.generate_binary_structure(rank, connectivity)
        check("binary_fill_holes", x, structure)
        for border in (0, 1):
            check("binary_propagation", seeds, structure, mask=x, border_value=border)
        check("binary_propagation", seeds, structure)
        check("binary_erosion", x, structure, iterations=-1)
    half = mask(rng, (3,) * rank, 0.3)
    symmetric = half | np.flip(half)
    for centre in (True, False):
        symmetric[(1,) * rank] = centre
        check("binary_fill_holes", x, symmetric)
    uneven = np.ones((2,) * rank, bool)
    check("binary_fill_holes", x, uneven)
    check("binary_propagation", seeds, uneven, mask=x)


def test_outputs_of_floods(rng):
    x, seeds = mask(rng, (9, 80), 0.6), mask(rng, (9, 80), 0.05)
    for dtype in (bool, "uint8", "float32", ">i4"):
        for name, arguments in (
            ("binary_fill_holes", (x,)),
            ("binary_hit_or_miss", (x,)),
            ("binary_propagation", (seeds, None, x)),
        ):
            want = getattr(scipy.ndimage, name)(*arguments)
            out = np.empty(x.shape, dtype)[:, ::-1]
            got = getattr(ndimage, name)(*arguments, output=out)
            assert got is (out if name == "binary_propagation" else None)
            np.testing.assert_array_equal(out, want)


def test_in_place(rng):
    x = mask(rng, (20, 90), 0.7)
    for name in (*ERODE_AND_DILATE, "binary_propagation", "binary_fill_holes", "binary_hit_or_miss"):
        want = getattr(scipy.ndimage, name)(x)
        same = x.copy()
        getattr(ndimage, name)(same, output=same)
        np.testing.assert_array_equal(same, want, err_msg=name)
        moved = np.vstack([x, x[:1]])
        getattr(ndimage, name)(moved[:-1], output=moved[1:])
        np.testing.assert_array_equal(moved[1:], want, err_msg=name)


def test_structures_are_scipys():
    for rank in range(-1, 5):
        for connectivity in range(-1, 6):
            got = ndimage.generate_binary_structure(rank, connectivity)
            want = scipy.ndimage.generate_binary_structure(rank, connectivity)
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)
    for structure in (np.ones(3), [[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.ones((2, 3)), np.eye(4)):
        for iterations in range(4):
            got = ndimage.iterate_structure(structure, iterations)
            want = scipy.ndimage.iterate_structure(structure, iterations)
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)
    assert ndimage.iterate_structure([1, 1, 1], 3, -1)[1] == [-3]


def test_small_arrays_and_volumes():
    assert ndimage.binary_erosion(3) and not ndimage.binary_dilation(0.0)
    assert ndimage.binary_fill_holes(0).shape == ()
    assert ndimage.binary_closing(np.zeros((0, 3))).shape == (0, 3)
    assert ndimage.binary_fill_holes(np.zeros((3, 0))).shape == (3, 0)
    volume = vk.Volume(np.ones((2, 3, 4), np.uint8), np.eye(4))
    for name in ("binary_opening", "binary_fill_holes", "binary_hit_or_miss"):
        assert isinstance(getattr(ndimage, name)(volume), vk.Volume)


ARGUMENTS = [
    ("binary_erosion", {"iterations": 1.5}),
    ("binary_erosion", {"structure": np.ones(3)}),
    ("binary_dilation", {"structure": np.ones((3, 3, 3))}),
    ("binary_opening", {"structure": np.ones((0, 3))}),
    ("binary_dilation", {"mask": np.ones(3)}),
    ("binary_erosion", {"origin": [1, 1, 1]}),
    ("binary_erosion", {"origin": 2}),
    ("binary_dilation", {"origin": -2}),
    ("binary_erosion", {"output": np.empty((2, 2), bool)}),
    ("binary_erosion", {"output": np.empty((3, 3), complex)}),
    ("binary_erosion", {"axes": (2,)}),
    ("binary_erosion", {"axes": (0, 0)}),
    ("binary_erosion", {"axes": 0, "structure": np.ones((3, 3))}),
    ("binary_fill_holes", {"structure": np.ones(3)}),
    ("binary_hit_or_miss", {"structure1": np.ones((3, 3, 3))}),
    ("binary_propagation", {"mask": np.ones((3, 4))}),
]


@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS)
def test_wrong_arguments_are_scipys(name, arguments):
    with pytest.raises(Exception) as theirs:  # whatever it is
        getattr(scipy.ndimage, name)(np.eye(3), **arguments)
    with pytest.raises(theirs.type):
        getattr(ndimage, name)(np.eye(3), **arguments)


def test_more_wrong_arguments():
    with pytest.raises(TypeError, match="Complex type"):
        ndimage.binary_erosion(np.eye(3) * 1j)
    with pytest.raises(RuntimeError, match="not supported"):
        ndimage.binary_erosion(np.eye(3, dtype=np.float16))
    with pytest.raises(ValueError, match="invalid origin"):  # scipy reads outside the structure
        ndimage.binary_erosion(np.eye(3), origin=-2)
    with pytest.raises(ValueError, match="alternates"):  # scipy never returns
        ndimage.binary_dilation([0] * 70 + [1] + [0] * 70, [1, 0, 1], iterations=-1)


def test_a_result_that_is_not_monotone_may_settle():
    """A sample that moves out of the array; scipy's answer."""
    x = np.zeros((3, 90), bool)
    x[1, 5] = True
    check("binary_dilation", x, [[0, 0, 0], [0, 0, 1], [0, 0, 0]], iterations=-1)
    assert not ndimage.binary_dilation(x, [[0, 0, 0], [0, 0, 1], [0, 0, 0]], iterations=-1).any()


# --- balls -----------------------------------------------------------------------------------------------


def by_distance(x, radius, spacing, dilate):
    """Return the ball's dilation or erosion from distances in float64."""
    if (x if dilate else ~x).any():
        near = scipy.ndimage.distance_transform_edt(~x if dilate else x, spacing) <= radius * (1 + 1e-6)
    else:
        near = np.zeros(x.shape, bool)
    return near if dilate else ~near & x


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@examples(50)
def test_balls(seed, rank):
    rng = np.random.default_rng(seed)
    x = mask(rng, rng.integers(1, MOST[rank], rank), rng.random() ** 3)
    spacing = np.round(rng.uniform(0.3, 3, rank), 1)
    radius = round(float(rng.uniform(0, 9)), 1)
    assume(x.size)
    for name, flags in (
        ("dilate", (True,)),
        ("erode", (False,)),
        ("opening", (False, True)),
        ("closing", (True, False)),
    ):
        want = x
        for dilate in flags:
            want = by_distance(want, radius, spacing, dilate)
        for most_rows in (0, 10**9):  # by distances, and as a structure
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(balls, "_MOST_ROWS", most_rows)
                got = getattr(vk, name)(x, radius, spacing=spacing)
            assert got.dtype == bool
            np.testing.assert_array_equal(got, want, err_msg=f"{name} {x.shape} {radius} {spacing}")


@pytest.mark.parametrize("spacing", [0.7, (1.5, 0.5, 1.0)])
@pytest.mark.parametrize("dilate", [True, False])
def test_large_balls(cpu_level, rng, dilate, spacing):
    x = mask(rng, (40, 66, 90), 0.0005 if dilate else 0.9995)
    for name, same in layouts(x.astype(np.float32)):
        got = (vk.dilate if dilate else vk.erode)(same, 16.0, spacing=spacing)
        want = by_distance(x, 16.0, spacing, dilate)
        np.testing.assert_array_equal(got, want, err_msg=name)
        assert got.flags.f_contiguous == (name == "F")
    discs = (vk.dilate if dilate else vk.erode)(x[:, :5, :5], 1e9, axes=(1, 2))  # beyond every face
    want = x[:, :5, :5].any((1, 2)) if dilate else x[:, :5, :5].all((1, 2))
    np.testing.assert_array_equal(discs, np.broadcast_to(want[:, None, None], discs.shape))


def test_discs_by_distances(rng, monkeypatch):
    monkeypatch.setattr(balls, "_MOST_ROWS", 0)
    x = mask(rng, (6, 20, 30), 0.03)
    for axis in range(3):
        axes = tuple(a for a in range(3) if a != axis)
        got = vk.closing(np.asfortranarray(x), 3.3, axes=axes, spacing=(1.1, 0.6))
        for s, closed in zip(np.moveaxis(x, axis, 0), np.moveaxis(got, axis, 0), strict=True):
            want = by_distance(by_distance(s, 3.3, (1.1, 0.6), True), 3.3, (1.1, 0.6), False)
            np.testing.assert_array_equal(closed, want)
    assert not vk.dilate(np.zeros((4, 5), bool), 2).any() and vk.erode(np.ones((4, 5), bool), 2).all()
    assert vk.dilate(np.zeros((4, 0), bool), 2).shape == (4, 0)


def test_discs_in_slices(rng):
    x = mask(rng, (6, 20, 30), 0.03)
    got = vk.dilate(x, 2.5, axes=(1, 2))
    want = [by_distance(s, 2.5, 1, True) for s in x]
    np.testing.assert_array_equal(got, want)
    turned = vk.dilate(x.transpose(2, 0, 1), 2.5, axes=(0, 2), spacing=(0.5, 2))
    want = [by_distance(s, 2.5, (2, 0.5), True) for s in x]
    np.testing.assert_array_equal(turned, np.transpose(want, (2, 0, 1)))


def test_balls_of_volumes_have_their_spacing(rng):
    x = mask(rng, (9, 20, 30, 2), 0.02)
    affine = np.diag([3.0, 1.0, 0.5, 1.0])[[1, 2, 0, 3]]
    got = vk.dilate(vk.Volume(x, affine), 3.0)
    assert isinstance(got, vk.Volume)
    want = np.stack([by_distance(x[..., t], 3.0, (3, 1, 0.5), True) for t in range(2)], -1)
    np.testing.assert_array_equal(got.data, want)
    in_order = vk.closing(vk.Volume(np.asfortranarray(x[..., 0]), affine), 2.0, axes=(1, 2))
    assert in_order.data.flags.f_contiguous


def test_a_sheared_volume_has_sheared_balls(rng):
    x = np.zeros((9, 15, 21), bool)
    x[4, 7, 10] = True
    affine = np.array([[1.0, 0.3, 0, 0], [0, 1, 0.2, 0], [0, 0, 0.8, 0], [0, 0, 0, 1]])
    steps = np.moveaxis(np.indices(x.shape), 0, -1) - (4, 7, 10)
    want = np.linalg.norm(steps @ affine[:3, :3].T, axis=-1) <= 3.3 * (1 + 1e-6)
    np.testing.assert_array_equal(vk.dilate(vk.Volume(x, affine), 3.3).data, want)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vk.dilate([1], -1), "radius_mm: got -1"),
        (lambda: vk.erode([1], np.nan), "radius_mm: got nan"),
        (lambda: vk.opening([1], "a"), "radius_mm: got 'a'"),
        (lambda: vk.closing(1, 1), "mask: got no axis"),
        (lambda: vk.dilate([1], 1, spacing=0), "spacing: got 0"),
        (lambda: vk.dilate([1], 1, axes=1), "axes: got 1"),
        (lambda: vk.dilate(vk.Volume(np.ones((2, 2, 2)), np.eye(4)), 1, spacing=1), "spacing: got 1"),
        (lambda: vk.dilate(vk.Volume(np.ones((2, 2, 2, 2)), np.eye(4)), 1, axes=3), "axes: got"),
    ],
)
def test_wrong_arguments_of_balls(call, message):
    with pytest.raises(vk.VoxkernError, match=message):
        call()
