# SPDX-License-Identifier: Apache-2.0
"""warp and push of GPU arrays: what the CPU gives, on the caller's stream, without a wait or a copy."""

import backends
import both_sides
import numpy as np
import pytest
from both_sides import nothing_waits
from cases import DTYPES, FLOAT64, LAYOUTS, MODES, assert_same, examples, image
from hypothesis import given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core, ndimage

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

FLOAT32 = 1e-6  # the same sums on both sides; levels without FMA round each product
PUSHED = 2e-6  # the CPU adds in float32, the GPU in whole numbers
HAS_FMA = _core.active_cpu_level() in ("v3", "v4")
SINCS = ["lanczos2", "hamming3", "blackman5"]


def on_both(function, x, *args, float32=FLOAT32, **kwargs):
    """Run on both sides, compare, and return the GPU's result; fields go along."""
    exact = HAS_FMA and float32 == FLOAT32
    bounds = {} if exact else {"float32": float32, "float64": FLOAT64}
    return both_sides.on_both(function, x, *args, along=function in FIELDS, **bounds, **kwargs)


FIELDS = (ndimage.map_coordinates, vk.warp, vk.push)


def turned(n, shape, size):
    """Return a matrix that turns and scales about the middle, and its offset."""
    rng = np.random.default_rng(n)
    matrix = np.linalg.qr(rng.normal(size=(n, n)))[0] * rng.uniform(0.6, 1.4, (n, 1))
    return matrix, (np.array(shape) - 1) / 2 - matrix @ ((np.array(size) - 1) / 2)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", range(6))
def test_orders_and_modes(rng, order, mode):
    shape, size = (7, 9, 12), (8, 7, 13)
    for dtype in ("int16", "float32", "float64"):
        on_both(
            ndimage.affine_transform,
            image(rng, shape, dtype),
            *turned(3, shape, size),
            output_shape=size,
            order=order,
            mode=mode,
            cval=3.0,
        )


@pytest.mark.parametrize("mode", [*MODES, "fov"])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, *SINCS])
def test_fields(rng, order, mode):
    """Points far outside, on samples, on the ends, not numbers."""
    x = image(rng, (6, 7, 11), "float32")
    field = rng.uniform(-9, 9, (6, 7, 11, 3))
    field[:3] = np.round(2 * field[:3]) / 2
    field[0, 0, :4, 1] = [np.nan, np.inf, -np.inf, 1e17]
    sines = {"float32": 2 * FLOAT32} if order in SINCS and backends.executor() is None else {}  # a GPU's own
    on_both(vk.warp, x, field, order=order, mode=mode, cval=0.5, **sines)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_dtypes_and_layouts(rng, dtype, layout):
    x = image(rng, (5, 8, 9), dtype)
    field = rng.uniform(-3, 3, (5, 8, 9, 3)).astype("float32")
    for order in (0, 1, 3):
        on_both(vk.warp, x, field, layout=layout, order=order)


@examples(25)
@given(st.data())
def test_any_coordinates(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 8, 17]), min_size=1, max_size=4))
    grid = data.draw(st.lists(st.sampled_from([1, 3, 33]), min_size=1, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = image(rng, shape, data.draw(st.sampled_from(DTYPES)))
    points = rng.uniform(-4, 20, (len(shape), *grid))
    if data.draw(st.booleans()):
        points = np.round(2 * points) / 2
    on_both(
        ndimage.map_coordinates,
        x,
        points.astype(data.draw(st.sampled_from(["float32", "float64", "int32"]))),
        layout=data.draw(st.sampled_from(sorted(LAYOUTS))),
        order=data.draw(st.integers(0, 5)),
        mode=data.draw(st.sampled_from(MODES)),
        cval=2.5,
        prefilter=data.draw(st.booleans()),
    )


@pytest.mark.parametrize("order", [1, 3])
def test_rotations_shifts_and_zooms(rng, order):
    """Planes are a batch: axes that stay are dealt with in the same launches."""
    for dtype in ("uint8", "float32"):
        x = image(rng, (7, 9, 10), dtype)
        for axes in ((1, 0), (0, 2), (1, 2)):
            on_both(ndimage.rotate, x, 33.0, axes=axes, order=order, reshape=axes != (0, 2))
        on_both(ndimage.shift, x, (0.5, -1.25, 3), order=order)
        on_both(ndimage.zoom, x, (0.7, 1.3, 1.1), order=order)


def test_a_batch_takes_the_launches_of_one_item(rng, executor):
    x = image(rng, (9, 10, 2, 3), "float32")
    launches = []
    for shape in ((9, 10, 2, 3), (9, 10, 6)):
        before = executor.counters()["launches"]
        on_both(vk.warp, x.reshape(shape), rng.uniform(-2, 2, (9, 10, 2)), order=3)
        launches.append(executor.counters()["launches"] - before)
    assert launches[0] == launches[1] == 6  # fill, two filters, extend, sample, points to be folded


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", ["nearest", "constant", "mirror", "reflect", "grid-wrap", "grid-constant"])
def test_push(rng, order, mode):
    for dtype in ("int16", "float32", "float64"):
        x = image(rng, (6, 8, 9), dtype)
        field = rng.uniform(-3, 3, (6, 8, 9, 3))
        field[0, 0, :2, 0] = [np.nan, 1e17]
        on_both(vk.push, x, field, float32=PUSHED, order=order, mode=mode, shape=(7, 5, 9))


def test_push_of_other_shapes(rng):
    on_both(vk.push, image(rng, (31,), "float32"), rng.uniform(-9, 9, (31, 1)), float32=PUSHED, order=2)
    values = image(rng, (7, 6, 2, 3), "float64") * np.float64([1, 1e-9, 1e9])  # items differ in size
    got = vk.push(cupy.asarray(values), cupy.asarray(field := rng.uniform(-2, 2, (7, 6, 2))))
    want = vk.push(values, field)
    for c in range(3):
        assert_same(got.get()[..., c], want[..., c], c, PUSHED, FLOAT64)
    four = image(rng, (3, 4, 3, 4), "float32")
    on_both(vk.push, four, rng.uniform(-2, 2, (3, 4, 3, 4, 4)), float32=PUSHED)


def test_push_passes_on_what_is_no_number(rng):
    x = image(rng, (6, 7), "float32")
    field = rng.uniform(-1, 1, (6, 7, 2))
    x[1, 2], x[4, 4], x[4, 5], x[0, 0] = np.nan, np.inf, -np.inf, np.inf
    got, want = vk.push(cupy.asarray(x), cupy.asarray(field)).get(), vk.push(x, field)
    numbers = np.isfinite(want)
    np.testing.assert_array_equal(got[~numbers], want[~numbers])
    assert_same(got[numbers], want[numbers], "", PUSHED)
    on_both(vk.push, np.zeros((6, 7), "float32"), field, float32=PUSHED)


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_any_order_and_stream(rng, orders, order, streams):
    """push adds in any order, and has the same bits."""
    x = image(rng, (7, 9, 10), "float32")
    field = rng.uniform(-4, 4, (7, 9, 10, 3))
    first = vk.push(cupy.asarray(x), cupy.asarray(field), order=3).get()
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        on_both(vk.warp, x, field, order=3, mode="mirror")
        np.testing.assert_array_equal(vk.push(cupy.asarray(x), cupy.asarray(field), order=3).get(), first)


def test_nothing_waits_and_nothing_is_copied(rng, executor):
    x = cupy.asarray(image(rng, (8, 9, 10), "int16"))
    field = cupy.asarray(rng.uniform(-2, 2, (8, 9, 10, 3)))
    out = cupy.empty((8, 9, 10), np.float32)
    with nothing_waits(executor):
        kept = [
            vk.warp(x, field, out=out),
            vk.warp(out, field, order=3),
            vk.warp(x, field, order=4, mode="grid-constant"),
            vk.push(out, field, order=2),
            ndimage.rotate(x, 10.0),
            vk.resample(x, matrix=np.eye(3) + 0.1, clip=True),
        ]
    assert kept[0] is out


@pytest.mark.parametrize(
    ("function", "args", "launches"),
    [
        (vk.warp, {"order": 1}, 1),
        (vk.warp, {"order": 1, "mode": "mirror"}, 2),
        (vk.warp, {"order": 3}, 7),
        (vk.warp, {"order": 3, "mode": "constant"}, 6),
        (vk.push, {"order": 1}, 4),
    ],
)
def test_launches(rng, executor, function, args, launches):
    x, field = (
        cupy.asarray(image(rng, (8, 9, 10), "float32")),
        cupy.asarray(rng.uniform(-2, 2, (8, 9, 10, 3))),
    )
    before = executor.counters()["launches"]
    function(x, field, **args)
    assert executor.counters()["launches"] - before == launches


def test_resample_onto_turned_and_bent_grids(rng):
    x = image(rng, (7, 8, 9), "float32")
    matrix = np.vstack([np.hstack([turned(3, x.shape, x.shape)[0], [[1.0], [0.5], [2.0]]]), [[0, 0, 0, 1]]])
    for order in (1, 3, "lanczos4"):
        on_both(vk.resample, x, matrix=matrix, order=order, clip=True)
    affine = np.diag([2.0, 0.9, 1.1, 1.0])
    bend = vk.Volume(rng.uniform(-2, 2, (4, 5, 6, 3)), np.diag([3.0, 2.0, 2.0, 1.0]))
    host, device = vk.Volume(x, affine), vk.Volume(cupy.asarray(x), affine)
    got = vk.resample(device, like=host, transform=bend)
    assert_same(got.data.get(), vk.resample(host, like=host, transform=bend).data, "", FLOAT32)


def test_volumes_and_gradients(rng):
    x = image(rng, (6, 7, 8), "float32")
    affine = np.array([[0.0, 0.9, 0, 1], [-2, 0, 0.1, 2], [0, 0.1, 1.1, 3], [0, 0, 0, 1]])
    field = rng.uniform(-3, 3, (6, 7, 8, 3))
    for host, units in ((x, None), (vk.Volume(x, affine), "voxels"), (vk.Volume(x, affine), "mm")):
        device = cupy.asarray(x) if host is x else vk.Volume(cupy.asarray(x), affine)
        arguments = {"order": 3, "units": units, "return_gradient": True}
        got = vk.warp(device, cupy.asarray(field), **arguments)
        for g, w in zip(got, vk.warp(host, field, **arguments), strict=True):
            assert type(g) is type(device)
            both = (g, w) if host is x else (g.data, w.data)
            assert_same(both[0].get(), both[1], units, 2e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, h: vk.warp(x, h), vk.ArgumentTypeError, "displacement: got a NumPy array"),
        (
            lambda x, h: vk.warp(np.zeros((4, 4, 4)), cupy.asarray(h)),
            vk.ArgumentTypeError,
            "got a CuPy array",
        ),
        (
            lambda x, h: ndimage.map_coordinates(x, np.zeros((3, 2))),
            vk.ArgumentTypeError,
            "coordinates: got a NumPy",
        ),
        (lambda x, h: vk.warp(x, cupy.asarray(h), out=x), vk.ArgumentError, "out: got memory shared"),
        (
            lambda x, h: ndimage.geometric_transform(x, lambda i: i),
            vk.CudaUnavailableError,
            "no GPU version yet",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(cupy.asarray(np.zeros((4, 4, 4))), np.zeros((4, 4, 4, 3)))
