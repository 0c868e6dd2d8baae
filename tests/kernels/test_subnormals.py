# SPDX-License-Identifier: Apache-2.0
"""Numbers below 1e-38: float32 work counts them as zero, float64 work keeps them, the caller's mode stays."""

import numpy as np
import pytest

import voxkern as vk

TINY = np.finfo(np.float32).tiny
SHAPE = (320, 20, 20)


def head(dtype=np.float32):
    """Noise in a ball and zeros around it, wide enough for the tail of a spline filter to die away."""
    places = np.indices(SHAPE, sparse=True)
    inside = sum(((p - n / 2) / (n * 0.12)) ** 2 for p, n in zip(places, SHAPE, strict=True)) < 1
    return np.where(inside, np.random.default_rng(3).random(inside.shape), 0).astype(dtype)


def subnormals(x):
    return np.count_nonzero((x != 0) & (np.abs(x) < np.finfo(x.dtype).tiny))


def keeps_subnormals():
    return (np.full(8, TINY) * np.float32(0.25)).all()


DISPLACEMENT = np.full((*SHAPE, 3), 0.3, np.float32)
CALLS = {
    "spline_filter": lambda x, order: vk.ndimage.spline_filter(x, order, output=x.dtype),
    "resample": lambda x, order: vk.resample(x, shape=(350, 20, 22), order=order),
    "rotate": lambda x, order: vk.ndimage.rotate(x, 7, axes=(0, 1), order=order),
    "warp": lambda x, order: vk.warp(x, DISPLACEMENT, order=order),
    "push": lambda x, order: vk.push(x, DISPLACEMENT, order=order),
}


@pytest.mark.parametrize("order", [2, 3])  # higher ones compute in float64
@pytest.mark.parametrize("name", CALLS)
def test_a_zero_background_stays_free_of_subnormals(name, order, cpu_level):
    x = head()
    got = CALLS[name](x, order)
    assert got.dtype == np.float32
    assert subnormals(got) == 0
    want = CALLS[name](x.astype(np.float64), order)
    error = 1e-5 if name == "push" else 1e-6  # that of float32, with or without subnormals
    np.testing.assert_allclose(got, want, rtol=0, atol=error * np.ptp(want))


def test_filters_flush_in_every_pass(cpu_level):
    x = np.zeros((40, 40, 40), np.float32)
    x[20, 20, 20] = 1e-36
    got = vk.ndimage.gaussian_filter(x, 1.0)
    assert got[20, 20, 20] > 0
    assert subnormals(got) == 0


def test_the_nearest_sample_is_a_copy(cpu_level):
    x = head() * TINY / 4
    assert subnormals(x) > 0
    for got in (vk.resample(x, shape=SHAPE, order=0), vk.warp(x, 0 * DISPLACEMENT, order=0)):
        np.testing.assert_array_equal(got, x)


def test_float64_keeps_its_subnormals(cpu_level):
    x = np.zeros((40, 12, 12))
    x[20] = 1e-307
    for got in (vk.resample(x, shape=(60, 12, 12), order=3), vk.ndimage.gaussian_filter(x, 2.0)):
        assert subnormals(got) > 0


def test_float16_keeps_its_subnormals(cpu_level):
    x = np.full((6, 7, 40), 3e-7, np.float16)
    assert subnormals(x) == x.size
    np.testing.assert_array_equal(vk.resample(x, shape=(6, 7, 50), order=1), np.full((6, 7, 50), x.flat[0]))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_mode_of_the_calling_thread_stays(threads):
    x = np.ones((64, 64, 64), np.float32)
    assert keeps_subnormals()
    vk.resample(x, shape=70, order=3, threads=threads)
    assert keeps_subnormals()

    def stop(*_):
        assert keeps_subnormals()
        raise KeyboardInterrupt

    noise = x + np.random.default_rng(0).random(x.shape, dtype=np.float32)
    with pytest.raises(KeyboardInterrupt):
        vk.n4_bias_field_correction(noise, callback=stop, threads=threads)
    assert keeps_subnormals()
