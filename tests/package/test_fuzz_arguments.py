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

import voxkern as vk

ARRAY = np.arange(1.0, 121.0, dtype=np.float32).reshape(4, 5, 6)
VOLUME = vk.Volume(ARRAY, np.diag([3.0, 2.0, 1.0, 1.0]))
LABELS = (np.indices((4, 5, 6)).sum(axis=0) // 4).astype(np.uint8)
FIELD = np.zeros((4, 5, 6, 3), np.float32)
IMAGES = np.ones((1, 2, 4, 5, 6), np.float32)
WEIGHTS = np.ones((2, 2, 3, 3, 3), np.float32)
NETWORK = [{"type": "conv3d", "weight": WEIGHTS, "padding": 1}, {"type": "relu"}]

CALLED_BACK = {"callback", "on_step", "predict"}  # what such a function raises is the caller's own
for given in (ARRAY, LABELS, FIELD, IMAGES, WEIGHTS):
    given.flags.writeable = False

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

try:
    from matplotlib.figure import Figure
except ImportError:  # then a call says what to install
    Figure = SimpleNamespace

IMAGE = {"x": VOLUME}
SIZED = {"x": VOLUME, "shape": 5}
MASK = {"mask": vk.Volume(LABELS > 0, VOLUME.affine)}
PAIR = {"a": LABELS > 1, "b": LABELS > 2}
WINDOW = {"input": IMAGES, "kernel_size": 2}
FILTER = {"input": IMAGES, "weight": WEIGHTS}


def added(other=VOLUME):
    with np.errstate(all="ignore"):
        return VOLUME + other


def planned(**options):
    return vk.ResamplePlan(**options)(VOLUME)


planned.__signature__ = inspect.signature(vk.ResamplePlan)


def layer(**options):
    return vk.nn.Conv3d(**options)(IMAGES)


layer.__signature__ = inspect.signature(vk.nn.Conv3d)

CALLS = [
    (vk.resample, SIZED),
    (vk.resample, {"x": VOLUME, "spacing": 1.5}),
    (vk.resample, {"x": VOLUME, "like": VOLUME}),
    (vk.resample, {"x": ARRAY, "matrix": np.eye(4)}),
    (vk.resample, {"x": VOLUME, "transform": np.eye(4)}),
    (vk.resample, {"x": VOLUME, "shape": 4, "affine": np.eye(4)}),
    (planned, SIZED),
    (vk.resample_labels, {"x": LABELS, "shape": 5}),
    (vk.resample_argmax, {"logits": IMAGES[0], "shape": 5}),
    (vk.warp, {"x": ARRAY, "displacement": FIELD}),
    (vk.push, {"x": ARRAY, "displacement": FIELD}),
    (vk.n4_bias_field_correction, {"x": VOLUME, "maximum_number_of_iterations": 1}),
    (vk.zscore, IMAGE),
    (vk.window, {"x": VOLUME, "low": 1, "high": 2}),
    (vk.window_to_uint8, {"x": VOLUME, "low": 1, "high": 2}),
    (vk.clip_percentiles, IMAGE),
    (vk.percentiles, {"x": VOLUME, "q": 5}),
    (vk.otsu, IMAGE),
    (vk.bounding_box, IMAGE),
    (vk.crop_to_nonzero, IMAGE),
    (vk.gaussian, {"x": VOLUME, "sigma_mm": 2}),
    (vk.hessian_eigenvalues, {"x": VOLUME, "sigma_mm": 2}),
    (vk.vesselness, {"x": VOLUME, "sigmas_mm": 2}),
    (vk.signed_distance, MASK),
    (vk.fill_holes, MASK),
    (vk.largest_component, MASK),
    (vk.dilate, MASK | {"radius_mm": 2}),
    (vk.erode, MASK | {"radius_mm": 2}),
    (vk.opening, MASK | {"radius_mm": 2}),
    (vk.closing, MASK | {"radius_mm": 2}),
    (vk.dice, PAIR),
    (vk.hausdorff_distance, PAIR),
    (vk.mean_surface_distance, PAIR),
    (vk.label_statistics, {"labels": LABELS, "image": ARRAY}),
    (vk.surface, {"x": VOLUME, "level": 50.0}),
    (vk.contours, {"labels": LABELS}),
    (vk.plot, {"volume": VOLUME, "labels": VOLUME.with_data(LABELS), "figure": Figure()}),
    (vk.view, {"volume": VOLUME, "path": "page.html", "overlay": VOLUME, "labels": VOLUME.with_data(LABELS)}),
    (vk.reorient, {"volume": VOLUME}),
    (vk.Volume, {"data": ARRAY, "affine": np.eye(4)}),
    (vk.Volume.with_data, {"self": VOLUME, "data": ARRAY}),
    (vk.Volume.world_to_index, {"self": VOLUME, "points": [1, 2, 3]}),
    (added, {}),
    (lambda index=0: VOLUME[index], {}),
    (vk.set_num_threads, {}),
    (vk.set_cache_limit, {}),
    (vk.preprocess, {"source": VOLUME}),
    (vk.load, {"path": "no such file"}),
    (vk.list_series, {"path": "no such file"}),
    (vk.open_study, {"path": "no such file"}),
    (vk.save, {"volume": VOLUME, "path": "no such folder/x.nii"}),
    (vk.nn.conv1d, {"input": IMAGES[0, :, 0, 0], "weight": WEIGHTS[:, :, 0, 0]}),
    (vk.nn.conv2d, {"input": IMAGES[0, :, 0], "weight": WEIGHTS[:, :, 0]}),
    (vk.nn.conv3d, FILTER),
    (vk.nn.conv_transpose3d, FILTER),
    (layer, {"weight": WEIGHTS}),
    (vk.nn.max_pool3d, WINDOW),
    (vk.nn.avg_pool3d, WINDOW),
    (vk.nn.adaptive_avg_pool3d, {"input": IMAGES, "output_size": 2}),
    (vk.nn.adaptive_max_pool3d, {"input": IMAGES, "output_size": 2}),
    (vk.nn.relu, {"input": IMAGES}),
    (vk.nn.leaky_relu, {"input": IMAGES}),
    (vk.nn.instance_norm, {"input": IMAGES}),
    (vk.nn.batch_norm, {"input": IMAGES, "running_mean": np.zeros(2, "f"), "running_var": np.ones(2, "f")}),
    (vk.nn.softmax, {"input": IMAGES, "dim": 1}),
    (vk.nn.argmax, {"input": IMAGES, "dim": 1}),
    (vk.nn.linear, {"input": IMAGES, "weight": np.ones((2, 6), "f")}),
    (vk.nn.interpolate, {"input": IMAGES, "size": 5}),
    (vk.nn.grid_sample, {"input": IMAGES, "grid": np.zeros((1, 2, 2, 2, 3), "f")}),
    (vk.nn.Sequential, {"layers": NETWORK}),
    (vk.nn.run_in_tiles, {"network": vk.nn.Sequential(NETWORK), "x": IMAGES, "tile": 3}),
    (vk.nn.sliding_window, {"predict": vk.nn.Sequential(NETWORK), "x": IMAGES, "window": (3, 3, 3)}),
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
