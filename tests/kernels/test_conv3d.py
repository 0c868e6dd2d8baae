# SPDX-License-Identifier: Apache-2.0
"""conv3d: every block and tail, stride, padding, dilation, group and level against the reference."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from cases import known, layouts

import voxkern as vk
from voxkern import _core
from voxkern.reference.conv3d import conv3d as reference
from voxkern.reference.conv3d import conv_transpose3d as transposed_reference

ALGORITHMS = ["direct", "auto", "fast"]
TOLERANCE = 3e-6  # of the largest value: sums of up to a thousand products, and Winograd's transforms


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def assert_near(got, want, what="", tolerance=TOLERANCE):
    assert got.shape == want.shape, what
    assert got.dtype == np.float32
    error = np.max(np.abs(got - want), initial=0.0) / max(np.max(np.abs(want), initial=0.0), 1e-3)
    assert error <= tolerance, (what, error)  # also where `got` has a NaN that nothing overwrote


def triple(value):
    return (value,) * 3 if isinstance(value, int) else tuple(value)


def sides(padding):
    return [(p, p) for p in triple(padding)]


def check(rng, x_shape, w_shape, what="", tolerance=TOLERANCE, algorithm="direct", **options):
    """Compare a call into an output full of NaN with the reference."""
    x, w = normal(rng, *x_shape), normal(rng, *w_shape)
    bias = normal(rng, w_shape[0])
    settings = {name: triple(options[name]) for name in ("stride", "dilation") if name in options}
    padding = options.get("padding", 0)
    want = known(reference, x, w, bias, padding=sides(padding), groups=options.get("groups", 1), **settings)
    out = np.full(want.shape, np.nan, np.float32)
    assert vk.nn.conv3d(x, w, bias, algorithm=algorithm, out=out, **options) is out
    assert_near(out, want, (what, x_shape, w_shape, algorithm, options), tolerance)
    return x, w, bias, out


def check_transposed(rng, x_shape, w_shape, **options):
    x, w = normal(rng, *x_shape), normal(rng, *w_shape)
    bias = normal(rng, w_shape[1] * options.get("groups", 1))
    want = known(
        transposed_reference, x, w, bias, groups=options.get("groups", 1),
        **{name: triple(v) for name, v in options.items() if name != "groups"},
    )  # fmt: skip
    out = np.full(want.shape, np.nan, np.float32)
    vk.nn.conv_transpose3d(x, w, bias, out=out, **options)
    assert_near(out, want, (x_shape, w_shape, options))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_width(rng, cpu_level, algorithm):
    for width in range(1, 51):
        check(rng, (1, 5, 4, 5, width), (14, 5, 3, 3, 3), algorithm=algorithm, padding=1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_number_of_channels(rng, cpu_level, algorithm):
    for outs in range(1, 27):
        check(rng, (1, 4, 4, 4, 18), (outs, 4, 3, 3, 3), algorithm=algorithm, padding=1)
    for ins in (1, 2, 3, 7, 33, 100):
        check(rng, (2, ins, 3, 4, 17), (9, ins, 3, 3, 3), algorithm=algorithm, padding=1)


@pytest.mark.parametrize(
    "size", [(1, 1, 1), (2, 2, 2), (3, 1, 5), (1, 3, 3), (5, 5, 5), (4, 7, 2), (9, 3, 3)]
)
def test_kernel_sizes(rng, cpu_level, size):
    for algorithm, padding in itertools.product(ALGORITHMS, (0, 1, (2, 0, 1), 4)):
        check(rng, (1, 8, 9, 10, 21), (12, 8, *size), algorithm=algorithm, padding=padding)


@pytest.mark.parametrize("stride", [1, 2, 3, (1, 2, 1), (3, 1, 2), (1, 1, 4)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1, 1), (1, 2, 3), 4])
def test_strides_and_dilations(rng, cpu_level, stride, dilation):
    for width, padding, groups in ((19, 1, 1), (40, (2, 3, 0), 2), (7, 4, 4)):
        shapes = (2, 8, 9, 10, width), (12, 8 // groups, 3, 2, 3)
        if width + 2 * triple(padding)[2] > 2 * triple(dilation)[2]:
            options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
            for algorithm in ("direct", "auto"):
                check(rng, *shapes, algorithm=algorithm, **options)


@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1, 1), (1, 3, 2), (1, 1, 5)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1, 2)])
def test_transposed(rng, cpu_level, stride, dilation):
    for size, padding, groups in ((1, 0, 1), (2, 0, 2), (3, 1, 1), ((4, 3, 2), (1, 1, 0), 4)):
        shapes = (2, 8, 4, 5, 7), (8, 12 // groups, *triple(size))
        options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
        check_transposed(rng, *shapes, **options)
        extra = tuple(max(s, d) - 1 for s, d in zip(triple(stride), triple(dilation), strict=True))
        check_transposed(rng, *shapes, output_padding=extra, **options)


def test_transposed_widths(rng, cpu_level):
    for width in (*range(1, 20), 31, 33, 64, 65):
        check_transposed(rng, (1, 3, 3, 2, width), (3, 7, 2, 2, 2), stride=2)
        check_transposed(rng, (1, 3, 2, 2, width), (3, 5, 3, 3, 3), stride=2, padding=1)


@pytest.mark.parametrize("size", [1, 3, (3, 2, 5)])
def test_depthwise(rng, cpu_level, size):
    for width in (1, 5, 16, 33, 64, 70):
        check(rng, (2, 6, 5, 7, width), (6, 1, *triple(size)), padding=2, groups=6)
        check(rng, (2, 3, 5, 7, width), (6, 1, *triple(size)), padding=2, groups=3, stride=2)


@pytest.mark.parametrize("size", [3, 5])
def test_volumes_smaller_than_a_tile(rng, cpu_level, size):
    for depth, height in itertools.product((1, 2, 3, 5, 8, 9), repeat=2):
        for algorithm in ("auto", "fast"):
            shape = (1, 8, depth, height, 9)
            check(rng, shape, (16, 8, size, size, size), algorithm=algorithm, padding=size // 2)


def test_long_rows(rng, cpu_level):
    """Rows that are cut; also a single one."""
    for width in (256, 257, 300, 777):
        for algorithm in ALGORITHMS:
            check(rng, (1, 5, 3, 3, width), (9, 5, 3, 3, 3), algorithm=algorithm, padding=1)
    x, w = normal(rng, 2, 6, 5000), normal(rng, 13, 6, 5)
    want = reference(x[:, :, None, None], w[:, :, None, None], padding=[(0, 0), (0, 0), (2, 2)])[:, :, 0, 0]
    assert_near(vk.nn.conv1d(x, w, padding=2), want)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_activation_residual_and_bias(rng, cpu_level, algorithm):
    x, w, bias = normal(rng, 2, 8, 6, 7, 20), normal(rng, 11, 8, 3, 3, 3), normal(rng, 11)
    residual = normal(rng, 2, 11, 6, 7, 20)
    around = [(1, 1)] * 3
    for activation in (None, "relu", ("leaky_relu", 0.1)):
        for added in (None, residual, residual[..., ::-1]):
            got = vk.nn.conv3d(
                x, w, bias, padding=1, algorithm=algorithm, activation=activation, residual=added
            )
            want = known(reference, x, w, bias, padding=around, activation=activation, residual=added)
            assert_near(got, want, activation)


def test_transposed_with_activation_and_residual(rng, cpu_level):
    x, w, residual = normal(rng, 2, 8, 3, 4, 9), normal(rng, 8, 5, 2, 2, 2), normal(rng, 2, 5, 6, 8, 18)
    got = vk.nn.conv_transpose3d(x, w, stride=2, activation=("leaky_relu", 0.2), residual=residual)
    sums = known(transposed_reference, x, w, stride=(2, 2, 2)) + residual
    assert_near(got, np.where(sums < 0, 0.2 * sums, sums))


def test_activation_of_infinities():
    x = np.array([-np.inf, np.inf, np.nan, -1.0], np.float32).reshape(1, 1, 4)
    one = np.ones((1, 1, 1), np.float32)
    np.testing.assert_array_equal(vk.nn.conv1d(x, one, activation="relu").ravel(), [0, np.inf, np.nan, 0])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_layouts(rng, algorithm):
    x, w = normal(rng, 1, 8, 6, 7, 19), normal(rng, 9, 8, 3, 3, 3)
    want = vk.nn.conv3d(x, w, padding=1, algorithm=algorithm)
    for name, given in layouts(x):
        np.testing.assert_array_equal(vk.nn.conv3d(given, w, padding=1, algorithm=algorithm), want, name)
    for name, given in layouts(w):
        np.testing.assert_array_equal(vk.nn.conv3d(x, given, padding=1, algorithm=algorithm), want, name)
    for name, out in layouts(np.full(want.shape, 7.0, np.float32)):
        if out.flags.writeable:
            vk.nn.conv3d(x, w, padding=1, algorithm=algorithm, out=out)
            np.testing.assert_array_equal(out, want, name)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options"),
    [
        ((1, 16, 16, 16, 16), (32, 16, 3, 3, 3), {"padding": 1}),
        ((2, 1, 20, 33, 50), (16, 1, 3, 3, 3), {"padding": 1}),
        ((1, 8, 12, 40, 40), (8, 8, 5, 5, 5), {"padding": 2}),
        ((1, 32, 24, 24, 24), (32, 1, 3, 3, 3), {"padding": 1, "groups": 32}),
        ((1, 16, 21, 22, 23), (24, 16, 3, 3, 3), {"padding": 1, "stride": 2}),
        ((1, 64, 30, 31, 32), (20, 64, 1, 1, 1), {}),
    ],
)
def test_bits_do_not_depend_on_threads(rng, cpu_level, algorithm, x_shape, w_shape, options):
    x, w = normal(rng, *x_shape), normal(rng, *w_shape)
    one = vk.nn.conv3d(x, w, algorithm=algorithm, threads=1, **options)
    for threads in (2, 3, 5):
        again = vk.nn.conv3d(x, w, algorithm=algorithm, threads=threads, **options)
        np.testing.assert_array_equal(again, one)
    if "groups" not in options and "stride" not in options:
        up = normal(rng, x_shape[1], 6, 2, 2, 2)
        one = vk.nn.conv_transpose3d(x, up, stride=2, threads=1)
        np.testing.assert_array_equal(vk.nn.conv_transpose3d(x, up, stride=2, threads=3), one)


def test_a_large_result_goes_past_the_caches(rng, cpu_level):
    """Above 32 MiB, from addresses that are no multiple of a vector's size."""
    x, w = normal(rng, 1, 2, 40, 61, 257), normal(rng, 16, 2, 1, 1, 3)
    room = np.full(16 * 40 * 61 * 257 + 3, np.nan, np.float32)
    out = room[3:].reshape(1, 16, 40, 61, 257)
    vk.nn.conv3d(x, w, padding=(0, 0, 1), out=out)
    assert_near(out, known(reference, x, w, padding=[(0, 0), (0, 0), (1, 1)]))
    assert np.isnan(room[:3]).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_scratch_does_not_grow_with_the_volume(rng, cpu_level, algorithm):
    w = normal(rng, 16, 16, 3, 3, 3)
    layer = vk.nn.Conv3d(w, padding=1, algorithm=algorithm)
    kept = []
    for depth in (16, 64):
        x = normal(rng, 16, depth, 64, 64)
        out = np.empty_like(x)
        vk.release_memory()
        layer(x, out=out, threads=2)
        kept.append(_core.cached_bytes())
    assert kept[1] <= 2 * 2**20, kept  # two threads; the image has 16 MiB


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("mean", [0.0, 10.0])
def test_error(rng, cpu_level, size, mean):
    """Root-mean-square error against float64, relative to the spread of the result."""
    x = (normal(rng, 1, 32, 12, 12, 20) + mean).astype(np.float32)
    w = normal(rng, 16, 32, size, size, size)
    want = known(reference, x, w, padding=[(size // 2,) * 2] * 3)
    bounds = {"direct": 5e-7, "auto": 1.1e-6 if size == 5 else 5e-7, "fast": 1.6e-6}
    for algorithm, bound in bounds.items():
        got = vk.nn.conv3d(x, w, padding=size // 2, algorithm=algorithm)
        assert np.sqrt(np.mean((got - want) ** 2)) <= bound * np.std(want) * max(1.0, mean / 2), algorithm


def test_a_nan_stays_where_it_belongs(rng, cpu_level):
    x, w = normal(rng, 1, 8, 9, 9, 20), normal(rng, 16, 8, 3, 3, 3)
    x[0, 3, 4, 4, 10] = np.nan
    got = np.isnan(vk.nn.conv3d(x, w, padding=1, algorithm="direct"))
    want = np.zeros_like(got)
    want[:, :, 3:6, 3:6, 9:12] = True
    np.testing.assert_array_equal(got, want)
    spread = np.isnan(vk.nn.conv3d(x, w, padding=1, algorithm="fast"))
    assert spread[want].all()
    assert not spread[..., :9].any() and not spread[..., 12:].any()


@pytest.mark.parametrize(
    ("ins", "outs", "shape", "kernel", "options"),
    [
        (4, 16, (12, 21, 33), 3, {}),
        (8, 20, (16, 5, 17), 3, {"algorithm": "fast"}),
        (4, 20, (16, 17, 18), 3, {"stride": 2}),
        (6, 6, (12, 13, 70), 3, {"groups": 6}),
        (5, 13, (9, 10, 11), 1, {}),
        (3, 16, (12, 14, 9), 3, {"dilation": 2, "activation": "relu"}),
        (1, 12, (8, 9, 131), 3, {}),
        (40, 50, (4, 4, 4), 3, {"algorithm": "direct"}),
    ],
    ids=str,
)
def test_moments_and_parts(rng, cpu_level, ins, outs, shape, kernel, options):
    """Moments are those of the result, and results of parts of an image have the bits of the whole."""
    x = (rng.normal(size=(2, ins, *shape)) + 3).astype(np.float32)
    size = (outs, ins // options.get("groups", 1), *(kernel,) * 3)
    weight = (rng.normal(size=size) / kernel).astype(np.float32)
    bias = (100 * rng.normal(size=outs)).astype(np.float32)
    stride, dilation = options.get("stride", 1), options.get("dilation", 1)
    padding = dilation * (kernel // 2)
    layer = vk.nn.Conv3d(weight, bias, padding=padding, **options)
    want = layer(x)
    values = want.astype(np.float64).reshape(2, outs, -1)
    moments = np.zeros((2, outs, 3))
    for threads in (1, 2, 3):
        out, before = np.empty_like(want), moments
        moments = np.zeros((2, outs, 3))
        layer._part(x, out, threads, moments)
        np.testing.assert_array_equal(out, want)
        assert threads == 1 or np.array_equal(moments, before)
    deviation = values.std(axis=-1)
    assert (moments[..., 0] == values.shape[-1]).all()
    assert (abs(moments[..., 1] - values.mean(axis=-1)) <= 1e-6 * deviation).all()
    np.testing.assert_allclose(moments[..., 2] / values.shape[-1], deviation**2, rtol=2e-6)
    parts, joined = np.empty_like(want), np.zeros((2, outs, 3))
    for start in range(0, want.shape[2], 4):
        stop = min(start + 4, want.shape[2])
        low = start * stride - padding
        first, last = max(low, 0), min((stop - 1) * stride - padding + dilation * (kernel - 1) + 1, shape[0])
        layer._part(x[:, :, first:last], parts[:, :, start:stop], 2, joined, first - low)
    np.testing.assert_array_equal(parts, want)
    np.testing.assert_allclose(joined, moments, rtol=1e-6)


def test_moments_of_few_that_differ_much(rng):
    """One sample far from the others takes no digits from their variance."""
    x = np.zeros((1, 1, 16, 64, 64), np.float32)
    x[0, 0] = rng.normal(size=x.shape[2:])
    x[0, 0, 0, 0, 0] = 1e5
    moments = np.zeros((1, 1, 3))
    out = np.empty_like(x)
    vk.nn.Conv3d(np.ones((1, 1, 1, 1, 1), np.float32))._part(x, out, 1, moments)
    np.testing.assert_allclose(moments[0, 0, 2] / x.size, x.astype(np.float64).var(), rtol=1e-5)


def test_parts_of_transposed(rng, cpu_level):
    x, weight = rng.normal(size=(1, 3, 6, 5, 7)).astype(np.float32), np.ones((3, 4, 2, 2, 2), np.float32)
    layer = vk.nn.Conv3d(weight, stride=2, transposed=True)
    want = layer(x)
    parts = np.empty_like(want)
    for start in range(0, 12, 4):  # planes that are cut off in front
        layer._part(x, parts[:, :, start : start + 4], 2, None, start)
    np.testing.assert_array_equal(parts, want)
    with pytest.raises(vk.VoxkernError):
        layer._part(x, parts[:, :, 1:], 2, None, 1)


@pytest.mark.parametrize(
    ("rank", "options"),
    [
        (3, {"padding": "same", "groups": 2, "activation": ("leaky_relu", 0.1)}),
        (2, {"stride": (1, 2), "algorithm": "direct"}),
        (3, {"transposed": True, "stride": 2, "output_padding": 1, "groups": 2}),
    ],
    ids=str,
)
def test_a_layer_pickles(rng, rank, options):
    weight = rng.normal(size=(8, 4, 3, 3, 3)[: rank + 2]).astype(np.float32)
    layer = vk.nn.Conv3d(weight, np.arange(8, dtype=np.float32), **options)
    x = rng.normal(size=(1, 8 if rank == 3 else 4, 9, 8, 7)[: rank + 2]).astype(np.float32)
    for again in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        np.testing.assert_array_equal(again(x), layer(x))


def test_bad_input(rng):
    x, out = np.zeros((1, 4, 3, 3, 3), np.float32), np.zeros((1, 2, 3, 3, 3), np.float32)
    options = {
        "stride": (1, 1, 1), "padding": (0, 0, 0), "dilation": (1, 1, 1), "groups": 1, "transposed": False,
        "algorithm": _core.ConvAlgorithm.direct, "activation": _core.ConvActivation.none, "slope": 0.0,
    }  # fmt: skip
    layer = _core.ConvFilter(np.zeros((2, 4, 1, 1, 1), np.float32), None, **options)
    _core.conv3d(x, out, layer, None, None, None, 0)
    for wrong in (
        lambda: _core.conv3d(x[:, :3], out, layer, None, None, None, 0),
        lambda: _core.conv3d(x, x, layer, None, None, None, 0),
        lambda: _core.conv3d(x[0], out, layer, None, None, None, 0),
        lambda: _core.conv3d(x, out, layer, x, None, None, 0),
        lambda: _core.conv3d(x, out, layer, None, np.zeros((1, 2, 2)), None, 0),
        lambda: _core.conv3d(x, out, layer, None, np.zeros((1, 2, 3), np.float32), None, 0),
        lambda: _core.ConvFilter(np.zeros((2, 4, 1, 1, 1)), None, **options),
        lambda: _core.ConvFilter(np.zeros((2, 4, 1, 1, 1), np.float32), [1.0], **options),
        lambda: _core.ConvFilter(np.zeros((2, 4, 1, 1, 1), np.float32), None, **options | {"groups": 3}),
        lambda: _core.ConvFilter(
            np.zeros((2, 4, 1, 1, 1), np.float32), None, **options | {"stride": (0, 1, 1)}
        ),
    ):
        with pytest.raises(vk.ArgumentError):
            wrong()
