# SPDX-License-Identifier: Apache-2.0
"""resample, ways through the kernel: chunks, long lines, gathers, cells, ranges of slices, memory orders."""

import backends
import numpy as np
import pytest
import scipy.ndimage as scipy_ndimage
from cases import LAYOUTS, MODES, assert_close, image, in_layout, known
from resample_kernel import run

import voxkern as vk
from voxkern.reference.resample import resample as reference_resample

# --- chunks: planes cut into rows, lines into segments -------------------------------------------


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("mode", ["nearest", "grid-wrap", "constant", "grid-constant"])
def test_few_planes_are_shared_out(rng, cpu_level, order, mode):
    """An image of two axes and slabs of a few planes: as one of many, by any number of threads."""
    for shape, size in [((150, 140), (190, 111)), ((3, 90, 150), (5, 70, 211)), ((70, 61, 4), (80, 44, 4))]:
        x = rng.random(shape, dtype=np.float32)
        args = {"order": order, "mode": mode, "cval": 0.4, "antialias": order == 3}
        want = vk.resample(x, shape=size, **args, threads=1)
        assert vk.resample(x, shape=size, **args, threads=5).tobytes() == want.tobytes()
        np.testing.assert_allclose(want, vk.resample(x.astype(float), shape=size, **args), rtol=0, atol=3e-6)
        if x.ndim == 2:
            many = vk.resample(np.repeat(x[np.newaxis], 40, axis=0), shape=(40, *size), **args)
            np.testing.assert_array_equal(many[7], want)


@pytest.mark.parametrize("order", [0, 1, 3, 4])
def test_long_lines_match_scipy(rng, backend, order):
    x = rng.random(40000)
    for mode in ("nearest", "mirror", "reflect", "grid-wrap", "grid-constant"):
        want = known(scipy_ndimage.zoom, x, 1.25, order=order, mode=mode, cval=0.3)
        got = backend(vk.resample, x, shape=50000, order=order, mode=mode, cval=0.3, convention="corner")
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11, err_msg=mode)
        for n, m in ((70, 40000), (40000, 70)):  # long on one side only
            want = known(scipy_ndimage.zoom, x[:n], m / n, order=order, mode=mode, cval=0.3)
            got = backend(vk.resample, x[:n], shape=m, order=order, mode=mode, cval=0.3, convention="corner")
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-11, err_msg=f"{mode} {n}")
    pair = np.stack([x, x[::-1]], axis=1)
    got = backend(vk.resample, pair, shape=50000, axes=0, order=order)
    np.testing.assert_array_equal(got[:, 0], backend(vk.resample, x, shape=50000, order=order))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_smoothed_long_lines_match_scipy(rng, backend, order):
    x = rng.random(60000)
    for mode in ("nearest", "mirror", "grid-wrap", "grid-constant", "constant"):
        args = {"shape": 20000, "order": order, "mode": mode, "cval": 0.3, "convention": "corner"}
        sigma = ((x.size - 1) / (20000 - 1) - 1) / 2
        smooth = known(scipy_ndimage.gaussian_filter, x, sigma, mode=mode, cval=0.3)
        want = known(scipy_ndimage.zoom, smooth, 1 / 3, order=order, mode=mode, cval=0.3)
        got = backend(vk.resample, x, **args, antialias=True)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11, err_msg=mode)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_many_very_long_lines(rng, cpu_level, order):
    """Cut like a single one, whatever else changes, and the same for any number of threads."""
    x = rng.random((9, 1 << 20), dtype=np.float32)
    m = x.shape[1] + 77777
    args = {"order": order, "mode": "mirror"}
    want = np.stack([vk.resample(line, shape=m, **args) for line in x])
    got = vk.resample(x, shape=m, axes=1, **args, threads=3)
    np.testing.assert_array_equal(got, want)
    both = vk.resample(x, shape=(12, m), **args, threads=3)
    np.testing.assert_allclose(both, vk.resample(want, shape=12, axes=0, **args), rtol=0, atol=1e-6)
    across = vk.resample(x, shape=12, axes=0, **args, threads=3)
    np.testing.assert_array_equal(
        across[:, -1000:], vk.resample(x[:, -1000:].copy(), shape=12, axes=0, **args)
    )


@pytest.mark.parametrize("order", [4, 5])
def test_high_orders_of_float32_keep_its_precision(backend, order):
    """A ramp read backwards on its own samples: nothing but the prefilter's rounding is left."""
    x = np.arange(11592, dtype=np.float32).reshape(21, 23, 24)
    got = run(backend, x, [np.arange(n)[::-1] for n in x.shape], order, "grid-wrap")
    np.testing.assert_allclose(got, x[::-1, ::-1, ::-1], rtol=0, atol=1e-3)


# --- samples as they are, means over cells, ranges of slices, memory orders -----------------------


def test_nearest_takes_samples_as_they_are(rng, cpu_level):
    whole = rng.integers(-(2**63), 2**63 - 1, (9, 10, 11))
    size = (5, 17, 30)
    index = [((np.arange(m) + 0.5) * n / m).astype(int) for n, m in zip(whole.shape, size, strict=True)]
    half = whole.astype(np.int16).view(np.float16)
    for x in (whole, whole.astype(np.uint64), whole.view(np.float64), half):
        bits = f"u{x.itemsize}"
        for name in LAYOUTS:
            got = vk.resample(in_layout(x, name), shape=size, order=0)
            np.testing.assert_array_equal(got.view(bits), x[np.ix_(*index)].view(bits), err_msg=name)
    line = np.arange(2**53, 2**53 + 40000)
    np.testing.assert_array_equal(vk.resample(line, shape=80000, order=0), np.repeat(line, 2))
    spoiled = np.array([np.nan, 1.0, 2.0], np.float32)
    got = run(backends.make("cpu"), spoiled, [[-2.0, 0.0, 1.0]], 0, "grid-constant", cval=7.0)
    np.testing.assert_array_equal(got, np.array([7.0, np.nan, 1.0], np.float32))


def centres(n, m):
    return (np.arange(m) + 0.5) * (n / m) - 0.5


def test_cells_are_block_means(rng, backend):
    x = rng.random((24, 30, 44)).astype(np.float32)
    for size in ((12, 10, 4), (2, 30, 44), (24, 3, 11), (24, 30, 1)):
        step = [n // m for n, m in zip(x.shape, size, strict=True)]
        blocks = x.reshape([k for pair in zip(size, step, strict=True) for k in pair])
        want = blocks.mean(axis=(1, 3, 5), dtype=np.float64)
        grid = [centres(n, m) for n, m in zip(x.shape, size, strict=True)]
        for dtype in (np.float32, np.float64):
            got = run(backend, x.astype(dtype), grid, 0, "nearest", cells=[float(s) for s in step])
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 if dtype == np.float32 else 1e-13)
    # a value that is not finite stays in its cell
    x[0, 0, 3] = np.inf
    got = run(
        backend, x, [centres(24, 12), centres(30, 10), centres(44, 11)], 0, "nearest", cells=[2.0, 3.0, 4.0]
    )
    assert np.isinf(got[0, 0, 0]) and np.isfinite(got).sum() == got.size - 1


@pytest.mark.parametrize("m", [1, 7, 40, 100, 101, 333])
def test_cells_of_any_width(rng, backend, m):
    """Means as differences of the running sum, read between its samples."""
    x = rng.random(101)
    edges = np.linspace(0, 101, m + 1)
    running = np.interp(edges, np.arange(102), np.concatenate([[0.0], np.cumsum(x)]))
    want = np.diff(running) / (101 / m)
    for shape in ((101,), (101, 1, 5), (3, 101, 2), (2, 1, 101)):
        axis = shape.index(101)
        turned = np.broadcast_to(x.reshape([101 if n == 101 else 1 for n in shape]), shape)
        grid = [centres(101, m) if n == 101 else np.arange(n) for n in shape]
        got = run(backend, turned, grid, 0, "nearest", cells=[101 / m if n == 101 else 1.0 for n in shape])
        np.testing.assert_allclose(
            np.moveaxis(got, axis, 0).reshape(m, -1).T, [want] * (got.size // m), atol=1e-12
        )


@pytest.mark.parametrize("mode", [*MODES, "fov"])
def test_cells_match_reference(rng, backend, mode):
    x = rng.random((9, 11))
    grid = [np.linspace(-4.2, 13.1, 8), np.linspace(-3.0, 12.0, 6)]
    for cells in ([2.5, 1.0], [0.3, 4.0]):
        want = known(reference_resample, x, grid, 0, mode, cval=0.3, cells=cells)
        got = run(backend, x, grid, 0, mode, cval=0.3, cells=cells)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


def test_clip_of_slices(rng, backend):
    """Each channel within its own range, wherever the channels lie."""
    x = rng.random((6, 12, 13, 3), dtype=np.float32) * np.array([1, 10, 100], np.float32)
    x += rng.random((6, 1, 1, 1), dtype=np.float32) * 50
    grid = [np.arange(6), np.linspace(0, 11, 31), np.linspace(0, 12, 29), np.arange(3)]
    free = run(backend, x, grid, 3, "mirror")
    got = run(backend, x, grid, 3, "mirror", clip=True, clip_axes=[0, 3])
    low, high = x.min(axis=(1, 2), keepdims=True), x.max(axis=(1, 2), keepdims=True)
    assert (free > high).any() and (free < low).any()
    np.testing.assert_allclose(got, np.clip(free, low, high), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="clip_axes: allowed axes that are not resampled"):
        run(backend, x, grid, 3, "mirror", clip=True, clip_axes=[1])


@pytest.mark.parametrize("order", [0, 1, 3])
def test_memory_orders_of_input_and_output(rng, backend, order):
    args = {"shape": (33, 17, 50), "order": order, "mode": "constant", "cval": 3.0, "convention": "corner"}
    for dtype in ("uint8", "int16", "float32", "float64"):
        x = image(rng, (19, 22, 41), dtype)
        want = backend(vk.resample, x.astype(np.float64), **args)
        for axes in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            stored = backend.give(np.ascontiguousarray(x.transpose(axes)))
            stored = stored.transpose(np.argsort(axes).tolist())
            out = backend.empty((33, 17, 50), np.dtype(dtype))
            vk.resample(stored, out=out, **args)
            assert_close(backend.take(out), want, (dtype, axes))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_channels_last(rng, backend, order):
    x = rng.random((9, 10, 11, 20), dtype=np.float32)
    got = backend(vk.resample, x, shape=(14, 8, 17), axes=(0, 1, 2), order=order)
    for c in (0, 7, 19):
        want = backend(vk.resample, np.ascontiguousarray(x[..., c]), shape=(14, 8, 17), order=order)
        np.testing.assert_allclose(got[..., c], want, rtol=0, atol=2e-6)


@pytest.mark.parametrize("at", [-19.5, 40.5])
def test_cells_far_outside_are_the_edge(backend, at):
    """Whole cells and cells that cut samples, however far away: nothing of their weight is lost."""
    x = np.array([3.0, 1.0, 4.0, 7.0])
    for c in (at, at + 0.3):
        got = run(backend, x, [[0.5, c]], 0, "nearest", cells=[2.0])
        np.testing.assert_allclose(got, [2.0, x[0] if at < 0 else x[-1]], rtol=1e-12)


@pytest.mark.parametrize("cval", [7.0, np.inf])
def test_cval_of_images_with_channels_last_is_exact(rng, backend, cval):
    """All three axes change: what lies outside one of them is neither interpolated nor limited."""
    x = rng.random((12, 13, 14, 32))
    at = [np.linspace(-3, n + 1, n + 5) for n in x.shape[:3]]
    for more in ({}, {"clip": True}):
        got = run(backend, x, [*at, np.arange(32)], 3, "constant", cval=cval, **more)
        one = run(backend, x[..., 5].copy(), at, 3, "constant", cval=cval)
        outside = np.logical_or.outer(
            np.logical_or.outer(*((c < 0) | (c > n - 1) for c, n in zip(at[:2], x.shape, strict=False))),
            (at[2] < 0) | (at[2] > 13),
        )
        assert (got[outside] == cval).all() and outside.any()
        if not more:
            np.testing.assert_allclose(got[..., 5], one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["constant", "fov", "grid-constant"])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_outside_of_many_axes_is_cval(rng, backend, mode, order):
    """More axes change than are interpolated at a time: no round reads what an earlier one put outside."""
    x = rng.integers(0, 100, (4, 3, 5, 3, 4))
    at = [np.linspace(-1.3, n + 0.2, n + 2) for n in x.shape]
    want = known(reference_resample, x, at, order, mode, cval=777)
    for dtype, tolerance in ((np.float64, 1e-6), (np.float32, 0.01), (np.int16, 0.51)):
        got = run(backend, x.astype(dtype), at, order, mode, cval=777)
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
        if mode != "grid-constant":
            np.testing.assert_array_equal(got[want == 777], 777)
    if mode == "constant":
        x = x.astype(float)
        grid = np.meshgrid(*at, indexing="ij")
        scipys = known(scipy_ndimage.map_coordinates, x, grid, order=order, mode=mode, cval=np.inf)
        np.testing.assert_allclose(run(backend, x, at, order, mode, cval=np.inf), scipys, rtol=0, atol=1e-9)
        by = (0.5, -1.25, 2.5, 0.0, 0.75)
        shifted = backend(vk.ndimage.shift, x, by, order=order, mode=mode, cval=7)
        scipys = known(scipy_ndimage.shift, x, by, order=order, mode=mode, cval=7)
        np.testing.assert_allclose(shifted, scipys, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 3, "area"])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
def test_bools_hold_zero_and_one(rng, backend, order, dtype):
    """Whatever the numbers of the input, how far a spline overshoots, and the value outside."""
    x = (rng.random((21, 22, 23)) * 9 * (rng.random((21, 22, 23)) > 0.5)).astype(dtype)
    given, out = backend.give(x), backend.empty((37, 37, 37), np.dtype(bool))
    vk.resample(given, shape=37, order=order, out=out)
    results = [vk.ResamplePlan(x, shape=37, order=order)(given, dtype=bool), out]
    if order != "area":
        results.append(vk.ndimage.shift(given, 2.5, output=bool, order=order, mode="constant", cval=5))
        results.append(vk.ndimage.zoom(given, 1.7, output=bool, order=order, mode="mirror"))
        results.append(vk.ndimage.shift(given, 2.5, output=bool, order=order, mode="grid-constant", cval=-3))
    results = [backend.take(result) for result in results]
    for got in results:
        assert got.dtype == bool and set(np.unique(got.view(np.uint8))) <= {0, 1}
    assert results[0].any() and not results[0].all()
    np.testing.assert_array_equal(*results[:2])


def test_labels_of_bools_are_bools():
    with pytest.raises(vk.ArgumentError, match="cval: got 5"):
        vk.resample_labels(np.ones((4, 4), bool), shape=5, cval=5)
    with pytest.raises(vk.ArgumentError, match="out"):
        vk.resample_argmax(np.ones((5, 4, 4), np.float32), shape=5, out=np.empty((5, 5), bool))


# --- grid-constant: what lies wholly outside ------------------------------------------------------


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("end", [0, -1])
def test_nan_at_an_end_does_not_reach_what_lies_outside(rng, backend, order, end):
    """Where no tap is inside there is cval, whatever the samples are, as in scipy."""
    at = np.arange(-40.0, 45.0, 0.3)
    x = rng.random((3, 6))
    x[1, end] = np.nan
    want = scipy_ndimage.map_coordinates(
        x, np.meshgrid(np.arange(3.0), at, indexing="ij"), order=order, mode="grid-constant", cval=5.0
    )
    assert np.isnan(want).any()
    np.testing.assert_allclose(
        run(backend, x, [np.arange(3.0), at], order, "grid-constant", cval=5.0)[1], want[1], rtol=0, atol=1e-9
    )
    line = rng.random(40000)
    line[end] = np.nan
    beyond = np.concatenate([np.arange(-90.0, -20.5, 0.3), np.arange(40019.5, 40090.0, 0.3)])
    assert (run(backend, line, [beyond], order, "grid-constant", cval=5.0) == 5.0).all()


@pytest.mark.parametrize("order", [0, 1, 3, "area"])
@pytest.mark.parametrize("axes", [1, 2, 3, 4, 5])
def test_clip_limits_cval_that_blends_in(rng, backend, order, axes):
    """Along any number of axes, of short lines and of long ones."""
    x = rng.random((4,) * axes, dtype=np.float32)
    cells = [1.5] * axes if order == "area" else None
    args = {"cval": 7.0, "clip": True, "cells": cells}
    order = 0 if order == "area" else order
    at = [np.linspace(-2.3 - a, 5.2, 6) for a in range(axes)]
    got = run(backend, x, at, order, "grid-constant", **args)
    assert got.max() == x.max()
    assert (got[(0,) * axes] == x.max()).all() and (got[(-1,) * axes] == x.max()).all()
    free = run(backend, x, at, order, "grid-constant", cval=7.0, cells=cells)
    np.testing.assert_allclose(got, np.clip(free, x.min(), x.max()), rtol=0, atol=1e-5)
    line = rng.random(40000, dtype=np.float32)
    got = run(backend, line, [np.arange(-50.0, 100.0, 0.7)], order, "grid-constant", cval=7.0, clip=True)
    assert got.max() == line.max() == got[0]
