# SPDX-License-Identifier: Apache-2.0
"""``interpolate`` and ``grid_sample`` against torch's formulas, written literally in NumPy."""

import itertools
import math

import numpy as np
import pytest

import voxkern as vk
from voxkern import nn

TOLERANCE = 2e-6  # of values around 1: weights and sums of eight products round at 6e-8 each
SHAPES = [
    ((7,), (5,)),
    ((5,), (16,)),
    ((1,), (3,)),
    ((6, 5), (3, 11)),
    ((4, 17), (9, 33)),
    ((3, 4, 5), (7, 2, 9)),
]
MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


# --- references ---------------------------------------------------------------------------------------


def cubic(at, a=-0.75):
    """Return (sample, weight) of Keys' cubic convolution."""
    for k in range(math.floor(at) - 1, math.floor(at) + 3):
        t = abs(at - k)
        near = (a + 2) * t**3 - (a + 3) * t**2 + 1
        yield k, near if t < 1 else a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a


def line_weights(mode, n, m, scale=None, corners=False):
    """Return the matrix (m, n) that brings a line of n samples to m."""
    matrix = np.zeros((m, n))
    for i in range(m):
        ratio = n / m if scale is None else 1 / scale
        if mode == "nearest":
            matrix[i, min(math.floor(i * ratio), n - 1)] = 1
        elif mode == "nearest-exact":
            matrix[i, min(math.floor((i + 0.5) * ratio), n - 1)] = 1
        elif mode == "bicubic":
            at = i * (n - 1) / max(m - 1, 1) if corners else (i + 0.5) * ratio - 0.5
            for k, w in cubic(at):
                matrix[i, min(max(k, 0), n - 1)] += w
        elif mode == "area":
            first, last = math.floor(i * n / m), math.ceil((i + 1) * n / m)
            matrix[i, first:last] = 1 / (last - first)
        else:
            at = max((i + 0.5) * ratio - 0.5, 0.0)
            if corners:
                at = i * (n - 1) / (m - 1) if m > 1 else 0.0
            low = min(math.floor(at), n - 1)
            part = min(at - low, 1.0) if low < n - 1 else 0.0
            matrix[i, low] += 1 - part
            matrix[i, min(low + 1, n - 1)] += part
    return matrix


def interpolated(x, matrices):
    for axis, matrix in enumerate(matrices, start=2):
        x = np.moveaxis(np.tensordot(x, matrix, (axis, 1)), -1, axis)
    return x


def index_of(g, n, padding_mode, corners):
    """Return the index that a coordinate from -1 to 1 stands for."""
    at = (g + 1) / 2 * (n - 1) if corners else ((g + 1) * n - 1) / 2
    if padding_mode == "reflection":
        low, span = (0.0, n - 1.0) if corners else (-0.5, float(n))
        if span == 0:
            at = 0.0
        else:
            distance = abs(at - low)
            flips, rest = divmod(distance, span)
            at = (rest if flips % 2 == 0 else span - rest) + low
    if padding_mode != "zeros":
        at = min(max(at, 0.0), n - 1.0)
    return at


def fold(k, n, padding_mode, corners):
    """Return the sample that stands for tap k, as torch folds those of bicubic; None outside."""
    if padding_mode == "border":
        return min(max(k, 0), n - 1)
    if padding_mode == "reflection":
        period = max(2 * n - 2, 1) if corners else 2 * n
        k %= period
        return min(k, period - k if corners else period - 1 - k)
    return k if 0 <= k < n else None


def sampled(image, grid, mode, padding_mode, corners):
    """Return (C, grid...) of an image (C, ...) at the points of a grid (grid..., axes)."""
    shape = image.shape[1:]
    out = np.zeros((image.shape[0], *grid.shape[:-1]))
    for point in np.ndindex(grid.shape[:-1]):
        rule = "zeros" if mode == "bicubic" else padding_mode  # its taps are folded, not its points
        at = [index_of(float(g), n, rule, corners) for g, n in zip(grid[point][::-1], shape, strict=True)]
        taps = []
        for a, n in zip(at, shape, strict=True):
            if mode == "bicubic":
                folded = [(fold(k, n, padding_mode, corners), w) for k, w in cubic(a)]
                taps.append([(k, w) for k, w in folded if k is not None])
            elif mode == "nearest":
                taps.append([(round(a), 1.0)])  # Python rounds halves to even, too
            else:
                low = math.floor(a)
                taps.append([(low, 1 - (a - low)), (low + 1, a - low)])
        for combination in itertools.product(*taps):
            index = tuple(i for i, _ in combination)
            if all(0 <= i < n for i, n in zip(index, shape, strict=True)):
                out[(slice(None), *point)] += image[(slice(None), *index)] * math.prod(
                    w for _, w in combination
                )
    return out


# --- interpolate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "size"), SHAPES)
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "corners", "edges"])
def test_interpolate_to_a_size(rng, cpu_level, shape, size, mode):
    x = rng.random((2, 3, *shape), dtype=np.float32)
    corners = mode == "corners"
    options = {"mode": mode}
    if mode in ("corners", "edges"):
        options = {"mode": LINEAR[len(shape)], "align_corners": corners}
    got = nn.interpolate(x, size, **options)
    matrices = [line_weights(mode, n, m, corners=corners) for n, m in zip(shape, size, strict=True)]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, interpolated(x, matrices), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    ("shape", "size"), [pair for pair in SHAPES if len(pair[0]) == 2] + [((1, 2), (5, 7))]
)
@pytest.mark.parametrize("corners", [False, True])
def test_bicubic(rng, cpu_level, shape, size, corners):
    x = rng.random((2, 3, *shape), dtype=np.float32)
    got = nn.interpolate(x, size, mode="bicubic", align_corners=corners)
    matrices = [line_weights("bicubic", n, m, corners=corners) for n, m in zip(shape, size, strict=True)]
    np.testing.assert_allclose(got, interpolated(x, matrices), atol=TOLERANCE, rtol=0)
    with pytest.raises(vk.ArgumentError, match="mode: got 'bicubic' for 3 spatial axes"):
        nn.interpolate(x[:, :, None], 3, mode="bicubic")


@pytest.mark.parametrize("factor", [2, 0.5, 1.7, (0.6, 3)])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("recompute", [None, True])
def test_scale_factor_sets_the_coordinates_unless_recomputed(rng, factor, mode, recompute):
    x = rng.random((1, 2, 9, 11), dtype=np.float32)
    factors = factor if isinstance(factor, tuple) else (factor, factor)
    got = nn.interpolate(x, scale_factor=factor, mode=mode, recompute_scale_factor=recompute)
    matrices = [
        line_weights(mode, n, math.floor(n * f), None if recompute else f)
        for n, f in zip((9, 11), factors, strict=True)
    ]
    np.testing.assert_allclose(got, interpolated(x, matrices), atol=TOLERANCE, rtol=0)


def test_interpolate_reads_any_layout_and_writes_where_it_is_told(rng):
    x = rng.random((2, 3, 5, 6), dtype=np.float32)
    want = nn.interpolate(x, (7, 9), mode="bilinear")
    for view in (np.asfortranarray(x), np.repeat(x, 2, axis=3)[..., ::2], x[:, ::-1][:, ::-1]):
        np.testing.assert_allclose(nn.interpolate(view, (7, 9), mode="bilinear"), want, atol=TOLERANCE)
    for mode in ("bilinear", "area"):
        out = np.zeros((2, 3, 7, 9), np.float32)
        assert nn.interpolate(x, (7, 9), mode=mode, out=out) is out
        np.testing.assert_array_equal(out, nn.interpolate(x, (7, 9), mode=mode))


def test_same_bits_for_any_number_of_threads(rng):
    x = rng.random((2, 4, 20, 30, 31), dtype=np.float32)
    grid = rng.random((2, 9, 30, 33, 3)) * 3 - 1.5
    for threads in (2, 3):
        for call in (
            lambda t: nn.interpolate(x, scale_factor=1.5, mode="trilinear", threads=t),
            lambda t: nn.grid_sample(x, grid, threads=t),
            lambda t: nn.grid_sample(x, grid, "nearest", threads=t),
        ):
            np.testing.assert_array_equal(call(threads), call(1))


def test_empty_batches_stay_empty():
    assert nn.interpolate(np.zeros((0, 3, 4), np.float32), 9).shape == (0, 3, 9)
    grid = np.zeros((0, 5, 6, 2))
    assert nn.grid_sample(np.zeros((0, 3, 4, 4), np.float32), grid).shape == (0, 3, 5, 6)


IMAGE = np.zeros((1, 1, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "size, scale_factor: got None and None"),
        ({"size": 3, "scale_factor": 2.0}, "size, scale_factor: got 3 and 2.0"),
        ({"size": (3, 4, 5)}, r"size: got \(3, 4, 5\), allowed an int or 2 ints of 1"),
        ({"size": 0}, "size: got 0"),
        ({"scale_factor": 0.1}, "scale_factor: got 0.1 for"),
        ({"scale_factor": -1}, "scale_factor: got -1"),
        ({"scale_factor": (1.0, 2.0, 3.0)}, "scale_factor: got .* allowed a positive number or 2"),
        (
            {"size": 3, "mode": "trilinear"},
            "mode: got 'trilinear' for 2 spatial axes, allowed nearest, .*bilinear",
        ),
        ({"size": 3, "mode": "cubic"}, "mode: got 'cubic'"),
        ({"size": 3, "align_corners": True}, "align_corners: got True, allowed None"),
        ({"size": 3, "mode": "nearest", "antialias": True}, "antialias: got True with mode 'nearest'"),
        ({"size": 3, "recompute_scale_factor": True}, "recompute_scale_factor: got True"),
        ({"size": 3, "out": np.zeros((1, 1, 3, 4), np.float32)}, r"out: got shape \(1, 1, 3, 4\)"),
    ],
)
def test_interpolate_refuses(arguments, text):
    with pytest.raises(vk.ArgumentError, match=text):
        nn.interpolate(IMAGE, **arguments)


def stretched(n, m, kernel, reach):
    """Return the matrix of an axis whose kernel is stretched over what a sample of the result stands for."""
    stretch = max(n / m, 1.0)
    places = (np.arange(m)[:, None] + 0.5) * n / m - 0.5
    weights = np.vectorize(kernel)(np.abs(np.arange(n) - places) / stretch)
    weights[np.abs(np.arange(n) - places) >= reach * stretch] = 0
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialias(rng, cpu_level, mode):
    def keys(x):
        return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2

    kernel, reach = {"bilinear": (lambda x: 1 - x, 1), "bicubic": (keys, 2)}[mode]
    for n, m in (
        ((16, 33), (8, 7)),
        ((9, 40), (20, 13)),
        ((31, 5), (27, 3)),
        ((64, 3), (1, 1)),
        ((5, 90), (5, 31)),
    ):
        x = rng.normal(size=(2, 2, *n)).astype(np.float32)
        want = stretched(n[0], m[0], kernel, reach) @ x @ stretched(n[1], m[1], kernel, reach).T
        got = nn.interpolate(x, m, mode=mode, antialias=True)
        np.testing.assert_allclose(got, want, atol=2e-6)
        np.testing.assert_array_equal(got, nn.interpolate(x, m, mode=mode, antialias=True, threads=1))
        turned = nn.interpolate(np.asfortranarray(x), m, mode=mode, antialias=True)
        np.testing.assert_allclose(turned, want, atol=2e-6)


@pytest.mark.parametrize("shape", [(3, 4), (1, 1, 0), (1, 1, 2, 2, 2, 2)])
def test_interpolate_refuses_shapes(shape):
    with pytest.raises(vk.ArgumentError, match="input: got"):
        nn.interpolate(np.zeros(shape, np.float32), 2)


def test_other_dtypes_and_volumes_are_refused():
    with pytest.raises(vk.ArgumentTypeError, match="input: got dtype float64"):
        nn.interpolate(np.zeros((1, 1, 3)), 2)
    with pytest.raises(vk.ArgumentTypeError, match="Volume"):
        nn.interpolate(vk.Volume(np.zeros((3, 4, 5), np.float32), np.eye(4)), 2)


# --- grid_sample --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 5), (1, 6), (3, 4, 5), (2, 1, 7)])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding_mode", PADDINGS)
@pytest.mark.parametrize("corners", [False, True])
def test_grid_sample(rng, cpu_level, shape, mode, padding_mode, corners):
    if mode == "bicubic" and len(shape) == 3:
        pytest.skip("bicubic is for two axes")
    x = rng.random((2, 3, *shape), dtype=np.float32)
    points = (3, 2, 5)[: len(shape)]
    grid = (rng.random((2, *points, len(shape))) * 5 - 2.5).astype(np.float32)
    got = nn.grid_sample(x, grid, mode, padding_mode, corners)
    want = np.stack([sampled(*pair, mode, padding_mode, corners) for pair in zip(x, grid, strict=True)])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("padding_mode", PADDINGS)
@pytest.mark.parametrize("corners", [False, True])
def test_halves_go_to_the_even_sample(padding_mode, corners):
    """Coordinates halfway between two samples, inside and outside, in float32 and float64."""
    n = 5
    x = np.arange(1, n + 1, dtype=np.float32).reshape(1, 1, 1, n)
    at = np.arange(-12, 14) + 0.5
    g = at / (n - 1) * 2 - 1 if corners else (2 * at + 1) / n - 1
    exact = np.array([(v + 1) / 2 * (n - 1) if corners else ((v + 1) * n - 1) / 2 for v in g]) == at
    assert exact.sum() > 10
    grid = np.stack([g[exact], np.zeros(exact.sum())], axis=-1)[None, None]
    got = nn.grid_sample(x, grid, "nearest", padding_mode, corners)
    np.testing.assert_array_equal(got[0], sampled(x[0], grid[0], "nearest", padding_mode, corners))


def test_grid_sample_takes_strided_grids_and_out(rng):
    x = rng.random((2, 3, 6, 7), dtype=np.float32)
    grid = rng.random((2, 5, 4, 2), dtype=np.float32) * 2 - 1
    for mode in MODES:
        want = nn.grid_sample(x, grid, mode)
        np.testing.assert_array_equal(nn.grid_sample(x, np.asfortranarray(grid), mode), want)
        np.testing.assert_allclose(nn.grid_sample(x, grid.astype(np.float64), mode), want, atol=1e-6)
        out = np.zeros((2, 3, 5, 4), np.float32)
        assert nn.grid_sample(x, grid, mode, out=out) is out
        np.testing.assert_array_equal(out, want)


def test_points_far_away_and_infinite_are_outside(rng):
    x = rng.random((1, 2, 4, 5), dtype=np.float32) + 1
    grid = np.full((1, 1, 4, 2), 0.3, np.float32)
    grid[0, 0, :, 0] = [1e30, -1e30, np.inf, -np.inf]
    for mode in MODES[:2]:
        np.testing.assert_array_equal(nn.grid_sample(x, grid[:, :, :2], mode), 0.0)
        edge = nn.grid_sample(x, grid[:, :, :2], mode, "border")
        inside = grid[:, :, :2].clip(-1, 1)
        np.testing.assert_allclose(edge, nn.grid_sample(x, inside, mode, "border"), atol=1e-6)
    np.testing.assert_array_equal(nn.grid_sample(x, grid, "nearest"), 0.0)


GRID = np.zeros((1, 2, 2, 2), np.float32)


@pytest.mark.parametrize(
    ("grid", "arguments", "text"),
    [
        (GRID, {"mode": "cubic"}, "mode: got 'cubic' for 2 spatial axes, allowed bilinear, nearest, bicubic"),
        (GRID, {"padding_mode": "wrap"}, "padding_mode: got 'wrap', allowed zeros, border, reflection"),
        (np.zeros((2, 2, 2, 2), np.float32), {}, r"grid: got shape \(2, 2, 2, 2\).*\(1, 1, 4, 5\)"),
        (np.zeros((1, 2, 2, 3), np.float32), {}, r"grid: got shape \(1, 2, 2, 3\)"),
        (np.zeros((1, 2, 2), np.float32), {}, r"grid: got shape \(1, 2, 2\)"),
    ],
)
def test_grid_sample_refuses(grid, arguments, text):
    with pytest.raises(vk.ArgumentError, match=text):
        nn.grid_sample(IMAGE, grid, **arguments)


def test_grid_sample_refuses_dtypes_and_lines():
    with pytest.raises(vk.ArgumentTypeError, match="grid: got dtype int64"):
        nn.grid_sample(IMAGE, GRID.astype(np.int64))
    with pytest.raises(vk.ArgumentError, match=r"input: got shape \(1, 4, 5\), allowed 4 or 5 axes"):
        nn.grid_sample(IMAGE[0], GRID)
