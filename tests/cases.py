# SPDX-License-Identifier: Apache-2.0
"""What the tests of all kernels try: dtypes, modes, sizes, memory layouts, images, tolerances."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import scipy.ndimage
from hypothesis import settings

INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
LABELS = ["bool", *INTEGERS]
DTYPES = [*LABELS, "float32", "float64"]
MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
# Around one, two and four vectors of 16 lanes, and nearly nothing.
SIZES = [1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 65]

# --- tolerances, as parts of the largest value ---
FLOAT64 = 1e-12  # a few hundred roundings
FILTER_FLOAT32 = 1e-6  # sums of positive weights: a few roundings of 6e-8 each
SPLINE_FLOAT32 = 2e-6  # weights, three axes and the recursion round at 6e-8 each
INTEGER = 0.5 + 1e-4  # in units: rounding to the nearest, and exact ties may go either way

NIGHT = int(os.environ.get("VOXKERN_TEST_NIGHT", "0"))  # by nox -s nightly: times as many examples


def examples(count):
    """Let Hypothesis try so many examples, many times as many by ``nox -s nightly``."""
    return settings(max_examples=count * max(NIGHT, 1), deadline=None)


# Calls of filters with every argument they have, for images of three axes.
FILTERS = [
    ("gaussian_filter", {"sigma": 1.5, "truncate": 2.0}),
    ("gaussian_filter", {"sigma": (1, 2), "axes": (0, -1)}),
    ("gaussian_filter", {"sigma": 2, "radius": (1, 2, 3)}),
    ("gaussian_filter", {"sigma": 1, "output": np.float32}),
    ("gaussian_filter", {"sigma": 1, "output": "int32"}),
    ("gaussian_filter", {"sigma": 0}),
    ("gaussian_filter", {"sigma": 1, "axes": ()}),
    ("gaussian_filter", {"sigma": (0.6, 0.0, 2.5), "order": (0, 1, 0), "mode": "constant", "cval": 3.0}),
    ("gaussian_filter1d", {"sigma": 1, "axis": 0, "order": 3}),
    ("gaussian_filter1d", {"sigma": 2.2, "radius": 3, "mode": "grid-wrap"}),
    ("uniform_filter1d", {"size": 4, "axis": 1, "origin": 1, "output": np.float32}),
    ("correlate1d", {"weights": [1, 2, 3], "origin": -1}),
    ("convolve1d", {"weights": [1, 2, 3, 4], "axis": 1, "origin": 1}),
    ("convolve1d", {"weights": [1, 2, 3]}),
]
MEANS = [
    {"size": 3},
    {"size": (1, 4, 7), "mode": "mirror"},
    {"size": 5, "origin": (0, 1, -2), "mode": "constant", "cval": 7},
    {"size": (2, 3), "axes": (2, 0)},
    {"size": 40, "mode": ("wrap", "nearest", "reflect")},
]
# Shapes of an image and of what it is resampled to.
RESAMPLINGS = [((11, 13, 17), (14, 9, 33)), ((1, 2, 3), (4, 5, 1)), ((30, 31, 33), (30, 16, 47))]


def image(rng, shape, dtype):
    """Noise: -100 to 100, integers from 0 to 200 as far as they go."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (rng.random(shape) * 200 - 100).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) > 0.5
    return rng.integers(0, min(200, np.iinfo(dtype).max), shape).astype(dtype)


def regions(rng, shape, count, dtype="uint8"):
    """Compact regions of ``count`` labels, as in a segmentation."""
    scores = [scipy.ndimage.gaussian_filter(rng.normal(size=shape), 2.5) for _ in range(count)]
    return np.argmax(scores, axis=0).astype(dtype)


def filter_weights(rng, kind):
    """Return weights that are even, odd or neither."""
    half = rng.random(4)
    return {
        "even": np.r_[half[::-1], 0.7, half],
        "odd": np.r_[-half[::-1], 0.0, half],
        "none": rng.random(6) - 0.4,
    }[kind]


# --- memory layouts: how an array is stored, and the view of it that has the values ---


def _backwards(a):
    return a[(slice(None, None, -1),) * a.ndim]


def _padded(a):
    padded = np.zeros(tuple(2 * n for n in a.shape), a.dtype)
    padded[(slice(None, None, 2),) * a.ndim] = a
    return padded


LAYOUTS = {
    "C": (lambda a: a, lambda a: a),
    "F": (lambda a: a.T, lambda a: a.T),
    "reversed": (_backwards, _backwards),
    "strided": (_padded, lambda a: a[(slice(None, None, 2),) * a.ndim]),
}


def in_layout(array, name, give=lambda a: a):
    """Return ``array`` in another memory layout; ``give`` takes the stored block to where it shall live."""
    store, view = LAYOUTS[name]
    return view(give(np.ascontiguousarray(store(array))))


def layouts(array):
    """Yield the same values in the memory orders and strides that arrays arrive in."""
    for name in LAYOUTS:
        yield name, in_layout(array, name)
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen


# --- answers ---


class Answers:
    """Arrays that slow functions gave for their arguments: each ISA level asks for them again."""

    _MOST = 1 << 28  # bytes; above that the oldest make room

    def __init__(self):
        self._kept, self._bytes = OrderedDict(), 0

    def __call__(self, function, *args, **kwargs):
        question = pickle.dumps((function.__module__, function.__qualname__, args, kwargs))
        if question not in self._kept:
            answer = self._kept[question] = np.asarray(function(*args, **kwargs))
            answer.flags.writeable = False
            self._bytes += len(question) + answer.nbytes
            while self._bytes > self._MOST and len(self._kept) > 1:
                old, answer = self._kept.popitem(last=False)
                self._bytes -= len(old) + answer.nbytes
        return self._kept[question]


known = Answers()


# --- comparisons ---


def assert_close(got, want, what="", float32=SPLINE_FLOAT32):
    """Compare with a result in float64, not yet rounded to the dtype of ``got``."""
    assert got.shape == want.shape, what
    if got.dtype.kind in "biu":
        low, high = (0, 1) if got.dtype == bool else (np.iinfo(got.dtype).min, np.iinfo(got.dtype).max)
        want, tolerance = np.clip(want, low, high), INTEGER
    else:
        scale = max(float(np.max(np.abs(want), initial=0.0)), 1e-30)
        tolerance = scale * (float32 if got.dtype == np.float32 else FLOAT64)
    error = float(np.max(np.abs(got.astype(np.float64) - want), initial=0.0))
    assert error <= tolerance, (what, error, tolerance)


def assert_same(got, want, what="", float32=FILTER_FLOAT32, float64=0.0):
    """Compare with a result of the same dtype: integers are equal, and float64 is unless allowed more."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    allowed = {"f4": float32, "f8": float64}.get(want.dtype.str[1:], 0.0)
    if not allowed:
        np.testing.assert_array_equal(got, want, err_msg=str(what))
        return
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(numbers, ~np.isnan(got), err_msg=str(what))
    got, want = got[numbers], want[numbers]
    scale = max(float(np.max(np.abs(want), initial=0.0)), 1e-30)
    assert np.max(np.abs(got - want), initial=0.0) <= allowed * scale, what
