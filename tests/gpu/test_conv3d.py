# SPDX-License-Identifier: Apache-2.0
"""Convolutions of GPU arrays: what the CPU and the reference give, the same bits in any order of threads."""

import copy
import pickle

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import LAYOUTS, in_layout, known

import voxkern as vk
from voxkern.reference.conv3d import conv3d as reference
from voxkern.reference.conv3d import conv_transpose3d as transposed_reference

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

TOLERANCE = 3e-6  # of the largest value: sums of up to a thousand products, in another order


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def triple(value):
    return (value,) * 3 if isinstance(value, int) else tuple(value)


def check(rng, x_shape, w_shape, activation=None, **options):
    """Compare a call with bias and residual with the CPU's and the reference."""
    x, w, bias = normal(rng, *x_shape), normal(rng, *w_shape), normal(rng, w_shape[0])
    padding = [(p, p) for p in triple(options.get("padding", 0))]
    given = {name: triple(options[name]) for name in ("stride", "dilation") if name in options}
    given |= {"groups": options.get("groups", 1), "padding": padding}
    residual = normal(rng, *known(reference, x, w, **given).shape)
    want = known(reference, x, w, bias, residual=residual, activation=activation, **given)
    got = on_both(
        vk.nn.conv3d, x, w, bias, residual=residual, activation=activation, along=True, float32=TOLERANCE,
        **options,
    )  # fmt: skip
    np.testing.assert_allclose(got.get(), want, rtol=0, atol=TOLERANCE * np.abs(want).max())


def check_transposed(rng, x_shape, w_shape, **options):
    x, w = normal(rng, *x_shape), normal(rng, *w_shape)
    bias = normal(rng, w_shape[1] * options.get("groups", 1))
    given = {name: triple(value) for name, value in options.items() if name != "groups"}
    want = known(transposed_reference, x, w, bias, groups=options.get("groups", 1), **given)
    got = on_both(vk.nn.conv_transpose3d, x, w, bias, along=True, float32=TOLERANCE, **options)
    np.testing.assert_allclose(got.get(), want, rtol=0, atol=TOLERANCE * np.abs(want).max())


@pytest.mark.parametrize("outs", [17, 32, 33, 64, 96])
@pytest.mark.parametrize("ins", [8, 9, 16])
def test_products(rng, ins, outs):
    check(rng, (2, ins, 3, 4, 5), (outs, ins, 3, 3, 3), padding=1, activation="relu")
    check(rng, (1, ins, 3, 2, 8), (outs, ins, 1, 1, 1))


def test_slices_of_channels(rng, executor):
    """Few results of many channels are shared among blocks, and joined by one launch more."""
    check(rng, (2, 100, 2, 3, 4), (20, 100, 3, 3, 3), padding=1, activation="relu")
    check_transposed(rng, (1, 128, 2, 1, 3), (128, 16, 3, 3, 3), stride=2, padding=1)
    x, w = cupy.asarray(normal(rng, 64, 3, 3, 3)), cupy.asarray(normal(rng, 17, 64, 3, 3, 3))
    layer = vk.nn.Conv3d(w)
    with nothing_waits(executor, launches=2):
        kept = layer(x)
    del kept


@pytest.mark.parametrize("outs", [1, 2, 4, 5, 8, 16])
def test_direct_sums(rng, outs):
    check(rng, (2, 1, 3, 6, 7), (outs, 1, 3, 3, 3), padding=1, activation=("leaky_relu", 0.1))
    check(rng, (1, 9, 5, 3, 4), (outs, 9, 3, 1, 2))
    check(rng, (1, 5, 1, 4, 9), (3 * outs, 5, 1, 5, 3), padding=(0, 2, 1))


@pytest.mark.parametrize("stride", [1, 2, (3, 1, 2)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1, 2)])
def test_strides_and_dilations(rng, stride, dilation):
    options = {"stride": stride, "dilation": dilation}
    check(rng, (1, 16, 5, 6, 7), (40, 8, 2, 3, 2), padding=(2, 3, 1), groups=2, **options)
    check(rng, (1, 4, 8, 6, 7), (6, 2, 3, 2, 3), padding=(1, 0, 2), groups=2, **options)


@pytest.mark.parametrize("size", [3, 1, (3, 2, 5), (5, 3, 3)])
def test_depthwise(rng, size):
    for stride, dilation in ((1, 1), (2, 1), (1, 2)):
        check(
            rng, (2, 3, 10, 5, 6), (3, 1, *triple(size)), padding=2, groups=3, stride=stride,
            dilation=dilation,
        )  # fmt: skip
    check(rng, (1, 4, 1, 9, 5), (8, 1, 1, 3, 3), padding=(0, 1, 1), groups=4)


@pytest.mark.parametrize("channels", [(8, 12), (3, 2)])
@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1, 2)])
def test_transposed(rng, channels, stride):
    ins, outs = channels
    for size, padding in ((2, 0), (3, 1), ((4, 1, 3), (1, 0, 0))):
        check_transposed(rng, (2, ins, 2, 3, 4), (ins, outs, *triple(size)), stride=stride, padding=padding)
    extra = tuple(s - 1 for s in triple(stride))
    check_transposed(rng, (1, ins, 2, 3, 2), (ins, outs, 3, 3, 3), stride=stride, output_padding=extra)
    check_transposed(rng, (1, ins, 2, 3, 2), (ins, outs, 3, 2, 3), stride=stride, dilation=(1, 2, 3))


def test_fewer_axes_and_no_batch(rng):
    near = {"along": True, "float32": TOLERANCE}
    on_both(vk.nn.conv1d, normal(rng, 2, 8, 40), normal(rng, 20, 8, 3), padding="same", **near)
    on_both(vk.nn.conv1d, normal(rng, 1, 40), normal(rng, 3, 1, 4), padding="same", dilation=3, **near)
    on_both(vk.nn.conv2d, normal(rng, 9, 12, 13), normal(rng, 18, 9, 3, 3), **near)
    on_both(vk.nn.conv2d, normal(rng, 1, 4, 12, 13), normal(rng, 4, 1, 3, 3), groups=4, **near)
    on_both(vk.nn.conv_transpose1d, normal(rng, 8, 9), normal(rng, 8, 9, 2), stride=2, **near)
    on_both(vk.nn.conv_transpose2d, normal(rng, 2, 3, 5, 4), normal(rng, 3, 2, 2, 2), stride=2, **near)


@pytest.mark.parametrize("shapes", [((1, 8, 3, 4, 8), (20, 8, 3, 3, 3)), ((1, 3, 4, 5, 6), (3, 3, 2, 1, 3))])
def test_layouts(rng, shapes):
    x, w = normal(rng, *shapes[0]), normal(rng, *shapes[1])
    want = vk.nn.conv3d(cupy.asarray(x), cupy.asarray(w), padding=1).get()
    residual = cupy.asarray(np.zeros_like(want))
    for name in LAYOUTS:
        given, weight = in_layout(x, name, cupy.asarray), in_layout(w, name, cupy.asarray)
        out = in_layout(np.full_like(want, np.nan), name, cupy.asarray)
        assert vk.nn.conv3d(given, weight, padding=1, out=out, residual=residual) is out
        np.testing.assert_array_equal(out.get(), want, name)
        added = in_layout(np.zeros_like(want), name, cupy.asarray)
        np.testing.assert_array_equal(vk.nn.conv3d(given, weight, padding=1, residual=added).get(), want)


def test_every_algorithm_is_direct(rng):
    x, w = normal(rng, 1, 8, 6, 6, 6), normal(rng, 32, 8, 3, 3, 3)
    x[0, 3, 2, 2, 2] = np.nan
    want = vk.nn.conv3d(x, w, padding=1, algorithm="direct")
    for algorithm in ("auto", "fast", "direct"):
        got = vk.nn.conv3d(cupy.asarray(x), cupy.asarray(w), padding=1, algorithm=algorithm).get()
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.nanmax(np.abs(want)))


def test_a_layer_of_host_arrays_goes_where_the_images_are(rng, executor):
    w, bias = normal(rng, 20, 8, 3, 3, 3), normal(rng, 20)
    layer = vk.nn.Conv3d(w, bias, padding=1, activation="relu")
    x = normal(rng, 1, 8, 3, 4, 5)
    on_both(layer, x, float32=TOLERANCE)
    image = cupy.asarray(x)
    with nothing_waits(executor, launches=1):  # the weights are there by now
        got = layer(image)
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again(image).get(), got.get())


def test_a_layer_of_gpu_arrays(rng, executor):
    w, bias = normal(rng, 4, 2, 3, 3, 3), normal(rng, 4)
    x = normal(rng, 2, 4, 5, 6)
    weight = cupy.asarray(w)
    layer = vk.nn.Conv3d(weight, cupy.asarray(bias), stride=2)
    executor.copy_in(weight.data.ptr, np.zeros(w.nbytes, np.uint8), cupy.cuda.get_current_stream().ptr)
    image = cupy.asarray(x)
    with nothing_waits(executor, launches=1):
        got = layer(image)
    want = vk.nn.conv3d(x, w, bias, stride=2)
    np.testing.assert_allclose(got.get(), want, rtol=0, atol=TOLERANCE * np.abs(want).max())
    with pytest.raises(vk.ArgumentTypeError, match="x: got an array on the host, allowed GPU 0"):
        layer(x)
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(vk.ArgumentTypeError, match="made of CuPy arrays"):
            copied(layer)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x, w = cupy.asarray(normal(rng, 1, 8, 4, 4, 4)), cupy.asarray(normal(rng, 20, 8, 3, 3, 3))
    up, alone = cupy.asarray(normal(rng, 8, 4, 2, 2, 2)), cupy.asarray(normal(rng, 8, 1, 3, 3, 3))
    for call in (
        lambda: vk.nn.conv3d(x, w, padding=1, residual=None, activation="relu"),
        lambda: vk.nn.conv3d(x, alone, groups=8),
        lambda: vk.nn.conv_transpose3d(x, up, stride=2),
    ):
        with nothing_waits(executor, launches=2):  # weights, results
            kept = call()
        del kept


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    x, w = normal(rng, 1, 8, 3, 4, 5), normal(rng, 20, 8, 3, 3, 3)
    want = vk.nn.conv3d(cupy.asarray(x), cupy.asarray(w)).get()
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        np.testing.assert_array_equal(vk.nn.conv3d(cupy.asarray(x), cupy.asarray(w)).get(), want)
        layer = vk.nn.Conv3d(cupy.asarray(w))
    with cupy.cuda.Stream(non_blocking=True):
        np.testing.assert_array_equal(layer(cupy.asarray(x)).get(), want)


def test_empty(rng):
    x, w = cupy.empty((0, 8, 4, 4, 4), np.float32), cupy.asarray(normal(rng, 20, 8, 3, 3, 3))
    assert vk.nn.conv3d(x, w).shape == (0, 20, 2, 2, 2)
    bias = normal(rng, 20)
    got = vk.nn.conv3d(cupy.empty((1, 8, 0, 4, 4), np.float32), w, cupy.asarray(bias), padding=(2, 0, 0))
    np.testing.assert_array_equal(got.get(), np.broadcast_to(bias[:, None, None, None], (1, 20, 2, 2, 2)))


def test_bad_input(rng):
    x, w = normal(rng, 1, 4, 5, 5, 5), normal(rng, 3, 4, 3, 3, 3)
    image, weight = cupy.asarray(x), cupy.asarray(w)
    for wrong in (
        lambda: vk.nn.conv3d(image, w),
        lambda: vk.nn.conv3d(x, weight),
        lambda: vk.nn.conv3d(image, weight, np.zeros(3, np.float32)),
        lambda: vk.nn.conv3d(image, weight, residual=np.zeros((1, 3, 3, 3, 3), np.float32)),
        lambda: vk.nn.conv3d(image, weight, out=np.zeros((1, 3, 3, 3, 3), np.float32)),
        lambda: vk.nn.conv3d(cupy.asarray(x.astype(np.float64)), weight),
    ):
        with pytest.raises(vk.ArgumentTypeError, match="got"):
            wrong()
    for wrong in (
        lambda: vk.nn.conv3d(image[:, :3], weight),
        lambda: vk.nn.conv3d(image, weight, cupy.asarray(np.zeros(4, np.float32))),
        lambda: vk.nn.conv3d(image, weight, out=image),
        lambda: vk.nn.conv3d(image, weight, groups=3),
    ):
        with pytest.raises(vk.ArgumentError, match="got"):
            wrong()
