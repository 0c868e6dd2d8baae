# SPDX-License-Identifier: Apache-2.0
"""resample_labels and resample_argmax of GPU arrays: the labels of the CPU, without a wait or a copy."""

import backends
import numpy as np
import pytest
from both_sides import nothing_waits, on_both
from cases import LABELS, LAYOUTS, examples, image, regions
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

RULES = ["argmax", "half", "nearest", "gaussian"]
LABEL_MODES = ["nearest", "constant", "mirror", "reflect", "grid-constant", "grid-wrap", "fov"]


def turned(shape):
    """Return a homogeneous matrix that turns about the middle."""
    matrix = np.eye(len(shape) + 1)
    matrix[:-1, :-1] = np.linalg.qr(np.random.default_rng(5).normal(size=(len(shape),) * 2))[0]
    middle = (np.array(shape) - 1) / 2
    matrix[:-1, -1] = middle - matrix[:-1, :-1] @ middle
    return matrix


@pytest.mark.parametrize("mode", LABEL_MODES)
@pytest.mark.parametrize("rule", RULES)
def test_rules_and_modes(rng, rule, mode):
    """Ties are common: every second voxel of a boundary at a factor of 2."""
    for x in (regions(rng, (8, 9, 10), 5), image(rng, (5, 6, 7), "int16") % 4):
        for shape in (tuple(2 * n for n in x.shape), (5, 11, 13)):
            on_both(vk.resample_labels, x, shape=shape, rule=rule, mode=mode, cval=3, convention="corner")
            on_both(vk.resample_labels, x, shape=shape, rule=rule, mode=mode, cval=1)
        on_both(vk.resample_labels, x, matrix=turned(x.shape), rule=rule, mode=mode, cval=2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", LABELS)
def test_dtypes_and_layouts(rng, dtype, layout):
    x = regions(rng, (6, 7, 17), 2 if dtype == "bool" else 4).astype(dtype)
    if np.dtype(dtype).kind == "i":
        x -= 2
    if dtype in ("int64", "uint64"):
        x[x == x.max()] = np.iinfo(dtype).max
    on_both(vk.resample_labels, x, layout=layout, shape=(9, 5, 23))
    on_both(vk.resample_labels, x, layout=layout, shape=(9, 5, 23), rule="gaussian", alpha=2.0)


@examples(20)
@given(st.data())
def test_any_labels(data):
    alpha = data.draw(st.sampled_from([0.5, 1.0, 1.8]))
    most = 5 if alpha < 1.8 else 4  # a window holds 1024 samples at most
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 7]), min_size=1, max_size=most))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(0, data.draw(st.sampled_from([2, 3, 200])), shape).astype("uint8")
    size = tuple(data.draw(st.integers(1, 9)) for _ in shape)
    where = {"matrix": turned(shape)} if data.draw(st.booleans()) else {"shape": size}
    rule = data.draw(st.sampled_from(RULES))
    mode = data.draw(st.sampled_from(LABEL_MODES))
    on_both(vk.resample_labels, x, **where, rule=rule, mode=mode, alpha=alpha)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint8"])
def test_argmax(rng, dtype):
    for shape, size in (((3, 6, 7, 9), (9, 5, 17)), ((2, 5, 8), (7, 8)), ((300, 4), (9,))):
        x = image(rng, shape, dtype)
        for mode in ("nearest", "constant", "reflect", "grid-constant"):
            for layout in LAYOUTS:
                on_both(vk.resample_argmax, x, layout=layout, shape=size, mode=mode)
    if np.dtype(dtype).kind == "f":
        x[0, :2], x[5, 2] = np.nan, np.nan
        on_both(vk.resample_argmax, x, shape=9)


def test_volumes_stay_on_the_gpu(rng):
    affine = np.diag([2.0, 0.9, 1.1, 1.0])
    x = regions(rng, (6, 7, 8), 4)
    target = vk.reorient(vk.Volume(np.zeros((8, 9, 7)), np.diag([1.2, 1.1, 0.7, 1.0])), "IAL")
    for arguments in ({"spacing": 1.0}, {"like": target}):
        got = vk.resample_labels(vk.Volume(cupy.asarray(x), affine), **arguments)
        want = vk.resample_labels(vk.Volume(x, affine), **arguments)
        assert type(got.data) is cupy.ndarray
        np.testing.assert_array_equal(got.data.get(), want.data)
    scores = image(rng, (6, 7, 8, 5), "float32")
    got = vk.resample_argmax(vk.Volume(cupy.asarray(scores), affine), like=target)
    want = vk.resample_argmax(vk.Volume(scores, affine), like=target)
    np.testing.assert_array_equal(got.data.get(), want.data)


@pytest.mark.parametrize("order", ["reverse", "1"])
def test_any_order_and_stream(rng, orders, order):
    orders.set_order(order)
    orders.set_streams("deferred")
    with cupy.cuda.Stream(non_blocking=True):
        on_both(vk.resample_labels, regions(rng, (6, 7, 8), 4), shape=(9, 8, 13))
        on_both(vk.resample_argmax, image(rng, (3, 6, 7, 8), "float32"), shape=(9, 8, 13))


def test_one_launch_and_nothing_waits(rng, executor):
    x, scores = cupy.asarray(regions(rng, (6, 7, 8), 4)), cupy.asarray(image(rng, (3, 6, 7, 8), "float32"))
    for call in (
        lambda: vk.resample_labels(x, shape=9),
        lambda: vk.resample_labels(x, shape=9, rule="gaussian"),
        lambda: vk.resample_labels(x, matrix=turned(x.shape)),
        lambda: vk.resample_argmax(scores, shape=9),
    ):
        with nothing_waits(executor, launches=1):
            kept = call()
        del kept


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: vk.resample_labels(x, shape=4, out=np.zeros((4, 4), "uint8")),
            vk.ArgumentTypeError,
            "out: got a",
        ),
        (
            lambda x: vk.resample_labels(x, shape=4, rule="gaussian", alpha=9.0),
            vk.ArgumentError,
            "too wide a window",
        ),
        (lambda x: vk.resample_labels(x, shape=4, out=x), vk.ArgumentError, "out: got memory shared"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(cupy.asarray(np.zeros((4, 4), "uint8")))
