# SPDX-License-Identifier: Apache-2.0
"""zoom, shift and the spline filters against scipy, where its own tests do not try them."""

import ctypes
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest
import scipy
import scipy.ndimage as scipy_ndimage
from cases import INTEGERS, MODES, SIZES, examples, image
from hypothesis import assume, given
from hypothesis import strategies as st

import voxkern as vk
from voxkern import _core, ndimage


def assert_close(ours, theirs, x):
    """Hold our function against scipy's on ``x``; integers may differ at exact ties alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # grid_mode with other modes
        got, want = ours(x), theirs(x)
        exact = theirs(x.astype(np.float64))
    assert got.dtype == want.dtype and got.shape == want.shape
    if x.dtype.kind in "iu":
        differ = got != want
        assert np.all(np.abs(np.abs(exact[differ] % 1) - 0.5) < 1e-9)
        assert np.all(np.abs(got.astype(float) - want)[differ] == 1)
    else:
        tolerance = 1e-12 if x.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * max(float(np.abs(x).max()), 7.0))


@given(
    shape=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3),
    dtype=st.sampled_from(["float64", "float32", "int16", "uint8"]),
    order=st.integers(0, 5),
    mode=st.sampled_from(MODES),
    factor=st.sampled_from([0.5, 0.77, 1.0, 1.31, 2.0]),
    grid_mode=st.booleans(),
    prefilter=st.booleans(),
    seed=st.integers(0, 99),
)
@examples(80)
def test_zoom(shape, dtype, order, mode, factor, grid_mode, prefilter, seed):
    unmoved = prefilter and factor != 1.0 and any(round(n * factor) == n for n in shape)
    assume(not unmoved or mode not in ("reflect", "grid-mirror"))  # as in test_shift
    x = image(np.random.default_rng(seed), shape, dtype)
    options = {"order": order, "mode": mode, "cval": 7.0, "prefilter": prefilter, "grid_mode": grid_mode}
    assert_close(
        lambda a: ndimage.zoom(a, factor, **options), lambda a: scipy_ndimage.zoom(a, factor, **options), x
    )


@given(
    shape=st.lists(st.sampled_from(SIZES), min_size=1, max_size=3),
    dtype=st.sampled_from(["float64", "float32", "int16", "uint8"]),
    order=st.integers(0, 5),
    mode=st.sampled_from(MODES),
    by=st.floats(-20, 20),
    prefilter=st.booleans(),
    seed=st.integers(0, 99),
)
@examples(80)
def test_shift(shape, dtype, order, mode, by, prefilter, seed):
    x = image(np.random.default_rng(seed), shape, dtype)
    options = {"order": order, "mode": mode, "cval": 3.0, "prefilter": prefilter}
    by = round(by, 3)
    # An axis that does not move is left alone, where scipy's reflect is not quite exact on short lines.
    assume(by != 0 or mode not in ("reflect", "grid-mirror"))
    assert_close(
        lambda a: ndimage.shift(a, by, **options), lambda a: scipy_ndimage.shift(a, by, **options), x
    )


@pytest.mark.parametrize("order", range(2, 6))
@pytest.mark.parametrize("mode", MODES)
def test_spline_filter(rng, cpu_level, layouts, order, mode):
    x = rng.random((17, 9, 31))
    for name, array in layouts(x):
        np.testing.assert_allclose(
            ndimage.spline_filter(array, order, mode=mode),
            scipy_ndimage.spline_filter(x, order, mode=mode),
            atol=1e-12,
            err_msg=name,
        )
    for axis in range(3):
        np.testing.assert_allclose(
            ndimage.spline_filter1d(x, order, axis, mode=mode),
            scipy_ndimage.spline_filter1d(x, order, axis, mode=mode),
            atol=1e-12,
        )


def test_more_axes_than_the_kernel_takes(rng):
    x = rng.random((5, 6, 4, 7, 3))
    for mode in ("constant", "nearest", "reflect"):
        for order in (1, 3):
            np.testing.assert_allclose(
                ndimage.zoom(x, (1.4, 0.7, 1.5, 1.2, 2), order=order, mode=mode),
                scipy_ndimage.zoom(x, (1.4, 0.7, 1.5, 1.2, 2), order=order, mode=mode),
                atol=1e-12,
            )
    np.testing.assert_allclose(ndimage.spline_filter(x), scipy_ndimage.spline_filter(x), atol=1e-12)


def test_complex_outputs_and_dtypes(rng):
    z = rng.random((9, 8)) + 1j * rng.random((9, 8))
    np.testing.assert_allclose(
        ndimage.zoom(z, 1.5, cval=1 + 2j), scipy_ndimage.zoom(z, 1.5, cval=1 + 2j), atol=1e-12
    )
    np.testing.assert_allclose(
        ndimage.spline_filter(z, output=complex), scipy_ndimage.spline_filter(z, output=complex)
    )
    x = rng.random((9, 8))
    for dtype in (np.float32, np.int16, ">f8"):
        got, want = ndimage.shift(x * 50, 0.3, output=dtype), scipy_ndimage.shift(x * 50, 0.3, output=dtype)
        np.testing.assert_allclose(got.astype(float), want.astype(float), atol=1e-5)
    out = np.zeros((9, 16))[:, ::2]
    assert ndimage.shift(x, 1.5, output=out) is out
    np.testing.assert_allclose(out, scipy_ndimage.shift(x, 1.5), atol=1e-12)
    same = x.copy()
    ndimage.shift(same, 0.5, output=same)  # scipy allows it
    np.testing.assert_allclose(same, scipy_ndimage.shift(x, 0.5), atol=1e-12)


def test_a_volume_keeps_its_anatomy_in_place(rng):
    affine = np.array([[0, 0, 2.5, -10], [0.9, 0, 0, 20], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])
    x, y, z = np.indices((8, 9, 10))
    ramp = (
        np.einsum("i,i...->...", affine[0, :3], np.stack([x, y, z])) + affine[0, 3]
    )  # millimetres to the right
    v = vk.Volume(ramp.astype(np.float64), affine)
    for w in (
        ndimage.zoom(v, 1.5, order=1),
        ndimage.zoom(v, 1.5, order=1, grid_mode=True, mode="nearest"),
        ndimage.shift(v, (0.0, 1.25, -0.5), order=1, mode="nearest"),
    ):
        assert isinstance(w, vk.Volume)
        index = np.stack([*np.indices(w.shape), np.ones(w.shape)])
        want = np.einsum("i,i...->...", w.affine[0], index)
        inside = (slice(2, -2),) * 3
        np.testing.assert_allclose(np.asarray(w.data)[inside], want[inside], atol=1e-9)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda f: f.zoom(np.ones(4), 2, order=6), RuntimeError),
        (lambda f: f.zoom(np.float64(1), 2), RuntimeError),
        (lambda f: f.zoom(np.ones((4, 4)), (1, 2, 3)), RuntimeError),
        (lambda f: f.zoom(np.ones(4), 2, mode="no"), RuntimeError),
        (lambda f: f.zoom(np.ones(4), 2, output=np.ones(4)), RuntimeError),
        (lambda f: f.shift(np.ones(4), 1, order=-1), RuntimeError),
        (lambda f: f.spline_filter(np.ones(4), 1), RuntimeError),
        (lambda f: f.spline_filter1d(np.ones(4), 7), RuntimeError),
        (lambda f: f.spline_filter1d(np.ones((4, 4)), axis=5), Exception),
    ],
)
def test_bad_input_raises_what_scipy_raises(call, kind):
    with pytest.raises(kind) as theirs:
        call(scipy_ndimage)
    with pytest.raises(type(theirs.value)):
        call(ndimage)


def calls_of_order(order):
    x = np.arange(12.0).reshape(3, 4)
    return [
        lambda f: f.shift(x, 0.5, order=order),
        lambda f: f.zoom(x, 2, order=order),
        lambda f: f.affine_transform(x, np.eye(2) * 0.9, order=order),
        lambda f: f.rotate(x, 10, order=order),
        lambda f: f.map_coordinates(x, [[0.5], [0.5]], order=order),
        lambda f: f.geometric_transform(x, lambda i: i, order=order),
        lambda f: f.spline_filter(x, order=order),
        lambda f: f.spline_filter1d(x, order=order),
    ]


@pytest.mark.parametrize("order", [1.0, 3.0, np.float32(2), True, np.int8(3)])
def test_an_order_is_what_scipy_takes_for_one(order):
    for call in calls_of_order(order):
        try:
            want = call(scipy_ndimage)
        except (TypeError, RuntimeError) as error:
            with pytest.raises(type(error)) as ours:
                call(ndimage)
            assert str(ours.value) == str(error)
        else:
            np.testing.assert_allclose(call(ndimage), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("factor", [2.0**20, 2.0**31, 2.0**40, 2.0**62])
def test_a_result_beyond_all_memory(factor):
    for x in (np.zeros((4, 4, 4)), np.zeros((4, 4, 4), np.uint8)):
        with pytest.raises((MemoryError, ValueError)):
            scipy_ndimage.zoom(x, factor)
        with pytest.raises(vk.ArgumentError, match=r"result: got .* allowed what fits in memory"):
            ndimage.zoom(x, factor)


@pytest.mark.parametrize("dtype", [bool, *INTEGERS])
def test_coefficients_of_whole_numbers_are_scipys(rng, cpu_level, dtype):
    """They are cut to the dtype of the output after each axis, and wrap."""
    x = rng.random((9, 10, 11)) * 300
    if dtype in ("uint32", "uint64"):  # a number below 0 wraps to one so large that its fraction is rounding
        x = 2000 + x / 60
    for order in (2, 3, 4, 5):
        for name, more in (("spline_filter", {}), ("spline_filter1d", {"axis": 1})):
            for array in (x, x.astype(np.float32), np.asfortranarray(x)):
                got = getattr(ndimage, name)(array, order, output=dtype, **more)
                want = getattr(scipy_ndimage, name)(array, order, output=dtype, **more)
                assert got.dtype == want.dtype
                np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))
    same = x.copy()
    out = np.empty(x.shape, np.int16)
    assert ndimage.spline_filter(same, output=out) is out
    np.testing.assert_array_equal(out, scipy_ndimage.spline_filter(x, output=np.int16))


def test_threads_agree(rng):
    x = rng.random((40, 50, 60), dtype=np.float32)
    first = ndimage.zoom(x, 1.3, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(ndimage.zoom(x, 1.3, threads=threads), first)


_MAPPING = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_ssize_t), ctypes.POINTER(ctypes.c_double), ctypes.c_int,
    ctypes.c_int, ctypes.c_void_p,
)  # fmt: skip


@_MAPPING
def _half_a_sample_back(index, coordinates, output_rank, input_rank, user_data):
    shift = ctypes.cast(user_data, ctypes.POINTER(ctypes.c_double))[0] if user_data else 0.5
    for axis in range(input_rank):
        coordinates[axis] = index[axis if output_rank == input_rank else 0] - shift
    return 1


@_MAPPING
def _fails(*_):
    return 0


def _capsule(function):
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return make(("PyCapsule_New", ctypes.pythonapi))(ctypes.cast(function, ctypes.c_void_p), None, None)


def test_geometric_transform_takes_compiled_mappings(rng):
    x = rng.random((7, 8))
    shift = ctypes.c_double(1.25)
    with_data = scipy.LowLevelCallable(_half_a_sample_back, ctypes.cast(ctypes.byref(shift), ctypes.c_void_p))
    for mapping in (scipy.LowLevelCallable(_half_a_sample_back), with_data, _capsule(_half_a_sample_back)):
        for options in (
            {},
            {"order": 1, "output_shape": (3, 4)},
            {"output_shape": (5,)},
            {"output_shape": (0, 2)},
        ):
            got = ndimage.geometric_transform(x, mapping, **options)
            want = scipy_ndimage.geometric_transform(x, mapping, **options)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


def test_coordinates_that_a_compiled_mapping_does_not_set_are_zero(rng):
    x = rng.random((3, 4))
    spoiled = ndimage.correlate1d(np.full((64, 64, 64), np.nan), [1.0])
    assert np.isnan(spoiled).all()
    del spoiled  # the coordinates take its memory: 2 MiB
    got = ndimage.geometric_transform(x, _capsule(ctypes.pythonapi.Py_IsInitialized), (131072,), order=1)
    np.testing.assert_array_equal(got, x[0, 0])


def test_compiled_mappings_may_set_exceptions():
    with pytest.raises(TypeError, match="bad argument type"):
        ndimage.geometric_transform(np.ones(4), _capsule(ctypes.pythonapi.PyErr_BadArgument))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX's clock, which takes its time")
def test_others_run_beside_a_compiled_mapping():
    """It holds the lock of the interpreter, but not for long."""
    turns, done = [], threading.Event()

    def take_turns():
        while not done.wait(0.001):
            turns.append(time.perf_counter())

    other = threading.Thread(target=take_turns)
    other.start()
    mapping = _core.CompiledMapping(_capsule(ctypes.CDLL(None).clock))
    begin = time.perf_counter()
    _core.mapped_points(mapping, np.empty((3_000_000, 1)), 1)
    end = time.perf_counter()
    done.set()
    other.join()
    assert any(begin + 0.05 < turn < end for turn in turns)


@pytest.mark.parametrize(
    "mapping",
    [scipy.LowLevelCallable(_fails), scipy.LowLevelCallable(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)), 5],
)
def test_bad_mappings_raise_what_scipy_raises(mapping):
    with pytest.raises(Exception) as theirs:
        scipy_ndimage.geometric_transform(np.ones(4), mapping)
    with pytest.raises(theirs.type):
        ndimage.geometric_transform(np.ones(4), mapping)


def test_compiled_mappings_do_not_import_scipy():
    code = """
        import sys, datetime
        from voxkern import ndimage
        ndimage.geometric_transform([0.0, 1.0], lambda i: i, order=1)
        try:
            ndimage.geometric_transform([0.0, 1.0], datetime.datetime_CAPI)
        except ValueError:
            assert "scipy" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
