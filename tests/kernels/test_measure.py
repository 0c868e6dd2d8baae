# SPDX-License-Identifier: Apache-2.0
"""measure: NumPy's percentiles, the reference at every level, scikit-image's Otsu, boxes and crops."""

import numpy as np
import pytest
from cases import DTYPES, INTEGERS, SIZES, image, layouts

import voxkern as vk
from voxkern import _core
from voxkern.reference import measure as reference

Q = (0, 0.5, 3, 25, 50, 61.8, 75, 99.5, 100)
KINDS = [*DTYPES, "float16"]


def numpy_percentiles(x, q):
    """NumPy's, of voxels whose differences their dtype holds."""
    wide = x.astype(np.int64) if x.dtype.kind in "ib" else x
    with np.errstate(invalid="ignore", over="ignore"):
        return np.percentile(wide, q)


def statistics_agree(got, want, tolerance=1e-13):
    assert got[0] == want[0]
    np.testing.assert_allclose(got[1:3], want[1:3], rtol=tolerance, atol=tolerance * max(1, want[2]))


# --- statistics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KINDS)
def test_statistics(rng, cpu_level, dtype):
    x = image(rng, (7, 30, 61), dtype)
    statistics_agree(_core.measure(x, None, 2), reference.measure(x))
    mask = rng.random(x.shape) > 0.7
    statistics_agree(_core.measure(x, mask, 2), reference.measure(x, mask))
    for inside in (None, mask):
        assert _core.measure_extremes(x, inside, 2) == reference.measure_extremes(x, inside)


@pytest.mark.parametrize("n", [*SIZES, 2047, 2048, 2049, 65535, 65536, 65537, 200001])
def test_statistics_of_sizes(rng, cpu_level, n):
    x = image(rng, n, "float32")
    mask = (rng.random(n) > 0.4).astype(np.uint8)
    mask[n // 2] = 1
    statistics_agree(_core.measure(x, None, 3), reference.measure(x))
    statistics_agree(_core.measure(x, mask, 3), reference.measure(x, mask))
    x[n // 3] = np.nan
    for inside in (None, mask):
        if n > 2:
            assert _core.measure_extremes(x, inside, 3) == reference.measure_extremes(x, inside)


def test_blocks_far_apart(rng, cpu_level):
    """The first block of a piece is far from the others: its mean is a poor centre, but good enough."""
    x = rng.standard_normal(65536)
    x[:2048] += 1e7
    statistics_agree(_core.measure(x, None, 1), reference.measure(x))
    x[0] = 1e12
    statistics_agree(_core.measure(x, None, 1), reference.measure(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_voxels_have_no_deviation(cpu_level, dtype):
    for value in (0.1, 1e-7 / 3, 1e6 / 3, -5.3):
        x = np.full(200_001, value, dtype)
        assert _core.measure(x, None, 3) == (x.size, x[0], 0)


def test_a_large_mean_costs_no_digit(rng, cpu_level):
    x = rng.standard_normal(100_000) + 1e9
    _, mean, squares = _core.measure(x, None, 2)
    assert abs(mean - np.mean(x - 1e9) - 1e9) < 1e-6
    assert abs(squares / np.sum((x - x.mean()) ** 2) - 1) < 1e-9


def test_only_voxels_inside_are_looked_at(rng, cpu_level):
    x = image(rng, (20, 30, 70), "float32")
    mask = rng.random(x.shape) > 0.5
    want = _core.measure(x, mask, 1)
    x[~mask] = np.nan
    assert _core.measure(x, mask, 1) == want
    assert vk.percentiles(x, 40, mask) == np.percentile(x[mask], 40)


@pytest.mark.parametrize("dtype", KINDS)
def test_masks_of_every_dtype(rng, cpu_level, dtype):
    x = image(rng, (5, 9, 41), "float32")
    mask = np.where(rng.random(x.shape) > 0.5, 3, 0).astype(dtype)
    want = reference.measure(x, mask)
    statistics_agree(_core.measure(x, mask, 1), want)
    statistics_agree(_core.measure(x[..., ::-1], mask[..., ::-1], 1), want)


def test_what_counts_in_a_mask_of_floats(cpu_level):
    x = np.arange(6, dtype=np.float32)
    mask = np.array([0.0, -0.0, 1e-40, np.nan, -0.5, np.inf], np.float32)
    assert _core.measure(x, mask, 1)[0] == 4
    assert vk.bounding_box(mask) == (slice(2, 6),)


# --- percentiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KINDS)
def test_percentiles_are_numpys(rng, cpu_level, dtype):
    x = image(rng, (12, 13, 40), dtype)
    mask = rng.random(x.shape) > 0.6
    np.testing.assert_array_equal(vk.percentiles(x, Q), numpy_percentiles(x, Q))
    np.testing.assert_array_equal(vk.percentiles(x, Q, mask), numpy_percentiles(x[mask], Q))
    for q in Q:
        assert vk.percentiles(x, float(q)) == numpy_percentiles(x, float(q))


@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64"])
def test_percentiles_of_every_bit_pattern(rng, cpu_level, dtype):
    """All values that a dtype has, its limits, both zeros and infinities; many of them again and again."""
    bits = 8 * np.dtype(dtype).itemsize
    words = rng.integers(0, 2**bits - 1, 70_000, dtype=np.uint64, endpoint=True)
    x = words.astype(f"uint{bits}").view(dtype)
    if np.dtype(dtype).kind == "f":
        x = np.append(x[~np.isnan(x)], [0.0, -0.0, np.inf, -np.inf]).astype(dtype)
    x = np.append(x, np.repeat(x[:20], 300))
    for part in (x, x[-4000:]):  # counted, and sorted
        n = len(part)
        for place in (0, 1, 5, n // 2, n - 2, n - 1):
            pairs = np.empty((1, 2), dtype)
            q = place / (n - 1)
            count, not_numbers, (fraction,) = _core.measure_quantiles(part, None, [q], pairs, 2)
            want, (wanted,) = reference.measure_quantiles(part, None, [q])
            assert (count, not_numbers, fraction) == (n, 0, wanted)
            np.testing.assert_array_equal(pairs, want)


@pytest.mark.parametrize(
    "values",
    [
        [5],
        [5, 5, 5],
        [1, 2],
        [-3, 7],
        [0.0, -0.0, 0.0],
        [1, np.inf],
        [-np.inf, 1, 2],
        [-np.inf, np.inf],
        [np.inf, np.inf],
        [-np.inf, -np.inf, 3],
        [3e38, -3e38],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_and_infinite(values, dtype):
    x = np.array(values, dtype)
    for q in (*Q, 33.4, 66.7):
        np.testing.assert_array_equal(vk.percentiles(x, float(q)), numpy_percentiles(x, float(q)))
        np.testing.assert_array_equal(vk.percentiles(x, [q]), numpy_percentiles(x, [q]))


@pytest.mark.parametrize("seed", range(25))
def test_percentiles_of_random_arrays(seed):
    """Any size, ties, dtype, mask and q."""
    rng = np.random.default_rng(seed)
    dtype = KINDS[seed % len(KINDS)]
    n = int(rng.choice((rng.integers(1, 400), rng.integers(4090, 4100), 9000)))
    x = image(rng, n, dtype)[rng.integers(0, max(n // int(rng.integers(1, 9)), 1), n)]
    mask = rng.random(n) > rng.random()
    mask[0] = True
    q = np.append(rng.random(12) * 100, rng.integers(0, 101, 4))
    np.testing.assert_array_equal(vk.percentiles(x, q, mask), numpy_percentiles(x[mask], q))


def test_integers_keep_all_their_bits():
    x = np.array([2**63 - 1, 2**63 - 3, -(2**63)], np.int64)
    pairs = np.empty((2, 2), np.int64)
    _core.measure_quantiles(x, None, [0.5, 0.0], pairs, 1)
    assert pairs.tolist() == [[2**63 - 3, 2**63 - 1], [-(2**63), 2**63 - 3]]
    assert abs(vk.percentiles(x, 25)) < 1000  # of 1.8e19: NumPy's difference does not fit int64
    assert vk.percentiles(np.array([-128, 127], np.int8), 50) == -0.5


def test_percentiles_far_apart_take_several_rounds(rng):
    x = rng.standard_normal(30_000)
    q = np.linspace(0, 100, 61)
    np.testing.assert_array_equal(vk.percentiles(x, q), np.percentile(x, q))
    assert vk.percentiles(x, []).shape == (0,)


def test_nan_is_an_error_inside_only():
    x = np.array([1, np.nan, 3, -np.nan], np.float32)
    with pytest.raises(vk.ArgumentError, match="x: got 2 voxels that are not a number"):
        vk.percentiles(x, 50)
    assert vk.percentiles(x, 50, np.array([1, 0, 1, 0])) == 2
    many = np.full(5000, np.inf, np.float32)
    pairs = np.empty((1, 2), np.float32)
    assert _core.measure_quantiles(many, None, [0.5], pairs, 1)[:2] == (5000, 0)
    assert pairs.tolist() == [[np.inf, np.inf]]
    many[77] = np.nan
    with pytest.raises(vk.ArgumentError, match="x: got 1 voxels that are not a number"):
        vk.percentiles(many, 50)


# --- layouts, threads --------------------------------------------------------------------------------


def test_layouts(rng):
    x = image(rng, (9, 20, 33), "float32")
    mask = rng.random(x.shape) > 0.5
    want = reference.measure(x, mask)
    for name, array in layouts(x):
        for other, inside in layouts(mask):
            statistics_agree(_core.measure(array, inside, 2), want)
            assert vk.percentiles(array, 31, inside) == np.percentile(x[mask], 31), (name, other)
            assert vk.otsu(array, mask=inside) == vk.otsu(x[mask]), (name, other)
        assert vk.bounding_box(array, 90) == tuple(slice(*r) for r in reference.measure_box(x, 90)), name
        statistics_agree(_core.measure(array, None, 2), reference.measure(x))
    wide = np.broadcast_to(x[:, :1], x.shape)
    statistics_agree(_core.measure(wide, None, 2), reference.measure(wide))
    channels = np.broadcast_to(mask[0], x.shape)
    statistics_agree(_core.measure(x, channels, 2), reference.measure(x, channels))


@pytest.mark.parametrize("dtype", ["float32", "int16", "float64"])
def test_threads_agree(rng, dtype):
    x = image(rng, (60, 61, 62), dtype)
    mask = rng.random(x.shape) > 0.3
    for inside in (None, mask):
        first = _core.measure(x, inside, 1), vk.percentiles(x, Q, inside, threads=1).tolist()
        edges = np.linspace(-100, 200, 33)
        counts = _core.measure_histogram(x, inside, edges, 1)
        for threads in (2, 3, 8):
            again = _core.measure(x, inside, threads), vk.percentiles(x, Q, inside, threads=threads).tolist()
            assert again == first
            np.testing.assert_array_equal(_core.measure_histogram(x, inside, edges, threads), counts)


# --- histograms, Otsu --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KINDS)
def test_histogram(rng, cpu_level, dtype):
    x = image(rng, (5, 30, 61), dtype)
    for edges in (np.linspace(-50, 150, 41), np.array([0.0, 1]), np.linspace(-100, 100, 300)):
        for mask in (None, rng.random(x.shape) > 0.5):
            want = reference.measure_histogram(x, mask, edges)
            np.testing.assert_array_equal(_core.measure_histogram(x, mask, edges, 2), want)


def test_histogram_leaves_out_what_lies_beyond():
    x = np.array([-np.inf, -1, 0, 0.5, 1, 1.5, np.inf, np.nan])
    np.testing.assert_array_equal(_core.measure_histogram(x, None, [0, 0.5, 1], 1), [1, 2])


def test_histogram_on_edges_is_numpys(rng, cpu_level):
    """Values on the edges as float32 has them, and their neighbours."""
    edges = np.histogram_bin_edges(np.float32([0.1, 77.7]), 97)
    x = np.concatenate([edges, np.nextafter(edges, np.float32(1)), np.nextafter(edges, np.float32(70))])
    x = np.clip(x, edges[0], edges[-1])
    np.testing.assert_array_equal(_core.measure_histogram(x, None, edges, 1), np.histogram(x, 97)[0])


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint64", "float32", "float64"]
)
@pytest.mark.parametrize("bins", [2, 7, 256])
def test_otsu_is_scikit_images(rng, cpu_level, dtype, bins):
    filters = pytest.importorskip("skimage.filters")
    for _ in range(3):
        centres, spread = rng.uniform(10, 110, 3), rng.uniform(1, 6)
        x = rng.choice(centres, (14, 15, 16)) + spread * rng.standard_normal((14, 15, 16))
        x = np.clip(x, 0, 127).astype(dtype)
        assert vk.otsu(x, bins) == filters.threshold_otsu(x, bins)
        mask = rng.random(x.shape) > 0.5
        assert vk.otsu(x, bins, mask) == filters.threshold_otsu(x[mask], bins)


def test_otsu_names():
    x = np.array([8, 10, 9, 50, 52, 51])
    assert vk.otsu(x) == vk.otsu(x, 2) == 10
    assert vk.otsu(vk.Volume(x.reshape(1, 2, 3), np.eye(4))) == 10
    assert vk.otsu(x > 20) == 0
    assert 10 < vk.otsu(x, 200, method="itk") < 11
    assert vk.otsu(x.astype(np.float16)) == vk.otsu(x.astype(np.float32))


# --- boxes -------------------------------------------------------------------------------------------


def sparse(rng, shape, dtype):
    x = np.zeros(shape, dtype)
    for _ in range(int(rng.integers(1, 5))):
        x[tuple(int(rng.integers(n)) for n in shape)] = 1
    return x


@pytest.mark.parametrize("dtype", KINDS)
def test_boxes(rng, cpu_level, dtype):
    for shape in ((9, 20, 150), (300,), (3, 4, 5, 6), (70, 1, 2), (1,)):
        x = sparse(rng, shape, dtype)
        want = tuple(slice(*r) for r in reference.measure_box(x))
        for _, array in layouts(x):
            assert vk.bounding_box(array) == vk.bounding_box(array, 0.5) == want
        noise = image(rng, shape, dtype)
        noise.flat[-1] = 1
        assert vk.bounding_box(noise, 0.9) == tuple(slice(*r) for r in reference.measure_box(noise, 0.9))


def test_boxes_of_long_rows_and_many_threads(rng):
    x = np.zeros((3, 300_000), np.uint8)
    x[1, 70_001:200_003] = 1
    for threads in (1, 2, 5):
        assert vk.bounding_box(x, threads=threads) == (slice(1, 2), slice(70_001, 200_003))


def test_margins_and_axes():
    x = np.zeros((6, 7, 8))
    x[2, 3:5, 7] = 1
    assert vk.bounding_box(x, margin=1) == (slice(1, 4), slice(2, 6), slice(6, 8))
    assert vk.bounding_box(x, margin=(0, 9, 1)) == (slice(2, 3), slice(0, 7), slice(6, 8))
    assert vk.bounding_box(x, axes=-1) == (slice(0, 6), slice(0, 7), slice(7, 8))
    assert vk.bounding_box(x, axes=(2, 0), margin=1) == (slice(1, 4), slice(0, 7), slice(6, 8))
    volume = vk.Volume(np.stack([x, 0 * x], -1), np.eye(4))
    assert vk.bounding_box(volume) == (slice(2, 3), slice(3, 5), slice(7, 8), slice(0, 2))
    assert x[vk.bounding_box(x)].all()
    assert vk.bounding_box(np.float32(3)) == ()


def nnunet_crop(data):
    """The box of nnU-Net's crop: where any channel is not zero."""
    marked = (data != 0).any(0)
    return (slice(None), *[slice(w.min(), w.max() + 1) for w in np.nonzero(marked)])


@pytest.mark.parametrize("seed", range(8))
def test_crop_is_nnunets(seed):
    rng = np.random.default_rng(seed)
    data = np.stack([sparse(rng, (9, 11, 13), np.float32) for _ in range(3)])
    got, box = vk.crop_to_nonzero(data, axes=(1, 2, 3), return_box=True)
    np.testing.assert_array_equal(got, data[nnunet_crop(data)])
    np.testing.assert_array_equal(got, data[box])
    assert np.shares_memory(got, data)


def test_crop_moves_the_affine():
    x = np.zeros((6, 7, 8, 2), np.float32)
    x[2:4, 3, 5:7, 1] = 1
    affine = np.array([[0, 0, 2.0, 5], [-1, 0.1, 0, 6], [0, 3, 0, 7], [0, 0, 0, 1]])
    cropped, box = vk.crop_to_nonzero(vk.Volume(x, affine), return_box=True)
    assert cropped.shape == (2, 1, 2, 2) and box[3] == slice(0, 2)
    np.testing.assert_allclose(cropped.affine @ [0, 0, 0, 1], affine @ [2, 3, 5, 1])
    np.testing.assert_allclose(cropped.affine[:, :3], affine[:, :3])
    mask = np.zeros((6, 7, 8), bool)
    mask[1:3, 1:4, 0:2] = True
    inside = vk.crop_to_nonzero(vk.Volume(x, affine), mask, margin=(0, 1, 0))
    assert inside.shape == (2, 5, 2, 2)
    np.testing.assert_allclose(inside.affine @ [0, 0, 0, 1], affine @ [1, 0, 0, 1])
    plane = np.zeros((2, 5))
    plane[1, 2] = 3
    assert vk.crop_to_nonzero(plane).shape == (1, 1)
    assert vk.crop_to_nonzero(np.ones((2, 6, 7)), mask[:, :, 0], axes=(1, 2)).shape == (2, 2, 3)


def test_a_mask_lies_where_the_image_does(rng):
    x = vk.Volume(image(rng, (4, 5, 6), "float32"), np.diag([1.0, 2, 3, 1]))
    near, far = (vk.Volume(x.data > 0, np.diag([1.0, 2, 3 + wider, 1])) for wider in (1e-3, 0.5))
    for call in (
        lambda mask: vk.percentiles(x, 5, mask),
        lambda mask: vk.otsu(x, mask=mask),
        lambda mask: vk.zscore(x, mask),
        lambda mask: vk.clip_percentiles(x, mask=mask),
        lambda mask: vk.crop_to_nonzero(x, mask),
    ):
        call(near)
        call(far.data)
        with pytest.raises(vk.ArgumentError, match="mask: got another geometry"):
            call(far)


# --- wrong arguments ---------------------------------------------------------------------------------

X = np.arange(24.0).reshape(2, 3, 4)
NONE = np.zeros(X.shape, bool)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("x", lambda: vk.percentiles(X * 1j, 5)),
        ("x", lambda: vk.percentiles(X[:0], 5)),
        ("x", lambda: vk.otsu(X * 0)),
        ("x", lambda: vk.otsu(X * np.nan)),
        ("x", lambda: vk.otsu(np.where(X > 3, np.inf, X))),
        ("x", lambda: vk.otsu(np.array([0, 2**40]))),
        ("x", lambda: vk.otsu(np.array([2**60, 2**60 + 5]))),
        ("x", lambda: vk.bounding_box(NONE)),
        ("x", lambda: vk.bounding_box(X, 23)),
        ("x", lambda: vk.crop_to_nonzero(NONE)),
        ("mask", lambda: vk.percentiles(X, 5, NONE)),
        ("mask", lambda: vk.percentiles(X, 5, X[0])),
        ("mask", lambda: vk.percentiles(X, 5, X * 1j)),
        ("mask", lambda: vk.otsu(X, mask=NONE)),
        ("mask", lambda: vk.crop_to_nonzero(X, NONE)),
        ("mask", lambda: vk.crop_to_nonzero(X, X[0])),
        ("q", lambda: vk.percentiles(X, 101)),
        ("q", lambda: vk.percentiles(X, [5, -1])),
        ("q", lambda: vk.percentiles(X, np.nan)),
        ("q", lambda: vk.percentiles(X, "a")),
        ("q", lambda: vk.percentiles(X, [[1]])),
        ("bins", lambda: vk.otsu(X, 1)),
        ("bins", lambda: vk.otsu(X, 2.5)),
        ("bins", lambda: vk.otsu(np.float32([1e6, 1e6 + 1]), 1000)),
        ("method", lambda: vk.otsu(X, method="ITK")),
        ("threshold", lambda: vk.bounding_box(X, "a")),
        ("threshold", lambda: vk.bounding_box(X, np.nan)),
        ("axes", lambda: vk.bounding_box(X, axes=3)),
        ("margin", lambda: vk.bounding_box(X, margin=-1)),
        ("margin", lambda: vk.bounding_box(X, margin=0.5)),
        ("margin", lambda: vk.crop_to_nonzero(X, margin=(1, 2))),
        ("threads", lambda: vk.bounding_box(X, threads=0)),
    ],
)
def test_bad_input(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(word) and "got" in message and "allowed" in message


def test_nothing_at_all():
    nothing = np.zeros((0, 3), np.float32)
    pairs = np.empty((1, 2), np.float32)
    assert _core.measure(nothing, None, 1) == (0, 0, 0)
    assert _core.measure_extremes(nothing, nothing, 1)[:2] == (0, 0)
    assert _core.measure_quantiles(nothing, None, [0.5], pairs, 1)[:2] == (0, 0)
    assert _core.measure_histogram(nothing, None, [0, 1], 1).tolist() == [0]
    assert all(first >= end for first, end in _core.measure_box(nothing, None, 1))


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("mask", lambda: _core.measure(X, NONE[0], 1)),
        ("edges", lambda: _core.measure_histogram(X, None, [1], 1)),
        ("edges", lambda: _core.measure_histogram(X, None, [1, 1], 1)),
        ("edges", lambda: _core.measure_histogram(X, None, [1, 3, 2], 1)),
        ("quantiles", lambda: _core.measure_quantiles(X, None, [1.5], np.empty((1, 2)), 1)),
        ("quantiles", lambda: _core.measure_quantiles(X, None, [np.nan], np.empty((1, 2)), 1)),
        ("neighbours", lambda: _core.measure_quantiles(X, None, [0.5], np.empty((2, 2)), 1)),
        ("neighbours", lambda: _core.measure_quantiles(X, None, [0.5], np.empty((1, 2), np.float32), 1)),
        ("neighbours", lambda: _core.measure_quantiles(X, None, [0.5, 1], np.empty((2, 2)).T, 1)),
    ],
)
def test_bad_input_of_the_kernel(word, call):
    with pytest.raises(ValueError, match=f"^{word}: "):
        call()
