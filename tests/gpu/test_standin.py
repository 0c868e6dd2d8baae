# SPDX-License-Identifier: Apache-2.0
"""The stand-in for CuPy behaves as CuPy does where it stands in."""

import gc

import numpy as np
import pytest

cupy = pytest.importorskip("cupy", reason="needs CuPy, or a build with VOXKERN_CUDA=EXECUTOR")

pytestmark = pytest.mark.usefixtures("executor")


@pytest.fixture
def host(rng):
    return rng.random((3, 4, 5)).astype(np.float32)


def test_round_trip(host):
    for order in "CF":
        x = cupy.asarray(host, order=order)
        assert (x.shape, x.dtype, x.ndim, x.size, x.nbytes) == ((3, 4, 5), np.float32, 3, 60, 240)
        assert x.strides == np.asarray(host, order=order).strides
        np.testing.assert_array_equal(x.get(), host)
        np.testing.assert_array_equal(cupy.asnumpy(x), host)
    assert cupy.asarray(x) is x
    assert cupy.asarray(np.float64(3)).get() == 3
    assert cupy.asarray(np.empty((0, 3))).get().shape == (0, 3)


def test_copies_in_place(host):
    x, out = cupy.empty(host.shape, host.dtype), np.empty_like(host)
    x.set(host)
    other = cupy.empty(host.shape, host.dtype)
    cupy.copyto(other, x)
    assert other.get(out=out) is out
    np.testing.assert_array_equal(out, host)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[1],
        lambda a: a[1, 2, 3],
        lambda a: a[::-1, 1:, ::2],
        lambda a: a[..., -1],
        lambda a: a[None, :, 2],
        lambda a: a.T,
        lambda a: a.transpose(1, 2, 0)[::-2],
        lambda a: a.reshape(12, 5),
        lambda a: a.reshape((-1,)),
    ],
)
def test_views_share_memory(host, view, executor):
    x = cupy.asarray(host)
    before = executor.counters()["live_allocations"]
    seen, expected = view(x), view(host)
    assert executor.counters()["live_allocations"] == before
    assert (seen.shape, seen.strides) == (np.shape(expected), np.asarray(expected).strides)
    np.testing.assert_array_equal(seen.get(), expected)


def test_parts_of_complex_numbers(host):
    z = host + 1j * host[::-1]
    x = cupy.asarray(z)
    np.testing.assert_array_equal(x.real.get(), z.real)
    np.testing.assert_array_equal(x[::2].imag.get(), z[::2].imag)


def test_what_would_copy_is_refused(host):
    x = cupy.asarray(host)
    with pytest.raises(ValueError, match="copy"):
        x.T.reshape(60)
    with pytest.raises(TypeError, match="views only"):
        x[[0, 1]]
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    with pytest.raises(TypeError, match="does not convert"):
        cupy.asarray(x, dtype=np.float64)


def test_new_memory_is_nan():
    assert np.isnan(cupy.empty((2, 3), np.float32).get()).all()
    assert (cupy.empty(4, np.int16).get() == -1).all()


def test_memory_is_freed_in_the_order_of_its_stream(executor):
    executor.set_streams("deferred")
    gc.collect()
    cupy.cuda.Stream.null.synchronize()
    before = executor.counters()["live_allocations"]
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        x = cupy.empty(10)
    view = x[2:]
    del x
    gc.collect()
    stream.synchronize()
    assert executor.counters()["live_allocations"] == before + 1
    del view
    gc.collect()
    assert executor.counters()["live_allocations"] == before + 1
    stream.synchronize()
    assert executor.counters()["live_allocations"] == before


def test_streams_are_current_where_they_are_entered():
    null = cupy.cuda.get_current_stream()
    stream = cupy.cuda.Stream()
    x = cupy.empty(3)
    assert null.ptr == 0
    assert x.__cuda_array_interface__["stream"] == 1
    with stream:
        assert cupy.cuda.get_current_stream() is stream
        assert x.__cuda_array_interface__["stream"] == stream.ptr
        with cupy.cuda.ExternalStream(null.ptr):
            assert cupy.cuda.get_current_stream().ptr == 0
    assert cupy.cuda.get_current_stream() is null


@pytest.mark.parametrize("ordered", [False, True])
def test_an_event_orders_streams(host, executor, ordered):
    executor.set_streams("deferred")
    producer, consumer = cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)
    with producer:
        x = cupy.asarray(host)
    if ordered:
        consumer.wait_event(producer.record())
    with consumer:
        seen = x.get()
    assert np.array_equal(seen, host) is ordered
    producer.synchronize()


def test_array_interface(host):
    x = cupy.asarray(host)
    assert x.__cuda_array_interface__ == {
        "shape": (3, 4, 5), "typestr": "<f4", "descr": [("", "<f4")], "stream": 1, "version": 3,
        "strides": None, "data": (x.data.ptr, False),
    }  # fmt: skip
    assert x.T.__cuda_array_interface__["strides"] == (4, 20, 80)
    assert cupy.empty((0, 2)).__cuda_array_interface__["data"] == (0, False)


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2", "i8", "c8", "?"])
def test_dlpack(host, dtype, executor):
    executor.set_streams("deferred")
    expected = (host * 10).astype(dtype)
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        x = cupy.asarray(expected)[::2].T
    assert x.__dlpack_device__() == (2, 0)
    with stream:
        y = cupy.from_dlpack(x)
    ptr = x.data.ptr
    del x
    gc.collect()
    assert (y.data.ptr, y.dtype) == (ptr, np.dtype(dtype))
    with stream:
        np.testing.assert_array_equal(y.get(), expected[::2].T)


def test_dlpack_waits_for_the_producer(host, executor):
    executor.set_streams("deferred")
    producer, consumer = cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream(non_blocking=True)
    with producer:
        x = cupy.asarray(host)
        capsule = x.__dlpack__(stream=consumer.ptr)
    with consumer:
        np.testing.assert_array_equal(x.get(), host)
    before = executor.counters()["live_allocations"]
    del x, capsule  # nobody took the capsule: it lets go of the memory
    gc.collect()
    producer.synchronize()
    assert executor.counters()["live_allocations"] == before - 1


def test_counters(host, executor):
    x = cupy.asarray(host)
    before = executor.counters()
    x.get()
    after = executor.counters()
    assert after["copies_to_host"] == before["copies_to_host"] + 1
    assert after["synchronisations"] == before["synchronisations"] + 1
    assert after["launches"] == before["launches"]


def test_device():
    x = cupy.empty(1)
    with cupy.cuda.Device(x.device.id):
        assert x.device == cupy.cuda.Device(0)
    with pytest.raises(RuntimeError, match="cudaErrorInvalidDevice"), cupy.cuda.Device(1):
        pass
    assert cupy.cuda.is_available()
    assert cupy.cuda.runtime.getDeviceCount() == 1


def test_settings_are_checked(executor):
    with pytest.raises(ValueError, match="order: got 'up', allowed"):
        executor.set_order("up")
    with pytest.raises(ValueError, match="streams: got 'up', allowed"):
        executor.set_streams("up")
    executor.set_order("7")
    executor.set_streams("deferred")
    assert (executor.order(), executor.streams()) == ("7", "deferred")
