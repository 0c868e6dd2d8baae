# SPDX-License-Identifier: Apache-2.0
"""Wrong arguments, drawn by chance: out comes a result or one of voxkern's errors, and nothing else."""

import contextlib
import inspect
import io
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from calls import ARRAY, CALLS, FIELD, IMAGES, LABELS, VOLUME

import voxkern as vk

CALLED_BACK = {"callback", "on_step", "predict"}  # what such a function raises is the caller's own

# Small enough that a call that takes one of them ends at once.
WRONG = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    3.7,
    -0.0,
    1e-300,
    1e300,
    float("nan"),
    float("inf"),
    10**30,
    -(10**30),
    2**62,
    2**63,
    1j,
    "",
    "x",
    "nearest",
    "otsu",
    "all",
    "lanczos\u0663",
    "3",
    "\0",
    b"x",
    [],
    (),
    {},
    set(),
    [0],
    [1, 2],
    (1, 2, 3),
    [1.5, 2, 3],
    [None],
    ["a", "b", "c"],
    [[1], [2, 3]],
    [10**30] * 3,
    [-1] * 3,
    [np.nan] * 3,
    range(3),
    (n for n in (1, 2)),
    {"a": 1},
    {1, 2},
    object(),
    object,
    len,
    slice(None),
    ...,
    np.float32(2),
    np.int8(-3),
    np.bool_(True),
    np.str_("reflect"),
    np.datetime64("2020-01-01"),
    np.array(2),
    np.array("a"),
    np.array([]),
    np.zeros((0, 3)),
    np.ones(2),
    np.ones((3, 3)),
    np.eye(4),
    np.ones((4, 4)),
    np.array([1, None]),
    np.array(["a", "b"]),
    np.zeros(3, "M8[s]"),
    np.zeros((2, 2), "i4,f4"),
    np.zeros((4, 5, 6), object),
    ARRAY[0],
    ARRAY,
    -ARRAY,
    ARRAY + 1j,
    ARRAY.astype(">f4"),
    ARRAY.astype(np.longdouble),
    ARRAY * np.nan,
    LABELS,
    FIELD,
    IMAGES,
    VOLUME,
    VOLUME[1:],
    vk.Volume(LABELS, np.eye(4)),
    vk.Volume(FIELD, VOLUME.affine),
    np.ma.masked_array(ARRAY, ARRAY > 5),
    memoryview(b"abcd"),
    io.BytesIO(b"abcd"),
    SimpleNamespace(shape=(4, 5, 6), dtype="float32"),
    SimpleNamespace(affine=1, dataobj=2),
    Exception("x"),
]


def wrong_call(rng):
    """Return a function and arguments of which one or two are drawn from everything that is not meant."""
    function, options = CALLS[rng.integers(len(CALLS))]
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    chosen = rng.choice(names, size=min(len(names), 1 + rng.integers(2)), replace=False)
    drawn = {str(name): WRONG[rng.integers(len(WRONG))] for name in chosen}
    own = {name for name, value in drawn.items() if name in CALLED_BACK and callable(value)}
    return function, dict(options) | {name: value for name, value in drawn.items() if name not in own}


def other_errors(seed, count):
    """Return what wrong calls raised that is no error of voxkern's, or one that says too little."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        function, options = wrong_call(rng)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", UserWarning)
                warnings.filterwarnings("ignore", "Setting the shape", DeprecationWarning)  # scikit-image's
                function(**options)
        except vk.VoxkernError as error:
            told = str(error)
            said = isinstance(error, vk.LoadError | vk.MissingPackageError) or (
                "got" in told and ("allowed" in told or "which" in told)
            )
            if not said or len(told) > 600:
                found.append((getattr(function, "__name__", "?"), options, told))
        except BaseException as error:  # a panic of the interpreter's, too
            found.append((getattr(function, "__name__", "?"), options, repr(error)))
    return [f"{name}({', '.join(f'{k}={v!r:.60}' for k, v in o.items())}): {e}" for name, o, e in found]


def test_every_public_function_is_called():
    called = {function for function, _ in CALLS}
    names = [n for n in vk.__all__ if inspect.isfunction(getattr(vk, n))] + ["nn." + n for n in vk.nn.__all__]
    of_no_arguments = {"cuda_available", "get_num_threads", "release_memory", "show_config", "patch_scipy"}
    other_ranks = {f"nn.{n}" for n in vk.nn.__all__ if n.endswith(("1d", "2d"))}
    missing = set(names) - of_no_arguments - other_ranks - {"nn.Conv3d"}
    assert not [n for n in missing if not {getattr(vk, n, None), getattr(vk.nn, n[3:], None)} & called]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files that a call may write go to a folder of their own, no page opens; settings are put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    limit = vk.show_config()["cache_limit"]
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    vk.set_num_threads(None)
    vk.set_cache_limit(limit)


def test_wrong_calls():
    assert not other_errors(20261130, 2000)


@pytest.mark.slow
def test_many_more_wrong_calls():
    assert not other_errors(20261201, 20000)
