# SPDX-License-Identifier: Apache-2.0
"""normalise: the reference at every level; z-score, windows and clipping as NumPy has them."""

import numpy as np
import pytest
from cases import DTYPES, SIZES, image, layouts

import voxkern as vk
from voxkern import _core
from voxkern.reference.normalise import normalise as reference

KINDS = [*DTYPES, "float16"]
NUMBERS = [k for k in KINDS if k != "bool"]
LINES = [
    {"centre": 31.7, "scale": 1 / 17},
    {"centre": -20.0, "scale": 255 / 140, "low": 0.0, "high": 255.0},
    {"centre": 10.0, "scale": -0.01, "shift": 0.75, "low": -0.25, "high": 0.75},
    {"low": 10.0, "high": 61.5},
]


def run(x, mask, dtype, threads=2, out=None, **options):
    out = np.empty(x.shape, dtype) if out is None else out
    _core.normalise(x, mask, out, _core.NormaliseOptions(**options), threads)
    return out


@pytest.mark.parametrize("line", LINES, ids=str)
@pytest.mark.parametrize("dtype", KINDS)
def test_matches_reference(rng, cpu_level, dtype, line):
    x = image(rng, (5, 7, 61), dtype)
    mask = rng.random(x.shape) > 0.5
    for target in {*NUMBERS[:4], "int64", "float16", "float32", "float64", *({dtype} - {"bool"})}:
        np.testing.assert_array_equal(run(x, None, target, **line), reference(x, None, target, **line))
        got = run(x, mask, target, outside=3.0, **line)
        np.testing.assert_array_equal(got, reference(x, mask, target, outside=3.0, **line))


@pytest.mark.parametrize("n", [*SIZES, 1023, 1024, 1025, 65535, 65537, 150_001])
def test_sizes(rng, cpu_level, n):
    x = image(rng, n, "float32")
    mask = (rng.random(n) > 0.5).astype(np.int16)
    for target in ("float32", "uint8"):
        np.testing.assert_array_equal(
            run(x, None, target, **LINES[1]), reference(x, None, target, **LINES[1])
        )
        np.testing.assert_array_equal(
            run(x, mask, target, **LINES[1]), reference(x, mask, target, **LINES[1])
        )


def test_layouts(rng):
    x = image(rng, (9, 20, 33), "float32")
    mask = rng.random(x.shape) > 0.5
    want = {dtype: reference(x, mask, dtype, **LINES[1]) for dtype in ("float32", "uint8", "float64")}
    clipped = np.clip(x, 10, 61.5)
    for name, array in layouts(x):
        for _, inside in layouts(mask):
            for dtype, expected in want.items():
                np.testing.assert_array_equal(run(array, inside, dtype, **LINES[1]), expected, err_msg=name)
                room = np.full((9, 20, 66), 7, dtype)
                run(array, inside, dtype, out=room[..., ::2], **LINES[1])
                np.testing.assert_array_equal(room[..., ::2], expected, err_msg=name)
                assert (room[..., 1::2] == 7).all()
        np.testing.assert_array_equal(run(array, None, "float32", **LINES[3]), clipped, err_msg=name)
        for call in (lambda x: vk.zscore(x, mask), lambda x: vk.window(x, 0, 50), vk.clip_percentiles):
            np.testing.assert_allclose(call(array), call(x), rtol=1e-6, err_msg=name)
            assert call(array).strides == np.empty_like(array, np.float32).strides, name


def test_not_a_number(cpu_level):
    x = np.array([np.nan, -np.inf, np.inf, 5] * 20, np.float32)
    for options in ({"low": 0.0, "high": 9.0}, {"shift": 1.0, "low": 0.0, "high": 9.0}):
        want = [0, 9, 5 + options.get("shift", 0)]
        np.testing.assert_array_equal(run(x, None, "float32", **options)[1:4], want)
        assert np.isnan(run(x, None, "float32", **options)[::4]).all()
        assert (run(x, None, "uint8", **options)[::4] == 0).all()
    x[0] = -np.nan
    assert np.isnan(vk.window(x, 0, 1)[0])


def test_limits_keep_all_bits_of_integers():
    x = np.array([2**63 - 1, 2**63 - 3, 5, -(2**63) + 1], np.int64)
    np.testing.assert_array_equal(run(x, None, "int64", high=2.0**62)[2:], x[2:])
    np.testing.assert_array_equal(run(x, None, "int64", low=2.0**62)[1:], [2**63 - 3, 2**62, 2**62])


@pytest.mark.parametrize("dtype", ["float32", "int16", "float64"])
def test_threads_agree(rng, dtype):
    x = image(rng, (60, 61, 62), dtype)
    mask = rng.random(x.shape) > 0.3
    for call in (
        lambda n: vk.zscore(x, mask, threads=n),
        lambda n: vk.zscore(x, threads=n),
        lambda n: vk.window_to_uint8(x, -20, 80, threads=n),
        lambda n: vk.clip_percentiles(x, mask=mask, threads=n),
    ):
        first = call(1)
        for threads in (2, 3, 8):
            np.testing.assert_array_equal(call(threads), first)


# --- z-score -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KINDS)
def test_zscore_is_numpys(rng, cpu_level, dtype):
    x = image(rng, (9, 20, 33), dtype)
    wide = x.astype(np.float64)
    mask = rng.random(x.shape) > 0.5
    got = vk.zscore(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, (wide - wide.mean()) / wide.std(), atol=1e-6)
    want = np.where(mask, (wide - wide[mask].mean()) / wide[mask].std(), 0)
    np.testing.assert_allclose(vk.zscore(x, mask), want, atol=1e-6)
    out = np.empty(x.shape)
    assert vk.zscore(x, mask, out=out) is out
    np.testing.assert_allclose(out, want, rtol=1e-12, atol=1e-12)


def test_zscore_of_a_large_mean(rng):
    x = rng.standard_normal((40, 50, 60)).astype(np.float32) + np.float32(1e5)
    got = vk.zscore(x).astype(np.float64)
    assert abs(got.mean()) < 1e-7 and abs(got.std() - 1) < 1e-7
    with pytest.raises(vk.ArgumentError, match="deviation 0"):
        vk.zscore(np.full((9, 10, 11), 0.1))


def test_zscore_outside_is_zero_whatever_is_there(rng):
    x = image(rng, (8, 9, 10), "float32")
    mask = rng.random(x.shape) > 0.5
    want = vk.zscore(x, mask)
    x[~mask] = np.nan
    np.testing.assert_array_equal(vk.zscore(x, mask), want)


def test_brats_slices(rng):
    """Limits and moments of one slice after another, as the pipeline of BraTS has them."""
    x = image(rng, (6, 40, 41), "float32")
    for plane in x:
        limits = np.percentile(plane, (1, 99))
        clipped = np.clip(plane, *limits)
        want = (clipped - clipped.mean()) / clipped.std()
        np.testing.assert_allclose(vk.zscore(vk.clip_percentiles(plane, 1, 99)), want, atol=2e-6)


# --- windows -----------------------------------------------------------------------------------------


def test_windows_in_both_words():
    x = np.array([-1200, -1000, -300, 400, 3000], np.int16)
    np.testing.assert_array_equal(vk.window(x, -1000, 400), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(vk.window(x, center=-300, width=1400), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(vk.window(x, -1000, 400, offset=-0.25), [-0.25, -0.25, 0.25, 0.75, 0.75])
    np.testing.assert_array_equal(vk.window(x, -1000, 400, output_range=(-1, 1)), [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(vk.window(x, -1000, 400, output_range=(1, 0)), [1, 1, 0.5, 0, 0])
    picture = vk.window(x, -1000, 400, output_range=(255, 0), out=np.empty(5, np.uint8))
    np.testing.assert_array_equal(picture, [255, 255, 128, 0, 0])
    np.testing.assert_array_equal(vk.window_to_uint8(x, -1000, 400), [0, 0, 128, 255, 255])
    np.testing.assert_array_equal(vk.window_to_uint8(x, center=-300, width=1400), [0, 0, 128, 255, 255])


def test_window_of_lungs_as_the_tutorial_has_it(rng):
    hounsfield = rng.integers(-1500, 1500, (20, 30, 40)).astype(np.int16)
    want = np.clip((hounsfield + 1000) / 1400, 0, 1) - 0.25
    np.testing.assert_allclose(vk.window(hounsfield, -1000, 400, offset=-0.25), want, atol=1e-7)


def test_bytes_round_half_up(cpu_level):
    x = np.arange(0, 255.5, 0.25)
    np.testing.assert_array_equal(vk.window_to_uint8(x, 0, 255), np.floor(x + 0.5))
    np.testing.assert_array_equal(vk.window_to_uint8(x.astype(np.float32), 0, 255), np.floor(x + 0.5))


def test_volumes_stay_volumes(rng):
    volume = vk.Volume(image(rng, (5, 6, 7), "float32"), np.diag([1.0, 2, 3, 1]))
    for call in (
        lambda v: vk.zscore(v, mask=v.with_data(v.data > 0)),
        lambda v: vk.window(v, 0, 1),
        lambda v: vk.window_to_uint8(v, 0, 1),
        lambda v: vk.clip_percentiles(v, 5, 95),
        lambda v: vk.clip_percentiles(v, 5, 95, return_limits=True)[0],
        vk.crop_to_nonzero,
    ):
        got = call(volume)
        assert type(got) is vk.Volume and got.spacing == (1, 2, 3)


# --- percentiles as limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KINDS)
def test_clip_percentiles_is_numpys(rng, cpu_level, dtype):
    x = image(rng, (9, 20, 33), dtype)
    mask = rng.random(x.shape) > 0.5
    for inside in (None, mask):
        got, limits = vk.clip_percentiles(x, 3, 97.7, inside, return_limits=True)
        values = x if inside is None else x[inside]
        want = np.percentile(values.astype(np.int64) if x.dtype.kind in "ib" else values, (3, 97.7))
        assert limits == tuple(want) and got.dtype == x.dtype
        if x.dtype.kind == "f":
            np.testing.assert_array_equal(got, np.clip(x, *want.astype(dtype)))
        else:
            np.testing.assert_array_equal(got, np.clip(x, *np.floor(want + 0.5).astype(dtype)))


# --- wrong arguments ---------------------------------------------------------------------------------

X = np.arange(24.0).reshape(2, 3, 4)
NONE = np.zeros(X.shape, bool)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("x", lambda: vk.zscore(X * 1j)),
        ("x", lambda: vk.zscore(np.where(X > 3, np.inf, X))),
        ("x", lambda: vk.window(X[:0], 0, 1)),
        ("x", lambda: vk.clip_percentiles(np.array([1, np.nan]))),
        ("x", lambda: vk.clip_percentiles(np.array([1, -np.inf, np.inf]))),
        ("mask", lambda: vk.zscore(X, NONE)),
        ("mask", lambda: vk.zscore(X, X[0])),
        ("mask", lambda: vk.clip_percentiles(X, mask=NONE)),
        ("low, high", lambda: vk.window(X)),
        ("low, high", lambda: vk.window(X, 1)),
        ("low, high", lambda: vk.window(X, 1, 1)),
        ("low, high", lambda: vk.window(X, 0, np.inf)),
        ("low, high", lambda: vk.window_to_uint8(X, 2, 1)),
        ("low, high", lambda: vk.clip_percentiles(X, 5, 5)),
        ("low", lambda: vk.clip_percentiles(X, -1)),
        ("high", lambda: vk.clip_percentiles(X, 1, 101)),
        ("high", lambda: vk.clip_percentiles(X, 1, None)),
        ("center, width", lambda: vk.window(X, center=3)),
        ("center, width", lambda: vk.window(X, width=3)),
        ("center, width", lambda: vk.window(X, 0, 1, center=3, width=2)),
        ("center, width", lambda: vk.window_to_uint8(X, center=3, width=0)),
        ("center, width", lambda: vk.window(X, center="a", width=1)),
        ("output_range", lambda: vk.window(X, 0, 1, output_range=3)),
        ("output_range", lambda: vk.window(X, 0, 1, output_range=(1, 2, 3))),
        ("output_range", lambda: vk.window(X, 0, 1, output_range=(1, "a"))),
        ("output_range, offset", lambda: vk.window(X, 0, 1, output_range=(0, np.inf))),
        ("offset", lambda: vk.window(X, 0, 1, offset="a")),
        ("output_range, offset", lambda: vk.window(X, 0, 1, offset=np.nan)),
        ("out", lambda: vk.zscore(X, out=X)),
        ("out", lambda: vk.zscore(X, out=NONE)),
        ("out", lambda: vk.window(X, 0, 1, out=np.zeros(3))),
        ("threads", lambda: vk.zscore(X, threads=-1)),
    ],
)
def test_bad_input(word, call):
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError)) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(f"{word}: ") and "got" in message and "allowed" in message


def test_bad_input_of_the_kernel():
    for word, mask, out in (("mask", NONE[0], X.copy()), ("output", None, X[0].copy())):
        with pytest.raises(ValueError, match=f"^{word}: "):
            run(X, mask, None, out=out)


def test_outside_of_zscore(rng, backend):
    x = rng.random((5, 6, 7)).astype(np.float32)
    mask = x > 0.4
    scaled = (x - x[mask].mean()) / x[mask].std()
    for outside, want in (
        ("scaled", scaled),
        (0.0, np.where(mask, scaled, 0)),
        (-5, np.where(mask, scaled, -5)),
    ):
        got = backend(vk.zscore, x, backend.give(mask), outside=outside)
        np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(
        backend(vk.zscore, x, backend.give(mask)), np.where(mask, scaled, 0), atol=1e-5
    )
